//! Who has an address.

use super::{Cluster, Pods, SeenPod, Service, Workload};
use crate::net::AddressSet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The Service of the API server, by its namespace and name.
const API_SERVER: (&str, &str) = ("default", "kubernetes");

/// A node and its addresses, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeAt {
    /// Its name; `None` where only its pods are known.
    pub name: Option<Arc<str>>,
    /// Its addresses.
    pub addresses: AddressSet,
}

impl Pods {
    /// Whether they have an address of their own.
    pub fn is_in_pod_network(&self) -> bool {
        !self.host_network && !self.finished && self.count > 0
    }
}

impl Cluster {
    /// Every pod that was given itself and has not ended.
    pub fn seen(&self) -> impl Iterator<Item = (&Workload, &Pods, &SeenPod)> {
        let pods = self.workloads.iter().flat_map(|workload| workload.pods.iter().map(move |pods| (workload, pods)));
        let running = pods.filter(|(_, pods)| !pods.finished);
        running.flat_map(|(workload, pods)| pods.seen.iter().map(move |seen| (workload, pods, seen)))
    }

    /// The pods with a network of their own that have one of these addresses.
    pub fn pods_at<'c>(&'c self, addresses: &'c AddressSet) -> impl Iterator<Item = (&'c Workload, &'c SeenPod)> {
        let own = self.seen().filter(|(_, pods, _)| pods.is_in_pod_network());
        let there = own.filter(|(.., seen)| seen.addresses.iter().any(|address| addresses.has(*address)));
        there.map(|(workload, _, seen)| (workload, seen))
    }

    /// The Service of a name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| *service.namespace == *namespace && *service.name == *name)
    }

    /// The nodes that are known, by themselves or by their pods, with their addresses.
    pub fn nodes_at(&self) -> Vec<NodeAt> {
        let mut named: BTreeMap<Arc<str>, BTreeSet<IpAddr>> = BTreeMap::new();
        let mut nameless: BTreeSet<Vec<IpAddr>> = BTreeSet::new();
        for node in &self.nodes {
            named.entry(node.name.clone()).or_default().extend(&node.addresses);
        }
        for (_, pods, seen) in self.seen() {
            let addresses = seen.node_addresses.iter().chain(seen.addresses.iter().filter(|_| pods.host_network));
            match &seen.node {
                Some(node) => named.entry(node.clone()).or_default().extend(addresses),
                None => _ = nameless.insert(addresses.copied().collect::<BTreeSet<IpAddr>>().into_iter().collect()),
            }
        }
        let known: BTreeSet<IpAddr> = named.values().flatten().copied().collect();
        let named = named.into_iter().map(|(name, addresses)| (Some(name), addresses.into_iter().collect::<Vec<_>>()));
        let nameless = nameless.into_iter().filter(|all| all.iter().all(|address| !known.contains(address)));
        let all = named.chain(nameless.map(|addresses| (None, addresses)));
        let node = |(name, addresses): (Option<Arc<str>>, Vec<IpAddr>)| NodeAt {
            name,
            addresses: AddressSet::from_nets(addresses.into_iter().map(Into::into)),
        };
        all.map(node).filter(|node| !node.addresses.is_empty()).collect()
    }

    /// The addresses of the API server: those behind its Service.
    pub fn api_server(&self) -> AddressSet {
        let (namespace, name) = API_SERVER;
        let own = self.endpoints.iter().filter(|one| &*one.namespace == namespace && &*one.service == name);
        AddressSet::from_nets(own.flat_map(|one| &one.addresses).map(|address| (*address).into()))
    }

    /// What the nodes say that their pods get.
    pub fn pod_ranges(&self) -> AddressSet {
        AddressSet::from_nets(self.nodes.iter().flat_map(|node| &node.pods).copied())
    }
}

impl Service {
    /// Whether it is that of the API server.
    pub fn is_api_server(&self) -> bool {
        (&*self.namespace, &*self.name) == API_SERVER
    }
}
