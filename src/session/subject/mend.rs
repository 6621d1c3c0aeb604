//! What would have to be added to policies so that all that is asked about is allowed, tried before it is told.

use super::{AskedPorts, Posed, Subject};
use crate::ask::{Asked, Says, can, policies_for, why};
use crate::engine::{EndId, Engine, Verdict};
use crate::net::{AddressSet, Direction, PortSet};
use crate::netpol::Policy;
use std::collections::BTreeSet;

/// How many times policies are added before it is given up.
const MOST_ROUNDS: usize = 8;

/// More names than these are not listed.
const MOST_NAMES: usize = 4;

/// Policies to add.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Added {
    /// They, with which the answer is yes, and nothing else is another one; none where there are no such policies.
    pub policies: Vec<Policy>,
    /// Why there are none, where that is known: a sentence without a full stop.
    pub why_not: Option<String>,
}

impl Posed {
    /// The addresses that are asked about, if any.
    pub fn addresses(&self) -> Option<&AddressSet> {
        let all = self.meant.iter().flatten().flat_map(Asked::each);
        let mut addresses = all.filter_map(|one| match one {
            Asked::Addresses(addresses) => Some(addresses),
            _ => None,
        });
        addresses.next().filter(|_| addresses.next().is_none())
    }
}

impl Subject {
    /// The policies to add so that a question is answered with yes.
    pub fn added(&self, from: &Asked, to: &Asked, ports: Option<&AskedPorts>) -> Added {
        let mut added: Vec<Policy> = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let all = [self.policies(), &added].concat();
            let Ok(posed) = self.pose_by(&all, from, to, ports) else { return Added::default() };
            let engine = Engine::new(&posed.situation.world, &all);
            let Some(explanation) = why(&engine, None, &posed.from, &posed.to, &posed.doubtful) else {
                return Added::default();
            };
            if explanation.says == Says::Allowed {
                return self.tried(added, &posed);
            }
            let is_known = |end: &EndId| !posed.doubtful.contains_key(end);
            let more = match is_known(&explanation.source) && is_known(&explanation.destination) {
                true => policies_for(&engine, self.cluster(), &explanation, posed.addresses()),
                false => Vec::new(),
            };
            if more.is_empty() {
                return Added::default();
            }
            added.extend(more);
        }
        Added::default()
    }

    /// Policies in a world that was made for them, if they change nothing that is not asked about.
    fn tried(&self, added: Vec<Policy>, posed: &Posed) -> Added {
        let world = &posed.situation.world;
        let all = [self.policies(), &added].concat();
        let (before, after) = (Engine::new(world, self.policies()), Engine::new(world, &all));
        if can(&after, &posed.from, &posed.to, &posed.doubtful).is_yes() != Some(true) {
            return Added::default();
        }
        let mut others: BTreeSet<String> = BTreeSet::new();
        // Where nobody was given, nobody knows whom the labels tell apart.
        let policies = added.iter().filter(|_| self.cluster().is_some());
        for policy in policies {
            let direction = if policy.ingress.is_some() { Direction::Ingress } else { Direction::Egress };
            let selected = |id: &EndId| {
                let home = world.namespace_of(*id).and_then(|home| home.name.as_ref());
                home == Some(&policy.namespace)
                    && world.pods(*id).is_some_and(|pods| policy.subject.matches(&pods.labels) && !pods.asked)
            };
            for subject in world.ids().filter(selected) {
                for peer in world.ids() {
                    let (source, destination) =
                        if direction == Direction::Egress { (subject, peer) } else { (peer, subject) };
                    let changed = changed(&before.between(source, destination), &after.between(source, destination));
                    if !posed.asked_between(source, destination).contains(&changed) {
                        let end = if posed.is_asked(subject) { peer } else { subject };
                        others.extend(posed.situation.names_of(end).first().map(ToString::to_string));
                    }
                }
            }
        }
        if others.is_empty() {
            return Added { policies: added, why_not: None };
        }
        let mut names: Vec<String> = others.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
        if others.len() > MOST_NAMES {
            names.push(format!("{} more", others.len() - MOST_NAMES));
        }
        let why_not = format!(
            "no policy can allow it alone: by their labels, no selector tells these apart from those that are asked about: {}",
            names.join(", ")
        );
        Added { policies: Vec::new(), why_not: Some(why_not) }
    }
}

/// The ports on which one of two verdicts allows something and the other one does not.
fn changed(before: &Verdict, after: &Verdict) -> PortSet {
    let opened = after.possible().subtract(&before.possible());
    opened.union(&before.allowed.subtract(&after.allowed))
}

impl Posed {
    /// The ports that are asked about between two.
    fn asked_between(&self, source: EndId, destination: EndId) -> PortSet {
        let at = self.to.iter().filter(|(end, _)| *end == destination && self.from.contains(&source));
        at.fold(PortSet::empty(), |all, (_, ports)| all.union(ports))
    }

    fn is_asked(&self, end: EndId) -> bool {
        self.from.contains(&end) || self.to.iter().any(|(to, _)| *to == end)
    }
}
