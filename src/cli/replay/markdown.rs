//! A replay as a comment on a pull request.

use super::human::{head, left_out, notes};
use super::told::{ToldReplay, ToldRow};
use crate::cli::diff::{markdown_code as code, markdown_plain as plain};
use crate::cli::edit;
use crate::replay::ReplayChange;
use std::fmt::Write as _;

/// More rows make a comment that hosts refuse for its length.
const MOST_ROWS: usize = 100;

/// A heading, the summary, and a table of what changes.
pub(super) fn comment(told: &ToldReplay<'_>) -> String {
    let report = told.report;
    let mut text = format!("### Connections that were seen\n\n{}\n", plain(&head(report)));
    let rows: Vec<&ToldRow<'_>> = told.rows.iter().filter(|row| row.row.change != ReplayChange::Same).collect();
    if !rows.is_empty() {
        text.push_str("\n| | Connection | Seen | Because |\n|---|---|---|---|\n");
    }
    for row in rows.iter().take(MOST_ROWS) {
        let word = match row.row.change {
            ReplayChange::Dropped => "**dropped**",
            ReplayChange::Opened => "**opened**",
            ReplayChange::Unknown | ReplayChange::Same => "unknown",
        };
        let pair = code(&format!("{} -> {}:{}", row.row.from, row.row.to, row.row.port));
        let mut because: Vec<String> = notes(told, row).iter().map(|note| plain(note)).collect();
        because.extend(row.write.iter().map(|one| format!("to allow it: {}", code(edit::text(one)))));
        let times = row.row.tally.attempts();
        let _ = writeln!(text, "| {word} | {pair} | {times}x | {} |", because.join("<br>"));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(MOST_ROWS) {
        let _ = write!(text, "\nand {more} more\n");
    }
    let same = report.count(ReplayChange::Same);
    let left_out = left_out(report).unwrap_or_default();
    let _ = write!(text, "\n{}\n", plain(&format!("Same: {same}.{left_out}")));
    for remark in told.remarks() {
        let _ = write!(text, "\nNote: {}\n", plain(&remark));
    }
    text
}
