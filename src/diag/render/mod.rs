//! Reports as text: for people, for editors and for machines. Pure functions from reports to strings.
//!
//! INVARIANT: what people read in a terminal or a log ([`human`], [`short`], [`github`]) holds no control character,
//! no bidirectional control and no invisible character of the input; [`sanitize`] is the one place that sees to it.

mod fingerprint;
mod github;
mod gitlab;
mod human;
mod json;
mod sanitize;
mod sarif;
mod short;
mod snippet;

pub use github::github;
pub use gitlab::gitlab;
pub use human::{Human, human};
pub use json::json;
pub use sanitize::{is_hidden, sanitize, sanitize_json};
pub use sarif::sarif;
pub use short::short;

use super::{Diagnostic, Report, Severity};
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

/// The sentence with its help, for readers that have one text for both.
fn message(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}\n{help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

/// The levels, the worst first.
const LEVELS: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];

/// The first `limit` reports, the worst first where there are more, in the order given.
fn most_important<'a>(reports: &[&'a Report], limit: usize) -> Vec<&'a Report> {
    let mut rest = limit;
    let mut left = LEVELS.map(|severity| {
        let shown = count(reports, severity).min(rest);
        rest -= shown;
        (severity, shown)
    });
    let wanted = |report: &&'a Report| {
        let mut left = left.iter_mut().filter(|(severity, left)| *severity == report.severity && *left > 0);
        left.next().map(|(_, left)| *left -= 1).is_some()
    };
    reports.iter().copied().filter(wanted).collect()
}

/// How many there are of a level.
fn count(reports: &[&Report], severity: Severity) -> usize {
    reports.iter().filter(|report| report.severity == severity).count()
}

/// What was left out, such as `1 error and 3 warnings`; `None` when nothing was.
fn left_out(reports: &[&Report], shown: &[&Report]) -> Option<String> {
    let numbers = LEVELS.map(|severity| (severity, count(reports, severity) - count(shown, severity)));
    let numbers: Vec<(Severity, usize)> = numbers.into_iter().filter(|(_, number)| *number > 0).collect();
    (!numbers.is_empty()).then(|| counted(&numbers))
}

/// Numbers of reports of each level in words, such as `2 errors, 1 warning and 3 notes`.
pub fn counted(numbers: &[(Severity, usize)]) -> String {
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    let words = numbers.iter().map(|(severity, number)| format!("{number} {}{}", severity.as_str(), plural(*number)));
    let words: Vec<String> = words.collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests;
