//! What is around a line of a log when it went through the machinery that gathers logs.

use super::text::Text;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How much is taken off, one within the other.
const MOST: usize = 2;

/// What Fluent Bit, `logcli -o jsonl` and Cloud Logging have around a line.
#[derive(Debug, Deserialize)]
struct WrappedLine<'a> {
    #[serde(borrow)]
    log: Option<Text<'a>>,
    #[serde(borrow)]
    line: Option<Text<'a>>,
    #[serde(borrow, rename = "jsonPayload")]
    payload: Option<&'a RawValue>,
}

/// The line itself.
pub(super) fn bare(line: &str) -> Cow<'_, str> {
    let mut bare = Cow::Borrowed(line.trim());
    for _ in 0..MOST {
        let next = match &bare {
            Cow::Borrowed(text) => within(text),
            Cow::Owned(text) => within(text).map(|text| Cow::Owned(text.into_owned())),
        };
        let Some(next) = next else { break };
        bare = next;
    }
    bare
}

fn within(line: &str) -> Option<Cow<'_, str>> {
    if let Some(rest) = of_runtime(line) {
        return Some(Cow::Borrowed(rest));
    }
    // The members that are looked for stand in front in what people have, but need not.
    if !(line.starts_with('{') && ["\"log\"", "\"line\"", "\"jsonPayload\""].iter().any(|key| has_key(line, key))) {
        return None;
    }
    let around: WrappedLine<'_> = serde_json::from_str(line).ok()?;
    let text = match around {
        WrappedLine { log: Some(text), .. } | WrappedLine { line: Some(text), .. } => text.0,
        WrappedLine { payload, .. } => Cow::Borrowed(payload?.get()),
    };
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    })
}

/// Whether such a member may be there. What most of Hubble's lines begin with is not looked through.
fn has_key(line: &str, key: &str) -> bool {
    !line.starts_with("{\"flow\":") && memmem::find(line.as_bytes(), key.as_bytes()).is_some()
}

/// What stands behind `TIME stdout F `, which container runtimes write before each line.
fn of_runtime(line: &str) -> Option<&str> {
    if !line.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let mut parts = line.splitn(4, ' ');
    let (time, stream, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let is_time = time.len() > 18 && time.contains('T');
    (is_time && matches!(stream, "stdout" | "stderr") && tag == "F").then(|| parts.next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_layers_are_taken_off() {
        for (line, within) in [
            ("a b", "a b"),
            ("2026-11-23T08:22:42.141000Z stdout F a b", "a b"),
            ("2026-11-23T08:22:42.141000Z stdout P a b", "2026-11-23T08:22:42.141000Z stdout P a b"),
            (r#"{"log":"a \"b\"\n"}"#, r#"a "b""#),
            (r#"{"labels":{},"line":"a b","timestamp":"x"}"#, "a b"),
            (r#"{"insertId":"1","jsonPayload":{"connection":{}}}"#, r#"{"connection":{}}"#),
            (r#"2026-11-23T08:22:42.141000Z stderr F {"log":"a b"}"#, "a b"),
            (r#"{"log":"{\"log\":\"a b\"}"}"#, "a b"),
            (r#"{"log":"{\"log\":\"{\\\"log\\\":\\\"a\\\"}\"}"}"#, r#"{"log":"a"}"#),
            (r#"{"log":"#, r#"{"log":"#),
            (r#"{"time":"x","log":"y"}"#, "y"),
            (r#"{"flow":{},"log":"y"}"#, r#"{"flow":{},"log":"y"}"#),
        ] {
            assert_eq!(bare(line), within, "{line}");
        }
    }
}
