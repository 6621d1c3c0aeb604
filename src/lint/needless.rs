//! What is said of parts that can be removed.

use super::atoms::Side;
use super::redundant::{Instead, Part, Removal, search};
use super::{Covered, One, at, overruled};
use crate::diag::{Code, Diagnostic, How};
use crate::net::Direction;
use crate::source::Span;

/// W0231, W0211 and W0212 for the policies of one namespace. Gives the rules that others make needless, by policy.
pub(super) fn check(group: &[One<'_>], sides: &[Side<'_>; 2], found: &mut Vec<Diagnostic>) -> Vec<Covered> {
    let told = sides.each_ref().map(|side| overruled::check(side, found));
    let mut covered = vec![Covered::new(); group.len()];
    for (direction, told) in Direction::ALL.into_iter().zip(&told) {
        for ((one, covered), _) in group.iter().zip(&mut covered).zip(told).filter(|(_, told)| **told) {
            covered.extend((0..one.rules(direction).map_or(0, <[_]>::len)).map(|rule| (direction, rule)));
        }
    }
    for (removal, instead) in search(sides, &told) {
        if let (Some(one), Some(covered)) = (group.get(removal.policy), covered.get_mut(removal.policy)) {
            match removal.part {
                Part::Policy => covered.extend(one.all_rules().map(|(direction, rule, _)| (direction, rule))),
                Part::Rule(direction, rule) => drop(covered.insert((direction, rule))),
                Part::Peer(..) | Part::Port(..) => {}
            }
        }
        found.extend(tell(group, removal, instead));
    }
    covered
}

/// What another part of the same policy makes needless is a slip, as is a policy that stands there twice. What policies have
/// in common otherwise is often meant: one for all pods, and one for each application that does not depend on it.
fn is_slip(group: &[One<'_>], removal: Removal, instead: Option<Instead>) -> bool {
    let Some(instead) = instead else { return true };
    // A list that says something twice is a slip. Of two rules each may well say all that its peers need.
    let is_of_list = match removal.part {
        Part::Policy | Part::Rule(..) => true,
        Part::Peer(_, rule, _) | Part::Port(_, rule, _) => instead.rule == Some(rule),
    };
    if removal.part != Part::Policy {
        // What templates of charts add for those who close the open rule is meant.
        return instead.policy == removal.policy && instead.alone && !instead.is_open && is_of_list;
    }
    let says = |index: usize| {
        let policy = group.get(index)?.policy;
        Some((&policy.subject, &policy.ingress, &policy.egress))
    };
    says(removal.policy) == says(instead.policy)
}

/// Whether a part stands in its list another time, so that it was not meant to say more.
fn is_twice(one: &One<'_>, part: Part) -> bool {
    fn twice<T: PartialEq>(list: &[T], index: usize) -> bool {
        list.get(index).is_some_and(|it| list.iter().filter(|other| *other == it).count() > 1)
    }
    let rule = |direction, rule: usize| one.rules(direction).and_then(|rules| rules.get(rule));
    match part {
        Part::Policy => false,
        Part::Rule(direction, index) => one.rules(direction).is_some_and(|rules| twice(rules, index)),
        Part::Peer(direction, at, index) => rule(direction, at).is_some_and(|rule| twice(&rule.peers, index)),
        Part::Port(direction, at, index) => rule(direction, at).is_some_and(|rule| twice(&rule.ports, index)),
    }
}

fn tell(group: &[One<'_>], removal: Removal, instead: Option<Instead>) -> Option<Diagnostic> {
    let one = group.get(removal.policy)?;
    let by_own_rule = instead.is_some_and(|instead| instead.is_everything && instead.policy == removal.policy);
    // That rule is told of, with all that it makes needless.
    if by_own_rule {
        return None;
    }
    let (code, what, place): (Code, &str, Option<Span>) = match removal.part {
        Part::Policy => (Code::W0211, "", one.name),
        Part::Rule(direction, rule) => (Code::W0212, "this rule of ", one.rule_place(direction, rule)),
        Part::Peer(direction, rule, peer) => (Code::W0212, "this peer of ", one.peer_place(direction, rule, peer)),
        Part::Port(direction, rule, port) => (Code::W0212, "this port of ", one.port_place(direction, rule, port)),
    };
    let mut message = format!("without {what}{} everything would be the same", one.shown());
    let other = instead.and_then(|instead| Some((instead, group.get(instead.policy)?)));
    if let Some((instead, other)) = other {
        let by = match instead.policy == removal.policy {
            true => "another part of it".to_owned(),
            false => other.shown(),
        };
        message += &match (instead.denies, instead.alone) {
            (true, _) => format!(": {by} denies as much"),
            (false, true) => format!(": {by} allows all that it allows"),
            (false, false) => format!(": {by} and others together allow all that it allows"),
        };
    }
    let mut diagnostic = at(code, place, message);
    if let Some(span) = other.and_then(|(instead, other)| instead.place.or(other.name)) {
        diagnostic = diagnostic.with_label(span, "says as much");
    }
    diagnostic = diagnostic.with_help("remove it, or narrow the others if it was meant to say more than they do");
    let diagnostic = match place.filter(|_| is_twice(one, removal.part)) {
        Some(place) => diagnostic.with_mend_as(How::Removal, place, ""),
        None => diagnostic,
    };
    Some(if is_slip(group, removal, instead) { diagnostic } else { diagnostic.as_note() })
}
