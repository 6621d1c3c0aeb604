//! Policies as the objects of Kubernetes' published types.
//!
//! They are made where somebody takes the objects themselves: by `build --format json`, and for the size that `kubectl apply`
//! keeps. Tests hold the text of `write` against them, for policies of every kind. A build does not make them of each manifest
//! that it writes: to make the objects, to read them back and to compare them takes 1.3 times what it takes to write and to
//! reread the text, and that is a third of a build, so it would go on for four tenths longer. What is about to be written is
//! read back and proved as it is.

use super::MANAGED_BY;
use super::staged::StagedKind;
use super::write::{annotation_values, expression, with_presence};
use crate::net::{Requirement, Selector};
use crate::netpol::{Peer, Policy, PolicyKind, Port, PortTarget, Rule};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

/// The object that the manifest of `policy` describes. `None` for a policy that lists neither direction: Kubernetes
/// cannot hold one.
pub fn object(policy: &Policy) -> Option<NetworkPolicy> {
    let types = [policy.ingress.is_some().then_some("Ingress"), policy.egress.is_some().then_some("Egress")];
    let types: Vec<String> = types.into_iter().flatten().map(str::to_owned).collect();
    if types.is_empty() {
        return None;
    }
    let annotations = annotation_values(policy).map(|(key, value)| (key.to_owned(), value.into_owned())).collect();
    Some(NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(policy.name.to_string()),
            namespace: Some(policy.namespace.to_string()),
            labels: Some([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())].into()),
            annotations: Some(annotations).filter(|map: &std::collections::BTreeMap<_, _>| !map.is_empty()),
            ..ObjectMeta::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(label_selector(&policy.subject)),
            policy_types: Some(types),
            ingress: list(policy.ingress.as_deref().unwrap_or_default(), ingress_rule),
            egress: list(policy.egress.as_deref().unwrap_or_default(), egress_rule),
        }),
    })
}

/// The policies as one `v1` List of JSON, as `kubectl get -o json` prints one and `kubectl apply` takes it, with a line end.
///
/// The error of an object that cannot be JSON, of which there is none among the published types.
pub fn json_list(policies: &[Policy]) -> Result<String, String> {
    json_list_of(policies.iter().map(|policy| (policy, None)))
}

/// The same, some of them staged.
pub fn json_list_of<'p>(policies: impl Iterator<Item = (&'p Policy, Option<StagedKind>)>) -> Result<String, String> {
    let values = policies.map(|(policy, staged)| Ok(json_value(policy)?.map(|value| as_staged(value, staged))));
    let items: Vec<Value> = values.filter_map(Result::transpose).collect::<Result<_, String>>()?;
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    serde_json::to_string_pretty(&list).map(|text| text + "\n").map_err(told)
}

/// A policy as JSON; `None` as [`object`] has it.
fn json_value(policy: &Policy) -> Result<Option<Value>, String> {
    match policy.kind {
        PolicyKind::NetworkPolicy => object(policy).map(serde_json::to_value).transpose().map_err(told),
        // Nobody publishes types for this kind; what is written is what there is.
        PolicyKind::Cilium => {
            let mut text = String::new();
            super::manifest(policy, &mut text);
            if text.is_empty() {
                Ok(None)
            } else {
                serde_yaml::from_str(&text).map(Some).map_err(|error| error.to_string())
            }
        }
    }
}

/// An object as one that is only looked at.
fn as_staged(mut value: Value, staged: Option<StagedKind>) -> Value {
    let (Some(kind), Some(object)) = (staged, value.as_object_mut()) else { return value };
    object.insert("apiVersion".to_owned(), kind.api_version().into());
    object.insert("kind".to_owned(), kind.kind().into());
    if let (Some((key, action)), Some(spec)) = (kind.action(), object.get_mut("spec").and_then(Value::as_object_mut)) {
        spec.insert(key.to_owned(), action.into());
    }
    value
}

/// How many bytes a policy is as compact JSON, which is how `kubectl apply` keeps a copy of it.
pub fn json_len(policy: &Policy) -> usize {
    let value = json_value(policy).ok().flatten();
    value.and_then(|value| serde_json::to_vec(&value).ok()).map_or(0, |text| text.len())
}

fn told(error: serde_json::Error) -> String {
    error.to_string()
}

/// A list that is left out when it is empty, as all lists of a NetworkPolicy are.
fn list<T, U>(items: &[T], convert: impl FnMut(&T) -> U) -> Option<Vec<U>> {
    (!items.is_empty()).then(|| items.iter().map(convert).collect())
}

fn ingress_rule(rule: &Rule) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule { from: list(&rule.peers, peer), ports: list(&rule.ports, port) }
}

fn egress_rule(rule: &Rule) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: list(&rule.peers, peer), ports: list(&rule.ports, port) }
}

fn peer(peer: &Peer) -> NetworkPolicyPeer {
    match peer {
        Peer::Pods { namespaces, pods } => NetworkPolicyPeer {
            namespace_selector: namespaces.as_ref().map(|namespaces| label_selector(&with_presence(namespaces))),
            pod_selector: (namespaces.is_none() || !pods.is_everything()).then(|| label_selector(pods)),
            ip_block: None,
        },
        Peer::Block(block) => NetworkPolicyPeer {
            ip_block: Some(IPBlock {
                cidr: block.cidr.trunc().to_string(),
                except: list(&block.except, |except| except.trunc().to_string()),
            }),
            ..NetworkPolicyPeer::default()
        },
        // No policy of this kind has such a peer, and one without any field is none that Kubernetes takes.
        Peer::Unlisted(_) => NetworkPolicyPeer::default(),
    }
}

fn port(port: &Port) -> NetworkPolicyPort {
    let (first, last) = match &port.target {
        PortTarget::Every => (None, None),
        PortTarget::Number(number) => (Some(IntOrString::Int(i32::from(*number))), None),
        PortTarget::Range(low, high) => (Some(IntOrString::Int(i32::from(*low))), Some(i32::from(*high))),
        PortTarget::Named(name) => (Some(IntOrString::String(name.to_string())), None),
    };
    NetworkPolicyPort { protocol: Some(port.protocol.as_str().to_owned()), port: first, end_port: last }
}

fn label_selector(selector: &Selector) -> LabelSelector {
    let requirements = selector.requirements();
    let labels = requirements.iter().filter_map(|requirement| match requirement {
        Requirement::Equals(key, value) => Some((key.to_string(), value.to_string())),
        Requirement::In(..) | Requirement::NotIn(..) | Requirement::Exists(_) | Requirement::DoesNotExist(_) => None,
    });
    let expressions = requirements.iter().filter_map(expression).map(|expression| LabelSelectorRequirement {
        key: expression.key.to_owned(),
        operator: expression.operator.to_owned(),
        values: list(expression.values, ToString::to_string),
    });
    LabelSelector {
        match_labels: Some(labels.collect()).filter(|map: &std::collections::BTreeMap<_, _>| !map.is_empty()),
        match_expressions: Some(expressions.collect::<Vec<_>>()).filter(|list| !list.is_empty()),
    }
}
