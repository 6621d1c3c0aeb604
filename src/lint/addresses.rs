//! Blocks that are the address of a Service, which becomes that of a pod before policies are asked.

use super::near::with_place;
use super::{One, at};
use crate::cluster::{Cluster, Labels, Pods, Service, TargetPort};
use crate::diag::{Code, Diagnostic};
use crate::model::Cni;
use crate::net::{Direction, IpBlock, NAMESPACE_NAME, Selector};
use crate::netpol::{Peer, Rule};
use crate::source::Span;
use std::net::IpAddr;

/// W0236: the clusterIP of a Service. The agent of AWS judges egress before the address becomes another, so there it is
/// right.
pub(super) fn check(all: &[One<'_>], cluster: &Cluster, cni: Cni, found: &mut Vec<Diagnostic>) {
    for one in all {
        for (index, rule) in one.rules(Direction::Ingress).unwrap_or_default().iter().enumerate() {
            for (position, peer) in rule.peers.iter().enumerate() {
                let service = single(peer).and_then(|address| with_address(cluster, address));
                let place = one.peer_place(Direction::Ingress, index, position);
                found.extend(service.map(|service| as_source(one, service, place)));
            }
        }
    }
    if cni.is_of_aws() {
        return;
    }
    for one in all {
        let rules = one.rules(Direction::Egress).unwrap_or_default();
        for (index, rule) in rules.iter().enumerate() {
            for (position, peer) in rule.peers.iter().enumerate() {
                let Some(service) = single(peer).and_then(|address| with_address(cluster, address)) else { continue };
                if is_also_meant(one, service, cluster, rules) {
                    continue;
                }
                let place = one.peer_place(Direction::Egress, index, position);
                found.push(of_service(one, service, place, cluster));
            }
        }
    }
}

fn of_service(one: &One<'_>, service: &Service, place: Option<Span>, cluster: &Cluster) -> Diagnostic {
    let message = format!(
        "a block of {} is the clusterIP of the Service `{}/{}`: it becomes the address of an endpoint, with the port of that, \
         before most CNIs ask policies",
        one.shown(),
        service.namespace,
        service.name
    );
    let found = with_place(at(Code::W0236, place, message), service.span, "this Service");
    found.with_help(match service.is_api_server() {
        true => {
            let known = cluster.api_server().to_nets();
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            let shown = match known.is_empty() {
                true => "`kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes` shows them"
                    .to_owned(),
                false => format!("they are {}", known.join(", ")),
            };
            let port = service.ports.first().map(|port| match &port.target {
                TargetPort::Number(number) => *number,
                TargetPort::Named(_) => 6443,
            });
            format!("add the addresses of the endpoints with {}/TCP: {shown}", port.unwrap_or(6443))
        }
        false => "select the pods behind it by their labels, with the port that they listen on".to_owned(),
    })
}

fn as_source(one: &One<'_>, service: &Service, place: Option<Span>) -> Diagnostic {
    let message = format!(
        "a block in `from` of {} is the clusterIP of the Service `{}/{}`: nothing connects from there, only to it",
        one.shown(),
        service.namespace,
        service.name
    );
    let found = with_place(at(Code::W0236, place, message), service.span, "this Service");
    found.with_help(match service.is_api_server() {
        true => "the API server connects from its own addresses, those of the nodes of the control plane",
        false => "select the pods that connect by their labels, with `podSelector` and `namespaceSelector`",
    })
}

fn single(peer: &Peer) -> Option<IpAddr> {
    let Peer::Block(IpBlock { cidr, .. }) = peer else { return None };
    (cidr.prefix_len() == cidr.max_prefix_len()).then(|| cidr.addr())
}

fn with_address(cluster: &Cluster, address: IpAddr) -> Option<&Service> {
    cluster.services.iter().find(|service| service.cluster_ips.contains(&address))
}

/// Whether a policy also names what is behind a Service, so that it is right whenever a CNI judges.
fn is_also_meant(one: &One<'_>, service: &Service, cluster: &Cluster, rules: &[Rule]) -> bool {
    let peers = || rules.iter().flat_map(|rule| &rule.peers);
    if !service.is_api_server() {
        let pods = cluster.workloads.iter().filter(|one| one.namespace == service.namespace).flat_map(|one| &one.pods);
        let behind: Vec<&Pods> = pods.filter(|pods| service.selects(&pods.labels)).collect();
        let name = Labels::from([(NAMESPACE_NAME.to_owned(), service.namespace.to_string())]);
        let is_there = |namespaces: &Option<Selector>| match namespaces {
            Some(selector) => selector.matches(&name),
            None => one.policy.namespace == service.namespace,
        };
        return peers().any(|peer| match peer {
            Peer::Pods { namespaces, pods } => {
                is_there(namespaces) && behind.iter().any(|one| pods.matches(&one.labels))
            }
            Peer::Block(_) | Peer::Unlisted(_) => false,
        });
    }
    // Other addresses are hardly ever there for anything but its endpoints, unless they are those of Services, too.
    let is_endpoint = |peer: &Peer| match peer {
        Peer::Block(_) => single(peer).is_none_or(|address| with_address(cluster, address).is_none()),
        Peer::Pods { .. } | Peer::Unlisted(_) => false,
    };
    peers().any(is_endpoint) || rules.iter().any(|rule| rule.peers.is_empty())
}
