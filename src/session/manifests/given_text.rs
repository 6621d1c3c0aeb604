//! Texts as they come, and what reads them.

use super::Reader;
use crate::k8s::Reading;
use crate::session::text::text_of_manifest;
use std::io;
use std::string::FromUtf8Error;

/// A text, as it came.
pub(super) struct GivenText<'g> {
    pub(super) name: String,
    /// The text, and whether it was UTF-16.
    pub(super) text: Result<(String, bool), NoText>,
    /// Whether it was named itself, and not found in a folder.
    pub(super) is_named: bool,
    /// The namespace of objects that name none.
    namespace: &'g str,
    /// What reads it.
    read: fn(&str, &str) -> Reading,
}

/// Why there is no text.
pub(super) enum NoText {
    Unreadable(io::Error),
    NotUtf8(FromUtf8Error),
}

impl<'g> GivenText<'g> {
    pub(super) fn new(
        name: String,
        bytes: io::Result<Vec<u8>>,
        is_named: bool,
        namespace: &'g str,
        reader: Reader,
    ) -> GivenText<'g> {
        let text = bytes.map_err(NoText::Unreadable).and_then(|bytes| text_of_manifest(bytes).map_err(NoText::NotUtf8));
        GivenText { name, text, is_named, namespace, read: reader.reading() }
    }

    pub(super) fn read(&self) -> Reading {
        self.text.as_ref().map(|(text, _)| (self.read)(text, self.namespace)).unwrap_or_default()
    }
}
