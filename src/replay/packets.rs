//! Which of two packets between the same ports opened a connection, and which answered, where the format says it of neither.

use super::seen::{LoggedPort, Observation};
use crate::net::Protocol;
use crate::replay::ends::address_of;
use rustc_hash::FxHashMap;
use std::net::IpAddr;

/// The ports from here on are given to whoever asks for any.
pub(super) const EPHEMERAL: u16 = 32_768;

/// So many connections are remembered at least, and twice as many at most: answers come soon, but each node has a log of its own.
const MOST_PACKETS: usize = 1 << 17;

/// The ends of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct PacketEnds {
    protocol: Protocol,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
}

/// What is remembered of packets of the same ends.
#[derive(Debug, Clone, Copy)]
struct NotedPackets {
    /// The place of the group that they are in.
    group: u32,
    /// How many of its lines they are.
    lines: u64,
    /// The first time.
    time: Option<i64>,
    /// Whether one of them opens a connection for sure.
    opens: bool,
}

/// A packet that may open a connection or answer one.
#[derive(Debug, Clone, Copy)]
pub(super) struct PacketSeen {
    ends: PacketEnds,
    time: Option<i64>,
    opens: bool,
}

/// What the packets before say of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PacketBefore {
    /// Nothing.
    None,
    /// It answers a connection of this group.
    Answered(u32),
    /// So many lines of this group answer it.
    Answers(u32, u64),
}

/// The packets that were seen, as far as they are remembered.
#[derive(Debug, Default)]
pub(super) struct Packets {
    young: FxHashMap<PacketEnds, NotedPackets>,
    old: FxHashMap<PacketEnds, NotedPackets>,
}

impl PacketSeen {
    /// The packet of a line whose format does not say for sure which way it goes.
    pub(super) fn of(seen: &Observation<'_>) -> Option<PacketSeen> {
        let way = seen.way?;
        let LoggedPort::Number(protocol, to) = seen.port else { return None };
        let (source, destination) = (address_of(&seen.from)?, address_of(&seen.to)?);
        let ends = PacketEnds { protocol, from: (source, way.from_port), to: (destination, to) };
        Some(PacketSeen { ends, time: seen.time, opens: way.opens })
    }

    /// Whether it answers packets that went the other way, and not they it.
    fn answers(&self, other: &NotedPackets) -> bool {
        let is_any = |(_, port): (IpAddr, u16)| port >= EPHEMERAL;
        let PacketEnds { from, to, .. } = self.ends;
        if self.opens != other.opens {
            return other.opens;
        }
        match (is_any(from), is_any(to), self.time, other.time) {
            (false, true, ..) => true,
            (true, false, ..) => false,
            (.., Some(mine), Some(theirs)) if mine != theirs => mine > theirs,
            // Servers have the lower one, and whatever the order of the lines is, the answer is the same.
            _ => (to.1, to.0) > (from.1, from.0),
        }
    }
}

impl PacketEnds {
    fn reversed(self) -> PacketEnds {
        PacketEnds { from: self.to, to: self.from, ..self }
    }
}

impl Packets {
    /// What the packets that went the other way say of one; those that answer it are forgotten.
    pub(super) fn before(&mut self, packet: &PacketSeen) -> PacketBefore {
        let ends = packet.ends.reversed();
        let Some(other) = self.young.get(&ends).or_else(|| self.old.get(&ends)).copied() else {
            return PacketBefore::None;
        };
        if packet.answers(&other) {
            return PacketBefore::Answered(other.group);
        }
        self.young.remove(&ends);
        self.old.remove(&ends);
        PacketBefore::Answers(other.group, other.lines)
    }

    /// Remembers a packet that is in this group.
    pub(super) fn note(&mut self, packet: &PacketSeen, group: u32) {
        let PacketSeen { ends, time, opens } = *packet;
        if self.young.len() >= MOST_PACKETS {
            self.old = std::mem::take(&mut self.young);
        }
        let known = self.old.remove(&ends);
        let noted =
            self.young.entry(ends).or_insert_with(|| known.unwrap_or(NotedPackets { group, lines: 0, time, opens }));
        noted.lines += 1;
        noted.opens |= opens;
        noted.time = match (noted.time, time) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}
