//! The ports of rules, with names as each destination resolves them.

use super::super::world::{End, EndId, NamedPorts, World};
use crate::net::{PortSet, Protocol};
use crate::policy::{Port, PortTarget};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Lists of ports, those that are equal once, each as every destination sees it.
#[derive(Debug)]
pub(super) struct PortTable {
    /// For each list, one set for every way of resolving names; only the first when it has no names.
    lists: Vec<Vec<PortSet>>,
    known: FxHashMap<Vec<Port>, usize>,
    /// The ways of resolving names.
    ways: Vec<Way>,
    /// The way of each end.
    way_of: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Addresses have no names.
    NoNames,
    /// A name stays a name.
    AsWritten,
    /// The names that a pod has.
    Known(NamedPorts),
}

impl PortTable {
    pub(super) fn new(world: &World) -> Self {
        let mut ways: BTreeMap<Way, usize> = BTreeMap::new();
        let mut way_of = Vec::with_capacity(world.ends.len());
        for end in &world.ends {
            let way = match end {
                End::Addresses { .. } => Way::NoNames,
                End::Pods(pods) => pods.ports.clone().map_or(Way::AsWritten, Way::Known),
            };
            let next = ways.len();
            way_of.push(*ways.entry(way).or_insert(next));
        }
        let mut ways: Vec<(usize, Way)> = ways.into_iter().map(|(way, index)| (index, way)).collect();
        ways.sort_unstable();
        let ways = ways.into_iter().map(|(_, way)| way).collect();
        PortTable { lists: Vec::new(), known: FxHashMap::default(), ways, way_of }
    }

    /// The index of a list of ports.
    pub(super) fn insert(&mut self, ports: &[Port]) -> usize {
        if let Some(index) = self.known.get(ports) {
            return *index;
        }
        let named = ports.iter().any(|port| matches!(port.target, PortTarget::Named(_)));
        let ways = self.ways.iter().take(if named { self.ways.len() } else { 1 });
        self.lists.push(ways.map(|way| resolve(ports, way)).collect());
        let index = self.lists.len() - 1;
        self.known.insert(ports.to_vec(), index);
        index
    }

    /// The ports of a list at a destination.
    pub(super) fn of(&self, list: usize, destination: EndId) -> &PortSet {
        const NONE: &PortSet = &PortSet::EMPTY;
        let Some(sets) = self.lists.get(list) else { return NONE };
        match sets.as_slice() {
            [one] => one,
            sets => self.way_of.get(destination.index()).and_then(|way| sets.get(*way)).unwrap_or(NONE),
        }
    }

    /// Whether destinations can differ in what a list means.
    pub(super) fn has_names(&self, list: usize) -> bool {
        self.lists.get(list).is_some_and(|sets| sets.len() > 1)
    }
}

fn resolve(ports: &[Port], way: &Way) -> PortSet {
    if ports.is_empty() {
        return PortSet::everything();
    }
    let mut set = PortSet::empty();
    for port in ports {
        let protocol = port.protocol;
        match (&port.target, way) {
            (PortTarget::Every, _) => set.insert(&PortSet::whole(protocol)),
            (PortTarget::Number(number), _) => set.insert(&PortSet::number(protocol, *number)),
            (PortTarget::Range(low, high), _) => set.insert(&PortSet::range(protocol, *low, *high)),
            (PortTarget::Named(_), Way::NoNames) => {}
            (PortTarget::Named(name), Way::AsWritten) => set.insert(&PortSet::named(protocol, name.clone())),
            (PortTarget::Named(name), Way::Known(known)) => {
                for number in known.get(&(protocol, name.clone())).into_iter().flatten() {
                    set.insert(&PortSet::number(protocol, *number));
                }
            }
        }
    }
    set
}

/// The names on one side whose number the other side may have: whether they meet depends on the pod.
pub(super) fn of_unknown_number(one: &PortSet, other: &PortSet) -> PortSet {
    let mut possible = PortSet::empty();
    for (named, numbered) in [(one, other), (other, one)] {
        for protocol in Protocol::ALL {
            if numbered.ranges(protocol).is_empty() {
                continue;
            }
            for name in named.names(protocol).filter(|name| !numbered.has_name(protocol, name)) {
                possible.insert(&PortSet::named(protocol, name.clone()));
            }
        }
    }
    possible
}
