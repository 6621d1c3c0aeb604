//! Rules of the whole cluster that come before and after those of namespaces: the first one that is about a connection
//! decides.
//!
//! A side is a list of rulings: those of administrators by priority; then what policies of namespaces say, which is a ruling
//! of its own where one of them isolates the pod; then those that count where none does; and at the end everything is let
//! through.

use super::peers::PeerTable;
use super::ports::{PortTable, of_unknown_number};
use super::world::{EndId, World};
use super::{Engine, Verdict};
use crate::net::{Direction, PortSet, Truth};
use crate::netpol::{ClusterPolicy, Peer, PolicyTier, RulingAction};
use crate::table::{Table, entry};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The rulings of all ends.
#[derive(Debug, Default)]
pub(super) struct Rulings<'a> {
    policies: &'a [ClusterPolicy],
    entries: Vec<RulingEntry>,
    lists: Table<usize, RulingList>,
    /// The lists of each end, in the order of [`Direction::ALL`]; `None` where no ruling is about it.
    lists_of: Vec<[Option<usize>; 2]>,
}

/// A rule of a policy.
#[derive(Debug)]
struct RulingEntry {
    policy: usize,
    direction: Direction,
    /// Its place among the rules of the policy in its direction.
    ruling: usize,
    action: RulingAction,
    /// Its peers in the table.
    peers: Vec<usize>,
    /// Its ports in the table.
    ports: usize,
}

/// The rulings about some pods in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct RulingList {
    /// Before those of namespaces.
    admin: Vec<PriorityGroup>,
    /// After them.
    baseline: Vec<PriorityGroup>,
}

/// Policies of one priority, with their rulings in order. It is not defined which of these policies comes first.
type PriorityGroup = Vec<(Truth, Vec<usize>)>;

/// A ruling that is or may be about a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulingMatch {
    /// The place among all rules of the engine.
    entry: usize,
    /// The place of the policy.
    pub policy: usize,
    /// The place of the rule among those of the policy in this direction.
    pub ruling: usize,
    /// What it does.
    pub action: RulingAction,
    /// Whether it is about it for sure.
    pub truth: Truth,
    /// What is left for it to decide: the ports of which no ruling before it decided for sure.
    pub ports: PortSet,
}

/// What can become of ports, as far as some rulings were looked at. A port can be in several where facts are missing.
#[derive(Debug, Default)]
struct PortOutcomes {
    /// Nothing has decided.
    open: PortSet,
    /// The rest of the tier has no say.
    passed: PortSet,
    allowed: PortSet,
    denied: PortSet,
}

impl<'a> Rulings<'a> {
    /// Files the rules of policies; [`Rulings::find`] has to follow, once it is known which ends are which peers.
    pub(super) fn new(policies: &'a [ClusterPolicy], peers: &mut PeerTable<'a>, ports: &mut PortTable) -> Self {
        let mut entries = Vec::new();
        for (index, policy) in policies.iter().enumerate() {
            for direction in Direction::ALL {
                for (ruling, written) in policy.rulings(direction).iter().enumerate() {
                    entries.push(RulingEntry {
                        policy: index,
                        direction,
                        ruling,
                        action: written.action,
                        peers: written.peers.iter().map(|peer| peers.insert("", peer)).collect(),
                        ports: ports.insert(&written.ports),
                    });
                }
            }
        }
        Rulings { policies, entries, ..Rulings::default() }
    }

    /// Finds the rulings about each end.
    pub(super) fn find(&mut self, world: &World) {
        if self.entries.is_empty() {
            return;
        }
        let mut rules_of: FxHashMap<(usize, Direction), Vec<usize>> = FxHashMap::default();
        for (place, entry) in self.entries.iter().enumerate() {
            rules_of.entry((entry.policy, entry.direction)).or_default().push(place);
        }
        let mut known: FxHashMap<RulingList, usize> = FxHashMap::default();
        for end in world.ids() {
            let about = |policy: &ClusterPolicy| {
                let (Some(pods), Some(home)) = (world.pods(end), world.namespace_of(end)) else { return Truth::No };
                if policy.pods.matches(&pods.labels) { home.matches(&policy.namespaces) } else { Truth::No }
            };
            let about: Vec<(usize, Truth)> = self.policies.iter().map(about).enumerate().collect();
            let lists = Direction::ALL.map(|direction| {
                let mut tiers: BTreeMap<(PolicyTier, u16), PriorityGroup> = BTreeMap::new();
                for &(index, truth) in about.iter().filter(|(_, truth)| truth.is_possible()) {
                    let policy = entry(self.policies, index);
                    if let Some(rules) = rules_of.get(&(index, direction)) {
                        tiers.entry((policy.tier, policy.priority)).or_default().push((truth, rules.clone()));
                    }
                }
                let mut list = RulingList::default();
                for ((tier, _), group) in tiers {
                    match tier {
                        PolicyTier::Admin => list.admin.push(group),
                        PolicyTier::Baseline => list.baseline.push(group),
                    }
                }
                let is_empty = list.admin.is_empty() && list.baseline.is_empty();
                let lists = &mut self.lists;
                (!is_empty).then(|| *known.entry(list).or_insert_with_key(|list| lists.push(list.clone())))
            });
            self.lists_of.push(lists);
        }
    }

    /// The place of the list about an end.
    pub(super) fn list_of(&self, direction: Direction, end: EndId) -> Option<usize> {
        let [ingress, egress] = *self.lists_of.get(end.index())?;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// Whether a rule about an end may deny something.
    pub(super) fn may_deny(&self, direction: Direction, end: EndId) -> bool {
        let Some(list) = self.list_of(direction, end).map(|list| &self.lists[list]) else { return false };
        let groups = list.admin.iter().chain(&list.baseline).flatten();
        let mut entries = groups.flat_map(|(_, places)| places).filter_map(|place| self.entries.get(*place));
        entries.any(|entry| entry.action == RulingAction::Deny)
    }
}

impl PortOutcomes {
    fn of(open: PortSet) -> PortOutcomes {
        PortOutcomes { open, ..PortOutcomes::default() }
    }

    /// What is left to who comes after the tier.
    fn rest(&self) -> PortSet {
        self.open.union(&self.passed)
    }

    fn file(&mut self, action: RulingAction, ports: &PortSet) {
        match action {
            RulingAction::Accept => self.allowed.insert(ports),
            RulingAction::Deny => self.denied.insert(ports),
            RulingAction::Pass => self.passed.insert(ports),
        }
    }
}

impl<'a> Engine<'a> {
    /// Whether some rule of the whole cluster may be about what an end does in a direction.
    pub(super) fn is_ruled(&self, direction: Direction, end: EndId) -> bool {
        self.rulings.list_of(direction, end).is_some()
    }

    /// What a side says with the rulings of the whole cluster around what policies of namespaces say.
    pub(super) fn ruled(&self, direction: Direction, subject: EndId, peer: EndId, by_namespaces: Verdict) -> Verdict {
        let Some(list) = self.rulings.list_of(direction, subject).map(|list| &self.rulings.lists[list]) else {
            return by_namespaces;
        };
        let is_isolated = self.side_index(direction, subject).is_some();
        let by_namespaces = is_isolated.then_some(by_namespaces);
        self.decided(list, (direction, subject, peer), by_namespaces, &mut |_| {})
    }

    /// The rulings of the whole cluster that are or may be about what `subject` does, in their order, as far as there is
    /// something left for them to decide.
    pub fn rulings_about(&self, direction: Direction, subject: EndId, peer: EndId) -> Vec<RulingMatch> {
        let mut found = Vec::new();
        if let Some(list) = self.rulings.list_of(direction, subject).map(|list| &self.rulings.lists[list]) {
            let by_namespaces = self.side_index(direction, subject).map(|_| Verdict::default());
            self.decided(list, (direction, subject, peer), by_namespaces, &mut |one| found.push(one));
        }
        found
    }

    /// What becomes of a connection by a list of rulings, around what policies of namespaces say where one of them isolates
    /// the pod. Those that have a say are told.
    fn decided(
        &self,
        list: &RulingList,
        sides: (Direction, EndId, EndId),
        by_namespaces: Option<Verdict>,
        found: &mut dyn FnMut(RulingMatch),
    ) -> Verdict {
        let mut before = PortOutcomes::of(PortSet::everything());
        self.decide(&list.admin, sides, &mut before, found);
        let rest = before.rest();
        let (mut allowed, mut denied) = (before.allowed, before.denied);
        match by_namespaces {
            Some(says) => {
                allowed.insert(&rest.intersect(&says.possible()));
                denied.insert(&rest.subtract(&says.allowed));
            }
            None => {
                let mut after = PortOutcomes::of(rest);
                self.decide(&list.baseline, sides, &mut after, found);
                allowed.insert(&after.rest());
                allowed.insert(&after.allowed);
                denied.insert(&after.denied);
            }
        }
        Verdict { unknown: allowed.intersect(&denied), allowed: allowed.subtract(&denied) }
    }

    /// Policies of one priority that do different things, of which nobody knows which comes first: the titles of two.
    pub(super) fn undefined_order(&self, direction: Direction, subject: EndId, peer: EndId) -> Option<[String; 2]> {
        let about = self.rulings_about(direction, subject, peer);
        let policy = |one: &RulingMatch| self.rulings.policies.get(one.policy);
        let disagree = |one: &RulingMatch, other: &RulingMatch| {
            let of = |one: &RulingMatch| policy(one).map(|policy| (policy.tier, policy.priority));
            one.policy != other.policy
                && one.action != other.action
                && of(one) == of(other)
                && one.ports.overlaps(&other.ports)
        };
        let pairs =
            || about.iter().enumerate().flat_map(|(at, one)| about.iter().skip(at + 1).map(move |two| (one, two)));
        let (one, other) = pairs().find(|(one, other)| disagree(one, other))?;
        Some([policy(one)?.title(), policy(other)?.title()])
    }

    /// Goes through groups of rulings, and tells those that have a say.
    fn decide(
        &self,
        groups: &[PriorityGroup],
        (direction, subject, peer): (Direction, EndId, EndId),
        outcomes: &mut PortOutcomes,
        found: &mut dyn FnMut(RulingMatch),
    ) {
        let destination = if direction == Direction::Ingress { subject } else { peer };
        for group in groups {
            let open = outcomes.open.clone();
            for (about_subject, places) in group {
                let mut left = open.clone();
                for (place, entry) in
                    places.iter().filter_map(|place| Some((*place, self.rulings.entries.get(*place)?)))
                {
                    let about = entry.peers.iter().map(|one| self.peers.truth(*one, peer)).max().unwrap_or_default();
                    if about == Truth::No || left.is_empty() {
                        continue;
                    }
                    let ports = self.ports.of(entry.ports, destination);
                    let sure = left.intersect(ports);
                    let mut possible = sure.clone();
                    if self.world.pods(destination).is_some_and(|pods| pods.ports.is_none()) {
                        // Nobody knows the numbers of the names.
                        possible.insert(&of_unknown_number(&left, ports));
                    }
                    if possible.is_empty() {
                        continue;
                    }
                    outcomes.file(entry.action, &possible);
                    found(RulingMatch {
                        entry: place,
                        policy: entry.policy,
                        ruling: entry.ruling,
                        action: entry.action,
                        truth: about.and(*about_subject),
                        ports: possible,
                    });
                    if about == Truth::Yes {
                        left = left.subtract(&sure);
                    }
                }
                if *about_subject == Truth::Yes {
                    outcomes.open = outcomes.open.intersect(&left);
                }
            }
        }
    }

    /// What would have to be known of rulings: for each that only may be about it, its policy and the peers.
    pub(super) fn doubtful_rulings(
        &self,
        direction: Direction,
        subject: EndId,
        peer: EndId,
        unknown: &PortSet,
    ) -> Vec<(&'a ClusterPolicy, Vec<&'a Peer>)> {
        let about = self.rulings_about(direction, subject, peer).into_iter();
        let doubtful = about.filter(|one| one.truth == Truth::Maybe && one.ports.overlaps(unknown));
        let told = doubtful.filter_map(|one| {
            let policy = self.rulings.policies.get(one.policy)?;
            let ruling = policy.rulings(direction).get(one.ruling)?;
            let entry = self.rulings.entries.get(one.entry)?;
            let peers = ruling.peers.iter().zip(&entry.peers);
            let maybe = peers.filter(|(_, table)| self.peers.truth(**table, peer) == Truth::Maybe);
            Some((policy, maybe.map(|(written, _)| written).collect()))
        });
        told.collect()
    }
}
