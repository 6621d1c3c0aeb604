//! What was left out, or stands where it has no effect.

use super::{One, at, field};
use crate::diag::{Code, Diagnostic};
use crate::net::Direction;

pub(super) fn check(one: &One<'_>, found: &mut Vec<Diagnostic>) {
    found.extend(types(one));
    found.extend(subject(one));
    for direction in Direction::ALL {
        found.extend(unlisted(one, direction));
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
            ("takes it for ingress, which it denies; its empty `egress` denies nothing", "[Ingress, Egress]")
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
    let says_egress = !has_egress
        && one.is_called(&["egress", "outbound", "outgoing"])
        && !one.is_called(&["gateway", "proxy", "router"]);
    let list = match (says_egress, ingress.rules.is_empty()) {
        (true, true) => "[Egress]",
        (true, false) => "[Ingress, Egress]",
        (false, _) => list,
    };
    let message = format!("{} has no `policyTypes`: Kubernetes {taken}", one.shown());
    let denies_only = !has_egress && egress.place.is_some() && ingress.place.is_none();
    let more = match (denies_only, list) {
        (true, "[Egress]") => ", which denies egress and opens ingress again",
        (true, _) => ", which denies both; `[Egress]` would open ingress again",
        (false, _) => "",
    };
    let help = format!("write what is meant: `policyTypes: {list}`{more}");
    let found = at(Code::W0204, one.name, message).with_help(help);
    // Where there are rules, they say which directions are meant, and these are those that count; else the name may.
    let is_plain = egress.place.is_some() == has_egress && (ingress.place.is_some() || !has_egress);
    Some(if is_plain && !says_egress { found.as_note() } else { found })
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

/// W0206: rules of a direction that `policyTypes` does not list.
fn unlisted(one: &One<'_>, direction: Direction) -> Option<Diagnostic> {
    let written = one.written.rules(direction);
    if one.rules(direction).is_some() || written.rules.is_empty() {
        return None;
    }
    let name = super::listed_type(direction);
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
