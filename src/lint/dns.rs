//! Names that cannot be looked up.

use super::atoms::{Atom, Patience, Side};
use super::mirrored::replies_to;
use super::open::is_of_media;
use super::replies::{RulesOfPods, replies};
use super::runs::{Found, Runs};
use super::servers::{self, PORTS, ServerPlaces, ports_of_service};
use super::{One, at, protocols};
use crate::cluster::Cluster;
use crate::diag::{Code, Diagnostic, How};
use crate::lint::near::text;
use crate::net::{AddressSet, Direction, NAMESPACE_NAME, Peers, PortSet, Protocol, Region, Selector, Unlisted};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use std::collections::BTreeSet;

/// Where caches on the node listen: NodeLocal DNSCache as Kubernetes, Kubespray and a widely used chart install it.
const CACHES: [&str; 3] = ["169.254.20.10/32", "169.254.25.10/32", "169.254.20.25/32"];

/// Whether a rule is for DNS and nothing else.
pub(super) fn is_only_dns(rule: &Rule) -> bool {
    !rule.ports.is_empty() && rule.ports.iter().all(is_dns)
}

/// Whether a port is one that DNS servers listen on.
pub(super) fn is_dns(port: &Port) -> bool {
    matches!(port.target, PortTarget::Number(number) if PORTS.contains(&number))
}

/// Labels of pods of `subject` that none of `by` selects, where it can be told.
fn beyond(subject: &Selector, by: &[Region], patience: &Patience) -> Option<Selector> {
    patience.spend(by.len()).ok()?;
    patience.missing(&asking(subject), &by.iter().collect::<Vec<_>>()).ok()?.map(|rest| rest.subject)
}

/// That pods ask for names.
fn asking(subject: &Selector) -> Region {
    Region {
        subject: subject.clone(),
        peers: Peers::Addresses(AddressSet::all()),
        ports: PortSet::number(Protocol::Udp, 53),
    }
}

/// The ports of the API server, whose address pods find in their environment, and of the kubelet, whose address the API
/// server tells.
const OF_ADDRESSES: [u16; 3] = [443, 6443, 10250];

/// Whether it leads to the API server or to nodes, for which nobody looks up a name.
fn is_by_address(atom: &Atom<'_>) -> bool {
    if let Some(Peer::Unlisted(Unlisted::Entities(_))) = atom.written_peer() {
        return true;
    }
    let by_address = matches!(atom.written_peer(), None | Some(Peer::Block(_)));
    let port = atom.written_port().map(|port| (port.protocol, &port.target));
    by_address && matches!(port, Some((Protocol::Tcp, PortTarget::Number(number))) if OF_ADDRESSES.contains(number))
}

/// Whether voice and video go there: both ends of a call tell each other their addresses.
fn is_media(atom: &Atom<'_>) -> bool {
    let by_address = matches!(atom.written_peer(), None | Some(Peer::Block(_)));
    let port = atom.written_port().map(|port| (port.protocol, &port.target));
    by_address && matches!(port, Some((protocol, PortTarget::Range(low, high))) if is_of_media(protocol, *low, *high))
}

/// W0201: pods that may open connections, and cannot look up where to. Of pods that were given, those count.
pub(super) fn no_dns(side: &Side<'_>, servers: &ServerPlaces<'_>, runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    let answers = |atom: &&Atom<'_>| {
        let one = side.group.get(atom.policy);
        one.is_some_and(|one| servers.may_answer(one, atom.written_peer(), atom.written_port()))
    };
    let (dns, others): (Vec<&Atom<'_>>, Vec<&Atom<'_>>) =
        side.atoms.iter().filter(|atom| !atom.region.is_empty()).partition(answers);
    let known = RulesOfPods::new(side.group);
    // Who answers looks nobody up.
    let is_reply = |atom: &&Atom<'_>| {
        let one = side.group.get(atom.policy);
        one.is_some_and(|one| {
            replies(&known, one, side.direction, atom.written).is_some()
                || replies_to(&known, one, side.direction, atom.written, runs).is_some()
        })
    };
    let is_for_names = |atom: &&Atom<'_>| !is_reply(atom) && !is_by_address(atom) && !is_media(atom);
    let others: Vec<&Atom<'_>> = others.into_iter().filter(is_for_names).collect();
    let with_dns: BTreeSet<&Selector> = dns.iter().map(|atom| &atom.region.subject).collect();
    let everything = Selector::everything();
    let answered: Vec<Region> = with_dns.iter().map(|subject| asking(subject)).collect();
    let of_policies = others.chunk_by(|one, next| one.policy == next.policy);
    let lacking = of_policies.filter_map(|of_policy| {
        let policy = of_policy.first()?.policy;
        let one = side.group.get(policy)?;
        if with_dns.contains(&one.policy.subject) || with_dns.contains(&everything) {
            return None;
        }
        let given = runs.subject(one).pods;
        let may_ask = |(_, pods): &Found<'_>| with_dns.iter().any(|subject| subject.matches(&pods.labels));
        if !given.is_empty() && given.iter().all(may_ask) {
            return None;
        }
        let tried = of_policy.iter().find(|atom| is_only_dns(atom.written)).copied();
        Some((one, tried, beyond(&one.policy.subject, &answered, side.patience)?.witness()?))
    });
    let lacking: Vec<(&One<'_>, Option<&Atom<'_>>, _)> = lacking.collect();
    // A rule that is meant for DNS is where the mistake is.
    let with_rule = lacking.iter().find(|(_, tried, _)| tried.is_some());
    let Some((one, tried, labels)) = with_rule.or(lacking.first()) else { return };
    let which = match labels.is_empty() {
        true => String::new(),
        false => format!(" with ({})", text(labels)),
    };
    let more = match lacking.len() {
        1 => String::new(),
        2 => "; the same goes for one more policy of the namespace".to_owned(),
        more => format!("; the same goes for {} more policies of the namespace", more - 1),
    };
    let is_blocked = |atom: &&&Atom<'_>| {
        let block =
            atom.written_peer().is_some_and(|peer| matches!(peer, Peer::Block(block) if servers.is_blocked(block)));
        block && is_only_dns(atom.written)
    };
    let blocks = match others.iter().any(|atom| is_blocked(&atom)) {
        true => " (with this CNI no address block matches a pod, and the DNS servers are pods)",
        false => "",
    };
    let message = format!(
        "{} lets pods{which} connect to others and no policy lets them ask DNS{blocks}: every name takes seconds to \
         fail{more}",
        one.shown()
    );
    let place = tried.and_then(|atom| match atom.peer {
        Some(peer) => one.peer_place(side.direction, atom.rule, peer),
        None => one.rule_place(side.direction, atom.rule),
    });
    let diagnostic = match place {
        Some(place) => at(Code::W0201, Some(place), message).with_text("no DNS server answers here"),
        None => at(Code::W0201, one.name, message),
    };
    // A chart that lets its own pods ask, by their labels, has no others.
    let is_by_program = |atom: &&Atom<'_>| side.group.get(atom.policy).is_some_and(|one| one.written.by_program);
    let is_of_program = one.written.by_program && tried.is_none() && dns.iter().any(is_by_program);
    let diagnostic = if is_of_program { diagnostic.as_note() } else { diagnostic };
    if let Some(namespace) = tried.and_then(Atom::written_peer).and_then(servers::home_of) {
        found.push(diagnostic.with_help(format!(
            "these labels are those of the servers in `{namespace}`: add `namespaceSelector: {{matchLabels: \
             {{{NAMESPACE_NAME}: {namespace}}}}}` to the same item of `to`"
        )));
        return;
    }
    found.push(diagnostic.with_help(format!(
        "add a policy for the pods of `{}` with `egress: [{{to: [{{namespaceSelector: {{matchLabels: \
         {{kubernetes.io/metadata.name: kube-system}}}}, podSelector: {{matchLabels: {{k8s-app: kube-dns}}}}}}], \
         ports: \
         [{{protocol: UDP, port: 53}}, {{protocol: TCP, port: 53}}]}}]`",
        one.policy.namespace
    )));
}

/// W0219: the port of the Service of OpenShift's DNS towards its pods.
pub(super) fn service_port(one: &One<'_>, found: &mut Vec<Diagnostic>) {
    for (index, rule) in one.rules(Direction::Egress).unwrap_or_default().iter().enumerate() {
        for port in ports_of_service(rule) {
            let [service, pods] = PORTS;
            let message = format!(
                "{service} in {} is the port of the Service of OpenShift's DNS; its pods listen on {pods}, and that is what \
             policies see",
                one.shown()
            );
            let place = one.port_place(Direction::Egress, index, port);
            let diagnostic = at(Code::W0219, place, message).with_help(format!("write `port: {pods}`"));
            found.push(match place {
                Some(place) => diagnostic.with_mend_as(How::Entry, place, format!("port: {pods}")),
                None => diagnostic,
            });
        }
    }
}

/// W0202: DNS over UDP or TCP alone.
pub(super) fn one_protocol(side: &Side<'_>, servers: &ServerPlaces<'_>, found: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    for atom in &side.atoms {
        let Some(port) = atom.written_port() else { continue };
        let PortTarget::Number(number) = port.target else { continue };
        let (other, why) = match port.protocol {
            Protocol::Udp => (Protocol::Tcp, "answers that do not fit into one packet are asked for over TCP"),
            Protocol::Tcp => (Protocol::Udp, "nearly all queries go over UDP"),
            Protocol::Sctp => continue,
        };
        let wanted = Region { ports: PortSet::number(other, number), ..atom.region.clone() };
        if !PORTS.contains(&number)
            || side.allows(&wanted, |_, _| true) != Ok(false)
            || !told.insert((atom.policy, atom.rule))
        {
            continue;
        }
        let Some(one) = side.group.get(atom.policy).filter(|one| one.is_network_policy()) else { continue };
        // No server answers there over any protocol.
        if side.direction == Direction::Egress && !servers.may_listen(one, atom.written_peer(), Some(port)) {
            continue;
        }
        // What is missing is the protocol, and that is told.
        if atom.port.is_some_and(|port| protocols::is_told(one, side.direction, atom.rule, port, &[])) {
            continue;
        }
        let message = format!("{} lets DNS through over {} only: {why}", one.shown(), port.protocol.as_str());
        let place = atom.port.and_then(|port| one.port_place(side.direction, atom.rule, port));
        let diagnostic = at(Code::W0202, place, message)
            .with_help(format!("add `- {{protocol: {}, port: {number}}}` to these ports", other.as_str()));
        found.push(match place {
            Some(place) => diagnostic.with_mend_as(How::Another, place, format!("protocol: {}", other.as_str())),
            None => diagnostic,
        });
    }
}

/// W0230: DNS by the label of the cluster's servers, where pods ask a cache on their node.
pub(super) fn node_local(side: &Side<'_>, cluster: &Cluster, found: &mut Vec<Diagnostic>) {
    let is_cache = |labels: &crate::cluster::Labels| labels.get("k8s-app").is_some_and(|app| app == "node-local-dns");
    let cache = cluster
        .workloads
        .iter()
        .find(|workload| workload.pods.iter().any(|pods| pods.host_network && is_cache(&pods.labels)));
    let Some(cache) = cache.filter(|_| side.direction == Direction::Egress) else { return };
    let mut told = BTreeSet::new();
    for atom in &side.atoms {
        let by_label = matches!(atom.written_peer(), Some(Peer::Pods { pods, .. }) if !pods.is_everything());
        let one = side.group.get(atom.policy).filter(|one| one.is_network_policy() && by_label);
        let Some(one) = one else { continue };
        if !is_only_dns(atom.written) || told.contains(&(atom.policy, atom.rule)) {
            continue;
        }
        let reaches = CACHES.iter().filter_map(|net| net.parse().ok()).any(|net| {
            let peers = Peers::Addresses(AddressSet::from_net(net));
            let ports = PortSet::number(Protocol::Udp, 53);
            side.allows(&Region { subject: one.policy.subject.clone(), peers, ports }, |_, _| true) != Ok(false)
        });
        if reaches {
            continue;
        }
        told.insert((atom.policy, atom.rule));
        let message = format!(
            "{} lets pods ask DNS by labels only, and here they ask a cache on their node: `{cache}`",
            one.shown()
        );
        let place = atom.peer.and_then(|peer| one.peer_place(side.direction, atom.rule, peer));
        found.push(at(Code::W0230, place, message).with_help(
            "no label matches a node: add `- ipBlock: {cidr: 169.254.0.0/16}` to this `to`, and the ClusterIP of the \
             DNS Service when the cache listens on that",
        ));
    }
}
