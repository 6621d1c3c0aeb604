//! Who is responsible: the statement of a program, or the policy that somebody wrote.

use super::parts::Part;
use crate::engine::{End, EndId, Engine, Verdict, World};
use crate::flow::{FlowSet, PartyId};
use crate::net::{Direction, NAMESPACE_NAME, Peers, Truth};
use crate::netpol::Policy;
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One of the two that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Version<'v> {
    /// The policies.
    pub policies: &'v [Policy],
    /// Where each of them stands, when they were read.
    pub policy_spans: &'v [Option<Span>],
    /// The program that they come from.
    pub program: Option<&'v FlowSet>,
    /// Where the program's namespaces stand.
    pub namespaces: &'v BTreeMap<Arc<str>, Span>,
}

/// What is responsible for a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Where it stands.
    pub span: Option<Span>,
    /// The statement, or the policy as `namespace/name`.
    pub text: String,
    /// Whether it is a policy.
    pub is_policy: bool,
}

/// Finds origins in one version.
pub(super) struct Origins<'v> {
    version: &'v Version<'v>,
    engine: &'v Engine<'v>,
    /// The parties that the ends of interest are in.
    parties_of: BTreeMap<EndId, Vec<PartyId>>,
    /// The flows from each party.
    flows_from: BTreeMap<PartyId, Vec<usize>>,
}

impl<'v> Origins<'v> {
    /// Prepares for questions about some parts.
    pub fn new(version: &'v Version<'v>, engine: &'v Engine<'v>, parts: &[Part]) -> Self {
        let mut origins = Origins { version, engine, parties_of: BTreeMap::new(), flows_from: BTreeMap::new() };
        let Some(program) = version.program else { return origins };
        let ends: BTreeSet<EndId> =
            parts.iter().flat_map(|part| part.sources.iter().chain(&part.destinations)).copied().collect();
        origins.parties_of = parties_of(program, engine.world(), &ends);
        for (index, flow) in program.flows.iter().enumerate() {
            for leaf in program.party(flow.source).into_iter().flat_map(|party| &party.leaves) {
                origins.flows_from.entry(*leaf).or_default().push(index);
            }
        }
        origins
    }

    /// What allows some ports of some connections. Only what one of the sides that changed says counts, where nothing
    /// is known but policies.
    pub fn of_connections(&self, part: &Part, ports: &Verdict) -> Vec<Origin> {
        let ports = ports.possible();
        if ports.is_empty() {
            return Vec::new();
        }
        let statements = self.statements(part, &ports);
        if !statements.is_empty() {
            return statements;
        }
        let mut policies = BTreeSet::new();
        for direction in Direction::ALL {
            if part.key.by.has(direction) || part.key.by.is_none() {
                let (subjects, peers) = match direction {
                    Direction::Ingress => (&part.destinations, &part.sources),
                    Direction::Egress => (&part.sources, &part.destinations),
                };
                policies.extend(self.engine.granting(direction, subjects, peers, &ports));
            }
        }
        self.policies(policies, |_| true)
    }

    fn statements(&self, part: &Part, ports: &crate::net::PortSet) -> Vec<Origin> {
        let Some(program) = self.version.program else { return Vec::new() };
        let parties = |ends: &[EndId]| -> BTreeSet<PartyId> {
            ends.iter().filter_map(|end| self.parties_of.get(end)).flatten().copied().collect()
        };
        let destinations = parties(&part.destinations);
        let flows: BTreeSet<usize> = parties(&part.sources)
            .into_iter()
            .filter_map(|party| self.flows_from.get(&party))
            .flatten()
            .copied()
            .collect();
        let grants = |index: &usize| {
            let flow = program.flows.get(*index)?;
            let hits = flow.targets.iter().any(|(to, own)| destinations.contains(to) && own.overlaps(ports));
            let statement = program.statement(flow.statement).filter(|_| hits)?;
            Some(Origin { span: Some(statement.span), text: statement.text.to_string(), is_policy: false })
        };
        let found: BTreeSet<Origin> = flows.iter().filter_map(grants).collect();
        found.into_iter().collect()
    }

    /// What isolates pods in some directions.
    pub fn of_isolation(&self, directions: &[Direction], ends: &[EndId]) -> Vec<Origin> {
        let mut policies = BTreeSet::new();
        for direction in directions {
            for end in ends {
                policies.extend(self.engine.isolating(*direction, *end));
            }
        }
        // A program's policies isolate by their way; those that only do that are the ones it asks for.
        let only = |policy: &Policy| {
            let rules = |direction| match direction {
                Direction::Ingress => policy.ingress.as_ref(),
                Direction::Egress => policy.egress.as_ref(),
            };
            self.version.program.is_none() || directions.iter().any(|one| rules(*one).is_some_and(Vec::is_empty))
        };
        self.policies(policies, only)
    }

    fn policies(&self, policies: BTreeSet<usize>, wanted: impl Fn(&Policy) -> bool) -> Vec<Origin> {
        let mut origins = BTreeSet::new();
        for index in policies {
            let Some(policy) = self.version.policies.get(index).filter(|policy| wanted(policy)) else { continue };
            if self.version.program.is_none() {
                let span = self.version.policy_spans.get(index).copied().flatten();
                let text = format!("{}/{}", policy.namespace, policy.name);
                origins.insert(Origin { span, text, is_policy: true });
                continue;
            }
            let span = self.version.namespaces.get(&policy.namespace).copied();
            origins.extend(policy.statements.iter().map(|text| Origin {
                span,
                text: text.to_string(),
                is_policy: false,
            }));
        }
        origins.into_iter().collect()
    }
}

/// The parties that ends are in.
fn parties_of(program: &FlowSet, world: &World, ends: &BTreeSet<EndId>) -> BTreeMap<EndId, Vec<PartyId>> {
    let mut by_namespace: BTreeMap<Option<Arc<str>>, Vec<EndId>> = BTreeMap::new();
    for end in ends {
        let namespace = world.namespace_of(*end).and_then(|namespace| namespace.name.clone());
        by_namespace.entry(namespace).or_default().push(*end);
    }
    let mut parties: BTreeMap<EndId, Vec<PartyId>> = BTreeMap::new();
    for (party, id) in program.parties.iter().zip(0..) {
        let Some(place) = &party.place else { continue };
        let mut inside = BTreeSet::new();
        for peers in program.peers(place) {
            let home = match &peers {
                Peers::Pods { namespaces, .. } => match namespaces.required_value(NAMESPACE_NAME) {
                    Some([one]) => Some(one.clone()),
                    _ => None,
                },
                _ => None,
            };
            let near: Box<dyn Iterator<Item = &EndId>> = match home {
                Some(home) => Box::new(by_namespace.get(&Some(home)).into_iter().flatten()),
                None => Box::new(ends.iter()),
            };
            inside.extend(near.copied().filter(|end| is_in(world, *end, &peers)));
        }
        inside.into_iter().for_each(|end| parties.entry(end).or_default().push(PartyId(id)));
    }
    parties
}

fn is_in(world: &World, end: EndId, peers: &Peers) -> bool {
    match (peers, world.end(end)) {
        (Peers::Any, _) => true,
        (Peers::Addresses(all), Some(End::Addresses { addresses, .. })) => all.overlaps(addresses),
        (Peers::Pods { namespaces, pods }, Some(End::Pods(kind))) => {
            let home = world.namespace(kind.namespace);
            home.is_some_and(|home| home.matches(namespaces) != Truth::No) && pods.matches(&kind.labels)
        }
        _ => false,
    }
}
