//! Selectors that say something else than they seem to.

use super::runs::Runs;
use super::{One, at};
use crate::diag::{Code, Diagnostic};
use crate::net::{NAMESPACE_NAME, Requirement, Selector};
use crate::netpol::Peer;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// The labels by whose values policies select pods, of each namespace.
pub(super) struct SelectedValues<'a>(FxHashSet<(&'a str, &'a str, &'a str)>);

impl<'a> SelectedValues<'a> {
    pub(super) fn new(all: &'a [One<'_>]) -> Self {
        let of_one = |one: &'a One<'_>| {
            let labels = one.policy.subject.entries();
            labels.flat_map(move |(key, values)| {
                let required = values.required().unwrap_or_default();
                required.iter().map(move |value| (&*one.policy.namespace, &**key, &**value))
            })
        };
        SelectedValues(all.iter().flat_map(of_one).collect())
    }
}

pub(super) fn check(one: &One<'_>, selected: &SelectedValues<'_>, runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    if asks_namespaces(&one.policy.subject, runs) {
        let place = one.written.subject.or(one.name);
        let message =
            format!("{} selects nothing: `{NAMESPACE_NAME}` is a label of namespaces, and no pod has it", one.shown());
        let help =
            "a policy is about pods of its own namespace: leave the label out, and say the namespace in `metadata`";
        found.push(at(Code::W0209, place, message).with_help(help));
    }
    if let Some(key) = one.policy.subject.contradiction() {
        let place = one.written.subject.or(one.name);
        found.push(contradiction("no pod can be selected", key, one, place));
    }
    found.extend(everybody_else(one, selected));
    for (direction, rule, written) in one.all_rules() {
        for (index, peer) in written.peers.iter().enumerate() {
            let Peer::Pods { namespaces, pods } = peer else { continue };
            let place = one.pods_place(direction, rule, index);
            if asks_namespaces(pods, runs) {
                found.push(peer_of_namespaces(one, (namespaces.is_some(), pods), place));
            }
            let of_namespaces = one.namespaces_place(direction, rule, index);
            for (selector, place) in namespaces.iter().map(|one| (one, of_namespaces)).chain([(pods, place)]) {
                if let Some(key) = selector.contradiction() {
                    found.push(contradiction("nothing can match", key, one, place));
                }
            }
            if one.covered.contains(&(direction, rule)) {
                continue;
            }
            if let Some(key) = absent(pods, None) {
                let message =
                    format!("this peer of {} is also every pod that has no label `{key}` at all", one.shown());
                found.push(at(Code::W0227, place, message).with_help(present(&key)));
            }
            if let Some(key) = namespaces.as_ref().and_then(|selector| absent(selector, Some(NAMESPACE_NAME))) {
                let message = format!(
                    "this peer of {} is also in every namespace that has no label `{key}` at all, `kube-system` for \
                     one",
                    one.shown()
                );
                found.push(at(Code::W0227, of_namespaces, message).with_help(present(&key)));
            }
        }
    }
}

/// Whether a selector of pods asks for the label that only namespaces have, and no pod that was given has it after all.
pub(super) fn asks_namespaces(pods: &Selector, runs: &Runs<'_>) -> bool {
    let is_asked = pods.entries().any(|(key, values)| &**key == NAMESPACE_NAME && !values.allows(None));
    let mut given = runs.cluster.workloads.iter().flat_map(|workload| &workload.pods);
    is_asked && pods.contradiction().is_none() && !given.any(|pods| pods.labels.contains_key(NAMESPACE_NAME))
}

/// W0217 for a peer whose pods are asked for a label of namespaces.
fn peer_of_namespaces(
    one: &One<'_>,
    (has_namespaces, pods): (bool, &Selector),
    place: Option<crate::source::Span>,
) -> Diagnostic {
    let message = format!(
        "this peer of {} matches no pod: `{NAMESPACE_NAME}` is a label of namespaces, and no pod has it",
        one.shown()
    );
    let name = pods.required_value(NAMESPACE_NAME).and_then(|names| names.first()).map_or("NAME", |name| name);
    let help = match has_namespaces {
        true => "leave it out of `podSelector`: it belongs into the `namespaceSelector` of the item".to_owned(),
        false => format!("pods of a namespace are `namespaceSelector: {{matchLabels: {{{NAMESPACE_NAME}: {name}}}}}`"),
    };
    at(Code::W0217, place, message).with_help(help)
}

/// W0227: a policy for every pod of its namespace but some, with rules of its own: it isolates those of others, too.
fn everybody_else(one: &One<'_>, selected: &SelectedValues<'_>) -> Option<Diagnostic> {
    let key = absent(&one.policy.subject, None)?;
    // Who denies all but some means just that.
    one.all_rules().next()?;
    let message = format!(
        "{} is for every pod of namespace `{}` that has another value of `{key}` or has no such label: it isolates those \
         of other applications, too",
        one.shown(),
        one.policy.namespace
    );
    let place = one.written.subject.or(one.name);
    let found =
        at(Code::W0227, place, message).with_help("add to `podSelector` a label that only the pods it is for have");
    // Where those that are left out have a policy of their own, this one is that of all others.
    let mut left_out = one.policy.subject.values(&key).listed().iter();
    let has_own = left_out.any(|value| selected.0.contains(&(&*one.policy.namespace, &*key, &**value)));
    Some(if has_own { found.as_note() } else { found })
}

fn contradiction(what: &str, key: &str, one: &One<'_>, place: Option<crate::source::Span>) -> Diagnostic {
    let message = format!("{what} in {}: nothing satisfies what is asked of the label `{key}`", one.shown());
    at(Code::W0225, place, message).with_help(
        "all requirements of a selector have to hold at once; for either of two values write one `In` with both",
    )
}

/// The key of a `NotIn` that lets objects through without any label that the selector speaks of. `always` is a label
/// that every object has.
fn absent(selector: &Selector, always: Option<&str>) -> Option<String> {
    let labels = always.map(|key| (key.to_owned(), "any".to_owned()));
    if !selector.matches(&BTreeMap::from_iter(labels)) {
        return None;
    }
    selector.requirements().into_iter().find_map(|requirement| match requirement {
        Requirement::NotIn(key, _) if Some(&**key) != always => Some(key.to_string()),
        Requirement::Equals(..)
        | Requirement::In(..)
        | Requirement::NotIn(..)
        | Requirement::Exists(_)
        | Requirement::DoesNotExist(_) => None,
    })
}

fn present(key: &str) -> String {
    format!("add `{{key: {key}, operator: Exists}}`, or list the values that are meant with `In`")
}
