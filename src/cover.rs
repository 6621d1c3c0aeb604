//! Whether some regions together cover another one, by splitting it until each piece is inside one of them or outside
//! of all.
//!
//! The planner asks the same with an algorithm of its own. This one is another on purpose: a mistake in one of them
//! must not hide behind the same mistake in the other.

#![warn(clippy::wildcard_enum_match_arm)]

use crate::net::{AddressSet, Peers, Protocol, Region, Requirement, Selector, Values};

/// The question took more steps than there are: there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GaveUp;

/// How many comparisons of two regions may be made in all.
#[derive(Debug)]
pub struct Budget(usize);

impl Budget {
    /// A budget of that many comparisons.
    pub fn new(comparisons: usize) -> Self {
        Budget(comparisons)
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0
    }

    /// Spends some of it.
    pub fn spend(&mut self, comparisons: usize) -> Result<(), GaveUp> {
        self.0 = self.0.checked_sub(comparisons).ok_or(GaveUp)?;
        Ok(())
    }
}

/// A part of `region` that lies outside of all of `by`, or `None` when together they cover it.
///
/// Exact. Peers of `region` are pods or addresses and not [`Peers::Any`]; an empty region is covered.
pub fn missing(region: Region, by: &[&Region], budget: &mut Budget) -> Result<Option<Region>, GaveUp> {
    if region.is_empty() {
        return Ok(None);
    }
    let mut open = vec![(region, by.to_vec())];
    while let Some((part, near)) = open.pop() {
        budget.spend(near.len() + 1)?;
        if near.iter().any(|one| covers(one, &part)) {
            continue;
        }
        let near: Vec<&Region> = near.into_iter().filter(|one| one.overlaps(&part)).collect();
        let Some(closest) = near.iter().min_by_key(|one| distance(one, &part)) else { return Ok(Some(part)) };
        for piece in split(&part, closest) {
            open.push((piece, near.clone()));
        }
    }
    Ok(None)
}

/// A label set that `selector` matches and none of `by`, as a selector, or `None` when together they match all.
pub fn unmatched(selector: &Selector, by: &[&Selector], budget: &mut Budget) -> Result<Option<Selector>, GaveUp> {
    let region = |subject: &Selector| Region {
        subject: subject.clone(),
        peers: Peers::Addresses(AddressSet::all()),
        ports: crate::net::PortSet::number(Protocol::Tcp, 1),
    };
    let by: Vec<Region> = by.iter().map(|subject| region(subject)).collect();
    let by: Vec<&Region> = by.iter().collect();
    Ok(missing(region(selector), &by, budget)?.map(|part| part.subject))
}

fn covers(wide: &Region, narrow: &Region) -> bool {
    wide.ports.contains(&narrow.ports)
        && wide.subject.contains(&narrow.subject)
        && match (&wide.peers, &narrow.peers) {
            (Peers::Any, _) => true,
            (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
                namespaces.contains(their_namespaces) && pods.contains(their_pods)
            }
            (Peers::Addresses(mine), Peers::Addresses(theirs)) => mine.contains(theirs),
            (Peers::Pods { .. } | Peers::Addresses(_), _) => false,
        }
}

/// In how many ways `by` is narrower than `part`.
fn distance(by: &Region, part: &Region) -> usize {
    let keys = |wide: &Selector, narrow: &Selector| narrower(wide, narrow).count();
    let peers = match (&by.peers, &part.peers) {
        (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
            keys(namespaces, their_namespaces) + keys(pods, their_pods)
        }
        (Peers::Addresses(mine), Peers::Addresses(theirs)) => usize::from(!mine.contains(theirs)),
        _ => 0,
    };
    usize::from(!by.ports.contains(&part.ports)) + keys(&by.subject, &part.subject) + peers
}

/// The keys of which `by` requires more than `part` does.
fn narrower<'a>(by: &'a Selector, part: &'a Selector) -> impl Iterator<Item = (&'a str, &'a Values)> {
    by.entries().filter(|(key, values)| !values.contains(part.values(key))).map(|(key, values)| (&**key, values))
}

/// `part` in two or three, by the first thing in which `by` is narrower. The two overlap, and `by` does not cover it.
fn split(part: &Region, by: &Region) -> Vec<Region> {
    if !by.ports.contains(&part.ports) {
        let both = [part.ports.intersect(&by.ports), part.ports.subtract(&by.ports)];
        return both.into_iter().map(|ports| Region { ports, ..part.clone() }).collect();
    }
    if let Some(pieces) = split_labels(&part.subject, &by.subject) {
        return pieces.into_iter().map(|subject| Region { subject, ..part.clone() }).collect();
    }
    let peers = match (&part.peers, &by.peers) {
        (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
            let with = |namespaces: &Selector, pods: &Selector| Peers::Pods {
                namespaces: namespaces.clone(),
                pods: pods.clone(),
            };
            match split_labels(namespaces, their_namespaces) {
                Some(pieces) => pieces.iter().map(|namespaces| with(namespaces, pods)).collect(),
                None => {
                    let pieces = split_labels(pods, their_pods).unwrap_or_default();
                    pieces.iter().map(|pods| with(namespaces, pods)).collect()
                }
            }
        }
        (Peers::Addresses(mine), Peers::Addresses(theirs)) => {
            vec![Peers::Addresses(mine.intersect(theirs)), Peers::Addresses(mine.subtract(theirs))]
        }
        _ => Vec::new(),
    };
    peers.into_iter().map(|peers| Region { peers, ..part.clone() }).collect()
}

fn split_labels(part: &Selector, by: &Selector) -> Option<Vec<Selector>> {
    let (key, values) = narrower(by, part).next()?;
    let mut only = Selector::everything();
    only.require(key, values.clone());
    let outside = only.requirements().into_iter().map(|requirement| match requirement {
        Requirement::Equals(_, value) => Values::none_of([value.clone()]),
        Requirement::In(_, values) => Values::none_of(values.iter().cloned()),
        Requirement::NotIn(_, values) => Values::one_of(values.iter().cloned()),
        Requirement::Exists(_) => Values::does_not_exist(),
        Requirement::DoesNotExist(_) => Values::exists(),
    });
    let mut pieces = Vec::with_capacity(3);
    for values in std::iter::once(values.clone()).chain(outside) {
        let mut piece = part.clone();
        piece.require(key, values);
        if piece.contradiction().is_none() {
            pieces.push(piece);
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::net::PortSet;

    fn region(subject: Selector, ports: PortSet) -> Region {
        let peers = Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
        Region { subject, peers, ports }
    }

    fn ask(region: &Region, by: &[Region]) -> Option<Region> {
        let by: Vec<&Region> = by.iter().collect();
        missing(region.clone(), &by, &mut Budget::new(1_000_000)).unwrap()
    }

    /// Every combination of "has the value" and "has it not" of some keys, one region each.
    fn combinations(keys: usize) -> Vec<Region> {
        let one = |bits: usize| {
            let mut subject = Selector::everything();
            for key in 0..keys {
                let values = if bits >> key & 1 == 1 { Values::one_of(["a"]) } else { Values::none_of(["a"]) };
                subject.require(format!("k{key}"), values);
            }
            region(subject, PortSet::everything())
        };
        (0..1 << keys).map(one).collect()
    }

    #[test]
    fn all_combinations_cover_everything_and_all_but_one_do_not() {
        let whole = region(Selector::everything(), PortSet::everything());
        let mut parts = combinations(8);
        assert!(ask(&whole, &parts).is_none());
        let gone = parts.remove(77);
        let part = ask(&whole, &parts).unwrap();
        assert!(gone.contains(&part));
        assert!(parts.iter().all(|one| !one.overlaps(&part)));
    }

    #[test]
    fn the_part_outside_of_several_values_or_absent_is_found() {
        let mut subject = Selector::everything();
        subject.require("a", Values::exists());
        subject.require("a", Values::none_of(["x", "y"]));
        let whole = region(Selector::everything(), PortSet::everything());
        let by = [region(subject, PortSet::everything()), region(Selector::equals("a", "x"), PortSet::everything())];
        assert!(ask(&whole, &by).is_some());
        let rest = Region { subject: Selector::equals("a", "y"), ..whole.clone() };
        let mut absent = Selector::everything();
        absent.require("a", Values::does_not_exist());
        let absent = region(absent, PortSet::everything());
        let by: Vec<Region> = by.into_iter().chain([rest, absent]).collect();
        assert!(ask(&whole, &by).is_none());
    }

    #[test]
    fn gives_up_without_an_answer() {
        let whole = region(Selector::everything(), PortSet::everything());
        let parts = combinations(8);
        let by: Vec<&Region> = parts.iter().collect();
        assert_eq!(missing(whole, &by, &mut Budget::new(1000)), Err(GaveUp));
    }
}
