//! Whether the assertions of a program hold, over every pod that could exist.

use super::connect::{Connections, Count, End, Link, example};
use super::cover::{Budget, GaveUp};
use super::side::Party;
use crate::diag::{Code, Diagnostic};
use crate::flow::{
    Assertion, AssertionKind, Flow, FlowSet, NAMESPACE_NAME, PartyId, PartyName, Place, Statement, StatementId,
};
use crate::net::{Facts, PortSet, Truth};
use crate::policy::Direction;
use std::collections::BTreeMap;

/// Steps that one assertion may take: some seconds.
const BUDGET: usize = 20_000_000;

/// What comes of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Who asserts it.
    pub statement: StatementId,
    /// What comes of it.
    pub outcome: Outcome,
}

/// Whether an assertion holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    Holds,
    /// It does not, or is about nothing; the diagnostic says why.
    Broken(Box<Diagnostic>),
    /// It could not be found out.
    Unknown(Box<Diagnostic>),
}

impl Outcome {
    /// What is to be said about it.
    pub fn diagnostic(&self) -> Option<&Diagnostic> {
        match self {
            Outcome::Holds => None,
            Outcome::Broken(diagnostic) | Outcome::Unknown(diagnostic) => Some(diagnostic),
        }
    }
}

/// Judges every assertion, in order, in a cluster of these facts.
pub fn judge(set: &FlowSet, facts: &Facts) -> Vec<Judgement> {
    if set.assertions.is_empty() {
        return Vec::new();
    }
    let connections = Connections::new(set, facts);
    let judged = set.assertions.iter().filter_map(|assertion| {
        let outcome = Judge::new(set, facts, &connections, assertion)?.judge();
        Some(Judgement { statement: assertion.statement, outcome })
    });
    judged.collect()
}

struct Judge<'a> {
    set: &'a FlowSet,
    facts: &'a Facts,
    connections: &'a Connections<'a>,
    assertion: &'a Assertion,
    statement: &'a Statement,
    sources: Vec<End>,
    targets: Vec<(End, PortSet)>,
    /// The pods that are asked for names.
    dns_servers: Vec<End>,
    budget: Budget,
}

impl<'a> Judge<'a> {
    fn new(
        set: &'a FlowSet,
        facts: &'a Facts,
        connections: &'a Connections<'a>,
        assertion: &'a Assertion,
    ) -> Option<Self> {
        let ends = |ids: &[PartyId]| -> Vec<End> {
            let leaves = ids.iter().filter_map(|id| set.party(*id)).flat_map(|party| &party.leaves);
            leaves.filter_map(|id| place(set, *id)).flat_map(|place| connections.ends(place)).collect()
        };
        let written = ends(&assertion.sources);
        let (mut sources, mut out) = (written, ends(&assertion.except));
        if assertion.kind == AssertionKind::Only {
            out.extend(std::mem::replace(&mut sources, connections.everybody()));
        }
        let less = |end: &End| out.iter().fold(end.clone(), |end, out| connections.minus(&end, out));
        let sources = sources.iter().map(less).collect();
        let of = |(id, ports): &(PartyId, PortSet)| {
            ends(&[*id]).into_iter().map(|end| (end, ports.clone())).collect::<Vec<_>>()
        };
        let targets = assertion.targets.iter().flat_map(of).collect();
        let (statement, budget) = (set.statement(assertion.statement)?, Budget::new(BUDGET));
        let dns_servers = set.dns_servers().into_iter().flat_map(|place| connections.ends(place)).collect();
        Some(Judge { set, facts, connections, assertion, statement, sources, targets, dns_servers, budget })
    }

    fn judge(mut self) -> Outcome {
        let text = &self.statement.text;
        match self.decide() {
            Ok(None) => Outcome::Holds,
            Ok(Some(diagnostic)) => Outcome::Broken(Box::new(diagnostic)),
            Err(GaveUp) => {
                let message = format!("it takes too many steps to find out whether `{text}` holds");
                let help = "please report this, with the program; fewer labels in its selectors make it easier";
                let diagnostic = Diagnostic::new(Code::E0900, self.statement.span, message).with_help(help);
                Outcome::Unknown(Box::new(diagnostic))
            }
        }
    }

    fn decide(&mut self) -> Result<Option<Diagnostic>, GaveUp> {
        if self.is_vacuous()? {
            let message = "this assertion is about nothing: no pod that could exist is on either end";
            let help = "name pods on one end at least, and leave somebody whom `except` does not take away";
            return Ok(Some(Diagnostic::new(Code::E0221, self.statement.span, message).with_help(help)));
        }
        match self.assertion.kind {
            AssertionKind::Never | AssertionKind::Only => self.never(),
            AssertionKind::NeverThrough => self.never_through(),
            AssertionKind::Always => self.always(),
        }
    }

    fn is_vacuous(&mut self) -> Result<bool, GaveUp> {
        for source in &self.sources {
            if self.connections.piece(source, &mut self.budget)?.is_none() {
                continue;
            }
            for (target, ports) in &self.targets {
                let addresses = [source, target].map(|end| matches!(end, End::Addresses(_)));
                if addresses != [true, true]
                    && !ports.is_empty()
                    && self.connections.piece(target, &mut self.budget)?.is_some()
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn never(&mut self) -> Result<Option<Diagnostic>, GaveUp> {
        let Some(link) = self.first_link(&self.sources.clone())? else { return Ok(None) };
        let (source, target) = (self.name(&link.source)?, self.name(&link.destination)?);
        let message = match link.by_address && !self.is_sure() {
            false => {
                format!("`{}` does not hold: {source} may connect to {target} on {}", self.statement.text, link.port)
            }
            true => format!(
                "`{}` is not sure to hold: an address block may let {source} connect to {target} on {}",
                self.statement.text, link.port
            ),
        };
        let mut diagnostic = Diagnostic::new(Code::E0301, self.statement.span, message).with_text("asserted here");
        let mut told = Vec::new();
        for source in &self.sources.clone() {
            for (target, ports) in &self.targets.clone() {
                for flow in self.flows(source, target, ports)? {
                    if !told.contains(&flow.statement)
                        && let Some(statement) = self.set.statement(flow.statement)
                    {
                        told.push(flow.statement);
                        diagnostic = diagnostic.with_label(statement.span, "allows it");
                    }
                }
            }
        }
        Ok(Some(match self.reason(&link, told.is_empty()) {
            Some(reason) => diagnostic.with_help(reason),
            None => diagnostic.with_help("take the flow away, or narrow it or the assertion"),
        }))
    }

    fn first_link(&mut self, sources: &[End]) -> Result<Option<Link>, GaveUp> {
        let mut found = None;
        for source in sources {
            for (target, ports) in &self.targets {
                let stopped = self.connections.links(source, target, ports, &mut self.budget, &mut |link| {
                    found = Some(link);
                    true
                })?;
                if stopped {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Goes from pods to those that they may connect to, nearest first.
    fn never_through(&mut self) -> Result<Option<Diagnostic>, GaveUp> {
        let mut reached: Vec<(End, Option<(usize, Link)>)> =
            self.sources.iter().map(|source| (source.clone(), None)).collect();
        let mut at = 0;
        while let Some((end, _)) = reached.get(at).cloned() {
            if let Some(last) = self.first_link(std::slice::from_ref(&end))? {
                let mut chain = vec![last];
                let mut node = at;
                while let Some((_, Some((before, link)))) = reached.get(node) {
                    chain.push(link.clone());
                    node = *before;
                }
                chain.reverse();
                return self.chain(&chain).map(Some);
            }
            for link in self.connections.next(&end, &mut self.budget)? {
                let Some(link) = self.onward(link)? else { continue };
                self.budget.spend(reached.len())?;
                if !reached.iter().any(|(known, _)| holds(known, &link.destination)) {
                    reached.push((link.destination.clone(), Some((at, link))));
                }
            }
            at += 1;
        }
        Ok(None)
    }

    /// A link without the DNS servers among its destinations, unless the assertion is about chains through them.
    fn onward(&mut self, mut link: Link) -> Result<Option<Link>, GaveUp> {
        if self.assertion.through_dns {
            return Ok(Some(link));
        }
        for server in &self.dns_servers {
            if self.connections.both(&link.destination, server).is_some() {
                link.destination = self.connections.minus(&link.destination, server);
            }
        }
        Ok(self.connections.piece(&link.destination, &mut self.budget)?.map(|_| link))
    }

    fn chain(&mut self, chain: &[Link]) -> Result<Diagnostic, GaveUp> {
        let mut way = String::new();
        for link in chain {
            way.push_str(&format!("{} -> ({}) ", self.name(&link.source)?, link.port));
        }
        if let Some(last) = chain.last() {
            way.push_str(&self.name(&last.destination)?);
        }
        let message = format!("`{}` does not hold: {way}", self.statement.text);
        let mut diagnostic = Diagnostic::new(Code::E0301, self.statement.span, message).with_text("asserted here");
        let mut reasons = Vec::new();
        for (index, link) in chain.iter().enumerate() {
            let every = PortSet::everything();
            let flows = self.flows(&link.source, &link.destination, &every)?;
            for flow in &flows {
                if let Some(statement) = self.set.statement(flow.statement) {
                    diagnostic = diagnostic.with_label(statement.span, format!("step {} of the chain", index + 1));
                }
            }
            reasons.extend(self.reason(link, flows.is_empty()).map(|reason| format!("step {}: {reason}", index + 1)));
        }
        if reasons.is_empty() {
            reasons.push("take away a flow of the chain, or narrow it or the assertion".to_owned());
        }
        Ok(diagnostic.with_help(reasons.join("; ")))
    }

    fn always(&mut self) -> Result<Option<Diagnostic>, GaveUp> {
        for source in &self.sources.clone() {
            for (target, ports) in &self.targets.clone() {
                let refused = self.connections.refused(source, target, ports, Count::Sure, &mut self.budget)?;
                let Some((source, target, port, direction)) = refused else { continue };
                let possible = self.perhaps(&source, &target, ports)?;
                let settled = self.settled_by([&source, &target]);
                let text = self.statement.text.clone();
                let (source, target) = (self.name(&source)?, self.name(&target)?);
                let isolated = match direction {
                    Direction::Ingress => "the second is isolated for ingress",
                    Direction::Egress => "the first is isolated for egress",
                };
                let message = match possible {
                    false => format!(
                        "`{text}` does not hold: {source} may not connect to {target} on {port}, for {isolated} and no \
                         flow covers it"
                    ),
                    true => format!(
                        "`{text}` is not sure to hold: {source} may connect to {target} on {port} only where an address \
                         block lets it through"
                    ),
                };
                // No flow has exceptions.
                let flow = text.strip_prefix("always ").filter(|flow| !flow.split_whitespace().any(|w| w == "except"));
                let help = match flow {
                    _ if possible => settled,
                    Some(flow) => format!("write the flow `{flow}`, or narrow the assertion"),
                    None => "write a flow for those it speaks of, or narrow the assertion".to_owned(),
                };
                return Ok(Some(
                    Diagnostic::new(Code::E0301, self.statement.span, message)
                        .with_text("asserted here")
                        .with_help(help),
                ));
            }
        }
        Ok(None)
    }

    /// Whether something of a connection is only refused because it is not sure what address blocks match.
    fn perhaps(&mut self, source: &End, target: &End, ports: &PortSet) -> Result<bool, GaveUp> {
        let refused = self.connections.refused(source, target, ports, Count::Possible, &mut self.budget)?;
        Ok(refused.is_none())
    }

    /// Whether it is known that address blocks match pods, and which addresses those have.
    fn is_sure(&self) -> bool {
        self.facts.matches().pods == Truth::Yes && self.facts.pods_are_stated()
    }

    /// What would have to be known of the cluster for an address block to let through or not; of pods, with the ends among
    /// addresses as the other case.
    fn settled_by(&self, ends: [&End; 2]) -> String {
        let addresses = ends.into_iter().find_map(|end| match end {
            End::Addresses(addresses) => Some(addresses),
            End::Pods(_) => None,
        });
        let name = "name it, as in `platform { cni calico }`";
        if let Some(addresses) = addresses {
            let what = if self.facts.is_api_server(addresses) { "the API server" } else { "nodes" };
            return match self.facts.matches().pods {
                Truth::Maybe => format!("whether the CNI matches {what} by addresses is not known: {name}"),
                _ => format!(
                    "this CNI matches {what} by addresses only in some clusters: a policy of its own kind is what lets it \
                     through there"
                ),
            };
        }
        let pods = "say which addresses pods have, as in `platform { pods 10.244.0.0/16 }`";
        match (self.facts.matches().pods, self.facts.pods_are_stated()) {
            (Truth::Yes, true) => "the CNI matches pods by their addresses, too".to_owned(),
            (Truth::Yes, false) => format!("the CNI matches pods by their addresses, too: {pods}"),
            (_, true) => format!("whether the CNI matches pods by their addresses is not known: {name}"),
            (_, false) => {
                format!("whether the CNI matches pods by their addresses is not known: {name}, or {pods}")
            }
        }
    }

    /// Why a connection is allowed that no flow has opened by itself.
    fn reason(&self, link: &Link, without_flow: bool) -> Option<String> {
        match (link.open_source, link.open_destination) {
            (true, true) => Some(
                "neither end is isolated there: pods are only isolated in managed namespaces, where an `isolate` covers \
                 them"
                    .to_owned(),
            ),
            _ if link.by_address => {
                let settled = self.settled_by([&link.source, &link.destination]);
                let or = if self.is_sure() { "" } else { "or " };
                Some(format!("{settled}; {or}take the addresses of pods out of the block with `except`"))
            }
            _ if without_flow => Some("the DNS rule of a namespace allows it: see its `dns`".to_owned()),
            _ => None,
        }
    }

    /// The flows that allow some connection between the two.
    fn flows(&mut self, source: &End, target: &End, ports: &PortSet) -> Result<Vec<&'a Flow>, GaveUp> {
        let (set, connections) = (self.set, self.connections);
        let to_address = matches!(target, End::Addresses(_));
        let mut found = Vec::new();
        let common = |end: &End, id: PartyId, budget: &mut Budget| -> Result<bool, GaveUp> {
            match place(set, id) {
                Some(place) => connections.meets(end, place, budget),
                None => Ok(false),
            }
        };
        let mut from: BTreeMap<PartyId, bool> = BTreeMap::new();
        for flow in &set.flows {
            for leaf in set.party(flow.source).map(|party| party.leaves.as_slice()).unwrap_or_default() {
                if !from.contains_key(leaf) {
                    from.insert(*leaf, common(source, *leaf, &mut self.budget)?);
                }
            }
            let leaves = set.party(flow.source).map(|party| party.leaves.as_slice()).unwrap_or_default();
            if !leaves.iter().any(|leaf| from.get(leaf) == Some(&true)) {
                continue;
            }
            for (id, theirs) in &flow.targets {
                if example([ports, theirs, theirs], to_address).is_some() && common(target, *id, &mut self.budget)? {
                    found.push(flow);
                    break;
                }
            }
        }
        found.dedup_by_key(|flow| flow.statement);
        Ok(found)
    }

    /// What messages call one of those of an end: by its tiers, where it has some.
    fn name(&mut self, end: &End) -> Result<String, GaveUp> {
        let Some(party) = self.connections.one(end, &mut self.budget)? else { return Ok("nobody".to_owned()) };
        let Party::Pod { namespace, labels } = &party else { return Ok(party.to_string()) };
        let mut tiers = Vec::new();
        let mut plain = false;
        for tier in &self.set.parties {
            let (PartyName::Local(home, name), Some(Place::Pods { pods, .. })) = (&tier.name, &tier.place) else {
                continue;
            };
            let there = namespace.get(NAMESPACE_NAME).map(String::as_str) == Some(home) && namespace.len() == 1;
            if there && pods.matches(labels) {
                plain |= pods.witness().as_ref() == Some(labels);
                tiers.push(format!("`{home}/{name}`"));
            }
        }
        if tiers.is_empty() {
            return Ok(party.to_string());
        }
        tiers.sort();
        tiers.dedup();
        let tiers = tiers.join(" and ");
        if plain {
            return Ok(format!("a pod of {tiers}"));
        }
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ok(format!("a pod of {tiers} with ({})", labels.join(", ")))
    }
}

fn place(set: &FlowSet, id: PartyId) -> Option<&Place> {
    set.party(id)?.place.as_ref()
}

/// Whether all of `narrow` is in `wide`; may be unsure, and then says no.
fn holds(wide: &End, narrow: &End) -> bool {
    match (wide, narrow) {
        (End::Pods(wide), End::Pods(narrow)) => {
            wide.home == narrow.home
                && wide.namespaces.contains(&narrow.namespaces)
                && wide.labels.contains(&narrow.labels)
                && wide.less.iter().all(|less| narrow.less.contains(less))
        }
        _ => wide == narrow,
    }
}
