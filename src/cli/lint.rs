//! `polder lint`: mistakes in policies that somebody else wrote.

use super::args::{CniParser, Format, Warnings, named};
use super::baseline;
use super::exit::Exit;
use super::live::LiveCluster;
use super::replace::replace;
use super::report::{count, show, tally, tell_empty};
use super::terminal::Terminal;
use crate::diag::{Code, Levels, Report, Severity, grouped};
use crate::model::{Cni, CniVersion};
use crate::session::{Baseline, Disk, Manifests, Mended, Named, OfLint, Project, reason};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Look for mistakes in NetworkPolicies, whoever wrote them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder lint policies                  the policies of a folder
  polder lint policies --workloads apps together with what they apply to
  polder lint --cluster                 a whole cluster, asked by kubectl
  kubectl get networkpolicies,pods,namespaces,services -A -o json | polder lint -
                                        the same through a pipe
  polder lint policies --cni cilium     and what that CNI does in its own way
  polder lint policies --notes          matters of form and of choice, too
  polder lint policies --write-baseline .lint.json
  polder lint policies --baseline .lint.json
                                        start clean: tell only what was not there before
  polder lint policies -W W0205 -A W0213
                                        every port without a protocol is a warning, open blocks are none

A comment `# polder: allow(W0207): reason` silences that finding on the line below it. `[lint]` in polder.toml sets the same
for a whole project: `deny`, `warn`, `allow` with lists of codes, `notes = true`, `baseline`.
The exit code is 1 as soon as there is an error or a warning; notes leave it as it is.")]
pub(super) struct LintArgs {
    /// Files, folders or `-` for standard input: YAML or JSON with NetworkPolicies, and perhaps with what runs.
    #[arg(value_name = "PATH", required_unless_present = "cluster")]
    pub paths: Vec<PathBuf>,
    /// More YAML, with what runs: workloads, Namespaces, Services, Ingresses; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub workloads: Vec<PathBuf>,
    /// What was given is all that runs, so a policy or peer without pods is a mistake. Of what `kubectl get` lists, that is
    /// known without this.
    #[arg(long)]
    pub complete: bool,
    /// The CNI that has to enforce the policies.
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = CniParser)]
    pub cni: Option<(Cni, Option<CniVersion>)>,
    /// How to print what was found.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Say notes, too: matters of form and of choice.
    #[arg(long, help_heading = "Warnings")]
    pub notes: bool,
    /// Mend what has one right mend (W0102, W0202, W0205 where containers list the port, W0212 where something stands there
    /// twice, W0219 where a Service says the port), and tell the rest.
    #[arg(long, conflicts_with = "write_baseline")]
    pub fix: bool,
    /// Tell only what is not in this file [default: `baseline` of polder.toml].
    #[arg(long, value_name = "FILE", help_heading = "Warnings")]
    pub baseline: Option<PathBuf>,
    /// Write what is found to this file instead of telling it. Only a baseline is written over.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline", help_heading = "Warnings")]
    pub write_baseline: Option<PathBuf>,
    #[command(flatten)]
    pub warnings: Warnings,
    #[command(flatten)]
    pub live: LiveCluster,
}

pub(super) fn run(args: &LintArgs, terminal: &mut Terminal) -> Exit {
    let folder = match terminal.folder() {
        Ok(folder) => folder,
        Err(message) => return terminal.refuse(&message),
    };
    let project = Project::load_config(&Disk, &folder, &named(&args.paths));
    let mut levels = match levels(args, &project.config.lint) {
        Ok(levels) => levels,
        Err(message) => return terminal.refuse(&message),
    };
    if project.has_errors() {
        show(&levels.apply(project.diagnostics, &[]), &project.sources, args.format, terminal);
        return Exit::CannotAnswer;
    }
    let live = args.live.named(!args.paths.is_empty(), "polder lint -");
    let paths: Vec<Named> = named(&args.paths).into_iter().chain(named(&args.workloads)).chain(live).collect();
    let files = terminal.files();
    if args.fix && paths.contains(&Named::Input) {
        return terminal.refuse("standard input cannot be mended: name the files");
    }
    if args.fix && args.paths.is_empty() {
        return terminal.refuse("a cluster cannot be mended: name the files that it gets its policies from");
    }
    let load = || {
        let manifests = Manifests::load(files.as_ref(), &folder, &paths, "default");
        if args.complete { manifests.as_a_whole() } else { manifests }
    };
    let mut manifests = load();
    let mut reports = manifests.lint(args.cni.unwrap_or_default(), &levels);
    if args.fix {
        if let Err(message) = fix(&manifests, &reports, &folder, terminal) {
            return terminal.refuse(&message);
        }
        manifests = load();
        reports = manifests.lint(args.cni.unwrap_or_default(), &levels);
    }
    if let Some(path) = &args.write_baseline {
        return write_baseline(path, reports, &manifests, args, terminal);
    }
    let of_project = || Some(project.root.as_ref()?.join(project.config.lint.baseline.as_ref()?));
    let baseline = match args.baseline.clone().or_else(of_project).map(|path| baseline::read(&path)) {
        Some(Ok(baseline)) => baseline,
        Some(Err(message)) => return terminal.refuse(&message),
        None => Baseline::default(),
    };
    let (reports, mut gone) = baseline.clone().others(reports, &manifests.sources);
    if gone > 0 {
        // Notes may be in it that are not said now.
        levels.show_notes();
        gone = baseline.others(manifests.lint(args.cni.unwrap_or_default(), &levels), &manifests.sources).1;
    }
    tell(reports, gone, &manifests, args, terminal)
}

/// Writes the mends of what was found into the files; the error says which could not be written.
fn fix(manifests: &Manifests, reports: &[Report], folder: &Path, terminal: &mut Terminal) -> Result<(), String> {
    for Mended { path, before, after, count: mended } in manifests.mended(reports) {
        replace(&folder.join(&path), &before, &after)
            .map_err(|error| format!("cannot write `{path}`: {}", reason(&error)))?;
        terminal.line(&format!("mended {path}: {}", count(mended, "finding")));
    }
    Ok(())
}

/// Writes what was found into a file. Where not all could be looked at, nothing is known of the rest.
fn write_baseline(
    path: &Path,
    reports: Vec<Report>,
    manifests: &Manifests,
    args: &LintArgs,
    terminal: &mut Terminal,
) -> Exit {
    let (stops, found): (Vec<Report>, Vec<Report>) =
        reports.into_iter().partition(|report| report.diagnostic.code.stops());
    if !stops.is_empty() {
        show(&stops, &manifests.sources, args.format, terminal);
        return terminal.refuse(&format!("`{}` is not written: there are errors that it cannot hold", path.display()));
    }
    let baseline = Baseline::of(&found, &manifests.sources);
    if let Err(message) = baseline::write(path, &baseline) {
        return terminal.refuse(&message);
    }
    show(&[], &manifests.sources, args.format, terminal);
    terminal.line(&format!("wrote {}: {}", path.display(), count(baseline.count(), "finding")));
    Exit::Yes
}

fn tell(
    mut reports: Vec<Report>,
    gone: usize,
    manifests: &Manifests,
    args: &LintArgs,
    terminal: &mut Terminal,
) -> Exit {
    if !args.format.is_for_machines() {
        // Mistakes are not to be looked for among matters of form.
        reports.sort_by_key(|report| report.severity == Severity::Note);
    }
    let exit = exit(&reports, manifests.lacks_policies());
    match args.format {
        Format::Human => show(&grouped(reports.clone()), &manifests.sources, args.format, terminal),
        Format::Short | Format::Json | Format::Github | Format::Sarif | Format::Gitlab => {
            show(&reports, &manifests.sources, args.format, terminal)
        }
    }
    tell_empty(manifests, terminal);
    for what in manifests.not_looked_for() {
        terminal.note_line(&format!("note: {what}"));
    }
    if gone > 0 {
        let gone = count(gone, "finding");
        let help = "`--write-baseline` brings it up to date";
        terminal.note_line(&format!("note: not found any more, and still in the baseline: {gone}; {help}"));
    }
    if !args.format.is_for_machines() && exit != Exit::CannotAnswer {
        summary(&reports, manifests).iter().for_each(|line| terminal.line(line));
    }
    exit
}

/// The command line goes before `polder.toml`. The error is a slip on the command line, in words.
fn levels(args: &LintArgs, config: &OfLint) -> Result<Levels, String> {
    let mut levels = Levels::default();
    for (code, level) in &config.levels {
        levels.set(code, *level)?;
    }
    args.warnings.set(&mut levels)?;
    if args.notes || config.notes {
        levels.show_notes();
    }
    Ok(levels)
}

/// How much was found in how much, and how often each code, the worst first.
fn summary(reports: &[Report], manifests: &Manifests) -> Vec<String> {
    let policies = count(manifests.policies.policies.len(), "policy");
    let files = match manifests.cluster.is_live() && manifests.file_count == 1 {
        true => "the cluster".to_owned(),
        false => count(manifests.file_count, "file"),
    };
    let passed = count(manifests.passed_over, "document");
    let passed = match manifests.passed_over {
        0 => String::new(),
        1 => format!("; {passed} is not for Kubernetes and was passed over"),
        _ => format!("; {passed} are not for Kubernetes and were passed over"),
    };
    let mut lines = vec![format!("{} in {files} ({policies}){passed}", tally(reports))];
    if reports.len() > 1 {
        lines.extend(by_code(reports));
    }
    lines
}

/// A line for each code at each level.
fn by_code(reports: &[Report]) -> Vec<String> {
    let mut counts: BTreeMap<(Severity, Code), usize> = BTreeMap::new();
    reports.iter().for_each(|report| *counts.entry((report.severity, report.diagnostic.code)).or_default() += 1);
    let mut counts: Vec<((Severity, Code), usize)> = counts.into_iter().collect();
    counts.sort_by_key(|((severity, code), count)| (*severity, std::cmp::Reverse(*count), *code));
    let times: Vec<String> = counts.iter().map(|(_, count)| format!("x{count}")).collect();
    let width = times.iter().map(String::len).max().unwrap_or_default();
    let line = |(((severity, code), _), times): (&((Severity, Code), usize), &String)| {
        format!("  {:7}  {code} {times:width$}  {}", severity.as_str(), code.title())
    };
    counts.iter().zip(&times).map(line).collect()
}

/// Errors and warnings count, notes do not. What could not be read, or took too many steps, keeps the rest from being sure.
fn exit(reports: &[Report], lacks_policies: bool) -> Exit {
    let unread = |report: &Report| match report.diagnostic.code {
        Code::E0501 => lacks_policies,
        Code::W0243 => true,
        code => code.stops() && code != Code::E0503,
    };
    if reports.iter().any(unread) {
        return Exit::CannotAnswer;
    }
    match reports.iter().any(|report| report.severity != Severity::Note) {
        true => Exit::No,
        false => Exit::Yes,
    }
}
