//! What policies allow to and from pods of which none was given, as `reach` and `blast` tell it.

use super::json::ports;
use super::reach::end_text;
use crate::ask::{Beyond, GroupName, Situation};
use crate::engine::{EndId, Which};
use crate::net::Direction;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// More names than these are counted.
const MOST: usize = 4;

/// A head and a line for each.
pub(super) fn lines(situation: &Situation, all: &[Beyond]) -> Vec<String> {
    if all.is_empty() {
        return Vec::new();
    }
    let line = |one: &Beyond| {
        let names = names(situation, &one.subjects);
        let own = match names.as_slice() {
            [name] => name.clone(),
            several => format!("{{{}}}", several.join(", ")),
        };
        let of = match one.which {
            Which::All => String::new(),
            Which::NotIsolated => format!(" (those not isolated for {})", one.direction.other().word()),
            Which::Unknown => " (perhaps: `polder can` says what is not known)".to_owned(),
        };
        match one.direction {
            Direction::Egress => format!("  {own} -> {}:{}{of}", one.peer, one.ports),
            Direction::Ingress => format!("  {} -> {own}:{}{of}", one.peer, one.ports),
        }
    };
    let head = "policies also allow this, of which no pods were given:".to_owned();
    [head].into_iter().chain(all.iter().map(line)).collect()
}

/// A list of `{ "direction": "egress", "pods": ["..."], "others": "...", "only": "not_isolated", "perhaps": false, "ports": [] }`.
pub(super) fn list(situation: &Situation, all: &[Beyond]) -> Vec<Value> {
    let one = |one: &Beyond| {
        json!({
            "direction": one.direction.word(),
            "pods": names(situation, &one.subjects),
            "others": one.peer.to_string(),
            "only": (one.which == Which::NotIsolated).then_some("not_isolated"),
            "perhaps": one.which == Which::Unknown,
            "ports": ports(&one.ports),
        })
    };
    all.iter().map(one).collect()
}

/// Those who may, as few names as say it.
fn names(situation: &Situation, ends: &[EndId]) -> Vec<String> {
    let groups: BTreeSet<&GroupName> =
        ends.iter().filter_map(|end| situation.names_of(*end).first().copied()).collect();
    // A workload has its own name where all kinds of its pods are among them.
    let is_whole = |whole: &GroupName| {
        let mut kinds = situation.groups.iter().filter(|group| group.name.whole() == *whole);
        kinds.all(|kind| groups.contains(&kind.name))
    };
    let name = |group: &&GroupName| {
        let whole = group.whole();
        if whole != **group && is_whole(&whole) { whole.to_string() } else { group.to_string() }
    };
    // One that is asked about by its labels has no other name.
    let nameless = ends.iter().filter(|end| situation.groups_of(**end).is_empty());
    let all: BTreeSet<String> = groups.iter().map(name).chain(nameless.map(|end| end_text(situation, *end))).collect();
    let more = all.len().saturating_sub(MOST);
    let mut names: Vec<String> = all.into_iter().take(MOST).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names
}
