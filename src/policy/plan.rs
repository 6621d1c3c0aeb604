//! The plan: concerns made minimal, default-deny added, grouped by the layout.

use super::buckets::Buckets;
use super::concern::{self, Concern, Concerns, RulePart, Towards};
use super::name::Namer;
use super::subject::{Subject, SubjectName, Subjects};
use super::{Direction, Layout, Peer, Policy, PolicySet, Port, Rule, minimal, report};
use crate::diag::Diagnostic;
use crate::flow::{FlowSet, ManagedNamespace, Namespaces, Place};
use crate::net::Peers;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// What planning gives.
#[derive(Debug)]
pub struct Planned {
    /// The policies.
    pub policies: PolicySet,
    /// Flows that add nothing.
    pub diagnostics: Vec<Diagnostic>,
}

/// Plans the policies of a flow set.
pub fn plan(set: &FlowSet, layout: Layout) -> Planned {
    let namer = Namer::new(set);
    let (mut concerns, subjects) = concern::collect(set);
    let dns = report::dns(&concerns.list);
    let overlapping = minimal::reduce(&mut concerns.list, &namer);
    let diagnostics = report::Grants::new(set, &concerns, dns).report(&overlapping);
    let planner = Planner { set, namer, concerns: &concerns };
    let by_namespace = Buckets::new(set.namespaces.len(), concerns.list.iter().map(|concern| concern.namespace));
    let mut policies = Vec::new();
    if layout == Layout::Flow {
        policies.reserve(concerns.list.len() + set.namespaces.len());
    }
    // The namespaces are sorted, so sorting within each is enough.
    for (index, namespace) in set.namespaces.iter().enumerate() {
        let own = by_namespace.get(index).iter().filter_map(|at| concerns.list.get(*at));
        let own = own.filter(|concern| !concern.rules.is_empty());
        let first = policies.len();
        match layout {
            Layout::Flow => policies.extend(planner.by_flow(namespace, own)),
            Layout::Tier | Layout::Namespace => policies.extend(planner.by_tier(namespace, own)),
        }
        policies.extend(planner.default_deny(index, namespace, &subjects));
        if let Some(own) = policies.get_mut(first..) {
            own.sort_by(|one, other| one.name.cmp(&other.name));
        }
    }
    Planned { policies: PolicySet { policies }, diagnostics }
}

struct Planner<'a> {
    set: &'a FlowSet,
    namer: Namer<'a>,
    concerns: &'a Concerns,
}

impl Planner<'_> {
    /// The policies that isolate, and allow nothing. They are written even where an allowing policy isolates the same
    /// pods, so that taking that one away can never open them.
    fn default_deny(&self, index: usize, namespace: &ManagedNamespace, subjects: &Subjects<'_>) -> Vec<Policy> {
        let ingress = subjects.isolated(index, Direction::Ingress);
        let egress = subjects.isolated(index, Direction::Egress);
        let (both, only_ingress): (Vec<&Subject>, Vec<&Subject>) =
            ingress.iter().partition(|subject| egress.contains(subject));
        let only_egress = egress.iter().filter(|subject| !ingress.contains(subject));
        let scopes = both.into_iter().map(|subject| ("all", "ingress, egress", subject));
        let scopes = scopes.chain(only_ingress.into_iter().map(|subject| ("ingress", "ingress", subject)));
        let scopes = scopes.chain(only_egress.map(|subject| ("egress", "egress", subject)));
        let policy = |(scope, directions, subject): (&str, &str, &Subject)| {
            let limit = match &subject.name {
                SubjectName::Tier(name) => format!(" for {name}"),
                _ => String::new(),
            };
            Policy {
                namespace: namespace.name.clone(),
                name: self.namer.deny(&namespace.name, &subject.name, scope),
                subject: subject.selector.clone(),
                ingress: (scope != "egress").then(Vec::new),
                egress: (scope != "ingress").then(Vec::new),
                description: None,
                statements: vec![format!("isolate {directions}{limit}")],
            }
        };
        scopes.map(policy).collect()
    }

    /// One policy for each concern, sorted: names are lighter to sort than policies.
    fn by_flow<'c>(
        &self,
        namespace: &ManagedNamespace,
        concerns: impl Iterator<Item = &'c Concern>,
    ) -> impl Iterator<Item = Policy> {
        let mut named: Vec<(String, &Concern)> =
            concerns.map(|concern| (self.namer.concern(concern), concern)).collect();
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        named.into_iter().map(|(name, concern)| self.allow(name, namespace, concern.direction, &[concern]))
    }

    /// A policy of all the rules of concerns with the same subject and direction.
    fn allow(&self, name: String, namespace: &ManagedNamespace, direction: Direction, concerns: &[&Concern]) -> Policy {
        let subject = concerns.first().map(|concern| concern.subject.selector.clone()).unwrap_or_default();
        let mut rules = Vec::with_capacity(concerns.iter().map(|concern| concern.rules.len()).sum());
        for concern in concerns {
            rules.extend(concern.rules.iter().map(|rule| rule_of(concern.namespace, rule)));
        }
        let (ingress, egress) = match direction {
            Direction::Ingress => (Some(rules), None),
            Direction::Egress => (None, Some(rules)),
        };
        let (statements, description) = self.origin(concerns);
        Policy { namespace: namespace.name.clone(), name, subject, ingress, egress, description, statements }
    }

    /// The statements behind concerns, and their doc comments.
    fn origin(&self, concerns: &[&Concern]) -> (Vec<String>, Option<String>) {
        let ids = concerns.iter().flat_map(|concern| self.concerns.statements(concern));
        let found = ids.filter_map(|id| self.set.statement(*id));
        let mut found: SmallVec<[(&str, Option<&str>); 1]> =
            found.map(|statement| (&*statement.text, statement.doc.as_deref())).collect();
        found.sort_unstable();
        found.dedup();
        let mut docs: Vec<&str> = Vec::new();
        for doc in found.iter().filter_map(|(_, doc)| *doc) {
            if !docs.contains(&doc) {
                docs.push(doc);
            }
        }
        let description = (!docs.is_empty()).then(|| docs.join("\n\n"));
        let mut statements: Vec<String> = found.iter().map(|(text, _)| (*text).to_owned()).collect();
        statements.dedup();
        statements.extend(concerns.iter().flat_map(|concern| &concern.settings).map(|setting| setting.to_string()));
        (statements, description)
    }

    /// One policy for each subject and direction; DNS stays by itself.
    fn by_tier<'c>(&self, namespace: &ManagedNamespace, concerns: impl Iterator<Item = &'c Concern>) -> Vec<Policy> {
        let mut groups: BTreeMap<(&SubjectName, Direction), Vec<&Concern>> = BTreeMap::new();
        let mut policies = Vec::new();
        for concern in concerns {
            if concern.towards == Towards::Dns {
                policies.push(self.allow(self.namer.concern(concern), namespace, concern.direction, &[concern]));
            } else {
                groups.entry((&concern.subject.name, concern.direction)).or_default().push(concern);
            }
        }
        for ((subject, direction), mut members) in groups {
            members.sort_by_cached_key(|concern| self.namer.concern(concern));
            let name = self.namer.tier(&namespace.name, subject, direction);
            policies.push(self.allow(name, namespace, direction, &members));
        }
        policies
    }
}

fn rule_of(namespace: usize, rule: &RulePart) -> Rule {
    let mut peers = Vec::with_capacity(rule.peers.len());
    for part in &rule.peers {
        match (&part.place, &part.region) {
            (Place::Addresses(blocks), _) => peers.extend(blocks.iter().cloned().map(Peer::Block)),
            (Place::Pods { namespaces: home, .. }, Peers::Pods { namespaces, pods }) => {
                let elsewhere = *home != Namespaces::Managed(namespace);
                peers.push(Peer::Pods { namespaces: elsewhere.then(|| namespaces.clone()), pods: pods.clone() });
            }
            _ => {}
        }
    }
    Rule { peers, ports: Port::list(&rule.ports) }
}
