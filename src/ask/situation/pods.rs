//! Pods that were seen somewhere, each a kind of its own, under the names that a program gives them.

use super::Situation;
use super::declared::{DeclaredNames, marks_of};
use crate::cluster::{Labels, Namespace};
use crate::engine::{PodOfWorld, Scope, World, absent_labels};
use crate::flow::FlowSet;
use crate::net::{Facts, NAMESPACE_NAME, Values};
use crate::netpol::Policy;
use std::collections::BTreeSet;

/// What is known of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLabels {
    /// Labels that it has, its name among them.
    pub labels: Labels,
    /// Labels that it lacks.
    pub absent: BTreeSet<String>,
    /// Whether it has no others.
    pub known: bool,
}

impl Situation {
    /// Some pods, each the end of its place, and all addresses.
    pub fn of_pods(programs: &[&FlowSet], policies: &[&[Policy]], pods: &[PodOfWorld], facts: &Facts) -> Situation {
        let declared = DeclaredNames::of(programs);
        let (_, marks) = marks_of(&declared.names);
        let world = World::of_pods(&Scope { policies, of_cluster: &[], marks: &marks, facts }, pods);
        Situation::named(world, &declared, &[])
    }
}

impl KnownLabels {
    /// What an object says of a namespace, and where none was given, what a program states and what was seen of it.
    pub fn of(programs: &[&FlowSet], given: &[Namespace], name: &str, seen: Option<&Labels>) -> KnownLabels {
        let mut known = KnownLabels { labels: Labels::new(), absent: BTreeSet::new(), known: false };
        if let Some(object) = given.iter().find(|one| *one.name == *name) {
            known.labels.clone_from(&object.labels);
            known.known = true;
        } else {
            for stated in programs.iter().flat_map(|set| set.namespaces.iter()).filter(|one| *one.name == *name) {
                let value = |values: &Values| match values.required() {
                    Some([one]) => Some(one.to_string()),
                    _ => None,
                };
                let labels =
                    stated.labels.entries().filter_map(|(key, values)| Some((key.to_string(), value(values)?)));
                known.labels.extend(labels);
                known.absent.extend(absent_labels(&stated.labels));
            }
            if let Some(seen) = seen {
                known.labels.extend(seen.clone());
                known.known = true;
            }
        }
        known.labels.insert(NAMESPACE_NAME.to_owned(), name.to_owned());
        known
    }
}
