//! Who may connect to whom: searches over every pod that could exist, without looking at single pods.
//!
//! Pods are sets: those of one managed namespace, or of all namespaces that are not managed, less some. What labels a
//! namespace has is not known beside those that are given; so a set may be empty in the cluster that there is, and what is
//! found is what may be.

use super::counterexample::Port;
use super::cover::{Budget, GaveUp, missing};
use super::names::{every_number, names};
use super::side::{Party, Side, Sides, worlds};
use crate::flow::{FlowSet, NAMESPACE_NAME, Namespaces, Place};
use crate::net::{AddressSet, IpBlock, Peers, PortSet, Protocol, Region, RegionIndex, Selector, Values};
use crate::policy::Direction;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pods: `labels` in `namespaces`, less those of `less`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pods {
    /// The managed namespace; `None` for pods of all namespaces that are not managed.
    pub home: Option<usize>,
    /// The labels of their namespaces. Where there is just one, it is these pods only if it has such labels.
    pub namespaces: Selector,
    /// Their own labels.
    pub labels: Selector,
    /// Labels of namespaces and of pods that are not meant.
    pub less: Vec<(Selector, Selector)>,
}

/// One end of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Pods.
    Pods(Pods),
    /// Addresses.
    Addresses(AddressSet),
}

/// Connections that are allowed: from each of the source to each of the destination.
#[derive(Debug, Clone)]
pub struct Link {
    /// Who may connect.
    pub source: End,
    /// To whom.
    pub destination: End,
    /// On this port, for one.
    pub port: Port,
    /// Whether the source is not isolated for egress.
    pub open_source: bool,
    /// Whether the destination is not isolated for ingress.
    pub open_destination: bool,
}

/// What one side allows.
struct Half {
    subject: End,
    peers: Peers,
    ports: PortSet,
    open: bool,
}

/// A flow set, ready to be asked.
pub struct Connections<'a> {
    set: &'a FlowSet,
    sides: Sides,
    indexes: Vec<[RegionIndex; 2]>,
    homes: BTreeMap<&'a str, usize>,
    /// Namespaces that are not managed.
    others: Selector,
}

impl<'a> Connections<'a> {
    /// Prepares a flow set.
    pub fn new(set: &'a FlowSet) -> Self {
        let sides = Sides::of_program(set);
        let index = |home, direction| {
            let granted = sides.get(home, direction).map(|side| side.granted.as_slice()).unwrap_or_default();
            RegionIndex::new(granted.iter().enumerate().map(|(at, one)| (at, &one.subject, &one.peers)))
        };
        let indexes = (0..set.namespaces.len()).map(|home| Direction::ALL.map(|way| index(home, way))).collect();
        let homes = set.namespaces.iter().enumerate().map(|(index, one)| (&*one.name, index)).collect();
        let mut others = Selector::everything();
        others.require(NAMESPACE_NAME, Values::none_of(set.namespaces.iter().map(|one| one.name.clone())));
        others.require(NAMESPACE_NAME, Values::exists());
        Connections { set, sides, indexes, homes, others }
    }

    /// The ends that a place comes to.
    pub fn ends(&self, place: &Place) -> Vec<End> {
        match place {
            Place::Any => {
                let everyone = self.pods(&Selector::everything(), &Selector::everything());
                everyone.into_iter().map(End::Pods).chain([End::Addresses(AddressSet::all())]).collect()
            }
            Place::Addresses(blocks) => {
                vec![End::Addresses(IpBlock::all_addresses(blocks))]
            }
            Place::Pods { namespaces: Namespaces::Managed(home), pods } => {
                let namespaces = self.set.namespaces.get(*home).map(|one| one.labels.clone()).unwrap_or_default();
                let (labels, less) = (pods.clone(), Vec::new());
                vec![End::Pods(Pods { home: Some(*home), namespaces, labels, less })]
            }
            Place::Pods { namespaces, pods } => {
                let namespaces = self.set.namespace_selector(namespaces);
                self.pods(&namespaces, pods).into_iter().map(End::Pods).collect()
            }
        }
    }

    /// Everybody.
    pub fn everybody(&self) -> Vec<End> {
        self.ends(&Place::Any)
    }

    /// Pods by labels.
    fn pods(&self, namespaces: &Selector, labels: &Selector) -> Vec<Pods> {
        let homes: Vec<usize> = match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) => names.iter().filter_map(|name| self.homes.get(&**name).copied()).collect(),
            None => (0..self.set.namespaces.len()).collect(),
        };
        let managed = homes.into_iter().filter_map(|home| {
            let namespaces = self.set.namespaces.get(home)?.labels.and(namespaces);
            let possible = namespaces.contradiction().is_none();
            possible.then(|| Pods { home: Some(home), namespaces, labels: labels.clone(), less: Vec::new() })
        });
        let mut all: Vec<Pods> = managed.collect();
        let namespaces = namespaces.and(&self.others);
        if namespaces.contradiction().is_none() && labels.contradiction().is_none() {
            all.push(Pods { home: None, namespaces, labels: labels.clone(), less: Vec::new() });
        }
        all
    }

    /// An end less another one.
    pub fn minus(&self, end: &End, out: &End) -> End {
        match (end, out) {
            (End::Addresses(all), End::Addresses(out)) => End::Addresses(all.subtract(out)),
            (End::Pods(pods), End::Pods(out)) if pods.home == out.home => {
                let mut pods = pods.clone();
                pods.less.push((out.namespaces.clone(), out.labels.clone()));
                End::Pods(pods)
            }
            _ => end.clone(),
        }
    }

    /// Those of an end that are among the peers.
    fn among(&self, end: &End, peers: &Peers) -> Option<End> {
        match (end, peers) {
            (_, Peers::Any) => Some(end.clone()),
            (End::Addresses(all), Peers::Addresses(theirs)) => {
                let both = all.intersect(theirs);
                (!both.is_empty()).then_some(End::Addresses(both))
            }
            (End::Pods(own), Peers::Pods { namespaces, pods }) => {
                let (labels, namespaces) = (own.labels.and(pods), own.namespaces.and(namespaces));
                let both = Pods { labels, namespaces, ..own.clone() };
                let possible = both.labels.contradiction().is_none() && both.namespaces.contradiction().is_none();
                possible.then_some(End::Pods(both))
            }
            _ => None,
        }
    }

    /// Peers that hold at least an end.
    fn around(&self, end: &End) -> Peers {
        match end {
            End::Addresses(addresses) => Peers::Addresses(addresses.clone()),
            End::Pods(Pods { namespaces, labels, .. }) => {
                Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() }
            }
        }
    }

    /// What the side of `subject` allows towards `peers`.
    fn halves(&self, direction: Direction, subject: &End, peers: &Peers) -> Vec<Half> {
        let open = |subject: End| Half { subject, peers: Peers::Any, ports: PortSet::everything(), open: true };
        let End::Pods(pods) = subject else { return vec![open(subject.clone())] };
        let Some((home, side)) = pods.home.and_then(|home| Some((home, self.sides.get(home, direction)?))) else {
            return vec![open(subject.clone())];
        };
        let mut halves = Vec::new();
        if !side.isolated.iter().any(|selector| selector.contains(&pods.labels)) {
            let mut rest = pods.clone();
            rest.less.extend(side.isolated.iter().map(|selector| (Selector::everything(), selector.clone())));
            halves.push(open(End::Pods(rest)));
        }
        let index = self.indexes.get(home).and_then(|pair| pair.get(usize::from(direction == Direction::Egress)));
        let near = index.map(|index| index.query(&pods.labels, peers)).unwrap_or_default();
        for region in near.into_iter().filter_map(|at| side.granted.get(at)) {
            let labels = pods.labels.and(&region.subject);
            if labels.contradiction().is_none() {
                let subject = End::Pods(Pods { labels, ..pods.clone() });
                let (peers, ports) = (region.peers.clone(), region.ports.clone());
                halves.push(Half { subject, peers, ports, open: false });
            }
        }
        halves
    }

    /// Gives all connections that are allowed from `source` to `destination` on `ports`, until `visit` says to stop.
    pub fn links(
        &self,
        source: &End,
        destination: &End,
        ports: &PortSet,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Link) -> bool,
    ) -> Result<bool, GaveUp> {
        if matches!((source, destination), (End::Addresses(_), End::Addresses(_))) {
            return Ok(false);
        }
        for out in self.halves(Direction::Egress, source, &self.around(destination)) {
            if self.links_of(&out, destination, ports, budget, visit)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same for what one side allows.
    fn links_of(
        &self,
        out: &Half,
        destination: &End,
        ports: &PortSet,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Link) -> bool,
    ) -> Result<bool, GaveUp> {
        budget.spend(1)?;
        let to_address = matches!(destination, End::Addresses(_));
        let Some(target) = self.among(destination, &out.peers) else { return Ok(false) };
        if example([ports, &out.ports, &out.ports], to_address).is_none() {
            return Ok(false);
        }
        for into in self.halves(Direction::Ingress, &target, &self.around(&out.subject)) {
            budget.spend(1)?;
            let Some(source) = self.among(&out.subject, &into.peers) else { continue };
            let Some((source, destination)) = together(source, into.subject) else { continue };
            let Some(port) = example([ports, &out.ports, &into.ports], to_address) else { continue };
            if self.piece(&source, budget)?.is_none() || self.piece(&destination, budget)?.is_none() {
                continue;
            }
            let (open_source, open_destination) = (out.open, into.open);
            if visit(Link { source, destination, port, open_source, open_destination }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those of an end that are in another one too, less those that the first one leaves out.
    pub fn both(&self, end: &End, other: &End) -> Option<End> {
        self.among(end, &self.around(other))
    }

    /// A part of an end without exceptions, or `None` when there is nobody.
    pub fn piece(&self, end: &End, budget: &mut Budget) -> Result<Option<Peers>, GaveUp> {
        let Pods { namespaces, labels, less, .. } = match end {
            End::Addresses(all) => {
                return Ok((!all.is_empty()).then(|| Peers::Addresses(all.clone())));
            }
            End::Pods(pods) => pods,
        };
        let region = |namespaces: &Selector, labels: &Selector| Region {
            subject: Selector::everything(),
            peers: Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() },
            ports: PortSet::number(Protocol::Tcp, 1),
        };
        let less: Vec<Region> = less.iter().map(|(namespaces, labels)| region(namespaces, labels)).collect();
        let less: Vec<&Region> = less.iter().collect();
        Ok(missing(region(namespaces, labels), &less, budget)?.map(|part| part.peers))
    }

    /// One of those of an end.
    pub fn one(&self, end: &End, budget: &mut Budget) -> Result<Option<Party>, GaveUp> {
        let Some(piece) = self.piece(end, budget)? else { return Ok(None) };
        let Some(party) = Party::of(&piece) else { return Ok(None) };
        let (End::Pods(pods), Party::Pod { mut namespace, labels }) = (end, party.clone()) else {
            return Ok(Some(party));
        };
        if let Some(home) = pods.home.and_then(|home| self.set.namespaces.get(home)) {
            return Ok(Some(Party::pod(&home.name, labels)));
        }
        let Peers::Pods { namespaces, .. } = &piece else { return Ok(None) };
        if namespaces.required_value(NAMESPACE_NAME).is_none() {
            namespace.remove(NAMESPACE_NAME);
        }
        Ok(Some(Party::Pod { namespace, labels }))
    }

    /// A pair on a port of `ports` that may not connect, and on which side that fails.
    pub fn refused(
        &self,
        source: &End,
        destination: &End,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<(End, End, Port, Direction)>, GaveUp> {
        let addresses = [source, destination].map(|end| matches!(end, End::Addresses(_)));
        if addresses == [true, true] || self.piece(source, budget)?.is_none() {
            return Ok(None);
        }
        for (direction, subject, peer) in
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
        {
            let End::Pods(pods) = subject else { continue };
            let Some(side) = pods.home.and_then(|home| self.sides.get(home, direction)) else { continue };
            for isolated in &side.isolated {
                let labels = pods.labels.and(isolated);
                let subject = Pods { labels, ..pods.clone() };
                if let Some((subject, peer, port)) = self.ungranted(direction, &subject, peer, ports, side, budget)? {
                    return Ok(Some(match direction {
                        Direction::Egress => (subject, peer, port, direction),
                        Direction::Ingress => (peer, subject, port, direction),
                    }));
                }
            }
        }
        Ok(None)
    }

    /// A part of what `subject` and `peer` might do that no grant of the side covers.
    fn ungranted(
        &self,
        direction: Direction,
        subject: &Pods,
        peer: &End,
        ports: &PortSet,
        side: &Side,
        budget: &mut Budget,
    ) -> Result<Option<(End, End, Port)>, GaveUp> {
        let to_address = direction == Direction::Egress && matches!(peer, End::Addresses(_));
        let peers = match peer {
            End::Addresses(all) => Peers::Addresses(all.clone()),
            End::Pods(pods) if pods.home == subject.home => {
                Peers::Pods { namespaces: pods.namespaces.and(&subject.namespaces), pods: pods.labels.clone() }
            }
            End::Pods(pods) => Peers::Pods { namespaces: pods.namespaces.clone(), pods: pods.labels.clone() },
        };
        let whole = Region { subject: subject.labels.clone(), peers, ports: PortSet::empty() };
        let near: Vec<Region> = side.granted.iter().filter_map(|one| seen(one, peer)).collect();
        let mut without: Vec<Region> = Vec::new();
        let everything = PortSet::everything();
        // Only those are left out for sure whose namespace has such labels for sure.
        let out = subject.less.iter().filter(|(namespaces, _)| namespaces.contains(&subject.namespaces));
        for (_, labels) in out {
            without.push(Region { subject: labels.clone(), peers: Peers::Any, ports: everything.clone() });
        }
        if let End::Pods(Pods { less, .. }) = peer {
            let out = less.iter().map(|(namespaces, pods)| Region {
                subject: Selector::everything(),
                peers: Peers::Pods { namespaces: namespaces.clone(), pods: pods.clone() },
                ports: everything.clone(),
            });
            without.extend(out);
        }
        for view in views(ports, to_address) {
            let by: Vec<Region> = near.iter().map(|one| Region { ports: view.of(&one.ports), ..one.clone() }).collect();
            let by: Vec<&Region> = by.iter().chain(&without).collect();
            let wanted = Region { ports: view.of(ports), ..whole.clone() };
            let Some(found) = missing(wanted, &by, budget)? else { continue };
            let subject = End::Pods(Pods { labels: found.subject, less: Vec::new(), ..subject.clone() });
            let peer = match (peer, found.peers) {
                (End::Pods(pods), Peers::Pods { namespaces, pods: labels }) => {
                    End::Pods(Pods { namespaces, labels, less: Vec::new(), ..pods.clone() })
                }
                (_, Peers::Addresses(addresses)) => End::Addresses(addresses),
                _ => peer.clone(),
            };
            let port = view.name.map(|(protocol, name)| Port::Named(protocol, name)).or_else(|| {
                let sets = [&found.ports, &found.ports, &found.ports];
                example(sets, to_address)
            });
            return Ok(Some((subject, peer, port.unwrap_or(Port::Other))));
        }
        Ok(None)
    }

    /// The pods that may be reached from one of `source` in one step.
    pub fn next(&self, source: &End, budget: &mut Budget) -> Result<Vec<Link>, GaveUp> {
        let mut links = Vec::new();
        let ports = PortSet::everything();
        for out in self.halves(Direction::Egress, source, &Peers::Any) {
            let targets = match &out.peers {
                Peers::Any => self.pods(&Selector::everything(), &Selector::everything()),
                Peers::Pods { namespaces, pods } => self.pods(namespaces, pods),
                Peers::Addresses(_) => Vec::new(),
            };
            for target in targets {
                budget.spend(1)?;
                self.links_of(&out, &End::Pods(target), &ports, budget, &mut |link| {
                    links.push(link);
                    false
                })?;
            }
        }
        Ok(links)
    }
}

/// Both ends where they can be there at once: those of one namespace see the same labels of it.
fn together(source: End, destination: End) -> Option<(End, End)> {
    match (source, destination) {
        (End::Pods(mut one), End::Pods(mut other)) if one.home.is_some() && one.home == other.home => {
            let namespaces = one.namespaces.and(&other.namespaces);
            namespaces.contradiction().is_none().then(|| {
                one.namespaces = namespaces.clone();
                other.namespaces = namespaces;
                (End::Pods(one), End::Pods(other))
            })
        }
        ends => Some(ends),
    }
}

/// The part of a grant that is about an end of this kind.
fn seen(grant: &Region, peer: &End) -> Option<Region> {
    worlds(grant).into_iter().find(|part| {
        matches!((&part.peers, peer), (Peers::Pods { .. }, End::Pods(_)) | (Peers::Addresses(_), End::Addresses(_)))
    })
}

/// Ports as pods see them that give a port no name, or this one.
struct View {
    name: Option<(Protocol, Arc<str>)>,
}

impl View {
    fn of(&self, ports: &PortSet) -> PortSet {
        match &self.name {
            Some((protocol, name)) if ports.has_name(*protocol, name) => every_number(*protocol),
            Some((protocol, _)) => super::names::numbers(ports).intersect(&every_number(*protocol)),
            None => super::names::numbers(ports),
        }
    }
}

fn views(ports: &PortSet, to_address: bool) -> Vec<View> {
    let single = if to_address { Vec::new() } else { names(ports) };
    [View { name: None }].into_iter().chain(single.into_iter().map(|name| View { name: Some(name) })).collect()
}

/// A port that is in all of the sets. A named port can be any number, unless the destination is an address.
pub fn example(sets: [&PortSet; 3], to_address: bool) -> Option<Port> {
    for protocol in Protocol::ALL {
        let numbers = sets.iter().fold(every_number(protocol), |left, set| left.intersect(set));
        if let Some(&(number, _)) = numbers.ranges(protocol).first() {
            return Some(Port::Number(protocol, number));
        }
        if to_address {
            continue;
        }
        let named: Vec<&Arc<str>> = sets.iter().filter_map(|set| set.names(protocol).next()).collect();
        let plain = sets.iter().filter(|set| set.names(protocol).next().is_none());
        let numbers = plain.fold(every_number(protocol), |left, set| left.intersect(set));
        if let (Some(name), Some(_)) = (named.first(), numbers.ranges(protocol).first()) {
            return Some(Port::Named(protocol, (*name).clone()));
        }
    }
    sets.iter().all(|set| set.has_others()).then_some(Port::Other)
}
