//! The programs with their words, for the editors whose grammars run elsewhere.

use super::expected::{self, Word};
use super::programs;
use std::path::Path;

/// The start of a word in UTF-16, as editors count.
fn utf16(text: &str, offset: usize) -> usize {
    text[..offset].encode_utf16().count()
}

/// Line and columns (UTF-16 and bytes) of a word.
fn place(text: &str, word: &Word) -> serde_json::Value {
    let line = text[..word.start].matches('\n').count();
    let start = text[..word.start].rfind('\n').map_or(0, |end| end + 1);
    let here = &text[start..];
    serde_json::json!({
        "class": word.class.name(),
        "line": line,
        "start": utf16(here, word.start - start),
        "end": utf16(here, word.end - start),
        "startByte": word.start - start,
        "endByte": word.end - start,
    })
}

/// Writes `editors.json` below the folder for what tests leave behind.
#[test]
fn cases_for_other_editors_are_written() {
    let mut cases = Vec::new();
    for text in programs::written().into_iter().chain(programs::generated(60)) {
        // Editors take a byte order mark away before they colour anything.
        let text = text.trim_start_matches('\u{feff}').to_owned();
        let Some(words) = expected::words(&text) else { continue };
        let words: Vec<_> = words.iter().map(|word| place(&text, word)).collect();
        cases.push(serde_json::json!({ "text": text, "words": words }));
    }
    assert!(cases.len() > 200);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("editors.json");
    std::fs::write(path, serde_json::to_string(&cases).unwrap()).unwrap();
}
