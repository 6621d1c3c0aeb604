//! Who is connected to some ends, whoever that is.

use super::grants::{Everywhere, Grant, Grants};
use super::links::{Half, Link};
use super::{Ends, Pods};
use crate::cover::{Budget, GaveUp};
use crate::engine::of_unknown_number;
use crate::net::{AddressSet, Direction, NAMESPACE_NAME, Peers, PortSet, Selector, Truth};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Finds all connections from ends, or all to them.
#[derive(Debug)]
pub struct Onward<'g> {
    grants: &'g Grants<'g>,
    /// The side of those that it is asked about: egress for connections from them.
    direction: Direction,
    /// What the others are granted.
    granted: Everywhere,
    /// Those of each home, and of all other namespaces last, whom nothing isolates on their side, where there may be some.
    open: Vec<Option<Ends>>,
    /// What is granted to others that may come together with what a home grants.
    partners: FxHashMap<Granted, Partners>,
}

/// What a home grants to some of its pods: they, the others and the ports.
type Granted = (usize, Selector, Peers, PortSet);

/// The grants of homes, by their places.
type Partners = Rc<[(usize, usize)]>;

/// What was found of ends that nothing isolates: it is the same for all of them.
#[derive(Debug, Default)]
struct Met {
    /// Whether it is told of the pods that nothing isolates, either.
    open: Told,
    /// Whether it is told of addresses.
    addresses: bool,
    /// The grants of which all is told.
    granted: FxHashSet<(usize, usize)>,
}

/// How much is told of open pods.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    /// All but some of this home: a home has one set of labels, and these may be less than all that it can have.
    AllBut(usize),
    Everything,
}

impl<'g> Onward<'g> {
    /// For connections from ends (egress), or to them (ingress).
    pub fn new(grants: &'g Grants<'g>, direction: Direction) -> Self {
        let space = grants.space;
        let theirs = direction.other();
        let homes = (0..space.homes().len()).map(|home| {
            let all = Ends::Pods(space.all_of(home));
            let isolated = grants.isolated_of(&all, theirs);
            let rest = isolated.iter().fold(all.clone(), |rest, out| space.minus(&rest, out));
            (!isolated.contains(&all)).then_some(rest)
        });
        let open = homes.chain([Some(space.others())]).collect();
        Onward { grants, direction, granted: grants.everywhere(theirs), open, partners: FxHashMap::default() }
    }

    /// All connections from or to some ends. Those of one home whose labels nobody knows may be the same twice.
    pub fn links(&mut self, front: &[Ends], budget: &mut Budget) -> Result<Vec<Link>, GaveUp> {
        let mut links = Vec::new();
        let mut met = Met::default();
        for end in front {
            for near in self.grants.halves(self.direction, end, &Peers::Any) {
                budget.spend(1)?;
                if near.grant.is_none() && self.grants.space.is_empty(&near.subject, budget)? {
                    continue;
                }
                self.with_open(&near, &mut met, &mut links, budget)?;
                self.with_granted(&near, &mut met, &mut links, budget)?;
            }
        }
        Ok(links)
    }

    /// With those that nothing isolates.
    fn with_open(&self, near: &Half, met: &mut Met, links: &mut Vec<Link>, budget: &mut Budget) -> Result<(), GaveUp> {
        let far = match near.grant.as_ref().map(|grant| &grant.peers) {
            None => self.open_to_open(near, met),
            Some(Peers::Addresses(_)) => vec![Ends::Addresses(AddressSet::all())],
            Some(Peers::Pods { namespaces, .. }) => self.open_in(namespaces),
            Some(Peers::Any) => Vec::new(),
        };
        for subject in far {
            self.join(near, Half { subject, grant: None }, links, budget)?;
        }
        Ok(())
    }

    /// The open ends of whom not all is told.
    fn open_to_open(&self, near: &Half, met: &mut Met) -> Vec<Ends> {
        let own = near.subject.pods();
        let narrow = own.filter(|own| !own.namespaces.is_everything()).and_then(|own| own.home);
        let mut far: Vec<Ends> = match met.open {
            Told::Nothing => self.open.iter().flatten().cloned().collect(),
            Told::AllBut(home) => self.open.get(home).cloned().flatten().into_iter().collect(),
            Told::Everything => Vec::new(),
        };
        met.open = match (met.open, narrow) {
            (Told::Nothing, Some(home)) => Told::AllBut(home),
            (Told::AllBut(home), Some(own)) if own == home => met.open,
            _ => Told::Everything,
        };
        if own.is_some() && !std::mem::replace(&mut met.addresses, true) {
            far.push(Ends::Addresses(AddressSet::all()));
        }
        far
    }

    /// The open ends that may be in some namespaces.
    fn open_in(&self, namespaces: &Selector) -> Vec<Ends> {
        let space = self.grants.space;
        match namespaces.required_value(NAMESPACE_NAME) {
            None => self.open.iter().flatten().cloned().collect(),
            Some(names) => {
                let homes = names.iter().filter_map(|name| space.home(name)).filter_map(|home| self.open.get(home));
                homes.chain(self.open.last()).flatten().cloned().collect()
            }
        }
    }

    /// With those that something is granted to.
    fn with_granted(
        &mut self,
        near: &Half,
        met: &mut Met,
        links: &mut Vec<Link>,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let Some(pods) = near.subject.pods() else { return self.with_granted_addresses(near, links, budget) };
        let granted: Partners = match (&near.grant, pods.home) {
            (Some(grant), Some(home)) => self.partners(home, grant, budget)?,
            _ => {
                let everything = &Selector::everything();
                self.granted.near(self.grants.space, pods, everything, everything).into()
            }
        };
        for place in granted.iter().copied() {
            budget.spend(1)?;
            if near.grant.is_none() && met.granted.contains(&place) {
                continue;
            }
            let Some(far) = self.half(place) else { continue };
            let whole = far.subject.clone();
            if let Some(link) = self.join(near, far, links, budget)? {
                let theirs = if self.direction == Direction::Egress { &link.destination } else { &link.source };
                if near.grant.is_none() && link.truth == Truth::Yes && *theirs == whole {
                    met.granted.insert(place);
                }
            }
        }
        Ok(())
    }

    /// What is granted to others that may come together with what a home grants, whichever of its pods that is granted to.
    fn partners(&mut self, home: usize, grant: &Grant, budget: &mut Budget) -> Result<Partners, GaveUp> {
        let Peers::Pods { namespaces, pods } = &grant.peers else { return Ok([].into()) };
        let key = (home, grant.subject.clone(), grant.peers.clone(), grant.ports.clone());
        if let Some(known) = self.partners.get(&key) {
            return Ok(known.clone());
        }
        let space = self.grants.space;
        let whole = Pods { labels: grant.subject.clone(), ..space.all_of(home) };
        let mut partners = self.granted.near(space, &whole, namespaces, pods);
        budget.spend(partners.len())?;
        let meet = |(home, place): &(usize, usize)| {
            let ports = self.grants.of(*home, self.direction.other()).get(*place).map(|grant| &grant.ports);
            ports
                .is_some_and(|ports| ports.overlaps(&grant.ports) || !of_unknown_number(ports, &grant.ports).is_empty())
        };
        partners.retain(meet);
        let partners: Partners = partners.into();
        self.partners.insert(key, partners.clone());
        Ok(partners)
    }

    /// With those that something is granted to towards addresses.
    fn with_granted_addresses(&self, near: &Half, links: &mut Vec<Link>, budget: &mut Budget) -> Result<(), GaveUp> {
        let theirs = self.direction.other();
        for home in 0..self.grants.space.homes().len() {
            for place in 0..self.grants.of(home, theirs).len() {
                budget.spend(1)?;
                if let Some(far) = self.half((home, place)) {
                    self.join(near, far, links, budget)?;
                }
            }
        }
        Ok(())
    }

    /// What a grant of the other side comes to.
    fn half(&self, (home, place): (usize, usize)) -> Option<Half> {
        let grant = self.grants.of(home, self.direction.other()).get(place)?;
        let subject = Ends::Pods(Pods { labels: grant.subject.clone(), ..self.grants.space.all_of(home) });
        Some(Half { subject, grant: Some(grant.clone()) })
    }

    /// Adds what both sides allow, and gives it.
    fn join<'l>(
        &self,
        near: &Half,
        far: Half,
        links: &'l mut Vec<Link>,
        budget: &mut Budget,
    ) -> Result<Option<&'l Link>, GaveUp> {
        let (out, into) = if self.direction == Direction::Egress { (near, &far) } else { (&far, near) };
        budget.spend(1)?;
        let Some((subject, sure)) = self.grants.let_through(&into.subject, out) else { return Ok(None) };
        let link = self.grants.link(out, &Half { subject, grant: into.grant.clone() }, sure);
        match link {
            Some(link) if self.grants.is_real(&link, budget)? => {
                links.push(link);
                Ok(links.last())
            }
            _ => Ok(None),
        }
    }
}
