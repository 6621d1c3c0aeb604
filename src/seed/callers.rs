//! Who connects because an object says so: what stands in front of Services, who scrapes, and the API server.

use super::classes::{GATEWAY_LABEL, OF_ROUTES, ServedBy, of_gateway, of_ingress};
use super::flows::{FlowSource, Inferring, Trust};
use super::services::{TierPortAt, number_of, tiers_behind, tiers_with};
use super::{CatalogueTier, QuestionKind};
use crate::cluster::{Backend, CallTarget, Caller, Ingress, Service, ServicePort, TargetPort, Who};
use crate::net::{Protocol, Selector, is_dns_label};
use std::sync::Arc;

/// A Gateway, by its namespace and name.
type GatewayAt<'g> = (&'g Arc<str>, &'g Arc<str>);

/// The component that scrapes.
const SCRAPER: &str = "prometheus";

impl Inferring<'_> {
    /// Adds what Ingresses, routes, monitors and webhooks say.
    pub(super) fn add_callers(&mut self) {
        let cluster = self.deployed.cluster;
        for ingress in &cluster.ingresses {
            self.add_ingress(ingress);
        }
        for caller in &cluster.callers {
            match caller.who {
                Who::ApiServer => self.add_webhook(caller),
                Who::Gateway => self.add_route(caller),
                Who::Scraper => self.add_scraper(caller, Trust::Sure),
                Who::AnnotatedScraper => self.add_scraper(caller, Trust::Likely),
            }
        }
        for service in cluster.services.iter().filter(|service| &*service.service_type == "LoadBalancer") {
            self.add_balancer(service);
        }
    }

    fn add_ingress(&mut self, ingress: &Ingress) {
        let evidence = format!("Ingress {}", ingress.name);
        let served = of_ingress(self.deployed, &ingress.namespace, &ingress.name);
        let target = |Backend { service, port }: &Backend| CallTarget::Service {
            namespace: ingress.namespace.clone(),
            name: service.clone(),
            port: port.clone(),
        };
        let targets: Vec<CallTarget> = ingress.backends.iter().map(target).collect();
        self.add_front(served, (&ingress.namespace, None), &targets, &evidence);
    }

    fn add_route(&mut self, caller: &Caller) {
        let evidence = format!("{} {}", caller.kind, caller.name);
        if &*caller.kind == "Route" {
            return self.add_front(Ok(OF_ROUTES), (&caller.namespace, None), &caller.targets, &evidence);
        }
        for (namespace, name) in &caller.gateways {
            let served = of_gateway(self.deployed, namespace, name);
            self.add_front(served, (&caller.namespace, Some((namespace, name))), &caller.targets, &evidence);
        }
    }

    /// Adds flows from those who serve a class to the pods behind Services, for an object of a namespace.
    fn add_front(
        &mut self,
        served: Result<ServedBy, Option<&str>>,
        (home, gateway): (&Arc<str>, Option<GatewayAt<'_>>),
        targets: &[CallTarget],
        evidence: &str,
    ) {
        let mut led: Vec<Vec<TierPortAt>> = Vec::new();
        for target in targets {
            let ports: Vec<Vec<TierPortAt>> =
                self.ports_of(target).into_iter().filter(|ports| !ports.is_empty()).collect();
            if ports.is_empty() {
                self.note_nowhere(home, evidence, target);
            }
            led.extend(ports);
        }
        // Nobody is in front of nothing.
        if led.is_empty() {
            return;
        }
        let source = match (served, gateway) {
            (Ok(ServedBy::Component { component, namespace, tier }), _) => self.component(component, namespace, tier),
            (Ok(ServedBy::PodsOfGateway), Some((namespace, name))) => self.pods_of_gateway(namespace, name),
            (Ok(ServedBy::PodsOfGateway), None) => Err("it is not known which pods serve it".to_owned()),
            (Ok(ServedBy::NoPods(why)), _) => Err(why.to_owned()),
            (Err(Some(class)), _) => Err(format!("it is not known which pods serve the class `{class}`")),
            (Err(None), Some((namespace, name))) => {
                Err(format!("the class of Gateway {namespace}/{name} is not known, and so not which pods serve it"))
            }
            (Err(None), None) => Err("it names no class, so it is not known which pods serve it".to_owned()),
        };
        for ports in led {
            match &source {
                Ok(source) => self.flow(source, &ports, Trust::Sure, evidence),
                Err(why) => {
                    for port in ports {
                        let about = format!("{evidence} -> port {}", port.number);
                        let text = format!("{evidence} leads to {{port}}: {why}");
                        self.ask_of_port(port, QuestionKind::Front, &about, &text);
                    }
                }
            }
        }
    }

    /// Asks something about a port, in a text that has `{port}` where it is named.
    fn ask_of_port(&mut self, port: TierPortAt, kind: QuestionKind, about: &str, text: &str) {
        let Some(tier) = self.tiers.get(port.tier) else { return };
        let end = format!("{}:{}/{}", tier.name, port.number, port.protocol.keyword());
        self.ask(port.tier, kind, about, text.replace("{port}", &end));
    }

    /// The ports of pods that a target leads to, those of each Service by themselves.
    fn ports_of(&mut self, target: &CallTarget) -> Vec<Vec<TierPortAt>> {
        let cluster = self.deployed.cluster;
        if let CallTarget::Pods { namespaces, labels, ports } = target {
            let found: Vec<TierPortAt> = tiers_with(&self.tiers, |name| namespaces.has(name), labels)
                .into_iter()
                .flat_map(|(tier, member)| {
                    let number = |port| number_of(member, port, Protocol::Tcp);
                    let port = move |number| TierPortAt { tier, protocol: Protocol::Tcp, number };
                    ports.iter().filter_map(number).map(port).collect::<Vec<_>>()
                })
                .collect();
            return vec![found];
        }
        let all: Vec<(&Service, Vec<ServicePort>)> = cluster.services_of(target);
        all.into_iter()
            .map(|(service, ports)| ports.iter().flat_map(|port| self.targets(service, port)).collect())
            .collect()
    }

    fn add_scraper(&mut self, caller: &Caller, trust: Trust) {
        let evidence = match trust {
            Trust::Sure => format!("{} {}", caller.kind, caller.name),
            Trust::Likely | Trust::Guess => format!("prometheus.io/scrape of {} {}", caller.kind, caller.name),
        };
        let Some(known) = self.deployed.catalogue.iter().find(|one| &*one.component == SCRAPER) else { return };
        for target in &caller.targets {
            for ports in self.ports_of(target) {
                if ports.is_empty() {
                    continue;
                }
                for port in &ports {
                    let name: Arc<str> = "metrics".into();
                    if let Some(tier) = self.tiers.get_mut(port.tier) {
                        tier.require(port.protocol, port.number, Some(&name), &evidence);
                    }
                }
                match self.component(SCRAPER, &known.namespace, &known.tier) {
                    Ok(source) => self.flow(&source, &ports, trust, &evidence),
                    Err(why) => {
                        for port in ports {
                            let text = format!("{evidence} has {{port}} scraped: {why}");
                            self.ask_of_port(port, QuestionKind::Front, &evidence, &text);
                        }
                    }
                }
            }
        }
    }

    fn add_webhook(&mut self, caller: &Caller) {
        let evidence = format!("{} {}", caller.kind, caller.name);
        for target in &caller.targets {
            for port in self.ports_of(target).into_iter().flatten() {
                let text = format!(
                    "apiserver -> {{port}}  # {evidence}: list the addresses of `apiserver` in a `platform` block first"
                );
                self.ask_of_port(port, QuestionKind::ApiServer, &evidence, &text);
            }
        }
    }

    fn add_balancer(&mut self, service: &Service) {
        let evidence = format!("Service {}", service.name);
        for port in &service.ports {
            for port in self.targets(service, port) {
                let text = format!(
                    "{evidence} is a LoadBalancer: `anywhere -> {{port}}` opens it to everybody, a `cidr` to those that it \
                     lists"
                );
                self.ask_of_port(port, QuestionKind::Front, &evidence, &text);
            }
        }
    }

    /// Who connects as a tier of a component: where its namespace is one of the program's own, whoever has its labels there.
    fn component(&mut self, component: &str, namespace: &str, tier: &str) -> Result<FlowSource, String> {
        let of_component: Vec<CatalogueTier> =
            self.deployed.catalogue.iter().filter(|one| &*one.component == component).cloned().collect();
        let is_managed = |name: &str| self.tiers.iter().any(|tier| &*tier.namespace == name);
        let meant = of_component.iter().find(|one| &*one.namespace == namespace && &*one.tier == tier);
        if is_managed(namespace) {
            let selector = meant.map(|one| one.selector.clone()).unwrap_or_default();
            let here: Vec<usize> =
                tiers_with(&self.tiers, |name| name == namespace, &selector).into_iter().map(|(at, _)| at).collect();
            return match super::services::without_covered(&self.tiers, here).first() {
                Some(at) => Ok(FlowSource::Tier(*at)),
                None => Err(format!("`{component}` of the catalogue is not among what runs in `{namespace}` here")),
            };
        }
        // What it declares beside that would be declared twice.
        let has_gateway = |name: &str| self.gateways.iter().any(|(namespace, ..)| **namespace == *name);
        if meant.is_none() || of_component.iter().any(|one| is_managed(&one.namespace) || has_gateway(&one.namespace)) {
            return Err(format!("`use {component}` would declare a namespace of this program, too"));
        }
        self.components.insert((namespace.into(), component.into()));
        Ok(FlowSource::Other(namespace.into(), tier.into()))
    }

    /// The pods of a Gateway, which run in its namespace.
    fn pods_of_gateway(&mut self, namespace: &Arc<str>, name: &Arc<str>) -> Result<FlowSource, String> {
        let selector = Selector::equals(GATEWAY_LABEL, name.clone());
        if !is_dns_label(namespace) || !is_dns_label(name) {
            return Err(format!("the Gateway `{namespace}/{name}` has a name that no tier can have"));
        }
        let used =
            self.deployed.catalogue.iter().find(|one| {
                one.namespace == *namespace && self.components.iter().any(|(_, used)| *used == one.component)
            });
        if let Some(CatalogueTier { component, .. }) = used {
            return Err(format!("`use {component}` declares the namespace of its Gateway, without its pods"));
        }
        self.gateways.insert((namespace.clone(), name.clone(), selector));
        Ok(FlowSource::Other(namespace.clone(), name.clone()))
    }

    /// The tiers behind a Service.
    pub(super) fn behind(&self, service: &Service) -> Vec<usize> {
        tiers_behind(&self.tiers, service)
    }

    /// Adds the ports that probes ask.
    pub(super) fn add_probed(&mut self) {
        let mut found: Vec<(usize, u16)> = Vec::new();
        for hints in super::tiers::all_templates(self.deployed) {
            let Some(tier) = self.tier_of(hints) else { continue };
            let members = self.tiers.get(tier).map(|tier| tier.members.as_slice()).unwrap_or_default();
            let asked = hints.containers.iter().flat_map(|container| &container.probed);
            for target in asked {
                let number = members.iter().find_map(|member| number_of(member, target, Protocol::Tcp));
                found.extend(number.map(|number| (tier, number)));
            }
        }
        for (tier, number) in found {
            if let Some(tier) = self.tiers.get_mut(tier) {
                tier.require(Protocol::Tcp, number, None, "a probe");
            }
        }
    }
}

/// A port by number or name, as it is told.
pub(super) fn told_port(port: &TargetPort) -> String {
    match port {
        TargetPort::Number(number) => number.to_string(),
        TargetPort::Named(name) => name.to_string(),
    }
}
