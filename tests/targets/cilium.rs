//! What is written for Cilium, read and judged by a reader of its own: Kubernetes' rules for the one kind, those of
//! `pkg/policy/api` of cilium/cilium for the other.

use super::cases::session;
use crate::oracle::rng::Rng;
use polder::diag::{Levels, Severity};
use polder::model::Target;
use polder::prove;
use polder::target::network_policy::grants;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End<'a> {
    /// A pod of a namespace with this value of `app`.
    Pod(&'a str, &'a str),
    Address(IpAddr),
    Name(&'a str),
    Entity(&'a str),
}

pub(super) const ENDS: [End<'_>; 16] = [
    End::Pod("shop", "web"),
    End::Pod("shop", "api"),
    End::Pod("data", "db"),
    End::Pod("other", "web"),
    End::Pod("kube-system", "dns"),
    End::Address(OFFICE),
    End::Address(v4(203, 0, 113, 9)),
    End::Address(v4(192, 0, 2, 1)),
    End::Name("github.com"),
    End::Name("api.github.com"),
    End::Name("raw.githubusercontent.com"),
    End::Name("a.b.example.com"),
    End::Entity("host"),
    End::Entity("remote-node"),
    End::Entity("kube-apiserver"),
    End::Entity("health"),
];

/// One of the program's own addresses.
const OFFICE: IpAddr = v4(10, 20, 0, 7);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

pub(super) const PORTS: [u64; 5] = [53, 80, 443, 6443, 8080];

fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|document| serde_yaml::from_str(document).unwrap()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn labels(end: End<'_>) -> Option<BTreeMap<String, String>> {
    let End::Pod(namespace, app) = end else { return None };
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut all = BTreeMap::from([label("app", app), label("k8s:io.kubernetes.pod.namespace", namespace)]);
    if namespace == "kube-system" {
        all.insert("k8s-app".to_owned(), "kube-dns".to_owned());
    }
    Some(all)
}

fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut equal = equal.map(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    let mut others = list(&selector["matchExpressions"]).iter().map(|one| {
        let value = labels.get(one["key"].as_str().unwrap());
        let listed = value.is_some_and(|value| list(&one["values"]).iter().any(|known| known == value.as_str()));
        match one["operator"].as_str().unwrap() {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            other => panic!("{other}"),
        }
    });
    equal.all(|is| is) && others.all(|is| is)
}

fn in_block(block: &Value, end: End<'_>) -> bool {
    let End::Address(address) = end else { return false };
    let inside = |text: &Value| text.as_str().unwrap().parse::<ipnet::IpNet>().unwrap().contains(&address);
    inside(&block["cidr"]) && !list(&block["except"]).iter().any(inside)
}

fn has_port(number: u64, low: &Value, high: &Value) -> bool {
    let low = low.as_u64().or_else(|| low.as_str().and_then(|text| text.parse().ok()));
    match (low, high.as_u64()) {
        (None | Some(0), _) => true,
        (Some(low), None) => low == number,
        (Some(low), Some(high)) => (low..=high).contains(&number),
    }
}

/// Whether a policy in `namespace` selects a pod and has this direction.
fn selects_for(policy: &Value, end: End<'_>, direction: &str) -> bool {
    let End::Pod(namespace, _) = end else { return false };
    if policy["metadata"]["namespace"] != namespace {
        return false;
    }
    let (labels, spec) = (labels(end).unwrap(), &policy["spec"]);
    match policy["kind"].as_str().unwrap() {
        "NetworkPolicy" => {
            let word = if direction == "ingress" { "Ingress" } else { "Egress" };
            list(&spec["policyTypes"]).iter().any(|one| one == word) && selects(&spec["podSelector"], &labels)
        }
        "CiliumNetworkPolicy" => !spec[direction].is_null() && selects(&spec["endpointSelector"], &labels),
        other => panic!("{other}"),
    }
}

fn rule_allows(policy: &Value, rule: &Value, direction: &str, peer: End<'_>, port: (u64, &str)) -> bool {
    let side = if direction == "ingress" { "from" } else { "to" };
    let own = policy["metadata"]["namespace"].as_str().unwrap();
    let (port, protocol) = port;
    if policy["kind"] == "NetworkPolicy" {
        let home = match peer {
            End::Pod(namespace, _) => namespace,
            End::Address(_) | End::Name(_) | End::Entity(_) => "",
        };
        let is_peer = |one: &Value| match one["ipBlock"].is_null() {
            false => in_block(&one["ipBlock"], peer),
            true => labels(peer).is_some_and(|labels| {
                let of_home = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), home.to_owned())]);
                let there = match one["namespaceSelector"].is_null() {
                    true => home == own,
                    false => selects(&one["namespaceSelector"], &of_home),
                };
                there && selects(&one["podSelector"], &labels)
            }),
        };
        let peers = list(&rule[side]);
        let ports = list(&rule["ports"]);
        return (peers.is_empty() || peers.iter().any(is_peer))
            && (ports.is_empty()
                || ports
                    .iter()
                    .any(|one| one["protocol"] == protocol && has_port(port, &one["port"], &one["endPort"])));
    }
    let fields = rule.as_object().unwrap();
    assert!(fields.keys().filter(|key| *key != "toPorts").count() <= 1, "two kinds of peers are refused: {rule}");
    let endpoint = |one: &Value| {
        labels(peer).is_some_and(|labels| {
            let names_home = one.to_string().contains("io.kubernetes.pod.namespace");
            let at_home = labels["k8s:io.kubernetes.pod.namespace"] == own;
            (names_home || at_home) && selects(one, &labels)
        })
    };
    let name = |one: &Value| {
        let End::Name(asked) = peer else { return false };
        match (one["matchName"].as_str(), one["matchPattern"].as_str()) {
            (Some(name), None) => name == asked,
            (None, Some(pattern)) => {
                let (deep, suffix) = match pattern.strip_prefix("**.") {
                    Some(suffix) => (true, suffix),
                    None => (false, pattern.strip_prefix("*.").unwrap()),
                };
                let before = asked.strip_suffix(suffix).and_then(|before| before.strip_suffix('.'));
                before.is_some_and(|before| deep || !before.contains('.'))
            }
            _ => panic!("{one}"),
        }
    };
    let entity = |one: &Value| matches!(peer, End::Entity(word) if one == word) || one == "all";
    let of = |what: &str| list(&rule[format!("{side}{what}")]);
    let anyone = fields.keys().all(|key| key == "toPorts") && !fields.is_empty();
    let is_peer = anyone
        || of("Endpoints").iter().any(endpoint)
        || of("CIDRSet").iter().any(|block| in_block(block, peer))
        || of("Entities").iter().any(entity)
        || list(&rule["toFQDNs"]).iter().any(name);
    let items = list(&rule["toPorts"]);
    assert!(items.iter().all(|item| list(&item["ports"]).len() <= 40));
    let ports = items.iter().flat_map(|item| list(&item["ports"]));
    let is_port = |one: &Value| {
        (one["protocol"] == protocol || one["protocol"] == "ANY") && has_port(port, &one["port"], &one["endPort"])
    };
    is_peer && (items.is_empty() || ports.into_iter().any(is_port))
}

pub(super) fn side_allows(
    policies: &[Value],
    direction: &str,
    subject: End<'_>,
    peer: End<'_>,
    port: (u64, &str),
) -> bool {
    let selecting: Vec<&Value> = policies.iter().filter(|policy| selects_for(policy, subject, direction)).collect();
    let rules = |policy: &Value| list(&policy["spec"][direction]).to_vec();
    let allows = |policy: &&Value| rules(policy).iter().any(|rule| rule_allows(policy, rule, direction, peer, port));
    selecting.is_empty() || selecting.iter().any(allows)
}

fn allows(policies: &[Value], source: End<'_>, destination: End<'_>, port: u64) -> bool {
    side_allows(policies, "egress", source, destination, (port, "TCP"))
        && side_allows(policies, "ingress", destination, source, (port, "TCP"))
}

/// An endpoint of the program, and which of the ends it is.
fn meant(endpoint: &str, end: End<'_>) -> bool {
    match (endpoint, end) {
        ("shop/web", End::Pod("shop", "web"))
        | ("shop/api", End::Pod("shop", "api"))
        | ("data/db", End::Pod("data", "db"))
        | ("shop/*", End::Pod("shop", _))
        | ("cluster", End::Pod(..))
        | ("anywhere", _)
        | ("apiserver", End::Entity("kube-apiserver"))
        | ("nodes", End::Entity("host" | "remote-node"))
        | ("hub", End::Name("github.com" | "raw.githubusercontent.com"))
        | ("deep", End::Name("a.b.example.com"))
        | ("office", End::Address(OFFICE)) => true,
        ("mixed", end) => ["shop/api", "hub", "office", "apiserver"].into_iter().any(|one| meant(one, end)),
        _ => false,
    }
}

pub(super) struct Flow {
    source: &'static str,
    destination: &'static str,
    port: u64,
}

/// A program of random flows, and these.
pub(super) fn program(rng: &mut Rng) -> (String, Vec<Flow>, bool) {
    const PODS: [&str; 4] = ["shop/web", "shop/api", "data/db", "shop/*"];
    const OTHERS: [&str; 8] = ["apiserver", "nodes", "hub", "deep", "office", "mixed", "cluster", "anywhere"];
    let mut flows = Vec::new();
    for _ in 0..rng.between(1, 8) {
        let pods = *rng.pick(&PODS);
        let any: Vec<&str> = PODS.into_iter().chain(OTHERS).collect();
        let other = *rng.pick(&any);
        let is_name = matches!(other, "hub" | "deep" | "mixed");
        let (source, destination) = if rng.chance(30) && !is_name { (other, pods) } else { (pods, other) };
        flows.push(Flow { source, destination, port: *rng.pick(&PORTS) });
    }
    // An end that is named twice over would only be told about.
    let mut known = BTreeSet::new();
    flows.retain(|flow| known.insert((flow.source, flow.destination, flow.port)));
    let half = rng.chance(20);
    let mut text = "platform {\n  cni cilium 1.20\n}\n\nfqdn hub = github.com, *.githubusercontent.com\nfqdn deep = **.example.com\n\
                    cidr office = 10.20.0.0/16 except 10.20.9.0/24\ngroup mixed = shop/api, hub, office, apiserver\n\n"
        .to_owned();
    let isolate = if half { "  isolate egress\n" } else { "" };
    text += &format!("namespace shop {{\n{isolate}  tier web\n  tier api\n}}\n\nnamespace data {{\n  tier db\n}}\n\n");
    for Flow { source, destination, port } in &flows {
        text += &format!("{source} -> {destination}:{port}/tcp\n");
    }
    (text, flows, half)
}

#[test]
fn what_is_written_lets_through_what_the_flows_say() {
    let (mut built, mut both) = (0, [0; 2]);
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let (text, flows, half) = program(&mut rng);
        let session = session(&text, Target::Cilium);
        let Some(output) = session.output() else {
            let reports = session.reports(&Levels::default());
            let errors: Vec<String> = reports
                .iter()
                .filter(|report| report.severity == Severity::Error)
                .map(|report| format!("{}: {}", report.diagnostic.code, report.diagnostic.message))
                .collect();
            // Two ends that both hold addresses are no flow, and neither is one into a namespace of nobody.
            let known = |error: &String| ["E0211", "E0210"].iter().any(|code| error.starts_with(code));
            assert!(errors.iter().all(known), "{errors:?}\n{text}");
            continue;
        };
        built += 1;
        let text_of: String = output.stream().collect();
        let policies = documents(&text_of);
        both[usize::from(policies.iter().any(|policy| policy["kind"] == "CiliumNetworkPolicy"))] += 1;
        for source in ENDS {
            for destination in ENDS {
                for port in PORTS {
                    let pods = [source, destination].map(|end| matches!(end, End::Pod(..)));
                    if pods == [false, false] || source == destination || matches!(source, End::Name(_)) {
                        continue;
                    }
                    let managed = |end: End<'_>| matches!(end, End::Pod("shop" | "data", _));
                    let by_flow = flows.iter().any(|flow| {
                        meant(flow.source, source) && meant(flow.destination, destination) && flow.port == port
                    });
                    let asks_dns = managed(source) && destination == End::Pod("kube-system", "dns") && port == 53;
                    // Shop's ingress is open where only its egress is isolated.
                    let open = |end: End<'_>, direction: &str| match end {
                        End::Pod("shop", _) => half && direction == "ingress",
                        End::Pod("data", _) => false,
                        _ => true,
                    };
                    let expected =
                        (open(source, "egress") || by_flow || asks_dns) && (open(destination, "ingress") || by_flow);
                    let found = allows(&policies, source, destination, port);
                    assert_eq!(found, expected, "{source:?} -> {destination:?}:{port}\n{text}\n{text_of}");
                }
            }
        }
    }
    assert!(built > 100 && both[1] > 60, "{built} {both:?}");
}

/// Everything that can be taken out of a document at one place of a list.
fn without_one(document: &Value) -> Vec<Value> {
    fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    path.push(key.clone());
                    walk(value, path, found);
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push(at.to_string());
                    found.push(path.clone());
                    walk(item, path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    walk(&document["spec"], &mut vec!["spec".to_owned()], &mut places);
    let without = |place: &Vec<String>| {
        let mut changed = document.clone();
        let (last, parents) = place.split_last().unwrap();
        let list = parents.iter().fold(&mut changed, |value, step| match step.parse::<usize>() {
            Ok(at) => &mut value[at],
            Err(_) => &mut value[step.as_str()],
        });
        list.as_array_mut().unwrap().remove(last.parse::<usize>().unwrap());
        changed
    };
    places.iter().map(without).collect()
}

#[test]
fn whatever_is_taken_out_of_what_is_written_is_missed_by_the_proof() {
    let mut refused = 0;
    for seed in 1_000..1_016 {
        let (text, ..) = program(&mut Rng::new(seed));
        let session = session(&text, Target::Cilium);
        let (Some(flows), Some(output)) = (session.flows(), session.output()) else { continue };
        let text_of: String = output.stream().collect();
        let policies = documents(&text_of);
        let proved = |policies: &[Value]| {
            let texts: Vec<String> = policies.iter().map(Value::to_string).collect();
            let granted = grants(flows, texts.iter().map(String::as_str));
            granted.and_then(|granted| prove::prove(flows, &granted).map_err(|found| found.to_string()))
        };
        assert_eq!(proved(&policies), Ok(()), "{text}");
        for (at, policy) in policies.iter().enumerate().filter(|(_, one)| one["kind"] == "CiliumNetworkPolicy") {
            let mut fewer = policies.clone();
            fewer.remove(at);
            let changes = std::iter::once(fewer).chain(without_one(policy).into_iter().map(|changed| {
                let mut all = policies.clone();
                all[at] = changed;
                all
            }));
            for changed in changes {
                // What still lets the same through, and still learns all names, is no mistake.
                let same = ENDS.into_iter().all(|source| {
                    ENDS.into_iter().all(|destination| {
                        PORTS.into_iter().all(|port| {
                            allows(&policies, source, destination, port) == allows(&changed, source, destination, port)
                        })
                    })
                });
                match proved(&changed) {
                    Err(_) => refused += 1,
                    Ok(()) => assert!(same, "{text}\n{}", Value::Array(changed)),
                }
            }
        }
    }
    assert!(refused > 80, "only {refused} changes were refused");
}
