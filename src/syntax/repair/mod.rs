//! A statement as it was probably meant.
//!
//! What people write who know other languages breaks the grammar in few places, each of which can be mended by itself. So a
//! broken statement is mended where it breaks, again and again, until it matches its rule. It is only shown when it does:
//! what is offered can be pasted.

mod blocks;
mod flows;
mod lists;
mod members;
mod ports;
mod selectors;
mod tiers;

pub(super) use flows::starts_no_keyword;
pub use ports::usual_port_name;

use super::grammar::{PolderGrammar, Rule};
use super::statement::position;
use pest::Parser as _;
use std::ops::Range;

/// Nobody has to change more places of one statement.
const MOST_EDITS: usize = 12;

/// Longer statements are no slips of the pen, and looking at them again and again would take time.
const LONGEST: usize = 500;

/// A statement that matches its rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repaired {
    /// The statement.
    pub text: String,
    /// What was wrong with the one that was written, as a sentence that a colon and the statement can follow.
    pub why: &'static str,
    /// Whether a part of it, such as a name, is only an example.
    pub guessed: bool,
}

/// One change of a statement.
#[derive(Debug)]
struct StatementEdit {
    range: Range<usize>,
    text: String,
    why: &'static str,
    /// The rule that the statement has to match from now on, when it is another one.
    rule: Option<Rule>,
    guessed: bool,
}

impl StatementEdit {
    fn new(range: Range<usize>, text: impl Into<String>, why: &'static str) -> Self {
        StatementEdit { range, text: text.into(), why, rule: None, guessed: false }
    }

    /// What it writes is only an example.
    fn guessed(self) -> Self {
        StatementEdit { guessed: true, ..self }
    }
}

/// Mends a statement without line ends and comments, if it has a chance to match `rule`.
pub(super) fn repaired(rule: Rule, statement: &str) -> Option<Repaired> {
    if statement.len() > LONGEST || statement.contains(['\n', '#']) {
        return None;
    }
    let (mut rule, mut text) = (rule, statement.to_owned());
    let (mut why, mut guessed) = (None, false);
    for _ in 0..MOST_EDITS {
        let Some(at) = failure(rule, &text) else {
            return why.map(|why| Repaired { text, why, guessed });
        };
        let edit = Broken { rule, text: &text, at }.edit()?;
        text = format!("{}{}{}", text.get(..edit.range.start)?, edit.text, text.get(edit.range.end..)?);
        why.get_or_insert(edit.why);
        guessed |= edit.guessed;
        rule = edit.rule.unwrap_or(rule);
    }
    None
}

/// Whether a statement matches its rule as it is.
pub(super) fn is_whole(rule: Rule, statement: &str) -> bool {
    failure(rule, statement).is_none()
}

/// Where a text does not match a rule.
fn failure(rule: Rule, text: &str) -> Option<usize> {
    match PolderGrammar::parse(rule, text) {
        Ok(pairs) => {
            let end = pairs.last().map_or(0, |pair| pair.as_span().end());
            (!text.get(end..).unwrap_or("").trim().is_empty()).then_some(end)
        }
        Err(problem) => Some(behind_keywords(rule, text, position(&problem))),
    }
}

/// pest names what begins with a keyword as what is missing. It is what stands behind the keyword.
fn behind_keywords(rule: Rule, text: &str, mut at: usize) -> usize {
    let keywords: &[&str] = match rule {
        Rule::external => &["external", "namespace"],
        Rule::cidr | Rule::replace_cidr => &["cidr", "except"],
        Rule::isolate => &["isolate", "for"],
        Rule::assertion => &["except"],
        Rule::flow => &[],
        _ => &[word(text)],
    };
    for keyword in keywords {
        let rest = text.get(at..).unwrap_or("");
        let found = rest.trim_start_matches([' ', '\t']);
        if starts_with(found, keyword) && (*keyword != word(text) || at == 0) {
            at += rest.len() - found.len() + keyword.len();
        }
    }
    at
}

/// A statement and where it breaks.
#[derive(Clone, Copy)]
struct Broken<'t> {
    rule: Rule,
    text: &'t str,
    at: usize,
}

impl<'t> Broken<'t> {
    fn edit(self) -> Option<StatementEdit> {
        let found = self.skip_space();
        match self.rule {
            Rule::namespace | Rule::external if !found.is_in_selector() => found.block(),
            Rule::platform | Rule::environment => found.block(),
            Rule::tier if !found.is_in_selector() => found.tier(),
            Rule::namespace | Rule::external | Rule::tier => found.selector(),
            Rule::flow | Rule::assertion => found.flow(),
            _ => found.list(),
        }
    }

    /// The place without the spaces in front of what stands there.
    fn skip_space(self) -> Self {
        let rest = self.text.get(self.at..).unwrap_or("");
        let found = rest.trim_start_matches([' ', '\t']);
        Broken { at: self.at + rest.len() - found.len(), ..self }
    }

    /// What stands before the place, without spaces at the end.
    fn before(self) -> &'t str {
        self.text.get(..self.at).unwrap_or("").trim_end_matches([' ', '\t'])
    }

    /// What stands at the place.
    fn after(self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The word at the place: letters, digits, and what stands inside of names.
    fn word(self) -> &'t str {
        word(self.after())
    }

    /// The bracket that is open at the place, and where.
    fn bracket(self) -> Option<(usize, char)> {
        let mut open = Vec::new();
        for (at, character) in self.text.get(..self.at)?.char_indices() {
            match character {
                '(' | '{' | '[' => open.push((at, character)),
                ')' | '}' | ']' => drop(open.pop()),
                _ => {}
            }
        }
        open.pop()
    }

    fn is_in_selector(self) -> bool {
        let head = self.text.get(..self.at).unwrap_or("");
        head.matches('(').count() > head.matches(')').count()
    }

    /// From the spaces before the place to those behind the next `length` bytes.
    fn around(self, length: usize) -> Range<usize> {
        let rest = self.text.get(self.at + length..).unwrap_or("");
        let space = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        self.before().len()..self.at + length + space
    }

    /// Puts `text` in the place of the next `length` bytes and of the spaces around them.
    fn instead(self, length: usize, text: &str, why: &'static str) -> Option<StatementEdit> {
        Some(StatementEdit::new(self.around(length), text, why))
    }

    /// Puts `text` at the place, behind what stands before it.
    fn insert(self, text: &str, why: &'static str) -> Option<StatementEdit> {
        Some(StatementEdit::new(self.before().len()..self.at, text, why))
    }

    /// The first of these signs or words that stands at the place. A word ends there.
    fn one_of(self, known: &[&'static str]) -> Option<&'static str> {
        known.iter().copied().find(|known| starts_with(self.after(), known))
    }

    /// The range of what stands in quotes at the place, with them, and the text between.
    fn quoted(self) -> Option<(Range<usize>, &'t str)> {
        let after = self.after();
        let close = match after.chars().next()? {
            quote @ ('"' | '\'' | '`') => quote,
            '“' | '”' | '„' => '”',
            '‘' => '’',
            _ => return None,
        };
        let open = after.chars().next().map_or(0, char::len_utf8);
        let inner = after.get(open..)?.split_once(close)?.0;
        let end = self.at + open + inner.len() + close.len_utf8();
        Some((self.at..end, inner.trim()))
    }

    /// Takes quotes away.
    fn unquote(self, why: &'static str) -> Option<StatementEdit> {
        let (range, inner) = self.quoted()?;
        Some(StatementEdit::new(range, inner, why))
    }

    /// The range of the brackets that begin at the place, and what stands between.
    fn brackets(self) -> Option<(Range<usize>, &'t str)> {
        let after = self.after();
        let close = match after.chars().next()? {
            '[' => ']',
            '(' => ')',
            '{' => '}',
            '<' => '>',
            _ => return None,
        };
        let end = after.find(close)?;
        Some((self.at..self.at + end + 1, after.get(1..end)?.trim()))
    }

    /// A comma in the place of another sign between items, or where there is none.
    fn comma(self) -> Option<StatementEdit> {
        self.comma_for(&["&&", "&", "||", "|", ";", "+", "and", "AND", "or", "OR"])
    }

    /// The same for these signs only.
    fn comma_for(self, others: &[&'static str]) -> Option<StatementEdit> {
        const WHY: &str = "commas stand between the items of a list";
        let before = self.before();
        if let Some(sign) = self.one_of(others) {
            // `a, and b`
            let comma = if before.ends_with(',') { " " } else { ", " };
            return self.instead(sign.len(), comma, WHY);
        }
        if let Some(rest) = before.strip_suffix(',')
            && (self.after().is_empty() || self.after().starts_with([')', '}', ',']))
        {
            return Some(StatementEdit::new(rest.len()..self.at, "", "no comma stands behind the last item"));
        }
        let is_item = |character: char| character.is_alphanumeric() || matches!(character, '!' | '*');
        let follows =
            before.ends_with(|character: char| character.is_alphanumeric() || matches!(character, '}' | ')' | '*'));
        (follows && before.len() < self.at && self.after().starts_with(is_item)).then(|| self.insert(", ", WHY))?
    }
}

/// The word that a text begins with: letters, digits, and what stands inside of names.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    text.get(..end.unwrap_or(text.len())).unwrap_or("")
}

/// Whether a text starts with a sign, or with a word that ends there.
fn starts_with(text: &str, known: &str) -> bool {
    let is_word = known.ends_with(|c: char| c.is_ascii_alphanumeric());
    text.strip_prefix(known).is_some_and(|rest| {
        !is_word || !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
    })
}

/// Whether a text is a number or a range of them, perhaps with a protocol.
fn is_port(text: &str) -> bool {
    let number = text.split('/').next().unwrap_or("");
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && !number.starts_with('-')
}
