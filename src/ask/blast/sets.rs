//! A search among all pods that could exist, kind by kind.

use super::addresses::AddressGroups;
use super::gathered::{GatheredEntry, Look, Said, Spot, Spots, entries, together};
use super::hop::{Front, HopGathering, Outside, Pack};
use super::kinds::{Kind, Kinds, Part};
use super::seen::SeenPods;
use super::{Blast, Ground, Hop, Reached, walk};
use crate::ask::everyone::Everyone;
use crate::ask::situation::Asked;
use crate::ask::space::{Ends, Space, SpaceGrants};
use crate::cover::{Budget, GaveUp};
use crate::flow::public_addresses;
use crate::net::{AddressSet, Direction, PortSet};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Where a search starts, and how far it goes.
#[derive(Debug, Clone, Copy)]
pub struct BlastFrom<'a> {
    /// Those at the start.
    pub asked: &'a Asked,
    /// Whether it goes against what is allowed.
    pub back: bool,
    /// At most so many hops.
    pub depth: usize,
    /// The DNS servers with the ports that they answer on, unless it goes through them.
    pub servers: Option<(&'a Asked, &'a PortSet)>,
}

impl Everyone<'_> {
    /// Goes from some ends along what some policies allow or may allow, or against it.
    pub fn blast(&self, grants: &SpaceGrants<'_>, from: BlastFrom<'_>, budget: &mut Budget) -> Result<Blast, GaveUp> {
        let (mut search, start) = SetSearch::new(self, grants, from, budget)?;
        let (steps, dns) = walk(&mut search, start, from.depth)?;
        let mut blast = std::mem::take(&mut search.blast);
        let all = std::mem::take(&mut search.reached);
        let kinds = search.kinds.clone();
        if search.has_doubts {
            let start = search.start(self, from.asked)?;
            search.is_sure = true;
            search.gathering.is_sure = true;
            walk(&mut search, start, from.depth)?;
            blast.count(&all, &search.reached);
        } else {
            blast.count(&all, &all);
        }
        let told: BTreeSet<usize> = steps.iter().chain(&dns).flat_map(|step| step.groups.iter().copied()).collect();
        let overlapping = kinds.overlapping(told.union(&blast.start).copied()).into_iter().collect();
        let groups = self.groups.iter().map(|group| group.name.clone()).collect();
        Ok(Blast { groups, steps, dns, overlapping, ..blast })
    }
}

pub(super) struct SetSearch<'a, 'b> {
    space: &'a Space,
    pub kinds: Rc<Kinds>,
    gathering: HopGathering<'a>,
    direction: Direction,
    addresses: AddressGroups,
    /// The DNS servers among addresses.
    servers: AddressSet,
    dns_ports: PortSet,
    seen: SeenPods,
    seen_addresses: AddressSet,
    reached: Reached,
    /// Whether it goes only along what is allowed for sure.
    is_sure: bool,
    /// Whether something that was found is not known.
    has_doubts: bool,
    blast: Blast,
    budget: &'b mut Budget,
}

/// What is told as one.
enum BlastLine {
    Pods(GatheredEntry, bool),
    Addresses { groups: Vec<usize>, addresses: AddressSet, said: Said, is_lookup: bool },
}

impl Ground for SetSearch<'_, '_> {
    type Front = Vec<Front>;

    fn hop(&mut self, from: &Vec<Front>) -> Result<Vec<Hop<Vec<Front>>>, GaveUp> {
        self.gathering.gather(from, &self.seen, self.budget)?;
        let mut hops = Vec::new();
        for line in self.lines()? {
            hops.push(self.reach(line)?);
        }
        self.gathering.granted.parts.clear();
        self.gathering.open.parts.clear();
        Ok(hops)
    }
}

impl<'a, 'b> SetSearch<'a, 'b> {
    /// A search, and those at its start.
    pub(super) fn new(
        everyone: &'a Everyone<'_>,
        grants: &'a SpaceGrants<'a>,
        from: BlastFrom<'_>,
        budget: &'b mut Budget,
    ) -> Result<(Self, Vec<Front>), GaveUp> {
        let find = |asked: &Asked| everyone.find(asked).unwrap_or_default();
        let direction = if from.back { Direction::Ingress } else { Direction::Egress };
        let servers = from.servers.map(|(servers, _)| find(servers)).unwrap_or_default();
        let (pods, others): (Vec<Ends>, Vec<Ends>) = servers.into_iter().partition(|end| end.pods().is_some());
        let kinds = Rc::new(Kinds::new(everyone, grants, &pods, budget)?);
        let mut search = SetSearch {
            space: &everyone.space,
            gathering: HopGathering::new(grants, kinds.clone(), direction),
            direction,
            addresses: AddressGroups::new(everyone),
            servers: all_addresses(&others),
            dns_ports: from.servers.map(|(_, ports)| ports.clone()).unwrap_or_default(),
            seen: SeenPods::new(&kinds),
            kinds,
            seen_addresses: AddressSet::empty(),
            reached: Reached::default(),
            is_sure: false,
            has_doubts: false,
            blast: Blast::default(),
            budget,
        };
        let start = search.start(everyone, from.asked)?;
        search.blast.start = search.at_start()?;
        Ok((search, start))
    }

    /// Those at the start, where nothing has been reached yet.
    fn start(&mut self, everyone: &Everyone<'_>, asked: &Asked) -> Result<Vec<Front>, GaveUp> {
        (self.seen, self.seen_addresses) = (SeenPods::new(&self.kinds), AddressSet::empty());
        self.reached = Reached::default();
        let mut start = Vec::new();
        for one in asked.each() {
            let ends = everyone.find(one).unwrap_or_default();
            // There may be others like one that is asked about.
            match one.pod() {
                Some(_) => start.extend(ends.into_iter().map(|ends| Front { ends, kind: None })),
                None => self.start_at(&ends, &mut start)?,
            }
        }
        Ok(start)
    }

    /// Adds those of some ends that are declared to the start.
    fn start_at(&mut self, ends: &[Ends], start: &mut Vec<Front>) -> Result<(), GaveUp> {
        let kinds = self.kinds.clone();
        for end in ends {
            if let Ends::Addresses(addresses) = end {
                self.seen_addresses = self.seen_addresses.union(addresses);
                start.push(Front { ends: end.clone(), kind: None });
                continue;
            }
            for kind in kinds.of(end) {
                let Some(one) = kinds.get(kind) else { continue };
                let both = if self.space.holds(end, &one.ends) {
                    Some(one.ends.clone())
                } else {
                    self.space.both(&one.ends, end)
                };
                let Some(both) = both else { continue };
                for part in self.seen.fresh(&kinds, self.space, (kind, &both), self.budget)? {
                    if !self.space.is_empty(&part, self.budget)? {
                        start.push(Front { ends: part, kind: Some(kind) });
                    }
                }
                self.seen.add(&kinds, self.space, kind, &both);
            }
        }
        Ok(())
    }

    /// The groups that are at the start as a whole.
    fn at_start(&mut self) -> Result<BTreeSet<usize>, GaveUp> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (kind, one) in (0..).zip(&self.kinds.all) {
            if self.seen.covers(&self.kinds, self.space, (kind, &one.ends), self.budget)? {
                one.groups.iter().for_each(|group| *counts.entry(*group).or_default() += 1);
            }
        }
        let whole = counts.into_iter().filter(|(group, count)| self.kinds.counts.get(*group) == Some(count));
        Ok(whole.map(|(group, _)| group).chain(self.addresses.inside(&self.seen_addresses)).collect())
    }

    /// Whether all of an end was reached before, or is at the start.
    #[cfg(test)]
    pub(super) fn has_seen(&mut self, addresses: &AddressSet) -> bool {
        self.seen_addresses.contains(addresses)
    }

    /// What is found as it is told, in the order of the groups. All that is open to all that is open is one.
    fn lines(&mut self) -> Result<Vec<BlastLine>, GaveUp> {
        let mut lines = Vec::new();
        let mut has_doubts = false;
        let mut outside = std::mem::take(&mut self.gathering.outside);
        if self.is_sure {
            let ports = &self.gathering.ports;
            outside.retain(|_, said| !ports.get(*said)[0].is_empty());
        }
        let HopGathering { granted, open, ports, .. } = &mut self.gathering;
        let mut look = |pack: &mut Pack, is_open: bool| {
            let found = pack.found.take();
            has_doubts |= ports.has_doubts(&found);
            let found = if self.is_sure { ports.sure(found) } else { found };
            let mut view = KindsView {
                kinds: &self.kinds,
                space: self.space,
                seen: &self.seen,
                parts: &pack.parts,
                direction: self.direction,
                is_egress: self.direction == Direction::Egress && !is_open,
                budget: self.budget,
            };
            match is_open {
                true => Ok(Vec::from_iter(together(&found, &mut view, ports, &self.dns_ports)?)),
                false => entries(&found, &mut view, ports, &self.dns_ports),
            }
        };
        lines.extend(look(granted, false)?.into_iter().map(|entry| BlastLine::Pods(entry, false)));
        let open = look(open, true)?;
        self.has_doubts |= has_doubts || outside.values().any(|said| self.gathering.ports.get(*said)[0].is_empty());
        self.tell_addresses(&outside, &mut lines);
        lines.extend(open.into_iter().map(|entry| BlastLine::Pods(entry, true)));
        self.tell_open_addresses(&outside, &mut lines);
        Ok(lines)
    }

    /// Tells addresses: where DNS servers are asked, they are told apart from all others.
    fn tell_addresses(&mut self, outside: &Outside, lines: &mut Vec<BlastLine>) {
        let mut sets: BTreeMap<(bool, AddressSet), Said> = BTreeMap::new();
        for ((_, all), said) in outside.iter().filter(|((is_open, _), _)| !is_open) {
            let is_told_apart = self.direction == Direction::Egress && all.overlaps(&self.servers);
            let parts = match is_told_apart {
                true => vec![(true, all.intersect(&self.servers)), (false, all.subtract(&self.servers))],
                false => vec![(false, all.clone())],
            };
            for part in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
                let ports = &mut self.gathering.ports;
                sets.entry(part).and_modify(|known| *known = ports.join(*known, *said)).or_insert(*said);
            }
        }
        let mut told: BTreeMap<Vec<usize>, (AddressSet, Said, bool)> = BTreeMap::new();
        for is_server in [false, true] {
            let of_class: Vec<(&AddressSet, Said)> = sets
                .iter()
                .filter(|((class, _), _)| *class == is_server)
                .map(|((_, set), said)| (set, *said))
                .collect();
            let ports = &mut self.gathering.ports;
            for one in &*self.addresses.tell(of_class.iter().map(|(set, _)| (*set).clone()).collect()) {
                let mut all = one.sets.iter().filter_map(|at| of_class.get(*at)).map(|(_, said)| *said);
                let Some(first) = all.next() else { continue };
                let said = all.fold(first, |all, said| ports.join(all, said));
                told.entry(one.groups.clone())
                    .and_modify(|(addresses, known, servers)| {
                        *addresses = addresses.union(&one.addresses);
                        (*known, *servers) = (ports.join(*known, said), *servers && is_server);
                    })
                    .or_insert((one.addresses.clone(), said, is_server));
            }
        }
        for (groups, (addresses, said, is_server)) in told {
            let ports = &mut self.gathering.ports;
            let said = ports.settled(said);
            let is_lookup = is_server && ports.get(said).iter().all(|set| self.dns_ports.contains(set));
            lines.push(BlastLine::Addresses { groups, addresses, said, is_lookup });
        }
    }

    fn tell_open_addresses(&mut self, outside: &Outside, lines: &mut Vec<BlastLine>) {
        for ((_, addresses), said) in outside.iter().filter(|((is_open, _), _)| *is_open) {
            let told = self.addresses.tell(vec![addresses.clone()]);
            let groups: BTreeSet<usize> = told.iter().flat_map(|told| told.groups.iter().copied()).collect();
            let (groups, addresses) = (groups.into_iter().collect(), addresses.clone());
            lines.push(BlastLine::Addresses { groups, addresses, said: *said, is_lookup: false });
        }
    }

    /// Notes that those of a line are reached.
    fn reach(&mut self, line: BlastLine) -> Result<Hop<Vec<Front>>, GaveUp> {
        let (groups, said, is_lookup, open, repeated, onward) = match line {
            BlastLine::Addresses { groups, addresses, said, is_lookup } => {
                let fresh = addresses.subtract(&self.seen_addresses);
                self.reached.internet |= fresh.overlaps(public_addresses());
                if !fresh.is_empty() {
                    self.reached.groups.extend(&groups);
                }
                self.seen_addresses = self.seen_addresses.union(&fresh);
                (groups, said, is_lookup, false, fresh.is_empty(), Vec::new())
            }
            BlastLine::Pods(entry, is_open) => {
                let (is_fresh, onward) = self.reach_pods(&entry, is_open)?;
                (entry.groups, entry.said, entry.is_lookup, entry.free, !is_fresh, onward)
            }
        };
        let [ports, unknown] = self.gathering.ports.get(said).map(PortSet::clone);
        let onward = (!onward.is_empty()).then_some(onward);
        Ok(Hop { groups, ports, unknown, open, is_lookup, repeated, onward })
    }

    /// Notes that pods are reached: whether some were not before, and those of them from whom it goes on.
    fn reach_pods(&mut self, entry: &GatheredEntry, is_open: bool) -> Result<(bool, Vec<Front>), GaveUp> {
        let pack = if is_open { &self.gathering.open } else { &self.gathering.granted };
        let (mut is_fresh, mut onward) = (false, Vec::new());
        for kind in entry.spots.iter().copied().filter(|kind| !self.seen.has_whole(*kind)).collect::<Vec<_>>() {
            let Some(one) = self.kinds.get(kind) else { continue };
            let whole = std::slice::from_ref(&one.ends);
            for part in pack.parts.get(&kind).map_or(whole, Vec::as_slice) {
                let fresh = self.seen.fresh(&self.kinds, self.space, (kind, part), self.budget)?;
                self.seen.add(&self.kinds, self.space, kind, part);
                if fresh.is_empty() {
                    continue;
                }
                is_fresh = true;
                self.reached.groups.extend(one.groups.iter().filter(|group| entry.groups.contains(group)));
                match one.is_server {
                    true => self.blast.stops_at_dns = true,
                    false => onward.extend(fresh.into_iter().map(|ends| Front { ends, kind: Some(kind) })),
                }
            }
        }
        Ok((is_fresh, onward))
    }
}

/// Kinds as they are found.
struct KindsView<'v> {
    kinds: &'v Kinds,
    space: &'v Space,
    seen: &'v SeenPods,
    parts: &'v rustc_hash::FxHashMap<u32, Vec<Ends>>,
    direction: Direction,
    /// Whether DNS servers are asked for names.
    is_egress: bool,
    budget: &'v mut Budget,
}

impl KindsView<'_> {
    fn parts<'p>(&'p self, spot: Spot, kind: &'p Kind) -> &'p [Ends] {
        self.parts.get(&spot).map_or(std::slice::from_ref(&kind.ends), Vec::as_slice)
    }

    /// Whether nothing isolates those of a kind that are found.
    fn is_free(&mut self, spot: Spot, kind: &Kind) -> Result<bool, GaveUp> {
        let open = match kind.open(self.direction) {
            Part::All => return Ok(true),
            Part::None => return Ok(false),
            Part::Some(open) => open,
        };
        let (space, parts) = (self.space, self.parts.get(&spot));
        for part in parts.map_or(std::slice::from_ref(&kind.ends), Vec::as_slice) {
            if !super::soon(self.budget, |budget| space.covers([open], part, budget))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Spots for KindsView<'_> {
    fn groups(&self, spot: Spot) -> &[usize] {
        self.kinds.get(spot).map(|kind| kind.groups.as_slice()).unwrap_or_default()
    }

    fn count(&self, group: usize) -> usize {
        self.kinds.counts.get(group).copied().unwrap_or_default()
    }

    fn look(&mut self, spot: Spot) -> Result<Look, GaveUp> {
        let kinds = self.kinds;
        let Some(kind) = kinds.get(spot) else { return Ok(Look { free: false, seen: true, is_server: false }) };
        let mut seen = true;
        if !self.seen.has_whole(spot) {
            for part in self.parts(spot, kind).to_vec() {
                seen = seen && self.seen.covers(kinds, self.space, (spot, &part), self.budget)?;
            }
        }
        let free = self.is_free(spot, kind)?;
        Ok(Look { free, seen, is_server: self.is_egress && kind.is_server })
    }
}

fn all_addresses(ends: &[Ends]) -> AddressSet {
    let addresses = ends.iter().filter_map(|end| match end {
        Ends::Addresses(addresses) => Some(addresses),
        Ends::Pods(_) => None,
    });
    AddressSet::union_of(addresses)
}
