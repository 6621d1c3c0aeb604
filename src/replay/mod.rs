//! Flow logs against policies: what was seen, what a candidate would do with it, and what changes.
//!
//! Readers turn a line into what it saw and know nothing of policies; verdicts know nothing of formats. Between them are
//! groups of connections that are alike, which is all that is kept of a log.

mod collapsed;
mod ends;
mod groups;
mod judged;
mod learn;
mod names;
mod packets;
mod place;
mod read;
mod report;
mod saved;
mod seen;
mod staged;
mod verdict;

pub use ends::{EndKind, EndKindId, PodsOfLog, PodsThatRun, UnshownLabels};
pub use groups::{GroupKey, GroupPort, LineNumber, LoggedLines, MOST_GROUPS, SampleConnection, SeenOfGroup, Tally};
pub use judged::{Because, Judged, Unclear};
pub use learn::{
    CidrWidening, LearnOptions, LearnedCidr, LearnedEnd, LearnedFlow, LearnedPort, LearnedTier, Lessons, WhyNotLearned,
    WiderEnd,
};
pub use read::LogFormat;
pub use report::{LogTimes, ReplayChange, ReplayReport, ReplayRow};
pub use saved::SavedGroups;
pub use seen::{ReasonLeftOut, Unidentified, Unnamed};
pub use verdict::Candidate;

/// A time in RFC 3339, with slashes, or in seconds since 1970, in nanoseconds since then.
pub fn parse_time(text: &str) -> Option<i64> {
    read::time::parse(text)
}

/// Year, month, day, hour, minute and second of a time.
pub fn time_parts(nanos: i64) -> [i64; 6] {
    read::time::parts(nanos)
}

/// The name of a month, which are numbered from 1.
pub fn month_name(number: i64) -> &'static str {
    read::time::month(number)
}

/// A time as RFC 3339 has it, to the second.
pub fn time_text(nanos: i64) -> String {
    read::time::text(nanos)
}

use ends::Roster;
use groups::Groups;
use packets::{PacketBefore, PacketSeen, Packets};
use read::{Cutter, FileReader, FollowedLines, JsonPlace, LogPiece, detect, detect_list};
use rustc_hash::FxHashMap;
use seen::{LogLine, LoggedReply, Observation};
use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::net::IpAddr;
use std::sync::Arc;

/// What of a log is read, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayOptions {
    /// Its format; `None` for what its first line shows.
    pub format: Option<LogFormat>,
    /// Nothing older than this.
    pub since: Option<i64>,
    /// Nothing newer.
    pub until: Option<i64>,
}

/// Why a log is not read to its end.
#[derive(Debug)]
pub enum Stopped {
    /// It cannot be read.
    Io(io::Error),
    /// Its first line is of no known format.
    UnknownFormat(String),
    /// There are too many groups.
    TooMany,
    /// Whoever watches had enough.
    Interrupted,
}

/// Names that a log gives to addresses; of more nothing is kept.
const MOST_NAMED: usize = 100_000;

/// Everything that logs say, gathered.
pub struct Replay<'c> {
    running: PodsThatRun<'c>,
    options: ReplayOptions,
    roster: Roster,
    groups: Groups,
    packets: Packets,
    left_out: BTreeMap<ReasonLeftOut, LoggedLines>,
    names: FxHashMap<IpAddr, Vec<Arc<str>>>,
    /// What the logs are called, in the order in which they were read.
    logs: Vec<String>,
    lines: u64,
    lost: u64,
    times: LogTimes,
    formats: Vec<LogFormat>,
    lacks_zone: bool,
}

impl<'c> Replay<'c> {
    /// Nothing yet, where these run.
    pub fn new(running: PodsThatRun<'c>, options: ReplayOptions) -> Replay<'c> {
        Replay {
            running,
            options,
            roster: Roster::default(),
            groups: Groups::default(),
            packets: Packets::default(),
            left_out: BTreeMap::new(),
            names: FxHashMap::default(),
            logs: Vec::new(),
            lines: 0,
            lost: 0,
            times: LogTimes::default(),
            formats: Vec::new(),
            lacks_zone: false,
        }
    }

    /// How many lines were read.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Reads a log to its end. After each line `watch` may say that it is enough, and is told how many bytes were read.
    pub fn read(
        &mut self,
        name: &str,
        input: &mut dyn BufRead,
        watch: &mut dyn FnMut(&Replay<'c>, u64) -> bool,
    ) -> Result<(), Stopped> {
        let log = crate::table::number(self.logs.len());
        self.logs.push(name.to_owned());
        let mut cutter = Cutter::new(input);
        let list = detect_list(cutter.peek().map_err(Stopped::Io)?);
        let list = list.filter(|list| self.options.format.is_none_or(|format| format.has_lists() && format == *list));
        let mut reader = list.map(|format| self.reader(format));
        let mut place = list.map(|_| JsonPlace::default());
        let mut line = 0;
        loop {
            let bytes = cutter.read();
            let piece = match &mut place {
                Some(place) => cutter.item(place),
                None => cutter.line(),
            };
            let Some(piece) = piece.map_err(Stopped::Io)? else { return Ok(()) };
            line += 1;
            self.lines += 1;
            let at = LineNumber { log, line };
            match piece {
                LogPiece::Line(text) => self.line(&mut reader, text, at)?,
                LogPiece::TooLong => {
                    self.leave(ReasonLeftOut::Unreadable, at);
                    continue;
                }
            }
            if !watch(self, bytes) {
                return Err(Stopped::Interrupted);
            }
        }
    }

    /// Reads a log while it is written: `next` waits for more of it and gives nothing at its end. After all lines that are
    /// there, `watch` may say that it is enough.
    pub fn follow(
        &mut self,
        name: &str,
        next: &mut dyn FnMut() -> io::Result<Option<Vec<u8>>>,
        watch: &mut dyn FnMut(&Replay<'c>) -> bool,
    ) -> Result<(), Stopped> {
        let log = crate::table::number(self.logs.len());
        self.logs.push(name.to_owned());
        let mut lines = FollowedLines::default();
        let mut reader = None;
        let mut number = 0;
        loop {
            let more = next().map_err(Stopped::Io)?;
            let is_end = more.is_none();
            lines.add(&more.unwrap_or_default(), is_end);
            while let Some(piece) = lines.next() {
                number += 1;
                self.lines += 1;
                let at = LineNumber { log, line: number };
                match &piece {
                    Some(text) => self.line(&mut reader, text, at)?,
                    None => self.leave(ReasonLeftOut::Unreadable, at),
                }
            }
            if !watch(self) || is_end {
                return Ok(());
            }
        }
    }

    /// How many kinds of connections there are.
    pub fn kinds_of_connections(&self) -> usize {
        self.groups.all.len()
    }

    /// Takes a line, the first of which shows the format.
    fn line(&mut self, reader: &mut Option<FileReader>, text: &[u8], at: LineNumber) -> Result<(), Stopped> {
        let trimmed = text.trim_ascii();
        if reader.is_none() && !trimmed.is_empty() && !trimmed.starts_with(b"#") {
            let format = self.options.format.or_else(|| detect(trimmed)).ok_or_else(|| unknown(trimmed))?;
            *reader = Some(self.reader(format));
        }
        let Some(reader) = reader else {
            self.leave(ReasonLeftOut::Blank, at);
            return Ok(());
        };
        let mut is_full = false;
        reader.read(text, &mut |line| is_full |= !self.take(line, at));
        if is_full { Err(Stopped::TooMany) } else { Ok(()) }
    }

    fn reader(&mut self, format: LogFormat) -> FileReader {
        if !self.formats.contains(&format) {
            self.formats.push(format);
        }
        FileReader::new(format)
    }

    fn leave(&mut self, reason: ReasonLeftOut, at: LineNumber) {
        self.left_out.entry(reason).or_default().add(at);
    }

    /// Takes what a line says; false when there are too many groups.
    fn take(&mut self, line: LogLine<'_>, at: LineNumber) -> bool {
        match line {
            LogLine::Flow(seen) => return self.take_flow(&seen, at),
            LogLine::Reply(reply) => return self.take_reply(&reply, at),
            LogLine::LeftOut(reason) => self.leave(reason, at),
            LogLine::Detail(addresses, name) => {
                let name: Arc<str> = name.into();
                for address in addresses {
                    if self.names.len() < MOST_NAMED || self.names.contains_key(&address) {
                        let names = self.names.entry(address).or_default();
                        if !names.contains(&name) && names.len() < 4 {
                            names.push(name.clone());
                        }
                    }
                }
                self.leave(ReasonLeftOut::L7, at);
            }
            LogLine::Lost(count, time) => {
                self.times.add(time);
                self.lost = self.lost.saturating_add(count);
                self.leave(ReasonLeftOut::Lost, at);
            }
        }
        true
    }

    fn is_in_time(&self, time: Option<i64>) -> bool {
        let ReplayOptions { since, until, .. } = self.options;
        match time {
            Some(time) => since.is_none_or(|since| time >= since) && until.is_none_or(|until| time <= until),
            // What has no time was asked for only where no time was.
            None => since.is_none() && until.is_none(),
        }
    }

    fn take_flow(&mut self, seen: &Observation<'_>, at: LineNumber) -> bool {
        if !self.is_in_time(seen.last.or(seen.time)) {
            self.leave(ReasonLeftOut::Time, at);
            return true;
        }
        self.times.add(seen.time);
        self.times.add(seen.last);
        self.lacks_zone |= seen.lacks_zone;
        let packet = PacketSeen::of(seen);
        match packet.as_ref().map_or(PacketBefore::None, |packet| self.packets.before(packet)) {
            PacketBefore::None => {}
            PacketBefore::Answered(group) => {
                self.groups.answered(group);
                self.leave(ReasonLeftOut::Reply, at);
                return true;
            }
            PacketBefore::Answers(group, lines) => self.groups.take_back(group, lines),
        }
        let ends = self.roster.both(&self.running, &seen.from, &seen.to);
        let Some(group) = self.groups.add(ends, seen, at) else { return false };
        if let Some(packet) = packet {
            self.packets.note(&packet, group);
        }
        true
    }

    fn take_reply(&mut self, reply: &LoggedReply<'_>, at: LineNumber) -> bool {
        self.leave(ReasonLeftOut::Reply, at);
        if !self.is_in_time(reply.time) {
            return true;
        }
        self.times.add(reply.time);
        let ends = self.roster.both(&self.running, &reply.from, &reply.to);
        self.groups.answer(ends, &reply.port, reply.resets)
    }
}

/// What the first line of a log is that has no known format.
fn unknown(line: &[u8]) -> Stopped {
    const MOST: usize = 80;
    let text = String::from_utf8_lossy(line);
    Stopped::UnknownFormat(text.chars().take(MOST).collect())
}
