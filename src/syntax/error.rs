//! What was expected, in the user's words.

use super::grammar::Rule;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use pest::error::ErrorVariant;
use std::ops::Range;

/// Where a statement broke.
pub struct Place<'a> {
    /// The file.
    pub file: FileId,
    /// Its text.
    pub text: &'a str,
    /// Where the statement starts.
    pub start: usize,
    /// Where it stops making sense.
    pub failed: usize,
    /// The end of that line.
    pub line_end: usize,
}

impl Place<'_> {
    fn before(&self) -> &str {
        self.text.get(self.start..self.failed).unwrap_or("")
    }

    fn after(&self) -> &str {
        self.text.get(self.failed..self.line_end).unwrap_or("").trim_end_matches('\r')
    }

    /// The word, or the one character, that stands where it broke.
    fn found(&self) -> &str {
        let after = self.after();
        let word = after.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(after.len());
        let length = if word > 0 { word } else { after.chars().next().map_or(0, char::len_utf8) };
        after.get(..length).unwrap_or("")
    }

    fn first_word(&self) -> &str {
        let statement = self.text.get(self.start..self.line_end).unwrap_or("");
        statement.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next().unwrap_or("")
    }
}

/// The diagnostic for a statement that does not match `rule`.
pub fn explain(place: &Place<'_>, rule: Rule, problem: Option<&ErrorVariant<Rule>>) -> Diagnostic {
    let found = place.found();
    let shown: String = found.chars().take(40).collect();
    let cut = if shown.len() < found.len() { "…" } else { "" };
    let span = Span::new(place.file, place.failed..place.failed + found.len());
    let expected = expected(rule, problem);
    let message = if found.is_empty() {
        format!("expected {expected}, but the line ends")
    } else {
        format!("expected {expected}, found `{shown}{cut}`")
    };
    let diagnostic = Diagnostic::new(Code::E0001, span, message).with_text("not understood from here on");
    let Some((help, mend)) = hint(place, rule) else { return diagnostic };
    let diagnostic = diagnostic.with_help(help);
    match mend {
        Some((range, text)) => diagnostic.with_mend(Span::new(place.file, range), text),
        None => diagnostic,
    }
}

/// What could have stood there, joined to a phrase.
fn expected(rule: Rule, problem: Option<&ErrorVariant<Rule>>) -> String {
    let positives: &[Rule] = match problem {
        Some(ErrorVariant::ParsingError { positives, .. }) => positives,
        _ => &[],
    };
    let mut words: Vec<&str> = Vec::new();
    for word in positives.iter().map(|rule| in_words(*rule)) {
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() {
        words.push(in_words(rule));
    }
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "a statement".to_owned(),
    }
}

/// A rule as the user would call it; empty for what is never worth naming.
fn in_words(rule: Rule) -> &'static str {
    match rule {
        Rule::comma => "`,`",
        Rule::equals => "`=`",
        Rule::colon => "`:`",
        Rule::open_brace => "`{`",
        Rule::close_brace => "`}`",
        Rule::open_paren | Rule::selector => "labels such as `(app=web)`",
        Rule::close_paren => "`)`",
        Rule::arrow => "`->`",
        Rule::chain_arrow => "`->>`",
        Rule::end | Rule::EOI => "the end of the line",
        Rule::name | Rule::letter => "a name",
        Rule::key | Rule::requirement | Rule::absent | Rule::set | Rule::comparison => "a label such as `app=web`",
        Rule::operator => "`=`, `!=`",
        Rule::set_operator => "`in (...)`, `notin (...)`",
        Rule::value => "a label value",
        Rule::block | Rule::blocks => "an address block such as `10.0.0.0/8`",
        Rule::except_blocks | Rule::except_sides => "`except`",
        Rule::dns_name => "a DNS name such as `api.example.com`",
        Rule::dns_server => "a DNS preset, an address or a tier",
        Rule::direction => "`ingress`, `egress` or `none`",
        Rule::star | Rule::endpoint | Rule::side | Rule::sides | Rule::hop => "a tier or another endpoint",
        Rule::ports | Rule::port_set | Rule::port | Rule::number | Rule::quoted => "a port such as `8080/tcp`",
        Rule::protocol => "`/tcp`, `/udp` or `/sctp`",
        Rule::port_list => "ports such as `{ http: 8080/tcp }`",
        Rule::port_entry => "a port with its name such as `http: 8080/tcp`",
        Rule::isolate_for => "`for`",
        Rule::flow => "a statement or a flow such as `frontend -> backend:8080/tcp`",
        Rule::namespace => "`namespace NAME {`",
        Rule::external => "`external namespace NAME`",
        Rule::platform => "`platform {`",
        Rule::environment => "`environment NAME {`",
        Rule::use_entry => "`use NAME`",
        Rule::tier => "`tier NAME`",
        Rule::group => "`group NAME = ...`",
        Rule::cidr | Rule::replace_cidr => "`cidr NAME = ...`",
        Rule::fqdn | Rule::replace_fqdn => "`fqdn NAME = ...`",
        Rule::ports_entry => "`ports NAME = ...`",
        Rule::isolate => "`isolate ingress, egress`",
        Rule::label => "`label KEY`",
        Rule::dns => "`dns PRESET`",
        Rule::assertion | Rule::assertion_word => "`never A -> B`",
        Rule::platform_entry | Rule::platform_key => "`cni`, `dns`, `apiserver`, `nodes`, `pods` or `services`",
        Rule::rename_namespace => "`namespace NAME = NAME`",
        Rule::sp | Rule::blank | Rule::gap | Rule::comment | Rule::next_line | Rule::flows | Rule::tiers => "",
    }
}

/// The words that start a statement.
pub const FIRST_WORDS: &[&str] = &[
    "namespace",
    "external",
    "platform",
    "environment",
    "use",
    "tier",
    "group",
    "cidr",
    "fqdn",
    "ports",
    "isolate",
    "label",
    "dns",
    "never",
    "only",
    "always",
];

/// Advice, and the change that follows it where there is just one: what is replaced, and by what.
type Hint = (String, Option<(Range<usize>, &'static str)>);

/// Advice for mistakes that people make.
fn hint(place: &Place<'_>, rule: Rule) -> Option<Hint> {
    let after = place.after();
    let before = place.before();
    let said = |help: &str| Some((help.to_owned(), None));
    let instead =
        |help: &str, length: usize, text| Some((help.to_owned(), Some((place.failed..place.failed + length, text))));
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
    if after.starts_with("//") {
        return instead("a comment starts with `#`", "//".len(), "#");
    }
    if after.starts_with("/*") {
        return said("a comment starts with `#`");
    }
    if after.starts_with(';') {
        return instead("a statement ends with its line; leave the `;` out", ";".len(), "");
    }
    if rule == Rule::namespace && after.is_empty() {
        return Some((format!("`{} {{` opens the namespace, a line `}}` closes it", before.trim_end()), None));
    }
    if rule == Rule::namespace && after.starts_with('(') {
        return said(
            "a namespace of your own is known by its name; only `external namespace NAME (labels)` takes labels",
        );
    }
    let address = before.bytes().last().is_some_and(|byte| byte.is_ascii_hexdigit()) && after.starts_with(['.', ':']);
    if rule == Rule::flow && address && after.as_bytes().get(1).is_some_and(u8::is_ascii_hexdigit) {
        return said("addresses are declared: `cidr NAME = 10.0.0.0/8`, and the flow names them");
    }
    let port_expected = before.trim_end().ends_with(':');
    if port_expected && matches!(rule, Rule::flow | Rule::assertion | Rule::tier) {
        return said("ports are written `8080/tcp`, `{80, 443}/tcp`, `30000-32767/tcp`, a name, or `*`");
    }
    if rule == Rule::flow {
        let first = place.first_word();
        if let Some(word) = crate::diag::closest(first, FIRST_WORDS.iter().copied())
            && word != first
        {
            return Some((format!("did you mean `{word}`?"), Some((place.start..place.start + first.len(), word))));
        }
        return said("a flow is written `source -> destination:8080/tcp`");
    }
    None
}
