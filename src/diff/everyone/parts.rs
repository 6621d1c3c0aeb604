//! Puts what came and what went together by how it changed.

use super::super::Kind;
use super::super::parts::{Isolations, Key, Part, Parts};
use super::super::ways::Ways;
use crate::ask::{Came, Ends, Everyone, Freed, Gain, SpaceGrants, SpacePods, Whom};
use crate::cover::{Budget, GaveUp};
use crate::engine::Verdict;
use crate::net::{Direction, Peers, Selector};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// More parts of one namespace than these are not put together.
pub(super) const MOST_PARTS: usize = 6;

/// All that differs between sets of all that could exist.
pub(super) type Changes = Parts<Whom, Ends>;

/// What came and what went between two.
#[derive(Debug, Clone)]
struct ChangedPair {
    source: Whom,
    destination: Whom,
    added: Verdict,
    removed: Verdict,
    by: Ways,
    partly: bool,
}

impl Changes {
    /// Puts together what came from one set of policies to another one, and what went.
    pub(crate) fn of(
        everyone: &Everyone<'_>,
        [before, after]: [&SpaceGrants<'_>; 2],
        [came, went]: [Came; 2],
        budget: &mut Budget,
    ) -> Result<Changes, GaveUp> {
        let mut pairs: BTreeMap<[Vec<Ends>; 2], ChangedPair> = BTreeMap::new();
        for (gains, is_new) in [(came.gains, true), (went.gains, false)] {
            for gain in gains.into_iter().flat_map(one_by_one) {
                file(&mut pairs, gain, is_new);
            }
        }
        let mut told: Vec<(Key, [Whom; 2])> = Vec::new();
        let mut pairs: Vec<ChangedPair> = pairs.into_values().collect();
        sure_elsewhere(everyone, &mut pairs, budget)?;
        for pair in only_told(everyone, pairs, budget)? {
            let key = pair.key([before, after], budget)?;
            told.push((key, [pair.source, pair.destination]));
        }
        for side in [0, 1] {
            told = whole_homes(everyone, told, side, budget)?;
        }
        let mut found: BTreeMap<(Key, Vec<Whom>), Vec<Whom>> = BTreeMap::new();
        for (key, [source, destination]) in told {
            found.entry((key, vec![destination])).or_default().push(source);
        }
        let mut by_sources: BTreeMap<(Key, Vec<Whom>), Vec<Whom>> = BTreeMap::new();
        for ((key, destinations), sources) in found {
            by_sources.entry((key, sources)).or_default().extend(destinations);
        }
        let part = |((key, sources), destinations)| Part { key, sources, destinations };
        let mut parts: Vec<Part<Whom>> = by_sources.into_iter().map(part).collect();
        parts.sort_by_cached_key(|part| (order(&part.sources), order(&part.destinations), part.key.kind));
        Ok(Parts { isolations: isolations(came.freed, went.freed), parts })
    }
}

/// Puts the parts of namespaces together that changed in the same way towards the same others, where they are all pods of the
/// namespace: among the sources (0) or the destinations (1).
fn whole_homes(
    everyone: &Everyone<'_>,
    told: Vec<(Key, [Whom; 2])>,
    side: usize,
    budget: &mut Budget,
) -> Result<Vec<(Key, [Whom; 2])>, GaveUp> {
    let in_order = |mine: Whom, theirs: Whom| if side == 0 { [mine, theirs] } else { [theirs, mine] };
    let mut alike: BTreeMap<(Key, Whom, Option<usize>), Vec<Whom>> = BTreeMap::new();
    let mut all = Vec::with_capacity(told.len());
    for (key, [source, destination]) in told {
        let (mine, theirs) = if side == 0 { (source, destination) } else { (destination, source) };
        match mine.ends.as_slice() {
            [Ends::Pods(pods)] => {
                let home = pods.home;
                alike.entry((key, theirs, home)).or_default().push(mine);
            }
            _ => all.push((key, in_order(mine, theirs))),
        }
    }
    let space = &everyone.space;
    for ((key, theirs, home), parts) in alike {
        let whole = home.map_or_else(|| space.others(), |home| Ends::Pods(space.all_of(home)));
        let ends: Vec<Ends> = parts.iter().flat_map(|part| part.ends.iter().cloned()).collect();
        match (2..=MOST_PARTS).contains(&ends.len()) && space.covers(&ends, &whole, budget)? {
            true => all.push((key, in_order(Whom { set: None, ends: vec![whole] }, theirs))),
            false => all.extend(parts.into_iter().map(|mine| (key.clone(), in_order(mine, theirs.clone())))),
        }
    }
    Ok(all)
}

/// Where ends stand in a report: pods by namespace, before addresses.
fn order(all: &[Whom]) -> Vec<(bool, bool, Ends)> {
    let ends = all.iter().flat_map(|whom| &whom.ends);
    let mut places: Vec<_> = ends
        .map(|end| (end.pods().is_none(), end.pods().is_some_and(|pods| pods.home.is_none()), end.clone()))
        .collect();
    places.sort();
    places
}

/// What is not known of several, of each by itself: of some others may tell it for sure.
fn one_by_one(gain: Gain) -> Vec<Gain> {
    let is_set = gain.source.set.is_some() || gain.destination.set.is_some();
    if !gain.ports.allowed.is_empty() || is_set {
        return vec![gain];
    }
    let mut all = Vec::with_capacity(gain.source.ends.len() * gain.destination.ends.len());
    let whom = |end: &Ends| Whom { set: None, ends: vec![end.clone()] };
    for source in &gain.source.ends {
        for destination in &gain.destination.ends {
            all.push(Gain { source: whom(source), destination: whom(destination), ..gain.clone() });
        }
    }
    all
}

fn file(pairs: &mut BTreeMap<[Vec<Ends>; 2], ChangedPair>, gain: Gain, is_new: bool) {
    let Gain { by, mut source, mut destination, ports, partly } = gain;
    tidy(&mut source);
    tidy(&mut destination);
    let key = [source.ends.clone(), destination.ends.clone()];
    let (added, removed) = (Verdict::default(), Verdict::default());
    let new = ChangedPair { source, destination, added, removed, by: Ways::default(), partly: false };
    let pair = pairs.entry(key).or_insert(new);
    let verdict = if is_new { &mut pair.added } else { &mut pair.removed };
    verdict.allowed.insert(&ports.allowed);
    verdict.unknown.insert(&ports.unknown);
    verdict.unknown = verdict.unknown.subtract(&verdict.allowed);
    pair.by.add(by);
    pair.partly |= partly;
}

/// The same ends in one order.
fn tidy(whom: &mut Whom) {
    for end in &mut whom.ends {
        trim(end);
    }
    whom.ends.sort();
    whom.ends.dedup();
}

/// The pairs of each namespace, by their place: among the sources and among the destinations. Addresses are one namespace.
struct NearPairs([FxHashMap<Option<Option<usize>>, Vec<usize>>; 2]);

impl NearPairs {
    fn new(pairs: &[ChangedPair]) -> NearPairs {
        let mut near = NearPairs(Default::default());
        for (place, pair) in pairs.iter().enumerate() {
            for (whom, by_home) in [&pair.source, &pair.destination].into_iter().zip(&mut near.0) {
                let homes: BTreeSet<_> = whom.ends.iter().map(home_of).collect();
                homes.into_iter().for_each(|home| by_home.entry(home).or_default().push(place));
            }
        }
        near
    }

    /// Those that may be about all ends that a pair is about.
    fn of(&self, pair: &ChangedPair) -> &[usize] {
        let [sources, destinations] = &self.0;
        let from = pair.source.ends.first().and_then(|end| sources.get(&home_of(end)));
        let to = pair.destination.ends.first().and_then(|end| destinations.get(&home_of(end)));
        [from, to].into_iter().flatten().map(Vec::as_slice).min_by_key(|list| list.len()).unwrap_or_default()
    }
}

fn home_of(end: &Ends) -> Option<Option<usize>> {
    end.pods().map(|pods| pods.home)
}

/// Without exceptions that are inside of others.
fn trim(end: &mut Ends) {
    let Ends::Pods(pods) = end else { return };
    pods.less.sort();
    pods.less.dedup();
    let all = pods.less.clone();
    let within = |narrow: &(Selector, Selector), wide: &(Selector, Selector)| {
        wide.0.contains(&narrow.0) && wide.1.contains(&narrow.1)
    };
    pods.less.retain(|one| !all.iter().any(|wide| wide != one && within(one, wide)));
}

/// Takes ports out that are unknown of some and that another pair tells of them for sure.
fn sure_elsewhere(everyone: &Everyone<'_>, pairs: &mut Vec<ChangedPair>, budget: &mut Budget) -> Result<(), GaveUp> {
    let near = NearPairs::new(pairs);
    for place in 0..pairs.len() {
        let Some(pair) = pairs.get(place).filter(|pair| pair.is_unsure()) else { continue };
        let mut left = pair.clone();
        for other in near.of(pair).iter().filter(|other| **other != place).filter_map(|other| pairs.get(*other)) {
            if !other.partly && left.is_unsure_beside(other) && other.holds(everyone, pair, budget)? {
                left.added.unknown = left.added.unknown.subtract(&other.added.allowed);
                left.removed.unknown = left.removed.unknown.subtract(&other.removed.allowed);
            }
        }
        if let Some(pair) = pairs.get_mut(place) {
            *pair = left;
        }
    }
    pairs.retain(|pair| !pair.added.is_denied() || !pair.removed.is_denied());
    Ok(())
}

/// The pairs that no other one tells.
fn only_told(
    everyone: &Everyone<'_>,
    pairs: Vec<ChangedPair>,
    budget: &mut Budget,
) -> Result<Vec<ChangedPair>, GaveUp> {
    let mut kept: Vec<ChangedPair> = Vec::with_capacity(pairs.len());
    let near = NearPairs::new(&pairs);
    for (place, pair) in pairs.iter().enumerate() {
        let mut is_told = false;
        for &other_place in near.of(pair) {
            let Some(other) = pairs.get(other_place) else { continue };
            let equal = place != other_place && other.says(pair);
            if equal && other.holds(everyone, pair, budget)? {
                // Of two that tell the same, the first.
                let both = other_place > place && pair.says(other) && pair.holds(everyone, other, budget)?;
                if !both {
                    is_told = true;
                    break;
                }
            }
        }
        if !is_told {
            kept.push(pair.clone());
        }
    }
    Ok(kept)
}

impl ChangedPair {
    /// Whether it is about all ports that another one is about.
    fn says(&self, other: &ChangedPair) -> bool {
        let all = |mine: &Verdict, theirs: &Verdict| {
            mine.allowed.contains(&theirs.allowed) && mine.unknown.contains(&theirs.unknown)
        };
        all(&self.added, &other.added) && all(&self.removed, &other.removed) && (!self.partly || other.partly)
    }

    fn is_unsure(&self) -> bool {
        !self.added.unknown.is_empty() || !self.removed.unknown.is_empty()
    }

    /// Whether ports are unknown that another one tells for sure.
    fn is_unsure_beside(&self, other: &ChangedPair) -> bool {
        self.added.unknown.overlaps(&other.added.allowed) || self.removed.unknown.overlaps(&other.removed.allowed)
    }

    /// Whether it is about all ends that another one is about.
    fn holds(&self, everyone: &Everyone<'_>, other: &ChangedPair, budget: &mut Budget) -> Result<bool, GaveUp> {
        budget.spend(1)?;
        let within = |wide: &Whom, narrow: &Whom| {
            narrow.ends.iter().all(|end| wide.ends.iter().any(|wide| holds(everyone, wide, end)))
        };
        Ok(within(&self.source, &other.source) && within(&self.destination, &other.destination))
    }

    fn key(&self, [before, after]: [&SpaceGrants<'_>; 2], budget: &mut Budget) -> Result<Key, GaveUp> {
        let ends = [&self.source.ends, &self.destination.ends];
        let kind = match (self.added.is_denied(), self.removed.is_denied()) {
            (false, false) => Kind::Changed,
            (false, true) if before.all_may(ends[0], ends[1], budget)? => Kind::Changed,
            (false, true) => Kind::Added,
            (true, _) if after.all_may(ends[0], ends[1], budget)? => Kind::Changed,
            (true, _) => Kind::Removed,
        };
        let (added, removed) = (self.added.clone(), self.removed.clone());
        Ok(Key { kind, added, removed, by: self.by, partly: self.partly })
    }
}

/// Whether some ends are easily seen to hold all of others.
fn holds(everyone: &Everyone<'_>, wide: &Ends, narrow: &Ends) -> bool {
    match (wide, narrow) {
        (Ends::Pods(wide), Ends::Pods(narrow)) => {
            let is_out = |(namespaces, labels): &(Selector, Selector)| {
                let out =
                    SpacePods { namespaces: namespaces.clone(), labels: labels.clone(), less: Vec::new(), ..*narrow };
                narrow.less.contains(&(namespaces.clone(), labels.clone()))
                    || everyone.space.both(&Ends::Pods(narrow.clone()), &Ends::Pods(out)).is_none()
            };
            wide.home == narrow.home
                && wide.labels.contains(&narrow.labels)
                && wide.namespaces.contains(&narrow.namespaces)
                && wide.less.iter().all(is_out)
        }
        (Ends::Addresses(wide), Ends::Addresses(narrow)) => wide.contains(narrow),
        _ => false,
    }
}

/// Isolation by namespace: in both directions, where it is of the same pods.
fn isolations(lifted: Vec<Freed>, introduced: Vec<Freed>) -> Vec<Isolations<Ends>> {
    let mut all: BTreeMap<(usize, bool, Vec<Ends>), Vec<Direction>> = BTreeMap::new();
    for (freed, is_introduced) in [(lifted, false), (introduced, true)] {
        for mut one in freed {
            one.ends.iter_mut().for_each(trim);
            all.entry((one.home, is_introduced, one.ends)).or_default().push(one.direction);
        }
    }
    let isolations = |((_, introduced, ends), directions): ((usize, bool, Vec<Ends>), _)| Isolations {
        lifted: !introduced,
        directions,
        ends,
    };
    all.into_iter().map(isolations).collect()
}

/// The peers that some ends are, where they are one set.
pub(super) fn only(whom: &Whom) -> Option<(&Peers, &[Peers])> {
    match whom.set.as_ref()?.peers.as_slice() {
        [one] => Some((one, &whom.set.as_ref()?.less)),
        _ => None,
    }
}
