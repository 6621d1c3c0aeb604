//! What is one hop away is told with its own ports, with those that are known and those that are not.

use crate::judges::asked::{Source, ask_of_sure, port, subject, target};
use crate::judges::asserted::{protocol_of, some_port};
use crate::judges::running::{manifests, pods};
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::rng::Rng;
use polder::ask::{Asked, Blast, BlastFrom, DnsEnds, Everyone};
use polder::cover::Budget;
use polder::engine::Engine;
use polder::net::PortSet;
use polder::session::Subject;

/// Both tiers may be reached on port 80. Nobody knows whether the block has the pods of the first; ingress of the second is
/// isolated, so there the other port is closed for sure.
const PROGRAM: &str = "platform {\n  cni any\n  pods 10.244.0.0/16\n}\ncidr net = 10.244.1.0/24\nnamespace app {\n  tier a\n  tier x\n  \
                       tier y\n  a -> {x, y}:80\n  a -> net:443\n  isolate egress for a\n  isolate ingress for y\n}\n";

/// The ports of the hops to a name, and of those of which it is not known.
fn hop(blast: &Blast, name: &str) -> (String, String) {
    let is_it = |group: &usize| blast.groups[*group].to_string().starts_with(name);
    let step = blast.steps.iter().find(|step| step.hops == 1 && step.groups.iter().any(is_it)).unwrap();
    (step.ports.to_string(), step.unknown.to_string())
}

fn hold(blast: &Blast) {
    assert_eq!(hop(blast, "app/x"), ("80/tcp".to_owned(), "443/tcp".to_owned()));
    let (ports, unknown) = hop(blast, "app/y");
    assert_eq!((ports.as_str(), unknown.as_str()), ("80/tcp", "{}"), "{:?}", blast.steps);
}

#[test]
fn tiers_that_are_open_on_the_same_ports_may_differ_in_what_is_not_known() {
    let subject = subject(PROGRAM, None).unwrap();
    let asked = Asked::Name("app/a".to_owned());
    let everyone = subject.everyone(std::slice::from_ref(&asked));
    let from = BlastFrom { asked: &asked, back: false, depth: usize::MAX, servers: None };
    hold(&everyone.blast(&everyone.grants(subject.policies()), from, &mut Budget::of_question()).unwrap());
}

#[test]
fn pods_that_are_open_on_the_same_ports_may_differ_in_what_is_not_known() {
    let pod = |app: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"{app}\", \"namespace\": \"app\", \
             \"labels\": {{\"app\": \"{app}\"}}}}, \"spec\": {{\"containers\": [{{\"name\": \"c\", \"image\": \"x\"}}]}}}}"
        )
    };
    let all = ["a", "x", "y"].map(pod).join("\n");
    let subject = subject(PROGRAM, Some(&all)).unwrap();
    let asked = Asked::Name("app/a".to_owned());
    let situation = subject.situation(std::slice::from_ref(&asked)).unwrap();
    let engine = Engine::new(&situation.world, subject.policies());
    let start = subject.find(&situation, &asked).unwrap();
    hold(&Blast::new(&engine, &situation, &start, false, usize::MAX, &DnsEnds::default()));
}

fn from_everyone(subject: &Subject, asked: &Asked) -> Blast {
    let everyone = subject.everyone(std::slice::from_ref(asked));
    let from = BlastFrom { asked, back: false, depth: 1, servers: None };
    everyone.blast(&everyone.grants(subject.policies()), from, &mut Budget::of_question()).unwrap()
}

fn from_pods(subject: &Subject, asked: &Asked) -> Blast {
    let situation = subject.situation(std::slice::from_ref(asked)).unwrap();
    let engine = Engine::new(&situation.world, subject.policies());
    let start = subject.find(&situation, asked).unwrap();
    Blast::new(&engine, &situation, &start, false, 1, &DnsEnds::default())
}

/// How many were told for sure, as not known, and not at all.
type Counts = [u32; 3];

/// Whether nobody of a name is of another one of these, too, which would be told there.
fn is_alone(everyone: &Everyone<'_>, name: &str, all: &[String]) -> bool {
    let ends = |name: &str| everyone.set(name).map(|set| set.ends(&everyone.space)).unwrap_or_default();
    let mine = ends(name);
    let mut budget = Budget::of_question();
    let mut meets = |other: &String| {
        let theirs = ends(other);
        let both = mine.iter().flat_map(|one| theirs.iter().filter_map(|other| everyone.space.both(one, other)));
        both.collect::<Vec<_>>().iter().any(|both| !everyone.space.is_empty(both, &mut budget).unwrap())
    };
    !all.iter().filter(|other| *other != name).any(&mut meets)
}

/// Says whether nobody of a name is of another one.
type IsAlone<'a> = &'a dyn Fn(&str, &[String]) -> bool;

/// Holds what is one hop from some ends against what `can` says of each two.
fn hold_against_can(
    subject: &Subject,
    from: &str,
    (blast, is_alone): (&Blast, IsAlone<'_>),
    ports: &[(PortSet, String)],
    counts: &mut Counts,
) {
    let names: Vec<String> = blast.groups.iter().map(ToString::to_string).collect();
    let start = names.iter().position(|name| name == from).unwrap();
    let is_start_alone = is_alone(from, &names);
    for (group, to) in names.iter().enumerate().filter(|(group, _)| *group != start) {
        // Who is of several groups may have what is allowed to others, and is told there.
        let is_apart = is_start_alone && is_alone(to, &names);
        let steps: Vec<_> = blast.steps.iter().filter(|step| step.groups.contains(&group)).collect();
        for (set, port) in ports {
            let Ok(seen) = ask_of_sure(subject, from, &target(to, port)) else { continue };
            if seen.is_about_nobody() {
                continue;
            }
            let is_sure = steps.iter().any(|step| step.ports.contains(set));
            let is_perhaps = !is_sure && steps.iter().any(|step| step.unknown.contains(set));
            let what = || format!("{from} -> {to} on {port}: {seen:?}, {steps:?}");
            assert!(!is_sure || seen.allowed, "told: {}", what());
            // What a name stands for is told by the name.
            let is_plain = |set: &PortSet| set.without_names() == *set;
            let has_names = !steps.iter().all(|step| is_plain(&step.ports) && is_plain(&step.unknown));
            assert!(!is_perhaps || seen.unknown || has_names || (seen.allowed && !is_apart), "not known: {}", what());
            // Of addresses those are told that lie in what is allowed.
            let is_listed = is_sure || is_perhaps || has_names || !blast.groups[group].is_pods();
            assert!(is_listed || !seen.may() || !is_apart, "left out: {}", what());
            counts[if is_sure { 0 } else { 1 + usize::from(!is_perhaps) }] += 1;
        }
    }
}

#[test]
fn what_is_one_hop_away_is_what_can_answers() {
    let (mut of_everyone, mut of_pods) = (Counts::default(), Counts::default());
    for seed in seeds(16) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let mut rng = Rng::new(seed ^ 0xb1a5);
        let ports: Vec<(PortSet, String)> = (0..2)
            .map(|_| some_port(&program, &mut rng))
            .map(|(protocol, number)| (PortSet::number(protocol_of(protocol), number), port(protocol, number)))
            .collect();
        let meaning = Meaning::of(&program);
        let running = manifests(&pods(&mut Draw::new(seed, &meaning, &meaning.atoms())), None);
        for (running, counts) in [(None, &mut of_everyone), (Some(running.as_str()), &mut of_pods)] {
            let Some(subject) = subject(&source, running) else { continue };
            let everyone = subject.everyone(&[]);
            let is_alone = |name: &str, all: &[String]| running.is_some() || self::is_alone(&everyone, name, all);
            let groups = match running {
                None => from_everyone(&subject, &Asked::Name("cluster".to_owned())).groups,
                Some(_) => from_pods(&subject, &Asked::Name("cluster".to_owned())).groups,
            };
            let starts: Vec<String> = groups.iter().filter(|group| group.is_pods()).map(ToString::to_string).collect();
            for start in starts.iter().take(4) {
                let Ok(asked) = subject.asked(start) else { continue };
                let blast =
                    if running.is_none() { from_everyone(&subject, &asked) } else { from_pods(&subject, &asked) };
                hold_against_can(&subject, start, (&blast, &is_alone), &ports, counts);
            }
        }
    }
    // Of pods that run, with their namespaces, everything is known.
    let ([sure, perhaps, none], [sure_of_pods, _, none_of_pods]) = (of_everyone, of_pods);
    assert!(
        [sure, perhaps, none, sure_of_pods, none_of_pods].iter().all(|count| *count > 20),
        "{of_everyone:?} {of_pods:?}"
    );
}
