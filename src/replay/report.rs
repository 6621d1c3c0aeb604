//! The groups of a log as people read them: named, with what was seen, what the candidate says, and what changes.

use super::ends::{EndKind, EndKindId};
use super::groups::{GroupKey, GroupPort, LineNumber, LoggedLines, SeenOfGroup, Tally};
use super::judged::{Because, Judged};
use super::place::{Nowhere, PlacedEnd, Placement};
use super::read::LogFormat;
use super::read::csv::NO_LABELS;
use super::seen::{ReasonLeftOut, Unidentified, Unnamed};
use super::verdict::{Candidate, GroupJudge, Nobody};
use super::{Replay, collapsed::collapsed, names};
use crate::ask::{Asked, Everyone, Explanation, Says};
use crate::flow::FlowSet;
use crate::net::{Direction, Peers, PortSet, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// So many addresses of a row are kept.
pub(super) const MOST_ADDRESSES: usize = 1000;

/// The first and the last time of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogTimes {
    /// Both.
    pub span: Option<(i64, i64)>,
}

impl LogTimes {
    pub(super) fn add(&mut self, time: Option<i64>) {
        let Some(time) = time else { return };
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }
}

/// What would be different under the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplayChange {
    /// It passed, and would not.
    Dropped,
    /// It was refused, and would pass.
    Opened,
    /// It cannot be told.
    Unknown,
    /// Nothing.
    Same,
}

impl ReplayChange {
    /// All, in the order of reports.
    pub const ALL: [ReplayChange; 4] =
        [ReplayChange::Dropped, ReplayChange::Opened, ReplayChange::Unknown, ReplayChange::Same];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            ReplayChange::Dropped => "dropped",
            ReplayChange::Opened => "opened",
            ReplayChange::Unknown => "unknown",
            ReplayChange::Same => "same",
        }
    }

    fn of(seen: SeenOfGroup, candidate: Says) -> ReplayChange {
        match (seen, candidate) {
            (_, Says::Unknown) => ReplayChange::Unknown,
            (SeenOfGroup::Passed | SeenOfGroup::Audited, Says::Denied) => ReplayChange::Dropped,
            (SeenOfGroup::Refused, Says::Allowed) => ReplayChange::Opened,
            _ => ReplayChange::Same,
        }
    }
}

/// One row: connections between two names on one port, with one answer.
#[derive(Debug, Clone)]
pub struct ReplayRow {
    /// Who connects.
    pub from: String,
    /// To whom.
    pub to: String,
    /// On what: `8080/tcp`, `icmp`.
    pub port: String,
    /// What was seen.
    pub seen: SeenOfGroup,
    /// What the candidate does.
    pub candidate: Says,
    /// What changes.
    pub change: ReplayChange,
    /// All that was counted.
    pub tally: Tally,
    /// What the log calls the addresses of the row.
    pub names: Vec<Arc<str>>,
    /// The addresses at the end that has some, the first of them, and how many there are.
    pub addresses: Vec<IpAddr>,
    /// How many there are.
    pub address_count: usize,
    /// Whether a pod connects to itself.
    pub itself: bool,
    /// What the candidate says, and why.
    pub judged: Judged,
    /// The explanation as `polder why` has it, of two ends that the answer is about.
    pub explanation: Option<Explanation>,
    /// The kinds of both ends of one of the groups.
    pub ends: (EndKind, EndKind),
    /// The port as it was seen.
    pub group_port: GroupPort,
    /// The ports that were asked for.
    pub ports: Option<PortSet>,
    /// What questions call both ends, where the log has that.
    pub asked: [Option<Asked>; 2],
    /// The Service whose address the destination is, by its namespace and name.
    pub service: Option<String>,
    /// The groups that it is made of; empty where many addresses are one row.
    pub groups: Vec<GroupKey>,
    /// The ends where staged policies, as the log has it, would do something else than the candidate: whether those would let
    /// it through.
    pub staged: Vec<(Direction, bool)>,
}

/// A finished replay.
pub struct ReplayReport {
    /// The rows: by what changes, and then by how often they were seen.
    pub rows: Vec<ReplayRow>,
    /// What is in none of them.
    pub left_out: BTreeMap<ReasonLeftOut, LoggedLines>,
    /// The logs that were read.
    pub logs: Vec<String>,
    /// How many lines they have.
    pub lines: u64,
    /// How many events they say that are missing in them.
    pub lost: u64,
    /// Their first and last time.
    pub times: LogTimes,
    /// Their formats.
    pub formats: Vec<LogFormat>,
    /// Label keys that the log leaves out, as a tier requires one that none of its pods shows.
    pub hidden: BTreeSet<Arc<str>>,
    /// Whether some time says no zone, and was taken as UTC.
    pub lacks_zone: bool,
}

impl ReplayReport {
    /// How many rows change so.
    pub fn count(&self, change: ReplayChange) -> usize {
        self.rows.iter().filter(|row| row.change == change).count()
    }

    /// How many lines could not be read.
    pub fn unreadable(&self) -> u64 {
        self.left_out.get(&ReasonLeftOut::Unreadable).map_or(0, |lines| lines.count)
    }

    /// Whether the log is no base for an answer: nothing in it was a connection, or too much of it could not be read.
    pub fn is_no_answer(&self) -> bool {
        let unreadable = self.unreadable();
        self.rows.is_empty() || (unreadable > 10 && unreadable.saturating_mul(100) > self.lines)
    }

    /// What a log is called whose line this is.
    pub fn log(&self, line: &LineNumber) -> &str {
        self.logs.get(line.log as usize).map_or("", String::as_str)
    }
}

/// What rows are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey {
    /// Who connects.
    pub from: String,
    /// To whom.
    pub to: String,
    pub port: String,
    pub itself: bool,
    pub says: Says2,
    pub why: Option<Because>,
    /// Whether all of it was refused: others of the same names that passed say nothing of those.
    pub is_refused: bool,
}

/// [`Says`] with an order.
pub(super) type Says2 = u8;

/// A row in the making.
pub(super) struct RowInMaking {
    pub tally: Tally,
    judged: Judged,
    key: GroupKey,
    pub addresses: BTreeSet<IpAddr>,
    pub targets: BTreeSet<IpAddr>,
    pub address_count: usize,
    groups: Vec<GroupKey>,
}

impl Replay<'_> {
    /// What a candidate would do with what was read.
    pub fn report(&self, candidate: &Candidate<'_>) -> ReplayReport {
        self.judged(candidate, |judge| self.report_by(judge, true))
    }

    /// The same, with each address in a row of its own.
    pub fn report_of_each(&self, candidate: &Candidate<'_>) -> ReplayReport {
        self.judged(candidate, |judge| self.report_by(judge, false))
    }

    /// Does something with what judges the groups for a candidate.
    pub(super) fn judged<T>(&self, candidate: &Candidate<'_>, act: impl FnOnce(&GroupJudge<'_>) -> T) -> T {
        let home = self.home();
        let placement =
            Placement::new(&self.roster.kinds, &self.roster.keys, home.as_deref(), &self.running, candidate);
        let programs: Vec<&FlowSet> = candidate.program.iter().map(|program| program.flows).collect();
        let policies = [candidate.policies];
        let everyone = Everyone::new(&programs, &policies, candidate.namespaces, &placement.asked, &placement.facts);
        act(&GroupJudge::new(candidate, &placement, &self.roster.kinds, &everyone))
    }

    /// The rows; whether many addresses with one answer are one of them.
    pub(super) fn report_by(&self, judge: &GroupJudge<'_>, is_collapsed: bool) -> ReplayReport {
        let mut left_out = self.left_out.clone();
        let mut drafts: BTreeMap<RowKey, RowInMaking> = BTreeMap::new();
        for (key, tally) in self.groups.all.iter().filter(|(_, tally)| tally.lines.count > 0) {
            if !tally.is_of_connections() {
                left_out.entry(ReasonLeftOut::Reply).or_default().merge(&tally.lines);
                continue;
            }
            match judge.judge(key) {
                Ok(judged) => self.file(judge, &mut drafts, key, tally, judged),
                Err(Nobody) => left_out.entry(ReasonLeftOut::Unreadable).or_default().merge(&tally.lines),
            }
        }
        let drafts = if is_collapsed { collapsed(drafts) } else { drafts };
        let mut rows: Vec<ReplayRow> = drafts.into_iter().map(|(key, draft)| self.row(judge, key, draft)).collect();
        if is_collapsed {
            rows.iter_mut().for_each(|row| row.groups = Vec::new());
        }
        rows.sort_by(|one, other| {
            let rank = |row: &ReplayRow| (row.change, std::cmp::Reverse(row.tally.attempts()));
            let names = |row: &ReplayRow| (row.from.clone(), row.to.clone(), row.port.clone());
            rank(one).cmp(&rank(other)).then_with(|| names(one).cmp(&names(other)))
        });
        ReplayReport {
            rows,
            left_out,
            logs: self.logs.clone(),
            lines: self.lines,
            lost: self.lost,
            times: self.times,
            formats: self.formats.clone(),
            hidden: judge.placement.hidden.clone(),
            lacks_zone: self.lacks_zone,
        }
    }

    /// The cluster that the log is of, where it names several: the one of most of the lines.
    pub(super) fn home(&self) -> Option<String> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (key, tally) in &self.groups.all {
            for end in [key.from, key.to] {
                // Most logs name none, and then it is the one without a name.
                if let Some(EndKind::Pods(pods)) = self.kind(end) {
                    *counts.entry(&pods.cluster).or_default() += tally.lines.count;
                }
            }
        }
        counts
            .into_iter()
            .max_by_key(|(name, count)| (*count, std::cmp::Reverse(*name)))
            .map(|(name, _)| name.to_owned())
    }

    pub(super) fn kind(&self, id: EndKindId) -> Option<&EndKind> {
        self.roster.kinds.get(id.0 as usize)
    }

    fn file(
        &self,
        judge: &GroupJudge<'_>,
        drafts: &mut BTreeMap<RowKey, RowInMaking>,
        key: &GroupKey,
        tally: &Tally,
        judged: Judged,
    ) {
        let is_address = |id: EndKindId| {
            let placed = judge.placement.places.get(id.0 as usize);
            matches!(placed, Some(PlacedEnd::Addresses(_) | PlacedEnd::Nowhere(Nowhere::ServiceAddress(_))))
        };
        let is_named = judged.says == Says::Allowed && (is_address(key.from) || is_address(key.to));
        let told = if is_named { judge.explain(key, &judged) } else { None };
        let name = |id, is_source| self.name(judge, id, is_source, &judged, told.as_ref());
        let (from, to) = (name(key.from, true), name(key.to, false));
        let row = RowKey {
            from,
            to,
            port: port_text(&key.port),
            itself: key.itself,
            says: says_order(judged.says),
            why: judged.why.clone(),
            is_refused: tally.is_refused(),
        };
        let draft = drafts.entry(row).or_insert_with(|| RowInMaking {
            tally: Tally::default(),
            judged,
            key: key.clone(),
            addresses: BTreeSet::new(),
            targets: BTreeSet::new(),
            address_count: 0,
            groups: Vec::new(),
        });
        draft.groups.push(key.clone());
        draft.tally.merge(tally);
        let address = |id: EndKindId| match (self.kind(id), &tally.sample) {
            (Some(EndKind::OwnNode(address)), _) if id == key.to => *address,
            (Some(EndKind::Unknown(_)), Some(sample)) => {
                let [source, destination] = &sample.ends;
                if id == key.from { source.1 } else { destination.1 }
            }
            (kind, _) => kind.and_then(address_of),
        };
        draft.targets.extend(address(key.to).filter(|_| draft.targets.len() < MOST_ADDRESSES));
        for address in [key.from, key.to].into_iter().filter_map(address) {
            if draft.addresses.len() < MOST_ADDRESSES && draft.addresses.insert(address) {
                draft.address_count += 1;
            }
        }
    }

    /// What an end is called.
    fn name(
        &self,
        judge: &GroupJudge<'_>,
        id: EndKindId,
        is_source: bool,
        judged: &Judged,
        told: Option<&Explanation>,
    ) -> String {
        let Some(kind) = self.kind(id) else { return String::new() };
        let placed = judge.placement.places.get(id.0 as usize);
        if let Some(PlacedEnd::Nowhere(Nowhere::Cluster)) = placed
            && let EndKind::Pods(pods) = kind
        {
            return pods.text_of_cluster();
        }
        match kind {
            EndKind::Pods(pods) => match (placed, &pods.labels) {
                (Some(PlacedEnd::Pods(end)), _) => names::pods(judge, *end),
                (Some(PlacedEnd::AnyOf(set)), Some(_)) => match set.peers.as_slice() {
                    [Peers::Pods { pods: known, .. }] => names::of_some(judge, pods, known),
                    _ => pods.text(),
                },
                _ => format!("{}/{NO_LABELS}", pods.namespace),
            },
            EndKind::Known(_) => match placed {
                Some(PlacedEnd::Pods(end)) => names::pods(judge, *end),
                _ => String::new(),
            },
            EndKind::Named(text) => text.to_string(),
            EndKind::Proxy => "reserved:ingress".to_owned(),
            EndKind::Unknown(Unidentified::Starting) => "reserved:init".to_owned(),
            EndKind::Unknown(Unidentified::Unmanaged) => "reserved:unmanaged".to_owned(),
            EndKind::Unknown(Unidentified::Address) => "(unknown)".to_owned(),
            EndKind::Unnamed(Unnamed::Public) => "a public address that the log does not name".to_owned(),
            EndKind::Unnamed(Unnamed::Private) => "a private address that the log does not name".to_owned(),
            EndKind::Address(..) | EndKind::Service(_) | EndKind::OwnNode(_) | EndKind::Node(_) => {
                self.address_name(judge, (kind, placed), is_source, judged, told)
            }
        }
    }

    /// An address by the name that the statement which decides has for it, or by itself.
    fn address_name(
        &self,
        judge: &GroupJudge<'_>,
        (kind, placed): (&EndKind, Option<&PlacedEnd>),
        is_source: bool,
        judged: &Judged,
        told: Option<&Explanation>,
    ) -> String {
        if let (Some(PlacedEnd::Service(service)), None | Some(Because::Open)) = (placed, &judged.why)
            && let Some(first) = service.pods.first()
        {
            let behind = judged.pair.as_ref().map(|(_, destination, _)| *destination);
            return names::pods(judge, behind.filter(|end| service.pods.contains(end)).unwrap_or(*first));
        }
        let at = match placed {
            Some(PlacedEnd::Addresses(all)) => all.first(),
            Some(PlacedEnd::Nowhere(Nowhere::ServiceAddress(at))) => Some(at),
            _ => None,
        };
        if let Some(name) = told.zip(at).and_then(|(told, at)| names::of_statement(judge, told, *at, is_source)) {
            return name;
        }
        match kind {
            EndKind::OwnNode(_) => "its own node".to_owned(),
            EndKind::Node(_) => "node".to_owned(),
            EndKind::Address(address, _) | EndKind::Service(address) => address.to_string(),
            _ => String::new(),
        }
    }

    fn row(&self, judge: &GroupJudge<'_>, key: RowKey, draft: RowInMaking) -> ReplayRow {
        let RowInMaking { tally, judged, key: group, addresses, targets, address_count, groups } = draft;
        let RowKey { from, to, port, itself, .. } = key;
        let is_tcp = matches!(group.port, GroupPort::Number(Protocol::Tcp, _) | GroupPort::Named(Protocol::Tcp, _));
        let seen = tally.seen(is_tcp);
        let change = ReplayChange::of(seen, judged.says);
        let explanation = judge.explain(&group, &judged);
        let mut names: Vec<Arc<str>> = tally.names.to_vec();
        for name in targets.iter().filter_map(|address| self.names.get(address)).flatten() {
            if !names.contains(name) && names.len() < 16 {
                names.push(name.clone());
            }
        }
        let placed = judge.placement.places.get(group.to.0 as usize);
        let service = match placed {
            Some(PlacedEnd::Service(at)) => judge.candidate.cluster.services.get(at.service),
            _ => None,
        };
        let ports = placed.and_then(|placed| match &group.port {
            GroupPort::Number(protocol, number) => Some(PortSet::number(*protocol, *number)),
            GroupPort::Named(protocol, name) => judge.named_port(*protocol, name, placed),
            GroupPort::Icmp | GroupPort::Other => None,
        });
        let port = match (&group.port, &ports) {
            (GroupPort::Named(..), Some(ports)) => ports.to_string(),
            _ => port,
        };
        let kind = |id| self.kind(id).cloned().unwrap_or(EndKind::Proxy);
        let staged = judge.unlike_staged(&group, judged.pair.as_ref(), &tally);
        let asked = [group.from, group.to].map(|id| names::asked(judge, id, &judged));
        ReplayRow {
            from,
            to,
            port,
            seen,
            candidate: judged.says,
            change,
            names,
            addresses: addresses.into_iter().collect(),
            address_count,
            itself,
            judged,
            explanation,
            ends: (kind(group.from), kind(group.to)),
            group_port: group.port,
            ports,
            asked,
            service: match service {
                Some(service) => Some(format!("{}/{}", service.namespace, service.name)),
                None => tally.service.as_deref().map(str::to_owned),
            },
            staged,
            tally,
            groups,
        }
    }
}

fn says_order(says: Says) -> u8 {
    match says {
        Says::Allowed => 0,
        Says::Denied => 1,
        Says::Unknown => 2,
    }
}

fn address_of(kind: &EndKind) -> Option<IpAddr> {
    match kind {
        EndKind::Address(address, _) | EndKind::Service(address) => Some(*address),
        EndKind::Node(address) => *address,
        _ => None,
    }
}

/// A port as reports write it.
fn port_text(port: &GroupPort) -> String {
    match port {
        GroupPort::Number(protocol, number) => format!("{number}/{}", protocol.keyword()),
        GroupPort::Named(protocol, name) => format!("{name}/{}", protocol.keyword()),
        GroupPort::Icmp => "icmp".to_owned(),
        GroupPort::Other => "other".to_owned(),
    }
}
