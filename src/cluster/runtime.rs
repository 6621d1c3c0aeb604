//! Labels that pods get as they are made, and that no template shows.

use super::{Cluster, Kind, Pods, Workload};

/// The label in which a StatefulSet tells its pods apart, of which there is one for each value.
pub(super) const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// The label in which it numbers them.
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The labels in which a Job writes its name.
const JOB_NAMES: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// Of more pods of a StatefulSet not each is told apart.
const MOST_APART: u64 = 100;

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

impl Cluster {
    /// Gives the pods of templates the labels that they will have, as far as their values can be told: the name of a Job,
    /// and the name and number of each pod of a StatefulSet.
    pub fn add_labels_of_runtime(&mut self) {
        self.workloads.iter_mut().for_each(add_labels);
    }
}

fn add_labels(workload: &mut Workload) {
    let Workload { name, kind, pods, first_number, .. } = workload;
    // The server adds to a name that it makes up.
    if *kind == Kind::Job && !name.ends_with('-') {
        for labels in pods.iter_mut().map(|pods| &mut pods.labels) {
            for key in JOB_NAMES {
                labels.entry(key.to_owned()).or_insert_with(|| name.to_string());
            }
        }
    }
    let says_how_many = |pods: &Pods| (pods.count > 1 || !pods.several) && pods.count <= MOST_APART;
    if let [template] = pods.as_slice()
        && kind.is_stateful()
        && !template.labels.contains_key(POD_NAME)
        && says_how_many(template)
    {
        *pods =
            (0..template.count).map(|number| numbered(template, name, first_number.saturating_add(number))).collect();
    }
}

/// A pod of a StatefulSet.
fn numbered(template: &Pods, name: &str, number: u64) -> Pods {
    let mut pods = Pods { count: 1, several: false, ..template.clone() };
    pods.labels.insert(POD_NAME.to_owned(), format!("{name}-{number}"));
    pods.labels.insert(POD_INDEX.to_owned(), number.to_string());
    pods
}
