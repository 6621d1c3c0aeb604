//! Objects that were given twice.

use super::loading::Loaded;
use super::{Manifests, Remark, Unread};
use crate::cluster::Conflict;
use crate::diag::{Code, Diagnostic};
use crate::net::NAMESPACE_NAME;
use crate::netpol::{Peer, Policy};
use crate::session::path::shell_word;
use crate::source::{Sources, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A policy is held against so many others of its name.
const MOST_OF_ONE_NAME: usize = 100;

/// What is said behind an object that could not be read.
pub(super) const UNREADABLE: &str = " could not be read";

impl Manifests {
    /// Takes note of what answers lack.
    pub(super) fn lack(&mut self, (what, reason): (String, String), span: Option<Span>, is_policy: bool, twice: bool) {
        let file = span.and_then(|span| Some((self.sources.file(span.file)?, span)));
        let (path, line) =
            file.map_or((String::new(), 0), |(file, span)| (file.path.clone(), file.position(span.start).line));
        let named = what.strip_prefix("NetworkPolicy ").and_then(|rest| rest.strip_suffix(UNREADABLE));
        let policy = named.filter(|_| is_policy).map(str::to_owned);
        self.unread.push(Unread { what, reason, path, line, is_policy, policy, twice });
    }

    /// Tells of objects that do not say the same. Those in several folders are told once: they are variants, of which a
    /// cluster gets one.
    pub(super) fn conflicts(&mut self, policies: &[Conflict], objects: &[Conflict]) {
        let mut variants = Vec::new();
        for (conflict, is_policy) in both(policies, objects) {
            if is_variant(&self.sources, conflict, is_policy) {
                let namespaces = if is_policy { &mut self.variants } else { &mut self.varying };
                namespaces.insert(conflict.namespace.clone());
                variants.push((conflict, is_policy));
            } else {
                let diagnostic = twice(conflict);
                let count = if is_policy { "; here both count" } else { "" };
                let reason = diagnostic.message.clone();
                self.lack((format!("{reason}{count}"), reason), diagnostic.primary(), is_policy, true);
                self.diagnostics.push(diagnostic);
            }
        }
        self.variants.iter().for_each(|name| self.cluster.unread.policies.add(Some(name)));
        let touched = Touched::new(&self.policies.policies);
        let first = variants.iter().find(|(conflict, is_policy)| *is_policy || touched.has(conflict));
        if let Some((conflict, _)) = first.or(variants.first()) {
            let diagnostic = several(&self.sources, conflict, variants.len() - 1);
            let diagnostic = if first.is_some() { diagnostic } else { diagnostic.as_note() };
            let said = (diagnostic.message.clone(), diagnostic.message.clone());
            self.lack(said, diagnostic.primary(), !self.variants.is_empty(), true);
            self.diagnostics.push(diagnostic);
        }
    }

    /// Adds a policy that comes after those that are there, and says when one of its name says something else.
    pub(super) fn add_policy(&mut self, (policy, span, written, keys): Loaded) -> Option<Conflict> {
        let key = |one: &Policy| (one.namespace.clone(), one.name.clone(), one.kind);
        let same_name = |one: &&Policy| key(one) == key(&policy);
        let before = self.policies.policies.iter().rev().take_while(same_name).take(MOST_OF_ONE_NAME);
        let mut conflict = None;
        for (before, first) in before.zip(self.policy_spans.iter().rev()) {
            let same = (&before.subject, &before.ingress, &before.egress)
                == (&policy.subject, &policy.ingress, &policy.egress);
            if same {
                let reason = "this policy was given before, and says the same".to_owned();
                self.remarks.extend(span.map(|span| Remark { span, path: String::new(), reason }));
                return None;
            }
            conflict.get_or_insert(Conflict {
                kind: policy.kind.object().into(),
                namespace: policy.namespace.clone(),
                name: Arc::from(&*policy.name),
                first: *first,
                second: span,
            });
        }
        self.policies.policies.push(policy);
        self.policy_spans.push(span);
        self.written.push(written);
        self.policy_keys.push(keys);
        conflict
    }
}

/// The namespaces in which it matters to policies what an object says.
struct Touched<'p> {
    namespaces: BTreeSet<&'p str>,
    /// Whether they ask for labels of namespaces.
    by_labels: bool,
}

impl<'p> Touched<'p> {
    fn new(policies: &'p [Policy]) -> Touched<'p> {
        let rules = policies.iter().flat_map(|policy| [&policy.ingress, &policy.egress]).flatten().flatten();
        let by_labels = rules.flat_map(|rule| &rule.peers).any(|peer| match peer {
            Peer::Pods { namespaces: Some(selector), .. } => selector.keys().any(|key| &**key != NAMESPACE_NAME),
            Peer::Pods { namespaces: None, .. } | Peer::Block(_) | Peer::Unlisted(_) => false,
        });
        Touched { namespaces: policies.iter().map(|policy| &*policy.namespace).collect(), by_labels }
    }

    fn has(&self, conflict: &Conflict) -> bool {
        match &*conflict.kind {
            "Namespace" => self.by_labels || self.namespaces.contains(&*conflict.name),
            _ => self.namespaces.contains(&*conflict.namespace),
        }
    }
}

fn both<'c>(policies: &'c [Conflict], objects: &'c [Conflict]) -> impl Iterator<Item = (&'c Conflict, bool)> {
    policies.iter().map(|one| (one, true)).chain(objects.iter().map(|one| (one, false)))
}

/// The folder and the name of the file that something stands in.
fn place(sources: &Sources, span: Option<Span>) -> Option<(&str, &str)> {
    let path = &sources.file(span?.file)?.path;
    Some(path.rsplit_once('/').unwrap_or((".", path)))
}

/// Whether two objects of one name stand in different folders. What runs may do so in different files, for policies are
/// what counts.
fn is_variant(sources: &Sources, conflict: &Conflict, is_policy: bool) -> bool {
    let places = (place(sources, conflict.first), place(sources, conflict.second));
    let (Some((one, file)), Some((other, another))) = places else { return false };
    one != other || (!is_policy && file != another)
}

fn called(conflict: &Conflict) -> String {
    let Conflict { kind, namespace, name, .. } = conflict;
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{kind} {namespace}{slash}{name}")
}

fn twice(conflict: &Conflict) -> Diagnostic {
    let message = format!("{} is declared twice, and not the same", called(conflict));
    let diagnostic = labelled(Diagnostic::about(Code::E0503, message), conflict, "declared again here");
    diagnostic.with_help("Kubernetes would keep whichever is applied last; remove or rename one of them")
}

fn labelled(diagnostic: Diagnostic, conflict: &Conflict, again: &str) -> Diagnostic {
    let labels = [(conflict.second, again), (conflict.first, "declared first here")];
    let labels = labels.into_iter().filter_map(|(span, text)| Some((span?, text)));
    labels.fold(diagnostic, |diagnostic, (span, text)| diagnostic.with_label(span, text))
}

/// W0103: the same objects in several files.
fn several(sources: &Sources, first: &Conflict, more: usize) -> Diagnostic {
    let and = match more {
        0 => String::new(),
        1 => " and 1 more object".to_owned(),
        more => format!(" and {more} more objects"),
    };
    let message = format!("several files do not agree on {}{and}, and look like variants", called(first));
    let diagnostic = labelled(Diagnostic::about(Code::W0103, message), first, "and again here");
    let places = [first.first, first.second].map(|span| place(sources, span));
    let [Some((one, file)), Some((other, _))] = places else { return diagnostic };
    // The folder that does not hold the other one is the variant.
    let path = match (one == other, format!("{other}/").starts_with(&format!("{one}/")) || one == ".") {
        (true, _) if one == "." => file.to_owned(),
        (true, _) => format!("{one}/{file}"),
        (false, true) => other.to_owned(),
        (false, false) => one.to_owned(),
    };
    diagnostic.with_help(format!("a cluster gets one of them: name it, as in `polder lint {}`", shell_word(&path)))
}
