//! `textDocument/codeAction`: the changes that mend what is wrong.

use super::diagnostics::convert;
use super::edits::{Replacements, workspace_edit};
use super::program::{FileSpot, Program};
use super::removal::{removal, statement as whole_statement};
use super::seen;
use crate::diag::{Code, Diagnostic};
use crate::draft::{External, Statement, Tier};
use crate::model::{Endpoint, is_dns_label};
use crate::session::DroppedInLog;
use crate::source::{FileId, Span};
use crate::syntax::{ArrowSide, AssertionKind, EndpointRef, Node, NodeKind};
use lsp_types::{CodeAction, CodeActionKind};
use std::ops::Range;

/// Of so many connections of the log at one place it is found out what to write.
const MOST_SEEN: usize = 8;

/// One way to mend something.
struct MendWay {
    title: String,
    changes: Replacements,
    /// Whether it is the one that is meant when nobody chooses.
    preferred: bool,
}

/// The ways to mend what is wrong within a part of a file, and at the `told` places: an editor may name what it shows for
/// the line, wherever in it the cursor is.
pub(super) fn actions(
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
        if !is_asked_for(primary, &within, told) {
            continue;
        }
        let told = convert(program, report).1;
        for way in ways(program, diagnostic, primary).into_iter().filter(|way| !way.changes.is_empty()) {
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
    actions.extend(flows_for_seen(program, file, within, told, versioned));
    actions
}

/// Whether a place touches a part of its file or is one of the `told` places.
fn is_asked_for(place: Span, within: &Range<usize>, told: &[Range<usize>]) -> bool {
    let is_outside = (place.end as usize) < within.start || within.end < place.start as usize;
    !is_outside || told.contains(&place.range())
}

/// The lines that let through what the log has and the program would drop. They are looked for when they are asked for: each
/// takes a build of the program.
fn flows_for_seen(
    program: &Program,
    file: FileId,
    within: Range<usize>,
    told: &[Range<usize>],
    versioned: bool,
) -> Vec<CodeAction> {
    let dropped = program.seen_so_far().map(|seen| seen.dropped.as_slice()).unwrap_or_default();
    let here = dropped.iter().filter(|one| {
        let Some(primary) = one.diagnostic.primary().filter(|primary| primary.file == file) else { return false };
        is_asked_for(primary, &within, told)
    });
    let action = |one: &DroppedInLog| {
        let report = program.reports_of_log().iter().find(|report| report.diagnostic == one.diagnostic)?;
        let edits = one.edits(program.session())?;
        let changes = seen::places(program, &edits)?;
        Some(CodeAction {
            title: format!("Write `{}`", seen::line(&edits)?),
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(vec![convert(program, report).1]),
            edit: Some(workspace_edit(program, &changes, versioned)),
            ..CodeAction::default()
        })
    };
    here.take(MOST_SEEN).filter_map(action).collect()
}

fn ways(program: &Program, diagnostic: &Diagnostic, primary: Span) -> Vec<MendWay> {
    // Which pods are meant, and whether the other side is closed on purpose, nobody knows but the author.
    let only = diagnostic.mends.len() == 1 && !matches!(diagnostic.code, Code::W0004 | Code::W0017);
    let mends = diagnostic.mends.iter().filter(|mend| program.is_own(mend.span.file));
    let mut ways: Vec<MendWay> = mends
        .map(|mend| MendWay {
            title: mend.title.clone(),
            changes: vec![(mend.span, mend.text.clone())],
            preferred: only,
        })
        .collect();
    let halves = both_halves(program, diagnostic, primary);
    if let (None, Some((title, span, text))) = (&halves, removal(program, diagnostic.code, primary)) {
        // Which of two declarations is meant nobody knows.
        let preferred = ways.is_empty() && diagnostic.code != Code::E0107;
        ways.push(MendWay { title, changes: vec![(span, text)], preferred });
    }
    ways.extend(halves);
    ways.extend(declaration(program, diagnostic.code, primary));
    ways.extend(asserted_flow(program, diagnostic.code, primary));
    ways.extend(stated_apart(program, diagnostic, primary));
    ways.extend(silence(program, diagnostic.code, primary));
    ways
}

/// A comment that silences a warning, above the statement or in the comment that is there.
fn silence(program: &Program, code: Code, primary: Span) -> Option<MendWay> {
    if code.stops() || code == Code::W0013 {
        return None;
    }
    let (node, _) = program.node_at(FileSpot { file: primary.file, offset: primary.start as usize })?;
    let title = format!("Silence {code} here");
    let allows = program.tree(primary.file)?.allows.iter();
    let last =
        allows.filter(|allow| allow.covers == Some(node.span)).filter_map(|allow| allow.codes.last()).next_back();
    if let Some((_, span)) = last {
        let end = Span { start: span.end, ..*span };
        return Some(MendWay { title, changes: vec![(end, format!(", {code}"))], preferred: false });
    }
    let (start, indent) = line_start(program, node)?;
    let text = format!("{indent}# polder: allow({code})\n");
    Some(MendWay { title, changes: vec![(Span::new(primary.file, start..start), text)], preferred: false })
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
fn asserted_flow(program: &Program, code: Code, primary: Span) -> Option<MendWay> {
    let (node, _) = program.node_at(FileSpot { file: primary.file, offset: primary.start as usize })?;
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
    Some(MendWay { title, changes: vec![(place, format!("\n{indent}{flow}"))], preferred: false })
}

/// The plain flow in the place of two that open one side of it each: without either of them it would open less.
fn both_halves(program: &Program, diagnostic: &Diagnostic, primary: Span) -> Option<MendWay> {
    let ([_, other], Code::W0001) = (diagnostic.labels.as_slice(), diagnostic.code) else { return None };
    let one_sided = |span: Span| {
        let (node, _) = program.node_at(FileSpot { file: span.file, offset: span.start as usize })?;
        match &node.kind {
            NodeKind::Flow { side: Some(side), hops } => Some((node, *side, hops.len())),
            _ => None,
        }
    };
    let ((node, side, parts), (other, other_side, other_parts)) = (one_sided(primary)?, one_sided(other.span)?);
    if side == other_side {
        return None;
    }
    let word = node.span.start as usize..node.span.start as usize + side.word().len();
    let text = program.span_text(node.span).get(side.word().len()..)?;
    let flow = text.trim_start();
    let title = format!("Write the plain flow `{}`", flow.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut changes = vec![(Span::new(primary.file, word.start..word.end + text.len() - flow.len()), String::new())];
    changes.push((whole_statement(program, other), String::new()));
    // A part of a chain cannot be written by itself.
    let is_whole = parts == 2 && other_parts == 2;
    let changes = if is_whole { changes } else { Vec::new() };
    Some(MendWay { title, changes, preferred: is_whole })
}

/// The statement that no pod is in both of two tiers.
fn stated_apart(program: &Program, diagnostic: &Diagnostic, primary: Span) -> Option<MendWay> {
    let tiers: Vec<&str> = diagnostic.labels.iter().map(|label| program.span_text(label.span)).collect();
    let ([one, other], Code::W0004) = (tiers.as_slice(), diagnostic.code) else { return None };
    let (_, block) = program.node_at(FileSpot { file: primary.file, offset: primary.start as usize })?;
    let (place, indent) = after_tiers(program, block?)?;
    let text = format!("disjoint {one}, {other}");
    let changes = vec![(place, format!("\n{indent}{text}"))];
    Some(MendWay { title: format!("State `{text}`"), changes, preferred: false })
}

/// The declaration of what is unknown: a tier after those of its namespace, or an external namespace.
fn declaration(program: &Program, code: Code, primary: Span) -> Option<MendWay> {
    let written = program.span_text(primary);
    let file = primary.file;
    let (node, parent) = program.node_at(FileSpot { file, offset: primary.start as usize })?;
    match code {
        Code::E0101 if is_dns_label(written) => {
            let (start, _) = line_start(program, parent.unwrap_or(node))?;
            let external = External { names: vec![written.into()], selector: None, tiers: Vec::new() };
            let text = Statement::External(external).to_string();
            let changes = vec![(Span::new(file, start..start), format!("{text}\n\n"))];
            Some(MendWay { title: format!("Declare `{text}`"), changes, preferred: false })
        }
        Code::E0102 => {
            let (home, name) = match (written.split_once('/'), home_of_member(program, node, primary)) {
                (Some((home, name)), _) => (Some(home), name),
                (None, home) => (home, written),
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
            Some(MendWay { title: format!("Declare `{text}`"), changes, preferred: false })
        }
        _ => None,
    }
}

/// The namespace in front of the braces that an endpoint of a statement stands in.
fn home_of_member<'a>(program: &'a Program, node: &Node, endpoint: Span) -> Option<&'a str> {
    let hops: Vec<&ArrowSide> = match &node.kind {
        NodeKind::Flow { hops, .. } => hops.iter().collect(),
        NodeKind::Assertion(assertion) => vec![&assertion.source, &assertion.destination],
        _ => Vec::new(),
    };
    let listed: &[EndpointRef] = match &node.kind {
        NodeKind::Group { members, .. } => members,
        NodeKind::Assertion(assertion) => &assertion.except,
        _ => &[],
    };
    let mut all = hops.into_iter().flat_map(|hop| &hop.endpoints).chain(listed);
    let home = all.find(|one| one.span == endpoint)?.shared_namespace()?;
    Some(program.span_text(home.span))
}

/// The first block of a namespace that is open for statements.
fn namespace_block<'a>(program: &'a Program, name: &str) -> Option<&'a Node> {
    let trees = program.session().trees().iter().filter(|tree| program.is_own(tree.file));
    trees.flat_map(|tree| &tree.nodes).find(|node| match &node.kind {
        NodeKind::Namespace(block) => {
            let mut names = block.names.iter().map(|known| program.span_text(known.span));
            names.any(|known| known == name) && !block.body.is_empty()
        }
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
