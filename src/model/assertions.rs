//! Assertions: whom they speak of, and what in them says nothing.

use super::flows::{FlowDestination, FlowEndpoints};
use super::ports::Checks;
use super::resolve::{PlacedStatement, Resolver};
use super::scope::NameScope;
use super::{Assertion, Endpoint, Holds, NamespaceKind, StatementId, Targets};
use crate::diag::{Code, Diagnostic};
use crate::net::{NAMESPACE_NAME, PortSet, Selector};
use crate::source::Span;
use crate::syntax::{AssertionDecl, AssertionKind, HopPorts};

impl<'a> Resolver<'a> {
    /// Resolves an assertion, for each of its namespaces.
    pub(super) fn assertions_of(&mut self, members: &[PlacedStatement<'a>], assertion: &'a AssertionDecl) {
        self.report_source_ports(&assertion.source);
        let mut statement = None;
        for member in members {
            self.repeats = member.repeats;
            self.assertion(member, assertion, &mut statement);
        }
        self.repeats = false;
    }

    /// Resolves an assertion. Its statement is made where it is needed first.
    fn assertion(
        &mut self,
        member: &PlacedStatement<'a>,
        assertion: &'a AssertionDecl,
        statement: &mut Option<StatementId>,
    ) {
        let (source, destination) = (&assertion.source, &assertion.destination);
        let sources = self.endpoints(member.scope, &source.endpoints);
        let destinations = self.destinations(member.scope, destination);
        let except = self.endpoints(member.scope, &assertion.except);
        let mut sound = sources.len() == source.endpoints.len()
            && destinations.len() == destination.endpoints.len()
            && except.len() == assertion.except.len();
        let ends = destinations.iter().map(|to| (to.endpoint, to.span));
        for (endpoint, span) in sources.iter().copied().chain(ends).chain(except.iter().copied()) {
            sound &= self.check_assertable(endpoint, span);
        }
        let mut targets = Targets::new();
        let mut first = true;
        for to in &destinations {
            first |= matches!(destination.ports, HopPorts::Own(_));
            match self.assertion_targets(member.scope, assertion.kind, *to, &mut first) {
                Some(more) => targets.extend(more),
                None => sound = false,
            }
        }
        if !sound {
            return;
        }
        let statement = *statement.get_or_insert_with(|| {
            let text = self.assertion_text(assertion);
            let text_start = self.statement_texts.len();
            self.statement_texts.push_str(&text);
            self.statement(member, text_start, member.node.span)
        });
        let written = except;
        let endpoints = |list: &FlowEndpoints| list.iter().map(|(endpoint, _)| *endpoint).collect::<Vec<_>>();
        let (sources, except) = (endpoints(&sources), endpoints(&written));
        let through_dns = assertion.through_dns.is_some();
        if assertion.kind == AssertionKind::Only || !self.is_about_nobody(&sources, &except, member.node.span) {
            self.check_except(assertion.kind, &sources, &written);
        }
        let kind = assertion.kind;
        self.model.assertions.push(Assertion { kind, sources, targets, through_dns, except, statement });
    }

    fn assertion_text(&self, assertion: &AssertionDecl) -> String {
        let (word, arrow) = match assertion.kind {
            AssertionKind::Never => ("never", "->"),
            AssertionKind::NeverThrough => ("never", "->>"),
            AssertionKind::Only => ("only", "->"),
            AssertionKind::Always => ("always", "->"),
        };
        let source = self.side_text(&assertion.source.endpoints);
        let mut text = format!("{word} {source} {arrow} {}", self.hop_text(&assertion.destination));
        if assertion.through_dns.is_some() {
            text.push_str(" through dns");
        }
        if !assertion.except.is_empty() {
            text.push_str(&format!(" except {}", self.list_text(&assertion.except)));
        }
        text
    }

    fn check_assertable(&mut self, endpoint: Endpoint, span: Span) -> bool {
        let leaves = self.leaves(endpoint);
        if leaves.iter().any(|leaf| matches!(leaf, Endpoint::Fqdn(_))) {
            self.report(
                Diagnostic::new(Code::E0220, span, "an assertion is about pods and addresses; DNS names are neither")
                    .with_help("name the addresses: `cidr NAME = ...`"),
            );
            return false;
        }
        self.check_known(&leaves, span)
    }

    fn assertion_targets(
        &mut self,
        scope: NameScope,
        kind: AssertionKind,
        FlowDestination { endpoint, span, ports }: FlowDestination<'a>,
        first: &mut bool,
    ) -> Option<Targets> {
        let group = matches!(endpoint, Endpoint::Group(_)).then(|| self.text(span).to_owned());
        let mut targets = Targets::new();
        for leaf in self.model.leaves(&endpoint).to_vec() {
            let ports = match ports {
                Some(expression) => {
                    let checks = Checks { served: false, first: std::mem::take(first) };
                    self.flow_ports(scope, expression, leaf, group.as_deref(), checks)?
                }
                None if kind == AssertionKind::Always => self.served_ports(leaf, span, group.as_deref())?,
                None => PortSet::everything(),
            };
            targets.push((leaf, ports));
        }
        Some(targets)
    }

    /// An assertion that excepts everybody it speaks of says nothing.
    fn is_about_nobody(&mut self, sources: &[Endpoint], except: &[Endpoint], span: Span) -> bool {
        let (sources, except) = (self.all_leaves(sources), self.all_leaves(except));
        let vacuous =
            !sources.is_empty() && sources.iter().all(|one| except.iter().any(|wide| self.holds(*wide, *one)));
        if vacuous {
            self.report(
                Diagnostic::new(
                    Code::E0221,
                    span,
                    "this assertion is about nobody: `except` takes away all whom it speaks of",
                )
                .with_help("narrow `except`, or remove the assertion"),
            );
        }
        vacuous
    }

    /// Exceptions without which the assertion would say the same. `never` and `always` speak of the pods on their left,
    /// `only` of all others.
    fn check_except(&mut self, kind: AssertionKind, sources: &[Endpoint], except: &FlowEndpoints) {
        let sources = self.all_leaves(sources);
        let spoken_of: Vec<Held> = sources.iter().map(|source| self.held(*source)).collect();
        let mut earlier: Vec<Endpoint> = Vec::new();
        for (endpoint, span) in except {
            let leaves = self.leaves(*endpoint);
            let all_in = |wide: &[Endpoint]| leaves.iter().all(|leaf| wide.iter().any(|one| self.holds(*one, *leaf)));
            let shared = |leaf: &Endpoint| {
                let held = self.held(*leaf);
                spoken_of.iter().any(|source| source.may_share(&held))
            };
            let reason = if leaves.is_empty() {
                None
            } else if all_in(&earlier) {
                Some("it is already left out")
            } else if kind == AssertionKind::Only {
                all_in(&sources).then_some("`only` is about all others anyway")
            } else {
                (!leaves.iter().any(shared)).then_some("the assertion does not speak of it")
            };
            if let Some(reason) = reason {
                let message = format!("the exception `{}` changes nothing: {reason}", self.text(*span));
                self.report(Diagnostic::new(Code::W0008, *span, message).with_help("remove it"));
            }
            earlier.extend(leaves);
        }
    }

    fn all_leaves(&self, endpoints: &[Endpoint]) -> Vec<Endpoint> {
        endpoints.iter().flat_map(|endpoint| self.model.leaves(endpoint).iter().copied()).collect()
    }

    /// Whether all of `narrow` is in `wide`; may be unsure, and then says no.
    fn holds(&self, wide: Endpoint, narrow: Endpoint) -> bool {
        match (wide, narrow) {
            (wide, narrow) if wide == narrow => true,
            (Endpoint::BuiltIn(wide), narrow) => match wide.holds() {
                Holds::Everything => true,
                Holds::Pods => matches!(narrow, Endpoint::Tier(_) | Endpoint::Namespace(_)),
                Holds::Public | Holds::Listed(_) => false,
            },
            (Endpoint::Namespace(namespace), Endpoint::Tier(tier)) => {
                self.model.tier(tier).is_some_and(|tier| tier.namespace == namespace)
            }
            (Endpoint::Tier(wide), Endpoint::Tier(narrow)) => {
                let (wide, narrow) = (self.model.tier(wide), self.model.tier(narrow));
                wide.zip(narrow).is_some_and(|(wide, narrow)| {
                    wide.namespace == narrow.namespace && wide.selector.contains(&narrow.selector)
                })
            }
            _ => false,
        }
    }

    fn held(&self, endpoint: Endpoint) -> Held {
        let labels = |id| match self.model.namespace(id).map(|namespace| (&namespace.kind, &namespace.name)) {
            Some((NamespaceKind::External(Some(labels)), _)) => labels.clone(),
            Some((_, name)) => Selector::equals(NAMESPACE_NAME, name.clone()),
            None => Selector::everything(),
        };
        let pods = match endpoint {
            Endpoint::Tier(id) => self.model.tier(id).map(|tier| (labels(tier.namespace), tier.selector.clone())),
            Endpoint::Namespace(id) => Some((labels(id), Selector::everything())),
            Endpoint::BuiltIn(one) => match one.holds() {
                Holds::Pods => Some((Selector::everything(), Selector::everything())),
                Holds::Everything => return Held::Anything,
                Holds::Public | Holds::Listed(_) => None,
            },
            Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) => None,
        };
        pods.map_or(Held::Addresses, |(namespaces, pods)| Held::Pods { namespaces, pods })
    }
}

/// What an endpoint without groups holds.
enum Held {
    Anything,
    Addresses,
    Pods { namespaces: Selector, pods: Selector },
}

impl Held {
    /// Whether both could hold the same pod or address; may be unsure, and then says yes.
    fn may_share(&self, other: &Held) -> bool {
        match (self, other) {
            (Held::Addresses, Held::Pods { .. }) | (Held::Pods { .. }, Held::Addresses) => false,
            (Held::Pods { namespaces, pods }, Held::Pods { namespaces: others, pods: theirs }) => {
                namespaces.overlaps(others) && pods.overlaps(theirs)
            }
            _ => true,
        }
    }
}
