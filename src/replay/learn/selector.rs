//! The labels of a tier that a log teaches.

use super::workloads::{CALLED_BY, TellingLabels};
use super::{LearnedTier, WhyNotLearned};
use crate::cluster::Labels;
use crate::draft::{equal, free, names_of};
use crate::net::{Selector, is_dns_label};
use std::sync::Arc;

/// Labels that are put beside the one that a workload is called by, where that one is not enough.
const BESIDE: [&str; 2] = ["app.kubernetes.io/component", "app.kubernetes.io/instance"];

/// As few labels as are needed to have these pods and none of the others: the label of the program's style first.
pub(super) fn labels(telling: &TellingLabels<'_>, style: Option<&str>) -> Result<Labels, WhyNotLearned> {
    let TellingLabels { own, others } = telling;
    if own.is_empty() {
        return Err(WhyNotLearned::NoLabels);
    }
    let chosen = |keys: &[&str]| -> Option<Labels> {
        keys.iter().map(|key| own.get_key_value(*key).map(|(key, value)| (key.clone(), value.clone()))).collect()
    };
    let matching = |labels: &Labels| {
        let has_all = |other: &Labels| labels.iter().all(|(key, value)| other.get(key) == Some(value));
        others.iter().find(|(other, _)| has_all(other)).map(|(_, name)| name.clone())
    };
    let called = style.into_iter().chain(CALLED_BY).filter(|key| own.contains_key(*key));
    let first: Vec<&str> = called.collect();
    let alone = first.iter().map(|key| vec![*key]);
    let beside = first.iter().flat_map(|key| {
        let [component, instance] = BESIDE;
        [vec![*key, component], vec![*key, instance], vec![*key, component, instance]]
    });
    let more = first.iter().flat_map(|key| own.keys().map(move |other| vec![*key, other.as_str()]));
    let whole = std::iter::once(own.keys().map(String::as_str).collect());
    let mut all = alone.chain(beside).chain(more).chain(whole).filter_map(|keys: Vec<&str>| chosen(&keys));
    let exact = all.find(|labels| matching(labels).is_none());
    exact.ok_or_else(|| WhyNotLearned::Inseparable(matching(own).unwrap_or_default()))
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
