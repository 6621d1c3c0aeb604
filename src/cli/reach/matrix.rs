//! What is allowed as a matrix: who connects stands on the left, to whom above.

use super::Report;
use crate::ask::{Cell, Row};
use crate::cli::report::incomplete;
use crate::diag::render::sanitize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The matrix.
pub(super) fn matrix(report: &Report<'_>) -> String {
    let all = report.reach.rows.iter().enumerate().filter(|(_, row)| !row.names.is_wide());
    let cells: BTreeMap<(usize, usize), &Cell> = report
        .reach
        .cells
        .iter()
        .filter(|cell| !cell.is_empty())
        .map(|cell| ((cell.source, cell.destination), cell))
        .collect();
    let used: BTreeSet<usize> = cells.keys().flat_map(|(source, destination)| [*source, *destination]).collect();
    let rows: Vec<(usize, &Row)> = all.filter(|(place, _)| used.contains(place)).collect();
    let names: Vec<String> = rows.iter().map(|(_, row)| sanitize(&report.names.of(row, None)).into_owned()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let digits = rows.len().to_string().len();
    let mut text = String::new();
    let mut heading = format!("{:width$} {:digits$} ", "", "");
    for number in 1..=rows.len() {
        let _ = write!(heading, " {number:>digits$}");
    }
    let _ = writeln!(text, "{heading}");
    for (number, ((source, _), name)) in (1..).zip(rows.iter().zip(&names)) {
        let _ = write!(text, "{name:width$} {number:>digits$} ");
        for (destination, _) in &rows {
            let mark = cells.get(&(*source, *destination)).map_or(".", |cell| mark(cell));
            let _ = write!(text, " {mark:>digits$}");
        }
        text.push('\n');
    }
    text.push_str("\n* every port   x some ports   ~ some pods only   ? unknown   . nothing\n");
    for sentence in incomplete(report.subject.unmodelled(), report.subject.unread()) {
        let _ = writeln!(text, "# {sentence}");
    }
    text
}

fn mark(cell: &Cell) -> &'static str {
    if cell.every.is_everything() {
        "*"
    } else if !cell.every.is_empty() {
        "x"
    } else if !cell.some.is_empty() {
        "~"
    } else {
        "?"
    }
}
