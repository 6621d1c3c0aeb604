//! What was reached before.

use super::soon;
use crate::ask::space::{Ends, Space};
use crate::cover::{Budget, GaveUp};
use rustc_hash::{FxHashMap, FxHashSet};

/// Ends that were reached, by their home.
#[derive(Debug, Default)]
pub(super) struct Seen {
    by_home: FxHashMap<Option<Option<usize>>, Vec<Ends>>,
    exactly: FxHashSet<Ends>,
}

impl Seen {
    /// The place of an end: its home, or `None` for addresses.
    fn place(end: &Ends) -> Option<Option<usize>> {
        end.pods().map(|pods| pods.home)
    }

    pub fn add(&mut self, space: &Space, end: &Ends) {
        let all = self.by_home.entry(Seen::place(end)).or_default();
        if !all.iter().any(|known| space.holds(known, end)) {
            all.push(end.clone());
        }
        self.exactly.insert(end.clone());
    }

    /// Those of an end that were not reached before, in parts.
    pub fn fresh(&self, space: &Space, end: &Ends, budget: &mut Budget) -> Result<Vec<Ends>, GaveUp> {
        if self.exactly.contains(end) {
            return Ok(Vec::new());
        }
        let all = self.by_home.get(&Seen::place(end)).map(Vec::as_slice).unwrap_or_default();
        if all.iter().any(|known| space.holds(known, end)) {
            return Ok(Vec::new());
        }
        let mut parts = Vec::new();
        // What may be nobody is no harm: it gets no further than those before.
        let is_found = soon(budget, |budget| {
            parts = space.without(end, all, budget)?;
            Ok(true)
        })?;
        Ok(if is_found { parts } else { vec![end.clone()] })
    }

    /// Whether all of an end was reached before.
    pub fn covers(&self, space: &Space, end: &Ends, budget: &mut Budget) -> Result<bool, GaveUp> {
        if self.exactly.contains(end) {
            return Ok(true);
        }
        let all = self.by_home.get(&Seen::place(end)).map(Vec::as_slice).unwrap_or_default();
        soon(budget, |budget| space.covers(all, end, budget))
    }
}
