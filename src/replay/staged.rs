//! What staged policies would do at one end, as a log has it, beside what the candidate does there.

use super::groups::{GroupKey, Tally};
use super::place::PlacedEnd;
use super::verdict::GroupJudge;
use crate::engine::EndId;
use crate::net::{Direction, PortSet};

impl GroupJudge<'_> {
    /// The ends where the candidate does something else than staged policies would.
    pub(super) fn unlike_staged(
        &self,
        key: &GroupKey,
        pair: Option<&(EndId, EndId, PortSet)>,
        tally: &Tally,
    ) -> Vec<(Direction, bool)> {
        let Some((source, destination, ports)) = pair else { return Vec::new() };
        // Of several addresses one side may let some through.
        let is_one = |id: super::EndKindId| match self.placement.places.get(id.0 as usize) {
            Some(PlacedEnd::Pods(_)) => true,
            Some(PlacedEnd::Addresses(all)) => all.len() == 1,
            _ => false,
        };
        if !is_one(key.from) || !is_one(key.to) {
            return Vec::new();
        }
        let unlike = |direction: Direction| {
            let staged = tally.staged(direction)?;
            let (subject, peer) = match direction {
                Direction::Ingress => (*destination, *source),
                Direction::Egress => (*source, *destination),
            };
            let verdict = self.engine.side_on(direction, subject, peer, ports);
            let is_unlike = match staged {
                true => !verdict.possible().contains(ports),
                false => verdict.allowed.contains(ports),
            };
            is_unlike.then_some((direction, staged))
        };
        Direction::ALL.into_iter().filter_map(unlike).collect()
    }
}
