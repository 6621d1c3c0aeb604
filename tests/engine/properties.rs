//! What must hold of any policies, whatever they say.

use crate::engine::concrete::Blocks;
use crate::engine::random::{Features, Maker};
use crate::engine::{read, stream};
use crate::oracle::rng::Rng;
use polder::cluster::{Cluster, Labels};
use polder::engine::{End, EndId, Engine, Scope, Verdict, World};
use polder::net::{PortSet, Selector, Truth, Values};
use polder::netpol::{Peer, Policy, Port, Rule};
use std::collections::BTreeMap;
use std::net::IpAddr;

const SEEDS: std::ops::Range<u64> = 20_000..20_150;

/// What is allowed and unknown between all pods and some addresses, by their names.
type Table = BTreeMap<(String, String), Verdict>;

fn table(policies: &[Policy], cluster: &Cluster, pods: Truth) -> Table {
    let sets = [policies];
    let facts = Blocks { pods, addresses: None }.facts();
    let world = World::concrete(&Scope { policies: &sets, of_cluster: &[], marks: &[], facts: &facts }, cluster);
    let engine = Engine::new(&world, policies);
    let mut places: Vec<(String, EndId)> = Vec::new();
    for id in world.ids() {
        match world.end(id).unwrap() {
            End::Pods(pods) => places.extend(pods.members.iter().map(|member| (format!("{member:?}"), id))),
            End::Addresses { addresses, .. } => {
                let some =
                    ["10.0.0.1", "10.1.2.3", "10.1.9.9", "192.0.2.7", "200.0.0.1", "fd00::1", "fd00:1::5", "2001::"];
                let inside = some.iter().filter(|one| addresses.has(one.parse::<IpAddr>().unwrap()));
                places.extend(inside.map(|one| ((*one).to_owned(), id)));
            }
        }
    }
    let mut table = Table::new();
    for (source, from) in &places {
        for (destination, to) in &places {
            let outside = world.pods(*from).is_none() && world.pods(*to).is_none();
            if source != destination && !outside {
                table.insert((source.clone(), destination.clone()), engine.between(*from, *to));
            }
        }
    }
    table
}

/// Whether all that `small` allows is allowed by `large`, and all that may be allowed there may be here.
fn within(small: &Table, large: &Table) {
    assert!(small.keys().eq(large.keys()));
    for ((pair, small), large) in small.iter().zip(large.values()) {
        let possible = |verdict: &Verdict| verdict.allowed.union(&verdict.unknown);
        assert!(large.allowed.contains(&small.allowed), "{pair:?}: {small:?} in {large:?}");
        assert!(possible(large).contains(&possible(small)), "{pair:?}: {small:?} in {large:?}");
    }
}

fn same(one: &Table, other: &Table) {
    within(one, other);
    within(other, one);
}

/// Calls `check` with many sets of policies, clusters and a source of random numbers.
fn for_many(check: impl Fn(&[Policy], &Cluster, Truth, &mut Rng)) {
    for seed in SEEDS {
        let mut rng = Rng::new(seed);
        let mut maker = Maker { rng: &mut rng, features: Features::new(), keys: 3 };
        let text = stream(&maker.policies());
        let mut cluster = maker.cluster();
        // Pods that differ in their addresses have no names of their own here.
        let many = cluster.workloads.iter_mut().flat_map(|one| &mut one.pods).filter(|pods| pods.count > 1);
        many.for_each(|pods| pods.addresses.clear());
        let (policies, _) = read(&text);
        let run = || check(&policies, &cluster, [Truth::Yes, Truth::No, Truth::Maybe][seed as usize % 3], &mut rng);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            println!("seed {seed}\n{text}");
            std::panic::resume_unwind(panic);
        }
    }
}

fn all_rules(policies: &mut [Policy]) -> Vec<&mut Vec<Rule>> {
    policies.iter_mut().flat_map(|policy| [&mut policy.ingress, &mut policy.egress]).flatten().collect()
}

#[test]
fn a_policy_for_a_new_direction_only_removes() {
    let mut counted = std::cell::Cell::new(0);
    for_many(|policies, cluster, blocks, _| {
        for (index, added) in policies.iter().enumerate() {
            let mut before = policies.to_vec();
            before.remove(index);
            let listed = |policy: &Policy| [policy.ingress.is_some(), policy.egress.is_some()];
            let meets = |other: &&Policy| {
                other.namespace == added.namespace
                    && listed(other).iter().zip(listed(added)).any(|(one, other)| *one && other)
            };
            if before.iter().find(meets).is_none() {
                counted.set(counted.get() + 1);
                within(&table(policies, cluster, blocks), &table(&before, cluster, blocks));
            }
        }
    });
    assert!(*counted.get_mut() > 50);
}

#[test]
fn a_rule_only_adds() {
    for_many(|policies, cluster, blocks, rng| {
        let all = table(policies, cluster, blocks);
        let mut fewer = policies.to_vec();
        let mut lists = all_rules(&mut fewer);
        let list = rng.below(lists.len().max(1));
        if let Some(list) = lists.get_mut(list).filter(|list| !list.is_empty()) {
            let rule = rng.below(list.len());
            list.remove(rule);
        }
        within(&table(&fewer, cluster, blocks), &all);
    });
}

#[test]
fn rules_may_be_split_and_merged() {
    for_many(|policies, cluster, blocks, _| {
        let all = table(policies, cluster, blocks);
        let mut split = policies.to_vec();
        for list in all_rules(&mut split) {
            let one = |rule: &Rule| {
                let peers: Vec<Vec<Peer>> = match &rule.peers[..] {
                    [] => vec![Vec::new()],
                    peers => peers.iter().map(|peer| vec![peer.clone()]).collect(),
                };
                let ports: Vec<Vec<Port>> = match &rule.ports[..] {
                    [] => vec![Vec::new()],
                    ports => ports.iter().map(|port| vec![port.clone()]).collect(),
                };
                let pairs =
                    peers.iter().flat_map(|peers| ports.iter().map(move |ports| (peers.clone(), ports.clone())));
                pairs
                    .map(|(peers, ports)| Rule { peers: peers.into(), ports: ports.into(), learns_names: false })
                    .collect::<Vec<_>>()
            };
            *list = list.iter().flat_map(one).collect();
        }
        same(&all, &table(&split, cluster, blocks));
        // A policy for each rule, and one that only isolates.
        let mut apart = Vec::new();
        for policy in policies {
            let empty = |rules: &Option<Vec<Rule>>| rules.as_ref().map(|_| Vec::new());
            apart.push(Policy { ingress: empty(&policy.ingress), egress: empty(&policy.egress), ..policy.clone() });
            let with = |ingress, egress| Policy { ingress, egress, ..policy.clone() };
            let rules =
                |rules: &Option<Vec<Rule>>| rules.clone().unwrap_or_default().into_iter().map(|rule| vec![rule]);
            apart.extend(rules(&policy.ingress).map(|rule| with(Some(rule), None)));
            apart.extend(rules(&policy.egress).map(|rule| with(None, Some(rule))));
        }
        same(&all, &table(&apart, cluster, blocks));
    });
}

#[test]
fn the_order_of_policies_rules_and_items_means_nothing() {
    for_many(|policies, cluster, blocks, rng| {
        let mut mixed = [policies, policies].concat();
        rng.shuffle(&mut mixed);
        for list in all_rules(&mut mixed) {
            rng.shuffle(list);
            for rule in list {
                rng.shuffle(&mut rule.peers);
                rng.shuffle(&mut rule.ports);
            }
        }
        same(&table(policies, cluster, blocks), &table(&mixed, cluster, blocks));
    });
}

/// Other keys and values, in another order.
fn renamed(text: &str) -> String {
    if text == "kubernetes.io/metadata.name" {
        text.to_owned()
    } else {
        text.bytes().rev().map(char::from).collect::<String>() + "-z"
    }
}

fn renamed_selector(selector: &Selector) -> Selector {
    let mut other = Selector::everything();
    for (key, values) in selector.entries() {
        let own = &**key == "kubernetes.io/metadata.name";
        let name = |value: &std::sync::Arc<str>| if own { value.to_string() } else { renamed(value) };
        let listed: Vec<String> = values.listed().iter().map(name).collect();
        let renamed_key = renamed(key);
        // The four forms that the states of a key have.
        match (values.required().is_some(), values.allows(None)) {
            (true, _) => other.require(renamed_key, Values::one_of(listed)),
            (false, true) if *values == Values::does_not_exist() => {
                other.require(renamed_key, Values::does_not_exist())
            }
            (false, true) => other.require(renamed_key, Values::none_of(listed)),
            (false, false) => other.require(renamed_key, Values::none_of(listed).and(&Values::exists())),
        }
    }
    other
}

fn renamed_labels(labels: &Labels) -> Labels {
    let value = |key: &str, value: &str| if renamed(key) == key { value.to_owned() } else { renamed(value) };
    labels.iter().map(|(key, one)| (renamed(key), value(key, one))).collect()
}

#[test]
fn other_words_for_labels_change_nothing() {
    for_many(|policies, cluster, blocks, _| {
        let mut other = policies.to_vec();
        for policy in &mut other {
            policy.subject = renamed_selector(&policy.subject);
        }
        for peer in all_rules(&mut other).into_iter().flatten().flat_map(|rule| &mut rule.peers) {
            if let Peer::Pods { namespaces, pods } = peer {
                *pods = renamed_selector(pods);
                *namespaces = namespaces.as_ref().map(renamed_selector);
            }
        }
        let mut others = cluster.clone();
        for namespace in &mut others.namespaces {
            namespace.labels = renamed_labels(&namespace.labels);
        }
        for pods in others.workloads.iter_mut().flat_map(|workload| &mut workload.pods) {
            pods.labels = renamed_labels(&pods.labels);
        }
        same(&table(policies, cluster, blocks), &table(&other, &others, blocks));
    });
}

/// Everything that is there is said at one place or the other, and nothing twice.
#[test]
fn allowed_and_unknown_are_apart() {
    for_many(|policies, cluster, blocks, _| {
        for (pair, verdict) in table(policies, cluster, blocks) {
            assert!(!verdict.allowed.overlaps(&verdict.unknown), "{pair:?}: {verdict:?}");
            assert_eq!(verdict.is_denied(), verdict.allowed.union(&verdict.unknown) == PortSet::empty());
        }
    });
}
