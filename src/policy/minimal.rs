//! Takes away what the rest allows anyway: policies, rules, peers and ports.

use super::Direction;
use super::buckets::Buckets;
use super::concern::{Concern, Towards};
use super::data::{Port, PortTarget};
use super::name::Namer;
use super::subject::Subject;
use crate::net::{AddressSet, Peers, PortSet, Region, RegionIndex, Selector, SelectorIndex, uncovered};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A peer of a rule of a concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    concern: usize,
    rule: usize,
    peer: usize,
}

/// Makes the concerns irredundant: afterwards nothing can be taken from them without forbidding something.
///
/// Gives for each concern whether another one overlaps it at all.
pub fn reduce(concerns: &mut [Concern], namer: &Namer<'_>) -> Vec<bool> {
    let side = |concern: &Concern| 2 * concern.namespace + usize::from(concern.direction == Direction::Egress);
    let count = concerns.iter().map(|concern| side(concern) + 1).max().unwrap_or_default();
    let sides = Buckets::new(count, concerns.iter().map(side));
    let mut overlapping = vec![false; concerns.len()];
    for members in sides.iter() {
        let mut group = Group::new(concerns, namer, members);
        group.find_neighbours();
        if !group.is_touched() {
            continue;
        }
        group.take_away();
        for (cell, _) in group.cells.iter().zip(&group.neighbours).filter(|(_, found)| !found.is_empty()) {
            if let Some(slot) = overlapping.get_mut(cell.concern) {
                *slot = true;
            }
        }
        let removals = group.removals();
        removals.apply(concerns);
    }
    for concern in concerns {
        concern.rules.retain(|rule| !rule.peers.is_empty());
    }
    overlapping
}

/// How many pairs of cells are looked at one by one, for each cell on average; an index is faster for more.
const FEW_PAIRS: usize = 32;

/// The concerns of one namespace and direction.
struct Group<'a> {
    concerns: &'a [Concern],
    namer: &'a Namer<'a>,
    cells: Vec<Cell>,
    /// For each cell those that it overlaps, by their place in `cells`.
    neighbours: Vec<Vec<usize>>,
    /// The ports that are left of each cell.
    ports: Vec<PortSet>,
}

impl<'a> Group<'a> {
    fn new(concerns: &'a [Concern], namer: &'a Namer<'a>, members: &[usize]) -> Self {
        let mut cells = Vec::with_capacity(members.len());
        for &concern in members {
            let rules = concerns.get(concern).map(|concern| concern.rules.as_slice()).unwrap_or_default();
            for (rule, part) in rules.iter().enumerate() {
                cells.extend((0..part.peers.len()).map(|peer| Cell { concern, rule, peer }));
            }
        }
        let mut group = Group { concerns, namer, cells, neighbours: Vec::new(), ports: Vec::new() };
        group.ports = group.cells.iter().map(|cell| group.rule_ports(cell).cloned().unwrap_or_default()).collect();
        group
    }

    fn rule_ports(&self, cell: &Cell) -> Option<&'a PortSet> {
        Some(&self.concerns.get(cell.concern)?.rules.get(cell.rule)?.ports)
    }

    fn peers(&self, cell: &Cell) -> Option<&'a Peers> {
        Some(&self.concerns.get(cell.concern)?.rules.get(cell.rule)?.peers.get(cell.peer)?.region)
    }

    fn subject(&self, cell: &Cell) -> Option<&'a Arc<Subject>> {
        self.concerns.get(cell.concern).map(|concern| &concern.subject)
    }

    fn find_neighbours(&mut self) {
        self.neighbours = match self.neighbours_by_subject() {
            Some(neighbours) => {
                debug_assert_eq!(neighbours, self.neighbours_by_index(), "both ways find the same");
                neighbours
            }
            None => self.neighbours_by_index(),
        };
    }

    /// The neighbours of each cell, looked for among the cells whose subjects overlap; `None` when those are too many.
    fn neighbours_by_subject(&self) -> Option<Vec<Vec<usize>>> {
        let mut numbers: FxHashMap<*const Subject, usize> = FxHashMap::default();
        let mut subjects: Vec<&Selector> = Vec::new();
        let mut number = |subject: &'a Arc<Subject>| {
            *numbers.entry(Arc::as_ptr(subject)).or_insert_with(|| {
                subjects.push(&subject.selector);
                subjects.len() - 1
            })
        };
        let subject_of: Option<Vec<usize>> =
            self.cells.iter().map(|cell| self.subject(cell).map(&mut number)).collect();
        let subject_of = subject_of?;
        let cells = Buckets::new(subjects.len(), subject_of.iter().copied());
        let index = SelectorIndex::new(subjects.iter().copied().enumerate());
        let mut near: Vec<Vec<usize>> = Vec::with_capacity(subjects.len());
        let mut pairs = 0;
        for (selector, own) in subjects.iter().zip(cells.iter()) {
            let mut others = index.query(selector);
            others.retain(|other| subjects.get(*other).is_some_and(|other| other.overlaps(selector)));
            pairs += own.len() * others.iter().map(|other| cells.get(*other).len()).sum::<usize>();
            if pairs > FEW_PAIRS * self.cells.len() {
                return None;
            }
            near.push(others);
        }
        let mut neighbours = vec![Vec::new(); self.cells.len()];
        for ((at, cell), found) in self.cells.iter().enumerate().zip(&mut neighbours) {
            for subject in subject_of.get(at).and_then(|subject| near.get(*subject)).into_iter().flatten() {
                for other in cells.get(*subject) {
                    if *other != at && self.ends_overlap(cell, *other) {
                        found.push(*other);
                    }
                }
            }
            found.sort_unstable();
        }
        Some(neighbours)
    }

    /// The same, looked for among all cells.
    fn neighbours_by_index(&self) -> Vec<Vec<usize>> {
        let items = self.cells.iter().enumerate();
        let index = RegionIndex::new(
            items.filter_map(|(at, cell)| Some((at, &self.subject(cell)?.selector, self.peers(cell)?))),
        );
        let neighbours = self.cells.iter().enumerate().map(|(at, cell)| {
            let (Some(subject), Some(peers)) = (self.subject(cell), self.peers(cell)) else { return Vec::new() };
            let mut found = index.query(&subject.selector, peers);
            found.retain(|other| *other != at && self.overlap(cell, *other));
            found
        });
        neighbours.collect()
    }

    fn overlap(&self, cell: &Cell, other: usize) -> bool {
        let subjects = self.subject(cell).zip(self.cells.get(other).and_then(|other| self.subject(other)));
        subjects.is_some_and(|(subject, theirs)| subject.selector.overlaps(&theirs.selector))
            && self.ends_overlap(cell, other)
    }

    /// Whether two cells overlap whose subjects do.
    fn ends_overlap(&self, cell: &Cell, other: usize) -> bool {
        let Some(other) = self.cells.get(other) else { return false };
        let ports = self.rule_ports(cell).zip(self.rule_ports(other));
        ports.is_some_and(|(ports, theirs)| ports.overlaps(theirs))
            && self.peers(cell).zip(self.peers(other)).is_some_and(|(peers, theirs)| peers.overlaps(theirs))
    }

    /// Whether anything could be taken away from a cell: another one overlaps it, or it has no peers at all.
    fn is_touchable(&self, at: usize) -> bool {
        let lonely = self.neighbours.get(at).is_none_or(Vec::is_empty);
        let nothing = || self.cells.get(at).and_then(|cell| self.peers(cell)).is_some_and(Peers::is_empty);
        !lonely || nothing()
    }

    fn is_touched(&self) -> bool {
        (0..self.cells.len()).any(|at| self.is_touchable(at))
    }

    fn region(&self, at: usize, ports: &PortSet) -> Option<Region> {
        let cell = self.cells.get(at)?;
        let subject = self.concerns.get(cell.concern)?.subject.selector.clone();
        Some(Region { subject, peers: self.peers(cell)?.clone(), ports: ports.clone() })
    }

    /// Whether `ports` of a cell are allowed by the cells that `counts` admits.
    fn is_covered(&self, at: usize, ports: &PortSet, counts: &dyn Fn(&Cell) -> bool) -> bool {
        let Some(region) = self.region(at, ports) else { return true };
        let direction =
            self.cells.get(at).and_then(|cell| self.concerns.get(cell.concern)).map(|concern| concern.direction);
        let neighbours = self.neighbours.get(at).map(Vec::as_slice).unwrap_or_default();
        let others = neighbours.iter().filter(|other| self.cells.get(**other).is_some_and(counts));
        let others: Vec<Region> = others
            .filter_map(|other| self.region(*other, self.ports.get(*other)?))
            .filter(|other| !other.ports.is_empty())
            .collect();
        let others: Vec<&Region> = others.iter().collect();
        possible(region, direction).iter().all(|region| region.is_empty() || uncovered(region, &others).is_none())
    }

    /// Concerns in the order in which they may be taken away: narrow ones first, DNS last.
    fn order(&self, mut concerns: Vec<usize>) -> Vec<usize> {
        let width = |index: &usize| {
            let concern = self.concerns.get(*index);
            let requirements = concern.map_or(0, |concern| concern.subject.selector.keys().count());
            let peers = concern.into_iter().flat_map(|concern| &concern.rules).flat_map(|rule| &rule.peers);
            let peers = peers.map(|peer| peer_width(&peer.region)).max().unwrap_or_default();
            let dns = concern.is_none_or(|concern| concern.towards == Towards::Dns);
            (dns, std::cmp::Reverse(requirements), peers, concern.map(|concern| self.namer.concern(concern)))
        };
        concerns.sort_by_cached_key(width);
        concerns
    }

    fn take_away(&mut self) {
        let mut by_concern: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, cell) in self.cells.iter().enumerate() {
            by_concern.entry(cell.concern).or_default().push(at);
        }
        by_concern.retain(|_, cells| cells.iter().any(|at| self.is_touchable(*at)));
        let order = self.order(by_concern.keys().copied().collect());
        let cells = |concern: &usize| by_concern.get(concern).cloned().unwrap_or_default();
        for concern in &order {
            self.try_without(&cells(concern), &|cell| cell.concern != *concern);
        }
        for concern in &order {
            let mut rules: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for at in cells(concern) {
                if let Some(cell) = self.cells.get(at) {
                    rules.entry(cell.rule).or_default().push(at);
                }
            }
            for (rule, cells) in rules {
                let elsewhere = |cell: &Cell| (cell.concern, cell.rule) != (*concern, rule);
                self.try_without(&cells, &elsewhere);
                for at in &cells {
                    let Some(own) = self.cells.get(*at).copied() else { continue };
                    self.try_without(&[*at], &|cell| *cell != own);
                }
                self.try_ports(&cells, &elsewhere);
            }
        }
    }

    /// Takes cells away when the others allow the same.
    fn try_without(&mut self, cells: &[usize], counts: &dyn Fn(&Cell) -> bool) {
        let alive: Vec<usize> =
            cells.iter().copied().filter(|at| self.ports.get(*at).is_some_and(|ports| !ports.is_empty())).collect();
        let covered =
            alive.iter().all(|at| self.ports.get(*at).is_some_and(|ports| self.is_covered(*at, ports, counts)));
        if covered {
            for at in alive {
                if let Some(ports) = self.ports.get_mut(at) {
                    *ports = PortSet::empty();
                }
            }
        }
    }

    /// Takes single ports of a rule away when other rules allow them to all its peers.
    fn try_ports(&mut self, cells: &[usize], elsewhere: &dyn Fn(&Cell) -> bool) {
        let alive: Vec<usize> =
            cells.iter().copied().filter(|at| self.ports.get(*at).is_some_and(|ports| !ports.is_empty())).collect();
        let Some(ports) = alive.first().and_then(|at| self.ports.get(*at)).cloned() else { return };
        let mut left = ports.clone();
        for port in Port::list(&ports) {
            let piece = piece(&port);
            if left.subtract(&piece).is_empty() || !left.subtract(&piece).is_writable() {
                continue;
            }
            if alive.iter().all(|at| self.is_covered(*at, &piece, elsewhere)) {
                left = left.subtract(&piece);
            }
        }
        for at in alive {
            if let Some(ports) = self.ports.get_mut(at) {
                *ports = left.clone();
            }
        }
    }

    fn removals(self) -> Removals {
        let full = |cell: &Cell, left: &PortSet| self.rule_ports(cell) == Some(left);
        let changed = self.cells.iter().zip(&self.ports).filter(|(cell, left)| !full(cell, left));
        Removals { cells: changed.map(|(cell, left)| (*cell, left.clone())).collect() }
    }
}

/// What is left of the cells that changed.
struct Removals {
    cells: Vec<(Cell, PortSet)>,
}

impl Removals {
    fn apply(self, concerns: &mut [Concern]) {
        let mut dead: Vec<Cell> = Vec::new();
        for (cell, left) in self.cells {
            let rule = concerns.get_mut(cell.concern).and_then(|concern| concern.rules.get_mut(cell.rule));
            match rule {
                Some(rule) if !left.is_empty() => rule.ports = left,
                _ => dead.push(cell),
            }
        }
        for cell in dead.into_iter().rev() {
            if let Some(rule) = concerns.get_mut(cell.concern).and_then(|concern| concern.rules.get_mut(cell.rule))
                && cell.peer < rule.peers.len()
            {
                rule.peers.remove(cell.peer);
            }
        }
    }
}

/// The part of a region that traffic can be in: an address that somebody connects to has no named container ports.
pub fn possible(region: Region, direction: Option<Direction>) -> Vec<Region> {
    let numbers = region.ports.without_names();
    if direction != Some(Direction::Egress) || numbers == region.ports {
        return vec![region];
    }
    match region.peers {
        Peers::Any => {
            let everyone = Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
            let addresses = Peers::Addresses(AddressSet::all());
            vec![
                Region { peers: everyone, subject: region.subject.clone(), ports: region.ports },
                Region { peers: addresses, subject: region.subject, ports: numbers },
            ]
        }
        Peers::Addresses(_) => vec![Region { ports: numbers, ..region }],
        Peers::Pods { .. } => vec![region],
    }
}

fn peer_width(peers: &Peers) -> (u8, std::cmp::Reverse<usize>) {
    match peers {
        Peers::Addresses(_) => (0, std::cmp::Reverse(0)),
        Peers::Pods { namespaces, pods } => (1, std::cmp::Reverse(namespaces.keys().count() + pods.keys().count())),
        Peers::Any => (2, std::cmp::Reverse(0)),
    }
}

fn piece(port: &Port) -> PortSet {
    match &port.target {
        PortTarget::Every => PortSet::whole(port.protocol),
        PortTarget::Number(number) => PortSet::number(port.protocol, *number),
        PortTarget::Range(low, high) => PortSet::range(port.protocol, *low, *high),
        PortTarget::Named(name) => PortSet::named(port.protocol, name.clone()),
    }
}
