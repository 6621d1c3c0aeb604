//! Policies of the whole cluster, whose rules are looked at one after the other: those of administrators, which come before
//! NetworkPolicies, and those that say what is so where nothing else does.
//!
//! The API group is `policy.networking.k8s.io` (KEP-2091): ClusterNetworkPolicy, and before it AdminNetworkPolicy and
//! BaselineAdminNetworkPolicy.

use super::{Peer, Port};
use crate::net::{Direction, Selector};
use std::sync::Arc;

/// Which object a policy of the whole cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterPolicyKind {
    /// `AdminNetworkPolicy` (`v1alpha1`).
    AdminNetworkPolicy,
    /// `BaselineAdminNetworkPolicy` (`v1alpha1`), of which there is one.
    BaselineAdminNetworkPolicy,
    /// `ClusterNetworkPolicy` (`v1alpha2`, `v1beta1`).
    ClusterNetworkPolicy,
}

impl ClusterPolicyKind {
    /// All of them.
    pub const ALL: [ClusterPolicyKind; 3] = [
        ClusterPolicyKind::AdminNetworkPolicy,
        ClusterPolicyKind::BaselineAdminNetworkPolicy,
        ClusterPolicyKind::ClusterNetworkPolicy,
    ];

    /// `kind` of the object.
    pub fn object(self) -> &'static str {
        match self {
            ClusterPolicyKind::AdminNetworkPolicy => "AdminNetworkPolicy",
            ClusterPolicyKind::BaselineAdminNetworkPolicy => "BaselineAdminNetworkPolicy",
            ClusterPolicyKind::ClusterNetworkPolicy => "ClusterNetworkPolicy",
        }
    }
}

/// When a policy is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyTier {
    /// Before those of namespaces.
    Admin,
    /// After them, for pods that none of them isolates.
    Baseline,
}

/// A policy of the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPolicy {
    /// What it is.
    pub kind: ClusterPolicyKind,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// When it is looked at.
    pub tier: PolicyTier,
    /// Within its tier those of lower numbers come first. Which of two with one number comes first is not defined.
    pub priority: u16,
    /// The labels of the namespaces that it is about.
    pub namespaces: Selector,
    /// The labels of the pods there.
    pub pods: Selector,
    /// The rules for who connects to these pods, in their order.
    pub ingress: Vec<Ruling>,
    /// The rules for whom they connect to, in their order.
    pub egress: Vec<Ruling>,
}

/// What becomes of what a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RulingAction {
    /// It is let through, whatever comes after (`Accept`, or `Allow` in the older kinds).
    Accept,
    /// It is not, whatever comes after.
    Deny,
    /// The rest of the tier has no say.
    Pass,
}

impl RulingAction {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            RulingAction::Accept => "accept",
            RulingAction::Deny => "deny",
            RulingAction::Pass => "pass",
        }
    }
}

/// A rule: the first one that is about a connection decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// `name`.
    pub name: Option<Arc<str>>,
    /// What it does.
    pub action: RulingAction,
    /// `from` or `to`; never empty.
    pub peers: Vec<Peer>,
    /// The ports. Empty: every port and protocol.
    pub ports: Vec<Port>,
}

impl ClusterPolicy {
    /// The rules of a direction.
    pub fn rulings(&self, direction: Direction) -> &[Ruling] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// Its kind and name.
    pub fn title(&self) -> String {
        format!("{} `{}`", self.kind.object(), self.name)
    }
}
