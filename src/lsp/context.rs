//! Where a place stands, by the text before it alone: lines that are half written have no tree to tell.

use crate::syntax::words;

/// The block that a place is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EnclosingBlock<'a> {
    /// None.
    File,
    /// `namespace NAME, ... { ... }`, by all that stands between the word and the labels: [`names_in`] takes it apart.
    Namespace(&'a str),
    /// `platform { ... }`.
    Platform,
    /// `environment NAME { ... }`.
    Environment,
}

/// Where a place stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context<'a> {
    /// The block around it.
    pub block: EnclosingBlock<'a>,
    /// The statement up to it, without comments and line ends.
    pub statement: String,
    /// Whether it is in a comment.
    pub comment: bool,
    /// Whether it is between quotes.
    pub quoted: bool,
}

impl<'a> Context<'a> {
    /// Where the place `offset` of `text` stands.
    pub(super) fn at(text: &'a str, offset: usize) -> Context<'a> {
        let before = text.get(..text.floor_char_boundary(offset)).unwrap_or("");
        let mut context =
            Context { block: EnclosingBlock::File, statement: String::new(), comment: false, quoted: false };
        let mut open = 0usize;
        let mut head = 0;
        for (at, character) in before.char_indices() {
            if character == '\n' {
                let rest = before.get(at + 1..).unwrap_or("");
                context.comment = false;
                context.quoted = false;
                let goes_on = open > 0 || continues(&context.statement);
                if goes_on && !starts_statement(rest) {
                    context.statement.push(' ');
                } else {
                    context.statement.clear();
                    open = 0;
                }
                continue;
            }
            if context.comment {
                continue;
            }
            if context.statement.trim().is_empty() {
                head = at;
            }
            match character {
                '"' => context.quoted = !context.quoted,
                '#' if !context.quoted => {
                    context.comment = true;
                    continue;
                }
                '(' if !context.quoted => open += 1,
                '{' if !context.quoted && open == 0 => {
                    if let Some(block) = opened(before.get(head..at).unwrap_or("")) {
                        context.block = block;
                        context.statement.clear();
                        continue;
                    }
                    open += 1;
                }
                '{' if !context.quoted => open += 1,
                '}' if !context.quoted && open == 0 => {
                    context.block = EnclosingBlock::File;
                    context.statement.clear();
                    continue;
                }
                ')' | '}' if !context.quoted => open = open.saturating_sub(1),
                _ => {}
            }
            context.statement.push(character);
        }
        let rest = context.statement.trim_start().len();
        context.statement.drain(..context.statement.len() - rest);
        context
    }
}

/// Whether a statement goes on in the next line.
fn continues(statement: &str) -> bool {
    let text = statement.trim_end();
    // A label may have an empty value: only a `=` between a name and a list is left open.
    text.ends_with([',', '=']) || text.ends_with("->") || text.ends_with("->>")
}

/// Whether a line starts a statement by its word, so that the one before must be unfinished.
fn starts_statement(rest: &str) -> bool {
    let line = rest.trim_start_matches([' ', '\t']);
    let word = line.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or("");
    let after = line.get(word.len()..).unwrap_or("");
    words::first_words().any(|first| first == word)
        && after.starts_with([' ', '\t'])
        && !after.trim_start().starts_with([':', ',', '-', '/'])
        // Behind `isolate ingress,`.
        && !after.trim_start().starts_with("for ")
}

/// The block that a first line opens, up to its brace.
fn opened(head: &str) -> Option<EnclosingBlock<'_>> {
    let (word, rest) = first_word(head);
    match word {
        "platform" if rest.is_empty() => Some(EnclosingBlock::Platform),
        "environment" => Some(EnclosingBlock::Environment),
        "namespace" => Some(EnclosingBlock::Namespace(before_labels(rest))),
        "external" => Some(EnclosingBlock::Namespace(before_labels(first_word(rest).1))),
        _ => None,
    }
}

fn before_labels(text: &str) -> &str {
    text.split('(').next().unwrap_or("").trim()
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The names in the first line of a block.
pub(super) fn names_in(head: &str) -> impl Iterator<Item = &str> {
    head.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// Whether a character can be part of a name.
pub(super) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// The start and the end of the word that a place is in, of characters that `fits` takes. An arrow is no part of it.
pub(super) fn word_at(text: &str, offset: usize, fits: impl Fn(char) -> bool) -> (usize, usize) {
    let offset = text.floor_char_boundary(offset);
    let (before, after) = text.split_at(offset);
    let mut start = offset - before.chars().rev().take_while(|c| fits(*c)).map(char::len_utf8).sum::<usize>();
    let mut end = offset + after.chars().take_while(|c| fits(*c)).map(char::len_utf8).sum::<usize>();
    if text.get(end..).is_some_and(|rest| rest.starts_with('>')) {
        end = text.get(..end).unwrap_or("").trim_end_matches('-').len().max(start);
    }
    start = start.min(end);
    (start, end.max(start))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[track_caller]
    fn check(text: &str, block: EnclosingBlock<'_>, statement: &str) {
        let offset = text.find('|').unwrap();
        let whole = text.replacen('|', "", 1);
        let context = Context::at(&whole, offset);
        assert_eq!((context.block, context.statement.as_str()), (block, statement), "{text}");
    }

    #[test]
    fn finds_the_block_and_the_statement() {
        check("|", EnclosingBlock::File, "");
        check("namespace a {\n  tier x\n  we|", EnclosingBlock::Namespace("a"), "we");
        check("namespace a { tier x }\nnamespace b {|", EnclosingBlock::Namespace("b"), "");
        check("namespace a {\n}\nuse pro|", EnclosingBlock::File, "use pro");
        check("external namespace t (a, b=c) {\n  tier |", EnclosingBlock::Namespace("t"), "tier ");
        check("namespace t(a=b, !c) {\n  tier |", EnclosingBlock::Namespace("t"), "tier ");
        check("namespace a, b,\n  c {\n  tier |", EnclosingBlock::Namespace("a, b,\n  c"), "tier ");
        check("namespace a,b {\n  disjoint |", EnclosingBlock::Namespace("a,b"), "disjoint ");
        check("platform {\n  cni c|", EnclosingBlock::Platform, "cni c");
        check("environment s {\n  namespace a = b\n  |", EnclosingBlock::Environment, "");
    }

    #[test]
    fn a_statement_goes_on_where_it_is_open() {
        let namespace = EnclosingBlock::Namespace("a");
        check("namespace a {\n  tier x (a=b,\n    c|", namespace, "tier x (a=b,     c");
        check("namespace a {\n  tier x {\n    http: 80/tcp,\n    m|", namespace, "tier x {     http: 80/tcp,     m");
        check("namespace a {\n  x -> # why\n    y|", namespace, "x ->      y");
        check("group g =\n  a/b,\n  |", EnclosingBlock::File, "group g =   a/b,   ");
        check("use a # |", EnclosingBlock::File, "use a ");
    }

    #[test]
    fn what_is_half_written_ends_where_a_statement_starts() {
        check("namespace a {\n  tier x (app=\n  tier y\n  y -|", EnclosingBlock::Namespace("a"), "y -");
        check("namespace a {\n  x -> {b,\n  never y|", EnclosingBlock::Namespace("a"), "never y");
        check("namespace a {\n  x ->\n  egress y|", EnclosingBlock::Namespace("a"), "egress y");
        check(
            "namespace a {\n  isolate ingress,\n    egress for |",
            EnclosingBlock::Namespace("a"),
            "isolate ingress,     egress for ",
        );
        check("tier x (\nnamespace b {\n  |", EnclosingBlock::Namespace("b"), "");
    }

    #[test]
    fn words_end_before_arrows() {
        assert_eq!(word_at("web->api", 2, is_name_character), (0, 3));
        assert_eq!(word_at("a-b -> c", 1, is_name_character), (0, 3));
        assert_eq!(word_at("a -> ", 5, is_name_character), (5, 5));
        assert_eq!(word_at("->", 1, is_name_character), (0, 0));
    }
}
