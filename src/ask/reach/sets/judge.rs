//! What is so of whole sets.

use super::rows::RowMember;
use crate::ask::everyone::Everyone;
use crate::ask::reach::IsolatedShare;
use crate::ask::space::{Ends, Example, Refusal, SpaceGrants, Sure, views};
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, PortSet, Protocol};
use crate::prove::numbers;
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A set as it is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Area {
    /// Who they are, home by home.
    pub ends: Vec<Ends>,
    /// At least they, whatever homes there are; none where that cannot be said.
    pub spans: Vec<Ends>,
    /// The places of the ends some of whom are isolated, in the order of [`Direction::ALL`].
    isolated: [Vec<usize>; 2],
    /// The places of the ends of each home, and of addresses.
    by_home: FxHashMap<Option<Option<usize>>, Vec<usize>>,
    /// One of them, of whom all that is asked of namespaces is known; once it was looked for.
    example: OnceCell<Option<Example>>,
}

impl Area {
    /// Those of the ends that are where one is.
    pub(super) fn beside(&self, end: &Ends) -> impl Iterator<Item = &Ends> {
        let places = self.by_home.get(&end.pods().map(|pods| pods.home)).into_iter().flatten();
        places.filter_map(|place| self.ends.get(*place))
    }

    /// Whether some of them are addresses, which have no container ports that names could stand for.
    fn has_addresses(&self) -> bool {
        self.by_home.contains_key(&None)
    }

    /// The ends some of whom are isolated.
    pub(super) fn isolated_in(&self, direction: Direction) -> impl Iterator<Item = &Ends> {
        let [ingress, egress] = &self.isolated;
        let places = if direction == Direction::Ingress { ingress } else { egress };
        places.iter().filter_map(|place| self.ends.get(*place))
    }
}

/// Ports that are not open to all for sure.
pub(super) struct Doubted {
    pub ports: PortSet,
    /// Who may not, on some of them.
    pub first: Refusal,
}

impl Doubted {
    /// Of some ports those that are not open. Nobody doubts of names whether addresses have them.
    fn new(ports: &PortSet, open: &PortSet, first: Refusal, only_addresses: bool) -> Doubted {
        let doubted = if only_addresses { open.without_names() } else { open.clone() };
        let ports = ports.subtract(&doubted);
        Doubted { ports: if only_addresses { ports.without_names() } else { ports }, first }
    }
}

/// Judges sets by what some policies say.
pub(super) struct Judge<'a, 'p> {
    pub everyone: &'a Everyone<'p>,
    pub grants: &'a SpaceGrants<'a>,
    /// The names of ports that something asks for.
    names: BTreeSet<(Protocol, Arc<str>)>,
}

impl<'a, 'p> Judge<'a, 'p> {
    pub(super) fn new(everyone: &'a Everyone<'p>, grants: &'a SpaceGrants<'a>) -> Self {
        let homes = 0..everyone.space.homes().len();
        let grants_of = |home| Direction::ALL.into_iter().flat_map(move |direction| grants.of(home, direction));
        let names = homes.flat_map(grants_of).flat_map(|grant| crate::prove::names(&grant.ports)).collect();
        Judge { everyone, grants, names }
    }

    /// Ends as an area.
    pub(super) fn area(&self, ends: Vec<Ends>, spans: Vec<Ends>) -> Area {
        let isolated = Direction::ALL.map(|direction| {
            let is_isolated =
                |place: &usize| ends.get(*place).is_some_and(|end| !self.grants.isolated_of(end, direction).is_empty());
            (0..ends.len()).filter(is_isolated).collect()
        });
        let mut by_home: FxHashMap<Option<Option<usize>>, Vec<usize>> = FxHashMap::default();
        for (place, end) in ends.iter().enumerate() {
            by_home.entry(end.pods().map(|pods| pods.home)).or_default().push(place);
        }
        Area { ends, spans, isolated, by_home, example: OnceCell::new() }
    }

    /// How many of some ends are isolated, in the order of [`Direction::ALL`].
    pub(super) fn isolated(&self, ends: &[Ends], budget: &mut Budget) -> Result<[IsolatedShare; 2], GaveUp> {
        let [ingress, egress] = Direction::ALL.map(|direction| self.isolated_in(direction, ends, budget));
        Ok([ingress?, egress?])
    }

    fn isolated_in(&self, direction: Direction, ends: &[Ends], budget: &mut Budget) -> Result<IsolatedShare, GaveUp> {
        let space = &self.everyone.space;
        let (mut some, mut others) = (false, false);
        for end in ends {
            let mut rest = end.clone();
            for part in self.grants.isolated_of(end, direction) {
                some = some || !space.is_empty(&part, budget)?;
                rest = space.minus(&rest, &without_exceptions(&part));
            }
            others = others || !space.is_empty(&rest, budget)?;
            if some && others {
                return Ok(IsolatedShare::Partly);
            }
        }
        Ok(if some { IsolatedShare::Yes } else { IsolatedShare::No })
    }

    /// Everybody who is isolated in a direction, home by home.
    pub(super) fn isolated_pods(&self, direction: Direction) -> Vec<Ends> {
        let homes = 0..self.everyone.space.homes().len();
        let all = |home| Ends::Pods(self.everyone.space.all_of(home));
        homes.flat_map(|home| self.grants.isolated_of(&all(home), direction)).collect()
    }

    /// All other pods.
    pub(super) fn open_pods(&self, direction: Direction) -> Vec<Ends> {
        let space = &self.everyone.space;
        let homes = (0..space.homes().len()).map(|home| Ends::Pods(space.all_of(home)));
        let open = |all: Ends| {
            let isolated = self.grants.isolated_of(&all, direction);
            isolated.iter().fold(all, |rest, out| space.minus(&rest, out))
        };
        homes.map(open).chain([space.others()]).collect()
    }

    /// Whether two rows have somebody in common.
    pub(super) fn overlap(&self, one: &RowMember, other: &RowMember, budget: &mut Budget) -> Result<bool, GaveUp> {
        let space = &self.everyone.space;
        for mine in one.ends() {
            for both in other.area.beside(mine).filter_map(|theirs| space.both(mine, theirs)) {
                if !space.is_empty(&both, budget)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether some ends hold all of others.
    pub(super) fn covers(&self, wide: &[Ends], narrow: &[Ends], budget: &mut Budget) -> Result<bool, GaveUp> {
        for end in narrow {
            if !self.everyone.space.covers(wide, end, budget)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether an area holds all of some ends.
    pub(super) fn holds(&self, wide: &Area, narrow: &[Ends], budget: &mut Budget) -> Result<bool, GaveUp> {
        for end in narrow {
            if !self.everyone.space.covers(wide.beside(end), end, budget)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A part of two areas and of ports on which they may not connect for sure.
    pub(super) fn refused(
        &self,
        source: &Area,
        destination: &Area,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<Refusal>, GaveUp> {
        for direction in [Direction::Egress, Direction::Ingress] {
            let (subject, peer) = match direction {
                Direction::Egress => (source, destination),
                Direction::Ingress => (destination, source),
            };
            for end in subject.isolated_in(direction) {
                if let Some(found) = self.refused_by(direction, end, peer, ports, budget)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn refused_by(
        &self,
        direction: Direction,
        subject: &Ends,
        peer: &Area,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<Refusal>, GaveUp> {
        let mut ask = |peer: &Ends| -> Result<Option<Refusal>, GaveUp> {
            if subject.pods().is_none() && peer.pods().is_none() {
                return Ok(None);
            }
            let to_address = direction == Direction::Egress && peer.pods().is_none();
            for (view, ports) in views(ports, to_address) {
                let found = self.grants.refused_by(direction, &view, [subject, peer], &ports, Sure::Yes, budget)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok(None)
        };
        // At once, where that is enough.
        let mut is_open = !peer.spans.is_empty() && peer.ends.len() > 1;
        for span in peer.spans.iter().filter(|_| peer.ends.len() > 1) {
            is_open = is_open && ask(span)?.is_none();
        }
        if is_open {
            return Ok(None);
        }
        // Those of other namespaces first, of which least is known.
        for end in peer.ends.iter().rev() {
            if let Some(found) = ask(end)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Those of the ports that are allowed for sure between every two of two areas.
    pub(super) fn every(
        &self,
        source: &Area,
        destination: &Area,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<PortSet, GaveUp> {
        let refused = |ports: &PortSet, budget: &mut Budget| self.refused(source, destination, ports, budget);
        let ports = self.by_examples(source, destination, ports, budget)?;
        let (every, _) = self.open(&ports, budget, refused)?;
        Ok(if destination.has_addresses() { every.without_names() } else { every })
    }

    /// Those of the ports that two single ends may use: what not even they may, nobody has to look for among all.
    fn by_examples(
        &self,
        source: &Area,
        destination: &Area,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<PortSet, GaveUp> {
        let (Some(from), Some(to)) = (self.example(source, budget)?, self.example(destination, budget)?) else {
            return Ok(ports.clone());
        };
        budget.spend(1)?;
        let both = self.grants.between(from, to).both;
        let refused = numbers(ports).subtract(&numbers(&both.possible()));
        Ok(if refused.is_empty() { ports.clone() } else { self.less(ports, &refused) })
    }

    fn example<'e>(&self, area: &'e Area, budget: &mut Budget) -> Result<Option<&'e Example>, GaveUp> {
        if let Some(known) = area.example.get() {
            return Ok(known.as_ref());
        }
        let space = &self.everyone.space;
        let found = match area.ends.iter().find(|end| space.is_sure(end)) {
            Some(end) => space.example(end, budget)?,
            None => None,
        };
        Ok(area.example.get_or_init(|| found).as_ref())
    }

    /// The ports that nothing refuses, and the first refusal.
    fn open(
        &self,
        ports: &PortSet,
        budget: &mut Budget,
        refused: impl Fn(&PortSet, &mut Budget) -> Result<Option<Refusal>, GaveUp>,
    ) -> Result<(PortSet, Option<Refusal>), GaveUp> {
        let (mut open, mut first) = (ports.clone(), None);
        while !open.is_empty()
            && let Some(refusal) = refused(&open, budget)?
        {
            open = self.without(&open, &refusal);
            first.get_or_insert(refusal);
        }
        Ok((open, first))
    }

    /// Ports less those of a refusal.
    fn without(&self, ports: &PortSet, refusal: &Refusal) -> PortSet {
        if let Some((protocol, name)) = &refusal.name {
            return ports.subtract(&PortSet::named(*protocol, name.clone()));
        }
        self.less(ports, &refusal.ports)
    }

    /// Ports less some numbers.
    fn less(&self, ports: &PortSet, numbers: &PortSet) -> PortSet {
        let rest = ports.subtract(numbers);
        if rest.is_writable() {
            return rest;
        }
        // A name could be any number, so of all names only those are left that something asks for.
        let plain = Protocol::ALL.into_iter().filter(|protocol| !rest.is_whole(*protocol));
        let mut left = PortSet::empty();
        for protocol in plain {
            for (low, high) in rest.ranges(protocol) {
                left.insert(&PortSet::range(protocol, *low, *high));
            }
            let named = self.names.iter().filter(|(own, name)| *own == protocol && rest.has_name(protocol, name));
            named.for_each(|(protocol, name)| left.insert(&PortSet::named(*protocol, name.clone())));
        }
        let whole = Protocol::ALL.into_iter().filter(|protocol| rest.is_whole(*protocol));
        whole.for_each(|protocol| left.insert(&PortSet::whole(protocol)));
        left
    }

    /// The part of an end that nothing isolates, unless that is nobody.
    pub(super) fn open_part(
        &self,
        end: &Ends,
        direction: Direction,
        budget: &mut Budget,
    ) -> Result<Option<Ends>, GaveUp> {
        let space = &self.everyone.space;
        let isolated = self.grants.isolated_of(end, direction);
        let rest = isolated.iter().fold(end.clone(), |rest, out| space.minus(&rest, &without_exceptions(out)));
        Ok((!space.is_empty(&rest, budget)?).then_some(rest))
    }

    /// Those of the ports on which not all of one end may connect for sure to all of another, and the first who may not.
    /// Labels of their namespaces count only where they are stated.
    pub(super) fn doubted(
        &self,
        ends: [&Ends; 2],
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<Doubted>, GaveUp> {
        let [source, destination] = &ends.map(|end| self.everyone.space.whatever_labels(end));
        let refused =
            |ports: &PortSet, budget: &mut Budget| self.grants.refused(source, destination, ports, Sure::Yes, budget);
        let (open, first) = self.open(ports, budget, refused)?;
        let only_addresses = destination.pods().is_none();
        Ok(first.map(|first| Doubted::new(ports, &open, first, only_addresses)))
    }

    /// The same of two areas.
    pub(super) fn doubted_between(
        &self,
        [source, destination]: [&Area; 2],
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<Doubted>, GaveUp> {
        let refused = |ports: &PortSet, budget: &mut Budget| self.refused(source, destination, ports, budget);
        let (open, first) = self.open(ports, budget, refused)?;
        let only_addresses = destination.ends.iter().all(|end| end.pods().is_none());
        Ok(first.map(|first| Doubted::new(ports, &open, first, only_addresses)))
    }

    /// One of each of two ends.
    pub(super) fn examples(
        &self,
        [source, destination]: [&Ends; 2],
        budget: &mut Budget,
    ) -> Result<Option<(Example, Example)>, GaveUp> {
        let space = &self.everyone.space;
        Ok(space.example(source, budget)?.zip(space.example(destination, budget)?))
    }
}

fn without_exceptions(end: &Ends) -> Ends {
    match end {
        Ends::Addresses(_) => end.clone(),
        Ends::Pods(pods) => {
            let mut pods = pods.clone();
            pods.less.clear();
            Ends::Pods(pods)
        }
    }
}
