//! The flow set: who may connect to whom, on what, and why. Written intent comes down to it.

#![warn(clippy::wildcard_enum_match_arm)]

mod enforced;
mod lower;

pub use crate::model::{AssertionKind, ChosenCni, Statement};
pub use enforced::{EnforcedShare, EnforcedSide};
pub use lower::{lower, public_addresses};

use crate::net::{AddressSet, Direction, Facts, IpBlock, Peers, PortSet, Selector, Truth, Unlisted, namespace_by_name};
use crate::table::{Id, Table, number};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a program allows, canonical: without names to resolve, groups or presets.
#[derive(Debug, Clone, Default)]
pub struct FlowSet {
    /// The namespaces that get policies, sorted by name.
    pub namespaces: Table<usize, ManagedNamespace>,
    /// Everything that is declared or used and can be the end of a flow.
    pub parties: Table<PartyId, Party>,
    /// The flows.
    pub flows: Vec<Flow>,
    /// What must be true of the flows.
    pub assertions: Vec<Assertion>,
    /// The statements that the flows and assertions come from.
    pub statements: Arc<Vec<Statement>>,
    /// What address blocks mean where the program is for.
    pub facts: Facts,
    /// What has to enforce the policies.
    pub cni: ChosenCni,
    /// Every declared name with the namespace that it is local to: what short names could be taken for.
    pub declared: BTreeSet<(Option<Arc<str>>, Arc<str>)>,
    /// Whether less is enforced than the program isolates.
    pub is_cut: bool,
}

/// A party of [`FlowSet::parties`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(pub u32);

impl Id for PartyId {
    fn at(place: usize) -> Self {
        PartyId(number(place))
    }

    fn place(self) -> usize {
        self.0 as usize
    }
}

/// A statement of [`FlowSet::statements`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(pub u32);

/// A namespace that gets policies.
#[derive(Debug, Clone)]
pub struct ManagedNamespace {
    /// Its name in the cluster.
    pub name: Arc<str>,
    /// Its name in the program.
    pub declared: Arc<str>,
    /// The selector that finds it, by its name label.
    pub selector: Selector,
    /// All that is known of its labels: its name and those that the program states. It may have any others, or none.
    pub labels: Selector,
    /// Whose ingress is denied by default.
    pub ingress: Isolation,
    /// Whose egress is denied by default.
    pub egress: Isolation,
    /// The DNS servers that all its pods may ask.
    pub dns: Vec<DnsService>,
    /// The `dns` setting that they come from, as the language writes it.
    pub dns_setting: Arc<str>,
}

impl ManagedNamespace {
    /// Whose traffic in a direction is denied by default.
    pub fn isolation(&self, direction: Direction) -> &Isolation {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// Whether it is one of those that have such labels.
    pub fn is_among(&self, labels: &Selector) -> Truth {
        labels.is_met_by(&self.labels)
    }
}

/// Which pods of a namespace are isolated in a direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolation {
    /// All.
    Every,
    /// Those of these parties, which are tiers of the namespace; none when empty.
    Tiers(Vec<PartyId>),
}

/// A DNS server and the ports that it answers on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsService {
    /// Where it is.
    pub place: Place,
    /// Its ports, over udp and tcp.
    pub ports: PortSet,
    /// The pods that answer, whose own ingress has to be open to those who ask; `None` for addresses.
    pub pods: Option<DnsPods>,
}

/// The pods of a DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsPods {
    /// Where they are.
    pub place: Place,
    /// What policies call them.
    pub name: DnsName,
}

/// What the pods of a DNS server are called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DnsName {
    /// The DNS pods of the cluster, as a distribution labels them.
    Cluster,
    /// Only those with the label of `dns strict`.
    Strict,
    /// A declared tier, behind its namespace.
    Tier(Arc<str>, Arc<str>),
}

/// The pods or addresses that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Pods by labels.
    Pods {
        /// Their namespaces.
        namespaces: Namespaces,
        /// Their labels.
        pods: Selector,
    },
    /// Addresses. What of a cluster has one of them is among its [`Facts`].
    Addresses(Vec<IpBlock>),
    /// What a target can name without an address.
    Unlisted(Unlisted),
    /// Every pod and every address.
    Any,
}

impl Place {
    /// What it is outside of pods; `None` where it has pods.
    pub fn addresses(&self) -> Option<AddressSet> {
        match self {
            Place::Pods { .. } | Place::Any => None,
            Place::Addresses(blocks) => Some(IpBlock::all_addresses(blocks)),
            Place::Unlisted(unlisted) => Some(unlisted.addresses()),
        }
    }
}

/// Namespaces, by what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// A managed one, by its place in [`FlowSet::namespaces`].
    Managed(usize),
    /// One of somebody else's, by name.
    Named(Arc<str>),
    /// All whose labels match.
    Labelled(Selector),
    /// All.
    Every,
}

/// An end of flows: a tier, a namespace's pods, a group, addresses.
#[derive(Debug, Clone)]
pub struct Party {
    /// How policies call it.
    pub name: PartyName,
    /// The parties that a group comes to; only itself for all others.
    pub leaves: SmallVec<[PartyId; 4]>,
    /// The pods or addresses; `None` for a group.
    pub place: Option<Place>,
}

/// A name, and where it is declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartyName {
    /// A tier, group, cidr of a namespace, by the namespace's name in the cluster.
    Local(Arc<str>, Arc<str>),
    /// A group or cidr of the whole program.
    Global(Arc<str>),
    /// Every pod of a namespace.
    AllPods(Arc<str>),
    /// A built-in endpoint.
    BuiltIn(&'static str),
}

/// A flow.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Who connects, as written.
    pub source: PartyId,
    /// To whom, as written.
    pub destination: PartyId,
    /// The destination without groups, and the ports of each.
    pub targets: SmallVec<[(PartyId, PortSet); 1]>,
    /// The one side that it opens; `None` for both.
    pub side: Option<Direction>,
    /// Who says so.
    pub statement: StatementId,
}

impl Flow {
    /// Whether it opens this side of its connections.
    pub fn opens(&self, direction: Direction) -> bool {
        self.side.is_none_or(|side| side == direction)
    }
}

/// An assertion: it makes no policies, and must be true of those that the flows make.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// Which.
    pub kind: AssertionKind,
    /// Who connects.
    pub sources: Vec<PartyId>,
    /// To whom, without groups, and on which ports each.
    pub targets: SmallVec<[(PartyId, PortSet); 1]>,
    /// Whether DNS servers are stepping stones, too.
    pub through_dns: bool,
    /// Whom it does not hold for.
    pub except: Vec<PartyId>,
    /// Who says so.
    pub statement: StatementId,
}

impl FlowSet {
    /// The party of an id of this flow set.
    pub fn party(&self, id: PartyId) -> Option<&Party> {
        self.parties.as_slice().get(id.place())
    }

    /// The statement of an id of this flow set.
    pub fn statement(&self, id: StatementId) -> Option<&Statement> {
        self.statements.get(id.0 as usize)
    }

    /// Where the pods are that any namespace has for DNS servers, each place once.
    pub fn dns_servers(&self) -> Vec<&Place> {
        let mut places: Vec<&Place> = Vec::new();
        for pods in
            self.namespaces.iter().flat_map(|namespace| &namespace.dns).filter_map(|server| server.pods.as_ref())
        {
            if !places.contains(&&pods.place) {
                places.push(&pods.place);
            }
        }
        places
    }

    /// The selector over namespace labels; a managed namespace is known by its name label only.
    pub fn namespace_selector(&self, namespaces: &Namespaces) -> Selector {
        match namespaces {
            Namespaces::Managed(index) => self.namespaces[*index].selector.clone(),
            Namespaces::Named(name) => namespace_by_name(name),
            Namespaces::Labelled(selector) => selector.clone(),
            Namespaces::Every => Selector::everything(),
        }
    }

    /// A place as regions see it: one part for pods, one for each block of addresses, one for names or entities.
    pub fn peers(&self, place: &Place) -> Vec<Peers> {
        match place {
            Place::Pods { namespaces, pods } => {
                vec![Peers::Pods { namespaces: self.namespace_selector(namespaces), pods: pods.clone() }]
            }
            Place::Addresses(blocks) => blocks.iter().map(|block| Peers::Addresses(block.addresses())).collect(),
            Place::Unlisted(unlisted) => vec![Peers::Addresses(unlisted.addresses())],
            Place::Any => vec![Peers::Any],
        }
    }
}
