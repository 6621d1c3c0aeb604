//! Where statements go in the text of a program.

use crate::draft::USUAL_KEY;
use crate::replay::LearnOptions;
use crate::session::Session;
use crate::source::{FileId, Span};
use crate::syntax::{Name, NamespaceBlock, Node, NodeKind, TierDecl, Tree};
use std::sync::Arc;

/// The text of a program with the places in it.
pub(super) struct ProgramText<'s> {
    pub session: &'s Session,
}

/// A block of one namespace alone.
#[derive(Clone, Copy)]
pub(super) struct BlockAt<'s> {
    pub file: FileId,
    pub block: &'s NamespaceBlock,
    /// Where its closing brace is.
    pub end: usize,
    /// Where its opening brace ends.
    pub start: usize,
}

impl<'s> ProgramText<'s> {
    pub(super) fn text(&self, file: FileId) -> &'s str {
        self.session.sources().file(file).map_or("", |file| &file.text)
    }

    fn name(&self, name: Name) -> &'s str {
        self.session.sources().text(name.span)
    }

    /// The trees of the files that can be changed.
    pub(super) fn trees(&self) -> impl Iterator<Item = &'s Tree> {
        let files = &self.session.project().files;
        self.session.trees().iter().filter(|tree| files.contains(&tree.file))
    }

    /// The blocks of a namespace alone, managed or not, in order.
    pub(super) fn blocks(&self, namespace: &str, is_managed: bool) -> Vec<BlockAt<'s>> {
        let mut found = Vec::new();
        for tree in self.trees() {
            for node in &tree.nodes {
                let NodeKind::Namespace(block) = &node.kind else { continue };
                let [name] = block.names.as_slice() else { continue };
                if block.external == is_managed || self.name(*name) != namespace {
                    continue;
                }
                if let Some((start, end)) = self.braces(tree.file, node, block) {
                    found.push(BlockAt { file: tree.file, block, start, end });
                }
            }
        }
        found
    }

    /// Where the braces of a block are.
    fn braces(&self, file: FileId, node: &Node, block: &NamespaceBlock) -> Option<(usize, usize)> {
        let text = self.text(file);
        let mut head = node.span.start as usize;
        if let Some(labels) = &block.labels {
            head = labels.span.end as usize;
        }
        let start = next(text, head, '{')? + 1;
        let inside = block.body.last().map_or(start, |last| end_of(last).max(start));
        Some((start, next(text, inside, '}')?))
    }

    /// The last flow of a block from one end alone, as it is written there.
    pub(super) fn last_flow(&self, at: &BlockAt<'_>, source: &str) -> Option<Span> {
        let is_it = |node: &&Node| match &node.kind {
            NodeKind::Flow { hops, .. } => hops.first().is_some_and(|first| match first.endpoints.as_slice() {
                [one] => self.session.sources().text(one.span) == source,
                _ => false,
            }),
            _ => false,
        };
        at.block.body.iter().rfind(is_it).map(|node| node.span)
    }

    /// Where a tier is declared, by the place of its name.
    pub(super) fn tier(&self, name: Span) -> Option<&'s TierDecl> {
        let nodes = self.trees().flat_map(|tree| &tree.nodes).flat_map(Node::children);
        let mut tiers = nodes.filter_map(|node| match &node.kind {
            NodeKind::Tier(tier) => Some(&**tier),
            _ => None,
        });
        tiers.find(|tier| tier.name.span == name)
    }

    /// The last address list of a file, outside of all blocks.
    pub(super) fn last_cidr(&self, file: FileId) -> Option<Span> {
        let tree = self.trees().find(|tree| tree.file == file)?;
        let is_list = |node: &&Node| matches!(node.kind, NodeKind::Cidr(_));
        tree.nodes.iter().rfind(is_list).map(|node| node.span)
    }

    /// Options that know of the label keys of tiers that say nothing, of namespaces and of all others.
    pub(super) fn styled(&self, options: &LearnOptions) -> LearnOptions {
        let mut styled = LearnOptions { naming_label: Some(USUAL_KEY.into()), ..options.clone() };
        for node in self.trees().flat_map(|tree| &tree.nodes) {
            match &node.kind {
                NodeKind::Label(key) => styled.naming_label = Some(self.session.sources().text(*key).into()),
                NodeKind::Namespace(block) => {
                    let keys = block.body.iter().filter_map(|node| match &node.kind {
                        NodeKind::Label(key) => Some(Arc::<str>::from(self.session.sources().text(*key))),
                        _ => None,
                    });
                    for key in keys {
                        let of_names = block.names.iter().map(|name| (self.name(*name).into(), key.clone()));
                        styled.naming_labels.extend(of_names);
                    }
                }
                _ => {}
            }
        }
        styled
    }
}

/// Where a statement ends, with all that is in it.
fn end_of(node: &Node) -> usize {
    let own = node.span.end as usize;
    node.children().iter().map(end_of).fold(own, usize::max)
}

/// The next of a character behind a place that stands in no comment and in no braces of its own.
pub(super) fn next(text: &str, from: usize, wanted: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_comment = false;
    for (at, one) in text.get(from..)?.char_indices() {
        match one {
            '\n' => is_comment = false,
            _ if is_comment => {}
            '#' => is_comment = true,
            _ if one == wanted && depth == 0 => return Some(from + at),
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}
