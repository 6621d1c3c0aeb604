//! What a log says for a flow, as a comment above it: nothing in it comes from a log but numbers, days and names of hosts.

use crate::replay::{LearnedFlow, Lessons, ReplayRow, SeenOfGroup, WiderEnd, month_name, time_parts};
use std::sync::Arc;

/// So many names are said.
const MOST_NAMES: usize = 3;

/// What was seen of the rows of a flow.
pub(super) fn of(flow: &LearnedFlow, lessons: &Lessons) -> String {
    let rows: Vec<&ReplayRow> = flow.rows.iter().filter_map(|place| lessons.report.rows.get(*place)).collect();
    let attempts = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.tally.attempts()));
    let mut text = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
    let times = rows.iter().filter_map(|row| row.tally.times);
    let span = times.reduce(|(first, last), (other, later)| (first.min(other), last.max(later)));
    if let Some((first, last)) = span {
        text.push_str(&format!(", {}", days(first, last)));
    }
    if rows.iter().any(|row| row.seen == SeenOfGroup::Audited) {
        text.push_str("; the policies in place would refuse it (audit)");
    }
    if rows.iter().all(|row| row.tally.is_only_established()) {
        text.push_str("; open already, its beginning is not in the log");
    }
    if let Some(wider) = &flow.wider {
        text.push_str(&format!("; wider: {}", told(wider)));
    }
    let mut names: Vec<&Arc<str>> = Vec::new();
    for name in rows.iter().flat_map(|row| &row.names).filter(|name| is_host(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        let told: Vec<&str> = names.iter().take(MOST_NAMES).map(|name| &***name).collect();
        let more = names.len().saturating_sub(MOST_NAMES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        text.push_str(&format!("; {}{more}", told.join(", ")));
    }
    text
}

/// What a list has beside what was seen.
pub fn told(wider: &WiderEnd) -> String {
    let were = if wider.seen == 1 { "was" } else { "were" };
    format!("{} has {} addresses, of which {} {were} seen", wider.name, wider.addresses, wider.seen)
}

/// Whether a text is a name of a host: of anything else in a log nothing gets into a program.
fn is_host(name: &str) -> bool {
    name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte))
}

/// `23 November 2026`, `23 to 29 November 2026`.
fn days(first: i64, last: i64) -> String {
    let ([year, month, day, ..], [last_year, last_month, last_day, ..]) = (time_parts(first), time_parts(last));
    let end = format!("{last_day} {} {last_year}", month_name(last_month));
    match () {
        () if (year, month, day) == (last_year, last_month, last_day) => end,
        () if (year, month) == (last_year, last_month) => format!("{day} to {end}"),
        () if year == last_year => format!("{day} {} to {end}", month_name(month)),
        () => format!("{day} {} {year} to {end}", month_name(month)),
    }
}
