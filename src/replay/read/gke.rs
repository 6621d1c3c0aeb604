//! GKE's network policy logging, of Dataplane V2.

use super::text::{Text, WireNumber, number, port, text};
use super::{LogReader, address, line_of, protocol, time};
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, Observation, Observer, PacketWay, ReasonLeftOut,
    SeenVerdict, Unidentified,
};
use serde::Deserialize;

/// Reads such lines.
#[derive(Debug, Default)]
pub(super) struct GkeReader;

#[derive(Debug, Deserialize)]
struct GkeEntry<'a> {
    #[serde(borrow)]
    connection: Option<GkeConnection<'a>>,
    #[serde(borrow)]
    disposition: Option<Text<'a>>,
    #[serde(borrow)]
    src: Option<GkePeer<'a>>,
    #[serde(borrow)]
    dest: Option<GkePeer<'a>>,
    count: Option<WireNumber>,
    #[serde(borrow)]
    node_name: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct GkeConnection<'a> {
    #[serde(borrow)]
    src_ip: Option<Text<'a>>,
    #[serde(borrow)]
    dest_ip: Option<Text<'a>>,
    src_port: Option<WireNumber>,
    dest_port: Option<WireNumber>,
    #[serde(borrow)]
    protocol: Option<Text<'a>>,
    #[serde(borrow)]
    direction: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct GkePeer<'a> {
    #[serde(borrow)]
    pod_name: Option<Text<'a>>,
    #[serde(borrow, alias = "pod_namespace")]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    workload_kind: Option<Text<'a>>,
    #[serde(borrow)]
    workload_name: Option<Text<'a>>,
}

/// Whether a line is one of these.
pub(super) fn is_entry(line: &str) -> bool {
    serde_json::from_str::<GkeEntry<'_>>(line)
        .is_ok_and(|entry| entry.connection.is_some() && entry.disposition.is_some())
}

impl LogReader for GkeReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let Ok(entry) = serde_json::from_str::<GkeEntry<'_>>(line) else {
            return take(LogLine::LeftOut(ReasonLeftOut::Unreadable));
        };
        match &entry.connection {
            Some(connection) => take(entry.tell(connection).unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable))),
            None => take(LogLine::LeftOut(ReasonLeftOut::NotAFlow)),
        }
    }
}

impl GkeEntry<'_> {
    fn tell(&self, connection: &GkeConnection<'_>) -> Option<LogLine<'_>> {
        let verdict = match text(&self.disposition) {
            "allow" => SeenVerdict::Passed,
            "deny" => SeenVerdict::Refused,
            _ => return None,
        };
        let observer = match text(&connection.direction) {
            "ingress" => Observer::Destination,
            "egress" => Observer::Source,
            _ => Observer::Unknown,
        };
        let port = match protocol(text(&connection.protocol)) {
            Some(Ok(protocol)) => LoggedPort::Number(protocol, port(connection.dest_port)?),
            Some(Err(port)) => port,
            None => LoggedPort::Other,
        };
        let from = self.end(&self.src, text(&connection.src_ip))?;
        let to = self.end(&self.dest, text(&connection.dest_ip))?;
        let count = self.count.map_or(1, |count| number(Some(count)));
        if count == 0 {
            return Some(LogLine::LeftOut(ReasonLeftOut::NotAnAttempt));
        }
        let way = connection.src_port.and_then(|number| u16::try_from(number.0).ok()).and_then(PacketWay::from);
        let time = time::parse(text(&self.timestamp));
        let seen = Observation { time, way, ..Observation::of(observer, count) };
        Some(line_of(from, to, port, verdict, seen))
    }

    fn end<'e>(&'e self, peer: &'e Option<GkePeer<'_>>, ip: &str) -> Option<LoggedEnd<'e>> {
        let address = address(ip)?;
        let Some(peer) = peer else { return Some(LoggedEnd::Unidentified(Some(address), Unidentified::Address)) };
        let own = text(&self.node_name);
        Some(match (text(&peer.pod_name), text(&peer.namespace), text(&peer.workload_kind)) {
            (_, _, "Node") if !own.is_empty() && text(&peer.workload_name) == own => LoggedEnd::OwnNode(Some(address)),
            (_, _, "Node") => LoggedEnd::Node(Some(address)),
            (_, "", _) => LoggedEnd::Unidentified(Some(address), Unidentified::Address),
            (name, namespace, _) => LoggedEnd::Pod(LoggedPod {
                cluster: "",
                namespace,
                name,
                labels: LoggedLabels::Missing,
                address: Some(address),
            }),
        })
    }
}
