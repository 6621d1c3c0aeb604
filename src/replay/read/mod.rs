//! Readers of flow logs: each turns a line of its format into what it saw, and knows nothing of policies.

mod antrea;
mod aws;
mod calico;
pub(super) mod csv;
mod cut;
mod detect;
mod followed;
mod gadget;
mod gke;
mod hubble;
mod kguardian;
mod ovn;
mod text;
pub(super) mod time;
mod wrapped;

pub(super) use cut::{Cutter, JsonPlace, LogPiece};
pub(super) use detect::{detect, detect_list};
pub(super) use followed::FollowedLines;

use super::seen::{LogLine, LoggedEnd, LoggedPort, Observation, ReasonLeftOut, SeenVerdict};
use crate::net::Protocol;
use std::net::IpAddr;

/// The point of a line that says that nobody answered.
pub(super) const NOBODY_ANSWERED: u8 = 255;

/// The formats of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogFormat {
    /// Hubble's JSON, of Cilium.
    Hubble,
    /// A table with a header.
    Csv,
    /// Whisker's list of flows, of Calico.
    Whisker,
    /// What rules of Calico with the action `Log` write.
    CalicoLog,
    /// Antrea's log of what policies did.
    Antrea,
    /// The records of Antrea's flow aggregator.
    AntreaFlows,
    /// What ACLs of OVN-Kubernetes log.
    Ovn,
    /// The network policy agent of AWS.
    Aws,
    /// GKE's network policy logging.
    Gke,
    /// Inspektor Gadget's `trace_tcp`.
    Gadget,
    /// The list of kguardian.
    Kguardian,
}

impl LogFormat {
    /// All, with the names that the command line knows them by and what they are.
    pub const ALL: [(LogFormat, &'static str, &'static str); 11] = [
        (LogFormat::Hubble, "hubble", "Hubble's JSON, of Cilium"),
        (LogFormat::Csv, "csv", "A table with source,destination,port,protocol"),
        (LogFormat::Whisker, "whisker", "Whisker's and Goldmane's flows, of Calico"),
        (LogFormat::CalicoLog, "calico-log", "What rules of Calico with the action Log write"),
        (LogFormat::Antrea, "antrea", "Antrea's np.log"),
        (LogFormat::AntreaFlows, "antrea-flows", "The records of Antrea's flow aggregator"),
        (LogFormat::Ovn, "ovn", "What ACLs of OVN-Kubernetes log"),
        (LogFormat::Aws, "aws", "The network policy agent of AWS, its own log or CloudWatch"),
        (LogFormat::Gke, "gke", "GKE's network policy logging"),
        (LogFormat::Gadget, "inspektor-gadget", "Inspektor Gadget's trace_tcp"),
        (LogFormat::Kguardian, "kguardian", "kguardian's /pod/traffic"),
    ];

    /// What the names of one format are.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }

    /// Whether its file may be one document of JSON, which is cut into the items of its list.
    pub fn has_lists(self) -> bool {
        matches!(self, LogFormat::Whisker | LogFormat::Kguardian)
    }

    fn reader(self) -> Box<dyn LogReader> {
        match self {
            LogFormat::Hubble => Box::<hubble::HubbleReader>::default(),
            LogFormat::Csv => Box::<csv::CsvReader>::default(),
            LogFormat::Whisker => Box::<calico::WhiskerReader>::default(),
            LogFormat::CalicoLog => Box::<calico::LogRuleReader>::default(),
            LogFormat::Antrea => Box::<antrea::AntreaReader>::default(),
            LogFormat::AntreaFlows => Box::<antrea::AggregatorReader>::default(),
            LogFormat::Ovn => Box::<ovn::OvnReader>::default(),
            LogFormat::Aws => Box::<aws::AwsReader>::default(),
            LogFormat::Gke => Box::<gke::GkeReader>::default(),
            LogFormat::Gadget => Box::<gadget::GadgetReader>::default(),
            LogFormat::Kguardian => Box::<kguardian::KguardianReader>::default(),
        }
    }
}

/// Reads the lines of one format.
trait LogReader {
    /// Calls `take` once with what the line says.
    fn read(&mut self, line: &str, take: &mut dyn FnMut(LogLine<'_>));
}

/// Reads the lines of one file.
pub(super) struct FileReader {
    reader: Box<dyn LogReader>,
    has_comments: bool,
}

impl FileReader {
    /// A reader for a file of this format.
    pub(super) fn new(format: LogFormat) -> FileReader {
        FileReader { reader: format.reader(), has_comments: format == LogFormat::Csv }
    }

    /// Calls `take` once with what the line says.
    pub(super) fn read(&mut self, line: &[u8], take: &mut dyn FnMut(LogLine<'_>)) {
        let Ok(line) = std::str::from_utf8(line) else { return take(LogLine::LeftOut(ReasonLeftOut::Unreadable)) };
        let line = wrapped::bare(line);
        if line.is_empty() || (self.has_comments && line.starts_with('#')) {
            return take(LogLine::LeftOut(ReasonLeftOut::Blank));
        }
        self.reader.read(&line, take);
    }
}

/// An address, perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let within = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address: IpAddr = within.parse().ok()?;
    // IPv4 as sockets of IPv6 show it.
    Some(address.to_canonical())
}

/// A protocol by its name or its number: one that has ports, or what a port says that is about none.
fn protocol(text: &str) -> Option<Result<Protocol, LoggedPort<'static>>> {
    let is = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
    match () {
        () if is(&["tcp", "6"]) => Some(Ok(Protocol::Tcp)),
        () if is(&["udp", "17"]) => Some(Ok(Protocol::Udp)),
        () if is(&["sctp", "132"]) => Some(Ok(Protocol::Sctp)),
        () if is(&["icmp", "icmpv4", "icmp4", "1", "icmpv6", "icmp6", "ipv6-icmp", "58"]) => {
            Some(Err(LoggedPort::Icmp))
        }
        () => None,
    }
}

/// A connection between these ends, and what else is said of it.
fn line_of<'l>(
    from: LoggedEnd<'l>,
    to: LoggedEnd<'l>,
    port: LoggedPort<'l>,
    verdict: SeenVerdict,
    seen: Observation<'l>,
) -> LogLine<'l> {
    LogLine::Flow(Observation { from, to, port, verdict, ..seen })
}
