//! `textDocument/hover`: what a name is, and what a flow becomes.

use super::describe::{self, counted, markdown};
use super::names;
use super::program::{FileSpot, Program};
use super::reach::Silence;
use crate::k8s;
use crate::model::{Cni, CniVersion, Endpoint, Model, Namespace, NamespaceId, NamespaceKind};
use crate::net::Direction;
use crate::netpol::Policy;
use crate::source::Span;
use crate::syntax::{Node, NodeKind};
use lsp_types::{Contents, Hover, MarkupContent, MarkupKind};
use std::collections::BTreeSet;

/// Manifests that are shown whole; the others by name.
const MOST: usize = 2;

/// What is to be said about a spot.
pub(super) fn hover(program: &Program, spot: FileSpot) -> Option<Hover> {
    let named = names::at(program, spot).and_then(|(entity, span)| Some((markdown(program, entity)?, span)));
    let (value, span) = named.or_else(|| flow(program, spot)).or_else(|| cni(program, spot))?;
    Some(Hover {
        contents: Contents::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(program.range(span)),
    })
}

/// The hop of a flow that a spot is in, and what it becomes.
fn flow(program: &Program, spot: FileSpot) -> Option<(String, Span)> {
    let (node, _) = program.node_at(spot)?;
    let NodeKind::Flow { side, .. } = &node.kind else { return None };
    let model = program.model()?;
    let holds =
        |span: &Span| span.file == spot.file && span.start as usize <= spot.offset && spot.offset <= span.end as usize;
    let (index, statement) = model.statements.iter().enumerate().find(|(_, statement)| holds(&statement.span))?;
    let mut parts = vec![format!("```polder\n{}\n```", statement.text)];
    parts.extend(statement.doc.as_deref().map(str::to_owned));
    parts.extend(side.map(|side| {
        let end = if side == Direction::Ingress { "is connected to" } else { "connects" };
        format!("Opens one side only: the {} of who {end}", side.word())
    }));
    match program.session().proved_policies() {
        None => parts.push(match Silence::of(program.session()) {
            Silence::Errors => "The program has errors: nothing is built.".to_owned(),
            why @ (Silence::Unproved(_) | Silence::TooHard) => format!("Its policies: {why}"),
        }),
        Some(set) => {
            let homes = homes(model, index);
            let text = &*statement.text;
            let asks = |policy: &&Policy| {
                homes.contains(&*policy.namespace) && policy.statements.iter().any(|known| **known == *text)
            };
            let policies: Vec<&Policy> = set.policies.iter().filter(asks).collect();
            parts.push(format!("Becomes part of {}", counted(policies.len(), "policy", "policies")));
            for policy in policies.iter().take(MOST) {
                let mut manifest = String::new();
                k8s::manifest(policy, &mut manifest);
                parts.push(format!("```yaml\n{}```", manifest));
            }
            let more: Vec<String> =
                policies.iter().skip(MOST).map(|policy| format!("`{}/{}`", policy.namespace, policy.title())).collect();
            if !more.is_empty() {
                parts.push(format!("and {}", more.join(", ")));
            }
        }
    }
    Some((parts.join("\n\n"), statement.span))
}

/// The CNI that a spot is on, in `platform` or in an environment, and what is known of it.
fn cni(program: &Program, spot: FileSpot) -> Option<(String, Span)> {
    let (Node { kind: NodeKind::PlatformEntry { key, values, version }, .. }, _) = program.node_at(spot)? else {
        return None;
    };
    let cni = values.first().filter(|_| program.span_text(*key) == "cni")?;
    let version = version.as_deref();
    let span = Span { end: version.unwrap_or(cni).end, ..*cni };
    let named = Cni::parse(program.span_text(*cni))?;
    let version = version.and_then(|version| CniVersion::parse(program.span_text(*version)));
    Some((describe::cni(named, version), span))
}

/// The managed namespaces on the ends of a statement's flows, as the cluster calls them.
fn homes(model: &Model, statement: usize) -> BTreeSet<&str> {
    let own = model.flows.iter().filter(|flow| flow.statement.index() == statement);
    let leaves = own
        .flat_map(|flow| model.leaves(&flow.source).iter().copied().chain(flow.targets.iter().map(|(leaf, _)| *leaf)));
    let every = || model.namespaces.iter().map(|one| &*one.name).collect::<Vec<_>>();
    let those = |id: NamespaceId| match model.namespace(id) {
        // Managed ones may be among them.
        Some(Namespace { kind: NamespaceKind::External(Some(_)), .. }) => every(),
        Some(namespace) => vec![&*namespace.name],
        None => Vec::new(),
    };
    let homes = leaves.flat_map(|leaf| match leaf {
        Endpoint::Tier(id) => model.tier(id).map(|tier| those(tier.namespace)).unwrap_or_default(),
        Endpoint::Namespace(id) => those(id),
        Endpoint::BuiltIn(one) if one.has_pods() => every(),
        Endpoint::BuiltIn(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::Group(_) => Vec::new(),
    });
    homes.collect()
}
