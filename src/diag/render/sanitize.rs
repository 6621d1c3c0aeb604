//! Makes text of the input safe to print.

use std::borrow::Cow;
use std::fmt::Write;

/// What a tab is shown as.
const TAB: &str = "    ";

/// Whether a character has no business in a source or in a terminal: it steers the terminal, reorders the text around
/// it, or cannot be seen or told from a plain space. The plain space itself is none of these.
pub fn is_hidden(character: char) -> bool {
    let is_plain = matches!(character, ' '..='~');
    !is_plain && (character.is_control() || is_format(character) || is_blank(character))
}

/// Format characters: bidirectional controls, joiners, tags, variation selectors and other things without a shape.
fn is_format(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Characters that look like a space, or like nothing, and are none.
fn is_blank(character: char) -> bool {
    matches!(character,
        '\u{a0}' | '\u{115f}'..='\u{1160}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}'
        | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{ffa0}')
}

/// The text with every hidden character written as its escape, such as `\u{202e}`, and tabs as spaces. Line ends are
/// escaped too: the input must not be able to begin a line.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push(&mut shown, character);
    }
    Cow::Owned(shown)
}

/// Appends one character as [`sanitize`] shows it.
pub(super) fn push(shown: &mut String, character: char) {
    match character {
        '\t' => shown.push_str(TAB),
        hidden if is_hidden(hidden) => {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", hidden.escape_unicode());
        }
        plain => shown.push(plain),
    }
}

/// Each line of the text on its own, for help that shows several lines to paste.
pub(super) fn sanitize_lines(text: &str) -> String {
    text.split('\n').map(sanitize).collect::<Vec<_>>().join("\n")
}

/// JSON in which hidden characters stand as escapes. They occur only inside of strings, where that changes no value.
pub fn sanitize_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    let mut plain = 0;
    for (at, character) in json.char_indices() {
        if character == '\n' || !is_hidden(character) {
            continue;
        }
        shown.push_str(json.get(plain..at).unwrap_or_default());
        plain = at + character.len_utf8();
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    shown.push_str(json.get(plain..).unwrap_or_default());
    shown
}
