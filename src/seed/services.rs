//! Who stands behind Services, and on which of their ports.

use super::has_all;
use super::tiers::{DeployedMember, DeployedTier};
use crate::cluster::{Cluster, Labels, Service, ServicePort, TargetPort, is_set_at_runtime};
use crate::net::{Protocol, Selector};
use std::sync::Arc;

/// A port of a tier, by the place of the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TierPortAt {
    pub(super) tier: usize,
    pub(super) protocol: Protocol,
    pub(super) number: u16,
}

/// An alias of an alias is followed so far.
const MOST_ALIASES: usize = 8;

/// Whether a Service selects what a workload makes. Labels that pods only have where they run do not count, but the name of a
/// pod has to be one of this workload.
fn selects(selector: &Labels, member: &DeployedMember) -> bool {
    let is_met = |(key, value): (&String, &String)| match is_set_at_runtime(key) {
        true => value.rsplit_once('-').is_none_or(|(owner, _)| !key.ends_with("/pod-name") || owner == &*member.name),
        false => member.labels.get(key) == Some(value),
    };
    selector.keys().any(|key| !is_set_at_runtime(key) || key.ends_with("/pod-name")) && selector.iter().all(is_met)
}

/// The members of tiers behind a Service, by the places of the tiers.
fn members_behind<'t>(tiers: &'t [DeployedTier], service: &Service) -> Vec<(usize, &'t DeployedMember)> {
    let Some(selector) = &service.selector else { return Vec::new() };
    let here = tiers.iter().enumerate().filter(|(_, tier)| tier.namespace == service.namespace);
    here.flat_map(|(at, tier)| tier.members.iter().map(move |member| (at, member)))
        .filter(|(_, member)| selects(selector, member))
        .collect()
}

/// The places of the tiers behind a Service.
pub(super) fn tiers_behind(tiers: &[DeployedTier], service: &Service) -> Vec<usize> {
    let mut places: Vec<usize> = members_behind(tiers, service).into_iter().map(|(at, _)| at).collect();
    places.dedup();
    without_covered(tiers, places)
}

/// Without those tiers that are a part of another one of them.
pub(super) fn without_covered(tiers: &[DeployedTier], places: Vec<usize>) -> Vec<usize> {
    let is_covered = |at: &usize| {
        let Some(own) = tiers.get(*at) else { return true };
        places.iter().any(|other| other != at && tiers.get(*other).is_some_and(|other| other.covers(own)))
    };
    places.iter().copied().filter(|at| !is_covered(at)).collect()
}

/// The ports of pods that a port of a Service leads to, each added to those of its tier.
pub(super) fn targets(tiers: &mut [DeployedTier], service: &Service, port: &ServicePort) -> Vec<TierPortAt> {
    let behind = members_behind(tiers, service).into_iter();
    let found: Vec<(usize, u16)> =
        behind.filter_map(|(at, member)| Some((at, number_of(member, &port.target, port.protocol)?))).collect();
    let from = format!("Service {}", service.name);
    let mut all: Vec<TierPortAt> = Vec::new();
    for (at, number) in found {
        let Some(tier) = tiers.get_mut(at) else { continue };
        tier.require(port.protocol, number, port.name.as_ref(), &from);
        all.push(TierPortAt { tier: at, protocol: port.protocol, number });
    }
    all.sort();
    all.dedup();
    all
}

/// The number of a port of pods.
pub(super) fn number_of(member: &DeployedMember, target: &TargetPort, protocol: Protocol) -> Option<u16> {
    match target {
        TargetPort::Number(number) => Some(*number),
        TargetPort::Named(name) => {
            let has_name = |name: &Arc<str>| {
                member.ports.iter().find(|port| port.protocol == protocol && port.name.as_ref() == Some(name))
            };
            has_name(name).map(|port| port.number)
        }
    }
}

/// The tiers of some namespaces whose pods a selector matches.
pub(super) fn tiers_with<'t>(
    tiers: &'t [DeployedTier],
    is_there: impl Fn(&str) -> bool,
    labels: &Selector,
) -> Vec<(usize, &'t DeployedMember)> {
    let here = tiers.iter().enumerate().filter(|(_, tier)| is_there(&tier.namespace));
    here.flat_map(|(at, tier)| tier.members.iter().map(move |member| (at, member)))
        .filter(|(_, member)| labels.matches(&member.labels))
        .collect()
}

/// A Service, or what it is another name for.
pub(super) enum Leads<'c> {
    /// To the pods of a Service.
    Service(&'c Service),
    /// To a host that is no Service.
    Host(&'c str),
}

/// What the name of a Service leads to.
pub(super) fn leads<'c>(cluster: &'c Cluster, service: &'c Service) -> Leads<'c> {
    let mut service = service;
    for _ in 0..MOST_ALIASES {
        let Some(other) = &service.external_name else { return Leads::Service(service) };
        let labels: Vec<&str> = other.trim_end_matches('.').split('.').collect();
        let inner = match labels.as_slice() {
            [name, namespace, "svc", ..] => cluster.service(namespace, name),
            _ => None,
        };
        match inner {
            Some(next) => service = next,
            None => return Leads::Host(other),
        }
    }
    Leads::Service(service)
}

/// Whether a Service is one for the pods of a member of a tier and no other.
pub(super) fn is_of(service: &Service, member: &DeployedMember) -> bool {
    service.selector.as_ref().is_some_and(|selector| has_all(&member.labels, selector.iter()))
}
