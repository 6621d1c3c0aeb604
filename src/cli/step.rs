//! How far a program is enforced, in words: an answer about a step of a roll-out says so.

use super::report::count;
use super::terminal::Terminal;
use crate::diag::render::sanitize;
use crate::k8s::StagedKind;
use crate::session::RolloutStep;
#[cfg(feature = "cli")]
use crate::session::UnenforcedRest;
#[cfg(feature = "cli")]
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
#[cfg(feature = "cli")]
use std::ffi::OsStr;

/// More entries of a list are not told.
const MOST: usize = 6;

/// What a step enforces, as in `audit, data/redis:ingress`.
fn listed(step: &RolloutStep) -> String {
    let shown: Vec<&str> = step.listed.iter().take(MOST).map(String::as_str).collect();
    let more = step.listed.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    sanitize(&format!("{}{more}", shown.join(", "))).into_owned()
}

/// How much that is, as in `3 of 14 sides, 1 in part`. A side is a direction of a namespace.
fn share(step: &RolloutStep) -> String {
    let in_part = if step.in_part > 0 { format!(", {} in part", step.in_part) } else { String::new() };
    format!("{} of {} sides{in_part}", step.whole, step.sides)
}

/// What a build has enforced, and what it left open.
fn of_build(step: &RolloutStep) -> String {
    match (step.is_nothing(), step.is_done()) {
        (_, true) => format!("enforced: everything, all {} sides", step.sides),
        (true, _) => format!("enforced: nothing yet, of {} sides; all is open", step.sides),
        _ => format!("enforced: {} ({}); the rest is open", listed(step), share(step)),
    }
}

/// What a build has staged.
fn of_staged((kind, number): (StagedKind, usize)) -> String {
    let (version, kind) = (kind.api_version(), kind.kind());
    format!("staged: {} as {kind} ({version}), by which nothing is denied", count(number, "policy"))
}

/// Says how far a build is enforced, and how much is staged; `emptied` files are or would be removed because nothing is
/// written.
pub(super) fn tell(
    step: &RolloutStep,
    staged: Option<(StagedKind, usize)>,
    emptied: usize,
    done: bool,
    terminal: &mut Terminal,
) {
    terminal.line(&of_build(step));
    let staged = staged.filter(|(_, number)| *number > 0);
    staged.into_iter().for_each(|staged| terminal.line(&of_staged(staged)));
    if emptied > 0 {
        let verb = if done { "were" } else { "would be" };
        let files = count(emptied, "file");
        terminal.note_line(&format!("note: as nothing is enforced, {files} {verb} removed, and none is left"));
    }
    if step.is_configured && step.is_done() {
        terminal.note_line(
            "note: `enforce` in polder.toml lists all that the program isolates: the roll-out is done, and `[rollout]` can go",
        );
    }
}

/// What an answer is about, when that is not the whole program.
pub(super) fn of_answer(step: &RolloutStep) -> String {
    let whole = "`--enforce all` asks about the whole program";
    let who = if step.is_configured { "polder.toml enforces" } else { "asked as if the program enforced" };
    match step.is_nothing() {
        true => format!(
            "{who} nothing{}, so all that it would isolate is open here; {whole}",
            if step.is_configured { " yet" } else { "" }
        ),
        false => format!("{who} {} only ({}), and all else is open here; {whole}", listed(step), share(step)),
    }
}

/// That an answer is about the whole program, of which only this is enforced.
pub(super) fn of_whole(step: &RolloutStep) -> String {
    let whole = "that is of the whole program, of which polder.toml enforces";
    match step.is_nothing() {
        true => format!("{whole} nothing yet; `--enforce none` asks about that"),
        false => {
            let list = step.listed.join(",");
            let all = sanitize(&list);
            format!("{whole} {} only ({}); `--enforce {all}` asks about that", listed(step), share(step))
        }
    }
}

/// A document with the step that it is about, where it is not about the whole program.
pub(super) fn with_step(mut document: Value, step: Option<&RolloutStep>) -> Value {
    if let (Some(step), Some(members)) = (step, document.as_object_mut()) {
        members.insert("enforced".to_owned(), as_json(step));
    }
    document
}

/// A step for programs.
pub(super) fn as_json(step: &RolloutStep) -> Value {
    json!({
        "list": step.listed,
        "configured": step.is_configured,
        "sides": step.sides,
        "whole": step.whole,
        "in_part": step.in_part,
    })
}

/// What the two versions of a comparison are, where not both are whole programs.
pub(super) fn of_versions([old, new]: [Option<&RolloutStep>; 2]) -> Option<String> {
    if old.is_none() && new.is_none() {
        return None;
    }
    let side = |step: Option<&RolloutStep>| match step {
        None => "as a whole".to_owned(),
        Some(step) if step.is_nothing() => "nothing yet".to_owned(),
        Some(step) => format!("{} only ({})", listed(step), share(step)),
    };
    let is_same = old.zip(new).is_some_and(|(old, new)| old == new);
    let what = match is_same {
        true => format!("compared as both enforce {}", side(new)),
        false => format!("compared as enforced: the old one {}; the new one {}", side(old), side(new)),
    };
    Some(format!("{what}; `--enforce all` compares the whole programs"))
}

/// Reads what becomes of what is not enforced.
#[cfg(feature = "cli")]
#[derive(Debug, Clone)]
pub(super) struct RestParser;

#[cfg(feature = "cli")]
impl TypedValueParser for RestParser {
    type Value = UnenforcedRest;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<UnenforcedRest, clap::Error> {
        let words = PossibleValuesParser::new(UnenforcedRest::ALL.map(|(word, _)| word));
        let word = words.parse_ref(command, arg, value)?;
        let known = UnenforcedRest::ALL.into_iter().find(|(known, _)| *known == word);
        Ok(known.map_or(UnenforcedRest::None, |(_, rest)| rest))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(UnenforcedRest::ALL.into_iter().map(|(word, _)| PossibleValue::new(word))))
    }
}
