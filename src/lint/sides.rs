//! Connections of which only one side was written.

use super::labelled::Labelled;
use super::ports::Mistaken;
use super::{One, at, unfinished};
use crate::cluster::{Cluster, Labels};
use crate::diag::{Code, Diagnostic};
use crate::engine::{EndId, Engine, Member, Namespace};
use crate::k8s::inline_selector;
use crate::net::{Direction, PortSet, Requirement, Selector, Truth};
use crate::netpol::Peer;
use std::collections::BTreeSet;

/// How many pairs of pods are looked at in all.
pub(super) const MOST_PAIRS: usize = 5_000_000;

/// W0221: peers that pods have, for which the other side denies everything that the rule allows.
///
/// Looks at fewer than `most_pairs` pairs of pods. Nothing is said where a port of `mistaken` rules is likely another one: that is why. Gives the ends of which it is told
/// that those who are alike are closed to each other.
pub(super) fn check(
    all: &[One<'_>],
    engine: &Engine<'_>,
    cluster: &Cluster,
    mistaken: &Mistaken,
    most_pairs: usize,
    found: &mut Vec<Diagnostic>,
) -> BTreeSet<EndId> {
    let mut apart = BTreeSet::new();
    let world = engine.world();
    let pods = world.ids().filter_map(|id| labels(engine, id).map(|(name, labels)| (name, labels, id)));
    let by_labels = Labelled::new(pods);
    let mut pairs = most_pairs;
    for (policy, one) in all.iter().enumerate() {
        let near = by_labels.near(&one.policy.namespace, &one.policy.subject);
        let selected = |id: &EndId| world.pods(*id).is_some_and(|pods| one.policy.subject.matches(&pods.labels));
        let subjects: Vec<EndId> = near.into_iter().filter(selected).collect();
        if subjects.is_empty() {
            continue;
        }
        for (direction, rule, written) in one.all_rules() {
            for (index, peer) in written.peers.iter().enumerate() {
                let ends = ends(one, peer, engine, &by_labels);
                let half = RulePeer { engine, policy, direction, rule, peer: index };
                let Some((subject, other, isolating)) = half.closed(&subjects, &ends, &mut pairs) else { continue };
                let mut other_way = isolating.iter().map(|other| (*other, direction.other()));
                if mistaken.contains(&(policy, direction)) || other_way.any(|other| mistaken.contains(&other)) {
                    continue;
                }
                if [subject, other].iter().any(|end| is_open_by_others(engine, cluster, *end)) {
                    continue;
                }
                let runs = EndNames { engine, cluster };
                let theirs = if subject == other { runs.another(other) } else { runs.name(other) };
                let (Some(mine), Some(theirs)) = (runs.name(subject), theirs) else { continue };
                let by = isolating.first().and_then(|index| all.get(*index));
                let message = match direction {
                    Direction::Ingress => format!(
                        "{} lets {theirs} connect to {mine}, and the egress of {theirs} is closed to it: no \
                         connection comes \
                         about",
                        one.shown()
                    ),
                    Direction::Egress => format!(
                        "{} lets {mine} connect to {theirs}, and the ingress of {theirs} is closed to it: no \
                         connection comes \
                         about",
                        one.shown()
                    ),
                };
                let mut diagnostic = at(Code::W0221, one.peer_place(direction, rule, index), message);
                if let Some(place) = by.and_then(|by| by.name) {
                    diagnostic = diagnostic.with_label(place, "isolates the other side");
                }
                let (word, list) = match direction {
                    Direction::Ingress => ("egress", "to"),
                    Direction::Egress => ("ingress", "from"),
                };
                let help = match runs.as_peer(&one.policy.subject, subject, other) {
                    Some(peer) => format!(
                        "a connection needs both sides: add `{word}: [{{{list}: [{peer}]}}]` with the same ports to a \
                         policy for {theirs}"
                    ),
                    None => format!("a connection needs both sides: let it through in a policy for {theirs}, too"),
                };
                apart.extend(half.among_themselves(&subjects, &ends));
                found.push(diagnostic.with_help(help));
            }
        }
    }
    if pairs == 0 {
        found.push(unfinished("asking of each two pods whether both sides let them connect", "a side that is missing"));
    }
    apart
}

/// The pods that a peer surely is.
fn ends(one: &One<'_>, peer: &Peer, engine: &Engine<'_>, by_labels: &Labelled<'_, EndId>) -> Vec<EndId> {
    let Peer::Pods { namespaces, pods } = peer else { return Vec::new() };
    let world = engine.world();
    let is_there = |namespace: &Namespace| match namespaces {
        None => namespace.name.as_ref() == Some(&one.policy.namespace),
        Some(selector) => namespace.matches(selector) == Truth::Yes,
    };
    let names = world.namespaces.iter().filter(|namespace| is_there(namespace));
    let near = names.filter_map(|namespace| namespace.name.as_deref()).flat_map(|name| by_labels.near(name, pods));
    near.filter(|id| world.pods(*id).is_some_and(|kind| pods.matches(&kind.labels))).collect()
}

/// One peer of one rule.
struct RulePeer<'e, 'a> {
    engine: &'e Engine<'a>,
    policy: usize,
    direction: Direction,
    rule: usize,
    peer: usize,
}

impl RulePeer<'_, '_> {
    /// An example of two ends when the other side is closed for all of them, with the policies that isolate it there.
    fn closed(&self, subjects: &[EndId], ends: &[EndId], pairs: &mut usize) -> Option<(EndId, EndId, Vec<usize>)> {
        let opposite = self.direction.other();
        let mut example: Option<(EndId, EndId)> = None;
        for subject in subjects {
            for end in ends {
                *pairs = pairs.saturating_sub(1);
                if *pairs == 0 {
                    return None;
                }
                let single = self.engine.world().pods(*subject).is_some_and(|pods| !pods.several);
                let ports = self.ports(*subject, *end);
                if (subject == end && single) || ports.is_empty() {
                    continue;
                }
                let other = self.engine.side(opposite, *end, *subject);
                if other.allowed.overlaps(&ports) || other.unknown.overlaps(&ports) {
                    return None;
                }
                // Two different ones show better what is closed.
                if example.is_none_or(|(one, other)| one == other) {
                    example = Some((*subject, *end));
                }
            }
        }
        let (subject, end) = example?;
        Some((subject, end, self.engine.decision(opposite, end, subject).isolating))
    }

    /// The ends whose pods the rule lets connect to each other.
    fn among_themselves(&self, subjects: &[EndId], ends: &[EndId]) -> Vec<EndId> {
        let both = subjects.iter().filter(|subject| ends.contains(subject));
        both.filter(|end| !self.ports(**end, **end).is_empty()).copied().collect()
    }

    /// The ports that the rule allows between two ends.
    fn ports(&self, subject: EndId, end: EndId) -> PortSet {
        let grants = self.engine.decision(self.direction, subject, end).grants.into_iter();
        let mut own =
            grants.filter(|grant| (grant.policy, grant.rule, grant.peer) == (self.policy, self.rule, Some(self.peer)));
        own.next().map(|grant| grant.ports).unwrap_or_default()
    }
}

/// Whether something that is not understood may let the pods of an end through.
fn is_open_by_others(engine: &Engine<'_>, cluster: &Cluster, end: EndId) -> bool {
    labels(engine, end).is_some_and(|(namespace, _)| cluster.may_be_opened(namespace))
}

fn labels<'e>(engine: &'e Engine<'_>, id: EndId) -> Option<(&'e str, &'e Labels)> {
    let name = engine.world().namespace_of(id)?.name.as_deref()?;
    Some((name, &engine.world().pods(id)?.labels))
}

/// What the ends of a connection are called, and selected by.
struct EndNames<'e, 'a> {
    engine: &'e Engine<'a>,
    cluster: &'e Cluster,
}

impl EndNames<'_, '_> {
    fn members(&self, id: EndId) -> &[Member] {
        self.engine.world().pods(id).map(|pods| pods.members.as_slice()).unwrap_or_default()
    }

    fn workload(&self, member: &Member) -> Option<String> {
        Some(format!("`{}`", self.cluster.workloads.get(member.workload)?))
    }

    /// What runs the pods of an end.
    fn name(&self, id: EndId) -> Option<String> {
        self.workload(self.members(id).first()?)
    }

    /// Of an end of which no policy tells some pods from others, who else runs some of them, so that a sentence can speak of
    /// two.
    fn another(&self, id: EndId) -> Option<String> {
        let members = self.members(id);
        let first = members.first()?;
        let other = members.iter().find(|member| member.workload != first.workload);
        self.workload(other.unwrap_or(first))
    }

    /// What a rule is for as a peer of a policy in the namespace of the other side: by the labels that it selects, or where
    /// those are no list of labels, by few of an end that stay. `None` where there are none.
    fn as_peer(&self, subject: &Selector, id: EndId, home: EndId) -> Option<String> {
        let ((namespace, _), (other, _)) = (labels(self.engine, id)?, labels(self.engine, home)?);
        let is_list = |requirement: &Requirement<'_>| matches!(requirement, Requirement::Equals(..));
        let selector = match subject.requirements() {
            list if !list.is_empty() && list.iter().all(is_list) => subject.clone(),
            _ => {
                // Of those that no policy tells apart, the one that is named.
                let first = self.members(id).first()?;
                let own = self.members(id).iter().filter(|member| member.workload == first.workload);
                self.cluster.telling(own.map(|member| (member.workload, member.pods)))?
            }
        };
        let pods = format!("podSelector: {}", inline_selector(&selector));
        Some(match namespace == other {
            true => format!("{{{pods}}}"),
            false => {
                let name = crate::net::NAMESPACE_NAME;
                format!("{{namespaceSelector: {{matchLabels: {{{name}: {namespace}}}}}, {pods}}}")
            }
        })
    }
}
