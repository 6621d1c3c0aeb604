//! An index that finds, among many selectors, those that match an object.

use super::Selector;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds the selectors that match labels, without looking at each.
#[derive(Debug, Clone, Default)]
pub struct MatchIndex {
    /// Those that ask for one of a few values of a key, under each: the id and what else they ask for.
    by_label: FxHashMap<Arc<str>, FxHashMap<Arc<str>, Vec<Filed>>>,
    /// All others.
    others: Vec<Filed>,
}

/// The id of a selector, and the selector, if there is more to ask for than where it is filed.
type Filed = (usize, Option<Selector>);

/// A list of more values than this is not filed under each.
const LISTED: usize = 16;

impl MatchIndex {
    /// An index of selectors, each with an id for answers.
    pub fn new<'a>(items: impl IntoIterator<Item = (usize, &'a Selector)>) -> Self {
        let items: Vec<(usize, &Selector)> = items.into_iter().collect();
        let mut index = MatchIndex::default();
        let mut counts: FxHashMap<(&Arc<str>, &Arc<str>), usize> = FxHashMap::default();
        for (key, values) in items.iter().flat_map(|(_, selector)| few_values(selector)) {
            values.iter().for_each(|value| *counts.entry((key, value)).or_default() += 1);
        }
        // Where the fewest others are.
        let crowd = |key: &Arc<str>, values: &[Arc<str>]| -> usize {
            values.iter().filter_map(|value| counts.get(&(key, value))).sum()
        };
        for (id, selector) in items {
            let rest = (selector.entries().nth(1).is_some()).then(|| selector.clone());
            match few_values(selector).min_by_key(|(key, values)| crowd(key, values)) {
                None => index.others.push((id, (!selector.is_everything()).then(|| selector.clone()))),
                Some((key, values)) => {
                    let by_value = index.by_label.entry(key.clone()).or_default();
                    for value in values {
                        by_value.entry(value.clone()).or_default().push((id, rest.clone()));
                    }
                }
            }
        }
        index
    }

    /// The ids of those that match an object with exactly these labels, sorted.
    pub fn matching(&self, labels: &BTreeMap<String, String>) -> Vec<usize> {
        let mut found: Vec<usize> = self.each(labels).collect();
        found.sort_unstable();
        found
    }

    /// Whether one of them matches.
    pub fn matches_any(&self, labels: &BTreeMap<String, String>) -> bool {
        self.each(labels).next().is_some()
    }

    fn each<'a>(&'a self, labels: &'a BTreeMap<String, String>) -> impl Iterator<Item = usize> + 'a {
        let filed = labels.iter().filter_map(|(key, value)| self.by_label.get(key.as_str())?.get(value.as_str()));
        let is_met = |(_, rest): &&Filed| rest.as_ref().is_none_or(|rest| rest.matches(labels));
        filed.flatten().chain(&self.others).filter(is_met).map(|(id, _)| *id)
    }
}

/// The keys that must have one of a few values, with these.
fn few_values(selector: &Selector) -> impl Iterator<Item = (&Arc<str>, &[Arc<str>])> {
    let required = selector.entries().filter_map(|(key, values)| Some((key, values.required()?)));
    required.filter(|(_, values)| values.len() <= LISTED)
}
