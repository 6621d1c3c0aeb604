//! Objects that have somebody connect to pods. Their kinds are mostly those of others, so what is not as expected says
//! nothing.

use super::node::{Value, YamlNode};
use super::place::{items, port, text};
use super::walk::MapFields;
use crate::cluster::{CallTarget, Caller, ScrapedPort, TargetPort, WatchedNamespaces, Who};
use crate::net::{Selector, Values};
use std::sync::Arc;

/// The routes of the Gateway API (`gateway.networking.k8s.io`), in whatever version.
const ROUTES: [&str; 5] = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"];

/// Who connects to pods because of an object.
pub(super) fn read(version: &str, kind: &str, node: &YamlNode, default_namespace: &str) -> Vec<Caller> {
    let Some(object) = MapFields::of(node) else { return Vec::new() };
    let Some(metadata) = object.get("metadata").and_then(MapFields::of) else { return Vec::new() };
    let Some(spec_or_self) = object.get("spec").and_then(MapFields::of).or(Some(object)) else { return Vec::new() };
    let group = version.split('/').next().unwrap_or(version);
    let namespace = text(metadata, "namespace").unwrap_or(default_namespace);
    let name = text(metadata, "name").unwrap_or_default();
    let caller = |who, namespace: &str, name: &str, targets: Vec<CallTarget>| Caller {
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
        who,
        targets,
        gateways: Vec::new(),
        span: None,
    };
    let one = |who, namespace: &str, targets: Vec<CallTarget>| {
        (!targets.is_empty()).then(|| caller(who, namespace, name, targets)).into_iter().collect()
    };
    match (group, kind) {
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            let webhook = |item| {
                let webhook = MapFields::of(item)?;
                let target = webhook_service(webhook.get("clientConfig").and_then(MapFields::of)?)?;
                Some(caller(Who::ApiServer, "", text(webhook, "name").unwrap_or(name), vec![target]))
            };
            items(object, "webhooks").filter_map(webhook).collect()
        }
        ("apiregistration.k8s.io", "APIService") => {
            one(Who::ApiServer, "", webhook_service(spec_or_self).into_iter().collect())
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let inner = |object: MapFields<'_, '_>, field: &str| object.get(field).is_some();
            let conversion =
                spec_or_self.get("conversion").and_then(MapFields::of).filter(|found| inner(*found, "webhook"));
            let webhook = conversion.and_then(|found| found.get("webhook")).and_then(MapFields::of);
            let config = webhook.and_then(|found| found.get("clientConfig")).and_then(MapFields::of);
            one(Who::ApiServer, "", config.and_then(webhook_service).into_iter().collect())
        }
        ("gateway.networking.k8s.io", kind) if ROUTES.contains(&kind) => {
            let rules = items(spec_or_self, "rules").filter_map(MapFields::of);
            let backends = rules.flat_map(|rule| items(rule, "backendRefs")).filter_map(MapFields::of);
            let targets = distinct(backends.filter_map(|backend| backend_service(backend, namespace)));
            let parents: Vec<MapFields> = items(spec_or_self, "parentRefs").filter_map(MapFields::of).collect();
            let is_gateway = |parent: &&MapFields| text(**parent, "kind").is_none_or(|kind| kind == "Gateway");
            let gateways: Vec<_> =
                parents.iter().filter(is_gateway).filter_map(|one| gateway(*one, namespace)).collect();
            // One that is only for Services says how the pods of a mesh connect to each other.
            let is_of_mesh = !parents.is_empty() && gateways.is_empty();
            let found = one(Who::Gateway, namespace, if is_of_mesh { Vec::new() } else { targets });
            found.into_iter().map(|caller| Caller { gateways: gateways.clone(), ..caller }).collect()
        }
        ("route.openshift.io", "Route") => {
            let to = spec_or_self.get("to").and_then(MapFields::of);
            let more = items(spec_or_self, "alternateBackends").filter_map(MapFields::of);
            let port = spec_or_self.get("port").and_then(MapFields::of).and_then(|port| port.get("targetPort"));
            let service = |to: MapFields<'_, '_>| {
                let is_service = text(to, "kind").is_none_or(|kind| kind == "Service");
                let name = text(to, "name").filter(|_| is_service)?;
                // By name it is a port of the Service, by number one of the pods, which the Service may call otherwise.
                let port = port.and_then(target_port).filter(|port| matches!(port, TargetPort::Named(_)));
                Some(CallTarget::Service { namespace: namespace.into(), name: name.into(), port })
            };
            one(Who::Gateway, namespace, distinct(to.into_iter().chain(more).filter_map(service)))
        }
        ("traefik.io" | "traefik.containo.us", "IngressRoute" | "IngressRouteTCP" | "IngressRouteUDP") => {
            one(Who::Gateway, namespace, distinct(behind_routes(spec_or_self, namespace).into_iter()))
        }
        ("projectcontour.io", "HTTPProxy") => {
            let mut targets = behind_routes(spec_or_self, namespace);
            let of_tcp = spec_or_self.get("tcpproxy").and_then(MapFields::of);
            targets.extend(of_tcp.into_iter().flat_map(|proxy| services(proxy, namespace)));
            one(Who::Gateway, namespace, distinct(targets.into_iter()))
        }
        ("monitoring.coreos.com", "ServiceMonitor") | ("operator.victoriametrics.com", "VMServiceScrape") => {
            let ports = items(spec_or_self, "endpoints").filter_map(MapFields::of).filter_map(|endpoint| {
                let of_service = text(endpoint, "port").map(|name| ScrapedPort::OfService(name.into()));
                of_service.or_else(|| endpoint.get("targetPort").and_then(target_port).map(ScrapedPort::OfPods))
            });
            let (namespaces, labels) = (monitored(spec_or_self, namespace), selector(spec_or_self));
            let targets = labels.map(|labels| CallTarget::Services { namespaces, labels, ports: ports.collect() });
            one(Who::Scraper, namespace, targets.into_iter().collect())
        }
        ("monitoring.coreos.com", "PodMonitor") | ("operator.victoriametrics.com", "VMPodScrape") => {
            let ports = items(spec_or_self, "podMetricsEndpoints").filter_map(MapFields::of).filter_map(|endpoint| {
                let named = text(endpoint, "port").map(|name| TargetPort::Named(name.into()));
                let number = || endpoint.get("portNumber").or(endpoint.get("targetPort")).and_then(target_port);
                named.or_else(number)
            });
            let (namespaces, labels) = (monitored(spec_or_self, namespace), selector(spec_or_self));
            let targets = labels.map(|labels| CallTarget::Pods { namespaces, labels, ports: ports.collect() });
            one(Who::Scraper, namespace, targets.into_iter().collect())
        }
        _ => Vec::new(),
    }
}

/// What scrapes pods with these labels because of annotations of an object, its kind, namespace and name.
pub(super) fn annotated<'l>(
    (kind, namespace, name): (&str, &str, &str),
    labels: impl Iterator<Item = (&'l str, &'l str)>,
    port: u16,
) -> Caller {
    let mut selector = Selector::everything();
    labels.for_each(|(key, value)| selector.require(key, Values::one_of([value])));
    let namespaces = WatchedNamespaces::Named(vec![namespace.into()]);
    let target = CallTarget::Pods { namespaces, labels: selector, ports: vec![TargetPort::Number(port)] };
    Caller {
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
        who: Who::AnnotatedScraper,
        targets: vec![target],
        gateways: Vec::new(),
        span: None,
    }
}

/// The Service of a `clientConfig`, or of the specification of an APIService. Without a port it is 443.
fn webhook_service(config: MapFields) -> Option<CallTarget> {
    let service = MapFields::of(config.get("service")?)?;
    Some(CallTarget::Service {
        namespace: text(service, "namespace")?.into(),
        name: text(service, "name")?.into(),
        port: Some(TargetPort::Number(port(service, "port").unwrap_or(443))),
    })
}

fn backend_service(backend: MapFields, namespace: &str) -> Option<CallTarget> {
    let is_service = text(backend, "kind").is_none_or(|kind| kind == "Service") && text(backend, "group").is_none();
    Some(CallTarget::Service {
        namespace: text(backend, "namespace").unwrap_or(namespace).into(),
        name: text(backend, "name").filter(|_| is_service)?.into(),
        port: port(backend, "port").map(TargetPort::Number),
    })
}

/// The Services of `routes`, as Traefik and Contour list them.
fn behind_routes(spec: MapFields, namespace: &str) -> Vec<CallTarget> {
    items(spec, "routes").filter_map(MapFields::of).flat_map(|route| services(route, namespace)).collect()
}

/// The Services of `services`, with their ports by number or by name.
fn services(object: MapFields, namespace: &str) -> Vec<CallTarget> {
    let service = |item| {
        let service = MapFields::of(item)?;
        let is_service = text(service, "kind").is_none_or(|kind| kind == "Service");
        Some(CallTarget::Service {
            namespace: text(service, "namespace").unwrap_or(namespace).into(),
            name: text(service, "name").filter(|_| is_service)?.into(),
            port: service.get("port").and_then(target_port),
        })
    };
    items(object, "services").filter_map(service).collect()
}

/// The namespace and the name of a Gateway that a route is for.
fn gateway(parent: MapFields, namespace: &str) -> Option<(Arc<str>, Arc<str>)> {
    Some((text(parent, "namespace").unwrap_or(namespace).into(), text(parent, "name")?.into()))
}

fn distinct(targets: impl Iterator<Item = CallTarget>) -> Vec<CallTarget> {
    let mut all: Vec<CallTarget> = Vec::new();
    for target in targets {
        if !all.contains(&target) {
            all.push(target);
        }
    }
    all
}

fn target_port(node: &YamlNode) -> Option<TargetPort> {
    match &node.value {
        Value::Text(name) => Some(TargetPort::Named(Arc::from(&**name))),
        Value::Integer(number) => u16::try_from(*number).ok().filter(|number| *number > 0).map(TargetPort::Number),
        _ => None,
    }
}

/// `namespaceSelector` of a monitor: by default its own namespace.
fn monitored(spec: MapFields, namespace: &str) -> WatchedNamespaces {
    let Some(selector) = spec.get("namespaceSelector").and_then(MapFields::of) else {
        return WatchedNamespaces::Named(vec![namespace.into()]);
    };
    if matches!(selector.get("any").map(|node| &node.value), Some(Value::Bool(true))) {
        return WatchedNamespaces::Any;
    }
    let names: Vec<Arc<str>> = items(selector, "matchNames").filter_map(string).map(Arc::from).collect();
    WatchedNamespaces::Named(if names.is_empty() { vec![namespace.into()] } else { names })
}

fn string<'n>(node: &'n YamlNode) -> Option<&'n str> {
    match &node.value {
        Value::Text(text) => Some(&**text),
        _ => None,
    }
}

/// `selector`, where `{}` is everything; `None` where it is not there or is not understood.
fn selector(spec: MapFields) -> Option<Selector> {
    let written = spec.get("selector").and_then(MapFields::of)?;
    let mut selector = Selector::everything();
    if let Some(labels) = written.get("matchLabels") {
        // What a template was to fill is there, and is nothing.
        MapFields::of(labels)?.texts().for_each(|(key, value)| selector.require(key, Values::one_of([value])));
    }
    for expression in items(written, "matchExpressions") {
        let expression = MapFields::of(expression)?;
        let values = || items(expression, "values").filter_map(string);
        let values = match text(expression, "operator")? {
            "In" => Values::one_of(values()),
            "NotIn" => Values::none_of(values()),
            "Exists" => Values::exists(),
            "DoesNotExist" => Values::does_not_exist(),
            _ => return None,
        };
        selector.require(text(expression, "key")?, values);
    }
    Some(selector)
}
