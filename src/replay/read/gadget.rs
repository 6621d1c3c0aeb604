//! Inspektor Gadget: `trace_tcp -o json`.

use super::text::{Text, WireNumber, port, text};
use super::{LogReader, NOBODY_ANSWERED, address, line_of, protocol, time};
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, Observation, Observer, ReasonLeftOut, SeenVerdict,
    Unidentified,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads such lines.
#[derive(Debug, Default)]
pub(super) struct GadgetReader;

#[derive(Debug, Deserialize)]
struct GadgetEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<Text<'a>>,
    #[serde(borrow)]
    src: Option<GadgetSide<'a>>,
    #[serde(borrow)]
    dst: Option<GadgetSide<'a>>,
    #[serde(borrow)]
    k8s: Option<Container<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct GadgetSide<'a> {
    #[serde(borrow)]
    addr: Option<Text<'a>>,
    port: Option<WireNumber>,
    #[serde(borrow)]
    proto: Option<&'a RawValue>,
    #[serde(borrow)]
    k8s: Option<Whose<'a>>,
}

#[derive(Debug, Deserialize)]
struct Whose<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
}

/// The pod whose process it is.
#[derive(Debug, Deserialize)]
struct Container<'a> {
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow, rename = "podName")]
    pod: Option<Text<'a>>,
}

/// Whether a line is one of these.
pub(super) fn is_event(line: &str) -> bool {
    serde_json::from_str::<GadgetEvent<'_>>(line).is_ok_and(|event| event.src.is_some() && event.dst.is_some())
}

impl LogReader for GadgetReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let Ok(event) = serde_json::from_str::<GadgetEvent<'_>>(line) else {
            return take(LogLine::LeftOut(ReasonLeftOut::Unreadable));
        };
        match (text(&event.kind), &event.src, &event.dst) {
            ("connect", Some(source), Some(destination)) => {
                take(event.tell(source, destination).unwrap_or(LogLine::LeftOut(ReasonLeftOut::Unreadable)));
            }
            ("accept" | "close", ..) => take(LogLine::LeftOut(ReasonLeftOut::NotAnAttempt)),
            _ => take(LogLine::LeftOut(ReasonLeftOut::NotAFlow)),
        }
    }
}

impl GadgetEvent<'_> {
    fn tell<'e>(&'e self, source: &'e GadgetSide<'_>, destination: &'e GadgetSide<'_>) -> Option<LogLine<'e>> {
        let name = destination.proto.map_or("tcp", |proto| proto.get().trim_matches('"'));
        let port = match protocol(name)? {
            Ok(protocol) => LoggedPort::Number(protocol, port(destination.port)?),
            Err(port) => port,
        };
        let from = match (source.end()?, &self.k8s) {
            // Whose process it is, is known better than whose address.
            (LoggedEnd::Unidentified(address, _), Some(own)) if own.pod.is_some() => LoggedEnd::Pod(LoggedPod {
                cluster: "",
                namespace: text(&own.namespace),
                name: text(&own.pod),
                labels: LoggedLabels::Missing,
                address,
            }),
            (end, _) => end,
        };
        let point = if text(&self.error).is_empty() { 0 } else { NOBODY_ANSWERED };
        let service = destination.k8s.as_ref().filter(|whose| text(&whose.kind) == "svc");
        let seen = Observation {
            time: time::parse(text(&self.timestamp)),
            point,
            service: service.map(|service| (text(&service.namespace), text(&service.name))),
            ..Observation::of(Observer::Source, 1)
        };
        Some(line_of(from, destination.end()?, port, SeenVerdict::Passed, seen))
    }
}

impl GadgetSide<'_> {
    fn end(&self) -> Option<LoggedEnd<'_>> {
        let address = address(text(&self.addr))?;
        let whose = self.k8s.as_ref();
        Some(match whose.map(|whose| (text(&whose.kind), whose)) {
            Some(("pod", whose)) => {
                let labels = whose.labels.map_or("", RawValue::get);
                let labels = match labels.as_bytes().first() {
                    Some(b'{') => LoggedLabels::Object(labels),
                    Some(b'"') if labels.len() > 2 => LoggedLabels::Pairs(labels.trim_matches('"')),
                    _ => LoggedLabels::Missing,
                };
                let (namespace, name) = (text(&whose.namespace), text(&whose.name));
                LoggedEnd::Pod(LoggedPod { cluster: "", namespace, name, labels, address: Some(address) })
            }
            Some(("svc", _)) => LoggedEnd::Service(address),
            _ => LoggedEnd::Unidentified(Some(address), Unidentified::Address),
        })
    }
}
