//! Rows that are alike but for their addresses.

use super::report::{MOST_ADDRESSES, RowInMaking, RowKey};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// More addresses than these, with one answer, are one row.
const MOST_SINGLE: usize = 5;

/// Many addresses with one answer, one source or destination and one port are one row.
pub(super) fn collapsed(drafts: BTreeMap<RowKey, RowInMaking>) -> BTreeMap<RowKey, RowInMaking> {
    let is_address = |name: &str| name.parse::<IpAddr>().is_ok();
    // Such a row without the one of its ends that is an address.
    let without = |key: &RowKey| match (is_address(&key.from), is_address(&key.to)) {
        (false, true) => Some(RowKey { to: String::new(), ..key.clone() }),
        (true, false) => Some(RowKey { from: String::new(), ..key.clone() }),
        _ => None,
    };
    let mut counts: BTreeMap<RowKey, usize> = BTreeMap::new();
    for key in drafts.keys().filter_map(without) {
        *counts.entry(key).or_default() += 1;
    }
    let mut rows: BTreeMap<RowKey, RowInMaking> = BTreeMap::new();
    for (key, draft) in drafts {
        let many = without(&key).and_then(|common| counts.get(&common).map(|count| (common, *count)));
        let key = match many.filter(|(_, count)| *count > MOST_SINGLE) {
            None => key,
            Some((mut common, count)) => {
                let end = if common.from.is_empty() { &mut common.from } else { &mut common.to };
                *end = format!("{count} addresses");
                common
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
