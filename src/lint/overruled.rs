//! Policies that restrict nothing, for another one allows everything.

use super::at;
use super::atoms::{Atom, Side};
use crate::diag::{Code, Diagnostic};

/// W0231: policies that say less than one that allows everything to the same pods. Gives for each policy of the group
/// whether it is one.
pub(super) fn check(side: &Side<'_>, found: &mut Vec<Diagnostic>) -> Vec<bool> {
    let direction = side.direction;
    let mut told = vec![false; side.group.len()];
    let open: Vec<&Atom<'_>> = side.atoms.iter().filter(|atom| atom.is_everything()).collect();
    for ((policy, one), told) in side.group.iter().enumerate().zip(&mut told) {
        let Some(rules) = one.rules(direction) else { continue };
        if open.iter().any(|atom| atom.policy == policy) {
            continue;
        }
        // A default for both directions, of which another policy lifts one, still denies the other.
        let is_lifted = rules.is_empty() && one.rules(direction.other()).is_some();
        let wider = open.iter().find(|atom| atom.region.subject.contains(&one.policy.subject));
        let Some((other, opener)) = wider.and_then(|other| Some((other, side.group.get(other.policy)?))) else {
            continue;
        };
        let message = format!(
            "{} restricts no {}: {} allows everything to the same pods, and rules only add up",
            one.shown(),
            direction.word(),
            opener.shown()
        );
        let mut diagnostic = at(Code::W0231, one.name, message);
        if let Some(place) = opener.rule_place(direction, other.rule) {
            diagnostic = diagnostic.with_label(place, "everything is allowed here");
        }
        diagnostic = diagnostic.with_help(
            "no policy takes away what another one allows, in whatever order: narrow that rule, or remove this policy",
        );
        // Who opens all to some pods by name, and has rules for the same pods beside, means both.
        let is_beside = !rules.is_empty()
            && !one.policy.subject.is_everything()
            && opener.policy.subject == one.policy.subject
            && opener.is_called(&["all", "any", "anywhere", "everything", "unrestricted"])
            && !one.is_called(&["deny", "block", "isolate", "restrict", "restricted", "only"]);
        found.push(if is_lifted || is_beside { diagnostic.as_note() } else { diagnostic });
        *told = true;
    }
    told
}
