//! Labels in parentheses.

use super::{Broken, StatementEdit, word};

const EQUALS: &str = "labels are written `key=value`";
const QUOTES: &str = "labels stand without quotes";
const NOTHING_ELSE: &str = "only labels stand in the parentheses";
const COMMAS: &str = "commas stand between labels, all of which a pod has to have";
const LIST: &str = "the values of a label stand in parentheses, with commas between them";

impl Broken<'_> {
    /// Mends what stands in the parentheses of a selector.
    pub(super) fn selector(self) -> Option<StatementEdit> {
        if self.quoted().is_some() {
            return self.unquote(QUOTES);
        }
        self.needless_word()
            .or_else(|| self.alternative())
            .or_else(|| self.values())
            .or_else(|| self.operator())
            .or_else(|| self.absent())
            .or_else(|| self.between())
            .or_else(|| self.end())
    }

    /// The requirement that stands before the place, and where it starts.
    fn requirement(&self) -> (usize, &str) {
        let before = self.before();
        let start = before.rfind([',', '(']).map_or(0, |at| at + 1);
        let text = before.get(start..).unwrap_or("");
        let start = start + text.len() - text.trim_start().len();
        (start, text.trim())
    }

    /// `labels app=web`, `matchLabels: {app: web}`, `exists app`
    fn needless_word(self) -> Option<StatementEdit> {
        const WORDS: &[&str] = &["labels", "label", "matchLabels", "selector", "has", "with", "exists", "where", "key"];
        let (start, written) = self.requirement();
        let rest = self.after().strip_prefix([':', '=']).unwrap_or(self.after()).trim_start();
        if !WORDS.contains(&written) || self.at == start {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('{') {
            let close = inner.find('}')?;
            let end = self.text.len() - inner.len() + close + 1;
            return Some(StatementEdit::new(start..end, inner.get(..close)?.trim(), NOTHING_ELSE));
        }
        let is_label = !word(rest).is_empty() && !matches!(word(rest), "in" | "notin" | "exists" | "is" | "not");
        let is_apart = self.before().len() < self.at || self.after().len() != rest.len();
        let key = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'));
        let is_whole = key.trim_start().starts_with(['=', ':', '!', ')', ',']);
        (is_label && is_apart && is_whole && written != "key")
            .then(|| StatementEdit::new(start..self.text.len() - rest.len(), "", NOTHING_ELSE))
    }

    /// `app=web || app=api`, `app=web|api`
    fn alternative(self) -> Option<StatementEdit> {
        let sign = self.one_of(&["||", "|", "or", "OR"])?;
        let (start, first) = self.requirement();
        let (key, value) = first.split_once('=')?;
        let key = key.trim().trim_end_matches('!');
        let rest = self.after().get(sign.len()..)?.trim_start();
        let again = rest.strip_prefix(key).map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
        let rest = again.unwrap_or(rest).trim_start_matches('=').trim_start();
        let other = word(rest);
        let end = self.text.len() - rest.len() + other.len();
        let negative = first.contains("!=");
        // Another key cannot be said in one selector.
        let follows = rest.get(other.len()..)?.trim_start();
        if other.is_empty() || follows.starts_with(['=', '!']) {
            return None;
        }
        let operator = if negative { "notin" } else { "in" };
        let value = value.trim_start_matches('=').trim();
        Some(StatementEdit::new(start..end, format!("{key} {operator} ({value}, {other})"), LIST))
    }

    /// `app=[a, b]`, `app in [a, b]`, `app in a, b`
    fn values(self) -> Option<StatementEdit> {
        let before = self.before();
        for (written, meant) in [("!=", "notin"), ("==", "in"), ("=", "in"), ("notin", "notin"), ("in", "in")] {
            let Some(key) = before.strip_suffix(written) else { continue };
            if let Some((range, inner)) = self.brackets() {
                let inner = inner.replace(['"', '\'', '['], "");
                return Some(StatementEdit::new(key.trim_end().len()..range.end, format!(" {meant} ({inner})"), LIST));
            }
            let is_word = written.starts_with(|c: char| c.is_ascii_alphabetic()) && key.ends_with([' ', '\t']);
            if let Some(values) = is_word.then(|| bare_values(self.after())).flatten() {
                return Some(StatementEdit::new(self.at..self.at + values.len(), format!("({values})"), LIST));
            }
            return None;
        }
        None
    }

    /// `app: web`, `app is web`, `app not in (web)`
    fn operator(self) -> Option<StatementEdit> {
        const LISTS: &[(&str, &str)] =
            &[("not in", " notin "), ("NOT IN", " notin "), ("NOTIN", " notin "), ("!in", " notin "), ("IN", " in ")];
        const SIGNS: &[(&str, &str)] = &[
            ("is not", "!="),
            ("<>", "!="),
            ("~=", "!="),
            ("=!", "!="),
            ("!==", "!="),
            ("ne", "!="),
            ("===", "="),
            ("=>", "="),
            ("->", "="),
            (":=", "="),
            ("is", "="),
            ("eq", "="),
            ("equals", "="),
            (":", "="),
        ];
        let find = |known: &[(&'static str, &'static str)]| {
            known.iter().copied().find(|(written, _)| super::starts_with(self.after(), written))
        };
        if !self.follows_key() {
            return None;
        }
        if let Some((written, meant)) = find(LISTS) {
            return self.instead(written.len(), meant, LIST);
        }
        if let Some(written) = self.one_of(&["exists", "EXISTS", "set"]) {
            return self.instead(written.len(), "", "`key` alone is every pod that has the label");
        }
        let (written, meant) = find(SIGNS)?;
        let value = self.after().get(written.len()..)?.trim_start();
        match word(value) {
            existing @ ("Exists" | "DoesNotExist") if meant == "=" => {
                let (start, key) = self.requirement();
                let end = self.text.len() - value.len() + existing.len();
                let absent = if existing == "Exists" { "" } else { "!" };
                let why = "`key` alone is every pod that has the label, and `!key` every one that lacks it";
                return Some(StatementEdit::new(start..end, format!("{absent}{key}"), why));
            }
            _ => {}
        }
        self.instead(written.len(), meant, EQUALS)
    }

    fn follows_key(self) -> bool {
        self.before().ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'))
    }

    /// `not debug`, `app=web, not debug`
    fn absent(self) -> Option<StatementEdit> {
        const WHY: &str = "`!key` is every pod that lacks the label";
        let (start, written) = self.requirement();
        if matches!(written, "not" | "NOT" | "no" | "without") {
            return Some(StatementEdit::new(start..self.at, "!", WHY));
        }
        let (range, inner) = self.brackets().filter(|_| self.before().ends_with('!'))?;
        Some(StatementEdit::new(range, inner, WHY))
    }

    fn between(self) -> Option<StatementEdit> {
        // `app in)` lacks its values.
        if matches!(self.word(), "in" | "notin") {
            return None;
        }
        // Labels that are alternatives are no list of those that a pod has to have.
        let edit = self.comma_for(&["&&", "&", ";", "+", "and", "AND"])?;
        let head = self.text.get(..self.at).unwrap_or("");
        let is_value = head.matches('(').count() > head.matches(')').count() + 1;
        Some(if edit.text.contains(',') {
            StatementEdit { why: if is_value { LIST } else { COMMAS }, ..edit }
        } else {
            edit
        })
    }

    /// A parenthesis that is never closed.
    fn end(self) -> Option<StatementEdit> {
        let ends = self.after().is_empty() || self.after().starts_with('{');
        let space = if self.after().is_empty() { "" } else { " " };
        ends.then(|| self.insert(&format!("){space}"), "a `)` closes the labels"))?
    }
}

/// The values, parted by commas, that a text begins with. What follows a comma and goes on like a label is none of them.
fn bare_values(text: &str) -> Option<&str> {
    let mut end = 0;
    loop {
        let rest = text.get(end..)?;
        let item = rest.trim_start_matches([' ', '\t', ',']);
        let value =
            item.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))).unwrap_or(item.len());
        let follows = item.get(value..)?.trim_start();
        let is_label =
            follows.starts_with(['=', '!', ':']) || follows.starts_with("in ") || follows.starts_with("notin ");
        if value == 0 || is_label {
            break;
        }
        end += rest.len() - item.len() + value;
        if !follows.starts_with(',') {
            break;
        }
    }
    text.get(..end).filter(|values| !values.is_empty())
}
