//! A matrix out of the lines of `reach`, of which there are few where there are many pairs.

use super::{CellMark, Matrix, MatrixCell, MatrixEnd, open};
use crate::ask::{Cell, IsolatedShare, Names, Row, Summary};
use crate::graph::reach_lines::ReachLine;
use crate::net::PortSet;
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

impl Matrix {
    /// What some lines say of every two ends that they are about, and what is open; `by_namespace` puts together what is in one.
    pub fn of_lines(summary: &Summary, connections: &[ReachLine], by_namespace: bool) -> Matrix {
        let reach = &summary.reach;
        let names = Names::new(&reach.groups);
        let mut units = Units::default();
        for (place, row) in reach.rows.iter().enumerate().filter(|(_, row)| !row.names.is_wide()) {
            units.add(&names, place, row, by_namespace);
        }
        let mut drafts: BTreeMap<(usize, usize), CellDraft> = BTreeMap::new();
        let cells: BTreeMap<(usize, usize), &Cell> =
            reach.cells.iter().map(|cell| ((cell.source, cell.destination), cell)).collect();
        for (line, connection) in connections.iter().enumerate() {
            let Some(cell) = cells.get(&(connection.source, connection.destination)) else { continue };
            for (source, from) in units.touched_by(connection.source) {
                for (destination, to) in units.touched_by(connection.destination) {
                    drafts.entry((source, destination)).or_default().add(cell, from.min(to), line);
                }
            }
        }
        for (source, from) in units.open_for(|row| row.at_most()[1]) {
            for (destination, to) in units.open_for(|row| row.at_most()[0]) {
                if !(units.ends[source].is_addresses && units.ends[destination].is_addresses) {
                    drafts.entry((source, destination)).or_default().add_open(from && to);
                }
            }
        }
        let all: Vec<usize> = units.ends.ids().collect();
        let cells = drafts.into_iter().map(|(places, draft)| (places, draft.cell()));
        Matrix { sources: all.clone(), destinations: all, cells: cells.collect(), ends: units.ends }
    }
}

/// Rows, as far as they are told apart.
#[derive(Default)]
struct Units<'a> {
    ends: Table<usize, MatrixEnd>,
    /// The rows of each.
    rows: Vec<Vec<&'a Row>>,
    homes: BTreeMap<String, usize>,
    /// What is in each row, wide or not: how many rows of each unit.
    inside: BTreeMap<usize, BTreeMap<usize, usize>>,
    /// The rows around each that is not wide, and the unit that it is in.
    around: BTreeMap<usize, BTreeSet<usize>>,
    of: BTreeMap<usize, usize>,
}

/// How much of a unit is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum UnitShare {
    /// Some of one of its rows.
    SomeOfRow,
    /// Some of its rows.
    Rows,
    /// All of it.
    Whole,
}

impl<'a> Units<'a> {
    fn add(&mut self, names: &Names, place: usize, row: &'a Row, by_namespace: bool) {
        let end = MatrixEnd::of(names, row);
        let home = end.home.clone().filter(|_| by_namespace);
        let known = home.as_ref().and_then(|home| self.homes.get(home).copied());
        let unit = match known {
            Some(unit) => unit,
            None => {
                let end = if home.is_some() { end.folded() } else { end.clone() };
                self.rows.push(Vec::new());
                self.ends.push(end)
            }
        };
        home.into_iter().for_each(|home| _ = self.homes.insert(home, unit));
        let whole = &mut self.ends[unit];
        if whole.closure != end.closure {
            whole.closure = crate::graph::picture::Closure::Partly;
        }
        self.rows.get_mut(unit).into_iter().for_each(|rows| rows.push(row));
        let around: BTreeSet<usize> = row.around.iter().copied().chain([place]).collect();
        for wide in &around {
            *self.inside.entry(*wide).or_default().entry(unit).or_default() += 1;
        }
        self.around.insert(place, around);
        self.of.insert(place, unit);
    }

    /// The units that have somebody of a row, and how much of each that is.
    fn touched_by(&self, row: usize) -> BTreeMap<usize, UnitShare> {
        let size = |unit: usize| self.rows.get(unit).map_or(0, Vec::len);
        let inside = self.inside.get(&row).into_iter().flatten();
        let share = |count: usize, unit: usize| if count == size(unit) { UnitShare::Whole } else { UnitShare::Rows };
        let mut touched: BTreeMap<usize, UnitShare> =
            inside.map(|(unit, count)| (*unit, share(*count, *unit))).collect();
        // Of a row that holds this one, this is some.
        for unit in self.around.get(&row).into_iter().flatten().filter_map(|wide| self.of.get(wide)) {
            touched.entry(*unit).or_insert(UnitShare::SomeOfRow);
        }
        touched
    }

    /// The units that have somebody whom nothing isolates, and whether nothing isolates any of them.
    fn open_for(&self, isolated: fn(&Row) -> IsolatedShare) -> Vec<(usize, bool)> {
        let one = |(unit, rows): (usize, &Vec<&Row>)| {
            let shares: Vec<IsolatedShare> = rows.iter().map(|row| open(isolated(row))).collect();
            let all = shares.iter().all(|share| *share == IsolatedShare::Yes);
            shares.iter().any(|share| *share != IsolatedShare::No).then_some((unit, all))
        };
        self.rows.iter().enumerate().filter_map(one).collect()
    }
}

/// What is gathered between two units.
#[derive(Default)]
struct CellDraft {
    every: PortSet,
    /// For sure, of those that were put together with others.
    part: PortSet,
    some: PortSet,
    unknown: PortSet,
    is_apart: bool,
    lines: Vec<usize>,
}

impl CellDraft {
    fn add(&mut self, cell: &Cell, share: UnitShare, line: usize) {
        match share {
            UnitShare::Whole => self.every.insert(&cell.every),
            UnitShare::Rows => self.part.insert(&cell.every),
            UnitShare::SomeOfRow => self.some.insert(&cell.every),
        }
        self.is_apart |= cell.apart.is_some() && !cell.every.is_empty();
        if cell.has_rest() {
            self.some.insert(&cell.some);
        }
        self.unknown.insert(&cell.unknown);
        self.lines.push(line);
    }

    fn add_open(&mut self, whole: bool) {
        match whole {
            true => self.every = PortSet::everything(),
            false => self.some = PortSet::everything(),
        }
    }

    fn cell(self) -> MatrixCell {
        let all_of_some = self.every.union(&self.part);
        let sure = all_of_some.union(&self.some);
        let mark = match () {
            () if self.every.is_everything() && !self.is_apart => CellMark::Every,
            () if !all_of_some.is_empty() && !self.is_apart => CellMark::Ports,
            () if !sure.is_empty() => CellMark::Some,
            () => CellMark::Unknown,
        };
        let ports = if sure.is_empty() { self.unknown.to_string() } else { sure.to_string() };
        MatrixCell { mark, ports, lines: self.lines }
    }
}
