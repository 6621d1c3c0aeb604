//! `polder lsp`: the language server on standard input and output.

use super::exit::Exit;
use super::panic;
use super::terminal::Terminal;
use crate::diag::render::sanitize;
use crate::lsp::{Connection, IoThreads, serve};
use crate::session::Disk;
use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::Duration;

/// Serve an editor: the language server on standard input and output.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder lsp                            what to give to an editor as the server's command")]
pub(super) struct LspArgs {
    /// Standard input and output; there is no other way, and many editors ask for it.
    #[arg(long)]
    pub stdio: bool,
}

pub(super) fn run(terminal: &mut Terminal) -> Exit {
    if std::io::stdin().is_terminal() {
        terminal.diagnostics("polder lsp speaks the Language Server Protocol on standard input: an editor starts it\n");
    }
    // One request must not end the server: from now on a panic is told, and ends nothing but its request.
    panic::tell_only();
    let (connection, threads) = Connection::stdio();
    let orderly = serve(connection, Box::new(Disk));
    if orderly {
        return Exit::Yes;
    }
    if let Some(why) = reason_of_end(threads) {
        terminal.diagnostics(&format!("polder lsp: cannot go on after a message of the editor: {}\n", sanitize(&why)));
    }
    Exit::No
}

/// Why nothing more was read; nothing where the editor went away. What is written has been written, and the threads end with
/// the process, so nobody waits for them long.
fn reason_of_end(threads: IoThreads) -> Option<String> {
    const LONGEST_WAIT: Duration = Duration::from_millis(500);
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        // Whoever waited may be gone.
        let _ = sender.send(threads.join().err().map(|error| error.to_string()));
    });
    ended.recv_timeout(LONGEST_WAIT).ok()?
}
