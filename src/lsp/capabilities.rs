//! What the server can, and what it has to know of the editor.

use super::{command, completion, tokens};
use crate::source::Encoding;
use lsp_types::{
    CallHierarchyProvider, CodeActionKind, CodeActionOptions, CodeActionProvider, CodeLensOptions, CompletionOptions,
    DefinitionProvider, DocumentFormattingProvider, DocumentHighlightProvider, DocumentRangeFormattingProvider,
    DocumentSymbolProvider, ExecuteCommandOptions, FoldingRangeProvider, Full, HoverProvider, InlayHintProvider,
    PositionEncodingKind, ReferencesProvider, RenameOptions, RenameProvider, Save, SelectionRangeProvider,
    SemanticTokensOptions, SemanticTokensOptionsRange, SemanticTokensProvider, ServerCapabilities, TextDocumentSync,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
    WorkspaceSymbolProvider,
};
use serde_json::Value;

/// What the editor can.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Editor {
    /// How it counts columns.
    pub encoding: Encoding,
    /// Whether completions may have tab stops.
    pub snippets: bool,
    /// Whether changes may name the versions that they are for.
    pub versioned: bool,
    /// Whether it tells of changed files when it is asked to.
    pub watches: bool,
    /// Whether it shows hints and lenses anew when it is asked to.
    pub refreshes: Refreshes,
}

/// What the editor can be asked to show anew, once the analysis knows more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refreshes {
    /// Semantic tokens.
    pub tokens: bool,
    /// Code lenses.
    pub lenses: bool,
    /// Inlay hints.
    pub hints: bool,
}

impl Editor {
    /// Reads the parameters of `initialize`. Only what matters is looked at, so that nothing else can be wrong.
    pub(super) fn read(params: &Value) -> Editor {
        let is = |path: &str| params.pointer(path).and_then(Value::as_bool).unwrap_or(false);
        let encodings = params.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let known = encodings.into_iter().flatten().find_map(|name| match name.as_str()? {
            "utf-8" => Some(Encoding::Utf8),
            "utf-16" => Some(Encoding::Utf16),
            "utf-32" => Some(Encoding::Utf32),
            _ => None,
        });
        Editor {
            encoding: known.unwrap_or_default(),
            snippets: is("/capabilities/textDocument/completion/completionItem/snippetSupport"),
            versioned: is("/capabilities/workspace/workspaceEdit/documentChanges"),
            watches: is("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
            refreshes: Refreshes {
                tokens: is("/capabilities/workspace/semanticTokens/refreshSupport"),
                lenses: is("/capabilities/workspace/codeLens/refreshSupport"),
                hints: is("/capabilities/workspace/inlayHint/refreshSupport"),
            },
        }
    }
}

/// What the server offers.
pub(super) fn of(editor: Editor) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match editor.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            save: Some(Save::Bool(true)),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(completion::TRIGGERS.map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProvider::Bool(true)),
        definition_provider: Some(DefinitionProvider::Bool(true)),
        references_provider: Some(ReferencesProvider::Bool(true)),
        document_highlight_provider: Some(DocumentHighlightProvider::Bool(true)),
        document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
        workspace_symbol_provider: Some(WorkspaceSymbolProvider::Bool(true)),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QuickFix]),
            ..CodeActionOptions::default()
        })),
        code_lens_provider: Some(CodeLensOptions::default()),
        document_formatting_provider: Some(DocumentFormattingProvider::Bool(true)),
        document_range_formatting_provider: Some(DocumentRangeFormattingProvider::Bool(true)),
        rename_provider: Some(RenameProvider::RenameOptions(RenameOptions {
            prepare_provider: Some(true),
            ..RenameOptions::default()
        })),
        folding_range_provider: Some(FoldingRangeProvider::Bool(true)),
        selection_range_provider: Some(SelectionRangeProvider::Bool(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: command::ALL.map(str::to_owned).to_vec(),
            ..ExecuteCommandOptions::default()
        }),
        call_hierarchy_provider: Some(CallHierarchyProvider::Bool(true)),
        semantic_tokens_provider: Some(SemanticTokensProvider::SemanticTokensOptions(SemanticTokensOptions {
            legend: tokens::legend(),
            range: Some(SemanticTokensOptionsRange::Bool(true)),
            full: Some(Full::Bool(true)),
            ..SemanticTokensOptions::default()
        })),
        inlay_hint_provider: Some(InlayHintProvider::Bool(true)),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(true.into()),
            }),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}
