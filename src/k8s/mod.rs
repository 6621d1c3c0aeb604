//! Policies to and from Kubernetes YAML, and what runs out of it. The only room that knows k8s-openapi and YAML.

mod cilium;
mod convert;
mod inline;
mod read;
mod staged;
mod write;

pub use convert::{json_len, json_list, json_list_of, object};
pub use inline::inline_selector;
pub use read::{
    Ignored, Inside, Kustomization, LONGEST_TEXT, ReadClusterPolicy, ReadObject, ReadPolicy, ReadProblem, Reading,
    RereadPolicy, Rereader, changes_answers, is_cluster_policy, kustomization, may_change_answers, read,
    read_with_foreign, read_with_hints,
};
pub use staged::{StagedKind, unstaged};
pub use write::{manifest, plain_manifest, staged_manifest};

/// The label that says who looks after an object, and the value for Polder.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "polder");

/// The annotation with the doc comments of the statements that asked for a policy.
pub const DESCRIPTION: &str = "kubernetes.io/description";

/// The annotation with the statements that asked for a policy, on a line each.
pub const SOURCE: &str = "polder.dev/source";
