//! Policies of the whole cluster: those that count in answers, and those that answers lack.

use super::{Manifests, Reader};
use crate::cluster::Unmodelled;
use crate::k8s::ReadClusterPolicy;
use crate::netpol::{ClusterPolicy, ClusterPolicyKind};
use crate::source::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A policy of the whole cluster that was read.
pub(super) struct LoadedClusterPolicy {
    policy: ClusterPolicy,
    span: Option<Span>,
    /// The object, where it does not count.
    object: Unmodelled,
}

impl LoadedClusterPolicy {
    pub(super) fn new(span: Option<Span>, read: ReadClusterPolicy) -> LoadedClusterPolicy {
        LoadedClusterPolicy { policy: read.policy, span, object: Unmodelled { span, ..read.object } }
    }
}

impl Manifests {
    /// Takes in what was read. It counts where the reader takes it and it is known what runs: the rules are about the labels
    /// of pods and namespaces wherever they are. Two that have one name and do not say the same cannot both count.
    pub(super) fn take_cluster_policies(&mut self, reader: Reader, all: Vec<LoadedClusterPolicy>) {
        let counts = reader.takes_cluster_policies && !self.cluster.workloads.is_empty();
        let mut by_name: BTreeMap<(ClusterPolicyKind, Arc<str>), Vec<LoadedClusterPolicy>> = BTreeMap::new();
        for one in all {
            let same = by_name.entry((one.policy.kind, one.policy.name.clone())).or_default();
            if same.iter().all(|known| known.policy != one.policy) {
                same.push(one);
            }
        }
        for mut same in by_name.into_values() {
            match same.pop() {
                Some(only) if counts && same.is_empty() => {
                    self.cluster_policies.push(only.policy);
                    self.cluster_policy_spans.push(only.span);
                }
                last => self.cluster.unmodelled.extend(same.into_iter().chain(last).map(|one| one.object)),
            }
        }
    }
}
