//! Source files, spans and columns. Nobody else counts lines or columns.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

/// A source file of one compilation, by its place in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(NonZeroU32);

impl FileId {
    /// The file in this place, from 0.
    pub fn at(index: usize) -> Self {
        // One more than the place, so that spans which may be missing take no more memory than others.
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        FileId(NonZeroU32::new(number).unwrap_or(NonZeroU32::MAX))
    }

    /// Its place among the files, from 0.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A half-open range of bytes of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that the bytes belong to.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// A span of `file` over `range`. Offsets past 4 GiB are clamped; such a file is refused when it is read.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: clamp(range.start), end: clamp(range.end) }
    }

    /// The smallest span that holds both, which belong to the same file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The bytes as a range of the file's text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many bytes it covers.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether it covers nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A place as people count it: the first line and the first column are 1, a column is one Unicode scalar value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// One file's name and text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path as it is shown to the user, with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// Whether it came with the compiler (the catalogue) and not from the user.
    pub built_in: bool,
    line_starts: OnceLock<Vec<u32>>,
    /// How many characters stand before each block of [`BLOCK`] bytes. Without it every column in a line of many
    /// megabytes would cost a walk through that line.
    characters: OnceLock<Vec<u32>>,
}

/// The distance in bytes between two stored counts of characters.
const BLOCK: usize = 1024;

/// How many characters begin in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xC0) != 0x80).count()
}

impl SourceFile {
    /// The offsets at which lines start, computed once.
    pub fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let mut starts = vec![0];
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            starts.extend(breaks.map(|(offset, _)| u32::try_from(offset + 1).unwrap_or(u32::MAX)));
            starts
        })
    }

    /// The line, from 0, that holds the byte at `offset`.
    pub fn line_at(&self, offset: u32) -> usize {
        self.line_starts().partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line, counted from 0, without its line end.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line).map_or(self.text.len(), |start| *start as usize);
        let end = starts.get(line + 1).map_or(self.text.len(), |next| *next as usize);
        let text = self.text.get(start..end).unwrap_or("");
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    /// Where `offset` is, as people count.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line_at(offset);
        let start = self.line_starts().get(line).map_or(0, |start| *start as usize);
        let offset = self.text.floor_char_boundary(offset as usize).max(start);
        let before = if offset - start <= BLOCK {
            characters(self.text.as_bytes().get(start..offset).unwrap_or(&[]))
        } else {
            self.characters_before(offset) - self.characters_before(start)
        };
        Position { line: line + 1, column: before + 1 }
    }

    /// How many characters begin before `offset`.
    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let counts = self.characters.get_or_init(|| {
            let mut sum = 0;
            let blocks = bytes.chunks(BLOCK).map(|block| {
                let before = sum;
                sum += u32::try_from(characters(block)).unwrap_or(0);
                before
            });
            let mut counts: Vec<u32> = blocks.collect();
            counts.push(sum);
            counts
        });
        let block = offset / BLOCK;
        let rest = bytes.get(block * BLOCK..offset).unwrap_or(&[]);
        counts.get(block).map_or(0, |count| *count as usize) + characters(rest)
    }
}

/// How a protocol counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// In bytes.
    Utf8,
    /// In UTF-16 code units.
    #[default]
    Utf16,
    /// In Unicode scalar values.
    Utf32,
}

impl Encoding {
    /// How long a text is.
    pub fn length(self, text: &str) -> usize {
        match self {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16 => text.chars().map(char::len_utf16).sum(),
            Encoding::Utf32 => characters(text.as_bytes()),
        }
    }

    /// The offset of a column; the end of the text when it has fewer. A column inside a character is its start.
    fn offset(self, text: &str, column: usize) -> usize {
        if self == Encoding::Utf8 {
            return text.floor_char_boundary(column);
        }
        let mut left = column;
        for (offset, character) in text.char_indices() {
            let width = if self == Encoding::Utf16 { character.len_utf16() } else { 1 };
            if left < width {
                return offset;
            }
            left -= width;
        }
        text.len()
    }
}

/// The lines of a text as the language server protocol counts them: from 0, and a lone carriage return ends one too.
#[derive(Debug)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of `text`, which all other methods have to be given as well.
    pub fn new(text: &str) -> Lines {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Lines { starts: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    /// The line of an offset.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Where a line starts; the end of the last one for lines that are not there.
    pub fn start(&self, text: &str, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(text.len())
    }

    /// The line and the column of an offset.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> (usize, usize) {
        let offset = text.floor_char_boundary(offset);
        let line = self.line(offset);
        let before = text.get(self.start(text, line)..offset).unwrap_or("");
        (line, encoding.length(before))
    }

    /// The offset of a line and a column; the nearest one when there is no such place.
    pub fn offset(&self, text: &str, line: usize, column: usize, encoding: Encoding) -> usize {
        let (start, end) = (self.start(text, line), self.start(text, line.saturating_add(1)));
        let inside = text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        start + encoding.offset(inside, column)
    }
}

/// All files of one compilation, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file of the user's.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.push(path.into(), text.into(), false)
    }

    /// Adds a file that comes with the compiler.
    pub fn add_built_in(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.push(path.into(), text.into(), true)
    }

    fn push(&mut self, path: String, text: String, built_in: bool) -> FileId {
        let id = FileId::at(self.files.len());
        self.files.push(SourceFile { path, text, built_in, line_starts: OnceLock::new(), characters: OnceLock::new() });
        id
    }

    /// The same with another text of a file.
    pub fn replaced(&self, id: FileId, text: impl Into<String>) -> Sources {
        let mut sources = self.clone();
        if let Some(file) = sources.files.get_mut(id.index()) {
            let SourceFile { path, built_in, .. } = file;
            let (path, built_in) = (std::mem::take(path), *built_in);
            let (line_starts, characters) = (OnceLock::new(), OnceLock::new());
            *file = SourceFile { path, text: text.into(), built_in, line_starts, characters };
        }
        sources
    }

    /// Adds all files of others behind those that are there.
    pub fn append(&mut self, others: &Sources) {
        self.files.extend(others.files.iter().cloned());
    }

    /// The file of an id that this value gave out.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.index())
    }

    /// The text that a span covers; empty when the span is not of these sources.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).and_then(|file| file.text.get(span.range())).unwrap_or("")
    }

    /// All files with their ids.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId::at(index), file))
    }
}

/// A part of a text that many parts share, so that copies of it cost no memory.
#[derive(Clone)]
pub struct Excerpt {
    whole: Arc<str>,
    start: u32,
    end: u32,
}

impl Excerpt {
    /// The part at `range` of `whole`, in bytes; empty where there is no such part.
    pub fn new(whole: &Arc<str>, range: Range<usize>) -> Self {
        let place = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Excerpt { whole: whole.clone(), start: place(range.start), end: place(range.end) }
    }

    /// The part at the same place of another text.
    #[must_use]
    pub fn of(&self, whole: &Arc<str>) -> Self {
        Excerpt { whole: whole.clone(), ..*self }
    }
}

impl Deref for Excerpt {
    type Target = str;

    fn deref(&self) -> &str {
        self.whole.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

impl From<Arc<str>> for Excerpt {
    fn from(whole: Arc<str>) -> Self {
        Excerpt::new(&whole, 0..whole.len())
    }
}

impl From<&str> for Excerpt {
    fn from(text: &str) -> Self {
        Excerpt::from(Arc::<str>::from(text))
    }
}

impl From<String> for Excerpt {
    fn from(text: String) -> Self {
        Excerpt::from(Arc::<str>::from(text))
    }
}

impl PartialEq for Excerpt {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Excerpt {}

impl PartialOrd for Excerpt {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Excerpt {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_place_of_a_protocol_leads_back_to_its_offset() {
        let text = "a𝄞b\r\n\u{e9}\rx\n\nend🙂";
        let lines = Lines::new(text);
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for (offset, character) in text.char_indices().chain([(text.len(), ' ')]) {
                let (line, column) = lines.position(text, offset, encoding);
                let back = lines.offset(text, line, column, encoding);
                // What lies between the two characters of a line's end is its end.
                let expected = if character == '\n' && text[..offset].ends_with('\r') { offset - 1 } else { offset };
                assert_eq!(back, expected, "{encoding:?} {offset}");
            }
        }
        assert_eq!(lines.position(text, text.find("end").unwrap(), Encoding::Utf16), (4, 0));
        assert_eq!(lines.position(text, text.find('b').unwrap(), Encoding::Utf16), (0, 3));
        assert_eq!(lines.position(text, text.find('b').unwrap(), Encoding::Utf8), (0, 5));
        assert_eq!(lines.offset(text, 0, 2, Encoding::Utf16), 1, "inside of a pair");
        assert_eq!(lines.offset(text, 0, 99, Encoding::Utf16), 6, "past the end of the line");
        assert_eq!(lines.offset(text, 99, 0, Encoding::Utf16), text.len());
    }

    #[test]
    fn columns_count_characters_in_short_and_in_very_long_lines() {
        let text = format!("ä\n{}x\nz", "äb€𝄞".repeat(2000));
        let mut sources = Sources::default();
        let id = sources.add("a.polder", text.clone());
        let file = sources.file(id).unwrap();
        for (offset, _) in text.char_indices() {
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            assert_eq!(file.position(u32::try_from(offset).unwrap()), Position { line, column });
        }
    }
}
