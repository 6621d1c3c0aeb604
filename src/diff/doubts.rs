//! What nobody said, on which a difference depends.

use crate::engine::{Doubt, EndId, Engine};
use crate::net::PortSet;
use std::collections::BTreeSet;

/// So many of each side are looked at: those that changed alike mostly did for the same reason.
pub(super) const MOST_ENDS: usize = 8;

/// What is missing to say whether connections changed on ports of which that is unknown: before or after.
pub(super) fn doubts(
    engines: [&Engine<'_>; 2],
    [sources, destinations]: [&[EndId]; 2],
    unknown: &PortSet,
) -> Vec<Doubt> {
    let mut found = BTreeSet::new();
    if unknown.is_empty() {
        return Vec::new();
    }
    for source in sources.iter().take(MOST_ENDS) {
        for destination in destinations.iter().take(MOST_ENDS) {
            for engine in engines {
                found.extend(engine.doubts(*source, *destination, unknown));
            }
        }
    }
    found.into_iter().collect()
}
