//! The command line: one file per command, and the only room that prints.

mod args;
mod ask;
mod baseline;
mod beyond;
mod blast;
mod build;
mod can;
mod check;
mod completions;
mod config;
mod diff;
mod document;
mod exit;
mod explain;
mod fmt;
mod foreign;
mod holder;
mod import;
mod init;
mod json;
mod leftover;
mod lint;
#[cfg(feature = "lsp")]
mod lsp;
mod man;
mod open;
mod page;
mod panic;
mod reach;
mod replace;
mod replay;
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
use document::MachineDocument;
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
        (None, Err(error)) => usage(error),
    };
    exit.into()
}

fn run(cli: &Cli) -> Exit {
    let mut terminal = Terminal::new(&cli.global, MachineDocument::of(&cli.command));
    let exit = answer(&cli.command, &mut terminal);
    terminal.finish(exit)
}

fn answer(command: &Command, terminal: &mut Terminal) -> Exit {
    match command {
        Command::Build(args) => build::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Reach(args) => reach::run(args, terminal),
        Command::Replay(args) => replay::run(args, terminal),
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
fn say(why: &str) -> Exit {
    let text = why.lines().map(|line| format!("{}\n", sanitize(line))).collect::<String>();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    Exit::CannotAnswer
}

#[cfg(test)]
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
