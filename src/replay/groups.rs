//! Connections of a log that are alike, gathered line by line: memory grows with the groups and not with the lines.

use super::ends::{BothEnds, EndKindId};
use super::read::NOBODY_ANSWERED;
use super::seen::{LoggedEnd, LoggedPort, Observation, Observer, SeenVerdict};
use crate::net::{Direction, Protocol};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::Arc;

/// More groups are not kept.
pub const MOST_GROUPS: usize = 1_000_000;

/// So many lines of each group and each reason are named.
pub(super) const MOST_LINES: usize = 10;

/// The ports below are a server's: whoever connects gets another one.
const FIRST_FREE: u16 = 1024;

/// So many names of each group are kept.
const MOST_NAMES: usize = 16;

/// A line, by the place of its log among those that were read and its number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineNumber {
    /// The place of the log.
    pub log: u32,
    /// The number.
    pub line: u64,
}

/// The first of some lines, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoggedLines {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: SmallVec<[LineNumber; 2]>,
}

impl LoggedLines {
    /// One more.
    pub fn add(&mut self, line: LineNumber) {
        self.count += 1;
        if self.first.len() < MOST_LINES {
            self.first.push(line);
        }
    }

    /// These, too.
    pub fn merge(&mut self, other: &LoggedLines) {
        self.count += other.count;
        self.first.extend(other.first.iter().copied());
        self.first.sort_unstable();
        self.first.truncate(MOST_LINES);
    }
}

/// What a connection is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupPort {
    /// A protocol and a number.
    Number(Protocol, u16),
    /// A protocol and the name of a port.
    Named(Protocol, Arc<str>),
    /// ICMP.
    Icmp,
    /// Something else.
    Other,
}

impl GroupPort {
    fn of(port: &LoggedPort<'_>) -> GroupPort {
        match port {
            LoggedPort::Number(protocol, number) => GroupPort::Number(*protocol, *number),
            LoggedPort::Named(protocol, name) => GroupPort::Named(*protocol, (*name).into()),
            LoggedPort::Icmp => GroupPort::Icmp,
            LoggedPort::Other => GroupPort::Other,
        }
    }
}

/// What connections of one group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    /// Who connects.
    pub from: EndKindId,
    /// To whom.
    pub to: EndKindId,
    /// On what.
    pub port: GroupPort,
    /// Whether a pod connects to itself.
    pub itself: bool,
    /// Whether it is about those alone that were refused, as an end stands for many, and others of them passed.
    pub is_refused_alone: bool,
}

/// What was seen of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// The lines.
    pub lines: LoggedLines,
    /// The opening lines of each observer, kind of line and point.
    cells: SmallVec<[(u16, u64); 2]>,
    /// For each observer, how many lines say that it passed, was audited, was refused.
    verdicts: [[u64; 3]; 3],
    /// How many replies there are, and how many of them say that nobody listens.
    replies: [u64; 2],
    /// The first and the last time.
    pub times: Option<(i64, i64)>,
    /// One of the connections.
    pub sample: Option<Box<SampleConnection>>,
    /// DNS names of the destination, as the log has them.
    pub names: SmallVec<[Arc<str>; 1]>,
    /// The Service whose address the destination is, as the log has it: its namespace and name.
    pub service: Option<Box<str>>,
    /// How many lines of each end say that staged policies would let it through, and that they would not.
    staged: [[u64; 2]; 3],
    /// How many lines turned out to answer connections of another group.
    answering: u64,
    /// How many lines come from ports that only servers have, as those of answers do.
    from_low_ports: u64,
}

/// One connection of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleConnection {
    /// When.
    pub time: Option<i64>,
    /// The names and the addresses of both ends, as far as the log has them.
    pub ends: [(Option<Box<str>>, Option<IpAddr>); 2],
}

/// What was seen, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeenOfGroup {
    /// Some connection was let through.
    Passed,
    /// Some was let through, and a policy would have refused it.
    Audited,
    /// All were refused by policies.
    Refused,
    /// They were let through, and all replies say that nobody listens.
    Unanswered,
}

impl SeenOfGroup {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            SeenOfGroup::Passed => "passed",
            SeenOfGroup::Audited => "audited",
            SeenOfGroup::Refused => "refused",
            SeenOfGroup::Unanswered => "unanswered",
        }
    }
}

impl Tally {
    fn add(&mut self, seen: &Observation<'_>, line: LineNumber) {
        self.lines.add(line);
        for (observer, count) in Observer::ALL.into_iter().zip(seen.counts) {
            if count == 0 && observer != seen.observer {
                continue;
            }
            let verdicts = self.verdicts.get_mut(observer as usize).and_then(|one| one.get_mut(seen.verdict as usize));
            if let Some(verdicts) = verdicts {
                *verdicts = verdicts.saturating_add(count.max(1));
            }
            if seen.opens {
                self.count(u16::from(seen.point) | (observer as u16) << 8, count);
            }
        }
        if let Some(passes) = seen.staged
            && let Some([yes, no]) = self.staged.get_mut(seen.observer as usize)
        {
            *(if passes { yes } else { no }) += 1;
        }
        self.from_low_ports += u64::from(seen.way.is_some_and(|way| way.from_port < FIRST_FREE && !way.opens));
        if seen.point == NOBODY_ANSWERED {
            self.replies = self.replies.map(|count| count + 1);
        }
        let times = seen.time.map(|first| (first, seen.last.unwrap_or(first).max(first)));
        self.widen(times);
    }

    fn count(&mut self, cell: u16, count: u64) {
        match self.cells.iter_mut().find(|(known, _)| *known == cell) {
            Some((_, all)) => *all = all.saturating_add(count),
            None => self.cells.push((cell, count)),
        }
    }

    fn widen(&mut self, times: Option<(i64, i64)>) {
        self.times = match (self.times, times) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }

    /// What was seen of another group, too.
    pub fn merge(&mut self, other: &Tally) {
        self.lines.merge(&other.lines);
        other.cells.iter().for_each(|(cell, count)| self.count(*cell, *count));
        for (mine, theirs) in self.verdicts.iter_mut().flatten().zip(other.verdicts.iter().flatten()) {
            *mine = mine.saturating_add(*theirs);
        }
        for (mine, theirs) in self.replies.iter_mut().zip(other.replies) {
            *mine += theirs;
        }
        for (mine, theirs) in self.staged.iter_mut().flatten().zip(other.staged.iter().flatten()) {
            *mine = mine.saturating_add(*theirs);
        }
        self.answering += other.answering;
        self.from_low_ports += other.from_low_ports;
        self.widen(other.times);
        if self.sample.as_ref().is_none_or(|mine| other.sample.as_ref().is_some_and(|other| other.time < mine.time)) {
            self.sample.clone_from(&other.sample);
        }
        if self.service.is_none() {
            self.service.clone_from(&other.service);
        }
        for name in &other.names {
            if !self.names.contains(name) && self.names.len() < MOST_NAMES {
                self.names.push(name.clone());
            }
        }
    }

    /// How many connections there were, as far as the log can say: what several points saw of one packet counts once.
    pub fn attempts(&self) -> u64 {
        self.cells.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1)
    }

    /// Whether any line of it is about a connection of its own.
    pub fn is_of_connections(&self) -> bool {
        self.lines.count > self.answering
    }

    /// Whether all lines may be answers, by the ports that they are from.
    pub fn may_answer(&self) -> bool {
        self.lines.count > 0 && self.from_low_ports >= self.lines.count
    }

    /// Whether only packets of open connections were seen.
    pub fn is_only_established(&self) -> bool {
        self.cells.is_empty()
    }

    /// Whether nothing says that any of it was let through.
    pub fn is_refused(&self) -> bool {
        let [passed, audited, _] = self.deciding();
        passed == 0 && audited == 0
    }

    /// Whether something says that the destination answered.
    pub fn is_answered(&self) -> bool {
        let [replies, resets] = self.replies;
        replies > resets || self.is_only_established()
    }

    /// How many lines say that it was refused although others say that it passed.
    pub fn refusals(&self) -> u64 {
        self.deciding().get(SeenVerdict::Refused as usize).copied().unwrap_or(0)
    }

    /// The lines of the end whose word counts.
    fn deciding(&self) -> [u64; 3] {
        self.verdicts.iter().find(|one| one.iter().any(|count| *count > 0)).copied().unwrap_or_default()
    }

    /// What was seen, over TCP or not.
    pub fn seen(&self, is_tcp: bool) -> SeenOfGroup {
        let was_audited = self.verdicts.iter().any(|[_, audited, _]| *audited > 0);
        let [replies, resets] = self.replies;
        match () {
            () if self.is_refused() => SeenOfGroup::Refused,
            () if was_audited => SeenOfGroup::Audited,
            () if is_tcp && replies > 0 && replies == resets => SeenOfGroup::Unanswered,
            () => SeenOfGroup::Passed,
        }
    }

    /// What staged policies would do at the end that is in this direction from its policies, where all lines agree on that.
    pub fn staged(&self, direction: Direction) -> Option<bool> {
        let observer = match direction {
            Direction::Ingress => Observer::Destination,
            Direction::Egress => Observer::Source,
        };
        match self.staged.get(observer as usize)? {
            [0, 0] => None,
            [_, 0] => Some(true),
            [0, _] => Some(false),
            _ => None,
        }
    }

    /// Whether some line says that a connection passed.
    pub fn has_passed(&self) -> bool {
        self.verdicts.iter().any(|[passed, audited, _]| passed + audited > 0)
    }
}

/// All groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    places: FxHashMap<GroupKey, u32>,
    /// They, in the order in which they were first seen.
    pub all: Vec<(GroupKey, Tally)>,
    names: FxHashMap<Box<str>, Arc<str>>,
}

impl Groups {
    fn at(&mut self, ends: BothEnds, port: &LoggedPort<'_>, is_refused_alone: bool) -> Option<(u32, &mut Tally)> {
        let BothEnds { from, to, itself } = ends;
        let key = GroupKey { from, to, port: GroupPort::of(port), itself, is_refused_alone };
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.all.len() >= MOST_GROUPS => return None,
            None => {
                let place = crate::table::number(self.all.len());
                self.places.insert(key.clone(), place);
                self.all.push((key, Tally::default()));
                place
            }
        };
        self.all.get_mut(place as usize).map(|(_, tally)| (place, tally))
    }

    /// Adds a line, and gives the place of its group; nothing when there are too many groups.
    pub(super) fn add(&mut self, ends: BothEnds, seen: &Observation<'_>, line: LineNumber) -> Option<u32> {
        let names = seen.names.filter(|names| names.len() > 2);
        let names = names.map(|names| self.intern(names)).unwrap_or_default();
        let is_many =
            seen.is_summed || [&seen.from, &seen.to].into_iter().any(|end| matches!(end, LoggedEnd::Unnamed(_)));
        let (place, tally) = self.at(ends, &seen.port, is_many && seen.verdict == SeenVerdict::Refused)?;
        tally.add(seen, line);
        for name in names {
            if !tally.names.contains(&name) && tally.names.len() < MOST_NAMES {
                tally.names.push(name);
            }
        }
        if tally.service.is_none() {
            tally.service = seen.service.map(|(namespace, name)| format!("{namespace}/{name}").into());
        }
        if tally.sample.is_none() {
            let ends = [&seen.from, &seen.to].map(|end| (name_of(end).map(Into::into), super::ends::address_of(end)));
            tally.sample = Some(Box::new(SampleConnection { time: seen.time, ends }));
        }
        Some(place)
    }

    /// Notes that somebody answered a connection of the group at a place.
    pub(super) fn answered(&mut self, place: u32) {
        if let Some((_, tally)) = self.all.get_mut(place as usize) {
            let [replies, _] = &mut tally.replies;
            *replies += 1;
        }
    }

    /// Notes that so many lines of the group at a place only answer others.
    pub(super) fn take_back(&mut self, place: u32, lines: u64) {
        if let Some((_, tally)) = self.all.get_mut(place as usize) {
            tally.answering += lines;
        }
    }

    /// Adds a reply to a connection between these ends; false when there are too many groups.
    pub(super) fn answer(&mut self, ends: BothEnds, port: &LoggedPort<'_>, resets: bool) -> bool {
        let Some((_, tally)) = self.at(ends, port, false) else { return false };
        let [replies, all_resets] = &mut tally.replies;
        *replies += 1;
        *all_resets += u64::from(resets);
        true
    }

    /// The names of a list in JSON, each of which is in memory once.
    fn intern(&mut self, list: &str) -> SmallVec<[Arc<str>; 1]> {
        /// Of more lists of names nothing is kept.
        const MOST: usize = 100_000;
        if let Some(name) = self.names.get(list) {
            return SmallVec::from_iter([name.clone()]);
        }
        let Ok(names) = serde_json::from_str::<Vec<String>>(list) else { return SmallVec::new() };
        let names: SmallVec<[Arc<str>; 1]> = names.into_iter().map(Into::into).collect();
        if let ([one], true) = (names.as_slice(), self.names.len() < MOST) {
            self.names.insert(list.into(), one.clone());
        }
        names
    }
}

/// The name of a pod.
fn name_of<'e>(end: &'e LoggedEnd<'_>) -> Option<&'e str> {
    match end {
        LoggedEnd::Pod(pod) => Some(pod.name).filter(|name| !name.is_empty()),
        LoggedEnd::Written(text) => Some(text),
        _ => None,
    }
}
