//! The ports of flows to add, in the words of the tier that they are at.

use super::ends::is_dns;
use super::{LearnedEnd, LearnedPort, Learner, WhyNotLearned};
use crate::draft::free;
use crate::model::{Tier, TierId};
use crate::net::{PortSet, Protocol, is_dns_label};
use std::sync::Arc;

impl Learner<'_> {
    /// A port as the destination calls it; one that it does not list is added to its list.
    pub(super) fn port(&mut self, to: &LearnedEnd, ports: &PortSet) -> Result<LearnedPort, WhyNotLearned> {
        let by_number = LearnedPort { ports: ports.clone(), name: None, added_to: None };
        let Some((id, tier)) = to.tier.and_then(|id| Some((id, self.program.model.tier(id)?))) else {
            return Ok(by_number);
        };
        let Some(listed) = &tier.ports else { return Ok(by_number) };
        if let Some(port) = listed.iter().find(|port| port.ports == *ports) {
            return Ok(LearnedPort { name: Some(port.name.clone()), ..by_number });
        }
        if tier.served.as_ref().is_some_and(|served| served.contains(ports)) {
            return Ok(by_number);
        }
        let known = self.new.ports.iter().find(|(tier, _, added)| *tier == id && added == ports);
        let name = match known {
            Some((_, name, _)) => name.clone(),
            None if !self.options.files.contains(&tier.span.file) => {
                return Err(WhyNotLearned::PortOfCatalogue(to.name.to_string()));
            }
            None => self.new_port(id, tier, ports),
        };
        Ok(LearnedPort { name: Some(name), added_to: Some(id), ..by_number })
    }

    fn new_port(&mut self, id: TierId, tier: &Tier, ports: &PortSet) -> Arc<str> {
        let number = Protocol::ALL.into_iter().find_map(|one| ports.ranges(one).first().map(|(low, _)| (one, *low)));
        let mut names: Vec<String> = Vec::new();
        if let Some((protocol, number)) = number {
            names.extend(self.name_of_container_port(tier, protocol, number));
            names.push(format!("port-{number}"));
        }
        let is_taken = |name: &str| {
            tier.ports.iter().flatten().any(|port| &*port.name == name)
                || self.new.ports.iter().any(|(other, known, _)| *other == id && &**known == name)
        };
        let name: Arc<str> = free(&names, is_taken).into();
        self.new.ports.push((id, name.clone(), ports.clone()));
        name
    }

    /// What the containers of a tier's pods call a port.
    fn name_of_container_port(&self, tier: &Tier, protocol: Protocol, number: u16) -> Option<String> {
        let home = &self.program.model.namespace(tier.namespace)?.name;
        let workloads = self.judge.candidate.cluster.workloads.iter().filter(|one| one.namespace == *home);
        let pods = workloads.flat_map(|one| &one.pods).filter(|pods| tier.selector.matches(&pods.labels));
        let mut ports = pods.flat_map(|pods| &pods.ports);
        let port = ports.find(|port| port.protocol == protocol && port.number == number)?;
        port.name.as_deref().filter(|name| is_dns_label(name)).map(str::to_owned)
    }

    /// Whether a row is a question to the cluster's DNS servers, which `dns` of the namespace is about.
    pub(super) fn is_dns(&self, row: &super::ReplayRow) -> bool {
        is_dns(row)
            && (self.pods_behind(row).any(|(namespace, labels)| {
                &*namespace == "kube-system" && labels.get("k8s-app").is_some_and(|name| name.contains("dns"))
            }) || row.service.as_deref() == Some("kube-system/kube-dns"))
    }
}
