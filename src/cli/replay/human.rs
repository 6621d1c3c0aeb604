//! A replay for people.

use super::told::{ToldReplay, ToldRow};
use crate::ask::Edit;
use crate::cli::edit;
use crate::net::Direction;
use crate::replay::{EndKind, ReasonLeftOut, ReplayChange, ReplayReport, SeenOfGroup, month_name, time_parts};
use crate::source::Span;
use std::collections::BTreeMap;

/// Without `--all`, so many rows of each section are listed.
const MOST_ROWS: usize = 10;

/// The pair of a row is not padded further.
const WIDEST: usize = 64;

/// The lines of the report.
pub(super) fn lines(told: &ToldReplay<'_>, all: bool) -> Vec<String> {
    let report = told.report;
    let mut lines = vec![head(report)];
    for change in ReplayChange::ALL {
        let rows: Vec<&ToldRow<'_>> = told.rows.iter().filter(|row| row.row.change == change).collect();
        let is_listed = change != ReplayChange::Same || all;
        if rows.is_empty() || !is_listed {
            continue;
        }
        lines.push(String::new());
        lines.push(title(change, rows.len()));
        lines.extend(section(told, &rows, all));
    }
    lines.push(String::new());
    let same = report.count(ReplayChange::Same);
    lines.push(format!("same: {same}.{}", left_out(report).unwrap_or_default()));
    for remark in told.remarks() {
        lines.push(format!("note: {remark}"));
    }
    lines.extend(crate::cli::report::incomplete(told.subject.unmodelled(), told.subject.unread()));
    lines
}

/// The first line: how much, from when to when, and what is missing.
pub(in crate::cli) fn head(report: &ReplayReport) -> String {
    let lines = counted(report.lines, "line");
    let times = report.times.span.map(|(first, last)| match (long(first), long(last)) {
        (one, other) if one == other => format!(", {} {}", one.0, one.1),
        (one, other) if one.0 == other.0 => format!(", {} {} to {}", one.0, one.1, other.1),
        (one, other) => format!(", {} {} to {} {}", one.0, one.1, other.0, other.1),
    });
    let connections = counted(report.rows.len() as u64, "connection");
    let lost = match report.lost {
        0 => String::new(),
        1 => " 1 event was lost before the log was written.".to_owned(),
        lost => format!(" {lost} events were lost before the log was written."),
    };
    format!("{lines}{}: {connections}.{lost}", times.unwrap_or_default())
}

fn title(change: ReplayChange, count: usize) -> String {
    let was = if count == 1 { "was" } else { "were" };
    match change {
        ReplayChange::Dropped => format!("dropped: {count} passed and would not"),
        ReplayChange::Opened => format!("opened: {count} {was} refused and would pass"),
        ReplayChange::Unknown => format!("unknown: {count} cannot be told"),
        ReplayChange::Same => format!("same: {count}"),
    }
}

fn section(told: &ToldReplay<'_>, rows: &[&ToldRow<'_>], all: bool) -> Vec<String> {
    let shown = if all { rows.len() } else { rows.len().min(MOST_ROWS) };
    let rows_shown: Vec<&&ToldRow<'_>> = rows.iter().take(shown).collect();
    let ends: Vec<(String, String)> = rows_shown.iter().map(|row| both(row)).collect();
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let from = width(&mut ends.iter().map(|(from, _)| from.chars().count()));
    let to = width(&mut ends.iter().map(|(_, to)| to.chars().count()));
    let times: Vec<String> = rows_shown.iter().map(|row| format!("{}x", row.row.tally.attempts())).collect();
    let count = width(&mut times.iter().map(String::len));
    let mut lines = Vec::new();
    for ((row, (source, destination)), times) in rows_shown.iter().zip(&ends).zip(&times) {
        let when = row.row.tally.times.map(|(first, last)| format!("  {}", short(first, last))).unwrap_or_default();
        let mut notes = notes(told, row).into_iter();
        let first = notes.next().map(|note| format!("  {note}")).unwrap_or_default();
        let line = format!("  {source:from$} -> {destination:to$}  {times:>count$}{when}{first}");
        lines.push(line.trim_end().to_owned());
        lines.extend(notes.map(|note| format!("      {note}")));
        lines.extend(writing(told, row));
    }
    if shown < rows.len() {
        lines.push(format!("  ... {} more: --all", rows.len() - shown));
    }
    lines
}

/// Both ends, an address behind what it is, and the port.
pub(super) fn both(row: &ToldRow<'_>) -> (String, String) {
    let told = |name: &str, kind: &EndKind| match (kind, row.row.addresses.as_slice()) {
        (EndKind::Node(_), [address]) if name == "node" => format!("node {address}"),
        _ => name.to_owned(),
    };
    let from = told(&row.row.from, &row.row.ends.0);
    (from, format!("{}:{}", told(&row.row.to, &row.row.ends.1), row.row.port))
}

/// What stands behind a row.
pub(super) fn notes(told: &ToldReplay<'_>, row: &ToldRow<'_>) -> Vec<String> {
    let placed = |text: String, span| match told.place(span) {
        Some((path, line)) => format!("{text} ({path}:{line})"),
        None => text,
    };
    let mut notes = Vec::new();
    if row.row.seen == SeenOfGroup::Audited {
        notes.push("let through by audit mode only".to_owned());
    }
    if row.row.tally.is_only_established() {
        notes.push("open already, its beginning is not in the log".to_owned());
    }
    notes.extend(row.reason.clone());
    match row.row.change {
        ReplayChange::Dropped => {
            let is_excepted = row.nearly.iter().find(|near| near.note.starts_with("excepted"));
            match is_excepted {
                Some(near) => notes.push(placed(near.note.clone(), near.span)),
                None if row.reason.is_none() => notes.push("no flow".to_owned()),
                None => {}
            }
            let near = row.nearly.iter().find(|near| near.note.starts_with("only if"));
            notes.extend(near.map(|near| placed(format!("nearly `{}`, {}", near.text, near.note), near.span)));
            notes.extend(row.breaks.iter().map(|one| placed(format!("breaks `{}`", shortened(&one.text)), one.span)));
        }
        ReplayChange::Opened | ReplayChange::Same => {
            notes.extend(row.allowed_by.iter().map(|one| placed(format!("by `{}`", shortened(&one.text)), one.span)));
        }
        ReplayChange::Unknown => {}
    }
    notes.extend(row.row.staged.iter().map(|(direction, passes)| staged(*direction, *passes)));
    let refusals = row.row.tally.refusals();
    if refusals > 0 && row.row.seen != SeenOfGroup::Refused {
        notes.push(format!("{refusals} lines say that it was refused"));
    }
    if let Some(names) =
        (!row.row.names.is_empty()).then(|| row.row.names.iter().map(|name| &**name).collect::<Vec<_>>())
    {
        notes.push(names.join(", "));
    }
    notes
}

/// What staged policies would do that the candidate does not.
pub(super) fn staged(direction: Direction, passes: bool) -> String {
    let end = match direction {
        Direction::Ingress => "destination",
        Direction::Egress => "source",
    };
    let (they, it) = if passes { ("let it through", "does not") } else { ("refuse it", "lets it through") };
    format!("Calico says that its staged policies would {they} at the {end}, and the candidate {it}")
}

/// The lines to write.
fn writing(told: &ToldReplay<'_>, row: &ToldRow<'_>) -> Vec<String> {
    let at = |span: Option<Span>| told.place(span).map(|(path, line)| format!(" ({path}:{line})")).unwrap_or_default();
    let line = |one: &Edit| format!("{}: {}", edit::place(one, at), edit::text(one));
    let start = |place: usize| if place == 0 { "to allow it, write" } else { "and" };
    row.write.iter().enumerate().map(|(place, edit)| format!("      {} {}", start(place), line(edit))).collect()
}

/// What is left out, in brackets behind a number.
pub(in crate::cli) fn left_out(report: &ReplayReport) -> Option<String> {
    const TOLD: [(ReasonLeftOut, &str, &str); 5] = [
        (ReasonLeftOut::Reply, "reply", "replies"),
        (ReasonLeftOut::L7, "L7 detail", "L7 details"),
        (ReasonLeftOut::NotAFlow, "not a flow", "not flows"),
        (ReasonLeftOut::Time, "of another time", "of another time"),
        (ReasonLeftOut::Unreadable, "unreadable", "unreadable"),
    ];
    let counts: BTreeMap<ReasonLeftOut, u64> =
        report.left_out.iter().map(|(reason, lines)| (*reason, lines.count)).collect();
    let all: u64 = counts.values().sum();
    if all == 0 {
        return None;
    }
    let mut parts: Vec<String> = TOLD
        .iter()
        .filter_map(|(reason, one, several)| match counts.get(reason)? {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {several}")),
        })
        .collect();
    let told: u64 = TOLD.iter().filter_map(|(reason, ..)| counts.get(reason)).sum();
    if all > told {
        parts.push(counted(all - told, "other"));
    }
    Some(format!(" left out: {} ({})", counted(all, "line"), parts.join(", ")))
}

pub(in crate::cli) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A text that leaves room for what stands beside it.
pub(in crate::cli) fn shortened(text: &str) -> String {
    const LONGEST: usize = 64;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 3).collect();
    format!("{}...", start.trim_end())
}

/// `23 November` and `08:00`.
fn long(nanos: i64) -> (String, String) {
    let [_, of_year, day, hour, minute, _] = time_parts(nanos);
    (format!("{day} {}", month_name(of_year)), format!("{hour:02}:{minute:02}"))
}

/// `23 Nov 08:12-08:13`.
fn short(first: i64, last: i64) -> String {
    let text = |nanos| {
        let [_, of_year, day, hour, minute, _] = time_parts(nanos);
        let month: String = month_name(of_year).chars().take(3).collect();
        (format!("{day} {month}"), format!("{hour:02}:{minute:02}"))
    };
    match (text(first), text(last)) {
        (one, other) if one == other => format!("{} {}", one.0, one.1),
        (one, other) if one.0 == other.0 => format!("{} {}-{}", one.0, one.1, other.1),
        (one, other) => format!("{} {}-{} {}", one.0, one.1, other.0, other.1),
    }
}
