//! Every pod that could exist, one of each kind that policies and names can tell apart: a world to look at two by two.
//!
//! The library never makes it, for there are too many of them in a large program. Here programs are small, and kinds are
//! found by trying out every value that somebody asks for, key by key.

use polder::cluster::Labels;
use polder::engine::{ExamplePod, Namespace, Scope, World, absent_labels};
use polder::flow::FlowSet;
use polder::net::{Facts, NAMESPACE_NAME, Peers, Selector};
use polder::netpol::{Peer, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The namespaces that are managed, with what is stated of their labels. Nobody knows which others they have.
pub(crate) type Managed = BTreeMap<Arc<str>, Selector>;

pub(crate) fn managed(flows: &FlowSet) -> Managed {
    flows.namespaces.iter().map(|namespace| (namespace.name.clone(), namespace.labels.clone())).collect()
}

/// The world of them and of all addresses.
pub(crate) fn world(policies: &[Policy], marks: &[Peers], managed: &Managed, facts: &Facts) -> World {
    let pods = pods(policies, marks, managed);
    World::examples(&Scope { policies: &[policies], of_cluster: &[], marks, facts }, &pods).0
}

fn pods(policies: &[Policy], marks: &[Peers], managed: &Managed) -> Vec<ExamplePod> {
    let mut anywhere: BTreeSet<(&Selector, &Selector)> = BTreeSet::new();
    let mut local: BTreeMap<&Arc<str>, BTreeSet<&Selector>> = BTreeMap::new();
    for policy in policies {
        let here = local.entry(&policy.namespace).or_default();
        here.insert(&policy.subject);
        let rules = policy.ingress.iter().chain(&policy.egress).flatten();
        for peer in rules.flat_map(|rule| &rule.peers) {
            match peer {
                Peer::Pods { namespaces: Some(namespaces), pods } => _ = anywhere.insert((namespaces, pods)),
                Peer::Pods { namespaces: None, pods } => _ = here.insert(pods),
                Peer::Block(_) | Peer::Unlisted(_) => {}
            }
        }
    }
    anywhere.extend(marks.iter().filter_map(|mark| match mark {
        Peers::Pods { namespaces, pods } => Some((namespaces, pods)),
        Peers::Addresses(_) | Peers::Any => None,
    }));
    let names: BTreeSet<Arc<str>> = local.keys().map(|name| Arc::clone(name)).chain(managed.keys().cloned()).collect();
    let mut found = Vec::new();
    for namespace in namespaces(anywhere.iter().map(|(namespaces, _)| *namespaces).collect(), names, managed) {
        let here = namespace.name.as_ref().and_then(|name| local.get(name)).into_iter().flatten().copied();
        let near = anywhere.iter().filter(|(namespaces, _)| namespace.matches(namespaces).is_possible());
        let selectors: BTreeSet<&Selector> = here.chain(near.map(|(_, pods)| *pods)).collect();
        found.extend(kinds(&Labels::new(), &selectors.into_iter().collect::<Vec<_>>()).into_iter().map(|labels| {
            let Namespace { name, labels: namespace, absent, known } = namespace.clone();
            ExamplePod { name, namespace, absent, known, labels, asked: false }
        }));
    }
    found
}

/// The kinds of namespaces: those of each name that something asks for, and all others.
fn namespaces(selectors: BTreeSet<&Selector>, mut names: BTreeSet<Arc<str>>, managed: &Managed) -> Vec<Namespace> {
    for selector in &selectors {
        names.extend(selector.values(NAMESPACE_NAME).listed().iter().cloned());
    }
    let selectors: Vec<&Selector> = selectors.into_iter().collect();
    let called = |name: &str| Labels::from([(NAMESPACE_NAME.to_owned(), name.to_owned())]);
    let known = |name: Option<&Arc<str>>, labels: &Labels| {
        let of_labels = |labels| Namespace { name: name.cloned(), labels, absent: BTreeSet::new(), known: true };
        kinds(labels, &selectors).into_iter().map(of_labels).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for name in &names {
        match managed.get(name) {
            Some(stated) => {
                let (labels, absent) = (stated.witness().unwrap(), absent_labels(stated));
                found.push(Namespace { name: Some(name.clone()), labels, absent, known: false });
            }
            None => found.extend(known(Some(name), &called(name))),
        }
    }
    found.extend(known(None, &called(&other_than(|name| names.contains(name)))));
    found
}

/// One set of labels for each way in which `selectors` can match, of those that hold the `given` ones: as few as that takes.
fn kinds(given: &Labels, selectors: &[&Selector]) -> Vec<Labels> {
    let keys: BTreeSet<&str> = selectors.iter().flat_map(|selector| selector.keys()).map(|key| &**key).collect();
    // Which selectors may still match, by what is chosen for the keys before.
    let mut chosen = BTreeMap::from([(vec![true; selectors.len()], given.clone())]);
    for key in keys {
        let listed: BTreeSet<&str> =
            selectors.iter().flat_map(|selector| selector.values(key).listed()).map(|value| &**value).collect();
        let other = other_than(|value| listed.contains(value));
        let values: Vec<Option<&str>> = match given.get(key) {
            Some(value) => vec![Some(value)],
            None => [None, Some(other.as_str())].into_iter().chain(listed.into_iter().map(Some)).collect(),
        };
        let mut next: BTreeMap<Vec<bool>, Labels> = BTreeMap::new();
        for (matching, labels) in &chosen {
            for value in &values {
                let allows = selectors.iter().map(|selector| selector.values(key).allows(*value));
                let matching = matching.iter().zip(allows).map(|(one, other)| *one && other).collect();
                let mut labels = labels.clone();
                labels.extend(value.map(|value| (key.to_owned(), value.to_owned())));
                let shortest = next.entry(matching).or_insert_with(|| labels.clone());
                if labels.len() < shortest.len() {
                    *shortest = labels;
                }
            }
        }
        chosen = next;
    }
    chosen.into_values().collect()
}

/// A value that is not taken.
fn other_than(is_taken: impl Fn(&str) -> bool) -> String {
    (0..).map(|number| format!("other-{number}")).find(|value| !is_taken(value)).unwrap()
}
