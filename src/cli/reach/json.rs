//! What is allowed for programs: every two ends between which something is.

use super::ReachReport;
use super::ends::end_text;
use super::lines::{missing, outside, split};
use crate::ask::{Cell, GroupName, IsolatedShare, Row, RowNames};
use crate::cli::beyond;
use crate::cli::json::{document, ports, print_with_list, truth, unmodelled, unread};
use crate::cli::step::with_step;
use crate::cli::terminal::Terminal;
use crate::engine::EndId;
use crate::net::AddressSet;
use serde_json::{Value, json};

/// Prints one object with the schema `polder/reach/v1`.
pub(super) fn print(report: &ReachReport<'_>, terminal: &mut Terminal) {
    let rows = report.summary.reach.rows.iter().filter(|row| !row.names.is_wide());
    let ends: Vec<Value> = rows.flat_map(endpoints).collect();
    let connections = report.summary.reach.cells.iter().flat_map(|cell| connection(report, cell));
    let unmodelled = unmodelled(report.subject.unmodelled());
    let outside: Vec<Value> = outside(report)
        .into_iter()
        .map(|(workload, reason)| json!({ "name": workload.to_string(), "reason": reason }))
        .collect();
    let not_given = beyond::list(&report.summary.situation, &report.summary.beyond);
    let document = json!({
        "schema": "polder/reach/v1",
        "complete": unmodelled.is_empty() && report.subject.unread().is_empty(),
        "unmodelled": unmodelled,
        "unread": unread(report.subject.unread()),
        "ipblock_matches_pods": truth(report.subject.facts().matches().pods),
        "endpoints": ends,
        "connections": [],
        "not_given": not_given,
        "notes": report.notes,
        "outside": outside,
        "split": split(report),
    });
    let document = with_step(document, report.subject.step());
    print_with_list(&document, "connections", connections, terminal);
}

/// One object with the schema `polder/names/v1`: what can be asked about.
pub(super) fn names(names: &[String]) -> String {
    document(&json!({ "schema": "polder/names/v1", "names": names }))
}

/// The single names of a row.
fn single_names(row: &Row) -> Vec<String> {
    match &row.names {
        RowNames::Groups(groups) => groups.iter().map(ToString::to_string).collect(),
        RowNames::Asked(text) => vec![text.clone()],
        RowNames::Namespace(_)
        | RowNames::Cluster
        | RowNames::Anywhere
        | RowNames::NotIsolated(_)
        | RowNames::PodsNotIsolated(_)
        | RowNames::Isolated(_) => Vec::new(),
    }
}

fn endpoints(row: &Row) -> Vec<Value> {
    let [ingress, egress] = row.isolated.map(|isolated| match isolated {
        IsolatedShare::No => "no",
        IsolatedShare::Partly => "partly",
        IsolatedShare::Yes => "yes",
    });
    let one = |name: String, group: Option<&GroupName>| {
        let kind = group.map_or("asked", kind);
        let namespace = group.and_then(|group| group.namespace()).map(|name| &**name);
        let nets = |all: &AddressSet| all.to_nets().iter().map(ToString::to_string).collect::<Vec<_>>();
        let addresses = row.addresses.as_ref().map(nets);
        json!({
            "name": name,
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

fn connection(report: &ReachReport<'_>, cell: &Cell) -> Vec<Value> {
    let Some((source, destination)) = report.summary.reach.rows_of(cell) else { return Vec::new() };
    if cell.is_empty() {
        return Vec::new();
    }
    let pair = |pair: Option<(EndId, EndId)>| {
        pair.map(|(source, destination)| {
            json!({
                "source": end_text(&report.summary.situation, source),
                "destination": end_text(&report.summary.situation, destination),
            })
        })
    };
    let some = (!cell.every.contains(&cell.some))
        .then(|| json!({ "ports": ports(&cell.some), "example": pair(cell.example) }));
    let unknown = (!cell.unknown.is_empty()).then(
        || json!({ "ports": ports(&cell.unknown), "missing": missing(report, cell), "example": pair(cell.doubtful) }),
    );
    let every = ports(&cell.every);
    let more = cell.more.as_ref();
    let missing = cell.apart.as_ref().or(more.map(|(_, doubt)| doubt)).map(ToString::to_string);
    let perhaps = missing.map(|missing| {
        json!({
            "not_all": cell.apart.is_some(),
            "ports": more.map_or_else(Vec::new, |(more, _)| ports(more)),
            "missing": missing,
        })
    });
    let mut found = Vec::new();
    for from in single_names(source) {
        for to in single_names(destination) {
            found.push(json!({
                "source": from,
                "destination": to,
                "ports": every,
                "some_pods": some,
                "unknown": unknown,
                "perhaps": perhaps,
            }));
        }
    }
    found
}
