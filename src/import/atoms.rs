//! The policies taken apart: one atom for each policy, direction, rule, peer and port, by namespace and direction.

use super::places::{Home, Place, PlaceId, Places, lists};
use crate::draft::NAMING;
use crate::net::{Direction, IpBlock, PortSet, Requirement, Selector, SelectorIndex, Values};
use crate::netpol::{Peer, PerDirection, Policy, Port, Rule};
use rustc_hash::FxHashMap;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A rule or a part of it, by places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleOrigin {
    /// The policy, by its place in the input.
    pub policy: usize,
    /// The direction.
    pub direction: Direction,
    /// The rule.
    pub rule: usize,
    /// The peer; `None` where the rule has none, and for all its blocks.
    pub peer: Option<usize>,
    /// The port; `None` where the rule has none, and for all of very many.
    pub port: Option<usize>,
}

/// What one peer and one port of a rule let through.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    /// The pods that the policy selects.
    pub subject: Selector,
    /// The other end.
    pub peer: PlaceId,
    /// The ports.
    pub ports: PortSet,
    /// Where it stands.
    pub origin: RuleOrigin,
}

/// One direction of a namespace.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The pods that are isolated, none of them inside another one.
    pub isolated: Vec<Selector>,
    /// What is let through.
    pub atoms: Vec<Atom>,
    /// Finds isolated pods, once they are settled.
    index: OnceCell<SelectorIndex>,
}

impl Opened {
    /// The isolated pods that may be among those with some labels.
    fn near(&self, labels: &Selector) -> Vec<&Selector> {
        let index = self.index.get_or_init(|| SelectorIndex::new(self.isolated.iter().enumerate()));
        index.query(labels).into_iter().filter_map(|at| self.isolated.get(at)).collect()
    }
}

/// The namespaces that policies isolate pods of, by name, and what lets whom through there.
#[derive(Debug, Default)]
pub(super) struct Atoms {
    /// The names, sorted.
    pub names: Vec<Arc<str>>,
    /// What is open in each.
    pub sides: Vec<PerDirection<Opened>>,
    /// The other ends.
    pub places: Places,
    /// What has no effect.
    pub dead: Vec<Dead>,
    /// How many policies are to be said; those behind them a program says already.
    pub own: usize,
    /// The pods of each namespace that the program isolates already, none of them inside another one; `None` of a namespace
    /// that it does not manage.
    pub before: Vec<Option<PerDirection<Vec<Selector>>>>,
    /// What was asked of places.
    known: RefCell<FxHashMap<(Place, Direction), IsolatedPods>>,
    /// In how many namespaces some pods are isolated, or all of them.
    at_least: RefCell<FxHashMap<(bool, Direction), usize>>,
    /// How many more steps may be taken to find the isolated pods of places in many namespaces.
    left: Cell<usize>,
}

/// Isolated pods, each with the place of their namespace.
pub(super) type IsolatedPods = Option<Rc<[(usize, Selector)]>>;

/// A part of a policy that lets nothing through, or isolates nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dead {
    /// No pod can have the labels of the policy's `podSelector`.
    Subject(usize),
    /// Nobody can be this peer.
    Peer(RuleOrigin),
    /// A named port, towards addresses, which have none.
    Port(RuleOrigin),
}

impl Dead {
    fn policy(self) -> usize {
        match self {
            Dead::Subject(policy) => policy,
            Dead::Peer(origin) | Dead::Port(origin) => origin.policy,
        }
    }
}

/// So many values of one key are a tier each.
const MOST_VALUES: usize = 5;

/// The first keys of [`NAMING`], of which each value is likely to be a tier of its own.
const KEYS_OF_TIERS: usize = 6;

/// More sets of isolated pods, which one end of a flow is about, are not looked at one by one.
const MOST_ISOLATED: usize = 2_000;

/// How many isolated pods are looked at for all places in many namespaces together.
const MOST_LOOKED_AT: usize = 4_000_000;

/// So many names are looked at in the time of one selector.
const FEW_NAMES: usize = 8;

/// How many comparisons it may take to see which isolated pods are inside others.
const MOST_INSIDE: usize = 3_000_000;

/// More blocks of one rule are only looked at together.
const MOST_BLOCKS: usize = 200;

/// A rule with more pairs of a peer and a port is looked at for all of its ports at once.
const MOST_OF_RULE: usize = 10_000;

impl Atoms {
    /// Takes policies apart, which are sorted by namespace and name; `beside` are those of the program that they become a part
    /// of.
    pub(super) fn new(policies: &[Policy], beside: &[Policy]) -> Atoms {
        let mut atoms = Atoms { own: policies.len(), left: Cell::new(MOST_LOOKED_AT), ..Atoms::default() };
        let mut all: Vec<(usize, &Policy)> = policies.iter().chain(beside).enumerate().collect();
        all.sort_by(|(_, one), (_, other)| one.namespace.cmp(&other.namespace));
        for (at, policy) in all {
            if policy.subject.contradiction().is_none() {
                atoms.policy(at, policy);
            } else if at < atoms.own {
                atoms.dead.push(Dead::Subject(at));
            }
        }
        for side in &mut atoms.sides {
            Direction::ALL.into_iter().for_each(|direction| widest(&mut side.get_mut(direction).isolated));
        }
        for side in atoms.before.iter_mut().flatten() {
            Direction::ALL.into_iter().for_each(|direction| widest(side.get_mut(direction)));
        }
        atoms.dead.retain(|dead| dead.policy() < policies.len());
        atoms.dead.sort_unstable();
        atoms.dead.dedup();
        atoms
    }

    /// The pods of a place that are isolated in a direction, by the managed namespaces that they are in for sure; `None` where
    /// those are very many.
    pub(super) fn isolated(&self, place: &Place, direction: Direction) -> IsolatedPods {
        let key = (place.clone(), direction);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let found: IsolatedPods = self.find_isolated(place, direction).map(Rc::from);
        self.known.borrow_mut().insert(key, found.clone());
        found
    }

    fn find_isolated(&self, place: &Place, direction: Direction) -> Option<Vec<(usize, Selector)>> {
        let labels = place.labels().unwrap_or_default();
        let mut found = Vec::new();
        if !self.may_look_up(place, &labels, direction) {
            return None;
        }
        for home in place.managed(&self.names) {
            let Some(isolated) = self.sides.get(home).map(|side| side.get(direction)) else { continue };
            let near = isolated.near(&labels);
            self.left.set(self.left.get().saturating_sub(near.len()));
            // Those of policies mostly are isolated as they are.
            if near.iter().any(|one| one.contains(&labels)) {
                found.push((home, labels.clone()));
            } else {
                let both = near.iter().map(|isolated| isolated.and(&labels));
                found.extend(both.filter(|both| both.contradiction().is_none()).map(|both| (home, both)));
            }
            if found.len() > MOST_ISOLATED {
                return None;
            }
        }
        Some(found)
    }

    /// Whether the isolated pods of a place are few enough to look for, as far as that can be told without looking.
    fn may_look_up(&self, place: &Place, labels: &Selector, direction: Direction) -> bool {
        let Some(ruled_out) = place.ruled_out() else { return true };
        let has_some = |side: &&PerDirection<Opened>| {
            let isolated = &side.get(direction).isolated;
            if labels.is_everything() { !isolated.is_empty() } else { isolated.iter().any(Selector::is_everything) }
        };
        let at_least = || self.sides.iter().filter(has_some).count();
        let known = (labels.is_everything(), direction);
        let at_least = *self.at_least.borrow_mut().entry(known).or_insert_with(at_least);
        let at_least = at_least.saturating_sub(ruled_out);
        let left = self.left.get().checked_sub(self.names.len() / FEW_NAMES + 1);
        self.left.set(left.unwrap_or_default());
        at_least <= MOST_ISOLATED && left.is_some()
    }

    /// The pods of a namespace that have to be said to be isolated: those that the program does not isolate already.
    pub(super) fn isolated_anew(&self, home: usize, direction: Direction) -> impl Iterator<Item = &Selector> {
        let before = self.before.get(home).and_then(Option::as_ref).map(|before| before.get(direction).as_slice());
        let all = self.sides.get(home).into_iter().flat_map(move |side| &side.get(direction).isolated);
        all.filter(move |pods| !before.unwrap_or_default().iter().any(|before| before.contains(pods)))
    }

    fn policy(&mut self, at: usize, policy: &Policy) {
        if self.names.last() != Some(&policy.namespace) {
            self.names.push(policy.namespace.clone());
            self.sides.push(PerDirection::default());
            self.before.push(None);
        }
        let is_own = at < self.own;
        if let Some(before) = self.before.last_mut().filter(|_| !is_own) {
            before.get_or_insert_default();
        }
        let subjects = each_value(&policy.subject);
        for (direction, rules) in [(Direction::Ingress, &policy.ingress), (Direction::Egress, &policy.egress)] {
            let Some(rules) = rules else { continue };
            let mut found = Vec::new();
            for (rule, written) in rules.iter().enumerate() {
                let origin = RuleOrigin { policy: at, direction, rule, peer: None, port: None };
                self.rule(policy, written, origin, &mut found);
            }
            let Some(side) = self.sides.last_mut() else { continue };
            let side = side.get_mut(direction);
            side.isolated.extend(subjects.iter().cloned());
            if let Some(before) = self.before.last_mut().and_then(Option::as_mut).filter(|_| !is_own) {
                before.get_mut(direction).extend(subjects.iter().cloned());
            }
            for (peer, ports, origin) in found {
                let atoms = subjects.iter().map(|subject| Atom {
                    subject: subject.clone(),
                    peer,
                    ports: PortSet::clone(&ports),
                    origin,
                });
                side.atoms.extend(atoms);
            }
        }
    }

    fn rule(
        &mut self,
        policy: &Policy,
        rule: &Rule,
        origin: RuleOrigin,
        found: &mut Vec<(PlaceId, PortSet, RuleOrigin)>,
    ) {
        let many = rule.peers.len().saturating_mul(rule.ports.len()) > MOST_OF_RULE;
        let ports: Vec<(Option<usize>, PortSet)> = match rule.ports.as_slice() {
            [] => vec![(None, PortSet::everything())],
            several if many => vec![(None, PortSet::union_of(&several.iter().map(Port::set).collect::<Vec<_>>()))],
            several => several.iter().enumerate().map(|(at, port)| (Some(at), port.set())).collect(),
        };
        for (peer, place) in self.peers(policy, rule, origin) {
            let addresses = matches!(self.places.place(place), Place::Addresses(_));
            for (port, ports) in &ports {
                let origin = RuleOrigin { peer, port: *port, ..origin };
                // Nobody knows the container ports of an address.
                let nameless = addresses && origin.direction == Direction::Egress;
                let ports = if nameless { ports.without_names() } else { ports.clone() };
                match ports.is_empty() {
                    true => self.dead.push(Dead::Port(origin)),
                    false => found.push((place, ports, origin)),
                }
            }
        }
    }

    /// The other ends of a rule, each with its place there.
    fn peers(&mut self, policy: &Policy, rule: &Rule, origin: RuleOrigin) -> Vec<(Option<usize>, PlaceId)> {
        if rule.peers.is_empty() {
            return vec![(None, self.places.id(Place::Anywhere))];
        }
        let mut found = Vec::new();
        for (at, peer) in rule.peers.iter().enumerate() {
            let origin = RuleOrigin { peer: Some(at), ..origin };
            let Peer::Pods { namespaces, pods } = peer else {
                if matches!(peer, Peer::Block(block) if block.addresses().is_empty()) {
                    self.dead.push(Dead::Peer(origin));
                }
                continue;
            };
            let homes = match namespaces {
                None => vec![Home::Named(policy.namespace.clone())],
                Some(selector) => Home::of(selector),
            };
            if homes.is_empty() || pods.contradiction().is_some() {
                self.dead.push(Dead::Peer(origin));
                continue;
            }
            for home in &homes {
                let places = each_value(pods).into_iter().map(|pods| Place::Pods(home.clone(), pods));
                found.extend(places.map(|place| (Some(at), self.places.id(place))));
            }
        }
        let block = |(at, peer): (usize, &'_ Peer)| match peer {
            Peer::Block(block) => Some((at, block.clone())),
            // A NetworkPolicy has no others.
            Peer::Pods { .. } | Peer::Unlisted(_) => None,
        };
        let blocks: Vec<(usize, IpBlock)> = rule.peers.iter().enumerate().filter_map(block).collect();
        if (2..=MOST_BLOCKS).contains(&blocks.len()) {
            // Each by itself, for one of them may add nothing. Those that are left are one list again.
            for (at, block) in &blocks {
                let alone = lists(&[block]).into_iter().map(|list| (Some(*at), self.places.id(Place::Addresses(list))));
                found.extend(alone);
            }
            return found;
        }
        let only = if let [(at, _)] = blocks.as_slice() { Some(*at) } else { None };
        let lists = lists(&blocks.iter().map(|(_, block)| block).collect::<Vec<_>>());
        found.extend(lists.into_iter().map(|list| (only, self.places.id(Place::Addresses(list)))));
        found
    }
}

/// A selector as those that the language has a form for: an empty value stands in no list with others, but alone.
pub(super) fn sayable(selector: &Selector) -> Vec<Selector> {
    let mut all = vec![selector.clone()];
    for (key, values) in selector.entries() {
        let Some([empty, rest @ ..]) = values.required().filter(|listed| listed.len() > 1) else { continue };
        if empty.is_empty() {
            let apart = |one: &Selector| {
                [Values::one_of([empty.clone()]), Values::one_of(rest.iter().cloned())]
                    .map(|values| one.with(key, values))
            };
            all = all.iter().flat_map(apart).collect();
        }
    }
    all
}

/// A selector as those of single values where it lists some values of a key that names tiers.
pub(super) fn each_value(selector: &Selector) -> Vec<Selector> {
    sayable(selector).iter().flat_map(single_values).collect()
}

fn single_values(selector: &Selector) -> Vec<Selector> {
    let several = |requirement: &Requirement<'_>| match *requirement {
        Requirement::In(key, values) => {
            let rank = NAMING.iter().take(KEYS_OF_TIERS).position(|name| **name == **key)?;
            (values.len() <= MOST_VALUES).then(|| (rank, key.clone(), values.to_vec()))
        }
        Requirement::Equals(..) | Requirement::NotIn(..) | Requirement::Exists(_) | Requirement::DoesNotExist(_) => {
            None
        }
    };
    match selector.requirements().iter().filter_map(several).min() {
        None => vec![selector.clone()],
        Some((_, key, values)) => {
            values.into_iter().map(|value| selector.with(&key, Values::one_of([value]))).collect()
        }
    }
}

/// Leaves of some selectors those that no other one contains, sorted.
fn widest(selectors: &mut Vec<Selector>) {
    selectors.sort();
    selectors.dedup();
    if selectors.iter().any(Selector::is_everything) {
        *selectors = vec![Selector::everything()];
        return;
    }
    let index = SelectorIndex::new(selectors.iter().enumerate());
    let mut left = MOST_INSIDE;
    let mut inside = |at: usize, selector: &Selector| {
        if left == 0 {
            return false;
        }
        let near = index.query(selector);
        left = left.saturating_sub(near.len());
        let near = near.into_iter().filter(|other| *other != at);
        let mut near = near.filter_map(|other| selectors.get(other));
        // No two of them are the same.
        near.any(|other| other.contains(selector))
    };
    let kept = selectors.iter().enumerate().filter(|(at, selector)| !inside(*at, selector));
    *selectors = kept.map(|(_, selector)| selector.clone()).collect();
}
