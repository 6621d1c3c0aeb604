//! A picture as data, for programs.

use super::picture::{Certainty, EdgeEnd, GraphEdge, GraphNodeKind, Picture};
use super::spots::id;
use serde_json::{Value, json};

/// The picture as an object with the schema `polder/graph/v1`.
pub fn json(picture: &Picture) -> Value {
    let frames = picture.frames.iter().enumerate().map(|(place, frame)| {
        json!({
            "id": end_id(EdgeEnd::Frame(place)),
            "name": frame.name,
            "isolation": frame.closure.map(|closure| closure.word()),
            "folded": frame.folded.map(|folded| json!({ "nodes": folded.nodes, "edges": folded.edges })),
        })
    });
    let nodes = picture.nodes.iter().enumerate().map(|(place, node)| {
        json!({
            "id": end_id(EdgeEnd::Node(place)),
            "name": node.full,
            "kind": kind(node.kind),
            "namespace": node.frame.map(|frame| end_id(EdgeEnd::Frame(frame))),
            "beside": node.beside,
        })
    });
    json!({
        "schema": "polder/graph/v1",
        "verdict": picture.verdict,
        "notes": picture.notes,
        "namespaces": frames.collect::<Vec<_>>(),
        "nodes": nodes.collect::<Vec<_>>(),
        "edges": picture.edges.iter().enumerate().map(edge).collect::<Vec<_>>(),
    })
}

/// The name that an end has in pictures, too.
fn end_id(end: EdgeEnd) -> String {
    match end {
        EdgeEnd::Frame(frame) => format!("f{}", frame + 1),
        EdgeEnd::Node(_) => id(end),
    }
}

fn edge((place, edge): (usize, &GraphEdge)) -> Value {
    json!({
        "id": format!("e{}", place + 1),
        "from": end_id(edge.from),
        "to": end_id(edge.to),
        "ports": edge.label,
        "detail": edge.detail,
        "certainty": certainty(edge.certainty),
        "change": edge.change.map(|change| change.word()),
    })
}

/// In a word.
fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::All => "all",
        Certainty::Some => "some",
        Certainty::Unknown => "unknown",
    }
}

fn kind(kind: GraphNodeKind) -> &'static str {
    match kind {
        GraphNodeKind::Pods => "pods",
        GraphNodeKind::Many => "many",
        GraphNodeKind::Outside => "addresses",
        GraphNodeKind::Internet => "internet",
    }
}
