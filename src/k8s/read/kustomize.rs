//! What a `kustomization.yaml` says of the files beside it.

use super::node::{Seed, Value, YamlNode};
use super::{field_text, fields};
use serde::de::DeserializeSeed;
use std::cell::Cell;

/// The most values of a kustomization that is looked at.
const MOST_VALUES: usize = 100_000;

/// A kustomization, as far as it matters for files that are read one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kustomization {
    /// The files, seen from it, that are no objects: patches, and what else it takes a part from.
    pub parts: Vec<String>,
    /// The files and folders, seen from it, that it is made of.
    pub resources: Vec<String>,
    /// The namespace that it gives to all of them.
    pub namespace: Option<String>,
    /// Whether it changes what is in them, or adds to it from elsewhere.
    pub changes: bool,
}

/// The fields that change objects, beside the names of images and how many pods there are.
const CHANGES: [&str; 15] = [
    "commonLabels",
    "components",
    "generators",
    "helmChartInflationGenerator",
    "helmCharts",
    "labels",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "transformers",
    "vars",
];

/// Lists of files that are no objects, or of objects in which a field names such a file.
const PARTS: [(&str, &[&str]); 10] = [
    ("patches", &["path"]),
    ("patchesJson6902", &["path"]),
    ("patchesStrategicMerge", &[]),
    ("replacements", &["path"]),
    ("transformers", &[]),
    ("generators", &[]),
    ("validators", &[]),
    ("configurations", &[]),
    ("crds", &[]),
    ("helmCharts", &["valuesFile"]),
];

/// Reads a kustomization; `None` when the text is none.
pub fn kustomization(text: &str) -> Option<Kustomization> {
    let (budget, refused) = (Cell::new(MOST_VALUES), Cell::new(false));
    let seed = Seed { text, budget: &budget, refused: &refused };
    let documents = serde_yaml::Deserializer::from_str(text).next()?;
    let Value::Map(pairs) = seed.deserialize(documents).ok()?.value else { return None };
    let mut found = Kustomization {
        namespace: field_text(&pairs, "namespace").map(str::to_owned),
        resources: texts(&pairs, "resources").chain(texts(&pairs, "bases")).map(str::to_owned).collect(),
        changes: CHANGES.iter().any(|field| fields(&pairs, field).next().is_some()),
        parts: Vec::new(),
    };
    for (list, inner) in PARTS {
        found.parts.extend(texts(&pairs, list).map(str::to_owned));
        for item in items(&pairs, list) {
            let Value::Map(item) = &item.value else { continue };
            found.parts.extend(inner.iter().filter_map(|field| field_text(item, field)).map(str::to_owned));
        }
    }
    for generator in ["configMapGenerator", "secretGenerator"] {
        for item in items(&pairs, generator) {
            let Value::Map(item) = &item.value else { continue };
            // `name=file`, where the file is to have another name.
            let file = |text: &str| text.rsplit_once('=').map_or(text, |(_, file)| file).to_owned();
            found.parts.extend(texts(item, "files").chain(texts(item, "envs")).map(file));
        }
    }
    Some(found)
}

fn items<'n, 'a>(pairs: &'n [(YamlNode<'a>, YamlNode<'a>)], field: &str) -> &'n [YamlNode<'a>] {
    match fields(pairs, field).next().map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

fn texts<'n>(pairs: &'n [(YamlNode, YamlNode)], field: &str) -> impl Iterator<Item = &'n str> {
    items(pairs, field).iter().filter_map(|item| match &item.value {
        Value::Text(text) => Some(&**text),
        _ => None,
    })
}
