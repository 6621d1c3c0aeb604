//! `textDocument/formatting` and `rangeFormatting`: from the text alone, whatever the analysis is doing.

use crate::fmt::{self, Unformatted};
use crate::source::{Encoding, Lines, Sources};
use crate::syntax;
use lsp_types::{Range, TextEdit};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The changes that give a text its canonical form, in `within` if it is given.
pub(super) fn format(text: &str, within: Option<Range>, encoding: Encoding) -> Result<Vec<TextEdit>, Unformatted> {
    let mut sources = Sources::default();
    let file = sources.add("document", text);
    let mut formatted = fmt::format(&sources, &syntax::parse(&sources, file))?;
    if text.contains("\r\n") && !formatted.contains('\r') {
        // The editor keeps the line ends of the file.
        formatted = formatted.replace('\n', "\r\n");
    }
    let old: Vec<&str> = text.split_inclusive('\n').collect();
    let new: Vec<&str> = formatted.split_inclusive('\n').collect();
    let lines = Lines::new(text);
    let mut offsets = vec![0];
    for line in &old {
        offsets.push(offsets.last().copied().unwrap_or(0) + line.len());
    }
    let position = |line: usize| {
        let offset = offsets.get(line).copied().unwrap_or(text.len());
        let (line, column) = lines.position(text, offset, encoding);
        super::program::position(line, column)
    };
    let mut edits = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (_, from, to) = op.as_tag_tuple();
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let range = Range { start: position(from.start), end: position(from.end) };
        let meets = within.is_none_or(|within| range.start <= within.end && within.start <= range.end);
        if meets {
            edits.push(TextEdit { range, new_text: new.get(to).unwrap_or_default().concat() });
        }
    }
    Ok(edits)
}
