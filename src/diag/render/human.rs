//! Reports for people, drawn by miette.

use std::fmt::{self, Display};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles};

use super::sanitize::sanitize_lines;
use super::snippet::{Canvas, Snippets};
use super::{left_out, most_important, sanitize};
use crate::diag::{Report, Severity};
use crate::source::Sources;

/// Narrower than this nothing can be drawn.
const NARROWEST: usize = 40;

/// How reports are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Human {
    /// Lines and arrows of Unicode, else of ASCII.
    pub unicode: bool,
    /// Colours, as ANSI escapes.
    pub color: bool,
    /// The columns of the terminal.
    pub width: usize,
    /// How many reports are shown at most.
    pub limit: usize,
}

/// Each report with the lines it is about, the worst when there are more than `limit`; then a last line says what
/// was left out.
pub fn human(reports: &[Report], sources: &Sources, how: &Human) -> String {
    let handler = handler(how);
    let shape = Canvas { width: how.width.max(NARROWEST), unicode: how.unicode };
    let reports: Vec<_> = reports.iter().collect();
    let shown = most_important(&reports, how.limit);
    let mut text = String::new();
    for report in &shown {
        if !text.is_empty() {
            text.push('\n');
        }
        let drawing = Drawing::new(report, sources, shape);
        if handler.render_report(&mut text, &drawing).is_err() {
            // Only possible when the lines cannot be read, and they are our own; the message must not be lost.
            text.push_str(&super::short(std::slice::from_ref(*report), sources));
        }
        if drawing.snippets.left_out > 0 {
            text.push_str(&format!("  and {} more places\n", drawing.snippets.left_out));
        }
    }
    if let Some(rest) = left_out(&reports, &shown) {
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}and {rest} more\n"));
    }
    text
}

fn handler(how: &Human) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if how.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
        styles: if how.color { ThemeStyles::ansi() } else { ThemeStyles::none() },
    };
    // Names such as `ingress-nginx/controller` must stay in one piece, so that help can be pasted.
    GraphicalReportHandler::new_themed(theme)
        .with_width(how.width.max(NARROWEST))
        .with_links(false)
        .without_syntax_highlighting()
        .with_break_words(false)
        .with_word_separator(textwrap::WordSeparator::AsciiSpace)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
}

/// A report in the shape that miette draws.
#[derive(Debug)]
struct Drawing {
    code: String,
    severity: Severity,
    message: String,
    help: Option<String>,
    snippets: Snippets,
}

impl Drawing {
    fn new(report: &Report, sources: &Sources, shape: Canvas) -> Self {
        let diagnostic = &report.diagnostic;
        Drawing {
            code: format!("{}[{}]", report.severity.as_str(), diagnostic.code),
            severity: report.severity,
            message: sanitize(&diagnostic.message).into_owned(),
            help: diagnostic.help.as_deref().map(sanitize_lines),
            snippets: Snippets::new(&diagnostic.labels, sources, shape),
        }
    }
}

impl Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl miette::Diagnostic for Drawing {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.snippets.labels.is_empty()).then_some(&self.snippets as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.snippets.labels.iter().cloned()))
    }
}
