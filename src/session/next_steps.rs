//! In which order what is not enforced yet can be: the sides of which a log shows least that they would drop come first.

use super::rollout::{EnforceList, tiers};
use super::subject::Subject;
use crate::ask::Program;
use crate::flow::{EnforcedSide, FlowSet, Isolation, PartyId};
use crate::net::Direction;
use crate::prove::{self, Grants};
use crate::replay::{Candidate, EndKind, Replay, ReplayChange, ReplayReport, ReplayRow, SeenOfGroup};
use crate::target;
use crate::target::network_policy::Layout;
use std::collections::BTreeSet;

/// What is a step of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutUnit {
    /// A direction of a namespace.
    Namespace,
    /// A direction of a tier, and of all other pods of a namespace.
    Tier,
}

/// A step that is not enforced yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// The namespace, as the program calls it.
    pub namespace: String,
    /// The tier; `None` for all that the program isolates there and earlier steps leave.
    pub tier: Option<String>,
    /// The direction.
    pub direction: Direction,
    /// How many tiers it closes.
    pub tiers: usize,
    /// Whether it closes the pods of the namespace that are of no tier.
    pub others: bool,
    /// What a log shows of it; `None` without one.
    pub cost: Option<StepCost>,
}

/// What a log shows of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepCost {
    /// The groups of connections that passed and have an end there.
    pub seen: usize,
    /// Those that passed, and that this side would refuse.
    pub drops: usize,
    /// Those of which that cannot be told.
    pub unknown: usize,
    /// One of those that would be refused, or else one of those that cannot be told.
    pub example: Option<String>,
}

impl NextStep {
    /// The entry of an `enforce` list for it.
    pub fn entry(&self) -> String {
        let tier = self.tier.as_ref().map(|tier| format!("/{tier}")).unwrap_or_default();
        format!("{}{tier}:{}", self.namespace, self.direction.word())
    }

    /// Whether the log shows nothing of it.
    pub fn is_unseen(&self) -> bool {
        self.cost.as_ref().is_some_and(|cost| cost.seen == 0 && cost.drops == 0 && cost.unknown == 0)
    }

    /// Whether the log shows it, and nothing that it would drop or might.
    pub fn is_clear(&self) -> bool {
        self.cost.as_ref().is_some_and(|cost| cost.seen > 0 && cost.drops == 0 && cost.unknown == 0)
    }

    /// What the order goes by: what is seen before what is not, then what it costs, then ingress before egress.
    fn rank(&self) -> (bool, usize, usize, usize, Direction, usize) {
        let cost = self.cost.clone().unwrap_or_default();
        let width = if self.cost.is_some() { 0 } else { self.tiers };
        (self.is_unseen(), cost.drops, cost.unknown, cost.seen, self.direction, width)
    }
}

/// A direction of a namespace that is not enforced as far as it goes.
struct OpenSide<'a> {
    place: usize,
    direction: Direction,
    /// The tiers that are not enforced.
    tiers: Vec<(PartyId, &'a str)>,
    /// Those that are.
    enforced: BTreeSet<&'a str>,
    /// Whether pods of no tier are isolated, too.
    others: bool,
}

impl Subject {
    /// What of the program is not enforced yet, in the order in which it can be. The subject is the whole program; `list` is
    /// what is enforced, without which nothing is. The error is a sentence.
    pub fn next_steps(
        &self,
        list: Option<&EnforceList>,
        unit: RolloutUnit,
        replay: Option<&Replay<'_>>,
    ) -> Result<Vec<NextStep>, String> {
        let Some(flows) = self.flows() else { return Ok(Vec::new()) };
        let mut now = flows.clone();
        let enforced = list.map(|list| list.resolve(flows).0).unwrap_or_default();
        now.enforce_only(&enforced);
        let baseline = match replay {
            Some(replay) => unknown_anyway(&self.report_of(&[], replay)?),
            None => BTreeSet::new(),
        };
        let mut steps = Vec::new();
        let open = open_sides(flows, &now);
        for direction in Direction::ALL {
            let sides = || open.iter().filter(|side| side.direction == direction);
            // A connection has one end in this direction, so that what one side refuses no other one can: all are asked at once.
            let shown = match replay {
                Some(replay) if sides().next().is_some() => {
                    let whole = |side: &OpenSide<'_>| EnforcedSide {
                        namespace: side.place,
                        tier: None,
                        direction: Some(direction),
                    };
                    let report = self.report_of(&sides().map(whole).collect::<Vec<_>>(), replay)?;
                    Some(ShownRows::new(report, direction, flows, &baseline))
                }
                _ => None,
            };
            for side in sides() {
                let counted = shown.as_ref().map(|shown| Counting { shown, flows, side });
                steps.extend(of_side(flows, side, unit, counted.as_ref()));
            }
        }
        steps.sort_by_cached_key(|(rank, is_last, step)| (*rank, *is_last, step.entry()));
        Ok(steps.into_iter().map(|(.., step)| step).collect())
    }

    /// What a program that isolates only these sides, all of one direction, would do with a log: then each refusal is that of the
    /// side which the connection has an end in.
    fn report_of(&self, sides: &[EnforcedSide], replay: &Replay<'_>) -> Result<ReplayReport, String> {
        let (Some(model), Some(flows)) = (self.model(), self.flows()) else {
            return Err("there is no program to ask about".to_owned());
        };
        let mut step = flows.clone();
        step.enforce_only(sides);
        let policies = target::policies(&step, Layout::default(), model.target).policies.policies;
        let proved = Grants::of_policies(&step, &policies).and_then(|granted| prove::prove(&step, &granted));
        proved
            .map_err(|found| format!("{found}; no question can be answered from such policies; please report this"))?;
        let program = Some(Program { model, flows: &step });
        Ok(replay.report(&Candidate { policies: &policies, program, ..self.candidate() }))
    }
}

/// The sides that `now`, a step of the program, does not isolate as far as the program does.
fn open_sides<'a>(flows: &'a FlowSet, now: &'a FlowSet) -> Vec<OpenSide<'a>> {
    let mut sides = Vec::new();
    for (place, (whole, step)) in flows.namespaces.iter().zip(now.namespaces.iter()).enumerate() {
        for direction in Direction::ALL {
            let (wanted, have) = (whole.isolation(direction), step.isolation(direction));
            if wanted == have {
                continue;
            }
            let isolated = tiers(flows, place).into_iter().filter(|(id, _)| wanted.names(*id));
            let (enforced, open): (Vec<_>, Vec<_>) = isolated.partition(|(id, _)| have.names(*id));
            sides.push(OpenSide {
                place,
                direction,
                tiers: open,
                enforced: enforced.into_iter().map(|(_, name)| name).collect(),
                others: *wanted == Isolation::Every,
            });
        }
    }
    sides
}

type StepRank = (bool, usize, usize, usize, Direction, usize);

/// A step with its place in the order, and whether it comes behind its namespace's tiers.
type RankedStep = (StepRank, bool, NextStep);

/// The steps that a side is made of.
fn of_side(flows: &FlowSet, side: &OpenSide<'_>, unit: RolloutUnit, counted: Option<&Counting<'_>>) -> Vec<RankedStep> {
    let namespace = flows.namespaces[side.place].declared.to_string();
    let step = |tier: Option<&str>, tiers: usize, others: bool| NextStep {
        namespace: namespace.clone(),
        tier: tier.map(str::to_owned),
        direction: side.direction,
        tiers,
        others,
        cost: counted.map(|counted| counted.cost(unit, tier)),
    };
    match unit {
        RolloutUnit::Namespace => {
            let step = step(None, side.tiers.len(), side.others);
            vec![(step.rank(), false, step)]
        }
        RolloutUnit::Tier => {
            let own = side.tiers.iter().map(|(_, name)| step(Some(name), 1, false));
            let mut all: Vec<RankedStep> = own.map(|step| (step.rank(), false, step)).collect();
            if side.others {
                let last = step(None, 0, true);
                let ranks = all.iter().map(|(rank, ..)| *rank);
                let rank = ranks.chain([last.rank()]).max().unwrap_or(last.rank());
                all.push((rank, true, last));
            }
            all
        }
    }
}

/// A row by its names.
type LoggedPair = (String, String, String);

fn row_names(row: &ReplayRow) -> LoggedPair {
    (row.from.clone(), row.to.clone(), row.port.clone())
}

/// What cannot be told of a log even where nothing is isolated.
fn unknown_anyway(report: &ReplayReport) -> BTreeSet<LoggedPair> {
    report.rows.iter().filter(|row| row.change == ReplayChange::Unknown).map(row_names).collect()
}

/// What a log shows where all sides of a direction are isolated that are not yet.
struct ShownRows {
    report: ReplayReport,
    /// The rows whose end in this direction is in no namespace of the program, and that may be dropped all the same: it may be in
    /// any of them. By their places.
    anywhere: BTreeSet<usize>,
}

impl ShownRows {
    fn new(report: ReplayReport, direction: Direction, flows: &FlowSet, baseline: &BTreeSet<LoggedPair>) -> ShownRows {
        let names: BTreeSet<&str> = flows.namespaces.iter().flat_map(|one| [&*one.name, &*one.declared]).collect();
        let is_anywhere = |row: &ReplayRow| {
            matches!(row.change, ReplayChange::Dropped | ReplayChange::Unknown)
                && home_of(row, direction).is_none_or(|home| !names.contains(home))
                && !baseline.contains(&row_names(row))
        };
        let anywhere = report.rows.iter().enumerate().filter(|(_, row)| is_anywhere(row)).map(|(at, _)| at).collect();
        ShownRows { report, anywhere }
    }
}

/// The namespace of the end of a row that sides of a direction are about.
fn home_of(row: &ReplayRow, direction: Direction) -> Option<&str> {
    let (kind, name) = end_of(row, direction);
    match kind {
        EndKind::Pods(pods) => Some(&pods.namespace),
        _ => name.split_once('/').map(|(home, _)| home),
    }
}

fn end_of(row: &ReplayRow, direction: Direction) -> (&EndKind, &str) {
    match direction {
        Direction::Ingress => (&row.ends.1, &row.to),
        Direction::Egress => (&row.ends.0, &row.from),
    }
}

/// Counts what a log shows of one side.
struct Counting<'a> {
    shown: &'a ShownRows,
    flows: &'a FlowSet,
    side: &'a OpenSide<'a>,
}

impl Counting<'_> {
    fn cost(&self, unit: RolloutUnit, tier: Option<&str>) -> StepCost {
        let mut cost = StepCost::default();
        let mut perhaps = None;
        for (at, row) in self.shown.report.rows.iter().enumerate() {
            let (here, own) = self.place(row);
            let counts = match (tier, unit) {
                (Some(tier), _) => own == Some(tier),
                (None, RolloutUnit::Namespace) => own.is_none_or(|own| !self.side.enforced.contains(own)),
                (None, RolloutUnit::Tier) => own.is_none_or(|own| {
                    !self.side.enforced.contains(own) && self.side.tiers.iter().all(|(_, open)| *open != own)
                }),
            };
            let at_side = here && counts;
            // What was refused is nothing that anybody needs.
            let passed = matches!(row.seen, SeenOfGroup::Passed | SeenOfGroup::Audited);
            cost.seen += usize::from(at_side && passed);
            match row.change {
                ReplayChange::Dropped if at_side => {
                    cost.drops += 1;
                    cost.example.get_or_insert_with(|| connection(row));
                }
                // An end that the log does not name may be of this side.
                ReplayChange::Dropped | ReplayChange::Unknown
                    if tier.is_none() && self.shown.anywhere.contains(&at) =>
                {
                    cost.unknown += 1;
                    perhaps.get_or_insert_with(|| connection(row));
                }
                ReplayChange::Unknown if at_side => {
                    cost.unknown += 1;
                    perhaps.get_or_insert_with(|| connection(row));
                }
                ReplayChange::Dropped | ReplayChange::Unknown | ReplayChange::Opened | ReplayChange::Same => {}
            }
        }
        cost.example = cost.example.or(perhaps);
        cost
    }

    /// Whether the end of a row that this side is about is in its namespace, and the tier there.
    fn place<'r>(&self, row: &'r ReplayRow) -> (bool, Option<&'r str>) {
        let (kind, name) = end_of(row, self.side.direction);
        let namespace = &self.flows.namespaces[self.side.place];
        let (home, own) = name.split_once('/').map_or((None, None), |(home, own)| (Some(home), Some(own)));
        let here = match kind {
            EndKind::Pods(pods) => *pods.namespace == *namespace.name,
            _ => home.is_some_and(|home| *home == *namespace.name || *home == *namespace.declared),
        };
        (here, own)
    }
}

fn connection(row: &ReplayRow) -> String {
    format!("{} -> {}:{}", row.from, row.to, row.port)
}

/// The entries of a list that enforces what another one does, and these steps beside: what says the same twice is said once.
pub fn joined(flows: &FlowSet, list: Option<&EnforceList>, steps: &[NextStep]) -> Vec<String> {
    let mut wanted: Vec<(usize, Option<String>, Direction)> = Vec::new();
    let mut add = |place: usize, tier: Option<String>, direction: Direction| {
        let one = (place, tier, direction);
        if !wanted.contains(&one) {
            wanted.push(one);
        }
    };
    let name =
        |place: usize, id: PartyId| tiers(flows, place).into_iter().find(|(own, _)| *own == id).map(|(_, name)| name);
    for side in list.map(|list| list.resolve(flows).0).unwrap_or_default() {
        let tier = side.tier.and_then(|id| name(side.namespace, id)).map(str::to_owned);
        let isolation = |direction| flows.namespaces[side.namespace].isolation(direction);
        for direction in Direction::ALL.into_iter().filter(|one| side.direction.is_none_or(|own| own == *one)) {
            let isolates = side.tier.map_or(!isolation(direction).is_nobody(), |tier| isolation(direction).names(tier));
            if isolates {
                add(side.namespace, tier.clone(), direction);
            }
        }
    }
    for step in steps {
        if let Some(place) = flows.namespaces.iter().position(|one| *one.declared == *step.namespace) {
            add(place, step.tier.clone(), step.direction);
        }
    }
    let known = wanted.clone();
    wanted.retain(|(place, tier, direction)| tier.is_none() || !known.contains(&(*place, None, *direction)));
    let mut entries = Vec::new();
    for (place, tier, direction) in &wanted {
        let both = wanted.contains(&(*place, tier.clone(), direction.other()));
        let namespace = &flows.namespaces[*place].declared;
        let place = tier.as_ref().map_or_else(|| namespace.to_string(), |tier| format!("{namespace}/{tier}"));
        let entry = if both { place } else { format!("{place}:{}", direction.word()) };
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}
