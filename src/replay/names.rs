//! What the ends of rows are called.

use super::ends::{EndKind, EndKindId, PodsOfLog, braces};
use super::judged::Judged;
use super::place::PlacedEnd;
use super::verdict::GroupJudge;
use crate::ask::{Asked, Explanation, GroupName, Origin};
use crate::cluster::Labels;
use crate::engine::EndId;
use crate::flow::{PartyName, StatementId};
use crate::model::Tier;
use crate::net::{AddressSet, Selector, Truth};

/// What stands in place of labels that are not all in the log, where they matter.
const NOT_ALL_LABELS: &str = "(not all labels in the log)";

/// Pods whose labels are known: by their tier, as what answers DNS, or by their labels.
pub(super) fn pods(judge: &GroupJudge<'_>, end: EndId) -> String {
    let situation = &judge.placement.situation;
    let Some((pods, home)) = situation.world.pods(end).zip(situation.world.namespace_of(end)) else {
        return String::new();
    };
    let namespace = home.name.as_deref().unwrap_or_default();
    if let Some(name) = of_tiers(namespace, &judge.tiers_of(namespace, &pods.labels)) {
        return name;
    }
    let mut names = situation.names_of(end).into_iter();
    match names.find(|name| matches!(name, GroupName::Tier(..) | GroupName::Dns(_))) {
        Some(name) => name.to_string(),
        None => format!("{namespace}/{}", braces(&pods.labels)),
    }
}

fn of_tiers(namespace: &str, tiers: &[&Tier]) -> Option<String> {
    match tiers {
        [] => None,
        [one] => Some(format!("{namespace}/{}", one.name)),
        several => {
            let names: Vec<&str> = several.iter().map(|tier| &*tier.name).collect();
            Some(format!("{namespace}/{{{}}}", names.join(", ")))
        }
    }
}

/// Pods that may have more labels than the log shows, all that is `known` of which is a selector: by their tier where that is
/// sure, by their labels where they are of none.
pub(super) fn of_some(judge: &GroupJudge<'_>, pods: &PodsOfLog, known: &Selector) -> String {
    let namespace = &*pods.namespace;
    let program = judge.candidate.program;
    let here = program.iter().flat_map(|program| {
        let is_here =
            |tier: &&Tier| program.model.namespace(tier.namespace).is_some_and(|home| *home.name == *namespace);
        program.model.tiers.iter().filter(is_here)
    });
    let may: Vec<(&Tier, Truth)> =
        here.map(|tier| (tier, tier.selector.is_met_by(known))).filter(|(_, truth)| *truth != Truth::No).collect();
    let sure: Vec<&Tier> = may.iter().filter(|(_, truth)| *truth == Truth::Yes).map(|(tier, _)| *tier).collect();
    match may.len() > sure.len() {
        true => format!("{namespace}/{NOT_ALL_LABELS}"),
        false => of_tiers(namespace, &sure).unwrap_or_else(|| pods.text()),
    }
}

/// What the statement that lets a connection through calls the end that is an address.
pub(super) fn of_statement(judge: &GroupJudge<'_>, told: &Explanation, end: EndId, is_source: bool) -> Option<String> {
    let names = judge.placement.situation.names_of(end);
    for origin in told.sides.iter().flat_map(|side| &side.origins) {
        let found = match origin {
            Origin::Flow(statement) => of_flow(judge, *statement, &names, is_source),
            Origin::Dns { .. } => names.first().map(ToString::to_string),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Of the names of an end, the one that a flow has for it.
fn of_flow(judge: &GroupJudge<'_>, statement: StatementId, names: &[&GroupName], is_source: bool) -> Option<String> {
    let flows = judge.candidate.program?.flows;
    let is_it = |name: &PartyName, group: &GroupName| match (name, group) {
        (PartyName::Local(namespace, name), GroupName::Cidr(Some(home), own)) => namespace == home && name == own,
        (PartyName::Global(name), GroupName::Cidr(None, own)) => name == own,
        (PartyName::BuiltIn(name), GroupName::BuiltIn(own)) => name == own,
        _ => false,
    };
    for flow in flows.flows.iter().filter(|flow| flow.statement == statement) {
        let targets = flow.targets.iter().map(|(target, _)| *target);
        let parties: Vec<_> = if is_source { vec![flow.source] } else { targets.collect() };
        let leaves = parties.iter().filter_map(|party| flows.party(*party)).flat_map(|party| &party.leaves);
        for leaf in leaves.filter_map(|leaf| flows.party(*leaf)) {
            if let Some(name) = names.iter().find(|group| is_it(&leaf.name, group)) {
                return Some(name.to_string());
            }
            if let (PartyName::BuiltIn(name), Some(crate::flow::Place::Any)) = (&leaf.name, &leaf.place) {
                return Some((*name).to_owned());
            }
        }
    }
    None
}

/// What questions call the ends of a kind, where one has words for it.
pub(super) fn asked(judge: &GroupJudge<'_>, id: EndKindId, judged: &Judged) -> Option<Asked> {
    let kind = judge.kinds.get(id.0 as usize)?;
    let end = match judge.placement.places.get(id.0 as usize)? {
        PlacedEnd::Named(asked) => return Some(asked.clone()),
        PlacedEnd::Pods(end) => *end,
        PlacedEnd::Service(service) => {
            let (_, destination, _) = judged.pair.as_ref()?;
            *service.pods.iter().find(|end| *end == destination)?
        }
        _ => {
            let address = match kind {
                EndKind::Address(address, _) | EndKind::Service(address) => *address,
                EndKind::OwnNode(address) | EndKind::Node(address) => (*address)?,
                _ => return None,
            };
            return Some(Asked::Addresses(AddressSet::from_net(address.into())));
        }
    };
    let situation = &judge.placement.situation;
    let (pods, home) = situation.world.pods(end).zip(situation.world.namespace_of(end))?;
    let namespace = home.name.clone()?;
    if let [tier] = judge.tiers_of(&namespace, &pods.labels).as_slice() {
        return Some(Asked::Name(format!("{namespace}/{}", tier.name)));
    }
    Some(Asked::Pod { namespace, beside: Labels::new(), labels: pods.labels.clone() })
}
