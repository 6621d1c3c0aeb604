//! The JSON Schema of `polder.toml`, by which editors complete it: `editors/schemas/polder.json`.
//! `POLDER_UPDATE=1 cargo test --test tests settings_schema::` writes it.

// What is described is never made.
#![allow(dead_code)]

use polder::session::{Disk, Named, Project};
use schemars::JsonSchema;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How Polder builds and what it warns of. What is allowed stands in the `.polder` files.
#[derive(JsonSchema)]
#[schemars(title = "polder.toml", deny_unknown_fields)]
struct Settings {
    build: Option<Build>,
    /// What holds for single environments only, by their names.
    environments: Option<BTreeMap<String, Environment>>,
    warnings: Option<Warnings>,
    lint: Option<Lint>,
    replay: Option<Replay>,
    rollout: Option<Rollout>,
}

/// How to build.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Build {
    /// The folder that a build writes, inside of the folder of `polder.toml`; `policies` without it. Commit it.
    output: Option<String>,
    /// How policies are grouped.
    layout: Option<Layout>,
    /// What the program is compiled to.
    target: Option<Target>,
    /// The environment that is compiled when the command line names none.
    environment: Option<String>,
    /// Whether `kustomization.yaml` files are written, too.
    kustomize: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Target {
    /// NetworkPolicies alone, which every CNI reads.
    NetworkPolicy,
    /// NetworkPolicies, and CiliumNetworkPolicies for DNS names, the API server and nodes.
    Cilium,
    /// The same NetworkPolicies as Calico's staged ones, which deny nothing.
    #[serde(rename = "calico-staged")]
    CalicoStaged,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Layout {
    /// One policy for each subject, direction and peer, each in its file.
    Flow,
    /// One policy for each tier and direction, each in its file.
    Tier,
    /// The policies of `tier`, one file for each namespace.
    Namespace,
}

/// What holds for one environment.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Environment {
    /// Its own output folder.
    output: Option<String>,
}

/// The levels of warnings about programs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Warnings {
    /// Codes that are errors; `warnings` stands for all of them.
    deny: Option<Vec<Finding>>,
    /// Codes that are warnings.
    warn: Option<Vec<Finding>>,
    /// Codes that are not said.
    allow: Option<Vec<Finding>>,
}

/// What `polder lint` says.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Lint {
    /// Codes that are errors; `warnings` stands for all of them.
    deny: Option<Vec<Finding>>,
    /// Codes that are warnings.
    warn: Option<Vec<Finding>>,
    /// Codes that are not said.
    allow: Option<Vec<Finding>>,
    /// Whether notes are said, too: matters of form and of choice.
    notes: Option<bool>,
    /// A file with what is not told again, as `--write-baseline` writes it.
    baseline: Option<String>,
}

/// How far the program is enforced, while it is rolled out step by step.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Rollout {
    /// What a build isolates; without it, all that the program does. `polder build --enforce` goes before it.
    enforce: Option<Vec<EnforcedPlace>>,
    /// What is written of all else.
    rest: Option<Rest>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Rest {
    /// Nothing.
    None,
    /// Staged policies of Calico, whose flow logs then say what would be denied.
    Calico,
    /// Audit policies of kguardian, which count what would be denied.
    Kguardian,
}

/// A namespace, or one of its tiers, in both directions or in one: `data`, `data/redis:ingress`; `all` is every namespace.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct EnforcedPlace(#[schemars(regex(pattern = r"^[^\s/:]+(/[^\s/:]+)?(:(ingress|egress))?$"))] String);

/// What was seen.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Replay {
    /// A log that the editor holds against the program, as `polder replay LOG --save FILE` writes it, inside of the folder of
    /// `polder.toml`.
    log: Option<String>,
}

/// The code of a warning, as `polder explain` lists them.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Finding(#[schemars(regex(pattern = r"^([Ww][0-9]{4}|warnings)$"))] String);

fn written() -> String {
    let schema = without_null(schemars::schema_for!(Settings).into());
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

/// TOML has no value that is none: what may be left out is left out.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(mut object) => {
            let choices = object.remove("anyOf").map_or_else(Vec::new, |choices| choices.as_array().unwrap().clone());
            for choice in choices.into_iter().filter(|choice| choice["type"] != "null") {
                object.extend(choice.as_object().unwrap().clone());
            }
            Value::Object(object.into_iter().map(|(name, value)| (name, without_null(value))).collect())
        }
        Value::Array(list) => {
            let mut rest: Vec<Value> = list.into_iter().filter(|item| item != "null").map(without_null).collect();
            if rest.len() == 1 { rest.remove(0) } else { Value::Array(rest) }
        }
        other => other,
    }
}

#[test]
fn the_file_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("editors/schemas/polder.json");
    if std::env::var_os("POLDER_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, written()).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), written());
}

/// The entries of a section in the schema.
fn entries<'a>(schema: &'a Value, section: &'a Value) -> BTreeMap<&'a str, &'a Value> {
    let mut section = section;
    while section.get("properties").is_none() {
        let reference = section["$ref"].as_str().unwrap();
        section = schema.pointer(reference.trim_start_matches('#')).unwrap();
    }
    assert_eq!(section["additionalProperties"], false, "{section}");
    section["properties"].as_object().unwrap().iter().map(|(name, entry)| (name.as_str(), entry)).collect()
}

/// What the schema knows is what the reader knows: neither has an entry that the other lacks.
#[test]
fn it_has_the_entries_that_are_read() {
    let schema: Value = serde_json::from_str(&written()).unwrap();
    let mut known = BTreeSet::new();
    for (section, value) in entries(&schema, &schema) {
        if section == "environments" {
            let of_one = value.get("additionalProperties").unwrap();
            known.extend(entries(&schema, of_one).keys().map(|name| format!("environments.staging.{name}")));
        } else {
            known.extend(entries(&schema, value).keys().map(|name| format!("{section}.{name}")));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("polder.toml"), "[environments.staging]\n").unwrap();
    let project = Project::load_config(&Disk, folder.path(), &[Named::Path(folder.path().to_path_buf())]);
    assert!(project.diagnostics.is_empty());
    let read: BTreeSet<String> = project.settings().into_iter().map(|setting| setting.name).collect();
    assert_eq!(known, read);
}
