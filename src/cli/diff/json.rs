//! Differences for programs.

use super::{Compared, PlacedOrigin, drift};
use crate::cli::json::{document as print, ports, unmodelled, unread};
use crate::cli::step::as_json;
use crate::diff::{ConnectionChange, IsolationChange, Kind};
use crate::engine::Verdict;
use crate::session::Subject;
use serde_json::{Value, json};

/// One object with the schema `polder/diff/v1`.
pub(super) fn document(report: &Compared<'_>) -> String {
    let diff = report.diff;
    let isolation: Vec<Value> = diff.isolation.iter().map(|change| isolation(report, change)).collect();
    let connections: Vec<Value> = diff.connections.iter().map(|change| connection(report, change)).collect();
    let mut value = json!({
        "schema": "polder/diff/v1",
        "same": diff.is_empty(),
        "wider": diff.is_wider(),
        "narrower": diff.is_narrower(),
        "complete": report.versions.unmodelled().is_empty() && report.versions.unread().is_empty(),
        "unmodelled": unmodelled(report.versions.unmodelled()),
        "unread": unread(report.versions.unread()),
        "revision": report.revisions[0],
        "new_revision": report.revisions[1],
        "isolation": isolation,
        "connections": connections,
    });
    if let (Some(same), Some(members)) = (report.sides, value.as_object_mut()) {
        members.insert("sides".to_owned(), true.into());
        members.insert("same_connections".to_owned(), same.into());
    }
    let steps = [&report.versions.old, &report.versions.new].map(|subject| subject.as_ref().and_then(Subject::step));
    for (name, step) in ["old_enforced", "new_enforced"].into_iter().zip(steps) {
        if let (Some(step), Some(members)) = (step, value.as_object_mut()) {
            members.insert(name.to_owned(), as_json(step));
        }
    }
    if let (Some(drift), Some(members)) = (report.drift, value.as_object_mut()) {
        members.insert("same".to_owned(), drift.is_empty().into());
        members.insert("wider".to_owned(), drift.is_wider().into());
        members.extend(drift::members(drift));
    }
    print(&value)
}

fn isolation(report: &Compared<'_>, change: &IsolationChange) -> Value {
    let origins = if change.lifted { report.in_old(&change.origins) } else { report.in_new(&change.origins) };
    let [was, is] = change.origins_by_age();
    let instead = if change.lifted { report.in_new(is) } else { report.in_old(was) };
    json!({
        "change": if change.lifted { "lifted" } else { "introduced" },
        "directions": change.directions.iter().map(|direction| direction.word()).collect::<Vec<_>>(),
        "pods": change.pods,
        "origins": origins.iter().map(origin).collect::<Vec<_>>(),
        "instead": instead.iter().map(origin).collect::<Vec<_>>(),
    })
}

fn connection(report: &Compared<'_>, change: &ConnectionChange) -> Value {
    let list = |verdict: &Verdict| json!({ "ports": ports(&verdict.allowed), "perhaps": ports(&verdict.unknown) });
    let instead = match change.old_origins.is_empty() {
        true => report.in_old(&change.instead),
        false => report.in_new(&change.instead),
    };
    let mut value = json!({
        "change": match change.kind {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
        },
        "sources": change.sources,
        "destinations": change.destinations,
        "added": list(&change.added),
        "removed": list(&change.removed),
        "partly": change.partly,
        "missing": change.doubts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "old_origins": report.in_old(&change.old_origins).iter().map(origin).collect::<Vec<_>>(),
        "new_origins": report.in_new(&change.new_origins).iter().map(origin).collect::<Vec<_>>(),
        "instead": instead.iter().map(origin).collect::<Vec<_>>(),
    });
    if let (Some(side), Some(members)) = (change.side, value.as_object_mut()) {
        members.insert("side".to_owned(), side.word().into());
    }
    value
}

fn origin(placed: &PlacedOrigin<'_>) -> Value {
    let known = placed.path.is_some();
    json!({
        "kind": if placed.origin.is_policy { "policy" } else { "statement" },
        "text": placed.origin.text,
        "path": placed.path,
        "line": known.then_some(placed.line),
        "column": known.then_some(placed.column),
    })
}
