//! The namespaces that a program knows by name, with what is known of their labels.

use crate::cluster::{Labels, Namespace};
use crate::flow::{FlowSet, ManagedNamespace, Namespaces, Place};
use crate::net::{NAMESPACE_NAME, Selector, Values, namespace_by_name};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One of them.
#[derive(Debug)]
pub(crate) struct KnownNamespace<'a> {
    /// Its name in the cluster.
    pub name: Arc<str>,
    /// All that is known of its labels.
    pub labels: Selector,
    /// What the program says of it, where it is managed.
    pub managed: Option<&'a ManagedNamespace>,
}

/// All of them, the managed ones first, in their order.
#[derive(Debug)]
pub(super) struct KnownNamespaces<'a> {
    pub all: Table<usize, KnownNamespace<'a>>,
    pub by_name: BTreeMap<Arc<str>, usize>,
    /// All other namespaces.
    pub others: Selector,
}

impl<'a> KnownNamespaces<'a> {
    /// Those of a program. A namespace that is `given` has the labels that it has, whatever is stated, and no others that
    /// anything asks for: the answer is about the cluster.
    pub(super) fn new(set: &'a FlowSet, given: &[Namespace]) -> Self {
        let keys = keys(set);
        let given: BTreeMap<&Arc<str>, &Labels> = given.iter().map(|one| (&one.name, &one.labels)).collect();
        let home = |name: &Arc<str>, stated: &Selector, managed| {
            let labels = given.get(name).map_or_else(|| stated.clone(), |object| with_given(stated, object, &keys));
            KnownNamespace { name: name.clone(), labels, managed }
        };
        let managed = set.namespaces.iter().map(|one| home(&one.name, &one.labels, Some(one)));
        let named = named(set);
        let named = named.iter().map(|name| home(name, &namespace_by_name(name), None));
        let all: Vec<KnownNamespace<'a>> = managed.chain(named).collect();
        let by_name = all.iter().zip(0..).map(|(home, place)| (home.name.clone(), place)).collect();
        let mut others = Selector::everything();
        others.require(NAMESPACE_NAME, Values::none_of(all.iter().map(|home| home.name.clone())));
        others.require(NAMESPACE_NAME, Values::exists());
        KnownNamespaces { all: all.into(), by_name, others }
    }
}

/// The labels of namespaces that anything asks for.
fn keys(set: &FlowSet) -> BTreeSet<Arc<str>> {
    let labels = places(set).filter_map(|namespaces| match namespaces {
        Namespaces::Labelled(labels) => Some(labels),
        Namespaces::Managed(_) | Namespaces::Named(_) | Namespaces::Every => None,
    });
    labels.flat_map(|labels| labels.keys().cloned()).collect()
}

/// The names of those that are not managed.
fn named(set: &FlowSet) -> BTreeSet<Arc<str>> {
    let names = places(set).filter_map(|namespaces| match namespaces {
        Namespaces::Named(name) => Some(name.clone()),
        Namespaces::Managed(_) | Namespaces::Labelled(_) | Namespaces::Every => None,
    });
    let is_managed = |name: &Arc<str>| set.namespaces.iter().any(|one| one.name == *name);
    names.filter(|name| !is_managed(name)).collect()
}

fn places(set: &FlowSet) -> impl Iterator<Item = &Namespaces> {
    let servers = set.namespaces.iter().flat_map(|one| &one.dns).filter_map(|server| server.pods.as_ref());
    let all = set.parties.iter().filter_map(|party| party.place.as_ref()).chain(servers.map(|pods| &pods.place));
    all.filter_map(|place| match place {
        Place::Pods { namespaces, .. } => Some(namespaces),
        Place::Addresses(_) | Place::Unlisted(_) | Place::Any => None,
    })
}

/// What an object says of the keys that anything asks for, and what is stated of others.
fn with_given(stated: &Selector, object: &Labels, keys: &BTreeSet<Arc<str>>) -> Selector {
    let mut labels = stated.clone();
    for key in keys.iter().filter(|key| ***key != *NAMESPACE_NAME) {
        let values = object.get(&**key).map_or_else(Values::does_not_exist, |value| Values::one_of([value.as_str()]));
        labels = labels.with(key, values);
    }
    labels
}
