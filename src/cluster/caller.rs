//! Who connects to what runs, as other objects say: the API server to webhooks, gateways to what they publish, scrapers to
//! metrics.

use super::{Cluster, Service, ServicePort, TargetPort};
use crate::net::Selector;
use crate::source::Span;
use std::sync::Arc;

/// An object that has somebody connect to pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// `kind`.
    pub kind: Arc<str>,
    /// `metadata.namespace`; empty when it has none.
    pub namespace: Arc<str>,
    /// `metadata.name`; of a webhook its own name.
    pub name: Arc<str>,
    /// Who connects.
    pub who: Who,
    /// To whom.
    pub targets: Vec<CallTarget>,
    /// The gateways that it is for, by namespace and name, where it names some. Their pods may run there.
    pub gateways: Vec<(Arc<str>, Arc<str>)>,
    /// Where it was read.
    pub span: Option<Span>,
}

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The API server, which no selector of pods matches.
    ApiServer,
    /// The pods of a gateway.
    Gateway,
    /// The pods of Prometheus or its like.
    Scraper,
    /// The same, where only annotations say so, which are of use where somebody looks for them.
    AnnotatedScraper,
}

/// Pods to which somebody connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallTarget {
    /// Those behind a Service.
    Service {
        /// Its namespace.
        namespace: Arc<str>,
        /// Its name.
        name: Arc<str>,
        /// The port of it, by number or name; `None` for all.
        port: Option<TargetPort>,
    },
    /// Those behind Services by their labels.
    Services {
        /// Where.
        namespaces: WatchedNamespaces,
        /// The labels of the Services.
        labels: Selector,
        /// The ports of them by name, or those of the pods.
        ports: Vec<ScrapedPort>,
    },
    /// Pods by their labels.
    Pods {
        /// Where.
        namespaces: WatchedNamespaces,
        /// Their labels.
        labels: Selector,
        /// Their ports.
        ports: Vec<TargetPort>,
    },
}

/// Namespaces that a monitor looks in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchedNamespaces {
    /// All.
    Any,
    /// These.
    Named(Vec<Arc<str>>),
}

impl WatchedNamespaces {
    /// Whether one is among them.
    pub fn has(&self, name: &str) -> bool {
        match self {
            WatchedNamespaces::Any => true,
            WatchedNamespaces::Named(names) => names.iter().any(|one| **one == *name),
        }
    }
}

/// A port that is scraped behind a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScrapedPort {
    /// `port`: the name of a port of the Service.
    OfService(Arc<str>),
    /// `targetPort`: a port of the pods.
    OfPods(TargetPort),
}

impl Cluster {
    /// The Services that a target leads to, each with the ports of it that are meant.
    pub fn services_of<'c>(&'c self, target: &'c CallTarget) -> Vec<(&'c Service, Vec<ServicePort>)> {
        match target {
            CallTarget::Service { namespace, name, port } => {
                let found = self.service(namespace, name).into_iter();
                found.map(|service| (service, service.ports_called(port.as_ref()))).collect()
            }
            CallTarget::Services { namespaces, labels, ports } => {
                let of_labels =
                    |service: &&Service| namespaces.has(&service.namespace) && labels.matches(&service.labels);
                let found = self.services.iter().filter(of_labels);
                found.map(|service| (service, ports.iter().flat_map(|port| scraped(service, port)).collect())).collect()
            }
            CallTarget::Pods { .. } => Vec::new(),
        }
    }
}

fn scraped(service: &Service, wanted: &ScrapedPort) -> Vec<ServicePort> {
    match wanted {
        ScrapedPort::OfService(name) => service.ports_called(Some(&TargetPort::Named(name.clone()))),
        // Whatever the Service has, the pods are asked on this one.
        ScrapedPort::OfPods(target) => {
            let port = |first: &ServicePort| ServicePort { target: target.clone(), ..first.clone() };
            service.ports.first().map(port).into_iter().collect()
        }
    }
}
