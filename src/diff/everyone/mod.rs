//! What differs for every pod that could exist.

mod names;
mod parts;

use super::origin::{Origins, Those};
use super::{ConnectionChange, Diff, IsolationChange, Meant, Version};
use crate::ask::Everyone;
use crate::cover::{Budget, GaveUp};
use crate::net::Direction;
use names::Names;
use parts::{Changes, Isolations, Part};

/// What differs between two sets of policies, both of which everyone has to know. The budget is spent on comparisons of
/// regions.
///
/// For people, `without_doubtful_blocks`: without the pods that only address blocks may let through. Every difference of
/// blocks is one for addresses, too.
pub fn compare_everyone<'p>(
    everyone: &Everyone<'p>,
    old: &Version<'p>,
    new: &Version<'p>,
    without_doubtful_blocks: bool,
    budget: &mut Budget,
) -> Result<Diff, GaveUp> {
    let grants = [old, new].map(|version| everyone.grants(version.policies));
    let [before, after] = &grants;
    let came = everyone.came([before, after], without_doubtful_blocks, budget)?;
    let went = everyone.came([after, before], without_doubtful_blocks, budget)?;
    let left_out = came.left_out || went.left_out;
    let changes = Changes::of(everyone, [before, after], [came, went], budget)?;
    let names = Names::new(everyone, [old, new]);
    let origins = [Origins::new(old), Origins::new(new)];
    let mut diff = Diff { left_out, ..Diff::default() };
    for one in changes.isolations {
        diff.isolation.push(isolation(&names, &origins, one, budget)?);
    }
    for part in changes.parts {
        diff.connections.push(connection(&names, &origins, part, budget)?);
    }
    Ok(diff)
}

fn isolation(
    names: &Names<'_, '_>,
    [was, is]: &[Origins<'_>; 2],
    one: Isolations,
    budget: &mut Budget,
) -> Result<IsolationChange, GaveUp> {
    let (has, lacks) = if one.lifted { (was, is) } else { (is, was) };
    let those = Those::Sets(&names.everyone.space, &one.ends);
    let origins = has.of_isolation(&one.directions, those);
    Ok(IsolationChange {
        lifted: one.lifted,
        instead: lacks.instead_of_isolation(&origins, those),
        origins,
        pods: names.of(None, &one.ends, budget)?,
        ends: Meant::Sets(one.ends),
        directions: one.directions,
    })
}

fn connection(
    names: &Names<'_, '_>,
    [was, is]: &[Origins<'_>; 2],
    part: Part,
    budget: &mut Budget,
) -> Result<ConnectionChange, GaveUp> {
    let space = &names.everyone.space;
    let [sources, destinations] = [&part.sources, &part.destinations].map(|all| {
        let mut ends: Vec<_> = all.iter().flat_map(|whom| whom.ends.iter().cloned()).collect();
        ends.sort();
        ends.dedup();
        ends
    });
    let those = [Those::Sets(space, &sources), Those::Sets(space, &destinations)];
    let [before, after] =
        [was, is].map(|origins| move |direction: Direction, ports: &_| origins.granting_sets(direction, those, ports));
    let key = part.key;
    Ok(ConnectionChange {
        kind: key.kind,
        sources: names.of_all(&part.sources, &sources, budget)?,
        destinations: names.of_all(&part.destinations, &destinations, budget)?,
        old_origins: was.of_connections(is, key.by, those, &key.removed, &before),
        new_origins: is.of_connections(was, key.by, those, &key.added, &after),
        ends: [Meant::Sets(sources), Meant::Sets(destinations)],
        added: key.added,
        removed: key.removed,
        partly: key.partly,
    })
}
