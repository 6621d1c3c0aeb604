//! Concerns: one subject in one direction towards one peer as written.

use super::Direction;
use super::name::Namer;
use super::subject::{Subject, SubjectId, SubjectName, Subjects};
use crate::flow::{DnsServer, Flow, FlowSet, Namespaces, PartyId, Place, StatementId};
use crate::net::{Peers, PortSet, Selector};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
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
    pub subject: Subject,
    /// What it is about.
    pub towards: Towards,
    /// The policy's name in the layout `flow`.
    pub name: String,
    /// What it allows.
    pub rules: Vec<RulePart>,
    /// The statements that ask for it, in order.
    pub statements: Vec<StatementId>,
    /// The `dns` settings that ask for it.
    pub settings: BTreeSet<Arc<str>>,
}

/// A rule to be: all its peers on all its ports.
#[derive(Debug)]
pub struct RulePart {
    /// The peers; a peer that is anything at all has a rule of its own.
    pub peers: Vec<Arc<PeerPart>>,
    /// The ports.
    pub ports: PortSet,
}

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
    /// What each flow adds.
    pub contributions: Vec<Contribution>,
}

/// The pods of a DNS server, and who asks them.
#[derive(Default)]
struct Asked {
    pods: Selector,
    rules: Vec<RulePart>,
    settings: BTreeSet<Arc<str>>,
}

type Key = (SubjectId, Towards);

/// Collects the concerns of flows, then those of DNS.
pub struct Collector<'a> {
    set: &'a FlowSet,
    subjects: Subjects<'a>,
    found: FxHashMap<Key, usize>,
    ports: Vec<Vec<(PartyId, PortSet)>>,
    concerns: Concerns,
}

/// The concerns of a flow set, with what is isolated.
pub fn collect(set: &FlowSet) -> (Concerns, Subjects<'_>) {
    let mut collector = Collector {
        set,
        subjects: Subjects::new(set),
        found: FxHashMap::default(),
        ports: Vec::new(),
        concerns: Concerns::default(),
    };
    for (index, flow) in set.flows.iter().enumerate() {
        collector.egress(index, flow);
        collector.ingress(index, flow);
    }
    collector.build_rules();
    collector.dns_egress();
    collector.dns_ingress();
    collector.give_names();
    (collector.concerns, collector.subjects)
}

impl Collector<'_> {
    fn leaves(&self, party: PartyId) -> &[PartyId] {
        self.set.party(party).map_or(&[], |party| &party.leaves)
    }

    fn egress(&mut self, index: usize, flow: &Flow) {
        for at in 0..self.leaves(flow.source).len() {
            let Some(&source) = self.leaves(flow.source).get(at) else { continue };
            for namespace in self.subjects.namespaces(source) {
                for subject in self.subjects.of(namespace, Direction::Egress, source).iter() {
                    let place = (namespace, Direction::Egress, subject, Towards::Party(flow.destination));
                    for (target, (peer, ports)) in flow.targets.iter().enumerate() {
                        self.add(place, index, target, flow, *peer, ports);
                    }
                }
            }
        }
    }

    fn ingress(&mut self, index: usize, flow: &Flow) {
        for (target, (party, ports)) in flow.targets.iter().enumerate() {
            for namespace in self.subjects.namespaces(*party) {
                for subject in self.subjects.of(namespace, Direction::Ingress, *party).iter() {
                    let place = (namespace, Direction::Ingress, subject, Towards::Party(flow.source));
                    for at in 0..self.leaves(flow.source).len() {
                        let Some(&peer) = self.leaves(flow.source).get(at) else { continue };
                        self.add(place, index, target, flow, peer, ports);
                    }
                }
            }
        }
    }

    fn add(
        &mut self,
        (namespace, direction, (id, subject), towards): (usize, Direction, &(SubjectId, Subject), Towards),
        index: usize,
        target: usize,
        flow: &Flow,
        peer: PartyId,
        ports: &PortSet,
    ) {
        let list = &mut self.concerns.list;
        let all_ports = &mut self.ports;
        let concern = *self.found.entry((*id, towards)).or_insert_with(|| {
            let (subject, rules, statements) = (subject.clone(), Vec::new(), Vec::new());
            let (name, settings) = (String::new(), BTreeSet::new());
            list.push(Concern { namespace, direction, subject, towards, name, rules, statements, settings });
            all_ports.push(Vec::new());
            list.len() - 1
        });
        if let Some(by_peer) = self.ports.get_mut(concern) {
            match by_peer.binary_search_by_key(&peer, |(known, _)| *known) {
                Ok(at) => by_peer.iter_mut().skip(at).take(1).for_each(|(_, known)| known.insert(ports)),
                Err(at) => by_peer.insert(at, (peer, ports.clone())),
            }
        }
        if let Some(entry) = self.concerns.list.get_mut(concern)
            && entry.statements.last() != Some(&flow.statement)
        {
            entry.statements.push(flow.statement);
        }
        self.concerns.contributions.push(Contribution {
            statement: flow.statement,
            flow: index,
            target,
            concern,
            peer,
        });
    }

    /// Makes rules of peers: those with the same ports are one rule.
    fn build_rules(&mut self) {
        let mut parts: FxHashMap<PartyId, Vec<Arc<PeerPart>>> = FxHashMap::default();
        for (concern, by_peer) in self.concerns.list.iter_mut().zip(std::mem::take(&mut self.ports)) {
            let mut rules: Vec<RulePart> = Vec::new();
            for (party, ports) in by_peer {
                let set = self.set;
                let peers = parts.entry(party).or_insert_with(|| {
                    let place = set.party(party).and_then(|party| party.place.as_ref());
                    place.map(|place| peer_parts(set, place)).unwrap_or_default()
                });
                add_rule(&mut rules, peers, &ports);
            }
            sort_rules(&mut rules);
            concern.rules = rules;
        }
    }

    /// DNS for all isolated pods of each namespace.
    fn dns_egress(&mut self) {
        for (index, namespace) in self.set.namespaces.iter().enumerate() {
            let subjects = self.subjects.isolated(index, Direction::Egress).to_vec();
            for subject in subjects {
                let mut rules = Vec::new();
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
        mut rules: Vec<RulePart>,
        settings: BTreeSet<Arc<str>>,
    ) {
        if rules.is_empty() {
            return;
        }
        // Two settings can come to the same pods: the DNS pods that `cluster` means, and a tier of them.
        let mut known = self.concerns.list.iter_mut().rev().take_while(|concern| concern.towards == Towards::Dns);
        let same = |concern: &&mut Concern| {
            concern.namespace == namespace && concern.direction == direction && concern.subject == subject
        };
        if let Some(concern) = known.find(same) {
            concern.rules.extend(rules);
            concern.settings.extend(settings);
            sort_rules(&mut concern.rules);
        } else {
            sort_rules(&mut rules);
            let (towards, name, statements) = (Towards::Dns, String::new(), Vec::new());
            self.concerns.list.push(Concern {
                namespace,
                direction,
                subject,
                towards,
                name,
                rules,
                statements,
                settings,
            });
        }
    }

    fn give_names(&mut self) {
        let namer = Namer::new(self.set);
        for concern in &mut self.concerns.list {
            let Some(namespace) = self.set.namespaces.get(concern.namespace) else { continue };
            concern.name = match concern.towards {
                Towards::Dns => namer.dns(&namespace.name, &concern.subject.name, concern.direction),
                Towards::Party(peer) => {
                    let Some(peer) = self.set.party(peer) else { continue };
                    namer.allow(&namespace.name, &concern.subject.name, concern.direction, &peer.name)
                }
            };
        }
    }
}

fn peer_parts(set: &FlowSet, place: &Place) -> Vec<Arc<PeerPart>> {
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

fn add_rule(rules: &mut Vec<RulePart>, peers: &[Arc<PeerPart>], ports: &PortSet) {
    let any = |peer: &Arc<PeerPart>| peer.place == Place::Any;
    let anything = peers.iter().any(any);
    let fits = |rule: &&mut RulePart| rule.ports == *ports && !anything && !rule.peers.iter().any(any);
    match rules.iter_mut().find(fits) {
        Some(rule) => rule.peers.extend_from_slice(peers),
        None => rules.push(RulePart { peers: peers.to_vec(), ports: ports.clone() }),
    }
}
