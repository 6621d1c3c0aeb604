//! What policies allow towards pods of which none was given: no line, no row and no step is about them.

use super::situation::GroupName;
use crate::cover::{Budget, GaveUp};
use crate::engine::{AbsentPods, EndId, Engine, Which};
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// Something that is allowed beyond those who were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// As seen from those who were given.
    pub direction: Direction,
    /// They.
    pub subjects: Vec<EndId>,
    /// The others.
    pub peer: GroupName,
    /// Of which of them it is so.
    pub which: Which,
    /// The ports.
    pub ports: PortSet,
}

/// What the policies of an engine allow to pods of which none is in its world, to `from` and of `to` as far as these are
/// given; nothing where both are.
pub fn beyond(
    engine: &Engine<'_>,
    [from, to]: [Option<&[EndId]>; 2],
    budget: &mut Budget,
) -> Result<Vec<Beyond>, GaveUp> {
    let everybody: Vec<EndId> = engine.world().ids().collect();
    let sides = [(Direction::Egress, from, to), (Direction::Ingress, to, from)];
    let mut found = Vec::new();
    for (direction, own, _) in sides.into_iter().filter(|(_, _, other)| other.is_none()) {
        found.extend(beyond_in(engine, direction, own.unwrap_or(&everybody), budget)?);
    }
    found.sort_by(|one, other| (one.direction, &one.peer, one.which).cmp(&(other.direction, &other.peer, other.which)));
    Ok(found)
}

/// The same in one direction. Those who may do the same are told together.
pub fn beyond_in(
    engine: &Engine<'_>,
    direction: Direction,
    subjects: &[EndId],
    budget: &mut Budget,
) -> Result<Vec<Beyond>, GaveUp> {
    let subjects: BTreeSet<EndId> = subjects.iter().copied().collect();
    let mut each: BTreeMap<(GroupName, Which), BTreeMap<EndId, PortSet>> = BTreeMap::new();
    for absent in engine.absent(direction, subjects, budget)? {
        let of = each.entry((name(absent.others), absent.which)).or_default();
        of.entry(absent.subject).or_default().insert(&absent.ports);
    }
    let mut found = Vec::new();
    for ((peer, which), of) in each {
        let mut alike: BTreeMap<PortSet, Vec<EndId>> = BTreeMap::new();
        of.into_iter().for_each(|(subject, ports)| alike.entry(ports).or_default().push(subject));
        let one = |(ports, subjects)| Beyond { direction, subjects, peer: peer.clone(), which, ports };
        found.extend(alike.into_iter().map(one));
    }
    Ok(found)
}

/// What such pods are called.
fn name(others: AbsentPods) -> GroupName {
    let AbsentPods { namespaces, pods } = others;
    let home = match namespaces.required_value(NAMESPACE_NAME) {
        Some([name]) if namespaces.keys().count() == 1 => Some(name.clone()),
        _ => None,
    };
    let namespaces = if home.is_some() { Selector::everything() } else { namespaces };
    GroupName::Selected(home, namespaces, pods)
}
