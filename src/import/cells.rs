//! What one side of a namespace lets through, by pairs of ends, and whether that covers something.

use crate::cover::{Budget, missing, unmatched};
use crate::net::{Direction, Peers, PortSet, Region, RegionIndex, Selector, escapes};
use crate::prove::worlds;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Comparisons of two regions that one question may take; what is not settled by then counts as not covered.
const MOST_OF_QUESTION: usize = 4_000;

/// Comparisons that an import may take: about two seconds.
const MOST_OF_ALL: usize = 2_000_000;

/// How many comparisons of two regions may still be made, by one import as a whole.
#[derive(Debug)]
pub(super) struct Patience(usize);

impl Patience {
    /// What one import may take.
    pub(super) fn new() -> Self {
        Patience(MOST_OF_ALL)
    }

    /// How many were made.
    pub(super) fn spent(&self) -> usize {
        MOST_OF_ALL - self.0
    }

    /// Whether none may be made any more.
    pub(super) fn is_over(&self) -> bool {
        self.0 == 0
    }

    /// Whether so many more comparisons may be made.
    pub(super) fn spend(&mut self, comparisons: usize) -> bool {
        let left = self.0.checked_sub(comparisons);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }

    /// Whether all that a selector matches is matched by some others. Where it takes too long to tell, the answer is no.
    pub(super) fn all_matched(&mut self, selector: &Selector, by: &[&Selector]) -> bool {
        let region =
            |pods: &Selector| Region { subject: pods.clone(), peers: Peers::Any, ports: PortSet::everything() };
        let regions: Vec<Region> = by.iter().map(|pods| region(pods)).collect();
        let whole = region(selector);
        let weight = weight(&whole);
        if !self.spend(by.len() * weight) || escapes(&whole, &regions.iter().collect::<Vec<_>>()) {
            return false;
        }
        let most = self.0.min(MOST_OF_QUESTION) / weight;
        let mut budget = Budget::new(most);
        let found = unmatched(selector, by, &mut budget);
        self.0 = self.0.saturating_sub((most - budget.left()) * weight);
        found == Ok(None)
    }

    /// Whether some regions of a side cover another one. Where it takes too long to tell, the answer is no.
    pub(super) fn covers(&mut self, by: &[&Region], region: &Region, direction: Direction) -> bool {
        worlds(region).into_iter().all(|mut part| {
            // Nobody knows the container ports of an address.
            if direction == Direction::Egress && matches!(part.peers, Peers::Addresses(_)) {
                part.ports = part.ports.without_names();
            }
            let weight = weight(&part);
            self.0 = self.0.saturating_sub(by.len() * weight);
            if escapes(&part, by) {
                return false;
            }
            let most = self.0.min(MOST_OF_QUESTION) / weight;
            let mut budget = Budget::new(most);
            let found = missing(part, by, &mut budget);
            self.0 = self.0.saturating_sub((most - budget.left()) * weight);
            found == Ok(None)
        })
    }
}

/// How many comparisons one counts as: of very large selectors it takes much longer.
fn weight(region: &Region) -> usize {
    /// So many keys are compared in no time.
    const FEW: usize = 16;
    let keys = region.subject.keys().count();
    let peers = match &region.peers {
        Peers::Pods { namespaces, pods } => namespaces.keys().count() + pods.keys().count(),
        Peers::Any | Peers::Addresses(_) => 0,
    };
    1 + (keys + peers) / FEW
}

/// All parts of a side with the same ends.
#[derive(Debug)]
struct Cell {
    /// Its ends, and the ports of all parts that are left.
    region: Region,
    /// Its parts, with their ports.
    parts: BTreeMap<usize, PortSet>,
    /// How many of the parts have the same ports.
    alike: FxHashMap<PortSet, usize>,
}

/// The parts of a side, by their ends.
#[derive(Debug)]
pub(super) struct Cells {
    direction: Direction,
    cells: Vec<Cell>,
    index: RegionIndex,
    /// The cell of each part.
    homes: Vec<usize>,
}

impl Cells {
    /// The cells of some parts of one direction, each of which is called by its place in the list.
    pub(super) fn new<'a>(
        direction: Direction,
        parts: impl IntoIterator<Item = (&'a Selector, &'a Peers, &'a PortSet)>,
    ) -> Cells {
        let mut ids: FxHashMap<(&Selector, &Peers), usize> = FxHashMap::default();
        let (mut cells, mut homes): (Vec<Cell>, Vec<usize>) = (Vec::new(), Vec::new());
        for (part, (subject, peers, ports)) in parts.into_iter().enumerate() {
            let id = *ids.entry((subject, peers)).or_insert_with(|| {
                let region = Region { subject: subject.clone(), peers: peers.clone(), ports: PortSet::empty() };
                cells.push(Cell { region, parts: BTreeMap::new(), alike: FxHashMap::default() });
                cells.len() - 1
            });
            homes.push(id);
            if let Some(cell) = cells.get_mut(id) {
                cell.parts.insert(part, ports.clone());
                *cell.alike.entry(ports.clone()).or_default() += 1;
            }
        }
        cells.iter_mut().for_each(Cell::unite);
        let ends = cells.iter().enumerate().map(|(at, cell)| (at, &cell.region.subject, &cell.region.peers));
        let index = RegionIndex::new(ends);
        Cells { direction, cells, index, homes }
    }

    /// Whether the parts that are left cover a region.
    pub(super) fn cover(&self, region: &Region, patience: &mut Patience) -> bool {
        self.covered_but(region, &[], patience)
    }

    /// Whether all other parts that are left cover one; `own` are those that do not count.
    pub(super) fn cover_without(&self, part: usize, own: &[usize], patience: &mut Patience) -> bool {
        let Some(cell) = self.homes.get(part).and_then(|home| self.cells.get(*home)) else { return false };
        let Some(ports) = cell.parts.get(&part) else { return false };
        let own_alike = own.iter().filter(|one| cell.parts.get(one) == Some(ports)).count();
        if cell.alike.get(ports).is_some_and(|alike| *alike > own_alike) {
            return true;
        }
        if !patience.spend(cell.parts.len()) {
            return false;
        }
        let others = cell.parts.iter().filter(|(one, _)| !own.contains(one)).map(|(_, ports)| ports);
        let others: Vec<&PortSet> = others.filter(|other| other.overlaps(ports)).collect();
        if others.iter().any(|other| other.contains(ports)) {
            return true;
        }
        let region = Region { ports: ports.clone(), ..cell.region.clone() };
        self.covered_but(&region, own, patience)
    }

    /// Whether the parts that are left cover a region, without those of `own`.
    fn covered_but(&self, region: &Region, own: &[usize], patience: &mut Patience) -> bool {
        if patience.is_over() {
            return false;
        }
        let near = self.index.query(&region.subject, &region.peers);
        if !patience.spend(near.len() + 1) {
            return false;
        }
        let homes: Vec<usize> = own.iter().filter_map(|part| self.homes.get(*part).copied()).collect();
        let near = near.into_iter().filter_map(|at| Some((at, self.cells.get(at)?)));
        let near = near.filter(|(_, cell)| cell.region.ports.overlaps(&region.ports));
        let (whole, parted): (Vec<_>, Vec<_>) = near.partition(|(at, _)| !homes.contains(at));
        let rest = |(_, cell): (usize, &Cell)| {
            let others = cell.parts.iter().filter(|(one, _)| !own.contains(one)).map(|(_, ports)| ports);
            let ports = PortSet::union_of(others.filter(|other| other.overlaps(&region.ports)));
            (!ports.is_empty()).then(|| Region { ports, ..cell.region.clone() })
        };
        let parted: Vec<Region> = parted.into_iter().filter_map(rest).collect();
        let by: Vec<&Region> = whole.into_iter().map(|(_, cell)| &cell.region).chain(&parted).collect();
        if by.is_empty() { region.is_empty() } else { patience.covers(&by, region, self.direction) }
    }

    /// Takes a part away.
    pub(super) fn remove(&mut self, part: usize) {
        let home = self.homes.get(part).copied();
        if let Some(cell) = home.and_then(|home| self.cells.get_mut(home)) {
            let Some(ports) = cell.parts.remove(&part) else { return };
            match cell.alike.get_mut(&ports) {
                Some(others @ 2..) => *others -= 1,
                _ => {
                    cell.alike.remove(&ports);
                    cell.unite();
                }
            }
        }
    }

    /// The parts that are left and may let through some of what a region is, in the order of the cells. Not all of them, where
    /// it takes too long to find them.
    pub(super) fn near(&self, region: &Region, patience: &mut Patience) -> Vec<usize> {
        let near = self.index.query(&region.subject, &region.peers).into_iter().filter_map(|at| self.cells.get(at));
        let near = near.filter(|cell| cell.region.overlaps(region));
        let near = near.take_while(|cell| patience.spend(1 + cell.parts.len()));
        let parts = near.flat_map(|cell| cell.parts.iter().filter(|(_, ports)| ports.overlaps(&region.ports)));
        parts.map(|(part, _)| *part).collect()
    }
}

impl Cell {
    fn unite(&mut self) {
        self.region.ports = match self.parts.len() == self.alike.len() {
            true => PortSet::union_of(self.parts.values()),
            false => {
                // In the order of the parts, not in that of a hash map.
                let mut seen = FxHashSet::default();
                PortSet::union_of(self.parts.values().filter(|ports| seen.insert(*ports)))
            }
        };
    }
}
