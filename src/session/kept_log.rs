//! A log that a project keeps beside its program: what the program would do with the connections that were seen.

use super::stages::Session;
use super::subject::{AskedPorts, Subject};
use super::system::reason;
use crate::ask::{Asked, Edit, Explanation, Origin, Program, Says};
use crate::cluster::Cluster;
use crate::diag::{Code, Diagnostic};
use crate::net::{Facts, PortSet};
use crate::replay::{
    Candidate, PodsThatRun, Replay, ReplayChange, ReplayOptions, ReplayRow, SeenOfGroup, Stopped, time_parts,
};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A log that is kept may have so many bytes: it is one that was saved, or a short one.
pub const LARGEST_KEPT_LOG: u64 = 64 * 1024 * 1024;

/// Of more connections that would be dropped, only those are told that were seen most often.
const MOST_DROPPED: usize = 100;

/// Nobody says what runs while a program is written.
static NOTHING_RUNS: LazyLock<Cluster> = LazyLock::new(Cluster::default);

/// The connections of a log, gathered once.
pub struct KeptLog {
    name: String,
    replay: Replay<'static>,
}

/// What a program would do with them.
#[derive(Debug, Default)]
pub struct SeenInLog {
    /// What each flow lets through, by the place of its statement.
    pub flows: BTreeMap<Span, SeenOfFlow>,
    /// How many days the log is of; `None` where it has no times.
    pub days: Option<i64>,
    /// What passed and would be dropped.
    pub dropped: Vec<DroppedInLog>,
}

/// How often a flow was used, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenOfFlow {
    /// How often.
    pub attempts: u64,
    /// When last, in nanoseconds since 1970.
    pub last: Option<i64>,
}

/// A connection that passed and would be dropped.
#[derive(Debug)]
pub struct DroppedInLog {
    /// What is said of it, at the statement that is nearest to it.
    pub diagnostic: Diagnostic,
    /// What questions call both ends, where the log has that.
    asked: [Option<Asked>; 2],
    ports: Option<PortSet>,
}

impl KeptLog {
    /// Reads a log; the error is the end of a sentence.
    pub fn read(name: &str, mut bytes: &[u8]) -> Result<KeptLog, String> {
        let mut replay = Replay::new(PodsThatRun::new(&NOTHING_RUNS, &Facts::default()), ReplayOptions::default());
        match replay.read(name, &mut bytes, &mut |_, _| true) {
            Ok(()) | Err(Stopped::Interrupted) => {}
            Err(Stopped::Io(error)) => return Err(reason(&error)),
            Err(Stopped::UnknownFormat(line)) => {
                return Err(format!("it begins like no log that is known: `{line}`"));
            }
            Err(Stopped::TooMany) => return Err("it has too many kinds of connections".to_owned()),
        }
        match replay.kinds_of_connections() {
            0 => Err("no connection is in it".to_owned()),
            _ => Ok(KeptLog { name: name.to_owned(), replay }),
        }
    }

    /// What a program would do with it; `None` while the program has errors.
    pub fn seen(&self, session: &Session) -> Option<SeenInLog> {
        let (model, flows) = (session.model()?, session.flows()?);
        let facts = model.facts();
        let candidate = Candidate {
            policies: &session.policies()?.policies,
            program: Some(Program { model, flows }),
            facts: &facts,
            namespaces: &[],
            cluster: &NOTHING_RUNS,
            cni: Some(model.platform.cni),
        };
        let report = self.replay.report_of_each(&candidate);
        const DAY: i64 = 86_400_000_000_000;
        let mut seen = SeenInLog {
            days: report.times.span.map(|(first, last)| last.div_euclid(DAY) - first.div_euclid(DAY) + 1),
            ..SeenInLog::default()
        };
        for row in &report.rows {
            let has_passed = matches!(row.seen, SeenOfGroup::Passed | SeenOfGroup::Audited);
            match (row.candidate, &row.explanation) {
                (Says::Allowed, Some(explanation)) if has_passed => {
                    let statements = explanation.sides.iter().flat_map(|side| &side.origins).filter_map(flow_of);
                    let spans: BTreeSet<Span> = statements.filter_map(|id| Some(flows.statement(id)?.span)).collect();
                    spans.into_iter().for_each(|span| seen.flows.entry(span).or_default().add(row));
                }
                _ if row.change == ReplayChange::Dropped && seen.dropped.len() < MOST_DROPPED => {
                    seen.dropped.extend(self.dropped(session, row));
                }
                _ => {}
            }
        }
        Some(seen)
    }

    fn dropped(&self, session: &Session, row: &ReplayRow) -> Option<DroppedInLog> {
        let (flows, explanation) = (session.flows()?, row.explanation.as_ref()?);
        let near = explanation.near_flows.iter().find_map(|near| flow_of(&near.origin));
        let place = near.and_then(|id| Some(flows.statement(id)?.span)).or_else(|| isolating(explanation))?;
        let seen = SeenOfFlow::of(row);
        let (from, to, port) = (&row.from, &row.to, &row.port);
        let mut message = format!("`{from} -> {to}:{port}` was {}, and would be dropped", seen.text());
        let forbidden = explanation.forbidden.first().and_then(|id| flows.statement(*id));
        if let Some(statement) = forbidden {
            message.push_str(&format!("; a flow for it would break `{}`", statement.text));
        }
        let help = format!("`polder replay {}` says more of it", super::path::shell_word(&self.name));
        let diagnostic = Diagnostic::new(Code::W0313, place, message).with_help(help);
        let ports = row.judged.pair.as_ref().map(|(_, _, ports)| ports).or(row.ports.as_ref());
        Some(DroppedInLog { diagnostic, asked: row.asked.clone(), ports: ports.cloned() })
    }
}

fn flow_of(origin: &Origin) -> Option<crate::flow::StatementId> {
    match origin {
        Origin::Flow(id) => Some(*id),
        Origin::Dns { .. } => None,
    }
}

/// What isolates an end that is closed, or where its namespace is declared.
fn isolating(explanation: &Explanation) -> Option<Span> {
    let closed = explanation.sides.iter().filter(|side| side.says == Says::Denied);
    closed.flat_map(|side| &side.settings).map(|setting| setting.span).next()
}

impl DroppedInLog {
    /// What to write so that it passes, as `polder replay` says it.
    pub fn edits(&self, session: &Session) -> Option<Vec<Edit>> {
        let [Some(from), Some(to)] = &self.asked else { return None };
        let ports = AskedPorts::of_numbers(self.ports.clone()?);
        Some(Subject::of_program(session.with_texts([])).edits(from, to, Some(&ports))?.edits)
    }
}

impl SeenOfFlow {
    fn of(row: &ReplayRow) -> SeenOfFlow {
        SeenOfFlow { attempts: row.tally.attempts(), last: row.tally.times.map(|(_, last)| last) }
    }

    fn add(&mut self, row: &ReplayRow) {
        let other = SeenOfFlow::of(row);
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.last = self.last.max(other.last);
    }

    /// Such as `seen 1,204 times, last 2026-11-24 10:00 UTC`.
    pub fn text(&self) -> String {
        let times = match self.attempts {
            1 => "once".to_owned(),
            attempts => format!("{} times", grouped(attempts)),
        };
        let last = self.last.map(|last| match time_parts(last) {
            // A log that was saved keeps days.
            [year, month, day, 0, 0, 0] => format!(", last {year}-{month:02}-{day:02}"),
            [year, month, day, hour, minute, _] => {
                format!(", last {year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
            }
        });
        format!("seen {times}{}", last.unwrap_or_default())
    }
}

/// A number with a comma between each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_people_write_them() {
        assert_eq!([1, 999, 1204, 1_000_000].map(grouped), ["1", "999", "1,204", "1,000,000"]);
        let text = |attempts, last| SeenOfFlow { attempts, last }.text();
        assert_eq!(text(1, None), "seen once");
        assert_eq!(
            text(1204, crate::replay::parse_time("2026-11-24T10:00:00Z")),
            "seen 1,204 times, last 2026-11-24 10:00 UTC"
        );
        assert_eq!(text(2, crate::replay::parse_time("2026-11-24")), "seen 2 times, last 2026-11-24");
    }
}
