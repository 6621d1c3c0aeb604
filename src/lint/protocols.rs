//! Ports whose protocol was left to Kubernetes.

use super::ports::destinations;
use super::runs::{Found, Runs};
use super::{One, at};
use crate::diag::{Code, Diagnostic, How};
use crate::net::{Direction, Protocol};
use crate::netpol::{Port, PortTarget, Rule};
use crate::source::Span;
use std::collections::BTreeSet;

/// Numbers that are mostly for UDP: DNS, DHCP, TFTP, NTP, SNMP, IKE, syslog, RADIUS, STUN, statsd, VXLAN and its like,
/// WireGuard (IANA's registry of service names).
const MOSTLY_UDP: [u16; 23] = [
    53, 67, 68, 69, 123, 161, 162, 500, 514, 1194, 1812, 1813, 3478, 4500, 4789, 5060, 5353, 6081, 8125, 8472, 51820,
    51821, 6343,
];

/// Words in the names of such ports.
const NAMES_OF_UDP: [&str; 12] =
    ["udp", "dns", "ntp", "snmp", "tftp", "syslog", "radius", "stun", "statsd", "vxlan", "geneve", "wireguard"];

/// W0205: ports that are TCP because nothing else was said. `runs` is what runs, where that is known.
pub(super) fn check(all: &[One<'_>], runs: Option<&Runs<'_>>, found: &mut Vec<Diagnostic>) {
    for one in all {
        let mut usual: Vec<Option<Span>> = Vec::new();
        for (direction, index, rule) in one.all_rules() {
            let pods = runs.and_then(|runs| destinations(one, direction, rule, runs)).unwrap_or_default();
            let written = one.written.rules(direction).rules.get(index);
            for (position, port) in rule.ports.iter().enumerate() {
                if written.and_then(|written| written.ports.get(position)).is_none_or(|written| written.protocol) {
                    continue;
                }
                let place = one.port_place(direction, index, position);
                match likely(one, direction, port, &pods) {
                    Some(other) => found.push(tell(one, rule, port, other, place)),
                    None => usual.push(place),
                }
            }
        }
        found.extend(left_out(one, &usual));
    }
}

/// Whether it is told of a port of a rule that its protocol is missing, and another one likely.
pub(super) fn is_told(one: &One<'_>, direction: Direction, rule: usize, position: usize, pods: &[Found<'_>]) -> bool {
    let written = one.written.rules(direction).rules.get(rule).and_then(|rule| rule.ports.get(position));
    let port = one.rules(direction).and_then(|rules| rules.get(rule)?.ports.get(position));
    written.is_some_and(|written| !written.protocol)
        && port.is_some_and(|port| likely(one, direction, port, pods).is_some())
}

/// Another protocol than TCP that a port is likely for, and why.
struct Likely {
    protocol: Protocol,
    why: String,
    /// Whether that is sure, so that there is nothing to choose.
    is_sure: bool,
}

fn likely(one: &One<'_>, direction: Direction, port: &Port, pods: &[Found<'_>]) -> Option<Likely> {
    let listed: BTreeSet<Protocol> = protocols_of(&port.target, pods);
    if listed.contains(&Protocol::Tcp) {
        return None;
    }
    if let Some(protocol) = listed.first() {
        let (workload, _) = pods.first()?;
        let why = format!("the containers of `{workload}` list it for {}", protocol.as_str());
        return Some(Likely { protocol: *protocol, why, is_sure: listed.len() == 1 });
    }
    let says_udp = |name: &str| name.split('-').any(|word| NAMES_OF_UDP.contains(&word));
    let mostly = match &port.target {
        PortTarget::Number(number) => MOSTLY_UDP.contains(number),
        PortTarget::Named(name) => says_udp(name) && !name.contains("tcp"),
        PortTarget::Range(..) | PortTarget::Every => false,
    };
    // Who has written UDP for it, too, has thought of the protocols.
    let rules = one.rules(direction).unwrap_or_default().iter();
    let mut same = rules.flat_map(|rule| &rule.ports).filter(|other| other.target == port.target);
    let why = "most who use it mean UDP".to_owned();
    let is_alone = mostly && !same.any(|other| other.protocol == Protocol::Udp);
    is_alone.then_some(Likely { protocol: Protocol::Udp, why, is_sure: false })
}

/// The protocols for which containers list a port.
fn protocols_of(target: &PortTarget, pods: &[Found<'_>]) -> BTreeSet<Protocol> {
    let ports = pods.iter().flat_map(|(_, pods)| &pods.ports);
    let is_it = |port: &&crate::cluster::ContainerPort| match target {
        PortTarget::Number(number) => port.number == *number,
        PortTarget::Range(low, high) => (low..=high).contains(&&port.number),
        PortTarget::Named(name) => port.name.as_ref() == Some(name),
        PortTarget::Every => false,
    };
    ports.filter(is_it).map(|port| port.protocol).collect()
}

fn shown(target: &PortTarget) -> String {
    match target {
        PortTarget::Number(number) => number.to_string(),
        PortTarget::Range(low, high) => format!("{low}-{high}"),
        PortTarget::Named(name) => format!("`{name}`"),
        PortTarget::Every => "every port".to_owned(),
    }
}

fn tell(one: &One<'_>, rule: &Rule, port: &Port, likely: Likely, place: Option<Span>) -> Diagnostic {
    let (number, word) = (shown(&port.target), likely.protocol.as_str());
    let message = format!(
        "the port {number} of {} has no `protocol`, so Kubernetes takes it for TCP, and {}",
        one.shown(),
        likely.why
    );
    let is_dns = super::dns::is_only_dns(rule);
    let more = if is_dns { ", and TCP in another item: long answers come over it" } else { "" };
    let found = at(Code::W0205, place, message).with_help(format!("write `protocol: {word}`{more}"));
    match place.filter(|_| likely.is_sure) {
        Some(place) => found.with_mend_as(How::Entry, place, format!("protocol: {word}")),
        None => found,
    }
}

/// The ports of a policy that are left to the default.
fn left_out(one: &One<'_>, places: &[Option<Span>]) -> Option<Diagnostic> {
    let (first, rest) = places.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        1 => ", and neither has another".to_owned(),
        more => format!(", and neither have {more} others"),
    };
    let message = format!("a port of {} has no `protocol`{more}: Kubernetes takes it for TCP", one.shown());
    let help = format!("write `protocol: {}`, or the one that is meant", Protocol::Tcp.as_str());
    Some(at(Code::W0205, *first, message).with_help(help).as_note())
}
