//! Random policies that make the hard cases on purpose: subjects and peers that overlap, sides that fit in part, ranges that
//! touch, DNS in every form.

use crate::oracle::rng::Rng;
use serde_json::{Value, json};

const NAMESPACES: [&str; 3] = ["shop", "data", "kube-system"];
const APPS: [&str; 3] = ["web", "api", "db"];

/// The policies of a seed, at most of two namespaces so that all pods can be enumerated.
pub(super) fn policies(seed: u64) -> Vec<Value> {
    let mut rng = Rng::new(seed);
    let homes = rng.between(1, 2);
    let homes = rng.some(&NAMESPACES, homes);
    let mut all: Vec<Value> = Vec::new();
    for number in 0..rng.between(1, 6) {
        let namespace = *rng.pick(&homes);
        let mut spec = json!({ "podSelector": subject(&mut rng) });
        let mut types = Vec::new();
        for (kind, rules, peers) in [("Ingress", "ingress", "from"), ("Egress", "egress", "to")] {
            if rng.chance(60) {
                types.push(kind);
                let count = rng.below(4);
                spec[rules] = (0..count).map(|_| rule(&mut rng, peers)).collect();
            }
        }
        if rng.chance(85) && !types.is_empty() {
            spec["policyTypes"] = json!(types);
        }
        all.push(json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": format!("p{number}"), "namespace": namespace },
            "spec": spec,
        }));
        if rng.chance(25) {
            // Its other side, or something near it.
            let turned = turned(&mut rng, all.last().unwrap(), &homes, number);
            all.extend(turned);
        }
    }
    all
}

/// A policy that opens the other side of the first rule of one, where that has pods of one label as peers.
fn turned(rng: &mut Rng, policy: &Value, homes: &[&str], number: usize) -> Option<Value> {
    let (from, to, kind, rules, peers) = match policy["spec"]["egress"].get(0) {
        Some(_) => ("egress", "to", "Ingress", "ingress", "from"),
        None => ("ingress", "from", "Egress", "egress", "to"),
    };
    let rule = policy["spec"][from].get(0)?;
    let peer = rule[to].get(0)?;
    let name = &peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
    let own = policy["metadata"]["namespace"].as_str().unwrap();
    let home = name.as_str().unwrap_or(own);
    if !homes.contains(&home) || peer.get("ipBlock").is_some() {
        return None;
    }
    let mut back = json!({
        peers: [{
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": own } },
            "podSelector": policy["spec"]["podSelector"],
        }],
    });
    if let Some(ports) = rule.get("ports") {
        back["ports"] = ports.clone();
    }
    if rng.chance(30) {
        back["ports"] = json!([port(rng)]);
    }
    let subject = peer.get("podSelector").cloned().unwrap_or(json!({}));
    Some(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": format!("p{number}-back"), "namespace": home },
        "spec": { "podSelector": subject, "policyTypes": [kind], rules: [back] },
    }))
}

fn subject(rng: &mut Rng) -> Value {
    if rng.chance(35) { json!({}) } else { pods(rng) }
}

fn pods(rng: &mut Rng) -> Value {
    let app = *rng.pick(&APPS);
    match rng.below(10) {
        0..5 => json!({ "matchLabels": { "app": app } }),
        5 => json!({ "matchLabels": { "app": app, "role": "x" } }),
        6 => json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": rng.some(&APPS, 2) }] }),
        7 => json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": [app] }] }),
        8 => json!({ "matchExpressions": [{ "key": "role", "operator": "Exists" }] }),
        _ => {
            json!({ "matchExpressions": [{ "key": "role", "operator": "DoesNotExist" }], "matchLabels": { "app": app } })
        }
    }
}

fn namespaces(rng: &mut Rng) -> Value {
    let by_name = |name: &str| json!({ "matchLabels": { "kubernetes.io/metadata.name": name } });
    let name = *rng.pick(&["shop", "data", "kube-system", "ingress"]);
    match rng.below(9) {
        0..4 => by_name(name),
        4 => json!({}),
        5 => json!({ "matchLabels": { "team": "a" } }),
        6 => {
            json!({ "matchExpressions": [{ "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [name] }] })
        }
        7 => json!({ "matchLabels": { "kubernetes.io/metadata.name": name, "team": "a" } }),
        _ => json!({ "matchExpressions": [{ "key": "kubernetes.io/metadata.name", "operator": "In",
            "values": ["shop", "ingress"] }] }),
    }
}

fn peer(rng: &mut Rng) -> Value {
    match rng.below(9) {
        0..3 => json!({ "podSelector": subject(rng) }),
        3..5 => json!({ "namespaceSelector": namespaces(rng) }),
        5..7 => json!({ "namespaceSelector": namespaces(rng), "podSelector": pods(rng) }),
        _ => match rng.below(5) {
            0 => json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"] } }),
            1 => json!({ "ipBlock": { "cidr": "10.8.0.0/16" } }),
            2 => json!({ "ipBlock": { "cidr": "10.8.0.0/16", "except": ["10.8.1.0/24"] } }),
            3 => json!({ "ipBlock": { "cidr": "10.8.1.0/25" } }),
            _ => json!({ "ipBlock": { "cidr": "::/0" } }),
        },
    }
}

fn port(rng: &mut Rng) -> Value {
    match rng.below(10) {
        0..3 => json!({ "protocol": "TCP", "port": 80 }),
        3 => json!({ "port": 443 }),
        4 => json!({ "protocol": "TCP", "port": 80, "endPort": 90 }),
        5 => json!({ "protocol": "TCP", "port": 85, "endPort": 95 }),
        6 => json!({ "protocol": "TCP", "port": "http" }),
        7 => json!({ "protocol": "UDP", "port": 53 }),
        8 => json!({ "protocol": "TCP" }),
        _ => json!({ "protocol": "SCTP", "port": 9 }),
    }
}

fn rule(rng: &mut Rng, peers: &str) -> Value {
    if rng.chance(15) {
        return dns(rng, peers);
    }
    let mut rule = json!({});
    if rng.chance(85) {
        let count = rng.between(1, 2);
        rule[peers] = (0..count).map(|_| peer(rng)).collect();
    }
    if rng.chance(75) {
        let count = rng.between(1, 2);
        rule["ports"] = (0..count).map(|_| port(rng)).collect();
    }
    rule
}

fn dns(rng: &mut Rng, peers: &str) -> Value {
    let both = json!([{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }]);
    let servers = json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
        "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
    });
    match rng.below(3) {
        0 => json!({ "ports": both }),
        1 => json!({ peers: [servers], "ports": [{ "protocol": "UDP", "port": 53 }] }),
        _ => json!({ peers: [servers], "ports": both }),
    }
}
