//! Manifests that somebody wrote or a cluster gave: their policies and what runs.

mod around;
mod cluster_policies;
mod given_text;
mod inputs;
mod live;
mod loading;
mod mentions;
mod passed;
mod patches;
mod said;
mod twice;
mod unsure;

use super::load::Named;
use super::metadata::MetadataKeys;
use super::system::FileSystem;
use crate::cluster::{Cluster, DeployHint, Whole};
use crate::diag::{Code, Diagnostic};
use crate::k8s::{self, Reading};
use crate::netpol::{ClusterPolicy, Policy, PolicySet, Written};
use crate::source::{Sources, Span};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the names of manifests end in.
pub const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// Policies and what runs, out of manifests.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The texts.
    pub sources: Sources,
    /// The policies, sorted by namespace and name. Two of one name are both there when they do not say the same; then
    /// there is an error, too.
    pub policies: PolicySet,
    /// Where the name of each policy stands, in the order of the policies.
    pub policy_spans: Vec<Option<Span>>,
    /// How each policy is written, in the order of the policies.
    pub written: Vec<Written<Span>>,
    /// The keys of the labels and of the annotations of each policy, in the order of the policies.
    pub policy_keys: Vec<MetadataKeys>,
    /// The policies of the whole cluster, where the reader takes them and it is known what runs.
    pub cluster_policies: Vec<ClusterPolicy>,
    /// Where the name of each of them stands.
    pub cluster_policy_spans: Vec<Option<Span>>,
    /// What runs.
    pub cluster: Cluster,
    /// What objects say of whom pods may talk to, in the order of the texts, where the reader wants it.
    pub hints: Vec<DeployHint>,
    /// What is wrong, and what makes every answer incomplete.
    pub diagnostics: Vec<Diagnostic>,
    /// What answers lack, in the order of the texts. Each is among the diagnostics, too.
    pub unread: Vec<Unread>,
    /// What may surprise, in the order of the texts.
    pub remarks: Vec<Remark>,
    /// What is told of what was named and holds nothing: an empty file, a folder without manifests.
    pub empty: Vec<String>,
    /// What is told of what was passed over or is not all that there is, a sentence each.
    pub notes: Vec<String>,
    /// The policies inside of other objects, such as those that generate them. They are not among the policies, and count
    /// in no answer.
    pub inside: Vec<(Policy, Option<Span>, Written<Span>)>,
    /// The objects of kinds that others made, of which operators may make pods that are not given.
    pub of_operators: Vec<OfOperator>,
    /// The namespaces with policies that stand in several variants, of which a cluster gets one.
    pub variants: BTreeSet<Arc<str>>,
    /// The same of what else is in a namespace.
    pub varying: BTreeSet<Arc<str>>,
    /// The files that are UTF-16 and not UTF-8: they are read, and not written.
    pub wide: BTreeSet<String>,
    /// How many files there are, with those that cannot be read.
    pub file_count: usize,
    /// How many documents and objects of folders are none for Kubernetes, and are passed over.
    pub passed_over: usize,
    /// The folders and files that a change can come from.
    pub places: Vec<PathBuf>,
}

/// An object of a kind that Kubernetes does not have itself, and that holds no template of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfOperator {
    /// `kind`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl OfOperator {
    /// Whether it goes by this name: with or without its namespace and what it is.
    pub fn is_called(&self, text: &str) -> bool {
        let text = text.strip_prefix(&*self.namespace).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
        let rest = text.strip_prefix(&*self.name);
        rest.is_some_and(|rest| rest.is_empty() || rest == format!("[{}]", self.kind))
    }
}

/// What could not be read, so that answers lack it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What it is, as in `NetworkPolicy shop/web`, as far as that is known, and what is wrong with it.
    pub what: String,
    /// Why, in the words of Kubernetes.
    pub reason: String,
    /// The path of its text or folder.
    pub path: String,
    /// The line there, from 1; 0 where it is all of it.
    pub line: usize,
    /// Whether it is a NetworkPolicy, or may be one for all that is known: then nobody can be sure of any answer.
    pub is_policy: bool,
    /// The policy that it is, as `namespace/name`, as far as that is known.
    pub policy: Option<String>,
    /// Whether it was read, and another one of its name that does not say the same.
    pub twice: bool,
}

/// Which command reads manifests, where messages say how to give it some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    /// Its name.
    pub command: &'static str,
    /// What it does with them.
    pub does: &'static str,
    /// Whether it wants to know what objects say of whom pods may talk to.
    pub wants_hints: bool,
    /// Whether policies of other kinds count like NetworkPolicies, as far as they are understood.
    pub takes_foreign: bool,
    /// Whether those of the whole cluster do, where it is known what runs.
    pub takes_cluster_policies: bool,
}

impl Reader {
    /// What reads a text for it.
    pub(super) fn reading(self) -> fn(&str, &str) -> Reading {
        match (self.wants_hints, self.takes_foreign) {
            (true, _) => k8s::read_with_hints,
            (false, true) => k8s::read_with_foreign,
            (false, false) => k8s::read,
        }
    }

    /// For `lint`, and for what answers questions about policies.
    pub(super) const LINT: Reader = Reader {
        command: "polder lint",
        does: "checks",
        wants_hints: false,
        takes_foreign: true,
        takes_cluster_policies: false,
    };
    /// For what runs beside a program, whose policies are those that count.
    const RUNS: Reader = Reader { takes_foreign: false, ..Reader::LINT };
    pub(super) const IMPORT: Reader =
        Reader { command: "polder import", does: "imports", takes_foreign: false, ..Reader::LINT };
    pub(super) const INIT: Reader = Reader {
        command: "polder init --from",
        does: "reads",
        wants_hints: true,
        takes_foreign: false,
        ..Reader::LINT
    };
}

/// Something that stops nothing: a field without effect, a document that is not for Kubernetes, a policy given twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The place.
    pub span: Span,
    /// The field, as in `spec.ingress`; empty when it is about the whole document.
    pub path: String,
    /// What there is to know.
    pub reason: String,
}

impl Manifests {
    /// Reads what was named, seen from the absolute path `folder`: files, folders with the `.yaml`, `.yml` and `.json`
    /// files below them, standard input. Objects that name no namespace are in `default_namespace`. Never fails: what
    /// is wrong is among the diagnostics, and what has a mistake is left out.
    ///
    /// In a folder, what is not for Kubernetes at all, or is no object that a cluster gets, is passed over and counted, and so are
    /// templates that something else has to render and parts of kustomizations; both are told in a line. In a file that was named itself they are
    /// mistakes.
    pub fn load(system: &dyn FileSystem, folder: &Path, named: &[Named], default_namespace: &str) -> Manifests {
        Self::load_for(Reader::LINT, Sources::default(), system, folder, named, default_namespace)
    }

    /// The same of what runs beside policies from elsewhere, with the texts added to `sources`, so that one report can show
    /// places of both. Policies of Cilium's kind count as objects that are not understood.
    pub fn load_beside(
        sources: Sources,
        system: &dyn FileSystem,
        folder: &Path,
        named: &[Named],
        default_namespace: &str,
    ) -> Manifests {
        Self::load_for(Reader::RUNS, sources, system, folder, named, default_namespace)
    }

    /// The same, for a command that what has to be rendered first can be given to.
    pub(super) fn load_for(
        reader: Reader,
        sources: Sources,
        system: &dyn FileSystem,
        folder: &Path,
        named: &[Named],
        default_namespace: &str,
    ) -> Manifests {
        loading::load(Manifests { sources, ..Manifests::default() }, system, folder, named, default_namespace, reader)
    }

    /// The same, where somebody says that it is all that there is: all Namespaces, and all that runs.
    #[must_use]
    pub fn as_a_whole(mut self) -> Manifests {
        if !self.cluster.is_live() {
            self.cluster.whole = Whole::said();
        }
        self
    }

    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code.stops())
    }

    /// Whether something is so wrong that there must be no answer: a whole text could not be read, or nothing at all. An
    /// object that could not be read only takes itself away.
    pub fn has_no_answer(&self) -> bool {
        let own_part = |code: Code| matches!(code, Code::E0501 | Code::E0503);
        let mut errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.code.stops());
        let is_nothing = self.policies.policies.is_empty() && self.cluster.holds_nothing();
        errors.any(|error| is_nothing || !own_part(error.code))
    }

    /// Whether a NetworkPolicy could not be read, or what may be one.
    pub fn lacks_policies(&self) -> bool {
        self.unread.iter().any(|unread| unread.is_policy)
    }
}
