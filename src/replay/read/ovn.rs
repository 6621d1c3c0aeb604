//! OVN-Kubernetes: what ACLs of OVN log.
//!
//! Facts: `docs/features/network-security-controls/` and `go-controller/pkg/libovsdb/util/acl.go` of ovn-org/ovn-kubernetes.

use super::{LogReader, address, line_of, protocol, time};
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedPort, LoggedReply, Observation, Observer, PacketWay, ReasonLeftOut, SeenVerdict,
    Unidentified,
};

/// Reads such lines.
#[derive(Debug, Default)]
pub(super) struct OvnReader;

impl LogReader for OvnReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        take(read(line).unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
    }
}

/// Whether a line is one of OVN or Open vSwitch: `TIME|NUMBER|MODULE|LEVEL|...`.
pub(super) fn is_line(line: &str) -> bool {
    let mut parts = line.split('|');
    let is_time = parts.next().is_some_and(|part| time::parse(part).is_some());
    is_time && parts.next().is_some_and(|part| part.parse::<u64>().is_ok()) && parts.next().is_some()
}

fn read(line: &str) -> Option<LogLine<'_>> {
    if !is_line(line) {
        return None;
    }
    let mut parts = line.splitn(5, '|');
    let (when, _, module) = (parts.next()?, parts.next()?, parts.next()?);
    if !module.starts_with("acl_log") {
        return Some(LogLine::LeftOut(ReasonLeftOut::NotAFlow));
    }
    let text = parts.nth(1)?;
    // Behind the last quote of the name nothing is somebody else's choice.
    let said = text.rsplit_once('"').map_or(text, |(_, rest)| rest);
    let (head, packet) = said.split_once(": ")?;
    let of_head = |key: &str| head.split(',').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
    let of_packet = |key: &str| packet.split(',').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('='));
    let verdict = match of_head("verdict")? {
        "allow" | "allow-related" | "allow-stateless" => SeenVerdict::Passed,
        "drop" | "reject" => SeenVerdict::Refused,
        // What comes behind it decides.
        "pass" => return Some(LogLine::LeftOut(ReasonLeftOut::NotAnAttempt)),
        _ => return None,
    };
    let observer = match of_head("direction") {
        Some("to-lport") => Observer::Destination,
        Some("from-lport") => Observer::Source,
        _ => Observer::Unknown,
    };
    let kind = packet.split(',').next()?.trim();
    let is_of_neighbours = || {
        of_packet("icmp_type")
            .and_then(|kind| kind.parse::<u16>().ok())
            .is_some_and(|kind| matches!(kind, 130..=137 | 143))
    };
    if matches!(kind, "arp" | "rarp" | "igmp" | "vrrp") || (kind == "icmp6" && is_of_neighbours()) {
        return Some(LogLine::LeftOut(ReasonLeftOut::Link));
    }
    let either = |old: &str, new: &str| of_packet(old).or_else(|| of_packet(new)).and_then(address);
    let end = |address| LoggedEnd::Unidentified(Some(address), Unidentified::Address);
    let (Some(from), Some(to)) = (either("nw_src", "ipv6_src"), either("nw_dst", "ipv6_dst")) else {
        return Some(LogLine::LeftOut(ReasonLeftOut::Link));
    };
    let time = time::parse(when);
    let port_of = |key: &str| -> Option<LoggedPort<'static>> {
        Some(match protocol(kind.strip_suffix('6').unwrap_or(kind)) {
            Some(Ok(protocol)) => LoggedPort::Number(protocol, of_packet(key)?.parse().ok()?),
            Some(Err(port)) => port,
            None => LoggedPort::Other,
        })
    };
    let flags: Vec<&str> = of_packet("tcp_flags").map(|flags| flags.split('|').collect()).unwrap_or_default();
    let has = |flag: &str| flags.contains(&flag);
    if has("syn") && has("ack") {
        let port = port_of("tp_src")?;
        return Some(LogLine::Reply(LoggedReply { from: end(to), to: end(from), port, resets: false, time }));
    }
    let opens = flags.is_empty() || has("syn");
    let from_port = of_packet("tp_src").and_then(|port| port.parse().ok());
    let way = from_port.map(|from_port| PacketWay { from_port, opens: has("syn") });
    let seen = Observation { time, opens, way, ..Observation::of(observer, 1) };
    Some(line_of(end(from), end(to), port_of("tp_dst")?, verdict, seen))
}
