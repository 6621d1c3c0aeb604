//! The documents that the editor holds, and how its edits change them.

use crate::source::{Encoding, Lines};
use lsp_types::{Position, TextDocumentContentChangeEvent, Uri};
use std::collections::HashMap;
use std::sync::Arc;

/// A document as the editor shows it.
#[derive(Debug, Clone)]
pub(super) struct OpenDocument {
    /// The name that the editor gives it.
    pub uri: Uri,
    /// The editor's count of its changes.
    pub version: i32,
    /// Its text.
    pub text: Arc<str>,
}

/// The open documents.
#[derive(Debug, Default)]
pub(super) struct Documents {
    encoding: Encoding,
    open: HashMap<String, OpenDocument>,
}

impl Documents {
    /// No documents; columns count as `encoding` says.
    pub(super) fn new(encoding: Encoding) -> Documents {
        Documents { encoding, open: HashMap::new() }
    }

    /// The document of an address.
    pub(super) fn get(&self, uri: &Uri) -> Option<&OpenDocument> {
        self.open.get(&uri.0)
    }

    /// Opens a document, or opens it again with another text.
    pub(super) fn open(&mut self, uri: Uri, version: i32, text: String) -> OpenDocument {
        let document = OpenDocument { uri, version, text: text.into() };
        self.open.insert(document.uri.0.clone(), document.clone());
        document
    }

    /// Changes a document; `None` when it is not open.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
    ) -> Option<OpenDocument> {
        let document = self.open.get_mut(&uri.0)?;
        let mut text = document.text.to_string();
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let lines = Lines::new(&text);
                    let offset =
                        |at: Position| lines.offset(&text, at.line as usize, at.character as usize, self.encoding);
                    let (start, end) = (offset(part.range.start), offset(part.range.end));
                    text.replace_range(start..end.max(start), &part.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => text = whole.text,
            }
        }
        document.text = text.into();
        document.version = version;
        Some(document.clone())
    }

    /// Closes a document.
    pub(super) fn close(&mut self, uri: &Uri) -> Option<OpenDocument> {
        self.open.remove(&uri.0)
    }
}
