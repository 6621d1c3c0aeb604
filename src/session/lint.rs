//! What is said of manifests that somebody else wrote.

use super::Manifests;
use crate::cluster::Unmodelled;
use crate::diag::{self, Allow, Code, Diagnostic, Levels, Report};
use crate::lint::{self, Input};
use crate::model::{ChosenCni, Cni, CniVersion};
use crate::netpol::{Policy, Written};
use crate::source::{FileId, Sources, Span};
use std::slice::from_ref;

/// Some of the policies, with where they stand and how they are written.
#[derive(Default)]
struct SomePolicies {
    policies: Vec<Policy>,
    names: Vec<Option<Span>>,
    written: Vec<Written<Span>>,
}

impl SomePolicies {
    fn parts(&self) -> (&[Policy], &[Option<Span>], &[Written<Span>]) {
        (&self.policies, &self.names, &self.written)
    }
}

impl Manifests {
    /// What is wrong with the manifests and what looks like a mistake in their policies, as the command line and the
    /// comments in them will have it. Where something could not be read, only what shows in each policy by itself is
    /// told. So it is of policies of namespaces in which there are variants of some, or that are inside of other objects. Without a version of the CNI, the oldest counts that its makers support.
    pub fn lint(&self, (cni, version): (Cni, Option<CniVersion>), levels: &Levels) -> Vec<Report> {
        let alone = self.some_policies(|policy| self.variants.contains(&policy.namespace));
        let others = match alone.policies.is_empty() {
            true => None,
            false => Some(self.some_policies(|policy| !self.variants.contains(&policy.namespace))),
        };
        let (policies, names, written) = match &others {
            Some(others) => others.parts(),
            None => (&*self.policies.policies, &*self.policy_spans, &*self.written),
        };
        let (cluster, cni) = (&self.cluster, ChosenCni { cni, version, span: None });
        let input = Input { policies, names, written, cluster, cni, varying: &self.varying, complete: self.is_read() };
        let mut diagnostics: Vec<Diagnostic> =
            self.diagnostics.iter().map(|diagnostic| self.as_of_policies(diagnostic)).collect();
        let first = self.policy_spans.first().copied().or(self.inside.first().map(|(_, name, _)| *name));
        diagnostics.extend(first.into_iter().flat_map(|name| lint::of_any_policy(input.cni, name)));
        diagnostics.extend(lint::lint(&input));
        let (policies, names, written) = alone.parts();
        diagnostics.extend(lint::lint(&Input { policies, names, written, complete: false, ..input }));
        for (policy, name, written) in &self.inside {
            let (policies, names, written) = (from_ref(policy), from_ref(name), from_ref(written));
            diagnostics.extend(lint::lint(&Input { policies, names, written, complete: false, ..input }));
        }
        diag::sort(&mut diagnostics, &self.sources);
        levels.apply(diagnostics, &allows(&self.sources))
    }

    /// The policies for which `is` says so.
    fn some_policies(&self, is: impl Fn(&Policy) -> bool) -> SomePolicies {
        let mut some = SomePolicies::default();
        let places = self.policy_spans.iter().zip(&self.written);
        for (policy, (name, written)) in self.policies.policies.iter().zip(places).filter(|(policy, _)| is(policy)) {
            some.policies.push(policy.clone());
            some.names.push(*name);
            some.written.push(written.clone());
        }
        some
    }

    /// What is wrong with the manifests, as it is told of policies: what lets nothing through that they close, such as an object of
    /// a mesh, is no mistake of theirs.
    fn as_of_policies(&self, diagnostic: &Diagnostic) -> Diagnostic {
        let is_it = |one: &Unmodelled| !one.may_allow() && one.span.is_some() && one.span == diagnostic.primary();
        match diagnostic.code == Code::W0101 && self.cluster.unmodelled.iter().any(is_it) {
            true => diagnostic.clone().as_note(),
            false => diagnostic.clone(),
        }
    }
}

/// The comments `# polder: allow(CODE)`, each about the next line that is neither a comment nor empty.
fn allows(sources: &Sources) -> Vec<Allow> {
    sources.files().flat_map(|(file, source)| allows_of(file, &source.text)).collect()
}

fn allows_of(file: FileId, text: &str) -> Vec<Allow> {
    let mut found = Vec::new();
    // Comments that stand above the next line.
    let mut open: Vec<(&str, Span)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let at = start + (line.len() - line.trim_start().len());
        let span = Span::new(file, at..at + content.len());
        start += line.len();
        if content.starts_with('#') {
            open.push((content, span));
        } else if !content.is_empty() {
            found.extend(open.drain(..).filter_map(|(comment, at)| Allow::read(comment, at, Some(span))));
        }
    }
    found.extend(open.into_iter().filter_map(|(comment, at)| Allow::read(comment, at, None)));
    found
}
