//! Names that nothing has, and what was probably meant by them.

use super::resolve::{Resolver, is_dns_label, shorten};
use super::scope::NameScope;
use super::{BuiltIn, Endpoint, NamespaceId, catalogue};
use crate::diag::{Code, Diagnostic};
use crate::syntax::{EndpointRef, Name, PortsExpr, usual_port_name};
use std::sync::Arc;

impl Resolver<'_> {
    /// Reports a name of `ports` that is none; whether it is one. It has to hold a letter: a flow that names a number means that number.
    pub(super) fn check_port_name(&mut self, name: Name, ports: &PortsExpr, is_set: bool) -> bool {
        let text = self.name(name);
        if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') || !is_dns_label(text) {
            return self.check_name(name);
        }
        let served = self.text(ports.span);
        let number = served
            .trim_start_matches(['{', ' '])
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .filter(|number| !number.is_empty());
        let suggestion = usual_port_name(number.unwrap_or(text));
        let written = if is_set { format!("ports {suggestion} = {served}") } else { format!("{suggestion}: {served}") };
        self.unreadable.insert(text.into());
        self.report(
            Diagnostic::new(Code::E0006, name.span, format!("`{text}` is a number where the name of a port belongs"))
                .with_help(format!("a name has a letter, and the number behind it is that of the pods: `{written}`"))
                .with_mend(name.span, suggestion),
        );
        false
    }

    /// Whether `backend/8080` stands where `backend:8080` is meant.
    pub(super) fn is_port_behind_slash(&self, scope: NameScope, reference: &EndpointRef) -> bool {
        let (Some(endpoint), Some(port)) = (reference.namespace(), reference.name()) else { return false };
        self.name(port).bytes().all(|byte| byte.is_ascii_digit())
            && self.scopes.namespaces.get(None, self.name(endpoint)).is_none()
            && self.scopes.endpoints.find(scope, self.name(endpoint)).is_some()
    }

    pub(super) fn report_unknown_endpoint(
        &mut self,
        scope: NameScope,
        owner: NameScope,
        reference: &EndpointRef,
        name: Name,
    ) {
        let text = self.name(name);
        let place = owner.and_then(|id| self.model.namespace(id)).map(|namespace| namespace.declared.clone());
        let message = match &place {
            Some(namespace) => format!("namespace `{namespace}` declares no tier, group or cidr `{}`", shorten(text)),
            None => format!("unknown tier, group, cidr or fqdn `{}`", shorten(text)),
        };
        let candidates = |this: &Self| {
            let mut candidates = this.scopes.endpoints.names(owner.or(scope));
            if owner.is_none() {
                candidates.extend(this.scopes.endpoints.names(None));
                // `api` is more likely a tier that is missing than the API server.
                let near = |name: &&str| name.len().abs_diff(text.len()) <= 2;
                candidates.extend(BuiltIn::ALL.map(BuiltIn::word).iter().copied().filter(near));
            }
            candidates
        };
        let elsewhere = self.namespaces_with(text);
        let in_braces = reference.shared_namespace().is_some();
        // The very name in another namespace is meant rather than one that only looks like it.
        let known = if owner.is_some() || elsewhere.is_empty() { self.closest(text, candidates) } else { None };
        let (help, mends) = match (known, elsewhere.as_slice()) {
            (Some(known), _) => {
                let path = place.as_ref().map_or_else(|| known.to_owned(), |place| format!("{place}/{known}"));
                let help = format!("did you mean `{path}`?");
                (help, vec![if in_braces { known.to_owned() } else { path }])
            }
            (None, [namespace, ..]) => {
                // In the braces of one namespace, another one cannot be named.
                let holders = elsewhere.iter().filter(|_| !in_braces);
                let mends = holders.map(|namespace| format!("{namespace}/{text}")).collect();
                (format!("it is declared in another namespace: `{namespace}/{text}`"), mends)
            }
            (None, []) if self.scopes.namespaces.get(None, text).is_some() => {
                let mends = if in_braces { Vec::new() } else { vec![format!("{text}/*")] };
                (format!("it is a namespace: `{text}/*` means every pod of it"), mends)
            }
            (None, []) if reference.namespace().is_none() && catalogue::find(text).is_some() => (
                format!("the catalogue has a component of that name: write `use {text}`, and name its tier"),
                Vec::new(),
            ),
            (None, []) if let Some(meant) = built_in_meant(text).filter(|_| reference.namespace().is_none()) => {
                (format!("did you mean `{meant}`?"), vec![meant.to_owned()])
            }
            (None, []) if text == "dns" && place.is_none() => (
                "pods may ask for names unless their namespace has `dns none`; leave the flow out".to_owned(),
                Vec::new(),
            ),
            (None, []) => match &place {
                Some(namespace) => (format!("declare it in namespace {namespace}: `tier {text}`"), Vec::new()),
                None => (format!("declare it: `tier {text}` in its namespace, or `cidr {text} = ...`"), Vec::new()),
            },
        };
        let diagnostic = Diagnostic::new(Code::E0102, reference.span, message).with_help(help);
        self.report(diagnostic.with_mends(reference.span, mends));
    }

    /// What a name means of which only a tier of one namespace makes sense, without noting that it is used; one that nothing
    /// has is reported.
    pub(super) fn find_own_tier(&mut self, namespace: NamespaceId, name: Name) -> Option<Endpoint> {
        let text = self.name(name);
        let reference = EndpointRef::named(None, name);
        let is_known =
            self.scopes.endpoints.find(Some(namespace), text).is_some() || Endpoint::built_in(text).is_some();
        if is_known || self.unreadable.contains(text) {
            return self.find_endpoint(Some(namespace), &reference);
        }
        let place = self.model.namespace(namespace).map(|namespace| namespace.declared.clone()).unwrap_or_default();
        let known = self.closest(text, |this| this.scopes.endpoints.names(Some(namespace)));
        let help = match known {
            Some(known) => format!("did you mean `{known}`?"),
            None if ["all", "any", "everything", "everyone", "pods", "namespace"].contains(&text) => {
                "leave `for` and what follows out: the whole namespace is isolated then".to_owned()
            }
            None => format!("declare it in this namespace: `tier {text}`"),
        };
        let message = format!("namespace `{place}` declares no tier `{}`", shorten(text));
        self.report(Diagnostic::new(Code::E0102, name.span, message).with_help(help).with_mends(name.span, known));
        None
    }

    fn namespaces_with(&self, endpoint: &str) -> Vec<Arc<str>> {
        let ids = (0..self.model.namespaces.len()).map(NamespaceId::at);
        let holders = ids.filter(|id| self.scopes.endpoints.get(Some(*id), endpoint).is_some());
        holders.filter_map(|id| self.model.namespace(id)).map(|namespace| namespace.declared.clone()).collect()
    }
}

/// The built-in endpoint that a word of another language means.
fn built_in_meant(word: &str) -> Option<&'static str> {
    const WORDS: &[(&str, &str)] = &[
        ("any", "anywhere"),
        ("anyone", "anywhere"),
        ("anybody", "anywhere"),
        ("everyone", "anywhere"),
        ("everybody", "anywhere"),
        ("everything", "anywhere"),
        ("all", "cluster"),
        ("all-pods", "cluster"),
        ("pods", "cluster"),
        ("world", "internet"),
        ("public", "internet"),
        ("outside", "internet"),
        ("external", "internet"),
        ("www", "internet"),
        ("kube-apiserver", "apiserver"),
        ("api-server", "apiserver"),
        ("kubernetes", "apiserver"),
        ("control-plane", "apiserver"),
        ("node", "nodes"),
        ("host", "nodes"),
        ("hosts", "nodes"),
        ("kubelet", "nodes"),
    ];
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, meant)| *meant)
}
