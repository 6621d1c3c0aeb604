//! Statements that are broken: what is said of them, and where they end.

use super::error;
use super::grammar::Rule;
use super::parse::Parser;
use super::recover::{MOST_LINES, begins_statement};
use super::statement::rule_of;
use super::tree::{Name, NamespaceBlock, Node, NodeKind};
use super::words;
use crate::diag::{Code, Diagnostic};
use pest::error::ErrorVariant;

impl<'a> Parser<'a> {
    /// Reports the statement at the cursor, which fails `at` bytes further on, and goes on with the next line.
    pub(super) fn broken(&mut self, rule: Rule, problem: Option<&ErrorVariant<Rule>>, at: usize) {
        let start = self.at;
        let mut failed = (start + at).min(self.text.len());
        // What failed at a line's end failed on that line, not on the next one.
        let before = self.text.get(start..failed).unwrap_or("");
        let ends_line = before.trim_end_matches([' ', '\t', '\r', '\n']);
        if before.len() > ends_line.len() && before.get(ends_line.len()..).is_some_and(|gap| gap.contains('\n')) {
            failed = start + ends_line.len();
        }
        let line_end = self.line_end(failed);
        if rule == Rule::flow && self.reopen() {
            return;
        }
        let meant = self.meant_block(rule, start);
        let rule = meant.map_or(rule, |(_, rule)| rule);
        let shown_end = line_end;
        let line_end = self.parenthesis_end(rule, start, line_end).unwrap_or(line_end);
        let head = if is_block(rule) {
            self.head_end(start, line_end, meant.is_some())
        } else {
            self.opens_something(rule, start, line_end).then_some(line_end)
        };
        let end = head.unwrap_or_else(|| self.broken_end(rule, start, line_end));
        self.at = end;
        let doc = self.take_doc();
        let forbidden = self.forbidden.partition_point(|offset| (*offset as usize) < start);
        let has_forbidden = self.forbidden.get(forbidden).is_some_and(|offset| (*offset as usize) < end);
        let span = self.span(start, end);
        let in_environment = matches!(self.open_kind(), Some(NodeKind::Environment { .. })) && !is_block(rule);
        let (file, text) = (self.file, self.text);
        let place = error::Place { file, text, rule, start, end, failed, line_end: shown_end, in_environment };
        let word = meant.map(|(word, _)| word).or_else(|| error::misspelt(&place));
        if !has_forbidden {
            self.diagnostics.push(match word {
                Some(word) => error::unknown_word(&place, self.word_at(start), word),
                None => error::explain(place, problem),
            });
        }
        let rule = word.and_then(rule_of).unwrap_or(rule);
        let declares = self.declared_by(rule, start, end);
        if head.is_none() {
            self.push(Node { span, doc, kind: NodeKind::Broken { declares, block: None } });
            return;
        }
        // Its body still is one: the statements inside are checked, and its `}` closes it.
        self.end_unclosed(span);
        let name = self.name_of(rule, start, end).unwrap_or(Name { span: self.span(end, end) });
        let kind = match rule {
            Rule::platform => NodeKind::Platform(Vec::new()),
            Rule::environment => NodeKind::Environment { name, entries: Vec::new() },
            _ => {
                let external = rule == Rule::external;
                let names = vec![name];
                NodeKind::Namespace(Box::new(NamespaceBlock { external, names, labels: None, body: Vec::new() }))
            }
        };
        let block = Some(Box::new(Node { span, doc: None, kind }));
        self.open = Some((Node { span, doc, kind: NodeKind::Broken { declares, block } }, Vec::new()));
    }

    fn word_at(&self, start: usize) -> &'a str {
        let rest = self.text.get(start..).unwrap_or("");
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).next().unwrap_or("")
    }

    /// The word and the rule that are meant by a line that begins a block with a misspelt word.
    fn meant_block(&self, rule: Rule, start: usize) -> Option<(&'static str, Rule)> {
        if !matches!(rule, Rule::flow | Rule::platform_entry) {
            return None;
        }
        let line = self.text.get(start..self.line_end(start)).unwrap_or("");
        let code = line.split('#').next().unwrap_or("");
        let head = match code.split_once('{') {
            Some((head, _)) => head,
            None if self.brace_below(self.line_end(start)).is_some() => code,
            None => return None,
        };
        let written = self.word_at(start);
        if written.is_empty() || head.contains("->") || head.contains([':', ',', '=']) && !head.contains('(') {
            return None;
        }
        let word = crate::diag::closest(written, words::blocks().map(words::StatementKind::first_word))?;
        let block = words::blocks().find(|block| block.first_word() == word && word != written)?;
        Some((word, block.rule))
    }

    /// Where the head of a broken block ends: behind its `{`, at the end of its line or alone on the next one.
    fn head_end(&self, start: usize, line_end: usize, misspelt: bool) -> Option<usize> {
        let text = self.text.get(start..line_end)?;
        let code = text.split('#').next().unwrap_or("").trim_end();
        if code.ends_with('{') {
            return Some(line_end);
        }
        match code.find('{') {
            Some(brace) if misspelt => Some(start + brace + 1),
            Some(_) => None,
            None => self.brace_below(line_end).or_else(|| {
                let body = self.open.is_none() && self.body_below(line_end);
                body.then_some(line_end)
            }),
        }
    }

    /// Whether the next line is indented, as the body of a block is, and begins no block itself.
    fn body_below(&self, line_end: usize) -> bool {
        let below = self.text.get(line_end..).unwrap_or("");
        let text = below.trim_start_matches([' ', '\t', '\r', '\n']);
        let gap = below.get(..below.len() - text.len()).unwrap_or("");
        let word = self.word_at(self.text.len() - text.len());
        gap.contains('\n')
            && gap.ends_with([' ', '\t'])
            && !word.is_empty()
            && !words::blocks().any(|block| block.first_word() == word)
    }

    /// Whether a line outside of blocks that nobody understands begins one.
    fn opens_something(&self, rule: Rule, start: usize, line_end: usize) -> bool {
        let line = self.text.get(start..line_end).unwrap_or("");
        let code = line.split('#').next().unwrap_or("").trim_end();
        let unknown = rule == Rule::flow && self.open.is_none() && !code.contains("->") && !code.contains('\n');
        unknown && code.ends_with('{') && !self.word_at(start).is_empty()
    }

    /// Where a broken statement ends: with its line, but for the braces in it.
    fn broken_end(&self, rule: Rule, start: usize, line_end: usize) -> usize {
        let line = self.text.get(start..line_end).unwrap_or("");
        let code = line.split('#').next().unwrap_or("");
        let mut depth = 0usize;
        for (at, brace) in code.match_indices(['{', '}']) {
            match (brace, depth.checked_sub(1)) {
                ("{", _) => depth += 1,
                (_, Some(outer)) => depth = outer,
                // It closes the block.
                (_, None) if self.open.is_some() => return start + at,
                _ => {}
            }
        }
        let first = line.lines().next().unwrap_or("").split('#').next().unwrap_or("").trim_end();
        if matches!(rule, Rule::tier | Rule::flow) && first.ends_with('{') && depth > 0 {
            return self.list_end(line_end).unwrap_or(line_end);
        }
        line_end
    }

    /// The end of a list in braces that is broken above `from`: behind its `}`, unless a statement comes before that.
    fn list_end(&self, from: usize) -> Option<usize> {
        let mut start = from + 1;
        for _ in 0..MOST_LINES {
            let end = self.line_end(start);
            let line = self.text.get(start..end)?;
            let code = line.split('#').next().unwrap_or("");
            if begins_statement(code) || code.contains("->") || code.contains('{') {
                return None;
            }
            if let Some((inside, rest)) = code.split_once('}') {
                let rest = rest.trim();
                let ends = rest.is_empty() || rest.starts_with('}');
                return Some(if ends { start + inside.len() + 1 } else { end });
            }
            start = end + 1;
        }
        None
    }

    /// Behind the `{` that stands alone on the line below, if one does.
    fn brace_below(&self, line_end: usize) -> Option<usize> {
        let below = self.text.get(line_end..)?.trim_start_matches([' ', '\t', '\r', '\n']);
        let line = below.split(['\n', '#']).next().unwrap_or("").trim_end();
        (line == "{").then(|| self.text.len() - below.len() + 1)
    }

    /// A `{` below `external namespace NAME`, which needs none, begins its block. Says whether there was one.
    fn reopen(&mut self) -> bool {
        let alone = self.open.is_none() && self.brace_below(self.at) == Some(self.at + 1);
        let Some(head) = self.nodes.pop_if(|node| alone && matches!(node.kind, NodeKind::Namespace(_))) else {
            return false;
        };
        let (start, end) = (head.span.range().start, head.span.range().end);
        if self.text.get(start..end).is_some_and(|text| text.ends_with('{'))
            || self.brace_below(end) != Some(self.at + 1)
        {
            self.nodes.push(head);
            return false;
        }
        let brace = self.span(self.at, self.at + 1);
        self.diagnostics.push(
            Diagnostic::new(Code::E0001, brace, "the `{` of a block stands on the line of its first words")
                .with_help(format!("write `{} {{`", self.text.get(start..end).unwrap_or(""))),
        );
        self.at += 1;
        self.doc.clear();
        let span = self.span(start, self.at);
        let kind =
            NodeKind::Broken { declares: None, block: Some(Box::new(Node { span, doc: None, kind: head.kind })) };
        self.open = Some((Node { span, doc: head.doc, kind }, Vec::new()));
        true
    }
}

fn is_block(rule: Rule) -> bool {
    words::blocks().any(|block| block.rule == rule)
}
