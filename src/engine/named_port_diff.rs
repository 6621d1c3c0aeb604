//! What it comes to when one side of a connection names a port whose number the other side has, for every number that a
//! pod could give to the name.

use crate::net::{PortSet, Protocol};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One of these names has to be that of a port.
type Clause<'a> = BTreeSet<&'a Arc<str>>;

/// For two versions of both sides of a connection, the numbers that are open under other conditions: those that are no
/// longer open under all that they were open under, and those that are open under conditions that were not enough.
pub(super) fn changes(sides: &[(PortSet, PortSet); 2]) -> [PortSet; 2] {
    let [mut less, mut more] = [PortSet::empty(), PortSet::empty()];
    let [old, new] = sides;
    for protocol in Protocol::ALL {
        let sets = [&old.0, &old.1, &new.0, &new.1];
        // Between two of these, all numbers are alike.
        let mut bounds = BTreeSet::from([1]);
        for &(low, high) in sets.iter().flat_map(|set| set.ranges(protocol)) {
            bounds.insert(u32::from(low));
            bounds.insert(u32::from(high) + 1);
        }
        let ends = bounds.iter().skip(1).copied().chain([u32::from(u16::MAX) + 1]);
        for (low, end) in bounds.iter().copied().zip(ends) {
            let (Ok(low), Ok(high)) = (u16::try_from(low), u16::try_from(end.saturating_sub(1))) else { continue };
            let conditions = sides.each_ref().map(|(egress, ingress)| conditions(protocol, low, [egress, ingress]));
            let [before, after] = &conditions;
            let mut range = PortSet::range(protocol, low, high);
            if sets.iter().all(|set| !set.has(protocol, low)) {
                // Of numbers that nobody has, the names speak.
                range = PortSet::empty();
                for name in conditions.iter().flatten().flatten() {
                    range.insert(&PortSet::named(protocol, (*name).clone()));
                }
            }
            if !implies(before, after) {
                less.insert(&range);
            }
            if !implies(after, before) {
                more.insert(&range);
            }
        }
    }
    [less, more]
}

/// What has to be true for a number to be open: each clause.
fn conditions<'a>(protocol: Protocol, number: u16, sides: [&'a PortSet; 2]) -> Vec<Clause<'a>> {
    let closed = sides.into_iter().filter(|side| !side.has(protocol, number));
    closed.map(|side| side.names(protocol).collect()).collect()
}

/// Whether whatever fulfils the first conditions fulfils the second.
fn implies(first: &[Clause<'_>], second: &[Clause<'_>]) -> bool {
    second.iter().all(|clause| first.iter().any(|stronger| stronger.is_subset(clause)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Protocol::Tcp;

    fn named() -> PortSet {
        PortSet::named(Tcp, "http".into())
    }

    #[test]
    fn another_number_for_the_same_name_is_a_change() {
        let number = |number| (named(), PortSet::number(Tcp, number));
        let [less, more] = changes(&[number(80), number(8080)]);
        assert_eq!((less, more), (PortSet::number(Tcp, 80), PortSet::number(Tcp, 8080)));
        let swapped = (PortSet::number(Tcp, 80), named());
        assert_eq!(changes(&[number(80), swapped]), [PortSet::empty(), PortSet::empty()]);
    }

    #[test]
    fn a_name_that_is_open_on_both_sides_needs_no_number() {
        let both = (named(), named().union(&PortSet::number(Tcp, 80)));
        assert_eq!(changes(&[both, (named(), named())]), [PortSet::empty(), PortSet::empty()]);
    }
}
