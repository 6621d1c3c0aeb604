//! Address parties of flows that the CNI matches otherwise than an address block reads: pods, nodes and the API server
//! have addresses, too.

use super::resolve::Resolver;
use super::{BuiltIn, Cni, Endpoint, Holds, PlatformList};
use crate::diag::{Code, Diagnostic};
use crate::net::{AddressSet, IpBlock, Truth};
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

    /// In a sentence that says what the CNI matches.
    fn word(self) -> &'static str {
        match self {
            AddressOwner::Pods => "pods",
            AddressOwner::Nodes => "nodes",
            AddressOwner::ApiServer => "the API server",
        }
    }

    fn possessive(self) -> &'static str {
        if self == AddressOwner::ApiServer { "its" } else { "their" }
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
    /// Warns where an end of a flow is, or holds, addresses of the cluster itself that not every CNI, or not this one,
    /// matches like others.
    pub(super) fn check_blocks(&mut self, endpoint: Endpoint, span: Span) {
        for leaf in self.model.leaves(&endpoint).to_vec() {
            if let Endpoint::BuiltIn(one) = leaf {
                self.check_built_in_exceptions(one, span);
            }
            let found = match leaf {
                Endpoint::BuiltIn(one) => AddressOwner::of(one).and_then(|owner| self.built_in_list(owner, span)),
                Endpoint::Cidr(_) => self.holding_any(leaf).map(|found| found.with_label(span, "")),
                Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Fqdn(_) => None,
            };
            found.into_iter().for_each(|diagnostic| self.report(diagnostic));
        }
    }

    /// What is to be said of a list wherever it is the end of a flow.
    fn holding_any(&mut self, leaf: Endpoint) -> Option<Diagnostic> {
        if let Some(known) = self.checked_blocks.get(&leaf) {
            return known.clone();
        }
        let all = IpBlock::all_addresses(&self.model.blocks(leaf).unwrap_or_default());
        let owners = [AddressOwner::Pods, AddressOwner::Nodes, AddressOwner::ApiServer].into_iter();
        let found = owners.filter_map(|owner| self.holding(owner, leaf, &all)).next();
        self.checked_blocks.insert(leaf, found.clone());
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
    fn built_in_list(&self, owner: AddressOwner, span: Span) -> Option<Diagnostic> {
        if self.matching(owner) == Truth::Yes {
            return None;
        }
        let (what, own) = (owner.word(), owner.possessive());
        let name = owner.list().key();
        Some(match self.model.platform.cni {
            Cni::Any => {
                let message =
                    format!("not every CNI matches {what} by {own} addresses: with some, `{name}` stays closed");
                Diagnostic::new(Code::W0012, span, message).with_help(name_the_cni())
            }
            cni => {
                let named = self.model.platform.cni_text();
                let message = match owner {
                    _ if self.matching(owner) == Truth::No => {
                        format!("{named} never matches {what} by {own} addresses: `{name}` stays closed")
                    }
                    _ if !cni.has_entities() => {
                        format!(
                            "whether {named} matches {what} by {own} addresses is not known: `{name}` may stay closed"
                        )
                    }
                    AddressOwner::ApiServer => format!(
                        "{named} matches no API server that runs on a node by its addresses: `{name}` may stay closed"
                    ),
                    AddressOwner::Pods | AddressOwner::Nodes => {
                        format!(
                            "{named} matches {what} by {own} addresses only when set up to: `{name}` may stay closed"
                        )
                    }
                };
                Diagnostic::new(Code::W0014, span, message).with_help(other_way(cni, owner))
            }
        })
    }

    /// A list that holds addresses of pods, or is of none but nodes or the API server: a wide one, as of all that is
    /// private, is not about these.
    fn holding(&self, owner: AddressOwner, leaf: Endpoint, all: &AddressSet) -> Option<Diagnostic> {
        let platform = &self.model.platform;
        let listed = platform.list(owner.list());
        let truth = self.matching(owner);
        if owner != AddressOwner::Pods && truth == Truth::Yes {
            return None;
        }
        let nets = || listed.into_iter().flatten();
        if owner != AddressOwner::Pods && !AddressSet::from_nets(nets().copied()).contains(all) {
            return None;
        }
        let net = nets().find(|net| all.overlaps(&AddressSet::from_net(**net)))?;
        let (what, own, name) = (owner.word(), owner.possessive(), self.write_endpoint(leaf));
        let cni = platform.cni_text();
        let (code, message) = match (platform.cni, truth) {
            (Cni::Any, _) => (
                Code::W0012,
                format!("not every CNI matches {what} by {own} addresses, and `{name}` holds some of {net}"),
            ),
            (_, Truth::Yes) => {
                (Code::W0014, format!("{cni} matches {what} by {own} addresses, too, and `{name}` holds some of {net}"))
            }
            (_, Truth::Maybe) => (
                Code::W0014,
                format!("{cni} may not match {what} by {own} addresses, and `{name}` holds some of {net}"),
            ),
            (_, Truth::No) => (
                Code::W0014,
                format!(
                    "{cni} never matches {what} by {own} addresses: `{name}` holds some of {net}, and not their {what}"
                ),
            ),
        };
        let help = match (owner, platform.cni) {
            (AddressOwner::Pods, Cni::Any) => {
                format!("{}; or name the CNI in `platform {{ cni NAME }}`", tiers_for_pods(*net, all))
            }
            (AddressOwner::Pods, _) => tiers_for_pods(*net, all),
            (AddressOwner::Nodes | AddressOwner::ApiServer, Cni::Any) => name_the_cni(),
            (AddressOwner::Nodes | AddressOwner::ApiServer, cni) => other_way(cni, owner),
        };
        Some(Diagnostic::about(code, message).with_help(help))
    }
}

fn name_the_cni() -> String {
    "name the CNI in `platform { cni NAME }`".to_owned()
}

/// How else to say it with this CNI.
fn other_way(cni: Cni, owner: AddressOwner) -> String {
    if !cni.has_entities() {
        return "try it in a cluster, and silence this with `# polder: allow(W0014)`".to_owned();
    }
    let entities = if owner == AddressOwner::ApiServer { "kube-apiserver" } else { "host, remote-node" };
    format!(
        "add a CiliumNetworkPolicy with the entities `[{entities}]`, and silence this with `# polder: allow(W0014)`"
    )
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
