//! What runs, where somebody gave it: the names that people know pods and their ports by.

use super::names::PortsByName;
use super::places::Home;
use crate::net::{PortSet, Protocol, Selector};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pods of one workload that are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunningPods {
    /// Their namespace.
    pub namespace: Arc<str>,
    /// The name of the workload.
    pub workload: Arc<str>,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
    /// The ports of their containers that have a name.
    pub ports: Vec<(Arc<str>, Protocol, u16)>,
}

impl RunningPods {
    fn matching<'r>(
        runs: &'r [RunningPods],
        home: &'r Home,
        pods: &'r Selector,
    ) -> impl Iterator<Item = &'r RunningPods> {
        let is_here = move |run: &&RunningPods| matches!(home, Home::Named(name) if *name == run.namespace);
        runs.iter().filter(is_here).filter(|run| pods.matches(&run.labels))
    }

    /// The one workload whose pods have some labels.
    pub(super) fn only<'r>(runs: &'r [RunningPods], home: &Home, pods: &Selector) -> Option<&'r Arc<str>> {
        let mut names =
            runs.iter().filter(|run| RunningPods::matching(std::slice::from_ref(*run), home, pods).next().is_some());
        let first = &names.next()?.workload;
        names.all(|run| run.workload == *first).then_some(first).filter(|name| crate::net::is_dns_label(name))
    }

    /// The named ports of all pods with some labels; `None` where there are none, or one name stands for several.
    pub(super) fn ports(runs: &[RunningPods], home: &Home, pods: &Selector) -> Option<PortsByName> {
        let mut ports: BTreeMap<Arc<str>, PortSet> = BTreeMap::new();
        for (name, protocol, number) in RunningPods::matching(runs, home, pods).flat_map(|run| &run.ports) {
            let one = PortSet::number(*protocol, *number);
            if ports.insert(name.clone(), one.clone()).is_some_and(|before| before != one) {
                return None;
            }
        }
        (!ports.is_empty()).then(|| ports.into_iter().collect())
    }
}
