//! The language server: what an editor asks of the program that is being written.
//!
//! Two threads. `server` speaks with the editor and holds the documents; `analysis` knows the programs. Whatever goes
//! wrong in one request is caught there, told, and ends nothing else. `alone` does the same on one thread.

mod actions;
mod alone;
mod analysis;
mod capabilities;
mod command;
mod complete;
mod completion;
mod context;
mod describe;
mod diagnostics;
mod documents;
mod edits;
mod formatting;
mod graph;
mod hierarchy;
mod hover;
mod import;
mod inlay;
mod labels;
mod lens;
mod names;
mod navigation;
mod overlay;
mod paste;
mod program;
mod reach;
mod removal;
mod rename;
mod seen;
mod server;
mod structure;
mod symbols;
mod tokens;
mod uri;
mod workspace;

pub use alone::Alone;
pub use lsp_server::{Connection, IoThreads};
pub use server::serve;
