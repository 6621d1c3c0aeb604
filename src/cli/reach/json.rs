//! What is allowed for programs: every two ends between which something is.

use super::Report;
use super::lines::{missing, outside, split};
use super::names::end_text;
use crate::analyze::{Cell, EndId, Group, GroupName, Isolated, Row, RowNames};
use crate::cli::json::{document as print, ports, unmodelled};
use serde_json::{Value, json};

/// One object with the schema `polder/reach/v1`.
pub(super) fn document(report: &Report<'_>) -> String {
    let rows = report.reach.rows.iter().filter(|row| !row.names.is_wide());
    let ends: Vec<Value> = rows.flat_map(|row| endpoints(report, row)).collect();
    let connections: Vec<Value> = report.reach.cells.iter().flat_map(|cell| connection(report, cell)).collect();
    let unmodelled = unmodelled(report.subject.unmodelled());
    let outside: Vec<Value> = outside(report)
        .into_iter()
        .map(|(workload, reason)| json!({ "name": workload.to_string(), "reason": reason }))
        .collect();
    print(&json!({
        "schema": "polder/reach/v1",
        "complete": unmodelled.is_empty(),
        "unmodelled": unmodelled,
        "ipblock_matches_pods": report.subject.blocks_match_pods(),
        "endpoints": ends,
        "connections": connections,
        "outside": outside,
        "split": split(report),
    }))
}

/// The single names of a row.
fn names(report: &Report<'_>, row: &Row) -> Vec<String> {
    match &row.names {
        RowNames::Groups(places) => {
            let groups = places.iter().filter_map(|place| report.situation.groups.get(*place));
            groups.map(|group| group.name.to_string()).collect()
        }
        RowNames::Asked(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn endpoints(report: &Report<'_>, row: &Row) -> Vec<Value> {
    let [ingress, egress] = row.isolated.map(|isolated| match isolated {
        Isolated::No => "no",
        Isolated::Partly => "partly",
        Isolated::Yes => "yes",
    });
    let one = |name: String, group: Option<&Group>| {
        let kind = group.map_or("asked", |group| kind(&group.name));
        let namespace = group.and_then(|group| group.name.namespace()).map(|name| &**name);
        let addresses = (!row.ends.iter().any(|end| report.situation.world.pods(*end).is_some()))
            .then(|| addresses(report, &row.ends));
        json!({
            "name": name,
            "kind": kind,
            "namespace": namespace,
            "addresses": addresses,
            "isolated": { "ingress": ingress, "egress": egress },
        })
    };
    match &row.names {
        RowNames::Groups(places) => {
            let groups = places.iter().filter_map(|place| report.situation.groups.get(*place));
            groups.map(|group| one(group.name.to_string(), Some(group))).collect()
        }
        RowNames::Asked(text) => vec![one(text.clone(), None)],
        _ => Vec::new(),
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

fn addresses(report: &Report<'_>, ends: &[EndId]) -> Vec<String> {
    let all = ends.iter().filter_map(|end| match report.situation.world.end(*end)? {
        crate::analyze::End::Addresses { addresses, .. } => Some(addresses),
        crate::analyze::End::Pods(_) => None,
    });
    let all = all.fold(crate::net::AddressSet::empty(), |all, one| all.union(one));
    all.to_nets().iter().map(ToString::to_string).collect()
}

fn connection(report: &Report<'_>, cell: &Cell) -> Vec<Value> {
    let rows = &report.reach.rows;
    let (Some(source), Some(destination)) = (rows.get(cell.source), rows.get(cell.destination)) else {
        return Vec::new();
    };
    if cell.is_empty() {
        return Vec::new();
    }
    let pair = |pair: Option<(EndId, EndId)>| {
        pair.map(|(source, destination)| {
            json!({
                "source": end_text(report.situation, source),
                "destination": end_text(report.situation, destination),
            })
        })
    };
    let some = (!cell.every.contains(&cell.some))
        .then(|| json!({ "ports": ports(&cell.some), "example": pair(cell.example) }));
    let unknown = (!cell.unknown.is_empty()).then(
        || json!({ "ports": ports(&cell.unknown), "missing": missing(report, cell), "example": pair(cell.doubtful) }),
    );
    let every = ports(&cell.every);
    let mut found = Vec::new();
    for from in names(report, source) {
        for to in names(report, destination) {
            found.push(json!({
                "source": from,
                "destination": to,
                "ports": every,
                "some_pods": some,
                "unknown": unknown,
            }));
        }
    }
    found
}
