//! The command line: one file per command, and the only room that prints.

mod args;
mod ask;
mod blast;
mod build;
mod can;
mod check;
mod completions;
mod diff;
mod document;
mod exit;
mod explain;
mod fmt;
mod holder;
mod init;
mod json;
mod lint;
#[cfg(feature = "lsp")]
mod lsp;
mod man;
mod open;
mod panic;
mod reach;
mod report;
mod slips;
mod terminal;
mod test;
mod version;
mod watch;
mod why;

pub use exit::Exit;

use crate::diag::render::sanitize;
use args::{Cli, Command};
use document::Document;
use std::ffi::OsString;
use std::process::ExitCode;
use terminal::Terminal;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    panic::install();
    let mut args: Vec<OsString> = std::env::args_os().collect();
    slips::separate_ends(&mut args);
    let exit = match (slips::advice(&args), Cli::read(args)) {
        (Some(advice), _) => say(&format!("error: {advice}")),
        (None, Ok(cli)) => run(&cli),
        (None, Err(error)) => usage(&error),
    };
    exit.into()
}

fn run(cli: &Cli) -> Exit {
    let mut terminal = Terminal::new(&cli.global, Document::of(&cli.command));
    let exit = match &cli.command {
        Command::Build(args) => build::run(args, &mut terminal),
        Command::Check(args) => check::run(args, &mut terminal),
        Command::Reach(args) => reach::run(args, &mut terminal),
        Command::Can(args) => can::run(args, &mut terminal),
        Command::Why(args) => why::run(args, &mut terminal),
        Command::Blast(args) => blast::run(args, &mut terminal),
        Command::Test(args) => test::run(args, &mut terminal),
        Command::Diff(args) => diff::run(args, &mut terminal),
        Command::Lint(args) => lint::run(args, &mut terminal),
        Command::Fmt(args) => fmt::run(args, &mut terminal),
        Command::Init(args) => init::run(args, &mut terminal),
        #[cfg(feature = "lsp")]
        Command::Lsp(_) => lsp::run(&mut terminal),
        Command::Explain(args) => explain::run(args, &mut terminal),
        Command::Completions(args) => completions::run(args, &mut terminal),
        Command::Man(args) => man::run(args, &mut terminal),
        Command::Version(args) => version::run(args, &mut terminal),
    };
    terminal.finish(exit)
}

/// Help and version that were asked for go to standard output; a slip is shown without what it holds of the terminal's
/// control characters.
fn usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        return say(&error.render().to_string());
    }
    match error.print() {
        Err(problem) if problem.kind() != std::io::ErrorKind::BrokenPipe => Exit::CannotAnswer,
        _ => Exit::Yes,
    }
}

/// Says why a command line is not understood.
fn say(why: &str) -> Exit {
    let text = why.lines().map(|line| format!("{}\n", sanitize(line))).collect::<String>();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    Exit::CannotAnswer
}
