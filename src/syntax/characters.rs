//! Characters that may not stand anywhere in a source, comments included.

use super::findings::Findings;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Whether a character could make a reviewer see something other than what is compiled: control characters,
/// bidirectional overrides and invisible characters. The last are those that Unicode calls default-ignorable
/// (`Default_Ignorable_Code_Point`), and the braille pattern without dots.
pub fn is_forbidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Finds every forbidden character of `text`, from `start` on, and gives their places; CRLF is a line end.
pub(super) fn check(file: FileId, text: &str, start: usize, findings: &mut Findings) -> Vec<u32> {
    let plain = |byte: &u8| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    let bytes = text.as_bytes();
    // Many at once, without leaving at the first: the compiler makes a few wide comparisons of it.
    if bytes.chunks(64).all(|chunk| chunk.iter().fold(true, |all, byte| all & plain(byte))) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (offset, character) in text.char_indices() {
        let line_end = character == '\r' && bytes.get(offset + 1) == Some(&b'\n');
        if offset < start || line_end || !is_forbidden(character) {
            continue;
        }
        let span = Span::new(file, offset..offset + character.len_utf8());
        found.push(span.start);
        findings.push(
            Diagnostic::new(Code::E0002, span, format!("the character U+{:04X} is not allowed", u32::from(character)))
                .with_text(describe(character))
                .with_help(help(character))
                .with_mend(span, ""),
        );
    }
    found
}

/// The text of a file whose lines all end as on old Macs, with the line ends of today, so that the rest of it is understood;
/// nothing where a line ends otherwise. No byte changes its place.
pub(super) fn with_line_ends(file: FileId, text: &str, findings: &mut Findings) -> Option<String> {
    if text.contains('\n') {
        return None;
    }
    let at = text.trim_end_matches('\r').find('\r')?;
    let span = Span::new(file, at..at + 1);
    findings.push(
        Diagnostic::new(Code::E0002, span, "the lines of this file end with U+000D alone, as on old Macs")
            .with_text("the first line ends here")
            .with_help("save it with line ends LF, as in `tr '\\r' '\\n' < OLD > NEW`"),
    );
    Some(text.replace('\r', "\n"))
}

fn describe(character: char) -> &'static str {
    match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            "changes the direction in which the text is shown"
        }
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "a control character",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            "invisible; it follows an emoji or another sign, and chooses how that is drawn"
        }
        '\u{feff}' => "invisible; a byte order mark stands once, at the start of a file",
        _ => "invisible",
    }
}

fn help(character: char) -> &'static str {
    match character {
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            "remove it; the sign in front of it stays, and may be drawn without colours"
        }
        _ => "remove it; such characters can make a text look different from what it is",
    }
}
