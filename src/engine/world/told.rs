//! What some pods are told apart by from all others, beside what policies look at.

use super::{EndId, World};
use crate::cluster::{NodeAt, Pods, SeenPod, Workload};
use crate::net::{AddressSet, Truth};
use std::net::IpAddr;
use std::sync::Arc;

/// Something that is said of some pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// That their workload goes by a name.
    Called(String),
    /// That they have one of these addresses.
    At(AddressSet),
    /// That this is their own namespace and name.
    Pod(Arc<str>, Arc<str>),
    /// That they run on a node, of which these addresses are asked about.
    On(NodeAt),
}

/// Pods of one workload that are alike, or one that was given itself.
pub(super) struct Unit<'p> {
    seen: Option<&'p SeenPod>,
    /// The addresses of it, where they are known.
    pub addresses: &'p [IpAddr],
    /// How many they are.
    pub count: u64,
}

/// Pods one by one as far as they were given so, and the rest of them.
pub(super) fn units(pods: &Pods) -> impl Iterator<Item = Unit<'_>> {
    let seen = pods.seen.iter().map(|seen| Unit { seen: Some(seen), addresses: &seen.addresses, count: 1 });
    // Where only addresses are known.
    let addresses = pods.addresses.iter().filter(|_| pods.seen.is_empty());
    let addressed = addresses.map(|addresses| Unit { seen: None, addresses, count: 1 });
    let known = if pods.seen.is_empty() { pods.addresses.len() } else { pods.seen.len() };
    let rest = pods.count.saturating_sub(u64::try_from(known).unwrap_or(u64::MAX));
    let rest = (rest > 0).then_some(Unit { seen: None, addresses: &[], count: rest });
    rest.into_iter().chain(seen).chain(addressed)
}

impl Told {
    /// Whether it can be so of one pod and not of another one of the same workload that is alike.
    pub(super) fn is_of_single_pods(&self) -> bool {
        !matches!(self, Told::Called(_))
    }

    /// The addresses of the node that it is about.
    pub(super) fn node(&self) -> Option<&AddressSet> {
        match self {
            Told::On(node) => Some(&node.addresses),
            Told::Called(_) | Told::At(_) | Told::Pod(..) => None,
        }
    }

    /// What of all that is told is so of pods of a workload, or may be, by its place.
    pub(super) fn of(all: &[Told], owner: &Workload, unit: Option<&Unit<'_>>) -> Vec<(usize, Truth)> {
        let truths = all.iter().map(|one| one.truth(owner, unit)).enumerate();
        truths.filter(|(_, truth)| truth.is_possible()).collect()
    }

    fn truth(&self, owner: &Workload, unit: Option<&Unit<'_>>) -> Truth {
        let seen = unit.and_then(|unit| unit.seen);
        match self {
            Told::Called(name) => owner.is_called(name).into(),
            Told::At(all) => unit.is_some_and(|unit| unit.addresses.iter().any(|address| all.has(*address))).into(),
            Told::Pod(namespace, name) => {
                (owner.namespace == *namespace && seen.is_some_and(|seen| seen.name == *name)).into()
            }
            Told::On(node) => seen.map_or(Truth::Maybe, |seen| {
                let is_named = seen.node.is_some() && seen.node == node.name;
                let is_there = seen.node_addresses.iter().any(|address| node.addresses.has(*address));
                match (is_named || is_there, seen.node.is_some() || !seen.node_addresses.is_empty()) {
                    (true, _) => Truth::Yes,
                    (false, true) => Truth::No,
                    (false, false) => Truth::Maybe,
                }
            }),
        }
    }
}

impl World {
    /// The ends of pods of which that is so for sure which stands at a place of all that was told.
    pub fn of_told(&self, place: usize) -> Vec<EndId> {
        let is_it = |id: &EndId| self.pods(*id).is_some_and(|pods| pods.told.contains(&(place, Truth::Yes)));
        self.ids().filter(is_it).collect()
    }

    /// Whether addresses are those of the node that pods run on, which no policy keeps from them.
    pub fn is_own_node(&self, pods: EndId, addresses: EndId) -> Truth {
        if self.nodes.is_empty() {
            return Truth::No;
        }
        let (Some(kind), Some(all)) = (self.pods(pods), self.addresses(addresses)) else { return Truth::No };
        let there = self.nodes.iter().filter(|(_, node)| node.contains(all));
        let truth = |place: usize| kind.told.iter().find(|(told, _)| *told == place).map(|(_, truth)| *truth);
        there.filter_map(|(place, _)| truth(*place)).max().unwrap_or(Truth::No)
    }
}
