//! What is kept of a log: its groups as a table that is read again like any other, to be committed and replayed.

use super::ends::{EndKind, EndKindId};
use super::groups::{GroupKey, GroupPort, SeenOfGroup, Tally};
use super::place::{Nowhere, PlacedEnd, Placement};
use super::read::csv::{
    ITSELF, MORE_LABELS, NO_LABELS, NODE, OF_CLUSTER, OWN_NODE, PRIVATE, PROXY, PUBLIC, STARTING, UNANSWERED,
    UNMANAGED, fields,
};
use super::seen::{Unidentified, Unnamed};
use super::verdict::Candidate;
use super::{Replay, read::time};
use crate::cluster::{Labels, is_set_at_runtime};
use crate::net::{NAMESPACE_NAME, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The names of the columns.
const HEADER: &str = "source,destination,port,protocol,verdict,count,first,last";

/// The groups of logs, each by its ends, its port and what was seen, with how often and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedGroups {
    groups: BTreeMap<[String; 5], SavedCount>,
}

/// How often a group was seen, and on which first and last day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct SavedCount {
    count: u64,
    first: String,
    last: String,
}

impl SavedGroups {
    /// Those of a text that was saved; `None` when it is something else.
    pub fn parse(text: &str) -> Option<SavedGroups> {
        let mut lines = text.lines();
        if lines.next()?.trim() != HEADER {
            return None;
        }
        let mut saved = SavedGroups::default();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let fields: Vec<String> = fields(line).into_iter().map(std::borrow::Cow::into_owned).collect();
            let [source, destination, port, protocol, verdict, count, first, last] =
                <[String; 8]>::try_from(fields).ok()?;
            let count = count.parse().ok()?;
            // Nothing was seen of it.
            if count == 0 {
                continue;
            }
            saved.add([source, destination, port, protocol, verdict], &SavedCount { count, first, last });
        }
        Some(saved)
    }

    /// These, too: of what both have, the more, the earlier first and the later last day.
    pub fn merge(&mut self, other: &SavedGroups) {
        other.groups.iter().for_each(|(key, count)| self.add(key.clone(), count));
    }

    fn add(&mut self, key: [String; 5], count: &SavedCount) {
        let known = self.groups.entry(key).or_default();
        known.count = known.count.max(count.count);
        if known.first.is_empty() || (!count.first.is_empty() && count.first < known.first) {
            known.first.clone_from(&count.first);
        }
        if count.last > known.last {
            known.last.clone_from(&count.last);
        }
    }

    /// The table, sorted.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (key, SavedCount { count, first, last }) in &self.groups {
            let count = count.to_string();
            let all = key.iter().map(String::as_str).chain([count.as_str(), first, last]);
            let all: Vec<String> = all.map(field).collect();
            text.push_str(&all.join(","));
            text.push('\n');
        }
        text
    }
}

/// A field, such that neither its commas nor what a spreadsheet makes of its beginning do harm.
fn field(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    let plain = if plain.starts_with(['=', '+', '-', '@']) { format!("'{plain}") } else { plain };
    match plain.contains([',', '"']) {
        true => format!("\"{}\"", plain.replace('"', "\"\"")),
        false => plain,
    }
}

impl Replay<'_> {
    /// What is kept of what was read. Of public clients no address is.
    pub fn saved(&self, candidate: &Candidate<'_>) -> SavedGroups {
        let home = self.home();
        let placement =
            Placement::new(&self.roster.kinds, &self.roster.keys, home.as_deref(), &self.running, candidate);
        // Of those who share a text some may have been refused, which says nothing of the others.
        let mut saved: BTreeMap<([String; 4], bool), Tally> = BTreeMap::new();
        for (key, tally) in self.groups.all.iter().filter(|(_, tally)| tally.is_of_connections()) {
            let Some(ends) = self.saved_ends(&placement, key) else { continue };
            saved.entry((ends, tally.is_refused())).or_default().merge(tally);
        }
        let mut groups = SavedGroups::default();
        for (([source, destination, port, protocol], _), tally) in saved {
            let verdict = match tally.seen(protocol == Protocol::Tcp.keyword()) {
                SeenOfGroup::Passed => "",
                SeenOfGroup::Audited => "audited",
                SeenOfGroup::Refused => "denied",
                SeenOfGroup::Unanswered => UNANSWERED,
            };
            let day = |time: i64| time::text(time).chars().take(10).collect::<String>();
            let (first, last) = tally.times.map(|(first, last)| (day(first), day(last))).unwrap_or_default();
            let key = [source, destination, port, protocol, verdict.to_owned()];
            groups.add(key, &SavedCount { count: tally.attempts(), first, last });
        }
        groups
    }

    fn saved_ends(&self, placement: &Placement, key: &GroupKey) -> Option<[String; 4]> {
        let (number, protocol) = match &key.port {
            GroupPort::Number(protocol, number) => (number.to_string(), protocol.keyword()),
            GroupPort::Named(protocol, name) => (name.to_string(), protocol.keyword()),
            GroupPort::Icmp => (String::new(), "icmp"),
            GroupPort::Other => (String::new(), "other"),
        };
        let from = self.saved_end(placement, key.from, true)?;
        let to = if key.itself { ITSELF.to_owned() } else { self.saved_end(placement, key.to, false)? };
        Some([from, to, number, protocol.to_owned()])
    }

    fn saved_end(&self, placement: &Placement, id: EndKindId, is_source: bool) -> Option<String> {
        let place = placement.places.get(id.0 as usize);
        // Hashes that Kubernetes adds only where some policy looks at them.
        let braces = |labels: &Labels| {
            let kept = |key: &&String| !is_set_at_runtime(key) || placement.looked_at.contains(key.as_str());
            let kept = labels.iter().filter(|(key, _)| kept(key));
            format!("{{{}}}", kept.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","))
        };
        // Its name is known without.
        let beside = |labels: Option<&Labels>| {
            let own = labels.into_iter().flatten().filter(|(key, _)| key.as_str() != NAMESPACE_NAME);
            let own: Vec<String> = own.map(|(key, value)| format!("{key}={value}")).collect();
            if own.is_empty() { String::new() } else { format!("{{{}}}", own.join(",")) }
        };
        let is_public = |address: &IpAddr| !super::verdict::unnamed_addresses(Unnamed::Private).has(*address);
        Some(match self.kind(id)? {
            EndKind::Pods(pods) => {
                let labels = match (&pods.labels, place) {
                    (None, _) => NO_LABELS.to_owned(),
                    (Some(labels), Some(PlacedEnd::AnyOf(_))) => {
                        let known = braces(labels);
                        format!("{}{MORE_LABELS}", known.strip_suffix('}').unwrap_or(&known))
                    }
                    (Some(labels), _) => braces(labels),
                };
                let cluster = match place {
                    Some(PlacedEnd::Nowhere(Nowhere::Cluster)) => format!("{OF_CLUSTER}{}", pods.cluster),
                    _ => String::new(),
                };
                format!("{}{}/{labels}{cluster}", pods.namespace, beside(pods.beside.as_ref()))
            }
            EndKind::Known(place) => {
                let (namespace, labels, ..) = self.running.details(*place, &placement.facts);
                let mut homes = self.running.cluster.namespaces.iter();
                let home = homes.find(|home| *home.name == *namespace).map(|home| &home.labels);
                format!("{namespace}{}/{}", beside(home), braces(&labels))
            }
            EndKind::Address(address, _) if is_source && is_public(address) => PUBLIC.to_owned(),
            EndKind::Address(address, _) | EndKind::Service(address) => address.to_string(),
            EndKind::OwnNode(_) if is_source => OWN_NODE.to_owned(),
            // What a pod sends to its own node is judged by the address.
            EndKind::OwnNode(Some(address)) => address.to_string(),
            EndKind::OwnNode(None) => OWN_NODE.to_owned(),
            EndKind::Node(Some(address)) => format!("{NODE} {address})"),
            EndKind::Node(None) => format!("{NODE})"),
            EndKind::Proxy => PROXY.to_owned(),
            EndKind::Unknown(Unidentified::Starting) => STARTING.to_owned(),
            EndKind::Unknown(Unidentified::Unmanaged) => UNMANAGED.to_owned(),
            EndKind::Unknown(Unidentified::Address) => return None,
            EndKind::Unnamed(Unnamed::Public) => PUBLIC.to_owned(),
            EndKind::Unnamed(Unnamed::Private) => PRIVATE.to_owned(),
            EndKind::Named(text) => text.to_string(),
        })
    }
}
