//! Hubble, as `hubble observe -o json` and its exporter print it.
//!
//! Facts: `api/v1/flow/flow.proto`, `api/v1/observer/observer.proto`, `pkg/hubble/parser/threefour/parser.go` and
//! `pkg/monitor/api/types.go` of cilium/cilium 1.19. What is zero is left out, and each release brings new members.

use super::text::{Text, WireNumber, number, port, text};
use super::{LogReader, time};
use crate::net::Protocol;
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, LoggedReply, Observation, Observer, PacketWay,
    ReasonLeftOut, SeenVerdict, Unidentified,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::net::IpAddr;

/// `GetFlowsResponse`, or `ExportEvent`.
#[derive(Debug, Deserialize)]
struct HubbleEvent<'a> {
    #[serde(borrow)]
    flow: Option<HubbleFlow<'a>>,
    lost_events: Option<LostEvents>,
    node_status: Option<IgnoredAny>,
    agent_event: Option<IgnoredAny>,
    debug_event: Option<IgnoredAny>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct LostEvents {
    num_events_lost: Option<WireNumber>,
}

/// `HubbleFlow`: of its members those that are needed.
#[derive(Debug, Deserialize)]
struct HubbleFlow<'a> {
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    verdict: Option<Text<'a>>,
    drop_reason: Option<WireNumber>,
    #[serde(borrow)]
    drop_reason_desc: Option<Text<'a>>,
    #[serde(borrow, rename = "IP")]
    ip: Option<Ip<'a>>,
    l4: Option<L4>,
    #[serde(borrow)]
    source: Option<HubbleEndpoint<'a>>,
    #[serde(borrow)]
    destination: Option<HubbleEndpoint<'a>>,
    #[serde(borrow, rename = "Type")]
    kind: Option<Text<'a>>,
    event_type: Option<EventType>,
    #[serde(borrow)]
    traffic_direction: Option<Text<'a>>,
    is_reply: Option<bool>,
    #[serde(borrow)]
    trace_reason: Option<Text<'a>>,
    #[serde(borrow)]
    destination_names: Option<&'a RawValue>,
    #[serde(borrow)]
    destination_service: Option<ServiceName<'a>>,
    #[serde(borrow)]
    l7: Option<L7<'a>>,
    aggregate: Option<Aggregate>,
}

#[derive(Debug, Deserialize)]
struct Ip<'a> {
    #[serde(borrow)]
    source: Option<Text<'a>>,
    #[serde(borrow)]
    destination: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct L4 {
    tcp: Option<HubblePorts>,
    udp: Option<HubblePorts>,
    sctp: Option<HubblePorts>,
    #[serde(rename = "ICMPv4")]
    icmp_v4: Option<IgnoredAny>,
    #[serde(rename = "ICMPv6")]
    icmp_v6: Option<Icmp>,
    vrrp: Option<IgnoredAny>,
    igmp: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct HubblePorts {
    source_port: Option<WireNumber>,
    destination_port: Option<WireNumber>,
    flags: Option<Flags>,
}

#[derive(Debug, Deserialize, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
struct Flags {
    #[serde(default)]
    syn: bool,
    #[serde(default)]
    ack: bool,
    #[serde(default)]
    rst: bool,
}

#[derive(Debug, Deserialize)]
struct Icmp {
    #[serde(rename = "type")]
    kind: Option<WireNumber>,
}

#[derive(Debug, Deserialize)]
struct HubbleEndpoint<'a> {
    identity: Option<WireNumber>,
    #[serde(borrow)]
    cluster_name: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    pod_name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct EventType {
    #[serde(rename = "type")]
    kind: Option<WireNumber>,
    sub_type: Option<WireNumber>,
}

#[derive(Debug, Deserialize)]
struct ServiceName<'a> {
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct L7<'a> {
    #[serde(borrow)]
    dns: Option<HubbleDns<'a>>,
}

#[derive(Debug, Deserialize)]
struct HubbleDns<'a> {
    #[serde(borrow)]
    query: Option<Text<'a>>,
    #[serde(borrow)]
    ips: Option<Vec<Text<'a>>>,
}

/// What a line of several stands for.
#[derive(Debug, Deserialize)]
struct Aggregate {
    ingress_flow_count: Option<WireNumber>,
    egress_flow_count: Option<WireNumber>,
    unknown_direction_flow_count: Option<WireNumber>,
}

/// `event_type.type`.
const DROP: u64 = 1;
const TRACE: u64 = 4;
const POLICY_VERDICT: u64 = 5;
const SOCKET: u64 = 7;
const ACCESS_LOG: u64 = 129;

/// Nothing allows it; a rule denies it.
const BY_POLICY: [(u64, &str); 2] = [(133, "POLICY_DENIED"), (181, "POLICY_DENY")];

/// Reads Hubble's lines.
#[derive(Debug, Default)]
pub(super) struct HubbleReader {
    /// Whether the last line was a flow without what is usually around it.
    is_bare: bool,
}

impl LogReader for HubbleReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        if self.is_bare
            && let Ok(flow) = serde_json::from_str::<HubbleFlow<'_>>(line)
            && flow.is_some()
        {
            return flow.tell("", take);
        }
        let Ok(event) = serde_json::from_str::<HubbleEvent<'_>>(line) else {
            return take(LogLine::LeftOut(ReasonLeftOut::Unreadable));
        };
        if let Some(flow) = &event.flow {
            self.is_bare = false;
            return flow.tell(text(&event.time), take);
        }
        if let Some(lost) = &event.lost_events {
            return take(LogLine::Lost(number(lost.num_events_lost), time::parse(text(&event.time))));
        }
        if event.node_status.is_some() || event.agent_event.is_some() || event.debug_event.is_some() {
            return take(LogLine::LeftOut(ReasonLeftOut::NotAFlow));
        }
        match serde_json::from_str::<HubbleFlow<'_>>(line) {
            Ok(flow) if flow.is_some() => {
                self.is_bare = true;
                flow.tell("", take);
            }
            Ok(_) => take(LogLine::LeftOut(ReasonLeftOut::NotAFlow)),
            Err(_) => take(LogLine::LeftOut(ReasonLeftOut::Unreadable)),
        }
    }
}

impl HubbleFlow<'_> {
    /// Whether it says anything that only a flow says.
    fn is_some(&self) -> bool {
        self.verdict.is_some() || self.l4.is_some() || self.ip.is_some() || self.event_type.is_some()
    }

    fn tell(&self, outer_time: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let left_out = |reason| LogLine::LeftOut(reason);
        if self.is_of_link() {
            return take(left_out(ReasonLeftOut::Link));
        }
        let kind = self.event_type.as_ref().map(|event| number(event.kind));
        if let Some(l7) = self.l7.as_ref() {
            return take(l7.detail());
        }
        if kind == Some(ACCESS_LOG) || text(&self.kind) == "L7" {
            return take(left_out(ReasonLeftOut::L7));
        }
        if kind == Some(SOCKET) || text(&self.kind) == "SOCK" {
            return take(left_out(ReasonLeftOut::Socket));
        }
        let [source, destination] =
            [&self.source, &self.destination].map(|end| end.as_ref().map(HubbleEndpoint::reserved));
        let is_health = |reserved: Option<Reserved>| reserved.is_some_and(|reserved| reserved.health);
        if is_health(source) || is_health(destination) {
            return take(left_out(ReasonLeftOut::Health));
        }
        let seen = match self.seen(kind) {
            Ok(seen) => seen,
            Err(reason) => return take(left_out(reason)),
        };
        let time = time::parse(text(&self.time)).or_else(|| time::parse(outer_time));
        let [from, to] = match &self.ip {
            Some(ip) => [text(&ip.source), text(&ip.destination)].map(|text| text.parse::<IpAddr>().ok()),
            None => [None, None],
        };
        let from = end(self.source.as_ref(), source, from);
        let to = match (end(self.destination.as_ref(), destination, to), &self.destination_service, to) {
            // It is only there where the address is the Service's.
            (LoggedEnd::Outside(_) | LoggedEnd::Unidentified(_, Unidentified::Address), Some(_), Some(address)) => {
                LoggedEnd::Service(address)
            }
            (end, ..) => end,
        };
        let Some(ports) = self.ports() else { return take(left_out(ReasonLeftOut::Unreadable)) };
        match self.direction(kind) {
            HubbleWay::Unknown => take(left_out(ReasonLeftOut::Direction)),
            HubbleWay::Reply if seen == SeenVerdict::Refused => take(left_out(ReasonLeftOut::Reply)),
            HubbleWay::Reply => {
                let resets = self.flags().is_some_and(|flags| flags.rst);
                take(LogLine::Reply(LoggedReply { from: to, to: from, port: ports.0, resets, time }));
            }
            HubbleWay::Forward => {
                let (observer, counts) = self.counts();
                take(LogLine::Flow(Observation {
                    from,
                    to,
                    port: ports.1,
                    verdict: seen,
                    observer,
                    point: self.point(kind),
                    opens: self.opens(kind),
                    counts,
                    time,
                    last: None,
                    names: self.destination_names.map(RawValue::get),
                    service: self.destination_service.as_ref().map(|one| (text(&one.namespace), text(&one.name))),
                    lacks_zone: false,
                    staged: None,
                    way: self.way(ports.0),
                    is_summed: false,
                }));
            }
        }
    }

    /// What the link needs: IGMP, VRRP, and of ICMPv6 the neighbour discovery and who listens to which group.
    fn is_of_link(&self) -> bool {
        let Some(l4) = &self.l4 else { return false };
        let icmp = l4.icmp_v6.as_ref().map(|icmp| number(icmp.kind));
        l4.igmp.is_some() || l4.vrrp.is_some() || icmp.is_some_and(|kind| matches!(kind, 130..=137 | 143))
    }

    fn seen(&self, kind: Option<u64>) -> Result<SeenVerdict, ReasonLeftOut> {
        match text(&self.verdict) {
            "FORWARDED" | "REDIRECTED" => Ok(SeenVerdict::Passed),
            "AUDIT" => Ok(SeenVerdict::Audited),
            "DROPPED" => {
                let reason = number(self.drop_reason);
                let words = text(&self.drop_reason_desc);
                let is_said = reason != 0 || !words.is_empty();
                let by_policy =
                    BY_POLICY.iter().any(|(number, word)| *word == words || (words.is_empty() && *number == reason));
                let sub_type = self.event_type.as_ref().map_or(0, |event| number(event.sub_type));
                let by_policy = by_policy
                    || (!is_said && kind == Some(POLICY_VERDICT))
                    || (!is_said && kind == Some(DROP) && BY_POLICY.iter().any(|(number, _)| *number == sub_type));
                if by_policy { Ok(SeenVerdict::Refused) } else { Err(ReasonLeftOut::DroppedOtherwise) }
            }
            "TRACED" | "TRANSLATED" => Err(ReasonLeftOut::Socket),
            // What a trace says is that the packet got as far as there.
            "" if kind == Some(TRACE) => Ok(SeenVerdict::Passed),
            _ => Err(ReasonLeftOut::Error),
        }
    }

    fn flags(&self) -> Option<Flags> {
        self.l4.as_ref()?.tcp.as_ref()?.flags
    }

    /// Which way the packet goes: `is_reply` is not there on drops, and where the data path said nothing.
    fn direction(&self, kind: Option<u64>) -> HubbleWay {
        match (self.is_reply, self.flags()) {
            (Some(true), _) => HubbleWay::Reply,
            (Some(false), _) => HubbleWay::Forward,
            (None, Some(Flags { syn: true, ack: false, .. })) => HubbleWay::Forward,
            (None, Some(Flags { syn: true, ack: true, .. })) => HubbleWay::Reply,
            (None, _) if kind == Some(POLICY_VERDICT) => HubbleWay::Forward,
            (None, _) => HubbleWay::Unknown,
        }
    }

    /// `is_reply` is wrong where the data path has forgotten the connection, as it does of what UDP carries after a while.
    fn way(&self, from_port: LoggedPort<'_>) -> Option<PacketWay> {
        match (from_port, self.flags()) {
            (_, Some(Flags { syn: true, .. })) | (LoggedPort::Named(..) | LoggedPort::Icmp | LoggedPort::Other, _) => {
                None
            }
            (LoggedPort::Number(_, number), _) => PacketWay::from(number),
        }
    }

    fn opens(&self, kind: Option<u64>) -> bool {
        match self.flags() {
            _ if kind == Some(POLICY_VERDICT) || self.aggregate.is_some() => true,
            Some(Flags { syn, ack, .. }) => syn && !ack,
            None => text(&self.trace_reason) != "ESTABLISHED",
        }
    }

    /// The port of the reply's connection, and the one that it goes to; `None` where a number is missing.
    fn ports(&self) -> Option<(LoggedPort<'static>, LoggedPort<'static>)> {
        let Some(l4) = &self.l4 else { return Some((LoggedPort::Other, LoggedPort::Other)) };
        if l4.icmp_v4.is_some() || l4.icmp_v6.is_some() {
            return Some((LoggedPort::Icmp, LoggedPort::Icmp));
        }
        let of = [(Protocol::Tcp, &l4.tcp), (Protocol::Udp, &l4.udp), (Protocol::Sctp, &l4.sctp)];
        let Some((protocol, ports)) = of.into_iter().find_map(|(protocol, ports)| Some((protocol, ports.as_ref()?)))
        else {
            return Some((LoggedPort::Other, LoggedPort::Other));
        };
        let number = |member| port(member).map(|number| LoggedPort::Number(protocol, number));
        Some((number(ports.source_port)?, number(ports.destination_port)?))
    }

    /// Who reports it, and how many it stands for.
    fn counts(&self) -> (Observer, [u64; 3]) {
        let observer = match text(&self.traffic_direction) {
            "INGRESS" => Observer::Destination,
            "EGRESS" => Observer::Source,
            _ => Observer::Unknown,
        };
        let counts = self
            .aggregate
            .as_ref()
            .map(|all| [all.ingress_flow_count, all.egress_flow_count, all.unknown_direction_flow_count].map(number));
        let counts = counts.filter(|counts| counts.iter().any(|count| *count > 0));
        (observer, counts.unwrap_or_else(|| Observation::once(observer, 1)))
    }

    /// The kind of line and, of a trace, the point.
    fn point(&self, kind: Option<u64>) -> u8 {
        let sub_type = self.event_type.as_ref().map_or(0, |event| number(event.sub_type));
        match kind {
            Some(DROP) => 1,
            Some(POLICY_VERDICT) => 2,
            Some(TRACE) => 64 + u8::try_from(sub_type.min(63)).unwrap_or(63),
            _ => 3,
        }
    }
}

/// Which way a packet goes.
enum HubbleWay {
    Forward,
    Reply,
    Unknown,
}

impl L7<'_> {
    fn detail(&self) -> LogLine<'static> {
        let Some(HubbleDns { query: Some(query), ips: Some(ips) }) = &self.dns else {
            return LogLine::LeftOut(ReasonLeftOut::L7);
        };
        let addresses: Vec<IpAddr> = ips.iter().filter_map(|text| text.get().parse().ok()).collect();
        LogLine::Detail(addresses, query.get().trim_end_matches('.').to_owned())
    }
}

/// What the `reserved:` labels of an end say, or the number of its identity where it has no labels.
#[derive(Debug, Clone, Copy, Default)]
struct Reserved {
    host: bool,
    node: bool,
    world: bool,
    health: bool,
    init: bool,
    unmanaged: bool,
    ingress: bool,
}

impl HubbleEndpoint<'_> {
    /// The identities below this number are reserved, and those from the other one on are addresses.
    const FIRST_OF_PODS: u64 = 256;
    const FIRST_OF_ADDRESSES: u64 = 1 << 24;

    fn reserved(&self) -> Reserved {
        let mut reserved = Reserved::default();
        let identity = number(self.identity);
        let labels = self.labels.map_or("", RawValue::get);
        if labels.len() > 2 && !(Self::FIRST_OF_PODS..Self::FIRST_OF_ADDRESSES).contains(&identity) {
            for label in labels.split('"').filter_map(|label| label.strip_prefix("reserved:")) {
                reserved.add(label);
            }
            reserved.world |= labels.contains("\"cidr:") && !reserved.node && !reserved.host;
        } else if labels.len() <= 2 {
            let word = match identity {
                1 => "host",
                2 | 9 | 10 => "world",
                3 => "unmanaged",
                4 => "health",
                5 => "init",
                6 => "remote-node",
                7 => "kube-apiserver",
                8 => "ingress",
                Self::FIRST_OF_ADDRESSES.. => "world",
                _ => "",
            };
            reserved.add(word);
        }
        reserved
    }
}

impl Reserved {
    fn add(&mut self, word: &str) {
        match word {
            "host" => self.host = true,
            "remote-node" | "kube-apiserver" => self.node = true,
            "world" | "world-ipv4" | "world-ipv6" => self.world = true,
            "health" => self.health = true,
            "init" => self.init = true,
            "unmanaged" => self.unmanaged = true,
            "ingress" => self.ingress = true,
            _ => {}
        }
    }
}

fn end<'l>(
    endpoint: Option<&'l HubbleEndpoint<'_>>,
    reserved: Option<Reserved>,
    address: Option<IpAddr>,
) -> LoggedEnd<'l> {
    let unknown = LoggedEnd::Unidentified(address, Unidentified::Address);
    let (Some(endpoint), Some(reserved)) = (endpoint, reserved) else { return unknown };
    match (reserved, address) {
        (Reserved { ingress: true, .. }, _) => LoggedEnd::Proxy,
        (Reserved { init: true, .. }, _) => LoggedEnd::Unidentified(address, Unidentified::Starting),
        (Reserved { unmanaged: true, .. }, _) => LoggedEnd::Unidentified(address, Unidentified::Unmanaged),
        (Reserved { host: true, .. }, _) => LoggedEnd::OwnNode(address),
        (Reserved { node: true, .. }, _) => LoggedEnd::Node(address),
        (Reserved { world: true, .. }, Some(address)) => LoggedEnd::Outside(address),
        _ => {
            let (namespace, name) = (text(&endpoint.namespace), text(&endpoint.pod_name));
            if namespace.is_empty() {
                return unknown;
            }
            let labels = endpoint.labels.map(RawValue::get).filter(|labels| labels.len() > 2);
            let labels = labels.map_or(LoggedLabels::Missing, LoggedLabels::Cilium);
            LoggedEnd::Pod(LoggedPod { cluster: text(&endpoint.cluster_name), namespace, name, labels, address })
        }
    }
}
