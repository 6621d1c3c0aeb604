//! `polder replay`: what policies would do with the connections of a flow log.

mod audit;
mod follow;
mod human;
mod json;
mod markdown;
mod told;

use super::args::QuestionArgs;
use super::ask;
use super::exit::Exit;
use super::log::{LogArgs, current_folder, no_answer};
use super::terminal::Terminal;
use crate::replay::{ReplayChange, ReplayReport};
use crate::session::{Subject, save_groups};
pub(super) use audit::audited;
use clap::ValueEnum;
pub(super) use human::{counted, head, left_out, shortened};
use std::path::PathBuf;
use told::ToldReplay;

/// Say which connections of a flow log the policies would drop, and which line lets them through.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder replay hubble.jsonl               what the project here would do with last week's connections
  polder replay /var/log/flows -p shop     all logs of a folder, also packed with gzip or zstd
  hubble observe -o json --last 10000 | polder replay -
  polder replay flows.csv --workloads pods.yaml --fail-on unknown
  polder replay flows.csv --cluster        where the cluster knows pods and addresses
  hubble observe -f -o json | polder replay - --follow
  polder replay hubble.jsonl --save seen.csv && polder replay seen.csv

The log's format is seen by its first line. Nothing is written but what --save names, and nothing leaves the machine.")]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// List everything, also what stays the same.
    #[arg(long)]
    pub all: bool,
    /// Keep the groups in a file, beside those that it has: a CSV to commit and to replay. It has no times finer than a
    /// day, and no address of a public client.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Print each connection once, as soon as the log has it, until the log ends or Ctrl-C.
    #[arg(long, conflicts_with = "all")]
    pub follow: bool,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: ReplayFormat,
    /// What makes the exit code 1.
    #[arg(long, value_name = "WHAT", default_value = "dropped")]
    pub fail_on: ReplayFailure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplayFormat {
    /// For people
    Human,
    /// JSON
    Json,
    /// A comment on a pull request
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplayFailure {
    /// A connection that passed would not
    Dropped,
    /// That, or one that was refused would pass
    Changed,
    /// That, or it cannot be told of one
    Unknown,
    /// Nothing
    None,
}

pub(super) fn run(args: &ReplayArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &ReplayArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let logs = args.log.find(&args.question, terminal)?;
    let subject = ask::load(&args.question.of_program("replay LOG"), terminal)?;
    let replay = match args.follow {
        true => follow::read(args, &logs, &subject, terminal)?,
        false => args.log.read(&logs, subject.running(), terminal)?,
    };
    let report = replay.report(&subject.candidate());
    if report.is_no_answer() {
        return Err(no_answer(&report, terminal));
    }
    if let Some(path) = &args.save {
        let folder = current_folder(terminal)?;
        let saved = save_groups(&replay.saved(&subject.candidate()), path, &folder);
        saved.map_err(|message| terminal.refuse(&message))?;
    }
    let told = ToldReplay::new(&subject, &report, &replay);
    match args.format {
        // Each was told when it came.
        ReplayFormat::Human if args.follow => follow::end(&told, terminal),
        ReplayFormat::Human => {
            human::lines(&told, args.all).iter().for_each(|line| terminal.line(line));
        }
        ReplayFormat::Json => terminal.result(&json::document(&told)),
        ReplayFormat::Markdown => terminal.result(&markdown::comment(&told)),
    }
    Ok(exit(args.fail_on, &report, &subject))
}

fn exit(fail_on: ReplayFailure, report: &ReplayReport, subject: &Subject) -> Exit {
    let has = |change| report.count(change) > 0;
    let dropped = has(ReplayChange::Dropped);
    let changed = dropped || has(ReplayChange::Opened);
    let fails = match fail_on {
        ReplayFailure::Dropped => dropped,
        ReplayFailure::Changed => changed,
        ReplayFailure::Unknown => changed || has(ReplayChange::Unknown),
        ReplayFailure::None => false,
    };
    ask::sure(subject, if fails { Exit::No } else { Exit::Yes })
}
