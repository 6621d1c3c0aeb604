//! Addresses of flows to add: by a list that the program uses already, or by one of exactly those that were seen.

use super::super::ends::{EndKind, EndKindId};
use super::super::seen::Unnamed;
use super::super::verdict::unnamed_addresses;
use super::ends::FoundEnd;
use super::{LearnedCidr, LearnedEnd, LearnedPort, Learner, WhyNotLearned, WiderEnd};
use crate::draft::{free, name_of_addresses};
use crate::flow::{PartyId, PartyName, Place};
use crate::model::{BuiltIn, Holds, PlatformList};
use crate::net::{AddressSet, IpBlock, is_dns_label};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// More addresses without a name, with one other end and one port, are one list.
const MOST_SINGLE: usize = 5;

/// A list with more addresses than this is no name for one of them.
const MOST_OF_LIST: u128 = 256;

/// What becomes of addresses that no list of the program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CidrWidening {
    /// They are written as they are.
    #[default]
    Exact,
    /// As blocks of 24 bits, or of 64 with IPv6.
    Of24,
    /// As blocks of 16 bits, or of 48 with IPv6.
    Of16,
}

impl CidrWidening {
    fn block(self, address: IpAddr) -> IpNet {
        let (v4, v6) = match self {
            CidrWidening::Exact => (32, 128),
            CidrWidening::Of24 => (24, 64),
            CidrWidening::Of16 => (16, 48),
        };
        let block = match address {
            IpAddr::V4(address) => Ipv4Net::new(address, v4).map(|net| IpNet::V4(net.trunc())),
            IpAddr::V6(address) => Ipv6Net::new(address, v6).map(|net| IpNet::V6(net.trunc())),
        };
        block.unwrap_or_else(|_| address.into())
    }
}

/// A flow that is missing, one end of which are addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AddressedFlow {
    /// Whether the addresses connect, or else are connected to.
    pub is_source: bool,
    /// The other end.
    pub other: LearnedEnd,
    /// The port.
    pub port: LearnedPort,
}

/// One of its addresses, with the row that it is of.
pub(super) struct AddressedRow {
    pub place: usize,
    pub address: IpAddr,
    /// The DNS names that the log has for it.
    pub names: Vec<Arc<str>>,
}

impl Learner<'_> {
    pub(super) fn is_public(&self, address: IpAddr) -> bool {
        unnamed_addresses(Unnamed::Public).has(address)
    }

    /// An address by a name of the program, or as one that has none.
    pub(super) fn address(
        &self,
        address: IpAddr,
        is_outside: bool,
        is_source: bool,
    ) -> Result<FoundEnd, WhyNotLearned> {
        if let Some(list) = self.excepting(address) {
            return Err(WhyNotLearned::Excepted(list));
        }
        if let Some(named) = self.listed(address) {
            return Ok(FoundEnd::Named(named));
        }
        if is_special(address) {
            return Err(WhyNotLearned::SpecialAddress);
        }
        let platform = &self.program.model.platform;
        let is_told =
            platform.addresses(PlatformList::Pods).is_some() && platform.addresses(PlatformList::Services).is_some();
        let is_known = is_outside || is_told || !self.replay.running.pods.is_empty();
        // Clients behind a Service and probes come from nodes, whose addresses look like any other.
        let knows_nodes =
            platform.addresses(PlatformList::Nodes).is_some() || !self.replay.running.node_addresses().is_empty();
        match () {
            () if self.is_public(address) => Ok(FoundEnd::Address(address)),
            () if !is_known => Err(WhyNotLearned::WhoseAddress),
            () if is_source && !is_outside && !knows_nodes => Err(WhyNotLearned::MaybeNode),
            () => Ok(FoundEnd::Address(address)),
        }
    }

    /// The list that takes an address away.
    fn excepting(&self, address: IpAddr) -> Option<String> {
        let takes_away = |block: &IpBlock| {
            block.cidr.contains(&address) && block.except.iter().any(|except| except.contains(&address))
        };
        let list = self.program.model.cidrs.iter().find(|list| list.blocks.iter().any(takes_away))?;
        Some(list.name.to_string())
    }

    /// The narrowest name that a flow of the program has for an address, or that the platform has. Never one of very many, such
    /// as `internet`: what the program says of those, it says on purpose.
    pub(super) fn listed(&self, address: IpAddr) -> Option<LearnedEnd> {
        let of_program = self.lists().into_iter().chain(self.new_lists());
        let of_program = of_program.filter(|(_, addresses)| size(addresses) <= MOST_OF_LIST);
        let all = of_program.chain(self.platform_lists()).filter(|(_, addresses)| addresses.has(address));
        all.map(|(end, addresses)| (size(&addresses), end)).min().map(|(_, end)| end)
    }

    /// The lists that flows of the program use.
    fn lists(&self) -> Vec<(LearnedEnd, AddressSet)> {
        let flows = self.program.flows;
        let ends = flows.flows.iter().flat_map(|flow| [flow.source, flow.destination]);
        let leaves = ends.filter_map(|end| flows.party(end)).flat_map(|party| party.leaves.iter().copied());
        let used: BTreeSet<PartyId> = leaves.collect();
        let mut found = Vec::new();
        for party in used.into_iter().filter_map(|id| flows.party(id)) {
            let Some(Place::Addresses(blocks)) = &party.place else { continue };
            let (namespace, name) = match &party.name {
                PartyName::Local(home, name) => {
                    let home = self.program.model.namespaces.iter().find(|one| one.name == *home);
                    (home.map(|home| home.declared.clone()), name.clone())
                }
                PartyName::Global(name) => (None, name.clone()),
                PartyName::BuiltIn(_) | PartyName::AllPods(_) => continue,
            };
            found.push((LearnedEnd { namespace, name, tier: None, is_managed: false }, IpBlock::all_addresses(blocks)));
        }
        found
    }

    /// The lists that are added.
    fn new_lists(&self) -> impl Iterator<Item = (LearnedEnd, AddressSet)> {
        self.new.cidrs.iter().map(|cidr| {
            let end = LearnedEnd { namespace: None, name: cidr.name.clone(), tier: None, is_managed: false };
            (end, AddressSet::from_nets(cidr.blocks.iter().copied()))
        })
    }

    /// What the platform lists under a name of the language.
    fn platform_lists(&self) -> impl Iterator<Item = (LearnedEnd, AddressSet)> {
        BuiltIn::ALL.into_iter().filter_map(|one| {
            let Holds::Listed(list) = one.holds() else { return None };
            let addresses = self.program.model.platform.addresses(list)?;
            Some((LearnedEnd { namespace: None, name: one.word().into(), tier: None, is_managed: false }, addresses))
        })
    }

    /// What an end of a flow has beside the addresses that the rows show there.
    pub(super) fn wider(&self, end: &LearnedEnd, rows: &[usize], is_source: bool) -> Option<WiderEnd> {
        if end.tier.is_some() {
            return None;
        }
        let mut all = self.lists().into_iter().chain(self.new_lists()).chain(self.platform_lists());
        let (_, addresses) = all.find(|(list, _)| list == end)?;
        let groups = rows.iter().filter_map(|row| self.report.rows.get(*row)).flat_map(|row| &row.groups);
        let ends = groups.map(|group| if is_source { group.from } else { group.to });
        let seen = AddressSet::from_nets(ends.filter_map(|id| self.address_of(id)).map(Into::into));
        let seen = size(&seen.intersect(&addresses));
        let all = size(&addresses);
        (all > seen).then(|| WiderEnd { name: end.name.clone(), addresses: all, seen })
    }

    fn address_of(&self, id: EndKindId) -> Option<IpAddr> {
        match self.judge.kinds.get(id.0 as usize)? {
            EndKind::Address(address, _) | EndKind::Service(address) => Some(*address),
            EndKind::OwnNode(address) | EndKind::Node(address) => *address,
            EndKind::Pods(_)
            | EndKind::Known(_)
            | EndKind::Proxy
            | EndKind::Unknown(_)
            | EndKind::Unnamed(_)
            | EndKind::Named(_) => None,
        }
    }

    /// Gives the addresses of a flow names: one for those of each DNS name.
    pub(super) fn name_addresses(&mut self, flow: &AddressedFlow, rows: Vec<AddressedRow>) {
        let mut by_name: BTreeMap<Option<String>, Vec<AddressedRow>> = BTreeMap::new();
        for row in rows {
            let name = row.names.iter().find_map(|name| name_of_host(name));
            by_name.entry(name).or_default().push(row);
        }
        for (name, rows) in by_name {
            match name {
                None if rows.len() <= MOST_SINGLE => {
                    rows.into_iter().for_each(|row| self.addressed(flow, None, &[row]));
                }
                name => self.addressed(flow, name, &rows),
            }
        }
    }

    fn addressed(&mut self, flow: &AddressedFlow, name: Option<String>, rows: &[AddressedRow]) {
        let exact = AddressSet::from_nets(rows.iter().map(|row| row.address.into()));
        let widened = AddressSet::from_nets(rows.iter().map(|row| self.options.widening.block(row.address)));
        let (addresses, is_widened) = match self.is_of_nobody_else(&widened) {
            true => (&widened, widened != exact),
            false => (&exact, false),
        };
        let blocks = addresses.to_nets();
        let known = self.new.cidrs.iter().find(|cidr| cidr.blocks == blocks).map(|cidr| cidr.name.clone());
        let name = known.unwrap_or_else(|| {
            let base = match (name, blocks.as_slice()) {
                (Some(name), _) => name,
                (None, [_]) => name_of_addresses(&blocks),
                (None, _) => format!("nets-of-{}", flow.other.name),
            };
            let name: Arc<str> = free(&[base], |name| self.is_taken(name, None)).into();
            self.new.cidrs.push(LearnedCidr { name: name.clone(), blocks, is_widened });
            name
        });
        let end = LearnedEnd { namespace: None, name, tier: None, is_managed: false };
        let places: Vec<usize> = rows.iter().map(|row| row.place).collect();
        let (other, port) = (flow.other.clone(), flow.port.clone());
        match flow.is_source {
            true => self.add(end, other, port, &places),
            false => self.add(other, end, port, &places),
        }
    }

    /// Whether blocks have no address that the platform lists, or that a list of the program takes away.
    fn is_of_nobody_else(&self, addresses: &AddressSet) -> bool {
        let platform = AddressSet::from_nets(self.program.model.platform.listed());
        let blocks = self.program.model.cidrs.iter().flat_map(|list| &list.blocks);
        let excepted = AddressSet::from_nets(blocks.flat_map(|block| block.except.iter().copied()));
        let of_pods = &self.judge.placement.facts.pod_addresses();
        let runs = self.replay.running.node_addresses();
        let all = [&platform, &excepted, of_pods, &runs];
        // The addresses of a plugin that says nothing are all there are.
        !all.into_iter().any(|others| !others.has_all() && others.overlaps(addresses))
    }
}

/// Whether an address means no machine of the network (RFC 6890): what is on this one, on a link, or many.
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(one) => {
            one.is_loopback() || one.is_link_local() || one.is_multicast() || one.is_broadcast() || one.is_unspecified()
        }
        IpAddr::V6(one) => {
            one.is_loopback() || one.is_unicast_link_local() || one.is_multicast() || one.is_unspecified()
        }
    }
}

/// How many addresses there are.
fn size(addresses: &AddressSet) -> u128 {
    let v4 = addresses.v4().iter().map(|(low, high)| u128::from(high - low) + 1);
    let v6 = addresses.v6().iter().map(|(low, high)| (high - low).saturating_add(1));
    v4.chain(v6).fold(0, u128::saturating_add)
}

/// A name for what a DNS name stands for.
fn name_of_host(host: &str) -> Option<String> {
    const LONGEST: usize = 50;
    let is_host = host.len() <= 253 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte));
    let name: String =
        host.chars().map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' }).collect();
    let name = name.get(..name.len().min(LONGEST)).unwrap_or_default().trim_matches('-').to_owned();
    (is_host && is_dns_label(&name)).then_some(name)
}
