//! Policies that nobody compiled, with one thing changed.

use crate::diff::{Counts, Side, cases, hold, outside_only, said};
use crate::oracle::evaluate::Stated;
use crate::oracle::{generate, mutate, naive, read};
use polder::ask::Everyone;
use polder::k8s;
use polder::netpol::Policy;
use serde_json::Value;

fn policies(documents: &[Value]) -> Vec<Policy> {
    let text: String = documents.iter().map(|one| format!("---\n{}", serde_yaml::to_string(one).unwrap())).collect();
    let reading = k8s::read(&text, "default");
    assert_eq!(reading.problems, [], "{text}");
    reading.policies.into_iter().map(|read| read.policy).collect()
}

fn compare(old: &[Value], new: &[Value], counts: &mut Counts) {
    let texts = [old, new].map(policies);
    let [before, after] = texts.each_ref().map(Vec::as_slice);
    let everyone = Everyone::new(&[], &[before, after], &[], &[], &outside_only());
    let side = |policies, documents| Side { policies, program: None, naive: read::policies(documents).unwrap() };
    let (was, is) = (side(before, old), side(after, new));
    hold(&everyone, &said(&everyone, &was, &is), [&was.naive, &is.naive], &Stated::new(), counts);
}

#[test]
fn a_mutation_is_found_exactly_when_it_has_a_meaning() {
    let mut counts = Counts::default();
    for seed in cases(60) {
        let manifests = naive::lower(&generate::program(seed));
        // Few enough that all pods can be enumerated.
        let manifests: Vec<Value> = manifests.into_iter().take(2 + seed as usize % 4).collect();
        compare(&manifests, &manifests, &mut counts);
        for (kind, mutant) in mutate::mutants(&manifests, seed) {
            let run = || compare(&manifests, &mutant, &mut counts);
            if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
                let text = |all: &[Value]| serde_yaml::to_string(all).unwrap();
                println!("seed {seed}: {kind}\n{}\n--- and\n{}", text(&manifests), text(&mutant));
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{counts:?}");
    let all = [counts.same, counts.wider, counts.narrower, counts.isolation, counts.connections];
    assert!(all.iter().all(|count| *count > 30), "{counts:?}");
}
