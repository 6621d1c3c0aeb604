//! The order of a roll-out for people.

use super::{ChosenSteps, Order, RolloutArgs, StepUnit, closes, isolated, note};
use crate::diag::render::sanitize;
use crate::session::{NextStep, shell_word};
use std::fmt::Write as _;

/// The table with what there is to say of it, or the list of the chosen steps with what they isolate.
pub(super) fn text(order: &Order<'_>, args: &RolloutArgs, color: bool) -> Result<String, String> {
    match &order.chosen {
        Some(chosen) => of_chosen(chosen, color),
        None => Ok(table(order, args)),
    }
}

fn table(order: &Order<'_>, args: &RolloutArgs) -> String {
    let mut text = String::new();
    let entries: Vec<String> = order.steps.iter().map(NextStep::entry).collect();
    let closed: Vec<String> = order.steps.iter().map(closes).collect();
    let widest = |all: &[String], heading: &str| {
        all.iter().map(|one| one.chars().count()).chain([heading.len()]).max().unwrap_or_default()
    };
    let (wide, wide_closes) = (widest(&entries, "enforce"), widest(&closed, "closes"));
    let mut line = |parts: String| {
        let _ = writeln!(text, "{}", sanitize(parts.trim_end()));
    };
    if !order.steps.is_empty() {
        let numbers = if order.log.is_some() { "seen  drops  unknown" } else { "" };
        line(format!("step  {:wide$}  {:wide_closes$}  {numbers}", "enforce", "closes"));
    }
    for (index, (step, (entry, closed))) in order.steps.iter().zip(entries.iter().zip(&closed)).enumerate() {
        let numbers = match &step.cost {
            None => String::new(),
            Some(_) if step.is_unseen() => format!("{:>4}  {:>5}  {:>7}", "-", "-", "-"),
            Some(cost) => format!("{:>4}  {:>5}  {:>7}", cost.seen, cost.drops, cost.unknown),
        };
        line(format!("{:>4}  {entry:wide$}  {closed:wide_closes$}  {numbers}   {}", index + 1, note(step)));
    }
    order.remarks().into_iter().for_each(&mut line);
    if let (Some(_), clear @ 1..) = (order.log, order.clear()) {
        let logs: Vec<String> =
            args.log.logs.iter().map(|log| shell_word(&log.to_string_lossy()).into_owned()).collect();
        let by = if args.by == StepUnit::Tier { " --by tier" } else { "" };
        let range = if clear == 1 { "1".to_owned() } else { format!("1-{clear}") };
        line(format!("`polder rollout {}{by} --step {range}` prints the list for polder.toml", logs.join(" ")));
    }
    text
}

/// The section for `polder.toml`, and what comes with it.
fn of_chosen(chosen: &ChosenSteps, color: bool) -> Result<String, String> {
    let entries: Vec<String> = chosen.entries.iter().map(|entry| format!("\"{entry}\"")).collect();
    let list = sanitize(&entries.join(", ")).into_owned();
    Ok(format!("[rollout]\nenforce = [{list}]\n\n{}", isolated(chosen, color)?))
}
