//! How far somebody gets from pods, hop by hop, or who gets at pods.

use super::engine::Engine;
use super::situation::Situation;
use super::world::EndId;
use crate::net::PortSet;
use crate::policy::Direction;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

/// Everything that can be reached, as a tree in which each end is expanded once, where it is nearest.
#[derive(Debug, Default)]
pub struct Blast {
    /// The steps, parents before children; the first are the hops from the start.
    pub steps: Vec<Step>,
    /// How many ends are reached, without the start.
    pub reached: BTreeSet<EndId>,
    /// The DNS servers that are asked for names, and not gone through, as one step for all.
    pub dns: Option<Step>,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The step before it; `None` for the start.
    pub before: Option<usize>,
    /// The hops from the start, from 1.
    pub hops: usize,
    /// The groups of the situation that it is about: one, or all that are open to everybody alike.
    pub groups: Vec<usize>,
    /// The ports on which some of the ends before it get there, or for those who get at something, on which they do.
    pub ports: PortSet,
    /// The same, where it is not known.
    pub unknown: PortSet,
    /// Whether the ends are told elsewhere in the tree, nearer to the start or before.
    pub repeated: bool,
    /// Whether none of them is isolated on the way on.
    pub open: bool,
}

/// DNS servers, which nearly everybody may ask: whoever went through them would get nearly everywhere.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    /// They.
    pub ends: BTreeSet<EndId>,
    /// The ports that they answer on.
    pub ports: PortSet,
}

/// Who is connected to whom, in the direction of the search.
type Links = Vec<Vec<(EndId, PortSet, PortSet)>>;

impl Blast {
    /// Goes from `start` along what is allowed or may be, or with `back` against it, at most `depth` hops, and not through
    /// these DNS servers.
    pub fn new(
        engine: &Engine<'_>,
        situation: &Situation,
        start: &[EndId],
        back: bool,
        depth: usize,
        dns: &Dns,
    ) -> Blast {
        let mut links: Links = vec![Vec::new(); situation.world.ends.len()];
        engine.connections(|source, destination, verdict| {
            let (from, to) = if back { (destination, source) } else { (source, destination) };
            if let Some(list) = links.get_mut(from.index()) {
                list.push((to, verdict.allowed.clone(), verdict.unknown.clone()));
            }
            ControlFlow::Continue(())
        });
        let mut search = Search { engine, situation, back, dns, blast: Blast::default() };
        let mut seen: BTreeSet<EndId> = start.iter().copied().collect();
        let mut waiting = VecDeque::from([(None, 0, start.to_vec())]);
        while let Some((before, hops, ends)) = waiting.pop_front() {
            if hops >= depth {
                continue;
            }
            for (groups, found) in search.next(&links, &ends, &seen) {
                let fresh: Vec<EndId> = found.keys().copied().filter(|end| seen.insert(*end)).collect();
                let goes_on = |end: &EndId| situation.world.pods(*end).is_some() && !dns.ends.contains(end);
                let pods: Vec<EndId> = fresh.iter().copied().filter(goes_on).collect();
                search.blast.reached.extend(&fresh);
                let step = search.step(before, hops + 1, groups, &found, fresh.is_empty());
                if search.is_lookup(&found) {
                    search.look_up(step);
                    continue;
                }
                search.blast.steps.push(step);
                if !pods.is_empty() {
                    waiting.push_back((Some(search.blast.steps.len() - 1), hops + 1, pods));
                }
            }
        }
        search.blast
    }
}

/// Ends with the ports on which they are reached, and on which it is not known.
type Found = BTreeMap<EndId, (PortSet, PortSet)>;

struct Search<'a> {
    engine: &'a Engine<'a>,
    situation: &'a Situation,
    back: bool,
    dns: &'a Dns,
    blast: Blast,
}

impl Search<'_> {
    fn is_open(&self, direction: Direction, end: EndId) -> bool {
        !self.engine.is_isolated(direction, end)
    }

    /// Whether all that is found are DNS servers, where they are asked for names.
    fn is_lookup(&self, found: &Found) -> bool {
        let (ports, unknown) = total(found);
        let is_asked = self.dns.ports.contains(&ports) && self.dns.ports.contains(&unknown);
        !self.back && is_asked && found.keys().all(|end| self.dns.ends.contains(end))
    }

    /// Adds to the one step for all lookups.
    fn look_up(&mut self, step: Step) {
        let Some(known) = &mut self.blast.dns else {
            self.blast.dns = Some(step);
            return;
        };
        known.groups.extend(step.groups.into_iter().filter(|group| !known.groups.contains(group)).collect::<Vec<_>>());
        known.groups.sort_unstable();
        known.ports.insert(&step.ports);
        known.unknown.insert(&step.unknown);
        known.unknown = known.unknown.subtract(&known.ports);
    }

    /// What is one hop from some ends, by group. All that is open to all that is open is one.
    fn next(&self, links: &Links, ends: &[EndId], seen: &BTreeSet<EndId>) -> Vec<(Vec<usize>, Found)> {
        let (mine, theirs) = match self.back {
            false => (Direction::Egress, Direction::Ingress),
            true => (Direction::Ingress, Direction::Egress),
        };
        let mut by_group: BTreeMap<usize, Found> = BTreeMap::new();
        let mut open: [(BTreeSet<usize>, Found); 2] = Default::default();
        for end in ends {
            for (to, allowed, unknown) in links.get(end.index()).into_iter().flatten() {
                let groups = self.situation.groups_of(*to);
                let add = |found: &mut Found| {
                    let (ports, doubt) = found.entry(*to).or_default();
                    ports.insert(allowed);
                    doubt.insert(unknown);
                };
                if self.is_open(mine, *end) && self.is_open(theirs, *to) {
                    let [pods, addresses] = &mut open;
                    let (names, found) = if self.situation.world.pods(*to).is_some() { pods } else { addresses };
                    names.extend(groups);
                    add(found);
                } else {
                    groups.iter().for_each(|group| add(by_group.entry(*group).or_default()));
                }
            }
        }
        let mut all: Vec<(Vec<usize>, Found)> = Vec::new();
        // Those that are not isolated go on alike, unless they have been told.
        let mut alike: BTreeMap<(PortSet, PortSet, [bool; 2]), usize> = BTreeMap::new();
        self.only_meant(&mut by_group);
        for (groups, found) in of_equal_ends(by_group) {
            let (ports, unknown) = total(&found);
            let free = found.keys().all(|end| self.situation.world.pods(*end).is_some() && self.is_open(mine, *end));
            let apart = [found.keys().all(|end| seen.contains(end)), self.is_lookup(&found)];
            let same = free.then(|| *alike.entry((ports, unknown, apart)).or_insert(all.len()));
            match same.and_then(|place| all.get_mut(place)) {
                Some((more, known)) => {
                    more.extend(groups);
                    known.extend(found);
                }
                None => all.push((groups, found)),
            }
        }
        let open = open.into_iter().filter(|(_, found)| !found.is_empty());
        all.extend(open.map(|(groups, found)| {
            let of_group = |group: usize| {
                let ends = self.situation.groups.get(group).map(|group| group.ends.as_slice()).unwrap_or_default();
                let ends = ends.iter().filter_map(|end| Some((*end, found.get(end)?.clone())));
                (group, ends.collect::<Found>())
            };
            let mut by_group: BTreeMap<usize, Found> = groups.into_iter().map(of_group).collect();
            self.only_meant(&mut by_group);
            (by_group.into_keys().collect(), found)
        }));
        all
    }

    /// Leaves out groups of which only such ends are found as are all of other groups: a pod of a tier may also be in a
    /// namespace that is known by labels, and nobody means that by its name.
    fn only_meant(&self, by_group: &mut BTreeMap<usize, Found>) {
        let is_whole = |(group, found): (&usize, &Found)| {
            self.situation.groups.get(*group).is_some_and(|group| group.ends.len() == found.len())
        };
        let whole = by_group.iter().filter(|one| is_whole(*one));
        let covered: BTreeSet<EndId> = whole.flat_map(|(_, found)| found.keys().copied()).collect();
        by_group.retain(|group, found| is_whole((group, found)) || !found.keys().all(|end| covered.contains(end)));
    }

    fn step(&self, before: Option<usize>, hops: usize, groups: Vec<usize>, found: &Found, repeated: bool) -> Step {
        let onwards = if self.back { Direction::Ingress } else { Direction::Egress };
        let (ports, unknown) = total(found);
        let pods = |end: &EndId| self.situation.world.pods(*end).is_some();
        let open = found.keys().all(|end| pods(end) && self.is_open(onwards, *end));
        Step { before, hops, groups, ports, unknown, repeated, open }
    }
}

/// Puts groups together of which the same ends are found, in the order of their first.
fn of_equal_ends(by_group: BTreeMap<usize, Found>) -> Vec<(Vec<usize>, Found)> {
    let mut places: BTreeMap<Vec<EndId>, usize> = BTreeMap::new();
    let mut all: Vec<(Vec<usize>, Found)> = Vec::new();
    for (group, found) in by_group {
        let place = *places.entry(found.keys().copied().collect()).or_insert(all.len());
        match all.get_mut(place) {
            Some((groups, _)) => groups.push(group),
            None => all.push((vec![group], found)),
        }
    }
    all
}

/// All ports, and of the others those of which it is not known.
fn total(found: &Found) -> (PortSet, PortSet) {
    let (mut ports, mut unknown) = (PortSet::empty(), PortSet::empty());
    for (allowed, doubt) in found.values() {
        ports.insert(allowed);
        unknown.insert(doubt);
    }
    let unknown = unknown.subtract(&ports);
    (ports, unknown)
}
