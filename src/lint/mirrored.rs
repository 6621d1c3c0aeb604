//! Rules with the ports of the wrong side, where what runs shows who listens on them.

use super::atoms::ports as ports_of;
use super::near::listed;
use super::ports::Mistaken;
use super::replies::RulesOfPods;
use super::runs::{Found, MatchedPods, Runs};
use super::{One, at, in_one_namespace, servers};
use crate::cluster::Pods;
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, PortSet, Protocol};
use crate::netpol::{Port, PortTarget, Rule};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;

/// Below it, ports belong to protocols that anybody may speak.
const LOWEST: u16 = 1024;

/// Numbers with their protocols.
type Numbers = BTreeSet<(Protocol, u16)>;

/// W0234 for rules that are the other way round what another one says, and W0242 for ports of those who connect.
pub(super) fn check(all: &[One<'_>], runs: &Runs<'_>, mistaken: &mut Mistaken, found: &mut Vec<Diagnostic>) {
    let mut first = 0;
    let (mut places, mut all_told) = (FxHashSet::default(), Vec::new());
    for group in all.chunk_by(in_one_namespace) {
        let known = RulesOfPods::new(group);
        for (policy, one) in (first..).zip(group).filter(|(_, one)| one.is_network_policy()) {
            for (direction, index, rule) in one.all_rules() {
                let told = match replies_to(&known, one, direction, rule, runs) {
                    Some(whom) => reply(one, direction, index, &whom),
                    None => {
                        let rule = Mirrored { all, group, one, direction, rule, runs };
                        let Some(told) = rule.of_wrong_side(index) else { continue };
                        told
                    }
                };
                places.extend((0..rule.ports.len()).map(|port| one.port_place(direction, index, port)));
                mistaken.insert((policy, direction));
                all_told.push(told);
            }
        }
        first += group.len();
    }
    found.retain(|other| other.code != Code::W0219 || !places.contains(&other.primary()));
    found.extend(all_told);
}

/// Who alone listens on the ports of a rule, when a policy of the same pods has the same in the other direction: nobody opens
/// a connection this way.
pub(super) fn replies_to(
    known_rules: &RulesOfPods<'_>,
    one: &One<'_>,
    direction: Direction,
    rule: &Rule,
    runs: &Runs<'_>,
) -> Option<String> {
    let numbers = numbers(rule)?;
    let others = known_rules.of_others(one, direction.other(), rule);
    let is_other_way = |other: &Rule| {
        rule.peers.iter().all(|peer| other.peers.contains(peer))
            && rule.ports.iter().all(|port| other.ports.contains(port))
    };
    if rule.peers.is_empty() || !others.iter().any(|other| is_other_way(other)) {
        return None;
    }
    let own = known(runs.subject(one));
    let theirs = peers(one, rule, runs);
    let (asked, asking) = match direction {
        Direction::Ingress => (own?, theirs),
        Direction::Egress => (theirs?, own),
    };
    let listens_not = |(workload, pods): &Found<'_>| {
        let here = runs.cluster.services.iter().filter(|service| service.namespace == workload.namespace);
        let mut services = here.filter(|service| service.selects(&pods.labels));
        !lists_any(pods, &numbers) && (!pods.ports.is_empty() || services.next().is_none())
    };
    if !asked.iter().all(listens_not) {
        return None;
    }
    if direction == Direction::Ingress && super::dns::is_only_dns(rule) && servers::are_presets(&rule.peers) {
        return Some("the DNS servers".to_owned());
    }
    let asking = asking.filter(|pods| pods.iter().all(|(_, pods)| lists_all(pods, &numbers)))?;
    Some(names(&asking))
}

fn reply(one: &One<'_>, direction: Direction, index: usize, whom: &str) -> Diagnostic {
    let message = format!(
        "this rule of {} looks as if it were for the replies of {whom}: nobody else listens on its ports, and replies need no \
         rule",
        one.shown()
    );
    at(Code::W0234, one.port_place(direction, index, 0), message)
        .with_help("remove the rule: a policy is about who opens a connection")
}

/// A rule, and what stands around it.
struct Mirrored<'s, 'a, 'r> {
    all: &'s [One<'a>],
    group: &'s [One<'a>],
    one: &'s One<'a>,
    direction: Direction,
    rule: &'s Rule,
    runs: &'s Runs<'r>,
}

impl<'a> Mirrored<'_, 'a, '_> {
    /// W0242: the ports are those on which the pods that connect listen, and not those to which they do.
    fn of_wrong_side(&self, index: usize) -> Option<Diagnostic> {
        let Mirrored { one, direction, rule, runs, .. } = self;
        let numbers = numbers(rule).filter(|numbers| numbers.iter().all(|(_, number)| *number >= LOWEST))?;
        let own = known(runs.subject(one))?;
        let theirs = peers(one, rule, runs)?;
        let (to, from) = match direction {
            Direction::Ingress => (&own, &theirs),
            Direction::Egress => (&theirs, &own),
        };
        let is_translated =
            |(protocol, number): &(Protocol, u16)| runs.cluster.translated(to, *protocol, *number).is_some();
        let is_mirrored = from.iter().all(|(_, pods)| lists_all(pods, &numbers))
            && to.iter().all(|(_, pods)| !pods.ports.is_empty() && !lists_any(pods, &numbers))
            && !numbers.iter().any(is_translated);
        if !is_mirrored {
            return None;
        }
        // Whoever has the right port for the same peers as well knows what the other one is for.
        let rules = self.rules_of(&own);
        let is_for_them =
            |other: &Rule| other.peers.is_empty() || other.peers.iter().any(|one| rule.peers.contains(one));
        if rules.iter().any(|other| is_on(other, to) && is_for_them(other)) {
            return None;
        }
        let is_closed = *direction == Direction::Ingress && !rules.iter().any(|other| is_on(other, to));
        if !is_closed && !self.is_wanted(&own, &theirs, to) {
            return None;
        }
        let name = one.shown();
        let message = match direction {
            Direction::Ingress => format!(
                "this rule of {name} lists the ports that those who connect listen on themselves, {}: the ports of an ingress \
                 rule are those of the pods that the policy selects",
                names(from)
            ),
            Direction::Egress => format!(
                "this rule of {name} lists the ports that its pods listen on themselves: the ports of an egress rule are those \
                 of the destination"
            ),
        };
        let all: Numbers = to.iter().flat_map(|(_, pods)| listed_by(pods)).collect();
        let shown = listed(all.iter().map(|(protocol, number)| format!("{number}/{}", protocol.as_str())));
        let help = match all.iter().next().filter(|_| all.len() == 1) {
            Some((_, number)) => format!("the containers of {} list {shown}: write `port: {number}`", names(to)),
            None => format!("the containers of {} list {shown}: write those that are meant", names(to)),
        };
        Some(at(Code::W0242, one.port_place(*direction, index, 0), message).with_help(help))
    }

    /// The rules in the same direction of all policies for some of the pods.
    fn rules_of(&self, own: &[Found<'_>]) -> Vec<&'a Rule> {
        let selects = |other: &&One<'_>| own.iter().any(|(_, pods)| other.policy.subject.matches(&pods.labels));
        self.group.iter().filter(selects).filter_map(|other| other.rules(self.direction)).flatten().collect()
    }

    /// Whether the other side lets these very pods through on a port that the destination has.
    fn is_wanted(&self, own: &[Found<'_>], theirs: &[Found<'_>], to: &[Found<'_>]) -> bool {
        let selects = |other: &&One<'_>| {
            let mut pods = theirs.iter().filter(|(workload, _)| workload.namespace == other.policy.namespace);
            pods.any(|(_, pods)| other.policy.subject.matches(&pods.labels))
        };
        let is_own = |(_, pods): &Found<'_>| own.iter().any(|(_, own)| std::ptr::eq(*own, *pods));
        self.all.iter().filter(selects).any(|other| {
            let rules = other.rules(self.direction.other()).unwrap_or_default();
            rules.iter().filter(|rule| !rule.ports.is_empty() && is_on(rule, to)).any(|rule| {
                let mut matched = rule.peers.iter().filter_map(|peer| self.runs.peer(other, peer));
                matched.any(|matched| matched.pods.iter().any(is_own))
            })
        })
    }
}

/// The pods, where it is sure which these are and there are some.
fn known(matched: MatchedPods<'_>) -> Option<Vec<Found<'_>>> {
    (matched.sure && !matched.pods.is_empty()).then_some(matched.pods)
}

/// The pods of all peers of a rule.
fn peers<'a>(one: &One<'_>, rule: &Rule, runs: &Runs<'a>) -> Option<Vec<Found<'a>>> {
    let all: Option<Vec<_>> = rule.peers.iter().map(|peer| known(runs.peer(one, peer)?)).collect();
    let all: Vec<Found<'a>> = all?.into_iter().flatten().collect();
    (!all.is_empty()).then_some(all)
}

/// Whether a rule is about some of the ports that pods list.
fn is_on(rule: &Rule, to: &[Found<'_>]) -> bool {
    let has_name =
        |name: &str| to.iter().flat_map(|(_, pods)| &pods.ports).any(|port| port.name.as_deref() == Some(name));
    let is_it = |port: &Port| match &port.target {
        PortTarget::Named(name) => has_name(name),
        PortTarget::Every | PortTarget::Number(_) | PortTarget::Range(..) => {
            let mut all = to.iter().flat_map(|(_, pods)| listed_by(pods));
            all.any(|(protocol, number)| ports_of(port).overlaps(&PortSet::number(protocol, number)))
        }
    };
    rule.ports.is_empty() || rule.ports.iter().any(is_it)
}

fn listed_by(pods: &Pods) -> impl Iterator<Item = (Protocol, u16)> {
    pods.ports.iter().map(|port| (port.protocol, port.number))
}

fn lists_any(pods: &Pods, numbers: &Numbers) -> bool {
    listed_by(pods).any(|port| numbers.contains(&port))
}

fn lists_all(pods: &Pods, numbers: &Numbers) -> bool {
    let listed: Numbers = listed_by(pods).collect();
    numbers.is_subset(&listed)
}

/// The numbers of a rule; `None` where it has others than single ones.
fn numbers(rule: &Rule) -> Option<Numbers> {
    let number = |port: &Port| match port.target {
        PortTarget::Number(number) => Some((port.protocol, number)),
        PortTarget::Range(..) | PortTarget::Named(_) | PortTarget::Every => None,
    };
    let numbers: Option<Numbers> = rule.ports.iter().map(number).collect();
    numbers.filter(|numbers| !numbers.is_empty())
}

fn names(pods: &[Found<'_>]) -> String {
    let mut names: Vec<String> = pods.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    listed(names.into_iter())
}
