//! How to take something away: a statement with its comments, an item with its comma, a hop of a chain.

use super::program::{FileSpot, Program};
use super::structure::block_end;
use crate::diag::Code;
use crate::net::Direction;
use crate::source::Span;
use crate::syntax::{ArrowSide, Node, NodeKind};

/// What is replaced to take away what a diagnostic calls needless, and by what; with the title of the action.
pub(super) fn removal(program: &Program, code: Code, primary: Span) -> Option<(String, Span, String)> {
    if code == Code::W0013 {
        return allow(program, primary).map(|(span, text)| ("Remove it".to_owned(), span, text));
    }
    let spot = FileSpot { file: primary.file, offset: primary.start as usize };
    let (node, _) = program.node_at(spot)?;
    let removed = match code {
        Code::W0008 | Code::W0009 | Code::E0109 | Code::E0105 => item(program, node, primary),
        Code::W0003 | Code::E0115 => match &node.kind {
            NodeKind::Use(names) if names.len() > 1 => item(program, node, primary),
            NodeKind::Namespace(block) if block.names.len() > 1 => item(program, node, primary),
            NodeKind::Platform(_) => None,
            NodeKind::Tier(tier) if tier.name.span != primary => None,
            _ => Some((statement(program, node), String::new())),
        },
        Code::E0107 => match &node.kind {
            NodeKind::Namespace(_) | NodeKind::Environment { .. } => None,
            NodeKind::Tier(tier) if tier.name.span != primary => None,
            _ => Some((statement(program, node), String::new())),
        },
        Code::W0010 | Code::E0114 | Code::E0221 => Some((statement(program, node), String::new())),
        Code::W0007 if matches!(node.kind, NodeKind::Dns(_) | NodeKind::PlatformEntry { .. }) => {
            Some((statement(program, node), String::new()))
        }
        Code::W0001 | Code::W0002 | Code::W0011 | Code::E0210 => match &node.kind {
            NodeKind::Flow { side, hops } => flow(program, node, *side, hops, primary),
            _ => None,
        },
        _ => None,
    }?;
    let title = match code {
        Code::W0001 | Code::W0002 | Code::W0011 | Code::E0210 => "Remove the flow",
        Code::W0003 | Code::W0010 | Code::E0107 | Code::E0114 => "Remove the declaration",
        Code::E0221 => "Remove the assertion",
        Code::W0007 => "Remove the setting",
        _ => "Remove it",
    };
    Some((title.to_owned(), removed.0, removed.1))
}

/// A whole statement with the comments above that belong to it, its line's rest, and one of two blank lines around.
pub(super) fn statement(program: &Program, node: &Node) -> Span {
    let file = node.span.file;
    let text = program.text(file);
    let end = block_end(text, node);
    let mut start = node.span.start as usize;
    let line_start = |at: usize| text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let first = line_start(start);
    let rest = text.get(end..).unwrap_or("");
    let line = rest.split('\n').next().unwrap_or("");
    let alone = text.get(first..start).is_some_and(|before| before.trim().is_empty())
        && (line.trim().is_empty() || line.trim_start().starts_with('#'));
    if !alone {
        return Span::new(file, start..end);
    }
    start = first;
    while start > 0 {
        let above = line_start(start - 1);
        let comment = text.get(above..start).unwrap_or("").trim();
        let belongs = comment.starts_with("##")
            || comment.strip_prefix('#').is_some_and(|rest| rest.trim_start().starts_with("polder:"));
        if !belongs {
            break;
        }
        start = above;
    }
    let mut end = (end + line.len() + 1).min(text.len());
    let next = text.get(end..).unwrap_or("").split_inclusive('\n').next().unwrap_or("");
    let blank_above =
        start == 0 || text.get(..start).is_some_and(|before| before.ends_with("\n\n") || before.ends_with("\n\r\n"));
    if blank_above && !next.is_empty() && next.trim().is_empty() {
        end += next.len();
    }
    Span::new(file, start..end)
}

/// One item of a list with its comma; the whole statement when it is the only one.
fn item(program: &Program, node: &Node, item: Span) -> Option<(Span, String)> {
    let text = program.text(item.file);
    let after = text.get(item.end as usize..)?;
    let rest = after.trim_start_matches([' ', '\t', '\r', '\n']);
    if let Some(rest) = rest.strip_prefix(',') {
        let behind = rest.trim_start_matches([' ', '\t']);
        return Some((Span::new(item.file, item.start as usize..text.len() - behind.len()), String::new()));
    }
    let before = text.get(..item.start as usize)?.trim_end_matches([' ', '\t', '\r', '\n']);
    if let Some(before) = before.strip_suffix(',') {
        return Some((Span::new(item.file, before.len()..item.end as usize), String::new()));
    }
    if let Some(before) =
        before.strip_suffix("except").filter(|_| matches!(node.kind, NodeKind::Cidr(_) | NodeKind::Assertion(_)))
    {
        return Some((Span::new(item.file, before.trim_end().len()..item.end as usize), String::new()));
    }
    None
}

/// One hop of a chain, or the whole of a flow that has no other. A hop between two others leaves two flows.
fn flow(
    program: &Program,
    node: &Node,
    side: Option<Direction>,
    hops: &[ArrowSide],
    primary: Span,
) -> Option<(Span, String)> {
    let at = hops.windows(2).position(|pair| matches!(pair, [_, destination] if destination.span.end == primary.end));
    let (source, destination) = (hops.get(at?)?, hops.get(at? + 1)?);
    if hops.len() == 2 {
        return Some((statement(program, node), String::new()));
    }
    let span = |start: u32, end: u32| Span { start, end, ..primary };
    if at == Some(0) {
        // What now comes first takes no ports.
        return Some((span(source.span.start, destination.span.end), endpoints(program, destination)));
    }
    if at? + 2 == hops.len() {
        return Some((span(source.span.end, destination.span.end), String::new()));
    }
    let text = program.text(primary.file);
    let line = text.get(..node.span.start as usize)?;
    let indent = line.get(line.rfind('\n').map_or(0, |at| at + 1)..)?;
    let word = side.map(|side| format!("{} ", side.word())).unwrap_or_default();
    let flow = format!("\n{indent}{word}{}", endpoints(program, destination));
    Some((span(source.span.end, destination.span.end), flow))
}

/// The endpoints of a hop as they are written, without its ports.
fn endpoints(program: &Program, hop: &ArrowSide) -> String {
    let text = |start: u32, end: u32| program.span_text(Span { start, end, ..hop.span });
    let mut written = String::new();
    let mut at = hop.span.start;
    for ports in hop.ports.iter() {
        written.push_str(text(at, ports.span.start).trim_end().trim_end_matches(':').trim_end());
        at = ports.span.end;
    }
    written.push_str(text(at, hop.span.end));
    written
}

/// A code of a comment that silences; the comment's line when it has no other.
fn allow(program: &Program, code: Span) -> Option<(Span, String)> {
    let tree = program.tree(code.file)?;
    let allow = tree.allows.iter().find(|allow| allow.codes.iter().any(|(_, span)| *span == code))?;
    let text = program.text(code.file);
    if let [_] = allow.codes.as_slice() {
        let start = text.get(..code.start as usize)?.rfind('\n').map_or(0, |at| at + 1);
        let rest = text.get(code.end as usize..)?;
        let end = code.end as usize + rest.find('\n').map_or(rest.len(), |at| at + 1);
        return Some((Span::new(code.file, start..end), String::new()));
    }
    let after = text.get(code.end as usize..)?;
    if let Some(rest) = after.trim_start().strip_prefix(',') {
        let end = text.len() - rest.trim_start_matches(' ').len();
        return Some((Span::new(code.file, code.start as usize..end), String::new()));
    }
    let before = text.get(..code.start as usize)?.trim_end().strip_suffix(',')?;
    Some((Span::new(code.file, before.len()..code.end as usize), String::new()))
}
