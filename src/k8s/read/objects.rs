//! One object after the other, each by its kind.

use super::foreign::NotUnderstood;
use super::kinds::{self, KnownKind};
use super::node::{Value, YamlNode, shortened};
use super::unmodelled::is_unmodelled;
use super::walk::{Path, Walk};
use super::{
    Ignored, ReadClusterPolicy, ReadProblem, callers, cilium, cluster_policy, custom, field_text, fields, hints,
    inside, metadata_field, metadata_text, number, pattern, place, policy, service, syntax,
};
use super::{template, workload};
use crate::cluster::{Object, Unmodelled};
use std::sync::Arc;

/// Whether nothing says of a document that it is an object of Kubernetes: it does not say what it is, nor has it what a
/// policy has. Charts of Helm have a version, some programs a kind of their own, and many metadata or a specification. The
/// version alone says it where something of that version is read.
pub(super) fn is_foreign(node: &YamlNode) -> bool {
    let Value::Map(pairs) = &node.value else { return true };
    let is_policy = fields(pairs, "spec").any(|spec| match &spec.value {
        Value::Map(spec) => ["podSelector", "policyTypes"].iter().any(|field| fields(spec, field).next().is_some()),
        _ => false,
    });
    let says_what = match (field_text(pairs, "apiVersion"), field_text(pairs, "kind")) {
        (Some(version), None) => kinds::is_of_read(version),
        (None, Some(kind)) => kinds::is_kind(kind),
        (version, kind) => version.is_some() || kind.is_some(),
    };
    !is_policy && !says_what
}

/// The kind that no answer may lack.
const POLICY: &str = "NetworkPolicy";

/// Whether an object that cannot be read may be a NetworkPolicy, or hold one.
fn may_be_policy(node: &YamlNode, typed: Option<(&str, &str)>) -> bool {
    let Value::Map(pairs) = &node.value else { return true };
    let (version, kind) = typed.unwrap_or_default();
    let version = field_text(pairs, "apiVersion").unwrap_or(version);
    let may_be = |kind: &str| {
        let item = kind.strip_suffix("List").unwrap_or(kind);
        item == POLICY || !(kinds::is_kind(item) || kinds::is_of_what_runs(version))
    };
    let mut written = fields(pairs, "kind").map(|kind| match &kind.value {
        Value::Text(kind) => may_be(kind),
        _ => true,
    });
    // Where it stands there twice, nobody knows which one counts.
    written.next().map_or_else(|| may_be(kind), |first| first || written.any(|other| other))
}

/// Reads one object, or the objects of a list, and notes in each problem on the way what it is about.
pub(super) fn object(
    walk: &mut Walk,
    node: &YamlNode,
    path: Path,
    default_namespace: &str,
    typed: Option<(&str, &str)>,
) {
    let before = walk.reading.problems.len();
    read_object(walk, node, path, default_namespace, typed);
    say_of(walk, before, node, typed, default_namespace);
}

/// Notes in the problems from the one in place `before` on what they are about.
fn say_of(walk: &mut Walk, before: usize, node: &YamlNode, typed: Option<(&str, &str)>, default_namespace: &str) {
    let all = walk.reading.problems.get_mut(before..).unwrap_or_default();
    let mut own: Vec<&mut ReadProblem> = all.iter_mut().filter(|problem| problem.object.is_none()).collect();
    if own.is_empty() {
        return;
    }
    let is_policy = may_be_policy(node, typed);
    let is_pattern = !is_policy && pattern::is_pattern(&own);
    let (object, namespace) = (called(node, typed), namespace(node, &own, default_namespace));
    for problem in &mut own {
        (problem.is_policy, problem.is_pattern, problem.number) = (is_policy, is_pattern, before);
        (problem.object, problem.namespace) = (Some(object.clone()), namespace.clone());
    }
}

/// The namespace of an object with problems, where these leave no doubt of it.
fn namespace(node: &YamlNode, problems: &[&mut ReadProblem], default_namespace: &str) -> Option<Arc<str>> {
    let Value::Map(pairs) = &node.value else { return None };
    let Value::Map(metadata) = &fields(pairs, "metadata").next()?.value else { return None };
    let named: Vec<&YamlNode> = fields(metadata, "namespace").filter(|name| name.value != Value::Null).collect();
    match named.as_slice() {
        // It may be there by another name.
        [] => {
            let is_misspelt = |problem: &&mut ReadProblem| problem.reason.ends_with("did you mean `namespace`?");
            (!problems.iter().any(is_misspelt)).then(|| default_namespace.into())
        }
        [YamlNode { value: Value::Text(name), .. }] if name.is_empty() => Some(default_namespace.into()),
        [YamlNode { value: Value::Text(name), .. }] => syntax::dns_label(name).is_none().then(|| (&**name).into()),
        _ => None,
    }
}

/// Refuses an item of a list that is null.
pub(super) fn null_item(walk: &mut Walk, list: &YamlNode, path: Path, default_namespace: &str) {
    let before = walk.reading.problems.len();
    walk.refuse(list, path, "must not be null");
    say_of(walk, before, list, None, default_namespace);
}

/// An object as it is called in a message.
pub(super) fn called(node: &YamlNode, typed: Option<(&str, &str)>) -> String {
    let Value::Map(pairs) = &node.value else { return "an object".to_owned() };
    let kind = field_text(pairs, "kind").or(typed.map(|(_, kind)| kind)).unwrap_or("an object");
    let namespace = metadata_text(pairs, "namespace").filter(|namespace| !namespace.is_empty());
    let slash = if namespace.is_some() { "/" } else { "" };
    let name = metadata_text(pairs, "name").unwrap_or_default();
    shortened(format!("{kind} {}{slash}{name}", namespace.unwrap_or_default()).trim_end()).into_owned()
}

/// What the items of a list are, version and kind, where they need not say it themselves; `None` when it is no list.
pub(super) fn items_of<'n>(node: &'n YamlNode) -> Option<Option<(&'n str, &'n str)>> {
    let Value::Map(pairs) = &node.value else { return None };
    let (version, kind) = (field_text(pairs, "apiVersion")?, field_text(pairs, "kind")?);
    if (version, kind) == ("v1", "List") {
        return Some(None);
    }
    let item = kind.strip_suffix("List")?;
    let is_ours = kinds::is_known(version, item) || is_unmodelled(version, item);
    let has_items = || matches!(fields(pairs, "items").next(), Some(YamlNode { value: Value::List(_), .. }));
    // The API server gives lists of every kind so.
    (is_ours || (!kinds::is_mistaken(version, kind) && has_items())).then_some(Some((version, item)))
}

/// An object that changes what is allowed and is not understood.
fn unmodelled(pairs: &[(YamlNode, YamlNode)], version: &str, kind: &str) -> Unmodelled {
    let text = |name| metadata_text(pairs, name).unwrap_or_default().to_owned();
    let (namespace, name) = (text("namespace"), text("name"));
    Unmodelled { kind: kind.to_owned(), api_version: version.to_owned(), namespace, name, beyond: None, span: None }
}

/// Reads one object, or the objects of a list. The items of a typed list need not say what they are: `typed` says it,
/// the version and the kind.
fn read_object(walk: &mut Walk, node: &YamlNode, path: Path, default_namespace: &str, typed: Option<(&str, &str)>) {
    let pairs = match &node.value {
        Value::Null => return,
        Value::Map(pairs) => pairs,
        other => return walk.refuse(node, path, format!("must be an object, not {}", other.describe())),
    };
    for name in ["apiVersion", "kind"] {
        if fields(pairs, name).count() > 1 {
            return walk.refuse(node, path.field(name), "duplicate field: Kubernetes would take the last one");
        }
    }
    let Some(kind) = field_text(pairs, "kind").or(typed.map(|(_, kind)| kind)) else {
        return walk.refuse(node, path, "Object 'Kind' is missing");
    };
    let Some(version) = field_text(pairs, "apiVersion").or(typed.map(|(version, _)| version)) else {
        return walk.refuse(node, path, "Object 'apiVersion' is missing");
    };
    if let Some(typed) = items_of(node) {
        let Some(list) = walk.object(node, path, &["apiVersion", "kind", "metadata", "items"]) else { return };
        walk.list(list.get("items"), path.field("items"), |walk, item, path| {
            object(walk, item, path, default_namespace, typed);
            Some(())
        });
        return;
    }
    if template::is_template(version, kind) {
        let parameters = template::parameters(pairs);
        let unfilled = parameters.iter().filter(|parameter| parameter.is_made_up).map(|one| one.name.to_owned());
        walk.reading.unfilled.extend(unfilled);
        let filled = fields(pairs, "objects").next().map(|objects| template::filled(objects, &parameters));
        walk.list(filled.as_ref(), path.field("objects"), |walk, item, path| {
            object(walk, item, path, default_namespace, None);
            Some(())
        });
        return;
    }
    hints::note(walk.reading, (version, kind), node, default_namespace);
    let at = || metadata_field(pairs, "name").and_then(|name| name.at).or(node.at);
    if let (true, Some(known)) = (walk.reading.reads_foreign, cluster_policy::kind(version, kind)) {
        let object = unmodelled(pairs, version, kind);
        match cluster_policy::cluster_policy(node, known) {
            Ok(policy) => walk.reading.cluster_policies.push(ReadClusterPolicy { at: at(), policy, object }),
            Err(NotUnderstood(field)) => {
                walk.found(at(), at(), Object::Unmodelled(Unmodelled { beyond: Some(field), ..object }));
            }
        }
        return;
    }
    if walk.reading.reads_foreign && kinds::is_cilium_policy(version, kind) {
        match cilium::policy(walk, node, path, default_namespace) {
            Ok(policy) => return walk.reading.policies.extend(policy),
            Err(field) => {
                let found = Unmodelled { beyond: Some(field), ..unmodelled(pairs, version, kind) };
                return walk.found(at(), at(), Object::Unmodelled(found));
            }
        }
    }
    match kinds::known(version, kind) {
        Some(KnownKind::Policy) => {
            let policy = policy::policy(walk, node, path, default_namespace);
            walk.reading.policies.extend(policy);
        }
        Some(KnownKind::Workload(kind)) => workload::workload(walk, node, path, (version, kind), default_namespace),
        Some(KnownKind::Namespace) => workload::namespace(walk, node, path),
        Some(KnownKind::Service) => service::service(walk, node, path, default_namespace),
        Some(KnownKind::Ingress) => service::ingress(walk, node, path, default_namespace),
        None if is_unmodelled(version, kind) && !kinds::is_mistaken(version, kind) => {
            walk.found(at(), at(), Object::Unmodelled(unmodelled(pairs, version, kind)));
        }
        None if kinds::is_mistaken(version, kind) => {
            let field = |name| fields(pairs, name).next();
            let at = field("apiVersion").filter(|_| kinds::is_kind(kind)).or(field("kind")).unwrap_or(node);
            let hint = kinds::meant(version, kind);
            walk.refuse(at, path, format!("no matches for kind {kind:?} in version {version:?}{hint}"));
        }
        None if kind.starts_with("ENC[") => {
            walk.refuse(node, path.field("kind"), "it is encrypted");
        }
        None => {
            inside::note(walk, node, &called(node, typed), default_namespace);
            if let Some(found) = custom::runner(node, (version, kind), default_namespace) {
                walk.reading.objects.push(found);
            }
            if let Some(scaler) = number::scaler(pairs, default_namespace) {
                walk.found(None, None, Object::Scaler(scaler));
            }
            for caller in callers::read(version, kind, node, default_namespace) {
                walk.found(at(), at(), Object::Caller(caller));
            }
            for found in place::read(version, kind, node, default_namespace) {
                walk.found(None, None, found);
            }
            walk.reading.ignored.push(Ignored {
                at: node.at,
                api_version: version.to_owned(),
                kind: kind.to_owned(),
                namespace: metadata_text(pairs, "namespace").unwrap_or(default_namespace).to_owned(),
                name: metadata_text(pairs, "name").unwrap_or_default().to_owned(),
            });
        }
    }
}
