//! Declarations: namespaces first, then everything that has a name.

use super::resolve::{PlacedStatement, Resolver, shorten};
use super::scope::{NameDeclaration, NameScope};
use super::*;
use crate::diag::{Code, Diagnostic};
use crate::syntax::{Name, NamespaceBlock, NodeKind, PortEntry, TierDecl};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

impl<'a> Resolver<'a> {
    /// Declares the namespaces and takes the statements out of their blocks.
    pub(super) fn declare_namespaces(&mut self) {
        let top = std::mem::take(&mut self.top);
        for member in &top {
            match &member.node.kind {
                NodeKind::Namespace(block) => self.declare_namespace(block, member),
                NodeKind::Tier(_) | NodeKind::Isolate(_) | NodeKind::Disjoint(_) | NodeKind::Dns(_) => {
                    let help = "put it into a block `namespace NAME { ... }`";
                    let help = if matches!(member.node.kind, NodeKind::Dns(_)) {
                        "put it into `platform { ... }` for the whole program, or into a namespace"
                    } else {
                        help
                    };
                    self.misplaced(member.node.span, "this belongs to a namespace, but stands in none", help);
                }
                _ => {}
            }
        }
        self.top = top;
    }

    fn declare_namespace(&mut self, block: &'a NamespaceBlock, member: &PlacedStatement<'a>) {
        let external = block.external;
        let first = block.names.first().map_or("", |name| self.name(*name));
        let selector = block.labels.as_ref().filter(|_| external).map(|labels| self.namespace_selector(labels, first));
        let mut declared: Vec<(NamespaceId, Span)> = Vec::with_capacity(block.names.len());
        let mut places: FxHashMap<NamespaceId, Span> = FxHashMap::default();
        for name in &block.names {
            let Some(id) = self.declare_name(block, *name, selector.clone(), member.built_in) else { continue };
            if let Some(earlier) = places.get(&id) {
                let message = format!("`{}` is already in the list", self.name(*name));
                let diagnostic = Diagnostic::new(Code::W0009, name.span, message).with_label(*earlier, "here");
                self.report(diagnostic.with_help("remove it"));
                continue;
            }
            if let Some(labels) = block.labels.as_ref().filter(|_| !external) {
                self.repeats = !declared.is_empty();
                self.state_labels(id, labels);
            }
            declared.push((id, name.span));
            places.insert(id, name.span);
        }
        self.repeats = false;
        if declared.is_empty() {
            self.forgive_all(&block.body);
        }
        self.check_size(block, &mut declared);
        for node in &block.body {
            for (place, (id, _)) in declared.iter().enumerate() {
                let member = PlacedStatement { scope: Some(*id), node, built_in: member.built_in, repeats: place > 0 };
                if member.is_flow() { self.flows.push(member) } else { self.inner.push(member) }
            }
        }
    }

    /// Keeps what a block of many namespaces is read as to what a program could say without it.
    fn check_size(&mut self, block: &NamespaceBlock, declared: &mut Vec<(NamespaceId, Span)>) {
        const MOST: usize = 500_000;
        if declared.len() < 2 || declared.len().saturating_mul(block.body.len()) <= MOST {
            return;
        }
        let message = format!(
            "{} statements in a block of {} namespaces are more than {MOST} in all",
            block.body.len(),
            declared.len()
        );
        let places = declared.iter().map(|(_, span)| *span).reduce(Span::to);
        let diagnostic = places.map(|span| Diagnostic::new(Code::E0001, span, message));
        let help = "write what they have in common into fewer blocks";
        diagnostic.into_iter().for_each(|diagnostic| self.report(diagnostic.with_help(help)));
        declared.truncate(1);
    }

    /// Declares one name of a block; gives nothing when it is no name.
    fn declare_name(
        &mut self,
        block: &NamespaceBlock,
        written: Name,
        selector: Option<Selector>,
        built_in: bool,
    ) -> Option<NamespaceId> {
        let name = self.name(written);
        if !self.check_name(written) {
            return None;
        }
        let id = NamespaceId::at(self.model.namespaces.len());
        let declared = NameDeclaration { value: id, span: written.span, built_in };
        let earlier = self.scopes.namespaces.declare(None, name, declared).cloned();
        let id = match earlier {
            Some(earlier) => {
                self.check_same_namespace(block, written, &earlier, selector, built_in);
                earlier.value
            }
            None => {
                let kind = if block.external {
                    NamespaceKind::External(selector)
                } else {
                    NamespaceKind::Managed(Managed::default())
                };
                let (name, declared): (Arc<str>, Arc<str>) = (name.into(), name.into());
                self.model.namespaces.push(Namespace { name, declared, kind, span: written.span, own_block: None });
                id
            }
        };
        if let [_] = block.names.as_slice() {
            self.model.namespaces[id].own_block.get_or_insert(written.span);
        }
        self.note(written.span, Entity::Namespace(id), Role::Declares);
        Some(id)
    }

    /// The parts of one namespace have to agree on whose it is and on its labels.
    fn check_same_namespace(
        &mut self,
        block: &NamespaceBlock,
        written: Name,
        earlier: &NameDeclaration<NamespaceId>,
        selector: Option<Selector>,
        built_in: bool,
    ) {
        let name = self.name(written);
        let component = built_in != earlier.built_in;
        // The place to change is the user's.
        let (here, there) = if built_in { (earlier.span, written.span) } else { (written.span, earlier.span) };
        let label = if component { "the component declares it here" } else { "first declared here" };
        let used = self.components.get(&there.file).map(|span| self.text(*span));
        match &mut self.model.namespaces[earlier.value].kind {
            NamespaceKind::External(known) if block.external => {
                if known.is_none() && selector.is_some() && !built_in {
                    // Without labels the block only adds to what another one declares.
                    *known = selector;
                } else if selector.is_some() && *known != selector {
                    let other = if component { "a component that is used" } else { "another place" };
                    let message = format!("namespace `{name}` is given other labels than in {other}");
                    self.report(
                        Diagnostic::new(Code::E0107, here, message)
                            .with_label(there, label)
                            .with_help("give the labels once; further blocks of the namespace leave them out"),
                    );
                }
            }
            NamespaceKind::Managed(_) if !block.external => {}
            NamespaceKind::Managed(_) | NamespaceKind::External(_) => {
                let (message, help) = match used.filter(|_| component) {
                    Some(used) => (
                        format!(
                            "namespace `{name}` is managed here, but the component `{used}` declares it as external"
                        ),
                        {
                            self.taken_over.insert(earlier.value);
                            let tier = catalogue::find(used).and_then(|component| first_tier(component.source));
                            let tier = tier.map_or(String::new(), |tier| format!(", such as `{tier}`"));
                            format!(
                                "remove `use {used}` and declare the tiers that you need of it yourself{tier}, or leave the namespace \
                                 to the component"
                            )
                        },
                    ),
                    None => (
                        format!("namespace `{name}` is external in one place and managed in another place"),
                        "write `external` in all of them, or in none".to_owned(),
                    ),
                };
                self.report(Diagnostic::new(Code::E0113, here, message).with_label(there, label).with_help(help));
            }
        }
    }

    /// Declares everything else that has a name.
    pub(super) fn declare_all(&mut self) {
        let labels = self.label_keys();
        for member in &self.members() {
            self.repeats = member.repeats;
            match &member.node.kind {
                NodeKind::Tier(tier) => {
                    if let Some(namespace) = member.scope {
                        self.declare_tier(namespace, tier, member, &labels);
                    }
                }
                NodeKind::Group { name, members } => {
                    let id = GroupId::at(self.model.groups.len());
                    if self.declare_endpoint(member, *name, Endpoint::Group(id)) {
                        let group = Group {
                            name: self.name(*name).into(),
                            namespace: member.scope,
                            members: Vec::new(),
                            leaves: Vec::new(),
                            span: name.span,
                        };
                        self.model.groups.push(group);
                        self.group_members.push((member.scope, members, member.repeats));
                    }
                }
                NodeKind::Cidr(cidr) => {
                    let Some(name) = cidr.name.name() else { continue };
                    let id = CidrId::at(self.model.cidrs.len());
                    if self.declare_endpoint(member, name, Endpoint::Cidr(id)) {
                        let blocks = self.blocks(&cidr.blocks, &cidr.except);
                        let text = self.name(name);
                        self.check_exceptions(&cidr.except, text);
                        let (text, namespace) = (text.into(), member.scope);
                        self.model.cidrs.push(Cidr { name: text, namespace, blocks, span: name.span });
                    }
                }
                NodeKind::Fqdn(fqdn) => {
                    let Some(name) = fqdn.name.name() else { continue };
                    let id = FqdnId::at(self.model.fqdns.len());
                    if self.declare_endpoint(member, name, Endpoint::Fqdn(id)) {
                        let names = self.dns_names(&fqdn.names);
                        let (text, namespace) = (self.name(name).into(), member.scope);
                        self.model.fqdns.push(Fqdn { name: text, namespace, names, span: name.span });
                    }
                }
                NodeKind::Ports(ports) => self.declare_ports(member, ports.name, &ports.ports),
                _ => self.check_place(member),
            }
        }
        self.repeats = false;
    }

    /// Statements and blocks that cannot stand inside a namespace.
    fn check_place(&mut self, member: &PlacedStatement<'a>) {
        if member.scope.is_none() {
            return;
        }
        let (what, help) = match &member.node.kind {
            NodeKind::Use(_) => ("`use` stands outside of namespaces", "move it out of the block"),
            NodeKind::PlatformEntry { .. } => {
                ("this belongs to the platform, not to a namespace", "put it into `platform { ... }`")
            }
            _ => return,
        };
        self.misplaced(member.node.span, what, help);
    }

    fn declare_endpoint(&mut self, member: &PlacedStatement<'a>, name: Name, endpoint: Endpoint) -> bool {
        if !self.check_name(name) || !self.check_free(name) {
            return false;
        }
        let text = self.name(name);
        let declared = NameDeclaration { value: endpoint, span: name.span, built_in: member.built_in };
        let Some(earlier) = self.scopes.endpoints.declare(member.scope, text, declared).cloned() else {
            self.note(name.span, Entity::Endpoint(endpoint), Role::Declares);
            return true;
        };
        self.report_twice(member.scope, name, earlier.span, earlier.built_in != member.built_in);
        false
    }

    fn report_twice(&mut self, scope: NameScope, name: Name, earlier: crate::source::Span, component: bool) {
        if component && scope.is_some_and(|id| self.taken_over.contains(&id)) {
            // The namespace is the mistake.
            return;
        }
        let text = self.name(name);
        let place = match scope.and_then(|id| self.model.namespace(id)) {
            Some(namespace) => format!(" in namespace `{}`", namespace.declared),
            None => String::new(),
        };
        // The place to change is the user's, and the component is named beside it.
        let (here, there) = if self.is_built_in(name.span) { (earlier, name.span) } else { (name.span, earlier) };
        self.report(if component {
            Diagnostic::new(Code::E0114, here, format!("`{text}` is declared{place}, and by a component that is used"))
                .with_label(there, "the component declares it here")
                .with_help("leave out the declaration, or the `use`")
        } else {
            let help = match here.file == there.file {
                true => "rename one of them, or remove it",
                false => "rename one of them, or remove it: all files of a project are one program, also one that `polder init` wrote",
            };
            Diagnostic::new(Code::E0107, here, format!("`{text}` is declared twice{place}"))
                .with_label(there, "first declared here")
                .with_help(help)
        });
    }

    fn declare_tier(
        &mut self,
        namespace: NamespaceId,
        tier: &'a TierDecl,
        member: &PlacedStatement<'a>,
        labels: &Labels,
    ) {
        let id = TierId::at(self.model.tiers.len());
        if !self.declare_endpoint(member, tier.name, Endpoint::Tier(id)) {
            return;
        }
        let name: Arc<str> = self.name(tier.name).into();
        let key = labels.get(&Some(namespace)).or_else(|| labels.get(&None));
        let key = key.map_or_else(|| Arc::from("app"), |(key, _)| key.clone());
        let selector = match &tier.selector {
            Some(selector) => self.tier_selector(selector, &name, &format!("{key}={name}")),
            None => Selector::equals(key, name.clone()),
        };
        let ports = tier.ports.as_ref().map(|entries| self.tier_ports(id, entries));
        for (index, port) in ports.iter().flatten().enumerate() {
            self.note(port.span, Entity::Port(id, number(index)), Role::Declares);
        }
        let served =
            ports.as_ref().map(|ports: &Vec<TierPort>| PortSet::union_of(ports.iter().map(|port| &port.ports)));
        let (disjoint, span) = (Vec::new(), tier.name.span);
        self.model.tiers.push(Tier { name, namespace, selector, ports, served, disjoint, span });
    }

    fn tier_ports(&mut self, tier: TierId, entries: &'a [PortEntry]) -> Vec<TierPort> {
        let mut ports: Vec<TierPort> = Vec::with_capacity(entries.len());
        let mut places: FxHashMap<Arc<str>, usize> = FxHashMap::default();
        for entry in entries {
            let written = self.name(entry.name);
            if !self.check_port_name(entry.name, &entry.ports, false) {
                self.broken_ports.entry(tier).or_default().push(written);
                continue;
            }
            let name: Arc<str> = written.into();
            if let Some(earlier) = places.get(&name).and_then(|place| ports.get(*place)) {
                let diagnostic =
                    Diagnostic::new(Code::E0107, entry.name.span, format!("port `{name}` is declared twice"))
                        .with_label(earlier.span, "first declared here")
                        .with_help("give each port of a tier its own name");
                self.report(diagnostic);
                continue;
            }
            let known = self.mistakes;
            let set = self.declared_ports(&entry.ports);
            if self.mistakes > known || set.is_empty() {
                self.broken_ports.entry(tier).or_default().push(written);
            }
            if !set.is_empty() {
                places.insert(name.clone(), ports.len());
                ports.push(TierPort { name, ports: set, span: entry.name.span });
            }
        }
        self.port_places.insert(tier, places);
        ports
    }

    fn declare_ports(&mut self, member: &PlacedStatement<'a>, name: Name, ports: &'a crate::syntax::PortsExpr) {
        if !self.check_port_name(name, ports, true) {
            return;
        }
        let set = self.declared_ports(ports);
        let text = self.name(name);
        let id = PortSetId::at(self.model.port_sets.len());
        let declared = NameDeclaration { value: id, span: name.span, built_in: member.built_in };
        match self.scopes.ports.declare(member.scope, text, declared).cloned() {
            Some(earlier) => self.report_twice(member.scope, name, earlier.span, false),
            None => {
                self.note(name.span, Entity::PortSet(id), Role::Declares);
                let (name, namespace, span) = (text.into(), member.scope, name.span);
                self.model.port_sets.push(DeclaredPorts { name, namespace, ports: set, span });
            }
        }
    }

    /// The keys that `label` sets, for the program and for namespaces.
    fn label_keys(&mut self) -> Labels {
        let mut labels = Labels::new();
        for member in self.members() {
            let NodeKind::Label(key) = member.node.kind else { continue };
            self.repeats = member.repeats;
            let Some(text) = self.label_key(key) else { continue };
            if let Some((_, earlier)) = labels.get(&member.scope) {
                let diagnostic =
                    Diagnostic::new(Code::E0115, member.node.span, "`label` is given twice for the same place")
                        .with_label(*earlier, "first given here")
                        .with_help("keep one; a namespace may have its own");
                self.report(diagnostic);
            } else {
                labels.insert(member.scope, (text, member.node.span));
            }
        }
        self.repeats = false;
        labels
    }

    /// The components that a program uses: unknown ones and repetitions.
    pub(super) fn check_uses(&mut self, trees: &[crate::syntax::Tree]) {
        let mut seen: BTreeMap<&str, crate::source::Span> = BTreeMap::new();
        for node in trees.iter().flat_map(|tree| &tree.nodes) {
            let NodeKind::Use(names) = &node.kind else { continue };
            for name in names {
                let text = self.name(*name);
                if let Some(index) = COMPONENTS.iter().position(|component| component.name == text) {
                    let component = Entity::Component(number(index));
                    self.note(name.span, component, Role::Names);
                }
                if catalogue::find(text).is_none() {
                    let known = COMPONENTS.iter().map(|component| component.name);
                    let message = format!("the catalogue has no `{}`", shorten(text));
                    let near = crate::diag::closest(text, known.clone());
                    let help = match near {
                        Some(known) => format!("did you mean `{known}`?"),
                        None => format!("it has {}", known.collect::<Vec<_>>().join(", ")),
                    };
                    let diagnostic = Diagnostic::new(Code::E0106, name.span, message).with_help(help);
                    self.report(diagnostic.with_mends(name.span, near));
                } else if let Some(earlier) = seen.insert(text, name.span) {
                    self.report(
                        Diagnostic::new(Code::E0115, name.span, format!("`{text}` is used twice"))
                            .with_label(earlier, "first used here")
                            .with_help("one `use` serves the whole program"),
                    );
                }
            }
        }
    }
}

/// The key that a tier without a selector is known by, and where it was set.
type Labels = std::collections::HashMap<NameScope, (Arc<str>, crate::source::Span)>;

/// The first tier that a component declares, on one line.
fn first_tier(source: &str) -> Option<String> {
    let at = source.find("  tier ")?;
    let statement = source.get(at..)?;
    let end = match (statement.find('{'), statement.find('\n')) {
        (Some(open), Some(line)) if open < line => open + statement.get(open..)?.find('}')? + 1,
        (_, line) => line.unwrap_or(statement.len()),
    };
    let words: Vec<&str> = statement.get(..end)?.split_whitespace().collect();
    Some(words.join(" ").replace(", }", " }"))
}
