//! SARIF 2.1.0, which code scanning services read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};

use super::fingerprint::Fingerprints;
use super::sanitize::sanitize_json;
use super::{Place, left_out, message, most_important};
use crate::diag::{Code, Label, Report, Severity};
use crate::source::Sources;

/// How many results a service shows of one run.
const MOST_RESULTS: usize = 5000;

/// A log with one run. Reports without a place in the user's files are notifications, as services refuse results
/// without one. Beyond 5,000 results notes, then warnings and then errors are left out, and a notification says so.
pub fn sarif(reports: &[Report], sources: &Sources) -> String {
    let (placed, unplaced): (Vec<_>, Vec<_>) = reports
        .iter()
        .partition(|report| report.diagnostic.labels.iter().any(|label| location(label, sources).is_some()));
    let mut shown = most_important(&placed, MOST_RESULTS);
    shown.sort_by_key(|report| report.severity);
    let codes: BTreeSet<Code> = shown.iter().chain(&unplaced).map(|report| report.diagnostic.code).collect();
    let rules: BTreeMap<Code, usize> = codes.into_iter().enumerate().map(|(index, code)| (code, index)).collect();
    let mut fingerprints = Fingerprints::default();
    let results: Vec<_> = shown.iter().map(|report| result(report, &rules, &mut fingerprints, sources)).collect();
    let rest = left_out(&placed, &shown);
    let rest = rest.map(|rest| json!({ "level": "warning", "message": { "text": format!("{rest} left out") } }));
    let notifications: Vec<_> = unplaced.iter().map(|report| notification(report, &rules)).chain(rest).collect();
    let successful = !unplaced.iter().any(|report| report.severity == Severity::Error);
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "polder",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.keys().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": successful, "toolExecutionNotifications": notifications }],
            "results": results,
        }],
    });
    let mut text = sanitize_json(&format!("{document:#}"));
    text.push('\n');
    text
}

fn notification(report: &Report, rules: &BTreeMap<Code, usize>) -> Value {
    let code = report.diagnostic.code;
    json!({
        "level": report.severity.as_str(),
        "message": { "text": message(&report.diagnostic) },
        "associatedRule": { "id": code.as_str(), "index": rules.get(&code) },
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": code.severity().as_str() },
    })
}

fn result(report: &Report, rules: &BTreeMap<Code, usize>, fingerprints: &mut Fingerprints, sources: &Sources) -> Value {
    let diagnostic = &report.diagnostic;
    let mut locations = diagnostic.labels.iter().filter_map(|label| location(label, sources));
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": rules.get(&diagnostic.code),
        "level": report.severity.as_str(),
        "message": { "text": message(diagnostic) },
        "locations": locations.by_ref().take(1).collect::<Vec<_>>(),
        "partialFingerprints": { "primaryLocationLineHash": fingerprints.next(diagnostic, sources) },
    });
    let related: Vec<_> = locations.collect();
    if let (false, Some(object)) = (related.is_empty(), result.as_object_mut()) {
        object.insert("relatedLocations".into(), related.into());
    }
    result
}

/// `None` for a place in a file that comes with the compiler: no service could show it.
fn location(label: &Label, sources: &Sources) -> Option<Value> {
    let place = Place::of(label.span, sources).filter(|place| !place.built_in)?;
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(place.path) },
            "region": {
                "startLine": place.start.line,
                "startColumn": place.start.column,
                "endLine": place.end.line,
                "endColumn": place.end.column,
            },
        },
    });
    if let (false, Some(object)) = (label.text.is_empty(), location.as_object_mut()) {
        object.insert("message".into(), json!({ "text": label.text }));
    }
    Some(location)
}

/// The path as a reference by RFC 3986: relative, unless the path is absolute.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}
