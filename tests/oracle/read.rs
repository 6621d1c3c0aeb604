//! NetworkPolicy documents read into the evaluator's own terms.
//!
//! The reading is strict: an unknown field, and everything that the API server refuses about ports and blocks, is an
//! error, because a manifest that means something by accident should not pass a test.

use super::evaluate::{
    Direction, Operator, Peer, Policy, PolicySet, PortItem, PortMatch, Protocol, Requirement, Rule, Selector,
};
use super::law::Blocks;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The documents of a YAML text; empty documents are left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document).map_err(|e| format!("not YAML: {e}"))?;
        if !value.is_null() {
            all.push(value);
        }
    }
    Ok(all)
}

/// The policies of some documents.
pub(crate) fn policies(documents: &[Value]) -> Result<PolicySet, String> {
    let policies = documents.iter().map(policy).collect::<Result<_, _>>()?;
    Ok(PolicySet { policies, blocks: Blocks::default() })
}

fn policy(document: &Value) -> Result<Policy, String> {
    let fields = object(document, "a document")?;
    only(fields, &["apiVersion", "kind", "metadata", "spec"])?;
    if document["kind"] != "NetworkPolicy" || document["apiVersion"] != "networking.k8s.io/v1" {
        return Err(format!("not a NetworkPolicy of networking.k8s.io/v1: {document}"));
    }
    let metadata = object(&document["metadata"], "metadata")?;
    let name = metadata.get("name").and_then(Value::as_str).ok_or("a policy without a name")?.to_string();
    let namespace = metadata.get("namespace").and_then(Value::as_str).unwrap_or("default").to_string();
    let inner = || -> Result<Policy, String> {
        let spec = object(&document["spec"], "spec")?;
        only(spec, &["podSelector", "policyTypes", "ingress", "egress"])?;
        let ingress = rules(spec, "ingress", "from")?;
        let egress = rules(spec, "egress", "to")?;
        let types = types(spec, !egress.is_empty())?;
        let subject = optional_selector(spec.get("podSelector"))?.unwrap_or_default();
        Ok(Policy {
            namespace: namespace.clone(),
            name: name.clone(),
            subject,
            ingress: types.contains(&Direction::Ingress).then_some(ingress),
            egress: types.contains(&Direction::Egress).then_some(egress),
        })
    };
    inner().map_err(|e| format!("{namespace}/{name}: {e}"))
}

/// The policy types; when none are written, ingress, and egress too if there are egress rules.
fn types(spec: &Map<String, Value>, has_egress: bool) -> Result<Vec<Direction>, String> {
    let written = list(spec.get("policyTypes"))?;
    if written.is_empty() {
        return Ok(if has_egress { vec![Direction::Ingress, Direction::Egress] } else { vec![Direction::Ingress] });
    }
    let one = |value: &Value| match value.as_str() {
        Some("Ingress") => Ok(Direction::Ingress),
        Some("Egress") => Ok(Direction::Egress),
        _ => Err(format!("policy type {value}")),
    };
    written.iter().map(one).collect()
}

fn rules(spec: &Map<String, Value>, direction: &str, peers: &str) -> Result<Vec<Rule>, String> {
    let one = |value: &Value| {
        let fields = object(value, "a rule")?;
        only(fields, &[peers, "ports"])?;
        Ok(Rule {
            peers: list(fields.get(peers))?.iter().map(peer).collect::<Result<_, String>>()?,
            ports: list(fields.get("ports"))?.iter().map(port).collect::<Result<_, String>>()?,
        })
    };
    list(spec.get(direction))?.iter().map(one).collect()
}

fn peer(value: &Value) -> Result<Peer, String> {
    let fields = object(value, "a peer")?;
    only(fields, &["podSelector", "namespaceSelector", "ipBlock"])?;
    let pods = optional_selector(fields.get("podSelector"))?;
    let namespaces = optional_selector(fields.get("namespaceSelector"))?;
    let Some(block) = fields.get("ipBlock").filter(|b| !b.is_null()) else {
        if pods.is_none() && namespaces.is_none() {
            return Err("a peer without any field".to_string());
        }
        return Ok(Peer::Pods { namespaces, pods });
    };
    if pods.is_some() || namespaces.is_some() {
        return Err("a peer with an ipBlock and a selector".to_string());
    }
    let fields = object(block, "an ipBlock")?;
    only(fields, &["cidr", "except"])?;
    let cidr = block_of(fields.get("cidr").unwrap_or(&Value::Null))?;
    let except = list(fields.get("except"))?.iter().map(block_of).collect::<Result<Vec<_>, _>>()?;
    if let Some(outside) = except.iter().find(|e| !cidr.contains(*e) || **e == cidr) {
        return Err(format!("{outside} is not strictly inside {cidr}"));
    }
    Ok(Peer::Block { cidr, except })
}

fn block_of(value: &Value) -> Result<IpNet, String> {
    let text = value.as_str().ok_or_else(|| format!("not a block: {value}"))?;
    let block: IpNet = text.parse().map_err(|_| format!("not a block: {text}"))?;
    if block.to_string() == text && block.trunc() == block {
        return Ok(block);
    }
    Err(format!("a block that is not in its canonical form: {text}"))
}

fn port(value: &Value) -> Result<PortItem, String> {
    let fields = object(value, "a port")?;
    only(fields, &["protocol", "port", "endPort"])?;
    let protocol = match fields.get("protocol").filter(|p| !p.is_null()).map(Value::as_str) {
        None | Some(Some("TCP")) => Protocol::Tcp,
        Some(Some("UDP")) => Protocol::Udp,
        Some(Some("SCTP")) => Protocol::Sctp,
        Some(_) => return Err(format!("protocol of {value}")),
    };
    let number = |value: &Value| match value.as_u64() {
        Some(n @ 1..=65535) => Ok(n as u16),
        _ => Err(format!("port number {value}")),
    };
    let present = |key| fields.get(key).filter(|v: &&Value| !v.is_null());
    let port = match (present("port"), present("endPort")) {
        (None, None) => PortMatch::Every,
        (None, Some(_)) => return Err("endPort without port".to_string()),
        (Some(Value::String(name)), None) => PortMatch::Named(name.clone()),
        (Some(Value::String(_)), Some(_)) => return Err("endPort with a named port".to_string()),
        (Some(port), None) => PortMatch::Range(number(port)?, number(port)?),
        (Some(port), Some(end)) => PortMatch::Range(number(port)?, number(end)?),
    };
    match port {
        PortMatch::Range(low, high) if low > high => Err(format!("endPort below port: {value}")),
        port => Ok(PortItem { protocol, port }),
    }
}

fn optional_selector(value: Option<&Value>) -> Result<Option<Selector>, String> {
    value.filter(|v| !v.is_null()).map(selector).transpose()
}

fn selector(value: &Value) -> Result<Selector, String> {
    let fields = object(value, "a selector")?;
    only(fields, &["matchLabels", "matchExpressions"])?;
    let mut requirements = Vec::new();
    if let Some(labels) = fields.get("matchLabels").filter(|v| !v.is_null()) {
        for (key, value) in object(labels, "matchLabels")? {
            let value = value.as_str().ok_or_else(|| format!("label {key} is not a string: {value}"))?;
            requirements.push(Requirement {
                key: key.clone(),
                operator: Operator::In,
                values: vec![value.to_string()],
            });
        }
    }
    for expression in list(fields.get("matchExpressions"))? {
        requirements.push(requirement(expression)?);
    }
    Ok(Selector { requirements })
}

fn requirement(value: &Value) -> Result<Requirement, String> {
    let fields = object(value, "an expression")?;
    only(fields, &["key", "operator", "values"])?;
    let key = fields.get("key").and_then(Value::as_str).ok_or_else(|| format!("no key: {value}"))?.to_string();
    let string = |v: &Value| v.as_str().map(str::to_string).ok_or_else(|| format!("not a string: {v}"));
    let values = list(fields.get("values"))?.iter().map(string).collect::<Result<Vec<_>, _>>()?;
    let (operator, with_values) = match fields.get("operator").and_then(Value::as_str) {
        Some("In") => (Operator::In, true),
        Some("NotIn") => (Operator::NotIn, true),
        Some("Exists") => (Operator::Exists, false),
        Some("DoesNotExist") => (Operator::DoesNotExist, false),
        _ => return Err(format!("operator of {value}")),
    };
    if values.is_empty() == with_values {
        return Err(format!("values of {value}"));
    }
    Ok(Requirement { key, operator, values })
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{what} is not a mapping: {value}"))
}

/// A list; a missing one and null are empty, as in the API.
fn list(value: Option<&Value>) -> Result<&[Value], String> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(format!("not a list: {other}")),
    }
}

fn only(fields: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("unknown field {unknown}")),
        None => Ok(()),
    }
}
