//! Sets of real structure: what is in each, and that each side of what it becomes lets through the same.

use super::{build, import_text, session, spoken};
use polder::cover::Budget;
use polder::diff::{Version, compare_sides};
use polder::import::Said;
use polder::k8s;
use polder::net::Direction;
use polder::netpol::Policy;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn policies(text: &str) -> Vec<Policy> {
    k8s::read(text, "default").policies.into_iter().map(|read| read.policy).collect()
}

/// What isolates the pods of a direction in a namespace: all of them, or so many tiers; `None` for nobody.
fn isolated(statements: &[String], direction: &str) -> Option<Value> {
    let found = statements.iter().find_map(|statement| {
        let (directions, tiers) = match statement.split_once(" for ") {
            Some((directions, tiers)) => (directions, Some(tiers.split(", ").count())),
            None => (statement.as_str(), None),
        };
        directions.contains(direction).then_some(tiers)
    })?;
    Some(found.map_or("all".into(), Value::from))
}

/// How many pairs of ends the plain flows of a program have, and those that open one side.
fn pairs(program: &str) -> [u64; 3] {
    let session = session(program);
    let flows = &session.model().unwrap().flows;
    let of = |side: Option<Direction>| {
        let flows = flows.iter().filter(|flow| flow.side == side);
        let ends: BTreeSet<String> = flows.map(|flow| format!("{:?} {:?}", flow.source, flow.destination)).collect();
        ends.len() as u64
    };
    [of(None), of(Some(Direction::Ingress)), of(Some(Direction::Egress))]
}

#[test]
fn sets_of_real_structure_mean_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/lifted");
    let expected: Value = serde_json::from_str(&fs::read_to_string(folder.join("expect.json")).unwrap()).unwrap();
    let (mut sets, mut all_tiers, mut numbered) = (0, 0, 0);
    for (file, expected) in expected.as_object().unwrap() {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let imported = import_text(&text);
        assert_eq!(imported.failure, None, "{file}");
        assert_eq!(Value::from(imported.refused.len()), expected["refused"], "{file}: {:?}", imported.refused);
        let lifted = expected["policies"].as_u64().unwrap() - expected["refused"].as_u64().unwrap();
        // What is of another kind is named, and is no policy.
        let others = imported.manifests.cluster.unmodelled.len() as u64;
        assert_eq!(imported.policies.len() as u64 + others, lifted, "{file}");
        if imported.policies.is_empty() {
            continue;
        }
        let program = imported.text();
        let built = build(program);
        let sides = [imported.policies.clone(), policies(&built)];
        let [old, new] = [&sides[0], &sides[1]].map(|policies| Version { policies, policy_spans: &[], program: None });
        let difference = compare_sides(&old, &new, &mut Budget::new(5_000_000)).unwrap();
        assert!(difference.is_empty(), "{file}: {difference:#?}\n{program}");
        assert_eq!(import_text(&built).text(), spoken(program), "{file}: imported again");
        let names: Vec<Value> = imported.lifted.namespaces.iter().map(|name| Value::from(&**name)).collect();
        assert_eq!(Value::Array(names), expected["namespaces"], "{file}");
        let tiers = program.lines().filter_map(|line| line.trim().strip_prefix("tier "));
        for name in tiers.filter_map(|rest| rest.split(' ').next()) {
            all_tiers += 1;
            numbered += usize::from(name.rsplit('-').next().is_some_and(|end| end.len() == 1 && end > "1"));
        }
        let Some(isolation) = expected.get("isolated") else { continue };
        sets += 1;
        for (namespace, statements) in imported.lifted.namespaces.iter().zip(&imported.lifted.isolate) {
            for direction in ["ingress", "egress"] {
                let expected = isolation.get(format!("{namespace}/{direction}"));
                let found = isolated(statements, direction);
                // Those that are inside others are not listed, and values may be a tier each.
                let same = match (&found, expected) {
                    (Some(Value::Number(_)), Some(Value::Number(_))) => true,
                    (found, expected) => found.as_ref() == expected,
                };
                assert!(same, "{file}: {direction} of {namespace} is {found:?} and not {expected:?}");
            }
        }
        let most = ["both", "ingress", "egress"].map(|word| expected["flows"][word].as_u64().unwrap_or_default());
        let found = pairs(program);
        let one_sided = |[_, ingress, egress]: [u64; 3]| ingress + egress;
        // Of values that are a tier each, there may be more pairs.
        let is_plain = one_sided(found) == 0 || one_sided(most) > 0;
        assert!(is_plain, "{file}: {found:?} and not {most:?}\n{program}");
        // Every policy is told with what became of it.
        let said: BTreeSet<usize> =
            imported.lifted.said.iter().flat_map(|Said { origins, .. }| origins.iter().map(|one| one.policy)).collect();
        assert!(said.len() <= imported.policies.len() && imported.lifted_policies().len() == imported.policies.len());
    }
    assert!(sets >= 40, "{sets}");
    assert!(numbered * 50 <= all_tiers, "{numbered} of {all_tiers} tiers have a number");
}
