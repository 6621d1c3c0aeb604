//! What a candidate would do with each group of connections, as the engine says it.

use super::ends::EndKind;
use super::groups::{GroupKey, GroupPort};
use super::judged::{Because, Judged, Unclear};
use super::place::{Nowhere, PlacedEnd, Placement, ServiceAt, namespace_of_pod, target_of};
use super::seen::Unnamed;
use crate::ask::{
    Answer, Asked, Doubtful, Ends, Everyone, Explanation, Meant, Program, Samples, Says, Set, SpaceGrants, can, doubts,
    why,
};
use crate::cluster::{Cluster, Namespace};
use crate::cover::Budget;
use crate::engine::{EndId, Engine};
use crate::model::{Cni, Tier};
use crate::net::{AddressSet, Direction, Facts, PortSet, Protocol, Selector, namespace_by_name};
use crate::netpol::Policy;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The policies that are asked about.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// They.
    pub policies: &'a [Policy],
    /// The program that they come from.
    pub program: Option<Program<'a>>,
    /// What address blocks mean.
    pub facts: &'a Facts,
    /// The namespaces that were given, with their labels.
    pub namespaces: &'a [Namespace],
    /// What runs.
    pub cluster: &'a Cluster,
    /// The network plugin, where it is said.
    pub cni: Option<Cni>,
}

/// The addresses that a log without names means by private ones: RFC 1918 and what IPv6 has like it.
pub(super) fn unnamed_addresses(which: Unnamed) -> AddressSet {
    static PRIVATE: LazyLock<AddressSet> = LazyLock::new(|| {
        const NETS: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
        AddressSet::from_nets(NETS.iter().filter_map(|net| net.parse::<IpNet>().ok()))
    });
    match which {
        Unnamed::Private => PRIVATE.clone(),
        Unnamed::Public => AddressSet::all().subtract(&PRIVATE),
    }
}

/// Judges groups.
pub(super) struct GroupJudge<'j> {
    pub candidate: &'j Candidate<'j>,
    pub placement: &'j Placement,
    pub kinds: &'j [EndKind],
    pub engine: Engine<'j>,
    everyone: &'j Everyone<'j>,
    grants: SpaceGrants<'j>,
}

/// A group whose line cannot be understood after all: its port or one of its ends is nobody's.
pub(super) struct Nobody;

impl<'j> GroupJudge<'j> {
    pub(super) fn new(
        candidate: &'j Candidate<'j>,
        placement: &'j Placement,
        kinds: &'j [EndKind],
        everyone: &'j Everyone<'j>,
    ) -> GroupJudge<'j> {
        GroupJudge {
            candidate,
            placement,
            kinds,
            engine: Engine::new(&placement.situation.world, candidate.policies),
            grants: everyone.grants(candidate.policies),
            everyone,
        }
    }

    /// What the candidate says of a group.
    pub(super) fn judge(&self, key: &GroupKey) -> Result<Judged, Nobody> {
        let kind = |id: super::ends::EndKindId| self.kinds.get(id.0 as usize).ok_or(Nobody);
        let place = |id: super::ends::EndKindId| self.placement.places.get(id.0 as usize).ok_or(Nobody);
        let (from_kind, to_kind) = (kind(key.from)?, kind(key.to)?);
        let (from, to) = (place(key.from)?, place(key.to)?);
        if key.itself {
            return Ok(sure(Because::Itself));
        }
        let ports = self.ports(&key.port, to)?;
        if matches!(from_kind, EndKind::OwnNode(_)) && !matches!(to, PlacedEnd::Addresses(_) | PlacedEnd::Service(_)) {
            return Ok(sure(Because::OwnNode));
        }
        for end in [from, to] {
            match end {
                PlacedEnd::Nowhere(Nowhere::Identity(why)) => return Ok(unclear(Unclear::Identity(*why))),
                PlacedEnd::Nowhere(Nowhere::Cluster) => return Ok(unclear(Unclear::Cluster)),
                PlacedEnd::Nowhere(Nowhere::PodAddress) => return Ok(unclear(self.pod_address(from_kind, to_kind))),
                _ => {}
            }
        }
        if let PlacedEnd::Nowhere(Nowhere::ServiceAddress(_)) = from {
            return Ok(unclear(Unclear::ServiceAddress));
        }
        let is_pod = |end: &PlacedEnd| matches!(end, PlacedEnd::Pods(_) | PlacedEnd::AnyOf(_) | PlacedEnd::Named(_));
        if !is_pod(from) && !is_pod(to) {
            let is_nobody = |kind: &EndKind| matches!(kind, EndKind::Address(_, false));
            let is_unknown = is_nobody(from_kind) && is_nobody(to_kind)
                || matches!(to, PlacedEnd::Service(_) | PlacedEnd::Nowhere(_));
            return Ok(if is_unknown { unclear(Unclear::NoPod) } else { sure(Because::Open) });
        }
        let Some(ports) = ports else { return Ok(self.without_ports(from, to, key.port == GroupPort::Icmp)) };
        if from_kind == &EndKind::Proxy {
            return Ok(self.of_proxy(to, &ports));
        }
        let judged = match (from, to) {
            (PlacedEnd::AnyOf(_) | PlacedEnd::Named(_), _) | (_, PlacedEnd::AnyOf(_) | PlacedEnd::Named(_)) => {
                self.of_sets(from, to, &ports)?
            }
            (_, PlacedEnd::Service(service)) => self.of_service(from, service, key, &ports),
            (_, PlacedEnd::Nowhere(Nowhere::ServiceAddress(at))) => self.of_service_address(from, *at, &ports),
            _ => self.of_ends(&ends_of(from), &ends_of(to), &ports),
        };
        Ok(self.at_own_node(from_kind, to_kind, judged))
    }

    /// Both ends are addresses, and one of them is among those that pods get.
    fn pod_address(&self, from: &EndKind, to: &EndKind) -> Unclear {
        match (from, to) {
            (EndKind::Address(..), EndKind::Address(..)) => Unclear::NoPod,
            _ => Unclear::PodAddress,
        }
    }

    /// The ports of a group; `None` of what policies are not about.
    fn ports(&self, port: &GroupPort, to: &PlacedEnd) -> Result<Option<PortSet>, Nobody> {
        match port {
            GroupPort::Number(protocol, number) => Ok(Some(PortSet::number(*protocol, *number))),
            GroupPort::Named(protocol, name) => self.named_port(*protocol, name, to).map(Some).ok_or(Nobody),
            GroupPort::Icmp | GroupPort::Other => Ok(None),
        }
    }

    /// The numbers that a name of a port stands for at a destination.
    pub(super) fn named_port(&self, protocol: Protocol, name: &str, to: &PlacedEnd) -> Option<PortSet> {
        let of_tier = |tier: &Tier| {
            let port = tier.ports.iter().flatten().find(|port| *port.name == *name)?;
            Some(port.ports.intersect(&PortSet::whole(protocol))).filter(|ports| !ports.is_empty())
        };
        let tiers = self.candidate.program.iter().flat_map(|program| {
            let namespace = |tier: &Tier| program.model.namespace(tier.namespace).map(|one| one.name.clone());
            program.model.tiers.iter().map(move |tier| (namespace(tier), tier))
        });
        match to {
            PlacedEnd::Named(Asked::Name(text)) => {
                let is_it = |namespace: &Option<std::sync::Arc<str>>, tier: &Tier| match text.split_once('/') {
                    Some((home, own)) => namespace.as_deref() == Some(home) && *tier.name == *own,
                    None => *tier.name == **text,
                };
                tiers.filter(|(namespace, tier)| is_it(namespace, tier)).find_map(|(_, tier)| of_tier(tier))
            }
            PlacedEnd::Pods(end) => {
                let world = &self.placement.situation.world;
                let pods = world.pods(*end)?;
                let home = world.namespace_of(*end)?.name.clone();
                let given = pods.ports.as_ref().and_then(|ports| ports.get(&(protocol, name.into())));
                let given = given.map(|numbers| {
                    numbers.iter().fold(PortSet::empty(), |all, number| all.union(&PortSet::number(protocol, *number)))
                });
                let mut own =
                    tiers.filter(|(namespace, tier)| *namespace == home && tier.selector.matches(&pods.labels));
                own.find_map(|(_, tier)| of_tier(tier)).or(given)
            }
            _ => None,
        }
    }

    /// What is not about ports: let through where nothing is isolated.
    fn without_ports(&self, from: &PlacedEnd, to: &PlacedEnd, is_icmp: bool) -> Judged {
        let isolated = |direction, end: &PlacedEnd| match end {
            PlacedEnd::Pods(end) => self.engine.is_isolated(direction, *end),
            PlacedEnd::Addresses(_) => false,
            _ => true,
        };
        match isolated(Direction::Egress, from) || isolated(Direction::Ingress, to) {
            true => unclear(Unclear::Protocol(is_icmp)),
            false => sure(Because::Open),
        }
    }

    /// A proxy: only a rule without peers lets it in.
    fn of_proxy(&self, to: &PlacedEnd, ports: &PortSet) -> Judged {
        let PlacedEnd::Pods(destination) = to else { return unclear(Unclear::Labels(None)) };
        if !self.engine.is_isolated(Direction::Ingress, *destination) {
            return sure(Because::Open);
        }
        let decision = self.engine.decision(Direction::Ingress, *destination, *destination);
        let anybody = decision.grants.iter().filter(|grant| grant.peer.is_none());
        let open = anybody.fold(PortSet::empty(), |all, grant| all.union(&grant.ports));
        let says = if open.contains(ports) { Says::Allowed } else { Says::Denied };
        Judged { says, why: Some(Because::Proxy), pair: None }
    }

    /// All of some ends to all of others.
    fn of_ends(&self, from: &[EndId], to: &[EndId], ports: &PortSet) -> Judged {
        let to: Vec<(EndId, PortSet)> = to.iter().map(|end| (*end, ports.clone())).collect();
        self.of_targets(from, &to)
    }

    fn of_targets(&self, from: &[EndId], to: &[(EndId, PortSet)]) -> Judged {
        let answer = can(&self.engine, from, to, &Doubtful::new());
        let says = says(&answer);
        let first = || Some((*from.first()?, to.first()?.clone()));
        let pair = match says {
            Says::Allowed => first().map(|(source, (destination, ports))| (source, destination, ports)),
            Says::Denied => answer.denied.clone(),
            Says::Unknown => answer.unknown.clone().or(answer.denied.clone()),
        };
        let isolated = |direction, end: EndId| self.engine.is_isolated(direction, end);
        let is_open = pair.as_ref().is_some_and(|(source, destination, _)| {
            !isolated(Direction::Egress, *source) && !isolated(Direction::Ingress, *destination)
        });
        let why = match says {
            Says::Allowed => is_open.then_some(Because::Open),
            Says::Denied => None,
            Says::Unknown => Some(Because::Unclear(self.why_unclear(&answer))),
        };
        Judged { says, why, pair }
    }

    fn why_unclear(&self, answer: &Answer) -> Unclear {
        match &answer.unknown {
            Some((source, destination, ports)) => {
                Unclear::Doubts(doubts(&self.engine, *source, *destination, ports, &Doubtful::new()))
            }
            None => Unclear::Unnamed(Unnamed::Public),
        }
    }

    /// The address of a Service, which stands for its pods.
    fn of_service(&self, from: &PlacedEnd, at: &ServiceAt, key: &GroupKey, ports: &PortSet) -> Judged {
        let from = ends_of(from);
        let (Some(service), GroupPort::Number(protocol, number)) =
            (self.candidate.cluster.services.get(at.service), &key.port)
        else {
            return unclear(Unclear::ServiceAddress);
        };
        let by_address = || self.of_ends(&from, &[at.address], ports);
        let world = &self.placement.situation.world;
        let target = |end: &EndId| {
            let numbers = world.pods(*end).and_then(|pods| pods.ports.as_ref());
            Some((*end, PortSet::number(*protocol, target_of(service, *protocol, *number, numbers)?)))
        };
        let targets: Vec<(EndId, PortSet)> = at.pods.iter().filter_map(target).collect();
        if targets.is_empty() {
            let judged = by_address();
            return if judged.says == Says::Allowed { judged } else { unclear(Unclear::ServiceAddress) };
        }
        let judged = self.of_targets(&from, &targets);
        let judges_first = self.candidate.cni.is_some_and(Cni::is_of_aws);
        let is_isolated = from.iter().any(|end| self.engine.is_isolated(Direction::Egress, *end));
        if judges_first && is_isolated && judged.says != Says::Unknown {
            // The plugin judges egress by the address of the Service, and ingress by the pods.
            let lets_in = |source: &EndId| {
                targets
                    .iter()
                    .any(|(end, ports)| self.engine.side(Direction::Ingress, *end, *source).possible().overlaps(ports))
            };
            if from.iter().any(lets_in) {
                return unclear(Unclear::ServiceAddress);
            }
        }
        judged
    }

    /// The address of a Service of which nothing is known: allowed where the candidate names the address itself.
    fn of_service_address(&self, from: &PlacedEnd, at: EndId, ports: &PortSet) -> Judged {
        let judged = self.of_ends(&ends_of(from), &[at], ports);
        let platform = self.candidate.program.map(|program| &program.model.platform);
        let services = platform.and_then(|platform| platform.addresses(crate::model::PlatformList::Services));
        let own = self.placement.situation.world.addresses(at);
        let is_named = own.is_some_and(|own| match services {
            Some(services) => services.contains(own),
            None => own.first().is_some_and(|first| *own == AddressSet::from_net(first.into())),
        });
        match judged.says {
            Says::Allowed if is_named || judged.why == Some(Because::Open) => judged,
            _ => unclear(Unclear::ServiceAddress),
        }
    }

    /// What is different to the own node of a pod, and from one of unknown private addresses, which may be that.
    fn at_own_node(&self, from: &EndKind, to: &EndKind, judged: Judged) -> Judged {
        match (from, to, judged.says) {
            (EndKind::Unnamed(which), ..) if judged.says != Says::Allowed => {
                let is_public = *which == Unnamed::Public;
                if is_public && judged.says == Says::Denied { judged } else { unclear(Unclear::Unnamed(*which)) }
            }
            (_, EndKind::Unnamed(which), Says::Unknown) => unclear(Unclear::Unnamed(*which)),
            (_, EndKind::OwnNode(_), Says::Denied) => match self.candidate.cni {
                Some(Cni::Calico | Cni::Canal | Cni::Cilium | Cni::AksCilium | Cni::GkeDataplaneV2) => judged,
                Some(cni) if cni.is_of_aws() || cni == Cni::AzureNpm => sure(Because::ToOwnNode),
                _ => unclear(Unclear::ToOwnNode),
            },
            _ => judged,
        }
    }

    /// Pods of which the log does not say enough, and what questions have a name for: all that they could be.
    fn of_sets(&self, from: &PlacedEnd, to: &PlacedEnd, ports: &PortSet) -> Result<Judged, Nobody> {
        let Some(samples) = self.samples(from, to, ports)? else { return Ok(unclear(Unclear::GivenUp)) };
        let engine = Engine::new(&samples.situation.world, self.candidate.policies);
        let answer = can(&engine, &samples.from, &samples.to, &samples.doubtful);
        let says = says(&answer);
        let isolated = |direction, end: EndId| engine.is_isolated(direction, end);
        let is_open = samples.from.iter().all(|end| !isolated(Direction::Egress, *end))
            && samples.to.iter().all(|(end, _)| !isolated(Direction::Ingress, *end));
        let why = match says {
            Says::Allowed => is_open.then_some(Because::Open),
            Says::Denied => None,
            Says::Unknown => Some(Because::Unclear(match &answer.unknown {
                Some((source, destination, ports)) if answer.denied.is_none() || answer.allowed.is_none() => {
                    Unclear::Doubts(doubts(&engine, *source, *destination, ports, &samples.doubtful))
                }
                _ => Unclear::Labels(deciding(&samples.situation.world, &answer)),
            })),
        };
        Ok(Judged { says, why, pair: None })
    }

    /// A few that stand for all that two sets could be; `None` where they are too many.
    fn samples(&self, from: &PlacedEnd, to: &PlacedEnd, ports: &PortSet) -> Result<Option<Samples>, Nobody> {
        let (from, to) = (self.set(from)?, self.set(to)?);
        let to: Vec<(Ends, PortSet)> = to.into_iter().map(|end| (end, ports.clone())).collect();
        let (from, to) = (Meant { sure: from, perhaps: Vec::new() }, Meant { sure: to, perhaps: Vec::new() });
        let budget = &mut Budget::of_question();
        Ok(self.everyone.samples(&self.grants, &self.placement.asked, &from, &to, budget).ok())
    }

    /// Why the candidate says so, as far as statements and policies do.
    pub(super) fn explain(&self, key: &GroupKey, judged: &Judged) -> Option<Explanation> {
        if judged.why.is_some() {
            return None;
        }
        let program = self.candidate.program;
        if let Some((source, destination, ports)) = &judged.pair {
            return why(&self.engine, program, &[*source], &[(*destination, ports.clone())], &Doubtful::new());
        }
        let place = |id: super::ends::EndKindId| self.placement.places.get(id.0 as usize);
        let (from, to) = (place(key.from)?, place(key.to)?);
        let ports = self.ports(&key.port, to).ok()??;
        let samples = self.samples(from, to, &ports).ok()??;
        let engine = Engine::new(&samples.situation.world, self.candidate.policies);
        why(&engine, program, &samples.from, &samples.to, &samples.doubtful)
    }

    fn set(&self, place: &PlacedEnd) -> Result<Vec<Ends>, Nobody> {
        let world = &self.placement.situation.world;
        let addresses = |end: &EndId| world.addresses(*end).cloned().map(Ends::Addresses);
        match place {
            PlacedEnd::AnyOf(set) => Ok(set.ends(&self.everyone.space)),
            PlacedEnd::Named(asked) => {
                let asked = match asked {
                    Asked::Name(text) if text == crate::ask::INTERNET && self.candidate.program.is_none() => {
                        Asked::Addresses(crate::flow::public_addresses().clone())
                    }
                    asked => asked.clone(),
                };
                let found = self.everyone.find(&asked).ok().filter(|ends| !ends.is_empty());
                found.or_else(|| self.any_pod(&asked)).ok_or(Nobody)
            }
            PlacedEnd::Pods(end) => {
                let (pods, home) = world.pods(*end).zip(world.namespace_of(*end)).ok_or(Nobody)?;
                let name = home.name.clone().ok_or(Nobody)?;
                let asked = Asked::Pod { namespace: name, beside: home.labels.clone(), labels: pods.labels.clone() };
                self.everyone.find(&asked).map_err(|_| Nobody)
            }
            PlacedEnd::Addresses(all) => Ok(all.iter().filter_map(addresses).collect()),
            PlacedEnd::Service(ServiceAt { address, .. }) | PlacedEnd::Nowhere(Nowhere::ServiceAddress(address)) => {
                Ok(addresses(address).into_iter().collect())
            }
            PlacedEnd::Nowhere(_) => Ok(Vec::new()),
        }
    }

    /// A pod by its name, which nobody knows: any of its namespace.
    fn any_pod(&self, asked: &Asked) -> Option<Vec<Ends>> {
        let Asked::Name(text) = asked else { return None };
        let namespaces = namespace_by_name(&namespace_of_pod(text)?.into());
        Some(Set::pods(namespaces, Selector::everything()).ends(&self.everyone.space))
    }

    /// The tiers that pods are in, the most specific first.
    pub(super) fn tiers_of(&self, namespace: &str, labels: &crate::cluster::Labels) -> Vec<&'j Tier> {
        let Some(program) = self.candidate.program else { return Vec::new() };
        let is_there = |tier: &&Tier| {
            let home = program.model.namespace(tier.namespace);
            home.is_some_and(|home| *home.name == *namespace) && tier.selector.matches(labels)
        };
        let all: Vec<&Tier> = program.model.tiers.iter().filter(is_there).collect();
        let is_least = |tier: &&&Tier| all.iter().all(|other| other.selector.contains(&tier.selector));
        match all.iter().find(is_least) {
            Some(least) => vec![least],
            None => all,
        }
    }
}

/// The yes or no of an answer.
fn says(answer: &Answer) -> Says {
    match (&answer.denied, &answer.unknown) {
        (None, None) if answer.allowed.is_some() => Says::Allowed,
        (Some(_), None) if answer.allowed.is_none() && !answer.some => Says::Denied,
        _ => Says::Unknown,
    }
}

/// A label that one has who may and one has not who may not.
fn deciding(world: &crate::engine::World, answer: &Answer) -> Option<String> {
    let (allowed, denied) = (answer.allowed?, answer.denied.as_ref()?);
    let pairs = [(allowed.0, denied.0), (allowed.1, denied.1)];
    let labels = |end: EndId| world.pods(end).map(|pods| &pods.labels);
    pairs.into_iter().filter_map(|(one, other)| Some((labels(one)?, labels(other)?))).find_map(|(one, other)| {
        let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        keys.into_iter().find(|key| one.get(*key) != other.get(*key)).cloned()
    })
}

fn ends_of(place: &PlacedEnd) -> Vec<EndId> {
    match place {
        PlacedEnd::Pods(end) => vec![*end],
        PlacedEnd::Addresses(all) => all.clone(),
        PlacedEnd::Service(ServiceAt { address, .. }) | PlacedEnd::Nowhere(Nowhere::ServiceAddress(address)) => {
            vec![*address]
        }
        PlacedEnd::AnyOf(_) | PlacedEnd::Named(_) | PlacedEnd::Nowhere(_) => Vec::new(),
    }
}

fn sure(why: Because) -> Judged {
    Judged { says: Says::Allowed, why: Some(why), pair: None }
}

fn unclear(why: Unclear) -> Judged {
    Judged { says: Says::Unknown, why: Some(Because::Unclear(why)), pair: None }
}
