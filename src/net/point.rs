//! Single connections, which show at once that some regions do not cover another.

use super::{Peers, PortSet, Protocol, Region, Selector};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

type Labels = BTreeMap<String, String>;

/// One connection, as regions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    subject: Labels,
    end: End,
    port: PointPort,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Pod { namespace: Labels, pod: Labels },
    Address(IpAddr),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PointPort {
    Number(Protocol, u16),
    Name(Protocol, Arc<str>),
    /// A port of a protocol that has no name here.
    Other,
}

impl Point {
    /// A connection of the region of these parts: between pods with as few labels as possible, which few other regions
    /// have. `None` where there is none, or none that is easily found.
    pub fn of(subject: &Selector, peers: &Peers, ports: &PortSet) -> Option<Point> {
        let end = match peers {
            Peers::Any => End::Pod { namespace: Labels::new(), pod: Labels::new() },
            Peers::Pods { namespaces, pods } => End::Pod { namespace: namespaces.witness()?, pod: pods.witness()? },
            Peers::Addresses(addresses) => End::Address(addresses.first()?),
        };
        let numbers = Protocol::ALL
            .into_iter()
            .flat_map(|protocol| ports.ranges(protocol).iter().map(move |&(low, _)| PointPort::Number(protocol, low)));
        let names = Protocol::ALL
            .into_iter()
            .flat_map(|protocol| ports.names(protocol).map(move |name| PointPort::Name(protocol, name.clone())));
        let port = numbers.chain(names).next().or_else(|| ports.has_others().then_some(PointPort::Other))?;
        Some(Point { subject: subject.witness()?, end, port })
    }

    /// Whether the region of these parts has it.
    pub fn is_in(&self, subject: &Selector, peers: &Peers, ports: &PortSet) -> bool {
        let port = match &self.port {
            PointPort::Number(protocol, number) => ports.has(*protocol, *number),
            PointPort::Name(protocol, name) => ports.has_name(*protocol, name),
            PointPort::Other => ports.has_others(),
        };
        port && subject.matches(&self.subject)
            && match (peers, &self.end) {
                (Peers::Any, _) => true,
                (Peers::Pods { namespaces, pods }, End::Pod { namespace, pod }) => {
                    pods.matches(pod) && namespaces.matches(namespace)
                }
                (Peers::Addresses(addresses), End::Address(address)) => addresses.has(*address),
                (Peers::Pods { .. } | Peers::Addresses(_), _) => false,
            }
    }
}

impl Region {
    /// A connection of it, as [`Point::of`] finds one.
    pub fn point(&self) -> Option<Point> {
        Point::of(&self.subject, &self.peers, &self.ports)
    }

    /// Whether it has the connection.
    pub fn has(&self, point: &Point) -> bool {
        point.is_in(&self.subject, &self.peers, &self.ports)
    }
}
