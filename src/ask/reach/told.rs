//! Which cells say something that nothing else says.

use super::{Cell, IsolatedShare, Reach, Row, RowNames};
use crate::net::{Direction, PortSet};
use std::collections::BTreeMap;

impl Reach {
    /// The cells that no wider one says, and that are not said by nothing being isolated.
    pub fn lines(&self) -> Vec<&Cell> {
        let told: BTreeMap<(usize, usize), &Cell> = self
            .cells
            .iter()
            .filter(|cell| self.says(cell))
            .map(|cell| ((cell.source, cell.destination), cell))
            .collect();
        let lines: Vec<&Cell> = told.values().copied().filter(|cell| !self.is_said(&told, cell)).collect();
        if lines.is_empty() { self.asked.iter().collect() } else { lines }
    }

    /// Whether a wider cell says what a cell says.
    fn is_said(&self, told: &BTreeMap<(usize, usize), &Cell>, cell: &Cell) -> bool {
        let Some((source, destination)) = self.rows_of(cell) else { return true };
        let said = |other: &Cell, ports: &PortSet| other.every.contains(ports);
        let in_doubt = |other: &Cell, ports: &PortSet| other.every.union(&other.unknown).contains(ports);
        let is_wider = |other: &Cell| {
            let closed = !is_closed(source, destination)
                || self.rows_of(other).is_some_and(|(source, destination)| is_closed(source, destination));
            closed
                && said(other, &cell.every)
                && (!cell.has_rest() || said(other, &cell.some))
                && in_doubt(other, &cell.unknown)
        };
        source.around.iter().any(|from| {
            destination.around.iter().any(|to| {
                let itself = (*from, *to) == (cell.source, cell.destination);
                !itself && told.get(&(*from, *to)).is_some_and(|other| is_wider(other))
            })
        })
    }

    fn says(&self, cell: &Cell) -> bool {
        let Some((source, destination)) = self.rows_of(cell) else { return false };
        let something = !cell.every.is_empty() || cell.has_rest() || !cell.unknown.is_empty();
        something && !is_open(source, destination) && is_fit(source, destination, cell.has_rest())
    }
}

/// Whether neither side is isolated, so that everything is allowed: a remark says so.
fn is_open(source: &Row, destination: &Row) -> bool {
    source.egress() == IsolatedShare::No && destination.ingress() == IsolatedShare::No
}

/// Whether some rule lets every one of them through.
fn is_closed(source: &Row, destination: &Row) -> bool {
    source.egress() == IsolatedShare::Yes || destination.ingress() == IsolatedShare::Yes
}

/// Whether wide rows stand where they say why: one that is isolated in part hides who is let through by a rule, unless an
/// example of some says it.
fn is_fit(source: &Row, destination: &Row, has_example: bool) -> bool {
    let side = |row: &Row, direction: Direction| match row.names {
        RowNames::Isolated(of) | RowNames::NotIsolated(of) | RowNames::PodsNotIsolated(of) => {
            of.is_none_or(|of| of == direction)
        }
        RowNames::Groups(_) | RowNames::Namespace(_) | RowNames::Cluster | RowNames::Anywhere | RowNames::Asked(_) => {
            true
        }
    };
    side(source, Direction::Egress)
        && side(destination, Direction::Ingress)
        && (has_example || is_closed(source, destination) || !(source.names.is_wide() || destination.names.is_wide()))
}
