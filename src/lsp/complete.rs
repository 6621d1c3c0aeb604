//! One entry of a completion list.

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, Documentation, InsertTextFormat, MarkupContent,
    MarkupKind, Range, TextEdit,
};

/// How near at hand an offer is; the nearest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OfferRank {
    /// What is most likely meant.
    First,
    /// What is known everywhere.
    Second,
    /// What is elsewhere.
    Third,
    /// What is built in.
    Fourth,
    /// A word of the language.
    Fifth,
}

/// Something that could be written.
#[derive(Debug)]
pub(super) struct Offer {
    /// What is written and shown.
    pub label: String,
    /// How near it is.
    pub rank: OfferRank,
    kind: CompletionItemKind,
    detail: String,
    documentation: String,
    snippet: Option<&'static str>,
}

impl Offer {
    /// An offer of a word.
    pub(super) fn new(label: &str, kind: CompletionItemKind, rank: OfferRank) -> Offer {
        let (detail, documentation) = (String::new(), String::new());
        Offer { label: label.to_owned(), rank, kind, detail, documentation, snippet: None }
    }

    /// A word that starts a statement.
    pub(super) fn keyword(word: &str, detail: &str, snippet: &'static str) -> Offer {
        let offer = Offer::new(word, CompletionItemKind::Keyword, OfferRank::Fifth).with_detail(detail);
        Offer { snippet: Some(snippet), ..offer }
    }

    /// What is shown beside it.
    #[must_use]
    pub(super) fn with_detail(self, detail: &str) -> Offer {
        Offer { detail: detail.to_owned(), ..self }
    }

    /// What is shown when it is chosen.
    #[must_use]
    pub(super) fn with_documentation(self, documentation: String) -> Offer {
        Offer { documentation, ..self }
    }

    /// As the protocol has it, to be written over `range`.
    pub(super) fn item(self, range: Range, snippets: bool) -> CompletionItem {
        let snippet = self.snippet.filter(|_| snippets);
        let new_text = snippet.map_or_else(|| self.label.clone(), str::to_owned);
        CompletionItem {
            sort_text: Some(format!("{}{}", self.rank as u8, self.label)),
            kind: Some(if snippet.is_some() { CompletionItemKind::Snippet } else { self.kind }),
            detail: Some(self.detail).filter(|text| !text.is_empty()),
            documentation: Some(self.documentation)
                .filter(|text| !text.is_empty())
                .map(|value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })),
            insert_text_format: snippet.map(|_| InsertTextFormat::Snippet),
            text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit { range, new_text })),
            label: self.label,
            ..CompletionItem::default()
        }
    }
}
