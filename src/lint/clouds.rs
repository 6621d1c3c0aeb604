//! What the network plugins of clouds make of addresses: those of another family, of one side of a Service, and of DNS that is
//! no pod.

use super::plugin::said;
use super::{One, dns};
use crate::cluster::Cluster;
use crate::diag::Diagnostic;
use crate::model::{ChosenCni, CniTrigger};
use crate::net::{AddressSet, Direction, IpBlock};
use crate::netpol::{Peer, Rule};
use ipnet::IpNet;
use std::net::IpAddr;

/// What is told of the policies of one namespace.
pub(super) fn check(group: &[One<'_>], cni: ChosenCni, cluster: &Cluster, found: &mut Vec<Diagnostic>) {
    if cni.difference(CniTrigger::OtherFamily).is_some()
        && let Some(is_six) = family(cni, cluster)
    {
        own(group).for_each(|one| other_family(one, cni, is_six, found));
    }
    if cni.difference(CniTrigger::OneSideOfApiServer).is_some() {
        one_side_of_api_server(group, cni, cluster, found);
    }
    if cni.difference(CniTrigger::DnsByPods).is_some() {
        dns_by_pods(group, cni, found);
    }
}

/// The policies of a namespace of which something is told.
fn own<'g, 'a>(group: &'g [One<'a>]) -> impl Iterator<Item = &'g One<'a>> {
    group.iter().filter(|one| one.is_network_policy())
}

/// Whether the one family of addresses of a cluster is IPv6; `None` where it has both, or none is known.
fn family(cni: ChosenCni, cluster: &Cluster) -> Option<bool> {
    if cni.cni.has_only_ipv4() {
        return Some(false);
    }
    let pods = cluster.workloads.iter().flat_map(|workload| &workload.pods).flat_map(|pods| &pods.addresses).flatten();
    let services = cluster.services.iter().flat_map(|service| &service.cluster_ips);
    let mut families = pods.chain(services).map(IpAddr::is_ipv6);
    let first = families.next()?;
    families.all(|one| one == first).then_some(first)
}

/// Rules of nothing but blocks of the other family.
fn other_family(one: &One<'_>, cni: ChosenCni, is_six: bool, found: &mut Vec<Diagnostic>) {
    let is_other = |peer: &Peer| matches!(peer, Peer::Block(block) if block.cidr.addr().is_ipv6() != is_six);
    let (of, other) = if is_six { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
    for (direction, index, rule) in one.all_rules() {
        if !rule.peers.is_empty() && rule.peers.iter().all(is_other) {
            let what = format!("a rule of {}, of {other} in a cluster of {of},", one.shown());
            found.extend(said(cni, CniTrigger::OtherFamily, one.peer_place(direction, index, 0), &what));
        }
    }
}

/// The rules for egress of all policies of a namespace that select the pods of one of them.
fn egress_of<'a>(group: &'a [One<'a>], one: &One<'_>) -> impl Iterator<Item = &'a Rule> {
    let subject = one.policy.subject.clone();
    let all = group.iter().filter(move |other| other.policy.subject.contains(&subject));
    all.flat_map(|other| other.rules(Direction::Egress).unwrap_or_default())
}

/// Policies that open the ClusterIP of the API server or what is behind it, and not the other.
fn one_side_of_api_server(group: &[One<'_>], cni: ChosenCni, cluster: &Cluster, found: &mut Vec<Diagnostic>) {
    let Some(service) = cluster.services.iter().find(|service| service.is_api_server()) else { return };
    let of_service = AddressSet::from_nets(service.cluster_ips.iter().map(|address| IpNet::from(*address)));
    let behind = cluster.api_server();
    let both = of_service.union(&behind);
    if of_service == AddressSet::empty() || behind == AddressSet::empty() {
        return;
    }
    for one in own(group) {
        let rules = one.rules(Direction::Egress).unwrap_or_default().iter().enumerate();
        let mut peers = rules.flat_map(|(index, rule)| (0..).zip(&rule.peers).map(move |(at, peer)| (index, at, peer)));
        let is_meant = |peer: &Peer| matches!(peer, Peer::Block(block) if both.contains(&block.addresses()));
        let Some((rule, peer, _)) = peers.find(|(.., peer)| is_meant(peer)) else { continue };
        let is_for_all = egress_of(group, one).any(|rule| rule.peers.is_empty());
        let blocks: Vec<IpBlock> = egress_of(group, one)
            .flat_map(|rule| &rule.peers)
            .filter_map(|peer| match peer {
                Peer::Block(block) => Some(block.clone()),
                Peer::Pods { .. } | Peer::Unlisted(_) => None,
            })
            .collect();
        let opened = IpBlock::all_addresses(&blocks);
        let lacks = |side: &AddressSet| !opened.overlaps(side);
        let lacking = match (lacks(&of_service), lacks(&behind)) {
            (true, _) => format!("{} allows what is behind it, and not its ClusterIP", one.shown()),
            (_, true) => format!("{} allows its ClusterIP, and not what is behind it", one.shown()),
            (false, false) => continue,
        };
        if !is_for_all {
            let place = one.peer_place(Direction::Egress, rule, peer);
            found.extend(said(cni, CniTrigger::OneSideOfApiServer, place, &lacking));
        }
    }
}

/// Rules for DNS that only name pods, where no other one of the same pods names an address.
fn dns_by_pods(group: &[One<'_>], cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let is_for_names = |rule: &Rule| rule.ports.is_empty() || rule.ports.iter().any(dns::is_dns);
    let is_pods = |peer: &Peer| matches!(peer, Peer::Pods { .. });
    for one in own(group) {
        let rules = one.rules(Direction::Egress).unwrap_or_default();
        let by_pods = |rule: &Rule| dns::is_only_dns(rule) && !rule.peers.is_empty() && rule.peers.iter().all(is_pods);
        let Some(rule) = rules.iter().position(by_pods) else { continue };
        let is_open = |rule: &Rule| is_for_names(rule) && (rule.peers.is_empty() || !rule.peers.iter().all(is_pods));
        if !egress_of(group, one).any(is_open) {
            let what = format!("the pods of {}", one.shown());
            found.extend(said(cni, CniTrigger::DnsByPods, one.rule_place(Direction::Egress, rule), &what));
        }
    }
}
