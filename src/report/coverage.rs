//! How far namespaces and what is in them are closed.

use crate::ask::{IsolatedShare, Names, Summary};
use crate::graph::{Closure, is_somebody};
use std::collections::BTreeMap;

/// How far everything is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Namespaces, by name.
    pub namespaces: Vec<NamespaceCoverage>,
    /// How many namespaces are closed how far.
    pub by_namespace: ClosureCount,
    /// How many tiers and workloads are.
    pub by_end: ClosureCount,
    /// Those that are open for ingress, egress or both, as names, and in which way.
    pub open: Vec<(String, &'static str)>,
}

/// How far a namespace is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceCoverage {
    /// Its name.
    pub name: String,
    /// How far all of it is.
    pub closure: Closure,
    /// How far its tiers and workloads are.
    pub ends: ClosureCount,
}

/// How many of some are closed how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClosureCount {
    /// In both directions.
    pub closed: usize,
    /// In one direction, or in part.
    pub partly: usize,
    /// In none.
    pub open: usize,
}

impl ClosureCount {
    /// All.
    pub fn all(self) -> usize {
        self.closed + self.partly + self.open
    }

    fn add(&mut self, closure: Closure) {
        match closure {
            Closure::Closed => self.closed += 1,
            Closure::HalfOpen(_) | Closure::Partly => self.partly += 1,
            Closure::Open => self.open += 1,
        }
    }
}

impl Coverage {
    /// Of what is in a summary.
    pub(super) fn of(summary: &Summary) -> Coverage {
        let names = Names::new(&summary.reach.groups);
        let mut shares: BTreeMap<String, [IsolatedShare; 2]> = BTreeMap::new();
        let mut ends: BTreeMap<String, ClosureCount> = BTreeMap::new();
        let mut coverage = Coverage::default();
        let rows = summary.reach.rows.iter().filter(|row| !row.names.is_wide() && row.addresses.is_none());
        for row in rows {
            let (share, closure) = (row.at_most(), Closure::of(row.at_most()));
            let Some(home) = names.home(row) else {
                coverage.tell_open(names.of(row, None), closure);
                continue;
            };
            let known = shares.entry(home.clone()).or_insert(share);
            *known = [both(known[0], share[0]), both(known[1], share[1])];
            let count = ends.entry(home).or_default();
            if row.names.groups().iter().any(is_somebody) {
                count.add(closure);
                coverage.by_end.add(closure);
            }
        }
        for (name, share) in shares {
            let closure = Closure::of(share);
            coverage.by_namespace.add(closure);
            coverage.tell_open(format!("{name}/*"), closure);
            let ends = ends.get(&name).copied().unwrap_or_default();
            coverage.namespaces.push(NamespaceCoverage { name, closure, ends });
        }
        coverage.open.sort_by_key(|(name, _)| (name.starts_with('('), name.clone()));
        coverage
    }

    fn tell_open(&mut self, name: String, closure: Closure) {
        if closure != Closure::Closed {
            self.open.push((name, closure.word()));
        }
    }
}

fn both(one: IsolatedShare, other: IsolatedShare) -> IsolatedShare {
    if one == other { one } else { IsolatedShare::Partly }
}
