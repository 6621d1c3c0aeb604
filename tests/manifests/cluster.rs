//! What runs as text, a line for each thing.

use polder::cluster::{
    CallTarget, Cluster, ContainerPort, Object, Owner, Pods, Runner, Scaler, ServicePort, TargetPort, Workload,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{{{}}}", pairs.join(","))
}

fn target(target: &TargetPort) -> String {
    match target {
        TargetPort::Number(number) => number.to_string(),
        TargetPort::Named(name) => format!("{name:?}"),
    }
}

fn pods(pods: &Pods) -> String {
    let Pods { labels: own, ports, count, several, host_network, finished, addresses, seen, span: _ } = pods;
    // `1+`: there is one, and may be two.
    let more = if *several && *count == 1 { "+" } else { "" };
    let mut out = format!("{count}{more} x {}", labels(own));
    for ContainerPort { protocol, number, name } in ports {
        write!(out, " {number}/{}", protocol.as_str()).unwrap();
        name.iter().for_each(|name| write!(out, "={name}").unwrap());
    }
    if *host_network {
        out += " host-network";
    }
    if *finished {
        out += " finished";
    }
    for of_one in addresses {
        let texts: Vec<String> = of_one.iter().map(ToString::to_string).collect();
        write!(out, " @{}", texts.join("+")).unwrap();
    }
    for pod in seen.iter().filter(|pod| pod.node.is_some() || !pod.node_addresses.is_empty()) {
        let texts: Vec<String> = pod.node_addresses.iter().map(ToString::to_string).collect();
        write!(out, " ({} on {} {})", pod.name, pod.node.as_deref().unwrap_or("?"), texts.join("+")).unwrap();
    }
    out
}

fn workload(workload: &Workload) -> String {
    let mut out = format!("{workload} {}", labels(&workload.labels));
    if workload.first_number > 0 {
        write!(out, " from {}", workload.first_number).unwrap();
    }
    workload.pods.iter().for_each(|each| write!(out, "\n  {}", pods(each)).unwrap());
    out
}

/// One object by itself.
pub(super) fn object(object: &Object) -> String {
    match object {
        Object::Namespace(namespace) => format!("Namespace {} {}", namespace.name, labels(&namespace.labels)),
        Object::Runner(Runner { workload: one, owner, asleep, template_of, is_live: _, is_generated: _ }) => {
            let owner = owner.as_ref().map(|Owner { kind, name }| {
                format!(" of {} {name}", kind.as_ref().map_or("no kind that makes pods", polder::cluster::Kind::as_str))
            });
            let mut text = workload(one);
            asleep.iter().for_each(|each| write!(text, "\n  none of {}", labels(&each.labels)).unwrap());
            template_of.iter().for_each(|each| write!(text, "\n  the pods of {}", each.name).unwrap());
            let (first, rest) =
                text.split_once('\n').map_or((text.as_str(), None), |(first, rest)| (first, Some(rest)));
            let rest = rest.map(|rest| format!("\n{rest}")).unwrap_or_default();
            format!("{first}{}{rest}", owner.unwrap_or_default())
        }
        Object::Scaler(Scaler { namespace, kind, name }) => format!("scaler of {namespace}/{name}[{}]", kind.as_str()),
        Object::Service(service) => {
            let mut out = format!("Service {}/{} {}", service.namespace, service.name, service.service_type);
            service.selector.iter().for_each(|selector| write!(out, " {}", labels(selector)).unwrap());
            for ServicePort { name, protocol, port, node_port, target: to } in &service.ports {
                write!(out, " {port}/{} -> {}", protocol.as_str(), target(to)).unwrap();
                node_port.iter().for_each(|port| write!(out, " :{port}").unwrap());
                name.iter().for_each(|name| write!(out, " ({name})").unwrap());
            }
            for address in service.cluster_ips.iter().chain(&service.outer_addresses) {
                write!(out, " @{address}").unwrap();
            }
            out += if service.headless { " headless" } else { "" };
            out += if service.keeps_source { " keeps-source" } else { "" };
            out += if service.is_direct { " direct" } else { "" };
            service.external_name.iter().for_each(|name| write!(out, " = {name}").unwrap());
            out
        }
        Object::Node(node) => {
            let texts: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
            let pods: Vec<String> = node.pods.iter().map(ToString::to_string).collect();
            format!("Node {} @{} pods {}", node.name, texts.join("+"), pods.join("+"))
        }
        Object::Endpoints(endpoints) => {
            let texts: Vec<String> = endpoints.addresses.iter().map(ToString::to_string).collect();
            let mut out = format!("endpoints of {}/{} @{}", endpoints.namespace, endpoints.service, texts.join("+"));
            for (name, protocol, number) in &endpoints.ports {
                write!(out, " {}={number}/{}", name.as_deref().unwrap_or_default(), protocol.as_str()).unwrap();
            }
            out
        }
        Object::Ingress(ingress) => {
            let mut out = format!("Ingress {}/{}", ingress.namespace, ingress.name);
            for backend in &ingress.backends {
                write!(out, " {}", backend.service).unwrap();
                backend.port.iter().for_each(|port| write!(out, ":{}", target(port)).unwrap());
            }
            out
        }
        Object::Caller(caller) => {
            let mut out = format!("{} {}/{}: {:?}", caller.kind, caller.namespace, caller.name, caller.who);
            for one in &caller.targets {
                match one {
                    CallTarget::Service { namespace, name, port } => {
                        let port = port.as_ref().map_or("*".to_owned(), target);
                        write!(out, " -> {namespace}/{name}:{port}").unwrap();
                    }
                    CallTarget::Services { namespaces, labels, ports } => {
                        write!(out, " -> Services {namespaces:?} {labels} {ports:?}").unwrap();
                    }
                    CallTarget::Pods { namespaces, labels, ports } => {
                        write!(out, " -> pods {namespaces:?} {labels} {ports:?}").unwrap();
                    }
                }
            }
            out
        }
        Object::Unmodelled(found) => {
            format!("unmodelled {} {} {}/{}", found.api_version, found.kind, found.namespace, found.name)
        }
    }
}

/// A whole cluster.
pub(super) fn whole(cluster: &Cluster) -> String {
    let namespaces = cluster.namespaces.iter().cloned().map(Object::Namespace);
    let services = cluster.services.iter().cloned().map(Object::Service);
    let ingresses = cluster.ingresses.iter().cloned().map(Object::Ingress);
    let nodes = cluster.nodes.iter().cloned().map(Object::Node);
    let endpoints = cluster.endpoints.iter().cloned().map(Object::Endpoints);
    let unmodelled = cluster.unmodelled.iter().cloned().map(Object::Unmodelled);
    let mut lines: Vec<String> = namespaces.map(|one| object(&one)).collect();
    lines.extend(cluster.workloads.iter().map(workload));
    lines.extend(services.chain(ingresses).chain(nodes).chain(endpoints).chain(unmodelled).map(|one| object(&one)));
    lines.join("\n") + "\n"
}
