//! Rules that somebody wrote for the replies.

use super::{One, at};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, Protocol, Selector};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use rustc_hash::FxHashMap;

/// The ports from which connections are made are between 32768 and 60999 on Linux (`net.ipv4.ip_local_port_range`), and
/// from 49152 on elsewhere (RFC 6335, section 6).
const OF_CLIENTS: (u16, u16) = (49152, 60999);

/// Below it, ports belong to programs that are asked.
const LOWEST: u16 = 1024;

/// So many rules for the same pods and peers are looked at.
const MOST_ALIKE: usize = 500;

/// W0234: ports of clients towards those that a policy lets through in the other direction.
pub(super) fn check(group: &[One<'_>], found: &mut Vec<Diagnostic>) {
    let known = RulesOfPods::new(group);
    let rules =
        group.iter().flat_map(|one| one.all_rules().map(move |(direction, index, rule)| (one, direction, index, rule)));
    for (one, direction, index, rule) in rules {
        let Some(port) = replies(&known, one, direction, rule) else { continue };
        let (whom, opened) = match direction {
            Direction::Egress => {
                ("those who may connect to these pods", "lets these pods open connections of their own")
            }
            Direction::Ingress => ("what these pods may connect to", "lets others open connections of their own"),
        };
        let message = format!(
            "this rule of {} looks as if it were for the replies to {whom}: replies need none, and it {opened}, to every \
             high port",
            one.shown()
        );
        let diagnostic = at(Code::W0234, one.port_place(direction, index, port), message);
        found.push(diagnostic.with_help("remove the rule: a policy is about who opens a connection"));
    }
}

/// The place of a port of clients in a rule, when the rule has no others and is for those that a policy of the same pods
/// lets through in the other direction.
pub(super) fn replies(known: &RulesOfPods<'_>, one: &One<'_>, direction: Direction, rule: &Rule) -> Option<usize> {
    if rule.ports.is_empty() || !rule.ports.iter().all(is_of_clients) {
        return None;
    }
    let is_back = |other: &Rule| {
        let all = rule.peers.iter().all(|peer| other.peers.contains(peer));
        all && rule.peers.is_empty() == other.peers.is_empty()
            && !other.ports.iter().any(is_of_clients)
            && rule.ports.iter().all(|port| may_be_asked(other, port.protocol))
    };
    known.of_others(one, direction.other(), rule).iter().any(|other| is_back(other)).then_some(0)
}

/// The rules of the policies of a namespace, by the pods that these select, and by the first peer.
pub(super) struct RulesOfPods<'a>(FxHashMap<(&'a Selector, Direction, Option<&'a Peer>), Vec<&'a Rule>>);

impl<'a> RulesOfPods<'a> {
    pub(super) fn new(group: &[One<'a>]) -> Self {
        let mut rules: FxHashMap<(&Selector, Direction, Option<&Peer>), Vec<&Rule>> = FxHashMap::default();
        for one in group {
            for (direction, _, rule) in one.all_rules() {
                let mut add = |peer| {
                    let known = rules.entry((&one.policy.subject, direction, peer)).or_default();
                    if known.len() < MOST_ALIKE && known.last().is_none_or(|last| *last != rule) {
                        known.push(rule);
                    }
                };
                match rule.peers.is_empty() {
                    true => add(None),
                    false => rule.peers.iter().for_each(|peer| add(Some(peer))),
                }
            }
        }
        RulesOfPods(rules)
    }

    /// Those of one direction of policies for the same pods, which have the first peer of a rule, or none as it has none.
    pub(super) fn of_others<'s>(&'s self, one: &'s One<'_>, direction: Direction, rule: &'s Rule) -> &'s [&'s Rule] {
        let found = self.0.get(&(&one.policy.subject, direction, rule.peers.first()));
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

/// Whether a rule lets somebody ask by a protocol. Voice and video go over high ports of UDP in both directions, and who
/// sends them is told the port by other means; what is asked over UDP and answered has a port of its own below those.
fn may_be_asked(rule: &Rule, protocol: Protocol) -> bool {
    let is_asked =
        |port: &Port| port.protocol == protocol && matches!(port.target, PortTarget::Number(number) if number < LOWEST);
    protocol != Protocol::Udp || rule.ports.iter().any(is_asked)
}

fn is_of_clients(port: &Port) -> bool {
    let (first, last) = OF_CLIENTS;
    let PortTarget::Range(low, high) = port.target else { return false };
    port.protocol != Protocol::Sctp && (LOWEST..=first).contains(&low) && high >= last
}
