//! Changes of files, as the protocol has them.

use super::program::Program;
use crate::source::{FileId, Span};
use lsp_types::{
    DocumentChange, Edit, OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextDocumentIdentifier, TextEdit,
    WorkspaceEdit,
};
use std::collections::BTreeMap;

/// What is replaced, and by what. No two touch.
pub(super) type Replacements = Vec<(Span, String)>;

fn by_file(changes: &Replacements) -> BTreeMap<FileId, Vec<&(Span, String)>> {
    let mut files: BTreeMap<FileId, Vec<&(Span, String)>> = BTreeMap::new();
    for change in changes {
        files.entry(change.0.file).or_default().push(change);
    }
    files
}

/// Changes for the editor. `versioned` says whether it takes them with the versions that they are made for.
pub(super) fn workspace_edit(program: &Program, changes: &Replacements, versioned: bool) -> WorkspaceEdit {
    let edit = |(span, text): &(Span, String)| TextEdit { range: program.range(*span), new_text: text.clone() };
    let files = by_file(changes);
    let files = files.into_iter().filter_map(|(file, changes)| {
        let edits: Vec<TextEdit> = changes.into_iter().map(edit).collect();
        Some((program.uri(file)?.clone(), program.version(file), edits))
    });
    if !versioned {
        return WorkspaceEdit {
            changes: Some(files.map(|(uri, _, edits)| (uri, edits)).collect()),
            ..WorkspaceEdit::default()
        };
    }
    let document = |(uri, version, edits): (_, _, Vec<TextEdit>)| {
        DocumentChange::TextDocumentEdit(TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier {
                version,
                text_document_identifier: TextDocumentIdentifier { uri },
            },
            edits: edits.into_iter().map(Edit::TextEdit).collect(),
        })
    };
    WorkspaceEdit { document_changes: Some(files.map(document).collect()), ..WorkspaceEdit::default() }
}

/// The texts of the files after the changes.
pub(super) fn apply(program: &Program, changes: &Replacements) -> BTreeMap<FileId, String> {
    let files = by_file(changes).into_iter();
    let changed = files.map(|(file, mut changes)| {
        changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = program.text(file).to_owned();
        for (span, new) in changes {
            text.replace_range(span.range(), new);
        }
        (file, text)
    });
    changed.collect()
}
