//! The plan: concerns made minimal, default-deny added, grouped by the layout.

use super::concern::{self, Concern, Concerns, PeerForm, PeerId, PeerPart, RulePart, Towards, Wishes};
use super::name::Namer;
use super::subject::{PolicySubject, SubjectName};
use super::{Layout, minimal, report};
use crate::diag::Diagnostic;
use crate::flow::{FlowSet, ManagedNamespace, Statement, StatementId};
use crate::net::{Direction, IpBlock, Peers};
use crate::netpol::{Peer, Policy, PolicyKind, PolicySet, Port, Rule};
use crate::parallel;
use crate::source::Excerpt;
use rustc_hash::FxHashSet;
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

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
    /// Fewer namespaces are planned sooner than a thread has begun with them.
    const LEAST: usize = 8;
    let (wishes, namer) = (concern::collect(set), Namer::new(set));
    let namespaces: Vec<(usize, &ManagedNamespace)> = set.namespaces.iter().enumerate().collect();
    let parts = parallel::parts(&namespaces, LEAST, |part| of_namespaces(set, layout, part, &wishes, &namer));
    let mut grants = report::StatementGrants::new(set);
    let mut policies = Vec::new();
    for (planned, granted) in parts {
        grants.append(granted);
        match policies.is_empty() {
            true => policies = planned,
            false => policies.extend(planned),
        }
    }
    Planned { policies: PolicySet { policies }, diagnostics: grants.report(&wishes) }
}

/// The policies of some namespaces, which are sorted, and what their statements grant.
fn of_namespaces<'a>(
    set: &'a FlowSet,
    layout: Layout,
    namespaces: &[(usize, &ManagedNamespace)],
    wishes: &Wishes<'_>,
    namer: &Namer<'_>,
) -> (Vec<Policy>, report::StatementGrants<'a>) {
    let mut policies = Vec::new();
    if layout == Layout::Flow {
        policies.reserve(wishes.most_concerns(namespaces.iter().map(|(index, _)| *index)) + namespaces.len());
    }
    let mut grants = report::StatementGrants::new(set);
    let mut concerns = Concerns::default();
    let form = BlockForm { pods_apart: set.cni.excepts_pods(), without_exceptions: set.cni.denies_exceptions() };
    // The namespaces are sorted, so sorting within each is enough.
    for &(index, namespace) in namespaces {
        wishes.concerns_of(index, &mut concerns);
        grants.add_dns(index, &concerns, wishes);
        let overlapping = minimal::reduce(&mut concerns, wishes, namer, &namespace.name);
        grants.add(index, &concerns, &overlapping);
        let planner = Planner { set, index, namer, wishes, concerns: &concerns, form };
        let first = policies.len();
        match layout {
            Layout::Flow => planner.by_flow(namespace, &mut policies),
            Layout::Tier | Layout::Namespace => policies.extend(planner.by_tier(namespace)),
        }
        policies.extend(planner.default_deny(namespace));
        if let Some(own) = policies.get_mut(first..) {
            own.sort_by(|one, other| one.name.cmp(&other.name));
        }
    }
    (policies, grants)
}

/// Makes the policies of one namespace.
struct Planner<'a> {
    set: &'a FlowSet,
    /// The namespace.
    index: usize,
    namer: &'a Namer<'a>,
    wishes: &'a Wishes<'a>,
    concerns: &'a Concerns,
    form: BlockForm,
}

/// How the CNI wants its blocks.
#[derive(Debug, Clone, Copy)]
struct BlockForm {
    /// In other rules than pods, when they have exceptions.
    pods_apart: bool,
    /// As all that is left of them.
    without_exceptions: bool,
}

impl<'a> Planner<'a> {
    /// The policies that isolate, and allow nothing. They are written even where an allowing policy isolates the same
    /// pods, so that taking that one away can never open them.
    fn default_deny(&self, namespace: &ManagedNamespace) -> Vec<Policy> {
        let ingress = self.wishes.subjects.isolated(self.index, Direction::Ingress);
        let egress = self.wishes.subjects.isolated(self.index, Direction::Egress);
        let key = |subject: &'a PolicySubject| (&subject.name, &subject.selector);
        let known = |subjects: &'a [PolicySubject]| subjects.iter().map(key).collect::<BTreeSet<_>>();
        let (of_ingress, of_egress) = (known(ingress), known(egress));
        let (both, only_ingress): (Vec<&PolicySubject>, Vec<&PolicySubject>) =
            ingress.iter().partition(|subject| of_egress.contains(&key(subject)));
        let only_egress = egress.iter().filter(|subject| !of_ingress.contains(&key(subject)));
        let scopes = both.into_iter().map(|subject| ("all", "ingress, egress", subject));
        let scopes = scopes.chain(only_ingress.into_iter().map(|subject| ("ingress", "ingress", subject)));
        let scopes = scopes.chain(only_egress.map(|subject| ("egress", "egress", subject)));
        let policy = |(scope, directions, subject): (&str, &str, &PolicySubject)| {
            let limit = match &subject.name {
                SubjectName::Tier(name) => format!(" for {name}"),
                SubjectName::Every
                | SubjectName::Both(..)
                | SubjectName::Foreign(..)
                | SubjectName::Dns
                | SubjectName::StrictDns => String::new(),
            };
            Policy {
                kind: PolicyKind::NetworkPolicy,
                namespace: namespace.name.clone(),
                name: self.namer.deny(&subject.name, scope).into(),
                subject: subject.selector.clone(),
                ingress: (scope != "egress").then(Vec::new),
                egress: (scope != "ingress").then(Vec::new),
                description: None,
                statements: smallvec![format!("isolate {directions}{limit}").into()],
            }
        };
        scopes.map(policy).collect()
    }

    /// Adds one policy for each concern, sorted: names are lighter to sort than policies.
    fn by_flow(&self, namespace: &ManagedNamespace, policies: &mut Vec<Policy>) {
        // All in one text, which the policies share.
        let mut names = String::new();
        let mut named: Vec<(Range<usize>, &Concern)> = Vec::with_capacity(self.concerns.list.len());
        for concern in lively(self.concerns.list.as_slice()) {
            let subject = self.wishes.subjects.get(concern.subject);
            let start = names.len();
            self.namer.push_concern(&namespace.name, &subject.name, concern, &mut names);
            named.push((start..names.len(), concern));
        }
        sort_by_name(&mut named, names.as_bytes());
        let names: Arc<str> = names.into();
        policies.extend(
            named
                .into_iter()
                .map(|(range, concern)| self.allow(Excerpt::new(&names, range), namespace, concern, &[concern])),
        );
    }

    fn name(&self, namespace: &ManagedNamespace, concern: &Concern) -> String {
        self.namer.concern(&namespace.name, &self.wishes.subjects.get(concern.subject).name, concern)
    }

    /// A policy of all the rules of concerns with the same subject and direction as `one` of them.
    fn allow(&self, name: Excerpt, namespace: &ManagedNamespace, one: &Concern, concerns: &[&Concern]) -> Policy {
        let mut rules = Vec::with_capacity(concerns.iter().map(|concern| concern.rules.len()).sum());
        for rule in concerns.iter().flat_map(|concern| &concern.rules) {
            self.push_rules(rule, &mut rules);
        }
        let (ingress, egress) = match one.direction {
            Direction::Ingress => (Some(rules), None),
            Direction::Egress => (None, Some(rules)),
        };
        let (statements, description) = self.origin(concerns);
        Policy {
            kind: PolicyKind::NetworkPolicy,
            namespace: namespace.name.clone(),
            name,
            subject: self.wishes.subjects.get(one.subject).selector.clone(),
            ingress,
            egress,
            description,
            statements,
        }
    }

    /// The statements behind concerns, and their doc comments.
    fn origin(&self, concerns: &[&Concern]) -> (SmallVec<[Excerpt; 1]>, Option<String>) {
        let added = concerns.iter().flat_map(|concern| self.concerns.contributions(concern));
        let mut ids: SmallVec<[StatementId; 4]> = added.map(|added| added.statement).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found: SmallVec<[&Statement; 1]> = ids.iter().filter_map(|id| self.set.statement(*id)).collect();
        found.sort_by(|one, other| (&one.text, &one.doc).cmp(&(&other.text, &other.doc)));
        let mut known = FxHashSet::default();
        let docs = found.iter().filter_map(|statement| statement.doc.as_deref());
        let docs: Vec<&str> = docs.filter(|doc| known.insert(*doc)).collect();
        let description = (!docs.is_empty()).then(|| docs.join("\n\n"));
        let mut statements: SmallVec<[Excerpt; 1]> = found.iter().map(|statement| statement.text.clone()).collect();
        statements.dedup();
        statements.extend(concerns.iter().flat_map(|concern| &concern.settings).map(|setting| setting.clone().into()));
        (statements, description)
    }

    /// One policy for each subject and direction; DNS stays by itself.
    fn by_tier(&self, namespace: &ManagedNamespace) -> Vec<Policy> {
        let mut policies = Vec::new();
        let same = |one: &Concern, other: &Concern| (one.subject, one.direction) == (other.subject, other.direction);
        for group in self.concerns.list.as_slice().chunk_by(same) {
            let mut members: Vec<(String, &Concern)> = Vec::with_capacity(group.len());
            for concern in lively(group) {
                let name = self.name(namespace, concern);
                if concern.towards == Towards::Dns {
                    policies.push(self.allow(name.into(), namespace, concern, &[concern]));
                } else {
                    members.push((name, concern));
                }
            }
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            let members: Vec<&Concern> = members.into_iter().map(|(_, concern)| concern).collect();
            let Some(first) = members.first() else { continue };
            let subject = self.wishes.subjects.get(first.subject);
            let name = self.namer.tier(&namespace.name, &subject.name, first.direction);
            policies.push(self.allow(name.into(), namespace, first, &members));
        }
        policies
    }

    /// Adds a rule, or two where the CNI would take the exceptions of blocks off the pods.
    fn push_rules(&self, rule: &RulePart, rules: &mut Vec<Rule>) {
        let Rule { peers, ports, learns_names } = self.rule(rule);
        let is_pods = |peer: &Peer| matches!(peer, Peer::Pods { .. });
        let has_exceptions = |peer: &Peer| matches!(peer, Peer::Block(block) if !block.except.is_empty());
        if self.form.pods_apart && peers.iter().any(is_pods) && peers.iter().any(has_exceptions) {
            let (pods, blocks) = peers.into_iter().partition(is_pods);
            rules.push(Rule { peers: pods, ports: ports.clone(), learns_names });
            rules.push(Rule { peers: blocks, ports, learns_names });
        } else {
            rules.push(Rule { peers, ports, learns_names });
        }
    }

    fn rule(&self, rule: &RulePart) -> Rule {
        let peer = |PeerPart { region, form }: &PeerPart| match (form, region) {
            (PeerForm::Block(block), _) => Some(Peer::Block(block.clone())),
            (PeerForm::Unlisted(unlisted), _) => Some(Peer::Unlisted(unlisted.clone())),
            (PeerForm::Pods(home), Peers::Pods { namespaces, pods }) => {
                let own = *home == Some(self.index);
                Some(Peer::Pods { namespaces: (!own).then(|| namespaces.clone()), pods: pods.clone() })
            }
            _ => None,
        };
        let peers: SmallVec<[Peer; 1]> = rule.peers.iter().filter_map(|id| peer(self.wishes.peer(*id))).collect();
        let is_anything = |id: &PeerId| self.wishes.peer(*id).region == Peers::Any;
        assert!(!peers.is_empty() || rule.peers.iter().any(is_anything), "a rule without peers is one for everybody");
        let peers = if self.form.without_exceptions { without_exceptions(peers) } else { disjoint(peers) };
        Rule { peers, ports: Port::list(&rule.ports), learns_names: false }
    }
}

/// Sorts items by their names, which are these ranges of `names`. The names of a namespace begin alike, so they are
/// compared by what stands behind that, and mostly as one number. The order of all policies is made sure of afterwards:
/// that is quick when they are sorted.
fn sort_by_name<T>(named: &mut [(Range<usize>, T)], names: &[u8]) {
    let name = |range: &Range<usize>| names.get(range.clone()).unwrap_or_default();
    let first = named.first().map(|(range, _)| name(range)).unwrap_or_default();
    let alike = named.iter().fold(first.len(), |alike, (range, _)| {
        name(range).iter().zip(first).take(alike).take_while(|(one, other)| one == other).count()
    });
    named.sort_by_cached_key(|(range, _)| {
        let rest = name(range).get(alike..).unwrap_or_default();
        let mut start = [0; 8];
        start.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
        (u64::from_be_bytes(start), rest)
    });
}

/// Peers whose blocks do not lie in one another: see [`IpBlock::disjoint`].
fn disjoint(peers: SmallVec<[Peer; 1]>) -> SmallVec<[Peer; 1]> {
    let blocks = || {
        peers.iter().filter_map(|peer| match peer {
            Peer::Block(block) => Some(block),
            Peer::Pods { .. } | Peer::Unlisted(_) => None,
        })
    };
    if blocks().nth(1).is_none() {
        return peers;
    }
    let mut joined = IpBlock::disjoint(blocks().cloned().collect());
    if joined.len() == blocks().count() {
        return peers;
    }
    joined.sort_by_cached_key(IpBlock::addresses);
    let pods = peers.into_iter().filter(|peer| !matches!(peer, Peer::Block(_)));
    pods.chain(joined.into_iter().map(Peer::Block)).collect()
}

/// The same with blocks that have no exceptions, and of which none lies in another one.
fn without_exceptions(peers: SmallVec<[Peer; 1]>) -> SmallVec<[Peer; 1]> {
    let has_exceptions = |peer: &Peer| matches!(peer, Peer::Block(block) if !block.except.is_empty());
    if !peers.iter().any(has_exceptions) {
        return disjoint(peers);
    }
    let (blocks, others): (Vec<Peer>, Vec<Peer>) = peers.into_iter().partition(|peer| matches!(peer, Peer::Block(_)));
    let blocks = blocks.into_iter().filter_map(|peer| match peer {
        Peer::Block(block) => Some(block),
        Peer::Pods { .. } | Peer::Unlisted(_) => None,
    });
    let left = IpBlock::all_addresses(&blocks.collect::<Vec<_>>()).to_nets();
    let left = left.into_iter().map(|cidr| Peer::Block(IpBlock { cidr, except: Vec::new() }));
    others.into_iter().chain(left).collect()
}

/// The concerns of which something is left.
fn lively(concerns: &[Concern]) -> impl Iterator<Item = &Concern> {
    concerns.iter().filter(|concern| !concern.rules.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_all_their_bytes() {
        for names in [
            &["allow-a-to-b", "allow-a", "allow-b-to-a", "allow-a-to-c"][..],
            &["x-same-eight-bytes-2", "x-same-eight-bytes-10", "x-same-eight-bytes", "x-same-eight-bytes-1"],
            // Alike in eight bytes behind what all begin with, which is nothing.
            &["x-same-eight-bytes-2", "y", "x-same-eight-bytes-10", "x-same-eight-bytes-1"],
            &["b", "a", "", "ab"],
            &["one"],
            &[],
        ] {
            let text = names.concat();
            let mut end = 0;
            let mut named: Vec<(Range<usize>, &str)> = Vec::new();
            for name in names {
                named.push((end..end + name.len(), name));
                end += name.len();
            }
            sort_by_name(&mut named, text.as_bytes());
            let mut sorted = names.to_vec();
            sorted.sort_unstable();
            assert_eq!(named.iter().map(|(_, name)| *name).collect::<Vec<_>>(), sorted);
        }
    }
}
