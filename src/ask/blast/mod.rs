//! How far somebody gets from pods, hop by hop, or who gets at pods.

mod addresses;
mod far;
mod gathered;
mod hop;
mod kinds;
mod seen;
mod sets;
mod world;

#[cfg(test)]
mod tests;

pub use sets::BlastFrom;
pub use world::DnsEnds;

use super::situation::GroupName;
use crate::cover::{Budget, GaveUp};
use crate::engine::EndId;
use crate::net::{PortSet, Truth};
use std::collections::{BTreeSet, VecDeque};

/// Everything that can be reached, as a tree in which each set of ends is expanded once, where it is nearest.
#[derive(Debug, Default)]
pub struct Blast {
    /// What steps are about, by their places. Sorted by name.
    pub groups: Vec<GroupName>,
    /// The steps, parents before children; the first are the hops from the start.
    pub steps: Vec<Step>,
    /// The DNS servers that are asked for names, and not gone through, as one step for all.
    pub dns: Option<Step>,
    /// The groups that are at the start as a whole.
    pub start: BTreeSet<usize>,
    /// The groups of steps some of whose ends are reached for sure that are not at the start.
    pub reached: BTreeSet<usize>,
    /// Those of the others some of whose ends may be reached: a fact is missing on each way.
    pub perhaps: BTreeSet<usize>,
    /// Whether public addresses are reached.
    pub internet: Truth,
    /// Whether DNS servers are reached that are not at the start, and not gone through.
    pub stops_at_dns: bool,
    /// The pods that it goes on from, where they were given: the start and those that are reached, as far as it goes.
    pub gone_from: BTreeSet<EndId>,
    /// The groups of steps, and those at the start, that a pod can be in together with another one, and those. One that has
    /// what is allowed to each of several is not gone through.
    pub overlapping: Vec<usize>,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The step before it; `None` for the start.
    pub before: Option<usize>,
    /// The hops from the start, from 1.
    pub hops: usize,
    /// The groups that it is about: one, or all that are open to everybody alike.
    pub groups: Vec<usize>,
    /// The ports on which some of the ends before it get there, or for those who get at something, on which they do.
    pub ports: PortSet,
    /// The same, where it is not known.
    pub unknown: PortSet,
    /// Whether the ends are told elsewhere in the tree, nearer to the start or before.
    pub repeated: bool,
    /// Whether none of them is isolated on the way on.
    pub open: bool,
}

/// What is one hop from some ends.
#[derive(Debug)]
struct Hop<F> {
    groups: Vec<usize>,
    ports: PortSet,
    unknown: PortSet,
    open: bool,
    /// Whether it is that DNS servers are asked for names.
    is_lookup: bool,
    /// Whether nobody of it was reached before.
    repeated: bool,
    /// Those from whom it goes on.
    onward: Option<F>,
}

/// Where a search goes.
trait Ground {
    /// Ends that it goes on from.
    type Front;

    /// What is one hop from some ends, of which what is reached for the first time goes on.
    fn hop(&mut self, from: &Self::Front) -> Result<Vec<Hop<Self::Front>>, GaveUp>;
}

/// What is reached.
#[derive(Debug, Default)]
struct Reached {
    groups: BTreeSet<usize>,
    internet: bool,
}

impl Blast {
    /// Notes what is reached, and what of that is for sure.
    fn count(&mut self, all: &Reached, sure: &Reached) {
        self.reached.clone_from(&sure.groups);
        self.perhaps = all.groups.difference(&sure.groups).copied().collect();
        self.internet = match (all.internet, sure.internet) {
            (_, true) => Truth::Yes,
            (true, false) => Truth::Maybe,
            (false, false) => Truth::No,
        };
    }
}

/// Goes from `start`, nearest first, at most `depth` hops: the steps, and the one for all lookups.
fn walk<G: Ground>(ground: &mut G, start: G::Front, depth: usize) -> Result<(Vec<Step>, Option<Step>), GaveUp> {
    let (mut steps, mut dns) = (Vec::new(), None);
    let mut waiting = VecDeque::from([(None, 0, start)]);
    while let Some((before, hops, front)) = waiting.pop_front() {
        if hops >= depth {
            continue;
        }
        for hop in ground.hop(&front)? {
            let Hop { groups, ports, unknown, open, is_lookup, repeated, onward } = hop;
            let step = Step { before, hops: hops + 1, groups, ports, unknown, repeated, open };
            if is_lookup {
                look_up(&mut dns, step);
                continue;
            }
            steps.push(step);
            if let Some(front) = onward {
                waiting.push_back((Some(steps.len() - 1), hops + 1, front));
            }
        }
    }
    Ok((steps, dns))
}

/// Adds to the one step for all lookups.
fn look_up(dns: &mut Option<Step>, step: Step) {
    let Some(known) = dns else {
        *dns = Some(step);
        return;
    };
    known.groups.extend(step.groups.into_iter().filter(|group| !known.groups.contains(group)).collect::<Vec<_>>());
    known.groups.sort_unstable();
    known.ports.insert(&step.ports);
    known.unknown.insert(&step.unknown);
    known.unknown = known.unknown.subtract(&known.ports);
}

/// Steps that may be spent on one question of whose answer only depends how things are told: what is not found out with them
/// counts as not so.
const FEW_STEPS: usize = 20_000;

/// Whether something is so, where that is soon found out.
fn soon(budget: &mut Budget, ask: impl FnOnce(&mut Budget) -> Result<bool, GaveUp>) -> Result<bool, GaveUp> {
    let few = FEW_STEPS.min(budget.left());
    let mut own = Budget::new(few);
    let answer = ask(&mut own).unwrap_or_default();
    budget.spend(few - own.left())?;
    Ok(answer)
}
