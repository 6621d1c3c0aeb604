//! Who may connect to whom on which ports, by the names that people know.

mod ends;
mod gathered;
mod names;
mod sets;
mod told;

pub use names::Names;
pub use sets::{Between, Detail, PortsAt, Sheet, Untold};

use super::beyond::Beyond;
use super::situation::{GroupName, Situation};
use crate::engine::{Doubt, EndId};
use crate::net::{AddressSet, Direction, PortSet};

/// What is allowed among pods and addresses.
#[derive(Debug, Default)]
pub struct Reach {
    /// All names.
    pub groups: Vec<GroupName>,
    /// Everything that a connection can start or end in.
    pub rows: Vec<Row>,
    /// The connections that are allowed or may be, sorted; everything else is denied, or told by other cells and by what
    /// nothing isolates.
    pub cells: Vec<Cell>,
    /// The rows of one namespace that a pod can be in several of.
    pub overlapping: Vec<usize>,
    /// Whether pods are left out that address blocks may let through.
    pub left_out: bool,
    /// Between all of the two ends that are asked about, where two are: what is told if there is no other line, because no
    /// policy isolates them or nothing is known for sure.
    pub asked: Option<Cell>,
}

/// Who may connect to whom, as everything that lists or draws it takes it.
#[derive(Debug, Default)]
pub struct Summary {
    /// What is allowed.
    pub reach: Reach,
    /// The world that it is so in: of those who were given, or of the examples that it names.
    pub situation: Situation,
    /// What is allowed to those of whom none was given.
    pub beyond: Vec<Beyond>,
    /// Whether more is unknown than need be, because it would have taken too long to look closer.
    pub given_up: bool,
}

/// Ends that are reported together: they have the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What they are called.
    pub names: RowNames,
    /// Whether all of them are pods.
    pub pods: bool,
    /// They, when all of them are addresses.
    pub addresses: Option<AddressSet>,
    /// Whether they are isolated, in the order of [`Direction::ALL`].
    pub isolated: [IsolatedShare; 2],
    /// Whether some more may be isolated, who are of the row only if their namespaces have labels that nobody stated; in the
    /// same order.
    pub perhaps: [bool; 2],
    /// The places of the rows that hold all of them, itself among them.
    pub around: Vec<usize>,
    /// Whether something is allowed or may be that is asked about.
    pub used: bool,
}

/// What the ends of a row are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowNames {
    /// Each of these.
    Groups(Vec<GroupName>),
    /// All pods of a namespace, which are in other rows too; with its labels, where the groups tell them.
    Namespace(String),
    /// All pods, which are in other rows too.
    Cluster,
    /// All pods and addresses, which are in other rows too.
    Anywhere,
    /// All pods that are not isolated, in one direction or in both, and all addresses, which are in other rows too.
    NotIsolated(Option<Direction>),
    /// All pods that are not isolated, in one direction or in both, which are in other rows too.
    PodsNotIsolated(Option<Direction>),
    /// All pods that are isolated, in one direction or in both, which are in other rows too.
    Isolated(Option<Direction>),
    /// What was asked for, where no groups say it.
    Asked(String),
}

impl Row {
    /// How many are isolated for ingress.
    pub fn ingress(&self) -> IsolatedShare {
        self.isolated[0]
    }

    /// How many are isolated for egress.
    pub fn egress(&self) -> IsolatedShare {
        self.isolated[1]
    }

    /// How many are isolated at most: with those who only may be of the row.
    pub fn at_most(&self) -> [IsolatedShare; 2] {
        let [ingress, egress] = self.isolated;
        let [one, other] = self.perhaps;
        [(ingress, one), (egress, other)].map(|(isolated, perhaps)| match isolated {
            IsolatedShare::No if perhaps => IsolatedShare::Partly,
            IsolatedShare::No | IsolatedShare::Partly | IsolatedShare::Yes => isolated,
        })
    }
}

impl RowNames {
    /// The names that somebody gave them.
    pub fn groups(&self) -> &[GroupName] {
        match self {
            RowNames::Groups(groups) => groups,
            RowNames::Namespace(_)
            | RowNames::Cluster
            | RowNames::Anywhere
            | RowNames::NotIsolated(_)
            | RowNames::PodsNotIsolated(_)
            | RowNames::Isolated(_)
            | RowNames::Asked(_) => &[],
        }
    }

    /// Whether it is all that is isolated, or all that is not.
    pub fn is_by_isolation(&self) -> bool {
        matches!(self, RowNames::Isolated(_) | RowNames::NotIsolated(_) | RowNames::PodsNotIsolated(_))
    }

    /// Whether the same ends are in other rows too, which say more.
    pub fn is_wide(&self) -> bool {
        !matches!(self, RowNames::Groups(_) | RowNames::Asked(_))
    }
}

/// How many of some ends are isolated in a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolatedShare {
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
    /// Whether other cells tell what not all have, or that nothing isolates those that have it.
    pub told: bool,
    /// The ports of which it is not known for some two of them.
    pub unknown: PortSet,
    /// Two of which it is not known.
    pub doubtful: Option<(EndId, EndId)>,
    /// What nobody said of some who may be of the rows too, between whom not all of `every` is allowed for sure.
    pub apart: Option<Doubt>,
    /// The ports that some have who only may be of the rows, or may have, where nobody has them who is of these for sure; with
    /// what nobody said of them. Lines tell it of other rows, in which they are.
    pub more: Option<(PortSet, Doubt)>,
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
        self.some.is_empty() && self.unknown.is_empty() && self.more.is_none()
    }
}

impl Cell {
    /// The ports of which it is not known, in words: with those of which it is where they have no words of their own.
    pub fn doubted(&self) -> PortSet {
        let unknown = self.unknown.subtract(&self.some);
        if unknown.is_empty() || unknown.is_writable() {
            return unknown;
        }
        let whole = unknown.union(&self.some);
        if whole.is_writable() { whole } else { PortSet::everything() }
    }

    /// Whether only some may what nothing else tells.
    pub fn has_rest(&self) -> bool {
        !self.told && !self.every.contains(&self.some)
    }
}

impl Reach {
    /// A row.
    pub fn row(&self, place: usize) -> Option<&Row> {
        self.rows.get(place)
    }

    /// The rows of a cell.
    pub fn rows_of(&self, cell: &Cell) -> Option<(&Row, &Row)> {
        Some((self.row(cell.source)?, self.row(cell.destination)?))
    }
}
