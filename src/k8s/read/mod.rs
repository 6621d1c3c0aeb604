//! NetworkPolicies and what they apply to out of YAML or JSON, whoever wrote it.
//!
//! The reading is strict: what Kubernetes would refuse, drop or take for something else is a problem with a reason in
//! its own words, and the object is not read. A document is never read in another way than kubectl reads it.
//!
//! Of a policy every field is read. Of what runs only the names, labels, owners, ports and counts are, as strictly; the
//! rest of a pod's many fields may be anything.

mod block;
mod canonical;
mod custom;
mod empty;
mod kinds;
mod metadata;
mod node;
mod number;
mod place;
mod pod;
mod policy;
mod service;
mod syntax;
mod unmodelled;
mod walk;
mod workload;

pub use canonical::Rereader;

use super::{DESCRIPTION, SOURCE};
use crate::cluster::{Object, Unmodelled};
use crate::netpol::{Policy, Written};
use kinds::Known;
use node::{Node, Seed, Value, shortened};
use serde::de::{DeserializeSeed, IgnoredAny};
use std::cell::Cell;
use unmodelled::is_unmodelled;
use walk::{Path, Walk};

/// The longest text that is read, in bytes.
pub const LONGEST_TEXT: usize = 64 * 1024 * 1024;

/// The most values that one YAML document may have; the parser holds all of them at once.
const MOST_VALUES: usize = 1_500_000;

/// The most values that a JSON text may have. There they cost less, and kubectl makes one document of a whole cluster.
const MOST_JSON_VALUES: usize = 3_000_000;

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
    /// What a newer Kubernetes, or its API server in a warning, has against something that was read.
    pub warnings: Vec<ReadProblem>,
    /// What does not stop anything but may surprise: rules without effect, say.
    pub remarks: Vec<ReadProblem>,
    /// What policies apply to and what changes their meaning, in the order of the text. An object with a problem is not
    /// among them.
    pub objects: Vec<ReadObject>,
    /// Objects of other kinds, in the order of the text.
    pub ignored: Vec<Ignored>,
    /// How many documents there are, without the empty ones.
    pub documents: usize,
}

/// A policy that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPolicy {
    /// The offset of the object in the text, where known.
    pub at: Option<usize>,
    /// The offset of its name, where known.
    pub name_at: Option<usize>,
    /// The policy. Its description and statements are what the annotations say that Polder writes.
    pub policy: Policy,
    /// How it is written, with offsets in the text.
    pub written: Written<usize>,
    /// All labels of the object, sorted by key.
    pub labels: Vec<(String, String)>,
    /// All annotations of the object, sorted by key.
    pub annotations: Vec<(String, String)>,
}

/// An object that was read and is no policy. It has no span: the text is of no file yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadObject {
    /// The offset of its name in the text, where known.
    pub at: Option<usize>,
    /// The offset of the labels of the pods that it makes, or else of its name, where known.
    pub pods_at: Option<usize>,
    /// The object.
    pub object: Object,
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
    /// Whether nothing in the document says that it is meant for Kubernetes.
    pub foreign: bool,
    /// The object that it is about, as in `NetworkPolicy shop/web`, where that much could be read.
    pub object: Option<String>,
    /// Whether that is a NetworkPolicy, or may be one for all that is known.
    pub is_policy: bool,
}

/// An object that has no part in what is allowed.
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
    if body.len() > LONGEST_TEXT {
        reading.problems.push(whole_text(None, format!("the text is longer than {LONGEST_TEXT} bytes")));
        return reading;
    }
    let (budget, refused) = (Cell::new(MOST_JSON_VALUES), Cell::new(false));
    let seed = Seed { text: body, budget: &budget, refused: &refused };
    let mut document = |node: &Node| {
        let before = reading.problems.len();
        reading.documents += usize::from(node.value != Value::Null);
        object(&mut Walk::new(&mut reading, body), node, Path::ROOT, default_namespace, None);
        if is_foreign(node) {
            reading.problems.iter_mut().skip(before).for_each(|problem| problem.foreign = true);
        }
    };
    let unparsed = json_documents(seed, &mut document).unwrap_or_else(|| {
        if let Some(reason) = too_much(body) {
            return vec![whole_text(None, reason)];
        }
        if let Some(at) = directive(body) {
            let reason = "a directive: kubectl and the API server refuse it, so leave the line out";
            return vec![whole_text(Some(at), reason)];
        }
        budget.set(body.len().saturating_mul(2).saturating_add(100_000));
        yaml_documents(seed, &mut document)
    });
    reading.problems.extend(unparsed);
    let mark = text.len() - body.len();
    if mark > 0 {
        reading.offsets().for_each(|at| *at += mark);
        for policy in &mut reading.policies {
            policy.written = std::mem::take(&mut policy.written).map(|at| at + mark);
        }
    }
    reading
}

impl Reading {
    fn offsets(&mut self) -> impl Iterator<Item = &mut usize> {
        let problems =
            self.problems.iter_mut().chain(&mut self.warnings).chain(&mut self.remarks).map(|problem| &mut problem.at);
        let policies = self.policies.iter_mut();
        let names = policies.flat_map(|policy| [&mut policy.at, &mut policy.name_at]);
        let objects = self.objects.iter_mut().flat_map(|object| [&mut object.at, &mut object.pods_at]);
        problems.chain(names).chain(objects).chain(self.ignored.iter_mut().map(|object| &mut object.at)).flatten()
    }
}

fn whole_text(at: Option<usize>, reason: impl Into<String>) -> ReadProblem {
    ReadProblem { at, path: String::new(), reason: reason.into(), foreign: false, object: None, is_policy: true }
}

/// Why a YAML text is not even parsed: it would take too much time or memory. The count goes by the characters that every
/// value comes with, and starts again with each document.
fn too_much(text: &str) -> Option<String> {
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
            return Some(format!("one YAML document has more than {MOST_VALUES} values; JSON may have more"));
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
    let Some(documents) = block::documents(seed.text) else { return parsed_documents(seed, seed.text, document) };
    let mut problems = Vec::new();
    for text in documents {
        if let Some(node) = block::read(seed, text) {
            document(&node);
            continue;
        }
        let found = parsed_documents(seed, text, document);
        let is_broken = !found.is_empty() && !seed.refused.get();
        problems.extend(found);
        if is_broken {
            break;
        }
    }
    problems
}

/// The same for a part of the text that the general parser has to read.
fn parsed_documents<'a>(seed: Seed<'a, '_>, text: &'a str, document: &mut impl FnMut(&Node)) -> Vec<ReadProblem> {
    let start = seed.offset(text).unwrap_or_default();
    let mut problems = Vec::new();
    for deserializer in serde_yaml::Deserializer::from_str(text) {
        seed.refused.set(false);
        match seed.deserialize(deserializer) {
            Ok(node) => document(&node),
            Err(error) => {
                problems.push(syntax_problem(seed.text, start, &error));
                if !seed.refused.get() {
                    break;
                }
            }
        }
    }
    problems
}

fn syntax_problem(text: &str, start: usize, error: &serde_yaml::Error) -> ReadProblem {
    let at = error.location().map(|location| (start + location.index()).min(text.len()));
    let message = error.to_string();
    // The place is told apart from the message.
    let reason = message.split(" at line ").next().unwrap_or(&message);
    whole_text(at, reason)
}

/// Where a line such as `%YAML 1.2` stands in front of a document.
fn directive(text: &str) -> Option<usize> {
    let (mut at, mut is_start) = (0, true);
    for line in text.split_inclusive('\n') {
        if is_start && line.starts_with('%') {
            return Some(at);
        }
        let is_blank = line.trim().is_empty() || line.trim_start().starts_with('#');
        // In front of a document, also where a line `---` ends the one before.
        is_start = line.starts_with("...") || line.trim_end() == "---" || (is_start && is_blank);
        at += line.len();
    }
    None
}

/// Whether a document has none of the fields by which one can tell an object of Kubernetes: neither says it what it is,
/// nor has it what an object has. Charts of Helm have a version, and some programs a kind of their own.
fn is_foreign(node: &Node) -> bool {
    let Value::Map(pairs) = &node.value else { return true };
    let has = |name| fields(pairs, name).next().is_some();
    let is_object = has("metadata") || has("spec") || has("items");
    let says_what = match (field_text(pairs, "apiVersion"), field_text(pairs, "kind")) {
        (Some(version), None) => version.contains('/'),
        (None, Some(kind)) => kinds::is_kind(kind),
        (version, kind) => version.is_some() || kind.is_some(),
    };
    !is_object && !says_what
}

/// Whether an object that cannot be read may be a NetworkPolicy, or hold one.
fn may_be_policy(node: &Node, typed: Option<(&str, &str)>) -> bool {
    let Value::Map(pairs) = &node.value else { return true };
    let (version, kind) = typed.unwrap_or_default();
    let version = field_text(pairs, "apiVersion").unwrap_or(version);
    match field_text(pairs, "kind").unwrap_or(kind) {
        "" => true,
        kind => kind.ends_with("List") || !kinds::is_known(version, kind) || kind == "NetworkPolicy",
    }
}

/// Reads one object, or the objects of a list, and notes in each problem on the way what it is about.
fn object(walk: &mut Walk, node: &Node, path: Path, default_namespace: &str, typed: Option<(&str, &str)>) {
    let before = walk.reading.problems.len();
    read_object(walk, node, path, default_namespace, typed);
    for problem in walk.reading.problems.iter_mut().skip(before).filter(|problem| problem.object.is_none()) {
        problem.is_policy = may_be_policy(node, typed);
        problem.object = Some(called(node, typed));
    }
}

/// An object as it is called in a message.
fn called(node: &Node, typed: Option<(&str, &str)>) -> String {
    let Value::Map(pairs) = &node.value else { return "an object".to_owned() };
    let kind = field_text(pairs, "kind").or(typed.map(|(_, kind)| kind)).unwrap_or("an object");
    let namespace = metadata_text(pairs, "namespace").filter(|namespace| !namespace.is_empty());
    let slash = if namespace.is_some() { "/" } else { "" };
    let name = metadata_text(pairs, "name").unwrap_or_default();
    shortened(format!("{kind} {}{slash}{name}", namespace.unwrap_or_default()).trim_end()).into_owned()
}

/// Reads one object, or the objects of a list. The items of a typed list need not say what they are: `typed` says it,
/// the version and the kind.
fn read_object(walk: &mut Walk, node: &Node, path: Path, default_namespace: &str, typed: Option<(&str, &str)>) {
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
    let of_list = kind.strip_suffix("List").filter(|item| {
        let is_ours = kinds::is_known(version, item) || is_unmodelled(version, item);
        // The API server gives lists of every kind so.
        is_ours
            || (!kinds::is_mistaken(version, kind)
                && matches!(fields(pairs, "items").next(), Some(Node { value: Value::List(_), .. })))
    });
    if (version, kind) == ("v1", "List") || of_list.is_some() {
        let Some(list) = walk.object(node, path, &["apiVersion", "kind", "metadata", "items"]) else { return };
        walk.list(list.get("items"), path.field("items"), |walk, item, path| {
            object(walk, item, path, default_namespace, of_list.map(|item| (version, item)));
            Some(())
        });
        return;
    }
    match kinds::known(version, kind) {
        Some(Known::Policy) => {
            let policy = policy::policy(walk, node, path, default_namespace);
            walk.reading.policies.extend(policy);
        }
        Some(Known::Workload(kind)) => workload::workload(walk, node, path, (version, kind), default_namespace),
        Some(Known::Namespace) => workload::namespace(walk, node, path),
        Some(Known::Service) => service::service(walk, node, path, default_namespace),
        Some(Known::Ingress) => service::ingress(walk, node, path, default_namespace),
        None if is_unmodelled(version, kind) && !kinds::is_mistaken(version, kind) => {
            let text = |name| metadata_text(pairs, name).unwrap_or_default().to_owned();
            let (namespace, name) = (text("namespace"), text("name"));
            let found =
                Unmodelled { kind: kind.to_owned(), api_version: version.to_owned(), namespace, name, span: None };
            let at = metadata_field(pairs, "name").and_then(|name| name.at).or(node.at);
            walk.found(at, at, Object::Unmodelled(found));
        }
        None if kinds::is_mistaken(version, kind) => {
            let field = |name| fields(pairs, name).next();
            let at = field("apiVersion").filter(|_| kinds::is_kind(kind)).or(field("kind")).unwrap_or(node);
            let hint = kinds::meant(version, kind);
            walk.refuse(at, path, format!("no matches for kind {kind:?} in version {version:?}{hint}"));
        }
        None => {
            if let Some(found) = custom::runner(node, (version, kind), default_namespace) {
                walk.reading.objects.push(found);
            }
            if let Some(scaler) = number::scaler(pairs, default_namespace) {
                walk.found(None, None, Object::Scaler(scaler));
            }
            for found in place::read(version, kind, node, default_namespace) {
                walk.found(None, None, found);
            }
            walk.reading.ignored.push(Ignored {
                at: node.at,
                api_version: version.to_owned(),
                kind: kind.to_owned(),
                name: metadata_text(pairs, "name").unwrap_or_default().to_owned(),
            });
        }
    }
}

fn fields<'n, 'a>(pairs: &'n [(Node<'a>, Node<'a>)], name: &str) -> impl Iterator<Item = &'n Node<'a>> {
    let named = pairs.iter().filter(move |(key, _)| matches!(&key.value, Value::Text(text) if text == name));
    named.map(|(_, value)| value)
}

/// The text of a field; what is empty is as good as missing.
fn field_text<'n>(pairs: &'n [(Node, Node)], name: &str) -> Option<&'n str> {
    match &fields(pairs, name).next()?.value {
        Value::Text(text) => Some(&**text).filter(|text| !text.is_empty()),
        _ => None,
    }
}

fn metadata_field<'n, 'a>(pairs: &'n [(Node<'a>, Node<'a>)], name: &str) -> Option<&'n Node<'a>> {
    match &fields(pairs, "metadata").next()?.value {
        Value::Map(metadata) => fields(metadata, name).next(),
        _ => None,
    }
}

fn metadata_text<'n>(pairs: &'n [(Node, Node)], name: &str) -> Option<&'n str> {
    match &metadata_field(pairs, name)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_read_as_deep_as_parsing_is_quick() {
        let told = |depth: usize| {
            let text = format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
            read(&text, "default").problems.into_iter().any(|problem| problem.reason.contains("more than 500 brackets"))
        };
        assert_eq!([500, 501].map(told), [false, true]);
    }

    #[test]
    fn values_are_counted_for_each_document() {
        let of = |items: usize| format!("---\n{}", "-\n".repeat(items));
        assert_eq!(too_much(&of(700_000).repeat(2)), None);
        assert!(too_much(&of(750_000)).is_some_and(|reason| reason.starts_with("one YAML document has more than")));
    }
}
