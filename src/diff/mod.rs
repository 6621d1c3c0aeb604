//! What changed from one set of policies to another: in what is allowed, not in how it is written.
//!
//! Both are asked about one world. A difference of two ends is either the work of isolation that came or went, and then
//! one line for all pods that it is about says so; or a rule came or went, and then the connections are listed, those
//! that changed alike together. Nothing is listed exactly when both allow the same.

#![warn(clippy::wildcard_enum_match_arm)]

mod causes;
mod declarations;
mod doubts;
mod drift;
mod everyone;
mod given;
mod origin;
mod parts;
mod side_names;
mod sides;
mod those;
mod ways;

pub use causes::Causes;
pub use drift::{Drift, DriftedPolicy, LivePolicy, PolicyDrift, policy_drift};
pub use everyone::compare_everyone;
pub use given::{compare, compare_without_doubtful_blocks};
pub use origin::{DifferenceOrigin, Version};
pub use sides::compare_sides;

use crate::ask::Ends;
use crate::engine::{Doubt, EndId, Verdict};
use crate::net::{Direction, PortSet};

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

/// Ends that a difference is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MeantEnds {
    /// Those of a world; sorted.
    Given(Vec<EndId>),
    /// Sets of all that could exist.
    Sets(Vec<Ends>),
}

/// Isolation that came or went, and with it all connections that it decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsolationChange {
    /// Whether it went: what it kept out may come in. Otherwise it came.
    pub lifted: bool,
    /// In which directions.
    pub directions: Vec<Direction>,
    /// Whose it is.
    pub ends: MeantEnds,
    /// Names that together are exactly these pods.
    pub pods: Vec<String>,
    /// Where it stands, in the set of policies that has it.
    pub origins: Vec<DifferenceOrigin>,
    /// What the other set has in its place.
    pub instead: WithoutIsolation,
}

/// What the set of policies without some isolation says of the same pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithoutIsolation {
    /// These statements or policies, which isolate less.
    These(Vec<DifferenceOrigin>),
    /// It is a program that does not manage this namespace.
    NotManaged(String),
    /// Nothing.
    Nothing,
}

impl IsolationChange {
    /// What the older set of policies says of the isolation of these pods, and what the newer one says.
    pub fn origins_by_age(&self) -> [&[DifferenceOrigin]; 2] {
        let instead = match &self.instead {
            WithoutIsolation::These(origins) => origins.as_slice(),
            WithoutIsolation::NotManaged(_) | WithoutIsolation::Nothing => &[],
        };
        if self.lifted { [&self.origins, instead] } else { [instead, &self.origins] }
    }
}

/// Connections that changed in the same way: from each of the sources to each of the destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange {
    /// In which.
    pub kind: Kind,
    /// The one side that it is about, whatever the other says; `None` for connections, which need both.
    pub side: Option<Direction>,
    /// Who connects and to whom.
    pub ends: [MeantEnds; 2],
    /// Names that together are exactly those who connect.
    pub sources: Vec<String>,
    /// Names that together are exactly those to whom they connect.
    pub destinations: Vec<String>,
    /// The ports that came; as unknown those of which it is not sure before or after.
    pub added: Verdict,
    /// The ports that went; as unknown those of which it is not sure before or after.
    pub removed: Verdict,
    /// Whether it is so of some of them only, since something else allows it to the others before and after.
    pub partly: bool,
    /// What allowed the ports that went, in the older policies.
    pub old_origins: Vec<DifferenceOrigin>,
    /// What allows the ports that came, in the newer policies.
    pub new_origins: Vec<DifferenceOrigin>,
    /// What the one of both that does not allow it says in place of what the other one does: such as `dns none`.
    pub instead: Vec<DifferenceOrigin>,
    /// What nobody said, where some ports are unknown for it.
    pub doubts: Vec<Doubt>,
}

impl ConnectionChange {
    /// What the older policies say of it, and what the newer ones say.
    pub fn origins_by_age(&self) -> [&[DifferenceOrigin]; 2] {
        let (old, new) = (self.old_origins.as_slice(), self.new_origins.as_slice());
        match (old, new) {
            ([], _) => [&self.instead, new],
            (_, []) => [old, &self.instead],
            _ => [old, new],
        }
    }

    /// Whether something changed whatever is missing.
    pub fn is_sure(&self) -> bool {
        !self.added.allowed.is_empty() || !self.removed.allowed.is_empty()
    }

    /// The ports of which it is not known whether they came or went.
    pub fn unknown(&self) -> PortSet {
        self.added.unknown.union(&self.removed.unknown)
    }
}

/// How connections changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Not all of them could connect, and now they can.
    Added,
    /// All of them could connect, and now not all of them can.
    Removed,
    /// All could and can connect, on other ports.
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
