//! What is wrong with a statement, and what to do about it, in the user's words.

use super::advice::{Advice, advise};
use super::expected::{expected, pass_keyword, possible};
use super::grammar::Rule;
use super::repair::{Repaired, repaired, starts_no_keyword};
use super::statement::rule_of;
use super::words;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use pest::error::ErrorVariant;
use std::ops::Range;

/// Where a statement broke.
pub(super) struct Place<'a> {
    /// The file.
    pub file: FileId,
    /// Its text.
    pub text: &'a str,
    /// The rule that the statement had to match.
    pub rule: Rule,
    /// Where the statement starts.
    pub start: usize,
    /// Where it ends; of a block, its first line.
    pub end: usize,
    /// Where it stops making sense.
    pub failed: usize,
    /// The end of that line.
    pub line_end: usize,
    /// Whether it stands in `environment NAME { }`.
    pub in_environment: bool,
}

impl Place<'_> {
    pub(super) fn before(&self) -> &str {
        self.text.get(self.start..self.failed).unwrap_or("")
    }

    pub(super) fn after(&self) -> &str {
        self.text.get(self.failed..self.line_end).unwrap_or("").trim_end_matches('\r')
    }

    /// Whether nothing but a comment follows on the line.
    pub(super) fn line_ends(&self) -> bool {
        let after = self.after().trim_start_matches([' ', '\t']);
        after.is_empty() || after.starts_with('#')
    }

    /// The word, or the one character, that stands where it broke.
    fn found(&self) -> &str {
        if self.line_ends() {
            return "";
        }
        let after = self.after();
        let word = after.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(after.len());
        let length = if word > 0 { word } else { after.chars().next().map_or(0, char::len_utf8) };
        after.get(..length).unwrap_or("")
    }

    /// Whether a statement that has to match `self.rule` can hold what `rule` reads.
    pub(super) fn is_in(&self, rule: Rule) -> bool {
        match rule {
            Rule::isolate_for => self.rule == Rule::isolate,
            Rule::except_sides | Rule::through => self.rule == Rule::assertion,
            Rule::one_side => self.rule == Rule::flow,
            Rule::set_operator => {
                matches!(self.rule, Rule::tier | Rule::namespace | Rule::external | Rule::rename_namespace)
            }
            Rule::except_blocks => matches!(self.rule, Rule::cidr | Rule::replace_cidr),
            Rule::platform_key => self.rule == Rule::platform_entry,
            rule => self.rule == rule,
        }
    }

    /// The statement without what follows it on its line.
    fn statement(&self) -> &str {
        let text = self.text.get(self.start..self.end).unwrap_or("");
        text.split('#').next().unwrap_or("").trim_end()
    }

    /// The rule that the statement was probably meant to match: a colon behind its first word makes it a flow to the parser.
    fn meant_rule(&self) -> Rule {
        let is_flow = self.statement().contains("->") && !words::starts_assertion(self.first_word());
        if self.rule == Rule::flow && !is_flow { rule_of(self.first_word()).unwrap_or(self.rule) } else { self.rule }
    }

    /// The end of a line and the indentation that the statement has.
    fn new_line(&self) -> String {
        let line = self.text.get(..self.start).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
        format!("\n{}", if line.trim().is_empty() { line } else { "" })
    }

    fn first_word(&self) -> &str {
        let statement = self.text.get(self.start..self.line_end).unwrap_or("");
        statement.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next().unwrap_or("")
    }
}

/// The diagnostic for a statement that does not match its rule.
pub(super) fn explain(mut place: Place<'_>, problem: Option<&ErrorVariant<Rule>>) -> Diagnostic {
    let rule = place.rule;
    let possible = possible(rule, problem);
    pass_keyword(&mut place, &possible);
    let found = place.found();
    let shown: String = found.chars().take(40).collect();
    let cut = if shown.len() < found.len() { "…" } else { "" };
    let span = Span::new(place.file, place.failed..place.failed + found.len());
    let expected = expected(&place, &possible);
    let message = if found.is_empty() {
        format!("expected {expected}, but the line ends")
    } else {
        format!("expected {expected}, found `{shown}{cut}`")
    };
    let diagnostic = Diagnostic::new(Code::E0001, span, message).with_text("not understood from here on");
    let hint = || foreign_letter(&place).or_else(|| hint(&place, rule, &possible));
    let Some((help, mend)) = repair(&place).or_else(|| advice(&place)).or_else(hint) else {
        return diagnostic;
    };
    let diagnostic = diagnostic.with_help(help);
    match mend {
        Some((range, text)) => diagnostic.with_mend(Span::new(place.file, range), text),
        None => diagnostic,
    }
}

/// The diagnostic for a statement that starts with a misspelt word.
pub(super) fn unknown_word(place: &Place<'_>, written: &str, meant: &str) -> Diagnostic {
    let span = Span::new(place.file, place.start..place.start + written.len());
    let diagnostic = Diagnostic::new(Code::E0001, span, format!("`{written}` starts no statement"));
    let statement = place.statement();
    let changed = format!("{meant}{}", statement.get(written.len()..).unwrap_or(""));
    let whole = Span::new(place.file, place.start..place.start + statement.len());
    let rule = rule_of(meant).filter(|_| !statement.contains('\n'));
    // Who takes a word from another language often takes more.
    if let Some(Repaired { text, guessed: false, .. }) = rule.and_then(|rule| repaired(rule, &changed)) {
        return diagnostic.with_help(format!("did you mean `{text}`?")).with_mend(whole, text);
    }
    if let Some(Advice { help, statements }) = rule.and_then(|rule| advise(rule, &changed, meant.len()))
        && !statements.is_empty()
    {
        return diagnostic.with_help(help).with_mend(whole, statements.join(&place.new_line()));
    }
    diagnostic.with_help(format!("did you mean `{meant}`?")).with_mend(span, meant)
}

/// The word that is probably meant by the first one, when the statement stops making sense right after it.
pub(super) fn misspelt(place: &Place<'_>) -> Option<&'static str> {
    let first = place.first_word();
    if place.rule != Rule::flow || first.is_empty() || place.before().trim_end() != first || starts_no_keyword(first) {
        return None;
    }
    let after = place.after();
    let word = place.line_ends() || after.starts_with(|c: char| c.is_alphanumeric() || c == '{' || c == '"');
    // In a flow they stand in front of a name.
    let known = SYNONYMS.iter().filter(|_| !place.statement().contains("->"));
    let same = known.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(first)).map(|(_, meant)| *meant);
    let meant = same.or_else(|| crate::diag::closest(first, words::first_words()))?;
    (word && meant != first).then_some(meant)
}

/// Words of other languages, and what they are called here.
const SYNONYMS: &[(&str, &str)] = &[
    ("pod", "tier"),
    ("pods", "tier"),
    ("service", "tier"),
    ("svc", "tier"),
    ("app", "tier"),
    ("workload", "tier"),
    ("deployment", "tier"),
    ("component", "tier"),
    ("role", "tier"),
    ("selector", "tier"),
    ("ns", "namespace"),
    ("project", "namespace"),
    ("env", "environment"),
    ("stage", "environment"),
    ("net", "cidr"),
    ("network", "cidr"),
    ("subnet", "cidr"),
    ("ip", "cidr"),
    ("ips", "cidr"),
    ("ipBlock", "cidr"),
    ("address", "cidr"),
    ("addresses", "cidr"),
    ("range", "cidr"),
    ("domain", "fqdn"),
    ("host", "fqdn"),
    ("hostname", "fqdn"),
    ("url", "fqdn"),
    ("alias", "group"),
    ("list", "group"),
    ("set", "group"),
    ("union", "group"),
    ("exclusive", "disjoint"),
    ("distinct", "disjoint"),
    ("separate", "disjoint"),
    ("cluster", "platform"),
];

/// Advice, and the change that follows it where there is just one: what is replaced, and by what.
type Hint = (String, Option<(Range<usize>, String)>);

/// Advice where lists or ports of a flow stand as nobody reads them.
fn misplaced_in_flow(before: &str, after: &str) -> Option<&'static str> {
    let hop = before.rsplit("->").next().unwrap_or(before);
    if after.starts_with(',') && hop.contains(':') {
        return Some("several ports stand in braces: `backend:{80, 443}/tcp`");
    }
    if after.starts_with(',') {
        return Some("several endpoints stand in braces: `{frontend, admin} -> backend:8080/tcp`");
    }
    let is_number = after.starts_with(|c: char| c.is_ascii_digit());
    (is_number && before.contains("->") && before.ends_with([' ', '\t']) && !hop.contains(':'))
        .then_some("ports stand behind a colon: `backend:8080/tcp`")
}

/// The whole statement as it was probably meant.
fn repair(place: &Place<'_>) -> Option<Hint> {
    let statement = place.statement();
    let Repaired { text, why, guessed } = repaired(place.meant_rule(), statement)?;
    let help = format!("{why}: `{text}`");
    Some((help, (!guessed).then(|| (place.start..place.start + statement.len(), text))))
}

/// Other statements that say what was probably meant.
fn advice(place: &Place<'_>) -> Option<Hint> {
    let whole = place.statement();
    // What a line begins that goes on in others is known by that line.
    let statement = whole.lines().next().unwrap_or(whole).trim_end();
    if statement != whole && !statement.ends_with('{') {
        return None;
    }
    let Advice { help, statements } = advise(place.meant_rule(), statement, place.failed.saturating_sub(place.start))?;
    if statement != whole {
        return Some((help, None));
    }
    let mend = statements.join(&place.new_line());
    Some((help, (!mend.is_empty()).then(|| (place.start..place.start + statement.len(), mend))))
}

/// What to do about a letter that no name and no label has.
fn foreign_letter(place: &Place<'_>) -> Option<Hint> {
    let is_foreign = place.after().starts_with(|c: char| !c.is_ascii() && c.is_alphanumeric());
    let is_value = place.before().trim_end().ends_with('=');
    is_foreign.then(|| {
        let what = match is_value {
            true => "values of labels have letters of ASCII, digits, `-`, `_` and `.`",
            false => "names have the letters from `a` to `z`, digits and `-`, as in Kubernetes",
        };
        (what.to_owned(), None)
    })
}

/// Advice for mistakes that people make.
fn hint(place: &Place<'_>, rule: Rule, possible: &[Rule]) -> Option<Hint> {
    let after = place.after();
    let before = place.before();
    let said = |help: &str| Some((help.to_owned(), None));
    let instead = |help: &str, length: usize, text: &str| {
        Some((help.to_owned(), Some((place.failed..place.failed + length, text.to_owned()))))
    };
    if before.is_empty() && (after.starts_with("-- ") || after.starts_with("; ")) {
        return said("a comment starts with `#`");
    }
    if rule == Rule::isolate && before.trim_end() == "isolate" {
        return said("write `isolate ingress`, `isolate egress` or `isolate ingress, egress`");
    }
    let arrow = ["→", "=>", "-->", "–>", "—>", ">", "<-", "--", "=="].iter().find(|wrong| after.starts_with(**wrong));
    if let (Some(wrong), true) = (arrow, matches!(rule, Rule::flow | Rule::assertion)) {
        return if *wrong == "<-" {
            said("a flow is written from the one who connects: `source -> destination:8080/tcp`")
        } else {
            instead("an arrow is written `->`: `frontend -> backend:8080/tcp`", wrong.len(), "->")
        };
    }
    if after.starts_with("->>") && rule == Rule::flow {
        return instead("`->>` only stands in `never A ->> B`; a flow is written `A -> B:8080/tcp`", "->>".len(), "->");
    }
    // In the middle of a word they are what somebody took for a port.
    let apart = before.is_empty() || before.ends_with([' ', '\t', '\n']);
    if apart && after.starts_with("//") {
        return instead("a comment starts with `#`", "//".len(), "#");
    }
    if apart && after.starts_with("/*") {
        return said("a comment starts with `#`");
    }
    if after.starts_with(';') && before.bytes().rfind(|byte| matches!(byte, b'{' | b'}')) == Some(b'{') {
        return instead("what stands in braces is parted by commas", ";".len(), ",");
    }
    if after.strip_prefix(';').is_some_and(|next| !next.trim_start_matches([' ', '\t', '}']).is_empty()) {
        return instead("each statement has a line of its own", ";".len(), "\n");
    }
    if after.starts_with(';') {
        return instead("a statement ends with its line; leave the `;` out", ";".len(), "");
    }
    if rule == Rule::namespace && after.is_empty() && before.trim_end() != "namespace" {
        return Some((format!("`{} {{` opens the namespace, a line `}}` closes it", before.trim_end()), None));
    }
    let comma = |before: &str| before.strip_suffix("except").is_some_and(|before| before.trim_end().ends_with(','));
    if matches!(rule, Rule::cidr | Rule::replace_cidr) && comma(before.trim_end()) {
        return said("no comma stands before `except`: `cidr NAME = 10.0.0.0/8 except 10.1.0.0/16`");
    }
    if rule == Rule::tier && apart && after.split(' ').next().is_some_and(|word| word.contains('=')) {
        return said("labels stand in parentheses: `tier frontend (app=web)`");
    }
    if rule == Rule::flow
        && let Some(help) = misplaced_in_flow(before, after)
    {
        return said(help);
    }
    let port_expected = before.trim_end().ends_with(':');
    if port_expected && matches!(rule, Rule::flow | Rule::assertion | Rule::tier) {
        return said("ports are written `8080/tcp`, `{80, 443}/tcp`, `30000-32767/tcp`, a name, or `*`");
    }
    if possible.contains(&Rule::protocol) && after.starts_with('/') {
        return said("a protocol is `/tcp`, `/udp` or `/sctp`; `*` alone is every port of every protocol");
    }
    if rule == Rule::platform_entry && place.failed == place.start {
        let first = place.first_word();
        let others = words::statements(true).filter(|_| place.in_environment).map(words::StatementKind::first_word);
        let known = others.chain(words::PLATFORM_KEYS.iter().map(|key| key.word));
        let meant = crate::diag::closest(first, known)?;
        return instead(&format!("did you mean `{meant}`?"), first.len(), meant);
    }
    if rule == Rule::flow {
        return said("a flow is written `source -> destination:8080/tcp`");
    }
    None
}
