//! What was left out, or stands where it has no effect.

use super::{One, at, field, peers_field};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, Protocol};
use crate::netpol::Rule;

pub(super) fn check(one: &One<'_>, found: &mut Vec<Diagnostic>) {
    found.extend(types(one));
    found.extend(subject(one));
    found.extend(protocols(one));
    for direction in Direction::ALL {
        found.extend(unlisted(one, direction));
        found.extend(rules(one, direction));
        found.extend(nothing_allowed(one, direction));
    }
}

/// W0204: what Kubernetes takes a policy for that does not say it.
fn types(one: &One<'_>) -> Option<Diagnostic> {
    if one.written.types.is_some() {
        return None;
    }
    let [ingress, egress] = &one.written.directions;
    let has_egress = one.policy.egress.is_some();
    let (taken, list) = match (ingress.place, egress.place) {
        (None, Some(_)) if !has_egress => {
            ("takes it for ingress, which it denies; its empty `egress` denies nothing", "[Egress]")
        }
        (Some(_), Some(_)) if !has_egress => {
            ("takes it for ingress only, so its empty `egress` denies nothing", "[Ingress, Egress]")
        }
        (None, Some(_)) => ("isolates ingress too, and nothing may reach these pods any more", "[Egress]"),
        (Some(_), Some(_)) => ("takes it for both directions, because there are egress rules", "[Ingress, Egress]"),
        (_, None) if ingress.rules.is_empty() => {
            ("takes it for ingress only: it denies all ingress, and no egress", "[Ingress]")
        }
        (_, None) => ("takes it for ingress only", "[Ingress]"),
    };
    let message = format!("{} has no `policyTypes`: Kubernetes {taken}", one.shown());
    let found = at(Code::W0204, one.name, message).with_help(format!("write what is meant: `policyTypes: {list}`"));
    // Rules of their own say which directions are meant, and these are those that count.
    let is_plain = ingress.place.is_some() && egress.place.is_some() == has_egress;
    Some(if is_plain { found.as_note() } else { found })
}

/// W0226: a policy for a whole namespace by omission.
fn subject(one: &One<'_>) -> Option<Diagnostic> {
    let allows = one.all_rules().next().is_some();
    if one.written.subject.is_some() || !allows {
        return None;
    }
    let message = format!(
        "{} has no `podSelector`: it isolates every pod of namespace `{}`, and its rules hold for all of them",
        one.shown(),
        one.policy.namespace
    );
    Some(at(Code::W0226, one.name, message).with_help(
        "select the pods it is for: `podSelector: {matchLabels: {app: NAME}}`; `podSelector: {}` when they are all \
         meant",
    ))
}

/// W0205: ports that are TCP because nothing else was said.
fn protocols(one: &One<'_>) -> Option<Diagnostic> {
    let mut missing = Vec::new();
    for direction in Direction::ALL {
        if one.rules(direction).is_none() {
            continue;
        }
        for (index, rule) in one.written.rules(direction).rules.iter().enumerate() {
            let ports = rule.ports.iter().enumerate().filter(|(_, port)| !port.protocol);
            missing.extend(ports.map(|(port, _)| one.port_place(direction, index, port)));
        }
    }
    let (first, rest) = missing.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        1 => ", and neither has another".to_owned(),
        more => format!(", and neither have {more} others"),
    };
    let message = format!("a port of {} has no `protocol`{more}: Kubernetes takes it for TCP", one.shown());
    let found = at(Code::W0205, *first, message);
    let found = found.with_help(format!("write `protocol: {}`, or the one that is meant", Protocol::Tcp.as_str()));
    Some(found.as_note())
}

/// W0206: rules of a direction that `policyTypes` does not list.
fn unlisted(one: &One<'_>, direction: Direction) -> Option<Diagnostic> {
    let written = one.written.rules(direction);
    if one.rules(direction).is_some() || written.rules.is_empty() {
        return None;
    }
    let name = match direction {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    };
    let message = format!(
        "the {} rules of {} have no effect: `policyTypes` does not list `{name}`",
        field(direction),
        one.shown()
    );
    Some(at(Code::W0206, written.place.or(one.name), message).with_help(format!(
        "add `{name}` to `policyTypes`, which then denies all other {}, or remove the rules",
        field(direction)
    )))
}

/// W0207: rules that are for everyone.
fn rules(one: &One<'_>, direction: Direction) -> Vec<Diagnostic> {
    let (list, halves) = (peers_field(direction), super::split::split(one, direction));
    let open = |(index, rule): (usize, &Rule)| {
        if !rule.peers.is_empty() || super::dns::is_only_dns(rule) || halves.is_some_and(|two| two.contains(&index)) {
            return None;
        }
        let written = one.written.rules(direction).rules.get(index)?;
        let why = match written.peers_place {
            Some(_) => format!("an empty `{list}` is no list of nobody"),
            None => format!("there is no `{list}`"),
        };
        let what = match direction {
            Direction::Ingress => "everyone may connect, inside of the cluster and outside",
            Direction::Egress => "these pods may connect to everything, inside of the cluster and outside",
        };
        let ports = if rule.ports.is_empty() { "on every port" } else { "on these ports" };
        let message = format!("this rule of {} is for everyone: {why}, so {what}, {ports}", one.shown());
        let place = written.peers_place.or(one.rule_place(direction, index));
        Some(at(Code::W0207, place, message).with_help(match direction {
            Direction::Ingress => {
                "list who may connect: `from: [{podSelector: {matchLabels: {app: NAME}}}]`; to deny, remove the rule"
            }
            Direction::Egress => {
                "list where to: `to: [{podSelector: {matchLabels: {app: NAME}}}]`; to deny, remove the rule"
            }
        }))
    };
    one.rules(direction).unwrap_or_default().iter().enumerate().filter_map(open).collect()
}

/// W0207: a policy whose name says that it allows, and that allows nothing.
fn nothing_allowed(one: &One<'_>, direction: Direction) -> Option<Diagnostic> {
    let written = one.written.rules(direction);
    let says_allow = one.policy.name.split(['-', '.']).any(|word| matches!(word, "allow" | "allows" | "permit"));
    let says_deny = one.policy.name.split(['-', '.']).any(|word| matches!(word, "deny" | "block" | "only" | "isolate"));
    let empty = written.place.is_some() && written.rules.is_empty() && one.all_rules().next().is_none();
    if !says_allow || says_deny || !empty || one.rules(direction).is_none() {
        return None;
    }
    let message =
        format!("{} allows nothing: an empty `{}` denies everything in that direction", one.shown(), field(direction));
    Some(at(Code::W0207, written.place, message).with_help(format!(
        "write a rule for those who may connect; `{}: [{{}}]` would allow everyone",
        field(direction)
    )))
}
