//! What is there for pods of the cluster, and closed to all of them.

use super::open::is_of_metrics;
use super::outside::is_published;
use super::published::{Behind, Published, is_on, shown, target};
use super::{One, at};
use crate::cluster::{Kind, Service};
use crate::diag::{Code, Diagnostic};
use crate::engine::EndId;
use crate::lint::near::with_place;
use crate::net::{Direction, PortSet, Protocol};
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
    INTERNAL,
];

/// The word by which the replicas of a Service are meant, or those who look after a program.
const INTERNAL: &str = "internal";

/// Words in the name of a policy that say that nobody is to be let in.
const OF_CLOSED: [&str; 7] = ["deny", "block", "isolate", "isolation", "restrict", "restricted", "quarantine"];

/// Words in the names of ports that are another one's, encrypted.
const ENCRYPTED: [&str; 5] = ["tls", "ssl", "mtls", "secure", "encrypted"];

/// The ports over which the replicas of well-known programs find each other: etcd, ZooKeeper, Erlang, Galera, Hazelcast, NATS,
/// JGroups, memberlist, Consul, Elasticsearch, Redis.
pub(super) const NUMBERS_OF_PEERS: [u16; 15] =
    [2380, 2888, 3888, 4369, 4567, 4568, 5701, 6222, 7800, 7946, 8301, 9300, 16379, 25672, 57800];

/// W0237 and W0240. That the pods of `apart` are closed to each other is told already.
pub(super) fn check(published: &Published<'_, '_>, apart: &BTreeSet<EndId>, found: &mut Vec<Diagnostic>) {
    // Where another object says who connects, it is told there when they may not.
    let targets = published.cluster.callers.iter().flat_map(|caller| &caller.targets);
    let called = targets.flat_map(|target| published.cluster.services_of(target));
    let called: BTreeSet<(&str, &str)> = called.map(|(one, _)| (&*one.namespace, &*one.name)).collect();
    let silent = published.all.iter().filter(|one| is_silent(one)).map(|one| &*one.policy.namespace);
    let silent: BTreeSet<&str> = silent.collect();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for service in &published.cluster.services {
        let is_called = called.contains(&(&*service.namespace, &*service.name));
        let own = match service.headless {
            true => replicas(service, published, apart),
            false if is_called => None,
            false => closed(service, published),
        };
        if own.is_some() || is_called || !silent.contains(&*service.namespace) {
            found.extend(own);
            continue;
        }
        let Some((one, diagnostic)) = forgotten(service, published) else { continue };
        // Several Services of the same pods say the same.
        if told.insert((&one.policy.namespace, &one.policy.name)) {
            // That no connection comes about follows.
            let follows = |other: &Diagnostic| {
                let mut others = other.labels.iter().skip(1);
                other.code == Code::W0221 && others.any(|label| Some(label.span) == one.name)
            };
            found.retain(|other| diagnostic.is_note || !follows(other));
            found.push(diagnostic);
        }
    }
}

/// Whether a policy for some pods, or one that is called after egress, isolates them for ingress, and has rules for egress
/// alone.
fn is_silent(one: &One<'_>) -> bool {
    let is_of_egress = one.is_called(&["egress", "outbound"]) && !one.is_called(&["ingress", "inbound"]);
    (!one.policy.subject.is_everything() || is_of_egress)
        && one.written.types.is_some()
        && one.written.rules(Direction::Ingress).place.is_none()
        && one.rules(Direction::Ingress).is_some()
        && one.rules(Direction::Egress).is_some_and(|rules| !rules.is_empty())
        && !one.is_called(&OF_CLOSED)
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
    let diagnostic = with_place(
        at(Code::W0237, one.isolation_place(Direction::Ingress).or(service.span), message),
        service.span,
        "this Service",
    );
    Some(diagnostic.with_help(
        "who selects a pod isolates all its ports: add a rule for these, with those who use the Service in `from`",
    ))
}

fn is_behind_ingress(service: &Service, published: &Published<'_, '_>) -> bool {
    let ingresses = &published.cluster.ingresses;
    let is_it = |backend: &crate::cluster::Backend| backend.service == service.name;
    ingresses.iter().any(|ingress| ingress.namespace == service.namespace && ingress.backends.iter().any(is_it))
}

/// W0237: a Service whose pods a policy of their own closes to everybody: it lists `Ingress` beside rules for egress, and nobody
/// has a rule for ingress. With that policy.
fn forgotten<'s, 'a>(service: &Service, published: &Published<'s, 'a>) -> Option<(&'s One<'a>, Diagnostic)> {
    if is_published(service) || is_behind_ingress(service, published) {
        return None;
    }
    let all = published.behind(service);
    let first = all.first()?;
    if all.iter().any(|behind| published.rules(behind).next().is_some()) {
        return None;
    }
    let isolating: Vec<&One<'_>> = first.isolating.iter().filter_map(|index| published.all.get(*index)).collect();
    let one = *isolating.iter().find(|one| is_silent(one))?;
    let message = format!(
        "{} closes all ingress of the pods behind the Service `{}/{}`: `policyTypes` lists `Ingress`, and no policy has a rule that \
         lets anybody in",
        one.shown(),
        service.namespace,
        service.name
    );
    let found = with_place(at(Code::W0237, one.written.types.or(one.name), message), service.span, "this Service");
    let found = found.with_help(
        "add an `ingress` rule with those who use the Service in `from`, or take `Ingress` out of `policyTypes`",
    );
    // What denies by default, and what is only scraped, may be closed on purpose.
    let is_sure = isolating.iter().all(|one| is_silent(one))
        && !service.ports.iter().all(|port| port.name.as_deref().is_some_and(is_of_metrics));
    Some((one, if is_sure { found } else { found.as_note() }))
}

/// W0240: a headless Service is there for the replicas of a workload to find each other, and they may not connect.
fn replicas(service: &Service, published: &Published<'_, '_>, apart: &BTreeSet<EndId>) -> Option<Diagnostic> {
    let others =
        published.cluster.services.iter().filter(|other| !other.headless && other.namespace == service.namespace);
    let others: Vec<&Service> = others.collect();
    let is_several = |behind: &&Behind<'_>| behind.pods.count > 1 && !apart.contains(&behind.end);
    published.behind(service).iter().filter(is_several).find_map(|behind| {
        let ports = PeerPort::all(service, behind);
        // Whoever scrapes them finds them by it as well.
        if service.ports.iter().all(|port| port.name.as_deref().is_some_and(is_of_metrics)) {
            return None;
        }
        let (direction, port) = ports.iter().find_map(|port| {
            let direction = port.closed(&ports, &others, behind, published)?;
            Some((direction, port))
        })?;
        let isolating = published.engine.decision(direction, behind.end, behind.end).isolating;
        let one = published.all.get(*isolating.first()?)?;
        let message = format!(
            "`{}` has {} replicas that find each other by the headless Service `{}`, and {} closes their {} to each other on {}",
            behind.workload,
            behind.pods.count,
            service.name,
            one.shown(),
            direction.word(),
            shown(&port.ports)
        );
        let place = one.isolation_place(direction);
        let diagnostic = with_place(at(Code::W0240, place, message), service.span, "this Service");
        let (list, word) = (super::peers_field(direction), direction.word());
        let labels = service.selector.iter().flatten().map(|(key, value)| format!("{key}: {value:?}"));
        let labels: Vec<String> = labels.collect();
        Some(diagnostic.with_help(format!(
            "add to `{word}`: `- {list}: [{{podSelector: {{matchLabels: {{{}}}}}}}]`",
            labels.join(", ")
        )))
    })
}

/// A port over which replicas may find each other.
struct PeerPort<'s> {
    name: Option<&'s str>,
    ports: PortSet,
    /// Whether its name or its number says that it is for that.
    is_said: bool,
    /// Whether the headless Service has it.
    is_of_service: bool,
}

impl<'s> PeerPort<'s> {
    /// Those of a headless Service, and of a StatefulSet those that its containers list for it.
    fn all(service: &'s Service, behind: &Behind<'s>) -> Vec<PeerPort<'s>> {
        let of_service = service.ports.iter().filter_map(|port| {
            let (name, ports) = (port.name.as_deref(), target(port, behind.pods)?);
            Some(PeerPort { name, is_said: is_said(name, &ports), ports, is_of_service: true })
        });
        let mut all: Vec<PeerPort<'_>> = of_service.collect();
        if behind.workload.kind == Kind::StatefulSet {
            for port in &behind.pods.ports {
                let (name, ports) = (port.name.as_deref(), PortSet::number(port.protocol, port.number));
                let is_new = !all.iter().any(|one| one.ports.overlaps(&ports));
                // What is internal and no Service offers is for whoever looks after the pods.
                let is_internal = words(name).any(|word| word == INTERNAL);
                if is_new && !is_internal && is_said(name, &ports) {
                    all.push(PeerPort { name, ports, is_said: true, is_of_service: false });
                }
            }
        }
        all
    }

    /// The direction in which it is closed to the replicas, when they need it.
    fn closed(
        &self,
        all: &[PeerPort<'_>],
        others: &[&Service],
        behind: &Behind<'_>,
        published: &Published<'_, '_>,
    ) -> Option<Direction> {
        let offered = |other: &&Service| {
            other.selects(&behind.pods.labels)
                && other.ports.iter().filter_map(|port| target(port, behind.pods)).any(|one| one.overlaps(&self.ports))
        };
        let opened = || published.rules(behind).any(|(.., rule)| is_on(rule, behind.pods, &self.ports));
        // What others may use is for them.
        if opened() && (!self.is_said || is_for_others(published, behind, &self.ports))
            || (!self.is_said && others.iter().any(offered))
        {
            return None;
        }
        let side = |direction, ports: &PortSet| {
            let verdict = published.engine.side(direction, behind.end, behind.end);
            verdict.allowed.union(&verdict.unknown).overlaps(ports)
        };
        let closed = |ports: &PortSet| Direction::ALL.into_iter().find(|direction| !side(*direction, ports));
        let direction = closed(&self.ports)?;
        // A port that containers do not list, by its number.
        let is_known = |number: &u16| closed(&PortSet::number(Protocol::Tcp, *number)).is_none();
        if !self.is_of_service && NUMBERS_OF_PEERS.iter().any(is_known) {
            return None;
        }
        // They find each other by another port, and this one is for clients or for whoever wants to encrypt.
        let is_instead = |other: &&PeerPort<'_>| match (self.is_said, self.is_of_service) {
            (true, true) => is_twin(self, other),
            (true, false) | (false, _) => other.is_said,
        };
        let open = all.iter().filter(|other| closed(&other.ports).is_none()).find(is_instead);
        open.is_none().then_some(direction)
    }
}

/// Whether the name or the number of a port says that the replicas of a program find each other by it.
fn is_said(name: Option<&str>, ports: &PortSet) -> bool {
    let is_number = |number: &u16| {
        [Protocol::Tcp, Protocol::Udp].iter().any(|protocol| ports.overlaps(&PortSet::number(*protocol, *number)))
    };
    words(name).any(|word| OF_PEERS.contains(&word)) || NUMBERS_OF_PEERS.iter().any(is_number)
}

fn words(name: Option<&str>) -> impl Iterator<Item = &str> {
    name.unwrap_or_default().split('-')
}

/// Whether one of two ports is the other one, encrypted: a program uses either.
fn is_twin(port: &PeerPort<'_>, other: &PeerPort<'_>) -> bool {
    let is_encrypted = |port: &PeerPort<'_>| words(port.name).any(|word| ENCRYPTED.contains(&word));
    let plain = |port: &PeerPort<'_>| -> BTreeSet<String> {
        words(port.name).filter(|word| !ENCRYPTED.contains(word)).map(str::to_owned).collect()
    };
    let (one, two) = (plain(port), plain(other));
    is_encrypted(port) != is_encrypted(other) && (one.is_empty() || two.is_empty() || !one.is_disjoint(&two))
}

/// Whether a rule lets others than the pods themselves connect on ports.
fn is_for_others(published: &Published<'_, '_>, behind: &Behind<'_>, ports: &PortSet) -> bool {
    let is_other = |peer: &Peer| match peer {
        Peer::Pods { pods, .. } => !pods.matches(&behind.pods.labels),
        Peer::Block(_) | Peer::Unlisted(_) => true,
    };
    let opens =
        |rule: &Rule| is_on(rule, behind.pods, ports) && (rule.peers.is_empty() || rule.peers.iter().any(is_other));
    published.rules(behind).any(|(.., rule)| opens(rule))
}
