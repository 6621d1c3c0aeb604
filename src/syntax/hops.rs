//! The sides of arrows, from pest's pairs to the tree.

use super::build::{BLANKS, Builder};
use super::grammar::Rule;
use super::tree::*;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::table::number;
use pest::iterators::Pair;
use smallvec::{SmallVec, smallvec};

impl Builder<'_> {
    /// Without braces, the text of a hop says as much as its pairs, and sooner: an endpoint, a colon and a port.
    pub(super) fn hop(&mut self, pair: Pair<'_, Rule>) -> ArrowSide {
        let span = self.span(&pair);
        let text = self.text(span);
        if text.bytes().any(|byte| byte == b'{') {
            return self.hop_with_braces(span, pair);
        }
        let part = |from: usize, to: usize| Span::new(self.file, span.start as usize + from..span.start as usize + to);
        let Some(colon) = text.bytes().position(|byte| byte == b':') else {
            return ArrowSide { span, endpoints: smallvec![self.endpoint(span)], ports: HopPorts::None };
        };
        let (endpoint, port) = (text.get(..colon).unwrap_or(""), text.get(colon + 1..).unwrap_or(""));
        let endpoint = part(0, endpoint.trim_end_matches(BLANKS).len());
        let port = part(text.len() - port.trim_start_matches(BLANKS).len(), text.len());
        let endpoints = smallvec![self.endpoint(endpoint)];
        let ports = HopPorts::Shared(PortsExpr { span: port, items: smallvec![self.port(port)] });
        ArrowSide { span, endpoints, ports }
    }

    fn hop_with_braces(&mut self, span: Span, pair: Pair<'_, Rule>) -> ArrowSide {
        let is_list = pair.clone().into_inner().any(|pair| pair.as_rule() == Rule::close_brace);
        let mut namespace = None;
        let mut endpoints: SmallVec<[EndpointRef; 1]> = SmallVec::new();
        let mut own: Vec<Option<PortsExpr>> = Vec::new();
        let mut shared = None;
        let mut is_open = is_list;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => namespace = Some(self.name(&pair)),
                Rule::endpoint => endpoints.push(self.endpoint(self.span(&pair))),
                Rule::member => endpoints.push(self.member(namespace, self.span(&pair), endpoints.is_empty())),
                Rule::close_brace => is_open = false,
                Rule::ports if is_open => {
                    own.resize_with(endpoints.len().saturating_sub(1), || None);
                    own.push(Some(self.ports(pair)));
                }
                Rule::ports => shared = Some(self.ports(pair)),
                _ => {}
            }
        }
        if !own.is_empty() {
            own.resize_with(endpoints.len(), || None);
        }
        let (own, shared) = match (own.is_empty(), shared) {
            (true, None) => return ArrowSide { span, endpoints, ports: HopPorts::None },
            (true, Some(shared)) => return ArrowSide { span, endpoints, ports: HopPorts::Shared(shared) },
            (false, shared) => (own, shared),
        };
        let hop = ArrowSide { span, endpoints, ports: HopPorts::Own(own.into()) };
        shared.iter().for_each(|shared| self.report_ports_behind_braces(&hop, shared));
        hop
    }

    /// `{a:80, b}:90` says two things of `a`: those behind the braces are taken for the members that have none.
    fn report_ports_behind_braces(&mut self, hop: &ArrowSide, shared: &PortsExpr) {
        let (whole, ports) = (hop.span, self.text(shared.span));
        let text = |start: u32, end: u32| self.text(Span { start, end, ..whole });
        let braces = text(whole.start, shared.span.start).trim_end_matches(BLANKS).trim_end_matches(':');
        let braces_end = whole.start + number(braces.trim_end_matches(BLANKS).len());
        let mut right = String::new();
        let mut at = whole.start;
        for (place, endpoint) in hop.endpoints.iter().enumerate() {
            if hop.ports.of(place).is_none() {
                right.push_str(text(at, endpoint.span.end));
                right.push_str(&format!(":{ports}"));
                at = endpoint.span.end;
            }
        }
        right.push_str(text(at, braces_end));
        let behind = Span { start: braces_end, ..shared.span };
        let message = "ports stand behind the members of the braces or behind the braces, not behind both";
        let diagnostic = Diagnostic::new(Code::E0001, behind, message).with_help(format!("write `... -> {right}`"));
        self.diagnostics.push(diagnostic.with_mend(whole, right));
    }

    pub(super) fn sides(&self, pair: Pair<'_, Rule>) -> Vec<EndpointRef> {
        pair.into_inner().filter(|pair| pair.as_rule() == Rule::side).flat_map(|pair| self.side(pair)).collect()
    }

    fn side(&self, pair: Pair<'_, Rule>) -> SmallVec<[EndpointRef; 1]> {
        let mut namespace = None;
        let mut endpoints: SmallVec<[EndpointRef; 1]> = SmallVec::new();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::name => namespace = Some(self.name(&pair)),
                Rule::endpoint => endpoints.push(self.endpoint(self.span(&pair))),
                Rule::member => endpoints.push(self.member(namespace, self.span(&pair), endpoints.is_empty())),
                _ => {}
            }
        }
        endpoints
    }

    /// A member of the braces behind a namespace.
    fn member(&self, namespace: Option<Name>, span: Span, is_first: bool) -> EndpointRef {
        let endpoint = self.endpoint(span);
        namespace.map_or(endpoint, |namespace| endpoint.of(namespace, is_first))
    }

    /// An endpoint has nothing in it but names, a slash and a star: its text says as much as its pairs, and sooner.
    pub(super) fn endpoint(&self, span: Span) -> EndpointRef {
        let text = self.text(span);
        if text.ends_with('*') {
            return EndpointRef::star(span);
        }
        let start = span.start as usize;
        let part = |from: usize, to: usize| Name { span: Span::new(self.file, start + from..start + to) };
        let slash = text.bytes().position(|byte| byte == b'/');
        let namespace = slash.map(|slash| part(0, slash));
        EndpointRef::named(namespace, part(slash.map_or(0, |slash| slash + 1), text.len()))
    }
}
