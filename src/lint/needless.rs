//! What is said of parts that can be removed.

use super::atoms::Side;
use super::redundant::{Instead, Part, Removal, search};
use super::{One, at, overruled};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// W0231, W0211 and W0212 for the policies of one namespace.
pub(super) fn check(group: &[One<'_>], sides: &[Side<'_>; 2], found: &mut Vec<Diagnostic>) {
    let told = sides.each_ref().map(|side| overruled::check(side, found));
    for (removal, instead) in search(sides, &told) {
        found.extend(tell(group, removal, instead));
    }
}

fn tell(group: &[One<'_>], removal: Removal, instead: Option<Instead>) -> Option<Diagnostic> {
    let one = group.get(removal.policy)?;
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
    Some(diagnostic.with_help("remove it, or narrow the others if it was meant to say more than they do"))
}
