//! What is allowed as lines of the language, each only where no wider one says it.

use super::ReachReport;
use super::ends::end_text;
use crate::ask::{Cell, GroupName, IsolatedShare, Row};
use crate::cli::beyond;
use crate::cli::report::{first_doubts, incomplete, left_out, overlap};
use crate::cli::step::of_answer;
use crate::cluster::{Kind, Workload};
use crate::diag::render::sanitize;
use crate::engine::{Doubt, EndId};
use crate::net::PortSet;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The same with the names of namespaces in bold, and what is no connection in faint letters.
pub(super) fn painted(table: &str, color: bool) -> String {
    if !color {
        return table.to_owned();
    }
    let line = |line: &str| match line {
        _ if line.starts_with("namespace ") => format!("\u{1b}[1m{line}\u{1b}[0m\n"),
        _ if line.starts_with('#') => format!("\u{1b}[2m{line}\u{1b}[0m\n"),
        _ => format!("{line}\n"),
    };
    table.lines().map(line).collect()
}

/// The table.
pub(super) fn table(report: &ReachReport<'_>) -> String {
    let mut reasons = Reasons::default();
    let sections = sections(report, &mut reasons);
    let mut text = String::new();
    for ((_, home), lines) in &sections {
        if !text.is_empty() {
            text.push('\n');
        }
        push_section(&mut text, home.as_deref(), lines, &reasons);
    }
    let remarks: Vec<String> = reasons.footnotes().chain(remarks(report)).collect();
    if text.is_empty() {
        push(
            &mut text,
            match (report.summary.beyond.is_empty(), remarks.is_empty()) {
                (false, _) => "# no policy allows anything among the pods that were given",
                (true, true) => "# nothing is allowed",
                (true, false) => "# no policy allows anything",
            },
        );
    }
    if !remarks.is_empty() {
        text.push('\n');
        remarks.iter().for_each(|remark| push(&mut text, &format!("# {remark}")));
    }
    text
}

/// Lines by the namespace that they are told under; those of none come last.
type Sections = BTreeMap<(bool, Option<String>), Vec<PrintedLine>>;

fn sections(report: &ReachReport<'_>, reasons: &mut Reasons) -> Sections {
    let mut sections = Sections::new();
    for cell in report.summary.reach.lines() {
        let Some((source, destination)) = report.summary.reach.rows_of(cell) else { continue };
        let home = report.names.home(source);
        let from = report.names.of(source, home.as_deref());
        let to = report.names.of(destination, home.as_deref());
        let mut section = Vec::new();
        let line = |ports: &PortSet, remark| PrintedLine { from: from.clone(), to: format!("{to}:{ports}"), remark };
        if !cell.every.is_empty() {
            let unknown = |doubt: &Doubt| ReachRemark::Unknown("perhaps not all", reasons.add(doubt.to_string()));
            let remark = cell.apart.as_ref().map(unknown);
            section.push(line(&cell.every, remark));
        }
        let between = |pair: Option<(EndId, EndId)>| match pair {
            Some((a, b)) => {
                format!("{} -> {}", end_text(&report.summary.situation, a), end_text(&report.summary.situation, b))
            }
            None => String::new(),
        };
        if cell.has_rest() {
            let remark = format!("only some, such as {}", between(cell.example));
            section.push(line(&cell.some, Some(ReachRemark::Some(remark))));
        }
        let doubted = cell.doubted();
        if !doubted.is_empty() {
            let reason = reasons.add(first_doubts(&doubts(report, cell)));
            section.push(line(&doubted, Some(ReachRemark::Unknown("unknown", reason))));
        }
        if let (Some((ports, doubt)), []) = (&cell.more, section.as_slice()) {
            let reason = reasons.add(doubt.to_string());
            section.push(line(ports, Some(ReachRemark::Unknown("unknown", reason))));
        }
        if !section.is_empty() {
            sections.entry((home.is_none(), home)).or_default().extend(section);
        }
    }
    sections
}

fn push_section(text: &mut String, home: Option<&str>, lines: &[PrintedLine], reasons: &Reasons) {
    let indent = match home {
        Some(namespace) => {
            push(text, &format!("namespace {namespace}"));
            "  "
        }
        None => "",
    };
    let width = lines.iter().map(|line| line.from.chars().count()).max().unwrap_or_default();
    let with_remark = lines.iter().filter(|line| line.remark.is_some());
    let to_width = with_remark.map(|line| line.to.chars().count()).max().unwrap_or_default();
    for PrintedLine { from, to, remark } in lines {
        match remark.as_ref().map(|remark| remark.text(reasons)) {
            None => push(text, &format!("{indent}{from:width$} -> {to}")),
            Some(remark) => push(text, &format!("{indent}{from:width$} -> {to:to_width$}  # {remark}")),
        }
    }
}

struct PrintedLine {
    from: String,
    to: String,
    remark: Option<ReachRemark>,
}

enum ReachRemark {
    /// That it is only so of some.
    Some(String),
    /// What is not known, for this reason.
    Unknown(&'static str, usize),
}

impl ReachRemark {
    fn text(&self, reasons: &Reasons) -> String {
        match self {
            ReachRemark::Some(text) => text.clone(),
            ReachRemark::Unknown(what, reason) => reasons.remark(what, *reason),
        }
    }
}

/// Why it is not known of lines whether they are so. A reason of one line stands in it, one of several below, by a number.
#[derive(Default)]
struct Reasons {
    /// Each with the number of its lines.
    all: Vec<(String, usize)>,
    places: BTreeMap<String, usize>,
}

impl Reasons {
    fn add(&mut self, reason: String) -> usize {
        let place = *self.places.entry(reason).or_insert_with_key(|reason| {
            self.all.push((reason.clone(), 0));
            self.all.len() - 1
        });
        self.all.get_mut(place).into_iter().for_each(|(_, lines)| *lines += 1);
        place
    }

    /// The places of those of several lines.
    fn shared(&self) -> impl Iterator<Item = (usize, &str)> {
        let shared = self.all.iter().enumerate().filter(|(_, (_, lines))| *lines > 1);
        shared.map(|(place, (reason, _))| (place, reason.as_str()))
    }

    fn remark(&self, what: &str, reason: usize) -> String {
        match (self.shared().zip(1..).find(|((place, _), _)| *place == reason), self.all.get(reason)) {
            (Some((_, number)), _) => format!("{what} ({number})"),
            (None, Some((reason, _))) => format!("{what}: nobody said {reason}"),
            (None, None) => what.to_owned(),
        }
    }

    fn footnotes(&self) -> impl Iterator<Item = String> {
        self.shared().zip(1..).map(|((_, reason), number)| format!("({number}) nobody said {reason}"))
    }
}

fn push(text: &mut String, line: &str) {
    let _ = writeln!(text, "{}", sanitize(line));
}

/// What is missing to say whether a connection is allowed.
pub(super) fn missing(report: &ReachReport<'_>, cell: &Cell) -> String {
    doubts(report, cell).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn doubts(report: &ReachReport<'_>, cell: &Cell) -> Vec<Doubt> {
    let doubts = cell.doubtful.map(|(source, destination)| report.engine.doubts(source, destination, &cell.unknown));
    doubts.unwrap_or_default()
}

/// What there is to know beside the lines.
pub(super) fn remarks(report: &ReachReport<'_>) -> Vec<String> {
    let mut remarks = report.notes.to_vec();
    remarks.extend(beyond::lines(&report.summary.situation, &report.summary.beyond));
    let told = |row: &Row| row.used && !row.names.is_by_isolation();
    let all_rows = || report.summary.reach.rows.iter().enumerate().filter(move |(_, row)| told(row));
    let open = |wanted: fn([IsolatedShare; 2]) -> bool| -> Option<String> {
        let rows: Vec<(usize, &Row)> = all_rows().filter(|(_, row)| row.pods && wanted(row.at_most())).collect();
        list(report, &rows)
    };
    use IsolatedShare::{No, Partly};
    if let Some(names) = open(|isolated| isolated == [No, No]) {
        remarks.push(match names.as_str() {
            "cluster" => "no pod is isolated: everything is allowed".to_owned(),
            names => format!("not isolated, so open to each other and to every address: {names}"),
        });
    }
    if let Some(names) = open(|[ingress, egress]| ingress == No && egress != No) {
        remarks.push(match names.as_str() {
            "cluster" => "no pod is isolated for ingress".to_owned(),
            names => format!("not isolated for ingress, so open to whoever may leave: {names}"),
        });
    }
    if let Some(names) = open(|[ingress, egress]| ingress != No && egress == No) {
        remarks.push(match names.as_str() {
            "cluster" => "no pod is isolated for egress".to_owned(),
            names => format!("not isolated for egress, so free to reach all that is open, and every address: {names}"),
        });
    }
    let partly = all_rows().filter(|(_, row)| !row.names.is_wide() && row.isolated.contains(&Partly));
    if let Some(names) = list(report, &partly.collect::<Vec<_>>()) {
        remarks.push(format!("only some of the pods are isolated: {names}"));
    }
    let perhaps = all_rows().filter(|(_, row)| !row.names.is_wide() && row.at_most() != row.isolated);
    if let Some(names) = list(report, &perhaps.collect::<Vec<_>>()) {
        remarks.push(format!("some of the pods may be isolated, in namespaces whose labels nobody stated: {names}"));
    }
    let overlapping = report.summary.reach.overlapping.iter().filter_map(|place| report.summary.reach.row(*place));
    let overlapping: Vec<String> = overlapping.map(|row| report.names.of(row, None)).collect();
    remarks.extend(overlap(&overlapping, report.subject.model()));
    remarks.extend(outside(report).into_iter().map(|(workload, why)| format!("not in the answer: {workload} ({why})")));
    for workload in split(report) {
        remarks.push(format!("the pods of {workload} are not alike to the policies; each kind is told apart"));
    }
    if report.summary.reach.left_out {
        remarks.push(left_out(report.subject.facts(), report.subject.session().is_some()));
    }
    if report.subject.names_without_addresses() {
        remarks.push(
            "DNS names and what the CNI knows as an entity may have any address: `polder can` says of one whether it may be \
             theirs"
                .to_owned(),
        );
    }
    remarks.extend(report.subject.step().map(of_answer));
    remarks.extend(incomplete(report.subject.unmodelled(), report.subject.unread()));
    remarks
}

/// The names of rows; those that others hold are left out.
fn list(report: &ReachReport<'_>, rows: &[(usize, &Row)]) -> Option<String> {
    let is_inside = |place: usize, row: &Row| {
        rows.iter().any(|(other, wide)| row.around.contains(other) && !wide.around.contains(&place))
    };
    let outer = rows.iter().filter(|(place, row)| !is_inside(*place, row));
    let mut names: Vec<String> = outer.map(|(_, row)| report.names.of(row, None)).collect();
    // Those in parentheses are nobody's name.
    names.sort_by_key(|name| (name.starts_with('('), name.clone()));
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The workloads that policies do not apply to, or that have no pods, and why.
pub(super) fn outside<'a>(report: &ReachReport<'a>) -> Vec<(&'a Workload, &'static str)> {
    let workloads = report.subject.cluster().map(|cluster| cluster.workloads.as_slice()).unwrap_or_default();
    workloads.iter().filter_map(|workload| Some((workload, workload.outside()?))).collect()
}

/// The workloads whose pods the policies can tell apart.
pub(super) fn split(report: &ReachReport<'_>) -> Vec<String> {
    let mut kinds: BTreeMap<(&Arc<str>, &Arc<str>, &Kind), usize> = BTreeMap::new();
    for group in &report.summary.reach.groups {
        if let GroupName::Workload(namespace, name, kind, Some(_)) = group {
            *kinds.entry((namespace, name, kind)).or_default() += 1;
        }
    }
    kinds.into_keys().map(|(namespace, name, kind)| format!("{namespace}/{name}[{}]", kind.as_str())).collect()
}
