//! Who may connect to whom: searches over every pod that could exist, without looking at single pods.
//!
//! Pods are sets: those of one namespace that is known by name, or of all others, less some. What labels a namespace has is
//! not known beside those that are stated or given; so a set may be empty in the cluster that there is, and what is found is
//! what may be. Whether an address block lets pods through is up to the
//! [`Facts`]: what may be counts for [`Connections::links`], and only what is sure for [`Connections::refused`].

mod ends;
mod homes;
mod located;
mod refused;

use crate::cluster::Namespace;
use crate::cover::{Budget, GaveUp};
use crate::flow::FlowSet;
use crate::net::{
    Direction, Facts, Family, MatchedAddresses, Peers, PortSet, Protocol, Region, RegionIndex, Selector, Truth,
};
use crate::prove::{ExamplePort, Grants, Side, every_number};
use ends::together;
use homes::KnownNamespaces;
use located::Located;
use std::sync::Arc;

pub(super) use ends::{End, SearchedPods};
pub(super) use homes::KnownNamespace;

/// Connections that are allowed: from each of the source to each of the destination.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// Who may connect.
    pub source: End,
    /// To whom.
    pub destination: End,
    /// On this port, for one.
    pub port: ExamplePort,
    /// Whether the source is not isolated for egress.
    pub open_source: bool,
    /// Whether the destination is not isolated for ingress.
    pub open_destination: bool,
    /// Whether one of the two is a pod that only an address block lets through.
    pub by_address: bool,
}

/// What one side allows.
struct Half {
    subject: End,
    peers: Peers,
    ports: PortSet,
    open: bool,
    /// The family that the connection has to be over, where pods are let through by their addresses.
    over: Option<Family>,
}

/// What is allowed to some peers.
struct Grant {
    region: Region,
    /// Where the region is pods in an address block: those with such an address of this family.
    over: Option<Family>,
    /// Whether it matches them for sure.
    is_sure: bool,
}

/// The pods of a namespace in one direction.
struct SideRules {
    isolated: Vec<Selector>,
    grants: Vec<Grant>,
    index: RegionIndex,
}

impl SideRules {
    /// The grants of a side, and what those of addresses come to for pods.
    fn new(side: Side, direction: Direction, facts: &Facts, located: &Located) -> Self {
        let mut grants = Vec::with_capacity(side.granted.len());
        for region in side.granted {
            let Peers::Addresses(block) = &region.peers else {
                grants.push(Grant { region, over: None, is_sure: true });
                continue;
            };
            for (family, pods) in located.inside(block) {
                let ports = match direction {
                    // Pods that are let through as addresses have no named ports, as addresses have none.
                    Direction::Egress => region.ports.without_names(),
                    Direction::Ingress => region.ports.clone(),
                };
                let peers = Peers::Pods { namespaces: Selector::everything(), pods: pods.clone() };
                let region = Region { subject: region.subject.clone(), peers, ports };
                grants.push(Grant { region, over: Some(*family), is_sure: facts.matches().pods == Truth::Yes });
            }
            let MatchedAddresses { sure, perhaps } = facts.matched(block);
            for (addresses, is_sure) in [(sure, true), (perhaps, false)] {
                if !addresses.is_empty() {
                    let region = Region { peers: Peers::Addresses(addresses), ..region.clone() };
                    grants.push(Grant { region, over: None, is_sure });
                }
            }
        }
        let all = grants.iter().enumerate();
        let index = RegionIndex::new(all.map(|(at, one)| (at, &one.region.subject, &one.region.peers)));
        SideRules { isolated: side.isolated, grants, index }
    }
}

/// How sure a grant has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// For sure.
    Sure,
    /// Perhaps.
    Possible,
}

/// A flow set, ready to be asked.
pub(super) struct Connections<'a> {
    set: &'a FlowSet,
    facts: &'a Facts,
    located: Located,
    /// The sides of each managed namespace, in the order of [`Direction::ALL`].
    rules: Vec<[SideRules; 2]>,
    homes: KnownNamespaces<'a>,
}

impl<'a> Connections<'a> {
    /// Prepares a flow set in a cluster of these facts, with `given` namespaces that have the labels that they have.
    pub(super) fn new(set: &'a FlowSet, facts: &'a Facts, given: &[Namespace]) -> Self {
        let mut grants = Grants::of_program(set);
        let homes = 0..set.namespaces.len();
        let all = homes.clone().flat_map(|home| Direction::ALL.map(|way| grants.get(home, way)));
        let blocks = all.flat_map(|side| &side.granted).filter_map(|region| match &region.peers {
            Peers::Addresses(block) => Some(block),
            Peers::Any | Peers::Pods { .. } => None,
        });
        let located = Located::new(facts, blocks);
        let rules = homes.map(|home| {
            Direction::ALL.map(|way| {
                let side = std::mem::take(grants.get_mut(home, way));
                SideRules::new(side, way, facts, &located)
            })
        });
        let (rules, homes) = (rules.collect(), KnownNamespaces::new(set, given));
        Connections { set, facts, located, rules, homes }
    }

    fn rules(&self, home: usize, direction: Direction) -> Option<&SideRules> {
        let [ingress, egress] = self.rules.get(home)?;
        Some(match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        })
    }

    /// What the side of `subject` allows towards `peers`.
    fn halves(&self, direction: Direction, subject: &End, peers: &Peers) -> Vec<Half> {
        let everything = PortSet::everything();
        let open =
            |subject: End| Half { subject, peers: Peers::Any, ports: everything.clone(), open: true, over: None };
        let End::Pods(pods) = subject else { return vec![open(subject.clone())] };
        let Some(side) = pods.home.and_then(|home| self.rules(home, direction)) else {
            return vec![open(subject.clone())];
        };
        let mut halves = Vec::new();
        if !side.isolated.iter().any(|selector| selector.contains(&pods.labels)) {
            let mut rest = pods.clone();
            rest.less.extend(side.isolated.iter().map(|selector| (Selector::everything(), selector.clone())));
            halves.push(open(End::Pods(rest)));
        }
        let near = side.index.query(&pods.labels, peers);
        for Grant { region, over, .. } in near.into_iter().filter_map(|at| side.grants.get(at)) {
            let labels = pods.labels.and(&region.subject);
            if labels.contradiction().is_none() {
                let subject = End::Pods(SearchedPods { labels, ..pods.clone() });
                let (peers, ports) = (region.peers.clone(), region.ports.clone());
                halves.push(Half { subject, peers, ports, open: false, over: *over });
            }
        }
        halves
    }

    /// Gives all connections that are allowed from `source` to `destination` on `ports`, until `visit` says to stop.
    pub(super) fn links(
        &self,
        source: &End,
        destination: &End,
        ports: &PortSet,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Connection) -> bool,
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
        visit: &mut dyn FnMut(Connection) -> bool,
    ) -> Result<bool, GaveUp> {
        budget.spend(1)?;
        let to_address = matches!(destination, End::Addresses(_));
        let Some(target) = self.among(destination, &out.peers) else { return Ok(false) };
        if example([ports, &out.ports, &out.ports], to_address).is_none() {
            return Ok(false);
        }
        for into in self.halves(Direction::Ingress, &target, &self.around(&out.subject)) {
            budget.spend(1)?;
            if out.over.zip(into.over).is_some_and(|(one, other)| one != other) {
                continue;
            }
            let Some(source) = self.among(&out.subject, &into.peers) else { continue };
            let Some((source, destination)) = together(source, into.subject) else { continue };
            let Some(port) = example([ports, &out.ports, &into.ports], to_address) else { continue };
            if self.piece(&source, budget)?.is_none() || self.piece(&destination, budget)?.is_none() {
                continue;
            }
            let (open_source, open_destination) = (out.open, into.open);
            let by_address = out.over.is_some() || into.over.is_some();
            if visit(Connection { source, destination, port, open_source, open_destination, by_address }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The pods that may be reached from one of `source` in one step.
    pub(super) fn next(&self, source: &End, budget: &mut Budget) -> Result<Vec<Connection>, GaveUp> {
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

/// A port that is in all of the sets. A named port can be any number, unless the destination is an address.
pub(super) fn example(sets: [&PortSet; 3], to_address: bool) -> Option<ExamplePort> {
    for protocol in Protocol::ALL {
        let numbers = sets.iter().fold(every_number(protocol), |left, set| left.intersect(set));
        if let Some(&(number, _)) = numbers.ranges(protocol).first() {
            return Some(ExamplePort::Number(protocol, number));
        }
        if to_address {
            continue;
        }
        let named: Vec<&Arc<str>> = sets.iter().filter_map(|set| set.names(protocol).next()).collect();
        let plain = sets.iter().filter(|set| set.names(protocol).next().is_none());
        let numbers = plain.fold(every_number(protocol), |left, set| left.intersect(set));
        if let (Some(name), Some(_)) = (named.first(), numbers.ranges(protocol).first()) {
            return Some(ExamplePort::Named(protocol, (*name).clone()));
        }
    }
    sets.iter().all(|set| set.has_others()).then_some(ExamplePort::Other)
}
