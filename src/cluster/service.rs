//! What stands behind a Service.

use super::{Cluster, Labels, Pods, Service, TargetPort, Workload};
use crate::net::Protocol;

impl Service {
    /// Whether it selects pods with these labels, which are of its namespace.
    pub fn selects(&self, labels: &Labels) -> bool {
        let has = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.selector.as_ref().is_some_and(|selector| !selector.is_empty() && selector.iter().all(has))
    }
}

impl Cluster {
    /// The Service that translates its port `number` for some of these pods, and the port of the pods behind it.
    pub fn service_port<'c>(
        &'c self,
        pods: &[(&Workload, &Pods)],
        protocol: Protocol,
        number: u16,
    ) -> Option<(&'c Service, u16)> {
        let of_pods = |service: &&Service| {
            pods.iter().any(|(workload, pods)| workload.namespace == service.namespace && service.selects(&pods.labels))
        };
        self.services.iter().filter(of_pods).find_map(|service| {
            let port = service.ports.iter().find(|port| port.protocol == protocol && port.port == number)?;
            let target = match &port.target {
                TargetPort::Number(number) => *number,
                TargetPort::Named(name) => {
                    let all = pods.iter().flat_map(|(_, pods)| &pods.ports);
                    let mut named = all.filter(|port| port.name.as_ref() == Some(name) && port.protocol == protocol);
                    named.next()?.number
                }
            };
            (target != number).then_some((service, target))
        })
    }
}
