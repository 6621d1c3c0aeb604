//! Where a statement ends that is broken inside of brackets.

use super::grammar::Rule;
use super::parse::Parser;
use super::words;

/// Nothing in brackets has more lines of its own.
pub(super) const MOST_LINES: usize = 64;

impl Parser<'_> {
    /// The end of the line that closes the labels of a statement, where a line above that is broken.
    pub(super) fn parenthesis_end(&self, rule: Rule, start: usize, line_end: usize) -> Option<usize> {
        if !matches!(rule, Rule::namespace | Rule::external | Rule::rename_namespace | Rule::tier) {
            return None;
        }
        let written = self.text.get(start..line_end)?;
        let code = || written.lines().filter_map(|line| line.split('#').next());
        if code().nth(1).is_none() && !code().next()?.trim_end().ends_with('(') {
            return None;
        }
        let count = |mark: char| code().flat_map(str::chars).filter(|one| *one == mark).count();
        if count('(') <= count(')') {
            return None;
        }
        let mut start = line_end + 1;
        for _ in 0..MOST_LINES {
            let end = self.line_end(start);
            let code = self.text.get(start..end)?.split('#').next().unwrap_or("");
            if begins_statement(code) || code.contains("->") {
                return None;
            }
            if code.trim_start().starts_with(')') {
                return Some(end);
            }
            start = end + 1;
        }
        None
    }
}

/// Whether a line begins with a word that starts a statement.
pub(super) fn begins_statement(code: &str) -> bool {
    let first = code.trim_start_matches([' ', '\t']);
    let begins = |word: &str| first.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '\t', '{']));
    words::first_words().any(begins)
}
