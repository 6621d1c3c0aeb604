//! Ways to change manifests, each at a random place that fits.

use super::oracle::rng::Rng;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

/// A way to change manifests. `change` answers whether there was a place for it.
pub(crate) struct Operator {
    pub name: &'static str,
    pub change: fn(&mut Value, &mut Rng) -> bool,
}

/// The paths of all values that `fits` accepts, told the steps to it.
fn find(root: &Value, fits: &dyn Fn(&[String], &Value) -> bool) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), root)];
    while let Some((path, value)) = open.pop() {
        if fits(&path, value) {
            found.push(path.clone());
        }
        let step = |key: String| path.iter().cloned().chain([key]).collect::<Vec<_>>();
        match value {
            Value::Array(items) => open.extend(items.iter().enumerate().map(|(i, item)| (step(i.to_string()), item))),
            Value::Object(fields) => open.extend(fields.iter().map(|(key, item)| (step(key.clone()), item))),
            _ => {}
        }
    }
    found.sort();
    found
}

fn at<'v>(root: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().fold(root, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    })
}

type Change<'c> = &'c dyn Fn(&mut Value, &mut Rng) -> bool;

/// Applies `change` to one of the values that fit and that it accepts.
fn any(root: &mut Value, rng: &mut Rng, fits: &dyn Fn(&[String], &Value) -> bool, change: Change) -> bool {
    let mut paths = find(root, fits);
    rng.shuffle(&mut paths);
    paths.iter().any(|path| change(at(root, path), rng))
}

fn policy(path: &[String], _: &Value) -> bool {
    path.len() == 1
}

fn spec(path: &[String], _: &Value) -> bool {
    path.len() == 2 && path[1] == "spec"
}

fn rules(path: &[String], _: &Value) -> bool {
    path.len() == 3 && ["ingress", "egress"].contains(&path[2].as_str())
}

fn rule(path: &[String], _: &Value) -> bool {
    path.len() == 4 && ["ingress", "egress"].contains(&path[2].as_str())
}

fn peers(path: &[String], _: &Value) -> bool {
    path.len() == 5 && ["from", "to"].contains(&path[4].as_str())
}

fn peer(path: &[String], _: &Value) -> bool {
    path.len() == 6 && ["from", "to"].contains(&path[4].as_str())
}

fn ports(path: &[String], _: &Value) -> bool {
    path.len() == 5 && path[4] == "ports"
}

fn port(path: &[String], _: &Value) -> bool {
    path.len() == 6 && path[4] == "ports"
}

fn block(path: &[String], _: &Value) -> bool {
    path.last().is_some_and(|step| step == "ipBlock")
}

fn subject(path: &[String], _: &Value) -> bool {
    path.len() == 3 && path[2] == "podSelector"
}

fn peer_pods(path: &[String], _: &Value) -> bool {
    path.len() == 7 && path[6] == "podSelector"
}

fn peer_namespaces(path: &[String], _: &Value) -> bool {
    path.len() == 7 && path[6] == "namespaceSelector"
}

fn labels(path: &[String], value: &Value) -> bool {
    path.last().is_some_and(|step| step == "matchLabels") && value.as_object().is_some_and(|map| !map.is_empty())
}

fn expression(path: &[String], _: &Value) -> bool {
    path.len() > 1 && path[path.len() - 2] == "matchExpressions"
}

fn operator(value: &Value, name: &str) -> bool {
    value["operator"] == name
}

/// Takes a random item of a list away, if another one is left.
fn shorten(list: &mut Value, rng: &mut Rng) -> bool {
    let Some(items) = list.as_array_mut().filter(|items| items.len() > 1) else { return false };
    let index = rng.below(items.len());
    items.remove(index);
    true
}

fn push(list: &mut Value, item: Value) -> bool {
    list.as_array_mut().unwrap().push(item);
    true
}

fn remove(value: &mut Value, key: &str) -> bool {
    value.as_object_mut().is_some_and(|fields| fields.remove(key).is_some())
}

fn set(value: &mut Value, key: &str, new: Value) -> bool {
    let changed = value.get(key) != Some(&new);
    value[key] = new;
    changed
}

fn number(value: &mut Value, key: &str, by: i64) -> bool {
    let Some(number) = value.get(key).and_then(Value::as_i64) else { return false };
    let new = number + by;
    value[key] = json!(new);
    (1..=65535).contains(&new)
        && value.get("endPort").and_then(Value::as_i64).is_none_or(|end| end >= value["port"].as_i64().unwrap())
}

fn protocol(value: &mut Value, from: &str, to: &str) -> bool {
    value["protocol"] == from && set(value, "protocol", json!(to))
}

/// Makes another block of the one of the peer; its exceptions go, unless they still fit.
fn cidr(value: &mut Value, change: impl Fn(IpNet) -> Option<IpNet>) -> bool {
    let net: IpNet = value["cidr"].as_str().unwrap().parse().unwrap();
    let Some(new) = change(net) else { return false };
    value["cidr"] = json!(new.trunc().to_string());
    if let Some(except) = value.get_mut("except").and_then(Value::as_array_mut) {
        except.retain(|one| {
            let one: IpNet = one.as_str().unwrap().parse().unwrap();
            new.contains(&one) && new != one
        });
    }
    true
}

fn prefix(net: IpNet, by: i8) -> Option<IpNet> {
    let length = i16::from(net.prefix_len()) + i16::from(by);
    IpNet::new(net.addr(), u8::try_from(length).ok()?).ok()
}

fn half(net: IpNet) -> Option<IpNet> {
    prefix(net, 1).map(|half| half.trunc())
}

/// Replaces a random label of `matchLabels` by an expression on its key.
fn label_to(selector: &mut Value, rng: &mut Rng, expression: impl Fn(&str, &str) -> Value) -> bool {
    let Some(labels) = selector.get_mut("matchLabels").and_then(Value::as_object_mut) else { return false };
    let Some((key, value)) = pick(labels, rng) else { return false };
    labels.remove(&key);
    if labels.is_empty() {
        remove(selector, "matchLabels");
    }
    let new = expression(&key, value.as_str().unwrap());
    match selector.get_mut("matchExpressions") {
        Some(list) => push(list, new),
        None => set(selector, "matchExpressions", json!([new])),
    }
}

fn pick(labels: &Map<String, Value>, rng: &mut Rng) -> Option<(String, Value)> {
    let all: Vec<(String, Value)> = labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    if all.is_empty() { None } else { Some(rng.pick(&all).clone()) }
}

fn drop_requirement(selector: &mut Value, rng: &mut Rng) -> bool {
    if let Some(labels) = selector.get_mut("matchLabels").and_then(Value::as_object_mut)
        && let Some((key, _)) = pick(labels, rng)
    {
        labels.remove(&key);
        return true;
    }
    let expressions = selector.get_mut("matchExpressions").and_then(Value::as_array_mut);
    expressions.is_some_and(|list| list.pop().is_some())
}

fn require(selector: &mut Value, expression: Value) -> bool {
    match selector.get_mut("matchExpressions") {
        Some(list) => push(list, expression),
        None => set(selector, "matchExpressions", json!([expression])),
    }
}

fn change_label(labels: &mut Value, rng: &mut Rng, change: impl Fn(&str, &str) -> (String, String)) -> bool {
    let labels = labels.as_object_mut().unwrap();
    let Some((key, value)) = pick(labels, rng) else { return false };
    let (new_key, new_value) = change(&key, value.as_str().unwrap());
    labels.remove(&key);
    labels.insert(new_key, json!(new_value));
    true
}

/// Exchanges the values of two places.
fn exchange(root: &mut Value, rng: &mut Rng, fits: &dyn Fn(&[String], &Value) -> bool) -> bool {
    let mut paths = find(root, fits);
    rng.shuffle(&mut paths);
    let [one, other, ..] = paths.as_slice() else { return false };
    let (a, b) = (at(root, one).clone(), at(root, other).clone());
    if a == b {
        return false;
    }
    *at(root, one) = b;
    *at(root, other) = a;
    true
}

fn fresh(policy: &Value, namespace: &Value) -> Value {
    let mut copy = policy.clone();
    copy["metadata"]["namespace"] = namespace.clone();
    copy["metadata"]["name"] = json!("one-more");
    copy
}

fn rename_key(value: &mut Value, from: &str, to: &str) {
    if let Some(inner) = value.as_object_mut().unwrap().remove(from) {
        value[to] = inner;
    }
}

fn swap_directions(spec: &mut Value) -> bool {
    let (ingress, egress) = (spec.get("ingress").cloned(), spec.get("egress").cloned());
    let turned = |rules: Option<Value>, from: &str, to: &str| {
        rules.map(|mut rules| {
            rules.as_array_mut().unwrap().iter_mut().for_each(|rule| rename_key(rule, from, to));
            rules
        })
    };
    remove(spec, "ingress");
    remove(spec, "egress");
    if let Some(rules) = turned(ingress, "from", "to") {
        spec["egress"] = rules;
    }
    if let Some(rules) = turned(egress, "to", "from") {
        spec["ingress"] = rules;
    }
    for name in spec["policyTypes"].as_array_mut().unwrap() {
        *name = json!(if *name == "Ingress" { "Egress" } else { "Ingress" });
    }
    true
}

fn denies(value: &Value) -> bool {
    let none = |key: &str| value["spec"].get(key).is_none_or(|rules| rules.as_array().is_none_or(Vec::is_empty));
    none("ingress") && none("egress")
}

macro_rules! operators {
    ($($name:literal => |$root:ident, $rng:ident| $body:expr;)*) => {
        pub(crate) const OPERATORS: &[Operator] = &[$(Operator { name: $name, change: |$root, $rng| $body }),*];
    };
}

operators! {
    "drop a policy" => |root, rng| shorten(root, rng);
    "drop a policy that denies" => |root, rng| {
        let all = root.as_array_mut().unwrap();
        let Some(index) = all.iter().position(denies) else { return false };
        let _ = rng;
        all.remove(index);
        true
    };
    "drop all that deny" => |root, _rng| {
        root.as_array_mut().unwrap().retain(|policy| !denies(policy));
        true
    };
    "policy in a namespace of others" => |root, rng| any(root, rng, &policy, &|p, _| set(&mut p["metadata"], "namespace", json!("elsewhere")));
    "policies exchange namespaces" => |root, rng| exchange(root, rng, &|path, _| path.len() == 3 && path[1] == "metadata" && path[2] == "namespace");
    "copy a policy to another namespace" => |root, rng| {
        let all = root.as_array().unwrap().clone();
        let one = rng.pick(&all);
        let Some(other) = all.iter().find(|p| p["metadata"]["namespace"] != one["metadata"]["namespace"]) else { return false };
        push(root, fresh(one, &other["metadata"]["namespace"]))
    };
    "isolate a namespace of others" => |root, rng| {
        let one = rng.pick(root.as_array().unwrap()).clone();
        push(root, fresh(&one, &json!("elsewhere")))
    };
    "allow everything by one more policy" => |root, rng| {
        let one = rng.pick(root.as_array().unwrap()).clone();
        let mut more = fresh(&one, &one["metadata"]["namespace"]);
        more["spec"] = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]});
        push(root, more)
    };
    "isolate by one more policy" => |root, rng| {
        let one = rng.pick(root.as_array().unwrap()).clone();
        let mut more = fresh(&one, &one["metadata"]["namespace"]);
        more["spec"] = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
        push(root, more)
    };
    "drop policyTypes" => |root, rng| any(root, rng, &spec, &|s, _| remove(s, "policyTypes"));
    "the other policy type" => |root, rng| any(root, rng, &spec, &|s, _| {
        let other = if s["policyTypes"] == json!(["Ingress"]) { "Egress" } else { "Ingress" };
        set(s, "policyTypes", json!([other]))
    });
    "one more policy type" => |root, rng| any(root, rng, &spec, &|s, _| s["policyTypes"].as_array().unwrap().len() == 1 && set(s, "policyTypes", json!(["Ingress", "Egress"])));
    "ingress only" => |root, rng| any(root, rng, &spec, &|s, _| s["policyTypes"].as_array().unwrap().len() == 2 && set(s, "policyTypes", json!(["Ingress"])));
    "egress only" => |root, rng| any(root, rng, &spec, &|s, _| s["policyTypes"].as_array().unwrap().len() == 2 && set(s, "policyTypes", json!(["Egress"])));
    "ingress and egress exchanged" => |root, rng| any(root, rng, &spec, &|s, _| swap_directions(s));
    "no rules" => |root, rng| any(root, rng, &rules, &|r, _| !r.as_array().unwrap().is_empty() && { *r = json!([]); true });
    "no ingress" => |root, rng| any(root, rng, &spec, &|s, _| s.get("ingress").is_some_and(|r| r != &json!([])) && remove(s, "ingress"));
    "no egress" => |root, rng| any(root, rng, &spec, &|s, _| s.get("egress").is_some_and(|r| r != &json!([])) && remove(s, "egress"));
    "a rule that allows everything" => |root, rng| any(root, rng, &rules, &|r, _| push(r, json!({})));
    "drop a rule" => |root, rng| any(root, rng, &rules, &|r, rng| shorten(r, rng));
    "a rule without peers" => |root, rng| any(root, rng, &rule, &|r, _| remove(r, "from") || remove(r, "to"));
    "a rule with an empty list of peers" => |root, rng| any(root, rng, &peers, &|p, _| { *p = json!([]); true });
    "a rule without ports" => |root, rng| any(root, rng, &rule, &|r, _| remove(r, "ports"));
    "a rule with an empty list of ports" => |root, rng| any(root, rng, &ports, &|p, _| { *p = json!([]); true });
    "a rule as two items" => |root, rng| any(root, rng, &rules, &|rules, rng| {
        let all = rules.as_array_mut().unwrap();
        if all.is_empty() { return false }
        let index = rng.below(all.len());
        let mut ports = all[index].clone();
        let had = remove(&mut ports, "from") | remove(&mut ports, "to");
        had && ports.get("ports").is_some() && remove(&mut all[index], "ports") && { all.push(ports); true }
    });
    "a rule with another port as well" => |root, rng| any(root, rng, &rules, &|rules, rng| {
        let all = rules.as_array_mut().unwrap();
        if all.is_empty() { return false }
        let mut copy = rng.pick(all).clone();
        copy["ports"] = json!([{"protocol": "TCP", "port": 4711}]);
        all.push(copy);
        true
    });
    "two rules exchange ports" => |root, rng| exchange(root, rng, &ports);
    "two rules exchange peers" => |root, rng| exchange(root, rng, &|path, value| peers(path, value) && path[4] == "from");
    "two egress rules exchange peers" => |root, rng| exchange(root, rng, &|path, value| peers(path, value) && path[4] == "to");
    "two policies exchange subjects" => |root, rng| exchange(root, rng, &subject);
    "two policies exchange rules" => |root, rng| exchange(root, rng, &|path, value| rules(path, value) && path[2] == "ingress");
    "two policies exchange egress rules" => |root, rng| exchange(root, rng, &|path, value| rules(path, value) && path[2] == "egress");
    "drop a peer" => |root, rng| any(root, rng, &peers, &|p, rng| shorten(p, rng));
    "the peer's namespaces dropped" => |root, rng| any(root, rng, &peer, &|p, _| p.get("podSelector").is_some() && remove(p, "namespaceSelector"));
    "the peer's pods dropped" => |root, rng| any(root, rng, &peer, &|p, _| p.get("namespaceSelector").is_some() && p.get("podSelector").is_some_and(|s| s != &json!({})) && remove(p, "podSelector"));
    "and becomes or" => |root, rng| any(root, rng, &peers, &|list, _| {
        let all = list.as_array_mut().unwrap();
        let both = |p: &Value| p.get("podSelector").is_some() && p.get("namespaceSelector").is_some();
        let Some(index) = all.iter().position(both) else { return false };
        let pods = all[index]["podSelector"].clone();
        remove(&mut all[index], "podSelector");
        all.push(json!({ "podSelector": pods }));
        true
    });
    "the peer's namespaces are all" => |root, rng| any(root, rng, &peer_namespaces, &|s, _| *s != json!({}) && { *s = json!({}); true });
    "the peer's pods are all" => |root, rng| any(root, rng, &peer_pods, &|s, _| *s != json!({}) && { *s = json!({}); true });
    "own namespace becomes all" => |root, rng| any(root, rng, &peer, &|p, _| p.get("podSelector").is_some() && p.get("namespaceSelector").is_none() && set(p, "namespaceSelector", json!({})));
    "another namespace's name" => |root, rng| any(root, rng, &peer_namespaces, &|s, _| s.get("matchLabels").is_some() && set(s, "matchLabels", json!({"kubernetes.io/metadata.name": "elsewhere"})));
    "another key of namespaces" => |root, rng| any(root, rng, &peer_namespaces, &|s, rng| s.get_mut("matchLabels").is_some_and(|l| change_label(l, rng, |_, v| ("name".to_owned(), v.to_owned()))));
    "namespaces by exclusion" => |root, rng| any(root, rng, &peer_namespaces, &|s, rng| label_to(s, rng, |k, v| json!({"key": k, "operator": "NotIn", "values": [v]})));
    "one more peer: the namespace" => |root, rng| any(root, rng, &peers, &|p, _| push(p, json!({"podSelector": {}})));
    "one more peer: all pods" => |root, rng| any(root, rng, &peers, &|p, _| push(p, json!({"namespaceSelector": {}})));
    "one more peer: all addresses" => |root, rng| any(root, rng, &peers, &|p, _| push(p, json!({"ipBlock": {"cidr": "0.0.0.0/0"}})));
    "pods become addresses" => |root, rng| any(root, rng, &peer, &|p, _| p.get("podSelector").is_some() && { *p = json!({"ipBlock": {"cidr": "10.0.0.0/8"}}); true });
    "addresses become pods" => |root, rng| any(root, rng, &peer, &|p, _| p.get("ipBlock").is_some() && { *p = json!({"podSelector": {}}); true });
    "a wider block" => |root, rng| any(root, rng, &block, &|b, _| cidr(b, |net| prefix(net, -1)));
    "a narrower block" => |root, rng| any(root, rng, &block, &|b, _| cidr(b, half));
    "a block of one address" => |root, rng| any(root, rng, &block, &|b, _| cidr(b, |net| (net.prefix_len() < net.max_prefix_len()).then(|| net.addr().into())));
    "the block beside" => |root, rng| any(root, rng, &block, &|b, _| cidr(b, |net| prefix(net, -1)?.subnets(net.prefix_len()).ok()?.find(|other| *other != net)));
    "the other family" => |root, rng| any(root, rng, &block, &|b, _| cidr(b, |net| if net.addr().is_ipv4() { "::/0" } else { "0.0.0.0/0" }.parse().ok()));
    "no exceptions" => |root, rng| any(root, rng, &block, &|b, _| b.get("except").is_some_and(|e| e != &json!([])) && remove(b, "except"));
    "one exception less" => |root, rng| any(root, rng, &|path, _| path.last().is_some_and(|s| s == "except"), &|e, rng| shorten(e, rng));
    "a wider exception" => |root, rng| any(root, rng, &block, &|b, _| {
        let net: IpNet = b["cidr"].as_str().unwrap().parse().unwrap();
        let Some(first) = b.get_mut("except").and_then(|e| e.get_mut(0)) else { return false };
        let out: IpNet = first.as_str().unwrap().parse().unwrap();
        let Some(wider) = prefix(out, -1).map(|wider| wider.trunc()).filter(|wider| *wider != net) else { return false };
        *first = json!(wider.to_string());
        true
    });
    "a narrower exception" => |root, rng| any(root, rng, &|path, _| path.len() > 1 && path[path.len() - 2] == "except", &|e, _| {
        let Some(narrower) = half(e.as_str().unwrap().parse().unwrap()) else { return false };
        *e = json!(narrower.to_string());
        true
    });
    "an exception more" => |root, rng| any(root, rng, &block, &|b, _| {
        let Some(out) = half(b["cidr"].as_str().unwrap().parse().unwrap()) else { return false };
        set(b, "except", json!([out.to_string()]))
    });
    "drop a port" => |root, rng| any(root, rng, &ports, &|p, rng| shorten(p, rng));
    "one more port" => |root, rng| any(root, rng, &ports, &|p, _| push(p, json!({"protocol": "TCP", "port": 4711})));
    "the port after" => |root, rng| any(root, rng, &port, &|p, _| p.get("endPort").is_none() && number(p, "port", 1));
    "the port before" => |root, rng| any(root, rng, &port, &|p, _| p.get("endPort").is_none() && number(p, "port", -1));
    "a later start" => |root, rng| any(root, rng, &port, &|p, _| p.get("endPort").is_some() && number(p, "port", 1));
    "an earlier start" => |root, rng| any(root, rng, &port, &|p, _| p.get("endPort").is_some() && number(p, "port", -1));
    "a later end" => |root, rng| any(root, rng, &port, &|p, _| number(p, "endPort", 1));
    "an earlier end" => |root, rng| any(root, rng, &port, &|p, _| number(p, "endPort", -1));
    "no end" => |root, rng| any(root, rng, &port, &|p, _| remove(p, "endPort"));
    "a port becomes a range" => |root, rng| any(root, rng, &port, &|p, _| {
        let Some(low) = p["port"].as_i64().filter(|low| *low < 65535) else { return false };
        p.get("endPort").is_none() && set(p, "endPort", json!(low + 1))
    });
    "tcp to udp" => |root, rng| any(root, rng, &port, &|p, _| protocol(p, "TCP", "UDP"));
    "udp to tcp" => |root, rng| any(root, rng, &port, &|p, _| protocol(p, "UDP", "TCP"));
    "tcp to sctp" => |root, rng| any(root, rng, &port, &|p, _| protocol(p, "TCP", "SCTP"));
    "protocol dropped" => |root, rng| any(root, rng, &port, &|p, _| p["protocol"] != "TCP" && remove(p, "protocol"));
    "every port of the protocol" => |root, rng| any(root, rng, &port, &|p, _| { remove(p, "endPort"); remove(p, "port") });
    "a number becomes a name" => |root, rng| any(root, rng, &port, &|p, _| p["port"].is_i64() && p.get("endPort").is_none() && set(p, "port", json!("zzz")));
    "another name" => |root, rng| any(root, rng, &port, &|p, _| p["port"].is_string() && set(p, "port", json!("zzz")));
    "a name becomes a number" => |root, rng| any(root, rng, &port, &|p, _| p["port"].is_string() && set(p, "port", json!(4711)));
    "drop a requirement of the subject" => |root, rng| any(root, rng, &subject, &|s, rng| drop_requirement(s, rng));
    "drop a requirement of a peer" => |root, rng| any(root, rng, &peer_pods, &|s, rng| drop_requirement(s, rng));
    "drop a requirement of a peer's namespace" => |root, rng| any(root, rng, &peer_namespaces, &|s, rng| drop_requirement(s, rng));
    "one more requirement of the subject" => |root, rng| any(root, rng, &subject, &|s, _| require(s, json!({"key": "more", "operator": "Exists"})));
    "one more requirement of a peer" => |root, rng| any(root, rng, &peer_pods, &|s, _| require(s, json!({"key": "more", "operator": "DoesNotExist"})));
    "one more requirement of a peer's namespace" => |root, rng| any(root, rng, &peer_namespaces, &|s, _| require(s, json!({"key": "more", "operator": "Exists"})));
    "the subject is all pods" => |root, rng| any(root, rng, &subject, &|s, _| *s != json!({}) && { *s = json!({}); true });
    "another value" => |root, rng| any(root, rng, &labels, &|l, rng| change_label(l, rng, |k, v| (k.to_owned(), format!("{v}x"))));
    "a value in other case" => |root, rng| any(root, rng, &labels, &|l, rng| change_label(l, rng, |k, v| (k.to_owned(), v.to_uppercase())));
    "the empty value" => |root, rng| any(root, rng, &labels, &|l, rng| change_label(l, rng, |k, _| (k.to_owned(), String::new())));
    "another key" => |root, rng| any(root, rng, &labels, &|l, rng| change_label(l, rng, |_, v| ("other-key".to_owned(), v.to_owned())));
    "a value becomes any value" => |root, rng| any(root, rng, &peer_pods, &|s, rng| label_to(s, rng, |k, _| json!({"key": k, "operator": "Exists"})));
    "a value becomes every other one" => |root, rng| any(root, rng, &peer_pods, &|s, rng| label_to(s, rng, |k, v| json!({"key": k, "operator": "NotIn", "values": [v]})));
    "the subject's value becomes any value" => |root, rng| any(root, rng, &subject, &|s, rng| label_to(s, rng, |k, _| json!({"key": k, "operator": "Exists"})));
    "the subject's value becomes every other one" => |root, rng| any(root, rng, &subject, &|s, rng| label_to(s, rng, |k, v| json!({"key": k, "operator": "NotIn", "values": [v]})));
    "a value becomes one of two" => |root, rng| any(root, rng, &subject, &|s, rng| label_to(s, rng, |k, v| json!({"key": k, "operator": "In", "values": [v, "zzz"]})));
    "In to NotIn" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "In") && set(e, "operator", json!("NotIn")));
    "NotIn to In" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "NotIn") && set(e, "operator", json!("In")));
    "Exists to DoesNotExist" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "Exists") && set(e, "operator", json!("DoesNotExist")));
    "DoesNotExist to Exists" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "DoesNotExist") && set(e, "operator", json!("Exists")));
    "In to Exists" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "In") && remove(e, "values") && set(e, "operator", json!("Exists")));
    "NotIn to DoesNotExist" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "NotIn") && remove(e, "values") && set(e, "operator", json!("DoesNotExist")));
    "one value more" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "In") && push(&mut e["values"], json!("zzz")));
    "one excluded value more" => |root, rng| any(root, rng, &expression, &|e, _| operator(e, "NotIn") && push(&mut e["values"], json!("zzz")));
    "one value less" => |root, rng| any(root, rng, &expression, &|e, rng| operator(e, "In") && shorten(&mut e["values"], rng));
    "one excluded value less" => |root, rng| any(root, rng, &expression, &|e, rng| operator(e, "NotIn") && shorten(&mut e["values"], rng));
}
