//! What the labels of a cluster settle that a program alone leaves open.

use super::workloads::workloads_of;
use crate::cluster::{self, Cluster};
use crate::diag::{Code, Diagnostic};
use crate::lint::near::with_place;
use crate::model::{Model, Namespace, NamespaceId, NamespaceKind, Settling, Unstated, stating};
use crate::net::{NAMESPACE_NAME, Selector, Values};
use crate::source::Span;
use std::sync::Arc;

/// A warning about a program in the light of what runs: nothing where that settles it.
pub fn settled(model: &Model, cluster: &Cluster, diagnostic: Diagnostic) -> Option<Diagnostic> {
    match (diagnostic.code, diagnostic.primary()) {
        (Code::W0004, Some(span)) => (!has_known_pods(model, cluster, span)).then_some(diagnostic),
        (Code::W0018, Some(span)) => by_labels(model, cluster, span, diagnostic),
        _ => Some(diagnostic),
    }
}

/// Whether the pods of the namespace were given, in which a tier is declared: those that are in two of its tiers are told.
fn has_known_pods(model: &Model, cluster: &Cluster, span: Span) -> bool {
    let declared = model.tiers.iter().filter(|tier| tier.span == span);
    let mut homes = declared.filter_map(|tier| model.namespace(tier.namespace)).peekable();
    homes.peek().is_some()
        && homes.all(|home| workloads_of(cluster, home).iter().any(|workload| !workload.pods.is_empty()))
}

/// What is left to say of a selection by labels that may mean managed namespaces, by the labels that they have: of those of
/// which none were given, or else of those that it means although the program does not say so.
fn by_labels(model: &Model, cluster: &Cluster, span: Span, diagnostic: Diagnostic) -> Option<Diagnostic> {
    let is_it = |one: &&Unstated| model.namespace(one.selection).is_some_and(|selection| selection.span == span);
    let unstated = model.unstated.iter().find(is_it)?;
    let selection = model.namespace(unstated.selection)?;
    let NamespaceKind::External(Some(labels)) = &selection.kind else { return None };
    let all = labels.of_namespaces();
    let (mut open, mut meant) = (Vec::new(), Vec::new());
    for id in &unstated.namespaces {
        match model.namespace(*id).and_then(|namespace| given(cluster, namespace)) {
            None => open.push(*id),
            Some(object) if all.matches(&object.labels) => meant.push(*id),
            Some(_) => {}
        }
    }
    let first = unstated.namespaces.first();
    let keep_mends = |told: Diagnostic, list: &[NamespaceId]| Diagnostic {
        mends: if list.first() == first { diagnostic.mends.clone() } else { Vec::new() },
        ..told
    };
    let by_object = meant_by_labels(model, cluster, selection, labels, &meant);
    if open.is_empty() {
        let (message, help) = by_object?;
        let message = format!("{message}, and the program does not state them: its flows write nothing there");
        let told = Diagnostic::new(Code::W0018, span, message).with_help(format!("state them: {help}"));
        let told = unstated.used.into_iter().fold(told, |told, used| told.with_label(used, "used here"));
        let mut told = keep_mends(told, &meant);
        // Not those that state that it is none, or another value than it has.
        told.mends.retain(|mend| help.contains(mend.text.trim_start_matches([' ', ','])));
        return Some(told);
    }
    let mut told = Unstated { namespaces: open.clone(), ..unstated.clone() }.warning(model)?;
    if let Some((message, help)) = by_object {
        told.message = format!("{}; {message}", told.message);
        told.help = told.help.map(|own| format!("{own}; {help}"));
    }
    Some(keep_mends(told, &open))
}

/// That given labels make managed namespaces those of a selection, and the statements that say so.
fn meant_by_labels(
    model: &Model,
    cluster: &Cluster,
    selection: &Namespace,
    labels: &Selector,
    meant: &[NamespaceId],
) -> Option<(String, String)> {
    let namespaces: Vec<&Namespace> = meant.iter().filter_map(|id| model.namespace(*id)).collect();
    let names: Vec<String> = namespaces.iter().map(|one| format!("`{}`", one.name)).collect();
    let state = |one: &&Namespace| {
        let object = given(cluster, one)?;
        let own = |key: &str| object.labels.get(key).map(|value| value.as_str().into());
        let labels = Settling::of(labels, &one.known_labels()?, &one.name, own)?.is;
        Some(format!("`{}`", stating(&one.declared, &one.name, &labels.text)))
    };
    let statements: Vec<String> = namespaces.iter().filter_map(state).collect();
    let message =
        format!("by the labels that were given, {} is one of `{}`", names.join(", as is "), selection.declared);
    (!names.is_empty()).then(|| (message, statements.join(", ")))
}

/// The object of a managed namespace.
fn given<'c>(cluster: &'c Cluster, namespace: &Namespace) -> Option<&'c cluster::Namespace> {
    cluster.namespaces.iter().find(|one| one.name == namespace.name)
}

/// Labels that a program states and the objects of its namespaces do not have.
pub(super) fn stated(model: &Model, cluster: &Cluster) -> Vec<Diagnostic> {
    let wrong = |namespace: &Namespace| {
        let object = given(cluster, namespace)?;
        let stated = &namespace.managed()?.labels;
        let one = |(key, values): (&Arc<str>, &Values)| {
            let mut one = Selector::everything();
            one.require(key.clone(), values.clone());
            (key.clone(), one)
        };
        let mut each = stated.entries().filter(|(key, _)| ***key != *NAMESPACE_NAME).map(one);
        let (key, own) = each.find(|(_, own)| !own.matches(&object.labels))?;
        let has = match object.labels.get(&*key) {
            Some(value) => format!("it has {key}={value}"),
            None => format!("it has no label {key}"),
        };
        let message = format!("namespace `{}` is stated to have ({own}), and {has}", namespace.name);
        let found = Diagnostic::new(Code::W0311, namespace.span, message)
            .with_help("state what it has, or label it: flows and assertions go by what is stated");
        Some(with_place(found, object.span, "its labels are here"))
    };
    model.namespaces.iter().filter_map(wrong).collect()
}
