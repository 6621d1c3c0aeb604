//! Facts that are missing and decide about several things at once.
//!
//! Two rules that ask for `team=x` and for `team!=x` let every namespace through, whichever labels it has; and nobody
//! is in two blocks that share no address. So where what is missing matters more than once, every way of completing it is
//! looked at.

use super::super::world::addresses;
use super::super::world::pieces::{self, Budget};
use super::super::world::{End, EndId, NamespaceId, Truth};
use super::{Engine, Verdict};
use crate::cluster::Labels;
use crate::net::{AddressSet, Selector};
use crate::policy::{Direction, Peer};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many comparisons of selectors may be spent on one namespace.
const MOST_STEPS: usize = 10_000;

/// How many ways of completing the facts are looked at.
const MOST_WAYS: usize = 2_000;

/// What is missing about a connection.
#[derive(Debug, Default)]
struct Missing<'a> {
    /// What is asked about the labels of namespaces.
    namespaces: BTreeMap<NamespaceId, BTreeSet<&'a Selector>>,
    /// What is asked about the addresses of the source and of the destination.
    blocks: [Vec<AddressSet>; 2],
}

/// One way of completing the facts.
#[derive(Debug)]
struct Way<'w> {
    labels: &'w BTreeMap<NamespaceId, &'w Labels>,
    /// Addresses of the source and of the destination.
    addresses: [Option<IpAddr>; 2],
}

impl Engine<'_> {
    /// The exact form of a `verdict` at first sight about both sides of a connection or one of them. With very many ways
    /// of completing the facts, it stays as it is: more is unknown than need be, and nothing is wrong.
    pub(super) fn settled(
        &self,
        verdict: Verdict,
        source: EndId,
        destination: EndId,
        directions: &[Direction],
    ) -> Verdict {
        if verdict.unknown.is_empty() {
            return verdict;
        }
        let missing = self.missing(source, destination, directions);
        let alone = missing.namespaces.values().all(|selectors| selectors.len() < 2);
        if alone && missing.blocks.iter().all(Vec::is_empty) {
            return verdict;
        }
        self.completed(&missing, source, destination, directions).unwrap_or(verdict)
    }

    fn missing(&self, source: EndId, destination: EndId, directions: &[Direction]) -> Missing<'_> {
        let mut missing = Missing::default();
        for &direction in directions {
            let (subject, peer, end) = seen_from(direction, source, destination);
            let [_, maybe] = self.peers.of(peer);
            let rules = self.side_of(direction, subject).into_iter().flat_map(|side| &side.rules);
            let asked = rules.filter_map(|rule| self.rules.get(*rule)?.peers.as_ref()).flatten();
            for index in asked.filter(|index| maybe.binary_search(index).is_ok()) {
                match (self.peers.get(*index), self.world.pods(peer)) {
                    (Some(Peer::Pods { namespaces: Some(selector), .. }), Some(pods)) => {
                        missing.namespaces.entry(pods.namespace).or_default().insert(selector);
                    }
                    (Some(Peer::Block(block)), _) => {
                        let [of_source, of_destination] = &mut missing.blocks;
                        if end == 0 { of_source } else { of_destination }.push(block.addresses());
                    }
                    _ => {}
                }
            }
        }
        missing
    }

    /// What is allowed whatever the facts are, and what is with some. `None` when there are too many ways.
    fn completed(
        &self,
        missing: &Missing<'_>,
        source: EndId,
        destination: EndId,
        directions: &[Direction],
    ) -> Option<Verdict> {
        let mut budget = Budget(MOST_STEPS);
        let mut labels = vec![BTreeMap::new()];
        let examples: BTreeMap<NamespaceId, Vec<Labels>> = missing
            .namespaces
            .iter()
            .map(|(id, selectors)| {
                let mut whole = Selector::everything();
                for (key, value) in &self.world.namespace(*id)?.labels {
                    whole = whole.and(&Selector::equals(key.as_str(), value.as_str()));
                }
                let selectors: Vec<&Selector> = selectors.iter().copied().collect();
                Some((*id, pieces::kinds(&whole, &selectors, &mut budget).ok()?))
            })
            .collect::<Option<_>>()?;
        for (id, examples) in &examples {
            let with = |known: &BTreeMap<_, _>| {
                let one = |example| known.iter().map(|(id, labels)| (*id, *labels)).chain([(*id, example)]).collect();
                examples.iter().map(one).collect::<Vec<BTreeMap<NamespaceId, &Labels>>>()
            };
            labels = labels.iter().flat_map(with).collect();
        }
        let pairs = self.addresses(missing, source, destination);
        if labels.len().saturating_mul(pairs.len()) > MOST_WAYS {
            return None;
        }
        let mut all: Option<Verdict> = None;
        for labels in &labels {
            for addresses in &pairs {
                let way = Way { labels, addresses: *addresses };
                let verdict = self.in_one_way(&way, source, destination, directions);
                let possible = verdict.allowed.union(&verdict.unknown);
                all = Some(match all {
                    None => Verdict { allowed: verdict.allowed, unknown: possible },
                    Some(all) => Verdict {
                        allowed: all.allowed.intersect(&verdict.allowed),
                        unknown: all.unknown.union(&possible),
                    },
                });
            }
        }
        let all = all?;
        Some(Verdict { unknown: all.unknown.subtract(&all.allowed), allowed: all.allowed })
    }

    fn in_one_way(&self, way: &Way<'_>, source: EndId, destination: EndId, directions: &[Direction]) -> Verdict {
        let mut sides = directions.iter().map(|&direction| {
            let (subject, peer, end) = seen_from(direction, source, destination);
            let Some(side) = self.side_of(direction, subject) else { return Verdict::everything() };
            self.judge(side, destination, |index| match self.peers.truth(index, peer) {
                Truth::Maybe if self.holds(way, index, peer, end) => Truth::Yes,
                Truth::Maybe => Truth::No,
                sure => sure,
            })
        });
        match (sides.next(), sides.next()) {
            (Some(one), None) => one,
            (Some(one), Some(other)) => self.both(&one, &other, destination),
            (None, _) => Verdict::everything(),
        }
    }

    /// Whether an end that may be a peer is it.
    fn holds(&self, way: &Way<'_>, index: usize, peer: EndId, end: usize) -> bool {
        match (self.peers.get(index), self.world.pods(peer)) {
            (Some(Peer::Pods { namespaces: Some(selector), .. }), Some(pods)) => {
                way.labels.get(&pods.namespace).is_some_and(|labels| selector.matches(labels))
            }
            (Some(Peer::Block(block)), _) => {
                let address = way.addresses.get(end).copied().flatten();
                address.is_some_and(|address| block.addresses().has(address))
            }
            _ => false,
        }
    }

    /// The addresses that a connection can be between, as far as the blocks tell them apart: both are of one family.
    fn addresses(&self, missing: &Missing<'_>, source: EndId, destination: EndId) -> Vec<[Option<IpAddr>; 2]> {
        let [of_source, of_destination] = &missing.blocks;
        if of_source.is_empty() && of_destination.is_empty() {
            return vec![[None, None]];
        }
        let sources = self.addresses_of(source, of_source);
        let destinations = self.addresses_of(destination, of_destination);
        let pairs = sources.iter().flat_map(|one| destinations.iter().map(|other| (*one, *other)));
        let (same, mixed): (Vec<_>, Vec<_>) = pairs.partition(|(one, other)| one.is_ipv4() == other.is_ipv4());
        // With a family each, something in between translates.
        let pairs = if same.is_empty() { mixed } else { same };
        pairs.into_iter().map(|(one, other)| [Some(one), Some(other)]).collect()
    }

    fn addresses_of(&self, end: EndId, blocks: &[AddressSet]) -> Vec<IpAddr> {
        let all = match self.world.end(end) {
            Some(End::Pods(pods)) if !pods.addresses.is_empty() => return pods.addresses.clone(),
            Some(End::Addresses { addresses, .. }) => addresses.clone(),
            _ => AddressSet::all(),
        };
        let first = |(kind, _): (AddressSet, _)| {
            let kind = kind.intersect(&all);
            let v4 = kind.v4().first().map(|(low, _)| IpAddr::V4(Ipv4Addr::from(*low)));
            let v6 = kind.v6().first().map(|(low, _)| IpAddr::V6(Ipv6Addr::from(*low)));
            [v4, v6]
        };
        addresses::kinds(blocks).into_iter().flat_map(first).flatten().collect()
    }
}

/// The pod that is judged, its peer, and whether the peer is the source (0) or the destination (1).
fn seen_from(direction: Direction, source: EndId, destination: EndId) -> (EndId, EndId, usize) {
    match direction {
        Direction::Egress => (source, destination, 1),
        Direction::Ingress => (destination, source, 0),
    }
}
