//! The labels of a tier that a log teaches.

use super::workloads::TellingLabels;
use super::{LearnedTier, WhyNotLearned};
use crate::cluster::Labels;
use crate::draft::{equal, free, names_of, selecting};
use crate::net::{Selector, is_dns_label};
use std::sync::Arc;

/// As few labels as are needed to have these pods and none of the others: the label of the program's style alone where that
/// is enough.
pub(super) fn labels(telling: &TellingLabels<'_>, style: Option<&str>) -> Result<Labels, WhyNotLearned> {
    let TellingLabels { own, others } = telling;
    if own.is_empty() {
        return Err(WhyNotLearned::NoLabels);
    }
    let matching = |labels: &Labels| {
        let has_all = |other: &Labels| labels.iter().all(|(key, value)| other.get(key) == Some(value));
        others.iter().find(|(other, _)| has_all(other)).map(|(_, name)| name.clone())
    };
    let of_style = style.and_then(|key| own.get_key_value(key));
    let of_style = of_style.map(|(key, value)| Labels::from([(key.clone(), value.clone())]));
    if let Some(labels) = of_style.filter(|labels| matching(labels).is_none()) {
        return Ok(labels);
    }
    let all: Vec<&Labels> = others.iter().map(|(labels, _)| *labels).collect();
    let chosen = selecting(own, &all).into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    let chosen: Labels = chosen.collect();
    match matching(&chosen) {
        None => Ok(chosen),
        Some(other) => Err(WhyNotLearned::Inseparable(other)),
    }
}

/// A tier of these labels, in the style of its namespace.
pub(super) fn tier(
    namespace: Arc<str>,
    is_managed: bool,
    labels: &Labels,
    style: Option<&str>,
    is_taken: impl Fn(&str) -> bool,
) -> LearnedTier {
    let implied = match labels.iter().next() {
        Some((key, value)) if labels.len() == 1 && style == Some(key) && is_dns_label(value) => Some(value),
        _ => None,
    };
    if let Some(name) = implied.filter(|name| !is_taken(name)) {
        return LearnedTier { namespace, is_managed, name: name.as_str().into(), selector: None };
    }
    let selector: Selector = equal(labels);
    let mut names = names_of(&selector, "pods");
    if labels.len() > 1 {
        // One label was not enough, so it is no name either.
        names.reverse();
    }
    let name = free(&names, is_taken).into();
    LearnedTier { namespace, is_managed, name, selector: Some(selector) }
}
