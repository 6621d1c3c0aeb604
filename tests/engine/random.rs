//! Random policies that make every hard case on purpose. No compiler had a hand in them.

use crate::oracle::rng::Rng;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a case has, to show that all of it is made.
pub(super) type Features = BTreeSet<&'static str>;

pub(super) const NAMESPACES: [&str; 4] = ["x", "v", "z", "w"];
pub(super) const POD_KEYS: [&str; 3] = ["app", "tier", "empty"];
pub(super) const NAMESPACE_KEYS: [&str; 2] = ["team", "env"];
pub(super) const VALUES: [&str; 3] = ["a", "b", ""];
pub(super) const NAMES: [&str; 3] = ["http", "metrics", "dns"];
pub(super) const NUMBERS: [u16; 5] = [1, 53, 80, 8080, 65535];
const BLOCKS: [(&str, &[&str]); 8] = [
    ("10.0.0.0/8", &["10.1.0.0/16", "10.1.2.0/24", "10.255.0.0/16"]),
    ("10.1.0.0/16", &["10.1.2.3/32"]),
    ("0.0.0.0/0", &["10.0.0.0/8", "169.254.169.254/32"]),
    ("192.0.2.7/32", &[]),
    ("0.0.0.0/1", &[]),
    ("fd00::/8", &["fd00:1::/32"]),
    ("::/0", &["fd00::/8"]),
    ("fd00:1::5/128", &[]),
];

/// Makes policies as the documents that somebody might write.
pub(super) struct Maker<'r> {
    pub rng: &'r mut Rng,
    pub features: Features,
    /// How many keys and values selectors use, so that all pods can be enumerated.
    pub keys: usize,
}

impl Maker<'_> {
    pub(super) fn seen(&mut self, feature: &'static str) {
        self.features.insert(feature);
    }

    /// NetworkPolicy documents.
    pub(super) fn policies(&mut self) -> Vec<Value> {
        let count = self.rng.between(1, 6);
        (0..count).map(|index| self.policy(index)).collect()
    }

    fn policy(&mut self, index: usize) -> Value {
        let namespace = NAMESPACES[self.rng.below(3)];
        let mut spec = json!({});
        if let Some(subject) = self.maybe_selector(&POD_KEYS, "subject missing", "subject null") {
            spec["podSelector"] = subject;
        }
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            match self.rng.below(8) {
                0 => self.seen("rules missing"),
                1 => {
                    self.seen("rules empty");
                    spec[direction] = json!([]);
                }
                2 => {
                    self.seen("rules null");
                    spec[direction] = Value::Null;
                }
                _ => {
                    let count = self.rng.between(1, 3);
                    spec[direction] = (0..count).map(|_| self.rule(peers)).collect();
                }
            }
        }
        match self.rng.below(7) {
            0 => self.seen("types missing"),
            1 => {
                self.seen("types empty");
                spec["policyTypes"] = json!([]);
            }
            2 => {
                self.seen("only ingress listed");
                spec["policyTypes"] = json!(["Ingress"]);
            }
            3 => {
                self.seen("only egress listed");
                spec["policyTypes"] = json!(["Egress"]);
            }
            4 => {
                self.seen("a type listed twice");
                spec["policyTypes"] = json!(["Egress", "Egress"]);
            }
            _ => spec["policyTypes"] = json!(["Egress", "Ingress"]),
        }
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": { "name": format!("policy-{index}"), "namespace": namespace },
            "spec": spec,
        })
    }

    fn rule(&mut self, peers_key: &str) -> Value {
        let mut rule = json!({});
        match self.rng.below(10) {
            0 => self.seen("peers missing"),
            1 => {
                self.seen("peers empty");
                rule[peers_key] = json!([]);
            }
            2 => {
                self.seen("peers null");
                rule[peers_key] = Value::Null;
            }
            _ => {
                let count = self.rng.between(1, 3);
                if count > 1 {
                    self.seen("several peers");
                }
                rule[peers_key] = (0..count).map(|_| self.peer()).collect();
            }
        }
        match self.rng.below(8) {
            0 => self.seen("ports missing"),
            1 => {
                self.seen("ports empty");
                rule["ports"] = json!([]);
            }
            2 => {
                self.seen("ports null");
                rule["ports"] = Value::Null;
            }
            _ => {
                let count = self.rng.between(1, 3);
                rule["ports"] = (0..count).map(|_| self.port()).collect();
            }
        }
        rule
    }

    fn peer(&mut self) -> Value {
        match self.rng.below(6) {
            0 => {
                self.seen("pods of the same namespace");
                json!({ "podSelector": self.selector(&POD_KEYS) })
            }
            1 => {
                self.seen("namespaces alone");
                json!({ "namespaceSelector": self.namespaces() })
            }
            2 | 3 => {
                self.seen("namespaces and pods");
                json!({ "namespaceSelector": self.namespaces(), "podSelector": self.selector(&POD_KEYS) })
            }
            _ => self.block(),
        }
    }

    fn block(&mut self) -> Value {
        let (cidr, inside) = BLOCKS[self.rng.below(BLOCKS.len())];
        self.seen(if cidr.contains(':') { "block of IPv6" } else { "block of IPv4" });
        let mut block = json!({ "cidr": cidr });
        if !inside.is_empty() && self.rng.chance(60) {
            let except = self.rng.between(0, 2);
            let except = self.rng.some(inside, except);
            self.seen(match except.len() {
                0 => "except empty",
                1 => "except",
                _ => "several excepts",
            });
            block["except"] = json!(except);
        }
        json!({ "ipBlock": block })
    }

    fn port(&mut self) -> Value {
        let mut port = json!({});
        let protocol = ["TCP", "UDP", "SCTP", ""][self.rng.below(4)];
        match protocol {
            "" => self.seen("protocol missing"),
            "SCTP" => self.seen("sctp"),
            _ => {}
        }
        if !protocol.is_empty() {
            port["protocol"] = json!(protocol);
        }
        match self.rng.below(6) {
            0 => self.seen(if protocol.is_empty() { "empty port item" } else { "protocol alone" }),
            1 | 2 => {
                self.seen("named port");
                port["port"] = json!(self.rng.pick(&NAMES));
            }
            3 => {
                let mut ends = [*self.rng.pick(&NUMBERS), *self.rng.pick(&NUMBERS)];
                ends.sort_unstable();
                self.seen(match ends {
                    [1, 65535] => "every number",
                    [low, high] if low == high => "range of one",
                    _ => "range",
                });
                port["port"] = json!(ends[0]);
                port["endPort"] = json!(ends[1]);
            }
            _ => port["port"] = json!(self.rng.pick(&NUMBERS)),
        }
        port
    }

    pub(super) fn namespaces(&mut self) -> Value {
        if self.rng.chance(30) {
            let name = NAMESPACES[self.rng.below(NAMESPACES.len())];
            self.seen("namespace by name");
            return json!({ "matchLabels": { "kubernetes.io/metadata.name": name } });
        }
        if self.rng.chance(10) {
            self.seen("not a namespace by name");
            let name = NAMESPACES[self.rng.below(NAMESPACES.len())];
            let expression = json!({ "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [name] });
            return json!({ "matchExpressions": [expression] });
        }
        self.seen("namespaces by other labels");
        self.selector(&NAMESPACE_KEYS)
    }

    fn maybe_selector(&mut self, keys: &[&str], missing: &'static str, null: &'static str) -> Option<Value> {
        match self.rng.below(12) {
            0 => {
                self.seen(missing);
                None
            }
            1 => {
                self.seen(null);
                Some(Value::Null)
            }
            _ => Some(self.selector(keys)),
        }
    }

    pub(super) fn selector(&mut self, keys: &[&str]) -> Value {
        let keys = &keys[..keys.len().min(self.keys)];
        let mut selector = json!({});
        if self.rng.chance(12) {
            self.seen("selector of everything");
            if self.rng.chance(50) {
                selector["matchLabels"] = json!({});
                selector["matchExpressions"] = json!([]);
            }
            return selector;
        }
        if self.rng.chance(50) {
            let value = VALUES[self.rng.below(VALUES.len())];
            if value.is_empty() {
                self.seen("empty label value");
            }
            selector["matchLabels"] = json!({ *self.rng.pick(keys): value });
        }
        if selector.get("matchLabels").is_none() || self.rng.chance(30) {
            let count = self.rng.between(1, 2);
            selector["matchExpressions"] = (0..count).map(|_| self.expression(keys)).collect();
        }
        selector
    }

    fn expression(&mut self, keys: &[&str]) -> Value {
        let key = *self.rng.pick(keys);
        let count = self.rng.between(1, 2);
        let values = self.rng.some(&VALUES, count);
        match self.rng.below(4) {
            0 => {
                self.seen("In");
                json!({ "key": key, "operator": "In", "values": values })
            }
            1 => {
                self.seen("NotIn");
                json!({ "key": key, "operator": "NotIn", "values": values })
            }
            2 => {
                self.seen("Exists");
                json!({ "key": key, "operator": "Exists" })
            }
            _ => {
                self.seen("DoesNotExist");
                json!({ "key": key, "operator": "DoesNotExist", "values": [] })
            }
        }
    }
}

/// Everything that [`Maker`] can make.
pub(super) const ALL: &[&str] = &[
    "In",
    "NotIn",
    "Exists",
    "DoesNotExist",
    "a type listed twice",
    "block of IPv4",
    "block of IPv6",
    "empty label value",
    "empty port item",
    "every number",
    "except",
    "except empty",
    "named port",
    "namespace by name",
    "namespace of unknown labels",
    "namespaces alone",
    "namespaces and pods",
    "namespaces by other labels",
    "not a namespace by name",
    "only egress listed",
    "only ingress listed",
    "peers empty",
    "peers missing",
    "peers null",
    "pod of two families",
    "pod of unknown address",
    "pods of the same namespace",
    "pods out of the reach of policies",
    "ports empty",
    "ports missing",
    "ports null",
    "protocol alone",
    "protocol missing",
    "range",
    "range of one",
    "rules empty",
    "rules missing",
    "rules null",
    "sctp",
    "selector of everything",
    "several excepts",
    "several peers",
    "several pods alike",
    "subject missing",
    "subject null",
    "types empty",
    "types missing",
];
