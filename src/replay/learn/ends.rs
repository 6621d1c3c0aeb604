//! The ends of flows to add: names that the program has for them, or tiers that it lacks.

use super::super::ends::{EndKind, EndKindId, PodsOfLog};
use super::super::groups::GroupPort;
use super::super::place::{PlacedEnd, ServiceAt, namespace_of_pod, target_of};
use super::super::{Because, ReplayRow};
use super::{LearnedCidr, LearnedEnd, LearnedTier, Learner, WhyNotLearned, selector};
use crate::ask::Asked;
use crate::cluster::Labels;
use crate::model::{Endpoint, Namespace, NamespaceKind, TierId};
use crate::net::{PortSet, Protocol, Selector, Truth, is_dns_label};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// What the program gets beside flows.
#[derive(Debug, Clone, Default)]
pub(super) struct NewNames {
    pub tiers: Vec<LearnedTier>,
    pub cidrs: Vec<LearnedCidr>,
    /// Ports more of tiers.
    pub ports: Vec<(TierId, Arc<str>, PortSet)>,
}

/// An end, as far as one row tells.
pub(super) enum FoundEnd {
    Named(LearnedEnd),
    /// An address that has no name yet.
    Address(IpAddr),
}

/// Whether a row is about the port of DNS.
pub(super) fn is_dns(row: &ReplayRow) -> bool {
    matches!(row.group_port, GroupPort::Number(Protocol::Udp | Protocol::Tcp, 53))
}

impl<'l> Learner<'l> {
    /// Why one of the ends is not known well enough.
    pub(super) fn unclear_ends(&self, row: &ReplayRow) -> Option<WhyNotLearned> {
        let (from, to) = (&row.ends.0, &row.ends.1);
        if row.judged.why == Some(Because::Proxy) || [from, to].into_iter().any(|kind| *kind == EndKind::Proxy) {
            return Some(WhyNotLearned::Proxy);
        }
        let is_nobody = |kind: &EndKind| matches!(kind, EndKind::Unknown(_) | EndKind::Unnamed(_));
        match (from, to) {
            (EndKind::OwnNode(_) | EndKind::Node(_), _) => Some(WhyNotLearned::Node),
            _ if is_nobody(from) || is_nobody(to) => Some(WhyNotLearned::NoName),
            (EndKind::Pods(PodsOfLog { labels: None, .. }), _) | (_, EndKind::Pods(PodsOfLog { labels: None, .. })) => {
                Some(WhyNotLearned::Labels)
            }
            (EndKind::Address(address, _), _) if self.is_public(*address) => Some(WhyNotLearned::PublicClient),
            _ => None,
        }
    }

    /// Who connects.
    pub(super) fn source(&mut self, row: &ReplayRow) -> Result<FoundEnd, WhyNotLearned> {
        self.end(row, &row.ends.0, true)
    }

    /// To whom, and on which port there.
    pub(super) fn destination(&mut self, row: &ReplayRow) -> Result<(FoundEnd, PortSet), WhyNotLearned> {
        let ports = row.ports.clone().ok_or(WhyNotLearned::NoName)?;
        match row.groups.first().and_then(|group| self.placed(group.to)) {
            Some(PlacedEnd::Service(service)) => self.behind(row, service),
            _ => Ok((self.end(row, &row.ends.1, false)?, ports)),
        }
    }

    /// The pods behind a Service, where they are one tier on one port.
    fn behind(&mut self, row: &ReplayRow, at: &ServiceAt) -> Result<(FoundEnd, PortSet), WhyNotLearned> {
        let why = || WhyNotLearned::Service(row.service.clone().unwrap_or_default());
        let service = self.judge.candidate.cluster.services.get(at.service).ok_or_else(why)?;
        let GroupPort::Number(protocol, number) = row.group_port else { return Err(why()) };
        let mut found: BTreeSet<(LearnedEnd, u16)> = BTreeSet::new();
        for end in &at.pods {
            let world = &self.judge.placement.situation.world;
            let (pods, home) = world.pods(*end).zip(world.namespace_of(*end)).ok_or_else(why)?;
            let target = target_of(service, protocol, number, pods.ports.as_ref()).ok_or_else(why)?;
            let namespace = home.name.clone().ok_or_else(why)?;
            found.insert((self.pods(&namespace, &pods.labels, None)?, target));
        }
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some((end, target)), None) => Ok((FoundEnd::Named(end), PortSet::number(protocol, target))),
            _ => Err(why()),
        }
    }

    fn end(&mut self, row: &ReplayRow, kind: &EndKind, is_source: bool) -> Result<FoundEnd, WhyNotLearned> {
        let id = row.groups.first().map(|group| if is_source { group.from } else { group.to });
        match kind {
            EndKind::Pods(pods) => self.pods_of_log(pods, id).map(FoundEnd::Named),
            EndKind::Known(place) => {
                let facts = &self.judge.placement.facts;
                let (namespace, labels, ..) = self.replay.running.details(*place, facts);
                self.pods(namespace, &labels, id).map(FoundEnd::Named)
            }
            EndKind::Named(_) => match id.and_then(|id| self.placed(id)) {
                Some(PlacedEnd::Named(asked)) => self.named(asked, is_source),
                _ => Err(WhyNotLearned::NoName),
            },
            EndKind::Address(address, is_outside) => self.address(*address, *is_outside, is_source),
            EndKind::Node(Some(address)) | EndKind::OwnNode(Some(address)) if !is_source => {
                self.listed(*address).map(FoundEnd::Named).ok_or(WhyNotLearned::Node)
            }
            EndKind::Node(_) | EndKind::OwnNode(_) => Err(WhyNotLearned::Node),
            EndKind::Service(_) => Err(WhyNotLearned::Service(row.service.clone().unwrap_or_default())),
            EndKind::Proxy => Err(WhyNotLearned::Proxy),
            EndKind::Unknown(_) | EndKind::Unnamed(_) => Err(WhyNotLearned::NoName),
        }
    }

    fn pods_of_log(&mut self, pods: &PodsOfLog, id: Option<EndKindId>) -> Result<LearnedEnd, WhyNotLearned> {
        let labels = pods.labels.as_ref().ok_or(WhyNotLearned::Labels)?;
        match id.and_then(|id| self.placed(id)) {
            Some(PlacedEnd::AnyOf(set)) => {
                let known = match set.peers.as_slice() {
                    [crate::net::Peers::Pods { pods, .. }] => pods.clone(),
                    _ => return Err(WhyNotLearned::Labels),
                };
                self.partly_known(&pods.namespace, labels, &known, id)
            }
            _ => self.pods(&pods.namespace, labels, id),
        }
    }

    /// Pods that may have more labels than the log shows: of a tier only where that is sure.
    fn partly_known(
        &mut self,
        namespace: &str,
        labels: &Labels,
        known: &Selector,
        id: Option<EndKindId>,
    ) -> Result<LearnedEnd, WhyNotLearned> {
        let model = self.program.model;
        let is_here = |id: &TierId| {
            let home = model.tier(*id).and_then(|tier| model.namespace(tier.namespace));
            home.is_some_and(|home| *home.name == *namespace)
        };
        let met = |id: &TierId| model.tier(*id).map_or(Truth::No, |tier| tier.selector.is_met_by(known));
        let here: Vec<TierId> = model.tiers.ids().filter(is_here).collect();
        if let Some(sure) = here.iter().find(|id| met(id) == Truth::Yes) {
            return self.tier(*sure).ok_or(WhyNotLearned::NoName);
        }
        match here.iter().any(|id| met(id) == Truth::Maybe) {
            true => Err(WhyNotLearned::Labels),
            false => self.new_tier(namespace, labels, id),
        }
    }

    /// Pods by their tier, or by one that is new.
    fn pods(&mut self, namespace: &str, labels: &Labels, id: Option<EndKindId>) -> Result<LearnedEnd, WhyNotLearned> {
        let tiers = self.judge.tiers_of(namespace, labels);
        if let Some(first) = tiers.first() {
            let model = self.program.model;
            let is_it = |id: &TierId| model.tier(*id).is_some_and(|tier| std::ptr::eq(tier, *first));
            let found = model.tiers.ids().find(is_it);
            return found.and_then(|id| self.tier(id)).ok_or(WhyNotLearned::NoName);
        }
        self.new_tier(namespace, labels, id)
    }

    fn tier(&self, id: TierId) -> Option<LearnedEnd> {
        let tier = self.program.model.tier(id)?;
        let home = self.program.model.namespace(tier.namespace)?;
        Some(LearnedEnd {
            namespace: Some(home.declared.clone()),
            name: tier.name.clone(),
            tier: Some(id),
            is_managed: home.managed().is_some(),
        })
    }

    /// The namespace of the program of a name in the cluster.
    fn home(&self, name: &str) -> Option<&'l Namespace> {
        let by_name = |one: &&Namespace| !matches!(one.kind, NamespaceKind::External(Some(_)));
        self.program.model.namespaces.iter().filter(by_name).find(|one| *one.name == *name)
    }

    fn new_tier(
        &mut self,
        namespace: &str,
        labels: &Labels,
        id: Option<EndKindId>,
    ) -> Result<LearnedEnd, WhyNotLearned> {
        let home = self.home(namespace);
        let is_free = !self.program.model.namespaces.iter().any(|one| *one.declared == *namespace);
        let declared: Arc<str> = match home {
            Some(home) => home.declared.clone(),
            None if is_free && is_dns_label(namespace) => namespace.into(),
            None => return Err(WhyNotLearned::NoName),
        };
        let is_managed = home.is_some_and(|home| home.managed().is_some());
        let style = self.options.naming_label(&declared).cloned();
        let style = style.as_deref();
        let labels = selector::labels(&self.workloads.telling(namespace, labels, id), style)?;
        let actual = home.map(|home| home.name.clone()).unwrap_or_else(|| declared.clone());
        let is_taken = |name: &str| self.is_taken(name, Some((&actual, &declared)));
        let tier = selector::tier(declared.clone(), is_managed, &labels, style, is_taken);
        let is_same = |other: &&LearnedTier| {
            let implied = |tier: &LearnedTier| {
                tier.selector.clone().or_else(|| Some(Selector::equals(style?, tier.name.clone())))
            };
            other.namespace == declared && implied(other) == Some(crate::draft::equal(&labels))
        };
        let known = self.new.tiers.iter().find(is_same).map(|tier| tier.name.clone());
        let name = known.unwrap_or_else(|| {
            let name = tier.name.clone();
            self.new.tiers.push(tier);
            name
        });
        Ok(LearnedEnd { namespace: Some(declared), name, tier: None, is_managed })
    }

    /// Whether something has a name already, in a namespace or, for the whole program, anywhere.
    pub(super) fn is_taken(&self, name: &str, namespace: Option<(&Arc<str>, &Arc<str>)>) -> bool {
        let declared = self.program.flows.declared.iter().any(|(home, known)| {
            &**known == name
                && (namespace.is_none() || home.as_ref().is_none_or(|home| namespace.is_some_and(|one| one.0 == home)))
        });
        let is_new_tier = |tier: &LearnedTier| {
            &*tier.name == name && namespace.is_none_or(|(_, declared)| tier.namespace == *declared)
        };
        declared
            || Endpoint::built_in(name).is_some()
            || self.new.tiers.iter().any(is_new_tier)
            || self.new.cidrs.iter().any(|cidr| &*cidr.name == name)
    }

    /// What somebody wrote into a log.
    fn named(&mut self, asked: &Asked, is_source: bool) -> Result<FoundEnd, WhyNotLearned> {
        match asked {
            Asked::Name(text) => {
                let model = self.program.model;
                let is_it = |id: &TierId| {
                    let tier = model.tier(*id);
                    let home = tier.and_then(|tier| model.namespace(tier.namespace));
                    tier.zip(home).is_some_and(|(tier, home)| match text.split_once('/') {
                        Some((namespace, name)) => {
                            *tier.name == *name && (*home.name == *namespace || *home.declared == *namespace)
                        }
                        None => *tier.name == **text,
                    })
                };
                let mut found = model.tiers.ids().filter(is_it);
                match (found.next(), found.next()) {
                    (Some(id), None) => self.tier(id).map(FoundEnd::Named).ok_or(WhyNotLearned::NoName),
                    // The name of a pod of which nothing else is known.
                    (None, _) if namespace_of_pod(text).is_some() => Err(WhyNotLearned::Labels),
                    _ => Err(WhyNotLearned::NoName),
                }
            }
            Asked::Pod { namespace, labels, .. } => self.pods(namespace, labels, None).map(FoundEnd::Named),
            Asked::Addresses(addresses) => match addresses.to_nets().as_slice() {
                [one] if one.prefix_len() == one.max_prefix_len() => self.address(one.addr(), false, is_source),
                _ => Err(WhyNotLearned::NoName),
            },
            Asked::DnsServers(_) | Asked::PodsAt(_) | Asked::Seen(..) | Asked::Behind { .. } | Asked::Several(_) => {
                Err(WhyNotLearned::NoName)
            }
        }
    }

    /// The namespaces and labels of the pods that a row is to.
    pub(super) fn pods_behind(&self, row: &ReplayRow) -> impl Iterator<Item = (Arc<str>, Labels)> {
        let world = &self.judge.placement.situation.world;
        let placed = row.groups.first().and_then(|group| self.placed(group.to));
        let ends = match placed {
            Some(PlacedEnd::Pods(end)) => vec![*end],
            Some(PlacedEnd::Service(service)) => service.pods.clone(),
            _ => Vec::new(),
        };
        ends.into_iter().filter_map(|end| {
            let (pods, home) = world.pods(end).zip(world.namespace_of(end))?;
            Some((home.name.clone()?, pods.labels.clone()))
        })
    }
}
