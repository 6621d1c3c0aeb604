//! The ends that connections can have: kinds of pods and of addresses, no two of which the policies treat alike.
//!
//! There are two worlds. The *concrete* one has the workloads that were given. The other has *examples* of all pods that
//! could exist: those that the answer of a question needs.

pub mod addresses;
mod concrete;
mod examples;
mod marks;
mod told;

pub use concrete::Member;
pub use examples::{ExamplePod, PodOfWorld};
pub use told::Told;

use crate::cluster::Labels;
pub(super) use crate::net::Truth;
use crate::net::{
    AddressSet, Facts, NAMESPACE_NAME, Peers, Protocol, Selector, SelectorIndex, Unlisted, Values, namespace_by_name,
};
use crate::netpol::{ClusterPolicy, Peer, Policy, Port, PortTarget};
use crate::table::{Id, number};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A kind of pods or addresses, by its place in [`World::ends`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndId(pub u32);

impl Id for EndId {
    fn at(place: usize) -> Self {
        EndId(number(place))
    }

    fn place(self) -> usize {
        self.0 as usize
    }
}

impl EndId {
    /// The place as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A namespace, by its place in [`World::namespaces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId(pub u32);

/// What the ends have to be told apart by.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Sets of policies, each of which is to be asked about this world.
    pub policies: &'a [&'a [Policy]],
    /// The policies of the whole cluster beside them.
    pub of_cluster: &'a [&'a [ClusterPolicy]],
    /// Other things that ends are in or not, such as tiers.
    pub marks: &'a [Peers],
    /// What address blocks mean.
    pub facts: &'a Facts,
}

/// Everything that can be the end of a connection.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The namespaces of the pods, named ones first, sorted by name.
    pub namespaces: Vec<Namespace>,
    /// The kinds of pods, by namespace, and after them those of addresses and pods that were asked for.
    pub ends: Vec<End>,
    /// What address blocks mean.
    pub facts: Facts,
    /// The addresses that no policy and no mark asks for, when there are any.
    pub other_addresses: Option<EndId>,
    /// The nodes that are asked about, by the place of what is told of them.
    nodes: Vec<(usize, AddressSet)>,
}

/// A namespace, or a kind of namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name; `None` for all that no policy and no mark names.
    pub name: Option<Arc<str>>,
    /// Its labels, or an example of them.
    pub labels: Labels,
    /// Labels that it is known to lack.
    pub absent: BTreeSet<String>,
    /// Whether it has no labels but `labels`. If not, it may also have any others that are not `absent`.
    pub known: bool,
}

/// A kind of pods or addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Pods.
    Pods(PodKind),
    /// Addresses outside of the cluster.
    Addresses {
        /// All of them.
        addresses: AddressSet,
        /// The marks that they are in, sorted.
        marks: Vec<usize>,
    },
}

impl End {
    /// The marks that it is in, sorted.
    pub fn marks(&self) -> &[usize] {
        match self {
            End::Pods(pods) => &pods.marks,
            End::Addresses { marks, .. } => marks,
        }
    }
}

/// Pods of one namespace that no policy can tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodKind {
    /// Where they are.
    pub namespace: NamespaceId,
    /// The labels of one of them.
    pub labels: Labels,
    /// The numbers of their named ports, as far as policies ask for them; `None` of examples, of which each may give any number
    /// to any name.
    pub ports: Option<NamedPorts>,
    /// The addresses of all of them, as far as they are known and matter.
    pub addresses: Vec<IpAddr>,
    /// Which pods they are; none of examples.
    pub members: Vec<Member>,
    /// Whether there can be two of them.
    pub several: bool,
    /// Whether it is one pod that somebody asks about, among the kinds of those that could exist.
    pub asked: bool,
    /// The marks that they are in, sorted.
    pub marks: Vec<usize>,
    /// What else is told of all of them, or may be so, by its place.
    pub told: Vec<(usize, Truth)>,
}

impl PodKind {
    /// Whether a block of these addresses matches them.
    pub fn in_block(&self, facts: &Facts, block: &AddressSet) -> Truth {
        facts.pod(block, &self.addresses)
    }
}

/// Named container ports. A pod may give one name to several numbers.
pub type NamedPorts = BTreeMap<(Protocol, Arc<str>), BTreeSet<u16>>;

impl Namespace {
    /// Whether a selector over the labels of namespaces matches.
    pub fn matches(&self, selector: &Selector) -> Truth {
        let mut truth = Truth::Yes;
        for (key, values) in selector.entries() {
            match self.labels.get(&**key) {
                None if !self.known && !self.absent.contains(&**key) && !values.is_nothing() => truth = Truth::Maybe,
                value if !values.allows(value.map(String::as_str)) => return Truth::No,
                _ => {}
            }
        }
        truth
    }

    pub(in crate::engine) fn named(name: Arc<str>, known: bool) -> Namespace {
        let labels = Labels::from([(NAMESPACE_NAME.to_owned(), name.to_string())]);
        Namespace { name: Some(name), labels, absent: BTreeSet::new(), known }
    }

    /// The selector of namespaces that could be this one.
    pub fn selector(&self) -> Selector {
        let labels = self.labels.iter().map(|(key, value)| (key.as_str().into(), Values::one_of([value.as_str()])));
        labels.chain(self.absent.iter().map(|key| (key.as_str().into(), Values::does_not_exist()))).collect()
    }
}

impl World {
    /// Adds one pod that somebody asks about, beside the kinds of all pods, in a namespace of which that is said which
    /// stands in `beside`.
    pub fn add_pod(&mut self, scope: &Scope<'_>, namespace: &Arc<str>, beside: &Labels, labels: Labels) {
        let is_so = |one: &Namespace| beside.iter().all(|(key, value)| one.labels.get(key) == Some(value));
        let is_it = |one: &Namespace| one.name.as_ref() == Some(namespace) && is_so(one);
        let named = || (0..).zip(&self.namespaces).filter(|(_, one)| is_it(one));
        // One whose labels are not known, or the only one there can be.
        let only = || named().nth(1).is_none().then(|| named().next()).flatten();
        let found = named().find(|(_, one)| !one.known).or_else(only).map(|(at, _)| at);
        let at = found.unwrap_or_else(|| {
            let mut home = Namespace::named(namespace.clone(), false);
            home.labels.extend(beside.clone());
            self.namespaces.push(home);
            self.namespaces.len() - 1
        });
        let Some(home) = self.namespaces.get(at) else { return };
        let marks = marks::Marks::new(scope.marks).in_namespace(home).matching(&labels);
        self.ends.push(End::Pods(PodKind {
            namespace: NamespaceId(number(at)),
            labels,
            ports: None,
            addresses: Vec::new(),
            members: Vec::new(),
            several: true,
            asked: true,
            marks,
            told: Vec::new(),
        }));
    }

    /// The end of an id of this world.
    pub fn end(&self, id: EndId) -> Option<&End> {
        self.ends.get(id.index())
    }

    /// The pods of an id, when it is one of pods.
    pub fn pods(&self, id: EndId) -> Option<&PodKind> {
        match self.end(id)? {
            End::Pods(pods) => Some(pods),
            End::Addresses { .. } => None,
        }
    }

    /// The addresses of an id, when it is one of addresses.
    pub fn addresses(&self, id: EndId) -> Option<&AddressSet> {
        match self.end(id)? {
            End::Addresses { addresses, .. } => Some(addresses),
            End::Pods(_) => None,
        }
    }

    /// The namespace of an id of this world.
    pub fn namespace(&self, id: NamespaceId) -> Option<&Namespace> {
        self.namespaces.get(id.0 as usize)
    }

    /// The namespace of the pods of an end.
    pub fn namespace_of(&self, id: EndId) -> Option<&Namespace> {
        self.namespace(self.pods(id)?.namespace)
    }

    /// All ends, in order.
    pub fn ids(&self) -> impl Iterator<Item = EndId> + use<> {
        (0..number(self.ends.len())).map(EndId)
    }

    /// Whether both can exist at once: one namespace cannot have two sets of labels.
    pub fn coexist(&self, one: EndId, other: EndId) -> bool {
        let (Some(one), Some(other)) = (self.pods(one), self.pods(other)) else { return true };
        let (Some(here), Some(there)) = (self.namespace(one.namespace), self.namespace(other.namespace)) else {
            return true;
        };
        one.namespace == other.namespace
            || here.name.is_none()
            || here.name != there.name
            || !here.known
            || !there.known
    }
}

/// The labels that everything lacks that a selector matches.
pub fn absent_labels(selector: &Selector) -> BTreeSet<String> {
    let absent = selector.entries().filter(|(_, values)| !values.is_nothing() && !values.overlaps(&Values::exists()));
    absent.map(|(key, _)| key.to_string()).collect()
}

/// What the policies and marks of a scope look at.
#[derive(Debug)]
struct Looks<'a> {
    /// Selectors over namespaces with selectors over the pods there.
    anywhere: Vec<(&'a Selector, &'a Selector)>,
    /// Finds those of `anywhere` by the namespace.
    by_namespace: SelectorIndex,
    /// Selectors over the pods of one namespace, by its name: those of subjects and of peers without namespaces.
    local: BTreeMap<Arc<str>, Vec<&'a Selector>>,
    /// Sets of addresses, and of those in them that blocks do not match like others.
    addresses: Vec<AddressSet>,
    /// Names of ports.
    ports: BTreeSet<(Protocol, Arc<str>)>,
}

impl<'a> Looks<'a> {
    fn new(scope: &Scope<'a>) -> Self {
        let (mut addresses, mut ports) = (Vec::new(), BTreeSet::new());
        let mut anywhere = BTreeSet::new();
        let mut local: BTreeMap<Arc<str>, BTreeSet<&'a Selector>> = BTreeMap::new();
        let (mut blocks, mut named) = (BTreeSet::new(), BTreeSet::new());
        let mut name_port = |port: &Port| {
            if let PortTarget::Named(name) = &port.target {
                ports.insert((port.protocol, name.clone()));
            }
        };
        for policy in scope.policies.iter().copied().flatten() {
            let here = local.entry(policy.namespace.clone()).or_default();
            here.insert(&policy.subject);
            for rule in policy.ingress.iter().chain(&policy.egress).flatten() {
                for peer in &rule.peers {
                    match peer {
                        Peer::Pods { namespaces: Some(namespaces), pods } => _ = anywhere.insert((namespaces, pods)),
                        Peer::Pods { namespaces: None, pods } => _ = here.insert(pods),
                        Peer::Block(block) => _ = blocks.insert(block),
                        Peer::Unlisted(unlisted) => _ = named.insert(unlisted),
                    }
                }
                rule.ports.iter().for_each(&mut name_port);
            }
        }
        for policy in scope.of_cluster.iter().copied().flatten() {
            anywhere.insert((&policy.namespaces, &policy.pods));
            for ruling in policy.ingress.iter().chain(&policy.egress) {
                for peer in &ruling.peers {
                    match peer {
                        Peer::Pods { namespaces: Some(namespaces), pods } => _ = anywhere.insert((namespaces, pods)),
                        // Its rules are of no namespace, so none of them is about pods of its own.
                        Peer::Pods { namespaces: None, .. } => {}
                        Peer::Block(block) => _ = blocks.insert(block),
                        Peer::Unlisted(unlisted) => _ = named.insert(unlisted),
                    }
                }
                ruling.ports.iter().for_each(&mut name_port);
            }
        }
        for mark in scope.marks {
            match mark {
                Peers::Pods { namespaces, pods } => _ = anywhere.insert((namespaces, pods)),
                Peers::Addresses(set) => addresses.push(set.clone()),
                Peers::Any => {}
            }
        }
        addresses.extend(blocks.into_iter().map(|block| block.addresses()));
        addresses.extend(named.into_iter().map(Unlisted::addresses));
        let asked = addresses.iter().fold(AddressSet::empty(), |all, one| all.union(one));
        // What a name or an entity may stand for can be in no set that is asked about.
        let asked = if asked.has_unlisted() { asked.union(&AddressSet::all()) } else { asked };
        addresses.extend(scope.facts.distinctions().map(|listed| listed.intersect(&asked)));
        let anywhere: Vec<(&Selector, &Selector)> = anywhere.into_iter().collect();
        let by_namespace = SelectorIndex::new(anywhere.iter().map(|(namespaces, _)| *namespaces).enumerate());
        let local = local.into_iter().map(|(name, selectors)| (name, selectors.into_iter().collect())).collect();
        Looks { anywhere, by_namespace, local, addresses, ports }
    }

    /// The selectors that may match pods of a namespace, each once, in order.
    fn pods_of(&self, namespace: &Namespace) -> Vec<&'a Selector> {
        let local = namespace.name.as_ref().and_then(|name| self.local.get(name)).into_iter().flatten().copied();
        let near = match &namespace.name {
            Some(name) => self.by_namespace.query(&namespace_by_name(name)),
            None => (0..self.anywhere.len()).collect(),
        };
        let near = near.into_iter().filter_map(|index| self.anywhere.get(index));
        let anywhere = near.filter(|(namespaces, _)| namespace.matches(namespaces) != Truth::No);
        let all: BTreeSet<&Selector> = local.chain(anywhere.map(|(_, pods)| *pods)).collect();
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sets_of_labels_of_one_namespace_exclude_each_other_where_both_are_known() {
        let namespace = |name: &str, team: &str, known| Namespace {
            labels: [("team".to_owned(), team.to_owned())].into(),
            ..Namespace::named(name.into(), known)
        };
        let pods = |namespace| {
            End::Pods(PodKind {
                namespace: NamespaceId(namespace),
                labels: Labels::new(),
                ports: None,
                addresses: Vec::new(),
                members: Vec::new(),
                several: true,
                asked: false,
                marks: Vec::new(),
                told: Vec::new(),
            })
        };
        let namespaces = vec![
            namespace("a", "x", true),
            namespace("a", "y", true),
            namespace("a", "z", false),
            namespace("b", "x", true),
            Namespace { name: None, ..namespace("a", "y", true) },
        ];
        let ends = (0..5).map(pods).collect();
        let world = World { namespaces, ends, ..World::default() };
        let exclusive: Vec<(u32, u32)> = (0..5)
            .flat_map(|one| (0..5).map(move |other| (one, other)))
            .filter(|(one, other)| !world.coexist(EndId(*one), EndId(*other)))
            .collect();
        assert_eq!(exclusive, [(0, 1), (1, 0)]);
    }
}
