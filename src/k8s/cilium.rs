//! Policies as CiliumNetworkPolicies (`cilium.io/v2`; `pkg/policy/api` and `pkg/k8s/apis/cilium.io` of cilium/cilium).
//!
//! A rule there has one kind of peers, and a selector without a namespace is about pods of the policy's own one. What this
//! writes, `read/cilium.rs` reads.

use super::write::{
    BlockItem, expression, heading, indent, metadata, quoted, quoted_pair, with_presence, write_expression,
};
use crate::net::{
    ClusterEntity, Direction, EntitySet, IpBlock, NAMESPACE_NAME, Requirement, Selector, Unlisted, Values,
};
use crate::netpol::{Peer, Policy, Port, PortTarget, Rule};
use std::fmt::Write as _;

/// The first lines of such an object.
pub(super) const HEADER: &str = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n";

/// The label of a pod by which Cilium knows its namespace.
pub(super) const POD_NAMESPACE: &str = "k8s:io.kubernetes.pod.namespace";

/// What stands before the key of a label of the pod's namespace.
pub(super) const NAMESPACE_LABEL: &str = "k8s:io.cilium.k8s.namespace.labels.";

/// The most ports that one item of `toPorts` may list (`maxPorts` in `pkg/policy/api/rule_validation.go`).
const MOST_PORTS: usize = 40;

/// What Cilium calls an entity.
pub(super) fn entity_word(entity: ClusterEntity) -> &'static str {
    match entity {
        ClusterEntity::OwnNode => "host",
        ClusterEntity::OtherNodes => "remote-node",
        ClusterEntity::ApiServer => "kube-apiserver",
        ClusterEntity::Plugin => "health",
    }
}

/// Peers of one kind, which a rule may have.
enum OneKind<'p> {
    Anyone,
    Endpoints(Vec<(Option<&'p Selector>, &'p Selector)>),
    Blocks(Vec<&'p IpBlock>),
    Names(&'p Unlisted),
    Entities(EntitySet),
}

/// The peers of a rule, those of each kind by themselves.
fn kinds(rule: &Rule) -> Vec<OneKind<'_>> {
    if rule.peers.is_empty() {
        return vec![OneKind::Anyone];
    }
    let (mut endpoints, mut blocks, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for peer in &rule.peers {
        match peer {
            Peer::Pods { namespaces, pods } => endpoints.push((namespaces.as_ref(), pods)),
            Peer::Block(block) => blocks.push(block),
            Peer::Unlisted(names @ Unlisted::Names(_)) => others.push(OneKind::Names(names)),
            Peer::Unlisted(Unlisted::Entities(entities)) => others.push(OneKind::Entities(*entities)),
        }
    }
    let endpoints = (!endpoints.is_empty()).then_some(OneKind::Endpoints(endpoints));
    let blocks = (!blocks.is_empty()).then_some(OneKind::Blocks(blocks));
    endpoints.into_iter().chain(blocks).chain(others).collect()
}

/// Appends the manifest of a policy: one YAML document, without a `---` line, with a line end.
pub(super) fn write(policy: &Policy, own: bool, out: &mut String) {
    if policy.ingress.is_none() && policy.egress.is_none() {
        return;
    }
    out.push_str(HEADER);
    metadata(policy, own, out);
    out.push_str("spec:\n  endpointSelector:");
    pods(None, &policy.subject, 4, out);
    for direction in Direction::ALL {
        let (key, side, rules) = match direction {
            Direction::Ingress => ("ingress", "from", &policy.ingress),
            Direction::Egress => ("egress", "to", &policy.egress),
        };
        let Some(rules) = rules else { continue };
        heading(2, key, out);
        if rules.is_empty() {
            // An empty list is refused; an item without anything selects, and allows nothing.
            out.push_str("    - {}\n");
        }
        for rule in rules {
            kinds(rule).iter().for_each(|peers| write_rule(rule, side, peers, out));
        }
    }
}

fn write_rule(rule: &Rule, side: &str, peers: &OneKind<'_>, out: &mut String) {
    let mut item = BlockItem::new(4);
    let key = |what: &str| format!("{side}{what}");
    match peers {
        // Without a port it would allow nothing.
        OneKind::Anyone if rule.ports.is_empty() => {
            item.key(&key("Entities"), out);
            out.push_str("\n        - \"all\"\n");
        }
        OneKind::Anyone => {}
        OneKind::Endpoints(all) => {
            item.key(&key("Endpoints"), out);
            out.push('\n');
            for (namespaces, labels) in all {
                let mut endpoint = BlockItem::new(8);
                let before = out.len();
                pods(*namespaces, labels, 10, out);
                let text = out.split_off(before);
                match text.strip_prefix('\n') {
                    Some(fields) => endpoint.block(fields, out),
                    None => out.push_str("        - {}\n"),
                }
            }
        }
        OneKind::Blocks(all) => {
            item.key(&key("CIDRSet"), out);
            out.push('\n');
            for block in all {
                let mut net = BlockItem::new(8);
                net.plain("cidr", format_args!("\"{}\"", block.cidr.trunc()), out);
                if !block.except.is_empty() {
                    net.key("except", out);
                    out.push('\n');
                }
                for except in &block.except {
                    let _ = writeln!(out, "            - \"{}\"", except.trunc());
                }
            }
        }
        OneKind::Names(names) => {
            item.key("toFQDNs", out);
            out.push('\n');
            let Unlisted::Names(patterns) = names else { return };
            for pattern in patterns {
                use crate::net::NamePattern::{AllBelow, Exact, OneBelow};
                let field = match pattern {
                    Exact(_) => "matchName",
                    OneBelow(_) | AllBelow(_) => "matchPattern",
                };
                BlockItem::new(8).plain(field, format_args!("\"{pattern}\""), out);
            }
        }
        OneKind::Entities(entities) => {
            item.key(&key("Entities"), out);
            out.push('\n');
            entities.iter().for_each(|entity| {
                let _ = writeln!(out, "        - \"{}\"", entity_word(entity));
            });
        }
    }
    if rule.ports.is_empty() {
        return;
    }
    item.key("toPorts", out);
    out.push('\n');
    for ports in rule.ports.chunks(MOST_PORTS) {
        let mut list = BlockItem::new(8);
        list.key("ports", out);
        out.push('\n');
        ports.iter().for_each(|port| write_port(port, out));
        if rule.learns_names {
            list.key("rules", out);
            out.push_str("\n            dns:\n              - matchPattern: \"*\"\n");
        }
    }
}

fn write_port(port: &Port, out: &mut String) {
    let mut item = BlockItem::new(12);
    item.key("port", out);
    out.push(' ');
    match &port.target {
        PortTarget::Every => quoted("0", out),
        PortTarget::Number(number) | PortTarget::Range(number, _) => quoted(&number.to_string(), out),
        PortTarget::Named(name) => quoted(name, out),
    }
    out.push('\n');
    if let PortTarget::Range(_, last) = &port.target {
        item.plain("endPort", last, out);
    }
    item.plain("protocol", port.protocol.as_str(), out);
}

/// A selector of namespaces as one of the labels that Cilium gives to their pods: of all of them where it asks for nothing.
fn of_namespaces(namespaces: &Selector) -> impl Iterator<Item = (String, Values)> + '_ {
    let present = with_presence(namespaces).into_owned();
    let present = if present.is_everything() {
        Selector::everything().with(&NAMESPACE_NAME.into(), Values::exists())
    } else {
        present
    };
    let named = present.values(NAMESPACE_NAME).clone();
    let name = if named.is_anything() { Values::exists() } else { named };
    let others: Vec<(String, Values)> = present
        .entries()
        .filter(|(key, _)| &***key != NAMESPACE_NAME)
        .map(|(key, values)| (format!("{NAMESPACE_LABEL}{key}"), values.clone()))
        .collect();
    [(POD_NAMESPACE.to_owned(), name)].into_iter().chain(others)
}

/// Appends what follows the key of a selector of pods, up to the line end. Its fields stand `depth` blanks deep.
fn pods(namespaces: Option<&Selector>, labels: &Selector, depth: usize, out: &mut String) {
    let mut all = labels.clone();
    for (key, values) in namespaces.into_iter().flat_map(of_namespaces) {
        all.require(key.as_str(), values);
    }
    if all.is_everything() {
        out.push_str(" {}\n");
        return;
    }
    out.push('\n');
    let equal: Vec<_> = all
        .each_requirement()
        .filter_map(|one| match one {
            Requirement::Equals(key, value) => Some((key, value)),
            Requirement::In(..) | Requirement::NotIn(..) | Requirement::Exists(_) | Requirement::DoesNotExist(_) => {
                None
            }
        })
        .collect();
    if !equal.is_empty() {
        heading(depth, "matchLabels", out);
        equal.iter().for_each(|(key, value)| quoted_pair(depth + 2, key, value, out));
    }
    let requirements: Vec<_> = all.each_requirement().collect();
    let mut others = requirements.iter().filter_map(expression).peekable();
    if others.peek().is_some() {
        heading(depth, "matchExpressions", out);
    }
    others.for_each(|expression| write_expression(&expression, depth + 2, out));
}

impl BlockItem {
    /// Fields that are there already, with the first one behind the dash.
    fn block(&mut self, fields: &str, out: &mut String) {
        let mut lines = fields.lines();
        if let Some(first) = lines.next() {
            indent(8, out);
            out.push_str("- ");
            out.push_str(first.trim_start());
            out.push('\n');
        }
        for line in lines {
            out.push_str(line);
            out.push('\n');
        }
    }
}
