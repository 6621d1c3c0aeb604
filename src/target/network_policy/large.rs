//! Policies that are too large to be applied as most people do.

use super::Layout;
use crate::diag::{Code, Diagnostic};
use crate::flow::FlowSet;
use crate::k8s;
use crate::netpol::{Policy, PolicySet};
use std::collections::HashMap;

/// The most bytes of an object that `kubectl apply` takes for sure: it keeps a copy as JSON in an annotation, and Kubernetes
/// takes 262,144 bytes of annotations. The others have the rest.
const MOST_APPLIED: usize = 200_000;

/// A peer or a port is some twenty bytes at least, so a policy with fewer of them is not large.
const MANY: usize = 1_000;

/// Warns about the policies that plain `kubectl apply` refuses, each where the first of its statements stands.
pub(super) fn too_large(policies: &PolicySet, flows: &FlowSet, layout: Layout) -> Vec<Diagnostic> {
    let large = policies.policies.iter().filter(|policy| has_many(policy));
    let large: Vec<(&Policy, usize)> =
        large.map(|policy| (policy, k8s::json_len(policy))).filter(|(_, size)| *size > MOST_APPLIED).collect();
    if large.is_empty() {
        return Vec::new();
    }
    let places = flows.statements.iter().rev().map(|statement| (&*statement.text, statement.span));
    let places: HashMap<_, _> = places.collect();
    let warning = |(policy, size): (&Policy, usize)| {
        let name = format!("{}/{}", policy.namespace, policy.name);
        let message = format!("policy `{name}` has {} KB, more than plain `kubectl apply` takes", size / 1000);
        let smaller = match layout {
            Layout::Flow => "or declare the list in parts: a flow to each is a policy of its own",
            Layout::Tier | Layout::Namespace => "or build with `--layout flow`, which makes smaller policies",
        };
        let help = format!("apply it with `kubectl apply --server-side`, {smaller}");
        let diagnostic = Diagnostic::about(Code::W0021, message).with_help(help);
        match policy.statements.first().and_then(|text| places.get(&**text)) {
            Some(span) => diagnostic.with_label(*span, ""),
            None => diagnostic,
        }
    };
    large.into_iter().map(warning).collect()
}

fn has_many(policy: &Policy) -> bool {
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    rules.map(|rule| rule.peers.len() + rule.ports.len()).sum::<usize>() > MANY
}
