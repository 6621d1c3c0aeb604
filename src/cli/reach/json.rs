//! What is allowed for programs: what is so of every two of some ends, in one connection for all of them.

use super::ReachReport;
use super::blocks::{CellBlock, CellCertainty, RowLists, blocks};
use super::ends::end_text;
use super::lines::{outside, split};
use crate::ask::{GroupName, IsolatedShare, Row, RowNames};
use crate::cli::beyond;
use crate::cli::json::{document, ports, print_with_list, truth, unmodelled, unread};
use crate::cli::step::with_step;
use crate::cli::terminal::Terminal;
use crate::net::AddressSet;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Prints one object with the schema `polder/reach/v2`.
pub(super) fn print(report: &ReachReport<'_>, terminal: &mut Terminal) {
    let rows = || report.summary.reach.rows.iter().enumerate().filter(|(_, row)| !row.names.is_wide());
    let ends: Vec<Value> = rows().flat_map(|(_, row)| endpoints(row)).collect();
    let names: BTreeMap<usize, String> = rows().filter_map(|(place, row)| Some((place, name(row)?))).collect();
    let mut lists = RowLists::new(report, &names);
    let blocks = blocks(report);
    let connections: Vec<Value> = blocks.iter().map(|block| connection(report, block, &mut lists, &names)).collect();
    let sets = lists.used().map(|(name, rows)| {
        let endpoints: Vec<&String> = rows.iter().filter_map(|row| names.get(row)).collect();
        json!({ "name": name, "endpoints": endpoints })
    });
    let unmodelled = unmodelled(report.subject.unmodelled());
    let outside: Vec<Value> = outside(report)
        .into_iter()
        .map(|(workload, reason)| json!({ "name": workload.to_string(), "reason": reason }))
        .collect();
    let not_given = beyond::list(&report.summary.situation, &report.summary.beyond);
    let document = json!({
        "schema": "polder/reach/v2",
        "complete": unmodelled.is_empty() && report.subject.unread().is_empty(),
        "unmodelled": unmodelled,
        "unread": unread(report.subject.unread()),
        "ipblock_matches_pods": truth(report.subject.facts().matches().pods),
        "endpoints": ends,
        "sets": sets.collect::<Vec<Value>>(),
        "connections": [],
        "not_given": not_given,
        "notes": report.notes,
        "outside": outside,
        "split": split(report),
    });
    let document = with_step(document, report.subject.step());
    print_with_list(&document, "connections", connections.into_iter(), terminal);
}

/// One object with the schema `polder/names/v1`: what can be asked about.
pub(super) fn names(names: &[String]) -> String {
    document(&json!({ "schema": "polder/names/v1", "names": names }))
}

/// What connections call a single row: by its first name.
fn name(row: &Row) -> Option<String> {
    match &row.names {
        RowNames::Groups(groups) => groups.first().map(ToString::to_string),
        RowNames::Asked(text) => Some(text.clone()),
        RowNames::Namespace(_)
        | RowNames::Cluster
        | RowNames::Anywhere
        | RowNames::NotIsolated(_)
        | RowNames::PodsNotIsolated(_)
        | RowNames::Isolated(_) => None,
    }
}

fn endpoints(row: &Row) -> Vec<Value> {
    let [ingress, egress] = row.isolated.map(|isolated| match isolated {
        IsolatedShare::No => "no",
        IsolatedShare::Partly => "partly",
        IsolatedShare::Yes => "yes",
    });
    let listed_as = name(row);
    let one = |name: String, group: Option<&GroupName>| {
        let kind = group.map_or("asked", kind);
        let namespace = group.and_then(|group| group.namespace()).map(|name| &**name);
        let nets = |all: &AddressSet| all.to_nets().iter().map(ToString::to_string).collect::<Vec<_>>();
        let addresses = row.addresses.as_ref().map(nets);
        json!({
            "name": name,
            "listed_as": listed_as,
            "kind": kind,
            "namespace": namespace,
            "addresses": addresses,
            "isolated": { "ingress": ingress, "egress": egress },
        })
    };
    match &row.names {
        RowNames::Groups(groups) => groups.iter().map(|group| one(group.to_string(), Some(group))).collect(),
        RowNames::Asked(text) => vec![one(text.clone(), None)],
        RowNames::Namespace(_)
        | RowNames::Cluster
        | RowNames::Anywhere
        | RowNames::NotIsolated(_)
        | RowNames::PodsNotIsolated(_)
        | RowNames::Isolated(_) => Vec::new(),
    }
}

fn kind(name: &GroupName) -> &'static str {
    match name {
        GroupName::Tier(..) => "tier",
        GroupName::Workload(..) => "workload",
        GroupName::Pods(..) | GroupName::Selected(..) | GroupName::Rest(_) | GroupName::Labelled(_) => "pods",
        GroupName::Dns(_) => "dns",
        GroupName::Cidr(..) | GroupName::BuiltIn(_) | GroupName::Addresses(_) | GroupName::OtherAddresses => {
            "addresses"
        }
    }
}

fn connection(
    report: &ReachReport<'_>,
    block: &CellBlock,
    lists: &mut RowLists<'_>,
    names: &BTreeMap<usize, String>,
) -> Value {
    let example = block.example.map(|(source, destination)| {
        json!({
            "source": end_text(&report.summary.situation, source),
            "destination": end_text(&report.summary.situation, destination),
        })
    });
    json!({
        "sources": lists.words(&block.sources, names),
        "destinations": lists.words(&block.destinations, names),
        "ports": ports(&block.ports),
        "certainty": match block.certainty {
            CellCertainty::All => "all",
            CellCertainty::Some => "some",
            CellCertainty::Unknown => "unknown",
            CellCertainty::Perhaps => "perhaps",
        },
        "missing": block.missing,
        "example": example,
    })
}
