//! Programs as the tests write them, and the question that the other judges are held against: `can`.

use crate::oracle::evaluate::{Party, Protocol};
use crate::oracle::program::{Endpoint, Flow, Kind, Program};
use crate::oracle::render::{flow_text, render};
use polder::ask::{Answer, Says, can};
use polder::engine::Engine;
use polder::session::{Memory, Named, Posed, Question, SaidOfCluster, Subject};
use std::path::Path;

/// A program with each flow on a line of its own, so that a line tells which.
pub(super) struct Source {
    pub text: String,
    first_flow: usize,
}

impl Source {
    pub(super) fn of(program: &Program) -> Source {
        let bare = Program { flows: Vec::new(), ..program.clone() };
        let mut text = render(&bare).replace("\r\n", "\n");
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let first_flow = text.lines().count();
        for flow in &program.flows {
            text.extend(flow_text(program, flow).split_whitespace().flat_map(|word| [word, " "]));
            text.push('\n');
        }
        Source { text, first_flow }
    }

    /// The flow that stands on a line, counted from 1.
    pub(super) fn flow_on(&self, line: usize) -> usize {
        line.checked_sub(1 + self.first_flow).expect("a line of a flow")
    }
}

/// A program, or a program and what runs, to be asked; `None` when the compiler has other objections.
pub(super) fn subject(source: &str, running: Option<&str>) -> Option<Subject> {
    subject_in(source, running, SaidOfCluster::default())
}

/// The same in a cluster of which something is said.
pub(super) fn subject_in(source: &str, running: Option<&str>, cluster: SaidOfCluster) -> Option<Subject> {
    let memory = Memory::default().with("/p/main.polder", source).with("/p/run.json", running.unwrap_or_default());
    let path = |name: &str| vec![Named::Path(name.into())];
    let workloads = if running.is_some() { path("run.json") } else { Vec::new() };
    let question = Question { program: path("main.polder"), workloads, cluster, ..Question::default() };
    let subject = Subject::load(&memory, Path::new("/p"), &question);
    subject.is_answerable().then_some(subject)
}

/// What is found among all pairs of the ends of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether two of them may connect.
    pub allowed: bool,
    /// Whether two of them may not.
    pub denied: bool,
    /// Whether that is not known of two. Where some may and others may not, nobody looks for more.
    pub unknown: bool,
    /// The answer.
    pub says: Says,
}

impl Seen {
    pub(super) fn of(answer: &Answer) -> Seen {
        let says = match answer.is_yes() {
            Some(true) => Says::Allowed,
            Some(false) => Says::Denied,
            None => Says::Unknown,
        };
        let [allowed, denied, unknown] = [answer.allowed.is_some(), answer.denied.is_some(), answer.unknown.is_some()];
        Seen { allowed, denied, unknown, says }
    }

    /// Whether there is nobody to ask about.
    pub(super) fn is_about_nobody(self) -> bool {
        !(self.allowed || self.denied || self.unknown)
    }

    /// Whether a connection may be.
    pub(super) fn may(self) -> bool {
        self.allowed || self.unknown
    }

    /// Whether every connection is for sure.
    pub(super) fn is_sure(self) -> bool {
        self.allowed && !self.denied && !self.unknown
    }
}

pub(super) fn pose(subject: &Subject, from: &str, to: &str) -> Result<Posed, String> {
    let (from, to) = (subject.asked(from)?, subject.target(to)?);
    subject.pose(&from, &to.asked, to.ports.as_ref())
}

/// The same without those who only may be asked about: a list is about those that have a name for sure.
pub(super) fn ask_of_sure(subject: &Subject, from: &str, to: &str) -> Result<Seen, String> {
    let Posed { situation, mut from, mut to, doubtful, .. } = pose(subject, from, to)?;
    from.retain(|end| !doubtful.contains_key(end));
    to.retain(|(end, _)| !doubtful.contains_key(end));
    let engine = Engine::new(&situation.world, subject.policies());
    Ok(Seen::of(&can(&engine, &from, &to, &doubtful)))
}

/// The answer of `can FROM TO:PORTS`, or what it refuses with.
pub(super) fn ask(subject: &Subject, from: &str, to: &str) -> Result<Seen, String> {
    let posed = pose(subject, from, to)?;
    let engine = Engine::new(&posed.situation.world, subject.policies());
    Ok(Seen::of(&can(&engine, &posed.from, &posed.to, &posed.doubtful)))
}

pub(super) fn port(protocol: Protocol, number: u16) -> String {
    format!("{number}/{}", protocol.to_string().to_lowercase())
}

/// What the command line calls an endpoint.
pub(super) fn name(program: &Program, endpoint: &Endpoint) -> String {
    let flow = Flow { side: None, source: endpoint.clone(), destination: Endpoint::Anywhere, ports: None };
    flow_text(program, &flow).split("->").next().unwrap().split_whitespace().collect()
}

/// Whether it is certain who is on an end: who belongs to a namespace that is known by labels is not.
pub(super) fn is_certain(program: &Program, endpoint: &Endpoint) -> bool {
    let by_labels = |namespace: &str| matches!(program.namespace(namespace).kind, Kind::Matching(_));
    program.parts(endpoint).iter().all(|part| match part {
        Endpoint::Tier(name) => !by_labels(name.namespace.as_deref().unwrap()),
        Endpoint::Pods(namespace) => !by_labels(namespace),
        _ => true,
    })
}

/// A pod with exactly its labels, or an address, as the command line has them.
pub(super) fn party(party: &Party) -> String {
    let list = |labels: &mut dyn Iterator<Item = (&String, &String)>| {
        labels.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
    };
    match party {
        Party::Address(address) => address.to_string(),
        Party::Pod(pod) => {
            let beside =
                list(&mut pod.namespace_labels.iter().filter(|(key, _)| *key != crate::oracle::evaluate::NAME_LABEL));
            let home = if beside.is_empty() { pod.namespace.clone() } else { format!("{}{{{beside}}}", pod.namespace) };
            format!("{home}/{{{}}}", list(&mut pod.labels.iter()))
        }
    }
}

/// The second end of a question.
pub(super) fn target(who: &str, port: &str) -> String {
    if who.contains(':') { format!("[{who}]:{port}") } else { format!("{who}:{port}") }
}
