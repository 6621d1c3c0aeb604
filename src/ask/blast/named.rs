//! What sets of ends are called.

use super::soon;
use crate::ask::everyone::{Everyone, Named};
use crate::ask::situation::GroupName;
use crate::ask::space::{Ends, Space};
use crate::cover::{Budget, GaveUp};
use crate::net::{NAMESPACE_NAME, Peers, ProductIndex, Selector};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// The home of ends, or `None` for addresses.
type Place = Option<Option<usize>>;

/// The groups by what they are.
#[derive(Debug)]
pub(super) struct Groups<'e> {
    space: &'e Space,
    all: &'e [Named],
    /// The ends of each, where they are; those that are nobody are left out.
    ends: Vec<BTreeMap<Place, Vec<Ends>>>,
    /// Finds groups by the labels of namespaces and of pods.
    index: ProductIndex<2>,
    /// The groups of the ids of the index.
    places: Vec<usize>,
    addresses: Vec<usize>,
    known: FxHashMap<Ends, Rc<Near>>,
    /// What was told before: many ends have the same before them.
    told: FxHashMap<Vec<Ends>, Rc<BTreeMap<usize, Share>>>,
}

/// The groups that have some of one set.
#[derive(Debug, Default, Clone)]
struct Near {
    /// All of them.
    all: Vec<usize>,
    /// Those that have all of it.
    around: Vec<usize>,
    /// Those all of which it has.
    inside: Vec<usize>,
    /// Those whose simplest ends it has: no other one can be covered by it and others.
    simplest: Vec<usize>,
}

/// The sets that a group is told with, and the parts of them that it has.
#[derive(Debug, Default, Clone)]
pub(super) struct Share {
    /// The places of the sets.
    pub sets: Vec<usize>,
    /// What of them is meant.
    pub parts: Vec<Ends>,
    /// Whether it has all of each of the sets.
    pub whole_sets: bool,
}

pub(super) fn place(end: &Ends) -> Place {
    end.pods().map(|pods| pods.home)
}

impl<'e> Groups<'e> {
    pub fn new(everyone: &'e Everyone<'_>, budget: &mut Budget) -> Result<Groups<'e>, GaveUp> {
        let space = &everyone.space;
        let (mut places, mut items, mut addresses): (Vec<usize>, Vec<[&Selector; 2]>, Vec<usize>) = Default::default();
        let mut ends = Vec::with_capacity(everyone.groups.len());
        for (at, group) in everyone.groups.iter().enumerate() {
            let mut by_place: BTreeMap<Place, Vec<Ends>> = BTreeMap::new();
            for end in group.set.ends(space) {
                if !space.is_empty(&end, budget)? {
                    by_place.entry(place(&end)).or_default().push(end);
                }
            }
            ends.push(by_place);
            for peers in &group.set.peers {
                match peers {
                    Peers::Pods { namespaces, pods } => {
                        places.push(at);
                        items.push([namespaces, pods]);
                    }
                    Peers::Any | Peers::Addresses(_) => addresses.push(at),
                }
            }
        }
        addresses.dedup();
        let index = ProductIndex::new(items.into_iter().enumerate());
        Ok(Groups {
            space,
            all: &everyone.groups,
            ends,
            index,
            places,
            addresses,
            known: FxHashMap::default(),
            told: FxHashMap::default(),
        })
    }

    /// The ends of a group that are where a set is.
    pub fn ends_at(&self, group: usize, place: Place) -> &[Ends] {
        self.ends.get(group).and_then(|ends| ends.get(&place)).map(Vec::as_slice).unwrap_or_default()
    }

    /// All ends of a group.
    pub fn ends_of(&self, group: usize) -> impl Iterator<Item = &Ends> {
        self.ends.get(group).into_iter().flat_map(BTreeMap::values).flatten()
    }

    /// Whether a group has some of a set.
    pub fn has_some(&self, group: usize, set: &Ends, budget: &mut Budget) -> Result<bool, GaveUp> {
        for end in self.ends_at(group, place(set)) {
            budget.spend(1)?;
            if let Some(both) = self.space.both(end, set)
                && !self.space.is_empty(&both, budget)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn near(&mut self, set: &Ends, budget: &mut Budget) -> Result<Rc<Near>, GaveUp> {
        if let Some(known) = self.known.get(set) {
            return Ok(known.clone());
        }
        let candidates = match self.space.around(set) {
            Peers::Any | Peers::Addresses(_) => self.addresses.clone(),
            Peers::Pods { namespaces, pods } => {
                let ids = self.index.query([&namespaces, &pods]);
                let groups: BTreeSet<usize> = ids.into_iter().filter_map(|id| self.places.get(id).copied()).collect();
                groups.into_iter().collect()
            }
        };
        let mut near = Near::default();
        for group in candidates {
            if !self.has_some(group, set, budget)? {
                continue;
            }
            near.all.push(group);
            if self.ends_at(group, place(set)).iter().any(|end| self.space.has_simplest(set, end)) {
                near.simplest.push(group);
            }
            if self.ends_at(group, place(set)).iter().any(|end| self.space.holds(end, set)) {
                near.around.push(group);
            }
            if self.ends.get(group).is_some_and(|all| all.len() == 1)
                && self.ends_at(group, place(set)).iter().all(|end| self.space.holds(set, end))
            {
                near.inside.push(group);
            }
        }
        let near = Rc::new(near);
        self.known.insert(set.clone(), near.clone());
        Ok(near)
    }

    /// The name of the namespace that a set is in, where it is in one that has a name.
    fn home(&self, set: &Ends) -> Option<Arc<str>> {
        let pods = set.pods()?;
        match pods.home.and_then(|home| self.space.homes().get(home)) {
            Some(home) => Some(home.name.clone()),
            None => match pods.namespaces.required_value(NAMESPACE_NAME) {
                Some([name]) => Some(name.clone()),
                _ => None,
            },
        }
    }

    /// Of some groups those that count for a set: those that name its namespace, where any does. Nobody means that by the
    /// labels that it may have, too.
    fn meant(&self, set: &Ends, near: &Near) -> Near {
        let home = self.home(set);
        let names_it = |group: &usize| self.all.get(*group).and_then(|group| group.name.namespace()) == home.as_ref();
        if home.is_none() || !near.all.iter().any(names_it) {
            return near.clone();
        }
        let own = |groups: &[usize]| groups.iter().copied().filter(names_it).collect();
        Near { all: own(&near.all), around: own(&near.around), inside: own(&near.inside), simplest: Vec::new() }
    }

    /// Of groups that have all of a set those that have a name of their own, if there are any.
    fn with_names(&self, groups: Vec<usize>) -> Vec<usize> {
        let has_name =
            |group: &usize| self.all.get(*group).is_some_and(|group| !matches!(group.name, GroupName::Rest(_)));
        let named: Vec<usize> = groups.iter().copied().filter(has_name).collect();
        if named.is_empty() { groups } else { named }
    }

    /// By what groups some sets are told: each that they have as a whole, and for what is in none of those some groups that
    /// it is in.
    pub fn tell(&mut self, sets: Vec<Ends>, budget: &mut Budget) -> Result<Rc<BTreeMap<usize, Share>>, GaveUp> {
        budget.spend(sets.len())?;
        if let Some(known) = self.told.get(&sets) {
            return Ok(known.clone());
        }
        let told = Rc::new(self.find(&sets, budget)?);
        self.told.insert(sets, told.clone());
        Ok(told)
    }

    fn find(&mut self, sets: &[Ends], budget: &mut Budget) -> Result<BTreeMap<usize, Share>, GaveUp> {
        let mut near = Vec::with_capacity(sets.len());
        for set in sets {
            near.push(self.near(set, budget)?);
        }
        let whole = self.whole(sets, &near, budget)?;
        let mut told: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, (set, near)) in sets.iter().zip(&near).enumerate() {
            for group in self.by_groups(set, near, &whole, budget)? {
                told.entry(group).or_default().push(at);
            }
        }
        let mut counts = vec![0_usize; sets.len()];
        told.values().flatten().for_each(|at| counts.get_mut(*at).into_iter().for_each(|count| *count += 1));
        let mut shares = BTreeMap::new();
        for (group, ats) in told {
            let mut share = Share { whole_sets: true, ..Share::default() };
            for at in ats {
                let (Some(set), Some(near)) = (sets.get(at), near.get(at)) else { continue };
                let has_all = near.around.contains(&group);
                share.whole_sets &= has_all;
                share.sets.push(at);
                if has_all || counts.get(at) == Some(&1) {
                    share.parts.push(set.clone());
                    continue;
                }
                for both in self.ends_at(group, place(set)).iter().filter_map(|end| self.space.both(end, set)) {
                    if !self.space.is_empty(&both, budget)? {
                        share.parts.push(both);
                    }
                }
            }
            shares.insert(group, share);
        }
        Ok(shares)
    }

    /// The groups all of which is in some sets.
    fn whole(&self, sets: &[Ends], near: &[Rc<Near>], budget: &mut Budget) -> Result<BTreeSet<usize>, GaveUp> {
        let mut whole: BTreeSet<usize> = near.iter().flat_map(|near| near.inside.iter().copied()).collect();
        let possible: BTreeSet<usize> = near.iter().flat_map(|near| near.simplest.iter().copied()).collect();
        let mut touching: BTreeMap<usize, BTreeMap<Place, Vec<&Ends>>> = BTreeMap::new();
        for (set, near) in sets.iter().zip(near) {
            for group in near.all.iter().filter(|group| possible.contains(group) && !whole.contains(group)) {
                touching.entry(*group).or_default().entry(place(set)).or_default().push(set);
            }
        }
        for (group, sets) in touching {
            let Some(ends) = self.ends.get(group).filter(|ends| ends.len() == sets.len()) else { continue };
            let mut is_whole = true;
            for (place, end) in ends.iter().flat_map(|(place, ends)| ends.iter().map(move |end| (place, end))) {
                let sets = sets.get(place).into_iter().flatten().copied();
                if !soon(budget, |budget| self.space.covers(sets, end, budget))? {
                    is_whole = false;
                    break;
                }
            }
            if is_whole {
                whole.insert(group);
            }
        }
        Ok(whole)
    }

    /// The groups by which one set is told.
    fn by_groups(
        &self,
        set: &Ends,
        near: &Near,
        whole: &BTreeSet<usize>,
        budget: &mut Budget,
    ) -> Result<Vec<usize>, GaveUp> {
        let near = self.meant(set, near);
        let mut groups = near.inside.clone();
        if near.around.iter().any(|group| near.inside.contains(group)) {
            return Ok(groups);
        }
        let is_whole = |group: &usize| whole.contains(group);
        let around: Vec<usize> = near.around.iter().copied().filter(is_whole).collect();
        if !around.is_empty() {
            groups.extend(around);
            return Ok(groups);
        }
        let inside = groups.iter().flat_map(|group| self.ends_at(*group, place(set)));
        if !groups.is_empty() && soon(budget, |budget| self.space.covers(inside, set, budget))? {
            return Ok(groups);
        }
        if !near.around.is_empty() {
            groups.extend(self.with_names(near.around));
            return Ok(groups);
        }
        groups.extend(near.all.iter().copied().filter(|group| is_whole(group) && !near.inside.contains(group)));
        let out: Vec<&Ends> = groups.iter().flat_map(|group| self.ends_at(*group, place(set))).collect();
        let mut rest = Vec::new();
        let is_found = soon(budget, |budget| {
            rest = self.space.without(set, out, budget)?;
            Ok(true)
        })?;
        if !is_found {
            rest = vec![set.clone()];
        }
        for group in near.all.into_iter().filter(|group| !is_whole(group)) {
            for part in &rest {
                if self.has_some(group, part, budget)? {
                    groups.push(group);
                    break;
                }
            }
        }
        Ok(groups)
    }

    /// The names, in their order.
    pub fn names(&self) -> Vec<GroupName> {
        self.all.iter().map(|group| group.name.clone()).collect()
    }
}
