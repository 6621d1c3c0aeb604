//! Who may connect to whom as a matrix, before it has a form: who connects stands on the left, to whom above.

mod csv;
mod gathered;
pub(super) mod html;

pub use csv::csv;
pub use html::{MOST_DETAILED, MatrixSources, matrix_page};
pub(crate) use html::{STYLE as MATRIX_STYLE, push_matrices};

use super::picture::Closure;
use crate::ask::{Cell, IsolatedShare, Names, Row, Summary};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

/// What every two of some ends may do.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// All ends, those of one namespace beside each other.
    pub ends: Table<usize, MatrixEnd>,
    /// Those that connect, by their places.
    pub sources: Vec<usize>,
    /// Those that are connected to.
    pub destinations: Vec<usize>,
    /// What is allowed, by source and destination; what has no cell is denied.
    pub cells: BTreeMap<(usize, usize), MatrixCell>,
}

/// One end, or all of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixEnd {
    /// The namespace that it is in.
    pub home: Option<String>,
    /// Its name there.
    pub short: String,
    /// Its whole name.
    pub full: String,
    /// How far it is isolated.
    pub closure: Closure,
    /// Whether it is addresses.
    pub is_addresses: bool,
    /// Whether it is all of a namespace.
    pub is_folded: bool,
}

/// Who stands at the sides of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixSides {
    /// On the left those who connect, and above those to whom: something of that was asked for.
    Asked,
    /// On both sides all who have to do with anybody.
    Used,
    /// The same, and all tiers and workloads.
    Everybody,
}

/// What one end may do with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixCell {
    /// The sign that stands for it.
    pub mark: CellMark,
    /// The ports in words; nothing where several ends are put together.
    pub ports: String,
    /// The places of the connections that say so.
    pub lines: Vec<usize>,
}

/// The sign of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellMark {
    /// Every port.
    Every,
    /// Some ports.
    Ports,
    /// Only some of the pods.
    Some,
    /// It is not known.
    Unknown,
}

impl CellMark {
    /// Every one.
    pub const ALL: [CellMark; 4] = [CellMark::Every, CellMark::Ports, CellMark::Some, CellMark::Unknown];

    /// One character.
    pub fn sign(self) -> &'static str {
        match self {
            CellMark::Every => "*",
            CellMark::Ports => "x",
            CellMark::Some => "~",
            CellMark::Unknown => "?",
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            CellMark::Every => "every port",
            CellMark::Ports => "some ports",
            CellMark::Some => "some pods only",
            CellMark::Unknown => "unknown",
        }
    }

    fn of(cell: &Cell) -> CellMark {
        match () {
            () if cell.apart.is_some() => CellMark::Some,
            () if cell.every.is_everything() => CellMark::Every,
            () if !cell.every.is_empty() => CellMark::Ports,
            () if !cell.some.is_empty() => CellMark::Some,
            () => CellMark::Unknown,
        }
    }
}

impl Matrix {
    /// The cells of a summary that has every two rows, as they are.
    pub fn exact(summary: &Summary, sides: MatrixSides) -> Matrix {
        let reach = &summary.reach;
        let names = Names::new(&reach.groups);
        let cells: Vec<&Cell> = reach.cells.iter().filter(|cell| !cell.is_empty()).collect();
        let side = |of: fn(&Cell) -> usize| cells.iter().map(|cell| of(cell)).collect::<BTreeSet<usize>>();
        let [from, to] = [side(|cell| cell.source), side(|cell| cell.destination)];
        let mut used: BTreeSet<usize> = from.union(&to).copied().collect();
        if sides == MatrixSides::Everybody {
            let named = reach.rows.iter().enumerate().filter(|(_, row)| is_named(row));
            used.extend(named.map(|(place, _)| place));
        }
        let rows = reach.rows.iter().enumerate().filter(|(place, row)| !row.names.is_wide() && used.contains(place));
        let mut matrix = Matrix::default();
        let mut at: BTreeMap<usize, usize> = BTreeMap::new();
        for (place, row) in rows {
            at.insert(place, matrix.ends.push(MatrixEnd::of(&names, row)));
        }
        let places =
            |rows: &BTreeSet<usize>| rows.iter().filter_map(|row| at.get(row).copied()).collect::<Vec<usize>>();
        [matrix.sources, matrix.destinations] = match sides {
            MatrixSides::Asked => [places(&from), places(&to)],
            MatrixSides::Used | MatrixSides::Everybody => [places(&used), places(&used)],
        };
        for cell in cells {
            let (Some(source), Some(destination)) = (at.get(&cell.source), at.get(&cell.destination)) else { continue };
            let ports = ports_of(cell);
            let told = MatrixCell { mark: CellMark::of(cell), ports, lines: Vec::new() };
            matrix.cells.insert((*source, *destination), told);
        }
        matrix
    }

    /// The same with one row and one column for each namespace that has several, but for one that has most of all.
    pub fn folded(&self) -> Matrix {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        self.ends.iter().filter_map(|end| end.home.as_deref()).for_each(|home| *sizes.entry(home).or_default() += 1);
        let is_shut = |home: &str| sizes.get(home).is_some_and(|size| *size > 1 && size * 2 <= self.ends.len());
        let mut folded = Matrix::default();
        let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut at: Vec<usize> = Vec::new();
        for end in &self.ends {
            let place = match end.home.as_deref().filter(|home| is_shut(home)) {
                Some(home) => *homes.entry(home).or_insert_with(|| folded.ends.push(end.folded())),
                None => folded.ends.push(end.clone()),
            };
            let whole = &mut folded.ends[place];
            whole.closure = if whole.closure == end.closure { end.closure } else { Closure::Partly };
            at.push(place);
        }
        let place = |end: &usize| at.get(*end).copied().unwrap_or_default();
        let side =
            |ends: &[usize]| ends.iter().map(place).collect::<BTreeSet<usize>>().into_iter().collect::<Vec<usize>>();
        [folded.sources, folded.destinations] = [side(&self.sources), side(&self.destinations)];
        let count = |ends: &[usize]| {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            ends.iter().for_each(|end| *counts.entry(place(end)).or_default() += 1);
            counts
        };
        let [from, to] = [count(&self.sources), count(&self.destinations)];
        let mut found: BTreeMap<(usize, usize), Vec<&MatrixCell>> = BTreeMap::new();
        for ((source, destination), cell) in &self.cells {
            found.entry((place(source), place(destination))).or_default().push(cell);
        }
        for ((source, destination), cells) in found {
            let pairs = from.get(&source).copied().unwrap_or(1) * to.get(&destination).copied().unwrap_or(1);
            let marks: BTreeSet<CellMark> = cells.iter().map(|cell| cell.mark).collect();
            let mark = match marks.first().copied() {
                Some(CellMark::Every) if marks.len() == 1 && cells.len() == pairs => CellMark::Every,
                Some(one) if pairs == 1 => one,
                Some(CellMark::Unknown) | None => CellMark::Unknown,
                Some(CellMark::Some) => CellMark::Some,
                Some(CellMark::Every | CellMark::Ports) => CellMark::Ports,
            };
            let ports = match cells.as_slice() {
                [one] if pairs == 1 => one.ports.clone(),
                _ => String::new(),
            };
            folded.cells.insert((source, destination), MatrixCell { mark, ports, lines: Vec::new() });
        }
        folded
    }
}

impl MatrixEnd {
    fn of(names: &Names, row: &Row) -> MatrixEnd {
        let home = names.home(row);
        MatrixEnd {
            short: names.of(row, home.as_deref()),
            full: names.of(row, None),
            closure: Closure::of(row.at_most()),
            is_addresses: row.addresses.is_some(),
            is_folded: false,
            home,
        }
    }

    /// All of its namespace.
    fn folded(&self) -> MatrixEnd {
        let full = format!("{}/*", self.home.as_deref().unwrap_or_default());
        MatrixEnd { short: full.clone(), full, is_folded: true, ..self.clone() }
    }
}

/// The ports of a cell in words, with those that lines tell otherwise.
fn ports_of(cell: &Cell) -> String {
    let told = super::drawn::CellText::of(cell).detail;
    match &cell.more {
        _ if !told.is_empty() => told,
        _ if !cell.some.is_empty() => format!("{} (only some, or perhaps not all)", cell.some),
        Some((ports, _)) => format!("{ports} (unknown)"),
        None => format!("{} (unknown)", cell.unknown),
    }
}

/// Whether a row is what somebody named, or what runs.
fn is_named(row: &Row) -> bool {
    !row.names.is_wide() && row.names.groups().iter().any(crate::graph::drawn::is_somebody)
}

/// Whether somebody of a row may do in a direction what nothing keeps them from: none, some or all of them.
fn open(isolated: IsolatedShare) -> IsolatedShare {
    match isolated {
        IsolatedShare::No => IsolatedShare::Yes,
        IsolatedShare::Partly => IsolatedShare::Partly,
        IsolatedShare::Yes => IsolatedShare::No,
    }
}
