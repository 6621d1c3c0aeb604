//! `textDocument/codeLens`: what becomes of a namespace, and who may reach a tier.

use super::command;
use super::describe::counted;
use super::names::written;
use super::program::Program;
use super::reach::Reach;
use crate::model::{Endpoint, Entity, Model, Role};
use crate::net::Direction;
use crate::source::{FileId, Span};
use lsp_types::{CodeLens, Command};
use serde_json::json;
use std::collections::BTreeMap;

/// Names in a lens, at most.
const MOST: usize = 3;

/// The lenses of a file.
pub fn lenses(program: &Program, file: FileId) -> Vec<CodeLens> {
    let (Some(model), Some(reach), Some(uri)) = (program.model(), Reach::new(program), program.uri(file)) else {
        return Vec::new();
    };
    let mut policies: BTreeMap<&str, usize> = BTreeMap::new();
    for policy in program.session().policies().into_iter().flat_map(|set| &set.policies) {
        *policies.entry(&policy.namespace).or_default() += 1;
    }
    let declared = program.references_in(file).iter().filter(|one| one.role == Role::Declares);
    let lens = |one: &crate::model::Reference| match one.entity {
        Entity::Namespace(id) => {
            let namespace = model.namespace(id).filter(|namespace| namespace.managed().is_some())?;
            let count = *policies.get(&*namespace.name)?;
            let arguments = vec![json!(uri), json!(&*namespace.name)];
            Some((one.span, counted(count, "policy", "policies"), command::MANIFESTS, arguments))
        }
        Entity::Endpoint(tier @ Endpoint::Tier(id)) => {
            let home = model.tier(id)?.namespace;
            let peers = |direction| match reach.is_isolated(id, direction) {
                Some(false) => "everybody".to_owned(),
                _ => short(model, home, &reach.peers(tier, direction)),
            };
            let (from, to) = (peers(Direction::Ingress), peers(Direction::Egress));
            let arguments = vec![json!(uri), json!(program.range(one.span).start)];
            Some((one.span, format!("reachable from {from} · reaches {to}"), command::REACH, arguments))
        }
        _ => None,
    };
    let build = |(span, title, command, arguments): (Span, String, &str, Vec<serde_json::Value>)| CodeLens {
        range: program.range(span),
        command: Some(Command { title, tooltip: None, command: command.to_owned(), arguments: Some(arguments) }),
        data: None,
    };
    declared.filter_map(lens).map(build).collect()
}

fn short(model: &Model, home: crate::model::NamespaceId, peers: &[Endpoint]) -> String {
    let names: Vec<String> = peers.iter().take(MOST).map(|peer| written(model, *peer, Some(home))).collect();
    match (names.as_slice(), peers.len().checked_sub(MOST)) {
        ([], _) => "nobody".to_owned(),
        (names, Some(more)) if more > 0 => format!("{} and {more} more", names.join(", ")),
        (names, _) => names.join(", "),
    }
}
