//! `metadata`, which every object has.

use super::node::{Value, YamlNode, shortened};
use super::syntax;
use super::walk::{MapFields, Path, Walk};
use std::borrow::Cow;

const METADATA: [&str; 15] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The most bytes that all keys and values of the annotations may have together.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Keys and values, sorted by key.
pub(super) type Pairs = Vec<(String, String)>;

/// What is read of the metadata of an object.
pub(super) struct Metadata<'n, 'a> {
    /// All fields.
    pub(super) fields: MapFields<'n, 'a>,
    /// Where the name stands.
    pub(super) at: Option<usize>,
    pub(super) name: &'n str,
    pub(super) namespace: &'n str,
    /// Whether the name is only how the one begins that the server makes up.
    pub(super) is_generated: bool,
    pub(super) labels: Pairs,
}

/// What Kubernetes wants of a name, depending on the kind.
#[derive(Clone, Copy)]
pub(super) struct Naming {
    /// Why a text is no such name.
    pub(super) check: fn(&str) -> Option<&'static str>,
    /// Whether the server may make up the name, so that a `generateName` is enough.
    pub(super) generated: bool,
}

/// How most objects are named.
pub(super) const SUBDOMAIN: Naming = Naming { check: syntax::dns_subdomain, generated: false };

/// The fields of metadata, none other than those that there are.
pub(super) fn fields<'n, 'a>(walk: &mut Walk, node: Option<&'n YamlNode<'a>>, path: Path) -> Option<MapFields<'n, 'a>> {
    walk.optional(node, path, &METADATA)
}

/// The metadata `node` of `object`.
pub(super) fn metadata<'n, 'a>(
    walk: &mut Walk,
    object: &'n YamlNode<'a>,
    node: Option<&'n YamlNode<'a>>,
    default_namespace: &'n str,
    naming: Naming,
    path: Path,
) -> Option<Metadata<'n, 'a>> {
    let known = fields(walk, node, path)?;
    let written = |field: &str| known.get(field).filter(|node| node.value != Value::Text("".into()));
    // Kubernetes does not tell what is empty from what is missing.
    let named = written("name").map(|name| (name, "name"));
    let generated = written("generateName").filter(|_| naming.generated).map(|name| (name, "generateName"));
    let is_generated = named.is_none();
    let name = match named.or(generated) {
        Some((name, field)) => {
            let path = path.field(field);
            // What is generated continues the name, which may so end in a hyphen here.
            let check = |text: &str| match field {
                "name" => (naming.check)(text),
                _ => (naming.check)(text.strip_suffix('-').unwrap_or(text)),
            };
            walk.checked(name, path, check).map(|text| (text, name.at))
        }
        None => {
            let reason = match (naming.generated, written("generateName")) {
                (true, _) => "name or generateName is required",
                (false, Some(_)) => {
                    "name is required: `kubectl apply` makes up none, so give it one in place of generateName"
                }
                (false, None) => "name is required",
            };
            walk.refuse(node.unwrap_or(object), path.field("name"), format!("Required value: {reason}"));
            None
        }
    };
    let namespace = written("namespace").map_or(Some(default_namespace), |namespace| {
        walk.checked(namespace, path.field("namespace"), syntax::dns_label)
    });
    let labels = labels(walk, known.get("labels"), path.field("labels"));
    let (name, at) = name?;
    Some(Metadata { fields: known, at: at.or(object.at), name, namespace: namespace?, is_generated, labels })
}

/// Labels, sorted by key.
pub(super) fn labels(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Pairs {
    owned(label_pairs(walk, node, path))
}

/// The same, as they stand in the text.
pub(super) fn label_pairs<'n>(walk: &mut Walk, node: Option<&'n YamlNode>, path: Path) -> Vec<(&'n str, &'n str)> {
    string_pairs(walk, node, path, syntax::label_key, syntax::label_value)
}

/// Annotations, sorted by key.
pub(super) fn annotations(walk: &mut Walk, node: Option<&YamlNode>, path: Path) -> Pairs {
    let lower = |key: &str| syntax::label_key(&key.to_lowercase());
    let annotations = string_map(walk, node, path, lower, |_| None);
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if let Some(node) = node
        && size > ANNOTATIONS_LIMIT
    {
        walk.refuse(node, path, format!("Too long: must have at most {ANNOTATIONS_LIMIT} bytes"));
    }
    annotations
}

/// A map of strings, sorted by key as Kubernetes keeps it.
pub(super) fn string_map(
    walk: &mut Walk,
    node: Option<&YamlNode>,
    path: Path,
    check_key: impl Fn(&str) -> Option<Cow<'static, str>>,
    check_value: impl Fn(&str) -> Option<&'static str>,
) -> Pairs {
    owned(string_pairs(walk, node, path, check_key, check_value))
}

fn owned(pairs: Vec<(&str, &str)>) -> Pairs {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn string_pairs<'n>(
    walk: &mut Walk,
    node: Option<&'n YamlNode>,
    path: Path,
    check_key: impl Fn(&str) -> Option<Cow<'static, str>>,
    check_value: impl Fn(&str) -> Option<&'static str>,
) -> Vec<(&'n str, &'n str)> {
    let pairs = node.and_then(|node| walk.pairs(node, path)).unwrap_or_default();
    let mut map = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        if let Some(reason) = check_key(key) {
            walk.refuse(value, path, format!("Invalid value: {:?}: {reason}", shortened(key)));
        }
        if let Some(value) = walk.checked(value, path.field(key), &check_value) {
            map.push((key, value));
        }
    }
    map.sort_unstable();
    map
}
