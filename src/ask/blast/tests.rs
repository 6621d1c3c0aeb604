//! A search set by set, held against a search pod by pod.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::sets::Search;
use super::*;
use crate::ask::everyone::Everyone;
use crate::ask::situation::Asked;
use crate::ask::space::tests::{Everybody, Random, everybody, facts, is_in, may_meet};
use crate::ask::space::{Ends, Example};
use crate::cover::Budget;
use crate::engine::EndId;
use crate::engine::{Engine, Verdict};
use crate::netpol::Policy;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};

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

    fn of(&self, ends: &[Ends]) -> Vec<&One> {
        let space = &self.everyone.space;
        self.everybody.all.iter().filter(|(one, _)| ends.iter().any(|end| is_in(space, end, one))).collect()
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
fn for_many(check: impl Fn(&mut Search<'_, '_, '_>, &Pods<'_>, Vec<Ends>, bool)) {
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
            let from = sets::From { asked: &asked, back, depth: usize::MAX, servers: None };
            let (mut search, start) = Search::new(&everyone, &grants, from, &mut budget).unwrap();
            check(&mut search, &pods, start, matches!(asked, Asked::Pod { .. }));
        }
    }
}

#[test]
fn as_far_as_pod_by_pod() {
    let counts = Cell::new([0; 2]);
    for_many(|search, pods, start, is_one| {
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        let mut front: Vec<&One> = pods.of(&start);
        let place = |one: &One| pods.everybody.all.iter().position(|other| other == one).unwrap();
        if !is_one {
            seen.extend(front.iter().map(|one| place(one)));
        }
        let mut fronts = vec![start];
        for level in 0..8 {
            let next: BTreeSet<usize> =
                pods.next(&front).into_iter().map(|(at, _)| at).filter(|at| !seen.contains(at)).collect();
            let mut reached = Vec::new();
            for front in std::mem::take(&mut fronts) {
                let hops = search.hop(&front).unwrap();
                fronts.extend(hops.into_iter().filter_map(|hop| hop.onward));
            }
            for ends in &fronts {
                reached.extend(pods.of(ends).into_iter().map(place));
            }
            let is_pod = |at: &usize| matches!(pods.everybody.all[*at].0, Example::Pod { .. });
            let expected: BTreeSet<usize> = next.iter().copied().filter(is_pod).collect();
            let count = reached.len();
            let reached: BTreeSet<usize> = reached.into_iter().collect();
            assert_eq!(reached, expected, "level {level} of {:?}", pods.everyone.names());
            assert_eq!(count, reached.len(), "each is gone on from once");
            for at in next.iter().filter(|at| !is_pod(at)) {
                let Example::Address(address) = &pods.everybody.all[*at].0 else { continue };
                let end = Ends::Addresses(crate::net::AddressSet::from_net((*address).into()));
                assert!(search.has_seen(&end), "{address}");
            }
            let mut all = counts.get();
            all[level.min(1)] += expected.len();
            counts.set(all);
            seen.extend(next);
            front = expected.iter().map(|at| &pods.everybody.all[*at]).collect();
            if expected.is_empty() {
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
        let space = &pods.everyone.space;
        let mut fronts = vec![start];
        for _ in 0..3 {
            for front in std::mem::take(&mut fronts) {
                let all = pods.of(&front);
                let next = pods.next(&all);
                let meant: Vec<&One> = all.iter().copied().filter(|one| !pods.is_doubtful(one)).collect();
                let meant = pods.next(&meant);
                let hops = search.hop(&front).unwrap();
                let has = |group: &usize, at: usize| {
                    let ends = groups[*group].set.ends(space);
                    ends.iter().any(|end| is_in(space, end, &pods.everybody.all[at].0))
                };
                for (at, verdicts) in &next {
                    let mine: Vec<&Hop<Vec<Ends>>> =
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
                        let of_group = next.iter().filter(|(at, _)| has(group, *at));
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
