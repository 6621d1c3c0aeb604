//! Where the ends of a log stand in a world of the engine.

use super::ends::{EndKind, PodsOfLog, PodsThatRun, UnshownLabels, is_hidden_by_cilium};
use super::seen::Unidentified;
use super::verdict::Candidate;
use crate::ask::{Asked, KnownLabels, Set, Situation};
use crate::cluster::{Labels, Service, TargetPort};
use crate::draft::equal;
use crate::engine::{End, EndId, ExamplePod, NamedPorts, PodOfWorld};
use crate::flow::{FlowSet, Place};
use crate::model::PlatformList;
use crate::net::{
    AddressSet, Facts, NAMESPACE_NAME, Protocol, Selector, Values, is_dns_label, is_dns_subdomain, namespace_by_name,
};
use crate::netpol::Peer;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Where ends of one kind are.
#[derive(Debug, Clone)]
pub(super) enum PlacedEnd {
    /// Pods that are all alike to the policies.
    Pods(EndId),
    /// Pods of which the log does not say enough: any of a set.
    AnyOf(Box<Set>),
    /// Addresses.
    Addresses(Vec<EndId>),
    /// The address of a Service, with the pods behind it.
    Service(ServiceAt),
    /// What questions call it.
    Named(Asked),
    /// Nowhere.
    Nowhere(Nowhere),
}

/// The pods behind a Service.
#[derive(Debug, Clone)]
pub(super) struct ServiceAt {
    /// The place of the Service in the cluster.
    pub service: usize,
    /// The kinds of pods.
    pub pods: Vec<EndId>,
    /// The address itself.
    pub address: EndId,
}

/// Why an end is nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nowhere {
    /// Its identity is not known.
    Identity(Unidentified),
    /// It is of another cluster.
    Cluster,
    /// Its address is one that pods get, and no pod is known to have it.
    PodAddress,
    /// Its address is one that Services get.
    ServiceAddress(EndId),
    /// It is a proxy, which has neither labels nor an address that a rule names.
    Proxy,
}

/// The world of the ends of a log.
pub(super) struct Placement {
    /// It.
    pub situation: Situation,
    /// Where each kind of ends is, in their order.
    pub places: Vec<PlacedEnd>,
    /// All that questions about sets of pods are about, so that their namespaces are known.
    pub asked: Vec<Asked>,
    /// The facts that hold.
    pub facts: Facts,
    /// The label keys of pods that the log leaves out, where it leaves out some.
    pub hidden: BTreeSet<Arc<str>>,
    /// The label keys of pods that the policies look at.
    pub looked_at: BTreeSet<Arc<str>>,
}

/// What makes the pods of a world.
struct PodTable<'a> {
    programs: Vec<&'a FlowSet>,
    candidate: &'a Candidate<'a>,
    pods: Vec<PodOfWorld>,
    known: BTreeMap<PodOfWorld, EndId>,
}

impl PodTable<'_> {
    fn add(
        &mut self,
        namespace: &str,
        beside: Option<&Labels>,
        labels: Labels,
        ports: Option<NamedPorts>,
        addresses: Vec<IpAddr>,
    ) -> EndId {
        let KnownLabels { labels: home, absent, known } =
            KnownLabels::of(&self.programs, self.candidate.namespaces, namespace, beside);
        let example = ExamplePod { name: Some(namespace.into()), namespace: home, absent, known, labels, asked: false };
        let pod = PodOfWorld { example, ports, addresses };
        if let Some(end) = self.known.get(&pod) {
            return *end;
        }
        let end = EndId(crate::table::number(self.pods.len()));
        self.pods.push(pod.clone());
        self.known.insert(pod, end);
        end
    }
}

impl Placement {
    /// The world of these kinds of ends.
    pub(super) fn new(
        kinds: &[EndKind],
        shown: &BTreeSet<Arc<str>>,
        home: Option<&str>,
        running: &PodsThatRun<'_>,
        candidate: &Candidate<'_>,
    ) -> Placement {
        let programs: Vec<&FlowSet> = candidate.program.iter().map(|program| program.flows).collect();
        let keys = Keys::new(candidate);
        let hidden = hidden_keys(&keys, shown, candidate);
        let facts = facts(kinds, running, candidate);
        let mut table = PodTable { programs: programs.clone(), candidate, pods: Vec::new(), known: BTreeMap::new() };
        let mut asked: BTreeMap<Arc<str>, Labels> = BTreeMap::new();
        let mut first: Vec<Result<PlacedEnd, IpAddr>> = Vec::with_capacity(kinds.len());
        let of_service = |address: IpAddr| {
            running.cluster.services.iter().position(|service| service.cluster_ips.contains(&address))
        };
        // The pods come first: the ends of addresses stand behind them.
        let mut behind: BTreeMap<usize, Vec<EndId>> = BTreeMap::new();
        for kind in kinds {
            first.push(match kind {
                EndKind::Known(place) => {
                    let (namespace, labels, ports, addresses) = running.details(*place, &facts);
                    Ok(PlacedEnd::Pods(table.add(namespace, None, labels.clone(), Some(ports), addresses)))
                }
                EndKind::Pods(pods) if home.is_some_and(|home| !pods.cluster.is_empty() && *pods.cluster != *home) => {
                    Ok(PlacedEnd::Nowhere(Nowhere::Cluster))
                }
                EndKind::Pods(pods) => {
                    asked.entry(pods.namespace.clone()).or_default().extend(pods.beside.clone().unwrap_or_default());
                    Ok(match any_of(pods, &keys, &hidden) {
                        Some(set) => PlacedEnd::AnyOf(Box::new(set)),
                        None => {
                            let labels = pods.labels.clone().unwrap_or_default();
                            PlacedEnd::Pods(table.add(&pods.namespace, pods.beside.as_ref(), labels, None, Vec::new()))
                        }
                    })
                }
                EndKind::Named(text) => {
                    if let Some(namespace) = namespace_of_pod(text) {
                        asked.entry(namespace.into()).or_default();
                    }
                    Ok(named(text))
                }
                EndKind::Unknown(why) => Ok(PlacedEnd::Nowhere(Nowhere::Identity(*why))),
                EndKind::Proxy => Ok(PlacedEnd::Nowhere(Nowhere::Proxy)),
                EndKind::Address(address, _) | EndKind::Service(address) => {
                    if let Some(service) = of_service(*address) {
                        behind.entry(service).or_insert_with(|| pods_behind(running, service, &facts, &mut table));
                    }
                    Err(*address)
                }
                EndKind::OwnNode(Some(address)) | EndKind::Node(Some(address)) => Err(*address),
                EndKind::OwnNode(None) | EndKind::Node(None) | EndKind::Unnamed(_) => {
                    Ok(PlacedEnd::Addresses(Vec::new()))
                }
            });
        }
        let situation = Situation::of_pods(&programs, &[candidate.policies], &table.pods, &facts);
        let atoms = AddressKinds::new(&situation);
        let ranges = KnownRanges::new(candidate, running, &facts);
        let places = kinds.iter().zip(first).map(|(kind, placed)| match (kind, placed) {
            (EndKind::Unnamed(which), Ok(_)) => {
                PlacedEnd::Addresses(atoms.overlapping(&super::verdict::unnamed_addresses(*which)))
            }
            (EndKind::OwnNode(None) | EndKind::Node(None), Ok(_)) => PlacedEnd::Addresses(
                atoms.overlapping(&super::verdict::unnamed_addresses(super::seen::Unnamed::Private)),
            ),
            (_, Ok(placed)) => placed,
            (EndKind::Address(address, _) | EndKind::Service(address), Err(_)) => {
                match (of_service(*address), atoms.at(*address)) {
                    (Some(service), Some(at)) => {
                        let pods = behind.get(&service).cloned().unwrap_or_default();
                        PlacedEnd::Service(ServiceAt { service, pods, address: at })
                    }
                    (None, Some(at)) if matches!(kind, EndKind::Service(_)) => {
                        PlacedEnd::Nowhere(Nowhere::ServiceAddress(at))
                    }
                    (None, Some(at)) => ranges.place(*address, at),
                    (_, None) => PlacedEnd::Addresses(Vec::new()),
                }
            }
            (_, Err(address)) => PlacedEnd::Addresses(atoms.at(address).into_iter().collect()),
        });
        let places = places.collect();
        let pod = |(namespace, beside)| Asked::Pod { namespace, beside, labels: Labels::new() };
        let asked = asked.into_iter().map(pod).collect();
        Placement { situation, places, asked, facts, hidden, looked_at: keys.all().cloned().collect() }
    }
}

/// The kinds of addresses of a world, to be found by an address.
struct AddressKinds {
    /// The ranges of each, as numbers of IPv6, sorted.
    ranges: Vec<(bool, u128, u128, EndId)>,
}

impl AddressKinds {
    fn new(situation: &Situation) -> AddressKinds {
        let mut ranges = Vec::new();
        for (id, end) in situation.world.ids().zip(&situation.world.ends) {
            let End::Addresses { addresses, .. } = end else { continue };
            ranges.extend(addresses.v4().iter().map(|(low, high)| (false, u128::from(*low), u128::from(*high), id)));
            ranges.extend(addresses.v6().iter().map(|(low, high)| (true, *low, *high, id)));
        }
        ranges.sort_unstable();
        AddressKinds { ranges }
    }

    fn at(&self, address: IpAddr) -> Option<EndId> {
        let (is_v6, number) = match address {
            IpAddr::V4(address) => (false, u128::from(u32::from(address))),
            IpAddr::V6(address) => (true, u128::from(address)),
        };
        let after = self.ranges.partition_point(|(v6, low, ..)| (*v6, *low) <= (is_v6, number));
        let (v6, _, high, id) = self.ranges.get(after.checked_sub(1)?)?;
        (*v6 == is_v6 && *high >= number).then_some(*id)
    }

    fn overlapping(&self, all: &AddressSet) -> Vec<EndId> {
        let overlaps = |(v6, low, high, _): &&(bool, u128, u128, EndId)| match v6 {
            false => all.v4().iter().any(|(a, b)| u128::from(*a) <= *high && u128::from(*b) >= *low),
            true => all.v6().iter().any(|(a, b)| a <= high && b >= low),
        };
        let found: BTreeSet<EndId> = self.ranges.iter().filter(overlaps).map(|(.., id)| *id).collect();
        found.into_iter().collect()
    }
}

/// The addresses that pods and Services get.
struct KnownRanges {
    pods: AddressSet,
    services: AddressSet,
}

impl KnownRanges {
    fn new(candidate: &Candidate<'_>, running: &PodsThatRun<'_>, facts: &Facts) -> KnownRanges {
        let stated = if facts.pods_are_stated() { facts.pod_addresses().clone() } else { AddressSet::empty() };
        let platform = candidate.program.map(|program| &program.model.platform);
        let list = |list| platform.and_then(|platform| platform.addresses(list)).unwrap_or_else(AddressSet::empty);
        let of_nodes = running.node_addresses();
        KnownRanges {
            pods: stated.union(&running.cluster.pod_ranges()).subtract(&of_nodes),
            services: list(PlatformList::Services),
        }
    }

    fn place(&self, address: IpAddr, at: EndId) -> PlacedEnd {
        match () {
            () if self.pods.has(address) => PlacedEnd::Nowhere(Nowhere::PodAddress),
            () if self.services.has(address) => PlacedEnd::Nowhere(Nowhere::ServiceAddress(at)),
            () => PlacedEnd::Addresses(vec![at]),
        }
    }
}

/// The facts, where the nodes and the API server that are known to run or that the log names are known as such.
fn facts(kinds: &[EndKind], running: &PodsThatRun<'_>, candidate: &Candidate<'_>) -> Facts {
    let of_log = kinds.iter().filter_map(|kind| match kind {
        EndKind::Node(Some(address)) => Some((*address).into()),
        _ => None,
    });
    let nodes = running.node_addresses().union(&AddressSet::from_nets(of_log));
    candidate.facts.clone().knowing(&nodes, &running.cluster.api_server())
}

/// The label keys of pods that the policies and the names of a program look at.
#[derive(Default)]
struct Keys {
    everywhere: BTreeSet<Arc<str>>,
    by_namespace: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

impl Keys {
    fn new(candidate: &Candidate<'_>) -> Keys {
        let mut keys = Keys::default();
        for policy in candidate.policies {
            keys.add(std::slice::from_ref(&policy.namespace), &policy.subject);
            for peer in policy.ingress.iter().chain(&policy.egress).flatten().flat_map(|rule| &rule.peers) {
                match peer {
                    Peer::Pods { namespaces: None, pods } => keys.add(std::slice::from_ref(&policy.namespace), pods),
                    Peer::Pods { namespaces: Some(namespaces), pods } => keys.add_where(namespaces, pods),
                    Peer::Block(_) | Peer::Unlisted(_) => {}
                }
            }
        }
        for flows in candidate.program.iter().map(|program| program.flows) {
            for party in &flows.parties {
                if let Some(Place::Pods { namespaces, pods }) = &party.place {
                    keys.add_where(&flows.namespace_selector(namespaces), pods);
                }
            }
        }
        keys
    }

    fn add_where(&mut self, namespaces: &Selector, pods: &Selector) {
        match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) => self.add(names, pods),
            None => self.everywhere.extend(pods.keys().cloned()),
        }
    }

    fn add(&mut self, namespaces: &[Arc<str>], pods: &Selector) {
        for namespace in namespaces {
            self.by_namespace.entry(namespace.clone()).or_default().extend(pods.keys().cloned());
        }
    }

    /// Those that matter for pods of a namespace.
    fn of(&self, namespace: &str) -> impl Iterator<Item = &Arc<str>> {
        self.by_namespace.get(namespace).into_iter().flatten().chain(&self.everywhere)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_namespace.values().flatten().chain(&self.everywhere)
    }
}

/// Where a tier requires a key that no pod of the log shows, the log leaves out labels: all keys that none shows.
fn hidden_keys(keys: &Keys, shown: &BTreeSet<Arc<str>>, candidate: &Candidate<'_>) -> BTreeSet<Arc<str>> {
    let tiers = candidate.program.iter().flat_map(|program| &program.model.tiers);
    let requires = |selector: &Selector| {
        selector.entries().any(|(key, values)| !values.allows(None) && !values.is_nothing() && !shown.contains(key))
    };
    // A log that shows no labels at all is one of another kind.
    match !shown.is_empty() && tiers.into_iter().any(|tier| requires(&tier.selector)) {
        true => keys.all().filter(|key| !shown.contains(*key)).cloned().collect(),
        false => BTreeSet::new(),
    }
}

/// The pods that these may be, where the log leaves out something that the policies look at.
fn any_of(pods: &PodsOfLog, keys: &Keys, hidden: &BTreeSet<Arc<str>>) -> Option<Set> {
    let namespaces = namespace_by_name(&pods.namespace);
    let Some(labels) = &pods.labels else { return Some(Set::pods(namespaces, Selector::everything())) };
    let may_have = |key: &Arc<str>| {
        !labels.contains_key(&**key)
            && pods.others != UnshownLabels::Stated
            && (hidden.contains(key)
                || match pods.others {
                    UnshownLabels::OfCilium => is_hidden_by_cilium(key),
                    UnshownLabels::Any => true,
                    UnshownLabels::None | UnshownLabels::Stated => false,
                })
    };
    if !keys.of(&pods.namespace).any(may_have) {
        return None;
    }
    let lacks = keys.of(&pods.namespace).filter(|key| !labels.contains_key(&***key) && !may_have(key));
    let absent: Selector = lacks.map(|key| (key.clone(), Values::does_not_exist())).collect();
    Some(Set::pods(namespaces, equal(labels).and(&absent)))
}

fn named(text: &str) -> PlacedEnd {
    // What cannot be asked is found to be nobody's name later.
    PlacedEnd::Named(Asked::parse(text).unwrap_or_else(|_| Asked::Name(text.to_owned())))
}

/// The namespace of what may be the name of a pod.
pub(super) fn namespace_of_pod(text: &str) -> Option<&str> {
    let (namespace, name) = text.split_once('/')?;
    (is_dns_label(namespace) && is_dns_subdomain(name)).then_some(namespace)
}

/// The kinds of pods that a Service selects.
fn pods_behind(running: &PodsThatRun<'_>, service: usize, facts: &Facts, table: &mut PodTable<'_>) -> Vec<EndId> {
    let Some(service) = running.cluster.services.get(service) else { return Vec::new() };
    let mut found = BTreeSet::new();
    for workload in running.cluster.workloads.iter().filter(|one| one.namespace == service.namespace) {
        for pods in workload.pods.iter().filter(|pods| pods.is_in_pod_network() && service.selects(&pods.labels)) {
            let matter = facts.matches().pods.is_possible();
            let mut addresses: BTreeSet<Vec<IpAddr>> = BTreeSet::new();
            addresses.extend(pods.seen.iter().filter(|_| matter).map(|seen| seen.addresses.clone()));
            if addresses.is_empty() {
                addresses.insert(Vec::new());
            }
            for addresses in addresses {
                let ports = super::ends::named_ports(pods);
                found.insert(table.add(&workload.namespace, None, pods.labels.clone(), Some(ports), addresses));
            }
        }
    }
    found.into_iter().collect()
}

/// What a port of a Service is at pods with these names of ports.
pub(super) fn target_of(service: &Service, protocol: Protocol, number: u16, ports: Option<&NamedPorts>) -> Option<u16> {
    let port = service.ports.iter().find(|port| port.protocol == protocol && port.port == number)?;
    match &port.target {
        TargetPort::Number(number) => Some(*number),
        TargetPort::Named(name) => ports?.get(&(protocol, name.clone()))?.first().copied(),
    }
}
