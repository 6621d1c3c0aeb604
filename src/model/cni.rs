//! The network plugins, and what each of them makes of address blocks.

use crate::net::{BlocksMatch, Truth};

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

impl Cni {
    /// All of them, by their names in the language.
    pub const NAMES: [(&'static str, Cni); 16] = [
        ("any", Cni::Any),
        ("calico", Cni::Calico),
        ("canal", Cni::Canal),
        ("cilium", Cni::Cilium),
        ("aks-cilium", Cni::AksCilium),
        ("antrea", Cni::Antrea),
        ("aws-vpc-cni", Cni::AwsVpcCni),
        ("eks-auto", Cni::EksAuto),
        ("gke-dataplane-v2", Cni::GkeDataplaneV2),
        ("azure-npm", Cni::AzureNpm),
        ("ovn-kubernetes", Cni::OvnKubernetes),
        ("kube-ovn", Cni::KubeOvn),
        ("kube-router", Cni::KubeRouter),
        ("weave", Cni::Weave),
        ("kindnet", Cni::Kindnet),
        ("flannel", Cni::Flannel),
    ];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, cni)| *cni == self).map_or("", |(name, _)| name)
    }

    /// What its address blocks match. Where its makers leave that to a switch or to where something runs, it is not
    /// known.
    pub fn blocks_match(self) -> BlocksMatch {
        match self {
            Cni::Any | Cni::Flannel => BlocksMatch::UNKNOWN,
            // A node or an API server on a node has an identity of its own, as pods have; a switch changes that for
            // nodes, and an API server elsewhere has none.
            Cni::Cilium | Cni::AksCilium | Cni::GkeDataplaneV2 => {
                BlocksMatch { pods: Truth::No, ..BlocksMatch::UNKNOWN }
            }
            Cni::Calico
            | Cni::Canal
            | Cni::Antrea
            | Cni::AwsVpcCni
            | Cni::EksAuto
            | Cni::AzureNpm
            | Cni::OvnKubernetes
            | Cni::KubeOvn
            | Cni::KubeRouter
            | Cni::Weave
            | Cni::Kindnet => BlocksMatch::EVERYTHING,
        }
    }

    /// What it makes of named ports.
    pub fn named_ports(self) -> NamedPortSupport {
        match self {
            Cni::Any => NamedPortSupport::NotSaid,
            Cni::OvnKubernetes => NamedPortSupport::Ignored,
            Cni::Weave => NamedPortSupport::Refused,
            Cni::Cilium | Cni::AksCilium | Cni::GkeDataplaneV2 => NamedPortSupport::OneNumber,
            Cni::AzureNpm => NamedPortSupport::NotOnWindows,
            Cni::KubeRouter => NamedPortSupport::OpenUnlisted,
            Cni::Calico
            | Cni::Canal
            | Cni::Antrea
            | Cni::AwsVpcCni
            | Cni::EksAuto
            | Cni::KubeOvn
            | Cni::Kindnet
            | Cni::Flannel => NamedPortSupport::Known,
        }
    }

    /// What it makes of ranges of ports, in a version or in the oldest that its makers support.
    pub fn ranges(self, version: Option<CniVersion>) -> RangeSupport {
        match self {
            Cni::Any => RangeSupport::NotSaid,
            Cni::Weave => RangeSupport::FirstOnly,
            Cni::Cilium if version.is_some_and(|version| version < CniVersion(1, 16)) => RangeSupport::FirstOnly,
            Cni::AksCilium if version.is_some_and(|version| version < CniVersion(1, 17)) => RangeSupport::FirstOnly,
            Cni::Calico
            | Cni::Canal
            | Cni::Cilium
            | Cni::AksCilium
            | Cni::Antrea
            | Cni::AwsVpcCni
            | Cni::EksAuto
            | Cni::GkeDataplaneV2
            | Cni::AzureNpm
            | Cni::OvnKubernetes
            | Cni::KubeOvn
            | Cni::KubeRouter
            | Cni::Kindnet
            | Cni::Flannel => RangeSupport::Known,
        }
    }

    /// Whether it filters SCTP.
    pub fn sctp(self) -> SctpSupport {
        match self {
            Cni::Weave => SctpSupport::Unknown,
            Cni::Cilium | Cni::AksCilium | Cni::GkeDataplaneV2 => SctpSupport::Switch,
            Cni::Any
            | Cni::Calico
            | Cni::Canal
            | Cni::Antrea
            | Cni::AwsVpcCni
            | Cni::EksAuto
            | Cni::AzureNpm
            | Cni::OvnKubernetes
            | Cni::KubeOvn
            | Cni::KubeRouter
            | Cni::Kindnet
            | Cni::Flannel => SctpSupport::Filtered,
        }
    }

    /// Why no policy has an effect with it alone.
    pub fn enforces_nothing(self) -> Option<&'static str> {
        (self == Cni::Flannel).then_some("flannel alone enforces no NetworkPolicy: every pod stays open")
    }

    /// Whether it is AWS' plugin.
    pub fn is_of_aws(self) -> bool {
        matches!(self, Cni::AwsVpcCni | Cni::EksAuto)
    }

    /// Whether it runs on Azure's nodes alone.
    pub fn is_of_azure(self) -> bool {
        matches!(self, Cni::AzureNpm | Cni::AksCilium)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// A CNI with perhaps its version: `cilium`, `cilium@1.18`.
    pub fn parse_versioned(text: &str) -> Option<(Cni, Option<CniVersion>)> {
        match text.split_once('@') {
            None => Some((Cni::parse(text)?, None)),
            Some((name, version)) => Some((Cni::parse(name)?, Some(CniVersion::parse(version)?))),
        }
    }

    /// The CNI of that name.
    pub fn parse(name: &str) -> Option<Cni> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, cni)| *cni)
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
}
