//! Some ends, in whichever way they are known.

use crate::ask::{Ends, Space};
use crate::cover::Budget;
use crate::engine::{End, EndId, World};
use crate::net::{Peers, Selector, Truth, namespace_by_name};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many comparisons it may take to see whether somebody is in two sets. Then it is taken that somebody is.
const MOST_STEPS: usize = 10_000;

/// Some ends, in whichever way they are known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Those<'a> {
    /// Those of a world.
    Given(&'a World, &'a [EndId]),
    /// Sets of all that could exist.
    Sets(&'a Space, &'a [Ends]),
}

impl Those<'_> {
    /// The namespaces that they are in; `None` for pods of others, and for addresses.
    pub(super) fn namespaces(&self) -> BTreeSet<Option<Arc<str>>> {
        match self {
            Those::Given(world, ends) => {
                ends.iter().map(|end| world.namespace_of(*end).and_then(|home| home.name.clone())).collect()
            }
            Those::Sets(space, ends) => {
                let home = |end: &Ends| Some(space.homes().get(end.pods()?.home?)?.name.clone());
                ends.iter().map(home).collect()
            }
        }
    }

    /// Whether some of them are or may be such peers.
    pub(super) fn touch(&self, peers: &Peers) -> bool {
        match self {
            Those::Given(world, ends) => ends.iter().any(|end| is_in(world, *end, peers)),
            Those::Sets(space, ends) => ends.iter().any(|end| meets(space, end, peers)),
        }
    }

    /// Whether some pods of a namespace are among them that have such labels.
    pub(super) fn touch_pods(&self, namespace: &Arc<str>, labels: &Selector) -> bool {
        self.touch(&Peers::Pods { namespaces: namespace_by_name(namespace), pods: labels.clone() })
    }
}

fn is_in(world: &World, end: EndId, peers: &Peers) -> bool {
    match (peers, world.end(end)) {
        (Peers::Any, _) => true,
        (Peers::Addresses(all), Some(End::Addresses { addresses, .. })) => all.overlaps(addresses),
        (Peers::Addresses(all), Some(End::Pods(kind))) => kind.in_block(&world.facts, all).is_possible(),
        (Peers::Pods { namespaces, pods }, Some(End::Pods(kind))) => {
            let home = world.namespace(kind.namespace);
            home.is_some_and(|home| home.matches(namespaces) != Truth::No) && pods.matches(&kind.labels)
        }
        _ => false,
    }
}

fn meets(space: &Space, end: &Ends, peers: &Peers) -> bool {
    match (peers, end) {
        (Peers::Addresses(all), Ends::Pods(_)) => space.facts().pod(all, &[]).is_possible(),
        _ => {
            let both = space.beside(peers, end).and_then(|beside| space.both(end, &beside));
            let is_somebody = |both| !space.is_empty(&both, &mut Budget::new(MOST_STEPS)).unwrap_or(false);
            both.is_some_and(is_somebody)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::SpacePods;
    use crate::net::{Facts, Values};

    /// Pods of which each takes a hole for every pigeon and no two take the same: nobody, once there are more pigeons.
    fn pigeons(space: &Space, pigeons: usize, holes: usize) -> Ends {
        let key = |pigeon: usize, hole: usize| format!("p{pigeon}-{hole}");
        let mut less = Vec::new();
        for pigeon in 0..pigeons {
            let mut none = Selector::everything();
            (0..holes).for_each(|hole| none.require(key(pigeon, hole), Values::does_not_exist()));
            less.push((Selector::everything(), none));
            for (other, hole) in (0..pigeon).flat_map(|other| (0..holes).map(move |hole| (other, hole))) {
                let mut both = Selector::everything();
                [pigeon, other].into_iter().for_each(|one| both.require(key(one, hole), Values::exists()));
                less.push((Selector::everything(), both));
            }
        }
        let others = space.others();
        Ends::Pods(SpacePods { less, ..others.pods().cloned().unwrap_or_else(|| space.all_of(0)) })
    }

    #[test]
    fn somebody_is_in_two_sets_where_it_takes_too_long_to_see_that_nobody_is() {
        let space = Space::new(Vec::new(), [], Facts::default());
        let everybody = Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
        assert!(!meets(&space, &pigeons(&space, 3, 2), &everybody), "nobody is");
        assert!(meets(&space, &pigeons(&space, 2, 2), &everybody), "somebody is");
        assert!(meets(&space, &pigeons(&space, 8, 7), &everybody), "it is given up");
    }
}
