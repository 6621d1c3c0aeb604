//! Connections as anybody can write them down: a header with `source,destination,port,protocol`, perhaps with `verdict`,
//! `count`, `time`, `first`, `last` and `end`.

use super::{LogReader, address, time};
use crate::net::Protocol;
use crate::replay::seen::{
    LogLine, LoggedEnd, LoggedLabels, LoggedPod, LoggedPort, Observation, Observer, ReasonLeftOut, SeenVerdict,
    Unidentified, Unnamed,
};
use std::borrow::Cow;

/// The columns, and what else they may be called.
const COLUMNS: [&[&str]; 10] = [
    &["source", "from", "src"],
    &["destination", "to", "dst"],
    &["port", "dport"],
    &["protocol", "proto"],
    &["verdict", "action"],
    &["count"],
    &["time"],
    &["first"],
    &["last"],
    &["end"],
];
const SOURCE: usize = 0;
const DESTINATION: usize = 1;
const PORT: usize = 2;
const PROTOCOL: usize = 3;
const VERDICT: usize = 4;
const COUNT: usize = 5;
const TIME: usize = 6;
const FIRST: usize = 7;
const LAST: usize = 8;
const END: usize = 9;

/// The words for ends that have no name and no labels.
pub(crate) const OWN_NODE: &str = "(own node)";
/// Of a node, before its address.
pub(crate) const NODE: &str = "(node";
/// Of a proxy of the network plugin.
pub(crate) const PROXY: &str = "(proxy)";
/// Of a pod that had no identity yet.
pub(crate) const STARTING: &str = "(starting pod)";
/// Of a pod that the network plugin does not manage.
pub(crate) const UNMANAGED: &str = "(unmanaged pod)";
/// Of public addresses that are not named.
pub(crate) const PUBLIC: &str = "(public address)";
/// Of private ones.
pub(crate) const PRIVATE: &str = "(private address)";
/// Of a pod, behind its namespace, whose labels are not known.
pub(crate) const NO_LABELS: &str = "(labels not in the log)";
/// Between the namespace and the labels of a pod, and its cluster.
pub(crate) const OF_CLUSTER: &str = " of cluster ";
/// For the destination, where a pod connects to itself.
pub(crate) const ITSELF: &str = "(itself)";
/// Behind the labels of a pod that may have others, in place of the brace.
pub(crate) const MORE_LABELS: &str = ",...}";
/// What stands in the column `verdict` of a connection that was let through, and that nobody answered.
pub(crate) const UNANSWERED: &str = "unanswered";

/// Reads such lines.
#[derive(Debug, Default)]
pub(super) struct CsvReader {
    /// The places of the columns, once the header was read.
    columns: Option<[Option<usize>; COLUMNS.len()]>,
}

impl LogReader for CsvReader {
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>)) {
        let fields = fields(line);
        let Some(columns) = &self.columns else {
            self.columns = header(&fields);
            let reason = if self.columns.is_some() { ReasonLeftOut::Header } else { ReasonLeftOut::Unreadable };
            return take(LogLine::LeftOut(reason));
        };
        if header(&fields).is_some() {
            return take(LogLine::LeftOut(ReasonLeftOut::Header));
        }
        let field = |column: usize| {
            let place = columns.get(column).copied().flatten();
            place.and_then(|place| fields.get(place)).map_or("", |field| field.trim())
        };
        // Such a table was summed up by somebody, as that of `--save` is.
        let has = |column: usize| columns.get(column).copied().flatten().is_some();
        let is_summed = has(COUNT) && has(FIRST) && has(LAST) && !has(TIME) && !has(END);
        row(&field, is_summed, take);
    }
}

/// The places of the columns, if these are their names.
fn header(fields: &[Cow<'_, str>]) -> Option<[Option<usize>; COLUMNS.len()]> {
    let place = |names: &[&str]| {
        fields.iter().position(|field| names.iter().any(|name| field.trim().eq_ignore_ascii_case(name)))
    };
    let places = COLUMNS.map(place);
    let has = |column: usize| places.get(column).copied().flatten().is_some();
    (has(SOURCE) && has(DESTINATION) && has(PORT)).then_some(places)
}

/// Whether a line is the names of the columns.
pub(super) fn is_header(line: &str) -> bool {
    header(&fields(line)).is_some()
}

fn row<'f>(field: &dyn Fn(usize) -> &'f str, is_summed: bool, take: &mut dyn FnMut(LogLine<'_>)) {
    let unreadable = || LogLine::LeftOut(ReasonLeftOut::Unreadable);
    let Some(from) = end(field(SOURCE)) else { return take(unreadable()) };
    let both = match (field(DESTINATION), from) {
        (ITSELF, LoggedEnd::Pod(pod)) => Some([LoggedEnd::Pod(LoggedPod { name: ITSELF, ..pod }); 2]),
        (text, from) => end(text).map(|to| [from, to]),
    };
    let Some([from, to]) = both else { return take(unreadable()) };
    let Some(port) = port(field(PORT), field(PROTOCOL)) else { return take(unreadable()) };
    let (verdict, answered) = match field(VERDICT).to_ascii_lowercase().as_str() {
        "" | "allowed" | "allow" | "passed" | "pass" | "forwarded" | "accept" => (SeenVerdict::Passed, true),
        UNANSWERED => (SeenVerdict::Passed, false),
        "audited" | "audit" => (SeenVerdict::Audited, true),
        "denied" | "deny" | "drop" | "dropped" | "refused" | "reject" | "rejected" => (SeenVerdict::Refused, true),
        _ => return take(unreadable()),
    };
    let count = match field(COUNT) {
        "" => 1,
        text => match text.parse::<u64>() {
            // Somebody counted, and there was none.
            Ok(0) => return take(LogLine::LeftOut(ReasonLeftOut::NotAnAttempt)),
            Ok(count) => count,
            Err(_) => return take(unreadable()),
        },
    };
    let observer = match field(END) {
        "" | "unknown" => Observer::Unknown,
        "destination" | "ingress" => Observer::Destination,
        "source" | "egress" => Observer::Source,
        _ => return take(unreadable()),
    };
    let times = [TIME, FIRST, LAST].map(|column| time::parse(field(column)));
    let [at, first, last] = times;
    let observation = Observation {
        from,
        to,
        port,
        verdict,
        observer,
        point: if answered { 0 } else { super::NOBODY_ANSWERED },
        opens: true,
        counts: Observation::once(observer, count),
        time: at.or(first),
        last,
        names: None,
        service: None,
        staged: None,
        way: None,
        is_summed,
        lacks_zone: [TIME, FIRST, LAST].into_iter().any(|column| time::lacks_zone(field(column))),
    };
    take(LogLine::Flow(observation));
}

/// An end: an address, a pod by its name, or what questions are about.
fn end(text: &str) -> Option<LoggedEnd<'_>> {
    if let Some(address) = address(text) {
        return Some(LoggedEnd::Unidentified(Some(address), Unidentified::Address));
    }
    match text {
        "" => return None,
        OWN_NODE => return Some(LoggedEnd::OwnNode(None)),
        PROXY => return Some(LoggedEnd::Proxy),
        STARTING => return Some(LoggedEnd::Unidentified(None, Unidentified::Starting)),
        UNMANAGED => return Some(LoggedEnd::Unidentified(None, Unidentified::Unmanaged)),
        PUBLIC => return Some(LoggedEnd::Unnamed(Unnamed::Public)),
        PRIVATE => return Some(LoggedEnd::Unnamed(Unnamed::Private)),
        _ => {}
    }
    if let Some(rest) = text.strip_prefix(NODE) {
        return Some(LoggedEnd::Node(address(rest.trim().strip_suffix(')')?.trim())));
    }
    let (text, cluster) = text.split_once(OF_CLUSTER).unwrap_or((text, ""));
    if let Some((namespace, _)) = text.split_once('{').filter(|(home, rest)| !home.contains('/') && rest.contains("}/"))
    {
        let labels = LoggedLabels::Saved(text.get(namespace.len()..)?);
        return Some(LoggedEnd::Pod(LoggedPod { cluster, namespace, name: "", labels, address: None }));
    }
    let Some((namespace, rest)) = text.split_once('/') else { return Some(LoggedEnd::Written(text)) };
    let pod = |labels| LoggedEnd::Pod(LoggedPod { cluster, namespace, name: "", labels, address: None });
    if rest == NO_LABELS {
        return Some(pod(LoggedLabels::Missing));
    }
    if let Some(pairs) = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix(MORE_LABELS)) {
        return Some(pod(LoggedLabels::SomePairs(pairs)));
    }
    match rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(pairs) if pairs.split(',').all(|pair| pair.trim().is_empty() || pair.contains('=')) => {
            Some(pod(LoggedLabels::Pairs(pairs)))
        }
        _ => Some(LoggedEnd::Written(text)),
    }
}

fn port<'l>(text: &'l str, protocol: &str) -> Option<LoggedPort<'l>> {
    // As questions write it.
    let (text, protocol) = match text.split_once('/') {
        Some((text, protocol)) => (text, protocol),
        None => (text, protocol),
    };
    let known = match protocol.to_ascii_lowercase().as_str() {
        "" | "tcp" | "6" => Protocol::Tcp,
        "udp" | "17" => Protocol::Udp,
        "sctp" | "132" => Protocol::Sctp,
        "icmp" | "icmp6" | "icmpv6" | "icmpv4" | "1" | "58" => return Some(LoggedPort::Icmp),
        _ if text.is_empty() => return Some(LoggedPort::Other),
        _ => return None,
    };
    if text.is_empty() {
        return None;
    }
    match text.parse::<u16>() {
        Ok(number) => Some(LoggedPort::Number(known, number)),
        Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => None,
        Err(_) => Some(LoggedPort::Named(known, text)),
    }
}

/// The fields of a line.
pub(crate) fn fields(line: &str) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::with_capacity(COLUMNS.len());
    let mut rest = line;
    loop {
        let quoted = rest.trim_start().strip_prefix('"').and_then(quoted);
        let (field, after) = match quoted {
            Some((field, after)) => (field, after.trim_start()),
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                (Cow::Borrowed(field), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return fields,
        }
    }
}

/// What stands up to the quote that closes it, and what is behind.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut from = 0;
    let mut field: Cow<'_, str> = Cow::Borrowed("");
    loop {
        let end = from + text.get(from..)?.find('"')?;
        let part = text.get(from..end)?;
        let after = text.get(end + 1..)?;
        match (field.is_empty(), after.starts_with('"')) {
            (true, false) => return Some((Cow::Borrowed(part), after)),
            (false, false) => {
                field.to_mut().push_str(part);
                return Some((field, after));
            }
            (_, true) => {
                let whole = field.to_mut();
                whole.push_str(part);
                whole.push('"');
                from = end + 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_quoted() {
        for (line, expected) in [
            ("a,b", &["a", "b"][..]),
            ("", &[""]),
            ("a,", &["a", ""]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#""a ""b"" c",d"#, &[r#"a "b" c"#, "d"]),
            (r#""a"#, &["\"a"]),
            (r#" "a" ,b"#, &["a", "b"]),
        ] {
            assert_eq!(fields(line), expected, "{line}");
        }
    }
}
