//! Ports of rules against the ports of the pods that run.

use super::inside::NUMBERS_OF_PEERS;
use super::runs::{Found, Runs};
use super::{One, at, protocols};
use crate::cluster::TranslatedPort;
use crate::diag::{Code, Diagnostic, How, closest};
use crate::lint::near::{listed, with_place};
use crate::net::{Direction, NAMESPACE_NAME, Protocol};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use crate::source::Span;
use std::collections::BTreeSet;

/// Of which rules, by the place of their policy, a port was told of that is likely another one.
pub(super) type Mistaken = BTreeSet<(usize, Direction)>;

pub(super) fn check(all: &[One<'_>], runs: &Runs<'_>, found: &mut Vec<Diagnostic>) -> Mistaken {
    let mut mistaken = Mistaken::new();
    for (policy, one) in all.iter().enumerate().filter(|(_, one)| one.is_network_policy()) {
        for (direction, index, rule) in one.all_rules() {
            found.extend(names_of_addresses(one, direction, index, rule));
            let Some(pods) = destinations(one, direction, rule, runs) else { continue };
            let to = Destination { one, rule, allowed: allowed(one, direction, rule), pods };
            for (position, port) in rule.ports.iter().enumerate() {
                let place = one.port_place(direction, index, position);
                let number = |range| numbers(&to, port.protocol, range, place, runs);
                let told = match &port.target {
                    _ if protocols::is_told(one, direction, index, position, &to.pods) => None,
                    PortTarget::Every => None,
                    PortTarget::Number(low) => number((*low, *low)),
                    PortTarget::Range(low, high) => number((*low, *high)),
                    PortTarget::Named(name) => named(one, &to.pods, port.protocol, name, place),
                };
                mistaken.extend(told.iter().filter(|told| !told.is_note).map(|_| (policy, direction)));
                found.extend(told);
            }
        }
    }
    mistaken
}

/// More ports than these that a policy allows and no container lists say that the lists are not complete.
const MOST_UNLISTED: usize = 2;

/// What the ports of a rule are those of.
struct Destination<'s, 'a> {
    /// The policy with the rule.
    one: &'s One<'a>,
    /// The rule.
    rule: &'s Rule,
    /// The pods.
    pods: Vec<Found<'a>>,
    /// The numbers that the policy allows for them, from the first to the last.
    allowed: BTreeSet<(u16, u16)>,
}

impl Destination<'_, '_> {
    /// Whether their containers seem to list all that they listen on.
    fn lists_are_full(&self) -> bool {
        let listed = |(low, high): &(u16, u16)| {
            self.pods.iter().flat_map(|(_, pods)| &pods.ports).any(|port| (low..=high).contains(&&port.number))
        };
        self.allowed.iter().filter(|range| !listed(range)).count() <= MOST_UNLISTED
    }

    /// Whether the rule allows numbers over a protocol, too.
    fn has(&self, protocol: Protocol, low: u16, high: u16) -> bool {
        let is_it = |port: &Port| match port.target {
            PortTarget::Number(number) => (low, high) == (number, number),
            PortTarget::Range(from, to) => from <= low && high <= to,
            PortTarget::Every => true,
            PortTarget::Named(_) => false,
        };
        self.rule.ports.iter().any(|port| port.protocol == protocol && is_it(port))
    }

    /// Whether the policy allows a number, too.
    fn allows(&self, number: u16) -> bool {
        self.allowed.iter().any(|(low, high)| (low..=high).contains(&&number))
    }
}

/// The numbers of a policy for the pods that it selects, or of a rule towards others.
fn allowed(one: &One<'_>, direction: Direction, rule: &Rule) -> BTreeSet<(u16, u16)> {
    let rules = match direction {
        Direction::Ingress => one.rules(direction).unwrap_or_default(),
        Direction::Egress => std::slice::from_ref(rule),
    };
    let ranges = rules.iter().flat_map(|rule| &rule.ports).filter_map(|port| match port.target {
        PortTarget::Number(number) => Some((number, number)),
        PortTarget::Range(low, high) => Some((low, high)),
        PortTarget::Named(_) | PortTarget::Every => None,
    });
    ranges.collect()
}

/// The pods that a rule is about connections to; `None` when they are not all known, or are none.
pub(super) fn destinations<'a>(
    one: &One<'_>,
    direction: Direction,
    rule: &Rule,
    runs: &Runs<'a>,
) -> Option<Vec<Found<'a>>> {
    let matched = match direction {
        Direction::Ingress => vec![runs.subject(one)],
        Direction::Egress => rule.peers.iter().map(|peer| runs.peer(one, peer)).collect::<Option<_>>()?,
    };
    // Namespaces by other labels than their names are known where all of them are.
    let is_known = |peer: &Peer| match peer {
        Peer::Pods { namespaces: Some(namespaces), .. } => {
            namespaces.required_value(NAMESPACE_NAME).is_some() || runs.cluster.has_all_pods()
        }
        Peer::Pods { namespaces: None, .. } | Peer::Block(_) | Peer::Unlisted(_) => true,
    };
    if !matched.iter().all(|matched| matched.sure)
        || (direction == Direction::Egress && !rule.peers.iter().all(is_known))
    {
        return None;
    }
    let pods = matched.into_iter().flat_map(|matched| matched.pods).filter(|(_, pods)| !pods.host_network);
    let pods: Vec<Found<'a>> = pods.collect();
    (!pods.is_empty()).then_some(pods)
}

/// W0219: numbers that no container lists. Containers need not list their ports, so where some pods list none only the
/// port of a Service is a sure sign.
fn numbers(
    to: &Destination<'_, '_>,
    protocol: Protocol,
    (low, high): (u16, u16),
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Option<Diagnostic> {
    let Destination { one, pods, .. } = to;
    let lists = |(_, pods): &Found<'_>| {
        pods.ports.iter().any(|port| port.protocol == protocol && (low..=high).contains(&port.number))
    };
    if pods.iter().any(lists) {
        return None;
    }
    let word = protocol.as_str();
    let service = (low == high).then(|| runs.cluster.translated(pods, protocol, low)).flatten();
    if let Some(translated @ TranslatedPort { service, target, .. }) = service {
        let message = format!(
            "{low}/{word} in {} is the {} of the Service `{}/{}`; its pods listen on {target}/{word}, and that is what \
             policies see",
            one.shown(),
            translated.kind(),
            service.namespace,
            service.name
        );
        let found = with_place(at(Code::W0219, place, message), service.span, "this Service translates it");
        let found = found.with_help(format!("write `port: {target}`"));
        // Other pods of these may have it behind another number.
        let mut all = runs.cluster.translations(pods, protocol, low).into_iter();
        let is_one = all.all(|other| other.target == target);
        return Some(match place.filter(|_| is_one) {
            Some(place) => found.with_mend_as(How::Entry, place, format!("port: {target}")),
            None => found,
        });
    }
    if pods.iter().any(|(_, pods)| pods.ports.is_empty()) {
        return None;
    }
    let range = if low == high { low.to_string() } else { format!("{low}-{high}") };
    let mut names: Vec<String> = pods.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    let message =
        format!("no container of {} lists {range}/{word}, which {} allows", listed(names.into_iter()), one.shown());
    let span = pods.first().and_then(|(workload, pods)| pods.span.or(workload.span));
    let found = with_place(at(Code::W0219, place, message), span, "its containers");
    let all: BTreeSet<(u16, Protocol)> =
        pods.iter().flat_map(|(_, pods)| &pods.ports).map(|port| (port.number, port.protocol)).collect();
    let other = all.iter().find(|(number, _)| (low..=high).contains(number));
    let is_near = |(number, of): &&(u16, Protocol)| {
        low == high
            && *of == protocol
            && is_slip(low, *number)
            && !to.allows(*number)
            && !NUMBERS_OF_PEERS.contains(&low)
    };
    let near = all.iter().find(is_near).filter(|_| to.lists_are_full());
    Some(match (other, near) {
        (Some((_, other)), _) => {
            let found = found.with_help(format!("they list it for {0}: write `protocol: {0}`", other.as_str()));
            // Who has both has forgotten neither.
            if to.has(*other, low, high) { found.as_note() } else { found }
        }
        (None, Some((number, _))) => found.with_help(format!("they list {number}/{word}: write `port: {number}`")),
        // Containers need not list what they listen on.
        (None, None) => {
            let all = listed(all.iter().map(|(number, of)| format!("{number}/{}", of.as_str())));
            found.with_help(format!("they list {all}")).as_note()
        }
    })
}

/// Whether a number is another one with one digit wrong, missing or too many, two that changed places, or some in front of
/// it, as in 80 and 8080.
fn is_slip(wanted: u16, listed: u16) -> bool {
    let (wanted, listed) = (wanted.to_string(), listed.to_string());
    let is_end = wanted.len() > 1 && listed.len() > 1 && (wanted.ends_with(&listed) || listed.ends_with(&wanted));
    is_end || strsim::damerau_levenshtein(&wanted, &listed) == 1
}

/// W0220: names towards addresses, whose container ports nobody knows.
fn names_of_addresses(one: &One<'_>, direction: Direction, index: usize, rule: &Rule) -> Option<Diagnostic> {
    let outside = !rule.peers.is_empty() && rule.peers.iter().all(|peer| matches!(peer, Peer::Block(_)));
    if direction == Direction::Ingress || !outside {
        return None;
    }
    let named = |port: &Port| match &port.target {
        PortTarget::Named(name) => Some(name.clone()),
        PortTarget::Every | PortTarget::Number(_) | PortTarget::Range(..) => None,
    };
    let (position, name) = rule.ports.iter().enumerate().find_map(|(at, port)| Some((at, named(port)?)))?;
    let message = format!(
        "the port `{name}` in {} allows nothing: addresses have no ports with names, only pods have",
        one.shown()
    );
    Some(at(Code::W0220, one.port_place(direction, index, position), message).with_help("write the number of the port"))
}

/// W0220: names that no container has, or that are several numbers.
fn named(one: &One<'_>, pods: &[Found<'_>], protocol: Protocol, name: &str, place: Option<Span>) -> Option<Diagnostic> {
    let ports = || pods.iter().flat_map(|(_, pods)| &pods.ports);
    let with_name = || ports().filter(|port| port.name.as_deref() == Some(name));
    let word = protocol.as_str();
    let numbers: BTreeSet<u16> = with_name().filter(|port| port.protocol == protocol).map(|port| port.number).collect();
    let span = pods.first().and_then(|(workload, pods)| pods.span.or(workload.span));
    let mut names: Vec<String> = pods.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    let names = listed(names.into_iter());
    match numbers.len() {
        0 => {
            let message = format!(
                "no container of {names} has a {word} port named `{name}`, so {} allows nothing by it",
                one.shown()
            );
            let found = with_place(at(Code::W0220, place, message), span, "its containers");
            let known: BTreeSet<&str> = ports().filter_map(|port| port.name.as_deref()).collect();
            Some(match (with_name().next(), closest(name, known.into_iter())) {
                (Some(port), _) => found.with_help(format!(
                    "the port of that name is {}: write `protocol: {}`",
                    port.protocol.as_str(),
                    port.protocol.as_str()
                )),
                (None, Some(near)) => found.with_help(format!("did you mean `port: {near}`?")),
                (None, None) => found.with_help("write the number of the port"),
            })
        }
        1 => None,
        _ => {
            let all = listed(numbers.iter().map(ToString::to_string));
            let message = format!(
                "the port `{name}` in {} is {all} among the pods it is for: not every CNI tells them apart",
                one.shown()
            );
            let found = with_place(at(Code::W0220, place, message), span, "some of the containers");
            Some(found.with_help("write the numbers, each in a rule for the pods that have it").as_note())
        }
    }
}
