//! The oracle's evaluator against the truth tables of Kubernetes' own network policy tests: nine pods `a`, `b`, `c` in
//! the namespaces `x`, `y`, `z`, that serve the ports 80 and 81.
//!
//! Each case gives its policies and, for a port, the whole table of who reaches whom; a pod's way to itself is left out.

use crate::oracle::evaluate::{Labels, NAME_LABEL, NamedPort, Party, Pod, PolicySet, Protocol, allowed};
use crate::oracle::read::{documents, policies};
use std::collections::BTreeSet;

use Protocol::{Sctp, Tcp, Udp};

/// The pod that is called `x/a` and the like. Pod and namespace have the label `pod` and `ns` with their name, the pods
/// an address of their own, and port 80 and 81 of each protocol have a name: `serve-80-tcp`.
fn pod(name: &str) -> Pod {
    let (namespace, short) = name.split_once('/').unwrap();
    let label = |key: &str, value: &str| (key.to_string(), value.to_string());
    let place = |text: &str, first: char| text.chars().next().unwrap() as u32 - first as u32;
    let mut ports = Vec::new();
    for protocol in Protocol::ALL {
        for number in [80, 81] {
            ports.push(NamedPort { name: format!("serve-{number}-{protocol}"), protocol, number });
        }
    }
    Pod {
        namespace: namespace.to_string(),
        namespace_labels: Labels::from([label(NAME_LABEL, namespace), label("ns", namespace)]),
        labels: Labels::from([label("pod", short)]),
        ports,
        addresses: vec![format!("10.0.{}.{}", place(namespace, 'x') + 1, place(short, 'a') + 1).parse().unwrap()],
    }
}

fn pods() -> Vec<String> {
    ["x", "y", "z"].iter().flat_map(|n| ["a", "b", "c"].map(|p| format!("{n}/{p}"))).collect()
}

/// A policy `NAME` in namespace `x`, from its spec in flow style.
fn policy(spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: x}}\nspec: {spec}\n"
    )
}

fn set(specs: &[&str]) -> PolicySet {
    let text: Vec<String> = specs.iter().map(|spec| policy(spec)).collect();
    let mut set = policies(&documents(&text.join("---\n")).unwrap()).unwrap();
    // Kubernetes' tests expect blocks to match pods.
    set.blocks.pods = true;
    set
}

/// Judges the whole table: connections that `open` does not want and those that it wants have to be exactly so.
fn table(case: &str, specs: &[&str], port: (Protocol, u16), open: impl Fn(&str, &str) -> bool) {
    let set = set(specs);
    let mut wrong = Vec::new();
    for source in pods() {
        for destination in pods().into_iter().filter(|d| *d != source) {
            let (s, d) = (Party::Pod(pod(&source)), Party::Pod(pod(&destination)));
            if allowed(&set, &s, &d, port.0, port.1) != open(&source, &destination) {
                wrong.push(format!("{source} -> {destination}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{case}: {wrong:?}");
}

/// All connections to `x/a` are closed but those from `sources`; everything else is open.
fn only_from(case: &str, specs: &[&str], port: (Protocol, u16), sources: &[&str]) {
    table(case, specs, port, |s, d| d != "x/a" || sources.contains(&s));
}

fn of(namespace: &str) -> Vec<String> {
    pods().into_iter().filter(|p| p.starts_with(namespace)).collect()
}

const SERVER: &str = "podSelector: {matchLabels: {pod: a}}";

#[test]
fn whole_namespaces() {
    let deny_ingress = "{podSelector: {}, policyTypes: [Ingress]}";
    table("1 default-deny-ingress", &[deny_ingress], (Tcp, 80), |_, d| !d.starts_with('x'));
    table("1 for udp", &[deny_ingress], (Udp, 80), |_, d| !d.starts_with('x'));
    table("1 for sctp", &[deny_ingress], (Sctp, 81), |_, d| !d.starts_with('x'));
    let deny_all = "{podSelector: {}, policyTypes: [Ingress, Egress]}";
    table("2 default-deny-all", &[deny_all], (Tcp, 80), |s, d| !d.starts_with('x') && !s.starts_with('x'));
    let allow = format!("{{{SERVER}, policyTypes: [Ingress], ingress: [{{}}]}}");
    table("4 deny, and allow one", &[deny_ingress, &allow], (Tcp, 80), |_, d| !d.starts_with('x') || d == "x/a");
    let allow_all = "{podSelector: {}, policyTypes: [Ingress], ingress: [{}]}";
    table("16 allow-all", &[allow_all], (Tcp, 80), |_, _| true);
    table("20 deny in its place", &[deny_ingress], (Tcp, 80), |_, d| !d.starts_with('x'));
    table("31 allow-all wins", &[deny_ingress, allow_all], (Tcp, 81), |_, _| true);
    table("33 no policy", &[], (Tcp, 80), |_, _| true);
    let deny_egress = "{podSelector: {}, policyTypes: [Egress]}";
    table("26 deny egress", &[deny_egress], (Tcp, 80), |s, _| !s.starts_with('x'));
    let allow_egress = "{podSelector: {}, policyTypes: [Egress], egress: [{}]}";
    table("32 allow-all egress wins", &[deny_egress, allow_egress], (Tcp, 80), |_, _| true);
    let one = format!("{{{SERVER}, policyTypes: [Egress]}}");
    table("25 deny egress of one", &[&one], (Tcp, 80), |s, _| s != "x/a");
}

#[test]
fn peers() {
    let from = |peers: &str| format!("{{{SERVER}, policyTypes: [Ingress], ingress: [{{from: {peers}}}]}}");
    let case = |name, peers: &str, sources: &[&str]| only_from(name, &[&from(peers)], (Tcp, 80), sources);
    case("3 pod of the namespace", "[{podSelector: {matchLabels: {pod: b}}}]", &["x/b"]);
    case("6 another namespace", "[{namespaceSelector: {matchLabels: {ns: y}}}]", &["y/a", "y/b", "y/c"]);
    let expression = "[{podSelector: {matchExpressions: [{key: pod, operator: In, values: [b]}]}}]";
    case("7 expression on pods", expression, &["x/b"]);
    let expression = "[{namespaceSelector: {matchExpressions: [{key: ns, operator: In, values: [y]}]}}]";
    case("8 expression on namespaces", expression, &["y/a", "y/b", "y/c"]);
    let or = "[{podSelector: {matchLabels: {pod: b}}}, {namespaceSelector: {matchLabels: {ns: y}}}]";
    case("9 pods or namespaces", or, &["x/b", "y/a", "y/b", "y/c"]);
    let and = "[{podSelector: {matchLabels: {pod: b}}, namespaceSelector: {matchLabels: {ns: y}}}]";
    case("10 and 13 pods and namespaces", and, &["y/b"]);
    let several = "[{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}, \
                   podSelector: {matchExpressions: [{key: pod, operator: In, values: [b, c]}]}}]";
    case("11 several selectors", several, &["y/b", "y/c", "z/b", "z/c"]);
    let any = "[{podSelector: {matchLabels: {pod: b}}}, {podSelector: {matchLabels: {pod: c}}}]";
    case("12 two pod selectors", any, &["x/b", "x/c"]);
    case("23 own namespace only", "[{podSelector: {}}]", &["x/b", "x/c"]);
    let name = "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]";
    case("41 the namespace's name", name, &["y/a", "y/b", "y/c"]);
    let all: Vec<String> = pods();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    case("5 all namespaces", "[{namespaceSelector: {}}]", &all);
    case("an empty list of peers", "[]", &all);
    let missing = "[{podSelector: {matchExpressions: [{key: absent, operator: NotIn, values: [b]}]}}]";
    case("NotIn where the key is missing", missing, &["x/b", "x/c"]);
    let missing = "[{podSelector: {matchExpressions: [{key: absent, operator: DoesNotExist}]}}]";
    case("DoesNotExist where the key is missing", missing, &["x/b", "x/c"]);
    case(
        "DoesNotExist where it is not",
        "[{podSelector: {matchExpressions: [{key: pod, operator: DoesNotExist}]}}]",
        &[],
    );
    case("Exists", "[{podSelector: {matchExpressions: [{key: pod, operator: Exists}]}}]", &["x/b", "x/c"]);
    case(
        "In where the key is missing",
        "[{podSelector: {matchExpressions: [{key: absent, operator: In, values: [b]}]}}]",
        &[],
    );
    case("empty value", "[{podSelector: {matchLabels: {absent: ''}}}]", &[]);
}

#[test]
fn labels_that_change() {
    let named =
        "{podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns2: yes}}}]}]}"
            .replace("yes", "'new'");
    let set = set(&[&named]);
    let (mut source, destination) = (pod("y/a"), Party::Pod(pod("x/a")));
    assert!(!allowed(&set, &Party::Pod(source.clone()), &destination, Tcp, 80), "21 before");
    source.namespace_labels.insert("ns2".to_string(), "new".to_string());
    assert!(allowed(&set, &Party::Pod(source), &destination, Tcp, 80), "21 after");

    let subject = self::set(&["{podSelector: {matchLabels: {target: isolated}}, policyTypes: [Ingress]}"]);
    let (source, mut destination) = (Party::Pod(pod("x/b")), pod("x/a"));
    assert!(allowed(&subject, &source, &Party::Pod(destination.clone()), Tcp, 80), "24 before");
    destination.labels.insert("target".to_string(), "isolated".to_string());
    assert!(!allowed(&subject, &source, &Party::Pod(destination), Tcp, 80), "24 after");
}

#[test]
fn ports() {
    let from_y = "from: [{namespaceSelector: {matchLabels: {ns: y}}}]";
    let y: Vec<String> = of("y");
    let y: Vec<&str> = y.iter().map(String::as_str).collect();
    let on = |ports: &str| format!("{{{SERVER}, policyTypes: [Ingress], ingress: [{{{from_y}, ports: {ports}}}]}}");
    let case = |name, ports: &str, port, open: bool| only_from(name, &[&on(ports)], port, if open { &y } else { &[] });
    case("14 port 81", "[{port: 81}]", (Tcp, 81), true);
    case("14 port 80", "[{port: 81}]", (Tcp, 80), false);
    case("18 by name", "[{port: serve-80-tcp}]", (Tcp, 80), true);
    case("18 another port", "[{port: serve-80-tcp}]", (Tcp, 81), false);
    case("a name with the wrong protocol", "[{port: serve-80-tcp, protocol: UDP}]", (Udp, 80), false);
    case("a name that nobody serves", "[{port: nothing}]", (Tcp, 80), false);
    case("30 any port of tcp", "[{protocol: TCP}]", (Tcp, 81), true);
    case("30 udp", "[{protocol: TCP}]", (Udp, 81), false);
    case("an empty item is tcp", "[{}]", (Tcp, 80), true);
    case("an empty item is not udp", "[{}]", (Udp, 80), false);
    case("no items are all ports", "[]", (Sctp, 80), true);
    case("38 sctp is not tcp", "[{port: 81, protocol: SCTP}]", (Tcp, 81), false);
    case("39 sctp isolates", "[{port: 81, protocol: SCTP}]", (Sctp, 81), true);
    case("40 udp is not tcp", "[{port: 81, protocol: UDP}]", (Tcp, 81), false);
    case("a range's start", "[{port: 80, endPort: 81}]", (Tcp, 80), true);
    case("a range's end", "[{port: 80, endPort: 81}]", (Tcp, 81), true);
    case("after a range", "[{port: 79, endPort: 80}]", (Tcp, 81), false);
    let (first, second) = (on("[{port: 81}]"), on("[{port: 80}]"));
    only_from("15 stacked, 81 only", &[&first], (Tcp, 80), &[]);
    only_from("15 stacked, 80 too", &[&first, &second], (Tcp, 80), &y);
    let named = format!("{{{SERVER}, policyTypes: [Ingress], ingress: [{{ports: [{{port: serve-81-tcp}}]}}]}}");
    table("17 a named port, 81", &[&named], (Tcp, 81), |_, _| true);
    only_from("17 a named port, 80", &[&named], (Tcp, 80), &[]);
    let egress = format!("{{{SERVER}, policyTypes: [Egress], egress: [{{ports: [{{port: serve-80-tcp}}]}}]}}");
    table("19 egress on a named port, 80", &[&egress], (Tcp, 80), |_, _| true);
    table("19 egress on a named port, 81", &[&egress], (Tcp, 81), |s, _| s != "x/a");
}

#[test]
fn egress_and_both_sides() {
    let egress = |peers: &str| format!("{{{SERVER}, policyTypes: [Egress], egress: [{{to: {peers}}}]}}");
    let both = format!(
        "{{{SERVER}, policyTypes: [Ingress, Egress], ingress: [{{from: [{{podSelector: {{matchLabels: {{pod: b}}}}}}]}}], \
         egress: [{{ports: [{{port: 81}}]}}]}}"
    );
    table("27 both, 80", &[&both], (Tcp, 80), |s, d| s != "x/a" && (d != "x/a" || s == "x/b"));
    table("27 both, 81", &[&both], (Tcp, 81), |s, d| d != "x/a" || s == "x/b");
    let server = format!("{{{SERVER}, policyTypes: [Ingress], ingress: [{{}}]}}");
    let client = "{podSelector: {matchLabels: {pod: b}}, policyTypes: [Egress]}";
    table("28 the client may not", &[&server, client], (Tcp, 80), |s, _| s != "x/b");
    let there = egress("[{namespaceSelector: {matchLabels: {ns: y}}, podSelector: {matchLabels: {pod: a}}}]");
    table("29 to one pod of another namespace", &[&there], (Tcp, 80), |s, d| s != "x/a" || d == "y/a");
    let split = egress("[{namespaceSelector: {matchLabels: {ns: y}}}, {podSelector: {matchLabels: {pod: b}}}]");
    table("two items are a union", &[&split], (Tcp, 80), |s, d| s != "x/a" || d.starts_with('y') || d == "x/b");
    let name = egress(
        "[{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}}]",
    );
    table("42 not this namespace", &[&name], (Tcp, 80), |s, d| s != "x/a" || !d.starts_with('x'));
    let ingress = format!("{{{SERVER}, policyTypes: [Ingress]}}");
    let egress_all = format!("{{{SERVER}, policyTypes: [Egress], egress: [{{}}]}}");
    table("37 a policy for each direction", &[&ingress, &egress_all], (Tcp, 80), |_, d| d != "x/a");
}

#[test]
fn policy_types() {
    let egress_rule = format!("{{{SERVER}, egress: [{{}}]}}");
    table("egress rules isolate ingress too", &[&egress_rule], (Tcp, 80), |_, d| d != "x/a");
    let ingress_rule = format!("{{{SERVER}, ingress: [{{}}]}}");
    table("ingress rules leave egress alone", &[&ingress_rule], (Tcp, 80), |_, _| true);
    let nothing = format!("{{{SERVER}}}");
    table("nothing denies ingress only", &[&nothing], (Tcp, 80), |_, d| d != "x/a");
    let empty = format!("{{{SERVER}, egress: []}}");
    table("an empty egress list is none", &[&empty], (Tcp, 80), |_, d| d != "x/a");
    let inert = format!("{{{SERVER}, policyTypes: [Egress], ingress: [{{}}]}}");
    table("rules of an unlisted direction are inert", &[&inert], (Tcp, 80), |s, _| s != "x/a");
    for everybody in ["{policyTypes: [Ingress]}", "{podSelector: null, policyTypes: [Ingress]}"] {
        table("a missing subject is every pod", &[everybody], (Tcp, 80), |_, d| !d.starts_with('x'));
    }
}

#[test]
fn address_blocks() {
    let egress = |peers: &str| format!("{{{SERVER}, policyTypes: [Egress], egress: [{{to: {peers}}}]}}");
    // y/b is 10.0.2.2.
    let block = egress("[{ipBlock: {cidr: 10.0.2.2/32}}]");
    table("34 one address", &[&block], (Tcp, 80), |s, d| s != "x/a" || d == "y/b");
    let except = egress("[{ipBlock: {cidr: 10.0.2.0/24, except: [10.0.2.2/32]}}]");
    table("35 all but one", &[&except], (Tcp, 80), |s, d| s != "x/a" || d == "y/a" || d == "y/c");
    table("36 and back again", &[&except, &block], (Tcp, 80), |s, d| s != "x/a" || d.starts_with('y'));
    let both = egress("[{ipBlock: {cidr: 10.0.2.0/24, except: [10.0.2.2/32]}}, {ipBlock: {cidr: 10.0.2.2/32}}]");
    table("an exclusion concerns its own peer", &[&both], (Tcp, 80), |s, d| s != "x/a" || d.starts_with('y'));

    let mut set = set(&[&block]);
    set.blocks.pods = false;
    let (source, destination) = (Party::Pod(pod("x/a")), Party::Pod(pod("y/b")));
    assert!(!allowed(&set, &source, &destination, Tcp, 80), "a block that does not match pods");
    let address = |text: &str| Party::Address(text.parse().unwrap());
    assert!(allowed(&set, &source, &address("10.0.2.2"), Tcp, 80));
    assert!(!allowed(&set, &source, &address("10.0.2.3"), Tcp, 80));
    assert!(allowed(&set, &address("10.0.2.3"), &source, Tcp, 80), "x/a is not isolated for ingress");
}

#[test]
fn families_names_and_the_outside() {
    let address = |text: &str| Party::Address(text.parse().unwrap());
    let server = Party::Pod(pod("x/a"));
    let judge = |rule: &str, peer: &str| {
        let set = set(&[&format!(
            "{{{SERVER}, policyTypes: [Ingress, Egress], ingress: [{rule}], egress: [{}]}}",
            rule.replace("from", "to")
        )]);
        let seen: BTreeSet<bool> =
            [allowed(&set, &address(peer), &server, Tcp, 80), allowed(&set, &server, &address(peer), Tcp, 80)].into();
        assert_eq!(seen.len(), 1, "{rule} reads alike in both directions");
        seen.contains(&true)
    };
    let v4 = "{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}";
    assert!(judge(v4, "9.255.255.255") && judge(v4, "11.0.0.0"));
    assert!(!judge(v4, "10.0.0.0") && !judge(v4, "10.255.255.255"));
    assert!(!judge(v4, "2001:db8::1"), "a block has one family");
    let v6 = "{from: [{ipBlock: {cidr: '2001:db8::/32', except: ['2001:db8:1::/48']}}]}";
    assert!(judge(v6, "2001:db8::1") && !judge(v6, "2001:db8:1::1") && !judge(v6, "192.0.2.1"));
    assert!(judge("{}", "2001:db8::1"), "an empty rule is for everybody");
    assert!(!judge("{from: [{namespaceSelector: {}}]}", "192.0.2.1"), "every pod is no address");
    let named = set(&[&format!("{{{SERVER}, policyTypes: [Egress], egress: [{{ports: [{{port: serve-80-tcp}}]}}]}}")]);
    assert!(!allowed(&named, &server, &address("192.0.2.1"), Tcp, 80), "an address has no port names");
}
