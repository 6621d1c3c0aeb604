//! What is said about a thing: in one line for lists, in Markdown for a hover.

use super::names::{kind, name_of};
use super::program::{FileSpot, Program};
use super::reach::{self, ReachQuery, Silence};
use crate::model::{
    ChosenCni, Cni, CniTrigger, CniVersion, Component, Endpoint, Entity, Model, NamespaceId, Role, TierId,
    describe_ports,
};
use crate::net::{BlocksMatch, Direction, Truth};
use crate::source::Span;
use crate::syntax::{Node, NodeKind};

/// More names are counted and not listed.
const MOST: usize = 12;

/// So many of what one statement declares in several namespaces are told of.
const MOST_TOGETHER: usize = 4;

/// One line about something.
pub(super) fn line(program: &Program, entity: Entity) -> String {
    let Some(model) = program.model() else { return String::new() };
    let what = kind(model, entity);
    match entity {
        Entity::Endpoint(Endpoint::Tier(id)) => {
            let ports = model.tier(id).and_then(|tier| tier.served.as_ref()).map(describe_ports);
            let home = home(model, entity).map(|home| format!(" of {home}")).unwrap_or_default();
            match ports.filter(|ports| !ports.is_empty()) {
                Some(ports) => format!("{what}{home}: {ports}"),
                None => format!("{what}{home}"),
            }
        }
        Entity::Port(id, index) => {
            let port = model.tier(id).and_then(|tier| tier.ports.as_ref()?.get(index as usize));
            let ports = port.map(|port| describe_ports(&port.ports)).unwrap_or_default();
            format!("{ports} of {}", model.written(Endpoint::Tier(id), None))
        }
        Entity::PortSet(id) => {
            let ports = describe_ports(&model.port_sets[id].ports);
            format!("{what}: {ports}")
        }
        Entity::Endpoint(Endpoint::BuiltIn(one)) => one.description().to_owned(),
        Entity::Namespace(_) | Entity::Endpoint(_) | Entity::Component(_) => match home(model, entity) {
            Some(home) => format!("{what} of {home}"),
            None => what.to_owned(),
        },
    }
}

/// The first sentence about a component of the catalogue.
pub(super) fn component(component: &Component) -> String {
    let lines = component.source.lines().take_while(|line| line.starts_with("##"));
    let text = lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ");
    text.split_inclusive(". ").next().unwrap_or("").trim().trim_end_matches('.').to_owned()
}

/// What is known of a CNI, in a version or in the oldest that its makers support.
pub(super) fn cni(cni: Cni, version: Option<CniVersion>) -> String {
    let known = |truth: Truth| match truth {
        Truth::Yes => "yes",
        Truth::Maybe => "not known",
        Truth::No => "no",
    };
    let BlocksMatch { pods, nodes, api_server } = cni.blocks_match(version);
    let chosen = ChosenCni { cni, version, span: None };
    let support = |triggers: &[CniTrigger]| {
        let row = triggers.iter().find_map(|trigger| chosen.difference(*trigger));
        row.map_or_else(|| "yes".to_owned(), |row| row.sentence("it", row.trigger.in_general()))
    };
    let ranges = support(&[CniTrigger::PortRange]);
    let names = support(&[CniTrigger::NamedPort, CniTrigger::NamedPortOfSeveralNumbers]);
    let sctp = support(&[CniTrigger::SctpPort]);
    let which = match (version, cni.has_versions()) {
        (Some(version), _) => format!(" {version}"),
        (None, true) => ", in the oldest version that its makers support".to_owned(),
        (None, false) => String::new(),
    };
    format!(
        "`{}`{which}\n\n- address blocks match pods: {}, nodes: {}, the API server: {}\n- port ranges: {ranges}\n- named \
         container ports: {names}\n- SCTP: {sctp}",
        cni.name(),
        known(pods),
        known(nodes),
        known(api_server),
    )
}

fn home(model: &Model, entity: Entity) -> Option<String> {
    let (_, home) = name_of(model, entity)?;
    Some(model.namespace(home?)?.declared.to_string())
}

/// The statements that declare something, those of the catalogue too.
fn nodes(program: &Program, entity: Entity) -> impl Iterator<Item = (Span, &Node)> {
    let declares = program.places(entity).iter().filter(|place| place.role == Role::Declares);
    declares.filter_map(|place| {
        let spot = FileSpot { file: place.span.file, offset: place.span.start as usize };
        program.node_at(spot).map(|(node, _)| (place.span, node))
    })
}

/// The doc comment of something.
pub(super) fn doc_of(program: &Program, entity: Entity) -> Option<String> {
    if let Entity::Port(..) = entity {
        return None;
    }
    nodes(program, entity).find_map(|(_, node)| node.doc.as_deref().map(str::to_owned))
}

/// All about something, as Markdown.
pub(super) fn markdown(program: &Program, entity: Entity) -> Option<String> {
    let model = program.model()?;
    let mut parts = vec![declaration(program, model, entity)?];
    parts.extend(doc_of(program, entity));
    let all = program.together(entity);
    for one in all.iter().take(MOST_TOGETHER) {
        parts.extend(facts(program, model, *one)?);
    }
    if let Some(more @ 1..) = all.len().checked_sub(MOST_TOGETHER) {
        parts.push(format!("and so in {}", counted(more, "more namespace", "more namespaces")));
    }
    Some(parts.join("\n\n"))
}

/// What is to be known of something beside its declaration.
fn facts(program: &Program, model: &Model, entity: Entity) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    match entity {
        Entity::Endpoint(endpoint @ Endpoint::Tier(id)) => {
            let tier = model.tier(id)?;
            let labels = tier.selector.entries().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let mut facts = format!("Pods of namespace `{}` by {labels}", model.namespace(tier.namespace)?.name);
            if labels.is_empty() {
                facts = format!("Every pod of namespace `{}`", model.namespace(tier.namespace)?.name);
            }
            parts.push(facts);
            parts.extend(reachability(program, endpoint));
        }
        Entity::Endpoint(endpoint) => {
            if let Endpoint::Group(id) = endpoint {
                let members = &model.groups[id].leaves;
                parts.push(format!("{} in all: {}", members.len(), list(model, members)));
            }
            parts.extend(reachability(program, endpoint));
        }
        Entity::Namespace(id) => {
            parts.push(settings(model, id)?);
            parts.extend(policies(program, model, id));
        }
        Entity::Port(id, _) => parts.push(format!("A port of `{}`", model.written(Endpoint::Tier(id), None))),
        Entity::PortSet(_) | Entity::Component(_) => {}
    }
    Some(parts)
}

fn fenced(text: &str) -> String {
    format!("```polder\n{}\n```", text.trim_end())
}

/// The declaration as it is written.
fn declaration(program: &Program, model: &Model, entity: Entity) -> Option<String> {
    let (name, _) = name_of(model, entity)?;
    match entity {
        Entity::Component(index) => {
            let component = crate::model::COMPONENTS.get(index as usize)?;
            return Some(format!("component `{name}` of the catalogue\n\n{}", fenced(component.source)));
        }
        Entity::Port(id, index) => {
            let port = model.tier(id)?.ports.as_ref()?.get(index as usize)?;
            return Some(fenced(&format!("{name}: {}", describe_ports(&port.ports))));
        }
        Entity::Endpoint(Endpoint::BuiltIn(one)) => {
            return Some(format!("{}\n\n{}", fenced(name), one.description()));
        }
        Entity::Endpoint(_) | Entity::Namespace(_) | Entity::PortSet(_) => {}
    }
    let (span, node) = nodes(program, entity).next()?;
    let mut text = program.span_text(node.span).to_owned();
    if let (NodeKind::Tier(tier), Entity::Endpoint(Endpoint::Tier(id))) = (&node.kind, entity)
        && tier.selector.is_none()
    {
        // What it goes without saying.
        let at = (tier.name.span.end - node.span.start) as usize;
        if let Some(labels) = implied(model, id) {
            text.insert_str(at.min(text.len()), &format!(" ({labels})"));
        }
    }
    if let NodeKind::Namespace(_) = node.kind {
        text = text.trim_end().trim_end_matches('{').trim_end().to_owned();
    }
    let built_in = if program.is_own(span.file) { "" } else { "\n\nfrom the catalogue" };
    Some(format!("{}{built_in}", fenced(&dedent(&text))))
}

/// The labels that a tier without a selector is known by.
pub(super) fn implied(model: &Model, tier: TierId) -> Option<String> {
    let tier = model.tier(tier)?;
    let key = tier.selector.keys().next()?;
    Some(format!("{key}={}", tier.name))
}

/// The lines of a statement, moved to the left.
fn dedent(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let least = text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("").to_owned();
    lines.fold(first, |all, line| all + "\n" + line.get(least..).unwrap_or(""))
}

/// Some endpoints by name.
pub(super) fn list(model: &Model, endpoints: &[Endpoint]) -> String {
    let names: Vec<String> =
        endpoints.iter().take(MOST).map(|endpoint| format!("`{}`", model.written(*endpoint, None))).collect();
    match endpoints.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{} and {more} more", names.join(", ")),
        _ => names.join(", "),
    }
}

/// Who may reach it, and whom it may reach.
fn reachability(program: &Program, endpoint: Endpoint) -> Vec<String> {
    let all = |reach: &ReachQuery<'_>| -> Result<Vec<String>, Silence> {
        let Some(name) = reach.name(endpoint) else { return Ok(Vec::new()) };
        let mut parts = Vec::new();
        for (direction, verb) in [(Direction::Ingress, "Reached by"), (Direction::Egress, "Reaches")] {
            let mut peers = reach.peers(&name, direction, None)?;
            peers.all.iter_mut().for_each(|peer| peer.text = format!("`{}`", peer.text));
            parts.push(format!("{verb}: {}", peers.text(direction, MOST)));
        }
        Ok(parts)
    };
    reach::look(program, all).flatten().unwrap_or_else(|why| vec![format!("Reachability: {why}")])
}

fn settings(model: &Model, id: NamespaceId) -> Option<String> {
    let namespace = model.namespace(id)?;
    let renamed = if namespace.name == namespace.declared {
        String::new()
    } else {
        format!(", called `{}` in this environment", namespace.name)
    };
    let Some(managed) = namespace.managed() else {
        return Some(format!("Of others: nothing is generated in it{renamed}"));
    };
    let dns = model.dns_setting(&managed.dns);
    Some(format!("Managed{renamed}; `{dns}`"))
}

/// How many policies a namespace gets.
fn policies(program: &Program, model: &Model, id: NamespaceId) -> Option<String> {
    let namespace = model.namespace(id).filter(|namespace| namespace.managed().is_some())?;
    let policies = &program.session().proved_policies()?.policies;
    let count = policies.iter().filter(|policy| policy.namespace == namespace.name).count();
    Some(counted(count, "policy", "policies"))
}

/// A number and its noun.
pub(super) fn counted(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}
