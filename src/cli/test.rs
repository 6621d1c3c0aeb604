//! `polder test`: the assertions of a program, each with its verdict.

use super::args::{Environment, Format, listed};
use super::exit::Exit;
use super::live::LiveCluster;
#[cfg(feature = "cli")]
use super::probe::{self, ProbeArgs};
use super::report::{count, show};
use super::terminal::Terminal;
use super::{ask, json, step};
use crate::ask::{Judgement, Outcome};
use crate::diag::Report;
use crate::diag::render::sanitize;
use crate::flow::Statement;
use crate::session::{EnforceChoice, EnforceEntry, EnvironmentChoice, Question, Session};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// An assertion with what came of it.
pub(super) struct Case<'a> {
    pub statement: &'a Statement,
    outcome: &'a Outcome,
    pub path: &'a str,
    pub line: usize,
}

impl Case<'_> {
    pub(super) fn verdict(&self) -> &'static str {
        match self.outcome {
            Outcome::Holds => "pass",
            Outcome::Broken(_) => "fail",
            Outcome::Unknown(_) => "unknown",
        }
    }

    /// Why it does not hold.
    pub(super) fn message(&self) -> Option<&str> {
        self.outcome.diagnostic().map(|diagnostic| diagnostic.message.as_str())
    }
}

/// List the assertions of the program with their verdicts; `check` and `build` hold them too.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder test                           the project that this folder is in
  polder test --filter database         the assertions that hold this text
  polder test --workloads namespaces/   by the labels that the namespaces have
  polder test --cluster                 by those that they have in the cluster
  polder test --format junit > polder.xml
  polder test --probe netassert --cluster -o probes.yaml   what to try in the cluster, for netassert")]
pub(super) struct TestArgs {
    /// Files, folders or `-` for standard input [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub environment: Environment,
    /// YAML with Namespace objects, whose labels decide where the program states none; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub workloads: Vec<PathBuf>,
    /// Judge what is enforced, as if the program isolated no more: places as in `data/redis:ingress`, `all` or `none`
    /// [default: all].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub enforce: Option<Vec<EnforceEntry>>,
    #[command(flatten)]
    pub live: LiveCluster,
    /// Only assertions with this text in them.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// How to print the verdicts.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: TestFormat,
    #[cfg(feature = "cli")]
    #[command(flatten)]
    pub probe: ProbeArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TestFormat {
    /// One line each, and the reasons
    Human,
    /// JSON
    Json,
    /// JUnit XML
    Junit,
}

impl TestArgs {
    /// What is asked about, where this is enforced unless something else is said.
    pub(super) fn question(&self, enforce: EnforceChoice) -> Question {
        let live = self.live.named(true, "polder test --workloads -");
        Question {
            program: super::args::named(&self.paths),
            environment: self.environment.choice(),
            workloads: super::args::named(&self.workloads).into_iter().chain(live).collect(),
            enforce: listed(&self.enforce, enforce),
            ..Question::default()
        }
    }
}

pub(super) fn run(args: &TestArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &TestArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    #[cfg(feature = "cli")]
    if let Some(form) = args.probe.probe {
        return probe::answer(form, args, terminal);
    }
    let subject = ask::load(&args.question(EnforceChoice::Whole), terminal)?;
    let Some(session) = subject.session() else { return Err(Exit::CannotAnswer) };
    let all = cases(session);
    let wanted = |case: &&Case| args.filter.as_ref().is_none_or(|text| case.statement.text.contains(text.as_str()));
    let cases: Vec<&Case> = all.iter().filter(wanted).collect();
    if let Some(text) = args.filter.as_ref().filter(|_| cases.is_empty()) {
        return Err(terminal.refuse(&format!("no assertion holds the text `{text}`")));
    }
    match args.format {
        TestFormat::Human => {
            let text: String = cases.iter().map(|case| line(case)).collect();
            terminal.result(&text);
            let wrong = cases.iter().filter_map(|case| case.outcome.diagnostic().cloned());
            let reports: Vec<Report> = wrong.map(Report::from).collect();
            show(&reports, session.sources(), Format::Human, terminal);
            terminal.line(&tally(&cases, session.settings().environment.as_deref()));
            if let Some(step) = session.step() {
                terminal.line(&step::of_answer(step));
            }
            if let Some(step) = session.enforced_so_far() {
                terminal.line(&step::of_whole(&step));
            }
            if let Some(note) = elsewhere(session, args).filter(|_| !cases.is_empty()) {
                terminal.note_line(&note);
            }
        }
        TestFormat::Json => terminal.result(&document(&cases, session)),
        TestFormat::Junit => terminal.result(&junit(&cases)),
    }
    let exit = |case: &&Case| match case.outcome {
        Outcome::Holds => Exit::Yes,
        Outcome::Broken(_) => Exit::No,
        Outcome::Unknown(_) => Exit::CannotAnswer,
    };
    Ok(cases.iter().map(exit).max().unwrap_or(Exit::Yes))
}

/// That other environments are not looked at, where nobody chose one.
fn elsewhere(session: &Session, args: &TestArgs) -> Option<String> {
    let own = session.settings().environment.as_deref();
    let others: Vec<&str> =
        session.environments().iter().map(String::as_str).filter(|name| Some(*name) != own).collect();
    let [first, ..] = others.as_slice() else { return None };
    let chosen = args.environment.choice() != EnvironmentChoice::Configured;
    (!chosen).then(|| {
        format!("note: that is one environment of several; `polder check` looks at all, `--env {first}` at another")
    })
}

/// The assertions, by file and line.
pub(super) fn cases(session: &Session) -> Vec<Case<'_>> {
    let Some(flows) = session.flows() else { return Vec::new() };
    let case = |judgement: &'_ Judgement| {
        let statement = flows.statement(judgement.statement)?;
        let file = session.sources().file(statement.span.file)?;
        let line = file.position(statement.span.start).line;
        Some((statement, file.path.as_str(), line))
    };
    let mut cases: Vec<Case<'_>> = Vec::new();
    for judgement in session.judgements().unwrap_or_default() {
        let Some((statement, path, line)) = case(judgement) else { continue };
        cases.push(Case { statement, outcome: &judgement.outcome, path, line });
    }
    cases.sort_by_key(|case| (case.statement.span.file, case.statement.span.start));
    cases
}

fn line(case: &Case<'_>) -> String {
    let line = format!("{:7}  {}  ({}:{})", case.verdict(), case.statement.text, case.path, case.line);
    format!("{}\n", sanitize(&line))
}

fn number(cases: &[&Case<'_>], verdict: &str) -> usize {
    cases.iter().filter(|case| case.verdict() == verdict).count()
}

fn tally(cases: &[&Case<'_>], environment: Option<&str>) -> String {
    if cases.is_empty() {
        return "the program asserts nothing: write `never A -> B`, `only`, `always` or `never A ->> B`".to_owned();
    }
    let (failed, unknown) = (number(cases, "fail"), number(cases, "unknown"));
    let mut text = count(cases.len(), "assertion");
    if let Some(environment) = environment {
        let _ = write!(text, " in environment `{environment}`");
    }
    match (failed, unknown) {
        (0, 0) => text.push_str(if cases.len() == 1 { ": it holds" } else { ": all hold" }),
        _ => {
            let _ = write!(text, ": {} hold, {failed} broken", cases.len() - failed - unknown);
            if unknown > 0 {
                let _ = write!(text, ", {unknown} unknown");
            }
        }
    }
    text
}

fn document(cases: &[&Case<'_>], session: &Session) -> String {
    let case = |case: &&Case<'_>| -> Value {
        json!({
            "statement": &*case.statement.text,
            "doc": case.statement.doc.as_deref(),
            "path": case.path,
            "line": case.line,
            "verdict": case.verdict(),
            "message": case.message(),
            "help": case.outcome.diagnostic().and_then(|diagnostic| diagnostic.help.as_deref()),
        })
    };
    let document = json!({
        "schema": "polder/test/v1",
        "passed": number(cases, "pass"),
        "failed": number(cases, "fail"),
        "unknown": number(cases, "unknown"),
        "assertions": cases.iter().map(case).collect::<Vec<_>>(),
    });
    json::document(&step::with_step(document, session.step()))
}

/// The form that CI systems read.
fn junit(cases: &[&Case<'_>]) -> String {
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        cases.len(),
        number(cases, "fail"),
        number(cases, "unknown")
    );
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"polder\" {counts}>\n"
    );
    for case in cases {
        let _ = write!(
            text,
            "    <testcase classname=\"{path}\" name=\"{}\" file=\"{path}\" line=\"{}\"",
            escaped(&case.statement.text),
            case.line,
            path = escaped(case.path)
        );
        let element = if case.verdict() == "fail" { "failure" } else { "error" };
        match case.outcome.diagnostic() {
            None => text.push_str("/>\n"),
            Some(diagnostic) => {
                let message = escaped(&diagnostic.message);
                let help = escaped(diagnostic.help.as_deref().unwrap_or_default());
                let code = diagnostic.code;
                let _ = writeln!(
                    text,
                    ">\n      <{element} type=\"{code}\" message=\"{message}\">{help}</{element}>\n    </testcase>"
                );
            }
        }
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// Text inside an element or an attribute. What XML cannot hold at all is written as its escape.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in sanitize(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Not characters of XML 1.0.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
