//! What many rows together say of whoever connects: scans, and ports that are others every time.

use super::super::groups::GroupPort;
use super::super::packets::EPHEMERAL;
use super::super::{ReplayChange, ReplayRow, SeenOfGroup};
use std::collections::{BTreeMap, BTreeSet};

/// More ports of one destination, most of which nobody answers, are a scan, and those that were tried once without a sign of
/// an answer as well: where nothing is closed yet, a scan passes.
const MOST_PORTS: usize = 10;

/// More destinations on one port, most of which do not answer, are a scan.
const MOST_DESTINATIONS: usize = 20;

/// More of those between two ends are dynamic.
const MOST_EPHEMERAL: usize = 8;

/// The number of a row's port.
pub(super) fn number(row: &ReplayRow) -> Option<u16> {
    match row.group_port {
        GroupPort::Number(_, number) => Some(number),
        GroupPort::Named(..) | GroupPort::Icmp | GroupPort::Other => None,
    }
}

fn is_quiet(row: &ReplayRow) -> bool {
    matches!(row.seen, SeenOfGroup::Refused | SeenOfGroup::Unanswered)
}

/// The rows of whoever tries many ports or many destinations, most of which refuse or do not answer.
pub(super) fn scans(rows: &[ReplayRow]) -> BTreeSet<usize> {
    let (mut ports, mut destinations) = (BTreeMap::new(), BTreeMap::new());
    for (place, row) in rows.iter().enumerate() {
        ports.entry((&row.from, &row.to)).or_insert_with(Vec::new).push(place);
        destinations.entry((&row.from, &row.port)).or_insert_with(Vec::new).push(place);
    }
    let is_scan = |places: &Vec<usize>, most: usize, is_quiet: fn(&ReplayRow) -> bool| {
        let quiet = places.iter().filter_map(|place| rows.get(*place)).filter(|row| is_quiet(row)).count();
        places.len() > most && quiet * 2 > places.len()
    };
    let is_knock = |row: &ReplayRow| is_quiet(row) || (row.tally.attempts() <= 1 && !row.tally.is_answered());
    let of_ports = ports.into_values().filter(|places| is_scan(places, MOST_PORTS, is_knock));
    let of_destinations = destinations.into_values().filter(|places| is_scan(places, MOST_DESTINATIONS, is_quiet));
    of_ports.chain(of_destinations).flatten().collect()
}

/// The dropped rows of ends between which there are many ports of those that systems give to whoever asks for any.
pub(super) fn dynamic_ports(rows: &[ReplayRow]) -> BTreeSet<usize> {
    let mut pairs = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        if row.change == ReplayChange::Dropped && number(row).is_some_and(|number| number >= EPHEMERAL) {
            pairs.entry((&row.from, &row.to)).or_insert_with(Vec::new).push(place);
        }
    }
    pairs.into_values().filter(|places| places.len() > MOST_EPHEMERAL).flatten().collect()
}
