//! Reports as text: for people, for editors and for machines. Pure functions from reports to strings.
//!
//! INVARIANT: what people read in a terminal or a log ([`human`], [`short`], [`github`]) holds no control character,
//! no bidirectional control and no invisible character of the input; [`sanitize`] is the one place that sees to it.

mod github;
mod human;
mod json;
mod sanitize;
mod sarif;
mod short;
mod snippet;

pub use github::github;
pub use human::{Human, human};
pub use json::json;
pub use sanitize::{is_hidden, sanitize, sanitize_json};
pub use sarif::sarif;
pub use short::short;

use super::{Report, Severity};
use crate::source::{Position, Sources, Span};

/// Where a span is, as people count.
struct Place<'a> {
    path: &'a str,
    built_in: bool,
    start: Position,
    end: Position,
}

impl<'a> Place<'a> {
    /// `None` when the span is not of these sources.
    fn of(span: Span, sources: &'a Sources) -> Option<Self> {
        let file = sources.file(span.file)?;
        Some(Place {
            path: &file.path,
            built_in: file.built_in,
            start: file.position(span.start),
            end: file.position(span.end.max(span.start)),
        })
    }
}

/// The first `limit` reports, errors before warnings, in the order given.
fn most_important<'a>(reports: &[&'a Report], limit: usize) -> Vec<&'a Report> {
    let (errors, _) = count(reports);
    let mut errors_left = errors.min(limit);
    let mut warnings_left = limit - errors_left;
    let wanted = |report: &&'a Report| {
        let left = match report.severity {
            Severity::Error => &mut errors_left,
            Severity::Warning => &mut warnings_left,
        };
        let keep = *left > 0;
        *left = left.saturating_sub(1);
        keep
    };
    reports.iter().copied().filter(wanted).collect()
}

/// How many errors and how many warnings there are.
fn count(reports: &[&Report]) -> (usize, usize) {
    reports.iter().fold((0, 0), |(errors, warnings), report| match report.severity {
        Severity::Error => (errors + 1, warnings),
        Severity::Warning => (errors, warnings + 1),
    })
}

/// What was left out, such as `1 error and 3 warnings`; `None` when nothing was.
fn left_out(reports: &[&Report], shown: &[&Report]) -> Option<String> {
    let (errors, warnings) = count(reports);
    let (errors_shown, warnings_shown) = count(shown);
    let some = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let parts = [some(errors - errors_shown, "error"), some(warnings - warnings_shown, "warning")];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

#[cfg(test)]
mod tests;
