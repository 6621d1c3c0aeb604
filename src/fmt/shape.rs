//! What a tree says, without its places: two texts of one shape are the same program with the same comments.

use crate::source::Span;
use crate::syntax::{
    ArrowSide, AssertionDecl, CidrDecl, EndpointRef, IsolateDecl, NamespaceBlock, Node, NodeKind, PortsExpr,
    SelectorExpr, TierDecl, Tree,
};
use std::fmt::Write as _;

/// What a tree says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape(String);

/// The shape of a tree of `text`.
pub(super) fn of(text: &str, tree: &Tree) -> Shape {
    let mut writer = ShapeWriter { text, tree, out: String::new(), starts: Vec::new(), comments: 0 };
    writer.nodes(&tree.nodes);
    writer.comments_before(u32::MAX, "after");
    writer.allows();
    Shape(writer.out)
}

struct ShapeWriter<'a> {
    text: &'a str,
    tree: &'a Tree,
    out: String,
    /// Where the statements written so far start.
    starts: Vec<u32>,
    /// How many comments are written.
    comments: usize,
}

impl<'a> ShapeWriter<'a> {
    fn at(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or("")
    }

    fn put(&mut self, word: &str) {
        // Quoted, so that no text can pass for two words.
        let _ = write!(self.out, " {word:?}");
    }

    fn spans(&mut self, name: &str, spans: impl IntoIterator<Item = Span>) {
        let _ = write!(self.out, " {name}[");
        for span in spans {
            self.put(self.at(span));
        }
        self.out.push(']');
    }

    /// The comments that begin before `end`, in their order.
    fn comments_before(&mut self, end: u32, place: &str) {
        while let Some(comment) = self.tree.comments.get(self.comments).filter(|comment| comment.span.start < end) {
            let text = self.at(comment.span).trim_end_matches([' ', '\t', '\r']);
            let _ = writeln!(self.out, "{place} {} {text:?}", comment.doc);
            self.comments += 1;
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.comments_before(node.span.start, "comment");
            self.starts.push(node.span.start);
            let _ = write!(self.out, "statement {:?}", node.doc);
            self.node(node);
            self.out.push('\n');
            self.comments_before(node.span.end, "inside");
            self.body(node);
        }
    }

    fn body(&mut self, node: &Node) {
        let body = match &node.kind {
            NodeKind::Namespace(block) => &block.body,
            NodeKind::Platform(entries) | NodeKind::Environment { entries, .. } => entries,
            _ => return,
        };
        self.out.push_str("{\n");
        self.nodes(body);
        self.out.push_str("}\n");
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Namespace(block) => {
                let NamespaceBlock { external, names, labels, .. } = &**block;
                let _ = write!(self.out, " namespace {external} {}", self.at(node.span).ends_with('{'));
                self.spans("names", names.iter().map(|name| name.span));
                self.selector(labels.as_ref());
            }
            NodeKind::Platform(_) => self.out.push_str(" platform"),
            NodeKind::Environment { name, .. } => self.spans("environment", [name.span]),
            NodeKind::Use(names) => self.spans("use", names.iter().map(|name| name.span)),
            NodeKind::Tier(tier) => self.tier(tier),
            NodeKind::Group { name, members } => {
                self.spans("group", [name.span]);
                self.endpoints(members);
            }
            NodeKind::Cidr(cidr) => {
                let CidrDecl { name, blocks, except } = &**cidr;
                self.spans("cidr", [name.span]);
                self.spans("blocks", blocks.iter().copied());
                self.spans("except", except.iter().copied());
            }
            NodeKind::Fqdn(fqdn) => {
                self.spans("fqdn", [fqdn.name.span]);
                self.spans("names", fqdn.names.iter().copied());
            }
            NodeKind::Ports(declared) => {
                self.spans("ports", [declared.name.span]);
                self.ports(Some(&declared.ports));
            }
            NodeKind::Isolate(isolate) => {
                let IsolateDecl { directions, tiers } = &**isolate;
                self.spans("isolate", directions.iter().copied());
                if let Some(tiers) = tiers {
                    self.spans("for", tiers.iter().map(|tier| tier.span));
                }
            }
            NodeKind::Disjoint(tiers) => self.spans("disjoint", tiers.iter().map(|tier| tier.span)),
            NodeKind::Label(key) => self.spans("label", [*key]),
            NodeKind::Dns(values) => self.spans("dns", values.iter().copied()),
            NodeKind::Flow { side, hops } => {
                if let Some(side) = side {
                    let _ = write!(self.out, " only {side:?}");
                }
                hops.iter().for_each(|hop| self.hop(hop));
            }
            NodeKind::Assertion(assertion) => {
                let AssertionDecl { kind, source, destination, through_dns, except } = &**assertion;
                let _ = write!(self.out, " {kind:?} {}", through_dns.is_some());
                self.hop(source);
                self.hop(destination);
                self.endpoints(except);
            }
            NodeKind::PlatformEntry { key, values, version } => {
                self.spans("entry", [*key]);
                self.spans("values", values.iter().copied());
                self.spans("version", version.as_deref().copied());
            }
            NodeKind::RenameNamespace(rename) => {
                self.spans("rename", [rename.from.span, rename.to.span]);
                self.selector(rename.labels.as_ref());
            }
            NodeKind::Broken { .. } => {
                let text = self.at(node.span).replace("\r\n", "\n");
                let _ = write!(self.out, " broken {:?}", text.trim_end_matches([' ', '\t', '\r', '\n']));
            }
        }
    }

    fn tier(&mut self, tier: &TierDecl) {
        self.spans("tier", [tier.name.span]);
        self.selector(tier.selector.as_ref());
        let Some(entries) = &tier.ports else { return };
        self.out.push_str(" ports{");
        for entry in entries {
            self.spans("port", [entry.name.span]);
            self.ports(Some(&entry.ports));
        }
        self.out.push('}');
    }

    fn selector(&mut self, selector: Option<&SelectorExpr>) {
        let Some(selector) = selector else { return };
        self.out.push_str(" (");
        self.spans("star", selector.star);
        for requirement in &selector.requirements {
            let _ = write!(self.out, " {:?}", requirement.operator);
            self.spans("key", [requirement.key]);
            self.spans("values", requirement.values.iter().copied());
        }
        self.out.push(')');
    }

    fn endpoints(&mut self, endpoints: &[EndpointRef]) {
        endpoints.iter().for_each(|endpoint| self.endpoint(endpoint));
        self.out.push(';');
    }

    fn endpoint(&mut self, endpoint: &EndpointRef) {
        let shared = endpoint.shared_namespace().map(|namespace| namespace.span);
        let name = if endpoint.repeats_namespace() { "endpoint-too" } else { "endpoint" };
        self.spans(name, shared.into_iter().chain([endpoint.span]));
    }

    fn hop(&mut self, hop: &ArrowSide) {
        for (place, endpoint) in hop.endpoints.iter().enumerate() {
            self.endpoint(endpoint);
            self.ports(hop.ports.of(place).filter(|_| hop.ports.shared().is_none()));
        }
        self.out.push(';');
        self.ports(hop.ports.shared());
    }

    fn ports(&mut self, ports: Option<&PortsExpr>) {
        let Some(ports) = ports else { return };
        self.out.push_str(" :[");
        for item in &ports.items {
            let _ = write!(self.out, " {:?} {:?}", item.kind, item.protocol().map(|(protocol, _)| protocol));
            self.put(self.at(item.span));
        }
        self.out.push(']');
    }

    /// The comments that silence warnings, and about which statement, counted from the start.
    fn allows(&mut self) {
        for allow in &self.tree.allows {
            let codes: Vec<&str> = allow.codes.iter().map(|(code, _)| code.as_str()).collect();
            let before = |span: Span| self.starts.partition_point(|start| *start < span.start);
            let _ = writeln!(self.out, "allow {codes:?} {:?}", allow.covers.map(before));
        }
    }
}
