//! What the network policy agent of AWS does in its own way (`pkg/fwruleprocessor` of aws/aws-network-policy-agent): it keeps
//! an entry for each block, and the longest prefix that an address is in decides.

use super::One;
use super::atoms::{Atom, Side};
use super::except::same_pods;
use super::near::{text, with_place};
use super::plugin::said;
use super::runs::{Found, Runs};
use crate::cluster::Service;
use crate::diag::Diagnostic;
use crate::model::{ChosenCni, CniTrigger};
use crate::net::{AddressSet, Direction, Selector};
use crate::netpol::Peer;
use ipnet::IpNet;
use std::collections::BTreeSet;

/// W0232: an exception becomes an entry that denies everything, for all policies of the pods together, unless a rule names
/// just that block. So what another rule allows by a wider one is lost.
pub(super) fn exceptions(side: &Side<'_>, cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    for atom in &side.atoms {
        let Some(Peer::Block(block)) = atom.written_peer() else { continue };
        for except in &block.except {
            if !told.insert((atom.policy, atom.rule, atom.peer, *except)) {
                continue;
            }
            let others = || side.atoms.iter().filter(|other| same_pods(atom, other));
            if others().any(|other| names(other, *except)) {
                continue;
            }
            let Some(other) = others().find(|other| is_wider(other, *except)) else { continue };
            let (Some(one), Some(opener)) = (side.group.get(atom.policy), side.group.get(other.policy)) else {
                continue;
            };
            let by = match (other.policy == atom.policy, other.peer.is_some()) {
                (true, true) => "another rule of it".to_owned(),
                (true, false) => "another rule of it, for everyone,".to_owned(),
                (false, _) => format!("a rule of {}", opener.shown()),
            };
            let what = format!("{} excepts {except}, and {by} allows it and is overruled", one.shown());
            let place = atom.peer.and_then(|peer| one.peer_place(side.direction, atom.rule, peer));
            let opened = other.peer.map_or_else(
                || opener.rule_place(side.direction, other.rule),
                |peer| opener.peer_place(side.direction, other.rule, peer),
            );
            let Some(diagnostic) = said(cni, CniTrigger::ExceptionAllowedElsewhere, place, &what) else { continue };
            let diagnostic = match opened {
                Some(opened) => diagnostic.with_label(opened, "allowed here"),
                None => diagnostic,
            };
            found.push(diagnostic.with_help(format!(
                "a block that a rule names is judged by that rule: allow `ipBlock: {{cidr: {except}}}` by itself, on the \
                 ports that are meant"
            )));
        }
    }
}

/// Whether an atom names just this block.
fn names(other: &Atom<'_>, except: IpNet) -> bool {
    matches!(other.written_peer(), Some(Peer::Block(block)) if block.cidr == except)
}

/// Whether an atom allows some of an exception by a wider block, or to everybody.
fn is_wider(other: &Atom<'_>, except: IpNet) -> bool {
    match other.written_peer() {
        None => true,
        Some(Peer::Block(block)) => {
            block.cidr.contains(&except) && block.addresses().overlaps(&AddressSet::from_net(except))
        }
        Some(Peer::Pods { .. } | Peer::Unlisted(_)) => false,
    }
}

/// W0232: peers with labels by which no Service of their pods selects. Egress is judged before the address of a Service becomes
/// that of a pod, and the controller finds the Services of a peer by taking their selector for the labels of a pod
/// (`pkg/resolvers` of aws/amazon-network-policy-controller-k8s).
pub(super) fn services(all: &[One<'_>], runs: &Runs<'_>, cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    for one in all {
        for (index, rule) in one.rules(Direction::Egress).unwrap_or_default().iter().enumerate() {
            for (position, peer) in rule.peers.iter().enumerate() {
                let Peer::Pods { pods, .. } = peer else { continue };
                let Some(service) = missed(one, peer, pods, runs) else { continue };
                let selector = service.selector.clone().unwrap_or_default();
                let what = format!(
                    "a peer of {} does not match {}, by which the Service `{}/{}` selects, so only the addresses of the pods \
                     are open",
                    one.shown(),
                    text(&selector),
                    service.namespace,
                    service.name
                );
                let place = one.peer_place(Direction::Egress, index, position);
                let diagnostic = said(cni, CniTrigger::LabelsBesideService, place, &what);
                found.extend(diagnostic.map(|found| with_place(found, service.span, "this Service")));
            }
        }
    }
}

/// A Service of pods of a peer that the peer does not match, where it matches none of their other Services.
fn missed<'a>(one: &One<'_>, peer: &Peer, pods: &Selector, runs: &Runs<'a>) -> Option<&'a Service> {
    let matched = runs.peer(one, peer)?;
    let is_of = |service: &&Service| {
        let leads =
            |(workload, pods): &Found<'_>| workload.namespace == service.namespace && service.selects(&pods.labels);
        !service.headless && matched.pods.iter().any(leads)
    };
    let services: Vec<&'a Service> = runs.cluster.services.iter().filter(is_of).collect();
    let is_found = |service: &&&Service| service.selector.as_ref().is_some_and(|labels| pods.matches(labels));
    if services.iter().any(|service| is_found(&service)) {
        return None;
    }
    services.first().copied()
}
