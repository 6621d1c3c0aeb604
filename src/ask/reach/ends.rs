//! What is allowed among the ends of a world.

use super::gathered::{Gathering, Open, cells};
use super::{Cell, Detail, IsolatedShare, Only, Reach, Row, RowNames, Untold};
use crate::ask::situation::{GroupName, Situation};
use crate::engine::{End, EndId, Engine, World};
use crate::net::{AddressSet, Direction, PortSet};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// A row with its ends, sorted.
pub(super) struct Members {
    pub names: RowNames,
    pub ends: Vec<EndId>,
}

impl Reach {
    /// What the policies of an engine allow, between the ends that are asked for: every two rows, or what lines need, for
    /// which there are rows of all pods of a namespace, of all pods and of everything besides.
    ///
    /// Only the ports count that `ports` gives for a destination, where it gives any.
    pub fn new<E>(
        engine: &Engine<'_>,
        situation: &Situation,
        [from, to]: [Option<&Only>; 2],
        detail: Detail,
        ports: impl Fn(EndId) -> Option<Result<PortSet, E>>,
    ) -> Result<Reach, Untold<E>> {
        let rows = rows(engine, situation, [from, to]);
        let rows_of = rows_of(&rows, situation.world.ends.len());
        let places = [from, to].map(|only| asked_rows(&rows, &rows_of, only, detail));
        let gathering = Gathering { engine, places: &places };
        let found = gathering.find(detail)?;
        let open = (detail == Detail::Lines).then(|| Open::new(engine, &rows, &places));
        let mut cells = cells(&situation.world, &rows, found, open.as_ref());
        let used = open.map(|open| open.used(&rows)).unwrap_or_default();
        let [_, used_to] = &used;
        narrow(engine, &rows, &mut cells, used_to, &ports).map_err(Untold::Wrong)?;
        let groups = situation.groups.iter().map(|group| group.name.clone()).collect();
        let around = around(&rows, &rows_of);
        let row = |(members, around): (&Members, Vec<usize>)| members.row(engine, &situation.world, around);
        let told: Vec<Row> = rows.iter().zip(around).map(row).collect();
        let mut reach = Reach { groups, rows: told, cells, overlapping: Vec::new(), left_out: false, asked: None };
        let in_cells = reach.cells.iter().flat_map(|cell| [cell.source, cell.destination]);
        let used: BTreeSet<usize> = in_cells.chain(used.into_iter().flatten()).collect();
        for (place, row) in reach.rows.iter_mut().enumerate() {
            row.used = used.contains(&place);
        }
        if detail == Detail::Lines {
            Telling { engine, rows: &rows, rows_of: &rows_of }.mark(&mut reach);
            if let (Some(from), Some(to), []) = (from, to, reach.lines().as_slice()) {
                reach.asked = asked_cell(engine, situation, &rows, [from, to], ports)?;
            }
        }
        Ok(reach)
    }
}

/// What is allowed between all of two ends, or may be.
fn asked_cell<E>(
    engine: &Engine<'_>,
    situation: &Situation,
    rows: &[Members],
    [from, to]: [&Only; 2],
    ports: impl Fn(EndId) -> Option<Result<PortSet, E>>,
) -> Result<Option<Cell>, Untold<E>> {
    let place = |only: &Only| {
        let ends: BTreeSet<EndId> = only.ends.iter().copied().collect();
        let place = rows.iter().position(|row| row.ends.iter().copied().eq(ends.iter().copied()))?;
        let is_inside = |end: EndId| if ends.contains(&end) { vec![place] } else { Vec::new() };
        Some(situation.world.ids().map(is_inside).collect::<Vec<_>>())
    };
    let (Some(sources), Some(destinations)) = (place(from), place(to)) else { return Ok(None) };
    let found = Gathering { engine, places: &[sources, destinations] }.find(Detail::Table)?;
    let mut cells = cells(&situation.world, rows, found, None);
    narrow(engine, rows, &mut cells, &BTreeSet::new(), ports).map_err(Untold::Wrong)?;
    Ok(cells.into_iter().next())
}

/// The rows of each end.
fn rows_of(rows: &[Members], ends: usize) -> Vec<Vec<usize>> {
    let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); ends];
    for (place, row) in rows.iter().enumerate() {
        for end in &row.ends {
            if let Some(rows) = rows_of.get_mut(end.index()) {
                rows.push(place);
            }
        }
    }
    rows_of
}

/// The rows of each end that are asked about: those that are all inside it, and for tables no wide ones.
fn asked_rows(rows: &[Members], rows_of: &[Vec<usize>], only: Option<&Only>, detail: Detail) -> Vec<Vec<usize>> {
    let asked: Option<BTreeSet<EndId>> = only.map(|only| only.ends.iter().copied().collect());
    let fits = |row: &Members| {
        let is_inside = asked.as_ref().is_none_or(|asked| row.ends.iter().all(|end| asked.contains(end)));
        is_inside && (detail == Detail::Lines || !row.names.is_wide())
    };
    let fitting: Vec<bool> = rows.iter().map(fits).collect();
    let is_asked = |place: &usize| fitting.get(*place).is_some_and(|fits| *fits);
    rows_of.iter().map(|rows| rows.iter().copied().filter(is_asked).collect()).collect()
}

impl Members {
    fn row(&self, engine: &Engine<'_>, world: &World, around: Vec<usize>) -> Row {
        let pods = self.ends.iter().all(|end| world.pods(*end).is_some());
        let addresses = |end: &EndId| match world.end(*end) {
            Some(End::Addresses { addresses, .. }) => Some(addresses.clone()),
            Some(End::Pods(_)) | None => None,
        };
        let all: Option<Vec<AddressSet>> = self.ends.iter().map(addresses).collect();
        let addresses = all.map(|all| all.iter().fold(AddressSet::empty(), |all, one| all.union(one)));
        let isolated = isolated(engine, &self.ends);
        Row { names: self.names.clone(), pods, addresses, isolated, perhaps: [false; 2], around, used: false }
    }

    /// Whether all ends of `other` are in it.
    fn holds(&self, other: &Members) -> bool {
        other.ends.iter().all(|end| self.ends.binary_search(end).is_ok())
    }
}

/// Each row with those that hold all of it.
fn around(rows: &[Members], rows_of: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let holding = |row: &Members| -> Vec<usize> {
        let near = row.ends.first().and_then(|end| rows_of.get(end.index())).into_iter().flatten().copied();
        near.filter(|place| rows.get(*place).is_some_and(|other| other.holds(row))).collect()
    };
    rows.iter().map(holding).collect()
}

/// Finds out what only some of two rows may and other cells tell.
struct Telling<'a> {
    engine: &'a Engine<'a>,
    rows: &'a [Members],
    rows_of: &'a [Vec<usize>],
}

impl Telling<'_> {
    fn mark(&self, reach: &mut Reach) {
        let every: FxHashMap<(usize, usize), PortSet> =
            reach.cells.iter().map(|cell| ((cell.source, cell.destination), cell.every.clone())).collect();
        // Wide rows say what is so of all of them.
        let is_wide = |cell: &Cell| [cell.source, cell.destination].into_iter().any(|row| self.is_wide(row));
        for cell in reach.cells.iter_mut().filter(|cell| is_wide(cell)) {
            cell.told = true;
            cell.unknown = PortSet::empty();
        }
        // Only of those that would be lines.
        let lines = reach.lines().into_iter().filter(|cell| !cell.every.contains(&cell.some));
        let lines: BTreeSet<(usize, usize)> = lines.map(|cell| (cell.source, cell.destination)).collect();
        for cell in &mut reach.cells {
            cell.told |= lines.contains(&(cell.source, cell.destination)) && self.is_told(cell, &every);
        }
    }

    fn is_wide(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|row| row.names.is_wide())
    }

    /// Whether what only some of two rows may is told by others that they are in, or by their not being isolated.
    fn is_told(&self, cell: &Cell, every: &FxHashMap<(usize, usize), PortSet>) -> bool {
        let (Some(source), Some(destination)) = (self.rows.get(cell.source), self.rows.get(cell.destination)) else {
            return false;
        };
        let engine = self.engine;
        let places = |end: &EndId| self.rows_of.get(end.index()).into_iter().flatten();
        let is_told = |a: &EndId, b: &EndId| {
            let open = !engine.is_isolated(Direction::Egress, *a) && !engine.is_isolated(Direction::Ingress, *b);
            if open || engine.is_itself(*a, *b) {
                return true;
            }
            let allowed = engine.between(*a, *b).allowed.intersect(&cell.some);
            cell.every.contains(&allowed)
                || places(a).any(|from| {
                    places(b).any(|to| every.get(&(*from, *to)).is_some_and(|every| every.contains(&allowed)))
                })
        };
        source.ends.iter().all(|a| destination.ends.iter().all(|b| is_told(a, b)))
    }
}

/// Keeps only the ports that `ports` gives for a destination, where it gives any. It is asked of `others` as well, since it
/// says what is wrong with a question.
fn narrow<E>(
    engine: &Engine<'_>,
    rows: &[Members],
    cells: &mut Vec<Cell>,
    others: &BTreeSet<usize>,
    ports: impl Fn(EndId) -> Option<Result<PortSet, E>>,
) -> Result<(), E> {
    let mut of_row: BTreeMap<usize, Option<PortSet>> = BTreeMap::new();
    let wanted_at = |row: usize| -> Result<Option<PortSet>, E> {
        let mut wanted: Option<PortSet> = None;
        let ends = rows.get(row).map(|row| row.ends.as_slice()).unwrap_or_default();
        for asked in ends.iter().filter_map(|end| ports(*end)) {
            wanted.get_or_insert_default().insert(&asked?);
        }
        Ok(wanted)
    };
    for cell in cells.iter_mut() {
        let wanted = match of_row.get(&cell.destination) {
            Some(wanted) => wanted.clone(),
            None => of_row.entry(cell.destination).or_insert(wanted_at(cell.destination)?).clone(),
        };
        let Some(wanted) = wanted else { continue };
        if let Some((source, destination)) = cell.example {
            let by_name = engine.perhaps_on(source, destination, &wanted);
            if !by_name.is_empty() {
                cell.unknown.insert(&by_name.subtract(&cell.some));
                cell.doubtful.get_or_insert((source, destination));
            }
        }
        for set in [&mut cell.every, &mut cell.some, &mut cell.unknown] {
            *set = set.intersect(&wanted);
        }
    }
    cells.retain(|cell| !cell.is_empty());
    others.iter().filter(|row| !of_row.contains_key(row)).try_for_each(|row| wanted_at(*row).map(|_| ()))
}

fn rows(engine: &Engine<'_>, situation: &Situation, asked: [Option<&Only>; 2]) -> Vec<Members> {
    let mut by_ends: BTreeMap<&[EndId], Vec<usize>> = BTreeMap::new();
    for (place, group) in situation.groups.iter().enumerate() {
        by_ends.entry(&group.ends).or_default().push(place);
    }
    let row = |names, ends: Vec<EndId>| Members { names, ends };
    let named = |groups: Vec<usize>| -> RowNames {
        let groups = groups.into_iter().filter_map(|place| situation.groups.get(place));
        RowNames::Groups(groups.map(|group| group.name.clone()).collect())
    };
    let mut groups: Vec<(Vec<usize>, &[EndId])> = by_ends.into_iter().map(|(ends, groups)| (groups, ends)).collect();
    groups.sort();
    let mut rows: Vec<Members> = groups.into_iter().map(|(groups, ends)| row(named(groups), ends.to_vec())).collect();
    let mut known: BTreeSet<Vec<EndId>> = rows.iter().map(|row| row.ends.clone()).collect();
    let mut namespaces: BTreeMap<String, Vec<EndId>> = BTreeMap::new();
    let (mut cluster, mut anywhere) = (Vec::new(), Vec::new());
    for id in situation.world.ids() {
        match situation.world.pods(id) {
            Some(pods) if pods.asked => continue,
            Some(_) => {
                cluster.push(id);
                if let Some(name) = situation.world.namespace_of(id).and_then(|namespace| namespace.name.as_ref()) {
                    let groups = situation.names_of(id);
                    let of_labels = groups.first().filter(|name| matches!(name, GroupName::Pods(..)));
                    let home = of_labels.and_then(|name| name.home()).unwrap_or_else(|| name.to_string());
                    namespaces.entry(home).or_default().push(id);
                }
            }
            None => {}
        }
        anywhere.push(id);
    }
    let mut wide: Vec<(RowNames, Vec<EndId>)> =
        namespaces.into_iter().map(|(name, ends)| (RowNames::Namespace(name), ends)).collect();
    let parts = Direction::ALL.map(|direction| {
        let isolated = |end: &EndId| engine.is_isolated(direction, *end);
        let (isolated, open): (Vec<EndId>, Vec<EndId>) = anywhere.iter().partition(|end| isolated(end));
        (isolated, open)
    });
    wide.extend([(RowNames::Cluster, cluster), (RowNames::Anywhere, anywhere)]);
    let [ingress, egress] = &parts;
    let one = ingress == egress;
    for (direction, (isolated, open)) in Direction::ALL.into_iter().zip(parts) {
        let direction = (!one).then_some(direction);
        wide.extend([(RowNames::NotIsolated(direction), open), (RowNames::Isolated(direction), isolated)]);
    }
    let singles = rows.len();
    for (names, ends) in wide {
        // Those that bring few together say less than the single rows.
        let inside = |row: &&Members| row.ends.iter().all(|end| ends.binary_search(end).is_ok());
        let few = matches!(names, RowNames::Isolated(_) | RowNames::NotIsolated(_))
            && rows.iter().take(singles).filter(inside).nth(2).is_none();
        if !few && !ends.is_empty() && known.insert(ends.clone()) {
            rows.push(row(names, ends));
        }
    }
    for only in asked.into_iter().flatten() {
        let wanted: BTreeSet<EndId> = only.ends.iter().copied().collect();
        let ends: Vec<EndId> = wanted.into_iter().collect();
        if known.insert(ends.clone()) {
            rows.push(row(RowNames::Asked(only.text.clone()), ends));
        }
    }
    rows
}

fn isolated(engine: &Engine<'_>, ends: &[EndId]) -> [IsolatedShare; 2] {
    Direction::ALL.map(|direction| match ends.iter().filter(|end| engine.is_isolated(direction, **end)).count() {
        0 => IsolatedShare::No,
        all if all == ends.len() => IsolatedShare::Yes,
        _ => IsolatedShare::Partly,
    })
}
