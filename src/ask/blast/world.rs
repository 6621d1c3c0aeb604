//! A search among the ends of a world, one by one.

use super::{Alike, Blast, Ground, Hop, walk};
use crate::ask::situation::Situation;
use crate::cover::GaveUp;
use crate::engine::{End, EndId, Engine};
use crate::flow::public_addresses;
use crate::net::{Direction, PortSet};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

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
        let start: BTreeSet<EndId> = start.iter().copied().collect();
        let mut search = Search { engine, situation, back, dns, links, seen: start.clone(), reached: BTreeSet::new() };
        // Nothing here is given up.
        let (steps, dns_step) = walk(&mut search, start.iter().copied().collect(), depth).unwrap_or_default();
        let named: BTreeSet<usize> =
            steps.iter().chain(&dns_step).flat_map(|step| step.groups.iter().copied()).collect();
        let ends = |place: &usize| situation.groups.get(*place).map_or(&[][..], |group| &group.ends);
        let reached = search.reached;
        let is_public = |end: &EndId| match situation.world.end(*end) {
            Some(End::Addresses { addresses, .. }) => addresses.overlaps(public_addresses()),
            _ => false,
        };
        let is_server = |end: &&EndId| situation.world.pods(**end).is_some() && !start.contains(end);
        Blast {
            groups: situation.groups.iter().map(|group| group.name.clone()).collect(),
            steps,
            dns: dns_step,
            start: (0..situation.groups.len()).filter(|one| ends(one).iter().all(|end| start.contains(end))).collect(),
            reached: named.into_iter().filter(|one| ends(one).iter().any(|end| reached.contains(end))).collect(),
            internet: reached.iter().any(is_public),
            stops_at_dns: dns.ends.iter().filter(is_server).any(|end| reached.contains(end)),
        }
    }
}

/// Ends with the ports on which they are reached, and on which it is not known.
type Found = BTreeMap<EndId, (PortSet, PortSet)>;

struct Search<'a> {
    engine: &'a Engine<'a>,
    situation: &'a Situation,
    back: bool,
    dns: &'a Dns,
    links: Links,
    /// Those that are told, and the start.
    seen: BTreeSet<EndId>,
    /// Those that are told, and not the start.
    reached: BTreeSet<EndId>,
}

impl Ground for Search<'_> {
    type Front = Vec<EndId>;

    fn hop(&mut self, from: &Vec<EndId>) -> Result<Vec<Hop<Vec<EndId>>>, GaveUp> {
        let onwards = self.onwards();
        let mut hops = Vec::new();
        for (groups, found) in self.next(from) {
            let fresh: Vec<EndId> = found.keys().copied().filter(|end| self.seen.insert(*end)).collect();
            self.reached.extend(&fresh);
            let goes_on = |end: &EndId| self.is_pods(*end) && !self.dns.ends.contains(end);
            let pods: Vec<EndId> = fresh.iter().copied().filter(goes_on).collect();
            let (ports, unknown) = total(&found);
            hops.push(Hop {
                groups,
                ports,
                unknown,
                open: found.keys().all(|end| self.is_pods(*end) && self.is_open(onwards, *end)),
                is_lookup: self.is_lookup(&found),
                repeated: fresh.is_empty(),
                onward: (!pods.is_empty()).then_some(pods),
            });
        }
        Ok(hops)
    }
}

impl Search<'_> {
    fn onwards(&self) -> Direction {
        if self.back { Direction::Ingress } else { Direction::Egress }
    }

    fn is_pods(&self, end: EndId) -> bool {
        self.situation.world.pods(end).is_some()
    }

    fn is_open(&self, direction: Direction, end: EndId) -> bool {
        !self.engine.is_isolated(direction, end)
    }

    /// Whether all that is found are DNS servers, where they are asked for names.
    fn is_lookup(&self, found: &Found) -> bool {
        let (ports, unknown) = total(found);
        let is_asked = self.dns.ports.contains(&ports) && self.dns.ports.contains(&unknown);
        !self.back && is_asked && found.keys().all(|end| self.dns.ends.contains(end))
    }

    /// What is one hop from some ends, by group. All that is open to all that is open is one.
    fn next(&self, ends: &[EndId]) -> Vec<(Vec<usize>, Found)> {
        let mine = self.onwards();
        let theirs = mine.other();
        let mut by_group: BTreeMap<usize, Found> = BTreeMap::new();
        let mut open: [(BTreeSet<usize>, Found); 2] = Default::default();
        for end in ends {
            for (to, allowed, unknown) in self.links.get(end.index()).into_iter().flatten() {
                let groups = self.situation.groups_of(*to);
                let add = |found: &mut Found| {
                    let (ports, doubt) = found.entry(*to).or_default();
                    ports.insert(allowed);
                    doubt.insert(unknown);
                };
                if self.is_open(mine, *end) && self.is_open(theirs, *to) {
                    let [pods, addresses] = &mut open;
                    let (names, found) = if self.is_pods(*to) { pods } else { addresses };
                    names.extend(groups);
                    add(found);
                } else {
                    groups.iter().for_each(|group| add(by_group.entry(*group).or_default()));
                }
            }
        }
        let mut all: Vec<(Vec<usize>, Found)> = Vec::new();
        // Those that are not isolated go on alike, unless they have been told.
        let mut alike = Alike::new();
        self.keep(&mut by_group);
        for (groups, found) in of_equal_ends(by_group) {
            let (ports, unknown) = total(&found);
            let free = found.keys().all(|end| self.is_pods(*end) && self.is_open(mine, *end));
            let apart = [found.keys().all(|end| self.seen.contains(end)), self.is_lookup(&found)];
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
                let of_group = found.iter().filter(|(end, _)| self.situation.groups_of(**end).contains(&group));
                (group, of_group.map(|(end, ports)| (*end, ports.clone())).collect::<Found>())
            };
            let mut by_group: BTreeMap<usize, Found> = groups.into_iter().map(of_group).collect();
            self.keep(&mut by_group);
            (by_group.into_keys().collect(), found)
        }));
        all
    }

    /// Leaves out groups of which only such ends are found as are all of other groups.
    fn keep(&self, by_group: &mut BTreeMap<usize, Found>) {
        let size = |group: &usize| self.situation.groups.get(*group).map(|group| group.ends.len());
        let is_whole = |(group, found): (&usize, &Found)| size(group) == Some(found.len());
        let whole = by_group.iter().filter(|one| is_whole(*one));
        let covered: BTreeSet<EndId> = whole.flat_map(|(_, found)| found.keys().copied()).collect();
        by_group.retain(|group, found| is_whole((group, found)) || !found.keys().all(|end| covered.contains(end)));
    }
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
