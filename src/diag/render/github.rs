//! Workflow commands, which GitHub shows as annotations beside the changed lines.

use super::sanitize::sanitize_lines;
use super::{Place, sanitize};
use crate::diag::{Report, Severity};
use crate::source::Sources;

/// One `::error`, `::warning` or `::notice` command a line.
pub fn github(reports: &[Report], sources: &Sources) -> String {
    reports.iter().map(|report| command(report, sources)).collect()
}

fn command(report: &Report, sources: &Sources) -> String {
    let diagnostic = &report.diagnostic;
    let place = diagnostic.primary().and_then(|span| Place::of(span, sources)).filter(|place| !place.built_in);
    let mut properties = place.map_or_else(String::new, |place| location(&place));
    properties.push_str(&format!("title={} {}", diagnostic.code, property(diagnostic.code.title())));
    let mut text = sanitize(&diagnostic.message).into_owned();
    if let Some(help) = &diagnostic.help {
        text.push('\n');
        text.push_str(&sanitize_lines(help));
    }
    format!("::{} {properties}::{}\n", word(report.severity), data(&text))
}

/// What GitHub calls a level.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error | Severity::Warning => severity.as_str(),
        Severity::Note => "notice",
    }
}

/// The place, followed by a comma. GitHub takes columns only when they are of one line.
fn location(place: &Place) -> String {
    let (start, end) = (place.start, place.end);
    let file = property(&sanitize(place.path));
    if start.line == end.line {
        format!("file={file},line={},col={},endLine={},endColumn={},", start.line, start.column, end.line, end.column)
    } else {
        format!("file={file},line={},endLine={},", start.line, end.line)
    }
}

/// Escapes what stands after the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of the command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
