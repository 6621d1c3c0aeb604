//! Concerns: one subject in one direction towards one peer as written.

use super::buckets::Buckets;
use super::subject::{SubjectId, Subjects};
use crate::flow::{DnsService, Flow, FlowSet, Namespaces, PartyId, Place, StatementId};
use crate::net::{Direction, IpBlock, Peers, PortSet, Selector, Unlisted};
use crate::table::{Id, Table, known, number};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// What a concern is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Towards {
    /// A party, as the flows write it.
    Party(PartyId),
    /// The DNS servers, or for these the namespaces that ask them.
    Dns,
}

/// A policy to be: rules that all have the same subject, direction and peer.
#[derive(Debug)]
pub(super) struct Concern {
    /// The pods it selects.
    pub subject: SubjectId,
    /// The direction.
    pub direction: Direction,
    /// What it is about.
    pub towards: Towards,
    /// What it allows. Nearly all have one rule with one peer, and need no memory of their own for them.
    pub rules: SmallVec<[RulePart; 1]>,
    /// What the flows add to it: see [`Concerns::contributions`].
    pub contributions: Range<u32>,
    /// The `dns` settings that ask for it.
    pub settings: BTreeSet<Arc<str>>,
}

/// A rule to be: all its peers on all its ports.
#[derive(Debug, Clone)]
pub(super) struct RulePart {
    /// The peers; a peer that is anything at all has a rule of its own.
    pub peers: SmallVec<[PeerId; 2]>,
    /// The ports.
    pub ports: PortSet,
}

/// A peer to be, by its place among all: see [`Wishes::peer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeerId(u32);

impl Id for PeerId {
    fn at(place: usize) -> Self {
        PeerId(number(place))
    }

    fn place(self) -> usize {
        self.0 as usize
    }
}

/// A peer to be.
#[derive(Debug)]
pub(super) struct PeerPart {
    /// It as regions see it.
    pub region: Peers,
    /// It as policies write it.
    pub form: PeerForm,
}

/// How policies write a peer.
#[derive(Debug)]
pub(super) enum PeerForm {
    /// Pods, with their managed namespace where it is one: its own policies do not name it.
    Pods(Option<usize>),
    /// A block of addresses.
    Block(IpBlock),
    /// What a target can name without an address.
    Unlisted(Unlisted),
    /// Anything at all, so that the rule names no peer.
    Any,
}

/// What one flow adds to one concern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contribution {
    /// The flow's statement.
    pub statement: StatementId,
    /// The flow, by its place in the flow set.
    pub flow: u32,
    /// The target that gives the ports, by its place in the flow.
    pub target: u32,
    /// The peer without groups.
    pub peer: PartyId,
    subject: SubjectId,
    direction: Direction,
    towards: PartyId,
}

/// The concerns of one managed namespace.
#[derive(Debug, Default)]
pub(super) struct Concerns {
    /// The concerns by subject, and for each subject by direction.
    pub list: Table<usize, Concern>,
    /// What the flows add, by concern.
    contributions: Vec<Contribution>,
}

impl Concerns {
    /// What the flows add to a concern.
    pub(super) fn contributions(&self, concern: &Concern) -> &[Contribution] {
        let Range { start, end } = concern.contributions;
        self.contributions.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// The peers to be, each made once however many rules name it.
#[derive(Default)]
struct PeerParts {
    list: Table<PeerId, PeerPart>,
    /// For each party that is a peer those that it comes to.
    of_party: Table<PartyId, Option<Range<u32>>>,
}

impl PeerParts {
    /// Makes those that a party comes to.
    fn add_party(&mut self, set: &FlowSet, id: PartyId) {
        if self.of_party[id].is_none() {
            let place = set.parties[id].place.as_ref();
            self.of_party[id] = Some(place.map(|place| self.of_place(set, place)).unwrap_or_default());
        }
    }

    fn of_party(&self, id: PartyId) -> Range<u32> {
        known(self.of_party[id].clone())
    }

    fn of_place(&mut self, set: &FlowSet, place: &Place) -> Range<u32> {
        let first = self.len();
        match place {
            Place::Addresses(blocks) => self.list.extend(blocks.iter().map(|block| PeerPart {
                region: Peers::Addresses(block.addresses()),
                form: PeerForm::Block(block.clone()),
            })),
            Place::Pods { namespaces, .. } => {
                let home = match namespaces {
                    Namespaces::Managed(index) => Some(*index),
                    Namespaces::Named(_) | Namespaces::Labelled(_) | Namespaces::Every => None,
                };
                let part = |region| PeerPart { region, form: PeerForm::Pods(home) };
                self.list.extend(set.peers(place).into_iter().map(part));
            }
            Place::Unlisted(unlisted) => self.list.extend([PeerPart {
                region: Peers::Addresses(unlisted.addresses()),
                form: PeerForm::Unlisted(unlisted.clone()),
            }]),
            Place::Any => {
                self.list.push(PeerPart { region: Peers::Any, form: PeerForm::Any });
            }
        }
        first..self.len()
    }

    fn len(&self) -> u32 {
        number(self.list.len())
    }

    fn region(&self, id: PeerId) -> &Peers {
        &self.list[id].region
    }

    fn is_any(&self, id: PeerId) -> bool {
        *self.region(id) == Peers::Any
    }

    fn add_rule(&self, rules: &mut Rules, peers: Range<u32>, ports: &PortSet) {
        let peers = peers.map(PeerId);
        let anything = !rules.list.is_empty() && peers.clone().any(|peer| self.is_any(peer));
        // A peer that is anything at all is the only one of its rule.
        let is_shared = |rule: &RulePart| !rule.peers.first().is_some_and(|peer| self.is_any(*peer));
        match rules.of_ports(ports, is_shared).filter(|_| !anything) {
            Some(rule) => rule.peers.extend(peers),
            None => rules.list.push(RulePart { peers: peers.collect(), ports: ports.clone() }),
        }
    }

    /// Rules in an order that does not depend on where things are declared.
    fn sort_rules(&self, rules: &mut [RulePart]) {
        for rule in rules.iter_mut().filter(|rule| rule.peers.len() > 1) {
            rule.peers.sort_by_key(|peer| self.region(*peer));
        }
        if rules.len() > 1 {
            rules.sort_by(|one, other| {
                let regions = |rule: &RulePart| rule.peers.iter().map(|peer| self.region(*peer)).collect::<Vec<_>>();
                regions(one).cmp(&regions(other)).then_with(|| one.ports.cmp(&other.ports))
            });
        }
    }
}

/// Rules to be of one concern.
#[derive(Default)]
struct Rules {
    list: SmallVec<[RulePart; 1]>,
    /// Those with these ports that take further peers, by their places; looked for only when there are many.
    of_ports: FxHashMap<PortSet, usize>,
    /// How many are in there, or are not to be.
    filed: usize,
}

impl Rules {
    /// The first rule with these ports that `is_shared`.
    fn of_ports(&mut self, ports: &PortSet, is_shared: impl Fn(&RulePart) -> bool) -> Option<&mut RulePart> {
        const FEW: usize = 8;
        if self.list.len() <= FEW {
            return self.list.iter_mut().find(|rule| rule.ports == *ports && is_shared(rule));
        }
        for (at, rule) in self.list.iter().enumerate().skip(self.filed).filter(|(_, rule)| is_shared(rule)) {
            self.of_ports.entry(rule.ports.clone()).or_insert(at);
        }
        self.filed = self.list.len();
        self.of_ports.get(ports).and_then(|at| self.list.get_mut(*at))
    }
}

/// Rules for DNS, and the settings that ask for them.
#[derive(Default)]
struct Asked {
    rules: Rules,
    settings: BTreeSet<Arc<str>>,
}

/// Everything that the flows and DNS ask for. The concerns of each namespace are made of it when their turn comes, so
/// that those of all namespaces never take memory at once.
pub(super) struct Wishes<'a> {
    set: &'a FlowSet,
    /// Whom the concerns select.
    pub subjects: Subjects<'a>,
    /// What the flows add, in their order.
    pub contributions: Vec<Contribution>,
    peers: PeerParts,
    /// What DNS needs, for each subject and direction.
    dns: FxHashMap<(SubjectId, Direction), Asked>,
    /// The subjects of each namespace.
    by_namespace: Buckets,
    /// The contributions of each subject.
    by_subject: Buckets,
}

/// Collects what a flow set asks for.
pub(super) fn collect(set: &FlowSet) -> Wishes<'_> {
    let mut wishes = Wishes {
        set,
        subjects: Subjects::new(set),
        // Most flows make a concern on each side.
        contributions: Vec::with_capacity(2 * set.flows.len()),
        peers: PeerParts {
            list: Table::with_capacity(set.parties.len()),
            of_party: vec![None; set.parties.len()].into(),
        },
        dns: FxHashMap::default(),
        by_namespace: Buckets::default(),
        by_subject: Buckets::default(),
    };
    for (index, flow) in (0..).zip(&set.flows) {
        if flow.opens(Direction::Egress) {
            wishes.egress(index, flow);
        }
        if flow.opens(Direction::Ingress) {
            wishes.ingress(index, flow);
        }
    }
    for added in &wishes.contributions {
        wishes.peers.add_party(set, added.peer);
    }
    wishes.dns_egress();
    wishes.dns_ingress();
    wishes.by_namespace = wishes.subjects.by_namespace();
    let subjects = wishes.contributions.iter().map(|one| one.subject.place());
    wishes.by_subject = Buckets::new(wishes.subjects.len(), subjects);
    wishes
}

impl<'a> Wishes<'a> {
    /// A peer of a rule.
    pub(super) fn peer(&self, id: PeerId) -> &PeerPart {
        &self.peers.list[id]
    }

    /// On which side of which namespace something is added, and for whom.
    pub(super) fn subject_of(&self, added: &Contribution) -> (usize, Direction, &Selector) {
        (self.subjects.home(added.subject), added.direction, &self.subjects.get(added.subject).selector)
    }

    /// How many concerns there are in some namespaces at most.
    pub(super) fn most_concerns(&self, namespaces: impl Iterator<Item = usize>) -> usize {
        let subjects = namespaces.flat_map(|namespace| self.by_namespace.get(namespace));
        // DNS has one for each direction.
        subjects.map(|subject| self.by_subject.get(*subject).len() + Direction::ALL.len()).sum()
    }

    fn leaves(&self, party: PartyId) -> &'a [PartyId] {
        &self.set.parties[party].leaves
    }

    fn egress(&mut self, index: u32, flow: &Flow) {
        for source in self.leaves(flow.source) {
            let subjects = self.subjects.of(Direction::Egress, *source);
            for &subject in self.subjects.numbered(subjects) {
                for (target, (peer, _)) in (0..).zip(&flow.targets) {
                    let (direction, towards, statement) = (Direction::Egress, flow.destination, flow.statement);
                    let added =
                        Contribution { statement, flow: index, target, peer: *peer, subject, direction, towards };
                    self.contributions.push(added);
                }
            }
        }
    }

    fn ingress(&mut self, index: u32, flow: &Flow) {
        for (target, (party, _)) in (0..).zip(&flow.targets) {
            let subjects = self.subjects.of(Direction::Ingress, *party);
            for &subject in self.subjects.numbered(subjects) {
                for peer in self.leaves(flow.source) {
                    let (direction, towards, statement) = (Direction::Ingress, flow.source, flow.statement);
                    let added =
                        Contribution { statement, flow: index, target, peer: *peer, subject, direction, towards };
                    self.contributions.push(added);
                }
            }
        }
    }

    /// DNS for all isolated pods of each namespace.
    fn dns_egress(&mut self) {
        for (index, namespace) in self.set.namespaces.iter().enumerate() {
            for subject in self.subjects.number_isolated(index, Direction::Egress) {
                let mut rules = Rules::default();
                for DnsService { place, ports, .. } in &namespace.dns {
                    let peers = self.peers.of_place(self.set, place);
                    self.peers.add_rule(&mut rules, peers, ports);
                }
                self.add_dns(subject, Direction::Egress, rules.list, [namespace.dns_setting.clone()]);
            }
        }
    }

    /// Where DNS pods are isolated themselves, they are opened to every namespace that may ask them. That its own egress
    /// is not isolated does not help it there.
    fn dns_ingress(&mut self) {
        let mut asked: BTreeMap<SubjectId, Asked> = BTreeMap::new();
        for (index, namespace) in self.set.namespaces.iter().enumerate() {
            let mut asking = None;
            for server in &namespace.dns {
                let Some(pods) = &server.pods else { continue };
                for subject in self.subjects.answering(pods) {
                    let all = Place::Pods { namespaces: Namespaces::Managed(index), pods: Selector::everything() };
                    let asking = asking.get_or_insert_with(|| self.peers.of_place(self.set, &all)).clone();
                    let asked = asked.entry(subject).or_default();
                    self.peers.add_rule(&mut asked.rules, asking, &server.ports);
                    asked.settings.insert(namespace.dns_setting.clone());
                }
            }
        }
        for (subject, Asked { rules, settings }) in asked {
            self.add_dns(subject, Direction::Ingress, rules.list, settings);
        }
    }

    /// Adds to what DNS needs. Two settings can come to the same pods: the DNS pods that `cluster` means, and a tier
    /// of them.
    fn add_dns(
        &mut self,
        subject: SubjectId,
        direction: Direction,
        rules: SmallVec<[RulePart; 1]>,
        settings: impl IntoIterator<Item = Arc<str>>,
    ) {
        if !rules.is_empty() {
            let asked = self.dns.entry((subject, direction)).or_default();
            asked.rules.list.extend(rules);
            asked.settings.extend(settings);
        }
    }

    /// Puts the concerns of a namespace in place of those in `concerns`: what the flows add and what DNS needs, subject
    /// by subject.
    pub(super) fn concerns_of(&self, namespace: usize, concerns: &mut Concerns) {
        let Concerns { list, contributions } = concerns;
        list.clear();
        contributions.clear();
        for subject in self.by_namespace.get(namespace).iter().copied().map(SubjectId::at) {
            let from = contributions.len();
            let own = self.by_subject.get(subject.place()).iter().filter_map(|at| self.contributions.get(*at));
            contributions.extend(own);
            let own = contributions.get_mut(from..).unwrap_or_default();
            own.sort_unstable_by_key(|one| (one.direction, one.towards, one.peer, one.flow, one.target));
            let ingress = own.partition_point(|one| one.direction == Direction::Ingress);
            let sides = own.split_at_checked(ingress).unwrap_or_default();
            let mut start = number(from);
            for (direction, own) in [(Direction::Ingress, sides.0), (Direction::Egress, sides.1)] {
                for same in own.chunk_by(|one, other| one.towards == other.towards) {
                    let end = start + number(same.len());
                    let towards = same.first().map_or(Towards::Dns, |one| Towards::Party(one.towards));
                    let (rules, settings) = (self.rules(same), BTreeSet::new());
                    let contributions = start..end;
                    start = end;
                    list.push(Concern { subject, direction, towards, rules, contributions, settings });
                }
                if let Some(Asked { rules, settings }) = self.dns.get(&(subject, direction)) {
                    let (mut rules, settings) = (rules.list.clone(), settings.clone());
                    self.peers.sort_rules(&mut rules);
                    let (towards, contributions) = (Towards::Dns, start..start);
                    list.push(Concern { subject, direction, towards, rules, contributions, settings });
                }
            }
        }
    }

    /// The rules of what flows add to one concern, sorted by peer: peers with the same ports are one rule.
    fn rules(&self, added: &[Contribution]) -> SmallVec<[RulePart; 1]> {
        let set = self.set;
        let ports = |one: &Contribution| Some(&set.flows.get(one.flow as usize)?.targets.get(one.target as usize)?.1);
        let mut rules = Rules::default();
        for same in added.chunk_by(|one, other| one.peer == other.peer) {
            let Some(one) = same.first() else { continue };
            let ports = PortSet::union_of(same.iter().filter_map(ports));
            let peers = self.peers.of_party(one.peer);
            self.peers.add_rule(&mut rules, peers, &ports);
        }
        self.peers.sort_rules(&mut rules.list);
        rules.list
    }
}
