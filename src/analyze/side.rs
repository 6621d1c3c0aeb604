//! What is isolated and what is granted on each side of a connection.

use crate::flow::{FlowSet, Isolation, Namespaces, PartyId, Place, namespace_by_name};
use crate::net::{AddressSet, Peers, PortSet, Region, Selector};
use crate::policy::Direction;
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

/// The sides of each managed namespace, in the order of [`Direction::ALL`].
#[derive(Debug, Clone, Default)]
pub struct Sides(Vec<[Side; 2]>);

impl Sides {
    /// Nothing isolated and nothing granted, for so many namespaces.
    pub fn new(namespaces: usize) -> Self {
        Sides(vec![<[Side; 2]>::default(); namespaces])
    }

    /// One side.
    pub fn get(&self, namespace: usize, direction: Direction) -> Option<&Side> {
        let [ingress, egress] = self.0.get(namespace)?;
        Some(match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        })
    }

    /// One side, to add to.
    pub fn get_mut(&mut self, namespace: usize, direction: Direction) -> Option<&mut Side> {
        let [ingress, egress] = self.0.get_mut(namespace)?;
        Some(match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        })
    }

    /// The sides as the flow set defines them.
    pub fn of_program(set: &FlowSet) -> Sides {
        let mut program = Program { set, sides: Sides::new(set.namespaces.len()) };
        program.isolation();
        program.flows();
        program.dns();
        program.sides
    }
}

struct Program<'a> {
    set: &'a FlowSet,
    sides: Sides,
}

impl Program<'_> {
    fn isolation(&mut self) {
        let set = self.set;
        for (index, namespace) in set.namespaces.iter().enumerate() {
            for (direction, isolation) in
                [(Direction::Ingress, &namespace.ingress), (Direction::Egress, &namespace.egress)]
            {
                let Some(side) = self.sides.get_mut(index, direction) else { continue };
                match isolation {
                    Isolation::Every => side.isolated.push(Selector::everything()),
                    Isolation::Tiers(tiers) => {
                        let places = tiers.iter().filter_map(|tier| set.party(*tier)?.place.as_ref());
                        side.isolated.extend(places.map(pods_of));
                    }
                }
            }
        }
    }

    /// Each flow covers the connections from its source to its targets, on both sides.
    fn flows(&mut self) {
        let set = self.set;
        let mut pairs: BTreeMap<(PartyId, PartyId), PortSet> = BTreeMap::new();
        for flow in &set.flows {
            for source in set.party(flow.source).map(|party| party.leaves.as_slice()).unwrap_or_default() {
                for (target, ports) in &flow.targets {
                    pairs.entry((*source, *target)).or_default().insert(ports);
                }
            }
        }
        let place = |id: PartyId| set.party(id).and_then(|party| party.place.as_ref());
        for ((source, target), ports) in pairs {
            let (Some(source), Some(target)) = (place(source), place(target)) else { continue };
            self.grant(Direction::Egress, source, target, &ports);
            self.grant(Direction::Ingress, target, source, &ports);
        }
    }

    fn dns(&mut self) {
        let set = self.set;
        for (index, namespace) in set.namespaces.iter().enumerate() {
            if self.sides.get(index, Direction::Egress).is_none_or(|side| side.isolated.is_empty()) {
                continue;
            }
            let asking = Place::Pods { namespaces: Namespaces::Managed(index), pods: Selector::everything() };
            for server in &namespace.dns {
                self.grant(Direction::Egress, &asking, &server.place, &server.ports);
                if let Some(pods) = &server.pods {
                    self.grant(Direction::Ingress, &pods.place, &asking, &server.ports);
                }
            }
        }
    }

    fn grant(&mut self, direction: Direction, subject: &Place, peer: &Place, ports: &PortSet) {
        let homes = managed(self.set, subject);
        if homes.is_empty() {
            return;
        }
        let subject = pods_of(subject);
        let peers = self.set.peers(peer);
        for home in homes {
            let Some(side) = self.sides.get_mut(home, direction) else { continue };
            let regions = peers.iter().map(|peers| Region {
                subject: subject.clone(),
                peers: peers.clone(),
                ports: ports.clone(),
            });
            side.granted.extend(regions);
        }
    }
}

/// The managed namespaces that a place has pods in.
fn managed(set: &FlowSet, place: &Place) -> Vec<usize> {
    let all = 0..set.namespaces.len();
    match place {
        Place::Addresses(_) | Place::Pods { namespaces: Namespaces::Named(_), .. } => Vec::new(),
        Place::Pods { namespaces: Namespaces::Managed(index), .. } => vec![*index],
        Place::Any | Place::Pods { namespaces: Namespaces::Every, .. } => all.collect(),
        Place::Pods { namespaces: Namespaces::Labelled(labels), .. } => {
            all.filter(|index| set.namespaces.get(*index).is_some_and(|namespace| namespace.matches(labels))).collect()
        }
    }
}

/// The labels of the pods of a place.
fn pods_of(place: &Place) -> Selector {
    match place {
        Place::Pods { pods, .. } => pods.clone(),
        Place::Any | Place::Addresses(_) => Selector::everything(),
    }
}

/// The pods and the addresses apart.
pub fn worlds(region: &Region) -> Vec<Region> {
    match &region.peers {
        Peers::Any => {
            let pods = Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
            let both = [pods, Peers::Addresses(AddressSet::all())];
            both.into_iter().map(|peers| Region { peers, ..region.clone() }).collect()
        }
        Peers::Pods { .. } | Peers::Addresses(_) => vec![region.clone()],
    }
}

/// An example of an end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// A pod.
    Pod {
        /// The labels of its namespace.
        namespace: BTreeMap<String, String>,
        /// Its own.
        labels: BTreeMap<String, String>,
    },
    /// An address outside of the cluster.
    Address(IpAddr),
}

impl Party {
    /// A pod of the namespace of that name.
    pub fn pod(namespace: &std::sync::Arc<str>, labels: BTreeMap<String, String>) -> Party {
        Party::Pod { namespace: namespace_by_name(namespace).witness().unwrap_or_default(), labels }
    }

    /// One of the peers.
    pub fn of(peers: &Peers) -> Option<Party> {
        match peers {
            Peers::Any => Some(Party::Pod { namespace: BTreeMap::new(), labels: BTreeMap::new() }),
            Peers::Pods { namespaces, pods } => {
                Some(Party::Pod { namespace: namespaces.witness()?, labels: pods.witness()? })
            }
            Peers::Addresses(addresses) => addresses.first().map(Party::Address),
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |labels: &BTreeMap<String, String>| {
            let pairs: BTreeSet<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            pairs.into_iter().collect::<Vec<_>>().join(", ")
        };
        match self {
            Party::Address(address) => write!(f, "{address}"),
            Party::Pod { namespace, labels } => {
                match labels.is_empty() {
                    true => f.write_str("a pod without labels")?,
                    false => write!(f, "a pod with ({})", list(labels))?,
                }
                let mut others = namespace.clone();
                match (others.remove(crate::flow::NAMESPACE_NAME), others.is_empty()) {
                    (Some(name), true) => write!(f, " in namespace `{name}`"),
                    (Some(name), false) => write!(f, " in namespace `{name}` with ({})", list(&others)),
                    (None, true) => f.write_str(" in another namespace"),
                    (None, false) => write!(f, " in a namespace with ({})", list(&others)),
                }
            }
        }
    }
}
