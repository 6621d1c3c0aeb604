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
    Cilium,
    Antrea,
    AwsVpcCni,
    GkeDataplaneV2,
    AzureNpm,
    OvnKubernetes,
    KubeRouter,
    Weave,
    Kindnet,
    Flannel,
}

impl Cni {
    /// All of them, by their names in the language.
    pub const NAMES: [(&'static str, Cni); 12] = [
        ("any", Cni::Any),
        ("calico", Cni::Calico),
        ("cilium", Cni::Cilium),
        ("antrea", Cni::Antrea),
        ("aws-vpc-cni", Cni::AwsVpcCni),
        ("gke-dataplane-v2", Cni::GkeDataplaneV2),
        ("azure-npm", Cni::AzureNpm),
        ("ovn-kubernetes", Cni::OvnKubernetes),
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
            Cni::Cilium | Cni::GkeDataplaneV2 => BlocksMatch { pods: Truth::No, ..BlocksMatch::UNKNOWN },
            Cni::Calico
            | Cni::Antrea
            | Cni::AwsVpcCni
            | Cni::AzureNpm
            | Cni::OvnKubernetes
            | Cni::KubeRouter
            | Cni::Weave
            | Cni::Kindnet => BlocksMatch::EVERYTHING,
        }
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// The CNI of that name.
    pub fn parse(name: &str) -> Option<Cni> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, cni)| *cni)
    }
}
