//! Call hierarchy as reachability: incoming calls of a tier are who may reach it, outgoing whom it may reach.

use super::describe::line;
use super::names::{self, kind, written};
use super::program::{Program, Spot};
use super::reach::Reach;
use crate::model::{Endpoint, Entity, Model, Role};
use crate::net::Direction;
use crate::source::{FileId, Span};
use lsp_types::{CallHierarchyIncomingCall, CallHierarchyItem, CallHierarchyOutgoingCall, Range, SymbolKind};
use serde_json::{Value, json};

/// What a spot names, as the root of a tree.
pub fn prepare(program: &Program, spot: Spot) -> Vec<CallHierarchyItem> {
    let Some((entity, span)) = names::at(program, spot) else { return Vec::new() };
    let endpoint = match entity {
        Entity::Endpoint(endpoint) => endpoint,
        Entity::Namespace(id) => Endpoint::Namespace(id),
        Entity::Port(tier, _) => Endpoint::Tier(tier),
        _ => return Vec::new(),
    };
    item(program, endpoint, span).into_iter().collect()
}

/// Who may reach it.
pub fn incoming(program: &Program, item: &CallHierarchyItem) -> Vec<CallHierarchyIncomingCall> {
    let calls = calls(program, item, Direction::Ingress);
    let call = |(peer, place, spans): (Endpoint, FileId, Vec<Span>)| {
        let from = self::item(program, peer, *spans.first()?)?;
        // Ranges are of the file of the caller: where its flows stand elsewhere, it is shown there.
        let declared = program.uri(place) == Some(&from.uri);
        let from_ranges: Vec<Range> = spans.iter().map(|span| program.range(*span)).collect();
        let first = *from_ranges.first()?;
        let uri = program.uri(place)?.clone();
        let from =
            if declared { from } else { CallHierarchyItem { uri, range: first, selection_range: first, ..from } };
        Some(CallHierarchyIncomingCall { from, from_ranges })
    };
    calls.into_iter().filter_map(call).collect()
}

/// Whom it may reach.
pub fn outgoing(program: &Program, item: &CallHierarchyItem) -> Vec<CallHierarchyOutgoingCall> {
    let calls = calls(program, item, Direction::Egress);
    let mut found: Vec<(Endpoint, CallHierarchyOutgoingCall)> = Vec::new();
    for (peer, place, spans) in calls {
        // Ranges are of the file that the tree's root stands in.
        let here = program.uri(place) == Some(&item.uri);
        let ranges: Vec<Range> =
            if here { spans.iter().map(|span| program.range(*span)).collect() } else { Vec::new() };
        if let Some((_, known)) = found.iter_mut().find(|(known, _)| *known == peer) {
            known.from_ranges.extend(ranges);
        } else if let Some(to) = spans.first().and_then(|span| self::item(program, peer, *span)) {
            found.push((peer, CallHierarchyOutgoingCall { to, from_ranges: ranges }));
        }
    }
    found.into_iter().map(|(_, call)| call).collect()
}

/// The other ends of an item's flows, groups taken apart, by file with the places of the flows.
fn calls(program: &Program, item: &CallHierarchyItem, direction: Direction) -> Vec<(Endpoint, FileId, Vec<Span>)> {
    let mut found: Vec<(Endpoint, FileId, Vec<Span>)> = Vec::new();
    let (Some(model), Some(reach)) = (program.model(), Reach::new(program)) else { return found };
    let Some(endpoint) = item.data.as_ref().and_then(|data| read(model, data)) else { return found };
    for flow in reach.flows(endpoint, direction) {
        let Some(statement) = model.statements.get(flow.statement.index()) else { continue };
        let peers: Vec<Endpoint> = match direction {
            Direction::Ingress => model.leaves(&flow.source).to_vec(),
            Direction::Egress => flow.targets.iter().map(|(leaf, _)| *leaf).collect(),
        };
        for peer in peers {
            let file = statement.span.file;
            match found.iter_mut().find(|(known, place, _)| *known == peer && *place == file) {
                Some((_, _, spans)) if spans.contains(&statement.span) => {}
                Some((_, _, spans)) => spans.push(statement.span),
                None => found.push((peer, file, vec![statement.span])),
            }
        }
    }
    found
}

/// An endpoint where it is declared; what is declared nowhere, where it is named.
fn item(program: &Program, endpoint: Endpoint, named: Span) -> Option<CallHierarchyItem> {
    let model = program.model()?;
    let entity = match endpoint {
        Endpoint::Namespace(id) => Entity::Namespace(id),
        other => Entity::Endpoint(other),
    };
    let own =
        program.places(entity).iter().find(|place| place.role == Role::Declares && program.is_own(place.span.file));
    let name = own.map(|place| place.span).or_else(|| program.declarations(entity).first().copied()).unwrap_or(named);
    let node = program.node_at(Spot { file: name.file, offset: name.start as usize });
    let whole = node.map(|(node, _)| node.span).filter(|whole| whole.start <= name.start && name.end <= whole.end);
    let symbol = match endpoint {
        Endpoint::Tier(_) => SymbolKind::Class,
        Endpoint::Namespace(_) => SymbolKind::Namespace,
        Endpoint::Group(_) => SymbolKind::Enum,
        Endpoint::Cidr(_)
        | Endpoint::Fqdn(_)
        | Endpoint::Cluster
        | Endpoint::Internet
        | Endpoint::Anywhere
        | Endpoint::ApiServer
        | Endpoint::Nodes => SymbolKind::Variable,
    };
    let detail = if matches!(endpoint, Endpoint::Namespace(_)) {
        format!("every pod of the {}", kind(model, entity))
    } else {
        line(program, entity)
    };
    Some(CallHierarchyItem {
        name: written(model, endpoint, None),
        kind: symbol,
        tags: None,
        detail: Some(detail),
        uri: program.uri(name.file)?.clone(),
        range: program.range(whole.unwrap_or(name)),
        selection_range: program.range(name),
        data: Some(write(model, endpoint)),
    })
}

/// An endpoint by its name, which outlives changes of the program.
fn write(model: &Model, endpoint: Endpoint) -> Value {
    json!({ "endpoint": written(model, endpoint, None) })
}

fn read(model: &Model, data: &Value) -> Option<Endpoint> {
    names::path(model, None, data.get("endpoint")?.as_str()?)
}
