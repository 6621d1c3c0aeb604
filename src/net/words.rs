//! Sets of words (label values, port names) that list what is in them or what is not.

use std::cmp::Ordering;
use std::sync::Arc;

/// The listed words, or all words but the listed ones.
///
/// There is no end of words, so a set of the second kind is never empty. Clones share memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Words {
    complement: bool,
    /// Sorted; `None` where there are none.
    listed: Option<Arc<[Arc<str>]>>,
}

impl Words {
    /// No word.
    pub(super) const NONE: Words = Words { complement: false, listed: None };

    /// Every word.
    pub(super) const ALL: Words = Words { complement: true, listed: None };

    /// The words given, in any order.
    pub(super) fn only(mut listed: Vec<Arc<str>>) -> Self {
        listed.sort_unstable();
        listed.dedup();
        Words::of_sorted(listed, false)
    }

    /// All words but those given, in any order.
    pub(super) fn except(listed: Vec<Arc<str>>) -> Self {
        Words { complement: true, ..Words::only(listed) }
    }

    fn of_sorted(listed: Vec<Arc<str>>, complement: bool) -> Self {
        Words { complement, listed: (!listed.is_empty()).then(|| listed.into()) }
    }

    /// Whether the list says what is missing.
    pub(super) fn is_complement(&self) -> bool {
        self.complement
    }

    /// The words in the list, sorted, whatever it says.
    pub(super) fn listed(&self) -> &[Arc<str>] {
        self.listed.as_deref().unwrap_or_default()
    }

    /// Whether no word is in the set.
    pub(super) fn is_empty(&self) -> bool {
        !self.complement && self.listed.is_none()
    }

    /// Whether every word is in the set.
    pub(super) fn is_all(&self) -> bool {
        self.complement && self.listed.is_none()
    }

    /// Whether `word` is in the set.
    pub(super) fn has(&self, word: &str) -> bool {
        let listed = self.listed().binary_search_by(|one| one.as_ref().cmp(word)).is_ok();
        listed != self.complement
    }

    /// The words of either set.
    pub(super) fn or(&self, other: &Words) -> Words {
        let outside = meet((self, !self.complement), (other, !other.complement));
        Words { complement: !outside.complement, ..outside }
    }

    /// The words of both sets.
    pub(super) fn and(&self, other: &Words) -> Words {
        meet((self, self.complement), (other, other.complement))
    }

    /// The words of this set that `other` lacks.
    pub(super) fn minus(&self, other: &Words) -> Words {
        meet((self, self.complement), (other, !other.complement))
    }

    /// Whether the sets share a word.
    pub(super) fn overlaps(&self, other: &Words) -> bool {
        meets((self, self.complement), (other, other.complement))
    }

    /// Whether every word of `other` is in this set.
    pub(super) fn contains(&self, other: &Words) -> bool {
        !meets((other, other.complement), (self, !self.complement))
    }

    /// Whether the lists are one, which long ones often are.
    fn has_list_of(&self, other: &Words) -> bool {
        match (&self.listed, &other.listed) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (None, None) => true,
            _ => false,
        }
    }
}

/// A list, and whether it is of the words that are missing.
type Side<'a> = (&'a Words, bool);

fn meet((a, a_complement): Side<'_>, (b, b_complement): Side<'_>) -> Words {
    if a.has_list_of(b) {
        return match (a_complement, b_complement) {
            (true, false) | (false, true) => Words::NONE,
            _ => Words { complement: a_complement, listed: a.listed.clone() },
        };
    }
    let (a, b) = (a.listed(), b.listed());
    match (a_complement, b_complement) {
        (false, false) => Words::of_sorted(select(a, b, true), false),
        (false, true) => Words::of_sorted(select(a, b, false), false),
        (true, false) => Words::of_sorted(select(b, a, false), false),
        (true, true) => Words::of_sorted(either(a, b), true),
    }
}

fn meets((a, a_complement): Side<'_>, (b, b_complement): Side<'_>) -> bool {
    if a.has_list_of(b) && a_complement != b_complement {
        return false;
    }
    let (a, b) = (a.listed(), b.listed());
    match (a_complement, b_complement) {
        (false, false) => walk(a, b, true).next().is_some(),
        (false, true) => walk(a, b, false).next().is_some(),
        (true, false) => walk(b, a, false).next().is_some(),
        (true, true) => true,
    }
}

/// The words of two sorted lists, sorted.
fn either(mut one: &[Arc<str>], mut other: &[Arc<str>]) -> Vec<Arc<str>> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
        let order = first.cmp(second);
        all.push(if order == Ordering::Greater { second } else { first }.clone());
        if order != Ordering::Greater {
            one = rest;
        }
        if order != Ordering::Less {
            other = others;
        }
    }
    all.extend(one.iter().chain(other).cloned());
    all
}

fn select(words: &[Arc<str>], others: &[Arc<str>], shared: bool) -> Vec<Arc<str>> {
    walk(words, others, shared).cloned().collect()
}

/// Those of `words` that are in `others` (`shared`), or that are not.
fn walk<'a>(words: &'a [Arc<str>], mut others: &'a [Arc<str>], shared: bool) -> impl Iterator<Item = &'a Arc<str>> {
    words.iter().filter(move |word| {
        let mut found = false;
        while let [first, rest @ ..] = others {
            match first.cmp(word) {
                Ordering::Less => others = rest,
                Ordering::Equal => {
                    found = true;
                    break;
                }
                Ordering::Greater => break,
            }
        }
        found == shared
    })
}
