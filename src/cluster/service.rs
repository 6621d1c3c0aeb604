//! What stands behind a Service.

use super::{Cluster, Labels, Pods, Service, ServicePort, TargetPort, Workload};
use crate::net::Protocol;

impl Service {
    /// Whether it selects pods with these labels, which are of its namespace.
    pub fn selects(&self, labels: &Labels) -> bool {
        let has = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.selector.as_ref().is_some_and(|selector| !selector.is_empty() && selector.iter().all(has))
    }

    /// Those of its ports that a number or a name stands for; all of them without one.
    pub fn ports_called(&self, wanted: Option<&TargetPort>) -> Vec<ServicePort> {
        let is_meant = |port: &&ServicePort| match wanted {
            None => true,
            Some(TargetPort::Number(number)) => port.port == *number,
            Some(TargetPort::Named(name)) => port.name.as_ref() == Some(name),
        };
        self.ports.iter().filter(is_meant).cloned().collect()
    }
}

/// A port that a Service makes another one of.
#[derive(Debug, Clone, Copy)]
pub struct TranslatedPort<'c> {
    /// The Service.
    pub service: &'c Service,
    /// The port of the pods behind it.
    pub target: u16,
    /// Whether it is the port of every node (`nodePort`), and not that of the Service.
    pub of_nodes: bool,
}

impl TranslatedPort<'_> {
    /// What the port is called.
    pub fn kind(self) -> &'static str {
        if self.of_nodes { "nodePort" } else { "port" }
    }
}

impl Cluster {
    /// The Service that translates its port `number`, or that of every node, for some of these pods.
    pub fn translated<'c>(
        &'c self,
        pods: &[(&Workload, &Pods)],
        protocol: Protocol,
        number: u16,
    ) -> Option<TranslatedPort<'c>> {
        self.translations(pods, protocol, number).into_iter().find(|found| found.target != number)
    }

    /// What the port `number` of Services of some of these pods, or of every node, becomes.
    pub fn translations<'c>(
        &'c self,
        pods: &[(&Workload, &Pods)],
        protocol: Protocol,
        number: u16,
    ) -> Vec<TranslatedPort<'c>> {
        // The name of a headless one stands for the addresses of pods, and nothing is translated.
        let of_pods = |service: &&Service| {
            !service.headless
                && pods
                    .iter()
                    .any(|(workload, pods)| workload.namespace == service.namespace && service.selects(&pods.labels))
        };
        let target = |port: &ServicePort| match &port.target {
            TargetPort::Number(number) => Some(*number),
            TargetPort::Named(name) => {
                let all = pods.iter().flat_map(|(_, pods)| &pods.ports);
                let mut named = all.filter(|port| port.name.as_ref() == Some(name) && port.protocol == protocol);
                Some(named.next()?.number)
            }
        };
        let ports = self.services.iter().filter(of_pods).flat_map(|service| {
            service.ports.iter().filter(|port| port.protocol == protocol).map(move |port| (service, port))
        });
        ports
            .filter(|(_, port)| port.port == number || port.node_port == Some(number))
            .filter_map(|(service, port)| {
                Some(TranslatedPort { service, target: target(port)?, of_nodes: port.port != number })
            })
            .collect()
    }
}
