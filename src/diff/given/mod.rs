//! What differs for the workloads that there are.

mod names;
mod parts;

use super::doubts::doubts;
use super::origin::Origins;
use super::parts::{EndsByName, Isolations, Part, Parts};
use super::those::Those;
use super::{Diff, MeantEnds, Version};
use crate::ask::Situation;
use crate::engine::{Comparison, EndId, Engine};
use crate::net::{Direction, PortSet};
use names::Names;
use parts::WorldChanges;

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
    let Parts { isolations, parts } = WorldChanges::of(&Comparison::new(before, after));
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
    let named = |ends: &[EndId]| EndsByName { names: names.of(ends), ends: MeantEnds::Given(ends.to_vec()) };
    let isolation = |one: &Isolations<EndId>| one.told(&origins, Those::Given(world, &one.ends), named(&one.ends));
    let connection = |part: Part<EndId>| {
        let ends = [&part.sources, &part.destinations].map(Vec::as_slice);
        let granting = |engine: &Engine<'_>, direction: Direction, ports: &PortSet| {
            let [subjects, peers] = match direction {
                Direction::Ingress => [&part.destinations, &part.sources],
                Direction::Egress => [&part.sources, &part.destinations],
            };
            engine.granting(direction, subjects, peers, ports)
        };
        let in_old = |direction, ports: &_| granting(before, direction, ports);
        let in_new = |direction, ports: &_| granting(after, direction, ports);
        let those = ends.map(|ends| Those::Given(world, ends));
        let mut change = part.key.told(&origins, those, [&in_old, &in_new], ends.map(named));
        change.doubts = doubts([before, after], ends, &change.unknown());
        change
    };
    Diff {
        isolation: isolations.iter().map(isolation).collect(),
        connections: parts.into_iter().map(connection).collect(),
        given_up: engines.iter().any(Engine::has_given_up),
        left_out: engines.iter().any(Engine::has_left_out),
    }
}
