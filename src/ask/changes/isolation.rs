//! Isolation that went, as far as that makes a difference.

use super::gains::Gains;
use crate::ask::space::{Ends, Refusal, Side, SideHalf, SpaceGrants, SpacePods, Sure, views};
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, Peers, PortSet, Selector, Truth};

/// Pods of one namespace that were isolated and are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// In which direction.
    pub direction: Direction,
    /// The place of their namespace among the homes.
    pub home: usize,
    /// They.
    pub ends: Vec<Ends>,
}

/// All whose isolation went, and to whom something came by that.
pub(super) fn freed(gains: &Gains<'_>, budget: &mut Budget) -> Result<Vec<Freed>, GaveUp> {
    let mut all = Vec::new();
    for direction in Direction::ALL {
        for home in 0..gains.space.homes().len() {
            let mut ends = Vec::new();
            for end in no_longer_isolated(gains, direction, home) {
                if !gains.space.is_empty(&end, budget)? && makes_a_difference(gains, direction, &end, budget)? {
                    ends.push(end);
                }
            }
            if !ends.is_empty() {
                all.push(Freed { direction, home, ends });
            }
        }
    }
    Ok(all)
}

/// The pods of a home that were isolated and are not; those left out to whom everything was open.
fn no_longer_isolated(gains: &Gains<'_>, direction: Direction, home: usize) -> Vec<Ends> {
    let sides = [gains.old, gains.new].map(|grants| grants.side(Some(home), direction));
    let [Some(before), Some(after)] = sides else { return Vec::new() };
    let open: Vec<Selector> = open_subjects(before);
    let mut all = Vec::new();
    for isolated in &before.isolated {
        let wider = |other: &&Selector| *other != isolated && other.contains(isolated);
        if before.isolated.iter().any(|other| wider(&other)) {
            continue;
        }
        let out = after.isolating(isolated).into_iter().chain(open.iter().filter(|one| one.overlaps(isolated)));
        let less = out.map(|out| (Selector::everything(), out.clone())).collect();
        all.push(Ends::Pods(SpacePods { labels: isolated.clone(), less, ..gains.space.all_of(home) }));
    }
    all
}

/// The pods to whom a side grants everything.
fn open_subjects(side: &Side) -> Vec<Selector> {
    let to_all = |is_all: fn(&Peers) -> bool| {
        let whole = side.grants.iter().filter(|grant| grant.ports.is_everything() && grant.truth == Truth::Yes);
        whole.filter(move |grant| is_all(&grant.peers)).map(|grant| &grant.subject)
    };
    let every_pod: fn(&Peers) -> bool =
        |peers| matches!(peers, Peers::Pods { namespaces, pods } if namespaces.is_everything() && pods.is_everything());
    let every_address: fn(&Peers) -> bool = |peers| matches!(peers, Peers::Addresses(all) if all.has_all());
    to_all(every_pod).filter(|subject| to_all(every_address).any(|other| other == *subject)).cloned().collect()
}

/// Whether something came to some of them, in which the rules of pods that were isolated and still are have no part.
fn makes_a_difference(
    gains: &Gains<'_>,
    direction: Direction,
    end: &Ends,
    budget: &mut Budget,
) -> Result<bool, GaveUp> {
    let everything = PortSet::everything();
    // Nothing isolates those of other namespaces, and addresses.
    for peer in [gains.space.others(), Ends::Addresses(gains.space.facts().every_address())] {
        if refused(gains.old, direction, [end, &peer], &everything, budget)?.is_some() {
            return Ok(true);
        }
    }
    let around = gains.space.around(end);
    for home in 0..gains.space.homes().len() {
        let all = Ends::Pods(gains.space.all_of(home));
        for half in gains.new.halves(direction.other(), &all, &around) {
            let Some((mine, _)) = gains.new.let_through(end, &half) else { continue };
            let ports = half.ports();
            let Some(found) = refused(gains.old, direction, [&mine, &half.subject], &ports, budget)? else { continue };
            if was_let_in(gains, direction, &half, end, &found) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn refused(
    grants: &SpaceGrants<'_>,
    direction: Direction,
    ends: [&Ends; 2],
    ports: &PortSet,
    budget: &mut Budget,
) -> Result<Option<Refusal>, GaveUp> {
    let to_address = direction == Direction::Egress && matches!(ends, [_, Ends::Addresses(_)]);
    for (view, ports) in views(ports, to_address) {
        let found = grants.refused_by(direction, &view, ends, &ports, Sure::Yes, budget)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether the other side was open to it before as well, or is open only since its isolation went, too.
fn was_let_in(gains: &Gains<'_>, direction: Direction, half: &SideHalf, end: &Ends, found: &Refusal) -> bool {
    if half.grant.is_none() {
        return true;
    }
    let theirs = if direction == Direction::Egress { &found.destination } else { &found.source };
    let around = gains.space.around(end);
    gains
        .old
        .halves(direction.other(), theirs, &around)
        .iter()
        .any(|before| gains.old.let_through(end, before).is_some() && before.ports().overlaps(&found.ports))
}
