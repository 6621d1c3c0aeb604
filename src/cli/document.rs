//! The one document that a program reads in the place of messages.

use super::args::{AnswerFormat, Command, Format};
#[cfg(feature = "cli")]
use super::audit::AuditFormat;
use super::blast::BlastFormat;
#[cfg(feature = "cli")]
use super::build::prints;
use super::diff::DiffFormat;
use super::graph::GraphFormat;
use super::reach::ReachFormat;
#[cfg(feature = "cli")]
use super::replay::ReplayFormat;
#[cfg(feature = "cli")]
use super::rollout::RolloutFormat;
use super::test::TestFormat;
use super::why::WhyFormat;
use crate::diag::{Report, render};
use crate::source::{FileId, Sources, Span};

/// Where the document is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output.
    Out,
    /// Standard error, where standard output holds something else.
    Err,
}

/// What was said so far, for the document that is printed at the end, whatever happens until then.
pub(super) struct MachineDocument {
    format: Format,
    /// Where it is printed.
    pub stream: Stream,
    /// Whether it is only printed when there is no answer, which would be a document itself.
    is_instead: bool,
    reports: Vec<Report>,
    sources: Sources,
}

impl MachineDocument {
    /// The document that a command has to print; none when it is for people.
    pub(super) fn of(command: &Command) -> Option<MachineDocument> {
        #[cfg(feature = "cli")]
        let said = |format: Format, is_taken: bool| {
            // Where standard output holds something else, messages keep the other stream.
            let stream = if is_taken { Stream::Err } else { Stream::Out };
            format.is_for_machines().then(|| MachineDocument::new(format, stream, false))
        };
        let instead = |is_json: bool| is_json.then(|| MachineDocument::new(Format::Json, Stream::Out, true));
        match command {
            #[cfg(feature = "cli")]
            Command::Build(args) => said(args.input.format, args.diff || prints(args)),
            #[cfg(feature = "cli")]
            Command::Check(args) => said(args.input.format, false),
            #[cfg(feature = "cli")]
            Command::Lint(args) => said(args.format, false),
            #[cfg(feature = "cli")]
            Command::Fmt(args) => said(args.format, args.diff || (args.reads_input() && !args.check)),
            Command::Reach(args) => instead(args.format == ReachFormat::Json),
            #[cfg(feature = "cli")]
            Command::Replay(args) => instead(args.format == ReplayFormat::Json),
            #[cfg(feature = "cli")]
            Command::Rollout(args) => instead(args.format == RolloutFormat::Json),
            #[cfg(feature = "cli")]
            Command::Learn(args) => instead(args.format == AnswerFormat::Json),
            Command::Can(args) => instead(args.format == AnswerFormat::Json),
            Command::Why(args) => instead(args.format == WhyFormat::Json),
            Command::Blast(args) => instead(args.format == BlastFormat::Json),
            Command::Test(args) => instead(args.format == TestFormat::Json),
            Command::Diff(args) => instead(args.format == DiffFormat::Json),
            #[cfg(feature = "cli")]
            Command::Import(args) => instead(args.format == AnswerFormat::Json),
            #[cfg(feature = "cli")]
            Command::Config(args) => instead(args.format == AnswerFormat::Json),
            Command::Graph(args) => instead(args.format == GraphFormat::Json),
            #[cfg(feature = "cli")]
            Command::Report(args) => instead(args.format == AuditFormat::Json),
            Command::Explain(_) => None,
            #[cfg(all(feature = "cli", feature = "lsp"))]
            Command::Lsp(_) => None,
            #[cfg(feature = "cli")]
            Command::Init(args) => instead(args.format == AnswerFormat::Json),
            #[cfg(feature = "cli")]
            Command::Completions(_) | Command::Man(_) | Command::Version(_) => None,
        }
    }

    fn new(format: Format, stream: Stream, is_instead: bool) -> MachineDocument {
        MachineDocument { format, stream, is_instead, reports: Vec::new(), sources: Sources::default() }
    }

    /// Whether everything else that is said has to leave the standard output to it.
    pub(super) fn takes_output(&self) -> bool {
        self.stream == Stream::Out && !self.is_instead
    }

    /// Takes reports in. They may be about other texts than those before.
    pub(super) fn gather(&mut self, reports: &[Report], sources: &Sources) {
        let offset = self.sources.files().count();
        if reports.iter().any(|report| report.diagnostic.primary().is_some()) {
            self.sources.append(sources);
        }
        self.reports.extend(reports.iter().map(|report| moved(report, offset)));
    }

    /// The document, when something has been `answered` or not.
    pub(super) fn text(&self, answered: bool) -> Option<String> {
        if self.is_instead && answered {
            return None;
        }
        let (reports, sources) = (&self.reports, &self.sources);
        let mut text = match self.format {
            Format::Json => render::json(reports, sources),
            Format::Github => render::github(reports, sources),
            Format::Sarif => render::sarif(reports, sources),
            Format::Gitlab => render::gitlab(reports, sources),
            Format::Human | Format::Short => return None,
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Some(text)
    }
}

/// A report about files that have moved back by `offset`.
fn moved(report: &Report, offset: usize) -> Report {
    let moved = |span: Span| Span { file: FileId::at(span.file.index() + offset), ..span };
    let mut report = report.clone();
    report.diagnostic.labels.iter_mut().for_each(|label| label.span = moved(label.span));
    report.diagnostic.mends.iter_mut().for_each(|mend| mend.span = moved(mend.span));
    report
}
