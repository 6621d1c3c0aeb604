//! Namespaces of the system: what runs there belongs to whoever looks after the cluster.

/// How their names begin: Kubernetes keeps the first for itself, and OpenShift, GKE, Calico and Cilium the others.
const STARTS: [&str; 7] = ["calico-", "cilium-", "gke-", "gmp-", "kube-", "openshift-", "tigera-"];

/// Names without an end of their own.
const WHOLE: [&str; 3] = ["cilium", "local-path-storage", "openshift"];

/// Whether a namespace is one of the system, by its name.
pub(super) fn is_of_system(name: &str) -> bool {
    WHOLE.contains(&name) || STARTS.iter().any(|start| name.starts_with(start))
}
