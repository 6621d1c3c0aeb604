//! One statement on one line, or on several where it is too long or a comment stands in it.

use super::lex::Token;
use super::{STEP, WIDTH};

/// A longer item has a line of its own where a list is broken.
const SHORT: usize = 12;

/// How the statement's kind is written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    /// Whether the braces are a tier's list of ports: with spaces inside, and after the colon.
    pub port_list: bool,
    /// The word that begins a second list, which stands deeper than the first.
    pub second_list: Option<&'static str>,
    /// Whether its list stands deeper than others: a block may follow, and what is in it is no part of the list.
    pub deeper: bool,
}

/// A statement, by its brackets and items.
#[derive(Debug)]
pub(super) struct StatementLayout<'a> {
    segments: Vec<Item<'a>>,
    style: Style,
}

/// What stands between two commas; of a statement itself, what ends with the mark after which its line may break.
#[derive(Debug, Default)]
struct Item<'a> {
    before: Vec<&'a str>,
    pieces: Vec<Piece<'a>>,
    after: Option<&'a str>,
}

#[derive(Debug)]
enum Piece<'a> {
    Token(Token<'a>),
    Group(Group<'a>),
}

impl<'a> Piece<'a> {
    fn token(&self) -> Option<Token<'a>> {
        match self {
            Piece::Token(token) => Some(*token),
            Piece::Group(_) => None,
        }
    }
}

#[derive(Debug)]
struct Group<'a> {
    open: char,
    /// The comment behind the opening bracket.
    head: Option<&'a str>,
    items: Vec<Item<'a>>,
    /// Comments before the closing bracket.
    tail: Vec<&'a str>,
    /// Whether a comma may stand after the last item.
    trailing_comma: bool,
    padded: bool,
    has_comments: bool,
    /// Its width on one line.
    width: usize,
}

/// Where a statement may break outside of brackets.
#[derive(Debug, Clone, Copy)]
struct Breaks {
    lists: bool,
    arrows: bool,
}

impl<'a> StatementLayout<'a> {
    /// Puts the tokens of a statement together.
    pub(super) fn new(tokens: Vec<Token<'a>>, style: Style) -> Self {
        let mut builder = LayoutBuilder { tokens: tokens.into_iter(), style };
        StatementLayout { segments: builder.segments(), style }
    }

    /// The statement on one line in its parts: up to the first bracket, and each pair of brackets. `None` when it takes
    /// several lines.
    pub(super) fn cells(&self, indent: usize) -> Option<Vec<String>> {
        let mut out = Writer::new(indent, self.style);
        self.write(&mut out, Breaks { lists: false, arrows: false }, "");
        if self.forced().1 || out.overflows || out.text.contains('\n') {
            return None;
        }
        let pieces = &self.segments.first()?.pieces;
        let groups = pieces.iter().position(|piece| matches!(piece, Piece::Group(_))).unwrap_or(pieces.len());
        let (head, groups) = pieces.split_at(groups);
        let flat = |pieces: &[Piece<'a>]| {
            let mut out = Writer::new(0, self.style);
            out.flat(pieces);
            out.text
        };
        Some([flat(head)].into_iter().chain(groups.iter().map(|piece| flat(std::slice::from_ref(piece)))).collect())
    }

    /// The statement, its first line without the indentation. `end` is what follows on its last line.
    pub(super) fn text(&self, indent: usize, end: &str) -> String {
        let (forced, _) = self.forced();
        let mut best = String::new();
        for (lists, arrows) in [(false, false), (true, false), (false, true), (true, true)] {
            if (forced.lists && !lists) || (forced.arrows && !arrows) {
                continue;
            }
            let mut out = Writer::new(indent, self.style);
            self.write(&mut out, Breaks { lists, arrows }, end);
            best = out.text;
            if !out.overflows {
                break;
            }
        }
        best
    }

    /// Where comments break the statement outside of brackets, and whether they break it at all.
    fn forced(&self) -> (Breaks, bool) {
        let mut forced = Breaks { lists: false, arrows: false };
        let mut any = false;
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(index + 1);
            if segment.after.is_some() || next.is_some_and(|next| !next.before.is_empty()) {
                any = true;
                if ends_with_arrow(segment) {
                    forced.arrows = true;
                } else {
                    forced.lists = true;
                }
            }
            any |= segment.pieces.iter().any(|piece| matches!(piece, Piece::Group(group) if group.has_comments));
        }
        (forced, any)
    }

    fn write(&self, out: &mut Writer, breaks: Breaks, end: &str) {
        let mut deeper = self.style.deeper;
        for (index, segment) in self.segments.iter().enumerate() {
            for comment in &segment.before {
                out.comment_line(comment);
            }
            let last = index + 1 == self.segments.len();
            out.pieces(&segment.pieces, if last { end } else { "" });
            if let Some(comment) = segment.after {
                out.trailing(comment);
            }
            if last {
                continue;
            }
            if if ends_with_arrow(segment) { breaks.arrows } else { breaks.lists } {
                deeper |= holds_word(segment, self.style.second_list);
                out.new_line(out.base + if deeper { 2 * STEP } else { STEP });
            } else {
                out.push(" ");
            }
        }
        out.push(end);
    }
}

fn ends_with_arrow(segment: &Item<'_>) -> bool {
    matches!(segment.pieces.last(), Some(Piece::Token(Token::Arrow(_))))
}

/// Whether a segment holds the word, its first piece apart.
fn holds_word(segment: &Item<'_>, word: Option<&str>) -> bool {
    let holds = |piece: &Piece<'_>| matches!(piece, Piece::Token(Token::Word(found)) if Some(*found) == word);
    segment.pieces.iter().skip(1).any(holds)
}

struct LayoutBuilder<'a> {
    tokens: std::vec::IntoIter<Token<'a>>,
    style: Style,
}

/// The items read so far, and the comments behind the last piece, which belong to its item when that goes on.
#[derive(Default)]
struct LayoutItems<'a> {
    done: Vec<Item<'a>>,
    item: Item<'a>,
    pending: Vec<(&'a str, bool)>,
}

impl<'a> LayoutItems<'a> {
    fn piece(&mut self, piece: Piece<'a>) {
        self.item.before.extend(self.pending.drain(..).map(|(comment, _)| comment));
        self.item.pieces.push(piece);
    }

    /// A comment on the line of what it follows is about that.
    fn comment(&mut self, comment: &'a str, own_line: bool) {
        if !self.item.pieces.is_empty() {
            self.pending.push((comment, own_line));
            return;
        }
        match self.done.last_mut() {
            Some(last) if !own_line && last.after.is_none() && self.item.before.is_empty() => {
                last.after = Some(comment);
            }
            _ => self.item.before.push(comment),
        }
    }

    fn end_item(&mut self) {
        let mut item = std::mem::take(&mut self.item);
        for (index, (comment, own_line)) in self.pending.drain(..).enumerate() {
            if index == 0 && !own_line {
                item.after = Some(comment);
            } else {
                self.item.before.push(comment);
            }
        }
        self.done.push(item);
    }
}

impl<'a> LayoutBuilder<'a> {
    fn segments(&mut self) -> Vec<Item<'a>> {
        let mut items = LayoutItems::default();
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Comment(comment, own_line) => items.comment(comment, own_line),
                Token::Open(open) => {
                    let group = self.group(open, true, 1);
                    items.piece(Piece::Group(group));
                }
                Token::Comma | Token::Assign | Token::Arrow(_) => {
                    items.piece(Piece::Token(token));
                    items.end_item();
                }
                _ => items.piece(Piece::Token(token)),
            }
        }
        if !items.item.pieces.is_empty() {
            items.end_item();
        }
        items.done
    }

    /// What follows an opening bracket, up to the closing one. Brackets nest at most two deep in a statement that was
    /// accepted.
    fn group(&mut self, open: char, trailing_comma: bool, depth: usize) -> Group<'a> {
        let mut head = None;
        let mut items = LayoutItems::default();
        let mut first = true;
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Comment(comment, false) if first => head = Some(comment),
                Token::Comment(comment, own_line) => items.comment(comment, own_line),
                Token::Open(inner) => {
                    let group = self.group(inner, inner == '{', depth + 1);
                    items.piece(Piece::Group(group));
                }
                Token::Close(_) => break,
                Token::Comma => items.end_item(),
                _ => items.piece(Piece::Token(token)),
            }
            first = false;
        }
        if !items.item.pieces.is_empty() {
            items.end_item();
        }
        let padded = open == '{' && depth == 1 && self.style.port_list;
        let LayoutItems { done: items, item, .. } = items;
        Group::new(open, head, items, item.before, trailing_comma, padded, self.style)
    }
}

impl<'a> Group<'a> {
    fn new(
        open: char,
        head: Option<&'a str>,
        items: Vec<Item<'a>>,
        tail: Vec<&'a str>,
        trailing_comma: bool,
        padded: bool,
        style: Style,
    ) -> Self {
        let inner = |item: &Item<'_>| {
            let nested = |piece: &Piece<'_>| matches!(piece, Piece::Group(group) if group.has_comments);
            !item.before.is_empty() || item.after.is_some() || item.pieces.iter().any(nested)
        };
        let has_comments = head.is_some() || !tail.is_empty() || items.iter().any(inner);
        let mut group = Group { open, head, items, tail, trailing_comma, padded, has_comments, width: 0 };
        let mut out = Writer::new(0, style);
        out.flat_group(&group);
        group.width = out.column;
        group
    }

    /// Its items, where each is one short word: ports, and values of labels.
    fn short_items(&self) -> Option<Vec<String>> {
        let short = |item: &Item<'a>| match item.pieces.as_slice() {
            [Piece::Token(token @ Token::Word(_))] => {
                Some(spelling(token)).filter(|text| text.chars().count() <= SHORT).map(str::to_owned)
            }
            _ => None,
        };
        if self.has_comments { None } else { self.items.iter().map(short).collect() }
    }

    fn close(&self) -> &'static str {
        if self.open == '{' { "}" } else { ")" }
    }
}

/// The text so far, and where its last line stands.
struct Writer {
    text: String,
    /// The indentation of the statement.
    base: usize,
    /// The indentation of the current line.
    indent: usize,
    column: usize,
    overflows: bool,
    style: Style,
}

impl Writer {
    fn new(indent: usize, style: Style) -> Self {
        Writer { text: String::new(), base: indent, indent, column: indent, overflows: false, style }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
        self.overflows |= self.column > WIDTH;
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.indent = indent;
        self.column = indent;
    }

    /// A comment never makes a line too long.
    fn trailing(&mut self, comment: &str) {
        self.text.push_str("  ");
        self.text.push_str(comment);
    }

    fn comment_line(&mut self, comment: &str) {
        self.text.push_str(comment);
        self.new_line(self.indent);
    }

    fn flat(&mut self, pieces: &[Piece<'_>]) {
        let mut before = None;
        for piece in pieces {
            if space(before, piece, self.style) {
                self.push(" ");
            }
            match piece {
                Piece::Token(token) => self.push(spelling(token)),
                Piece::Group(group) => self.flat_group(group),
            }
            before = Some(piece);
        }
    }

    fn flat_group(&mut self, group: &Group<'_>) {
        self.push(if group.open == '{' { "{" } else { "(" });
        let pad = if group.padded && !group.items.is_empty() { " " } else { "" };
        self.push(pad);
        for (index, item) in group.items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.flat(&item.pieces);
        }
        self.push(pad);
        self.push(group.close());
    }

    /// Writes pieces, each pair of brackets on one line where what follows up to the next ones fits too.
    fn pieces(&mut self, pieces: &[Piece<'_>], end: &str) {
        let mut before = None;
        for (index, piece) in pieces.iter().enumerate() {
            if space(before, piece, self.style) {
                self.push(" ");
            }
            match piece {
                Piece::Token(token) => self.push(spelling(token)),
                Piece::Group(group) => {
                    let after = self.width_to_group(pieces.get(index..).unwrap_or(&[]), end);
                    if group.has_comments || self.column + group.width + after > WIDTH && !group.items.is_empty() {
                        self.broken_group(group);
                    } else {
                        self.flat_group(group);
                    }
                }
            }
            before = Some(piece);
        }
    }

    /// How much stands between the group that `pieces` begin with and the next one, whose opening bracket counts.
    fn width_to_group(&self, pieces: &[Piece<'_>], end: &str) -> usize {
        let mut width = 0;
        for pair in pieces.windows(2) {
            let [before, piece] = pair else { break };
            width += usize::from(space(Some(before), piece, self.style));
            match piece {
                Piece::Token(token) => width += spelling(token).chars().count(),
                Piece::Group(_) => return width + 1,
            }
        }
        width + end.chars().count()
    }

    /// Short items, as many on a line as it has room for.
    fn filled_group(&mut self, group: &Group<'_>, items: &[String]) {
        let outside = self.indent;
        self.push(if group.open == '{' { "{" } else { "(" });
        for (index, item) in items.iter().enumerate() {
            let last = index + 1 == items.len();
            let comma = if !last || group.trailing_comma { "," } else { "" };
            if index == 0 || self.column + 1 + item.chars().count() + comma.len() > WIDTH {
                self.new_line(outside + STEP);
            } else {
                self.push(" ");
            }
            self.push(item);
            self.push(comma);
        }
        self.new_line(outside);
        self.push(group.close());
    }

    fn broken_group(&mut self, group: &Group<'_>) {
        if let Some(items) = group.short_items() {
            return self.filled_group(group, &items);
        }
        let outside = self.indent;
        self.push(if group.open == '{' { "{" } else { "(" });
        if let Some(comment) = group.head {
            self.trailing(comment);
        }
        for (index, item) in group.items.iter().enumerate() {
            self.new_line(outside + STEP);
            for comment in &item.before {
                self.comment_line(comment);
            }
            let comma = if index + 1 < group.items.len() || group.trailing_comma { "," } else { "" };
            self.pieces(&item.pieces, comma);
            self.push(comma);
            if let Some(comment) = item.after {
                self.trailing(comment);
            }
        }
        for comment in &group.tail {
            self.new_line(outside + STEP);
            self.text.push_str(comment);
        }
        self.new_line(outside);
        self.push(group.close());
    }
}

fn spelling<'a>(token: &Token<'a>) -> &'a str {
    match token {
        Token::Word(text) | Token::Compare(text) | Token::Arrow(text) | Token::Comment(text, _) => text,
        Token::Open('{') => "{",
        Token::Open(_) => "(",
        Token::Close('}') => "}",
        Token::Close(_) => ")",
        Token::Comma => ",",
        Token::Colon => ":",
        Token::Assign => "=",
        Token::Not => "!",
    }
}

/// Whether a space stands between two pieces of one item.
fn space(before: Option<&Piece<'_>>, piece: &Piece<'_>, style: Style) -> bool {
    let Some(before) = before else { return false };
    match (before.token(), piece.token()) {
        (_, Some(Token::Comma | Token::Colon)) | (Some(Token::Not), _) => false,
        (Some(Token::Colon), _) => style.port_list,
        (Some(Token::Compare(_)), _) | (_, Some(Token::Compare(_))) => false,
        // Braces behind a namespace.
        (Some(Token::Word(word)), None) if word.ends_with('/') => false,
        // A protocol behind braces.
        (None, Some(Token::Word(word))) => !word.starts_with('/'),
        _ => true,
    }
}
