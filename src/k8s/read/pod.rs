//! What pods look like, and what is seen of them.

use super::metadata::{Pairs, fields as metadata_fields, labels};
use super::node::{Value, YamlNode};
use super::place;
use super::policy::{port_number, protocol};
use super::syntax;
use super::unmodelled::{MESH_ANNOTATIONS, MESH_LABELS};
use super::walk::{MapFields, Path, Walk};
use crate::cluster::{ContainerPort, SeenPod};
use std::net::IpAddr;
use std::sync::Arc;

pub(super) const TEMPLATE: [&str; 2] = ["metadata", "spec"];
const POD_SPEC: [&str; 3] = ["containers", "initContainers", "hostNetwork"];

/// The fields of a pod's specification that are not read, up to Kubernetes 1.37.
const POD_SPEC_OTHERS: &[&str] = &[
    "activeDeadlineSeconds",
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "ephemeralContainers",
    "evictionResponders",
    "hostAliases",
    "hostIPC",
    "hostPID",
    "hostUsers",
    "hostname",
    "hostnameOverride",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "os",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "schedulingGroup",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
    "workloadRef",
];

const CONTAINER: [&str; 3] = ["name", "ports", "restartPolicy"];

/// The fields of a container that are not read, up to Kubernetes 1.37.
const CONTAINER_OTHERS: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

const CONTAINER_PORT: [&str; 5] = ["containerPort", "hostIP", "hostPort", "name", "protocol"];

/// What pods look like.
#[derive(Default)]
pub(super) struct PodShape {
    /// Where their labels stand.
    pub(super) at: Option<usize>,
    pub(super) labels: Pairs,
    pub(super) ports: Vec<ContainerPort>,
    pub(super) host_network: bool,
    /// The label or annotation by which they join a mesh.
    pub(super) mesh: Option<String>,
    /// The port on which annotations have them scraped.
    pub(super) scraped: Option<u16>,
}

/// The port on which annotations have pods scraped. They are a convention of the configuration that Prometheus' charts
/// bring, where each port that a container lists is asked when none is named.
pub(super) fn scraped(metadata: MapFields) -> Option<u16> {
    let annotations = metadata.get("annotations").and_then(MapFields::of)?;
    let is_scraped = place::text(annotations, "prometheus.io/scrape") == Some("true");
    place::text(annotations, "prometheus.io/port")?.parse().ok().filter(|port| *port > 0 && is_scraped)
}

/// The label or annotation by which something joins a mesh whose ports are not those that the programs use.
pub(super) fn mesh(labels: &[(String, String)], metadata: MapFields) -> Option<String> {
    let labelled = MESH_LABELS.into_iter().find_map(|(key, values)| {
        let (_, value) = labels.iter().find(|(label, value)| label == key && values.contains(&value.as_str()))?;
        Some(format!("{key}={value}"))
    });
    labelled.or_else(|| {
        let Value::Map(pairs) = &metadata.get("annotations")?.value else { return None };
        MESH_ANNOTATIONS.into_iter().find_map(|(key, values)| {
            let value = super::field_text(pairs, key).filter(|value| values.contains(value))?;
            Some(format!("{key}={value}"))
        })
    })
}

/// Reads the template of pods.
pub(super) fn pod_template(walk: &mut Walk, node: &YamlNode, path: Path) -> PodShape {
    let Some(template) = walk.object(node, path, &TEMPLATE) else { return PodShape::default() };
    let mut shape = pod_spec(walk, template.get("spec"), path.field("spec"));
    let path = path.field("metadata");
    if let Some(metadata) = metadata_fields(walk, template.get("metadata"), path) {
        let node = metadata.get("labels");
        shape.at = node.and_then(|labels| labels.at);
        shape.labels = labels(walk, node, path.field("labels"));
        shape.mesh = mesh(&shape.labels, metadata);
        shape.scraped = scraped(metadata);
    }
    shape
}

/// Reads the specification of pods.
pub(super) fn pod_spec(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> PodShape {
    let Some(spec) = walk.parts(node, path, &POD_SPEC, POD_SPEC_OTHERS) else { return PodShape::default() };
    let host_network = walk.flag(spec.get("hostNetwork"), path.field("hostNetwork"));
    let lists = [("containers", false), ("initContainers", true)];
    let containers = lists.map(|(field, is_init)| {
        walk.list(spec.get(field), path.field(field), |walk, item, path| container(walk, item, path, is_init))
    });
    let mut ports: Vec<ContainerPort> = containers.into_iter().flatten().flatten().collect();
    ports.sort_unstable();
    ports.dedup();
    PodShape { ports, host_network, ..PodShape::default() }
}

/// The ports of a container. An init container has ended before the others begin, unless it always restarts.
fn container(walk: &mut Walk, node: &YamlNode, path: Path, is_init: bool) -> Option<Vec<ContainerPort>> {
    let container = walk.parts(Some(node), path, &CONTAINER, CONTAINER_OTHERS)?;
    let ports = walk.list(container.get("ports"), path.field("ports"), container_port);
    let restart = container.get("restartPolicy").map(|node| walk.text(node, path.field("restartPolicy")));
    (!is_init || restart == Some(Some("Always"))).then_some(ports)
}

fn container_port(walk: &mut Walk, node: &YamlNode, path: Path) -> Option<ContainerPort> {
    let port = walk.object(node, path, &CONTAINER_PORT)?;
    let number_path = path.field("containerPort");
    let number = match port.get("containerPort") {
        Some(node) => port_number(walk, node, number_path, "an integer"),
        None => {
            walk.refuse(node, number_path, "Required value");
            None
        }
    };
    let protocol = protocol(walk, port.get("protocol"), path.field("protocol"));
    // An empty name is none.
    let name = port.get("name").filter(|node| node.value != Value::Text("".into()));
    let name = name.and_then(|node| walk.checked(node, path.field("name"), syntax::port_name));
    Some(ContainerPort { protocol: protocol?, number: number?, name: name.map(Arc::from) })
}

/// Whether a pod has ended, and its addresses otherwise.
pub(super) fn pod_status(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> (bool, Vec<IpAddr>) {
    const PHASES: [&str; 5] = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
    let Some(status) = walk.any_object(node, path) else { return (false, Vec::new()) };
    let phase = status.get("phase").and_then(|node| walk.word(node, path.field("phase"), &PHASES));
    let listed = walk.list(status.get("podIPs"), path.field("podIPs"), |walk, item, path| {
        let item = walk.object(item, path, &["ip"])?;
        address(walk, item.get("ip"), path.field("ip"))
    });
    let single = address(walk, status.get("podIP"), path.field("podIP"));
    if matches!(phase, Some("Succeeded" | "Failed")) {
        // Its addresses may already be those of another one.
        return (true, Vec::new());
    }
    let mut addresses: Vec<IpAddr> = listed.into_iter().chain(single).collect();
    addresses.sort_unstable();
    addresses.dedup();
    (false, addresses)
}

/// A pod as it was given: where it runs.
pub(super) fn seen_pod(
    name: &str,
    addresses: &[IpAddr],
    spec: Option<&YamlNode>,
    status: Option<&YamlNode>,
) -> SeenPod {
    let node = spec.and_then(MapFields::of).and_then(|spec| place::text(spec, "nodeName"));
    let status = status.and_then(MapFields::of);
    let phase = status.and_then(|status| place::text(status, "phase"));
    let is_waiting = matches!(phase, Some("Pending" | "Unknown"));
    let node_addresses = status.map(|status| place::addresses(status, "hostIP", "hostIPs")).unwrap_or_default();
    SeenPod { name: name.into(), addresses: addresses.to_vec(), node: node.map(Arc::from), node_addresses, is_waiting }
}

fn address(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Option<IpAddr> {
    let node = node.filter(|node| node.value != Value::Text("".into()))?;
    let check = |text: &str| text.parse::<IpAddr>().is_err().then_some("must be a valid IP address");
    walk.checked(node, path, check)?.parse().ok()
}
