//! Labels that pods get as they are made, and that no template shows.

/// Their keys: of controllers of Kubernetes, of the kubelet, of Argo, OpenShift, OpenKruise and Knative.
const KEYS: [&str; 18] = [
    "apps.kubernetes.io/pod-index",
    "apps.kruise.io/cloneset-instance-id",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "deploymentconfig",
    "job-name",
    "lifecycle.apps.kruise.io/state",
    "pod-template-generation",
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "serving.knative.dev/revision",
    "serving.knative.dev/revisionUID",
    "statefulset.kubernetes.io/pod-name",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// Whether what runs pods gives them a label of this key, whatever their template says.
pub fn is_set_at_runtime(key: &str) -> bool {
    KEYS.contains(&key)
}
