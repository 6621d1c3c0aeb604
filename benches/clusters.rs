//! Clusters of any size with their policies, as they are found in the wild.

use polder::cluster::{Cluster, ContainerPort, Kind, Labels, Namespace, Pods, Workload};
use polder::net::{IpBlock, Protocol, Selector};
use polder::netpol::{Peer, Policy, Port, PortTarget, Rule};
use std::sync::Arc;

/// How closed the pods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Every namespace denies by default, both ways, and opens what is needed.
    Closed,
    /// Only some applications are isolated, for ingress; all else is open, so that nearly everything is a connection.
    Open,
}

/// How many pods, namespaces that they are spread over, and policies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Pods, each an object of its own.
    pub pods: usize,
    /// Namespaces.
    pub namespaces: usize,
    /// Policies.
    pub policies: usize,
}

const NAME: &str = "kubernetes.io/metadata.name";

/// The applications of a namespace: one for ten pods.
fn applications(size: Size) -> usize {
    (size.pods / size.namespaces / 10).max(4)
}

/// A cluster: pods of several applications in each namespace, and the namespaces of DNS, monitoring and the ingress.
pub(crate) fn cluster(size: Size) -> Cluster {
    let mut cluster = Cluster::default();
    for index in 0..size.namespaces {
        let name: Arc<str> = namespace(index).into();
        let team = format!("team-{}", index % 10);
        let labels = [(NAME, name.to_string()), ("team", team)].map(|(key, value)| (key.to_owned(), value));
        cluster.namespaces.push(Namespace { name: name.clone(), labels: labels.into(), span: None });
        let count = size.pods / size.namespaces;
        for pod in 0..count {
            let application = pod % applications(size);
            cluster.workloads.push(workload(&name, pod, &format!("app-{application}")));
        }
    }
    for (name, application) in SPECIAL {
        let labels = Labels::from([(NAME.to_owned(), name.to_owned())]);
        cluster.namespaces.push(Namespace { name: name.into(), labels, span: None });
        cluster.workloads.push(workload(&name.into(), 0, application));
    }
    cluster.namespaces.sort_by(|one, other| one.name.cmp(&other.name));
    cluster.workloads.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    cluster
}

const SPECIAL: [(&str, &str); 3] =
    [("kube-system", "kube-dns"), ("monitoring", "prometheus"), ("ingress-nginx", "ingress-nginx")];

fn namespace(index: usize) -> String {
    format!("space-{index}")
}

fn workload(namespace: &Arc<str>, pod: usize, application: &str) -> Workload {
    let labels = [("app", application.to_owned()), ("pod-template-hash", format!("{:08x}", pod * 7919))];
    let labels: Labels = labels.map(|(key, value)| (key.to_owned(), value)).into();
    let port = |name: &str, number| ContainerPort { protocol: Protocol::Tcp, number, name: Some(name.into()) };
    let pods = Pods {
        labels: labels.clone(),
        ports: vec![port("http", 8080), port("metrics", 9090)],
        count: 1,
        several: true,
        host_network: false,
        finished: false,
        addresses: Vec::new(),
        seen: Vec::new(),
        span: None,
    };
    Workload {
        namespace: namespace.clone(),
        name: format!("{application}-{pod}").into(),
        kind: Kind::Pod,
        labels,
        selector: Labels::new(),
        pods: vec![pods],
        first_number: 0,
        span: None,
    }
}

/// As many policies over the namespaces of a cluster.
pub(crate) fn policies(size: Size, habit: Habit) -> Vec<Policy> {
    let mut policies = Vec::with_capacity(size.policies + 1);
    let each = size.policies / size.namespaces;
    for index in 0..size.namespaces {
        let mut here = match habit {
            Habit::Closed => common(),
            Habit::Open => Vec::new(),
        };
        here.truncate(each);
        let mut application = 0;
        while here.len() < each {
            here.push(between_applications(size, index, application, habit));
            application += 1;
        }
        policies.extend(here.into_iter().enumerate().map(|(number, mut policy)| {
            policy.namespace = namespace(index).into();
            policy.name = format!("policy-{number}").into();
            policy
        }));
    }
    if habit == Habit::Closed {
        let everywhere = Peer::Pods { namespaces: Some(Selector::everything()), pods: Selector::everything() };
        let mut scrape =
            policy(Selector::equals("app", "prometheus"), None, Some(vec![everywhere]), &[named("metrics")]);
        scrape.namespace = "monitoring".into();
        policies.push(scrape);
    }
    policies
}

/// What every closed namespace has: the denial, DNS, monitoring, the ingress, and one way out of the cluster.
fn common() -> Vec<Policy> {
    let everyone = Selector::everything;
    let deny = Policy { ingress: Some(Vec::new()), egress: Some(Vec::new()), ..policy(everyone(), None, None, &[]) };
    let there = |(namespace, application): (&'static str, &'static str)| Peer::Pods {
        namespaces: Some(Selector::equals(NAME, namespace)),
        pods: Selector::equals("app", application),
    };
    let [dns, monitoring, ingress] = SPECIAL.map(there);
    let domain = [Protocol::Udp, Protocol::Tcp].map(|protocol| Port { protocol, target: PortTarget::Number(53) });
    let block = IpBlock {
        cidr: "0.0.0.0/0".parse().unwrap(),
        except: ["10.0.0.0/8", "169.254.169.254/32"].map(|net| net.parse().unwrap()).into(),
    };
    vec![
        deny,
        policy(everyone(), None, Some(vec![dns]), &domain),
        policy(everyone(), Some(vec![monitoring]), None, &[named("metrics")]),
        policy(Selector::equals("app", "app-0"), Some(vec![ingress]), None, &[named("http")]),
        policy(Selector::equals("app", "app-1"), None, Some(vec![Peer::Block(block)]), &[tcp(443)]),
    ]
}

/// One application lets another in, and some a namespace of other labels.
fn between_applications(size: Size, namespace: usize, number: usize, habit: Habit) -> Policy {
    let count = applications(size);
    let application = |index: usize| Selector::equals("app", format!("app-{}", index % count));
    let client = Peer::Pods { namespaces: None, pods: application(number / 2) };
    let server = Peer::Pods { namespaces: None, pods: application(number / 2 + 1) };
    let team = Peer::Pods {
        namespaces: Some(Selector::equals("team", format!("team-{}", namespace % 10))),
        pods: application(number / 2),
    };
    match (habit, number % 2) {
        (Habit::Closed, 1) => policy(application(number / 2), None, Some(vec![server]), &[named("http")]),
        (Habit::Closed, _) => policy(application(number / 2 + 1), Some(vec![client, team]), None, &[named("http")]),
        (Habit::Open, 0) => policy(application(number / 2 + 1), Some(vec![client, team]), None, &[tcp(8080)]),
        (Habit::Open, _) => {
            let around = Peer::Pods { namespaces: Some(Selector::everything()), pods: application(number) };
            policy(application(number / 2 + 1), Some(vec![around]), None, &[named("metrics")])
        }
    }
}

fn tcp(number: u16) -> Port {
    Port { protocol: Protocol::Tcp, target: PortTarget::Number(number) }
}

fn named(name: &str) -> Port {
    Port { protocol: Protocol::Tcp, target: PortTarget::Named(name.into()) }
}

fn policy(subject: Selector, from: Option<Vec<Peer>>, to: Option<Vec<Peer>>, ports: &[Port]) -> Policy {
    let rules = |peers: Option<Vec<Peer>>| {
        peers.map(|peers| vec![Rule { peers: peers.into(), ports: ports.into(), learns_names: false }])
    };
    Policy {
        kind: polder::netpol::PolicyKind::NetworkPolicy,
        namespace: "".into(),
        name: "policy".into(),
        subject,
        ingress: rules(from),
        egress: rules(to),
        description: None,
        statements: Default::default(),
    }
}
