//! `textDocument/semanticTokens`: what each word is. Lines that could not be read keep the colours of the grammar.

use super::program::Program;
use crate::model::{Endpoint, Entity, Role};
use crate::source::{FileId, Span};
use crate::syntax::{ArrowSide, EndpointRef, Node, NodeKind, PortExpr, PortKind, PortsExpr, SelectorExpr};
use lsp_types::{SemanticToken, SemanticTokens, SemanticTokensLegend};
use std::ops::Range;

/// The kinds of words, in the order of the legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Keyword,
    Namespace,
    Tier,
    Group,
    Addresses,
    Port,
    Label,
    Text,
    Number,
    Comment,
    Operator,
}

const KINDS: [&str; 11] = [
    "keyword",
    "namespace",
    "class",
    "enum",
    "variable",
    "property",
    "property",
    "string",
    "number",
    "comment",
    "operator",
];

const DECLARATION: u32 = 1;
const DOCUMENTATION: u32 = 2;
const BUILT_IN: u32 = 4;

/// The words for kinds and for what is said of them besides.
pub(super) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: KINDS.map(str::to_owned).to_vec(),
        token_modifiers: ["declaration", "documentation", "defaultLibrary"].map(str::to_owned).to_vec(),
    }
}

type TokenSpan = (Span, Kind, u32);

struct Collector<'a> {
    program: &'a Program,
    tokens: Vec<TokenSpan>,
}

/// The tokens of a file that lie in `within`.
pub(super) fn tokens(program: &Program, file: FileId, within: Range<usize>) -> SemanticTokens {
    let mut collector = Collector { program, tokens: Vec::new() };
    if let Some(tree) = program.tree(file) {
        for comment in &tree.comments {
            let documentation = if comment.doc { DOCUMENTATION } else { 0 };
            collector.tokens.push((comment.span, Kind::Comment, documentation));
        }
        for node in tree.nodes.iter().flat_map(|node| std::iter::once(node).chain(node.children())) {
            collector.node(node);
        }
    }
    collector.names(file);
    let mut tokens = collector.tokens;
    tokens.retain(|(span, ..)| {
        !span.is_empty() && (span.start as usize) < within.end && within.start < span.end as usize
    });
    // Of several on one place the name says most; it was added last.
    tokens.reverse();
    tokens.sort_by_key(|(span, ..)| span.start);
    SemanticTokens { result_id: None, data: encode(program, file, &tokens) }
}

/// Each token as the distance from the one before.
fn encode(program: &Program, file: FileId, tokens: &[TokenSpan]) -> Vec<SemanticToken> {
    let (text, Some(lines)) = (program.text(file), program.lines(file)) else { return Vec::new() };
    let (mut line, mut start, mut end) = (0, 0, 0);
    let mut data = Vec::with_capacity(tokens.len());
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    for (span, kind, modifiers) in tokens {
        let Some(word) = text.get(span.range()).filter(|word| span.start as usize >= end && !word.contains('\n'))
        else {
            continue;
        };
        let at = lines.line(span.start as usize);
        let from = if at == line { start } else { lines.start(text, at) };
        let gap = text.get(from..span.start as usize).unwrap_or("");
        data.push(SemanticToken {
            delta_line: number(at - line),
            delta_start: number(program.encoding().length(gap)),
            length: number(program.encoding().length(word)),
            token_type: *kind as u32,
            token_modifiers_bitset: *modifiers,
        });
        (line, start, end) = (at, span.start as usize, span.end as usize);
    }
    data
}

impl Collector<'_> {
    fn add(&mut self, span: Span, kind: Kind) {
        self.tokens.push((span, kind, 0));
    }

    fn all(&mut self, spans: &[Span], kind: Kind) {
        spans.iter().for_each(|span| self.add(*span, kind));
    }

    /// What the model knows about names.
    fn names(&mut self, file: FileId) {
        let program = self.program;
        for reference in program.references_in(file) {
            let kind = match reference.entity {
                _ if reference.role == Role::Means => Kind::Operator,
                Entity::Namespace(_) | Entity::Component(_) => Kind::Namespace,
                Entity::Endpoint(Endpoint::Tier(_)) => Kind::Tier,
                Entity::Endpoint(Endpoint::Group(_)) => Kind::Group,
                Entity::Endpoint(_) => Kind::Addresses,
                Entity::Port(..) | Entity::PortSet(_) => Kind::Port,
            };
            let declares = if reference.role == Role::Declares { DECLARATION } else { 0 };
            let built_in = match reference.entity {
                Entity::Endpoint(Endpoint::BuiltIn(_)) | Entity::Component(_) => BUILT_IN,
                Entity::Namespace(_) | Entity::Endpoint(_) | Entity::Port(..) | Entity::PortSet(_) => 0,
            };
            self.tokens.push((reference.span, kind, declares | built_in));
        }
    }

    fn node(&mut self, node: &Node) {
        if !matches!(
            node.kind,
            NodeKind::Flow { side: None, .. } | NodeKind::PlatformEntry { .. } | NodeKind::Broken { .. }
        ) {
            self.keywords(node);
        }
        match &node.kind {
            NodeKind::Namespace(block) => {
                self.tokens.extend(block.names.iter().map(|name| (name.span, Kind::Namespace, DECLARATION)));
                block.labels.iter().for_each(|selector| self.selector(selector));
            }
            NodeKind::Environment { name, .. } => self.tokens.push((name.span, Kind::Namespace, DECLARATION)),
            NodeKind::Tier(tier) => {
                self.tokens.push((tier.name.span, Kind::Tier, DECLARATION));
                tier.selector.iter().for_each(|selector| self.selector(selector));
                for port in tier.ports.iter().flatten() {
                    self.tokens.push((port.name.span, Kind::Port, DECLARATION));
                    self.ports(&port.ports);
                }
            }
            NodeKind::Group { name, members } => {
                self.tokens.push((name.span, Kind::Group, DECLARATION));
                self.endpoints(members);
            }
            NodeKind::Cidr(cidr) => {
                self.all(&cidr.blocks, Kind::Number);
                self.all(&cidr.except, Kind::Number);
                self.word_between(
                    cidr.blocks.last().copied(),
                    cidr.except.first().copied(),
                    &["except"],
                    Kind::Keyword,
                );
            }
            NodeKind::Fqdn(fqdn) => self.all(&fqdn.names, Kind::Text),
            NodeKind::Ports(declared) => {
                self.tokens.push((declared.name.span, Kind::Port, DECLARATION));
                self.ports(&declared.ports);
            }
            NodeKind::Isolate(isolate) => {
                self.all(&isolate.directions, Kind::Keyword);
                let tiers = isolate.tiers.as_deref().unwrap_or_default();
                let first = tiers.first().map(|name| name.span);
                self.word_between(isolate.directions.last().copied(), first, &["for"], Kind::Keyword);
            }
            NodeKind::Label(key) => self.add(*key, Kind::Label),
            NodeKind::Dns(values) => self.all(values, Kind::Text),
            NodeKind::PlatformEntry { key, values, version } => {
                self.add(*key, Kind::Keyword);
                let addresses = !matches!(self.program.span_text(*key), "cni" | "dns");
                self.all(values, if addresses { Kind::Number } else { Kind::Text });
                version.iter().for_each(|version| self.add(**version, Kind::Number));
            }
            NodeKind::RenameNamespace(rename) => {
                self.add(rename.to.span, Kind::Text);
                rename.labels.iter().for_each(|labels| self.selector(labels));
            }
            NodeKind::Flow { hops, .. } => self.hops(hops),
            NodeKind::Assertion(assertion) => {
                self.hop(&assertion.source);
                self.hop(&assertion.destination);
                let (source, destination) = (assertion.source.span, assertion.destination.span);
                self.word_between(Some(source), Some(destination), &["->>", "->"], Kind::Operator);
                assertion.through_dns.iter().for_each(|span| self.add(*span, Kind::Keyword));
                let except = assertion.except.first().map(|endpoint| endpoint.span);
                let before = assertion.through_dns.unwrap_or(destination);
                self.word_between(Some(before), except, &["except"], Kind::Keyword);
                self.endpoints(&assertion.except);
            }
            NodeKind::Disjoint(tiers) => tiers.iter().for_each(|tier| self.add(tier.span, Kind::Tier)),
            NodeKind::Use(_) | NodeKind::Platform(_) | NodeKind::Broken { .. } => {}
        }
    }

    /// The words that a statement starts with.
    fn keywords(&mut self, node: &Node) {
        let text = self.program.span_text(node.span);
        let word = |text: &str| text.bytes().take_while(u8::is_ascii_lowercase).count();
        let first = word(text);
        let start = node.span.start as usize;
        self.add(Span::new(node.span.file, start..start + first), Kind::Keyword);
        if text.starts_with("external") {
            let rest = text.get(first..).unwrap_or("");
            let gap = rest.len() - rest.trim_start().len();
            let second = word(rest.trim_start());
            self.add(Span::new(node.span.file, start + first + gap..start + first + gap + second), Kind::Keyword);
        }
    }

    /// The word that comes right after one place and stands before another.
    fn word_between(&mut self, before: Option<Span>, after: Option<Span>, words: &[&str], kind: Kind) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let gap = Span { start: before.end, end: after.start.max(before.end), ..before };
        let text = self.program.span_text(gap);
        let rest = text.trim_start_matches(['}', ' ', '\t']);
        if let Some(word) = words.iter().find(|word| rest.starts_with(**word)) {
            let start = gap.start as usize + (text.len() - rest.len());
            self.add(Span::new(gap.file, start..start + word.len()), kind);
        }
    }

    fn hops(&mut self, hops: &[ArrowSide]) {
        hops.iter().for_each(|hop| self.hop(hop));
        for pair in hops.windows(2) {
            if let [one, other] = pair {
                self.word_between(Some(one.span), Some(other.span), &["->"], Kind::Operator);
            }
        }
    }

    fn hop(&mut self, hop: &ArrowSide) {
        self.endpoints(&hop.endpoints);
        hop.ports.iter().for_each(|ports| self.ports(ports));
    }

    /// Names that the model may know nothing of.
    fn endpoints(&mut self, endpoints: &[EndpointRef]) {
        for endpoint in endpoints {
            endpoint.namespace().iter().for_each(|name| self.add(name.span, Kind::Namespace));
        }
    }

    fn ports(&mut self, ports: &PortsExpr) {
        ports.items.iter().for_each(|item| self.port(item));
    }

    fn port(&mut self, port: &PortExpr) {
        let text = self.program.span_text(port.span);
        let length = text.find('/').unwrap_or(text.len());
        let start = port.span.start as usize;
        let kind = match port.kind {
            PortKind::Every => Kind::Operator,
            PortKind::Number => Kind::Number,
            PortKind::Container => Kind::Text,
            PortKind::Name => Kind::Port,
        };
        self.add(Span::new(port.span.file, start..start + length), kind);
        if let Some((_, span)) = port.protocol() {
            self.add(span, Kind::Keyword);
        }
    }

    fn selector(&mut self, selector: &SelectorExpr) {
        selector.star.iter().for_each(|star| self.add(*star, Kind::Operator));
        for requirement in &selector.requirements {
            self.add(requirement.key, Kind::Label);
            self.all(&requirement.values, Kind::Text);
            let first = requirement.values.first().copied();
            self.word_between(Some(requirement.key), first, &["notin", "in"], Kind::Keyword);
        }
    }
}
