//! The world of some pods that could exist.

use super::marks::Marks;
use super::{End, EndId, Looks, Namespace, NamespaceId, PodKind, Scope, World};
use crate::cluster::Labels;
use crate::net::MatchIndex;
use crate::table::number;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A pod that could exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExamplePod {
    /// The name of its namespace; `None` for one that nothing names.
    pub name: Option<Arc<str>>,
    /// The labels of its namespace.
    pub namespace: Labels,
    /// Labels that its namespace is known to lack.
    pub absent: BTreeSet<String>,
    /// Whether its namespace has no labels but those. If not, it may also have any others.
    pub known: bool,
    /// Its own labels.
    pub labels: Labels,
    /// Whether somebody asks about it.
    pub asked: bool,
}

/// What namespaces are told apart by: name, labels, those that are absent, and whether there are no others.
type HomeTraits<'p> = (&'p Option<Arc<str>>, &'p Labels, &'p BTreeSet<String>, bool);

impl World {
    /// Pods that could exist, each a kind of its own, and all addresses. Gives the end of each pod, in order.
    pub fn examples(scope: &Scope<'_>, pods: &[ExamplePod]) -> (World, Vec<EndId>) {
        let looks = Looks::new(scope);
        let marks = Marks::new(scope.marks);
        let mut world = World { facts: scope.facts.clone(), ..World::default() };
        let mut ids: BTreeMap<HomeTraits<'_>, NamespaceId> = BTreeMap::new();
        let mut marks_of: FxHashMap<NamespaceId, MatchIndex> = FxHashMap::default();
        let mut known: FxHashMap<&ExamplePod, EndId> = FxHashMap::default();
        let mut ends = Vec::with_capacity(pods.len());
        for pod in pods {
            let next = EndId(number(world.ends.len()));
            let end = *known.entry(pod).or_insert(next);
            ends.push(end);
            if end != next {
                continue;
            }
            let key = (&pod.name, &pod.namespace, &pod.absent, pod.known);
            let namespace = *ids.entry(key).or_insert_with(|| {
                let (name, labels, absent) = (pod.name.clone(), pod.namespace.clone(), pod.absent.clone());
                world.namespaces.push(Namespace { name, labels, absent, known: pod.known });
                NamespaceId(number(world.namespaces.len() - 1))
            });
            let Some(home) = world.namespace(namespace) else { continue };
            let marks_there = marks_of.entry(namespace).or_insert_with(|| marks.in_namespace(home));
            let marks = marks_there.matching(&pod.labels);
            world.ends.push(End::Pods(PodKind {
                namespace,
                labels: pod.labels.clone(),
                ports: None,
                addresses: Vec::new(),
                members: Vec::new(),
                several: true,
                asked: pod.asked,
                marks,
                told: Vec::new(),
            }));
        }
        world.add_outside(&looks, scope.marks);
        (world, ends)
    }
}
