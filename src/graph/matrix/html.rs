//! A matrix as a page of HTML: each cell leads to the lines that say so.

use super::{CellMark, Matrix, MatrixCell, MatrixEnd, MatrixSides};
use crate::ask::Summary;
use crate::graph::escape::xml;
use crate::graph::html::{TOOLS, whom};
use crate::graph::page::{HtmlPage, drawn_by};
use crate::graph::reach_lines::{ReachLine, reach_lines};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How matrices look.
pub(crate) const STYLE: &str = include_str!("matrix.css");
const SCRIPT: &str = include_str!("matrix.js");

/// More ends than these are put together by namespace, with a matrix for each below.
const MOST_ENDS: usize = 48;

/// Of more ends than these nobody wants every two: there are only namespaces, and the lines tell the rest.
pub const MOST_DETAILED: usize = 400;

/// More lines than these of one cell are counted.
const MOST_LINES: usize = 8;

/// What matrices of pages are made of.
#[derive(Debug, Clone, Copy)]
pub struct MatrixSources<'a> {
    /// The lines,
    pub lines: &'a Summary,
    /// and every two ends of the same question, as far as they are not too many.
    pub table: Option<&'a Summary>,
    /// Who stands at its sides.
    pub sides: MatrixSides,
}

/// The matrix as a page, with what there is to know beside it.
pub fn matrix_page(sources: MatrixSources<'_>, title: &str, notes: &[String]) -> String {
    let all = reach_lines(sources.lines);
    let mut body = format!("<header>\n<h1>{}</h1>\n", xml(title));
    for note in notes {
        let _ = writeln!(body, "<p>{}</p>", xml(note));
    }
    body.push_str(TOOLS);
    body.push_str("</header>\n<main>\n");
    push_matrices(sources, &all, &mut body);
    body.push_str(
        "<h2>Connections</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">From</th><th scope=\"col\">To</th>\
         <th scope=\"col\">Ports</th><th scope=\"col\">For</th></tr></thead>\n<tbody data-list>\n",
    );
    for (at, one) in all.iter().enumerate() {
        let _ = writeln!(
            body,
            "<tr id=\"c{}\"><td class=\"code\">{}</td><td class=\"code\">{}</td><td class=\"code\">{}</td><td>{}</td></tr>",
            at + 1,
            xml(&one.from),
            xml(&one.to),
            xml(&one.detail),
            whom(one.certainty)
        );
    }
    body.push_str("</tbody>\n</table>\n</div>\n</main>\n");
    body.push_str(&drawn_by());
    HtmlPage { title, kind: None, styles: &[STYLE], inner_styles: &[], script: SCRIPT, body: &body, data: None }.text()
}

/// Writes the matrix, of all ends where they are few, else of namespaces with one for each of them below.
pub(crate) fn push_matrices(sources: MatrixSources<'_>, all: &[ReachLine], out: &mut String) {
    let Some(table) = sources.table else {
        let matrix = Matrix::of_lines(sources.lines, all, true).used();
        push_key(&matrix, true, out);
        push_matrix(&matrix, all, out);
        out.push_str("<p>Put together by namespace out of the connections below, for there are very many ends.</p>\n");
        return;
    };
    let matrix = Matrix::exact(table, sources.sides).leading_to(&Matrix::of_lines(sources.lines, all, false));
    let count = matrix.sources.len().max(matrix.destinations.len());
    if count <= MOST_ENDS {
        push_key(&matrix, false, out);
        return push_matrix(&matrix, all, out);
    }
    let folded = matrix.folded().leading_to(&Matrix::of_lines(sources.lines, all, true));
    push_key(&folded, true, out);
    push_matrix(&folded, all, out);
    let _ = writeln!(out, "<p>Put together by namespace, for there are {count} ends. Of each namespace:</p>");
    let homes: BTreeSet<&String> = matrix.ends.iter().filter_map(|end| end.home.as_ref()).collect();
    for home in homes {
        let part = matrix.from(home);
        if !part.sources.is_empty() {
            let _ = writeln!(out, "<details>\n<summary><code>{}</code></summary>", xml(home));
            push_matrix(&part, all, out);
            out.push_str("</details>\n");
        }
    }
}

impl Matrix {
    /// The same, where each cell leads to the lines of another one of the same ends.
    fn leading_to(mut self, lines: &Matrix) -> Matrix {
        let at: BTreeMap<&str, usize> = lines.ends.ids().map(|end| (lines.ends[end].full.as_str(), end)).collect();
        for ((source, destination), cell) in &mut self.cells {
            let both = at.get(self.ends[*source].full.as_str()).zip(at.get(self.ends[*destination].full.as_str()));
            let told = both.and_then(|(source, destination)| lines.cells.get(&(*source, *destination)));
            cell.lines = told.map(|told| told.lines.clone()).unwrap_or_default();
        }
        self
    }

    /// The same without those who have nothing to do with anybody and are nobody's name.
    fn used(self) -> Matrix {
        let used: BTreeSet<usize> =
            self.cells.keys().flat_map(|(source, destination)| [*source, *destination]).collect();
        let is_told = |end: &usize| used.contains(end) || (!self.ends[*end].is_addresses && !self.ends[*end].is_rest());
        let [sources, destinations] =
            [&self.sources, &self.destinations].map(|side| side.iter().copied().filter(is_told).collect());
        Matrix { sources, destinations, ..self }
    }

    /// Whom those of a namespace may connect to.
    fn from(&self, home: &str) -> Matrix {
        let is_here = |end: &usize| self.ends[*end].home.as_deref() == Some(home);
        let sources: Vec<usize> = self.sources.iter().copied().filter(is_here).collect();
        let cells: BTreeMap<(usize, usize), MatrixCell> = self
            .cells
            .iter()
            .filter(|((source, _), _)| is_here(source))
            .map(|(at, cell)| (*at, cell.clone()))
            .collect();
        let reached: BTreeSet<usize> = cells.keys().map(|(_, destination)| *destination).collect();
        let destinations =
            self.destinations.iter().copied().filter(|end| is_here(end) || reached.contains(end)).collect();
        Matrix { ends: self.ends.clone(), sources, destinations, cells }
    }
}

impl MatrixEnd {
    /// Whether it is those whom nobody names.
    fn is_rest(&self) -> bool {
        self.short.starts_with('(')
    }
}

fn class(mark: CellMark) -> &'static str {
    match mark {
        CellMark::Every => "m-every",
        CellMark::Ports => "m-ports",
        CellMark::Some => "m-some",
        CellMark::Unknown => "m-unknown",
    }
}

/// What the signs mean, as far as they are in it.
fn push_key(matrix: &Matrix, is_folded: bool, out: &mut String) {
    let used: BTreeSet<CellMark> = matrix.cells.values().map(|cell| cell.mark).collect();
    out.push_str("<ul class=\"key\">\n");
    for mark in CellMark::ALL.into_iter().filter(|mark| used.contains(mark)) {
        let meaning = match mark {
            CellMark::Ports if is_folded => "something",
            CellMark::Every | CellMark::Ports | CellMark::Some | CellMark::Unknown => mark.meaning(),
        };
        let _ = writeln!(out, "<li><b class=\"{}\">{}</b>{meaning}</li>", class(mark), mark.sign());
    }
    out.push_str("<li><b>&nbsp;</b>nothing</li>\n</ul>\n");
}

fn push_matrix(matrix: &Matrix, all: &[ReachLine], out: &mut String) {
    out.push_str("<div class=\"scroll\">\n<table class=\"matrix\">\n<thead><tr><th class=\"corner\">from \u{2193} to \u{2192}</th>");
    let begins = |ends: &[usize]| -> BTreeSet<usize> {
        let end = |end: usize| &matrix.ends[end];
        // Where each is a namespace of its own, there are no groups.
        let is_other = |one: &MatrixEnd, next: &MatrixEnd| {
            (one.home.as_ref(), one.is_addresses) != (next.home.as_ref(), next.is_addresses)
                && !(one.is_folded && next.is_folded)
        };
        let two = ends.windows(2).filter_map(|two| match two {
            [one, next] if is_other(end(*one), end(*next)) => Some(*next),
            _ => None,
        });
        two.collect()
    };
    let (rows, columns) = (begins(&matrix.sources), begins(&matrix.destinations));
    for end in &matrix.destinations {
        let group = if columns.contains(end) { " class=\"g\"" } else { "" };
        let _ = write!(out, "<th scope=\"col\"{group}><span>{}</span></th>", name(&matrix.ends[*end]));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for source in &matrix.sources {
        let group = if rows.contains(source) { " class=\"g\"" } else { "" };
        let end = &matrix.ends[*source];
        let _ = write!(out, "<tr{group}><th scope=\"row\" title=\"{}\">{}</th>", xml(&about(end)), name(end));
        for destination in &matrix.destinations {
            let mut classes: Vec<&str> = Vec::new();
            classes.extend(columns.contains(destination).then_some("g"));
            classes.extend((source == destination).then_some("s"));
            let classes = match classes.as_slice() {
                [] => String::new(),
                [one] => format!(" class={one}"),
                several => format!(" class=\"{}\"", several.join(" ")),
            };
            let _ = write!(out, "<td{classes}>");
            if let Some(told) = matrix.cells.get(&(*source, *destination)) {
                push_cell(told, [end, &matrix.ends[*destination]], all, out);
            }
        }
        out.push('\n');
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn push_cell(cell: &MatrixCell, [from, to]: [&MatrixEnd; 2], all: &[ReachLine], out: &mut String) {
    let lines = cell.lines.iter().filter_map(|line| all.get(*line));
    let mut told: Vec<String> = lines.take(MOST_LINES).map(ReachLine::line).collect();
    if let Some(more @ 1..) = cell.lines.len().checked_sub(MOST_LINES) {
        told.push(format!("and {more} more"));
    }
    if told.is_empty() {
        told.push(format!("{} -> {}:{}", from.full, to.full, cell.ports).trim_end_matches(':').to_owned());
    }
    let (class, sign, told) = (class(cell.mark), cell.mark.sign(), xml(&told.join("\n")));
    let _ = match cell.lines.first() {
        Some(first) => write!(out, "<a class={class} href=\"#c{}\" title=\"{told}\">{sign}</a>", first + 1),
        None => write!(out, "<b class={class} title=\"{told}\">{sign}</b>"),
    };
}

/// A name with its namespace in faint letters.
fn name(end: &MatrixEnd) -> String {
    match &end.home {
        Some(home) if end.full == format!("{home}/{}", end.short) => {
            format!("<i>{}/</i>{}", xml(home), xml(&end.short))
        }
        _ => xml(&end.full),
    }
}

fn about(end: &MatrixEnd) -> String {
    match end.is_addresses {
        true => end.full.clone(),
        false => format!("{}: {}, {}", end.full, end.closure.word(), end.closure.meaning()),
    }
}

/// A matrix alone.
#[cfg(test)]
pub(in crate::graph) fn table_of(matrix: &Matrix) -> String {
    let mut out = String::new();
    push_matrix(matrix, &[], &mut out);
    out
}
