//! Namespaces, pods, and what makes pods.

use super::metadata::{Metadata, Naming, SUBDOMAIN, fields as metadata_fields, metadata};
use super::node::{Value, YamlNode};
use super::number::{self, Number};
use super::pod::{PodShape, TEMPLATE, mesh, pod_spec, pod_status, pod_template, scraped, seen_pod};
use super::policy::OBJECT;
use super::walk::{MapFields, Path, Walk};
use super::{callers, kinds, syntax};
use crate::cluster::{self, Kind, Labels, Namespace, Owner, Pods, Runner, SeenPod, Unmodelled, Workload};
use std::net::IpAddr;

/// The label with the name of a namespace, which the control plane sets.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

const OWNER: [&str; 6] = ["apiVersion", "blockOwnerDeletion", "controller", "kind", "name", "uid"];

/// The fields that are not read, up to Kubernetes 1.37, of all that makes pods.
const SPEC_OTHERS: &[&str] = &[
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "completionMode",
    "failedJobsHistoryLimit",
    "managedBy",
    "manualSelector",
    "maxFailedIndexes",
    "minReadySeconds",
    "ordinals",
    "paused",
    "persistentVolumeClaimRetentionPolicy",
    "podFailurePolicy",
    "podManagementPolicy",
    "podReplacementPolicy",
    "progressDeadlineSeconds",
    "revisionHistoryLimit",
    "rollbackTo",
    "schedule",
    "scheduling",
    "selector",
    "serviceName",
    "startingDeadlineSeconds",
    "successPolicy",
    "successfulJobsHistoryLimit",
    "templateGeneration",
    "timeZone",
    "ttlSecondsAfterFinished",
    "updateStrategy",
    "volumeClaimTemplates",
];

/// Reads a Namespace.
pub(super) fn namespace(walk: &mut Walk, node: &YamlNode, path: Path) {
    let before = walk.problems();
    let Some(object) = walk.object(node, path, &OBJECT) else { return };
    let path = path.field("metadata");
    let naming = Naming { check: syntax::dns_label, generated: false };
    let Some(metadata) = metadata(walk, node, object.get("metadata"), "", naming, path) else { return };
    let (at, name) = (metadata.at, metadata.name);
    let wrong = metadata.labels.iter().find(|(key, value)| key == NAME_LABEL && value != name);
    if let (Some((key, value)), Some(labels)) = (wrong, metadata.fields.get("labels")) {
        let reason = format!("Invalid value: {value:?}: must be {name:?}, the name of the namespace");
        walk.refuse(labels, path.field("labels").field(key), reason);
    }
    if walk.problems() > before {
        return;
    }
    note_mesh(walk, at, ("v1", "Namespace", "", name), mesh(&metadata.labels, metadata.fields));
    let mut labels: Labels = metadata.labels.into_iter().collect();
    labels.insert(NAME_LABEL.to_owned(), name.to_owned());
    walk.found(at, at, cluster::Object::Namespace(Namespace { name: name.into(), labels, span: None }));
}

fn note_mesh(walk: &mut Walk, at: Option<usize>, object: (&str, &str, &str, &str), mesh: Option<String>) {
    let (version, kind, namespace, name) = object;
    if let Some(mesh) = mesh {
        let found = Unmodelled {
            kind: format!("{kind} with {mesh}"),
            api_version: version.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            beyond: None,
            span: None,
        };
        walk.found(at, at, cluster::Object::Unmodelled(found));
    }
}

/// Reads a pod, or what makes pods.
pub(super) fn workload(
    walk: &mut Walk,
    node: &YamlNode,
    path: Path,
    (version, kind): (&str, Kind),
    default_namespace: &str,
) {
    let before = walk.problems();
    let Some(object) = walk.object(node, path, &OBJECT) else { return };
    let (metadata_path, spec_path, status_path) = (path.field("metadata"), path.field("spec"), path.field("status"));
    let naming = Naming { generated: true, ..SUBDOMAIN };
    let metadata = metadata(walk, node, object.get("metadata"), default_namespace, naming, metadata_path);
    let owners = object.get("metadata").and_then(MapFields::of).and_then(|metadata| metadata.get("ownerReferences"));
    let owner = owner(walk, owners, metadata_path.field("ownerReferences"));
    let is_live = is_live(object);
    let mut pods = if kind == Kind::Pod {
        let shape = pod_spec(walk, object.get("spec"), spec_path);
        let (finished, addresses) = pod_status(walk, object.get("status"), status_path);
        let mut pods = Made { shape, number: Number::ONE, finished, addresses, seen: None };
        if let Some(metadata) = &metadata {
            pods.shape.at = metadata.at;
            pods.shape.labels = metadata.labels.clone();
            pods.shape.mesh = mesh(&metadata.labels, metadata.fields);
            pods.shape.scraped = scraped(metadata.fields);
            let (spec, status) = (object.get("spec"), object.get("status"));
            pods.seen = (!finished).then(|| seen_pod(metadata.name, &pods.addresses, spec, status));
        }
        pods
    } else {
        made(walk, node, object.get("spec"), spec_path, &kind)
    };
    pods.finished |= kind == Kind::Job && job_is_finished(object.get("status"));
    let metadata = metadata.filter(|_| walk.problems() == before);
    let Some(Metadata { at, name, namespace, is_generated, labels, .. }) = metadata else { return };
    let pods_at = pods.shape.at.or(at);
    note_mesh(walk, pods_at, (version, kind.as_str(), namespace, name), pods.shape.mesh.take());
    // Whoever made them has the same template.
    if let (Some(port), None) = (pods.shape.scraped, &owner) {
        let labels = pods.shape.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let caller = callers::annotated((kind.as_str(), namespace, name), labels, port);
        walk.found(at, at, cluster::Object::Caller(caller));
    }
    let (pods, asleep) = pods.into_pods();
    let labels = labels.into_iter().collect();
    let selector = pod_selector(object.get("spec"));
    let (namespace, name) = (namespace.into(), name.into());
    let first_number = number::first(object.get("spec"));
    let workload = Workload { namespace, name, kind, labels, selector, pods, first_number, span: None };
    let runner = Runner { workload, owner, asleep, template_of: None, is_live, is_generated };
    walk.found(at, pods_at, cluster::Object::Runner(runner));
}

/// Whether an object is as the API server gives it: it has what nobody writes.
pub(super) fn is_live(object: MapFields) -> bool {
    let has = |node: Option<&YamlNode>| match node.map(|node| &node.value) {
        Some(Value::Map(pairs)) => !pairs.is_empty(),
        Some(Value::Text(text)) => !text.is_empty(),
        _ => false,
    };
    let metadata = object.get("metadata").and_then(MapFields::of);
    has(object.get("status"))
        || ["uid", "resourceVersion"].iter().any(|field| has(metadata.and_then(|of| of.get(field))))
}

/// `spec.selector.matchLabels`, or the whole selector of a kind that has only labels there.
pub(super) fn pod_selector(spec: Option<&YamlNode>) -> Labels {
    let selector = spec.and_then(MapFields::of).and_then(|spec| MapFields::of(spec.get("selector")?));
    let labels = selector.map(|selector| selector.get("matchLabels").and_then(MapFields::of).unwrap_or(selector));
    labels
        .map(|labels| labels.texts().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
        .unwrap_or_default()
}

/// The pods that one object is or makes.
#[derive(Default)]
struct Made {
    shape: PodShape,
    number: Number,
    finished: bool,
    addresses: Vec<IpAddr>,
    seen: Option<SeenPod>,
}

impl Made {
    /// The pods, and those that it would make where it makes none.
    fn into_pods(self) -> (Vec<Pods>, Vec<Pods>) {
        let Made { shape, number: Number { count, several }, finished, addresses, seen } = self;
        let PodShape { labels, ports, host_network, .. } = shape;
        let labels = labels.into_iter().collect();
        let addresses = Some(addresses).filter(|known| !known.is_empty()).into_iter().collect();
        let (count_or_one, seen) = (count.max(1), seen.into_iter().collect());
        let pods =
            Pods { labels, ports, count: count_or_one, several, host_network, finished, addresses, seen, span: None };
        if count == 0 { (Vec::new(), vec![pods]) } else { (vec![pods], Vec::new()) }
    }
}

/// The controller among the owners.
pub(super) fn owner(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Option<Owner> {
    let owners = walk.list(node, path, |walk, item, path| {
        let object = walk.object(item, path, &OWNER)?;
        let mut text = |field: &str| match object.get(field) {
            Some(node) => walk.text(node, path.field(field)),
            None => {
                walk.refuse(item, path.field(field), "Required value");
                None
            }
        };
        let (version, kind, name) = (text("apiVersion"), text("kind"), text("name"));
        let controls = walk.flag(object.get("controller"), path.field("controller"));
        Some((item, controls, Owner { kind: kinds::owner(version?, kind?), name: name?.into() }))
    });
    let mut controllers = owners.into_iter().filter(|(_, controls, _)| *controls);
    let first = controllers.next();
    if let Some((item, ..)) = controllers.next() {
        walk.refuse(item, path, "Invalid value: only one reference can have `controller` set to true");
    }
    first.map(|(.., owner)| owner)
}

/// The pods that the specification of an object of this kind asks for. Without a template it asks for none.
fn made(walk: &mut Walk, object: &YamlNode, spec: Option<&YamlNode>, path: Path, kind: &Kind) -> Made {
    let Some(fields) = walk.parts(spec, path, number::fields(kind), SPEC_OTHERS) else { return Made::default() };
    let number = number::of(walk, fields, path, kind);
    let near = spec.unwrap_or(object);
    let (template, path) = match kind {
        Kind::CronJob => (fields.get("jobTemplate"), path.field("jobTemplate")),
        Kind::Pod
        | Kind::Deployment
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::ReplicaSet
        | Kind::ReplicationController
        | Kind::Job
        | Kind::Other(..) => (fields.get("template"), path.field("template")),
    };
    let Some(template) = template else {
        walk.refuse(near, path, "Required value");
        return Made::default();
    };
    if *kind != Kind::CronJob {
        return Made { shape: pod_template(walk, template, path), number, ..Made::default() };
    }
    let Some(job) = walk.object(template, path, &TEMPLATE) else { return Made::default() };
    metadata_fields(walk, job.get("metadata"), path.field("metadata"));
    let mut pods = made(walk, template, job.get("spec"), path.field("spec"), &Kind::Job);
    pods.number = pods.number.for_each_of(number);
    pods
}

/// Whether a Job has ended, by its conditions.
fn job_is_finished(status: Option<&YamlNode>) -> bool {
    let Some(YamlNode { value: Value::Map(status), .. }) = status else { return false };
    let Some(YamlNode { value: Value::List(conditions), .. }) = super::fields(status, "conditions").next() else {
        return false;
    };
    conditions.iter().any(|condition| {
        let Value::Map(condition) = &condition.value else { return false };
        matches!(super::field_text(condition, "type"), Some("Complete" | "Failed"))
            && super::field_text(condition, "status") == Some("True")
    })
}
