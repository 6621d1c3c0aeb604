//! The tree-sitter grammar of Polder.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_polder() -> *const ();
}

/// The language, for `tree_sitter::Parser::set_language`.
// SAFETY: the generated function gives a pointer to a language that lives as long as the program.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_polder) };

/// What the nodes are: `src/node-types.json`.
pub const NODE_TYPES: &str = include_str!("../../src/node-types.json");
