//! What is published, and closed to those outside.

use super::at;
use super::published::{Behind, Published, is_on};
use crate::cluster::{Backend, Ingress, Pods, Service, Workload};
use crate::diag::{Code, Diagnostic};
use crate::engine::EndId;
use crate::lint::near::with_place;
use crate::lint::plugin::said;
use crate::model::{ChosenCni, CniTrigger};
use crate::net::{AddressSet, Direction, NAMESPACE_NAME, PortSet, Selector};
use crate::netpol::{Peer, Rule};
use std::sync::Arc;

/// Under which keys the name of an ingress controller stands on its pods.
pub(super) const KEYS_OF_CONTROLLERS: [&str; 2] = ["app", "app.kubernetes.io/name"];

/// What the pods of ingress controllers have as the value of `app` or `app.kubernetes.io/name`.
pub(super) const CONTROLLERS: [&str; 12] = [
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

/// Addresses from which the load balancers of clouds connect and ask how pods are, as Google Cloud and Azure document them.
const OF_BALANCERS: [&str; 7] = [
    "35.191.0.0/16",
    "130.211.0.0/22",
    "209.85.152.0/22",
    "209.85.204.0/22",
    "2600:1901:8001::/48",
    "2600:2d00:1:b029::/64",
    "168.63.129.16/32",
];

/// W0229 and W0241: services of type LoadBalancer or NodePort, and services behind an Ingress.
pub(super) fn check(published: &Published<'_, '_>, cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let private = super::private();
    for service in &published.cluster.services {
        if is_published(service) {
            found.extend(from_outside(service, published).or_else(|| by_clients(service, published, &private)));
        }
    }
    let controllers = Controllers::new(published);
    for ingress in &published.cluster.ingresses {
        for backend in &ingress.backends {
            found.extend(match cni.is_own_class(ingress.class.as_deref()) {
                true => behind_own_ingress(ingress, backend, published, cni),
                false => behind_ingress(ingress, backend, published, &controllers),
            });
        }
    }
}

/// Whether clients outside of the cluster are meant to use a Service.
pub(super) fn is_published(service: &Service) -> bool {
    matches!(&*service.service_type, "LoadBalancer" | "NodePort")
}

/// W0229: no address may connect on any port.
fn from_outside(service: &Service, published: &Published<'_, '_>) -> Option<Diagnostic> {
    let addresses = published.addresses();
    let admits = |behind: &Behind<'_>, ports: &PortSet| {
        addresses.iter().any(|outside| may_connect(published, behind.end, *outside, ports))
    };
    let one = published.closed(service, &service.ports, admits)?;
    let message = format!(
        "the Service `{}/{}` is of type {}, and no address outside of the cluster may connect to its pods",
        service.namespace, service.name, service.service_type
    );
    let diagnostic = with_place(at(Code::W0229, service.span, message), one.name, "isolates its pods");
    Some(diagnostic.with_help(
        "allow the addresses it is for, on the port of the pods: `from: [{ipBlock: {cidr: 203.0.113.0/24}}]`",
    ))
}

pub(super) fn may_connect(published: &Published<'_, '_>, pods: EndId, other: EndId, ports: &PortSet) -> bool {
    let verdict = published.engine.side(Direction::Ingress, pods, other);
    verdict.allowed.union(&verdict.unknown).overlaps(ports)
}

/// W0241: the addresses of clients, where the pods see those of nodes.
fn by_clients(service: &Service, published: &Published<'_, '_>, private: &AddressSet) -> Option<Diagnostic> {
    if service.keeps_source || service.is_direct {
        return None;
    }
    let balancers = AddressSet::from_nets(OF_BALANCERS.iter().filter_map(|net| net.parse().ok()));
    let is_of_clients = |peer: &Peer| match peer {
        Peer::Block(block) => {
            let addresses = block.addresses();
            block.cidr.prefix_len() > 0 && !addresses.overlaps(private) && !addresses.overlaps(&balancers)
        }
        Peer::Pods { .. } | Peer::Unlisted(_) => false,
    };
    let is_block = |peer: &Peer| matches!(peer, Peer::Block(_));
    let mut place = None;
    for behind in published.behind(service) {
        for port in &service.ports {
            let Some(ports) = super::published::target(port, behind.pods) else { continue };
            for (one, index, rule) in published.rules(&behind).filter(|(.., rule)| is_on(rule, behind.pods, &ports)) {
                let blocks = || rule.peers.iter().filter(|peer| is_block(peer));
                if rule.peers.is_empty() || !blocks().all(is_of_clients) {
                    return None;
                }
                let first = rule.peers.iter().position(is_of_clients);
                place = place.or_else(|| Some((one, one.peer_place(Direction::Ingress, index, first?))));
            }
        }
    }
    let (one, place) = place?;
    let message = format!(
        "{} lets clients in by their addresses, and the Service `{}/{}` hides them: with `externalTrafficPolicy: Cluster` \
         the pods see the address of a node",
        one.shown(),
        service.namespace,
        service.name
    );
    let diagnostic = with_place(at(Code::W0241, place, message), service.span, "this Service leads to the pods");
    Some(diagnostic.with_help(
        "set `externalTrafficPolicy: Local` in the Service, or let `loadBalancerSourceRanges` there choose the clients and \
         allow the nodes here",
    ))
}

/// The pods of ingress controllers that were given.
struct Controllers<'s> {
    /// One of them.
    first: Option<&'s Workload>,
    /// Where they may connect from: they themselves, and every address where some are on the network of their node.
    ends: Vec<EndId>,
    /// Whether all are on the network of their node.
    are_on_nodes: bool,
}

impl<'s> Controllers<'s> {
    fn new(published: &Published<'s, '_>) -> Self {
        let own = published.ends_of(|pods| is_controller(pods) && !pods.host_network && !pods.finished);
        let is_on_node = |pods: &Pods| is_controller(pods) && pods.host_network;
        let on_node = published.cluster.workloads.iter().find(|one| one.pods.iter().any(is_on_node));
        let first = own.first().map(|(workload, _)| *workload).or(on_node);
        let are_on_nodes = own.is_empty();
        let mut ends: Vec<EndId> = own.into_iter().map(|(_, end)| end).collect();
        if on_node.is_some() {
            ends.extend(published.addresses());
        }
        Controllers { first, ends, are_on_nodes }
    }
}

/// Nobody may connect who comes through an Ingress of the CNI's own, which no peer matches.
fn behind_own_ingress(
    ingress: &Ingress,
    backend: &Backend,
    published: &Published<'_, '_>,
    cni: ChosenCni,
) -> Option<Diagnostic> {
    let service = published.cluster.service(&ingress.namespace, &backend.service)?;
    let is_open = |behind: &Behind<'_>, ports: &PortSet| {
        published.rules(behind).any(|(.., rule)| rule.peers.is_empty() && is_on(rule, behind.pods, ports))
    };
    let one = published.closed(service, &service.ports_called(backend.port.as_ref()), is_open)?;
    let (namespace, name) = (&ingress.namespace, &ingress.name);
    let what = format!("{} isolates the pods of the Service `{}` from `{namespace}/{name}`", one.shown(), service.name);
    let diagnostic = said(cni, CniTrigger::OwnIngress, ingress.span, &what)?;
    Some(with_place(diagnostic, one.name, "isolates its pods"))
}

/// W0229: nobody may connect who comes through an Ingress.
fn behind_ingress(
    ingress: &Ingress,
    backend: &Backend,
    published: &Published<'_, '_>,
    controllers: &Controllers<'_>,
) -> Option<Diagnostic> {
    let service = published.cluster.service(&ingress.namespace, &backend.service)?;
    let ports = service.ports_called(backend.port.as_ref());
    let leads = format!("the Ingress `{}/{}` leads to the Service `{}`", ingress.namespace, ingress.name, service.name);
    if let Some(controller) = controllers.first {
        let admits = |behind: &Behind<'_>, ports: &PortSet| {
            controllers.ends.iter().any(|end| may_connect(published, behind.end, *end, ports))
        };
        let one = published.closed(service, &ports, admits)?;
        let message = format!("{leads}, and the controller `{controller}` may not connect to its pods");
        let diagnostic = with_place(at(Code::W0229, ingress.span, message), one.name, "isolates its pods");
        return Some(diagnostic.with_help(match controllers.are_on_nodes {
            true => "the controller is on the network of its node: allow the addresses of the nodes with `ipBlock`".to_owned(),
            false => format!(
                "allow the pods of the controller, as in `from: [{{namespaceSelector: {{matchLabels: {{{NAMESPACE_NAME}: \
                 {}}}}}}}]`",
                controller.namespace
            ),
        }));
    }
    let admits = |behind: &Behind<'_>, ports: &PortSet| is_open_to_others(published, behind, ports);
    let one = published.closed(service, &ports, admits)?;
    let message = format!("{leads}, and nobody from another namespace may connect to its pods");
    let diagnostic = with_place(at(Code::W0229, ingress.span, message), one.name, "isolates its pods");
    Some(diagnostic.with_help(
        "allow the pods of the ingress controller, as in `from: [{namespaceSelector: {matchLabels: \
         {kubernetes.io/metadata.name: ingress-nginx}}}]`",
    ))
}

fn is_controller(pods: &Pods) -> bool {
    KEYS_OF_CONTROLLERS.iter().any(|key| pods.labels.get(*key).is_some_and(|value| is_known_controller(value)))
}

fn is_known_controller(name: &str) -> bool {
    CONTROLLERS.iter().any(|known| name.contains(known))
}

/// Whether pods have to be those of an ingress controller by their labels.
fn are_controllers(pods: &Selector) -> bool {
    let values = KEYS_OF_CONTROLLERS.iter().filter_map(|key| pods.required_value(key)).flatten();
    values.into_iter().any(|value| is_known_controller(value))
}

/// Whether a rule lets pods in that may be those of a gateway in their own namespace: by a label or a value that says so, all
/// that there are, or some of which none was given.
pub(super) fn is_open_to_gateway(
    gateways: &[(Arc<str>, Arc<str>)],
    published: &Published<'_, '_>,
    behind: &Behind<'_>,
    ports: &PortSet,
) -> bool {
    let home = &behind.workload.namespace;
    let here: Vec<&str> = gateways.iter().filter(|(namespace, _)| namespace == home).map(|(_, name)| &**name).collect();
    let says = |text: &str| text.contains("gateway") || here.iter().any(|name| text.contains(name));
    let is_said = |pods: &Selector| {
        pods.entries().any(|(key, values)| {
            says(key) || values.required().is_some_and(|values| values.iter().any(|value| says(value)))
        })
    };
    let is_given = |pods: &Selector| {
        let of_home = published.cluster.workloads.iter().filter(|workload| workload.namespace == *home);
        of_home.flat_map(|workload| &workload.pods).any(|one| pods.matches(&one.labels))
    };
    let may_be = |peer: &Peer| match peer {
        Peer::Pods { namespaces, pods } => {
            let is_here = namespaces
                .as_ref()
                .is_none_or(|names| names.required_value(NAMESPACE_NAME).is_none_or(|names| names.contains(home)));
            is_here && (pods.is_everything() || is_said(pods) || !is_given(pods))
        }
        Peer::Block(_) | Peer::Unlisted(_) => false,
    };
    !here.is_empty()
        && published.rules(behind).any(|(.., rule)| is_on(rule, behind.pods, ports) && rule.peers.iter().any(may_be))
}

/// Whether a rule lets somebody of another namespace, or any address, connect to pods; or the ingress controller may run in
/// the same one.
pub(super) fn is_open_to_others(published: &Published<'_, '_>, behind: &Behind<'_>, ports: &PortSet) -> bool {
    let namespace = &behind.workload.namespace;
    let is_here = |workload: &Workload| workload.namespace == *namespace && workload.pods.iter().any(is_controller);
    if published.cluster.workloads.iter().any(is_here) {
        return true;
    }
    let other = |peer: &Peer| match peer {
        Peer::Block(_) | Peer::Unlisted(_) => true,
        // It runs beside them, then.
        Peer::Pods { namespaces: None, pods } => are_controllers(pods),
        Peer::Pods { namespaces: Some(selector), .. } => {
            selector.required_value(NAMESPACE_NAME) != Some(std::slice::from_ref(namespace))
        }
    };
    let opens =
        |rule: &Rule| is_on(rule, behind.pods, ports) && (rule.peers.is_empty() || rule.peers.iter().any(other));
    published.rules(behind).any(|(.., rule)| opens(rule))
}
