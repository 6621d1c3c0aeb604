//! Who may be of a row, by labels of a namespace that nobody stated, and is not as its line says.

use super::judge::{Area, Judge};
use super::rows::{Member, Rows};
use crate::ask::reach::{Isolated, Reach};
use crate::ask::space::Ends;
use crate::cover::{Budget, GaveUp};
use crate::engine::Doubt;
use crate::net::PortSet;
use std::collections::BTreeSet;

/// Finds for each line what nobody said of those who may be of its rows too, and of whom it would not be so.
pub(super) fn mark(judge: &Judge<'_, '_>, rows: &Rows, reach: &mut Reach, budget: &mut Budget) -> Result<(), GaveUp> {
    let lines: BTreeSet<(usize, usize)> = reach.lines().iter().map(|cell| (cell.source, cell.destination)).collect();
    for cell in reach.cells.iter_mut().filter(|cell| lines.contains(&(cell.source, cell.destination))) {
        if let (Some(source), Some(destination)) = (rows.get(cell.source), rows.get(cell.destination)) {
            cell.apart = judge.apart([source, destination], &cell.every, budget)?;
        }
    }
    Ok(())
}

impl Judge<'_, '_> {
    fn apart(
        &self,
        [source, destination]: [&Member; 2],
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<Doubt>, GaveUp> {
        let pairs = [
            (&source.perhaps, &*destination.area),
            (&source.perhaps, &destination.perhaps),
            (&*source.area, &destination.perhaps),
        ];
        for (from, to) in pairs.into_iter().filter(|(from, to)| !from.ends.is_empty() && !to.ends.is_empty()) {
            let Some(refusal) = self.refused(from, to, ports, budget)? else { continue };
            let doubts = [(&source.perhaps, &refusal.source), (&destination.perhaps, &refusal.destination)];
            let doubt = doubts.into_iter().find_map(|(perhaps, end)| self.labels_of(perhaps, end));
            if doubt.is_some() {
                return Ok(doubt);
            }
        }
        Ok(None)
    }

    /// The labels that the namespace of some who may be of a row would have.
    fn labels_of(&self, perhaps: &Area, end: &Ends) -> Option<Doubt> {
        let pods = perhaps.beside(end).find_map(Ends::pods)?;
        let home = self.everyone.space.homes().get(pods.home?)?;
        Some(Doubt::NamespaceLabels { namespace: Some(home.name.clone()), selector: pods.namespaces.clone() })
    }

    /// Whether some may be isolated who only may be of a row, in the order of [`Direction::ALL`](crate::net::Direction::ALL).
    pub fn perhaps_isolated(&self, member: &Member, budget: &mut Budget) -> Result<[bool; 2], GaveUp> {
        let isolated = self.isolated(&member.perhaps.ends, budget)?;
        Ok(isolated.map(|isolated| isolated != Isolated::No))
    }
}
