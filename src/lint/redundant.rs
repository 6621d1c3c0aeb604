//! Policies, rules, peers and ports without which everything would be the same.
//!
//! All that is told at once can be taken away at once: what was found before does not count any more.

use super::atoms::{Patience, Side};
use super::{Covered, One};
use crate::net::{AddressSet, Direction, Peers, PortSet, Protocol, Region, Selector, SelectorIndex};
use crate::netpol::{Policy, Written};
use crate::source::Span;
use rustc_hash::FxHashMap;

/// Something without which everything would be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// The place of the policy.
    pub policy: usize,
    /// What of it.
    pub part: Part,
}

/// A part of a policy, by places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Policy,
    /// A rule.
    Rule(Direction, usize),
    /// A peer of a rule that has others.
    Peer(Direction, usize, usize),
    /// A port of a rule that has others.
    Port(Direction, usize, usize),
}

/// What can be removed from policies, which are sorted by namespace, all at once.
///
/// For every pod that could exist, each side of each connection stays as it is. Nothing of what is left could be
/// removed as well, unless it took too long to tell; but policies without rules stay where only others with rules
/// isolate as much, and those that allow everything where no other isolates.
pub fn redundant(policies: &[Policy]) -> Vec<Removal> {
    let (written, covered) = (Written::default(), Covered::new());
    let one = |policy| One { policy, name: None, written: &written, covered: &covered };
    let ones: Vec<One<'_>> = policies.iter().map(one).collect();
    let patience = Patience::new();
    let mut first = 0;
    let mut found = Vec::new();
    for group in ones.chunk_by(|one, next| one.policy.namespace == next.policy.namespace) {
        let sides = Direction::ALL.map(|direction| Side::new(group, direction, &patience));
        let told = [const { Vec::new() }; 2];
        let removals = search(&sides, &told).into_iter().map(|(removal, _)| removal);
        found.extend(removals.map(|removal| Removal { policy: removal.policy + first, ..removal }));
        first += group.len();
    }
    found
}

/// What makes a part redundant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instead {
    /// A policy that says as much, or a part of it.
    pub policy: usize,
    /// The rule of it that does, where it is one.
    pub rule: Option<usize>,
    /// Where it does.
    pub place: Option<Span>,
    /// Whether it alone says all of it.
    pub alone: bool,
    /// Whether it is only about isolating.
    pub denies: bool,
    /// Whether it is a rule that allows everything to everyone.
    pub is_everything: bool,
    /// Whether it is a rule for everyone, on some ports.
    pub is_open: bool,
}

/// What can be removed from the policies of one namespace. `told` are those of each direction that have no effect for
/// another reason.
pub(super) fn search(sides: &[Side<'_>; 2], told: &[Vec<bool>; 2]) -> Vec<(Removal, Option<Instead>)> {
    let [ingress, _] = sides;
    let group = ingress.group;
    let mut search = Search {
        group,
        sides,
        gone: sides.each_ref().map(|side| vec![false; side.atoms.len()]),
        gone_policies: vec![false; group.len()],
        told,
        found: Vec::new(),
        same: FxHashMap::default(),
        near: SelectorIndex::new(group.iter().map(|one| &one.policy.subject).enumerate()),
    };
    for (at, one) in group.iter().enumerate() {
        search.same.entry(&one.policy.subject).or_default().push(at);
    }
    for policy in (0..group.len()).rev() {
        search.policy(policy);
    }
    for way in [0, 1] {
        for policy in (0..group.len()).rev() {
            search.parts(way, policy);
        }
    }
    search.found
}

struct Search<'s, 'a> {
    group: &'s [One<'a>],
    sides: &'s [Side<'a>; 2],
    /// The atoms of each side that can be taken away.
    gone: [Vec<bool>; 2],
    gone_policies: Vec<bool>,
    told: &'s [Vec<bool>; 2],
    found: Vec<(Removal, Option<Instead>)>,
    /// The policies by what they select: those of the same labels, and those that may select the same pods.
    same: FxHashMap<&'s Selector, Vec<usize>>,
    near: SelectorIndex,
}

/// The places of some atoms of a side.
type Atoms = Vec<usize>;

impl<'s> Search<'s, '_> {
    fn side(&self, way: usize) -> Option<&'s Side<'s>> {
        self.sides.get(way)
    }

    fn rules_of(&self, policy: usize, way: usize) -> Option<usize> {
        let direction = *Direction::ALL.get(way)?;
        self.group.get(policy)?.rules(direction).map(<[_]>::len)
    }

    /// The atoms of a rule, or of one of its peers.
    fn of_rule(&self, way: usize, policy: usize, rule: usize, peer: Option<usize>) -> Atoms {
        self.side(way).map(|side| side.of_rule(policy, rule, peer).collect()).unwrap_or_default()
    }

    fn is_gone(&self, way: usize, atom: usize) -> bool {
        self.gone.get(way).and_then(|gone| gone.get(atom)).copied().unwrap_or_default()
    }

    fn take(&mut self, way: usize, part: &Atoms) {
        let Some(gone) = self.gone.get_mut(way) else { return };
        for atom in part {
            if let Some(slot) = gone.get_mut(*atom) {
                *slot = true;
            }
        }
    }

    /// Whether what is left allows all that a part allows.
    fn is_covered(&self, way: usize, part: &Atoms) -> bool {
        let Some(side) = self.side(way) else { return false };
        let inside = |index: usize| part.binary_search(&index).is_ok();
        part.iter()
            .filter_map(|index| side.atoms.get(*index))
            .all(|atom| side.allows(&atom.region, |index, _| !inside(index) && !self.is_gone(way, index)) == Ok(true))
    }

    fn is_told(&self, policy: usize, way: usize) -> bool {
        self.told.get(way).and_then(|told| told.get(policy)).copied().unwrap_or_default()
    }

    /// What allows all of a part by itself, or else some of it.
    fn instead(&self, way: usize, part: &Atoms) -> Option<Instead> {
        let side = self.side(way)?;
        let atom = side.atoms.get(*part.first()?)?;
        let inside = |index: &usize| part.binary_search(index).is_ok() || self.is_gone(way, *index);
        let near: Vec<usize> = side.near(&atom.region).into_iter().filter(|index| !inside(index)).collect();
        side.patience.spend(near.len()).ok()?;
        let others = || near.iter().filter_map(|index| side.atoms.get(*index));
        let whole = others().find(|other| {
            let mut all = part.iter().filter_map(|index| side.atoms.get(*index));
            all.all(|atom| side.patience.covers(&atom.region, &[&other.region]) == Ok(true))
        });
        let some = || others().find(|other| other.region.overlaps(&atom.region));
        let other = whole.or_else(some)?;
        let one = self.group.get(other.policy)?;
        let place = match other.peer {
            Some(peer) => one.peer_place(side.direction, other.rule, peer),
            None => one.rule_place(side.direction, other.rule),
        };
        let (is_everything, is_open) = (other.is_everything(), other.region.peers == Peers::Any);
        let (policy, rule, alone) = (other.policy, Some(other.rule), whole.is_some());
        Some(Instead { policy, rule, place, alone, denies: false, is_everything, is_open })
    }

    /// Looks whether a whole policy can be removed.
    fn policy(&mut self, policy: usize) {
        let Some(one) = self.group.get(policy) else { return };
        let told = [0, 1].into_iter().any(|way| self.is_told(policy, way));
        // One that selects nothing is told of as such.
        if told || one.policy.subject.contradiction().is_some() {
            return;
        }
        let whole = |way| self.side(way).into_iter().flat_map(|side| side.of(policy)).map(|(index, _)| index).collect();
        let parts: [Atoms; 2] = [0, 1].map(whole);
        let mut ways = (0..).zip(&parts).filter(|(way, _)| self.rules_of(policy, *way).is_some());
        if !ways.all(|(way, part)| self.is_covered(way, part) && self.is_isolated_without(policy, way)) {
            return;
        }
        let mut instead = (0..).zip(&parts).find_map(|(way, part)| self.instead(way, part));
        if let Some(instead) = &mut instead {
            instead.alone &= parts.iter().filter(|part| !part.is_empty()).count() < 2;
        }
        let denies = |policy| Instead {
            policy,
            rule: None,
            place: None,
            alone: true,
            denies: true,
            is_everything: false,
            is_open: false,
        };
        let isolating = || self.isolating(policy).map(denies);
        self.found.push((Removal { policy, part: Part::Policy }, instead.or_else(isolating)));
        for (way, part) in parts.iter().enumerate() {
            self.take(way, part);
        }
        if let Some(slot) = self.gone_policies.get_mut(policy) {
            *slot = true;
        }
    }

    /// Whether another policy is left and can take the place of one in isolating: of one that only denies, others that
    /// only deny. It is there to be seen as the default, whatever else there is.
    fn may_isolate(&self, other: usize, policy: usize, way: usize) -> bool {
        let denies = |policy: &Policy| [&policy.ingress, &policy.egress].into_iter().flatten().all(Vec::is_empty);
        let denies = |at: usize| self.group.get(at).is_some_and(|one| denies(one.policy));
        other != policy
            && !self.gone_policies.get(other).copied().unwrap_or_default()
            && self.rules_of(other, way).is_some()
            && (!denies(policy) || denies(other))
    }

    /// The first of those that select just the pods of a policy, or all.
    fn same_or_all(&self, policy: usize, way: usize) -> Option<usize> {
        let everything = Selector::everything();
        let first = |subject: &Selector| {
            self.same.get(subject)?.iter().copied().find(|other| self.may_isolate(*other, policy, way))
        };
        let own = self.group.get(policy).and_then(|one| first(&one.policy.subject));
        own.into_iter().chain(first(&everything)).min()
    }

    /// The first of those that isolates some of the pods of a policy.
    fn isolating(&self, policy: usize) -> Option<usize> {
        let mine = &self.group.get(policy)?.policy.subject;
        [0, 1].into_iter().filter(|way| self.rules_of(policy, *way).is_some()).find_map(|way| {
            let known = self.same_or_all(policy, way);
            let before = known.unwrap_or(self.group.len());
            let is_one = |other: &usize| {
                self.may_isolate(*other, policy, way)
                    && self.group.get(*other).is_some_and(|one| one.policy.subject.overlaps(mine))
            };
            let near = if before == 0 { Vec::new() } else { self.near.query(mine) };
            near.into_iter().take_while(|other| *other < before).find(is_one).or(known)
        })
    }

    /// Whether every pod of a policy is isolated in a direction by other policies.
    fn is_isolated_without(&self, policy: usize, way: usize) -> bool {
        let region = |index: usize| {
            let subject = self.group.get(index)?.policy.subject.clone();
            let ports = PortSet::number(Protocol::Tcp, 1);
            Some(Region { subject, peers: Peers::Addresses(AddressSet::all()), ports })
        };
        if self.same_or_all(policy, way).is_some() {
            return true;
        }
        let (Some(mine), Some(side)) = (region(policy), self.side(way)) else { return false };
        let near = self.near.query(&mine.subject);
        if side.patience.spend(near.len()).is_err() {
            return false;
        }
        let near = near.into_iter().filter(|other| self.may_isolate(*other, policy, way));
        let others: Vec<Region> = near.filter_map(region).collect();
        side.patience.covers(&mine, &others.iter().collect::<Vec<_>>()) == Ok(true)
    }

    /// Looks which rules, and which peers and ports of rules, can be removed.
    fn parts(&mut self, way: usize, policy: usize) {
        let (Some(rules), Some(one), Some(side)) = (self.rules_of(policy, way), self.group.get(policy), self.side(way))
        else {
            return;
        };
        if self.gone_policies.get(policy) == Some(&true) || self.is_told(policy, way) {
            return;
        }
        let direction = side.direction;
        for rule in (0..rules).rev() {
            let whole = self.of_rule(way, policy, rule, None);
            if self.remove(way, &whole, Removal { policy, part: Part::Rule(direction, rule) }) {
                continue;
            }
            let Some(written) = one.rules(direction).and_then(|rules| rules.get(rule)) else { continue };
            for peer in (0..written.peers.len()).rev().filter(|_| written.peers.len() > 1) {
                let part = self.of_rule(way, policy, rule, Some(peer));
                self.remove(way, &part, Removal { policy, part: Part::Peer(direction, rule, peer) });
            }
            for port in (0..written.ports.len()).rev().filter(|_| written.ports.len() > 1) {
                let is_of_port = |atom: &usize| side.atoms.get(*atom).is_some_and(|atom| atom.port == Some(port));
                let left: Atoms =
                    whole.iter().copied().filter(|atom| is_of_port(atom) && !self.is_gone(way, *atom)).collect();
                self.remove(way, &left, Removal { policy, part: Part::Port(direction, rule, port) });
            }
        }
    }

    fn remove(&mut self, way: usize, part: &Atoms, removal: Removal) -> bool {
        let Some(side) = self.side(way) else { return false };
        // What allows nothing is told of as such.
        let empty = part.iter().filter_map(|atom| side.atoms.get(*atom)).all(|atom| atom.region.is_empty());
        if empty || !self.is_covered(way, part) {
            return false;
        }
        let instead = self.instead(way, part);
        self.found.push((removal, instead));
        self.take(way, part);
        true
    }
}
