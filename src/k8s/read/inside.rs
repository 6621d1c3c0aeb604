//! NetworkPolicies inside of other objects: what Kyverno generates, what is sent to other clusters. They count in no
//! answer, for where they are and whether they are is up to others; what shows in each by itself does.

use super::node::{Value, YamlNode};
use super::walk::{Path, Walk};
use super::{Inside, Reading, field_text, fields, metadata_text, policy, syntax};
use std::borrow::Cow;

/// How deep in an object policies are looked for.
const DEEPEST: usize = 16;

/// Notes the policies inside of an object of a kind that is not read.
pub(super) fn note(walk: &mut Walk, node: &YamlNode, object: &str, default_namespace: &str) {
    let mut found = Vec::new();
    find(node, DEEPEST, &mut found);
    for (inner, pairs) in found {
        let policy = read(inner, pairs, walk.text, default_namespace);
        walk.reading.inside.push(Inside { at: inner.at, object: object.to_owned(), policy });
    }
}

/// An object that is a policy, with its fields.
type Found<'n, 'a> = (&'n YamlNode<'a>, &'n [(YamlNode<'a>, YamlNode<'a>)]);

fn find<'n, 'a>(node: &'n YamlNode<'a>, depth: usize, found: &mut Vec<Found<'n, 'a>>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match &node.value {
        Value::Map(pairs) => {
            let is_policy = field_text(pairs, "kind") == Some("NetworkPolicy")
                && field_text(pairs, "apiVersion").is_some_and(|version| version.starts_with("networking.k8s.io/"));
            let has_spec =
                |pairs: &[(YamlNode, YamlNode)]| fields(pairs, "spec").next().is_some() || data(pairs).is_some();
            if is_policy && has_spec(pairs) {
                found.push((node, pairs));
                return;
            }
            pairs.iter().for_each(|(_, value)| find(value, depth, found));
        }
        Value::List(items) => items.iter().for_each(|item| find(item, depth, found)),
        _ => {}
    }
}

/// What Kyverno makes an object of.
fn data<'n, 'a>(pairs: &'n [(YamlNode<'a>, YamlNode<'a>)]) -> Option<&'n [(YamlNode<'a>, YamlNode<'a>)]> {
    match &fields(pairs, "data").next()?.value {
        Value::Map(data) => Some(data),
        _ => None,
    }
}

/// The policy, under a name that can be one; `None` where it is not as Kubernetes wants it, which is often a matter of
/// what is still to be filled in.
fn read(
    node: &YamlNode,
    pairs: &[(YamlNode, YamlNode)],
    whole: &str,
    default_namespace: &str,
) -> Option<super::ReadPolicy> {
    let spec = fields(pairs, "spec").next().or_else(|| fields(data(pairs)?, "spec").next())?;
    let name = metadata_text(pairs, "name").or_else(|| field_text(pairs, "name")).unwrap_or_default();
    let namespace = metadata_text(pairs, "namespace").or_else(|| field_text(pairs, "namespace")).unwrap_or_default();
    let name = if syntax::dns_subdomain(name).is_none() { name } else { "inside" };
    let namespace = if syntax::dns_label(namespace).is_none() { namespace } else { default_namespace };
    let text = |text: &str| YamlNode { at: node.at, value: Value::Text(Cow::Owned(text.to_owned())) };
    let map = |pairs: Vec<(&str, YamlNode<'static>)>| -> Vec<(YamlNode<'static>, YamlNode<'static>)> {
        pairs.into_iter().map(|(key, value)| (text_of(key, node.at), value)).collect()
    };
    let metadata = map(vec![("name", text(name)), ("namespace", text(namespace))]);
    let mut object: Vec<(YamlNode, YamlNode)> = map(vec![
        ("apiVersion", text("networking.k8s.io/v1")),
        ("kind", text("NetworkPolicy")),
        ("metadata", YamlNode { at: node.at, value: Value::Map(metadata) }),
    ]);
    object.push((text_of("spec", node.at), spec.clone()));
    let object = YamlNode { at: node.at, value: Value::Map(object) };
    let mut scratch = Reading::default();
    policy::policy(&mut Walk::new(&mut scratch, whole), &object, Path::ROOT, default_namespace)
        .filter(|_| scratch.problems.is_empty())
}

fn text_of(text: &str, at: Option<usize>) -> YamlNode<'static> {
    YamlNode { at, value: Value::Text(Cow::Owned(text.to_owned())) }
}
