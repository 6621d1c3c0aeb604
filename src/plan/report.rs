//! Flows that add nothing: covered by others, written twice, or between pods that are not isolated.

use super::concern::{Concerns, Contribution, PeerPart, Towards, Wishes};
use super::subject::{PolicySubject, SubjectId};
use super::{minimal, one_sided};
use crate::diag::{Code, Diagnostic};
use crate::flow::{Flow, FlowSet, PartyId, StatementId};
use crate::net::{Direction, Peers, PortSet, Region, RegionIndex, Selector, is_covered};
use crate::table::Table;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What each statement grants, before anything is taken away.
pub(super) struct StatementGrants<'a> {
    set: &'a FlowSet,
    dns: Vec<DnsGrant>,
    /// What others could cover, each with the namespace, direction and subject that it is for.
    shared: Vec<(usize, Direction, SubjectId, Contribution)>,
    /// Of each statement whether it has a part that nothing else touches: then it is not covered.
    lone: Vec<bool>,
}

/// What is granted for DNS in a namespace and direction.
pub(super) type DnsGrant = (usize, Direction, Region);

/// A part of what a statement grants.
struct Grant {
    side: (usize, Direction),
    region: Region,
}

/// The other statements that a diagnostic points to, at most.
const MOST_SHOWN: usize = 3;

/// What a flow says: the one side that it opens, its source and its targets.
type Said<'a> = (Option<Direction>, PartyId, &'a [(PartyId, PortSet)]);

/// A region as the index takes it.
type Indexed<'a> = (usize, &'a Selector, &'a Peers);

/// The different regions that statements grant, each once however often it is granted.
struct Regions<'a> {
    list: Vec<(&'a Grant, BTreeSet<StatementId>)>,
    by_statement: BTreeMap<StatementId, Vec<usize>>,
    indexes: BTreeMap<(usize, Direction), RegionIndex>,
}

impl<'a> Regions<'a> {
    fn new(grants: &'a BTreeMap<StatementId, Vec<Grant>>) -> Self {
        let mut known: HashMap<(&(usize, Direction), &Region), usize> = HashMap::new();
        let mut list: Vec<(&Grant, BTreeSet<StatementId>)> = Vec::new();
        let mut by_statement: BTreeMap<StatementId, Vec<usize>> = BTreeMap::new();
        for (id, grants) in grants {
            for grant in grants {
                let at = *known.entry((&grant.side, &grant.region)).or_insert_with(|| {
                    list.push((grant, BTreeSet::new()));
                    list.len() - 1
                });
                list.iter_mut().skip(at).take(1).for_each(|(_, grantors)| {
                    grantors.insert(*id);
                });
                by_statement.entry(*id).or_default().push(at);
            }
        }
        let mut sides: BTreeMap<(usize, Direction), Vec<Indexed<'_>>> = BTreeMap::new();
        for (at, (grant, _)) in list.iter().enumerate() {
            sides.entry(grant.side).or_default().push((at, &grant.region.subject, &grant.region.peers));
        }
        let indexes = sides.into_iter().map(|(side, items)| (side, RegionIndex::new(items))).collect();
        Regions { list, by_statement, indexes }
    }

    fn of(&self, statement: StatementId) -> Vec<usize> {
        self.by_statement.get(&statement).cloned().unwrap_or_default()
    }

    fn get(&self, at: usize) -> Option<((usize, Direction), &'a Region)> {
        self.list.get(at).map(|(grant, _)| (grant.side, &grant.region))
    }

    /// The first statement but `own` that grants exactly this region.
    fn other_grantor(&self, at: usize, own: StatementId) -> Option<StatementId> {
        self.list.get(at)?.1.iter().copied().find(|id| *id != own)
    }

    /// The other regions that overlap one and that statements but `own` grant.
    fn near(&self, at: usize, own: StatementId) -> Vec<usize> {
        let Some((grant, _)) = self.list.get(at) else { return Vec::new() };
        let found = self.indexes.get(&grant.side).map(|index| index.query(&grant.region.subject, &grant.region.peers));
        let overlaps = |other: &usize| self.get(*other).is_some_and(|(_, region)| region.overlaps(&grant.region));
        let granted = |other: &usize| self.other_grantor(*other, own).is_some();
        found
            .unwrap_or_default()
            .into_iter()
            .filter(|other| *other != at && granted(other) && overlaps(other))
            .collect()
    }

    fn drop_statement(&mut self, statement: StatementId) {
        for at in self.of(statement) {
            if let Some((_, grantors)) = self.list.get_mut(at) {
                grantors.remove(&statement);
            }
        }
    }
}

impl<'a> StatementGrants<'a> {
    /// Grants of a flow set, none as yet.
    pub(super) fn new(set: &'a FlowSet) -> Self {
        StatementGrants { set, dns: Vec::new(), shared: Vec::new(), lone: vec![false; set.statements.len()] }
    }

    /// Adds the grants of namespaces that come after those that are there.
    pub(super) fn append(&mut self, others: StatementGrants<'a>) {
        self.dns.extend(others.dns);
        self.shared.extend(others.shared);
        self.lone.iter_mut().zip(others.lone).for_each(|(lone, other)| *lone |= other);
    }

    /// Adds what the concerns of a namespace grant for DNS, before anything is taken away.
    pub(super) fn add_dns(&mut self, namespace: usize, concerns: &Concerns, wishes: &Wishes<'_>) {
        for concern in concerns.list.iter().filter(|concern| concern.towards == Towards::Dns) {
            let subject = wishes.subjects.get(concern.subject);
            for rule in &concern.rules {
                let peers = rule.peers.iter().map(|peer| wishes.peer(*peer));
                self.dns.extend(peers.map(|PeerPart { region: peers, .. }| {
                    let (subject, peers, ports) = (subject.selector.clone(), peers.clone(), rule.ports.clone());
                    (namespace, concern.direction, Region { subject, peers, ports })
                }));
            }
        }
    }

    /// Adds what the statements behind the concerns of a namespace grant; `overlapping` says of each concern whether
    /// another one overlaps it. It does not matter what has been taken away from their rules.
    pub(super) fn add(&mut self, namespace: usize, concerns: &Concerns, overlapping: &Table<usize, bool>) {
        for (at, concern) in concerns.list.iter().enumerate() {
            let added = concerns.contributions(concern);
            let first = added.first().map(|one| one.statement);
            let shared = |one: &Contribution| (namespace, concern.direction, concern.subject, *one);
            if overlapping[at] {
                self.shared.extend(added.iter().map(shared));
            } else if added.iter().any(|one| Some(one.statement) != first) {
                let ports: Vec<&PortSet> = added.iter().map(|one| self.ports(one)).collect();
                for (one, is_shared) in added.iter().zip(PortSet::shared(&ports)) {
                    if is_shared {
                        self.shared.push(shared(one));
                    } else {
                        self.mark_lone(one.statement);
                    }
                }
            } else {
                first.into_iter().for_each(|statement| self.mark_lone(statement));
            }
        }
    }

    fn mark_lone(&mut self, statement: StatementId) {
        if let Some(lone) = self.lone.get_mut(statement.0 as usize) {
            *lone = true;
        }
    }

    /// Reports the statements that add nothing.
    pub(super) fn report(mut self, wishes: &Wishes<'_>) -> Vec<Diagnostic> {
        let idle = self.without_effect(wishes);
        let mut diagnostics: Vec<Diagnostic> = idle.iter().filter_map(|id| self.idle(*id)).collect();
        // As the flows stand, so that the statements that a diagnostic points to are the first ones.
        self.shared.sort_by_key(|(_, direction, _, one)| (one.flow, Reverse(*direction), one.target));
        let mut suspects: BTreeMap<StatementId, Vec<Grant>> = BTreeMap::new();
        for (namespace, direction, subject, contribution) in &self.shared {
            let subject = wishes.subjects.get(*subject);
            let grants = self.grants((*namespace, *direction), subject, contribution);
            suspects.entry(contribution.statement).or_default().extend(grants);
        }
        let (covered, mut needless) = self.covered(&suspects);
        diagnostics.extend(covered);
        diagnostics.extend(one_sided::halves(self.set, &needless));
        needless.extend(idle);
        diagnostics.extend(one_sided::unanswered(self.set, wishes, &self.dns, &needless));
        diagnostics.extend(one_sided::wide(self.set, wishes, &self.dns));
        diagnostics
    }

    fn ports(&self, contribution: &Contribution) -> &'a PortSet {
        static NONE: PortSet = PortSet::EMPTY;
        let flow = self.set.flows.get(contribution.flow as usize);
        flow.and_then(|flow| flow.targets.get(contribution.target as usize)).map_or(&NONE, |(_, ports)| ports)
    }

    fn grants(&self, side: (usize, Direction), subject: &PolicySubject, contribution: &Contribution) -> Vec<Grant> {
        let Some(place) = &self.set.parties[contribution.peer].place else { return Vec::new() };
        let ports = self.ports(contribution);
        let grant = |peers: Peers| Grant {
            side,
            region: Region { subject: subject.selector.clone(), peers, ports: ports.clone() },
        };
        self.set.peers(place).into_iter().map(grant).collect()
    }

    /// Flows whose managed ends are not isolated in the flow's direction.
    fn without_effect(&self, wishes: &Wishes<'_>) -> Vec<StatementId> {
        let mut effective = vec![false; self.set.statements.len()];
        for contribution in &wishes.contributions {
            if let Some(slot) = effective.get_mut(contribution.statement.0 as usize) {
                *slot = true;
            }
        }
        let mut idle: Vec<StatementId> = self.set.flows.iter().map(|flow| flow.statement).collect();
        idle.sort_unstable();
        idle.dedup();
        idle.retain(|id| effective.get(id.0 as usize) == Some(&false));
        idle
    }

    fn idle(&self, id: StatementId) -> Option<Diagnostic> {
        let statement = self.set.statement(id)?;
        let message = format!("`{}` changes nothing: its pods are not isolated in this direction", statement.text);
        let help = "isolate them (`isolate ingress, egress` is what a namespace does by itself), or remove the flow";
        Some(Diagnostic::new(Code::W0011, statement.span, message).with_help(help))
    }

    /// Goes through the statements from the last to the first, those that open one side before all others, and drops those
    /// that the others cover. Gives what is said of them, and which they are.
    fn covered(&self, suspects: &BTreeMap<StatementId, Vec<Grant>>) -> (Vec<Diagnostic>, BTreeSet<StatementId>) {
        let mut regions = Regions::new(suspects);
        let mut order: Vec<&StatementId> =
            suspects.keys().filter(|id| self.lone.get(id.0 as usize) != Some(&true)).collect();
        order.sort_by_key(|id| {
            let span = self.set.statement(**id).map(|statement| statement.span);
            (self.flows_of(**id).first().is_none_or(|flow| flow.side.is_none()), Reverse(span))
        });
        let (mut diagnostics, mut dropped) = (Vec::new(), BTreeSet::new());
        for id in order {
            let parts = regions.of(*id);
            let mut coverers: Vec<StatementId> = Vec::new();
            let mut by_dns = false;
            let covered = parts.iter().all(|part| {
                if let Some(other) = regions.other_grantor(*part, *id) {
                    coverers.push(other);
                    return true;
                }
                let Some((side, region)) = regions.get(*part) else { return false };
                let near = regions.near(*part, *id);
                let dns = self.dns.iter().filter(|(namespace, direction, _)| (*namespace, *direction) == side);
                let dns: Vec<&Region> =
                    dns.map(|(_, _, region)| region).filter(|other| other.overlaps(region)).collect();
                coverers.extend(near.iter().take(MOST_SHOWN).filter_map(|other| regions.other_grantor(*other, *id)));
                by_dns |= !dns.is_empty();
                let others = near.iter().filter_map(|other| regions.get(*other)).map(|(_, region)| region);
                let others: Vec<&Region> = others.chain(dns).collect();
                let parts = minimal::possible(region.clone(), Some(side.1));
                parts.iter().all(|part| is_covered(part, &others))
            });
            if covered && !parts.is_empty() {
                regions.drop_statement(*id);
                dropped.insert(*id);
                diagnostics.extend(self.redundant(*id, coverers, by_dns));
            }
        }
        (diagnostics, dropped)
    }

    fn redundant(&self, id: StatementId, mut coverers: Vec<StatementId>, by_dns: bool) -> Option<Diagnostic> {
        let statement = self.set.statement(id)?;
        coverers.sort_unstable();
        coverers.dedup();
        let same = self.said_by(id);
        let twin = coverers.iter().find(|other| self.said_by(**other) == same);
        if let Some(twin) = twin.and_then(|id| self.set.statement(*id)) {
            let (message, label) = if statement.text == twin.text {
                (format!("`{}` is written twice", statement.text), "first written here")
            } else {
                (format!("`{}` says the same as `{}`", statement.text, twin.text), "the other one")
            };
            let diagnostic = Diagnostic::new(Code::W0002, statement.span, message);
            return Some(diagnostic.with_label(twin.span, label).with_help("remove one of them"));
        }
        let mut diagnostic = Diagnostic::new(
            Code::W0001,
            statement.span,
            format!("`{}` adds nothing: what it allows is allowed already", statement.text),
        );
        for other in coverers.iter().take(MOST_SHOWN).filter_map(|id| self.set.statement(*id)) {
            diagnostic = diagnostic.with_label(other.span, "allowed here");
        }
        let help = if by_dns && coverers.is_empty() {
            "remove it: DNS is allowed by itself wherever egress is isolated"
        } else {
            "remove it, or narrow the wider flow"
        };
        Some(diagnostic.with_help(help))
    }

    /// The flows of a statement.
    fn flows_of(&self, id: StatementId) -> &'a [Flow] {
        let from = self.set.flows.partition_point(|flow| flow.statement < id);
        let own = self.set.flows.get(from..).unwrap_or_default();
        let end = own.iter().take_while(|flow| flow.statement == id).count();
        own.get(..end).unwrap_or_default()
    }

    /// What a statement says, for comparison.
    fn said_by(&self, id: StatementId) -> Vec<Said<'a>> {
        let mut flows: Vec<_> =
            self.flows_of(id).iter().map(|flow| (flow.side, flow.source, flow.targets.as_slice())).collect();
        flows.sort_unstable();
        flows
    }
}
