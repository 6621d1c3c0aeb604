//! A report as data, for programs.

use super::{AuditChanges, AuditLog, AuditPlace, AuditReport, ClosureCount};
use crate::graph::Certainty;
use serde_json::{Value, json};

/// The report as an object with the schema `polder/report/v1`.
pub fn json(report: &AuditReport<'_>) -> Value {
    let coverage = report.coverage();
    let namespaces = coverage
        .namespaces
        .iter()
        .map(|one| json!({ "name": one.name, "isolation": one.closure.word(), "ends": count(one.ends) }));
    let open = coverage.open.iter().map(|(name, word)| json!({ "name": name, "isolation": word }));
    let connections = report.connections.iter().enumerate().map(|(place, one)| {
        json!({
            "from": one.from,
            "to": one.to,
            "ports": one.detail,
            "certainty": certainty(one.certainty),
            "because": report.causes.get(place).into_iter().flatten().map(cause).collect::<Vec<_>>(),
        })
    });
    let assertions = report.assertions.as_ref().map(|all| {
        let one = all
            .iter()
            .map(|one| json!({ "statement": cause(&one.statement), "verdict": one.verdict, "message": one.message }));
        one.collect::<Vec<_>>()
    });
    let findings = report.findings.iter().map(|one| {
        json!({
            "severity": one.severity, "code": one.code, "message": one.message, "place": one.place, "help": one.help,
        })
    });
    let policies = report.policies.iter().map(|one| {
        json!({
            "name": one.name,
            "selects": one.subject,
            "ingress_rules": one.ingress,
            "egress_rules": one.egress,
            "description": one.description,
            "because": one.because.iter().map(cause).collect::<Vec<_>>(),
        })
    });
    let limits = report.plugin.limits.iter().map(|(says, mend)| json!({ "says": says, "instead": mend }));
    let inputs = report.inputs.iter().map(|one| json!({ "path": one.path, "bytes": one.bytes, "sha256": one.digest }));
    let pods = report.pods.map(|pods| {
        json!({
            "all": pods.all, "isolated_for_ingress": pods.ingress, "isolated_for_egress": pods.egress,
            "isolated_for_both": pods.both,
        })
    });
    json!({
        "schema": "polder/report/v1",
        "polder": env!("CARGO_PKG_VERSION"),
        "title": report.title,
        "date": report.date,
        "facts": report.facts.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        "coverage": {
            "namespaces": count(coverage.by_namespace),
            "ends": count(coverage.by_end),
            "pods": pods,
        },
        "namespaces": namespaces.collect::<Vec<_>>(),
        "open": open.collect::<Vec<_>>(),
        "connections": connections.collect::<Vec<_>>(),
        "assertions": assertions,
        "findings": findings.collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
        "plugin": { "name": report.plugin.name, "limits": limits.collect::<Vec<_>>() },
        "notes": report.notes,
        "not_looked_at": report.gaps,
        "changes": report.changes.as_ref().map(changes),
        "seen": report.seen.as_ref().map(seen),
        "inputs": inputs.collect::<Vec<_>>(),
    })
}

fn count(count: ClosureCount) -> Value {
    json!({ "closed": count.closed, "partly": count.partly, "open": count.open })
}

fn cause(place: &AuditPlace) -> Value {
    json!({ "text": place.text, "place": place.place })
}

/// In a word.
fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::All => "all",
        Certainty::Some => "some",
        Certainty::Unknown => "unknown",
    }
}

fn changes(changes: &AuditChanges) -> Value {
    let rows = changes.rows.iter().map(|one| {
        json!({
            "change": one.word,
            "what": one.what,
            "ports": one.ports,
            "because": one.because.iter().map(cause).collect::<Vec<_>>(),
        })
    });
    json!({ "since": changes.since, "verdict": changes.picture.verdict, "rows": rows.collect::<Vec<_>>() })
}

fn seen(seen: &AuditLog) -> Value {
    let rows = seen.rows.iter().map(
        |one| json!({ "change": one.change, "connection": one.connection, "times": one.times, "because": one.because }),
    );
    json!({ "head": seen.head, "remarks": seen.remarks, "rows": rows.collect::<Vec<_>>() })
}
