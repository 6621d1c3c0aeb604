//! Policies that nobody would write, in which very much is alike: see `shapes`.

use super::shapes::{Shape, fill, list, policy, policy_in};

/// All of them.
pub(super) const ALIKE: &[(&str, Shape)] = &[
    ("policies-alike", policies_alike),
    ("names-that-clash", names_that_clash),
    ("comments-of-peers", comments_of_peers),
    ("one-to-many", one_to_many),
    ("servers-for-names", servers_for_names),
    ("namespaces-by-threes", namespaces_by_threes),
];

fn policies_alike(bytes: usize) -> String {
    fill(bytes, |at| {
        policy(
            at,
            "podSelector: {matchLabels: {app: a}}, ingress: [{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 80}]}]",
        )
    })
}

/// Values that all become the same name.
fn names_that_clash(bytes: usize) -> String {
    fill(bytes, |at| {
        let value: String = (0..17).map(|bit| if at >> bit & 1 == 1 { "a_" } else { "a." }).collect();
        policy(at, &format!("podSelector: {{matchLabels: {{app: {value}a}}}}, ingress: [{{}}]"))
    })
}

/// A comment above each peer of one rule, and one behind.
fn comments_of_peers(bytes: usize) -> String {
    let peer = |at| format!("    # for a{at}\n    - podSelector:\n        matchLabels:\n          app: a{at} # here\n");
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: shop\nspec:\n  podSelector: \
         {{}}\n  ingress:\n  - from:\n{}",
        fill(bytes, peer)
    )
}

/// One source with a port for each of many destinations.
fn one_to_many(bytes: usize) -> String {
    fill(bytes, |at| {
        policy(
            at,
            &format!(
                "podSelector: {{matchLabels: {{app: hub}}}}, policyTypes: [Egress], egress: [{{to: [{{podSelector: {{matchLabels: \
                 {{app: a{at}}}}}}}], ports: [{{port: {}}}]}}]",
                at % 60_000 + 1
            ),
        )
    })
}

/// Each tier asked for names by all pods.
fn servers_for_names(bytes: usize) -> String {
    let peers = list(bytes, |at| {
        format!(
            "{{to: [{{podSelector: {{matchLabels: {{app: a{at}}}}}}}], ports: [{{port: 53, protocol: UDP}}, {{port: 53}}]}}"
        )
    });
    policy(0, &format!("podSelector: {{}}, policyTypes: [Ingress, Egress], egress: [{peers}]"))
}

/// Every three namespaces say something alike that no others say.
fn namespaces_by_threes(bytes: usize) -> String {
    fill(bytes, |at| {
        policy_in(
            &format!("n{at}"),
            at,
            &format!(
                "podSelector: {{}}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: m{0}}}}}}}]}}, \
                 {{from: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: l{0}}}}}}}]}}]",
                at / 3
            ),
        )
    })
}
