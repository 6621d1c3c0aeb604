//! What changed from one set of policies to another: in what is allowed, not in how it is written.
//!
//! Both are asked about one world. A difference of two ends is either the work of isolation that came or went, and then
//! one line for all pods that it is about says so; or a rule came or went, and then the connections are listed, those
//! that changed alike together. Nothing is listed exactly when both allow the same.

mod cover;
mod origin;
mod parts;

pub use origin::{Origin, Version};

use crate::ask::Situation;
use crate::engine::{Comparison, EndId, Engine, Verdict};
use crate::net::Direction;
use cover::Names;
use origin::Origins;
use parts::{Isolations, Part, Parts};

/// Everything that differs; nothing when both sets of policies allow the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// Pods that are isolated and were not, or the reverse.
    pub isolation: Vec<IsolationChange>,
    /// Connections that came, went or changed by other means.
    pub connections: Vec<ConnectionChange>,
    /// Whether more is unknown than need be, because it would have taken too long to look closer.
    pub given_up: bool,
    /// Whether pods are left out that address blocks may let through.
    pub left_out: bool,
}

/// Isolation that came or went, and with it all connections that it decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsolationChange {
    /// Whether it went: what it kept out may come in. Otherwise it came.
    pub lifted: bool,
    /// In which directions.
    pub directions: Vec<Direction>,
    /// Whose it is, in the world of the situation; sorted.
    pub ends: Vec<EndId>,
    /// Names that together are exactly these pods.
    pub pods: Vec<String>,
    /// Where it stands, in the set of policies that has it.
    pub origins: Vec<Origin>,
}

/// Connections that changed in the same way: from each of the sources to each of the destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange {
    /// In which.
    pub kind: Kind,
    /// Who connects and to whom, in the world of the situation; sorted.
    pub ends: [Vec<EndId>; 2],
    /// Names that together are exactly those who connect.
    pub sources: Vec<String>,
    /// Names that together are exactly those to whom they connect.
    pub destinations: Vec<String>,
    /// The ports that came; as unknown those of which it is not sure before or after.
    pub added: Verdict,
    /// The ports that went; as unknown those of which it is not sure before or after.
    pub removed: Verdict,
    /// What allowed the ports that went, in the older policies.
    pub old_origins: Vec<Origin>,
    /// What allows the ports that came, in the newer policies.
    pub new_origins: Vec<Origin>,
}

/// How connections changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nothing was allowed, and something is.
    Added,
    /// Something was allowed, and nothing is.
    Removed,
    /// On other ports than before.
    Changed,
}

impl Diff {
    /// Whether both sets of policies allow the same.
    pub fn is_empty(&self) -> bool {
        self.isolation.is_empty() && self.connections.is_empty()
    }

    /// Whether something is allowed, or may be, that was not.
    pub fn is_wider(&self) -> bool {
        self.isolation.iter().any(|change| change.lifted)
            || self.connections.iter().any(|change| !change.added.is_denied())
    }

    /// Whether something was allowed, or might be, that is not any more.
    pub fn is_narrower(&self) -> bool {
        self.isolation.iter().any(|change| !change.lifted)
            || self.connections.iter().any(|change| !change.removed.is_denied())
    }
}

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
    let old = Origins::new(old, before, &parts);
    let new = Origins::new(new, after, &parts);
    let isolation = |one: Isolations| IsolationChange {
        lifted: one.lifted,
        origins: if one.lifted { &old } else { &new }.of_isolation(&one.directions, &one.ends),
        pods: names.of(&one.ends),
        ends: one.ends,
        directions: one.directions,
    };
    let connection = |part: Part| ConnectionChange {
        kind: part.key.kind,
        sources: names.of(&part.sources),
        destinations: names.of(&part.destinations),
        old_origins: old.of_connections(&part, &part.key.removed),
        new_origins: new.of_connections(&part, &part.key.added),
        ends: [part.sources, part.destinations],
        added: part.key.added,
        removed: part.key.removed,
    };
    Diff {
        isolation: isolations.into_iter().map(isolation).collect(),
        connections: parts.into_iter().map(connection).collect(),
        given_up: engines.iter().any(Engine::has_given_up),
        left_out: engines.iter().any(Engine::has_left_out),
    }
}
