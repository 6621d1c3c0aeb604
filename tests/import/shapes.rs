//! Policies that nobody would write, of about so many bytes each: much of one thing, or of what goes with everything.

use std::fmt::Write as _;

/// Makes one of about so many bytes.
pub(super) type Shape = fn(usize) -> String;

/// All of them.
pub(super) const SHAPES: &[(&str, Shape)] = &[
    ("same-pods", same_pods),
    ("keys-in-a-chain", keys_in_a_chain),
    ("absent-keys", absent_keys),
    ("huge-selectors", huge_selectors),
    ("huge-peers", huge_peers),
    ("mixed-expressions", mixed_expressions),
    ("exists-of-two", exists_of_two),
    ("listed-values", listed_values),
    ("excluded-values", excluded_values),
    ("peers-by-expressions", peers_by_expressions),
    ("rules-of-one-policy", rules_of_one_policy),
    ("ranges", ranges),
    ("named-ports", named_ports),
    ("blocks", blocks),
    ("blocks-with-exceptions", blocks_with_exceptions),
    ("exceptions-of-one-block", exceptions_of_one_block),
    ("namespaces", namespaces),
    ("namespaces-for-everybody", namespaces_for_everybody),
    ("namespaces-by-labels", namespaces_by_labels),
    ("excluded-namespaces", excluded_namespaces),
    ("grid", grid),
    ("nearly-covered", nearly_covered),
    ("peers-and-ports", peers_and_ports),
    ("comments", comments),
    ("broken-documents", broken_documents),
    ("descriptions", descriptions),
    ("workloads", workloads),
    ("workloads-by-labels", workloads_by_labels),
];

/// As many documents as fit.
pub(super) fn fill(bytes: usize, mut next: impl FnMut(usize) -> String) -> String {
    let mut text = String::with_capacity(bytes + 1000);
    let mut at = 0;
    while text.len() < bytes {
        text.push_str(&next(at));
        at += 1;
    }
    text
}

/// A list of about so many bytes.
pub(super) fn list(bytes: usize, mut item: impl FnMut(usize) -> String) -> String {
    let mut text = String::with_capacity(bytes + 100);
    let mut at = 0;
    while text.len() < bytes {
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(&item(at));
        at += 1;
    }
    text
}

pub(super) fn policy_in(namespace: &str, at: usize, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{at}, namespace: {namespace}}}\nspec: {{{spec}}}\n---\n"
    )
}

pub(super) fn policy(at: usize, spec: &str) -> String {
    policy_in("shop", at, spec)
}

/// One policy with rules of about so many bytes.
fn one_policy(bytes: usize, rule: impl FnMut(usize) -> String) -> String {
    policy(0, &format!("podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{}]", list(bytes, rule)))
}

fn same_pods(bytes: usize) -> String {
    fill(bytes, |at| {
        policy(
            at,
            &format!(
                "podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: c{at}}}}}}}]}}]"
            ),
        )
    })
}

fn keys_in_a_chain(bytes: usize) -> String {
    fill(bytes, |at| {
        policy(
            at,
            &format!(
                "podSelector: {{matchLabels: {{k{at}: v}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{k{}: v}}}}}}]}}]",
                at + 1
            ),
        )
    })
}

fn absent_keys(bytes: usize) -> String {
    fill(bytes, |at| {
        policy(
            at,
            &format!(
                "podSelector: {{matchExpressions: [{{key: k{at}, operator: DoesNotExist}}]}}, ingress: [{{ports: [{{port: {}}}]}}]",
                at % 60_000 + 1
            ),
        )
    })
}

fn huge_selectors(bytes: usize) -> String {
    fill(bytes, |at| {
        let labels = list(bytes / 20, |key| format!("k{key}: v"));
        policy(
            at,
            &format!(
                "podSelector: {{matchLabels: {{{labels}, own{at}: v}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: c{at}}}}}}}]}}]"
            ),
        )
    })
}

fn huge_peers(bytes: usize) -> String {
    fill(bytes, |at| {
        let labels = list(bytes / 40, |key| format!("k{key}: v"));
        policy(
            at,
            &format!(
                "podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{{from: [{{podSelector: {{matchLabels: {{{labels}, own{at}: v}}}}}}]}}]"
            ),
        )
    })
}

fn mixed_expressions(bytes: usize) -> String {
    const OPERATORS: [&str; 4] = [
        "operator: Exists",
        "operator: DoesNotExist",
        "operator: In, values: [a, b]",
        "operator: NotIn, values: [a, b]",
    ];
    fill(bytes, |at| {
        let of = |more: usize, count: usize| -> String {
            let one = |key: usize| {
                let operator = OPERATORS.get((at * 7 + key * 3 + more) % 4).copied().unwrap_or_default();
                format!("{{key: k{}, {operator}}}", (at * 13 + key * 5 + more) % 40)
            };
            (0..count).map(one).collect::<Vec<_>>().join(", ")
        };
        policy(
            at,
            &format!(
                "podSelector: {{matchExpressions: [{}]}}, policyTypes: [Ingress, Egress], ingress: [{{from: [{{podSelector: \
                 {{matchExpressions: [{}]}}}}]}}]",
                of(0, 3),
                of(1, 3)
            ),
        )
    })
}

fn exists_of_two(bytes: usize) -> String {
    fill(bytes, |at| {
        let (one, two) = (at % 300, at / 300 % 300);
        policy(
            at,
            &format!(
                "podSelector: {{matchExpressions: [{{key: a{one}, operator: Exists}}, {{key: b{two}, operator: DoesNotExist}}]}}, \
                 policyTypes: [Ingress, Egress], egress: [{{to: [{{podSelector: {{matchExpressions: [{{key: b{one}, operator: \
                 Exists}}]}}}}], ports: [{{port: {}}}]}}]",
                at % 50_000 + 1
            ),
        )
    })
}

fn listed_values(bytes: usize) -> String {
    fill(bytes, |at| {
        let values = list(bytes / 100, |value| format!("v{}", value + at * 10));
        policy(
            at,
            &format!(
                "podSelector: {{matchExpressions: [{{key: app, operator: In, values: [{values}]}}]}}, ingress: [{{from: \
                 [{{podSelector: {{matchExpressions: [{{key: app, operator: In, values: [w{at}, {values}]}}]}}}}]}}]"
            ),
        )
    })
}

fn excluded_values(bytes: usize) -> String {
    fill(bytes, |at| {
        let values = list(bytes / 100, |value| format!("v{}", value + at * 10));
        policy(
            at,
            &format!(
                "podSelector: {{matchExpressions: [{{key: k{}, operator: NotIn, values: [{values}]}}]}}, ingress: [{{from: \
                 [{{podSelector: {{matchExpressions: [{{key: app, operator: NotIn, values: [{values}]}}]}}}}]}}]",
                at % 7
            ),
        )
    })
}

fn peers_by_expressions(bytes: usize) -> String {
    let peers = list(bytes, |at| {
        format!(
            "{{podSelector: {{matchExpressions: [{{key: k{}, operator: NotIn, values: [v{at}]}}, {{key: l{}, operator: Exists}}]}}}}",
            at % 50,
            at % 37
        )
    });
    one_policy(1, |_| format!("{{from: [{peers}]}}"))
}

fn rules_of_one_policy(bytes: usize) -> String {
    one_policy(bytes, |at| {
        format!("{{from: [{{podSelector: {{matchLabels: {{app: c{at}}}}}}}], ports: [{{port: {}}}]}}", at % 60_000 + 1)
    })
}

fn ranges(bytes: usize) -> String {
    one_policy(bytes, |at| {
        format!("{{ports: [{{port: {}, endPort: {}}}]}}", at % 60_000 + 1, at % 60_000 + 1 + at % 5_000)
    })
}

fn named_ports(bytes: usize) -> String {
    one_policy(bytes, |at| {
        format!("{{from: [{{podSelector: {{matchLabels: {{k{}: v}}}}}}], ports: [{{port: p{at}}}]}}", at % 500)
    })
}

fn cidr(at: usize) -> String {
    format!("{}.{}.{}.0/28", 20 + at / 65_536 % 200, at / 256 % 256, at % 256)
}

fn blocks(bytes: usize) -> String {
    let blocks = list(bytes, |at| format!("{{ipBlock: {{cidr: {}}}}}", cidr(at * 2)));
    one_policy(1, |_| format!("{{from: [{blocks}]}}"))
}

fn blocks_with_exceptions(bytes: usize) -> String {
    one_policy(bytes, |at| {
        format!(
            "{{from: [{{ipBlock: {{cidr: 10.0.0.0/{}, except: [10.{}.{}.0/24]}}}}], ports: [{{port: {}}}]}}",
            8 + at % 2,
            at / 250 % 128,
            at % 250,
            at % 60_000 + 1
        )
    })
}

fn exceptions_of_one_block(bytes: usize) -> String {
    let except = list(bytes, |at| cidr(at * 2));
    one_policy(1, |_| format!("{{from: [{{ipBlock: {{cidr: 0.0.0.0/0, except: [{except}]}}}}]}}"))
}

fn namespaces(bytes: usize) -> String {
    fill(bytes, |at| {
        policy_in(
            &format!("n{at}"),
            at,
            &format!(
                "podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: \
                 {{kubernetes.io/metadata.name: n{}}}}}}}], ports: [{{port: 80}}]}}]",
                at + 1
            ),
        )
    })
}

fn namespaces_for_everybody(bytes: usize) -> String {
    fill(bytes, |at| {
        policy_in(
            &format!("n{at}"),
            at,
            &format!(
                "podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{{from: [{{namespaceSelector: {{}}, podSelector: \
                 {{matchLabels: {{k{at}: v}}}}}}]}}], egress: [{{to: [{{namespaceSelector: {{}}}}], ports: [{{port: {}}}]}}]",
                at % 60_000 + 1
            ),
        )
    })
}

fn namespaces_by_labels(bytes: usize) -> String {
    fill(bytes, |at| {
        policy_in(
            &format!("n{}", at % 100),
            at,
            &format!(
                "podSelector: {{matchLabels: {{k{}: v}}}}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{team: \
                 t{}}}}}, podSelector: {{matchExpressions: [{{key: k{}, operator: Exists}}]}}}}]}}]",
                at % 90,
                at % 70,
                at % 80
            ),
        )
    })
}

fn excluded_namespaces(bytes: usize) -> String {
    fill(bytes, |at| {
        policy_in(
            &format!("n{at}"),
            at,
            &format!(
                "podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{{from: [{{namespaceSelector: {{matchExpressions: \
                 [{{key: kubernetes.io/metadata.name, operator: NotIn, values: [n{}, n{}]}}]}}}}]}}]",
                at + 1,
                at + 2
            ),
        )
    })
}

/// Policies for each pair of two labels.
fn grid(bytes: usize) -> String {
    fill(bytes, |at| {
        let (one, two) = (at % 100, at / 100);
        policy(
            at,
            &format!(
                "podSelector: {{matchLabels: {{a: x{one}}}}}, policyTypes: [Ingress, Egress], ingress: [{{from: [{{podSelector: \
                 {{matchLabels: {{b: y{two}}}}}}}]}}], egress: [{{to: [{{podSelector: {{matchLabels: {{b: y{one}, a: x{two}}}}}}}]}}]"
            ),
        )
    })
}

/// Everything but one value of each key: any two of them together are nearly all.
fn nearly_covered(bytes: usize) -> String {
    fill(bytes, |at| {
        policy(
            at,
            &format!(
                "podSelector: {{matchExpressions: [{{key: k{}, operator: NotIn, values: [v{at}]}}]}}, ingress: [{{from: \
                 [{{podSelector: {{matchExpressions: [{{key: l{}, operator: NotIn, values: [v{at}]}}]}}}}], ports: [{{port: {}, \
                 endPort: 65000}}]}}]",
                at % 20,
                at % 21,
                at % 60_000 + 1
            ),
        )
    })
}

/// One rule with half as many bytes of peers as of ports.
fn peers_and_ports(bytes: usize) -> String {
    let peers = list(bytes / 2, |at| format!("{{podSelector: {{matchLabels: {{app: c{at}}}}}}}"));
    let ports = list(bytes / 2, |at| format!("{{port: {}}}", at % 30_000 * 2 + 1));
    one_policy(1, |_| format!("{{from: [{peers}], ports: [{ports}]}}"))
}

fn comments(bytes: usize) -> String {
    fill(bytes, |at| {
        format!("# note {at}\n{}", policy(at, "podSelector: {}, ingress: [{}]").replace("\n---", " # all\n---"))
    })
}

/// Documents none of which can be parsed.
fn broken_documents(bytes: usize) -> String {
    fill(bytes, |at| policy(at, "podSelector: {}, ingress: [{}] # all"))
}

fn descriptions(bytes: usize) -> String {
    fill(bytes, |at| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p{at}\n  namespace: shop\n  annotations: \
             {{kubernetes.io/description: text {at}}}\nspec:\n  podSelector: {{matchLabels: {{app: a{}}}}}\n  ingress:\n    - \
             ports: [{{port: {}}}]\n---\n",
            at % 200,
            at % 60_000 + 1
        )
    })
}

fn pod(namespace: &str, at: usize, labels: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: w{at}, namespace: {namespace}, labels: {{{labels}}}}}\nspec: {{containers: \
         [{{name: c, image: x}}]}}\n---\n"
    )
}

fn workloads(bytes: usize) -> String {
    fill(bytes, |at| {
        let mut text = pod("shop", at, &format!("app: a{at}"));
        write!(
            text,
            "{}",
            policy(
                at,
                &format!(
                    "podSelector: {{matchLabels: {{app: a{at}}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: \
                     a{}}}}}}}], ports: [{{port: 80}}]}}]",
                    at / 2
                )
            )
        )
        .unwrap_or_default();
        text
    })
}

fn workloads_by_labels(bytes: usize) -> String {
    fill(bytes, |at| {
        let mut text = pod(&format!("n{}", at % 50), at, &format!("app: a{at}, k{}: v, l{}: v", at % 40, at % 30));
        write!(
            text,
            "{}",
            policy_in(
                &format!("n{}", at % 50),
                at,
                &format!(
                    "podSelector: {{matchLabels: {{k{}: v}}}}, ingress: [{{from: [{{namespaceSelector: {{}}, podSelector: \
                     {{matchExpressions: [{{key: l{}, operator: Exists}}, {{key: k{}, operator: DoesNotExist}}]}}}}]}}]",
                    at % 40,
                    at % 30,
                    at % 20
                )
            )
        )
        .unwrap_or_default();
        text
    })
}
