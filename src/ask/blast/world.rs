//! A search among the ends of a world, one by one.

use super::gathered::{Found, GatheredEntry, Look, PortNumbers, Said, Spot, Spots, entries, together};
use super::{Blast, Ground, Hop, Reached, Step, walk};
use crate::ask::situation::Situation;
use crate::cover::GaveUp;
use crate::engine::{End, EndId, Engine, World};
use crate::flow::public_addresses;
use crate::net::{Direction, PortSet};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// DNS servers, which nearly everybody may ask: whoever went through them would get nearly everywhere.
#[derive(Debug, Clone, Default)]
pub struct DnsEnds {
    /// They.
    pub ends: BTreeSet<EndId>,
    /// The ports that they answer on.
    pub ports: PortSet,
}

/// Who is connected to whom where something is isolated, in the direction of the search.
type Links = Vec<Vec<(Spot, Said)>>;

impl Blast {
    /// Goes from `start` along what is allowed or may be, or with `back` against it, at most `depth` hops, and not through
    /// these DNS servers.
    pub fn new(
        engine: &Engine<'_>,
        situation: &Situation,
        start: &[EndId],
        back: bool,
        depth: usize,
        dns: &DnsEnds,
    ) -> Blast {
        let mut search = WorldSearch::new(engine, situation, back, dns);
        let start: BTreeSet<EndId> = start.iter().copied().collect();
        // Nothing here is given up.
        let (steps, dns_step) = search.run(&start, depth).unwrap_or_default();
        let all = search.reached(&start, &steps, dns_step.as_ref());
        let gone_from = std::mem::take(&mut search.gone_from);
        let ends = |place: &usize| situation.groups.get(*place).map_or(&[][..], |group| &group.ends);
        let mut blast = Blast {
            groups: situation.groups.iter().map(|group| group.name.clone()).collect(),
            start: (0..situation.groups.len()).filter(|one| ends(one).iter().all(|end| start.contains(end))).collect(),
            gone_from,
            stops_at_dns: dns.ends.iter().any(|end| search.ends.is_pods(*end) && search.is_reached(&start, *end)),
            ..Blast::default()
        };
        if search.has_doubts {
            search.is_sure = true;
            let (steps, dns_step) = search.run(&start, depth).unwrap_or_default();
            blast.count(&all, &search.reached(&start, &steps, dns_step.as_ref()));
        } else {
            blast.count(&all, &all);
        }
        Blast { steps, dns: dns_step, ..blast }
    }
}

/// The ends, by their numbers.
struct Ends<'a> {
    situation: &'a Situation,
    back: bool,
    dns: &'a DnsEnds,
    /// Whether nothing isolates them on the way on.
    open: Vec<bool>,
    /// Those that are told, and the start.
    seen: Vec<bool>,
}

impl Ends<'_> {
    fn is_pods(&self, end: EndId) -> bool {
        self.situation.world.pods(end).is_some()
    }

    fn is_open(&self, end: EndId) -> bool {
        self.open.get(end.index()).is_some_and(|open| *open)
    }

    fn is_seen(&self, end: EndId) -> bool {
        self.seen.get(end.index()).is_some_and(|seen| *seen)
    }

    fn see(&mut self, end: EndId) {
        self.seen.get_mut(end.index()).into_iter().for_each(|seen| *seen = true);
    }
}

impl Spots for Ends<'_> {
    fn groups(&self, spot: Spot) -> &[usize] {
        self.situation.groups_of(EndId(spot))
    }

    fn count(&self, group: usize) -> usize {
        self.situation.groups.get(group).map_or(0, |group| group.ends.len())
    }

    fn look(&mut self, spot: Spot) -> Result<Look, GaveUp> {
        let end = EndId(spot);
        Ok(Look {
            free: self.is_pods(end) && self.is_open(end),
            seen: self.is_seen(end),
            is_server: !self.back && self.dns.ends.contains(&end),
        })
    }
}

struct WorldSearch<'a> {
    world: &'a World,
    ends: Ends<'a>,
    links: Links,
    /// The ends that nothing isolates on the way here: pods, and addresses.
    open: [Vec<EndId>; 2],
    found: Found,
    ports: PortNumbers,
    everything: Said,
    /// Those that it went on from.
    gone_from: BTreeSet<EndId>,
    /// Whether it goes only along what is allowed for sure.
    is_sure: bool,
    /// Whether something that was found is not known.
    has_doubts: bool,
}

impl Ground for WorldSearch<'_> {
    type Front = Vec<EndId>;

    fn hop(&mut self, from: &Vec<EndId>) -> Result<Vec<Hop<Vec<EndId>>>, GaveUp> {
        self.gone_from.extend(from);
        let mut hops = Vec::new();
        for entry in self.next(from)? {
            hops.push(self.reach(entry));
        }
        Ok(hops)
    }
}

impl<'a> WorldSearch<'a> {
    fn new(engine: &'a Engine<'_>, situation: &'a Situation, back: bool, dns: &'a DnsEnds) -> Self {
        let world = &situation.world;
        let mut ports = PortNumbers::default();
        let mut links: Links = vec![Vec::new(); world.ends.len()];
        engine.closed_connections(|source, destination, verdict| {
            let (from, to) = if back { (destination, source) } else { (source, destination) };
            let said = ports.number(verdict.allowed.clone(), verdict.unknown.clone());
            links.get_mut(from.index()).into_iter().for_each(|list| list.push((to.0, said)));
            ControlFlow::Continue(())
        });
        let mine = if back { Direction::Ingress } else { Direction::Egress };
        let is_open = |direction: Direction, end: EndId| !engine.is_isolated(direction, end);
        let open = world.ids().filter(|end| is_open(mine.other(), *end));
        let (pods, addresses) = open.partition(|end| world.pods(*end).is_some());
        let ends = Ends {
            situation,
            back,
            dns,
            open: world.ids().map(|end| is_open(mine, end)).collect(),
            seen: vec![false; world.ends.len()],
        };
        let everything = ports.number(PortSet::everything(), PortSet::empty());
        let found = Found::new(world.ends.len());
        WorldSearch {
            world,
            ends,
            links,
            open: [pods, addresses],
            found,
            ports,
            everything,
            gone_from: BTreeSet::new(),
            is_sure: false,
            has_doubts: false,
        }
    }

    /// Goes from the start.
    fn run(&mut self, start: &BTreeSet<EndId>, depth: usize) -> Result<(Vec<Step>, Option<Step>), GaveUp> {
        self.ends.seen.fill(false);
        start.iter().for_each(|end| self.ends.see(*end));
        walk(self, start.iter().copied().collect(), depth)
    }

    fn is_reached(&self, start: &BTreeSet<EndId>, end: EndId) -> bool {
        !start.contains(&end) && self.ends.is_seen(end)
    }

    /// What was reached by steps from the start.
    fn reached(&self, start: &BTreeSet<EndId>, steps: &[Step], dns: Option<&Step>) -> Reached {
        let named: BTreeSet<usize> = steps.iter().chain(dns).flat_map(|step| step.groups.iter().copied()).collect();
        let groups = &self.ends.situation.groups;
        let ends = |place: &usize| groups.get(*place).map_or(&[][..], |group| &group.ends);
        let is_public = |end: EndId| match self.world.end(end) {
            Some(End::Addresses { addresses, .. }) => {
                self.is_reached(start, end) && addresses.overlaps(public_addresses())
            }
            _ => false,
        };
        let is_reached = |group: &usize| ends(group).iter().any(|end| self.is_reached(start, *end));
        Reached { groups: named.into_iter().filter(is_reached).collect(), internet: self.world.ids().any(is_public) }
    }

    /// Notes that those of an entry are reached.
    fn reach(&mut self, entry: GatheredEntry) -> Hop<Vec<EndId>> {
        let fresh: Vec<EndId> =
            entry.spots.iter().map(|spot| EndId(*spot)).filter(|end| !self.ends.is_seen(*end)).collect();
        fresh.iter().for_each(|end| self.ends.see(*end));
        let goes_on = |end: &EndId| self.ends.is_pods(*end) && !self.ends.dns.ends.contains(end);
        let pods: Vec<EndId> = fresh.iter().copied().filter(goes_on).collect();
        let [ports, unknown] = self.ports.get(entry.said).map(PortSet::clone);
        Hop {
            groups: entry.groups,
            ports,
            unknown,
            open: entry.free,
            is_lookup: entry.is_lookup,
            repeated: fresh.is_empty(),
            onward: (!pods.is_empty()).then_some(pods),
        }
    }

    /// What is one hop from some ends, as it is told. All that is open to all that is open is one.
    fn next(&mut self, from: &[EndId]) -> Result<Vec<GatheredEntry>, GaveUp> {
        for (to, said) in from.iter().filter_map(|end| self.links.get(end.index())).flatten() {
            self.found.add(*to, *said, &mut self.ports);
        }
        let dns_ports = &self.ends.dns.ports;
        let mut found = self.found.take();
        self.has_doubts |= self.ports.has_doubts(&found);
        if self.is_sure {
            found = self.ports.sure(found);
        }
        let mut all = entries(&found, &mut self.ends, &mut self.ports, dns_ports)?;
        let open: Vec<EndId> = from.iter().copied().filter(|end| self.ends.is_open(*end)).collect();
        for ends in &self.open {
            let met = ends.iter().filter(|end| open.iter().any(|one| can_meet(self.world, *one, **end)));
            let met: Vec<(Spot, Said)> = met.map(|end| (end.0, self.everything)).collect();
            all.extend(together(&met, &mut self.ends, &mut self.ports, dns_ports)?);
        }
        Ok(all)
    }
}

/// Whether two can be connected: both exist at once, they are not the same pod and not both addresses.
fn can_meet(world: &World, one: EndId, other: EndId) -> bool {
    match (world.pods(one), world.pods(other)) {
        (None, None) => false,
        (Some(pods), Some(_)) if one == other => pods.several,
        _ => world.coexist(one, other),
    }
}
