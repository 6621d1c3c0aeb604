//! Who may connect to the pods behind a Service.

use super::One;
use super::atoms::ports as ports_of;
use super::ports::Mistaken;
use crate::cluster::{Cluster, ContainerPort, Pods, Service, ServicePort, TargetPort, Workload};
use crate::engine::{End, EndId, Engine};
use crate::net::{Direction, PortSet, Protocol};
use crate::netpol::{Port, PortTarget, Rule};
use std::collections::BTreeMap;

/// Pods of a workload, and what they are in the world.
type Running<'s> = (&'s Workload, &'s Pods, Vec<EndId>);

/// What runs, as ends of a world, with the policies for it.
pub(super) struct Published<'s, 'a> {
    /// All policies.
    pub all: &'s [One<'a>],
    /// What they allow.
    pub engine: &'s Engine<'s>,
    /// What runs.
    pub cluster: &'s Cluster,
    mistaken: &'s Mistaken,
    /// The pods of each namespace, with what they are in the world.
    pods: BTreeMap<&'s str, Vec<Running<'s>>>,
}

/// Pods behind a Service.
pub(super) struct Behind<'s> {
    /// Their workload.
    pub workload: &'s Workload,
    /// They.
    pub pods: &'s Pods,
    /// What they are in the world.
    pub end: EndId,
    /// The policies that isolate them for ingress, by their places.
    pub isolating: Vec<usize>,
}

impl<'s, 'a> Published<'s, 'a> {
    pub(super) fn new(
        all: &'s [One<'a>],
        engine: &'s Engine<'s>,
        cluster: &'s Cluster,
        mistaken: &'s Mistaken,
    ) -> Self {
        let world = engine.world();
        let mut ends: BTreeMap<(usize, usize), Vec<EndId>> = BTreeMap::new();
        for id in world.ids() {
            for member in world.pods(id).into_iter().flat_map(|pods| &pods.members) {
                ends.entry((member.workload, member.pods)).or_default().push(id);
            }
        }
        let mut pods: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for ((workload, position), ends) in ends {
            let Some(workload) = cluster.workloads.get(workload) else { continue };
            let Some(one) = workload.pods.get(position) else { continue };
            pods.entry(&*workload.namespace).or_default().push((workload, one, ends));
        }
        Published { all, engine, cluster, mistaken, pods }
    }

    /// The ends that are addresses.
    pub(super) fn addresses(&self) -> Vec<EndId> {
        let is_address = |id: &EndId| matches!(self.engine.world().end(*id), Some(End::Addresses { .. }));
        self.engine.world().ids().filter(is_address).collect()
    }

    /// The ends of pods for which `is` says so.
    pub(super) fn ends_of(&self, is: impl Fn(&Pods) -> bool) -> Vec<(&'s Workload, EndId)> {
        let all = self.pods.values().flatten().filter(|(_, pods, _)| is(pods));
        all.flat_map(|(workload, _, ends)| ends.iter().map(|end| (*workload, *end))).collect()
    }

    /// The pods that a Service leads to; none when some of them are not isolated, so that everybody may connect to these, or
    /// when something that is not understood may let others in.
    pub(super) fn behind(&self, service: &Service) -> Vec<Behind<'s>> {
        if self.cluster.may_be_opened(&service.namespace) {
            return Vec::new();
        }
        let found = self.each_behind(service);
        let is_open = |one: &Behind<'_>| one.isolating.is_empty() || self.is_meshed(one);
        if found.iter().any(is_open) { Vec::new() } else { found }
    }

    /// The pods that a Service leads to, each by itself.
    pub(super) fn each_behind(&self, service: &Service) -> Vec<Behind<'s>> {
        self.each_of(|name| *name == *service.namespace, |pods| service.selects(&pods.labels))
    }

    /// The pods of some namespaces for which `is` says so, each by itself.
    pub(super) fn each_of(&self, is_there: impl Fn(&str) -> bool, is: impl Fn(&Pods) -> bool) -> Vec<Behind<'s>> {
        let there = self.pods.iter().filter(|(name, _)| is_there(name)).flat_map(|(_, pods)| pods);
        let behind = |(workload, pods, ends): &Running<'s>| {
            let (workload, pods) = (*workload, *pods);
            let isolating = |end| self.engine.decision(Direction::Ingress, end, end).isolating;
            ends.iter().map(|end| Behind { workload, pods, end: *end, isolating: isolating(*end) }).collect::<Vec<_>>()
        };
        there.filter(|(_, pods, _)| is(pods)).flat_map(behind).collect()
    }

    /// A policy that isolates pods, when `admits` is false of them; none of which a wrong port is told already.
    pub(super) fn closes(&self, behind: &Behind<'_>, admits: bool) -> Option<&'s One<'a>> {
        let is_sure = !self.is_mistaken(behind)
            && !self.is_meshed(behind)
            && !self.cluster.may_be_opened(&behind.workload.namespace);
        let isolating = behind.isolating.first().filter(|_| !admits && is_sure)?;
        self.all.get(*isolating)
    }

    /// A policy that isolates the pods of a Service, when `admits` is true for none of them on any of the ports.
    pub(super) fn closed(
        &self,
        service: &Service,
        ports: &[ServicePort],
        admits: impl Fn(&Behind<'_>, &PortSet) -> bool,
    ) -> Option<&'s One<'a>> {
        let behind = self.behind(service);
        let is_open =
            |one: &Behind<'_>| ports.iter().filter_map(|port| target(port, one.pods)).any(|ports| admits(one, &ports));
        if ports.is_empty() || behind.iter().any(|one| is_open(one) || self.is_mistaken(one)) {
            return None;
        }
        self.all.get(*behind.first()?.isolating.first()?)
    }

    /// Whether a wrong port is told of a policy that isolates pods: then that they are closed follows.
    fn is_mistaken(&self, behind: &Behind<'_>) -> bool {
        behind.isolating.iter().any(|index| self.mistaken.contains(&(*index, Direction::Ingress)))
    }

    /// Whether a rule lets the proxy of a mesh take what is for the pods: then policies see no other port.
    fn is_meshed(&self, behind: &Behind<'_>) -> bool {
        self.rules(behind).any(|(.., rule)| super::open::is_by_mesh(rule))
    }

    /// The ingress rules of the policies that isolate pods.
    pub(super) fn rules(&self, behind: &Behind<'_>) -> impl Iterator<Item = (&'s One<'a>, usize, &'a Rule)> {
        let isolating = behind.isolating.clone().into_iter().filter_map(|index| self.all.get(index));
        isolating.flat_map(|one| {
            let rules = one.rules(Direction::Ingress).unwrap_or_default();
            rules.iter().enumerate().map(move |(index, rule)| (one, index, rule))
        })
    }
}

/// Whether a rule is about some of the ports of pods. A name that these do not have may be that of a port all the same.
pub(super) fn is_on(rule: &Rule, pods: &Pods, ports: &PortSet) -> bool {
    let is_it = |port: &Port| match &port.target {
        PortTarget::Named(name) => {
            let mut named = pods.ports.iter().filter(|one| one.name.as_ref() == Some(name)).peekable();
            named.peek().is_none() || named.any(|one| PortSet::number(one.protocol, one.number).overlaps(ports))
        }
        PortTarget::Every | PortTarget::Number(_) | PortTarget::Range(..) => ports_of(port).overlaps(ports),
    };
    rule.ports.is_empty() || rule.ports.iter().any(is_it)
}

/// The port of the pods behind a port of a service.
pub(super) fn target(port: &ServicePort, pods: &Pods) -> Option<PortSet> {
    port_of(&port.target, port.protocol, pods)
}

/// A port of pods, by its number or by the name that they give it.
pub(super) fn port_of(port: &TargetPort, protocol: Protocol, pods: &Pods) -> Option<PortSet> {
    let number = match port {
        TargetPort::Number(number) => *number,
        TargetPort::Named(name) => {
            let is_it = |one: &&ContainerPort| one.protocol == protocol && one.name.as_ref() == Some(name);
            pods.ports.iter().find(is_it)?.number
        }
    };
    Some(PortSet::number(protocol, number))
}

/// The first port of some, as sentences write it.
pub(super) fn shown(ports: &PortSet) -> String {
    let of =
        |protocol: Protocol| ports.ranges(protocol).iter().map(move |(low, _)| format!("{low}/{}", protocol.as_str()));
    Protocol::ALL.into_iter().flat_map(of).next().unwrap_or_default()
}
