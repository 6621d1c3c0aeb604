//! `textDocument/publishDiagnostics`: what is wrong, by file.

use super::program::Program;
use crate::diag::{self, Code, Report, Severity};
use lsp_types::{Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Message, Range, Uri};
use serde_json::json;
use std::collections::BTreeMap;

/// More are not sent for one file; nobody reads them, and showing them takes time.
const MOST: usize = 500;

/// Everything to be said about a program, by address.
pub(super) fn all(program: &Program) -> BTreeMap<String, Vec<Diagnostic>> {
    let mut files: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for report in program.reports().iter().chain(program.reports_of_log()) {
        let (uri, diagnostic) = convert(program, report);
        let list = files.entry(uri.0).or_default();
        if list.len() < MOST {
            list.push(diagnostic);
        }
    }
    files
}

/// A report as the protocol has it. What is about no file of the user's stands at the start of `polder.toml`.
pub(super) fn convert(program: &Program, report: &Report) -> (Uri, Diagnostic) {
    let diagnostic = &report.diagnostic;
    let own = |label: &&diag::Label| program.is_own(label.span.file);
    let primary = diagnostic.labels.iter().find(own);
    let uri = primary.and_then(|label| program.uri(label.span.file)).unwrap_or_else(|| program.root());
    let related = diagnostic.labels.iter().filter(|label| primary.is_none_or(|primary| primary.span != label.span));
    let related = related.filter_map(|label| {
        let message = if label.text.is_empty() { "here".to_owned() } else { label.text.clone() };
        Some(DiagnosticRelatedInformation { location: program.location(label.span)?, message })
    });
    let related: Vec<_> = related.collect();
    let mut message = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let mends = diagnostic.mends.iter().filter(|mend| program.is_own(mend.span.file));
    let mends: Vec<_> = mends
        .map(|mend| json!({ "title": mend.title, "range": program.range(mend.span), "newText": mend.text }))
        .collect();
    let converted = Diagnostic {
        range: primary.map_or(Range::default(), |label| program.range(label.span)),
        severity: Some(match report.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
            Severity::Note => DiagnosticSeverity::Information,
        }),
        code: Some(lsp_types::Code::String(diagnostic.code.to_string())),
        code_description: None,
        source: Some("polder".to_owned()),
        message: Message::String(message),
        tags: is_needless(diagnostic.code).then(|| vec![DiagnosticTag::Unnecessary]),
        related_information: Some(related).filter(|related| !related.is_empty()),
        data: (!mends.is_empty()).then(|| json!({ "mends": mends })),
    };
    (uri.clone(), converted)
}

/// Whether what is marked could be left out: editors fade it.
fn is_needless(code: Code) -> bool {
    matches!(code, Code::W0001 | Code::W0002 | Code::W0003 | Code::W0008 | Code::W0009 | Code::W0013)
}
