//! From a pod to who runs it.

use super::{Kind, Runner};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a workload is found by.
pub(super) type Key = (Arc<str>, Arc<str>, Kind);

/// The longest way that is gone from a pod to who runs it. Owners of Kubernetes' own kinds are two steps away: pod,
/// ReplicaSet, Deployment.
const LONGEST: usize = 8;

/// The label in which a Deployment tells the pods of its ReplicaSets apart.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// The same of a Rollout of Argo.
const ROLLOUT_HASH: &str = "rollouts-pod-template-hash";

/// The label in which a DeploymentConfig of OpenShift writes its name.
const DEPLOYMENT_CONFIG: &str = "deploymentconfig";

/// The labels in which Knative writes whose pods these are, and the kinds of those, the outermost first.
const KNATIVE: [(&str, &str); 2] =
    [("serving.knative.dev/service", "Service"), ("serving.knative.dev/configuration", "Configuration")];

/// Who runs `runner`: the last one on the way from controller to controller whose name people know.
pub(super) fn top(runners: &BTreeMap<Key, Runner>, key: &Key, runner: &Runner) -> Key {
    let mut top = key.clone();
    let mut at = Some(runner);
    for _ in 1..LONGEST {
        let Some(here) = at else { break };
        let next = match owner(runners, &top, here) {
            Some(next) => next,
            None => break,
        };
        at = runners.get(&next);
        top = match at {
            None => unseen(runners, &next, runner).unwrap_or(next),
            Some(_) => next,
        };
        at = runners.get(&top);
    }
    top
}

/// Who controls `runner`, which is found by `key`.
///
/// What an operator runs as Deployments and the like is known by their names, of which there may be many for one object
/// of the operator's. That object stands for them only when it was given with a template of its own.
fn owner(runners: &BTreeMap<Key, Runner>, key: &Key, runner: &Runner) -> Option<Key> {
    if let Some(next) = knative(runners, key, runner) {
        return Some(next);
    }
    let owner = runner.owner.as_ref()?;
    let next = (key.0.clone(), owner.name.clone(), owner.kind.clone()?);
    let is_made = matches!(key.2, Kind::Pod | Kind::ReplicaSet | Kind::ReplicationController | Kind::Job);
    let is_ours = !matches!(next.2, Kind::Other(..));
    (is_made || is_ours || runners.contains_key(&next)).then_some(next)
}

/// The Knative object that was given and whose pods a Deployment makes, between which several others stand.
fn knative(runners: &BTreeMap<Key, Runner>, key: &Key, runner: &Runner) -> Option<Key> {
    if key.2 != Kind::Deployment {
        return None;
    }
    KNATIVE.iter().find_map(|(label, kind)| {
        let name = runner.workload.labels.get(*label)?;
        let owner = (key.0.clone(), Arc::from(&**name), Kind::Other((*kind).into(), "serving.knative.dev".into()));
        runners.contains_key(&owner).then_some(owner)
    })
}

/// Who runs the pod `runner` whose controller `key` was not given: that can be told from its name or the pod's labels.
fn unseen(runners: &BTreeMap<Key, Runner>, key: &Key, runner: &Runner) -> Option<Key> {
    let (namespace, name, kind) = key;
    let labels = &runner.workload.labels;
    let without = |label: &str| {
        let hash = labels.get(label).filter(|hash| !hash.is_empty())?;
        name.strip_suffix(hash.as_str())?.strip_suffix('-').filter(|name| !name.is_empty())
    };
    let called = |name: &str, kind| Some((namespace.clone(), Arc::from(name), kind));
    match kind {
        Kind::ReplicaSet => match (without(TEMPLATE_HASH), without(ROLLOUT_HASH)) {
            (Some(name), _) => called(name, Kind::Deployment),
            (None, Some(name)) => called(name, Kind::Other("Rollout".into(), "argoproj.io".into())),
            (None, None) => None,
        },
        Kind::ReplicationController => {
            let name = labels.get(DEPLOYMENT_CONFIG)?;
            called(name, Kind::Other("DeploymentConfig".into(), "apps.openshift.io".into()))
        }
        Kind::Job => {
            // A CronJob adds the time to its own name.
            let (name, time) = name.rsplit_once('-')?;
            let owner = called(name, Kind::CronJob).filter(|_| time.bytes().all(|byte| byte.is_ascii_digit()))?;
            runners.contains_key(&owner).then_some(owner)
        }
        Kind::Pod | Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::CronJob | Kind::Other(..) => None,
    }
}
