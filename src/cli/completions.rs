//! `polder completions`: what a shell needs to complete the command line.

use super::args::command;
use super::exit::Exit;
use super::terminal::Terminal;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder completions bash > ~/.local/share/bash-completion/completions/polder
  polder completions zsh > ~/.zfunc/_polder
  polder completions fish > ~/.config/fish/completions/polder.fish")]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

pub(super) fn run(args: &CompletionsArgs, terminal: &mut Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "polder", &mut script);
    terminal.result(&String::from_utf8_lossy(&script));
    Exit::Yes
}
