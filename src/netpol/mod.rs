//! What a NetworkPolicy is (`networking.k8s.io/v1`), as plain data: once as it counts, and once as somebody wrote it. And
//! the policies of the whole cluster beside it.

#![warn(clippy::wildcard_enum_match_arm)]

mod cluster_policy;
mod data;
mod written;

pub use cluster_policy::{ClusterPolicy, ClusterPolicyKind, PolicyTier, Ruling, RulingAction};
pub use data::{Peer, Policy, PolicyKind, PolicySet, Port, PortTarget, Rule};
pub use written::{Written, WrittenPeer, WrittenPort, WrittenRule, WrittenRules};

use crate::net::Direction;

/// One of a thing for each direction.
#[derive(Debug, Clone, Default)]
pub struct PerDirection<T> {
    /// For ingress.
    pub ingress: T,
    /// For egress.
    pub egress: T,
}

impl<T> PerDirection<T> {
    /// The one of a direction.
    pub fn get(&self, direction: Direction) -> &T {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// The one of a direction, to be changed.
    pub fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}
