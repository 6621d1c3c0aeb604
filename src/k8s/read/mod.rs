//! NetworkPolicies and what they apply to out of YAML or JSON, whoever wrote it.
//!
//! The reading is strict: what Kubernetes would refuse, drop or take for something else is a problem with a reason in
//! its own words, and the object is not read. A document is never read in another way than kubectl reads it.
//!
//! Of a policy every field is read. Of what runs only the names, labels, owners, ports and counts are, as strictly; the
//! rest of a pod's many fields may be anything.

mod block;
mod callers;
mod canonical;
mod cilium;
mod cluster_policy;
mod custom;
mod documents;
mod empty;
mod foreign;
mod hints;
mod inside;
mod json;
mod kinds;
mod kustomize;
mod merge;
mod metadata;
mod node;
mod number;
mod objects;
mod pattern;
mod place;
mod pod;
mod policy;
mod service;
mod syntax;
mod template;
mod unmodelled;
mod walk;
mod workload;

pub use canonical::{RereadPolicy, Rereader};
pub use cluster_policy::is_cluster_policy;
pub use kustomize::{Kustomization, kustomization};
pub use unmodelled::{changes_answers, may_change_answers};

use super::staged::is_staged;
use super::{DESCRIPTION, SOURCE};
use crate::cluster::{DeployHint, Object, Unmodelled};
use crate::netpol::{ClusterPolicy, Policy, Written};
use crate::parallel;
use node::{Seed, Value, YamlNode};
use objects::{is_foreign, object};
use std::cell::Cell;
use std::sync::Arc;
use walk::{Path, Walk};

/// The longest text that is read, in bytes.
pub const LONGEST_TEXT: usize = 512 * 1024 * 1024;

/// The longest text of YAML that is read. JSON takes less time and memory, and kubectl makes one document of a whole cluster.
const LONGEST_YAML: usize = 64 * 1024 * 1024;

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
    /// The policies inside of objects of other kinds, in the order of the text.
    pub inside: Vec<Inside>,
    /// The parameters of templates of OpenShift that have no value, in the order of the text. The names stand for them.
    pub unfilled: Vec<String>,
    /// What objects say of whom pods may talk to, in the order of the text; `None` where nobody asked.
    pub hints: Option<Vec<DeployHint>>,
    /// How many documents there are, without the empty ones.
    pub documents: usize,
    /// The policies of the whole cluster, in the order of the text, as far as they are understood and the reader wants them.
    pub cluster_policies: Vec<ReadClusterPolicy>,
    /// Whether policies of other kinds are among the policies, as far as they are understood.
    reads_foreign: bool,
}

/// A policy of the whole cluster that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadClusterPolicy {
    /// The offset of its name in the text, where known.
    pub at: Option<usize>,
    /// The policy.
    pub policy: ClusterPolicy,
    /// The object, for whoever cannot take it into account.
    pub object: Unmodelled,
}

/// A policy inside of another object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Where it begins, where known.
    pub at: Option<usize>,
    /// The object that it is in, as in `ClusterPolicy default-deny`.
    pub object: String,
    /// The policy, under a name and in a namespace that need not be its own; `None` where it could not be read.
    pub policy: Option<ReadPolicy>,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// The namespace that it is in, where that is sure.
    pub namespace: Option<Arc<str>>,
    /// Whether it is no policy, and no object that a cluster gets either: a part or a pattern of one, such as tests and programs
    /// have.
    pub is_pattern: bool,
    /// The same for all problems of one object, and for those of no other one.
    pub number: usize,
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
    /// `metadata.namespace`, or the one of objects that name none.
    pub namespace: String,
    /// `metadata.name`; empty when there is none.
    pub name: String,
}

impl Ignored {
    /// Whether it is of a kind that others made, of which an operator may make pods.
    pub fn is_of_operator(&self) -> bool {
        let group = kinds::group(&self.api_version);
        !self.is_staged() && group.contains('.') && !group.ends_with("k8s.io") && !self.name.is_empty()
    }
}

impl Ignored {
    /// Whether it only shows what a policy would do, and enforces nothing.
    pub fn is_staged(&self) -> bool {
        is_staged(&self.api_version, &self.kind)
    }
}

/// Reads every document of `text`. Objects that name no namespace are in `default_namespace`.
pub fn read(text: &str, default_namespace: &str) -> Reading {
    read_into(Reading::default(), text, default_namespace)
}

/// The same, where policies of other kinds count as well, as far as they are understood.
pub fn read_with_foreign(text: &str, default_namespace: &str) -> Reading {
    read_into(Reading { reads_foreign: true, ..Reading::default() }, text, default_namespace)
}

/// The same, with what objects say of whom pods may talk to.
pub fn read_with_hints(text: &str, default_namespace: &str) -> Reading {
    read_into(Reading { hints: Some(Vec::new()), ..Reading::default() }, text, default_namespace)
}

fn read_into(mut reading: Reading, text: &str, default_namespace: &str) -> Reading {
    // With a byte order mark in front, the parser's offsets would not be those of the text.
    let body = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if body.len() > LONGEST_TEXT {
        reading.problems.push(whole_text(None, format!("the text is longer than {LONGEST_TEXT} bytes")));
        return reading;
    }
    let (budget, refused) = (Cell::new(json::MOST_VALUES), Cell::new(false));
    let seed = Seed { text: body, budget: &budget, refused: &refused };
    let unparsed = match json::documents(seed) {
        Some((documents, mut problems)) => {
            for json::Document { node, items } in documents {
                document(&mut reading, body, &node, default_namespace);
                problems.extend(listed(&mut reading, body, &node, &items, default_namespace));
            }
            problems
        }
        None => yaml(seed, &mut |node: &YamlNode| document(&mut reading, body, node, default_namespace)),
    };
    reading.problems.extend(unparsed);
    let mark = text.len() - body.len();
    if mark > 0 {
        reading.move_by(mark);
    }
    reading
}

/// Reads one document.
fn document(reading: &mut Reading, text: &str, node: &YamlNode, default_namespace: &str) {
    let before = reading.problems.len();
    reading.documents += usize::from(node.value != Value::Null);
    object(&mut Walk::new(reading, text), node, Path::ROOT, default_namespace, None);
    if is_foreign(node) {
        reading.problems.iter_mut().skip(before).for_each(|problem| problem.foreign = true);
    }
}

/// Reads the items of a list in JSON, and says what could not be.
fn listed<'a>(
    reading: &mut Reading,
    whole: &'a str,
    list: &YamlNode,
    items: &[&'a str],
    default_namespace: &str,
) -> Vec<ReadProblem> {
    /// How many items are held as values at once.
    const AT_ONCE: usize = 512;
    /// Fewer are parsed sooner than a thread has begun with them.
    const LEAST: usize = 64;
    let Some(typed) = objects::items_of(list) else { return Vec::new() };
    let (root, mut problems) = (Path::ROOT, Vec::new());
    let path = root.field("items");
    let parsed = items.chunks(AT_ONCE).flat_map(|some| {
        let item = |text: &&'a str| json::item(whole, text);
        parallel::parts(some, LEAST, |part| part.iter().map(item).collect::<Vec<_>>()).into_iter().flatten()
    });
    for (index, item) in parsed.enumerate() {
        match item {
            Ok(node) if node.value == Value::Null => {
                objects::null_item(&mut Walk::new(reading, whole), list, path.index(index), default_namespace);
            }
            Ok(node) => {
                object(&mut Walk::new(reading, whole), &node, path.index(index), default_namespace, typed);
            }
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

/// Reads the documents of a text in YAML, and says what could not be.
fn yaml(seed: Seed<'_, '_>, document: &mut impl FnMut(&YamlNode)) -> Vec<ReadProblem> {
    if seed.text.len() > LONGEST_YAML {
        let reason = format!("the text is longer than {LONGEST_YAML} bytes; JSON may be longer");
        return vec![whole_text(None, reason)];
    }
    if let Some(reason) = documents::too_much(seed.text) {
        return vec![whole_text(None, reason)];
    }
    if let Some(at) = documents::directive(seed.text) {
        let reason = "a directive: kubectl and the API server refuse it, so leave the line out";
        return vec![whole_text(Some(at), reason)];
    }
    seed.budget.set(seed.text.len().saturating_mul(2).saturating_add(100_000));
    documents::yaml_documents(seed, document)
}

impl Reading {
    /// Moves all places.
    fn move_by(&mut self, mark: usize) {
        self.offsets().for_each(|at| *at += mark);
        let inside = self.inside.iter_mut().filter_map(|inside| inside.policy.as_mut());
        for policy in self.policies.iter_mut().chain(inside) {
            policy.written = std::mem::take(&mut policy.written).map(|at| at + mark);
        }
    }

    fn offsets(&mut self) -> impl Iterator<Item = &mut usize> {
        let problems =
            self.problems.iter_mut().chain(&mut self.warnings).chain(&mut self.remarks).map(|problem| &mut problem.at);
        let inside = self.inside.iter_mut().flat_map(|inside| {
            let policy = inside.policy.iter_mut().flat_map(|policy| [&mut policy.at, &mut policy.name_at]);
            policy.chain([&mut inside.at])
        });
        let policies = self.policies.iter_mut();
        let names = policies.flat_map(|policy| [&mut policy.at, &mut policy.name_at]);
        let objects = self.objects.iter_mut().flat_map(|object| [&mut object.at, &mut object.pods_at]);
        let of_cluster = self.cluster_policies.iter_mut().map(|policy| &mut policy.at);
        problems
            .chain(names)
            .chain(inside)
            .chain(objects)
            .chain(of_cluster)
            .chain(self.ignored.iter_mut().map(|object| &mut object.at))
            .flatten()
    }
}

fn whole_text(at: Option<usize>, reason: impl Into<String>) -> ReadProblem {
    ReadProblem { at, reason: reason.into(), is_policy: true, ..ReadProblem::default() }
}

fn fields<'n, 'a>(pairs: &'n [(YamlNode<'a>, YamlNode<'a>)], name: &str) -> impl Iterator<Item = &'n YamlNode<'a>> {
    let named = pairs.iter().filter(move |(key, _)| matches!(&key.value, Value::Text(text) if text == name));
    named.map(|(_, value)| value)
}

/// The text of a field; what is empty is as good as missing.
fn field_text<'n>(pairs: &'n [(YamlNode, YamlNode)], name: &str) -> Option<&'n str> {
    match &fields(pairs, name).next()?.value {
        Value::Text(text) => Some(&**text).filter(|text| !text.is_empty()),
        _ => None,
    }
}

fn metadata_field<'n, 'a>(pairs: &'n [(YamlNode<'a>, YamlNode<'a>)], name: &str) -> Option<&'n YamlNode<'a>> {
    match &fields(pairs, "metadata").next()?.value {
        Value::Map(metadata) => fields(metadata, name).next(),
        _ => None,
    }
}

fn metadata_text<'n>(pairs: &'n [(YamlNode, YamlNode)], name: &str) -> Option<&'n str> {
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
}
