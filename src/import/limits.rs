//! Namespaces that would take too long: what they ask for is counted before anything is compared.

use crate::net::{Direction, IpBlock, NAMESPACE_NAME, Peers, RegionIndex, Selector, SelectorIndex, namespace_by_name};
use crate::netpol::{Peer, Policy, PortTarget, Rule};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many steps all namespaces together may take: a step is about a microsecond of the whole import.
const MOST_OF_ALL: usize = 1_200_000;

/// What one pair of a peer and a port takes, a value of a selector, and a key of one.
const STEPS_OF_PART: usize = 6;
const STEPS_OF_VALUE: usize = 3;
const STEPS_OF_KEY: usize = 12;

/// So many parts of a rule, or of a selector, are usual: however many policies have them, they are read one by one.
const USUAL: usize = 16;

/// So many keys or values are compared in the time of one step.
const FEW: usize = 8;

/// To so many namespaces each is held that does not have one of the names that a peer rules out, in the time of one step.
const FEW_NAMESPACES: usize = 4;

/// Policies that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeavyNamespace {
    /// Their places in the list.
    pub policies: Range<usize>,
    /// What there is too much of, as a sentence about their namespace.
    pub reason: &'static str,
}

const PARTS: &str = "its rules have so many pairs of a peer and a port that nobody could read them as flows";
const LABELS: &str = "its selectors have too many keys and values to compare all of them";
const NAMESPACES: &str = "too many of its peers are all namespaces but some to hold each against each namespace";
const PODS: &str = "too many of its policies may select the same pods to compare each with each other";
const RULES: &str = "too many of its rules may be about the same connections to compare each with each other";

/// The namespaces, of policies that are sorted by them, that would take too long. The light ones come first, so that a heavy
/// one takes only itself away.
pub fn left_out(policies: &[Policy]) -> Vec<HeavyNamespace> {
    let mut start = 0;
    let mut weighed: Vec<(usize, &'static str, Range<usize>)> = Vec::new();
    let in_one_namespace = |one: &Policy, other: &Policy| one.namespace == other.namespace;
    let namespaces = policies.chunk_by(in_one_namespace).count();
    for of_one in policies.chunk_by(in_one_namespace) {
        let (weight, reason) = weigh(of_one, namespaces);
        weighed.push((weight, reason, start..start + of_one.len()));
        start += of_one.len();
    }
    weighed.sort_by_key(|(weight, _, range)| (*weight, range.start));
    let mut left = MOST_OF_ALL;
    let mut out = Vec::new();
    for (weight, reason, policies) in weighed {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => out.push(HeavyNamespace { policies, reason }),
        }
    }
    out.sort_by_key(|one| one.policies.start);
    out
}

/// About how many steps the policies of one of so many namespaces take, and what takes most of them.
fn weigh(policies: &[Policy], namespaces: usize) -> (usize, &'static str) {
    let sum = |counts: &mut dyn Iterator<Item = usize>| counts.fold(0, usize::saturating_add);
    let all_rules = || policies.iter().flat_map(|policy| Direction::ALL.into_iter().flat_map(|one| rules(policy, one)));
    let parts = sum(&mut all_rules().map(parts)).saturating_mul(STEPS_OF_PART);
    let of_subjects = sum(&mut policies.iter().map(|policy| steps(&policy.subject)));
    let of_peers = sum(&mut all_rules().flat_map(|rule| &rule.peers).map(steps_of_peer));
    let labels = of_subjects.saturating_add(of_peers);
    let others = all_rules().flat_map(|rule| &rule.peers).filter(|peer| rules_names_out(peer)).count();
    let others = others.saturating_mul(namespaces / FEW_NAMESPACES);
    let mut weights = vec![(parts, PARTS), (labels, LABELS), (others, NAMESPACES)];
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

/// How many pairs of a peer and a port a rule has beyond those that people write.
fn parts(rule: &Rule) -> usize {
    rule.peers.len().max(1).saturating_mul(rule.ports.len().max(1)).saturating_sub(USUAL)
}

/// How many keys and values a selector has.
fn size(selector: &Selector) -> usize {
    selector.entries().map(|(_, values)| 1 + values.listed().len()).sum()
}

/// What they take by themselves, where they are more than people write.
fn steps(selector: &Selector) -> usize {
    if size(selector) <= USUAL {
        return 0;
    }
    selector.entries().map(|(_, values)| STEPS_OF_KEY + STEPS_OF_VALUE * values.listed().len()).sum()
}

fn steps_of_peer(peer: &Peer) -> usize {
    match peer {
        Peer::Pods { namespaces, pods } => steps(pods) + namespaces.as_ref().map_or(0, steps),
        Peer::Block(_) | Peer::Unlisted(_) => 0,
    }
}

/// Whether a peer is all namespaces but those of some names.
fn rules_names_out(peer: &Peer) -> bool {
    let Peer::Pods { namespaces: Some(namespaces), .. } = peer else { return false };
    let names = namespaces.values(NAMESPACE_NAME);
    names.required().is_none() && !names.listed().is_empty()
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
        // With how many names of ports: each of them is a question of its own.
        let mut ends: BTreeMap<(&Selector, Peers), usize> = BTreeMap::new();
        for policy in policies {
            for rule in rules(policy, direction) {
                let named = rule.ports.iter().filter(|port| matches!(port.target, PortTarget::Named(_))).count();
                for peers in peers(policy, rule) {
                    *ends.entry((&policy.subject, peers)).or_default() += named;
                }
            }
        }
        let index = RegionIndex::new(ends.keys().enumerate().map(|(at, (subject, peers))| (at, *subject, peers)));
        until_too_much(ends.iter().map(|((subject, peers), named)| {
            let size = size(subject)
                + match peers {
                    Peers::Pods { namespaces, pods } => size(namespaces) + size(pods),
                    Peers::Addresses(addresses) => addresses.v4().len() + addresses.v6().len(),
                    Peers::Any => 0,
                };
            index.query(subject, peers).len() * (1 + named + size / FEW)
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
            Peer::Unlisted(unlisted) => all.push(Peers::Addresses(unlisted.addresses())),
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
            kind: crate::netpol::PolicyKind::NetworkPolicy,
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
        assert_eq!(left, [HeavyNamespace { policies: 5_000..7_000, reason: PODS }]);
    }
}
