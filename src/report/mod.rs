//! What an auditor looks at: what is closed and how far, who may connect to whom and because of what, what is asserted and
//! found, and what was not looked at. As one page of HTML, as Markdown and as data, which all say the same.

#![warn(clippy::wildcard_enum_match_arm)]

mod coverage;
mod html;
mod json;
mod markdown;
mod tables;

#[cfg(test)]
mod tests;

pub use coverage::{ClosureCount, Coverage, NamespaceCoverage};
pub use html::html;
pub use json::json;
pub use markdown::markdown;

use crate::ask::Summary;
use crate::graph::{Picture, ReachLine};

/// Everything that is reported.
#[derive(Debug)]
pub struct AuditReport<'a> {
    /// What it is about, in a few words.
    pub title: String,
    /// The day that somebody wants it to have.
    pub date: Option<String>,
    /// How it was asked: each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// What is allowed.
    pub summary: &'a Summary,
    /// The same of every two ends, where they are not too many.
    pub table: Option<&'a Summary>,
    /// The same as lines,
    pub connections: Vec<ReachLine>,
    /// and what lets each through.
    pub causes: Vec<Vec<AuditPlace>>,
    /// The same as a picture.
    pub picture: Picture,
    /// How many kinds of pods are isolated, where it is known what runs.
    pub pods: Option<PodCount>,
    /// The assertions with their verdicts; `None` where there is no program.
    pub assertions: Option<Vec<AuditAssertion>>,
    /// What is wrong, the worst first.
    pub findings: Vec<AuditFinding>,
    /// The policies.
    pub policies: Vec<AuditPolicy>,
    /// The network plugin.
    pub plugin: AuditPlugin,
    /// What there is to know beside it, in sentences.
    pub notes: Vec<String>,
    /// What was not looked at, in sentences.
    pub gaps: Vec<String>,
    /// What changed since a revision.
    pub changes: Option<AuditChanges>,
    /// What a log of connections has seen.
    pub seen: Option<AuditLog>,
    /// What it was made of.
    pub inputs: Vec<AuditInput>,
}

/// How many kinds of pods that run are isolated: those of a workload that policies do not tell apart are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PodCount {
    /// All.
    pub all: usize,
    /// Those that are for ingress.
    pub ingress: usize,
    /// Those that are for egress.
    pub egress: usize,
    /// Those that are for both.
    pub both: usize,
}

/// A statement or a policy, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPlace {
    /// What it says.
    pub text: String,
    /// `path:line`, where it is in a file.
    pub place: Option<String>,
}

/// An assertion with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAssertion {
    /// It and its place.
    pub statement: AuditPlace,
    /// `pass`, `fail` or `unknown`.
    pub verdict: &'static str,
    /// Why it does not hold.
    pub message: Option<String>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFinding {
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// Its code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Where: `path:line`.
    pub place: Option<String>,
    /// What to do.
    pub help: Vec<String>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPolicy {
    /// Its namespace and its name.
    pub name: String,
    /// The pods that it selects.
    pub subject: String,
    /// How many rules it has for ingress; `None` where it does not isolate for that.
    pub ingress: Option<usize>,
    /// The same for egress.
    pub egress: Option<usize>,
    /// What is said of it, in the doc comments of its statements.
    pub description: Option<String>,
    /// The statements that it comes from, or itself where somebody wrote it.
    pub because: Vec<AuditPlace>,
}

/// The network plugin, and what it reads otherwise than Kubernetes says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditPlugin {
    /// Its name, perhaps with its version; `None` where nobody said it.
    pub name: Option<String>,
    /// What it reads otherwise: the sentence, and what to write instead.
    pub limits: Vec<(String, String)>,
}

/// What changed since a revision.
#[derive(Debug, Clone)]
pub struct AuditChanges {
    /// The revision.
    pub since: String,
    /// What differs, as a picture, with the verdict.
    pub picture: Picture,
    /// The same as lines.
    pub rows: Vec<AuditChange>,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditChange {
    /// `+`, `−` or `~`.
    pub sign: char,
    /// What became of it.
    pub word: &'static str,
    /// Who and whom.
    pub what: String,
    /// The ports, with signs.
    pub ports: String,
    /// What is responsible.
    pub because: Vec<AuditPlace>,
}

/// What a log has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    /// What becomes of all, in a sentence.
    pub head: String,
    /// What there is to say of it.
    pub remarks: Vec<String>,
    /// What would not stay as it was, and what is not known.
    pub rows: Vec<AuditSeen>,
}

/// Connections that a log has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSeen {
    /// `dropped`, `opened` or `unknown`.
    pub change: &'static str,
    /// Who connects to whom on which port.
    pub connection: String,
    /// How often.
    pub times: u64,
    /// Why.
    pub because: Vec<String>,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditInput {
    /// Its path.
    pub path: String,
    /// How many bytes it has.
    pub bytes: usize,
    /// Their SHA-256, in hexadecimal.
    pub digest: String,
}

impl AuditReport<'_> {
    /// The places of the connections from addresses, and to addresses.
    pub fn exposed(&self) -> [Vec<usize>; 2] {
        let is_outside = |row: usize| self.summary.reach.row(row).is_some_and(|row| row.addresses.is_some());
        let places = |side: fn(&ReachLine) -> usize| {
            let all = self.connections.iter().enumerate();
            all.filter(|(_, one)| is_outside(side(one))).map(|(place, _)| place).collect()
        };
        [places(|one| one.source), places(|one| one.destination)]
    }

    /// How far everything is closed.
    pub fn coverage(&self) -> Coverage {
        Coverage::of(self.summary)
    }

    /// Names of those that nothing isolates in a direction, which stand in no line.
    pub fn open(&self) -> Vec<(String, &'static str)> {
        self.coverage().open
    }
}

/// What the first line of a report in Markdown says.
pub const MARKDOWN_MARK: &str = "<!-- polder report -->";

impl AuditReport<'_> {
    /// The figures that come first: a number, perhaps of how many, and what of.
    pub fn figures(&self) -> Vec<(usize, Option<usize>, String)> {
        let coverage = self.coverage();
        let mut all = vec![
            (coverage.by_namespace.closed, Some(coverage.by_namespace.all()), "namespaces closed".to_owned()),
            (coverage.by_end.closed, Some(coverage.by_end.all()), "tiers and workloads closed".to_owned()),
        ];
        if let Some(pods) = self.pods {
            all.push((pods.both, Some(pods.all), "kinds of pods that run isolated in both directions".to_owned()));
        }
        let [from, to] = self.exposed();
        let counted = |count: usize, one: &str, many: &str| {
            let what = if count == 1 { one } else { many };
            (count, None, what.to_owned())
        };
        all.push(counted(from.len(), "line lets in from outside", "lines let in from outside"));
        all.push(counted(to.len(), "line lets out to outside", "lines let out to outside"));
        let open = coverage.open.len();
        all.push(counted(open, "namespace not isolated, or in part", "namespaces not isolated, or in part"));
        if let Some(assertions) = self.assertions.as_ref().filter(|all| !all.is_empty()) {
            let hold = assertions.iter().filter(|one| one.verdict == "pass").count();
            all.push((hold, Some(assertions.len()), "assertions hold".to_owned()));
        }
        let wrong = self.findings.iter().filter(|one| one.severity != "note").count();
        all.push(counted(wrong, "finding", "findings"));
        all.retain(|(_, of, _)| *of != Some(0));
        all
    }
}
