//! From atoms to flows: on both sides where that opens nothing more, each once, without those that others say already.

use super::atoms::{Atom, Atoms, RuleOrigin};
use super::cells::{Cells, Patience};
use super::dns::Servers;
use super::places::{Place, PlaceId, Places, lists, width};
use super::sides::{Sides, width_of_ports};
use crate::net::{Direction, IpBlock, PortSet, Region, Selector};
use crate::netpol::PerDirection;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Who connects to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ends {
    pub source: PlaceId,
    pub destination: PlaceId,
    /// The one side that is opened; `None` for both.
    pub side: Option<Direction>,
}

/// A flow between two places.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    pub ends: Ends,
    pub ports: PortSet,
    /// What of the policies it says.
    pub origins: BTreeSet<RuleOrigin>,
}

/// Flows and the settings of each namespace.
#[derive(Debug)]
pub(super) struct Flows {
    pub flows: Vec<Flow>,
    /// The DNS servers of each namespace, and what of its policies they say.
    pub dns: Vec<(Servers, BTreeSet<RuleOrigin>)>,
    /// The places, also those of subjects.
    pub places: Places,
}

/// A flow on a single port.
#[derive(Debug, Clone)]
struct Item {
    ends: Ends,
    ports: PortSet,
    origins: BTreeSet<RuleOrigin>,
}

impl Flows {
    /// The flows that say what is left of the atoms.
    pub(super) fn new(mut atoms: Atoms, sides: &Sides, patience: &mut Patience) -> (Flows, Atoms) {
        let mut items: BTreeMap<(Ends, PortSet), BTreeSet<RuleOrigin>> = BTreeMap::new();
        let (mut dns, mut said_already) = (Vec::new(), Vec::new());
        let mut places = std::mem::take(&mut atoms.places);
        for home in 0..atoms.names.len() {
            atoms.places = places;
            let servers = sides.servers(&atoms, home, patience);
            let taken: BTreeSet<usize> = servers.taken.iter().copied().collect();
            said_already.extend(servers.opens(&atoms, home));
            let mut found = Vec::new();
            let mut asked = BTreeSet::new();
            for direction in Direction::ALL {
                for (at, atom) in sides.left(&atoms, home, direction) {
                    if atom.origin.policy >= atoms.own {
                        let peers = atoms.places.get(atom.peer).1.clone();
                        let region = Region { subject: atom.subject.clone(), peers, ports: atom.ports.clone() };
                        said_already.push((home, direction, region));
                        continue;
                    }
                    if direction == Direction::Egress && taken.contains(&at) {
                        asked.insert(atom.origin);
                        continue;
                    }
                    found.push((atom.clone(), sides.is_plain(&atoms, home, atom, patience)));
                }
            }
            dns.push((servers.servers, asked));
            places = std::mem::take(&mut atoms.places);
            let Some(name) = atoms.names.get(home) else { continue };
            let mut listed: BTreeMap<OneRule, (Vec<IpBlock>, BTreeSet<RuleOrigin>)> = BTreeMap::new();
            for (atom, plain) in found {
                let Atom { subject, peer, ports, origin } = atom;
                if let Place::Addresses(blocks) = places.place(peer) {
                    let rule = RuleOrigin { peer: None, port: None, ..origin };
                    let (all, origins) = listed.entry((rule, subject, ports)).or_default();
                    all.extend(blocks.iter().cloned());
                    origins.insert(origin);
                    continue;
                }
                let ends = ends(&mut places, name, origin.direction, (subject, peer), plain);
                items.entry((ends, ports)).or_default().insert(origin);
            }
            for ((rule, subject, ports), (blocks, origins)) in listed {
                for list in lists(&blocks.iter().collect::<Vec<_>>()) {
                    let peer = places.id(Place::Addresses(list));
                    // Addresses have no other side.
                    let ends = ends(&mut places, name, rule.direction, (subject.clone(), peer), true);
                    items.entry((ends, ports.clone())).or_default().extend(origins.iter().copied());
                }
            }
        }
        let items = items.into_iter().map(|((ends, ports), origins)| Item { ends, ports, origins }).collect();
        let items = Said::new(&atoms, &places, items, said_already).without_needless(patience);
        (Flows { flows: united(items), dns, places }, atoms)
    }
}

/// A rule with its subject and some of its ports.
type OneRule = (RuleOrigin, Selector, PortSet);

fn ends(
    places: &mut Places,
    name: &Arc<str>,
    direction: Direction,
    (subject, peer): (Selector, PlaceId),
    plain: bool,
) -> Ends {
    let own = places.id(Place::pods(name, subject));
    let (source, destination) = match direction {
        Direction::Ingress => (peer, own),
        Direction::Egress => (own, peer),
    };
    Ends { source, destination, side: (!plain).then_some(direction) }
}

/// Flows of the same ends as one.
fn united(items: Vec<Item>) -> Vec<Flow> {
    let mut all: BTreeMap<Ends, (Vec<PortSet>, BTreeSet<RuleOrigin>)> = BTreeMap::new();
    for item in items {
        let (ports, origins) = all.entry(item.ends).or_default();
        ports.push(item.ports);
        origins.extend(item.origins);
    }
    let flow =
        |(ends, (ports, origins)): (Ends, (Vec<PortSet>, _))| Flow { ends, ports: PortSet::union_of(&ports), origins };
    all.into_iter().map(flow).collect()
}

/// A part of what flows open: an item, and where.
struct Grant {
    /// The item; `None` for what a DNS preset opens, or the program already.
    item: Option<usize>,
    region: Region,
}

/// What flows open on each side.
struct Said<'a> {
    places: &'a Places,
    items: Vec<Item>,
    grants: Vec<PerDirection<Vec<Grant>>>,
    /// The grants of each item: namespace, direction and place there.
    of: Vec<Vec<(usize, Direction, usize)>>,
    /// How many grants there are.
    count: usize,
    /// Whether there are too many to look at.
    given_up: bool,
}

/// More grants are not held against each other.
const MOST_GRANTS: usize = 200_000;

impl<'a> Said<'a> {
    fn new(atoms: &Atoms, places: &'a Places, items: Vec<Item>, said_already: Vec<(usize, Direction, Region)>) -> Self {
        let grants: Vec<PerDirection<Vec<Grant>>> = atoms.names.iter().map(|_| PerDirection::default()).collect();
        let of = vec![Vec::new(); items.len()];
        let mut said = Said { places, items, grants, of, count: 0, given_up: false };
        for at in 0..said.items.len() {
            said.open(at, atoms);
        }
        for (home, direction, region) in said_already {
            if let Some(both) = said.grants.get_mut(home) {
                both.get_mut(direction).push(Grant { item: None, region });
            }
        }
        said
    }

    fn open(&mut self, at: usize, atoms: &Atoms) {
        let Some(Item { ends, ports, .. }) = self.items.get(at).cloned() else { return };
        for direction in Direction::ALL.into_iter().filter(|one| ends.side.is_none_or(|side| side == *one)) {
            let (subject, peer) = match direction {
                Direction::Ingress => (ends.destination, ends.source),
                Direction::Egress => (ends.source, ends.destination),
            };
            let peers = &self.places.get(peer).1;
            let Some(opened) = atoms.isolated(self.places.place(subject), direction) else {
                self.given_up = true;
                return;
            };
            self.count += opened.len();
            self.given_up |= self.count > MOST_GRANTS;
            if self.given_up {
                return;
            }
            for (home, subject) in opened.iter() {
                let home = *home;
                let region = Region { subject: subject.clone(), peers: peers.clone(), ports: ports.clone() };
                let Some(grants) = self.grants.get_mut(home).map(|both| both.get_mut(direction)) else { continue };
                if let Some(of) = self.of.get_mut(at) {
                    of.push((home, direction, grants.len()));
                }
                grants.push(Grant { item: Some(at), region });
            }
        }
    }

    /// The items without which everything would be the same, narrow ones first. What they say of the policies goes to those
    /// that say it as well.
    fn without_needless(mut self, patience: &mut Patience) -> Vec<Item> {
        if self.given_up {
            return self.items;
        }
        let mut cells: Vec<PerDirection<Cells>> = self
            .grants
            .iter()
            .map(|both| {
                let of = |direction| {
                    Cells::new(
                        direction,
                        PerDirection::get(both, direction)
                            .iter()
                            .map(|grant: &Grant| (&grant.region.subject, &grant.region.peers, &grant.region.ports)),
                    )
                };
                PerDirection { ingress: of(Direction::Ingress), egress: of(Direction::Egress) }
            })
            .collect();
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        order.sort_by_cached_key(|at| self.items.get(*at).map(|item| self.rank(item)));
        let mut gone = vec![false; self.items.len()];
        for at in order {
            let of = self.of.get(at).cloned().unwrap_or_default();
            let own = |home: usize, direction: Direction| -> Vec<usize> {
                let here = of.iter().filter(|one| (one.0, one.1) == (home, direction));
                here.map(|(_, _, part)| *part).collect()
            };
            let covered = !of.is_empty()
                && of.iter().all(|(home, direction, part)| {
                    let own = own(*home, *direction);
                    cells.get(*home).is_some_and(|both| both.get(*direction).cover_without(*part, &own, patience))
                });
            if !covered {
                continue;
            }
            for (home, direction, part) in &of {
                if let Some(both) = cells.get_mut(*home) {
                    both.get_mut(*direction).remove(*part);
                }
            }
            if let Some(slot) = gone.get_mut(at) {
                *slot = true;
            }
            self.hand_on(at, &of, &cells, patience);
        }
        self.items.into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(item, _)| item).collect()
    }

    /// Narrow items come first, then those that open one side; else the order of the text.
    fn rank(&self, item: &Item) -> impl Ord + use<> {
        let ends = [item.ends.source, item.ends.destination];
        let wide = ends.map(|end| width(&self.places.get(end).1));
        let texts = ends.map(|end| self.places.place(end).clone());
        (width_of_ports(&item.ports), wide, Reverse(item.ends.side), texts, item.ports.clone())
    }

    /// Gives what an item says of the policies to those that are left and say it, too.
    fn hand_on(
        &mut self,
        at: usize,
        of: &[(usize, Direction, usize)],
        cells: &[PerDirection<Cells>],
        patience: &mut Patience,
    ) {
        let Some(origins) = self.items.get(at).map(|item| item.origins.clone()) else { return };
        let mut heirs: BTreeSet<usize> = BTreeSet::new();
        for (home, direction, part) in of {
            let Some(grants) = self.grants.get(*home).map(|both| both.get(*direction)) else { continue };
            let Some(region) = grants.get(*part).map(|grant| &grant.region) else { continue };
            let near = cells.get(*home).map(|both| both.get(*direction).near(region, patience)).unwrap_or_default();
            heirs.extend(near.into_iter().filter_map(|part| grants.get(part)?.item));
        }
        for heir in heirs {
            if let Some(item) = self.items.get_mut(heir) {
                item.origins.extend(origins.iter().copied());
            }
        }
    }
}
