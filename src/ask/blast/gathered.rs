//! What is one hop from some ends, as it is told: by groups, those together that go on alike.
//!
//! Ends are numbered, and so are the ports that are found of them, since nearly everything is found again and again.

use crate::cover::GaveUp;
use crate::net::PortSet;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;

/// The number of ends that are not told apart.
pub(super) type Spot = u32;

/// The number of ports on which something is allowed and of those on which it may be.
pub(super) type Said = u32;

/// Numbers for ports.
#[derive(Debug, Default)]
pub(super) struct PortNumbers {
    all: Vec<[PortSet; 2]>,
    known: FxHashMap<[PortSet; 2], Said>,
    joined: FxHashMap<(Said, Said), Said>,
}

impl PortNumbers {
    /// The number of ports that are allowed, and of those of which it is not known.
    pub(super) fn number(&mut self, allowed: PortSet, unknown: PortSet) -> Said {
        let next = Said::try_from(self.all.len()).unwrap_or(Said::MAX);
        let all = &mut self.all;
        *self.known.entry([allowed, unknown]).or_insert_with_key(|both| {
            all.push(both.clone());
            next
        })
    }

    pub(super) fn get(&self, said: Said) -> [&PortSet; 2] {
        const NONE: &PortSet = &PortSet::EMPTY;
        self.all.get(said as usize).map_or([NONE; 2], |both| both.each_ref())
    }

    /// What is allowed by one of them at least, or may be.
    pub(super) fn join(&mut self, one: Said, other: Said) -> Said {
        if one == other {
            return one;
        }
        let key = (one.min(other), one.max(other));
        if let Some(known) = self.joined.get(&key) {
            return *known;
        }
        let ([mine, doubt], [theirs, others]) = (self.get(one), self.get(other));
        let (allowed, unknown) = (mine.union(theirs), doubt.union(others));
        let joined = self.number(allowed, unknown);
        self.joined.insert(key, joined);
        joined
    }

    /// Whether something of what is found is not known at all.
    pub(super) fn has_doubts(&self, found: &[(Spot, Said)]) -> bool {
        found.iter().any(|(_, said)| self.get(*said)[0].is_empty())
    }

    /// Of what is found only what is for sure.
    pub(super) fn sure(&mut self, found: Vec<(Spot, Said)>) -> Vec<(Spot, Said)> {
        let sure = |(spot, said): (Spot, Said)| {
            let [allowed, unknown] = self.get(said);
            match (allowed.is_empty(), unknown.is_empty()) {
                (true, _) => None,
                (false, true) => Some((spot, said)),
                (false, false) => {
                    let allowed = allowed.clone();
                    Some((spot, self.number(allowed, PortSet::empty())))
                }
            }
        };
        found.into_iter().filter_map(sure).collect()
    }

    /// The same without doubts about what is allowed in any case.
    pub(super) fn settled(&mut self, said: Said) -> Said {
        let [allowed, unknown] = self.get(said);
        if !unknown.overlaps(allowed) {
            return said;
        }
        let (allowed, unknown) = (allowed.clone(), unknown.subtract(allowed));
        self.number(allowed, unknown)
    }
}

/// What is found of each of some ends.
#[derive(Debug)]
pub(super) struct Found {
    said: Vec<Option<Said>>,
    spots: Vec<Spot>,
}

impl Found {
    /// Nothing, of so many.
    pub(super) fn new(spots: usize) -> Self {
        Found { said: vec![None; spots], spots: Vec::new() }
    }

    pub(super) fn add(&mut self, spot: Spot, said: Said, ports: &mut PortNumbers) {
        let Some(known) = self.said.get_mut(spot as usize) else { return };
        match known {
            Some(all) => *all = ports.join(*all, said),
            None => {
                *known = Some(said);
                self.spots.push(spot);
            }
        }
    }

    pub(super) fn of(&self, spot: Spot) -> Option<Said> {
        self.said.get(spot as usize).copied().flatten()
    }

    /// All of which something was found, and forgets it.
    pub(super) fn take(&mut self) -> Vec<(Spot, Said)> {
        let mut spots = std::mem::take(&mut self.spots);
        // There are a few runs, each in order.
        spots.sort();
        let taken = spots.into_iter().filter_map(|spot| Some((spot, self.said.get_mut(spot as usize)?.take()?)));
        taken.collect()
    }
}

/// How some ends are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Whether they are pods that nothing isolates on the way on.
    pub free: bool,
    /// Whether all of them were reached before.
    pub seen: bool,
    /// Whether they are DNS servers, where those are asked for names.
    pub is_server: bool,
}

/// What is known of ends by their numbers.
pub(super) trait Spots {
    /// The groups that they are in.
    fn groups(&self, spot: Spot) -> &[usize];

    /// How many there are in a group.
    fn count(&self, group: usize) -> usize;

    fn look(&mut self, spot: Spot) -> Result<Look, GaveUp>;
}

/// What is told as one.
#[derive(Debug)]
pub(super) struct GatheredEntry {
    pub groups: Vec<usize>,
    pub spots: Vec<Spot>,
    /// The ports, settled.
    pub said: Said,
    /// Whether it is that DNS servers are asked for names.
    pub is_lookup: bool,
    /// Whether all are pods that nothing isolates on the way on.
    pub free: bool,
}

/// Tells what is found, in the order of the groups. Those that nothing isolates go on alike, and those that have been told
/// do not go on.
pub(super) fn entries(
    found: &[(Spot, Said)],
    spots: &mut impl Spots,
    ports: &mut PortNumbers,
    dns_ports: &PortSet,
) -> Result<Vec<GatheredEntry>, GaveUp> {
    let mut entries: Vec<GatheredEntry> = Vec::new();
    let mut alike: FxHashMap<(Said, [bool; 3]), usize> = FxHashMap::default();
    for (groups, members) in by_groups(found, spots) {
        let Some((_, first)) = members.first() else { continue };
        let said = members.iter().fold(*first, |all, (_, said)| ports.join(all, *said));
        let said = ports.settled(said);
        let mut all = Look { free: true, seen: true, is_server: true };
        for (spot, _) in &members {
            let Look { free, seen, is_server } = spots.look(*spot)?;
            all = Look { free: all.free && free, seen: all.seen && seen, is_server: all.is_server && is_server };
        }
        let is_lookup = all.is_server && ports.get(said).iter().all(|set| dns_ports.contains(set));
        let key = (said, [all.free, all.seen, is_lookup]);
        let same = (all.free || all.seen).then(|| *alike.entry(key).or_insert(entries.len()));
        let spots = members.into_iter().map(|(spot, _)| spot);
        match same.and_then(|place| entries.get_mut(place)) {
            Some(known) => {
                known.groups.extend(groups);
                known.spots.extend(spots);
            }
            None => entries.push(GatheredEntry { groups, spots: spots.collect(), said, is_lookup, free: all.free }),
        }
    }
    Ok(entries)
}

/// Groups, and what is found of their ends.
type GroupMembers = (Vec<usize>, Vec<(Spot, Said)>);

/// What is found by groups, in their order; those of which the same ends are found are one. A group of which only such ends
/// are found as are all of other groups is left out.
pub(super) fn by_groups(found: &[(Spot, Said)], spots: &impl Spots) -> Vec<GroupMembers> {
    let mut pairs: Vec<(usize, Spot, Said)> = Vec::with_capacity(found.len());
    let mut single = true;
    for (spot, said) in found {
        let groups = spots.groups(*spot);
        single &= groups.len() == 1;
        pairs.extend(groups.iter().map(|group| (*group, *spot, *said)));
    }
    pairs.sort();
    let chunks = || pairs.chunk_by(|(one, ..), (other, ..)| one == other);
    let is_whole =
        |chunk: &&[(usize, Spot, Said)]| chunk.first().is_some_and(|(group, ..)| spots.count(*group) == chunk.len());
    let members = |chunk: &[(usize, Spot, Said)]| chunk.iter().map(|(_, spot, said)| (*spot, *said)).collect();
    let group = |chunk: &[(usize, Spot, Said)]| chunk.iter().take(1).map(|(group, ..)| *group).collect();
    if single {
        return chunks().map(|chunk| (group(chunk), members(chunk))).collect();
    }
    let whole = chunks().filter(is_whole).flatten();
    let covered: FxHashSet<Spot> = whole.map(|(_, spot, _)| *spot).collect();
    let is_told =
        |chunk: &&[(usize, Spot, Said)]| is_whole(chunk) || !chunk.iter().all(|(_, spot, _)| covered.contains(spot));
    let mut places: FxHashMap<Vec<(Spot, Said)>, usize> = FxHashMap::default();
    let mut all: Vec<GroupMembers> = Vec::new();
    for chunk in chunks().filter(is_told) {
        let (mut groups, members): GroupMembers = (group(chunk), members(chunk));
        let place = *places.entry(members.clone()).or_insert(all.len());
        match all.get_mut(place) {
            Some((known, _)) => known.append(&mut groups),
            None => all.push((groups, members)),
        }
    }
    all
}

/// The same as one entry, whatever is found of each; none where nothing is.
pub(super) fn together(
    found: &[(Spot, Said)],
    spots: &mut impl Spots,
    ports: &mut PortNumbers,
    dns_ports: &PortSet,
) -> Result<Option<GatheredEntry>, GaveUp> {
    let Some((_, first)) = found.first() else { return Ok(None) };
    let said = found.iter().fold(*first, |all, (_, said)| ports.join(all, *said));
    let said = ports.settled(said);
    let groups: BTreeSet<usize> = by_groups(found, spots).into_iter().flat_map(|(groups, _)| groups).collect();
    let (mut free, mut is_server) = (true, true);
    for (spot, _) in found {
        let look = spots.look(*spot)?;
        free &= look.free;
        is_server &= look.is_server;
    }
    let is_lookup = is_server && ports.get(said).iter().all(|set| dns_ports.contains(set));
    let spots = found.iter().map(|(spot, _)| *spot).collect();
    Ok(Some(GatheredEntry { groups: groups.into_iter().collect(), spots, said, is_lookup, free }))
}
