//! An item of a list in YAML or JSON, as it stands in the text. What comes of a change is read again and held against what it
//! should be, so an odd way to write it is no danger: it is not changed.

use std::ops::Range;

/// A map that is an item of a list.
pub(super) enum ListItem {
    /// On lines of its own, behind a dash.
    Block {
        /// Where its lines begin.
        start: usize,
        /// Where they end, behind the last line break.
        end: usize,
        /// The column of its keys.
        column: usize,
        /// Whether only blanks stand before the dash.
        is_alone: bool,
    },
    /// In braces, with both of them.
    Flow(Range<usize>),
}

impl ListItem {
    /// The innermost map around a key of it.
    pub(super) fn around(text: &str, at: usize) -> Option<ListItem> {
        let start = line_start(text, at);
        let before = text.get(start..at)?;
        match before.bytes().all(|byte| matches!(byte, b' ' | b'-')) {
            true => block(text, start, before),
            false => flow(text, at),
        }
    }

    /// The place of what goes where it is removed.
    pub(super) fn whole(&self, text: &str) -> Option<Range<usize>> {
        match self {
            ListItem::Block { start, end, is_alone, .. } => is_alone.then_some(*start..*end),
            ListItem::Flow(range) => {
                let behind = text.get(range.end..)?;
                if let Some(rest) = behind.trim_start().strip_prefix(',') {
                    return Some(range.start..text.len() - rest.trim_start().len());
                }
                let before = text.get(..range.start)?.trim_end().strip_suffix(',')?;
                Some(before.len()..range.end)
            }
        }
    }

    /// What is to be replaced by what, so that it has an entry.
    pub(super) fn with_entry(&self, text: &str, at: usize, key: &str, value: &str) -> Option<(Range<usize>, String)> {
        let is_json = text.get(at..)?.starts_with('"');
        let is_word = value.bytes().all(|byte| byte.is_ascii_alphabetic());
        let quoted = |text: &str| if is_json { format!("\"{text}\"") } else { text.to_owned() };
        let new = if is_word { quoted(value) } else { value.to_owned() };
        if let Some(known) = self.value(text, key) {
            return Some((known, new));
        }
        let entry = format!("{}: {new}", quoted(key));
        Some(match self {
            ListItem::Block { column, .. } => {
                let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
                (at..at, format!("{entry}{end}{}", " ".repeat(*column)))
            }
            ListItem::Flow(_) => (at..at, format!("{entry}, ")),
        })
    }

    /// What is to be put where, so that another one stands behind it that is the same but for an entry.
    pub(super) fn with_another(&self, text: &str, at: usize, key: &str, value: &str) -> Option<(Range<usize>, String)> {
        let (range, separator) = match self {
            ListItem::Block { start, end, is_alone, .. } => (is_alone.then_some(*start..*end)?, String::new()),
            ListItem::Flow(range) => {
                let before = text.get(line_start(text, range.start)..range.start)?;
                let is_first = before.bytes().all(|byte| byte == b' ');
                (range.clone(), if is_first { format!(",\n{before}") } else { ", ".to_owned() })
            }
        };
        let own = text.get(range.clone())?;
        let (place, new) = self.with_entry(text, at, key, value)?;
        let mut copy = own.to_owned();
        copy.replace_range(place.start.checked_sub(range.start)?..place.end.checked_sub(range.start)?, &new);
        let copy = match self {
            ListItem::Flow(_) => copy,
            ListItem::Block { .. } => {
                let first = if own.ends_with('\n') { "" } else { "\n" };
                let lines = copy.lines().map(uncommented).filter(|line| !line.trim().is_empty());
                first.to_owned() + &lines.map(|line| format!("{line}\n")).collect::<String>()
            }
        };
        Some((range.end..range.end, separator + &copy))
    }

    /// The place of the value of a key.
    fn value(&self, text: &str, key: &str) -> Option<Range<usize>> {
        match self {
            ListItem::Block { start, end, column, .. } => {
                let mut at = *start;
                for line in text.get(*start..*end)?.split_inclusive('\n') {
                    let own = line.get(*column..).filter(|_| {
                        line.get(..*column).is_some_and(|before| before.bytes().all(|byte| matches!(byte, b' ' | b'-')))
                    });
                    if let Some(rest) = own.and_then(|own| behind_key(own, key)) {
                        let value = uncommented(rest.trim_end_matches(['\r', '\n'])).trim();
                        let from = at + line.len() - rest.len() + (rest.len() - rest.trim_start().len());
                        return (!value.is_empty()).then_some(from..from + value.len());
                    }
                    at += line.len();
                }
                None
            }
            ListItem::Flow(range) => {
                let inside = text.get(range.start + 1..range.end - 1)?;
                let mut at = range.start + 1;
                for entry in inside.split(',') {
                    let own = entry.trim_start();
                    if let Some(rest) = behind_key(own, key) {
                        let value = rest.trim();
                        let from = at + entry.len() - rest.len() + (rest.len() - rest.trim_start().len());
                        return (!value.is_empty()).then_some(from..from + value.len());
                    }
                    at += entry.len() + 1;
                }
                None
            }
        }
    }
}

/// What stands behind a key and its colon.
fn behind_key<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let text = text.strip_prefix('"').unwrap_or(text);
    let rest = text.strip_prefix(key)?;
    rest.strip_prefix('"').unwrap_or(rest).strip_prefix(':')
}

/// A line without its comment.
fn uncommented(line: &str) -> &str {
    let at = if line.trim_start().starts_with('#') { Some(0) } else { line.find(" #") };
    at.and_then(|at| line.get(..at)).unwrap_or(line).trim_end()
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The item on lines of its own around a key, which stands behind `before` on its line.
fn block(text: &str, start: usize, before: &str) -> Option<ListItem> {
    let column = before.len();
    let (mut first, mut line) = (start, before);
    // Up to the line with the dash, past the other keys and what is in them.
    while !line.contains('-') || dash_of(line, column).is_none() {
        let end = first.checked_sub(1)?;
        first = line_start(text, end);
        line = text.get(first..end)?;
        let is_passed = line.trim().is_empty() || line.trim_start().starts_with('#') || indent(line) >= column;
        if !is_passed && dash_of(line, column).is_none() {
            return None;
        }
    }
    let dash = dash_of(line, column)?;
    let mut end = first;
    let mut at = first;
    for (index, line) in text.get(first..)?.split_inclusive('\n').enumerate() {
        at += line.len();
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if index > 0 && indent(line) <= dash {
            break;
        }
        end = at;
    }
    let is_alone = text.get(first..first + dash)?.bytes().all(|byte| byte == b' ');
    Some(ListItem::Block { start: first, end, column, is_alone })
}

/// The column of the dash of a line whose content begins at a column.
fn dash_of(line: &str, column: usize) -> Option<usize> {
    let before = line.get(..column)?;
    let dash = before.rfind('-')?;
    (before.bytes().all(|byte| matches!(byte, b' ' | b'-')) && dash + 1 < column).then_some(dash)
}

/// The braces around a place.
fn flow(text: &str, at: usize) -> Option<ListItem> {
    let mut depth = 0_usize;
    let open = text.get(..at)?.bytes().rposition(|byte| match byte {
        b'}' | b']' => {
            depth += 1;
            false
        }
        b'{' | b'[' => match depth.checked_sub(1) {
            Some(less) => {
                depth = less;
                false
            }
            None => true,
        },
        _ => false,
    })?;
    let mut depth = 0_usize;
    let length = text.get(open..)?.bytes().position(|byte| {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })?;
    text.get(open..)?.starts_with('{').then_some(ListItem::Flow(open..open + length + 1))
}
