//! An explanation for people: the answer first, then the path of decisions, then what to write.

use super::WhyReport;
use super::facts::Fact;
use super::mend::{WrittenMend, manifests};
use crate::ask::{Edit, Says};
use crate::cli::edit;
use crate::cli::report::is_readable;
use crate::diag::render::sanitize;
use crate::net::Direction;
use crate::session::WrittenEdits;
use crate::source::Span;
use clap::builder::styling::{AnsiColor, Style};
use std::fmt::Write as _;

/// The whole explanation.
pub(super) fn text(report: &WhyReport<'_>, color: bool) -> String {
    let mut page = Page { report, color, text: String::new() };
    page.write();
    page.text
}

/// One line for each fact, as editors and grep read it.
pub(super) fn lines(report: &WhyReport<'_>) -> String {
    let mut text = format!("{}: {}\n", report.explanation.says.word(), sanitize(&report.question()));
    let mut line = |what: &str, fact: &Fact| {
        let place = report.place(fact.span).map(|place| format!("{place}: ")).unwrap_or_default();
        let note = if fact.note.is_empty() { String::new() } else { format!(" ({})", fact.note) };
        let _ = writeln!(text, "{}", sanitize(&format!("{place}{what}{} {}{note}", fact.key, fact.text)));
    };
    let plain = |text: String| Fact { key: "", text, span: None, note: String::new() };
    for side in &report.explanation.sides {
        let what = format!("{} of {}:", side.direction.word(), report.name(side.subject));
        if side.is_open() {
            line(&what, &plain(report.open(side)));
        }
        report.side(side).iter().for_each(|fact| line(&format!("{what} "), fact));
    }
    report.remarks().into_iter().for_each(|remark| line("note:", &plain(remark)));
    report.near().iter().for_each(|fact| line("", fact));
    report.forbidden().iter().for_each(|fact| line("", fact));
    if let Some(WrittenMend::Edits(written)) = &report.mend {
        for edit in &written.edits {
            let (text, span) = match edit {
                Edit::Line { text, span, .. } => (text.clone(), *span),
                Edit::Port { tier, text, span, .. } => (format!("{text}, in the ports of {tier}"), Some(*span)),
                Edit::Flow { flow, text, span, .. } => (format!("{text}, in place of `{flow}`"), Some(*span)),
            };
            line("", &Fact { key: "write", text, span, note: String::new() });
        }
        report.left(&written.doubts).into_iter().for_each(|left| line("note:", &plain(left)));
    }
    text
}

impl WhyReport<'_> {
    /// What was asked, with the ports.
    pub(super) fn question(&self) -> String {
        let ports = format!(":{}", self.asked);
        let has_ports = self.args.to.ends_with(&ports) || self.asked_ports();
        let ports = if has_ports { "" } else { &ports };
        format!("{} -> {}{ports}", self.args.from, self.args.to)
    }

    /// Whether the question names ports.
    fn asked_ports(&self) -> bool {
        self.subject.target(&self.args.to).is_ok_and(|target| target.ports.is_some())
    }

    /// `path:line`.
    fn line_of(&self, span: Option<Span>) -> Option<String> {
        let span = span?;
        let file = self.subject.sources().file(span.file).filter(|file| is_readable(&file.path))?;
        Some(format!("{}:{}", file.path, file.position(span.start).line))
    }

    /// `path:line:column`.
    fn place(&self, span: Option<Span>) -> Option<String> {
        let span = span?;
        let file = self.subject.sources().file(span.file).filter(|file| is_readable(&file.path))?;
        let position = file.position(span.start);
        Some(format!("{}:{}:{}", file.path, position.line, position.column))
    }
}

struct Page<'a> {
    report: &'a WhyReport<'a>,
    color: bool,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{}", sanitize(text).trim_end());
    }

    fn painted(&self, says: Says, word: &str) -> String {
        let style = match says {
            Says::Allowed => AnsiColor::Green.on_default().bold(),
            Says::Denied => AnsiColor::Red.on_default().bold(),
            Says::Unknown => AnsiColor::Yellow.on_default().bold(),
        };
        self.styled(style, word)
    }

    fn styled(&self, style: Style, word: &str) -> String {
        if self.color { format!("{style}{word}{style:#}") } else { word.to_owned() }
    }

    fn write(&mut self) {
        let report = self.report;
        let explanation = &report.explanation;
        let mut question = report.question();
        if explanation.says != Says::Allowed && explanation.ports != report.asked {
            question.push_str(&format!(" (on {})", explanation.ports));
        }
        let verdict = self.painted(explanation.says, explanation.says.word());
        let _ = writeln!(self.text, "{verdict}: {}", sanitize(&question));
        for remark in report.remarks() {
            self.line(&format!("  {remark}"));
        }
        self.text.push('\n');
        for side in &explanation.sides {
            let what = format!("{} of {}", side.direction.word(), report.name(side.subject));
            if side.is_open() {
                let word = self.painted(Says::Allowed, "open");
                let _ = writeln!(self.text, "  {}: {word}", sanitize(&what));
                self.line(&format!("    {}", report.open(side)));
                continue;
            }
            let word = self.painted(side.says, side.says.word());
            let _ = writeln!(self.text, "  {}: {word}", sanitize(&what));
            let mut facts = report.side(side);
            if side.says == Says::Denied {
                let (passes, no) = match side.direction {
                    Direction::Egress => ("let out by", "no"),
                    Direction::Ingress => ("let in by", "no"),
                };
                if side.denied_by().is_none() && !facts.iter().any(|fact| fact.key == passes) {
                    let thing = if report.subject.session().is_some() { "flow" } else { "rule" };
                    let at = facts.iter().rposition(|fact| fact.key == "isolated by").map_or(0, |at| at + 1);
                    let text = format!("{no} {thing}");
                    facts.insert(at, Fact { key: passes, text, span: None, note: String::new() });
                }
            }
            self.facts("    ", &facts);
        }
        let near = report.near();
        if !near.is_empty() {
            self.text.push('\n');
            self.line("nearly:");
            let near: Vec<Fact> = near.into_iter().map(|fact| Fact { key: "", ..fact }).collect();
            self.facts("  ", &near);
        }
        let forbidden = report.forbidden();
        if !forbidden.is_empty() {
            self.text.push('\n');
            self.line("forbidden by:");
            let forbidden: Vec<Fact> = forbidden.into_iter().map(|fact| Fact { key: "", ..fact }).collect();
            self.facts("  ", &forbidden);
        }
        self.mend();
    }

    /// Facts in columns; a key stands once.
    fn facts(&mut self, indent: &str, facts: &[Fact]) {
        let keys = facts.iter().map(|fact| fact.key.chars().count()).max().unwrap_or_default();
        let short = |fact: &Fact| if fact.span.is_some() { shortened(&fact.text) } else { fact.text.clone() };
        let facts: Vec<Fact> = facts.iter().map(|fact| Fact { text: short(fact), ..fact.clone() }).collect();
        let located = facts.iter().filter(|fact| fact.span.is_some() || !fact.note.is_empty());
        let texts = located.map(|fact| fact.text.chars().count()).max().unwrap_or_default();
        let places: Vec<String> = facts.iter().map(|fact| self.report.line_of(fact.span).unwrap_or_default()).collect();
        let noted = facts.iter().zip(&places).filter(|(fact, _)| !fact.note.is_empty());
        let place_width = noted.map(|(_, place)| place.chars().count()).max().unwrap_or_default();
        let mut before = "";
        for (fact, place) in facts.iter().zip(&places) {
            let key = if fact.key == before { "" } else { fact.key };
            before = fact.key;
            let gap = if keys == 0 { "" } else { "  " };
            let line = match (place.is_empty(), fact.note.is_empty()) {
                (true, true) => fact.text.clone(),
                (false, true) => format!("{:texts$}  {place}", fact.text),
                _ => format!("{:texts$}  {place:place_width$}  {}", fact.text, fact.note),
            };
            self.line(&format!("{indent}{key:keys$}{gap}{line}"));
        }
    }

    fn mend(&mut self) {
        let bold = Style::new().bold();
        match &self.report.mend {
            None => {}
            Some(WrittenMend::Policies(policies)) => {
                let what = if policies.len() == 1 { "this policy" } else { "these policies" };
                self.text.push('\n');
                self.line(&format!("to allow it, add {what}:"));
                self.text.push('\n');
                for line in manifests(policies).lines() {
                    let line = self.styled(bold, &sanitize(line));
                    let _ = writeln!(self.text, "{line}");
                }
            }
            Some(WrittenMend::Edits(WrittenEdits { edits, doubts })) => {
                self.text.push('\n');
                let mut place_before = None;
                for (index, one) in edits.iter().enumerate() {
                    let start = match index {
                        0 if !self.report.explanation.forbidden.is_empty() => "to allow it all the same, write",
                        0 => "to allow it, write",
                        _ => "and",
                    };
                    let at = |span| self.report.line_of(span).map(|at| format!(" ({at})")).unwrap_or_default();
                    let place = edit::place(one, at);
                    if place_before.as_ref() != Some(&place) {
                        self.line(&format!("{start} {place}:"));
                    }
                    let text = self.styled(bold, &sanitize(edit::text(one)));
                    let _ = writeln!(self.text, "  {text}");
                    place_before = Some(place);
                }
                self.report.left(doubts).iter().for_each(|left| self.line(left));
            }
        }
    }
}

/// A text that leaves room for what stands beside it.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 64;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 3).collect();
    format!("{}...", start.trim_end())
}
