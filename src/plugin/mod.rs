//! What the CNIs make of policies together, whoever wrote them: laws about their names and numbers. What they say is in the
//! table of [`crate::model::CNI_DIFFERENCES`].

#![warn(clippy::wildcard_enum_match_arm)]

mod limits;
mod names;
mod program;

pub use limits::{CrowdedBlock, OfPods, PodLimit, crowded_blocks, large_maps, long_rules, many_policies};
pub use names::names_alike;
pub use program::of_program;
