//! Flows as lines: in braces where they only differ in one end, in groups where the same braces come again.

use super::atoms::{Atoms, RuleOrigin};
use super::flows::{Flow, Flows};
use super::names::Names;
use super::places::{Home, Place, PlaceId};
use crate::draft::{self, End, Ports, Statement};
use crate::model::BuiltIn;
use crate::net::{Direction, PortSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A line with a flow.
pub(super) struct Line {
    pub flow: draft::Flow,
    pub origins: BTreeSet<RuleOrigin>,
    /// Whether it comes from outside of its block, stays within, or goes outside.
    pub section: usize,
}

/// The lines of each block, and the groups that they use.
pub(super) struct Lines {
    pub blocks: BTreeMap<usize, Vec<Line>>,
    pub groups: Vec<Statement>,
}

/// Flows that differ in nothing but their ends, as one.
struct Braces {
    block: usize,
    sources: Vec<PlaceId>,
    destinations: Vec<PlaceId>,
    side: Option<Direction>,
    ports: PortSet,
    origins: BTreeSet<RuleOrigin>,
}

/// Ends with the origins of what they say.
type Grouped<K> = BTreeMap<K, Vec<(PlaceId, BTreeSet<RuleOrigin>)>>;

/// Fewer ends stay in their braces.
const FEWEST_MEMBERS: usize = 3;

/// More ends are in braces of their own.
const MOST_MEMBERS: usize = 40;

/// The flows of each block in order.
pub(super) fn lines(atoms: &Atoms, flows: &Flows, names: &Names) -> Lines {
    let all = braces(atoms, flows);
    let groups = groups(&all, flows, names);
    let mut blocks: BTreeMap<usize, Vec<(Rank, Line)>> = BTreeMap::new();
    for Braces { block, sources, destinations, side, ports, origins } in all {
        let Some(name) = atoms.names.get(block) else { continue };
        let ends = |places: &[PlaceId]| {
            let mut ends: Vec<(bool, String, End)> = places
                .iter()
                .map(|place| names.end(flows.places.place(*place), name))
                .map(|(addresses, end)| (addresses, end.to_string(), end))
                .collect();
            ends.sort();
            ends
        };
        let (from, to) = (ends(&sources), ends(&destinations));
        let rank = rank(&from, &to, side);
        let said = |places: &Vec<PlaceId>, ends: Vec<(bool, String, End)>| match groups.get(places) {
            Some(group) => vec![End { namespace: None, name: group.clone() }],
            None => ends.into_iter().map(|(_, _, end)| end).collect(),
        };
        let to_places = destinations.clone();
        let (sources, destinations) = (said(&sources, from), said(&destinations, to));
        let named = names.port(to_places.iter().map(|place| flows.places.place(*place)), &ports);
        let ports = named.map_or(Ports::These(ports), Ports::Named);
        let flow = draft::Flow { side, sources, destinations, ports };
        let section = rank.0;
        blocks.entry(block).or_default().push((rank, Line { flow, origins, section }));
    }
    let in_order = |mut lines: Vec<(Rank, Line)>| {
        lines.sort_by_cached_key(|(rank, line)| (rank.clone(), line.flow.to_string()));
        lines.into_iter().map(|(_, line)| line).collect()
    };
    let blocks = blocks.into_iter().map(|(block, lines)| (block, in_order(lines))).collect();
    let mut declared: Vec<(Arc<str>, Vec<End>)> = groups
        .into_iter()
        .map(|(places, name)| {
            let nowhere: Arc<str> = "".into();
            let mut members: Vec<(bool, End)> =
                places.iter().map(|place| names.end(flows.places.place(*place), &nowhere)).collect();
            members.sort();
            (name, members.into_iter().map(|(_, end)| end).collect())
        })
        .collect();
    declared.sort();
    let groups = declared.into_iter().map(|(name, members)| Statement::Group { name, members }).collect();
    Lines { blocks, groups }
}

/// Flows in braces: first those that only differ in who connects, then those that only differ in to whom.
fn braces(atoms: &Atoms, flows: &Flows) -> Vec<Braces> {
    let mut by_destination: Grouped<(usize, PlaceId, Option<Direction>, PortSet)> = BTreeMap::new();
    for flow in &flows.flows {
        let block = block(atoms, flows, flow);
        let key = (block, flow.ends.destination, flow.ends.side, flow.ports.clone());
        by_destination.entry(key).or_default().push((flow.ends.source, flow.origins.clone()));
    }
    let mut by_sources: Grouped<(usize, Vec<PlaceId>, Option<Direction>, PortSet)> = BTreeMap::new();
    for ((block, destination, side, ports), mut sources) in by_destination {
        sources.sort();
        for (sources, origins) in pieces(sources) {
            let key = (block, sources, side, ports.clone());
            by_sources.entry(key).or_default().push((destination, origins));
        }
    }
    let mut all = Vec::new();
    for ((block, sources, side, ports), mut destinations) in by_sources {
        destinations.sort();
        for (destinations, origins) in pieces(destinations) {
            let (sources, ports) = (sources.clone(), ports.clone());
            all.push(Braces { block, sources, destinations, side, ports, origins });
        }
    }
    all
}

/// Ends in as many braces as people can read.
fn pieces(ends: Vec<(PlaceId, BTreeSet<RuleOrigin>)>) -> Vec<(Vec<PlaceId>, BTreeSet<RuleOrigin>)> {
    let piece = |some: &[(PlaceId, BTreeSet<RuleOrigin>)]| {
        let places = some.iter().map(|(place, _)| *place).collect();
        (places, some.iter().flat_map(|(_, origins)| origins.iter().copied()).collect())
    };
    ends.chunks(MOST_MEMBERS).map(piece).collect()
}

/// The braces that stand in several lines, each with the name of a group for it.
fn groups(all: &[Braces], flows: &Flows, names: &Names) -> BTreeMap<Vec<PlaceId>, Arc<str>> {
    // The names of the other ends, and whether it is the members that connect.
    let mut uses: BTreeMap<&Vec<PlaceId>, Vec<(bool, String)>> = BTreeMap::new();
    for one in all {
        let short = |places: &[PlaceId]| {
            let mut names: Vec<String> = places
                .iter()
                .filter_map(|place| names.short(flows.places.place(*place)))
                .map(|name| name.to_string())
                .collect();
            names.sort();
            names.into_iter().next().unwrap_or_default()
        };
        for (members, others, connect) in
            [(&one.sources, &one.destinations, true), (&one.destinations, &one.sources, false)]
        {
            let is_declared = |place: &PlaceId| {
                let (_, end) = names.end(flows.places.place(*place), &"".into());
                end.namespace.is_some() || !BuiltIn::ALL.iter().any(|one| one.word() == &*end.name)
            };
            if members.len() >= FEWEST_MEMBERS && members.iter().all(is_declared) {
                uses.entry(members).or_default().push((!connect, short(others)));
            }
        }
    }
    let mut several: Vec<(String, &Vec<PlaceId>)> = Vec::new();
    for (members, mut uses) in uses.into_iter().filter(|(_, uses)| uses.len() > 1) {
        uses.sort();
        let Some((targets, other)) = uses.into_iter().next() else { continue };
        let role = if targets { "targets" } else { "clients" };
        let name = if other.is_empty() { role.to_owned() } else { format!("{other}-{role}") };
        several.push((name, members));
    }
    // By what the members are, so that no number depends on the order of documents.
    several.sort_by_cached_key(|(name, members)| {
        let texts: BTreeSet<String> =
            members.iter().map(|place| names.end(flows.places.place(*place), &"".into()).1.to_string()).collect();
        (name.clone(), texts)
    });
    let (mut taken, mut numbers) = (names.taken(), draft::NumberedNames::default());
    let mut named = BTreeMap::new();
    for (name, members) in several {
        let name: Arc<str> = numbers.free(&[name], |name| taken.contains(name)).into();
        taken.insert(name.clone());
        named.insert(members.clone(), name);
    }
    named
}

/// Where a flow stands: from outside, within, to outside; then by destination and source; those of both sides first.
type Rank = (usize, Vec<(bool, String)>, Vec<(bool, String)>, Option<Direction>);

fn rank(sources: &[(bool, String, End)], destinations: &[(bool, String, End)], side: Option<Direction>) -> Rank {
    let is_own = |(addresses, text, end): &(bool, String, End)| {
        !addresses && end.namespace.is_none() && !crate::model::BuiltIn::ALL.iter().any(|one| one.word() == text)
    };
    let section = match (sources.iter().any(is_own), destinations.iter().any(is_own)) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => 2,
    };
    let keys =
        |ends: &[(bool, String, End)]| ends.iter().map(|(addresses, text, _)| (*addresses, text.clone())).collect();
    (section, keys(destinations), keys(sources), side)
}

/// The namespace in whose block a flow stands: that of the destination, unless that is all of another one.
pub(super) fn block(atoms: &Atoms, flows: &Flows, flow: &Flow) -> usize {
    let home = |id: PlaceId| match flows.places.place(id) {
        Place::Pods(Home::Named(name), pods) => {
            atoms.names.binary_search(name).ok().map(|at| (at, pods.is_everything()))
        }
        Place::Anywhere | Place::Pods(..) | Place::Addresses(_) => None,
    };
    match (home(flow.ends.source), home(flow.ends.destination)) {
        (Some((source, _)), Some((_, true)) | None) => source,
        (_, Some((destination, _))) => destination,
        (None, None) => 0,
    }
}
