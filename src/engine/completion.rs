//! Facts that are missing and decide about several things at once.
//!
//! Two rules that ask for `team=x` and for `team!=x` let every namespace through, whichever labels it has; and nobody
//! is in two blocks that share no address. So where what is missing matters more than once, it is completed: addresses in
//! every way that the blocks can tell apart, and for each of them the labels of namespaces, of which there would be too
//! many ways. What is allowed for sure is allowed by rules that together let through whatever labels there are, and both
//! sides have to do so each by itself; and what may be allowed is by a rule of each side, both of which let some through.

use super::world::{End, EndId, Namespace, NamespaceId, addresses};
use super::{Engine, Side, Verdict};
use crate::cover::{Budget, GaveUp, unmatched};
use crate::net::{AddressSet, Direction, Family, NAMESPACE_NAME, PortSet, Selector, Truth, Values};
use crate::netpol::Peer;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// How many comparisons of selectors and ways of completing addresses may be spent on one verdict.
const MOST_STEPS: usize = 50_000;

/// How many ways of completing addresses are looked at.
const MOST_WAYS: usize = 2_000;

/// What is missing about a connection.
#[derive(Debug, Default)]
struct Missing<'a> {
    /// What is asked about the labels of namespaces.
    namespaces: BTreeMap<NamespaceId, BTreeSet<&'a Selector>>,
    /// What is asked about the addresses of the source and of the destination.
    blocks: [Vec<AddressSet>; 2],
}

/// The addresses of the source and of the destination over one family; none where blocks match neither.
type Addresses = Option<[IpAddr; 2]>;

/// What one side of a connection allows, where addresses are known.
#[derive(Debug, Default)]
struct SideAllowance<'a> {
    /// For sure.
    sure: PortSet,
    /// When the namespace of the peer has such labels.
    perhaps: Vec<(&'a Selector, &'a PortSet)>,
}

impl SideAllowance<'_> {
    fn possible(&self) -> PortSet {
        self.perhaps.iter().fold(self.sure.clone(), |all, (_, ports)| all.union(ports))
    }
}

/// The addresses that a connection can be made between. One that is allowed over any of them is allowed.
type Choice = Vec<Option<[IpAddr; 2]>>;

impl Engine<'_> {
    /// The exact form of a `verdict` at first sight about both sides of a connection or one of them. Where that takes very
    /// long, it stays as it is: more is unknown than need be, nothing is wrong, and that is noted.
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
        let mut budget = Budget::new(MOST_STEPS);
        let exact = self.completed(&missing, source, destination, directions, &mut budget);
        self.steps.set(self.steps.get() + MOST_STEPS - budget.left());
        exact.unwrap_or_else(|GaveUp| {
            self.given_up.set(true);
            verdict
        })
    }

    /// Whether some verdict has more ports as unknown than need be, because it would have taken too long to look closer.
    pub fn has_given_up(&self) -> bool {
        self.given_up.get()
    }

    /// How many comparisons of selectors were made, and ways of completing addresses looked at, where facts were missing.
    pub fn steps(&self) -> usize {
        self.steps.get()
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
                    (Some(Peer::Block(block)), _) if !self.is_unlisted(peer) => {
                        let [of_source, of_destination] = &mut missing.blocks;
                        if end == 0 { of_source } else { of_destination }.push(block.addresses());
                    }
                    _ => {}
                }
            }
        }
        missing
    }

    /// What is allowed whatever the facts are, and what is with some.
    fn completed(
        &self,
        missing: &Missing<'_>,
        source: EndId,
        destination: EndId,
        directions: &[Direction],
        budget: &mut Budget,
    ) -> Result<Verdict, GaveUp> {
        let choices = self.addresses(missing, source, destination)?;
        let mut all: Option<Verdict> = None;
        for choice in &choices {
            let mut verdict = Verdict::default();
            for addresses in choice {
                budget.spend(1)?;
                verdict = verdict.or(&self.with_addresses(*addresses, source, destination, directions, budget)?);
            }
            let (possible, Verdict { allowed, .. }) = (verdict.possible(), verdict);
            all = Some(match all {
                None => Verdict { allowed, unknown: possible },
                Some(all) => {
                    Verdict { allowed: all.allowed.intersect(&allowed), unknown: all.unknown.union(&possible) }
                }
            });
        }
        let all = all.ok_or(GaveUp)?;
        Ok(Verdict { unknown: all.unknown.subtract(&all.allowed), allowed: all.allowed })
    }

    /// What is allowed whatever labels namespaces have, and what is with some.
    fn with_addresses(
        &self,
        addresses: Addresses,
        source: EndId,
        destination: EndId,
        directions: &[Direction],
        budget: &mut Budget,
    ) -> Result<Verdict, GaveUp> {
        let mut sides = Vec::new();
        for &direction in directions {
            let (subject, peer, end) = seen_from(direction, source, destination);
            let home = self.world.pods(peer).map(|pods| pods.namespace);
            let allowance = match self.side_of(direction, subject) {
                None => SideAllowance { sure: PortSet::everything(), perhaps: Vec::new() },
                Some(side) => {
                    let address = addresses.and_then(|pair| pair.get(end).copied());
                    self.allowance(side, destination, peer, address)
                }
            };
            let allowed = self.for_sure(&allowance, home, budget)?;
            let verdict = Verdict { unknown: allowance.possible().subtract(&allowed), allowed };
            sides.push((home, allowance, verdict));
        }
        match sides.as_slice() {
            [(_, _, one)] => Ok(one.clone()),
            [(mine, egress, one), (theirs, ingress, other)] => {
                let verdict = self.both(one, other, destination);
                if mine != theirs || egress.perhaps.is_empty() || ingress.perhaps.is_empty() {
                    return Ok(verdict);
                }
                let possible = self.at_once(egress, ingress, *mine, destination, budget)?;
                Ok(Verdict { unknown: possible.subtract(&verdict.allowed), allowed: verdict.allowed })
            }
            _ => Ok(Verdict::everything()),
        }
    }

    /// What a side allows to a peer with that address.
    fn allowance(&self, side: &Side, destination: EndId, peer: EndId, address: Option<IpAddr>) -> SideAllowance<'_> {
        let mut allowance = SideAllowance::default();
        for rule in side.rules.iter().filter_map(|index| self.rules.get(*index)) {
            let ports = self.ports.of(rule.ports, destination);
            let Some(peers) = &rule.peers else {
                allowance.sure.insert(ports);
                continue;
            };
            for index in peers {
                match (self.peers.truth(*index, peer), self.peers.get(*index)) {
                    (Truth::Yes, _) => allowance.sure.insert(ports),
                    (Truth::Maybe, Some(Peer::Pods { namespaces: Some(selector), .. })) => {
                        allowance.perhaps.push((selector, ports));
                    }
                    (Truth::Maybe, Some(Peer::Block(block)))
                        if address.is_some_and(|address| block.addresses().has(address)) =>
                    {
                        allowance.sure.insert(ports);
                    }
                    (Truth::Maybe, Some(Peer::Block(_))) if !self.is_unlisted(peer) => {}
                    // Whether a name or an entity has an address has nothing to do with anything else.
                    (Truth::Maybe, Some(Peer::Block(_) | Peer::Unlisted(_))) => {
                        allowance.perhaps.push((nobody(), ports));
                    }
                    _ => {}
                }
            }
        }
        allowance
    }

    /// Whether an end is a name or an entity.
    fn is_unlisted(&self, end: EndId) -> bool {
        self.world.addresses(end).is_some_and(AddressSet::has_unlisted)
    }

    /// What is allowed whatever labels the namespace of the peer has.
    fn for_sure(
        &self,
        allowance: &SideAllowance<'_>,
        home: Option<NamespaceId>,
        budget: &mut Budget,
    ) -> Result<PortSet, GaveUp> {
        let mut sure = allowance.sure.clone();
        if allowance.perhaps.is_empty() {
            return Ok(sure);
        }
        let whole = self.labels_of(home);
        let example = whole.witness().unwrap_or_default();
        for ports in parts(allowance, budget)? {
            let has = |(_, theirs): &&(&Selector, &PortSet)| theirs.contains(&ports);
            let selectors: Vec<&Selector> =
                allowance.perhaps.iter().filter(has).map(|(selector, _)| *selector).collect();
            budget.spend(selectors.len())?;
            let is_refused = selectors.iter().all(|selector| !selector.matches(&example));
            if !is_refused && unmatched(&whole, &selectors, budget)?.is_none() {
                sure.insert(&ports);
            }
        }
        Ok(sure)
    }

    /// What a rule of each side allows to labels that both let through.
    fn at_once(
        &self,
        egress: &SideAllowance<'_>,
        ingress: &SideAllowance<'_>,
        home: Option<NamespaceId>,
        destination: EndId,
        budget: &mut Budget,
    ) -> Result<PortSet, GaveUp> {
        let whole = self.labels_of(home);
        let everything = Selector::everything();
        let [out, into] = [egress, ingress].map(|side| {
            let perhaps = side.perhaps.iter().copied();
            perhaps.chain([(&everything, &side.sure)]).collect::<Vec<(&Selector, &PortSet)>>()
        });
        let only = |ports: &PortSet| Verdict { allowed: ports.clone(), unknown: PortSet::empty() };
        let mut possible = PortSet::empty();
        for (selector, ports) in &out {
            let mine = whole.and(selector);
            budget.spend(into.len())?;
            for (_, theirs) in into.iter().filter(|(theirs, _)| mine.overlaps(theirs)) {
                possible.insert(&self.both(&only(ports), &only(theirs), destination).possible());
            }
        }
        Ok(possible)
    }

    /// What is known of the labels of a namespace.
    fn labels_of(&self, id: Option<NamespaceId>) -> Selector {
        id.and_then(|id| self.world.namespace(id)).map(Namespace::selector).unwrap_or_default()
    }

    /// What the addresses of both ends can be, as far as the blocks tell them apart: both of one family. Where it is not
    /// known whether blocks match an end, that they match none is the least that they do.
    fn addresses(&self, missing: &Missing<'_>, source: EndId, destination: EndId) -> Result<Vec<Choice>, GaveUp> {
        let [of_source, of_destination] = &missing.blocks;
        if of_source.is_empty() && of_destination.is_empty() {
            return Ok(vec![vec![None]]);
        }
        let ((sources, one), (destinations, other)) =
            (self.addresses_of(source, of_source), self.addresses_of(destination, of_destination));
        let [old, new] = [IpAddr::is_ipv4, IpAddr::is_ipv6].map(|is: fn(&IpAddr) -> bool| {
            let count = |addresses: &[IpAddr]| addresses.iter().filter(|address| is(address)).count();
            count(&sources).saturating_mul(count(&destinations))
        });
        let same = old.saturating_add(new);
        let all = sources.len().saturating_mul(destinations.len());
        if (if same == 0 { all } else { same }) > MOST_WAYS {
            return Err(GaveUp);
        }
        let pairs = sources.iter().flat_map(|one| destinations.iter().map(|other| [*one, *other]));
        // With a family each, something in between translates.
        let pairs = pairs.filter(|[one, other]| same == 0 || one.is_ipv4() == other.is_ipv4());
        let mut choices: Vec<Choice> = match (one, other) {
            (GivenAddresses::Exactly, GivenAddresses::Exactly) => vec![pairs.map(Some).collect()],
            _ => pairs.map(|pair| vec![Some(pair)]).collect(),
        };
        let doubtful = |end, blocks: &[AddressSet]| !blocks.is_empty() && self.matching(end) != Truth::Yes;
        if doubtful(source, of_source) || doubtful(destination, of_destination) {
            choices.push(vec![None]);
        }
        Ok(choices)
    }

    /// The one family over which these ports are allowed between two pods whose addresses of both families are known; `None`
    /// where it makes no difference.
    pub fn only_over(&self, source: EndId, destination: EndId, ports: &PortSet) -> Option<Family> {
        let missing = self.missing(source, destination, &Direction::ALL);
        if missing.blocks.iter().all(Vec::is_empty) {
            return None;
        }
        let choices = self.addresses(&missing, source, destination).ok()?;
        let mut budget = Budget::new(MOST_STEPS);
        let mut is_open = |family: &Family| {
            let mut pairs = choices.iter().flatten().flatten().filter(|[address, _]| Family::of(*address) == *family);
            pairs.any(|pair| {
                let verdict = self.with_addresses(Some(*pair), source, destination, &Direction::ALL, &mut budget);
                verdict.is_ok_and(|verdict| verdict.allowed.contains(ports))
            })
        };
        let open: Vec<Family> = Family::ALL.into_iter().filter(|family| is_open(family)).collect();
        match (open.as_slice(), choices.len()) {
            ([one], 1) => Some(*one),
            _ => None,
        }
    }

    /// Whether blocks match what is at an end, when its address is in them.
    pub(super) fn matching(&self, end: EndId) -> Truth {
        match self.world.end(end) {
            Some(End::Addresses { addresses, .. }) => self.world.facts.outside(addresses),
            _ => self.world.facts.matches().pods,
        }
    }

    fn addresses_of(&self, end: EndId, blocks: &[AddressSet]) -> (Vec<IpAddr>, GivenAddresses) {
        let all = match self.world.end(end) {
            Some(End::Pods(pods)) if !pods.addresses.is_empty() => {
                return (pods.addresses.clone(), GivenAddresses::Exactly);
            }
            Some(End::Addresses { addresses, .. }) => addresses,
            _ if self.world.facts.pod_addresses().is_empty() => &AddressSet::all(),
            _ => self.world.facts.pod_addresses(),
        };
        let first = |(kind, _): (AddressSet, _)| {
            let kind = kind.intersect(all);
            let v4 = kind.v4().first().map(|(low, _)| IpAddr::V4(Ipv4Addr::from(*low)));
            let v6 = kind.v6().first().map(|(low, _)| IpAddr::V6(Ipv6Addr::from(*low)));
            [v4, v6]
        };
        (addresses::kinds(blocks).into_iter().flat_map(first).flatten().collect(), GivenAddresses::OneOf)
    }
}

/// What is said of a namespace where it is not its labels that decide.
fn nobody() -> &'static Selector {
    static NOBODY: LazyLock<Selector> = LazyLock::new(|| {
        let mut nobody = Selector::everything();
        nobody.require(NAMESPACE_NAME, Values::does_not_exist());
        nobody.require(NAMESPACE_NAME, Values::exists());
        nobody
    });
    &NOBODY
}

/// The ports that are not allowed for sure, in parts that all selectors ask for or not.
fn parts(allowance: &SideAllowance<'_>, budget: &mut Budget) -> Result<Vec<PortSet>, GaveUp> {
    let mut parts: Vec<PortSet> = Vec::new();
    let asked: BTreeSet<&PortSet> = allowance.perhaps.iter().map(|(_, ports)| *ports).collect();
    for ports in asked {
        budget.spend(parts.len() + 1)?;
        let mut left = ports.subtract(&allowance.sure);
        let mut next = Vec::with_capacity(parts.len() + 1);
        for part in parts {
            let inside = part.intersect(&left);
            if inside.is_empty() {
                next.push(part);
                continue;
            }
            left = left.subtract(&inside);
            let outside = part.subtract(&inside);
            next.extend([inside, outside].into_iter().filter(|part| !part.is_empty()));
        }
        next.extend(Some(left).filter(|left| !left.is_empty()));
        parts = next;
    }
    Ok(parts)
}

/// What is known of the addresses of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenAddresses {
    /// It has all of them.
    Exactly,
    /// It has one of them.
    OneOf,
}

/// The pod that is judged, its peer, and whether the peer is the source (0) or the destination (1).
pub(super) fn seen_from(direction: Direction, source: EndId, destination: EndId) -> (EndId, EndId, usize) {
    match direction {
        Direction::Egress => (source, destination, 1),
        Direction::Ingress => (destination, source, 0),
    }
}
