//! What is allowed to and from pods of which none is in the world.
//!
//! Rules let pods through by their labels, also where nobody has these. The sides of such pods are what the policies of their
//! namespaces say of pods with such labels.

use super::ports::{as_written, of_unknown_number};
use super::world::{EndId, Namespace};
use super::{Engine, rules_in};
use crate::cover::{Budget, GaveUp, unmatched};
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Selector, Truth, namespace_by_name};
use crate::netpol::{Peer, Policy, Rule};
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods by the labels of their namespaces and their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbsentPods {
    /// The labels of their namespaces.
    pub namespaces: Selector,
    /// Their own.
    pub pods: Selector,
}

/// Of which of some pods something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Of all of them.
    All,
    /// Of those that nothing isolates on their side, and there are others.
    NotIsolated,
    /// It is not known of which, for a fact is missing.
    Unknown,
}

/// What is allowed between a pod of the world and some of which none is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// As seen from the one that is there.
    pub direction: Direction,
    /// It.
    pub subject: EndId,
    /// The others.
    pub others: AbsentPods,
    /// Of which of them it is so.
    pub which: Which,
    /// The ports.
    pub ports: PortSet,
}

/// The rules of a side for each peer whom nobody is.
type AbsentRules = Vec<(usize, Vec<usize>)>;

/// The other side of peers whom nobody is.
#[derive(Debug, Default)]
struct OtherSide {
    others: Option<AbsentPods>,
    /// Whether some of them are not isolated.
    open: bool,
    /// The rules of those that are, with whether their policies are of such namespaces for sure.
    rules: Vec<(usize, Truth)>,
    isolated: bool,
}

/// What isolates pods in one direction: in each namespace, the policies with their rules.
type Isolating<'e> = BTreeMap<&'e Arc<str>, Vec<(&'e Policy, Vec<usize>)>>;

/// The namespaces of a name: those that could be it, where nobody gave its labels.
type ByName<'e> = FxHashMap<&'e Arc<str>, Vec<&'e Namespace>>;

/// Rules are looked for among these one by one; among more, by who their peers are.
const FEW: usize = 32;

impl Engine<'_> {
    /// What is or may be allowed between pods of the world and those that rules speak of and nobody is, as seen from `subjects`.
    pub fn absent(
        &self,
        direction: Direction,
        subjects: impl IntoIterator<Item = EndId>,
        budget: &mut Budget,
    ) -> Result<Vec<Absent>, GaveUp> {
        let asking = self.asking_for_nobody();
        let other = direction.other();
        let (isolating, by_name) = (self.isolating_in(other), self.namespaces_by_name());
        let letting = OnceCell::new();
        let mut sides: FxHashMap<usize, OtherSide> = FxHashMap::default();
        let mut found = Vec::new();
        for subject in subjects {
            let Some(side) = self.side_index(direction, subject) else { continue };
            for (peer, rules) in asking.get(side).into_iter().flatten() {
                let ports = self.ports_of_rules(direction, rules, subject);
                if !sides.contains_key(peer) {
                    sides.insert(*peer, self.other_side(*peer, &isolating, &by_name, budget)?);
                }
                let Some((theirs, others)) = sides.get(peer).and_then(|side| Some((side, side.others.as_ref()?)))
                else {
                    continue;
                };
                let mut add = |others: AbsentPods, which, ports| {
                    found.push(Absent { direction, subject, others, which, ports });
                };
                if theirs.open {
                    let which = if theirs.isolated { Which::NotIsolated } else { Which::All };
                    add(others.clone(), which, ports.clone());
                }
                if !theirs.rules.is_empty() {
                    let all = || letting.get_or_init(|| self.letting(other));
                    let letting = self.letting_through(subject, &theirs.rules, all);
                    for (part, which, ports) in self.let_through(direction, subject, (others, &ports), &letting) {
                        add(part, which, ports);
                    }
                }
            }
        }
        Ok(found)
    }

    /// What isolates pods in a direction.
    fn isolating_in(&self, direction: Direction) -> Isolating<'_> {
        let mut isolating = Isolating::new();
        let mut rules_of: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (place, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.direction == direction) {
            rules_of.entry(rule.policy).or_default().push(place);
        }
        for (place, policy) in self.policies.iter().enumerate() {
            if rules_in(policy, direction).is_some() {
                let rules = rules_of.remove(&place).unwrap_or_default();
                isolating.entry(&policy.namespace).or_default().push((policy, rules));
            }
        }
        isolating
    }

    fn namespaces_by_name(&self) -> ByName<'_> {
        let mut by_name = ByName::default();
        for namespace in &self.world.namespaces {
            namespace.name.iter().for_each(|name| by_name.entry(name).or_default().push(namespace));
        }
        by_name
    }

    /// The rules that let through peers whom nobody is, for each side.
    fn asking_for_nobody(&self) -> Vec<AbsentRules> {
        let mut is_somebody = vec![false; self.peers.len()];
        for peer in self.world.ids().flat_map(|end| self.peers.of(end)).flatten() {
            is_somebody.get_mut(*peer).into_iter().for_each(|is| *is = true);
        }
        let is_nobody = |peer: &usize| {
            let pods = matches!(self.peers.get(*peer), Some(Peer::Pods { .. }));
            pods && is_somebody.get(*peer).is_some_and(|is| !is)
        };
        let asking = |side: &super::Side| {
            let mut by_peer: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for rule in &side.rules {
                let peers = self.rules.get(*rule).and_then(|rule| rule.peers.as_ref());
                for peer in peers.into_iter().flatten().copied().filter(|peer| is_nobody(peer)) {
                    by_peer.entry(peer).or_default().push(*rule);
                }
            }
            by_peer.into_iter().collect()
        };
        self.sides.iter().map(asking).collect()
    }

    /// The rules of one direction by the peers that they let through; those that take any come with `None`.
    fn letting(&self, direction: Direction) -> FxHashMap<Option<usize>, Vec<usize>> {
        let mut letting: FxHashMap<Option<usize>, Vec<usize>> = FxHashMap::default();
        for (place, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.direction == direction) {
            match &rule.peers {
                None => letting.entry(None).or_default().push(place),
                Some(peers) => {
                    let peers: BTreeSet<usize> = peers.iter().copied().collect();
                    peers.into_iter().for_each(|peer| letting.entry(Some(peer)).or_default().push(place));
                }
            }
        }
        letting
    }

    /// The ports of rules of a side, as the destination sees them.
    fn ports_of_rules(&self, direction: Direction, rules: &[usize], subject: EndId) -> PortSet {
        let rules = rules.iter().filter_map(|rule| self.rules.get(*rule));
        let sets = rules.map(|rule| match direction {
            Direction::Ingress => self.ports.of(rule.ports, subject).clone(),
            Direction::Egress => self.said(rule).map(|(_, rule)| as_written(&rule.ports)).unwrap_or_default(),
        });
        PortSet::union_of(&sets.collect::<Vec<_>>())
    }

    /// A rule as it is written.
    fn said(&self, rule: &super::RuleEntry) -> Option<(&Policy, &Rule)> {
        let policy = self.policies.get(rule.policy)?;
        Some((policy, rules_in(policy, rule.direction)?.get(rule.rule)?))
    }

    /// What policies say of peers whom nobody is, on their side.
    fn other_side(
        &self,
        peer: usize,
        isolating: &Isolating<'_>,
        by_name: &ByName<'_>,
        budget: &mut Budget,
    ) -> Result<OtherSide, GaveUp> {
        let Some((home, Peer::Pods { namespaces, pods })) = self.peers.key(peer) else {
            return Ok(OtherSide::default());
        };
        let own = || home.map(|home| namespace_by_name(&Arc::from(home))).unwrap_or_default();
        let namespaces = namespaces.clone().unwrap_or_else(own);
        if namespaces.contradiction().is_some() || pods.contradiction().is_some() {
            return Ok(OtherSide::default());
        }
        let others = Some(AbsentPods { namespaces: namespaces.clone(), pods: pods.clone() });
        let mut side = OtherSide { others, ..OtherSide::default() };
        let mut isolate = |name: &Arc<str>, truth: Truth| -> Result<bool, GaveUp> {
            let mut selectors = Vec::new();
            for (policy, rules) in isolating.get(name).into_iter().flatten() {
                if policy.subject.overlaps(pods) {
                    selectors.push(&policy.subject);
                    side.rules.extend(rules.iter().map(|rule| (*rule, truth)));
                }
            }
            side.isolated |= !selectors.is_empty();
            Ok(selectors.is_empty() || unmatched(pods, &selectors, budget)?.is_some())
        };
        let mut open = false;
        match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) => {
                for name in names {
                    let truth = is_namespace(by_name, name, &namespaces);
                    open |= truth.is_possible() && isolate(name, truth)?;
                }
            }
            // There are others, of which no policy is.
            None => {
                open = true;
                for name in isolating.keys() {
                    let truth = is_namespace(by_name, name, &namespaces);
                    if truth.is_possible() {
                        isolate(name, truth)?;
                    }
                }
            }
        }
        side.open = open;
        side.rules.sort_unstable();
        Ok(side)
    }

    /// Those of some rules that let an end of the world through, and whether they do for sure.
    fn letting_through<'l>(
        &self,
        subject: EndId,
        rules: &[(usize, Truth)],
        letting: impl Fn() -> &'l FxHashMap<Option<usize>, Vec<usize>>,
    ) -> Vec<(usize, Truth)> {
        let counts = |peer: Option<usize>, truth: Truth| {
            let is_block = || peer.and_then(|peer| self.peers.get(peer)).is_some_and(|peer| peer.addresses().is_some());
            if truth == Truth::Maybe && self.leaves_out_blocks() && is_block() { Truth::No } else { truth }
        };
        if rules.len() <= FEW {
            let truth = |rule: usize| match self.rules.get(rule).map(|rule| rule.peers.as_ref()) {
                None => Truth::No,
                Some(None) => Truth::Yes,
                Some(Some(peers)) => {
                    let all = peers.iter().map(|peer| counts(Some(*peer), self.peers.truth(*peer, subject)));
                    all.max().unwrap_or(Truth::No)
                }
            };
            return rules.iter().map(|(rule, own)| (*rule, own.and(truth(*rule)))).collect();
        }
        let [sure, maybe] = self.peers.of(subject);
        let sure = sure.iter().map(|peer| (Some(*peer), Truth::Yes)).chain([(None, Truth::Yes)]);
        let all = sure.chain(maybe.iter().map(|peer| (Some(*peer), counts(Some(*peer), Truth::Maybe))));
        let mut found: BTreeMap<usize, Truth> = BTreeMap::new();
        for (peer, truth) in all {
            for rule in letting().get(&peer).into_iter().flatten() {
                if let Ok(place) = rules.binary_search_by_key(rule, |(rule, _)| *rule)
                    && let Some((_, own)) = rules.get(place)
                {
                    let known = found.entry(*rule).or_insert(Truth::No);
                    *known = (*known).max(own.and(truth));
                }
            }
        }
        found.into_iter().collect()
    }

    /// Those of some pods whose side lets one through that is there, with the ports.
    fn let_through(
        &self,
        direction: Direction,
        subject: EndId,
        (others, ports): (&AbsentPods, &PortSet),
        letting: &[(usize, Truth)],
    ) -> Vec<(AbsentPods, Which, PortSet)> {
        let mut found: BTreeMap<(AbsentPods, Which), PortSet> = BTreeMap::new();
        for (rule, truth) in letting.iter().filter(|(_, truth)| truth.is_possible()) {
            let Some(rule) = self.rules.get(*rule) else { continue };
            let Some((policy, written)) = self.said(rule) else { continue };
            let pods = others.pods.and(&policy.subject);
            if pods.contradiction().is_some() {
                continue;
            }
            let theirs = match direction {
                Direction::Egress => as_written(&written.ports),
                Direction::Ingress => self.ports.of(rule.ports, subject).clone(),
            };
            let part = AbsentPods { namespaces: namespace_by_name(&policy.namespace), pods };
            let which = if *truth == Truth::Yes { Which::All } else { Which::Unknown };
            let perhaps = of_unknown_number(ports, &theirs);
            for (which, ports) in [(which, ports.intersect(&theirs)), (Which::Unknown, perhaps)] {
                if !ports.is_empty() {
                    found.entry((part.clone(), which)).or_default().insert(&ports);
                }
            }
        }
        found.into_iter().map(|((part, which), ports)| (part, which, ports)).collect()
    }
}

/// Whether a namespace is one of some.
fn is_namespace(by_name: &ByName<'_>, name: &Arc<str>, namespaces: &Selector) -> Truth {
    match by_name.get(name) {
        Some(known) => known.iter().map(|one| one.matches(namespaces)).max().unwrap_or(Truth::No),
        None => Namespace::named(name.clone(), false).matches(namespaces),
    }
}
