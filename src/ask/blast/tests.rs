//! A search kind by kind, held against a search pod by pod.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::hop::Front;
use super::sets::SetSearch;
use super::*;
use crate::ask::everyone::Everyone;
use crate::ask::situation::Asked;
use crate::ask::space::Example;
use crate::ask::space::tests::{Everybody, Random, everybody, facts, is_in, may_meet};
use crate::cover::Budget;
use crate::engine::EndId;
use crate::engine::{Engine, Verdict};
use crate::netpol::Policy;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The home and the name of the namespace of pods.
type Place = Option<(Option<usize>, Option<Arc<str>>)>;

/// One pod or address of all that can be told apart.
type One = (Example, EndId);

struct Pods<'a> {
    everyone: &'a Everyone<'a>,
    everybody: &'a Everybody,
    engine: &'a Engine<'a>,
    known: &'a RefCell<FxHashMap<(EndId, EndId), Option<Verdict>>>,
    back: bool,
}

impl Pods<'_> {
    fn verdict(&self, from: EndId, to: EndId) -> Option<Verdict> {
        let (source, destination) = if self.back { (to, from) } else { (from, to) };
        let judge = || {
            let verdict = self.engine.between(source, destination);
            (may_meet(self.everybody, from, to) && !verdict.possible().is_empty()).then_some(verdict)
        };
        self.known.borrow_mut().entry((source, destination)).or_insert_with(judge).clone()
    }

    fn of(&self, ends: &[Front]) -> Vec<&One> {
        let space = &self.everyone.space;
        self.everybody.all.iter().filter(|(one, _)| ends.iter().any(|end| is_in(space, &end.ends, one))).collect()
    }

    /// The places of those that are one hop from some, with what they get.
    fn next(&self, front: &[&One]) -> Vec<(usize, Vec<Verdict>)> {
        let all = self.everybody.all.iter().enumerate().map(|(at, (_, to))| {
            (at, front.iter().filter_map(|(_, from)| self.verdict(*from, *to)).collect::<Vec<_>>())
        });
        all.filter(|(_, found)| !found.is_empty()).collect()
    }

    /// Whether a namespace has labels of its own beside its name, by which nobody means it.
    fn is_doubtful(&self, (one, _): &One) -> bool {
        matches!(one, Example::Pod { home: None, name: Some(_), namespace, .. } if namespace.len() > 1)
    }

    fn has(&self, group: usize, (one, _): &One) -> bool {
        let space = &self.everyone.space;
        self.everyone.groups[group].set.ends(space).iter().any(|end| is_in(space, end, one))
    }

    fn place(&self, (one, _): &One) -> Place {
        match one {
            Example::Pod { home, name, .. } => Some((*home, name.clone())),
            Example::Address(_) | Example::Unlisted(_) => None,
        }
    }

    /// The groups by which someone is meant.
    fn groups(&self, one: &One) -> Vec<usize> {
        let Some((_, name)) = self.place(one) else { return Vec::new() };
        let all: Vec<usize> = (0..self.everyone.groups.len()).filter(|group| self.has(*group, one)).collect();
        let names_it = |group: &usize| name.is_some() && self.everyone.groups[*group].name.namespace() == name.as_ref();
        let named: Vec<usize> = all.iter().copied().filter(names_it).collect();
        if named.is_empty() { all } else { named }
    }

    /// The pods of each group at each place.
    fn regions(&self) -> BTreeMap<(Place, usize), BTreeSet<usize>> {
        let mut regions: BTreeMap<(Place, usize), BTreeSet<usize>> = BTreeMap::new();
        for (at, one) in self.everybody.all.iter().enumerate() {
            for group in self.groups(one) {
                regions.entry((self.place(one), group)).or_default().insert(at);
            }
        }
        regions
    }

    /// Those that are in one of their groups that lies in all their others, and those of groups that have no such.
    fn declared(&self) -> BTreeSet<usize> {
        let (all, regions) = (&self.everybody.all, self.regions());
        let is_declared = |at: &usize| {
            let groups = self.groups(&all[*at]);
            let region = |group: &usize| &regions[&(self.place(&all[*at]), *group)];
            let lies_in_all = |group: &usize| groups.iter().all(|other| region(group).is_subset(region(other)));
            groups.iter().any(lies_in_all)
        };
        let mut declared: BTreeSet<usize> = (0..all.len()).filter(is_declared).collect();
        let lonely: Vec<usize> = regions.values().filter(|one| one.is_disjoint(&declared)).flatten().copied().collect();
        declared.extend(lonely);
        declared
    }
}

fn start(random: &mut Random, policies: &[Policy]) -> Asked {
    if random.chance(30) {
        return Asked::parse(["p/{a=x}", "q/{a=x,b=y}", "r/{}"][random.below(3)]).unwrap();
    }
    let facts = crate::net::Facts::default();
    let everyone = Everyone::new(&[], &[policies], &[], &[], &facts);
    let names = everyone.names();
    Asked::Name(names[random.below(names.len())].clone())
}

/// Calls `check` with many searches.
fn for_many(check: impl Fn(&mut SetSearch<'_, '_>, &Pods<'_>, Vec<Front>, bool)) {
    for seed in 0..12 {
        let mut random = Random(seed);
        let policies = random.policies();
        let asked = start(&mut random, &policies);
        let facts = facts(&mut random, seed);
        let everyone = Everyone::new(&[], &[&policies], &[], std::slice::from_ref(&asked), &facts);
        let grants = everyone.grants(&policies);
        let everybody = everybody(&everyone.space, &policies);
        let (engine, known) = (Engine::new(&everybody.world, &policies), RefCell::default());
        for back in [false, true] {
            let pods = Pods { everyone: &everyone, everybody: &everybody, engine: &engine, known: &known, back };
            let mut budget = Budget::new(5_000_000);
            let from = sets::BlastFrom { asked: &asked, back, depth: usize::MAX, servers: None };
            let (mut search, start) = SetSearch::new(&everyone, &grants, from, &mut budget).unwrap();
            check(&mut search, &pods, start, asked.pod().is_some());
        }
    }
}

#[test]
fn as_far_as_pod_by_pod() {
    let counts = Cell::new([0; 2]);
    for_many(|search, pods, start, is_one| {
        let place = |one: &One| pods.everybody.all.iter().position(|other| other == one).unwrap();
        let declared = pods.declared();
        let mut front: Vec<usize> = pods.of(&start).into_iter().map(place).collect();
        let mut seen: BTreeSet<usize> = if is_one { BTreeSet::new() } else { front.iter().copied().collect() };
        let mut fronts = vec![start];
        for level in 0..8 {
            let from: Vec<&One> = front.iter().map(|at| &pods.everybody.all[*at]).collect();
            let next: BTreeSet<usize> = pods.next(&from).into_iter().map(|(at, _)| at).collect();
            let mut reached = Vec::new();
            for front in std::mem::take(&mut fronts) {
                let hops = search.hop(&front).unwrap();
                fronts.extend(hops.into_iter().filter_map(|hop| hop.onward));
            }
            for ends in &fronts {
                reached.extend(pods.of(ends).into_iter().map(place));
            }
            let is_pod = |at: &usize| matches!(pods.everybody.all[*at].0, Example::Pod { .. });
            // Those whom nobody means may be told, and need not.
            let is_clear = |at: &usize| !pods.is_doubtful(&pods.everybody.all[*at]);
            let expected = next.iter().copied().filter(|at| is_pod(at) && is_clear(at));
            let expected: BTreeSet<usize> = expected.filter(|at| declared.contains(at) && !seen.contains(at)).collect();
            let all: BTreeSet<usize> = reached.iter().copied().collect();
            assert!(all.is_subset(&next) && all.is_disjoint(&seen), "level {level}");
            let clear: BTreeSet<usize> = all.iter().copied().filter(is_clear).collect();
            assert_eq!(clear, expected, "level {level} of {:?}", pods.everyone.names());
            assert_eq!(all.len(), reached.len(), "each is gone on from once");
            for at in next.iter().filter(|at| !is_pod(at)) {
                let Example::Address(address) = &pods.everybody.all[*at].0 else { continue };
                assert!(search.has_seen(&crate::net::AddressSet::from_net((*address).into())), "{address}");
            }
            let mut found = counts.get();
            found[level.min(1)] += expected.len();
            counts.set(found);
            seen.extend(&all);
            front = all.into_iter().collect();
            if front.is_empty() {
                break;
            }
        }
    });
    let [near, far] = counts.get();
    assert!(near > 1_000 && far > 50, "{near} {far}");
}

#[test]
fn names_and_ports_are_those_of_pods() {
    let told = Cell::new(0);
    for_many(|search, pods, start, _| {
        let groups = &pods.everyone.groups;
        let declared = pods.declared();
        let mut fronts = vec![start];
        for _ in 0..3 {
            for front in std::mem::take(&mut fronts) {
                let all = pods.of(&front);
                let next = pods.next(&all);
                let meant: Vec<&One> = all.iter().copied().filter(|one| !pods.is_doubtful(one)).collect();
                let meant = pods.next(&meant);
                let hops = search.hop(&front).unwrap();
                let has = |group: &usize, at: usize| pods.has(*group, &pods.everybody.all[at]);
                let is_told = |at: &usize| {
                    let one = &pods.everybody.all[*at];
                    declared.contains(at) || pods.is_doubtful(one) || matches!(one.0, Example::Address(_))
                };
                for (at, verdicts) in next.iter().filter(|(at, _)| is_told(at)) {
                    let mine: Vec<&Hop<Vec<Front>>> =
                        hops.iter().filter(|hop| hop.groups.iter().any(|group| has(group, *at))).collect();
                    let one = &pods.everybody.all[*at];
                    assert!(!mine.is_empty() || pods.is_doubtful(one), "{one:?} is told");
                    let is_meant = meant.iter().any(|(other, _)| other == at);
                    for verdict in verdicts.iter().filter(|_| is_meant && !pods.is_doubtful(one)) {
                        let numbers = crate::prove::numbers(&verdict.allowed);
                        let mut ports = PortSet::empty();
                        mine.iter().for_each(|hop| ports.insert(&hop.ports.union(&hop.unknown)));
                        assert!(ports.contains(&numbers), "{one:?} on {numbers}: {mine:?}");
                    }
                }
                for hop in &hops {
                    let (mut sure, mut possible) = (PortSet::empty(), PortSet::empty());
                    for group in &hop.groups {
                        let of_group = next.iter().filter(|(at, _)| is_told(at) && has(group, *at));
                        let verdicts: Vec<&Verdict> = of_group.flat_map(|(_, verdicts)| verdicts).collect();
                        assert!(!verdicts.is_empty(), "{} is reached", groups[*group].name);
                        for verdict in verdicts {
                            sure.insert(&verdict.allowed);
                            possible.insert(&verdict.possible());
                        }
                    }
                    let numbers = |set: &PortSet| crate::prove::numbers(set);
                    assert!(sure.contains(&numbers(&hop.ports)), "{hop:?}: {sure}");
                    assert!(possible.contains(&numbers(&hop.unknown)), "{hop:?}: {possible}");
                    told.set(told.get() + 1);
                }
                fronts.extend(hops.into_iter().filter_map(|hop| hop.onward));
            }
        }
    });
    assert!(told.get() > 100, "{}", told.get());
}

#[test]
fn groups_overlap_where_a_pod_is_in_both_and_neither_lies_in_the_other() {
    let told = Cell::new(0);
    for_many(|search, pods, _, _| {
        let regions = pods.regions();
        let mut overlapping: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for ((place, group), mine) in &regions {
            let same = regions.iter().filter(|((other, _), _)| other == place);
            let beside = |theirs: &BTreeSet<usize>| {
                !mine.is_disjoint(theirs) && !mine.is_subset(theirs) && !theirs.is_subset(mine)
            };
            let others = same.filter(|(_, theirs)| beside(theirs)).map(|((_, other), _)| *other);
            overlapping.entry(*group).or_default().extend(others);
        }
        for (group, others) in overlapping {
            let mut found = search.kinds.overlapping(std::iter::once(group));
            assert_eq!(found.remove(&group), !others.is_empty());
            assert_eq!(found, others, "{} of {:?}", pods.everyone.groups[group].name, pods.everyone.names());
            told.set(told.get() + found.len());
        }
    });
    assert!(told.get() > 50, "{}", told.get());
}
