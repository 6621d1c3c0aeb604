//! Differences as a comment on a pull request.

use super::drift;
use super::human::{instead, ports, unknown};
use super::{Compared, PlacedOrigin, directions, flow, names};
use crate::diff::Kind;
pub(in crate::cli) use crate::graph::{markdown_code as code, markdown_plain as plain};
use std::fmt::Write as _;

/// Longer tables are folded, so that the comment stays short.
const SHORT: usize = 15;

/// More rows make a comment that hosts refuse for its length.
const MOST_ROWS: usize = 200;

/// More names or origins of one row are counted.
const MOST: usize = 6;

/// A heading, the summary, and a table of the differences.
pub(super) fn comment(report: &Compared<'_>) -> String {
    let mut text = format!("### Network policies\n\n{}\n", plain(&capital(&report.summary())));
    for sentence in report.beside() {
        let _ = write!(text, "\n{}\n", plain(&capital(&sentence)));
    }
    text.push_str(&report.drift.map(drift::markdown).unwrap_or_default());
    if report.diff.is_empty() {
        return text;
    }
    let rows = rows(report);
    let folded = rows.len() > SHORT;
    if folded {
        let _ = write!(text, "\n<details>\n<summary>All {} differences</summary>\n", rows.len());
    }
    text.push_str("\n| | What | Ports | Because of |\n|---|---|---|---|\n");
    for row in rows.iter().take(MOST_ROWS) {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(MOST_ROWS) {
        let _ = write!(text, "\nand {more} more\n");
    }
    if folded {
        text.push_str("\n</details>\n");
    }
    text
}

fn rows(report: &Compared<'_>) -> Vec<[String; 4]> {
    let mut rows = Vec::new();
    for change in &report.diff.isolation {
        let what = format!("{}: isolation of {}", code(&names(&change.pods, MOST)), directions(change));
        let [was, is] = change.origins_by_age();
        let mut origins = both(report, [&report.in_old(was), &report.in_new(is)]);
        origins.extend(instead(change).map(|sentence| plain(&sentence)));
        let word = if change.lifted { "**isolation lifted**" } else { "isolation introduced" };
        rows.push([word.to_owned(), what, String::new(), origins.join("<br>")]);
    }
    for change in &report.diff.connections {
        let word = match change.kind {
            Kind::Added => "**added**",
            Kind::Removed => "removed",
            Kind::Changed => "changed",
        };
        let flow = flow(change, MOST);
        let ports = ports(change);
        let [was, is] = change.origins_by_age();
        let mut origins = both(report, [&report.in_old(was), &report.in_new(is)]);
        origins.extend(unknown(change).map(|sentence| plain(&sentence)));
        let ports = code(ports.trim_start_matches([':', ' ']));
        let partly = report.partly(change).trim_start_matches([' ', '#']);
        let ports = if partly.is_empty() { ports } else { format!("{ports} ({partly})") };
        rows.push([word.to_owned(), code(&flow), ports, origins.join("<br>")]);
    }
    rows
}

/// What is responsible in both versions, told apart where it is in both.
fn both(report: &Compared<'_>, [old, new]: [&[PlacedOrigin<'_>]; 2]) -> Vec<String> {
    let [was, is] = if old.is_empty() || new.is_empty() { ["", ""] } else { ["before: ", "now: "] };
    let old = origin_list(report, old, true).into_iter().map(|origin| format!("{was}{origin}"));
    old.chain(origin_list(report, new, false).into_iter().map(|origin| format!("{is}{origin}"))).collect()
}

fn origin_list(report: &Compared<'_>, origins: &[PlacedOrigin<'_>], old: bool) -> Vec<String> {
    let one = |origin: &PlacedOrigin<'_>| {
        let place = report.place(origin, old).map(|place| format!(" ({})", plain(&place))).unwrap_or_default();
        format!("{}{}{place}", code(&origin.origin.text), plain(report.whose(origin.origin)))
    };
    let mut list: Vec<String> = origins.iter().take(MOST).map(one).collect();
    if let Some(more @ 1..) = origins.len().checked_sub(MOST) {
        list.push(format!("and {more} more"));
    }
    list
}

pub(in crate::cli) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
