//! What lint calls redundant is redundant, and nothing that is left is: judged naively, for all that random policy sets
//! can tell apart. Each side of a connection is judged by itself.

use crate::oracle;
use crate::oracle::evaluate::{self, Direction, PolicySet, Stated};
use crate::oracle::universe::{Atoms, Bits, Chunk, Universe};
use crate::oracle::{generate, naive};
use polder::lint::{Part, Removal, redundant};
use polder::netpol::Policy;
use polder::session::{Manifests, Memory, Named};
use polder::{net, netpol};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// How many random programs are looked at unless `POLDER_CASES` says another number.
const CASES: u64 = 120;

/// The policies of a random program in the most obvious way, as both sides read them, in one order.
fn policies(seed: u64) -> (Vec<Policy>, PolicySet) {
    let mut documents = naive::lower(&generate::program(seed));
    if seed % 2 == 1 {
        documents = joined(documents);
    }
    let text: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let system = Memory::default().with_input(text.join("\n---\n"));
    let manifests = Manifests::load(&system, Path::new("/project"), &[Named::Input], "default");
    assert!(documents.is_empty() || !manifests.has_errors(), "{:#?}", manifests.diagnostics);
    let mut set = oracle::read::policies(&documents).unwrap();
    set.policies.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let policies = manifests.policies.policies;
    assert_eq!(policies.len(), set.policies.len());
    for (one, other) in policies.iter().zip(&set.policies) {
        assert_eq!((&*one.namespace, &*one.name), (other.namespace.as_str(), &*other.name));
    }
    (policies, set)
}

/// Policies for the same pods and directions as one with all the rules.
fn joined(documents: Vec<Value>) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for document in documents {
        let key = |one: &Value| {
            let spec = &one["spec"];
            (one["metadata"]["namespace"].clone(), spec["podSelector"].clone(), spec["policyTypes"].clone())
        };
        let Some(same) = all.iter_mut().find(|one| key(one) == key(&document)) else {
            all.push(document);
            continue;
        };
        for way in ["ingress", "egress"] {
            let more = document["spec"][way].as_array().cloned().unwrap_or_default();
            match same["spec"][way].as_array_mut() {
                Some(rules) => rules.extend(more),
                None if !more.is_empty() => same["spec"][way] = Value::Array(more),
                None => {}
            }
        }
    }
    all
}

fn direction(one: net::Direction) -> Direction {
    match one {
        net::Direction::Ingress => Direction::Ingress,
        net::Direction::Egress => Direction::Egress,
    }
}

/// The set without what was removed.
fn without(set: &PolicySet, removals: &[Removal]) -> PolicySet {
    let mut left = set.clone();
    let mut rules: Vec<(usize, Direction, usize)> = Vec::new();
    let mut parts: Vec<(usize, Direction, usize, bool, usize)> = Vec::new();
    let mut whole: Vec<usize> = Vec::new();
    for Removal { policy, part } in removals {
        match *part {
            Part::Policy => whole.push(*policy),
            Part::Rule(way, rule) => rules.push((*policy, direction(way), rule)),
            Part::Peer(way, rule, peer) => parts.push((*policy, direction(way), rule, true, peer)),
            Part::Port(way, rule, port) => parts.push((*policy, direction(way), rule, false, port)),
        }
    }
    // From the back, so that places stay what they are.
    parts.sort_unstable_by_key(|(.., index)| std::cmp::Reverse(*index));
    for (policy, way, rule, is_peer, index) in parts {
        let rule = &mut left.policies[policy].rules_mut(way).unwrap()[rule];
        if is_peer {
            rule.peers.remove(index);
            assert!(!rule.peers.is_empty(), "a rule without peers is for everyone");
        } else {
            rule.ports.remove(index);
            assert!(!rule.ports.is_empty(), "a rule without ports is for all of them");
        }
    }
    rules.sort_unstable_by_key(|(.., rule)| std::cmp::Reverse(*rule));
    for (policy, way, rule) in rules {
        left.policies[policy].rules_mut(way).unwrap().remove(rule);
    }
    whole.sort_unstable();
    for policy in whole.into_iter().rev() {
        left.policies.remove(policy);
    }
    left
}

/// What each side says of each two parties, without what is no connection.
fn sides(chunk: &Chunk<'_>, set: &PolicySet) -> Vec<Bits> {
    let n = chunk.size();
    let sides = chunk.sides(set);
    let cells = [sides.egress.cells, sides.ingress.cells];
    cells.iter().flat_map(|cells| (0..n * n).map(|cell| cells[cell] & chunk.possible(cell / n, cell % n))).collect()
}

fn same(universe: &Universe, one: &PolicySet, other: &PolicySet) -> bool {
    universe.chunks().all(|chunk| sides(&chunk, one) == sides(&chunk, other))
}

/// Every part, and whether it stays though it changes nothing: a policy without rules is there to be seen as the
/// default, and one that allows everything keeps its pods open whatever is added.
fn one_less(policies: &[evaluate::Policy]) -> Vec<(Removal, bool)> {
    let mut all = Vec::new();
    for (policy, one) in policies.iter().enumerate() {
        let rules = [&one.ingress, &one.egress].into_iter().flatten().flatten();
        let opens = rules.into_iter().any(|rule| rule.peers.is_empty() && rule.ports.is_empty());
        all.push((Removal { policy, part: Part::Policy }, one.only_denies() || opens));
        for way in net::Direction::ALL {
            for (rule, written) in one.rules(direction(way)).unwrap_or_default().iter().enumerate() {
                all.push((Removal { policy, part: Part::Rule(way, rule) }, false));
                if written.peers.len() > 1 {
                    let part = |peer| Removal { policy, part: Part::Peer(way, rule, peer) };
                    all.extend((0..written.peers.len()).map(|peer| (part(peer), false)));
                }
                if written.ports.len() > 1 {
                    let part = |port| Removal { policy, part: Part::Port(way, rule, port) };
                    all.extend((0..written.ports.len()).map(|port| (part(port), false)));
                }
            }
        }
    }
    all
}

/// Whether a selector of a policy matches nothing.
fn matches_nothing(policy: &Policy) -> bool {
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    let selectors = rules.flat_map(|rule| &rule.peers).flat_map(|peer| match peer {
        netpol::Peer::Pods { namespaces, pods } => namespaces.iter().chain([pods]).collect(),
        netpol::Peer::Block(_) | netpol::Peer::Unlisted(_) => Vec::new(),
    });
    selectors.chain([&policy.subject]).any(|selector| selector.contradiction().is_some())
}

#[test]
fn what_is_told_can_go_and_nothing_else_could() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (cases, first) = (number("POLDER_CASES", CASES), number("POLDER_SEED", 0));
    let mut counts = [0; 4];
    let mut small = 0;
    for seed in first..first + cases {
        let (policies, set) = policies(seed);
        let removals = redundant(&policies);
        for removal in &removals {
            counts[match removal.part {
                Part::Policy => 0,
                Part::Rule(..) => 1,
                Part::Peer(..) => 2,
                Part::Port(..) => 3,
            }] += 1;
        }
        let universe = Universe::new(&Atoms::of(&set), &Stated::new());
        let left = without(&set, &removals);
        assert!(same(&universe, &set, &left), "seed {seed}: {removals:?}\n{policies:#?}");
        if left.policies.len() > 12 || universe.parties.len() > 150 {
            continue;
        }
        small += 1;
        // What matches nothing is told of as that.
        let empty: BTreeSet<&str> =
            policies.iter().filter(|policy| matches_nothing(policy)).map(|policy| &*policy.name).collect();
        for (removal, stays) in one_less(&left.policies) {
            if empty.contains(left.policies[removal.policy].name.as_str()) {
                continue;
            }
            let less = without(&left, &[removal]);
            let missed = !stays && same(&universe, &left, &less);
            assert!(!missed, "seed {seed}: {removal:?} was missed\n{:#?}", left.policies[removal.policy]);
        }
    }
    assert!(
        counts.iter().all(|count| *count > 0) && small > 20,
        "found only {counts:?} of policies, rules, peers and ports"
    );
    println!("{counts:?} policies, rules, peers and ports could go; {small} sets were small");
}
