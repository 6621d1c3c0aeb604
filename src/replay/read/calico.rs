//! Calico 3.30 and newer: the flows of Whisker and Goldmane, and what rules with the action `Log` write.
//!
//! Facts: `whisker-backend/pkg/apis/v1/flows.go` and `goldmane/proto/api.proto` of projectcalico/calico; `policy-rules/log-rules.mdx` of
//! tigera/docs.

use super::text::{Text, WireNumber, port, text};
use super::{LogReader, address, line_of, protocol, time};
use crate::net::Protocol;
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, LoggedReply, Observation, Observer, PacketWay,
    ReasonLeftOut, SeenVerdict, Unidentified, Unnamed,
};
use serde::Deserialize;

/// Reads the items of Whisker's list.
#[derive(Debug, Default)]
pub(super) struct WhiskerReader;

#[derive(Debug, Deserialize)]
struct WhiskerItem<'a> {
    #[serde(borrow)]
    start_time: Option<Text<'a>>,
    #[serde(borrow)]
    end_time: Option<Text<'a>>,
    #[serde(borrow)]
    action: Option<Text<'a>>,
    #[serde(borrow)]
    source_name: Option<Text<'a>>,
    #[serde(borrow)]
    source_namespace: Option<Text<'a>>,
    #[serde(borrow)]
    source_labels: Option<Text<'a>>,
    #[serde(borrow)]
    dest_name: Option<Text<'a>>,
    #[serde(borrow)]
    dest_namespace: Option<Text<'a>>,
    #[serde(borrow)]
    dest_labels: Option<Text<'a>>,
    #[serde(borrow)]
    protocol: Option<Text<'a>>,
    dest_port: Option<WireNumber>,
    #[serde(borrow)]
    reporter: Option<Text<'a>>,
    #[serde(borrow)]
    policies: Option<WhiskerPolicies<'a>>,
}

/// What policies did with a flow, and what they would with those that are staged.
#[derive(Debug, Deserialize)]
struct WhiskerPolicies<'a> {
    #[serde(borrow)]
    pending: Option<Vec<WhiskerHit<'a>>>,
}

#[derive(Debug, Deserialize)]
struct WhiskerHit<'a> {
    #[serde(borrow)]
    action: Option<Text<'a>>,
}

/// Whether a text is such an item, or a line of those that `watch=true` answers.
pub(super) fn is_item(line: &str) -> bool {
    let line = line.strip_prefix("data:").map_or(line, str::trim);
    serde_json::from_str::<WhiskerItem<'_>>(line).is_ok_and(|item| item.action.is_some() && item.reporter.is_some())
}

impl LogReader for WhiskerReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let line = line.strip_prefix("data:").map_or(line, str::trim);
        if !line.starts_with('{') {
            // What else a stream of events has.
            let is_event = [":", "event:", "id:", "retry:"].iter().any(|start| line.starts_with(start));
            return take(LogLine::LeftOut(if is_event { ReasonLeftOut::NotAFlow } else { ReasonLeftOut::Unreadable }));
        }
        let Ok(item) = serde_json::from_str::<WhiskerItem<'_>>(line) else {
            return take(LogLine::LeftOut(ReasonLeftOut::Unreadable));
        };
        take(item.tell().unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
    }
}

impl WhiskerItem<'_> {
    fn tell(&self) -> Option<LogLine<'_>> {
        let observer = match text(&self.reporter).to_ascii_lowercase().as_str() {
            "src" => Observer::Source,
            "dst" => Observer::Destination,
            _ => return None,
        };
        let verdict = match text(&self.action) {
            "Allow" | "Pass" => SeenVerdict::Passed,
            "Deny" => SeenVerdict::Refused,
            _ => return None,
        };
        let port = match protocol(text(&self.protocol)) {
            Some(Ok(protocol)) => LoggedPort::Number(protocol, port(self.dest_port)?),
            Some(Err(port)) => port,
            None => LoggedPort::Other,
        };
        let from = end(text(&self.source_namespace), text(&self.source_name), text(&self.source_labels));
        let to = end(text(&self.dest_namespace), text(&self.dest_name), text(&self.dest_labels));
        let seen = Observation {
            time: time::parse(text(&self.start_time)),
            last: time::parse(text(&self.end_time)),
            staged: self.staged(),
            ..Observation::of(observer, 1)
        };
        Some(line_of(from, to, port, verdict, seen))
    }
}

impl WhiskerItem<'_> {
    /// The last word of the staged policies; nothing where there are none for this end.
    fn staged(&self) -> Option<bool> {
        let hits = self.policies.as_ref()?.pending.as_ref()?;
        match text(&hits.last()?.action) {
            "Allow" => Some(true),
            "Deny" => Some(false),
            _ => None,
        }
    }
}

fn end<'l>(namespace: &'l str, name: &'l str, labels: &'l str) -> LoggedEnd<'l> {
    match (namespace, name) {
        (_, "PUBLIC NETWORK" | "pub") if namespace.len() < 2 => LoggedEnd::Unnamed(Unnamed::Public),
        (_, "PRIVATE NETWORK" | "pvt") if namespace.len() < 2 => LoggedEnd::Unnamed(Unnamed::Private),
        // A node, or a set of addresses.
        ("" | "-", _) => LoggedEnd::Unidentified(None, Unidentified::Address),
        _ => {
            let is_one = !name.ends_with('*');
            let labels = if labels.is_empty() || labels == "-" {
                LoggedLabels::Missing
            } else {
                LoggedLabels::Calico(labels, is_one)
            };
            LoggedEnd::Pod(LoggedPod { cluster: "", namespace, name, labels, address: None })
        }
    }
}

/// Reads what rules with the action `Log` write.
#[derive(Debug, Default)]
pub(super) struct LogRuleReader;

/// Whether a line is one of these.
pub(super) fn is_of_log_rule(line: &str) -> bool {
    (line.contains(" SRC=") && line.contains(" DST=") && line.contains(" PROTO=")) || line.contains(": policy ")
}

impl LogReader for LogRuleReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let told = of_kernel(line).or_else(|| of_ebpf(line));
        take(told.unwrap_or(LogLine::LeftOut(ReasonLeftOut::NotAFlow)));
    }
}

fn unknown(text: &str) -> Option<LoggedEnd<'static>> {
    Some(LoggedEnd::Unidentified(Some(address(text)?), Unidentified::Address))
}

/// `... IN=cali1 OUT=eth0 SRC=A DST=A PROTO=TCP SPT=P DPT=P SYN`: before the verdict, which is not known.
fn of_kernel(line: &str) -> Option<LogLine<'static>> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let field = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let (from, to) = (unknown(field("SRC")?)?, unknown(field("DST")?)?);
    let port = match protocol(field("PROTO")?) {
        Some(Ok(protocol)) => LoggedPort::Number(protocol, field("DPT")?.parse().ok()?),
        Some(Err(port)) => port,
        None => LoggedPort::Other,
    };
    let is_tcp = matches!(port, LoggedPort::Number(Protocol::Tcp, _));
    let [syn, ack] = ["SYN", "ACK"].map(|flag| is_tcp && words.contains(&flag));
    let from_port = field("SPT").and_then(|port| port.parse().ok());
    if let (true, true, LoggedPort::Number(protocol, _), Some(number)) = (syn, ack, port, from_port) {
        let port = LoggedPort::Number(protocol, number);
        return Some(LogLine::Reply(LoggedReply { from: to, to: from, port, resets: false, time: None }));
    }
    let way = from_port.map(|from_port| PacketWay { from_port, opens: syn });
    let seen = Observation { opens: !ack, way, ..Observation::of(Observer::Unknown, 1) };
    Some(line_of(from, to, port, SeenVerdict::Passed, seen))
}

/// `...: policy DENIED proto 6 src A:P dest A:P`.
fn of_ebpf(line: &str) -> Option<LogLine<'static>> {
    let (_, said) = line.split_once("policy ")?;
    let words: Vec<&str> = said.split_ascii_whitespace().collect();
    let behind = |name: &str| words.get(words.iter().position(|word| *word == name)? + 1).copied();
    let verdict = match *words.first()? {
        "DENIED" => SeenVerdict::Refused,
        "ALLOWED" => SeenVerdict::Passed,
        _ => return None,
    };
    let (source, from_port) = behind("src")?.rsplit_once(':')?;
    let (destination, number) = behind("dest")?.rsplit_once(':')?;
    let port = match protocol(behind("proto")?) {
        Some(Ok(protocol)) => LoggedPort::Number(protocol, number.parse().ok()?),
        Some(Err(port)) => port,
        None => LoggedPort::Other,
    };
    let way = from_port.parse().ok().and_then(PacketWay::from);
    let seen = Observation { way, ..Observation::of(Observer::Unknown, 1) };
    Some(line_of(unknown(source)?, unknown(destination)?, port, verdict, seen))
}
