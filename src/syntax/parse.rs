//! The loop over statements: blocks, comments, and what to do when a statement is broken.

use super::characters;
use super::findings::Findings;
use super::grammar::Rule;
use super::tree::{Comment, Name, Node, NodeKind, Tree};
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
    pub(super) forbidden: Vec<u32>,
    pub(super) diagnostics: Findings,
    pub(super) comments: Vec<Comment>,
    /// The lines of the doc comment just above.
    pub(super) doc: Vec<Span>,
    /// The comments that silence warnings; the last ones wait for the statement below them.
    allows: Vec<Allow>,
    /// The block that is open, with its statements so far. Blocks do not nest.
    pub(super) open: Option<(Node, Vec<Node>)>,
    /// How many blocks were reported as open where the next one began: whoever nests blocks closes them all the same.
    unclosed: usize,
    pub(super) nodes: Vec<Node>,
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
    pub(super) fn end_unclosed(&mut self, next: Span) {
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
    pub(super) fn declared_by(&self, rule: Rule, start: usize, end: usize) -> Option<Name> {
        if rule == Rule::environment { None } else { self.name_of(rule, start, end) }
    }

    pub(super) fn name_of(&self, rule: Rule, start: usize, end: usize) -> Option<Name> {
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

    /// The kind of the block that is open.
    pub(super) fn open_kind(&self) -> Option<&NodeKind> {
        self.open.as_ref().map(|(head, _)| match &head.kind {
            NodeKind::Broken { block: Some(block), .. } => &block.kind,
            kind => kind,
        })
    }
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
