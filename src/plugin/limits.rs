//! How much some CNIs keep for one pod: see section "Limits" of `docs/limits.md`.

use crate::net::{Direction, Selector, SelectorIndex};
use crate::netpol::{Peer, Policy, Port, PortTarget, Rule};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// How many ports the agent of AWS keeps for one block: `MAX_PORT_PROTOCOL` of aws/aws-network-policy-agent.
const MOST_PORTS: usize = 24;

/// From how many entries on Cilium's map of a pod is worth a word: it has room for twice as many, and what Polder counts is less
/// than what there will be, where a tier is several identities.
const MANY_ENTRIES: usize = 8_000;

/// From how many policies of one pod on they take long.
const MANY_POLICIES: usize = 1_000;

/// Policies that select all pods of one of them, by their places in a list.
struct PoliciesTogether<'p> {
    /// The first of those with just these pods.
    first: usize,
    /// All.
    all: Vec<(usize, &'p Policy)>,
}

/// For each choice of pods among the policies of one namespace those that select all of them. Where there is too little for
/// `are_enough` in all of them, nothing.
fn together<'p>(policies: &[&'p Policy], are_enough: impl Fn(&[&'p Policy]) -> bool) -> Vec<PoliciesTogether<'p>> {
    let mut found = Vec::new();
    let mut start = 0;
    for group in policies.chunk_by(|one, other| one.namespace == other.namespace) {
        let first_place = start;
        start += group.len();
        if !are_enough(group) {
            continue;
        }
        let mut by_subject: BTreeMap<&Selector, Vec<usize>> = BTreeMap::new();
        for (place, policy) in group.iter().enumerate() {
            by_subject.entry(&policy.subject).or_default().push(place);
        }
        let subjects: Vec<(&Selector, Vec<usize>)> = by_subject.into_iter().collect();
        let index = SelectorIndex::new(subjects.iter().enumerate().map(|(place, (subject, _))| (place, *subject)));
        for (subject, own) in &subjects {
            let near = index.query(subject).into_iter().filter_map(|place| subjects.get(place));
            let wider = near.filter(|(other, _)| other.contains(subject));
            let mut places: Vec<usize> = wider.flat_map(|(_, places)| places.iter().copied()).collect();
            places.sort_unstable();
            let all = places.into_iter().filter_map(|place| Some((first_place + place, *group.get(place)?)));
            let first = own.iter().min().copied().unwrap_or_default();
            found.push(PoliciesTogether { first: first_place + first, all: all.collect() });
        }
    }
    found.sort_by_key(|one| one.first);
    found
}

/// A block with more ports than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrowdedBlock {
    /// The first policy that names it, and where in it.
    pub policy: usize,
    /// The direction.
    pub direction: Direction,
    /// The rule.
    pub rule: usize,
    /// The peer.
    pub peer: usize,
    /// The block.
    pub cidr: IpNet,
    /// How many ports all policies of the pods have for it.
    pub ports: usize,
}

/// What one block has of ports, and who names it first.
#[derive(Default)]
struct BlockPorts<'p> {
    ports: BTreeSet<Option<&'p Port>>,
    place: (usize, usize, usize),
}

/// Blocks with more ports than AWS' agent keeps, of policies that are sorted by namespace. A block has the ports of those
/// that hold it, too.
pub fn crowded_blocks(policies: &[&Policy]) -> Vec<CrowdedBlock> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    let are_enough = |group: &[&Policy]| {
        let rules = group.iter().flat_map(|policy| policy.ingress.iter().chain(&policy.egress).flatten());
        let of_blocks = rules.filter(|rule| rule.peers.iter().any(|peer| matches!(peer, Peer::Block(_))));
        of_blocks.map(|rule| rule.ports.len().max(1)).sum::<usize>() > MOST_PORTS
    };
    for PoliciesTogether { all, .. } in together(policies, are_enough) {
        for direction in Direction::ALL {
            let blocks = ports_by_block(&all, direction);
            for (cidr, own) in &blocks {
                let wider = blocks.iter().filter(|(wider, _)| wider.contains(cidr));
                let ports: BTreeSet<Option<&Port>> = wider.flat_map(|(_, block)| block.ports.iter().copied()).collect();
                let (policy, rule, peer) = own.place;
                if ports.len() > MOST_PORTS && told.insert((policy, direction, *cidr)) {
                    found.push(CrowdedBlock { policy, direction, rule, peer, cidr: *cidr, ports: ports.len() });
                }
            }
        }
    }
    found
}

/// The ports of each block that some policies name.
fn ports_by_block<'p>(all: &[(usize, &'p Policy)], direction: Direction) -> BTreeMap<IpNet, BlockPorts<'p>> {
    let mut blocks: BTreeMap<IpNet, BlockPorts<'p>> = BTreeMap::new();
    for (policy, one) in all {
        for (rule, written) in rules(one, direction).iter().enumerate() {
            for (peer, of_rule) in written.peers.iter().enumerate() {
                let Peer::Block(block) = of_rule else { continue };
                let place = (*policy, rule, peer);
                let known = blocks.entry(block.cidr).or_insert_with(|| BlockPorts { ports: BTreeSet::new(), place });
                known.ports.extend(written.ports.iter().map(Some));
                if written.ports.is_empty() {
                    known.ports.insert(None);
                }
            }
        }
    }
    blocks
}

fn rules(policy: &Policy, direction: Direction) -> &[Rule] {
    let rules = match direction {
        Direction::Ingress => &policy.ingress,
        Direction::Egress => &policy.egress,
    };
    rules.as_deref().unwrap_or_default()
}

/// Pods with so many of something: the first policy of just these pods, and how many there are.
pub type OfPods = (usize, usize);

/// Finds pods with too many of something.
pub type PodLimit = fn(&[&Policy]) -> Vec<OfPods>;

/// Pods whose policies come to very many entries in Cilium's map of each, as far as a program shows: an entry for each
/// identity and prefix of ports.
pub fn large_maps(policies: &[&Policy]) -> Vec<OfPods> {
    let sum = |all: &[&Policy]| all.iter().map(|policy| entries(policy)).sum::<usize>();
    let found =
        together(policies, |group| sum(group) > MANY_ENTRIES).into_iter().map(|PoliciesTogether { first, all }| {
            let all: Vec<&Policy> = all.into_iter().map(|(_, policy)| policy).collect();
            (first, sum(&all))
        });
    found.filter(|(_, entries)| *entries > MANY_ENTRIES).collect()
}

/// Pods with very many policies.
pub fn many_policies(policies: &[&Policy]) -> Vec<OfPods> {
    let found = together(policies, |group| group.len() > MANY_POLICIES);
    found.into_iter().map(|one| (one.first, one.all.len())).filter(|(_, count)| *count > MANY_POLICIES).collect()
}

/// Rules with more blocks than Windows takes at once, each by its policy, direction and place.
pub fn long_rules<'p>(policies: impl Iterator<Item = &'p Policy>) -> Vec<(usize, Direction, usize, usize)> {
    const MOST_BLOCKS: usize = 4;
    let mut found = Vec::new();
    for (place, policy) in policies.enumerate() {
        for direction in Direction::ALL {
            let counts = rules(policy, direction).iter().enumerate().map(|(rule, written)| {
                (rule, written.peers.iter().filter(|peer| matches!(peer, Peer::Block(_))).count())
            });
            let first = counts.into_iter().find(|(_, count)| *count > MOST_BLOCKS);
            found.extend(first.map(|(rule, count)| (place, direction, rule, count)));
        }
    }
    found
}

/// The entries of one policy. A peer of pods counts as one identity.
fn entries(policy: &Policy) -> usize {
    let of_peer = |peer: &Peer| match peer {
        Peer::Block(block) => 1 + block.except.len(),
        Peer::Pods { .. } => 1,
        Peer::Unlisted(unlisted) => unlisted.identities(),
    };
    let of_port = |port: &Port| match port.target {
        PortTarget::Every | PortTarget::Number(_) | PortTarget::Named(_) => 1,
        PortTarget::Range(low, high) => prefixes(low, high),
    };
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    let of_rule = |rule: &Rule| {
        let peers: usize = rule.peers.iter().map(of_peer).sum();
        let ports: usize = rule.ports.iter().map(of_port).sum();
        peers.max(1).saturating_mul(ports.max(1))
    };
    rules.map(of_rule).fold(0, usize::saturating_add)
}

/// Into how many aligned prefixes a range of ports falls.
fn prefixes(low: u16, high: u16) -> usize {
    let (mut low, end) = (u32::from(low), u32::from(high) + 1);
    let mut count = 0;
    while low < end {
        let aligned = if low == 0 { 1 << 16 } else { 1 << low.trailing_zeros() };
        let mut size: u32 = aligned;
        while low + size > end {
            size /= 2;
        }
        low += size;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_fall_into_aligned_prefixes() {
        let counts = [(1024, 65535), (30000, 32767), (1, 65534), (80, 80), (0, 65535)].map(|(a, b)| prefixes(a, b));
        assert_eq!(counts, [6, 5, 30, 1, 1]);
    }
}
