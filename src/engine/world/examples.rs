//! The world of some pods that could exist.

use super::marks::Marks;
use super::{End, EndId, Looks, NamedPorts, Namespace, NamespaceId, PodKind, Scope, World};
use crate::cluster::Labels;
use crate::net::MatchIndex;
use crate::table::number;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
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

/// A pod of which more may be known than of an example.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodOfWorld {
    /// What an example has.
    pub example: ExamplePod,
    /// The numbers of its named ports; `None` where it may give any number to any name.
    pub ports: Option<NamedPorts>,
    /// Its addresses, as far as they are known and matter.
    pub addresses: Vec<IpAddr>,
}

impl From<ExamplePod> for PodOfWorld {
    fn from(example: ExamplePod) -> Self {
        PodOfWorld { example, ports: None, addresses: Vec::new() }
    }
}

/// What namespaces are told apart by: name, labels, those that are absent, and whether there are no others.
type HomeTraits<'p> = (&'p Option<Arc<str>>, &'p Labels, &'p BTreeSet<String>, bool);

impl World {
    /// Pods that could exist, each a kind of its own, and all addresses. Gives the end of each pod, in order.
    pub fn examples(scope: &Scope<'_>, pods: &[ExamplePod]) -> (World, Vec<EndId>) {
        let mut known: FxHashMap<&ExamplePod, EndId> = FxHashMap::default();
        let mut different: Vec<PodOfWorld> = Vec::new();
        let mut ends = Vec::with_capacity(pods.len());
        for pod in pods {
            let next = EndId(number(different.len()));
            let end = *known.entry(pod).or_insert(next);
            if end == next {
                different.push(pod.clone().into());
            }
            ends.push(end);
        }
        (World::of_pods(scope, &different), ends)
    }

    /// Pods, each a kind of its own and the end of its place, and all addresses.
    pub fn of_pods(scope: &Scope<'_>, pods: &[PodOfWorld]) -> World {
        let looks = Looks::new(scope);
        let marks = Marks::new(scope.marks);
        let mut world = World { facts: scope.facts.clone(), ..World::default() };
        let mut ids: BTreeMap<HomeTraits<'_>, NamespaceId> = BTreeMap::new();
        let mut marks_of: FxHashMap<NamespaceId, MatchIndex> = FxHashMap::default();
        for PodOfWorld { example: pod, ports, addresses } in pods {
            let key = (&pod.name, &pod.namespace, &pod.absent, pod.known);
            let namespace = *ids.entry(key).or_insert_with(|| {
                let (name, labels, absent) = (pod.name.clone(), pod.namespace.clone(), pod.absent.clone());
                world.namespaces.push(Namespace { name, labels, absent, known: pod.known });
                NamespaceId(number(world.namespaces.len() - 1))
            });
            let marks = match world.namespace(namespace) {
                Some(home) => {
                    marks_of.entry(namespace).or_insert_with(|| marks.in_namespace(home)).matching(&pod.labels)
                }
                None => Vec::new(),
            };
            world.ends.push(End::Pods(PodKind {
                namespace,
                labels: pod.labels.clone(),
                ports: ports.clone(),
                addresses: addresses.clone(),
                members: Vec::new(),
                several: true,
                asked: pod.asked,
                marks,
                told: Vec::new(),
            }));
        }
        world.add_outside(&looks, scope.marks);
        world
    }
}
