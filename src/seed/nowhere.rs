//! What leads to no pods that a policy could be about, and why.

use super::QuestionKind;
use super::callers::told_port;
use super::flows::Inferring;
use crate::cluster::{CallTarget, Service, ServicePort};
use crate::net::Protocol;
use std::sync::Arc;

impl Inferring<'_> {
    /// Notes that an object leads nowhere, where it names a Service.
    pub(super) fn note_nowhere(&mut self, namespace: &Arc<str>, evidence: &str, target: &CallTarget) {
        let CallTarget::Service { namespace: home, name, port } = target else { return };
        let full = if home == namespace { name.to_string() } else { format!("{home}/{name}") };
        let at = port.as_ref().map(|port| format!("port {} of ", told_port(port))).unwrap_or_default();
        let why = match self.deployed.cluster.service(home, name) {
            None => "which is not here".to_owned(),
            Some(service) => self.why_nowhere(service, &service.ports_called(port.as_ref())),
        };
        let text = format!("{evidence} leads to {at}Service {full}, {why}");
        self.ask_of_namespace(namespace, QuestionKind::Nowhere, evidence, text);
    }

    /// Why some ports of a Service lead to nobody, as the end of a sentence.
    fn why_nowhere(&self, service: &Service, ports: &[ServicePort]) -> String {
        if let Some(host) = &service.external_name {
            return format!("which is another name for {host}, outside");
        }
        if ports.is_empty() {
            let all: Vec<String> = service.ports.iter().map(|port| port.port.to_string()).collect();
            return match all.is_empty() {
                true => "which has no port".to_owned(),
                false => format!("which has no such port but {}", all.join(", ")),
            };
        }
        match ports.first() {
            _ if self.is_on_nodes(service) => "whose pods use the network of their nodes".to_owned(),
            _ if self.behind(service).is_empty() => "whose pods are not here".to_owned(),
            Some(first) => format!("and no container lists its port `{}`", told_port(&first.target)),
            None => "which leads nowhere".to_owned(),
        }
    }

    /// Whether the pods behind a Service have no addresses of their own.
    pub(super) fn is_on_nodes(&self, service: &Service) -> bool {
        let here = self.deployed.cluster.workloads.iter().filter(|one| one.namespace == service.namespace);
        let mut behind = here.flat_map(|one| &one.pods).filter(|pods| service.selects(&pods.labels)).peekable();
        behind.peek().is_some() && behind.all(|pods| pods.host_network)
    }

    /// The number of the only TCP port that the pods behind a Service are asked on.
    pub(super) fn only_port(service: &Service) -> Option<u16> {
        match service.ports.as_slice() {
            [ServicePort { target: crate::cluster::TargetPort::Number(number), protocol: Protocol::Tcp, .. }] => {
                Some(*number)
            }
            _ => None,
        }
    }
}
