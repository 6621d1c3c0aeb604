//! What the network plugin cannot do, or does in its own way: see the table of [`crate::model::CNI_DIFFERENCES`].

use super::runs::Runs;
use super::{One, at};
use crate::diag::{Code, Diagnostic};
use crate::model::{ChosenCni, CniTrigger, is_seen_label};
use crate::net::{AddressSet, BlocksMatch, Direction, Protocol, Requirement, Selector, Truth};
use crate::netpol::{Peer, Policy, Port, PortTarget, Rule};
use crate::plugin;
use crate::source::Span;
use ipnet::IpNet;
use std::collections::BTreeSet;

/// What the CNI reads otherwise of one policy.
pub(super) fn check(one: &One<'_>, cni: ChosenCni, runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    if cni.cni.is_not_said() {
        return;
    }
    let mut told = BTreeSet::new();
    for (direction, rule, written) in one.all_rules() {
        for (index, port) in written.ports.iter().enumerate() {
            for (trigger, what) in asked(direction, port, runs) {
                if cni.difference(trigger).is_some() && told.insert(trigger) {
                    let what = format!("{what} of {}", one.shown());
                    found.extend(said(cni, trigger, one.port_place(direction, rule, index), &what));
                }
            }
        }
    }
    number_beside_protocol(one, cni, found);
    labels(one, cni, found);
    rules(one, cni, found);
}

/// What is to be said where a thing is met, if anything is.
pub(super) fn said(cni: ChosenCni, trigger: CniTrigger, place: Option<Span>, what: &str) -> Option<Diagnostic> {
    cni.difference(trigger)?.in_manifests(&cni.text(), place, what)
}

/// What a port asks of a CNI.
fn asked(direction: Direction, port: &Port, runs: &Runs<'_>) -> Vec<(CniTrigger, String)> {
    let protocol = port.protocol.as_str();
    let (of_target, shown) = match &port.target {
        PortTarget::Named(name) => {
            let what = format!("the named port `{name}`");
            // Of its own pods a CNI knows the ports of each.
            let is_sure = direction == Direction::Ingress || is_one_number(name, port, runs);
            let several = (!is_sure).then(|| (CniTrigger::NamedPortOfSeveralNumbers, what.clone()));
            ([Some((CniTrigger::NamedPort, what)), several], name.to_string())
        }
        PortTarget::Range(low, high) => {
            ([Some((CniTrigger::PortRange, format!("the range `{low}-{high}`"))), None], format!("{low}-{high}"))
        }
        PortTarget::Number(number) => ([None, None], number.to_string()),
        PortTarget::Every => ([None, None], "*".to_owned()),
    };
    let of_protocol =
        (port.protocol == Protocol::Sctp).then(|| (CniTrigger::SctpPort, format!("`{shown}/{protocol}`")));
    of_target.into_iter().flatten().chain(of_protocol).collect()
}

/// Whether some pods that were given have a port of this name, and it is the same number in all of them.
fn is_one_number(name: &str, port: &Port, runs: &Runs<'_>) -> bool {
    let pods = runs.cluster.workloads.iter().flat_map(|workload| &workload.pods);
    let ports = pods.flat_map(|pods| &pods.ports);
    let named = ports.filter(|one| one.protocol == port.protocol && one.name.as_deref() == Some(name));
    named.map(|one| one.number).collect::<BTreeSet<u16>>().len() == 1
}

/// A rule that lists a whole protocol and a number of it.
fn number_beside_protocol(one: &One<'_>, cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let is_both = |rule: &Rule, port: &Port| {
        let same = |other: &&Port| other.protocol == port.protocol && other.target == PortTarget::Every;
        port.target != PortTarget::Every && rule.ports.iter().any(|other| same(&other))
    };
    for (direction, index, rule) in one.all_rules() {
        let Some(port) = rule.ports.iter().position(|port| is_both(rule, port)) else { continue };
        let place = one.port_place(direction, index, port);
        let what = format!("{} keeps the rest of the protocol closed", one.shown());
        found.extend(said(cni, CniTrigger::NumberBesideProtocol, place, &what));
    }
}

/// Labels that the CNI does not know or see.
fn labels(one: &One<'_>, cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let selectors = || {
        let subject = one.written.subject.or(one.name);
        let of_peers = one.all_rules().flat_map(|(direction, rule, written)| {
            let peers = written.peers.iter().enumerate();
            peers.filter_map(move |(index, peer)| match peer {
                Peer::Pods { namespaces, pods } => {
                    Some((namespaces.as_ref(), pods, one.pods_place(direction, rule, index)))
                }
                Peer::Block(_) | Peer::Unlisted(_) => None,
            })
        });
        [(None, &one.policy.subject, subject)].into_iter().chain(of_peers)
    };
    let is_one = |(namespaces, pods, _): &(Option<&Selector>, &Selector, Option<Span>)| {
        namespaces.iter().copied().chain([*pods]).any(is_negative)
    };
    if let Some((_, _, place)) = selectors().find(is_one) {
        found.extend(said(cni, CniTrigger::NegativeLabel, place, &one.shown()));
    }
    let mut told = BTreeSet::new();
    for (_, pods, place) in selectors() {
        for requirement in pods.each_requirement() {
            let (trigger, key) = match requirement {
                Requirement::NotIn(key, _) | Requirement::DoesNotExist(key) => (CniTrigger::UnseenLabelLacking, key),
                Requirement::Equals(key, _) | Requirement::In(key, _) | Requirement::Exists(key) => {
                    (CniTrigger::UnseenLabelAsked, key)
                }
            };
            if !is_seen_label(key, cni.known_version()) && told.insert((trigger, key)) {
                let what = format!("the label `{key}` in {}", one.shown());
                found.extend(said(cni, trigger, place, &what));
            }
        }
    }
}

/// What the CNI keeps too little room for.
fn limits(all: &[One<'_>], cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let policies: Vec<&Policy> = all.iter().map(|one| one.policy).collect();
    if cni.difference(CniTrigger::PortsOfBlock).is_some() {
        for block in plugin::crowded_blocks(&policies) {
            let Some(one) = all.get(block.policy) else { continue };
            let what = format!("the pods of {} have {} for {}", one.shown(), block.ports, block.cidr);
            let place = one.peer_place(block.direction, block.rule, block.peer);
            found.extend(said(cni, CniTrigger::PortsOfBlock, place, &what));
        }
    }
    if cni.difference(CniTrigger::ManyBlocks).is_some() {
        for (policy, direction, rule, count) in plugin::long_rules(policies.iter().copied()) {
            let Some(one) = all.get(policy) else { continue };
            let what = format!("one of {} has {count}", one.shown());
            found.extend(said(cni, CniTrigger::ManyBlocks, one.rule_place(direction, rule), &what));
        }
    }
    let laws: [(CniTrigger, plugin::PodLimit, &str); 2] = [
        (CniTrigger::EntriesOfPod, plugin::large_maps, "may come to about"),
        (CniTrigger::PoliciesOfPod, plugin::many_policies, "have"),
    ];
    for (trigger, law, have) in laws.into_iter().filter(|(trigger, ..)| cni.difference(*trigger).is_some()) {
        for (place, count) in law(&policies) {
            let Some(one) = all.get(place) else { continue };
            let what = format!("the pods of {} {have} {count}", one.shown());
            found.extend(said(cni, trigger, one.name, &what));
        }
    }
}

/// Whether a selector asks for labels that have to be absent or to have another value.
fn is_negative(selector: &Selector) -> bool {
    selector.each_requirement().any(|one| matches!(one, Requirement::NotIn(..) | Requirement::DoesNotExist(_)))
}

/// Blocks that the CNI does not know, or not beside others.
fn rules(one: &One<'_>, cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    let mut is_told = false;
    for (direction, index, rule) in one.all_rules() {
        let has_exceptions = |peer: &Peer| matches!(peer, Peer::Block(block) if !block.except.is_empty());
        let Some(except) = rule.peers.iter().position(has_exceptions) else { continue };
        let place = one.peer_place(direction, index, except);
        if rule.peers.iter().any(|peer| matches!(peer, Peer::Pods { .. })) {
            let what = format!("a rule of {} has both", one.shown());
            found.extend(said(cni, CniTrigger::PodsBesideException, place, &what));
        }
        if !std::mem::replace(&mut is_told, true) {
            found.extend(said(cni, CniTrigger::BlockException, place, &one.shown()));
        }
    }
}

/// What is so of any policy, at the name of one.
pub(super) fn of_any(cni: ChosenCni, name: Option<Span>) -> Vec<Diagnostic> {
    if cni.cni.is_not_said() {
        return Vec::new();
    }
    let triggers = [CniTrigger::EveryPolicy, CniTrigger::Always].into_iter();
    let rows = triggers.flat_map(|trigger| cni.cni.differences(cni.version, trigger));
    rows.filter_map(|row| row.in_manifests(&cni.text(), name, "")).collect()
}

/// What the CNI reads otherwise of all policies together.
pub(super) fn check_all(all: &[One<'_>], cni: ChosenCni, found: &mut Vec<Diagnostic>) {
    if cni.cni.is_not_said() {
        return;
    }
    limits(all, cni, found);
    if let Some(row) = cni.difference(CniTrigger::NamesAlike) {
        for (one, other) in plugin::names_alike(all.iter().map(|one| one.policy)) {
            let (Some(one), Some(other)) = (all.get(one), all.get(other)) else { continue };
            let what = format!("{} and {}", one.shown(), other.shown());
            let diagnostic = row.in_manifests(&cni.text(), other.name, &what);
            found.extend(diagnostic.map(|diagnostic| match one.name {
                Some(place) => diagnostic.with_label(place, "the other one"),
                None => diagnostic,
            }));
        }
    }
}

/// W0228: blocks that are about pods whose addresses are known.
pub(super) fn check_addresses(all: &[One<'_>], runs: &Runs<'_>, matches: BlocksMatch, found: &mut Vec<Diagnostic>) {
    let pods =
        runs.cluster.workloads.iter().flat_map(|workload| workload.pods.iter().map(move |pods| (workload, pods)));
    let pods: Vec<_> =
        pods.filter(|(_, pods)| !pods.host_network && !pods.finished && !pods.addresses.is_empty()).collect();
    let addresses = pods.iter().flat_map(|(_, pods)| pods.addresses.iter().flatten());
    let of_pods = AddressSet::from_nets(addresses.map(|address| IpNet::from(*address)));
    for one in all {
        for (direction, rule, written) in one.all_rules() {
            for (index, peer) in written.peers.iter().enumerate() {
                let Peer::Block(block) = peer else { continue };
                let single = block.cidr.prefix_len() == block.cidr.max_prefix_len();
                // Of every address nobody says that pods are meant, and where a block is of pods it is right as long as
                // it holds all that a pod may get.
                if block.cidr.prefix_len() == 0 || (matches.pods == Truth::Yes && !single) {
                    continue;
                }
                let addresses = block.addresses();
                if !addresses.overlaps(&of_pods) {
                    continue;
                }
                let is_in = |(_, pods): &&(_, &crate::cluster::Pods)| {
                    pods.addresses.iter().flatten().any(|address| addresses.has(*address))
                };
                let Some((workload, _)) = pods.iter().find(is_in) else { continue };
                let why = match single {
                    true => "it gets another address when it starts again",
                    false => "some CNIs match pods by their addresses, and others, such as Cilium, never do",
                };
                let message =
                    format!("{} in {} is where pods are, `{workload}` for one: {why}", block.cidr, one.shown());
                let found_here = at(Code::W0228, one.peer_place(direction, rule, index), message);
                found.push(found_here.with_help(
                    "select pods by their labels, with `podSelector` and `namespaceSelector`; for addresses outside \
                     only, \
                     take those of the pods out with `except`",
                ));
            }
        }
    }
}
