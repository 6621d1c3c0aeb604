//! How a cluster differs from what it should be: in the world of the pods that run there.

use super::versions::{Versions, version};
use crate::ask::{Situation, SituationPolicies};
use crate::cover::{Budget, GaveUp};
use crate::diff::{self, Diff, Drift, DriftedPolicy, LivePolicy, PolicyDrift, Version};
use crate::flow::FlowSet;
use crate::netpol::Policy;
use crate::source::Span;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a cluster allows among its pods that it should not, or the reverse, and which policies are not as they should be.
#[derive(Debug)]
pub struct ClusterDrift {
    /// The connections and the isolation: the program, or the policies that were given, is the older version.
    pub diff: Diff,
    /// The policies.
    pub policies: PolicyDrift,
    /// The policies of the cluster that are somebody else's, as `namespace/name`.
    pub foreign: BTreeSet<String>,
    /// The namespaces that policies should be in and the cluster does not have, with the number of policies.
    pub absent: Vec<(Arc<str>, usize)>,
}

impl ClusterDrift {
    /// Whether nothing is otherwise than it should be.
    pub fn is_empty(&self) -> bool {
        self.diff.is_empty() && self.policies.is_empty() && self.absent.is_empty()
    }

    /// Whether more is let through than should be, or may be: in a connection, or on a side of which the other may still
    /// deny it.
    pub fn is_wider(&self) -> bool {
        self.diff.is_wider() || self.policies.is_wider()
    }
}

impl Versions {
    /// What drifted, where the newer version is a cluster. Without the pods that only address blocks may let through, where
    /// it is for people and there are other differences.
    pub fn drift(&self, readable: bool) -> Result<ClusterDrift, GaveUp> {
        let drift = self.drift_by(readable)?;
        match readable && drift.diff.is_empty() && drift.diff.left_out {
            true => self.drift_by(false),
            false => Ok(drift),
        }
    }

    fn drift_by(&self, readable: bool) -> Result<ClusterDrift, GaveUp> {
        let [old, new] = [&self.old, &self.new].map(|subject| version(subject.as_ref()));
        let managed: BTreeSet<Arc<str>> = match old.program {
            Some(program) => program.flows.namespaces.iter().map(|one| one.name.clone()).collect(),
            None => old.policies.iter().map(|policy| policy.namespace.clone()).collect(),
        };
        let is_ours = |at: usize| {
            let keys = self.new.as_ref().and_then(|subject| subject.manifests().policy_keys.get(at));
            keys.is_some_and(|keys| keys.is_of_polder)
        };
        let live: Vec<LivePolicy<'_>> =
            new.policies.iter().enumerate().map(|(at, policy)| LivePolicy { policy, is_ours: is_ours(at) }).collect();
        let key = |policy: &Policy| (policy.namespace.clone(), policy.kind, policy.name.to_string());
        let meant: BTreeSet<_> = old.policies.iter().map(key).collect();
        let is_foreign = |one: &&LivePolicy<'_>| !one.is_ours && !meant.contains(&key(one.policy));
        let title = |policy: &Policy| format!("{}/{}", policy.namespace, policy.title());
        let foreign = live.iter().filter(is_foreign).map(|one| title(one.policy));
        let mut drift = ClusterDrift {
            foreign: foreign.collect(),
            policies: PolicyDrift::default(),
            diff: Diff::default(),
            absent: Vec::new(),
        };
        let there = self.new.as_ref().map(|subject| &subject.manifests().cluster);
        let has = |name: &Arc<str>| there.is_some_and(|cluster| cluster.namespaces.iter().any(|one| one.name == *name));
        for name in managed.iter().filter(|name| !has(name)) {
            let count = old.policies.iter().filter(|policy| policy.namespace == *name).count();
            drift.absent.push((name.clone(), count));
        }
        let span = |version: &Version<'_>, at: usize| version.policy_spans.get(at).copied().flatten();
        let should = old.policies.iter().enumerate().filter(|(_, policy)| has(&policy.namespace));
        let (mut policies, mut spans): (Vec<Policy>, Vec<Option<Span>>) =
            should.map(|(at, policy)| (policy.clone(), span(&old, at))).unzip();
        drift.policies = diff::policy_drift(&managed, &policies, &live, &mut Budget::of_question())?;
        // What is there and cannot be read is not missing.
        let unread = self.new.iter().flat_map(|subject| &subject.manifests().unread);
        let unread: BTreeSet<&str> = unread.filter_map(|one| one.policy.as_deref()).collect();
        let is_there = |one: &DriftedPolicy| unread.contains(&*format!("{}/{}", one.namespace, one.name));
        drift.policies.policies.retain(|one| one.drift != Drift::Missing || !is_there(one));
        // What others have elsewhere is there in both.
        let beside = new.policies.iter().enumerate().filter(|(_, policy)| !managed.contains(&policy.namespace));
        for (at, policy) in beside {
            policies.push(policy.clone());
            spans.push(span(&new, at));
        }
        let old = Version { policies: &policies, policy_spans: &spans, program: old.program };
        let programs: Vec<&FlowSet> = old.program.into_iter().map(|one| one.flows).collect();
        let facts = &self.facts();
        if let Some(cluster) = there {
            let situation = Situation::of_cluster(
                &programs,
                cluster,
                SituationPolicies::of_namespaces(&[old.policies, new.policies]),
                &[],
                facts,
            );
            let compare = if readable { diff::compare_without_doubtful_blocks } else { diff::compare };
            drift.diff = compare(&situation, &old, &new);
        }
        Ok(drift)
    }
}
