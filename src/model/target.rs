//! What a program is compiled to, as far as it decides what the program may say.

use super::built_in::Holds;
use super::{Cni, CniVersion, Endpoint, Model, PlatformList};
use crate::net::{EntitySet, NamePattern, Unlisted};

/// What a program is compiled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Target {
    /// NetworkPolicies alone (`networking.k8s.io/v1`), which every plugin reads.
    #[default]
    NetworkPolicy,
    /// NetworkPolicies for all that they can say on Cilium, and CiliumNetworkPolicies (`cilium.io/v2`) for the rest: DNS
    /// names, the API server and nodes.
    Cilium,
    /// The very same NetworkPolicies, but as Calico's staged ones: they deny nothing, and its flow logs have what they would.
    CalicoStaged,
}

/// From this version on, `**.` in a pattern stands for several labels (cilium#43913). Before, it is the same as `*.`.
const SEVERAL_LABELS: CniVersion = CniVersion(1, 19);

impl Target {
    /// All of them.
    pub const ALL: [Target; 3] = [Target::NetworkPolicy, Target::Cilium, Target::CalicoStaged];

    /// Its name in `polder.toml` and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Target::NetworkPolicy => "networkpolicy",
            Target::Cilium => "cilium",
            Target::CalicoStaged => "calico-staged",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Target> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// The plugins that read what it writes; none where all do.
    pub fn plugins(self) -> &'static [Cni] {
        match self {
            Target::NetworkPolicy => &[],
            // GKE's Dataplane V2 is Cilium without these kinds of policies.
            Target::Cilium => &[Cni::Cilium, Cni::AksCilium],
            Target::CalicoStaged => &[Cni::Calico, Cni::Canal],
        }
    }

    /// Whose plugins these are, as a sentence names them.
    pub fn maker(self) -> &'static str {
        match self {
            Target::NetworkPolicy => "any CNI",
            Target::Cilium => "Cilium",
            Target::CalicoStaged => "Calico",
        }
    }

    /// Whether a plugin reads what it writes.
    pub fn is_read_by(self, cni: Cni) -> bool {
        self.plugins().is_empty() || self.plugins().contains(&cni)
    }

    /// Whether it can name DNS names.
    pub fn has_names(self) -> bool {
        self == Target::Cilium
    }

    /// Whether it can name the API server and nodes, whatever addresses they have.
    pub fn has_entities(self) -> bool {
        self == Target::Cilium
    }

    /// The entities that it names in place of a list of addresses.
    pub fn entities(self, list: PlatformList) -> Option<EntitySet> {
        let entities = match list {
            PlatformList::ApiServer => EntitySet::API_SERVER,
            PlatformList::Nodes => EntitySet::NODES,
            PlatformList::Pods | PlatformList::Services => return None,
        };
        self.has_entities().then_some(entities)
    }

    /// The version from which a plugin reads `**.` as it is meant.
    pub fn reads_several_labels_from(self) -> Option<CniVersion> {
        (self == Target::Cilium).then_some(SEVERAL_LABELS)
    }
}

impl Model {
    /// What the target names in place of addresses for an endpoint, if it does.
    pub fn unlisted(&self, endpoint: Endpoint) -> Option<Unlisted> {
        match endpoint {
            Endpoint::Fqdn(id) if self.target.has_names() => {
                let mut names: Vec<NamePattern> =
                    self.fqdns[id].names.iter().map(|name| NamePattern::parse(name)).collect();
                names.sort();
                names.dedup();
                Some(Unlisted::Names(names))
            }
            Endpoint::BuiltIn(one) => match one.holds() {
                Holds::Listed(list) => self.target.entities(list).map(Unlisted::Entities),
                Holds::Pods | Holds::Everything | Holds::Public => None,
            },
            Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_name_of_its_own() {
        assert!(Target::ALL.into_iter().all(|target| Target::parse(target.name()) == Some(target)));
        assert_eq!(Target::parse("calico"), None);
    }

    #[test]
    fn plugins_without_the_kinds_of_a_target_do_not_read_it() {
        assert!(Cni::ALL.into_iter().all(|cni| Target::NetworkPolicy.is_read_by(cni)));
        let read = |target: Target| Cni::ALL.into_iter().filter(move |cni| target.is_read_by(*cni)).map(Cni::name);
        assert_eq!(read(Target::Cilium).collect::<Vec<_>>(), ["cilium", "aks-cilium"]);
        assert_eq!(read(Target::CalicoStaged).collect::<Vec<_>>(), ["calico", "canal"]);
    }
}
