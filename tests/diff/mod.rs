//! What a diff says, held against the naive evaluator on everything that two sets of policies can tell apart.

mod growth;
mod programs;
mod yaml;

use crate::oracle::evaluate::{self as naive, Party, Stated};
use crate::oracle::universe::{Atoms, Bits, Chunk, Point, Universe, index};
use polder::ask::{Ends, Everyone, Example, Program, Space};
use polder::cover::Budget;
use polder::diff::{ConnectionChange, Diff, IsolationChange, Kind, MeantEnds, Version, compare_everyone};
use polder::engine::Verdict;
use polder::net::{BlocksMatch, Direction, Facts, PortSet, Protocol, Truth};
use polder::netpol::Policy;

/// How many cases, unless `POLDER_CASES` says another number.
pub(crate) fn cases(usual: u64) -> std::ops::Range<u64> {
    0..std::env::var("POLDER_CASES").map_or(usual, |text| text.parse().unwrap())
}

/// A cluster whose address blocks match no pods: then pods are a matter of labels, which the oracle can enumerate.
pub(crate) fn outside_only() -> Facts {
    Facts::of_plugin(BlocksMatch { pods: Truth::No, ..BlocksMatch::EVERYTHING })
}

/// Policies, as the code under test and as the oracle know them.
pub(crate) struct Side<'a> {
    pub policies: &'a [Policy],
    pub program: Option<Program<'a>>,
    pub naive: naive::PolicySet,
}

/// What the cases came to, to show that they are not all alike.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub same: usize,
    pub wider: usize,
    pub narrower: usize,
    pub isolation: usize,
    pub connections: usize,
    pub partly: usize,
    pub unknown: usize,
}

/// What is said of two sets of policies.
pub(crate) fn said<'p>(everyone: &Everyone<'p>, old: &Side<'p>, new: &Side<'p>) -> Diff {
    let [before, after] =
        [old, new].map(|side| Version { policies: side.policies, policy_spans: &[], program: side.program });
    let compare = |one, other| compare_everyone(everyone, one, other, false, &mut Budget::of_question()).unwrap();
    let diff = compare(&before, &after);
    assert_eq!(mirrored(&compare(&after, &before)), sorted(diff.clone()), "seen from the other end");
    diff
}

/// Holds everything that is said of two sets of policies.
pub(crate) fn hold(
    everyone: &Everyone<'_>,
    diff: &Diff,
    [old, new]: [&naive::PolicySet; 2],
    stated: &Stated,
    counts: &mut Counts,
) {
    let mut atoms = Atoms::of(old);
    atoms.join(Atoms::of(new));
    atoms.namespaces.extend(stated.keys().cloned());
    let universe = Universe::new(&atoms, stated);
    let held = Held { space: &everyone.space, diff, old, new, examples: examples(&everyone.space, &universe) };
    let (mut wider, mut narrower) = (false, false);
    let mut seen = vec![[false; 2]; diff.connections.len()];
    let mut freed = vec![false; diff.isolation.len()];
    for chunk in universe.chunks() {
        let [was, is] = [old, new].map(|set| chunk.allowed(set));
        let size = chunk.size();
        let can_be = |cell: &usize| coexist(&chunk.parties[cell / size], &chunk.parties[cell % size]);
        for cell in (0..size * size).filter(|cell| was.cells[*cell] != is.cells[*cell]).filter(can_be) {
            let pair = (cell / size, cell % size);
            for (bit, point) in chunk.points.iter().enumerate() {
                let [was, is] = [&was, &is].map(|matrix| matrix.cells[cell] >> bit & 1 == 1);
                if was != is {
                    wider |= is;
                    narrower |= was;
                    held.is_said(&universe, pair, point, is, &mut seen, &mut freed);
                }
            }
        }
        let rules = [
            &held.by_rules(&chunk, [old, new], [&was.cells, &is.cells]),
            &held.by_rules(&chunk, [new, old], [&is.cells, &was.cells]),
        ];
        for (came, rules) in [(true, rules[0]), (false, rules[1])] {
            for (cell, bits) in rules.iter().enumerate().filter(|(cell, bits)| **bits != 0 && can_be(cell)) {
                for (_, point) in chunk.points.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1) {
                    let pair = (cell / size, cell % size);
                    assert!(
                        held.listed(pair, point, came).next().is_some(),
                        "{} is not listed: {diff:#?}",
                        what(&universe, pair, point)
                    );
                }
            }
        }
        held.is_true(&chunk, [&was.cells, &is.cells]);
    }
    let visible = |ports: fn(&ConnectionChange) -> &Verdict| diff.connections.iter().any(|one| is_visible(ports(one)));
    let freed_some = |lifted: bool| diff.isolation.iter().any(|change| change.lifted == lifted);
    let told = (visible(|one| &one.added) || freed_some(true), visible(|one| &one.removed) || freed_some(false));
    assert_eq!(told, (wider, narrower), "{diff:#?}");
    for (change, [added, removed]) in diff.connections.iter().zip(seen) {
        let told = (is_visible(&change.added), is_visible(&change.removed));
        assert_eq!((added, removed), told, "not so: {change:#?}");
    }
    for (change, freed) in diff.isolation.iter().zip(freed) {
        assert!(freed, "makes no difference: {change:#?}");
    }
    hold_origins(diff);
    counts.same += usize::from(diff.is_empty());
    counts.wider += usize::from(wider);
    counts.narrower += usize::from(narrower);
    counts.isolation += diff.isolation.len();
    counts.connections += diff.connections.len();
    counts.partly += diff.connections.iter().filter(|change| change.partly).count();
    counts.unknown += diff.connections.iter().filter(|change| !change.unknown().is_empty()).count();
}

fn what(universe: &Universe, pair: (usize, usize), point: &Point) -> String {
    format!("{} -> {} on {point:?}", universe.parties[pair.0], universe.parties[pair.1])
}

/// Whether both can be there at once: one namespace cannot have two sets of labels.
fn coexist(one: &Party, other: &Party) -> bool {
    match (one, other) {
        (Party::Pod(one), Party::Pod(other)) => {
            one.namespace != other.namespace || one.namespace_labels == other.namespace_labels
        }
        _ => true,
    }
}

/// Whether the oracle, which knows three protocols, can see such ports.
fn is_visible(verdict: &Verdict) -> bool {
    let ports = verdict.possible();
    Protocol::ALL.into_iter().any(|one| !ports.ranges(one).is_empty() || ports.names(one).next().is_some())
}

/// Every party as the code under test knows it.
fn examples(space: &Space, universe: &Universe) -> Vec<Example> {
    let example = |party: &Party| match party {
        Party::Address(address) => Example::Address(*address),
        Party::Pod(pod) => Example::Pod {
            home: space.home(&pod.namespace),
            name: Some(pod.namespace.as_str().into()),
            namespace: pod.namespace_labels.clone(),
            labels: pod.labels.clone(),
        },
    };
    universe.parties.iter().map(example).collect()
}

struct Held<'a> {
    space: &'a Space,
    diff: &'a Diff,
    old: &'a naive::PolicySet,
    new: &'a naive::PolicySet,
    examples: Vec<Example>,
}

impl Held<'_> {
    fn is_among(&self, meant: &MeantEnds, party: usize) -> bool {
        let MeantEnds::Sets(sets) = meant else { panic!("{meant:?}") };
        sets.iter().any(|end: &Ends| self.space.has(end, &self.examples[party]))
    }

    /// The places of the changes that list a connection as one that came, or else went.
    fn listed<'s>(&'s self, pair: (usize, usize), point: &'s Point, came: bool) -> impl Iterator<Item = usize> + 's {
        let lists = move |change: &ConnectionChange| {
            let ports = if came { &change.added } else { &change.removed };
            (has(&ports.allowed, point) || has(&ports.unknown, point))
                && self.is_among(&change.ends[0], pair.0)
                && self.is_among(&change.ends[1], pair.1)
        };
        self.diff.connections.iter().enumerate().filter(move |(_, change)| lists(change)).map(|(place, _)| place)
    }

    fn frees(&self, change: &IsolationChange, pair: (usize, usize), came: bool) -> bool {
        let of = |direction: &Direction| if *direction == Direction::Egress { pair.0 } else { pair.1 };
        change.lifted == came && change.directions.iter().any(|direction| self.is_among(&change.ends, of(direction)))
    }

    fn is_said(
        &self,
        universe: &Universe,
        pair: (usize, usize),
        point: &Point,
        came: bool,
        seen: &mut [[bool; 2]],
        freed: &mut [bool],
    ) {
        let mut is_said = false;
        for place in self.listed(pair, point, came) {
            seen[place][usize::from(!came)] = true;
            is_said = true;
        }
        for (change, freed) in self.diff.isolation.iter().zip(freed) {
            if self.frees(change, pair, came) {
                *freed = true;
                is_said = true;
            }
        }
        assert!(is_said, "{} is not said: {:#?}", what(universe, pair, point), self.diff);
    }

    /// The connections that came, where pods that were isolated and are have a part in it by their rules.
    fn by_rules(&self, chunk: &Chunk<'_>, sets: [&naive::PolicySet; 2], allowed: [&Vec<Bits>; 2]) -> Vec<Bits> {
        let n = chunk.size();
        let sides = chunk.sides(sets[0]);
        let mut by_rules = vec![0; n * n];
        for (direction, side) in
            [(naive::Direction::Egress, &sides.egress), (naive::Direction::Ingress, &sides.ingress)]
        {
            let isolated = |set: &naive::PolicySet, party: &Party| {
                set.policies.iter().any(|policy| policy.rules(direction).is_some() && policy.selects(party))
            };
            for subject in (0..n).filter(|at| sets.iter().all(|set| isolated(set, &chunk.parties[*at]))) {
                for cell in (0..n).map(|peer| index(n, direction, subject, peer)) {
                    by_rules[cell] |= allowed[1][cell] & !allowed[0][cell] & !side.cells[cell];
                }
            }
        }
        by_rules
    }

    /// What is said is so of everybody of whom it is said.
    fn is_true(&self, chunk: &Chunk<'_>, [was, is]: [&Vec<Bits>; 2]) {
        let n = chunk.size();
        for change in self.diff.connections.iter().filter(|change| !change.partly) {
            let [sources, destinations] =
                change.ends.each_ref().map(|meant| (0..n).filter(|at| self.is_among(meant, *at)).collect::<Vec<_>>());
            let plain = |ports: &PortSet| {
                let bits =
                    chunk.points.iter().enumerate().filter(|(_, point)| point.names.is_empty() && has(ports, point));
                bits.fold(0, |all: Bits, (bit, _)| all | 1 << bit)
            };
            for (ports, [less, more]) in [(&change.added.allowed, [was, is]), (&change.removed.allowed, [is, was])] {
                let ports = plain(ports);
                let pairs = sources.iter().flat_map(|from| destinations.iter().map(move |to| (*from, *to)));
                let can_be = |pair: &(usize, usize)| coexist(&chunk.parties[pair.0], &chunk.parties[pair.1]);
                for cell in pairs.filter(can_be).map(|(from, to)| from * n + to) {
                    let possible = chunk.possible(cell / n, cell % n) & ports;
                    let right = less[cell] & possible == 0 && more[cell] & possible == possible;
                    assert!(right, "{} -> {}: {change:#?}", chunk.parties[cell / n], chunk.parties[cell % n]);
                }
            }
        }
        for change in &self.diff.isolation {
            for party in (0..n).filter(|at| self.is_among(&change.ends, *at)) {
                for direction in &change.directions {
                    let way = if *direction == Direction::Egress {
                        naive::Direction::Egress
                    } else {
                        naive::Direction::Ingress
                    };
                    let isolated = |set: &naive::PolicySet| {
                        set.policies.iter().any(|one| one.rules(way).is_some() && one.selects(&chunk.parties[party]))
                    };
                    assert_eq!(
                        (isolated(self.old), isolated(self.new)),
                        (change.lifted, !change.lifted),
                        "{change:#?}"
                    );
                }
            }
        }
    }
}

fn has(ports: &PortSet, point: &Point) -> bool {
    let protocol = Protocol::ALL.into_iter().find(|one| one.keyword() == point.protocol.to_string()).unwrap();
    ports.has(protocol, point.number) || point.names.iter().any(|name| ports.has_name(protocol, name))
}

/// Everything has a reason, on the side where it exists.
fn hold_origins(diff: &Diff) {
    for change in &diff.isolation {
        assert!(!change.origins.is_empty() && !change.pods.is_empty(), "{change:?}");
    }
    for change in &diff.connections {
        assert_eq!(change.new_origins.is_empty(), change.added.is_denied(), "{change:?}");
        assert_eq!(change.old_origins.is_empty(), change.removed.is_denied(), "{change:?}");
        assert!(!change.sources.is_empty() && !change.destinations.is_empty(), "{change:?}");
        assert_eq!(change.doubts.is_empty(), change.unknown().is_empty(), "what nobody said is named: {change:#?}");
    }
}

/// The diff of the same two in the other order.
fn mirrored(diff: &Diff) -> Diff {
    let mut diff = diff.clone();
    for change in &mut diff.isolation {
        change.lifted = !change.lifted;
    }
    for change in &mut diff.connections {
        std::mem::swap(&mut change.added, &mut change.removed);
        std::mem::swap(&mut change.old_origins, &mut change.new_origins);
        change.kind = match change.kind {
            Kind::Added => Kind::Removed,
            Kind::Removed => Kind::Added,
            Kind::Changed => Kind::Changed,
        };
    }
    sorted(diff)
}

fn sorted(mut diff: Diff) -> Diff {
    // Of two names, that of the newer version counts.
    for change in &mut diff.isolation {
        change.pods.clear();
    }
    for change in &mut diff.connections {
        change.sources.clear();
        change.destinations.clear();
    }
    diff.isolation.sort_by_key(|change| (change.ends.clone(), change.lifted));
    diff.connections.sort_by_key(|change| (change.ends.clone(), change.kind, format!("{change:?}")));
    diff
}
