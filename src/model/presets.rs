//! What the DNS presets mean: which pods answer, where, and on which port. One table for everybody who has to know.

use super::{DnsServer, Namespace, Tier};
use crate::net::{Selector, Values};

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

impl DnsServer {
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
