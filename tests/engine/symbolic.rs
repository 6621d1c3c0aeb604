//! Verdicts about every pod that could exist, against the naive evaluator on the pods of the enumerated universe.

use super::naive::{self, NAME_LABEL, Party, Pod};
use crate::engine::concrete::{Blocks, hold_connections, random_nets, same};
use crate::engine::random::{Features, Maker};
use crate::engine::{read, stream};
use crate::everybody::{self, Managed};
use crate::oracle::law::Blocks as Covered;
use crate::oracle::rng::Rng;
use crate::oracle::universe::{Atoms, Bits, Chunk, Sides, Universe};
use polder::engine::{End, EndId, Engine, Verdict, World};
use polder::net::{Facts, PortSet, Protocol, Selector, Truth, Values};
use polder::netpol::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What policies can see of a pod: its namespace, if any of them names it, and which selectors match.
type Signature = (Option<String>, Vec<bool>);

fn signature(atoms: &Atoms, names: &BTreeSet<&str>, pod: &Pod) -> Signature {
    let here = |selector: &naive::Selector| selector.matches(&pod.namespace_labels);
    let namespaces: BTreeSet<&naive::Selector> = atoms.pods.iter().map(|(namespaces, _)| namespaces).collect();
    let matches = namespaces.into_iter().map(here);
    let pods = atoms.pods.iter().map(|(namespaces, pods)| here(namespaces) && pods.matches(&pod.labels));
    let name = names.contains(pod.namespace.as_str()).then(|| pod.namespace.clone());
    (name, matches.chain(pods).collect())
}

/// The example of a kind as a pod.
fn witness(world: &World, id: EndId) -> Option<Pod> {
    let pods = world.pods(id)?;
    let namespace = world.namespace_of(id).unwrap();
    let name = namespace.labels[NAME_LABEL].clone();
    assert!(namespace.name.as_ref().is_none_or(|known| **known == *name), "{namespace:?}");
    Some(Pod {
        namespace: name,
        namespace_labels: namespace.labels.clone(),
        labels: pods.labels.clone(),
        ..Pod::default()
    })
}

/// What a verdict says of a port that the destination serves under these names.
fn says(verdict: &Verdict, protocol: Protocol, number: u16, names: &[String]) -> Option<bool> {
    let named = |set: &PortSet| names.iter().any(|name| set.has_name(protocol, name));
    if verdict.allowed.has(protocol, number) || named(&verdict.allowed) {
        return Some(true);
    }
    if verdict.unknown.has(protocol, number) || named(&verdict.unknown) { None } else { Some(false) }
}

/// Holds the engine against the naive evaluator. The namespaces of `known` have no labels but their names, of those that are
/// asked for.
pub(super) fn hold(
    policies: &[Policy],
    set: &naive::PolicySet,
    blocks: &Blocks,
    known: &BTreeSet<String>,
    counts: &mut [usize; 3],
) {
    let atoms = Atoms::of(set);
    let stated = atoms.bare(known);
    let universe = Universe::new(&atoms, &stated);
    let facts = blocks.facts();
    let selectors = atoms.pods.iter().map(|(namespaces, _)| namespaces).flat_map(|selector| &selector.requirements);
    let named =
        selectors.filter(|requirement| requirement.key == NAME_LABEL).flat_map(|requirement| &requirement.values);
    let names: BTreeSet<&str> = atoms.namespaces.iter().chain(named).map(String::as_str).collect();
    // The universe has no namespace that nobody mentions but one.
    let known = stated.iter().filter(|(name, _)| names.contains(name.as_str())).map(|(name, labels)| {
        let mut selector = Selector::equals(NAME_LABEL, name.as_str());
        labels.keys().for_each(|key| selector.require(key.as_str(), Values::does_not_exist()));
        (Arc::from(name.as_str()), selector)
    });
    let known: Managed = known.collect();
    let world = everybody::world(policies, &[], &known, &facts);
    let engine = Engine::new(&world, policies);
    let mut kinds: BTreeMap<Signature, EndId> = BTreeMap::new();
    for id in world.ids() {
        if let Some(pod) = witness(&world, id) {
            let twin = kinds.insert(signature(&atoms, &names, &pod), id);
            assert_eq!(twin, None, "kinds can be told apart: {pod:?}");
        }
    }
    let mut ends = Vec::new();
    for party in &universe.parties {
        ends.push(match party {
            Party::Pod(pod) => kinds.get(&signature(&atoms, &names, pod)).copied().expect("every pod is of a kind"),
            Party::Address(address) => {
                let holds =
                    |id: &EndId| matches!(world.end(*id), Some(End::Addresses { addresses, .. }) if addresses.has(*address));
                world.ids().find(holds).expect("every address is of a kind")
            }
        });
    }
    let pods = universe.parties.iter().filter(|party| matches!(party, Party::Pod(_))).count();
    assert_eq!(kinds.len(), pods, "and there are no other kinds");

    for chunk in universe.chunks() {
        let ways = Ways::new(&universe, &chunk, set, blocks);
        for (source, from) in ends.iter().enumerate() {
            for (destination, to) in ends.iter().enumerate() {
                let possible = chunk.possible(source, destination);
                let verdict = engine.between(*from, *to);
                for (bit, point) in chunk.points.iter().enumerate().filter(|(bit, _)| possible >> bit & 1 == 1) {
                    let is = ways.judge(source, destination, bit);
                    let protocol = Protocol::ALL.into_iter().find(|one| same(*one) == point.protocol).unwrap();
                    let says = says(&verdict, protocol, point.number, &point.names);
                    let what =
                        || format!("{} -> {} on {point:?}", universe.parties[source], universe.parties[destination]);
                    // A name can be any number.
                    let named = atoms.names.iter().any(|name| name.1 == point.protocol);
                    assert!(says == is || (named && says.is_none()), "{}: {verdict:?}, is {is:?}", what());
                    counts[says.map_or(2, |says| usize::from(!says))] += 1;
                }
            }
        }
    }
    hold_connections(&world, &engine);
}

/// What both sides of all connections allow, in each way in which what is not known can turn out.
struct Ways<'u> {
    parties: &'u [Party],
    /// Where blocks do not match pods; `None` where they do for sure.
    without: Option<Sides>,
    /// Where they do and all pods have this address.
    with: Vec<(IpAddr, Sides)>,
}

impl<'u> Ways<'u> {
    fn new(universe: &'u Universe, chunk: &Chunk<'_>, set: &naive::PolicySet, blocks: &Blocks) -> Self {
        let facts = blocks.facts();
        let matching = naive::PolicySet { blocks: Covered { pods: true, ..Covered::default() }, ..set.clone() };
        let with = |address: IpAddr| {
            let place = |party: &Party| match party {
                Party::Pod(pod) => Party::Pod(Pod { addresses: vec![address], ..pod.clone() }),
                Party::Address(address) => Party::Address(*address),
            };
            let parties: Vec<Party> = universe.parties.iter().map(place).collect();
            (address, chunk.among(&parties).sides(&matching))
        };
        let mut all = Atoms::of(set);
        all.blocks.extend(blocks.addresses.iter().flatten());
        let candidates = Universe::new(&Atoms { blocks: all.blocks, ..Atoms::default() }, &naive::Stated::new());
        let candidates = candidates.parties.iter().filter_map(|party| match party {
            Party::Address(address) if facts.pod_addresses().has(*address) => Some(*address),
            _ => None,
        });
        Ways {
            parties: &universe.parties,
            without: (blocks.pods != Truth::Yes).then(|| chunk.sides(set)),
            with: candidates.filter(|_| blocks.pods != Truth::No).map(with).collect(),
        }
    }

    /// Whether a port is open, when that does not depend on what is not known.
    fn judge(&self, source: usize, destination: usize, bit: usize) -> Option<bool> {
        let cell = source * self.parties.len() + destination;
        let open = |egress: &Sides, ingress: &Sides| {
            (egress.egress.cells[cell] & ingress.ingress.cells[cell]) >> bit as Bits & 1 == 1
        };
        let mut seen: BTreeSet<bool> = self.without.iter().map(|sides| open(sides, sides)).collect();
        let of = |party: usize, address: &IpAddr| match &self.parties[party] {
            Party::Pod(_) => true,
            Party::Address(own) => own.is_ipv4() == address.is_ipv4(),
        };
        let here: Vec<_> = self.with.iter().filter(|(address, _)| of(source, address)).collect();
        let there: Vec<_> = self.with.iter().filter(|(address, _)| of(destination, address)).collect();
        // Beside an address of a family that no pod has, those of the other one count.
        let here = if here.is_empty() { self.with.iter().collect() } else { here };
        let there = if there.is_empty() { self.with.iter().collect() } else { there };
        let (outside, inside) =
            (matches!(self.parties[source], Party::Address(_)), matches!(self.parties[destination], Party::Address(_)));
        for (one, ingress) in &here {
            for (other, egress) in &there {
                if outside || inside || one.is_ipv4() == other.is_ipv4() {
                    seen.insert(open(egress, ingress));
                }
            }
        }
        (seen.len() == 1).then(|| seen.contains(&true))
    }
}

#[test]
fn random_policies_among_all_pods() {
    let mut counts = [0; 3];
    for seed in 1_000..1_500 {
        let mut rng = Rng::new(seed);
        let mut maker = Maker { rng: &mut rng, features: Features::new(), keys: 1 + usize::from(seed % 7 == 0) };
        let mut documents = maker.policies();
        documents.truncate(1 + seed as usize % 3);
        let text = stream(&documents);
        let (policies, set) = read(&text);
        let bare = if seed % 3 == 0 { BTreeSet::from(["x".to_owned(), "z".to_owned()]) } else { BTreeSet::new() };
        let pods = [Truth::No, Truth::Yes, Truth::Maybe, Truth::No][seed as usize % 4];
        let blocks = Blocks { pods, addresses: (seed % 8 > 3).then(|| random_nets(&mut rng)) };
        let run = || hold(&policies, &set, &blocks, &bare, &mut counts);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            println!("seed {seed}, known: {bare:?}, {pods:?} in {:?}\n{text}", blocks.addresses);
            std::panic::resume_unwind(panic);
        }
    }
    assert!(counts.iter().all(|count| *count > 1_000), "allowed, denied and unknown all occur: {counts:?}");
}

/// A name stays unknown only where some pods with it are let in and others are not.
#[test]
fn a_name_against_a_number_depends_on_the_pod() {
    let rule = |direction: &str, peers: &str, port: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p-{peers}, namespace: x}}\n\
             spec: {{policyTypes: [{direction}], {peers}: [{{ports: [{{port: {port}}}]}}]}}\n"
        )
    };
    let verdict = |egress: &str, ingress: &str| {
        let text = format!("{}---\n{}", rule("Egress", "egress", egress), rule("Ingress", "ingress", ingress));
        let (policies, _) = read(&text);
        let world = everybody::world(&policies, &[], &Managed::new(), &Facts::default());
        let engine = Engine::new(&world, &policies);
        let pod = world.ids().find(|id| world.namespace_of(*id).unwrap().name.as_deref() == Some("x")).unwrap();
        (engine.between(pod, pod), engine.doubts(pod, pod, &PortSet::everything()).len())
    };
    let (both, doubts) = verdict("http", "http");
    assert!(both.allowed.has_name(Protocol::Tcp, "http") && both.unknown.is_empty() && doubts == 0);
    let (mixed, doubts) = verdict("http", "80");
    assert!(mixed.allowed.is_empty() && mixed.unknown.has_name(Protocol::Tcp, "http") && doubts == 1);
    // One port of a pod can have two names.
    let (names, doubts) = verdict("http", "web");
    assert!(names.allowed.is_empty() && names.unknown.has_name(Protocol::Tcp, "http") && doubts == 2);
}

/// Nobody knows the addresses of pods that could exist.
#[test]
fn a_block_that_matches_pods_depends_on_the_pod() {
    let policy = |name: &str, blocks: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: x}}\n\
             spec: {{policyTypes: [Ingress], ingress: [{{from: {blocks}, ports: [{{port: {name}}}]}}]}}\n"
        )
    };
    let some = policy("http", "[{ipBlock: {cidr: 10.0.0.0/8}}]");
    let all = policy("web", "[{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}]");
    let (policies, _) = read(&format!("{some}{all}"));
    for (pods, sure, perhaps) in [(Truth::No, false, false), (Truth::Maybe, false, true), (Truth::Yes, true, true)] {
        let facts = Blocks { pods, addresses: None }.facts();
        let world = everybody::world(&policies, &[], &Managed::new(), &facts);
        let engine = Engine::new(&world, &policies);
        let ends: Vec<EndId> = world.ids().filter(|id| world.pods(*id).is_some()).collect();
        let inside = *ends.iter().find(|id| world.namespace_of(**id).unwrap().name.is_some()).unwrap();
        for source in ends {
            let verdict = engine.between(source, inside);
            assert_eq!(verdict.allowed.has_name(Protocol::Tcp, "web"), sure, "{verdict:?}");
            assert_eq!(verdict.unknown.has_name(Protocol::Tcp, "http"), perhaps, "{verdict:?}");
            assert_eq!(engine.doubts(source, inside, &PortSet::everything()).is_empty(), !perhaps);
        }
        hold_connections(&world, &engine);
    }
}
