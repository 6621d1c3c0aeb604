//! A replay as a part of a report.

use super::human::{head, left_out, notes};
use super::told::{ToldReplay, ToldRow};
use crate::replay::{Replay, ReplayChange};
use crate::report::{AuditLog, AuditSeen};
use crate::session::Subject;

/// What policies would do with what was seen.
pub(in crate::cli) fn audited(subject: &Subject, replay: &Replay<'_>) -> AuditLog {
    let report = replay.report(&subject.candidate());
    let told = ToldReplay::without_edits(subject, &report);
    let row = |row: &ToldRow<'_>| {
        let change = match row.row.change {
            ReplayChange::Dropped => "dropped",
            ReplayChange::Opened => "opened",
            ReplayChange::Unknown => "unknown",
            ReplayChange::Same => return None,
        };
        Some(AuditSeen {
            change,
            connection: format!("{} -> {}:{}", row.row.from, row.row.to, row.row.port),
            times: row.row.tally.attempts(),
            because: notes(&told, row),
        })
    };
    let rows = told.rows.iter().filter_map(row).collect();
    let same = format!("{} stay as they are", report.count(ReplayChange::Same));
    let remarks =
        std::iter::once(same).chain(told.remarks()).chain(left_out(&report).map(|text| text.trim().to_owned()));
    AuditLog { head: head(&report), remarks: remarks.collect(), rows }
}
