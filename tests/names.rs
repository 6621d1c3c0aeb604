//! Names of policies: unique, valid, and untouched by flows that are added.

use polder::net::Selector;
use polder::netpol::{Peer, Policy};
use polder::plan::{Layout, plan};
use polder::source::Sources;
use polder::{flow, model, syntax};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Names that make others ambiguous: words that stand between the parts of a name, and names that policies make up.
const NAMES: [&str; 17] = [
    "a",
    "b",
    "to",
    "from",
    "a-to",
    "to-a",
    "b-to-a",
    "a-from-b",
    "all",
    "all-pods",
    "dns",
    "strict-dns",
    "here",
    "pods",
    "program",
    "ingress",
    "dns-ingress",
];

const NAMESPACES: [&str; 5] = ["a", "to", "all", "b-from-a", "kube-system"];

/// Something that can be the end of a flow, as it is written from outside of all namespaces.
fn end() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (0..NAMESPACES.len(), 0..NAMES.len())
            .prop_map(|(namespace, name)| format!("{}/{}", NAMESPACES[namespace], NAMES[name])),
        2 => (0..NAMESPACES.len()).prop_map(|namespace| format!("{}/*", NAMESPACES[namespace])),
        2 => Just("group-of-all".to_owned()),
        1 => Just("cluster".to_owned()),
        1 => Just("outside/to".to_owned()),
        // These are in every namespace, too.
        2 => prop::sample::select(&NAMES[..]).prop_map(|name| format!("dns/{name}")),
    ]
}

#[derive(Debug, Clone)]
struct Program {
    /// Per namespace, whether its tiers are isolated one by one.
    by_tier: [bool; NAMESPACES.len()],
    /// Per namespace, whom it asks: what DNS opens has names, too.
    dns: [&'static str; NAMESPACES.len()],
    flows: Vec<(String, String, u16)>,
}

fn program() -> impl Strategy<Value = Program> {
    let flow = (end(), end(), 1..4u16);
    let dns = prop::sample::select(vec!["cluster", "strict", "kube-system/dns", "kube-system/from", "none"]);
    let dns = prop::array::uniform5(dns);
    (any::<[bool; NAMESPACES.len()]>(), dns, prop::collection::vec(flow, 1..12))
        .prop_map(|(by_tier, dns, flows)| Program { by_tier, dns, flows })
}

impl Program {
    fn text(&self) -> String {
        let mut text = String::from("external namespace outside {\n  tier to\n}\n");
        // Every managed namespace is among these.
        text.push_str("external namespace dns (!outside) {\n");
        for name in NAMES {
            writeln!(text, "  tier {name} (side={name})").unwrap();
        }
        text.push_str("}\n");
        let members: Vec<String> = NAMESPACES.iter().map(|namespace| format!("{namespace}/a")).collect();
        writeln!(text, "group group-of-all = {}", members.join(", ")).unwrap();
        for ((namespace, by_tier), dns) in NAMESPACES.iter().zip(self.by_tier).zip(self.dns) {
            writeln!(text, "namespace {namespace} {{\n  dns {dns}").unwrap();
            if by_tier {
                text.push_str("  isolate ingress for a, to, here, ingress\n  isolate egress for a, from\n");
            }
            for name in NAMES {
                // Every tier has labels of its own, so that no flow covers another one between other tiers.
                writeln!(text, "  tier {name} (app={name}, part=x)").unwrap();
            }
            text.push_str("}\n");
        }
        for (from, to, port) in &self.flows {
            writeln!(text, "{from} -> {to}:{port}").unwrap();
        }
        text
    }

    /// The policies, unless the program has an error, as a flow between pods that nobody manages.
    fn policies(&self, layout: Layout) -> Option<Vec<Policy>> {
        let text = self.text();
        let mut sources = Sources::default();
        let file = sources.add("names.polder", text.as_str());
        let parsed = syntax::parse(&sources, file);
        assert!(parsed.diagnostics.is_empty(), "{:?}\n{text}", parsed.diagnostics);
        let trees = [parsed.tree];
        let resolved = model::resolve(&sources, &trees, &model::Options::default());
        let is_error = |code: &str| code.starts_with('E');
        if resolved.diagnostics.iter().any(|found| is_error(found.code.as_str())) {
            return None;
        }
        Some(plan(&flow::lower(&resolved.model), layout).policies.policies)
    }
}

type Key = (String, String);

/// Whom a policy selects, in which directions, and whom it is about.
type Concern = (Selector, bool, bool, BTreeSet<Peer>);

fn by_name(policies: &[Policy]) -> BTreeMap<Key, Concern> {
    let concern = |policy: &Policy| {
        let rules = policy.ingress.iter().chain(&policy.egress).flatten();
        let peers = rules.flat_map(|rule| rule.peers.iter().cloned()).collect();
        (policy.subject.clone(), policy.ingress.is_some(), policy.egress.is_some(), peers)
    };
    let named: Vec<(Key, Concern)> = policies
        .iter()
        .map(|policy| ((policy.namespace.to_string(), policy.name.to_string()), concern(policy)))
        .collect();
    let count = named.len();
    let all: BTreeMap<Key, Concern> = named.into_iter().collect();
    assert_eq!(all.len(), count, "two policies have one name");
    all
}

/// A DNS-1123 subdomain, short enough for a file's name.
fn is_valid(name: &str) -> bool {
    let label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 250 && name.split('.').all(label)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_flow_that_is_added_renames_nothing(program in program(), left_out in any::<prop::sample::Index>()) {
        let Some(after) = program.policies(Layout::Flow) else { return Ok(()) };
        let after = by_name(&after);
        for (_, name) in after.keys().chain(by_name(&program.policies(Layout::Tier).unwrap()).keys()) {
            prop_assert!(is_valid(name), "{name}");
        }
        let mut before = program.clone();
        before.flows.remove(left_out.index(program.flows.len()));
        let before = by_name(&before.policies(Layout::Flow).unwrap());
        for (name, concern) in &before {
            // A wider flow can take the place of a narrower one; what a name stands for stays the same.
            if let Some(now) = after.get(name) {
                prop_assert_eq!((&now.0, now.1, now.2), (&concern.0, concern.1, concern.2), "{:?}", name);
                prop_assert!(concern.3.is_subset(&now.3) || now.3.is_subset(&concern.3), "{:?}", name);
            }
        }
        let wide = |flow: &(String, String, u16)| {
            [&flow.0, &flow.1].into_iter().any(|end| end.ends_with('*') || end == "cluster" || end == "group-of-all")
        };
        if !program.flows.iter().any(wide) {
            for name in before.keys() {
                prop_assert!(after.contains_key(name), "{:?} is gone", name);
            }
        }
    }
}

/// The longest names that the language has, in another namespace, are cut and stay apart.
#[test]
fn long_names_are_cut_and_stay_apart() {
    let long = |letter: &str| letter.repeat(63);
    let mut text = String::new();
    for namespace in [long("n"), long("m")] {
        writeln!(text, "namespace {namespace} {{\n  isolate ingress for {}\n", long("x")).unwrap();
        for tier in [long("x"), long("y")] {
            writeln!(text, "  tier {tier} (app={tier}, k in (a, b))").unwrap();
        }
        writeln!(text, "  tier {} (k in (b, c))\n}}", long("o")).unwrap();
    }
    for (from, to) in [("y", "x"), ("x", "x")] {
        writeln!(text, "{}/{} -> {}/{}:80", long("m"), long(from), long("n"), long("o")).unwrap();
        writeln!(text, "{}/{} -> {}/{}:81", long("m"), long(from), long("n"), long(to)).unwrap();
    }
    let mut sources = Sources::default();
    let file = sources.add("long.polder", text.as_str());
    let trees = [syntax::parse(&sources, file).tree];
    let resolved = model::resolve(&sources, &trees, &model::Options::default());
    let policies = plan(&flow::lower(&resolved.model), Layout::Flow).policies.policies;
    let named = by_name(&policies);
    assert!(named.keys().all(|(_, name)| is_valid(name)));
    let cut = named.keys().filter(|(_, name)| name.starts_with("allow-o") && name.len() > 240).count();
    assert_eq!(cut, 2, "{:?}", named.keys().collect::<Vec<_>>());
}

/// The names of the policies of a namespace of a program.
fn names_of(text: &str, namespace: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let file = sources.add("names.polder", text);
    let trees = [syntax::parse(&sources, file).tree];
    let resolved = model::resolve(&sources, &trees, &model::Options::default());
    let policies = plan(&flow::lower(&resolved.model), Layout::Flow).policies.policies;
    let own = policies.iter().filter(|policy| &*policy.namespace == namespace);
    own.map(|policy| policy.name.to_string()).collect()
}

/// What Polder calls the DNS pods gives way to a tier of that name.
#[test]
fn the_dns_pods_that_a_tier_isolates_are_not_taken_for_a_tier() {
    let program = |setting: &str, tier: &str| {
        format!(
            "namespace kube-system {{\n  dns none\n  tier {tier} (role=x)\n  tier t (k)\n  isolate ingress for t\n}}\n\
             namespace app {{\n  dns {setting}\n  tier a\n  a -> kube-system/{tier}:80\n}}\n"
        )
    };
    let names = |setting, tier| names_of(&program(setting, tier), "kube-system");
    let deny = "default-deny-ingress-t";
    assert_eq!(names("cluster", "x"), ["allow-dns-ingress-dns.t", "allow-x.t.from.app.a", deny]);
    assert_eq!(
        names("cluster", "dns"),
        ["allow-dns.t.from.app.a", "allow.both.dns-pods.tier.t.dns.ingress", deny],
        "a tier keeps its name"
    );
    assert_eq!(names("strict", "dns"), ["allow-dns-ingress-strict-dns.t", "allow-dns.t.from.app.a", deny]);
    assert_eq!(
        names("strict", "strict-dns"),
        ["allow-strict-dns.t.from.app.a", "allow.both.strict-dns-pods.tier.t.dns.ingress", deny]
    );
}

/// Of a flow and the DNS rule that allow the same, the rule stays.
#[test]
fn a_flow_that_says_what_dns_does_leaves_the_policy_of_dns() {
    let text = "external namespace kube-system {\n  tier kube-dns (k8s-app=kube-dns)\n}\nnamespace app {\n  dns strict\n  \
                * -> kube-system/kube-dns:{53/udp, 53/tcp}\n}\n";
    assert_eq!(names_of(text, "app"), ["allow-dns-egress", "default-deny-all"]);
}
