//! The ports of rules, with names as each destination resolves them.

use super::world::{End, EndId, NamedPorts, World};
use crate::net::{PortSet, Protocol};
use crate::netpol::{Port, PortTarget};
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
        self.seen(list, self.way_of(destination))
    }

    /// The ports of a list at destinations that resolve names in one way.
    pub(super) fn seen(&self, list: usize, way: usize) -> &PortSet {
        const NONE: &PortSet = &PortSet::EMPTY;
        match self.lists.get(list).map_or(&[][..], Vec::as_slice) {
            [one] => one,
            sets => sets.get(way).unwrap_or(NONE),
        }
    }

    /// The way in which an end resolves names.
    pub(super) fn way_of(&self, end: EndId) -> usize {
        self.way_of.get(end.index()).copied().unwrap_or_default()
    }

    /// Whether destinations can differ in what a list means.
    pub(super) fn has_names(&self, list: usize) -> bool {
        self.lists.get(list).is_some_and(|sets| sets.len() > 1)
    }
}

/// Ports whose names nobody resolves.
pub(super) fn as_written(ports: &[Port]) -> PortSet {
    resolve(ports, &Way::AsWritten)
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

/// The names on one side whose number the other side may have, as such or by another name: whether they meet depends on
/// the pod.
pub fn of_unknown_number(one: &PortSet, other: &PortSet) -> PortSet {
    let mut possible = PortSet::empty();
    for (named, others) in [(one, other), (other, one)] {
        for protocol in Protocol::ALL {
            if others.ranges(protocol).is_empty() && others.names(protocol).next().is_none() {
                continue;
            }
            for name in named.names(protocol).filter(|name| !others.has_name(protocol, name)) {
                possible.insert(&PortSet::named(protocol, name.clone()));
            }
        }
    }
    possible
}

/// Of ports that are asked for and not open as they are, those that may be open as what a name stands for, or whose name
/// may stand for something open. Only when `together` all numbers must be open at once: a pod mostly gives one number to a
/// name, so that more numbers than names are not.
pub fn by_name(open: &PortSet, asked: &PortSet, together: bool) -> PortSet {
    let missing = asked.subtract(open);
    let mut possible = PortSet::empty();
    for protocol in Protocol::ALL {
        if missing.has_unlisted_names(protocol) || open.has_unlisted_names(protocol) {
            continue;
        }
        let ranges = missing.ranges(protocol);
        let numbers: usize = ranges.iter().map(|(low, high)| usize::from(high - low) + 1).sum();
        let names = open.names(protocol).count();
        if names > 0 && (!together || numbers <= names) {
            ranges.iter().for_each(|(low, high)| possible.insert(&PortSet::range(protocol, *low, *high)));
        }
        if !open.ranges(protocol).is_empty() || open.names(protocol).next().is_some() {
            missing.names(protocol).for_each(|name| possible.insert(&PortSet::named(protocol, name.clone())));
        }
    }
    possible
}
