//! What would have to be known for a sure answer.

use super::world::{End, EndId};
use super::{Engine, Grant};
use crate::net::{AddressSet, Direction, PortSet, Protocol, Selector, Truth, Unlisted};
use crate::netpol::Peer;
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
    /// Whether address blocks match these by their addresses.
    BlocksMatch(Matched),
    /// Which addresses pods have.
    PodAddresses {
        /// The namespace of the pods; `None` for those that nothing names.
        namespace: Option<Arc<str>>,
    },
    /// Which number pods give to a named port.
    NamedPort(Protocol, Arc<str>),
    /// Which node pods run on, whose traffic no policy keeps from them.
    Node {
        /// The namespace of the pods.
        namespace: Option<Arc<str>>,
    },
    /// Which addresses these names or entities of a policy have.
    StandsFor(Unlisted),
    /// Which addresses the other end has, which is asked about by name.
    AddressOfName,
    /// Which addresses the nodes have.
    NodeAddresses,
    /// Whether pods behind a Service see who connects from outside, or a node in its place.
    SourceOfService,
    /// Whether egress to the address of a Service is judged as egress to its pods.
    AddressOfService,
    /// Over which of their addresses pods connect that have several.
    AddressInUse {
        /// The namespace of the pods.
        namespace: Option<Arc<str>>,
    },
    /// Which of two policies of the whole cluster comes first, whose priority is the same.
    EqualPriority([String; 2]),
}

/// What the network plugin may or may not match with address blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matched {
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// The API server.
    ApiServer,
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
            Doubt::BlocksMatch(Matched::Pods) => f.write_str("whether the CNI matches pods by their addresses"),
            Doubt::BlocksMatch(Matched::Nodes) => f.write_str("whether the CNI matches nodes by their addresses"),
            Doubt::BlocksMatch(Matched::ApiServer) => {
                f.write_str("whether the CNI matches the API server by its addresses")
            }
            Doubt::PodAddresses { namespace: Some(namespace) } => {
                write!(f, "the addresses of the pods in namespace `{namespace}`")
            }
            Doubt::PodAddresses { namespace: None } => write!(f, "the addresses of the pods in other namespaces"),
            Doubt::Node { namespace: Some(namespace) } => {
                write!(f, "which node the pods in namespace `{namespace}` run on, which is always let in")
            }
            Doubt::Node { namespace: None } => f.write_str("which node the pods run on, which is always let in"),
            Doubt::StandsFor(Unlisted::Names(patterns)) => {
                let names: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
                write!(f, "whether {} resolves to that address", names.join(" or "))
            }
            Doubt::StandsFor(Unlisted::Entities(entities)) => write!(f, "whether that is the address of {entities}"),
            Doubt::AddressOfName => f.write_str("which addresses the other end has, which is known by name"),
            Doubt::NodeAddresses => f.write_str("the addresses of the nodes"),
            Doubt::SourceOfService => f.write_str("whether the pods see the client or a node in its place"),
            Doubt::AddressInUse { namespace } => {
                let whose = namespace.as_ref().map(|name| format!(" in namespace `{name}`")).unwrap_or_default();
                write!(f, "over which of their addresses the pods{whose} are reached")
            }
            Doubt::EqualPriority([one, other]) => {
                write!(f, "which of {one} and {other} comes first, for they have one priority")
            }
            Doubt::AddressOfService => f.write_str(
                "what the CNI makes of the address of the Service, for it judges egress before that becomes the address of a pod",
            ),
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
        if self.world.is_own_node(destination, source) == Truth::Maybe {
            let namespace = self.world.namespace_of(destination).and_then(|namespace| namespace.name.clone());
            doubts.insert(Doubt::Node { namespace });
        }
        for (direction, subject, peer) in
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
        {
            for grant in self.decision(direction, subject, peer).grants {
                if grant.truth == Truth::Maybe && grant.ports.overlaps(&unknown) {
                    doubts.extend(self.doubts_of_peer(direction, &grant, subject, peer));
                }
                for protocol in Protocol::ALL.into_iter().filter(|protocol| !by_name.ranges(*protocol).is_empty()) {
                    let names = grant.ports.names(protocol);
                    doubts.extend(names.map(|name| Doubt::NamedPort(protocol, name.clone())));
                }
            }
            doubts.extend(self.undefined_order(direction, subject, peer).map(Doubt::EqualPriority));
            for (policy, peers) in self.doubtful_rulings(direction, subject, peer, &unknown) {
                let home = self.world.namespace_of(subject);
                if let Some(home) = home.filter(|home| home.matches(&policy.namespaces) == Truth::Maybe) {
                    let (namespace, selector) = (home.name.clone(), policy.namespaces.clone());
                    doubts.insert(Doubt::NamespaceLabels { namespace, selector });
                }
                let of_peers: Vec<Doubt> = peers.iter().flat_map(|one| self.doubts_of(one, subject, peer)).collect();
                if let (true, false) = (of_peers.is_empty(), peers.is_empty()) {
                    let namespace = self.world.namespace_of(peer).and_then(|namespace| namespace.name.clone());
                    doubts.insert(Doubt::AddressInUse { namespace });
                }
                doubts.extend(of_peers);
            }
        }
        for protocol in Protocol::ALL {
            let names = unknown.names(protocol);
            doubts.extend(names.map(|name| Doubt::NamedPort(protocol, name.clone())));
        }
        doubts.into_iter().collect()
    }

    /// Why it is not known whether an end is the peer of a grant.
    fn doubts_of_peer(&self, direction: Direction, grant: &Grant, subject: EndId, end: EndId) -> Vec<Doubt> {
        let rules = self.policies.get(grant.policy).and_then(|policy| super::rules_in(policy, direction));
        let rule = rules.and_then(|rules| rules.get(grant.rule));
        let written = grant.peer.and_then(|peer| rule?.peers.get(peer));
        written.map(|written| self.doubts_of(written, subject, end)).unwrap_or_default()
    }

    /// Why it is not known whether an end is a peer, as it is written.
    fn doubts_of(&self, peer: &Peer, subject: EndId, end: EndId) -> Vec<Doubt> {
        match peer {
            Peer::Pods { namespaces, .. } => {
                let namespace = self.world.namespace_of(end).and_then(|namespace| namespace.name.clone());
                vec![Doubt::NamespaceLabels { namespace, selector: namespaces.clone().unwrap_or_default() }]
            }
            Peer::Block(block) => self.doubts_of_block(&block.addresses(), subject, end),
            Peer::Unlisted(unlisted) => vec![Doubt::StandsFor(unlisted.clone())],
        }
    }

    /// Why it is not known whether a block matches an end.
    fn doubts_of_block(&self, block: &AddressSet, subject: EndId, end: EndId) -> Vec<Doubt> {
        let facts = &self.world.facts;
        let matches = facts.matches();
        let pods = match self.world.end(end) {
            Some(End::Pods(pods)) => pods,
            Some(End::Addresses { addresses, .. }) if addresses.has_unlisted() => return vec![Doubt::AddressOfName],
            Some(End::Addresses { addresses, .. }) => {
                let of =
                    |matched, truth, is_it| (is_it && truth == Truth::Maybe).then_some(Doubt::BlocksMatch(matched));
                let nodes = of(Matched::Nodes, matches.nodes, facts.is_node(addresses));
                let api_server = of(Matched::ApiServer, matches.api_server, facts.is_api_server(addresses));
                return nodes.into_iter().chain(api_server).collect();
            }
            None => return Vec::new(),
        };
        let mut doubts = Vec::new();
        if matches.pods == Truth::Maybe {
            doubts.push(Doubt::BlocksMatch(Matched::Pods));
        }
        if facts.inside(block, &pods.addresses) == Truth::Maybe {
            // Those who have an address in it and one outside are in it or not by the address of the other end.
            let unknown = if pods.addresses.is_empty() { end } else { subject };
            if self.world.pods(unknown).is_some_and(|pods| pods.addresses.is_empty()) {
                let namespace = self.world.namespace_of(unknown).and_then(|namespace| namespace.name.clone());
                doubts.push(Doubt::PodAddresses { namespace });
            }
        }
        doubts
    }
}
