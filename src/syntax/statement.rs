//! Which rule a statement has to match, and matching it, or many of one kind at once.

use super::build::Builder;
use super::grammar::{PolderGrammar, Rule};
use super::parse::Parser;
use super::tree::{Node, NodeKind};
use super::words;
use pest::Parser as _;

impl<'a> Parser<'a> {
    /// The rule that the statement at an offset has to match.
    fn rule_at(&self, at: usize) -> Rule {
        let rest = self.text.get(at..).unwrap_or("");
        let word_end = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'-');
        let (word, after) = rest.split_at(word_end.unwrap_or(rest.len()));
        let after = after.trim_start_matches([' ', '\t']);
        let named = |in_environment| words::statement(word, in_environment).map(|one| one.rule);
        match self.open_kind() {
            Some(NodeKind::Platform(_)) if !self.opens_block(at, word) => return Rule::platform_entry,
            Some(NodeKind::Environment { .. }) if !self.opens_block(at, word) => {
                return named(true).unwrap_or(Rule::platform_entry);
            }
            _ => {}
        }
        // A tier may be called `dns` or `group`: then an arrow, a slash or a colon follows.
        let is_block = after.starts_with(':') && self.opens_block(at, word);
        if !is_block && (after.starts_with("->") || after.starts_with(['/', ':', ','])) {
            return Rule::flow;
        }
        named(false).unwrap_or(Rule::flow)
    }

    /// Whether the line of the statement at an offset ends with a brace and the statement could open that block, so that
    /// the one before it must have been left open.
    fn opens_block(&self, at: usize, word: &str) -> bool {
        words::blocks().any(|block| block.first_word() == word) && {
            let code = self.text.get(at..self.code_end(at)).unwrap_or("");
            code.as_bytes().last() == Some(&b'{')
        }
    }

    pub(super) fn statement(&mut self) {
        let rule = self.rule_at(self.at);
        if self.statements(rule) {
            return;
        }
        match self.match_statement(rule) {
            Ok(pairs) => {
                self.at_once = (self.at_once * 2).min(self.most_at_once);
                let start = self.at;
                self.take(pairs);
                if self.at == start {
                    self.broken(rule, None, 0);
                }
            }
            Err(problem) => {
                self.at_once = 1;
                let at = position(&problem);
                self.broken(rule, Some(&problem.variant), at);
            }
        }
    }

    /// Matches the statement at the cursor together with those on the lines below it that have to match the same rule.
    /// Says whether it did; if not, the statement has to be looked at by itself.
    fn statements(&mut self, rule: Rule) -> bool {
        let several = match rule {
            Rule::flow => Rule::flows,
            Rule::tier => Rule::tiers,
            _ => return false,
        };
        if self.at_once == 1 {
            return false;
        }
        let mut end = self.line_end(self.at);
        let mut lines = 1;
        while lines < self.at_once {
            let next = self.text.get(end + 1..).unwrap_or("").trim_start_matches([' ', '\t']);
            let start = self.text.len() - next.len();
            if next.is_empty() || next.starts_with(['\n', '\r', '#', '}']) || self.rule_at(start) != rule {
                break;
            }
            end = self.line_end(start);
            lines += 1;
        }
        if lines == 1 {
            return false;
        }
        let Ok(pairs) = PolderGrammar::parse(several, self.text.get(self.at..end).unwrap_or("")) else {
            self.at_once = 1;
            return false;
        };
        self.take(pairs);
        self.at_once = if self.at == end { (self.at_once * 2).min(self.most_at_once) } else { 1 };
        true
    }

    /// Takes the statements that pest has matched from the cursor on.
    fn take(&mut self, pairs: pest::iterators::Pairs<'a, Rule>) {
        let base = self.at;
        let mut builder = Builder::new(self.file, self.text, base);
        for pair in pairs {
            let span = pair.as_span();
            let start = base + span.start();
            self.at = base + span.end();
            let kind = builder.node(pair);
            builder.diagnostics.drain(..).for_each(|diagnostic| self.diagnostics.push(diagnostic));
            self.comments.append(&mut builder.comments);
            let written = self.text.get(start..self.at).unwrap_or("").trim_end().len();
            let doc = self.take_doc();
            self.push(Node { span: self.span(start, start + written), doc, kind });
        }
    }

    /// Matches the statement at the cursor against a rule.
    ///
    /// pest is given whole lines, one at first, and more only while the statement goes on past their end: for an error
    /// it looks at all of its input, which would take quadratic time over many broken lines.
    fn match_statement(&self, rule: Rule) -> Result<pest::iterators::Pairs<'a, Rule>, Box<pest::error::Error<Rule>>> {
        let rest = self.rest();
        let mut wanted = 1;
        loop {
            let line_end = if wanted == 1 {
                self.line_end(self.at) - self.at
            } else {
                // Not by characters: `wanted` may stand inside one.
                let more = rest.as_bytes().get(wanted - 1..).unwrap_or_default();
                more.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| wanted - 1 + end)
            };
            let window = (line_end + 1).min(rest.len());
            let result = PolderGrammar::parse(rule, rest.get(..window).unwrap_or(rest));
            match &result {
                Err(problem) if window < rest.len() && position(problem) >= window => wanted = window * 2,
                _ => return result.map_err(Box::new),
            }
        }
    }
}

/// The rule of the statements that a word starts.
pub(super) fn rule_of(word: &str) -> Option<Rule> {
    words::statement(word, false).map(|one| one.rule)
}

/// Where an error is, counted from the start of what pest was given.
pub(super) fn position(problem: &pest::error::Error<Rule>) -> usize {
    match problem.location {
        pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
    }
}
