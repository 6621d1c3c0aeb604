//! Flows as they are found, each once, with all that shows it.

use super::services::{self, TierPortAt};
use super::{Deployed, DeployedTier, Inferred, OpenQuestion, QuestionKind};
use crate::cluster::{Service, ServicePort};
use crate::net::{Protocol, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How sure it is that there is such a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// An object says that somebody connects.
    Sure,
    /// A convention says so, which holds where somebody goes by it.
    Likely,
    /// Something looks like it.
    Guess,
}

impl Trust {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Trust::Sure => "sure",
            Trust::Likely => "likely",
            Trust::Guess => "guess",
        }
    }
}

/// Who connects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlowSource {
    /// A tier of another one's namespace: the namespace, and the name there or `*`.
    Other(Arc<str>, Arc<str>),
    /// A tier, by its place.
    Tier(usize),
}

/// A flow to a port of a tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferredFlow {
    /// Who connects.
    pub source: FlowSource,
    /// To which tier, by its place.
    pub destination: usize,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the pods.
    pub number: u16,
    /// How sure it is.
    pub trust: Trust,
    /// What shows it.
    pub evidence: BTreeSet<String>,
    /// How often a flow log has it, where one was given and has it.
    pub seen: Option<u64>,
}

type FlowEnds = (FlowSource, TierPortAt);

/// What is being inferred.
pub(super) struct Inferring<'a> {
    pub(super) deployed: Deployed<'a>,
    pub(super) tiers: Vec<DeployedTier>,
    flows: BTreeMap<FlowEnds, (Trust, BTreeSet<String>)>,
    questions: BTreeSet<OpenQuestion>,
    pub(super) components: BTreeSet<(Arc<str>, Arc<str>)>,
    pub(super) gateways: BTreeSet<(Arc<str>, Arc<str>, Selector)>,
}

impl<'a> Inferring<'a> {
    pub(super) fn new(deployed: Deployed<'a>, tiers: Vec<DeployedTier>) -> Inferring<'a> {
        let (flows, questions) = (BTreeMap::new(), BTreeSet::new());
        let (components, gateways) = (BTreeSet::new(), BTreeSet::new());
        Inferring { deployed, tiers, flows, questions, components, gateways }
    }

    /// Adds the ports that Services and probes say their pods have.
    pub(super) fn add_services(&mut self) {
        for service in &self.deployed.cluster.services {
            for port in &service.ports {
                self.targets(service, port);
            }
        }
        self.add_probed();
    }

    /// The ports of pods behind a port of a Service.
    pub(super) fn targets(&mut self, service: &Service, port: &ServicePort) -> Vec<TierPortAt> {
        services::targets(&mut self.tiers, service, port)
    }

    /// Adds a flow to some ports.
    pub(super) fn flow(&mut self, source: &FlowSource, ports: &[TierPortAt], trust: Trust, evidence: &str) {
        let places = services::without_covered(&self.tiers, ports.iter().map(|port| port.tier).collect());
        for port in ports.iter().filter(|port| places.contains(&port.tier)) {
            let known = self.flows.entry((source.clone(), *port)).or_insert((trust, BTreeSet::new()));
            known.0 = known.0.min(trust);
            known.1.insert(evidence.to_owned());
        }
    }

    /// Notes something that is not known.
    pub(super) fn ask(&mut self, tier: usize, kind: QuestionKind, about: &str, text: String) {
        let Some(namespace) = self.tiers.get(tier).map(|tier| tier.namespace.clone()) else { return };
        self.questions.insert(OpenQuestion { namespace, tier: Some(tier), kind, about: about.into(), text });
    }

    /// Notes something that is not known and is about no tier.
    pub(super) fn ask_of_namespace(&mut self, namespace: &Arc<str>, kind: QuestionKind, about: &str, text: String) {
        self.questions.insert(OpenQuestion {
            namespace: namespace.clone(),
            tier: None,
            kind,
            about: about.into(),
            text,
        });
    }

    /// What was inferred. Flows that others say already are left out.
    pub(super) fn finish(mut self, left_out: Vec<(String, &'static str)>, system: BTreeSet<Arc<str>>) -> Inferred {
        self.tiers.iter_mut().for_each(DeployedTier::finish);
        let covers = |one: &FlowSource, other: &FlowSource| match (one, other) {
            (FlowSource::Tier(one), FlowSource::Tier(other)) => {
                one == other
                    || self.tiers.get(*one).zip(self.tiers.get(*other)).is_some_and(|(one, other)| one.covers(other))
            }
            _ => one == other,
        };
        let tier_covers = |one: usize, other: usize| covers(&FlowSource::Tier(one), &FlowSource::Tier(other));
        let is_said = |(source, port): &FlowEnds| {
            self.flows.keys().any(|(other, to)| {
                (other, to) != (source, port)
                    && (to.protocol, to.number) == (port.protocol, port.number)
                    && covers(other, source)
                    && tier_covers(to.tier, port.tier)
            })
        };
        let flow = |((source, port), (trust, evidence)): (&FlowEnds, &(Trust, BTreeSet<String>))| InferredFlow {
            source: source.clone(),
            destination: port.tier,
            protocol: port.protocol,
            number: port.number,
            trust: *trust,
            evidence: evidence.clone(),
            seen: None,
        };
        // `dns` of each namespace is about these, without a flow.
        let asks_dns = |port: &TierPortAt| self.tiers.get(port.tier).is_some_and(|tier| tier.answers_dns(port.number));
        let flows = self.flows.iter().filter(|(ends, _)| !asks_dns(&ends.1) && !is_said(ends)).map(flow).collect();
        Inferred {
            flows,
            questions: self.questions.into_iter().filter(|one| !system.contains(&one.namespace)).collect(),
            system,
            left_out,
            components: self.components,
            gateways: self.gateways,
            tiers: self.tiers,
        }
    }
}

impl Inferred {
    /// Notes that a flow log has connections that passed: from a tier to a port of another one, by their names, so often.
    pub fn note_seen(&mut self, from: &str, to: &str, protocol: Protocol, number: u16, attempts: u64) {
        let Inferred { tiers, flows, .. } = self;
        let called = |name: &str| {
            let (namespace, tier) = name.split_once('/')?;
            tiers.iter().find(|one| *one.namespace == *namespace && *one.name == *tier)
        };
        let Some(destination) = called(to) else { return };
        let source = called(from);
        for flow in flows.iter_mut().filter(|flow| (flow.protocol, flow.number) == (protocol, number)) {
            let leads_there = tiers.get(flow.destination).is_some_and(|tier| tier.covers(destination));
            let comes_from = match &flow.source {
                FlowSource::Tier(at) => tiers.get(*at).zip(source).is_some_and(|(tier, source)| tier.covers(source)),
                FlowSource::Other(namespace, tier) => {
                    from.split_once('/').is_some_and(|other| other == (&**namespace, &**tier))
                }
            };
            if leads_there && comes_from {
                *flow.seen.get_or_insert(0) += attempts;
            }
        }
    }
}
