//! Peers that are wider than they look.

use super::atoms::ports;
use super::{Input, One, at, peers_field};
use crate::cluster::Cluster;
use crate::diag::{Code, Diagnostic};
use crate::net::{AddressSet, Direction, IpBlock, NAMESPACE_NAME, PortSet, Protocol, Selector, Values};
use crate::netpol::{Peer, Rule};
use crate::source::Span;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What most people do not mean by "the internet".
const INNER: [(&str, &str); 7] = [
    ("169.254.169.254/32", "the metadata service of the cloud (169.254.169.254)"),
    ("10.0.0.0/8", "10.0.0.0/8"),
    ("172.16.0.0/12", "172.16.0.0/12"),
    ("192.168.0.0/16", "192.168.0.0/16"),
    ("fd00:ec2::254/128", "the metadata service of the cloud (fd00:ec2::254)"),
    ("fc00::/7", "fc00::/7"),
    ("fe80::/10", "fe80::/10"),
];

/// Where the metadata services of clouds answer, on port 80. Over IPv6 only one cloud has it, and only where it is switched
/// on.
const METADATA: &str = "169.254.169.254/32";

pub(super) fn check(one: &One<'_>, input: &Input<'_>, found: &mut Vec<Diagnostic>) {
    for (direction, index, rule) in one.live_rules() {
        let place = |peer: usize| one.peer_place(direction, index, peer);
        let of_namespaces = |peer: usize| one.namespaces_place(direction, index, peer);
        found.extend(and_as_or(one, direction, index, rule, input.cluster));
        let dns = super::dns::is_only_dns(rule) && direction == Direction::Egress;
        if dns && rule.peers.is_empty() {
            found.push(dns_anywhere(one, one.rule_place(direction, index)));
        }
        let written = one.written.rules(direction).rules.get(index);
        for (at_peer, peer) in rule.peers.iter().enumerate() {
            if written.and_then(|written| written.peers.get(at_peer)).is_some_and(|written| written.negative) {
                let found_here = nothing_asked_for(one, direction, of_namespaces(at_peer));
                found.push(if input.cni.cni.has_entities() { found_here } else { found_here.as_note() });
            }
            match peer {
                Peer::Pods { namespaces: Some(namespaces), pods }
                    if namespaces.is_everything() && pods.is_everything() =>
                {
                    found.push(whole_cluster(one, direction, of_namespaces(at_peer)));
                }
                Peer::Block(block) if block.cidr.prefix_len() == 0 && dns => {
                    found.push(dns_anywhere(one, place(at_peer)));
                }
                Peer::Block(block) if block.cidr.prefix_len() == 0 => {
                    found.extend(everywhere(one, direction, rule, block, place(at_peer)));
                }
                Peer::Pods { .. } | Peer::Block(_) | Peer::Unlisted(_) => {}
            }
        }
    }
}

/// W0203: two neighbours in a list, one of namespaces and one of pods, that were probably meant to be one.
fn and_as_or(one: &One<'_>, direction: Direction, index: usize, rule: &Rule, cluster: &Cluster) -> Option<Diagnostic> {
    let (first, second) = neighbours(&rule.peers)?;
    let (one_peer, other) = (rule.peers.get(first)?, rule.peers.get(second)?);
    let ((Peer::Pods { namespaces: Some(namespaces), .. }, Peer::Pods { pods, .. })
    | (Peer::Pods { pods, .. }, Peer::Pods { namespaces: Some(namespaces), .. })) = (one_peer, other)
    else {
        return None;
    };
    if runs_here_only(one, namespaces, pods, cluster)
        || is_of_same_program(&one.policy.subject, pods)
        || says_the_same(namespaces, pods)
    {
        return None;
    }
    let list = peers_field(direction);
    let message = format!(
        "two items of `{list}` in {} are alternatives: every pod of those namespaces, and these pods of namespace \
         `{}` too",
        one.shown(),
        one.policy.namespace
    );
    let found = at(Code::W0203, one.peer_place(direction, index, second), message);
    let found = match one.peer_place(direction, index, first) {
        Some(place) => found.with_label(place, "the other item"),
        None => found,
    };
    let found = found.with_help(
        "for the pods with those labels in those namespaces make them one item: remove the `-` of the second",
    );
    // Who lists addresses beside them, as the documentation of Kubernetes does, lists alternatives.
    let lists_blocks = rule.peers.iter().any(|peer| matches!(peer, Peer::Block(_)));
    let is_beside = lists_blocks || are_of_gateway(namespaces, pods);
    Some(if is_beside { found.as_note() } else { found })
}

/// Whether namespaces and pods have to have one and the same label: whoever may connect is marked, one by one or by whole
/// namespaces.
fn says_the_same(namespaces: &Selector, pods: &Selector) -> bool {
    !pods.is_everything() && pods.entries().eq(namespaces.entries())
}

/// Whether namespaces are those of an ingress controller or a gateway, as their name says, and pods are none of it by their
/// labels: clients of the same namespace, then, and those who come from outside.
fn are_of_gateway(namespaces: &Selector, pods: &Selector) -> bool {
    const WORDS: [&str; 4] = ["ingress", "gateway", "ingressgateway", "router"];
    let says = |text: &str| {
        text.split(['-', '.', '_']).any(|word| WORDS.contains(&word))
            || super::outside::CONTROLLERS.iter().any(|known| text.contains(known))
    };
    let of_pods = pods.entries().any(|(key, values)| says(key) || values.listed().iter().any(|value| says(value)));
    let names = namespaces.required_value(NAMESPACE_NAME);
    !of_pods && names.is_some_and(|names| names.iter().all(|name| says(name)))
}

/// The places of two peers that look like one: whole namespaces, of which there are no others in the list, and right behind
/// them pods by labels alone. Where there are only these two, in any order.
fn neighbours(peers: &[Peer]) -> Option<(usize, usize)> {
    let is_whole = |peer: &Peer| matches!(peer, Peer::Pods { namespaces: Some(_), pods } if pods.is_everything());
    let is_pods = |peer: &Peer| matches!(peer, Peer::Pods { namespaces: None, pods } if !pods.is_everything());
    let mut wholes = (0_usize..).zip(peers).filter(|(_, peer)| is_whole(peer)).map(|(index, _)| index);
    let (whole, None) = (wholes.next()?, wholes.next()) else { return None };
    let of_pods = peers.iter().filter(|peer| matches!(peer, Peer::Pods { .. })).count();
    let has_pods = |index: usize| peers.get(index).is_some_and(is_pods);
    match whole.checked_sub(1).filter(|before| of_pods == 2 && has_pods(*before)) {
        _ if has_pods(whole + 1) => Some((whole, whole + 1)),
        Some(before) => Some((before, whole)),
        None => None,
    }
}

/// Whether pods are of the program that a policy is for, and so of its namespace: they have one of the labels that it selects by,
/// and another one.
fn is_of_same_program(subject: &Selector, pods: &Selector) -> bool {
    let shared = |(key, values): (&Arc<str>, &Values)| {
        let own = subject.required_value(key);
        own.is_some() && own == values.required()
    };
    pods.entries().any(shared)
}

/// Whether what runs shows that the pods are meant to be in the namespace of the policy.
fn runs_here_only(one: &One<'_>, namespaces: &Selector, pods: &Selector, cluster: &Cluster) -> bool {
    let in_namespaces = |name: &str| {
        cluster.namespaces.iter().any(|namespace| &*namespace.name == name && namespaces.matches(&namespace.labels))
    };
    let mut matching =
        cluster.workloads.iter().filter(|workload| workload.pods.iter().any(|each| pods.matches(&each.labels)));
    let mut here = false;
    let there = matching.any(|workload| {
        here |= workload.namespace == one.policy.namespace;
        in_namespaces(&workload.namespace)
    });
    here && !there
}

/// W0215: every pod of the cluster.
fn whole_cluster(one: &One<'_>, direction: Direction, place: Option<Span>) -> Diagnostic {
    let what = match direction {
        Direction::Ingress => "every pod of every namespace may connect",
        Direction::Egress => "these pods may connect to every pod of every namespace",
    };
    let message = format!("`namespaceSelector: {{}}` in {} is the whole cluster: {what}", one.shown());
    at(Code::W0215, place, message).with_help(
        "name the namespaces: `namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}`, and in the same \
         item the pods with `podSelector`",
    )
}

/// W0233: namespaces by what they lack.
fn nothing_asked_for(one: &One<'_>, direction: Direction, place: Option<Span>) -> Diagnostic {
    let message = format!(
        "a `namespaceSelector` in `{}` of {} asks only for what a namespace lacks: some versions of Cilium take nodes and \
         addresses outside of the cluster for such, too",
        peers_field(direction),
        one.shown()
    );
    at(Code::W0233, place, message).with_help(format!(
        "add what every namespace has to its `matchExpressions`: `- {{key: {NAMESPACE_NAME}, operator: Exists}}`"
    ))
}

/// W0224: an open way out over port 53.
fn dns_anywhere(one: &One<'_>, place: Option<Span>) -> Diagnostic {
    let message = format!(
        "{} opens the DNS port to every destination: any server that listens on it can be reached, not only the \
         cluster's DNS",
        one.shown()
    );
    at(Code::W0224, place, message).with_help(
        "name the DNS servers: `to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, \
         podSelector: {matchLabels: {k8s-app: kube-dns}}}]`",
    )
}

/// W0213: every address of a family, with what is inside.
fn everywhere(
    one: &One<'_>,
    direction: Direction,
    rule: &Rule,
    block: &IpBlock,
    place: Option<Span>,
) -> Option<Diagnostic> {
    let addresses = block.addresses();
    let inner = INNER.iter().filter_map(|(net, name)| Some((net.parse::<IpNet>().ok()?, *name)));
    let left: Vec<(IpNet, &str)> = inner.filter(|(net, _)| addresses.overlaps(&AddressSet::from_net(*net))).collect();
    // Who excepts some of it for ingress has thought of it: nothing inside is attacked from there.
    if left.is_empty() || (direction == Direction::Ingress && !block.except.is_empty()) {
        return None;
    }
    let names: Vec<&str> = left.iter().map(|(_, name)| *name).collect();
    let cidr = block.cidr;
    let message = match direction {
        Direction::Egress => {
            format!("`{cidr}` in {} is not only the internet but also {}", one.shown(), sentence(&names))
        }
        Direction::Ingress => {
            format!("`{cidr}` in {} lets every address in, those of nodes and private networks too", one.shown())
        }
    };
    let mut except: Vec<IpNet> = block.except.clone();
    // Single metadata addresses go with the whole range that they are in.
    except.extend(left.iter().map(|(net, _)| match net.to_string().as_str() {
        "169.254.169.254/32" => "169.254.0.0/16".parse().unwrap_or(*net),
        _ => *net,
    }));
    let except = AddressSet::from_nets(except).to_nets().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let found = at(Code::W0213, place, message).with_help(match direction {
        Direction::Egress => format!("write `ipBlock: {{cidr: \"{cidr}\", except: [{}]}}`", quoted(&except)),
        Direction::Ingress => "list the blocks that may connect, or take the inner ones out with `except`".to_owned(),
    });
    let opens_metadata = direction == Direction::Egress
        && METADATA.parse().is_ok_and(|net| addresses.overlaps(&AddressSet::from_net(net)))
        && (rule.ports.is_empty()
            || rule.ports.iter().any(|port| ports(port).overlaps(&PortSet::number(Protocol::Tcp, 80))));
    // Who lists both families as a whole means every address there is.
    let is_all =
        |peer: &Peer| matches!(peer, Peer::Block(other) if other.cidr.prefix_len() == 0 && other.except.is_empty());
    let of_both = rule.peers.iter().filter(|peer| is_all(peer)).count() > 1;
    Some(if opens_metadata && !of_both { found } else { found.as_note() })
}

fn quoted(list: &str) -> String {
    list.split(", ").map(|net| format!("\"{net}\"")).collect::<Vec<_>>().join(", ")
}

fn sentence(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// W0214: all of IPv4 and none of IPv6, where IPv6 is in use.
pub(super) fn families(all: &[One<'_>], cluster: &Cluster, found: &mut Vec<Diagnostic>) {
    let is_v6 = |peer: &Peer| matches!(peer, Peer::Block(block) if matches!(block.cidr, IpNet::V6(_)));
    let pods =
        || cluster.workloads.iter().flat_map(|workload| &workload.pods).flat_map(|pods| &pods.addresses).flatten();
    // Of pods whose addresses are known, these say it. Charts list both families whatever a cluster has, so that one does is
    // said of its own namespace alone.
    let (is_seen, is_told) = (pods().any(|address| address.is_ipv6()), pods().next().is_none());
    let lists_v6 = |one: &One<'_>| one.all_rules().flat_map(|(.., rule)| &rule.peers).any(is_v6);
    let listing: BTreeSet<&str> =
        all.iter().filter(|one| is_told && lists_v6(one)).map(|one| &*one.policy.namespace).collect();
    let is_known = |one: &&One<'_>| {
        one.is_network_policy()
            && (is_seen || listing.contains(&*one.policy.namespace))
            && !cluster.may_be_opened(&one.policy.namespace)
    };
    for one in all.iter().filter(is_known) {
        for direction in Direction::ALL {
            let rules = one.rules(direction).unwrap_or_default().iter().enumerate();
            let peers = rules.flat_map(|(index, rule)| (0..).zip(&rule.peers).map(move |(at, peer)| (index, at, peer)));
            let is_whole =
                |peer: &Peer| matches!(peer, Peer::Block(block) if block.cidr.prefix_len() == 0 && !is_v6(peer));
            let mut whole = peers.filter(|(.., peer)| is_whole(peer));
            let Some((rule, peer, _)) = whole.next() else { continue };
            let others = all.iter().filter(|other| {
                other.policy.namespace == one.policy.namespace && other.policy.subject.contains(&one.policy.subject)
            });
            let mut rules = others.flat_map(|other| other.rules(direction).unwrap_or_default());
            let speaks_v6 = rules.any(|rule| rule.peers.is_empty() || rule.peers.iter().any(is_v6));
            if speaks_v6 {
                continue;
            }
            let message = format!(
                "{} opens all of IPv4 and none of IPv6: what prefers IPv6 waits until its attempt times out",
                one.shown()
            );
            found.push(
                at(Code::W0214, one.peer_place(direction, rule, peer), message)
                    .with_help("add `- ipBlock: {cidr: \"2000::/3\"}`, which is the internet of IPv6"),
            );
        }
    }
}
