//! What a program is compiled to. A target is two functions that share nothing: one from the flow set to files, and one from
//! files, as they were written, to what they grant. The proof holds the second against the flow set, so it need not know the
//! first, nor any other target.

#![warn(clippy::wildcard_enum_match_arm)]

mod cilium;
pub mod network_policy;

use crate::flow::FlowSet;
pub use crate::model::Target;
use crate::plan::{Layout, Planned};

/// The policies that a program becomes.
pub fn policies(set: &FlowSet, layout: Layout, target: Target) -> Planned {
    match target {
        // Which of the policies are staged is a matter of how far a program is enforced.
        Target::NetworkPolicy | Target::CalicoStaged => network_policy::policies(set, layout),
        Target::Cilium => cilium::policies(set, layout),
    }
}
