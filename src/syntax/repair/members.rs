//! Lists of endpoints in braces, and those of one namespace.

use super::{Broken, StatementEdit, is_port, word};

pub(super) const OF_ONE: &str = "several endpoints of one namespace stand in braces behind its name";
const FLAT: &str = "no braces stand in braces";

impl Broken<'_> {
    /// `kafka/(broker|zookeeper)`, `kafka{broker, zookeeper}`, `{kafka/{broker, zookeeper}, web}`, `{{web, api}, db}`
    pub(super) fn members_of_a_namespace(self) -> Option<StatementEdit> {
        let in_braces = self.bracket().is_some_and(|(_, bracket)| bracket == '{');
        if in_braces && self.after().starts_with('/') {
            return self.member_with_namespace();
        }
        let (range, inner) = self.brackets().filter(|(_, inner)| !inner.contains(['=', '!']))?;
        let before = self.before();
        if in_braces && before.ends_with(['{', ',']) {
            return Some(StatementEdit::new(range, items(inner).join(", "), FLAT));
        }
        let (namespace, has_slash) = match before.strip_suffix(['/', '.']) {
            Some(before) => (last_name(before)?, true),
            None => (last_name(before)?, false),
        };
        let members = items(inner);
        let start = before.len() - namespace.len() - usize::from(has_slash);
        let is_path = before.get(..start)?.ends_with('/');
        if is_path || members.is_empty() {
            return None;
        }
        let is_apart = before.len() < self.at;
        if !has_slash && (in_braces || is_apart || !members.iter().all(|one| is_member(one))) {
            return None;
        }
        if in_braces {
            // Ports behind the inner braces are those of each.
            let rest = self.text.get(range.end..)?;
            let length = if rest.starts_with(':') { ports_length(rest) } else { 0 };
            let ports = rest.get(..length)?.trim_end();
            let each = members.iter().map(|member| format!("{namespace}/{member}{ports}"));
            return Some(StatementEdit::new(start..range.end + ports.len(), each.collect::<Vec<_>>().join(", "), FLAT));
        }
        Some(StatementEdit::new(start..range.end, of_namespace(namespace, &members), OF_ONE))
    }

    /// `kafka/{kafka/broker, zookeeper}`, `kafka/{broker, data/db}`
    fn member_with_namespace(self) -> Option<StatementEdit> {
        let (open, _) = self.bracket()?;
        let before = self.text.get(..open)?.strip_suffix('/')?;
        let (namespace, own) = (last_name(before)?, last_name(self.before())?);
        if namespace == own {
            return Some(StatementEdit::new(self.at - own.len()..self.at + 1, "", OF_ONE));
        }
        let end = open + self.text.get(open..)?.find('}')?;
        let members = items(self.text.get(open + 1..end)?);
        let whole = |member: &&str| match member.contains('/') {
            true => (*member).to_owned(),
            false => format!("{namespace}/{member}"),
        };
        let members: Vec<String> = members.iter().map(whole).collect();
        let text = format!("{{{}}}", members.join(", "));
        Some(StatementEdit::new(
            open - 1 - namespace.len()..end + 1,
            text,
            "the braces behind a namespace hold names of that namespace",
        ))
    }
}

/// The items of a list, whatever stands between them.
pub(super) fn items(list: &str) -> Vec<&str> {
    let items =
        list.split([',', ';', '|', '&', '+']).flat_map(|item| item.split(" and ").flat_map(|one| one.split(" or ")));
    items.map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// The name that a text ends with.
fn last_name(text: &str) -> Option<&str> {
    let start = text.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).map_or(0, |at| at + 1);
    text.get(start..).filter(|name| !name.is_empty() && !name.starts_with('-'))
}

/// Whether a text can be an endpoint.
pub(super) fn is_end(text: &str) -> bool {
    let (namespace, name) = text.trim().split_once('/').map_or((None, text.trim()), |(home, name)| (Some(home), name));
    namespace.is_none_or(|home| !home.is_empty() && word(home) == home) && is_member(name)
}

/// Whether a text can be a member of a namespace's braces: no port.
fn is_member(text: &str) -> bool {
    text == "*" || !text.is_empty() && word(text) == text && !is_port(text)
}

/// How long the ports behind a colon are that a text begins with.
pub(super) fn ports_length(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Endpoints of one namespace.
pub(super) fn of_namespace(namespace: &str, members: &[&str]) -> String {
    match members {
        [one] => format!("{namespace}/{one}"),
        members => format!("{namespace}/{{{}}}", members.join(", ")),
    }
}
