//! Each value of an `In`: a peer of its own, which may match nothing while the others do.

use super::near::{as_called, called, is_slip, with_place};
use super::pods::owner;
use super::runs::{MatchedPods, Runs};
use super::{One, at};
use crate::diag::{Code, Diagnostic};
use crate::net::{Selector, Values};
use crate::netpol::Peer;
use crate::source::Span;
use std::sync::Arc;

/// What a peer is called in sentences.
const PEER: &str = "this peer";

/// More values than these are a list of all that might be there.
const MOST: usize = 20;

/// W0217 and W0218 for single values of peers and of the pods of policies.
pub(super) fn check(all: &[One<'_>], runs: &Runs<'_>, found: &mut Vec<Diagnostic>) {
    for one in all {
        let place = one.written.subject.or(one.name);
        found.extend(values(one, (None, &one.policy.subject), "the `podSelector`", place, runs));
        for (direction, index, rule) in one.all_rules() {
            for (position, peer) in rule.peers.iter().enumerate() {
                let Peer::Pods { namespaces, pods } = peer else { continue };
                let place = one.pods_place(direction, index, position);
                found.extend(values(one, (namespaces.as_ref(), pods), PEER, place, runs));
            }
        }
    }
}

fn values(
    one: &One<'_>,
    (namespaces, selector): (Option<&Selector>, &Selector),
    what: &str,
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let lists = selector.entries().filter_map(|(key, values)| Some((key, values.required()?)));
    for (key, listed) in lists.filter(|(_, listed)| (2..=MOST).contains(&listed.len())) {
        let with = |value: &Arc<str>| {
            let mut pods = selector.clone();
            pods.require(key.clone(), Values::one_of([value.clone()]));
            let peer = Peer::Pods { namespaces: namespaces.cloned(), pods: pods.clone() };
            Some(Single { key, value: value.clone(), pods, matched: runs.peer(one, &peer)? })
        };
        let all: Vec<Single<'_>> = listed.iter().filter_map(with).collect();
        // Where no value matches, that is said of the selector.
        let missing = all.iter().filter(|single| single.matched.pods.is_empty()).count();
        if missing == all.len() {
            continue;
        }
        let list = ListedValues { all: listed, missing, is_own: namespaces.is_none() && what == PEER };
        for single in all.iter().filter(|single| single.matched.pods.is_empty() && single.matched.sure) {
            found.extend(nobody(one, single, &list, what, place, runs));
        }
    }
    found
}

/// The values of a list.
struct ListedValues<'l> {
    all: &'l [Arc<str>],
    /// How many of them no pod has.
    missing: usize,
    /// Whether they are those of a peer in the namespace of its policy.
    is_own: bool,
}

/// One value of a list.
struct Single<'a> {
    key: &'a str,
    value: Arc<str>,
    /// The selector with this value alone.
    pods: Selector,
    matched: MatchedPods<'a>,
}

/// What is to be said of a value that no pod has, when it is not just one of those that may come.
fn nobody(
    one: &One<'_>,
    single: &Single<'_>,
    listed: &ListedValues<'_>,
    what: &str,
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Option<Diagnostic> {
    let Single { key, value, pods, matched } = single;
    let item = format!("`{key}={value}`, one of the values that {what} of {} asks for,", one.shown());
    let among = runs.among(matched);
    if let Some(owner) = owner(pods, &among) {
        let message = format!("{item} stands on `{owner}` itself, and its pods do not have it");
        let found = with_place(at(Code::W0218, place, message), owner.span, "the label stands here");
        return Some(found.with_help("policies look at the labels of `spec.template`: add the label there"));
    }
    let others = among.iter().flat_map(|workload| &workload.pods).filter_map(|pods| pods.labels.get(*key));
    let near =
        others.filter(|other| !listed.all.iter().any(|one| **one == ***other)).find(|other| is_slip(value, other));
    let there = if matched.whole { "is on no pod there" } else { "is on none of the pods that were given there" };
    let found = at(Code::W0217, place, format!("{item} {there}"));
    if let Some(near) = near {
        return Some(found.with_help(format!("did you mean `{near}`?")));
    }
    if let Some(workload) = called(pods, &among) {
        // Somebody listed what it is called here and elsewhere.
        let is_listed = |label: &String| listed.all.iter().any(|one| **one == **label);
        if workload.pods.iter().all(|pods| pods.labels.get(*key).is_some_and(is_listed)) {
            return None;
        }
        if let Some(help) = as_called(workload) {
            return Some(found.with_help(help));
        }
    }
    let elsewhere = if listed.is_own { runs.elsewhere(one, pods) } else { Vec::new() };
    if let Some(other) = elsewhere.first() {
        return Some(found.with_help(format!(
            "pods with it run in namespace `{other}`: a `podSelector` alone is about the namespace of its policy"
        )));
    }
    let found = found.with_help("remove it, or give it to the pods that are meant");
    // Of many that are not there somebody listed all that might be; and others may make more pods than were given.
    match (matched.whole && listed.missing * 2 <= listed.all.len(), listed.missing) {
        (true, _) => Some(found),
        (false, 1) => Some(found.as_note()),
        (false, _) => matched.whole.then(|| found.as_note()),
    }
}
