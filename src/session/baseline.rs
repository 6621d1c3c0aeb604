//! What was found before, and is not told again.
//!
//! A finding is known by its code, by what it is about, and by the text of the line that it is found in: neither lines above
//! it nor another name of the file make another one of it, and whoever reviews the file sees what is let go.

use crate::diag::{Code, Report};
use crate::source::{Sources, Span};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of the form.
const SCHEMA: &str = "polder/lint-baseline/v1";

/// Of a longer line only the place counts: a whole cluster may stand in one.
const LONGEST_LINE: usize = 200;

/// Findings that are not told, and how often each may be there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baseline {
    counts: BTreeMap<Key, usize>,
}

/// What a finding is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    code: Code,
    /// The first object that its sentence names, as in `shop/web`; empty when there is none.
    object: String,
    /// The line in which it is found, or of a long one the place.
    text: String,
}

impl Key {
    fn of(report: &Report, sources: &Sources) -> Key {
        let diagnostic = &report.diagnostic;
        let text = diagnostic.primary().map_or("", |span| text(span, sources));
        let object = diagnostic.object().unwrap_or_default();
        Key { code: diagnostic.code, object: object.to_owned(), text: text.to_owned() }
    }
}

fn text(span: Span, sources: &Sources) -> &str {
    let Some(file) = sources.file(span.file) else { return "" };
    let line = file.text.get(file.line_range(file.line_at(span.start))).unwrap_or_default();
    // Comments are no part of what is found.
    let line = line.split(" #").next().unwrap_or_default().trim();
    if line.len() <= LONGEST_LINE { line } else { sources.text(span) }
}

impl Baseline {
    /// All that was found and can be let go.
    pub fn of(reports: &[Report], sources: &Sources) -> Baseline {
        let mut counts = BTreeMap::new();
        for report in reports.iter().filter(|report| !report.diagnostic.code.stops()) {
            *counts.entry(Key::of(report, sources)).or_default() += 1;
        }
        Baseline { counts }
    }

    /// How many findings it holds.
    pub fn count(&self) -> usize {
        self.counts.values().sum()
    }

    /// Reads a file; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if document.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
            return Err(format!("it has no `\"schema\": \"{SCHEMA}\"`"));
        }
        let findings = document.get("findings").and_then(Value::as_array).ok_or("it has no list of `findings`")?;
        let mut counts = BTreeMap::new();
        for finding in findings {
            let field = |name: &str| finding.get(name).and_then(Value::as_str);
            let count = finding.get("count").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
            let (Some(code), Some(object), Some(text), Some(count)) =
                (field("code"), field("object"), field("text"), count)
            else {
                return Err("a finding has a `code`, an `object`, a `text` and a `count`".to_owned());
            };
            // One of a version that knew more codes is none of this one's.
            let Some(code) = Code::parse(code) else { continue };
            let key = Key { code, object: object.to_owned(), text: text.to_owned() };
            let slot: &mut usize = counts.entry(key).or_default();
            *slot = slot.saturating_add(count);
        }
        Ok(Baseline { counts })
    }

    /// The text of the file: sorted, one finding a line, so that it can be reviewed.
    pub fn write(&self) -> String {
        let finding = |(key, count): (&Key, &usize)| {
            let Key { code, object, text } = key;
            format!("    {}", json!({ "code": code.as_str(), "object": object, "text": text, "count": count }))
        };
        let findings: Vec<String> = self.counts.iter().map(finding).collect();
        let list = match findings.is_empty() {
            true => "[]".to_owned(),
            false => format!("[\n{}\n  ]", findings.join(",\n")),
        };
        format!("{{\n  \"schema\": \"{SCHEMA}\",\n  \"findings\": {list}\n}}\n")
    }

    /// Those that it does not hold, and how many of its own are not found any more.
    pub fn others(self, reports: Vec<Report>, sources: &Sources) -> (Vec<Report>, usize) {
        let mut left = self.counts;
        let mut is_known = |report: &Report| match left.get_mut(&Key::of(report, sources)) {
            Some(count @ 1..) => {
                *count -= 1;
                true
            }
            _ => false,
        };
        let others = reports.into_iter().filter(|report| report.diagnostic.code.stops() || !is_known(report)).collect();
        (others, left.values().sum())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::diag::{Diagnostic, Levels};
    use crate::source::Span;

    const TEXT: &str = "a: 1\n- from: [] # why\n- from: []\n";

    fn found(text: &str, objects: &[&str]) -> (Sources, Vec<Report>) {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        let places = text.match_indices("from").map(|(at, _)| Span::new(file, at..at + 4));
        let report = |(place, object): (Span, &&str)| {
            Report::from(Diagnostic::new(Code::W0207, place, format!("this rule of `{object}` is for `10.0.0.0/8`")))
        };
        let reports = places.zip(objects).map(report).collect();
        (sources, reports)
    }

    #[test]
    fn holds_what_was_found_wherever_it_has_moved() {
        let (sources, reports) = found(TEXT, &["shop/web", "shop/api"]);
        let baseline = Baseline::of(&reports, &sources);
        assert_eq!(baseline.count(), 2);
        let read = Baseline::parse(&baseline.write()).unwrap();
        assert_eq!(read, baseline);
        assert_eq!(baseline.clone().others(reports, &sources), (Vec::new(), 0));
        let (sources, reports) = found(&format!("# more\n\n{TEXT}"), &["shop/web", "shop/other"]);
        let (others, gone) = baseline.others(reports.clone(), &sources);
        assert_eq!((others.as_slice(), gone), (reports.get(1..).unwrap(), 1));
    }

    #[test]
    fn each_is_let_go_as_often_as_it_was_there() {
        let (sources, reports) = found(TEXT, &["shop/web"]);
        let baseline = Baseline::of(&reports, &sources);
        let (sources, reports) = found(TEXT, &["shop/web", "shop/web"]);
        assert_eq!(baseline.others(reports, &sources).0.len(), 1);
    }

    #[test]
    fn holds_no_error_that_stops() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "a");
        let stops = Diagnostic::new(Code::E0501, Span::new(file, 0..1), "no");
        let reports = Levels::default().apply(vec![stops], &[]);
        assert_eq!(Baseline::of(&reports, &sources), Baseline::default());
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in
            ["", "{}", "[]", "{\"schema\": \"polder/diagnostics/v1\"}", "{\"schema\": \"polder/lint-baseline/v1\"}"]
        {
            assert!(Baseline::parse(text).is_err(), "{text}");
        }
        let odd = "{\"schema\": \"polder/lint-baseline/v1\", \"findings\": [{\"code\": 1}]}";
        assert!(Baseline::parse(odd).is_err());
        assert_eq!(Baseline::parse(&Baseline::default().write()), Ok(Baseline::default()));
    }
}
