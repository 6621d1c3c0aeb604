//! Cuts a log into lines, or into the items of a list in JSON, and keeps no more of it than one of them.

use std::io::{self, BufRead};

/// Longer lines are not read.
const LONGEST_LINE: usize = 1 << 20;

/// A part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogPiece<'b> {
    /// A line without its end, or an item.
    Line(&'b [u8]),
    /// One that is too long.
    TooLong,
}

/// Cuts what it reads.
pub(crate) struct Cutter<'r> {
    input: &'r mut dyn BufRead,
    /// A line that does not stand in one piece in what was read.
    line: Vec<u8>,
    /// How much of the input's buffer the last line was.
    used: usize,
    read: u64,
}

impl<'r> Cutter<'r> {
    /// Cuts this.
    pub(crate) fn new(input: &'r mut dyn BufRead) -> Cutter<'r> {
        Cutter { input, line: Vec::new(), used: 0, read: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    fn use_up(&mut self, used: usize) {
        self.input.consume(used);
        self.read += used as u64;
    }

    /// The beginning, without taking it: as much as can be read at once.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        fill(self.input)
    }

    /// The next line; `None` at the end.
    pub(crate) fn line(&mut self) -> io::Result<Option<LogPiece<'_>>> {
        let used = std::mem::take(&mut self.used);
        self.use_up(used);
        self.line.clear();
        let mut is_too_long = false;
        loop {
            let buffer = fill(self.input)?;
            if buffer.is_empty() {
                let is_end = self.line.is_empty() && !is_too_long;
                return Ok((!is_end).then(|| self.told(is_too_long)));
            }
            if let Some(end) = memchr::memchr(b'\n', buffer) {
                if self.line.is_empty() && !is_too_long {
                    self.used = end + 1;
                    // What the borrow checker cannot see is that the buffer is the same.
                    let whole = fill(self.input)?.get(..end).unwrap_or_default();
                    return Ok(Some(if end > LONGEST_LINE { LogPiece::TooLong } else { LogPiece::Line(whole) }));
                }
                is_too_long |= self.line.len() + end > LONGEST_LINE;
                if !is_too_long {
                    self.line.extend_from_slice(buffer.get(..end).unwrap_or_default());
                }
                self.use_up(end + 1);
                return Ok(Some(self.told(is_too_long)));
            }
            let length = buffer.len();
            is_too_long |= self.line.len() + length > LONGEST_LINE;
            if is_too_long {
                self.line.clear();
            } else {
                self.line.extend_from_slice(buffer);
            }
            self.use_up(length);
        }
    }

    fn told(&self, is_too_long: bool) -> LogPiece<'_> {
        if is_too_long { LogPiece::TooLong } else { LogPiece::Line(&self.line) }
    }
}

/// Where in a document of JSON the reading is.
#[derive(Debug, Default)]
pub(crate) struct JsonPlace {
    /// The brackets that are open.
    open: Vec<u8>,
    in_text: bool,
    escaped: bool,
}

impl JsonPlace {
    /// Deeper nothing is looked for.
    const DEEPEST: usize = 256;

    /// Takes a byte. Gives whether an item of the list begins with it, or ends.
    fn take(&mut self, byte: u8) -> JsonStep {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return JsonStep::Within;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => {
                let begins = byte == b'{' && self.is_in_list();
                if self.open.len() < Self::DEEPEST {
                    self.open.push(byte);
                }
                return if begins { JsonStep::Begins } else { JsonStep::Within };
            }
            b'}' | b']' => {
                self.open.pop();
                return if byte == b'}' && self.is_in_list() { JsonStep::Ends } else { JsonStep::Within };
            }
            _ => {}
        }
        JsonStep::Within
    }

    /// The list is the document, or a member of it.
    fn is_in_list(&self) -> bool {
        matches!(self.open.as_slice(), b"[" | b"{[")
    }
}

/// What a byte is to the items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonStep {
    Begins,
    Within,
    Ends,
}

impl Cutter<'_> {
    /// The next item of the list of a document of JSON; `None` at its end.
    pub(crate) fn item(&mut self, place: &mut JsonPlace) -> io::Result<Option<LogPiece<'_>>> {
        self.line.clear();
        let (mut is_within, mut is_too_long) = (false, false);
        loop {
            let buffer = fill(self.input)?;
            if buffer.is_empty() {
                // What is cut off is an item that cannot be read.
                return Ok(is_within.then(|| self.told(is_too_long)));
            }
            let mut used = 0;
            let mut is_whole = false;
            for byte in buffer {
                used += 1;
                let step = place.take(*byte);
                is_within |= step == JsonStep::Begins;
                if is_within && self.line.len() < LONGEST_LINE {
                    self.line.push(*byte);
                } else {
                    is_too_long |= is_within;
                }
                if step == JsonStep::Ends && is_within {
                    is_whole = true;
                    break;
                }
            }
            self.use_up(used);
            if is_whole {
                return Ok(Some(self.told(is_too_long)));
            }
        }
    }
}

/// What can be read, where being interrupted is no reason to stop.
fn fill(input: &mut dyn BufRead) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    input.fill_buf()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        let long = "x".repeat(LONGEST_LINE + 1);
        let text = format!("a\n\nbb\n{long}\nccc\n{long}");
        for size in [1, 2, 3, 7, 4096, 4 << 20] {
            let mut input = BufReader::with_capacity(size, text.as_bytes());
            let mut cutter = Cutter::new(&mut input);
            let mut lines: Vec<Option<Vec<u8>>> = Vec::new();
            while let Some(piece) = cutter.line().unwrap() {
                lines.push(match piece {
                    LogPiece::Line(line) => Some(line.to_vec()),
                    LogPiece::TooLong => None,
                });
            }
            assert_eq!(
                lines,
                [Some(b"a".to_vec()), Some(vec![]), Some(b"bb".to_vec()), None, Some(b"ccc".to_vec()), None]
            );
            assert_eq!(cutter.read(), text.len() as u64);
        }
    }

    #[test]
    fn items_are_the_same_however_they_are_read() {
        let text = r#"{"total": {"pages": [1]}, "items": [ {"a": "}]\"{"}, {"b": {"c": [{}]}}, {"d": "#;
        let expected = [r#"{"a": "}]\"{"}"#, r#"{"b": {"c": [{}]}}"#, r#"{"d": "#];
        for size in [1, 2, 3, 7, 4096] {
            let mut input = BufReader::with_capacity(size, text.as_bytes());
            let mut cutter = Cutter::new(&mut input);
            let mut place = JsonPlace::default();
            let mut items: Vec<String> = Vec::new();
            while let Some(LogPiece::Line(item)) = cutter.item(&mut place).unwrap() {
                items.push(String::from_utf8(item.to_vec()).unwrap());
            }
            assert_eq!(items, expected, "{size}");
        }
    }
}
