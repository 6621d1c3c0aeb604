//! The tree of one file: what was written, with spans, comments and broken statements.

use crate::diag::Allow;
use crate::net::{Direction, Protocol};
use crate::source::{FileId, Span};
use smallvec::SmallVec;

/// One file, parsed.
#[derive(Debug)]
pub struct Tree {
    /// The file.
    pub file: FileId,
    /// The statements and blocks, in order.
    pub nodes: Vec<Node>,
    /// Every comment, doc comments included, in order.
    pub comments: Vec<Comment>,
    /// The comments that silence warnings.
    pub allows: Vec<Allow>,
}

/// A comment, from its `#` to the end of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// Where it stands.
    pub span: Span,
    /// Whether it is a doc comment (`##`).
    pub doc: bool,
}

/// A statement or a block.
#[derive(Debug)]
pub struct Node {
    /// All of it; of a block, its first line up to the brace.
    pub span: Span,
    /// The text of the doc comment right above, its lines joined.
    pub doc: Option<Box<str>>,
    /// What it is.
    pub kind: NodeKind,
}

impl Node {
    /// What it was meant to be: the block that a broken line begins, where that has a name, or else itself.
    pub fn meant(&self) -> &Node {
        let NodeKind::Broken { block: Some(block), .. } = &self.kind else { return self };
        let name = match &block.kind {
            NodeKind::Namespace(block) => block.names.first().copied(),
            NodeKind::Environment { name, .. } => Some(*name),
            _ => None,
        };
        if name.is_some_and(|name| name.span.is_empty()) { self } else { block }
    }

    /// The statements inside a block.
    pub fn children(&self) -> &[Node] {
        match &self.kind {
            NodeKind::Namespace(block) => &block.body,
            NodeKind::Platform(entries) | NodeKind::Environment { entries, .. } => entries,
            _ => &[],
        }
    }
}

/// The kinds of statements and blocks. What is large and rare is boxed: a program is mostly flows.
#[derive(Debug)]
pub enum NodeKind {
    /// `namespace NAME, ... { ... }`, or with `external` before it.
    Namespace(Box<NamespaceBlock>),
    /// `platform { ... }`; each entry is a [`NodeKind::PlatformEntry`] or broken.
    Platform(Vec<Node>),
    /// `environment NAME { ... }`.
    Environment {
        /// Its name.
        name: Name,
        /// [`NodeKind::PlatformEntry`], [`NodeKind::RenameNamespace`], [`NodeKind::Cidr`], [`NodeKind::Fqdn`] or broken.
        entries: Vec<Node>,
    },
    /// `use NAME, ...`.
    Use(Vec<Name>),
    /// `tier NAME (SELECTOR) { PORTS }`.
    Tier(Box<TierDecl>),
    /// `group NAME = ENDPOINT, ...`.
    Group {
        /// Its name.
        name: Name,
        /// What it holds.
        members: Vec<EndpointRef>,
    },
    /// `cidr NAME = BLOCK, ... [except BLOCK, ...]`; in an environment it replaces the one of that name.
    Cidr(Box<CidrDecl>),
    /// `fqdn NAME = DNS-NAME, ...`; in an environment it replaces the one of that name.
    Fqdn(Box<FqdnDecl>),
    /// `ports NAME = PORT, ...`.
    Ports(Box<PortsDecl>),
    /// `isolate DIRECTION, ... [for TIER, ...]`.
    Isolate(Box<IsolateDecl>),
    /// `disjoint TIER, ...`.
    Disjoint(Vec<Name>),
    /// `label KEY`.
    Label(Span),
    /// `dns PRESET-OR-SERVER, ...`.
    Dns(Vec<Span>),
    /// `A -> B:PORTS -> ...`, or with `ingress` or `egress` before it.
    Flow {
        /// The one side that it opens; `None` for both. The statement then starts with its word.
        side: Option<Direction>,
        /// The ends.
        hops: Vec<ArrowSide>,
    },
    /// `never`, `only` and `always`.
    Assertion(Box<AssertionDecl>),
    /// `KEY VALUE, ...` or `cni NAME VERSION` in `platform` or `environment`.
    PlatformEntry {
        /// `cni`, `dns`, `apiserver`, `nodes`, `pods` or `services`.
        key: Span,
        /// The values as written.
        values: Box<[Span]>,
        /// The version behind the name of a CNI.
        version: Option<Box<Span>>,
    },
    /// `namespace NAME = NAME (LABELS)` in an environment.
    RenameNamespace(Box<RenameDecl>),
    /// Text that is no statement; it has been reported.
    Broken {
        /// What it would have declared, so that its uses are not reported as well.
        declares: Option<Name>,
        /// The block that it was probably meant to begin, with the statements in it.
        block: Option<Box<Node>>,
    },
}

impl NodeKind {
    /// The names that a declaration gives.
    pub fn declares(&self) -> impl Iterator<Item = Name> {
        let one = match self {
            NodeKind::Namespace(_) => None,
            NodeKind::Tier(tier) => Some(tier.name),
            NodeKind::Group { name, .. } => Some(*name),
            NodeKind::Ports(ports) => Some(ports.name),
            NodeKind::Cidr(cidr) => cidr.name.name(),
            NodeKind::Fqdn(fqdn) => fqdn.name.name(),
            NodeKind::Broken { declares, .. } => *declares,
            _ => None,
        };
        let namespaces: &[Name] = if let NodeKind::Namespace(block) = self { &block.names } else { &[] };
        namespaces.iter().copied().chain(one)
    }
}

/// A name as written, not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Where it stands.
    pub span: Span,
}

/// The head and the body of a namespace.
#[derive(Debug)]
pub struct NamespaceBlock {
    /// Whether it is `external`.
    pub external: bool,
    /// Its name; of several that are the same block, the name of each.
    pub names: Vec<Name>,
    /// Of an external one the selector over the labels of namespaces, of a managed one the labels that it states.
    pub labels: Option<SelectorExpr>,
    /// The statements inside.
    pub body: Vec<Node>,
}

/// Another name for a namespace.
#[derive(Debug)]
pub struct RenameDecl {
    /// The name in the program.
    pub from: Name,
    /// The name in this environment.
    pub to: Name,
    /// The labels that it states there.
    pub labels: Option<SelectorExpr>,
}

/// A tier's declaration.
#[derive(Debug)]
pub struct TierDecl {
    /// Its name.
    pub name: Name,
    /// The labels of its pods; without it, the namespace's `label` key with the tier's name.
    pub selector: Option<SelectorExpr>,
    /// The ports that it serves; `None` when it lists none at all.
    pub ports: Option<Vec<PortEntry>>,
}

/// `http: 8080/tcp` in a tier's list.
#[derive(Debug)]
pub struct PortEntry {
    /// The port's name in the program.
    pub name: Name,
    /// The port, or the ports.
    pub ports: PortsExpr,
}

/// A selector in `kubectl -l` syntax.
#[derive(Debug)]
pub struct SelectorExpr {
    /// From parenthesis to parenthesis.
    pub span: Span,
    /// The star of `(*)`, which is everything.
    pub star: Option<Span>,
    /// What must hold, all of it.
    pub requirements: Vec<RequirementExpr>,
}

/// One requirement of a selector.
#[derive(Debug)]
pub struct RequirementExpr {
    /// All of it.
    pub span: Span,
    /// The label's key.
    pub key: Span,
    /// What is required of the label.
    pub operator: Operator,
    /// The values as written: one for a comparison, any number for a set, none otherwise.
    pub values: Vec<Span>,
}

/// What a requirement asks of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `k=v`, `k==v`, `k in (...)`: present, with one of the values.
    In,
    /// `k!=v`, `k notin (...)`: absent, or with another value.
    NotIn,
    /// `k`: present.
    Exists,
    /// `!k`: absent.
    DoesNotExist,
}

/// A cidr's declaration, or its replacement in an environment.
#[derive(Debug)]
pub struct CidrDecl {
    /// Its name; in an environment it may name the namespace too.
    pub name: EndpointRef,
    /// The blocks as written.
    pub blocks: Vec<Span>,
    /// The exceptions as written.
    pub except: Vec<Span>,
}

/// An fqdn's declaration, or its replacement in an environment.
#[derive(Debug)]
pub struct FqdnDecl {
    /// Its name; in an environment it may name the namespace too.
    pub name: EndpointRef,
    /// The DNS names as written.
    pub names: Vec<Span>,
}

/// A port set's declaration.
#[derive(Debug)]
pub struct PortsDecl {
    /// Its name.
    pub name: Name,
    /// The ports.
    pub ports: PortsExpr,
}

/// An isolate statement.
#[derive(Debug)]
pub struct IsolateDecl {
    /// The words, not yet checked: `ingress`, `egress`, `none`.
    pub directions: Vec<Span>,
    /// The tiers it is limited to; `None` for every pod.
    pub tiers: Option<Vec<Name>>,
}

/// A reference to an endpoint, as written: `NAME`, `NAMESPACE/NAME`, `NAMESPACE/*` or `*`; or a member of
/// `NAMESPACE/{ ... }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointRef {
    /// All of it; of a member of a namespace's braces, what stands inside of them.
    pub span: Span,
    /// Where the namespace stands; empty when there is none.
    namespace: (u32, u32),
    is_star: bool,
    /// Whether another member of a namespace's braces stands before it.
    is_next: bool,
}

impl EndpointRef {
    /// A name, with the namespace before it, from which nothing but a slash parts it.
    pub fn named(namespace: Option<Name>, name: Name) -> Self {
        debug_assert!(namespace.is_none_or(|namespace| namespace.span.end + 1 == name.span.start));
        let span = namespace.map_or(name.span, |namespace| namespace.span.to(name.span));
        let namespace = namespace.map_or((span.start, span.start), |namespace| (span.start, namespace.span.end));
        EndpointRef { span, namespace, is_star: false, is_next: false }
    }

    /// The star at the end of `span`, with the namespace before its slash if there is one.
    pub fn star(span: Span) -> Self {
        let slash = span.end.saturating_sub(2).max(span.start);
        EndpointRef { span, namespace: (span.start, slash), is_star: true, is_next: false }
    }

    /// The same, without a namespace of its own, as a member of the braces behind `namespace/`: the first one, or another.
    pub fn of(self, namespace: Name, is_first: bool) -> Self {
        EndpointRef { namespace: (namespace.span.start, namespace.span.end), is_next: !is_first, ..self }
    }

    /// The namespace before the slash, or before the braces around it.
    pub fn namespace(&self) -> Option<Name> {
        let (start, end) = self.namespace;
        (start < end).then_some(Name { span: Span { start, end, ..self.span } })
    }

    /// The namespace that it has in common with the other members of its braces.
    pub fn shared_namespace(&self) -> Option<Name> {
        self.namespace().filter(|namespace| namespace.span.end < self.span.start)
    }

    /// Whether its namespace has been read with another member of the same braces.
    pub fn repeats_namespace(&self) -> bool {
        self.is_next
    }

    /// The name behind it, or `None` for `*`.
    pub fn name(&self) -> Option<Name> {
        let own = self.namespace().filter(|namespace| namespace.span.start == self.span.start);
        let start = own.map_or(self.span.start, |namespace| namespace.span.end + 1);
        (!self.is_star).then_some(Name { span: Span { start, ..self.span } })
    }
}

/// One side of an arrow.
#[derive(Debug)]
pub struct ArrowSide {
    /// All of it.
    pub span: Span,
    /// The endpoint, or those in braces.
    pub endpoints: SmallVec<[EndpointRef; 1]>,
    /// The ports behind colons.
    pub ports: HopPorts,
}

/// The ports of one side of an arrow.
#[derive(Debug)]
pub enum HopPorts {
    /// None are named.
    None,
    /// Behind the endpoint, or behind the braces for all in them.
    Shared(PortsExpr),
    /// Behind members of the braces, in their order: `None` behind those that name none.
    Own(Box<[Option<PortsExpr>]>),
}

impl HopPorts {
    /// Those of an endpoint, by its place among all of its side.
    pub fn of(&self, place: usize) -> Option<&PortsExpr> {
        match self {
            HopPorts::None => None,
            HopPorts::Shared(ports) => Some(ports),
            HopPorts::Own(ports) => ports.get(place)?.as_ref(),
        }
    }

    /// All that are written, in order.
    pub fn iter(&self) -> impl Iterator<Item = &PortsExpr> {
        let (shared, own): (_, &[Option<PortsExpr>]) = match self {
            HopPorts::None => (None, &[]),
            HopPorts::Shared(ports) => (Some(ports), &[]),
            HopPorts::Own(ports) => (None, ports),
        };
        shared.into_iter().chain(own.iter().flatten())
    }

    /// Those behind the endpoint or the braces.
    pub fn shared(&self) -> Option<&PortsExpr> {
        if let HopPorts::Shared(ports) = self { Some(ports) } else { None }
    }
}

/// Ports, as written.
#[derive(Debug)]
pub struct PortsExpr {
    /// All of it.
    pub span: Span,
    /// The items.
    pub items: SmallVec<[PortExpr; 1]>,
}

/// One port, as written.
#[derive(Debug)]
pub struct PortExpr {
    /// All of it.
    pub span: Span,
    /// Which.
    pub kind: PortKind,
    protocol: Option<Protocol>,
    /// Where the protocol stands, in the same file.
    protocol_at: (u32, u32),
}

impl PortExpr {
    /// A port without a protocol.
    pub fn new(span: Span, kind: PortKind) -> Self {
        PortExpr { span, kind, protocol: None, protocol_at: (0, 0) }
    }

    /// The protocol, its own or that of the braces around it, with its place.
    pub fn protocol(&self) -> Option<(Protocol, Span)> {
        let (start, end) = self.protocol_at;
        self.protocol.map(|protocol| (protocol, Span { start, end, ..self.span }))
    }

    /// Gives it a protocol, unless it has one.
    pub fn set_protocol(&mut self, protocol: Option<(Protocol, Span)>) {
        if let (None, Some((protocol, span))) = (self.protocol, protocol) {
            self.protocol = Some(protocol);
            self.protocol_at = (span.start, span.end);
        }
    }
}

/// The ways to name a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortKind {
    /// `*`
    Every,
    /// `8080` or `30000-32767`; the text says which.
    Number,
    /// `"metrics"`: a named container port.
    Container,
    /// `http`: a port of the tier, or a port set.
    Name,
}

/// The kinds of assertions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionKind {
    /// `never A -> B`
    Never,
    /// `never A ->> B`
    NeverThrough,
    /// `only A -> B`
    Only,
    /// `always A -> B`
    Always,
}

/// An assertion.
#[derive(Debug)]
pub struct AssertionDecl {
    /// Which.
    pub kind: AssertionKind,
    /// Who connects.
    pub source: ArrowSide,
    /// To whom, on which ports.
    pub destination: ArrowSide,
    /// Whether DNS servers count as stepping stones: `through dns`.
    pub through_dns: Option<Span>,
    /// Whom it does not hold for.
    pub except: Vec<EndpointRef>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program is many of these: what makes one larger shows in the memory and the time of every build.
    #[test]
    fn nodes_are_small() {
        assert_eq!(size_of::<Option<Span>>(), size_of::<Span>());
        assert_eq!(size_of::<EndpointRef>(), 24);
        assert_eq!(size_of::<PortExpr>(), 24);
        assert_eq!(size_of::<ArrowSide>(), 104);
        assert_eq!(size_of::<Node>(), 72);
    }
}
