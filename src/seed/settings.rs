//! Who seems to connect, by what pods are started with: hosts in their settings, the peers of a StatefulSet, the roles of their
//! ServiceAccount, and Secrets, of which nothing is known.

use super::callers::told_port;
use super::flows::{FlowSource, Inferring, Trust};
use super::hosts::{HostToken, hosts, is_outside, port_of_scheme};
use super::services::{Leads, TierPortAt, is_of, leads};
use super::texts::{ContainerText, texts};
use super::{DeployedTier, QuestionKind, tiers};
use crate::cluster::{DeployHint, EnvValue, PodHints, RoleBinding, Service, ServicePort, TargetPort};
use crate::net::Protocol;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Words at the end of a key that say that its value is no host, even where it is the name of a Service.
const NO_HOSTS: [&str; 47] = [
    "app",
    "bind",
    "bucket",
    "cidr",
    "collection",
    "component",
    "database",
    "db",
    "dbname",
    "dialect",
    "dir",
    "driver",
    "env",
    "environment",
    "exchange",
    "group",
    "id",
    "index",
    "job",
    "key",
    "kind",
    "label",
    "level",
    "listen",
    "login",
    "mask",
    "mode",
    "name",
    "namespace",
    "netmask",
    "owner",
    "password",
    "path",
    "prefix",
    "queue",
    "realm",
    "role",
    "schema",
    "subnet",
    "table",
    "tag",
    "tenant",
    "title",
    "topic",
    "user",
    "username",
    "version",
];

/// The type of Secrets that hold certificates.
const TLS: &str = "kubernetes.io/tls";

/// The Service of the API server.
const API_SERVER: [&str; 2] = ["kubernetes", "default"];

/// What a host is.
enum NamedHost<'c> {
    Service(&'c Service),
    ApiServer,
    /// A Service that is not given, by its namespace and name.
    NotGiven(String),
    Outside(String),
    /// An address that no Service has.
    Address(IpAddr),
    Nothing,
}

impl<'a> Inferring<'a> {
    /// Adds what the settings of pods say.
    pub(super) fn add_settings(&mut self) {
        let deployed = self.deployed;
        // What a workload made says the same again.
        let named: Vec<Option<usize>> = tiers::all_templates(deployed).map(|hints| self.by_name(hints)).collect();
        let with_name: BTreeSet<usize> = named.iter().flatten().copied().collect();
        for (hints, named) in tiers::all_templates(deployed).zip(named) {
            let is_said = |tier: &usize| named.is_none() && with_name.contains(tier);
            let Some(tier) = self.tier_of(hints).filter(|tier| !is_said(tier)) else { continue };
            for text in texts(deployed, hints) {
                for host in hosts(&text.text) {
                    self.add_host(tier, hints, &text, &host);
                }
            }
            self.add_secrets(tier, hints);
            self.add_roles(tier, hints);
            self.add_peers(tier, hints);
        }
    }

    /// The tier that pods are, by the object that makes them or else by their labels.
    pub(super) fn tier_of(&self, hints: &PodHints) -> Option<usize> {
        let labels = &hints.labels;
        let has_labels = |tier: &DeployedTier| {
            !labels.is_empty()
                && tier.namespace == hints.namespace
                && tier.members.iter().any(|member| member.labels == *labels)
        };
        let found = self.by_name(hints).or_else(|| self.tiers.iter().position(has_labels));
        found.filter(|_| !hints.host_network)
    }

    /// The tier that an object makes pods of.
    fn by_name(&self, hints: &PodHints) -> Option<usize> {
        let is_its = |tier: &DeployedTier| {
            tier.namespace == hints.namespace
                && tier.members.iter().any(|member| (&member.kind, &member.name) == (&hints.kind, &hints.name))
        };
        self.tiers.iter().position(is_its)
    }

    fn add_host(&mut self, tier: usize, hints: &PodHints, text: &ContainerText<'_>, host: &HostToken<'_>) {
        match self.named(&hints.namespace, host, text) {
            NamedHost::Service(service) => self.add_service(tier, service, text, host),
            NamedHost::ApiServer => self.ask_for_api_server(tier, &text.place),
            NamedHost::NotGiven(name) => {
                let message = format!("{{tier}} -> Service {name}, which is not here: {}", text.place);
                self.ask_of_tier(tier, QuestionKind::NotGiven, &name, &message);
            }
            NamedHost::Outside(name) => {
                let port = told_behind(text, host);
                let message = format!("{{tier}} -> {name}{port} outside, of which no address is known: {}", text.place);
                self.ask_of_tier(tier, QuestionKind::Outside, &name, &message);
            }
            NamedHost::Address(address) => {
                let name = match address {
                    IpAddr::V4(address) => address.to_string(),
                    IpAddr::V6(address) => format!("[{address}]"),
                };
                let port = told_behind(text, host);
                let message = format!("{{tier}} -> {name}{port} outside, for which a `cidr` is a name: {}", text.place);
                self.ask_of_tier(tier, QuestionKind::Outside, &name, &message);
            }
            NamedHost::Nothing => {}
        }
    }

    /// What a host is, seen from a namespace.
    fn named(&self, home: &str, host: &HostToken<'_>, text: &ContainerText<'_>) -> NamedHost<'a> {
        let labels: Vec<&str> = host.name.split('.').collect();
        let cluster = self.deployed.cluster;
        if let Ok(address) = host.name.parse::<IpAddr>() {
            return self.with_address(address, host, text);
        }
        let (name, namespace, says_svc) = match labels.as_slice() {
            [name] => (*name, home, false),
            [name, namespace, "svc"] | [name, namespace, "svc", "cluster", ..] => (*name, *namespace, true),
            [_, name, namespace, "svc"] | [_, name, namespace, "svc", "cluster", ..] => (*name, *namespace, true),
            [first, second] if cluster.service(second, first).is_some() || [*first, *second] == API_SERVER => {
                (*first, *second, false)
            }
            [_, name] => (*name, home, false),
            [_, name, namespace] => (*name, *namespace, false),
            _ => ("", home, false),
        };
        if [name, namespace] == API_SERVER {
            return NamedHost::ApiServer;
        }
        let is_short = labels.len() == 1 && host.port.is_none() && host.scheme.is_none();
        match cluster.service(namespace, name) {
            Some(_) if is_short && !is_named_as_host(text, host) => NamedHost::Nothing,
            // What is called like a pod of a Service has to be one whose pods have names.
            Some(service) if !says_svc && labels.len() > 1 && labels.first() != Some(&name) && !service.headless => {
                NamedHost::Nothing
            }
            Some(service) => match leads(cluster, service) {
                Leads::Service(service) => NamedHost::Service(service),
                Leads::Host(name) => NamedHost::Outside(name.to_ascii_lowercase()),
            },
            None if says_svc => NamedHost::NotGiven(format!("{namespace}/{name}")),
            None if host.scheme.is_some() && is_outside(&host.name) => NamedHost::Outside(host.name.clone()),
            None if host.is_whole
                && is_outside(&host.name)
                && (host.port.is_some() || is_named_as_host(text, host)) =>
            {
                NamedHost::Outside(host.name.clone())
            }
            None => NamedHost::Nothing,
        }
    }

    /// Who has an address.
    fn with_address(&self, address: IpAddr, host: &HostToken<'_>, text: &ContainerText<'_>) -> NamedHost<'a> {
        let mut services = self.deployed.cluster.services.iter();
        // `10.0.0.0/8` is no host.
        let is_host = host.scheme.is_some()
            || host.is_whole && !text.text.contains('/') && (host.port.is_some() || is_named_as_host(text, host));
        match services.find(|service| service.cluster_ips.contains(&address)) {
            _ if !is_host || address.is_loopback() || address.is_unspecified() => NamedHost::Nothing,
            Some(service) => NamedHost::Service(service),
            None => NamedHost::Address(address),
        }
    }

    fn add_service(&mut self, tier: usize, service: &Service, text: &ContainerText<'_>, host: &HostToken<'_>) {
        let behind = self.behind(service);
        if service.is_api_server() {
            return self.ask_for_api_server(tier, &text.place);
        }
        let full = format!("{}/{}", service.namespace, service.name);
        if self.is_on_nodes(service) {
            let port = Self::only_port(service).map(|port| format!(":{port}/tcp")).unwrap_or_default();
            let message = format!(
                "{{tier}} -> nodes{port}  # guess: {}; the pods behind Service {full} use the network of their nodes: list \
                 `nodes` in a `platform` block first",
                text.place
            );
            return self.ask_of_tier(tier, QuestionKind::Nodes, &full, &message);
        }
        if behind.is_empty() {
            let message = format!("{{tier}} -> Service {full}, whose pods are not here: {}", text.place);
            return self.ask_of_tier(tier, QuestionKind::NotGiven, &full, &message);
        }
        // Who is told its own name does not ask itself, unless its pods have names of their own.
        if behind.contains(&tier) && !(service.headless && (host.port.is_some() || host.name.contains('.'))) {
            return;
        }
        let port = host.port.or(text.port.filter(|_| host.is_whole));
        match self.asked(service, port, host.scheme) {
            Ok(ports) => self.flow(&FlowSource::Tier(tier), &ports, Trust::Guess, &text.place),
            Err(why) => {
                let message = format!("{{tier}} -> Service {full}: {why}: {}", text.place);
                self.ask_of_tier(tier, QuestionKind::Port, &full, &message);
            }
        }
    }

    /// The ports of the pods that are asked through a Service.
    fn asked(&mut self, service: &Service, port: Option<u16>, scheme: Option<&str>) -> Result<Vec<TierPortAt>, String> {
        let with_number = |number: u16| -> Vec<ServicePort> {
            let ports = service.ports.iter().filter(|port| port.port == number);
            // A name of pods is no other port.
            let direct = |port: &ServicePort| match service.headless {
                true => ServicePort { target: TargetPort::Number(port.port), ..port.clone() },
                false => port.clone(),
            };
            ports.map(direct).collect()
        };
        let found = match (port, service.ports.as_slice()) {
            (Some(number), _) => with_number(number),
            (None, [only]) => vec![only.clone()],
            (None, _) => {
                let by_scheme = scheme.and_then(port_of_scheme).map(with_number).unwrap_or_default();
                let called = |port: &&ServicePort| scheme.is_some_and(|scheme| port.name.as_deref() == Some(scheme));
                let named = || service.ports.iter().filter(called).cloned().collect();
                if by_scheme.is_empty() { named() } else { by_scheme }
            }
        };
        let found = match (found.is_empty(), port) {
            (true, Some(number)) if service.headless => {
                vec![ServicePort {
                    name: None,
                    protocol: Protocol::Tcp,
                    port: number,
                    node_port: None,
                    target: TargetPort::Number(number),
                }]
            }
            _ => found,
        };
        let ports: Vec<TierPortAt> = found.iter().flat_map(|port| self.targets(service, port)).collect();
        if !ports.is_empty() {
            return Ok(ports);
        }
        let all: Vec<String> = service.ports.iter().map(|port| port.port.to_string()).collect();
        Err(match (port, found.first()) {
            (_, Some(first)) => format!("no container lists its port `{}`", told_port(&first.target)),
            (Some(number), None) => format!("it has no port {number}"),
            (None, None) if all.is_empty() => "it has no port".to_owned(),
            (None, None) => format!("it is not known on which of its ports {}", all.join(", ")),
        })
    }

    fn add_secrets(&mut self, tier: usize, hints: &PodHints) {
        let of_env = |container: &crate::cluster::ContainerHints| {
            let keys = container.env.iter().filter_map(|(_, value)| match value {
                EnvValue::Secret(name) => Some(name.clone()),
                EnvValue::Text(_) | EnvValue::ConfigKey(..) | EnvValue::Namespace => None,
            });
            keys.chain(container.secrets.iter().cloned()).collect::<Vec<_>>()
        };
        let all: BTreeSet<Arc<str>> =
            hints.containers.iter().flat_map(of_env).chain(hints.secrets.iter().cloned()).collect();
        let is_tls = |secret: &Arc<str>| {
            self.deployed.hints.iter().any(|hint| {
                matches!(hint, DeployHint::Secret { namespace, name, secret_type }
                    if (namespace, name) == (&hints.namespace, secret) && &**secret_type == TLS)
            })
        };
        let told: Vec<Arc<str>> = all.into_iter().filter(|secret| !is_tls(secret)).collect();
        for secret in told {
            let message = format!("{{tier}} reads Secret {secret}, of which nothing is known");
            self.ask_of_tier(tier, QuestionKind::Secret, &secret, &message);
        }
    }

    fn add_roles(&mut self, tier: usize, hints: &PodHints) {
        let Some(account) = &hints.service_account else { return };
        let bindings = self.deployed.hints.iter().filter_map(|hint| match hint {
            DeployHint::Binding(binding) => Some(binding),
            DeployHint::Pods(_) | DeployHint::Config(_) | DeployHint::Class(_) | DeployHint::Secret { .. } => None,
        });
        let is_bound = |binding: &&RoleBinding| {
            binding.accounts.iter().any(|(namespace, name)| (namespace, name) == (&hints.namespace, account))
        };
        let places = bindings.filter(is_bound).map(|binding| format!("{} {}", binding.kind, binding.name));
        if let Some(place) = places.min() {
            self.ask_for_api_server(tier, &place);
        }
    }

    fn ask_for_api_server(&mut self, tier: usize, place: &str) {
        let message = format!(
            "{{tier}} -> apiserver:{{443, 6443}}/tcp  # guess: {place}; list the addresses of `apiserver` in a `platform` \
             block first"
        );
        self.ask_of_tier(tier, QuestionKind::ApiServer, "apiserver", &message);
    }

    /// Notes something about a tier once, in a text that has `{tier}` where it is named.
    fn ask_of_tier(&mut self, tier: usize, kind: QuestionKind, about: &str, text: &str) {
        let Some(name) = self.tiers.get(tier).map(|tier| tier.name.clone()) else { return };
        self.ask(tier, kind, about, text.replace("{tier}", &name));
    }

    /// Adds flows among the pods of a StatefulSet that have names of their own.
    fn add_peers(&mut self, tier: usize, hints: &PodHints) {
        let Some(name) = &hints.governing_service else { return };
        let Some(service) = self.deployed.cluster.service(&hints.namespace, name).filter(|service| service.headless)
        else {
            return;
        };
        let is_its = self.tiers.get(tier).is_some_and(|tier| tier.members.iter().any(|member| is_of(service, member)));
        if !is_its {
            return;
        }
        let evidence = format!("{} behind headless Service {}", hints.kind, name);
        let ports: Vec<TierPortAt> = service.ports.iter().flat_map(|port| self.targets(service, port)).collect();
        let own: Vec<TierPortAt> = ports.into_iter().filter(|port| port.tier == tier).collect();
        self.flow(&FlowSource::Tier(tier), &own, Trust::Guess, &evidence);
    }
}

/// The port behind a host outside, as it is told.
fn told_behind(text: &ContainerText<'_>, host: &HostToken<'_>) -> String {
    let port = host.port.or(text.port.filter(|_| host.is_whole)).or_else(|| port_of_scheme(host.scheme?));
    port.map(|port| format!(":{port}")).unwrap_or_default()
}

/// Whether something says of a word that it is a host: a key beside it that is not one of those for other things.
fn is_named_as_host(text: &ContainerText<'_>, host: &HostToken<'_>) -> bool {
    let key = match (host.key, &text.key) {
        (Some(key), _) => key,
        (None, Some(key)) if host.is_whole => key,
        (None, _) => return false,
    };
    let last = key.rsplit(|one: char| !one.is_ascii_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    // `databaseName` ends in a word, too.
    let begins = last.char_indices().rev().find(|(at, one)| *at > 0 && one.is_ascii_uppercase());
    let is_all_upper = last.chars().all(|one| !one.is_ascii_lowercase());
    let word = begins.filter(|_| !is_all_upper).and_then(|(at, _)| last.get(at..)).unwrap_or(last).to_ascii_lowercase();
    !word.is_empty() && !NO_HOSTS.contains(&&*word)
}
