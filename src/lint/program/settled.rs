//! What the labels of a cluster settle that a program alone leaves open.

use super::workloads::workloads_of;
use crate::cluster::{self, Cluster};
use crate::diag::{Code, Diagnostic};
use crate::lint::near::with_place;
use crate::model::{Model, Namespace, NamespaceKind, Settling, stating};
use crate::net::{NAMESPACE_NAME, Selector, Truth, Values};
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
    let home = model.tiers.iter().find(|tier| tier.span == span).and_then(|tier| model.namespace(tier.namespace));
    home.is_some_and(|home| workloads_of(cluster, home).iter().any(|workload| !workload.pods.is_empty()))
}

/// The namespaces that may be among those of a selection, by the labels that they have.
fn by_labels(model: &Model, cluster: &Cluster, span: Span, diagnostic: Diagnostic) -> Option<Diagnostic> {
    let selection = model.namespaces.iter().find(|one| one.span == span);
    let Some((selection, NamespaceKind::External(Some(labels)))) = selection.map(|one| (one, &one.kind)) else {
        return Some(diagnostic);
    };
    let all = labels.of_namespaces();
    let open = model.namespaces.iter().filter(|one| one.is_among(&all) == Some(Truth::Maybe));
    let mut meant = Vec::new();
    for namespace in open {
        match given(cluster, namespace) {
            None => return Some(diagnostic),
            Some(object) if all.matches(&object.labels) => meant.push(namespace),
            Some(_) => {}
        }
    }
    let first = meant.first()?;
    let names: Vec<String> = meant.iter().map(|one| format!("`{}`", one.name)).collect();
    let message = format!(
        "by the labels that were given, {} is one of `{}`, and the program does not state them: its flows write nothing there",
        names.join(", as is "),
        selection.declared
    );
    let state = |one: &&Namespace| {
        let object = given(cluster, one)?;
        let own = |key: &str| object.labels.get(key).map(|value| value.as_str().into());
        let labels = Settling::of(labels, &one.known_labels()?, &one.name, own)?.is;
        Some(format!("`{}`", stating(&one.declared, &one.name, &labels.text)))
    };
    let statements: Vec<String> = meant.iter().filter_map(state).collect();
    let mends = diagnostic.mends.iter().filter(|mend| mend.span.end == first.span.end).take(1);
    let (place, text) = mends.map(|mend| (mend.span, mend.text.clone())).next().unzip();
    let mut told =
        Diagnostic::new(Code::W0018, span, message).with_help(format!("state them: {}", statements.join(", ")));
    for label in diagnostic.labels.iter().filter(|label| label.span != span) {
        told = told.with_label(label.span, label.text.clone());
    }
    Some(match place {
        Some(place) => told.with_mends(place, text),
        None => told,
    })
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
