//! Verdicts for reports about everybody, where a block that may hold anybody would put a doubt to every line.

use super::completion::seen_from;
use super::world::EndId;
use super::{Engine, Verdict};
use crate::net::{Direction, Truth};
use crate::netpol::Peer;

impl Engine<'_> {
    /// The same, where it is left out what only address blocks may let through of pods; [`Engine::has_left_out`] says
    /// whether that was something. What they let through for sure is not left out.
    #[must_use]
    pub fn without_doubtful_blocks(self) -> Self {
        Engine { is_folded: true, ..self }
    }

    /// Whether blocks have no say about pods: those that only may match them are left out, and no addresses that they could
    /// have let them through for sure.
    pub(super) fn leaves_out_blocks(&self) -> bool {
        self.is_folded && self.world.facts.matches().pods == Truth::Maybe
    }

    /// Whether some verdict was without what blocks may let through.
    pub fn has_left_out(&self) -> bool {
        self.has_left_out.get()
    }

    /// A verdict about both sides of a connection or one of them without what is to be left out.
    pub(super) fn folded(
        &self,
        verdict: Verdict,
        source: EndId,
        destination: EndId,
        directions: &[Direction],
    ) -> Verdict {
        if !self.is_folded || verdict.unknown.is_empty() {
            return verdict;
        }
        let beside_blocks = directions.iter().map(|&direction| {
            let (subject, peer, _) = seen_from(direction, source, destination);
            let Some(side) = self.side_of(direction, subject) else { return Verdict::everything() };
            self.judge(side, destination, |index| match (self.peers.truth(index, peer), self.peers.get(index)) {
                (Truth::Maybe, Some(Peer::Block(_) | Peer::Unlisted(_))) if self.world.pods(peer).is_some() => {
                    Truth::No
                }
                (truth, _) => truth,
            })
        });
        let both = beside_blocks.reduce(|one, other| self.both(&one, &other, destination)).unwrap_or_default();
        let unknown = verdict.unknown.intersect(&both.possible());
        self.has_left_out.set(self.has_left_out.get() || unknown != verdict.unknown);
        Verdict { unknown, allowed: verdict.allowed }
    }
}
