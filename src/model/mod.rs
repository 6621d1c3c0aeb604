//! What was declared, with every name resolved and every type checked. Never fails: what is wrong is left out and
//! reported.

mod addresses;
mod assertions;
mod blocks;
mod built_in;
mod catalogue;
mod cni;
mod cni_differences;
mod cni_table;
mod container_ports;
mod declare;
mod disjoint;
mod endpoint_set;
mod environment;
mod errors;
mod flows;
mod fqdns;
mod groups;
mod isolation;
mod labels;
mod listed;
mod names;
mod negations;
mod platform;
mod ports;
mod presets;
mod references;
mod resolve;
mod scope;
mod selectors;
mod target;
mod text;
mod unknown;
mod unstated;
mod warnings;

pub use crate::syntax::AssertionKind;
pub use built_in::{BuiltIn, Holds};
pub use catalogue::{COMPONENTS, Component};
pub use cni::{Cni, CniVersion};
pub use cni_differences::{
    CNI_DIFFERENCES, ChosenCni, CniDifference, CniNotice, CniTrigger, CniVersions, is_seen_label,
};
pub use names::EndpointName;
pub use platform::{Platform, PlatformList};
pub use ports::describe as describe_ports;
pub use presets::PresetPods;
pub use references::{Entity, Reference, Role};
pub use resolve::{Options, Resolved, is_dns_label, resolve};
pub use target::Target;
pub use unstated::{Labels, Settling, Unstated, stating};

use crate::net::{Direction, IpBlock, NAMESPACE_NAME, PortSet, Selector, Truth};
use crate::source::{Excerpt, Span};
use crate::table::{Id, Table, number};
use smallvec::SmallVec;
use std::sync::Arc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])* #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)] pub struct $name(pub u32);
        impl $name {
            /// The place in the model's list.
            pub fn index(self) -> usize { self.0 as usize }
            pub(crate) fn at(index: usize) -> Self { $name(number(index)) }
        }
        impl Id for $name {
            fn at(place: usize) -> Self { $name::at(place) }
            fn place(self) -> usize { self.index() }
        })*
    };
}

ids! {
    /// A namespace of [`Model::namespaces`].
    NamespaceId,
    /// A tier of [`Model::tiers`].
    TierId,
    /// A group of [`Model::groups`].
    GroupId,
    /// A cidr of [`Model::cidrs`].
    CidrId,
    /// An fqdn of [`Model::fqdns`].
    FqdnId,
    /// A port set of [`Model::port_sets`].
    PortSetId,
    /// A statement of [`Model::statements`].
    StatementId,
}

/// A whole program.
#[derive(Debug, Default)]
pub struct Model {
    /// The namespaces, in the order of their first declaration.
    pub namespaces: Table<NamespaceId, Namespace>,
    /// The tiers.
    pub tiers: Table<TierId, Tier>,
    /// The groups.
    pub groups: Table<GroupId, Group>,
    /// The address lists.
    pub cidrs: Table<CidrId, Cidr>,
    /// The lists of DNS names.
    pub fqdns: Table<FqdnId, Fqdn>,
    /// The port sets.
    pub port_sets: Table<PortSetId, DeclaredPorts>,
    /// The facts about the cluster.
    pub platform: Platform,
    /// What the program is compiled to.
    pub target: Target,
    /// The DNS servers of the managed namespaces that say nothing themselves.
    pub dns: Dns,
    /// The flows: chains are taken apart, and so are braces.
    pub flows: Vec<Flow>,
    /// The statements that flows and assertions come from; shared with what is made of the model.
    pub statements: Arc<Vec<Statement>>,
    /// The assertions.
    pub assertions: Vec<Assertion>,
    /// The `disjoint` statements, one for each namespace of its block: where each stands.
    pub disjoint: Vec<Span>,
    /// The selections of namespaces by labels of which nobody stated whether they mean managed ones.
    pub unstated: Vec<Unstated>,
    /// What each name in the sources refers to, by place; empty unless [`Options::references`] asks for it.
    pub references: Vec<Reference>,
}

/// A namespace.
#[derive(Debug)]
pub struct Namespace {
    /// Its name in the cluster, after the environment has renamed it.
    pub name: Arc<str>,
    /// Its name in the program.
    pub declared: Arc<str>,
    /// Whose it is.
    pub kind: NamespaceKind,
    /// Where it is first declared: its name.
    pub span: Span,
    /// The same of a block that is about no other namespace; what is added there is said of it alone.
    pub own_block: Option<Span>,
}

impl Namespace {
    /// All that is known of the labels of a managed one; nothing is known of any other key.
    pub fn known_labels(&self) -> Option<Selector> {
        Some(Selector::equals(NAMESPACE_NAME, self.name.clone()).and(&self.managed()?.labels))
    }

    /// Whether a managed one is among those that have such labels.
    pub fn is_among(&self, labels: &Selector) -> Option<Truth> {
        Some(labels.is_met_by(&self.known_labels()?))
    }

    /// What Polder makes of it, when it is its own.
    pub fn managed(&self) -> Option<&Managed> {
        match &self.kind {
            NamespaceKind::Managed(managed) => Some(managed),
            NamespaceKind::External(_) => None,
        }
    }
}

/// Whose a namespace is.
#[derive(Debug)]
pub enum NamespaceKind {
    /// Polder's: it is isolated and gets manifests.
    Managed(Managed),
    /// Somebody else's: every namespace whose labels match, or `None` for the one of that name.
    External(Option<Selector>),
}

/// The settings of a managed namespace.
#[derive(Debug, Default)]
pub struct Managed {
    /// The labels of its Namespace object that are stated, beside its name: those that it has, and those that it lacks.
    pub labels: Selector,
    /// Whose ingress is denied by default.
    pub ingress: Isolated,
    /// Whose egress is denied by default.
    pub egress: Isolated,
    /// Where its pods find DNS.
    pub dns: Dns,
    /// What the two come from; without any, all pods are isolated in both directions.
    pub isolates: Vec<Isolate>,
}

/// An `isolate` statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolate {
    /// It as written, on one line.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
    /// Whose ingress it denies.
    pub ingress: Isolated,
    /// Whose egress it denies.
    pub egress: Isolated,
}

/// Which pods of a namespace are isolated in a direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolated {
    /// All.
    Every,
    /// Those of these tiers, in order; none when empty.
    Tiers(Vec<TierId>),
}

impl Default for Isolated {
    fn default() -> Self {
        Isolated::Tiers(Vec::new())
    }
}

impl Isolated {
    /// Whether nobody is.
    pub fn is_nobody(&self) -> bool {
        *self == Isolated::default()
    }
}

/// The DNS servers that a namespace's pods may ask.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    /// The servers; none after `dns none`.
    pub servers: Vec<DnsServer>,
    /// Where this was said; `None` for the default.
    pub span: Option<Span>,
}

/// One item of a `dns` setting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DnsServer {
    /// The DNS pods of `kube-system` and the node-local caches.
    Cluster,
    /// `k8s-app=kube-dns` in `kube-system` only.
    Strict,
    /// OpenShift's DNS pods, port 5353.
    OpenShift,
    /// Port 53 anywhere.
    Any,
    /// Port 53 of these addresses.
    Address(ipnet::IpNet),
    /// A declared tier.
    Tier(TierId, u16),
}

/// Servers that have a name of their own.
#[derive(Debug)]
pub struct DnsPreset {
    /// The name.
    pub word: &'static str,
    /// Who they are, in a few words.
    pub purpose: &'static str,
    /// The servers.
    pub server: DnsServer,
}

impl DnsServer {
    /// All presets.
    pub const PRESETS: [DnsPreset; 4] = [
        DnsPreset {
            word: "cluster",
            purpose: "the DNS pods of kube-system and the node-local caches",
            server: DnsServer::Cluster,
        },
        DnsPreset {
            word: "strict",
            purpose: "only pods with k8s-app=kube-dns in kube-system",
            server: DnsServer::Strict,
        },
        DnsPreset { word: "openshift", purpose: "OpenShift's DNS pods, port 5353", server: DnsServer::OpenShift },
        DnsPreset { word: "any", purpose: "port 53 anywhere", server: DnsServer::Any },
    ];

    /// What stands where nobody finds DNS.
    pub const NONE: &'static str = "none";

    /// The name of a preset.
    pub fn preset_word(&self) -> Option<&'static str> {
        Self::PRESETS.iter().find(|preset| preset.server == *self).map(|preset| preset.word)
    }
}

/// A tier: pods of a namespace by labels.
#[derive(Debug)]
pub struct Tier {
    /// Its name.
    pub name: Arc<str>,
    /// Its namespace.
    pub namespace: NamespaceId,
    /// The labels of its pods.
    pub selector: Selector,
    /// The ports that it serves; `None` when it lists none at all.
    pub ports: Option<Vec<TierPort>>,
    /// All those ports together.
    pub served: Option<PortSet>,
    /// The statements that name it among tiers without a pod in common, by their places in [`Model::disjoint`].
    pub disjoint: Vec<u32>,
    /// Its name in the source.
    pub span: Span,
}

/// A named port of a tier.
#[derive(Debug)]
pub struct TierPort {
    /// Its name in the program.
    pub name: Arc<str>,
    /// Its numbers.
    pub ports: PortSet,
    /// Its name in the source.
    pub span: Span,
}

/// A named union of endpoints.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// The namespace it is local to.
    pub namespace: Option<NamespaceId>,
    /// What it holds, as written: groups are not taken apart.
    pub members: Vec<Endpoint>,
    /// The endpoints that it comes to, without groups and without repetition, in order.
    pub leaves: Vec<Endpoint>,
    /// Its name in the source.
    pub span: Span,
}

/// An address list.
#[derive(Debug)]
pub struct Cidr {
    /// Its name.
    pub name: Arc<str>,
    /// The namespace it is local to.
    pub namespace: Option<NamespaceId>,
    /// The addresses.
    pub blocks: Vec<IpBlock>,
    /// Its name in the source.
    pub span: Span,
}

/// A list of DNS names.
#[derive(Debug)]
pub struct Fqdn {
    /// Its name.
    pub name: Arc<str>,
    /// The namespace it is local to.
    pub namespace: Option<NamespaceId>,
    /// The DNS names, some with a leading `*.` or `**.`.
    pub names: Vec<Arc<str>>,
    /// Its name in the source.
    pub span: Span,
}

/// A port set.
#[derive(Debug)]
pub struct DeclaredPorts {
    /// Its name.
    pub name: Arc<str>,
    /// The namespace it is local to.
    pub namespace: Option<NamespaceId>,
    /// Its numbers.
    pub ports: PortSet,
    /// Its name in the source.
    pub span: Span,
}

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// A tier.
    Tier(TierId),
    /// Every pod of a namespace.
    Namespace(NamespaceId),
    /// A group.
    Group(GroupId),
    /// An address list.
    Cidr(CidrId),
    /// A list of DNS names.
    Fqdn(FqdnId),
    /// What needs no declaration.
    BuiltIn(BuiltIn),
}

impl Endpoint {
    /// The built-in endpoint of a name.
    pub fn built_in(name: &str) -> Option<Endpoint> {
        BuiltIn::named(name).map(Endpoint::BuiltIn)
    }

    /// Whether it holds addresses only, or names of such, and no pods.
    pub fn is_addresses(self) -> bool {
        match self {
            Endpoint::Cidr(_) | Endpoint::Fqdn(_) => true,
            Endpoint::BuiltIn(one) => !one.has_pods(),
            Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) => false,
        }
    }
}

/// Endpoints without groups, and the ports of each: nearly always one.
pub type Targets = SmallVec<[(Endpoint, PortSet); 1]>;

/// A flow from one endpoint to one other.
#[derive(Debug)]
pub struct Flow {
    /// Who connects, as written.
    pub source: Endpoint,
    /// To whom, as written.
    pub destination: Endpoint,
    /// The destination without groups, and the ports of each: a port's name may mean another number for each tier.
    pub targets: Targets,
    /// The one side that it opens; `None` for both.
    pub side: Option<Direction>,
    /// The statement that says so.
    pub statement: StatementId,
}

/// A statement that flows or an assertion come from.
#[derive(Debug)]
pub struct Statement {
    /// One hop of it as written, on one line.
    pub text: Excerpt,
    /// Its doc comment.
    pub doc: Option<Arc<str>>,
    /// Where it stands.
    pub span: Span,
}

/// An assertion.
#[derive(Debug)]
pub struct Assertion {
    /// Which.
    pub kind: AssertionKind,
    /// Who connects.
    pub sources: Vec<Endpoint>,
    /// To whom, without groups, and on which ports each.
    pub targets: Targets,
    /// Whether DNS servers are stepping stones, too: `through dns`.
    pub through_dns: bool,
    /// Whom it does not hold for.
    pub except: Vec<Endpoint>,
    /// The statement that says so.
    pub statement: StatementId,
}

impl Model {
    /// The namespace of an id of this model.
    pub fn namespace(&self, id: NamespaceId) -> Option<&Namespace> {
        self.namespaces.as_slice().get(id.index())
    }

    /// The tier of an id of this model.
    pub fn tier(&self, id: TierId) -> Option<&Tier> {
        self.tiers.as_slice().get(id.index())
    }

    /// The endpoints that one comes to when groups are taken apart.
    pub fn leaves<'a>(&'a self, endpoint: &'a Endpoint) -> &'a [Endpoint] {
        match endpoint {
            Endpoint::Group(id) => &self.groups[*id].leaves,
            Endpoint::Tier(_)
            | Endpoint::Namespace(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => std::slice::from_ref(endpoint),
        }
    }

    /// A `dns` setting as the language writes it.
    pub fn dns_setting(&self, dns: &Dns) -> String {
        let server = |server: &DnsServer| match server {
            DnsServer::Cluster | DnsServer::Strict | DnsServer::OpenShift | DnsServer::Any => {
                server.preset_word().unwrap_or_default().to_owned()
            }
            DnsServer::Address(net) => net.to_string(),
            DnsServer::Tier(id, port) => format!("{}:{port}", self.written(Endpoint::Tier(*id), None)),
        };
        if dns.servers.is_empty() {
            return "dns none".to_owned();
        }
        format!("dns {}", dns.servers.iter().map(server).collect::<Vec<_>>().join(", "))
    }
}
