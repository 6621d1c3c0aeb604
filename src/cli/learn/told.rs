//! What there is to say of what was learned, for people and for machines.

use crate::cli::replay::shortened;
use crate::replay::{LearnedFlow, ReplayRow, WhyNotLearned};
use crate::session::{LearnedProgram, LearnedStatement, Subject, shown};
use crate::source::Span;
use std::path::{Path, PathBuf};

/// What was learned, with what was done with it.
pub(super) struct ToldLesson<'a> {
    pub subject: &'a Subject,
    pub learned: &'a LearnedProgram,
    /// The new file.
    pub created: Option<String>,
    /// Whether it was written.
    pub is_written: bool,
    /// The folder that the patch is applied in, where it is not the current one.
    pub outer: Option<PathBuf>,
    /// The current folder.
    pub here: PathBuf,
}

impl ToldLesson<'_> {
    /// The flows that are added, as they are written.
    pub(super) fn added(&self) -> impl Iterator<Item = (&LearnedStatement, &LearnedFlow)> {
        let lessons = &self.learned.lessons;
        self.learned.added.iter().filter_map(|(place, statement)| Some((statement, lessons.flows.get(*place)?)))
    }

    /// The rows that a flow is for.
    pub(super) fn rows(&self, flow: &LearnedFlow) -> impl Iterator<Item = &ReplayRow> {
        flow.rows.iter().filter_map(|row| self.learned.lessons.report.rows.get(*row))
    }

    /// A folder as it would be typed.
    pub(super) fn shown(&self, folder: &Path) -> String {
        shown(folder, &self.here)
    }

    /// The environment that is in force.
    pub(super) fn environment(&self) -> Option<&str> {
        self.subject.session()?.settings().environment.as_deref()
    }

    /// The rows of which nothing is learned.
    pub(super) fn left(&self) -> impl Iterator<Item = (&ReplayRow, &WhyNotLearned)> {
        let rows = &self.learned.lessons.report.rows;
        self.learned.left.iter().filter_map(|(place, why)| Some((rows.get(*place)?, why)))
    }

    /// The path of the file that a statement is in.
    pub(super) fn file(&self, statement: &LearnedStatement) -> &str {
        self.subject.sources().file(statement.file).map_or("", |file| &file.path)
    }

    fn place(&self, span: Span) -> Option<String> {
        let file = self.subject.sources().file(span.file)?;
        Some(format!("{}:{}", file.path, file.position(span.start).line))
    }

    /// Why nothing is learned, in a sentence without a full stop.
    pub(super) fn why(&self, why: &WhyNotLearned) -> String {
        let would_tell = match self.subject.cluster() {
            Some(_) => "",
            None => "; `--workloads` or `--cluster` would tell",
        };
        match why {
            WhyNotLearned::Scan => {
                "looks like a scan: most of what its source tries is refused or not answered".to_owned()
            }
            WhyNotLearned::DynamicPorts => {
                "one of many ports that systems give to whoever asks: write a range, if they are meant".to_owned()
            }
            WhyNotLearned::Established => {
                "only packets of an open connection were seen, and its port may be the client's".to_owned()
            }
            WhyNotLearned::FewAttempts => "seen less often than --min-attempts".to_owned(),
            WhyNotLearned::Proxy => {
                "a proxy of the network plugin is neither a pod nor an address that a rule names".to_owned()
            }
            WhyNotLearned::Node => "a node: whose traffic it is cannot be told".to_owned(),
            WhyNotLearned::PublicClient => {
                "a client from outside: a person has to say whom to let in, as with `cidr` or `internet`".to_owned()
            }
            WhyNotLearned::WhoseAddress => format!(
                "the address may be a pod's or a Service's: say `pods` and `services` in `platform`{would_tell}"
            ),
            WhyNotLearned::MaybeNode => format!(
                "the address may be a node's, whose traffic cannot be told: say `nodes` in `platform`{would_tell}"
            ),
            WhyNotLearned::Labels => format!("labels are missing in the log{would_tell}"),
            WhyNotLearned::Service(name) if name.is_empty() => {
                format!("the address of a Service, whose pods are not known{would_tell}")
            }
            WhyNotLearned::Service(name) => {
                format!("the pods behind Service {name} are not known, or not one tier on one port{would_tell}")
            }
            WhyNotLearned::Breaks(statements) => {
                let flows = self.subject.flows();
                let told = statements.iter().filter_map(|id| flows?.statement(*id)).map(|one| {
                    let at = self.place(one.span).map(|at| format!(" ({at})")).unwrap_or_default();
                    format!("`{}`{at}", shortened(&one.text))
                });
                format!("breaks {}", told.collect::<Vec<_>>().join(", "))
            }
            WhyNotLearned::Excepted(list) => format!("`cidr {list}` excepts the address"),
            WhyNotLearned::Environment(name) if name.is_empty() => {
                "the program allows it without an environment".to_owned()
            }
            WhyNotLearned::Environment(name) => format!("environment {name} allows it"),
            WhyNotLearned::Dns => "DNS: `dns` in the namespace says which servers may be asked".to_owned(),
            WhyNotLearned::ManyAddresses(count) => format!(
                "one of {count} public addresses: write `internet` if all of it is meant, or where the plugin can an `fqdn`"
            ),
            WhyNotLearned::Inseparable(others) => format!("no label tells these pods from {others}"),
            WhyNotLearned::NoLabels => "these pods have no label that lasts".to_owned(),
            WhyNotLearned::NoName => "the program has no name for one of the ends".to_owned(),
            WhyNotLearned::PortOfCatalogue(tier) => {
                format!("tier {tier} is of a component, and does not list the port")
            }
            WhyNotLearned::Refused(times) => format!("a flow for it would let through what was refused, {times}x"),
            WhyNotLearned::SpecialAddress => {
                "an address with a meaning of its own, as that of a metadata service: a person has to say".to_owned()
            }
            WhyNotLearned::Wrong(why) => format!("a flow for it would not do: {why}"),
        }
    }
}
