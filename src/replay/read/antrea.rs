//! Antrea: the log of what policies did on each node (`np.log`), and the records of the flow aggregator.
//!
//! Facts: `docs/antrea-network-policy.md`, `pkg/agent/controller/networkpolicy/audit_logging.go` and
//! `pkg/flowaggregator/flowlogger/logger.go` of antrea-io/antrea.

use super::{LogReader, address, line_of, protocol, time};
use crate::net::Protocol;
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, Observation, Observer, PacketWay, ReasonLeftOut,
    SeenVerdict, Unidentified,
};
use std::net::IpAddr;

/// Reads `np.log`.
#[derive(Debug, Default)]
pub(super) struct AntreaReader;

impl LogReader for AntreaReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        take(of_node(line).unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
    }
}

/// date, time, table, policy, rule, direction, action, priority, appliedTo, source, port, destination, port, protocol,
/// length, label, and perhaps `[N packets in D]`.
fn of_node(line: &str) -> Option<LogLine<'_>> {
    let mut parts = line.split_ascii_whitespace();
    let mut next = || parts.next();
    let (date, clock) = (next()?, next()?);
    let [_, _, _, direction, action, _, applied] = [next()?, next()?, next()?, next()?, next()?, next()?, next()?];
    let [source, from_port, destination, to_port, name, _, _] =
        [next()?, next()?, next()?, next()?, next()?, next()?, next()?];
    let when = line.get(..date.len() + 1 + clock.len())?;
    let time = time::parse(when)?;
    let (source, destination) = (address(source)?, address(destination)?);
    let verdict = match action {
        "Allow" | "Pass" | "Redirect" => SeenVerdict::Passed,
        "Drop" | "Reject" => SeenVerdict::Refused,
        _ => return None,
    };
    let count = match next().and_then(|word| word.strip_prefix('[')) {
        Some(number) => number.parse().ok()?,
        None => 1,
    };
    if count == 0 {
        return Some(LogLine::LeftOut(ReasonLeftOut::NotAnAttempt));
    }
    if name.eq_ignore_ascii_case("igmp") {
        return Some(LogLine::LeftOut(ReasonLeftOut::Link));
    }
    let port = match (protocol(name), to_port) {
        (Some(Ok(Protocol::Sctp)), "<nil>") => LoggedPort::Other,
        (Some(Ok(protocol)), number) => LoggedPort::Number(protocol, number.parse().ok()?),
        (Some(Err(port)), _) => port,
        (None, _) => LoggedPort::Other,
    };
    let own = |address: IpAddr| match applied.split_once('/') {
        Some((namespace, name)) => pod(namespace, name, address),
        None => unknown(address),
    };
    let (from, to, observer) = match direction {
        "Ingress" => (unknown(source), own(destination), Observer::Destination),
        "Egress" => (own(source), unknown(destination), Observer::Source),
        _ => return None,
    };
    let lacks_zone = time::lacks_zone(when);
    let way = from_port.parse().ok().and_then(PacketWay::from);
    let seen = Observation { time: Some(time), lacks_zone, way, ..Observation::of(observer, count) };
    Some(line_of(from, to, port, verdict, seen))
}

/// Whether a line begins as one of `np.log` does.
pub(super) fn is_line(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let is_time =
        line.as_bytes().get(4) == Some(&b'/') && line.get(..19).is_some_and(|text| time::parse(text).is_some());
    is_time && words.nth(2).is_some_and(|table| table.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn pod<'l>(namespace: &'l str, name: &'l str, address: IpAddr) -> LoggedEnd<'l> {
    LoggedEnd::Pod(LoggedPod { cluster: "", namespace, name, labels: LoggedLabels::Missing, address: Some(address) })
}

fn unknown(address: IpAddr) -> LoggedEnd<'static> {
    LoggedEnd::Unidentified(Some(address), Unidentified::Address)
}

/// Reads the records of the flow aggregator.
#[derive(Debug, Default)]
pub(super) struct AggregatorReader;

/// Fewer columns no version of it has.
const LEAST: usize = 29;

impl LogReader for AggregatorReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        take(of_aggregator(line).unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
    }
}

/// Whether a line is such a record.
pub(super) fn is_record(line: &str) -> bool {
    let fields: Vec<&str> = line.split(',').collect();
    let is_number = |place: usize| fields.get(place).is_some_and(|field| field.parse::<u64>().is_ok());
    let is_address = |place: usize| fields.get(place).is_some_and(|field| address(field).is_some());
    fields.len() >= LEAST && is_number(0) && is_number(1) && is_address(2) && is_address(3)
}

/// start, end, source, destination, their ports, protocol, then pod, namespace and node of both, the Service, and name, namespace,
/// rule, action and type of the policy for ingress and of that for egress.
fn of_aggregator(line: &str) -> Option<LogLine<'_>> {
    let fields: Vec<&str> = line.split(',').collect();
    if fields.len() < LEAST {
        return None;
    }
    let field = |place: usize| fields.get(place).copied().unwrap_or_default();
    let (source, destination) = (address(field(2))?, address(field(3))?);
    let end = |name: usize, address: IpAddr| match (field(name), field(name + 1)) {
        ("", _) | (_, "") => unknown(address),
        (name, namespace) => pod(namespace, name, address),
    };
    let port = match protocol(field(6))? {
        Ok(protocol) => LoggedPort::Number(protocol, field(5).parse().ok()?),
        Err(port) => port,
    };
    // Some versions have one column more for the Service.
    let shift = usize::from(fields.len() == LEAST + 1);
    let refuses = |place: usize| matches!(field(place + shift), "Drop" | "Reject" | "2" | "3");
    let (observer, verdict) = match (refuses(19), refuses(24)) {
        (true, _) => (Observer::Destination, SeenVerdict::Refused),
        (false, true) => (Observer::Source, SeenVerdict::Refused),
        (false, false) => (Observer::Unknown, SeenVerdict::Passed),
    };
    let seen = Observation { time: time::parse(field(0)), last: time::parse(field(1)), ..Observation::of(observer, 1) };
    Some(line_of(end(7, source), end(10, destination), port, verdict, seen))
}
