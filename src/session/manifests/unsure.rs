//! What depends on something that could not be read.

use super::Manifests;
use super::mentions::names_kind;
use crate::cluster::{Kind, UnreadParts, UnreadPlaces};
use crate::diag::Code;
use crate::k8s::ReadProblem;

/// What runs pods.
const RUN: [Kind; 8] = [
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::ReplicationController,
    Kind::Job,
    Kind::CronJob,
];

/// Takes note of an object, or all of a text, that could not be read.
pub(super) fn note(unread: &mut UnreadParts, problem: &ReadProblem, text: &str) {
    let namespace = problem.namespace.as_deref();
    let kind = problem.object.as_deref().map(|object| object.split(' ').next().unwrap_or_default());
    // Of an object without a kind, and of a list, nobody knows what it is.
    let is_unknown = kind.is_some_and(|kind| kind == "an" || kind.ends_with("List"));
    let is = |name: &str| kind.map_or_else(|| names_kind(text, name), |kind| kind == name);
    if problem.is_policy {
        unread.policies.add(namespace);
    }
    if is_unknown || RUN.iter().any(|kind| is(kind.as_str())) {
        unread.runs.add(namespace);
    }
    unread.namespaces |= is_unknown || is("Namespace");
}

impl Manifests {
    /// Whether all texts were read, be it that some of their objects could not be.
    pub(in crate::session) fn is_read(&self) -> bool {
        let is_whole = |code: Code| code.stops() && !matches!(code, Code::E0501 | Code::E0503);
        !self.diagnostics.iter().any(|diagnostic| is_whole(diagnostic.code))
    }

    /// What `lint` does not look for, because something could not be read or is not sure: a sentence each.
    pub fn not_looked_for(&self) -> Vec<String> {
        if self.policies.policies.is_empty() {
            return Vec::new();
        }
        if !self.is_read() {
            return vec![
                "only what shows in each policy by itself was looked for: what could not be read may hold more".into(),
            ];
        }
        let UnreadParts { policies, runs, namespaces } = &self.cluster.unread;
        let mut told = Vec::new();
        told.extend(
            places(policies, |name| !self.variants.contains(name))
                .map(|place| format!("nothing is said of what no policy allows{}", because(place, "a NetworkPolicy"))),
        );
        told.extend(places(runs, |_| true).map(|place| {
            format!("nothing is said of labels that no pod has{}", because(place, "something that runs"))
        }));
        if *namespaces {
            told.push("nothing is said of labels that no namespace has, for a Namespace could not be read".to_owned());
        }
        let variants: Vec<&str> = self.variants.iter().map(|name| &**name).collect();
        told.extend(called(&variants).map(|name| {
            format!(
                "of policies in {name} only what shows in each by itself was looked for: some stand there in variants"
            )
        }));
        told
    }
}

/// Where something could not be read: the namespaces in words, or `None` where it may be any; nothing where all was read.
fn places(places: &UnreadPlaces, counts: impl Fn(&str) -> bool) -> Option<Option<String>> {
    let Some(known) = places.known() else { return Some(None) };
    let known: Vec<&str> = known.filter(|name| counts(name)).collect();
    called(&known).map(Some)
}

fn because(place: Option<String>, what: &str) -> String {
    match place {
        Some(place) => format!(" in {place}, where {what} could not be read"),
        None => format!(": {what} could not be read, and nobody knows in which namespace it is"),
    }
}

fn called(names: &[&str]) -> Option<String> {
    let (first, more) = names.split_first()?;
    Some(match more.len() {
        0 => format!("namespace `{first}`"),
        more => format!("namespace `{first}` and {more} more"),
    })
}
