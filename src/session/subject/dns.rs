//! Who is asked for names.

use super::Subject;
use crate::ask::Asked;
use crate::flow::{FlowSet, Place};
use crate::model::{DnsServer, PresetPods};
use crate::net::{AddressSet, NAMESPACE_NAME, Peers, PortSet, Protocol, Selector, namespace_by_name};
use crate::netpol::{Peer, Policy};

impl Subject {
    /// The DNS servers, and the ports that they answer on: those that the program has, or without one those that
    /// distributions have.
    pub fn dns_servers(&self) -> (Asked, PortSet) {
        let servers = match (self.flows(), self.cluster()) {
            (Some(flows), _) => of_program(flows),
            (None, Some(_)) => of_distributions(self.policies(), |_| true),
            // Among all that could exist, servers that no policy speaks of are like all other pods that none does.
            (None, None) => {
                let named = of_distributions(self.policies(), |preset| {
                    self.policies().iter().any(|policy| speaks_of(policy, preset))
                });
                named.into_iter().chain(meant_anywhere(self.policies())).collect()
            }
        };
        let mut all: Vec<Peers> = Vec::new();
        let mut ports = PortSet::empty();
        for (peers, answers_on) in servers {
            if !all.contains(&peers) {
                all.push(peers);
                ports.insert(&answers_on);
            }
        }
        (Asked::DnsServers(all), ports)
    }
}

fn of_program(flows: &FlowSet) -> Vec<(Peers, PortSet)> {
    let servers = flows.namespaces.iter().flat_map(|namespace| &namespace.dns).flat_map(|server| {
        // Where any address may be asked, nobody says which of them are servers.
        let addresses = Some(&server.place).filter(|place| matches!(place, Place::Addresses(_)));
        let places = server.pods.iter().map(|pods| &pods.place).chain(addresses);
        places.flat_map(|place| flows.peers(place)).map(|peers| (peers, server.ports.clone()))
    });
    servers.collect()
}

/// What distributions have: the pods that count, and the caches on nodes where a policy is about their addresses.
fn of_distributions(policies: &[Policy], counts: impl Fn(&PresetPods) -> bool) -> Vec<(Peers, PortSet)> {
    let pods = |server: &DnsServer| {
        let preset = server.preset_pods().filter(&counts)?;
        let peers = Peers::Pods { namespaces: namespace_by_name(&preset.namespace.into()), pods: preset.pods };
        Some((peers, at_port(preset.port)))
    };
    let caches = |server: &DnsServer| {
        let net = server.preset_caches()?;
        let rules = policies.iter().flat_map(|policy| policy.egress.iter().flatten());
        let is_there = |peer: &Peer| matches!(peer, Peer::Block(block) if net.contains(&block.cidr));
        let is_named = rules.flat_map(|rule| &rule.peers).any(is_there);
        is_named.then(|| (Peers::Addresses(AddressSet::from_net(net)), at_port(DNS_PORT)))
    };
    let servers = [DnsServer::Cluster, DnsServer::OpenShift];
    servers.iter().flat_map(|server| pods(server).into_iter().chain(caches(server))).collect()
}

/// Those whom policies let ask for names in any namespace: pods with the labels by which distributions know their servers,
/// where the namespace of these is one of several.
fn meant_anywhere(policies: &[Policy]) -> Vec<(Peers, PortSet)> {
    let presets: Vec<PresetPods> =
        [DnsServer::Cluster, DnsServer::OpenShift].iter().filter_map(DnsServer::preset_pods).collect();
    let rules = policies.iter().flat_map(|policy| policy.egress.iter().flatten());
    let servers = rules.flat_map(|rule| &rule.peers).filter_map(|peer| {
        let Peer::Pods { namespaces: Some(namespaces), pods } = peer else { return None };
        let is_it = |preset: &&PresetPods| {
            let own = namespace_by_name(&preset.namespace.into());
            preset.pods.contains(pods) && namespaces.overlaps(&own) && !own.contains(namespaces)
        };
        let preset = presets.iter().find(is_it)?;
        let peers = Peers::Pods { namespaces: namespaces.clone(), pods: pods.clone() };
        Some((peers, at_port(preset.port)))
    });
    servers.collect()
}

/// A port over both protocols of DNS.
fn at_port(port: u16) -> PortSet {
    PortSet::number(Protocol::Udp, port).union(&PortSet::number(Protocol::Tcp, port))
}

/// Where caches answer.
const DNS_PORT: u16 = 53;

/// Whether a policy names the namespace of a preset, or looks at a label by which its pods are known.
fn speaks_of(policy: &Policy, preset: &PresetPods) -> bool {
    let keys = |selector: &Selector| preset.pods.keys().any(|key| selector.keys().any(|own| own == key));
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    *policy.namespace == *preset.namespace
        || keys(&policy.subject)
        || rules.flat_map(|rule| &rule.peers).any(|peer| match peer {
            Peer::Block(_) | Peer::Unlisted(_) => false,
            Peer::Pods { namespaces, pods } => {
                let names = namespaces.iter().flat_map(|selector| selector.values(NAMESPACE_NAME).listed());
                keys(pods) || names.into_iter().any(|name| **name == *preset.namespace)
            }
        })
}
