//! What is gathered between every two rows of a world, one pair of ends after another.

use super::ends::Members;
use super::sets::MOST_PAIRS;
use super::{Cell, Detail, Untold};
use crate::engine::{EndId, Engine, Verdict, World};
use crate::net::{Direction, PortSet};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is found between every two rows.
pub(super) type Found = FxHashMap<(usize, usize), Gathered>;

/// Gathers what is allowed, row by row.
pub(super) struct Gathering<'a> {
    pub engine: &'a Engine<'a>,
    /// The rows of each end that are asked about, as a source and as a destination.
    pub places: &'a [Vec<Vec<usize>>; 2],
}

impl Gathering<'_> {
    /// All that is allowed; for lines without ends of which neither is isolated, which no line tells.
    pub(super) fn find<E>(&self, detail: Detail) -> Result<Found, Untold<E>> {
        let mut found = Found::default();
        let most = if detail == Detail::Lines { usize::MAX } else { MOST_PAIRS };
        let visit = |source: EndId, destination: EndId, verdict: &Verdict| {
            for places in self.rows_between(source, destination) {
                found.entry(places).or_default().add(source, destination, verdict);
            }
            if found.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match detail {
            Detail::Lines => self.engine.closed_connections(visit),
            Detail::Table | Detail::Marks => self.engine.connections(visit),
        }
        if found.len() > most {
            let [sources, destinations] = self.places.each_ref().map(|rows_of| rows_of.iter().flatten());
            let count = |rows: BTreeSet<&usize>| rows.len();
            return Err(Untold::TooLong(count(sources.collect()).saturating_mul(count(destinations.collect()))));
        }
        for end in self.engine.world().ids().filter(|end| self.engine.is_itself(*end, *end)) {
            if detail == Detail::Lines && is_open(self.engine, end, end) {
                continue;
            }
            // A pod can always reach itself, which must not make a rule look as if it were for all pods.
            let places: Vec<(usize, usize)> =
                self.rows_between(end, end).filter(|places| found.contains_key(places)).collect();
            if !places.is_empty() {
                let verdict = self.engine.by_rules(end, end);
                places.iter().for_each(|places| found.entry(*places).or_default().add_pair(&verdict.allowed));
            }
        }
        Ok(found)
    }

    fn rows_between(&self, source: EndId, destination: EndId) -> impl Iterator<Item = (usize, usize)> {
        let [sources, destinations] = self.places;
        let here = sources.get(source.index()).map(Vec::as_slice).unwrap_or_default();
        let there = destinations.get(destination.index()).map(Vec::as_slice).unwrap_or_default();
        here.iter().flat_map(|row| there.iter().map(move |other| (*row, *other)))
    }
}

/// Whether no policy has a say between two.
fn is_open(engine: &Engine<'_>, source: EndId, destination: EndId) -> bool {
    !engine.is_isolated(Direction::Egress, source) && !engine.is_isolated(Direction::Ingress, destination)
}

/// What was gathered as cells, with what nothing isolates.
pub(super) fn cells(world: &World, rows: &[Members], found: Found, open: Option<&Open<'_>>) -> Vec<Cell> {
    let pairs = PairCount::new(world);
    let counts: Vec<Counts<'_>> = rows.iter().map(|row| pairs.count(&row.ends)).collect();
    let counts_open =
        open.map(|open| open.ends.each_ref().map(|all| all.iter().map(|ends| pairs.count(ends)).collect()));
    let cell = |((source, destination), mut gathered): ((usize, usize), Gathered)| {
        if let (Some(open), Some([out, into])) = (open, &counts_open) {
            let (out, into): (&Vec<Counts<'_>>, &Vec<Counts<'_>>) = (out, into);
            if let (Some(here), Some(there)) = (out.get(source), into.get(destination)) {
                gathered.add_open(pairs.between(here, there), || open.first(source, destination));
            }
        }
        let Gathered { pairs: count, every, some, example, unknown, doubtful } = gathered;
        let mut every = every.unwrap_or_default();
        if !every.is_empty()
            && let (Some(here), Some(there)) = (counts.get(source), counts.get(destination))
            && count < pairs.between(here, there)
        {
            every = PortSet::empty();
        }
        Cell { source, destination, every, some, example, told: false, unknown, doubtful, apart: None, more: None }
    };
    let mut cells: Vec<Cell> = found.into_iter().map(cell).collect();
    cells.sort_by_key(|cell| (cell.source, cell.destination));
    cells
}

/// The ends that nothing isolates: as sources for egress, as destinations for ingress.
pub(super) struct Open<'a> {
    engine: &'a Engine<'a>,
    /// Those of each row.
    ends: [Vec<Vec<EndId>>; 2],
    /// Those that are asked about.
    asked: [Vec<EndId>; 2],
    /// The rows that are asked about.
    rows: [BTreeSet<usize>; 2],
}

impl<'a> Open<'a> {
    pub(super) fn new(engine: &'a Engine<'a>, rows: &[Members], places: &[Vec<Vec<usize>>; 2]) -> Self {
        let sides = [Direction::Egress, Direction::Ingress];
        let open_in = |direction: Direction| {
            let of_row = |row: &Members| {
                row.ends.iter().copied().filter(|end| !engine.is_isolated(direction, *end)).collect::<Vec<EndId>>()
            };
            rows.iter().map(of_row).collect::<Vec<_>>()
        };
        let [sources, destinations] = places;
        let asked_in = |direction: Direction, rows_of: &[Vec<usize>]| {
            let is_asked = |end: &EndId| rows_of.get(end.index()).is_some_and(|rows| !rows.is_empty());
            let ends = engine.world().ids().filter(is_asked);
            ends.filter(|end| !engine.is_isolated(direction, *end)).collect::<Vec<EndId>>()
        };
        Open {
            engine,
            ends: sides.map(open_in),
            asked: [asked_in(Direction::Egress, sources), asked_in(Direction::Ingress, destinations)],
            rows: places.each_ref().map(|rows_of| rows_of.iter().flatten().copied().collect()),
        }
    }

    /// The first two of two rows that nothing isolates, and that can be connected.
    fn first(&self, source: usize, destination: usize) -> Option<(EndId, EndId)> {
        let [out, into] = &self.ends;
        self.first_of(out.get(source)?, into.get(destination)?)
    }

    fn first_of(&self, sources: &[EndId], destinations: &[EndId]) -> Option<(EndId, EndId)> {
        let world = self.engine.world();
        let can = |one: EndId, other: EndId| {
            let has_pods = world.pods(one).is_some() || world.pods(other).is_some();
            has_pods && !self.engine.is_itself(one, other) && world.coexist(one, other)
        };
        sources.iter().find_map(|one| {
            let other = destinations.iter().find(|other| can(*one, **other))?;
            Some((*one, *other))
        })
    }

    /// The rows with somebody who can be connected by that, as sources and as destinations.
    pub(super) fn used(&self, rows: &[Members]) -> [BTreeSet<usize>; 2] {
        let ([out, into], [asked_out, asked_into]) = (&self.ends, &self.asked);
        let [sources, destinations] = &self.rows;
        let known = |place: &usize| rows.get(*place).is_some();
        let is_source = |row: &usize| out.get(*row).is_some_and(|ends| self.first_of(ends, asked_into).is_some());
        let is_target = |row: &usize| into.get(*row).is_some_and(|ends| self.first_of(asked_out, ends).is_some());
        [
            sources.iter().copied().filter(known).filter(is_source).collect(),
            destinations.iter().copied().filter(known).filter(is_target).collect(),
        ]
    }
}

/// What is found out about two rows, one pair of ends after another.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pairs: u64,
    every: Option<PortSet>,
    some: PortSet,
    example: Option<(EndId, EndId)>,
    unknown: PortSet,
    doubtful: Option<(EndId, EndId)>,
}

impl Gathered {
    fn add(&mut self, source: EndId, destination: EndId, verdict: &Verdict) {
        let Verdict { allowed, unknown } = verdict;
        self.add_pair(allowed);
        if !self.some.contains(allowed) {
            self.some.insert(allowed);
            self.example = Some((source, destination));
        }
        if !unknown.is_empty() {
            self.unknown.insert(unknown);
            self.doubtful.get_or_insert((source, destination));
        }
    }

    /// Adds pairs that nothing isolates, of which the first was found in the order of all.
    fn add_open(&mut self, pairs: u64, first: impl FnOnce() -> Option<(EndId, EndId)>) {
        if pairs == 0 {
            return;
        }
        self.pairs += pairs;
        self.every.get_or_insert_with(PortSet::everything);
        if let Some(first) = first()
            && (!self.some.is_everything() || self.example.is_none_or(|example| example > first))
        {
            self.some = PortSet::everything();
            self.example = Some(first);
        }
    }

    fn add_pair(&mut self, allowed: &PortSet) {
        self.pairs += 1;
        self.every = Some(match self.every.take() {
            None => allowed.clone(),
            Some(every) if every == *allowed => every,
            Some(every) => every.intersect(allowed),
        });
    }
}

/// Counts the pairs of ends that can be connected, a pod and itself among them.
struct PairCount<'a> {
    world: &'a World,
    /// The names that several namespaces have, which cannot exist at once.
    several: BTreeSet<&'a Arc<str>>,
}

#[derive(Debug, Default)]
struct Counts<'a> {
    pods: u64,
    addresses: u64,
    /// Pods of namespaces that exclude others, by the name and the place of the namespace.
    exclusive: BTreeMap<&'a Arc<str>, BTreeMap<u32, u64>>,
}

impl<'a> PairCount<'a> {
    fn new(world: &'a World) -> Self {
        let (mut once, mut several) = (BTreeSet::new(), BTreeSet::new());
        for name in world.namespaces.iter().filter_map(|namespace| namespace.name.as_ref()) {
            if !once.insert(name) {
                several.insert(name);
            }
        }
        PairCount { world, several }
    }

    fn count(&self, ends: &[EndId]) -> Counts<'a> {
        let mut counts = Counts::default();
        for end in ends {
            let Some(pods) = self.world.pods(*end) else {
                counts.addresses += 1;
                continue;
            };
            counts.pods += 1;
            if let Some(home) = self.world.namespace(pods.namespace).filter(|home| home.known)
                && let Some(name) = home.name.as_ref().filter(|name| self.several.contains(name))
            {
                *counts.exclusive.entry(name).or_default().entry(pods.namespace.0).or_default() += 1;
            }
        }
        counts
    }

    fn between(&self, here: &Counts<'a>, there: &Counts<'a>) -> u64 {
        let all = (here.pods + here.addresses) * (there.pods + there.addresses) - here.addresses * there.addresses;
        let mut apart = 0;
        for (name, mine) in &here.exclusive {
            let Some(theirs) = there.exclusive.get(name) else { continue };
            let (here, there): (u64, u64) = (mine.values().sum(), theirs.values().sum());
            let same: u64 = mine.iter().map(|(id, count)| count * theirs.get(id).copied().unwrap_or_default()).sum();
            apart += here * there - same;
        }
        all - apart
    }
}
