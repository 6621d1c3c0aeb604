//! What is isolated and what is granted on each side of a connection.

use crate::flow::{FlowSet, Isolation, ManagedNamespace, Namespaces, PartyId, Place};
use crate::net::{AddressSet, Direction, Peers, PortSet, Region, Selector, Truth, namespace_by_name};
use crate::table::Table;
use smallvec::{SmallVec, smallvec};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// The pods of a namespace in one direction.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// Those that are isolated.
    pub isolated: Vec<Selector>,
    /// What is granted; it also says something of pods that are not isolated, and is then without effect.
    pub granted: Vec<Region>,
}

/// What is isolated and granted in each managed namespace, whoever enforces it: the sides of each, in the order of
/// [`Direction::ALL`]. A flow set defines them, and the files of a target have to come to the same.
#[derive(Debug, Clone, Default)]
pub struct Grants(Table<usize, [Side; 2]>);

impl Grants {
    /// Nothing isolated and nothing granted, for so many namespaces.
    pub fn new(namespaces: usize) -> Self {
        Grants(vec![<[Side; 2]>::default(); namespaces].into())
    }

    /// One side.
    pub fn get(&self, namespace: usize, direction: Direction) -> &Side {
        let [ingress, egress] = &self.0[namespace];
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Both sides, in the order of [`Direction::ALL`].
    pub fn both(&self, namespace: usize) -> &[Side; 2] {
        &self.0[namespace]
    }

    /// One side, to add to.
    pub fn get_mut(&mut self, namespace: usize, direction: Direction) -> &mut Side {
        let [ingress, egress] = &mut self.0[namespace];
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Adds what is isolated and granted there, too, in the same namespaces.
    pub fn append(&mut self, others: Grants) {
        for (sides, more) in self.0.iter_mut().zip(others.0) {
            for (side, more) in sides.iter_mut().zip(more) {
                side.isolated.extend(more.isolated);
                side.granted.extend(more.granted);
            }
        }
    }

    /// What the flow set defines (sections 6 and 7 of the language).
    pub fn of_program(set: &FlowSet) -> Grants {
        let mut program = Program { set, grants: Grants::new(set.namespaces.len()) };
        program.isolation();
        program.flows();
        program.dns();
        program.grants
    }
}

struct Program<'a> {
    set: &'a FlowSet,
    grants: Grants,
}

impl Program<'_> {
    fn isolation(&mut self) {
        let set = self.set;
        for (index, namespace) in set.namespaces.iter().enumerate() {
            for (direction, isolation) in
                [(Direction::Ingress, &namespace.ingress), (Direction::Egress, &namespace.egress)]
            {
                let side = self.grants.get_mut(index, direction);
                match isolation {
                    Isolation::Every => side.isolated.push(Selector::everything()),
                    Isolation::Tiers(tiers) => {
                        let places = tiers.iter().filter_map(|tier| set.parties[*tier].place.as_ref());
                        side.isolated.extend(places.map(pods_of));
                    }
                }
            }
        }
    }

    /// Each flow covers the connections from its source to its targets, on both sides or on the one that it names.
    fn flows(&mut self) {
        let set = self.set;
        let mut pairs: Vec<(PartyId, PartyId, Option<Direction>, &PortSet)> = Vec::with_capacity(set.flows.len());
        for flow in &set.flows {
            for source in &set.parties[flow.source].leaves {
                pairs.extend(flow.targets.iter().map(|(target, ports)| (*source, *target, flow.side, ports)));
            }
        }
        pairs.sort_by_key(|(source, target, side, _)| (*source, *target, *side));
        // Each place as regions see it, once.
        let ends: Table<PartyId, Option<End<'_>>> =
            set.parties.iter().map(|party| Some(End::new(set, party.place.as_ref()?))).collect();
        for same in pairs.chunk_by(|one, other| (one.0, one.1, one.2) == (other.0, other.1, other.2)) {
            let [(source, target, only, _), ..] = same else { continue };
            let (Some(source), Some(target)) = (&ends[*source], &ends[*target]) else { continue };
            let ports = PortSet::union_of(same.iter().map(|(.., ports)| *ports));
            if *only != Some(Direction::Ingress) {
                self.grant(Direction::Egress, source, target, &ports);
            }
            if *only != Some(Direction::Egress) {
                self.grant(Direction::Ingress, target, source, &ports);
            }
        }
    }

    fn dns(&mut self) {
        let set = self.set;
        for (index, namespace) in set.namespaces.iter().enumerate() {
            let asking = Place::Pods { namespaces: Namespaces::Managed(index), pods: Selector::everything() };
            let asking = End::new(set, &asking);
            for server in &namespace.dns {
                self.grant(Direction::Egress, &asking, &End::new(set, &server.place), &server.ports);
                if let Some(pods) = &server.pods {
                    self.grant(Direction::Ingress, &End::new(set, &pods.place), &asking, &server.ports);
                }
            }
        }
    }

    fn grant(&mut self, direction: Direction, subject: &End<'_>, peer: &End<'_>, ports: &PortSet) {
        for home in managed(self.set, subject.place) {
            let side = self.grants.get_mut(home, direction);
            let regions = peer.peers.iter().map(|peers| Region {
                subject: subject.pods.clone(),
                peers: peers.clone(),
                ports: ports.clone(),
            });
            side.granted.extend(regions);
        }
    }
}

/// A place as one end of a connection.
struct End<'a> {
    place: &'a Place,
    /// As the pods that policies select.
    pods: Selector,
    /// As the peers of their rules.
    peers: Vec<Peers>,
}

impl<'a> End<'a> {
    fn new(set: &FlowSet, place: &'a Place) -> Self {
        End { place, pods: pods_of(place), peers: set.peers(place) }
    }
}

/// The managed namespaces that a place has pods in for sure.
fn managed(set: &FlowSet, place: &Place) -> SmallVec<[usize; 1]> {
    let all = 0..set.namespaces.len();
    match place {
        Place::Addresses(_) | Place::Unlisted(_) | Place::Pods { namespaces: Namespaces::Named(_), .. } => {
            SmallVec::new()
        }
        Place::Pods { namespaces: Namespaces::Managed(index), .. } => smallvec![*index],
        Place::Any | Place::Pods { namespaces: Namespaces::Every, .. } => all.collect(),
        Place::Pods { namespaces: Namespaces::Labelled(labels), .. } => {
            let is_one = |one: &ManagedNamespace| one.is_among(labels) == Truth::Yes;
            all.filter(|index| is_one(&set.namespaces[*index])).collect()
        }
    }
}

/// The labels of the pods of a place.
fn pods_of(place: &Place) -> Selector {
    match place {
        Place::Pods { pods, .. } => pods.clone(),
        Place::Any | Place::Addresses(_) | Place::Unlisted(_) => Selector::everything(),
    }
}

/// The pods and the addresses apart.
pub fn worlds(region: &Region) -> Vec<Region> {
    match &region.peers {
        Peers::Any => {
            let pods = Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
            let both = [pods, Peers::Addresses(AddressSet::everything())];
            both.into_iter().map(|peers| Region { peers, ..region.clone() }).collect()
        }
        Peers::Pods { .. } | Peers::Addresses(_) => vec![region.clone()],
    }
}

/// An example of an end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExampleEnd {
    /// A pod.
    Pod {
        /// The labels of its namespace.
        namespace: BTreeMap<String, String>,
        /// Its own.
        labels: BTreeMap<String, String>,
    },
    /// An address outside of the cluster.
    Address(IpAddr),
    /// A DNS name or an entity, in words.
    Unlisted(String),
}

impl ExampleEnd {
    /// A pod of the namespace of that name.
    pub fn pod(namespace: &std::sync::Arc<str>, labels: BTreeMap<String, String>) -> ExampleEnd {
        ExampleEnd::Pod { namespace: namespace_by_name(namespace).witness().unwrap_or_default(), labels }
    }

    /// One of the peers.
    pub fn of(peers: &Peers) -> Option<ExampleEnd> {
        match peers {
            Peers::Any => Some(ExampleEnd::Pod { namespace: BTreeMap::new(), labels: BTreeMap::new() }),
            Peers::Pods { namespaces, pods } => {
                Some(ExampleEnd::Pod { namespace: namespaces.witness()?, labels: pods.witness()? })
            }
            Peers::Addresses(addresses) => {
                let listed = addresses.first().map(ExampleEnd::Address);
                listed.or_else(|| Some(ExampleEnd::Unlisted(addresses.one_unlisted()?.unlisted_text())))
            }
        }
    }
}

impl fmt::Display for ExampleEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |labels: &BTreeMap<String, String>| {
            let pairs: BTreeSet<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            pairs.into_iter().collect::<Vec<_>>().join(", ")
        };
        match self {
            ExampleEnd::Address(address) => write!(f, "{address}"),
            ExampleEnd::Unlisted(words) => f.write_str(words),
            ExampleEnd::Pod { namespace, labels } => {
                match labels.is_empty() {
                    true => f.write_str("a pod without labels")?,
                    false => write!(f, "a pod with ({})", list(labels))?,
                }
                let mut others = namespace.clone();
                match (others.remove(crate::net::NAMESPACE_NAME), others.is_empty()) {
                    (Some(name), true) => write!(f, " in namespace `{name}`"),
                    (Some(name), false) => write!(f, " in namespace `{name}` with ({})", list(&others)),
                    (None, true) => f.write_str(" in another namespace"),
                    (None, false) => write!(f, " in a namespace with ({})", list(&others)),
                }
            }
        }
    }
}
