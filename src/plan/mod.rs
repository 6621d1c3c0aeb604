//! From flows to policies: default-deny, DNS, the two sides of each flow, concerns, minimality and names.

#![warn(clippy::wildcard_enum_match_arm)]

mod buckets;
mod concern;
mod minimal;
mod name;
mod one_sided;
mod planner;
mod report;
mod subject;

pub use planner::{Planned, plan};

/// How policies are grouped. All layouts mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Layout {
    /// One concern a policy, one policy a file.
    #[default]
    Flow,
    /// One policy for each tier and direction.
    Tier,
    /// The policies of `Tier`, all those of a namespace in one file.
    Namespace,
}
