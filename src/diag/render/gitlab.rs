//! The report on code quality that GitLab shows in a merge request.

use serde_json::{Value, json};

use super::fingerprint::Fingerprints;
use super::sanitize::sanitize_json;
use super::{Place, message};
use crate::diag::{Report, Severity};
use crate::source::Sources;

/// A list of the members that GitLab reads of the Code Climate format. What has no place in the user's files is told at
/// the root of the repository, as GitLab leaves out what has no path.
pub fn gitlab(reports: &[Report], sources: &Sources) -> String {
    let mut fingerprints = Fingerprints::default();
    let list: Vec<Value> = reports.iter().map(|report| violation(report, &mut fingerprints, sources)).collect();
    let mut text = sanitize_json(&format!("{:#}", Value::Array(list)));
    text.push('\n');
    text
}

fn violation(report: &Report, fingerprints: &mut Fingerprints, sources: &Sources) -> Value {
    let diagnostic = &report.diagnostic;
    let places = diagnostic.labels.iter().filter_map(|label| Place::of(label.span, sources));
    let place = places.into_iter().find(|place| !place.built_in);
    let (path, line) = place.map_or((".", 1), |place| (place.path, place.start.line));
    json!({
        "description": message(diagnostic),
        "check_name": diagnostic.code.as_str(),
        "fingerprint": fingerprints.next(diagnostic, sources),
        "severity": severity(report.severity),
        "location": { "path": path, "lines": { "begin": line } },
    })
}

/// What GitLab calls a level.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "major",
        Severity::Warning => "minor",
        Severity::Note => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, Diagnostic};
    use crate::source::Span;

    #[test]
    fn a_violation_has_what_gitlab_reads_and_a_name_of_its_own() {
        let mut sources = Sources::default();
        let file = sources.add("net/a.polder", "one\ntwo\ntwo\n");
        let report = |diagnostic: Diagnostic, severity| Report { severity, diagnostic };
        let at = |from| Diagnostic::new(Code::W0003, Span::new(file, from..from + 3), "never used");
        let reports = [
            report(at(4).with_help("remove it"), Severity::Warning),
            report(at(8), Severity::Note),
            report(Diagnostic::about(Code::E0401, "no such file"), Severity::Error),
        ];
        let list: Value = serde_json::from_str(&gitlab(&reports, &sources)).unwrap_or_default();
        let told = |index: usize, key: &str| list.pointer(&format!("/{index}/{key}")).cloned().unwrap_or_default();
        assert_eq!([0, 1, 2].map(|index| told(index, "severity")), ["minor", "info", "major"]);
        assert_eq!([0, 1, 2].map(|index| told(index, "location/path")), ["net/a.polder", "net/a.polder", "."]);
        assert_eq!([0, 1, 2].map(|index| told(index, "location/lines/begin")), [2, 3, 1]);
        assert_eq!(told(0, "check_name"), "W0003");
        assert_eq!(told(0, "description"), "never used\nremove it");
        assert_ne!(told(0, "fingerprint"), told(1, "fingerprint"));
        assert_eq!(gitlab(&[], &sources), "[]\n");
    }
}
