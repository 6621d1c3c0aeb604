//! A replay for programs.

use super::human::staged;
use super::told::{ToldReplay, ToldRow, ToldStatement};
use crate::ask::Edit;
use crate::cli::edit;
use crate::cli::json::document as print;
use crate::cli::log::about_logs;
use crate::cli::step::with_step;
use crate::replay::{Because, LoggedLines, ReasonLeftOut, ReplayChange, time_text};
use crate::source::Span;
use serde_json::{Value, json};

/// One object with the schema `polder/replay/v1`.
pub(super) fn document(told: &ToldReplay<'_>) -> String {
    let report = told.report;
    let count = |change| (change_word(change), json!(report.count(change)));
    let changes: serde_json::Map<String, Value> = ReplayChange::ALL.into_iter().map(count).collect();
    let reason = |reason: ReasonLeftOut| {
        let found = report.left_out.get(&reason).filter(|found| found.count > 0)?;
        Some(json!({ "reason": reason.word(), "lines": lines(told, found) }))
    };
    let own = json!({
        "changes": changes,
        "hidden_labels": report.hidden.iter().map(|key| &**key).collect::<Vec<_>>(),
        "notes": told.remarks(),
        "groups": told.rows.iter().map(|row| group(told, row)).collect::<Vec<_>>(),
        "left_out": ReasonLeftOut::ALL.into_iter().filter_map(reason).collect::<Vec<_>>(),
    });
    let document = about_logs("polder/replay/v1", told.subject, report, own);
    print(&with_step(document, told.subject.step()))
}

fn change_word(change: ReplayChange) -> String {
    change.word().to_owned()
}

/// How many lines, and the first of them.
fn lines(told: &ToldReplay<'_>, lines: &LoggedLines) -> Value {
    let first = lines.first.iter().map(|line| json!({ "log": told.report.log(line), "line": line.line }));
    json!({ "count": lines.count, "first": first.collect::<Vec<_>>() })
}

fn place(told: &ToldReplay<'_>, span: Option<Span>) -> Option<Value> {
    told.place(span).map(|(path, line)| json!({ "path": path, "line": line }))
}

fn group(told: &ToldReplay<'_>, row: &ToldRow<'_>) -> Value {
    let of_row = row.row;
    let statement = |one: &ToldStatement| json!({ "statement": one.text, "place": place(told, one.span) });
    let near =
        |one: &ToldStatement| json!({ "statement": one.text, "place": place(told, one.span), "wrong": one.note });
    let statements = |all: &[ToldStatement]| all.iter().map(statement).collect::<Vec<_>>();
    let code = of_row.judged.why.as_ref().map(|why| match why {
        Because::OwnNode => "own-node",
        Because::ToOwnNode => "to-own-node",
        Because::Itself => "same-pod",
        Because::Open => "not-isolated",
        Because::Proxy => "proxy",
        Because::Unclear(unclear) => unclear.word(),
    });
    let edit = |one: &Edit| edit::json(one, |span| place(told, span));
    let sample = of_row.tally.sample.as_ref().map(|sample| {
        let [source, destination] = &sample.ends;
        let end =
            |(name, address): &(Option<Box<str>>, Option<std::net::IpAddr>)| json!({ "pod": name, "address": address });
        json!({ "time": sample.time.map(time_text), "source": end(source), "destination": end(destination) })
    });
    json!({
        "from": of_row.from,
        "to": of_row.to,
        "port": of_row.port,
        "seen": of_row.seen.word(),
        "candidate": of_row.candidate.word(),
        "change": of_row.change.word(),
        "attempts": of_row.tally.attempts(),
        "only_established": of_row.tally.is_only_established(),
        "refusals": of_row.tally.refusals(),
        "same_pod": of_row.itself,
        "first": of_row.tally.times.map(|(first, _)| time_text(first)),
        "last": of_row.tally.times.map(|(_, last)| time_text(last)),
        "lines": lines(told, &of_row.tally.lines),
        "reason": code,
        "because": row.reason,
        "allowed_by": statements(&row.allowed_by),
        "nearly_by": row.nearly.iter().map(near).collect::<Vec<_>>(),
        "breaks": statements(&row.breaks),
        "staged": of_row.staged.iter().map(|(direction, passes)| staged(*direction, *passes)).collect::<Vec<_>>(),
        "write": row.write.iter().map(edit).collect::<Vec<_>>(),
        "service": of_row.service,
        "names": of_row.names.iter().map(|name| &**name).collect::<Vec<_>>(),
        "addresses": of_row.addresses,
        "address_count": of_row.address_count,
        "sample": sample,
    })
}
