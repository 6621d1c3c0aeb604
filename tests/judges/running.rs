//! The same of pods that run: `reach`, `can` and `why` say the same of every two of them, and never less or more than the
//! assertions and the answers about all pods that could exist.

use crate::judges::asked::{Seen, Source, ask, name, port, pose, subject, target};
use crate::judges::asserted::{ends, judged, protocol_of, some_port};
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::{Labels, Party, Pod};
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::rng::Rng;
use polder::ask::{Detail, Program as Asked, Reach, Says, why};
use polder::engine::Engine;
use polder::net::PortSet;
use polder::session::Subject;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Pods of each program.
const PODS: usize = 8;

/// Questions about each program.
const QUESTIONS: usize = 20;

/// The pods with their namespaces; of those of `hidden` nobody says the labels.
pub(super) fn manifests(pods: &[Pod], hidden: Option<&str>) -> String {
    let mut all: Vec<Value> = Vec::new();
    let mut namespaces: BTreeMap<&str, &Labels> = BTreeMap::new();
    for (index, pod) in pods.iter().enumerate() {
        namespaces.insert(&pod.namespace, &pod.namespace_labels);
        let port = |port: &crate::oracle::evaluate::NamedPort| {
            let protocol = port.protocol.to_string().to_uppercase();
            json!({ "name": port.name, "containerPort": port.number, "protocol": protocol })
        };
        let ports: Vec<Value> = pod.ports.iter().map(port).collect();
        let metadata = json!({ "name": format!("p{index}"), "namespace": pod.namespace, "labels": pod.labels });
        let spec = json!({ "containers": [{ "name": "c", "image": "x", "ports": ports }] });
        all.push(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec }));
    }
    all.extend(namespaces.into_iter().filter(|(name, _)| Some(*name) != hidden).map(object));
    list(&all)
}

fn object((name, labels): (&str, &Labels)) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": json!({ "name": name, "labels": labels }) })
}

fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

/// Objects of some namespaces, and nothing that runs there.
pub(super) fn objects(namespaces: &BTreeMap<String, Labels>) -> String {
    list(&namespaces.iter().map(|(name, labels)| object((name, labels))).collect::<Vec<_>>())
}

pub(super) fn pods(draw: &mut Draw) -> Vec<Pod> {
    let mut homes: BTreeMap<String, Labels> = BTreeMap::new();
    let mut pods = Vec::new();
    while pods.len() < PODS {
        if let Party::Pod(mut pod) = draw.party() {
            // A namespace has one set of labels.
            pod.namespace_labels = homes.entry(pod.namespace.clone()).or_insert(pod.namespace_labels).clone();
            pods.push(pod);
        }
    }
    pods
}

fn explain(subject: &Subject, from: &str, to: &str) -> Says {
    let posed = pose(subject, from, to).unwrap();
    let engine = Engine::new(&posed.situation.world, subject.policies());
    let program = Asked { model: subject.model().unwrap(), flows: subject.flows().unwrap() };
    why(&engine, Some(program), &posed.from, &posed.to, &posed.doubtful).unwrap().says
}

#[test]
fn reach_can_and_why_say_the_same_of_pods_that_run() {
    let (mut sure, mut denied, mut unknown) = (0, 0, 0);
    for seed in seeds(20) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let meaning = Meaning::of(&program);
        let mut draw = Draw::new(seed, &meaning, &meaning.atoms());
        let pods = pods(&mut draw);
        let hidden = (seed % 3 == 0).then(|| pods[0].namespace.clone());
        let subject = subject(&source, Some(&manifests(&pods, hidden.as_deref()))).unwrap();
        let situation = subject.situation(&[]).unwrap();
        let engine = Engine::new(&situation.world, subject.policies());
        let ports = |_| None::<Result<PortSet, ()>>;
        let reach = Reach::new(&engine, &situation, [None, None], Detail::Table, ports).unwrap();
        let row = |name: &str| {
            let has = |row: &polder::ask::Row| row.names.groups().iter().any(|group| group.to_string() == name);
            reach.rows.iter().position(has).unwrap()
        };
        let mut rng = Rng::new(seed ^ 0x70d5);
        for _ in 0..QUESTIONS {
            let (one, other) = (rng.below(PODS), rng.below(PODS));
            let called = |index: usize| format!("{}/p{index}[Pod]", pods[index].namespace);
            let (from, to) = (called(one), called(other));
            let (protocol, number) = some_port(&program, &mut rng);
            let what = || format!("seed {seed}: {from} -> {to}:{}\n{source}", port(protocol, number));
            let asked = target(&to, &port(protocol, number));
            let seen = ask(&subject, &from, &asked).unwrap();
            let says = seen.says;
            assert_eq!(explain(&subject, &from, &asked), says, "{}", what());
            if one == other {
                continue;
            }
            let set = PortSet::number(protocol_of(protocol), number);
            let places = (row(&from), row(&to));
            let cell = reach.cells.iter().find(|cell| (cell.source, cell.destination) == places);
            let verdict = situation.world.coexist(
                situation.find(&subject.asked(&from).unwrap()).unwrap()[0],
                situation.find(&subject.asked(&to).unwrap()).unwrap()[0],
            );
            assert!(verdict, "{}", what());
            // A pod gives its ports, so a name is a number of it.
            let named: PortSet = pods[other]
                .ports
                .iter()
                .filter(|port| port.protocol == protocol && port.number == number)
                .fold(set.clone(), |all, port| {
                    all.union(&PortSet::named(protocol_of(protocol), port.name.as_str().into()))
                });
            let has = |ports: Option<&PortSet>| ports.is_some_and(|ports| ports.overlaps(&named));
            let told = match (has(cell.map(|cell| &cell.every)), has(cell.map(|cell| &cell.unknown))) {
                (true, _) => Says::Allowed,
                (false, true) => Says::Unknown,
                (false, false) => Says::Denied,
            };
            assert_eq!(told, says, "reach: {}", what());
            match says {
                Says::Allowed => sure += 1,
                Says::Denied => denied += 1,
                Says::Unknown => unknown += 1,
            }
        }
    }
    assert!(sure > 30 && denied > 50 && unknown > 0, "{sure} {denied} {unknown}");
}

#[test]
fn what_is_asserted_of_all_pods_is_so_of_those_that_run() {
    let (mut held, mut asked_about) = (0, 0);
    for seed in seeds(20) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let meaning = Meaning::of(&program);
        let mut draw = Draw::new(seed, &meaning, &meaning.atoms());
        let pods = pods(&mut draw);
        let running = subject(&source, Some(&manifests(&pods, None))).unwrap();
        let mut rng = Rng::new(seed ^ 0xa55e);
        let ends = ends(&program);
        for _ in 0..QUESTIONS {
            let (from, to) = (name(&program, rng.pick(&ends)), name(&program, rng.pick(&ends)));
            let (protocol, number) = some_port(&program, &mut rng);
            let word = *rng.pick(&["never", "always"]);
            let ports = port(protocol, number);
            let line = format!("{word} {from} -> {to}:{ports}");
            if judged(&source, &line) != Some("holds") {
                continue;
            }
            held += 1;
            let Ok(seen) = ask(&running, &from, &target(&to, &ports)) else { continue };
            let Seen { allowed, denied, unknown, .. } = seen;
            let is_so = match word {
                "never" => !allowed && !unknown,
                _ => !denied && !unknown,
            };
            assert!(is_so || is_itself(&running, &from, &to, &ports), "seed {seed}: {line}: {seen:?}\n{source}");
            asked_about += u32::from(!seen.is_about_nobody());
        }
    }
    assert!(held > 40 && asked_about > 12, "{held} {asked_about}");
}

/// Whether the one connection that is found is of a single pod to itself, which no policy and no assertion is about.
fn is_itself(subject: &Subject, from: &str, to: &str, ports: &str) -> bool {
    let posed = pose(subject, from, &target(to, ports)).unwrap();
    let engine = Engine::new(&posed.situation.world, subject.policies());
    let pairs = posed.from.iter().flat_map(|one| posed.to.iter().map(move |(other, ports)| (*one, *other, ports)));
    let mut open = pairs.filter(|(one, other, ports)| engine.on(*one, *other, ports).possible().overlaps(ports));
    open.all(|(one, other, _)| engine.is_itself(one, other))
}
