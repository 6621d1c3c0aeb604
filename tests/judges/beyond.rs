//! What policies allow beyond those who were given is what `can` answers of pods with such labels, which nobody gave.

use crate::judges::asked::{Source, ask, party, port, subject, target};
use crate::judges::asserted::{protocol_of, some_port};
use crate::judges::running::{manifests, pods};
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::{Party, Pod};
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::rng::Rng;
use polder::ask::{Asked, Beyond, GroupName, Says, beyond};
use polder::cover::Budget;
use polder::engine::{Engine, Which};
use polder::net::{Direction, PortSet};

/// Whether a pod is one of the others.
fn is_one(pod: &Pod, others: &GroupName) -> bool {
    let GroupName::Selected(home, namespaces, labels) = others else { return false };
    let is_there = home.as_ref().is_none_or(|home| **home == *pod.namespace);
    is_there && namespaces.matches(&pod.namespace_labels) && labels.matches(&pod.labels)
}

#[test]
fn what_is_allowed_beyond_those_who_were_given_is_what_can_answers() {
    let mut allowed = 0;
    for seed in seeds(120) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let meaning = Meaning::of(&program);
        let pods = pods(&mut Draw::new(seed, &meaning, &meaning.atoms()));
        // Their namespaces are given, and of some no pods.
        let hidden = &pods[0].namespace;
        let (absent, given): (Vec<&Pod>, Vec<&Pod>) = pods.iter().partition(|pod| pod.namespace == *hidden);
        let mut list: serde_json::Value = serde_json::from_str(&manifests(&pods, None)).unwrap();
        list["items"].as_array_mut().unwrap().retain(|item| item["metadata"]["namespace"] != **hidden);
        let Some(subject) = subject(&source, Some(&list.to_string())) else { continue };
        let Some(situation) = subject.situation(&[]) else { continue };
        let engine = Engine::new(&situation.world, subject.policies());
        let told: Vec<Beyond> = beyond(&engine, [None, None], &mut Budget::of_question()).unwrap();
        let mut rng = Rng::new(seed ^ 0xbe70);
        for (absent, given) in absent.iter().flat_map(|absent| given.iter().map(move |given| (absent, given))) {
            let place = pods.iter().position(|pod| std::ptr::eq(pod, *given)).unwrap();
            let own = format!("{}/p{place}[Pod]", given.namespace);
            let end = situation.find(&Asked::Name(own.clone())).unwrap();
            let other = party(&Party::Pod((*absent).clone()));
            for direction in Direction::ALL {
                let (protocol, number) = some_port(&program, &mut rng);
                let set = PortSet::number(protocol_of(protocol), number);
                let is_about = |one: &&Beyond| {
                    let is_it = one.direction == direction && end.iter().all(|end| one.subjects.contains(end));
                    is_it && is_one(absent, &one.peer) && one.ports.contains(&set)
                };
                let is_told = told.iter().filter(is_about).any(|one| one.which == Which::All);
                if !is_told {
                    continue;
                }
                let (from, to) = match direction {
                    Direction::Egress => (&own, &other),
                    Direction::Ingress => (&other, &own),
                };
                let Ok(seen) = ask(&subject, from, &target(to, &port(protocol, number))) else { continue };
                let what = || format!("seed {seed}: {from} -> {to} on {number}: {seen:?}\n{told:#?}\n{source}");
                assert_eq!(seen.says, Says::Allowed, "{}", what());
                allowed += 1;
            }
        }
    }
    assert!(allowed > 10, "{allowed}");
}
