//! Where things are: the addresses of Services, nodes, and what stands behind Services. They are seen and not written by
//! hand, so what is no address says nothing.

use super::node::{Value, YamlNode};
use super::walk::MapFields;
use crate::cluster::{self, Endpoints};
use crate::net::Protocol;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// The label with the name of the Service that an EndpointSlice is of.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The string of a field, unless it is empty.
pub(super) fn text<'n>(object: MapFields<'n, '_>, field: &str) -> Option<&'n str> {
    match &object.get(field)?.value {
        Value::Text(text) => Some(&**text).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The port number of a field.
pub(super) fn port(object: MapFields, field: &str) -> Option<u16> {
    match &object.get(field)?.value {
        Value::Integer(number) => u16::try_from(*number).ok().filter(|number| *number != 0),
        _ => None,
    }
}

/// The addresses of a field with one and of a field with several, each a string or an object with an `ip`; sorted.
pub(super) fn addresses(object: MapFields, one: &str, several: &str) -> Vec<IpAddr> {
    let single = text(object, one).and_then(|text| text.parse().ok());
    sorted(items(object, several).filter_map(address).chain(single))
}

/// The addresses under which those outside know a Service.
pub(super) fn outer_addresses(spec: MapFields, status: Option<MapFields>) -> Vec<IpAddr> {
    let balancer = status.and_then(|status| MapFields::of(status.get("loadBalancer")?));
    let given = balancer.into_iter().flat_map(|balancer| items(balancer, "ingress"));
    sorted(items(spec, "externalIPs").chain(given).filter_map(address))
}

/// What an object says about where something is: a Node, Endpoints, or an EndpointSlice.
pub(super) fn read(version: &str, kind: &str, node: &YamlNode, default_namespace: &str) -> Vec<cluster::Object> {
    let Some(object) = MapFields::of(node) else { return Vec::new() };
    let Some(metadata) = object.get("metadata").and_then(MapFields::of) else { return Vec::new() };
    let namespace = text(metadata, "namespace").unwrap_or(default_namespace);
    let name = text(metadata, "name");
    let endpoints: Vec<Endpoints> = match (version, kind) {
        ("v1", "Node") => return name.map(|name| read_node(object, name)).into_iter().collect(),
        ("v1", "Endpoints") => {
            let subsets = items(object, "subsets").filter_map(MapFields::of);
            let of = |subset| {
                let all = ["addresses", "notReadyAddresses"].into_iter().flat_map(|field| items(subset, field));
                endpoints(namespace, name?, sorted(all.filter_map(address)), subset)
            };
            subsets.filter_map(of).collect()
        }
        ("discovery.k8s.io/v1", "EndpointSlice") => {
            let labels = metadata.get("labels").and_then(MapFields::of);
            let service = labels.and_then(|labels| text(labels, SERVICE_NAME));
            let all = items(object, "endpoints").filter_map(MapFields::of).flat_map(|one| items(one, "addresses"));
            service
                .and_then(|name| endpoints(namespace, name, sorted(all.filter_map(address)), object))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    };
    endpoints.into_iter().map(cluster::Object::Endpoints).collect()
}

fn read_node(object: MapFields, name: &str) -> cluster::Object {
    let status = object.get("status").and_then(MapFields::of);
    let listed = status.into_iter().flat_map(|status| items(status, "addresses")).filter_map(MapFields::of);
    let all = listed.filter_map(|one| text(one, "address")?.parse().ok());
    let spec = object.get("spec").and_then(MapFields::of);
    let several = spec.into_iter().flat_map(|spec| items(spec, "podCIDRs")).filter_map(|item| match &item.value {
        Value::Text(text) => text.parse().ok(),
        _ => None,
    });
    let one = spec.and_then(|spec| text(spec, "podCIDR")?.parse().ok());
    let mut pods: Vec<IpNet> = several.chain(one).map(|net: IpNet| net.trunc()).collect();
    pods.sort_unstable();
    pods.dedup();
    cluster::Object::Node(cluster::Node { name: name.into(), addresses: sorted(all), pods })
}

fn endpoints(namespace: &str, service: &str, addresses: Vec<IpAddr>, object: MapFields) -> Option<Endpoints> {
    let port = |item: &YamlNode| {
        let item = MapFields::of(item)?;
        let protocol = match text(item, "protocol").unwrap_or("TCP") {
            "TCP" => Protocol::Tcp,
            "UDP" => Protocol::Udp,
            "SCTP" => Protocol::Sctp,
            _ => return None,
        };
        Some((text(item, "name").map(Arc::from), protocol, port(item, "port")?))
    };
    let ports = items(object, "ports").filter_map(port).collect();
    (!addresses.is_empty()).then(|| Endpoints {
        namespace: namespace.into(),
        service: service.into(),
        addresses,
        ports,
    })
}

/// The items of a list.
pub(super) fn items<'n, 'a>(
    object: MapFields<'n, 'a>,
    field: &str,
) -> impl Iterator<Item = &'n YamlNode<'a>> + use<'n, 'a> {
    let list = object.get(field).and_then(|node| match &node.value {
        Value::List(items) => Some(items),
        _ => None,
    });
    list.into_iter().flatten()
}

/// An address, as a string or as the `ip` of an object.
fn address(item: &YamlNode) -> Option<IpAddr> {
    match &item.value {
        Value::Text(text) => text.parse().ok(),
        _ => text(MapFields::of(item)?, "ip")?.parse().ok(),
    }
}

fn sorted(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = addresses.collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
