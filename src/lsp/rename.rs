//! `textDocument/rename`: another name, the same program.
//!
//! A tier without a selector is known by its name, so it gets one that says its labels: its pods stay the same. Whether
//! everything else still means the same is not guessed: the changed program is resolved and compared.

use super::describe::implied;
use super::edits::{Replacements, apply};
use super::names::{endpoints, kind, name_of, namespace};
use super::program::{FileSpot, Program};
use crate::fmt;
use crate::model::{Endpoint, Entity, Model, NamespaceId, Role, is_dns_label};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, NodeKind};
use std::collections::BTreeMap;

/// A name that can be changed, and where it stands under the cursor. The error says why it cannot.
pub(super) fn prepare(program: &Program, spot: FileSpot) -> Result<(Entity, Span), String> {
    let model = program.model().ok_or("a file of the program cannot be read, so its names are not known")?;
    let references = program.references_at(spot);
    let [reference, others @ ..] = references else { return Err("there is no name here that can be renamed".into()) };
    let name = program.span_text(reference.span);
    if reference.role == Role::Means {
        return Err("`*` is no name".to_owned());
    }
    let entity = reference.entity;
    let together = program.together(entity);
    if others.iter().any(|other| !together.contains(&other.entity)) {
        return Err(format!("`{name}` means ports of several tiers here; rename it where a tier lists it"));
    }
    let built_in = matches!(entity, Entity::Endpoint(endpoint) if Endpoint::built_in(name) == Some(endpoint));
    if built_in || matches!(entity, Entity::Component(_)) {
        return Err(format!("`{name}` is a {}, whose name is fixed", kind(model, entity)));
    }
    let foreign = |place: &crate::model::Reference| place.role == Role::Declares && !program.is_own(place.span.file);
    let places = together.iter().flat_map(|one| program.places(*one));
    if places.clone().any(foreign) {
        return Err(format!("`{name}` is declared by a component of the catalogue"));
    }
    for place in places {
        let spot = FileSpot { file: place.span.file, offset: place.span.start as usize };
        let is_other = |other: &crate::model::Reference| other.span == place.span && !together.contains(&other.entity);
        if program.references_at(spot).iter().any(is_other) {
            let line = program.position(spot.file, spot.offset).line + 1;
            let path = program.session().sources().file(spot.file).map_or("", |file| file.path.as_str());
            return Err(format!("`{name}` means ports of other tiers as well in line {line} of {path}"));
        }
    }
    Ok((entity, reference.span))
}

/// What the program would be with a new name, to be judged by [`RenamePlan::check`].
pub(super) struct RenamePlan {
    /// The changes.
    pub changes: Replacements,
    /// The texts that they lead to.
    pub texts: BTreeMap<FileId, String>,
    meaning: KeptMeaning,
    clash: String,
}

/// What has to stay as it is.
#[derive(PartialEq)]
struct KeptMeaning {
    references: Vec<(Entity, Role)>,
    selectors: Vec<crate::net::Selector>,
    mistakes: Vec<crate::diag::Code>,
}

impl KeptMeaning {
    fn of(program: &Program, model: &Model) -> KeptMeaning {
        KeptMeaning {
            references: model.references.iter().map(|reference| (reference.entity, reference.role)).collect(),
            selectors: model.tiers.iter().map(|tier| tier.selector.clone()).collect(),
            mistakes: program.session().mistakes().map(|mistake| mistake.code).collect(),
        }
    }
}

/// Plans to call what is under the cursor `new`.
pub(super) fn plan(program: &Program, spot: FileSpot, new: &str) -> Result<RenamePlan, String> {
    let (entity, _) = prepare(program, spot)?;
    let model = program.model().ok_or("the names of the program are not known")?;
    if !is_dns_label(new) {
        return Err(format!(
            "`{new}` is not a name: lower-case letters, digits and `-`, at most 63 of them, no `-` at the ends"
        ));
    }
    let (old, home) = name_of(model, entity).ok_or("there is no name here that can be renamed")?;
    if matches!(entity, Entity::Endpoint(_)) && Endpoint::built_in(new).is_some() {
        return Err(format!("`{new}` is built in and cannot be declared"));
    }
    let mut changes = Replacements::new();
    let together = program.together(entity);
    let places = together.iter().flat_map(|one| program.places(*one));
    let mut places: Vec<_> = places.filter(|place| place.role != Role::Means && new != old).collect();
    places.sort_unstable_by_key(|place| place.span);
    places.dedup_by_key(|place| place.span);
    for place in places {
        let mut text = new.to_owned();
        if place.role == Role::Declares {
            text += &labels(program, model, entity, place.span).unwrap_or_default();
        }
        changes.push((place.span, text));
    }
    let mut texts = apply(program, &changes);
    for (file, text) in &mut texts {
        keep_form(program, *file, text, &mut changes);
    }
    Ok(RenamePlan { changes, texts, meaning: KeptMeaning::of(program, model), clash: clash(model, entity, home, new) })
}

/// Brings a changed text into the canonical form where it had that before, with the changes that lead to it: columns of
/// declarations stand below each other.
fn keep_form(program: &Program, file: FileId, text: &mut String, changes: &mut Replacements) {
    let old = program.text(file);
    let Some(formatted) = canonical(text).filter(|_| canonical(old).as_deref() == Some(old)) else { return };
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), formatted.split_inclusive('\n').collect());
    if before.len() != after.len() {
        return;
    }
    changes.retain(|(span, _)| span.file != file);
    let mut start = 0;
    for (old, new) in before.into_iter().zip(after) {
        if old != new {
            changes.push((Span::new(file, start..start + old.len()), new.to_owned()));
        }
        start += old.len();
    }
    *text = formatted;
}

fn canonical(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.add("document", text);
    fmt::format(&sources, &syntax::parse(&sources, file)).ok()
}

/// The labels that a tier loses with its name.
fn labels(program: &Program, model: &Model, entity: Entity, span: Span) -> Option<String> {
    let Entity::Endpoint(Endpoint::Tier(id)) = entity else { return None };
    let (node, _) = program.node_at(FileSpot { file: span.file, offset: span.start as usize })?;
    match &node.kind {
        NodeKind::Tier(tier) if tier.selector.is_none() => Some(format!(" ({})", implied(model, id)?)),
        _ => None,
    }
}

/// Why a name cannot be taken when the program would not mean the same.
fn clash(model: &Model, entity: Entity, home: Option<NamespaceId>, new: &str) -> String {
    let place = home.and_then(|id| model.namespace(id)).map(|home| format!(" in namespace `{}`", home.declared));
    let place = place.unwrap_or_default();
    let known = match entity {
        Entity::Namespace(_) => namespace(model, new).map(Entity::Namespace),
        Entity::Endpoint(_) => endpoints(model)
            .find(|(_, name, at)| *name == new && *at == home)
            .map(|(found, ..)| Entity::Endpoint(found)),
        Entity::Port(tier, _) => {
            let ports = model.tier(tier).and_then(|tier| tier.ports.as_ref());
            ports.is_some_and(|ports| ports.iter().any(|port| &*port.name == new)).then_some(entity)
        }
        Entity::PortSet(_) => {
            model.port_sets.iter().any(|set| &*set.name == new && set.namespace == home).then_some(entity)
        }
        Entity::Component(_) => None,
    };
    match known {
        Some(Entity::Port(tier, _)) => {
            let tier = model.tier(tier).map_or("", |tier| &*tier.name);
            format!("tier `{tier}` has a port `{new}` already")
        }
        Some(known) => {
            let kind = kind(model, known);
            let article = if kind.starts_with('e') { "an" } else { "a" };
            format!("there is {article} {kind} `{new}`{place} already")
        }
        None => format!("some uses of `{new}` would mean another thing of that name"),
    }
}

impl RenamePlan {
    /// Whether `changed`, the program after the changes, means what it meant.
    pub(super) fn check(&self, changed: &Program) -> Result<(), String> {
        let same = changed.model().is_some_and(|model| KeptMeaning::of(changed, model) == self.meaning);
        if same { Ok(()) } else { Err(self.clash.clone()) }
    }
}
