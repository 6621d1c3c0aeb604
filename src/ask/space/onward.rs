//! What ends may be connected to, whoever grants it.

use super::SpacePods;
use super::grants::{AllGrants, Grant, SpaceGrants};
use crate::cover::{Budget, GaveUp};
use crate::engine::of_unknown_number;
use crate::net::{Direction, Peers, PortSet, ProductIndex, Selector};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Finds what the other sides grant, by numbers.
#[derive(Debug)]
pub(crate) struct Onward<'g> {
    grants: &'g SpaceGrants<'g>,
    /// The side of the others.
    direction: Direction,
    granted: AllGrants,
    /// Grants by their peers alone: where subjects tell them apart best, the index of both says little of peers.
    by_peers: ProductIndex<2>,
    /// The number of the first grant of each home.
    first: Vec<usize>,
    /// The home of each grant.
    homes: Vec<usize>,
    /// What is granted to others that may come together with what a home grants.
    partners: FxHashMap<OnwardGrant, Partners>,
}

/// What a home grants to some of its pods: they, the others and the ports.
type OnwardGrant = (usize, Selector, Peers, PortSet);

/// Grants, by their numbers.
type Partners = Rc<[usize]>;

impl<'g> Onward<'g> {
    /// For those who are asked about on the other side: ingress for connections from them.
    pub(crate) fn new(grants: &'g SpaceGrants<'g>, direction: Direction) -> Self {
        let (mut first, mut homes) = (Vec::new(), Vec::new());
        let mut items: Vec<(usize, [&Selector; 2])> = Vec::new();
        for home in 0..grants.space.homes().len() {
            first.push(homes.len());
            for grant in grants.of(home, direction) {
                if let Peers::Pods { namespaces, pods } = &grant.peers {
                    items.push((homes.len(), [namespaces, pods]));
                }
                homes.push(home);
            }
        }
        let (granted, by_peers) = (grants.everywhere(direction), ProductIndex::new(items));
        Onward { grants, direction, granted, by_peers, first, homes, partners: FxHashMap::default() }
    }

    /// How many grants there are.
    pub(crate) fn count(&self) -> usize {
        self.homes.len()
    }

    /// The grant of a number, and its home.
    pub(crate) fn grant(&self, number: usize) -> Option<(usize, &'g Grant)> {
        let home = *self.homes.get(number)?;
        let place = number.checked_sub(*self.first.get(home)?)?;
        Some((home, self.grants.of(home, self.direction).get(place)?))
    }

    /// What is granted towards some pods, and perhaps more.
    pub(crate) fn towards(&self, pods: &SpacePods) -> Vec<usize> {
        self.by_peers.query([self.grants.space.known_of(pods), &pods.labels])
    }

    fn numbers(&self, places: Vec<(usize, usize)>) -> Vec<usize> {
        places.into_iter().filter_map(|(home, place)| Some(self.first.get(home)? + place)).collect()
    }

    /// What is granted to others that may come together with what a home grants, whichever of its pods that is granted to.
    pub(crate) fn partners(&mut self, home: usize, grant: &Grant, budget: &mut Budget) -> Result<Partners, GaveUp> {
        let Peers::Pods { namespaces, pods } = &grant.peers else { return Ok([].into()) };
        let key = (home, grant.subject.clone(), grant.peers.clone(), grant.ports.clone());
        if let Some(known) = self.partners.get(&key) {
            return Ok(known.clone());
        }
        let space = self.grants.space;
        let whole = SpacePods { labels: grant.subject.clone(), ..space.all_of(home) };
        let mut partners = self.numbers(self.granted.near(space, &whole, namespaces, pods));
        budget.spend(partners.len())?;
        partners.retain(|number| self.grant(*number).is_some_and(|(_, other)| meet(&other.ports, &grant.ports)));
        let partners: Partners = partners.into();
        self.partners.insert(key, partners.clone());
        Ok(partners)
    }
}

/// Whether something is open on both, or may be.
fn meet(one: &PortSet, other: &PortSet) -> bool {
    one.overlaps(other) || !of_unknown_number(one, other).is_empty()
}
