//! A text as its documents, JSON or YAML.

use super::node::{Seed, YamlNode};
use super::{ReadProblem, block, whole_text};
use memchr::memmem;
use serde::de::DeserializeSeed;

/// The most values that one YAML document may have; the parser holds all of them at once.
const MOST_VALUES: usize = 1_500_000;

/// The most documents of one text.
const MOST_DOCUMENTS: usize = 200_000;

/// How many brackets may be open at one place. Parsing takes time in proportion to that at every value.
const DEEPEST: usize = 500;

/// Why a YAML text is not even parsed: it would take too much time or memory. The count goes by the characters that every
/// value comes with, and starts again with each document.
pub(super) fn too_much(text: &str) -> Option<String> {
    if is_small(text) {
        return None;
    }
    let (mut documents, mut values, mut depth) = (1_usize, 0_usize, 0_usize);
    for line in text.split('\n') {
        if line.starts_with("...") {
            documents += 1;
        }
        if line.starts_with("---") {
            (values, depth) = (0, 0);
            documents += 1;
        }
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' | b':' | b'-' | b'?' => {}
                _ => continue,
            }
            values += 1;
            if depth > DEEPEST {
                return Some(format!("more than {DEEPEST} brackets are open at one place"));
            }
        }
        values += 1;
        if values > MOST_VALUES {
            return Some(format!("one YAML document has more than {MOST_VALUES} values; JSON may have more"));
        }
    }
    (documents > MOST_DOCUMENTS).then(|| format!("there are more than {MOST_DOCUMENTS} documents"))
}

/// Whether a text cannot hold too much, wherever its documents end, by what takes next to no time: each value and each line
/// has a byte of its own, and a document three.
fn is_small(text: &str) -> bool {
    // Counts that fit a byte are added up many at once.
    let opens = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(matches!(byte, b'[' | b'{'))).sum::<u8>();
    let open = || text.as_bytes().chunks(usize::from(u8::MAX)).map(|bytes| usize::from(opens(bytes))).sum::<usize>();
    text.len() < MOST_VALUES.min(MOST_DOCUMENTS * 3) && open() <= DEEPEST
}

/// Calls `document` for each YAML document, and says what could not be parsed. After a syntax error the next document starts
/// at the next line `---`, where kubectl splits the text before it parses anything.
pub(super) fn yaml_documents(seed: Seed, document: &mut impl FnMut(&YamlNode)) -> Vec<ReadProblem> {
    let Some(documents) = block::documents(seed.text) else { return parsed_documents(seed, seed.text, document) };
    let mut problems = Vec::new();
    for text in documents {
        if let Some(node) = block::read(seed, text) {
            document(&node);
            continue;
        }
        problems.extend(parsed_documents(seed, text, document));
    }
    problems
}

/// The same for a part of the text that the general parser has to read.
fn parsed_documents<'a>(seed: Seed<'a, '_>, text: &'a str, document: &mut impl FnMut(&YamlNode)) -> Vec<ReadProblem> {
    let mut problems = Vec::new();
    let mut left = parse(seed, text, document, &mut problems);
    // A parser takes time for all that is left of a text before it starts: after an error each document has its own.
    while let Some(text) = left {
        let (own, rest) = match next_document(text, 0) {
            Some(rest) => (text.get(..text.len() - rest.len()).unwrap_or(text), Some(rest)),
            None => (text, None),
        };
        parse(seed, own, document, &mut problems);
        left = rest;
    }
    problems
}

/// Parses documents up to the first syntax error, and gives what stands behind the document that has it.
fn parse<'a>(
    seed: Seed<'a, '_>,
    text: &'a str,
    document: &mut impl FnMut(&YamlNode),
    problems: &mut Vec<ReadProblem>,
) -> Option<&'a str> {
    let start = seed.offset(text).unwrap_or_default();
    for deserializer in serde_yaml::Deserializer::from_str(text) {
        seed.refused.set(false);
        match seed.deserialize(deserializer) {
            Ok(node) => document(&node),
            Err(error) => {
                problems.push(syntax_problem(seed.text, start, &error));
                if !seed.refused.get() {
                    return error.location().and_then(|location| next_document(text, location.index()));
                }
            }
        }
    }
    None
}

/// The text from the first line `---` on that stands behind a place.
fn next_document(text: &str, at: usize) -> Option<&str> {
    let at = text.floor_char_boundary(at.min(text.len()));
    let rest = text.get(at..)?;
    let is_mark = |found: &usize| {
        let behind = rest.get(found + "\n---".len()..).unwrap_or_default();
        behind.is_empty() || behind.starts_with(char::is_whitespace)
    };
    let found = memmem::find_iter(rest.as_bytes(), "\n---").find(is_mark)?;
    rest.get(found + 1..)
}

fn syntax_problem(text: &str, start: usize, error: &serde_yaml::Error) -> ReadProblem {
    let at = error.location().map(|location| (start + location.index()).min(text.len()));
    let message = error.to_string();
    // The place is told apart from the message.
    let reason = message.split(" at line ").next().unwrap_or(&message);
    whole_text(at, reason)
}

/// Where a line such as `%YAML 1.2` stands in front of a document.
pub(super) fn directive(text: &str) -> Option<usize> {
    if !text.starts_with('%') && !text.contains("\n%") {
        return None;
    }
    let (mut at, mut is_start) = (0, true);
    for line in text.split_inclusive('\n') {
        if is_start && line.starts_with('%') {
            return Some(at);
        }
        let is_blank = line.trim().is_empty() || line.trim_start().starts_with('#');
        // In front of a document, also where a line `---` ends the one before.
        is_start = line.starts_with("...") || line.trim_end() == "---" || (is_start && is_blank);
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_for_each_document() {
        let of = |items: usize| format!("---\n{}", "-\n".repeat(items));
        assert_eq!(too_much(&of(700_000).repeat(2)), None);
        assert!(too_much(&of(750_000)).is_some_and(|reason| reason.starts_with("one YAML document has more than")));
    }
}
