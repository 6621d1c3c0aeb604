//! Every JSON that a command prints: it starts with the name of its schema, has a published one in `schemas/`, and holds to it.
//! `POLDER_UPDATE=1 cargo test --test tests json_schemas::` writes the schemas.

mod documents;

use documents::{
    Blast, Can, Config, Diagnostics, Diff, Graph, Import, Init, Learn, LintBaseline, Names, Probes, Reach, Replay,
    Report, Rollout, Test, Version, Why,
};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A member that is always there, and may be `null`.
struct Nullable<T>(#[allow(dead_code)] Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not as an option: one may be left out.
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Nullable(None)),
            value => serde_json::from_value(value).map(|value| Nullable(Some(value))).map_err(D::Error::custom),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Nullable<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Nullable{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<Option<T>>()
    }
}

/// The name and the version of a document's schema.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
struct Schema(#[allow(dead_code)] String);

/// A kind of documents: the name of its schema, the schema, and what reads a document.
struct Kind {
    name: &'static str,
    schema: fn() -> schemars::Schema,
    read: fn(&str) -> Result<(), serde_json::Error>,
}

fn kind<T: DeserializeOwned + JsonSchema>(name: &'static str) -> Kind {
    Kind { name, schema: || schemars::schema_for!(T), read: |text| serde_json::from_str::<T>(text).map(drop) }
}

fn kinds() -> Vec<Kind> {
    vec![
        kind::<Blast>("polder/blast/v1"),
        kind::<Can>("polder/can/v1"),
        kind::<Config>("polder/config/v1"),
        kind::<Diagnostics>("polder/diagnostics/v1"),
        kind::<Diff>("polder/diff/v1"),
        kind::<Graph>("polder/graph/v1"),
        kind::<Import>("polder/import/v1"),
        kind::<Init>("polder/init/v1"),
        kind::<Learn>("polder/learn/v1"),
        kind::<LintBaseline>("polder/lint-baseline/v1"),
        kind::<Names>("polder/names/v1"),
        kind::<Probes>("polder/probe/v1"),
        kind::<Reach>("polder/reach/v2"),
        kind::<Replay>("polder/replay/v1"),
        kind::<Report>("polder/report/v1"),
        kind::<Rollout>("polder/rollout/v1"),
        kind::<Test>("polder/test/v1"),
        kind::<Version>("polder/version/v1"),
        kind::<Why>("polder/why/v1"),
    ]
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A later release may add members, which must not be an error for whoever holds a document against this one's schema.
fn open(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("additionalProperties");
            object.values_mut().for_each(open);
        }
        Value::Array(list) => list.iter_mut().for_each(open),
        _ => {}
    }
}

/// The schema of a kind as it is published.
fn published(kind: &Kind) -> (PathBuf, String) {
    let mut schema: Value = (kind.schema)().into();
    open(&mut schema);
    schema["title"] = kind.name.into();
    // The name is what tells a document from others, so it is that one alone.
    schema["$defs"].as_object_mut().unwrap().remove("Schema").unwrap();
    schema["properties"]["schema"] = serde_json::json!({ "const": kind.name });
    if schema["$defs"].as_object().unwrap().is_empty() {
        schema.as_object_mut().unwrap().remove("$defs");
    }
    let file = kind.name.trim_start_matches("polder/").replace('/', "-");
    (root("schemas").join(format!("{file}.json")), format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()))
}

#[test]
fn published_schemas_are_what_the_types_say() {
    let mut files = BTreeSet::new();
    for kind in kinds() {
        let (path, text) = published(&kind);
        if std::env::var_os("POLDER_UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "{}", path.display());
        files.insert(path);
    }
    let there = fs::read_dir(root("schemas")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(there.collect::<BTreeSet<_>>(), files);
}

/// The files under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Whatever the sources name is published.
#[test]
fn every_schema_has_a_file() {
    let known: BTreeSet<String> = kinds().into_iter().map(|kind| kind.name.to_owned()).collect();
    let mut named = BTreeSet::new();
    for path in files(&root("src")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = fs::read_to_string(path).unwrap();
        let is_versioned =
            |part: &str| part.rsplit_once("/v").is_some_and(|(_, version)| version.parse::<u32>().is_ok());
        let quoted = text.split('"').filter(|part| part.starts_with("polder/") && is_versioned(part));
        named.extend(quoted.map(ToOwned::to_owned));
    }
    assert_eq!(named, known);
}

/// The JSON documents in what a story prints: from a line `{` to the line `}`, behind the mark of the stream.
fn printed(story: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in story.lines() {
        let Some(line) = line.strip_prefix("| ").or_else(|| line.strip_prefix("! ")) else {
            open = None;
            continue;
        };
        if line == "{" {
            open = Some(String::new());
        }
        if let Some(text) = &mut open {
            text.push_str(line);
            text.push('\n');
            if line == "}" {
                found.extend(open.take());
            }
        }
    }
    found
}

#[test]
fn what_stories_print_holds_to_its_schema() {
    let kinds = kinds();
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in files(&root("tests/cli")).into_iter().filter(|path| path.ends_with("cmd")) {
        for text in printed(&fs::read_to_string(&path).unwrap()) {
            // SARIF and others have schemas of their own.
            let Some(kind) = kinds.iter().find(|kind| text.contains(&format!("\"schema\": \"{}\"", kind.name))) else {
                let foreign = !text.contains("\"schema\": \"polder/");
                assert!(foreign, "{}: a schema that nobody knows\n{text}", path.display());
                continue;
            };
            assert!(text.starts_with(&format!("{{\n  \"schema\": \"{}\",\n", kind.name)), "{}\n{text}", path.display());
            wrong.extend((kind.read)(&text).err().map(|error| format!("{}: {}: {error}", path.display(), kind.name)));
            seen.insert(kind.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, kinds.iter().map(|kind| kind.name).collect(), "each kind is in a story");
}
