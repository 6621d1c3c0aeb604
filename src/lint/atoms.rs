//! What the policies of a namespace allow in one direction, in the smallest parts that somebody wrote.

use super::One;
use crate::cover::{Budget, GaveUp, missing};
use crate::net::{AddressSet, Direction, Peers, PortSet, Region, RegionIndex, Selector, escapes, namespace_by_name};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use crate::prove::worlds;
use std::cell::Cell;
use std::ops::Range;

/// How many comparisons of two regions one question may take.
const MOST_OF_QUESTION: usize = 50_000;

/// How many comparisons of two regions may still be made, by all that is looked at together, and whether they were too few.
pub(super) struct Patience {
    left: Cell<usize>,
    gave_up: Cell<bool>,
}

impl Patience {
    /// What all of one run may take: about a second.
    pub(super) fn new() -> Self {
        Patience::of(4_000_000)
    }

    /// What takes at most so many comparisons.
    pub(super) fn of(comparisons: usize) -> Self {
        Patience { left: Cell::new(comparisons), gave_up: Cell::new(false) }
    }

    /// Whether something was given up.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up.get()
    }

    /// Whether so many more comparisons may be made.
    pub(super) fn spend(&self, comparisons: usize) -> Result<(), GaveUp> {
        let left = self.left.get().checked_sub(comparisons);
        self.left.set(left.unwrap_or_default());
        self.gave_up.set(self.gave_up.get() || left.is_none());
        left.map(|_| ()).ok_or(GaveUp)
    }

    /// Whether `by` together hold all of a region; an error when it took too long to tell.
    pub(super) fn covers(&self, region: &Region, by: &[&Region]) -> Result<bool, GaveUp> {
        self.spend(by.len() * weight(region))?;
        if worlds(region).iter().any(|part| escapes(part, by)) {
            return Ok(false);
        }
        Ok(self.missing(region, by)?.is_none())
    }

    /// A part of a region that none of `by` holds; `Ok(None)` when together they hold all of it, an error when it took
    /// too long to tell.
    pub(super) fn missing(&self, region: &Region, by: &[&Region]) -> Result<Option<Region>, GaveUp> {
        for part in worlds(region) {
            let weight = weight(&part);
            let most = self.left.get().min(MOST_OF_QUESTION) / weight;
            let mut budget = Budget::new(most);
            let found = missing(part, by, &mut budget);
            self.left.set(self.left.get().saturating_sub((most - budget.left()) * weight));
            match found {
                Ok(None) => {}
                Ok(Some(rest)) => return Ok(Some(rest)),
                Err(GaveUp) => {
                    self.gave_up.set(true);
                    return Err(GaveUp);
                }
            }
        }
        Ok(None)
    }
}

/// How many comparisons one counts as: of very large selectors and lists it takes much longer.
fn weight(region: &Region) -> usize {
    /// So many keys and values are compared in no time.
    const FEW: usize = 16;
    let size = |selector: &Selector| selector.entries().map(|(_, values)| 1 + values.listed().len()).sum::<usize>();
    let peers = match &region.peers {
        Peers::Pods { namespaces, pods } => size(namespaces) + size(pods),
        Peers::Addresses(addresses) => addresses.v4().len() + addresses.v6().len(),
        Peers::Any => 0,
    };
    1 + (size(&region.subject) + peers) / FEW
}

/// How many pairs of a peer and a port a rule may have to be looked at by each port.
const MOST_OF_RULE: usize = 10_000;

/// One peer and one port of a rule, or that a rule has none.
#[derive(Debug)]
pub(super) struct Atom<'a> {
    /// The place of the policy in its group.
    pub policy: usize,
    /// The place of the rule.
    pub rule: usize,
    /// The place of the peer; `None` when the rule takes any.
    pub peer: Option<usize>,
    /// The place of the port; `None` when the rule takes any, or when it is about all of very many.
    pub port: Option<usize>,
    /// The rule.
    pub written: &'a Rule,
    /// What it allows.
    pub region: Region,
}

impl<'a> Atom<'a> {
    /// The peer.
    pub(super) fn written_peer(&self) -> Option<&'a Peer> {
        self.written.peers.get(self.peer?)
    }

    /// The port.
    pub(super) fn written_port(&self) -> Option<&'a Port> {
        self.written.ports.get(self.port?)
    }

    /// Whether it allows everything to everyone.
    pub(super) fn is_everything(&self) -> bool {
        self.region.peers == Peers::Any && self.region.ports.is_everything()
    }
}

/// The policies of one namespace in one direction.
pub(super) struct Side<'a> {
    /// All policies of the namespace.
    pub group: &'a [One<'a>],
    /// The direction.
    pub direction: Direction,
    /// What they allow, by policy, rule, peer and port.
    pub atoms: Vec<Atom<'a>>,
    /// Which of them are those of each policy.
    ranges: Vec<Range<usize>>,
    index: RegionIndex,
    /// What finding out may take.
    pub patience: &'a Patience,
}

impl<'a> Side<'a> {
    /// The side of the policies of one namespace.
    pub(super) fn new(group: &'a [One<'a>], direction: Direction, patience: &'a Patience) -> Self {
        let (mut atoms, mut ranges) = (Vec::new(), Vec::with_capacity(group.len()));
        for (policy, one) in group.iter().enumerate() {
            let first = atoms.len();
            for (rule, written) in one.rules(direction).unwrap_or_default().iter().enumerate() {
                let many = written.peers.len().saturating_mul(written.ports.len()) > MOST_OF_RULE;
                let all = if many { all_ports(written) } else { PortSet::everything() };
                for peer in places(written.peers.len()) {
                    for port in places(if many { 0 } else { written.ports.len() }) {
                        let mut region = region(one, direction, written, peer, port);
                        if port.is_none() {
                            region.ports = all.clone();
                        }
                        atoms.push(Atom { policy, rule, peer, port, written, region });
                    }
                }
            }
            ranges.push(first..atoms.len());
        }
        let items = atoms.iter().enumerate().map(|(index, atom)| (index, &atom.region.subject, &atom.region.peers));
        let index = RegionIndex::new(items);
        Side { group, direction, atoms, ranges, index, patience }
    }

    /// The atoms of a policy, with their places.
    pub(super) fn of(&self, policy: usize) -> impl Iterator<Item = (usize, &Atom<'a>)> {
        let range = self.ranges.get(policy).cloned().unwrap_or_default();
        let first = range.start;
        (first..).zip(self.atoms.get(range).unwrap_or_default())
    }

    /// The places of the atoms of a rule, or of one of its peers.
    pub(super) fn of_rule(&self, policy: usize, rule: usize, peer: Option<usize>) -> Range<usize> {
        let range = self.ranges.get(policy).cloned().unwrap_or_default();
        let atoms = self.atoms.get(range.clone()).unwrap_or_default();
        // They stand in the order of the text.
        let from = |wanted: (usize, usize)| {
            range.start + atoms.partition_point(|atom| (atom.rule, atom.peer.unwrap_or_default()) < wanted)
        };
        match peer {
            Some(peer) => from((rule, peer))..from((rule, peer + 1)),
            None => from((rule, 0))..from((rule + 1, 0)),
        }
    }

    /// The atoms that may overlap a region.
    pub(super) fn near(&self, region: &Region) -> Vec<usize> {
        self.index.query(&region.subject, &region.peers)
    }

    /// Whether the atoms for which `counts` says so allow all of a region together.
    pub(super) fn allows(&self, region: &Region, counts: impl Fn(usize, &Atom<'_>) -> bool) -> Result<bool, GaveUp> {
        // Once it is over, nothing is looked for any more.
        self.patience.spend(1)?;
        let near = self.near(region);
        self.patience.spend(near.len())?;
        let near = near.into_iter().filter_map(|index| Some((index, self.atoms.get(index)?)));
        let near = near.filter(|(index, atom)| atom.region.ports.overlaps(&region.ports) && counts(*index, atom));
        let near: Vec<&Region> = near.map(|(_, atom)| &atom.region).collect();
        self.patience.covers(region, &near)
    }
}

fn places(count: usize) -> Vec<Option<usize>> {
    if count == 0 { vec![None] } else { (0..count).map(Some).collect() }
}

fn region(one: &One<'_>, direction: Direction, rule: &Rule, peer: Option<usize>, port: Option<usize>) -> Region {
    let peers = match peer.and_then(|peer| rule.peers.get(peer)) {
        None => Peers::Any,
        Some(Peer::Block(block)) => Peers::Addresses(block.addresses()),
        Some(Peer::Unlisted(unlisted)) => Peers::Addresses(unlisted.addresses()),
        Some(Peer::Pods { namespaces, pods }) => {
            let namespaces = namespaces.clone().unwrap_or_else(|| namespace_by_name(&one.policy.namespace));
            Peers::Pods { namespaces, pods: pods.clone() }
        }
    };
    let port = port.and_then(|port| rule.ports.get(port));
    let named = port.is_some_and(|port| matches!(port.target, PortTarget::Named(_)));
    let peers = match peers {
        // Nobody knows the container ports of an address.
        Peers::Any if named && direction == Direction::Egress => {
            Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() }
        }
        Peers::Addresses(_) if named && direction == Direction::Egress => Peers::Addresses(AddressSet::empty()),
        peers @ (Peers::Any | Peers::Pods { .. } | Peers::Addresses(_)) => peers,
    };
    let ports = port.map_or_else(PortSet::everything, ports);
    Region { subject: one.policy.subject.clone(), peers, ports }
}

fn all_ports(rule: &Rule) -> PortSet {
    PortSet::union_of(&rule.ports.iter().map(ports).collect::<Vec<_>>())
}

/// The ports of one item.
pub(super) fn ports(port: &Port) -> PortSet {
    match &port.target {
        PortTarget::Every => PortSet::whole(port.protocol),
        PortTarget::Number(number) => PortSet::number(port.protocol, *number),
        PortTarget::Range(low, high) => PortSet::range(port.protocol, *low, *high),
        PortTarget::Named(name) => PortSet::named(port.protocol, name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_many_comparisons_is_given_up_and_known() {
        let region = Region { subject: Selector::everything(), peers: Peers::Any, ports: PortSet::everything() };
        let enough = Patience::of(10);
        assert_eq!(enough.missing(&region, &[&region]), Ok(None));
        assert!(!enough.gave_up());
        let few = Patience::of(0);
        assert_eq!(few.missing(&region, &[&region]), Err(GaveUp));
        assert!(few.gave_up());
    }
}
