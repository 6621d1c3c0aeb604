//! A file as a list of statements, comments and closing braces, and that list as text.

use super::layout::{StatementLayout, Style};
use super::{STEP, WIDTH, lex};
use crate::syntax::{Node, NodeKind, Tree};

/// The canonical text of a tree of `text`.
pub(super) fn text(text: &str, tree: &Tree) -> String {
    let mut reader = PartsReader { text, parts: Vec::new(), open: false };
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let end = reader.nodes(&tree.nodes, start);
    reader.gap(end, text.len());
    let mut parts = reader.parts;
    align(&mut parts, text);
    write(&parts, text)
}

/// A piece of the file that has its own line, or the end of one.
#[derive(Debug)]
struct Part<'a> {
    start: usize,
    end: usize,
    /// How deep it stands.
    indent: usize,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// A statement or the first line of a block.
    Statement {
        text: String,
        opens: bool,
        /// Its columns, when it lines up with its neighbours.
        row: Option<Columns<'a>>,
    },
    Comment(&'a str),
    /// `}`
    Close,
}

/// The columns of a line: of a tier its name, selector and ports, of a platform's entry its key and its values.
#[derive(Debug)]
struct Columns<'a> {
    first: String,
    second: String,
    third: String,
    /// Only rows of one kind line up.
    keyword: &'a str,
}

struct PartsReader<'a> {
    text: &'a str,
    parts: Vec<Part<'a>>,
    /// Whether a block is open.
    open: bool,
}

impl<'a> PartsReader<'a> {
    /// Reads nodes and what stands between them, from `at` on, and gives where the last one ends.
    fn nodes(&mut self, nodes: &[Node], mut at: usize) -> usize {
        for node in nodes {
            self.gap(at, node.span.range().start);
            self.node(node);
            at = node.span.range().end;
            at = match &node.kind {
                NodeKind::Namespace(block) => self.nodes(&block.body, at),
                NodeKind::Platform(entries) | NodeKind::Environment { entries, .. } => self.nodes(entries, at),
                _ => at,
            };
        }
        at
    }

    fn push(&mut self, start: usize, end: usize, kind: Kind<'a>) {
        let indent = if self.open { STEP } else { 0 };
        self.parts.push(Part { start, end, indent, kind });
    }

    fn node(&mut self, node: &Node) {
        let (start, end) = (node.span.range().start, node.span.range().end);
        let text = self.text.get(start..end).unwrap_or("");
        let block = matches!(node.kind, NodeKind::Namespace(_) | NodeKind::Platform(_) | NodeKind::Environment { .. });
        let head = text.strip_suffix('{').filter(|_| block);
        let opens = head.is_some();
        let statement = statement(head.unwrap_or(text), &node.kind);
        let indent = if self.open { STEP } else { 0 };
        let row = row(&statement, &node.kind, indent);
        let text = statement.text(indent, if opens { " {" } else { "" });
        self.push(start, end, Kind::Statement { text, opens, row });
        self.open |= opens;
    }

    /// What stands between statements: comments and closing braces.
    fn gap(&mut self, start: usize, end: usize) {
        let mut at = start;
        loop {
            let rest = self.text.get(at..end).unwrap_or("");
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            at += rest.len() - trimmed.len();
            match trimmed.as_bytes().first() {
                Some(b'#') => {
                    let line = line(trimmed);
                    self.push(at, at + line.len(), Kind::Comment(line));
                    at += line.len();
                }
                Some(b'}') => {
                    self.open = false;
                    self.push(at, at + 1, Kind::Close);
                    at += 1;
                }
                // Nothing else stands there in a file that was understood; the proof would miss it.
                _ => return,
            }
        }
    }
}

/// The rest of the line, without spaces at its end.
fn line(text: &str) -> &str {
    text.split('\n').next().unwrap_or("").trim_end_matches([' ', '\t', '\r'])
}

fn statement<'a>(text: &'a str, kind: &NodeKind) -> StatementLayout<'a> {
    let colons = !matches!(kind, NodeKind::Cidr(_) | NodeKind::Dns(_) | NodeKind::PlatformEntry { .. });
    let style = Style {
        port_list: matches!(kind, NodeKind::Tier(_)),
        deeper: matches!(kind, NodeKind::Namespace(_)),
        second_list: match kind {
            NodeKind::Cidr(_) | NodeKind::Assertion(_) => Some("except"),
            NodeKind::Isolate(_) => Some("for"),
            _ => None,
        },
    };
    StatementLayout::new(lex::tokens(text, colons), style)
}

fn row<'a>(statement: &StatementLayout<'_>, kind: &NodeKind, indent: usize) -> Option<Columns<'a>> {
    match kind {
        NodeKind::Tier(_) => {
            let mut cells = statement.cells(indent)?.into_iter().peekable();
            let first = cells.next()?;
            let second = cells.next_if(|cell| cell.starts_with('(')).unwrap_or_default();
            Some(Columns { first, second, third: cells.next().unwrap_or_default(), keyword: "tier" })
        }
        NodeKind::PlatformEntry { .. } => {
            statement.cells(indent)?;
            let text = statement.text(indent, "");
            let (key, values) = text.split_once(' ')?;
            Some(Columns { first: key.to_owned(), second: values.to_owned(), third: String::new(), keyword: "entry" })
        }
        _ => None,
    }
}

/// How many lines end between two places.
fn line_ends(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end).unwrap_or("").matches('\n').count()
}

/// Lines up the rows that stand together: no blank line and no other statement between them.
fn align(parts: &mut [Part<'_>], text: &str) {
    let mut run: Vec<usize> = Vec::new();
    let mut end = 0;
    for index in 0..parts.len() {
        let Some(part) = parts.get(index) else { break };
        let apart = line_ends(text, end, part.start) > 1;
        end = part.end;
        let row = match &part.kind {
            Kind::Statement { row, .. } => row.as_ref(),
            Kind::Comment(_) if !apart => continue,
            Kind::Comment(_) | Kind::Close => None,
        };
        let other = run.first().and_then(|first| keyword(parts, *first)) != row.map(|row| row.keyword);
        let joins = row.is_some();
        if apart || other {
            line_up(parts, &run);
            run.clear();
        }
        if joins {
            run.push(index);
        }
    }
    line_up(parts, &run);
}

fn keyword<'a>(parts: &[Part<'a>], index: usize) -> Option<&'a str> {
    match &parts.get(index)?.kind {
        Kind::Statement { row: Some(row), .. } => Some(row.keyword),
        Kind::Statement { .. } | Kind::Comment(_) | Kind::Close => None,
    }
}

fn line_up(parts: &mut [Part<'_>], run: &[usize]) {
    let rows = || {
        run.iter().filter_map(|index| match &parts.get(*index)?.kind {
            Kind::Statement { row: Some(row), .. } => Some((parts.get(*index)?.indent, row)),
            Kind::Statement { .. } | Kind::Comment(_) | Kind::Close => None,
        })
    };
    let widest =
        |cells: &dyn Fn(&Columns<'_>) -> Option<usize>| rows().filter_map(|(_, row)| cells(row)).max().unwrap_or(0);
    let first = widest(&|row| (!row.second.is_empty() || !row.third.is_empty()).then(|| row.first.chars().count()));
    let second = widest(&|row| (!row.second.is_empty() && !row.third.is_empty()).then(|| row.second.chars().count()));
    // Rather out of line than too long.
    let fits = |first: usize, second: usize| {
        rows().all(|(indent, row)| indent + aligned(row, first, second).chars().count() <= WIDTH)
    };
    let choices = [(first, second), (first, 0), (0, 0)];
    let (first, second) = choices.into_iter().find(|(first, second)| fits(*first, *second)).unwrap_or((0, 0));
    for index in run {
        if let Some(Part { kind: Kind::Statement { text, row: Some(row), .. }, .. }) = parts.get_mut(*index) {
            *text = aligned(row, first, second);
        }
    }
}

fn aligned(row: &Columns<'_>, first: usize, second: usize) -> String {
    let Columns { first: a, second: b, third: c, .. } = row;
    match (b.is_empty(), c.is_empty()) {
        (true, true) => a.clone(),
        (false, true) => format!("{a:first$} {b}"),
        (true, false) if second == 0 => format!("{a:first$} {c}"),
        (_, false) => format!("{a:first$} {b:second$} {c}"),
    }
}

/// A block of one statement that somebody wrote on one line, where that fits, and its closing brace.
fn on_one_line<'p, 'a>(parts: &'p [Part<'a>], at: usize, text: &str) -> Option<(String, &'p Part<'a>)> {
    let [head, inside, close] = parts.get(at..at + 3)? else { return None };
    let Kind::Statement { text: first, opens: true, .. } = &head.kind else { return None };
    let Kind::Statement { text: statement, opens: false, .. } = &inside.kind else { return None };
    let is_one = matches!(close.kind, Kind::Close) && line_ends(text, head.start, close.end) == 0;
    let line = format!("{first} {statement} }}");
    (is_one && !line.contains('\n') && line.chars().count() <= WIDTH).then_some((line, close))
}

fn write(parts: &[Part<'_>], text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before: Option<&Part<'_>> = None;
    // Whether nothing stands in the block yet, so that a blank line has nothing to part.
    let mut fresh = true;
    let mut parts_left = parts.iter().enumerate();
    while let Some((at, part)) = parts_left.next() {
        let ends = before.map_or(0, |before| line_ends(text, before.end, part.start));
        let opened = matches!(before, Some(Part { kind: Kind::Statement { opens: true, .. }, .. }));
        let after_line = matches!(before, Some(Part { kind: Kind::Statement { .. } | Kind::Close, .. }));
        if let Kind::Comment(comment) = &part.kind
            && after_line
            && ends == 0
        {
            out.push_str("  ");
            out.push_str(comment);
            // A doc comment is about what follows unless a blank line parts them.
            fresh = opened && !comment.starts_with("##");
            before = Some(part);
            continue;
        }
        let closes = matches!(part.kind, Kind::Close);
        if closes && opened {
            out.push('}');
            before = Some(part);
            fresh = false;
            continue;
        }
        if before.is_some() {
            out.push('\n');
            if ends > 1 && !fresh && !opened && !closes {
                out.push('\n');
            }
        }
        out.extend(std::iter::repeat_n(' ', part.indent));
        fresh = false;
        before = Some(part);
        if let Some((line, close)) = on_one_line(parts, at, text) {
            out.push_str(&line);
            before = Some(close);
            parts_left.nth(1);
            continue;
        }
        match &part.kind {
            Kind::Statement { text, .. } => out.push_str(text),
            Kind::Comment(comment) => out.push_str(comment),
            Kind::Close => out.push('}'),
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}
