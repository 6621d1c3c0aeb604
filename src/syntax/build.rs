//! From pest's pairs to the tree.

use super::grammar::Rule;
use super::tree::*;
use crate::diag::{Code, Diagnostic};
use crate::net::Direction;
use crate::source::{FileId, Span};
use pest::iterators::{Pair, Pairs};
use smallvec::SmallVec;

/// Builds the nodes of statements.
pub(super) struct Builder<'a> {
    pub(super) file: FileId,
    text: &'a str,
    base: usize,
    /// Mistakes that the grammar lets through.
    pub diagnostics: Vec<Diagnostic>,
    /// Comments inside the statements.
    pub comments: Vec<Comment>,
}

impl<'a> Builder<'a> {
    /// A builder for the statements from `base` on, where pest's offsets count from.
    pub(super) fn new(file: FileId, text: &'a str, base: usize) -> Self {
        Builder { file, text, base, diagnostics: Vec::new(), comments: Vec::new() }
    }

    pub(super) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.file, self.base + span.start()..self.base + span.end())
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or("")
    }

    pub(super) fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name { span: self.span(pair) }
    }

    fn names(&self, pairs: Pairs<'_, Rule>) -> Vec<Name> {
        pairs.filter(|pair| pair.as_rule() == Rule::name).map(|pair| self.name(&pair)).collect()
    }

    fn spans(&self, pairs: Pairs<'_, Rule>, rule: Rule) -> Vec<Span> {
        pairs.filter(|pair| pair.as_rule() == rule).map(|pair| self.span(&pair)).collect()
    }

    /// Comments are not in pest's pairs; they can only stand where a statement breaks its line.
    fn collect_comments(&mut self, pair: &Pair<'_, Rule>) {
        let statement = pair.as_str();
        if !statement.as_bytes().contains(&b'\n') {
            return;
        }
        let mut offset = pair.as_span().start();
        for line in statement.split_inclusive('\n') {
            let mut quoted = false;
            let start = line.bytes().position(|byte| {
                quoted ^= byte == b'"';
                byte == b'#' && !quoted
            });
            if let (Some(start), true) = (start, line.ends_with('\n')) {
                let comment = line.get(start..).unwrap_or("").trim_end_matches(['\n', '\r']);
                let from = self.base + offset + start;
                let span = Span::new(self.file, from..from + comment.len());
                self.comments.push(Comment { span, doc: false });
            }
            offset += line.len();
        }
    }

    /// The node of a statement that pest has matched.
    pub(super) fn node(&mut self, pair: Pair<'_, Rule>) -> NodeKind {
        self.collect_comments(&pair);
        let rule = pair.as_rule();
        let missing = Name { span: self.span(&pair) };
        let mut pairs = pair.into_inner();
        let first_name = match rule {
            Rule::flow => None,
            _ => pairs.clone().find(|pair| pair.as_rule() == Rule::name).map(|pair| self.name(&pair)),
        };
        let name = first_name.unwrap_or(missing);
        match rule {
            Rule::namespace | Rule::external => {
                let names = self.names(pairs.clone());
                let labels = self.selector(pairs.find(|pair| pair.as_rule() == Rule::selector));
                let external = rule == Rule::external;
                labels.iter().for_each(|labels| self.check_names_with_labels(external, &names, labels));
                NodeKind::Namespace(Box::new(NamespaceBlock { external, names, labels, body: Vec::new() }))
            }
            Rule::platform => NodeKind::Platform(Vec::new()),
            Rule::environment => NodeKind::Environment { name, entries: Vec::new() },
            Rule::use_entry => NodeKind::Use(self.names(pairs)),
            Rule::tier => self.tier(name, pairs),
            Rule::group => {
                let sides = pairs.find(|pair| pair.as_rule() == Rule::sides);
                NodeKind::Group { name, members: sides.map(|sides| self.sides(sides)).unwrap_or_default() }
            }
            Rule::cidr | Rule::replace_cidr => self.cidr(name, pairs),
            Rule::fqdn | Rule::replace_fqdn => {
                let reference = pairs.clone().find(|pair| pair.as_rule() == Rule::endpoint);
                let name =
                    reference.map_or_else(|| EndpointRef::named(None, name), |pair| self.endpoint(self.span(&pair)));
                NodeKind::Fqdn(Box::new(FqdnDecl { name, names: self.spans(pairs, Rule::dns_name) }))
            }
            Rule::ports_entry => {
                let ports = pairs.filter(|pair| pair.as_rule() == Rule::ports).map(|pair| self.ports(pair));
                let all = ports.reduce(|mut all, more| {
                    all.span = all.span.to(more.span);
                    all.items.extend(more.items);
                    all
                });
                let ports = all.unwrap_or(PortsExpr { span: name.span, items: SmallVec::new() });
                NodeKind::Ports(Box::new(PortsDecl { name, ports }))
            }
            Rule::isolate => {
                let limit = pairs.clone().find(|pair| pair.as_rule() == Rule::isolate_for);
                NodeKind::Isolate(Box::new(IsolateDecl {
                    directions: self.spans(pairs, Rule::direction),
                    tiers: limit.map(|pair| self.names(pair.into_inner())),
                }))
            }
            Rule::disjoint => self.disjoint(self.names(pairs), missing.span),
            Rule::label => NodeKind::Label(self.spans(pairs, Rule::key).first().copied().unwrap_or(name.span)),
            Rule::dns => NodeKind::Dns(self.spans(pairs, Rule::dns_server)),
            Rule::flow => self.flow(pairs),
            Rule::assertion => self.assertion(pairs),
            Rule::platform_entry => {
                let key = self.spans(pairs.clone(), Rule::platform_key).first().copied();
                NodeKind::PlatformEntry {
                    key: key.unwrap_or(name.span),
                    version: self.spans(pairs.clone(), Rule::version).first().copied().map(Box::new),
                    values: self.spans(pairs, Rule::dns_server).into(),
                }
            }
            Rule::rename_namespace => {
                let names = self.names(pairs.clone());
                let labels = self.selector(pairs.find(|pair| pair.as_rule() == Rule::selector));
                match names.as_slice() {
                    [from, to] => NodeKind::RenameNamespace(Box::new(RenameDecl { from: *from, to: *to, labels })),
                    _ => NodeKind::Broken { declares: None, block: None },
                }
            }
            _ => NodeKind::Broken { declares: None, block: None },
        }
    }

    /// Namespaces that are found by their labels are one thing of the program, whatever each of them is called.
    fn check_names_with_labels(&mut self, external: bool, names: &[Name], labels: &SelectorExpr) {
        let (true, [first, .., last]) = (external, names) else { return };
        let place = Span { start: last.span.end, ..labels.span };
        let message = "labels find namespaces whatever their names are, so there is one name for all of them";
        let help = format!(
            "write `external namespace {} {}`, or leave the labels out",
            self.text(first.span),
            self.text(labels.span)
        );
        self.diagnostics.push(Diagnostic::new(Code::E0001, labels.span, message).with_help(help).with_mend(place, ""));
    }

    /// A tier by itself shares pods with no other.
    fn disjoint(&mut self, tiers: Vec<Name>, whole: Span) -> NodeKind {
        if let [one] = tiers.as_slice() {
            let one = self.text(one.span);
            let message = "`disjoint` says of tiers that no pod is in two of them, and names two at least";
            let help = format!("name the others behind a comma, as in `disjoint {one}, canary`, or leave it out");
            self.diagnostics.push(Diagnostic::new(Code::E0001, whole, message).with_help(help));
        }
        NodeKind::Disjoint(tiers)
    }

    fn tier(&mut self, name: Name, pairs: Pairs<'_, Rule>) -> NodeKind {
        let mut tier = TierDecl { name, selector: None, ports: None };
        for pair in pairs {
            match pair.as_rule() {
                Rule::selector => tier.selector = self.selector(Some(pair)),
                Rule::port_list => {
                    let entries = pair.into_inner().filter(|pair| pair.as_rule() == Rule::port_entry);
                    tier.ports = Some(entries.filter_map(|entry| self.port_entry(entry)).collect());
                }
                _ => {}
            }
        }
        NodeKind::Tier(Box::new(tier))
    }

    fn port_entry(&mut self, pair: Pair<'_, Rule>) -> Option<PortEntry> {
        let mut pairs = pair.into_inner();
        let name = self.name(&pairs.next()?);
        let ports = pairs.find(|pair| pair.as_rule() == Rule::ports)?;
        Some(PortEntry { name, ports: self.ports(ports) })
    }

    fn cidr(&mut self, name: Name, pairs: Pairs<'_, Rule>) -> NodeKind {
        let mut cidr = CidrDecl { name: EndpointRef::named(None, name), blocks: Vec::new(), except: Vec::new() };
        for pair in pairs {
            match pair.as_rule() {
                Rule::endpoint => cidr.name = self.endpoint(self.span(&pair)),
                Rule::blocks => cidr.blocks = self.spans(pair.into_inner(), Rule::block),
                Rule::except_blocks => {
                    let blocks = pair.into_inner().find(|pair| pair.as_rule() == Rule::blocks);
                    cidr.except = blocks.map(|pair| self.spans(pair.into_inner(), Rule::block)).unwrap_or_default();
                }
                _ => {}
            }
        }
        NodeKind::Cidr(Box::new(cidr))
    }

    fn assertion(&mut self, pairs: Pairs<'_, Rule>) -> NodeKind {
        let mut word = "";
        let mut chain = None;
        let mut through_dns = None;
        let mut except = Vec::new();
        let mut hops = Vec::new();
        for pair in pairs {
            match pair.as_rule() {
                Rule::assertion_word => word = self.text(self.span(&pair)),
                Rule::chain_arrow => chain = Some(self.span(&pair)),
                Rule::through => through_dns = Some(self.span(&pair)),
                Rule::hop => hops.push(self.hop(pair)),
                Rule::except_sides => {
                    let sides = pair.into_inner().find(|pair| pair.as_rule() == Rule::sides);
                    except = sides.map(|sides| self.sides(sides)).unwrap_or_default();
                }
                _ => {}
            }
        }
        let kind = match (word, chain) {
            ("never", None) => AssertionKind::Never,
            ("never", Some(_)) => AssertionKind::NeverThrough,
            ("only", _) => AssertionKind::Only,
            _ => AssertionKind::Always,
        };
        if let (Some(span), "only" | "always") = (chain, word) {
            self.diagnostics.push(
                Diagnostic::new(Code::E0001, span, format!("`->>` only goes with `never`, not with `{word}`"))
                    .with_help(format!("write `{word} A -> B`, or `never A ->> B`"))
                    .with_mend(span, "->"),
            );
        }
        let mut hops = hops.into_iter();
        match (hops.next(), hops.next()) {
            (Some(source), Some(destination)) => {
                self.check_through(kind, through_dns);
                NodeKind::Assertion(Box::new(AssertionDecl { kind, source, destination, through_dns, except }))
            }
            _ => NodeKind::Broken { declares: None, block: None },
        }
    }

    /// Only what goes through others can go through DNS servers.
    fn check_through(&mut self, kind: AssertionKind, through: Option<Span>) {
        let Some(span) = through.filter(|_| kind != AssertionKind::NeverThrough) else { return };
        let space = self.text.get(..span.range().start).unwrap_or("");
        let start = space.trim_end_matches(BLANKS).len();
        self.diagnostics.push(
            Diagnostic::new(
                Code::E0001,
                span,
                "`through dns` only goes with `->>`: one connection goes through nobody",
            )
            .with_help("leave it out, or write `never A ->> B through dns`")
            .with_mend(Span::new(self.file, start..span.range().end), ""),
        );
    }

    fn flow(&mut self, pairs: Pairs<'_, Rule>) -> NodeKind {
        let mut hops = Vec::with_capacity(pairs.len().div_ceil(2));
        let mut side = None;
        for pair in pairs {
            match pair.as_rule() {
                Rule::one_side => side = Direction::ALL.into_iter().find(|one| one.word() == pair.as_str()),
                Rule::hop => hops.push(self.hop(pair)),
                _ => {}
            }
        }
        NodeKind::Flow { side, hops }
    }

    fn selector(&self, pair: Option<Pair<'_, Rule>>) -> Option<SelectorExpr> {
        let pair = pair?;
        let span = self.span(&pair);
        let mut selector = SelectorExpr { span, star: None, requirements: Vec::new() };
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::star => selector.star = Some(self.span(&pair)),
                Rule::requirement => selector.requirements.extend(self.requirement(pair)),
                _ => {}
            }
        }
        Some(selector)
    }

    fn requirement(&self, pair: Pair<'_, Rule>) -> Option<RequirementExpr> {
        let span = self.span(&pair);
        let form = pair.into_inner().next()?;
        let form_rule = form.as_rule();
        if form_rule == Rule::key {
            let key = self.span(&form);
            return Some(RequirementExpr { span, key, operator: Operator::Exists, values: Vec::new() });
        }
        let mut operator = if form_rule == Rule::absent { Operator::DoesNotExist } else { Operator::In };
        let mut key = None;
        let mut values = Vec::new();
        for pair in form.into_inner() {
            match pair.as_rule() {
                Rule::key => key = Some(self.span(&pair)),
                Rule::value => values.push(self.span(&pair)),
                Rule::operator | Rule::set_operator if matches!(pair.as_str(), "!=" | "notin") => {
                    operator = Operator::NotIn;
                }
                _ => {}
            }
        }
        if form_rule == Rule::comparison && values.is_empty() {
            // `k=` asks for the empty value.
            values.push(Span { start: span.end, ..span });
        }
        Some(RequirementExpr { span, key: key?, operator, values })
    }
}

/// What may stand between the parts of a line.
pub(super) const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::net::Protocol;
    use crate::syntax::grammar::PolderGrammar;
    use pest::Parser as _;

    /// Hops as the grammar sees them: rules and texts.
    fn by_pairs(pair: Pair<'_, Rule>, found: &mut Vec<(Rule, String)>) {
        if matches!(pair.as_rule(), Rule::name | Rule::star | Rule::number | Rule::quoted | Rule::protocol) {
            found.push((pair.as_rule(), pair.as_str().to_owned()));
        }
        pair.into_inner().for_each(|inner| by_pairs(inner, found));
    }

    #[test]
    fn what_is_read_from_the_text_of_a_hop_is_what_the_grammar_says() {
        let endpoints = ["a", "a-b_C", "n/a", "*", "n/*", "0"];
        let ports = [
            "80",
            "80-90",
            "http",
            "http-2",
            "80x",
            "80_",
            "1-2-3",
            "1--2",
            "8-x",
            "*",
            "\"web\"",
            "\"a/b:c\"",
            "\"\"",
            "\"-9\"",
            "\"{é}\"",
        ];
        let protocols = ["", "/tcp", "/udp", "/sctp"];
        for endpoint in endpoints {
            for colon in [":", " : ", "\t:"] {
                for port in ports {
                    for protocol in protocols {
                        check(&format!("{endpoint}{colon}{port}{protocol}"));
                    }
                }
            }
            check(endpoint);
        }
    }

    #[test]
    fn ports_in_braces_and_turned_ones_are_read_alike() {
        let ports = |text: &str| {
            let pair = PolderGrammar::parse(Rule::hop, text).unwrap().next().unwrap();
            let mut builder = Builder::new(FileId::at(0), text, 0);
            let hop = builder.hop(pair);
            let read = |port: &PortExpr| {
                let protocol = port.protocol().map(|(protocol, _)| protocol);
                (text.get(port.span.range()).unwrap_or("").to_owned(), port.kind, protocol)
            };
            let ports: Vec<_> = hop.ports.iter().flat_map(|ports| &ports.items).map(read).collect();
            (ports, builder.diagnostics.len())
        };
        let (tcp, udp) = (Some(Protocol::Tcp), Some(Protocol::Udp));
        let number = |text: &str, protocol| (text.to_owned(), PortKind::Number, protocol);
        assert_eq!(ports("a:{80, 53/udp}/tcp"), (vec![number("80", tcp), number("53/udp", udp)], 0));
        assert_eq!(ports("{a, b}:80"), (vec![number("80", None)], 0));
        assert_eq!(ports("a:tcp/80"), (vec![number("80", tcp)], 1));
        assert_eq!(ports("a:{UDP/53}"), (vec![number("53", udp)], 1));
        assert_eq!(ports("a:80/foo"), (vec![number("80/foo", None)], 1));
    }

    fn check(text: &str) {
        let pair = PolderGrammar::parse(Rule::hop, text).unwrap().next().unwrap();
        assert_eq!(pair.as_str(), text);
        let mut expected = Vec::new();
        by_pairs(pair.clone(), &mut expected);
        let mut builder = Builder::new(FileId::at(0), text, 0);
        let hop = builder.hop(pair);
        let [endpoint] = hop.endpoints.as_slice() else { panic!("{text}") };
        let mut found: Vec<(Rule, String)> = Vec::new();
        let mut add = |rule: Rule, span: Span| found.push((rule, text.get(span.range()).unwrap().to_owned()));
        endpoint.namespace().iter().for_each(|name| add(Rule::name, name.span));
        match endpoint.name() {
            Some(name) => add(Rule::name, name.span),
            None => add(Rule::star, Span { start: endpoint.span.end - 1, ..endpoint.span }),
        }
        for port in hop.ports.iter().flat_map(|ports| &ports.items) {
            let protocol = port.protocol().map(|(_, span)| span);
            let rule = match port.kind {
                PortKind::Every => Rule::star,
                PortKind::Number => Rule::number,
                PortKind::Container => Rule::quoted,
                PortKind::Name => Rule::name,
            };
            add(rule, Span { end: protocol.map_or(port.span.end, |span| span.start), ..port.span });
            protocol.iter().for_each(|span| add(Rule::protocol, *span));
        }
        assert_eq!(found, expected, "{text}");
    }
}
