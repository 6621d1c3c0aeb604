//! Indexes that find, among many selectors or regions, the few that may overlap one.

use super::{AddressSet, Peers, Selector, Values};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::sync::Arc;

/// Finds the selectors that may overlap one.
#[derive(Debug, Clone)]
pub struct SelectorIndex {
    tree: TreeNode,
}

impl SelectorIndex {
    /// An index of selectors, each with an id for answers.
    pub fn new<'a>(items: impl IntoIterator<Item = (usize, &'a Selector)>) -> Self {
        let items = items.into_iter().map(|(id, selector)| (id, [selector]));
        SelectorIndex { tree: TreeNode::build(&items.collect::<Vec<_>>(), &mut Vec::new()) }
    }

    /// The ids of all selectors that overlap `selector`, and perhaps of some that do not; sorted, each once.
    pub fn query(&self, selector: &Selector) -> Vec<usize> {
        let mut found = Vec::new();
        self.query_into(selector, &mut found);
        found
    }

    /// Whether one of the selectors that may overlap `selector` is as asked, in no order and no further than the first.
    pub fn any(&self, selector: &Selector, mut is: impl FnMut(usize) -> bool) -> bool {
        self.tree.any(&[selector], &mut is)
    }

    /// [`SelectorIndex::query`], in place of what is in `found`.
    pub fn query_into(&self, selector: &Selector, found: &mut Vec<usize>) {
        found.clear();
        self.tree.find(&[selector], found);
        sort(found);
    }
}

/// Finds the rows of several selectors that may overlap others, each in its place.
#[derive(Debug, Clone)]
pub struct ProductIndex<const N: usize> {
    tree: TreeNode,
}

impl<const N: usize> ProductIndex<N> {
    /// An index of rows, each with an id for answers.
    pub fn new<'a>(items: impl IntoIterator<Item = (usize, [&'a Selector; N])>) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        ProductIndex { tree: TreeNode::build(&items, &mut Vec::new()) }
    }

    /// The ids of all rows that overlap `selectors`, and perhaps of some that do not; sorted, each once.
    pub fn query(&self, selectors: [&Selector; N]) -> Vec<usize> {
        let mut found = Vec::new();
        self.tree.find(&selectors, &mut found);
        sort(&mut found);
        found
    }
}

/// Finds the pairs of subject and peers that may overlap one.
#[derive(Debug, Clone)]
pub struct RegionIndex {
    /// Those with pods among the peers, by subject, namespace and pod.
    pods: TreeNode,
    /// Those with addresses among the peers, by subject.
    addresses: TreeNode,
    /// The same, by address.
    v4: Intervals,
    v6: Intervals,
    /// The same, where the addresses are all there are.
    everywhere: Vec<usize>,
    /// The same, where some are names or entities.
    unlisted: Vec<usize>,
}

impl RegionIndex {
    /// An index of the subject and the peers of regions, each with an id for answers.
    pub fn new<'a>(items: impl IntoIterator<Item = (usize, &'a Selector, &'a Peers)>) -> Self {
        let everything = Selector::everything();
        let (mut pods, mut addresses, mut everywhere) = (Vec::new(), Vec::new(), Vec::new());
        let (mut v4, mut v6, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
        for (id, subject, peers) in items {
            match peers {
                Peers::Any => {
                    pods.push((id, [subject, &everything, &everything]));
                    addresses.push((id, [subject]));
                    everywhere.push(id);
                }
                Peers::Pods { namespaces, pods: labels } => pods.push((id, [subject, namespaces, labels])),
                Peers::Addresses(set) => {
                    addresses.push((id, [subject]));
                    v4.extend(set.v4().iter().map(|&(low, high)| (u128::from(low), u128::from(high), id)));
                    v6.extend(set.v6().iter().map(|&(low, high)| (low, high, id)));
                    unlisted.extend(set.has_unlisted().then_some(id));
                }
            }
        }
        RegionIndex {
            pods: TreeNode::build(&pods, &mut Vec::new()),
            addresses: TreeNode::build(&addresses, &mut Vec::new()),
            v4: Intervals::build(v4),
            v6: Intervals::build(v6),
            everywhere,
            unlisted,
        }
    }

    /// The ids of all items that overlap `subject` and `peers`, and perhaps of some that do not; sorted, each once.
    pub fn query(&self, subject: &Selector, peers: &Peers) -> Vec<usize> {
        let everything = Selector::everything();
        let mut found = Vec::new();
        match peers {
            Peers::Any => {
                self.pods.find(&[subject, &everything, &everything], &mut found);
                self.addresses.find(&[subject], &mut found);
            }
            Peers::Pods { namespaces, pods } => self.pods.find(&[subject, namespaces, pods], &mut found),
            Peers::Addresses(set) => found = self.with_addresses(subject, set),
        }
        sort(&mut found);
        found
    }

    /// Those by subject or those by address, whichever are few: often one of the two are nearly all there are.
    fn with_addresses(&self, subject: &Selector, set: &AddressSet) -> Vec<usize> {
        let mut most = FEW;
        loop {
            let mut found = Vec::new();
            if self.addresses.find_few(&[subject], &mut found, most) {
                return found;
            }
            found.clear();
            if self.everywhere.len() <= most && self.find_addresses(set, &mut found, most - self.everywhere.len()) {
                found.extend_from_slice(&self.everywhere);
                if set.has_unlisted() {
                    found.extend_from_slice(&self.unlisted);
                }
                return found;
            }
            most = most.saturating_mul(4);
        }
    }

    fn find_addresses(&self, set: &AddressSet, found: &mut Vec<usize>, most: usize) -> bool {
        let v4 = set.v4().iter().map(|&(low, high)| (&self.v4, low.into(), high.into()));
        let v6 = set.v6().iter().map(|&(low, high)| (&self.v6, low, high));
        v4.chain(v6).all(|(ranges, low, high)| ranges.find_few(low, high, found, most))
    }
}

fn sort(ids: &mut Vec<usize>) {
    ids.sort_unstable();
    ids.dedup();
}

/// An id, and selectors for as many objects, all of which must overlap.
type IndexItem<'a, const N: usize> = (usize, [&'a Selector; N]);

/// A label key of one of the objects.
type Slot = (usize, Arc<str>);

/// So many answers are few enough not to look for fewer.
const FEW: usize = 32;
/// So many items are not worth a fork.
const LEAF: usize = 8;
/// So many forks follow one another at most: each costs memory for items that list several values.
const DEPTH: usize = 6;
/// A list of more values than this is filed as if there were none.
const LISTED: usize = 16;

/// A decision tree: each fork files items under the values that they require of one key.
#[derive(Debug, Clone)]
enum TreeNode {
    Leaf(SmallVec<[usize; 2]>),
    Fork(Box<Fork>),
}

#[derive(Debug, Clone)]
struct Fork {
    slot: Slot,
    /// Items that require one of some values, under each of them; sorted by value.
    by_value: Vec<(Arc<str>, TreeNode)>,
    /// The other items.
    without: TreeNode,
}

impl TreeNode {
    /// The tree of `items`, where the keys in `used` have already forked.
    fn build<const N: usize>(items: &[IndexItem<'_, N>], used: &mut Vec<Slot>) -> TreeNode {
        let leaf = || TreeNode::Leaf(items.iter().map(|(id, _)| *id).collect());
        if items.len() <= LEAF || used.len() >= DEPTH {
            return leaf();
        }
        let Some(slot) = best_slot(items, used) else { return leaf() };
        let mut filed: Vec<(&Arc<str>, IndexItem<'_, N>)> = Vec::with_capacity(items.len());
        let mut without = Vec::new();
        for item in items {
            match required(&item.1, &slot) {
                Some(values) => filed.extend(values.iter().map(|value| (value, *item))),
                None => without.push(*item),
            }
        }
        // Stable, so that items with the same value keep their order.
        filed.sort_by_key(|(value, _)| *value);
        let sorted: Vec<IndexItem<'_, N>> = filed.iter().map(|(_, item)| *item).collect();
        let mut rest = sorted.as_slice();
        used.push(slot.clone());
        let same_value = filed.chunk_by(|(one, _), (other, _)| one == other);
        let by_value = same_value.filter_map(|same| {
            let (own, after) = rest.split_at_checked(same.len())?;
            rest = after;
            same.first().map(|(value, _)| ((*value).clone(), TreeNode::build(own, used)))
        });
        let by_value = by_value.collect();
        let without = TreeNode::build(&without, used);
        used.pop();
        TreeNode::Fork(Box::new(Fork { slot, by_value, without }))
    }

    /// Whether one of the items that may overlap is as asked.
    fn any<const N: usize>(&self, selectors: &[&Selector; N], is: &mut impl FnMut(usize) -> bool) -> bool {
        let fork = match self {
            TreeNode::Leaf(ids) => return ids.iter().any(|id| is(*id)),
            TreeNode::Fork(fork) => fork,
        };
        fork.without.any(selectors, is) || fork.nodes(selectors).any(|node| node.any(selectors, is))
    }

    /// Adds the ids of items that may overlap.
    fn find<const N: usize>(&self, selectors: &[&Selector; N], found: &mut Vec<usize>) {
        self.find_few(selectors, found, usize::MAX);
    }

    /// The same, and whether there are no more than `most` in `found`; where there are, it stops.
    fn find_few<const N: usize>(&self, selectors: &[&Selector; N], found: &mut Vec<usize>, most: usize) -> bool {
        let fork = match self {
            TreeNode::Leaf(ids) => {
                found.extend_from_slice(ids);
                return found.len() <= most;
            }
            TreeNode::Fork(fork) => fork,
        };
        fork.without.find_few(selectors, found, most)
            && fork.nodes(selectors).all(|node| node.find_few(selectors, found, most))
    }
}

impl Fork {
    /// Those of the items under values that selectors allow.
    fn nodes<'f, const N: usize>(&'f self, selectors: &[&'f Selector; N]) -> impl Iterator<Item = &'f TreeNode> {
        let (side, key) = &self.slot;
        let values = selectors.get(*side).map(|selector| selector.values(key));
        let required = values.and_then(Values::required);
        let place = |value| self.by_value.binary_search_by(|(one, _): &(Arc<str>, TreeNode)| one.cmp(value)).ok();
        let of_required = required.into_iter().flatten().filter_map(move |value| self.by_value.get(place(value)?));
        let others = values.filter(|_| required.is_none());
        let all = if others.is_some() { self.by_value.as_slice() } else { &[] };
        let of_others = all.iter().filter(move |(value, _)| others.is_some_and(|values| values.allows(Some(value))));
        of_required.chain(of_others).map(|(_, node)| node)
    }
}

/// The values one of which the item requires, unless they are too many to file it under each.
fn required<'a>(selectors: &[&'a Selector], (side, key): &Slot) -> Option<&'a [Arc<str>]> {
    selectors.get(*side)?.required_value(key).filter(|values| values.len() <= LISTED)
}

/// The key that tells most items apart: required by many, with many values.
fn best_slot<const N: usize>(items: &[IndexItem<'_, N>], used: &[Slot]) -> Option<Slot> {
    let mut seen = FxHashSet::default();
    seen.reserve(items.len());
    let mut counts: FxHashMap<(usize, &Arc<str>), (usize, usize)> = FxHashMap::default();
    for (_, selectors) in items {
        for (side, selector) in selectors.iter().enumerate() {
            for (key, values) in selector.entries() {
                let Some(values) = values.required().filter(|values| values.len() <= LISTED) else { continue };
                let (count, distinct) = counts.entry((side, key)).or_default();
                *count += 1;
                *distinct += values.iter().filter(|value| seen.insert((side, key, *value))).count();
            }
        }
    }
    let known = |side: usize, key: &Arc<str>| used.iter().any(|(one, other)| *one == side && other == key);
    counts
        .into_iter()
        .filter(|&((side, key), (_, distinct))| distinct > 1 && !known(side, key))
        // The last part makes the choice unique, whatever the order of the map.
        .max_by_key(|&(slot, (count, distinct))| (count - count / distinct, Reverse(slot)))
        .map(|((side, key), _)| (side, key.clone()))
}

/// Ranges with ids, sorted by their lower end, and a binary tree with the highest upper end of each half of them.
#[derive(Debug, Clone)]
struct Intervals {
    ranges: Vec<(u128, u128, usize)>,
    /// The tree in the order of a heap: the children of `n` are `2n + 1` and `2n + 2`.
    highest: Vec<u128>,
}

impl Intervals {
    fn build(mut ranges: Vec<(u128, u128, usize)>) -> Self {
        ranges.sort_unstable();
        let leaves = ranges.len().next_power_of_two();
        let mut highest = vec![0; 2 * leaves - 1];
        for (slot, range) in highest.iter_mut().skip(leaves - 1).zip(&ranges) {
            *slot = range.1;
        }
        for node in (0..leaves - 1).rev() {
            let children = highest.get(2 * node + 1..=2 * node + 2).unwrap_or_default();
            let most = children.iter().copied().max().unwrap_or_default();
            if let Some(slot) = highest.get_mut(node) {
                *slot = most;
            }
        }
        Intervals { ranges, highest }
    }

    /// Adds the ids of ranges that overlap the one from `low` to `high`; stops and says no once `found` has more than
    /// `most`.
    fn find_few(&self, low: u128, high: u128, found: &mut Vec<usize>, most: usize) -> bool {
        let until = self.ranges.partition_point(|range| range.0 <= high);
        let leaves = self.ranges.len().next_power_of_two();
        // A node, its first leaf and how many leaves it has.
        let mut open = vec![(0, 0, leaves)];
        while let Some((node, first, count)) = open.pop() {
            if first >= until || self.highest.get(node).is_none_or(|&highest| highest < low) {
                continue;
            }
            if count == 1 {
                found.extend(self.ranges.get(first).map(|range| range.2));
                if found.len() > most {
                    return false;
                }
                continue;
            }
            let half = count / 2;
            open.push((2 * node + 1, first, half));
            open.push((2 * node + 2, first + half, half));
        }
        true
    }
}
