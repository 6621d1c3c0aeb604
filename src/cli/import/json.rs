//! The report for machines.

use super::Reported;
use crate::cli::json;
use serde_json::{Value, json};

/// The document with the schema `polder/import/v1`: the program where it is printed, or the files that it was written to, and
/// all that there is to know.
pub(super) fn document(reported: &Reported<'_>, program: Option<&str>, created: &[String]) -> String {
    let import = reported.import;
    let lifted = reported.lifted.iter().map(|one| {
        json!({
            "namespace": one.namespace,
            "name": one.name,
            "path": one.path,
            "line": one.line,
            "statements": one.statements,
        })
    });
    let refused = import
        .refused
        .iter()
        .map(|one| json!({ "what": one.what, "reason": one.reason, "path": one.path, "line": one.line }));
    let unmodelled = import.manifests.cluster.unmodelled.iter().map(|one| {
        let (path, line) = import.place(one.span);
        json!({
            "kind": one.kind,
            "api_version": one.api_version,
            "namespace": one.namespace,
            "name": one.name,
            "path": path,
            "line": line,
        })
    });
    let not_carried = reported.not_carried.iter().map(|one| {
        json!({
            "what": if one.annotation { "annotation" } else { "label" },
            "key": one.key,
            "policies": one.policies,
            "decides": one.decides,
        })
    });
    let findings = reported.findings.iter().map(|one| {
        json!({
            "kind": one.kind.word(),
            "policy": one.policy,
            "path": one.path,
            "line": one.line,
            "statement": one.statement,
            "message": one.message,
        })
    });
    json::document(&json!({
        "schema": "polder/import/v1",
        "program": program,
        "files": created,
        "namespaces": import.lifted.namespaces.iter().map(|name| name.to_string()).collect::<Vec<_>>(),
        "lifted": lifted.collect::<Vec<Value>>(),
        "refused": refused.collect::<Vec<Value>>(),
        "not_looked_at": unmodelled.collect::<Vec<Value>>(),
        "not_carried": not_carried.collect::<Vec<Value>>(),
        "lost_comments": import.lifted.lost.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<Value>>(),
        "overwritten": reported.overwritten,
        "next_steps": reported.next_steps(),
        "summary": reported.summary(),
    }))
}
