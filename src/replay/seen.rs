//! What one line of a flow log says, whatever its format: plain data that borrows from the line.

use crate::net::Protocol;
use std::net::IpAddr;

/// A connection as one line of a log saw it.
#[derive(Debug, Clone)]
pub(super) struct Observation<'l> {
    /// Who connects.
    pub from: LoggedEnd<'l>,
    /// To whom.
    pub to: LoggedEnd<'l>,
    /// On what.
    pub port: LoggedPort<'l>,
    /// What became of it.
    pub verdict: SeenVerdict,
    /// Who reports it.
    pub observer: Observer,
    /// The kind of line and the point in the network that it is from: what several of them saw of one packet counts once.
    pub point: u8,
    /// Whether it opens a connection, and does not belong to one that is open.
    pub opens: bool,
    /// How many it stands for at each observer, in their order; [`Observation::once`] of one.
    pub counts: [u64; 3],
    /// When, in nanoseconds since 1970.
    pub time: Option<i64>,
    /// The last time, where it stands for several.
    pub last: Option<i64>,
    /// DNS names of the destination, as a list in JSON.
    pub names: Option<&'l str>,
    /// The namespace and the name of the Service whose address the destination is.
    pub service: Option<(&'l str, &'l str)>,
    /// Whether its time says no zone, so that it was taken as UTC.
    pub lacks_zone: bool,
    /// Whether staged policies would let it through at the end that reports it, as the log has it.
    pub staged: Option<bool>,
    /// Which way the packet goes, where the format does not say it for sure.
    pub way: Option<PacketWay>,
    /// Whether its line stands for many connections, so that what was refused of the same ends is about others than what passed.
    pub is_summed: bool,
}

/// What a line shows of the way of its packet, where the format does not say whether it opens a connection or answers one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PacketWay {
    /// The port that it is from.
    pub from_port: u16,
    /// Whether it opens a connection for sure.
    pub opens: bool,
}

impl PacketWay {
    /// From this port, of which nothing else is said.
    pub(super) fn from(port: u16) -> Option<PacketWay> {
        Some(PacketWay { from_port: port, opens: false })
    }
}

impl<'l> Observation<'l> {
    /// One of so many connections of which nothing else is said yet.
    pub(super) fn of(observer: Observer, count: u64) -> Observation<'l> {
        Observation {
            from: LoggedEnd::Unidentified(None, Unidentified::Address),
            to: LoggedEnd::Unidentified(None, Unidentified::Address),
            port: LoggedPort::Other,
            verdict: SeenVerdict::Passed,
            observer,
            point: 0,
            opens: true,
            counts: Observation::once(observer, count),
            time: None,
            last: None,
            names: None,
            service: None,
            lacks_zone: false,
            staged: None,
            way: None,
            is_summed: false,
        }
    }

    /// The counts of a line that stands for `count` connections.
    pub(super) fn once(observer: Observer, count: u64) -> [u64; 3] {
        Observer::ALL.map(|one| if one == observer { count } else { 0 })
    }
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeenVerdict {
    /// It was let through.
    Passed,
    /// It was let through, and a policy would have refused it.
    Audited,
    /// A policy refused it.
    Refused,
}

/// Which end of a connection reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Observer {
    /// The destination's, whose word counts first.
    Destination,
    /// The source's.
    Source,
    /// The log does not say.
    Unknown,
}

impl Observer {
    /// All, those first whose word counts first.
    pub(super) const ALL: [Observer; 3] = [Observer::Destination, Observer::Source, Observer::Unknown];
}

/// An end of a connection as a log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoggedEnd<'l> {
    /// A pod.
    Pod(LoggedPod<'l>),
    /// An address that is known to be outside of the cluster.
    Outside(IpAddr),
    /// The address of a Service.
    Service(IpAddr),
    /// The node that the other end runs on.
    OwnNode(Option<IpAddr>),
    /// Some node, or the API server.
    Node(Option<IpAddr>),
    /// A proxy of the network plugin, which is no pod.
    Proxy,
    /// Nobody knows who has the address.
    Unidentified(Option<IpAddr>, Unidentified),
    /// An address that the log does not name.
    Unnamed(Unnamed),
    /// As somebody writes it for a question of Polder.
    Written(&'l str),
}

/// Why the end of a connection is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unidentified {
    /// The log has addresses only, or no identity for this one.
    Address,
    /// A pod that had no identity yet.
    Starting,
    /// A pod that the network plugin does not manage.
    Unmanaged,
}

/// Addresses that a log does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unnamed {
    /// Some public one.
    Public,
    /// Some private one.
    Private,
}

/// A pod as a log names it. What is not said is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LoggedPod<'l> {
    /// The cluster.
    pub cluster: &'l str,
    /// Its namespace.
    pub namespace: &'l str,
    /// Its name.
    pub name: &'l str,
    /// Its labels.
    pub labels: LoggedLabels<'l>,
    /// Its address.
    pub address: Option<IpAddr>,
}

/// Labels as a log has them, not taken apart yet: most lines have those of a line before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum LoggedLabels<'l> {
    /// It has none.
    #[default]
    Missing,
    /// A list in JSON, as Cilium has it: `["k8s:app=web"]`.
    Cilium(&'l str),
    /// What all pods of an aggregated flow share, as Calico has it: `app=web | tier=front`. Whether those of pods of one
    /// ReplicaSet.
    Calico(&'l str, bool),
    /// `app=web,tier=front`, all that there are.
    Pairs(&'l str),
    /// The same, of which there may be others.
    SomePairs(&'l str),
    /// An object in JSON, all that there are.
    Object(&'l str),
    /// Those of the namespace before those of the pod, as a table that was saved has them: `{env=prod}/{app=web}`.
    Saved(&'l str),
}

/// What a connection is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoggedPort<'l> {
    /// A protocol and a number.
    Number(Protocol, u16),
    /// A protocol and the name of a port of the destination.
    Named(Protocol, &'l str),
    /// ICMP, which no policy is about.
    Icmp,
    /// Anything else.
    Other,
}

/// What a line of a log is.
#[derive(Debug, Clone)]
pub(super) enum LogLine<'l> {
    /// A connection.
    Flow(Observation<'l>),
    /// A packet of the other direction, where the ends and the port of the connection are known.
    Reply(LoggedReply<'l>),
    /// Nothing to judge.
    LeftOut(ReasonLeftOut),
    /// A detail of a connection that has lines of its own: which name stands for which addresses.
    Detail(Vec<IpAddr>, String),
    /// So many events are missing in the log, which it says at this time.
    Lost(u64, Option<i64>),
}

/// A packet that answers a connection.
#[derive(Debug, Clone)]
pub(super) struct LoggedReply<'l> {
    /// Who connected.
    pub from: LoggedEnd<'l>,
    /// To whom.
    pub to: LoggedEnd<'l>,
    /// On what.
    pub port: LoggedPort<'l>,
    /// Whether it says that nobody listens there.
    pub resets: bool,
    /// When.
    pub time: Option<i64>,
}

/// Why a line is in no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonLeftOut {
    /// It is a reply.
    Reply,
    /// Nobody knows whether it opens a connection or answers one.
    Direction,
    /// It was dropped, and not by a policy.
    DroppedOtherwise,
    /// An error of the network plugin.
    Error,
    /// An event of a socket.
    Socket,
    /// A detail of a connection that has lines of its own.
    L7,
    /// Health checks of the network plugin.
    Health,
    /// What the link needs: ARP, neighbour discovery, IGMP, VRRP.
    Link,
    /// Something else than a flow.
    NotAFlow,
    /// An event of a connection that is no attempt to open one.
    NotAnAttempt,
    /// It says how many events are missing.
    Lost,
    /// The names of columns.
    Header,
    /// Nothing, or a comment.
    Blank,
    /// It cannot be understood.
    Unreadable,
    /// It is older or newer than what was asked for.
    Time,
}

impl ReasonLeftOut {
    /// All reasons, as reports list them.
    pub const ALL: [ReasonLeftOut; 15] = [
        ReasonLeftOut::Reply,
        ReasonLeftOut::L7,
        ReasonLeftOut::NotAFlow,
        ReasonLeftOut::Direction,
        ReasonLeftOut::DroppedOtherwise,
        ReasonLeftOut::Error,
        ReasonLeftOut::Socket,
        ReasonLeftOut::Health,
        ReasonLeftOut::Link,
        ReasonLeftOut::NotAnAttempt,
        ReasonLeftOut::Lost,
        ReasonLeftOut::Header,
        ReasonLeftOut::Blank,
        ReasonLeftOut::Time,
        ReasonLeftOut::Unreadable,
    ];

    /// Its word in documents for machines.
    pub fn word(self) -> &'static str {
        match self {
            ReasonLeftOut::Reply => "reply",
            ReasonLeftOut::Direction => "direction",
            ReasonLeftOut::DroppedOtherwise => "dropped-otherwise",
            ReasonLeftOut::Error => "error",
            ReasonLeftOut::Socket => "socket",
            ReasonLeftOut::L7 => "l7",
            ReasonLeftOut::Health => "health",
            ReasonLeftOut::Link => "link",
            ReasonLeftOut::NotAFlow => "not-a-flow",
            ReasonLeftOut::NotAnAttempt => "not-an-attempt",
            ReasonLeftOut::Lost => "lost",
            ReasonLeftOut::Header => "header",
            ReasonLeftOut::Blank => "blank",
            ReasonLeftOut::Unreadable => "unreadable",
            ReasonLeftOut::Time => "time",
        }
    }
}
