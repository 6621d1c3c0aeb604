//! Manifests with one thing wrong, to show that the oracle would see it.

use super::rng::Rng;
use serde_json::{Value, json};

/// The kinds of mutations.
pub(crate) const KINDS: [&str; 12] = [
    "drop a policy",
    "drop a rule",
    "drop a peer",
    "drop a port",
    "drop an exclusion",
    "drop a requirement of the subject",
    "widen a peer",
    "split a peer in two",
    "shift a port",
    "change a protocol",
    "move to another namespace",
    "drop a policy type",
];

/// One mutant of each kind that is possible, at a random place.
pub(crate) fn mutants(manifests: &[Value], seed: u64) -> Vec<(&'static str, Vec<Value>)> {
    let mut rng = Rng::new(seed);
    let mut all = Vec::new();
    for kind in KINDS {
        let mut order: Vec<usize> = (0..manifests.len()).collect();
        rng.shuffle(&mut order);
        for i in order {
            let mut mutant = manifests.to_vec();
            if kind == "drop a policy" {
                mutant.remove(i);
            } else if !mutate(kind, &mut mutant[i], &mut rng) {
                continue;
            }
            all.push((kind, mutant));
            break;
        }
    }
    all
}

/// Whether the policy could be changed in this way.
fn mutate(kind: &str, policy: &mut Value, rng: &mut Rng) -> bool {
    let spec = &mut policy["spec"];
    match kind {
        "move to another namespace" => {
            policy["metadata"]["namespace"] = json!("somewhere-else");
            true
        }
        "drop a policy type" => remove(spec.get_mut("policyTypes"), 0, rng),
        "drop a requirement of the subject" => loosen(&mut spec["podSelector"], rng),
        _ => rules(spec).is_some_and(|rules| in_rule(kind, rules, rng)),
    }
}

fn rules(spec: &mut Value) -> Option<&mut Value> {
    let key = if spec.get("ingress").is_some() { "ingress" } else { "egress" };
    spec.get_mut(key)
}

fn in_rule(kind: &str, rules: &mut Value, rng: &mut Rng) -> bool {
    if kind == "drop a rule" {
        return remove(Some(rules), 0, rng);
    }
    let Some(rule) = rules.get_mut(0) else { return false };
    let peers = if rule.get("from").is_some() { "from" } else { "to" };
    match kind {
        "drop a peer" => remove(rule.get_mut(peers), 0, rng),
        "drop a port" => remove(rule.get_mut("ports"), 0, rng),
        "shift a port" => shift(rule.get_mut("ports")),
        "change a protocol" => match rule.get_mut("ports").and_then(|p| p.get_mut(0)) {
            Some(port) => {
                let other = if port["protocol"] == "SCTP" { "TCP" } else { "SCTP" };
                port["protocol"] = json!(other);
                true
            }
            None => false,
        },
        _ => match rule.get_mut(peers) {
            Some(peers) => in_peers(kind, peers, rng),
            None => false,
        },
    }
}

fn in_peers(kind: &str, peers: &mut Value, rng: &mut Rng) -> bool {
    let Some(peer) = peers.get_mut(0) else { return false };
    match kind {
        "drop an exclusion" => remove(peer.get_mut("ipBlock").and_then(|b| b.get_mut("except")), 0, rng),
        "widen a peer" => match peer.get_mut("podSelector") {
            Some(pods) => loosen(pods, rng),
            None => false,
        },
        "split a peer in two" => {
            let (Some(namespaces), Some(pods)) =
                (peer.get("namespaceSelector").cloned(), peer.get("podSelector").cloned())
            else {
                return false;
            };
            *peer = json!({ "namespaceSelector": namespaces });
            peers.as_array_mut().unwrap().push(json!({ "podSelector": pods }));
            true
        }
        _ => panic!("an unknown kind: {kind}"),
    }
}

/// Removes an item, if more than `keep` are there.
fn remove(list: Option<&mut Value>, keep: usize, rng: &mut Rng) -> bool {
    match list.and_then(Value::as_array_mut) {
        Some(items) if items.len() > keep => {
            items.remove(rng.below(items.len()));
            true
        }
        _ => false,
    }
}

/// Takes one requirement out of a selector.
fn loosen(selector: &mut Value, rng: &mut Rng) -> bool {
    if remove(selector.get_mut("matchExpressions"), 0, rng) {
        return true;
    }
    let labels = selector.get_mut("matchLabels").and_then(Value::as_object_mut);
    labels.and_then(|labels| labels.keys().next().cloned().map(|key| labels.remove(&key))).is_some()
}

fn shift(ports: Option<&mut Value>) -> bool {
    let Some(port) = ports.and_then(|p| p.get_mut(0)) else { return false };
    match port["port"].as_u64() {
        Some(number @ 2..) => {
            port["port"] = json!(number - 1);
            true
        }
        _ => false,
    }
}
