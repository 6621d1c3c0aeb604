//! What is there for pods of the cluster, and closed to all of them.

use super::at;
use super::outside::is_published;
use super::published::{Behind, Published, is_on, shown, target};
use crate::cluster::{Service, ServicePort};
use crate::diag::{Code, Diagnostic};
use crate::engine::EndId;
use crate::lint::near::with_place;
use crate::net::{Direction, PortSet};
use crate::netpol::{Peer, Rule};
use std::collections::BTreeSet;

/// Words in the names of ports over which the replicas of a program find each other.
const OF_PEERS: [&str; 16] = [
    "peer",
    "peers",
    "cluster",
    "gossip",
    "raft",
    "serf",
    "transport",
    "election",
    "internode",
    "intra",
    "epmd",
    "memberlist",
    "replication",
    "jgroups",
    "jgrp",
    "internal",
];

/// Words in the names of ports that are another one's, encrypted.
const ENCRYPTED: [&str; 5] = ["tls", "ssl", "mtls", "secure", "encrypted"];

/// W0237 and W0240. That the pods of `apart` are closed to each other is told already.
pub(super) fn check(published: &Published<'_, '_>, apart: &BTreeSet<EndId>, found: &mut Vec<Diagnostic>) {
    // Where another object says who connects, it is told there when they may not.
    let targets = published.cluster.callers.iter().flat_map(|caller| &caller.targets);
    let called = targets.flat_map(|target| published.cluster.services_of(target));
    let called: BTreeSet<(&str, &str)> = called.map(|(one, _)| (&*one.namespace, &*one.name)).collect();
    for service in &published.cluster.services {
        found.extend(match service.headless {
            true => replicas(service, published, apart),
            false if called.contains(&(&*service.namespace, &*service.name)) => None,
            false => closed(service, published),
        });
    }
}

/// W0237: a Service on none of whose ports a rule lets anybody connect, although the policies of its pods let somebody
/// connect on others.
fn closed(service: &Service, published: &Published<'_, '_>) -> Option<Diagnostic> {
    if is_published(service) || is_behind_ingress(service, published) {
        return None;
    }
    let opens = |behind: &Behind<'_>, ports: &PortSet| {
        published.rules(behind).any(|(.., rule)| is_on(rule, behind.pods, ports))
    };
    let one = published.closed(service, &service.ports, opens)?;
    let behind = published.behind(service);
    let (one, ..) = behind.iter().find_map(|behind| published.rules(behind).next()).filter(|_| one.name.is_some())?;
    let ports: Vec<String> =
        service.ports.iter().filter_map(|port| Some(shown(&target(port, behind.first()?.pods)?))).collect();
    let message = format!(
        "the Service `{}/{}` leads to {} of pods that {} isolates, and no rule opens that to anybody",
        service.namespace,
        service.name,
        ports.join(", "),
        one.shown()
    );
    let diagnostic = with_place(at(Code::W0237, one.name.or(service.span), message), service.span, "this Service");
    Some(diagnostic.with_help(
        "who selects a pod isolates all its ports: add a rule for these, with those who use the Service in `from`",
    ))
}

fn is_behind_ingress(service: &Service, published: &Published<'_, '_>) -> bool {
    let ingresses = &published.cluster.ingresses;
    let is_it = |backend: &crate::cluster::Backend| backend.service == service.name;
    ingresses.iter().any(|ingress| ingress.namespace == service.namespace && ingress.backends.iter().any(is_it))
}

/// W0240: a headless Service is there for the replicas of a workload to find each other, and they may not connect.
fn replicas(service: &Service, published: &Published<'_, '_>, apart: &BTreeSet<EndId>) -> Option<Diagnostic> {
    let others =
        published.cluster.services.iter().filter(|other| !other.headless && other.namespace == service.namespace);
    let others: Vec<&Service> = others.collect();
    let is_several = |behind: &&Behind<'_>| behind.pods.count > 1 && !apart.contains(&behind.end);
    for behind in published.behind(service).iter().filter(is_several) {
        for port in &service.ports {
            let Some(ports) = target(port, behind.pods) else { continue };
            let named = is_of_peers(port);
            let offered = |other: &&Service| {
                other.selects(&behind.pods.labels)
                    && other.ports.iter().filter_map(|port| target(port, behind.pods)).any(|one| one.overlaps(&ports))
            };
            let opened = || published.rules(behind).any(|(.., rule)| is_on(rule, behind.pods, &ports));
            // What others may use is for them.
            if opened() && (!named || is_for_others(published, behind, &ports))
                || (!named && others.iter().any(offered))
            {
                continue;
            }
            let side = |direction, ports: &PortSet| {
                let verdict = published.engine.side(direction, behind.end, behind.end);
                verdict.allowed.union(&verdict.unknown).overlaps(ports)
            };
            let closed = |ports: &PortSet| Direction::ALL.into_iter().find(|direction| !side(*direction, ports));
            let Some(direction) = closed(&ports) else { continue };
            let is_open =
                |other: &&ServicePort| target(other, behind.pods).is_some_and(|ports| closed(&ports).is_none());
            let mut open = service.ports.iter().filter(is_open);
            // They find each other by another port, and this one is for clients or for whoever wants to encrypt.
            if open.any(|other| if named { is_twin(port, other) } else { is_of_peers(other) }) {
                continue;
            }
            let isolating = published.engine.decision(direction, behind.end, behind.end).isolating;
            let one = published.all.get(*isolating.first()?)?;
            let message = format!(
                "`{}` has {} replicas that find each other by the headless Service `{}`, and {} closes their {} to each \
                 other on {}",
                behind.workload,
                behind.pods.count,
                service.name,
                one.shown(),
                direction.word(),
                shown(&ports)
            );
            let diagnostic = with_place(at(Code::W0240, one.name, message), service.span, "this Service");
            let (list, word) = (super::peers_field(direction), direction.word());
            let labels = service.selector.iter().flatten().map(|(key, value)| format!("{key}: {value:?}"));
            let labels: Vec<String> = labels.collect();
            return Some(diagnostic.with_help(format!(
                "add to `{word}`: `- {list}: [{{podSelector: {{matchLabels: {{{}}}}}}}]`",
                labels.join(", ")
            )));
        }
    }
    None
}

/// Whether the name of a port says that the replicas of a program find each other by it.
fn is_of_peers(port: &ServicePort) -> bool {
    words(port).any(|word| OF_PEERS.contains(&word))
}

fn words(port: &ServicePort) -> impl Iterator<Item = &str> {
    port.name.as_deref().unwrap_or_default().split('-')
}

/// Whether one of two ports is the other one, encrypted: a program uses either.
fn is_twin(port: &ServicePort, other: &ServicePort) -> bool {
    let is_encrypted = |port: &ServicePort| words(port).any(|word| ENCRYPTED.contains(&word));
    let plain = |port| words(port).filter(|word| !ENCRYPTED.contains(word)).collect::<BTreeSet<&str>>();
    let (one, two) = (plain(port), plain(other));
    is_encrypted(port) != is_encrypted(other) && (one.is_empty() || two.is_empty() || !one.is_disjoint(&two))
}

/// Whether a rule lets others than the pods themselves connect on ports.
fn is_for_others(published: &Published<'_, '_>, behind: &Behind<'_>, ports: &PortSet) -> bool {
    let is_other = |peer: &Peer| match peer {
        Peer::Pods { pods, .. } => !pods.matches(&behind.pods.labels),
        Peer::Block(_) => true,
    };
    let opens =
        |rule: &Rule| is_on(rule, behind.pods, ports) && (rule.peers.is_empty() || rule.peers.iter().any(is_other));
    published.rules(behind).any(|(.., rule)| opens(rule))
}
