//! The outcome of an assertion is the answer of `can`: `never` and `only` are broken by what may be, `always` holds by what
//! is sure.

use crate::everybody;
use crate::judges::asked::{Seen, Source, ask, is_certain, name, port, subject, target};
use crate::judges::running::objects;
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::{Labels, Party, Protocol};
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::program::{Endpoint, Name, Port, PortSpec, Program};
use crate::oracle::rng::Rng;
use polder::ask::{Everyone, Outcome, Says, Set};
use polder::engine::{End, EndId, Engine, World};
use polder::net::{Peers, PortSet, Truth};
use std::collections::{BTreeMap, BTreeSet};

/// Assertions of each program.
const ASSERTIONS: usize = 14;

/// Every end that has a name on the command line.
pub(super) fn ends(program: &Program) -> Vec<Endpoint> {
    let mut all = vec![Endpoint::Cluster, Endpoint::Internet, Endpoint::Anywhere];
    all.extend((!program.platform.apiserver.is_empty()).then_some(Endpoint::ApiServer));
    all.extend((!program.platform.nodes.is_empty()).then_some(Endpoint::Nodes));
    let global = |name: &String| Name { namespace: None, name: name.clone() };
    all.extend(program.cidrs.iter().map(|cidr| Endpoint::Cidr(global(&cidr.name))));
    all.extend(program.groups.iter().map(|group| Endpoint::Group(global(&group.name))));
    for namespace in &program.namespaces {
        let local = |name: &String| Name { namespace: Some(namespace.name.clone()), name: name.clone() };
        all.push(Endpoint::Pods(namespace.name.clone()));
        all.extend(namespace.tiers.iter().map(|tier| Endpoint::Tier(local(&tier.name))));
        all.extend(namespace.groups.iter().map(|group| Endpoint::Group(local(&group.name))));
        all.extend(namespace.cidrs.iter().map(|cidr| Endpoint::Cidr(local(&cidr.name))));
    }
    all
}

/// A port on which something is likely to be decided.
pub(super) fn some_port(program: &Program, rng: &mut Rng) -> (Protocol, u16) {
    let specs = program.flows.iter().flat_map(|flow| flow.ports.iter().flatten());
    let mut all: Vec<(Protocol, u16)> = specs
        .filter_map(|spec| match spec {
            PortSpec::Port(Port::Range(low, high, protocol)) => Some([(*protocol, *low), (*protocol, *high)]),
            PortSpec::Port(_) | PortSpec::Served(_) | PortSpec::Set(_) => None,
        })
        .flatten()
        .collect();
    let served = program.namespaces.iter().flat_map(|namespace| &namespace.tiers).flat_map(|tier| &tier.ports);
    all.extend(served.filter_map(|(_, port)| match port {
        Port::Range(low, _, protocol) => Some((*protocol, *low)),
        Port::Every | Port::EveryOf(_) | Port::Container(..) => None,
    }));
    all.extend([(Protocol::Udp, 53), (Protocol::Tcp, 53), (Protocol::Udp, 5353), (Protocol::Tcp, 8080)]);
    *rng.pick(&all)
}

pub(super) fn judged(source: &str, line: &str) -> Option<&'static str> {
    judged_with(source, line, None)
}

/// The same with some objects of a cluster.
fn judged_with(source: &str, line: &str, given: Option<&str>) -> Option<&'static str> {
    let subject = subject(&format!("{source}{line}\n"), given)?;
    let [judgement] = subject.session()?.judgements()? else { panic!("one assertion: {line}") };
    Some(match &judgement.outcome {
        Outcome::Holds => "holds",
        Outcome::Broken(diagnostic) if diagnostic.code.as_str() == "E0221" => "vacuous",
        Outcome::Broken(_) => "broken",
        Outcome::Unknown(diagnostic) => panic!("{line}: {diagnostic:?}"),
    })
}

/// Holds assertions about a program against the answers about it, with the objects of some namespaces or without.
fn hold_against_can(
    seed: u64,
    program: &Program,
    given: Option<&str>,
    counts: &mut BTreeMap<(&'static str, &'static str), u32>,
) {
    let source = Source::of(program).text;
    let subject = subject(&source, given).unwrap();
    let ends = ends(program);
    let mut rng = Rng::new(seed ^ 0xca5e);
    for _ in 0..ASSERTIONS {
        let (from, to) = match rng.chance(50) && !program.flows.is_empty() {
            true => {
                let flow = rng.pick(&program.flows).clone();
                (rng.pick(&program.parts(&flow.source)).clone(), rng.pick(&program.parts(&flow.destination)).clone())
            }
            false => (rng.pick(&ends).clone(), rng.pick(&ends).clone()),
        };
        let (protocol, number) = some_port(program, &mut rng);
        let port = port(protocol, number);
        let (a, b) = (name(program, &from), name(program, &to));
        let word = *rng.pick(&["never", "always"]);
        let Some(outcome) = judged_with(&source, &format!("{word} {a} -> {b}:{port}"), given) else { continue };
        let what = || format!("seed {seed}: {word} {a} -> {b}:{port}\n{source}{}", given.unwrap_or_default());
        let seen = match ask(&subject, &a, &target(&b, &port)) {
            Ok(seen) => seen,
            Err(message) if outcome == "vacuous" && message.contains("neither end is a pod") => continue,
            Err(message) => panic!("{message}; {outcome}\n{}", what()),
        };
        let certain = is_certain(program, &from) && is_certain(program, &to);
        agree(word, outcome, seen, certain).unwrap_or_else(|wrong| panic!("{wrong}: {seen:?}\n{}", what()));
        *counts.entry((word, outcome)).or_default() += 1;
        *counts.entry((word, "not known")).or_default() += u32::from(seen.says == Says::Unknown);
        *counts.entry((word, "uncertain")).or_default() += u32::from(!certain);
    }
}

#[test]
fn the_outcome_of_an_assertion_is_the_answer_of_can() {
    let mut counts = BTreeMap::new();
    for seed in seeds(30) {
        hold_against_can(seed, &generate::program(seed), None, &mut counts);
    }
    for word in ["never", "always"] {
        for outcome in ["holds", "broken", "not known", "uncertain"] {
            assert!(counts.get(&(word, outcome)).is_some_and(|count| *count >= 10), "{counts:?}");
        }
    }
}

#[test]
fn with_the_labels_of_given_namespaces_the_outcome_is_the_answer_of_can() {
    let (mut counts, mut decided) = (BTreeMap::new(), 0);
    for seed in seeds(30) {
        let program = generate::program(seed);
        let meaning = Meaning::of(&program);
        let mut draw = Draw::new(seed, &meaning, &meaning.atoms());
        let mut given: BTreeMap<String, Labels> = BTreeMap::new();
        for _ in 0..20 {
            if let Party::Pod(pod) = draw.party() {
                given.entry(pod.namespace).or_insert(pod.namespace_labels);
            }
        }
        // Of some nobody says the labels.
        let mut rng = Rng::new(seed ^ 0x61fe);
        given.retain(|_, _| rng.chance(80));
        hold_against_can(seed, &program, Some(&objects(&given)), &mut counts);
        decided += given.len();
    }
    assert!(decided > 60, "{decided}");
    for word in ["never", "always"] {
        for outcome in ["holds", "broken", "uncertain"] {
            assert!(counts.get(&(word, outcome)).is_some_and(|count| *count >= 10), "{counts:?}");
        }
    }
}

/// `never` holds where nothing may be, and `always` where everything is for sure, whoever may be asked about.
fn agree(word: &str, outcome: &str, seen: Seen, certain: bool) -> Result<(), String> {
    let is_so = match (word, outcome) {
        (_, "vacuous") => seen.is_about_nobody(),
        ("never", "broken") => seen.may() && (seen.allowed || seen.says == Says::Unknown),
        ("never", _) => !seen.may() && seen.says != Says::Unknown,
        (_, "holds") => seen.is_sure() || (!certain && seen.is_about_nobody()),
        _ => !seen.is_sure() && seen.says != Says::Allowed,
    };
    if is_so { Ok(()) } else { Err(format!("{word} is {outcome}")) }
}

/// Everybody, looked at two by two.
struct Everybody<'a> {
    names: &'a Everyone<'a>,
    engine: Engine<'a>,
}

impl Everybody<'_> {
    fn find(&self, name: &str) -> BTreeSet<EndId> {
        let Set { peers, less } = self.names.set(name).unwrap();
        let world = self.engine.world();
        let is_among = |end: &EndId, all: &[Peers]| all.iter().any(|peers| is_among(world, *end, peers));
        world.ids().filter(|end| is_among(end, &peers) && !is_among(end, &less)).collect()
    }

    fn pairs<'e>(&'e self, from: &'e BTreeSet<EndId>, to: &'e BTreeSet<EndId>) -> impl Iterator<Item = (EndId, EndId)> {
        let all = from.iter().flat_map(|one| to.iter().map(|other| (*one, *other)));
        // Of two addresses no policy speaks.
        let is_pod = |end: EndId| self.engine.world().pods(end).is_some();
        all.filter(move |(one, other)| (is_pod(*one) || is_pod(*other)) && self.engine.world().coexist(*one, *other))
    }

    fn may(&self, from: &BTreeSet<EndId>, to: &BTreeSet<EndId>, ports: &PortSet) -> bool {
        self.pairs(from, to).any(|(one, other)| self.engine.on(one, other, ports).possible().overlaps(ports))
    }

    fn always(&self, from: &BTreeSet<EndId>, to: &BTreeSet<EndId>, ports: &PortSet) -> bool {
        self.pairs(from, to).all(|(one, other)| self.engine.on(one, other, ports).allowed.contains(ports))
    }
}

/// Whether an end is among peers that the world tells apart.
fn is_among(world: &World, end: EndId, peers: &Peers) -> bool {
    match (peers, world.end(end).unwrap()) {
        (Peers::Any, _) => true,
        (Peers::Addresses(all), End::Addresses { addresses, .. }) => all.contains(addresses),
        (Peers::Pods { namespaces, pods }, End::Pods(kind)) => {
            let home = world.namespace(kind.namespace).unwrap();
            home.matches(namespaces) == Truth::Yes && pods.matches(&kind.labels)
        }
        (Peers::Addresses(_), End::Pods(_)) | (Peers::Pods { .. }, End::Addresses { .. }) => false,
    }
}

#[test]
fn assertions_with_exceptions_are_judged_as_two_by_two() {
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for seed in seeds(30) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let names = subject.everyone(&[]);
        let sets = names.groups.iter().map(|group| &group.set).chain(names.unions().map(|(_, set)| set));
        let marks: Vec<Peers> = sets.flat_map(|set| set.peers.iter().chain(&set.less)).cloned().collect();
        let managed = everybody::managed(subject.flows().unwrap());
        let world = everybody::world(subject.policies(), &marks, &managed, subject.facts());
        let everybody = Everybody { names: &names, engine: Engine::new(&world, subject.policies()) };
        let certain: Vec<Endpoint> = ends(&program).into_iter().filter(|end| is_certain(&program, end)).collect();
        let mut rng = Rng::new(seed ^ 0xe8ce);
        for _ in 0..ASSERTIONS {
            let mut pick = || name(&program, rng.pick(&certain));
            let (a, b, out) = (pick(), pick(), pick());
            let (protocol, number) = some_port(&program, &mut rng);
            let ports = port(protocol, number);
            let word = *rng.pick(&["never", "only", "always"]);
            let except = if word == "only" { String::new() } else { format!(" except {out}") };
            let line = format!("{word} {a} -> {b}:{ports}{except}");
            let Some(outcome) = judged(&source, &line) else { continue };
            let find = |name: &str| everybody.find(name);
            let (named, to) = (find(&a), find(&b));
            let from: BTreeSet<EndId> = match word {
                "only" => &find("anywhere") - &named,
                _ => &named - &find(&out),
            };
            let set = PortSet::number(protocol_of(protocol), number);
            let expected = match word {
                _ if everybody.pairs(&from, &to).next().is_none() => "vacuous",
                "always" if everybody.always(&from, &to, &set) => "holds",
                "always" => "broken",
                _ if everybody.may(&from, &to, &set) => "broken",
                _ => "holds",
            };
            assert_eq!(outcome, expected, "seed {seed}: {line}\n{source}");
            *counts.entry((word, outcome)).or_default() += 1;
        }
    }
    for word in ["never", "only", "always"] {
        for outcome in ["holds", "broken"] {
            assert!(counts.get(&(word, outcome)).is_some_and(|count| *count >= 5), "{counts:?}");
        }
    }
}

pub(super) fn protocol_of(protocol: Protocol) -> polder::net::Protocol {
    match protocol {
        Protocol::Tcp => polder::net::Protocol::Tcp,
        Protocol::Udp => polder::net::Protocol::Udp,
        Protocol::Sctp => polder::net::Protocol::Sctp,
    }
}

/// A chain may come back to pods that `except` takes away from where it begins.
#[test]
fn a_chain_goes_through_those_that_are_excepted_at_its_start() {
    let source = "namespace shop {\n  tier api\n  tier web\n  tier db\n  api -> web:80\n  web -> db:5432\n}\n";
    let judged = |line: &str| judged(source, line);
    assert_eq!(judged("never shop/* ->> shop/db:5432 except shop/web, shop/db"), Some("broken"));
    assert_eq!(judged("never shop/* -> shop/db:5432 except shop/web, shop/db"), Some("holds"));
    assert_eq!(judged("never shop/* ->> shop/db:5432 except shop/web, shop/db, shop/api"), Some("holds"));
}
