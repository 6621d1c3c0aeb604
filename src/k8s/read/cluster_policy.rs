//! One policy of the whole cluster: a ClusterNetworkPolicy, or one of the kinds that came before it.
//!
//! `apis/v1alpha1` and `apis/v1alpha2` of kubernetes-sigs/network-policy-api have the fields. Peers by names and by nodes
//! are not understood.

use super::foreign::{Understood, beyond, fields, items, plain_requirements, port_number, text};
use super::node::{Value, YamlNode};
use super::policy::OBJECT;
use super::syntax;
use super::walk::MapFields;
use crate::net::{IpBlock, Protocol, Selector};
use crate::netpol::{ClusterPolicy, ClusterPolicyKind, Peer, PolicyTier, Port, PortTarget, Ruling, RulingAction};
use std::sync::Arc;

/// The kinds with their versions.
const KINDS: [(&str, ClusterPolicyKind); 4] = [
    ("policy.networking.k8s.io/v1alpha1", ClusterPolicyKind::AdminNetworkPolicy),
    ("policy.networking.k8s.io/v1alpha1", ClusterPolicyKind::BaselineAdminNetworkPolicy),
    ("policy.networking.k8s.io/v1alpha2", ClusterPolicyKind::ClusterNetworkPolicy),
    ("policy.networking.k8s.io/v1beta1", ClusterPolicyKind::ClusterNetworkPolicy),
];

/// The highest `priority` that there is.
const LAST: u16 = 1000;

/// The kind of that name and version, when it is one of these.
pub(super) fn kind(version: &str, kind: &str) -> Option<ClusterPolicyKind> {
    let is_it = |one: &&(&str, ClusterPolicyKind)| one.0 == version && one.1.object() == kind;
    KINDS.iter().find(is_it).map(|(_, kind)| *kind)
}

/// Whether objects of a kind are policies of the whole cluster, which are taken into account.
pub fn is_cluster_policy(version: &str, name: &str) -> bool {
    kind(version, name).is_some()
}

/// Reads `node`, an object of such a kind. The error is the field that is not understood.
pub(super) fn cluster_policy(node: &YamlNode, kind: ClusterPolicyKind) -> Understood<ClusterPolicy> {
    let object = fields(Some(node), "", &OBJECT)?;
    let Some(metadata) = object.get("metadata").and_then(MapFields::of) else { return beyond("metadata") };
    let name = text(metadata.get("name"), "metadata.name")?;
    let is_of_tier = kind == ClusterPolicyKind::ClusterNetworkPolicy;
    let known: &[&str] = match kind {
        ClusterPolicyKind::ClusterNetworkPolicy => &["tier", "priority", "subject", "ingress", "egress"],
        ClusterPolicyKind::AdminNetworkPolicy => &["priority", "subject", "ingress", "egress"],
        ClusterPolicyKind::BaselineAdminNetworkPolicy => &["subject", "ingress", "egress"],
    };
    let spec = fields(object.get("spec"), "spec", known)?;
    let tier = match (kind, spec.get("tier").map(|node| &node.value)) {
        (ClusterPolicyKind::AdminNetworkPolicy, _) => PolicyTier::Admin,
        (ClusterPolicyKind::BaselineAdminNetworkPolicy, _) => PolicyTier::Baseline,
        (ClusterPolicyKind::ClusterNetworkPolicy, Some(Value::Text(word))) if &**word == "Admin" => PolicyTier::Admin,
        (ClusterPolicyKind::ClusterNetworkPolicy, Some(Value::Text(word))) if &**word == "Baseline" => {
            PolicyTier::Baseline
        }
        (ClusterPolicyKind::ClusterNetworkPolicy, _) => return beyond("spec.tier"),
    };
    let priority = match (kind, spec.get("priority").map(|node| &node.value)) {
        // There is one, after all others.
        (ClusterPolicyKind::BaselineAdminNetworkPolicy, _) => LAST + 1,
        (_, Some(Value::Integer(number))) => match u16::try_from(*number) {
            Ok(number @ 0..=LAST) => number,
            _ => return beyond("spec.priority"),
        },
        (_, _) => return beyond("spec.priority"),
    };
    let subject = fields(spec.get("subject"), "spec.subject", &["namespaces", "pods"])?;
    let (namespaces, pods) = match (subject.get("namespaces"), subject.get("pods")) {
        (Some(namespaces), None) => (of_namespaces(Some(namespaces), "spec.subject")?, Selector::everything()),
        (None, Some(pods)) => of_pods(pods, "spec.subject.pods")?,
        (None, None) | (Some(_), Some(_)) => return beyond("spec.subject"),
    };
    let may_pass = kind != ClusterPolicyKind::BaselineAdminNetworkPolicy;
    let side = |name: &str, peers: &str| -> Understood<Vec<Ruling>> {
        let at = format!("spec.{name}");
        let list = spec.get(name).map(|node| items(node, &at)).transpose()?.unwrap_or_default();
        list.iter().map(|one| ruling(one, (peers, &at), is_of_tier, may_pass)).collect()
    };
    let (ingress, egress) = (side("ingress", "from")?, side("egress", "to")?);
    Ok(ClusterPolicy { kind, name: name.into(), tier, priority, namespaces, pods, ingress, egress })
}

fn ruling(node: &YamlNode, (side, at): (&str, &str), is_of_tier: bool, may_pass: bool) -> Understood<Ruling> {
    let (ports_key, accept) = if is_of_tier { ("protocols", "Accept") } else { ("ports", "Allow") };
    let object = fields(Some(node), at, &["name", "action", side, ports_key])?;
    let name = object.get("name").map(|node| text(Some(node), at)).transpose()?;
    let action = match text(object.get("action"), at)? {
        word if word == accept => RulingAction::Accept,
        "Deny" => RulingAction::Deny,
        "Pass" if may_pass => RulingAction::Pass,
        _ => return beyond(&format!("{at}.action")),
    };
    let Some(listed) = object.get(side) else { return beyond(at) };
    let mut peers = Vec::new();
    for one in items(listed, at)? {
        peers.extend(peer(one, side, &format!("{at}.{side}"))?);
    }
    if peers.is_empty() {
        return beyond(&format!("{at}.{side}"));
    }
    let at = format!("{at}.{ports_key}");
    let listed = object.get(ports_key).map(|node| items(node, &at)).transpose()?.unwrap_or_default();
    let mut ports = Vec::new();
    for one in listed {
        ports.extend(if is_of_tier { protocol(one, &at)? } else { port(one, &at)? });
    }
    Ok(Ruling { name: name.map(Arc::from), action, peers, ports })
}

fn peer(node: &YamlNode, side: &str, at: &str) -> Understood<Vec<Peer>> {
    let known: &[&str] = if side == "to" { &["namespaces", "pods", "networks"] } else { &["namespaces", "pods"] };
    let object = fields(Some(node), at, known)?;
    match [object.get("namespaces"), object.get("pods"), object.get("networks")] {
        [Some(namespaces), None, None] => {
            let namespaces = Some(of_namespaces(Some(namespaces), at)?);
            Ok(vec![Peer::Pods { namespaces, pods: Selector::everything() }])
        }
        [None, Some(pods), None] => {
            let (namespaces, pods) = of_pods(pods, at)?;
            Ok(vec![Peer::Pods { namespaces: Some(namespaces), pods }])
        }
        [None, None, Some(networks)] => {
            let at = format!("{at}.networks");
            let mut blocks = Vec::new();
            for one in items(networks, &at)? {
                let Ok((cidr, _)) = syntax::block(text(Some(one), &at)?) else { return beyond(&at) };
                blocks.push(Peer::Block(IpBlock { cidr, except: Vec::new() }));
            }
            if blocks.is_empty() { beyond(&at) } else { Ok(blocks) }
        }
        _ => beyond(at),
    }
}

/// Pods by the labels of their namespaces and their own.
fn of_pods(node: &YamlNode, at: &str) -> Understood<(Selector, Selector)> {
    let object = fields(Some(node), at, &["namespaceSelector", "podSelector"])?;
    let pods = plain_requirements(object.get("podSelector"), &format!("{at}.podSelector"))?;
    let pods = pods.into_iter().map(|(key, values)| (key.into(), values)).collect();
    Ok((of_namespaces(object.get("namespaceSelector"), &format!("{at}.namespaceSelector"))?, pods))
}

fn of_namespaces(node: Option<&YamlNode>, at: &str) -> Understood<Selector> {
    let labels = plain_requirements(node, at)?;
    let labels: Selector = labels.into_iter().map(|(key, values)| (key.into(), values)).collect();
    Ok(labels.of_namespaces())
}

/// One of `ports` of the older kinds. A name is one of every protocol.
fn port(node: &YamlNode, at: &str) -> Understood<Vec<Port>> {
    let object = fields(Some(node), at, &["portNumber", "portRange", "namedPort"])?;
    let protocol = |node: Option<&YamlNode>| match node {
        None => Ok(Protocol::Tcp),
        Some(node) => {
            let word = text(Some(node), at)?;
            let found = Protocol::ALL.into_iter().find(|one| one.as_str() == word);
            found.map_or_else(|| beyond(at), Ok)
        }
    };
    match [object.get("portNumber"), object.get("portRange"), object.get("namedPort")] {
        [Some(number), None, None] => {
            let number = fields(Some(number), at, &["protocol", "port"])?;
            let target = PortTarget::Number(port_number(number.get("port"), at)?);
            Ok(vec![Port { protocol: protocol(number.get("protocol"))?, target }])
        }
        [None, Some(range), None] => {
            let range = fields(Some(range), at, &["protocol", "start", "end"])?;
            let target = ranged(range.get("start"), range.get("end"), at)?;
            Ok(vec![Port { protocol: protocol(range.get("protocol"))?, target }])
        }
        [None, None, Some(name)] => named(name, at),
        _ => beyond(at),
    }
}

/// One of `protocols` of ClusterNetworkPolicy.
fn protocol(node: &YamlNode, at: &str) -> Understood<Vec<Port>> {
    let words = Protocol::ALL.map(Protocol::keyword);
    let known: Vec<&str> = words.into_iter().chain(["destinationNamedPort"]).collect();
    let object = fields(Some(node), at, &known)?;
    let mut given = known.iter().filter_map(|name| Some((*name, object.get(name)?)));
    let (Some((name, value)), None) = (given.next(), given.next()) else { return beyond(at) };
    let Some(protocol) = Protocol::ALL.into_iter().find(|one| one.keyword() == name) else { return named(value, at) };
    let object = fields(Some(value), at, &["destinationPort"])?;
    let destination = fields(object.get("destinationPort"), at, &["number", "range"])?;
    let target = match (destination.get("number"), destination.get("range")) {
        (Some(number), None) => PortTarget::Number(port_number(Some(number), at)?),
        (None, Some(range)) => {
            let range = fields(Some(range), at, &["start", "end"])?;
            ranged(range.get("start"), range.get("end"), at)?
        }
        (None, None) | (Some(_), Some(_)) => return beyond(at),
    };
    Ok(vec![Port { protocol, target }])
}

fn ranged(start: Option<&YamlNode>, end: Option<&YamlNode>, at: &str) -> Understood<PortTarget> {
    match (port_number(start, at)?, port_number(end, at)?) {
        (low, high) if low < high => Ok(PortTarget::Range(low, high)),
        (low, high) if low == high => Ok(PortTarget::Number(low)),
        _ => beyond(at),
    }
}

fn named(node: &YamlNode, at: &str) -> Understood<Vec<Port>> {
    let name = text(Some(node), at)?;
    match syntax::port_name(name) {
        None => Ok(Protocol::ALL.map(|protocol| Port { protocol, target: PortTarget::Named(name.into()) }).to_vec()),
        Some(_) => beyond(at),
    }
}
