//! How high everything stands in its column: as straight as wires allow, and never nearer than it may.

use super::level::{BoxSide, Expanded, Offsets, PortKey};
use std::collections::BTreeMap;

/// How often all columns are gone through.
const SWEEPS: usize = 8;

/// What an end of a wire is tied to: the other item, and how much lower this one's port is than the other's.
type Pull = (usize, i32);

/// The upper ends of all items; the highest is at 0.
pub(super) fn tops(all: &Expanded, offsets: &Offsets) -> Vec<i32> {
    let mut tops = vec![0; all.items.len()];
    for column in &all.columns {
        stack(all, column, &mut tops);
    }
    let pulls = pulls(all, offsets);
    let count = all.columns.len();
    for sweep in 0..SWEEPS {
        let last = sweep + 1 == SWEEPS;
        for step in 0..count {
            let column = if sweep % 2 == 0 { step } else { count - 1 - step };
            let Some(items) = all.columns.get(column) else { continue };
            let sides: &[BoxSide] = match (last, sweep % 2) {
                (true, _) => &[BoxSide::Left, BoxSide::Right],
                (false, 0) => &[BoxSide::Left],
                (false, _) => &[BoxSide::Right],
            };
            settle(all, items, &pulls, sides, &mut tops);
        }
    }
    for _ in 0..2 {
        all.columns.iter().for_each(|column| straighten(all, column, &pulls, &mut tops));
        all.columns.iter().rev().for_each(|column| straighten(all, column, &pulls, &mut tops));
    }
    close_gaps(all, &pulls, &mut tops);
    let highest =
        tops.iter().enumerate().map(|(item, top)| top - all.items[item].half_label()).min().unwrap_or_default();
    tops.iter_mut().for_each(|top| *top -= highest);
    tops
}

/// One below the other, in the middle.
fn stack(all: &Expanded, column: &[usize], tops: &mut [i32]) {
    let starts = starts(all, column);
    let height = starts.last().copied().unwrap_or_default() + column.last().map_or(0, |item| all.items[*item].height);
    for (item, start) in column.iter().zip(starts) {
        tops.get_mut(*item).into_iter().for_each(|top| *top = start - height / 2);
    }
}

/// Where each item of a column begins when all stand as near as they may.
fn starts(all: &Expanded, column: &[usize]) -> Vec<i32> {
    let mut next = 0;
    let mut before: Option<usize> = None;
    let mut starts = Vec::with_capacity(column.len());
    for item in column {
        next += before.map_or(0, |before| all.items[before].height + all.gap(before, *item));
        starts.push(next);
        before = Some(*item);
    }
    starts
}

fn pulls(all: &Expanded, offsets: &Offsets) -> BTreeMap<(usize, BoxSide), Vec<Pull>> {
    let mut pulls: BTreeMap<(usize, BoxSide), Vec<Pull>> = BTreeMap::new();
    let offset = |item: usize, key: PortKey| offsets.get(&(item, key)).copied().unwrap_or_default();
    for (wire, tied) in all.zones.iter().flatten() {
        for (left, own) in &tied.left {
            for (right, other) in &tied.right {
                let apart =
                    offset(*right, (BoxSide::Left, *wire, *other)) - offset(*left, (BoxSide::Right, *wire, *own));
                // A boundary goes where its box is, and no box where a boundary is.
                if all.is_thin(*left) || !all.is_boundary(*right) {
                    pulls.entry((*left, BoxSide::Right)).or_default().push((*right, apart));
                }
                if all.is_thin(*right) || !all.is_boundary(*left) {
                    pulls.entry((*right, BoxSide::Left)).or_default().push((*left, -apart));
                }
            }
        }
    }
    pulls
}

/// Moves the items of a column to where they are pulled, as far as they have room.
fn settle(
    all: &Expanded,
    column: &[usize],
    pulls: &BTreeMap<(usize, BoxSide), Vec<Pull>>,
    sides: &[BoxSide],
    tops: &mut [i32],
) {
    let starts = starts(all, column);
    let mut blocks: Vec<PooledBlock> = Vec::new();
    for (item, start) in column.iter().zip(&starts) {
        let top = |item: usize| tops.get(item).copied().unwrap_or_default();
        let near = sides.iter().filter_map(|side| pulls.get(&(*item, *side))).flatten();
        let mut wanted: Vec<i32> = near.map(|(other, apart)| top(*other) + apart).collect();
        wanted.sort_unstable();
        let middle = wanted.get(wanted.len().saturating_sub(1) / 2).copied();
        let weight = if middle.is_some() { 4 } else { 1 };
        let target = middle.unwrap_or_else(|| top(*item)) - start;
        blocks.push(PooledBlock { sum: i64::from(target) * weight, weight, count: 1 });
        while let [.., above, below] = blocks.as_slice()
            && above.mean() > below.mean()
        {
            let joined = PooledBlock {
                sum: above.sum + below.sum,
                weight: above.weight + below.weight,
                count: above.count + below.count,
            };
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let means = blocks.iter().flat_map(|block| std::iter::repeat_n(block.mean(), block.count));
    for ((item, start), mean) in column.iter().zip(starts).zip(means) {
        let mean = i32::try_from(mean).unwrap_or_default();
        tops.get_mut(*item).into_iter().for_each(|top| *top = start + mean);
    }
}

/// Moves lanes and boundaries by the little that makes their wires straight, where they have room.
fn straighten(all: &Expanded, column: &[usize], pulls: &BTreeMap<(usize, BoxSide), Vec<Pull>>, tops: &mut [i32]) {
    for (place, item) in column.iter().enumerate().filter(|(_, item)| all.is_thin(**item)) {
        let top = |item: usize| tops.get(item).copied().unwrap_or_default();
        let above = place.checked_sub(1).and_then(|place| column.get(place));
        let lowest = above.map_or(i32::MIN, |one| top(*one) + all.items[*one].height + all.gap(*one, *item));
        let below = column.get(place + 1);
        let highest = below.map_or(i32::MAX, |one| top(*one) - all.items[*item].height - all.gap(*item, *one));
        let own = top(*item);
        let near = [BoxSide::Left, BoxSide::Right].into_iter().filter_map(|side| pulls.get(&(*item, side))).flatten();
        let wanted = near.map(|(other, apart)| top(*other) + apart).filter(|y| (lowest..=highest).contains(y));
        let Some(nearest) = wanted.min_by_key(|y| ((y - own).abs(), *y)) else { continue };
        tops.get_mut(*item).into_iter().for_each(|top| *top = nearest);
    }
}

/// Moves up what stands below a band that holds nothing, so that no more of it is free than between two boxes.
fn close_gaps(all: &Expanded, pulls: &BTreeMap<(usize, BoxSide), Vec<Pull>>, tops: &mut [i32]) {
    let top = |item: usize| tops.get(item).copied().unwrap_or_default();
    // What is held by boxes, and by wires between two heights.
    let mut held: Vec<(i32, i32)> = all.items.ids().map(|item| all.held(item, top(item))).collect();
    for ((item, _), pulls) in pulls {
        let own = all.held(*item, top(*item));
        held.extend(pulls.iter().map(|(other, _)| {
            let other = all.held(*other, top(*other));
            (own.0.min(other.0), own.1.max(other.1))
        }));
    }
    held.sort_unstable();
    let mut gaps: Vec<(i32, i32)> = Vec::new();
    let mut end = held.first().map_or(0, |(_, end)| *end);
    for (from, to) in held {
        if from > end + all.gaps.boxes {
            gaps.push((from, from - end - all.gaps.boxes));
        }
        end = end.max(to);
    }
    for top in tops.iter_mut() {
        *top -= gaps.iter().filter(|(from, _)| *from <= *top).map(|(_, size)| size).sum::<i32>();
    }
}

/// Neighbours that stand as near as they may.
struct PooledBlock {
    sum: i64,
    weight: i64,
    count: usize,
}

impl PooledBlock {
    fn mean(&self) -> i64 {
        self.sum.div_euclid(self.weight.max(1))
    }
}
