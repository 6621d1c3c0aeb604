//! What lets the connections of a summary through.

use super::Subject;
use crate::ask::{Ends, GroupName, Row, Summary};
use crate::diff::{Causes, DifferenceOrigin};
use crate::engine::EndId;
use crate::session::versions::version;
use std::collections::BTreeMap;

impl Subject {
    /// The statements, or without a program the policies, that let each line of a summary through.
    pub fn causes(&self, summary: &Summary) -> Vec<Vec<DifferenceOrigin>> {
        let version = version(Some(self));
        let causes = Causes::new(&version);
        if self.cluster().is_some() {
            let world = &summary.situation.world;
            let engine = self.engine(world, self.policies());
            let mut ends: BTreeMap<&GroupName, Vec<EndId>> = BTreeMap::new();
            for end in world.ids() {
                summary.situation.names_of(end).into_iter().for_each(|name| ends.entry(name).or_default().push(end));
            }
            let rows = RowEnds::new(summary, |name| ends.get(name).cloned().unwrap_or_default(), |ends| ends);
            return rows.each(|both, ports| causes.among_given(&engine, both, ports));
        }
        let everyone = self.everyone(&[]);
        let space = &everyone.space;
        // Of many ends of a namespace it is enough to know the namespace.
        let whole = |ends: Vec<Ends>| {
            let wide = |end: Ends| match end.pods().and_then(|pods| pods.home) {
                Some(home) => Ends::Pods(space.all_of(home)),
                None => end,
            };
            ends.into_iter().map(wide).collect::<Vec<Ends>>()
        };
        let sets: BTreeMap<&GroupName, Vec<Ends>> =
            everyone.groups.iter().map(|group| (&group.name, group.set.ends(&everyone.space))).collect();
        let rows = RowEnds::new(summary, |name| sets.get(name).cloned().unwrap_or_default(), whole);
        rows.each(|both, ports| causes.among_sets(&everyone.space, both, ports))
    }
}

/// Who is in each row.
struct RowEnds<'a, T> {
    summary: &'a Summary,
    /// Those of single rows, and of wide ones those of all single rows in them.
    ends: Vec<Vec<T>>,
}

impl<'a, T: Clone + Ord> RowEnds<'a, T> {
    fn new(summary: &'a Summary, of: impl Fn(&GroupName) -> Vec<T>, whole: impl Fn(Vec<T>) -> Vec<T>) -> Self {
        let rows = &summary.reach.rows;
        let mut ends: Vec<Vec<T>> = rows.iter().map(|_| Vec::new()).collect();
        let single = |row: &Row| -> Vec<T> { row.names.groups().iter().flat_map(&of).collect() };
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| !row.names.is_wide()) {
            let own = single(row);
            let wide = whole(own.clone());
            for around in row
                .around
                .iter()
                .filter(|around| **around == place || rows.get(**around).is_some_and(|wide| wide.names.is_wide()))
            {
                let told = if *around == place { &own } else { &wide };
                ends.get_mut(*around).into_iter().for_each(|all| all.extend(told.iter().cloned()));
            }
        }
        ends.iter_mut().for_each(|all| {
            all.sort();
            all.dedup();
        });
        RowEnds { summary, ends }
    }

    fn each(
        &self,
        causes: impl Fn([&[T]; 2], &crate::net::PortSet) -> Vec<DifferenceOrigin>,
    ) -> Vec<Vec<DifferenceOrigin>> {
        let ends = |row: usize| self.ends.get(row).map(Vec::as_slice).unwrap_or_default();
        let one = |cell: &crate::ask::Cell| {
            let ports = cell.every.union(&cell.some).union(&cell.unknown);
            causes([ends(cell.source), ends(cell.destination)], &ports)
        };
        self.summary.reach.lines().into_iter().map(one).collect()
    }
}
