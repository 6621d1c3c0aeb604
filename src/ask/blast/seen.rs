//! What was reached before.

use super::kinds::Kinds;
use super::soon;
use crate::ask::space::{Ends, Space};
use crate::cover::{Budget, GaveUp};
use rustc_hash::FxHashMap;

/// Pods that were reached, by their kinds.
#[derive(Debug)]
pub(super) struct SeenPods {
    /// The kinds all of which were.
    whole: Vec<bool>,
    /// Of the others those that were, together with other kinds that may have some of them.
    parts: FxHashMap<Together, Vec<Ends>>,
}

/// Kinds that may have pods in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Together {
    One(u32),
    OfHome(Option<usize>),
}

impl SeenPods {
    pub(super) fn new(kinds: &Kinds) -> Self {
        SeenPods { whole: vec![false; kinds.all.len()], parts: FxHashMap::default() }
    }

    fn together(kinds: &Kinds, kind: u32) -> Together {
        match kinds.get(kind) {
            Some(one) if !one.is_apart => Together::OfHome(one.pods().and_then(|pods| pods.home)),
            _ => Together::One(kind),
        }
    }

    /// Whether all of a kind were reached.
    pub(super) fn has_whole(&self, kind: u32) -> bool {
        self.whole.get(kind as usize).is_some_and(|whole| *whole)
    }

    /// Notes that ends of a kind are reached.
    pub(super) fn add(&mut self, kinds: &Kinds, space: &Space, kind: u32, ends: &Ends) {
        let is_whole = kinds.get(kind).is_some_and(|one| one.ends == *ends);
        if let Some(whole) = self.whole.get_mut(kind as usize) {
            *whole |= is_whole;
        }
        let together = SeenPods::together(kinds, kind);
        match (together, is_whole) {
            (Together::One(_), true) => _ = self.parts.remove(&together),
            _ => {
                let all = self.parts.entry(together).or_default();
                if !all.iter().any(|known| space.holds(known, ends)) {
                    all.push(ends.clone());
                }
            }
        }
    }

    /// Those of some ends of a kind that were not reached before, in parts.
    pub(super) fn fresh(
        &self,
        kinds: &Kinds,
        space: &Space,
        (kind, ends): (u32, &Ends),
        budget: &mut Budget,
    ) -> Result<Vec<Ends>, GaveUp> {
        if self.has_whole(kind) {
            return Ok(Vec::new());
        }
        let Some(all) = self.parts.get(&SeenPods::together(kinds, kind)) else { return Ok(vec![ends.clone()]) };
        if all.iter().any(|known| space.holds(known, ends)) {
            return Ok(Vec::new());
        }
        let mut parts = Vec::new();
        // What may be nobody is no harm: it gets no further than those before.
        let is_found = soon(budget, |budget| {
            parts = space.without(ends, all, budget)?;
            Ok(true)
        })?;
        Ok(if is_found { parts } else { vec![ends.clone()] })
    }

    /// Whether all of some ends of a kind were reached before.
    pub(super) fn covers(
        &self,
        kinds: &Kinds,
        space: &Space,
        (kind, ends): (u32, &Ends),
        budget: &mut Budget,
    ) -> Result<bool, GaveUp> {
        if self.has_whole(kind) {
            return Ok(true);
        }
        let Some(all) = self.parts.get(&SeenPods::together(kinds, kind)) else { return Ok(false) };
        soon(budget, |budget| space.covers(all, ends, budget))
    }
}
