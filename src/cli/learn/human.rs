//! What was learned, for people: the patch stands on standard output, and the rest beside it.

use super::told::ToldLesson;
use crate::cli::replay::{counted, head};
use crate::cli::terminal::Terminal;
use crate::session::{shell_word, told_wider};

/// So many rows of which nothing is learned are listed.
const MOST_LEFT: usize = 40;

/// Says what was found, and of what nothing is learned.
pub(super) fn tell(told: &ToldLesson<'_>, terminal: &mut Terminal) {
    let report = &told.learned.lessons.report;
    terminal.note_line(&head(report));
    let count = told.learned.added.len();
    let flows = counted(count as u64, "flow");
    match (&told.created, told.is_written, count) {
        (_, _, 0) => terminal.note_line("nothing to learn"),
        (Some(path), ..) => terminal.line(&format!("created  {path}  {flows}")),
        (None, true, _) => {
            for file in &told.learned.files {
                terminal.line(&format!("changed  {}", file.name));
            }
            terminal.note_line(&format!("{flows} added; `polder diff --git HEAD` says what they open"));
        }
        (None, false, _) => terminal.note_line(&format!("{flows} to add")),
    }
    if let (Some(outer), false, 1..) = (&told.outer, told.is_written, count) {
        let folder = told.shown(outer);
        let word = shell_word(&folder);
        terminal
            .note_line(&format!("the paths are those in `{folder}`: `git -C {word} apply`, or `patch -p1 -d {word}`"));
    }
    if let (Some(environment), 1..) = (told.environment(), count) {
        terminal.note_line(&format!(
            "asked with environment {environment}; what is added is there in every environment, and without one"
        ));
    }
    for (statement, wider) in told.added().filter_map(|(statement, flow)| Some((statement, flow.wider.as_ref()?))) {
        terminal.note_line(&format!("  wider than what was seen: {}  {}", statement.text, told_wider(wider)));
    }
    let left: Vec<_> = told.left().collect();
    if left.is_empty() {
        return;
    }
    terminal.note_line(&format!("not learned: {} passed and would be dropped", left.len()));
    for (row, why) in left.iter().take(MOST_LEFT) {
        let times = row.tally.attempts();
        terminal.note_line(&format!("  {} -> {}:{}  {times}x  {}", row.from, row.to, row.port, told.why(why)));
    }
    if left.len() > MOST_LEFT {
        terminal.note_line(&format!("  ... {} more: --format json", left.len() - MOST_LEFT));
    }
}
