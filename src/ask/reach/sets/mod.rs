//! What is allowed among all pods that could exist.

mod apart;
mod judge;
mod lines;
mod places;
mod rows;
mod table;

use super::{Cell, IsolatedShare, Reach, Row, Summary};
use crate::ask::everyone::Everyone;
use crate::ask::situation::Asked;
use crate::ask::space::{Ends, Example, SpaceGrants, perhaps_on};
use crate::cover::{Budget, GaveUp};
use crate::engine::{Doubt, EndId};
use crate::net::{AddressSet, Direction, PortSet};
use judge::Judge;
use lines::{Draft, LineFinder};
use places::AskedScope;
use rows::{RowMember, Rows};
use std::collections::{BTreeMap, BTreeSet};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What nothing else tells.
    Lines,
    /// Every two rows.
    Table,
    /// The same, without examples.
    Marks,
}

/// Why something is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untold<E> {
    /// It takes too many steps.
    TooHard,
    /// There are so many pairs of rows.
    TooLong(usize),
    /// The question is wrong.
    Wrong(E),
}

impl<E> From<GaveUp> for Untold<E> {
    fn from(GaveUp: GaveUp) -> Self {
        Untold::TooHard
    }
}

/// More pairs of rows than these are not listed one by one.
pub(super) const MOST_PAIRS: usize = 1_000_000;

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a> {
    /// Those who connect; `None` for everybody.
    pub from: Option<&'a Asked>,
    /// To whom.
    pub to: Option<&'a Asked>,
    /// How much is told.
    pub detail: Detail,
}

/// The ports that are asked for at a row, where any are.
pub type PortsAt<'a, E> = &'a mut dyn FnMut(&[Ends], &mut Budget) -> Result<Option<Result<PortSet, E>>, GaveUp>;

impl<'p> Everyone<'p> {
    /// What some policies allow.
    pub fn reach<E>(
        &self,
        grants: &SpaceGrants<'_>,
        between: Between<'_>,
        ports: PortsAt<'_, E>,
        budget: &mut Budget,
    ) -> Result<Summary, Untold<E>> {
        Sheet::new(self, grants, [between.from, between.to], budget)?.reach(between, ports, budget)
    }
}

/// All rows, of which several questions can be asked.
pub struct Sheet<'a, 'p> {
    judge: Judge<'a, 'p>,
    rows: Rows,
}

impl<'a, 'p> Sheet<'a, 'p> {
    /// Those of everyone, by what some policies say, and of what is asked for by other names.
    pub fn new(
        everyone: &'a Everyone<'p>,
        grants: &'a SpaceGrants<'a>,
        asked: [Option<&Asked>; 2],
        budget: &mut Budget,
    ) -> Result<Self, GaveUp> {
        let judge = Judge::new(everyone, grants);
        let rows = Rows::new(&judge, asked, budget)?;
        Ok(Sheet { judge, rows })
    }

    /// How many of what is asked for are isolated, in the order of [`Direction::ALL`].
    pub fn isolated(&self, asked: &Asked, budget: &mut Budget) -> Result<[IsolatedShare; 2], GaveUp> {
        self.judge.isolated(&self.judge.everyone.find(asked).unwrap_or_default(), budget)
    }

    /// The rows as [`Reach`] has them, but for what is found out about each of them by itself.
    pub fn rows(&self) -> Vec<Row> {
        let row = |member: &RowMember| row(member, [false; 2], false);
        self.rows.all.iter().map(row).collect()
    }

    /// The cells of lines: what is allowed between them, without examples.
    pub fn cells(&self, [from, to]: [Option<&Asked>; 2], budget: &mut Budget) -> Result<Vec<Cell>, GaveUp> {
        let Sheet { judge, rows } = self;
        let asked = [asked(judge, rows, from, budget)?, asked(judge, rows, to, budget)?];
        let mut lines = LineFinder::new(judge, rows, &asked);
        lines.find(budget)?;
        let cells = lines.drafts.iter().map(|(places, draft)| cell(*places, draft, |_| None));
        Ok(cells.filter(|cell| !cell.is_empty()).collect())
    }

    /// What is allowed.
    pub fn reach<E>(
        &self,
        between: Between<'_>,
        ports: PortsAt<'_, E>,
        budget: &mut Budget,
    ) -> Result<Summary, Untold<E>> {
        let Sheet { judge, rows } = self;
        let asked = [asked(judge, rows, between.from, budget)?, asked(judge, rows, between.to, budget)?];
        let mut left_out = false;
        let mut pointed = match (between.detail, asked.each_ref().map(|asked| asked.whole)) {
            (Detail::Lines, [Some(source), Some(destination)]) => {
                every_two(judge, rows, [&[source], &[destination]], true, budget)?
            }
            _ => BTreeMap::new(),
        };
        narrow(judge, rows, &mut pointed, ports, budget)?;
        let mut drafts = match between.detail {
            Detail::Lines => {
                let mut lines = LineFinder::new(judge, rows, &asked);
                lines.find(budget)?;
                left_out = lines.left_out;
                lines.drafts
            }
            Detail::Table | Detail::Marks => {
                let with_examples = between.detail == Detail::Table;
                let [sources, destinations] = asked.each_ref().map(|asked| single(rows, &asked.rows));
                match sources.len().saturating_mul(destinations.len()) {
                    pairs if pairs > MOST_PAIRS => return Err(Untold::TooLong(pairs)),
                    _ => every_two(judge, rows, [&sources, &destinations], with_examples, budget)?,
                }
            }
        };
        narrow(judge, rows, &mut drafts, ports, budget)?;
        let asked_pods: Vec<Asked> = [between.from, between.to].into_iter().flatten().cloned().collect();
        if between.detail == Detail::Marks {
            let pairs = drafts.values_mut().flat_map(|draft| [&mut draft.example, &mut draft.doubtful]);
            pairs.for_each(|pair| *pair = None);
        }
        let mut told = told(judge, rows, &asked, [drafts, pointed], &asked_pods, budget)?;
        told.reach.left_out = left_out;
        apart::mark(judge, rows, &mut told.reach, between.detail, budget)?;
        Ok(told)
    }
}

/// What is allowed between every two of some rows, or may be.
fn every_two(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    [sources, destinations]: [&[usize]; 2],
    with_examples: bool,
    budget: &mut Budget,
) -> Result<BTreeMap<(usize, usize), Draft>, GaveUp> {
    let mut drafts = table::table(judge, rows, sources, destinations, with_examples, budget)?;
    apart::add_more(judge, rows, [sources, destinations], &mut drafts, budget)?;
    Ok(drafts)
}

/// The rows that are no wide ones.
fn single(rows: &Rows, asked: &BTreeSet<usize>) -> Vec<usize> {
    let is_single = |row: &usize| rows.get(*row).is_some_and(|member| !member.names.is_wide());
    asked.iter().copied().filter(is_single).collect()
}

/// The rows that are inside what is asked about.
fn asked(judge: &Judge<'_, '_>, rows: &Rows, asked: Option<&Asked>, budget: &mut Budget) -> Result<AskedScope, GaveUp> {
    let everybody = || (0..rows.all.len()).collect();
    let Some(asked) = asked else { return Ok(AskedScope { rows: everybody(), only: None, whole: None }) };
    let ends = judge.everyone.find(asked).unwrap_or_default();
    // What was asked for by other words than those of a group goes by those.
    let whole = rows.all.iter().rposition(|member| *member.ends() == ends);
    let mut inside = BTreeSet::new();
    for (place, member) in rows.all.iter().enumerate() {
        let same = whole.is_some_and(|whole| whole != place) && *member.ends() == ends;
        let known = whole.is_some_and(|whole| member.around.contains(&whole));
        if !same && (known || (whole.is_none() && judge.covers(&ends, member.ends(), budget)?)) {
            inside.insert(place);
        }
    }
    let perhaps = judge.everyone.find_perhaps(asked);
    let whole = rows.all.iter().rposition(|member| *member.ends() == ends && member.perhaps.ends == perhaps);
    Ok(AskedScope { rows: inside, only: Some(ends), whole })
}

/// Keeps only the ports that are asked for.
fn narrow<E>(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    drafts: &mut BTreeMap<(usize, usize), Draft>,
    ports: PortsAt<'_, E>,
    budget: &mut Budget,
) -> Result<(), Untold<E>> {
    let mut known: BTreeMap<usize, Option<PortSet>> = BTreeMap::new();
    for ((source, destination), draft) in drafts.iter_mut() {
        let (Some(from), Some(to)) = (rows.get(*source), rows.get(*destination)) else { continue };
        let wanted = match known.get(destination) {
            Some(wanted) => wanted.clone(),
            None => {
                let wanted = ports(to.ends(), budget)?.transpose().map_err(Untold::Wrong)?;
                known.entry(*destination).or_insert(wanted).clone()
            }
        };
        let Some(wanted) = wanted else { continue };
        if !draft.every.contains(&wanted)
            && let (Some(one), Some(other)) = (from.ends().first(), to.ends().first())
            && let Some(pair) = judge.examples([one, other], budget)?
        {
            let sides = judge.grants.between(&pair.0, &pair.1);
            let by_name = perhaps_on(&sides, &wanted).subtract(&draft.every);
            if !by_name.is_empty() && !to.is_addresses() {
                draft.unknown.insert(&by_name);
                draft.doubtful.get_or_insert(pair);
            }
        }
        for set in [&mut draft.every, &mut draft.some, &mut draft.unknown] {
            *set = set.intersect(&wanted);
        }
        let narrowed = |(ports, doubt): (PortSet, Doubt)| (ports.intersect(&wanted), doubt);
        draft.more = draft.more.take().map(narrowed).filter(|(ports, _)| !ports.is_empty());
    }
    Ok(())
}

fn told(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    asked: &[AskedScope; 2],
    [drafts, pointed]: [BTreeMap<(usize, usize), Draft>; 2],
    pods: &[Asked],
    budget: &mut Budget,
) -> Result<Summary, GaveUp> {
    let examples =
        drafts.values().chain(pointed.values()).flat_map(|draft| [&draft.example, &draft.doubtful]).flatten();
    let (situation, ends) = judge.everyone.world_of(pods, examples.flat_map(|(one, other)| [one, other]));
    let pair = |pair: &Option<(Example, Example)>| -> Option<(EndId, EndId)> {
        let (one, other) = pair.as_ref()?;
        Some((*ends.get(one)?, *ends.get(other)?))
    };
    let cells = drafts.iter().map(|(places, draft)| cell(*places, draft, pair));
    let cells: Vec<Cell> = cells.filter(|cell| !cell.is_empty()).collect();
    let pointed = pointed.iter().map(|(places, draft)| cell(*places, draft, pair)).find(|cell| !cell.is_empty());
    let used = used(rows, asked, &cells);
    let mut all = Vec::with_capacity(rows.all.len());
    for (place, member) in rows.all.iter().enumerate() {
        all.push(row(member, judge.perhaps_isolated(member, budget)?, used.contains(&place)));
    }
    let overlapping = overlapping(judge, rows, &cells, budget)?;
    let groups = judge.everyone.groups.iter().map(|group| group.name.clone()).collect();
    let reach = Reach { groups, rows: all, cells, overlapping, left_out: false, asked: pointed };
    Ok(Summary { reach, situation, ..Summary::default() })
}

fn row(member: &RowMember, perhaps: [bool; 2], used: bool) -> Row {
    Row {
        names: member.names.clone(),
        pods: member.is_pods(),
        addresses: addresses(member),
        isolated: member.isolated,
        perhaps,
        around: member.around.clone(),
        used,
    }
}

fn cell(
    (source, destination): (usize, usize),
    draft: &Draft,
    pair: impl Fn(&Option<(Example, Example)>) -> Option<(EndId, EndId)>,
) -> Cell {
    Cell {
        source,
        destination,
        every: draft.every.clone(),
        some: draft.every.union(&draft.some),
        example: pair(&draft.example),
        told: draft.every.contains(&draft.some),
        unknown: draft.unknown.clone(),
        doubtful: pair(&draft.doubtful),
        apart: None,
        more: draft.more.clone(),
    }
}

fn addresses(member: &RowMember) -> Option<AddressSet> {
    let one = |end: &Ends| match end {
        Ends::Addresses(all) => Some(all.clone()),
        Ends::Pods(_) => None,
    };
    let all: Option<Vec<AddressSet>> = member.ends().iter().map(one).collect();
    Some(all?.iter().fold(AddressSet::empty(), |all, one| all.union(one)))
}

/// The rows between some of which something is allowed, or may be.
fn used(rows: &Rows, [from, to]: &[AskedScope; 2], cells: &[Cell]) -> BTreeSet<usize> {
    let mut used: BTreeSet<usize> = cells.iter().flat_map(|cell| [cell.source, cell.destination]).collect();
    // What nothing isolates is allowed without a cell.
    let open = |asked: &AskedScope, direction| -> Vec<usize> {
        let is_open = |row: &usize| rows.get(*row).is_some_and(|one| one.is_isolated(direction) != IsolatedShare::Yes);
        asked.rows.iter().copied().filter(is_open).collect()
    };
    let (sources, destinations) = (open(from, Direction::Egress), open(to, Direction::Ingress));
    let pods = |places: &[usize]| places.iter().any(|row| rows.get(*row).is_some_and(|one| !one.is_addresses()));
    let can = |row: usize, others: &[usize]| {
        let outside = rows.get(row).is_some_and(RowMember::is_addresses);
        if outside { pods(others) } else { !others.is_empty() }
    };
    used.extend(sources.iter().copied().filter(|row| can(*row, &destinations)));
    used.extend(destinations.iter().copied().filter(|row| can(*row, &sources)));
    let around = used.iter().filter_map(|row| rows.get(*row)).flat_map(|member| member.around.iter().copied());
    let asked = |row: &usize| from.rows.contains(row) || to.rows.contains(row);
    let around: Vec<usize> = around.filter(asked).collect();
    used.extend(around);
    used
}

/// The rows of one namespace that a pod can be in several of, as far as they are in cells.
fn overlapping(judge: &Judge<'_, '_>, rows: &Rows, cells: &[Cell], budget: &mut Budget) -> Result<Vec<usize>, GaveUp> {
    let told: BTreeSet<usize> = cells.iter().flat_map(|cell| [cell.source, cell.destination]).collect();
    let home = |row: usize| rows.get(row).and_then(|member| member.names.groups().first()?.home());
    let mut found = Vec::new();
    for row in &told {
        let Some(member) = rows.get(*row).filter(|member| !member.names.is_wide() && member.is_pods()) else {
            continue;
        };
        let near = member.ends().first().map(|end| rows.near(judge, end)).unwrap_or_default();
        let others =
            near.into_iter().filter(|other| other != row && told.contains(other) && home(*other) == home(*row));
        for other in others {
            let Some(theirs) = rows.get(other).filter(|theirs| !theirs.names.is_wide()) else { continue };
            let nested = member.around.contains(&other) || theirs.around.contains(row);
            if !nested && judge.overlap(member, theirs, budget)? {
                found.push(*row);
                break;
            }
        }
    }
    Ok(found)
}
