//! Rows of all pods that could exist, as sets.

use super::judge::{Area, Judge};
use crate::ask::everyone::Set;
use crate::ask::reach::{IsolatedShare, RowNames};
use crate::ask::situation::Asked;
use crate::ask::space::{Ends, SpacePods};
use crate::cover::{Budget, GaveUp};
use crate::net::{AddressSet, Direction, Peers, ProductIndex, Selector, namespace_by_name};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// A row with the set that it is.
#[derive(Debug)]
pub(super) struct RowMember {
    pub names: RowNames,
    /// Who they are.
    pub area: Rc<Area>,
    /// Who else they are if namespaces have labels that nobody stated.
    pub perhaps: Area,
    /// Whether they are isolated, in the order of [`Direction::ALL`].
    pub isolated: [IsolatedShare; 2],
    /// The rows that hold all of it, itself among them.
    pub around: Vec<usize>,
}

impl RowMember {
    fn of(judge: &Judge<'_, '_>, names: RowNames, set: &Set) -> RowMember {
        let spans = set.peers.iter().flat_map(spans).collect();
        let space = &judge.everyone.space;
        RowMember::new(judge, names, set.ends(space), spans).or_perhaps(judge, set.perhaps(space))
    }

    fn new(judge: &Judge<'_, '_>, names: RowNames, ends: Vec<Ends>, spans: Vec<Ends>) -> RowMember {
        let area = Rc::new(judge.area(ends, spans));
        RowMember { names, area, perhaps: Area::default(), isolated: [IsolatedShare::No; 2], around: Vec::new() }
    }

    /// The same with some who only may be of it.
    fn or_perhaps(self, judge: &Judge<'_, '_>, perhaps: Vec<Ends>) -> RowMember {
        RowMember { perhaps: judge.area(perhaps, self.area.spans.clone()), ..self }
    }

    pub(super) fn ends(&self) -> &[Ends] {
        &self.area.ends
    }

    pub(super) fn is_isolated(&self, direction: Direction) -> IsolatedShare {
        let [ingress, egress] = self.isolated;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    pub(super) fn is_pods(&self) -> bool {
        self.ends().iter().all(|end| end.pods().is_some())
    }

    pub(super) fn is_addresses(&self) -> bool {
        self.ends().iter().all(|end| end.pods().is_none())
    }
}

/// Peers, whatever homes there are.
pub(super) fn spans(peers: &Peers) -> Vec<Ends> {
    match peers {
        Peers::Any => vec![everywhere(), Ends::Addresses(AddressSet::all())],
        Peers::Addresses(all) => vec![Ends::Addresses(all.clone())],
        Peers::Pods { namespaces, pods } => vec![anywhere(namespaces.clone(), pods.clone())],
    }
}

/// All pods of some labels, whatever homes there are.
fn anywhere(namespaces: Selector, labels: Selector) -> Ends {
    Ends::Pods(SpacePods { home: None, namespaces, labels, less: Vec::new() })
}

fn everywhere() -> Ends {
    anywhere(Selector::everything(), Selector::everything())
}

/// All rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub all: Vec<RowMember>,
    /// The row of what one selector, or one set of addresses, says.
    by_peers: FxHashMap<Peers, usize>,
    /// Finds rows by the labels of namespaces and of pods.
    index: ProductIndex<2>,
    /// The rows of the ids of the index.
    places: Vec<usize>,
    /// The rows that have addresses.
    addresses: Vec<usize>,
}

impl Rows {
    pub(super) fn new(judge: &Judge<'_, '_>, asked: [Option<&Asked>; 2], budget: &mut Budget) -> Result<Rows, GaveUp> {
        let mut builder = RowsBuilder { judge, all: Vec::new(), by_peers: FxHashMap::default() };
        builder.add_groups(budget)?;
        builder.add_wide(budget)?;
        for asked in asked.into_iter().flatten() {
            builder.add_asked(asked, budget)?;
        }
        let RowsBuilder { all, by_peers, .. } = builder;
        let mut rows = Rows::indexed(all, by_peers);
        rows.nest(judge, budget)?;
        Ok(rows)
    }

    fn indexed(all: Vec<RowMember>, by_peers: FxHashMap<Peers, usize>) -> Rows {
        let mut places = Vec::new();
        let mut addresses = Vec::new();
        let mut items: Vec<[&Selector; 2]> = Vec::new();
        for (place, member) in all.iter().enumerate() {
            let pods: BTreeSet<[&Selector; 2]> =
                member.area.spans.iter().filter_map(Ends::pods).map(|pods| [&pods.namespaces, &pods.labels]).collect();
            places.extend(pods.iter().map(|_| place));
            items.extend(pods);
            if !member.is_pods() {
                addresses.push(place);
            }
        }
        let index = ProductIndex::new(items.into_iter().enumerate());
        Rows { index, places, addresses, all, by_peers }
    }

    pub(super) fn get(&self, place: usize) -> Option<&RowMember> {
        self.all.get(place)
    }

    /// The row that is these peers.
    pub(super) fn exactly(&self, peers: &Peers) -> Option<usize> {
        self.by_peers.get(peers).copied()
    }

    /// The rows that may overlap an end.
    pub(super) fn near(&self, judge: &Judge<'_, '_>, end: &Ends) -> Vec<usize> {
        let (namespaces, labels) = match judge.everyone.space.around(end) {
            Peers::Pods { namespaces, pods } => (namespaces, pods),
            Peers::Any | Peers::Addresses(_) => return self.addresses.clone(),
        };
        let near = self.index.query([&namespaces, &labels]).into_iter();
        let places: BTreeSet<usize> = near.filter_map(|id| self.places.get(id).copied()).collect();
        places.into_iter().collect()
    }

    /// Finds for each row those that hold all of it.
    fn nest(&mut self, judge: &Judge<'_, '_>, budget: &mut Budget) -> Result<(), GaveUp> {
        let mut all = Vec::with_capacity(self.all.len());
        for (place, member) in self.all.iter().enumerate() {
            let mut around = vec![place];
            let near = member.ends().first().map(|end| self.near(judge, end)).unwrap_or_default();
            for other in near.into_iter().filter(|other| *other != place) {
                if let Some(wide) = self.get(other)
                    && holds(judge, wide, member, budget)?
                {
                    around.push(other);
                }
            }
            around.sort_unstable();
            all.push(around);
        }
        for (member, around) in self.all.iter_mut().zip(all) {
            member.around = around;
        }
        Ok(())
    }
}

fn holds(judge: &Judge<'_, '_>, wide: &RowMember, narrow: &RowMember, budget: &mut Budget) -> Result<bool, GaveUp> {
    let is = |direction: &Option<Direction>, wanted: IsolatedShare| {
        let mut meant = Direction::ALL.into_iter().filter(|one| direction.is_none_or(|only| only == *one));
        meant.all(|one| narrow.is_isolated(one) == wanted)
    };
    match &wide.names {
        RowNames::Anywhere => Ok(true),
        RowNames::Cluster => Ok(narrow.is_pods()),
        RowNames::NotIsolated(direction) => Ok(is(direction, IsolatedShare::No)),
        RowNames::PodsNotIsolated(direction) => Ok(narrow.is_pods() && is(direction, IsolatedShare::No)),
        RowNames::Isolated(direction) => Ok(narrow.is_pods() && is(direction, IsolatedShare::Yes)),
        _ if narrow.names.is_by_isolation() => Ok(false),
        RowNames::Groups(_) | RowNames::Namespace(_) | RowNames::Asked(_) => {
            judge.holds(&wide.area, narrow.ends(), budget)
        }
    }
}

struct RowsBuilder<'a, 'p> {
    judge: &'a Judge<'a, 'p>,
    all: Vec<RowMember>,
    by_peers: FxHashMap<Peers, usize>,
}

impl RowsBuilder<'_, '_> {
    fn add(&mut self, mut member: RowMember, set: Option<&Set>, budget: &mut Budget) -> Result<(), GaveUp> {
        member.isolated = self.judge.isolated(&member.area.ends, budget)?;
        if let Some(peers) = set.and_then(Set::as_peers) {
            self.by_peers.entry(peers).or_insert(self.all.len());
        }
        self.all.push(member);
        Ok(())
    }

    /// A row for the groups of each set.
    fn add_groups(&mut self, budget: &mut Budget) -> Result<(), GaveUp> {
        let everyone = self.judge.everyone;
        let mut by_set: FxHashMap<&Set, usize> = FxHashMap::default();
        for group in &everyone.groups {
            let known = by_set.get(&group.set).and_then(|place| self.all.get_mut(*place));
            match known.map(|member| &mut member.names) {
                Some(RowNames::Groups(names)) => names.push(group.name.clone()),
                _ => {
                    by_set.insert(&group.set, self.all.len());
                    let names = RowNames::Groups(vec![group.name.clone()]);
                    self.add(RowMember::of(self.judge, names, &group.set), Some(&group.set), budget)?;
                }
            }
        }
        Ok(())
    }

    fn add_wide(&mut self, budget: &mut Budget) -> Result<(), GaveUp> {
        let everyone = self.judge.everyone;
        let everything = Selector::everything;
        for (text, set) in everyone.unions() {
            let Some(name) = text.strip_suffix("/*") else { continue };
            let is_whole = *set == Set::pods(namespace_by_name(&Arc::from(name)), everything());
            let is_known = set.as_peers().is_some_and(|peers| self.by_peers.contains_key(&peers));
            if is_whole && !is_known {
                let member = RowMember::of(self.judge, RowNames::Namespace(name.to_owned()), set);
                self.add(member, Some(set), budget)?;
            }
        }
        let singles = self.all.iter().take_while(|member| !member.names.is_wide()).count();
        for (names, set) in
            [(RowNames::Cluster, Set::pods(everything(), everything())), (RowNames::Anywhere, Set::everybody())]
        {
            self.add(RowMember::of(self.judge, names, &set), Some(&set), budget)?;
        }
        let [ingress, egress] = Direction::ALL.map(|direction| self.judge.isolated_pods(direction));
        let one = ingress == egress;
        for (direction, isolated) in Direction::ALL.into_iter().zip([ingress, egress]) {
            if isolated.is_empty() || (one && direction == Direction::Egress) {
                continue;
            }
            let open = self.judge.open_pods(direction);
            let named = (!one).then_some(direction);
            let addresses = Ends::Addresses(everyone.space.facts().every_address());
            let everybody = open.iter().cloned().chain([addresses.clone()]).collect();
            for member in [
                RowMember::new(self.judge, RowNames::NotIsolated(named), everybody, vec![everywhere(), addresses]),
                RowMember::new(self.judge, RowNames::PodsNotIsolated(named), open, vec![everywhere()]),
                RowMember::new(self.judge, RowNames::Isolated(named), isolated, vec![everywhere()]),
            ] {
                self.add_if_many(member, singles, budget)?;
            }
        }
        Ok(())
    }

    /// Adds a wide row, unless it brings so few together that it says less than the single rows.
    fn add_if_many(&mut self, member: RowMember, singles: usize, budget: &mut Budget) -> Result<(), GaveUp> {
        let mut inside = 0;
        if matches!(member.names, RowNames::Isolated(_)) && self.is_a_namespace(&member, budget)? {
            return Ok(());
        }
        for single in self.all.iter().take(singles) {
            inside += usize::from(holds(self.judge, &member, single, budget)?);
        }
        if inside > 2 {
            self.add(member, None, budget)?;
        }
        Ok(())
    }

    /// Whether some pods are all those of a namespace, which has a name.
    fn is_a_namespace(&self, member: &RowMember, budget: &mut Budget) -> Result<bool, GaveUp> {
        for other in self.all.iter().filter(|other| matches!(other.names, RowNames::Namespace(_))) {
            if self.judge.covers(other.ends(), member.ends(), budget)?
                && self.judge.covers(member.ends(), other.ends(), budget)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn add_asked(&mut self, asked: &Asked, budget: &mut Budget) -> Result<(), GaveUp> {
        let everyone = self.judge.everyone;
        let names = RowNames::Asked(asked.to_string());
        let named = asked.name().and_then(|name| everyone.set(name).ok());
        let set = named.or_else(|| asked.addresses().cloned().map(Set::addresses));
        let Some(set) = set else {
            let ends = everyone.find(asked).unwrap_or_default();
            let spans = ends.iter().map(|end| everyone.space.span(end)).collect();
            let member = RowMember::new(self.judge, names, ends, spans);
            let member = member.or_perhaps(self.judge, everyone.find_perhaps(asked));
            return self.add(member, None, budget);
        };
        let member = RowMember::of(self.judge, names, &set);
        let is_known = set.as_peers().is_some_and(|peers| self.by_peers.contains_key(&peers));
        let is_same = |other: &RowMember| !other.names.is_by_isolation() && other.area.ends == member.area.ends;
        match is_known || self.all.iter().any(is_same) {
            true => Ok(()),
            false => self.add(member, Some(&set), budget),
        }
    }
}
