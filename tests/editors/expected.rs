//! What the compiler makes of each word of a program: what an editor has to show it as.

use polder::model::Endpoint;
use polder::source::{FileId, Sources, Span};
use polder::syntax::{self, ArrowSide, EndpointRef, Name, Node, NodeKind, PortKind, PortsExpr, SelectorExpr};

/// The kinds of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    Keyword,
    /// A namespace, or what `use` brings in.
    Namespace,
    /// A tier, group, cidr or fqdn.
    Endpoint,
    BuiltIn,
    Wildcard,
    Environment,
    PortName,
    Number,
    Protocol,
    Container,
    Address,
    DnsName,
    Key,
    Value,
    /// A word that stands for a choice: a direction, a DNS preset, a CNI.
    Choice,
    Comment,
    Doc,
    Directive,
}

impl Class {
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }
}

/// A word and what it is; the offsets are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    pub start: usize,
    pub end: usize,
    pub class: Class,
}

/// The words of a program in order, or nothing where the parser refuses a part of it.
pub(super) fn words(text: &str) -> Option<Vec<Word>> {
    let mut sources = Sources::default();
    let file = sources.add("editor.polder", text);
    let parsed = syntax::parse(&sources, file);
    if !parsed.diagnostics.is_empty() || parsed.tree.nodes.iter().any(is_broken) {
        return None;
    }
    let mut reader = Reader { text, file, words: Vec::new() };
    for comment in &parsed.tree.comments {
        reader.comment(comment.span, comment.doc);
    }
    for node in &parsed.tree.nodes {
        reader.node(node, None);
    }
    reader.keywords();
    reader.words.sort_unstable();
    Some(reader.words)
}

fn is_broken(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Broken { .. }) || node.children().iter().any(is_broken)
}

struct Reader<'a> {
    text: &'a str,
    file: FileId,
    words: Vec<Word>,
}

impl<'a> Reader<'a> {
    fn read(&self, span: Span) -> &'a str {
        &self.text[span.range()]
    }

    fn add(&mut self, span: Span, class: Class) {
        self.add_range(span.start as usize, span.end as usize, class);
    }

    fn add_range(&mut self, start: usize, end: usize, class: Class) {
        if start < end {
            self.words.push(Word { start, end, class });
        }
    }

    fn comment(&mut self, span: Span, doc: bool) {
        let text = self.read(span);
        let class = match doc {
            true => Class::Doc,
            // Between the items of a list the compiler has no use for doc comments; they still look like one.
            false if text.starts_with("##") => Class::Doc,
            false if text[1..].trim_start_matches([' ', '\t']).starts_with("polder:") => Class::Directive,
            false => Class::Comment,
        };
        self.add(span, class);
    }

    fn node(&mut self, node: &Node, parent: Option<&NodeKind>) {
        match &node.kind {
            NodeKind::Namespace(block) => {
                self.names(&block.names, Class::Namespace);
                block.labels.iter().for_each(|selector| self.selector(selector));
            }
            NodeKind::Platform(_) => {}
            NodeKind::Environment { name, .. } => self.add(name.span, Class::Environment),
            NodeKind::Use(names) => self.names(names, Class::Namespace),
            NodeKind::Tier(tier) => {
                self.add(tier.name.span, Class::Endpoint);
                tier.selector.iter().for_each(|selector| self.selector(selector));
                for entry in tier.ports.iter().flatten() {
                    self.add(entry.name.span, Class::PortName);
                    self.ports(&entry.ports);
                }
            }
            NodeKind::Group { name, members } => {
                self.add(name.span, Class::Endpoint);
                self.endpoints(members);
            }
            NodeKind::Cidr(cidr) => {
                self.declared(&cidr.name, parent);
                cidr.blocks.iter().chain(&cidr.except).for_each(|span| self.add(*span, Class::Address));
            }
            NodeKind::Fqdn(fqdn) => {
                self.declared(&fqdn.name, parent);
                fqdn.names.iter().for_each(|span| self.add(*span, Class::DnsName));
            }
            NodeKind::Ports(declared) => {
                self.add(declared.name.span, Class::PortName);
                self.ports(&declared.ports);
            }
            NodeKind::Isolate(isolate) => {
                isolate.directions.iter().for_each(|span| self.add(*span, Class::Choice));
                self.names(isolate.tiers.as_deref().unwrap_or_default(), Class::Endpoint);
            }
            NodeKind::Disjoint(tiers) => self.names(tiers, Class::Endpoint),
            NodeKind::Label(key) => self.add(*key, Class::Key),
            NodeKind::Dns(servers) => servers.iter().for_each(|span| self.server(*span)),
            NodeKind::Flow { hops, .. } => hops.iter().for_each(|hop| self.hop(hop)),
            NodeKind::Assertion(assertion) => {
                self.hop(&assertion.source);
                self.hop(&assertion.destination);
                self.endpoints(&assertion.except);
            }
            NodeKind::PlatformEntry { key, values, version } => {
                version.iter().for_each(|version| self.add(**version, Class::Number));
                for value in values {
                    match self.read(*key) {
                        "cni" => self.add(*value, Class::Choice),
                        "dns" => self.server(*value),
                        _ => self.add(*value, Class::Address),
                    }
                }
            }
            NodeKind::RenameNamespace(rename) => {
                self.names(&[rename.from, rename.to], Class::Namespace);
                rename.labels.iter().for_each(|labels| self.selector(labels));
            }
            NodeKind::Broken { .. } => {}
        }
        node.children().iter().for_each(|child| self.node(child, Some(&node.kind)));
    }

    fn names(&mut self, names: &[Name], class: Class) {
        names.iter().for_each(|name| self.add(name.span, class));
    }

    /// What a cidr or fqdn declares; in an environment it is mentioned instead.
    fn declared(&mut self, name: &EndpointRef, parent: Option<&NodeKind>) {
        match (parent, name.name()) {
            (Some(NodeKind::Environment { .. }), _) | (_, None) => self.endpoints(&[*name]),
            (_, Some(name)) => self.add(name.span, Class::Endpoint),
        }
    }

    fn endpoints(&mut self, endpoints: &[EndpointRef]) {
        for endpoint in endpoints {
            if let Some(namespace) = endpoint.namespace().filter(|_| !endpoint.repeats_namespace()) {
                self.add(namespace.span, Class::Namespace);
            }
            match endpoint.name() {
                None => self.add_range(endpoint.span.end as usize - 1, endpoint.span.end as usize, Class::Wildcard),
                Some(name) => {
                    let built_in = endpoint.namespace().is_none() && Endpoint::built_in(self.read(name.span)).is_some();
                    self.add(name.span, if built_in { Class::BuiltIn } else { Class::Endpoint });
                }
            }
        }
    }

    fn hop(&mut self, hop: &ArrowSide) {
        self.endpoints(&hop.endpoints);
        hop.ports.iter().for_each(|ports| self.ports(ports));
    }

    fn ports(&mut self, ports: &PortsExpr) {
        for item in &ports.items {
            let (start, end) = (item.span.start as usize, item.span.end as usize);
            let text = self.read(item.span);
            let (length, class) = match item.kind {
                PortKind::Container => (text.rfind('"').unwrap() + 1, Class::Container),
                PortKind::Every => (1, Class::Wildcard),
                PortKind::Number => (text.find('/').unwrap_or(text.len()), Class::Number),
                PortKind::Name => (text.find('/').unwrap_or(text.len()), Class::PortName),
            };
            self.add_range(start, start + length, class);
            self.add_range(start + length + 1, end, Class::Protocol);
        }
        // Those behind braces, each once.
        let mut shared: Vec<Span> = ports.items.iter().filter_map(|item| Some(item.protocol()?.1)).collect();
        shared.dedup();
        let own =
            |span: &Span| ports.items.iter().any(|item| item.span.start <= span.start && span.end <= item.span.end);
        for span in shared.into_iter().filter(|span| !own(span)) {
            self.add_range(span.start as usize + 1, span.end as usize, Class::Protocol);
        }
    }

    fn selector(&mut self, selector: &SelectorExpr) {
        selector.star.iter().for_each(|star| self.add(*star, Class::Wildcard));
        for requirement in &selector.requirements {
            self.add(requirement.key, Class::Key);
            requirement.values.iter().for_each(|span| self.add(*span, Class::Value));
        }
    }

    /// `cluster`, `10.96.0.10/32`, `dns-servers/resolver:5353`.
    fn server(&mut self, span: Span) {
        let text = self.read(span);
        let (start, end) = (span.start as usize, span.end as usize);
        if super::words::presets().any(|word| word == text) {
            return self.add(span, Class::Choice);
        }
        if text.contains('.') || text.contains("::") {
            return self.add(span, Class::Address);
        }
        let (path, port) = text.split_once(':').unwrap_or((text, ""));
        let name = path.rfind('/').map_or(0, |slash| slash + 1);
        self.add_range(start, start + name.saturating_sub(1), Class::Namespace);
        self.add_range(start + name, start + path.len(), Class::Endpoint);
        self.add_range(end - port.len(), end, Class::Number);
    }

    /// The words that are left over: the tree has no places for keywords.
    fn keywords(&mut self) {
        let mut known = vec![false; self.text.len()];
        for word in &self.words {
            known[word.start..word.end].fill(true);
        }
        let bytes = self.text.as_bytes();
        let is_word = |at: usize| !known[at] && bytes[at].is_ascii_alphanumeric();
        let mut at = 0;
        while at < bytes.len() {
            let end = (at..bytes.len()).find(|end| !is_word(*end)).unwrap_or(bytes.len());
            if end > at {
                let found = &self.text[at..end];
                assert!(super::words::keywords().contains(found), "`{found}` is no keyword in\n{}", self.text);
                let span = Span::new(self.file, at..end);
                self.add(span, Class::Keyword);
            }
            at = end.max(at) + usize::from(end == at);
        }
    }
}
