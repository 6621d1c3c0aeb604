//! Groups, flows and assertions: endpoints on both sides, and the ports between them.

use super::ports::Checks;
use super::resolve::{Member, Resolver};
use super::scope::Scope;
use super::{Assertion, Endpoint, Flow, Group, GroupId, Namespace, NamespaceKind, Statement, StatementId, Targets};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Protocol, Selector, Truth};
use crate::source::{Excerpt, Span};
use crate::syntax::{AssertionDecl, AssertionKind, EndpointRef, Hop, NodeKind, PortExpr, PortKind, PortsExpr};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// The endpoints on one side of an arrow: nearly always one.
type Endpoints = SmallVec<[(Endpoint, Span); 1]>;

impl<'a> Resolver<'a> {
    /// Finds the members of groups, and takes groups inside groups apart.
    pub(super) fn resolve_groups(&mut self) {
        let written = std::mem::take(&mut self.group_members);
        let mut spans: Vec<Vec<(Endpoint, Span)>> = Vec::with_capacity(written.len());
        for (scope, members) in &written {
            let mut found: Vec<(Endpoint, Span)> = Vec::with_capacity(members.len());
            let mut known: FxHashMap<Endpoint, Span> = FxHashMap::default();
            for member in *members {
                let Some(endpoint) = self.find_endpoint(*scope, member) else { continue };
                if let Some(earlier) = known.get(&endpoint).copied() {
                    let message = format!("`{}` is already a member", self.text(member.span));
                    self.report(
                        Diagnostic::new(Code::W0009, member.span, message)
                            .with_label(earlier, "here")
                            .with_help("remove it"),
                    );
                    continue;
                }
                known.insert(endpoint, member.span);
                found.push((endpoint, member.span));
            }
            spans.push(found);
        }
        self.break_cycles(&mut spans);
        for (index, members) in spans.iter().enumerate() {
            if let Some(group) = self.model.groups.get_mut(index) {
                group.members = members.iter().map(|(endpoint, _)| *endpoint).collect();
            }
        }
        self.flatten_groups();
    }

    /// Reports groups that contain themselves and takes the member away that closes the circle.
    fn break_cycles(&mut self, members: &mut [Vec<(Endpoint, Span)>]) {
        // 0: not seen, 1: on the path from the start, 2: done. A stack of our own, because groups nest as deep as written.
        let mut state = vec![0u8; members.len()];
        for start in 0..members.len() {
            if state.get(start) != Some(&0) {
                continue;
            }
            let mut path = vec![(start, 0usize)];
            set(&mut state, start, 1);
            while let Some((group, next)) = path.last_mut() {
                let at = *group;
                let Some((endpoint, span)) = members.get(at).and_then(|list| list.get(*next)).copied() else {
                    set(&mut state, at, 2);
                    path.pop();
                    continue;
                };
                *next += 1;
                let Endpoint::Group(inner) = endpoint else { continue };
                match state.get(inner.index()) {
                    Some(0) => {
                        set(&mut state, inner.index(), 1);
                        path.push((inner.index(), 0));
                    }
                    Some(1) => {
                        self.report_cycle(inner, span);
                        let position = path.last().map_or(0, |(_, next)| next.saturating_sub(1));
                        if let Some(list) = members.get_mut(at) {
                            list.remove(position);
                        }
                        if let Some((_, next)) = path.last_mut() {
                            *next = position;
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn report_cycle(&mut self, group: GroupId, span: Span) {
        let Some(Group { name, span: declared, .. }) = self.model.groups.get(group.index()) else { return };
        let diagnostic = Diagnostic::new(Code::E0109, span, format!("group `{name}` contains itself"))
            .with_label(*declared, "declared here")
            .with_help("remove this member");
        self.report(diagnostic);
    }

    fn flatten_groups(&mut self) {
        let mut done: Vec<Option<Vec<Endpoint>>> = vec![None; self.model.groups.len()];
        for start in 0..done.len() {
            let mut stack = vec![start];
            while let Some(&group) = stack.last() {
                if done.get(group).is_some_and(Option::is_some) {
                    stack.pop();
                    continue;
                }
                let members = self.model.groups.get(group).map(|group| group.members.as_slice()).unwrap_or_default();
                let inner = members.iter().filter_map(|member| match member {
                    Endpoint::Group(id) => Some(id.index()),
                    _ => None,
                });
                let missing: Vec<usize> = inner.filter(|id| done.get(*id).is_some_and(Option::is_none)).collect();
                if !missing.is_empty() {
                    stack.extend(missing);
                    continue;
                }
                let mut leaves: Vec<Endpoint> = Vec::new();
                for member in members {
                    match member {
                        Endpoint::Group(id) => leaves.extend(done.get(id.index()).iter().copied().flatten().flatten()),
                        leaf => leaves.push(*leaf),
                    }
                }
                leaves.sort_unstable();
                leaves.dedup();
                if let Some(slot) = done.get_mut(group) {
                    *slot = Some(leaves);
                }
                stack.pop();
            }
        }
        for (group, leaves) in self.model.groups.iter_mut().zip(done) {
            group.leaves = leaves.unwrap_or_default();
        }
    }

    /// Resolves every flow and every assertion.
    pub(super) fn resolve_flows(&mut self) {
        let members = std::mem::take(&mut self.flows);
        for member in members {
            match &member.node.kind {
                NodeKind::Flow { hops, .. } if self.report_word_in_front(member.scope, hops) => {}
                NodeKind::Flow { side, hops } => {
                    if let Some((first, ports)) = hops.first().and_then(|hop| Some((hop, hop.ports.as_ref()?))) {
                        self.report_source_ports(first, ports);
                    }
                    for (index, pair) in hops.windows(2).enumerate() {
                        if let [source, destination] = pair {
                            // The word belongs to what is written first, and is said for every part.
                            let start = if index == 0 { member.node.span } else { source.span };
                            let span = Span { end: destination.span.end, ..start };
                            self.flow(&member, *side, source, destination, span);
                        }
                    }
                }
                NodeKind::Assertion(assertion) => self.assertion(&member, assertion),
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
    fn report_word_in_front(&mut self, scope: Scope, hops: &[Hop]) -> bool {
        let Some(Hop { endpoints, ports: Some(ports), .. }) = hops.first() else { return false };
        let ([front], [source]) = (endpoints.as_slice(), ports.items.as_slice()) else { return false };
        let (word, name) = (self.text(front.span), self.text(source.span));
        let is_known =
            |text: &str| self.scopes.endpoints.find(scope, text).is_some() || Endpoint::built_in(text).is_some();
        if front.namespace().is_some() || is_known(word) || !is_known(name) {
            return false;
        }
        let is_assertion = ["never", "only", "always"].contains(&word);
        let is_side = Direction::ALL.into_iter().any(|side| side.word() == word);
        let what = match (is_assertion, is_side) {
            (true, _) => "no colon stands behind the first word of an assertion",
            (_, true) => "no colon stands behind the word of a flow that opens one side",
            _ => "a flow has no name in front of it",
        };
        let start = if is_assertion || is_side { format!("{word} ") } else { String::new() };
        let rest: Vec<String> = hops.iter().skip(1).map(|hop| self.hop_text(hop)).collect();
        let span = front.span.to(Span { end: source.span.start, ..source.span });
        self.report(
            Diagnostic::new(Code::E0001, span, what)
                .with_help(format!("write `{start}{name} -> {}`", rest.join(" -> ")))
                .with_mend(span, start),
        );
        true
    }

    fn report_source_ports(&mut self, source: &Hop, ports: &PortsExpr) {
        let help = format!("write `{} -> ...:{}`", self.side_text(&source.endpoints), self.text(ports.span));
        let whole = self.with_colon(ports.span);
        self.report(
            Diagnostic::new(Code::E0220, ports.span, "ports belong to the destination, not to the one who connects")
                .with_help(help)
                .with_mend(whole, ""),
        );
    }

    /// Adds a statement whose text is what was added to `self.statement_texts` from `text_start` on.
    fn statement(&mut self, member: &Member<'a>, text_start: usize, span: Span) -> StatementId {
        let id = StatementId::at(self.statements.len());
        let doc = member.node.doc.as_deref().map(Into::into);
        // Shares the memory of all texts once there are all.
        let text = Excerpt::new(&self.no_text, text_start..self.statement_texts.len());
        self.statements.push(Statement { text, doc, span });
        id
    }

    fn endpoints(&mut self, scope: Scope, references: &[EndpointRef]) -> Endpoints {
        let found = references.iter().map(|reference| (self.use_endpoint(scope, reference), reference.span));
        found.filter_map(|(endpoint, span)| Some((endpoint?, span))).collect()
    }

    /// [`super::Model::leaves`], apart from the model.
    fn leaves(&self, endpoint: Endpoint) -> SmallVec<[Endpoint; 1]> {
        SmallVec::from_slice(self.model.leaves(&endpoint))
    }

    fn flow(
        &mut self,
        member: &Member<'a>,
        side: Option<Direction>,
        source: &'a Hop,
        destination: &'a Hop,
        span: Span,
    ) {
        let from = self.endpoints(member.scope, &source.endpoints);
        let to = self.endpoints(member.scope, &destination.endpoints);
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
        for (endpoint, span) in from.iter().chain(&to) {
            self.check_blocks(*endpoint, *span);
        }
        let mut first = true;
        let mut every = false;
        for (to, to_span) in to {
            let Some(targets) = self.targets(member.scope, to, to_span, destination.ports.as_ref(), &mut first) else {
                continue;
            };
            every |= targets.iter().any(|(_, ports)| is_every_port(ports));
            for (from, from_span) in &from {
                if self.check_ends((*from, *from_span), (to, to_span), side, destination.span) {
                    let (source, targets) = (*from, targets.clone());
                    self.model.flows.push(Flow { source, destination: to, targets, side, statement });
                }
            }
        }
        if every {
            self.warn_about_every_port(destination);
        }
    }

    /// Where `*` says so itself, that is the place; else all protocols are listed.
    fn warn_about_every_port(&mut self, destination: &Hop) {
        let Some(ports) = &destination.ports else { return };
        let every = |item: &&PortExpr| item.kind == PortKind::Every && item.protocol().is_none();
        let mut places: Vec<Span> = ports.items.iter().filter(every).map(|item| item.span).collect();
        if places.is_empty() {
            places.push(ports.span);
        }
        for span in places {
            self.report(
                Diagnostic::new(Code::W0005, span, "this opens every port of every protocol")
                    .with_help("name the ports that are needed, such as `8080/tcp`"),
            );
        }
    }

    /// The destination without groups, and the ports of each; nothing when something is wrong.
    fn targets(
        &mut self,
        scope: Scope,
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
    fn served_ports(&mut self, destination: Endpoint, span: Span, through: Option<&str>) -> Option<PortSet> {
        if matches!(destination, Endpoint::Fqdn(_)) {
            // It is refused anyway, with a better reason.
            return Some(PortSet::empty());
        }
        let served = match destination {
            Endpoint::Tier(id) => self.model.tier(id).and_then(|tier| tier.served.as_ref()),
            _ => None,
        };
        if let Some(served) = served.filter(|served| !served.is_empty()) {
            return Some(served.clone());
        }
        if matches!(destination, Endpoint::Tier(id) if self.broken_ports.contains_key(&id)) {
            return None;
        }
        let written = self.write_endpoint(destination);
        let message = match through {
            Some(group) => format!("`{written}`, a member of `{group}`, lists no ports, so the flow has to name them"),
            None => format!("`{written}` lists no ports, so the flow has to name them"),
        };
        let help = if destination.is_addresses() {
            format!("write `{}:443/tcp`, or `:*` if you mean every port", self.text(span))
        } else {
            format!("write `{}:8080/tcp` with the port of the pods, or `:*` if you mean every port", self.text(span))
        };
        self.report(Diagnostic::new(Code::E0203, span, message).with_help(help));
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
            self.report(
                Diagnostic::new(
                    Code::E0212,
                    from.1,
                    "DNS names can only be a destination: who connects is seen by its address",
                )
                .with_help("declare the addresses: `cidr NAME = ...`"),
            );
            return false;
        }
        if destinations.iter().any(fqdn) {
            let message = "NetworkPolicy knows addresses and labels, no DNS names: this flow cannot be enforced";
            self.report(
                Diagnostic::new(Code::E0213, to.1, message)
                    .with_help("declare the addresses behind the name: `cidr NAME = ...`"),
            );
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
        let open = |endpoint: Endpoint| endpoint.is_addresses() || endpoint == Endpoint::Anywhere;
        if open(from.0) && open(to.0) {
            let (source, destination) = (self.write_endpoint(from.0), self.write_endpoint(to.0));
            let message = format!(
                "`{source}` and `{destination}` both hold addresses: one end of a flow is pods and nothing else"
            );
            self.report(
                Diagnostic::new(Code::E0211, from.1, message)
                    .with_label(to.1, "addresses too")
                    .with_help("a flow needs pods of a managed namespace on one end; `cluster` means every pod"),
            );
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
                let message = format!("neither `{source}` nor `{destination}` is in a managed namespace");
                let help = "no manifest could express this flow: leave it out, or manage one of the namespaces \
                            (without `external`)";
                Diagnostic::new(Code::E0210, whole, message).with_help(help)
            }
            Some((side, (end, span))) => {
                let (word, end) = (side.word(), self.write_endpoint(end));
                let message = format!("`{word}` opens the side of `{end}`, which is in no managed namespace");
                let other = side.other().word();
                let help = format!(
                    "no manifest could express this: `{other}` opens the other side, and so does no word at all"
                );
                Diagnostic::new(Code::E0210, span, message).with_help(help)
            }
        };
        self.report(diagnostic);
        false
    }

    /// Whether an endpoint without groups holds pods of a namespace that is managed here, for sure.
    fn is_managed(&mut self, endpoint: Endpoint) -> bool {
        let id = match endpoint {
            Endpoint::Tier(id) => self.model.tier(id).map(|tier| tier.namespace),
            Endpoint::Namespace(id) => Some(id),
            Endpoint::Cluster | Endpoint::Anywhere => {
                return self.model.namespaces.iter().any(|namespace| namespace.managed().is_some());
            }
            _ => None,
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

    /// `apiserver` and `nodes` need their addresses, and `internet` those that are left.
    fn check_known(&mut self, leaves: &[Endpoint], span: Span) -> bool {
        let platform = &self.model.platform;
        if leaves.contains(&Endpoint::Internet) && *self.offline.get_or_insert_with(|| platform.internet().is_empty()) {
            let message = "`internet` holds no address: `platform` lists all public ones as the cluster's own";
            let help = "list only the blocks of the cluster itself in `platform`, such as `pods 10.244.0.0/16`";
            self.report(Diagnostic::new(Code::E0222, span, message).with_help(help));
            return false;
        }
        let unknown = leaves.iter().find_map(|leaf| match leaf {
            Endpoint::ApiServer if platform.apiserver.is_none() => Some((
                "apiserver",
                "`kubectl get service kubernetes -n default` shows the ClusterIP, `kubectl get endpointslices -n default -l \
                 kubernetes.io/service-name=kubernetes` the addresses behind it: \
                 `platform { apiserver 10.96.0.1/32, 192.0.2.10/32 }`",
            )),
            Endpoint::Nodes if platform.nodes.is_none() => {
                Some(("nodes", "`kubectl get nodes -o wide` shows them: `platform { nodes 192.0.2.0/24 }`"))
            }
            _ => None,
        });
        let Some((name, help)) = unknown else { return true };
        let message = format!("the addresses of `{name}` are not known: no manifest can find them out");
        self.report(Diagnostic::new(Code::E0214, span, message).with_help(help));
        false
    }

    fn warn_about_wide_source(&mut self, sources: &[Endpoint], destinations: &[Endpoint], from: Span, to: Span) {
        let wide = sources.iter().any(|source| matches!(source, Endpoint::Anywhere | Endpoint::Internet));
        let unlisted = destinations.iter().find_map(|destination| match destination {
            Endpoint::Tier(id) => self.model.tier(*id).filter(|tier| tier.ports.is_none()),
            _ => None,
        });
        let (true, Some(tier)) = (wide, unlisted) else { return };
        let diagnostic = Diagnostic::new(
            Code::W0006,
            from,
            format!("`{}` lets everybody in to tier `{}`, which lists no ports", self.text(from), tier.name),
        )
        .with_label(to, "lists no ports")
        .with_help(format!(
            "list what it serves, so that a mistyped port is an error: `tier {} {{ https: 8443/tcp }}`",
            tier.name
        ));
        self.report(diagnostic);
    }

    fn assertion(&mut self, member: &Member<'a>, assertion: &'a AssertionDecl) {
        let (source, destination) = (&assertion.source, &assertion.destination);
        if let Some(ports) = &source.ports {
            self.report_source_ports(source, ports);
        }
        let sources = self.endpoints(member.scope, &source.endpoints);
        let destinations = self.endpoints(member.scope, &destination.endpoints);
        let except = self.endpoints(member.scope, &assertion.except);
        let mut sound = sources.len() == source.endpoints.len()
            && destinations.len() == destination.endpoints.len()
            && except.len() == assertion.except.len();
        for (endpoint, span) in sources.iter().chain(&destinations).chain(&except) {
            sound &= self.check_assertable(*endpoint, *span);
        }
        let mut targets = Targets::new();
        let mut first = true;
        for (endpoint, span) in &destinations {
            match self.assertion_targets(member.scope, assertion, *endpoint, *span, &mut first) {
                Some(more) => targets.extend(more),
                None => sound = false,
            }
        }
        if !sound {
            return;
        }
        let text = self.assertion_text(assertion);
        let text_start = self.statement_texts.len();
        self.statement_texts.push_str(&text);
        let statement = self.statement(member, text_start, member.node.span);
        let written = except;
        let endpoints = |list: &Endpoints| list.iter().map(|(endpoint, _)| *endpoint).collect::<Vec<_>>();
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
            let names: Vec<&str> = assertion.except.iter().map(|endpoint| self.text(endpoint.span)).collect();
            text.push_str(&format!(" except {}", names.join(", ")));
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
        scope: Scope,
        assertion: &'a AssertionDecl,
        endpoint: Endpoint,
        span: Span,
        first: &mut bool,
    ) -> Option<Targets> {
        let group = matches!(endpoint, Endpoint::Group(_)).then(|| self.text(span).to_owned());
        let mut targets = Targets::new();
        for leaf in self.model.leaves(&endpoint).to_vec() {
            let ports = match &assertion.destination.ports {
                Some(expression) => {
                    let checks = Checks { served: false, first: std::mem::take(first) };
                    self.flow_ports(scope, expression, leaf, group.as_deref(), checks)?
                }
                None if assertion.kind == AssertionKind::Always => self.served_ports(leaf, span, group.as_deref())?,
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
    fn check_except(&mut self, kind: AssertionKind, sources: &[Endpoint], except: &Endpoints) {
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
            (Endpoint::Cluster, Endpoint::Tier(_) | Endpoint::Namespace(_)) | (Endpoint::Anywhere, _) => true,
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
            Endpoint::Cluster => Some((Selector::everything(), Selector::everything())),
            Endpoint::Anywhere => return Held::Anything,
            _ => None,
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

/// Whether every number of every protocol is in a set, however it was written.
fn is_every_port(ports: &PortSet) -> bool {
    Protocol::ALL.into_iter().all(|protocol| ports.is_whole(protocol))
}

fn set(state: &mut [u8], index: usize, value: u8) {
    if let Some(slot) = state.get_mut(index) {
        *slot = value;
    }
}
