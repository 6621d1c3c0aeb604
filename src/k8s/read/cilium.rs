//! One CiliumNetworkPolicy, as far as it says what the other kinds can say, too, and DNS names and entities.
//!
//! What it says beyond that makes it a policy that is not read: what is allowed then depends on things that nothing here
//! knows. `pkg/policy/api` of cilium/cilium has the fields.

use super::foreign::{NotUnderstood, Understood, beyond, fields, items, requirements, text, unknown};
use super::metadata::{SUBDOMAIN, annotations, metadata};
use super::node::{Value, YamlNode};
use super::policy::OBJECT;
use super::walk::{MapFields, Path, Walk};
use super::{DESCRIPTION, ReadPolicy, SOURCE, syntax};
use crate::k8s::cilium::{NAMESPACE_LABEL, POD_NAMESPACE, entity_word};
use crate::net::{
    ClusterEntity, EntitySet, IpBlock, NAMESPACE_NAME, NamePattern, Protocol, Selector, Unlisted, Values,
};
use crate::netpol::{Peer, Policy, PolicyKind, Port, PortTarget, Rule, Written, WrittenRule, WrittenRules};
use crate::source::Excerpt;
use smallvec::SmallVec;
use std::sync::Arc;

/// Reads `node`, an object of the kind CiliumNetworkPolicy. The error is the field that is not understood; a policy whose
/// metadata cannot be read is noted as a problem and gives `None`.
pub(super) fn policy(
    walk: &mut Walk,
    node: &YamlNode,
    path: Path,
    default_namespace: &str,
) -> Result<Option<ReadPolicy>, String> {
    let Some(object) = MapFields::of(node) else { return Ok(None) };
    if let Some(field) = unknown(object, &OBJECT) {
        return Err(field);
    }
    let spec = spec(object.get("spec")).map_err(|NotUnderstood(field)| field)?;
    let before = walk.problems();
    let path_of_metadata = path.field("metadata");
    let metadata = metadata(walk, node, object.get("metadata"), default_namespace, SUBDOMAIN, path_of_metadata);
    let annotated = object.get("metadata").and_then(MapFields::of).and_then(|metadata| metadata.get("annotations"));
    let annotations = annotations(walk, annotated, path_of_metadata.field("annotations"));
    let Some(metadata) = metadata.filter(|_| walk.problems() == before) else { return Ok(None) };
    let annotation = |key: &str| annotations.iter().find(|(one, _)| one == key).map(|(_, value)| value);
    let statements = annotation(SOURCE).map(|text| text.split('\n').map(Excerpt::from).collect());
    let policy = Policy {
        kind: PolicyKind::Cilium,
        namespace: metadata.namespace.into(),
        name: metadata.name.into(),
        subject: spec.subject,
        ingress: spec.ingress,
        egress: spec.egress,
        description: annotation(DESCRIPTION).cloned(),
        statements: statements.unwrap_or_default(),
    };
    let rules = |place: Option<usize>, rules: Vec<WrittenRule<usize>>| WrittenRules { place, rules };
    let written = Written {
        types: None,
        subject: None,
        directions: spec
            .places
            .map(|places| rules(places.first().copied().flatten(), places.into_iter().map(written).collect())),
        by_program: false,
    };
    Ok(Some(ReadPolicy { at: node.at, name_at: metadata.at, policy, written, labels: metadata.labels, annotations }))
}

/// The rules of a direction, if it is there, and where the item of each stands.
type ReadSide = (Option<Vec<Rule>>, Vec<Option<usize>>);

struct CiliumSpec {
    subject: Selector,
    ingress: Option<Vec<Rule>>,
    egress: Option<Vec<Rule>>,
    /// Where the item of each rule stands, in the order of [`Direction::ALL`].
    places: [Vec<Option<usize>>; 2],
}

/// A rule of which only the place is known.
fn written(place: Option<usize>) -> WrittenRule<usize> {
    WrittenRule { place, peers_place: None, peers: Vec::new(), ports_place: None, ports: Vec::new() }
}

fn spec(node: Option<&YamlNode>) -> Understood<CiliumSpec> {
    let object = fields(node, "spec", &["endpointSelector", "ingress", "egress", "description"])?;
    let subject = selector(object.get("endpointSelector"), "spec.endpointSelector")?;
    if subject.namespaces.is_some() {
        return beyond("spec.endpointSelector");
    }
    let side = |name: &str, side: &str| -> Understood<ReadSide> {
        let Some(list) = object.get(name) else { return Ok((None, Vec::new())) };
        let list = items(list, &format!("spec.{name}"))?;
        let (mut rules, mut places) = (Vec::new(), Vec::new());
        for item in list {
            let of_item = rule(item, side, &format!("spec.{name}"))?;
            places.extend(of_item.iter().map(|_| item.at));
            rules.extend(of_item);
        }
        // An empty list is refused by Cilium, and the policy has no effect.
        if list.is_empty() { beyond(&format!("spec.{name}")) } else { Ok((Some(rules), places)) }
    };
    let ((ingress, of_ingress), (egress, of_egress)) = (side("ingress", "from")?, side("egress", "to")?);
    match (&ingress, &egress) {
        (None, None) => beyond("spec"),
        _ => Ok(CiliumSpec { subject: subject.pods, ingress, egress, places: [of_ingress, of_egress] }),
    }
}

/// The rules that one item comes to.
fn rule(node: &YamlNode, side: &str, at: &str) -> Understood<Vec<Rule>> {
    let key = |what: &str| format!("{side}{what}");
    let (endpoints, blocks, entities) = (key("Endpoints"), key("CIDRSet"), key("Entities"));
    let (nets, names) = (key("CIDR"), "toFQDNs");
    let mut known = vec![&*endpoints, &*blocks, &*entities, &*nets, "toPorts"];
    known.extend((side == "to").then_some(names));
    let object = fields(Some(node), at, &known)?;
    let kinds = known.iter().filter(|name| **name != "toPorts" && object.get(name).is_some()).count();
    if kinds > 1 {
        return beyond(at);
    }
    let mut peers: SmallVec<[Peer; 1]> = SmallVec::new();
    let mut anyone = false;
    let list = |name: &str| object.get(name).map(|node| items(node, &format!("{at}.{name}"))).transpose();
    for item in list(&endpoints)?.unwrap_or_default() {
        let CiliumSelector { namespaces, pods } = selector(Some(item), &format!("{at}.{endpoints}"))?;
        peers.push(Peer::Pods { namespaces, pods });
    }
    for item in list(&blocks)?.unwrap_or_default() {
        peers.push(Peer::Block(block(item, &format!("{at}.{blocks}"))?));
    }
    for item in list(&nets)?.unwrap_or_default() {
        let Ok(cidr) = text(Some(item), &format!("{at}.{nets}"))?.parse() else {
            return beyond(&format!("{at}.{nets}"));
        };
        peers.push(Peer::Block(IpBlock { cidr, except: Vec::new() }));
    }
    let mut named = EntitySet::EMPTY;
    for item in list(&entities)?.unwrap_or_default() {
        let word = text(Some(item), &format!("{at}.{entities}"))?;
        match (word, ClusterEntity::ALL.into_iter().find(|entity| entity_word(*entity) == word)) {
            ("all", _) => anyone = true,
            (_, Some(entity)) => named = named.union(EntitySet::of(entity)),
            (_, None) => return beyond(&format!("{at}.{entities}")),
        }
    }
    peers.extend((!named.is_empty()).then_some(Peer::Unlisted(Unlisted::Entities(named))));
    let mut patterns = Vec::new();
    for item in list(names)?.unwrap_or_default() {
        patterns.push(name(item, &format!("{at}.{names}"))?);
    }
    patterns.sort();
    patterns.dedup();
    peers.extend((!patterns.is_empty()).then_some(Peer::Unlisted(Unlisted::Names(patterns))));
    let has_ports = object.get("toPorts").is_some();
    if kinds == 1 && peers.is_empty() && !anyone {
        // An empty list of peers selects nobody.
        return Ok(Vec::new());
    }
    if kinds == 0 && !has_ports {
        return Ok(Vec::new());
    }
    if anyone {
        peers.clear();
    }
    let mut rules = Vec::new();
    for (ports, learns_names) in ports(object.get("toPorts"), at)? {
        rules.push(Rule { peers: peers.clone(), ports, learns_names });
    }
    Ok(rules)
}

fn block(node: &YamlNode, at: &str) -> Understood<IpBlock> {
    let object = fields(Some(node), at, &["cidr", "except"])?;
    let net = |node: &YamlNode| text(Some(node), at)?.parse().map_err(|_| NotUnderstood(at.to_owned()));
    let Some(cidr) = object.get("cidr") else { return beyond(at) };
    let except = object.get("except").map(|node| items(node, at)).transpose()?.unwrap_or_default();
    Ok(IpBlock { cidr: net(cidr)?, except: except.iter().map(net).collect::<Understood<_>>()? })
}

fn name(node: &YamlNode, at: &str) -> Understood<NamePattern> {
    let object = fields(Some(node), at, &["matchName", "matchPattern"])?;
    let text = |name: &str| match object.get(name).map(|node| &node.value) {
        Some(Value::Text(text)) => Some(&**text),
        _ => None,
    };
    match (text("matchName"), text("matchPattern")) {
        (Some(name), None) if !name.contains('*') => Ok(NamePattern::parse(name)),
        (None, Some(pattern)) => {
            let parsed = NamePattern::parse(pattern);
            if parsed.name().contains('*') || parsed.name().is_empty() { beyond(at) } else { Ok(parsed) }
        }
        _ => beyond(at),
    }
}

/// The ports of a rule, those of each item by themselves, and whether names are learnt from what passes there.
fn ports(node: Option<&YamlNode>, at: &str) -> Understood<Vec<(SmallVec<[Port; 1]>, bool)>> {
    let Some(node) = node else { return Ok(vec![(SmallVec::new(), false)]) };
    let at = format!("{at}.toPorts");
    let mut all: Vec<(SmallVec<[Port; 1]>, bool)> = Vec::new();
    for item in items(node, &at)? {
        let object = fields(Some(item), &at, &["ports", "rules"])?;
        let listed = object.get("ports").map(|node| items(node, &at)).transpose()?.unwrap_or_default();
        let mut ports: SmallVec<[Port; 1]> = SmallVec::new();
        for one in listed {
            ports.extend(port(one, &at)?);
        }
        if ports.is_empty() {
            return beyond(&at);
        }
        let learns_names = object.get("rules").map(|node| learns_every_name(node, &at)).transpose()?.unwrap_or(false);
        match all.iter_mut().find(|(_, learns)| *learns == learns_names) {
            Some((known, _)) => known.extend(ports),
            None => all.push((ports, learns_names)),
        }
    }
    if all.is_empty() { Ok(vec![(SmallVec::new(), false)]) } else { Ok(all) }
}

/// Whether rules for what is said over a port are those for DNS of every name. All others limit what is said.
fn learns_every_name(node: &YamlNode, at: &str) -> Understood<bool> {
    let at = format!("{at}.rules");
    let object = fields(Some(node), &at, &["dns"])?;
    let list = object.get("dns").map(|node| items(node, &at)).transpose()?.unwrap_or_default();
    let is_every = |one: &YamlNode| {
        let pattern = MapFields::of(one).and_then(|one| one.get("matchPattern"));
        matches!(pattern.map(|node| &node.value), Some(Value::Text(text)) if &**text == "*")
    };
    if list.iter().any(is_every) { Ok(true) } else { beyond(&at) }
}

/// A port; of `ANY`, one for each protocol.
fn port(node: &YamlNode, at: &str) -> Understood<Vec<Port>> {
    let object = fields(Some(node), at, &["port", "endPort", "protocol"])?;
    let text = text(object.get("port"), at)?;
    let end = match object.get("endPort").map(|node| &node.value) {
        None => None,
        Some(Value::Integer(number)) => Some(u16::try_from(*number).map_err(|_| NotUnderstood(at.to_owned()))?),
        Some(_) => return beyond(at),
    };
    let target = match (text.parse::<u16>(), end) {
        (Ok(0), None | Some(0)) => PortTarget::Every,
        (Ok(number), None | Some(0)) => PortTarget::Number(number),
        (Ok(number), Some(end)) if number > 0 && number == end => PortTarget::Number(number),
        (Ok(number), Some(end)) if number > 0 && number < end => PortTarget::Range(number, end),
        (Err(_), None) if syntax::port_name(text).is_none() => PortTarget::Named(Arc::from(text)),
        _ => return beyond(at),
    };
    let protocols = match object.get("protocol").map(|node| &node.value) {
        None => Protocol::ALL.to_vec(),
        Some(Value::Text(word)) if &**word == "ANY" => Protocol::ALL.to_vec(),
        Some(Value::Text(word)) => Protocol::ALL.into_iter().filter(|one| one.as_str() == &**word).collect(),
        Some(_) => Vec::new(),
    };
    if protocols.is_empty() {
        return beyond(at);
    }
    Ok(protocols.into_iter().map(|protocol| Port { protocol, target: target.clone() }).collect())
}

/// A selector of endpoints: labels of pods, and of their namespaces where there are such.
struct CiliumSelector {
    namespaces: Option<Selector>,
    pods: Selector,
}

fn selector(node: Option<&YamlNode>, at: &str) -> Understood<CiliumSelector> {
    let mut found = CiliumSelector { namespaces: None, pods: Selector::everything() };
    for (key, values) in requirements(node, at)? {
        found.require(key, values, at)?;
    }
    Ok(found)
}

impl CiliumSelector {
    /// Adds what is asked of a label, whose key may have a source.
    fn require(&mut self, key: &str, values: Values, at: &str) -> Understood<()> {
        if key == POD_NAMESPACE || key == without_source(POD_NAMESPACE) {
            // Every pod has it.
            let namespaces = self.namespaces.get_or_insert_with(Selector::everything);
            if values != Values::exists() {
                namespaces.require(NAMESPACE_NAME, values);
            }
            return Ok(());
        }
        if let Some(key) = key.strip_prefix(NAMESPACE_LABEL).or(key.strip_prefix(without_source(NAMESPACE_LABEL))) {
            self.namespaces.get_or_insert_with(Selector::everything).require(key, values);
            return Ok(());
        }
        let plain = match key.split_once(':') {
            Some(("k8s" | "any", plain)) => plain,
            None => key,
            // Labels of containers, or that Cilium gives itself.
            Some(_) => return beyond(at),
        };
        if plain.starts_with("io.cilium.k8s.") || plain.starts_with("reserved") || syntax::label_key(plain).is_some() {
            return beyond(at);
        }
        self.pods.require(plain, values);
        Ok(())
    }
}

fn without_source(key: &str) -> &str {
    key.split_once(':').map_or(key, |(_, plain)| plain)
}
