//! In which order boxes and lanes stand in their columns, and ports at the sides of boxes: so that few wires cross.

use super::level::{BoxSide, Expanded, PortKey, Tied, WireEnd};
use std::collections::BTreeMap;

/// How often all columns are gone through.
const SWEEPS: usize = 12;

/// Fixed point of means of places.
const UNIT: i64 = 1 << 16;

/// Far below everything.
const BELOW: i64 = i64::MAX / 4;

/// Orders the items of every column by the means of what they are tied to, and keeps the order with the fewest crossings.
pub(super) fn order(all: &mut Expanded) {
    let neighbours = neighbours(all);
    let mut best = (crossings(all), all.columns.clone());
    for sweep in 0..SWEEPS {
        let count = all.columns.len();
        let forward = sweep % 2 == 0;
        for step in 0..count {
            let column = if forward { step } else { count - 1 - step };
            let places = places(all);
            let key = |item: &usize| {
                let [before, behind] = neighbours.get(*item).cloned().unwrap_or_default();
                let near = if forward { before } else { behind };
                mean(near.iter().filter_map(|near| places.get(*near)).copied())
            };
            if let Some(items) = all.columns.get_mut(column) {
                reorder(items, key);
            }
        }
        let found = crossings(all);
        if found < best.0 {
            best = (found, all.columns.clone());
        }
    }
    all.columns = best.1;
}

/// Sorts those that have a key among the places that they have; the others stay where they are.
fn reorder(items: &mut [usize], key: impl Fn(&usize) -> Option<i64>) {
    let keyed: Vec<(usize, Option<i64>)> = items.iter().map(|item| (*item, key(item))).collect();
    let mut sorted: Vec<(i64, usize)> = keyed.iter().filter_map(|(item, key)| Some(((*key)?, *item))).collect();
    sorted.sort_by_key(|(key, _)| *key);
    let mut next = sorted.into_iter().map(|(_, item)| item);
    for (slot, (_, key)) in items.iter_mut().zip(&keyed) {
        if key.is_some() {
            next.next().into_iter().for_each(|item| *slot = item);
        }
    }
}

/// The items that each item is tied to, in the column before and in the one behind.
fn neighbours(all: &Expanded) -> Vec<[Vec<usize>; 2]> {
    let mut found: Vec<[Vec<usize>; 2]> = vec![Default::default(); all.items.len()];
    for tied in all.zones.iter().flat_map(BTreeMap::values) {
        for (left, _) in &tied.left {
            for (right, _) in &tied.right {
                found.get_mut(*left).into_iter().for_each(|[_, behind]| behind.push(*right));
                found.get_mut(*right).into_iter().for_each(|[before, _]| before.push(*left));
            }
        }
    }
    found
}

/// Where each item stands in its column.
fn places(all: &Expanded) -> Vec<i64> {
    let mut places = vec![0; all.items.len()];
    for column in &all.columns {
        for (item, place) in column.iter().zip(0..) {
            places.get_mut(*item).into_iter().for_each(|slot| *slot = place);
        }
    }
    places
}

fn mean(all: impl Iterator<Item = i64>) -> Option<i64> {
    let (sum, count) = all.fold((0, 0), |(sum, count), one| (sum + one, count + 1));
    (count > 0).then(|| sum * UNIT / count)
}

/// How often wires cross, but for what happens at the same item.
fn crossings(all: &Expanded) -> usize {
    let places = places(all);
    let at = |item: usize| places.get(item).copied().unwrap_or_default();
    let mut count = 0;
    for zone in &all.zones {
        let ends = |tied: &Tied| -> Vec<(i64, i64)> {
            let pairs = tied.left.iter().flat_map(|(left, _)| tied.right.iter().map(move |(right, _)| (*left, *right)));
            pairs.map(|(left, right)| (at(left), at(right))).collect()
        };
        let mut pairs: Vec<(i64, i64)> = zone.values().flat_map(ends).collect();
        pairs.sort_unstable();
        let rights: Vec<(i64, i64)> = pairs;
        count += inversions(&rights);
    }
    count
}

/// How many pairs are in another order on the right than on the left.
fn inversions(pairs: &[(i64, i64)]) -> usize {
    let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
    let mut count = 0;
    let mut waiting: Vec<i64> = Vec::new();
    let mut before = None;
    for (left, right) in pairs {
        if before != Some(*left) {
            waiting.drain(..).for_each(|right| *seen.entry(right).or_default() += 1);
            before = Some(*left);
        }
        count += seen.range(right + 1..).map(|(_, count)| count).sum::<usize>();
        waiting.push(*right);
    }
    count
}

/// The ports at each side of each item, from above.
pub(super) fn ports(all: &Expanded) -> BTreeMap<(usize, BoxSide), Vec<PortKey>> {
    let places = places(all);
    let at = |item: usize| places.get(item).copied().unwrap_or_default();
    let mut found: BTreeMap<(usize, BoxSide), Vec<(i64, PortKey)>> = BTreeMap::new();
    for zone in &all.zones {
        for (wire, tied) in zone {
            for (side, own, others) in
                [(BoxSide::Right, &tied.left, &tied.right), (BoxSide::Left, &tied.right, &tied.left)]
            {
                for (item, role) in own {
                    let beyond = mean(others.iter().map(|(other, _)| at(*other)));
                    // What is tied to its own column leaves at the end that is nearer.
                    let mut beside = own.iter().filter(|end| *end != &(*item, *role)).map(|(other, _)| *other);
                    let key = beyond.unwrap_or_else(|| match beside.next() {
                        Some(other) if at(other) < at(*item) => -BELOW,
                        _ => BELOW,
                    });
                    found.entry((*item, side)).or_default().push((key, (side, *wire, *role)));
                }
            }
        }
    }
    let sorted = |mut keys: Vec<(i64, PortKey)>| {
        keys.sort_by_key(|(key, (_, wire, role))| (*key, *wire, *role == WireEnd::Rim));
        keys.into_iter().map(|(_, key)| key).collect()
    };
    found.into_iter().map(|(place, keys)| (place, sorted(keys))).collect()
}
