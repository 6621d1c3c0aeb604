//! The world of the workloads that were given.

use super::{End, Looks, NamedPorts, Namespace, NamespaceId, PodKind, Scope, World, marks_of, symbolic};
use crate::cluster::{Cluster, Labels, Pods};
use crate::net::Selector;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Pods of a [`Cluster`]: the place of their workload, and theirs among its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    /// The index in [`Cluster::workloads`].
    pub workload: usize,
    /// The index in the workload's `pods`.
    pub pods: usize,
}

/// What pods of one namespace are told apart by: which selectors match, named ports, and addresses.
type Key = (NamespaceId, Vec<u32>, NamedPorts, Vec<u32>);

impl World {
    /// The pods of a cluster that policies apply to: those that run on a network of their own.
    pub fn concrete(scope: &Scope<'_>, cluster: &Cluster) -> World {
        let looks = Looks::new(scope);
        let mut world = World { blocks_match_pods: scope.blocks_match_pods, ..World::default() };
        world.namespaces = namespaces(&looks, cluster);
        let ids: BTreeMap<Arc<str>, NamespaceId> = world
            .namespaces
            .iter()
            .zip(0..)
            .filter_map(|(one, id)| Some((one.name.clone()?, NamespaceId(id))))
            .collect();
        let mut tables: FxHashMap<NamespaceId, Selectors<'_>> = FxHashMap::default();
        let mut kinds: BTreeMap<Key, PodKind> = BTreeMap::new();
        for (workload, owner) in cluster.workloads.iter().enumerate() {
            let Some(&id) = ids.get(&owner.namespace) else { continue };
            let Some(namespace) = world.namespace(id) else { continue };
            let table = tables.entry(id).or_insert_with(|| Selectors::new(&looks, namespace));
            for (index, pods) in owner.pods.iter().enumerate() {
                if pods.host_network || pods.finished || pods.count == 0 {
                    continue;
                }
                let ports = named_ports(&looks, pods);
                let blocks = if scope.blocks_match_pods { blocks_of(&looks, &pods.addresses) } else { Vec::new() };
                let key = (id, table.matching(&pods.labels), ports, blocks);
                let kind = kinds.entry(key).or_insert_with_key(|key| PodKind {
                    namespace: id,
                    labels: pods.labels.clone(),
                    ports: Some(key.2.clone()),
                    addresses: if scope.blocks_match_pods { pods.addresses.clone() } else { Vec::new() },
                    members: Vec::new(),
                    several: pods.count > 1,
                    asked: false,
                    marks: marks_of(scope.marks, namespace, &pods.labels),
                });
                kind.several |= !kind.members.is_empty();
                kind.members.push(Member { workload, pods: index });
            }
        }
        // By namespace, and then as the workloads are sorted.
        let mut pods: Vec<PodKind> = kinds.into_values().collect();
        pods.sort_by_key(|kind| (kind.namespace, kind.members.first().copied()));
        world.ends = pods.into_iter().map(End::Pods).collect();
        world.ends.extend(symbolic::outside(&looks, scope.marks));
        world
    }
}

/// Every namespace that is given, or has workloads or policies. Of the labels of one that is not given, only its name
/// is known.
fn namespaces(looks: &Looks<'_>, cluster: &Cluster) -> Vec<Namespace> {
    let mut names: BTreeMap<Arc<str>, Option<&Labels>> = BTreeMap::new();
    names.extend(cluster.workloads.iter().map(|workload| (workload.namespace.clone(), None)));
    names.extend(looks.local.keys().map(|name| (name.clone(), None)));
    names.extend(cluster.namespaces.iter().map(|namespace| (namespace.name.clone(), Some(&namespace.labels))));
    let namespace = |(name, labels): (Arc<str>, Option<&Labels>)| match labels {
        Some(labels) => Namespace { name: Some(name), labels: labels.clone(), known: true },
        None => Namespace::named(name, false),
    };
    names.into_iter().map(namespace).collect()
}

/// The selectors that pods of one namespace are told apart by.
struct Selectors<'a> {
    /// Those that ask for `key=value` and nothing else, under it.
    equal: FxHashMap<&'a str, FxHashMap<&'a str, Vec<u32>>>,
    /// All others.
    others: Vec<(u32, &'a Selector)>,
}

impl<'a> Selectors<'a> {
    fn new(looks: &Looks<'a>, namespace: &Namespace) -> Self {
        let mut selectors = Selectors { equal: FxHashMap::default(), others: Vec::new() };
        for (selector, id) in looks.pods_of(namespace).into_iter().zip(0..) {
            let mut entries = selector.entries();
            match (entries.next().map(|(key, values)| (key, values.required())), entries.next()) {
                (Some((key, Some([value]))), None) => {
                    selectors.equal.entry(key).or_default().entry(value).or_default().push(id);
                }
                _ => selectors.others.push((id, selector)),
            }
        }
        selectors
    }

    /// Those that match, sorted.
    fn matching(&self, labels: &Labels) -> Vec<u32> {
        let of_label = |(key, value): (&String, &String)| self.equal.get(key.as_str())?.get(value.as_str());
        let mut found: Vec<u32> = labels.iter().filter_map(of_label).flatten().copied().collect();
        found.extend(self.others.iter().filter(|(_, selector)| selector.matches(labels)).map(|(id, _)| *id));
        found.sort_unstable();
        found
    }
}

/// The named ports of pods that some policy asks for.
fn named_ports(looks: &Looks<'_>, pods: &Pods) -> NamedPorts {
    let mut ports = NamedPorts::new();
    for port in &pods.ports {
        if let Some(name) = &port.name {
            let name = (port.protocol, name.clone());
            if looks.ports.contains(&name) {
                ports.entry(name).or_default().insert(port.number);
            }
        }
    }
    ports
}

/// For each address, which sets hold it; addresses that are not known make no difference between pods.
fn blocks_of(looks: &Looks<'_>, addresses: &[IpAddr]) -> Vec<u32> {
    let mut found = Vec::new();
    for address in addresses {
        found.extend((0..).zip(&looks.addresses).filter(|(_, set)| set.has(*address)).map(|(index, _)| index));
        // Not a set: it ends the list of one address, and says its family.
        found.push(if address.is_ipv4() { u32::MAX } else { u32::MAX - 1 });
    }
    found
}
