//! Kubernetes label selectors in a normal form.

use super::{Truth, Values, is_dns_label};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One requirement as Kubernetes writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement<'a> {
    /// The key has this value (`matchLabels`).
    Equals(&'a Arc<str>, &'a Arc<str>),
    /// The key has one of these values, of which there are two or more.
    In(&'a Arc<str>, &'a [Arc<str>]),
    /// The key has none of these values, of which there is at least one, or is absent.
    NotIn(&'a Arc<str>, &'a [Arc<str>]),
    /// The key has a value.
    Exists(&'a Arc<str>),
    /// The key is absent.
    DoesNotExist(&'a Arc<str>),
}

/// A label selector: for each of some keys, the states that satisfy it. All of them must hold.
///
/// Selectors that match the same objects are equal values, except that there are many that match nothing. Clones share
/// memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Selector {
    /// Sorted by key, without keys that may be anything.
    keys: Arc<[(Arc<str>, Values)]>,
}

/// The label that the control plane gives to every namespace: its name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The selector that finds the namespace of a name.
pub fn namespace_by_name(name: &Arc<str>) -> Selector {
    Selector::equals(NAMESPACE_NAME, name.clone())
}

impl Selector {
    /// The selector that matches every object.
    pub fn everything() -> Self {
        Selector::default()
    }

    /// The selector `key=value`.
    pub fn equals(key: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Selector { keys: Arc::new([(key.into(), Values::one_of([value]))]) }
    }

    /// Adds the requirement that `key` satisfies `values`.
    pub fn require(&mut self, key: impl Into<Arc<str>>, values: Values) {
        if values.is_anything() {
            return;
        }
        let key = key.into();
        *self = match self.position(&key) {
            Ok(_) => self.and(&Selector { keys: Arc::new([(key, values)]) }),
            Err(_) => self.with(&key, values),
        };
    }

    /// The selector with `values` in place of what it requires of `key`.
    #[must_use]
    pub fn with(&self, key: &Arc<str>, values: Values) -> Selector {
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        keys.extend(self.keys.iter().filter(|(one, _)| one < key).cloned());
        if !values.is_anything() {
            keys.push((key.clone(), values));
        }
        keys.extend(self.keys.iter().filter(|(one, _)| one > key).cloned());
        Selector { keys: keys.into() }
    }

    /// The selector that matches what both match.
    #[must_use]
    pub fn and(&self, other: &Selector) -> Selector {
        if other.is_everything() {
            return self.clone();
        }
        if self.is_everything() {
            return other.clone();
        }
        let keys = pairs(self, other).map(|(key, mine, theirs)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => (key.clone(), mine.and(theirs)),
            (Some(one), None) | (None, Some(one)) => (key.clone(), one.clone()),
            (None, None) => (key.clone(), Values::ANY),
        });
        Selector { keys: keys.collect() }
    }

    /// The first key that no object can satisfy. Without one, some object matches.
    pub fn contradiction(&self) -> Option<&str> {
        self.keys.iter().find(|(_, values)| values.is_nothing()).map(|(key, _)| key.as_ref())
    }

    /// Whether an object with exactly these labels matches.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.keys.iter().all(|(key, values)| values.allows(labels.get(key.as_ref()).map(String::as_str)))
    }

    /// Whether some object could match both.
    pub fn overlaps(&self, other: &Selector) -> bool {
        if let ([(key, mine)], [(same, theirs)]) = (&*self.keys, &*other.keys)
            && key == same
        {
            return mine.overlaps(theirs);
        }
        pairs(self, other).all(|(_, mine, theirs)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.overlaps(theirs),
            (Some(one), None) | (None, Some(one)) => !one.is_nothing(),
            (None, None) => true,
        })
    }

    /// Whether every object that `other` could match matches this.
    pub fn contains(&self, other: &Selector) -> bool {
        let within = self.keys.iter().all(|(key, values)| values.contains(other.values(key)));
        within || other.contradiction().is_some()
    }

    /// Whether an object matches of whose labels no more is known than that `known` matches it.
    pub fn is_met_by(&self, known: &Selector) -> Truth {
        if self.contains(known) {
            Truth::Yes
        } else if self.overlaps(known) {
            Truth::Maybe
        } else {
            Truth::No
        }
    }

    /// Whether every object matches.
    pub fn is_everything(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether it only asks for what is not there: it has requirements, and no value, none of several and no presence is
    /// among them.
    pub fn is_negative(&self) -> bool {
        !self.is_everything() && self.keys.iter().all(|(_, values)| values.absent)
    }

    /// The same for namespaces, each of which has the label [`NAMESPACE_NAME`]: it need not be asked for, and no value counts
    /// that cannot be a name.
    #[must_use]
    pub fn of_namespaces(&self) -> Selector {
        let names = self.values(NAMESPACE_NAME);
        if names.is_anything() {
            return self.clone();
        }
        let there = match names.required() {
            Some(names) => Values::one_of(names.iter().filter(|name| is_dns_label(name)).cloned()),
            None => names.and(&Values::exists()),
        };
        let values = if there == Values::exists() { Values::ANY } else { there };
        self.with(&NAMESPACE_NAME.into(), values)
    }

    /// Labels that match, with as few keys as possible; `None` when nothing matches.
    ///
    /// Where the selector leaves a value free, it is a valid label value of our choice.
    pub fn witness(&self) -> Option<BTreeMap<String, String>> {
        let mut labels = BTreeMap::new();
        for (key, values) in self.keys.iter() {
            if let Some(value) = values.witness()? {
                labels.insert(key.to_string(), value);
            }
        }
        Some(labels)
    }

    /// The keys that it requires something of, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.keys.iter().map(|(key, _)| key)
    }

    /// The keys and what it requires of them, sorted by key.
    pub fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Values)> {
        self.keys.iter().map(|(key, values)| (key, values))
    }

    /// What it requires of `key`; anything, when it does not mention it.
    pub fn values(&self, key: &str) -> &Values {
        static ANY: Values = Values::ANY;
        self.position(key).ok().and_then(|index| self.keys.get(index)).map_or(&ANY, |(_, values)| values)
    }

    /// The values one of which `key` must have, sorted; `None` when there is no such list.
    pub fn required_value(&self, key: &str) -> Option<&[Arc<str>]> {
        self.values(key).required()
    }

    /// What Kubernetes writes for it, sorted by key. It matches the same objects.
    ///
    /// A key that nothing can satisfy must both exist and not exist.
    pub fn requirements(&self) -> Vec<Requirement<'_>> {
        self.each_requirement().collect()
    }

    /// [`Selector::requirements`], one by one.
    pub fn each_requirement(&self) -> impl Iterator<Item = Requirement<'_>> {
        self.keys.iter().flat_map(|(key, values)| {
            let exists = (!values.absent).then_some(Requirement::Exists(key));
            let both = match (values.words.is_complement(), values.words.listed()) {
                (false, []) => [exists, Some(Requirement::DoesNotExist(key))],
                (false, [value]) => [Some(Requirement::Equals(key, value)), None],
                (false, listed) => [Some(Requirement::In(key, listed)), None],
                (true, []) => [exists, None],
                (true, listed) => [exists, Some(Requirement::NotIn(key, listed))],
            };
            both.into_iter().flatten()
        })
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|(one, _)| one.as_ref().cmp(key))
    }
}

/// What all of these require; the same as to require one after the other, at once.
impl FromIterator<(Arc<str>, Values)> for Selector {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Values)>>(requirements: I) -> Self {
        let mut all: Vec<(Arc<str>, Values)> = requirements.into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut keys: Vec<(Arc<str>, Values)> = Vec::with_capacity(all.len());
        for (key, values) in all.into_iter().filter(|(_, values)| !values.is_anything()) {
            match keys.last_mut().filter(|(last, _)| *last == key) {
                Some((_, known)) => *known = known.and(&values),
                None => keys.push((key, values)),
            }
        }
        Selector { keys: keys.into() }
    }
}

/// The keys of both selectors in order, with what each requires of it.
fn pairs<'a>(
    a: &'a Selector,
    b: &'a Selector,
) -> impl Iterator<Item = (&'a Arc<str>, Option<&'a Values>, Option<&'a Values>)> {
    let (mut a, mut b) = (a.entries().peekable(), b.entries().peekable());
    std::iter::from_fn(move || {
        let order = match (a.peek(), b.peek()) {
            (Some((mine, _)), Some((theirs, _))) => mine.cmp(theirs),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let mine = if order.is_le() { a.next() } else { None };
        let theirs = if order.is_ge() { b.next() } else { None };
        let (key, _) = mine.or(theirs)?;
        Some((key, mine.map(|(_, values)| values), theirs.map(|(_, values)| values)))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn require(key: &str, values: Values) -> Selector {
        let mut selector = Selector::everything();
        selector.require(key, values);
        selector
    }

    #[test]
    fn every_namespace_has_a_name() {
        let name = |values: Values| require(NAMESPACE_NAME, values);
        let both = |values: Values| name(values).and(&require("a", Values::does_not_exist()));
        let cases = [
            (Selector::everything(), Selector::everything()),
            (name(Values::exists()), Selector::everything()),
            (name(Values::one_of(["shop", "No_Name"])), name(Values::one_of(["shop"]))),
            (both(Values::exists()), require("a", Values::does_not_exist())),
            (name(Values::one_of(["x"])), name(Values::one_of(["x"]))),
            (name(Values::none_of(["x"])), name(Values::none_of(["x"]).and(&Values::exists()))),
            (require("a", Values::none_of(["x"])), require("a", Values::none_of(["x"]))),
        ];
        for (written, meant) in cases {
            assert_eq!(written.of_namespaces(), meant);
            assert_eq!(meant.of_namespaces(), meant);
        }
        assert!(both(Values::does_not_exist()).of_namespaces().contradiction().is_some());
    }

    #[test]
    fn what_asks_for_something_to_be_there_is_not_negative() {
        let negative = [Values::none_of(["x"]), Values::does_not_exist()];
        let positive = [Values::one_of(["x"]), Values::exists(), Values::none_of(["x"]).and(&Values::exists())];
        assert!(!Selector::everything().is_negative());
        for values in negative {
            assert!(require("a", values.clone()).is_negative());
            for there in &positive {
                assert!(!require("a", values.clone()).and(&require("b", there.clone())).is_negative());
            }
        }
    }

    #[test]
    fn only_negative_operators_match_an_absent_key() {
        assert!(require("a", Values::none_of(["x"])).matches(&labels(&[])));
        assert!(require("a", Values::does_not_exist()).matches(&labels(&[])));
        assert!(!require("a", Values::exists()).matches(&labels(&[])));
        assert!(!require("a", Values::one_of(["x"])).matches(&labels(&[])));
        assert!(!require("a", Values::none_of(["x"])).matches(&labels(&[("a", "x")])));
    }

    #[test]
    fn the_empty_value_is_not_an_absent_key() {
        let empty = Selector::equals("a", "");
        assert!(empty.matches(&labels(&[("a", "")])));
        assert!(!empty.matches(&labels(&[])));
        assert!(require("a", Values::exists()).matches(&labels(&[("a", "")])));
    }

    #[test]
    fn requiring_more_of_a_key_intersects() {
        let mut selector = require("a", Values::none_of(["x", "y"]));
        selector.require("a", Values::exists());
        let key: Arc<str> = "a".into();
        let values: [Arc<str>; 2] = ["x".into(), "y".into()];
        assert_eq!(selector.requirements(), [Requirement::Exists(&key), Requirement::NotIn(&key, &values)]);
        selector.require("a", Values::one_of(["y", "z"]));
        assert_eq!(selector, Selector::equals("a", "z"));
        selector.require("a", Values::one_of(["y"]));
        assert_eq!(selector.contradiction(), Some("a"));
        assert_eq!(selector.requirements(), [Requirement::Exists(&key), Requirement::DoesNotExist(&key)]);
        assert!(selector.witness().is_none());
    }

    #[test]
    fn requirements_at_once_are_those_one_after_the_other() {
        let all = [
            ("b", Values::none_of(["x", "y"])),
            ("a", Values::one_of(["x", "y"])),
            ("c", Values::none_of::<&str>([])),
            ("b", Values::exists()),
            ("a", Values::none_of(["x"])),
        ];
        let mut one_by_one = Selector::everything();
        all.iter().for_each(|(key, values)| one_by_one.require(*key, values.clone()));
        let at_once: Selector = all.iter().map(|(key, values)| ((*key).into(), values.clone())).collect();
        assert_eq!(at_once, one_by_one);
        assert_eq!(at_once.keys().map(|key| &**key).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_not_known_of_an_object_may_be_anything() {
        let mut known = Selector::equals("tenant", "acme");
        known.require("internal", Values::does_not_exist());
        let met = |key: &str, values: Values| require(key, values).is_met_by(&known);
        for (key, values, truth) in [
            ("tenant", Values::exists(), Truth::Yes),
            ("tenant", Values::one_of(["acme", "other"]), Truth::Yes),
            ("tenant", Values::none_of(["other"]), Truth::Yes),
            ("tenant", Values::none_of(["acme"]), Truth::No),
            ("tenant", Values::does_not_exist(), Truth::No),
            ("internal", Values::does_not_exist(), Truth::Yes),
            ("internal", Values::none_of(["x"]), Truth::Yes),
            ("internal", Values::exists(), Truth::No),
            ("env", Values::exists(), Truth::Maybe),
            ("env", Values::none_of(["x"]), Truth::Maybe),
            ("env", Values::does_not_exist(), Truth::Maybe),
            ("env", Values::one_of::<&str>([]), Truth::No),
        ] {
            assert_eq!(met(key, values.clone()), truth, "{key} {values:?}");
        }
        let both = require("env", Values::exists()).and(&Selector::equals("tenant", "other"));
        assert_eq!(both.is_met_by(&known), Truth::No);
        assert_eq!(Selector::everything().is_met_by(&known), Truth::Yes);
    }

    #[test]
    fn a_requirement_that_anything_satisfies_is_none() {
        assert!(require("a", Values::none_of::<&str>([])).is_everything());
    }

    #[test]
    fn a_witness_avoids_excluded_values() {
        let mut selector = require("a", Values::exists());
        selector.require("a", Values::none_of(["any", "any-1", "any-3"]));
        assert_eq!(selector.witness().unwrap(), labels(&[("a", "any-2")]));
    }

    #[test]
    fn a_difference_never_mixes_values_and_absence() {
        let some = Values::exists().and(&Values::none_of(["x"]));
        let parts: Vec<_> = Values::ANY.minus(&some).collect();
        assert_eq!(parts, [Values::one_of(["x"]), Values::does_not_exist()]);
    }
}
