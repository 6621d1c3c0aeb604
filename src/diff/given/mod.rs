//! What differs for the workloads that there are.

mod names;
mod parts;

use super::origin::{Origins, Those};
use super::{ConnectionChange, Diff, IsolationChange, Meant, Version};
use crate::ask::Situation;
use crate::engine::{Comparison, Engine};
use crate::net::Direction;
use names::Names;
use parts::{Isolations, Part, Parts};

/// What differs between two sets of policies, both of which the situation has to know.
pub fn compare(situation: &Situation, old: &Version<'_>, new: &Version<'_>) -> Diff {
    let world = &situation.world;
    by_engines(situation, [old, new], [old, new].map(|version| Engine::new(world, version.policies)))
}

/// The same without the pods that only address blocks may let through. Every difference of blocks is one for addresses,
/// too; whether there is another beside those is only in the whole.
pub fn compare_without_doubtful_blocks(situation: &Situation, old: &Version<'_>, new: &Version<'_>) -> Diff {
    let world = &situation.world;
    let engines = [old, new].map(|version| Engine::new(world, version.policies).without_doubtful_blocks());
    by_engines(situation, [old, new], engines)
}

fn by_engines(situation: &Situation, [old, new]: [&Version<'_>; 2], engines: [Engine<'_>; 2]) -> Diff {
    let [before, after] = &engines;
    let Parts { isolations, parts } = Parts::of(&Comparison::new(before, after));
    if isolations.is_empty() && parts.is_empty() {
        return Diff {
            given_up: engines.iter().any(Engine::has_given_up),
            left_out: engines.iter().any(Engine::has_left_out),
            ..Diff::default()
        };
    }
    let names = Names::new(situation, [old, new]);
    let origins = [Origins::new(old), Origins::new(new)];
    let world = &situation.world;
    let isolation = |one: Isolations| {
        let [was, is] = &origins;
        let (has, lacks) = if one.lifted { (was, is) } else { (is, was) };
        let those = Those::Given(world, &one.ends);
        let origins = has.of_isolation(&one.directions, those);
        IsolationChange {
            lifted: one.lifted,
            instead: lacks.instead_of_isolation(&origins, those),
            origins,
            pods: names.of(&one.ends),
            ends: Meant::Given(one.ends),
            directions: one.directions,
        }
    };
    let connection = |part: Part| {
        let ends = [Those::Given(world, &part.sources), Those::Given(world, &part.destinations)];
        let granting = |engine: &Engine<'_>, direction: Direction, ports: &_| {
            let (subjects, peers) = match direction {
                Direction::Ingress => (&part.destinations, &part.sources),
                Direction::Egress => (&part.sources, &part.destinations),
            };
            engine.granting(direction, subjects, peers, ports)
        };
        let [was, is] = &origins;
        let by = part.key.by;
        ConnectionChange {
            kind: part.key.kind,
            sources: names.of(&part.sources),
            destinations: names.of(&part.destinations),
            old_origins: was.of_connections(is, by, ends, &part.key.removed, &|direction, ports| {
                granting(before, direction, ports)
            }),
            new_origins: is
                .of_connections(was, by, ends, &part.key.added, &|direction, ports| granting(after, direction, ports)),
            ends: [Meant::Given(part.sources.clone()), Meant::Given(part.destinations.clone())],
            added: part.key.added,
            removed: part.key.removed,
            partly: false,
        }
    };
    Diff {
        isolation: isolations.into_iter().map(isolation).collect(),
        connections: parts.into_iter().map(connection).collect(),
        given_up: engines.iter().any(Engine::has_given_up),
        left_out: engines.iter().any(Engine::has_left_out),
    }
}
