//! What is missing about namespaces and addresses, asked about in many ways: the answers stay exact, what they cost is
//! counted, and when that would be too much it is said.

use crate::engine::concrete::Blocks;
use crate::engine::read;
use polder::cluster::{Cluster, Kind, Labels, Pods, Workload};
use polder::engine::{EndId, Engine, Scope, Verdict, World};
use polder::net::{PortSet, Protocol, Truth};

/// One pod in each namespace; of the namespaces nothing is known but their names.
fn cluster(namespaces: &[&str]) -> Cluster {
    let workload = |namespace: &&str| {
        let pods = Pods {
            labels: Labels::new(),
            ports: Vec::new(),
            count: 1,
            several: true,
            host_network: false,
            finished: false,
            addresses: Vec::new(),
            seen: Vec::new(),
            span: None,
        };
        Workload {
            namespace: (*namespace).into(),
            name: "pod".into(),
            kind: Kind::Deployment,
            labels: Labels::new(),
            selector: Labels::new(),
            pods: vec![pods],
            first_number: 0,
            span: None,
        }
    };
    Cluster { workloads: namespaces.iter().map(workload).collect(), ..Cluster::default() }
}

/// A policy for all pods of `namespace` with the items of `from` or `to`, each with a port of its own unless that is given.
fn policy(namespace: &str, direction: &str, peers: &[String], port: Option<u16>) -> String {
    let (list, word) = if direction == "Egress" { ("egress", "to") } else { ("ingress", "from") };
    let mut text = format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {list}, namespace: {namespace}}}\n\
         spec:\n  podSelector: {{}}\n  policyTypes: [{direction}]\n  {list}:\n"
    );
    for (index, peer) in (1000_u16..).zip(peers) {
        text += &format!("  - {{{word}: [{peer}], ports: [{{port: {}}}]}}\n", port.unwrap_or(index));
    }
    text
}

fn labelled(labels: &str) -> String {
    format!("{{namespaceSelector: {{matchLabels: {{{labels}}}}}}}")
}

fn expression(key: &str, operator: &str) -> String {
    format!("{{namespaceSelector: {{matchExpressions: [{{key: {key}, operator: {operator}}}]}}}}")
}

/// `k0: v`, `k1: v` and so on, each in a selector of its own.
fn keys(count: usize) -> Vec<String> {
    (0..count).map(|key| labelled(&format!("k{key}: v"))).collect()
}

struct Asked {
    verdict: Verdict,
    steps: usize,
    given_up: bool,
}

/// From the pod of the first namespace to that of the last.
fn ask(text: &str, namespaces: &[&str], pods: Truth) -> Asked {
    let (policies, _) = read(text);
    let sets = [&policies[..]];
    let facts = Blocks { pods, addresses: None }.facts();
    let world =
        World::concrete(&Scope { policies: &sets, of_cluster: &[], marks: &[], facts: &facts }, &cluster(namespaces));
    let engine = Engine::new(&world, &policies);
    let pods = world.ids().filter(|id| world.pods(*id).is_some()).collect::<Vec<EndId>>();
    let verdict = engine.between(pods[0], pods[pods.len() - 1]);
    Asked { verdict, steps: engine.steps(), given_up: engine.has_given_up() }
}

/// Ports from `low` on, each by itself.
fn ports(low: u16, count: u16) -> PortSet {
    let one = |port| PortSet::number(Protocol::Tcp, port);
    (low + 1..low + count).fold(one(low), |all, port| all.union(&one(port)))
}

#[test]
fn rules_for_labels_that_nobody_knows_are_no_product() {
    let between = |count: usize| {
        let text = policy("a", "Egress", &keys(count), None) + &policy("b", "Ingress", &keys(count), None);
        ask(&text, &["a", "b"], Truth::No)
    };
    let twelve = between(12);
    assert_eq!(twelve.verdict, Verdict { allowed: PortSet::empty(), unknown: ports(1000, 12) });
    assert!(!twelve.given_up && twelve.steps < 500, "{}", twelve.steps);
    let (some, more) = (between(50).steps, between(100).steps);
    assert!(more <= 5 * some, "a square at most: {some} and {more}");
}

#[test]
fn both_sides_may_ask_about_one_namespace() {
    let selectors = keys(12);
    let text = policy("a", "Egress", &selectors, Some(80)) + &policy("a", "Ingress", &selectors, None);
    let asked = ask(&text, &["a"], Truth::No);
    // Port 80 by any of them, the others by their own: nothing is on both sides.
    assert_eq!(asked.verdict, Verdict::default());
    let text = policy("a", "Egress", &selectors, None) + &policy("a", "Ingress", &selectors, None);
    let asked = ask(&text, &["a"], Truth::No);
    assert_eq!(asked.verdict, Verdict { allowed: PortSet::empty(), unknown: ports(1000, 12) });
    assert!(!asked.given_up && asked.steps < 1000, "{}", asked.steps);
    // Never both.
    let [yes, no] = ["Exists", "DoesNotExist"].map(|operator| [expression("team", operator)]);
    let text = policy("a", "Egress", &yes, Some(80)) + &policy("a", "Ingress", &no, Some(80));
    assert_eq!(ask(&text, &["a"], Truth::No).verdict, Verdict::default());
}

#[test]
fn rules_may_let_everybody_through_together() {
    let mut selectors = keys(40);
    selectors.insert(7, expression("k9", "Exists"));
    selectors.push(expression("k9", "DoesNotExist"));
    let text = policy("a", "Egress", &selectors, Some(80));
    let asked = ask(&text, &["a", "b"], Truth::No);
    assert_eq!(asked.verdict, Verdict { allowed: ports(80, 1), unknown: PortSet::empty() });
    assert!(!asked.given_up);
    // Without the last one somebody is left.
    let text = policy("a", "Egress", &selectors[..41], Some(80));
    let asked = ask(&text, &["a", "b"], Truth::No);
    assert_eq!(asked.verdict, Verdict { allowed: PortSet::empty(), unknown: ports(80, 1) });
    assert!(!asked.given_up);
}

/// Selectors that let everybody through, which nobody can see at a glance: that a namespace has none of the labels of one
/// of `holes + 1` pigeons, or two pigeons have the same hole.
fn pigeons(holes: usize) -> Vec<String> {
    let selector =
        |expressions: Vec<String>| format!("{{namespaceSelector: {{matchExpressions: [{}]}}}}", expressions.join(", "));
    let sits = |pigeon: usize, hole: usize, operator: &str| format!("{{key: p{pigeon}-{hole}, operator: {operator}}}");
    let mut all: Vec<String> = (0..=holes)
        .map(|pigeon| selector((0..holes).map(|hole| sits(pigeon, hole, "DoesNotExist")).collect()))
        .collect();
    for hole in 0..holes {
        for one in 0..=holes {
            let both = |other| selector(vec![sits(one, hole, "Exists"), sits(other, hole, "Exists")]);
            all.extend((0..one).map(both));
        }
    }
    all
}

#[test]
fn a_hard_question_is_given_up_and_that_is_noted() {
    let asked = |holes: usize| ask(&policy("a", "Egress", &pigeons(holes), Some(80)), &["a", "b"], Truth::No);
    let easy = asked(2);
    assert_eq!(easy.verdict, Verdict { allowed: ports(80, 1), unknown: PortSet::empty() });
    assert!(!easy.given_up);
    let hard = asked(6);
    assert_eq!(hard.verdict, Verdict { allowed: PortSet::empty(), unknown: ports(80, 1) }, "less exact, and not wrong");
    assert!(hard.given_up && hard.steps <= 50_000, "{}", hard.steps);
}

#[test]
fn addresses_that_nobody_knows_are_looked_at_in_pairs() {
    let blocks = |count: usize| -> Vec<String> {
        (0..count).map(|block| format!("{{ipBlock: {{cidr: 10.0.{block}.0/24}}}}")).collect()
    };
    let between = |count: usize| {
        let text = policy("a", "Egress", &blocks(count), None) + &policy("b", "Ingress", &blocks(count), None);
        ask(&text, &["a", "b"], Truth::Yes)
    };
    let some = between(40);
    assert_eq!(some.verdict, Verdict { allowed: PortSet::empty(), unknown: ports(1000, 40) });
    assert!(!some.given_up && some.steps >= 40 * 40, "each pair: {}", some.steps);
    let many = between(50);
    assert_eq!(many.verdict.unknown, ports(1000, 50));
    assert!(many.given_up && many.steps == 0, "it is known before the first: {}", many.steps);
}
