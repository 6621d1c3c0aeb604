//! The world of the workloads that were given.

use super::marks::Marks;
use super::told::{Told, units};
use super::{End, Looks, NamedPorts, Namespace, NamespaceId, PodKind, Scope, World};
use crate::cluster::{Cluster, Labels, Pods, Workload};
use crate::net::{MatchIndex, Truth};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
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

/// What pods of one namespace are told apart by: which selectors match, named ports, addresses, and what is asked about.
type Key = (NamespaceId, Vec<usize>, NamedPorts, Vec<u32>, Vec<(usize, Truth)>);

impl World {
    /// The pods of a cluster that policies apply to: those that run on a network of their own.
    pub fn concrete(scope: &Scope<'_>, cluster: &Cluster) -> World {
        World::telling_apart(scope, cluster, &[])
    }

    /// The same, where what is `told` of some pods is what they are told apart by as well.
    pub fn telling_apart(scope: &Scope<'_>, cluster: &Cluster, told: &[Told]) -> World {
        let looks = Looks::new(scope);
        let mut world = World { facts: scope.facts.clone(), ..World::default() };
        world.namespaces = namespaces(&looks, cluster);
        let ids: BTreeMap<Arc<str>, NamespaceId> = world
            .namespaces
            .iter()
            .zip(0..)
            .filter_map(|(one, id)| Some((one.name.clone()?, NamespaceId(id))))
            .collect();
        let marks = Marks::new(scope.marks);
        // What only one pod can be.
        let is_single = |one: &Told| matches!(one, Told::Pod(..) | Told::At(_));
        let single: BTreeSet<usize> =
            (0..).zip(told).filter(|(_, one)| is_single(one)).map(|(place, _)| place).collect();
        let mut tables: FxHashMap<NamespaceId, (MatchIndex, MatchIndex)> = FxHashMap::default();
        let mut kinds: BTreeMap<Key, PodKind> = BTreeMap::new();
        for (workload, owner) in cluster.workloads.iter().enumerate() {
            let Some(&id) = ids.get(&owner.namespace) else { continue };
            let Some(namespace) = world.namespace(id) else { continue };
            let (table, marks) = tables.entry(id).or_insert_with(|| {
                let selectors = looks.pods_of(namespace).into_iter();
                (MatchIndex::new((0..).zip(selectors)), marks.in_namespace(namespace))
            });
            for (index, pods) in owner.pods.iter().enumerate() {
                if pods.host_network || pods.finished || pods.count == 0 {
                    continue;
                }
                let ports = named_ports(&looks, pods);
                for ((blocks, told), (addresses, count)) in parts(&looks, scope, (owner, pods), told) {
                    let is_one = count == 1 && told.iter().any(|(place, _)| single.contains(place));
                    let key = (id, table.matching(&pods.labels), ports.clone(), blocks, told);
                    let kind = kinds.entry(key).or_insert_with_key(|key| PodKind {
                        namespace: id,
                        labels: pods.labels.clone(),
                        ports: Some(key.2.clone()),
                        addresses: addresses.to_vec(),
                        members: Vec::new(),
                        several: pods.several && !is_one,
                        asked: false,
                        marks: marks.matching(&pods.labels),
                        told: key.4.clone(),
                    });
                    kind.several |= count > 1 || !kind.members.is_empty();
                    kind.members.push(Member { workload, pods: index });
                }
            }
        }
        // By namespace, and then as the workloads are sorted.
        let mut pods: Vec<PodKind> = kinds.into_values().collect();
        pods.sort_by_key(|kind| (kind.namespace, kind.members.first().copied()));
        world.ends = pods.into_iter().map(End::Pods).collect();
        let node = |(index, one): (usize, &Told)| Some((index, one.node()?.clone()));
        world.nodes = told.iter().enumerate().filter_map(node).collect();
        world.add_outside(&looks, scope.marks);
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
        Some(labels) => Namespace { name: Some(name), labels: labels.clone(), absent: BTreeSet::new(), known: true },
        None => Namespace::named(name, false),
    };
    names.into_iter().map(namespace).collect()
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

/// What one of several alike is told apart by: what sets its addresses are in, and what is told of it.
type Part = (Vec<u32>, Vec<(usize, Truth)>);

/// Pods by that, with the addresses of one of them and their number; those of unknown addresses first.
fn parts<'p>(
    looks: &Looks<'_>,
    scope: &Scope<'_>,
    (owner, pods): (&Workload, &'p Pods),
    told: &[Told],
) -> BTreeMap<Part, (&'p [IpAddr], u64)> {
    let of_all = Told::of(told, owner, None);
    let matter = scope.facts.matches().pods.is_possible();
    if !matter && !told.iter().any(Told::is_of_single_pods) {
        return BTreeMap::from([((Vec::new(), of_all), (<&[IpAddr]>::default(), pods.count))]);
    }
    let mut parts: BTreeMap<Part, (&[IpAddr], u64)> = BTreeMap::new();
    for unit in units(pods) {
        let addresses = if matter { unit.addresses } else { &[] };
        let key = (blocks_of(looks, addresses), Told::of(told, owner, Some(&unit)));
        parts.entry(key).or_insert((addresses, 0)).1 += unit.count;
    }
    parts
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
