//! The validation of the API server for NetworkPolicies, rule by rule, over untyped values.
//!
//! It shares no code with the compiler. It is as strict as Kubernetes 1.36, where CIDRs have one form, and it also
//! reports what the server only warns of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde::Deserialize;
use serde_json::{Map, Value};

/// What the API server would say about the documents of `yaml`; nothing when it takes all of them in silence.
pub(crate) fn validate(yaml: &str) -> Vec<String> {
    let mut report = Report::default();
    for document in serde_yaml::Deserializer::from_str(yaml) {
        match Value::deserialize(document) {
            Ok(Value::Null) => {}
            Ok(object) => report.object(&object),
            Err(error) => {
                report.say("", error);
                break;
            }
        }
    }
    report.lines
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
}

impl Report {
    fn say(&mut self, path: &str, what: impl std::fmt::Display) {
        self.lines.push(format!("{path}: {what}"));
    }

    /// The fields of a map; fields that are not `known` are reported, as strict field validation does.
    fn map<'v>(&mut self, path: &str, value: &'v Value, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.say(path, format_args!("must be a map: {value}"));
            return None;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.say(&format!("{path}.{key}"), "unknown field");
        }
        Some(map)
    }

    /// The items of a list with their paths; a missing one and null are empty.
    fn items<'v>(&mut self, path: &str, value: Option<&'v Value>) -> Vec<(String, &'v Value)> {
        match value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect()
            }
            Some(other) => {
                self.say(path, format_args!("must be a list: {other}"));
                Vec::new()
            }
        }
    }

    fn text<'v>(&mut self, path: &str, value: Option<&'v Value>) -> Option<&'v str> {
        match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => {
                self.say(path, format_args!("must be a string: {other}"));
                None
            }
        }
    }

    fn object(&mut self, object: &Value) {
        let Some(object) = self.map("", object, &["apiVersion", "kind", "metadata", "spec", "status"]) else { return };
        if object.get("apiVersion") != Some(&"networking.k8s.io/v1".into()) {
            self.say("apiVersion", "must be networking.k8s.io/v1");
        }
        if object.get("kind") != Some(&"NetworkPolicy".into()) {
            self.say("kind", "must be NetworkPolicy");
        }
        self.metadata(object.get("metadata").unwrap_or(&Value::Null));
        match object.get("spec") {
            None | Some(Value::Null) => {}
            Some(spec) => self.spec(spec),
        }
    }

    fn metadata(&mut self, metadata: &Value) {
        let known = ["name", "namespace", "labels", "annotations"];
        let Some(metadata) = self.map("metadata", metadata, &known) else { return };
        let name = self.text("metadata.name", metadata.get("name")).unwrap_or_default();
        if name.len() > 253 || !name.split('.').all(is_dns_label) {
            self.say("metadata.name", format_args!("no DNS-1123 subdomain: {name:?}"));
        }
        let namespace = self.text("metadata.namespace", metadata.get("namespace")).unwrap_or_default();
        if namespace.len() > 63 || !is_dns_label(namespace) {
            self.say("metadata.namespace", format_args!("no DNS-1123 label: {namespace:?}"));
        }
        self.labels("metadata.labels", metadata.get("labels"));
        self.annotations("metadata.annotations", metadata.get("annotations"));
    }

    fn annotations(&mut self, path: &str, value: Option<&Value>) {
        let Some(value) = value.filter(|value| !value.is_null()) else { return };
        let Some(map) = value.as_object() else { return self.say(path, "must be a map") };
        let mut size = 0;
        for (key, value) in map {
            self.label_key(path, &key.to_lowercase());
            size += key.len() + self.text(path, Some(value)).unwrap_or_default().len();
        }
        if size > 256 * 1024 {
            self.say(path, "Too long: may not be more than 262144 bytes");
        }
    }

    fn labels(&mut self, path: &str, value: Option<&Value>) {
        let Some(value) = value.filter(|value| !value.is_null()) else { return };
        let Some(map) = value.as_object() else { return self.say(path, "must be a map") };
        for (key, value) in map {
            self.label_key(path, key);
            match value {
                Value::String(value) => self.label_value(path, value),
                other => self.say(path, format_args!("must be a string: {other}")),
            }
        }
    }

    fn label_key(&mut self, path: &str, key: &str) {
        let parts: Vec<&str> = key.split('/').collect();
        let (prefix, name) = match parts[..] {
            [name] => (None, name),
            [prefix, name] => (Some(prefix), name),
            _ => return self.say(path, format_args!("label key with several slashes: {key:?}")),
        };
        if prefix.is_some_and(|prefix| prefix.len() > 253 || !prefix.split('.').all(is_dns_label)) {
            self.say(path, format_args!("label key's prefix is no DNS-1123 subdomain: {key:?}"));
        }
        if name.is_empty() || !is_qualified(name) {
            self.say(path, format_args!("label key's name part: {key:?}"));
        }
    }

    fn label_value(&mut self, path: &str, value: &str) {
        if !value.is_empty() && !is_qualified(value) {
            self.say(path, format_args!("label value: {value:?}"));
        }
    }

    fn spec(&mut self, spec: &Value) {
        let known = ["podSelector", "policyTypes", "ingress", "egress"];
        let Some(spec) = self.map("spec", spec, &known) else { return };
        if let Some(selector) = spec.get("podSelector").filter(|selector| !selector.is_null()) {
            self.selector("spec.podSelector", selector);
        }
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (path, rule) in self.items(&format!("spec.{direction}"), spec.get(direction)) {
                self.rule(&path, rule, peers);
            }
        }
        let types = self.items("spec.policyTypes", spec.get("policyTypes"));
        if types.len() > 2 {
            return self.say("spec.policyTypes", "may not specify more than two policyTypes");
        }
        for (path, direction) in types {
            if !matches!(direction.as_str(), Some("Ingress" | "Egress")) {
                self.say(&path, format_args!("Unsupported value: {direction}"));
            }
        }
    }

    fn rule(&mut self, path: &str, rule: &Value, peers: &str) {
        let Some(rule) = self.map(path, rule, &[peers, "ports"]) else { return };
        for (path, peer) in self.items(&format!("{path}.{peers}"), rule.get(peers)) {
            self.peer(&path, peer);
        }
        for (path, port) in self.items(&format!("{path}.ports"), rule.get("ports")) {
            self.port(&path, port);
        }
    }

    fn peer(&mut self, path: &str, peer: &Value) {
        let Some(peer) = self.map(path, peer, &["podSelector", "namespaceSelector", "ipBlock"]) else { return };
        let set = |field: &str| peer.get(field).filter(|value| !value.is_null());
        for field in ["podSelector", "namespaceSelector"] {
            if let Some(selector) = set(field) {
                self.selector(&format!("{path}.{field}"), selector);
            }
        }
        match (set("ipBlock"), set("podSelector").or(set("namespaceSelector"))) {
            (None, None) => self.say(path, "must specify a peer"),
            (Some(_), Some(_)) => self.say(path, "may not specify both ipBlock and another peer"),
            (Some(block), None) => self.block(&format!("{path}.ipBlock"), block),
            (None, Some(_)) => {}
        }
    }

    fn block(&mut self, path: &str, block: &Value) {
        let Some(block) = self.map(path, block, &["cidr", "except"]) else { return };
        let outer = self.text(path, block.get("cidr")).unwrap_or_default();
        if outer.is_empty() {
            return self.say(&format!("{path}.cidr"), "Required value");
        }
        let outer = self.cidr(&format!("{path}.cidr"), outer);
        for (path, except) in self.items(&format!("{path}.except"), block.get("except")) {
            let except = self.text(&path, Some(except)).unwrap_or_default();
            let (Some(inner), Some(outer)) = (self.cidr(&path, except), &outer) else { continue };
            let contained = inner.width == outer.width && inner.masked(outer.length) == outer.masked(outer.length);
            if !contained || inner.length <= outer.length {
                self.say(&path, "must be a strict subset of `cidr`");
            }
        }
    }

    fn cidr(&mut self, path: &str, text: &str) -> Option<Cidr> {
        let Some(cidr) = Cidr::parse(text) else {
            self.say(path, format_args!("must be a valid CIDR value: {text:?}"));
            return None;
        };
        if cidr.leading_zeros {
            self.say(path, format_args!("must not have leading 0s: {text:?}"));
        }
        if cidr.width == 128 && cidr.bits >> 32 == 0xFFFF {
            self.say(path, format_args!("must not have an IPv4-mapped IPv6 address: {text:?}"));
        }
        if cidr.masked(cidr.length) != cidr.bits {
            self.say(path, format_args!("must not have bits set beyond the prefix length: {text:?}"));
        }
        let canonical = cidr.canonical();
        if cidr.width == 128 && text != canonical {
            self.say(path, format_args!("warning: should be in canonical format {canonical}: {text:?}"));
        }
        Some(cidr)
    }

    fn port(&mut self, path: &str, port: &Value) {
        let Some(port) = self.map(path, port, &["protocol", "port", "endPort"]) else { return };
        if let Some(protocol) = self.text(&format!("{path}.protocol"), port.get("protocol"))
            && !["TCP", "UDP", "SCTP"].contains(&protocol)
        {
            self.say(&format!("{path}.protocol"), format_args!("Unsupported value: {protocol:?}"));
        }
        let number = port.get("port").filter(|value| !value.is_null());
        let end = port.get("endPort").filter(|value| !value.is_null());
        for value in [number, end].into_iter().flatten().filter(|value| value.is_number()) {
            if !value.as_i64().is_some_and(|number| (1..=65535).contains(&number)) {
                self.say(path, format_args!("must be between 1 and 65535, inclusive: {value}"));
            }
        }
        match (number, end) {
            (None, Some(_)) => self.say(path, "endPort may not be specified when `port` is not specified"),
            (Some(Value::Number(low)), Some(Value::Number(high))) if high.as_i64() < low.as_i64() => {
                self.say(path, "endPort must be greater than or equal to `port`");
            }
            (Some(Value::String(_)), Some(_)) => {
                self.say(path, "endPort may not be specified when `port` is non-numeric");
            }
            (_, Some(high)) if !high.is_number() => self.say(path, format_args!("endPort must be a number: {high}")),
            _ => {}
        }
        match number {
            Some(Value::String(name)) => self.port_name(path, name),
            None | Some(Value::Number(_)) => {}
            Some(other) => self.say(path, format_args!("port must be a number or a string: {other}")),
        }
    }

    fn port_name(&mut self, path: &str, name: &str) {
        let alphabet = name.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '-'));
        let letter = name.chars().any(|letter| letter.is_ascii_lowercase());
        let hyphens = name.contains("--") || name.starts_with('-') || name.ends_with('-');
        if name.len() > 15 || !alphabet || !letter || hyphens {
            self.say(path, format_args!("no port name: {name:?}"));
        }
    }

    fn selector(&mut self, path: &str, selector: &Value) {
        let Some(selector) = self.map(path, selector, &["matchLabels", "matchExpressions"]) else { return };
        self.labels(&format!("{path}.matchLabels"), selector.get("matchLabels"));
        let expressions = self.items(&format!("{path}.matchExpressions"), selector.get("matchExpressions"));
        for (path, expression) in expressions {
            let Some(expression) = self.map(&path, expression, &["key", "operator", "values"]) else { continue };
            let key = self.text(&path, expression.get("key")).unwrap_or_default();
            self.label_key(&path, key);
            let values = self.items(&format!("{path}.values"), expression.get("values"));
            for (path, value) in &values {
                match value {
                    Value::String(value) => self.label_value(path, value),
                    other => self.say(path, format_args!("must be a string: {other}")),
                }
            }
            match (expression.get("operator").and_then(Value::as_str), values.is_empty()) {
                (Some("In" | "NotIn"), true) => self.say(&path, "values must be specified when `operator` is 'In'"),
                (Some("Exists" | "DoesNotExist"), false) => self.say(&path, "values may not be specified"),
                (Some("In" | "NotIn" | "Exists" | "DoesNotExist"), _) => {}
                (operator, _) => self.say(&path, format_args!("not a valid selector operator: {operator:?}")),
            }
        }
    }
}

fn is_dns_label(text: &str) -> bool {
    let alphabet = text.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '-'));
    !text.is_empty() && alphabet && !text.starts_with('-') && !text.ends_with('-')
}

fn is_qualified(text: &str) -> bool {
    let alphanumeric = |letter: char| letter.is_ascii_alphanumeric();
    text.len() <= 63
        && text.chars().all(|letter| alphanumeric(letter) || "-_.".contains(letter))
        && text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
}

/// A CIDR as the server's forgiving parser reads it.
struct Cidr {
    width: u32,
    bits: u128,
    length: u32,
    leading_zeros: bool,
}

impl Cidr {
    fn parse(text: &str) -> Option<Cidr> {
        let (address, length) = text.split_once('/')?;
        let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok())?;
        let padded = |text: &str| text.len() > 1 && text.starts_with('0');
        let mut leading_zeros = padded(length);
        let (width, bits) = if address.contains(':') {
            (128, address.parse::<std::net::Ipv6Addr>().ok()?.to_bits())
        } else {
            let octets: Vec<&str> = address.split('.').collect();
            let mut bits = 0;
            for octet in &octets {
                leading_zeros |= padded(octet);
                bits = bits << 8 | u128::from(decimal(octet).filter(|octet| *octet < 256)?);
            }
            (32, (octets.len() == 4).then_some(bits)?)
        };
        let length = decimal(length).filter(|length| *length <= width)?;
        Some(Cidr { width, bits, length, leading_zeros })
    }

    fn masked(&self, length: u32) -> u128 {
        let host = self.width - length;
        if host == 128 { 0 } else { self.bits >> host << host }
    }

    fn canonical(&self) -> String {
        match u32::try_from(self.bits) {
            Ok(bits) if self.width == 32 => format!("{}/{}", std::net::Ipv4Addr::from_bits(bits), self.length),
            _ => format!("{}/{}", std::net::Ipv6Addr::from_bits(self.bits), self.length),
        }
    }
}
