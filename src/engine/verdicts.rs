//! Verdicts, each once, so that they can be kept and compared as numbers.

use super::Verdict;
use super::ports::PortTable;
use crate::net::Truth;
use crate::table::Table;
use rustc_hash::FxHashMap;

/// The verdict that denies everything.
pub(super) const NOTHING: u32 = 0;

/// The verdict that allows everything.
pub(super) const EVERYTHING: u32 = 1;

/// Verdicts by number.
#[derive(Debug)]
pub(super) struct Verdicts<'e> {
    ports: &'e PortTable,
    all: Table<u32, Verdict>,
    numbers: FxHashMap<Verdict, u32>,
    /// Those of rules with these ports, and whether their peers are there for sure; for destinations of one way.
    of_rules: FxHashMap<Vec<(usize, Truth)>, u32>,
    /// Those of two sides, for destinations of one way.
    of_sides: FxHashMap<(u32, u32, usize), u32>,
    buffer: Vec<(usize, Truth)>,
}

impl<'e> Verdicts<'e> {
    pub(super) fn new(ports: &'e PortTable) -> Self {
        let mut verdicts = Verdicts {
            ports,
            all: Table::default(),
            numbers: FxHashMap::default(),
            of_rules: FxHashMap::default(),
            of_sides: FxHashMap::default(),
            buffer: Vec::new(),
        };
        verdicts.insert(Verdict::default());
        verdicts.insert(Verdict::everything());
        verdicts
    }

    /// The verdict of a number.
    pub(super) fn get(&self, number: u32) -> &Verdict {
        &self.all[number]
    }

    /// The number of a verdict.
    pub(super) fn insert(&mut self, verdict: Verdict) -> u32 {
        if let Some(number) = self.numbers.get(&verdict) {
            return *number;
        }
        let number = self.all.push(verdict.clone());
        self.numbers.insert(verdict, number);
        number
    }

    /// What rules with these ports allow, towards destinations that resolve names in one way.
    pub(super) fn of(&mut self, rules: &[(usize, Truth)], way: usize) -> u32 {
        let mut key = std::mem::take(&mut self.buffer);
        key.clear();
        key.extend_from_slice(rules);
        key.sort_unstable();
        key.dedup();
        if key.iter().any(|(ports, _)| self.ports.has_names(*ports)) {
            key.push((way, Truth::No));
        }
        let number = match self.of_rules.get(&key) {
            Some(number) => *number,
            None => {
                let mut verdict = Verdict::default();
                for (ports, truth) in rules {
                    verdict.add(*truth, self.ports.seen(*ports, way));
                }
                let number = self.insert(verdict.without_doubles());
                self.of_rules.insert(key.clone(), number);
                number
            }
        };
        self.buffer = key;
        number
    }

    /// What two sides allow together, towards destinations that resolve names in one way.
    pub(super) fn both(
        &mut self,
        egress: u32,
        ingress: u32,
        way: usize,
        both: impl Fn(&Verdict, &Verdict) -> Verdict,
    ) -> u32 {
        match (egress, ingress) {
            (NOTHING, _) | (_, NOTHING) => return NOTHING,
            (EVERYTHING, one) | (one, EVERYTHING) => return one,
            _ => {}
        }
        if let Some(known) = self.of_sides.get(&(egress, ingress, way)) {
            return *known;
        }
        let verdict = self.insert(both(self.get(egress), self.get(ingress)));
        self.of_sides.insert((egress, ingress, way), verdict);
        verdict
    }
}
