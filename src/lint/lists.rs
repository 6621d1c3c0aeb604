//! Lists that are empty or missing, and mean something else than they seem to.

use super::{One, at, field};
use crate::diag::{Code, Diagnostic};
use crate::net::Direction;

pub(super) fn check(one: &One<'_>, found: &mut Vec<Diagnostic>) {
    for direction in Direction::ALL {
        found.extend(no_ports(one, direction));
        found.extend(closed_by_name(one, direction));
    }
}

/// W0207: `ports: []`, which is no list of no ports.
fn no_ports(one: &One<'_>, direction: Direction) -> Option<Diagnostic> {
    let rules = one.rules(direction)?.iter().zip(&one.written.rules(direction).rules);
    let mut empty = rules.filter(|(rule, _)| !rule.peers.is_empty() && rule.ports.is_empty());
    let place = empty.find_map(|(_, written)| written.ports_place)?;
    let message = format!(
        "an empty `ports` in {} is no list of no ports: the rule opens every port of every protocol to its peers",
        one.shown()
    );
    Some(
        at(Code::W0207, Some(place), message)
            .with_help("list the ports that are meant; when all are, remove `ports`; when none is, remove the rule"),
    )
}

/// W0207: a policy called allow-all that closes a direction, because `policyTypes` lists it and no rule is there.
fn closed_by_name(one: &One<'_>, direction: Direction) -> Option<Diagnostic> {
    let has = |known: &[&str]| one.is_called(known);
    let says_all = has(&["allowall"]) || (has(&["allow", "permit", "open"]) && has(&["all", "any", "everything"]));
    let of_other = has(&[direction.other().word()]);
    let is_closed = one.rules(direction).is_some_and(<[_]>::is_empty) && one.written.types.is_some();
    let opens_other = one.rules(direction.other()).is_some_and(|rules| !rules.is_empty());
    if !says_all || !is_closed || !opens_other || has(&["deny", "block", "isolate", "only"]) {
        return None;
    }
    let (name, word) = (one.shown(), field(direction));
    let listed = super::listed_type(direction);
    let message =
        format!("{name} closes all {word} of its pods: `policyTypes` lists `{listed}`, and no `{word}` rule is there");
    let written = one.written.rules(direction).place.or(one.written.types).or(one.name);
    let help = match of_other {
        true => format!("remove `{listed}` from `policyTypes`"),
        false => format!("remove `{listed}` from `policyTypes`, or write `{word}: [{{}}]` to allow everyone"),
    };
    Some(at(Code::W0207, written, message).with_help(help))
}
