//! The loop over statements: blocks, comments, and what to do when a statement is broken.

use super::findings::Findings;
use super::grammar::Rule;
use super::recover::{MOST_LINES, begins_statement};
use super::statement::rule_of;
use super::tree::{Comment, Name, NamespaceBlock, Node, NodeKind, Tree};
use super::{characters, error};
use crate::diag::{Allow, Code, Diagnostic};
use crate::source::{FileId, Sources, Span};
use std::cell::Cell;

/// What parsing a file gives.
#[derive(Debug)]
pub struct Parsed {
    /// The tree, whatever the text was.
    pub tree: Tree,
    /// What is wrong with the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// The most lines that are matched at once.
const MOST_AT_ONCE: usize = 64;

/// Parses a file. Takes time and memory linear in its length, whatever it holds.
pub fn parse(sources: &Sources, file: FileId) -> Parsed {
    parse_with(sources, file, MOST_AT_ONCE)
}

fn parse_with(sources: &Sources, file: FileId, most_at_once: usize) -> Parsed {
    let text = sources.file(file).map_or("", |source| source.text.as_str());
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut diagnostics = Findings::default();
    let readable = characters::with_line_ends(file, text, &mut diagnostics);
    let text = readable.as_deref().unwrap_or(text);
    let forbidden = characters::check(file, text, start, &mut diagnostics);
    let mut parser = Parser {
        file,
        text,
        at: start,
        forbidden,
        diagnostics,
        comments: Vec::new(),
        doc: Vec::new(),
        allows: Vec::new(),
        open: None,
        unclosed: 0,
        nodes: Vec::new(),
        known_line: Cell::new((0, text.find('\n').unwrap_or(text.len()))),
        known_code: Cell::new((0, 0)),
        at_once: 1,
        most_at_once,
    };
    parser.run();
    Parsed {
        tree: Tree { file, nodes: parser.nodes, comments: parser.comments, allows: parser.allows },
        diagnostics: parser.diagnostics.finish(),
    }
}

pub(super) struct Parser<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Where forbidden characters stand, in order: what they break is not reported again.
    forbidden: Vec<u32>,
    pub(super) diagnostics: Findings,
    pub(super) comments: Vec<Comment>,
    /// The lines of the doc comment just above.
    doc: Vec<Span>,
    /// The comments that silence warnings; the last ones wait for the statement below them.
    allows: Vec<Allow>,
    /// The block that is open, with its statements so far. Blocks do not nest.
    pub(super) open: Option<(Node, Vec<Node>)>,
    /// How many blocks were reported as open where the next one began: whoever nests blocks closes them all the same.
    unclosed: usize,
    nodes: Vec<Node>,
    /// The part of a line whose end was asked for last, from there to that end.
    known_line: Cell<(usize, usize)>,
    /// The same, up to the last character before its comment.
    known_code: Cell<(usize, usize)>,
    /// How many lines may be matched at once. It doubles while they all match and goes back to one when they do not,
    /// so that over any input the lines looked at in vain are no more than those that matched.
    pub(super) at_once: usize,
    pub(super) most_at_once: usize,
}

impl<'a> Parser<'a> {
    fn run(&mut self) {
        loop {
            self.skip_blank_lines();
            match self.rest().as_bytes().first() {
                None => break,
                Some(b'#') => self.comment(),
                Some(b'}') => self.close(),
                Some(_) => self.statement(),
            }
        }
        if let Some((head, _)) = &self.open {
            self.diagnostics.push(
                Diagnostic::new(Code::E0004, head.span, "this block is never closed")
                    .with_text("opened here")
                    .with_help("close it with a line `}`")
                    .with_mend(self.span(self.text.len(), self.text.len()), self.closing(self.text.len())),
            );
        }
        self.end_block();
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start..end)
    }

    /// Skips spaces and line ends. A blank line parts a doc comment from what is below it.
    fn skip_blank_lines(&mut self) {
        let mut line_ends = 0;
        for byte in self.rest().bytes() {
            match byte {
                b'\n' => line_ends += 1,
                b' ' | b'\t' | b'\r' => {}
                _ => break,
            }
            self.at += 1;
        }
        if line_ends > 1 {
            self.doc.clear();
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        let line = self.rest().split('\n').next().unwrap_or("").trim_end_matches('\r');
        let doc = line.starts_with("##");
        let directive = line.trim_start_matches('#').trim_start().starts_with("polder:");
        self.at += line.len();
        let span = self.span(start, self.at);
        self.comments.push(Comment { span, doc });
        if doc {
            self.doc.push(span);
        } else if directive {
            self.allows.extend(Allow::read(line, span, None));
        } else {
            self.doc.clear();
        }
    }

    /// Ends the open block; a closing brace without one is reported.
    fn close(&mut self) {
        self.drop_waiting_allows();
        if self.open.is_none() && self.unclosed > 0 {
            self.unclosed -= 1;
        } else if self.open.is_none() {
            self.diagnostics.push(
                Diagnostic::new(Code::E0001, self.span(self.at, self.at + 1), "this `}` closes nothing")
                    .with_help("remove it, or open a block with `namespace NAME {`")
                    .with_mend(self.span(self.at, self.at + 1), ""),
            );
        }
        self.end_block();
        self.at += 1;
        self.doc.clear();
        let rest = self.rest().trim_start_matches([' ', '\t']);
        let ended = rest.is_empty() || rest.starts_with(['\n', '#', '}']) || rest.starts_with("\r\n");
        if !ended {
            let start = self.text.len() - rest.len();
            self.at = self.line_end(start);
            let span = self.span(start, self.at);
            self.diagnostics.push(
                Diagnostic::new(Code::E0001, span, "expected the end of the line after `}`")
                    .with_help("start a new line after `}`"),
            );
        }
    }

    /// A line that closes a block, to be put at `offset`.
    fn closing(&self, offset: usize) -> &'static str {
        if self.text.get(..offset).is_some_and(|before| before.ends_with('\n')) { "}\n" } else { "\n}\n" }
    }

    /// Comments at the end of a block silence nothing.
    fn drop_waiting_allows(&mut self) {
        let here = self.span(self.at, self.at);
        for allow in self.allows.iter_mut().rev().take_while(|allow| allow.covers.is_none()) {
            allow.covers = Some(here);
        }
    }

    fn end_block(&mut self) {
        if let Some((mut head, body)) = self.open.take() {
            let block = match &mut head.kind {
                NodeKind::Broken { block: Some(block), .. } => &mut block.kind,
                kind => kind,
            };
            match block {
                NodeKind::Namespace(block) => block.body = body,
                NodeKind::Platform(entries) | NodeKind::Environment { entries, .. } => *entries = body,
                _ => {}
            }
            self.nodes.push(head);
        }
    }

    pub(super) fn take_doc(&mut self) -> Option<Box<str>> {
        if self.doc.is_empty() {
            return None;
        }
        let lines = self.doc.drain(..).map(|span| {
            let line = self.text.get(span.range()).unwrap_or("").trim_start_matches('#');
            line.strip_prefix(' ').unwrap_or(line).trim_end()
        });
        Some(lines.collect::<Vec<_>>().join("\n").into_boxed_str())
    }

    pub(super) fn push(&mut self, node: Node) {
        for allow in self.allows.iter_mut().rev().take_while(|allow| allow.covers.is_none()) {
            allow.covers = Some(node.span);
        }
        let opens = match &node.kind {
            NodeKind::Namespace(_) => self.text.get(node.span.range()).is_some_and(|text| text.ends_with('{')),
            NodeKind::Platform(_) | NodeKind::Environment { .. } => true,
            _ => false,
        };
        if !opens {
            match &mut self.open {
                Some((_, body)) => body.push(node),
                None => self.nodes.push(node),
            }
            return;
        }
        self.end_unclosed(node.span);
        self.open = Some((node, Vec::new()));
    }

    /// Ends the block that is open where the next one begins, which is reported.
    fn end_unclosed(&mut self, next: Span) {
        let Some((head, _)) = &self.open else { return };
        self.unclosed += 1;
        self.diagnostics.push(
            Diagnostic::new(Code::E0004, head.span, "this block is still open where another one begins")
                .with_text("opened here")
                .with_label(next, "the next block")
                .with_help("blocks do not nest: close it with a line `}` before the next one")
                .with_mend(Span { end: next.start, ..next }, "}\n\n"),
        );
        self.end_block();
    }

    /// The name that a broken declaration seems to give: the word after its keyword.
    fn declared_by(&self, rule: Rule, start: usize, end: usize) -> Option<Name> {
        if rule == Rule::environment { None } else { self.name_of(rule, start, end) }
    }

    fn name_of(&self, rule: Rule, start: usize, end: usize) -> Option<Name> {
        let keywords = match rule {
            Rule::external => 2,
            Rule::tier | Rule::group | Rule::cidr | Rule::fqdn | Rule::ports_entry => 1,
            Rule::namespace | Rule::environment => 1,
            _ => return None,
        };
        let text = self.text.get(start..end)?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let mut rest = text;
        for _ in 0..keywords {
            rest = rest.trim_start_matches(is_word).trim_start_matches([' ', '\t']);
        }
        let word = rest.get(..rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())).unwrap_or("");
        let length = word.trim_end_matches('-').len();
        let from = end - rest.len();
        (length > 0).then(|| Name { span: self.span(from, from + length) })
    }

    /// Where the line at `from` ends without its comment and the space before that.
    pub(super) fn code_end(&self, from: usize) -> usize {
        let (start, end) = self.known_code.get();
        if (start..end).contains(&from) {
            return end;
        }
        let line = self.text.get(from..self.line_end(from)).unwrap_or("");
        let end = from + line.split('#').next().unwrap_or("").trim_end().len();
        self.known_code.set((from, end));
        end
    }

    pub(super) fn line_end(&self, from: usize) -> usize {
        // Many statements can stand on one line; its end is looked for once.
        let (start, end) = self.known_line.get();
        if (start..=end).contains(&from) {
            return end;
        }
        let rest = self.text.get(from..).unwrap_or("");
        let end = from + rest.find('\n').unwrap_or(rest.len());
        self.known_line.set((from, end));
        end
    }

    /// Reports the statement at the cursor, which fails `at` bytes further on, and goes on with the next line.
    pub(super) fn broken(&mut self, rule: Rule, problem: Option<&pest::error::ErrorVariant<Rule>>, at: usize) {
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
                NodeKind::Namespace(Box::new(NamespaceBlock { external, name, labels: None, body: Vec::new() }))
            }
        };
        let block = Some(Box::new(Node { span, doc: None, kind }));
        self.open = Some((Node { span, doc, kind: NodeKind::Broken { declares, block } }, Vec::new()));
    }

    /// The kind of the block that is open.
    pub(super) fn open_kind(&self) -> Option<&NodeKind> {
        self.open.as_ref().map(|(head, _)| match &head.kind {
            NodeKind::Broken { block: Some(block), .. } => &block.kind,
            kind => kind,
        })
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
        let word = crate::diag::closest(written, BLOCKS.iter().map(|(word, _)| *word))?;
        BLOCKS.iter().find(|(known, _)| *known == word && word != written).copied()
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
            && !BLOCKS.iter().any(|(block, _)| *block == word)
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

/// The words that begin a block.
const BLOCKS: &[(&str, Rule)] = &[
    ("namespace", Rule::namespace),
    ("external", Rule::external),
    ("platform", Rule::platform),
    ("environment", Rule::environment),
];

fn is_block(rule: Rule) -> bool {
    BLOCKS.iter().any(|(_, block)| *block == rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Good and bad lines in every order of three, after a run of good ones.
    #[test]
    fn lines_matched_at_once_are_those_matched_one_by_one() {
        const LINES: [&str; 12] = [
            "a -> b:80",
            "  tier x { http: 80/tcp }",
            "a -> ",
            "a -> b:80 # why",
            "",
            "## A doc comment.",
            "tier",
            "x -> {a,\n  # inside\n  b}:http ->\n  c",
            "dns cluster",
            "}",
            "namespace n {",
            "tier t (a=\n  b)\r",
        ];
        let good = "a -> b:80\n".repeat(9);
        for number in 0..LINES.len().pow(3) {
            let lines = [number, number / LINES.len(), number / LINES.len().pow(2)];
            let lines = lines.map(|number| LINES.get(number % LINES.len()).copied().unwrap_or_default()).join("\n");
            let text = format!("{good}{lines}\n{good}{lines}\n{lines}");
            let mut sources = Sources::default();
            let file = sources.add("a.polder", text.as_str());
            let parsed = [1, 2, 64].map(|most| format!("{:?}", parse_with(&sources, file, most)));
            assert!(parsed.array_windows().all(|[one, next]| one == next), "{text}");
        }
    }
}
