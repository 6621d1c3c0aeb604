//! The test oracle, tested: the evaluator against a table of cases, the universe, the generator's hard cases, and
//! that a wrong manifest is found.

use crate::oracle;
use crate::oracle::check::{Wrong, check_all};
use crate::oracle::evaluate::{Direction, Party, PolicySet, Stated, allowed};
use crate::oracle::meaning::{Meaning, means};
use crate::oracle::minimal::{self, Needed};
use crate::oracle::program::Program;
use crate::oracle::read::{documents, policies};
use crate::oracle::render::render;
use crate::oracle::shrink::shrink;
use crate::oracle::universe::{self, Atoms, Universe, difference};
use crate::oracle::{features, generate, mutate, naive};
use serde_json::Value;
use std::collections::BTreeMap;

/// The naive lowering as a compiler of one program; a layout and an environment do not matter to it.
fn naively(
    program: &Program,
    change: impl Fn(&mut [Value]),
) -> impl Fn(&str, &str, Option<&str>) -> Result<Vec<String>, String> {
    let program = program.clone();
    move |_: &str, _: &str, environment: Option<&str>| {
        let there = environment.map_or_else(|| program.clone(), |name| program.in_environment(name));
        let mut manifests = naive::lower(&there);
        change(&mut manifests);
        Ok(manifests.iter().map(|m| serde_json::to_string_pretty(m).unwrap()).collect())
    }
}

/// The definition of the language and the evaluation of a naive lowering agree on random programs, by classes and on
/// single connections.
#[test]
fn the_definition_agrees_with_a_naive_lowering() {
    for seed in 0..300 {
        let program = generate::program(seed);
        if let Err(failure) = check_all(&program, &naively(&program, |_| {}), false) {
            let again = |p: &Program| check_all(p, &naively(p, |_| {}), false);
            let (small, failure) = shrink(&program, failure, again);
            panic!("seed {seed}: {:?}\n{}\n{}", failure.wrong, render(&small), failure.detail);
        }
    }
}

/// The generator makes every hard case, each more than once.
#[test]
fn the_generator_makes_the_hard_cases() {
    let mut counts: BTreeMap<&str, usize> = features::ALL.iter().map(|f| (*f, 0)).collect();
    for seed in 0..300 {
        for feature in features::of(&generate::program(seed)) {
            *counts.get_mut(feature).unwrap_or_else(|| panic!("{feature} is not in the list")) += 1;
        }
    }
    let rare: Vec<_> = counts.iter().filter(|(_, count)| **count < 3).collect();
    assert!(rare.is_empty(), "too rare in 300 programs: {rare:?}");
}

/// A seed names a program and its text.
#[test]
fn seeds_are_deterministic() {
    for seed in 0..20 {
        assert_eq!(render(&generate::program(seed)), render(&generate::program(seed)));
    }
    assert_ne!(render(&generate::program(1)), render(&generate::program(2)));
}

/// Every mutation that changes what some sampled connection may do is found by `difference`, and a set never differs
/// from itself. Each kind of mutation changes the meaning at times.
#[test]
fn changed_manifests_are_found() {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..60 {
        let manifests = naive::lower(&generate::program(seed));
        assert_eq!(difference(&manifests, &manifests).unwrap(), None, "seed {seed}");
        let mut shuffled = manifests.clone();
        shuffled.reverse();
        assert_eq!(difference(&manifests, &shuffled).unwrap(), None, "seed {seed}, other order");
        for (kind, mutant) in mutate::mutants(&manifests, seed) {
            let Some(counterexample) = difference(&manifests, &mutant).unwrap() else { continue };
            *found.entry(kind).or_default() += 1;
            let judged = |set: &[Value]| {
                let set = policies(set).unwrap();
                let universe::Counterexample { source, destination, protocol, number, .. } = &counterexample;
                allowed(&set, source, destination, *protocol, *number)
            };
            assert_eq!(judged(&manifests), counterexample.left, "seed {seed}, {kind}: {counterexample}");
            assert_eq!(judged(&mutant), !counterexample.left, "seed {seed}, {kind}: {counterexample}");
        }
    }
    let missing: Vec<_> = mutate::KINDS.iter().filter(|k| found.get(*k).copied().unwrap_or(0) < 3).collect();
    assert!(missing.is_empty(), "kinds of mutations that were not found: {missing:?} of {found:?}");
}

/// Mutations of a set in which every part matters: all of them have to be found, except those that can widen one side
/// of a connection whose other side stays closed.
#[test]
fn every_change_to_a_small_set_is_found() {
    let manifests = documents(THREE_TIER).unwrap();
    let one_sided = ["drop a port", "drop a requirement of the subject", "drop a policy type", "widen a peer"];
    let mut count = 0;
    for seed in 0..40 {
        let mutants = mutate::mutants(&manifests, seed);
        for (kind, mutant) in mutants.into_iter().filter(|(kind, _)| !one_sided.contains(kind)) {
            count += 1;
            let what = serde_json::to_string_pretty(&mutant).unwrap();
            assert!(difference(&manifests, &mutant).unwrap().is_some(), "seed {seed}, {kind}: {what}");
        }
    }
    assert!(count > 200, "only {count} mutants");
}

const THREE_TIER: &str = include_str!("corpus/three-tier/policies.yaml");

/// The corpus against itself: recipes that mean the same and recipes that do not.
#[test]
fn recipes_are_told_apart() {
    let open = include_str!("corpus/recipes/02a-allow-all-traffic-to-an-application.yaml");
    let external = include_str!("corpus/recipes/08-allow-external-traffic.yaml");
    let namespaces = include_str!("corpus/recipes/05-allow-traffic-from-all-namespaces.yaml");
    let closed = include_str!("corpus/recipes/01-deny-all-traffic-to-an-application.yaml");
    let set = |text| documents(text).unwrap();
    assert_eq!(difference(&set(open), &set(external)).unwrap(), None);
    let only_addresses = difference(&set(open), &set(namespaces)).unwrap().unwrap();
    assert!(matches!(only_addresses.source, Party::Address(_)) && only_addresses.left, "{only_addresses}");
    assert!(difference(&set(namespaces), &set(closed)).unwrap().is_some());
}

/// The parts of a minimal set are all needed; what repeats another part is not.
#[test]
fn superfluous_parts_are_found() {
    let mut manifests = documents(THREE_TIER).unwrap();
    let judge = |manifests: &[Value]| {
        let set = policies(manifests).unwrap();
        minimal::superfluous(&set, &Universe::new(&Atoms::of(&set), &Stated::new()), Needed::ForConnections)
    };
    assert_eq!(judge(&manifests), Vec::<String>::new());
    let mut again = manifests[5].clone();
    again["metadata"]["name"] = "again".into();
    manifests.push(again);
    let found = judge(&manifests);
    assert!(found.iter().any(|f| f.starts_with("production/again: the whole")), "{found:?}");
    manifests.pop();
    let mut deny = manifests[0].clone();
    deny["metadata"]["name"] = "deny".into();
    deny["spec"]["policyTypes"] = serde_json::json!(["Ingress"]);
    manifests.push(deny);
    assert!(judge(&manifests).iter().any(|f| f.starts_with("production/deny: isolates nobody")));
    manifests.pop();
    // The first is closed at the other end; the second is a part of what is there.
    for addition in [
        serde_json::json!({"podSelector": {"matchLabels": {"app": "backend"}}}),
        serde_json::json!({
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "production"}},
            "podSelector": {"matchLabels": {"app": "database", "track": "canary"}},
        }),
    ] {
        let mut more = manifests.clone();
        more[5]["spec"]["egress"][0]["to"].as_array_mut().unwrap().push(addition);
        let found = judge(&more);
        assert_eq!(found, ["production/allow-backend-to-db: Egress rule 0, peer 1"]);
    }
    let mut ports = manifests.clone();
    ports[4]["spec"]["ingress"][0]["ports"] = serde_json::json!([
        {"protocol": "TCP", "port": 8080}, {"protocol": "TCP", "port": 8000, "endPort": 8080}]);
    assert!(judge(&ports).iter().any(|f| f.ends_with("rule 0, port 0")), "{:?}", judge(&ports));
    let mut except = manifests.clone();
    except[2]["spec"]["ingress"][0]["from"] = serde_json::json!([
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.1.2.0/24"]}}]);
    let found = judge(&except);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("except 10.1.2.0/24"), "{found:?}");
}

/// A compiler that forgets something is caught, and the program that shows it is shrunk to a few lines.
#[test]
fn a_wrong_compiler_is_caught_with_a_small_program() {
    fn forgets_exclusions(manifests: &mut [Value]) {
        fn walk(value: &mut Value) {
            match value {
                Value::Object(fields) => {
                    fields.remove("except");
                    fields.values_mut().for_each(walk);
                }
                Value::Array(items) => items.iter_mut().for_each(walk),
                _ => {}
            }
        }
        manifests.iter_mut().for_each(walk);
    }
    let broken = |p: &Program| check_all(p, &naively(p, forgets_exclusions), false);
    let (program, failure) = (0..)
        .map(generate::program)
        .find_map(|program| broken(&program).err().map(|failure| (program, failure)))
        .unwrap();
    assert_eq!(failure.wrong, Wrong::Meaning);
    let (small, failure) = shrink(&program, failure, broken);
    assert_eq!(small.flows.len(), 1, "{}", render(&small));
    assert_eq!(small.namespaces.len(), 1, "{}", render(&small));
    assert!(failure.detail.contains("right are its manifests"), "{}", failure.detail);
}

/// What stands for a class of pods, addresses or ports stands for all of them: single random connections, with labels
/// and ports that the universe did not choose, are judged as the matrix does it.
#[test]
fn the_matrix_agrees_with_single_judgements() {
    for seed in 0..25 {
        let program = generate::program(seed);
        let meaning = Meaning::of(&program);
        let set = policies(&naive::lower(&program)).unwrap();
        let mut atoms = meaning.atoms();
        atoms.join(Atoms::of(&set));
        let universe = Universe::new(&atoms, &meaning.managed);
        let mut rng = oracle::rng::Rng::new(seed);
        for chunk in universe.chunks() {
            let (written, made) = (meaning.matrix(&chunk), chunk.allowed(&set));
            for _ in 0..300 {
                let (s, d) = (rng.below(chunk.size()), rng.below(chunk.size()));
                let bit = rng.below(chunk.points.len());
                if chunk.possible(s, d) >> bit & 1 == 0 {
                    continue;
                }
                let one = chunk.connection(s, d, bit, true);
                let cell = s * chunk.size() + d;
                let says = means(&program, &one.source, &one.destination, one.protocol, one.number);
                assert_eq!(written.cells[cell] >> bit & 1 == 1, says, "seed {seed}: {one}");
                let does = allowed(&set, &one.source, &one.destination, one.protocol, one.number);
                assert_eq!(made.cells[cell] >> bit & 1 == 1, does, "seed {seed}: {one}");
            }
        }
    }
}

/// Past the limit of enumeration, each selector and each pair of selectors still has its witness.
#[test]
fn sampling_keeps_the_witnesses() {
    let keys: Vec<String> = (0..14).map(|i| format!("key-{i}")).collect();
    let manifests: Vec<Value> = keys
        .iter()
        .enumerate()
        .map(|(i, key)| {
            let rare: Vec<Value> = keys[i..].iter().take(6).map(|k| serde_json::json!({"key": k, "operator": "In", "values": [format!("v{i}")]})).collect();
            serde_json::json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": format!("p{i}"), "namespace": "big"},
                "spec": {"podSelector": {"matchExpressions": rare}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {"matchLabels": {key.clone(): "x"}}}]}]},
            })
        })
        .collect();
    for i in 0..manifests.len() {
        let mut less = manifests.clone();
        less.remove(i);
        assert!(difference(&manifests, &less).unwrap().is_some(), "policy {i} has no witness");
    }
}

/// What the API server refuses, and what it would silently misread, is an error.
#[test]
fn reading_is_strict() {
    let policy = |spec: &str| {
        format!("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p}}\nspec: {spec}\n")
    };
    let read = |spec: &str| policies(&documents(&policy(spec)).unwrap());
    for wrong in [
        "{podselector: {}}",
        "{podSelector: {}, ingress: [{form: []}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 0}]}]}",
        "{podSelector: {}, ingress: [{ports: [{endPort: 80}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 81, endPort: 80}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: web, endPort: 80}]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 80, protocol: tcp}]}]}",
        "{podSelector: {}, ingress: [{from: [{}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}",
        "{podSelector: {matchLabels: {a: true}}}",
        "{podSelector: {matchExpressions: [{key: a, operator: In}]}}",
        "{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}",
        "{podSelector: {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}}",
        "{podSelector: {}, policyTypes: [ingress]}",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let types = |spec: &str| {
        let policy = read(spec).unwrap().policies.remove(0);
        [Direction::Ingress, Direction::Egress].map(|d| policy.rules(d).map(<[_]>::len))
    };
    assert_eq!(types("{podSelector: {}}"), [Some(0), None]);
    assert_eq!(types("{podSelector: {}, ingress: null, egress: []}"), [Some(0), None]);
    assert_eq!(types("{podSelector: {}, egress: [{}]}"), [Some(0), Some(1)]);
    assert_eq!(types("{podSelector: {}, policyTypes: [Egress], ingress: [{}]}"), [None, Some(0)]);
    assert_eq!(types("{podSelector: {}, policyTypes: [Egress]}"), [None, Some(0)]);
}

/// `PolicySet::blocks` is the outside unless more is asked for.
#[test]
fn blocks_match_pods_only_when_asked() {
    let set = policies(&documents(THREE_TIER).unwrap()).unwrap();
    assert!(!set.blocks.pods && set.blocks.unmatched.is_empty());
    assert!(!PolicySet::default().blocks.pods);
}
