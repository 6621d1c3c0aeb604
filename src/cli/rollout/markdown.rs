//! The order of a roll-out as a comment on a pull request.

use super::{Order, closes, note};
use crate::cli::diff::{markdown_capital as capital, markdown_code as code, markdown_plain as plain};
use std::fmt::Write as _;

/// More rows make a comment that hosts refuse for its length.
const MOST_ROWS: usize = 200;

/// A heading, a table of the steps, and what there is to say of them.
pub(super) fn comment(order: &Order<'_>) -> String {
    let mut text = "### Roll-out\n".to_owned();
    if !order.steps.is_empty() {
        text.push_str("\n| | Enforce | Closes | Seen | Drops | Unknown | |\n|---|---|---|---|---|---|---|\n");
    }
    for (index, step) in order.steps.iter().take(MOST_ROWS).enumerate() {
        let cost = step.cost.as_ref().filter(|_| !step.is_unseen());
        let [seen, drops, unknown] = match cost {
            Some(cost) => [cost.seen, cost.drops, cost.unknown].map(|number| number.to_string()),
            None => ["-", "-", "-"].map(str::to_owned),
        };
        let example = note(step);
        let example = match () {
            () if example.is_empty() => String::new(),
            () if step.is_unseen() => plain(&example),
            () => code(&example),
        };
        let (entry, closes) = (code(&step.entry()), plain(&closes(step)));
        let _ = writeln!(text, "| {} | {entry} | {closes} | {seen} | {drops} | {unknown} | {example} |", index + 1);
    }
    if let Some(more @ 1..) = order.steps.len().checked_sub(MOST_ROWS) {
        let _ = write!(text, "\nand {more} more\n");
    }
    for remark in order.remarks() {
        let _ = write!(text, "\n{}.\n", plain(&capital(&remark)));
    }
    if let Some(chosen) = &order.chosen {
        let entries: Vec<String> = chosen.entries.iter().map(|entry| format!("\"{entry}\"")).collect();
        let _ = write!(
            text,
            "\nWith steps {} to {}: {}\n",
            chosen.range.0,
            chosen.range.1,
            code(&format!("enforce = [{}]", entries.join(", ")))
        );
    }
    text
}
