//! How far somebody gets from pods, hop by hop, or who gets at pods.

use super::situation::{Group, GroupName, Situation};
use crate::engine::{EndId, Engine};
use crate::net::{Direction, PortSet};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

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
        let mut search = Search { engine, situation, back, dns, names: Meant::new(situation), blast: Blast::default() };
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
    names: Meant,
    blast: Blast,
}

/// What ends are meant by, where a namespace that has a name may also have the labels by which others are known: nobody
/// means it by those.
struct Meant {
    /// For each end its groups, and the pods beside it in its namespace.
    groups: Vec<Vec<usize>>,
    /// Those that are such pods.
    doubtful: BTreeSet<EndId>,
    /// How many others each group has.
    sizes: Vec<usize>,
}

impl Meant {
    fn new(situation: &Situation) -> Self {
        let rest = |(place, group): (usize, &Group)| match &group.name {
            GroupName::Rest(Some(home)) => Some((home.clone(), place)),
            _ => None,
        };
        let rests: BTreeMap<Arc<str>, usize> = situation.groups.iter().enumerate().filter_map(rest).collect();
        let mut meant = Meant {
            groups: Vec::new(),
            doubtful: BTreeSet::new(),
            sizes: situation.groups.iter().map(|group| group.ends.len()).collect(),
        };
        for end in situation.world.ids() {
            let mut groups = situation.groups_of(end).to_vec();
            let home = situation.world.namespace_of(end).and_then(|namespace| namespace.name.as_ref());
            let is_elsewhere = |place: &usize| {
                let name = situation.groups.get(*place).map(|group| &group.name);
                name.is_some_and(|name| name.is_pods() && name.namespace() != home)
            };
            if let Some(home) = home.filter(|_| groups.iter().any(is_elsewhere)) {
                meant.doubtful.insert(end);
                for group in &groups {
                    meant.sizes.get_mut(*group).into_iter().for_each(|size| *size -= 1);
                }
                groups.extend(rests.get(home));
            }
            meant.groups.push(groups);
        }
        meant
    }

    fn of(&self, end: EndId) -> &[usize] {
        self.groups.get(end.index()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those of which nobody doubts whom they are meant by; all when there are no others.
    fn clear<'f>(&self, found: &'f Found) -> Vec<(&'f EndId, &'f (PortSet, PortSet))> {
        let clear: Vec<_> = found.iter().filter(|(end, _)| !self.doubtful.contains(end)).collect();
        if clear.is_empty() { found.iter().collect() } else { clear }
    }

    /// Leaves out groups of which only such ends are found as are all of other groups.
    fn keep(&self, by_group: &mut BTreeMap<usize, Found>) {
        let is_clear = |end: &&EndId| !self.doubtful.contains(end);
        let is_whole = |(group, found): (&usize, &Found)| {
            let clear = found.keys().filter(is_clear).count();
            clear > 0 && self.sizes.get(*group) == Some(&clear)
        };
        let whole = by_group.iter().filter(|one| is_whole(*one));
        let covered: BTreeSet<EndId> = whole.flat_map(|(_, found)| found.keys().copied()).collect();
        by_group.retain(|group, found| is_whole((group, found)) || !found.keys().all(|end| covered.contains(end)));
    }
}

impl Search<'_> {
    fn is_open(&self, direction: Direction, end: EndId) -> bool {
        !self.engine.is_isolated(direction, end)
    }

    /// Whether all that is found are DNS servers, where they are asked for names.
    fn is_lookup(&self, found: &Found) -> bool {
        let (ports, unknown) = self.total(found);
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
        let from = |end: &EndId| links.get(end.index()).into_iter().flatten();
        let is_doubtful = |end: &&EndId| self.names.doubtful.contains(end);
        let (doubtful, clear): (Vec<&EndId>, Vec<&EndId>) = ends.iter().partition(is_doubtful);
        let told: BTreeSet<&EndId> = clear.iter().flat_map(|end| from(end)).map(|(to, ..)| to).collect();
        for end in clear.into_iter().chain(doubtful) {
            for (to, allowed, unknown) in from(end) {
                // Where those get who are meant, they do not get further for the sake of those who may be.
                if is_doubtful(&end) && told.contains(to) {
                    continue;
                }
                let groups = self.names.of(*to);
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
        self.names.keep(&mut by_group);
        for (groups, found) in of_equal_ends(by_group) {
            let (ports, unknown) = self.total(&found);
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
                let of_group = found.iter().filter(|(end, _)| self.names.of(**end).contains(&group));
                (group, of_group.map(|(end, ports)| (*end, ports.clone())).collect::<Found>())
            };
            let mut by_group: BTreeMap<usize, Found> = groups.into_iter().map(of_group).collect();
            self.names.keep(&mut by_group);
            (by_group.into_keys().collect(), found)
        }));
        all
    }

    /// All ports, and of the others those of which it is not known.
    fn total(&self, found: &Found) -> (PortSet, PortSet) {
        let (mut ports, mut unknown) = (PortSet::empty(), PortSet::empty());
        for (_, (allowed, doubt)) in self.names.clear(found) {
            ports.insert(allowed);
            unknown.insert(doubt);
        }
        let unknown = unknown.subtract(&ports);
        (ports, unknown)
    }

    fn step(&self, before: Option<usize>, hops: usize, groups: Vec<usize>, found: &Found, repeated: bool) -> Step {
        let onwards = if self.back { Direction::Ingress } else { Direction::Egress };
        let (ports, unknown) = self.total(found);
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
