//! In which column everything stands, by who calls whom: callers to the left.

use std::collections::{BTreeMap, BTreeSet};

/// The rank of each of so many, from 0, by who calls whom and how often.
pub(super) fn ranks(count: usize, calls: &BTreeMap<(usize, usize), usize>) -> Vec<usize> {
    let order = order(count, calls);
    let mut place = vec![0; count];
    for (at, one) in order.iter().enumerate() {
        place.get_mut(*one).into_iter().for_each(|slot| *slot = at);
    }
    let at = |one: usize| place.get(one).copied().unwrap_or_default();
    // Those that go back are drawn back, and say nothing about the order.
    let forward: BTreeSet<(usize, usize)> = calls.keys().copied().filter(|(from, to)| at(*from) < at(*to)).collect();
    let mut callers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut called: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, to) in &forward {
        callers.entry(*to).or_default().push(*from);
        called.entry(*from).or_default().push(*to);
    }
    let mut ranks = vec![0; count];
    let rank = |ranks: &[usize], one: usize| ranks.get(one).copied().unwrap_or_default();
    for one in &order {
        let before = callers.get(one).into_iter().flatten().map(|caller| rank(&ranks, *caller) + 1).max();
        ranks.get_mut(*one).into_iter().for_each(|slot| *slot = before.unwrap_or_default());
    }
    // Who calls more than is called stands near those whom it calls.
    for one in order.iter().rev() {
        let (out, into) = (called.get(one).map_or(0, Vec::len), callers.get(one).map_or(0, Vec::len));
        let nearest = called.get(one).into_iter().flatten().map(|to| rank(&ranks, *to)).min();
        if let Some(nearest) = nearest.filter(|_| out > into) {
            ranks.get_mut(*one).into_iter().for_each(|slot| *slot = nearest.saturating_sub(1).max(*slot));
        }
    }
    ranks
}

/// An order in which few go back: those whom nobody calls first, those who call nobody last, and of a circle the one first
/// that calls most and is called least.
fn order(count: usize, calls: &BTreeMap<(usize, usize), usize>) -> Vec<usize> {
    let mut out: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); count];
    let mut into: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); count];
    for ((from, to), times) in calls.iter().filter(|((from, to), _)| from != to) {
        out.get_mut(*from).into_iter().for_each(|slot| _ = slot.insert(*to, *times));
        into.get_mut(*to).into_iter().for_each(|slot| _ = slot.insert(*from, *times));
    }
    let mut left: BTreeSet<usize> = (0..count).collect();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    while !left.is_empty() {
        let is_bare = |all: &[BTreeMap<usize, usize>], one: &usize| all.get(*one).is_none_or(BTreeMap::is_empty);
        let sum =
            |all: &[BTreeMap<usize, usize>], one: &usize| all.get(*one).map_or(0, |all| all.values().sum::<usize>());
        let source = left.iter().find(|one| is_bare(&into, one)).copied();
        let sink = || left.iter().find(|one| is_bare(&out, one)).copied();
        let (next, is_sink) = match (source, sink()) {
            (Some(source), _) => (source, false),
            (None, Some(sink)) => (sink, true),
            (None, None) => {
                let lead = |one: &&usize| {
                    let lead = i64::try_from(sum(&out, one)).unwrap_or(i64::MAX)
                        - i64::try_from(sum(&into, one)).unwrap_or(i64::MAX);
                    (lead, std::cmp::Reverse(**one))
                };
                match left.iter().max_by_key(lead) {
                    Some(one) => (*one, false),
                    None => break,
                }
            }
        };
        left.remove(&next);
        if is_sink {
            last.push(next)
        } else {
            first.push(next)
        }
        let theirs = out.get_mut(next).map(std::mem::take).unwrap_or_default();
        theirs.keys().for_each(|to| into.get_mut(*to).into_iter().for_each(|slot| _ = slot.remove(&next)));
        let ours = into.get_mut(next).map(std::mem::take).unwrap_or_default();
        ours.keys().for_each(|from| out.get_mut(*from).into_iter().for_each(|slot| _ = slot.remove(&next)));
    }
    last.reverse();
    first.extend(last);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(count: usize, calls: &[(usize, usize)]) -> Vec<usize> {
        ranks(count, &calls.iter().map(|call| (*call, 1)).collect())
    }

    #[test]
    fn callers_stand_before_those_whom_they_call() {
        assert_eq!(ranked(3, &[(0, 1), (1, 2)]), [0, 1, 2]);
        // Who is called by nobody stands near those whom it calls.
        assert_eq!(ranked(4, &[(0, 1), (1, 2), (3, 2)]), [0, 1, 2, 1]);
        // One of a circle goes back.
        assert_eq!(ranked(3, &[(0, 1), (1, 2), (2, 0)]), [0, 1, 2]);
        assert_eq!(ranked(2, &[(0, 0)]), [0, 0]);
    }
}
