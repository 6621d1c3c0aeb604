//! The labels that pods are known by.

use crate::net::{Selector, Values};
use std::collections::BTreeMap;

/// Labels that controllers give to their pods, other ones after each change or to each pod.
const GENERATED: [&str; 8] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
];

/// The labels of a pod that its owner chose.
pub fn chosen(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.iter().filter(|(key, _)| !GENERATED.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Labels as a selector of exactly these values.
pub fn equal(labels: &BTreeMap<String, String>) -> Selector {
    labels.iter().map(|(key, value)| (key.as_str().into(), Values::one_of([value.as_str()]))).collect()
}
