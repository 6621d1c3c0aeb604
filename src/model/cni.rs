//! The network plugins, with what is known of each.

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

/// What to do where the plugin alone enforces nothing, up to the names of engines.
pub const POLICY_ENGINE: &str = "run a policy engine beside it (Canal has Calico's, flannel's chart has `netpol.enabled`) and name \
                                 that engine";

/// What is known of one CNI, in the oldest version that its makers support.
struct KnownCni {
    /// Its name in the language.
    name: &'static str,
    /// What its address blocks match.
    blocks: BlocksMatch,
    named_ports: NamedPortSupport,
    ranges: RangeSupport,
    sctp: SctpSupport,
    /// Why no policy has an effect with it alone.
    enforces_nothing: Option<&'static str>,
    maker: Maker,
    /// Whether policies of its own kind name nodes and the API server as entities.
    entities: bool,
    /// Whether it knows exceptions of blocks, and labels that have to be absent or to have another value, on all nodes. If
    /// not, it does not on those with Windows.
    negations: bool,
    /// What is otherwise in other versions.
    versions: FactVersions,
}

/// The versions from which a fact holds; `None` where it holds in all.
#[derive(Clone, Copy)]
struct FactVersions {
    /// It knows ranges of ports.
    ranges: Option<CniVersion>,
    /// A switch lets blocks match nodes. Before it, none does.
    nodes: Option<CniVersion>,
}

/// Whose clouds it is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    Aws,
    Azure,
    Others,
}

/// The rules of Kubernetes, with blocks that match whatever has an address in them, as plain packet filters do.
const FILTER: KnownCni = KnownCni {
    name: "",
    blocks: BlocksMatch::EVERYTHING,
    named_ports: NamedPortSupport::Known,
    ranges: RangeSupport::Known,
    sctp: SctpSupport::Filtered,
    enforces_nothing: None,
    maker: Maker::Others,
    entities: false,
    negations: true,
    versions: FactVersions { ranges: None, nodes: None },
};

/// Cilium and what is built on it.
const CILIUM: KnownCni = KnownCni {
    // Pods, nodes, and an API server on a node have identities, and blocks are for what has none; `policyCIDRMatchMode`
    // changes that for nodes, and an API server elsewhere has none (docs.cilium.io, "Layer 3 Policies", cilium#20550).
    blocks: BlocksMatch { pods: Truth::No, ..BlocksMatch::UNKNOWN },
    // A name that is several numbers among the peers is left out (cilium#30003).
    named_ports: NamedPortSupport::OneNumber,
    // Helm's `sctp.enabled` (docs.cilium.io, "SCTP support").
    sctp: SctpSupport::Switch,
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
            Cni::Any => KnownCni {
                name: "any",
                blocks: BlocksMatch::UNKNOWN,
                named_ports: NamedPortSupport::NotSaid,
                ranges: RangeSupport::NotSaid,
                ..FILTER
            },
            // `libcalico-go/lib/backend/k8s/conversion/conversion.go` of projectcalico/calico.
            Cni::Calico => KnownCni { name: "calico", ..FILTER },
            Cni::Canal => KnownCni { name: "canal", ..FILTER },
            // `endPort` from 1.16, nodes by blocks from 1.15 (docs.cilium.io). From 1.20 a beta switch lets blocks match
            // pods (cilium#47227): who has it on says so with `--ipblock-matches-pods`.
            Cni::Cilium => KnownCni {
                name: "cilium",
                versions: FactVersions { ranges: Some(CniVersion(1, 16)), nodes: Some(CniVersion(1, 15)) },
                ..CILIUM
            },
            // Versions are Cilium's: `migrate-from-npm-to-cilium-network-policy.md` of MicrosoftDocs/azure-aks-docs.
            Cni::AksCilium => KnownCni {
                name: "aks-cilium",
                maker: Maker::Azure,
                versions: FactVersions { ranges: Some(CniVersion(1, 17)), ..CILIUM.versions },
                ..CILIUM
            },
            // `docs/antrea-network-policy.md` of antrea-io/antrea; it passes the tests of Kubernetes.
            Cni::Antrea => KnownCni { name: "antrea", ..FILTER },
            // Peers become addresses, and a prefix trie of all: `pkg/resolvers/endpoints.go` of
            // aws/amazon-network-policy-controller-k8s, `pkg/fwruleprocessor` of aws/aws-network-policy-agent.
            Cni::AwsVpcCni => KnownCni { name: "aws-vpc-cni", maker: Maker::Aws, ..FILTER },
            Cni::EksAuto => KnownCni { name: "eks-auto", maker: Maker::Aws, ..FILTER },
            // cloud.google.com, "GKE Dataplane V2": Cilium's rules. Its version is GKE's own matter.
            Cni::GkeDataplaneV2 => KnownCni { name: "gke-dataplane-v2", ..CILIUM },
            // `use-network-policies.md` of MicrosoftDocs/azure-aks-docs.
            Cni::AzureNpm => KnownCni {
                name: "azure-npm",
                named_ports: NamedPortSupport::NotOnWindows,
                maker: Maker::Azure,
                negations: false,
                ..FILTER
            },
            // A name counts as the number 0, which is every port: `go-controller/pkg/ovn/gress_policy.go` of
            // ovn-kubernetes/ovn-kubernetes.
            Cni::OvnKubernetes => KnownCni { name: "ovn-kubernetes", named_ports: NamedPortSupport::Ignored, ..FILTER },
            // Blocks and pods are in one set of addresses (rancher/k3k#690). With which address a node or the API server
            // is seen, nothing says.
            Cni::KubeOvn => KnownCni {
                name: "kube-ovn",
                blocks: BlocksMatch { pods: Truth::Yes, ..BlocksMatch::UNKNOWN },
                ..FILTER
            },
            // Measured on 2.1.0.
            Cni::KubeRouter => KnownCni { name: "kube-router", named_ports: NamedPortSupport::OpenUnlisted, ..FILTER },
            // `npc/analyser.go` of weaveworks/weave.
            Cni::Weave => KnownCni {
                name: "weave",
                named_ports: NamedPortSupport::Refused,
                ranges: RangeSupport::FirstOnly,
                sctp: SctpSupport::Unknown,
                ..FILTER
            },
            // kubernetes-sigs/kube-network-policies.
            Cni::Kindnet => KnownCni { name: "kindnet", ..FILTER },
            // `Documentation/netpol.md` of flannel-io/flannel.
            Cni::Flannel => KnownCni {
                name: "flannel",
                blocks: BlocksMatch::UNKNOWN,
                enforces_nothing: Some("flannel alone enforces no NetworkPolicy: every pod stays open"),
                ..FILTER
            },
        }
    }

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        self.known().name
    }

    /// What its address blocks match, in a version or in the oldest that its makers support. Where its makers leave that
    /// to a switch or to where something runs, it is not known.
    pub fn blocks_match(self, version: Option<CniVersion>) -> BlocksMatch {
        let KnownCni { blocks, versions, .. } = self.known();
        let is_older = version.zip(versions.nodes).is_some_and(|(version, since)| version < since);
        if is_older { BlocksMatch { nodes: Truth::No, ..blocks } } else { blocks }
    }

    /// What it makes of named ports.
    pub fn named_ports(self) -> NamedPortSupport {
        self.known().named_ports
    }

    /// What it makes of ranges of ports, in a version or in the oldest that its makers support.
    pub fn ranges(self, version: Option<CniVersion>) -> RangeSupport {
        let KnownCni { ranges, versions, .. } = self.known();
        let is_older = version.zip(versions.ranges).is_some_and(|(version, since)| version < since);
        if is_older { RangeSupport::FirstOnly } else { ranges }
    }

    /// Whether it filters SCTP.
    pub fn sctp(self) -> SctpSupport {
        self.known().sctp
    }

    /// Why no policy has an effect with it alone.
    pub fn enforces_nothing(self) -> Option<&'static str> {
        self.known().enforces_nothing
    }

    /// Whether it is AWS' plugin.
    pub fn is_of_aws(self) -> bool {
        self.known().maker == Maker::Aws
    }

    /// Whether it runs on Azure's nodes alone.
    pub fn is_of_azure(self) -> bool {
        self.known().maker == Maker::Azure
    }

    /// Whether policies of its own kind name nodes and the API server as entities.
    pub fn has_entities(self) -> bool {
        self.known().entities
    }

    /// Whether it knows `except`, `NotIn` and `DoesNotExist` on nodes with Windows, too, as far as it runs there.
    pub fn knows_negations(self) -> bool {
        self.known().negations
    }

    /// Whether facts about it depend on its version.
    pub fn has_versions(self) -> bool {
        let FactVersions { ranges, nodes } = self.known().versions;
        ranges.or(nodes).is_some()
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

/// What a CNI makes of a named port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedPortSupport {
    /// What Kubernetes says.
    Known,
    /// It ignores the name, which may open every port.
    Ignored,
    /// It refuses the whole policy.
    Refused,
    /// It drops a name that is several numbers in different pods.
    OneNumber,
    /// It does not know them on nodes with Windows.
    NotOnWindows,
    /// It opens every port of pods where none lists the name, and the number of others on pods that do not list it.
    OpenUnlisted,
    /// No CNI is named, and they differ.
    NotSaid,
}

/// What a CNI makes of a range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeSupport {
    /// What Kubernetes says.
    Known,
    /// It opens the first port only.
    FirstOnly,
    /// No CNI is named, and they differ.
    NotSaid,
}

/// What a CNI makes of SCTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SctpSupport {
    /// What Kubernetes says.
    Filtered,
    /// It filters it only when that is switched on.
    Switch,
    /// It does not know it.
    Unknown,
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
        let known = |cni: Cni, version: &str| cni.ranges(CniVersion::parse(version)) == RangeSupport::Known;
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
