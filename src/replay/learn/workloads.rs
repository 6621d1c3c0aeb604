//! Which pods are of one workload, as far as what runs or a log says so.

use super::super::ends::{EndKind, EndKindId, PodsThatRun, is_hidden_by_cilium};
use crate::cluster::{Labels, lasting};
use crate::net::{is_label_value, wrong_label_key};
use std::collections::BTreeMap;

/// The labels that a workload is called by, the best first.
const CALLED_BY: [&str; 5] = ["app.kubernetes.io/name", "app", "k8s-app", "name", "component"];

/// Labels that say something else than who pods are: what manages them, and what meshes and delivery tools note.
const OF_TOOLS: [&str; 2] = ["app.kubernetes.io/managed-by", "heritage"];

/// How keys begin that only tools and clouds look at.
const OF_TOOLS_BELOW: [&str; 5] =
    ["argocd.argoproj.io/", "linkerd.io/", "security.istio.io/", "service.istio.io/", "topology.kubernetes.io/"];

/// Pods that are of one workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum WorkloadKey {
    /// One that runs, by its name and kind.
    Runs(String),
    /// Pods whose names say that, which are called by the same label.
    Named(String, Option<String>),
    /// Pods with these labels.
    Alike(Labels),
}

/// All pods that were seen or are known, by their namespaces and workloads.
pub(super) struct SeenWorkloads {
    by_namespace: BTreeMap<String, BTreeMap<WorkloadKey, Vec<Labels>>>,
    of_kinds: BTreeMap<EndKindId, WorkloadKey>,
}

/// The labels that say who the pods of a workload are, and those of all other pods of its namespace.
pub(super) struct TellingLabels<'w> {
    /// What all its pods share.
    pub own: Labels,
    /// The labels of each kind of other pods, with what they are called.
    pub others: Vec<(&'w Labels, String)>,
}

impl SeenWorkloads {
    pub(super) fn new(kinds: &[EndKind], running: &PodsThatRun<'_>, names: &BTreeMap<EndKindId, &str>) -> Self {
        let mut seen = SeenWorkloads { by_namespace: BTreeMap::new(), of_kinds: BTreeMap::new() };
        for workload in &running.cluster.workloads {
            let key = WorkloadKey::Runs(format!("{}[{}]", workload.name, workload.kind.as_str()));
            for pods in workload.pods.iter().filter(|pods| pods.is_in_pod_network()) {
                seen.add(&workload.namespace, key.clone(), pods.labels.clone());
            }
        }
        for (place, kind) in kinds.iter().enumerate() {
            let id = EndKindId(crate::table::number(place));
            match kind {
                EndKind::Pods(pods) => {
                    let Some(labels) = &pods.labels else { continue };
                    let key = key_of(labels, names.get(&id).copied());
                    seen.of_kinds.insert(id, key.clone());
                    seen.add(&pods.namespace, key, labels.clone());
                }
                EndKind::Known(place) => {
                    if let Some((workload, ..)) = running.pods.get(*place) {
                        let key = WorkloadKey::Runs(format!("{}[{}]", workload.name, workload.kind.as_str()));
                        seen.of_kinds.insert(id, key);
                    }
                }
                EndKind::Address(..)
                | EndKind::Service(_)
                | EndKind::OwnNode(_)
                | EndKind::Node(_)
                | EndKind::Proxy
                | EndKind::Unknown(_)
                | EndKind::Unnamed(_)
                | EndKind::Named(_) => {}
            }
        }
        seen
    }

    fn add(&mut self, namespace: &str, key: WorkloadKey, labels: Labels) {
        let known = self.by_namespace.entry(namespace.to_owned()).or_default().entry(key).or_default();
        if !known.contains(&labels) {
            known.push(labels);
        }
    }

    /// What tells the pods of an end from others of their namespace; `kind` is theirs in the log.
    pub(super) fn telling(&self, namespace: &str, labels: &Labels, kind: Option<EndKindId>) -> TellingLabels<'_> {
        let here = self.by_namespace.get(namespace);
        let key = kind.and_then(|id| self.of_kinds.get(&id)).cloned().or_else(|| {
            let is_one = |(_, all): &(&WorkloadKey, &Vec<Labels>)| all.contains(labels);
            here?.iter().find(is_one).map(|(key, _)| key.clone())
        });
        let key = key.unwrap_or_else(|| key_of(labels, None));
        let mut own = staying(labels);
        for other in here.and_then(|here| here.get(&key)).into_iter().flatten() {
            own.retain(|name, value| other.get(name) == Some(value));
        }
        let others = here.into_iter().flatten().filter(|(other, _)| **other != key);
        let others = others.flat_map(|(other, all)| all.iter().map(|labels| (labels, other.told(labels)))).collect();
        TellingLabels { own, others }
    }
}

impl WorkloadKey {
    fn told(&self, labels: &Labels) -> String {
        match self {
            WorkloadKey::Runs(name) | WorkloadKey::Named(name, _) => name.clone(),
            WorkloadKey::Alike(_) => super::super::ends::braces(labels),
        }
    }
}

fn key_of(labels: &Labels, name: Option<&str>) -> WorkloadKey {
    let called = CALLED_BY.iter().find_map(|key| labels.get(*key)).cloned();
    match name.and_then(name_of_workload) {
        Some(name) => WorkloadKey::Named(name.to_owned(), called),
        None => WorkloadKey::Alike(staying(labels)),
    }
}

/// The labels that are the same tomorrow, and that a policy can name.
pub(super) fn staying(labels: &Labels) -> Labels {
    let stays = |key: &str, value: &str| {
        !is_hidden_by_cilium(key)
            && !OF_TOOLS.contains(&key)
            && !OF_TOOLS_BELOW.iter().any(|start| key.starts_with(start))
            && wrong_label_key(key).is_none()
            && is_label_value(value)
    };
    lasting(labels).into_iter().filter(|(key, value)| stays(key, value)).collect()
}

/// What of the name of a pod is that of its workload: without the number of a StatefulSet, or what controllers add, which has no
/// vowels (`k8s.io/apimachinery/pkg/util/rand`).
fn name_of_workload(pod: &str) -> Option<&str> {
    const ADDED: &str = "bcdfghjklmnpqrstvwxz2456789";
    let (start, end) = pod.rsplit_once('-')?;
    if !end.is_empty() && end.len() < 5 && end.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(start);
    }
    if end != "*" && !(end.len() == 5 && end.chars().all(|one| ADDED.contains(one))) {
        return None;
    }
    let Some((name, hash)) = start.rsplit_once('-') else { return Some(start) };
    let is_hash = (4..=10).contains(&hash.len())
        && hash.chars().all(|one| ADDED.contains(one) || one.is_ascii_hexdigit())
        && hash.bytes().any(|byte| byte.is_ascii_digit());
    Some(if is_hash { name } else { start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_pod_says_of_which_workload_it_is() {
        for (pod, workload) in [
            ("web-6b9f-2xkqp", Some("web")),
            ("web-7d4b9c8f6d-2xkqp", Some("web")),
            ("web-canary-7d4b9c8f6d-2xkqp", Some("web-canary")),
            ("postgres-0", Some("postgres")),
            ("agent-2xkqp", Some("agent")),
            ("log-agent-2xkqp", Some("log-agent")),
            ("backup-29384756-2xkqp", Some("backup")),
            ("web-7d4b9c8f6d-*", Some("web")),
            ("debug", None),
            ("my-shell", None),
            ("web-apple", None),
        ] {
            assert_eq!(name_of_workload(pod), workload, "{pod}");
        }
    }
}
