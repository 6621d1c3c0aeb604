//! Call hierarchy as reachability: incoming calls of a tier are who may reach it, outgoing whom it may reach.

use super::describe::line;
use super::names::{self, kind};
use super::program::{FileSpot, Program};
use super::reach::{self, ReachPeer, ReachQuery, Silence};
use crate::model::{Endpoint, Entity, Role};
use crate::net::Direction;
use crate::source::{FileId, Span};
use lsp_types::{CallHierarchyIncomingCall, CallHierarchyItem, CallHierarchyOutgoingCall, Range, SymbolKind};
use serde_json::json;

/// What a spot names, as the root of a tree.
pub(super) fn prepare(program: &Program, spot: FileSpot) -> Vec<CallHierarchyItem> {
    let Some((first, span)) = names::at(program, spot) else { return Vec::new() };
    let root = |entity: Entity| {
        let endpoint = match entity {
            Entity::Endpoint(endpoint) => endpoint,
            Entity::Namespace(id) => Endpoint::Namespace(id),
            Entity::Port(tier, _) => Endpoint::Tier(tier),
            Entity::PortSet(_) | Entity::Component(_) => return None,
        };
        let name = program.model().and_then(|model| reach::name(model, endpoint)).unwrap_or_default();
        item(program, endpoint, &name, Some(span))
    };
    program.together(first).into_iter().filter_map(root).collect()
}

/// One of those on the other end, with the flows that are about the two.
struct Call {
    peer: CallHierarchyItem,
    /// The flows by file.
    flows: Vec<(FileId, Vec<Span>)>,
}

/// Who may reach it.
pub(super) fn incoming(program: &Program, item: &CallHierarchyItem) -> Vec<CallHierarchyIncomingCall> {
    let mut found = Vec::new();
    for Call { peer, flows } in calls(program, item, Direction::Ingress) {
        if flows.is_empty() {
            found.push(CallHierarchyIncomingCall { from: peer.clone(), from_ranges: Vec::new() });
        }
        for (file, spans) in flows {
            let from_ranges: Vec<Range> = spans.iter().map(|span| program.range(*span)).collect();
            let (Some(uri), Some(first)) = (program.uri(file), from_ranges.first().copied()) else { continue };
            // Ranges are of the file of the caller: where its flows stand elsewhere, it is shown there.
            let declared = *uri == peer.uri;
            let elsewhere =
                || CallHierarchyItem { uri: uri.clone(), range: first, selection_range: first, ..peer.clone() };
            let from = if declared { peer.clone() } else { elsewhere() };
            found.push(CallHierarchyIncomingCall { from, from_ranges });
        }
    }
    found
}

/// Whom it may reach.
pub(super) fn outgoing(program: &Program, item: &CallHierarchyItem) -> Vec<CallHierarchyOutgoingCall> {
    let call = |Call { peer, flows }: Call| {
        // Ranges are of the file that the tree's root stands in.
        let here = flows.iter().filter(|(file, _)| program.uri(*file) == Some(&item.uri));
        let from_ranges = here.flat_map(|(_, spans)| spans).map(|span| program.range(*span)).collect();
        CallHierarchyOutgoingCall { to: peer, from_ranges }
    };
    calls(program, item, Direction::Egress).into_iter().map(call).collect()
}

/// Those on the other end, as `polder reach` tells them. Nothing, where nothing can be told.
fn calls(program: &Program, root: &CallHierarchyItem, direction: Direction) -> Vec<Call> {
    let name = root.data.as_ref().and_then(|data| data.get("name")?.as_str()).unwrap_or_default();
    let all = |reach: &ReachQuery<'_>| -> Result<Vec<Call>, Silence> {
        let peers = reach.peers(name, direction, None)?.all;
        let one = |peer: &ReachPeer| -> Vec<Call> {
            if peer.names.is_empty() {
                return vec![Call { peer: nameless(root, &peer.text), flows: Vec::new() }];
            }
            peer.names.iter().map(|other| call(program, reach, root, [name, other], direction)).collect()
        };
        Ok(peers.iter().flat_map(one).collect())
    };
    reach::look(program, all).flatten().unwrap_or_default()
}

fn call(
    program: &Program,
    reach: &ReachQuery<'_>,
    root: &CallHierarchyItem,
    [name, other]: [&str; 2],
    direction: Direction,
) -> Call {
    let [source, destination] = if direction == Direction::Ingress { [other, name] } else { [name, other] };
    let mut flows: Vec<(FileId, Vec<Span>)> = Vec::new();
    let spans = reach.statements(source, destination);
    for span in &spans {
        match flows.iter_mut().find(|(file, _)| *file == span.file) {
            Some((_, known)) => known.push(*span),
            None => flows.push((span.file, vec![*span])),
        }
    }
    let endpoint = reach.endpoint(other);
    let peer = endpoint.and_then(|endpoint| item(program, endpoint, other, spans.first().copied()));
    Call { peer: peer.unwrap_or_else(|| nameless(root, other)), flows }
}

/// Those that nothing declares, at the place of those whose tree it is.
fn nameless(root: &CallHierarchyItem, name: &str) -> CallHierarchyItem {
    CallHierarchyItem {
        name: name.to_owned(),
        kind: SymbolKind::Variable,
        tags: None,
        detail: Some("declared nowhere".to_owned()),
        data: Some(json!({ "name": name })),
        ..root.clone()
    }
}

/// An endpoint where it is declared; what is declared nowhere, where it is named. It is asked for by its name in answers.
fn item(program: &Program, endpoint: Endpoint, asked: &str, named: Option<Span>) -> Option<CallHierarchyItem> {
    let model = program.model()?;
    let entity = match endpoint {
        Endpoint::Namespace(id) => Entity::Namespace(id),
        other @ (Endpoint::Tier(_)
        | Endpoint::Group(_)
        | Endpoint::Cidr(_)
        | Endpoint::Fqdn(_)
        | Endpoint::BuiltIn(_)) => Entity::Endpoint(other),
    };
    let own =
        program.places(entity).iter().find(|place| place.role == Role::Declares && program.is_own(place.span.file));
    let name = own.map(|place| place.span).or_else(|| program.declarations(entity).first().copied()).or(named)?;
    let node = program.node_at(FileSpot { file: name.file, offset: name.start as usize });
    let whole = node.map(|(node, _)| node.span).filter(|whole| whole.start <= name.start && name.end <= whole.end);
    let symbol = match endpoint {
        Endpoint::Tier(_) => SymbolKind::Class,
        Endpoint::Namespace(_) => SymbolKind::Namespace,
        Endpoint::Group(_) => SymbolKind::Enum,
        Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::BuiltIn(_) => SymbolKind::Variable,
    };
    let detail = if matches!(endpoint, Endpoint::Namespace(_)) {
        format!("every pod of the {}", kind(model, entity))
    } else {
        line(program, entity)
    };
    Some(CallHierarchyItem {
        name: model.written(endpoint, None),
        kind: symbol,
        tags: None,
        detail: Some(detail),
        uri: program.uri(name.file)?.clone(),
        range: program.range(whole.unwrap_or(name)),
        selection_range: program.range(name),
        data: Some(json!({ "name": asked })),
    })
}
