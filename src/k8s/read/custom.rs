//! What makes pods and is of no kind that Kubernetes has itself: Rollouts, DeploymentConfigs, CloneSets, Knative and many
//! more. Whatever holds templates of pods is known by these, for their authors all take over Kubernetes' own form.
//!
//! What else such an object says is up to its authors, so nothing of it is refused: where a template is not as Kubernetes
//! wants it, the object counts as one of those that have no part in what is allowed.

use super::node::{Value, YamlNode};
use super::pod::{PodShape, pod_template};
use super::walk::{MapFields, Path, Walk};
use super::workload::{is_live, owner, pod_selector};
use super::{ReadObject, Reading, field_text, fields, kinds, metadata_field, metadata_text, number};
use crate::cluster::{ContainerPort, Labels, Owner, Pods, Runner, Workload};
use crate::net::Protocol;

/// How deep in the specification templates are looked for.
const DEEPEST: usize = 6;

/// The groups whose objects hold parts of other objects, to be held against them or to be made for others.
const OF_PATTERNS: [&str; 4] = ["kyverno.io", "gatekeeper.sh", "template.openshift.io", "apiextensions.k8s.io"];

/// The group of Knative's kinds that make pods.
const KNATIVE: &str = "serving.knative.dev";

/// The ports of the proxy that stands in front of the program in each pod of Knative: names and numbers.
const KNATIVE_PORTS: [(&str, u16); 5] = [
    ("queue-port", 8012),
    ("http-queue-h2c", 8013),
    ("http-queueadm", 8022),
    ("http-autometric", 9090),
    ("http-usermetric", 9091),
];

/// The object as something that runs pods, when it is that.
pub(super) fn runner(node: &YamlNode, (version, kind): (&str, &str), default_namespace: &str) -> Option<ReadObject> {
    let Value::Map(pairs) = &node.value else { return None };
    let group = kinds::group(version);
    if is_of_pattern(version) {
        return None;
    }
    let spec = fields(pairs, "spec").next()?;
    let Value::Map(spec_pairs) = &spec.value else { return None };
    let templates = templates(node, version);
    let template_of = lender(spec_pairs);
    if templates.is_empty() && template_of.is_none() {
        return None;
    }
    let name = metadata_text(pairs, "name");
    let is_generated = name.is_none();
    let name = name.or_else(|| metadata_text(pairs, "generateName"))?;
    let mut scratch = Reading::default();
    let mut walk = Walk::new(&mut scratch, "");
    let mut shapes: Vec<PodShape> =
        templates.into_iter().map(|template| pod_template(&mut walk, template, Path::ROOT)).collect();
    let object = MapFields::of(node)?;
    let owners = object.get("metadata").and_then(MapFields::of).and_then(|metadata| metadata.get("ownerReferences"));
    let owner = owner(&mut walk, owners, Path::ROOT);
    if !scratch.problems.is_empty() {
        return None;
    }
    if group == KNATIVE {
        shapes.iter_mut().for_each(|shape| of_knative(shape, kind, name));
    }
    let at = metadata_field(pairs, "name").and_then(|name| name.at).or(node.at);
    let pods_at = shapes.iter().find_map(|shape| shape.at).or(at);
    let count = count(spec_pairs);
    let pods: Vec<Pods> = shapes.into_iter().map(|shape| pods(shape, count.unwrap_or(1).max(1))).collect();
    let (pods, asleep) = if count == Some(0) { (Vec::new(), pods) } else { (pods, Vec::new()) };
    let namespace = metadata_text(pairs, "namespace").filter(|name| !name.is_empty()).unwrap_or(default_namespace);
    let kind = kinds::other(version, kind);
    let labels = labels(pairs);
    let selector = pod_selector(Some(spec));
    let (namespace, name) = (namespace.into(), name.into());
    let first_number = number::first(Some(spec));
    let workload = Workload { namespace, name, kind, labels, selector, pods, first_number, span: None };
    let is_live = is_live(object);
    let runner = Runner { workload, owner, asleep, template_of, is_live, is_generated };
    let object = crate::cluster::Object::Runner(runner);
    Some(ReadObject { at, pods_at, object })
}

/// The templates of pods in an object.
pub(super) fn templates<'n, 'a>(node: &'n YamlNode<'a>, version: &str) -> Vec<&'n YamlNode<'a>> {
    let mut templates = Vec::new();
    if let Some(spec) = MapFields::of(node).and_then(|object| object.get("spec")).filter(|_| !is_of_pattern(version)) {
        find(spec, DEEPEST, true, &mut templates);
    }
    templates
}

/// Whether objects of a version hold parts of other objects.
fn is_of_pattern(version: &str) -> bool {
    let group = kinds::group(version);
    OF_PATTERNS.iter().any(|of| group == *of || group.strip_suffix(of).is_some_and(|sub| sub.ends_with('.')))
}

/// The templates of pods in a specification. One in the usual place needs no labels.
fn find<'n, 'a>(node: &'n YamlNode<'a>, depth: usize, is_spec: bool, found: &mut Vec<&'n YamlNode<'a>>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match &node.value {
        Value::Map(pairs) => {
            for (key, value) in pairs {
                let is_usual = is_spec && matches!(&key.value, Value::Text(name) if name == "template");
                if is_template(value, is_usual) {
                    found.push(value);
                } else {
                    find(value, depth, false, found);
                }
            }
        }
        Value::List(items) => {
            for item in items {
                if is_template(item, false) {
                    found.push(item);
                } else {
                    find(item, depth, false, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether a value is a template of pods: it has containers and, where anything could stand, labels.
fn is_template(node: &YamlNode, is_usual: bool) -> bool {
    let Value::Map(pairs) = &node.value else { return false };
    let Some(Value::Map(spec)) = fields(pairs, "spec").next().map(|spec| &spec.value) else { return false };
    let Some(Value::List(containers)) = fields(spec, "containers").next().map(|list| &list.value) else { return false };
    let is_container = |node: &YamlNode| match &node.value {
        Value::Map(pairs) => field_text(pairs, "name").or_else(|| field_text(pairs, "image")).is_some(),
        _ => false,
    };
    let has_labels = metadata_field(pairs, "labels")
        .is_some_and(|labels| matches!(&labels.value, Value::Map(pairs) if !pairs.is_empty()));
    (is_usual || has_labels) && !containers.is_empty() && containers.iter().all(is_container)
}

/// The object whose template this one makes pods of: `spec.workloadRef` of a Rollout.
fn lender(spec: &[(YamlNode, YamlNode)]) -> Option<Owner> {
    let Value::Map(reference) = &fields(spec, "workloadRef").next()?.value else { return None };
    let kind = kinds::owner(field_text(reference, "apiVersion").unwrap_or("apps/v1"), field_text(reference, "kind")?)?;
    Some(Owner { kind: Some(kind), name: field_text(reference, "name")?.into() })
}

/// `spec.replicas`; `None` where it is left to others.
fn count(spec: &[(YamlNode, YamlNode)]) -> Option<u64> {
    match fields(spec, "replicas").next()?.value {
        Value::Integer(count) => u64::try_from(count).ok(),
        _ => None,
    }
}

/// Each version of a canary has pods of its own, so there can be two whatever is written.
fn pods(shape: PodShape, count: u64) -> Pods {
    let PodShape { labels, ports, host_network, .. } = shape;
    let labels = labels.into_iter().collect();
    let (addresses, seen) = (Vec::new(), Vec::new());
    Pods { labels, ports, count, several: true, host_network, finished: false, addresses, seen, span: None }
}

fn labels(pairs: &[(YamlNode, YamlNode)]) -> Labels {
    let Some(Value::Map(labels)) = metadata_field(pairs, "labels").map(|labels| &labels.value) else {
        return Labels::new();
    };
    let text = |node: &YamlNode| match &node.value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    };
    labels.iter().filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect()
}

/// What Knative adds to the pods of a Service or a Configuration.
fn of_knative(shape: &mut PodShape, kind: &str, name: &str) {
    let keys: &[&str] = match kind {
        "Service" => &["configuration", "service"],
        "Configuration" => &["configuration"],
        _ => &[],
    };
    shape.labels.extend(keys.iter().map(|key| (format!("{KNATIVE}/{key}"), name.to_owned())));
    let ports = KNATIVE_PORTS.iter().map(|(name, number)| ContainerPort {
        protocol: Protocol::Tcp,
        number: *number,
        name: Some((*name).into()),
    });
    shape.ports.extend(ports);
    shape.ports.sort_unstable();
}
