//! Egress on the ports that the pods themselves listen on.

use super::runs::Runs;
use super::{One, at};
use crate::cluster::Pods;
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, Protocol};
use crate::netpol::{Port, PortTarget, Rule};
use std::collections::BTreeSet;

/// Below it, ports belong to protocols that anybody may speak.
const LOWEST: u16 = 1024;

/// W0242: the ports of an egress rule are those of the destination.
pub(super) fn check(all: &[One<'_>], runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    for one in all {
        for (index, rule) in one.rules(Direction::Egress).unwrap_or_default().iter().enumerate() {
            if is_of_own_ports(one, rule, runs) {
                let message = format!(
                    "this rule of {} lists the ports that its pods listen on themselves: the ports of an egress rule are those \
                     of the destination",
                    one.shown()
                );
                let place = one.rule_place(Direction::Egress, index);
                // That it is for everybody follows.
                found.retain(|other| other.code != Code::W0207 || other.primary() != place);
                found.push(at(Code::W0242, place, message).with_help(
                    "list the ports that the pods connect to; replies to those who connect to them need no rule",
                ));
            }
        }
    }
}

/// Whether a rule for everybody has just the ports that a policy lets others in on, and its pods, and nobody else, listen on
/// them.
pub(super) fn is_of_own_ports(one: &One<'_>, rule: &Rule, runs: &Runs<'_>) -> bool {
    let Some(numbers) = numbers(rule) else { return false };
    let is_let_in = |other: &Rule| rule.ports.iter().all(|port| other.ports.contains(port));
    let listens =
        |pods: &Pods, wanted: &(Protocol, u16)| pods.ports.iter().any(|port| (port.protocol, port.number) == *wanted);
    let matched = runs.subject(one);
    let own = |wanted: &(Protocol, u16)| matched.pods.iter().any(|(_, pods)| listens(pods, wanted));
    // Replicas speak with each other.
    let is_own = |pods: &Pods| pods.count < 2 && matched.pods.iter().any(|(_, own)| std::ptr::eq(*own, pods));
    let others = || runs.cluster.workloads.iter().flat_map(|workload| &workload.pods).filter(|pods| !is_own(pods));
    rule.peers.is_empty()
        && one.rules(Direction::Ingress).unwrap_or_default().iter().any(is_let_in)
        && numbers.iter().all(own)
        && !others().any(|pods| numbers.iter().any(|wanted| listens(pods, wanted)))
}

/// The numbers of a rule; `None` where it has others than single ones that are a program's own.
fn numbers(rule: &Rule) -> Option<BTreeSet<(Protocol, u16)>> {
    let number = |port: &Port| match port.target {
        PortTarget::Number(number) if number >= LOWEST => Some((port.protocol, number)),
        PortTarget::Number(_) | PortTarget::Range(..) | PortTarget::Named(_) | PortTarget::Every => None,
    };
    let numbers: Option<BTreeSet<_>> = rule.ports.iter().map(number).collect();
    numbers.filter(|numbers| !numbers.is_empty())
}
