//! The stages of resolving, in order, and what they share.

use super::endpoint_set::EndpointSet;
use super::labels::Stated;
use super::scope::{NameScope, Scopes};
use super::{COMPONENTS, Endpoint, Entity, Model, NamespaceId, PortSetId, Role, Statement, Target, TierId, catalogue};
use crate::diag::{Code, Diagnostic, Label, closest};
use crate::net::Direction;
pub use crate::net::is_dns_label;
use crate::source::{FileId, Sources, Span};
use crate::syntax::{EndpointRef, Name, Node, NodeKind, Tree};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How to resolve.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The environment to compile for.
    pub environment: Option<String>,
    /// What to compile to.
    pub target: Target,
    /// Whether to note what each name refers to, in [`Model::references`].
    pub references: bool,
}

/// What resolving gives.
#[derive(Debug)]
pub struct Resolved {
    /// The model, whatever the program was.
    pub model: Model,
    /// What is wrong with the program.
    pub diagnostics: Vec<Diagnostic>,
}

/// Resolves a program: its trees, and those of the components that it uses (see [`super::COMPONENTS`]).
pub fn resolve(sources: &Sources, trees: &[Tree], options: &Options) -> Resolved {
    let mut resolver = Resolver::new(sources, options.target);
    resolver.wants_references = options.references;
    resolver.collect(trees);
    resolver.declare_namespaces();
    resolver.find_environment(options.environment.as_deref());
    resolver.read_platform();
    resolver.check_negative_namespaces();
    resolver.declare_all();
    resolver.check_uses(trees);
    resolver.apply_environment();
    resolver.resolve_groups();
    resolver.resolve_isolation();
    resolver.resolve_disjoint();
    resolver.resolve_dns();
    resolver.resolve_flows();
    resolver.finish_statements();
    resolver.check_flows_to_names();
    resolver.warn();
    resolver.sort_references();
    Resolved { model: resolver.model, diagnostics: resolver.diagnostics }
}

/// A statement with the place that it stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlacedStatement<'a> {
    pub scope: NameScope,
    pub node: &'a Node,
    /// Whether it came with a component of the catalogue.
    pub built_in: bool,
    /// Whether it is the statement before it once more, for another namespace of the same block.
    pub repeats: bool,
}

impl PlacedStatement<'_> {
    /// Whether it is about who may connect to whom.
    pub(super) fn is_flow(&self) -> bool {
        matches!(self.node.kind, NodeKind::Flow { .. } | NodeKind::Assertion(_))
    }
}

/// What the program refers to, for the warnings about the rest.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub endpoints: EndpointSet,
    pub port_sets: BTreeSet<PortSetId>,
}

pub(super) struct Resolver<'a> {
    pub sources: &'a Sources,
    pub model: Model,
    pub diagnostics: Vec<Diagnostic>,
    /// The places of those, by code: what is wrong in a block of several namespaces is said once.
    reported: FxHashSet<(Code, Span)>,
    /// How many mistakes were found that stop a build, with those that were said before.
    pub mistakes: usize,
    /// Whether the statement that is looked at was looked at for another namespace before.
    pub repeats: bool,
    pub scopes: Scopes<'a>,
    /// The blocks of namespaces, environments and so on, and the statements outside of them but for flows.
    pub top: Vec<PlacedStatement<'a>>,
    /// The statements inside namespaces but for flows.
    pub inner: Vec<PlacedStatement<'a>>,
    /// The flows and assertions, which are most of a program: those outside of namespaces, then the others.
    pub flows: Vec<PlacedStatement<'a>>,
    pub used: Used,
    /// The entries of the chosen environment.
    pub environment: Option<&'a [Node]>,
    /// The members of each group as written, until the groups are resolved, and whether they are those of another one in
    /// the same block.
    pub group_members: Vec<(NameScope, &'a [EndpointRef], bool)>,
    /// The labels that each managed namespace states.
    pub stated: BTreeMap<NamespaceId, Stated>,
    /// The namespaces that are managed although a component that is used declares them.
    pub taken_over: BTreeSet<NamespaceId>,
    /// Names whose declarations could not be read: their uses are not reported as well.
    pub unreadable: BTreeSet<Cow<'a, str>>,
    /// The names of those ports of a tier that could not be read.
    pub broken_ports: BTreeMap<TierId, Vec<&'a str>>,
    /// Where each port of a tier is in its list, by name.
    pub port_places: FxHashMap<TierId, FxHashMap<Arc<str>, usize>>,
    /// What [`Resolver::check_blocks`] has found of each list of addresses on each side, without its place.
    pub checked_blocks: FxHashMap<(Endpoint, Direction), Option<Diagnostic>>,
    /// Where the components are used, by their files.
    pub components: BTreeMap<FileId, Span>,
    /// Whether to note what each name refers to.
    pub wants_references: bool,
    /// How many more names may be compared to find the one that was meant: see [`Resolver::closest`].
    pub comparisons: usize,
    /// The statements, until the model gets them.
    pub statements: Vec<Statement>,
    /// The texts of all statements, one after another.
    pub statement_texts: String,
    /// An empty text.
    pub no_text: Arc<str>,
    /// Which namespaces are managed or known by labels that a managed one has, once somebody has asked.
    pub managed: Option<Vec<bool>>,
    /// Whether `platform` leaves no public address, once somebody has asked.
    pub offline: Option<bool>,
}

impl<'a> Resolver<'a> {
    fn new(sources: &'a Sources, target: Target) -> Self {
        Resolver {
            sources,
            model: Model { target, ..Model::default() },
            diagnostics: Vec::new(),
            reported: FxHashSet::default(),
            mistakes: 0,
            repeats: false,
            scopes: Scopes::default(),
            top: Vec::new(),
            inner: Vec::new(),
            flows: Vec::new(),
            used: Used::default(),
            environment: None,
            group_members: Vec::new(),
            stated: BTreeMap::new(),
            taken_over: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            broken_ports: BTreeMap::new(),
            port_places: FxHashMap::default(),
            checked_blocks: FxHashMap::default(),
            components: BTreeMap::new(),
            wants_references: false,
            comparisons: COMPARISONS,
            statements: Vec::new(),
            statement_texts: String::new(),
            no_text: "".into(),
            managed: None,
            offline: None,
        }
    }

    fn collect(&mut self, trees: &'a [Tree]) {
        self.reserve(trees);
        for tree in trees {
            let built_in = self.sources.file(tree.file).is_some_and(|file| file.built_in);
            if built_in {
                self.component_of(tree.file, trees);
            }
            for node in &tree.nodes {
                let meant = node.meant();
                if let NodeKind::Broken { block: Some(block), .. } = &meant.kind {
                    self.forgive_all(block.children());
                }
                for node in [node].into_iter().chain(meant.children()) {
                    if let NodeKind::Broken { declares: Some(name), .. } = &node.kind {
                        self.unreadable.insert(self.name(*name).into());
                    }
                }
                let member = PlacedStatement { scope: None, node: meant, built_in, repeats: false };
                if member.is_flow() { self.flows.push(member) } else { self.top.push(member) }
            }
        }
    }

    /// Makes room for what the trees hold: lists that grow to it by doubling would take twice the memory on their way.
    fn reserve(&mut self, trees: &[Tree]) {
        let (mut inner, mut flows, mut hops, mut tiers, mut text) = (0, 0, 0, 0, 0);
        for node in trees.iter().flat_map(|tree| &tree.nodes) {
            for node in std::iter::once(node).chain(node.children()) {
                match &node.kind {
                    NodeKind::Flow { hops: written, .. } => {
                        flows += 1;
                        hops += written.len().saturating_sub(1);
                        text += node.span.len();
                    }
                    NodeKind::Assertion(_) => flows += 1,
                    NodeKind::Tier(_) => {
                        tiers += 1;
                        inner += 1;
                    }
                    _ => {}
                }
            }
        }
        self.inner.reserve(inner);
        self.flows.reserve(flows);
        self.model.tiers.reserve(tiers);
        self.model.flows.reserve(hops);
        self.statements.reserve(hops);
        self.statement_texts.reserve(text);
    }

    /// Notes by which word a component is used.
    fn component_of(&mut self, file: FileId, trees: &[Tree]) {
        let Some(source) = self.sources.file(file) else { return };
        let Some(component) = COMPONENTS.iter().find(|component| component.path() == source.path) else { return };
        let uses = trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match &node.kind {
            NodeKind::Use(names) => Some(names),
            _ => None,
        });
        if let Some(name) = uses.flatten().find(|name| self.sources.text(name.span) == component.name) {
            self.components.insert(file, name.span);
        }
    }

    /// Takes the names that statements declare as known to be wrong: their uses are not reported.
    pub(super) fn forgive_all(&mut self, nodes: &[Node]) {
        let names: Vec<Name> = nodes.iter().flat_map(|node| node.kind.declares()).collect();
        self.unreadable.extend(names.into_iter().map(|name| Cow::from(self.sources.text(name.span))));
    }

    /// Whether a place is in a component of the catalogue.
    pub(super) fn is_built_in(&self, span: Span) -> bool {
        self.sources.file(span.file).is_some_and(|file| file.built_in)
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        self.sources.text(span)
    }

    pub(super) fn name(&self, name: Name) -> &'a str {
        self.text(name.span)
    }

    /// Adds what is wrong. The place to change is the user's: what is wrong with a component alone is shown where it is
    /// used.
    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        if let Some(primary) = diagnostic.primary().filter(|primary| self.is_built_in(*primary)) {
            match diagnostic.labels.iter().position(|label| !self.is_built_in(label.span)) {
                Some(own) => diagnostic.labels.swap(0, own),
                None => {
                    if let Some(used) = self.components.get(&primary.file) {
                        diagnostic.labels.insert(0, Label { span: *used, text: "used here".to_owned() });
                    }
                }
            }
            diagnostic.mends.retain(|mend| !self.is_built_in(mend.span));
        }
        self.mistakes += usize::from(diagnostic.code.stops());
        let is_new = diagnostic.primary().is_none_or(|span| self.reported.insert((diagnostic.code, span)));
        if is_new || !self.repeats {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports a name that is none; whether it is one.
    pub(super) fn check_name(&mut self, name: Name) -> bool {
        let text = self.name(name);
        let valid = is_dns_label(text);
        if !valid {
            let message = format!("`{}` is not a valid name", shorten(text));
            let suggestion = to_dns_label(text);
            let help = if suggestion.is_empty() {
                "a name is made of lower-case letters, digits and `-`, and starts and ends with a letter or digit"
                    .to_owned()
            } else {
                format!("lower-case letters, digits and `-`, at most 63 of them: `{suggestion}`")
            };
            let mend = is_dns_label(&suggestion).then_some(suggestion);
            self.unreadable.insert(text.into());
            self.unreadable.extend(mend.clone().map(Cow::from));
            self.report(Diagnostic::new(Code::E0006, name.span, message).with_help(help).with_mends(name.span, mend));
        }
        valid
    }

    /// Reports a name of the built-in endpoints; whether it is free.
    pub(super) fn check_free(&mut self, name: Name) -> bool {
        let text = self.name(name);
        let free = Endpoint::built_in(text).is_none();
        if !free {
            self.report(
                Diagnostic::new(Code::E0108, name.span, format!("`{text}` is built in and cannot be declared"))
                    .with_help(format!("choose another name, such as `my-{text}`"))
                    .with_mend(name.span, format!("my-{text}")),
            );
        }
        free
    }

    /// The namespace that a reference names; an unknown one is reported.
    pub(super) fn find_namespace(&mut self, name: Name) -> Option<NamespaceId> {
        let text = self.name(name);
        if let Some(declared) = self.scopes.namespaces.get(None, text) {
            let found = declared.value;
            self.note(name.span, Entity::Namespace(found), Role::Names);
            return Some(found);
        }
        if self.unreadable.contains(text) {
            return None;
        }
        let diagnostic = Diagnostic::new(Code::E0101, name.span, format!("unknown namespace `{}`", shorten(text)));
        let known = self.closest(text, |this| this.scopes.namespaces.names(None));
        let help = match known {
            Some(known) => format!("did you mean `{known}`?"),
            None if is_kind(text) => {
                format!("a tier stands by its name, without `{text}/`; one of another namespace is `NAMESPACE/TIER`")
            }
            None if let Some(component) = catalogue::bringing(text) => {
                let component = component.name;
                format!("`use {component}` declares it, with tiers; or write `external namespace {text} {{ ... }}`")
            }
            None if is_dns_label(text) => {
                format!("declare it: `namespace {text} {{ ... }}`, or `external namespace {text}` if others own it")
            }
            None => "declare the namespace first".to_owned(),
        };
        self.report(diagnostic.with_help(help).with_mends(name.span, known));
        None
    }

    fn is_namespace(&self, name: Name) -> bool {
        self.scopes.namespaces.get(None, self.name(name)).is_some()
    }

    /// What a reference means in `scope`, without noting that it is used; an unknown one is reported.
    pub(super) fn find_endpoint(&mut self, scope: NameScope, reference: &EndpointRef) -> Option<Endpoint> {
        let owner = match reference.namespace() {
            // What is wrong with it has been said.
            Some(namespace) if reference.repeats_namespace() && !self.is_namespace(namespace) => return None,
            Some(namespace) if self.is_port_behind_slash(scope, reference) => {
                let (endpoint, port) = (self.name(namespace), reference.name().map_or("", |name| self.name(name)));
                let diagnostic = Diagnostic::new(Code::E0101, namespace.span, format!("`{endpoint}` is no namespace"));
                let right = format!("{endpoint}:{port}");
                self.report(match reference.shared_namespace() {
                    Some(_) => {
                        diagnostic.with_help(format!("ports stand behind a colon: `{endpoint}:{{...}}`")).with_mend(
                            Span { start: namespace.span.end, end: namespace.span.end + 1, ..namespace.span },
                            ":",
                        )
                    }
                    None => diagnostic
                        .with_help(format!("ports stand behind a colon: `{right}`"))
                        .with_mend(reference.span, right),
                });
                return None;
            }
            Some(namespace) => Some(self.find_namespace(namespace)?),
            None => None,
        };
        let Some(name) = reference.name() else {
            let Some(namespace) = owner.or(scope) else {
                self.report(
                    Diagnostic::new(
                        Code::E0101,
                        reference.span,
                        "`*` means every pod of its namespace, but stands in none",
                    )
                    .with_help("write `NAMESPACE/*` for the pods of one namespace, or `cluster` for all pods"),
                );
                return None;
            };
            let star = Span { start: reference.span.end.saturating_sub(1), ..reference.span };
            self.note(star, Entity::Namespace(namespace), Role::Means);
            return Some(Endpoint::Namespace(namespace));
        };
        let text = self.name(name);
        let found = match owner {
            Some(_) => self.scopes.endpoints.get(owner, text),
            None => self.scopes.endpoints.find(scope, text),
        };
        let built_in = || owner.is_none().then(|| Endpoint::built_in(text)).flatten();
        if let Some(endpoint) = found.map(|declared| declared.value).or_else(built_in) {
            self.note(name.span, Entity::Endpoint(endpoint), Role::Names);
            return Some(endpoint);
        }
        if !self.unreadable.contains(text) {
            self.report_unknown_endpoint(scope, owner, reference, name);
        }
        None
    }

    /// The candidate that was probably meant. A program with very many unknown names is told so of the first ones only,
    /// so that the time does not grow with unknown times known names.
    pub(super) fn closest<'n>(
        &mut self,
        name: &str,
        candidates: impl FnOnce(&Self) -> Vec<&'n str>,
    ) -> Option<&'n str> {
        if self.comparisons == 0 {
            return None;
        }
        let candidates = candidates(self);
        self.comparisons = self.comparisons.saturating_sub(candidates.len());
        closest(name, candidates.into_iter())
    }

    /// What a reference means, noted as used.
    pub(super) fn use_endpoint(&mut self, scope: NameScope, reference: &EndpointRef) -> Option<Endpoint> {
        let endpoint = self.find_endpoint(scope, reference)?;
        self.used.endpoints.insert(endpoint);
        Some(endpoint)
    }

    /// How an error names an endpoint.
    pub(super) fn write_endpoint(&self, endpoint: Endpoint) -> String {
        self.model.written(endpoint, None)
    }

    /// All statements inside and outside of namespaces but for flows.
    pub(super) fn members(&self) -> Vec<PlacedStatement<'a>> {
        [self.top.as_slice(), &self.inner].concat()
    }

    /// Reports a statement that cannot stand where it does.
    pub(super) fn misplaced(&mut self, span: Span, what: &str, help: &str) {
        self.report(Diagnostic::new(Code::E0005, span, what.to_owned()).with_help(help));
    }
}

/// How many names are compared with unknown ones in one program: a tenth of a second or two.
const COMPARISONS: usize = 200_000;

/// The most of a name that an error repeats.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// The valid name nearest to a text.
fn to_dns_label(text: &str) -> String {
    let lower = text.to_ascii_lowercase().replace('_', "-");
    let cut: String = lower.chars().take(63).collect();
    cut.trim_matches('-').to_owned()
}

/// Whether a word is a kind of object, as `kubectl` has it in front of a name.
fn is_kind(word: &str) -> bool {
    const KINDS: &[&str] = &[
        "pod",
        "pods",
        "po",
        "service",
        "services",
        "svc",
        "deployment",
        "deploy",
        "statefulset",
        "sts",
        "daemonset",
        "ds",
        "job",
        "cronjob",
        "app",
        "tier",
    ];
    KINDS.contains(&word)
}
