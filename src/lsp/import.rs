//! `polder/import`: a program that means the same as the NetworkPolicies of a document.

use super::analysis::refusal;
use super::overlay::Overlay;
use super::uri::path_of;
use crate::session::{FileSystem as _, Import, ImportOptions, ImportReport, Named};
use crate::source::{Encoding, Lines};
use lsp_server::{ErrorCode, ResponseError};
use lsp_types::{Range, TextDocumentIdentifier};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// The method.
pub(super) const METHOD: &str = "polder/import";

/// The longest document that is read, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params {
    /// The document: its open text, or the file's.
    text_document: TextDocumentIdentifier,
    /// Its text, for editors that only tell the server of programs.
    text: Option<String>,
    /// A selection. The documents of YAML that it touches are imported.
    range: Option<Range>,
    /// The namespace of policies that name none.
    namespace: Option<String>,
}

/// The answer: the document that `polder import --format json` prints.
pub(super) fn import(overlay: &mut Overlay, encoding: Encoding, params: Params) -> Result<Value, ResponseError> {
    let failed = |why: &str| refusal(ErrorCode::RequestFailed, why);
    let path = path_of(&params.text_document.uri);
    let path = overlay.identity(&path);
    let text = match params.text {
        Some(text) => text,
        None => {
            let bytes = overlay.read(&path, LONGEST).map_err(|error| failed(&error.to_string()))?;
            String::from_utf8(bytes).map_err(|_| failed("the document is not UTF-8"))?
        }
    };
    let text = match params.range {
        Some(range) => selected(&text, range, encoding),
        None => text,
    };
    let options = ImportOptions { namespace: params.namespace.as_deref(), ..ImportOptions::default() };
    let import = of_text(overlay, &path, &text, &options);
    if let Some(why) = &import.failure {
        return Err(failed(&format!("the program would not mean what the policies do; please report this: {why}")));
    }
    if import.policies.is_empty() && import.refused.is_empty() {
        let mistake = import.manifests.diagnostics.first().map(|found| found.message.clone());
        return Err(failed(&mistake.unwrap_or_else(|| "there is no NetworkPolicy here".to_owned())));
    }
    let program = (!import.policies.is_empty()).then(|| import.text());
    Ok(ImportReport::new(&import, None).document(program, &[]))
}

/// The import of a text that stands in place of a file's.
pub(super) fn of_text(overlay: &mut Overlay, path: &Path, text: &str, options: &ImportOptions<'_>) -> Import {
    let before = overlay.open().get(path).cloned();
    overlay.set(path.to_path_buf(), text.into());
    let import = Import::load(overlay, path.parent().unwrap_or(path), &[Named::Path(path.to_path_buf())], options);
    match before {
        Some(before) => overlay.set(path.to_path_buf(), before),
        None => overlay.remove(path),
    }
    import
}

/// A text with nothing but those of its documents that a range touches, each in its place.
fn selected(text: &str, range: Range, encoding: Encoding) -> String {
    let lines = Lines::new(text);
    let offset = |at: lsp_types::Position| lines.offset(text, at.line as usize, at.character as usize, encoding);
    let (start, end) = (offset(range.start), offset(range.end));
    if start == end {
        return text.to_owned();
    }
    let touches = |part: &std::ops::Range<usize>| part.start < end && start < part.end;
    only(text, documents(text).into_iter().filter(touches))
}

/// The documents of a text in YAML, each with the line of dashes above it.
pub(super) fn documents(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && is_mark(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn is_mark(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// A text with nothing but some parts, each in its place: of the rest, the line ends are left.
pub(super) fn only(text: &str, parts: impl IntoIterator<Item = std::ops::Range<usize>>) -> String {
    let mut left = String::with_capacity(text.len());
    let mut end = 0;
    for part in parts {
        left.extend(text.get(end..part.start).unwrap_or_default().matches('\n'));
        left.push_str(text.get(part.clone()).unwrap_or_default());
        end = part.end;
    }
    left.extend(text.get(end..).unwrap_or_default().matches('\n'));
    left
}
