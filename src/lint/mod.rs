//! Mistakes in policies that somebody else wrote.
//!
//! Some show in one policy (`form`, `open`, `labels`, `peers`, `plugin`), some in what the policies of a namespace say
//! together (`dns`, `except`, `overruled`, `redundant`), some in what they meet when it is known what runs (`pods`,
//! `ports`, `protocols`, `sides`, `outside`). What is said about meaning is exact: it holds for every pod that could exist, or for every pod
//! that was given.
//!
//! What is said of how a policy is written is about NetworkPolicies. Policies of other kinds isolate and allow beside them, as far as they
//! are understood; where some are not, nothing is said of what nobody allows.

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
use crate::model::{ChosenCni, Cni};
use crate::net::{AddressSet, BlocksMatch, Direction, Facts};
use crate::netpol::{Policy, PolicyKind, Rule, Written};
use crate::source::Span;
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// The namespaces where some of what runs stands in several variants, of which there is one.
    pub varying: &'a BTreeSet<Arc<str>>,
    /// Whether these are all the policies that there are. If not, only what shows in each by itself is told.
    pub complete: bool,
}

impl Input<'_> {
    /// What address blocks match. Who has policies of Cilium's kind has Cilium, if nothing else is said.
    fn blocks_match(&self) -> BlocksMatch {
        match self.has_cilium() && self.cni.cni.is_not_said() {
            true => Cni::Cilium.blocks_match(None),
            false => self.cni.cni.blocks_match(self.cni.version),
        }
    }

    fn has_cilium(&self) -> bool {
        self.policies.iter().any(|policy| policy.kind == PolicyKind::Cilium)
    }
}

/// What the CNI makes of any policy, at the name of one.
pub fn of_any_policy(cni: ChosenCni, name: Option<Span>) -> Vec<Diagnostic> {
    plugin::of_any(cni, name)
}

/// Everything that looks like a mistake, in no order.
pub fn lint(input: &Input<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let nothing = vec![Covered::new(); input.policies.len()];
    let covered = if input.complete { redundancies(&ones(input, &nothing), &mut found) } else { nothing };
    let all: Vec<One<'_>> = ones(input, &covered);
    let own: Vec<One<'_>> = all.iter().copied().filter(One::is_network_policy).collect();
    let runs = runs::Runs::new(input.cluster);
    let selected = labels::SelectedValues::new(&own);
    for one in &own {
        form::check(one, &mut found);
        lists::check(one, &mut found);
        split::check(one, &runs, &mut found);
        control_plane::check(one, &mut found);
        dns::service_port(one, &mut found);
        open::check(one, &runs, &mut found);
        labels::check(one, &selected, &runs, &mut found);
        peers::check(one, input, &mut found);
        plugin::check(one, input.cni, &runs, &mut found);
    }
    for group in own.chunk_by(in_one_namespace) {
        replies::check(group, &mut found);
    }
    protocols::check(&own, input.complete.then_some(&runs), &mut found);
    if input.complete {
        plugin::check_all(&own, input.cni, &mut found);
        together(input, &all, &own, &runs, &mut found);
    }
    found
}

/// What shows in all policies together, and in what they meet.
fn together(input: &Input<'_>, all: &[One<'_>], own: &[One<'_>], runs: &runs::Runs<'_>, found: &mut Vec<Diagnostic>) {
    peers::families(all, input.cluster, found);
    let patience = atoms::Patience::new();
    let matches = input.blocks_match();
    let servers = servers::ServerPlaces::new(input.cluster, matches);
    for group in all.chunk_by(in_one_namespace) {
        clouds::check(group, input.cni, input.cluster, found);
        let sides = Direction::ALL.map(|direction| atoms::Side::new(group, direction, &patience));
        let is_known = group.first().is_some_and(|one| !input.cluster.may_be_opened(&one.policy.namespace));
        for side in &sides {
            if is_known {
                dns::one_protocol(side, &servers, found);
            }
            match input.cni.cni.is_of_aws() {
                true => aws::exceptions(side, input.cni, found),
                false => except::check(side, found),
            }
        }
        let [_, egress] = &sides;
        if is_known {
            dns::no_dns(egress, &servers, runs, found);
            dns::node_local(egress, input.cluster, found);
        }
    }
    if patience.gave_up() {
        found.push(unfinished("comparing what the rules of each namespace allow", "an exception or a DNS rule"));
    }
    pods::check(all, runs, input.varying, found);
    let mut mistaken = ports::check(all, runs, found);
    mirrored::check(all, runs, &mut mistaken, found);
    plugin::check_addresses(own, runs, matches, found);
    values::check(own, runs, found);
    own_ports::check(own, runs, found);
    addresses::check(own, input.cluster, input.cni.cni, found);
    if input.cni.cni.is_of_aws() {
        aws::services(own, runs, input.cni, found);
    }
    if !input.cluster.workloads.is_empty() {
        let sets = [input.policies];
        let facts = Facts::of_plugin(matches);
        let facts = if input.has_cilium() { facts.with_unlisted() } else { facts };
        let scope = Scope { policies: &sets, of_cluster: &[], marks: &[], facts: &facts };
        let world = World::concrete(&scope, input.cluster);
        let engine = Engine::new(&world, input.policies);
        let apart = sides::check(all, &engine, input.cluster, &mistaken, sides::MOST_PAIRS, found);
        let published = published::Published::new(all, &engine, input.cluster, &mistaken);
        outside::check(&published, input.cni, found);
        inside::check(&published, &apart, found);
        callers::check(&published, found);
    }
}

/// Tells what can be removed, and gives of each policy the rules that others make needless.
fn redundancies(all: &[One<'_>], found: &mut Vec<Diagnostic>) -> Vec<Covered> {
    let patience = atoms::Patience::new();
    let mut covered = Vec::with_capacity(all.len());
    for group in all.chunk_by(in_one_namespace) {
        let first = covered.len();
        covered.resize_with(first + group.len(), Covered::new);
        let own: (Vec<usize>, Vec<One<'_>>) = (first..).zip(group).filter(|(_, one)| one.is_network_policy()).unzip();
        let sides = Direction::ALL.map(|direction| atoms::Side::new(&own.1, direction, &patience));
        for (place, rules) in own.0.iter().zip(needless::check(&own.1, &sides, found)) {
            if let Some(known) = covered.get_mut(*place) {
                *known = rules;
            }
        }
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
        let name = format!("`{}/{}`", self.policy.namespace, self.policy.name);
        match self.policy.kind {
            PolicyKind::NetworkPolicy => name,
            PolicyKind::Cilium => format!("the {} {name}", self.policy.kind.object()),
        }
    }

    /// Whether it is of the kind whose fields the findings name.
    fn is_network_policy(&self) -> bool {
        self.policy.kind == PolicyKind::NetworkPolicy
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
