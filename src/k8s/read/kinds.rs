//! Which kinds are read, and which only look as if they were.

use crate::cluster::Kind;

/// A kind that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KnownKind {
    /// `networking.k8s.io/v1` NetworkPolicy.
    Policy,
    /// What runs pods.
    Workload(Kind),
    /// `v1` Namespace.
    Namespace,
    /// `v1` Service.
    Service,
    /// `networking.k8s.io/v1` Ingress.
    Ingress,
}

static KINDS: [(&str, &str, KnownKind); 12] = [
    ("networking.k8s.io/v1", "NetworkPolicy", KnownKind::Policy),
    ("networking.k8s.io/v1", "Ingress", KnownKind::Ingress),
    ("v1", "Namespace", KnownKind::Namespace),
    ("v1", "Service", KnownKind::Service),
    ("v1", "Pod", KnownKind::Workload(Kind::Pod)),
    ("v1", "ReplicationController", KnownKind::Workload(Kind::ReplicationController)),
    ("apps/v1", "Deployment", KnownKind::Workload(Kind::Deployment)),
    ("apps/v1", "StatefulSet", KnownKind::Workload(Kind::StatefulSet)),
    ("apps/v1", "DaemonSet", KnownKind::Workload(Kind::DaemonSet)),
    ("apps/v1", "ReplicaSet", KnownKind::Workload(Kind::ReplicaSet)),
    ("batch/v1", "Job", KnownKind::Workload(Kind::Job)),
    ("batch/v1", "CronJob", KnownKind::Workload(Kind::CronJob)),
];

/// The kind of that name, when it is read.
pub(super) fn known(version: &str, kind: &str) -> Option<KnownKind> {
    KINDS.iter().find(|(known, name, _)| *known == version && *name == kind).map(|(.., known)| known.clone())
}

/// Whether objects of the kind are policies of Cilium in a namespace.
pub(super) fn is_cilium_policy(version: &str, kind: &str) -> bool {
    (version, kind) == ("cilium.io/v2", "CiliumNetworkPolicy")
}

/// Whether objects of the kind are read.
pub(super) fn is_known(version: &str, kind: &str) -> bool {
    known(version, kind).is_some()
}

/// Whether a kind of this name is read, in whatever version.
pub(super) fn is_kind(kind: &str) -> bool {
    KINDS.iter().any(|(_, name, _)| *name == kind)
}

/// The groups that nobody but Kubernetes has, and all kinds of theirs, in whatever version.
const OWN: [(&str, &[&str]); 5] = [
    ("networking.k8s.io", &["ClusterCIDR", "IPAddress", "Ingress", "IngressClass", "NetworkPolicy", "ServiceCIDR"]),
    ("apps", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "Scale", "StatefulSet"]),
    ("batch", &["CronJob", "Job"]),
    (
        "extensions",
        &["DaemonSet", "Deployment", "Ingress", "NetworkPolicy", "PodSecurityPolicy", "ReplicaSet", "Scale"],
    ),
    ("policy", &["Eviction", "PodDisruptionBudget", "PodSecurityPolicy"]),
];

/// The API group of a version; empty for the core.
pub(super) fn group(version: &str) -> &str {
    version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// Whether a version is of a group of which some kind is read; the core has too many others.
pub(super) fn is_of_read(version: &str) -> bool {
    let own = group(version);
    own == "extensions" || KINDS.iter().any(|(known, ..)| group(known) == own && !own.is_empty())
}

/// Whether a version is of a group without policies, whatever the kind is.
pub(super) fn is_of_what_runs(version: &str) -> bool {
    matches!(group(version), "apps" | "batch" | "policy")
}

/// The kinds of a group that nobody but Kubernetes has.
fn own(version: &str) -> Option<&'static [&'static str]> {
    OWN.iter().find(|(own, _)| *own == group(version)).map(|(_, kinds)| *kinds)
}

/// What somebody probably meant who wrote a kind that does not exist, as the rest of a sentence.
pub(super) fn meant(version: &str, kind: &str) -> String {
    let read = KINDS.iter().filter(|(known, ..)| group(known) == group(version)).map(|(_, name, _)| *name);
    let others = own(version).unwrap_or_default().iter().copied();
    if let Some((known, name, _)) = KINDS.iter().find(|(known, name, _)| *name == kind && *known != version) {
        return format!("; {name} is of {known}");
    }
    match crate::diag::closest(kind, read.chain(others.clone())) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if own(version).is_some() => format!("; there are {}", others.collect::<Vec<_>>().join(", ")),
        None => String::new(),
    }
}

/// Whether Kubernetes has no such kind, and one that is read must be meant: another version or group of its own, or
/// another spelling. The objects of others may have the same names as those of Kubernetes.
pub(super) fn is_mistaken(version: &str, kind: &str) -> bool {
    // So short a name is another one after two slips.
    const SHORT: usize = 6;
    if is_known(version, kind) {
        return false;
    }
    if let Some(kinds) = own(version) {
        let item = kind.strip_suffix("List").unwrap_or(kind);
        let is_read = KINDS.iter().any(|(own, name, _)| *name == item && group(own) == group(version));
        // What is read is so in one version only.
        return !kinds.contains(&item) || is_read || (group(version) == "extensions" && is_kind(item));
    }
    if !group(version).is_empty() {
        return false;
    }
    let lower = kind.to_lowercase();
    KINDS.iter().any(|(own, name, _)| {
        let name = name.to_lowercase();
        let alike = name == lower
            || (name.len() > SHORT && lower.len() < 100 && strsim::damerau_levenshtein(&name, &lower) <= 2);
        alike && (*own == version || lower == name)
    })
}

/// What the kubelet and controllers name as the owner of an object; `None` for what makes no pods, such as the Node of a
/// static pod.
pub(super) fn owner(version: &str, kind: &str) -> Option<Kind> {
    let known = KINDS.iter().find_map(|(own, name, known)| match known {
        KnownKind::Workload(workload) if *name == kind && group(own) == group(version) => Some(workload.clone()),
        KnownKind::Policy | KnownKind::Workload(_) | KnownKind::Namespace | KnownKind::Service | KnownKind::Ingress => {
            None
        }
    });
    known.or_else(|| (!group(version).is_empty()).then(|| other(version, kind)))
}

/// A kind that Kubernetes does not have itself.
pub(super) fn other(version: &str, kind: &str) -> Kind {
    Kind::Other(kind.into(), group(version).into())
}
