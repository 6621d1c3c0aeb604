//! Environments: other names and addresses for the same flows.

use super::resolve::{Resolver, is_dns_label, shorten};
use super::{Endpoint, Entity, NamespaceId, NamespaceKind, Role};
use crate::diag::{Code, Diagnostic, closest};
use crate::source::Span;
use crate::syntax::{EndpointRef, Name, Node, NodeKind, RenameDecl};
use std::collections::BTreeMap;
use std::sync::Arc;

impl<'a> Resolver<'a> {
    /// Finds the environment to compile for.
    pub(super) fn find_environment(&mut self, wanted: Option<&str>) {
        let mut known: BTreeMap<&'a str, Span> = BTreeMap::new();
        for member in self.top.clone() {
            let NodeKind::Environment { name, entries } = &member.node.kind else { continue };
            self.check_name(*name);
            let text = self.name(*name);
            if let Some(earlier) = known.get(text) {
                let diagnostic =
                    Diagnostic::new(Code::E0107, name.span, format!("environment `{text}` is declared twice"))
                        .with_label(*earlier, "first declared here")
                        .with_help("put all its entries into one block");
                self.report(diagnostic);
                continue;
            }
            known.insert(text, name.span);
            if wanted == Some(text) {
                self.environment = Some(entries);
            }
        }
        if let (Some(wanted), None) = (wanted, self.environment) {
            let help = match closest(wanted, known.keys().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None if known.is_empty() => {
                    format!("the program declares none: `environment {} {{ ... }}`", shorten(wanted))
                }
                None => format!("the program declares {}", known.keys().copied().collect::<Vec<_>>().join(", ")),
            };
            self.report(
                Diagnostic::about(Code::E0110, format!("unknown environment `{}`", shorten(wanted))).with_help(help),
            );
        }
    }

    /// Checks all environments, and puts the chosen one's names and addresses in.
    pub(super) fn apply_environment(&mut self) {
        for member in self.top.clone() {
            let NodeKind::Environment { entries, .. } = &member.node.kind else { continue };
            let chosen = self.environment.is_some_and(|chosen| std::ptr::eq(chosen, entries.as_slice()));
            let mut seen = BTreeMap::new();
            for node in entries {
                self.environment_entry(node, chosen, &mut seen);
            }
            self.check_renames(entries);
        }
    }

    fn environment_entry(&mut self, node: &'a Node, chosen: bool, seen: &mut BTreeMap<Replaced, Span>) {
        let replaced = match &node.kind {
            NodeKind::RenameNamespace(rename) => self.rename(rename, chosen).map(Replaced::Namespace),
            NodeKind::Cidr(cidr) => {
                let endpoint = self.find_replaced(&cidr.name, "cidr", |endpoint| matches!(endpoint, Endpoint::Cidr(_)));
                let blocks = self.blocks(&cidr.blocks, &cidr.except);
                if let (Some(Endpoint::Cidr(id)), true) = (endpoint, chosen) {
                    self.model.cidrs[id].blocks = blocks;
                }
                endpoint.map(Replaced::Endpoint)
            }
            NodeKind::Fqdn(fqdn) => {
                let endpoint = self.find_replaced(&fqdn.name, "fqdn", |endpoint| matches!(endpoint, Endpoint::Fqdn(_)));
                let names = self.dns_names(&fqdn.names);
                if let (Some(Endpoint::Fqdn(id)), true) = (endpoint, chosen) {
                    self.model.fqdns[id].names = names;
                }
                endpoint.map(Replaced::Endpoint)
            }
            _ => None,
        };
        let Some(replaced) = replaced else { return };
        if let Some(earlier) = seen.insert(replaced, node.span) {
            self.report(
                Diagnostic::new(Code::E0115, node.span, "this is replaced twice in one environment")
                    .with_label(earlier, "first replaced here")
                    .with_help("keep one of them"),
            );
        }
    }

    fn rename(&mut self, rename: &'a RenameDecl, chosen: bool) -> Option<NamespaceId> {
        let RenameDecl { from, to, labels } = rename;
        let (from, to) = (*from, *to);
        let text = self.name(from);
        let Some(declared) = self.scopes.namespaces.get(None, text).cloned() else {
            if self.unreadable.contains(text) {
                return None;
            }
            let known = closest(text, self.scopes.namespaces.names(None).into_iter());
            let help = match known {
                Some(known) => format!("did you mean `{known}`?"),
                None => "an environment can only rename what the program declares".to_owned(),
            };
            let message = format!("the program has no namespace `{}` to rename", shorten(text));
            self.report(Diagnostic::new(Code::E0111, from.span, message).with_help(help).with_mends(from.span, known));
            return None;
        };
        self.note(from.span, Entity::Namespace(declared.value), Role::Names);
        let valid = self.check_name(to);
        let stated = self.labels_of_rename(self.text(to.span), labels.as_ref());
        let namespace = &mut self.model.namespaces[declared.value];
        if let (NamespaceKind::External(None), Some(labels)) = (&namespace.kind, labels) {
            let message =
                format!("namespace `{text}` is of others: what labels it has is not for this program to state");
            self.report(
                Diagnostic::new(Code::E0225, labels.span, message)
                    .with_label(declared.span, "declared here")
                    .with_help("leave the labels out")
                    .with_mend(self.with_blanks_before(labels.span), ""),
            );
            return Some(declared.value);
        }
        if matches!(namespace.kind, NamespaceKind::External(Some(_))) {
            self.report(
                Diagnostic::new(
                    Code::E0111,
                    from.span,
                    format!("namespace `{text}` is known by its labels, not by its name"),
                )
                .with_label(declared.span, "declared here")
                .with_help("give the namespaces of this environment the same labels"),
            );
            return None;
        }
        if valid && chosen {
            namespace.name = self.sources.text(to.span).into();
            self.set_labels(declared.value, &stated);
        }
        Some(declared.value)
    }

    fn find_replaced(
        &mut self,
        reference: &EndpointRef,
        what: &str,
        fits: impl Fn(Endpoint) -> bool,
    ) -> Option<Endpoint> {
        let name = reference.name()?;
        let text = self.name(name);
        let scope = match reference.namespace() {
            Some(namespace) => Some(self.find_namespace(namespace)?),
            None => None,
        };
        let found = self.scopes.endpoints.get(scope, text).map(|declared| declared.value);
        if let Some(endpoint) = found.filter(|endpoint| fits(*endpoint)) {
            self.note(name.span, Entity::Endpoint(endpoint), Role::Names);
            return Some(endpoint);
        }
        if self.unreadable.contains(text) {
            return None;
        }
        let ids = (0..self.model.namespaces.len()).map(NamespaceId::at);
        let elsewhere = ids
            .filter(|id| self.scopes.endpoints.get(Some(*id), text).is_some_and(|declared| fits(declared.value)))
            .filter_map(|id| self.model.namespace(id))
            .map(|namespace| format!("{}/{text}", namespace.declared))
            .next();
        let fitting = |name: &&str| self.scopes.endpoints.get(scope, name).is_some_and(|declared| fits(declared.value));
        let known: Vec<&str> = self.scopes.endpoints.names(scope).into_iter().filter(fitting).collect();
        let global = self.scopes.endpoints.get(None, text).is_some_and(|declared| fits(declared.value));
        let (help, mend) = match (reference.namespace(), elsewhere, closest(text, known.into_iter())) {
            (Some(_), _, _) if global => {
                (format!("it belongs to no namespace: `{what} {text} = ...`"), Some((reference.span, text.to_owned())))
            }
            (_, Some(path), _) => {
                let help = if reference.namespace().is_some() { "another namespace" } else { "a namespace" };
                (format!("it belongs to {help}: `{what} {path} = ...`"), Some((reference.span, path)))
            }
            (_, None, Some(known)) => (format!("did you mean `{known}`?"), Some((name.span, known.to_owned()))),
            (Some(namespace), None, None) => {
                let help =
                    format!("declare it in namespace {} first: `{what} {} = ...`", self.name(namespace), shorten(text));
                (help, None)
            }
            (None, None, None) => (format!("declare it for the program first: `{what} {} = ...`", shorten(text)), None),
        };
        let message = format!("the program has no {what} `{}` to replace", shorten(self.text(reference.span)));
        let diagnostic = Diagnostic::new(Code::E0111, reference.span, message).with_help(help);
        self.report(match mend {
            Some((span, text)) => diagnostic.with_mend(span, text),
            None => diagnostic,
        });
        None
    }

    /// Two namespaces may not become one: their policies and their isolation would mix.
    fn check_renames(&mut self, entries: &'a [Node]) {
        let mut renamed: BTreeMap<Arc<str>, Name> = BTreeMap::new();
        for node in entries {
            if let NodeKind::RenameNamespace(rename) = &node.kind {
                renamed.entry(self.name(rename.from).into()).or_insert(rename.to);
            }
        }
        let mut taken: BTreeMap<&str, (Arc<str>, Span)> = BTreeMap::new();
        let mut clashes = Vec::new();
        // Of namespaces that are found by their labels the name is a word of the program only. Yet what is called alike
        // in policies and answers would be taken for the same.
        for namespace in &self.model.namespaces {
            let to = renamed.get(&namespace.declared).copied();
            let name = to.map_or_else(|| self.sources.text(namespace.span), |to| self.sources.text(to.span));
            let span = to.map_or(namespace.span, |to| to.span);
            if let Some((other, earlier)) = taken.get(name) {
                clashes.push((name, namespace.declared.clone(), span, other.clone(), *earlier));
            } else if is_dns_label(name) {
                taken.insert(name, (namespace.declared.clone(), span));
            }
        }
        for (name, one, span, other, earlier) in clashes {
            let (here, there) = if self.is_built_in(span) { (earlier, span) } else { (span, earlier) };
            self.report(
                Diagnostic::new(Code::E0112, here, format!("namespaces `{other}` and `{one}` would both be `{name}`"))
                    .with_label(there, "the other one")
                    .with_help("give each namespace a name of its own"),
            );
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Replaced {
    Namespace(NamespaceId),
    Endpoint(Endpoint),
}
