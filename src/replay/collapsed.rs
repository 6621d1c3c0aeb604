//! Rows that are alike but for their addresses.

use super::report::{MOST_ADDRESSES, RowInMaking, RowKey};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// More addresses than these, with one answer, are one row.
const MOST_SINGLE: usize = 5;

/// Many addresses with one answer, one source or destination and one port are one row.
pub(super) fn collapsed(drafts: BTreeMap<RowKey, RowInMaking>) -> BTreeMap<RowKey, RowInMaking> {
    let is_address = |name: &str| name.parse::<IpAddr>().is_ok();
    let without = |(from, to, port, itself, says, why): &RowKey| {
        let other = match (is_address(from), is_address(to)) {
            (false, true) => (false, from.clone()),
            (true, false) => (true, to.clone()),
            _ => return None,
        };
        Some((other, port.clone(), *itself, *says, why.clone()))
    };
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for key in drafts.keys().filter_map(without) {
        *counts.entry(key).or_default() += 1;
    }
    let mut rows: BTreeMap<RowKey, RowInMaking> = BTreeMap::new();
    for (key, draft) in drafts {
        let many = without(&key).filter(|common| counts.get(common).is_some_and(|count| *count > MOST_SINGLE));
        let key = match many {
            None => key,
            Some(common) => {
                let text = format!("{} addresses", counts.get(&common).copied().unwrap_or(0));
                let (from, to, port, itself, says, why) = key;
                match common.0.0 {
                    true => (text, to, port, itself, says, why),
                    false => (from, text, port, itself, says, why),
                }
            }
        };
        match rows.get_mut(&key) {
            None => _ = rows.insert(key, draft),
            Some(row) => {
                row.tally.merge(&draft.tally);
                row.address_count += draft.address_count;
                let room = MOST_ADDRESSES.saturating_sub(row.addresses.len());
                row.addresses.extend(draft.addresses.into_iter().take(room));
                let room = MOST_ADDRESSES.saturating_sub(row.targets.len());
                row.targets.extend(draft.targets.into_iter().take(room));
            }
        }
    }
    rows
}
