//! What policies allow among the ends of a world, by Kubernetes' rules.
//!
//! A pod is isolated in a direction when a policy of its namespace selects it and lists that direction. What it may then
//! do is the union of the rules of all such policies. A connection needs the egress side of its source and the ingress
//! side of its destination.

#![warn(clippy::wildcard_enum_match_arm)]

mod absent;
mod all_pairs;
mod asked;
mod classes;
mod compare;
mod completion;
mod doubt;
mod folded;
mod named_port_diff;
mod peers;
mod ports;
mod rulings;
mod verdicts;
mod world;

pub use absent::{Absent, AbsentPods, Which};
pub use compare::{Comparison, Delta, SideChange};
pub use doubt::{Doubt, Matched};
pub use ports::{by_name, of_unknown_number};
pub use rulings::RulingMatch;
pub use world::{
    End, EndId, ExamplePod, Member, NamedPorts, Namespace, NamespaceId, PodKind, PodOfWorld, Scope, Told, World,
    absent_labels, addresses,
};

use crate::net::{Direction, MatchIndex, PortSet, Selector, Truth};
use crate::netpol::{ClusterPolicy, Policy, Rule};
use crate::table::Table;
use all_pairs::AllPairs;
use peers::PeerTable;
use ports::PortTable;
use rulings::Rulings;
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::ops::ControlFlow;

/// Policies, ready to be asked about a world that was made with them in its scope.
#[derive(Debug)]
pub struct Engine<'a> {
    world: &'a World,
    policies: &'a [Policy],
    peers: PeerTable<'a>,
    ports: PortTable,
    rules: Vec<RuleEntry>,
    /// What there is for ends that are alike: which policies isolate them, and with which rules.
    sides: Table<usize, Side>,
    /// The sides of each end, in the order of [`Direction::ALL`]; `None` where it is not isolated.
    sides_of: Table<EndId, [Option<usize>; 2]>,
    /// The rules of the whole cluster before and after them.
    rulings: Rulings<'a>,
    /// How much has been looked at to complete facts that are missing.
    steps: Cell<usize>,
    /// Whether that was too much somewhere.
    given_up: Cell<bool>,
    /// Whether pods that blocks only may let through are left out, and whether some were.
    is_folded: bool,
    has_left_out: Cell<bool>,
}

/// A rule of a policy.
#[derive(Debug)]
struct RuleEntry {
    policy: usize,
    direction: Direction,
    /// Its place among the rules of the policy in its direction.
    rule: usize,
    /// Its peers in the table; `None` when it takes any.
    peers: Option<Vec<usize>>,
    /// Its ports in the table.
    ports: usize,
}

/// The policies that isolate some pods in one direction, and all their rules.
#[derive(Debug, Default)]
struct Side {
    policies: Vec<usize>,
    rules: Vec<usize>,
}

/// Ports on which something is allowed.
///
/// Where each pod may give any number to any name, as examples may, a name is the port that a pod calls so, and a
/// number is a port without a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Verdict {
    /// Those on which it is.
    pub allowed: PortSet,
    /// Those on which it may be, for something that matters is not known. None of them is allowed for sure.
    pub unknown: PortSet,
}

impl Verdict {
    /// Every port is allowed.
    pub fn everything() -> Self {
        Verdict { allowed: PortSet::everything(), unknown: PortSet::empty() }
    }

    /// Whether nothing is allowed, for sure.
    pub fn is_denied(&self) -> bool {
        self.allowed.is_empty() && self.unknown.is_empty()
    }

    /// Adds what a rule allows to a peer.
    pub fn add(&mut self, peer: Truth, ports: &PortSet) {
        match peer {
            Truth::No => {}
            Truth::Yes => self.allowed.insert(ports),
            Truth::Maybe => self.unknown.insert(ports),
        }
    }

    /// The same, where what is allowed for sure is not unknown as well.
    pub fn without_doubles(mut self) -> Self {
        if !self.unknown.is_empty() {
            self.unknown = self.unknown.subtract(&self.allowed);
        }
        self
    }

    /// The ports on which it is or may be.
    pub fn possible(&self) -> PortSet {
        if self.unknown.is_empty() { self.allowed.clone() } else { self.allowed.union(&self.unknown) }
    }

    /// What is allowed by one of both at least.
    fn or(&self, other: &Verdict) -> Verdict {
        let (allowed, unknown) = (self.allowed.union(&other.allowed), self.unknown.union(&other.unknown));
        Verdict { allowed, unknown }.without_doubles()
    }

    /// What is allowed by both.
    pub fn and(&self, other: &Verdict) -> Verdict {
        let allowed = self.allowed.intersect(&other.allowed);
        if self.unknown.is_empty() && other.unknown.is_empty() {
            return Verdict { allowed, unknown: PortSet::empty() };
        }
        let possible = self.allowed.union(&self.unknown).intersect(&other.allowed.union(&other.unknown));
        let unknown = possible.subtract(&allowed);
        Verdict { allowed, unknown }
    }
}

/// What one side of a connection says, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The policies that isolate the pod in this direction, by their place; none when it is open.
    pub isolating: Vec<usize>,
    /// The rules of those that let the other end through.
    pub grants: Vec<Grant>,
}

/// A rule that lets an end through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The place of the policy.
    pub policy: usize,
    /// The place of the rule among those of the policy in this direction.
    pub rule: usize,
    /// The place of the peer in the rule; `None` when the rule takes any.
    pub peer: Option<usize>,
    /// Whether the peer matches for sure.
    pub truth: Truth,
    /// The ports.
    pub ports: PortSet,
}

impl<'a> Engine<'a> {
    /// Prepares policies. The scope of the world must have had them.
    pub fn new(world: &'a World, policies: &'a [Policy]) -> Self {
        Engine::among(world, policies, &[])
    }

    /// The same, where there are policies of the whole cluster, too, which the scope of the world must have had as well.
    pub fn among(world: &'a World, policies: &'a [Policy], of_cluster: &'a [ClusterPolicy]) -> Self {
        let mut peers = PeerTable::default();
        let mut ports = PortTable::new(world);
        let mut rules = Vec::new();
        let mut rules_of: Vec<[Vec<usize>; 2]> = Vec::with_capacity(policies.len());
        for (index, policy) in policies.iter().enumerate() {
            let mut add = |direction: Direction| -> Vec<usize> {
                let first = rules.len();
                for (rule, written) in rules_in(policy, direction).into_iter().flatten().enumerate() {
                    let table = |peer| peers.insert(&policy.namespace, peer);
                    let any = written.peers.is_empty();
                    rules.push(RuleEntry {
                        policy: index,
                        direction,
                        rule,
                        peers: (!any).then(|| written.peers.iter().map(table).collect()),
                        ports: ports.insert(&written.ports),
                    });
                }
                (first..rules.len()).collect()
            };
            rules_of.push(Direction::ALL.map(&mut add));
        }
        let mut rulings = Rulings::new(of_cluster, &mut peers, &mut ports);
        peers.match_ends(world);
        rulings.find(world);
        let mut engine = Engine {
            world,
            policies,
            peers,
            ports,
            rules,
            sides: Table::default(),
            sides_of: Table::with_capacity(world.ends.len()),
            rulings,
            steps: Cell::default(),
            given_up: Cell::default(),
            is_folded: false,
            has_left_out: Cell::default(),
        };
        engine.isolate(&rules_of);
        engine
    }

    /// Finds the policies of each pod.
    fn isolate(&mut self, rules_of: &[[Vec<usize>; 2]]) {
        let mut by_namespace: FxHashMap<&str, Vec<(usize, &Selector)>> = FxHashMap::default();
        for (index, policy) in self.policies.iter().enumerate() {
            by_namespace.entry(&policy.namespace).or_default().push((index, &policy.subject));
        }
        let by_namespace: FxHashMap<&str, MatchIndex> =
            by_namespace.into_iter().map(|(name, subjects)| (name, MatchIndex::new(subjects))).collect();
        let mut known: [FxHashMap<Vec<usize>, usize>; 2] = Default::default();
        for id in self.world.ids() {
            let near = self.world.namespace_of(id).and_then(|one| by_namespace.get(&**one.name.as_ref()?));
            let (Some(pods), Some(near)) = (self.world.pods(id), near) else {
                self.sides_of.push([None, None]);
                continue;
            };
            let selecting = near.matching(&pods.labels).into_iter();
            let selecting: Vec<_> = selecting.filter_map(|index| Some((index, self.policies.get(index)?))).collect();
            let mut sides = [None, None];
            for ((direction, known), side) in Direction::ALL.into_iter().zip(&mut known).zip(&mut sides) {
                let isolating = selecting.iter().filter(|(_, policy)| rules_in(policy, direction).is_some());
                let isolating: Vec<usize> = isolating.map(|(index, _)| *index).collect();
                if isolating.is_empty() {
                    continue;
                }
                let sides = &mut self.sides;
                let id = *known.entry(isolating).or_insert_with_key(|policies| {
                    let way = usize::from(direction != Direction::Ingress);
                    let rules = policies.iter().filter_map(|index| rules_of.get(*index)?.get(way)).flatten().copied();
                    sides.push(Side { policies: policies.clone(), rules: rules.collect() })
                });
                *side = Some(id);
            }
            self.sides_of.push(sides);
        }
    }

    /// The world that is asked about.
    pub fn world(&self) -> &'a World {
        self.world
    }

    /// The policies that are asked about.
    pub fn policies(&self) -> &'a [Policy] {
        self.policies
    }

    fn side_of(&self, direction: Direction, end: EndId) -> Option<&Side> {
        self.side_index(direction, end).map(|side| &self.sides[side])
    }

    fn side_index(&self, direction: Direction, end: EndId) -> Option<usize> {
        let [ingress, egress] = self.sides_of[end];
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Whether an end is isolated in a direction: by policies of its namespace, or where a rule of the whole cluster may deny
    /// something.
    pub fn is_isolated(&self, direction: Direction, end: EndId) -> bool {
        self.side_index(direction, end).is_some() || self.rulings.may_deny(direction, end)
    }

    /// What one side of a connection allows: for ingress the `subject` is the destination and the `peer` the source, for
    /// egress the other way round.
    pub fn side(&self, direction: Direction, subject: EndId, peer: EndId) -> Verdict {
        let own_node = match direction {
            Direction::Ingress => self.world.is_own_node(subject, peer),
            Direction::Egress => Truth::No,
        };
        own_node_or(own_node, || self.side_by_rules(direction, subject, peer))
    }

    /// The same, without what holds whatever the rules are.
    fn side_by_rules(&self, direction: Direction, subject: EndId, peer: EndId) -> Verdict {
        let (source, destination) = if direction == Direction::Egress { (subject, peer) } else { (peer, subject) };
        let verdict = self.settled(self.at_first_sight(direction, subject, peer), source, destination, &[direction]);
        self.ruled(direction, subject, peer, self.folded(verdict, source, destination, &[direction]))
    }

    /// The same, where facts that are missing have nothing to do with each other.
    fn at_first_sight(&self, direction: Direction, subject: EndId, peer: EndId) -> Verdict {
        let Some(side) = self.side_of(direction, subject) else { return Verdict::everything() };
        let destination = if direction == Direction::Ingress { subject } else { peer };
        self.judge(side, destination, |table| self.peers.truth(table, peer))
    }

    /// What the rules of a side allow towards an end of which `truth` says which peers it is.
    fn judge(&self, side: &Side, destination: EndId, truth: impl Fn(usize) -> Truth) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in side.rules.iter().filter_map(|index| self.rules.get(*index)) {
            let any = |peers: &Vec<usize>| peers.iter().map(|peer| truth(*peer)).max().unwrap_or(Truth::No);
            let truth = rule.peers.as_ref().map_or(Truth::Yes, any);
            if truth != Truth::No {
                verdict.add(truth, self.ports.of(rule.ports, destination));
            }
        }
        verdict.without_doubles()
    }

    /// The ports on which `source` may open connections to `destination`. A pod can always reach itself, so for a kind
    /// that is a single pod everything is allowed.
    pub fn between(&self, source: EndId, destination: EndId) -> Verdict {
        if self.is_itself(source, destination) {
            return Verdict::everything();
        }
        own_node_or(self.world.is_own_node(destination, source), || self.by_rules(source, destination))
    }

    /// What [`Engine::between`] says of two pods: of a kind that is a single pod, as if there were another one.
    pub fn by_rules(&self, source: EndId, destination: EndId) -> Verdict {
        if self.is_ruled(Direction::Egress, source) || self.is_ruled(Direction::Ingress, destination) {
            let egress = self.side_by_rules(Direction::Egress, source, destination);
            let ingress = self.side_by_rules(Direction::Ingress, destination, source);
            return self.both(&egress, &ingress, destination);
        }
        let egress = self.at_first_sight(Direction::Egress, source, destination);
        if egress.is_denied() {
            return egress;
        }
        let ingress = self.at_first_sight(Direction::Ingress, destination, source);
        let verdict = self.both(&egress, &ingress, destination);
        let verdict = self.settled(verdict, source, destination, &Direction::ALL);
        self.folded(verdict, source, destination, &Direction::ALL)
    }

    /// Whether both ends are one pod.
    pub fn is_itself(&self, source: EndId, destination: EndId) -> bool {
        source == destination && self.world.pods(source).is_some_and(|pods| !pods.several)
    }

    /// What [`Engine::between`] says, where ports that are `asked` for are unknown, too, when a name may stand for them
    /// whose number nobody knows.
    pub fn on(&self, source: EndId, destination: EndId, asked: &PortSet) -> Verdict {
        let mut verdict = self.between(source, destination);
        if !verdict.allowed.contains(asked) {
            let by_name = self.named(source, destination, asked, true);
            verdict.unknown.insert(&by_name.subtract(&verdict.allowed));
        }
        verdict
    }

    /// Those of the ports that are `asked` for, each by itself, that are only open where a name stands for them whose number
    /// nobody knows.
    pub fn perhaps_on(&self, source: EndId, destination: EndId, asked: &PortSet) -> PortSet {
        self.named(source, destination, asked, false)
    }

    fn named(&self, source: EndId, destination: EndId, asked: &PortSet, together: bool) -> PortSet {
        let egress = self.side(Direction::Egress, source, destination);
        let ingress = self.side(Direction::Ingress, destination, source);
        let [out, into] = [&egress, &ingress].map(Verdict::possible);
        let named = |open: &PortSet| open.union(&self.by_name(destination, open, asked, together));
        // What needs no name is in the verdict.
        named(&out).intersect(&named(&into)).subtract(&out.intersect(&into)).intersect(asked)
    }

    /// What [`Engine::side`] says, in the same way.
    pub fn side_on(&self, direction: Direction, subject: EndId, peer: EndId, asked: &PortSet) -> Verdict {
        let mut verdict = self.side(direction, subject, peer);
        let destination = if direction == Direction::Egress { peer } else { subject };
        let by_name = self.by_name(destination, &verdict.possible(), asked, true);
        verdict.unknown.insert(&by_name.subtract(&verdict.allowed));
        verdict
    }

    /// Whether names among some ports may stand for those that are asked for at a destination.
    pub fn may_stand_for(&self, destination: EndId, ports: &PortSet, asked: &PortSet) -> bool {
        !self.by_name(destination, ports, asked, false).is_empty()
    }

    /// The ports that are asked for at a destination and not open as they are, but perhaps as what a name stands for.
    fn by_name(&self, destination: EndId, open: &PortSet, asked: &PortSet, together: bool) -> PortSet {
        match self.world.pods(destination) {
            Some(pods) if pods.ports.is_none() => ports::by_name(open, asked, together),
            _ => PortSet::empty(),
        }
    }

    /// What both sides allow.
    fn both(&self, egress: &Verdict, ingress: &Verdict, destination: EndId) -> Verdict {
        let mut verdict = egress.and(ingress);
        if self.world.pods(destination).is_some_and(|pods| pods.ports.is_none()) {
            // One side may name a port whose number the other side has.
            let possible = ports::of_unknown_number(&egress.possible(), &ingress.possible());
            verdict.unknown.insert(&possible.subtract(&verdict.allowed));
        }
        verdict
    }

    /// Why one side of a connection says what it says; ends as in [`Engine::side`].
    pub fn decision(&self, direction: Direction, subject: EndId, peer: EndId) -> Decision {
        let Some(side) = self.side_of(direction, subject) else {
            return Decision { isolating: Vec::new(), grants: Vec::new() };
        };
        let destination = if direction == Direction::Ingress { subject } else { peer };
        let mut grants = Vec::new();
        for rule in side.rules.iter().filter_map(|index| self.rules.get(*index)) {
            let grant = |peer, truth| Grant {
                policy: rule.policy,
                rule: rule.rule,
                peer,
                truth,
                ports: self.ports.of(rule.ports, destination).clone(),
            };
            match &rule.peers {
                None => grants.push(grant(None, Truth::Yes)),
                Some(peers) => {
                    let truths = peers.iter().map(|table| self.peers.truth(*table, peer)).enumerate();
                    grants.extend(
                        truths.filter(|(_, truth)| *truth != Truth::No).map(|(at, truth)| grant(Some(at), truth)),
                    );
                }
            }
        }
        Decision { isolating: side.policies.clone(), grants }
    }

    /// Calls `found` for every two ends between which something is allowed or may be, by source and destination, until it
    /// breaks. Left out are addresses among themselves, a pod and itself, and ends that cannot both exist.
    pub fn connections(&self, found: impl FnMut(EndId, EndId, &Verdict) -> ControlFlow<()>) {
        _ = AllPairs::new(self, true).each(found);
    }

    /// The same, without those of which neither the source is isolated for egress nor the destination for ingress.
    pub fn closed_connections(&self, found: impl FnMut(EndId, EndId, &Verdict) -> ControlFlow<()>) {
        _ = AllPairs::new(self, false).each(found);
    }
}

/// What is allowed to a pod's own node, which is always let in, or by the rules to who may be that.
fn own_node_or(own_node: Truth, by_rules: impl FnOnce() -> Verdict) -> Verdict {
    match own_node {
        Truth::Yes => Verdict::everything(),
        Truth::Maybe => {
            let allowed = by_rules().allowed;
            Verdict { unknown: PortSet::everything().subtract(&allowed), allowed }
        }
        Truth::No => by_rules(),
    }
}

/// The rules of a policy in a direction, if it isolates in that.
fn rules_in(policy: &Policy, direction: Direction) -> Option<&Vec<Rule>> {
    match direction {
        Direction::Ingress => policy.ingress.as_ref(),
        Direction::Egress => policy.egress.as_ref(),
    }
}
