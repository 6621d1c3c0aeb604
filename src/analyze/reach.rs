//! Who may connect to whom on which ports, by the names that people know.

use super::engine::{Engine, Verdict};
use super::situation::{GroupName, Situation};
use super::world::{EndId, World};
use crate::net::PortSet;
use crate::policy::Direction;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is allowed among the ends of a situation.
#[derive(Debug, Default)]
pub struct Reach {
    /// Everything that a connection can start or end in.
    pub rows: Vec<Row>,
    /// The connections that are allowed or may be, sorted; everything else is denied.
    pub cells: Vec<Cell>,
}

/// Ends that are reported together: they have the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What they are called.
    pub names: RowNames,
    /// The ends, sorted.
    pub ends: Vec<EndId>,
    /// Whether they are isolated, in the order of [`Direction::ALL`].
    pub isolated: [Isolated; 2],
}

/// What the ends of a row are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowNames {
    /// These groups of the situation, all of the same ends.
    Groups(Vec<usize>),
    /// All pods of a namespace, which are in other rows too; with its labels, where the groups tell them.
    Namespace(String),
    /// All pods, which are in other rows too.
    Cluster,
    /// All pods and addresses, which are in other rows too.
    Anywhere,
    /// All pods that are not isolated, in one direction or in both, and all addresses, which are in other rows too.
    NotIsolated(Option<Direction>),
    /// All pods that are isolated, in one direction or in both, which are in other rows too.
    Isolated(Option<Direction>),
    /// What was asked for, where no groups say it.
    Asked(String),
}

impl Row {
    /// How many are isolated for ingress.
    pub fn ingress(&self) -> Isolated {
        self.isolated[0]
    }

    /// How many are isolated for egress.
    pub fn egress(&self) -> Isolated {
        self.isolated[1]
    }
}

impl RowNames {
    /// Whether the same ends are in other rows too, which say more.
    pub fn is_wide(&self) -> bool {
        !matches!(self, RowNames::Groups(_) | RowNames::Asked(_))
    }
}

/// How many of some ends are isolated in a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolated {
    /// None.
    No,
    /// Some.
    Partly,
    /// All.
    Yes,
}

/// What one row may do with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The place of the row that connects.
    pub source: usize,
    /// The place of the row that is connected to.
    pub destination: usize,
    /// The ports between every two of them.
    pub every: PortSet,
    /// The ports between some two of them: those of `every` too.
    pub some: PortSet,
    /// Two that have ports that not all have, or those of `every`.
    pub example: Option<(EndId, EndId)>,
    /// The ports of which it is not known for some two of them.
    pub unknown: PortSet,
    /// Two of which it is not known.
    pub doubtful: Option<(EndId, EndId)>,
}

/// Ends that a question is limited to.
#[derive(Debug, Clone)]
pub struct Only {
    /// As they were asked for.
    pub text: String,
    /// The ends.
    pub ends: Vec<EndId>,
}

impl Cell {
    /// Whether nothing is allowed, for sure.
    pub fn is_empty(&self) -> bool {
        self.some.is_empty() && self.unknown.is_empty()
    }
}

impl Reach {
    /// Keeps only the ports that `ports` gives for a destination.
    pub fn narrow<E>(&mut self, engine: &Engine<'_>, ports: impl Fn(EndId) -> Result<PortSet, E>) -> Result<(), E> {
        let mut of_row: BTreeMap<usize, PortSet> = BTreeMap::new();
        for cell in &mut self.cells {
            let wanted = match of_row.get(&cell.destination) {
                Some(wanted) => wanted.clone(),
                None => {
                    let ends = self.rows.get(cell.destination).map(|row| row.ends.as_slice()).unwrap_or_default();
                    let mut wanted = PortSet::empty();
                    for end in ends {
                        wanted.insert(&ports(*end)?);
                    }
                    of_row.entry(cell.destination).or_insert(wanted).clone()
                }
            };
            if let Some((source, destination)) = cell.example {
                let by_name = engine.perhaps_on(source, destination, &wanted);
                if !by_name.is_empty() {
                    cell.unknown.insert(&by_name.subtract(&cell.some));
                    cell.doubtful.get_or_insert((source, destination));
                }
            }
            for set in [&mut cell.every, &mut cell.some, &mut cell.unknown] {
                *set = set.intersect(&wanted);
            }
        }
        self.cells.retain(|cell| !cell.is_empty());
        Ok(())
    }

    /// What the policies of an engine allow, between the ends that are asked for. Rows of all pods of a namespace, of
    /// all pods and of everything are there besides, for those who want to be short.
    pub fn new(engine: &Engine<'_>, situation: &Situation, from: Option<&Only>, to: Option<&Only>) -> Reach {
        let rows = rows(engine, situation, [from, to]);
        let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); situation.world.ends.len()];
        for (place, row) in rows.iter().enumerate() {
            for end in &row.ends {
                if let Some(rows) = rows_of.get_mut(end.index()) {
                    rows.push(place);
                }
            }
        }
        let limited = |only: Option<&Only>| -> Vec<Vec<usize>> {
            let Some(only) = only else { return rows_of.clone() };
            let asked: BTreeSet<EndId> = only.ends.iter().copied().collect();
            let fits =
                |place: &usize| rows.get(*place).is_some_and(|row| row.ends.iter().all(|end| asked.contains(end)));
            rows_of.iter().map(|rows| rows.iter().copied().filter(fits).collect()).collect()
        };
        let (sources, destinations) = (limited(from), limited(to));
        let none = Vec::new();
        let mut found: FxHashMap<(usize, usize), Gathered> = FxHashMap::default();
        engine.connections(|source, destination, verdict| {
            let here = sources.get(source.index()).unwrap_or(&none);
            let there = destinations.get(destination.index()).unwrap_or(&none);
            for row in here {
                for other in there {
                    found.entry((*row, *other)).or_default().add(source, destination, verdict);
                }
            }
            ControlFlow::Continue(())
        });
        for (end, (here, there)) in situation.world.ids().zip(sources.iter().zip(&destinations)) {
            if !engine.is_itself(end, end) {
                continue;
            }
            // A pod can always reach itself, which must not make a rule look as if it were for all pods.
            let verdict = engine.by_rules(end, end);
            for (row, other) in here.iter().flat_map(|row| there.iter().map(move |other| (*row, *other))) {
                found.get_mut(&(row, other)).into_iter().for_each(|gathered| gathered.add_pair(&verdict.allowed));
            }
        }
        let pairs = Pairs::new(&situation.world);
        let counts: Vec<Counts> = rows.iter().map(|row| pairs.count(&row.ends)).collect();
        let cell = |((source, destination), gathered): ((usize, usize), Gathered)| {
            let Gathered { pairs: count, every, some, example, unknown, doubtful } = gathered;
            let mut every = every.unwrap_or_default();
            if !every.is_empty()
                && let (Some(here), Some(there)) = (counts.get(source), counts.get(destination))
                && count < pairs.between(here, there)
            {
                every = PortSet::empty();
            }
            Cell { source, destination, every, some, example, unknown, doubtful }
        };
        let mut cells: Vec<Cell> = found.into_iter().map(cell).collect();
        cells.sort_by_key(|cell| (cell.source, cell.destination));
        Reach { rows, cells }
    }
}

/// What is found out about two rows, one pair of ends after another.
#[derive(Debug, Default)]
struct Gathered {
    pairs: u64,
    every: Option<PortSet>,
    some: PortSet,
    example: Option<(EndId, EndId)>,
    unknown: PortSet,
    doubtful: Option<(EndId, EndId)>,
}

impl Gathered {
    fn add(&mut self, source: EndId, destination: EndId, verdict: &Verdict) {
        let Verdict { allowed, unknown } = verdict;
        self.add_pair(allowed);
        if !self.some.contains(allowed) {
            self.some.insert(allowed);
            self.example = Some((source, destination));
        }
        if !unknown.is_empty() {
            self.unknown.insert(unknown);
            self.doubtful.get_or_insert((source, destination));
        }
    }

    fn add_pair(&mut self, allowed: &PortSet) {
        self.pairs += 1;
        self.every = Some(match self.every.take() {
            None => allowed.clone(),
            Some(every) if every == *allowed => every,
            Some(every) => every.intersect(allowed),
        });
    }
}

/// Counts the pairs of ends that can be connected, a pod and itself among them.
struct Pairs<'a> {
    world: &'a World,
    /// The names that several namespaces have, which cannot exist at once.
    several: BTreeSet<&'a Arc<str>>,
}

#[derive(Debug, Default)]
struct Counts<'a> {
    pods: u64,
    addresses: u64,
    /// Pods of namespaces that exclude others, by the name and the place of the namespace.
    exclusive: BTreeMap<&'a Arc<str>, BTreeMap<u32, u64>>,
}

impl<'a> Pairs<'a> {
    fn new(world: &'a World) -> Self {
        let (mut once, mut several) = (BTreeSet::new(), BTreeSet::new());
        for name in world.namespaces.iter().filter_map(|namespace| namespace.name.as_ref()) {
            if !once.insert(name) {
                several.insert(name);
            }
        }
        Pairs { world, several }
    }

    fn count(&self, ends: &[EndId]) -> Counts<'a> {
        let mut counts = Counts::default();
        for end in ends {
            let Some(pods) = self.world.pods(*end) else {
                counts.addresses += 1;
                continue;
            };
            counts.pods += 1;
            if let Some(home) = self.world.namespace(pods.namespace).filter(|home| home.known)
                && let Some(name) = home.name.as_ref().filter(|name| self.several.contains(name))
            {
                *counts.exclusive.entry(name).or_default().entry(pods.namespace.0).or_default() += 1;
            }
        }
        counts
    }

    fn between(&self, here: &Counts<'a>, there: &Counts<'a>) -> u64 {
        let all = (here.pods + here.addresses) * (there.pods + there.addresses) - here.addresses * there.addresses;
        let mut apart = 0;
        for (name, mine) in &here.exclusive {
            let Some(theirs) = there.exclusive.get(name) else { continue };
            let (here, there): (u64, u64) = (mine.values().sum(), theirs.values().sum());
            let same: u64 = mine.iter().map(|(id, count)| count * theirs.get(id).copied().unwrap_or_default()).sum();
            apart += here * there - same;
        }
        all - apart
    }
}

fn rows(engine: &Engine<'_>, situation: &Situation, asked: [Option<&Only>; 2]) -> Vec<Row> {
    let mut by_ends: BTreeMap<&[EndId], Vec<usize>> = BTreeMap::new();
    for (place, group) in situation.groups.iter().enumerate() {
        by_ends.entry(&group.ends).or_default().push(place);
    }
    let row = |names, ends: Vec<EndId>| Row { names, isolated: isolated(engine, &ends), ends };
    let mut groups: Vec<(Vec<usize>, &[EndId])> = by_ends.into_iter().map(|(ends, groups)| (groups, ends)).collect();
    groups.sort();
    let mut rows: Vec<Row> =
        groups.into_iter().map(|(groups, ends)| row(RowNames::Groups(groups), ends.to_vec())).collect();
    let mut known: BTreeSet<Vec<EndId>> = rows.iter().map(|row| row.ends.clone()).collect();
    let mut namespaces: BTreeMap<String, Vec<EndId>> = BTreeMap::new();
    let (mut cluster, mut anywhere) = (Vec::new(), Vec::new());
    for id in situation.world.ids() {
        match situation.world.pods(id) {
            Some(pods) if pods.asked => continue,
            Some(_) => {
                cluster.push(id);
                if let Some(name) = situation.world.namespace_of(id).and_then(|namespace| namespace.name.as_ref()) {
                    let groups = situation.names_of(id);
                    let of_labels = groups.first().filter(|name| matches!(name, GroupName::Pods(..)));
                    let home = of_labels.and_then(|name| name.home()).unwrap_or_else(|| name.to_string());
                    namespaces.entry(home).or_default().push(id);
                }
            }
            None => {}
        }
        anywhere.push(id);
    }
    let mut wide: Vec<(RowNames, Vec<EndId>)> =
        namespaces.into_iter().map(|(name, ends)| (RowNames::Namespace(name), ends)).collect();
    let parts = Direction::ALL.map(|direction| {
        let isolated = |end: &EndId| engine.is_isolated(direction, *end);
        let (isolated, open): (Vec<EndId>, Vec<EndId>) = anywhere.iter().partition(|end| isolated(end));
        (isolated, open)
    });
    wide.extend([(RowNames::Cluster, cluster), (RowNames::Anywhere, anywhere)]);
    let [ingress, egress] = &parts;
    let one = ingress == egress;
    for (direction, (isolated, open)) in Direction::ALL.into_iter().zip(parts) {
        let direction = (!one).then_some(direction);
        wide.extend([(RowNames::NotIsolated(direction), open), (RowNames::Isolated(direction), isolated)]);
    }
    let singles = rows.len();
    for (names, ends) in wide {
        // Those that bring few together say less than the single rows.
        let inside = |row: &&Row| row.ends.iter().all(|end| ends.binary_search(end).is_ok());
        let few = matches!(names, RowNames::Isolated(_) | RowNames::NotIsolated(_))
            && rows.iter().take(singles).filter(inside).nth(2).is_none();
        if !few && !ends.is_empty() && known.insert(ends.clone()) {
            rows.push(row(names, ends));
        }
    }
    for only in asked.into_iter().flatten() {
        let wanted: BTreeSet<EndId> = only.ends.iter().copied().collect();
        let ends: Vec<EndId> = wanted.into_iter().collect();
        if known.insert(ends.clone()) {
            rows.push(row(RowNames::Asked(only.text.clone()), ends));
        }
    }
    rows
}

fn isolated(engine: &Engine<'_>, ends: &[EndId]) -> [Isolated; 2] {
    Direction::ALL.map(|direction| match ends.iter().filter(|end| engine.is_isolated(direction, **end)).count() {
        0 => Isolated::No,
        all if all == ends.len() => Isolated::Yes,
        _ => Isolated::Partly,
    })
}
