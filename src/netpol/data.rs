//! A policy set as plain data: what Kubernetes' NetworkPolicy says, in our own words.

use crate::net::{AddressSet, IpBlock, PortSet, Protocol, Selector, Unlisted};
use crate::source::Excerpt;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// Policies, sorted by namespace, name and kind, which together are unique.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicySet {
    /// The policies.
    pub policies: Vec<Policy>,
}

/// Which object a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PolicyKind {
    /// `NetworkPolicy` (`networking.k8s.io/v1`).
    #[default]
    NetworkPolicy,
    /// `CiliumNetworkPolicy` (`cilium.io/v2`), as far as it says what others can say, too, and names and entities.
    Cilium,
}

/// One policy. Those of all kinds mean alike: a pod that one of them selects for a direction may do in it what any of them
/// allows, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it is.
    pub kind: PolicyKind,
    /// `metadata.namespace`.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Excerpt,
    /// `spec.podSelector`: the pods of the namespace that it isolates and for which it allows.
    pub subject: Selector,
    /// The ingress rules when `policyTypes` lists `Ingress`; no rule at all denies everything.
    pub ingress: Option<Vec<Rule>>,
    /// The egress rules when `policyTypes` lists `Egress`; no rule at all denies everything.
    pub egress: Option<Vec<Rule>>,
    /// The doc comments of the statements that asked for it (annotation `kubernetes.io/description`).
    pub description: Option<String>,
    /// The statements that asked for it, as written, sorted and without repetition (annotation `polder.dev/source`).
    pub statements: SmallVec<[Excerpt; 1]>,
}

/// One item of `ingress` or `egress`: traffic matches when a peer and a port match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `from` or `to`. Empty: any peer at all. Nearly all rules have one.
    pub peers: SmallVec<[Peer; 1]>,
    /// `ports`. Empty: every port and protocol. Nearly all rules have one.
    pub ports: SmallVec<[Port; 1]>,
    /// Whether the plugin learns from the answers to what it lets through which addresses DNS names have, of all names
    /// (`rules.dns` of Cilium, with the pattern `*`).
    pub learns_names: bool,
}

/// One item of `from` or `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Pods by labels.
    Pods {
        /// `namespaceSelector`; `None` is the policy's own namespace.
        namespaces: Option<Selector>,
        /// `podSelector`; a selector without requirements is every pod there.
        pods: Selector,
    },
    /// `ipBlock`.
    Block(IpBlock),
    /// What only other kinds than NetworkPolicy can name.
    Unlisted(Unlisted),
}

impl Peer {
    /// What it names outside of pods; `None` where it names pods.
    pub fn addresses(&self) -> Option<AddressSet> {
        match self {
            Peer::Pods { .. } => None,
            Peer::Block(block) => Some(block.addresses()),
            Peer::Unlisted(unlisted) => Some(unlisted.addresses()),
        }
    }
}

/// One item of `ports`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// `protocol`; always written.
    pub protocol: Protocol,
    /// `port` and `endPort`.
    pub target: PortTarget,
}

/// Which ports of a protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortTarget {
    /// All of them.
    Every,
    /// One number, from 1.
    Number(u16),
    /// `port` to `endPort`, both included, the second larger than the first.
    Range(u16, u16),
    /// A named container port, resolved for each destination pod.
    Named(Arc<str>),
}

impl PolicyKind {
    /// `kind` of the object.
    pub fn object(self) -> &'static str {
        match self {
            PolicyKind::NetworkPolicy => "NetworkPolicy",
            PolicyKind::Cilium => "CiliumNetworkPolicy",
        }
    }

    /// The name of one for a reader, with its kind where that is no NetworkPolicy.
    pub fn title(self, name: &str) -> Cow<'_, str> {
        match self {
            PolicyKind::NetworkPolicy => Cow::Borrowed(name),
            PolicyKind::Cilium => Cow::Owned(format!("{name} ({})", self.object())),
        }
    }
}

impl Policy {
    /// Its name for a reader, with its kind where that is no NetworkPolicy.
    pub fn title(&self) -> Cow<'_, str> {
        self.kind.title(&self.name)
    }
}

impl Port {
    /// The ports that it is about.
    pub fn set(&self) -> PortSet {
        match &self.target {
            PortTarget::Every => PortSet::whole(self.protocol),
            PortTarget::Number(number) => PortSet::number(self.protocol, *number),
            PortTarget::Range(low, high) => PortSet::range(self.protocol, *low, *high),
            PortTarget::Named(name) => PortSet::named(self.protocol, name.clone()),
        }
    }

    /// The items that say `ports`; none when it is every port of every protocol.
    pub fn list(ports: &PortSet) -> SmallVec<[Port; 1]> {
        let mut list = SmallVec::new();
        if ports.is_everything() {
            return list;
        }
        for protocol in Protocol::ALL {
            if ports.is_whole(protocol) {
                list.push(Port { protocol, target: PortTarget::Every });
                continue;
            }
            let ranges = ports
                .ranges(protocol)
                .iter()
                .map(|&(low, high)| if low == high { PortTarget::Number(low) } else { PortTarget::Range(low, high) });
            let names = ports.names(protocol).map(|name| PortTarget::Named(name.clone()));
            list.extend(ranges.chain(names).map(|target| Port { protocol, target }));
        }
        list
    }
}
