//! Who may connect to the pods behind a Service.

use super::One;
use super::atoms::ports as ports_of;
use super::ports::Mistaken;
use crate::cluster::{Cluster, Pods, Service, ServicePort, TargetPort, Workload};
use crate::engine::{End, EndId, Engine};
use crate::net::{Direction, PortSet, Protocol};
use crate::netpol::{Port, PortTarget, Rule};
use std::collections::BTreeMap;

/// What runs, as ends of a world, with the policies for it.
pub(super) struct Published<'s, 'a> {
    /// All policies.
    pub all: &'s [One<'a>],
    /// What they allow.
    pub engine: &'s Engine<'s>,
    /// What runs.
    pub cluster: &'s Cluster,
    mistaken: &'s Mistaken,
    /// The ends of pods, by the places of their workload and of themselves in it.
    kinds: BTreeMap<(usize, usize), Vec<EndId>>,
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
    pub fn new(all: &'s [One<'a>], engine: &'s Engine<'s>, cluster: &'s Cluster, mistaken: &'s Mistaken) -> Self {
        let world = engine.world();
        let mut kinds: BTreeMap<(usize, usize), Vec<EndId>> = BTreeMap::new();
        for id in world.ids() {
            for member in world.pods(id).into_iter().flat_map(|pods| &pods.members) {
                kinds.entry((member.workload, member.pods)).or_default().push(id);
            }
        }
        Published { all, engine, cluster, mistaken, kinds }
    }

    /// The ends that are addresses.
    pub fn addresses(&self) -> Vec<EndId> {
        let is_address = |id: &EndId| matches!(self.engine.world().end(*id), Some(End::Addresses { .. }));
        self.engine.world().ids().filter(is_address).collect()
    }

    /// The ends of pods for which `is` says so.
    pub fn ends_of(&self, is: impl Fn(&Workload, &Pods) -> bool) -> Vec<(&'s Workload, EndId)> {
        let mut found = Vec::new();
        for (index, workload) in self.cluster.workloads.iter().enumerate() {
            for (position, _) in workload.pods.iter().enumerate().filter(|(_, pods)| is(workload, pods)) {
                let ends = self.kinds.get(&(index, position)).into_iter().flatten();
                found.extend(ends.map(|end| (workload, *end)));
            }
        }
        found
    }

    /// The pods that a Service leads to; none when some of them are not isolated, so that everybody may connect to these.
    pub fn behind(&self, service: &Service) -> Vec<Behind<'s>> {
        self.behind_where(|workload, pods| workload.namespace == service.namespace && service.selects(&pods.labels))
    }

    /// The pods for which `is` says so; none when some of them are not isolated.
    fn behind_where(&self, is: impl Fn(&Workload, &Pods) -> bool) -> Vec<Behind<'s>> {
        let found = self.each_where(is);
        if found.iter().any(|one| one.isolating.is_empty()) { Vec::new() } else { found }
    }

    /// The pods for which `is` says so, each by itself.
    pub fn each_where(&self, is: impl Fn(&Workload, &Pods) -> bool) -> Vec<Behind<'s>> {
        let mut found = Vec::new();
        for (index, workload) in self.cluster.workloads.iter().enumerate() {
            for (position, pods) in workload.pods.iter().enumerate().filter(|(_, pods)| is(workload, pods)) {
                for end in self.kinds.get(&(index, position)).into_iter().flatten() {
                    let isolating = self.engine.decision(Direction::Ingress, *end, *end).isolating;
                    found.push(Behind { workload, pods, end: *end, isolating });
                }
            }
        }
        found
    }

    /// A policy that isolates pods, when `admits` is false of them; none of which a wrong port is told already.
    pub fn closes(&self, behind: &Behind<'_>, admits: bool) -> Option<&'s One<'a>> {
        let is_mistaken = |index: &usize| self.mistaken.contains(&(*index, Direction::Ingress));
        let is_told = admits || behind.isolating.iter().any(is_mistaken);
        self.all.get(*behind.isolating.first().filter(|_| !is_told)?)
    }

    /// A policy that isolates the pods of a Service, when `admits` is true for none of them on any of the ports.
    pub fn closed(
        &self,
        service: &Service,
        ports: &[ServicePort],
        admits: impl Fn(&Behind<'_>, &PortSet) -> bool,
    ) -> Option<&'s One<'a>> {
        let behind = self.behind(service);
        let is_open =
            |one: &Behind<'_>| ports.iter().filter_map(|port| target(port, one.pods)).any(|ports| admits(one, &ports));
        // Of a policy with a wrong port that is told, and not what follows.
        let is_mistaken = |index: &usize| self.mistaken.contains(&(*index, Direction::Ingress));
        let isolating = || behind.iter().flat_map(|one| &one.isolating);
        if ports.is_empty() || behind.iter().any(is_open) || isolating().any(is_mistaken) {
            return None;
        }
        self.all.get(*behind.first()?.isolating.first()?)
    }

    /// The ingress rules of the policies that isolate pods.
    pub fn rules(&self, behind: &Behind<'_>) -> impl Iterator<Item = (&'s One<'a>, usize, &'a Rule)> {
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
        _ => ports_of(port).overlaps(ports),
    };
    rule.ports.is_empty() || rule.ports.iter().any(is_it)
}

/// The port of the pods behind a port of a service.
pub(super) fn target(port: &ServicePort, pods: &Pods) -> Option<PortSet> {
    let number = |protocol: Protocol, number: u16| PortSet::number(protocol, number);
    match &port.target {
        TargetPort::Number(target) => Some(number(port.protocol, *target)),
        TargetPort::Named(name) => {
            let is_it =
                |one: &&crate::cluster::ContainerPort| one.protocol == port.protocol && one.name.as_ref() == Some(name);
            pods.ports.iter().find(is_it).map(|one| number(port.protocol, one.number))
        }
    }
}
