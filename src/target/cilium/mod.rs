//! NetworkPolicies (`networking.k8s.io/v1`) for all that they can say on Cilium, and CiliumNetworkPolicies (`cilium.io/v2`)
//! for DNS names, the API server and nodes. Both kinds add up: what one of them allows is allowed.

use super::network_policy;
use crate::flow::{DnsService, FlowSet, ManagedNamespace, Namespaces, Place};
use crate::net::{Selector, Unlisted};
use crate::netpol::{Peer, Policy, PolicyKind, Port, Rule};
use crate::plan::{Layout, Planned};
use smallvec::SmallVec;

/// The policies that a program becomes: of a concern with peers of both sorts, one of each kind under the same name.
pub(super) fn policies(set: &FlowSet, layout: Layout) -> Planned {
    let mut planned = network_policy::policies(set, layout);
    let all = std::mem::take(&mut planned.policies.policies);
    planned.policies.policies = all.into_iter().flat_map(|policy| parted(set, policy)).collect();
    planned
}

/// A policy as one of each kind, where it has something to say in it.
fn parted(set: &FlowSet, policy: Policy) -> impl Iterator<Item = Policy> {
    let is_unlisted = |peer: &Peer| matches!(peer, Peer::Unlisted(_));
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    if !rules.flat_map(|rule| &rule.peers).any(is_unlisted) {
        return [Some(policy), None].into_iter().flatten();
    }
    let only = |rules: &Option<Vec<Rule>>, unlisted: bool| {
        let part = |rule: &Rule| {
            let peers: SmallVec<[Peer; 1]> =
                rule.peers.iter().filter(|peer| is_unlisted(peer) == unlisted).cloned().collect();
            // A rule without peers is one for everybody, which is no part of one with some.
            let is_left = if rule.peers.is_empty() { !unlisted } else { !peers.is_empty() };
            is_left.then(|| Rule { peers, ..rule.clone() })
        };
        let rules: Vec<Rule> = rules.iter().flatten().filter_map(part).collect();
        (!rules.is_empty()).then_some(rules)
    };
    let plain = Policy { ingress: only(&policy.ingress, false), egress: only(&policy.egress, false), ..policy.clone() };
    let (ingress, mut egress) = (only(&policy.ingress, true), only(&policy.egress, true));
    if egress
        .iter()
        .flatten()
        .any(|rule| rule.peers.iter().any(|peer| matches!(peer, Peer::Unlisted(Unlisted::Names(_)))))
        && let Some(namespace) = set.namespaces.iter().find(|one| one.name == policy.namespace)
    {
        let learning = learning(set, namespace);
        egress = Some(learning.into_iter().chain(egress.unwrap_or_default()).collect());
    }
    let has_plain = plain.ingress.is_some() || plain.egress.is_some();
    let unlisted = Policy { kind: PolicyKind::Cilium, ingress, egress, ..policy };
    [has_plain.then_some(plain), Some(unlisted)].into_iter().flatten()
}

/// The rules by which the pods of a namespace ask for names through Cilium's proxy, which learns from the answers which
/// addresses the names have. They let through no more than the `dns` of the namespace does.
fn learning(set: &FlowSet, namespace: &ManagedNamespace) -> Vec<Rule> {
    let rule = |DnsService { place, ports, .. }: &DnsService| {
        let peers: SmallVec<[Peer; 1]> = match place {
            Place::Pods { namespaces, pods } => {
                let own =
                    matches!(namespaces, Namespaces::Managed(index) if set.namespaces[*index].name == namespace.name);
                let namespaces = (!own).then(|| set.namespace_selector(namespaces));
                SmallVec::from_iter([Peer::Pods { namespaces, pods: pods.clone() }])
            }
            Place::Addresses(blocks) => blocks.iter().cloned().map(Peer::Block).collect(),
            Place::Unlisted(unlisted) => SmallVec::from_iter([Peer::Unlisted(unlisted.clone())]),
            // Of all that may be asked, the pods are those that answer.
            Place::Any => {
                let everything = Selector::everything;
                SmallVec::from_iter([Peer::Pods { namespaces: Some(everything()), pods: everything() }])
            }
        };
        Rule { peers, ports: Port::list(ports), learns_names: true }
    };
    namespace.dns.iter().map(rule).collect()
}
