//! What editors know of the language, held against the compiler: the words in every editor's files, and the tree-sitter
//! grammar over all programs at hand. The TextMate grammar and the Vim syntax run in `editors/test/quick`, over the words
//! that are written here.

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
