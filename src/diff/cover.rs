//! Names for sets of ends: few names, which say exactly the set.

use super::Version;
use crate::ask::{Group, GroupName, Situation};
use crate::engine::{End, EndId, World};
use crate::net::{AddressSet, NAMESPACE_NAME, Selector, Truth};
use crate::netpol::{Peer, Policy};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

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
    /// Whether it is only an example of the pods that it stands for.
    is_example: bool,
}

/// Names that together are some ends.
#[derive(Debug, Default)]
struct Cover {
    names: Vec<String>,
    /// How many of them are only examples.
    examples: usize,
}

impl Cover {
    /// How bad it is.
    fn cost(&self) -> (usize, usize) {
        (self.examples, self.names.len())
    }
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
                group.is_some_and(|group| matches!(group.name, GroupName::Workload(..)))
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
    /// The names of a situation, those of the newer version before those that only the older one has; where nobody named
    /// its pods, what the policies select, too.
    pub fn new(situation: &'s Situation, [old, new]: [&Version<'_>; 2]) -> Self {
        let is_example = |name: &GroupName| matches!(name, GroupName::Pods(..));
        let all = Items::new(situation);
        let group = |(place, group): (usize, &Group)| Name {
            text: group.name.to_string(),
            items: match group.name {
                GroupName::Workload(..) => all.of_groups(&group.ends, &[place]),
                _ => all.of(&group.ends),
            },
            is_example: is_example(&group.name),
        };
        let name = |text: String, items| Name { text, items, is_example: false };
        let mut names: Vec<Name> = situation.groups.iter().enumerate().map(group).collect();
        names.extend(situation.unions().map(|(text, ends)| {
            let items = match situation.groups_of_workload(text) {
                Some(groups) => all.of_groups(ends, groups),
                None => all.of(ends),
            };
            name(text.to_owned(), items)
        }));
        if names.iter().any(|name| name.is_example) {
            let selected = selected(&situation.world, &[old.policies, new.policies]);
            names.extend(selected.into_iter().map(|(text, ends)| name(text, all.of(&ends))));
        }
        let declared = |version: &Version<'_>| -> BTreeSet<(Option<Arc<str>>, Arc<str>)> {
            version.program.map(|program| program.declared.clone()).unwrap_or_default()
        };
        let (before, after) = (declared(old), declared(new));
        let is_gone = |text: &str| {
            let known = match text.split_once('/') {
                Some((namespace, name)) => (Some(Arc::from(namespace)), Arc::from(name)),
                None => (None, Arc::from(text)),
            };
            before.contains(&known) && !after.contains(&known)
        };
        // Of names that say the same here, the one that says least elsewhere.
        let is_wide = |text: &str| matches!(text, "cluster" | "anywhere");
        names.sort_by_cached_key(|name| (name.is_example, is_gone(&name.text), is_wide(&name.text)));
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
    pub fn of(&self, ends: &[EndId]) -> Vec<String> {
        let mut best = self.best(&self.items.of(ends));
        if best.examples > 0 {
            let mut by_namespace: BTreeMap<Option<&Arc<str>>, Vec<EndId>> = BTreeMap::new();
            for end in ends {
                let namespace = self.situation.world.namespace_of(*end).and_then(|one| one.name.as_ref());
                by_namespace.entry(namespace).or_default().push(*end);
            }
            let mut parts = Cover::default();
            for part in by_namespace.values() {
                let part = self.best(&self.items.of(part));
                parts.names.extend(part.names);
                parts.examples += part.examples;
            }
            if parts.cost() < best.cost() {
                best = parts;
            }
        }
        best.names
    }

    /// The names themselves, or one from which others are taken away.
    fn best(&self, items: &[Item]) -> Cover {
        let plain = self.cover(items);
        if plain.examples == 0 && plain.names.len() <= MANY {
            return plain;
        }
        let wider = items.first().and_then(|item| self.of.get(*item)).into_iter().flatten();
        let wider = wider.filter_map(|index| self.names.get(*index));
        let holds = |name: &&Name| !name.is_example && items.iter().all(|item| name.items.binary_search(item).is_ok());
        let wider = wider.filter(holds).min_by_key(|name| name.items.len());
        let Some(whole) = wider else { return plain };
        let rest: Vec<Item> = whole.items.iter().copied().filter(|item| items.binary_search(item).is_err()).collect();
        let rest = self.cover(&rest);
        // To say whom it leaves out has to be worth it.
        let is_longer = plain.examples == 0 && 2 * rest.names.len() >= plain.names.len();
        if is_longer || rest.names.len() > MANY || rest.cost() >= plain.cost() {
            return plain;
        }
        Cover { names: vec![format!("{} except {}", whole.text, rest.names.join(", "))], examples: rest.examples }
    }

    fn cover(&self, items: &[Item]) -> Cover {
        let mut hits: BTreeMap<usize, usize> = BTreeMap::new();
        for name in items.iter().filter_map(|item| self.of.get(*item)).flatten() {
            *hits.entry(*name).or_default() += 1;
        }
        let whole = |(index, hits): (usize, usize)| {
            self.names.get(index).filter(|name| name.items.len() == hits).map(|name| (index, name))
        };
        let mut inside: Vec<(usize, &Name)> = hits.into_iter().filter_map(whole).collect();
        inside.sort_by_key(|(index, name)| (name.is_example, Reverse(name.items.len()), *index));
        let mut left: BTreeSet<Item> = items.iter().copied().collect();
        let mut chosen: Vec<(Item, String)> = Vec::new();
        let mut examples = 0;
        for (_, name) in inside {
            let Some(first) = name.items.iter().find(|item| left.contains(item)) else { continue };
            chosen.push((*first, name.text.clone()));
            examples += usize::from(name.is_example);
            name.items.iter().for_each(|item| _ = left.remove(item));
            if left.is_empty() {
                break;
            }
        }
        let mut addresses = AddressSet::empty();
        let mut first_address = None;
        for item in left {
            let Some(end) = self.items.ends.get(item).copied() else { continue };
            match self.situation.world.end(end) {
                Some(End::Addresses { addresses: some, .. }) => {
                    addresses = addresses.union(some);
                    first_address.get_or_insert(item);
                }
                _ => {
                    chosen.push((item, self.example(end)));
                    examples += 1;
                }
            }
        }
        if let Some(first) = first_address {
            chosen.push((first, GroupName::Addresses(addresses).to_string()));
        }
        chosen.sort();
        chosen.dedup_by(|a, b| a.1 == b.1);
        Cover { names: chosen.into_iter().map(|(_, name)| name).collect(), examples }
    }

    /// A kind of pods that no name says exactly, by the labels of one.
    fn example(&self, end: EndId) -> String {
        let world = &self.situation.world;
        let (Some(pods), Some(namespace)) = (world.pods(end), world.namespace_of(end)) else { return String::new() };
        let mut beside = namespace.labels.clone();
        beside.remove(NAMESPACE_NAME);
        GroupName::Pods(namespace.name.clone(), beside, pods.labels.clone()).to_string()
    }
}

/// The namespace, or what is asked of it, and what is asked of the pods.
type Selected<'a> = (Option<&'a Arc<str>>, Option<&'a Selector>, &'a Selector);

/// What policies select, as the language writes it, and the ends of that.
fn selected(world: &World, policies: &[&[Policy]]) -> Vec<(String, Vec<EndId>)> {
    let mut wanted: BTreeSet<Selected<'_>> = BTreeSet::new();
    for policy in policies.iter().copied().flatten() {
        wanted.insert((Some(&policy.namespace), None, &policy.subject));
        let rules = policy.ingress.iter().chain(&policy.egress).flatten();
        for peer in rules.flat_map(|rule| &rule.peers) {
            match peer {
                Peer::Pods { namespaces: Some(namespaces), pods } => _ = wanted.insert((None, Some(namespaces), pods)),
                Peer::Pods { namespaces: None, pods } => _ = wanted.insert((Some(&policy.namespace), None, pods)),
                Peer::Block(_) => {}
            }
        }
    }
    let named = |(home, namespaces, pods): Selected<'_>| {
        let is_in = |end: &EndId| {
            let (Some(kind), Some(namespace)) = (world.pods(*end), world.namespace_of(*end)) else { return false };
            let right = match namespaces {
                Some(namespaces) => namespace.matches(namespaces) == Truth::Yes,
                None => namespace.name.as_ref() == home,
            };
            right && pods.matches(&kind.labels)
        };
        let mut name = match (home, namespaces) {
            (Some(home), _) => home.to_string(),
            (None, Some(one)) => match one.required_value(NAMESPACE_NAME) {
                Some([name]) if one.keys().count() == 1 => name.to_string(),
                _ if one.is_everything() => "*".to_owned(),
                _ => format!("({one})"),
            },
            (None, None) => String::new(),
        };
        match pods.is_everything() {
            true => name.push_str("/*"),
            false => _ = write!(name, "/({pods})"),
        }
        (name, world.ids().filter(is_in).collect())
    };
    wanted.into_iter().map(named).collect()
}
