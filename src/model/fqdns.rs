//! Flows to DNS names, for targets that can name them.

use super::errors::flows as errors;
use super::resolve::Resolver;
use super::{DnsServer, Endpoint, Isolated, Namespace, Target};
use crate::source::Span;
use rustc_hash::FxHashSet;

/// The domains under which a cluster keeps the names of its own Services (`clusterDomain` of the kubelet, whose default the
/// second is).
const OF_CLUSTER: [&str; 2] = ["svc", "cluster.local"];

/// Whether a name is one that the cluster gives to its own Services and pods.
pub(super) fn is_of_cluster(name: &str) -> bool {
    let below = |domain: &str| name == domain || name.strip_suffix(domain).is_some_and(|before| before.ends_with('.'));
    OF_CLUSTER.into_iter().any(below)
}

/// Whether a text in the form of a name is an address.
pub(super) fn is_address(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Resolver<'_> {
    /// Names are learnt from the answers of DNS servers: whoever may connect to one has to ask in a way that can be seen.
    pub(super) fn check_flows_to_names(&mut self) {
        let target = self.model.target;
        if !target.has_names() || self.model.fqdns.is_empty() {
            return;
        }
        let mut found = Vec::new();
        let mut told: FxHashSet<(Span, bool)> = FxHashSet::default();
        for flow in &self.model.flows {
            if !flow.targets.iter().any(|(leaf, _)| matches!(leaf, Endpoint::Fqdn(_))) {
                continue;
            }
            let Some(at) = self.model.statements.get(flow.statement.0 as usize).map(|statement| statement.span) else {
                continue;
            };
            for source in self.model.leaves(&flow.source) {
                for namespace in self.homes(*source) {
                    let Some(managed) = namespace.managed() else { continue };
                    let is_open = matches!(&managed.egress, Isolated::Tiers(tiers) if tiers.is_empty());
                    let servers = &managed.dns.servers;
                    let any = servers.contains(&DnsServer::Any);
                    if (servers.is_empty() || any) && !is_open && told.insert((at, any)) {
                        found.push(match any {
                            true => errors::names_from_anywhere(at, &namespace.declared),
                            false => errors::names_never_asked(at, &namespace.declared),
                        });
                    }
                }
            }
        }
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
        self.check_several_labels(target);
    }

    /// The namespaces that an endpoint has pods in, where they are known.
    fn homes(&self, endpoint: Endpoint) -> Vec<&Namespace> {
        let id = match endpoint {
            Endpoint::Tier(id) => self.model.tier(id).map(|tier| tier.namespace),
            Endpoint::Namespace(id) => Some(id),
            Endpoint::BuiltIn(one) if one.has_pods() => return self.model.namespaces.iter().collect(),
            Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::BuiltIn(_) => None,
        };
        id.and_then(|id| self.model.namespace(id)).into_iter().collect()
    }

    /// `**.`, where the plugin may be one that takes it for `*.`.
    fn check_several_labels(&mut self, target: Target) {
        let Some(since) = target.reads_several_labels_from() else { return };
        let plugin = self.model.platform.chosen_cni();
        if plugin.version.is_some_and(|version| version >= since) {
            return;
        }
        let fqdns = self.model.fqdns.iter();
        let deep = fqdns.filter_map(|fqdn| Some((fqdn.span, fqdn.names.iter().find(|name| name.starts_with("**."))?)));
        let plugin = plugin.text();
        let found: Vec<_> = deep.map(|(at, name)| errors::several_labels(at, name, &plugin, since)).collect();
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services_are_those_of_the_cluster() {
        for name in ["api.shop.svc", "api.shop.svc.cluster.local", "svc", "x.cluster.local"] {
            assert!(is_of_cluster(name), "{name}");
        }
        for name in ["api.example.com", "mysvc", "cluster.local.example.com", "notcluster.local"] {
            assert!(!is_of_cluster(name), "{name}");
        }
        assert!(is_address("10.0.0.1") && !is_address("10.example.com") && !is_address("a.b1"));
    }
}
