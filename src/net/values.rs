//! The states of one label key.

use super::words::Words;
use std::sync::Arc;

/// The states of one label key that satisfy a selector: some values, and perhaps that the key is absent.
///
/// It is always one of four forms: one of the listed values; a value that is not listed; the same or absent; absent.
/// "One of these values, or absent" cannot be written in Kubernetes, and no operation here makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Values {
    pub(super) words: Words,
    pub(super) absent: bool,
}

impl Values {
    pub(super) const ANY: Values = Values { words: Words::ALL, absent: true };

    /// `In`: the key has one of these values. Without values, nothing satisfies it.
    pub fn one_of<S: Into<Arc<str>>>(values: impl IntoIterator<Item = S>) -> Self {
        Values { words: Words::only(values.into_iter().map(Into::into).collect()), absent: false }
    }

    /// `NotIn`: the key has none of these values, or is absent. Without values, everything satisfies it.
    pub fn none_of<S: Into<Arc<str>>>(values: impl IntoIterator<Item = S>) -> Self {
        Values { words: Words::except(values.into_iter().map(Into::into).collect()), absent: true }
    }

    /// `Exists`: the key has some value, be it the empty one.
    pub fn exists() -> Self {
        Values { words: Words::ALL, absent: false }
    }

    /// `DoesNotExist`: the key is absent.
    pub fn does_not_exist() -> Self {
        Values { words: Words::NONE, absent: true }
    }

    /// The states that satisfy both.
    #[must_use]
    pub fn and(&self, other: &Values) -> Values {
        Values { words: self.words.and(&other.words), absent: self.absent && other.absent }
    }

    /// The states that satisfy this and not `other`, as disjoint parts none of which is empty.
    ///
    /// There are two where one would be "these values, or absent".
    pub(super) fn minus(&self, other: &Values) -> impl Iterator<Item = Values> {
        let rest = Values { words: self.words.minus(&other.words), absent: self.absent && !other.absent };
        let parts = if rest.absent && !rest.words.is_complement() && !rest.words.is_empty() {
            let values = Values { words: rest.words, absent: false };
            [Some(values), Some(Values::does_not_exist())]
        } else {
            [Some(rest), None]
        };
        parts.into_iter().flatten().filter(|part| !part.is_nothing())
    }

    /// Whether a state satisfies both.
    pub fn overlaps(&self, other: &Values) -> bool {
        (self.absent && other.absent) || self.words.overlaps(&other.words)
    }

    /// Whether every state that satisfies `other` satisfies this.
    pub fn contains(&self, other: &Values) -> bool {
        (self.absent || !other.absent) && self.words.contains(&other.words)
    }

    /// Whether the state satisfies it: `None` is an absent key.
    pub fn allows(&self, value: Option<&str>) -> bool {
        value.map_or(self.absent, |value| self.words.has(value))
    }

    /// Whether every state satisfies it.
    pub fn is_anything(&self) -> bool {
        self.absent && self.words.is_all()
    }

    /// Whether no state satisfies it.
    pub fn is_nothing(&self) -> bool {
        !self.absent && self.words.is_empty()
    }

    /// The values one of which the key must have, sorted; `None` when values outside any list, or no value, will do.
    pub fn required(&self) -> Option<&[Arc<str>]> {
        (!self.absent && !self.words.is_complement()).then(|| self.words.listed())
    }

    /// The values that it names, to ask for them or to rule them out; sorted.
    pub fn listed(&self) -> &[Arc<str>] {
        self.words.listed()
    }

    /// A state that satisfies it, absence before values.
    pub(super) fn witness(&self) -> Option<Option<String>> {
        if self.absent {
            return Some(None);
        }
        if !self.words.is_complement() {
            return self.words.listed().first().map(|value| Some(value.to_string()));
        }
        // One of these is free: there is one more of them than there are excluded values.
        let numbers = 0..=self.words.listed().len();
        let mut names = numbers.map(|number| if number == 0 { "any".to_owned() } else { format!("any-{number}") });
        names.find(|name| self.words.has(name)).map(Some)
    }
}
