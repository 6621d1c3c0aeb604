//! What a build takes out of its folder and a cluster keeps.

use super::report::count;
use crate::k8s::MANAGED_BY;
use crate::netpol::PolicySet;
use crate::output::{ChangeKind, Plan};
use std::collections::BTreeSet;

/// Namespace and name of a policy.
type Name = (String, String);

/// How what is gone from the folder is closed in a cluster as well: to apply a folder deletes nothing there. `folder` is
/// written as for a shell.
pub(super) fn note(plan: &Plan, policies: &PolicySet, folder: &str) -> Option<String> {
    let old = plan.changes.iter().filter(|one| one.change != ChangeKind::Create).filter_map(|one| one.old.as_deref());
    let mut gone: BTreeSet<Name> = old.flat_map(names).collect();
    if gone.is_empty() {
        return None;
    }
    for policy in &policies.policies {
        gone.remove(&(policy.namespace.to_string(), policy.name.to_string()));
    }
    let (namespace, name) = gone.first()?;
    if gone.len() == 1 {
        return Some(format!(
            "note: policy `{name}` stays in the cluster, and what it opens stays open, until it is deleted there: \
             `kubectl delete networkpolicy -n {namespace} {name}`"
        ));
    }
    let (gone, (key, value)) = (count(gone.len(), "policy"), MANAGED_BY);
    Some(format!(
        "note: {gone} stay in the cluster, and what they open stays open, until they are deleted there: `kubectl apply -R \
         -f {folder} --prune -l {key}={value} --prune-allowlist=networking.k8s.io/v1/NetworkPolicy`, or by name where \
         nothing is left of a namespace"
    ))
}

/// The policies of one of Polder's own files, which writes name and namespace on lines of their own.
fn names(file: &[u8]) -> Vec<Name> {
    let text = String::from_utf8_lossy(file);
    let field = |line: &str, key: &str| Some(line.strip_prefix(key)?.strip_suffix('"')?.to_owned());
    let mut name = None;
    let mut found = Vec::new();
    for line in text.lines() {
        name = field(line, "  name: \"").or(name);
        if let Some(namespace) = field(line, "  namespace: \"") {
            found.extend(name.take().map(|name| (namespace, name)));
        }
    }
    found
}
