//! Names for sets of ends: few names, which say exactly the set.

use super::super::origin::{Version, gone};
use crate::ask::{Group, GroupName, Situation};
use crate::engine::{End, EndId};
use crate::net::AddressSet;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// More names than these are worth an attempt to say whom they leave out.
const MANY: usize = 3;

/// What has to be named: an end, or one of the workloads that share it because no policy tells them apart. By its place.
type Item = usize;

/// The names of a situation.
pub(super) struct Names<'s> {
    situation: &'s Situation,
    /// Each name with its items, sorted; the names that people know best first.
    names: Vec<Name>,
    /// The items, in the order of their ends.
    items: Items,
    /// The names of each item.
    of: Vec<Vec<usize>>,
}

struct Name {
    text: String,
    items: Vec<Item>,
}

/// All that has to be named.
#[derive(Default)]
struct Items {
    /// The end of each.
    ends: Vec<EndId>,
    /// Those of each end, with the group that each workload is.
    of: Vec<Vec<(Item, Option<usize>)>>,
}

impl Items {
    fn new(situation: &Situation) -> Items {
        let mut items = Items::default();
        for end in situation.world.ids() {
            let is_workload = |place: &&usize| {
                let group = situation.groups.get(**place);
                group.is_some_and(|group| group.name.workload().is_some())
            };
            let workloads: Vec<usize> = situation.groups_of(end).iter().filter(is_workload).copied().collect();
            let groups = if workloads.is_empty() { vec![None] } else { workloads.into_iter().map(Some).collect() };
            let first = items.ends.len();
            items.ends.extend(groups.iter().map(|_| end));
            items.of.push((first..).zip(groups).collect());
        }
        items
    }

    /// All of some ends.
    fn of(&self, ends: &[EndId]) -> Vec<Item> {
        ends.iter().filter_map(|end| self.of.get(end.0 as usize)).flatten().map(|(item, _)| *item).collect()
    }

    /// Of some ends, those that are of a group; of groups that are no workloads, all.
    fn of_groups(&self, ends: &[EndId], groups: &[usize]) -> Vec<Item> {
        let all = ends.iter().filter_map(|end| self.of.get(end.0 as usize)).flatten();
        all.filter(|(_, group)| group.is_none_or(|group| groups.contains(&group))).map(|(item, _)| *item).collect()
    }
}

impl<'s> Names<'s> {
    /// The names of a situation, those of the newer version before those that only the older one has.
    pub(super) fn new(situation: &'s Situation, versions: [&Version<'_>; 2]) -> Self {
        let all = Items::new(situation);
        let group = |(place, group): (usize, &Group)| Name {
            text: group.name.to_string(),
            items: match group.name.workload() {
                Some(_) => all.of_groups(&group.ends, &[place]),
                None => all.of(&group.ends),
            },
        };
        let name = |text: String, items| Name { text, items };
        let mut names: Vec<Name> = situation.groups.iter().enumerate().map(group).collect();
        names.extend(situation.unions().map(|(text, ends)| {
            let items = match situation.groups_of_workload(text) {
                Some(groups) => all.of_groups(ends, groups),
                None => all.of(ends),
            };
            name(text.to_owned(), items)
        }));
        let is_gone = gone(versions);
        // Of names that say the same here, the one that says least elsewhere.
        let is_wide = |text: &str| matches!(text, "cluster" | "anywhere");
        names.sort_by_cached_key(|name| (is_gone(&name.text), is_wide(&name.text)));
        names.retain(|name| !name.items.is_empty());
        let mut of = vec![Vec::new(); all.ends.len()];
        for (index, name) in names.iter().enumerate() {
            for item in &name.items {
                of.get_mut(*item).into_iter().for_each(|of| of.push(index));
            }
        }
        Names { situation, names, items: all, of }
    }

    /// Names that together are exactly these ends, which are sorted: as few as can be, and in the order of the ends.
    pub(super) fn of(&self, ends: &[EndId]) -> Vec<String> {
        self.best(&self.items.of(ends))
    }

    /// The names themselves, or one from which others are taken away.
    fn best(&self, items: &[Item]) -> Vec<String> {
        let plain = self.cover(items);
        if plain.len() <= MANY {
            return plain;
        }
        let wider = items.first().and_then(|item| self.of.get(*item)).into_iter().flatten();
        let wider = wider.filter_map(|index| self.names.get(*index));
        let holds = |name: &&Name| items.iter().all(|item| name.items.binary_search(item).is_ok());
        let wider = wider.filter(holds).min_by_key(|name| name.items.len());
        let Some(whole) = wider else { return plain };
        let rest: Vec<Item> = whole.items.iter().copied().filter(|item| items.binary_search(item).is_err()).collect();
        let rest = self.cover(&rest);
        // To say whom it leaves out has to be worth it.
        if 2 * rest.len() >= plain.len() || rest.len() > MANY {
            return plain;
        }
        vec![format!("{} except {}", whole.text, rest.join(", "))]
    }

    fn cover(&self, items: &[Item]) -> Vec<String> {
        let mut hits: BTreeMap<usize, usize> = BTreeMap::new();
        for name in items.iter().filter_map(|item| self.of.get(*item)).flatten() {
            *hits.entry(*name).or_default() += 1;
        }
        let whole = |(index, hits): (usize, usize)| {
            self.names.get(index).filter(|name| name.items.len() == hits).map(|name| (index, name))
        };
        let mut inside: Vec<(usize, &Name)> = hits.into_iter().filter_map(whole).collect();
        inside.sort_by_key(|(index, name)| (Reverse(name.items.len()), *index));
        let mut left: BTreeSet<Item> = items.iter().copied().collect();
        let mut chosen: Vec<(Item, String)> = Vec::new();
        for (_, name) in inside {
            let Some(first) = name.items.iter().find(|item| left.contains(item)) else { continue };
            chosen.push((*first, name.text.clone()));
            name.items.iter().for_each(|item| _ = left.remove(item));
            if left.is_empty() {
                break;
            }
        }
        let mut addresses = AddressSet::empty();
        let mut first_address = None;
        for item in left {
            let Some(end) = self.items.ends.get(item).copied() else { continue };
            if let Some(End::Addresses { addresses: some, .. }) = self.situation.world.end(end) {
                addresses = addresses.union(some);
                first_address.get_or_insert(item);
            }
        }
        if let Some(first) = first_address {
            chosen.push((first, GroupName::Addresses(addresses).to_string()));
        }
        chosen.sort();
        chosen.dedup_by(|a, b| a.1 == b.1);
        chosen.into_iter().map(|(_, name)| name).collect()
    }
}
