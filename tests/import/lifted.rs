//! Sets of real structure: what is in each, and that each side of what it becomes lets through the same.

use super::{build, import_text, session, spoken};
use polder::cover::Budget;
use polder::diff::{Version, compare_sides};
use polder::import::{Kind, Said};
use polder::k8s;
use polder::net::{Direction, Requirement, Selector};
use polder::netpol::{Peer, Policy, Rule};
use polder::session::Import;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The different selectors of the policies of a namespace.
fn subjects<'a>(imported: &'a Import, namespace: &str) -> BTreeSet<&'a Selector> {
    imported.policies.iter().filter(|one| &*one.namespace == namespace).map(|policy| &policy.subject).collect()
}

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

/// Why an import has not the pairs of ends, or the isolated pods, that were counted where nothing was put together yet. What
/// each says is looked at, so that none of them can stand for another one.
#[derive(Clone, Copy, PartialEq)]
enum Reason {
    /// Each value of a list is a tier of its own, where the list was counted as one end.
    Values,
    /// The blocks of a rule are one `cidr`, where each was counted.
    Blocks,
    /// A DNS preset says what was counted as flows.
    Dns,
    /// Rules that add nothing were counted, too: the report has each of them.
    AddsNothing,
    /// Pods that are among those of another isolated tier were counted, too.
    Inside,
}

/// The sets whose pairs of ends are others than those counted: of plain flows, and of those that open one side.
const OTHER_PAIRS: [(&str, [u64; 3], Reason); 11] = [
    ("set-006.yaml", [2, 0, 0], Reason::Values),
    ("set-020.yaml", [2, 0, 0], Reason::Dns),
    ("set-031.yaml", [5, 1, 0], Reason::Dns),
    ("set-033.yaml", [1, 0, 0], Reason::Dns),
    ("set-034.yaml", [1, 1, 0], Reason::AddsNothing),
    ("set-036.yaml", [9, 0, 0], Reason::Values),
    ("set-037.yaml", [1, 0, 0], Reason::AddsNothing),
    ("set-042.yaml", [10, 1, 1], Reason::Blocks),
    ("set-044.yaml", [0, 6, 7], Reason::AddsNothing),
    ("set-046.yaml", [10, 0, 0], Reason::AddsNothing),
    ("set-big.yaml", [21, 8, 8], Reason::AddsNothing),
];

/// The same of the isolated tiers of a namespace: `cedar` is among the pods without `app=amber`, and four of those of the
/// other set are the two values of two lists.
const OTHER_ISOLATED: [(&str, &str, u64, Reason); 2] =
    [("set-035.yaml", "birch/ingress", 2, Reason::Inside), ("set-036.yaml", "cedar/ingress", 6, Reason::Values)];

/// Whether a reason is one for a set.
fn holds(reason: Reason, imported: &Import) -> bool {
    let subjects = || imported.policies.iter().map(|policy| &policy.subject);
    match reason {
        Reason::Values => imported.policies.iter().any(lists_values),
        Reason::Blocks => {
            let is_block = |peer: &&Peer| matches!(peer, Peer::Block(_));
            imported.policies.iter().flat_map(rules).any(|rule| rule.peers.iter().filter(is_block).count() > 1)
        }
        Reason::Dns => ["dns strict", "dns any"].iter().any(|said| imported.text().contains(said)),
        Reason::AddsNothing => imported.lifted.findings.iter().any(|found| found.kind == Kind::AddsNothing),
        Reason::Inside => {
            subjects().any(|one| subjects().any(|other| one != other && !other.is_everything() && other.contains(one)))
        }
    }
}

fn rules(policy: &Policy) -> impl Iterator<Item = &Rule> {
    policy.ingress.iter().chain(&policy.egress).flatten()
}

/// Whether a policy asks for one of several values of a label, of pods that it is about or of peers.
fn lists_values(policy: &Policy) -> bool {
    let peers = rules(policy).flat_map(|rule| &rule.peers).filter_map(|peer| match peer {
        Peer::Pods { pods, .. } => Some(pods),
        Peer::Block(_) | Peer::Unlisted(_) => None,
    });
    let lists = |pods: &Selector| pods.requirements().iter().any(|one| matches!(one, Requirement::In(..)));
    std::iter::once(&policy.subject).chain(peers).any(lists)
}

/// How many pairs of ends the plain flows of a program have, and those that open one side.
fn pairs(program: &str) -> [u64; 3] {
    let session = session(program);
    let model = session.model().unwrap();
    let flows = &model.flows;
    let of = |side: Option<Direction>| {
        let flows = flows.iter().filter(|flow| flow.side == side);
        let pairs = flows.flat_map(|flow| {
            let destinations = model.leaves(&flow.destination);
            let sources = model.leaves(&flow.source).iter();
            sources.flat_map(move |source| destinations.iter().map(move |one| format!("{source:?} {one:?}")))
        });
        let ends: BTreeSet<String> = pairs.collect();
        ends.len() as u64
    };
    [of(None), of(Some(Direction::Ingress)), of(Some(Direction::Egress))]
}

#[test]
fn sets_of_real_structure_mean_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/lifted");
    let expected: Value = serde_json::from_str(&fs::read_to_string(folder.join("expect.json")).unwrap()).unwrap();
    let (mut sets, mut used, mut all_tiers, mut numbered) = (0, 0, 0, 0);
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
        assert_eq!(spoken(import_text(&built).text()), spoken(program), "{file}: imported again");
        let names: Vec<Value> = imported.lifted.namespaces.iter().map(|name| Value::from(&**name)).collect();
        assert_eq!(Value::Array(names), expected["namespaces"], "{file}");
        let tiers = program.split(" tier ").skip(1);
        for name in tiers.filter_map(|rest| rest.split_whitespace().next()) {
            all_tiers += 1;
            numbered += usize::from(name.rsplit('-').next().is_some_and(|end| end.len() == 1 && end > "1"));
        }
        let Some(isolation) = expected.get("isolated") else { continue };
        sets += 1;
        for (namespace, statements) in imported.lifted.namespaces.iter().zip(&imported.lifted.isolate) {
            for direction in ["ingress", "egress"] {
                let found = isolated(statements, direction);
                let place = format!("{namespace}/{direction}");
                let other = OTHER_ISOLATED.iter().find(|one| (one.0, one.1) == (file, &place));
                let expected = match other {
                    Some((_, _, tiers, reason)) => {
                        // What was counted are the different selectors of the policies.
                        assert_eq!(
                            isolation[&place],
                            Value::from(subjects(&imported, namespace).len()),
                            "{file}: {place}"
                        );
                        assert!(holds(*reason, &imported), "{file}: {place}");
                        used += 1;
                        Some(Value::from(*tiers))
                    }
                    None => isolation.get(&place).cloned(),
                };
                assert_eq!(found, expected, "{file}: {place}");
            }
        }
        let counted = ["both", "ingress", "egress"].map(|word| expected["flows"][word].as_u64().unwrap_or_default());
        let other = OTHER_PAIRS.iter().find(|one| one.0 == file);
        if let Some((_, _, reason)) = other {
            assert!(holds(*reason, &imported), "{file}");
            used += 1;
        }
        let expected = other.map_or(counted, |(_, pairs, _)| *pairs);
        assert_eq!(pairs(program), expected, "{file}: pairs of plain flows, of ingress, of egress\n{program}");
        // Every policy is told with what became of it.
        let said: BTreeSet<usize> =
            imported.lifted.said.iter().flat_map(|Said { origins, .. }| origins.iter().map(|one| one.policy)).collect();
        assert!(said.len() <= imported.policies.len() && imported.lifted_policies().len() == imported.policies.len());
    }
    assert!(sets >= 40, "{sets}");
    assert_eq!(used, OTHER_PAIRS.len() + OTHER_ISOLATED.len(), "a set that is counted otherwise is gone");
    assert!(numbered * 50 <= all_tiers, "{numbered} of {all_tiers} tiers have a number");
}
