//! The plain part of YAML, quickly: block maps and lists of scalars on one line, as people, `kubectl` and generators write
//! nearly all manifests.
//!
//! The general parser takes most of the time that reading takes. This reader takes a document only as a whole, and only
//! where it is sure what every byte means: it steps aside for anchors, tags, flow style with something in it, scalars over
//! several lines except literal ones, escapes, tabs, and plain scalars that might be numbers of some kind. What it takes
//! comes out as the general parser makes it, to the offset.

use super::merge::is_key;
use super::node::{MANAGED_FIELDS, Seed, Value, YamlNode};
use memchr::{memchr, memchr_iter, memmem};
use std::borrow::Cow;

/// Deeper documents are left to the general parser, which has a limit of its own.
const DEEPEST: usize = 60;

/// A key in front of a colon has at most this many bytes in YAML.
const LONGEST_KEY: usize = 1000;

/// The documents of a text, each from its mark on; `None` when they cannot be told apart by their lines.
///
/// A mark in the first column ends a document whatever is in it, even where a scalar goes over several lines.
pub(super) fn documents(text: &str) -> Option<Vec<&str>> {
    let bytes = text.as_bytes();
    let has_line = |start: &str, line: &str| text.starts_with(start) || memmem::find(bytes, line.as_bytes()).is_some();
    if has_line("...", "\n...") || has_line("%", "\n%") || memchr(b'\r', bytes).is_some() {
        return None;
    }
    let is_mark = |at: &usize| text.get(at + 3..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n']));
    let marks = memmem::find_iter(bytes, b"\n---").map(|at| at + 1).filter(is_mark);
    let starts: Vec<usize> = std::iter::once(0).chain(marks).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let documents: Option<Vec<&str>> = starts.iter().zip(ends).map(|(start, end)| text.get(*start..end)).collect();
    let mut documents = documents?;
    // What stands in front of the first mark is no document when there is nothing in it.
    if documents.len() > 1 && documents.first().is_some_and(|first| !first.starts_with("---") && is_blank(first)) {
        documents.remove(0);
    }
    Some(documents)
}

fn is_blank(document: &str) -> bool {
    document.lines().all(|line| is_comment(line.trim_start_matches(' ')))
}

/// Whether nothing stands on a line, of which the spaces in front are gone.
fn is_comment(content: &str) -> bool {
    matches!(content.as_bytes().first(), None | Some(b'#'))
}

/// A document as the general parser reads it; `None` when that has to do it.
pub(super) fn read<'a>(seed: Seed<'a, '_>, document: &'a str) -> Option<YamlNode<'a>> {
    let mut rest = document;
    if let Some(after) = rest.strip_prefix("---") {
        let (mark, below) = after.split_once('\n').unwrap_or((after, ""));
        if !is_comment(mark.trim_start_matches(' ')) {
            return None;
        }
        rest = below;
    }
    // All bytes are looked at, which is quicker than to stop at the first one that is not plain.
    let all_plain = rest.bytes().fold(true, |all, byte| all & (is_plain_byte(byte) | (byte == b'\n')));
    if !all_plain && !rest.chars().all(|one| one == '\n' || is_plain(one)) {
        return None;
    }
    let lines = lines(rest);
    let mut reader = BlockReader {
        seed,
        lines: &lines,
        next: 0,
        depth: 0,
        ends: document.ends_with('\n'),
        pairs: Vec::new(),
        items: Vec::new(),
    };
    let first = reader.peek()?;
    let node = reader.block(first.indent)?;
    reader.peek().is_none().then_some(node)
}

fn is_plain_byte(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// Whether a character means itself: no control character, no tab, and none of the others that end a line or begin a text.
fn is_plain(one: char) -> bool {
    let is_odd = matches!(one, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}');
    u8::try_from(one).is_ok_and(is_plain_byte) || (one >= '\u{A0}' && !is_odd)
}

#[derive(Debug, Clone, Copy)]
struct BlockLine<'a> {
    /// The spaces in front.
    indent: usize,
    /// What follows them, without spaces behind it.
    content: &'a str,
    /// All of it.
    whole: &'a str,
}

fn lines(text: &str) -> Vec<BlockLine<'_>> {
    let mut lines = Vec::with_capacity(memchr_iter(b'\n', text.as_bytes()).count() + 1);
    let mut start = 0;
    for end in memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let whole = text.get(start..end).unwrap_or_default();
        let content = without_start(whole);
        lines.push(BlockLine { indent: whole.len() - content.len(), content: without_end(content), whole });
        start = end + 1;
    }
    // What stands behind the last line end is a line only if there is something.
    if lines.last().is_some_and(|line| line.whole.is_empty()) {
        lines.pop();
    }
    lines
}

/// A text without the spaces in front.
fn without_start(text: &str) -> &str {
    let spaces = text.bytes().take_while(|byte| *byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// A text without the spaces behind it.
fn without_end(text: &str) -> &str {
    let spaces = text.bytes().rev().take_while(|byte| *byte == b' ').count();
    text.get(..text.len() - spaces).unwrap_or_default()
}

struct BlockReader<'a, 'l, 's> {
    seed: Seed<'a, 's>,
    lines: &'l [BlockLine<'a>],
    next: usize,
    depth: usize,
    /// Whether the last line has an end.
    ends: bool,
    /// The pairs so far of the maps that are being read, the innermost last: a map then takes what it needs at once.
    pairs: Vec<(YamlNode<'a>, YamlNode<'a>)>,
    /// The same for lists.
    items: Vec<YamlNode<'a>>,
}

impl<'a> BlockReader<'a, '_, '_> {
    /// The next line with something on it.
    fn peek(&mut self) -> Option<BlockLine<'a>> {
        loop {
            let line = self.lines.get(self.next)?;
            if !is_comment(line.content) {
                return Some(*line);
            }
            self.next += 1;
        }
    }

    /// The map or list that begins with the next line, at this depth.
    fn block(&mut self, indent: usize) -> Option<YamlNode<'a>> {
        let line = self.peek().filter(|line| line.indent == indent)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let node = match item(line.content) {
            Some(_) => self.list(indent),
            None => self.map(indent, None),
        }?;
        self.depth -= 1;
        Some(node)
    }

    /// The list whose items stand at this depth.
    fn list(&mut self, indent: usize) -> Option<YamlNode<'a>> {
        let first = self.items.len();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            let Some(content) = item(line.content) else { break };
            self.next += 1;
            let node = if is_comment(content) {
                self.below(indent, false)?
            } else if item(content).is_some() {
                return None;
            } else if let Some(pair) = pair(content) {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                let node = self.map(indent + (line.content.len() - content.len()), Some(pair))?;
                self.depth -= 1;
                node
            } else {
                self.value(content, indent)?
            };
            self.items.push(node);
        }
        let items: Vec<YamlNode> = self.items.drain(first..).collect();
        let at = items.iter().find_map(|item| item.at);
        Some(YamlNode { at, value: Value::List(items) })
    }

    /// The map whose keys stand at this depth; the first one perhaps on the line of an item of a list, which is gone.
    fn map(&mut self, indent: usize, first: Option<BlockPair<'a>>) -> Option<YamlNode<'a>> {
        let start = self.pairs.len();
        let mut first = first;
        loop {
            let BlockPair { key, behind } = match first.take() {
                Some(pair) => pair,
                None => match self.peek() {
                    Some(line) if line.indent == indent && item(line.content).is_none() => {
                        self.next += 1;
                        pair(line.content)?
                    }
                    Some(line) if line.indent > indent => return None,
                    _ => break,
                },
            };
            let pair = self.pair(key, behind, indent)?;
            self.pairs.push(pair);
        }
        let pairs: Vec<(YamlNode, YamlNode)> = self.pairs.drain(start..).collect();
        let at = pairs.first().and_then(|(key, _)| key.at);
        (!pairs.is_empty()).then_some(YamlNode { at, value: Value::Map(pairs) })
    }

    /// A key and its value, which may go on below the line.
    fn pair(&mut self, key: Word<'a>, behind: &'a str, indent: usize) -> Option<(YamlNode<'a>, YamlNode<'a>)> {
        let key = self.scalar(key)?;
        if is_key(self.seed, &key) {
            return None;
        }
        let mut value = match is_comment(behind) {
            true => self.below(indent, true)?,
            false => self.value(behind, indent)?,
        };
        if matches!(&key.value, Value::Text(name) if name == MANAGED_FIELDS) {
            value = YamlNode { at: None, value: Value::Null };
        }
        value.at = value.at.or(key.at);
        Some((key, value))
    }

    /// What stands below a key or an item without a value on its line.
    fn below(&mut self, indent: usize, of_key: bool) -> Option<YamlNode<'a>> {
        match self.peek() {
            Some(line) if line.indent > indent => self.block(line.indent),
            // The items of a list may stand as deep as the key that it belongs to.
            Some(line) if of_key && line.indent == indent && item(line.content).is_some() => self.block(indent),
            _ => Some(YamlNode { at: None, value: Value::Null }),
        }
    }

    /// A value on the line of its key or item.
    fn value(&mut self, text: &'a str, indent: usize) -> Option<YamlNode<'a>> {
        if let Some(keeps_end) = literal(text) {
            return self.literal(indent, keeps_end);
        }
        // A scalar goes on where the next line stands deeper.
        if self.peek().is_some_and(|line| line.indent > indent) {
            return None;
        }
        match value(text)? {
            Word::Plain("{}") => Some(YamlNode { at: None, value: Value::Map(Vec::new()) }),
            Word::Plain("[]") => Some(YamlNode { at: None, value: Value::List(Vec::new()) }),
            word @ (Word::Quoted(_) | Word::Plain(_)) => self.scalar(word),
        }
    }

    /// The lines of a literal scalar.
    fn literal(&mut self, indent: usize, keeps_end: bool) -> Option<YamlNode<'a>> {
        let is_blank = |line: &BlockLine| line.content.is_empty();
        let first = self.lines.get(self.next)?;
        if is_blank(first) || first.indent <= indent {
            return None;
        }
        let depth = first.indent;
        let mut text = String::new();
        let mut blank = 0;
        while let Some(line) = self.lines.get(self.next) {
            if is_blank(line) && line.whole.len() > depth {
                return None;
            }
            if !is_blank(line) && line.indent < depth {
                break;
            }
            self.next += 1;
            if is_blank(line) {
                blank += 1;
                continue;
            }
            (0..std::mem::take(&mut blank)).for_each(|_| text.push('\n'));
            text.push_str(line.whole.get(depth..)?);
            text.push('\n');
        }
        // At the end of the text a line end is missing.
        if self.next == self.lines.len() && !self.ends {
            return None;
        }
        // A line between the depths of the key and of the text ends it, and is an error unless it is a comment.
        if self.lines.get(self.next).is_some_and(|line| line.indent > indent) {
            return None;
        }
        if !keeps_end {
            text.pop();
        }
        Some(YamlNode { at: None, value: Value::Text(Cow::Owned(text)) })
    }

    /// A scalar on one line.
    fn scalar(&self, word: Word<'a>) -> Option<YamlNode<'a>> {
        let plain = |value| Some(YamlNode { at: None, value });
        match word {
            Word::Quoted(text) => Some(self.seed.borrowed(text)),
            Word::Plain(text) => match kind(text)? {
                Scalar::Null => plain(Value::Null),
                Scalar::Bool(value) => plain(Value::Bool(value)),
                Scalar::Integer(value) => plain(Value::Integer(value)),
                Scalar::Fraction => plain(Value::Number),
                Scalar::Text => Some(self.seed.borrowed(text)),
            },
        }
    }
}

/// A scalar as it is written.
enum Word<'a> {
    /// What stands between two quotes, and means itself.
    Quoted(&'a str),
    Plain(&'a str),
}

/// A key and what stands behind its colon, without the spaces in front.
struct BlockPair<'a> {
    key: Word<'a>,
    behind: &'a str,
}

/// What follows the dash of an item of a list.
fn item(content: &str) -> Option<&str> {
    let rest = content.strip_prefix('-')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| without_start(rest))
}

/// What stands between the quotes at the beginning of a text, and what follows them. `Some(None)` is that there are none,
/// and `None` that it is not as simple.
#[expect(clippy::option_option, reason = "the outer level is for another form")]
fn quoted(text: &str) -> Option<Option<(&str, &str)>> {
    let Some(quote @ (b'"' | b'\'')) = text.as_bytes().first() else { return Some(None) };
    let inside = text.get(1..)?;
    let end = inside.bytes().position(|byte| byte == *quote || byte == b'\\')?;
    let (inside, behind) = inside.split_at_checked(end)?;
    Some(Some((inside, behind.strip_prefix(char::from(*quote))?)))
}

/// The key at the beginning of a line; `None` when there is none, or it is not as simple.
fn pair(content: &str) -> Option<BlockPair<'_>> {
    if let Some((key, behind)) = quoted(content)? {
        let behind = without_start(behind).strip_prefix(':')?;
        let is_short = content.len() - behind.len() <= LONGEST_KEY;
        return (is_short && (behind.is_empty() || behind.starts_with(' ')))
            .then(|| BlockPair { key: Word::Quoted(key), behind: without_start(behind) });
    }
    let end = plain_end(content).filter(|end| content.as_bytes().get(*end) == Some(&b':') && *end <= LONGEST_KEY)?;
    let (key, behind) = content.split_at_checked(end)?;
    Some(BlockPair { key: Word::Plain(without_end(key)), behind: without_start(behind.get(1..)?) })
}

/// Where a plain scalar ends on its line: at a colon that ends a key, or at a comment.
fn plain_end(content: &str) -> Option<usize> {
    let bytes = content.as_bytes();
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| matches!(byte, b':' | b'#'))?;
        let is_end = match bytes.get(at) {
            Some(b':') => matches!(bytes.get(at + 1), None | Some(b' ')),
            _ => at.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b' '),
        };
        if is_end {
            return Some(at);
        }
        from = at + 1;
    }
}

/// A value without the comment behind it; `None` when something else is there. A colon would make a key of it, which
/// cannot stand there.
fn value(text: &str) -> Option<Word<'_>> {
    if let Some((inside, behind)) = quoted(text)? {
        let is_end = behind.is_empty() || (behind.starts_with(' ') && is_comment(without_start(behind)));
        return is_end.then_some(Word::Quoted(inside));
    }
    let Some(end) = plain_end(text) else { return Some(Word::Plain(text)) };
    let (value, behind) = text.split_at_checked(end)?;
    behind.starts_with('#').then(|| Word::Plain(without_end(value)))
}

/// Whether a value is the mark of a literal scalar, and whether that ends with a line end.
fn literal(text: &str) -> Option<bool> {
    match text {
        "|" => Some(true),
        "|-" => Some(false),
        _ => None,
    }
}

/// What a plain scalar is to the general parser.
enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    Fraction,
    Text,
}

/// `None` when it is not sure.
fn kind(text: &str) -> Option<Scalar> {
    let mut bytes = text.bytes();
    match (bytes.next()?, bytes.next()) {
        (b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'~', _) => match text {
            "null" | "Null" | "NULL" | "~" => Some(Scalar::Null),
            "true" | "True" | "TRUE" => Some(Scalar::Bool(true)),
            "false" | "False" | "FALSE" => Some(Scalar::Bool(false)),
            _ => (!text.starts_with('~')).then_some(Scalar::Text),
        },
        (b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'/' | b'(' | b'$' | b'^' | b'=', _) => Some(Scalar::Text),
        (b'0'..=b'9', _) => number(text),
        // Such as `--port=80`.
        (b'-', Some(b'-' | b'a'..=b'z' | b'A'..=b'Z')) if !text.starts_with("---") => Some(Scalar::Text),
        // A name in what `kubectl` says of who wrote which field.
        (b'.', None) => Some(Scalar::Text),
        _ => None,
    }
}

/// What begins with a digit.
fn number(text: &str) -> Option<Scalar> {
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if text == "0" || (all_digits(text) && !text.starts_with('0') && text.len() <= 18) {
        return text.parse().ok().map(Scalar::Integer);
    }
    // A block of addresses, an address, a quantity: no number has more than one point, or any of these.
    let is_text =
        |one: u8| matches!(one, b'/' | b':' | b'm' | b'M' | b'G' | b'K' | b'k' | b'i' | b's' | b'h' | b't' | b'T');
    if text.bytes().any(is_text) || text.bytes().filter(|byte| *byte == b'.').count() > 1 {
        return Some(Scalar::Text);
    }
    let (whole, fraction) = text.split_once('.')?;
    (all_digits(whole) && all_digits(fraction)).then_some(Scalar::Fraction)
}

#[cfg(test)]
mod tests;
