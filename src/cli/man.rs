//! `polder man`: the manual pages.

use super::args::command;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::session::reason;
use std::io;
use std::path::{Path, PathBuf};

/// Print the manual page, or write the pages of all commands.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder man | man -l -
  polder man --dir ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// The folder to write the pages to.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs, terminal: &mut Terminal) -> Exit {
    let command = command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        return match clap_mangen::Man::new(command).render(&mut page) {
            Ok(()) => {
                terminal.result(&String::from_utf8_lossy(&page));
                Exit::Yes
            }
            Err(error) => terminal.refuse(&format!("cannot make the manual page: {}", reason(&error))),
        };
    };
    match write(command, dir) {
        Ok(()) => Exit::Yes,
        Err(error) => {
            terminal.refuse(&format!("cannot write the manual pages to `{}`: {}", dir.display(), reason(&error)))
        }
    }
}

fn write(command: clap::Command, dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command, dir)
}
