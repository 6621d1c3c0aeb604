//! `polder lint`: mistakes in policies that somebody else wrote.

use super::args::{Lint, named};
use super::exit::Exit;
use super::report::{count, show, tally, tell_empty};
use super::terminal::Terminal;
use crate::diag::{Code, Report, Severity};
use crate::session::{Disk, Manifests, reason};
use std::collections::BTreeMap;

pub(super) fn run(args: &Lint, terminal: &mut Terminal) -> Exit {
    let levels = match args.warnings.levels() {
        Ok(levels) => levels,
        Err(message) => return terminal.refuse(&message),
    };
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => return terminal.refuse(&format!("cannot find the current folder: {}", reason(&error))),
    };
    let paths = named(&args.paths).into_iter().chain(named(&args.workloads)).collect::<Vec<_>>();
    let manifests = Manifests::load(&Disk, &folder, &paths, "default");
    let mut reports = manifests.lint(args.cni.unwrap_or_default(), &levels);
    if !args.format.is_for_machines() {
        // Mistakes are not to be looked for among matters of form.
        reports.sort_by_key(|report| report.diagnostic.is_style);
    }
    let exit = exit(&reports, manifests.lacks_policies());
    show(&reports, &manifests.sources, args.format, terminal);
    tell_empty(&manifests, terminal);
    if args.format.is_for_machines() {
        return exit;
    }
    if exit != Exit::CannotAnswer {
        let policies = count(manifests.policies.policies.len(), "policy");
        let files = count(manifests.file_count, "file");
        let passed = count(manifests.passed_over, "document");
        let passed = match manifests.passed_over {
            0 => String::new(),
            1 => format!("; {passed} is not for Kubernetes and was passed over"),
            _ => format!("; {passed} are not for Kubernetes and were passed over"),
        };
        terminal.line(&format!("{} in {files} ({policies}){passed}", tally(&reports)));
        if let Some(codes) = by_code(&reports) {
            terminal.line(&codes);
        }
    }
    exit
}

/// How often each code was found, the most frequent first; nothing where that is no more to read than the list itself.
fn by_code(reports: &[Report]) -> Option<String> {
    /// Fewer are seen at a glance.
    const FEWEST: usize = 5;
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    reports.iter().for_each(|report| *counts.entry(report.diagnostic.code).or_default() += 1);
    if reports.len() < FEWEST || counts.len() < 2 {
        return None;
    }
    let mut counts: Vec<(Code, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let words: Vec<String> = counts.iter().map(|(code, count)| format!("{count} {code} ({})", code.title())).collect();
    Some(format!("by code: {}; `-A CODE` leaves one out", words.join(", ")))
}

/// Whatever was found counts, be it a warning. What could not be read keeps the rest from being sure.
fn exit(reports: &[Report], lacks_policies: bool) -> Exit {
    let unread = |report: &Report| match report.diagnostic.code {
        Code::E0501 => lacks_policies,
        code => code.severity() == Severity::Error && code != Code::E0503,
    };
    match reports {
        [] => Exit::Yes,
        reports if reports.iter().any(unread) => Exit::CannotAnswer,
        _ => Exit::No,
    }
}
