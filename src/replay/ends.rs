//! The ends of logged connections, each kind once: pods by what policies can tell of them, addresses by who has them.

use super::read::csv::{MORE_LABELS, NO_LABELS, OF_CLUSTER};
use super::seen::{LoggedEnd, LoggedLabels, LoggedPod, Unidentified, Unnamed};
use crate::cluster::{Cluster, Labels, Pods, SeenPod, Workload, is_set_at_runtime};
use crate::engine::NamedPorts;
use crate::net::{AddressSet, Facts};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

/// A kind of ends, by its place among those of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndKindId(pub u32);

/// Who is at one end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndKind {
    /// Pods that are alike, as the log has them.
    Pods(PodsOfLog),
    /// A pod of those that run, by its place among them.
    Known(usize),
    /// An address that is known to be outside of the cluster, or that nobody knows anything of.
    Address(IpAddr, bool),
    /// The address of a Service.
    Service(IpAddr),
    /// The node that the other end runs on.
    OwnNode(Option<IpAddr>),
    /// Some other node, or the API server.
    Node(Option<IpAddr>),
    /// A proxy of the network plugin.
    Proxy,
    /// Nobody knows.
    Unknown(Unidentified),
    /// Addresses that the log does not name.
    Unnamed(Unnamed),
    /// What questions call it.
    Named(Arc<str>),
}

/// Pods as a log shows them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PodsOfLog {
    /// Their cluster; empty where the log does not say.
    pub cluster: Arc<str>,
    /// Their namespace.
    pub namespace: Arc<str>,
    /// The labels that the log has; `None` where it has none at all.
    pub labels: Option<Labels>,
    /// Which other labels they may have.
    pub others: UnshownLabels,
    /// The labels of their namespace, beside its name; `None` where the log has none.
    pub beside: Option<Labels>,
}

/// Which labels pods may have that a log does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum UnshownLabels {
    /// Those that Cilium makes no part of an identity.
    OfCilium,
    /// Any: the log has what several pods share.
    Any,
    /// None that the format leaves out.
    #[default]
    None,
    /// None at all: somebody wrote them down as all that there are.
    Stated,
}

/// The pods, nodes and Services that are known to run, by name and by address.
#[derive(Debug)]
pub struct PodsThatRun<'c> {
    /// What they are of.
    pub cluster: &'c Cluster,
    /// The pods that were given one by one.
    pub pods: Vec<(&'c Workload, &'c Pods, &'c SeenPod)>,
    by_name: FxHashMap<&'c str, FxHashMap<&'c str, usize>>,
    /// Whose address it is; `None` where several have it.
    by_address: FxHashMap<IpAddr, Option<usize>>,
    nodes: FxHashMap<IpAddr, Option<Arc<str>>>,
    /// The API server's, which are of no node.
    api_server: AddressSet,
    /// For each pod the first one that no policy can tell it from.
    like: Vec<usize>,
}

/// The numbers of the named ports of pods.
pub(super) fn named_ports(pods: &Pods) -> NamedPorts {
    let mut ports = NamedPorts::new();
    for port in &pods.ports {
        if let Some(name) = &port.name {
            ports.entry((port.protocol, name.clone())).or_default().insert(port.number);
        }
    }
    ports
}

impl<'c> PodsThatRun<'c> {
    /// Those of a cluster where facts are known.
    pub fn new(cluster: &'c Cluster, facts: &Facts) -> PodsThatRun<'c> {
        let pods: Vec<_> = cluster.seen().filter(|(_, pods, _)| !pods.host_network).collect();
        let mut by_name: FxHashMap<&str, FxHashMap<&str, usize>> = FxHashMap::default();
        let mut by_address: FxHashMap<IpAddr, Option<usize>> = FxHashMap::default();
        for (place, (workload, _, seen)) in pods.iter().enumerate() {
            by_name.entry(&workload.namespace).or_default().insert(&seen.name, place);
            for address in &seen.addresses {
                by_address.entry(*address).and_modify(|one| *one = None).or_insert(Some(place));
            }
        }
        let mut nodes = FxHashMap::default();
        for node in cluster.nodes_at() {
            for net in node.addresses.to_nets().iter().filter(|net| net.prefix_len() == net.max_prefix_len()) {
                nodes.insert(net.addr(), node.name.clone());
            }
        }
        let has_addresses = facts.matches().pods.is_possible();
        let mut firsts: FxHashMap<*const Pods, usize> = FxHashMap::default();
        let first = |(place, (_, pods, _)): (usize, &(&Workload, &Pods, &SeenPod))| match has_addresses {
            true => place,
            false => *firsts.entry(std::ptr::from_ref(*pods)).or_insert(place),
        };
        let like = pods.iter().enumerate().map(first).collect();
        PodsThatRun { cluster, pods, by_name, by_address, nodes, api_server: cluster.api_server(), like }
    }

    /// The addresses of nodes.
    pub fn node_addresses(&self) -> AddressSet {
        let mut all: Vec<IpAddr> = self.nodes.keys().copied().collect();
        all.sort_unstable();
        AddressSet::from_nets(all.into_iter().map(Into::into))
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<usize> {
        self.by_name.get(namespace)?.get(name).copied()
    }

    /// The namespace of a pod, its labels, the numbers of its named ports, and its addresses where blocks may match them.
    pub fn details(&self, place: usize, facts: &Facts) -> (&str, Labels, NamedPorts, Vec<IpAddr>) {
        let Some((workload, pods, seen)) = self.pods.get(place) else {
            return ("", Labels::new(), NamedPorts::new(), Vec::new());
        };
        let addresses = if facts.matches().pods.is_possible() { seen.addresses.clone() } else { Vec::new() };
        (&workload.namespace, pods.labels.clone(), named_ports(pods), addresses)
    }

    /// The first of those that are like a pod to every policy, where only `addresses` may tell them apart.
    fn like(&self, place: usize) -> usize {
        self.like.get(place).copied().unwrap_or(place)
    }

    /// Whether a pod runs on the node of an address.
    fn is_own_node(&self, pod: usize, address: IpAddr) -> bool {
        let Some((.., seen)) = self.pods.get(pod) else { return false };
        let name = self.nodes.get(&address).and_then(Option::as_ref);
        seen.node_addresses.contains(&address) || (name.is_some() && seen.node.as_ref() == name)
    }
}

/// All kinds of ends that a log has.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// They.
    pub kinds: Vec<EndKind>,
    /// How they are written in the log, which most lines have in common with a line before.
    written: Vec<WrittenPods>,
    by_hash: FxHashMap<u64, SmallVec<[u32; 1]>>,
    ids: FxHashMap<EndKind, EndKindId>,
    /// The label keys that pods of the log show.
    pub keys: BTreeSet<Arc<str>>,
    /// The texts of labels in memory, which are many lines' own.
    interned: FxHashSet<Arc<str>>,
}

/// An end as it is written, with the kind that it is.
#[derive(Debug)]
struct WrittenPods {
    cluster: Arc<str>,
    namespace: Arc<str>,
    labels: Arc<str>,
    form: u8,
    kind: EndKindId,
}

/// Both ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BothEnds {
    /// Who connects.
    pub from: EndKindId,
    /// To whom.
    pub to: EndKindId,
    /// Whether they are one pod.
    pub itself: bool,
}

impl Roster {
    /// The kinds of both ends.
    pub(super) fn both(&mut self, running: &PodsThatRun<'_>, from: &LoggedEnd<'_>, to: &LoggedEnd<'_>) -> BothEnds {
        let [source, destination] = [from, to].map(|end| known(running, end));
        let itself = match (source, destination) {
            (Some(one), Some(other)) => one == other,
            _ => is_one_pod(from, to),
        };
        let own = |pod: Option<usize>, end: &LoggedEnd<'_>| match (pod, end) {
            (
                Some(pod),
                LoggedEnd::Unidentified(Some(address), _)
                | LoggedEnd::Node(Some(address))
                | LoggedEnd::Outside(address),
            ) => running.is_own_node(pod, *address),
            _ => false,
        };
        let from = if own(destination, from) { LoggedEnd::OwnNode(address_of(from)) } else { *from };
        let to = if own(source, to) { LoggedEnd::OwnNode(address_of(to)) } else { *to };
        BothEnds { from: self.kind(running, source, &from), to: self.kind(running, destination, &to), itself }
    }

    fn kind(&mut self, running: &PodsThatRun<'_>, known: Option<usize>, end: &LoggedEnd<'_>) -> EndKindId {
        if let Some(place) = known {
            return self.insert(EndKind::Known(running.like(place)));
        }
        let kind = match end {
            LoggedEnd::Pod(pod) => return self.pods(pod),
            LoggedEnd::Outside(address) => address_kind(running, *address, true),
            LoggedEnd::Service(address) => EndKind::Service(*address),
            LoggedEnd::Unidentified(Some(address), Unidentified::Address) => address_kind(running, *address, false),
            LoggedEnd::Unidentified(_, why) => EndKind::Unknown(*why),
            LoggedEnd::OwnNode(address) => EndKind::OwnNode(*address),
            LoggedEnd::Node(address) => EndKind::Node(*address),
            LoggedEnd::Proxy => EndKind::Proxy,
            LoggedEnd::Unnamed(which) => EndKind::Unnamed(*which),
            LoggedEnd::Written(text) => EndKind::Named(self.intern(text)),
        };
        self.insert(kind)
    }

    fn insert(&mut self, kind: EndKind) -> EndKindId {
        if let Some(id) = self.ids.get(&kind) {
            return *id;
        }
        let id = EndKindId(crate::table::number(self.kinds.len()));
        self.kinds.push(kind.clone());
        self.ids.insert(kind, id);
        id
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.interned.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.interned.insert(text.clone());
        text
    }

    /// Pods, whose labels are taken apart only the first time that they are seen.
    fn pods(&mut self, pod: &LoggedPod<'_>) -> EndKindId {
        let (form, text) = match pod.labels {
            LoggedLabels::Missing => (0, ""),
            LoggedLabels::Cilium(text) => (1, text),
            LoggedLabels::Calico(text, false) => (2, text),
            LoggedLabels::Calico(text, true) => (3, text),
            LoggedLabels::Pairs(text) => (4, text),
            LoggedLabels::Object(text) => (5, text),
            LoggedLabels::SomePairs(text) => (6, text),
            LoggedLabels::Saved(text) => (7, text),
        };
        let mut hasher = FxHasher::default();
        (pod.cluster, pod.namespace, form, text).hash(&mut hasher);
        let hash = hasher.finish();
        let same = |place: &&u32| {
            self.written.get(**place as usize).is_some_and(|one| {
                *one.labels == *text
                    && *one.namespace == *pod.namespace
                    && *one.cluster == *pod.cluster
                    && one.form == form
            })
        };
        if let Some(place) = self.by_hash.get(&hash).into_iter().flatten().find(same) {
            return self.written.get(*place as usize).map_or(EndKindId(0), |one| one.kind);
        }
        let read = read_labels(pod.labels);
        if let Some(labels) = &read.labels {
            for key in labels.keys() {
                if !self.keys.contains(key.as_str()) {
                    let key = self.intern(key);
                    self.keys.insert(key);
                }
            }
        }
        let (cluster, namespace) = (self.intern(pod.cluster), self.intern(pod.namespace));
        let labels = self.intern(text);
        let kind = EndKind::Pods(PodsOfLog { cluster: cluster.clone(), namespace: namespace.clone(), ..read });
        let kind = self.insert(kind);
        let place = crate::table::number(self.written.len());
        self.written.push(WrittenPods { cluster, namespace, labels, form, kind });
        self.by_hash.entry(hash).or_default().push(place);
        kind
    }
}

/// The pod that runs at an end, if it is known which.
fn known(running: &PodsThatRun<'_>, end: &LoggedEnd<'_>) -> Option<usize> {
    if running.pods.is_empty() {
        return None;
    }
    match end {
        LoggedEnd::Pod(pod) => running.pod(pod.namespace, pod.name).or_else(|| {
            let place =
                running.by_address.get(&pod.address.filter(|_| pod.labels == LoggedLabels::Missing)?).copied()??;
            running.pods.get(place).filter(|(workload, ..)| *workload.namespace == *pod.namespace).map(|_| place)
        }),
        LoggedEnd::Unidentified(Some(address), Unidentified::Address) | LoggedEnd::Outside(address) => {
            running.by_address.get(address).copied().flatten()
        }
        LoggedEnd::Written(text) => {
            let (namespace, name) = text.split_once('/')?;
            running.pod(namespace, name)
        }
        _ => None,
    }
}

pub(super) fn address_of(end: &LoggedEnd<'_>) -> Option<IpAddr> {
    match end {
        LoggedEnd::Outside(address) | LoggedEnd::Service(address) => Some(*address),
        LoggedEnd::Pod(LoggedPod { address, .. })
        | LoggedEnd::OwnNode(address)
        | LoggedEnd::Node(address)
        | LoggedEnd::Unidentified(address, _) => *address,
        LoggedEnd::Proxy | LoggedEnd::Unnamed(_) | LoggedEnd::Written(_) => None,
    }
}

/// Whether both are one pod, by its name or its address.
fn is_one_pod(from: &LoggedEnd<'_>, to: &LoggedEnd<'_>) -> bool {
    match (from, to) {
        (LoggedEnd::Pod(one), LoggedEnd::Pod(other)) => {
            let by_name = !one.name.is_empty() && !one.name.ends_with('*') && one.name == other.name;
            let by_address = one.address.is_some() && one.address == other.address;
            one.namespace == other.namespace && one.cluster == other.cluster && (by_name || by_address)
        }
        _ => false,
    }
}

fn address_kind(running: &PodsThatRun<'_>, address: IpAddr, is_outside: bool) -> EndKind {
    let is_node = running.nodes.contains_key(&address) || running.api_server.has(address);
    if is_node { EndKind::Node(Some(address)) } else { EndKind::Address(address, is_outside) }
}

/// Labels as a log has them, taken apart.
fn read_labels(labels: LoggedLabels<'_>) -> PodsOfLog {
    let pods = |labels, others| PodsOfLog { labels: Some(labels), others, ..PodsOfLog::default() };
    match labels {
        LoggedLabels::Missing => PodsOfLog::default(),
        LoggedLabels::Cilium(text) => of_cilium(text),
        LoggedLabels::Calico(text, is_one) => {
            let own = text.split(" | ").filter_map(|pair| pair.split_once('='));
            let own = own.filter(|(key, _)| !key.starts_with("projectcalico.org/"));
            let labels: Labels = own.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect();
            let is_one = is_one || labels.contains_key("pod-template-hash");
            pods(labels, if is_one { UnshownLabels::None } else { UnshownLabels::Any })
        }
        LoggedLabels::Pairs(text) => pods(pairs(text), UnshownLabels::Stated),
        LoggedLabels::SomePairs(text) => pods(pairs(text), UnshownLabels::Any),
        LoggedLabels::Saved(text) => saved(text),
        LoggedLabels::Object(text) => match serde_json::from_str::<Labels>(text) {
            Ok(labels) => pods(labels, UnshownLabels::None),
            Err(_) => PodsOfLog::default(),
        },
    }
}

/// The labels of a namespace and of its pods, as a table that was saved has them.
fn saved(text: &str) -> PodsOfLog {
    let (home, own) = text.split_once("}/").unwrap_or(("", text));
    let own = own.strip_prefix('{').unwrap_or(own);
    let read = match (own == NO_LABELS, own.strip_suffix(MORE_LABELS), own.strip_suffix('}')) {
        (true, ..) => PodsOfLog::default(),
        (_, Some(some), _) => read_labels(LoggedLabels::SomePairs(some)),
        (_, None, all) => read_labels(LoggedLabels::Pairs(all.unwrap_or(own))),
    };
    PodsOfLog { beside: Some(pairs(home.strip_prefix('{').unwrap_or(home))), ..read }
}

fn pairs(text: &str) -> Labels {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Those of Cilium: the source in front, and those of the namespace among them.
fn of_cilium(text: &str) -> PodsOfLog {
    const NAMESPACE: &str = "io.cilium.k8s.namespace.labels.";
    let Ok(all) = serde_json::from_str::<Vec<String>>(text) else { return PodsOfLog::default() };
    let (mut labels, mut beside) = (Labels::new(), None::<Labels>);
    for label in &all {
        let (source, rest) = label.split_once(':').unwrap_or(("", label));
        // A label without a source may have a colon in its value.
        let (source, rest) = if source.contains('=') { ("", label.as_str()) } else { (source, rest) };
        if !matches!(source, "k8s" | "any" | "") {
            continue;
        }
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        match key.strip_prefix(NAMESPACE) {
            Some(key) => _ = beside.get_or_insert_default().insert(key.to_owned(), value.to_owned()),
            None if key.starts_with("io.cilium.k8s.") || key.starts_with("io.kubernetes.pod.") => {}
            None => _ = labels.insert(key.to_owned(), value.to_owned()),
        }
    }
    PodsOfLog { labels: Some(labels), others: UnshownLabels::OfCilium, beside, ..PodsOfLog::default() }
}

/// Whether Cilium makes a label of this key no part of an identity, unless it is told to
/// (`Documentation/operations/performance/scalability/identity-relevant-labels.rst`).
pub(super) fn is_hidden_by_cilium(key: &str) -> bool {
    const STARTS: [&str; 6] =
        ["io.kubernetes", "kubernetes.io", "k8s.io", "beta.kubernetes.io", "pod-template-", "annotation"];
    const WHOLE: [&str; 7] = [
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/controller-uid",
        "controller-revision-hash",
        "controller-uid",
        "etcd_node",
    ];
    STARTS.iter().any(|start| key.starts_with(start)) || WHOLE.contains(&key)
}

impl PodsOfLog {
    /// What pods are called that no tier has.
    pub fn text(&self) -> String {
        let labels = match &self.labels {
            None => NO_LABELS.to_owned(),
            Some(labels) => braces(labels),
        };
        format!("{}/{labels}", self.namespace)
    }

    /// The same with their cluster.
    pub fn text_of_cluster(&self) -> String {
        format!("{}{OF_CLUSTER}{}", self.text(), self.cluster)
    }
}

/// Labels in braces, without hashes that Kubernetes adds.
pub(super) fn braces(labels: &Labels) -> String {
    let told = labels.iter().filter(|(key, _)| !is_set_at_runtime(key));
    let pairs: Vec<String> = told.map(|(key, value)| format!("{key}={value}")).collect();
    format!("{{{}}}", pairs.join(","))
}
