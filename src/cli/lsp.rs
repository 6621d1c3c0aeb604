//! `polder lsp`: the language server on standard input and output.

use super::exit::Exit;
use super::panic;
use super::terminal::Terminal;
use crate::lsp::{Connection, serve};
use crate::session::Disk;
use std::io::IsTerminal;

pub(super) fn run(terminal: &mut Terminal) -> Exit {
    if std::io::stdin().is_terminal() {
        terminal.diagnostics("polder lsp speaks the Language Server Protocol on standard input: an editor starts it\n");
    }
    // One request must not end the server: from now on a panic is told, and ends nothing but its request.
    panic::tell_only();
    let (connection, threads) = Connection::stdio();
    let orderly = serve(connection, Box::new(Disk));
    // What is written has been written; the threads end with the process.
    drop(threads);
    if orderly { Exit::Yes } else { Exit::No }
}
