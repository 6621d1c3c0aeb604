//! The plain part of YAML, quickly: block maps and lists of scalars on one line, as people, `kubectl` and generators write
//! nearly all manifests.
//!
//! The general parser takes most of the time that reading takes. This reader takes a document only as a whole, and only
//! where it is sure what every byte means: it steps aside for anchors, tags, flow style with something in it, scalars over
//! several lines except literal ones, escapes, tabs, and plain scalars that might be numbers of some kind. What it takes
//! comes out as the general parser makes it, to the offset.

use super::merge::is_key;
use super::node::{MANAGED_FIELDS, Node, Seed, Value};
use std::borrow::Cow;

/// Deeper documents are left to the general parser, which has a limit of its own.
const DEEPEST: usize = 60;

/// A key in front of a colon has at most this many bytes in YAML.
const LONGEST_KEY: usize = 1000;

/// The documents of a text, each from its mark on; `None` when they cannot be told apart by their lines.
///
/// A mark in the first column ends a document whatever is in it, even where a scalar goes over several lines.
pub(super) fn documents(text: &str) -> Option<Vec<&str>> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("...") || line.starts_with('%') || line.contains('\r') {
            return None;
        }
        let is_mark = line.strip_prefix("---").is_some_and(|rest| rest.starts_with([' ', '\n']) || rest.is_empty());
        if is_mark && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
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
    content.is_empty() || content.starts_with('#')
}

/// A document as the general parser reads it; `None` when that has to do it.
pub(super) fn read<'a>(seed: Seed<'a, '_>, document: &'a str) -> Option<Node<'a>> {
    let mut lines = Vec::new();
    let mut rest = document;
    if let Some(after) = rest.strip_prefix("---") {
        let (mark, below) = after.split_once('\n').unwrap_or((after, ""));
        if !is_comment(mark.trim_start_matches(' ')) {
            return None;
        }
        rest = below;
    }
    for line in rest.split('\n') {
        if !line.bytes().all(is_plain_byte) && !line.chars().all(is_plain) {
            return None;
        }
        let content = line.trim_start_matches(' ');
        lines.push(Line { indent: line.len() - content.len(), content: content.trim_end_matches(' '), whole: line });
    }
    // What stands behind the last line end is a line only if there is something.
    if lines.last().is_some_and(|line| line.whole.is_empty()) {
        lines.pop();
    }
    let mut reader = Reader { seed, lines: &lines, next: 0, depth: 0, ends: document.ends_with('\n') };
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
struct Line<'a> {
    /// The spaces in front.
    indent: usize,
    /// What follows them, without spaces behind it.
    content: &'a str,
    /// All of it.
    whole: &'a str,
}

struct Reader<'a, 'l, 's> {
    seed: Seed<'a, 's>,
    lines: &'l [Line<'a>],
    next: usize,
    depth: usize,
    /// Whether the last line has an end.
    ends: bool,
}

impl<'a> Reader<'a, '_, '_> {
    /// The next line with something on it.
    fn peek(&mut self) -> Option<Line<'a>> {
        loop {
            let line = self.lines.get(self.next)?;
            if !is_comment(line.content) {
                return Some(*line);
            }
            self.next += 1;
        }
    }

    /// The map or list that begins with the next line, at this depth.
    fn block(&mut self, indent: usize) -> Option<Node<'a>> {
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
    fn list(&mut self, indent: usize) -> Option<Node<'a>> {
        let mut items = Vec::new();
        while let Some(line) = self.peek().filter(|line| line.indent == indent) {
            let Some(content) = item(line.content) else { break };
            self.next += 1;
            if is_comment(content) {
                items.push(self.below(indent, false)?);
                continue;
            }
            let inner = indent + (line.content.len() - content.len());
            if item(content).is_some() {
                return None;
            }
            if key_end(content).is_some() {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                items.push(self.map(inner, Some(content))?);
                self.depth -= 1;
                continue;
            }
            items.push(self.value(content, indent)?);
        }
        let at = items.iter().find_map(|item: &Node| item.at);
        Some(Node { at, value: Value::List(items) })
    }

    /// The map whose keys stand at this depth; the first one perhaps on the line of an item of a list, which is gone.
    fn map(&mut self, indent: usize, first: Option<&'a str>) -> Option<Node<'a>> {
        let mut pairs: Vec<(Node, Node)> = Vec::new();
        let mut first = first;
        loop {
            let content = match first.take() {
                Some(content) => content,
                None => match self.peek() {
                    Some(line) if line.indent == indent && item(line.content).is_none() => {
                        self.next += 1;
                        line.content
                    }
                    Some(line) if line.indent > indent => return None,
                    _ => break,
                },
            };
            pairs.push(self.pair(content, indent)?);
        }
        pairs.shrink_to_fit();
        let at = pairs.first().and_then(|(key, _)| key.at);
        (!pairs.is_empty()).then_some(Node { at, value: Value::Map(pairs) })
    }

    /// A key and its value, which may go on below the line.
    fn pair(&mut self, content: &'a str, indent: usize) -> Option<(Node<'a>, Node<'a>)> {
        let end = key_end(content).filter(|end| *end <= LONGEST_KEY)?;
        let key = self.scalar(content.get(..end)?.trim_end_matches(' '))?;
        if is_key(self.seed, &key) {
            return None;
        }
        let behind = content.get(end + 1..)?.trim_start_matches(' ');
        let mut value = match is_comment(behind) {
            true => self.below(indent, true)?,
            false => self.value(behind, indent)?,
        };
        if matches!(&key.value, Value::Text(name) if name == MANAGED_FIELDS) {
            value = Node { at: None, value: Value::Null };
        }
        value.at = value.at.or(key.at);
        Some((key, value))
    }

    /// What stands below a key or an item without a value on its line.
    fn below(&mut self, indent: usize, of_key: bool) -> Option<Node<'a>> {
        match self.peek() {
            Some(line) if line.indent > indent => self.block(line.indent),
            // The items of a list may stand as deep as the key that it belongs to.
            Some(line) if of_key && line.indent == indent && item(line.content).is_some() => self.block(indent),
            _ => Some(Node { at: None, value: Value::Null }),
        }
    }

    /// A value on the line of its key or item.
    fn value(&mut self, text: &'a str, indent: usize) -> Option<Node<'a>> {
        if let Some(keeps_end) = literal(text) {
            return self.literal(indent, keeps_end);
        }
        // A scalar goes on where the next line stands deeper.
        if self.peek().is_some_and(|line| line.indent > indent) {
            return None;
        }
        let text = without_comment(text)?;
        match text {
            "{}" => Some(Node { at: None, value: Value::Map(Vec::new()) }),
            "[]" => Some(Node { at: None, value: Value::List(Vec::new()) }),
            // A colon would make a key of it, which cannot stand here.
            _ if key_end(text).is_some() => None,
            _ => self.scalar(text),
        }
    }

    /// The lines of a literal scalar.
    fn literal(&mut self, indent: usize, keeps_end: bool) -> Option<Node<'a>> {
        let first = self.lines.get(self.next)?;
        if first.whole.trim_matches(' ').is_empty() || first.indent <= indent {
            return None;
        }
        let depth = first.indent;
        let mut text = String::new();
        let mut blank = 0;
        while let Some(line) = self.lines.get(self.next) {
            let is_blank = line.whole.trim_matches(' ').is_empty();
            if is_blank && line.whole.len() > depth {
                return None;
            }
            if !is_blank && line.indent < depth {
                break;
            }
            self.next += 1;
            if is_blank {
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
        Some(Node { at: None, value: Value::Text(Cow::Owned(text)) })
    }

    /// A scalar on one line.
    fn scalar(&self, text: &'a str) -> Option<Node<'a>> {
        let first = text.as_bytes().first()?;
        if let b'"' | b'\'' = first {
            let inner = text.get(1..)?.strip_suffix(char::from(*first))?;
            let is_simple = !inner.contains(char::from(*first)) && !inner.contains('\\');
            return is_simple.then(|| self.seed.borrowed(inner));
        }
        let plain = |value| Some(Node { at: None, value });
        match kind(text)? {
            Scalar::Null => plain(Value::Null),
            Scalar::Bool(value) => plain(Value::Bool(value)),
            Scalar::Integer(value) => plain(Value::Integer(value)),
            Scalar::Fraction => plain(Value::Number),
            Scalar::Text => Some(self.seed.borrowed(text)),
        }
    }
}

/// What follows the dash of an item of a list.
fn item(content: &str) -> Option<&str> {
    let rest = content.strip_prefix('-')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim_start_matches(' '))
}

/// Where the colon behind a key stands.
fn key_end(content: &str) -> Option<usize> {
    if let Some(quote @ (b'"' | b'\'')) = content.as_bytes().first() {
        let end = content.get(1..)?.find(char::from(*quote))? + 2;
        let behind = content.get(end..)?;
        let colon = end + behind.len() - behind.trim_start_matches(' ').len();
        return is_colon(content, colon).then_some(colon);
    }
    // What stands behind a number sign is a comment.
    let content = content.find(" #").map_or(content, |at| content.get(..at).unwrap_or_default());
    content.bytes().enumerate().filter(|(_, byte)| *byte == b':').map(|(at, _)| at).find(|at| is_colon(content, *at))
}

/// Whether a colon stands there that ends a key.
fn is_colon(content: &str, at: usize) -> bool {
    let mut bytes = content.as_bytes().iter().skip(at);
    bytes.next() == Some(&b':') && matches!(bytes.next(), None | Some(b' '))
}

/// A value without the comment behind it; `None` when something else is there.
fn without_comment(text: &str) -> Option<&str> {
    let Some(quote @ (b'"' | b'\'')) = text.as_bytes().first() else {
        return Some(text.find(" #").map_or(text, |at| text.get(..at).unwrap_or_default()).trim_end_matches(' '));
    };
    let end = text.get(1..)?.find(char::from(*quote))? + 2;
    let (value, behind) = text.split_at_checked(end)?;
    let is_end = behind.is_empty() || (behind.starts_with(' ') && is_comment(behind.trim_start_matches(' ')));
    is_end.then_some(value)
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
    match text {
        "null" | "Null" | "NULL" | "~" => return Some(Scalar::Null),
        "true" | "True" | "TRUE" => return Some(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Scalar::Bool(false)),
        _ => {}
    }
    let mut bytes = text.bytes();
    match (bytes.next()?, bytes.next()) {
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
    let is_text = |one: char| matches!(one, '/' | ':' | 'm' | 'M' | 'G' | 'K' | 'k' | 'i' | 's' | 'h' | 't' | 'T');
    if text.contains(is_text) || text.bytes().filter(|byte| *byte == b'.').count() > 1 {
        return Some(Scalar::Text);
    }
    let (whole, fraction) = text.split_once('.')?;
    (all_digits(whole) && all_digits(fraction)).then_some(Scalar::Fraction)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use serde::de::DeserializeSeed;
    use std::cell::Cell;
    use std::path::{Path, PathBuf};

    /// How many changed texts are looked at for each text.
    const CHANGES: u64 = 30;

    /// What may make a difference in YAML.
    const PIECES: [&str; 46] = [
        ":", ": ", " :", "-", "- ", "#", " # x", "'", "\"", "{}", "[]", "{a: b}", "[a]", "|", "|-", "|+", ">", "&a ",
        "*a", "!x ", "!!str ", "%", "@", "`", "?", "? ", " ", "  ", "\n", "\n\n", "\n  ", "0", "010", "0x1", "1.5",
        "1e3", "-1", "~", "null", "yes", "true", ".inf", "\t", "\\", "\u{2028}", "\u{e9}",
    ];

    /// The documents as the general parser has them; `None` when it finds something wrong.
    fn generally<'a>(seed: Seed<'a, '_>, text: &'a str) -> Option<Vec<Node<'a>>> {
        serde_yaml::Deserializer::from_str(text).map(|one| seed.deserialize(one).ok()).collect()
    }

    /// Whether what is taken is what the general parser makes of it. Says how many documents were taken.
    fn agrees(text: &str) -> usize {
        let (budget, refused) = (Cell::new(usize::MAX), Cell::new(false));
        let seed = Seed { text, budget: &budget, refused: &refused };
        let Some(documents) = documents(text) else { return 0 };
        let whole = generally(seed, text);
        if let Some(whole) = whole.as_ref().filter(|whole| documents.len() > 1 || !whole.is_empty()) {
            let apart: Option<Vec<Node>> =
                documents.iter().map(|one| generally(seed, one)).collect::<Option<Vec<_>>>().map(|all| all.concat());
            assert_eq!(apart.as_ref(), Some(whole), "the documents of {text:?}");
        }
        let taken = documents.into_iter().filter_map(|document| Some((document, read(seed, document)?)));
        taken.map(|(document, node)| assert_eq!(generally(seed, document), Some(vec![node]), "{document:?}")).count()
    }

    fn yaml_files(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => yaml_files(&path, all),
                Some("yaml" | "yml") => all.push(path),
                _ => {}
            }
        }
    }

    /// The texts of all YAML files of the examples and tests.
    fn texts() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["examples", "tests/corpus", "tests/lint", "tests/manifests", "tests/cli"] {
            yaml_files(&root.join(folder), &mut files);
        }
        files.sort();
        files
            .into_iter()
            .filter_map(|file| std::fs::read_to_string(file).ok())
            .filter(|text| text.len() < 8_000)
            .collect()
    }

    #[test]
    fn takes_what_the_general_parser_makes_of_it() {
        let texts = texts();
        let taken = texts.iter().map(|text| agrees(text)).sum::<usize>();
        assert!(taken > 200, "only {taken} documents of {} texts were taken", texts.len());
    }

    #[test]
    fn takes_nothing_else_however_texts_are_changed() {
        let mut state = 7_u64;
        let mut below = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % most.max(1)
        };
        let mut taken = 0;
        for text in texts() {
            for _ in 0..CHANGES {
                let mut changed = text.clone();
                for _ in 0..=below(2) {
                    let start = changed.floor_char_boundary(below(changed.len()));
                    let end = changed.floor_char_boundary((start + below(4)).min(changed.len())).max(start);
                    changed.replace_range(start..end, PIECES.get(below(PIECES.len())).unwrap());
                }
                taken += agrees(&changed);
            }
        }
        assert!(taken > 4_000, "only {taken} changed documents were taken");
    }

    #[test]
    fn takes_the_forms_of_kubectl() {
        for text in [
            "a: b\nc:\n- d\n- e: f\n  g: h\n-\n- {}\ni: {}\nj: []\n",
            "metadata:\n  managedFields:\n  - f:x:\n      .: {}\n      k:{\"uid\":\"1\"}: {}\n  name: x\n",
            "a: |\n  {\"b\": 1}\n\n  x\n\nc: |-\n  y\nd: 1\n",
            "a: 10.0.0.0/8\nb: 10.1.2.3\nc: 100m\nd: 1.5\ne: 80 # x\nf: 'q' # y\n\"g\": \"#\"\n",
            "# c\n---\n# d\na: --port=80\nb: -x\n---\nc: no\non: y\n",
            "a:\n  # c\n  b: 1\n# d\n",
        ] {
            assert!(agrees(text) > 0, "{text:?} is not taken");
        }
    }
}
