//! `polder report`: what an auditor looks at, in one file.

mod gathered;
mod own_file;

use super::args::QuestionArgs;
use super::ask::{self, given_up};
use super::diff;
use super::exit::Exit;
use super::json::document;
use super::log::LogArgs;
use super::reach;
use super::replay;
use super::terminal::Terminal;
use crate::ask::Detail;
use crate::cover::Budget;
use crate::report::{AuditChanges, AuditLog, AuditReport, html, json, markdown};
use crate::session::{Asking, Named, Subject, SummaryScope};
use gathered::ReportParts;
use std::path::PathBuf;

/// Write a report for an auditor into one file: what is closed and how far, who may connect to whom and because of what, the
/// assertions, what was found, and what was not looked at.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder report                         report.html, of the program in this folder
  polder report -o - > audit.html       to standard output
  polder report --from v1               with what changed since a Git revision
  polder report --log hubble.jsonl      with what the policies would do with the connections of a flow log
  polder report --format markdown       report.md, for a wiki
  polder report --manifests deploy/     of any NetworkPolicies and workloads
  polder report --cluster               of the cluster that kubectl is set up for

A file that is there is only written over when it is a report of Polder's. The same input gives the same bytes.")]
pub(super) struct AuditArgs {
    /// Where it goes; `-` is standard output [default: report.html, report.md or report.json].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How to write it.
    #[arg(long, value_name = "FORMAT", default_value = "html")]
    pub format: AuditFormat,
    /// Also what changed since this Git revision.
    #[arg(long, value_name = "REV")]
    pub from: Option<String>,
    /// Also what the policies would do with the connections of a flow log: a log, a folder of logs, or `-` for standard input;
    /// may be repeated.
    #[arg(long, value_name = "LOG")]
    pub log: Vec<PathBuf>,
    /// The day that it bears; there is none otherwise, and no clock is read.
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// What it is called [default: the name of the folder or file that it is about].
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    #[command(flatten)]
    pub question: QuestionArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum AuditFormat {
    /// One page that asks for nothing and holds with scripts off
    Html,
    /// Markdown
    Markdown,
    /// JSON
    Json,
}

impl AuditFormat {
    fn file(self) -> &'static str {
        match self {
            AuditFormat::Html => "report.html",
            AuditFormat::Markdown => "report.md",
            AuditFormat::Json => "report.json",
        }
    }

    fn text(self, report: &AuditReport<'_>) -> String {
        match self {
            AuditFormat::Html => html(report),
            AuditFormat::Markdown => markdown(report),
            AuditFormat::Json => document(&json(report)),
        }
    }
}

pub(super) fn run(args: &AuditArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &AuditArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, "report", terminal)?;
    let scope = SummaryScope { detail: Detail::Lines, without_doubtful_blocks: true };
    let summary = subject.summary(&Asking::default(), scope, &mut Budget::of_question());
    let summary = summary.map_err(|untold| reach::refuse(&untold, terminal))?;
    let changes = changes(args, terminal)?;
    let seen = seen(args, &subject, terminal)?;
    let remarks = reach::remarks_of(&subject, &summary, scope);
    let table = reach::table_of(&subject, &summary, &Asking::default(), scope);
    let gathered = ReportParts { args, subject: &subject, summary: &summary, table: table.as_ref(), remarks };
    let report = gathered.report(changes, seen, terminal)?;
    let text = args.format.text(&report);
    write(args, &text, &report, terminal)?;
    Ok(if summary.given_up { given_up(terminal) } else { ask::sure(&subject, Exit::Yes) })
}

/// What changed since the revision, if one is named.
fn changes(args: &AuditArgs, terminal: &mut Terminal) -> Result<Option<AuditChanges>, Exit> {
    let Some(revision) = &args.from else { return Ok(None) };
    let question = args.question.question("report");
    let named: &[Named] = if question.manifests.is_empty() { &question.program } else { &question.manifests };
    let changes = diff::since(revision, named, &question, terminal);
    changes.map(Some).map_err(|message| terminal.refuse(&message))
}

/// What the policies would do with what logs have seen, if any are named.
fn seen(args: &AuditArgs, subject: &Subject, terminal: &mut Terminal) -> Result<Option<AuditLog>, Exit> {
    if args.log.is_empty() {
        return Ok(None);
    }
    let logs = LogArgs { logs: args.log.clone(), since: None, until: None, log_format: None };
    let found = logs.find(&args.question, terminal)?;
    let replay = logs.read(&found, subject.running(), terminal)?;
    Ok(Some(replay::audited(subject, &replay)))
}

fn write(args: &AuditArgs, text: &str, report: &AuditReport<'_>, terminal: &mut Terminal) -> Result<(), Exit> {
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(args.format.file()));
    if path.as_os_str() == "-" {
        terminal.result(text);
        return Ok(());
    }
    let folder = terminal.folder().map_err(|message| terminal.refuse(&message))?;
    let (name, done) = own_file::write(&folder, &path, text).map_err(|message| terminal.refuse(&message))?;
    terminal.line(&format!("{done} {name}"));
    for (number, of, what) in report.figures() {
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        terminal.line(&format!("  {number}{of} {what}"));
    }
    Ok(())
}
