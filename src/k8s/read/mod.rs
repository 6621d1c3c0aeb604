//! NetworkPolicies out of YAML or JSON, whoever wrote it.
//!
//! The reading is strict: what Kubernetes would refuse, drop or take for something else is a problem with a reason in
//! its own words, and the policy is not read. A document is never read in another way than kubectl reads it.

mod canonical;
mod node;
mod policy;
mod syntax;
mod walk;

pub use canonical::reread;

use super::{DESCRIPTION, SOURCE};
use crate::policy::Policy;
use node::{Node, Seed, Value};
use serde::de::{DeserializeSeed, IgnoredAny};
use std::cell::Cell;
use walk::{Path, Walk};

/// The longest text that is read, in bytes.
const LONGEST_TEXT: usize = 64 * 1024 * 1024;

/// The most values that one YAML document may have; the parser holds all of them at once.
const MOST_VALUES: usize = 1_500_000;

/// The most documents of one text.
const MOST_DOCUMENTS: usize = 200_000;

/// How many brackets may be open at one place. Parsing takes time in proportion to that at every value.
const DEEPEST: usize = 500;

/// What a text holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The policies, in the order of the text.
    pub policies: Vec<ReadPolicy>,
    /// Why something could not be read. A policy with a problem is not among the policies.
    pub problems: Vec<ReadProblem>,
    /// What does not stop anything but may surprise: rules without effect, say.
    pub remarks: Vec<ReadProblem>,
    /// Objects of other kinds, in the order of the text.
    pub ignored: Vec<Ignored>,
}

/// A policy that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPolicy {
    /// The offset of the object in the text, where known.
    pub at: Option<usize>,
    /// The policy. Its description and statements are what the annotations say that Polder writes.
    pub policy: Policy,
    /// All labels of the object, sorted by key.
    pub labels: Vec<(String, String)>,
    /// All annotations of the object, sorted by key.
    pub annotations: Vec<(String, String)>,
}

/// Something to say about a place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadProblem {
    /// The offset in the text, where known.
    pub at: Option<usize>,
    /// The field, as in `spec.ingress[0].from[1].ipBlock.cidr`; empty when it is about the whole document.
    pub path: String,
    /// What is wrong, in Kubernetes' words.
    pub reason: String,
}

/// An object that is no NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The offset of the object in the text, where known.
    pub at: Option<usize>,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`; empty when there is none.
    pub name: String,
}

/// Reads every document of `text`. Objects that name no namespace are in `default_namespace`.
pub fn read(text: &str, default_namespace: &str) -> Reading {
    let mut reading = Reading::default();
    // With a byte order mark in front, the parser's offsets would not be those of the text.
    let body = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if let Some(reason) = too_much(body) {
        reading.problems.push(whole_text(None, reason));
        return reading;
    }
    let budget = Cell::new(body.len().saturating_mul(2).saturating_add(100_000));
    let refused = Cell::new(false);
    let seed = Seed { text: body, budget: &budget, refused: &refused };
    let mut document = |node: &Node| object(&mut Walk::new(&mut reading), node, Path::ROOT, default_namespace, false);
    let json = json_documents(seed, &mut document);
    let unparsed = json.unwrap_or_else(|| yaml_documents(seed, &mut document));
    reading.problems.extend(unparsed);
    let mark = text.len() - body.len();
    reading.offsets().for_each(|at| *at += mark);
    reading
}

impl Reading {
    fn offsets(&mut self) -> impl Iterator<Item = &mut usize> {
        let problems = self.problems.iter_mut().chain(&mut self.remarks).map(|problem| &mut problem.at);
        let policies = self.policies.iter_mut().map(|policy| &mut policy.at);
        problems.chain(policies).chain(self.ignored.iter_mut().map(|object| &mut object.at)).flatten()
    }
}

fn whole_text(at: Option<usize>, reason: impl Into<String>) -> ReadProblem {
    ReadProblem { at, path: String::new(), reason: reason.into() }
}

/// Why a text is not even parsed: it would take too much time or memory. The count goes by the characters that every
/// value comes with, and starts again with each document.
fn too_much(text: &str) -> Option<String> {
    if text.len() > LONGEST_TEXT {
        return Some(format!("the text is longer than {LONGEST_TEXT} bytes"));
    }
    let (mut documents, mut values, mut depth) = (1_usize, 0_usize, 0_usize);
    for line in text.split('\n') {
        if line.starts_with("...") {
            documents += 1;
        }
        if line.starts_with("---") {
            (values, depth) = (0, 0);
            documents += 1;
        }
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' | b':' | b'-' | b'?' => {}
                _ => continue,
            }
            values += 1;
            if depth > DEEPEST {
                return Some(format!("more than {DEEPEST} brackets are open at one place"));
            }
        }
        values += 1;
        if values > MOST_VALUES {
            return Some(format!("one document has more than {MOST_VALUES} values"));
        }
    }
    (documents > MOST_DOCUMENTS).then(|| format!("there are more than {MOST_DOCUMENTS} documents"))
}

/// Calls `document` for each JSON document of a text that is nothing but JSON, and says what could not be parsed.
/// `None` when it is not JSON: then it is YAML.
fn json_documents(seed: Seed, document: &mut impl FnMut(&Node)) -> Option<Vec<ReadProblem>> {
    if !seed.text.trim_start().starts_with('{') {
        return None;
    }
    let (mut nodes, mut problems) = (Vec::new(), Vec::new());
    let mut rest = seed.text;
    while !rest.trim_start().is_empty() {
        // One value at a time, each a part of the text, so that the offsets of its strings are those of the text.
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        let (value, after) = rest.split_at_checked(values.byte_offset())?;
        match seed.deserialize(&mut serde_json::Deserializer::from_str(value)) {
            Ok(node) => nodes.push(node),
            Err(error) => problems.push(whole_text(seed.offset(value), error.to_string())),
        }
        rest = after;
    }
    nodes.iter().for_each(document);
    Some(problems)
}

/// Calls `document` for each YAML document, and says what could not be parsed. After a syntax error there is no telling
/// where the next document starts.
fn yaml_documents(seed: Seed, document: &mut impl FnMut(&Node)) -> Vec<ReadProblem> {
    let mut problems = Vec::new();
    for deserializer in serde_yaml::Deserializer::from_str(seed.text) {
        seed.refused.set(false);
        match seed.deserialize(deserializer) {
            Ok(node) => document(&node),
            Err(error) => {
                problems.push(syntax_problem(seed.text, &error));
                if !seed.refused.get() {
                    break;
                }
            }
        }
    }
    problems
}

fn syntax_problem(text: &str, error: &serde_yaml::Error) -> ReadProblem {
    let at = error.location().map(|location| location.index().min(text.len()));
    let message = error.to_string();
    // The place is told apart from the message.
    let reason = message.split(" at line ").next().unwrap_or(&message);
    whole_text(at, reason)
}

const VERSION: &str = "networking.k8s.io/v1";
const KIND: &str = "NetworkPolicy";

/// Reads one object, or the objects of a list. `typed` are the items of a list of policies: they need not say that they
/// are some.
fn object(walk: &mut Walk, node: &Node, path: Path, default_namespace: &str, typed: bool) {
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
    let Some(kind) = field_text(pairs, "kind").or(typed.then_some(KIND)) else {
        return walk.refuse(node, path, "Object 'Kind' is missing");
    };
    let Some(version) = field_text(pairs, "apiVersion").or(typed.then_some(VERSION)) else {
        return walk.refuse(node, path, "Object 'apiVersion' is missing");
    };
    match (version, kind) {
        (VERSION, KIND) => {
            let policy = policy::policy(walk, node, path, default_namespace);
            walk.reading.policies.extend(policy);
        }
        ("v1", "List") | (VERSION, "NetworkPolicyList") => {
            let Some(list) = walk.object(node, path, &["apiVersion", "kind", "metadata", "items"]) else { return };
            walk.list(list.get("items"), path.field("items"), |walk, item, path| {
                object(walk, item, path, default_namespace, kind != "List");
                Some(())
            });
        }
        ("extensions/v1beta1", KIND) => {
            walk.refuse(node, path, format!("no matches for kind {kind:?} in version {version:?}"));
        }
        _ => walk.reading.ignored.push(Ignored {
            at: node.at,
            api_version: version.to_owned(),
            kind: kind.to_owned(),
            name: object_name(pairs).unwrap_or_default().to_owned(),
        }),
    }
}

fn fields<'n, 'a>(pairs: &'n [(Node<'a>, Node<'a>)], name: &str) -> impl Iterator<Item = &'n Node<'a>> {
    let named = pairs.iter().filter(move |(key, _)| matches!(&key.value, Value::Text(text) if text == name));
    named.map(|(_, value)| value)
}

fn field_text<'n>(pairs: &'n [(Node, Node)], name: &str) -> Option<&'n str> {
    match &fields(pairs, name).next()?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn object_name<'n>(pairs: &'n [(Node, Node)]) -> Option<&'n str> {
    match &fields(pairs, "metadata").next()?.value {
        Value::Map(metadata) => field_text(metadata, "name"),
        _ => None,
    }
}
