//! `textDocument/codeAction`: the changes that mend what is wrong.

use super::diagnostics::convert;
use super::edits::{Changes, workspace_edit};
use super::program::{Program, Spot};
use super::removal::removal;
use crate::diag::{Code, Diagnostic};
use crate::draft::{External, Statement, Tier};
use crate::model::{Endpoint, is_dns_label};
use crate::source::{FileId, Span};
use crate::syntax::{AssertionKind, Node, NodeKind};
use lsp_types::{CodeAction, CodeActionKind};
use std::ops::Range;

/// One way to mend something.
struct Way {
    title: String,
    changes: Changes,
    /// Whether it is the one that is meant when nobody chooses.
    preferred: bool,
}

/// The ways to mend what is wrong within a part of a file, and at the `told` places: an editor may name what it shows for
/// the line, wherever in it the cursor is.
pub fn actions(
    program: &Program,
    file: FileId,
    within: Range<usize>,
    told: &[Range<usize>],
    versioned: bool,
) -> Vec<CodeAction> {
    let mut actions = Vec::new();
    for report in program.reports() {
        let diagnostic = &report.diagnostic;
        let Some(primary) = diagnostic.primary().filter(|primary| primary.file == file) else { continue };
        let is_outside = (primary.end as usize) < within.start || within.end < primary.start as usize;
        if is_outside && !told.contains(&primary.range()) {
            continue;
        }
        let told = convert(program, report).1;
        for way in ways(program, diagnostic, primary) {
            actions.push(CodeAction {
                title: way.title,
                kind: Some(CodeActionKind::QuickFix),
                diagnostics: Some(vec![told.clone()]),
                is_preferred: way.preferred.then_some(true),
                edit: Some(workspace_edit(program, &way.changes, versioned)),
                ..CodeAction::default()
            });
        }
    }
    actions
}

fn ways(program: &Program, diagnostic: &Diagnostic, primary: Span) -> Vec<Way> {
    // Which pods are meant nobody knows but the author.
    let only = diagnostic.mends.len() == 1 && diagnostic.code != Code::W0004;
    let mends = diagnostic.mends.iter().filter(|mend| program.is_own(mend.span.file));
    let mut ways: Vec<Way> = mends
        .map(|mend| Way { title: mend.title.clone(), changes: vec![(mend.span, mend.text.clone())], preferred: only })
        .collect();
    if let Some((title, span, text)) = removal(program, diagnostic.code, primary) {
        // Which of two declarations is meant nobody knows.
        let preferred = ways.is_empty() && diagnostic.code != Code::E0107;
        ways.push(Way { title, changes: vec![(span, text)], preferred });
    }
    ways.extend(declaration(program, diagnostic.code, primary));
    ways.extend(asserted_flow(program, diagnostic.code, primary));
    ways.extend(silence(program, diagnostic.code, primary));
    ways
}

/// A comment that silences a warning, above the statement or in the comment that is there.
fn silence(program: &Program, code: Code, primary: Span) -> Option<Way> {
    if code.stops() || code == Code::W0013 {
        return None;
    }
    let (node, _) = program.node_at(Spot { file: primary.file, offset: primary.start as usize })?;
    let title = format!("Silence {code} here");
    let allows = program.tree(primary.file)?.allows.iter();
    let last =
        allows.filter(|allow| allow.covers == Some(node.span)).filter_map(|allow| allow.codes.last()).next_back();
    if let Some((_, span)) = last {
        let end = Span { start: span.end, ..*span };
        return Some(Way { title, changes: vec![(end, format!(", {code}"))], preferred: false });
    }
    let (start, indent) = line_start(program, node)?;
    let text = format!("{indent}# polder: allow({code})\n");
    Some(Way { title, changes: vec![(Span::new(primary.file, start..start), text)], preferred: false })
}

/// Where the line of a statement starts, and the space before the statement; `None` when it is not the first there.
fn line_start<'a>(program: &'a Program, node: &Node) -> Option<(usize, &'a str)> {
    let text = program.text(node.span.file);
    let before = text.get(..node.span.start as usize)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let indent = before.get(start..)?;
    indent.trim().is_empty().then_some((start, indent))
}

/// The flow that has to be there, below the assertion that says so.
fn asserted_flow(program: &Program, code: Code, primary: Span) -> Option<Way> {
    let (node, _) = program.node_at(Spot { file: primary.file, offset: primary.start as usize })?;
    let NodeKind::Assertion(assertion) = &node.kind else { return None };
    if code != Code::E0301 || assertion.kind != AssertionKind::Always || !assertion.except.is_empty() {
        return None;
    }
    let flow = program.span_text(node.span).strip_prefix("always")?.trim();
    let (_, indent) = line_start(program, node)?;
    let place = line_end(program, node.span)?;
    let behind = program.text(place.file).get(node.span.end as usize..place.start as usize)?.trim_start();
    if !behind.is_empty() && !behind.starts_with('#') {
        return None;
    }
    let title = format!("Write `{}`", flow.split_whitespace().collect::<Vec<_>>().join(" "));
    Some(Way { title, changes: vec![(place, format!("\n{indent}{flow}"))], preferred: false })
}

/// The declaration of what is unknown: a tier after those of its namespace, or an external namespace.
fn declaration(program: &Program, code: Code, primary: Span) -> Option<Way> {
    let written = program.span_text(primary);
    let file = primary.file;
    let (node, parent) = program.node_at(Spot { file, offset: primary.start as usize })?;
    match code {
        Code::E0101 if is_dns_label(written) => {
            let (start, _) = line_start(program, parent.unwrap_or(node))?;
            let external = External { name: written.into(), selector: None, tiers: Vec::new() };
            let text = Statement::External(external).to_string();
            let changes = vec![(Span::new(file, start..start), format!("{text}\n\n"))];
            Some(Way { title: format!("Declare `{text}`"), changes, preferred: false })
        }
        Code::E0102 => {
            let (home, name) = match written.split_once('/') {
                Some((home, name)) => (Some(home), name),
                None => (None, written),
            };
            if !is_dns_label(name) || Endpoint::built_in(name).is_some() {
                return None;
            }
            let block = match home {
                None => parent.filter(|parent| matches!(parent.kind, NodeKind::Namespace(_)))?,
                Some(home) => namespace_block(program, home)?,
            };
            let (place, indent) = after_tiers(program, block)?;
            let text = Statement::Tier(Tier { name: name.into(), selector: None, ports: Vec::new() }).to_string();
            let changes = vec![(place, format!("\n{indent}{text}"))];
            Some(Way { title: format!("Declare `{text}`"), changes, preferred: false })
        }
        _ => None,
    }
}

/// The first block of a namespace that is open for statements.
fn namespace_block<'a>(program: &'a Program, name: &str) -> Option<&'a Node> {
    let trees = program.session().trees().iter().filter(|tree| program.is_own(tree.file));
    trees.flat_map(|tree| &tree.nodes).find(|node| match &node.kind {
        NodeKind::Namespace(block) => program.span_text(block.name.span) == name && !block.body.is_empty(),
        _ => false,
    })
}

/// Behind the last tier of a block, or behind its first line; and how deep its statements stand.
fn after_tiers<'a>(program: &'a Program, block: &Node) -> Option<(Span, &'a str)> {
    let mut tiers = block.children().iter().filter(|child| matches!(child.kind, NodeKind::Tier(_)));
    let last = tiers.next_back().map_or(block.span, |tier| tier.span);
    let indent =
        block.children().first().and_then(|child| line_start(program, child)).map_or("  ", |(_, indent)| indent);
    Some((line_end(program, last)?, indent))
}

/// The end of the line that a statement ends in.
fn line_end(program: &Program, statement: Span) -> Option<Span> {
    let text = program.text(statement.file);
    let rest = text.get(statement.end as usize..)?;
    let end = statement.end as usize + rest.find('\n').unwrap_or(rest.len());
    let end = end - usize::from(text.get(..end)?.ends_with('\r'));
    Some(Span::new(statement.file, end..end))
}
