//! What an address block covers beside the outside, read from section 6 of the language and the table of network plugins.
//!
//! A block always covers addresses outside of the cluster. Whether it covers pods, nodes and the API server that have an
//! address in it is yes, no or not known; what is not known can be either way. It speaks of the other end of the traffic
//! of pods that are named by labels: it never says which pods' traffic is meant.

use super::program::{Dns, Kind, Platform, Preset, Program, block};
use ipnet::IpNet;
use std::net::IpAddr;

/// What is known of a program's cluster.
#[derive(Debug, Clone)]
pub(crate) struct Law {
    pods: Option<bool>,
    nodes: Option<bool>,
    api_server: Option<bool>,
    platform: Platform,
    dns: Vec<IpNet>,
}

/// What blocks cover, when all of it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Whether pods.
    pub pods: bool,
    /// Addresses of the cluster that they do not cover.
    pub unmatched: Vec<IpNet>,
}

impl Law {
    /// The law for a program.
    pub(crate) fn of(program: &Program) -> Law {
        let (pods, nodes, api_server) = match program.platform.cni.as_deref().unwrap_or("any") {
            "any" => (None, None, None),
            "cilium 1.14" => (Some(false), Some(false), None),
            "cilium" | "cilium 1.18" | "aks-cilium" | "gke-dataplane-v2" => (Some(false), None, None),
            "kube-ovn" => (Some(true), None, None),
            _ => (Some(true), Some(true), Some(true)),
        };
        let used = |dns: &Dns| match dns.preset {
            Preset::None => Vec::new(),
            _ => dns.addresses.clone(),
        };
        let platform = program.platform.clone();
        let managed = program.namespaces.iter().filter(|namespace| namespace.kind == Kind::Managed);
        let settings = managed.filter_map(|namespace| namespace.dns.as_ref().or(platform.dns.as_ref()));
        let dns = settings.flat_map(used).collect();
        Law { pods, nodes, api_server, platform, dns }
    }

    /// Whether a pod may have the address.
    pub(crate) fn may_be_a_pods(&self, address: &IpAddr) -> bool {
        let Platform { apiserver, nodes, pods, services, .. } = &self.platform;
        if !pods.is_empty() {
            return pods.iter().any(|net| net.contains(address));
        }
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"].map(block);
        let mut taken = [apiserver, nodes, services, &self.dns].into_iter().flatten();
        private.iter().any(|net| net.contains(address)) && !taken.any(|net| net.contains(address))
    }

    /// The blocks that say where pods may be.
    pub(crate) fn bounds(&self) -> Vec<IpNet> {
        let Platform { apiserver, nodes, pods, services, .. } = &self.platform;
        let mut all =
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"].map(block).to_vec();
        all.extend([apiserver, nodes, pods, services, &self.dns].into_iter().flatten());
        all
    }

    /// Every way in which it can be.
    pub(crate) fn ways(&self) -> Vec<Blocks> {
        let either = |known: Option<bool>| known.map_or(vec![true, false], |known| vec![known]);
        let mut ways = Vec::new();
        for pods in either(self.pods) {
            for nodes in either(self.nodes) {
                for api_server in either(self.api_server) {
                    let lists = [(nodes, &self.platform.nodes), (api_server, &self.platform.apiserver)];
                    let unmatched = lists.into_iter().filter(|(covered, _)| !covered).flat_map(|(_, nets)| nets);
                    let way = Blocks { pods, unmatched: unmatched.copied().collect() };
                    if !ways.contains(&way) {
                        ways.push(way);
                    }
                }
            }
        }
        ways
    }
}
