//! Who can be at an end of a connection that is tried: pods that run on a network of their own.

use super::{ProbePort, ProbeSubject, ProbedEnd, ProbedKind};
use crate::cluster::{ContainerPort, Pods, SeenPod, Workload};
use crate::engine::{End, EndId, Engine};
use crate::flow::{FlowSet, Party, PartyId, PartyName, Place};
use crate::net::{AddressSet, Peers, PortSet, Protocol, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// So many pods of one workload are ends of their own, of those that are alike.
const MOST_PODS: usize = 8;

/// The rank of a pod that the policies do not tell from any other one of its workload, which can be named itself.
const IS_LIKE_ALL: u8 = 2;

/// What ends are told apart by: the parties of a program.
#[derive(Debug, Default)]
pub(super) struct ProbeMarks {
    pub all: Vec<Peers>,
    /// The places of each party's.
    of: BTreeMap<PartyId, Vec<usize>>,
}

impl ProbeMarks {
    pub(super) fn of(set: &FlowSet) -> ProbeMarks {
        let mut marks = ProbeMarks::default();
        for (id, party) in parties(set) {
            for peers in party.place.iter().flat_map(|place| set.peers(place)) {
                marks.of.entry(id).or_default().push(marks.all.len());
                marks.all.push(peers);
            }
        }
        marks
    }

    fn places(&self, party: PartyId) -> &[usize] {
        self.of.get(&party).map(Vec::as_slice).unwrap_or_default()
    }
}

fn parties(set: &FlowSet) -> impl Iterator<Item = (PartyId, &Party)> {
    (0..).map(PartyId).zip(set.parties.iter())
}

/// Some pod of a workload, or one that is named itself.
#[derive(Debug)]
pub(super) struct ProbeCandidate {
    /// The place of its workload.
    pub workload: usize,
    /// What it is called.
    pub end: ProbedEnd,
    /// What is better to be named has the lower number.
    rank: u8,
    /// Which kinds of pods it may be of.
    ends: Vec<EndId>,
    /// The ports that all of them list.
    pub ports: Vec<ContainerPort>,
    /// Whether none of them lists any.
    pub lists_nothing: bool,
    /// The marks that all of them have, sorted.
    marks: Vec<usize>,
    /// Those that some of them have.
    some_marks: BTreeSet<usize>,
    /// The most specific tier of the program, where it is in one.
    pub tier: Option<PartyId>,
}

impl ProbeCandidate {
    /// What is better to be named has the lower number.
    pub(super) fn rank(&self) -> u8 {
        self.rank
    }

    /// Whether it is worth a look for those of another workload: what any pod of its own may do, it may as well.
    pub(super) fn tells_more_to(&self, other: &ProbeCandidate) -> bool {
        self.rank != IS_LIKE_ALL || self.workload == other.workload
    }

    /// What all pods have in common who may connect to the same, but for themselves.
    pub(super) fn alike(&self) -> (usize, bool, &[EndId]) {
        (self.workload, self.is_one(), &self.ends)
    }

    /// Whether it is one pod.
    fn is_one(&self) -> bool {
        self.end.kind == ProbedKind::Pod
    }

    /// Whether its containers list a port.
    pub(super) fn lists(&self, protocol: Protocol, number: u16) -> bool {
        self.ports.iter().any(|port| port.protocol == protocol && port.number == number)
    }
}

/// All who can be at an end, in the order of their workloads.
pub(super) struct ProbeEnds<'e> {
    pub all: Vec<ProbeCandidate>,
    engine: &'e Engine<'e>,
    marks: &'e ProbeMarks,
}

impl<'e> ProbeEnds<'e> {
    pub(super) fn new(
        subject: &ProbeSubject<'_>,
        engine: &'e Engine<'e>,
        marks: &'e ProbeMarks,
        by_pod: bool,
    ) -> ProbeEnds<'e> {
        let world = engine.world();
        let mut kinds: BTreeMap<(usize, usize), Vec<EndId>> = BTreeMap::new();
        for id in world.ids() {
            for member in world.pods(id).into_iter().flat_map(|pods| &pods.members) {
                kinds.entry((member.workload, member.pods)).or_default().push(id);
            }
        }
        let tiers = Tiers::of(subject.set, marks);
        let mut all = Vec::new();
        for (place, workload) in subject.cluster.workloads.iter().enumerate() {
            let ends = |pods: usize| kinds.get(&(place, pods)).map(Vec::as_slice).unwrap_or_default();
            let whole = whole(workload, ends).filter(|_| !by_pod);
            let rank = match &whole {
                None => 0,
                Some((.., members)) if kinds_of(members, ends).len() > 1 => 1,
                Some(_) => IS_LIKE_ALL,
            };
            let single = pods_of(workload, by_pod);
            let single = single.into_iter().map(|(pods, seen)| {
                let address = seen.addresses.iter().min_by_key(|address| address.is_ipv6()).copied();
                let name =
                    |kind| ProbedEnd { namespace: workload.namespace.clone(), name: seen.name.clone(), kind, address };
                (name(ProbedKind::Pod), rank, vec![pods])
            });
            for (end, rank, members) in whole.into_iter().chain(single) {
                let own = kinds_of(&members, ends);
                let marks_of = |end: &EndId| world.end(*end).map(End::marks).unwrap_or_default();
                let Some(first) = own.first() else { continue };
                let has = |mark: &usize| own.iter().all(|end| marks_of(end).contains(mark));
                let common: Vec<usize> = marks_of(first).iter().copied().filter(has).collect();
                let listed = members.iter().filter_map(|pods| workload.pods.get(*pods));
                all.push(ProbeCandidate {
                    workload: place,
                    end,
                    rank,
                    ports: shared_ports(listed.clone()),
                    lists_nothing: listed.clone().all(|pods| pods.ports.is_empty()),
                    tier: tiers.most_specific(&common),
                    some_marks: own.iter().flat_map(marks_of).copied().collect(),
                    marks: common,
                    ends: own,
                });
            }
        }
        ProbeEnds { all, engine, marks }
    }

    /// Whether pods are in a party, all of those that may be meant.
    pub(super) fn is_in(&self, candidate: &ProbeCandidate, party: PartyId) -> bool {
        self.marks.places(party).iter().any(|mark| candidate.marks.binary_search(mark).is_ok())
    }

    /// Whether some of those that may be meant are.
    pub(super) fn may_be_in(&self, candidate: &ProbeCandidate, party: PartyId) -> bool {
        self.marks.places(party).iter().any(|mark| candidate.some_marks.contains(mark))
    }

    /// Whether a connection passes, whichever pods are taken; `None` where it may be from a pod to itself.
    pub(super) fn passes(
        &self,
        from: &ProbeCandidate,
        to: &ProbeCandidate,
        (protocol, port): ProbePort,
    ) -> Option<Truth> {
        if from.workload == to.workload && !(from.is_one() && to.is_one() && from.end != to.end) {
            return None;
        }
        let ports = PortSet::number(protocol, port);
        let pairs = from.ends.iter().flat_map(|source| to.ends.iter().map(move |destination| (*source, *destination)));
        Some(all_alike(pairs.map(|(source, destination)| {
            let verdict = self.engine.by_rules(source, destination);
            if !verdict.allowed.contains(&ports) {
                return if verdict.unknown.overlaps(&ports) { Truth::Maybe } else { Truth::No };
            }
            // Nobody says which address of a pod is taken.
            match self.engine.only_over(source, destination, &ports) {
                Some(_) => Truth::Maybe,
                None => Truth::Yes,
            }
        })))
    }

    /// Whether a connection to an address passes.
    pub(super) fn passes_out(&self, from: &ProbeCandidate, to: IpAddr, (protocol, port): ProbePort) -> Truth {
        let world = self.engine.world();
        let is_it = |id: &EndId| world.addresses(*id).is_some_and(|all| all.has(to));
        let Some(destination) = world.ids().find(is_it) else { return Truth::Maybe };
        let ports = PortSet::number(protocol, port);
        all_alike(from.ends.iter().map(|source| {
            let verdict = self.engine.between(*source, destination);
            match (verdict.allowed.contains(&ports), verdict.unknown.overlaps(&ports)) {
                (true, _) => Truth::Yes,
                (false, true) => Truth::Maybe,
                (false, false) => Truth::No,
            }
        }))
    }
}

/// The kinds of some pods of a workload, sorted.
fn kinds_of<'k>(members: &[usize], ends: impl Fn(usize) -> &'k [EndId]) -> Vec<EndId> {
    let all: BTreeSet<EndId> = members.iter().flat_map(|pods| ends(*pods)).copied().collect();
    all.into_iter().collect()
}

/// What all of some are; unknown where they are not alike.
fn all_alike(mut truths: impl Iterator<Item = Truth>) -> Truth {
    let Some(first) = truths.next() else { return Truth::Maybe };
    if truths.all(|one| one == first) { first } else { Truth::Maybe }
}

/// Any pod of a workload that can be named so, with the places of those that may be taken.
fn whole<'k>(workload: &Workload, ends: impl Fn(usize) -> &'k [EndId]) -> Option<(ProbedEnd, u8, Vec<usize>)> {
    let kind = ProbedKind::of_workload(&workload.kind)?;
    let left = || workload.pods.iter().enumerate().filter(|(_, pods)| !pods.finished && pods.count > 0);
    // One that uses the network of its node could be taken.
    if left().any(|(place, pods)| pods.host_network || ends(place).is_empty()) {
        return None;
    }
    let is_listed = left().any(|(_, pods)| !pods.seen.is_empty());
    if is_listed && !left().any(|(_, pods)| pods.seen.iter().any(|seen| !seen.is_waiting)) {
        return None;
    }
    let name = ProbedEnd { namespace: workload.namespace.clone(), name: workload.name.clone(), kind, address: None };
    let members: Vec<usize> = left().map(|(place, _)| place).collect();
    (!members.is_empty()).then_some((name, 0, members))
}

/// Pods of a workload that were given one by one and run, with the places of those that are alike.
fn pods_of(workload: &Workload, needs_address: bool) -> Vec<(usize, &SeenPod)> {
    let own = workload.pods.iter().enumerate().filter(|(_, pods)| pods.is_in_pod_network());
    let running = |seen: &&SeenPod| !seen.is_waiting && (!needs_address || !seen.addresses.is_empty());
    own.flat_map(|(place, pods)| pods.seen.iter().filter(running).take(MOST_PODS).map(move |seen| (place, seen)))
        .collect()
}

/// The ports that all of some pods list.
fn shared_ports<'p>(mut pods: impl Iterator<Item = &'p Pods>) -> Vec<ContainerPort> {
    let mut shared = pods.next().map(|first| first.ports.clone()).unwrap_or_default();
    for pods in pods {
        shared.retain(|port| {
            pods.ports.iter().any(|other| (other.protocol, other.number) == (port.protocol, port.number))
        });
    }
    shared
}

/// The tiers of a program, by their marks.
struct Tiers<'s> {
    set: &'s FlowSet,
    by_mark: BTreeMap<usize, PartyId>,
}

impl<'s> Tiers<'s> {
    fn of(set: &'s FlowSet, marks: &ProbeMarks) -> Tiers<'s> {
        let is_tier =
            |party: &Party| matches!((&party.name, &party.place), (PartyName::Local(..), Some(Place::Pods { .. })));
        let tiers = parties(set).filter(|(_, party)| is_tier(party));
        let by_mark = tiers.flat_map(|(id, _)| marks.places(id).iter().map(move |mark| (*mark, id))).collect();
        Tiers { set, by_mark }
    }

    /// The tier that is in all others that pods are in; the first one where none is.
    fn most_specific(&self, marks: &[usize]) -> Option<PartyId> {
        let all: Vec<PartyId> = marks.iter().filter_map(|mark| self.by_mark.get(mark)).copied().collect();
        let selector = |id: &PartyId| match &self.set.party(*id)?.place {
            Some(Place::Pods { pods, .. }) => Some(pods),
            Some(Place::Addresses(_) | Place::Unlisted(_) | Place::Any) | None => None,
        };
        let is_least = |id: &&PartyId| {
            let own = selector(id);
            all.iter().filter_map(selector).all(|other| own.is_some_and(|own| other.contains(own)))
        };
        all.iter().find(is_least).or(all.first()).copied()
    }
}

/// The one address that a place is, where it is one.
pub(super) fn single_address(set: &FlowSet, party: PartyId) -> Option<IpAddr> {
    let place = set.party(party)?.place.as_ref()?;
    let Place::Addresses(blocks) = place else { return None };
    let all = AddressSet::union_of(blocks.iter().map(|block| block.addresses()).collect::<Vec<_>>().iter());
    let first = all.first()?;
    (all == AddressSet::from_net(first.into())).then_some(first)
}
