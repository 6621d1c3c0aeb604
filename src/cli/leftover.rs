//! What a build takes out of its folder and a cluster keeps.

use super::report::count;
use crate::k8s::{MANAGED_BY, StagedKind};
use crate::output::{ChangeKind, OutputFile, Plan};
use std::collections::BTreeSet;

/// An object that was written: who only looks at it, if so, and its namespace and name.
type WrittenObject = (Option<StagedKind>, String, String);

/// How what is gone from the folder is gone from a cluster as well: to apply a folder deletes nothing there. `files` are what
/// the folder has now; it is written as for a shell.
pub(super) fn note(plan: &Plan, files: &[OutputFile], folder: &str) -> Option<String> {
    let old = plan.changes.iter().filter(|one| one.change != ChangeKind::Create).filter_map(|one| one.old.as_deref());
    let mut gone: BTreeSet<WrittenObject> = old.flat_map(|file| objects(&String::from_utf8_lossy(file))).collect();
    if gone.is_empty() {
        return None;
    }
    for object in files.iter().flat_map(|file| objects(&file.body)) {
        gone.remove(&object);
    }
    let (kind, namespace, name) = gone.first()?;
    let staged = gone.iter().filter(|(kind, ..)| kind.is_some()).count();
    let stays = match (staged, gone.len()) {
        (0, 1) => "and what it opens stays open, until it is deleted there",
        (0, _) => "and what they open stays open, until they are deleted there",
        (staged, all) if staged == all => "beside what is enforced now, until deleted there",
        _ => "and what the enforced ones open stays open, until they are deleted there",
    };
    if gone.len() == 1 {
        let (what, kind) = match kind {
            None => ("policy", "networkpolicy".to_owned()),
            Some(kind) => ("staged policy", resource(*kind)),
        };
        return Some(format!(
            "note: {what} `{name}` stays in the cluster, {stays}: `kubectl delete {kind} -n {namespace} {name}`"
        ));
    }
    let kinds: BTreeSet<Option<StagedKind>> = gone.iter().map(|(kind, ..)| *kind).collect();
    let allow: Vec<String> = kinds.into_iter().map(|kind| format!("--prune-allowlist={}", allowed(kind))).collect();
    let (key, value) = MANAGED_BY;
    let what = if staged == gone.len() { "staged policy" } else { "policy" };
    Some(format!(
        "note: {} stay in the cluster, {stays}: `kubectl apply -R -f {folder} --prune -l {key}={value} {}`, or by name where \
         nothing is left of a namespace",
        count(gone.len(), what),
        allow.join(" ")
    ))
}

/// What `kubectl` calls objects of a kind.
fn resource(kind: StagedKind) -> String {
    let (group, _) = kind.api_version().split_once('/').unwrap_or_default();
    format!("{}.{group}", kind.kind().to_lowercase())
}

/// A kind as `kubectl apply --prune-allowlist` takes it.
fn allowed(kind: Option<StagedKind>) -> String {
    match kind {
        None => "networking.k8s.io/v1/NetworkPolicy".to_owned(),
        Some(kind) => format!("{}/{}", kind.api_version(), kind.kind()),
    }
}

/// The objects of one of Polder's own files, which writes kind, name and namespace on lines of their own.
fn objects(text: &str) -> Vec<WrittenObject> {
    let field = |line: &str, key: &str| Some(line.strip_prefix(key)?.strip_suffix('"')?.to_owned());
    let staged = |kind: &str| StagedKind::ALL.into_iter().find(|one| one.kind() == kind);
    let (mut kind, mut name) = (None, None);
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(written) = line.strip_prefix("kind: ") {
            kind = staged(written);
        }
        name = field(line, "  name: \"").or(name);
        if let Some(namespace) = field(line, "  namespace: \"") {
            found.extend(name.take().map(|name| (kind, namespace, name)));
        }
    }
    found
}
