//! Objects that change what is allowed and are not understood.

use super::Cluster;
use crate::source::Span;

/// An object that would change the answer and is not understood.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmodelled {
    /// `kind`; with `Kind with key=value` only that label or annotation of the object is not understood.
    pub kind: String,
    /// `apiVersion`.
    pub api_version: String,
    /// `metadata.namespace`; empty when it has none.
    pub namespace: String,
    /// `metadata.name`; empty when it has none.
    pub name: String,
    /// Of a kind that is understood in part, the first field that is not, as in `spec.ingressDeny`.
    pub beyond: Option<String>,
    /// Where it was read.
    pub span: Option<Span>,
}

/// The ends of API groups whose kinds never let through what NetworkPolicies close: meshes, which judge what has arrived, what
/// limits the addresses that pods reach, and what joins pods to networks or to groups of a cloud.
const ONLY_TAKING_AWAY: [&str; 12] = [
    "istio.io",
    "linkerd.io",
    "kuma.io",
    "consul.hashicorp.com",
    "smi-spec.io",
    "openservicemesh.io",
    "traefik.mesh.io",
    "k8s.ovn.org",
    "network.openshift.io",
    "vpcresources.k8s.aws",
    "kubeovn.io",
    "k8s.cni.cncf.io",
];

impl Unmodelled {
    /// Whether it may let through what NetworkPolicies close, or isolate pods that they do not.
    pub fn may_allow(&self) -> bool {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        let is_of = |end: &&str| group.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        !self.joins_mesh() && !ONLY_TAKING_AWAY.iter().any(is_of)
    }

    /// Whether the object is none that allows or denies, and only joins a mesh, which carries its traffic.
    fn joins_mesh(&self) -> bool {
        self.kind.contains(" with ")
    }
}

impl Cluster {
    /// Whether something that is not understood, or a policy that could not be read, may let through what NetworkPolicies of a
    /// namespace close, or isolate pods there that they do not.
    pub fn may_be_opened(&self, namespace: &str) -> bool {
        let is_there = |one: &Unmodelled| one.namespace.is_empty() || one.namespace == namespace;
        self.unread.policies.contains(namespace) || self.unmodelled.iter().any(|one| is_there(one) && one.may_allow())
    }
}
