//! What pages list: the lines of `reach`, each with the rows that it is about.

use super::drawn::CellText;
use super::picture::Certainty;
use crate::ask::{Names, Summary};

/// What one may do with another.
#[derive(Debug, Clone)]
pub struct ReachLine {
    /// The place of the row that connects.
    pub source: usize,
    /// The place of the row that is connected to.
    pub destination: usize,
    /// Who connects.
    pub from: String,
    /// To whom.
    pub to: String,
    /// All that is known of the ports.
    pub detail: String,
    /// For whom it is so.
    pub certainty: Certainty,
}

impl ReachLine {
    /// It in one line.
    pub fn line(&self) -> String {
        format!("{} -> {}:{}", self.from, self.to, self.detail)
    }
}

/// All lines of a summary, in their order.
pub fn reach_lines(summary: &Summary) -> Vec<ReachLine> {
    let names = Names::new(&summary.reach.groups);
    let lines = summary.reach.lines().into_iter().filter_map(|cell| {
        let (source, destination) = summary.reach.rows_of(cell)?;
        let CellText { detail, certainty, .. } = CellText::of(cell);
        let [from, to] = [source, destination].map(|row| names.of(row, None));
        Some(ReachLine { source: cell.source, destination: cell.destination, from, to, detail, certainty })
    });
    lines.collect()
}
