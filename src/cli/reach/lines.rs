//! What is allowed as lines of the language, each only where no wider one says it.

use super::Report;
use super::names::end_text;
use crate::analyze::{Cell, Doubt, EndId, Isolated, Row, RowNames};
use crate::cli::report::{first_doubts, incomplete};
use crate::cluster::{Kind, Workload};
use crate::diag::render::sanitize;
use crate::net::PortSet;
use crate::policy::Direction;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// The table.
pub(super) fn table(report: &Report<'_>) -> String {
    let mut text = String::new();
    let mut sections: BTreeMap<(bool, Option<String>), Vec<Line>> = BTreeMap::new();
    let told = Told::new(report);
    for cell in told.lines() {
        let (Some(source), Some(destination)) = (row(report, cell.source), row(report, cell.destination)) else {
            continue;
        };
        let home = report.names.home(source);
        let from = report.names.of(source, home.as_deref());
        let to = report.names.of(destination, home.as_deref());
        let mut section = Vec::new();
        let line = |ports: &PortSet, remark| Line { from: from.clone(), to: format!("{to}:{ports}"), remark };
        let wide = source.names.is_wide() || destination.names.is_wide();
        if !cell.every.is_empty() {
            section.push(line(&cell.every, None));
        }
        let between = |pair: Option<(EndId, EndId)>| match pair {
            Some((a, b)) => format!("{} -> {}", end_text(report.situation, a), end_text(report.situation, b)),
            None => String::new(),
        };
        if !wide && !cell.every.contains(&cell.some) && !told.is_some_told(cell) {
            section.push(line(&cell.some, Some(format!("only some, such as {}", between(cell.example)))));
        }
        let unknown = cell.unknown.subtract(&cell.some);
        if !wide && !unknown.is_empty() {
            // What is left may have no words of its own.
            let whole = if unknown.is_writable() { unknown } else { unknown.union(&cell.some) };
            let whole = if whole.is_writable() { whole } else { PortSet::everything() };
            section.push(line(&whole, Some(format!("unknown: nobody said {}", first_doubts(&doubts(report, cell))))));
        }
        if !section.is_empty() {
            sections.entry((home.is_none(), home)).or_default().extend(section);
        }
    }
    for ((_, home), lines) in &sections {
        if !text.is_empty() {
            text.push('\n');
        }
        let indent = match home {
            Some(namespace) => {
                push(&mut text, &format!("namespace {namespace}"));
                "  "
            }
            None => "",
        };
        let width = lines.iter().map(|line| line.from.chars().count()).max().unwrap_or_default();
        let with_remark = lines.iter().filter(|line| line.remark.is_some());
        let to_width = with_remark.map(|line| line.to.chars().count()).max().unwrap_or_default();
        for Line { from, to, remark } in lines {
            match remark {
                None => push(&mut text, &format!("{indent}{from:width$} -> {to}")),
                Some(remark) => push(&mut text, &format!("{indent}{from:width$} -> {to:to_width$}  # {remark}")),
            }
        }
    }
    let remarks = remarks(report);
    if text.is_empty() {
        push(&mut text, if remarks.is_empty() { "# nothing is allowed" } else { "# no policy allows anything" });
    }
    if !remarks.is_empty() {
        text.push('\n');
        remarks.iter().for_each(|remark| push(&mut text, &format!("# {remark}")));
    }
    text
}

struct Line {
    from: String,
    to: String,
    remark: Option<String>,
}

fn push(text: &mut String, line: &str) {
    let _ = writeln!(text, "{}", sanitize(line));
}

fn row<'a>(report: &Report<'a>, place: usize) -> Option<&'a Row> {
    report.reach.rows.get(place)
}

/// What is missing to say whether a connection is allowed.
pub(super) fn missing(report: &Report<'_>, cell: &Cell) -> String {
    doubts(report, cell).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn doubts(report: &Report<'_>, cell: &Cell) -> Vec<Doubt> {
    let doubts = cell.doubtful.map(|(source, destination)| report.engine.doubts(source, destination, &cell.unknown));
    doubts.unwrap_or_default()
}

/// Finds the cells that say something which nothing else says.
struct Told<'a> {
    report: &'a Report<'a>,
    rows_of: BTreeMap<EndId, Vec<usize>>,
    /// The cells that may become lines.
    cells: BTreeMap<(usize, usize), &'a Cell>,
}

impl<'a> Told<'a> {
    fn new(report: &'a Report<'a>) -> Self {
        let mut told = Told { report, rows_of: BTreeMap::new(), cells: BTreeMap::new() };
        for (place, row) in report.reach.rows.iter().enumerate() {
            row.ends.iter().for_each(|end| told.rows_of.entry(*end).or_default().push(place));
        }
        let says = |cell: &&Cell| told.says(cell);
        let cells = report.reach.cells.iter().filter(says).map(|cell| ((cell.source, cell.destination), cell));
        told.cells = cells.collect();
        told
    }

    fn says(&self, cell: &Cell) -> bool {
        let rows = (row(self.report, cell.source), row(self.report, cell.destination));
        let (Some(source), Some(destination)) = rows else { return false };
        let wide = source.names.is_wide() || destination.names.is_wide();
        let something = if wide { !cell.every.is_empty() } else { !cell.is_empty() };
        something && !self.is_open(source, destination) && self.is_fit(source, destination)
    }

    /// Whether neither side is isolated, so that everything is allowed: a remark says so.
    fn is_open(&self, source: &Row, destination: &Row) -> bool {
        source.egress() == Isolated::No && destination.ingress() == Isolated::No
    }

    /// Whether wide rows stand where they say why: one that is isolated in part hides who is let through by a rule.
    fn is_fit(&self, source: &Row, destination: &Row) -> bool {
        let side = |row: &Row, direction: Direction| match row.names {
            RowNames::Isolated(of) | RowNames::NotIsolated(of) => of.is_none_or(|of| of == direction),
            _ => true,
        };
        let closed = is_closed(source, destination);
        side(source, Direction::Egress)
            && side(destination, Direction::Ingress)
            && (closed || !(source.names.is_wide() || destination.names.is_wide()))
    }

    fn is_closed(&self, cell: &Cell) -> bool {
        let rows = (row(self.report, cell.source), row(self.report, cell.destination));
        matches!(rows, (Some(source), Some(destination)) if is_closed(source, destination))
    }

    /// The cells that no wider one says.
    fn lines(&self) -> impl Iterator<Item = &'a Cell> {
        let rows = &self.report.reach.rows;
        // Each row with those that hold all of it.
        let holding = |row: &Row| -> Vec<usize> {
            let near = row.ends.first().and_then(|end| self.rows_of.get(end)).into_iter().flatten().copied();
            near.filter(|place| rows.get(*place).is_some_and(|other| holds(other, row))).collect()
        };
        let wider: Vec<Vec<usize>> = rows.iter().map(holding).collect();
        let is_new = move |cell: &&Cell| {
            let ends = [cell.source, cell.destination];
            let wide = ends.into_iter().filter_map(|place| rows.get(place)).any(|row| row.names.is_wide());
            let [mut here, there] = ends.map(|place| wider.get(place).into_iter().flatten());
            !here.any(|source| {
                there.clone().any(|destination| {
                    let itself = [*source, *destination] == ends;
                    let other = self.cells.get(&(*source, *destination)).filter(|_| !itself);
                    other.is_some_and(|other| {
                        let said = |ports: &PortSet| other.every.contains(ports);
                        let closed = !self.is_closed(cell) || self.is_closed(other);
                        closed && said(&cell.every) && (wide || (said(&cell.some) && said(&cell.unknown)))
                    })
                })
            })
        };
        let lines: Vec<&Cell> = self.cells.values().copied().filter(is_new).collect();
        lines.into_iter()
    }

    /// Whether what only some of two rows may is told by others that they are in, or by their not being isolated.
    fn is_some_told(&self, cell: &Cell) -> bool {
        /// For more pairs it is not looked at.
        const MOST_PAIRS: usize = 1 << 14;
        let rows = (row(self.report, cell.source), row(self.report, cell.destination));
        let (Some(source), Some(destination)) = rows else { return false };
        if source.ends.len().saturating_mul(destination.ends.len()) > MOST_PAIRS {
            return false;
        }
        let engine = self.report.engine;
        let places = |end: &EndId| self.rows_of.get(end).into_iter().flatten();
        let is_told = |a: &EndId, b: &EndId| {
            let open = !engine.is_isolated(Direction::Egress, *a) && !engine.is_isolated(Direction::Ingress, *b);
            if open || engine.is_itself(*a, *b) {
                return true;
            }
            let allowed = engine.between(*a, *b).allowed.intersect(&cell.some);
            cell.every.contains(&allowed)
                || places(a).any(|from| {
                    places(b).any(|to| self.cells.get(&(*from, *to)).is_some_and(|cell| cell.every.contains(&allowed)))
                })
        };
        source.ends.iter().all(|a| destination.ends.iter().all(|b| is_told(a, b)))
    }
}

/// Whether some rule lets every one of them through.
fn is_closed(source: &Row, destination: &Row) -> bool {
    source.egress() == Isolated::Yes || destination.ingress() == Isolated::Yes
}

/// Whether all ends of `row` are in `other`.
fn holds(other: &Row, row: &Row) -> bool {
    row.ends.iter().all(|end| other.ends.binary_search(end).is_ok())
}

/// What there is to know beside the lines.
fn remarks(report: &Report<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    let used: BTreeSet<usize> = report.reach.cells.iter().flat_map(|cell| [cell.source, cell.destination]).collect();
    let all_rows = || report.reach.rows.iter().enumerate().filter(|(place, _)| used.contains(place));
    let pods = |row: &Row| row.ends.iter().all(|end| report.situation.world.pods(*end).is_some());
    let open = |wanted: fn(&[Isolated; 2]) -> bool| -> Option<String> {
        let rows: Vec<&Row> = all_rows().map(|(_, row)| row).filter(|row| pods(row) && wanted(&row.isolated)).collect();
        list(report, &rows)
    };
    use Isolated::{No, Partly};
    if let Some(names) = open(|isolated| *isolated == [No, No]) {
        remarks.push(match names.as_str() {
            "cluster" => "no pod is isolated: everything is allowed".to_owned(),
            names => format!("not isolated, so open to each other and to every address: {names}"),
        });
    }
    if let Some(names) = open(|[ingress, egress]| *ingress == No && *egress != No) {
        remarks.push(match names.as_str() {
            "cluster" => "no pod is isolated for ingress".to_owned(),
            names => format!("not isolated for ingress, so open to whoever may leave: {names}"),
        });
    }
    if let Some(names) = open(|[ingress, egress]| *ingress != No && *egress == No) {
        remarks.push(match names.as_str() {
            "cluster" => "no pod is isolated for egress".to_owned(),
            names => format!("not isolated for egress, so free to reach all that is open, and every address: {names}"),
        });
    }
    let partly = all_rows().map(|(_, row)| row).filter(|row| !row.names.is_wide() && row.isolated.contains(&Partly));
    if let Some(names) = list(report, &partly.collect::<Vec<_>>()) {
        remarks.push(format!("only some of the pods are isolated: {names}"));
    }
    remarks.extend(outside(report).into_iter().map(|(workload, why)| format!("not in the answer: {workload} ({why})")));
    for workload in split(report) {
        remarks.push(format!("the pods of {workload} are not alike to the policies; each kind is told apart"));
    }
    remarks.extend(incomplete(report.subject.unmodelled()));
    remarks
}

/// The names of rows; those that others hold are left out.
fn list(report: &Report<'_>, rows: &[&Row]) -> Option<String> {
    let is_inside = |row: &Row| rows.iter().any(|other| other.ends.len() > row.ends.len() && holds(other, row));
    let mut names: Vec<String> =
        rows.iter().filter(|row| !is_inside(row)).map(|row| report.names.of(row, None)).collect();
    // Those in parentheses are nobody's name.
    names.sort_by_key(|name| (name.starts_with('('), name.clone()));
    (!names.is_empty()).then(|| names.join(", "))
}

/// The workloads that policies do not apply to, or that have no pods, and why.
pub(super) fn outside<'a>(report: &Report<'a>) -> Vec<(&'a Workload, &'static str)> {
    let workloads = report.subject.cluster().map(|cluster| cluster.workloads.as_slice()).unwrap_or_default();
    workloads.iter().filter_map(|workload| Some((workload, workload.outside()?))).collect()
}

/// The workloads whose pods the policies can tell apart.
pub(super) fn split<'a>(report: &Report<'a>) -> Vec<String> {
    let mut kinds: BTreeMap<(&'a Arc<str>, &'a Arc<str>, Kind), usize> = BTreeMap::new();
    for group in &report.situation.groups {
        if let crate::analyze::GroupName::Workload(namespace, name, kind, Some(_)) = &group.name {
            *kinds.entry((namespace, name, *kind)).or_default() += 1;
        }
    }
    kinds.into_keys().map(|(namespace, name, kind)| format!("{namespace}/{name}[{}]", kind.as_str())).collect()
}
