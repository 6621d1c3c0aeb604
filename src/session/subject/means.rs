//! Who is really connected to where addresses and names of Services are asked about: the pods that have them or stand behind
//! them, nodes, the API server. Policies see the connection after that.

use super::service::{ReachedService, ServiceWay};
use super::unknown::quoted;
use super::{AskedPorts, Subject};
use crate::ask::Asked;
use crate::cluster::{Cluster, Pods, SeenPod, TargetPort, Workload};
use crate::engine::Doubt;
use crate::model::PlatformList;
use crate::net::{AddressSet, NamePattern, NameSet, PortSet, Protocol, is_dns_subdomain};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// More names than these are not listed in a note.
const MOST_NAMES: usize = 3;

/// What an end of a question means.
#[derive(Debug, Clone, Default)]
pub(super) struct Means {
    /// All of these.
    pub parts: Vec<Part>,
    /// What there is to say about it, in sentences without a full stop.
    pub notes: Vec<String>,
    /// Addresses of nodes that are asked about.
    pub nodes: AddressSet,
    /// Addresses of the API server that are asked about.
    pub api_server: AddressSet,
    /// Whether whoever connects from outside may be seen as a node.
    pub hides_source: bool,
}

/// Some of those who are meant.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Who.
    pub asked: Asked,
    /// The ports there.
    pub ports: PartPorts,
    /// What would have to be known to say that they are meant.
    pub doubt: Option<Doubt>,
    /// What they are, which is told with their names.
    pub intro: Option<String>,
}

/// The ports at an end.
#[derive(Debug, Clone)]
pub(super) enum PartPorts {
    /// Those that are asked for.
    AsAsked,
    /// These.
    These(PortSet),
    /// What the ports of a Service are at its pods.
    Targets(Vec<ServiceTarget>),
}

/// A port of a Service, and what it is at its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceTarget {
    /// The protocol of both.
    pub protocol: Protocol,
    /// The port of the Service, or of the nodes.
    pub port: u16,
    /// The port of the pods.
    pub target: TargetPort,
}

/// Which end of a connection is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Who connects.
    Source,
    /// To whom.
    Destination,
}

impl Part {
    /// Those who are asked for, on the ports that are asked for.
    pub(super) fn of(asked: Asked) -> Part {
        Part { asked, ports: PartPorts::AsAsked, doubt: None, intro: None }
    }
}

impl Part {
    /// Whether it is workloads or pods by their names, on the ports that are asked for.
    pub(super) fn is_by_name(&self) -> bool {
        matches!((&self.ports, &self.asked), (PartPorts::AsAsked, Asked::Name(_) | Asked::Seen(..)))
            && self.intro.is_none()
    }

    /// What is told of it without the names of its pods.
    pub(super) fn told(&self) -> Option<String> {
        let intro = self.intro.as_ref()?;
        let PartPorts::Targets(targets) = &self.ports else { return Some(intro.clone()) };
        let all = |ports: &mut dyn Iterator<Item = PortSet>| ports.fold(PortSet::empty(), |all, one| all.union(&one));
        let own = all(&mut targets.iter().map(|target| PortSet::number(target.protocol, target.port)));
        let there = all(&mut targets.iter().map(ServiceTarget::as_written));
        Some(format!("{intro}: {own} is {there} of its pods"))
    }
}

impl Means {
    /// All that is meant as one end.
    pub(super) fn asked(&self) -> Asked {
        match self.parts.as_slice() {
            [one] => one.asked.clone(),
            several => Asked::Several(several.iter().map(|part| part.asked.clone()).collect()),
        }
    }

    pub(super) fn add(&mut self, part: Part) {
        self.parts.push(part);
    }
}

/// What finds out what an end means.
pub(super) struct EndMeaning<'s> {
    pub subject: &'s Subject,
    pub cluster: &'s Cluster,
    pub end: End,
    pub ports: Option<&'s AskedPorts>,
    pub means: Means,
}

impl Subject {
    /// What an end of a question means. The error is a sentence.
    pub(super) fn means(&self, asked: &Asked, end: End, ports: Option<&AskedPorts>) -> Result<Means, String> {
        let cluster = &self.manifests.cluster;
        let mut meaning = EndMeaning { subject: self, cluster, end, ports, means: Means::default() };
        for one in asked.each() {
            match one {
                Asked::Name(text) => meaning.name(text)?,
                Asked::Addresses(addresses) => meaning.addresses(addresses)?,
                Asked::Pod { .. }
                | Asked::DnsServers(_)
                | Asked::PodsAt(_)
                | Asked::Seen(..)
                | Asked::Behind { .. }
                | Asked::Several(_) => meaning.means.add(Part::of(one.clone())),
            }
        }
        Ok(meaning.means)
    }

    /// Whether somebody else than a pod of that name goes by it.
    fn is_name(&self, text: &str) -> bool {
        let asked = Asked::Name(text.to_owned());
        match self.situation(std::slice::from_ref(&asked)) {
            Some(situation) => situation.find(&asked).is_ok_and(|ends| !ends.is_empty()),
            None => self.everyone(std::slice::from_ref(&asked)).find(&asked).is_ok(),
        }
    }
}

impl<'s> EndMeaning<'s> {
    fn name(&mut self, text: &str) -> Result<(), String> {
        if let Some((namespace, name, host)) = service_name(text) {
            return self.service_called(text, namespace, name, host);
        }
        if let Some((name, namespace)) = text.split_once('.')
            && !text.contains('/')
            && self.cluster.service(namespace, name).is_some()
        {
            return self.service_called(text, namespace, name, None);
        }
        if let Some(namespace) = text.strip_suffix("/*")
            && let Some(found) = self.on_nodes_of(namespace)
        {
            return found;
        }
        let called: Vec<&Workload> = self.cluster.workloads.iter().filter(|one| one.is_called(text)).collect();
        let on_nodes =
            |one: &&&Workload| one.pods.iter().any(|pods| pods.host_network && !pods.finished && pods.count > 0);
        if !called.is_empty() {
            let is_in_pod_network = called.iter().any(|one| one.pods.iter().any(Pods::is_in_pod_network));
            if let Some(workload) = called.iter().find(on_nodes).filter(|_| !is_in_pod_network) {
                let seen = workload.pods.iter().filter(|pods| pods.host_network).flat_map(|pods| &pods.seen);
                return self.host_network(&format!("`{workload}`"), &seen.collect::<Vec<_>>());
            }
        } else if let Some((workload, pods, seen)) = self.pod_called(text)
            && !self.subject.is_name(text)
        {
            if pods.host_network {
                return self.host_network(&format!("pod `{}/{}`", workload.namespace, seen.name), &[seen]);
            }
            self.means.notes.push(format!("`{text}` is a pod of `{workload}`"));
            let asked = Asked::Seen(workload.namespace.clone(), seen.name.clone());
            self.means.add(Part::of(asked));
            return Ok(());
        }
        let asked = match self.dns_name(text) {
            Some(name) => Asked::Addresses(AddressSet::of_names(NameSet::of(&NamePattern::Exact(name.into())))),
            None => Asked::Name(text.to_owned()),
        };
        self.means.add(Part::of(asked));
        Ok(())
    }

    /// A DNS name outside of the cluster, where policies may name such and nobody goes by it.
    fn dns_name<'t>(&self, text: &'t str) -> Option<&'t str> {
        let is_name = text.contains('.') && is_dns_subdomain(text);
        (is_name && self.subject.facts.has_unlisted() && !self.subject.is_name(text)).then_some(text)
    }

    /// All pods of a namespace, where all that were given use the network of their nodes; what does so of others is noted.
    fn on_nodes_of(&mut self, namespace: &str) -> Option<Result<(), String>> {
        let here = || self.cluster.workloads.iter().filter(|one| *one.namespace == *namespace);
        let pods = || here().flat_map(|one| &one.pods).filter(|pods| !pods.finished && pods.count > 0);
        let on_nodes = here().filter(|one| one.pods.iter().any(|pods| pods.host_network && !pods.finished));
        let names: Vec<String> = on_nodes.map(|one| one.to_string()).collect();
        if names.is_empty() {
            return None;
        }
        let seen: Vec<&SeenPod> = pods().filter(|pods| pods.host_network).flat_map(|pods| &pods.seen).collect();
        if pods().any(Pods::is_in_pod_network) {
            self.means.notes.push(format!("left out, for the network of its node is its own: {}", quoted(&names)));
            return None;
        }
        Some(self.host_network(&format!("each pod of `{namespace}`"), &seen))
    }

    /// The pod that was given under a name of its own, if it is one alone.
    fn pod_called(&self, text: &str) -> Option<(&'s Workload, &'s Pods, &'s SeenPod)> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        let name = name.strip_suffix("[Pod]").unwrap_or(name);
        let mut found = self.cluster.seen().filter(|(workload, _, seen)| {
            *seen.name == *name && namespace.is_none_or(|namespace| *workload.namespace == *namespace)
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Pods on the network of their nodes, which policies see as these.
    pub(super) fn host_network(&mut self, who: &str, seen: &[&SeenPod]) -> Result<(), String> {
        let nodes = self.cluster.nodes_at();
        let mut addresses = AddressSet::empty();
        let mut all_known = !seen.is_empty();
        for pod in seen {
            let own = pod.addresses.iter().chain(&pod.node_addresses).copied();
            let own = AddressSet::from_nets(own.map(Into::into));
            let of_node = nodes.iter().find(|node| node.name.is_some() && node.name == pod.node);
            let own = of_node.map_or(own.clone(), |node| own.union(&node.addresses));
            all_known &= !own.is_empty();
            addresses = addresses.union(&own);
        }
        let verb = match self.end {
            End::Source => {
                "policies see its traffic as that of its node, which no labels select: an `ipBlock` does, and a rule without `from`"
            }
            End::Destination => {
                "policies see it as its node, which no labels select: an `ipBlock` does, and a rule without `to`"
            }
        };
        let known = match (all_known, addresses.is_empty()) {
            (true, false) => format!(" ({})", shown(&addresses)),
            _ => ", whose address nobody gave".to_owned(),
        };
        self.means.notes.push(format!("{who} uses the network of its node{known}: {verb}"));
        // Of nodes that are known it is said which pods run there.
        if self.end == End::Source && !all_known {
            self.means.notes.push("the node that a pod runs on is always let in".to_owned());
        }
        if all_known {
            self.means.nodes = self.means.nodes.union(&addresses);
            self.means.add(Part::of(Asked::Addresses(addresses)));
        } else {
            self.means.add(self.some_node());
        }
        Ok(())
    }

    /// Any node: those whose addresses are known, or any address that is no pod's.
    pub(super) fn some_node(&self) -> Part {
        let pods = if self.subject.facts.pods_are_stated() {
            self.subject.facts.pod_addresses().clone()
        } else {
            AddressSet::empty()
        };
        let addresses = AddressSet::all().subtract(&pods.union(&self.cluster.pod_ranges()));
        Part { doubt: Some(Doubt::NodeAddresses), ..Part::of(Asked::Addresses(addresses)) }
    }

    /// Addresses: those of pods that were given, of Services, of nodes, and others.
    pub(super) fn addresses(&mut self, all: &AddressSet) -> Result<(), String> {
        let single = single(all);
        let text = single.map_or_else(|| Asked::Addresses(all.clone()).to_string(), |address| address.to_string());
        if let Some(address) = single
            && self.service_at(address)?
        {
            return Ok(());
        }
        if let Some(address) = single {
            self.refuse_of_services(address)?;
        }
        let cluster = self.cluster;
        let there: Vec<(&Workload, &SeenPod)> = cluster.pods_at(all).collect();
        let of_pods = there.iter().flat_map(|(_, seen)| &seen.addresses).map(|address| (*address).into());
        let of_pods = AddressSet::from_nets(of_pods).intersect(all);
        if !there.is_empty() {
            self.means.notes.push(pods_note(&text, single.is_some(), &there));
            self.means.add(Part::of(Asked::PodsAt(all.clone())));
        }
        let rest = all.subtract(&of_pods);
        if rest.is_empty() {
            return Ok(());
        }
        let ranges = self.pod_ranges();
        let taken = cluster.nodes_at().iter().fold(cluster.api_server(), |all, node| all.union(&node.addresses));
        let unknown = rest.intersect(&ranges).subtract(&taken);
        if rest == unknown && (single.is_some() || there.is_empty()) {
            if cluster.is_live() {
                return Err(format!(
                    "cannot tell: `{text}` is among the addresses that pods have, and no pod of the cluster has it now; ask \
                     about the pod by its name or labels"
                ));
            }
            return Err(format!(
                "cannot tell: `{text}` is among the addresses that pods have, and no pod that was given has it, so nobody \
                 knows which pod that is; {}",
                if cluster.workloads.is_empty() {
                    "ask about the pod by its name or labels"
                } else {
                    "`kubectl get pods -A -o json` has the pods with their addresses"
                }
            ));
        }
        if !unknown.is_empty() {
            let unknown = Asked::Addresses(unknown);
            self.means.notes.push(format!("of `{text}`, what pods have that were not given is left out: {unknown}"));
        }
        let rest = rest.subtract(&rest.intersect(&ranges).subtract(&taken));
        if rest.is_empty() {
            return Ok(());
        }
        self.known(&text, &rest, single);
        self.means.add(Part::of(Asked::Addresses(rest)));
        Ok(())
    }

    /// Refuses an address that some Service has, nobody knows which.
    fn refuse_of_services(&self, address: IpAddr) -> Result<(), String> {
        let Some(platform) = self.subject.model().map(|model| &model.platform) else { return Ok(()) };
        let has = |list| platform.list(list).is_some_and(|nets| nets.iter().any(|net| net.contains(&address)));
        if !has(PlatformList::Services) || has(PlatformList::ApiServer) || self.cluster.services.is_empty() {
            return Ok(());
        }
        if self.cluster.is_live() {
            return Err(format!(
                "cannot tell: `{address}` is among the addresses of Services (`services` in `platform`), and none of the \
                 cluster has it"
            ));
        }
        Err(format!(
            "cannot tell: `{address}` is among the addresses of Services (`services` in `platform`), and none that was given \
             has it; `kubectl get services -A -o yaml` has those of a cluster"
        ))
    }

    /// Says that addresses are a node's, or the API server's.
    fn known(&mut self, text: &str, addresses: &AddressSet, single: Option<IpAddr>) {
        let Some(address) = single else { return };
        let api_server = self.cluster.api_server();
        if api_server.has(address) {
            self.means.notes.push(format!("`{text}` is an address of the API server"));
            self.means.api_server = self.means.api_server.union(addresses);
        }
        if let Some(node) = self.cluster.nodes_at().into_iter().find(|node| node.addresses.has(address)) {
            let name = node.name.map_or_else(|| "a node".to_owned(), |name| format!("node `{name}`"));
            self.means.notes.push(format!("`{text}` is the address of {name}"));
            self.means.nodes = self.means.nodes.union(addresses);
        }
    }

    /// The addresses that pods are known to get.
    fn pod_ranges(&self) -> AddressSet {
        let facts = &self.subject.facts;
        let stated = if facts.pods_are_stated() { facts.pod_addresses().clone() } else { AddressSet::empty() };
        stated.union(&self.cluster.pod_ranges())
    }

    /// What is behind a Service by its name, of which a pod may have one of its own in front.
    fn service_called(&mut self, text: &str, namespace: &str, name: &str, host: Option<&str>) -> Result<(), String> {
        let Some(service) = self.cluster.service(namespace, name) else {
            if self.cluster.is_live() {
                return Err(format!("the cluster has no Service `{namespace}/{name}`"));
            }
            return Err(format!(
                "no Service `{namespace}/{name}` was given; `kubectl get services -A -o yaml` has those of a cluster"
            ));
        };
        let way = if service.headless { ServiceWay::Headless } else { ServiceWay::Name };
        self.service(&ReachedService { text, service, way, host })
    }
}

/// The address that a set is, if it is one alone.
pub(super) fn single(addresses: &AddressSet) -> Option<IpAddr> {
    let first = addresses.first()?;
    (*addresses == AddressSet::from_net(first.into())).then_some(first)
}

/// The namespace and the name of a Service that a DNS name says, and the name of a pod in front of it.
pub(super) fn service_name(text: &str) -> Option<(&str, &str, Option<&str>)> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let labels: Vec<&str> = text.split('.').collect();
    let at = labels.iter().position(|label| *label == "svc")?;
    match labels.get(..at)? {
        [name, namespace] => Some((namespace, name, None)),
        [host, name, namespace] => Some((namespace, name, Some(host))),
        _ => None,
    }
}

fn pods_note(text: &str, is_one: bool, pods: &[(&Workload, &SeenPod)]) -> String {
    let owned = |(workload, seen): &(&Workload, &SeenPod)| match workload.name == seen.name {
        true => format!("pod `{}/{}`", workload.namespace, seen.name),
        false => format!("pod `{}/{}` of `{workload}`", workload.namespace, seen.name),
    };
    let names: BTreeSet<String> = pods.iter().map(owned).collect();
    let count = names.len();
    let mut names: Vec<String> = names.into_iter().take(MOST_NAMES).collect();
    if count > MOST_NAMES {
        names.push(format!("{} more", count - MOST_NAMES));
    }
    let names = names.join(", ");
    if is_one { format!("`{text}` is {names}") } else { format!("in `{text}` are {names}") }
}

/// Addresses without the length of their prefix where there is only one in a block.
pub(super) fn shown(addresses: &AddressSet) -> String {
    let mut nets: Vec<String> = Vec::new();
    for net in addresses.to_nets() {
        let is_one = net.prefix_len() == net.max_prefix_len();
        nets.push(if is_one { net.addr().to_string() } else { net.to_string() });
    }
    let more = nets.len().saturating_sub(MOST_NAMES);
    nets.truncate(MOST_NAMES);
    if more > 0 {
        nets.push(format!("{more} more"));
    }
    nets.join(", ")
}
