//! The lines of a log that comes bit by bit.

use std::collections::VecDeque;

/// Longer lines are not kept.
const LONGEST: usize = 1 << 20;

/// Lines put together of what has come.
#[derive(Debug, Default)]
pub(crate) struct FollowedLines {
    begun: Vec<u8>,
    /// Whether the line that has begun is too long, and is read over.
    is_too_long: bool,
    whole: VecDeque<Option<Vec<u8>>>,
}

impl FollowedLines {
    /// More of the log, which may be its end.
    pub(crate) fn add(&mut self, bytes: &[u8], is_end: bool) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.begin(line);
            self.finish();
            rest = after.get(1..).unwrap_or_default();
        }
        self.begin(rest);
        if is_end && (self.is_too_long || !self.begun.is_empty()) {
            self.finish();
        }
    }

    fn begin(&mut self, bytes: &[u8]) {
        if self.is_too_long || self.begun.len() + bytes.len() > LONGEST {
            self.is_too_long = true;
            self.begun.clear();
        } else {
            self.begun.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self) {
        let line = std::mem::take(&mut self.begun);
        self.whole.push_back((!std::mem::take(&mut self.is_too_long)).then_some(line));
    }

    /// The next line that is whole; `Some(None)` for one that was too long.
    pub(crate) fn next(&mut self) -> Option<Option<Vec<u8>>> {
        self.whole.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = [b"one\n\ntwo\n".as_slice(), &vec![b'x'; LONGEST + 1], b"\nlast"].concat();
        let expected = [Some(b"one".to_vec()), Some(Vec::new()), Some(b"two".to_vec()), None, Some(b"last".to_vec())];
        for size in [1, 3, 1000, text.len()] {
            let mut lines = FollowedLines::default();
            text.chunks(size).for_each(|bytes| lines.add(bytes, false));
            lines.add(b"", true);
            let found: Vec<_> = std::iter::from_fn(|| lines.next()).collect();
            assert_eq!(found, expected, "{size}");
        }
    }
}
