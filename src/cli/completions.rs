//! `polder completions`: what a shell needs to complete the command line.

use super::args::{Cli, Completions};
use super::exit::Exit;
use super::terminal::Terminal;
use clap::CommandFactory;

pub(super) fn run(args: &Completions, terminal: &mut Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "polder", &mut script);
    terminal.result(&String::from_utf8_lossy(&script));
    Exit::Yes
}
