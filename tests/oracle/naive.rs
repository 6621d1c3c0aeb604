//! A program as policies in the most obvious way: one policy for each flow, pair of parts and isolated set of pods.
//!
//! Nothing here is minimal or readable. It exists so that the definition of the language, the evaluator and the
//! universe can be checked against each other without the compiler, and so that there is something to mutate.

use super::evaluate::{Direction, Labels, NAME_LABEL, Party, Pod, Protocol};
use super::meaning::{Cover, Grant, Isolation, Leaf, Meaning};
use super::program::{Port, Program, Selector};
use ipnet::IpNet;
use serde_json::{Value, json};

/// The policies of a program.
pub(crate) fn lower(program: &Program) -> Vec<Value> {
    let meaning = Meaning::of(program);
    let mut writer = Writer { meaning: &meaning, documents: Vec::new() };
    for isolation in &meaning.isolations {
        let Leaf::Pods(_, pods) = &isolation.pods else { panic!("isolated pods are pods") };
        writer.policy(&isolation.namespace, pods, isolation.direction, None);
    }
    for cover in &meaning.covers {
        if cover.opens(Direction::Egress) {
            writer.side(Direction::Egress, &cover.source, &cover.destination, &cover.ports);
        }
        if cover.opens(Direction::Ingress) {
            writer.side(Direction::Ingress, &cover.destination, &cover.source, &cover.ports);
        }
    }
    for Grant { clients, destinations, servers } in &meaning.grants {
        for Cover { destination, ports, .. } in destinations {
            writer.side(Direction::Egress, clients, destination, ports);
        }
        for Cover { destination, ports, .. } in servers {
            writer.side(Direction::Ingress, destination, clients, ports);
        }
    }
    writer.documents
}

struct Writer<'m> {
    meaning: &'m Meaning,
    documents: Vec<Value>,
}

impl Writer<'_> {
    /// What `subject` may do with `peer`, in each managed namespace and for each set of its isolated pods.
    fn side(&mut self, direction: Direction, subject: &Leaf, peer: &Leaf, ports: &[Port]) {
        let everything = Selector::default();
        let (namespaces, pods) = match subject {
            Leaf::Anyone => (&everything, &everything),
            Leaf::Pods(namespaces, pods) => (namespaces, pods),
            Leaf::Addresses(..) => return,
        };
        let meaning = self.meaning;
        for isolation in meaning.isolations.iter().filter(|i| i.direction == direction) {
            let Leaf::Pods(_, isolated) = &isolation.pods else { panic!("isolated pods are pods") };
            if Leaf::Pods(namespaces.clone(), everything.clone())
                .holds_for_sure(&self.home(isolation), &meaning.managed)
            {
                let both = Selector(pods.0.iter().chain(&isolated.0).cloned().collect());
                self.policy(&isolation.namespace, &both, direction, Some((peer, ports)));
            }
        }
    }

    /// A pod of the namespace of an isolation, which has no labels but those that are stated.
    fn home(&self, isolation: &Isolation) -> Party {
        let stated = self.meaning.managed.get(&isolation.namespace).into_iter().flatten();
        let mut namespace_labels: Labels =
            stated.filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect();
        namespace_labels.insert(NAME_LABEL.to_string(), isolation.namespace.clone());
        Party::Pod(Pod { namespace: isolation.namespace.clone(), namespace_labels, ..Pod::default() })
    }

    fn policy(&mut self, namespace: &str, subject: &Selector, direction: Direction, rule: Option<(&Leaf, &[Port])>) {
        let (kind, rules, peers) = match direction {
            Direction::Ingress => ("Ingress", "ingress", "from"),
            Direction::Egress => ("Egress", "egress", "to"),
        };
        let mut spec = json!({ "podSelector": selector(subject), "policyTypes": [kind] });
        if let Some((leaf, ports)) = rule {
            let mut rule = json!({});
            if *leaf != Leaf::Anyone {
                rule[peers] = peer_list(leaf);
            }
            if !ports.contains(&Port::Every) {
                rule["ports"] = ports.iter().map(port).collect();
            }
            spec[rules] = json!([rule]);
        }
        self.documents.push(json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": format!("policy-{}", self.documents.len()), "namespace": namespace },
            "spec": spec,
        }));
    }
}

fn selector(selector: &Selector) -> Value {
    let expression = |r: &super::evaluate::Requirement| {
        let mut expression = json!({ "key": r.key, "operator": format!("{:?}", r.operator) });
        if !r.values.is_empty() {
            expression["values"] = json!(r.values);
        }
        expression
    };
    match selector.translated().requirements.as_slice() {
        [] => json!({}),
        requirements => json!({ "matchExpressions": requirements.iter().map(expression).collect::<Vec<_>>() }),
    }
}

fn peer_list(leaf: &Leaf) -> Value {
    match leaf {
        Leaf::Anyone => Value::Null,
        Leaf::Pods(namespaces, pods) => {
            json!([{ "namespaceSelector": selector(namespaces), "podSelector": selector(pods) }])
        }
        Leaf::Addresses(blocks, except) => {
            let left = blocks.iter().filter(|block| !except.iter().any(|e| e.contains(*block)));
            left.map(|block| {
                let inside: Vec<String> = except
                    .iter()
                    .filter(|e| same_family(e, block) && block.contains(*e))
                    .map(IpNet::to_string)
                    .collect();
                json!({ "ipBlock": { "cidr": block.to_string(), "except": inside } })
            })
            .collect()
        }
    }
}

fn same_family(a: &IpNet, b: &IpNet) -> bool {
    a.addr().is_ipv4() == b.addr().is_ipv4()
}

fn port(port: &Port) -> Value {
    let protocol = |p: &Protocol| p.to_string().to_uppercase();
    match port {
        Port::Every => Value::Null,
        Port::EveryOf(p) => json!({ "protocol": protocol(p) }),
        Port::Range(low, high, p) if low == high => json!({ "protocol": protocol(p), "port": low }),
        Port::Range(low, high, p) => json!({ "protocol": protocol(p), "port": low, "endPort": high }),
        Port::Container(name, p) => json!({ "protocol": protocol(p), "port": name }),
    }
}
