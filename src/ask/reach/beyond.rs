//! What policies allow towards pods of which none was given: no line is about them.

use crate::ask::situation::{GroupName, Situation};
use crate::ask::space::rule_ports;
use crate::engine::{EndId, Engine};
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Selector, Truth, namespace_by_name};
use crate::netpol::{Peer, Policy};
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
    /// The ports.
    pub ports: PortSet,
}

/// What the policies of an engine allow to pods of which none is in its world, to `from` and of `to` as far as these are
/// given; nothing where both are.
pub fn beyond(engine: &Engine<'_>, situation: &Situation, [from, to]: [Option<&[EndId]>; 2]) -> Vec<Beyond> {
    let mut found: BTreeMap<(Direction, GroupName), (PortSet, BTreeSet<EndId>)> = BTreeMap::new();
    let sides = [(Direction::Egress, from, to), (Direction::Ingress, to, from)];
    for (direction, own, _) in sides.into_iter().filter(|(_, _, other)| other.is_none()) {
        for policy in engine.policies() {
            let rules = match direction {
                Direction::Ingress => &policy.ingress,
                Direction::Egress => &policy.egress,
            };
            for rule in rules.iter().flatten() {
                let absent: Vec<GroupName> =
                    rule.peers.iter().filter_map(|peer| absent(situation, policy, peer)).collect();
                if absent.is_empty() {
                    continue;
                }
                let subjects = subjects(situation, policy, own);
                if subjects.is_empty() {
                    continue;
                }
                for peer in absent {
                    let (ports, all) = found.entry((direction, peer)).or_default();
                    ports.insert(&rule_ports(rule));
                    all.extend(&subjects);
                }
            }
        }
    }
    let one = |((direction, peer), (ports, subjects)): ((Direction, GroupName), (PortSet, BTreeSet<EndId>))| Beyond {
        direction,
        subjects: subjects.into_iter().collect(),
        peer,
        ports,
    };
    found.into_iter().map(one).collect()
}

/// The pods that a policy selects, of those that are asked about.
fn subjects(situation: &Situation, policy: &Policy, own: Option<&[EndId]>) -> Vec<EndId> {
    let world = &situation.world;
    let is_it = |id: &EndId| {
        let home = world.namespace_of(*id).and_then(|home| home.name.as_ref());
        home == Some(&policy.namespace)
            && own.is_none_or(|own| own.contains(id))
            && world.pods(*id).is_some_and(|pods| policy.subject.matches(&pods.labels))
    };
    world.ids().filter(is_it).collect()
}

/// What pods that a peer lets through are called, when none of them is there.
fn absent(situation: &Situation, policy: &Policy, peer: &Peer) -> Option<GroupName> {
    let Peer::Pods { namespaces, pods } = peer else { return None };
    let world = &situation.world;
    let own = namespace_by_name(&policy.namespace);
    let wanted = namespaces.as_ref().unwrap_or(&own);
    if wanted.contradiction().is_some() || pods.contradiction().is_some() {
        return None;
    }
    let is_there = |id: EndId| {
        let home = world.namespace_of(id).is_some_and(|home| home.matches(wanted) != Truth::No);
        home && world.pods(id).is_some_and(|kind| pods.matches(&kind.labels))
    };
    if world.ids().any(is_there) {
        return None;
    }
    let home = match wanted.required_value(NAMESPACE_NAME) {
        Some([name]) if wanted.keys().count() == 1 => Some(name.clone()),
        _ => None,
    };
    let namespaces = if home.is_some() { Selector::everything() } else { wanted.clone() };
    Some(GroupName::Selected(home, namespaces, pods.clone()))
}
