//! Regions: products of pods, peers and ports, and whether some of them together cover another.

use super::{AddressSet, PortSet, Selector, Values, escapes};
use std::sync::Arc;

/// The other ends of traffic. A pod is never one of the addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peers {
    /// Every pod and every address, name and entity.
    Any,
    /// Pods by labels.
    Pods {
        /// Their namespaces, by the labels of the namespaces.
        namespaces: Selector,
        /// Their own labels.
        pods: Selector,
    },
    /// Addresses.
    Addresses(AddressSet),
}

impl Peers {
    /// Whether there is no such peer.
    pub fn is_empty(&self) -> bool {
        match self {
            Peers::Any => false,
            Peers::Pods { namespaces, pods } => namespaces.contradiction().is_some() || pods.contradiction().is_some(),
            Peers::Addresses(addresses) => addresses.is_empty(),
        }
    }

    /// Whether a peer could be in both.
    pub fn overlaps(&self, other: &Peers) -> bool {
        match (self, other) {
            (Peers::Any, peers) | (peers, Peers::Any) => !peers.is_empty(),
            (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
                // Pods more often differ than namespaces.
                pods.overlaps(their_pods) && namespaces.overlaps(their_namespaces)
            }
            (Peers::Addresses(mine), Peers::Addresses(theirs)) => mine.overlaps(theirs),
            (Peers::Pods { .. }, Peers::Addresses(_)) | (Peers::Addresses(_), Peers::Pods { .. }) => false,
        }
    }

    /// Whether every peer that could be in `other` is in this. Also answers no for an `other` without any peers.
    fn covers(&self, other: &Peers) -> bool {
        match (self, other) {
            (Peers::Any, _) => true,
            (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
                namespaces.contains(their_namespaces) && pods.contains(their_pods)
            }
            (Peers::Addresses(mine), Peers::Addresses(theirs)) => mine.contains(theirs),
            (Peers::Pods { .. } | Peers::Addresses(_), _) => false,
        }
    }

    /// The pods and the addresses apart.
    fn worlds(&self) -> Vec<Peers> {
        match self {
            Peers::Any => vec![
                Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() },
                Peers::Addresses(AddressSet::everything()),
            ],
            Peers::Pods { .. } | Peers::Addresses(_) => vec![self.clone()],
        }
    }
}

/// The traffic between subjects and peers on ports, in one direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// The pods whose traffic it is, by their labels.
    pub subject: Selector,
    /// The other ends.
    pub peers: Peers,
    /// The ports.
    pub ports: PortSet,
}

impl Region {
    /// Whether there can be no such traffic.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty() || self.subject.contradiction().is_some() || self.peers.is_empty()
    }

    /// Whether some traffic could be in both.
    pub fn overlaps(&self, other: &Region) -> bool {
        self.ports.overlaps(&other.ports) && self.subject.overlaps(&other.subject) && self.peers.overlaps(&other.peers)
    }

    /// Whether all traffic of `other` is in this region alone.
    pub fn contains(&self, other: &Region) -> bool {
        self.covers(other) || is_covered(other, &[self])
    }

    /// The same for a region that is not empty and whose peers are of one world.
    fn covers(&self, other: &Region) -> bool {
        self.ports.contains(&other.ports) && self.subject.contains(&other.subject) && self.peers.covers(&other.peers)
    }
}

/// How many comparisons of two regions [`uncovered`] spends after it has compared each of `by` once.
const BUDGET: usize = 100_000;

/// Whether `by` together cover `region`; as exact as [`uncovered`], and faster where they do not.
pub fn is_covered(region: &Region, by: &[&Region]) -> bool {
    let missed = region.point().is_some_and(|point| !by.iter().any(|one| one.has(&point)));
    !missed && !escapes(region, by) && uncovered(region, by).is_none()
}

/// A part of `region` that none of `by` covers, or `None` when together they cover it; an empty region is covered.
///
/// It is exact, except that it gives up after very many steps (the question is hard in general). It then answers with
/// a part that it has not seen covered. So it may take a covered region for uncovered, and never the reverse.
pub fn uncovered(region: &Region, by: &[&Region]) -> Option<Region> {
    if region.is_empty() {
        return None;
    }
    let mut open = Vec::new();
    for peers in region.peers.worlds() {
        let part = Region { peers, ..region.clone() };
        let near: Vec<&Region> = by.iter().copied().filter(|one| one.overlaps(&part)).collect();
        if !near.iter().any(|one| one.covers(&part)) {
            open.push((part, near));
        }
    }
    let mut budget = BUDGET;
    open.into_iter().find_map(|(part, near)| remainder(part, &near, &mut budget))
}

/// A part of `region` (not empty, of one world) that none of `by` covers.
///
/// Takes off one of `by` at a time: what is outside of it, cut into regions, has to be covered by those after it.
fn remainder(region: Region, by: &[&Region], budget: &mut usize) -> Option<Region> {
    let mut open: Vec<(Region, &[&Region])> = vec![(region, by)];
    while let Some((part, by)) = open.pop() {
        if *budget < by.len() {
            return Some(part);
        }
        *budget -= by.len();
        if by.iter().any(|one| one.covers(&part)) {
            continue;
        }
        let Some(first) = by.iter().position(|one| one.overlaps(&part)) else { return Some(part) };
        let mut rest = by.iter().skip(first);
        if let Some(one) = rest.next() {
            let after = by.get(first + 1..).unwrap_or_default();
            outside(part, one, |piece| open.push((piece, after)));
        }
    }
    None
}

/// Gives `keep` the parts of `part` outside of `by`, disjoint and none of them empty. The two must overlap.
fn outside(mut part: Region, by: &Region, mut keep: impl FnMut(Region)) {
    let ports = part.ports.subtract(&by.ports);
    if !ports.is_empty() {
        keep(Region { ports, ..part.clone() });
    }
    part.ports = part.ports.intersect(&by.ports);
    let inside = cut(&part.subject, &by.subject, |subject| {
        keep(Region { subject, ..part.clone() });
    });
    part.subject = inside;
    match (&part.peers, &by.peers) {
        (Peers::Addresses(mine), Peers::Addresses(theirs)) => {
            let addresses = mine.subtract(theirs);
            if !addresses.is_empty() {
                keep(Region { peers: Peers::Addresses(addresses), ..part.clone() });
            }
        }
        (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
            let mut with = |namespaces: Selector, pods: Selector| {
                keep(Region { peers: Peers::Pods { namespaces, pods }, ..part.clone() });
            };
            let inside = cut(namespaces, their_namespaces, |namespaces| with(namespaces, pods.clone()));
            cut(pods, their_pods, |pods| with(inside.clone(), pods));
        }
        _ => {}
    }
}

/// Gives `keep` the parts of `selector` outside of `by`, disjoint and none of them empty, and returns the part inside.
pub fn cut(selector: &Selector, by: &Selector, mut keep: impl FnMut(Selector)) -> Selector {
    let mut inside = selector.clone();
    for (key, theirs) in by.entries() {
        let key: &Arc<str> = key;
        let mine: Values = inside.values(key).clone();
        // Of large selectors mostly all keys but one are alike.
        if theirs.contains(&mine) {
            continue;
        }
        for rest in mine.minus(theirs) {
            keep(inside.with(key, rest));
        }
        inside = inside.with(key, mine.and(theirs));
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Protocol::Tcp;

    fn region(subject: Selector, ports: PortSet) -> Region {
        Region { subject, peers: Peers::Any, ports }
    }

    fn require(key: &str, values: Values) -> Selector {
        let mut selector = Selector::everything();
        selector.require(key, values);
        selector
    }

    #[test]
    fn parts_cover_together_what_none_covers_alone() {
        let whole = region(Selector::everything(), PortSet::range(Tcp, 80, 85));
        let there = region(require("app", Values::exists()), PortSet::range(Tcp, 80, 90));
        let absent = region(require("app", Values::does_not_exist()), PortSet::everything());
        assert!(uncovered(&whole, &[&there]).is_some());
        assert!(uncovered(&whole, &[&there, &absent]).is_none());
    }

    #[test]
    fn the_parts_outside_are_disjoint() {
        let pods = |namespaces, pods| Peers::Pods { namespaces, pods };
        let mut subject = require("app", Values::one_of(["x", "y"]));
        subject.require("env", Values::exists());
        let by = Region {
            subject,
            peers: pods(require("team", Values::exists()), require("role", Values::one_of(["x"]))),
            ports: PortSet::range(Tcp, 80, 90),
        };
        let whole = Region {
            subject: Selector::everything(),
            peers: pods(Selector::everything(), Selector::everything()),
            ports: PortSet::range(Tcp, 85, 95),
        };
        let mut parts = vec![by.clone()];
        outside(whole.clone(), &by, |part| parts.push(part));
        assert_eq!(parts.len(), 6);
        for (index, part) in parts.iter().enumerate() {
            assert!(!parts.iter().skip(index + 1).any(|other| other.overlaps(part)), "{part:?}");
        }
        assert!(uncovered(&whole, &parts.iter().collect::<Vec<_>>()).is_none());
    }

    #[test]
    fn any_is_pods_and_addresses() {
        let any = region(Selector::everything(), PortSet::everything());
        let [pods, addresses] =
            [0, 1].map(|world| Region { peers: Peers::Any.worlds().swap_remove(world), ..any.clone() });
        assert!(uncovered(&any, &[&pods, &addresses]).is_none());
        assert_eq!(uncovered(&any, &[&pods]), Some(addresses.clone()));
        assert_eq!(uncovered(&any, &[&addresses]), Some(pods.clone()));
        assert!(!pods.overlaps(&addresses) && any.contains(&pods) && !pods.contains(&any));
    }

    #[test]
    fn a_name_is_not_covered_by_numbers() {
        let named = region(Selector::everything(), PortSet::named(Tcp, "http".into()));
        let low = region(Selector::everything(), PortSet::range(Tcp, 1, 100));
        let high = region(Selector::everything(), PortSet::range(Tcp, 101, 65535));
        assert!(uncovered(&named, &[&low, &high]).is_some());
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
    fn gives_up_on_the_side_of_uncovered() {
        let whole = region(Selector::everything(), PortSet::everything());
        let few = combinations(5);
        assert!(uncovered(&whole, &few.iter().collect::<Vec<_>>()).is_none());
        // Some thousands of comparisons are still made.
        let more = combinations(7);
        assert!(uncovered(&whole, &more.iter().collect::<Vec<_>>()).is_none());
        let many = combinations(12);
        assert!(uncovered(&whole, &many.iter().collect::<Vec<_>>()).is_some());
    }
}
