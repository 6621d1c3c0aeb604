//! The API server, which no selector of pods matches.

use super::{One, at};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, NAMESPACE_NAME, Protocol, Selector};
use crate::netpol::{Peer, Port, PortTarget, Rule};

/// Where the API server listens, as kubeadm, k3s, OpenShift and the clouds' machines have it. Hardly anything else does.
const PORT: u16 = 6443;

/// The port of its Service.
const PORT_OF_SERVICE: u16 = 443;

/// Namespaces in which people look for it.
const NAMESPACES: [&str; 3] = ["kube-system", "default", "openshift-kube-apiserver"];

/// The labels of its pods.
const LABELS: [(&str, &str); 5] = [
    ("component", "kube-apiserver"),
    ("component", "apiserver"),
    ("k8s-app", "kube-apiserver"),
    ("app", "openshift-kube-apiserver"),
    ("apiserver", "true"),
];

/// W0235: egress to the API server by labels.
pub(super) fn check(one: &One<'_>, found: &mut Vec<Diagnostic>) {
    let rules = one.rules(Direction::Egress).unwrap_or_default();
    for (index, rule) in rules.iter().enumerate() {
        let Some(peer) = rule.peers.iter().position(|peer| is_meant(rule, peer)) else { continue };
        let reached = rules.iter().any(|other| opens_addresses(other, rule));
        if reached {
            continue;
        }
        let message = format!(
            "{} seems to let pods connect to the API server by labels: it runs on the network of its node, or outside of \
             the cluster, where no selector matches it",
            one.shown()
        );
        let diagnostic = at(Code::W0235, one.peer_place(Direction::Egress, index, peer), message);
        found.push(diagnostic.with_help(
            "allow its addresses, `to: [{ipBlock: {cidr: 192.0.2.10/32}}]` on 6443: `kubectl get endpointslices -n default -l \
             kubernetes.io/service-name=kubernetes` shows them",
        ));
    }
}

/// Whether a peer of a rule is meant to be the API server.
fn is_meant(rule: &Rule, peer: &Peer) -> bool {
    let Peer::Pods { namespaces: Some(namespaces), pods } = peer else { return false };
    let is_named = namespaces
        .required_value(NAMESPACE_NAME)
        .is_some_and(|names| !names.is_empty() && names.iter().all(|name| NAMESPACES.contains(&&**name)));
    // In `default` there is the Service of the API server, and its port is the one that people know.
    let is_default = namespaces.required_value(NAMESPACE_NAME).is_some_and(|names| *names == ["default".into()]);
    let is_known = |number: u16| number == PORT || (is_default && number == PORT_OF_SERVICE && rule.ports.len() == 1);
    let is_port = |port: &Port| {
        port.protocol == Protocol::Tcp && matches!(port.target, PortTarget::Number(number) if is_known(number))
    };
    has_its_labels(pods) || (is_named && pods.is_everything() && rule.ports.iter().any(is_port))
}

fn has_its_labels(pods: &Selector) -> bool {
    LABELS
        .iter()
        .any(|(key, value)| pods.required_value(key).is_some_and(|values| values.iter().any(|one| &**one == *value)))
}

/// Whether a rule lets through to addresses, or to everything, on one of the ports of another.
fn opens_addresses(other: &Rule, rule: &Rule) -> bool {
    let outside = other.peers.is_empty() || other.peers.iter().any(|peer| matches!(peer, Peer::Block(_)));
    let same =
        other.ports.is_empty() || rule.ports.is_empty() || other.ports.iter().any(|port| rule.ports.contains(port));
    outside && same
}
