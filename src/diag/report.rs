//! Diagnostics as they are shown: with the severity that counts, in a fixed order.

use std::cmp::Ordering;

use super::{Diagnostic, Severity};
use crate::source::{Sources, Span};

/// A diagnostic and how grave it is in this run: the level of a warning can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is said.
    pub diagnostic: Diagnostic,
    /// The severity that counts. The diagnostic keeps its code.
    pub severity: Severity,
}

impl From<Diagnostic> for Report {
    fn from(diagnostic: Diagnostic) -> Self {
        let severity = diagnostic.severity();
        Report { diagnostic, severity }
    }
}

/// Sorts by path, place, code and message, and drops repetitions. What is about no file comes first.
pub fn sort(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    diagnostics.sort_by(|left, right| compare(left, right, sources));
    diagnostics.dedup();
}

fn compare(left: &Diagnostic, right: &Diagnostic, sources: &Sources) -> Ordering {
    let (left_at, right_at) = (left.primary(), right.primary());
    let path = |span: Option<Span>| span.and_then(|span| sources.file(span.file)).map(|file| file.path.as_str());
    let place = |span: Option<Span>| span.map(|span| (span.start, span.end, span.file));
    let by_path = match (left_at, right_at) {
        (Some(left), Some(right)) if left.file == right.file => Ordering::Equal,
        _ => path(left_at).cmp(&path(right_at)),
    };
    by_path
        .then_with(|| place(left_at).cmp(&place(right_at)))
        .then_with(|| left.code.cmp(&right.code))
        .then_with(|| left.message.cmp(&right.message))
        // The rest only brings equal ones together.
        .then_with(|| labels(left).cmp(labels(right)))
        .then_with(|| left.help.cmp(&right.help))
}

fn labels(diagnostic: &Diagnostic) -> impl Iterator<Item = (Span, &str)> {
    diagnostic.labels.iter().map(|label| (label.span, label.text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;

    #[test]
    fn sorts_by_path_place_code_and_message_and_drops_repetitions() {
        let mut sources = Sources::default();
        let late = sources.add("b.polder", "text");
        let early = sources.add("a.polder", "text");
        let at = |file, start, code, message: &str| Diagnostic::new(code, Span::new(file, start..start + 1), message);
        let sorted = vec![
            Diagnostic::about(Code::E0401, "no file"),
            at(early, 0, Code::E0101, "x"),
            at(early, 1, Code::E0101, "x"),
            at(early, 1, Code::E0101, "y"),
            at(early, 1, Code::W0001, "a"),
            at(late, 0, Code::E0001, "x"),
        ];
        let mut shuffled: Vec<_> = sorted.iter().rev().chain(&sorted).cloned().collect();
        sort(&mut shuffled, &sources);
        assert_eq!(shuffled, sorted);
    }
}
