//! One change in what was imported is found by the proof, and by `diff --sides`, exactly when the oracle sees a side change.

use super::{difference, import_text, random, session, stream};
use crate::oracle::read;
use crate::oracle::rng::Rng;
use crate::proof_operators::{OPERATORS, Operator};
use polder::cover::Budget;
use polder::diff::{Diff, LivePolicy, PolicyDrift, Version, compare_sides, policy_drift};
use polder::k8s;
use polder::netpol::Policy;
use polder::prove::{self, Grants};
use polder::target::network_policy as target;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many sets of policies are changed.
const SUBJECTS: u64 = 60;

fn policies(documents: &[Value]) -> Option<Vec<Policy>> {
    let reading = k8s::read(&stream(documents), "default");
    let policies = reading.policies.into_iter().map(|read| read.policy).collect();
    reading.problems.is_empty().then_some(policies)
}

/// Changes what was imported. Gives whether that was found and is a change.
fn mutate(documents: &[Value], operator: &Operator, rng: &mut Rng) -> bool {
    let mut changed = Value::Array(documents.to_vec());
    if !(operator.change)(&mut changed, rng) {
        return false;
    }
    let Value::Array(changed) = changed else { panic!("documents are a list") };
    let (Some(before), Some(after), Ok(meaning)) = (policies(documents), policies(&changed), read::policies(&changed))
    else {
        return false;
    };
    let found = difference(&read::policies(documents).unwrap(), &meaning);
    let program = import_text(&stream(documents)).text().to_owned();
    let session = session(&program);
    let (flows, output) = (session.flows().unwrap(), session.output().unwrap());
    let written = target::grants(flows, output.manifests().iter().map(|file| &*file.body)).unwrap();
    let proof = Grants::of_policies(flows, &after).and_then(|given| prove::compare(flows, &given, &written));
    // A namespace that the program does not manage, or two policies of one name, are refused whatever they mean.
    let names =
        |all: &[Policy]| all.iter().map(|one| (one.namespace.clone(), one.name.to_string())).collect::<Vec<_>>();
    let (mut one, mut other) = (names(&before), names(&after));
    [&mut one, &mut other].into_iter().for_each(|names| names.sort());
    let text =
        || format!("{}: {found:?}\n{}\n--- now\n{}\n{program}", operator.name, stream(documents), stream(&changed));
    if one == other {
        assert_eq!(proof.is_ok(), found.is_none(), "{proof:?}: {}", text());
    } else {
        assert!(proof.is_err() || found.is_none(), "{}", text());
    }
    let version = |policies| Version { policies, policy_spans: &[], program: None };
    other.dedup();
    if other.len() == after.len() {
        let diff = compare_sides(&version(&before), &version(&after), &mut Budget::new(1_000_000)).unwrap();
        assert_eq!(diff.is_empty(), found.is_none(), "{diff:#?}: {}", text());
        drifts_alike(&before, &after, &diff).unwrap_or_else(|drift| panic!("{drift:#?}\n{diff:#?}: {}", text()));
    }
    found.is_some()
}

/// Holds drift, policy by policy, against all of them together: where there is none, nothing differs, and the reverse.
fn drifts_alike(before: &[Policy], after: &[Policy], diff: &Diff) -> Result<(), PolicyDrift> {
    let managed = before.iter().chain(after).map(|policy| policy.namespace.clone()).collect();
    let live: Vec<LivePolicy<'_>> = after.iter().map(|policy| LivePolicy { policy, is_ours: false }).collect();
    let drift = policy_drift(&managed, before, &live, &mut Budget::new(1_000_000)).unwrap();
    let is_narrower = drift.policies.iter().any(|one| one.narrower);
    // A policy that isolates pods and lets everything through closes nothing, and isolates all the same.
    let closes = diff.connections.iter().any(|change| !change.removed.is_denied());
    let narrows = (closes <= is_narrower) && (is_narrower <= diff.is_narrower());
    let is_silent = (diff.is_empty() <= drift.is_empty()) && (drift.is_empty() <= diff.connections.is_empty());
    let same = is_silent && drift.is_wider() == diff.is_wider();
    if same && narrows { Ok(()) } else { Err(drift) }
}

/// The same with `policyTypes` where Kubernetes would fill it in.
fn typed(mut documents: Vec<Value>) -> Vec<Value> {
    for document in &mut documents {
        let spec = &mut document["spec"];
        if spec.get("policyTypes").is_none() {
            let has_egress = spec.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
            spec["policyTypes"] = if has_egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        }
    }
    documents
}

#[test]
fn every_change_of_a_side_is_found() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..SUBJECTS {
        let documents = typed(random::policies(seed + 500));
        if import_text(&stream(&documents)).policies.is_empty() {
            continue;
        }
        for (index, operator) in OPERATORS.iter().enumerate() {
            // Enough have been seen of the common ones.
            if counts.get(operator.name).is_some_and(|count| *count >= 4) {
                continue;
            }
            let mut rng = Rng::new(seed * 1000 + index as u64);
            if mutate(&documents, operator, &mut rng) {
                *counts.entry(operator.name).or_default() += 1;
            }
        }
    }
    let idle: Vec<&str> = OPERATORS.iter().map(|one| one.name).filter(|name| !counts.contains_key(name)).collect();
    assert!(counts.len() >= 60, "{} operators changed a side; without effect: {idle:?}", counts.len());
}
