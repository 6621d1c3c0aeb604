//! From text to a tree. Never fails: what cannot be read becomes a broken statement and a diagnostic.
//!
//! The only room that knows pest.

mod advice;
mod broken;
mod build;
mod characters;
mod error;
mod expected;
mod findings;
mod foreign;
mod hops;
mod parse;
mod ports;
mod recover;
mod repair;
mod statement;
mod tree;
pub mod words;

pub use characters::is_forbidden;
pub use parse::{Parsed, parse};
pub use repair::usual_port_name;
pub use tree::*;

/// The parser that pest generates from `grammar/polder.pest`.
mod grammar {
    #![allow(missing_docs, reason = "the rules are documented in the grammar")]

    /// See `grammar/polder.pest`.
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/polder.pest"]
    pub(super) struct PolderGrammar;
}
