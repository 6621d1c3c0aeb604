//! The order of a roll-out for programs.

use super::{ChosenSteps, Order};
use crate::cli::json::document as print;
use crate::replay::time_text;
use crate::session::NextStep;
use serde_json::{Value, json};

/// One object with the schema `polder/rollout/v1`.
pub(super) fn document(order: &Order<'_>) -> Result<String, String> {
    let times = order.log.and_then(|log| log.times.span);
    Ok(print(&json!({
        "schema": "polder/rollout/v1",
        "logs": order.log.map(|log| log.logs.clone()).unwrap_or_default(),
        "lines": order.log.map(|log| log.lines),
        "first": times.map(|(first, _)| time_text(first)),
        "last": times.map(|(_, last)| time_text(last)),
        "enforced": order.enforced,
        "steps": order.steps.iter().map(step).collect::<Vec<_>>(),
        "clear": order.clear(),
        "notes": order.remarks(),
        "chosen": order.chosen.as_ref().map(chosen).transpose()?,
    })))
}

fn step(step: &NextStep) -> Value {
    json!({
        "enforce": step.entry(),
        "namespace": step.namespace,
        "tier": step.tier,
        "direction": step.direction.word(),
        "tiers": step.tiers,
        "other_pods": step.others,
        "seen": step.cost.as_ref().map(|cost| cost.seen),
        "drops": step.cost.as_ref().map(|cost| cost.drops),
        "unknown": step.cost.as_ref().map(|cost| cost.unknown),
        "example": step.cost.as_ref().and_then(|cost| cost.example.as_deref()),
    })
}

fn chosen(chosen: &ChosenSteps) -> Result<Value, String> {
    let diff = chosen.versions.diff().map_err(|_| crate::cli::diff::TOO_HARD.to_owned())?;
    let isolated = diff.isolation.iter().filter(|change| !change.lifted).map(|change| {
        json!({
            "pods": change.pods,
            "directions": change.directions.iter().map(|direction| direction.word()).collect::<Vec<_>>(),
        })
    });
    let (first, last) = chosen.range;
    Ok(json!({ "first": first, "last": last, "enforce": chosen.entries, "isolated": isolated.collect::<Vec<_>>() }))
}
