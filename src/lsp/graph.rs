//! `polder/graph`: a picture of what the program of a document allows, and where its parts are written.

use super::analysis::refusal;
use super::names;
use super::program::Program;
use super::reach::{ReachQuery, look};
use crate::graph::{EdgeEnd, Focus, Picture, folded, json, picture, svg};
use crate::model::{Endpoint, Entity, Model};
use crate::net::{PortSet, Protocol};
use lsp_server::{ErrorCode, ResponseError};
use lsp_types::{Location, TextDocumentIdentifier};
use serde::Deserialize;
use serde_json::{Map, Value, json as object};

/// The method.
pub(super) const METHOD: &str = "polder/graph";

/// The port on which names are asked for.
const DNS: u16 = 53;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphParams {
    /// A document of the program.
    pub(super) text_document: TextDocumentIdentifier,
    /// Only what these namespaces have to do with, which are not folded; none for all.
    #[serde(default)]
    namespaces: Vec<String>,
    /// Whether connections that only ask for names are drawn.
    #[serde(default)]
    dns: bool,
}

/// The answer: the picture as SVG and as data, and the places of its frames, nodes and edges by their ids in both.
pub(super) fn graph(program: &Program, params: &GraphParams) -> Result<Value, ResponseError> {
    let failed = |why: &str| refusal(ErrorCode::RequestFailed, why);
    let answer = look(program, |query| {
        let summary = query.summary().map_err(|why| why.to_string())?;
        let ports = [Protocol::Udp, Protocol::Tcp].map(|protocol| PortSet::number(protocol, DNS));
        let ports = ports.iter().fold(PortSet::empty(), |all, one| all.union(one));
        let focus = Focus { namespaces: &params.namespaces, dns: (!params.dns).then_some(&ports), lonely: true };
        let drawn = picture(&summary, &focus).map_err(|name| format!("nothing is in a namespace `{name}`"))?;
        let drawn = folded(drawn, &params.namespaces);
        Ok(object!({ "svg": svg(&drawn), "graph": json(&drawn), "places": places(program, query, &drawn) }))
    });
    answer.map_err(|silence| failed(&silence.to_string()))?.map_err(|why: String| failed(&why))
}

/// Where frames, nodes and edges are written.
fn places(program: &Program, query: &ReachQuery<'_>, drawn: &Picture) -> Value {
    let mut all = Map::new();
    let mut add = |id: String, found: Vec<Location>| {
        if !found.is_empty() {
            all.insert(id, object!(found));
        }
    };
    let Some(model) = program.model() else { return Value::Object(all) };
    for (place, frame) in drawn.frames.iter().enumerate() {
        add(format!("f{}", place + 1), declared(program, model, &format!("{}/*", frame.name)));
    }
    for (place, node) in drawn.nodes.iter().enumerate() {
        add(format!("n{}", place + 1), declared(program, model, &node.full));
    }
    for (place, edge) in drawn.edges.iter().enumerate() {
        let is_folded = |end: EdgeEnd| match end {
            EdgeEnd::Frame(frame) => drawn.frames[frame].folded.is_some(),
            EdgeEnd::Node(_) => false,
        };
        if !is_folded(edge.from) && !is_folded(edge.to) {
            let spans = query.statements(&drawn.name_of(edge.from), &drawn.name_of(edge.to));
            add(format!("e{}", place + 1), spans.into_iter().filter_map(|span| program.location(span)).collect());
        }
    }
    Value::Object(all)
}

/// Where something is declared, by the name that questions have for it.
fn declared(program: &Program, model: &Model, name: &str) -> Vec<Location> {
    let known = match name.split_once('/') {
        Some((home, "*")) => {
            model.namespaces.ids().find(|id| &*model.namespaces[*id].name == home).map(Endpoint::Namespace)
        }
        Some((home, name)) => names::endpoints(model).find_map(|(endpoint, own, place)| {
            let is_there = place.is_some_and(|id| &*model.namespaces[id].name == home);
            (own == name && is_there).then_some(endpoint)
        }),
        None => names::endpoint(model, None, name),
    };
    let entity = known.map(|endpoint| match endpoint {
        Endpoint::Namespace(id) => Entity::Namespace(id),
        other => Entity::Endpoint(other),
    });
    let spans = entity.into_iter().flat_map(|entity| program.declarations(entity));
    spans.filter_map(|span| program.location(span)).collect()
}
