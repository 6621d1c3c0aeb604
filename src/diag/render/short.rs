//! One line for each report, as editors and grep read it.

use super::{Place, sanitize};
use crate::diag::Report;
use crate::source::Sources;

/// `path:line:column: error: message [E0101]`, one line each; without the place when there is none.
pub fn short(reports: &[Report], sources: &Sources) -> String {
    reports.iter().map(|report| line(report, sources)).collect()
}

fn line(report: &Report, sources: &Sources) -> String {
    let diagnostic = &report.diagnostic;
    let place = diagnostic.primary().and_then(|span| Place::of(span, sources));
    let place = place.map_or_else(String::new, |place| {
        format!("{}:{}:{}: ", sanitize(place.path), place.start.line, place.start.column)
    });
    let (severity, message) = (report.severity.as_str(), sanitize(&diagnostic.message));
    format!("{place}{severity}: {message} [{}]\n", diagnostic.code)
}
