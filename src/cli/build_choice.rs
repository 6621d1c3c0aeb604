//! What the command line may choose of how a program is written.

use super::build::BuildArgs;
use crate::session::{Layout, Target};

/// What is chosen; `None` for what `polder.toml` says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BuildChoice {
    /// How to group policies.
    pub layout: Option<Layout>,
    /// What to compile to.
    pub target: Option<Target>,
    /// Whether to write `kustomization.yaml` files.
    pub kustomize: bool,
}

impl BuildChoice {
    pub(super) fn of(args: &BuildArgs) -> BuildChoice {
        BuildChoice {
            layout: args.layout.map(Into::into),
            target: args.target.map(Into::into),
            kustomize: args.kustomize,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LayoutName {
    /// One policy for each subject, direction and peer, each in its file
    Flow,
    /// One policy for each tier and direction, each in its file
    Tier,
    /// The policies of `tier`, one file for each namespace
    Namespace,
}

impl LayoutName {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            LayoutName::Flow => "flow",
            LayoutName::Tier => "tier",
            LayoutName::Namespace => "namespace",
        }
    }
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Flow => Layout::Flow,
            LayoutName::Tier => Layout::Tier,
            LayoutName::Namespace => Layout::Namespace,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TargetName {
    /// NetworkPolicies alone, which every CNI reads
    #[value(name = "networkpolicy")]
    NetworkPolicy,
    /// NetworkPolicies, and CiliumNetworkPolicies for DNS names, the API server and nodes
    Cilium,
    /// The same NetworkPolicies as Calico's staged ones, which deny nothing
    #[value(name = "calico-staged")]
    CalicoStaged,
}

impl TargetName {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        Target::from(self).name()
    }
}

impl From<TargetName> for Target {
    fn from(name: TargetName) -> Self {
        match name {
            TargetName::NetworkPolicy => Target::NetworkPolicy,
            TargetName::Cilium => Target::Cilium,
            TargetName::CalicoStaged => Target::CalicoStaged,
        }
    }
}
