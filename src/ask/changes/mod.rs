//! What differs between two sets of policies among all pods that could exist.
//!
//! A connection that came was refused by one of its sides before. That side now lets it through: by a grant that it did not
//! have, or since nothing isolates the pods any more. So only grants that one of both has are looked at, each less what the
//! other one grants on the same side, and with what the other side of the connection lets through. What went is what came
//! the other way round.

mod gains;
mod isolation;
mod pieces;

pub use isolation::Freed;

use super::everyone::{Everyone, Set};
use super::space::{Ends, SideHalf, SpaceGrants};
use crate::cover::{Budget, GaveUp};
use crate::engine::{Verdict, of_unknown_number};
use crate::net::{Direction, Peers, PortSet, Truth};
use gains::Gains;

/// Ends that belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whom {
    /// The set that they are, where they are one.
    pub set: Option<Set>,
    /// They, home by home.
    pub ends: Vec<Ends>,
}

/// Connections that came, from each of the source to each of the destination.
#[derive(Debug, Clone)]
pub struct Gain {
    /// The side that refused them before.
    pub by: Direction,
    /// Who connects.
    pub source: Whom,
    /// To whom.
    pub destination: Whom,
    /// The ports that came; as unknown those of which it is not sure, before or after.
    pub ports: Verdict,
    /// Whether some of these connections were allowed before.
    pub partly: bool,
}

/// Everything that came.
#[derive(Debug, Default)]
pub struct Came {
    /// Pods that were isolated and are not, to which that makes a difference.
    pub freed: Vec<Freed>,
    /// Connections by the rules of pods that are isolated before and after.
    pub gains: Vec<Gain>,
    /// Whether pods are left out that address blocks may let through.
    pub left_out: bool,
}

impl Everyone<'_> {
    /// What `new` allows and `old` does not; perhaps without the pods that only address blocks may let through.
    pub fn came(
        &self,
        [old, new]: [&SpaceGrants<'_>; 2],
        without_doubtful_blocks: bool,
        budget: &mut Budget,
    ) -> Result<Came, GaveUp> {
        let mut gains = Gains::new(&self.space, [old, new], without_doubtful_blocks);
        gains.find(budget)?;
        let freed = isolation::freed(&gains, budget)?;
        Ok(Came { freed, gains: gains.found, left_out: gains.left_out })
    }
}

impl SpaceGrants<'_> {
    /// Whether every one of some ends may connect to every one of others on some port, as far as it is known.
    pub fn all_may(&self, sources: &[Ends], destinations: &[Ends], budget: &mut Budget) -> Result<bool, GaveUp> {
        for source in sources {
            for destination in destinations {
                budget.spend(1)?;
                let out = self.open_to_whole(Direction::Egress, source, destination);
                let into = self.open_to_whole(Direction::Ingress, destination, source);
                let to_address = matches!(destination, Ends::Addresses(_));
                let meet = |(egress, ingress): (&PortSet, &PortSet)| match to_address {
                    true => egress.without_names().overlaps(ingress),
                    false => egress.overlaps(ingress) || !of_unknown_number(egress, ingress).is_empty(),
                };
                let mut pairs = out.iter().flat_map(|egress| into.iter().map(move |ingress| (egress, ingress)));
                if !pairs.any(meet) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The ports of whatever lets all of a subject through to all of its peers on one side.
    fn open_to_whole(&self, direction: Direction, subject: &Ends, peer: &Ends) -> Vec<PortSet> {
        let halves = self.halves(direction, subject, &self.space().around(peer));
        let is_whole = |half: &SideHalf| {
            let mine = match (&half.grant, subject) {
                (Some(grant), Ends::Pods(pods)) => grant.subject.contains(&pods.labels),
                _ => half.subject == *subject,
            };
            mine && self.lets_whole(half, peer)
        };
        halves.iter().filter(|half| is_whole(half)).map(SideHalf::ports).collect()
    }

    fn lets_whole(&self, half: &SideHalf, peer: &Ends) -> bool {
        let Some(grant) = &half.grant else { return true };
        match (peer, &grant.peers) {
            (Ends::Addresses(all), Peers::Addresses(theirs)) => theirs.contains(all),
            (Ends::Pods(pods), Peers::Pods { namespaces, pods: labels }) => {
                let among = self.space().among(pods, namespaces, labels);
                labels.contains(&pods.labels)
                    && among.is_some_and(|(both, truth)| both.namespaces == pods.namespaces || truth == Truth::Maybe)
            }
            _ => false,
        }
    }
}
