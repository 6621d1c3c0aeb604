//! What editors know of the language, held against the compiler: the words in every editor's files, and the tree-sitter
//! grammar over all programs at hand. The TextMate grammar and the Vim syntax run in `editors/test/quick`, over the words
//! that are written here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../oracle/mod.rs"]
mod oracle;

mod cases;
mod corpus;
mod expected;
mod files;
mod programs;
mod tree_sitter;
mod words;

use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file under `editors/`.
fn editor(path: &str) -> String {
    let path = root().join("editors").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}
