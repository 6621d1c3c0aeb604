//! What would have to be known for a sure answer.

use super::super::world::{EndId, Truth};
use super::Engine;
use crate::net::{PortSet, Protocol, Selector};
use crate::policy::{Direction, Peer};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A fact that is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Whether a namespace has labels that a policy asks for.
    NamespaceLabels {
        /// The namespace; `None` for those that nothing names.
        namespace: Option<Arc<str>>,
        /// What is asked for.
        selector: Selector,
    },
    /// Which addresses pods have, or that they are in a block with one of their addresses only.
    PodAddresses {
        /// The namespace of the pods; `None` for those that nothing names.
        namespace: Option<Arc<str>>,
    },
    /// Which number pods give to a named port.
    NamedPort(Protocol, Arc<str>),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::NamespaceLabels { namespace: Some(namespace), selector } => {
                write!(f, "whether namespace `{namespace}` has the labels ({selector})")
            }
            Doubt::NamespaceLabels { namespace: None, selector } => {
                write!(f, "whether other namespaces have the labels ({selector})")
            }
            Doubt::PodAddresses { namespace: Some(namespace) } => {
                write!(f, "the addresses of the pods in namespace `{namespace}`")
            }
            Doubt::PodAddresses { namespace: None } => write!(f, "the addresses of the pods in other namespaces"),
            Doubt::NamedPort(protocol, name) => {
                write!(f, "the number of the container port {name:?}/{}", protocol.keyword())
            }
        }
    }
}

impl Engine<'_> {
    /// What is missing to say for sure which of the ports that are `asked` for `source` may open to `destination`.
    pub fn doubts(&self, source: EndId, destination: EndId, asked: &PortSet) -> Vec<Doubt> {
        // Numbers may be those of names.
        let by_name = self.perhaps_on(source, destination, asked);
        let unknown = self.between(source, destination).unknown.intersect(asked).union(&by_name);
        let mut doubts = BTreeSet::new();
        if unknown.is_empty() {
            return Vec::new();
        }
        for (direction, subject, peer) in
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
        {
            for grant in self.decision(direction, subject, peer).grants {
                if grant.truth == Truth::Maybe && grant.ports.overlaps(&unknown) {
                    doubts.extend(self.doubt_of_peer(direction, grant.policy, grant.rule, grant.peer, peer));
                }
                for protocol in Protocol::ALL.into_iter().filter(|protocol| !by_name.ranges(*protocol).is_empty()) {
                    let names = grant.ports.names(protocol);
                    doubts.extend(names.map(|name| Doubt::NamedPort(protocol, name.clone())));
                }
            }
        }
        for protocol in Protocol::ALL {
            let names = unknown.names(protocol);
            doubts.extend(names.map(|name| Doubt::NamedPort(protocol, name.clone())));
        }
        doubts.into_iter().collect()
    }

    fn doubt_of_peer(
        &self,
        direction: Direction,
        policy: usize,
        rule: usize,
        peer: Option<usize>,
        end: EndId,
    ) -> Option<Doubt> {
        let rules = super::rules_in(self.policies.get(policy)?, direction)?;
        let name = self.world.namespace_of(end)?.name.clone();
        Some(match rules.get(rule)?.peers.get(peer?)? {
            Peer::Pods { namespaces, .. } => {
                Doubt::NamespaceLabels { namespace: name, selector: namespaces.clone().unwrap_or_default() }
            }
            Peer::Block(_) => Doubt::PodAddresses { namespace: name },
        })
    }
}
