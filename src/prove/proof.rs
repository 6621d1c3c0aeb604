//! The proof of every build: what is written allows exactly what the flow set says, for every pod that could exist.
//!
//! For each managed namespace and direction, the same pods must be isolated, and the isolated pods must be granted the
//! same. It shares nothing with `plan/` but the plain data, and is told what is granted by what is about to be written,
//! read back.

use super::counterexample::{Counterexample, Difference, ExamplePort};
use super::grants::{ExampleEnd, Grants, Side, worlds};
use super::named_ports::{every_number, names, numbers};
use super::side::{named, nameless};
use crate::cover::{Budget, GaveUp, missing, unmatched};
use crate::flow::FlowSet;
use crate::net::{Direction, Peers, PortSet, Protocol, Region, RegionIndex, Selector, SelectorIndex};
use crate::parallel;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::cell::LazyCell;
use std::sync::Arc;

/// Comparisons of two regions in one proof: some seconds.
const BUDGET: usize = 50_000_000;

/// Proves that `written`, which the files of a target come to, is exactly what the flow set says (sections 6 and 7 of the
/// language), or shows where not.
pub fn prove(set: &FlowSet, written: &Grants) -> Result<(), Counterexample> {
    compare(set, &Grants::of_program(set), written)
}

/// Proves that two grants in the namespaces of a flow set are the same, side by side: for every pod that could exist, whether
/// it is isolated and what is granted to it. Or shows where `written` differs from what is `meant`.
pub fn compare(set: &FlowSet, meant: &Grants, written: &Grants) -> Result<(), Counterexample> {
    compare_within(set, meant, written, Budget::new(BUDGET))
}

fn compare_within(set: &FlowSet, meant: &Grants, written: &Grants, mut budget: Budget) -> Result<(), Counterexample> {
    /// Fewer are compared sooner than a thread has begun with them.
    const LEAST: usize = 8;
    let namespaces: Vec<(usize, &Arc<str>)> =
        set.namespaces.iter().map(|namespace| &namespace.name).enumerate().collect();
    let whole = budget.left();
    // Each part may spend all that there is, so that what is spent before a difference does not depend on the parts.
    let compared = parallel::parts(&namespaces, LEAST, |namespaces| {
        let mut budget = Budget::new(whole);
        let mut compare = |(index, namespace): &(usize, &Arc<str>)| {
            let before = budget.left();
            let found = differs(namespace, meant.both(*index), written.both(*index), &mut budget);
            (found, before - budget.left())
        };
        namespaces.iter().map(&mut compare).collect::<Vec<_>>()
    });
    for ((_, namespace), (found, spent)) in namespaces.iter().zip(compared.into_iter().flatten()) {
        let difference = match budget.spend(spent).and(found) {
            Ok(None) => continue,
            Ok(Some(difference)) => difference,
            Err(GaveUp) => Difference::Unknown,
        };
        return Err(Counterexample::new(namespace, difference));
    }
    Ok(())
}

/// What differs in one namespace: the sides in the order of [`Direction::ALL`].
fn differs(
    namespace: &Arc<str>,
    meant: &[Side; 2],
    written: &[Side; 2],
    budget: &mut Budget,
) -> Result<Option<Difference>, GaveUp> {
    for (direction, (meant, written)) in Direction::ALL.into_iter().zip(meant.iter().zip(written)) {
        let found = NamespaceProof { namespace, direction, meant, written, budget }.run()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// One namespace in one direction.
struct NamespaceProof<'a> {
    namespace: &'a Arc<str>,
    direction: Direction,
    meant: &'a Side,
    written: &'a Side,
    budget: &'a mut Budget,
}

impl NamespaceProof<'_> {
    fn run(&mut self) -> Result<Option<Difference>, GaveUp> {
        for by_policies in [false, true] {
            if let Some(pod) = self.isolation(by_policies)? {
                return Ok(Some(pod));
            }
        }
        let (written, meant) = (&self.written.granted, &self.meant.granted);
        let [of_written, of_meant] = settled(written, meant);
        if let Some(found) = self.grants(written, &of_written, meant, true)? {
            return Ok(Some(found));
        }
        match self.restricted() {
            None => self.grants(meant, &of_meant, written, false),
            Some(restricted) => {
                let [of_restricted, _] = settled(&restricted, written);
                self.grants(&restricted, &of_restricted, written, false)
            }
        }
    }

    fn pod(&self, labels: &Selector) -> ExampleEnd {
        ExampleEnd::pod(self.namespace, labels.witness().unwrap_or_default())
    }

    fn isolation(&mut self, by_policies: bool) -> Result<Option<Difference>, GaveUp> {
        let (all, by) = match by_policies {
            true => (&self.written.isolated, &self.meant.isolated),
            false => (&self.meant.isolated, &self.written.isolated),
        };
        if by.iter().any(Selector::is_everything) {
            return Ok(None);
        }
        // Many policies select the same pods.
        let (all, by) = (each_once(all), each_once(by));
        let index = SelectorIndex::new(by.iter().copied().enumerate());
        for selector in all {
            let near: Vec<&Selector> = index.query(selector).into_iter().filter_map(|at| by.get(at).copied()).collect();
            if let Some(labels) = unmatched(selector, &near, self.budget)? {
                let (direction, pod) = (self.direction, self.pod(&labels));
                return Ok(Some(Difference::Isolation { direction, pod, by_policies }));
            }
        }
        Ok(None)
    }

    /// What the program grants to pods that are isolated; `None` when all are, so that it is what it grants at all.
    fn restricted(&self) -> Option<Vec<Region>> {
        let Side { isolated, granted } = self.meant;
        if isolated.iter().any(Selector::is_everything) {
            return None;
        }
        let isolated = each_once(isolated);
        let index = SelectorIndex::new(isolated.iter().copied().enumerate());
        let mut regions = Vec::new();
        for region in granted {
            let near = index.query(&region.subject);
            let near: Vec<&Selector> = near.into_iter().filter_map(|at| isolated.get(at).copied()).collect();
            if near.iter().any(|selector| selector.contains(&region.subject)) {
                regions.push(region.clone());
                continue;
            }
            let both = near.iter().map(|selector| Region { subject: region.subject.and(selector), ..region.clone() });
            regions.extend(both);
        }
        Some(regions)
    }

    /// A part of one of `regions` that none of `by` grants; those that are `settled` have none.
    fn grants(
        &mut self,
        regions: &[Region],
        settled: &[bool],
        by: &[Region],
        by_policies: bool,
    ) -> Result<Option<Difference>, GaveUp> {
        let ends = by.iter().enumerate().map(|(at, one)| (at, &one.subject, &one.peers));
        let index = LazyCell::new(|| RegionIndex::new(ends));
        let numeric: LazyCell<Vec<Region>, _> =
            LazyCell::new(|| by.iter().map(|one| with_ports(one, numbers(&one.ports))).collect());
        let open = regions.iter().zip(settled).filter(|(region, settled)| !**settled && !region.is_empty());
        for (region, _) in open {
            for part in worlds(region).into_iter().map(named) {
                let near = index.query(&part.subject, &part.peers);
                let candidates: Vec<&Region> = near.iter().filter_map(|at| numeric.get(*at)).collect();
                let plain = with_ports(&part, numbers(&part.ports));
                let found = missing(plain, &candidates, self.budget)?;
                if let Some(found) = found {
                    return Ok(Some(self.example(&found, None, by_policies)));
                }
                // Nobody knows the container ports of an address.
                if self.direction == Direction::Egress && matches!(part.peers, Peers::Addresses(_)) {
                    continue;
                }
                for (protocol, name) in names(&part.ports) {
                    let seen = |at: &usize| {
                        let (one, plain) = (by.get(*at)?, numeric.get(*at)?);
                        let named = one.ports.has_name(protocol, &name);
                        Some(if named { with_ports(one, every_number(protocol)) } else { plain.clone() })
                    };
                    let candidates: Vec<Region> = near.iter().filter_map(seen).collect();
                    let candidates: Vec<&Region> = candidates.iter().collect();
                    let wanted = with_ports(&part, every_number(protocol));
                    if let Some(found) = missing(wanted, &candidates, self.budget)? {
                        return Ok(Some(self.example(&found, Some((protocol, name)), by_policies)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// A connection of a part that differs. One that no example can be named of differs all the same.
    fn example(&self, found: &Region, name: Option<(Protocol, Arc<str>)>, by_policies: bool) -> Difference {
        let number = || {
            let first = |protocol: Protocol| found.ports.ranges(protocol).first().map(|(low, _)| (protocol, *low));
            Protocol::ALL.into_iter().find_map(first)
        };
        let port = match (name, number()) {
            (Some((protocol, name)), _) => ExamplePort::Named(protocol, name),
            (None, Some((protocol, number))) => ExamplePort::Number(protocol, number),
            (None, None) => ExamplePort::Other,
        };
        let (direction, pod) = (self.direction, self.pod(&found.subject));
        let grant = |peer| Difference::Grant { direction, pod, peer, port, by_policies };
        ExampleEnd::of(&nameless(&found.peers)).map_or(Difference::Unknown, grant)
    }
}

/// Selectors without those that are there already.
fn each_once(selectors: &[Selector]) -> Vec<&Selector> {
    let mut known = FxHashSet::default();
    selectors.iter().filter(|one| known.insert(*one)).collect()
}

/// Which of the regions on each side are inside those on the other side with the same ends, as nearly all are.
fn settled(one: &[Region], other: &[Region]) -> [Vec<bool>; 2] {
    let mut groups: FxHashMap<(&Selector, &Peers), [SmallVec<[usize; 1]>; 2]> = FxHashMap::default();
    groups.reserve(one.len().max(other.len()));
    for (at, region) in one.iter().enumerate() {
        let [ones, _] = groups.entry((&region.subject, &region.peers)).or_default();
        ones.push(at);
    }
    for (at, region) in other.iter().enumerate() {
        let [_, others] = groups.entry((&region.subject, &region.peers)).or_default();
        others.push(at);
    }
    let mut settled = [vec![false; one.len()], vec![false; other.len()]];
    let [of_one, of_other] = &mut settled;
    groups.values().for_each(|[ones, others]| {
        mark_inside(one, ones, &ports_of(other, others), of_one);
        mark_inside(other, others, &ports_of(one, ones), of_other);
    });
    settled
}

/// The ports of some of the regions together.
fn ports_of(regions: &[Region], places: &[usize]) -> PortSet {
    PortSet::union_of(places.iter().filter_map(|at| regions.get(*at)).map(|region| &region.ports))
}

/// Marks those of the regions at `places` whose ports are among `ports`.
fn mark_inside(regions: &[Region], places: &[usize], ports: &PortSet, marks: &mut [bool]) {
    for at in places {
        if let (Some(region), Some(mark)) = (regions.get(*at), marks.get_mut(*at)) {
            *mark = ports.contains(&region.ports);
        }
    }
}

fn with_ports(region: &Region, ports: PortSet) -> Region {
    Region { ports, ..region.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::AddressSet;
    use crate::source::Sources;
    use crate::{flow, model, syntax};

    #[test]
    fn what_takes_too_many_steps_is_not_proved() {
        let mut sources = Sources::default();
        let file = sources.add("main.polder", "namespace app {\n  tier web\n  isolate ingress for web\n}\n");
        let tree = syntax::parse(&sources, file).tree;
        let set = flow::lower(&model::resolve(&sources, &[tree], &model::Options::default()).model);
        let written = Grants::of_program(&set);
        let prove = |steps| compare_within(&set, &written, &written, Budget::new(steps));
        let needed = (0..100).find(|steps| prove(*steps).is_ok()).unwrap_or_default();
        assert!(needed > 0, "nothing is spent");
        for steps in 0..needed {
            assert_eq!(prove(steps), Err(Counterexample::new(&"app".into(), Difference::Unknown)), "{steps}");
        }
    }

    #[test]
    fn a_difference_without_an_example_is_a_difference() {
        let (side, namespace) = (Side::default(), Arc::from("app"));
        let (direction, budget) = (Direction::Egress, &mut Budget::new(0));
        let comparison = NamespaceProof { namespace: &namespace, direction, meant: &side, written: &side, budget };
        let nobody = Peers::Addresses(AddressSet::default());
        let found = Region { subject: Selector::everything(), peers: nobody, ports: PortSet::everything() };
        assert_eq!(comparison.example(&found, None, true), Difference::Unknown);
    }
}
