//! What is allowed, in as few statements as may be: each about every two of some sources and some destinations.
//!
//! One statement for each two would be as many as there are pairs, of which most say the same.

use super::ReachReport;
use super::lines::missing;
use crate::ask::Cell;
use crate::engine::EndId;
use crate::net::PortSet;
use std::collections::{BTreeMap, BTreeSet};

/// How sure it is between two rows, and between whom of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CellCertainty {
    /// For sure, between every two.
    All,
    /// For sure, between some two.
    Some,
    /// Not known, between some two.
    Unknown,
    /// Not known, between those who only may be meant.
    Perhaps,
}

/// What is said of two rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct CellStatement {
    certainty: CellCertainty,
    ports: PortSet,
    /// What nobody said, where it is for that.
    missing: Option<String>,
}

/// A statement about every two of some rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CellBlock {
    /// The places of those that connect, sorted.
    pub sources: Vec<usize>,
    /// Those of whom they connect to, sorted.
    pub destinations: Vec<usize>,
    pub certainty: CellCertainty,
    pub ports: PortSet,
    /// What nobody said: why it is not known, or of whom it may not be so.
    pub missing: Option<String>,
    /// Two of whom it is said, where not of all.
    pub example: Option<(EndId, EndId)>,
}

/// All that the cells of a report say.
pub(super) fn blocks(report: &ReachReport<'_>) -> Vec<CellBlock> {
    let all = report.summary.reach.cells.iter().filter(|cell| !cell.is_empty());
    gathered(all, |cell| missing(report, cell))
}

fn gathered<'a>(all: impl Iterator<Item = &'a Cell>, missing: impl Fn(&Cell) -> String) -> Vec<CellBlock> {
    let cells: BTreeMap<(usize, usize), &Cell> = all.map(|cell| ((cell.source, cell.destination), cell)).collect();
    let mut said: BTreeMap<CellStatement, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for cell in cells.values() {
        for statement in statements(cell, &missing) {
            said.entry(statement).or_default().entry(cell.source).or_default().push(cell.destination);
        }
    }
    let mut blocks: Vec<CellBlock> =
        said.into_iter().flat_map(|(statement, pairs)| statement.blocks(&cells, pairs)).collect();
    blocks.sort_by(|one, other| {
        let key =
            |block: &CellBlock| (block.sources.first().copied(), block.destinations.first().copied(), block.certainty);
        key(one).cmp(&key(other))
    });
    blocks
}

fn statements(cell: &Cell, missing: impl Fn(&Cell) -> String) -> Vec<CellStatement> {
    let mut found = Vec::new();
    let mut say = |certainty, ports: &PortSet, missing| {
        found.push(CellStatement { certainty, ports: ports.clone(), missing });
    };
    if !cell.every.is_empty() {
        say(CellCertainty::All, &cell.every, cell.apart.as_ref().map(ToString::to_string));
    }
    if !cell.every.contains(&cell.some) {
        say(CellCertainty::Some, &cell.some, None);
    }
    if !cell.unknown.is_empty() {
        say(CellCertainty::Unknown, &cell.unknown, Some(missing(cell)));
    }
    if let Some((ports, doubt)) = &cell.more {
        say(CellCertainty::Perhaps, ports, Some(doubt.to_string()));
    }
    found
}

impl CellStatement {
    /// The statement about as many at once as may be, by the destinations of each source.
    fn blocks(&self, cells: &BTreeMap<(usize, usize), &Cell>, pairs: BTreeMap<usize, Vec<usize>>) -> Vec<CellBlock> {
        let every: BTreeSet<usize> = pairs.values().flatten().copied().collect();
        let every: Vec<usize> = every.into_iter().collect();
        let mut by_destinations: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (source, destinations) in pairs {
            // It may be so of others too, of whom more is said: then one statement is enough for many sources.
            let is_so = |to: &usize| {
                destinations.binary_search(to).is_ok() || cells.get(&(source, *to)).is_some_and(|cell| self.is_so(cell))
            };
            let destinations = if every.iter().all(is_so) { every.clone() } else { destinations };
            by_destinations.entry(destinations).or_default().push(source);
        }
        let block = |(destinations, sources): (Vec<usize>, Vec<usize>)| CellBlock {
            example: self.example(cells, &sources, &destinations),
            certainty: self.certainty,
            ports: self.ports.clone(),
            missing: self.missing.clone(),
            sources,
            destinations,
        };
        by_destinations.into_iter().map(block).collect()
    }

    /// Whether what is said of two rows says this too.
    fn is_so(&self, cell: &Cell) -> bool {
        match self.certainty {
            CellCertainty::All => {
                cell.every.contains(&self.ports) && cell.apart.as_ref().map(ToString::to_string) == self.missing
            }
            CellCertainty::Some => cell.some.contains(&self.ports),
            CellCertainty::Unknown | CellCertainty::Perhaps => false,
        }
    }

    fn example(
        &self,
        cells: &BTreeMap<(usize, usize), &Cell>,
        sources: &[usize],
        destinations: &[usize],
    ) -> Option<(EndId, EndId)> {
        let mut pairs = sources.iter().flat_map(|from| destinations.iter().map(move |to| (*from, *to)));
        pairs.find_map(|pair| {
            let cell = cells.get(&pair)?;
            match self.certainty {
                CellCertainty::Some if cell.some == self.ports && !cell.every.contains(&cell.some) => cell.example,
                CellCertainty::Unknown if cell.unknown == self.ports => cell.doubtful,
                CellCertainty::All | CellCertainty::Some | CellCertainty::Unknown | CellCertainty::Perhaps => None,
            }
        })
    }
}

/// Lists of rows in words: where all that a wide row holds is in a list, the wide row stands for it.
pub(super) struct RowLists<'a> {
    report: &'a ReachReport<'a>,
    /// The single rows of each wide one, the widest first.
    wide: Vec<(usize, Vec<usize>)>,
    /// The places in `wide` of those that stand for others somewhere.
    used: BTreeSet<usize>,
}

impl<'a> RowLists<'a> {
    /// For the rows of a report, where `names` are those of the single ones.
    pub(super) fn new(report: &'a ReachReport<'a>, names: &BTreeMap<usize, String>) -> Self {
        let rows = &report.summary.reach.rows;
        let mut wide: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in names.keys() {
            let around = rows.get(*place).map(|row| row.around.as_slice()).unwrap_or_default();
            let is_wide = |place: &&usize| rows.get(**place).is_some_and(|row| row.names.is_wide());
            around.iter().filter(is_wide).for_each(|around| wide.entry(*around).or_default().push(*place));
        }
        let taken: BTreeSet<&String> = names.values().collect();
        let is_short = |(place, held): &(usize, Vec<usize>)| {
            let name = rows.get(*place).map(|row| report.names.of(row, None));
            held.len() > 1 && name.is_some_and(|name| !taken.contains(&name))
        };
        let mut wide: Vec<(usize, Vec<usize>)> = wide.into_iter().filter(is_short).collect();
        wide.sort_by_key(|(place, held)| (usize::MAX - held.len(), *place));
        RowLists { report, wide, used: BTreeSet::new() }
    }

    /// The names of a list of rows.
    pub(super) fn words(&mut self, rows: &[usize], names: &BTreeMap<usize, String>) -> Vec<String> {
        let mut left: BTreeSet<usize> = rows.iter().copied().collect();
        let mut words = Vec::new();
        for at in 0..self.wide.len() {
            let Some((place, held)) = self.wide.get(at).filter(|(_, held)| held.len() <= left.len()) else { continue };
            if held.iter().all(|row| left.contains(row)) {
                held.iter().for_each(|row| _ = left.remove(row));
                words.push(self.name(*place));
                self.used.insert(at);
            }
        }
        words.extend(left.iter().filter_map(|row| names.get(row)).cloned());
        words
    }

    /// The wide rows that stand for others somewhere, with the single rows of each.
    pub(super) fn used(&self) -> impl Iterator<Item = (String, &[usize])> {
        let used = self.used.iter().filter_map(|at| self.wide.get(*at));
        used.map(|(place, held)| (self.name(*place), held.as_slice()))
    }

    fn name(&self, wide: usize) -> String {
        let row = self.report.summary.reach.row(wide);
        row.map(|row| self.report.names.of(row, None)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use crate::net::Protocol;

    fn ports(number: u16) -> PortSet {
        PortSet::number(Protocol::Tcp, number)
    }

    fn cell(source: usize, destination: usize, every: PortSet, some: PortSet) -> Cell {
        Cell {
            source,
            destination,
            some: every.union(&some),
            every,
            example: None,
            told: false,
            unknown: PortSet::empty(),
            doubtful: None,
            apart: None,
            more: None,
        }
    }

    /// What is said of two rows by all that is said of both.
    fn said(blocks: &[CellBlock], pair: (usize, usize), certainty: CellCertainty) -> PortSet {
        let about = |block: &&CellBlock| block.sources.contains(&pair.0) && block.destinations.contains(&pair.1);
        let of = blocks.iter().filter(about).filter(|block| block.certainty == certainty);
        of.fold(PortSet::empty(), |all, block| all.union(&block.ports))
    }

    #[test]
    fn what_is_said_of_each_two_is_what_their_cell_says() {
        let sets = [PortSet::empty(), ports(80), ports(443), ports(80).union(&ports(443)), PortSet::everything()];
        let mut all = Vec::new();
        let mut state = 7_usize;
        for (source, destination) in (0..9).flat_map(|from| (0..9).map(move |to| (from, to))) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = |shift: usize| sets[(state >> shift) % sets.len()].clone();
            all.push(cell(source, destination, pick(20), pick(40)));
        }
        let found = gathered(all.iter().filter(|cell| !cell.is_empty()), |_| String::new());
        for cell in &all {
            let pair = (cell.source, cell.destination);
            let (every, some) = (said(&found, pair, CellCertainty::All), said(&found, pair, CellCertainty::Some));
            assert_eq!(every, cell.every, "{cell:?}");
            assert_eq!(every.union(&some), cell.some, "{cell:?}");
        }
    }

    #[test]
    fn what_is_so_of_many_is_said_once() {
        // Each has a port of its own for one, and some of it for all.
        let pairs = (0..50).flat_map(|from| (0..50).map(move |to| (from, 100 + to)));
        let all: Vec<Cell> = pairs
            .map(|(from, to)| cell(from, to, if from + 100 == to { ports(80) } else { PortSet::empty() }, ports(80)))
            .collect();
        let found = gathered(all.iter(), |_| String::new());
        assert_eq!(found.iter().filter(|block| block.certainty == CellCertainty::All).count(), 50);
        let some: Vec<&CellBlock> = found.iter().filter(|block| block.certainty == CellCertainty::Some).collect();
        assert_eq!(
            some.iter().map(|block| (block.sources.len(), block.destinations.len())).collect::<Vec<_>>(),
            [(50, 50)]
        );
    }
}
