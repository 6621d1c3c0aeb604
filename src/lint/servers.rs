//! Whether a rule leads to DNS servers.

use super::{One, private};
use crate::cluster::{Cluster, Workload};
use crate::model::{DnsServer, PresetPods};
use crate::net::{AddressSet, BlocksMatch, IpBlock, NAMESPACE_NAME, Protocol, Selector, Truth, Unlisted};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use std::sync::Arc;

/// The ports that DNS servers listen on: the usual one, and that of the pods of OpenShift.
pub(super) const PORTS: [u16; 2] = [53, 5353];

/// What the names of DNS servers have in them, and of namespaces and labels that are about them.
const HINTS: [&str; 5] = ["dns", "unbound", "bind9", "pihole", "pi-hole"];

fn hints(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    HINTS.iter().any(|hint| text.contains(hint))
}

/// Where DNS servers may be.
pub(super) struct ServerPlaces<'a> {
    cluster: &'a Cluster,
    /// What address blocks match.
    matches: BlocksMatch,
    /// Where pods and Services of a cluster have their addresses.
    private: AddressSet,
}

impl<'a> ServerPlaces<'a> {
    pub(super) fn new(cluster: &'a Cluster, matches: BlocksMatch) -> Self {
        ServerPlaces { cluster, matches, private: private() }
    }

    /// Whether a DNS server may answer behind a peer of a rule, `None` for everybody, on one of its ports, `None` for all.
    pub(super) fn may_answer(&self, one: &One<'_>, peer: Option<&Peer>, port: Option<&Port>) -> bool {
        let Some(asked) = on_port(port) else { return false };
        match peer {
            None => true,
            Some(Peer::Block(block)) => !self.is_blocked(block),
            // On nodes caches may answer, behind a name that has to be looked up nobody.
            Some(Peer::Unlisted(Unlisted::Entities(_))) => asked == Asked::Exactly,
            Some(Peer::Unlisted(Unlisted::Names(_))) => false,
            Some(Peer::Pods { namespaces, pods }) => {
                self.may_listen(one, peer, port) && self.may_be(one, namespaces.as_ref(), pods, asked)
            }
        }
    }

    /// Whether the servers behind a peer may listen on the port of a rule: not where they are those of the cluster, which have
    /// another one.
    pub(super) fn may_listen(&self, one: &One<'_>, peer: Option<&Peer>, port: Option<&Port>) -> bool {
        let (Some(Peer::Pods { namespaces, pods }), Some(PortTarget::Number(number))) =
            (peer, port.map(|port| &port.target))
        else {
            return true;
        };
        let is_theirs = |preset: &PresetPods, name: &str| {
            *preset.namespace == *name
                && preset.pods.overlaps(pods)
                && (pods.is_everything() || preset.pods.contains(pods))
        };
        let lists = |name: &str| {
            let there = self.cluster.workloads.iter().filter(|workload| *workload.namespace == *name);
            there.flat_map(|workload| &workload.pods).any(|pods| pods.ports.iter().any(|port| port.number == *number))
        };
        let listens = |name: &Arc<str>| {
            let mut presets = presets().filter(|preset| is_theirs(preset, name)).peekable();
            presets.peek().is_none() || presets.any(|preset| preset.port == *number) || lists(name)
        };
        // That 53 is the port of the Service of OpenShift's DNS is told as such.
        *number == PORTS[0] || names(one, namespaces.as_ref()).is_none_or(|names| names.iter().any(listens))
    }

    /// Whether the servers of the cluster in one of these namespaces were given, and labels are not theirs.
    fn are_others(&self, names: &[Arc<str>], pods: &Selector) -> bool {
        let there = self.cluster.workloads.iter().filter(|workload| names.contains(&workload.namespace));
        let all = there.flat_map(|workload| workload.pods.iter().map(move |pods| (&workload.namespace, &pods.labels)));
        let is_server =
            |name: &str, labels| presets().any(|preset| *preset.namespace == *name && preset.pods.matches(labels));
        let (mut given, mut matched) = (false, false);
        for (name, labels) in all {
            given |= is_server(name, labels);
            matched |= pods.matches(labels);
        }
        given && !matched
    }

    /// Whether a block is for the addresses of the cluster's servers, and the CNI matches no pod by its address.
    pub(super) fn is_blocked(&self, block: &IpBlock) -> bool {
        let is_single = block.cidr.prefix_len() == block.cidr.max_prefix_len();
        self.matches.pods == Truth::No && !is_single && block.addresses().overlaps(&self.private)
    }

    fn may_be(&self, one: &One<'_>, namespaces: Option<&Selector>, pods: &Selector, asked: Asked) -> bool {
        let names = names(one, namespaces);
        if names.is_some_and(|names| self.are_others(names, pods)) {
            return false;
        }
        let is_hinted = pods.entries().any(|(key, values)| {
            hints(key) || values.required().is_some_and(|values| values.iter().any(|value| hints(value)))
        });
        // Whoever writes the very port beside labels of pods knows what listens there.
        let is_said = asked == Asked::Exactly && !pods.is_everything();
        // The labels of the cluster's own servers are of no use in a namespace where these are not.
        let elsewhere = presets().any(|preset| preset.pods.overlaps(pods) && preset.pods.contains(pods));
        let is_there = |name: &Arc<str>| presets().any(|preset| *preset.namespace == **name) || self.has_servers(name);
        if elsewhere && names.is_some_and(|names| !names.iter().any(is_there)) {
            return false;
        }
        is_hinted
            || match names {
                Some(names) => names.iter().any(|name| self.has_servers(name)) || is_said,
                None => pods.is_everything() || is_said,
            }
    }

    /// Whether DNS servers may run in a namespace.
    fn has_servers(&self, name: &Arc<str>) -> bool {
        let is_hinted = |workload: &Workload| {
            let of_pods = |(key, value): (&String, &String)| key == "k8s-app" && hints(value);
            workload.namespace == *name
                && (hints(&workload.name) || workload.pods.iter().any(|pods| pods.labels.iter().any(of_pods)))
        };
        hints(name)
            || presets().any(|preset| *preset.namespace == **name)
            || self.cluster.workloads.iter().any(is_hinted)
    }
}

/// The names of the namespaces that a peer is about, where it says them.
fn names<'p>(one: &One<'p>, namespaces: Option<&'p Selector>) -> Option<&'p [Arc<str>]> {
    match namespaces {
        None => Some(std::slice::from_ref(&one.policy.namespace)),
        Some(selector) => selector.required_value(NAMESPACE_NAME),
    }
}

fn presets() -> impl Iterator<Item = PresetPods> {
    DnsServer::PRESETS.iter().filter_map(|preset| preset.server.preset_pods())
}

/// Whether peers are the cluster's own servers, or all that runs where these do.
pub(super) fn are_presets(peers: &[Peer]) -> bool {
    let is_one = |peer: &Peer| {
        let Peer::Pods { namespaces: Some(namespaces), pods } = peer else { return false };
        let Some([name]) = namespaces.required_value(NAMESPACE_NAME) else { return false };
        presets().any(|preset| *preset.namespace == **name && preset.pods.overlaps(pods))
    };
    !peers.is_empty() && peers.iter().all(is_one)
}

/// The namespace of the cluster's own servers that a peer of pods of its own namespace has the labels of.
pub(super) fn home_of(peer: &Peer) -> Option<&'static str> {
    let Peer::Pods { namespaces: None, pods } = peer else { return None };
    let mut own = presets().filter(|preset| preset.pods.overlaps(pods) && preset.pods.contains(pods));
    own.next().map(|preset| preset.namespace)
}

/// How a query is let through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// By the port of DNS itself.
    Exactly,
    /// By a port among others.
    Among,
}

fn on_port(port: Option<&Port>) -> Option<Asked> {
    let Some(port) = port else { return Some(Asked::Among) };
    if port.protocol == Protocol::Sctp {
        return None;
    }
    match &port.target {
        PortTarget::Every => Some(Asked::Among),
        PortTarget::Number(number) => PORTS.contains(number).then_some(Asked::Exactly),
        PortTarget::Range(low, high) => PORTS.iter().any(|one| (low..=high).contains(&one)).then_some(Asked::Among),
        PortTarget::Named(name) => (hints(name) || name.contains("domain")).then_some(Asked::Exactly),
    }
}

/// The ports of a rule that are those of the Service of OpenShift's DNS servers and not of their pods, when it is for these
/// alone.
pub(super) fn ports_of_service(rule: &Rule) -> Vec<usize> {
    let Some(openshift) = DnsServer::OpenShift.preset_pods().filter(|preset| preset.port != PORTS[0]) else {
        return Vec::new();
    };
    let is_there = |peer: &Peer| match peer {
        Peer::Pods { namespaces: Some(namespaces), .. } => namespaces
            .required_value(NAMESPACE_NAME)
            .is_some_and(|names| !names.is_empty() && names.iter().all(|name| **name == *openshift.namespace)),
        Peer::Pods { namespaces: None, .. } | Peer::Block(_) | Peer::Unlisted(_) => false,
    };
    if rule.peers.is_empty() || !rule.peers.iter().all(is_there) {
        return Vec::new();
    }
    let has = |protocol: Protocol, number: u16| {
        rule.ports.iter().any(|port| port.protocol == protocol && port.target == PortTarget::Number(number))
    };
    let is_wrong =
        |port: &&(usize, &Port)| port.1.target == PortTarget::Number(PORTS[0]) && !has(port.1.protocol, openshift.port);
    rule.ports.iter().enumerate().collect::<Vec<_>>().iter().filter(is_wrong).map(|(at, _)| *at).collect()
}
