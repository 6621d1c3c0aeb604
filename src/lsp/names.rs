//! Names as the model knows them: what can be meant where, and what a word means in a line that could not be read.

use super::context::{Context, EnclosingBlock, is_name_character, names_in, word_at};
use super::program::{FileSpot, Program};
use crate::model::{Endpoint, EndpointName, Entity, Model, NamespaceId};
use crate::source::Span;

/// The namespace of a name in the program.
pub(super) fn namespace(model: &Model, name: &str) -> Option<NamespaceId> {
    model.namespaces.ids().find(|id| &*model.namespaces[*id].declared == name)
}

/// Everything that can be an end of a flow, with its name and the namespace it is local to.
pub(super) fn endpoints(model: &Model) -> impl Iterator<Item = (Endpoint, &str, Option<NamespaceId>)> {
    let (tiers, groups) = (model.tiers.ids().map(Endpoint::Tier), model.groups.ids().map(Endpoint::Group));
    let (cidrs, fqdns) = (model.cidrs.ids().map(Endpoint::Cidr), model.fqdns.ids().map(Endpoint::Fqdn));
    tiers.chain(groups).chain(cidrs).chain(fqdns).filter_map(|endpoint| {
        let (home, name) = model.endpoint_name(endpoint).of_declaration()?;
        Some((endpoint, &**name, home))
    })
}

/// What a name means in a namespace: there, for the whole program, or by itself.
pub(super) fn endpoint(model: &Model, scope: Option<NamespaceId>, name: &str) -> Option<Endpoint> {
    let declared =
        |place| endpoints(model).find(|(_, known, home)| *known == name && *home == place).map(|(found, ..)| found);
    scope.and_then(|_| declared(scope)).or_else(|| declared(None)).or_else(|| Endpoint::built_in(name))
}

/// What a path such as `shop/api`, `shop/*` or `api` means.
pub(super) fn path(model: &Model, scope: Option<NamespaceId>, path: &str) -> Option<Endpoint> {
    match path.split_once('/') {
        Some((home, "*")) => namespace(model, home).map(Endpoint::Namespace),
        Some((home, name)) => {
            let home = namespace(model, home)?;
            endpoints(model).find(|(_, known, place)| *known == name && *place == Some(home)).map(|(found, ..)| found)
        }
        None if path == "*" => scope.map(Endpoint::Namespace),
        None => endpoint(model, scope, path),
    }
}

/// The namespace that a place is in, by the text before it: the first one of several.
pub(super) fn scope(model: &Model, context: &Context<'_>) -> Option<NamespaceId> {
    scopes(model, context).into_iter().next()
}

/// The namespaces that a place is in, by the text before it.
pub(super) fn scopes(model: &Model, context: &Context<'_>) -> Vec<NamespaceId> {
    match context.block {
        EnclosingBlock::Namespace(names) => names_in(names).filter_map(|name| namespace(model, name)).collect(),
        EnclosingBlock::File | EnclosingBlock::Platform | EnclosingBlock::Environment => Vec::new(),
    }
}

/// All that a spot refers to: a name in a block of several namespaces is one of each of them.
pub(super) fn all_at(program: &Program, spot: FileSpot) -> Vec<Entity> {
    let found: Vec<Entity> = program.references_at(spot).iter().map(|reference| reference.entity).collect();
    if found.is_empty() { at(program, spot).map(|(entity, _)| entity).into_iter().collect() } else { found }
}

/// What a spot refers to, and where the name stands. A line that could not be read is understood by its words.
pub(super) fn at(program: &Program, spot: FileSpot) -> Option<(Entity, Span)> {
    if let Some(reference) = program.references_at(spot).first() {
        return Some((reference.entity, reference.span));
    }
    let model = program.model()?;
    let text = program.text(spot.file);
    let context = Context::at(text, spot.offset);
    let (start, end) = word_at(text, spot.offset, is_name_character);
    let word = text.get(start..end).filter(|word| !word.is_empty())?;
    let line_end = spot.offset + text.get(spot.offset..)?.find('\n').unwrap_or(text.len() - spot.offset);
    let statement = Context::at(text, line_end).statement;
    if context.comment || !["->", "group ", "isolate ", "disjoint ", "dns "].iter().any(|part| statement.contains(part))
    {
        return None;
    }
    let (before, after) = (text.get(..start)?, text.get(end..)?);
    let entity = if after.starts_with('/') && !before.ends_with([':', '/']) {
        Entity::Namespace(namespace(model, word)?)
    } else if let Some(rest) = before.strip_suffix('/') {
        let home = word_at(rest, rest.len(), is_name_character);
        let home = namespace(model, rest.get(home.0..home.1)?)?;
        Entity::Endpoint(endpoints(model).find(|(_, known, place)| *known == word && *place == Some(home))?.0)
    } else if let Some(home) = namespace_of_braces(before) {
        let home = namespace(model, home)?;
        Entity::Endpoint(endpoints(model).find(|(_, known, place)| *known == word && *place == Some(home))?.0)
    } else if before.trim_end().ends_with(':') {
        return None;
    } else {
        Entity::Endpoint(endpoint(model, scope(model, &context), word)?)
    };
    Some((entity, Span::new(spot.file, start..end)))
}

/// The namespace in front of the braces that are open at the end of a text, where the next thing is a member of them.
fn namespace_of_braces(before: &str) -> Option<&str> {
    let (outside, inside) = before.rsplit_once('{')?;
    let outside = outside.strip_suffix('/')?;
    let (start, end) = word_at(outside, outside.len(), is_name_character);
    let is_member = !inside.contains(['}', '>']) && !inside.trim_end().ends_with(':');
    outside.get(start..end).filter(|name| is_member && !name.is_empty())
}

/// The name of something, and the namespace it is local to.
pub(super) fn name_of(model: &Model, entity: Entity) -> Option<(&str, Option<NamespaceId>)> {
    match entity {
        Entity::Namespace(id) => model.namespace(id).map(|namespace| (&*namespace.declared, None)),
        Entity::Endpoint(endpoint) => match model.endpoint_name(endpoint) {
            EndpointName::Local(home, name) => Some((&**name, Some(home))),
            EndpointName::Global(name) => Some((&**name, None)),
            EndpointName::BuiltIn(word) => Some((word, None)),
            // It has no name of its own.
            EndpointName::AllPods(_) => None,
        },
        Entity::Port(tier, index) => {
            let tier = model.tier(tier)?;
            let port = tier.ports.as_ref()?.get(index as usize)?;
            Some((&*port.name, Some(tier.namespace)))
        }
        Entity::PortSet(id) => Some((&*model.port_sets[id].name, model.port_sets[id].namespace)),
        Entity::Component(index) => {
            crate::model::COMPONENTS.get(index as usize).map(|component| (component.name, None))
        }
    }
}

/// What kind of thing something is, in a word of the language.
pub(super) fn kind(model: &Model, entity: Entity) -> &'static str {
    match entity {
        Entity::Namespace(id) => {
            let managed = model.namespace(id).is_some_and(|namespace| namespace.managed().is_some());
            if managed { "namespace" } else { "external namespace" }
        }
        Entity::Endpoint(Endpoint::Tier(_)) => "tier",
        Entity::Endpoint(Endpoint::Group(_)) => "group",
        Entity::Endpoint(Endpoint::Cidr(_)) => "cidr",
        Entity::Endpoint(Endpoint::Fqdn(_)) => "fqdn",
        Entity::Endpoint(_) => "built-in endpoint",
        Entity::Port(..) => "port",
        Entity::PortSet(_) => "port set",
        Entity::Component(_) => "component",
    }
}
