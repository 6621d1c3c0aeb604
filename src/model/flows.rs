//! Groups, flows and assertions: endpoints on both sides, and the ports between them.

use super::errors::flows as errors;
use super::ports::Checks;
use super::resolve::{PlacedStatement, Resolver};
use super::scope::NameScope;
use super::{Endpoint, Flow, Holds, Namespace, NamespaceKind, Statement, StatementId, Target, Targets};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, PortSet, Protocol, Selector, Truth};
use crate::source::{Excerpt, Span};
use crate::syntax::{ArrowSide, EndpointRef, HopPorts, NodeKind, PortExpr, PortKind, PortsExpr, words};
use smallvec::SmallVec;
use std::sync::Arc;

/// The endpoints on one side of an arrow: nearly always one.
pub(super) type FlowEndpoints = SmallVec<[(Endpoint, Span); 1]>;

/// A destination, where it stands, and the ports behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlowDestination<'a> {
    pub endpoint: Endpoint,
    pub span: Span,
    pub ports: Option<&'a PortsExpr>,
}

/// The destinations of one arrow: nearly always one.
pub(super) type Destinations<'a> = SmallVec<[FlowDestination<'a>; 1]>;

impl<'a> Resolver<'a> {
    /// Resolves every flow and every assertion.
    pub(super) fn resolve_flows(&mut self) {
        let members = std::mem::take(&mut self.flows);
        // A statement of several namespaces is one, with the flows of each.
        for members in members.chunk_by(|_, next| next.repeats) {
            let [member, ..] = members else { continue };
            match &member.node.kind {
                NodeKind::Flow { hops, .. } if self.report_word_in_front(member.scope, hops) => {}
                NodeKind::Flow { side, hops } => {
                    hops.iter().take(1).for_each(|first| self.report_source_ports(first));
                    for (index, pair) in hops.windows(2).enumerate() {
                        if let [source, destination] = pair {
                            // The word belongs to what is written first, and is said for every part.
                            let start = if index == 0 { member.node.span } else { source.span };
                            let span = Span { end: destination.span.end, ..start };
                            self.flows_of_pair(members, *side, [source, destination], span);
                        }
                    }
                }
                NodeKind::Assertion(assertion) => self.assertions_of(members, assertion),
                _ => {}
            }
        }
    }

    /// Gives the statements their texts, and the model the statements.
    pub(super) fn finish_statements(&mut self) {
        let whole: Arc<str> = std::mem::take(&mut self.statement_texts).into();
        let mut statements = std::mem::take(&mut self.statements);
        for statement in &mut statements {
            statement.text = statement.text.of(&whole);
        }
        self.model.statements = Arc::new(statements);
    }

    /// Reports `rule: web -> api` and `never: web -> api`, which read as a source with ports; whether it is one.
    fn report_word_in_front(&mut self, scope: NameScope, hops: &[ArrowSide]) -> bool {
        let Some(ArrowSide { endpoints, ports: HopPorts::Shared(ports), .. }) = hops.first() else { return false };
        let ([front], [source]) = (endpoints.as_slice(), ports.items.as_slice()) else { return false };
        let (word, name) = (self.text(front.span), self.text(source.span));
        let is_known =
            |text: &str| self.scopes.endpoints.find(scope, text).is_some() || Endpoint::built_in(text).is_some();
        if front.namespace().is_some() || is_known(word) || !is_known(name) {
            return false;
        }
        let is_assertion = words::starts_assertion(word);
        let is_side = Direction::ALL.into_iter().any(|side| side.word() == word);
        let what = match (is_assertion, is_side) {
            (true, _) => "no colon stands behind the first word of an assertion",
            (_, true) => "no colon stands behind the word of a flow that opens one side",
            _ => "a flow has no name in front of it",
        };
        let start = if is_assertion || is_side { format!("{word} ") } else { String::new() };
        let rest: Vec<String> = hops.iter().skip(1).map(|hop| self.hop_text(hop)).collect();
        let span = front.span.to(Span { end: source.span.start, ..source.span });
        self.report(errors::word_in_front(span, what, start, &format!("{name} -> {}", rest.join(" -> "))));
        true
    }

    /// Reports the ports of one who connects.
    pub(super) fn report_source_ports(&mut self, source: &ArrowSide) {
        for ports in source.ports.iter() {
            let help = format!("write `{} -> ...:{}`", self.side_text(&source.endpoints), self.text(ports.span));
            let whole = self.with_colon(ports.span);
            let message = "ports belong to the destination, not to the one who connects";
            let diagnostic = Diagnostic::new(Code::E0220, ports.span, message);
            self.report(diagnostic.with_help(help).with_mend(whole, ""));
        }
    }

    /// Adds a statement whose text is what was added to `self.statement_texts` from `text_start` on.
    pub(super) fn statement(&mut self, member: &PlacedStatement<'a>, text_start: usize, span: Span) -> StatementId {
        let id = StatementId::at(self.statements.len());
        let doc = member.node.doc.as_deref().map(Into::into);
        // Shares the memory of all texts once there are all.
        let text = Excerpt::new(&self.no_text, text_start..self.statement_texts.len());
        self.statements.push(Statement { text, doc, span });
        id
    }

    /// The destinations of a flow or an assertion, each with its ports.
    pub(super) fn destinations(&mut self, scope: NameScope, hop: &'a ArrowSide) -> Destinations<'a> {
        let found = hop.endpoints.iter().enumerate().filter_map(|(place, reference)| {
            let endpoint = self.use_endpoint(scope, reference)?;
            Some(FlowDestination { endpoint, span: reference.span, ports: hop.ports.of(place) })
        });
        found.collect()
    }

    pub(super) fn endpoints(&mut self, scope: NameScope, references: &[EndpointRef]) -> FlowEndpoints {
        let found = references.iter().map(|reference| (self.use_endpoint(scope, reference), reference.span));
        found.filter_map(|(endpoint, span)| Some((endpoint?, span))).collect()
    }

    /// [`super::Model::leaves`], apart from the model.
    pub(super) fn leaves(&self, endpoint: Endpoint) -> SmallVec<[Endpoint; 1]> {
        SmallVec::from_slice(self.model.leaves(&endpoint))
    }

    /// The flows between two ends that a statement names one after the other, in each of its namespaces.
    fn flows_of_pair(
        &mut self,
        members: &[PlacedStatement<'a>],
        side: Option<Direction>,
        [source, destination]: [&'a ArrowSide; 2],
        span: Span,
    ) {
        let [member, ..] = members else { return };
        let mut texts = std::mem::take(&mut self.statement_texts);
        let text_start = texts.len();
        if let Some(side) = side {
            texts.push_str(side.word());
            texts.push(' ');
        }
        self.push_side(&source.endpoints, &mut texts);
        texts.push_str(" -> ");
        self.push_hop(destination, &mut texts);
        self.statement_texts = texts;
        let statement = self.statement(member, text_start, span);
        for member in members {
            self.repeats = member.repeats;
            self.flow(member.scope, side, [source, destination], statement);
        }
        self.repeats = false;
    }

    fn flow(
        &mut self,
        scope: NameScope,
        side: Option<Direction>,
        [source, destination]: [&'a ArrowSide; 2],
        statement: StatementId,
    ) {
        let from = self.endpoints(scope, &source.endpoints);
        let to = self.destinations(scope, destination);
        from.iter().for_each(|(endpoint, span)| self.check_blocks(*endpoint, *span, Direction::Ingress));
        to.iter().for_each(|to| self.check_blocks(to.endpoint, to.span, Direction::Egress));
        let mut first = true;
        let mut every: Vec<&PortsExpr> = Vec::new();
        for FlowDestination { endpoint: to, span: to_span, ports } in to {
            // Those that a member has for itself are read once.
            first |= matches!(destination.ports, HopPorts::Own(_));
            let Some(targets) = self.targets(scope, to, to_span, ports, &mut first) else { continue };
            let opened = ports.filter(|_| targets.iter().any(|(_, ports)| is_every_port(ports)));
            every.extend(opened.filter(|ports| every.last().is_none_or(|last| last.span != ports.span)));
            for (from, from_span) in &from {
                if self.check_ends((*from, *from_span), (to, to_span), side, destination.span) {
                    let (source, targets) = (*from, targets.clone());
                    self.model.flows.push(Flow { source, destination: to, targets, side, statement });
                }
            }
        }
        every.into_iter().for_each(|ports| self.warn_about_every_port(ports));
    }

    /// Where `*` says so itself, that is the place; else all protocols are listed.
    fn warn_about_every_port(&mut self, ports: &PortsExpr) {
        let every = |item: &&PortExpr| item.kind == PortKind::Every && item.protocol().is_none();
        let mut places: Vec<Span> = ports.items.iter().filter(every).map(|item| item.span).collect();
        if places.is_empty() {
            places.push(ports.span);
        }
        places.into_iter().for_each(|span| self.report(errors::every_port(span)));
    }

    /// The destination without groups, and the ports of each; nothing when something is wrong.
    fn targets(
        &mut self,
        scope: NameScope,
        destination: Endpoint,
        span: Span,
        ports: Option<&PortsExpr>,
        first: &mut bool,
    ) -> Option<Targets> {
        let leaves = self.leaves(destination);
        let group = matches!(destination, Endpoint::Group(_)).then(|| self.text(span).to_owned());
        let mut targets = Targets::new();
        let mut sound = true;
        for leaf in leaves {
            let set = match ports {
                Some(expression) => {
                    let checks = Checks { served: true, first: std::mem::take(first) };
                    self.flow_ports(scope, expression, leaf, group.as_deref(), checks)
                }
                None => self.served_ports(leaf, span, group.as_deref()),
            };
            match set {
                Some(set) => targets.push((leaf, set)),
                None => sound = false,
            }
        }
        sound.then_some(targets)
    }

    /// What a destination serves, where a flow names no ports.
    pub(super) fn served_ports(&mut self, destination: Endpoint, span: Span, through: Option<&str>) -> Option<PortSet> {
        if matches!(destination, Endpoint::Fqdn(_)) && !self.model.target.has_names() {
            // It is refused anyway, with a better reason.
            return Some(PortSet::empty());
        }
        let served = match destination {
            Endpoint::Tier(id) => self.model.tier(id).and_then(|tier| tier.served.as_ref()),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => None,
        };
        if let Some(served) = served.filter(|served| !served.is_empty()) {
            return Some(served.clone());
        }
        if matches!(destination, Endpoint::Tier(id) if self.broken_ports.contains_key(&id)) {
            return None;
        }
        let (written, end) = (self.text(span), self.write_endpoint(destination));
        self.report(errors::no_ports(span, written, &end, through, destination.is_addresses()));
        None
    }

    /// Whether two endpoints can be the ends of a flow.
    fn check_ends(
        &mut self,
        from: (Endpoint, Span),
        to: (Endpoint, Span),
        side: Option<Direction>,
        whole: Span,
    ) -> bool {
        let (sources, destinations) = (self.leaves(from.0), self.leaves(to.0));
        let fqdn = |leaf: &Endpoint| matches!(leaf, Endpoint::Fqdn(_));
        if sources.iter().any(fqdn) {
            self.report(errors::dns_names_as_source(from.1));
            return false;
        }
        if destinations.iter().any(fqdn) && !self.model.target.has_names() {
            let helping = Target::ALL.into_iter().find(|target| {
                target.has_names() && target.is_read_by(self.model.platform.cni) && !target.plugins().is_empty()
            });
            self.report(errors::dns_names_as_destination(to.1, helping));
            return false;
        }
        if !(self.check_known(&sources, from.1) & self.check_known(&destinations, to.1)) {
            return false;
        }
        for source in &sources {
            for destination in &destinations {
                if !self.check_pair((*source, from.1), (*destination, to.1), side, whole) {
                    return false;
                }
            }
        }
        self.warn_about_wide_source(&sources, &destinations, from.1, to.1);
        true
    }

    fn check_pair(
        &mut self,
        from: (Endpoint, Span),
        to: (Endpoint, Span),
        side: Option<Direction>,
        whole: Span,
    ) -> bool {
        let open = |endpoint: Endpoint| match endpoint {
            Endpoint::BuiltIn(one) => one.has_addresses(),
            Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) => {
                endpoint.is_addresses()
            }
        };
        if open(from.0) && open(to.0) {
            let (source, destination) = (self.write_endpoint(from.0), self.write_endpoint(to.0));
            self.report(errors::addresses_on_both_ends([from.1, to.1], [&source, &destination]));
            return false;
        }
        let managed = [self.is_managed(from.0), self.is_managed(to.0)];
        let opened = match side {
            None if managed == [false, false] => None,
            Some(Direction::Egress) if managed == [false, true] => Some((Direction::Egress, from)),
            Some(Direction::Ingress) if managed == [true, false] => Some((Direction::Ingress, to)),
            Some(_) if managed == [false, false] => None,
            _ => return true,
        };
        let diagnostic = match opened {
            None => {
                let (source, destination) = (self.write_endpoint(from.0), self.write_endpoint(to.0));
                errors::no_end_managed(whole, [&source, &destination])
            }
            Some((side, (end, span))) => errors::opened_end_not_managed(span, side, &self.write_endpoint(end)),
        };
        self.report(diagnostic);
        false
    }

    /// Whether an endpoint without groups holds pods of a namespace that is managed here, for sure.
    fn is_managed(&mut self, endpoint: Endpoint) -> bool {
        let id = match endpoint {
            Endpoint::Tier(id) => self.model.tier(id).map(|tier| tier.namespace),
            Endpoint::Namespace(id) => Some(id),
            Endpoint::BuiltIn(one) if one.has_pods() => {
                return self.model.namespaces.iter().any(|namespace| namespace.managed().is_some());
            }
            Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::BuiltIn(_) => None,
        };
        let model = &self.model;
        let holds = || -> Vec<bool> {
            let is_one = |one: &Namespace, labels: &Selector| one.is_among(labels) == Some(Truth::Yes);
            let holds = |namespace: &Namespace| match &namespace.kind {
                NamespaceKind::Managed(_) => true,
                NamespaceKind::External(Some(labels)) => model.namespaces.iter().any(|one| is_one(one, labels)),
                NamespaceKind::External(None) => false,
            };
            model.namespaces.iter().map(holds).collect()
        };
        let known = self.managed.get_or_insert_with(holds);
        id.is_some_and(|id| known.get(id.index()) == Some(&true))
    }

    /// What `platform` lists has to be there, and public addresses those that are left.
    pub(super) fn check_known(&mut self, leaves: &[Endpoint], span: Span) -> bool {
        let platform = &self.model.platform;
        let public = |leaf: &Endpoint| matches!(leaf, Endpoint::BuiltIn(one) if one.holds() == Holds::Public);
        if leaves.iter().any(public) && *self.offline.get_or_insert_with(|| platform.internet().is_empty()) {
            self.report(errors::no_internet(span));
            return false;
        }
        let unknown = leaves.iter().find_map(|leaf| match leaf {
            Endpoint::BuiltIn(one) => match one.holds() {
                Holds::Listed(list) if !one.is_known(platform, self.model.target) => Some((one.word(), list)),
                Holds::Pods | Holds::Everything | Holds::Public | Holds::Listed(_) => None,
            },
            Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) => {
                None
            }
        });
        let Some((name, list)) = unknown else { return true };
        self.report(errors::not_listed(span, name, list));
        false
    }

    fn warn_about_wide_source(&mut self, sources: &[Endpoint], destinations: &[Endpoint], from: Span, to: Span) {
        let wide = sources.iter().any(|source| matches!(source, Endpoint::BuiltIn(one) if matches!(one.holds(), Holds::Everything | Holds::Public)));
        let unlisted = destinations.iter().find_map(|destination| match destination {
            Endpoint::Tier(id) => self.model.tier(*id).filter(|tier| tier.ports.is_none()),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => None,
        });
        let (true, Some(tier)) = (wide, unlisted) else { return };
        self.report(errors::everybody_to_unlisted_ports([from, to], self.text(from), &tier.name));
    }
}

/// Whether every number of every protocol is in a set, however it was written.
fn is_every_port(ports: &PortSet) -> bool {
    Protocol::ALL.into_iter().all(|protocol| ports.is_whole(protocol))
}
