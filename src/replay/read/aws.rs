//! The network policy agent of AWS: its own log, and what it sends to CloudWatch.
//!
//! Facts: `pkg/ebpf/events/events.go` of aws/aws-network-policy-agent.

use super::text::{Text, WireNumber, port, text};
use super::{LogReader, address, line_of, protocol, time};
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedPort, Observation, Observer, PacketWay, ReasonLeftOut, SeenVerdict, Unidentified,
};
use serde::Deserialize;

/// Reads such lines.
#[derive(Debug, Default)]
pub(super) struct AwsReader;

impl LogReader for AwsReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        if !line.starts_with('{') {
            let told = of_cloud_watch(line).or_else(|| of_text(line, None));
            return take(told.unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
        }
        let Ok(entry) = serde_json::from_str::<AgentEntry<'_>>(line) else {
            return take(LogLine::LeftOut(ReasonLeftOut::Unreadable));
        };
        let said = text(&entry.msg);
        let told = match (said.starts_with(FLOW), &entry.verdict) {
            (true, Some(_)) => entry.with_keys(),
            (true, None) => of_text(said, time::parse(text(&entry.ts))),
            (false, _) => Some(LogLine::LeftOut(ReasonLeftOut::NotAFlow)),
        };
        take(told.unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
    }
}

/// What the agent says of a flow begins so.
const FLOW: &str = "Flow Info";

/// Whether a line of JSON is one of the agent.
pub(super) fn is_entry(line: &str) -> bool {
    serde_json::from_str::<AgentEntry<'_>>(line).is_ok_and(|entry| entry.msg.is_some() && entry.level.is_some())
}

/// Whether a line is one of CloudWatch.
pub(super) fn is_of_cloud_watch(line: &str) -> bool {
    line.starts_with("Node: ") && line.contains(";SIP: ")
}

/// A line of the agent; older versions have the flow in members of its own.
#[derive(Debug, Deserialize)]
struct AgentEntry<'a> {
    #[serde(borrow)]
    level: Option<Text<'a>>,
    #[serde(borrow)]
    msg: Option<Text<'a>>,
    #[serde(borrow)]
    ts: Option<Text<'a>>,
    #[serde(borrow, rename = "Src IP")]
    source: Option<Text<'a>>,
    #[serde(borrow, rename = "Dest IP")]
    destination: Option<Text<'a>>,
    #[serde(rename = "Src Port")]
    from_port: Option<WireNumber>,
    #[serde(rename = "Dest Port")]
    port: Option<WireNumber>,
    #[serde(borrow, rename = "Proto")]
    protocol: Option<Text<'a>>,
    #[serde(borrow, rename = "Verdict")]
    verdict: Option<Text<'a>>,
    #[serde(borrow, rename = "Direction")]
    direction: Option<Text<'a>>,
}

impl AgentEntry<'_> {
    fn with_keys(&self) -> Option<LogLine<'static>> {
        let number = port(self.port)?;
        let flow = AgentFlow {
            source: text(&self.source),
            destination: text(&self.destination),
            from_port: port(self.from_port),
            port: Some(number),
            protocol: text(&self.protocol),
            verdict: text(&self.verdict),
            direction: text(&self.direction),
        };
        flow.tell(time::parse(text(&self.ts)))
    }
}

/// A flow, as it is written.
struct AgentFlow<'l> {
    source: &'l str,
    destination: &'l str,
    from_port: Option<u16>,
    port: Option<u16>,
    protocol: &'l str,
    verdict: &'l str,
    direction: &'l str,
}

impl AgentFlow<'_> {
    fn tell(&self, time: Option<i64>) -> Option<LogLine<'static>> {
        let verdict = match self.verdict {
            "ACCEPT" => SeenVerdict::Passed,
            "DENY" => SeenVerdict::Refused,
            "EXPIRED/DELETED" => return Some(LogLine::LeftOut(ReasonLeftOut::NotAnAttempt)),
            _ => return None,
        };
        let observer = match self.direction {
            "ingress" => Observer::Destination,
            "egress" => Observer::Source,
            _ => Observer::Unknown,
        };
        let port = match protocol(self.protocol) {
            Some(Ok(protocol)) => LoggedPort::Number(protocol, self.port?),
            Some(Err(port)) => port,
            None => LoggedPort::Other,
        };
        let end = |text: &str| Some(LoggedEnd::Unidentified(Some(address(text)?), Unidentified::Address));
        let way = self.from_port.and_then(PacketWay::from);
        let seen = Observation { time, way, ..Observation::of(observer, 1) };
        Some(line_of(end(self.source)?, end(self.destination)?, port, verdict, seen))
    }
}

/// `AgentFlow Info: Src IP: A Src Port: P Dest IP: A Dest Port: P Proto TCP Verdict ACCEPT Direction egress, Tier T`, over IPv6 with
/// colons behind the last words, too.
fn of_text(said: &str, time: Option<i64>) -> Option<LogLine<'static>> {
    let words: Vec<&str> = said.get(said.find(FLOW)?..)?.split_ascii_whitespace().collect();
    let behind = |names: &[&str]| {
        let at = words
            .windows(names.len())
            .position(|found| found.iter().zip(names).all(|(word, name)| word.trim_end_matches(':') == *name))?;
        words.get(at + names.len()).map(|word| word.trim_end_matches([',', ';']))
    };
    let flow = AgentFlow {
        source: behind(&["Src", "IP"])?,
        destination: behind(&["Dest", "IP"])?,
        from_port: behind(&["Src", "Port"]).and_then(|port| port.parse().ok()),
        port: behind(&["Dest", "Port"])?.parse().ok(),
        protocol: behind(&["Proto"])?,
        verdict: behind(&["Verdict"])?,
        direction: behind(&["Direction"]).unwrap_or_default(),
    };
    flow.tell(time)
}

/// `Node: N;SIP: A;SPORT: P;DIP: A;DPORT: P;PROTOCOL: TCP;PolicyVerdict: DENY;Tier: T`.
fn of_cloud_watch(line: &str) -> Option<LogLine<'static>> {
    let field =
        |key: &str| line.split(';').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix(':')).map(str::trim);
    let flow = AgentFlow {
        source: field("SIP")?,
        destination: field("DIP")?,
        from_port: field("SPORT").and_then(|port| port.parse().ok()),
        port: field("DPORT")?.parse().ok(),
        protocol: field("PROTOCOL")?,
        verdict: field("PolicyVerdict")?,
        direction: field("Direction").unwrap_or_default(),
    };
    flow.tell(None)
}
