//! Policies to YAML and back: the one written form, what kubectl reads, and what the reader accepts and refuses.

mod budgets;
mod cluster;
mod kubectl;
mod loading;
mod reading;
mod round_trip;
mod rules;

use polder::netpol::Policy;

/// The manifests of several policies as one stream.
fn stream<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> String {
    let mut text = String::new();
    for policy in policies {
        text.push_str("---\n");
        polder::k8s::manifest(policy, &mut text);
    }
    text
}

/// A policy with nothing but a name, which denies ingress.
fn named(namespace: &str, name: &str) -> Policy {
    Policy {
        kind: polder::netpol::PolicyKind::NetworkPolicy,
        namespace: namespace.into(),
        name: name.into(),
        subject: polder::net::Selector::everything(),
        ingress: Some(Vec::new()),
        egress: None,
        description: None,
        statements: Default::default(),
    }
}
