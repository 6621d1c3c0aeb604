//! Verdicts about the pods of a cluster, against the naive evaluator on every pair of pods and addresses.
//!
//! Where something is not known, the naive evaluator judges every way of completing it: a verdict has to be unknown
//! exactly where it depends on that.

use super::naive::{self, NAME_LABEL, NamedPort, Party, Pod};
use crate::engine::random::{ALL, Features, Maker};
use crate::engine::{read, stream};
use crate::oracle::evaluate::Stated;
use crate::oracle::law::Blocks as Covered;
use crate::oracle::rng::Rng;
use crate::oracle::universe::{Atoms, Universe};
use ipnet::IpNet;
use polder::cluster::{Cluster, Labels, Pods};
use polder::engine::{End, EndId, Engine, Member, Scope, Verdict, World};
use polder::net::{AddressSet, BlocksMatch, Direction, Facts, Listed, PortSet, Protocol, Truth};
use polder::netpol::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::ControlFlow;

/// Pods of a cluster, or an address, for the oracle.
#[derive(Clone)]
pub(super) struct Place {
    pub end: EndId,
    pub name: String,
    pub party: Party,
    /// The addresses that it has, or for each one that it could have, that one.
    pub addresses: Vec<Vec<IpAddr>>,
    /// Whether nobody else is in the same place.
    pub single: bool,
}

/// What is said of address blocks.
pub(super) struct Blocks {
    pub pods: Truth,
    /// The addresses of pods whose own are not known; any where there are none.
    pub addresses: Option<Vec<IpNet>>,
}

impl Blocks {
    pub(super) fn facts(&self) -> Facts {
        let pods = match &self.addresses {
            Some(nets) => AddressSet::from_nets(nets.iter().copied()),
            None => AddressSet::all(),
        };
        let matches = BlocksMatch { pods: self.pods, ..BlocksMatch::EVERYTHING };
        Facts::new(matches, Listed { pods: Some(pods), ..Listed::default() })
    }

    /// Whether they match pods, in each way in which that can turn out.
    pub(super) fn ways(&self) -> &[bool] {
        match self.pods {
            Truth::No => &[false],
            Truth::Maybe => &[false, true],
            Truth::Yes => &[true],
        }
    }
}

/// What is not known: the labels that some namespaces could have, as far as policies tell them apart.
pub(super) struct Unknown {
    namespaces: BTreeMap<String, Vec<Labels>>,
}

/// The protocol in the oracle's terms.
pub(super) fn same(protocol: Protocol) -> naive::Protocol {
    match protocol {
        Protocol::Tcp => naive::Protocol::Tcp,
        Protocol::Udp => naive::Protocol::Udp,
        Protocol::Sctp => naive::Protocol::Sctp,
    }
}

/// The family of each address, and the blocks that it is in.
type Sort = Vec<(bool, Vec<bool>)>;

/// Every pod and a few addresses, with the end of each.
pub(super) fn places(world: &World, cluster: &Cluster, universe: &Universe, set: &naive::PolicySet) -> Vec<Place> {
    let candidates: Vec<IpAddr> = universe
        .parties
        .iter()
        .filter_map(|party| if let Party::Address(ip) = party { Some(*ip) } else { None })
        .collect();
    let rules = set.policies.iter().flat_map(|policy| policy.ingress.iter().chain(&policy.egress)).flatten();
    let blocks: Vec<&naive::Peer> =
        rules.flat_map(|rule| &rule.peers).filter(|peer| matches!(peer, naive::Peer::Block { .. })).collect();
    let looked_at = world.facts.matches().pods != Truth::No;
    let sort_of = |addresses: &[IpAddr]| -> Sort {
        let known = if looked_at { addresses } else { &[] };
        let holding = |one: &IpAddr| {
            blocks.iter().map(|block| block.matches("", &Party::Address(*one), &Covered::default())).collect()
        };
        known.iter().map(|one| (one.is_ipv4(), holding(one))).collect()
    };
    let mut ends: BTreeMap<(Member, Sort), EndId> = BTreeMap::new();
    for id in world.ids() {
        let Some(pods) = world.pods(id) else { continue };
        for member in &pods.members {
            let known = ends.insert((*member, sort_of(&pods.addresses)), id);
            assert_eq!(known, None, "pods are of one kind");
        }
    }
    let candidates_of_pods = || {
        let may_be = candidates.iter().filter(|one| world.facts.pod_addresses().has(**one));
        may_be.map(|one| vec![*one]).collect::<Vec<_>>()
    };
    let mut places = Vec::new();
    let mut used = BTreeSet::new();
    for (index, workload) in cluster.workloads.iter().enumerate() {
        for (at, pods) in workload.pods.iter().enumerate() {
            if pods.host_network || pods.finished || pods.count == 0 {
                continue;
            }
            let unknown = pods.count - pods.addresses.len() as u64;
            let known = pods.addresses.iter().map(|of_one| (of_one.as_slice(), 1));
            let all = known.chain((unknown > 0).then_some((&[][..], unknown)));
            for (place, (addresses, count)) in all.enumerate() {
                let key = (Member { workload: index, pods: at }, sort_of(addresses));
                let end = *ends.get(&key).unwrap_or_else(|| panic!("{workload} is there"));
                used.insert(key);
                places.push(Place {
                    end,
                    name: format!("{workload}#{at}.{place}"),
                    party: Party::Pod(pod(&workload.namespace, cluster, pods)),
                    addresses: if addresses.is_empty() { candidates_of_pods() } else { vec![addresses.to_vec()] },
                    single: count == 1 && !pods.several,
                });
            }
        }
    }
    assert_eq!(ends.len(), used.len(), "no other members");
    for address in candidates {
        let holds =
            |id: &EndId| matches!(world.end(*id), Some(End::Addresses { addresses, .. }) if addresses.has(address));
        let ends: Vec<EndId> = world.ids().filter(holds).collect();
        assert_eq!(ends.len(), 1, "{address} is of one kind");
        let party = Party::Address(address);
        places.push(Place {
            end: ends[0],
            name: address.to_string(),
            party,
            addresses: vec![vec![address]],
            single: true,
        });
    }
    places
}

fn pod(namespace: &str, cluster: &Cluster, pods: &Pods) -> Pod {
    let known = cluster.namespaces.iter().find(|one| *one.name == *namespace);
    let named = |port: &polder::cluster::ContainerPort| {
        let name = port.name.as_ref()?.to_string();
        Some(NamedPort { name, protocol: same(port.protocol), number: port.number })
    };
    Pod {
        namespace: namespace.to_owned(),
        namespace_labels: known.map(|one| one.labels.clone()).unwrap_or_default(),
        labels: pods.labels.clone(),
        ports: pods.ports.iter().filter_map(named).collect(),
        addresses: Vec::new(),
    }
}

impl Unknown {
    /// The labels that namespaces without an object could have: every combination of what selectors mention.
    pub(super) fn new(cluster: &Cluster, atoms: &Atoms) -> Unknown {
        let selectors: BTreeSet<&naive::Selector> = atoms.pods.iter().map(|(namespaces, _)| namespaces).collect();
        let mut domains: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
        for requirement in selectors.iter().flat_map(|selector| &selector.requirements) {
            if requirement.key != NAME_LABEL {
                let domain = domains.entry(&requirement.key).or_insert_with(|| [None, Some("unheard-of")].into());
                domain.extend(requirement.values.iter().map(|value| Some(value.as_str())));
            }
        }
        let given: BTreeSet<&str> = cluster.namespaces.iter().map(|one| &*one.name).collect();
        let names = cluster.workloads.iter().map(|workload| &*workload.namespace);
        let mut namespaces = BTreeMap::new();
        for name in names.filter(|name| !given.contains(name)) {
            let mut all = vec![Labels::from([(NAME_LABEL.to_owned(), name.to_owned())])];
            for (key, domain) in &domains {
                let with = |labels: &Labels| {
                    let one = |value: &Option<&str>| {
                        let more = value.map(|value| ((*key).to_owned(), value.to_owned()));
                        labels.clone().into_iter().chain(more).collect()
                    };
                    domain.iter().map(one).collect::<Vec<Labels>>()
                };
                all = all.iter().flat_map(with).collect();
            }
            let mut seen: BTreeMap<Vec<bool>, Labels> = BTreeMap::new();
            for labels in all {
                seen.entry(selectors.iter().map(|selector| selector.matches(&labels)).collect()).or_insert(labels);
            }
            namespaces.insert(name.to_owned(), seen.into_values().collect());
        }
        Unknown { namespaces }
    }

    /// Every way in which the two could be. Of ways that differ in addresses, those count where both have one of the same
    /// family.
    pub(super) fn completions(&self, source: &Place, destination: &Place) -> Vec<(Party, Party)> {
        let options = |place: &Place| match &place.party {
            Party::Address(_) => vec![None],
            Party::Pod(pod) => match self.namespaces.get(&pod.namespace) {
                None => vec![None],
                Some(all) => all.iter().map(Some).collect(),
            },
        };
        let namespace =
            |place: &Place| if let Party::Pod(pod) = &place.party { Some(pod.namespace.clone()) } else { None };
        let near = namespace(source).is_some() && namespace(source) == namespace(destination);
        let all = source.addresses.iter().flat_map(|one| destination.addresses.iter().map(move |other| (one, other)));
        let meet = |(one, other): &(&Vec<IpAddr>, &Vec<IpAddr>)| {
            one.iter().any(|one| other.iter().any(|other| one.is_ipv4() == other.is_ipv4()))
        };
        let alike: Vec<_> = all.clone().filter(meet).collect();
        let pairs = if alike.is_empty() { all.collect() } else { alike };
        let complete = |place: &Place, labels: Option<&Labels>, addresses: &[IpAddr]| match &place.party {
            Party::Address(address) => Party::Address(*address),
            Party::Pod(pod) => Party::Pod(Pod {
                namespace_labels: labels.unwrap_or(&pod.namespace_labels).clone(),
                addresses: addresses.to_vec(),
                ..pod.clone()
            }),
        };
        let mut all = Vec::new();
        for one in options(source) {
            for other in if near { vec![one] } else { options(destination) } {
                for (from, to) in &pairs {
                    all.push((complete(source, one, from), complete(destination, other, to)));
                }
            }
        }
        all
    }
}

/// The ports that can make a difference: those of the universe, and those that pods have a name for.
pub(super) fn points(universe: &Universe, cluster: &Cluster) -> BTreeSet<(Protocol, u16)> {
    let mut points = BTreeSet::new();
    for protocol in Protocol::ALL {
        let near = universe.points.iter().filter(|point| point.protocol == same(protocol)).map(|point| point.number);
        let named = cluster.workloads.iter().flat_map(|workload| &workload.pods).flat_map(|pods| &pods.ports);
        points.extend(near.chain(named.map(|port| port.number)).map(|number| (protocol, number)));
    }
    points
}

/// What the verdict has to be on a port: `None` when it depends on what is not known.
pub(super) fn judged(
    set: &naive::PolicySet,
    blocks: &Blocks,
    ways: &[(Party, Party)],
    protocol: Protocol,
    number: u16,
) -> Option<bool> {
    let mut seen = BTreeSet::new();
    for pods in blocks.ways() {
        let set = naive::PolicySet { blocks: Covered { pods: *pods, ..Covered::default() }, ..set.clone() };
        let one =
            |(source, destination): &(Party, Party)| naive::allowed(&set, source, destination, same(protocol), number);
        seen.extend(ways.iter().map(one));
    }
    (seen.len() == 1).then(|| seen.contains(&true))
}

pub(super) fn of(verdict: &Verdict, protocol: Protocol, number: u16) -> Option<bool> {
    assert!(!verdict.allowed.overlaps(&verdict.unknown), "{verdict:?}");
    match (verdict.allowed.has(protocol, number), verdict.unknown.has(protocol, number)) {
        (_, true) => None,
        (allowed, false) => Some(allowed),
    }
}

/// Holds the engine against the naive evaluator, and `connections` against `between`. Counts allowed, denied, unknown.
pub(super) fn hold(
    policies: &[Policy],
    set: &naive::PolicySet,
    blocks: &Blocks,
    cluster: &Cluster,
    counts: &mut [usize; 3],
) {
    let facts = blocks.facts();
    let scope = Scope { policies: &[policies], of_cluster: &[], marks: &[], facts: &facts };
    let world = World::concrete(&scope, cluster);
    let engine = Engine::new(&world, policies);
    let atoms = Atoms::of(set);
    // Where pods are is one more thing that tells addresses apart.
    let mut all = atoms.clone();
    all.blocks.extend(blocks.addresses.iter().flatten());
    let universe = Universe::new(&all, &Stated::new());
    let unknown = Unknown::new(cluster, &atoms);
    let places = places(&world, cluster, &universe, set);
    let points = points(&universe, cluster);
    for source in &places {
        for destination in &places {
            let outside = matches!((&source.party, &destination.party), (Party::Address(_), Party::Address(_)));
            if outside || (source.name == destination.name && source.single) {
                continue;
            }
            let verdict = engine.between(source.end, destination.end);
            let ways = unknown.completions(source, destination);
            for &(protocol, number) in &points {
                let (says, is) = (of(&verdict, protocol, number), judged(set, blocks, &ways, protocol, number));
                let what = || format!("{} -> {} on {number}/{}", source.name, destination.name, protocol.keyword());
                assert_eq!(says, is, "{}: {verdict:?}", what());
                counts[match is {
                    Some(true) => 0,
                    Some(false) => 1,
                    None => 2,
                }] += 1;
            }
            let doubts = engine.doubts(source.end, destination.end, &PortSet::everything());
            assert_eq!(doubts.is_empty(), verdict.unknown.is_empty(), "what is unknown has a name: {verdict:?}");
        }
    }
    hold_connections(&world, &engine);
    let folded = || Engine::new(&world, policies).without_doubtful_blocks();
    hold_connections(&world, &folded());
    let (each, together) = (folded(), folded());
    pairs(&world).for_each(|(source, destination)| _ = each.between(source, destination));
    together.connections(|_, _, _| ControlFlow::Continue(()));
    assert_eq!(together.has_left_out(), each.has_left_out());
}

/// Every two ends that can be connected, in order.
fn pairs(world: &World) -> impl Iterator<Item = (EndId, EndId)> {
    let all = world.ids().flat_map(|source| world.ids().map(move |destination| (source, destination)));
    all.filter(|(source, destination)| {
        let addresses = world.pods(*source).is_none() && world.pods(*destination).is_none();
        let itself = source == destination && world.pods(*source).is_some_and(|pods| !pods.several);
        !addresses && !itself && world.coexist(*source, *destination)
    })
}

/// `connections` is what asking for every pair gives, in order.
pub(super) fn hold_connections(world: &World, engine: &Engine) {
    let verdict = |(source, destination)| (source, destination, engine.between(source, destination));
    let mut expected: Vec<_> = pairs(world).map(verdict).filter(|(.., verdict)| !verdict.is_denied()).collect();
    let mut found = Vec::new();
    engine.connections(|source, destination, verdict| {
        found.push((source, destination, verdict.clone()));
        ControlFlow::Continue(())
    });
    if let Some((one, other)) = found.iter().zip(&expected).find(|(one, other)| one != other) {
        panic!("found {one:?}, expected {other:?}");
    }
    assert_eq!(found.len(), expected.len());
    let mut closed = Vec::new();
    engine.closed_connections(|source, destination, verdict| {
        closed.push((source, destination, verdict.clone()));
        ControlFlow::Continue(())
    });
    expected.retain(|(source, destination, _)| {
        engine.is_isolated(Direction::Egress, *source) || engine.is_isolated(Direction::Ingress, *destination)
    });
    assert_eq!(closed, expected);
    let mut first = 0;
    engine.connections(|_, _, _| {
        first += 1;
        if first == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(first, found.len().min(2), "it stops when told to");
}

/// Where pods could be.
pub(super) fn random_nets(rng: &mut Rng) -> Vec<IpNet> {
    const NETS: [&str; 6] = ["10.1.0.0/16", "10.0.0.0/7", "192.0.2.0/24", "0.0.0.0/0", "fd00:1::/32", "fd00::/7"];
    let count = rng.between(1, 3);
    rng.some(&NETS, count).iter().map(|net| net.parse().unwrap()).collect()
}

#[test]
fn random_policies_among_random_pods() {
    let mut features = Features::new();
    let mut counts = [0; 3];
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let mut maker = Maker { rng: &mut rng, features: Features::new(), keys: 3 };
        let text = stream(&maker.policies());
        let cluster = maker.cluster();
        features.extend(maker.features);
        let (policies, set) = read(&text);
        let pods = [Truth::No, Truth::Yes, Truth::Maybe, Truth::Yes][seed as usize % 4];
        let blocks = Blocks { pods, addresses: (seed % 8 > 2).then(|| random_nets(&mut rng)) };
        let run = || hold(&policies, &set, &blocks, &cluster, &mut counts);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            println!("seed {seed}, blocks match pods: {pods:?} in {:?}\n{text}\n{cluster:#?}", blocks.addresses);
            std::panic::resume_unwind(panic);
        }
    }
    let missing: Vec<_> = ALL.iter().filter(|feature| !features.contains(*feature)).collect();
    assert!(missing.is_empty(), "never made: {missing:?}");
    assert!(counts.iter().all(|count| *count > 10_000), "allowed, denied and unknown all occur: {counts:?}");
}
