//! What is one hop away, gathered grant by grant.

use super::far::{Far, Met};
use super::gathered::{Found, PortNumbers, Said};
use super::kinds::{Kind, Kinds, Part};
use super::seen::SeenPods;
use crate::ask::space::{Ends, SideHalf, Space, SpaceGrants, SpacePods, Sure};
use crate::cover::{Budget, GaveUp};
use crate::engine::of_unknown_number;
use crate::net::{AddressSet, Direction, NAMESPACE_NAME, Peers, PortSet, Selector, Truth};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Pods that are found.
#[derive(Debug)]
pub(super) struct Pack {
    pub found: Found,
    /// Of the kinds of which more than those were not reached yet, who they are; all of them where none are told.
    pub parts: FxHashMap<u32, Vec<Ends>>,
}

/// Addresses that are found, by what they are told with: those that nothing isolates from pods that nothing isolates, and
/// others.
pub(super) type Outside = FxHashMap<(bool, AddressSet), Said>;

/// Ends that it goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front {
    pub ends: Ends,
    /// The kind that they are of; none for single pods that are asked about.
    pub kind: Option<u32>,
}

/// How much is told of open pods to those whom nothing isolates.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ToldHop {
    #[default]
    Nothing,
    /// All but some of this home: a home has one set of labels, and these may be less than all that it can have.
    AllBut(usize),
    Everything,
}

/// Gathers what is one hop from some ends.
pub(super) struct HopGathering<'a> {
    space: &'a Space,
    grants: &'a SpaceGrants<'a>,
    kinds: Rc<Kinds>,
    pub far: Far<'a>,
    /// The side of those that it goes on from.
    direction: Direction,
    pub ports: PortNumbers,
    /// The numbers of the ports of grants.
    of_grants: Vec<Option<Said>>,
    everything: Said,
    none: Said,
    both: FxHashMap<(Said, Said, Truth, bool), Said>,
    /// What is granted, and what is open to all that is open.
    pub granted: Pack,
    pub open: Pack,
    pub outside: Outside,
    told: ToldHop,
    /// The grants of which all is told to those whom nothing isolates, and whether for sure.
    met: FxHashMap<usize, Truth>,
    /// By which of the ends it was said last of a kind that something is not known.
    doubted: Vec<u32>,
    /// Of which several doubts may be none together.
    several: Vec<(Ends, u32, Said)>,
    /// What is granted to those whom nobody means.
    doubtful: Vec<(usize, Said, SpacePods)>,
    /// The number of what it goes on from.
    at: u32,
    /// Whether only what is allowed for sure counts.
    pub is_sure: bool,
}

impl Pack {
    fn new(kinds: &Kinds) -> Self {
        Pack { found: Found::new(kinds.all.len()), parts: FxHashMap::default() }
    }
}

impl<'a> HopGathering<'a> {
    pub(super) fn new(grants: &'a SpaceGrants<'a>, kinds: Rc<Kinds>, direction: Direction) -> Self {
        let mut ports = PortNumbers::default();
        let far = Far::new(grants, kinds.clone(), direction.other());
        HopGathering {
            space: grants.space(),
            grants,
            direction,
            of_grants: vec![None; far.onward.count()],
            far,
            everything: ports.number(PortSet::everything(), PortSet::empty()),
            none: ports.number(PortSet::empty(), PortSet::empty()),
            ports,
            both: FxHashMap::default(),
            granted: Pack::new(&kinds),
            open: Pack::new(&kinds),
            outside: Outside::default(),
            told: ToldHop::Nothing,
            met: FxHashMap::default(),
            doubted: vec![0; kinds.all.len()],
            several: Vec::new(),
            doubtful: Vec::new(),
            kinds,
            at: 0,
            is_sure: false,
        }
    }

    /// Gathers what is one hop from some ends.
    pub(super) fn gather(&mut self, from: &[Front], seen: &SeenPods, budget: &mut Budget) -> Result<(), GaveUp> {
        (self.told, self.met) = (ToldHop::Nothing, FxHashMap::default());
        for end in from {
            self.at += 1;
            for near in self.grants.halves(self.direction, &end.ends, &Peers::Any) {
                budget.spend(1)?;
                if !self.space.is_empty(&near.subject, budget)? {
                    self.gather_half(&near, (end.kind, from), seen, budget)?;
                }
            }
        }
        for (number, said, near) in std::mem::take(&mut self.doubtful) {
            for met in &*self.far.of_grant(number, budget)? {
                let is_told = self.granted.found.of(met.kind).is_some() && !self.granted.parts.contains_key(&met.kind);
                if !is_told {
                    self.add(false, Some(&near), (met, false), said, seen, budget)?;
                }
            }
        }
        self.settle_several(budget)
    }

    fn gather_half(
        &mut self,
        near: &SideHalf,
        from: (Option<u32>, &[Front]),
        seen: &SeenPods,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        if self.is_sure && near.truth() != Truth::Yes {
            return Ok(());
        }
        let mine = self.ports.number(near.ports(), PortSet::empty());
        match (&near.subject, near.grant.as_ref().map(|grant| &grant.peers)) {
            (Ends::Addresses(addresses), _) => self.gather_addresses(addresses, seen, budget),
            (Ends::Pods(pods), None) => {
                self.open_to_open(pods, seen, budget)?;
                self.with_granted(pods, from, seen, budget)
            }
            (Ends::Pods(_), Some(Peers::Addresses(addresses))) => {
                let truth = near.truth();
                self.add_addresses(false, addresses, (mine, self.everything), truth);
                Ok(())
            }
            (Ends::Pods(pods), Some(Peers::Pods { namespaces, pods: labels })) => {
                let open = self.far.open(namespaces, labels, budget)?;
                budget.spend(open.len().div_ceil(8))?;
                for met in &*open {
                    let said = self.said(mine, self.everything, near.truth().and(met.truth), false);
                    self.add(false, Some(pods), (met, true), said, seen, budget)?;
                }
                self.with_partners(near, pods, mine, seen, budget)
            }
            (Ends::Pods(_), Some(Peers::Any)) => Ok(()),
        }
    }

    /// What both sides allow: the ports that one side of those that it goes on from has, and those of the other.
    fn said(&mut self, mine: Said, theirs: Said, truth: Truth, to_address: bool) -> Said {
        let key = (mine, theirs, truth, to_address);
        if let Some(known) = self.both.get(&key) {
            return *known;
        }
        let [one, other] = [mine, theirs].map(|said| self.ports.get(said)[0].clone());
        let (egress, ingress) = if self.direction == Direction::Egress { (one, other) } else { (other, one) };
        // Nobody knows the container ports of an address.
        let egress = if to_address { egress.without_names() } else { egress };
        let ports = egress.intersect(&ingress);
        let perhaps = if to_address { PortSet::empty() } else { of_unknown_number(&egress, &ingress) };
        let said = match truth {
            Truth::Yes => self.ports.number(ports, perhaps),
            Truth::Maybe | Truth::No => self.ports.number(PortSet::empty(), ports.union(&perhaps)),
        };
        self.both.insert(key, said);
        said
    }

    fn said_by(&mut self, number: usize) -> Said {
        if let Some(known) = self.of_grants.get(number).copied().flatten() {
            return known;
        }
        let ports = self.far.onward.grant(number).map(|(_, grant)| grant.ports.clone()).unwrap_or_default();
        let said = self.ports.number(ports, PortSet::empty());
        self.of_grants.get_mut(number).into_iter().for_each(|known| *known = Some(said));
        said
    }

    fn add_addresses(&mut self, is_open: bool, addresses: &AddressSet, (mine, theirs): (Said, Said), truth: Truth) {
        let said = self.said(mine, theirs, truth, self.direction == Direction::Egress);
        if said == self.none {
            return;
        }
        match self.outside.get_mut(&(is_open, addresses.clone())) {
            Some(known) => *known = self.ports.join(*known, said),
            None => _ = self.outside.insert((is_open, addresses.clone()), said),
        }
    }

    /// Pods that nothing isolates, to or from others.
    fn open_to_open(&mut self, near: &SpacePods, seen: &SeenPods, budget: &mut Budget) -> Result<(), GaveUp> {
        let narrow = near.home.filter(|_| !near.namespaces.is_everything());
        let told = self.told;
        self.told = match (told, narrow) {
            (ToldHop::Nothing, Some(home)) => ToldHop::AllBut(home),
            (ToldHop::AllBut(home), Some(own)) if own == home => told,
            _ => ToldHop::Everything,
        };
        if told == ToldHop::Nothing {
            self.add_addresses(
                true,
                &self.space.facts().every_address(),
                (self.everything, self.everything),
                Truth::Yes,
            );
        }
        if told == ToldHop::Everything {
            return Ok(());
        }
        let everything = Selector::everything();
        let open = self.far.open(&everything, &everything, budget)?;
        budget.spend(open.len().div_ceil(8))?;
        for met in &*open {
            let home = self.kinds.get(met.kind).and_then(Kind::pods).and_then(|pods| pods.home);
            if told == ToldHop::Nothing || told == home.map_or(ToldHop::Nothing, ToldHop::AllBut) {
                self.add(true, Some(near), (met, true), self.everything, seen, budget)?;
            }
        }
        Ok(())
    }

    /// What is granted to those whom nothing isolates.
    fn with_granted(
        &mut self,
        near: &SpacePods,
        (kind, from): (Option<u32>, &[Front]),
        seen: &SeenPods,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let numbers = self.far.onward.towards(near);
        budget.spend(numbers.len().div_ceil(8))?;
        for number in numbers {
            let Some((home, grant)) = self.far.onward.grant(number) else { continue };
            let known = self.met.get(&number).copied();
            let is_known = known.is_some_and(|truth| truth == Truth::Yes || grant.truth == Truth::Maybe);
            if is_known || (self.is_sure && grant.truth != Truth::Yes) {
                continue;
            }
            let Peers::Pods { namespaces, pods } = &grant.peers else { continue };
            budget.spend(1)?;
            if kind.is_some_and(|kind| self.far.is_elsewhere_beside(kind, &grant.peers)) {
                continue;
            }
            let Some((part, truth)) = self.let_in(near, namespaces, pods, budget)? else { continue };
            let theirs = self.said_by(number);
            let said = self.said(self.everything, theirs, grant.truth.and(truth), false);
            let is_itself = |end: &Front| end.ends.pods() == Some(&part);
            if is_doubtful(&part) && !from.iter().any(is_itself) {
                self.doubtful.push((number, said, part));
                continue;
            }
            for met in &*self.far.of_grant(number, budget)? {
                self.add(false, Some(&part), (met, false), said, seen, budget)?;
            }
            if near.home != Some(home) || part.namespaces.is_everything() {
                self.met.insert(number, grant.truth.and(truth));
            }
        }
        Ok(())
    }

    /// Those of some pods that are such peers, where there are some.
    fn let_in(
        &self,
        near: &SpacePods,
        namespaces: &Selector,
        labels: &Selector,
        budget: &mut Budget,
    ) -> Result<Option<(SpacePods, Truth)>, GaveUp> {
        if !near.labels.overlaps(labels) {
            return Ok(None);
        }
        let Some((part, truth)) = self.space.among(near, namespaces, labels) else { return Ok(None) };
        let part = Ends::Pods(part);
        if self.space.is_empty(&part, budget)? {
            return Ok(None);
        }
        Ok(part.pods().cloned().map(|part| (part, truth)))
    }

    /// What is granted on both sides.
    fn with_partners(
        &mut self,
        near: &SideHalf,
        pods: &SpacePods,
        mine: Said,
        seen: &SeenPods,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let (Some(grant), Some(home)) = (&near.grant, pods.home) else { return Ok(()) };
        let Peers::Pods { namespaces, pods: labels } = &grant.peers else { return Ok(()) };
        let is_anybody = namespaces.is_everything() && labels.is_everything();
        for number in self.far.onward.partners(home, grant, budget)?.iter().copied() {
            budget.spend(1)?;
            let Some((_, other)) = self.far.onward.grant(number) else { continue };
            let Peers::Pods { namespaces: their_namespaces, pods: their_labels } = &other.peers else { continue };
            let Some((part, truth)) = self.let_in(pods, their_namespaces, their_labels, budget)? else { continue };
            let theirs = self.said_by(number);
            let truth = truth.and(grant.truth).and(other.truth);
            for met in &*self.far.of_grant(number, budget)? {
                let among = match is_anybody {
                    true => Some(met.clone()),
                    false => self.far.among(met, namespaces, labels, budget)?,
                };
                let Some(among) = among else { continue };
                let said = self.said(mine, theirs, truth.and(among.truth), false);
                self.add(false, Some(&part), (&among, false), said, seen, budget)?;
            }
        }
        Ok(())
    }

    /// What addresses may connect to, or who may connect to them.
    fn gather_addresses(&mut self, near: &AddressSet, seen: &SeenPods, budget: &mut Budget) -> Result<(), GaveUp> {
        let to_address = self.direction == Direction::Ingress;
        let everything = Selector::everything();
        let said = self.said(self.everything, self.everything, Truth::Yes, to_address);
        for met in &*self.far.open(&everything, &everything, budget)? {
            self.add(true, None, (met, true), said, seen, budget)?;
        }
        for number in 0..self.far.onward.count() {
            budget.spend(1)?;
            let Some((_, grant)) = self.far.onward.grant(number) else { continue };
            if !matches!(&grant.peers, Peers::Addresses(theirs) if theirs.overlaps(near)) {
                continue;
            }
            let theirs = self.said_by(number);
            let said = self.said(self.everything, theirs, grant.truth, to_address);
            for met in &*self.far.of_grant(number, budget)? {
                self.add(false, None, (met, false), said, seen, budget)?;
            }
        }
        Ok(())
    }

    /// Adds pods of a kind, of whom `near` have something: of those whom nothing isolates, or of all.
    fn add(
        &mut self,
        is_open: bool,
        near: Option<&SpacePods>,
        (met, of_open): (&Met, bool),
        said: Said,
        seen: &SeenPods,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        if said == self.none {
            return Ok(());
        }
        let kinds = self.kinds.clone();
        let Some(kind) = kinds.get(met.kind) else { return Ok(()) };
        // A namespace has one set of labels.
        let home = kind.pods().and_then(|pods| pods.home);
        let is_own = |near: &&SpacePods| home.is_some() && near.home == home && !near.namespaces.is_everything();
        let own = near.filter(is_own).map(|near| &near.namespaces);
        let is_known = seen.has_whole(met.kind) && !matches!(kind.open(self.direction), Part::Some(_));
        let part = match own.is_none() && is_known {
            true => None,
            false => match self.ends(kind, own, met, of_open, budget)? {
                Some(part) => part,
                None => return Ok(()),
            },
        };
        self.note_doubt(near, met.kind, said);
        let pack = if is_open { &mut self.open } else { &mut self.granted };
        let is_first = pack.found.of(met.kind).is_none();
        pack.found.add(met.kind, said, &mut self.ports);
        match (part, pack.parts.get_mut(&met.kind)) {
            (Some(part), Some(parts)) if !parts.contains(&part) => parts.push(part),
            (Some(part), None) if is_first && !is_known => _ = pack.parts.insert(met.kind, vec![part]),
            (None, Some(_)) => _ = pack.parts.remove(&met.kind),
            _ => {}
        }
        Ok(())
    }

    /// Who is meant of a kind, where not all are; nothing where their namespace has other labels of its `own`.
    fn ends(
        &self,
        kind: &Kind,
        own: Option<&Selector>,
        met: &Met,
        of_open: bool,
        budget: &mut Budget,
    ) -> Result<Option<Option<Ends>>, GaveUp> {
        let Some(whole) = kind.pods() else { return Ok(None) };
        let open = match kind.open(self.direction.other()) {
            Part::Some(ends) if of_open => ends.pods(),
            Part::None | Part::Some(_) | Part::All => None,
        };
        if own.is_none() && open.is_none() && met.narrow.is_none() {
            return Ok(Some(None));
        }
        let base = open.unwrap_or(whole);
        let (mut namespaces, mut labels) = (base.namespaces.clone(), base.labels.clone());
        if let Some(narrow) = &met.narrow {
            (namespaces, labels) = (namespaces.and(&narrow.namespaces), labels.and(&narrow.labels));
        }
        if let Some(own) = own {
            namespaces = namespaces.and(own);
        }
        if namespaces.contradiction().is_some() {
            return Ok(None);
        }
        if self.far.is_unknown(whole.home) {
            namespaces = Selector::everything();
        }
        let part = SpacePods { home: whole.home, namespaces, labels, less: base.less.clone() };
        if part == *whole {
            return Ok(Some(None));
        }
        let part = Ends::Pods(part);
        if own.is_some() && self.space.is_empty(&part, budget)? {
            return Ok(None);
        }
        Ok(Some(Some(part)))
    }

    /// Notes that something is not known again, of the same ends: of several that may be one may be in any case.
    fn note_doubt(&mut self, near: Option<&SpacePods>, kind: u32, said: Said) {
        let [_, unknown] = self.ports.get(said);
        if unknown.is_empty() {
            return;
        }
        let Some(last) = self.doubted.get_mut(kind as usize) else { return };
        let is_again = std::mem::replace(last, self.at) == self.at;
        let overlaps = |known: Said| self.ports.get(known)[1].overlaps(unknown);
        if let (true, Some(near)) = (is_again, near)
            && self.granted.found.of(kind).is_some_and(overlaps)
        {
            self.several.push((Ends::Pods(near.clone()), kind, said));
        }
    }

    /// Of what may be in several ways, what is in any case.
    fn settle_several(&mut self, budget: &mut Budget) -> Result<(), GaveUp> {
        for (near, kind, said) in std::mem::take(&mut self.several) {
            let kinds = self.kinds.clone();
            let (Some(known), Some(one)) = (self.granted.found.of(kind), kinds.get(kind)) else { continue };
            let unknown = self.ports.get(said)[1].subtract(self.ports.get(known)[0]);
            if unknown.is_empty() {
                continue;
            }
            let near = self.space.whatever_labels(&near);
            let far = self.granted.parts.get(&kind).and_then(|parts| parts.first()).unwrap_or(&one.ends);
            let ends = if self.direction == Direction::Egress { [&near, far] } else { [far, &near] };
            let [source, destination] = ends;
            if self.grants.refused(source, destination, &unknown, Sure::Yes, budget)?.is_none() {
                let sure = self.ports.number(unknown, PortSet::empty());
                self.granted.found.add(kind, sure, &mut self.ports);
            }
        }
        Ok(())
    }
}

/// Whether pods are in a namespace that has a name and may also have labels by which others are known: nobody means it by
/// those, so where others get, they do not get further for the sake of these.
fn is_doubtful(pods: &SpacePods) -> bool {
    let is_named = || pods.namespaces.required_value(NAMESPACE_NAME).is_some_and(|names| names.len() == 1);
    pods.home.is_none() && pods.namespaces.keys().count() > 1 && is_named()
}
