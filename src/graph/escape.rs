//! Text of the input in the languages of pictures: the one place where each is escaped.
//!
//! Names, labels and doc comments come from whoever may create pods. No character of theirs steers a terminal, reorders
//! text or cannot be seen: all such stand as escapes, in every language.

use crate::diag::render::{is_hidden, sanitize, sanitize_json};
use std::fmt::Write as _;

/// Text in SVG and HTML, as content or in an attribute with quotes.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        for character in sanitize(line).chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '`' => out.push_str("&#96;"),
                plain => out.push(plain),
            }
        }
        out.push_str(end);
    }
    out
}

/// A label of Mermaid, with its quotes. Whatever could be markup, an entity, Markdown or the end of something stands as an
/// entity of its own notation.
pub(super) fn mermaid(text: &str) -> String {
    let mut out = String::from("\"");
    for character in sanitize(text).chars() {
        match character {
            '0'..='9' | 'a'..='z' | 'A'..='Z' | ' ' | '-' | '.' | '/' | ',' | '(' | ')' => out.push(character),
            other if !other.is_ascii() => out.push(other),
            other => _ = write!(out, "#{};", u32::from(other)),
        }
    }
    out.push('"');
    out
}

/// A string of DOT, with its quotes; the backslash begins escapes of its own there.
pub(super) fn dot(text: &str) -> String {
    let lines: Vec<String> =
        text.split('\n').map(|line| sanitize(line).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    // Graphviz reads entities of HTML in every string.
    format!("\"{}\"", lines.join("\\n").replace('&', "&amp;"))
}

/// JSON between the tags of a page: nothing in it can be a tag, and it means the same.
pub(super) fn json_in_html(json: &str) -> String {
    sanitize_json(json).replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e").replace('`', "\\u0060")
}

/// A field of CSV (RFC 4180). What a spreadsheet would compute stands behind an apostrophe, which it takes for text.
pub(super) fn csv(text: &str) -> String {
    let text = sanitize(text);
    let begins = text.trim_start().chars().next();
    let is_computed = begins.is_some_and(|first| ['=', '+', '-', '@', '＝', '＋', '－', '＠'].contains(&first));
    let guard = if is_computed { "'" } else { "" };
    let is_plain = !is_computed && text.trim() == text && !text.contains(['"', ',', ';', '\'', '\t', '\r', '\n']);
    if is_plain {
        return text.into_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// Text as code in a cell of a table of Markdown: a pipe would end the cell even there.
pub(crate) fn markdown_code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = sanitize(text).replace('|', "\\|");
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // Without these, a backtick at an end would be part of the fence.
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Text of Markdown that nothing in it can format, link or mention.
pub(crate) fn markdown_plain(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            _ if is_hidden(character) => shown.push_str(&sanitize(&character.to_string())),
            '\\' | '`' | '*' | '_' | '|' | '<' | '>' | '[' | ']' | '#' | '~' | '!' | '&' | '@' => {
                let _ = write!(shown, "&#{};", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_cell_ends_it_or_becomes_markup() {
        assert_eq!(markdown_code("a -> b:80"), "`a -> b:80`");
        assert_eq!(markdown_code("a | b"), "`a \\| b`");
        assert_eq!(markdown_code("say `x` ``y``"), "``` say `x` ``y`` ```");
        assert_eq!(markdown_code("a\nb"), format!("`{}`", sanitize("a\nb")));
        assert_eq!(markdown_plain("*_x_*.polder"), "&#42;&#95;x&#95;&#42;.polder");
        assert!(!markdown_plain("a\u{1b}[31m\nb@c").contains(['\u{1b}', '\n', '@', '[']));
    }
}
