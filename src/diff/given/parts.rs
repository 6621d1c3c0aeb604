//! Sorts all that differs between two ends into isolation that came or went, and changes of rules.

use super::super::Kind;
use super::super::parts::{Isolations, Key, Part, Parts};
use super::super::ways::Ways;
use crate::engine::{Comparison, Delta, EndId, SideChange, Verdict, World};
use crate::net::{Direction, PortSet};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that differs between ends of a world.
pub(super) type WorldChanges = Parts<EndId, EndId>;

impl WorldChanges {
    /// Goes through everything that differs.
    pub(crate) fn of(comparison: &Comparison<'_, '_>) -> WorldChanges {
        let world = comparison.old().world();
        let mut credits = Credits { of: vec![Ways::default(); world.ends.len()], comparison };
        let mut keys: FxHashMap<Key, usize> = FxHashMap::default();
        let mut order: Vec<Key> = Vec::new();
        // The sources for each key and destination.
        let mut found: BTreeMap<(usize, EndId), Vec<EndId>> = BTreeMap::new();
        comparison.each_candidate(|source, destination| {
            if credits.is_settled(source, destination) {
                return;
            }
            let Some(delta) = comparison.between(source, destination) else { return };
            let Some(key) = credits.split(source, destination, &delta) else { return };
            let index = *keys.entry(key).or_insert_with_key(|key| {
                order.push(key.clone());
                order.len() - 1
            });
            found.entry((index, destination)).or_default().push(source);
        });
        Parts { isolations: credits.isolations(world), parts: rectangles(world, &order, found) }
    }
}

/// A namespace, whether isolation was introduced there, and in which directions.
type NewlyIsolated = (Option<Arc<str>>, bool, Ways);

/// Sources and destinations.
type Rectangle = (Vec<EndId>, Vec<EndId>);

/// Which isolation is known to make a difference.
struct Credits<'c, 'e, 'a> {
    comparison: &'c Comparison<'e, 'a>,
    /// For each end.
    of: Vec<Ways>,
}

impl Credits<'_, '_, '_> {
    fn has(&self, direction: Direction, end: EndId) -> bool {
        self.of.get(end.0 as usize).is_some_and(|of| of.has(direction))
    }

    /// Whether the two ends cannot tell anything new: nothing but isolation differs, and that is known.
    fn is_settled(&self, source: EndId, destination: EndId) -> bool {
        [(Direction::Egress, source), (Direction::Ingress, destination)].into_iter().all(|(direction, end)| match self
            .comparison
            .side(direction, end)
        {
            SideChange::Same => true,
            SideChange::Rules => false,
            SideChange::Introduced | SideChange::Lifted => self.has(direction, end),
        })
    }

    /// Credits isolation with what it did, and gives the rest.
    fn split(&mut self, source: EndId, destination: EndId, delta: &Delta) -> Option<Key> {
        let mut by = Ways::default();
        let ends = [source, destination];
        let added = self.rest(&delta.added, ends, SideChange::Lifted, &mut by);
        let removed = self.rest(&delta.removed, ends, SideChange::Introduced, &mut by);
        if added.is_denied() && removed.is_denied() {
            return None;
        }
        let kind = match (delta.old.is_denied(), delta.new.is_denied()) {
            (true, _) => Kind::Added,
            (_, true) => Kind::Removed,
            _ => Kind::Changed,
        };
        Some(Key { kind, added, removed, by, partly: false })
    }

    /// What rules have a part in, of ports that came as isolation was lifted or went as it was introduced.
    fn rest(
        &mut self,
        ports: &Verdict,
        [source, destination]: [EndId; 2],
        isolation: SideChange,
        by: &mut Ways,
    ) -> Verdict {
        if ports.is_denied() {
            return Verdict::default();
        }
        // The one that does not allow the ports.
        let closed = match isolation {
            SideChange::Lifted => self.comparison.old(),
            SideChange::Same | SideChange::Introduced | SideChange::Rules => self.comparison.newer(),
        };
        let all = ports.possible();
        let mut rest = PortSet::empty();
        let mut isolated = Vec::new();
        for (direction, subject, peer) in
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
        {
            let change = self.comparison.side(direction, subject);
            if change == SideChange::Same {
                continue;
            }
            let gained = all.subtract(&closed.side(direction, subject, peer).allowed);
            if change == SideChange::Rules && !gained.is_empty() {
                by.add(direction);
                rest.insert(&gained);
            } else if change == isolation {
                isolated.push((direction, subject, gained));
            }
        }
        let alone = all.subtract(&rest);
        let mut credited = false;
        for (direction, subject, gained) in isolated {
            if gained.overlaps(&alone) {
                credited = true;
                if let Some(of) = self.of.get_mut(subject.0 as usize) {
                    of.add(direction);
                }
            }
        }
        if !credited {
            return ports.clone();
        }
        Verdict { allowed: ports.allowed.intersect(&rest), unknown: ports.unknown.intersect(&rest) }
    }

    /// The isolation that makes a difference, by namespace.
    fn isolations(&self, world: &World) -> Vec<Isolations<EndId>> {
        let mut found: BTreeMap<NewlyIsolated, Vec<EndId>> = BTreeMap::new();
        for end in world.ids() {
            let namespace = world.namespace_of(end).and_then(|namespace| namespace.name.clone());
            for (lifted, kind) in [(true, SideChange::Lifted), (false, SideChange::Introduced)] {
                let mut ways = Ways::default();
                for direction in Direction::ALL {
                    if self.has(direction, end) && self.comparison.side(direction, end) == kind {
                        ways.add(direction);
                    }
                }
                if !ways.is_none() {
                    found.entry((namespace.clone(), !lifted, ways)).or_default().push(end);
                }
            }
        }
        let isolations = |((_, introduced, ways), ends): (NewlyIsolated, _)| Isolations {
            lifted: !introduced,
            directions: ways.list(),
            ends,
        };
        found.into_iter().map(isolations).collect()
    }
}

/// Puts destinations together that the same sources reach in the same way.
fn rectangles(world: &World, keys: &[Key], found: BTreeMap<(usize, EndId), Vec<EndId>>) -> Vec<Part<EndId>> {
    let mut by_sources: BTreeMap<(usize, Vec<EndId>), Vec<EndId>> = BTreeMap::new();
    // What cannot be, such as a pod that connects to itself, must not keep destinations of one namespace apart.
    let mut near: BTreeMap<(usize, Option<Arc<str>>), Vec<Rectangle>> = BTreeMap::new();
    for ((key, destination), sources) in found {
        let namespace = world.namespace_of(destination).and_then(|namespace| namespace.name.clone());
        let known = near.entry((key, namespace)).or_default();
        let fits = |(others, destinations): &&mut Rectangle| {
            others == &sources
                || (only_impossible(world, &sources, others, destinations)
                    && only_impossible(world, others, &sources, &[destination]))
        };
        match known.iter_mut().find(fits) {
            Some((others, destinations)) => {
                others.extend(&sources);
                others.sort_unstable();
                others.dedup();
                destinations.push(destination);
            }
            None => known.push((sources, vec![destination])),
        }
    }
    for ((key, _), parts) in near {
        for (sources, destinations) in parts {
            by_sources.entry((key, sources)).or_default().extend(destinations);
        }
    }
    let mut parts: Vec<Part<EndId>> = by_sources
        .into_iter()
        .filter_map(|((key, sources), mut destinations)| {
            destinations.sort_unstable();
            Some(Part { key: keys.get(key)?.clone(), sources, destinations })
        })
        .collect();
    parts.sort_by(|a, b| (&a.sources, &a.destinations, a.key.kind).cmp(&(&b.sources, &b.destinations, b.key.kind)));
    parts
}

/// Whether none of the sources that are not among `others` could connect to the destinations at all.
fn only_impossible(world: &World, sources: &[EndId], others: &[EndId], destinations: &[EndId]) -> bool {
    let mut more = sources.iter().filter(|source| others.binary_search(source).is_err());
    more.all(|source| destinations.iter().all(|destination| !can_be(world, *source, *destination)))
}

/// Whether there can be a connection that policies judge.
fn can_be(world: &World, source: EndId, destination: EndId) -> bool {
    let pods = [source, destination].map(|end| world.pods(end));
    match pods {
        [None, None] => false,
        [Some(pods), _] if source == destination => pods.several,
        _ => world.coexist(source, destination),
    }
}
