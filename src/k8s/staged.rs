//! Policies that are only looked at: objects of other kinds with the spec of a NetworkPolicy, by which nothing is denied.

use std::borrow::Cow;

/// Who looks at a policy that is not enforced yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StagedKind {
    /// Calico, from 3.30: its flow logs have what staged policies would deny as pending.
    Calico,
    /// kguardian, which counts in the status of the object what it would deny.
    Kguardian,
}

/// The first lines of an enforced policy.
pub(super) const ENFORCED_HEADER: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n";

impl StagedKind {
    /// All.
    pub const ALL: [StagedKind; 2] = [StagedKind::Calico, StagedKind::Kguardian];

    /// The `apiVersion` of the object.
    pub fn api_version(self) -> &'static str {
        match self {
            StagedKind::Calico => "projectcalico.org/v3",
            StagedKind::Kguardian => "kguardian.dev/v1alpha1",
        }
    }

    /// The `kind` of the object.
    pub fn kind(self) -> &'static str {
        match self {
            StagedKind::Calico => "StagedKubernetesNetworkPolicy",
            StagedKind::Kguardian => "AuditNetworkPolicy",
        }
    }

    /// What stands first in the spec, beside what a NetworkPolicy has: a field and its value.
    pub(super) fn action(self) -> Option<(&'static str, &'static str)> {
        match self {
            StagedKind::Calico => Some(("stagedAction", "Set")),
            StagedKind::Kguardian => None,
        }
    }

    /// The first lines of its objects.
    pub(super) fn header(self) -> String {
        format!("apiVersion: {}\nkind: {}\n", self.api_version(), self.kind())
    }

    /// The first line of their spec.
    pub(super) fn action_line(self) -> String {
        self.action().map(|(key, value)| format!("  {key}: {value}\n")).unwrap_or_default()
    }
}

/// Kinds of which an object enforces nothing, by their groups: these and those of the same makers.
const STAGED: [(&str, &[&str]); 3] = [
    ("projectcalico.org", CALICO),
    ("crd.projectcalico.org", CALICO),
    ("kguardian.dev", &["AuditClusterNetworkPolicy", "AuditNetworkPolicy"]),
];

const CALICO: &[&str] = &["StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy", "StagedNetworkPolicy"];

/// Whether objects of this kind only show what a policy would do.
pub(super) fn is_staged(version: &str, kind: &str) -> bool {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    STAGED.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind))
}

/// The manifests that staged ones would be if they were enforced: with kind and version put back, and the action taken out.
pub fn unstaged(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for kind in StagedKind::ALL {
        let (header, action) = (kind.header(), kind.action_line());
        if !text.contains(&header) {
            continue;
        }
        // A value of the user's is on one line, so nothing but the head of an object has these lines.
        let enforced = text.replace(&header, ENFORCED_HEADER);
        let spec = format!("\nspec:\n{action}");
        text = Cow::Owned(if action.is_empty() { enforced } else { enforced.replace(&spec, "\nspec:\n") });
    }
    text
}
