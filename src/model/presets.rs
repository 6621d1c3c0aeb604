//! What the DNS presets mean: which pods answer, where, and on which port. One table for everybody who has to know.

use super::{DnsServer, Namespace, Tier};
use crate::net::{Selector, Values};
use ipnet::IpNet;

/// The pods that answer for a DNS preset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetPods {
    /// The name of their namespace in the cluster.
    pub namespace: &'static str,
    /// Their labels, as the distributions have them.
    pub pods: Selector,
    /// Their port, over udp and tcp.
    pub port: u16,
}

impl PresetPods {
    /// Whether all pods of a tier are among them.
    pub fn is_of(&self, namespace: &Namespace, tier: &Tier) -> bool {
        *namespace.name == *self.namespace && self.pods.contains(&tier.selector)
    }
}

/// Where node-local caches listen; never routed.
const LINK_LOCAL: &str = "169.254.0.0/16";

impl DnsServer {
    /// The addresses of the caches on the nodes that answer as well.
    pub fn preset_caches(&self) -> Option<IpNet> {
        match self {
            DnsServer::Cluster => LINK_LOCAL.parse().ok(),
            DnsServer::Strict | DnsServer::OpenShift | DnsServer::Any | DnsServer::Address(_) | DnsServer::Tier(..) => {
                None
            }
        }
    }

    /// The pods that answer, of the servers that have a name of their own.
    pub fn preset_pods(&self) -> Option<PresetPods> {
        let (namespace, pods, port) = match self {
            DnsServer::Cluster | DnsServer::Any => {
                let mut pods = Selector::everything();
                pods.require("k8s-app", Values::one_of(["kube-dns", "coredns", "node-local-dns"]));
                ("kube-system", pods, 53)
            }
            DnsServer::Strict => ("kube-system", Selector::equals("k8s-app", "kube-dns"), 53),
            DnsServer::OpenShift => {
                ("openshift-dns", Selector::equals("dns.operator.openshift.io/daemonset-dns", "default"), 5353)
            }
            DnsServer::Address(_) | DnsServer::Tier(..) => return None,
        };
        Some(PresetPods { namespace, pods, port })
    }
}
