//! Where sets of pods and addresses are among the rows that are asked about.

use super::judge::{Area, Judge};
use super::rows::{Rows, spans};
use crate::ask::reach::IsolatedShare;
use crate::ask::space::{Ends, Link};
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, Peers};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A set, and the row that it is.
#[derive(Debug, Clone)]
pub(super) struct RowSpot {
    pub area: Rc<Area>,
    pub row: Option<usize>,
    /// Whether it is part of a row, or one, by the same words.
    pub is_named: bool,
    /// Those that are of the set only if their namespace has labels that nobody stated, where the area leaves them out, as a
    /// row does.
    pub perhaps: Rc<[Ends]>,
}

/// Which rows and ends are asked about, among the sources or among the destinations.
#[derive(Debug)]
pub(super) struct AskedScope {
    pub rows: BTreeSet<usize>,
    /// The ends; `None` for everybody.
    pub only: Option<Vec<Ends>>,
    /// The row that is all of them, where there is one.
    pub whole: Option<usize>,
}

/// Where a set is among the rows.
#[derive(Debug, Clone)]
pub(super) struct PlacedSet {
    /// The widest rows inside it.
    pub rows: Vec<usize>,
    /// Whether they are all of it.
    pub whole: bool,
}

/// Whether those whose side it is are sources (0) or destinations (1), and the others.
pub(super) fn in_sides(direction: Direction) -> (usize, usize) {
    match direction {
        Direction::Egress => (0, 1),
        Direction::Ingress => (1, 0),
    }
}

/// Sets among the rows, each looked up once.
pub(super) struct SetPlaces<'a, 'p> {
    judge: &'a Judge<'a, 'p>,
    pub rows: &'a Rows,
    /// What is asked about among the sources (0) and the destinations (1).
    scopes: &'a [AskedScope; 2],
    spots: FxHashMap<(usize, Peers), RowSpot>,
    placed: FxHashMap<(usize, Ends), Rc<PlacedSet>>,
}

impl<'a, 'p> SetPlaces<'a, 'p> {
    pub(super) fn new(judge: &'a Judge<'a, 'p>, rows: &'a Rows, scopes: &'a [AskedScope; 2]) -> Self {
        SetPlaces { judge, rows, scopes, spots: FxHashMap::default(), placed: FxHashMap::default() }
    }

    /// Whether both ends are asked about by name.
    pub(super) fn is_pointed(&self) -> bool {
        self.scopes.iter().all(|scope| scope.only.is_some())
    }

    /// Whether pods of a home are asked about, among the sources (0) or the destinations (1).
    pub(super) fn is_asked_about(&self, side: usize, home: usize) -> bool {
        let only = self.scopes.get(side).and_then(|scope| scope.only.as_deref());
        let is_there = |end: &Ends| end.pods().is_some_and(|pods| pods.home == Some(home));
        only.is_none_or(|only| only.iter().any(is_there))
    }

    /// Those of the peers that are asked about, among the sources (0) or the destinations (1).
    pub(super) fn spot(&mut self, side: usize, peers: &Peers) -> RowSpot {
        let key = (side, peers.clone());
        if let Some(known) = self.spots.get(&key) {
            return known.clone();
        }
        let only = self.scopes.get(side).and_then(|scope| scope.only.as_deref());
        let exactly = self.rows.exactly(peers);
        let is_named = exactly.is_some();
        let spot = match (only, exactly) {
            (None, row) => {
                let space = &self.judge.everyone.space;
                let ends = space.ends(peers);
                let row_area = row.and_then(|row| self.rows.get(row)).map(|member| member.area.clone());
                let row = row.filter(|row| self.is_asked(side, *row));
                match row_area {
                    Some(area) => {
                        let perhaps = ends.into_iter().filter(|end| !space.is_sure(end)).collect();
                        RowSpot { area, row, is_named, perhaps }
                    }
                    None => RowSpot {
                        area: Rc::new(self.judge.area(ends, spans(peers))),
                        row,
                        is_named,
                        perhaps: Rc::default(),
                    },
                }
            }
            (Some(only), _) => {
                let space = &self.judge.everyone.space;
                let part = |end: &Ends| space.both(&space.beside(peers, end)?, end);
                let ends: Vec<Ends> = only.iter().filter_map(part).collect();
                let asked = self.scopes.get(side).map(|scope| &scope.rows).into_iter().flatten();
                let is_it = |row: &&usize| self.rows.get(**row).is_some_and(|member| member.ends() == ends);
                let row = asked.filter(|_| !ends.is_empty()).copied().find(|row| is_it(&row));
                RowSpot { area: Rc::new(self.judge.area(ends, Vec::new())), row, is_named, perhaps: Rc::default() }
            }
        };
        self.spots.insert(key, spot.clone());
        spot
    }

    pub(super) fn is_asked(&self, side: usize, row: usize) -> bool {
        self.scopes.get(side).is_some_and(|scope| scope.rows.contains(&row))
    }

    /// The widest rows inside a set.
    pub(super) fn place_all(&mut self, side: usize, spot: &RowSpot, budget: &mut Budget) -> Result<Vec<usize>, GaveUp> {
        if let Some(row) = spot.row {
            return Ok(vec![row]);
        }
        let mut rows = BTreeSet::new();
        for end in &spot.area.ends {
            rows.extend(self.place(side, end, budget)?.rows.iter().copied());
        }
        Ok(self.widest(&rows))
    }

    pub(super) fn place(&mut self, side: usize, end: &Ends, budget: &mut Budget) -> Result<Rc<PlacedSet>, GaveUp> {
        let key = (side, end.clone());
        if let Some(known) = self.placed.get(&key) {
            return Ok(known.clone());
        }
        let placed = Rc::new(self.look_up(side, end, budget)?);
        self.placed.insert(key, placed.clone());
        Ok(placed)
    }

    fn look_up(&self, side: usize, end: &Ends, budget: &mut Budget) -> Result<PlacedSet, GaveUp> {
        let mut inside = BTreeSet::new();
        for row in self.rows.near(self.judge, end).into_iter().filter(|row| self.is_asked(side, *row)) {
            let Some(member) = self.rows.get(row) else { continue };
            if self.judge.covers(std::slice::from_ref(end), member.ends(), budget)? {
                inside.insert(row);
            }
        }
        let rows = self.widest(&inside);
        let members = rows.iter().filter_map(|row| self.rows.get(*row));
        let all: Vec<Ends> = members.flat_map(|member| member.ends()).cloned().collect();
        let whole = self.judge.covers(&all, std::slice::from_ref(end), budget)?;
        Ok(PlacedSet { rows, whole })
    }

    /// Those of some rows that are in none of the others.
    fn widest(&self, rows: &BTreeSet<usize>) -> Vec<usize> {
        let is_widest = |row: &usize| {
            let around = self.rows.get(*row).map(|member| member.around.as_slice()).unwrap_or_default();
            !around.iter().any(|wide| wide != row && rows.contains(wide))
        };
        rows.iter().copied().filter(is_widest).collect()
    }

    /// Of each end of a set, whether it is more than the rows inside it, or not there for sure. Pods of a row that is not asked
    /// about are no more: they have labels of several rows, which tell what is so of each of them.
    pub(super) fn beyond(&mut self, side: usize, spot: &RowSpot, budget: &mut Budget) -> Result<Vec<bool>, GaveUp> {
        let mut beyond = Vec::with_capacity(spot.area.ends.len());
        for end in &spot.area.ends {
            let is_sure = self.judge.everyone.space.is_sure(end);
            let is_told = spot.row.is_some() || (spot.is_named && end.pods().is_some());
            let is_more = !is_told && !self.place(side, end, budget)?.whole;
            beyond.push(!is_sure || is_more);
        }
        Ok(beyond)
    }

    /// The rows inside one that nothing isolates, and the ends of which more may be open; of many one is enough.
    pub(super) fn open_inside(
        &self,
        side: usize,
        direction: Direction,
        row: usize,
        budget: &mut Budget,
    ) -> Result<(Vec<usize>, Vec<Ends>), GaveUp> {
        let Some(member) = self.rows.get(row) else { return Ok(Default::default()) };
        match (member.is_isolated(direction), &member.names) {
            (IsolatedShare::Yes, _) => return Ok(Default::default()),
            (IsolatedShare::No, _) => return Ok((vec![row], Vec::new())),
            (IsolatedShare::Partly, _) => {}
        }
        let inside = |other: &usize| {
            let inner = self.rows.get(*other);
            inner.is_some_and(|inner| inner.around.contains(&row) && inner.is_isolated(direction) == IsolatedShare::No)
        };
        let asked = self.scopes.get(side).map(|scope| &scope.rows).into_iter().flatten().copied();
        let open: BTreeSet<usize> = asked.filter(inside).collect();
        let rows = self.widest(&open);
        let all: Vec<Ends> =
            rows.iter().filter_map(|row| self.rows.get(*row)).flat_map(|member| member.ends()).cloned().collect();
        let mut left = Vec::new();
        for end in member.ends() {
            if let Some(part) = self.judge.open_part(end, direction, budget)?
                && !self.judge.covers(&all, std::slice::from_ref(&part), budget)?
            {
                left.push(end.clone());
                break;
            }
        }
        Ok((rows, left))
    }

    /// Those parts of a link that are asked about.
    pub(super) fn among_asked(&self, link: Link) -> Vec<Link> {
        let space = &self.judge.everyone.space;
        let parts = |side: usize, end: &Ends| match self.scopes.get(side).and_then(|scope| scope.only.as_ref()) {
            None => vec![end.clone()],
            Some(only) => only.iter().filter_map(|asked| space.both(end, asked)).collect(),
        };
        let (sources, destinations) = (parts(0, &link.source), parts(1, &link.destination));
        let with = |source: &Ends, destination: &Ends| Link {
            source: source.clone(),
            destination: destination.clone(),
            ..link.clone()
        };
        sources.iter().flat_map(|source| destinations.iter().map(|to| with(source, to)).collect::<Vec<_>>()).collect()
    }

    /// The rows that an end comes to, and those that what is left of it is in.
    pub(super) fn rows_of(
        &self,
        side: usize,
        end: &Ends,
        placed: &PlacedSet,
        budget: &mut Budget,
    ) -> Result<Vec<usize>, GaveUp> {
        let mut rows = placed.rows.clone();
        if placed.whole {
            return Ok(rows);
        }
        let inside = rows.iter().filter_map(|row| self.rows.get(*row)).flat_map(|member| member.area.beside(end));
        for rest in self.judge.everyone.space.without(end, inside, budget)? {
            let holding = self.holding(side, &rest, budget)?;
            rows.extend(self.narrowest(&holding).filter(|row| !rows.contains(row)));
        }
        Ok(rows)
    }

    /// The rows that hold all of an end.
    pub(super) fn holding(&self, side: usize, end: &Ends, budget: &mut Budget) -> Result<Vec<usize>, GaveUp> {
        let mut holding = Vec::new();
        for row in self.rows.near(self.judge, end).into_iter().filter(|row| self.is_asked(side, *row)) {
            let Some(member) = self.rows.get(row) else { continue };
            if self.judge.holds(&member.area, std::slice::from_ref(end), budget)? {
                holding.push(row);
            }
        }
        Ok(holding)
    }

    /// The one that is in most of the others.
    pub(super) fn narrowest(&self, rows: &[usize]) -> Option<usize> {
        let depth = |row: &usize| self.rows.get(*row).map_or(0, |member| member.around.len());
        rows.iter().copied().rev().max_by_key(depth)
    }

    pub(super) fn is_wide(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|member| member.names.is_wide())
    }
}
