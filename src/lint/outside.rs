//! What is published, and closed to those outside.

use super::atoms::ports as ports_of;
use super::{One, at};
use crate::cluster::{Cluster, Pods, Service, ServicePort, TargetPort, Workload};
use crate::diag::{Code, Diagnostic};
use crate::engine::{End, EndId, Engine};
use crate::lint::near::with_place;
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Protocol};
use crate::netpol::{Peer, Rule};
use std::collections::BTreeMap;

/// What the pods of ingress controllers have as the value of `app` or `app.kubernetes.io/name`.
const CONTROLLERS: [&str; 12] = [
    "ingress-nginx",
    "nginx-ingress",
    "nginx-gateway-fabric",
    "traefik",
    "haproxy-ingress",
    "kubernetes-ingress",
    "contour",
    "envoy",
    "envoy-gateway",
    "kong",
    "istio-ingressgateway",
    "ingress-controller",
];

/// W0229: services of type LoadBalancer or NodePort, and services behind an Ingress, that are closed on every port.
pub(super) fn check(all: &[One<'_>], engine: &Engine<'_>, cluster: &Cluster, found: &mut Vec<Diagnostic>) {
    let published = Published::new(all, engine, cluster);
    for service in &cluster.services {
        if !matches!(&*service.service_type, "LoadBalancer" | "NodePort") {
            continue;
        }
        let addresses: Vec<EndId> = engine.world().ids().filter(|id| published.is_address(*id)).collect();
        let admits = |end: EndId, ports: &PortSet| {
            addresses.iter().any(|outside| {
                let verdict = engine.side(Direction::Ingress, end, *outside);
                verdict.allowed.union(&verdict.unknown).overlaps(ports)
            })
        };
        let Some(one) = published.closed(service, &service.ports, admits) else { continue };
        let message = format!(
            "the Service `{}/{}` is of type {}, and no address outside of the cluster may connect to its pods",
            service.namespace, service.name, service.service_type
        );
        let diagnostic = with_place(at(Code::W0229, service.span, message), one.name, "isolates its pods");
        found.push(diagnostic.with_help(
            "allow the addresses it is for, on the port of the pods: `from: [{ipBlock: {cidr: 203.0.113.0/24}}]`",
        ));
    }
    for ingress in &cluster.ingresses {
        for backend in &ingress.backends {
            let of_name =
                |service: &&Service| service.namespace == ingress.namespace && service.name == backend.service;
            let Some(service) = cluster.services.iter().find(of_name) else { continue };
            let is_port = |port: &&ServicePort| match &backend.port {
                None => true,
                Some(TargetPort::Number(number)) => port.port == *number,
                Some(TargetPort::Named(name)) => port.name.as_ref() == Some(name),
            };
            let ports: Vec<ServicePort> = service.ports.iter().filter(is_port).cloned().collect();
            let admits = |end: EndId, ports: &PortSet| published.is_open_to_others(end, ports);
            let Some(one) = published.closed(service, &ports, admits) else { continue };
            let message = format!(
                "the Ingress `{}/{}` leads to the Service `{}`, and nobody from another namespace may connect to its \
                 pods",
                ingress.namespace, ingress.name, service.name
            );
            let diagnostic = with_place(at(Code::W0229, ingress.span, message), one.name, "isolates its pods");
            found.push(diagnostic.with_help(
                "allow the pods of the ingress controller, as in `from: [{namespaceSelector: {matchLabels: \
                 {kubernetes.io/metadata.name: ingress-nginx}}}]`",
            ));
        }
    }
}

struct Published<'s, 'a> {
    all: &'s [One<'a>],
    engine: &'s Engine<'s>,
    cluster: &'s Cluster,
    /// The kinds of the world of pods.
    kinds: BTreeMap<(usize, usize), Vec<EndId>>,
}

impl<'s, 'a> Published<'s, 'a> {
    fn new(all: &'s [One<'a>], engine: &'s Engine<'s>, cluster: &'s Cluster) -> Self {
        let world = engine.world();
        let mut kinds: BTreeMap<(usize, usize), Vec<EndId>> = BTreeMap::new();
        for id in world.ids() {
            for member in world.pods(id).into_iter().flat_map(|pods| &pods.members) {
                kinds.entry((member.workload, member.pods)).or_default().push(id);
            }
        }
        Published { all, engine, cluster, kinds }
    }

    fn is_address(&self, id: EndId) -> bool {
        matches!(self.engine.world().end(id), Some(End::Addresses { .. }))
    }

    /// A policy that isolates the pods of a service, when `admits` is true for none of them on any of the ports.
    fn closed(
        &self,
        service: &Service,
        ports: &[ServicePort],
        admits: impl Fn(EndId, &PortSet) -> bool,
    ) -> Option<&'s One<'a>> {
        let mut isolating = None;
        for (index, workload) in self.cluster.workloads.iter().enumerate() {
            if workload.namespace != service.namespace {
                continue;
            }
            for (position, pods) in workload.pods.iter().enumerate() {
                if !service.selects(&pods.labels) {
                    continue;
                }
                for end in self.kinds.get(&(index, position)).into_iter().flatten() {
                    let decision = self.engine.decision(Direction::Ingress, *end, *end);
                    let first = decision.isolating.first()?;
                    let mut wanted = ports.iter().filter_map(|port| target(port, pods));
                    if wanted.any(|ports| admits(*end, &ports)) {
                        return None;
                    }
                    isolating = isolating.or_else(|| self.all.get(*first));
                }
            }
        }
        isolating.filter(|_| !ports.is_empty())
    }

    /// Whether a rule lets somebody of another namespace, or any address, connect to pods; or the ingress controller
    /// may run in the same one.
    fn is_open_to_others(&self, end: EndId, ports: &PortSet) -> bool {
        let Some(namespace) = self.engine.world().namespace_of(end).and_then(|one| one.name.as_ref()) else {
            return true;
        };
        let has_name = |pods: &Pods| {
            ["app", "app.kubernetes.io/name"].iter().any(|key| {
                pods.labels.get(*key).is_some_and(|value| CONTROLLERS.iter().any(|known| value.contains(known)))
            })
        };
        let is_controller =
            |workload: &Workload| workload.namespace == *namespace && workload.pods.iter().any(has_name);
        if self.cluster.workloads.iter().any(is_controller) {
            return true;
        }
        let other = |peer: &Peer| match peer {
            Peer::Block(_) => true,
            Peer::Pods { namespaces: None, .. } => false,
            Peer::Pods { namespaces: Some(selector), .. } => {
                selector.required_value(NAMESPACE_NAME) != Some(std::slice::from_ref(namespace))
            }
        };
        let opens = |rule: &Rule| {
            let on_port = rule.ports.is_empty()
                || rule.ports.iter().any(|port| {
                    let ports_of = ports_of(port);
                    ports_of.overlaps(ports) || ports_of.names(port.protocol).next().is_some()
                });
            on_port && (rule.peers.is_empty() || rule.peers.iter().any(other))
        };
        let decision = self.engine.decision(Direction::Ingress, end, end);
        let isolating = decision.isolating.iter().filter_map(|index| self.all.get(*index));
        isolating.flat_map(|one| one.rules(Direction::Ingress).unwrap_or_default()).any(opens)
    }
}

/// The port of the pods behind a port of a service.
fn target(port: &ServicePort, pods: &Pods) -> Option<PortSet> {
    let number = |protocol: Protocol, number: u16| PortSet::number(protocol, number);
    match &port.target {
        TargetPort::Number(target) => Some(number(port.protocol, *target)),
        TargetPort::Named(name) => {
            let is_it =
                |one: &&crate::cluster::ContainerPort| one.protocol == port.protocol && one.name.as_ref() == Some(name);
            pods.ports.iter().find(is_it).map(|one| number(port.protocol, one.number))
        }
    }
}
