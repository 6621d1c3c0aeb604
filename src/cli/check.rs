//! `polder check`: everything up to the policies, nothing written.

use super::args::{Check, named};
use super::exit::Exit;
use super::open::{Opened, open};
use super::report::{count, show, tally};
use super::terminal::Terminal;
use crate::diag::{Code, Report, Severity};
use crate::lint::settled;
use crate::netpol::PolicySet;
use crate::session::{Disk, EnvironmentChoice, Manifests, Project, Session};
use crate::source::{Sources, Span};
use std::collections::BTreeSet;
use std::path::PathBuf;

pub(super) fn run(args: &Check, terminal: &mut Terminal) -> Exit {
    let from_input = |paths: &[PathBuf]| paths.iter().any(|path| path.as_os_str() == "-");
    if from_input(&args.workloads) && from_input(&args.input.paths) {
        return terminal.refuse("the program and the workloads cannot both come from standard input");
    }
    let Opened { mut session, levels, folder } = match open(&args.input, None, false) {
        Ok(opened) => opened,
        Err(message) => return terminal.refuse(&message),
    };
    let running = (!args.workloads.is_empty())
        .then(|| Manifests::load_beside(session.sources().clone(), &Disk, &folder, &named(&args.workloads), "default"));
    // Unless one is named, all are looked at: what holds in one environment may not hold in another.
    let named_one = args.input.environment.choice() != EnvironmentChoice::Configured;
    let others = if named_one { BTreeSet::new() } else { session.environments().clone() };
    let mut checked = match &running {
        Some(running) => {
            let reports = session.reports_with(&levels, running).into_iter();
            let reports = reports.filter_map(|report| in_the_light_of(report, &session, running));
            Checked::new(reports.collect(), session.policies())
        }
        None if others.is_empty() => {
            let built = session.build();
            let checked = Checked::new(built.reports(&levels), built.policies());
            return conclude(args, checked, built.project(), &built.project().sources, terminal);
        }
        None => Checked::new(session.reports(&levels), session.policies()),
    };
    let compiled = session.settings().environment.clone();
    if let Some(name) = compiled.as_deref().filter(|_| !checked.reports.is_empty()) {
        session = session.in_environment(None);
        let plain = match &running {
            Some(running) => session.reports_with(&levels, running),
            None => session.reports(&levels),
        };
        checked.mark(name, &plain);
    }
    for name in others.iter().filter(|name| compiled.as_ref() != Some(*name)) {
        session = session.in_environment(Some(name));
        checked.add(name, session.reports(&levels));
    }
    let sources = running.as_ref().map_or(session.sources(), |running| &running.sources);
    conclude(args, checked, session.project(), sources, terminal)
}

/// What is still to be said when it is known what runs.
fn in_the_light_of(report: Report, session: &Session, running: &Manifests) -> Option<Report> {
    let Some(model) = session.model() else { return Some(report) };
    let diagnostic = settled(model, &running.cluster, report.diagnostic)?;
    Some(Report { diagnostic, ..report })
}

/// What was found.
struct Checked {
    reports: Vec<Report>,
    /// How many policies the program becomes, if it becomes any.
    policies: Option<usize>,
    /// What was said already.
    known: BTreeSet<(Code, Option<Span>, String)>,
}

impl Checked {
    fn new(reports: Vec<Report>, policies: Option<&PolicySet>) -> Checked {
        let known = reports.iter().map(key).collect();
        Checked { reports, policies: policies.map(|set| set.policies.len()), known }
    }

    /// Marks what is not said of the program without the environment: it may name what the source does not.
    fn mark(&mut self, environment: &str, plain: &[Report]) {
        let plain: BTreeSet<_> = plain.iter().map(key).collect();
        let own = |report: &&mut Report| !plain.contains(&key(report)) && report.diagnostic.code != Code::E0110;
        self.reports.iter_mut().filter(own).for_each(|report| mark(report, environment));
    }

    /// Adds the errors that only an environment has.
    fn add(&mut self, environment: &str, reports: Vec<Report>) {
        for mut report in reports.into_iter().filter(|report| report.severity == Severity::Error) {
            if self.known.insert(key(&report)) {
                mark(&mut report, environment);
                self.reports.push(report);
            }
        }
    }
}

fn mark(report: &mut Report, environment: &str) {
    report.diagnostic.message = format!("in environment `{environment}`: {}", report.diagnostic.message);
}

/// What tells that the same thing is said of two environments.
fn key(report: &Report) -> (Code, Option<Span>, String) {
    (report.diagnostic.code, report.diagnostic.primary(), report.diagnostic.message.clone())
}

fn conclude(args: &Check, checked: Checked, project: &Project, sources: &Sources, terminal: &mut Terminal) -> Exit {
    let Checked { reports, policies, .. } = checked;
    let format = args.input.format;
    show(&reports, sources, format, terminal);
    if format.is_for_machines() {
        return Exit::of(&reports);
    }
    let files = count(project.file_count, "file");
    let policies = policies.map(|number| format!(" ({})", count(number, "policy")));
    let exit = Exit::of(&reports);
    if exit != Exit::CannotAnswer {
        terminal.line(&format!("{} in {files}{}", tally(&reports), policies.unwrap_or_default()));
    }
    exit
}
