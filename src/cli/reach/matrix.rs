//! What is allowed as a matrix: who connects stands on the left, to whom above.

use super::ReachReport;
use super::lines::remarks;
use crate::ask::Summary;
use crate::cli::report::incomplete;
use crate::cli::step::of_answer;
use crate::diag::render::sanitize;
use crate::graph::{CellMark, Matrix, MatrixEnd, MatrixSides, MatrixSources, matrix_page};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Names take this part of the width at most,
const PART_OF_NAMES: usize = 2;

/// and are never cut to less than so many characters.
const SHORTEST_NAME: usize = 16;

/// A band has so many columns at least, whatever room there is.
const FEWEST_COLUMNS: usize = 8;

/// The matrix. What is wider than `width` is put together by namespace where that makes it fit; else its columns stand in
/// several bands, one below the other.
pub(super) fn matrix(report: &ReachReport<'_>, width: Option<usize>, sides: MatrixSides) -> String {
    let whole = Matrix::exact(report.summary, sides);
    let printed = PrintedMatrix::new(&whole, width);
    let folded = whole.folded();
    let printed_folded = PrintedMatrix::new(&folded, width);
    let few = folded.ends.len() * 2 <= whole.ends.len();
    let is_folded = !printed.fits() && (printed_folded.fits() || few) && folded.ends.len() < whole.ends.len();
    let printed = if is_folded { printed_folded } else { printed };
    let mut text = printed.text();
    let signs = CellMark::ALL.map(|mark| match mark {
        CellMark::Ports if is_folded => "x something   ".to_owned(),
        CellMark::Every | CellMark::Ports | CellMark::Some | CellMark::Unknown => {
            format!("{} {}   ", mark.sign(), mark.meaning())
        }
    });
    let _ = writeln!(text, "\n{}. nothing", signs.concat());
    if is_folded {
        text.push_str(
            "# by namespace, to fit: `polder reach 'NAMESPACE/*' --format matrix` tells more of one, `--format html` and `csv` all\n",
        );
    }
    let doubt = report.summary.reach.cells.iter().filter(|cell| !cell.is_empty()).find_map(|cell| cell.apart.as_ref());
    if let Some(doubt) = doubt {
        let told = format!("`~` also where it would not be so of some who may be meant: nobody said {doubt}");
        let _ = writeln!(text, "# {}", sanitize(&told));
    }
    for sentence in asides(report) {
        let _ = writeln!(text, "# {sentence}");
    }
    text
}

/// What makes a matrix less than the whole answer.
pub(super) fn asides(report: &ReachReport<'_>) -> Vec<String> {
    let step = report.subject.step().map(of_answer);
    let unknown = incomplete(report.subject.unmodelled(), report.subject.unread());
    step.into_iter().chain(unknown).collect()
}

/// The matrix as a page; `table` has every two ends, where they are not too many.
pub(super) fn page(report: &ReachReport<'_>, table: Option<&Summary>, sides: MatrixSides) -> String {
    let sources = MatrixSources { lines: report.summary, table, sides };
    matrix_page(sources, "Who may connect to whom", &remarks(report))
}

/// A matrix with the names that fit.
struct PrintedMatrix<'a> {
    matrix: &'a Matrix,
    names: Vec<String>,
    /// How wide these are.
    name_width: usize,
    /// How many digits numbers have.
    digits: usize,
    /// How many columns have room.
    room: usize,
}

impl<'a> PrintedMatrix<'a> {
    fn new(matrix: &'a Matrix, width: Option<usize>) -> Self {
        let name = |end: &MatrixEnd| sanitize(&end.full).into_owned();
        let names = matrix.ends.iter().map(name).collect();
        let names = fitting(names, width.map_or(usize::MAX, |width| (width / PART_OF_NAMES).max(SHORTEST_NAME)));
        let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
        let digits = matrix.ends.len().to_string().len();
        let all = matrix.destinations.len();
        let room = width.map_or(all, |width| width.saturating_sub(name_width + digits + 2) / (digits + 1));
        PrintedMatrix { matrix, names, name_width, digits, room: room.max(FEWEST_COLUMNS) }
    }

    /// Whether all columns have room beside each other.
    fn fits(&self) -> bool {
        self.matrix.destinations.len() <= self.room
    }

    fn text(&self) -> String {
        let PrintedMatrix { matrix, names, name_width, digits, room } = self;
        let name = |end: usize| names.get(end).map(String::as_str).unwrap_or_default();
        let mut text = String::new();
        for (at, band) in matrix.destinations.chunks(*room).enumerate() {
            let _ = write!(text, "{}{:name_width$} {:digits$} ", if at == 0 { "" } else { "\n" }, "", "");
            for destination in band {
                let _ = write!(text, " {:>digits$}", destination + 1);
            }
            text.push('\n');
            for source in &matrix.sources {
                let _ = write!(text, "{:name_width$} {:>digits$} ", name(*source), source + 1);
                for destination in band {
                    let cell = matrix.cells.get(&(*source, *destination));
                    let _ = write!(text, " {:>digits$}", cell.map_or(".", |cell| cell.mark.sign()));
                }
                text.push('\n');
            }
        }
        // The numbers of those that stand above alone.
        let known: BTreeSet<&usize> = matrix.sources.iter().collect();
        let others: Vec<&usize> = matrix.destinations.iter().filter(|end| !known.contains(end)).collect();
        if !others.is_empty() {
            text.push('\n');
        }
        for other in others {
            let _ = writeln!(text, "{:name_width$} {:>digits$}", name(*other), other + 1);
        }
        text
    }
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
