//! What runs, as policies look for it.

use super::One;
use super::labelled::Labelled;
use crate::cluster::{Cluster, Labels, Pods, Workload, is_set_at_runtime};
use crate::net::{NAMESPACE_NAME, Selector};
use crate::netpol::Peer;
use std::collections::BTreeMap;

/// Pods with the workload that they belong to.
pub(super) type Found<'a> = (&'a Workload, &'a Pods);

/// What runs, by namespace.
pub(super) struct Runs<'a> {
    /// All of it.
    pub cluster: &'a Cluster,
    workloads: BTreeMap<&'a str, Vec<&'a Workload>>,
    /// The pods that have not ended.
    pods: Labelled<'a, Found<'a>>,
    /// The labels of workloads without pods, and of pods that have ended: others like them may come again.
    asleep: Labelled<'a, &'a Labels>,
    /// The labels of the namespaces that were given.
    labels: BTreeMap<&'a str, &'a Labels>,
}

/// The pods that a peer or a policy matches.
pub(super) struct MatchedPods<'a> {
    /// They, without those that have ended.
    pub pods: Vec<Found<'a>>,
    /// The namespaces in which they were looked for.
    pub namespaces: Vec<&'a str>,
    /// Whether those of the namespaces were given, and none is scaled to zero.
    pub sure: bool,
    /// Whether there are no others than those that were given, in none of these namespaces.
    pub whole: bool,
}

impl<'a> Runs<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        let mut workloads: BTreeMap<&str, Vec<&Workload>> = BTreeMap::new();
        for workload in &cluster.workloads {
            workloads.entry(&workload.namespace).or_default().push(workload);
        }
        let all = || cluster.workloads.iter();
        let pods = all().flat_map(|workload| workload.pods.iter().map(move |pods| (workload, pods)));
        let (ended, pods): (Vec<Found<'_>>, Vec<Found<'_>>) = pods.partition(|(_, pods)| pods.finished);
        let pods = pods.into_iter();
        let pods = pods.map(|(workload, pods)| (&*workload.namespace, &pods.labels, (workload, pods)));
        let asleep = all().filter(|workload| workload.pods.is_empty());
        let asleep = asleep.map(|workload| (&*workload.namespace, &workload.labels, &workload.labels));
        let ended = ended.into_iter().map(|(workload, pods)| (&*workload.namespace, &pods.labels, &pods.labels));
        let asleep = asleep.chain(ended);
        let labels = cluster.namespaces.iter().map(|namespace| (&*namespace.name, &namespace.labels)).collect();
        Runs { cluster, workloads, pods: Labelled::new(pods), asleep: Labelled::new(asleep), labels }
    }

    /// The workloads of a namespace; none when they were not given.
    pub(super) fn workloads(&self, namespace: &str) -> &[&'a Workload] {
        self.workloads.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Whether a namespace was given, or something that runs in it, be it that this could not be read.
    pub(super) fn has_namespace(&self, name: &str) -> bool {
        self.labels.contains_key(name) || self.workloads.contains_key(name) || self.lacks_pods_of(name)
    }

    /// The namespaces that were given, and those of what runs.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &'a str> {
        self.labels.keys().chain(self.workloads.keys()).copied()
    }

    /// The workloads among which pods were looked for.
    pub(super) fn among(&self, matched: &MatchedPods<'_>) -> Vec<&'a Workload> {
        matched.namespaces.iter().flat_map(|namespace| self.workloads(namespace)).copied().collect()
    }

    /// The pods that a policy selects.
    pub(super) fn subject(&self, one: &One<'_>) -> MatchedPods<'a> {
        self.matching(self.home(one), &one.policy.subject, true)
    }

    /// The pods that a peer of a policy matches; `None` for addresses.
    pub(super) fn peer(&self, one: &One<'_>, peer: &Peer) -> Option<MatchedPods<'a>> {
        let Peer::Pods { namespaces, pods } = peer else { return None };
        let Some(namespaces) = namespaces else {
            return Some(self.matching(self.home(one), pods, true));
        };
        let by_name = namespaces.keys().all(|key| &**key == NAMESPACE_NAME);
        let named = namespaces.required_value(NAMESPACE_NAME);
        let mut sure = true;
        let mut matches = |name: &str| match self.labels.get(name) {
            Some(labels) => namespaces.matches(labels),
            // Of one that was not given only the name is known.
            None if by_name => namespaces.matches(&BTreeMap::from([(NAMESPACE_NAME.to_owned(), name.to_owned())])),
            None => {
                sure = false;
                false
            }
        };
        let found: Vec<&str> = match named {
            Some(names) => {
                let known = names.iter().filter_map(|name| self.workloads.get_key_value(&**name));
                known.map(|(name, _)| *name).filter(|name| matches(name)).collect()
            }
            None => self.workloads.keys().copied().filter(|name| matches(name)).collect(),
        };
        Some(self.matching(found, pods, sure))
    }

    /// Other namespaces where pods with these labels run.
    pub(super) fn elsewhere(&self, one: &One<'_>, pods: &Selector) -> Vec<&'a str> {
        let runs = |name: &str| self.pods.near(name, pods).iter().any(|(_, each)| pods.matches(&each.labels));
        let others = self.workloads.keys().filter(|name| **name != &*one.policy.namespace);
        others.copied().filter(|name| runs(name)).collect()
    }

    /// Whether all pods of a namespace are known, be it that there are none.
    pub(super) fn is_whole(&self, namespace: &str) -> bool {
        self.cluster.has_all_pods_of(namespace)
    }

    /// Whether something may run in a namespace that could not be read.
    pub(super) fn lacks_pods_of(&self, name: &str) -> bool {
        self.cluster.unread.runs.contains(name)
    }

    fn home(&self, one: &One<'_>) -> Vec<&'a str> {
        self.workloads.get_key_value(&*one.policy.namespace).map(|(name, _)| *name).into_iter().collect()
    }

    fn matching(&self, namespaces: Vec<&'a str>, selector: &Selector, sure: bool) -> MatchedPods<'a> {
        let near = namespaces.iter().flat_map(|name| self.pods.near(name, selector));
        let pods = near.filter(|(_, pods)| selector.matches(&pods.labels)).collect();
        // The labels of pods that do not run are not known; those of their owner are often the same.
        let mut asleep = namespaces.iter().flat_map(|name| self.asleep.near(name, selector));
        let sure = sure && !namespaces.is_empty() && !asleep.any(|labels| selector.matches(labels));
        // What runs has labels that no template shows.
        let at_runtime = selector.keys().any(|key| is_set_at_runtime(key));
        let sure = sure && (!at_runtime || namespaces.iter().all(|name| self.cluster.has_listed(name)));
        let sure = sure && !namespaces.iter().any(|name| self.lacks_pods_of(name));
        let whole = namespaces.iter().all(|name| self.is_whole(name));
        MatchedPods { pods, namespaces, sure, whole }
    }
}
