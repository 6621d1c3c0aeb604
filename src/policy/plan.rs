//! The plan: concerns made minimal, default-deny added, grouped by the layout.

use super::concern::{self, Concern, Concerns, RulePart, Towards};
use super::name::Namer;
use super::subject::{Subject, SubjectName, Subjects};
use super::{Direction, Layout, Peer, Policy, PolicySet, Port, Rule, minimal, report};
use crate::diag::Diagnostic;
use crate::flow::{FlowSet, Namespaces, Place, StatementId};
use crate::net::Selector;
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
    let (Concerns { mut list, contributions }, subjects) = concern::collect(set);
    let before = report::Grants::new(&list, &contributions, set);
    let overlapping = minimal::reduce(&mut list);
    let diagnostics = before.report(&overlapping);
    let planner = Planner { set, namer: Namer::new(set) };
    let mut policies = planner.default_deny(&subjects);
    list.retain(|concern| !concern.rules.is_empty());
    match layout {
        Layout::Flow => policies.extend(list.iter().filter_map(|concern| planner.policy(concern))),
        Layout::Tier | Layout::Namespace => policies.extend(planner.by_tier(&list)),
    }
    policies.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    Planned { policies: PolicySet { policies }, diagnostics }
}

struct Planner<'a> {
    set: &'a FlowSet,
    namer: Namer<'a>,
}

impl Planner<'_> {
    /// The policies that isolate, and allow nothing. They are written even where an allowing policy isolates the same
    /// pods, so that taking that one away can never open them.
    fn default_deny(&self, subjects: &Subjects<'_>) -> Vec<Policy> {
        let mut policies = Vec::new();
        for (index, namespace) in self.set.namespaces.iter().enumerate() {
            let ingress = subjects.isolated(index, Direction::Ingress);
            let egress = subjects.isolated(index, Direction::Egress);
            let (both, only_ingress): (Vec<&Subject>, Vec<&Subject>) =
                ingress.iter().partition(|subject| egress.contains(subject));
            let only_egress = egress.iter().filter(|subject| !ingress.contains(subject));
            let scopes = both.into_iter().map(|subject| ("all", "ingress, egress", subject));
            let scopes = scopes.chain(only_ingress.into_iter().map(|subject| ("ingress", "ingress", subject)));
            let scopes = scopes.chain(only_egress.map(|subject| ("egress", "egress", subject)));
            for (scope, directions, subject) in scopes {
                let limit = match &subject.name {
                    SubjectName::Tier(name) => format!(" for {name}"),
                    _ => String::new(),
                };
                policies.push(Policy {
                    namespace: namespace.name.clone(),
                    name: self.namer.deny(&namespace.name, &subject.name, scope),
                    subject: subject.selector.clone(),
                    ingress: (scope != "egress").then(Vec::new),
                    egress: (scope != "ingress").then(Vec::new),
                    description: None,
                    statements: vec![format!("isolate {directions}{limit}")],
                });
            }
        }
        policies
    }

    fn policy(&self, concern: &Concern) -> Option<Policy> {
        let rules = concern.rules.iter().map(|rule| self.rule(concern.namespace, rule)).collect();
        self.allow(
            concern.name.clone(),
            concern.namespace,
            concern.direction,
            &concern.subject.selector,
            rules,
            &[concern],
        )
    }

    fn allow(
        &self,
        name: String,
        namespace: usize,
        direction: Direction,
        subject: &Selector,
        rules: Vec<Rule>,
        concerns: &[&Concern],
    ) -> Option<Policy> {
        let (ingress, egress) = match direction {
            Direction::Ingress => (Some(rules), None),
            Direction::Egress => (None, Some(rules)),
        };
        let (statements, description) = self.origin(concerns);
        let namespace = self.set.namespaces.get(namespace)?.name.clone();
        Some(Policy { namespace, name, subject: subject.clone(), ingress, egress, description, statements })
    }

    /// The statements behind concerns, and their doc comments.
    fn origin(&self, concerns: &[&Concern]) -> (Vec<String>, Option<String>) {
        let ids = concerns.iter().flat_map(|concern| concern.statements.iter().copied());
        let found = ids.filter_map(|id: StatementId| self.set.statement(id));
        let mut found: Vec<(&str, Option<&str>)> =
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

    fn rule(&self, namespace: usize, rule: &RulePart) -> Rule {
        let peers = rule.peers.iter().flat_map(|peer| self.peers(namespace, &peer.place)).collect();
        Rule { peers, ports: Port::list(&rule.ports) }
    }

    fn peers(&self, own: usize, place: &Place) -> Vec<Peer> {
        match place {
            Place::Any => Vec::new(),
            Place::Addresses(blocks) => blocks.iter().cloned().map(Peer::Block).collect(),
            Place::Pods { namespaces: Namespaces::Managed(index), pods } if *index == own => {
                vec![Peer::Pods { namespaces: None, pods: pods.clone() }]
            }
            Place::Pods { namespaces, pods } => {
                let namespaces = Some(self.set.namespace_selector(namespaces));
                vec![Peer::Pods { namespaces, pods: pods.clone() }]
            }
        }
    }

    /// One policy for each subject and direction; DNS stays by itself.
    fn by_tier(&self, concerns: &[Concern]) -> Vec<Policy> {
        let mut groups: BTreeMap<(usize, &SubjectName, Direction), Vec<&Concern>> = BTreeMap::new();
        let mut policies = Vec::new();
        for concern in concerns {
            if concern.towards == Towards::Dns {
                policies.extend(self.policy(concern));
            } else {
                groups.entry((concern.namespace, &concern.subject.name, concern.direction)).or_default().push(concern);
            }
        }
        for ((index, subject, direction), mut members) in groups {
            members.sort_by(|one, other| one.name.cmp(&other.name));
            let Some(namespace) = self.set.namespaces.get(index) else { continue };
            let name = self.namer.tier(&namespace.name, subject, direction);
            let rules = members.iter().flat_map(|concern| &concern.rules).map(|rule| self.rule(index, rule)).collect();
            let Some(selector) = members.first().map(|concern| &concern.subject.selector) else { continue };
            policies.extend(self.allow(name, index, direction, selector, rules, &members));
        }
        policies
    }
}
