//! Ports of rules against the ports of the pods that run.

use super::runs::{Found, Runs};
use super::{One, at};
use crate::diag::{Code, Diagnostic, closest};
use crate::lint::near::{listed, with_place};
use crate::net::{Direction, Protocol};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use crate::source::Span;
use std::collections::BTreeSet;

pub(super) fn check(all: &[One<'_>], runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    for one in all {
        for (direction, index, rule) in one.all_rules() {
            found.extend(names_of_addresses(one, direction, index, rule));
            let Some(pods) = destinations(one, direction, rule, runs) else { continue };
            for (position, port) in rule.ports.iter().enumerate() {
                let place = one.port_place(direction, index, position);
                found.extend(match &port.target {
                    PortTarget::Every => None,
                    PortTarget::Number(number) => numbers(one, &pods, port.protocol, (*number, *number), place, runs),
                    PortTarget::Range(low, high) => numbers(one, &pods, port.protocol, (*low, *high), place, runs),
                    PortTarget::Named(name) => named(one, &pods, port.protocol, name, place),
                });
            }
        }
    }
}

/// The pods that a rule is about connections to; `None` when they are not all known, or are none.
fn destinations<'a>(one: &One<'_>, direction: Direction, rule: &Rule, runs: &Runs<'a>) -> Option<Vec<Found<'a>>> {
    let matched = match direction {
        Direction::Ingress => vec![runs.subject(one)],
        Direction::Egress => rule.peers.iter().map(|peer| runs.peer(one, peer)).collect::<Option<_>>()?,
    };
    if !matched.iter().all(|matched| matched.sure) {
        return None;
    }
    let pods = matched.into_iter().flat_map(|matched| matched.pods).filter(|(_, pods)| !pods.host_network);
    let pods: Vec<Found<'a>> = pods.collect();
    (!pods.is_empty()).then_some(pods)
}

/// W0219: numbers that no container lists. Containers need not list their ports, so where some pods list none only the
/// port of a Service is a sure sign.
fn numbers(
    one: &One<'_>,
    pods: &[Found<'_>],
    protocol: Protocol,
    (low, high): (u16, u16),
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Option<Diagnostic> {
    let lists = |(_, pods): &Found<'_>| {
        pods.ports.iter().any(|port| port.protocol == protocol && (low..=high).contains(&port.number))
    };
    if pods.iter().any(lists) {
        return None;
    }
    let word = protocol.as_str();
    let service = (low == high).then(|| runs.cluster.service_port(pods, protocol, low)).flatten();
    if let Some((service, target)) = service {
        let message = format!(
            "{low}/{word} in {} is the port of the Service `{}/{}`; its pods listen on {target}/{word}, and that is \
             what \
             policies see",
            one.shown(),
            service.namespace,
            service.name
        );
        let found = with_place(at(Code::W0219, place, message), service.span, "this Service translates it");
        return Some(found.with_help(format!("write `port: {target}`")));
    }
    if pods.iter().any(|(_, pods)| pods.ports.is_empty()) {
        return None;
    }
    let range = if low == high { low.to_string() } else { format!("{low}-{high}") };
    let mut names: Vec<String> = pods.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    let message =
        format!("no container of {} lists {range}/{word}, which {} allows", listed(names.into_iter()), one.shown());
    let all: BTreeSet<(u16, &str)> =
        pods.iter().flat_map(|(_, pods)| &pods.ports).map(|port| (port.number, port.protocol.as_str())).collect();
    let listed_ports = listed(all.into_iter().map(|(number, word)| format!("{number}/{word}")));
    let span = pods.first().and_then(|(workload, pods)| pods.span.or(workload.span));
    let found = with_place(at(Code::W0219, place, message), span, "its containers");
    Some(found.with_help(format!("they list {listed_ports}")))
}

/// W0220: names towards addresses, whose container ports nobody knows.
fn names_of_addresses(one: &One<'_>, direction: Direction, index: usize, rule: &Rule) -> Option<Diagnostic> {
    let outside = !rule.peers.is_empty() && rule.peers.iter().all(|peer| matches!(peer, Peer::Block(_)));
    if direction == Direction::Ingress || !outside {
        return None;
    }
    let named = |port: &Port| match &port.target {
        PortTarget::Named(name) => Some(name.clone()),
        _ => None,
    };
    let (position, name) = rule.ports.iter().enumerate().find_map(|(at, port)| Some((at, named(port)?)))?;
    let message = format!(
        "the port `{name}` in {} allows nothing: addresses have no ports with names, only pods have",
        one.shown()
    );
    Some(at(Code::W0220, one.port_place(direction, index, position), message).with_help("write the number of the port"))
}

/// W0220: names that no container has, or that are several numbers.
fn named(one: &One<'_>, pods: &[Found<'_>], protocol: Protocol, name: &str, place: Option<Span>) -> Option<Diagnostic> {
    let ports = || pods.iter().flat_map(|(_, pods)| &pods.ports);
    let with_name = || ports().filter(|port| port.name.as_deref() == Some(name));
    let word = protocol.as_str();
    let numbers: BTreeSet<u16> = with_name().filter(|port| port.protocol == protocol).map(|port| port.number).collect();
    let span = pods.first().and_then(|(workload, pods)| pods.span.or(workload.span));
    let mut names: Vec<String> = pods.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    let names = listed(names.into_iter());
    match numbers.len() {
        0 => {
            let message = format!(
                "no container of {names} has a {word} port named `{name}`, so {} allows nothing by it",
                one.shown()
            );
            let found = with_place(at(Code::W0220, place, message), span, "its containers");
            let known: BTreeSet<&str> = ports().filter_map(|port| port.name.as_deref()).collect();
            Some(match (with_name().next(), closest(name, known.into_iter())) {
                (Some(port), _) => found.with_help(format!(
                    "the port of that name is {}: write `protocol: {}`",
                    port.protocol.as_str(),
                    port.protocol.as_str()
                )),
                (None, Some(near)) => found.with_help(format!("did you mean `port: {near}`?")),
                (None, None) => found.with_help("write the number of the port"),
            })
        }
        1 => None,
        _ => {
            let all = listed(numbers.iter().map(ToString::to_string));
            let message = format!(
                "the port `{name}` in {} is {all} among the pods it is for: not every CNI tells them apart",
                one.shown()
            );
            let found = with_place(at(Code::W0220, place, message), span, "some of the containers");
            Some(found.with_help("write the numbers, each in a rule for the pods that have it"))
        }
    }
}
