//! `textDocument/codeLens`: what becomes of a namespace, and who may reach a tier.

use super::command;
use super::describe::counted;
use super::program::Program;
use super::reach::{self, ReachQuery, Silence};
use crate::model::{Endpoint, Entity, Role, TierId};
use crate::net::Direction;
use crate::session::SeenInLog;
use crate::source::{FileId, Span};
use lsp_types::{CodeLens, Command};
use serde_json::json;
use std::collections::BTreeMap;

/// Names in a lens, at most.
const MOST: usize = 3;

/// The lenses of a file.
pub(super) fn lenses(program: &Program, file: FileId, waits: bool) -> Vec<CodeLens> {
    let (Some(model), Some(uri)) = (program.model(), program.uri(file)) else { return Vec::new() };
    let mut policies: BTreeMap<&str, usize> = BTreeMap::new();
    for policy in program.session().proved_policies().into_iter().flat_map(|set| &set.policies) {
        *policies.entry(&policy.namespace).or_default() += 1;
    }
    let declared = program.references_in(file).iter().filter(|one| one.role == Role::Declares);
    let titles = titles(program, file);
    // A tier of several namespaces has one lens where there is one thing to say.
    let said_before = |tier: TierId| {
        let together = program.together(Entity::Endpoint(Endpoint::Tier(tier)));
        let tiers = together.iter().filter_map(|one| match one {
            Entity::Endpoint(Endpoint::Tier(id)) => Some(*id),
            Entity::Namespace(_)
            | Entity::Endpoint(_)
            | Entity::Port(..)
            | Entity::PortSet(_)
            | Entity::Component(_) => None,
        });
        tiers.take_while(|one| *one != tier).any(|one| titles.get(&one) == titles.get(&tier))
    };
    let lens = |one: &crate::model::Reference| match one.entity {
        Entity::Namespace(id) => {
            let namespace = model.namespace(id).filter(|namespace| namespace.managed().is_some())?;
            let count = *policies.get(&*namespace.name)?;
            let arguments = vec![json!(uri), json!(&*namespace.name)];
            Some((one.span, counted(count, "policy", "policies"), command::MANIFESTS, arguments))
        }
        Entity::Endpoint(Endpoint::Tier(id)) => {
            let arguments = vec![json!(uri), json!(program.range(one.span).start)];
            let title = titles.get(&id).filter(|_| !said_before(id))?;
            Some((one.span, title.clone(), command::REACH, arguments))
        }
        Entity::Endpoint(
            Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::BuiltIn(_),
        )
        | Entity::Port(..)
        | Entity::PortSet(_)
        | Entity::Component(_) => None,
    };
    let build = |(span, title, command, arguments): (Span, String, &str, Vec<serde_json::Value>)| CodeLens {
        range: program.range(span),
        command: Some(Command { title, tooltip: None, command: command.to_owned(), arguments: Some(arguments) }),
        data: None,
    };
    let seen = if waits { program.seen() } else { program.seen_so_far() };
    let used = seen.map(|seen| used(program, file, seen)).unwrap_or_default();
    declared.filter_map(lens).map(build).chain(used).collect()
}

/// How often each flow of a file was used, as the log of the project has it.
fn used(program: &Program, file: FileId, seen: &SeenInLog) -> Vec<CodeLens> {
    let Some(set) = program.session().flows() else { return Vec::new() };
    let statements = set.flows.iter().filter_map(|flow| set.statement(flow.statement));
    let own: BTreeMap<Span, &str> =
        statements.filter(|one| one.span.file == file).map(|one| (one.span, &*one.text)).collect();
    let line = |span: &Span| program.range(*span).start.line;
    let mut on_line: BTreeMap<u32, usize> = BTreeMap::new();
    own.keys().for_each(|span| *on_line.entry(line(span)).or_default() += 1);
    let lens = |(span, text): (&Span, &&str)| {
        let said = match (seen.flows.get(span), seen.days) {
            (Some(flow), _) => flow.text(),
            (None, Some(1)) => "not seen in the log of one day".to_owned(),
            (None, Some(days)) => format!("not seen in the log of {days} days"),
            (None, None) => "not seen in the log".to_owned(),
        };
        // Of a chain, each step has its own.
        let title = if on_line.get(&line(span)) == Some(&1) { said } else { format!("{text}: {said}") };
        let command = Some(Command { title, tooltip: None, command: String::new(), arguments: None });
        CodeLens { range: program.range(*span), command, data: None }
    };
    own.iter().map(lens).collect()
}

/// What is said of each tier of a file.
fn titles(program: &Program, file: FileId) -> BTreeMap<TierId, String> {
    let declared = program.references_in(file).iter().filter(|one| one.role == Role::Declares);
    let tiers: Vec<TierId> = declared
        .filter_map(|one| match one.entity {
            Entity::Endpoint(Endpoint::Tier(id)) => Some(id),
            Entity::Namespace(_)
            | Entity::Endpoint(_)
            | Entity::Port(..)
            | Entity::PortSet(_)
            | Entity::Component(_) => None,
        })
        .collect();
    if tiers.is_empty() {
        return BTreeMap::new();
    }
    let all = |reach: &ReachQuery<'_>| -> Vec<String> {
        tiers.iter().map(|tier| title(program, reach, *tier).unwrap_or_else(|why| silent(&why))).collect()
    };
    let titles = reach::look(program, all).unwrap_or_else(|why| tiers.iter().map(|_| silent(&why)).collect());
    tiers.into_iter().zip(titles).collect()
}

fn silent(why: &Silence) -> String {
    format!("reachability: {why}")
}

fn title(program: &Program, reach: &ReachQuery<'_>, tier: TierId) -> Result<String, Silence> {
    let home = program.model().and_then(|model| model.namespace(model.tier(tier)?.namespace));
    let home = home.map(|namespace| &*namespace.name);
    let name = reach.name(Endpoint::Tier(tier)).unwrap_or_default();
    let text = |direction| Ok(reach.peers(&name, direction, home)?.text(direction, MOST));
    Ok(format!("reachable from {} · reaches {}", text(Direction::Ingress)?, text(Direction::Egress)?))
}
