//! kguardian: what `/pod/traffic` answers.

use super::text::{Text, text};
use super::{LogReader, address, line_of, protocol, time};
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, Observation, Observer, ReasonLeftOut, SeenVerdict,
    Unidentified,
};
use serde::Deserialize;

/// Reads its items.
#[derive(Debug, Default)]
pub(super) struct KguardianReader;

#[derive(Debug, Deserialize)]
struct TrafficItem<'a> {
    #[serde(borrow)]
    pod_name: Option<Text<'a>>,
    #[serde(borrow)]
    pod_namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pod_ip: Option<Text<'a>>,
    #[serde(borrow)]
    pod_port: Option<Text<'a>>,
    #[serde(borrow)]
    ip_protocol: Option<Text<'a>>,
    #[serde(borrow)]
    traffic_type: Option<Text<'a>>,
    #[serde(borrow)]
    traffic_in_out_ip: Option<Text<'a>>,
    #[serde(borrow)]
    traffic_in_out_port: Option<Text<'a>>,
    #[serde(borrow)]
    decision: Option<Text<'a>>,
    #[serde(borrow)]
    time_stamp: Option<Text<'a>>,
}

impl LogReader for KguardianReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let Ok(item) = serde_json::from_str::<TrafficItem<'_>>(line) else {
            return take(LogLine::LeftOut(ReasonLeftOut::Unreadable));
        };
        take(item.tell().unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
    }
}

impl TrafficItem<'_> {
    fn tell(&self) -> Option<LogLine<'_>> {
        let own = LoggedEnd::Pod(LoggedPod {
            cluster: "",
            namespace: text(&self.pod_namespace),
            name: text(&self.pod_name),
            labels: LoggedLabels::Missing,
            address: address(text(&self.pod_ip)),
        });
        let other = LoggedEnd::Unidentified(Some(address(text(&self.traffic_in_out_ip))?), Unidentified::Address);
        let (from, to, number, observer) = match text(&self.traffic_type).to_ascii_uppercase().as_str() {
            "INGRESS" => (other, own, text(&self.pod_port), Observer::Destination),
            "EGRESS" => (own, other, text(&self.traffic_in_out_port), Observer::Source),
            _ => return None,
        };
        let verdict = match text(&self.decision).to_ascii_uppercase().as_str() {
            "" | "ALLOW" => SeenVerdict::Passed,
            "DROP" | "DENY" => SeenVerdict::Refused,
            _ => return None,
        };
        let port = match protocol(text(&self.ip_protocol))? {
            Ok(protocol) => LoggedPort::Number(protocol, number.parse().ok()?),
            Err(port) => port,
        };
        let when = text(&self.time_stamp);
        let lacks_zone = time::lacks_zone(when);
        let seen = Observation { time: time::parse(when), lacks_zone, ..Observation::of(observer, 1) };
        Some(line_of(from, to, port, verdict, seen))
    }
}
