//! Rules that are for everyone.

use super::atoms::ports as ports_of;
use super::published::target;
use super::runs::{Found, Runs};
use super::{One, at, field, peers_field};
use crate::cluster::{Pods, Service};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, PortSet, Protocol, Requirement};
use crate::netpol::{Port, PortTarget, Rule};

/// Where API servers and what is for all on the web listen: nobody can name those behind it by labels.
const OF_THE_WEB: [u16; 4] = [80, 443, 6443, 8443];

/// Where webhooks listen, which the API server calls: the defaults of libraries for controllers, and those of cert-manager
/// and Istio.
const OF_WEBHOOKS: [u16; 3] = [4443, 9443, 10250];

/// Where the proxies and the control plane of the meshes of Istio and Linkerd listen: who connects there has an identity of its
/// own.
const OF_MESHES: [u16; 10] = [4143, 4190, 4191, 15008, 15010, 15011, 15012, 15014, 15017, 15021];

/// Where well-known exporters of metrics listen, which whoever looks after the cluster asks: those of nodes, statsd, MySQL,
/// HAProxy, nginx, probes, Redis, PgBouncer, ZooKeeper, memcached, PostgreSQL, MongoDB, Kafka, Java, RabbitMQ.
const OF_EXPORTERS: [u16; 17] =
    [9100, 9101, 9102, 9104, 9113, 9115, 9121, 9127, 9141, 9150, 9182, 9187, 9216, 9308, 9404, 9419, 15692];

/// What is outside of a cluster under addresses that nobody can list: mail, Git over SSH, time, and the web over UDP.
const OF_OUTSIDE: [(Protocol, u16); 6] = [
    (Protocol::Tcp, 22),
    (Protocol::Tcp, 25),
    (Protocol::Tcp, 465),
    (Protocol::Tcp, 587),
    (Protocol::Udp, 123),
    (Protocol::Udp, 443),
];

/// Where nodes themselves connect to storage, which no label matches (NFS, iSCSI).
const OF_NODES: [u16; 2] = [2049, 3260];

/// Where collectors take traces, logs and figures from whoever has some: OTLP, Zipkin, Jaeger, OpenCensus, the protocols of
/// Fluentd, syslog, GELF, statsd.
const OF_COLLECTORS: [(Protocol, u16); 19] = [
    (Protocol::Tcp, 4317),
    (Protocol::Tcp, 4318),
    (Protocol::Tcp, 9411),
    (Protocol::Tcp, 14250),
    (Protocol::Tcp, 14268),
    (Protocol::Udp, 5775),
    (Protocol::Udp, 6831),
    (Protocol::Udp, 6832),
    (Protocol::Tcp, 55678),
    (Protocol::Tcp, 24224),
    (Protocol::Udp, 24224),
    (Protocol::Tcp, 514),
    (Protocol::Udp, 514),
    (Protocol::Tcp, 6514),
    (Protocol::Tcp, 12201),
    (Protocol::Udp, 12201),
    (Protocol::Udp, 8125),
    (Protocol::Udp, 9125),
    (Protocol::Tcp, 9125),
];

/// How the namespaces begin in which OpenShift runs its own programs, which look themselves at who asks.
const OF_PLATFORM: &str = "openshift-";

/// The names that such ports have.
const NAMES_OF_THE_WEB: [&str; 5] = ["http", "https", "web", "websecure", "webhook"];

/// Words in the name of a policy or the labels of its pods that say that everyone is meant: who asks is outside of the
/// cluster, or the API server, which no label matches.
const FOR_EVERYONE: [&str; 15] = [
    "webhook",
    "webhooks",
    "admission",
    "acme",
    "http01",
    "solver",
    "gateway",
    "ingressgateway",
    "proxy",
    "public",
    "internet",
    "external",
    "metrics",
    "everyone",
    "anywhere",
];

/// Labels of pods that are there for everyone, whatever their value: those that answer a certificate authority, and the
/// pods of gateways.
const LABELS_FOR_EVERYONE: [&str; 3] =
    ["acme.cert-manager.io/http01-solver", "gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name"];

/// Words in the names of ports that are for whoever looks after the cluster.
const NAMES_OF_METRICS: [&str; 6] = ["prom", "prometheus", "monitoring", "telemetry", "exporter", "webhook"];

/// Words in the name of a policy that say who connects, or to whom.
const OF_ENDS: [&str; 4] = ["from", "to", "between", "via"];

/// Where well-known databases, caches and queues listen, which nobody opens to everyone: PostgreSQL, MySQL, SQL Server,
/// Oracle, MongoDB, Redis and its sentinels, Cassandra, Elasticsearch, memcached, CouchDB, etcd, Neo4j, ClickHouse, Kafka,
/// AMQP, NATS, ZooKeeper, Vault.
const OF_STORES: [u16; 25] = [
    5432, 6432, 3306, 33060, 1433, 1521, 27017, 27018, 6379, 26379, 9042, 9200, 9300, 11211, 5984, 2379, 2380, 7687,
    9000, 9092, 5672, 5671, 4222, 2181, 8200,
];

/// The names that their ports have.
const NAMES_OF_STORES: [&str; 18] = [
    "postgres",
    "postgresql",
    "pg",
    "sql",
    "mysql",
    "mariadb",
    "mongo",
    "mongodb",
    "redis",
    "cql",
    "elastic",
    "memcached",
    "db",
    "database",
    "etcd",
    "kafka",
    "amqp",
    "nats",
];

/// Words that say that not everyone is meant.
const FOR_SOME: [&str; 7] = ["deny", "block", "isolate", "isolation", "restrict", "restricted", "only"];

/// W0207 in all its forms.
pub(super) fn check(one: &One<'_>, runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    for direction in Direction::ALL {
        let rules = one.rules(direction).unwrap_or_default().iter().enumerate();
        let open = rules.filter(|(_, rule)| rule.peers.is_empty() && !super::dns::is_only_dns(rule));
        // Halves of one rule are told as such.
        let halves = super::split::split(one, direction, runs);
        let open = open.filter(|(index, _)| halves.is_none_or(|two| !two.contains(index)));
        let live = open.filter(|(index, _)| !one.covered.contains(&(direction, *index)));
        // The API server, which calls there, cannot be named.
        let live = live.filter(|(_, rule)| !super::callers::is_for_webhook(one, direction, rule, runs.cluster));
        found.extend(live.filter_map(|(index, rule)| for_everyone(one, direction, index, rule, runs)));
        found.extend(nothing_allowed(one, direction));
    }
}

fn for_everyone(one: &One<'_>, direction: Direction, index: usize, rule: &Rule, runs: &Runs<'_>) -> Option<Diagnostic> {
    let list = peers_field(direction);
    let written = one.written.rules(direction).rules.get(index)?;
    let why = match written.peers_place {
        Some(_) => format!("an empty `{list}` is no list of nobody"),
        None => format!("there is no `{list}`"),
    };
    let what = match direction {
        Direction::Ingress => "everyone may connect, inside of the cluster and outside",
        Direction::Egress => "these pods may connect to everything, inside of the cluster and outside",
    };
    let ports = if rule.ports.is_empty() { "on every port" } else { "on these ports" };
    let mut message = format!("this rule of {} is for everyone: {why}, so {what}, {ports}", one.shown());
    let others: Vec<usize> = match rule.ports.is_empty() {
        true => (0..one.rules(direction)?.len()).filter(|other| *other != index).collect(),
        false => Vec::new(),
    };
    message += match others.len() {
        0 => "",
        1 => ", and its other rule changes nothing",
        _ => ", and its other rules change nothing",
    };
    let place = written.peers_place.or(one.rule_place(direction, index));
    let mut diagnostic = at(Code::W0207, place, message).with_help(match direction {
        Direction::Ingress => {
            "list who may connect: `from: [{podSelector: {matchLabels: {app: NAME}}}]`; to deny, remove the rule"
        }
        Direction::Egress => {
            "list where to: `to: [{podSelector: {matchLabels: {app: NAME}}}]`; to deny, remove the rule"
        }
    });
    for other in &others {
        if let Some(place) = one.rule_place(direction, *other) {
            diagnostic = diagnostic.with_label(place, "changes nothing beside it");
        }
    }
    // Whoever lists ports that are for all beside an empty list of peers does not mean nobody.
    let is_public = || {
        let is_ingress = direction == Direction::Ingress;
        rule.ports.iter().all(|port| is_for_the_web(port, is_ingress)) || is_served(one, direction, rule, runs)
    };
    let is_plain = match (written.peers_place, rule.ports.is_empty()) {
        (None, true) => written.ports_place.is_none(),
        (None, false) => true,
        (Some(_), true) => false,
        (Some(_), false) => is_public(),
    };
    let is_meant = if others.is_empty() {
        is_plain && is_meant(one, direction, rule, runs)
    } else {
        // What is listed beside it names nobody either, and says what it is for.
        let is_out = direction == Direction::Egress;
        is_out && is_plain && others.iter().all(|other| is_for_anybody(one, direction, *other))
    };
    Some(if is_meant || is_called_open(one, direction) { diagnostic.as_note() } else { diagnostic })
}

/// Whether the name of a policy says that it opens everything.
fn is_called_open(one: &One<'_>, direction: Direction) -> bool {
    one.is_called(&["allow", "permit", "open"])
        && one.is_called(&["all", "any", "everything"])
        && !is_of_other_way(one, direction)
}

/// Whether the name of a policy says that it is about the other direction.
fn is_of_other_way(one: &One<'_>, direction: Direction) -> bool {
    one.is_called(&[direction.other().word()]) && !one.is_called(&[direction.word()])
}

/// Whether a program wrote a policy, or a platform's makers did: programs list peers where they are told some, so who left them
/// out has chosen it.
fn is_chosen(one: &One<'_>) -> bool {
    one.policy.namespace.starts_with(OF_PLATFORM) || one.written.by_program
}

/// Whether a rule names nobody, or the DNS servers.
fn is_for_anybody(one: &One<'_>, direction: Direction, rule: usize) -> bool {
    let rule = one.rules(direction).and_then(|rules| rules.get(rule));
    let is_dns = |port: &Port| {
        super::dns::is_dns(port) || matches!(&port.target, PortTarget::Named(name) if name.starts_with("dns"))
    };
    rule.is_some_and(|rule| rule.peers.is_empty() || rule.ports.iter().all(is_dns) && !rule.ports.is_empty())
}

/// Whether a rule without a list of peers is surely meant for everyone: it is `{}` and nothing else, which is how all of
/// a direction is allowed, or it is about what everyone uses. Unless the name of the policy says that only some are meant.
fn is_meant(one: &One<'_>, direction: Direction, rule: &Rule, runs: &Runs<'_>) -> bool {
    if one.is_called(&FOR_SOME) && !one.is_called(&["allow"]) && !is_of_other_way(one, direction) {
        return false;
    }
    let is_ingress = direction == Direction::Ingress;
    is_called_open(one, direction)
        || is_chosen(one)
        || rule.ports.iter().all(|port| is_for_the_web(port, is_ingress))
        || (is_ingress && !rule.ports.is_empty() && !one.is_called(&OF_ENDS) && !rule.ports.iter().any(is_of_store))
        || (is_ingress && (is_for_all(one) || is_of_mesh(rule)))
        || (!is_ingress && is_for_api_server(one, rule))
        || is_offered(one, direction, rule, runs)
        || is_served(one, direction, rule, runs)
}

/// Whether a rule of an ingress lists just ports that a Service offers for its pods: whoever opens these to everyone has
/// chosen them.
fn is_served(one: &One<'_>, direction: Direction, rule: &Rule, runs: &Runs<'_>) -> bool {
    if direction != Direction::Ingress || rule.ports.is_empty() {
        return false;
    }
    let matched = runs.subject(one).pods;
    let served = |(workload, pods): &Found<'_>| {
        let here = runs.cluster.services.iter().filter(|service| service.namespace == workload.namespace);
        let ports = here.filter(|service| service.selects(&pods.labels)).flat_map(|service| &service.ports);
        let targets: Vec<PortSet> = ports.filter_map(|port| target(port, pods)).collect();
        let is_one = |port: &Port| {
            numbers_of(port, pods).is_some_and(|wanted| targets.iter().any(|served| served.overlaps(&wanted)))
        };
        rule.ports.iter().all(is_one)
    };
    matched.iter().any(served)
}

/// Whether what stands around the pods of an ingress rule says that its ports are for everyone: a Service offers them
/// outside of the cluster, or they have the name of one that whoever looks after it asks.
pub(super) fn is_offered(one: &One<'_>, direction: Direction, rule: &Rule, runs: &Runs<'_>) -> bool {
    if direction != Direction::Ingress || rule.ports.is_empty() {
        return false;
    }
    let pods = runs.subject(one).pods;
    let of_pods = |(workload, pods): &Found<'_>| {
        let here = runs.cluster.services.iter().filter(|service| service.namespace == workload.namespace);
        let services: Vec<&Service> = here.filter(|service| service.selects(&pods.labels)).collect();
        rule.ports.iter().all(|port| is_offered_by(port, pods, &services))
    };
    pods.iter().any(of_pods)
}

/// The number of a port, by which name it may be; `None` for many.
fn numbers_of(port: &Port, pods: &Pods) -> Option<PortSet> {
    match &port.target {
        PortTarget::Number(_) => Some(ports_of(port)),
        PortTarget::Named(name) => {
            let named =
                pods.ports.iter().filter(|one| one.protocol == port.protocol && one.name.as_ref() == Some(name));
            Some(named.fold(PortSet::empty(), |all, one| all.union(&PortSet::number(one.protocol, one.number))))
        }
        PortTarget::Range(..) | PortTarget::Every => None,
    }
}

/// Whether the name of a port says that it is for whoever looks after the cluster.
pub(super) fn is_of_metrics(name: &str) -> bool {
    name.contains("metrics") || name.split('-').any(|word| NAMES_OF_METRICS.contains(&word))
}

fn is_offered_by(port: &Port, pods: &Pods, services: &[&Service]) -> bool {
    let Some(wanted) = numbers_of(port, pods) else { return false };
    let is_wanted = |ports: PortSet| ports.overlaps(&wanted);
    let by_container = pods.ports.iter().any(|one| {
        one.name.as_deref().is_some_and(is_of_metrics) && is_wanted(PortSet::number(one.protocol, one.number))
    });
    by_container
        || services.iter().any(|service| {
            let is_outside = super::outside::is_published(service);
            service.ports.iter().any(|one| {
                (is_outside || one.name.as_deref().is_some_and(is_of_metrics))
                    && target(one, pods).is_some_and(is_wanted)
            })
        })
}

/// Whether a rule has only ports of what everyone uses on the web.
pub(super) fn is_for_all_use(rule: &Rule) -> bool {
    let is_known = |port: &Port| matches!(port.target, PortTarget::Number(number) if OF_THE_WEB.contains(&number));
    rule.ports.iter().all(|port| port.protocol == Protocol::Tcp && is_known(port))
}

fn is_for_the_web(port: &Port, is_ingress: bool) -> bool {
    match &port.target {
        PortTarget::Number(number) => {
            let is_of_ingress =
                OF_WEBHOOKS.contains(number) || OF_NODES.contains(number) || OF_EXPORTERS.contains(number);
            let is_known = OF_THE_WEB.contains(number) || (is_ingress && is_of_ingress);
            (port.protocol == Protocol::Tcp && is_known)
                || (is_ingress && OF_COLLECTORS.contains(&(port.protocol, *number)))
                || (!is_ingress && (OF_OUTSIDE.contains(&(port.protocol, *number)) || super::dns::is_dns(port)))
        }
        PortTarget::Named(name) => NAMES_OF_THE_WEB.contains(&&**name) || name.contains("metrics"),
        PortTarget::Range(low, high) => !is_ingress && is_of_media(port.protocol, *low, *high),
        PortTarget::Every => false,
    }
}

/// Whether a port is that of a database, a cache or a queue.
pub(super) fn is_of_store(port: &Port) -> bool {
    match &port.target {
        PortTarget::Number(number) => port.protocol == Protocol::Tcp && OF_STORES.contains(number),
        PortTarget::Named(name) => name.split(['-', '_']).any(|word| NAMES_OF_STORES.contains(&word)),
        PortTarget::Range(..) | PortTarget::Every => false,
    }
}

/// Whether a rule has a port on which the proxy of a mesh takes what is for the pods.
pub(super) fn is_by_mesh(rule: &Rule) -> bool {
    const OF_PROXIES: [u16; 2] = [4143, 15008];
    rule.ports.iter().any(|port| matches!(port.target, PortTarget::Number(number) if OF_PROXIES.contains(&number)))
}

/// Whether a rule has a port of a mesh, perhaps with others of the same program.
fn is_of_mesh(rule: &Rule) -> bool {
    rule.ports.iter().any(|port| matches!(port.target, PortTarget::Number(number) if OF_MESHES.contains(&number)))
}

/// Whether ports are those over which voice and video go, to whomever a call is with.
pub(super) fn is_of_media(protocol: Protocol, low: u16, high: u16) -> bool {
    const LOWEST: u16 = 1024;
    const MOST_OF_OTHERS: u16 = 1000;
    protocol == Protocol::Udp && low >= LOWEST && high.saturating_sub(low) >= MOST_OF_OTHERS
}

/// Whether the name of a policy or a label of its pods says that everyone is meant.
fn is_for_all(one: &One<'_>) -> bool {
    let says = |text: &str| text.split(['-', '.', '_']).any(|word| FOR_EVERYONE.contains(&word));
    let requirements = one.policy.subject.requirements();
    if one.policy.subject.keys().any(|key| LABELS_FOR_EVERYONE.contains(&&**key)) {
        return true;
    }
    let is_said = |requirement: &Requirement<'_>| matches!(requirement, Requirement::Equals(_, value) if says(value));
    says(&one.policy.name) || requirements.iter().any(is_said) || is_of_controller(one)
}

/// Whether the pods of a policy are those of an ingress controller, by their labels or their namespace: its ports are for
/// those outside.
fn is_of_controller(one: &One<'_>) -> bool {
    let subject = &one.policy.subject;
    let values = super::outside::KEYS_OF_CONTROLLERS.iter().filter_map(|key| subject.required_value(key)).flatten();
    let is_known = |text: &str| super::outside::CONTROLLERS.iter().any(|known| text.contains(known));
    is_known(&one.policy.namespace)
        || one.policy.namespace.split('-').any(|word| word == "ingress")
        || values.into_iter().any(|value| is_known(value))
}

/// Whether a way out is for the API server, as the name of its policy says, with one of its ports and perhaps others that
/// stand for it.
fn is_for_api_server(one: &One<'_>, rule: &Rule) -> bool {
    let is_its = |port: &Port| matches!(port.target, PortTarget::Number(443 | 6443)) && port.protocol == Protocol::Tcp;
    one.is_called(&["apiserver", "kubeapi", "k8sapi"]) && rule.ports.iter().any(is_its)
}

/// A policy whose name says that it allows, and that allows nothing.
fn nothing_allowed(one: &One<'_>, direction: Direction) -> Option<Diagnostic> {
    let written = one.written.rules(direction);
    let says_allow = one.is_called(&["allow", "allows", "permit"]);
    let says_deny = one.is_called(&["deny", "block", "only", "isolate"]);
    let empty = written.place.is_some() && written.rules.is_empty() && one.all_rules().next().is_none();
    if !says_allow || says_deny || !empty || one.rules(direction).is_none() {
        return None;
    }
    let message =
        format!("{} allows nothing: an empty `{}` denies everything in that direction", one.shown(), field(direction));
    Some(at(Code::W0207, written.place, message).with_help(format!(
        "write a rule for those who may connect; `{}: [{{}}]` would allow everyone",
        field(direction)
    )))
}
