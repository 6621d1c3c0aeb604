//! What stands in the metadata of policies.

use crate::k8s::{self, ReadPolicy};

/// The keys of the metadata of a policy, but for those that Polder writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataKeys {
    /// The keys of its labels, sorted.
    pub labels: Vec<String>,
    /// The keys of its annotations, sorted.
    pub annotations: Vec<String>,
    /// Whether a label says that Polder looks after it.
    pub is_of_polder: bool,
}

impl MetadataKeys {
    pub(super) fn of(read: &ReadPolicy) -> Self {
        let own = |(key, value): &&(String, String)| (key.as_str(), value.as_str()) == k8s::MANAGED_BY;
        let annotated = |key: &&String| ![k8s::DESCRIPTION, k8s::SOURCE].contains(&key.as_str());
        MetadataKeys {
            is_of_polder: read.labels.iter().any(|pair| own(&pair)),
            labels: read.labels.iter().filter(|pair| !own(pair)).map(|(key, _)| key.clone()).collect(),
            annotations: read.annotations.iter().map(|(key, _)| key).filter(annotated).cloned().collect(),
        }
    }
}
