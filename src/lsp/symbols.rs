//! `textDocument/documentSymbol` and `workspace/symbol`.

use super::describe;
use super::names::{endpoints, name_of};
use super::program::Program;
use super::structure::block_end;
use crate::model::{Endpoint, Entity};
use crate::source::{FileId, Span};
use crate::syntax::{Name, Node, NodeKind};
use lsp_types::{BaseSymbolInformation, DocumentSymbol, SymbolKind, WorkspaceSymbol, WorkspaceSymbolLocation};

/// The declarations of a file, as they nest.
pub(super) fn document(program: &Program, file: FileId) -> Vec<DocumentSymbol> {
    let nodes = program.tree(file).map(|tree| tree.nodes.as_slice()).unwrap_or_default();
    nodes.iter().filter_map(|node| symbol(program, node)).collect()
}

fn symbol(program: &Program, node: &Node) -> Option<DocumentSymbol> {
    let (name, detail, kind) = match &node.kind {
        NodeKind::Namespace(block) => {
            let detail = if block.external { "external namespace" } else { "namespace" };
            let names = block.names.iter().map(|name| name.span).reduce(Span::to)?;
            (Name { span: names }, detail, SymbolKind::Namespace)
        }
        NodeKind::Environment { name, .. } => (*name, "environment", SymbolKind::Module),
        NodeKind::Platform(_) => (Name { span: first_word(program, node) }, "", SymbolKind::Module),
        NodeKind::Tier(tier) => (tier.name, "tier", SymbolKind::Class),
        NodeKind::Group { name, .. } => (*name, "group", SymbolKind::Enum),
        NodeKind::Cidr(cidr) => (Name { span: cidr.name.span }, "cidr", SymbolKind::Variable),
        NodeKind::Fqdn(fqdn) => (Name { span: fqdn.name.span }, "fqdn", SymbolKind::Variable),
        NodeKind::Ports(declared) => (declared.name, "ports", SymbolKind::Constant),
        _ => return None,
    };
    let text = program.text(node.span.file);
    let whole = Span { end: u32::try_from(block_end(text, node)).unwrap_or(u32::MAX), ..node.span };
    let mut children: Vec<DocumentSymbol> = node.children().iter().filter_map(|child| symbol(program, child)).collect();
    if let NodeKind::Tier(tier) = &node.kind {
        children.extend(tier.ports.iter().flatten().map(|port| {
            let whole = port.name.span.to(port.ports.span);
            one(program, port.name.span, whole, program.span_text(port.ports.span), SymbolKind::Property, Vec::new())
        }));
    }
    Some(one(program, name.span, whole, detail, kind, children))
}

fn first_word(program: &Program, node: &Node) -> Span {
    let word = program.span_text(node.span).split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
    let start = node.span.start as usize;
    Span::new(node.span.file, start..start + word.len())
}

fn one(
    program: &Program,
    name: Span,
    whole: Span,
    detail: &str,
    kind: SymbolKind,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    #[allow(deprecated, reason = "the field has to be given")]
    DocumentSymbol {
        name: program.span_text(name).to_owned(),
        detail: Some(detail.to_owned()).filter(|detail| !detail.is_empty()),
        kind,
        tags: None,
        deprecated: None,
        range: program.range(whole),
        selection_range: program.range(name),
        children: Some(children).filter(|children| !children.is_empty()),
    }
}

/// The declarations of a program whose names hold the letters of `query` in order.
pub(super) fn workspace(program: &Program, query: &str) -> Vec<WorkspaceSymbol> {
    let Some(model) = program.model() else { return Vec::new() };
    let namespaces = model.namespaces.ids().map(Entity::Namespace);
    let sets = model.port_sets.ids().map(Entity::PortSet);
    let ends = endpoints(model).map(|(endpoint, ..)| Entity::Endpoint(endpoint));
    let mut found = Vec::new();
    for entity in namespaces.chain(ends).chain(sets) {
        let Some((name, home)) = name_of(model, entity) else { continue };
        if !holds_letters(name, query) {
            continue;
        }
        let kind = match entity {
            Entity::Namespace(_) => SymbolKind::Namespace,
            Entity::Endpoint(Endpoint::Tier(_)) => SymbolKind::Class,
            Entity::Endpoint(Endpoint::Group(_)) => SymbolKind::Enum,
            Entity::PortSet(_) => SymbolKind::Constant,
            Entity::Endpoint(_) | Entity::Port(..) | Entity::Component(_) => SymbolKind::Variable,
        };
        let home = home.and_then(|id| model.namespace(id)).map(|home| home.declared.to_string());
        let own = program.places(entity).iter().filter(|place| place.role == crate::model::Role::Declares);
        for location in own.filter_map(|place| program.location(place.span)) {
            found.push(WorkspaceSymbol {
                location: WorkspaceSymbolLocation::Location(location),
                data: None,
                base_symbol_information: BaseSymbolInformation {
                    name: name.to_owned(),
                    kind,
                    tags: None,
                    container_name: home.clone().or_else(|| Some(describe::line(program, entity))),
                },
            });
        }
    }
    found
}

fn holds_letters(name: &str, query: &str) -> bool {
    let mut letters = name.chars();
    query
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .all(|wanted| letters.any(|letter| letter.eq_ignore_ascii_case(&wanted)))
}
