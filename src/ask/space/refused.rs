//! Connections that are not allowed.

use super::grants::{Grant, Side, SpaceGrants};
use super::{Ends, SpacePods};
use crate::cover::{Budget, GaveUp, missing};
use crate::engine::addresses;
use crate::net::{AddressSet, Direction, Peers, PortSet, Protocol, Region, Selector, Truth};
use crate::prove::{every_number, names, numbers};
use std::sync::Arc;

/// What counts as allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// Only what is so whatever the facts are that nobody knows.
    Yes,
    /// Whatever may be; with `names`, a number may be what a name stands for.
    Perhaps {
        /// Whether it may.
        names: bool,
    },
}

/// From each of the source to each of the destination no such port is allowed, by one of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who may not connect; nothing is taken away from it.
    pub source: Ends,
    /// To whom; nothing is taken away from it.
    pub destination: Ends,
    /// The side that says so.
    pub direction: Direction,
    /// The ports, without names.
    pub ports: PortSet,
    /// What the destination calls them.
    pub name: Option<(Protocol, Arc<str>)>,
}

/// Ports as pods see them that give these names to each of them.
#[derive(Debug, Clone, Default)]
pub struct PortViews(pub Vec<(Protocol, Arc<str>)>);

impl PortViews {
    /// Ports as plain numbers.
    fn of(&self, ports: &PortSet, by_any_name: bool) -> PortSet {
        let mut plain = numbers(ports);
        for (protocol, name) in &self.0 {
            if ports.has_name(*protocol, name) {
                plain.insert(&every_number(*protocol));
            }
        }
        if by_any_name {
            let named = Protocol::ALL.into_iter().filter(|protocol| ports.names(*protocol).next().is_some());
            named.for_each(|protocol| plain.insert(&every_number(protocol)));
        }
        // All numbers together would be the names, too.
        numbers(&plain)
    }
}

/// Ports as they are seen by pods that give them no name, and by those that give one of the names to each of them.
pub(crate) fn views(ports: &PortSet, to_address: bool) -> Vec<(PortViews, PortSet)> {
    let single = if to_address { Vec::new() } else { names(ports) };
    let named = single.into_iter().map(|(protocol, name)| (PortViews(vec![(protocol, name)]), every_number(protocol)));
    [(PortViews::default(), numbers(ports))].into_iter().chain(named).collect()
}

/// Keys of the labels of a subject's namespace, beside those of its own.
const NAMESPACE: &str = "\u{1}";

impl SpaceGrants<'_> {
    /// A part of `source`, of `destination` and of `ports` on which they may not connect.
    pub fn refused(
        &self,
        source: &Ends,
        destination: &Ends,
        ports: &PortSet,
        sure: Sure,
        budget: &mut Budget,
    ) -> Result<Option<Refusal>, GaveUp> {
        for (view, ports) in views(ports, matches!(destination, Ends::Addresses(_))) {
            if let Some(found) = self.refused_in(&view, source, destination, &ports, sure, budget)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The same for ports that all have the names of a view.
    pub fn refused_in(
        &self,
        view: &PortViews,
        source: &Ends,
        destination: &Ends,
        ports: &PortSet,
        sure: Sure,
        budget: &mut Budget,
    ) -> Result<Option<Refusal>, GaveUp> {
        if ports.is_empty() || matches!((source, destination), (Ends::Addresses(_), Ends::Addresses(_))) {
            return Ok(None);
        }
        for direction in [Direction::Egress, Direction::Ingress] {
            let (subject, peer) = match direction {
                Direction::Egress => (source, destination),
                Direction::Ingress => (destination, source),
            };
            if let Some(found) = self.refused_by(direction, view, [subject, peer], ports, sure, budget)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The same by the side of the first of two ends alone. The second may be all pods of some namespaces, whatever homes
    /// those are: then something may be refused to a pod that cannot exist.
    pub fn refused_by(
        &self,
        direction: Direction,
        view: &PortViews,
        [subject, peer]: [&Ends; 2],
        ports: &PortSet,
        sure: Sure,
        budget: &mut Budget,
    ) -> Result<Option<Refusal>, GaveUp> {
        let Some((pods, side)) = subject.pods().and_then(|pods| Some((pods, self.side(pods.home, direction)?))) else {
            return Ok(None);
        };
        for isolated in side.isolating(&pods.labels) {
            let isolated = SpacePods { labels: pods.labels.and(isolated), ..pods.clone() };
            let asking = Ungranted { grants: self, side, direction, view, sure };
            if let Some((subject, peer, ports)) = asking.find(&isolated, peer, ports, budget)? {
                let (source, destination) = match direction {
                    Direction::Egress => (subject, peer),
                    Direction::Ingress => (peer, subject),
                };
                let name = view.0.first().cloned();
                return Ok(Some(Refusal { source, destination, direction, ports, name }));
            }
        }
        Ok(None)
    }
}

/// Looks for what no grant of a side covers.
struct Ungranted<'a> {
    grants: &'a SpaceGrants<'a>,
    side: &'a Side,
    direction: Direction,
    view: &'a PortViews,
    sure: Sure,
}

impl Ungranted<'_> {
    fn find(
        &self,
        subject: &SpacePods,
        peer: &Ends,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<(Ends, Ends, PortSet)>, GaveUp> {
        let ends = PairRegion::new(subject, peer);
        let Some(whole) = ends.whole() else { return Ok(None) };
        let near: Vec<&Grant> = self.side.near(&subject.labels, &self.grants.space.around(peer)).collect();
        let without = ends.without();
        for address in self.addresses(&near) {
            let by: Vec<Region> = near.iter().filter_map(|grant| self.seen(grant, peer, address.as_ref())).collect();
            let by: Vec<&Region> = by.iter().chain(&without).collect();
            let wanted = Region { ports: ports.clone(), ..whole.clone() };
            if let Some(found) = missing(wanted, &by, budget)? {
                let ports = found.ports.clone();
                let (subject, peer) = ends.part(found);
                return Ok(Some((Ends::Pods(subject), peer, ports)));
            }
        }
        Ok(None)
    }

    /// Where a pod can have its address, as far as that makes a difference: an address in each place.
    fn addresses(&self, near: &[&Grant]) -> Vec<Option<AddressSet>> {
        let doubtful = near.iter().filter(|grant| grant.truth == Truth::Maybe);
        let blocks: Vec<AddressSet> = doubtful.filter_map(|grant| grant.block.clone()).collect();
        let facts = &self.grants.space.facts;
        if blocks.is_empty() || self.sure != Sure::Yes || facts.matches().pods != Truth::Yes {
            return vec![None];
        }
        let kinds = addresses::kinds(&blocks).into_iter().map(|(kind, _)| kind.intersect(facts.pod_addresses()));
        kinds.filter(|kind| !kind.is_empty()).map(Some).collect()
    }

    /// A grant as it is seen towards one end; `None` when it does not count.
    fn seen(&self, grant: &Grant, peer: &Ends, address: Option<&AddressSet>) -> Option<Region> {
        let (only_sure, by_any_name) = match self.sure {
            Sure::Yes => (true, false),
            Sure::Perhaps { names } => (false, names),
        };
        let to_address = self.direction == Direction::Egress && matches!(peer, Ends::Addresses(_));
        let ports = match to_address {
            true => numbers(&grant.ports.without_names()),
            false => self.view.of(&grant.ports, by_any_name),
        };
        let is_there = |block: &AddressSet| address.is_some_and(|address| block.contains(address));
        if only_sure && grant.truth != Truth::Yes && !grant.block.as_ref().is_some_and(is_there) {
            return None;
        }
        let peers = match (&grant.peers, peer) {
            (Peers::Pods { namespaces, pods: labels }, Ends::Pods(pods)) => {
                let namespaces = match pods.home.and_then(|home| self.grants.space.homes.get(home)) {
                    None => namespaces.clone(),
                    Some(home) => match home.settle(namespaces)? {
                        (_, Truth::Maybe) if !only_sure => Selector::everything(),
                        (beyond, _) => beyond,
                    },
                };
                Peers::Pods { namespaces, pods: labels.clone() }
            }
            (peers @ Peers::Addresses(_), Ends::Addresses(_)) => peers.clone(),
            _ => return None,
        };
        Some(Region { subject: grant.subject.clone(), peers, ports })
    }
}

/// Two ends as one region, whose subject has the labels of its namespace only where they make a difference.
struct PairRegion<'a> {
    subject: &'a SpacePods,
    peer: &'a Ends,
    /// Whether both are in one namespace, whose labels are then those of the peer's.
    one_home: bool,
    /// Whether the labels of the subject's namespace stand beside its own.
    beside: bool,
}

impl<'a> PairRegion<'a> {
    fn new(subject: &'a SpacePods, peer: &'a Ends) -> Self {
        let one_home = subject.home.is_some() && peer.pods().is_some_and(|pods| pods.home == subject.home);
        let beside = !one_home && subject.less.iter().any(|(namespaces, _)| !namespaces.is_everything());
        PairRegion { subject, peer, one_home, beside }
    }

    /// The region without ports; `None` when it is empty.
    fn whole(&self) -> Option<Region> {
        let subject = self.subject_of(&self.subject.namespaces, &self.subject.labels);
        let peers = match self.peer {
            Ends::Addresses(all) => Peers::Addresses(all.clone()),
            Ends::Pods(pods) => {
                let own =
                    if self.one_home { pods.namespaces.and(&self.subject.namespaces) } else { pods.namespaces.clone() };
                Peers::Pods { namespaces: own, pods: pods.labels.clone() }
            }
        };
        let region = Region { subject, peers, ports: PortSet::everything() };
        (!region.is_empty()).then_some(region)
    }

    fn subject_of(&self, namespaces: &Selector, labels: &Selector) -> Selector {
        let mut subject = labels.clone();
        if self.beside {
            for (key, values) in namespaces.entries() {
                subject.require(format!("{NAMESPACE}{key}"), values.clone());
            }
        }
        subject
    }

    /// What the ends leave out.
    fn without(&self) -> Vec<Region> {
        let everything = Selector::everything;
        let out = |subject, peers| Region { subject, peers, ports: PortSet::everything() };
        let of_subject = self.subject.less.iter().map(|(namespaces, labels)| {
            let peers = match (self.one_home, self.peer) {
                (true, _) => Peers::Pods { namespaces: namespaces.clone(), pods: everything() },
                (false, Ends::Pods(_)) => Peers::Pods { namespaces: everything(), pods: everything() },
                (false, Ends::Addresses(all)) => Peers::Addresses(all.clone()),
            };
            out(self.subject_of(namespaces, labels), peers)
        });
        let mut all: Vec<Region> = of_subject.collect();
        for (namespaces, labels) in self.peer.pods().into_iter().flat_map(|pods| &pods.less) {
            let peers = Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() };
            all.push(out(everything(), peers));
        }
        all
    }

    /// The ends of a part of the region.
    fn part(&self, found: Region) -> (SpacePods, Ends) {
        let (mut beside, mut labels) = (Selector::everything(), Selector::everything());
        for (key, values) in found.subject.entries() {
            match key.strip_prefix(NAMESPACE) {
                Some(key) => beside.require(key, values.clone()),
                None => labels.require(key.clone(), values.clone()),
            }
        }
        let mut subject = SpacePods { labels, less: Vec::new(), ..self.subject.clone() };
        if self.beside {
            subject.namespaces = beside;
        }
        let peer = match (self.peer, found.peers) {
            (Ends::Pods(pods), Peers::Pods { namespaces, pods: labels }) => {
                if self.one_home {
                    subject.namespaces = namespaces.clone();
                }
                Ends::Pods(SpacePods { home: pods.home, namespaces, labels, less: Vec::new() })
            }
            (_, Peers::Addresses(addresses)) => Ends::Addresses(addresses),
            (end, _) => end.clone(),
        };
        (subject, peer)
    }
}
