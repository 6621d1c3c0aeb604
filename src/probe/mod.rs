//! Connections to try, which show whether what a program says is enforced: what must come of each, and beside each that has
//! to be refused the two that have to pass, without which a refusal proves nothing.
//!
//! Nothing is tried here. What must come of a connection is what the engine says of the policies for the pods that run, so
//! a result that differs is the cluster's.

#![warn(clippy::wildcard_enum_match_arm)]

mod chooser;
mod controls;
mod ends;
mod kubectl;
mod netassert;
mod topics;
mod words;

pub use kubectl::probe_commands;
pub use netassert::netassert_file;

use crate::cluster::{Cluster, Kind};
use crate::engine::{Engine, Scope, World};
use crate::flow::{FlowSet, StatementId};
use crate::net::{Facts, Protocol};
use crate::netpol::Policy;
use chooser::Chooser;
use ends::{ProbeEnds, ProbeMarks};
use std::net::IpAddr;
use std::sync::Arc;

/// What is enforced, and the pods that run.
#[derive(Debug, Clone, Copy)]
pub struct ProbeSubject<'a> {
    /// The program, whose assertions and flows are tried.
    pub set: &'a FlowSet,
    /// The policies that decide what must come of each connection.
    pub policies: &'a [Policy],
    /// What address blocks mean.
    pub facts: &'a Facts,
    /// What runs.
    pub cluster: &'a Cluster,
}

/// What is tried of it.
#[derive(Debug, Clone, Copy)]
pub struct ProbeOptions<'a> {
    /// So many connections at most, those included that are tried beside others.
    pub most: usize,
    /// Whether flows are tried, and not assertions alone.
    pub flows: bool,
    /// Whether UDP is, too.
    pub udp: bool,
    /// Whether each end is a pod by its own name and address, and not some pod of a workload.
    pub by_pod: bool,
    /// Only statements with this text in them.
    pub filter: Option<&'a str>,
}

/// Connections to try, and what is not tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbePlan {
    /// The connections, in the order of the program.
    pub probes: Vec<Probe>,
    /// How many containers stay in the pods of each end, sorted.
    pub containers: Vec<(ProbedEnd, usize)>,
    /// What cannot be tried, in the order of the program.
    pub left: Vec<NotProbed>,
    /// How many more there are than were asked for.
    pub rest: usize,
}

/// A connection to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name, which no other one has.
    pub name: String,
    /// Who connects.
    pub source: ProbedEnd,
    /// To whom.
    pub destination: ProbeTarget,
    /// Over what: TCP or UDP.
    pub protocol: Protocol,
    /// On which port.
    pub port: u16,
    /// Whether it has to pass.
    pub passes: bool,
    /// The statements that it shows to be enforced, in the order of the program; none of one that is only a control.
    pub statements: Vec<StatementId>,
    /// Of one that has to be refused, the names of the two that have to pass: to the same destination from somebody else, and
    /// from the same source.
    pub controls: Option<[String; 2]>,
}

/// What one end of a connection is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbedEnd {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: ProbedKind,
    /// The address of a pod that is named itself, where it is known.
    pub address: Option<IpAddr>,
}

/// What can be named as an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbedKind {
    /// Any pod of a Deployment.
    Deployment,
    /// Any pod of a StatefulSet.
    StatefulSet,
    /// Any pod of a DaemonSet.
    DaemonSet,
    /// One pod.
    Pod,
}

impl ProbedKind {
    /// Its word in lower case.
    pub fn word(self) -> &'static str {
        match self {
            ProbedKind::Deployment => "deployment",
            ProbedKind::StatefulSet => "statefulset",
            ProbedKind::DaemonSet => "daemonset",
            ProbedKind::Pod => "pod",
        }
    }

    /// The kind of a workload of which any pod can be meant.
    fn of_workload(kind: &Kind) -> Option<ProbedKind> {
        match kind {
            Kind::Deployment => Some(ProbedKind::Deployment),
            Kind::StatefulSet => Some(ProbedKind::StatefulSet),
            Kind::DaemonSet => Some(ProbedKind::DaemonSet),
            Kind::Pod
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::Job
            | Kind::CronJob
            | Kind::Other(..) => None,
        }
    }
}

/// A port of a protocol.
type ProbePort = (Protocol, u16);

/// To whom a connection is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeTarget {
    /// Pods.
    Pods(ProbedEnd),
    /// An address outside of the cluster.
    Address(IpAddr),
}

/// Something that is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotProbed {
    /// Who says it.
    pub statement: StatementId,
    /// Which connection of what it says; `None` where it is all of it.
    pub which: Option<NotProbedPair>,
    /// Why not.
    pub why: WhyNotProbed,
}

/// A connection between some pods of what a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotProbedPair {
    /// What the source is called.
    pub from: String,
    /// What the destination is called.
    pub to: String,
    /// The port.
    pub port: ProbePort,
}

/// Why something is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNotProbed {
    /// It is about chains of connections.
    Chain,
    /// No pod that runs is among those who connect.
    NoSource,
    /// No pod that runs is among those who are connected to, and no single address.
    NoDestination,
    /// Nothing shows that somebody listens on one of its ports.
    NoPort,
    /// Only one pod is on both ends.
    Itself,
    /// The policies let it through.
    Allowed,
    /// The policies refuse it.
    Refused,
    /// It is not known what they do, or it differs from pod to pod.
    Unclear,
    /// Nobody else may connect to the destination, so that a refusal could be that nobody listens.
    NobodyElse,
    /// The source may connect to nobody, so that a refusal could be its own.
    NothingElse,
}

impl WhyNotProbed {
    /// Its word in documents for machines.
    pub fn word(self) -> &'static str {
        match self {
            WhyNotProbed::Chain => "chain",
            WhyNotProbed::NoSource => "no-source",
            WhyNotProbed::NoDestination => "no-destination",
            WhyNotProbed::NoPort => "no-port",
            WhyNotProbed::Itself => "itself",
            WhyNotProbed::Allowed => "allowed",
            WhyNotProbed::Refused => "refused",
            WhyNotProbed::Unclear => "unclear",
            WhyNotProbed::NobodyElse => "nobody-else",
            WhyNotProbed::NothingElse => "nothing-else",
        }
    }
}

/// Chooses the connections that are tried.
pub fn probe_plan(subject: &ProbeSubject<'_>, options: &ProbeOptions<'_>) -> ProbePlan {
    let marks = ProbeMarks::of(subject.set);
    let scope = Scope { policies: &[subject.policies], of_cluster: &[], marks: &marks.all, facts: subject.facts };
    let world = World::concrete(&scope, subject.cluster);
    let engine = Engine::new(&world, subject.policies);
    let ends = ProbeEnds::new(subject, &engine, &marks, options.by_pod);
    let topics = topics::topics(subject.set, &ends, options);
    Chooser::new(&ends, options).choose(&topics)
}
