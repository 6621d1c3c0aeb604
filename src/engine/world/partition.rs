//! Cuts all objects with labels into kinds that some selectors can tell apart.

use crate::cluster::Labels;
use crate::net::{Selector, cut};
use std::collections::BTreeMap;

/// There are too many ways to tell pods apart for each to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// What may still be spent, over all kinds of a world.
#[derive(Debug)]
pub struct Budget(pub usize);

impl Budget {
    fn spend(&mut self, steps: usize) -> Result<(), TooMany> {
        self.0 = self.0.checked_sub(steps).ok_or(TooMany)?;
        Ok(())
    }
}

/// An example of each kind of objects in `whole` that `selectors` can tell apart, the one that the fewest match first.
pub fn kinds(whole: &Selector, selectors: &[&Selector], budget: &mut Budget) -> Result<Vec<Labels>, TooMany> {
    let mut pieces: Vec<(Selector, Vec<usize>)> = vec![(whole.clone(), Vec::new())];
    for (index, selector) in selectors.iter().enumerate() {
        if selector.is_everything() {
            continue;
        }
        budget.spend(pieces.len())?;
        let mut next = Vec::with_capacity(pieces.len() + 1);
        for (piece, mut matched) in pieces {
            if !selector.overlaps(&piece) {
                next.push((piece, matched));
                continue;
            }
            let inside = cut(&piece, selector, |outside| next.push((outside, matched.clone())));
            matched.push(index);
            next.push((inside, matched));
        }
        pieces = next;
    }
    let mut kinds: BTreeMap<Vec<usize>, Labels> = BTreeMap::new();
    for (piece, matched) in pieces {
        if let Some(labels) = piece.witness() {
            // The shortest example says the most.
            let known = kinds.entry(matched).or_insert_with(|| labels.clone());
            if labels.len() < known.len() {
                *known = labels;
            }
        }
    }
    Ok(kinds.into_values().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::net::Values;

    fn require(key: &str, values: Values) -> Selector {
        let mut selector = Selector::everything();
        selector.require(key, values);
        selector
    }

    fn count(selectors: &[Selector]) -> usize {
        let selectors: Vec<_> = selectors.iter().collect();
        kinds(&Selector::everything(), &selectors, &mut Budget(1_000_000)).unwrap().len()
    }

    #[test]
    fn values_of_one_key_are_as_many_kinds_and_one_more() {
        let of = |value: usize| Selector::equals("app", format!("v{value}"));
        assert_eq!(count(&(0..50).map(of).collect::<Vec<_>>()), 51);
    }

    #[test]
    fn keys_multiply_and_equal_meanings_do_not() {
        let a = Selector::equals("a", "x");
        let b = require("b", Values::exists());
        assert_eq!(count(&[a.clone(), b.clone()]), 4);
        assert_eq!(count(&[a.clone(), a.clone(), b.and(&a)]), 3);
        assert_eq!(count(&[require("a", Values::none_of(["x"])), a]), 2);
    }

    #[test]
    fn gives_up_when_there_are_too_many() {
        let keys: Vec<Selector> = (0..30).map(|key| require(&format!("k{key}"), Values::exists())).collect();
        let keys: Vec<&Selector> = keys.iter().collect();
        assert_eq!(kinds(&Selector::everything(), &keys, &mut Budget(100_000)), Err(TooMany));
    }
}
