//! What stands behind a Service: its pods, on the ports that they have it on.

use super::means::{End, EndMeaning, Part, PartPorts, ServiceTarget, service_name};
use super::{AskedPorts, Subject};
use crate::ask::{Asked, Situation};
use crate::cluster::{Endpoints, Pods, Service, ServicePort, TargetPort, TranslatedPort, Workload};
use crate::draft::equal;
use crate::engine::{Doubt, EndId};
use crate::net::{AddressSet, Peers, PortSet, Protocol, namespace_by_name};
use crate::netpol::Peer;
use std::net::IpAddr;

/// How many times one name may stand for another one.
const LONGEST_CHAIN: usize = 4;

/// A Service, and how it is reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReachedService<'r> {
    /// As it was asked for.
    pub text: &'r str,
    /// It.
    pub service: &'r Service,
    /// How it is reached.
    pub way: ServiceWay,
    /// The name of one of its pods.
    pub host: Option<&'r str>,
}

/// How a Service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceWay {
    /// By its name.
    Name,
    /// By its name, which stands for the addresses of its pods: nothing is translated.
    Headless,
    /// By its clusterIP.
    ClusterIp,
    /// By an address that those outside know.
    Outside,
    /// By a port of a node.
    NodePort,
}

impl<'s> EndMeaning<'s> {
    /// What is behind the Service that an address belongs to, if it does: its own, or a port of a node that leads to it.
    pub(super) fn service_at(&mut self, address: IpAddr) -> Result<bool, String> {
        let cluster = self.cluster;
        let text = address.to_string();
        let by_cluster_ip = cluster.services.iter().find(|one| one.cluster_ips.contains(&address));
        let is_node = || cluster.nodes_at().iter().any(|node| node.addresses.has(address));
        let outside = || cluster.services.iter().find(|one| one.outer_addresses.contains(&address));
        let found = match by_cluster_ip {
            Some(service) => Some((service, ServiceWay::ClusterIp)),
            None if is_node() => self.by_node_port().map(|service| (service, ServiceWay::NodePort)),
            None => outside().map(|service| (service, ServiceWay::Outside)),
        };
        let Some((service, way)) = found else { return Ok(false) };
        if self.end == End::Source {
            if way != ServiceWay::ClusterIp {
                return Ok(false);
            }
            return Err(format!(
                "`{text}` is the clusterIP of Service `{}/{}`, and no connection comes from there: ask about its pods",
                service.namespace, service.name
            ));
        }
        self.service(&ReachedService { text: &text, service, way, host: None })?;
        Ok(true)
    }

    /// The Service that the ports of nodes lead to that are asked for, if all of them do.
    fn by_node_port(&self) -> Option<&'s Service> {
        let asked = self.ports?.without_names()?;
        let leads = |service: &&Service| {
            let own = service.ports.iter().filter_map(|port| Some(PortSet::number(port.protocol, port.node_port?)));
            let own = own.fold(PortSet::empty(), |all, one| all.union(&one));
            !asked.is_empty() && own.contains(asked)
        };
        self.cluster.services.iter().find(leads)
    }

    /// What is behind a Service.
    pub(super) fn service(&mut self, reached: &ReachedService<'_>) -> Result<(), String> {
        if self.end == End::Source {
            return Err(format!("no connection comes from a Service: ask about the pods behind `{}`", reached.text));
        }
        let service = self.beyond_external_names(reached)?;
        let called = format!("{}/{}", service.namespace, service.name);
        let reached = ReachedService {
            service,
            way: if service.headless { ServiceWay::Headless } else { reached.way },
            ..*reached
        };
        let how = match reached.way {
            ServiceWay::Name => format!("`{}` is Service `{called}`", reached.text),
            ServiceWay::Headless => format!("`{}` is Service `{called}`, which is headless", reached.text),
            ServiceWay::ClusterIp => format!("`{}` is the clusterIP of Service `{called}`", reached.text),
            ServiceWay::Outside => format!("`{}` is an outer address of Service `{called}`", reached.text),
            ServiceWay::NodePort => format!("`{}` is a node, whose port leads to Service `{called}`", reached.text),
        };
        self.means.hides_source |=
            matches!(reached.way, ServiceWay::Outside | ServiceWay::NodePort) && !service.keeps_source;
        match &service.selector {
            Some(selector) => {
                let ports = self.ports_of(&reached)?;
                let namespaces = namespace_by_name(&service.namespace);
                let pods = vec![Peers::Pods { namespaces, pods: equal(selector) }];
                self.pods_behind(&reached, how, pods, ports)
            }
            None => self.endpoints(&reached, &how),
        }
    }

    /// The Service that one of the type ExternalName stands for in the end.
    fn beyond_external_names<'r>(&self, reached: &ReachedService<'r>) -> Result<&'r Service, String>
    where
        's: 'r,
    {
        let mut service = reached.service;
        for _ in 0..LONGEST_CHAIN {
            let Some(name) = &service.external_name else { return Ok(service) };
            let own = format!("{}/{}", service.namespace, service.name);
            let next = service_name(name).and_then(|(namespace, name, _)| self.cluster.service(namespace, name));
            service = next.ok_or_else(|| {
                format!(
                    "cannot tell: Service `{own}` stands for the name `{name}`, and nobody knows its addresses before it \
                     is looked up; ask about an address instead"
                )
            })?;
        }
        Err(format!("`{}` stands for a name that stands for itself in the end", reached.text))
    }

    fn pods_behind(
        &mut self,
        reached: &ReachedService<'_>,
        how: String,
        pods: Vec<Peers>,
        ports: PartPorts,
    ) -> Result<(), String> {
        let Service { namespace, name, .. } = reached.service;
        let selected = |one: &&Workload| one.namespace == *namespace;
        let cluster = self.cluster;
        let (mut in_pod_network, mut on_nodes) = (cluster.workloads.is_empty(), Vec::new());
        for workload in cluster.workloads.iter().filter(selected) {
            for pods in workload.pods.iter().filter(|pods| reached.service.selects(&pods.labels) && !pods.finished) {
                in_pod_network |= pods.is_in_pod_network();
                if pods.host_network && pods.count > 0 {
                    on_nodes.push((workload, pods));
                }
            }
        }
        if !in_pod_network && on_nodes.is_empty() {
            return Err(format!(
                "cannot tell: {how}, and it selects no pod that was given ({})",
                selector_text(reached.service)
            ));
        }
        if in_pod_network {
            let one = reached.host.and_then(|host| {
                let mut seen = cluster.seen().filter(|(workload, pods, _)| {
                    workload.namespace == *namespace && reached.service.selects(&pods.labels)
                });
                seen.find(|(.., seen)| *seen.name == *host)
            });
            let asked = match one {
                Some((workload, _, seen)) => Asked::Seen(workload.namespace.clone(), seen.name.clone()),
                None => Asked::Behind { service: format!("{namespace}/{name}"), pods },
            };
            let is_by_address = matches!(reached.way, ServiceWay::Name | ServiceWay::ClusterIp);
            let doubt = (is_by_address && self.is_judged_apart(reached.service)).then_some(Doubt::AddressOfService);
            self.means.add(Part { asked, ports: ports.clone(), doubt, intro: Some(how.clone()) });
        }
        for (workload, pods) in on_nodes {
            let before = self.means.parts.len();
            self.means.notes.push(how.clone());
            self.host_network(&format!("`{workload}`"), &pods.seen.iter().collect::<Vec<_>>())?;
            let numbers = match &ports {
                PartPorts::Targets(targets) => {
                    let all = targets.iter().flat_map(|target| target.numbers(pods.ports.iter()));
                    PartPorts::These(all.fold(PortSet::empty(), |all, one| all.union(&one)))
                }
                other @ (PartPorts::AsAsked | PartPorts::These(_)) => other.clone(),
            };
            self.means.parts.iter_mut().skip(before).for_each(|part| part.ports = numbers.clone());
        }
        Ok(())
    }

    /// Whether the plugin judges egress before the address of a Service becomes that of a pod, and some policy treats the two
    /// differently: it finds the Services of a peer by taking their selector for the labels of a pod.
    fn is_judged_apart(&self, service: &Service) -> bool {
        let Some(selector) = service.selector.as_ref().filter(|_| self.subject.judges_first()) else { return false };
        let here = self.cluster.workloads.iter().filter(|one| one.namespace == service.namespace);
        let behind: Vec<&Pods> = here.flat_map(|one| &one.pods).filter(|pods| service.selects(&pods.labels)).collect();
        let is_apart = |peer: &Peer| match peer {
            Peer::Block(block) => {
                let addresses = block.addresses();
                block.cidr.prefix_len() > 0 && service.cluster_ips.iter().any(|address| addresses.has(*address))
            }
            Peer::Unlisted(_) => false,
            Peer::Pods { pods, .. } => behind.iter().any(|one| pods.matches(&one.labels)) && !pods.matches(selector),
        };
        let rules = self.subject.policies().iter().filter_map(|policy| policy.egress.as_ref()).flatten();
        rules.flat_map(|rule| &rule.peers).any(is_apart)
    }

    /// What stands behind a Service that selects nobody.
    fn endpoints(&mut self, reached: &ReachedService<'_>, how: &str) -> Result<(), String> {
        let service = reached.service;
        let own = |one: &&Endpoints| one.namespace == service.namespace && one.service == service.name;
        let own: Vec<&Endpoints> = self.cluster.endpoints.iter().filter(own).collect();
        let platform = self.subject.flows().and_then(|_| self.api_server_of_program());
        if own.is_empty() {
            if let (true, Some(addresses)) = (service.is_api_server(), platform) {
                self.means.notes.push(format!("{how}, the API server, whose addresses the program lists"));
                self.means.add(Part::of(Asked::Addresses(addresses)));
                return Ok(());
            }
            return Err(format!(
                "cannot tell: {how}, which selects no pods, and nobody gave its endpoints; `kubectl get endpointslices -n {} \
                 -l kubernetes.io/service-name={} -o yaml` has them",
                service.namespace, service.name
            ));
        }
        let wanted = self.wanted(reached)?;
        let (mut addresses, mut ports) = (AddressSet::empty(), PortSet::empty());
        for endpoints in own {
            addresses = addresses.union(&AddressSet::from_nets(endpoints.addresses.iter().map(|one| (*one).into())));
            for (name, protocol, number) in &endpoints.ports {
                let is_it = |port: &ServicePort| port.name == *name && port.protocol == *protocol;
                if wanted.iter().any(|port| is_it(port)) {
                    ports.insert(&PortSet::number(*protocol, *number));
                }
            }
        }
        if ports.is_empty() && reached.way != ServiceWay::Headless {
            return Err(format!(
                "cannot tell: {how}, and its endpoints were given without the ports that these are called there"
            ));
        }
        if reached.way == ServiceWay::Headless {
            ports = self.ports.and_then(AskedPorts::without_names).cloned().unwrap_or(ports);
        }
        let what = if service.is_api_server() { ", the API server" } else { "" };
        let shown = super::means::shown(&addresses);
        self.means.notes.push(format!("{how}{what}: behind it is {shown} on {ports}"));
        let before = self.means.parts.len();
        let is_api_server = service.is_api_server();
        if is_api_server {
            self.means.api_server = self.means.api_server.union(&addresses);
            self.means.add(Part::of(Asked::Addresses(addresses)));
        } else {
            self.addresses_behind(&addresses)?;
        }
        self.means.parts.iter_mut().skip(before).for_each(|part| part.ports = PartPorts::These(ports.clone()));
        Ok(())
    }

    /// The addresses behind a Service, which are no Service's again.
    fn addresses_behind(&mut self, addresses: &AddressSet) -> Result<(), String> {
        let ports = self.ports.take();
        let found = self.addresses(addresses);
        self.ports = ports;
        found
    }

    /// The addresses of the API server that a program lists.
    fn api_server_of_program(&self) -> Option<AddressSet> {
        self.subject.model()?.platform.addresses(crate::model::PlatformList::ApiServer)
    }

    /// The ports of a Service that are asked for, as its pods have them.
    fn ports_of(&self, reached: &ReachedService<'_>) -> Result<PartPorts, String> {
        if reached.way == ServiceWay::Headless {
            if self.ports.is_some_and(|ports| ports.without_names().is_some()) {
                return Ok(PartPorts::AsAsked);
            }
            // The names of its ports are in the DNS, with the numbers of the pods.
            let targets = self.wanted(reached)?.into_iter().map(|port| ServiceTarget::of(port, port.port)).collect();
            return Ok(PartPorts::Targets(targets));
        }
        let number = |port: &ServicePort| match reached.way {
            ServiceWay::NodePort => port.node_port.unwrap_or(port.port),
            ServiceWay::Name | ServiceWay::Headless | ServiceWay::ClusterIp | ServiceWay::Outside => port.port,
        };
        let targets = self.wanted(reached)?.into_iter().map(|port| ServiceTarget::of(port, number(port))).collect();
        Ok(PartPorts::Targets(targets))
    }

    /// The ports of a Service that are asked for.
    fn wanted<'r>(&self, reached: &ReachedService<'r>) -> Result<Vec<&'r ServicePort>, String> {
        let service = reached.service;
        let all: Vec<&ServicePort> = service.ports.iter().collect();
        let Some(asked) = self.ports else { return Ok(all) };
        let own = |port: &ServicePort| match reached.way {
            ServiceWay::NodePort => port.node_port,
            ServiceWay::Name | ServiceWay::Headless | ServiceWay::ClusterIp | ServiceWay::Outside => Some(port.port),
        };
        let numbers = asked.numbers();
        let is_asked = |port: &&ServicePort| {
            own(port).is_some_and(|number| numbers.overlaps(&PortSet::number(port.protocol, number)))
                || port.name.as_ref().is_some_and(|name| asked.has_name(name, port.protocol))
        };
        let wanted: Vec<&ServicePort> = all.into_iter().filter(is_asked).collect();
        let found = wanted.iter().filter_map(|port| Some(PortSet::number(port.protocol, own(port)?)));
        let found = found.fold(PortSet::empty(), |all, one| all.union(&one));
        let is_whole = Protocol::ALL.into_iter().any(|protocol| numbers.is_whole(protocol));
        let missing = if is_whole { PortSet::empty() } else { numbers.subtract(&found) };
        if !wanted.is_empty() && missing.is_empty() {
            return Ok(wanted);
        }
        let listed: Vec<String> =
            service.ports.iter().map(|port| PortSet::number(port.protocol, port.port).to_string()).collect();
        let missing = if missing.is_empty() { "no such port".to_owned() } else { format!("no port {missing}") };
        let has = if listed.is_empty() { "it has none".to_owned() } else { format!("it has {}", listed.join(", ")) };
        Err(format!("Service `{}/{}` has {missing}: {has}", service.namespace, service.name))
    }
}

impl ServiceTarget {
    fn of(port: &ServicePort, number: u16) -> ServiceTarget {
        ServiceTarget { protocol: port.protocol, port: number, target: port.target.clone() }
    }

    /// The numbers at a pod whose containers list these ports.
    pub(super) fn numbers<'p>(&self, ports: impl Iterator<Item = &'p crate::cluster::ContainerPort>) -> Vec<PortSet> {
        match &self.target {
            TargetPort::Number(number) => vec![PortSet::number(self.protocol, *number)],
            TargetPort::Named(name) => {
                let own = ports.filter(|port| port.protocol == self.protocol && port.name.as_ref() == Some(name));
                own.map(|port| PortSet::number(self.protocol, port.number)).collect()
            }
        }
    }

    /// As pods have it of which nobody knows the ports.
    pub(super) fn as_written(&self) -> PortSet {
        match &self.target {
            TargetPort::Number(number) => PortSet::number(self.protocol, *number),
            TargetPort::Named(name) => PortSet::named(self.protocol, name.clone()),
        }
    }
}

fn selector_text(service: &Service) -> String {
    let labels = service.selector.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    labels.collect::<Vec<_>>().join(",")
}

impl Subject {
    /// Ports of pods as policies see them: where no container lists a number that is the port of a Service in front of them,
    /// that Service is meant.
    pub(super) fn behind_services(&self, situation: &Situation, end: EndId, ports: &PortSet) -> PortSet {
        let translated = self.translated(situation, end, ports);
        translated.iter().fold(ports.clone(), |ports, one| ports.subtract(&one.from).union(&one.to))
    }

    /// What is said where ports that are asked for are those of Services.
    pub(super) fn told_of_ports(&self, situation: &Situation, at: &[(EndId, PortSet)], asked: &PortSet) -> Vec<String> {
        let mut notes = Vec::new();
        for one in at.iter().flat_map(|(end, _)| self.translated(situation, *end, asked)) {
            let Translated { service, kind, from, to } = one;
            let note =
                format!("{from} is the {kind} of Service `{service}`: its pods have it as {to}, which policies see");
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    /// The Services of an end that call a port of theirs so: each with that port, and what it is at the pods.
    pub(super) fn service_port_called(
        &self,
        situation: &Situation,
        end: EndId,
        name: &str,
        protocol: Option<Protocol>,
    ) -> Vec<(&Service, PortSet, PortSet)> {
        let pods = self.pods_of(situation, end);
        let is_of = |service: &&Service| {
            pods.iter().any(|(workload, pods)| workload.namespace == service.namespace && service.selects(&pods.labels))
        };
        let services = self.cluster().map(|cluster| cluster.services.as_slice()).unwrap_or_default();
        let called = services.iter().filter(is_of).flat_map(|service| {
            let is_it = |port: &&ServicePort| {
                port.name.as_deref() == Some(name) && protocol.is_none_or(|protocol| port.protocol == protocol)
            };
            service.ports.iter().filter(is_it).map(move |port| (service, port))
        });
        let there = |port: &ServicePort| {
            let target = ServiceTarget { protocol: port.protocol, port: port.port, target: port.target.clone() };
            let numbers = target.numbers(pods.iter().flat_map(|(_, pods)| &pods.ports)).into_iter();
            numbers.fold(PortSet::empty(), |all, one| all.union(&one))
        };
        let found = called.map(|(service, port)| (service, PortSet::number(port.protocol, port.port), there(port)));
        found.filter(|(.., there)| !there.is_empty()).collect()
    }

    /// What is said where names that are asked for are those of ports of Services.
    pub(super) fn told_of_names(&self, situation: &Situation, ends: &[EndId], asked: &AskedPorts) -> Vec<String> {
        let mut notes = Vec::new();
        for end in ends {
            for (name, protocol) in asked.names() {
                let mut own = self.container_ports(situation, *end);
                if own.any(|port| port.name.as_ref() == Some(name)) {
                    continue;
                }
                for (service, port, there) in self.service_port_called(situation, *end, name, *protocol) {
                    let Service { namespace, name: own, .. } = service;
                    let note = format!(
                        "`{name}` is what Service `{namespace}/{own}` calls its port {port}: its pods have it as {there}, which policies see"
                    );
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
            }
        }
        notes
    }

    /// The pods of an end, each with its workload.
    fn pods_of(&self, situation: &Situation, end: EndId) -> Vec<(&Workload, &Pods)> {
        let Some(cluster) = self.cluster() else { return Vec::new() };
        let members = situation.world.pods(end).map(|pods| pods.members.as_slice()).unwrap_or_default();
        let pods = members.iter().filter_map(|member| {
            let workload = cluster.workloads.get(member.workload)?;
            Some((workload, workload.pods.get(member.pods)?))
        });
        pods.collect()
    }

    fn translated(&self, situation: &Situation, end: EndId, ports: &PortSet) -> Vec<Translated> {
        let Some(cluster) = self.cluster() else { return Vec::new() };
        let pods = self.pods_of(situation, end);
        let lists = |protocol: Protocol, number: u16| {
            let mut all = pods.iter().flat_map(|(_, pods)| &pods.ports);
            all.any(|port| port.protocol == protocol && port.number == number)
        };
        let each = |protocol: Protocol| {
            let single = ports.ranges(protocol).iter().filter(|(low, high)| low == high);
            single.map(move |(number, _)| (protocol, *number)).collect::<Vec<_>>()
        };
        let mut found = Vec::new();
        for (protocol, number) in Protocol::ALL.into_iter().flat_map(each) {
            let Some(found_port) = cluster.translated(&pods, protocol, number) else { continue };
            let (kind, TranslatedPort { service, target, .. }) = (found_port.kind(), found_port);
            // Where no port is listed, the Service alone says what there is.
            let lists_none = pods.iter().all(|(_, pods)| pods.ports.is_empty());
            if !lists(protocol, number) && (lists_none || lists(protocol, target)) {
                let service = format!("{}/{}", service.namespace, service.name);
                let (from, to) = (PortSet::number(protocol, number), PortSet::number(protocol, target));
                found.push(Translated { service, kind, from, to });
            }
        }
        found
    }
}

/// A port of a Service that was asked for at its pods.
struct Translated {
    service: String,
    kind: &'static str,
    from: PortSet,
    to: PortSet,
}
