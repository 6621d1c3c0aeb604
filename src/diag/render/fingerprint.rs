//! Names by which services know a result again.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::diag::Diagnostic;
use crate::source::{Sources, Span};

/// How much of a line goes into a fingerprint.
const MOST_OF_A_LINE: usize = 1024;

/// Names for results that stay the same while lines move: a hash of the code, the path and the line's text, and which
/// of several equal ones it is.
#[derive(Default)]
pub(super) struct Fingerprints {
    seen: BTreeMap<String, usize>,
}

impl Fingerprints {
    /// The name of the next result.
    pub(super) fn next(&mut self, diagnostic: &Diagnostic, sources: &Sources) -> String {
        let (path, line) = diagnostic.primary().map_or(("", ""), |span| line(span, sources));
        let hash = Sha256::digest([diagnostic.code.as_str(), path, line].join("\0"));
        let mut name = String::new();
        for byte in hash.iter().take(8) {
            let _ = write!(name, "{byte:02x}");
        }
        let number = self.seen.entry(name.clone()).or_default();
        *number += 1;
        format!("{name}:{number}")
    }
}

/// The path and the text of the line in which a span begins.
fn line(span: Span, sources: &Sources) -> (&str, &str) {
    let Some(file) = sources.file(span.file) else { return ("", "") };
    let range = file.line_range(file.line_at(span.start));
    let end = file.text.floor_char_boundary(range.end.min(range.start + MOST_OF_A_LINE));
    (&file.path, file.text.get(range.start..end).unwrap_or("").trim())
}
