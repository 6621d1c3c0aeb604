//! One NetworkPolicy, checked as the API server checks it.

use super::empty::item_places;
use super::metadata::{Metadata, SUBDOMAIN, annotations, label_pairs, metadata};
use super::node::{Value, YamlNode};
use super::walk::{MapFields, Path, Walk};
use super::{DESCRIPTION, ReadPolicy, SOURCE, syntax};
use crate::net::{IpBlock, Protocol, Selector, Values};
use crate::netpol::{
    Peer, Policy, PolicyKind, Port, PortTarget, Rule, Written, WrittenPeer, WrittenPort, WrittenRule, WrittenRules,
};
use crate::source::Excerpt;
use ipnet::IpNet;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) const OBJECT: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: [&str; 4] = ["podSelector", "policyTypes", "ingress", "egress"];
const SELECTOR: [&str; 2] = ["matchLabels", "matchExpressions"];
const EXPRESSION: [&str; 3] = ["key", "operator", "values"];
const PEER: [&str; 3] = ["podSelector", "namespaceSelector", "ipBlock"];
const BLOCK: [&str; 2] = ["cidr", "except"];
const PORT: [&str; 3] = ["protocol", "port", "endPort"];

/// Reads `node`, an object of the kind NetworkPolicy. `None` when there are problems, all of which are noted.
pub(super) fn policy(walk: &mut Walk, node: &YamlNode, path: Path, default_namespace: &str) -> Option<ReadPolicy> {
    let before = walk.problems();
    // Where the parts go on after a problem they leave something out, so nothing with a problem may get away.
    let policy = policy_parts(walk, node, path, default_namespace);
    policy.filter(|_| walk.problems() == before)
}

fn policy_parts(walk: &mut Walk, node: &YamlNode, path: Path, default_namespace: &str) -> Option<ReadPolicy> {
    let object = walk.object(node, path, &OBJECT)?;
    if let Some(status) = object.get("status") {
        walk.remark(
            status,
            path.field("status"),
            "the status of a NetworkPolicy has no meaning any more and is left out",
        );
    }
    let path_of_metadata = path.field("metadata");
    let metadata = metadata(walk, node, object.get("metadata"), default_namespace, SUBDOMAIN, path_of_metadata);
    let annotated = object.get("metadata").and_then(MapFields::of).and_then(|metadata| metadata.get("annotations"));
    let annotations = annotations(walk, annotated, path_of_metadata.field("annotations"));
    let written = object.get("spec").and_then(MapFields::of);
    let written = written.map(|spec| as_written(spec, walk.text)).unwrap_or_default();
    let spec = spec(walk, object.get("spec"), path.field("spec"));
    let (metadata, spec) = (metadata?, spec?);
    let written = Written { by_program: is_by_program(&metadata, &annotations), ..written };
    let annotation = |key: &str| annotations.iter().find(|(one, _)| one == key).map(|(_, value)| value);
    let statements = annotation(SOURCE).map(|text| text.split('\n').map(Excerpt::from).collect());
    let policy = Policy {
        kind: PolicyKind::NetworkPolicy,
        namespace: metadata.namespace.into(),
        name: metadata.name.into(),
        subject: spec.subject,
        ingress: spec.ingress,
        egress: spec.egress,
        description: annotation(DESCRIPTION).cloned(),
        statements: statements.unwrap_or_default(),
    };
    Some(ReadPolicy { at: node.at, name_at: metadata.at, policy, written, labels: metadata.labels, annotations })
}

/// Whether the metadata of an object say that a program wrote it: Helm from a chart, or an operator that owns it.
fn is_by_program(metadata: &Metadata, annotations: &[(String, String)]) -> bool {
    let of_helm = |(key, value): &(String, String)| match &**key {
        "helm.sh/chart" | "meta.helm.sh/release-name" => true,
        "app.kubernetes.io/managed-by" | "heritage" => {
            let value = value.to_ascii_lowercase();
            value == "helm" || value.contains("operator") || value.contains("controller")
        }
        _ => false,
    };
    metadata.fields.get("ownerReferences").is_some_and(|owners| !items(Some(owners)).is_empty())
        || metadata.labels.iter().chain(annotations).any(of_helm)
}

struct Spec {
    subject: Selector,
    ingress: Option<Vec<Rule>>,
    egress: Option<Vec<Rule>>,
}

fn spec(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Option<Spec> {
    let object = walk.optional(node, path, &SPEC)?;
    let subject = object.get("podSelector").map(|node| selector(walk, node, path.field("podSelector")));
    let subject = subject.unwrap_or_default();
    let types = policy_types(walk, object.get("policyTypes"), path.field("policyTypes"));
    let ingress = rules(walk, object.get("ingress"), path.field("ingress"), "from");
    let egress = rules(walk, object.get("egress"), path.field("egress"), "to");
    // Without a list, Kubernetes takes ingress always and egress when there are rules for it.
    let (has_ingress, has_egress) = types.unwrap_or((true, !egress.is_empty()));
    for (name, listed, rules) in [("ingress", has_ingress, &ingress), ("egress", has_egress, &egress)] {
        if let Some(node) = object.get(name)
            && !listed
            && !rules.is_empty()
        {
            walk.remark(
                node,
                path.field(name),
                "these rules have no effect: policyTypes does not list their direction",
            );
        }
    }
    Some(Spec { subject, ingress: has_ingress.then_some(ingress), egress: has_egress.then_some(egress) })
}

/// How a specification is written, of whatever is of the right kind in it.
fn as_written(spec: MapFields, text: &str) -> Written<usize> {
    let place = |name: &str| spec.get(name).and_then(|node| node.at);
    let types = spec.get("policyTypes").filter(|node| !items(Some(*node)).is_empty());
    Written {
        types: types.and_then(|node| node.at),
        subject: place("podSelector"),
        directions: [("ingress", "from"), ("egress", "to")].map(|(name, peers_key)| {
            let places = spec.pair(name).map(|(key, list)| item_places(key, list, text)).unwrap_or_default();
            let rules = items(spec.get(name)).iter().zip(places);
            let rules = rules.map(|(rule, at)| written_rule(rule, at.or(place(name)), peers_key)).collect();
            WrittenRules { place: spec.pair(name).and_then(|(key, _)| key.at).or(place(name)), rules }
        }),
        by_program: false,
    }
}

fn written_rule(rule: &YamlNode, place: Option<usize>, peers_key: &str) -> WrittenRule<usize> {
    let field = |name: &str| MapFields::of(rule).and_then(|rule| rule.get(name));
    let (peers, ports) = (field(peers_key), field("ports"));
    let written_port = |port: &YamlNode| WrittenPort {
        place: port.at.or(place),
        protocol: MapFields::of(port).is_some_and(|port| port.get("protocol").is_some()),
    };
    let written_peer = |peer: &YamlNode| {
        let selector = |name: &str| MapFields::of(peer).and_then(|peer| peer.pair(name));
        let namespaces = selector("namespaceSelector");
        WrittenPeer {
            place: peer.at.or(place),
            pods: selector("podSelector").and_then(|(key, _)| key.at),
            namespaces: namespaces.and_then(|(key, _)| key.at),
            negative: namespaces.and_then(|(_, value)| MapFields::of(value)).is_some_and(is_negative),
        }
    };
    WrittenRule {
        place,
        peers_place: peers.and_then(|peers| peers.at),
        peers: items(peers).iter().map(written_peer).collect(),
        ports_place: ports.and_then(|ports| ports.at),
        ports: items(ports).iter().map(written_port).collect(),
    }
}

/// Whether a selector asks only for what is not there.
fn is_negative(selector: MapFields) -> bool {
    let labels =
        matches!(selector.get("matchLabels").map(|node| &node.value), Some(Value::Map(pairs)) if !pairs.is_empty());
    let is_negative = |expression: &YamlNode| {
        let operator = MapFields::of(expression).and_then(|expression| expression.get("operator"));
        matches!(operator.map(|node| &node.value), Some(Value::Text(word)) if matches!(&**word, "NotIn" | "DoesNotExist"))
    };
    let expressions = items(selector.get("matchExpressions"));
    !labels && !expressions.is_empty() && expressions.iter().all(is_negative)
}

/// The items of a list.
fn items<'n, 'a>(node: Option<&'n YamlNode<'a>>) -> &'n [YamlNode<'a>] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// Whether ingress and egress are listed; `None` when nothing is.
fn policy_types(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Option<(bool, bool)> {
    let types = walk.list(node, path, |walk, item, path| walk.word(item, path, &["Ingress", "Egress"]));
    if let (Some(node), 3..) = (node, types.len()) {
        walk.refuse(node, path, "Invalid value: may not specify more than two policyTypes");
    }
    (!types.is_empty()).then(|| (types.contains(&"Ingress"), types.contains(&"Egress")))
}

fn rules(walk: &mut Walk, node: Option<&YamlNode>, path: Path, peers_key: &str) -> Vec<Rule> {
    walk.list(node, path, |walk, item, path| rule(walk, item, path, peers_key))
}

fn rule(walk: &mut Walk, node: &YamlNode, path: Path, peers_key: &str) -> Option<Rule> {
    let object = walk.object(node, path, &[peers_key, "ports"])?;
    Some(Rule {
        peers: walk.list(object.get(peers_key), path.field(peers_key), peer).into(),
        ports: walk.list(object.get("ports"), path.field("ports"), port).into(),
        learns_names: false,
    })
}

fn peer(walk: &mut Walk, node: &YamlNode, path: Path) -> Option<Peer> {
    let object = walk.object(node, path, &PEER)?;
    let [pods, namespaces, block] = PEER.map(|field| object.get(field));
    if pods.is_none() && namespaces.is_none() && block.is_none() {
        walk.refuse(node, path, "Required value: must specify a peer");
        return None;
    }
    let pods = pods.map(|node| selector(walk, node, path.field("podSelector")));
    let namespaces = namespaces.map(|node| selector(walk, node, path.field("namespaceSelector")).of_namespaces());
    let Some(block) = block else {
        return Some(Peer::Pods { namespaces, pods: pods.unwrap_or_default() });
    };
    if pods.is_some() || namespaces.is_some() {
        walk.refuse(node, path, "Forbidden: may not specify both ipBlock and another peer");
    }
    ip_block(walk, block, path.field("ipBlock")).map(Peer::Block)
}

fn ip_block(walk: &mut Walk, node: &YamlNode, path: Path) -> Option<IpBlock> {
    let object = walk.object(node, path, &BLOCK)?;
    let Some(cidr) = object.get("cidr").filter(|node| node.value != Value::Text("".into())) else {
        walk.refuse(node, path.field("cidr"), "Required value");
        return None;
    };
    let cidr = cidr_value(walk, cidr, path.field("cidr"));
    let except = walk.list(object.get("except"), path.field("except"), |walk, item, path| {
        let block = cidr_value(walk, item, path)?;
        if cidr.is_some_and(|cidr| !cidr.contains(&block) || cidr == block) {
            walk.refuse(item, path, format!("Invalid value: \"{block}\": must be a strict subset of `cidr`"));
        }
        Some(block)
    });
    Some(IpBlock { cidr: cidr?, except: outermost(except) })
}

fn cidr_value(walk: &mut Walk, node: &YamlNode, path: Path) -> Option<IpNet> {
    let text = walk.checked(node, path, |text| syntax::block(text).err())?;
    let (block, warning) = syntax::block(text).ok()?;
    if let Some(warning) = warning {
        walk.warn(node, path, warning);
    }
    Some(block)
}

/// The blocks, sorted, without those inside another.
fn outermost(mut blocks: Vec<IpNet>) -> Vec<IpNet> {
    blocks.sort_unstable();
    // A block sorts before the blocks inside it, and those before anything else.
    blocks.dedup_by(|next, kept| kept.contains(&*next));
    blocks
}

fn port(walk: &mut Walk, node: &YamlNode, path: Path) -> Option<Port> {
    let object = walk.object(node, path, &PORT)?;
    let protocol = protocol(walk, object.get("protocol"), path.field("protocol"));
    let target = port_target(walk, object, path);
    Some(Port { protocol: protocol?, target: target? })
}

/// The protocol of a port; TCP when it is not written.
pub(super) fn protocol(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Option<Protocol> {
    let Some(node) = node else { return Some(Protocol::Tcp) };
    let word = walk.word(node, path, &Protocol::ALL.map(Protocol::as_str))?;
    Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == word)
}

fn port_target(walk: &mut Walk, object: MapFields, path: Path) -> Option<PortTarget> {
    let (port_path, end_path) = (path.field("port"), path.field("endPort"));
    let end = object.get("endPort");
    let Some(port) = object.get("port") else {
        if let Some(end) = end {
            walk.refuse(end, end_path, "may not be specified when `port` is not specified");
        }
        return end.is_none().then_some(PortTarget::Every);
    };
    if let Value::Text(_) = &port.value {
        if let Some(end) = end {
            walk.refuse(end, end_path, "may not be specified when `port` is non-numeric");
        }
        return walk.checked(port, port_path, syntax::port_name).map(|name| PortTarget::Named(Arc::from(name)));
    }
    let low = port_number(walk, port, port_path, "an integer or a port name");
    let Some(end) = end else { return low.map(PortTarget::Number) };
    let (high, low) = (port_number(walk, end, end_path, "an integer")?, low?);
    if high < low {
        walk.refuse(end, end_path, format!("Invalid value: {high}: must be greater than or equal to `port`"));
    }
    Some(if low == high { PortTarget::Number(low) } else { PortTarget::Range(low, high) })
}

pub(super) fn port_number(walk: &mut Walk, node: &YamlNode, path: Path, wanted: &str) -> Option<u16> {
    let Value::Integer(number) = node.value else {
        walk.wrong_kind(node, path, wanted);
        return None;
    };
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    if port.is_none() {
        walk.refuse(node, path, format!("Invalid value: {number}: must be between 1 and 65535, inclusive"));
    }
    port
}

/// What an expression of `matchExpressions` says about its key, from its operator and values.
pub(super) fn expression_values(operator: &str, values: Vec<&str>) -> Option<Values> {
    match operator {
        "In" => Some(Values::one_of(values)),
        "NotIn" => Some(Values::none_of(values)),
        "Exists" => Some(Values::exists()),
        "DoesNotExist" => Some(Values::does_not_exist()),
        _ => None,
    }
}

fn selector(walk: &mut Walk, node: &YamlNode, path: Path) -> Selector {
    let Some(object) = walk.object(node, path, &SELECTOR) else { return Selector::everything() };
    let labels = label_pairs(walk, object.get("matchLabels"), path.field("matchLabels"));
    let expressions = walk.list(object.get("matchExpressions"), path.field("matchExpressions"), expression);
    let equal = labels.into_iter().map(|(key, value)| (key.into(), Values::one_of([value])));
    equal.chain(expressions.into_iter().map(|(key, values)| (key.into(), values))).collect()
}

fn expression<'n>(walk: &mut Walk, node: &'n YamlNode, path: Path) -> Option<(&'n str, Values)> {
    const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];
    let object = walk.object(node, path, &EXPRESSION)?;
    let mut required = |field: &str, check: fn(&str) -> Option<Cow<'static, str>>| match object.get(field) {
        Some(node) => walk.checked(node, path.field(field), check),
        None => {
            walk.refuse(node, path.field(field), "Required value");
            None
        }
    };
    let key = required("key", syntax::label_key);
    let operator =
        required("operator", |text| (!OPERATORS.contains(&text)).then_some("not a valid selector operator".into()));
    let values_path = path.field("values");
    let before = walk.problems();
    let values =
        walk.list(object.get("values"), values_path, |walk, item, path| walk.checked(item, path, syntax::label_value));
    let (key, operator) = (key?, operator?);
    let wants_values = matches!(operator, "In" | "NotIn");
    // A value that is refused is one too.
    if wants_values == values.is_empty() && walk.problems() == before {
        let node = object.get("values").unwrap_or(node);
        let reason = if wants_values {
            "Required value: must be specified when `operator` is 'In' or 'NotIn'"
        } else {
            "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        };
        walk.refuse(node, values_path, reason);
    }
    Some((key, expression_values(operator, values)?))
}
