//! `polder check`: everything up to the policies, nothing written.

use super::args::{ProgramInput, listed, named};
use super::build_choice::BuildChoice;
use super::exit::Exit;
use super::foreign;
use super::live::LiveCluster;
use super::open::{OpenedSession, open};
use super::report::{count, show, tally, tell_blank, tell_empty};
use super::step;
use super::terminal::Terminal;
use crate::diag::{Report, Severity};
use crate::lint::settled;
use crate::session::{EnforceChoice, EnforceEntry, EnvironmentChoice, Everywhere, Manifests, Named, Project, Session};
use crate::source::Sources;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Check the program up to its policies and write nothing.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder check                          the project that this folder is in
  polder check --deny-warnings          warnings fail too
  polder check --format github          annotations on a pull request
  polder check --format sarif > polder.sarif
  polder check --workloads k8s/         does the program fit what runs?
  polder check --cluster                the same, asked of the cluster by kubectl
  polder check --notes                  and what is so in every cluster with the CNI
  polder check - < shop.polder          standard input")]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub input: ProgramInput,
    /// Manifests of what runs, to check the program against: files, folders or `-`. May be given again.
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub workloads: Vec<PathBuf>,
    /// What was given is all that runs, so a tier without pods is a mistake. Of what `kubectl get` lists, that is known
    /// without this.
    #[arg(long, requires = "workloads")]
    pub complete: bool,
    /// Check what is enforced, as if the program isolated no more: places as in `data/redis:ingress`, `all` or `none`
    /// [default: all].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub enforce: Option<Vec<EnforceEntry>>,
    /// Say notes, too: what is so in every cluster with the CNI, and matters of choice.
    #[arg(long, help_heading = "Warnings")]
    pub notes: bool,
    #[command(flatten)]
    pub live: LiveCluster,
}

pub(super) fn run(args: &CheckArgs, terminal: &mut Terminal) -> Exit {
    let from_input = |paths: &[PathBuf]| paths.iter().any(|path| path.as_os_str() == "-");
    if from_input(&args.workloads) && from_input(&args.input.paths) {
        return terminal.refuse("the program and the workloads cannot both come from standard input");
    }
    let enforce = listed(&args.enforce, EnforceChoice::Whole);
    let OpenedSession { mut session, mut levels, folder } =
        match open(&args.input, BuildChoice::default(), (&enforce, None), terminal) {
            Ok(opened) => opened,
            Err(message) => return terminal.refuse(&message),
        };
    if args.notes {
        levels.show_notes();
    }
    let files = terminal.files();
    let live = args.live.named(true, "polder check --workloads -");
    let workloads: Vec<Named> = named(&args.workloads).into_iter().chain(live).collect();
    let load = || {
        let given = Manifests::load_beside(session.sources().clone(), files.as_ref(), &folder, &workloads, "default");
        if args.complete { given.as_a_whole() } else { given }
    };
    let running = (!workloads.is_empty()).then(load);
    // Without a list, it is about the whole program.
    session = session.at_step();
    if let Some(running) = running.as_ref().filter(|running| !running.has_errors()) {
        session = session.in_cluster_of(running.cluster.namespaces.clone());
    }
    // Unless one is named, all are looked at: what holds in one environment may not hold in another.
    let named_one = args.input.environment.choice() != EnvironmentChoice::Configured;
    let others = if named_one { BTreeSet::new() } else { session.environments().clone() };
    let compiled = session.settings().environment.clone();
    if let (None, true) = (&running, others.is_empty()) {
        let built = session.build();
        let policies = built.policies().map(|set| set.policies.len());
        let found = Found { reports: built.reports(&levels), policies, step: told_step(built.session()) };
        return conclude(args, found, built.project(), &built.project().sources, &folder, terminal);
    }
    let first = match &running {
        Some(running) => {
            let reports = session.reports_with(&levels, running).into_iter();
            reports.filter_map(|report| in_the_light_of(report, &session, running)).collect()
        }
        None => session.reports(&levels),
    };
    let policies = session.policies().map(|set| set.policies.len());
    let step = told_step(&session);
    let mut everywhere = Everywhere::new(compiled.clone(), first);
    if compiled.is_some() && !everywhere.is_empty() {
        session = session.in_environment(None).at_step();
        everywhere.compare(&match &running {
            Some(running) => session.reports_with(&levels, running),
            None => session.reports(&levels),
        });
    }
    for name in others.iter().filter(|name| compiled.as_ref() != Some(*name)) {
        session = session.in_environment(Some(name)).at_step();
        let reports = session.reports(&levels).into_iter();
        // What runs is in one cluster, and settles only there what it settles.
        let counts = |report: &Report| running.is_none() || report.severity == Severity::Error;
        everywhere.add(Some(name.clone()), reports.filter(counts).collect());
    }
    if let Some(running) = &running {
        tell_empty(running, terminal);
    }
    let sources = running.as_ref().map_or(session.sources(), |running| &running.sources);
    let found = Found { reports: everywhere.reports(running.is_none()), policies, step };
    conclude(args, found, session.project(), sources, &folder, terminal)
}

/// What is still to be said when it is known what runs.
fn in_the_light_of(report: Report, session: &Session, running: &Manifests) -> Option<Report> {
    let Some(model) = session.model() else { return Some(report) };
    let diagnostic = settled(model, &running.cluster, report.diagnostic)?;
    Some(Report { diagnostic, ..report })
}

/// What was found, how many policies the program becomes, if it becomes any, and how far it is enforced.
struct Found {
    reports: Vec<Report>,
    policies: Option<usize>,
    step: Option<String>,
}

/// How far a program is enforced, where that is not as far as it goes.
fn told_step(session: &Session) -> Option<String> {
    let asked = session.step().map(step::of_answer);
    asked.or_else(|| session.enforced_so_far().as_ref().map(step::of_whole))
}

fn conclude(
    args: &CheckArgs,
    found: Found,
    project: &Project,
    sources: &Sources,
    folder: &Path,
    terminal: &mut Terminal,
) -> Exit {
    let Found { reports, policies, step } = found;
    let format = args.input.format;
    show(&reports, sources, format, terminal);
    if format.is_for_machines() {
        return Exit::of(&reports);
    }
    let files = count(project.file_count, "file");
    let policies = policies.map(|number| format!(" ({})", count(number, "policy")));
    let exit = Exit::of(&reports);
    if exit != Exit::CannotAnswer {
        let foreign =
            foreign::in_output_of(project, args.input.environment.choice().of(&project.config).as_deref(), folder);
        foreign.into_iter().for_each(|note| terminal.note_line(&note));
        tell_blank(project, terminal);
        terminal.line(&format!("{} in {files}{}", tally(&reports), policies.unwrap_or_default()));
        step.iter().for_each(|step| terminal.line(step));
    }
    exit
}
