//! What objects say of whom pods may talk to. What is not as expected says nothing.

use super::Reading;
use super::custom;
use super::kinds::{self, KnownKind};
use super::node::{Value, YamlNode};
use super::place::{items, port, text};
use super::pod::pod_spec;
use super::walk::{MapFields, Path, Walk};
use crate::cluster::{
    ClassHint, ConfigText, ContainerHints, DeployHint, EnvValue, Kind, PodHints, RoleBinding, TargetPort,
};
use std::sync::Arc;

/// More bytes of the texts of one object are not kept; Kubernetes takes no larger ConfigMap.
const MOST_TEXT: usize = 1024 * 1024;

/// The annotation that was there before `ingressClassName`.
const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";

/// The annotation of the class of those that name none.
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";

/// The ServiceAccount of pods that name none.
const USUAL_ACCOUNT: &str = "default";

/// Notes what an object says, where that is wanted.
pub(super) fn note(reading: &mut Reading, (version, kind): (&str, &str), node: &YamlNode, default_namespace: &str) {
    if let Some(hints) = &mut reading.hints {
        hints.extend(hint((version, kind), node, default_namespace));
    }
}

fn hint((version, kind): (&str, &str), node: &YamlNode, default_namespace: &str) -> Vec<DeployHint> {
    let Some(object) = MapFields::of(node) else { return Vec::new() };
    let Some(metadata) = object.get("metadata").and_then(MapFields::of) else { return Vec::new() };
    let spec = object.get("spec").and_then(MapFields::of);
    let own = text(metadata, "namespace");
    let namespace: Arc<str> = own.unwrap_or(default_namespace).into();
    let Some(name) = text(metadata, "name").or_else(|| text(metadata, "generateName")) else { return Vec::new() };
    let class = |namespace: &str, of: Option<&str>, is_default| {
        let hint = |of: &str| {
            let (kind, namespace) = (kind.into(), namespace.into());
            DeployHint::Class(ClassHint { kind, namespace, name: name.into(), of: of.into(), is_default })
        };
        of.map(hint).into_iter().collect()
    };
    let annotation = |key| text(metadata.get("annotations").and_then(MapFields::of)?, key);
    match (kinds::group(version), kind) {
        ("", "ConfigMap") => {
            let data = object.get("data").and_then(MapFields::of).map(texts).unwrap_or_default();
            vec![DeployHint::Config(ConfigText { namespace, name: name.into(), data })]
        }
        ("", "Secret") => {
            let secret_type = text(object, "type").unwrap_or_default().into();
            vec![DeployHint::Secret { namespace, name: name.into(), secret_type }]
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            let account = |subject: MapFields<'_, '_>| {
                let name = text(subject, "name").filter(|_| text(subject, "kind") == Some("ServiceAccount"))?;
                Some((text(subject, "namespace").unwrap_or(&namespace).into(), name.into()))
            };
            let accounts = items(object, "subjects").filter_map(MapFields::of).filter_map(account).collect();
            vec![DeployHint::Binding(RoleBinding { kind: kind.into(), name: name.into(), accounts })]
        }
        ("networking.k8s.io", "Ingress") => {
            let named = spec.and_then(|spec| text(spec, "ingressClassName"));
            class(&namespace, named.or_else(|| annotation(INGRESS_CLASS)), false)
        }
        ("networking.k8s.io", "IngressClass") => {
            let controller = spec.and_then(|spec| text(spec, "controller"));
            class("", controller, annotation(DEFAULT_CLASS) == Some("true"))
        }
        ("gateway.networking.k8s.io", "Gateway") => {
            class(&namespace, spec.and_then(|spec| text(spec, "gatewayClassName")), false)
        }
        ("gateway.networking.k8s.io", "GatewayClass") => {
            class("", spec.and_then(|spec| text(spec, "controllerName")), false)
        }
        _ => {
            let of_template = |template| {
                let pods = pods(template)?;
                let governing_service = spec.and_then(|spec| text(spec, "serviceName")).map(Arc::from);
                let (namespace, kind, name) = (namespace.clone(), kind.into(), name.into());
                Some(DeployHint::Pods(PodHints {
                    namespace,
                    names_namespace: own.is_some(),
                    kind,
                    name,
                    governing_service,
                    ..pods
                }))
            };
            templates((version, kind), node).into_iter().filter_map(of_template).collect()
        }
    }
}

/// The templates of an object, or the pod itself.
fn templates<'n, 'a>((version, kind): (&str, &str), node: &'n YamlNode<'a>) -> Vec<&'n YamlNode<'a>> {
    let field = |node: &'n YamlNode<'a>, name: &str| MapFields::of(node)?.get(name);
    let template = match kinds::known(version, kind) {
        Some(KnownKind::Workload(Kind::Pod)) => Some(node),
        Some(KnownKind::Workload(Kind::CronJob)) => {
            let job = field(node, "spec").and_then(|spec| field(spec, "jobTemplate"));
            job.and_then(|job| field(job, "spec")).and_then(|spec| field(spec, "template"))
        }
        Some(KnownKind::Workload(_)) => field(node, "spec").and_then(|spec| field(spec, "template")),
        Some(_) => None,
        None => return custom::templates(node, version),
    };
    template.into_iter().collect()
}

fn pods(template: &YamlNode) -> Option<PodHints> {
    let template = MapFields::of(template)?;
    let spec = template.get("spec").and_then(MapFields::of)?;
    let metadata = template.get("metadata").and_then(MapFields::of);
    let labels = metadata.and_then(|metadata| MapFields::of(metadata.get("labels")?));
    let is = |field: &str, value: bool| spec.get(field).map(|node| &node.value) == Some(&Value::Bool(value));
    let account = text(spec, "serviceAccountName").or_else(|| text(spec, "serviceAccount")).unwrap_or(USUAL_ACCOUNT);
    let lists = ["initContainers", "containers"].into_iter().flat_map(|field| items(spec, field));
    let volumes: Vec<MapFields> = items(spec, "volumes").filter_map(MapFields::of).collect();
    // A projected volume puts several sources together.
    let projected = volumes.iter().filter_map(|volume| MapFields::of(volume.get("projected")?));
    let sources = projected.flat_map(|volume| items(volume, "sources")).filter_map(MapFields::of);
    let sources: Vec<MapFields> = volumes.iter().copied().chain(sources).collect();
    let named = |field: &str, names: [&str; 2]| {
        let of = |source: &MapFields<'_, '_>| {
            let source = MapFields::of(source.get(field)?)?;
            names.into_iter().find_map(|name| text(source, name)).map(Arc::from)
        };
        sources.iter().filter_map(of).collect::<Vec<Arc<str>>>()
    };
    // What is wrong with them is told where the object is read.
    let mut scratch = Reading::default();
    let ports = pod_spec(&mut Walk::new(&mut scratch, ""), template.get("spec"), Path::ROOT).ports;
    Some(PodHints {
        labels: labels.into_iter().flat_map(|labels| labels.texts()).map(|(k, v)| (k.into(), v.into())).collect(),
        ports,
        host_network: is("hostNetwork", true),
        service_account: (!is("automountServiceAccountToken", false)).then(|| account.into()),
        containers: lists.filter_map(MapFields::of).map(container).collect(),
        config_maps: named("configMap", ["name", "name"]),
        secrets: named("secret", ["secretName", "name"]),
        ..PodHints::default()
    })
}

fn container(container: MapFields) -> ContainerHints {
    let args = ["command", "args"].into_iter().flat_map(|field| items(container, field));
    let from = |field: &str| {
        let of = |source: &YamlNode| text(MapFields::of(MapFields::of(source)?.get(field)?)?, "name").map(Arc::from);
        items(container, "envFrom").filter_map(of).collect()
    };
    let probes = ["livenessProbe", "readinessProbe", "startupProbe"].into_iter();
    ContainerHints {
        args: args.filter_map(scalar).collect(),
        env: items(container, "env").filter_map(MapFields::of).filter_map(env).collect(),
        config_maps: from("configMapRef"),
        secrets: from("secretRef"),
        probed: probes.filter_map(|probe| probed(MapFields::of(container.get(probe)?)?)).collect(),
    }
}

fn env(one: MapFields) -> Option<(Arc<str>, EnvValue)> {
    let name = text(one, "name")?.into();
    if let Some(value) = one.get("value").and_then(scalar) {
        return Some((name, EnvValue::Text(value)));
    }
    let from = one.get("valueFrom").and_then(MapFields::of)?;
    let key = |field: &str| from.get(field).and_then(MapFields::of);
    let value = if let Some(of) = key("configMapKeyRef") {
        EnvValue::ConfigKey(text(of, "name")?.into(), text(of, "key")?.into())
    } else if let Some(of) = key("secretKeyRef") {
        EnvValue::Secret(text(of, "name")?.into())
    } else {
        let field = text(key("fieldRef")?, "fieldPath")?;
        (field == "metadata.namespace").then_some(EnvValue::Namespace)?
    };
    Some((name, value))
}

/// The port that a probe asks.
fn probed(probe: MapFields) -> Option<TargetPort> {
    let handlers = ["httpGet", "tcpSocket", "grpc"].into_iter();
    let handler = handlers.filter_map(|field| probe.get(field).and_then(MapFields::of)).next()?;
    let named = || text(handler, "port").map(|name| TargetPort::Named(name.into()));
    port(handler, "port").map(TargetPort::Number).or_else(named)
}

/// A scalar as a text; what is no string is of use where somebody forgot the quotes.
fn scalar(node: &YamlNode) -> Option<Arc<str>> {
    match &node.value {
        Value::Text(text) | Value::Misread(text, _) => Some(Arc::from(&**text)),
        Value::Integer(number) => Some(number.to_string().into()),
        Value::Null | Value::Bool(_) | Value::Number | Value::List(_) | Value::Map(_) => None,
    }
}

/// Keys and texts, as far as they are not too long.
fn texts(map: MapFields) -> Vec<(Arc<str>, Arc<str>)> {
    let mut left = MOST_TEXT;
    let fits = |(_, value): &(&str, &str)| {
        let rest = left.checked_sub(value.len());
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    map.texts().filter(fits).map(|(key, value)| (key.into(), value.into())).collect()
}
