//! What runs in a cluster, as plain data: namespaces, workloads with their pods, services, ingresses.

#![warn(clippy::wildcard_enum_match_arm)]

mod address;
mod assemble;
mod caller;
mod chain;
mod hint;
mod identity;
mod object;
mod runtime;
mod service;
mod unmodelled;
mod unread;
mod whole;

pub use address::NodeAt;
pub use assemble::Conflict;
pub use caller::{CallTarget, Caller, ScrapedPort, WatchedNamespaces, Who};
pub use hint::{ClassHint, ConfigText, ContainerHints, DeployHint, EnvValue, PodHints, RoleBinding};
pub use identity::lasting;
pub use object::{Object, Owner, Runner, Scaler};
pub use runtime::is_set_at_runtime;
pub use service::TranslatedPort;
pub use unmodelled::Unmodelled;
pub use unread::{UnreadParts, UnreadPlaces};
pub use whole::{OF_EVERY_CLUSTER, Whole};

use crate::net::Protocol;
use crate::source::Span;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Labels, by their keys.
pub type Labels = BTreeMap<String, String>;

/// Everything that is known of a cluster. What is not listed may exist all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// The namespaces with an object of their own, sorted by name, each once.
    pub namespaces: Vec<Namespace>,
    /// The workloads, sorted by namespace, name and kind, each once.
    pub workloads: Vec<Workload>,
    /// The services, sorted by namespace and name, each once.
    pub services: Vec<Service>,
    /// The ingresses, sorted by namespace and name, each once.
    pub ingresses: Vec<Ingress>,
    /// The nodes, sorted by name, each once.
    pub nodes: Vec<Node>,
    /// Who else connects to what runs, sorted by namespace, name and kind, each once.
    pub callers: Vec<Caller>,
    /// What stands behind Services by its addresses, sorted.
    pub endpoints: Vec<Endpoints>,
    /// Objects that change what is allowed and are not understood, such as those of admin tiers or a mesh.
    pub unmodelled: Vec<Unmodelled>,
    /// What of this is known to be all that there is.
    pub whole: Whole,
    /// What was given beside it and could not be read.
    pub unread: UnreadParts,
}

impl Cluster {
    /// Whether nothing at all is known of it, but that something could not be read.
    pub fn holds_nothing(&self) -> bool {
        let Cluster {
            namespaces,
            workloads,
            services,
            ingresses,
            nodes,
            callers,
            endpoints,
            unmodelled,
            whole,
            unread: _,
        } = self;
        let runs = namespaces.is_empty() && workloads.is_empty() && services.is_empty() && ingresses.is_empty();
        let others = nodes.is_empty() && callers.is_empty() && endpoints.is_empty() && unmodelled.is_empty();
        runs && others && *whole == Whole::default()
    }
}

/// A Namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `metadata.labels`, with the name label that the control plane adds.
    pub labels: Labels,
    /// Where it was read.
    pub span: Option<Span>,
}

/// What a workload is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A pod without an owner.
    Pod,
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `apps/v1` ReplicaSet without a Deployment.
    ReplicaSet,
    /// `v1` ReplicationController.
    ReplicationController,
    /// `batch/v1` Job without a CronJob.
    Job,
    /// `batch/v1` CronJob.
    CronJob,
    /// A kind that Kubernetes does not have itself, such as a Rollout of `argoproj.io`: its name and API group.
    Other(Arc<str>, Arc<str>),
}

impl Kind {
    /// As it is written in `kind`.
    pub fn as_str(&self) -> &str {
        match self {
            Kind::Pod => "Pod",
            Kind::Deployment => "Deployment",
            Kind::StatefulSet => "StatefulSet",
            Kind::DaemonSet => "DaemonSet",
            Kind::ReplicaSet => "ReplicaSet",
            Kind::ReplicationController => "ReplicationController",
            Kind::Job => "Job",
            Kind::CronJob => "CronJob",
            Kind::Other(kind, _) => kind,
        }
    }

    /// Whether its pods have names that stay, one of each: a StatefulSet, also of those who extend it.
    fn is_stateful(&self) -> bool {
        self.as_str().ends_with("StatefulSet")
    }
}

/// The owner of pods, or a pod that nobody owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// `metadata.name` of the owner.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The labels of the owner itself, which no policy looks at; those of the pod when it is one.
    pub labels: Labels,
    /// `spec.selector.matchLabels`, by which it knows its pods; none where it has none.
    pub selector: Labels,
    /// Its pods, those that policies can tell apart each; none when it runs none (`replicas: 0`).
    pub pods: Vec<Pods>,
    /// The number of the first pod, where they are numbered: `spec.ordinals.start` of a StatefulSet.
    pub first_number: u64,
    /// Where it was read.
    pub span: Option<Span>,
}

impl Workload {
    /// Whether it goes by this name: with or without its namespace and what it is.
    pub fn is_called(&self, text: &str) -> bool {
        let text = text.strip_prefix(&*self.namespace).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
        match text.strip_prefix(&*self.name) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) == Some(self.kind.as_str()),
            None => false,
        }
    }

    /// Why no policy applies to any of its pods, when that is so.
    pub fn outside(&self) -> Option<&'static str> {
        let here: Vec<&Pods> = self.pods.iter().filter(|pods| pods.count > 0).collect();
        let left: Vec<&&Pods> = here.iter().filter(|pods| !pods.finished).collect();
        if here.is_empty() {
            Some("it has no pods")
        } else if left.is_empty() {
            Some("its pods have ended")
        } else if left.iter().all(|pods| pods.host_network) {
            Some("its pods use the network of their node, where policies do not apply")
        } else {
            None
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.namespace, self.name, self.kind.as_str())
    }
}

/// Pods of one workload that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pods {
    /// Their labels.
    pub labels: Labels,
    /// The ports that their containers list, sorted, each once.
    pub ports: Vec<ContainerPort>,
    /// How many there are, as far as is known: replicas, or pods that were seen.
    pub count: u64,
    /// Whether there can be two of them at a time.
    pub several: bool,
    /// Whether they use the network of their node: policies do not apply to them.
    pub host_network: bool,
    /// Whether they have ended (`status.phase` is Succeeded or Failed): they have no network any more.
    pub finished: bool,
    /// The addresses of each of them that was seen running and has some, sorted; at most `count`.
    pub addresses: Vec<Vec<IpAddr>>,
    /// Those of them that were given one by one, sorted; at most `count`.
    pub seen: Vec<SeenPod>,
    /// Where they were read: the template or the pod.
    pub span: Option<Span>,
}

/// A pod that was given itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SeenPod {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `status.podIPs` and `status.podIP`, sorted.
    pub addresses: Vec<IpAddr>,
    /// `spec.nodeName`.
    pub node: Option<Arc<str>>,
    /// `status.hostIPs` and `status.hostIP`, the addresses of its node, sorted.
    pub node_addresses: Vec<IpAddr>,
    /// Whether it does not run, or not yet: `status.phase` is Pending or Unknown.
    pub is_waiting: bool,
}

/// A Node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `status.addresses`, those that are addresses.
    pub addresses: Vec<IpAddr>,
    /// `spec.podCIDRs` and `spec.podCIDR`: what the pods there get.
    pub pods: Vec<IpNet>,
}

/// What stands behind a Service by its addresses: an EndpointSlice, or a subset of Endpoints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoints {
    /// Its namespace, and that of the Service.
    pub namespace: Arc<str>,
    /// The name of the Service.
    pub service: Arc<str>,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// The ports: the name of the port of the Service, and what it is there.
    pub ports: Vec<(Option<Arc<str>>, Protocol, u16)>,
}

/// One item of a container's `ports`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerPort {
    /// `protocol`, TCP when it is not written.
    pub protocol: Protocol,
    /// `containerPort`.
    pub number: u16,
    /// `name`.
    pub name: Option<Arc<str>>,
}

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `spec.type`, ClusterIP when it is not written.
    pub service_type: Arc<str>,
    /// `spec.selector`; `None` when it has none, and so selects no pods by itself.
    pub selector: Option<Labels>,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// `spec.clusterIPs` and `spec.clusterIP`, those that are addresses.
    pub cluster_ips: Vec<IpAddr>,
    /// Whether `spec.clusterIP` is `None`: its name stands for the addresses of its pods.
    pub headless: bool,
    /// `spec.externalIPs`, and `status.loadBalancer.ingress`, those that are addresses.
    pub outer_addresses: Vec<IpAddr>,
    /// `spec.externalName` of one of the type ExternalName: another name, which it stands for.
    pub external_name: Option<Arc<str>>,
    /// Whether `spec.externalTrafficPolicy` is Local: who connects from outside keeps the address.
    pub keeps_source: bool,
    /// Whether an annotation has the load balancer of a cloud connect to the pods, so that they may see who is outside.
    pub is_direct: bool,
    /// Where it was read.
    pub span: Option<Span>,
}

/// One item of a Service's `ports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// `name`.
    pub name: Option<Arc<str>>,
    /// `protocol`, TCP when it is not written.
    pub protocol: Protocol,
    /// `port`, that clients of the Service use.
    pub port: u16,
    /// `nodePort`: the port of every node that leads to it.
    pub node_port: Option<u16>,
    /// `targetPort`, the port of the pod, which is the one that policies see; `port` when it is not written.
    pub target: TargetPort,
}

/// The port of the pods behind a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPort {
    /// A number.
    Number(u16),
    /// The name of a container port.
    Named(Arc<str>),
}

/// An Ingress: what stands in front of services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `spec.ingressClassName`.
    pub class: Option<Arc<str>>,
    /// The services behind it, in order, each once.
    pub backends: Vec<Backend>,
    /// Where it was read.
    pub span: Option<Span>,
}

/// A Service behind an Ingress, in the same namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// `service.name`.
    pub service: Arc<str>,
    /// `service.port`: a number or the name of a port of the Service.
    pub port: Option<TargetPort>,
}
