//! What stands in front of pods: Service and Ingress.

use super::metadata::{Metadata, Naming, SUBDOMAIN, labels, metadata};
use super::node::{Value, YamlNode};
use super::pod::scraped;
use super::policy::{OBJECT, port_number, protocol};
use super::walk::{MapFields, Path, Walk};
use super::{callers, place, syntax};
use crate::cluster::{self, Backend, Ingress, Service, ServicePort, TargetPort};
use std::cell::Cell;
use std::sync::Arc;

const SERVICE_SPEC: [&str; 3] = ["selector", "ports", "type"];

/// The fields of a Service's specification that are not read, up to Kubernetes 1.37.
const SERVICE_SPEC_OTHERS: &[&str] = &[
    "allocateLoadBalancerNodePorts",
    "clusterIP",
    "clusterIPs",
    "externalIPs",
    "externalName",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "publishNotReadyAddresses",
    "sessionAffinity",
    "sessionAffinityConfig",
    "trafficDistribution",
];
const SERVICE_TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const SERVICE_PORT: [&str; 6] = ["appProtocol", "name", "nodePort", "port", "protocol", "targetPort"];

const INGRESS_SPEC: [&str; 4] = ["defaultBackend", "ingressClassName", "rules", "tls"];
const INGRESS_RULE: [&str; 2] = ["host", "http"];
const INGRESS_PATH: [&str; 3] = ["backend", "path", "pathType"];
const BACKEND: [&str; 2] = ["resource", "service"];
const BACKEND_SERVICE: [&str; 2] = ["name", "port"];
const BACKEND_PORT: [&str; 2] = ["name", "number"];

/// Reads a Service.
pub(super) fn service(walk: &mut Walk, node: &YamlNode, path: Path, default_namespace: &str) {
    let before = walk.problems();
    let Some(object) = walk.object(node, path, &OBJECT) else { return };
    let naming = Naming { check: syntax::dns_label, generated: false };
    let metadata = metadata(walk, node, object.get("metadata"), default_namespace, naming, path.field("metadata"));
    let path = path.field("spec");
    let Some(spec) = walk.parts(object.get("spec"), path, &SERVICE_SPEC, SERVICE_SPEC_OTHERS) else { return };
    let selector = labels(walk, spec.get("selector"), path.field("selector"));
    let service_type =
        spec.get("type").map_or(Some("ClusterIP"), |node| walk.word(node, path.field("type"), &SERVICE_TYPES));
    let ports = walk.list(spec.get("ports"), path.field("ports"), service_port);
    let (Some(metadata), Some(service_type)) = (metadata, service_type) else { return };
    if walk.problems() > before {
        return;
    }
    let Metadata { at, name, namespace, labels: own, fields, is_generated: _ } = metadata;
    let status = object.get("status").and_then(MapFields::of);
    if let Some(port) = scraped(fields).filter(|_| !selector.is_empty()) {
        let labels = selector.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let caller = callers::annotated(("Service", namespace, name), labels, port);
        walk.found(at, at, cluster::Object::Caller(caller));
    }
    let service = Service {
        namespace: namespace.into(),
        name: name.into(),
        labels: own.into_iter().collect(),
        service_type: service_type.into(),
        // An empty selector is none to Kubernetes.
        selector: (!selector.is_empty()).then(|| selector.into_iter().collect()),
        ports,
        cluster_ips: place::addresses(spec, "clusterIP", "clusterIPs"),
        headless: place::text(spec, "clusterIP") == Some("None"),
        outer_addresses: place::outer_addresses(spec, status),
        external_name: place::text(spec, "externalName").filter(|_| service_type == "ExternalName").map(Arc::from),
        keeps_source: place::text(spec, "externalTrafficPolicy") == Some("Local"),
        is_direct: is_direct(spec, fields),
        span: None,
    };
    walk.found(at, at, cluster::Object::Service(service));
}

/// Annotations with which the load balancer of a cloud connects to the pods themselves, or with the addresses of its clients,
/// each with what its value has in it.
const TO_PODS: [(&str, &str); 9] = [
    ("service.beta.kubernetes.io/aws-load-balancer-nlb-target-type", "ip"),
    ("service.beta.kubernetes.io/aws-load-balancer-type", "nlb-ip"),
    ("service.beta.kubernetes.io/aws-load-balancer-target-group-attributes", "preserve_client_ip.enabled=true"),
    ("cloud.google.com/neg", "exposed_ports"),
    ("service.beta.kubernetes.io/backend-type", "eni"),
    ("service.cloud.tencent.com/direct-access", "true"),
    ("oci-network-load-balancer.oraclecloud.com/is-preserve-source", "true"),
    ("service.cilium.io/forwarding-mode", "dsr"),
    ("kube-router.io/service.dsr", ""),
];

/// Whether a load balancer connects to the pods themselves, so that no node stands between them and the clients.
fn is_direct(spec: MapFields, metadata: MapFields) -> bool {
    let annotations = metadata.get("annotations").and_then(MapFields::of);
    let has = |(key, value): &(&str, &str)| {
        annotations.and_then(|annotations| place::text(annotations, key)).is_some_and(|text| text.contains(value))
    };
    // In EKS Auto Mode that is the default.
    place::text(spec, "loadBalancerClass") == Some("eks.amazonaws.com/nlb") || TO_PODS.iter().any(has)
}

fn service_port(walk: &mut Walk, node: &YamlNode, path: Path) -> Option<ServicePort> {
    let object = walk.object(node, path, &SERVICE_PORT)?;
    let port = match object.get("port") {
        Some(node) => port_number(walk, node, path.field("port"), "an integer"),
        None => {
            walk.refuse(node, path.field("port"), "Required value");
            None
        }
    };
    let protocol = protocol(walk, object.get("protocol"), path.field("protocol"));
    let name = filled(object, "name").and_then(|node| walk.checked(node, path.field("name"), syntax::dns_label));
    let target_path = path.field("targetPort");
    let target = match filled(object, "targetPort").map(|node| (node, &node.value)) {
        None | Some((_, Value::Integer(0))) => port.map(TargetPort::Number),
        Some((node, Value::Text(_))) => {
            walk.checked(node, target_path, syntax::port_name).map(|name| TargetPort::Named(Arc::from(name)))
        }
        Some((node, _)) => port_number(walk, node, target_path, "an integer or a port name").map(TargetPort::Number),
    };
    let node_port = place::port(object, "nodePort");
    Some(ServicePort { name: name.map(Arc::from), protocol: protocol?, port: port?, node_port, target: target? })
}

/// A field, unless it is an empty string, which is none to Kubernetes.
fn filled<'n, 'a>(object: MapFields<'n, 'a>, name: &str) -> Option<&'n YamlNode<'a>> {
    object.get(name).filter(|node| node.value != Value::Text("".into()))
}

/// Reads an Ingress.
pub(super) fn ingress(walk: &mut Walk, node: &YamlNode, path: Path, default_namespace: &str) {
    let before = walk.problems();
    let Some(object) = walk.object(node, path, &OBJECT) else { return };
    let metadata = metadata(walk, node, object.get("metadata"), default_namespace, SUBDOMAIN, path.field("metadata"));
    let path = path.field("spec");
    let Some(spec) = walk.optional(object.get("spec"), path, &INGRESS_SPEC) else { return };
    let old_form = Cell::new(false);
    let default = spec.get("defaultBackend");
    let default = default.and_then(|node| backend(walk, node, path.field("defaultBackend"), &old_form));
    let rules = walk.list(spec.get("rules"), path.field("rules"), |walk, item, path| {
        let rule = walk.object(item, path, &INGRESS_RULE)?;
        let path = path.field("http");
        let http = walk.optional(rule.get("http"), path, &["paths"])?;
        Some(walk.list(http.get("paths"), path.field("paths"), |walk, item, path| {
            let one = walk.object(item, path, &INGRESS_PATH)?;
            match one.get("backend") {
                Some(node) => backend(walk, node, path.field("backend"), &old_form),
                None => {
                    walk.refuse(item, path.field("backend"), "Required value");
                    None
                }
            }
        }))
    });
    let Some(Metadata { at, name, namespace, .. }) = metadata.filter(|_| walk.problems() == before) else { return };
    let class = place::text(spec, "ingressClassName").map(Arc::from);
    let mut backends: Vec<Backend> = Vec::new();
    for backend in default.into_iter().chain(rules.into_iter().flatten()) {
        if !backends.contains(&backend) {
            backends.push(backend);
        }
    }
    let ingress = Ingress { namespace: namespace.into(), name: name.into(), class, backends, span: None };
    walk.found(at, at, cluster::Object::Ingress(ingress));
}

/// The Service that a backend names; `None` for another resource. The form of an API that was removed is told once.
fn backend(walk: &mut Walk, node: &YamlNode, path: Path, old_form: &Cell<bool>) -> Option<Backend> {
    if let Some(now) = MapFields::of(node).and_then(as_now) {
        if !old_form.replace(true) {
            let reason = format!(
                "this is the form of extensions/v1beta1, which was removed in Kubernetes 1.22; write `service: {now}`"
            );
            walk.refuse(node, path, reason);
        }
        return None;
    }
    let backend = walk.object(node, path, &BACKEND)?;
    let service_path = path.field("service");
    let Some(service) = backend.get("service") else {
        if backend.get("resource").is_none() {
            walk.refuse(node, path, "Required value: must specify a service or a resource");
        }
        return None;
    };
    let service_node = service;
    let service = walk.object(service, service_path, &BACKEND_SERVICE)?;
    let Some(name) = service.get("name") else {
        walk.refuse(service_node, service_path.field("name"), "Required value");
        return None;
    };
    let name = walk.checked(name, service_path.field("name"), syntax::dns_label);
    let path = service_path.field("port");
    let port = walk.optional(service.get("port"), path, &BACKEND_PORT)?;
    let named = filled(port, "name").and_then(|node| walk.checked(node, path.field("name"), syntax::port_name));
    let number = port.get("number").filter(|node| node.value != Value::Integer(0));
    let number = number.and_then(|node| port_number(walk, node, path.field("number"), "an integer"));
    let port = named.map(|name| TargetPort::Named(Arc::from(name))).or(number.map(TargetPort::Number));
    Some(Backend { service: name?.into(), port })
}

/// What a backend in the form of an API that was removed is today.
fn as_now(backend: MapFields) -> Option<String> {
    let has = |field: &str| backend.get(field).is_some();
    if has("service") || has("resource") || !(has("serviceName") || has("servicePort")) {
        return None;
    }
    let text = |field: &str| match backend.get(field).map(|node| &node.value) {
        Some(Value::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    let port = match backend.get("servicePort").map(|node| &node.value) {
        Some(Value::Integer(number)) => format!("number: {number}"),
        _ => format!("name: {}", text("servicePort").unwrap_or_else(|| "PORT".to_owned())),
    };
    Some(format!("{{name: {}, port: {{{port}}}}}", text("serviceName").unwrap_or_else(|| "NAME".to_owned())))
}
