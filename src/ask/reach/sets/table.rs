//! Every two rows.

use super::judge::Judge;
use super::lines::Draft;
use super::rows::{Member, Rows};
use crate::ask::reach::Isolated;
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, PortSet, Truth};
use std::collections::BTreeMap;

/// What is allowed between every two of some rows, where something is or may be.
pub(super) fn table(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    sources: &[usize],
    destinations: &[usize],
    budget: &mut Budget,
) -> Result<BTreeMap<(usize, usize), Draft>, GaveUp> {
    let mut drafts = BTreeMap::new();
    for source in sources {
        for destination in destinations {
            let (Some(from), Some(to)) = (rows.get(*source), rows.get(*destination)) else { continue };
            let draft = judge.draft(from, to, budget)?;
            let is_empty = draft.every.is_empty() && draft.some.is_empty() && draft.unknown.is_empty();
            if !is_empty {
                drafts.insert((*source, *destination), draft);
            }
        }
    }
    Ok(drafts)
}

impl Judge<'_, '_> {
    /// All that is allowed between two rows.
    fn draft(&self, from: &Member, to: &Member, budget: &mut Budget) -> Result<Draft, GaveUp> {
        let mut draft = Draft::default();
        if from.is_addresses() && to.is_addresses() {
            return Ok(draft);
        }
        let open =
            from.is_isolated(Direction::Egress) == Isolated::No && to.is_isolated(Direction::Ingress) == Isolated::No;
        if open {
            draft.every = PortSet::everything();
            return Ok(draft);
        }
        for source in from.ends() {
            for destination in to.ends() {
                let mut links = Vec::new();
                self.grants.links(source, destination, budget, &mut |link| {
                    links.push(link);
                    false
                })?;
                for link in links {
                    let (sure, perhaps) = match link.truth {
                        Truth::Yes => (link.ports(), link.perhaps()),
                        _ => (PortSet::empty(), link.ports().union(&link.perhaps())),
                    };
                    let ends = [&link.source, &link.destination];
                    if !draft.some.contains(&sure) {
                        draft.some.insert(&sure);
                        draft.example = self.examples(ends, budget)?;
                    }
                    if !draft.unknown.contains(&perhaps)
                        && let Some(doubted) = self.doubted(ends, &perhaps, budget)?
                    {
                        draft.unknown.insert(&doubted.ports);
                        draft.doubtful = self.examples([&doubted.first.source, &doubted.first.destination], budget)?;
                    }
                }
            }
        }
        draft.every = self.every(&from.area, &to.area, &draft.some, budget)?;
        Ok(draft)
    }
}
