//! How grave what is said is, and what stays unsaid: the flags of the command line and the comments in the source.

use std::collections::BTreeMap;

use super::{Code, Diagnostic, Report, Severity, closest};
use crate::source::{FileId, Span};

/// What is to become of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It is an error (`-D`).
    Deny,
    /// It is a warning (`-W`), even when all others are errors, and where it would be a note.
    Warn,
    /// It is not said (`-A`).
    Allow,
}

/// The name that stands for all warnings at once.
const WARNINGS: &str = "warnings";

/// The levels that the command line sets.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    deny_warnings: bool,
    notes: bool,
    set: BTreeMap<Code, Level>,
}

/// A comment `# polder: allow(CODE, ...)`: on the statement right below, the warnings of these codes are not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The codes as they are written, each with its place.
    pub codes: Vec<(String, Span)>,
    /// The next statement below the comment; of a statement with a block only the part before the block. `None` when
    /// no statement follows in the same block.
    pub covers: Option<Span>,
}

impl Allow {
    /// Reads a comment, `text` being what stands at `span` from its first `#` on. `None` when it is an ordinary
    /// comment. Words after the closing parenthesis are the reason and are not looked at.
    pub fn read(text: &str, span: Span, covers: Option<Span>) -> Option<Allow> {
        let rest = text.trim_start_matches('#').trim_start().strip_prefix("polder:")?;
        let rest = rest.trim_start().strip_prefix("allow")?.trim_start().strip_prefix('(')?;
        let start = span.start as usize + (text.len() - rest.len());
        let list = rest.split(')').next().unwrap_or("");
        let mut codes = Vec::new();
        let mut offset = start;
        for item in list.split(',') {
            let name = item.trim();
            let at = offset + (item.len() - item.trim_start().len());
            codes.push((name.to_owned(), Span::new(span.file, at..at + name.len())));
            offset += item.len() + 1;
        }
        Some(Allow { codes, covers })
    }
}

impl Levels {
    /// Makes every warning an error whose code no other flag names (`--deny-warnings`).
    pub fn deny_warnings(&mut self) {
        self.deny_warnings = true;
    }

    /// Says notes, too (`--notes`).
    pub fn show_notes(&mut self) {
        self.notes = true;
    }

    /// Sets the level of the code called `name`, or of all `warnings`; the last call for a code counts. The message of the
    /// refusal is for the user: there is no such code, or it is an error, which can only be denied.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), String> {
        if name.eq_ignore_ascii_case(WARNINGS) {
            return self.set_all(level);
        }
        let code = Code::parse(name).ok_or_else(|| unknown(name))?;
        if code.stops() && level != Level::Deny {
            return Err(only_warnings(code));
        }
        self.set.insert(code, level);
        Ok(())
    }

    fn set_all(&mut self, level: Level) -> Result<(), String> {
        self.deny_warnings = level == Level::Deny;
        match level {
            Level::Deny | Level::Warn => Ok(()),
            Level::Allow => Err("`warnings` are silenced one code at a time, as in `-A W0207`".to_owned()),
        }
    }

    /// What is said in the end: silenced warnings are gone, raised ones are errors. A comment goes before the command
    /// line; one that silences nothing is a warning itself. The order of the diagnostics stays, additions come last.
    pub fn apply(&self, diagnostics: Vec<Diagnostic>, allows: &[Allow]) -> Vec<Report> {
        let mut comments = Comments::new(allows);
        let mut said: Vec<Diagnostic> =
            diagnostics.into_iter().filter(|diagnostic| !comments.silence(diagnostic)).collect();
        said.extend(comments.without_effect());
        said.into_iter().filter_map(|diagnostic| self.report(diagnostic)).collect()
    }

    fn report(&self, diagnostic: Diagnostic) -> Option<Report> {
        let severity = match (diagnostic.severity(), self.set.get(&diagnostic.code)) {
            _ if diagnostic.code.stops() => Severity::Error,
            (_, Some(Level::Deny)) => Severity::Error,
            (_, Some(Level::Allow)) => return None,
            (_, Some(Level::Warn)) => Severity::Warning,
            (Severity::Note, None) if !self.notes => return None,
            (Severity::Warning, None) if self.deny_warnings => Severity::Error,
            (severity, None) => severity,
        };
        Some(Report { diagnostic, severity })
    }
}

fn only_warnings(code: Code) -> String {
    format!("`{code}` ({}) is an error; only warnings can be silenced", code.title())
}

fn unknown(name: &str) -> String {
    let names = Code::ALL.iter().map(|code| code.as_str());
    match closest(name, names) {
        Some(near) => format!("there is no code `{name}`; did you mean `{near}`?"),
        None => format!("there is no code `{name}`"),
    }
}

/// One code of one comment.
struct Entry<'a> {
    name: &'a str,
    code: Option<Code>,
    span: Span,
    covers: Option<Span>,
    used: bool,
}

/// The comments, ordered by what they cover.
struct Comments<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Comments<'a> {
    fn new(allows: &'a [Allow]) -> Self {
        let mut entries: Vec<_> = allows
            .iter()
            .flat_map(|allow| allow.codes.iter().map(move |(name, span)| (name, *span, allow.covers)))
            .map(|(name, span, covers)| Entry { name, code: Code::parse(name), span, covers, used: false })
            .collect();
        entries.sort_by_key(|entry| (entry.place(), entry.span));
        Comments { entries }
    }

    /// Whether a comment silences it.
    fn silence(&mut self, diagnostic: &Diagnostic) -> bool {
        let Some(primary) = diagnostic.primary() else { return false };
        if diagnostic.code.stops() {
            return false;
        }
        let place = Some((primary.file, primary.start));
        let end = self.entries.partition_point(|entry| entry.place() <= place);
        let Some(last) = self.entries.get(..end).and_then(<[Entry]>::last) else { return false };
        let nearest = last.place();
        let start = self.entries.partition_point(|entry| entry.place() < nearest);
        // Statements do not overlap, so only the comments of the nearest one can cover the place.
        let candidates = self.entries.get_mut(start..end).unwrap_or_default();
        let mut silenced = false;
        for entry in candidates.iter_mut().filter(|entry| entry.code == Some(diagnostic.code)) {
            if entry.covers.is_some_and(|covers| primary.file == covers.file && primary.start < covers.end) {
                entry.used = true;
                silenced = true;
            }
        }
        silenced
    }

    fn without_effect(self) -> impl Iterator<Item = Diagnostic> + use<'a> {
        // Only an editor that has the log knows whether that one has an effect.
        let is_known = |entry: &Entry<'_>| entry.code != Some(Code::W0313);
        let mut unused: Vec<_> = self.entries.into_iter().filter(|entry| !entry.used && is_known(entry)).collect();
        unused.sort_by_key(|entry| entry.span);
        unused.into_iter().map(|entry| entry.diagnostic())
    }
}

impl Entry<'_> {
    fn place(&self) -> Option<(FileId, u32)> {
        self.covers.map(|covers| (covers.file, covers.start))
    }

    fn diagnostic(&self) -> Diagnostic {
        let at = |message: String| Diagnostic::new(Code::W0013, self.span, message);
        match self.code {
            None => at(unknown(self.name)),
            Some(code) if code.stops() => at(only_warnings(code)),
            Some(code) => at(format!("no `{code}` ({}) is reported here that could be silenced", code.title()))
                .with_help("a comment stands on a line of its own, above what it silences; else remove the code"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::source::Sources;

    const SOURCE: &str = "## polder: allow(W0001, w0003): known\nfirst statement\nsecond statement\n";

    fn warning(code: Code, word: &str) -> Diagnostic {
        let start = SOURCE.find(word).unwrap();
        Diagnostic::new(code, Span::new(FileId::at(0), start..start + word.len()), "told")
    }

    fn allow() -> Allow {
        let comment = SOURCE.lines().next().unwrap();
        let start = SOURCE.find("first").unwrap();
        let covers = Span::new(FileId::at(0), start..start + "first statement".len());
        Allow::read(comment, Span::new(FileId::at(0), 0..comment.len()), Some(covers)).unwrap()
    }

    fn codes(reports: &[Report]) -> Vec<String> {
        reports.iter().map(|report| format!("{} {}", report.severity.as_str(), report.diagnostic.code)).collect()
    }

    #[test]
    fn reads_the_codes_of_a_comment_with_their_places() {
        let mut sources = Sources::default();
        sources.add("a.polder", SOURCE);
        let codes = allow().codes;
        assert_eq!(codes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["W0001", "w0003"]);
        assert!(codes.iter().all(|(name, span)| sources.text(*span) == name));
        for ordinary in ["# polder", "# polder: all is well", "# allow(W0001)", "#"] {
            assert_eq!(Allow::read(ordinary, Span::new(FileId::at(0), 0..1), None), None);
        }
        assert!(Allow::read("#polder:allow(W0001", Span::new(FileId::at(0), 0..1), None).is_some());
    }

    #[test]
    fn a_comment_silences_the_statement_below_and_nothing_else() {
        let told = vec![
            warning(Code::W0001, "first"),
            warning(Code::W0003, "first"),
            warning(Code::W0001, "second"),
            warning(Code::W0005, "first"),
        ];
        assert_eq!(codes(&Levels::default().apply(told, &[allow()])), ["warning W0001", "warning W0005"]);
    }

    #[test]
    fn a_code_that_silences_nothing_is_reported_at_its_place() {
        let mut sources = Sources::default();
        sources.add("a.polder", SOURCE);
        let reports = Levels::default().apply(vec![warning(Code::W0001, "statement")], &[allow()]);
        assert_eq!(codes(&reports), ["warning W0013"]);
        assert_eq!(sources.text(reports[0].diagnostic.primary().unwrap()), "w0003");

        let mut levels = Levels::default();
        levels.set("W0013", Level::Allow).unwrap();
        assert!(levels.apply(vec![], &[allow()]).is_empty());
    }

    #[test]
    fn a_comment_cannot_silence_errors_or_unknown_codes() {
        let span = Span::new(FileId::at(0), 0..4);
        let allow = Allow { codes: vec![("E0101".into(), span), ("W0099".into(), span)], covers: Some(span) };
        let told = vec![Diagnostic::new(Code::E0101, span, "told")];
        let reports = Levels::default().apply(told, &[allow]);
        assert_eq!(codes(&reports), ["error E0101", "warning W0013", "warning W0013"]);
        let nothing = Allow { codes: vec![("W0001".into(), span)], covers: None };
        assert_eq!(codes(&Levels::default().apply(vec![], &[nothing])), ["warning W0013"]);
    }

    #[test]
    fn flags_raise_keep_and_silence() {
        let told = || vec![warning(Code::W0001, "first"), warning(Code::W0002, "first"), warning(Code::W0003, "first")];
        let mut levels = Levels::default();
        levels.set("W0001", Level::Deny).unwrap();
        levels.set("w0002", Level::Allow).unwrap();
        assert_eq!(codes(&levels.apply(told(), &[])), ["error W0001", "warning W0003"]);
        levels.deny_warnings();
        levels.set("W0001", Level::Warn).unwrap();
        assert_eq!(codes(&levels.apply(told(), &[])), ["warning W0001", "error W0003"]);
    }

    #[test]
    fn all_warnings_are_denied_by_name_and_notes_stay_what_they_are() {
        let told = || {
            let note = warning(Code::W0002, "first").as_note();
            vec![warning(Code::W0001, "first"), note, warning(Code::W0206, "first")]
        };
        let mut levels = Levels::default();
        assert_eq!(codes(&levels.apply(told(), &[])), ["warning W0001", "error W0206"]);
        levels.show_notes();
        assert_eq!(codes(&levels.apply(told(), &[])), ["warning W0001", "note W0002", "error W0206"]);
        levels.set("warnings", Level::Deny).unwrap();
        levels.set("W0206", Level::Warn).unwrap();
        assert_eq!(codes(&levels.apply(told(), &[])), ["error W0001", "note W0002", "warning W0206"]);
        levels.set("W0002", Level::Warn).unwrap();
        levels.set("warnings", Level::Warn).unwrap();
        assert_eq!(codes(&levels.apply(told(), &[])), ["warning W0001", "warning W0002", "warning W0206"]);
        assert!(levels.set("warnings", Level::Allow).is_err());
    }

    #[test]
    fn flags_cannot_lower_errors_or_name_unknown_codes() {
        let mut levels = Levels::default();
        assert!(levels.set("E0101", Level::Allow).unwrap_err().contains("is an error"));
        assert!(levels.set("E0101", Level::Warn).is_err());
        assert!(levels.set("E0101", Level::Deny).is_ok());
        assert!(levels.set("W001", Level::Allow).unwrap_err().contains("did you mean `W0001`?"));
    }
}
