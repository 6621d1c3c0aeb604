//! What a diff says, held against the naive evaluator on everything that two sets of policies can tell apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../oracle/mod.rs"]
mod oracle;
mod programs;
mod yaml;

use oracle::evaluate::{self as naive, NAME_LABEL, Party, Pod, Stated};
use oracle::universe::{Atoms, Chunk, Matrix, Point, Universe};
use polder::ask::Situation;
use polder::diff::{Diff, Kind, Version, compare};
use polder::engine::{Comparison, Delta, End, EndId, Engine, SideChange, Verdict, World};
use polder::flow::FlowSet;
use polder::net::{BlocksMatch, Direction, Facts, PortSet, Protocol};
use polder::netpol::Policy;
use std::collections::{BTreeMap, BTreeSet};

/// A cluster whose address blocks match no pods: then pods are a matter of labels, which the oracle can enumerate.
pub fn outside_only() -> Facts {
    Facts::of_plugin(BlocksMatch::ALL_BUT_PODS)
}

/// Policies, as the code under test and as the oracle know them.
pub struct Side<'a> {
    pub policies: &'a [Policy],
    pub program: Option<&'a FlowSet>,
    pub naive: naive::PolicySet,
}

/// What the cases came to, to show that they are not all alike.
#[derive(Debug, Default)]
pub struct Counts {
    pub same: usize,
    pub wider: usize,
    pub narrower: usize,
    pub isolation: usize,
    pub connections: usize,
}

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

fn witness(world: &World, id: EndId) -> Option<Pod> {
    let pods = world.pods(id)?;
    let namespace = world.namespace_of(id).unwrap();
    Some(Pod {
        namespace: namespace.labels[NAME_LABEL].clone(),
        namespace_labels: namespace.labels.clone(),
        labels: pods.labels.clone(),
        ..Pod::default()
    })
}

/// The ends of the world that are like each party of a universe: there can be several, since tiers tell more apart, and so
/// do selectors that only may be about a namespace of which something is stated.
fn ends(world: &World, atoms: &Atoms, universe: &Universe, stated: &Stated) -> Vec<Vec<EndId>> {
    let selectors = atoms.pods.iter().map(|(namespaces, _)| namespaces).flat_map(|selector| &selector.requirements);
    let named = selectors.filter(|one| one.key == NAME_LABEL).flat_map(|one| &one.values);
    let names: BTreeSet<&str> = atoms.namespaces.iter().chain(named).map(String::as_str).collect();
    let mut kinds: BTreeMap<Signature, Vec<EndId>> = BTreeMap::new();
    let mut of_stated: Vec<(Pod, EndId)> = Vec::new();
    for id in world.ids() {
        if let Some(pod) = witness(world, id) {
            if stated.contains_key(&pod.namespace) {
                of_stated.push((pod, id));
                continue;
            }
            kinds.entry(signature(atoms, &names, &pod)).or_default().push(id);
        }
    }
    let mut address_kinds: Vec<EndId> = world.ids().filter(|id| world.pods(*id).is_none()).collect();
    let alike = |one: &Pod, other: &Pod| {
        let mut about = atoms.pods.iter().filter(|(namespaces, _)| namespaces.matches(&one.namespace_labels));
        about.all(|(_, pods)| pods.matches(&one.labels) == pods.matches(&other.labels))
    };
    let mut end = |party: &Party| match party {
        Party::Pod(pod) if stated.contains_key(&pod.namespace) => {
            let same = of_stated.iter().filter(|(kind, _)| kind.namespace == pod.namespace && alike(pod, kind));
            let ids: Vec<EndId> = same.map(|(_, id)| *id).collect();
            assert!(!ids.is_empty(), "every pod is of a kind");
            ids
        }
        Party::Pod(pod) => kinds.remove(&signature(atoms, &names, pod)).expect("every pod is of a kind"),
        Party::Address(address) => {
            let holds = |id: &mut EndId| matches!(world.end(*id), Some(End::Addresses { addresses, .. }) if addresses.has(*address));
            address_kinds.extract_if(.., holds).collect()
        }
    };
    let ends = universe.parties.iter().map(&mut end).collect();
    assert!(kinds.is_empty(), "kinds of pods that are not enumerated: {kinds:?}");
    ends
}

fn has(ports: &PortSet, point: &Point) -> bool {
    let protocol = Protocol::ALL.into_iter().find(|one| one.keyword() == point.protocol.to_string()).unwrap();
    ports.has(protocol, point.number) || point.names.iter().any(|name| ports.has_name(protocol, name))
}

fn may_have(verdict: &Verdict, point: &Point) -> bool {
    has(&verdict.allowed, point) || has(&verdict.unknown, point)
}

/// Holds everything that is said of two sets of policies.
pub fn hold(situation: &Situation, old: &Side<'_>, new: &Side<'_>, stated: &Stated, counts: &mut Counts) {
    let none = BTreeMap::new();
    let [before, after] =
        [old, new].map(|side| Version { policies: side.policies, policy_spans: &[], program: None, namespaces: &none });
    let diff = compare(situation, &before, &after);
    assert_eq!(mirrored(&compare(situation, &after, &before)), sorted(diff.clone()), "seen from the other end");

    let world = &situation.world;
    let engines = [old, new].map(|side| Engine::new(world, side.policies));
    let comparison = Comparison::new(&engines[0], &engines[1]);
    let mut deltas: BTreeMap<(EndId, EndId), Delta> = BTreeMap::new();
    comparison.each_candidate(|source, destination| {
        let delta = comparison.between(source, destination);
        deltas.extend(delta.map(|delta| ((source, destination), delta)));
    });
    deltas.values().for_each(hold_apply);

    let mut atoms = Atoms::of(&old.naive);
    atoms.join(Atoms::of(&new.naive));
    let universe = Universe::new(&atoms, stated);
    let ends = ends(world, &atoms, &universe, stated);
    let (mut wider, mut narrower) = (false, false);
    let mut seen = BTreeSet::new();
    for chunk in universe.chunks() {
        let matrices = [&old.naive, &new.naive].map(|set| chunk.allowed(set));
        each(&chunk, &matrices, |source, destination, point, [was, is]| {
            let what = || format!("{} -> {} on {point:?}", universe.parties[source], universe.parties[destination]);
            if was == is {
                return;
            }
            let pairs = ends[source].iter().flat_map(|from| ends[destination].iter().map(move |to| (*from, *to)));
            // One namespace cannot have two sets of labels.
            for pair in pairs.filter(|pair| world.coexist(pair.0, pair.1)) {
                wider |= is;
                narrower |= was;
                seen.insert(pair);
                let delta = deltas.get(&pair).unwrap_or_else(|| panic!("{} is not found", what()));
                let change = if is { &delta.added } else { &delta.removed };
                assert!(may_have(change, point), "{}: {delta:?}", what());
                assert!(is_said(&diff, pair, point, is), "{} is not said: {diff:#?}", what());
                if is_by_rules(&comparison, pair, point, is) {
                    assert!(is_listed(&diff, pair, point, is), "{} is not listed: {diff:#?}", what());
                }
            }
        });
    }
    // The enumerated addresses are examples, each of one kind at most.
    let enumerated: BTreeSet<EndId> = ends.iter().flatten().copied().collect();
    let known = |pair: &(EndId, EndId)| enumerated.contains(&pair.0) && enumerated.contains(&pair.1);
    let unseen: Vec<_> = deltas.iter().filter(|(pair, _)| known(pair) && !seen.contains(*pair)).collect();
    assert!(unseen.is_empty(), "differences that are none: {unseen:?}");
    assert_eq!(diff.is_empty(), seen.is_empty(), "{diff:#?}");
    assert_eq!((diff.is_wider(), diff.is_narrower()), (wider, narrower), "{diff:#?}");
    for change in &diff.connections {
        let [sources, destinations] = &change.ends;
        let pairs =
            sources.iter().flat_map(|source| destinations.iter().map(move |destination| (*source, *destination)));
        for pair in pairs.filter(|(source, destination)| world.coexist(*source, *destination)) {
            let outside = world.pods(pair.0).is_none() && world.pods(pair.1).is_none();
            assert!(outside || deltas.contains_key(&pair), "{change:?} is not true of {pair:?}");
        }
    }
    hold_origins(&diff);
    counts.same += usize::from(diff.is_empty());
    counts.wider += usize::from(wider);
    counts.narrower += usize::from(narrower);
    counts.isolation += diff.isolation.len();
    counts.connections += diff.connections.len();
}

fn each(chunk: &Chunk<'_>, matrices: &[Matrix; 2], mut found: impl FnMut(usize, usize, &Point, [bool; 2])) {
    let size = chunk.size();
    for cell in (0..size * size).filter(|cell| matrices[0].cells[*cell] != matrices[1].cells[*cell]) {
        for (bit, point) in chunk.points.iter().enumerate() {
            let is = matrices.each_ref().map(|matrix| matrix.cells[cell] >> bit & 1 == 1);
            found(cell / size, cell % size, point, is);
        }
    }
}

/// Everything has a reason, on the side where it exists.
fn hold_origins(diff: &Diff) {
    for change in &diff.isolation {
        assert!(!change.origins.is_empty() && !change.pods.is_empty(), "{change:?}");
    }
    for change in &diff.connections {
        assert_eq!(change.new_origins.is_empty(), change.added.is_denied(), "{change:?}");
        assert_eq!(change.old_origins.is_empty(), change.removed.is_denied(), "{change:?}");
        assert!(!change.sources.is_empty() && !change.destinations.is_empty(), "{change:?}");
    }
}

/// What was allowed, less what went, with what came, is what is allowed.
fn hold_apply(delta: &Delta) {
    let Delta { old, new, added, removed } = delta;
    if old.unknown.is_empty() && new.unknown.is_empty() {
        assert!(added.unknown.is_empty() && removed.unknown.is_empty(), "{delta:?}");
        let applied = old.allowed.subtract(&removed.allowed).union(&added.allowed);
        assert!(applied.contains(&new.allowed) && new.allowed.contains(&applied), "{delta:?}");
    }
}

/// Whether a diff says that a connection came, or else went.
fn is_said(diff: &Diff, (source, destination): (EndId, EndId), point: &Point, came: bool) -> bool {
    let by_isolation = diff.isolation.iter().filter(|change| change.lifted == came).any(|change| {
        change
            .directions
            .iter()
            .any(|direction| change.ends.contains(if *direction == Direction::Egress { &source } else { &destination }))
    });
    by_isolation || is_listed(diff, (source, destination), point, came)
}

/// Whether the connection is one of those that are listed.
fn is_listed(diff: &Diff, (source, destination): (EndId, EndId), point: &Point, came: bool) -> bool {
    diff.connections.iter().any(|change| {
        let [sources, destinations] = &change.ends;
        let ports = if came { &change.added } else { &change.removed };
        sources.contains(&source) && destinations.contains(&destination) && may_have(ports, point)
    })
}

/// Whether the rules of a side that is isolated before and after have a part in it.
fn is_by_rules(
    comparison: &Comparison<'_, '_>,
    (source, destination): (EndId, EndId),
    point: &Point,
    came: bool,
) -> bool {
    let closed = if came { comparison.old() } else { comparison.newer() };
    [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)].into_iter().any(
        |(direction, subject, peer)| {
            comparison.side(direction, subject) == SideChange::Rules
                && !may_have(&closed.side(direction, subject, peer), point)
        },
    )
}

/// The diff of the same two in the other order.
fn mirrored(diff: &Diff) -> Diff {
    let mut diff = diff.clone();
    for change in &mut diff.isolation {
        change.lifted = !change.lifted;
    }
    for change in &mut diff.connections {
        std::mem::swap(&mut change.added, &mut change.removed);
        std::mem::swap(&mut change.old_origins, &mut change.new_origins);
        change.kind = match change.kind {
            Kind::Added => Kind::Removed,
            Kind::Removed => Kind::Added,
            Kind::Changed => Kind::Changed,
        };
    }
    sorted(diff)
}

fn sorted(mut diff: Diff) -> Diff {
    diff.isolation.sort_by_key(|change| (change.ends.clone(), change.lifted));
    diff.connections.sort_by_key(|change| (change.ends.clone(), change.kind, format!("{change:?}")));
    diff
}
