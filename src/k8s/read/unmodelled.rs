//! The kinds that change what is allowed and are not understood. An answer that is given beside them is incomplete.

use crate::k8s::staged::is_staged;

/// API groups and their kinds.
///
/// Kinds that only prepare or log something (staged policies, flow logs) are not among them, nor are those that only
/// the ones here refer to when they change nothing by themselves.
const KINDS: [(&str, &[&str]); 23] = [
    // The tiers of administrators, by the Kubernetes network policy group and by clouds.
    ("policy.networking.k8s.io", &["AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"]),
    ("networking.k8s.aws", &["ApplicationNetworkPolicy", "ClusterNetworkPolicy"]),
    ("vpcresources.k8s.aws", &["SecurityGroupPolicy"]),
    ("networking.gke.io", &["FQDNNetworkPolicy"]),
    // CNIs.
    ("cilium.io", &["CiliumClusterwideNetworkPolicy", "CiliumLocalRedirectPolicy", "CiliumNetworkPolicy"]),
    ("projectcalico.org", CALICO),
    ("crd.projectcalico.org", CALICO),
    ("crd.antrea.io", &["ClusterNetworkPolicy", "NetworkPolicy"]),
    ("security.antrea.tanzu.vmware.com", &["ClusterNetworkPolicy", "NetworkPolicy"]),
    ("k8s.ovn.org", &["ClusterUserDefinedNetwork", "EgressFirewall", "UserDefinedNetwork"]),
    ("network.openshift.io", &["EgressNetworkPolicy", "NetNamespace"]),
    ("kubeovn.io", &["SecurityGroup"]),
    ("crd.nsx.vmware.com", &["SecurityPolicy"]),
    ("k8s.cni.cncf.io", &["MultiNetworkPolicy"]),
    // Meshes.
    ("security.istio.io", &["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"]),
    ("networking.istio.io", &["Sidecar"]),
    ("policy.linkerd.io", &["AuthorizationPolicy", "EgressNetwork", "Server", "ServerAuthorization"]),
    ("kuma.io", &["Mesh", "MeshTrafficPermission", "TrafficPermission"]),
    ("consul.hashicorp.com", &["ServiceIntentions"]),
    ("auth.consul.hashicorp.com", &["TrafficPermissions"]),
    ("access.smi-spec.io", &["TrafficTarget"]),
    ("policy.openservicemesh.io", &["Egress", "IngressBackend"]),
    ("traefik.mesh.io", &["TrafficTarget"]),
];

const CALICO: &[&str] = &["GlobalNetworkPolicy", "HostEndpoint", "NetworkPolicy"];

/// Labels and annotations by which a namespace or a pod joins a mesh that carries its traffic over ports of its own, so
/// that policies see other ports than those that the programs use: keys, with the values that do so.
pub(super) const MESH_LABELS: [(&str, &[&str]); 1] = [("istio.io/dataplane-mode", &["ambient"])];

/// The same for annotations.
pub(super) const MESH_ANNOTATIONS: [(&str, &[&str]); 1] = [("linkerd.io/inject", &["enabled", "ingress"])];

/// Whether objects of this kind, which the API server has, change what is allowed.
pub fn changes_answers(version: &str, kind: &str) -> bool {
    is_unmodelled(version, kind) && !super::kinds::is_mistaken(version, kind)
}

/// Whether kinds of a group, as in `cilium.io/v2`, may change what is allowed.
pub fn may_change_answers(version: &str) -> bool {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    KINDS.iter().any(|(known, _)| *known == group)
}

/// Whether objects of this kind change what is allowed. The kind is none that is read.
pub(super) fn is_unmodelled(version: &str, kind: &str) -> bool {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if KINDS.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind)) {
        return true;
    }
    // Whoever calls a kind so limits traffic by it. Staged ones are only looked at.
    kind.ends_with("NetworkPolicy") && !kind.starts_with("Staged") && !is_staged(version, kind)
}
