//! Every kind of peer with every kind of ports, in both directions, as the generated suites of network plugins have it.

use crate::engine::concrete::{Blocks, hold};
use crate::engine::read;
use polder::cluster::{Cluster, ContainerPort, Kind, Labels, Namespace, Pods, Workload};
use polder::net::Protocol;
use polder::net::Truth;
use serde_json::{Value, json};

/// Pods of two namespaces. The first of each names port 80, the second gives the name to 81, and to 80 of udp.
fn cluster() -> Cluster {
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut cluster = Cluster::default();
    for (index, namespace) in ["x", "z"].into_iter().enumerate() {
        let labels = Labels::from([label("kubernetes.io/metadata.name", namespace), label("ns", namespace)]);
        cluster.namespaces.push(Namespace { name: namespace.into(), labels, span: None });
        for (at, pod) in ["a", "b"].into_iter().enumerate() {
            let port = |protocol, number| ContainerPort { protocol, number, name: Some("http".into()) };
            let ports = match pod {
                "a" => vec![port(Protocol::Tcp, 80)],
                _ => vec![port(Protocol::Tcp, 81), port(Protocol::Udp, 80)],
            };
            let labels = Labels::from([label("pod", pod)]);
            cluster.workloads.push(Workload {
                namespace: namespace.into(),
                name: pod.into(),
                kind: Kind::StatefulSet,
                labels: labels.clone(),
                selector: Labels::new(),
                first_number: 0,
                pods: vec![Pods {
                    labels,
                    ports,
                    count: 1,
                    several: false,
                    host_network: false,
                    finished: false,
                    addresses: vec![vec![format!("10.0.{index}.{at}").parse().unwrap()]],
                    seen: Vec::new(),
                    span: None,
                }],
                span: None,
            });
        }
    }
    cluster
}

/// A selector in each form; the first is none at all.
fn selectors(key: &str, value: &str) -> Vec<Option<Value>> {
    let expression = |operator: &str, values: &[&str]| {
        let mut expression = json!({ "key": key, "operator": operator });
        if !values.is_empty() {
            expression["values"] = json!(values);
        }
        Some(json!({ "matchExpressions": [expression] }))
    };
    vec![
        None,
        Some(json!({})),
        Some(json!({ "matchLabels": { key: value } })),
        expression("In", &[value, "other"]),
        expression("NotIn", &[value]),
        expression("Exists", &[]),
        expression("DoesNotExist", &[]),
    ]
}

/// Lists of peers; the first is none at all.
fn peers() -> Vec<Option<Value>> {
    let mut all = vec![None, Some(json!([]))];
    for pods in selectors("pod", "a") {
        for namespaces in selectors("ns", "z") {
            let mut peer = json!({});
            for (field, selector) in [("podSelector", &pods), ("namespaceSelector", &namespaces)] {
                if let Some(selector) = selector {
                    peer[field] = selector.clone();
                }
            }
            if peer != json!({}) {
                all.push(Some(json!([peer])));
            }
        }
    }
    all.push(Some(json!([{ "ipBlock": { "cidr": "10.0.0.0/24" } }])));
    all.push(Some(json!([{ "ipBlock": { "cidr": "10.0.0.0/16", "except": ["10.0.1.1/32", "10.0.0.0/24"] } }])));
    all.push(Some(json!([{ "ipBlock": { "cidr": "::/0" } }, { "podSelector": {} }])));
    all
}

/// Lists of ports; the first is none at all.
fn ports() -> Vec<Option<Value>> {
    let lists = [
        json!([]),
        json!([{}]),
        json!([{ "protocol": "SCTP" }]),
        json!([{ "port": 80 }]),
        json!([{ "port": 80, "protocol": "UDP" }, { "port": 81, "protocol": "TCP" }]),
        json!([{ "port": 79, "endPort": 80 }]),
        json!([{ "port": "http" }]),
        json!([{ "port": "http", "protocol": "UDP" }]),
        json!([{ "port": "http", "protocol": "SCTP" }]),
        json!([{ "port": "nobody-serves" }]),
        json!([{ "port": 80, "protocol": "TCP" }, { "port": 80, "protocol": "UDP" }, { "port": "http" }]),
    ];
    std::iter::once(None).chain(lists.map(Some)).collect()
}

fn policy(name: &str, subject: &Value, direction: &str, rules: Option<Value>) -> Value {
    let mut spec = json!({ "podSelector": subject, "policyTypes": [direction] });
    if let Some(rules) = rules {
        spec[direction.to_lowercase()] = rules;
    }
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": name, "namespace": "x" },
        "spec": spec,
    })
}

fn judge(policies: &[Value], pods: Truth, cluster: &Cluster) {
    let text = policies.iter().map(|policy| format!("---\n{policy}\n")).collect::<String>();
    let (policies, set) = read(&text);
    let run = || hold(&policies, &set, &Blocks { pods, addresses: None }, cluster, &mut [0; 3]);
    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        println!("blocks match pods: {pods:?}\n{text}");
        std::panic::resume_unwind(panic);
    }
}

fn every_peer_on_every_port(direction: &str, key: &str) {
    let cluster = cluster();
    for (index, peers) in peers().into_iter().enumerate() {
        for (at, ports) in ports().into_iter().enumerate() {
            let mut rule = json!({});
            if let Some(peers) = &peers {
                rule[key] = peers.clone();
            }
            if let Some(ports) = ports {
                rule["ports"] = ports;
            }
            let subject = if at % 2 == 0 { json!({}) } else { json!({ "matchLabels": { "pod": "a" } }) };
            let pods = [Truth::Yes, Truth::No, Truth::Maybe][index % 3];
            judge(&[policy("p", &subject, direction, Some(json!([rule])))], pods, &cluster);
        }
    }
}

#[test]
fn every_source_on_every_port() {
    every_peer_on_every_port("Ingress", "from");
}

#[test]
fn every_destination_on_every_port() {
    every_peer_on_every_port("Egress", "to");
}

/// One policy denies or allows what another does not.
#[test]
fn policies_in_conflict() {
    let cluster = cluster();
    let subjects = [json!({}), json!({ "matchLabels": { "pod": "a" } }), json!({ "matchLabels": { "pod": "nobody" } })];
    let rules = |key: &str| {
        let pods = json!([{ key: [{ "podSelector": { "matchLabels": { "pod": "b" } } }], "ports": [{ "port": 80 }] }]);
        let blocks = json!([{ key: [{ "ipBlock": { "cidr": "10.0.0.0/16", "except": ["10.0.0.1/32"] } }] }]);
        [None, Some(json!([])), Some(json!([{}])), Some(pods), Some(blocks)]
    };
    for (one, key) in [("Ingress", "from"), ("Egress", "to")] {
        for (other, other_key) in [("Ingress", "from"), ("Egress", "to")] {
            for first in rules(key) {
                for second in rules(other_key) {
                    for subject in &subjects {
                        let policies = [
                            policy("first", &subjects[1], one, first.clone()),
                            policy("second", subject, other, second.clone()),
                        ];
                        judge(&policies, Truth::Yes, &cluster);
                    }
                }
            }
        }
    }
}
