//! Finds among many things with labels the few that a selector may match.

use crate::cluster::Labels;
use crate::net::Selector;
use rustc_hash::FxHashMap;

/// Things in namespaces, by their labels.
pub(super) struct Labelled<'a, T> {
    all: FxHashMap<&'a str, Vec<T>>,
    equal: FxHashMap<(&'a str, &'a str, &'a str), Vec<T>>,
}

impl<'a, T: Copy> Labelled<'a, T> {
    pub(super) fn new(things: impl Iterator<Item = (&'a str, &'a Labels, T)>) -> Self {
        let mut found = Labelled { all: FxHashMap::default(), equal: FxHashMap::default() };
        for (namespace, labels, thing) in things {
            found.all.entry(namespace).or_default().push(thing);
            for (key, value) in labels {
                found.equal.entry((namespace, key, value)).or_default().push(thing);
            }
        }
        found
    }

    /// Those of a namespace that `selector` matches, and perhaps some that it does not.
    pub(super) fn near(&self, namespace: &str, selector: &Selector) -> Vec<T> {
        let required = selector.entries().find_map(|(key, values)| Some((key, values.required()?)));
        let Some((key, values)) = required else { return self.all.get(namespace).cloned().unwrap_or_default() };
        let mut found = Vec::new();
        for value in values {
            let key: (&str, &str, &str) = (namespace, key, value);
            found.extend_from_slice(self.equal.get(&key).map_or(&[], Vec::as_slice));
        }
        found
    }
}
