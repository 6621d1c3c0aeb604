//! What addresses are called.

use crate::ask::everyone::Everyone;
use crate::net::{AddressSet, Peers};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The groups of addresses.
#[derive(Debug, Default)]
pub(super) struct AddressGroups {
    groups: Vec<(usize, AddressSet)>,
    none: AddressSet,
    /// What was told before: many ends have the same before them.
    told: FxHashMap<Vec<AddressSet>, Rc<[ToldAddresses]>>,
}

/// Groups that tell the same.
#[derive(Debug, Clone)]
pub(super) struct ToldAddresses {
    pub groups: Vec<usize>,
    /// The places of the sets that they are of, and what they have of them.
    pub sets: Vec<usize>,
    pub addresses: AddressSet,
}

/// The groups that have some of a set.
struct NearGroups {
    /// Those that have all of it.
    around: Vec<usize>,
    /// Those all of which it has.
    inside: Vec<usize>,
    others: Vec<usize>,
}

impl AddressGroups {
    pub(super) fn new(everyone: &Everyone<'_>) -> Self {
        let groups = everyone.groups.iter().enumerate().filter(|(_, group)| !group.name.is_pods());
        let addresses = |peers: &Peers| match peers {
            Peers::Addresses(addresses) => addresses.clone(),
            Peers::Any => everyone.space.facts().every_address(),
            Peers::Pods { .. } => AddressSet::empty(),
        };
        let groups = groups.map(|(place, group)| (place, union(group.set.peers.iter().map(addresses))));
        AddressGroups { groups: groups.filter(|(_, all)| !all.is_empty()).collect(), ..AddressGroups::default() }
    }

    /// The groups all of which are in some addresses.
    pub(super) fn inside<'s>(&'s self, addresses: &'s AddressSet) -> impl Iterator<Item = usize> + 's {
        self.groups.iter().filter(|(_, all)| addresses.contains(all)).map(|(group, _)| *group)
    }

    /// By what groups some sets are told: each that they have as a whole, and for what is in none of those some groups that
    /// it is in.
    pub(super) fn tell(&mut self, sets: Vec<AddressSet>) -> Rc<[ToldAddresses]> {
        if let Some(known) = self.told.get(&sets) {
            return known.clone();
        }
        let told: Rc<[ToldAddresses]> = self.find(&sets).into();
        self.told.insert(sets, told.clone());
        told
    }

    fn find(&self, sets: &[AddressSet]) -> Vec<ToldAddresses> {
        let everything = union(sets.iter().cloned());
        let whole: BTreeSet<usize> =
            (0..self.groups.len()).filter(|group| everything.contains(self.of(*group))).collect();
        let mut by_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, set) in sets.iter().enumerate() {
            for group in self.by_groups(set, &whole) {
                by_group.entry(group).or_default().push(at);
            }
        }
        let mut places: FxHashMap<Vec<usize>, usize> = FxHashMap::default();
        let mut told: Vec<ToldAddresses> = Vec::new();
        for (group, ats) in by_group {
            let own = self.of(group);
            let mine: Vec<&AddressSet> = ats.iter().filter_map(|at| sets.get(*at)).collect();
            let has_all = mine.iter().all(|set| own.contains(set));
            // Groups that have all of the same sets are one.
            let place = if has_all { *places.entry(ats.clone()).or_insert(told.len()) } else { told.len() };
            let name = self.groups.get(group).map(|(name, _)| *name);
            match told.get_mut(place) {
                Some(known) => known.groups.extend(name),
                None => {
                    let addresses = union(mine.into_iter().cloned());
                    let addresses = if has_all { addresses } else { addresses.intersect(own) };
                    told.push(ToldAddresses { groups: name.into_iter().collect(), sets: ats, addresses });
                }
            }
        }
        told
    }

    fn of(&self, group: usize) -> &AddressSet {
        self.groups.get(group).map_or(&self.none, |(_, all)| all)
    }

    fn near(&self, set: &AddressSet) -> NearGroups {
        let mut near = NearGroups { around: Vec::new(), inside: Vec::new(), others: Vec::new() };
        for (group, (_, all)) in self.groups.iter().enumerate().filter(|(_, (_, all))| all.overlaps(set)) {
            let (is_around, is_inside) = (all.contains(set), set.contains(all));
            near.around.extend(is_around.then_some(group));
            near.inside.extend(is_inside.then_some(group));
            near.others.extend((!is_around && !is_inside).then_some(group));
        }
        near
    }

    /// The groups by which one set is told.
    fn by_groups(&self, set: &AddressSet, whole: &BTreeSet<usize>) -> Vec<usize> {
        let NearGroups { around, inside, others } = self.near(set);
        if around.iter().any(|group| inside.contains(group)) {
            return inside;
        }
        let mut groups = inside;
        let known = around.iter().copied().filter(|group| whole.contains(group));
        let before = groups.len();
        groups.extend(known);
        let told = union(groups.iter().map(|group| self.of(*group).clone()));
        if groups.len() > before || told.contains(set) {
            return groups;
        }
        if !around.is_empty() {
            groups.extend(around);
            return groups;
        }
        let (known, others): (Vec<usize>, Vec<usize>) = others.into_iter().partition(|group| whole.contains(group));
        groups.extend(known);
        let rest = set.subtract(&union(groups.iter().map(|group| self.of(*group).clone())));
        groups.extend(others.into_iter().filter(|group| self.of(*group).overlaps(&rest)));
        groups
    }
}

fn union(sets: impl Iterator<Item = AddressSet>) -> AddressSet {
    sets.fold(AddressSet::empty(), |all, one| all.union(&one))
}
