//! The ports of a question, in the language's own words.

use super::Subject;
use crate::ask::{Asked, GroupName, Situation};
use crate::cluster::ContainerPort;
use crate::engine::EndId;
use crate::model::{DeclaredPorts, Model, Tier, describe_ports};
use crate::net::{PortSet, Protocol};
use crate::source::Sources;
use crate::syntax::{self, NodeKind, PortKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Ports that are asked for; names mean what the destination says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPorts {
    /// Those without a name of the destination's.
    numbers: PortSet,
    /// The names, with the protocol that was written.
    names: Vec<(Arc<str>, Option<Protocol>)>,
}

impl AskedPorts {
    /// Reads ports as a flow has them: `8080/tcp`, `8080`, `http`, `30000-32767/udp`, `{80, 443}/tcp`, `"web"/tcp`, `*`.
    pub fn parse(text: &str) -> Result<AskedPorts, String> {
        let wrong = || format!("`{text}` is not a port: write `8080/tcp`, `{{80, 443}}/tcp`, `http` or `*`");
        let mut sources = Sources::default();
        let file = sources.add("ports", format!("ports asked = {text}\n"));
        let parsed = syntax::parse(&sources, file);
        let [node] = parsed.tree.nodes.as_slice() else { return Err(wrong()) };
        let NodeKind::Ports(declared) = &node.kind else { return Err(wrong()) };
        let ports = &declared.ports;
        if !parsed.diagnostics.is_empty() || !parsed.tree.comments.is_empty() || ports.items.is_empty() {
            return Err(wrong());
        }
        let mut asked = AskedPorts { numbers: PortSet::empty(), names: Vec::new() };
        for item in &ports.items {
            let written = sources.text(item.span).split('/').next().unwrap_or_default().trim();
            let given = item.protocol().map(|(protocol, _)| protocol);
            let protocol = given.unwrap_or(Protocol::Tcp);
            let set = match item.kind {
                PortKind::Every => given.map_or_else(PortSet::everything, PortSet::whole),
                PortKind::Number => {
                    let (low, high) = written.split_once('-').unwrap_or((written, written));
                    let number = |text: &str| text.parse::<u16>().ok().filter(|number| *number != 0);
                    match (number(low), number(high)) {
                        (Some(low), Some(high)) if low <= high => PortSet::range(protocol, low, high),
                        (Some(low), Some(high)) => {
                            return Err(format!(
                                "`{written}` is no range of ports: write the lower number first, `{high}-{low}`"
                            ));
                        }
                        _ => return Err(format!("`{written}` is not a port: ports are numbers from 1 to 65535")),
                    }
                }
                PortKind::Container => PortSet::named(protocol, written.trim_matches('"').into()),
                PortKind::Name => {
                    asked.names.push((written.into(), given));
                    continue;
                }
            };
            asked.numbers.insert(&set);
        }
        Ok(asked)
    }

    /// The same with the port sets of a program that are meant by names which no tier gives to a port of its own.
    pub(super) fn with_sets_of(mut self, model: &Model, about: &Asked) -> AskedPorts {
        let is_of_tier = |name: &str| {
            model.tiers.iter().flat_map(|tier| tier.ports.iter().flatten()).any(|port| *port.name == *name)
        };
        for (name, protocol) in std::mem::take(&mut self.names) {
            let set = port_set(model, &name, about).filter(|_| !is_of_tier(&name));
            match set.map(|ports| of_protocol(ports, protocol)).filter(|ports| !ports.is_empty()) {
                Some(ports) => self.numbers.insert(&ports),
                None => self.names.push((name, protocol)),
            }
        }
        self
    }

    /// Those without a name of the destination's.
    pub(super) fn numbers(&self) -> &PortSet {
        &self.numbers
    }

    /// The names of the destination's, with the protocol that was written.
    pub(super) fn names(&self) -> &[(Arc<str>, Option<Protocol>)] {
        &self.names
    }

    /// Whether a name is asked for, which has this protocol.
    pub(super) fn has_name(&self, name: &str, protocol: Protocol) -> bool {
        self.names.iter().any(|(own, of)| **own == *name && of.is_none_or(|of| of == protocol))
    }

    /// Ports without a name of the destination's.
    pub fn of_numbers(numbers: PortSet) -> AskedPorts {
        AskedPorts { numbers, names: Vec::new() }
    }

    /// The ports, if none of them has a name of the destination's.
    pub(super) fn without_names(&self) -> Option<&PortSet> {
        self.names.is_empty().then_some(&self.numbers)
    }

    /// The ports, where names are those of containers.
    pub(super) fn as_written(&self) -> PortSet {
        let named = self.names.iter();
        let named = named.map(|(name, protocol)| PortSet::named(protocol.unwrap_or(Protocol::Tcp), name.clone()));
        named.fold(self.numbers.clone(), |all, one| all.union(&one))
    }
}

impl Subject {
    /// The ports that are asked for at an end of what is asked about, if anything is; the error is a sentence.
    pub fn ports_at(
        &self,
        situation: &Situation,
        ports: &AskedPorts,
        about: Option<&Asked>,
        end: EndId,
    ) -> Result<PortSet, String> {
        let found = self.ports_at_one(situation, ports, about, end);
        let of_all = |message| about.and_then(|about| self.no_port_of_all(about, ports)).unwrap_or(message);
        found.map_err(of_all)
    }

    fn ports_at_one(
        &self,
        situation: &Situation,
        ports: &AskedPorts,
        about: Option<&Asked>,
        end: EndId,
    ) -> Result<PortSet, String> {
        let (mut all, unlisted) = self.resolved(situation, &ports.numbers, end);
        if let Some((protocol, name)) = unlisted.first() {
            return Err(self.no_container_port(situation, end, *protocol, name));
        }
        for (name, protocol) in &ports.names {
            let named = self.named_port(situation, name, *protocol, about, end)?;
            let (named, unlisted) = self.resolved(situation, &named, end);
            if let (true, Some((protocol, name))) = (named.is_empty(), unlisted.first()) {
                return Err(self.no_container_port(situation, end, *protocol, name));
            }
            all.insert(&named);
        }
        Ok(all)
    }

    /// The ports that an end of what is asked about serves; `None` where no ports are listed.
    pub fn served(&self, situation: &Situation, about: Option<&Asked>, end: EndId) -> Option<PortSet> {
        let mut served = PortSet::empty();
        for tier in self.tiers_at(situation, about, end) {
            served.insert(tier.served.as_ref()?);
        }
        Some(self.resolved(situation, &served, end).0).filter(|served| !served.is_empty())
    }

    /// Ports with the numbers that the containers of an end give to names, where they are known, and the names that none
    /// of them lists.
    fn resolved<'p>(
        &self,
        situation: &Situation,
        ports: &'p PortSet,
        end: EndId,
    ) -> (PortSet, Vec<(Protocol, &'p Arc<str>)>) {
        let is_known = situation.world.pods(end).is_some_and(|pods| pods.ports.is_some());
        let each = |protocol| ports.names(protocol).map(move |name| (protocol, name));
        let named: Vec<_> = Protocol::ALL.into_iter().flat_map(each).collect();
        if !is_known || named.is_empty() {
            return (ports.clone(), Vec::new());
        }
        let (mut all, mut unlisted) = (ports.clone(), Vec::new());
        for (protocol, name) in named {
            let is_it = |port: &&ContainerPort| port.protocol == protocol && port.name.as_ref() == Some(name);
            let listed = self.container_ports(situation, end).filter(is_it);
            let numbers = listed.fold(PortSet::empty(), |all, port| all.union(&PortSet::number(protocol, port.number)));
            if numbers.is_empty() {
                unlisted.push((protocol, name));
            }
            all = all.subtract(&PortSet::named(protocol, name.clone())).union(&numbers);
        }
        (all, unlisted)
    }

    fn no_container_port(&self, situation: &Situation, end: EndId, protocol: Protocol, name: &str) -> String {
        let asked = PortSet::named(protocol, name.into());
        let listed: BTreeSet<String> = self
            .container_ports(situation, end)
            .filter_map(|port| Some(PortSet::named(port.protocol, port.name.clone()?).to_string()))
            .collect();
        let who = situation.names_of(end).first().map_or("it".to_owned(), |name| format!("`{name}`"));
        match listed.is_empty() {
            true => {
                format!("no container of {who} names a port `{asked}`, nor any other; write a number, as in `8080/tcp`")
            }
            false => {
                let listed: Vec<String> = listed.into_iter().map(|one| format!("`{one}`")).collect();
                format!("no container of {who} names a port `{asked}`; it has {}", listed.join(", "))
            }
        }
    }

    /// The ports that are asked for at the pods of a tier, or those that it serves where none are; `None` where it has not
    /// all of those, and for whatever is not a tier.
    pub(super) fn ports_of(&self, name: &GroupName, asked: Option<&AskedPorts>) -> Option<PortSet> {
        let tier = self.tier(name)?;
        let Some(asked) = asked else { return tier.served.clone() };
        let mut all = asked.numbers.clone();
        for (name, protocol) in &asked.names {
            let ports = tier.ports.iter().flatten().find(|port| port.name == *name)?;
            let ports = of_protocol(&ports.ports, *protocol);
            if ports.is_empty() {
                return None;
            }
            all.insert(&ports);
        }
        Some(all)
    }

    /// What is wrong where none of some names has one of the ports that are asked for.
    pub(super) fn without_port(&self, names: &[&GroupName], asked: &AskedPorts) -> String {
        let ports = || names.iter().filter_map(|name| self.tier(name)).flat_map(|tier| tier.ports.iter().flatten());
        let missing = asked.names.iter().find(|(name, _)| !ports().any(|port| port.name == *name));
        let other = |(name, protocol): &(Arc<str>, Option<Protocol>)| {
            let own = ports().filter(|port| port.name == *name).map(|port| &port.ports);
            let all = own.fold(PortSet::empty(), |all, one| all.union(one));
            (!all.is_empty() && of_protocol(&all, *protocol).is_empty()).then_some((name.clone(), *protocol, all))
        };
        if let (None, Some((name, Some(protocol), all))) = (missing, asked.names.iter().find_map(other)) {
            return of_other_protocol(names, &name, protocol, &all);
        }
        let name = missing.or(asked.names.first()).map(|(name, _)| name.clone()).unwrap_or_default();
        let known = ports().map(|port| port.name.to_string()).collect();
        no_port(names, &name, known, self.cluster().is_none())
    }

    /// What is wrong where all of several are asked about by a name of a port, which not each of them has; `None` where one is
    /// asked about by its own name.
    pub(super) fn no_port_of_all(&self, about: &Asked, asked: &AskedPorts) -> Option<String> {
        let Asked::Name(text) = about else { return None };
        let home = text.strip_suffix("/*");
        if home.is_none() && !matches!(text.as_str(), "cluster" | "anywhere") {
            return None;
        }
        let is_here = |namespace: &str| home.is_none_or(|home| home == namespace);
        let (name, _) = asked.names.first()?;
        let mut found: BTreeSet<String> = BTreeSet::new();
        let homes = |tier: &Tier| self.model()?.namespace(tier.namespace).map(|home| home.name.clone());
        let tiers = self.model().into_iter().flat_map(|model| &model.tiers);
        for (home, tier) in tiers.filter_map(|tier| Some((homes(tier)?, tier))).filter(|(home, _)| is_here(home)) {
            let own = tier.ports.iter().flatten().filter(|port| port.name == *name);
            found.extend(own.map(|port| format!("{} of `{home}/{}`", describe_ports(&port.ports), tier.name)));
        }
        let workloads = self.cluster().into_iter().flat_map(|cluster| &cluster.workloads);
        for workload in workloads.filter(|workload| is_here(&workload.namespace)) {
            let listed = workload.pods.iter().flat_map(|pods| &pods.ports);
            let own = listed.filter(|port| port.name.as_ref() == Some(name));
            found.extend(own.map(|port| format!("{} of `{workload}`", PortSet::number(port.protocol, port.number))));
        }
        let count = found.len();
        let mut found: Vec<String> = found.into_iter().take(MOST_NAMES).collect();
        if count > MOST_NAMES {
            found.push(format!("that of {} more", count - MOST_NAMES));
        }
        Some(match found.as_slice() {
            [] => format!("no port of `{text}` is called `{name}`: write a number, as in `8080/tcp`"),
            all => format!(
                "not all of `{text}` have a port `{name}`, which is {}: ask about one of them, or write a number, as in \
                 `8080/tcp`",
                listed(all)
            ),
        })
    }

    fn tier(&self, name: &GroupName) -> Option<&Tier> {
        let (model, GroupName::Tier(namespace, name)) = (self.model()?, name) else { return None };
        let in_namespace = |tier: &&Tier| {
            tier.name == *name && model.namespace(tier.namespace).is_some_and(|home| home.name == *namespace)
        };
        model.tiers.iter().find(in_namespace)
    }

    /// The tiers that an end is in, or among them those that were asked about: a tier that was named speaks for itself, as
    /// it does in a flow, whatever other tiers its pods could be in.
    fn tiers_at(&self, situation: &Situation, about: Option<&Asked>, end: EndId) -> Vec<&Tier> {
        let Some(model) = self.model() else { return Vec::new() };
        let full = |tier: &Tier| Some(format!("{}/{}", model.namespace(tier.namespace)?.name, tier.name));
        let has_end = |name: &String| situation.is_called(end, name);
        let all = model.tiers.iter().filter_map(|tier| full(tier).filter(has_end).map(|name| (tier, name)));
        let (meant, others): (Vec<_>, Vec<_>) = all.partition(|(tier, name)| is_meant(about, name, &tier.name));
        let counted = if meant.is_empty() { others } else { meant };
        counted.into_iter().map(|(tier, _)| tier).collect()
    }

    fn named_port(
        &self,
        situation: &Situation,
        name: &Arc<str>,
        protocol: Option<Protocol>,
        about: Option<&Asked>,
        end: EndId,
    ) -> Result<PortSet, String> {
        let mut found = PortSet::empty();
        let mut known = Vec::new();
        let names = situation.names_of(end);
        for tier in self.tiers_at(situation, about, end) {
            for port in tier.ports.iter().flatten() {
                known.push(port.name.to_string());
                if port.name == *name {
                    found.insert(&port.ports);
                }
            }
        }
        for ContainerPort { protocol, number, name: own } in self.container_ports(situation, end) {
            if let Some(own) = own {
                known.push(own.to_string());
                if own == name {
                    found.insert(&PortSet::number(*protocol, *number));
                }
            }
        }
        let narrowed = of_protocol(&found, protocol);
        match (narrowed.is_empty(), protocol) {
            (false, _) => return Ok(narrowed),
            (true, Some(protocol)) if !found.is_empty() => {
                return Err(of_other_protocol(&names, name, protocol, &found));
            }
            (true, _) => {}
        }
        let of_service = self.service_port_called(situation, end, name, protocol);
        if !of_service.is_empty() {
            return Ok(of_service.into_iter().fold(PortSet::empty(), |all, (.., there)| all.union(&there)));
        }
        let may_be_container = situation.world.pods(end).is_none_or(|pods| pods.ports.is_none());
        Err(no_port(&names, name, known, may_be_container))
    }

    /// The ports that the containers of an end list.
    pub(super) fn container_ports(&self, situation: &Situation, end: EndId) -> impl Iterator<Item = &ContainerPort> {
        let members: Vec<_> = situation.world.pods(end).map(|pods| pods.members.clone()).unwrap_or_default();
        let workloads = self.cluster().map(|cluster| cluster.workloads.as_slice()).unwrap_or_default();
        let pods = members.into_iter().filter_map(|member| workloads.get(member.workload)?.pods.get(member.pods));
        pods.flat_map(|pods| &pods.ports)
    }
}

/// More names than these are counted.
const MOST_NAMES: usize = 3;

/// `a`, `a and b` or `a, b and c`.
fn listed(all: &[String]) -> String {
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => all.concat(),
    }
}

/// The port set of a name: that of the namespace which is asked about, or the only one that there is.
fn port_set<'m>(model: &'m Model, name: &str, about: &Asked) -> Option<&'m PortSet> {
    let all: Vec<_> = model.port_sets.iter().filter(|set| *set.name == *name).collect();
    let is_at_home = |set: &&&DeclaredPorts| {
        let home = set.namespace.and_then(|id| model.namespace(id));
        let is_in = |one: &Asked| match (one, home) {
            (Asked::Name(text), Some(home)) => {
                text.split_once('/').is_some_and(|(namespace, _)| *namespace == *home.name)
            }
            _ => false,
        };
        about.each().iter().any(is_in)
    };
    let own = all.iter().find(is_at_home).or(all.first().filter(|_| all.len() == 1))?;
    Some(&own.ports)
}

/// Those of one protocol, if there is one.
fn of_protocol(ports: &PortSet, protocol: Option<Protocol>) -> PortSet {
    protocol.map_or_else(|| ports.clone(), |one| ports.intersect(&PortSet::whole(one)))
}

fn of_other_protocol(names: &[&GroupName], name: &str, protocol: Protocol, all: &PortSet) -> String {
    let who = names.first().map_or("it".to_owned(), |name| format!("`{name}`"));
    format!("the port `{name}` of {who} is {}, and not {}; write `{name}`", describe_ports(all), protocol.keyword())
}

fn no_port(names: &[&GroupName], name: &str, mut known: Vec<String>, may_be_container: bool) -> String {
    let who = names.first().map_or("it".to_owned(), |name| format!("`{name}`"));
    known.sort();
    known.dedup();
    let is_pods = names.first().is_none_or(|name| name.is_pods());
    let help = match known.as_slice() {
        [] if may_be_container && is_pods => {
            format!("write a number, as in `8080/tcp`, or `\"{name}\"` for the port that its containers call so")
        }
        [] => "write a number, as in `8080/tcp`".to_owned(),
        known => format!("it has {}", known.join(", ")),
    };
    format!("{who} has no port `{name}`; {help}")
}

/// Whether a tier is asked about by its name.
fn is_meant(about: Option<&Asked>, full: &str, short: &str) -> bool {
    let is_it = |one: &Asked| one.name().is_some_and(|name| name == full || name == short);
    about.is_some_and(|about| about.each().iter().any(is_it))
}
