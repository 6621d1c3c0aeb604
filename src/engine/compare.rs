//! Where the policies of two engines differ, at a cost that goes with what differs.
//!
//! A connection can only differ where one of its two sides does. So the sides are compared first, each two that ends
//! have once, by what their rules allow to which peers; and then only ends that those peers are.

use super::world::EndId;
use super::{Engine, RuleEntry, Verdict, named_port_diff, rules_in};
use crate::net::{Direction, PortSet};
use crate::netpol::{Peer, Policy, Port};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// How one side of the connections of an end differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SideChange {
    /// Not at all.
    Same,
    /// It was open and is isolated.
    Introduced,
    /// It was isolated and is open.
    Lifted,
    /// It is isolated as before, and its rules differ.
    Rules,
}

/// What differs between two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// What was allowed.
    pub old: Verdict,
    /// What is allowed.
    pub new: Verdict,
    /// The ports that are allowed and were not; as unknown those where only one of both may be so.
    pub added: Verdict,
    /// The ports that were allowed and are not; as unknown those where only one of both may be so.
    pub removed: Verdict,
}

/// Two engines over one world.
#[derive(Debug)]
pub struct Comparison<'e, 'a> {
    old: &'e Engine<'a>,
    new: &'e Engine<'a>,
    changes: Vec<EndChange>,
    /// The changes of each end, in the order of [`Direction::ALL`].
    changes_of: Vec<[usize; 2]>,
}

#[derive(Debug)]
struct EndChange {
    kind: SideChange,
    /// The peers that it makes a difference to, sorted; `None` when they may be all.
    peers: Option<Vec<EndId>>,
}

/// A peer as it means the same in both engines: the namespace that it is local to, and it; `None` is any at all.
type PeerKey<'a> = Option<(Option<&'a str>, &'a Peer)>;

/// What the peers of a side are given.
type Atoms<'a> = BTreeMap<PeerKey<'a>, Atom<'a>>;

/// What one peer is given.
#[derive(Debug, Default)]
struct Atom<'a> {
    /// Its place in the table of its engine.
    peer: Option<usize>,
    /// The ports, as they are written; `None` is every port.
    ports: BTreeSet<Option<&'a Port>>,
}

/// The changes that each peer of an engine has a part in.
type WantedChanges = BTreeMap<usize, Vec<usize>>;

impl<'e, 'a> Comparison<'e, 'a> {
    /// Compares the sides of all ends. Both engines have to be about the same world.
    pub fn new(old: &'e Engine<'a>, new: &'e Engine<'a>) -> Self {
        let mut comparison = Comparison {
            old,
            new,
            changes: vec![EndChange { kind: SideChange::Same, peers: Some(Vec::new()) }],
            changes_of: Vec::with_capacity(old.world.ends.len()),
        };
        let mut known: FxHashMap<(Option<usize>, Option<usize>), usize> = FxHashMap::default();
        let mut wanted = [WantedChanges::new(), WantedChanges::new()];
        for end in old.world.ids() {
            let of = Direction::ALL.map(|direction| {
                let sides = (old.side_index(direction, end), new.side_index(direction, end));
                if sides == (None, None) {
                    return 0;
                }
                *known.entry(sides).or_insert_with(|| comparison.compare(direction, sides, &mut wanted))
            });
            comparison.changes_of.push(of);
        }
        comparison.find_peers(&wanted);
        comparison
    }

    /// The older one.
    pub fn old(&self) -> &'e Engine<'a> {
        self.old
    }

    /// The newer one.
    pub fn newer(&self) -> &'e Engine<'a> {
        self.new
    }

    /// How a side of an end differs.
    pub fn side(&self, direction: Direction, end: EndId) -> SideChange {
        self.change(direction, end).map_or(SideChange::Same, |change| change.kind)
    }

    fn change(&self, direction: Direction, end: EndId) -> Option<&EndChange> {
        let [ingress, egress] = self.changes_of.get(end.index())?;
        self.changes.get(match direction {
            Direction::Ingress => *ingress,
            Direction::Egress => *egress,
        })
    }

    /// Files how two sides differ, and the peers that it makes a difference to.
    fn compare(
        &mut self,
        direction: Direction,
        (old, new): (Option<usize>, Option<usize>),
        wanted: &mut [WantedChanges; 2],
    ) -> usize {
        let index = self.changes.len();
        let before = old.map(|side| self.old.atoms(direction, side));
        let after = new.map(|side| self.new.atoms(direction, side));
        let change = match (&before, &after) {
            (Some(before), Some(after)) => {
                let differs = |key: &&PeerKey<'a>| {
                    before.get(*key).map(|atom| &atom.ports) != after.get(*key).map(|atom| &atom.ports)
                };
                let keys: BTreeSet<&PeerKey<'a>> = before.keys().chain(after.keys()).filter(differs).collect();
                if keys.is_empty() {
                    return 0;
                }
                let all = keys.contains(&None);
                for key in keys.into_iter().filter(|_| !all) {
                    for (atoms, wanted) in [before, after].into_iter().zip(wanted.iter_mut()) {
                        let peer = atoms.get(key).and_then(|atom| atom.peer);
                        peer.into_iter().for_each(|peer| wanted.entry(peer).or_default().push(index));
                    }
                }
                EndChange { kind: SideChange::Rules, peers: (!all).then(Vec::new) }
            }
            (Some(one), None) | (None, Some(one)) if is_open(one) => return 0,
            (Some(_), None) => EndChange { kind: SideChange::Lifted, peers: None },
            (None, _) => EndChange { kind: SideChange::Introduced, peers: None },
        };
        self.changes.push(change);
        index
    }

    /// Finds the ends that changes of rules are about.
    fn find_peers(&mut self, wanted: &[WantedChanges; 2]) {
        for (engine, wanted) in [self.old, self.new].into_iter().zip(wanted) {
            if wanted.is_empty() {
                continue;
            }
            for end in engine.world.ids() {
                for peer in engine.peers.of(end).iter().flatten() {
                    for change in wanted.get(peer).into_iter().flatten() {
                        let peers = self.changes.get_mut(*change).and_then(|change| change.peers.as_mut());
                        peers.into_iter().for_each(|peers| peers.push(end));
                    }
                }
            }
        }
        for peers in self.changes.iter_mut().filter_map(|change| change.peers.as_mut()) {
            peers.sort_unstable();
            peers.dedup();
        }
    }

    /// Calls `found` for every two ends between which something may differ, by source and destination.
    pub fn each_candidate(&self, mut found: impl FnMut(EndId, EndId)) {
        let world = self.old.world;
        // The destinations whose ingress differs for everybody, and those for each source.
        let mut for_all = Vec::new();
        let mut for_source: Vec<Vec<EndId>> = vec![Vec::new(); world.ends.len()];
        for destination in world.ids() {
            match self.change(Direction::Ingress, destination).map(|change| &change.peers) {
                Some(Some(peers)) => {
                    for source in peers {
                        for_source.get_mut(source.index()).into_iter().for_each(|list| list.push(destination));
                    }
                }
                Some(None) => for_all.push(destination),
                None => {}
            }
        }
        let everybody: Vec<EndId> = world.ids().collect();
        let mut merged = Vec::new();
        for (source, mut own) in world.ids().zip(for_source) {
            let destinations = match self.change(Direction::Egress, source).map(|change| change.peers.as_ref()) {
                Some(None) => &everybody,
                Some(Some(peers)) => {
                    own.extend(peers);
                    own.extend(&for_all);
                    own.sort_unstable();
                    own.dedup();
                    merged.clear();
                    merged.append(&mut own);
                    &merged
                }
                None => continue,
            };
            for destination in destinations.iter().copied() {
                let outside = world.pods(source).is_none() && world.pods(destination).is_none();
                if !outside && world.coexist(source, destination) {
                    found(source, destination);
                }
            }
        }
    }

    /// What differs between two ends; `None` when nothing does.
    pub fn between(&self, source: EndId, destination: EndId) -> Option<Delta> {
        if self.old.is_itself(source, destination) {
            return None;
        }
        let old = self.old.between(source, destination);
        let new = self.new.between(source, destination);
        let [before, after] = [&old, &new].map(Verdict::possible);
        let mut added = step(&old.allowed, &new.allowed, &before, &after);
        let mut removed = step(&new.allowed, &old.allowed, &after, &before);
        if !old.unknown.is_empty() || !new.unknown.is_empty() {
            let sides = [self.old, self.new].map(|engine| {
                let egress = engine.side(Direction::Egress, source, destination);
                (egress.allowed, engine.side(Direction::Ingress, destination, source).allowed)
            });
            // The same name may have to be another number.
            let [less, more] = named_port_diff::changes(&sides);
            added.unknown.insert(&more.subtract(&added.allowed));
            removed.unknown.insert(&less.subtract(&removed.allowed));
        }
        (!added.is_denied() || !removed.is_denied()).then_some(Delta { old, new, added, removed })
    }
}

/// What `to` has and `from` has not: surely, and perhaps.
fn step(from: &PortSet, to: &PortSet, perhaps_from: &PortSet, perhaps_to: &PortSet) -> Verdict {
    let (sure, possible) = (to.subtract(from), perhaps_to.subtract(perhaps_from));
    let allowed = sure.intersect(&possible);
    // A union would take in the names of ports that it is not about.
    let unknown = match (sure.subtract(&possible), possible.subtract(&sure)) {
        (one, other) if one.is_empty() => other,
        (one, other) if other.is_empty() => one,
        (one, other) => one.union(&other),
    };
    Verdict { allowed, unknown }
}

/// Whether such a side lets everything through.
fn is_open(atoms: &Atoms<'_>) -> bool {
    atoms.get(&None).is_some_and(|atom| atom.ports.contains(&None))
}

impl<'a> Engine<'a> {
    /// What a side allows to whom.
    fn atoms(&self, direction: Direction, side: usize) -> Atoms<'a> {
        let mut atoms = Atoms::new();
        for rule in self.sides[side].rules.iter().filter_map(|index| self.rules.get(*index)) {
            let policies: &'a [Policy] = self.policies;
            let rules = policies.get(rule.policy).and_then(|policy| rules_in(policy, direction));
            let Some(written) = rules.and_then(|rules| rules.get(rule.rule)) else { continue };
            let mut add = |key, peer| {
                let atom = atoms.entry(key).or_default();
                atom.peer = peer;
                if written.ports.is_empty() {
                    atom.ports.insert(None);
                }
                atom.ports.extend(written.ports.iter().map(Some));
            };
            match &rule.peers {
                None => add(None, None),
                Some(peers) => peers.iter().for_each(|peer| add(self.peers.key(*peer), Some(*peer))),
            }
        }
        atoms
    }

    /// The policies that isolate an end in a direction, by their place.
    pub fn isolating(&self, direction: Direction, end: EndId) -> &[usize] {
        self.side_of(direction, end).map(|side| side.policies.as_slice()).unwrap_or_default()
    }

    /// The policies of some subjects that let some of `peers` through on some of `ports`, by their place.
    pub fn granting(
        &self,
        direction: Direction,
        subjects: &[EndId],
        peers: &[EndId],
        ports: &PortSet,
    ) -> BTreeSet<usize> {
        let sides: BTreeSet<usize> = subjects.iter().filter_map(|end| self.side_index(direction, *end)).collect();
        let wanted: FxHashSet<usize> = peers.iter().flat_map(|end| self.peers.of(*end)).flatten().copied().collect();
        let destinations = if direction == Direction::Ingress { subjects } else { peers };
        let rules = sides.iter().flat_map(|side| &self.sides[*side].rules);
        let grants = |rule: &&RuleEntry| {
            let any = rule.peers.as_ref().is_none_or(|peers| peers.iter().any(|peer| wanted.contains(peer)));
            any && destinations.iter().any(|end| self.ports.of(rule.ports, *end).overlaps(ports))
        };
        rules.filter_map(|index| self.rules.get(*index)).filter(grants).map(|rule| rule.policy).collect()
    }
}
