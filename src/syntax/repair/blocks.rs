//! The first line of a block.

use super::{Broken, Rule, StatementEdit, word};

impl Broken<'_> {
    pub(super) fn block(self) -> Option<StatementEdit> {
        if self.quoted().is_some() {
            return self.unquote("a name stands without quotes");
        }
        self.names()
            .or_else(|| self.selector_brackets())
            .or_else(|| self.missing_word())
            .or_else(|| self.before_name())
            .or_else(|| self.before_brace())
            .or_else(|| self.platform_name())
            .or_else(|| self.bare_selector())
    }

    /// `namespace a b {`, `namespace a and b {`, `namespace {a, b} {`, `namespace a, namespace b {`
    fn names(self) -> Option<StatementEdit> {
        const COMMAS: &str = "commas stand between the names of namespaces";
        if !matches!(self.rule, Rule::namespace | Rule::external) {
            return None;
        }
        let before = self.before();
        let is_first = before.ends_with("namespace");
        if !is_first && !before.contains("namespace ") {
            return None;
        }
        if let Some((range, inner)) = self.brackets().filter(|(_, inner)| is_first && !inner.contains(['=', '!'])) {
            return (!inner.is_empty())
                .then(|| StatementEdit::new(range, inner, "the names of namespaces stand without brackets"));
        }
        if before.ends_with(',') && (self.after().is_empty() || self.after().starts_with(['{', '('])) {
            let end = before.len() - 1;
            let space = if self.after().is_empty() { "" } else { " " };
            return Some(StatementEdit::new(end..self.at, space, "no comma stands behind the last item"));
        }
        // The word is a name to the grammar, and what follows it is none.
        let rest = self.after();
        let last = last_word(before);
        if matches!(last, "namespace" | "ns") && before.contains(',') && !word(rest).is_empty() {
            return Some(StatementEdit::new(before.len() - last.len()..self.at, "", COMMAS));
        }
        let is_behind_name = !is_first && before.ends_with(|c: char| c.is_ascii_alphanumeric());
        let sign = self.one_of(&["and", "&&", "&", "+", "|", ";"]);
        let length = sign.map_or(0, str::len);
        let next = rest.get(length..)?.trim_start();
        let is_name = !word(next).is_empty() && !matches!(word(next), "do" | "is" | "as" | "in");
        let follows = next.get(word(next).len()..)?.trim_start();
        let is_list =
            follows.is_empty() || !word(follows).is_empty() || follows.starts_with(['{', ',', '(', '&', '+', '|', ';']);
        (is_behind_name && is_name && is_list && (sign.is_some() || self.at > before.len()))
            .then(|| self.instead(length, ", ", COMMAS))?
    }

    /// `external namespace x [a=b] {`
    fn selector_brackets(self) -> Option<StatementEdit> {
        let (range, inner) = self.brackets().filter(|(_, inner)| inner.contains(['=', '!']))?;
        let text = format!("({inner})");
        (!self.after().starts_with('(')).then(|| StatementEdit::new(range, text, "labels stand in parentheses"))
    }

    /// `external monitoring`
    fn missing_word(self) -> Option<StatementEdit> {
        let is_name = self.rule == Rule::external && self.before() == "external" && !self.word().is_empty();
        let length = if matches!(self.word(), "ns" | "namespaces") { self.word().len() } else { 0 };
        is_name.then(|| self.instead(length, " namespace ", "it is a namespace that is external"))?
    }

    /// `namespace shop: {`, `platform = {`, `namespace shop do {`
    fn before_brace(self) -> Option<StatementEdit> {
        let brace = self.after().find('{')?;
        let between = self.after().get(..brace)?.trim_end();
        let is_sign = matches!(between, ":" | "=" | "=>" | ":=" | "->")
            || matches!(word(between), "do" | "is" | "as") && word(between) == between;
        let end = self.at + brace;
        is_sign.then(|| StatementEdit::new(self.before().len()..end, " ", "the `{` stands right behind the name"))
    }

    /// `namespace: shop {`
    fn before_name(self) -> Option<StatementEdit> {
        let is_behind_keyword = self.before().split_ascii_whitespace().count() == 1;
        let sign = self
            .one_of(&[":", "="])
            .filter(|sign| is_behind_keyword && !self.after().starts_with(&format!("{sign} {{")))?;
        let space = if self.rule == Rule::platform { "" } else { " " };
        self.instead(sign.len(), space, "the name stands right behind the first word")
    }

    /// `platform cluster {`
    fn platform_name(self) -> Option<StatementEdit> {
        let name = self.word();
        let is_name = self.rule == Rule::platform && !name.is_empty();
        is_name.then(|| self.instead(name.len(), " ", "there is one platform, which has no name"))?
    }

    /// `external namespace x a=b {`
    fn bare_selector(self) -> Option<StatementEdit> {
        let end = self.after().find(" {").unwrap_or(self.after().len());
        let labels = self.after().get(..end)?.trim_end();
        let is_labels =
            self.before().contains([' ', '\t']) && labels.contains(['=', '!', ':']) && !labels.contains(['(', ')']);
        let range = self.before().len()..self.at + labels.len();
        is_labels.then(|| StatementEdit::new(range, format!(" ({labels})"), "labels stand in parentheses"))
    }
}

/// The word that a text ends with.
fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).next().unwrap_or("")
}
