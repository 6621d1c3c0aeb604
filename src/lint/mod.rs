//! Mistakes in policies that somebody else wrote.
//!
//! Some show in one policy (`form`, `open`, `labels`, `peers`, `plugin`), some in what the policies of a namespace say
//! together (`dns`, `except`, `overruled`, `redundant`), some in what they meet when it is known what runs (`pods`,
//! `ports`, `protocols`, `sides`, `outside`). What is said about meaning is exact: it holds for every pod that could exist, or for every pod
//! that was given.

#![warn(clippy::wildcard_enum_match_arm)]

mod addresses;
mod atoms;
mod aws;
mod callers;
mod clouds;
mod control_plane;
mod dns;
mod except;
mod form;
mod inside;
mod labelled;
mod labels;
mod lists;
mod mirrored;
mod near;
mod needless;
mod open;
mod outside;
mod overruled;
mod own_ports;
mod peers;
mod plugin;
mod pods;
mod ports;
mod program;
mod protocols;
mod published;
mod redundant;
mod replies;
mod runs;
mod servers;
mod sides;
mod split;
mod values;

pub use program::{dns, fit, settled};

pub use redundant::{Part, Removal, redundant};

use crate::cluster::Cluster;
use crate::diag::{Code, Diagnostic};
use crate::engine::{Engine, Scope, World};
use crate::model::ChosenCni;
use crate::net::{AddressSet, Direction, Facts};
use crate::netpol::{Policy, Rule, Written};
use crate::source::Span;
use std::collections::BTreeSet;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The policies, sorted by namespace and name.
    pub policies: &'a [Policy],
    /// The places of their names.
    pub names: &'a [Option<Span>],
    /// How they are written.
    pub written: &'a [Written<Span>],
    /// What runs, as far as it is known.
    pub cluster: &'a Cluster,
    /// What has to enforce the policies.
    pub cni: ChosenCni,
    /// Whether some of what runs stands there in several variants, of which there is one.
    pub varies: bool,
    /// Whether these are all the policies that there are. If not, only what shows in each by itself is told.
    pub complete: bool,
}

/// Everything that looks like a mistake, in no order.
pub fn lint(input: &Input<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let nothing = vec![Covered::new(); input.policies.len()];
    let covered = if input.complete { redundancies(&ones(input, &nothing), &mut found) } else { nothing };
    let all: Vec<One<'_>> = ones(input, &covered);
    let runs = runs::Runs::new(input.cluster);
    for one in &all {
        form::check(one, &mut found);
        lists::check(one, &mut found);
        split::check(one, &runs, &mut found);
        control_plane::check(one, &mut found);
        dns::service_port(one, &mut found);
        open::check(one, &runs, &mut found);
        labels::check(one, &runs, &mut found);
        peers::check(one, input, &mut found);
        plugin::check(one, input.cni, &runs, &mut found);
    }
    plugin::check_all(&all, input.cni, &mut found);
    for group in all.chunk_by(in_one_namespace) {
        replies::check(group, &mut found);
    }
    protocols::check(&all, input.complete.then_some(&runs), &mut found);
    if !input.complete {
        return found;
    }
    peers::families(&all, input.cluster, &mut found);
    let patience = atoms::Patience::new();
    let matches = input.cni.cni.blocks_match(input.cni.version);
    let servers = servers::ServerPlaces::new(input.cluster, matches);
    for group in all.chunk_by(in_one_namespace) {
        clouds::check(group, input.cni, input.cluster, &mut found);
        let sides = Direction::ALL.map(|direction| atoms::Side::new(group, direction, &patience));
        for side in &sides {
            dns::one_protocol(side, &servers, &mut found);
            match input.cni.cni.is_of_aws() {
                true => aws::exceptions(side, input.cni, &mut found),
                false => except::check(side, &mut found),
            }
        }
        let [_, egress] = &sides;
        dns::no_dns(egress, &servers, &runs, &mut found);
        dns::node_local(egress, input.cluster, &mut found);
    }
    if patience.gave_up() {
        found.push(unfinished("comparing what the rules of each namespace allow", "an exception or a DNS rule"));
    }
    pods::check(&all, &runs, input.varies, &mut found);
    let mut mistaken = ports::check(&all, &runs, &mut found);
    mirrored::check(&all, &runs, &mut mistaken, &mut found);
    plugin::check_addresses(&all, &runs, matches, &mut found);
    values::check(&all, &runs, &mut found);
    own_ports::check(&all, &runs, &mut found);
    addresses::check(&all, input.cluster, input.cni.cni, &mut found);
    if input.cni.cni.is_of_aws() {
        aws::services(&all, &runs, input.cni, &mut found);
    }
    if !input.cluster.workloads.is_empty() {
        let sets = [input.policies];
        let facts = Facts::of_plugin(matches);
        let scope = Scope { policies: &sets, marks: &[], facts: &facts };
        let world = World::concrete(&scope, input.cluster);
        let engine = Engine::new(&world, input.policies);
        let apart = sides::check(&all, &engine, input.cluster, &mistaken, sides::MOST_PAIRS, &mut found);
        let published = published::Published::new(&all, &engine, input.cluster, &mistaken);
        outside::check(&published, input.cni, &mut found);
        inside::check(&published, &apart, &mut found);
        callers::check(&published, &mut found);
    }
    found
}

/// Tells what can be removed, and gives of each policy the rules that others make needless.
fn redundancies(all: &[One<'_>], found: &mut Vec<Diagnostic>) -> Vec<Covered> {
    let patience = atoms::Patience::new();
    let mut covered = Vec::with_capacity(all.len());
    for group in all.chunk_by(in_one_namespace) {
        let sides = Direction::ALL.map(|direction| atoms::Side::new(group, direction, &patience));
        covered.extend(needless::check(group, &sides, found));
    }
    if patience.gave_up() {
        found.push(unfinished(
            "comparing the rules of each namespace with each other",
            "a rule that others make needless",
        ));
    }
    covered
}

/// That something took too many steps, so that a finding may be missing.
fn unfinished(what: &str, missing: &str) -> Diagnostic {
    let message = format!("{what} takes too many steps and was given up: {missing} may not be told here");
    Diagnostic::about(Code::W0243, message).with_help("lint the namespaces one by one: the rest of what is told holds")
}

fn in_one_namespace(one: &One<'_>, next: &One<'_>) -> bool {
    one.policy.namespace == next.policy.namespace
}

/// Rules of a policy without which everything would be the same.
type Covered = BTreeSet<(Direction, usize)>;

/// A policy, with where it stands.
#[derive(Debug, Clone, Copy)]
struct One<'a> {
    policy: &'a Policy,
    name: Option<Span>,
    written: &'a Written<Span>,
    /// The rules that have no effect of their own: what is wide or odd in them is of no consequence.
    covered: &'a Covered,
}

fn ones<'a>(input: &Input<'a>, covered: &'a [Covered]) -> Vec<One<'a>> {
    let places = input.names.iter().zip(input.written).zip(covered);
    let all = input.policies.iter().zip(places);
    all.map(|(policy, ((name, written), covered))| One { policy, name: *name, written, covered }).collect()
}

impl<'a> One<'a> {
    /// Its name, as sentences write it.
    fn shown(&self) -> String {
        format!("`{}/{}`", self.policy.namespace, self.policy.name)
    }

    /// The rules of a direction in which it isolates.
    fn rules(&self, direction: Direction) -> Option<&'a [Rule]> {
        match direction {
            Direction::Ingress => self.policy.ingress.as_deref(),
            Direction::Egress => self.policy.egress.as_deref(),
        }
    }

    /// All rules that count, with their direction and place.
    fn all_rules(&self) -> impl Iterator<Item = (Direction, usize, &'a Rule)> + use<'a> {
        let this = *self;
        Direction::ALL.into_iter().flat_map(move |direction| {
            let rules = this.rules(direction).unwrap_or_default();
            rules.iter().enumerate().map(move |(index, rule)| (direction, index, rule))
        })
    }

    /// Those of them that have an effect.
    fn live_rules(&self) -> impl Iterator<Item = (Direction, usize, &'a Rule)> + use<'a> {
        let covered = self.covered;
        self.all_rules().filter(|(direction, index, _)| !covered.contains(&(*direction, *index)))
    }

    /// Whether one of the words of its name is one of these.
    fn is_called(&self, words: &[&str]) -> bool {
        self.policy.name.split(['-', '.']).any(|word| words.contains(&word))
    }

    /// Where a rule stands.
    fn rule_place(&self, direction: Direction, rule: usize) -> Option<Span> {
        self.written.rules(direction).rules.get(rule).and_then(|rule| rule.place).or(self.name)
    }

    /// Where a peer stands.
    fn peer_place(&self, direction: Direction, rule: usize, peer: usize) -> Option<Span> {
        let written = self.written.rules(direction).rules.get(rule);
        written.and_then(|rule| rule.peers.get(peer)?.place).or_else(|| self.rule_place(direction, rule))
    }

    /// Where the labels of the pods of a peer stand.
    fn pods_place(&self, direction: Direction, rule: usize, peer: usize) -> Option<Span> {
        let written = self.written.rules(direction).rules.get(rule);
        written.and_then(|rule| rule.peers.get(peer)?.pods).or_else(|| self.peer_place(direction, rule, peer))
    }

    /// Where the labels of the namespaces of a peer stand.
    fn namespaces_place(&self, direction: Direction, rule: usize, peer: usize) -> Option<Span> {
        let written = self.written.rules(direction).rules.get(rule);
        written.and_then(|rule| rule.peers.get(peer)?.namespaces).or_else(|| self.peer_place(direction, rule, peer))
    }

    /// Where it says that it isolates in a direction.
    fn isolation_place(&self, direction: Direction) -> Option<Span> {
        self.written.rules(direction).place.or(self.written.types).or(self.name)
    }

    /// Where a port stands.
    fn port_place(&self, direction: Direction, rule: usize, port: usize) -> Option<Span> {
        let written = self.written.rules(direction).rules.get(rule);
        written.and_then(|rule| rule.ports.get(port)?.place).or_else(|| self.rule_place(direction, rule))
    }
}

/// A diagnostic at a place, when there is one.
fn at(code: Code, place: Option<Span>, message: impl Into<String>) -> Diagnostic {
    match place {
        Some(place) => Diagnostic::new(code, place, message),
        None => Diagnostic::about(code, message),
    }
}

/// The addresses that a network gives to its own: RFC 1918, RFC 6598, RFC 4193.
fn private() -> AddressSet {
    let nets = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];
    AddressSet::from_nets(nets.iter().filter_map(|net| net.parse().ok()))
}

/// A direction as `policyTypes` lists it.
fn listed_type(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "Ingress",
        Direction::Egress => "Egress",
    }
}

/// The field of the rules of a direction.
fn field(direction: Direction) -> &'static str {
    direction.word()
}

/// The field of the peers of a rule.
fn peers_field(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    }
}
