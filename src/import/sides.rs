//! What of the atoms adds something, and which of them a flow can say that opens both sides.

use super::atoms::{Atom, Atoms, Opened, RuleOrigin};
use super::cells::{Cells, Patience};
use super::places::width;
use crate::net::{Direction, Peers, PortSet, Protocol, Region, Selector, SelectorIndex, namespace_by_name};
use crate::netpol::PerDirection;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What each side lets through, without what adds nothing.
#[derive(Debug)]
pub(super) struct Sides {
    /// Of each namespace and direction, what is left.
    pub cells: Vec<PerDirection<Cells>>,
    /// Which atoms of each are gone.
    pub gone: Vec<PerDirection<Vec<bool>>>,
    /// What is gone, with what lets it through instead.
    pub needless: Vec<Needless>,
}

/// A part of a policy without which everything would be the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needless {
    /// The part.
    pub origin: RuleOrigin,
    /// What lets the same through, or some of it.
    pub instead: Vec<RuleOrigin>,
}

/// So many others are named that let the same through.
const MOST_NAMED: usize = 3;

/// How many ports there are in a set, as far as that says which of two is the narrower one.
pub(super) fn width_of_ports(ports: &PortSet) -> u64 {
    if ports.is_everything() {
        return u64::MAX;
    }
    let of = |protocol: Protocol| {
        let numbers = ports.ranges(protocol).iter().map(|(low, high)| u64::from(high - low) + 1).sum::<u64>();
        numbers + ports.names(protocol).count() as u64
    };
    Protocol::ALL.into_iter().map(of).sum()
}

/// Where what is left of a namespace stands.
fn left(opened: &PerDirection<Opened>, gone: &PerDirection<Vec<bool>>) -> Vec<RuleOrigin> {
    let of = |direction: Direction| {
        let atoms = opened.get(direction).atoms.iter().zip(gone.get(direction));
        atoms.filter(|(_, gone)| !**gone).map(|(atom, _)| atom.origin).collect::<Vec<_>>()
    };
    Direction::ALL.into_iter().flat_map(of).collect()
}

/// Takes those selectors out that others together contain, those of many labels first.
fn trim(isolated: &mut Vec<Selector>, patience: &mut Patience) {
    if isolated.len() < 3 {
        return;
    }
    let index = SelectorIndex::new(isolated.iter().enumerate());
    let mut order: Vec<(usize, &Selector)> = isolated.iter().enumerate().collect();
    order.sort_by_cached_key(|(_, selector)| (Reverse(selector.keys().count()), (*selector).clone()));
    let mut gone = vec![false; isolated.len()];
    for (at, selector) in order {
        let near = index.query(selector);
        if !patience.spend(near.len()) {
            return;
        }
        let others = near.into_iter().filter(|other| *other != at && gone.get(*other) == Some(&false));
        let others = others.filter_map(|other| isolated.get(other)).filter(|other| other.overlaps(selector));
        let others: Vec<&Selector> = others.collect();
        // None of them is inside another one.
        if others.len() > 1
            && let Some(gone) = gone.get_mut(at)
        {
            *gone = patience.all_matched(selector, &others);
        }
    }
    let mut gone = gone.into_iter();
    isolated.retain(|_| !gone.next().unwrap_or_default());
}

impl Sides {
    /// Takes away what the rest lets through anyway: of narrow ports and peers first, then what stands last.
    pub(super) fn new(atoms: &Atoms, patience: &mut Patience) -> Sides {
        let mut sides = Sides { cells: Vec::new(), gone: Vec::new(), needless: Vec::new() };
        for opened in &atoms.sides {
            let [ingress, egress] =
                Direction::ALL.map(|direction| sides.side(atoms, direction, opened.get(direction), patience));
            sides.cells.push(PerDirection { ingress: ingress.0, egress: egress.0 });
            sides.gone.push(PerDirection { ingress: ingress.1, egress: egress.1 });
        }
        // Of several values that became a tier each, some may still be needed.
        let left: BTreeSet<RuleOrigin> =
            atoms.sides.iter().zip(&sides.gone).flat_map(|(opened, gone)| left(opened, gone)).collect();
        sides.needless.retain(|one| !left.contains(&one.origin));
        sides.needless.sort();
        sides.needless.dedup_by(|next, first| next.origin == first.origin);
        sides
    }

    fn side(
        &mut self,
        atoms: &Atoms,
        direction: Direction,
        opened: &Opened,
        patience: &mut Patience,
    ) -> (Cells, Vec<bool>) {
        let peers = |atom: &Atom| &atoms.places.get(atom.peer).1;
        let mut cells =
            Cells::new(direction, opened.atoms.iter().map(|atom| (&atom.subject, peers(atom), &atom.ports)));
        let mut gone = vec![false; opened.atoms.len()];
        let mut order: Vec<(usize, &Atom)> = opened.atoms.iter().enumerate().collect();
        order.sort_by_cached_key(|(at, atom)| {
            let narrow = (width_of_ports(&atom.ports), width(peers(atom)), Reverse(atom.subject.keys().count()));
            (narrow, Reverse((atom.origin, *at)))
        });
        for (at, atom) in order {
            // What the program says stays there.
            if atom.origin.policy >= atoms.own || !cells.cover_without(at, &[at], patience) {
                continue;
            }
            cells.remove(at);
            if let Some(slot) = gone.get_mut(at) {
                *slot = true;
            }
            let region =
                Region { subject: atom.subject.clone(), peers: peers(atom).clone(), ports: atom.ports.clone() };
            let near = cells.near(&region, patience).into_iter().filter_map(|at| opened.atoms.get(at));
            let alone = |other: &&Atom| {
                other.ports.contains(&region.ports)
                    && other.subject.contains(&region.subject)
                    && Region { peers: peers(other).clone(), ..region.clone() }.contains(&region)
            };
            let near: Vec<&Atom> = near.collect();
            let instead = match near.iter().copied().find(alone) {
                Some(one) => vec![one.origin],
                None => near.into_iter().take(MOST_NAMED).map(|one| one.origin).collect(),
            };
            self.needless.push(Needless { origin: atom.origin, instead });
        }
        (cells, gone)
    }

    /// Takes those isolated pods out of the lists that others there are together.
    pub(super) fn trim_isolated(atoms: &mut Atoms, patience: &mut Patience) {
        for side in &mut atoms.sides {
            for direction in Direction::ALL {
                trim(&mut side.get_mut(direction).isolated, patience);
            }
        }
    }

    /// Whether the policies let through all that a plain flow of an atom would open on the sides of others.
    pub(super) fn is_plain(&self, atoms: &Atoms, home: usize, atom: &Atom, patience: &mut Patience) -> bool {
        let Some(name) = atoms.names.get(home) else { return false };
        let other = atom.origin.direction.other();
        let peers = Peers::Pods { namespaces: namespace_by_name(name), pods: atom.subject.clone() };
        let Some(opened) = atoms.isolated(atoms.places.place(atom.peer), other) else { return false };
        opened.iter().all(|(home, subject)| {
            let region = Region { subject: subject.clone(), peers: peers.clone(), ports: atom.ports.clone() };
            self.covers(*home, other, &region, patience)
        })
    }

    /// Whether a side lets all of a region through.
    pub(super) fn covers(&self, home: usize, direction: Direction, region: &Region, patience: &mut Patience) -> bool {
        self.cells.get(home).is_some_and(|cells| cells.get(direction).cover(region, patience))
    }

    /// The atoms of a side that are left, with their places.
    pub(super) fn left<'a>(&self, atoms: &'a Atoms, home: usize, direction: Direction) -> Vec<(usize, &'a Atom)> {
        let all = atoms.sides.get(home).into_iter().flat_map(|side| &side.get(direction).atoms);
        let gone = self.gone.get(home).into_iter().flat_map(|gone| gone.get(direction));
        all.zip(gone).enumerate().filter(|(_, (_, gone))| !**gone).map(|(at, (atom, _))| (at, atom)).collect()
    }
}
