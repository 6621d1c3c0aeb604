//! Diagnostics in the format that was asked for, to the stream where they belong.

use super::args::Format;
use super::terminal::Terminal;
use crate::cluster::Unmodelled;
use crate::diag::render::sanitize;
use crate::diag::{Diagnostic, Report, Severity, render};
use crate::engine::Doubt;
use crate::model::{Labels, Model, Settling, stating};
use crate::net::{BlocksMatch, Facts, Truth};
use crate::session::{CLUSTER_NAME, Manifests, Project, Subject, Unread};
use crate::source::Sources;
use std::collections::{BTreeMap, BTreeSet};

/// More are counted and not shown; nobody reads them, and drawing them takes time.
const MOST: usize = 100;

/// Prints the reports for people; for machines they become part of the document that is printed at the end.
pub(super) fn show(reports: &[Report], sources: &Sources, format: Format, terminal: &mut Terminal) {
    terminal.gather(reports, sources);
    if format.is_for_machines() {
        return;
    }
    let errors: Vec<Report>;
    let reports = if terminal.quiet() {
        errors = reports.iter().filter(|report| report.severity == Severity::Error).cloned().collect();
        &errors
    } else {
        reports
    };
    let mut text = match format {
        Format::Short => render::short(reports, sources),
        Format::Human | Format::Json | Format::Github | Format::Sarif | Format::Gitlab => {
            render::human(reports, sources, &how(terminal.err_color()))
        }
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    terminal.diagnostics(&text);
}

/// Whether somebody can look something up in what a path names. What a cluster gave nobody has before them.
pub(super) fn is_readable(path: &str) -> bool {
    path != CLUSTER_NAME
}

/// Prints diagnostics that are about no source.
pub(super) fn show_plain(diagnostics: Vec<Diagnostic>, format: Format, terminal: &mut Terminal) {
    let reports: Vec<Report> = diagnostics.into_iter().map(Report::from).collect();
    show(&reports, &Sources::default(), format, terminal);
}

/// Says of files and folders that were named as manifests that there is nothing in them.
pub(super) fn tell_empty(manifests: &Manifests, terminal: &mut Terminal) {
    for what in manifests.empty.iter().chain(&manifests.notes) {
        terminal.note_line(&format!("note: {what}"));
    }
}

/// Says of a program that it declares nothing.
pub(super) fn tell_blank(project: &Project, terminal: &mut Terminal) {
    if project.is_blank() {
        terminal.note_line("note: the program declares nothing; `polder init` writes one to start from");
    }
}

/// Whether the terminal shows more than ASCII.
pub(super) fn unicode() -> bool {
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    // A page in a browser has no variables, and shows everything.
    cfg!(target_family = "wasm") || locale.contains("utf-8") || locale.contains("utf8")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// How many columns the terminals behind standard output and standard error have.
#[cfg(feature = "cli")]
fn measured() -> [Option<usize>; 2] {
    let streams =
        [terminal_size::terminal_size_of(std::io::stdout()), terminal_size::terminal_size_of(std::io::stderr())];
    streams.map(|size| size.map(|(width, _)| usize::from(width.0)))
}

/// A page has none.
#[cfg(not(feature = "cli"))]
fn measured() -> [Option<usize>; 2] {
    [None; 2]
}

fn how(color: bool) -> render::Human {
    let columns = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let [_, measured] = measured();
    render::Human { unicode: unicode(), color, width: columns.or(measured).unwrap_or(100), limit: MOST }
}

/// How many columns standard output has; `None` where nobody said, as in a file.
pub(super) fn out_width() -> Option<usize> {
    let columns = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let [measured, _] = measured();
    columns.or(measured)
}

/// A number and its noun.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    };
    if number == 1 { format!("1 {noun}") } else { format!("{number} {plural}") }
}

/// Such as `1 error and 2 warnings`; `no problems` when there are none.
pub(super) fn tally(reports: &[Report]) -> String {
    let mut numbers: BTreeMap<Severity, usize> = BTreeMap::new();
    reports.iter().for_each(|report| *numbers.entry(report.severity).or_default() += 1);
    let numbers: Vec<(Severity, usize)> = numbers.into_iter().collect();
    if numbers.is_empty() { "no problems".to_owned() } else { render::counted(&numbers) }
}

/// What would say what is missing: which labels a namespace has, what address blocks match, which addresses pods have.
pub(super) fn remedies(doubts: &[Doubt], subject: &Subject) -> Vec<String> {
    /// Of more namespaces it is not told.
    const MOST: usize = 4;
    let mut labels: Vec<String> = Vec::new();
    for said in doubts.iter().filter_map(|doubt| said_of_labels(doubt, subject)) {
        if !labels.contains(&said) && labels.len() < MOST {
            labels.push(said);
        }
    }
    let others = remedies_of_addresses(doubts, subject.facts(), subject.session().is_some());
    labels.into_iter().chain(others.into_iter().map(str::to_owned)).collect()
}

/// What says which labels a namespace has: the program, of one that it manages, and the object of any.
fn said_of_labels(doubt: &Doubt, subject: &Subject) -> Option<String> {
    let Doubt::NamespaceLabels { namespace: Some(name), selector } = doubt else { return None };
    let object = "`--workloads` with the Namespace object says it";
    let managed = subject.flows().and_then(|flows| flows.namespaces.iter().find(|one| one.name == *name));
    let Some((managed, Settling { is, is_not })) =
        managed.and_then(|managed| Some((managed, Settling::of(selector, &managed.labels, name, |_| None)?)))
    else {
        return Some(object.to_owned());
    };
    let state = |labels: &Labels| stating(&managed.declared, &managed.name, &labels.text);
    Some(format!("`{}` states it, and `{}` that it has not; {object}", state(&is), state(&is_not)))
}

fn remedies_of_addresses(doubts: &[Doubt], facts: &Facts, of_program: bool) -> Vec<&'static str> {
    let is_about = |doubt: fn(&Doubt) -> bool| doubts.iter().any(doubt);
    let mut remedies = Vec::new();
    if is_about(|doubt| matches!(doubt, Doubt::BlocksMatch(_))) && facts.matches() == BlocksMatch::UNKNOWN {
        remedies.push(match of_program {
            true => "`cni` in `platform` says it, or `--cni NAME`",
            false => "`--cni NAME` says it",
        });
    }
    if is_about(|doubt| matches!(doubt, Doubt::PodAddresses { .. })) && !facts.pods_are_stated() {
        remedies.push(match of_program {
            true => "`pods` in `platform` says which addresses pods have, as in `platform { pods 10.244.0.0/16 }`",
            false => "`kubectl get pods -A -o json` has the addresses of pods",
        });
    }
    remedies
}

/// That pods which address blocks may let through are not listed, and what would say whether they do.
pub(super) fn left_out(facts: &Facts, of_program: bool) -> String {
    let is_known = facts.matches().pods == Truth::Yes;
    let (missing, help) = match (is_known, facts.pods_are_stated(), of_program) {
        (true, _, true) => ("the addresses of the pods", "`platform { pods 10.244.0.0/16 }` narrows them down"),
        (true, _, false) => ("the addresses of the pods", "`kubectl get pods -A -o json` has them"),
        (false, _, false) => ("whether the CNI matches pods by their addresses", "`--cni NAME` says it"),
        (false, true, true) => ("whether the CNI matches pods by their addresses", "`platform { cni NAME }` says it"),
        (false, false, true) => (
            "whether the CNI matches pods by their addresses",
            "`platform { cni NAME }` says it, and `pods 10.244.0.0/16` there which addresses they have",
        ),
    };
    format!("address blocks may let pods through, too, which are not listed: nobody said {missing}; {help}")
}

/// That pods can be in several of some, which what is told of each of them leaves out; nothing where there are none. Of tiers
/// that the program states to be disjoint it is what would be.
pub(super) fn overlap(names: &[String], model: Option<&Model>) -> Option<String> {
    /// More names are counted.
    const MOST: usize = 6;
    let mut shown: Vec<String> = names.iter().take(MOST).cloned().collect();
    if let Some(more @ 1..) = names.len().checked_sub(MOST) {
        shown.push(format!("{more} more"));
    }
    let shown = shown.join(", ");
    let sentence = match model.is_some_and(|model| model.states_disjoint(names)) {
        true => "stated to be disjoint; a pod that is in several nevertheless has what is allowed to each",
        false => "a pod can be in several of these, and then has what is allowed to each",
    };
    (!names.is_empty()).then(|| format!("{sentence}: {shown}"))
}

/// What is missing for a sure answer: the first facts, and how many more there are.
pub(super) fn first_doubts(doubts: &[Doubt]) -> String {
    /// More facts than these are counted.
    const MOST: usize = 4;
    let mut words: Vec<String> = doubts.iter().take(MOST).map(ToString::to_string).collect();
    if let Some(more @ 1..) = doubts.len().checked_sub(MOST) {
        words.push(format!("and {}", count(more, "more fact")));
    }
    words.join(", ")
}

/// The kinds of objects that are not understood, and their API versions, each once.
pub(super) fn unmodelled_kinds<'u>(objects: impl IntoIterator<Item = &'u Unmodelled>) -> BTreeSet<(&'u str, &'u str)> {
    objects.into_iter().map(|object| (object.kind.as_str(), object.api_version.as_str())).collect()
}

/// What makes an answer incomplete, a sentence for each kind of objects that is not understood, and for each object that
/// could not be read.
pub(super) fn incomplete<'u>(
    objects: impl IntoIterator<Item = &'u Unmodelled>,
    unread: impl IntoIterator<Item = &'u Unread>,
) -> Vec<String> {
    /// More are counted.
    const MOST: usize = 8;
    let sentence = |(kind, api_version): (&str, &str)| {
        format!("incomplete: {kind} ({api_version}) changes what is allowed and is not modelled")
    };
    let mut sentences: Vec<String> = unmodelled_kinds(objects).into_iter().map(sentence).collect();
    let lack = |one: &Unread| match one.line {
        _ if !is_readable(&one.path) => format!("incomplete: {}", one.what),
        0 => format!("incomplete: {} ({})", one.what, one.path),
        line => format!("incomplete: {} ({}:{line})", one.what, one.path),
    };
    let lacks: Vec<String> = unread.into_iter().map(lack).collect();
    sentences.extend(lacks.iter().take(MOST).cloned());
    if lacks.len() > MOST {
        sentences.push(format!("incomplete: {} more", count(lacks.len() - MOST, "object")));
    }
    sentences.iter().map(|sentence| sanitize(sentence).into_owned()).collect()
}
