//! Texts from bytes.

use crate::diag::{Code, Diagnostic};
use crate::source::{Sources, Span};
use std::string::FromUtf8Error;

pub(super) fn unreadable(name: &str, reason: &str) -> Diagnostic {
    Diagnostic::about(Code::E0401, format!("cannot read `{name}`: {reason}"))
}

/// The text without a byte order mark. Where two marks stand at the start both are left, so that the second one is
/// seen: a reader of the text passes over one itself.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, FromUtf8Error> {
    let mut text = String::from_utf8(bytes)?;
    let marks = text.chars().take_while(|character| *character == '\u{feff}').take(2).count();
    if marks == 1 {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The text, and whether it was UTF-16: some shells write what is sent to a file so, with a mark in front that says it.
pub(super) fn text_of_manifest(bytes: Vec<u8>) -> Result<(String, bool), FromUtf8Error> {
    let number: fn([u8; 2]) -> u16 = match bytes.first_chunk() {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => return Ok((text_of(bytes)?, false)),
    };
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().skip(1).map(|pair| number(*pair));
    match char::decode_utf16(units).collect::<Result<String, _>>() {
        Ok(text) if rest.is_empty() => Ok((text, true)),
        _ => Ok((text_of(bytes)?, false)),
    }
}

/// A file that is not UTF-8, shown up to the end of the line that holds the first wrong byte.
pub(super) fn not_utf8(sources: &mut Sources, name: String, code: Code, error: &FromUtf8Error) -> Diagnostic {
    /// The most of the line that is kept behind that byte.
    const MOST: usize = 1024;
    let (bytes, wrong) = (error.as_bytes(), error.utf8_error().valid_up_to());
    let rest = bytes.get(wrong..).unwrap_or_default();
    let line = rest.iter().take(MOST).position(|byte| *byte == b'\n').unwrap_or(rest.len().min(MOST));
    let shown = String::from_utf8_lossy(bytes.get(..wrong + line).unwrap_or_default());
    let text = shown.strip_prefix('\u{feff}').unwrap_or(&shown);
    let start = wrong.saturating_sub(shown.len() - text.len());
    let message = format!("`{name}` is not UTF-8: byte {} is not part of a character", wrong + 1);
    let file = sources.add(name, text);
    Diagnostic::new(code, Span::new(file, start..start + char::REPLACEMENT_CHARACTER.len_utf8()), message)
        .with_help("save the file as UTF-8; the first byte of a file is byte 1")
}
