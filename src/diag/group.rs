//! Reports that say the same of several objects, as one with a list.

use super::{Label, Report, Severity};
use crate::diag::Code;
use std::collections::{BTreeMap, BTreeSet};

/// So many that say the same are one.
const FEWEST: usize = 3;

/// So many objects are named in one sentence.
const NAMED: usize = 3;

/// What reports have in common that say the same.
type Topic = (Severity, Code, String, Option<String>);

/// The reports, those that differ only in the object that they are about put together: in the place of the first, with the
/// places of the others below it.
pub fn grouped(reports: Vec<Report>) -> Vec<Report> {
    let mut places: BTreeMap<Topic, Vec<usize>> = BTreeMap::new();
    for (index, report) in reports.iter().enumerate() {
        places.entry(topic(report)).or_default().push(index);
    }
    let mut others: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for same in places.into_values().filter(|same| same.len() >= FEWEST) {
        if let Some((first, rest)) = same.split_first() {
            others.insert(*first, rest.to_vec());
        }
    }
    let joined: Vec<Report> = others.iter().filter_map(|(first, rest)| join(&reports, *first, rest)).collect();
    let mut joined = others.keys().copied().zip(joined).collect::<BTreeMap<usize, Report>>();
    let told: BTreeSet<usize> = others.into_values().flatten().collect();
    let all = reports.into_iter().enumerate().filter(|(index, _)| !told.contains(index));
    all.map(|(index, report)| joined.remove(&index).unwrap_or(report)).collect()
}

fn topic(report: &Report) -> Topic {
    let diagnostic = &report.diagnostic;
    let message = match diagnostic.object() {
        Some(object) => diagnostic.message.replace(object, ""),
        None => diagnostic.message.clone(),
    };
    (report.severity, diagnostic.code, message, diagnostic.help.clone())
}

fn join(reports: &[Report], first: usize, rest: &[usize]) -> Option<Report> {
    let mut report = reports.get(first)?.clone();
    let own = report.diagnostic.object().unwrap_or_default().to_owned();
    let mut names: Vec<&str> = Vec::new();
    for other in rest.iter().filter_map(|index| reports.get(*index)) {
        let name = other.diagnostic.object().unwrap_or_default();
        if name != own && !names.contains(&name) {
            names.push(name);
        }
        let text = if name.is_empty() { "here, too".to_owned() } else { name.to_owned() };
        report.diagnostic.labels.extend(other.diagnostic.primary().map(|span| Label { span, text }));
    }
    report.diagnostic.message += &match names.is_empty() {
        true => format!("; the same in {} other places", rest.len()),
        false => format!("; the same goes for {}", listed(&names)),
    };
    Some(report)
}

fn listed(names: &[&str]) -> String {
    let mut words: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    if let Some(more @ 1..) = names.len().checked_sub(NAMED) {
        words.push(format!("{more} more"));
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::diag::Diagnostic;
    use crate::source::{FileId, Span};

    fn report(object: &str, at: usize, help: &str) -> Report {
        let span = Span::new(FileId::at(0), at..at + 1);
        let message = format!("`{object}` is open: `{object}` lets all in");
        Diagnostic::new(Code::W0207, span, message).with_help(help).into()
    }

    #[test]
    fn what_says_the_same_of_several_is_one_with_their_places() {
        let all = vec![
            report("a/b", 0, "x"),
            report("a/c", 1, "y"),
            report("a/d", 2, "x"),
            report("a/e", 3, "x"),
            report("a/f", 4, "x"),
            report("a/g", 5, "x"),
        ];
        let groups = grouped(all);
        assert_eq!(groups.len(), 2);
        let first = &groups[0].diagnostic;
        assert_eq!(first.message, "`a/b` is open: `a/b` lets all in; the same goes for `a/d`, `a/e`, `a/f` and 1 more");
        assert_eq!(first.labels.iter().map(|label| label.span.start).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
        assert!(groups[1].diagnostic.message.starts_with("`a/c`"));
    }

    #[test]
    fn two_stay_two() {
        let all = vec![report("a/b", 0, "x"), report("a/d", 2, "x")];
        assert_eq!(grouped(all.clone()), all);
    }
}
