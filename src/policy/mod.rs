//! From flows to policies: default-deny, DNS, the two sides of each flow, concerns, minimality and names.

mod buckets;
mod concern;
mod data;
mod minimal;
mod name;
mod one_sided;
mod plan;
mod report;
mod subject;
mod written;

pub use crate::net::{Direction, IpBlock};
pub use data::{Peer, Policy, PolicySet, Port, PortTarget, Rule};
pub use plan::{Planned, plan};
pub use written::{Written, WrittenPeer, WrittenPort, WrittenRule, WrittenRules};

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

/// One of a thing for each direction.
#[derive(Debug, Clone, Default)]
struct PerDirection<T> {
    ingress: T,
    egress: T,
}

impl<T> PerDirection<T> {
    fn get(&self, direction: Direction) -> &T {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}
