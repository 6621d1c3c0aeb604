//! `polder completions`: what a shell needs to complete the command line.

use super::args::{Completions, command};
use super::exit::Exit;
use super::terminal::Terminal;

pub(super) fn run(args: &Completions, terminal: &mut Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "polder", &mut script);
    terminal.result(&String::from_utf8_lossy(&script));
    Exit::Yes
}
