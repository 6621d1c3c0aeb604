//! `polder learn`: the flows that a program lacks for what a log has seen, as a patch that was proved.

mod human;
mod json;
mod patch;
mod told;

use super::args::{AnswerFormat, QuestionArgs};
use super::ask;
use super::exit::Exit;
use super::log::{LogArgs, current_folder, no_answer};
use super::new_files::create_one;
use super::terminal::Terminal;
use crate::replay::{CidrWidening, LearnOptions, Replay};
use crate::session::{EnforceChoice, LearnedFile, LearnedProgram, Project, Question, Subject, fresh_program};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use told::ToldLesson;

/// Propose the flows that a program lacks for what a flow log has seen, as a patch.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder learn hubble.jsonl                what the project here lacks, as a patch
  polder learn hubble.jsonl | git apply    the same, applied
  polder learn hubble.jsonl --write        the same
  polder learn hubble.jsonl --min-attempts 5 --since 2026-11-23
  polder learn hubble.jsonl -o shop.polder a first program, where there is none

Nothing is learned from replies, refused connections, scans, and ends that cannot be told; what is left is listed with the
reason. The exit code is 0 when nothing is missing or it was written, 1 when something is proposed, 2 without an answer.")]
pub(super) struct LearnArgs {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// Leave out what was seen less often.
    #[arg(long, value_name = "N", default_value = "1")]
    pub min_attempts: u64,
    /// How wide addresses are written that no list of the program has: as they were seen, or as blocks of 24 or 16 bits (64
    /// or 48 with IPv6).
    #[arg(long, value_name = "WIDTH", default_value = "exact")]
    pub cidr: LearnedWidth,
    /// Write the flows into the files of the program.
    #[arg(long, conflicts_with = "output")]
    pub write: bool,
    /// Write a new program, where there is none yet; nothing that is there is overwritten.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How to print the answer: a patch with the rest on standard error, or JSON.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: AnswerFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LearnedWidth {
    /// The addresses that were seen
    Exact,
    /// Blocks of 24 bits
    #[value(name = "24")]
    Of24,
    /// Blocks of 16 bits
    #[value(name = "16")]
    Of16,
}

impl LearnArgs {
    fn options(&self) -> LearnOptions {
        let widening = match self.cidr {
            LearnedWidth::Exact => CidrWidening::Exact,
            LearnedWidth::Of24 => CidrWidening::Of24,
            LearnedWidth::Of16 => CidrWidening::Of16,
        };
        LearnOptions { min_attempts: self.min_attempts, widening, ..LearnOptions::default() }
    }
}

pub(super) fn run(args: &LearnArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &LearnArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    if !args.question.manifests.is_empty() {
        return Err(terminal.refuse("flows are learned for a program: name one with `-p PROGRAM`, not `--manifests`"));
    }
    if args.question.enforce.is_some() {
        return Err(terminal
            .refuse("flows are learned for the whole program, whatever of it is enforced: leave out `--enforce`"));
    }
    let logs = args.log.find(&args.question, terminal)?;
    let folder = current_folder(terminal)?;
    if args.question.program.is_empty() && !has_project(terminal, &folder) {
        return fresh(args, &folder, terminal);
    }
    if args.output.is_some() {
        return Err(terminal.refuse(
            "there is a program already: `--write` adds to it; `-o FILE` is for a first program where there is none",
        ));
    }
    let question = Question { enforce: EnforceChoice::Whole, ..args.question.of_program("learn LOG") };
    let subject = ask::load(&question, terminal)?;
    let replay = args.log.read(&logs, subject.running(), terminal)?;
    let learned = learned(&subject, &replay, args, terminal)?;
    if args.write {
        let root = subject.session().and_then(|session| session.project().root.as_deref());
        patch::write(&learned.files, root).map_err(|message| terminal.refuse(&message))?;
    }
    let outer = patch::outer_folder(&learned.files, &folder);
    let told =
        ToldLesson { subject: &subject, learned: &learned, created: None, is_written: args.write, outer, here: folder };
    tell(args, &told, terminal);
    let is_done = learned.added.is_empty() || args.write;
    Ok(ask::sure(&subject, if is_done { Exit::Yes } else { Exit::No }))
}

/// Whether the folder is in a project.
fn has_project(terminal: &Terminal, folder: &Path) -> bool {
    Project::load_config(terminal.files().as_ref(), folder, &[]).root.is_some()
}

fn learned(
    subject: &Subject,
    replay: &Replay<'_>,
    args: &LearnArgs,
    terminal: &mut Terminal,
) -> Result<LearnedProgram, Exit> {
    let learned = subject.learn(replay, &args.options()).map_err(|message| terminal.refuse(&message))?;
    match learned.lessons.report.is_no_answer() {
        true => Err(no_answer(&learned.lessons.report, terminal)),
        false => Ok(learned),
    }
}

fn tell(args: &LearnArgs, told: &ToldLesson<'_>, terminal: &mut Terminal) {
    match args.format {
        AnswerFormat::Human => {
            if !told.is_written {
                terminal.result(&patch::text(&told.learned.files, told.outer.as_deref()));
            }
            human::tell(told, terminal);
        }
        AnswerFormat::Json => terminal.result(&json::document(told)),
    }
}

/// A program where there is none.
fn fresh(args: &LearnArgs, folder: &Path, terminal: &mut Terminal) -> Result<Exit, Exit> {
    if args.write {
        return Err(terminal.refuse(
            "no program: neither this folder nor one above holds polder.toml; `-p PROGRAM` names one, `-o FILE` writes a first one",
        ));
    }
    // What runs is read as beside a program.
    let logs = args.log.find(&args.question, terminal)?;
    let name = args.output.clone().unwrap_or_else(|| PathBuf::from("learned.polder"));
    if args.output.is_some() && folder.join(&name).symlink_metadata().is_ok() {
        return Err(terminal.refuse(&format!("`{}` is already there, and nothing is overwritten", name.display())));
    }
    let empty = patch::FreshFiles::new(terminal.files(), folder.join(&name), String::new());
    let question = patch::question(&args.question, &name);
    let around = Subject::load(&empty, folder, &question);
    let seen = args.log.read(&logs, around.running(), terminal)?;
    let text = fresh_program(&seen).map_err(|why| terminal.refuse(&why.0))?;
    let files = patch::FreshFiles::new(terminal.files(), folder.join(&name), text);
    let subject = ask::load_from(&files, &question, terminal)?;
    let mut learned = learned(&subject, &seen, args, terminal)?;
    for file in &mut learned.files {
        file.before.clear();
    }
    let created = match (&args.output, learned.files.first()) {
        (Some(path), Some(LearnedFile { after, .. })) => {
            Some(create_one(folder, path, after).map_err(|message| terminal.refuse(&message))?)
        }
        _ => None,
    };
    let told = ToldLesson {
        subject: &subject,
        learned: &learned,
        is_written: created.is_some(),
        created,
        outer: None,
        here: folder.to_path_buf(),
    };
    match args.format {
        AnswerFormat::Human => {
            if let (None, Some(file)) = (&told.created, learned.files.first()) {
                terminal.result(&file.after);
            }
            human::tell(&told, terminal);
        }
        AnswerFormat::Json => terminal.result(&json::document(&told)),
    }
    let is_done = learned.added.is_empty() || told.created.is_some();
    Ok(ask::sure(&subject, if is_done { Exit::Yes } else { Exit::No }))
}
