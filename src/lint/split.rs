//! Rules of which two were probably meant to be one.

use super::runs::Runs;
use super::{One, at, peers_field};
use crate::diag::{Code, Diagnostic};
use crate::net::{AddressSet, Direction};
use crate::netpol::{Peer, Rule};
use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;

/// W0203: two neighbours in a list of rules, one of peers without ports and one of ports without peers: the `-` in front
/// of the second makes of "these peers on these ports" two rules that are far wider.
pub(super) fn check(one: &One<'_>, runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    for direction in Direction::ALL {
        let Some([first, second]) = split(one, direction, runs) else { continue };
        let (list, name) = (peers_field(direction), one.shown());
        let (those, everyone) = match direction {
            Direction::Ingress => ("those peers may connect on every port", "everyone on these ports"),
            Direction::Egress => {
                ("these pods may connect to those peers on every port", "to everything on these ports")
            }
        };
        let message = format!(
            "two rules of {name} look like one, `{list}` with its `ports`: they add up, so {those}, and {everyone}"
        );
        let diagnostic = at(Code::W0203, one.rule_place(direction, second), message);
        let diagnostic = match one.rule_place(direction, first) {
            Some(place) => diagnostic.with_label(place, "the other rule"),
            None => diagnostic,
        };
        found.push(diagnostic.with_help(format!(
            "for those peers on those ports alone make them one rule: remove the `-` in front of the second, so that \
             `{list}` and `ports` are keys of one item"
        )));
    }
}

/// Two neighbouring rules of a direction that are halves of one: one says who and on no port, the other on which ports and
/// not who.
pub(super) fn split(one: &One<'_>, direction: Direction, runs: &Runs<'_>) -> Option<[usize; 2]> {
    let rules: Vec<(usize, &Rule)> = one.rules(direction)?.iter().enumerate().collect();
    let is_whole = |rule: &Rule| super::dns::is_only_dns(rule) || (!rule.peers.is_empty() && !rule.ports.is_empty());
    // Beside rules that say who and on which ports. Where there are more of the others, somebody lists what each is for.
    let mut others = rules.iter().filter(|(_, rule)| !is_whole(rule));
    let ([(first, one_rule), (second, other)], true) = ([*others.next()?, *others.next()?], others.next().is_none())
    else {
        return None;
    };
    let written = |rule: usize| one.written.rules(direction).rules.get(rule);
    let is_who = |at: usize, rule: &Rule| {
        !rule.peers.is_empty()
            && written(at).is_some_and(|rule| rule.ports_place.is_none())
            && !rule.peers.iter().all(is_link_local)
    };
    let is_where = |at: usize, rule: &Rule| {
        !rule.ports.is_empty()
            && written(at).is_some_and(|rule| rule.peers_place.is_none())
            && !super::open::is_for_all_use(rule)
            && !super::callers::is_for_webhook(one, direction, rule, runs.cluster)
            && !super::open::is_by_mesh(rule)
            && !super::open::is_offered(one, direction, rule, runs)
    };
    // Beside all of one's own a port for everybody is often meant, unless it is one that nobody opens to everybody.
    let is_meant = |who: &Rule, ports: &Rule| {
        is_own_namespace(who, direction) && !ports.ports.iter().all(super::open::is_of_store)
    };
    let are = |who: usize, who_rule: &Rule, ports: usize, ports_rule: &Rule| {
        is_who(who, who_rule) && is_where(ports, ports_rule) && !is_meant(who_rule, ports_rule)
    };
    let halves = are(first, one_rule, second, other) || are(second, other, first, one_rule);
    (halves && first + 1 == second).then_some([first, second])
}

/// Whether a rule is for all of its own namespace, or lets in what belongs to it there.
fn is_own_namespace(rule: &Rule, direction: Direction) -> bool {
    let is_own = |peer: &Peer| matches!(peer, Peer::Pods { namespaces: None, .. });
    let is_all = |peer: &Peer| matches!(peer, Peer::Pods { namespaces: None, pods } if pods.is_everything());
    rule.peers.iter().any(is_all) || (direction == Direction::Ingress && rule.peers.iter().all(is_own))
}

/// Whether a peer is what a node alone has: the probes of the kubelet come from there under some meshes.
fn is_link_local(peer: &Peer) -> bool {
    let whole = AddressSet::from_net(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16)));
    matches!(peer, Peer::Block(block) if whole.contains(&block.addresses()))
}
