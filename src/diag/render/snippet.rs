//! The lines that a report shows, from any number of files, as one source for miette.
//!
//! Miette reads a source from its first byte for every label, and prints what it finds. So it is given a text that
//! holds only the lines to be shown, cut to a readable length and sanitized, with the labels moved to their places in
//! that text. A report costs what it shows, not what the file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::sanitize::push;
use super::{Place, sanitize};
use crate::diag::Label;
use crate::source::{FileId, SourceFile, Sources};

/// How many places of one report are shown.
const MOST_LABELS: usize = 16;

/// Of a place that covers more lines than this, only the first line is shown.
const MOST_LINES: usize = 8;

/// How much room and which characters there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) unicode: bool,
}

impl Canvas {
    /// How many bytes of a line are shown, the rest of the width being the margin's.
    fn room(self) -> usize {
        self.width.saturating_sub(12).max(32)
    }

    /// What stands for a part of a line that was cut.
    fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// The shown lines and the labels on them.
#[derive(Debug)]
pub(super) struct Snippets {
    /// The labels, at their places in the shown text.
    pub(super) labels: Vec<LabeledSpan>,
    /// How many more labels there are.
    pub(super) left_out: usize,
    text: String,
    lines: Vec<ShownLine>,
    paths: Vec<String>,
    /// The column, from 0, in the source of each label, by its place in the shown text.
    columns: BTreeMap<usize, usize>,
}

/// A shown line.
#[derive(Debug)]
struct ShownLine {
    /// Lines of one piece follow each other in one file.
    piece: usize,
    /// Which of the paths it belongs to.
    path: usize,
    /// Its number in the file, from 0.
    number: usize,
    /// Where it starts in the shown text.
    start: usize,
}

/// A label with the lines it is on.
struct LabelSpot<'a> {
    label: &'a Label,
    primary: bool,
    column: usize,
    bytes: Range<usize>,
    lines: Range<usize>,
}

impl Snippets {
    /// The lines around the labels.
    pub(super) fn new(labels: &[Label], sources: &Sources, shape: Canvas) -> Self {
        let mut snippets = Snippets {
            labels: Vec::new(),
            left_out: labels.len().saturating_sub(MOST_LABELS),
            text: String::new(),
            lines: Vec::new(),
            paths: Vec::new(),
            columns: BTreeMap::new(),
        };
        let mut files: Vec<(FileId, Vec<LabelSpot>)> = Vec::new();
        for (index, label) in labels.iter().take(MOST_LABELS).enumerate() {
            let Some(spot) = LabelSpot::new(label, index == 0, sources) else { continue };
            match files.iter_mut().find(|(file, _)| *file == label.span.file) {
                Some((_, spots)) => spots.push(spot),
                None => files.push((label.span.file, vec![spot])),
            }
        }
        for (file, spots) in &files {
            if let Some(file) = sources.file(*file) {
                snippets.add_file(file, spots, shape);
            }
        }
        snippets
    }

    fn add_file(&mut self, file: &SourceFile, spots: &[LabelSpot], shape: Canvas) {
        let path = self.paths.len();
        self.paths.push(sanitize(&file.path).into_owned());
        let mut starts = BTreeMap::new();
        let mut ends = BTreeMap::new();
        for number in shown_lines(file, spots) {
            let continues = self.lines.last().is_some_and(|line| line.path == path && line.number + 1 == number);
            let piece = self.lines.last().map_or(0, |line| line.piece + usize::from(!continues));
            self.lines.push(ShownLine { piece, path, number, start: self.text.len() });
            let focus = spots.iter().flat_map(|spot| [spot.bytes.start, spot.bytes.end]);
            let line = LineMap::append(&mut self.text, file, number, focus, shape);
            for (index, spot) in spots.iter().enumerate() {
                if spot.lines.start == number {
                    starts.insert(index, line.at(spot.bytes.start));
                }
                if spot.lines.end == number + 1 {
                    ends.insert(index, line.at(spot.bytes.end));
                }
            }
            self.text.push('\n');
        }
        for (index, spot) in spots.iter().enumerate() {
            let (Some(start), Some(end)) = (starts.get(&index), ends.get(&index)) else { continue };
            let text = (!spot.label.text.is_empty()).then(|| sanitize(&spot.label.text).into_owned());
            let span = SourceSpan::from((*start, if spot.bytes.is_empty() { 0 } else { end.saturating_sub(*start) }));
            self.columns.insert(*start, spot.column);
            self.labels.push(match spot.primary {
                true => LabeledSpan::new_primary_with_span(text, span),
                false => LabeledSpan::new_with_span(text, span),
            });
        }
    }

    /// Which shown line holds a place of the shown text.
    fn line_at(&self, offset: usize) -> usize {
        self.lines.partition_point(|line| line.start <= offset).saturating_sub(1)
    }
}

impl<'a> LabelSpot<'a> {
    fn new(label: &'a Label, primary: bool, sources: &Sources) -> Option<Self> {
        let file = sources.file(label.span.file)?;
        let column = Place::of(label.span, sources)?.start.column.saturating_sub(1);
        let start = file.text.floor_char_boundary(label.span.start as usize);
        let end = file.text.ceil_char_boundary(label.span.end as usize).max(start);
        let line_at = |offset: usize| file.line_at(u32::try_from(offset).unwrap_or(u32::MAX));
        let first = line_at(start);
        // A span that ends with a line break ends on that line.
        let mut last = line_at(end.saturating_sub(1).max(start));
        if last - first >= MOST_LINES {
            last = first;
        }
        let end = end.min(file.line_range(last).end).max(start);
        Some(LabelSpot { label, primary, column, bytes: start..end, lines: first..last + 1 })
    }
}

/// The numbers of the lines with labels, and of one line before and after each.
fn shown_lines(file: &SourceFile, spots: &[LabelSpot]) -> BTreeSet<usize> {
    let count = file.line_starts().len();
    // After the last line break there is no line to show as the context of another.
    let context_end = if file.text.ends_with('\n') { count - 1 } else { count };
    let mut numbers = BTreeSet::new();
    for spot in spots {
        numbers.extend(spot.lines.clone());
        numbers.extend(spot.lines.start.checked_sub(1));
        numbers.extend(Some(spot.lines.end).filter(|next| *next < context_end));
    }
    numbers
}

/// Where the characters of one line went.
struct LineMap {
    /// Offsets in the file and in the shown text, ascending.
    map: Vec<(usize, usize)>,
    /// The end of the line in the shown text.
    end: usize,
}

impl LineMap {
    /// Appends a line, without its end. Of a long line only what is around the places in `focus` is shown.
    fn append(
        text: &mut String,
        file: &SourceFile,
        number: usize,
        focus: impl Iterator<Item = usize>,
        shape: Canvas,
    ) -> Self {
        let range = file.line_range(number);
        let mut map = Vec::new();
        let mut done = range.start;
        let cut = |text: &mut String, map: &mut Vec<_>, from: usize, to: usize| {
            if from < to {
                map.push((from, text.len()));
                text.push_str(shape.ellipsis());
            }
        };
        for window in windows(file, &range, focus, shape.room()) {
            cut(text, &mut map, done, window.start);
            for (offset, character) in file.text.get(window.clone()).unwrap_or("").char_indices() {
                map.push((window.start + offset, text.len()));
                push(text, character);
            }
            done = window.end;
        }
        cut(text, &mut map, done, range.end);
        LineMap { map, end: text.len() }
    }

    /// Where a place of the file stands, which is a character boundary outside of the parts that were cut.
    fn at(&self, offset: usize) -> usize {
        let next = self.map.partition_point(|(from, _)| *from < offset);
        self.map.get(next).map_or(self.end, |(_, to)| *to)
    }
}

/// The parts of a line that are shown, ascending and apart.
fn windows(
    file: &SourceFile,
    line: &Range<usize>,
    focus: impl Iterator<Item = usize>,
    room: usize,
) -> Vec<Range<usize>> {
    if line.len() <= room {
        return vec![line.clone()];
    }
    let mut places: Vec<_> = focus.filter(|offset| *offset >= line.start && *offset <= line.end).collect();
    places.sort_unstable();
    if places.is_empty() {
        places.push(line.start);
    }
    let mut windows: Vec<Range<usize>> = Vec::new();
    for place in places {
        let start = file.text.floor_char_boundary(place.saturating_sub(room / 3)).max(line.start);
        let end = file.text.ceil_char_boundary(place + room / 2).min(line.end);
        match windows.last_mut() {
            Some(last) if last.end >= start => last.end = last.end.max(end),
            _ => windows.push(start..end),
        }
    }
    windows
}

impl SourceCode for Snippets {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let end = span.offset() + span.len();
        let first = self.line_at(span.offset());
        let last = self.line_at(end.saturating_sub(1).max(span.offset()));
        let piece_of = |index: usize| self.lines.get(index).map(|line| line.piece);
        let piece = piece_of(first);
        // Miette tries to join labels that look close; this tells it that they are apart.
        if piece.is_none() || piece != piece_of(last) {
            return Err(MietteError::OutOfBounds);
        }
        let same = |index: &usize| piece_of(*index) == piece;
        let from = (first.saturating_sub(lines_before)..=first).find(same).unwrap_or(first);
        let to = (last..=last + lines_after).rev().find(same).unwrap_or(last);
        let line = self.lines.get(from).ok_or(MietteError::OutOfBounds)?;
        let stop = self.lines.get(to + 1).map_or(self.text.len(), |next| next.start);
        let data = self.text.get(line.start..stop).ok_or(MietteError::OutOfBounds)?;
        // Asked for no context, miette wants the place to put above the lines.
        let column = if lines_before == 0 { self.columns.get(&span.offset()).copied().unwrap_or(0) } else { 0 };
        Ok(Box::new(MietteSpanContents::new_named(
            self.paths.get(line.path).cloned().unwrap_or_default(),
            data.as_bytes(),
            (line.start, data.len()).into(),
            line.number,
            column,
            to - from + 1,
        )))
    }
}
