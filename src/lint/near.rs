//! What was probably meant by what matches nothing, and lists for sentences.

use crate::cluster::Labels;
use crate::diag::{Diagnostic, closest};
use crate::net::{Requirement, Selector};
use crate::source::Span;
use std::collections::BTreeSet;

/// So many names are listed in one sentence.
const LISTED: usize = 3;

/// What was probably meant by a selector that matches nothing.
pub struct Near {
    /// What to write, or what there is.
    pub help: String,
    /// The label that was meant.
    pub label: Option<(String, String)>,
}

/// The nearest labels to those that a selector asks for.
pub fn near<'a>(selector: &Selector, labels: impl Iterator<Item = &'a Labels>) -> Option<Near> {
    let meant = |key: &str, value: &str| {
        let label = Some((key.to_owned(), value.to_owned()));
        Some(Near { help: format!("`{key}={value}` exists; did you mean that?"), label })
    };
    let hint = |help: String| Some(Near { help, label: None });
    let labels: Vec<_> = labels.collect();
    // Only what is asked for and nobody has can be the mistake.
    for requirement in selector.requirements() {
        let (key, wanted) = match requirement {
            Requirement::Equals(key, value) => (key, value),
            Requirement::In(key, [value, ..]) => (key, value),
            _ => continue,
        };
        if labels.iter().any(|labels| selector.values(key).allows(labels.get(&**key).map(String::as_str))) {
            continue;
        }
        let values: BTreeSet<&str> =
            labels.iter().filter_map(|labels| labels.get(&**key).map(String::as_str)).collect();
        if let Some(value) = closest(wanted, values.iter().copied()) {
            return meant(key, value);
        }
        let keys: BTreeSet<&str> = labels
            .iter()
            .flat_map(|labels| labels.iter())
            .filter(|(_, value)| value.as_str() == &**wanted)
            .map(|(key, _)| key.as_str())
            .collect();
        if let Some(key) = keys.iter().next() {
            return meant(key, wanted);
        }
        if !values.is_empty() {
            let values = listed(values.iter().map(|value| format!("`{key}={value}`")));
            return hint(format!("there is {values}"));
        }
        let keys: BTreeSet<&str> = labels.iter().flat_map(|labels| labels.keys()).map(String::as_str).collect();
        if let Some(other) = closest(key, keys.iter().copied()) {
            return hint(format!("nothing has the label `{key}`; did you mean `{other}`?"));
        }
    }
    None
}

/// Adds a place in a manifest.
pub fn with_place(found: Diagnostic, span: Option<Span>, text: &str) -> Diagnostic {
    match span {
        Some(span) => found.with_label(span, text),
        None => found,
    }
}

/// Labels as the language writes them.
pub fn text(labels: &Labels) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// The first few, and how many more there are.
pub fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(LISTED);
    let mut shown: Vec<String> = names.into_iter().take(LISTED).collect();
    match (more, shown.pop()) {
        (_, None) => String::new(),
        (0, Some(last)) if shown.is_empty() => last,
        (0, Some(last)) => format!("{} and {last}", shown.join(", ")),
        (more, Some(last)) => {
            shown.push(last);
            format!("{} and {more} more", shown.join(", "))
        }
    }
}
