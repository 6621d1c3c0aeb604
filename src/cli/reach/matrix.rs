//! What is allowed as a matrix: who connects stands on the left, to whom above.

use super::ReachReport;
use crate::ask::{Cell, Row};
use crate::cli::report::incomplete;
use crate::cli::step::of_answer;
use crate::diag::render::sanitize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Names take this part of the width at most,
const PART_OF_NAMES: usize = 2;

/// and are never cut to less than so many characters.
const SHORTEST_NAME: usize = 16;

/// A band has so many columns at least, whatever room there is.
const FEWEST_COLUMNS: usize = 8;

/// The matrix. Where it is wider than `width`, its columns stand in several bands, one below the other.
pub(super) fn matrix(report: &ReachReport<'_>, width: Option<usize>) -> String {
    let all = report.summary.reach.rows.iter().enumerate().filter(|(_, row)| !row.names.is_wide());
    let cells: BTreeMap<(usize, usize), &Cell> = report
        .summary
        .reach
        .cells
        .iter()
        .filter(|cell| !cell.is_empty())
        .map(|cell| ((cell.source, cell.destination), cell))
        .collect();
    let used: BTreeSet<usize> = cells.keys().flat_map(|(source, destination)| [*source, *destination]).collect();
    let rows: Vec<(usize, &Row)> = all.filter(|(place, _)| used.contains(place)).collect();
    let names = rows.iter().map(|(_, row)| sanitize(&report.names.of(row, None)).into_owned()).collect();
    let names = fitting(names, width.map_or(usize::MAX, |width| (width / PART_OF_NAMES).max(SHORTEST_NAME)));
    let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let digits = rows.len().to_string().len();
    let columns: Vec<(usize, usize)> = (1..).zip(rows.iter().map(|(place, _)| *place)).collect();
    let room = width.map_or(columns.len(), |width| width.saturating_sub(name_width + digits + 2) / (digits + 1));
    let mut text = String::new();
    for (at, band) in columns.chunks(room.max(FEWEST_COLUMNS)).enumerate() {
        let _ = write!(text, "{}{:name_width$} {:digits$} ", if at == 0 { "" } else { "\n" }, "", "");
        for (number, _) in band {
            let _ = write!(text, " {number:>digits$}");
        }
        text.push('\n');
        for ((number, source), name) in columns.iter().zip(&names) {
            let _ = write!(text, "{name:name_width$} {number:>digits$} ");
            for (_, destination) in band {
                let mark = cells.get(&(*source, *destination)).map_or(".", |cell| mark(cell));
                let _ = write!(text, " {mark:>digits$}");
            }
            text.push('\n');
        }
    }
    text.push_str("\n* every port   x some ports   ~ some pods only   ? unknown   . nothing\n");
    if let Some(doubt) = cells.values().find_map(|cell| cell.apart.as_ref()) {
        let told = format!("`~` also where it would not be so of some who may be meant: nobody said {doubt}");
        let _ = writeln!(text, "# {}", sanitize(&told));
    }
    let step = report.subject.step().map(of_answer);
    let unknown = incomplete(report.subject.unmodelled(), report.subject.unread());
    for sentence in step.into_iter().chain(unknown) {
        let _ = writeln!(text, "# {sentence}");
    }
    text
}

/// The names in at most `most` characters each, cut where that leaves them apart; else as they are.
fn fitting(names: Vec<String>, most: usize) -> Vec<String> {
    let room = most.saturating_sub(2);
    let ways = [room.div_ceil(2), room, 0];
    let cut_all = |start: usize| -> Vec<String> { names.iter().map(|name| cut(name, most, start)).collect() };
    let is_clear = |cut: &Vec<String>| cut.iter().collect::<BTreeSet<_>>().len() == cut.len();
    ways.into_iter().map(cut_all).find(is_clear).unwrap_or(names)
}

/// A name of at most `most` characters, of which so many are from its start and all others from its end.
fn cut(name: &str, most: usize, start: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        return name.to_owned();
    }
    let end = most.saturating_sub(2 + start);
    let tail: String = name.chars().skip(length - end).collect();
    name.chars().take(start).chain("..".chars()).collect::<String>() + &tail
}

fn mark(cell: &Cell) -> &'static str {
    if cell.apart.is_some() {
        "~"
    } else if cell.every.is_everything() {
        "*"
    } else if !cell.every.is_empty() {
        "x"
    } else if !cell.some.is_empty() {
        "~"
    } else {
        "?"
    }
}
