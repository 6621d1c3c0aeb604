//! What was learned, for programs.

use super::patch;
use super::told::ToldLesson;
use crate::cli::json::document as print;
use crate::cli::log::about_logs;
use crate::replay::{ReplayRow, time_text};
use serde_json::{Value, json};

/// One object with the schema `polder/learn/v1`.
pub(super) fn document(told: &ToldLesson<'_>) -> String {
    let report = &told.learned.lessons.report;
    let added = told.added().map(|(statement, flow)| {
        let wider = flow.wider.as_ref().map(|wider| {
            let number = |count: u128| u64::try_from(count).unwrap_or(u64::MAX);
            json!({ "name": &*wider.name, "addresses": number(wider.addresses), "seen": number(wider.seen) })
        });
        json!({
            "file": told.file(statement),
            "namespace": statement.namespace.as_deref(),
            "flow": statement.text,
            "declares": statement.declares,
            "wider": wider,
            "groups": told.rows(flow).map(group).collect::<Vec<_>>(),
        })
    });
    let left =
        told.left().map(|(row, why)| json!({ "group": group(row), "reason": why.word(), "because": told.why(why) }));
    let files = told.learned.files.iter().map(|file| json!({ "path": file.name, "text": file.after }));
    let own = json!({
        "proposed": added.collect::<Vec<_>>(),
        "left": left.collect::<Vec<_>>(),
        "patch": patch::text(&told.learned.files, told.outer.as_deref()),
        "files": files.collect::<Vec<_>>(),
        "written": told.is_written,
    });
    print(&about_logs("polder/learn/v1", told.subject, report, own))
}

fn group(row: &ReplayRow) -> Value {
    json!({
        "from": row.from,
        "to": row.to,
        "port": row.port,
        "seen": row.seen.word(),
        "attempts": row.tally.attempts(),
        "first": row.tally.times.map(|(first, _)| time_text(first)),
        "last": row.tally.times.map(|(_, last)| time_text(last)),
        "names": row.names.iter().map(|name| &**name).collect::<Vec<_>>(),
        "addresses": row.addresses,
    })
}
