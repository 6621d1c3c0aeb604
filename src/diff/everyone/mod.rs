//! What differs for every pod that could exist.

mod names;
mod parts;

use super::doubts::{MOST_ENDS, doubts};
use super::origin::Origins;
use super::parts::{EndsByName, Isolations, Part};
use super::those::Those;
use super::{ConnectionChange, Diff, IsolationChange, MeantEnds, Version};
use crate::ask::{Ends, Everyone, Example, Whom};
use crate::cover::{Budget, GaveUp};
use crate::engine::{Doubt, EndId, Engine};
use crate::net::{Direction, Selector};
use names::Names;
use parts::Changes;
use std::collections::BTreeSet;

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
    say_doubts(everyone, &mut diff.connections, [old, new], budget)?;
    Ok(diff)
}

/// Says of unknown ports what is missing, in a world of some who may or may not connect on them.
fn say_doubts(
    everyone: &Everyone<'_>,
    changes: &mut [ConnectionChange],
    versions: [&Version<'_>; 2],
    budget: &mut Budget,
) -> Result<(), GaveUp> {
    let mut unsure = Vec::new();
    for change in changes.iter_mut().filter(|change| !change.unknown().is_empty()) {
        let mut examples = |meant: &MeantEnds| -> Result<Vec<Example>, GaveUp> {
            let MeantEnds::Sets(ends) = meant else { return Ok(Vec::new()) };
            let some = ends.iter().take(MOST_ENDS).map(|end| everyone.space.example(end, budget));
            Ok(some.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        };
        let [sources, destinations] = &change.ends;
        let examples = [examples(sources)?, examples(destinations)?];
        unsure.push((change, examples));
    }
    if unsure.is_empty() {
        return Ok(());
    }
    let (situation, ids) = everyone.world_of(&[], unsure.iter().flat_map(|(_, examples)| examples).flatten());
    let engines = versions.map(|version| Engine::new(&situation.world, version.policies));
    let [before, after] = &engines;
    let ids: Vec<[Vec<EndId>; 2]> = unsure
        .iter()
        .map(|(_, examples)| {
            examples.each_ref().map(|side| side.iter().filter_map(|one| ids.get(one)).copied().collect())
        })
        .collect();
    for ((change, _), [sources, destinations]) in unsure.into_iter().zip(&ids) {
        let mut all: BTreeSet<Doubt> =
            doubts([before, after], [sources, destinations], &change.unknown()).into_iter().collect();
        // Those who exist where it is sure may exist only where somebody has labels that nobody stated.
        all.extend(change.ends.iter().flat_map(|meant| undecided(everyone, meant)));
        change.doubts = all.into_iter().collect();
    }
    Ok(())
}

/// What nobody said that decides who some ends are.
fn undecided(everyone: &Everyone<'_>, meant: &MeantEnds) -> Vec<Doubt> {
    let MeantEnds::Sets(ends) = meant else { return Vec::new() };
    let name = |end: &Ends| Some(everyone.space.homes().get(end.pods()?.home?)?.name.clone());
    let of_end = |end: &Ends| {
        let namespace = name(end);
        let doubt =
            |selector: &Selector| Doubt::NamespaceLabels { namespace: namespace.clone(), selector: selector.clone() };
        everyone.space.undecided(end).map(doubt).collect::<Vec<Doubt>>()
    };
    ends.iter().flat_map(of_end).collect()
}

fn isolation(
    names: &Names<'_, '_>,
    origins: &[Origins<'_>; 2],
    one: Isolations<Ends>,
    budget: &mut Budget,
) -> Result<IsolationChange, GaveUp> {
    let pods = EndsByName { names: names.of(None, &one.ends, budget)?, ends: MeantEnds::Sets(one.ends.clone()) };
    Ok(one.told(origins, Those::Sets(&names.everyone.space, &one.ends), pods))
}

fn connection(
    names: &Names<'_, '_>,
    origins: &[Origins<'_>; 2],
    part: Part<Whom>,
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
    let [before, after] = origins
        .each_ref()
        .map(|origins| move |direction: Direction, ports: &_| origins.granting_sets(direction, those, ports));
    let named = [
        EndsByName { names: names.of_all(&part.sources, &sources, budget)?, ends: MeantEnds::Sets(sources.clone()) },
        EndsByName {
            names: names.of_all(&part.destinations, &destinations, budget)?,
            ends: MeantEnds::Sets(destinations.clone()),
        },
    ];
    Ok(part.key.told(origins, those, [&before, &after], named))
}
