//! The network plugins, with what is known of each.

use super::{CniDifference, CniTrigger, CniVersions};
use crate::net::{BlocksMatch, Truth};
use std::fmt;

/// What has to enforce the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[allow(missing_docs, reason = "the names are those of the projects")]
pub enum Cni {
    /// Not said: only what all of them read the same way is free of warnings.
    #[default]
    Any,
    Calico,
    /// Calico's policies on flannel's network.
    Canal,
    Cilium,
    /// Azure CNI Powered by Cilium.
    AksCilium,
    Antrea,
    AwsVpcCni,
    /// The plugin of AWS in EKS Auto Mode.
    EksAuto,
    GkeDataplaneV2,
    AzureNpm,
    OvnKubernetes,
    KubeOvn,
    KubeRouter,
    Weave,
    Kindnet,
    Flannel,
}

/// What is known of one CNI.
struct KnownCni {
    /// Its name in the language.
    name: &'static str,
    /// What its address blocks match.
    blocks: BlocksMatch,
    maker: Maker,
    /// Whether policies of its own kind name nodes and the API server as entities.
    entities: bool,
    /// The oldest version that its makers support, which counts where none is said. Known where facts depend on it.
    oldest: Option<CniVersion>,
    /// The version from which a switch lets blocks match nodes; before it, none does. `None` where that holds in all.
    nodes_from: Option<CniVersion>,
}

/// Whose clouds it is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Aws,
    Azure,
    Others,
}

/// Blocks that match whatever has an address in them, as plain packet filters do. What differs in the rest is in
/// [`super::cni_table`].
const FILTER: KnownCni = KnownCni {
    name: "",
    blocks: BlocksMatch::EVERYTHING,
    maker: Maker::Others,
    entities: false,
    oldest: None,
    nodes_from: None,
};

/// Cilium and what is built on it.
const CILIUM: KnownCni = KnownCni {
    // Pods, nodes, and an API server on a node have identities, and blocks are for what has none; `policyCIDRMatchMode`
    // changes that for nodes, and an API server elsewhere has none (docs.cilium.io, "Layer 3 Policies", cilium#20550).
    blocks: BlocksMatch { pods: Truth::No, ..BlocksMatch::UNKNOWN },
    entities: true,
    ..FILTER
};

impl Cni {
    /// All of them.
    pub const ALL: [Cni; 16] = [
        Cni::Any,
        Cni::Calico,
        Cni::Canal,
        Cni::Cilium,
        Cni::AksCilium,
        Cni::Antrea,
        Cni::AwsVpcCni,
        Cni::EksAuto,
        Cni::GkeDataplaneV2,
        Cni::AzureNpm,
        Cni::OvnKubernetes,
        Cni::KubeOvn,
        Cni::KubeRouter,
        Cni::Weave,
        Cni::Kindnet,
        Cni::Flannel,
    ];

    /// The table: one row for each.
    const fn known(self) -> KnownCni {
        match self {
            Cni::Any => KnownCni { name: "any", blocks: BlocksMatch::UNKNOWN, ..FILTER },
            Cni::Calico => KnownCni { name: "calico", ..FILTER },
            Cni::Canal => KnownCni { name: "canal", ..FILTER },
            // Its makers support the last three minor versions.
            Cni::Cilium => KnownCni {
                name: "cilium",
                oldest: Some(CniVersion(1, 18)),
                nodes_from: Some(CniVersion(1, 15)),
                ..CILIUM
            },
            // Versions are Cilium's, as AKS has them for each version of Kubernetes.
            Cni::AksCilium => KnownCni {
                name: "aks-cilium",
                maker: Maker::Azure,
                oldest: Some(CniVersion(1, 17)),
                nodes_from: Some(CniVersion(1, 15)),
                ..CILIUM
            },
            Cni::Antrea => KnownCni { name: "antrea", ..FILTER },
            // Peers become addresses, and a prefix trie of all: `pkg/resolvers/endpoints.go` of
            // aws/amazon-network-policy-controller-k8s, `pkg/fwruleprocessor` of aws/aws-network-policy-agent.
            Cni::AwsVpcCni => KnownCni { name: "aws-vpc-cni", maker: Maker::Aws, ..FILTER },
            Cni::EksAuto => KnownCni { name: "eks-auto", maker: Maker::Aws, ..FILTER },
            // cloud.google.com, "GKE Dataplane V2": Cilium's rules. Its version is GKE's own matter.
            Cni::GkeDataplaneV2 => KnownCni { name: "gke-dataplane-v2", ..CILIUM },
            Cni::AzureNpm => KnownCni { name: "azure-npm", maker: Maker::Azure, ..FILTER },
            Cni::OvnKubernetes => KnownCni { name: "ovn-kubernetes", ..FILTER },
            // Blocks and pods are in one set of addresses (rancher/k3k#690). With which address a node or the API server
            // is seen, nothing says.
            Cni::KubeOvn => KnownCni {
                name: "kube-ovn",
                blocks: BlocksMatch { pods: Truth::Yes, ..BlocksMatch::UNKNOWN },
                ..FILTER
            },
            Cni::KubeRouter => KnownCni { name: "kube-router", ..FILTER },
            Cni::Weave => KnownCni { name: "weave", ..FILTER },
            Cni::Kindnet => KnownCni { name: "kindnet", ..FILTER },
            Cni::Flannel => KnownCni { name: "flannel", blocks: BlocksMatch::UNKNOWN, ..FILTER },
        }
    }

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        self.known().name
    }

    /// What its address blocks match, in a version or in the oldest that its makers support. Where its makers leave that
    /// to a switch or to where something runs, it is not known.
    pub fn blocks_match(self, version: Option<CniVersion>) -> BlocksMatch {
        let KnownCni { blocks, nodes_from, .. } = self.known();
        let is_older = version.zip(nodes_from).is_some_and(|(version, since)| version < since);
        if is_older { BlocksMatch { nodes: Truth::No, ..blocks } } else { blocks }
    }

    /// The oldest version that its makers support, as far as facts depend on it.
    pub(super) fn oldest(self) -> Option<CniVersion> {
        self.known().oldest
    }

    /// Why no policy has an effect with it alone.
    pub fn enforces_nothing(self) -> Option<&'static CniDifference> {
        self.differences(None, CniTrigger::EveryPolicy).next()
    }

    /// Whether nobody says which one it is.
    pub fn is_not_said(self) -> bool {
        self == Cni::Any
    }

    /// Whether it is AWS' plugin.
    pub fn is_of_aws(self) -> bool {
        self.known().maker == Maker::Aws
    }

    /// Whether it knows addresses of IPv4 alone.
    pub fn has_only_ipv4(self) -> bool {
        self == Cni::AzureNpm
    }

    /// Whether it runs on Azure's nodes alone.
    pub fn is_of_azure(self) -> bool {
        self.known().maker == Maker::Azure
    }

    /// Whether policies of its own kind name nodes and the API server as entities.
    pub fn has_entities(self) -> bool {
        self.known().entities
    }

    /// Whether facts about it depend on its version.
    pub fn has_versions(self) -> bool {
        self.all_differences().any(|row| row.versions != CniVersions::All)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Cni::name)
    }

    /// The CNI of that name.
    pub fn parse(name: &str) -> Option<Cni> {
        Self::ALL.into_iter().find(|cni| cni.name() == name)
    }

    /// A CNI with perhaps its version, as the command line has it: `cilium`, `cilium@1.18`.
    pub fn parse_versioned(text: &str) -> Option<(Cni, Option<CniVersion>)> {
        match text.split_once('@') {
            None => Some((Cni::parse(text)?, None)),
            Some((name, version)) => Some((Cni::parse(name)?, Some(CniVersion::parse(version)?))),
        }
    }
}

/// A version of a CNI, as far as facts depend on it: `1.18`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CniVersion(pub u16, pub u16);

impl CniVersion {
    /// Reads `1`, `1.18`, `v1.18` or `1.18.2`.
    pub fn parse(text: &str) -> Option<CniVersion> {
        let mut numbers = text.strip_prefix('v').unwrap_or(text).split('.').map(|number| {
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| number.parse::<u16>().ok()).flatten()
        });
        let (major, minor) = (numbers.next()??, numbers.next().unwrap_or(Some(0))?);
        let patch = numbers.next().unwrap_or(Some(0));
        (patch.is_some() && numbers.next().is_none()).then_some(CniVersion(major, minor))
    }

    /// The version that a longer one begins with, as that of a build or a release candidate: `v1.18.2-gke.1`.
    pub fn beginning(text: &str) -> Option<CniVersion> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let mut numbers = digits.get(..end)?.split('.').filter(|number| !number.is_empty());
        let major = numbers.next()?;
        CniVersion::parse(&numbers.next().map_or(major.to_owned(), |minor| format!("{major}.{minor}")))
    }
}

impl fmt::Display for CniVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_with_dots() {
        let read = |text| CniVersion::parse(text).map(|CniVersion(major, minor)| (major, minor));
        assert_eq!(["1", "1.18", "v1.18", "1.18.2"].map(read), [(1, 0), (1, 18), (1, 18), (1, 18)].map(Some));
        assert_eq!(["", "1.", "x", "1.x", "1.18.", "1.18.2.3", "1.18-rc", "99999.1"].map(read), [None; 8]);
    }

    #[test]
    fn ranges_are_known_where_the_version_is_new_enough_or_none_is_said() {
        let known = |cni: Cni, version: &str| {
            cni.differences(CniVersion::parse(version), CniTrigger::PortRange).next().is_none()
        };
        assert!(known(Cni::Cilium, "") && known(Cni::Cilium, "1.16") && !known(Cni::Cilium, "1.15.6"));
        assert!(known(Cni::AksCilium, "") && known(Cni::AksCilium, "1.17") && !known(Cni::AksCilium, "1.16"));
        assert!(!known(Cni::Weave, "2.8"));
    }

    #[test]
    fn what_blocks_match_depends_on_the_version() {
        let matches = |cni: Cni, version: &str| {
            let BlocksMatch { pods, nodes, api_server } = cni.blocks_match(CniVersion::parse(version));
            (pods, nodes, api_server)
        };
        use Truth::{Maybe, No, Yes};
        assert_eq!(matches(Cni::Cilium, ""), (No, Maybe, Maybe));
        assert_eq!(matches(Cni::Cilium, "1.14"), (No, No, Maybe));
        assert_eq!(matches(Cni::Cilium, "1.15"), (No, Maybe, Maybe));
        assert_eq!(matches(Cni::Calico, "1.14"), (Yes, Yes, Yes));
        assert_eq!(matches(Cni::KubeOvn, ""), (Yes, Maybe, Maybe));
    }

    #[test]
    fn every_cni_has_a_name_of_its_own() {
        let mut names: Vec<&str> = Cni::names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Cni::ALL.len());
        assert!(Cni::ALL.into_iter().all(|cni| Cni::parse(cni.name()) == Some(cni)));
    }
}
