//! Sorted lists of disjoint inclusive ranges, over any kind of number.
//!
//! Lists may hold ranges that touch (80-82 and 83-85). Every function compares what is covered, not how it is cut.

/// A number that has neighbours.
pub(super) trait Bound: Copy + Ord {
    /// The next larger number, unless this is the largest.
    fn after(self) -> Option<Self>;
    /// The next smaller number, unless this is the smallest.
    fn before(self) -> Option<Self>;
}

macro_rules! bound {
    ($($number:ty),*) => {$(
        impl Bound for $number {
            fn after(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn before(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}
bound!(u16, u32, u128);

/// Whether ranges that touch without overlapping become one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Touching {
    /// They do.
    Merge,
    /// They stay as they are.
    Keep,
}

/// Sorts ranges given in any order and merges those that overlap.
pub(super) fn normalise<T: Bound>(mut ranges: Vec<(T, T)>, touching: Touching) -> Vec<(T, T)> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joins = next.0 <= kept.1 || (touching == Touching::Merge && kept.1.after() == Some(next.0));
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
    ranges
}

/// What either list covers.
pub(super) fn union<T: Bound>(a: &[(T, T)], b: &[(T, T)], touching: Touching) -> Vec<(T, T)> {
    normalise([a, b].concat(), touching)
}

/// What both lists cover.
pub(super) fn intersect<T: Bound>(mut a: &[(T, T)], mut b: &[(T, T)]) -> Vec<(T, T)> {
    let mut both = Vec::new();
    while let ([first, rest_a @ ..], [second, rest_b @ ..]) = (a, b) {
        let (low, high) = (first.0.max(second.0), first.1.min(second.1));
        if low <= high {
            both.push((low, high));
        }
        if first.1 < second.1 {
            a = rest_a;
        } else {
            b = rest_b;
        }
    }
    both
}

/// Whether some number is in both lists.
pub(super) fn overlaps<T: Bound>(mut a: &[(T, T)], mut b: &[(T, T)]) -> bool {
    while let ([first, ..], [second, ..]) = (a, b) {
        if first.0.max(second.0) <= first.1.min(second.1) {
            return true;
        }
        if first.1 < second.0 {
            a = skip_below(a, second.0);
        } else {
            b = skip_below(b, first.0);
        }
    }
    false
}

/// What `a` covers and `b` does not.
pub(super) fn subtract<T: Bound>(a: &[(T, T)], mut b: &[(T, T)]) -> Vec<(T, T)> {
    let mut left = Vec::new();
    for &(low, high) in a {
        b = skip_below(b, low);
        let mut open = Some(low);
        for &(start, end) in b {
            let Some(from) = open else { break };
            if start > high {
                break;
            }
            if from < start
                && let Some(until) = start.before()
            {
                left.push((from, until));
            }
            open = if end < high { end.after() } else { None };
        }
        if let Some(from) = open {
            left.push((from, high));
        }
    }
    left
}

/// Whether `a` covers all that `b` covers.
pub(super) fn covers<T: Bound>(mut a: &[(T, T)], b: &[(T, T)]) -> bool {
    for &(low, high) in b {
        a = skip_below(a, low);
        let mut missing = Some(low);
        for &(start, end) in a {
            match missing {
                Some(from) if start <= from => missing = if end < high { end.after() } else { None },
                _ => break,
            }
        }
        if missing.is_some() {
            return false;
        }
    }
    true
}

/// Whether the list covers `number`.
pub(super) fn has<T: Bound>(ranges: &[(T, T)], number: T) -> bool {
    let index = ranges.partition_point(|&(_, end)| end < number);
    ranges.get(index).is_some_and(|&(start, _)| start <= number)
}

/// The list without the ranges that end below `low`.
fn skip_below<T: Bound>(ranges: &[(T, T)], low: T) -> &[(T, T)] {
    match ranges {
        [(_, end), ..] if *end < low => ranges.get(ranges.partition_point(|(_, end)| *end < low)..).unwrap_or_default(),
        _ => ranges,
    }
}
