//! What would have to be known for a sure answer.

use super::super::world::{EndId, Truth};
use super::Engine;
use crate::net::{Protocol, Requirement, Selector};
use crate::policy::{Direction, Peer};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A fact that is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Whether a namespace has labels that a policy asks for.
    NamespaceLabels {
        /// The namespace.
        namespace: Arc<str>,
        /// What is asked for.
        selector: Selector,
    },
    /// Which addresses pods have, or that they are in a block with one of their addresses only.
    PodAddresses {
        /// The namespace of the pods.
        namespace: Arc<str>,
    },
    /// Which number pods give to a named port.
    NamedPort(Protocol, Arc<str>),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::NamespaceLabels { namespace, selector } => {
                write!(f, "whether namespace `{namespace}` has the labels ({})", Labels(selector))
            }
            Doubt::PodAddresses { namespace } => write!(f, "the addresses of the pods in namespace `{namespace}`"),
            Doubt::NamedPort(protocol, name) => {
                write!(f, "the number of the container port {name:?}/{}", protocol.keyword())
            }
        }
    }
}

/// A selector as the language writes it.
struct Labels<'a>(&'a Selector);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.requirements().into_iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match requirement {
                Requirement::Equals(key, value) => write!(f, "{key}={value}")?,
                Requirement::In(key, values) => write!(f, "{key} in ({})", values.join(", "))?,
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(", "))?,
                Requirement::Exists(key) => write!(f, "{key}")?,
                Requirement::DoesNotExist(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

impl Engine<'_> {
    /// What is missing to say for sure what `source` may open to `destination`.
    pub fn doubts(&self, source: EndId, destination: EndId) -> Vec<Doubt> {
        let verdict = self.between(source, destination);
        let mut doubts = BTreeSet::new();
        if verdict.unknown.is_empty() {
            return Vec::new();
        }
        for (direction, subject, peer) in
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
        {
            for grant in self.decision(direction, subject, peer).grants {
                if grant.truth == Truth::Maybe && grant.ports.overlaps(&verdict.unknown) {
                    doubts.extend(self.doubt_of_peer(direction, grant.policy, grant.rule, grant.peer, peer));
                }
            }
        }
        for protocol in Protocol::ALL {
            let names = verdict.unknown.names(protocol);
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
        let namespace = self.world.namespace_of(end)?;
        let name = namespace.name.clone()?;
        Some(match rules.get(rule)?.peers.get(peer?)? {
            Peer::Pods { namespaces, .. } => {
                Doubt::NamespaceLabels { namespace: name, selector: namespaces.clone().unwrap_or_default() }
            }
            Peer::Block(_) => Doubt::PodAddresses { namespace: name },
        })
    }
}
