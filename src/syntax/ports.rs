//! Ports, from pest's pairs to the tree.

use super::build::Builder;
use super::grammar::Rule;
use super::tree::*;
use crate::diag::{Code, Diagnostic};
use crate::net::Protocol;
use crate::source::Span;
use pest::iterators::Pair;
use smallvec::{SmallVec, smallvec};

impl Builder<'_> {
    pub(super) fn ports(&mut self, pair: Pair<'_, Rule>) -> PortsExpr {
        let span = self.span(&pair);
        let mut items = SmallVec::new();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::port => items = smallvec![self.port(span)],
                Rule::port_set => self.port_set(pair, &mut items),
                _ => {}
            }
        }
        PortsExpr { span, items }
    }

    fn port_set(&mut self, pair: Pair<'_, Rule>, items: &mut SmallVec<[PortExpr; 1]>) {
        let mut shared = None;
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::port => items.push(self.port(self.span(&pair))),
                Rule::protocol => shared = self.protocol(self.span(&pair)),
                _ => {}
            }
        }
        items.iter_mut().for_each(|item| item.set_protocol(shared));
    }

    /// One port: what it is called, and perhaps a slash and a protocol.
    pub(super) fn port(&mut self, span: Span) -> PortExpr {
        if let Some(turned) = self.turned_port(span) {
            return turned;
        }
        let text = self.text(span);
        // A slash inside of quotes is no end.
        let quoted = text.strip_prefix('"').and_then(|rest| rest.find('"')).map(|end| end + 2);
        let end = quoted.or_else(|| text.bytes().position(|byte| byte == b'/')).unwrap_or(text.len());
        let kind = match text.get(..end).unwrap_or("") {
            "*" => PortKind::Every,
            _ if quoted.is_some() => PortKind::Container,
            word if is_number(word) => PortKind::Number,
            _ => PortKind::Name,
        };
        let mut port = PortExpr::new(span, kind);
        if end < text.len() {
            let start = span.start as usize + end;
            port.set_protocol(self.protocol(Span::new(self.file, start..span.end as usize)));
        }
        port
    }

    /// `tcp/80`, reported, as the `80/tcp` that is meant.
    fn turned_port(&mut self, whole: Span) -> Option<PortExpr> {
        let (before, number) = self.text(whole).split_once('/')?;
        let protocol = Protocol::ALL.into_iter().find(|protocol| protocol.keyword().eq_ignore_ascii_case(before))?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let right = format!("{number}/{}", protocol.keyword());
        self.diagnostics.push(
            Diagnostic::new(Code::E0001, whole, "the number of a port stands before its protocol")
                .with_help(format!("write `{right}`"))
                .with_mend(whole, right),
        );
        let start = whole.start as usize + before.len();
        let span = Span::new(self.file, start + 1..whole.end as usize);
        let mut port = PortExpr::new(span, PortKind::Number);
        port.set_protocol(Some((protocol, whole)));
        Some(port)
    }

    /// A protocol with the slash before it.
    fn protocol(&mut self, span: Span) -> Option<(Protocol, Span)> {
        let word = self.text(span).trim_start_matches('/');
        let protocol = Protocol::parse(word);
        if protocol.is_none() {
            let lower = word.to_ascii_lowercase();
            let known = crate::diag::closest(&lower, Protocol::ALL.iter().map(|protocol| protocol.keyword()));
            let diagnostic = Diagnostic::new(Code::E0001, span, format!("`{word}` is no protocol of ports"));
            self.diagnostics.push(match known {
                Some(known) => diagnostic.with_help(format!("write `/{known}`")).with_mend(span, format!("/{known}")),
                None => diagnostic.with_help("write `/tcp`, `/udp` or `/sctp`; NetworkPolicies know no other"),
            });
        }
        protocol.map(|protocol| (protocol, span))
    }
}

/// Whether a word that the grammar takes for a port is a number or a range of numbers, and no name.
fn is_number(word: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match word.split_once('-') {
        Some((low, high)) => digits(low) && digits(high),
        None => digits(word),
    }
}
