//! YAML's merge key, as kubectl reads it: `<<: *defaults` stands for the pairs of what it names.
//!
//! kubectl takes the pairs of a map one after the other, so what stands behind a merge goes before it, and what stands in
//! front of it does not, whatever YAML says. Of a list of maps the first that has a key counts. Whoever quotes it has a key
//! of two characters.

use super::node::{Seed, Value, YamlNode};
use rustc_hash::FxHashMap;

/// A pair of a map.
type Pair<'a> = (YamlNode<'a>, YamlNode<'a>);

/// The pairs of a map with what it merges. What cannot be merged stays as it is, to be refused.
pub(super) fn merged<'a>(seed: Seed<'a, '_>, pairs: Vec<Pair<'a>>) -> Vec<Pair<'a>> {
    if !pairs.iter().any(|(key, _)| is_key(seed, key)) {
        return pairs;
    }
    let mut merged = Merged::default();
    for (key, value) in pairs {
        match value.value {
            Value::Map(source) if is_key(seed, &key) => merged.all(source),
            Value::List(sources) if is_key(seed, &key) && sources.iter().all(is_map) => {
                for source in sources.into_iter().rev() {
                    if let Value::Map(source) = source.value {
                        merged.all(source);
                    }
                }
            }
            other => merged.own((key, YamlNode { at: value.at, value: other })),
        }
    }
    merged.pairs
}

#[derive(Default)]
struct Merged<'a> {
    pairs: Vec<Pair<'a>>,
    /// Where the pair of a key stands, and whether the map itself has it.
    places: FxHashMap<String, (usize, bool)>,
}

impl<'a> Merged<'a> {
    fn all(&mut self, source: Vec<Pair<'a>>) {
        source.into_iter().for_each(|pair| self.put(pair, false));
    }

    /// A pair of the map itself. The second of one key stays a second one, to be refused.
    fn own(&mut self, pair: Pair<'a>) {
        match text(&pair.0).and_then(|name| self.places.get(&name)) {
            Some((_, true)) => self.pairs.push(pair),
            _ => self.put(pair, true),
        }
    }

    fn put(&mut self, pair: Pair<'a>, is_own: bool) {
        let Some(name) = text(&pair.0) else { return self.pairs.push(pair) };
        let (place, own) = self.places.entry(name).or_insert((self.pairs.len(), false));
        *own |= is_own;
        match self.pairs.get_mut(*place) {
            Some(there) => *there = pair,
            None => self.pairs.push(pair),
        }
    }
}

fn is_map(node: &YamlNode) -> bool {
    matches!(node.value, Value::Map(_))
}

fn text(key: &YamlNode) -> Option<String> {
    match &key.value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Whether a key is `<<` and not in quotes.
pub(super) fn is_key(seed: Seed<'_, '_>, key: &YamlNode) -> bool {
    let is_plain = |at: usize| seed.text.get(at..).is_some_and(|rest| rest.starts_with("<<"));
    matches!(&key.value, Value::Text(name) if name == "<<") && key.at.is_some_and(is_plain)
}
