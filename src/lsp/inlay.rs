//! `textDocument/inlayHint`: the labels that a tier without a selector is known by.

use super::describe::implied;
use super::program::Program;
use crate::model::{Endpoint, Entity};
use crate::source::{FileId, Span};
use crate::syntax::{Node, NodeKind, TierDecl};
use lsp_types::{InlayHint, InlayHintKind, Label, Range, TextEdit, Tooltip};

/// The hints of a part of a file.
pub(super) fn hints(program: &Program, file: FileId, range: Range) -> Vec<InlayHint> {
    let (start, end) = (program.offset(file, range.start), program.offset(file, range.end));
    let nodes = program.tree(file).into_iter().flat_map(|tree| &tree.nodes);
    let inside = |node: &&Node| node.span.start as usize <= end && start <= node.span.end as usize;
    let tiers = nodes.flat_map(Node::children).filter(inside).filter_map(|node| match &node.kind {
        NodeKind::Tier(tier) if tier.selector.is_none() => Some(tier),
        _ => None,
    });
    tiers.filter_map(|tier| hint(program, file, tier)).collect()
}

fn hint(program: &Program, file: FileId, tier: &TierDecl) -> Option<InlayHint> {
    let own = program.references_in(file);
    let at = own.partition_point(|one| one.span < tier.name.span);
    let Entity::Endpoint(Endpoint::Tier(id)) = own.get(at).filter(|one| one.span == tier.name.span)?.entity else {
        return None;
    };
    let text = format!(" ({})", implied(program.model()?, id)?);
    let end = Span { start: tier.name.span.end, ..tier.name.span };
    let range = program.range(end);
    Some(InlayHint {
        position: range.start,
        label: Label::String(text.clone()),
        kind: Some(InlayHintKind::Type),
        text_edits: Some(vec![TextEdit { range, new_text: text }]),
        tooltip: Some(Tooltip::String("The labels that the pods of this tier are known by".to_owned())),
        padding_left: None,
        padding_right: None,
        data: None,
    })
}
