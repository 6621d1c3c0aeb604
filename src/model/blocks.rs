//! Address parties of flows that the CNI matches otherwise than an address block reads: pods, nodes and the API server
//! have addresses, too.

use super::resolve::Resolver;
use super::{BuiltIn, Cni, CniDifference, CniTrigger, Endpoint, Holds, PlatformList};
use crate::diag::Diagnostic;
use crate::net::{AddressSet, Direction, IpBlock, Truth};
use crate::source::Span;
use ipnet::IpNet;

/// What of a cluster has addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressOwner {
    Pods,
    Nodes,
    ApiServer,
}

impl AddressOwner {
    /// Whose addresses a built-in endpoint is.
    fn of(endpoint: BuiltIn) -> Option<AddressOwner> {
        match endpoint.holds() {
            Holds::Listed(PlatformList::Pods) => Some(AddressOwner::Pods),
            Holds::Listed(PlatformList::Nodes) => Some(AddressOwner::Nodes),
            Holds::Listed(PlatformList::ApiServer) => Some(AddressOwner::ApiServer),
            Holds::Listed(PlatformList::Services) | Holds::Pods | Holds::Everything | Holds::Public => None,
        }
    }

    /// Its entry in `platform`.
    fn list(self) -> PlatformList {
        match self {
            AddressOwner::Pods => PlatformList::Pods,
            AddressOwner::Nodes => PlatformList::Nodes,
            AddressOwner::ApiServer => PlatformList::ApiServer,
        }
    }
}

impl Resolver<'_> {
    /// Says where an end of a flow is, or holds, addresses that not every CNI, or not this one, matches like others: those of
    /// the cluster itself. `side` is the one on which a rule names them.
    pub(super) fn check_blocks(&mut self, endpoint: Endpoint, span: Span, side: Direction) {
        for leaf in self.model.leaves(&endpoint).to_vec() {
            if let Endpoint::BuiltIn(one) = leaf {
                self.check_built_in_exceptions(one, span);
            }
            let found = match leaf {
                Endpoint::BuiltIn(one) => AddressOwner::of(one).map(|owner| self.built_in_list(owner, span, side)),
                Endpoint::Cidr(_) => {
                    let found = self.holding_any(leaf, side).map(|found| found.with_label(span, ""));
                    Some(found.into_iter().collect())
                }
                Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Fqdn(_) => None,
            };
            found.into_iter().flatten().for_each(|diagnostic| self.report(diagnostic));
        }
    }

    /// What is to be said of a list wherever it is the end of a flow.
    fn holding_any(&mut self, leaf: Endpoint, side: Direction) -> Option<Diagnostic> {
        if let Some(known) = self.checked_blocks.get(&(leaf, side)) {
            return known.clone();
        }
        let all = IpBlock::all_addresses(&self.model.blocks(leaf).unwrap_or_default());
        let owners = [AddressOwner::Pods, AddressOwner::Nodes, AddressOwner::ApiServer].into_iter();
        let found = owners.filter_map(|owner| self.holding(owner, leaf, &all)).next();
        let found = found.or_else(|| self.of_services(leaf, &all, side)).or_else(|| self.of_other_family(leaf, &all));
        self.checked_blocks.insert((leaf, side), found.clone());
        found
    }

    fn matching(&self, owner: AddressOwner) -> Truth {
        let matches = self.model.platform.blocks_match();
        match owner {
            AddressOwner::Pods => matches.pods,
            AddressOwner::Nodes => matches.nodes,
            AddressOwner::ApiServer => matches.api_server,
        }
    }

    /// `apiserver` or `nodes`.
    fn built_in_list(&self, owner: AddressOwner, span: Span, side: Direction) -> Vec<Diagnostic> {
        if self.model.target.entities(owner.list()).is_some() {
            return Vec::new();
        }
        let cni = self.model.platform.chosen_cni();
        let what = format!("`{}`", owner.list().key());
        let triggers: &[CniTrigger] = match (owner, side) {
            (AddressOwner::ApiServer, Direction::Egress) => {
                &[CniTrigger::ApiServerByAddress, CniTrigger::OneSideOfApiServer]
            }
            (AddressOwner::ApiServer, Direction::Ingress) => {
                &[CniTrigger::FromApiServer, CniTrigger::ApiServerByAddress]
            }
            (AddressOwner::Nodes, Direction::Egress) => &[CniTrigger::NodesByAddress, CniTrigger::ToOwnNode],
            (AddressOwner::Nodes, Direction::Ingress) => &[CniTrigger::NodesByAddress],
            (AddressOwner::Pods, _) => &[],
        };
        let met = triggers.iter().filter(|trigger| **trigger != CniTrigger::OneSideOfApiServer || self.is_one_sided());
        let rows = met.filter_map(|trigger| cni.difference(*trigger));
        let what_of = |row: &CniDifference| match row.trigger {
            CniTrigger::OneSideOfApiServer => format!("{what} needs both, and only one of them is listed"),
            _ => what.clone(),
        };
        // That nobody of a list gets in says all.
        rows.filter_map(|row| row.in_program(&cni.text(), Some(span), &what_of(row))).take(1).collect()
    }

    /// Whether the list of the API server has only its ClusterIP, or only what is behind it.
    fn is_one_sided(&self) -> bool {
        let platform = &self.model.platform;
        let Some(listed) = platform.list(PlatformList::ApiServer) else { return false };
        let is_single = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
        match platform.list(PlatformList::Services) {
            Some(services) => {
                let of_services = |net: &&IpNet| services.iter().any(|services| services.contains(*net));
                let of_services = listed.iter().filter(of_services).count();
                of_services == 0 || of_services == listed.len()
            }
            None => matches!(listed, [one] if is_single(one)),
        }
    }

    /// A list that holds addresses of pods, or is of none but nodes or the API server: a wide one, as of all that is
    /// private, is not about these.
    fn holding(&self, owner: AddressOwner, leaf: Endpoint, all: &AddressSet) -> Option<Diagnostic> {
        let platform = &self.model.platform;
        let listed = platform.list(owner.list());
        let nets = || listed.into_iter().flatten();
        if owner != AddressOwner::Pods {
            let is_like_others = self.matching(owner) == Truth::Yes;
            if is_like_others || !AddressSet::from_nets(nets().copied()).contains(all) {
                return None;
            }
        }
        let net = nets().find(|net| all.overlaps(&AddressSet::from_net(**net)))?;
        let (cni, name) = (platform.chosen_cni(), self.write_endpoint(leaf));
        let (trigger, what) = match owner {
            AddressOwner::Pods => (CniTrigger::PodsByAddress, format!("`{name}` holds some of {net}")),
            AddressOwner::Nodes => (CniTrigger::NodesByAddress, format!("`{name}`, in {net},")),
            AddressOwner::ApiServer => (CniTrigger::ApiServerByAddress, format!("`{name}`, in {net},")),
        };
        let found = cni.difference(trigger)?.in_program(&cni.text(), None, &what)?;
        Some(match (owner, cni.cni) {
            (AddressOwner::Pods, Cni::Any) => {
                let help = format!("{}; or name the CNI in `platform {{ cni NAME }}`", tiers_for_pods(*net, all));
                found.with_help(help)
            }
            (AddressOwner::Pods, _) => found.with_help(tiers_for_pods(*net, all)),
            (AddressOwner::Nodes | AddressOwner::ApiServer, _) => found,
        })
    }

    /// A list of nothing but addresses of Services to connect to.
    fn of_services(&self, leaf: Endpoint, all: &AddressSet, side: Direction) -> Option<Diagnostic> {
        let (platform, cni) = (&self.model.platform, self.model.platform.chosen_cni());
        let services = platform.list(PlatformList::Services).filter(|_| side == Direction::Egress)?;
        if *all == AddressSet::empty() || !AddressSet::from_nets(services.iter().copied()).contains(all) {
            return None;
        }
        let what = format!("`{}`, in `services`,", self.write_endpoint(leaf));
        cni.difference(CniTrigger::ServicesByAddress)?.in_program(&cni.text(), None, &what)
    }

    /// A list without an address of the family that the cluster has, where it has one.
    fn of_other_family(&self, leaf: Endpoint, all: &AddressSet) -> Option<Diagnostic> {
        let (platform, cni) = (&self.model.platform, self.model.platform.chosen_cni());
        let row = cni.difference(CniTrigger::OtherFamily)?;
        let blocks = self.model.blocks(leaf)?;
        let mut families = platform.listed().map(|net| net.addr().is_ipv6());
        let is_six = match cni.cni.has_only_ipv4() {
            true => false,
            false => {
                let first = families.next()?;
                families.all(|one| one == first).then_some(first)?
            }
        };
        if *all == AddressSet::empty() || blocks.iter().any(|block| block.cidr.addr().is_ipv6() == is_six) {
            return None;
        }
        let (of, other) = if is_six { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
        let what = format!("`{}`, of {other} in a cluster of {of},", self.write_endpoint(leaf));
        row.in_program(&cni.text(), None, &what)
    }
}

/// How to say it without the addresses of pods.
fn tiers_for_pods(net: IpNet, all: &AddressSet) -> String {
    let net_addresses = AddressSet::from_net(net);
    match (net_addresses.contains(all), all.contains(&net_addresses)) {
        (true, _) => "name tiers instead: they match pods by their labels".to_owned(),
        (false, true) => format!("take them out with `except {net}`, and name tiers for pods"),
        (false, false) => "leave their addresses out of the list, and name tiers for pods".to_owned(),
    }
}
