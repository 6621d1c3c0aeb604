//! Whether what was given is all that there is. Manifests of an application are not: an operator, another repository or
//! somebody's hand may make more. A listing of a cluster is.

use super::{Cluster, Kind, Object};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Namespaces that every cluster has, and that nobody's manifests make.
pub const OF_EVERY_CLUSTER: [&str; 2] = ["kube-system", "default"];

/// What of a cluster is known to be given as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whole {
    /// Whether these are all Namespaces.
    pub namespaces: bool,
    /// Whether these are all pods of all namespaces.
    everywhere: bool,
    /// Whether all of that was listed as it runs.
    live: bool,
    /// The namespaces whose pods were listed, as they run.
    listed: BTreeSet<Arc<str>>,
    /// Those in which all that makes pods was given.
    given: BTreeSet<Arc<str>>,
}

impl Whole {
    /// Everything, because somebody says so.
    pub fn said() -> Whole {
        Whole { namespaces: true, everywhere: true, ..Whole::default() }
    }

    /// Everything, listed as it runs, because a cluster was asked for all of it.
    pub fn listed() -> Whole {
        Whole { live: true, ..Whole::said() }
    }
}

impl Cluster {
    /// Whether all pods of a namespace are known, or all that makes them.
    pub fn has_all_pods_of(&self, namespace: &str) -> bool {
        let is_given = self.whole.everywhere || self.whole.given.contains(namespace) || self.has_listed(namespace);
        is_given && !self.unread.runs.contains(namespace)
    }

    /// Whether all pods of all namespaces are known.
    pub fn has_all_pods(&self) -> bool {
        self.whole.everywhere && self.unread.runs.is_empty()
    }

    /// Whether the pods of a namespace were listed as they run, with the labels that they have there.
    pub fn has_listed(&self, namespace: &str) -> bool {
        self.whole.live || self.whole.listed.contains(namespace)
    }

    /// Whether it is what a cluster gave when it was asked, and nothing else.
    pub fn is_live(&self) -> bool {
        self.whole.live
    }
}

/// What shows that a cluster was listed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Whether one of the namespaces of every cluster was given.
    of_every_cluster: bool,
    /// Whether that was `kube-system`, whoever gave it.
    system: bool,
    /// The namespaces with pods, or ReplicaSets, as the API server gives them.
    live: BTreeSet<Arc<str>>,
    /// The namespaces with whatever runs pods.
    runs: BTreeSet<Arc<str>>,
}

impl Seen {
    /// Takes note of an object.
    pub(super) fn add(&mut self, object: &Object) {
        match object {
            Object::Namespace(one) => {
                self.of_every_cluster |= OF_EVERY_CLUSTER.contains(&&*one.name);
                self.system |= &*one.name == "kube-system";
            }
            Object::Runner(one) => {
                let namespace = &one.workload.namespace;
                if one.is_live && matches!(one.workload.kind, Kind::Pod | Kind::ReplicaSet) {
                    self.live.insert(namespace.clone());
                }
                self.runs.insert(namespace.clone());
            }
            Object::Scaler(_)
            | Object::Service(_)
            | Object::Ingress(_)
            | Object::Node(_)
            | Object::Endpoints(_)
            | Object::Caller(_)
            | Object::Unmodelled(_) => {}
        }
    }

    /// What that shows. Whoever gives Namespace `kube-system` gives a cluster; of a namespace in which nothing runs that
    /// was given, it is only sure where what runs in `kube-system` was listed, too.
    pub(super) fn whole(self) -> Whole {
        let Seen { of_every_cluster, system, live, runs } = self;
        Whole {
            namespaces: of_every_cluster,
            live: false,
            everywhere: system && live.contains("kube-system"),
            listed: live,
            given: if system { runs } else { BTreeSet::new() },
        }
    }
}
