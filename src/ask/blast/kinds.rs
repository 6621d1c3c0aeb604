//! Pods as they are declared, by the groups that they are in.
//!
//! Labels exclude each other seldom, so a pod can have those of several tiers. One that is declared is of one of its groups,
//! which lies in all its others; that others could exist is said once. So there are as many kinds of pods as groups, where
//! nothing else tells pods apart, and what is asked about them is asked of each as a whole.

use super::soon;
use crate::ask::everyone::{Everyone, NamedEnds};
use crate::ask::space::{Ends, Space, SpaceGrants, SpacePods};
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, NAMESPACE_NAME, Peers, ProductIndex, Selector, Values, namespace_by_name};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Pods of the same groups.
#[derive(Debug)]
pub(super) struct Kind {
    pub ends: Ends,
    /// The groups that tell them, sorted.
    pub groups: Vec<usize>,
    /// Whether they are DNS servers.
    pub is_server: bool,
    /// Those that nothing isolates, in the order of [`Direction::ALL`].
    open: [Part; 2],
    /// Whether no other kind has some of them.
    pub is_apart: bool,
}

/// How many of some pods are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    None,
    Some(Ends),
    All,
}

/// Where pods are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// In a home.
    Home(usize),
    /// In a namespace of this name that is no home.
    Named(Arc<str>),
    /// In others that are no homes.
    Elsewhere,
}

impl Place {
    /// Where some pods are.
    pub(super) fn of(pods: &SpacePods) -> Place {
        match (pods.home, pods.namespaces.required_value(NAMESPACE_NAME)) {
            (Some(home), _) => Place::Home(home),
            (None, Some([name])) => Place::Named(name.clone()),
            (None, _) => Place::Elsewhere,
        }
    }
}

/// All kinds.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    pub all: Vec<Kind>,
    /// Those of each place.
    places: BTreeMap<Place, Vec<u32>>,
    /// Those that lie in selectors of namespaces and of pods, where no other one overlaps them.
    inside: FxHashMap<(Place, Selector, Selector), Vec<u32>>,
    /// How many there are in each group.
    pub counts: Vec<usize>,
    /// The groups that a pod can be in together with another one, none of which lies in the other, with those.
    overlapping: BTreeMap<usize, Vec<usize>>,
    /// The names that namespaces have which go by labels, and those of all that are no homes.
    elsewhere: Option<(Values, Values)>,
}

/// A selector of a group.
struct Item {
    group: usize,
    ends: Ends,
    /// The others that it lies in.
    around: Vec<usize>,
    /// Those of other groups that have some of its pods, and not all.
    beside: Vec<usize>,
    /// Whether another one of its group has some of its pods, and not all.
    is_twin: bool,
    /// Whether it is all that has some labels.
    is_whole: bool,
}

impl Item {
    fn new(group: usize, ends: Ends) -> Item {
        let is_whole = ends.pods().is_some_and(|pods| pods.less.is_empty());
        Item { group, ends, around: Vec::new(), beside: Vec::new(), is_twin: false, is_whole }
    }
}

impl Kind {
    /// Those whom nothing isolates in a direction.
    pub(super) fn open(&self, direction: Direction) -> &Part {
        let [ingress, egress] = &self.open;
        if direction == Direction::Ingress { ingress } else { egress }
    }

    pub(super) fn pods(&self) -> Option<&SpacePods> {
        self.ends.pods()
    }
}

impl Kinds {
    /// Those of everyone, where `servers` are told apart.
    pub(super) fn new(
        everyone: &Everyone<'_>,
        grants: &SpaceGrants<'_>,
        servers: &[Ends],
        budget: &mut Budget,
    ) -> Result<Kinds, GaveUp> {
        let mut builder = KindsBuilder { space: &everyone.space, grants, servers, kinds: Kinds::default(), budget };
        for (place, items) in builder.items(everyone)? {
            builder.add(&place, items)?;
        }
        let mut kinds = builder.kinds;
        kinds.counts = vec![0; everyone.groups.len()];
        for group in kinds.all.iter().flat_map(|kind| &kind.groups) {
            kinds.counts.get_mut(*group).into_iter().for_each(|count| *count += 1);
        }
        Ok(kinds)
    }

    pub(super) fn get(&self, kind: u32) -> Option<&Kind> {
        self.all.get(kind as usize)
    }

    /// The places, with the kinds there.
    pub(super) fn places(&self) -> impl Iterator<Item = (&Place, &[u32])> {
        self.places.iter().map(|(place, kinds)| (place, kinds.as_slice()))
    }

    /// Those of a place.
    pub(super) fn at(&self, place: &Place) -> &[u32] {
        self.places.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those that are all in some selectors, where no other one has some of that: labels of namespaces beyond what is stated.
    pub(super) fn inside(&self, place: &Place, namespaces: &Selector, labels: &Selector) -> Option<&[u32]> {
        self.inside.get(&(place.clone(), namespaces.clone(), labels.clone())).map(Vec::as_slice)
    }

    /// Those of some groups that a pod can be in together with another one, and those.
    pub(super) fn overlapping(&self, groups: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        let known = groups.filter_map(|group| Some((group, self.overlapping.get(&group)?)));
        known.flat_map(|(group, others)| others.iter().copied().chain([group])).collect()
    }

    /// Those of some namespaces that are no homes which go by labels.
    pub(super) fn without_names(&self, namespaces: &Selector) -> Selector {
        let Some((others, all)) = &self.elsewhere else { return namespaces.clone() };
        let known = namespaces.values(NAMESPACE_NAME);
        // Long lists of names share their memory.
        let names = if known == all { others.clone() } else { known.and(others) };
        namespaces.with(&NAMESPACE_NAME.into(), names)
    }

    /// Those some of whom are among ends.
    pub(super) fn of(&self, ends: &Ends) -> impl Iterator<Item = u32> {
        let home = ends.pods().map(|pods| pods.home);
        let elsewhere = (home == Some(None)).then(|| {
            let is_elsewhere = |(place, _): &(&Place, &Vec<u32>)| !matches!(place, Place::Home(_));
            self.places.iter().filter(is_elsewhere).flat_map(|(_, kinds)| kinds)
        });
        let at_home = home.flatten().map(|home| self.at(&Place::Home(home)));
        at_home.into_iter().flatten().chain(elsewhere.into_iter().flatten()).copied()
    }
}

/// The items that lie in each, and are less than it.
fn inside(items: &[Item]) -> Vec<Vec<usize>> {
    let mut inside: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    for (at, item) in items.iter().enumerate() {
        let is_less = |wide: &&usize| items.get(**wide).is_some_and(|wide| !wide.around.contains(&at));
        for wide in item.around.iter().filter(is_less) {
            inside.get_mut(*wide).into_iter().for_each(|inside| inside.push(at));
        }
    }
    inside
}

struct KindsBuilder<'a, 'b> {
    space: &'a Space,
    grants: &'a SpaceGrants<'a>,
    servers: &'a [Ends],
    kinds: Kinds,
    budget: &'b mut Budget,
}

impl KindsBuilder<'_, '_> {
    /// The selectors of all groups, by their places. Where groups name the namespace, nobody means its pods by others.
    fn items(&mut self, everyone: &Everyone<'_>) -> Result<BTreeMap<Place, Vec<Item>>, GaveUp> {
        let mut named: BTreeMap<Place, Vec<Item>> = BTreeMap::new();
        let mut others: BTreeMap<Place, Vec<Item>> = BTreeMap::new();
        for (group, one) in everyone.groups.iter().enumerate().filter(|(_, one)| one.name.is_pods()) {
            for ends in self.ends(everyone, one)? {
                let Some(place) = ends.pods().map(Place::of) else { continue };
                let is_named = match &place {
                    Place::Home(home) => self.space.homes().get(*home).map(|home| &home.name) == one.name.namespace(),
                    Place::Named(_) | Place::Elsewhere => true,
                };
                let list = if is_named { &mut named } else { &mut others };
                list.entry(place).or_default().push(Item::new(group, ends));
            }
        }
        for (place, items) in others {
            let known = named.entry(place).or_default();
            for item in items {
                // Who is of a tier of every namespace is of two tiers, if another one takes some of it in.
                let is_sure = item.ends.pods().is_some_and(|pods| pods.namespaces.is_everything());
                if is_sure && everyone.has_program() {
                    Self::add_beside(item, known, self.space);
                    continue;
                }
                let parts = self.space.without(&item.ends, known.iter().map(|one| &one.ends), self.budget)?;
                known.extend(parts.into_iter().map(|ends| Item::new(item.group, ends)).collect::<Vec<_>>());
            }
        }
        self.leave_out_named(everyone, &mut named)?;
        Ok(named)
    }

    /// Leaves out of the namespaces that go by labels those that have a name: nobody means them by labels that they only
    /// might have.
    fn leave_out_named(
        &mut self,
        everyone: &Everyone<'_>,
        items: &mut BTreeMap<Place, Vec<Item>>,
    ) -> Result<(), GaveUp> {
        let name = |place: &Place| match place {
            Place::Named(name) => Some(name.clone()),
            Place::Home(_) | Place::Elsewhere => None,
        };
        let others = Values::none_of(items.keys().filter_map(name));
        let all = self.space.others().pods().map(|pods| pods.namespaces.values(NAMESPACE_NAME).clone());
        self.kinds.elsewhere = all.map(|all| (all.and(&others), all));
        let Some(mut elsewhere) = items.remove(&Place::Elsewhere) else { return Ok(()) };
        for (place, known) in items.iter_mut().filter(|_| everyone.has_program()) {
            let Place::Named(name) = place else { continue };
            let home = namespace_by_name(name);
            for item in &elsewhere {
                let Some(pods) = item.ends.pods().filter(|pods| pods.namespaces.contains(&home)) else { continue };
                let ends = Ends::Pods(SpacePods { namespaces: home.clone(), ..pods.clone() });
                Self::add_beside(Item::new(item.group, ends), known, self.space);
            }
        }
        let mut left = Vec::with_capacity(elsewhere.len());
        for mut item in elsewhere.drain(..) {
            if let Ends::Pods(pods) = &mut item.ends {
                pods.namespaces = self.kinds.without_names(&pods.namespaces);
            }
            let is_nobody = soon(self.budget, |budget| self.space.is_empty(&item.ends, budget))?;
            left.extend((!is_nobody).then_some(item));
        }
        items.insert(Place::Elsewhere, left);
        Ok(())
    }

    /// Adds a group that does not name the namespace, unless one that does takes it in.
    fn add_beside(item: Item, known: &mut Vec<Item>, space: &Space) {
        if !known.iter().any(|known| space.holds(&known.ends, &item.ends)) {
            known.push(item);
        }
    }

    fn ends(&mut self, everyone: &Everyone<'_>, group: &NamedEnds) -> Result<Vec<Ends>, GaveUp> {
        let space = self.space;
        let own = group.name.namespace().and_then(|name| space.home(name));
        let all = |home| Ends::Pods(space.all_of(home));
        let mut homes: BTreeSet<usize> = own.into_iter().collect();
        let mut is_at_homes = true;
        for peers in &group.set.peers {
            let Peers::Pods { namespaces, .. } = peers else { continue };
            let Some(names) = namespaces.required_value(NAMESPACE_NAME) else {
                is_at_homes = false;
                // What policies select by labels of namespaces is in a group that names the namespace, too.
                homes.extend((0..space.homes().len()).filter(|_| everyone.has_program()));
                continue;
            };
            let at_homes: Vec<usize> = names.iter().filter_map(|name| space.home(name)).collect();
            is_at_homes &= at_homes.len() == names.len();
            homes.extend(at_homes);
        }
        let places = homes.into_iter().map(all).chain((!is_at_homes).then(|| space.others()));
        let mut found = Vec::new();
        for end in places.flat_map(|place| group.set.at(space, &place)) {
            if !soon(self.budget, |budget| space.is_empty(&end, budget))? {
                found.push(end);
            }
        }
        Ok(found)
    }

    /// Adds the kinds of a place.
    fn add(&mut self, place: &Place, mut items: Vec<Item>) -> Result<(), GaveUp> {
        self.relate(&mut items)?;
        let mut declared = Vec::with_capacity(items.len());
        for item in &items {
            declared.push(self.declared(item, &items)?);
        }
        let inner = inside(&items);
        // A group all of whose pods are in others, too, has those of the groups inside it; where there are none, all.
        let has_inner = |at: usize| inner.get(at).is_some_and(|inner| !inner.is_empty());
        let is_told = declared.iter().enumerate().all(|(at, ends)| ends.is_some() || has_inner(at));
        let is_apart = is_told && !items.iter().any(|item| item.is_twin);
        let mut kinds_of: Vec<Vec<u32>> = vec![Vec::new(); items.len()];
        for (at, (item, declared)) in items.iter().zip(declared).enumerate() {
            let same = item
                .around
                .iter()
                .find(|other| **other < at && items.get(**other).is_some_and(|other| other.around.contains(&at)));
            let own = match (same.and_then(|same| kinds_of.get(*same)), declared) {
                (Some(known), _) => known.clone(),
                (None, None) if has_inner(at) => Vec::new(),
                (None, declared) => self.split(place, declared.unwrap_or_else(|| item.ends.clone()), is_apart)?,
            };
            kinds_of.get_mut(at).into_iter().for_each(|kinds| kinds.clone_from(&own));
        }
        self.name(place, &items, (&inner, &kinds_of), is_apart);
        Ok(())
    }

    /// Gives kinds the groups that tell them, and notes which kinds a group has.
    fn name(
        &mut self,
        place: &Place,
        items: &[Item],
        (inside, kinds_of): (&[Vec<usize>], &[Vec<u32>]),
        is_apart: bool,
    ) {
        for ((item, own), inside) in items.iter().zip(kinds_of).zip(inside) {
            let inner = inside.iter().filter_map(|other| kinds_of.get(*other));
            let inner: Vec<u32> = inner.flatten().copied().collect();
            let told = if own.is_empty() { &inner } else { own };
            for kind in told {
                if let Some(kind) = self.kinds.all.get_mut(*kind as usize)
                    && let Err(place) = kind.groups.binary_search(&item.group)
                {
                    kind.groups.insert(place, item.group);
                }
            }
            if let (true, Some(pods)) = (is_apart && item.is_whole, item.ends.pods()) {
                let all: BTreeSet<u32> = own.iter().copied().chain(inner).collect();
                let key = (place.clone(), pods.namespaces.clone(), pods.labels.clone());
                self.kinds.inside.insert(key, all.into_iter().collect());
            }
        }
    }

    /// Finds for each those that it lies in, and those with which it has some pods in common.
    fn relate(&mut self, items: &mut [Item]) -> Result<(), GaveUp> {
        let selectors = |item: &Item| item.ends.pods().map(|pods| (pods.namespaces.clone(), pods.labels.clone()));
        let all: Vec<(Selector, Selector)> = items.iter().filter_map(selectors).collect();
        let index = ProductIndex::new(all.iter().map(|(one, other)| [one, other]).enumerate());
        for (at, (namespaces, labels)) in all.iter().enumerate() {
            let (mut around, mut beside, mut is_twin) = (Vec::new(), Vec::new(), false);
            for other in index.query([namespaces, labels]).into_iter().filter(|other| *other != at) {
                self.budget.spend(1)?;
                let (Some(mine), Some(theirs)) = (items.get(at), items.get(other)) else { continue };
                if self.space.holds(&theirs.ends, &mine.ends) {
                    around.push(other);
                } else if self.overlap(&mine.ends, &theirs.ends)? {
                    match mine.group == theirs.group {
                        true => is_twin = true,
                        false => beside.push(other),
                    }
                }
            }
            if let Some(item) = items.get_mut(at) {
                (item.around, item.beside, item.is_twin) = (around, beside, is_twin);
            }
        }
        for (at, item) in items.iter().enumerate() {
            let apart = |other: &&usize| items.get(**other).is_some_and(|other| !other.around.contains(&at));
            let others: Vec<usize> =
                item.beside.iter().filter(apart).filter_map(|other| Some(items.get(*other)?.group)).collect();
            if !others.is_empty() {
                self.kinds.overlapping.entry(item.group).or_default().extend(others);
            }
        }
        Ok(())
    }

    fn overlap(&mut self, one: &Ends, other: &Ends) -> Result<bool, GaveUp> {
        let Some(both) = self.space.both(one, other) else { return Ok(false) };
        Ok(!soon(self.budget, |budget| self.space.is_empty(&both, budget))?)
    }

    /// The pods of a group that are in no others but those that it lies in; none where there are no such.
    fn declared(&mut self, item: &Item, items: &[Item]) -> Result<Option<Ends>, GaveUp> {
        let mut rest = item.ends.clone();
        for out in item.beside.iter().filter_map(|at| items.get(*at)?.ends.pods()) {
            // What another one leaves out is left out here, too.
            rest = self.space.minus(&rest, &Ends::Pods(SpacePods { less: Vec::new(), ..out.clone() }));
        }
        let is_nobody = soon(self.budget, |budget| self.space.is_empty(&rest, budget))?;
        Ok((!is_nobody).then_some(rest))
    }

    /// Adds the DNS servers among some pods, and the others.
    fn split(&mut self, place: &Place, ends: Ends, is_apart: bool) -> Result<Vec<u32>, GaveUp> {
        let mut kinds = Vec::new();
        for server in self.servers {
            if self.space.holds(server, &ends) {
                return Ok(vec![self.push(place, ends, true, is_apart)?]);
            }
        }
        let mut is_split = false;
        for both in self.servers.iter().filter_map(|server| self.space.both(server, &ends)) {
            if !self.space.is_empty(&both, self.budget)? {
                is_split = true;
                kinds.push(self.push(place, both, true, is_apart && self.servers.len() == 1)?);
            }
        }
        if !is_split {
            return Ok(vec![self.push(place, ends, false, is_apart)?]);
        }
        for rest in self.space.without(&ends, self.servers, self.budget)? {
            kinds.push(self.push(place, rest, false, is_apart)?);
        }
        Ok(kinds)
    }

    fn push(&mut self, place: &Place, ends: Ends, is_server: bool, is_apart: bool) -> Result<u32, GaveUp> {
        let [ingress, egress] = Direction::ALL.map(|direction| self.open(&ends, direction));
        let number = u32::try_from(self.kinds.all.len()).unwrap_or(u32::MAX);
        let kind = Kind { ends, groups: Vec::new(), is_server, open: [ingress?, egress?], is_apart };
        self.kinds.all.push(kind);
        self.kinds.places.entry(place.clone()).or_default().push(number);
        Ok(number)
    }

    fn open(&mut self, ends: &Ends, direction: Direction) -> Result<Part, GaveUp> {
        let Some(pods) = ends.pods() else { return Ok(Part::All) };
        let mut isolated = Vec::new();
        for part in self.grants.isolated_of(ends, direction) {
            if !self.space.is_empty(&part, self.budget)? {
                isolated.extend(part.pods().map(|part| part.labels.clone()));
            }
        }
        if isolated.is_empty() {
            return Ok(Part::All);
        }
        if isolated.iter().any(|labels| labels.contains(&pods.labels)) {
            return Ok(Part::None);
        }
        let mut rest = pods.clone();
        rest.less.extend(isolated.into_iter().map(|labels| (Selector::everything(), labels)));
        let rest = Ends::Pods(rest);
        Ok(if self.space.is_empty(&rest, self.budget)? { Part::None } else { Part::Some(rest) })
    }
}
