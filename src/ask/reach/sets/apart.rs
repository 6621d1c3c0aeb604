//! Who may be of a row, by labels of a namespace that nobody stated, and is not as its line says.

use super::judge::{Area, Judge};
use super::lines::Draft;
use super::rows::{RowMember, Rows};
use crate::ask::reach::{Cell, Detail, IsolatedShare, Reach};
use crate::ask::space::Ends;
use crate::cover::{Budget, GaveUp};
use crate::engine::Doubt;
use crate::net::PortSet;
use std::collections::{BTreeMap, BTreeSet};

/// Finds for each line, or each cell of a table, what nobody said of those who may be of its rows too, and of whom it would
/// not be so.
pub(super) fn mark(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    reach: &mut Reach,
    detail: Detail,
    budget: &mut Budget,
) -> Result<(), GaveUp> {
    let lines: Option<BTreeSet<(usize, usize)>> =
        (detail == Detail::Lines).then(|| reach.lines().iter().map(|cell| (cell.source, cell.destination)).collect());
    let is_told = |cell: &Cell| lines.as_ref().is_none_or(|lines| lines.contains(&(cell.source, cell.destination)));
    let cells = reach.cells.iter_mut().chain(&mut reach.asked);
    for cell in cells.filter(|cell| is_told(cell) && !cell.every.is_empty()) {
        if let (Some(source), Some(destination)) = (rows.get(cell.source), rows.get(cell.destination)) {
            cell.apart = judge.apart([source, destination], &cell.every, budget)?;
        }
    }
    Ok(())
}

/// Adds to a table what those have who only may be of its rows, and nobody has who is of these for sure.
pub(super) fn add_more(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    [sources, destinations]: [&[usize]; 2],
    drafts: &mut BTreeMap<(usize, usize), Draft>,
    budget: &mut Budget,
) -> Result<(), GaveUp> {
    for source in sources {
        for destination in destinations {
            let (Some(from), Some(to)) = (rows.get(*source), rows.get(*destination)) else { continue };
            if from.perhaps.ends.is_empty() && to.perhaps.ends.is_empty() {
                continue;
            }
            let known = match drafts.get(&(*source, *destination)) {
                Some(draft) => draft.every.union(&draft.some).union(&draft.unknown),
                None => PortSet::empty(),
            };
            if let Some(more) = judge.more([from, to], known, budget)? {
                drafts.entry((*source, *destination)).or_default().more = Some(more);
            }
        }
    }
    Ok(())
}

/// Every two areas of two rows of which one at least only may be of its row.
fn perhaps_pairs([source, destination]: [&RowMember; 2]) -> impl Iterator<Item = [&Area; 2]> {
    let pairs = [
        [&source.perhaps, &*destination.area],
        [&source.perhaps, &destination.perhaps],
        [&*source.area, &destination.perhaps],
    ];
    pairs.into_iter().filter(|pair| pair.iter().all(|area| !area.ends.is_empty()))
}

impl Judge<'_, '_> {
    /// The ports that some have who only may be of two rows, beyond those that are `known`.
    fn more(
        &self,
        members: [&RowMember; 2],
        mut known: PortSet,
        budget: &mut Budget,
    ) -> Result<Option<(PortSet, Doubt)>, GaveUp> {
        let [source, destination] = members;
        let mut more: Option<(PortSet, Doubt)> = None;
        for [from, to] in perhaps_pairs(members) {
            for (one, other) in from.ends.iter().flat_map(|one| to.ends.iter().map(move |other| (one, other))) {
                let doubts = [(&source.perhaps, one), (&destination.perhaps, other)];
                let Some(doubt) = doubts.into_iter().find_map(|(perhaps, end)| self.labels_of(perhaps, end)) else {
                    continue;
                };
                let mut ports = PortSet::empty();
                self.grants.links(one, other, budget, &mut |link| {
                    ports.insert(&link.ports().union(&link.perhaps()).subtract(&known));
                    false
                })?;
                if !ports.is_empty() {
                    known.insert(&ports);
                    more.get_or_insert_with(|| (PortSet::empty(), doubt)).0.insert(&ports);
                }
            }
        }
        Ok(more)
    }

    fn apart(&self, members: [&RowMember; 2], ports: &PortSet, budget: &mut Budget) -> Result<Option<Doubt>, GaveUp> {
        let [source, destination] = members;
        for [from, to] in perhaps_pairs(members) {
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
    pub(super) fn perhaps_isolated(&self, member: &RowMember, budget: &mut Budget) -> Result<[bool; 2], GaveUp> {
        let isolated = self.isolated(&member.perhaps.ends, budget)?;
        Ok(isolated.map(|isolated| isolated != IsolatedShare::No))
    }
}
