//! What was probably meant by what matches nothing, and lists for sentences.

use crate::cluster::{Labels, Workload};
use crate::diag::{Diagnostic, closest};
use crate::net::{Requirement, Selector};
use crate::source::Span;
use std::collections::BTreeSet;

/// So many names are listed in one sentence.
const LISTED: usize = 3;

/// What was probably meant by a selector that matches nothing.
pub(super) struct Near {
    /// What to write, or what there is.
    pub help: String,
    /// The label that was meant.
    pub label: Option<(String, String)>,
    /// Whether it is so near that it is probably meant, whatever else there may be.
    pub is_slip: bool,
}

/// The nearest labels to those that a selector asks for.
pub(super) fn near<'a>(selector: &Selector, labels: impl Iterator<Item = &'a Labels>) -> Option<Near> {
    let meant = |key: &str, value: &str, is_slip: bool| {
        let label = Some((key.to_owned(), value.to_owned()));
        Some(Near { help: format!("`{key}={value}` exists; did you mean that?"), label, is_slip })
    };
    let hint = |help: String, is_slip: bool| Some(Near { help, label: None, is_slip });
    let labels: Vec<_> = labels.collect();
    // Only what is asked for and nobody has can be the mistake.
    for requirement in selector.requirements() {
        let (asked, wanted) = match requirement {
            Requirement::Equals(key, value) => (key, value),
            Requirement::In(key, [value, ..]) => (key, value),
            Requirement::In(..) | Requirement::NotIn(..) | Requirement::Exists(_) | Requirement::DoesNotExist(_) => {
                continue;
            }
        };
        if labels.iter().any(|labels| selector.values(asked).allows(labels.get(&**asked).map(String::as_str))) {
            continue;
        }
        let values: BTreeSet<&str> =
            labels.iter().filter_map(|labels| labels.get(&**asked).map(String::as_str)).collect();
        if let Some(value) = closest(wanted, values.iter().copied()) {
            return meant(asked, value, is_slip(wanted, value));
        }
        let keys: BTreeSet<&str> = labels
            .iter()
            .flat_map(|labels| labels.iter())
            .filter(|(_, value)| value.as_str() == &**wanted)
            .map(|(key, _)| key.as_str())
            .collect();
        let is_same = |key: &&&str| is_slip_of_key(asked, key);
        if let Some(key) = keys.iter().find(is_same).or(keys.iter().next()) {
            return meant(key, wanted, is_slip_of_key(asked, key));
        }
        if !values.is_empty() {
            let values = listed(values.iter().map(|value| format!("`{asked}={value}`")));
            return hint(format!("there is {values}"), false);
        }
        let keys: BTreeSet<&str> = labels.iter().flat_map(|labels| labels.keys()).map(String::as_str).collect();
        if let Some(other) = closest(asked, keys.iter().copied()) {
            let help = format!("nothing has the label `{asked}`; did you mean `{other}`?");
            return hint(help, is_slip(asked, other));
        }
    }
    None
}

/// The keys in which what a program is called stands.
const OF_NAMES: [&str; 6] = ["app", "app.kubernetes.io/name", "component", "k8s-app", "name", "run"];

/// Whether one key was probably meant to be another under which the same value stands: both are for what a program is called,
/// or they differ in what is in front of the `/`, or by a slip.
fn is_slip_of_key(wanted: &str, found: &str) -> bool {
    let names = |key: &str| OF_NAMES.contains(&key);
    let last = |key: &str| key.rsplit('/').next().map(str::to_owned);
    (names(wanted) && names(found)) || last(wanted) == last(found) || is_slip(wanted, found)
}

/// The one workload among some that is called as a selector has it of a program, where no pod has that label.
pub(super) fn called<'a>(selector: &Selector, among: &[&'a Workload]) -> Option<&'a Workload> {
    let wanted = OF_NAMES.iter().find_map(|key| match selector.required_value(key)? {
        [value] => Some((*key, value)),
        _ => None,
    });
    let (key, value) = wanted?;
    let has = |workload: &&&Workload| workload.pods.iter().any(|pods| pods.labels.get(key) == Some(&value.to_string()));
    let is_told_apart = |workload: &Workload| workload.pods.iter().any(|pods| !pods.labels.is_empty());
    let mut named = among.iter().filter(|workload| workload.name == *value && is_told_apart(workload));
    let (one, None) = (named.next()?, named.next()) else { return None };
    (!among.iter().any(|workload| has(&workload))).then_some(*one)
}

/// What the pods of a workload have, which is called as a selector has it.
pub(super) fn as_called(workload: &Workload) -> Option<String> {
    Some(format!("`{workload}` is called so, and its pods have ({})", text(&workload.pods.first()?.labels)))
}

/// Whether one text is the other with a slip of the finger in it. What differs in its digits is another one: `db-1`, `db-2`.
pub(super) fn is_slip(wanted: &str, found: &str) -> bool {
    /// So long a text may have two.
    const LONG: usize = 8;
    let letters = |text: &str| text.chars().filter(|one| !one.is_ascii_digit()).collect::<String>();
    if are_of_a_row(wanted, found) {
        return false;
    }
    let edits = strsim::damerau_levenshtein(&wanted.to_lowercase(), &found.to_lowercase());
    let most = if wanted.len().min(found.len()) >= LONG { 2 } else { 1 };
    edits <= most && wanted.len().min(found.len()) > 2 && letters(wanted) != letters(found)
}

/// Whether two names differ in a short word alone, by which many of a kind are told apart: `team-a` and `team-b`, `eu` and `us`.
fn are_of_a_row(one: &str, other: &str) -> bool {
    const SHORT: usize = 2;
    let words = |text: &str| text.split(['-', '.', '_']).map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (words(one), words(other));
    let is_short = |(one, other): (&String, &String)| one == other || (one.len() <= SHORT && other.len() <= SHORT);
    one.len() == other.len() && one.len() > 1 && one.iter().zip(&other).all(is_short)
}

/// Adds a place in a manifest.
pub(super) fn with_place(found: Diagnostic, span: Option<Span>, text: &str) -> Diagnostic {
    match span {
        Some(span) => found.with_label(span, text),
        None => found,
    }
}

/// Labels as the language writes them.
pub(super) fn text(labels: &Labels) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// The first few, and how many more there are.
pub(super) fn listed(names: impl Iterator<Item = String>) -> String {
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
