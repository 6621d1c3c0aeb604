//! Who is at the other end of what is granted.

use super::kinds::{Kind, Kinds, Part, Place};
use crate::ask::space::{Ends, Onward, OtherLabels, Space, SpaceGrants, SpacePods};
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, NAMESPACE_NAME, Peers, Selector, Truth, namespace_by_name};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Pods of a kind.
#[derive(Debug, Clone)]
pub(super) struct Met {
    pub kind: u32,
    /// Whether they are meant for sure.
    pub truth: Truth,
    /// What else they have, where not all of the kind are meant.
    pub narrow: Option<Rc<Narrow>>,
}

/// Labels of namespaces, beyond what is stated of a home, and of pods.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Narrow {
    pub namespaces: Selector,
    pub labels: Selector,
}

/// Finds those at the other ends, and keeps them: the same peers are meant again and again.
pub(super) struct Far<'a> {
    space: &'a Space,
    kinds: Rc<Kinds>,
    /// Their side.
    direction: Direction,
    pub onward: Onward<'a>,
    open: FxHashMap<Peers, Rc<[Met]>>,
    granted: FxHashMap<usize, Rc<[Met]>>,
    /// The kinds in namespaces that go by labels that are among peers, where these are known to be all that are.
    elsewhere: FxHashMap<Peers, Option<Rc<[u32]>>>,
}

/// What is asked of pods at a place.
struct WantedPods {
    truth: Truth,
    namespaces: Selector,
    labels: Selector,
    /// The same, to be shared.
    narrow: Option<Rc<Narrow>>,
}

impl<'a> Far<'a> {
    /// For those who are asked about on their side: ingress for connections to them.
    pub(super) fn new(grants: &'a SpaceGrants<'a>, kinds: Rc<Kinds>, direction: Direction) -> Self {
        let onward = Onward::new(grants, direction);
        let (open, granted, elsewhere) = Default::default();
        Far { space: grants.space(), kinds, direction, onward, open, granted, elsewhere }
    }

    /// Those of some peers whom nothing isolates.
    pub(super) fn open(
        &mut self,
        namespaces: &Selector,
        labels: &Selector,
        budget: &mut Budget,
    ) -> Result<Rc<[Met]>, GaveUp> {
        let key = Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() };
        if let Some(known) = self.open.get(&key) {
            return Ok(known.clone());
        }
        let kinds = self.kinds.clone();
        let mut met = Vec::new();
        let mut shared: Option<Rc<Narrow>> = None;
        for place in self.places(namespaces) {
            let Some((beyond, truth)) = self.settle(&place, namespaces) else { continue };
            let narrow = Narrow { namespaces: beyond.clone(), labels: labels.clone() };
            // Most homes have the same beyond what is stated.
            let narrow = match &shared {
                Some(known) if **known == narrow => known.clone(),
                _ => shared.insert(Rc::new(narrow)).clone(),
            };
            let wanted = WantedPods { truth, namespaces: beyond, labels: labels.clone(), narrow: Some(narrow) };
            let inside = self.region(&place, &key).and_then(|region| kinds.inside(&place, &region, labels));
            for kind in inside.unwrap_or_else(|| kinds.at(&place)) {
                let Some(one) = kinds.get(*kind) else { continue };
                let pods = match one.open(self.direction) {
                    Part::None => continue,
                    Part::Some(ends) => ends.pods(),
                    Part::All => one.pods(),
                };
                met.extend(pods.map(|pods| self.meet(*kind, pods, &wanted, budget)).transpose()?.flatten());
            }
        }
        met.sort_by_key(|met| met.kind);
        let met: Rc<[Met]> = met.into();
        self.open.insert(key, met.clone());
        Ok(met)
    }

    /// Whether none of a kind in a namespace that goes by labels is among peers, where that is easily seen.
    pub(super) fn is_elsewhere_beside(&mut self, kind: u32, peers: &Peers) -> bool {
        let pods = self.kinds.get(kind).and_then(Kind::pods);
        if pods.map(Place::of) != Some(Place::Elsewhere) {
            return false;
        }
        if !self.elsewhere.contains_key(peers) {
            let labels = if let Peers::Pods { pods, .. } = peers { pods.clone() } else { Selector::everything() };
            let region = self.region(&Place::Elsewhere, peers);
            let known = region.and_then(|region| self.kinds.inside(&Place::Elsewhere, &region, &labels).map(Rc::from));
            self.elsewhere.insert(peers.clone(), known);
        }
        let known = self.elsewhere.get(peers).and_then(Option::as_ref);
        known.is_some_and(|kinds| kinds.binary_search(&kind).is_err())
    }

    /// Those whose side a grant is.
    pub(super) fn of_grant(&mut self, number: usize, budget: &mut Budget) -> Result<Rc<[Met]>, GaveUp> {
        if let Some(known) = self.granted.get(&number) {
            return Ok(known.clone());
        }
        let Some((home, grant)) = self.onward.grant(number) else { return Ok([].into()) };
        let (kinds, place) = (self.kinds.clone(), Place::Home(home));
        let everything = Selector::everything();
        let inside = kinds.inside(&place, &everything, &grant.subject);
        let labels = grant.subject.clone();
        let wanted = WantedPods { truth: Truth::Yes, namespaces: everything, labels, narrow: None };
        let mut met = Vec::new();
        for kind in inside.unwrap_or_else(|| kinds.at(&place)) {
            let pods = kinds.get(*kind).and_then(Kind::pods);
            met.extend(pods.map(|pods| self.meet(*kind, pods, &wanted, budget)).transpose()?.flatten());
        }
        let met: Rc<[Met]> = met.into();
        self.granted.insert(number, met.clone());
        Ok(met)
    }

    /// Those of some that are among peers.
    pub(super) fn among(
        &self,
        met: &Met,
        namespaces: &Selector,
        labels: &Selector,
        budget: &mut Budget,
    ) -> Result<Option<Met>, GaveUp> {
        let Some(pods) = self.kinds.get(met.kind).and_then(Kind::pods) else { return Ok(None) };
        let place = Place::of(pods);
        let Some((beyond, truth)) = self.settle(&place, namespaces) else { return Ok(None) };
        let known = met.narrow.as_deref();
        let beyond = known.map_or(beyond.clone(), |known| known.namespaces.and(&beyond));
        let labels = known.map_or(labels.clone(), |known| known.labels.and(labels));
        let wanted = WantedPods { truth: met.truth.and(truth), namespaces: beyond, labels, narrow: None };
        self.meet(met.kind, pods, &wanted, budget)
    }

    /// Those of the pods of a kind that are asked for.
    fn meet(
        &self,
        kind: u32,
        pods: &SpacePods,
        wanted: &WantedPods,
        budget: &mut Budget,
    ) -> Result<Option<Met>, GaveUp> {
        if !wanted.labels.overlaps(&pods.labels) {
            return Ok(None);
        }
        let namespaces = if self.is_unknown(pods.home) { &Selector::everything() } else { &wanted.namespaces };
        let is_whole = wanted.labels.contains(&pods.labels);
        let is_anywhere = namespaces.contains(&pods.namespaces);
        if is_whole && is_anywhere {
            return Ok(Some(Met { kind, truth: wanted.truth, narrow: None }));
        }
        // Which labels a namespace has does not matter where nothing is left out by those.
        let is_there = is_whole && pods.less.iter().all(|(out, _)| out.is_everything());
        let namespaces_left = pods.namespaces.and(namespaces);
        if namespaces_left.contradiction().is_some() {
            return Ok(None);
        }
        if !is_there {
            let labels = pods.labels.and(&wanted.labels);
            let part = Ends::Pods(SpacePods { namespaces: namespaces_left, labels, ..pods.clone() });
            if self.space.is_empty(&part, budget)? {
                return Ok(None);
            }
        }
        let narrow = match &wanted.narrow {
            Some(shared) if shared.namespaces == *namespaces => shared.clone(),
            _ => Rc::new(Narrow { namespaces: namespaces.clone(), labels: wanted.labels.clone() }),
        };
        Ok(Some(Met { kind, truth: wanted.truth, narrow: Some(narrow) }))
    }

    /// Whether nobody knows the labels of a namespace: it has those that are asked for, or it has not.
    pub(super) fn is_unknown(&self, home: Option<usize>) -> bool {
        let home = home.and_then(|home| self.space.homes().get(home));
        home.is_some_and(|home| home.others == OtherLabels::Unknown)
    }

    /// The places that namespaces may be.
    fn places(&self, namespaces: &Selector) -> Vec<Place> {
        let Some(names) = namespaces.required_value(NAMESPACE_NAME) else {
            return self.kinds.places().map(|(place, _)| place.clone()).collect();
        };
        let place = |name: &Arc<str>| self.space.home(name).map_or_else(|| Place::Named(name.clone()), Place::Home);
        let places: Vec<Place> = names.iter().map(place).collect();
        let is_known = places.iter().all(|place| !self.kinds.at(place).is_empty());
        places.into_iter().chain((!is_known).then_some(Place::Elsewhere)).collect()
    }

    /// The namespaces of peers at a place, as kinds there have them.
    fn region(&self, place: &Place, peers: &Peers) -> Option<Selector> {
        match place {
            Place::Home(_) => Some(Selector::everything()),
            Place::Named(name) => Some(namespace_by_name(name)),
            Place::Elsewhere => {
                let ends = self.space.beside(peers, &self.space.others())?;
                ends.pods().map(|pods| self.kinds.without_names(&pods.namespaces))
            }
        }
    }

    /// What is asked of the namespaces of a place beyond what is known of them, and whether they are such.
    fn settle(&self, place: &Place, namespaces: &Selector) -> Option<(Selector, Truth)> {
        match place {
            Place::Home(home) => self.space.homes().get(*home)?.settle(namespaces),
            // Nobody means a namespace that has a name by labels that it only might have.
            Place::Named(name) => {
                let is_meant = namespaces.contains(&namespace_by_name(name));
                is_meant.then(|| (Selector::everything(), Truth::Yes))
            }
            Place::Elsewhere => Some((namespaces.clone(), Truth::Yes)),
        }
    }
}
