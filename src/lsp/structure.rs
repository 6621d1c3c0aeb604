//! `textDocument/foldingRange` and `selectionRange`: the form of a text, without asking what it means.

use crate::source::{Encoding, Lines, Span};
use crate::syntax::{ArrowSide, Node, NodeKind, PortsExpr, SelectorExpr, Tree};
use lsp_types::{FoldingRange, FoldingRangeKind, Position, Range, SelectionRange};

/// Where a statement ends; of a block, behind its closing brace.
pub(super) fn block_end(text: &str, node: &Node) -> usize {
    let last = node.children().last().map_or(node.span, |child| child.span);
    let end = last.end.max(node.span.end) as usize;
    let opens = matches!(node.kind, NodeKind::Namespace(_) | NodeKind::Platform(_) | NodeKind::Environment { .. })
        && text.get(node.span.range()).is_some_and(|head| head.trim_end().ends_with('{'));
    if !opens {
        return end;
    }
    let mut comment = false;
    for (at, character) in text.get(end..).unwrap_or("").char_indices() {
        match character {
            '\n' => comment = false,
            '#' => comment = true,
            '}' if !comment => return end + at + 1,
            // Another statement follows: the block was never closed.
            _ if !comment && !character.is_whitespace() => return end,
            _ => {}
        }
    }
    end
}

/// What can be folded: blocks, statements and comments of several lines.
pub(super) fn folding(text: &str, tree: &Tree) -> Vec<FoldingRange> {
    let lines = Lines::new(text);
    let mut found: Vec<(usize, usize, Option<FoldingRangeKind>)> = Vec::new();
    for node in tree.nodes.iter().flat_map(|node| std::iter::once(node).chain(node.children())) {
        let (first, last) = (lines.line(node.span.start as usize), lines.line(block_end(text, node).saturating_sub(1)));
        found.push((first, last, None));
    }
    let mut run: Option<(usize, usize)> = None;
    for comment in &tree.comments {
        let line = lines.line(comment.span.start as usize);
        let before = text.get(lines.start(text, line)..comment.span.start as usize).unwrap_or("");
        if !before.trim().is_empty() {
            continue;
        }
        match &mut run {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => {
                found.extend(run.map(|(first, last)| (first, last, Some(FoldingRangeKind::Comment))));
                run = Some((line, line));
            }
        }
    }
    found.extend(run.map(|(first, last)| (first, last, Some(FoldingRangeKind::Comment))));
    found.retain(|(first, last, _)| last > first);
    found.sort_by_key(|(first, last, _)| (*first, *last));
    let number = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    let fold = |(first, last, kind)| FoldingRange {
        start_line: number(first),
        end_line: number(last),
        kind,
        ..FoldingRange::default()
    };
    found.into_iter().map(fold).collect()
}

/// The selections that grow around a place: word, list, statement, block, file.
pub(super) fn selection(text: &str, tree: &Tree, at: Position, encoding: Encoding) -> SelectionRange {
    let lines = Lines::new(text);
    let offset = lines.offset(text, at.line as usize, at.character as usize, encoding);
    let mut spans = vec![(0, text.len())];
    for node in tree.nodes.iter().flat_map(|node| std::iter::once(node).chain(node.children())) {
        spans.push((node.span.start as usize, block_end(text, node)));
        let mut parts = Vec::new();
        parts_of(node, &mut parts);
        spans.extend(parts.into_iter().map(|span| (span.start as usize, span.end as usize)));
    }
    spans.extend(tree.comments.iter().map(|comment| (comment.span.start as usize, comment.span.end as usize)));
    spans.push(super::context::word_at(text, offset, super::context::is_name_character));
    spans.retain(|(start, end)| *start <= offset && offset <= *end && start < end);
    spans.sort_by_key(|(start, end)| std::cmp::Reverse((end - start, *start)));
    spans.dedup();
    let position = |offset| {
        let (line, column) = lines.position(text, offset, encoding);
        super::program::position(line, column)
    };
    let mut inner: Option<(usize, usize, SelectionRange)> = None;
    for (start, end) in spans {
        // Two that touch where the cursor is can overlap without one holding the other.
        if inner.as_ref().is_some_and(|(from, to, _)| start < *from || end > *to) {
            continue;
        }
        let range = Range { start: position(start), end: position(end) };
        let parent = inner.map(|(_, _, parent)| Box::new(parent));
        inner = Some((start, end, SelectionRange { range, parent }));
    }
    inner.map(|(_, _, range)| range).unwrap_or(SelectionRange { range: Range { start: at, end: at }, parent: None })
}

fn parts_of(node: &Node, parts: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::Namespace(block) => {
            parts.extend(block.names.iter().map(|name| name.span));
            block.labels.iter().for_each(|selector| selector_parts(selector, parts));
        }
        NodeKind::Tier(tier) => {
            parts.push(tier.name.span);
            tier.selector.iter().for_each(|selector| selector_parts(selector, parts));
            for port in tier.ports.iter().flatten() {
                parts.push(port.name.span.to(port.ports.span));
                port_parts(&port.ports, parts);
            }
        }
        NodeKind::Flow { hops, .. } => hops.iter().for_each(|hop| hop_parts(hop, parts)),
        NodeKind::Assertion(assertion) => {
            hop_parts(&assertion.source, parts);
            hop_parts(&assertion.destination, parts);
            parts.extend(assertion.except.iter().map(|endpoint| endpoint.span));
        }
        NodeKind::Group { members, .. } => parts.extend(members.iter().map(|member| member.span)),
        NodeKind::Ports(declared) => port_parts(&declared.ports, parts),
        NodeKind::Cidr(cidr) => parts.extend(cidr.blocks.iter().chain(&cidr.except)),
        NodeKind::Fqdn(fqdn) => parts.extend(&fqdn.names),
        NodeKind::RenameNamespace(rename) => {
            parts.extend([rename.from.span, rename.to.span]);
            rename.labels.iter().for_each(|labels| selector_parts(labels, parts));
        }
        NodeKind::Disjoint(tiers) => parts.extend(tiers.iter().map(|tier| tier.span)),
        NodeKind::Dns(values) => parts.extend(values),
        NodeKind::PlatformEntry { values, .. } => parts.extend(values),
        _ => {}
    }
}

fn selector_parts(selector: &SelectorExpr, parts: &mut Vec<Span>) {
    parts.push(selector.span);
    for requirement in &selector.requirements {
        parts.extend([requirement.span, requirement.key]);
        parts.extend(&requirement.values);
    }
}

fn hop_parts(hop: &ArrowSide, parts: &mut Vec<Span>) {
    parts.push(hop.span);
    parts.extend(hop.endpoints.iter().map(|endpoint| endpoint.span));
    hop.ports.iter().for_each(|ports| port_parts(ports, parts));
}

fn port_parts(ports: &PortsExpr, parts: &mut Vec<Span>) {
    parts.push(ports.span);
    parts.extend(ports.items.iter().map(|item| item.span));
}
