//! Policies and peers against the pods that run.

use super::labels::asks_namespaces;
use super::runs::{Found, MatchedPods, Runs};
use super::{One, at, peers_field};
use crate::cluster::{Kind, Labels, OF_EVERY_CLUSTER, Pods, Workload};
use crate::diag::{Code, Diagnostic, closest};
use crate::lint::near::{as_called, called, is_slip, listed, near, text, with_place};
use crate::net::{Direction, NAMESPACE_NAME, Selector};
use crate::netpol::Peer;
use crate::source::Span;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where for one that is left open fewer than these are closed, nobody means to close all.
const LEFT_OPEN: usize = 2;

/// More names than these are a list of all that might be there.
const MOST_NAMES: usize = 20;

/// W0209, W0216, W0217, W0218, W0222 and W0223. Of which pods there are, nobody is sure in the namespaces `varying`, where some
/// of what makes them stands in several variants.
pub(super) fn check(all: &[One<'_>], runs: &Runs<'_>, varying: &BTreeSet<Arc<str>>, found: &mut Vec<Diagnostic>) {
    // The workloads that policies without pods probably mean.
    let mut meant: Vec<&Workload> = Vec::new();
    // That no DNS server is there, or that a peer belongs to the item in front of it, says more.
    let says_more = |one: &&Diagnostic| matches!(one.code, Code::W0201 | Code::W0203) && !one.is_note;
    let says_more: FxHashSet<Option<Span>> = found.iter().filter(says_more).map(Diagnostic::primary).collect();
    for one in all.iter().filter(|one| one.is_network_policy()) {
        if one.policy.subject.contradiction().is_none() {
            found.extend(subject(one, runs, &mut meant));
        }
        for (direction, index, rule) in one.all_rules() {
            for (position, each) in rule.peers.iter().enumerate() {
                let of_namespaces = one.namespaces_place(direction, index, position);
                if let Peer::Pods { namespaces: Some(namespaces), pods } = each
                    && let Some(told) = no_namespace(one, (namespaces, pods), of_namespaces, runs)
                {
                    found.push(told);
                    continue;
                }
                if says_more.contains(&one.peer_place(direction, index, position)) {
                    continue;
                }
                // A whole namespace is meant by its name.
                let is_whole = matches!(each, Peer::Pods { namespaces: Some(_), pods } if pods.is_everything());
                let place = if is_whole { of_namespaces } else { one.pods_place(direction, index, position) };
                found.extend(peer(one, direction, each, place, runs));
            }
        }
    }
    for group in all.chunk_by(|one, next| one.policy.namespace == next.policy.namespace) {
        let varies = group.first().is_some_and(|one| varying.contains(&one.policy.namespace));
        found.extend(uncovered(group, runs, &meant).map(|one| if varies { one.as_note() } else { one }));
    }
}

/// W0209, W0218 and W0222 for the pods of a policy.
fn subject<'a>(one: &One<'_>, runs: &Runs<'a>, meant: &mut Vec<&'a Workload>) -> Option<Diagnostic> {
    let (selector, namespace) = (&one.policy.subject, &one.policy.namespace);
    let place = one.written.subject.or(one.name);
    let matched = runs.subject(one);
    if selector.is_everything() || asks_namespaces(selector, runs) {
        return None;
    }
    if let Some((workload, _)) = matched.pods.iter().find(|(_, pods)| pods.host_network) {
        let message = format!(
            "{} selects {}, on the network of its node: no policy applies to it",
            one.shown(),
            on_node(&matched.pods)
        );
        let found = at(Code::W0222, place, message);
        let found = with_place(found, workload.span, "`hostNetwork: true` is in here").with_help(
            "take the pods off the node's network if they have to be isolated; others see them as an address of the \
             node",
        );
        // Whoever selects others as well has not those in mind.
        let is_all = matched.pods.iter().all(|(_, pods)| pods.host_network);
        return Some(if is_all { found } else { found.as_note() });
    }
    let given = !runs.workloads(namespace).is_empty();
    let whole = runs.is_whole(namespace);
    if !matched.pods.is_empty() || (given && !matched.sure) || runs.lacks_pods_of(namespace) {
        return None;
    }
    let elsewhere = runs.elsewhere(one, selector);
    // Of a namespace of which nothing was given nothing is known, unless its name is a slip.
    if !given && !whole && !elsewhere.iter().any(|other| is_slip(namespace, other)) {
        return None;
    }
    if let Some(owner) = owner(selector, &runs.among(&matched)) {
        meant.push(owner);
        return Some(on_owner(owner, place, format!("{} selects nothing", one.shown())));
    }
    let among = runs.among(&matched);
    let labels = among.iter().flat_map(|workload| &workload.pods).map(|pods| &pods.labels);
    let near = near(selector, labels);
    let called = called(selector, &among);
    // Others may make more pods than were given.
    let is_slip = near.as_ref().is_some_and(|near| near.is_slip);
    if !whole && elsewhere.is_empty() && called.is_none() && !is_slip {
        return None;
    }
    meant.extend(called);
    if let Some((key, value)) = near.and_then(|near| near.label) {
        let has = |workload: &&&Workload| workload.pods.iter().any(|pods| pods.labels.get(&key) == Some(&value));
        meant.extend(among.iter().filter(has));
    }
    let message = match whole {
        true => format!("{} selects nothing: no pod in namespace `{namespace}` has these labels", one.shown()),
        false => format!("{} selects none of the pods that were given in namespace `{namespace}`", one.shown()),
    };
    let found = at(Code::W0209, place, message);
    let found = if one.written.by_program || is_on_demand(selector) { found.as_note() } else { found };
    Some(found.with_help(nearest(selector, &among, &elsewhere, |other| {
        format!("pods with these labels run in namespace `{other}`: a policy only selects pods of its own namespace")
    })))
}

/// W0217, W0218 and W0222 for a peer.
fn peer(one: &One<'_>, direction: Direction, peer: &Peer, place: Option<Span>, runs: &Runs<'_>) -> Option<Diagnostic> {
    let Peer::Pods { namespaces, pods } = peer else { return None };
    if pods.contradiction().is_some() || namespaces.as_ref().is_some_and(|one| one.contradiction().is_some()) {
        return None;
    }
    if asks_namespaces(pods, runs) {
        return None;
    }
    let matched = runs.peer(one, peer)?;
    let is_on_node = |(_, pods): &&Found<'_>| pods.host_network;
    if let Some((workload, _)) = matched.pods.iter().find(is_on_node).filter(|_| is_meant_on_nodes(peer, &matched)) {
        let message = format!(
            "a peer of {} is {}, on the network of its node: no label matches its traffic",
            one.shown(),
            on_node(&matched.pods)
        );
        let found = with_place(at(Code::W0222, place, message), workload.span, "`hostNetwork: true` is in here");
        return Some(
            found.with_help("allow the addresses of the nodes with `ipBlock`, or take the pods off the node's network"),
        );
    }
    if !matched.pods.is_empty() || !matched.sure {
        return None;
    }
    if let Some(owner) = owner(pods, &runs.among(&matched)) {
        return Some(on_owner(owner, place, format!("this peer of {} matches no pod", one.shown())));
    }
    let among = runs.among(&matched);
    let elsewhere = if namespaces.is_none() { runs.elsewhere(one, pods) } else { Vec::new() };
    let labels = among.iter().flat_map(|workload| &workload.pods).map(|pods| &pods.labels);
    let is_slip = called(pods, &among).is_some() || near(pods, labels).is_some_and(|near| near.is_slip);
    if !matched.whole && elsewhere.is_empty() && !is_slip {
        return None;
    }
    let list = peers_field(direction);
    let namespace = &one.policy.namespace;
    let what = match (namespaces, matched.whole) {
        (None, true) => {
            format!("matches no pod: it is about namespace `{namespace}`, where no pod has these labels")
        }
        (None, false) => {
            format!("matches none of the pods that were given in namespace `{namespace}`, which it is about")
        }
        (Some(_), true) => "matches no pod of the namespaces it selects".to_owned(),
        (Some(_), false) => "matches none of the pods that were given in the namespaces it selects".to_owned(),
    };
    let message = format!("this peer of {} {what}", one.shown());
    let found = at(Code::W0217, place, message);
    let found = if one.written.by_program || is_on_demand(pods) { found.as_note() } else { found };
    Some(found.with_help(nearest(pods, &among, &elsewhere, |other| {
        format!(
            "pods with these labels run in namespace `{other}`: add `namespaceSelector: {{matchLabels: \
             {{{NAMESPACE_NAME}: \
             {other}}}}}` to the same item of `{list}`"
        )
    })))
}

/// Whether pods are there only while something is done: those that answer a certificate authority, steps of pipelines and
/// workflows, notebooks of users, runners, executors.
fn is_on_demand(pods: &Selector) -> bool {
    const KEYS: [&str; 6] = [
        "tekton.dev/",
        "workflows.argoproj.io/",
        "acme.cert-manager.io/",
        "hub.jupyter.org/",
        "spark-",
        "actions.github.com/",
    ];
    const WORDS: [&str; 8] = ["singleuser", "notebook", "runner", "executor", "solver", "job", "slave", "ephemeral"];
    let says = |text: &str| text.split(['-', '.', '_', '/']).any(|word| WORDS.contains(&word));
    pods.entries().any(|(key, values)| {
        KEYS.iter().any(|known| key.starts_with(known)) || says(key) || values.listed().iter().any(|value| says(value))
    })
}

/// W0216: a selector of namespaces that none of those given matches.
fn no_namespace(
    one: &One<'_>,
    (selector, pods): (&Selector, &Selector),
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Option<Diagnostic> {
    let given = &runs.cluster.namespaces;
    if selector.contradiction().is_some() || pods.contradiction().is_some() || runs.cluster.unread.namespaces {
        return None;
    }
    let whole = runs.cluster.whole.namespaces;
    if let Some(found) = name_with_slip(one, (selector, pods), place, runs) {
        return Some(found);
    }
    if given.is_empty() || given.iter().any(|namespace| selector.matches(&namespace.labels)) {
        return None;
    }
    if selector.keys().all(|key| &**key == NAMESPACE_NAME) {
        return if whole { no_such_name(one, (selector, pods), place, runs) } else { None };
    }
    // Many think that every namespace has a label `name`.
    let named = selector.keys().filter(|key| matches!(&***key, "name" | "namespace")).find_map(|key| {
        let is_there = |name: &&Arc<str>| given.iter().any(|namespace| namespace.name == **name);
        selector.required_value(key)?.iter().find(is_there).cloned()
    });
    let near = near(selector, given.iter().map(|namespace| &namespace.labels));
    // Others may make more namespaces than were given.
    if !whole && named.is_none() && !near.as_ref().is_some_and(|near| near.is_slip) {
        return None;
    }
    let what = if whole { "no namespace has" } else { "none of the Namespaces that were given has" };
    let message = format!("this peer of {} matches nothing: {what} these labels", one.shown());
    Some(at(Code::W0216, place, message).with_help(match (named, near) {
        (Some(name), _) => {
            format!("every namespace has its name as a label of its own: `{NAMESPACE_NAME}: {name}`")
        }
        (None, Some(near)) => near.help,
        (None, None) => format!("label the namespaces, or select them by name: `{NAMESPACE_NAME}: NAME`"),
    }))
}

/// W0216 for one of the names of namespaces, where another one that was given was probably meant: one is the other with a slip
/// of the finger in it, and the pods are there.
fn name_with_slip(
    one: &One<'_>,
    (selector, pods): (&Selector, &Selector),
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Option<Diagnostic> {
    /// Shorter names are others after a slip.
    const SHORT: usize = 5;
    let names = selector.required_value(NAMESPACE_NAME).filter(|names| names.len() <= MOST_NAMES)?;
    let is_there = |name: &str| runs.has_namespace(name) || OF_EVERY_CLUSTER.contains(&name);
    let runs_there = |name: &str| {
        let there = runs.workloads(name);
        let mut labels = there.iter().flat_map(|workload| &workload.pods).map(|pods| &pods.labels);
        pods.is_everything() || labels.any(|labels| pods.matches(labels))
    };
    let is_meant = |name: &str, other: &str| {
        name.len() >= SHORT
            && other.len() >= SHORT
            && name.len().abs_diff(other.len()) <= 2
            && is_slip(name, other)
            && !names.iter().any(|name| **name == *other)
            && runs_there(other)
    };
    let slip = names.iter().filter(|name| !is_there(name)).find_map(|name| {
        let near = runs.namespaces().find(|other| is_meant(name, other))?;
        Some((name, near))
    });
    let (name, near) = slip?;
    let what = if runs.cluster.whole.namespaces { "no namespace" } else { "no namespace that was given" };
    let message = format!("a peer of {} is about namespace `{name}`, and {what} is called so", one.shown());
    Some(at(Code::W0216, place, message).with_help(format!("did you mean `{NAMESPACE_NAME}: {near}`?")))
}

/// W0216 for a name that no namespace has.
fn no_such_name(
    one: &One<'_>,
    (selector, pods): (&Selector, &Selector),
    place: Option<Span>,
    runs: &Runs<'_>,
) -> Option<Diagnostic> {
    let names = selector.required_value(NAMESPACE_NAME)?;
    let is_there = |name: &Arc<str>| !runs.workloads(name).is_empty() || OF_EVERY_CLUSTER.contains(&&**name);
    if names.iter().any(is_there) {
        return None;
    }
    let name = names.first()?;
    let message = format!("this peer of {} matches nothing: no namespace is called `{name}`", one.shown());
    let given = || runs.cluster.namespaces.iter().map(|namespace| &*namespace.name);
    let elsewhere = if pods.is_everything() { Vec::new() } else { runs.elsewhere(one, pods) };
    let help = match elsewhere.first().copied().or_else(|| closest(name, given())) {
        Some(near) if !elsewhere.is_empty() => {
            format!("pods with these labels run in namespace `{near}`: write `{NAMESPACE_NAME}: {near}`")
        }
        Some(near) => format!("did you mean `{NAMESPACE_NAME}: {near}`?"),
        None => format!("there is {}", listed(given().map(|name| format!("`{name}`")))),
    };
    Some(at(Code::W0216, place, message).with_help(help))
}

/// W0223: pods of a namespace with policies that none of them selects.
fn uncovered(group: &[One<'_>], runs: &Runs<'_>, meant: &[&Workload]) -> Option<Diagnostic> {
    let namespace = &group.first().filter(|one| !runs.cluster.may_be_opened(&one.policy.namespace))?.policy.namespace;
    let selected = |pods: &Pods| group.iter().any(|one| one.policy.subject.matches(&pods.labels));
    let mut open: Vec<(&Workload, &Pods)> = Vec::new();
    let mut closed = 0;
    let is_meant = |workload: &&&Workload| meant.iter().any(|one| std::ptr::eq(*one, **workload));
    for workload in runs.workloads(namespace).iter().filter(|workload| !is_meant(workload)) {
        let pods = workload.pods.iter().filter(|pods| !pods.finished && !pods.host_network && pods.count > 0);
        let (isolated, left): (Vec<&Pods>, Vec<&Pods>) = pods.partition(|pods| selected(pods));
        closed += isolated.len();
        open.extend(left.into_iter().map(|pods| (*workload, pods)));
    }
    let (workload, pods) = *open.first()?;
    let mut names: Vec<String> = open.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    let message = format!(
        "no policy selects {}: open in both directions, in a namespace that has policies",
        listed(names.into_iter())
    );
    let found = at(Code::W0223, pods.span.or(workload.span), message);
    // Unless far fewer are left open than closed, policies for some are what is meant. What runs and ends and listens on
    // nothing is of no use to whoever reaches it.
    let is_asked = |workload: &Workload, pods: &Pods| {
        let mut services = runs.cluster.services.iter().filter(|one| one.namespace == workload.namespace);
        let ends = matches!(workload.kind, Kind::Job | Kind::CronJob | Kind::Pod);
        // Operators bring policies for what they run, and not for themselves.
        if workload.name.split('-').any(|word| word == "operator") {
            return false;
        }
        !ends || !pods.ports.is_empty() || services.any(|service| service.selects(&pods.labels))
    };
    let asked = open.iter().filter(|(workload, pods)| is_asked(workload, pods));
    // However many pods one policy is for, somebody wrote it for one thing.
    let closed = closed.min(group.len());
    let forgotten = if open.len() * LEFT_OPEN > closed { 0 } else { asked.count() };
    // Charts and operators bring policies for their own pods alone; whose namespace it is has not closed it.
    let is_of_programs = group.iter().all(|one| one.written.by_program && !one.policy.subject.is_everything());
    let found = if forgotten == 0 || is_of_programs { found.as_note() } else { found };
    Some(found.with_help(format!(
        "deny by default in namespace `{namespace}`: a policy with `podSelector: {{}}` and `policyTypes: [Ingress, \
         Egress]`"
    )))
}

/// Whether a peer means pods on the network of nodes, where it matches some: by their labels, or as a whole namespace in
/// which nothing else runs. In those of every cluster there is always more than was given.
fn is_meant_on_nodes(peer: &Peer, matched: &MatchedPods<'_>) -> bool {
    match peer {
        Peer::Pods { pods, .. } if pods.is_everything() => {
            let is_of_every_cluster = |name: &&str| OF_EVERY_CLUSTER.contains(name);
            matched.sure
                && matched.pods.iter().all(|(_, pods)| pods.host_network)
                && !matched.namespaces.iter().any(is_of_every_cluster)
        }
        Peer::Pods { .. } | Peer::Block(_) | Peer::Unlisted(_) => true,
    }
}

fn on_node(pods: &[Found<'_>]) -> String {
    let mut names: Vec<String> =
        pods.iter().filter(|(_, pods)| pods.host_network).map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    listed(names.into_iter())
}

/// The workload that has the labels itself, where its pods have not.
pub(super) fn owner<'a>(selector: &Selector, among: &[&'a Workload]) -> Option<&'a Workload> {
    // The labels of a pod are those that policies look at.
    let has = |workload: &&&Workload| {
        workload.kind != Kind::Pod
            && !workload.labels.is_empty()
            && !workload.pods.is_empty()
            && selector.matches(&workload.labels)
    };
    among.iter().find(has).copied()
}

fn on_owner(owner: &Workload, place: Option<Span>, message: String) -> Diagnostic {
    let message = format!("{message}: `{owner}` has these labels itself, and its pods do not");
    let found = with_place(at(Code::W0218, place, message), owner.span, "the labels stand here");
    let labels: Option<&Labels> = owner.pods.first().map(|pods| &pods.labels).filter(|labels| !labels.is_empty());
    found.with_help(match labels {
        Some(labels) => format!(
            "policies look at the labels of `spec.template`, which are ({}): select those, or add the others there",
            text(labels)
        ),
        None => "policies look at the labels of `spec.template`: add them there".to_owned(),
    })
}

/// What was probably meant.
fn nearest(selector: &Selector, among: &[&Workload], elsewhere: &[&str], there: impl Fn(&str) -> String) -> String {
    if let Some(other) = elsewhere.first() {
        return there(other);
    }
    let pods = || among.iter().flat_map(|workload| &workload.pods);
    let near = near(selector, pods().map(|pods| &pods.labels));
    let is_slip = near.as_ref().is_some_and(|near| near.is_slip);
    if let Some(help) = called(selector, among).filter(|_| !is_slip).and_then(as_called) {
        return help;
    }
    if let Some(near) = near {
        return near.help;
    }
    let names = among
        .iter()
        .filter_map(|workload| Some(format!("`{workload}` has ({})", text(&workload.pods.first()?.labels))));
    match listed(names) {
        names if names.is_empty() => "no pods run there".to_owned(),
        names => format!("of those that run there, {names}"),
    }
}
