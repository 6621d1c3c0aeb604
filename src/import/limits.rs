//! Namespaces that would take too long: what they ask for is counted before anything is compared.

use crate::net::{Direction, IpBlock, Peers, RegionIndex, Selector, SelectorIndex, namespace_by_name};
use crate::netpol::{Peer, Policy, Rule};
use rustc_hash::FxHashSet;
use std::ops::Range;

/// How many steps all namespaces together may take: a step is about a microsecond of the whole import.
const MOST_OF_ALL: usize = 1_200_000;

/// What one pair of a peer and a port takes, and a key or value of a selector.
const STEPS_OF_PART: usize = 6;
const STEPS_OF_LABEL: usize = 3;

/// So many keys or values are compared in the time of one step.
const FEW: usize = 16;

/// Policies that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Their places in the list.
    pub policies: Range<usize>,
    /// What there is too much of, as a sentence about their namespace.
    pub reason: &'static str,
}

const PARTS: &str = "its rules have so many pairs of a peer and a port that nobody could read them as flows";
const LABELS: &str = "its selectors have too many keys and values to compare all of them";
const PODS: &str = "too many of its policies may select the same pods to compare each with each other";
const RULES: &str = "too many of its rules may be about the same connections to compare each with each other";

/// The namespaces, of policies that are sorted by them, that would take too long. The light ones come first, so that a heavy
/// one takes only itself away.
pub fn left_out(policies: &[Policy]) -> Vec<LeftOut> {
    let mut start = 0;
    let mut weighed: Vec<(usize, &'static str, Range<usize>)> = Vec::new();
    for of_one in policies.chunk_by(|one, other| one.namespace == other.namespace) {
        let (weight, reason) = weigh(of_one);
        weighed.push((weight, reason, start..start + of_one.len()));
        start += of_one.len();
    }
    weighed.sort_by_key(|(weight, _, range)| (*weight, range.start));
    let mut left = MOST_OF_ALL;
    let mut out = Vec::new();
    for (weight, reason, policies) in weighed {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => out.push(LeftOut { policies, reason }),
        }
    }
    out.sort_by_key(|one| one.policies.start);
    out
}

/// About how many steps the policies of a namespace take, and what takes most of them.
fn weigh(policies: &[Policy]) -> (usize, &'static str) {
    let sum = |counts: &mut dyn Iterator<Item = usize>| counts.fold(0, usize::saturating_add);
    let all_rules = || policies.iter().flat_map(|policy| Direction::ALL.into_iter().flat_map(|one| rules(policy, one)));
    let parts = sum(&mut all_rules().map(parts)).saturating_mul(STEPS_OF_PART);
    let of_subjects = sum(&mut policies.iter().map(|policy| size(&policy.subject)));
    let of_peers = sum(&mut all_rules().flat_map(|rule| &rule.peers).map(size_of_peer));
    let labels = of_subjects.saturating_add(of_peers).saturating_mul(STEPS_OF_LABEL);
    let mut weights = vec![(parts, PARTS), (labels, LABELS)];
    if parts.max(labels) <= MOST_OF_ALL {
        weights.push((pairs_of_pods(policies), PODS));
        weights.push((pairs_of_rules(policies), RULES));
    }
    let all = sum(&mut weights.iter().map(|(weight, _)| *weight));
    let most = weights.into_iter().max_by_key(|(weight, _)| *weight);
    (all, most.map_or(PARTS, |(_, reason)| reason))
}

fn rules(policy: &Policy, direction: Direction) -> &[Rule] {
    let rules = match direction {
        Direction::Ingress => &policy.ingress,
        Direction::Egress => &policy.egress,
    };
    rules.as_deref().unwrap_or_default()
}

/// How many pairs of a peer and a port a rule has.
fn parts(rule: &Rule) -> usize {
    rule.peers.len().max(1).saturating_mul(rule.ports.len().max(1))
}

/// How many keys and values a selector has.
fn size(selector: &Selector) -> usize {
    selector.entries().map(|(_, values)| 1 + values.listed().len()).sum()
}

fn size_of_peer(peer: &Peer) -> usize {
    match peer {
        Peer::Pods { namespaces, pods } => size(pods) + namespaces.as_ref().map_or(0, size),
        Peer::Block(_) => 0,
    }
}

/// Adds up what items take that are near others each, until that is too much.
fn until_too_much(items: impl Iterator<Item = usize>) -> usize {
    let mut sum = 0_usize;
    for steps in items {
        sum = sum.saturating_add(steps);
        if sum > MOST_OF_ALL {
            break;
        }
    }
    sum
}

/// How many pairs there are of selectors that may select the same pod, large ones more than once.
fn pairs_of_pods(policies: &[Policy]) -> usize {
    let of = |direction: Direction| {
        let isolates = |policy: &&Policy| match direction {
            Direction::Ingress => policy.ingress.is_some(),
            Direction::Egress => policy.egress.is_some(),
        };
        let subjects: FxHashSet<&Selector> = policies.iter().filter(isolates).map(|policy| &policy.subject).collect();
        let mut subjects: Vec<&Selector> = subjects.into_iter().collect();
        subjects.sort();
        let index = SelectorIndex::new(subjects.iter().copied().enumerate());
        until_too_much(subjects.iter().map(|subject| index.query(subject).len() * (1 + size(subject) / FEW)))
    };
    Direction::ALL.into_iter().map(of).fold(0, usize::saturating_add)
}

/// The same of rules by their pods and peers.
fn pairs_of_rules(policies: &[Policy]) -> usize {
    let of = |direction: Direction| {
        let ends = policies.iter().flat_map(|policy| {
            let peers = rules(policy, direction).iter().flat_map(|rule| peers(policy, rule));
            peers.map(|peers| (&policy.subject, peers))
        });
        let ends: FxHashSet<(&Selector, Peers)> = ends.collect();
        let mut ends: Vec<(&Selector, Peers)> = ends.into_iter().collect();
        ends.sort();
        let index = RegionIndex::new(ends.iter().enumerate().map(|(at, (subject, peers))| (at, *subject, peers)));
        until_too_much(ends.iter().map(|(subject, peers)| {
            let size = size(subject)
                + match peers {
                    Peers::Pods { namespaces, pods } => size(namespaces) + size(pods),
                    Peers::Addresses(addresses) => addresses.v4().len() + addresses.v6().len(),
                    Peers::Any => 0,
                };
            index.query(subject, peers).len() * (1 + size / FEW)
        }))
    };
    Direction::ALL.into_iter().map(of).fold(0, usize::saturating_add)
}

/// The other ends of a rule; all its blocks as one.
fn peers(policy: &Policy, rule: &Rule) -> Vec<Peers> {
    if rule.peers.is_empty() {
        return vec![Peers::Any];
    }
    let (mut all, mut blocks) = (Vec::with_capacity(rule.peers.len()), Vec::new());
    for peer in &rule.peers {
        match peer {
            Peer::Pods { namespaces, pods } => {
                let namespaces = namespaces.clone().unwrap_or_else(|| namespace_by_name(&policy.namespace));
                all.push(Peers::Pods { namespaces, pods: pods.clone() });
            }
            Peer::Block(block) => blocks.push(block.clone()),
        }
    }
    if !blocks.is_empty() {
        all.push(Peers::Addresses(IpBlock::all_addresses(&blocks)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Values;

    fn policy(namespace: &str, subject: Selector) -> Policy {
        Policy {
            namespace: namespace.into(),
            name: "p".into(),
            subject,
            ingress: Some(Vec::new()),
            egress: None,
            description: None,
            statements: Default::default(),
        }
    }

    #[test]
    fn a_heavy_namespace_takes_only_itself_away() {
        let absent = |at: usize| Selector::everything().with(&format!("k{at}").into(), Values::does_not_exist());
        let heavy = (0..2_000).map(|at| policy("b", absent(at)));
        let light =
            |name: &'static str| (0..5_000).map(move |at| policy(name, Selector::equals("app", format!("a{at}"))));
        let all: Vec<Policy> = light("a").chain(heavy).chain(light("c")).collect();
        let left = left_out(&all);
        assert_eq!(left, [LeftOut { policies: 5_000..7_000, reason: PODS }]);
    }
}
