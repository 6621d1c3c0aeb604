//! A search among all pods that could exist, set by set.

use super::named::{Groups, Share};
use super::seen::Seen;
use super::{Alike, Blast, Ground, Hop, walk};
use crate::ask::everyone::Everyone;
use crate::ask::situation::Asked;
use crate::ask::space::{Ends, Grants, Link, Onward, OtherLabels, Pods, Sure};
use crate::cover::{Budget, GaveUp};
use crate::flow::public_addresses;
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Selector, Truth};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Where a search starts, and how far it goes.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
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
    pub fn blast(&self, grants: &Grants<'_>, from: From<'_>, budget: &mut Budget) -> Result<Blast, GaveUp> {
        let (mut search, start) = Search::new(self, grants, from, budget)?;
        let (steps, dns) = walk(&mut search, start, from.depth)?;
        let groups = search.groups.names();
        Ok(Blast { groups, steps, dns, ..search.blast })
    }
}

/// Ends that are one hop away.
#[derive(Debug)]
struct Found {
    ends: Ends,
    ports: PortSet,
    /// Where it is not known; more than what is left without `ports`.
    unknown: PortSet,
    /// What they are told with.
    class: Class,
}

/// What is told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Class {
    /// By groups.
    Plain,
    /// Those that are asked for names, by groups.
    Servers,
    /// All pods that nothing isolates, from pods that nothing isolates.
    OpenPods,
    /// The same for addresses.
    OpenAddresses,
}

/// What is told as one.
#[derive(Debug)]
struct Entry {
    groups: Vec<usize>,
    parts: Vec<Ends>,
    ports: PortSet,
    unknown: PortSet,
    is_lookup: bool,
    /// Whether all are pods that nothing isolates on the way on.
    free: bool,
}

pub(super) struct Search<'a, 'p, 'b> {
    everyone: &'a Everyone<'p>,
    grants: &'a Grants<'a>,
    /// The side of those that it goes on from.
    direction: Direction,
    onward: Onward<'a>,
    groups: Groups<'a>,
    servers: Vec<Ends>,
    dns_ports: PortSet,
    seen: Seen,
    blast: Blast,
    budget: &'b mut Budget,
}

impl Ground for Search<'_, '_, '_> {
    type Front = Vec<Ends>;

    fn hop(&mut self, from: &Vec<Ends>) -> Result<Vec<Hop<Vec<Ends>>>, GaveUp> {
        let found = self.found(from)?;
        let mut hops = Vec::new();
        for entry in self.entries(&found)? {
            let (fresh, onward) = self.reach(&entry)?;
            hops.push(Hop {
                groups: entry.groups,
                ports: entry.ports,
                unknown: entry.unknown,
                open: entry.free,
                is_lookup: entry.is_lookup,
                repeated: fresh.is_empty(),
                onward: (!onward.is_empty()).then_some(onward),
            });
        }
        Ok(hops)
    }
}

impl<'a, 'p, 'b> Search<'a, 'p, 'b> {
    /// A search, and those at its start.
    pub fn new(
        everyone: &'a Everyone<'p>,
        grants: &'a Grants<'a>,
        from: From<'_>,
        budget: &'b mut Budget,
    ) -> Result<(Self, Vec<Ends>), GaveUp> {
        let find = |asked: &Asked| everyone.find(asked).unwrap_or_default();
        let start = find(from.asked);
        let direction = if from.back { Direction::Ingress } else { Direction::Egress };
        let mut search = Search {
            everyone,
            grants,
            direction,
            onward: Onward::new(grants, direction),
            groups: Groups::new(everyone, budget)?,
            servers: from.servers.map(|(servers, _)| find(servers)).unwrap_or_default(),
            dns_ports: from.servers.map(|(_, ports)| ports.clone()).unwrap_or_default(),
            seen: Seen::default(),
            blast: Blast::default(),
            budget,
        };
        // There may be others like one that is asked about.
        for one in from.asked.each().iter().filter(|one| !matches!(one, Asked::Pod { .. })) {
            find(one).iter().for_each(|end| search.seen.add(&everyone.space, end));
        }
        search.blast.start = search.at_start()?;
        Ok((search, start))
    }

    /// Whether all of an end was reached before, or is at the start.
    #[cfg(test)]
    pub fn has_seen(&mut self, end: &Ends) -> bool {
        self.seen.covers(&self.everyone.space, end, self.budget).unwrap_or_default()
    }

    /// The groups that are at the start as a whole.
    fn at_start(&mut self) -> Result<BTreeSet<usize>, GaveUp> {
        let mut at_start = BTreeSet::new();
        for group in 0..self.everyone.groups.len() {
            let mut whole = self.groups.ends_of(group).next().is_some();
            for end in self.groups.ends_of(group) {
                whole = whole && self.seen.covers(&self.everyone.space, end, self.budget)?;
            }
            at_start.extend(whole.then_some(group));
        }
        Ok(at_start)
    }

    /// Notes that those of an entry are reached: those that were not before, and those of them from whom it goes on.
    fn reach(&mut self, entry: &Entry) -> Result<(Vec<Ends>, Vec<Ends>), GaveUp> {
        let space = &self.everyone.space;
        let (mut fresh, mut onward) = (Vec::new(), Vec::new());
        for part in &entry.parts {
            let new = self.seen.fresh(space, part, self.budget)?;
            self.seen.add(space, part);
            for end in &new {
                match end {
                    Ends::Addresses(addresses) => self.blast.internet |= addresses.overlaps(public_addresses()),
                    Ends::Pods(_) => {
                        let rest = space.without(end, &self.servers, self.budget)?;
                        self.blast.stops_at_dns |= rest != std::slice::from_ref(end);
                        onward.extend(rest);
                    }
                }
            }
            fresh.extend(new);
        }
        for group in entry.groups.iter().filter(|_| !fresh.is_empty()) {
            for end in &fresh {
                if self.blast.reached.contains(group) {
                    break;
                }
                if self.groups.has_some(*group, end, self.budget)? {
                    self.blast.reached.insert(*group);
                }
            }
        }
        Ok((fresh, onward))
    }

    /// What is one hop away, each set once.
    fn found(&mut self, from: &[Ends]) -> Result<Vec<Found>, GaveUp> {
        let mut places: FxHashMap<(Class, Ends), usize> = FxHashMap::default();
        let mut all: Vec<Found> = Vec::new();
        let mut several: Vec<(usize, Link, PortSet)> = Vec::new();
        let links = self.onward.links(from, self.budget)?;
        let (clear, doubtful): (Vec<Link>, Vec<Link>) =
            links.into_iter().partition(|link| from.contains(self.near(link)) || !is_doubtful(self.near(link)));
        let clear_ones = clear.len();
        for (at, link) in clear.into_iter().chain(doubtful).enumerate() {
            let (ports, unknown) = ports(&link);
            let is_open = link.open_source && link.open_destination;
            let end = if self.direction == Direction::Egress { &link.destination } else { &link.source };
            let end = self.whole_home(end.clone());
            if at >= clear_ones && all.iter().any(|known| self.everyone.space.holds(&known.ends, &end)) {
                continue;
            }
            for (class, end) in self.classes(end, is_open)? {
                let place = *places.entry((class, end.clone())).or_insert(all.len());
                match all.get_mut(place) {
                    Some(known) => {
                        known.ports.insert(&ports);
                        // Of several that may be one may be in any case.
                        if known.unknown.overlaps(&unknown) {
                            several.push((place, link.clone(), unknown.clone()));
                        }
                        known.unknown.insert(&unknown);
                    }
                    None => {
                        all.push(Found { ends: end, ports: ports.clone(), unknown: unknown.clone(), class });
                    }
                }
            }
        }
        for (place, link, unknown) in several {
            let Some(found) = all.get_mut(place) else { continue };
            let unknown = unknown.subtract(&found.ports);
            if !unknown.is_empty() {
                let [source, destination] = [&link.source, &link.destination].map(|end| self.whole_home(end.clone()));
                let refusal = self.grants.refused(&source, &destination, &unknown, Sure::Yes, self.budget)?;
                found.ports.insert(&refusal.map_or(unknown, |_| PortSet::empty()));
            }
        }
        Ok(all)
    }

    /// Those of a link that it goes on from.
    fn near<'l>(&self, link: &'l Link) -> &'l Ends {
        if self.direction == Direction::Egress { &link.source } else { &link.destination }
    }

    /// Those that an end is told with: where DNS servers are asked, they are told apart from all others.
    fn classes(&mut self, end: Ends, is_open: bool) -> Result<Vec<(Class, Ends)>, GaveUp> {
        let space = &self.everyone.space;
        match (is_open, &end) {
            (true, Ends::Pods(_)) => return Ok(vec![(Class::OpenPods, end)]),
            (true, Ends::Addresses(_)) => return Ok(vec![(Class::OpenAddresses, end)]),
            (false, _) if self.direction == Direction::Ingress => return Ok(vec![(Class::Plain, end)]),
            (false, _) => {}
        }
        let mut classes = Vec::new();
        for both in self.servers.iter().filter_map(|server| space.both(&end, server)) {
            if !space.is_empty(&both, self.budget)? {
                classes.push((Class::Servers, both));
            }
        }
        if classes.is_empty() {
            return Ok(vec![(Class::Plain, end)]);
        }
        let rest = space.without(&end, &self.servers, self.budget)?;
        classes.extend(rest.into_iter().map(|rest| (Class::Plain, rest)));
        Ok(classes)
    }

    /// An end that only some labels of its namespace are missing to be all of: nobody knows them, so it is all or nothing.
    fn whole_home(&self, end: Ends) -> Ends {
        let is_unknown =
            |home: usize| self.everyone.space.homes().get(home).is_some_and(|home| home.others == OtherLabels::Unknown);
        match end {
            Ends::Pods(Pods { home: Some(home), labels, less, .. }) if is_unknown(home) => {
                Ends::Pods(Pods { home: Some(home), namespaces: Selector::everything(), labels, less })
            }
            end => end,
        }
    }

    /// What is found as it is told, in the order of the groups. All that is open to all that is open is one.
    fn entries(&mut self, found: &[Found]) -> Result<Vec<Entry>, GaveUp> {
        let mut by_group: BTreeMap<usize, (Share, Vec<usize>)> = BTreeMap::new();
        for class in [Class::Plain, Class::Servers] {
            let (places, sets) = of_class(found, class);
            for (group, share) in &*self.groups.tell(sets, self.budget)? {
                let (known, all) = by_group
                    .entry(*group)
                    .or_insert_with(|| (Share { whole_sets: true, ..Share::default() }, Vec::new()));
                known.parts.extend(share.parts.iter().cloned());
                known.whole_sets &= share.whole_sets;
                all.extend(share.sets.iter().filter_map(|at| places.get(*at).copied()));
            }
        }
        let mut entries = Vec::new();
        for (groups, parts, sets) in of_equal_sets(by_group) {
            entries.push(self.entry(groups, parts, sets.iter().filter_map(|at| found.get(*at)))?);
        }
        let mut entries = self.alike(entries)?;
        for class in [Class::OpenPods, Class::OpenAddresses] {
            let (places, sets) = of_class(found, class);
            if !sets.is_empty() {
                let groups = self.groups.tell(sets.clone(), self.budget)?.keys().copied().collect();
                entries.push(self.entry(groups, sets, places.iter().filter_map(|at| found.get(*at)))?);
            }
        }
        Ok(entries)
    }

    fn entry<'f>(
        &mut self,
        groups: Vec<usize>,
        parts: Vec<Ends>,
        found: impl Iterator<Item = &'f Found>,
    ) -> Result<Entry, GaveUp> {
        let (mut ports, mut unknown) = (PortSet::empty(), PortSet::empty());
        let mut is_lookup = true;
        for one in found {
            ports.insert(&one.ports);
            unknown.insert(&one.unknown);
            is_lookup &= one.class == Class::Servers;
        }
        let unknown = unknown.subtract(&ports);
        is_lookup &= self.dns_ports.contains(&ports) && self.dns_ports.contains(&unknown);
        let free = self.is_free(&parts)?;
        Ok(Entry { groups, parts, ports, unknown, is_lookup, free })
    }

    fn is_free(&mut self, parts: &[Ends]) -> Result<bool, GaveUp> {
        for part in parts {
            if part.pods().is_none() {
                return Ok(false);
            }
            for isolated in self.grants.isolated_of(part, self.direction) {
                if !self.everyone.space.is_empty(&isolated, self.budget)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Those that are not isolated go on alike, unless they have been told.
    fn alike(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>, GaveUp> {
        let mut alike = Alike::new();
        let mut all: Vec<Entry> = Vec::new();
        for entry in entries {
            let mut seen = entry.free;
            for part in &entry.parts {
                seen = seen && self.seen.covers(&self.everyone.space, part, self.budget)?;
            }
            let key = (entry.ports.clone(), entry.unknown.clone(), [seen, entry.is_lookup]);
            let same = entry.free.then(|| *alike.entry(key).or_insert(all.len()));
            match same.and_then(|place| all.get_mut(place)) {
                Some(known) => {
                    known.groups.extend(entry.groups);
                    known.parts.extend(entry.parts);
                }
                None => all.push(entry),
            }
        }
        Ok(all)
    }
}

/// The ports of a link, and those of which it is not known.
fn ports(link: &Link) -> (PortSet, PortSet) {
    match link.truth {
        Truth::Yes => (link.ports(), link.perhaps()),
        _ => (PortSet::empty(), link.ports().union(&link.perhaps())),
    }
}

/// Whether ends are in a namespace that has a name and may also have labels by which others are known: nobody means it by
/// those, so where others get, they do not get further for the sake of these.
fn is_doubtful(end: &Ends) -> bool {
    let Some(Pods { home: None, namespaces, .. }) = end.pods() else { return false };
    namespaces.required_value(NAMESPACE_NAME).is_some_and(|names| names.len() == 1) && namespaces.keys().count() > 1
}

/// The sets of a class, and their places.
fn of_class(found: &[Found], class: Class) -> (Vec<usize>, Vec<Ends>) {
    found.iter().enumerate().filter(|(_, one)| one.class == class).map(|(at, one)| (at, one.ends.clone())).unzip()
}

/// Groups that have all of the same sets are one.
fn of_equal_sets(by_group: BTreeMap<usize, (Share, Vec<usize>)>) -> Vec<(Vec<usize>, Vec<Ends>, Vec<usize>)> {
    let mut places: FxHashMap<Vec<usize>, usize> = FxHashMap::default();
    let mut all: Vec<(Vec<usize>, Vec<Ends>, Vec<usize>)> = Vec::new();
    for (group, (share, sets)) in by_group {
        let place = match share.whole_sets {
            true => *places.entry(sets.clone()).or_insert(all.len()),
            false => all.len(),
        };
        match all.get_mut(place) {
            Some((groups, ..)) => groups.push(group),
            None => all.push((vec![group], share.parts, sets)),
        }
    }
    all
}
