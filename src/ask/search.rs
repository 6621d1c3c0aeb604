//! Who may connect to whom: searches over every pod that could exist, without looking at single pods.
//!
//! Pods are sets: those of one namespace that is known by name, or of all others, less some. What labels a namespace has is
//! not known beside those that are stated or given; so a set may be empty in the cluster that there is, and what is found is
//! what may be. Whether an address block lets pods through is up to the
//! [`Facts`]: what may be counts for [`Connections::links`], and only what is sure for [`Connections::refused`].

use super::homes::{Home, Homes};
use super::located::Located;
use crate::cluster::Namespace;
use crate::cover::{Budget, GaveUp, missing};
use crate::flow::{FlowSet, Namespaces, Place};
use crate::net::{
    AddressSet, Direction, Facts, Family, IpBlock, NAMESPACE_NAME, Peers, PortSet, Protocol, Region, RegionIndex,
    Selector, Truth,
};
use crate::prove::Port;
use crate::prove::{Grants, Party, Side, worlds};
use crate::prove::{every_number, names};
use std::sync::Arc;

/// Pods: `labels` in `namespaces`, less those of `less`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pods {
    /// The namespace that is known by name; `None` for pods of all others.
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
}

/// The pods of a namespace in one direction.
struct Rules {
    isolated: Vec<Selector>,
    grants: Vec<Grant>,
    index: RegionIndex,
}

impl Rules {
    /// The grants of a side, and what those of addresses come to for pods.
    fn new(side: Side, direction: Direction, facts: &Facts, located: &Located) -> Self {
        let unmatched = facts.unmatched(Truth::Maybe);
        let mut grants = Vec::with_capacity(side.granted.len());
        for region in side.granted {
            let Peers::Addresses(block) = &region.peers else {
                grants.push(Grant { region, over: None });
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
                grants.push(Grant { region, over: Some(*family) });
            }
            let peers = Peers::Addresses(block.subtract(&unmatched));
            grants.push(Grant { region: Region { peers, ..region }, over: None });
        }
        let all = grants.iter().enumerate();
        let index = RegionIndex::new(all.map(|(at, one)| (at, &one.region.subject, &one.region.peers)));
        Rules { isolated: side.isolated, grants, index }
    }
}

/// How sure a grant has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// For sure.
    Sure,
    /// Perhaps.
    Possible,
}

/// A flow set, ready to be asked.
pub struct Connections<'a> {
    set: &'a FlowSet,
    facts: &'a Facts,
    located: Located,
    /// The sides of each managed namespace, in the order of [`Direction::ALL`].
    rules: Vec<[Rules; 2]>,
    homes: Homes<'a>,
    /// Addresses of what is no pod that blocks may or may not match.
    unsure: AddressSet,
}

impl<'a> Connections<'a> {
    /// Prepares a flow set in a cluster of these facts, with `given` namespaces that have the labels that they have.
    pub fn new(set: &'a FlowSet, facts: &'a Facts, given: &[Namespace]) -> Self {
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
                Rules::new(side, way, facts, &located)
            })
        });
        let (rules, homes) = (rules.collect(), Homes::new(set, given));
        Connections { set, facts, located, rules, homes, unsure: facts.unmatched(Truth::Yes) }
    }

    fn rules(&self, home: usize, direction: Direction) -> Option<&Rules> {
        let [ingress, egress] = self.rules.get(home)?;
        Some(match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        })
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
                let namespaces = self.homes.all[*home].labels.clone();
                let (labels, less) = (self.located.pods(pods), Vec::new());
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
        let labels = &self.located.pods(labels);
        let homes: Vec<usize> = match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) => names.iter().filter_map(|name| self.homes.by_name.get(name).copied()).collect(),
            None => (0..self.homes.all.len()).collect(),
        };
        let at_home = |home: usize| {
            let namespaces = self.homes.all[home].labels.and(namespaces);
            let possible = namespaces.contradiction().is_none();
            possible.then(|| Pods { home: Some(home), namespaces, labels: labels.clone(), less: Vec::new() })
        };
        // Namespaces of which nothing is known say more as an example than one that is only mentioned.
        let (managed, named): (Vec<usize>, Vec<usize>) =
            homes.into_iter().partition(|home| self.homes.all[*home].managed.is_some());
        let mut all: Vec<Pods> = managed.into_iter().filter_map(at_home).collect();
        let elsewhere = namespaces.and(&self.homes.others);
        if elsewhere.contradiction().is_none() && labels.contradiction().is_none() {
            all.push(Pods { home: None, namespaces: elsewhere, labels: labels.clone(), less: Vec::new() });
        }
        all.extend(named.into_iter().filter_map(at_home));
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
            // What an address block lets through of pods is a grant of its own.
            (End::Pods(_), Peers::Addresses(_)) | (End::Addresses(_), Peers::Pods { .. }) => None,
        }
    }

    /// Those of an end that are in another one too, less those that the first one leaves out.
    pub fn both(&self, end: &End, other: &End) -> Option<End> {
        self.among(end, &self.around(other))
    }

    /// Whether some of an end are at a place, or may be by their addresses.
    pub fn meets(&self, end: &End, place: &Place, budget: &mut Budget) -> Result<bool, GaveUp> {
        let parts: Vec<End> = match (end, place) {
            (End::Pods(pods), Place::Addresses(blocks)) => {
                let blocks = blocks.iter().map(IpBlock::addresses);
                let inside = |block: AddressSet| {
                    let of_family =
                        |(_, there): &(Family, Selector)| Pods { labels: pods.labels.and(there), ..pods.clone() };
                    self.located.inside(&block).iter().map(of_family).map(End::Pods).collect::<Vec<_>>()
                };
                blocks.flat_map(inside).collect()
            }
            _ => self.ends(place).iter().filter_map(|other| self.both(end, other)).collect(),
        };
        for part in parts {
            budget.spend(1)?;
            if self.piece(&part, budget)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
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
        for Grant { region, over } in near.into_iter().filter_map(|at| side.grants.get(at)) {
            let labels = pods.labels.and(&region.subject);
            if labels.contradiction().is_none() {
                let subject = End::Pods(Pods { labels, ..pods.clone() });
                let (peers, ports) = (region.peers.clone(), region.ports.clone());
                halves.push(Half { subject, peers, ports, open: false, over: *over });
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
            if visit(Link { source, destination, port, open_source, open_destination, by_address }) {
                return Ok(true);
            }
        }
        Ok(false)
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
        let (End::Pods(pods), Party::Pod { mut namespace, mut labels }) = (end, party.clone()) else {
            return Ok(Some(party));
        };
        Located::forget(&mut labels);
        if let Some(home) = pods.home {
            return Ok(Some(Party::pod(&self.homes.all[home].name, labels)));
        }
        let Peers::Pods { namespaces, .. } = &piece else { return Ok(None) };
        if namespaces.required_value(NAMESPACE_NAME).is_none() {
            namespace.remove(NAMESPACE_NAME);
        }
        Ok(Some(Party::Pod { namespace, labels }))
    }

    /// Labels that the namespace of an end would have to have, where nobody said them, for some of it to be there.
    pub fn unstated(&self, end: &End, budget: &mut Budget) -> Result<Option<(&Home<'a>, Selector)>, GaveUp> {
        let End::Pods(Pods { home: Some(home), .. }) = end else { return Ok(None) };
        let home = &self.homes.all[*home];
        let Some(Peers::Pods { namespaces, .. }) = self.piece(end, budget)? else { return Ok(None) };
        let mut labels = Selector::everything();
        for (key, values) in namespaces.entries().filter(|(key, _)| home.labels.values(key).is_anything()) {
            labels.require(key.clone(), values.clone());
        }
        Ok((!labels.is_everything()).then_some((home, labels)))
    }

    /// Those of an end that are there whatever labels their namespace has beside those that are known.
    pub fn settled(&self, end: &End, budget: &mut Budget) -> Result<Option<End>, GaveUp> {
        let End::Pods(Pods { home: Some(home), namespaces, labels, less }) = end else { return Ok(Some(end.clone())) };
        let known = &self.homes.all[*home].labels;
        if !namespaces.contains(known) {
            return Ok(None);
        }
        let may_be_out = less.iter().filter(|(namespaces, _)| namespaces.overlaps(known));
        let less = may_be_out.map(|(_, labels)| (Selector::everything(), labels.clone())).collect();
        let (home, namespaces, labels) = (Some(*home), known.clone(), labels.clone());
        let settled = End::Pods(Pods { home, namespaces, labels, less });
        Ok(self.piece(&settled, budget)?.map(|_| settled))
    }

    /// A pair on a port of `ports` that may not connect, or not for sure, and on which side that fails.
    pub fn refused(
        &self,
        source: &End,
        destination: &End,
        ports: &PortSet,
        count: Count,
        budget: &mut Budget,
    ) -> Result<Option<Refused>, GaveUp> {
        let addresses = [source, destination].map(|end| matches!(end, End::Addresses(_)));
        if addresses == [true, true] || self.piece(source, budget)?.is_none() {
            return Ok(None);
        }
        // Pods of one family are refused where those of both are, and more.
        for over in self.families() {
            for (direction, subject, peer) in
                [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
            {
                let End::Pods(pods) = subject else { continue };
                let Some(side) = pods.home.and_then(|home| self.rules(home, direction)) else { continue };
                for isolated in &side.isolated {
                    let subject = Pods { labels: pods.labels.and(isolated), ..pods.clone() };
                    let asked = Asked { direction, subject: &subject, peer, ports, count, over };
                    if let Some((subject, peer, port)) = self.ungranted(&asked, side, budget)? {
                        return Ok(Some(match direction {
                            Direction::Egress => (subject, peer, port, direction),
                            Direction::Ingress => (peer, subject, port, direction),
                        }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The families that connections are looked at over, each by itself; one look is enough where addresses do not matter.
    fn families(&self) -> Vec<Option<Family>> {
        match self.located.families() {
            [] => vec![None],
            families => families.iter().copied().map(Some).collect(),
        }
    }

    /// A part of what `subject` and `peer` might do that no grant of the side covers.
    fn ungranted(
        &self,
        asked: &Asked<'_>,
        side: &Rules,
        budget: &mut Budget,
    ) -> Result<Option<(End, End, Port)>, GaveUp> {
        let Asked { direction, subject, peer, ports, .. } = *asked;
        let to_address = direction == Direction::Egress && matches!(peer, End::Addresses(_));
        let peers = match peer {
            End::Addresses(all) => Peers::Addresses(all.clone()),
            End::Pods(pods) if pods.home == subject.home => {
                Peers::Pods { namespaces: pods.namespaces.and(&subject.namespaces), pods: pods.labels.clone() }
            }
            End::Pods(pods) => Peers::Pods { namespaces: pods.namespaces.clone(), pods: pods.labels.clone() },
        };
        let whole = Region { subject: subject.labels.clone(), peers, ports: PortSet::empty() };
        let near: Vec<Region> = side.grants.iter().filter_map(|grant| self.seen(grant, asked)).collect();
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
            let subject = self.some_less(Pods { labels: found.subject, ..subject.clone() }, budget)?;
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

    /// Pods without those that are left out where the namespace has some labels, if any remain.
    fn some_less(&self, pods: Pods, budget: &mut Budget) -> Result<End, GaveUp> {
        let all = Pods { less: Vec::new(), ..pods.clone() };
        let some = End::Pods(pods);
        Ok(if self.piece(&some, budget)?.is_some() { some } else { End::Pods(all) })
    }

    /// The part of a grant that is about an end of this kind, if it counts.
    fn seen(&self, grant: &Grant, asked: &Asked<'_>) -> Option<Region> {
        let counts = match grant.over {
            None => true,
            over => over == asked.over && (asked.count == Count::Possible || self.facts.matches().pods == Truth::Yes),
        };
        let mut part = worlds(&grant.region).into_iter().filter(|_| counts).find(|part| {
            matches!(
                (&part.peers, asked.peer),
                (Peers::Pods { .. }, End::Pods(_)) | (Peers::Addresses(_), End::Addresses(_))
            )
        })?;
        if let Peers::Addresses(block) = &mut part.peers
            && asked.count == Count::Sure
            && grant.region.peers != Peers::Any
        {
            *block = block.subtract(&self.unsure);
        }
        Some(part)
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

/// Two ends of which the first may not connect to the second, or not for sure, on a port, for the side of this direction.
pub type Refused = (End, End, Port, Direction);

/// What one side is asked for.
struct Asked<'q> {
    direction: Direction,
    subject: &'q Pods,
    peer: &'q End,
    ports: &'q PortSet,
    count: Count,
    /// The family that the connection is over, where that matters.
    over: Option<Family>,
}

/// Ports as pods see them that give a port no name, or this one.
struct View {
    name: Option<(Protocol, Arc<str>)>,
}

impl View {
    fn of(&self, ports: &PortSet) -> PortSet {
        match &self.name {
            Some((protocol, name)) if ports.has_name(*protocol, name) => every_number(*protocol),
            Some((protocol, _)) => crate::prove::numbers(ports).intersect(&every_number(*protocol)),
            None => crate::prove::numbers(ports),
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
