//! Concerns: one subject in one direction towards one peer as written.

use super::Direction;
use super::buckets::Buckets;
use super::subject::{Subject, SubjectId, SubjectName, Subjects};
use crate::flow::{DnsServer, Flow, FlowSet, Namespaces, PartyId, Place, StatementId};
use crate::net::{Peers, PortSet, Selector};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// What a concern is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Towards {
    /// A party, as the flows write it.
    Party(PartyId),
    /// The DNS servers, or for these the namespaces that ask them.
    Dns,
}

/// A policy to be: rules that all have the same subject, direction and peer.
#[derive(Debug)]
pub struct Concern {
    /// The managed namespace.
    pub namespace: usize,
    /// The direction.
    pub direction: Direction,
    /// The pods it selects.
    pub subject: Arc<Subject>,
    /// What it is about.
    pub towards: Towards,
    /// What it allows. Nearly all have one rule with one peer, and need no memory of their own for them.
    pub rules: SmallVec<[RulePart; 1]>,
    /// The statements that ask for it, by their places in [`Concerns::statements`].
    pub statements: Range<usize>,
    /// The `dns` settings that ask for it.
    pub settings: BTreeSet<Arc<str>>,
}

/// A rule to be: all its peers on all its ports.
#[derive(Debug)]
pub struct RulePart {
    /// The peers; a peer that is anything at all has a rule of its own.
    pub peers: PeerParts,
    /// The ports.
    pub ports: PortSet,
}

/// Peers to be.
pub type PeerParts = SmallVec<[Arc<PeerPart>; 1]>;

/// A peer to be.
#[derive(Debug, Clone)]
pub struct PeerPart {
    /// It as it was declared.
    pub place: Place,
    /// It as regions see it.
    pub region: Peers,
}

/// What one flow adds to one concern.
#[derive(Debug, Clone, Copy)]
pub struct Contribution {
    /// The flow's statement.
    pub statement: StatementId,
    /// The flow, by its place in the flow set.
    pub flow: usize,
    /// The target that gives the ports, by its place in the flow.
    pub target: usize,
    /// The concern, by its place in [`Concerns::list`].
    pub concern: usize,
    /// The peer without groups.
    pub peer: PartyId,
}

/// All concerns of a flow set.
#[derive(Debug, Default)]
pub struct Concerns {
    /// The concerns.
    pub list: Vec<Concern>,
    /// What each flow adds, in the order of the flows.
    pub contributions: Vec<Contribution>,
    /// The statements that ask for each concern, in order.
    pub statements: Vec<StatementId>,
}

impl Concerns {
    /// The statements that ask for a concern, in order.
    pub fn statements(&self, concern: &Concern) -> &[StatementId] {
        self.statements.get(concern.statements.clone()).unwrap_or_default()
    }
}

/// The pods of a DNS server, and who asks them.
#[derive(Default)]
struct Asked {
    pods: Selector,
    rules: SmallVec<[RulePart; 1]>,
    settings: BTreeSet<Arc<str>>,
}

type Key = (SubjectId, Towards);

/// Collects the concerns of flows, then those of DNS.
pub struct Collector<'a> {
    set: &'a FlowSet,
    subjects: Subjects<'a>,
    found: FxHashMap<Key, usize>,
    concerns: Concerns,
}

/// The concerns of a flow set, with what is isolated.
pub fn collect(set: &FlowSet) -> (Concerns, Subjects<'_>) {
    let mut collector =
        Collector { set, subjects: Subjects::new(set), found: FxHashMap::default(), concerns: Concerns::default() };
    // Most flows make a concern on each side.
    collector.found.reserve(2 * set.flows.len());
    collector.concerns.list.reserve(2 * set.flows.len() + set.namespaces.len());
    collector.concerns.contributions.reserve(2 * set.flows.len());
    for (index, flow) in set.flows.iter().enumerate() {
        collector.egress(index, flow);
        collector.ingress(index, flow);
    }
    collector.build_rules();
    collector.dns_egress();
    collector.dns_ingress();
    (collector.concerns, collector.subjects)
}

impl<'a> Collector<'a> {
    fn leaves(&self, party: PartyId) -> &'a [PartyId] {
        self.set.party(party).map_or(&[], |party| &party.leaves)
    }

    fn egress(&mut self, index: usize, flow: &Flow) {
        for source in self.leaves(flow.source) {
            for (namespace, id, subject) in self.subjects.of(Direction::Egress, *source).iter() {
                let place = (*namespace, Direction::Egress, *id, subject, Towards::Party(flow.destination));
                for (target, (peer, _)) in flow.targets.iter().enumerate() {
                    self.add(place, flow.statement, (index, target), *peer);
                }
            }
        }
    }

    fn ingress(&mut self, index: usize, flow: &Flow) {
        for (target, (party, _)) in flow.targets.iter().enumerate() {
            for (namespace, id, subject) in self.subjects.of(Direction::Ingress, *party).iter() {
                let place = (*namespace, Direction::Ingress, *id, subject, Towards::Party(flow.source));
                for peer in self.leaves(flow.source) {
                    self.add(place, flow.statement, (index, target), *peer);
                }
            }
        }
    }

    fn add(
        &mut self,
        (namespace, direction, id, subject, towards): (usize, Direction, SubjectId, &Arc<Subject>, Towards),
        statement: StatementId,
        (flow, target): (usize, usize),
        peer: PartyId,
    ) {
        let list = &mut self.concerns.list;
        let concern = *self.found.entry((id, towards)).or_insert_with(|| {
            list.push(Concern {
                namespace,
                direction,
                subject: subject.clone(),
                towards,
                rules: SmallVec::new(),
                statements: 0..0,
                settings: BTreeSet::new(),
            });
            list.len() - 1
        });
        self.concerns.contributions.push(Contribution { statement, flow, target, concern, peer });
    }

    /// Makes rules of what the flows add: peers with the same ports are one rule.
    fn build_rules(&mut self) {
        let set = self.set;
        let Concerns { list, contributions, statements } = &mut self.concerns;
        let by_concern = Buckets::new(list.len(), contributions.iter().map(|contribution| contribution.concern));
        let mut parts: FxHashMap<PartyId, PeerParts> = FxHashMap::default();
        let mut by_peer: Vec<(PartyId, &PortSet)> = Vec::new();
        for (concern, added) in list.iter_mut().zip(by_concern.iter()) {
            let added = added.iter().filter_map(|at| contributions.get(*at));
            let first = statements.len();
            by_peer.clear();
            for Contribution { statement, flow, target, peer, .. } in added {
                if statements.get(first..).is_some_and(|own| own.last() != Some(statement)) {
                    statements.push(*statement);
                }
                let ports = set.flows.get(*flow).and_then(|flow| flow.targets.get(*target));
                by_peer.extend(ports.map(|(_, ports)| (*peer, ports)));
            }
            concern.statements = first..statements.len();
            by_peer.sort_by_key(|(peer, _)| *peer);
            for same in by_peer.chunk_by(|(one, _), (other, _)| one == other) {
                let [(party, ports), more @ ..] = same else { continue };
                let mut ports = (*ports).clone();
                more.iter().for_each(|(_, ports_too)| ports.insert(ports_too));
                let peers = parts.entry(*party).or_insert_with(|| {
                    let place = set.party(*party).and_then(|party| party.place.as_ref());
                    place.map(|place| peer_parts(set, place)).unwrap_or_default()
                });
                add_rule(&mut concern.rules, peers, &ports);
            }
            sort_rules(&mut concern.rules);
        }
    }

    /// DNS for all isolated pods of each namespace.
    fn dns_egress(&mut self) {
        for (index, namespace) in self.set.namespaces.iter().enumerate() {
            let subjects = self.subjects.isolated(index, Direction::Egress).to_vec();
            for subject in subjects {
                let mut rules = SmallVec::new();
                for DnsServer { place, ports, .. } in &namespace.dns {
                    add_rule(&mut rules, &peer_parts(self.set, place), ports);
                }
                let settings = BTreeSet::from([namespace.dns_setting.clone()]);
                self.push_dns(index, Direction::Egress, subject, rules, settings);
            }
        }
    }

    /// Where DNS pods are isolated themselves, they are opened to every namespace that was given DNS.
    fn dns_ingress(&mut self) {
        let mut asked: BTreeMap<(usize, SubjectName), Asked> = BTreeMap::new();
        for (index, namespace) in self.set.namespaces.iter().enumerate() {
            if self.subjects.isolated(index, Direction::Egress).is_empty() {
                continue;
            }
            let asking = Place::Pods { namespaces: Namespaces::Managed(index), pods: Selector::everything() };
            let asking = peer_parts(self.set, &asking);
            for server in &namespace.dns {
                let Some(pods) = &server.pods else { continue };
                let Place::Pods { namespaces: Namespaces::Managed(home), pods: labels } = &pods.place else { continue };
                let key = (*home, SubjectName::of_dns(&pods.name));
                let asked = asked.entry(key).or_default();
                asked.pods = labels.clone();
                add_rule(&mut asked.rules, &asking, &server.ports);
                asked.settings.insert(namespace.dns_setting.clone());
            }
        }
        for ((home, name), Asked { pods, rules, settings }) in asked {
            for subject in self.subjects.among(home, Direction::Ingress, &pods, name) {
                let rules = rules.iter().map(|rule| RulePart { peers: rule.peers.clone(), ports: rule.ports.clone() });
                self.push_dns(home, Direction::Ingress, subject, rules.collect(), settings.clone());
            }
        }
    }

    fn push_dns(
        &mut self,
        namespace: usize,
        direction: Direction,
        subject: Subject,
        mut rules: SmallVec<[RulePart; 1]>,
        settings: BTreeSet<Arc<str>>,
    ) {
        if rules.is_empty() {
            return;
        }
        // Two settings can come to the same pods: the DNS pods that `cluster` means, and a tier of them.
        let mut known = self.concerns.list.iter_mut().rev().take_while(|concern| concern.towards == Towards::Dns);
        let same = |concern: &&mut Concern| {
            concern.namespace == namespace && concern.direction == direction && *concern.subject == subject
        };
        if let Some(concern) = known.find(same) {
            concern.rules.extend(rules);
            concern.settings.extend(settings);
            sort_rules(&mut concern.rules);
        } else {
            sort_rules(&mut rules);
            let (subject, towards, statements) = (Arc::new(subject), Towards::Dns, 0..0);
            self.concerns.list.push(Concern { namespace, direction, subject, towards, rules, statements, settings });
        }
    }
}

fn peer_parts(set: &FlowSet, place: &Place) -> PeerParts {
    match place {
        Place::Addresses(blocks) => {
            let part = |block: &crate::net::IpBlock| {
                let (place, region) = (Place::Addresses(vec![block.clone()]), Peers::Addresses(block.addresses()));
                Arc::new(PeerPart { place, region })
            };
            blocks.iter().map(part).collect()
        }
        place => {
            let part = |region| Arc::new(PeerPart { place: place.clone(), region });
            set.peers(place).into_iter().map(part).collect()
        }
    }
}

/// Rules in an order that does not depend on where things are declared.
fn sort_rules(rules: &mut [RulePart]) {
    for rule in rules.iter_mut().filter(|rule| rule.peers.len() > 1) {
        rule.peers.sort_by(|one, other| one.region.cmp(&other.region));
    }
    if rules.len() > 1 {
        let regions = |rule: &RulePart| rule.peers.iter().map(|peer| peer.region.clone()).collect::<Vec<_>>();
        rules.sort_by_cached_key(|rule| (regions(rule), rule.ports.clone()));
    }
}

fn add_rule(rules: &mut SmallVec<[RulePart; 1]>, peers: &[Arc<PeerPart>], ports: &PortSet) {
    let any = |peer: &Arc<PeerPart>| matches!(peer.place, Place::Any);
    let anything = peers.iter().any(any);
    let fits = |rule: &&mut RulePart| rule.ports == *ports && !anything && !rule.peers.iter().any(any);
    match rules.iter_mut().find(fits) {
        Some(rule) => rule.peers.extend(peers.iter().cloned()),
        None => rules.push(RulePart { peers: peers.into(), ports: ports.clone() }),
    }
}
