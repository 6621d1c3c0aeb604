//! The command line: one file per command, and the only room that prints.

// A page in a browser only asks; see `console`.
#![cfg_attr(not(feature = "cli"), allow(dead_code))]

mod args;
mod ask;
#[cfg(feature = "cli")]
mod audit;
#[cfg(feature = "cli")]
mod baseline;
mod beyond;
mod blast;
#[cfg(feature = "cli")]
mod build;
#[cfg(feature = "cli")]
mod build_choice;
mod can;
#[cfg(feature = "cli")]
mod check;
#[cfg(feature = "cli")]
mod completions;
#[cfg(feature = "cli")]
mod config;
mod console;
mod diff;
mod document;
mod edit;
mod exit;
mod explain;
#[cfg(feature = "cli")]
mod fmt;
#[cfg(feature = "cli")]
mod foreign;
mod graph;
#[cfg(feature = "cli")]
mod holder;
#[cfg(feature = "cli")]
mod import;
#[cfg(feature = "cli")]
mod init;
mod json;
#[cfg(feature = "cli")]
mod learn;
#[cfg(feature = "cli")]
mod leftover;
#[cfg(feature = "cli")]
mod lint;
mod live;
#[cfg(feature = "cli")]
mod log;
#[cfg(all(feature = "cli", feature = "lsp"))]
mod lsp;
#[cfg(feature = "cli")]
mod man;
#[cfg(feature = "cli")]
mod new_files;
#[cfg(feature = "cli")]
mod open;
mod page;
#[cfg(feature = "cli")]
mod panic;
#[cfg(feature = "cli")]
mod probe;
mod reach;
#[cfg(feature = "cli")]
mod replace;
#[cfg(feature = "cli")]
mod replay;
mod report;
#[cfg(feature = "cli")]
mod rollout;
mod slips;
mod step;
mod terminal;
mod test;
#[cfg(feature = "cli")]
mod version;
#[cfg(feature = "cli")]
mod watch;
mod why;

pub use console::{Console, Printed};
pub use exit::Exit;

#[cfg(feature = "cli")]
use crate::diag::render::sanitize;
#[cfg(feature = "cli")]
use args::{Cli, Command};
#[cfg(feature = "cli")]
use document::MachineDocument;
#[cfg(feature = "cli")]
use std::ffi::OsString;
#[cfg(feature = "cli")]
use std::process::ExitCode;
#[cfg(feature = "cli")]
use terminal::Terminal;

/// Runs the command line of this process.
#[cfg(feature = "cli")]
pub fn main() -> ExitCode {
    panic::install();
    let mut args: Vec<OsString> = std::env::args_os().collect();
    slips::separate_ends(&mut args);
    let exit = match (slips::advice(&args), Cli::read(args)) {
        (Some(advice), _) => say(&format!("error: {advice}")),
        (None, Ok(cli)) => run(&cli),
        (None, Err(error)) => usage(error),
    };
    exit.into()
}

#[cfg(feature = "cli")]
fn run(cli: &Cli) -> Exit {
    let mut terminal = Terminal::new(&cli.global, MachineDocument::of(&cli.command));
    let exit = answer(&cli.command, &mut terminal);
    terminal.finish(exit)
}

#[cfg(feature = "cli")]
fn answer(command: &Command, terminal: &mut Terminal) -> Exit {
    match command {
        Command::Build(args) => build::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Reach(args) => reach::run(args, terminal),
        Command::Graph(args) => graph::run(args, terminal),
        Command::Report(args) => audit::run(args, terminal),
        Command::Replay(args) => replay::run(args, terminal),
        Command::Rollout(args) => rollout::run(args, terminal),
        Command::Learn(args) => learn::run(args, terminal),
        Command::Can(args) => can::run(args, terminal),
        Command::Why(args) => why::run(args, terminal),
        Command::Blast(args) => blast::run(args, terminal),
        Command::Test(args) => test::run(args, terminal),
        Command::Diff(args) => diff::run(args, terminal),
        Command::Lint(args) => lint::run(args, terminal),
        Command::Import(args) => import::run(args, terminal),
        Command::Fmt(args) => fmt::run(args, terminal),
        Command::Init(args) => init::run(args, terminal),
        #[cfg(feature = "lsp")]
        Command::Lsp(_) => lsp::run(terminal),
        Command::Config(args) => config::run(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
        Command::Completions(args) => completions::run(args, terminal),
        Command::Man(args) => man::run(args, terminal),
        Command::Version(args) => version::run(args, terminal),
    }
}

/// Help and version that were asked for go to standard output; a slip is shown without what it holds of the terminal's
/// control characters.
#[cfg(feature = "cli")]
fn usage(mut error: clap::Error) -> Exit {
    if error.use_stderr() {
        slips::without_far_tips(&mut error);
        return say(&error.render().to_string());
    }
    match error.print() {
        Err(problem) if problem.kind() != std::io::ErrorKind::BrokenPipe => Exit::CannotAnswer,
        _ => Exit::Yes,
    }
}

/// Says why a command line is not understood.
#[cfg(feature = "cli")]
fn say(why: &str) -> Exit {
    let text = why.lines().map(|line| format!("{}\n", sanitize(line))).collect::<String>();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    Exit::CannotAnswer
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::session::with_wrong_policies;

    const PROGRAM: &str = "namespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\nnever shop/b -> shop/a\n";

    /// Runs a command line; `@` is a file with a program.
    fn run(line: &str, program: &str) -> (Exit, String) {
        let words = line.split(' ').map(|word| if word == "@" { program } else { word });
        let cli = Cli::read(std::iter::once("polder").chain(words).map(Into::into)).unwrap();
        let (mut terminal, said) = Terminal::captured();
        let exit = answer(&cli.command, &mut terminal);
        (terminal.finish(exit), said.text())
    }

    #[test]
    fn no_command_answers_from_policies_that_are_not_proved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.polder");
        std::fs::write(&path, PROGRAM).unwrap();
        let path = path.to_str().unwrap();
        for line in [
            "can shop/a shop/b:80 -p @",
            "why shop/a shop/b:80 -p @",
            "why shop/a shop/b:80 -p @ --format json",
            "reach -p @",
            "reach -p @ --format json",
            "reach -p @ --names",
            "blast shop/a -p @",
            "diff @ @",
            "test @",
            "test @ --format junit",
            "check @",
            "build -o - @",
        ] {
            let (exit, said) = run(line, path);
            assert_eq!(exit, Exit::Yes, "{line}\n{said}");
            let (exit, said) = with_wrong_policies(|| run(line, path));
            assert_eq!(exit, Exit::CannotAnswer, "{line}\n{said}");
            assert!(said.contains("error[E0900]") && said.contains("the policies would"), "{line}\n{said}");
            let printed: Vec<&str> =
                said.lines().filter(|one| one.contains("shop/a") && !one.contains("polic")).collect();
            assert!(printed.is_empty(), "{line}\n{said}");
        }
    }
}
