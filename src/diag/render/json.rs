//! Reports for programs.

use serde_json::{Value, json};

use super::Place;
use super::sanitize::sanitize_json;
use crate::diag::{Label, Report};
use crate::source::Sources;

/// One object with the schema `polder/diagnostics/v1`. Lines and columns count from 1, columns in Unicode scalar
/// values; `start` and `end` are offsets into the UTF-8 text, from 0, the end being the byte after the last.
pub fn json(reports: &[Report], sources: &Sources) -> String {
    let diagnostics: Vec<_> = reports.iter().map(|report| diagnostic(report, sources)).collect();
    let document = json!({ "schema": "polder/diagnostics/v1", "diagnostics": diagnostics });
    let mut text = sanitize_json(&format!("{document:#}"));
    text.push('\n');
    text
}

fn diagnostic(report: &Report, sources: &Sources) -> Value {
    let diagnostic = &report.diagnostic;
    let labels: Vec<_> = diagnostic.labels.iter().filter_map(|item| label(item, sources)).collect();
    json!({
        "code": diagnostic.code.as_str(),
        "severity": report.severity.as_str(),
        "title": diagnostic.code.title(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "labels": labels,
    })
}

fn label(label: &Label, sources: &Sources) -> Option<Value> {
    let place = Place::of(label.span, sources)?;
    Some(json!({
        "path": place.path,
        "line": place.start.line,
        "column": place.start.column,
        "end_line": place.end.line,
        "end_column": place.end.column,
        "start": label.span.start,
        "end": label.span.end,
        "text": label.text,
    }))
}
