//! Whether the assertions of a program hold, over every pod that could exist.

mod told;

use super::search::{Connection, Connections, Count, End};
use crate::cluster::Namespace;
use crate::cover::{Budget, GaveUp};
use crate::diag::{Code, Diagnostic};
use crate::flow::{Assertion, AssertionKind, FlowSet, PartyId, Place, Statement, StatementId};
use crate::net::{Direction, Facts, PortSet};
use crate::table::known;

/// Steps that one assertion may take: some seconds.
const BUDGET: usize = 20_000_000;

/// So many connections are looked at for one that is there whatever labels namespaces have.
const MOST_LOOKED_AT: usize = 64;

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

/// Judges every assertion, in order, in a cluster of these facts. The namespaces that are `given` decide what is not known of
/// their labels.
pub fn judge(set: &FlowSet, facts: &Facts, given: &[Namespace]) -> Vec<Judgement> {
    if set.assertions.is_empty() {
        return Vec::new();
    }
    let connections = Connections::new(set, facts, given);
    let judged = set.assertions.iter().map(|assertion| {
        let outcome = AssertionJudge::new(set, facts, &connections, assertion).judge();
        Judgement { statement: assertion.statement, outcome }
    });
    judged.collect()
}

struct AssertionJudge<'a> {
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

impl<'a> AssertionJudge<'a> {
    fn new(set: &'a FlowSet, facts: &'a Facts, connections: &'a Connections<'a>, assertion: &'a Assertion) -> Self {
        let ends = |ids: &[PartyId]| -> Vec<End> {
            let leaves = ids.iter().flat_map(|id| &known(set.party(*id)).leaves);
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
        let (statement, budget) = (known(set.statement(assertion.statement)), Budget::new(BUDGET));
        let dns_servers = set.dns_servers().into_iter().flat_map(|place| connections.ends(place)).collect();
        AssertionJudge { set, facts, connections, assertion, statement, sources, targets, dns_servers, budget }
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
        let unstated = self.unstated([&link.source, &link.destination])?;
        let (mut told, mut stands_for) = (Vec::new(), None);
        for source in &self.sources.clone() {
            for (target, ports) in &self.targets.clone() {
                for flow in self.flows([source, target], ports, link.by_address)? {
                    if !told.contains(&flow.statement) && self.set.statement(flow.statement).is_some() {
                        told.push(flow.statement);
                    }
                    stands_for = stands_for.or_else(|| self.stands_for(flow, [&link.source, &link.destination]));
                }
            }
        }
        let may = match link.by_address && !self.is_sure() {
            false => {
                let only_if = stands_for.as_ref().map(|(only_if, _)| format!(", {only_if}")).unwrap_or_default();
                format!("{source} may connect to {target} on {}{only_if}", link.port)
            }
            true => format!("an address block may let {source} connect to {target} on {}", link.port),
        };
        let message = unstated.verdict(&self.statement.text, !link.by_address || self.is_sure(), &may);
        let mut diagnostic = Diagnostic::new(Code::E0301, self.statement.span, message).with_text("asserted here");
        for statement in told.iter().filter_map(|id| self.set.statement(*id)) {
            diagnostic = diagnostic.with_label(statement.span, "allows it");
        }
        let help = match (self.except_is_reached(&link)?, stands_for) {
            (Some(reason), _) => Some(reason),
            (None, Some((_, help))) => Some(help),
            (None, None) => self.reason(&link, told.is_empty())?,
        };
        let help = match help {
            Some(reason) => reason,
            None => "take the flow away, or narrow it or the assertion".to_owned(),
        };
        Ok(Some(diagnostic.with_help(unstated.or_else(&help))))
    }

    /// A connection of some of the sources to a target: one that depends on no label that nobody stated, if that is soon
    /// found.
    fn first_link(&mut self, sources: &[End]) -> Result<Option<Connection>, GaveUp> {
        let mut found = None;
        for source in sources {
            for (target, ports) in &self.targets {
                let mut some = Vec::new();
                self.connections.links(source, target, ports, &mut self.budget, &mut |link| {
                    some.push(link);
                    some.len() >= MOST_LOOKED_AT
                })?;
                for link in some {
                    let ends = [&link.source, &link.destination];
                    let [source, destination] = ends.map(|end| self.connections.settled(end, &mut self.budget));
                    if let (Some(source), Some(destination)) = (source?, destination?) {
                        return Ok(Some(Connection { source, destination, ..link }));
                    }
                    found.get_or_insert(link);
                }
            }
        }
        Ok(found)
    }

    /// Goes from pods to those that they may connect to, nearest first.
    fn never_through(&mut self) -> Result<Option<Diagnostic>, GaveUp> {
        let mut reached: Vec<(End, Option<(usize, Connection)>)> =
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
    fn onward(&mut self, mut link: Connection) -> Result<Option<Connection>, GaveUp> {
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

    fn chain(&mut self, chain: &[Connection]) -> Result<Diagnostic, GaveUp> {
        let mut way = String::new();
        for link in chain {
            way.push_str(&format!("{} -> ({}) ", self.name(&link.source)?, link.port));
        }
        if let Some(last) = chain.last() {
            way.push_str(&self.name(&last.destination)?);
        }
        let unstated = self.unstated(chain.iter().flat_map(|link| [&link.source, &link.destination]))?;
        let message = unstated.verdict(&self.statement.text, true, &way);
        let mut diagnostic = Diagnostic::new(Code::E0301, self.statement.span, message).with_text("asserted here");
        let mut reasons = Vec::new();
        for (index, link) in chain.iter().enumerate() {
            let every = PortSet::everything();
            let flows = self.flows([&link.source, &link.destination], &every, link.by_address)?;
            for flow in &flows {
                if let Some(statement) = self.set.statement(flow.statement) {
                    diagnostic = diagnostic.with_label(statement.span, format!("step {} of the chain", index + 1));
                }
            }
            reasons.extend(self.reason(link, flows.is_empty())?.map(|reason| format!("step {}: {reason}", index + 1)));
        }
        if reasons.is_empty() {
            reasons.push("take away a flow of the chain, or narrow it or the assertion".to_owned());
        }
        Ok(diagnostic.with_help(unstated.or_else(&reasons.join("; "))))
    }

    fn always(&mut self) -> Result<Option<Diagnostic>, GaveUp> {
        for source in &self.sources.clone() {
            for (target, ports) in &self.targets.clone() {
                let refused = self.connections.refused(source, target, ports, Count::Sure, &mut self.budget)?;
                let Some((source, target, port, direction)) = refused else { continue };
                let possible = self.perhaps(&source, &target, ports)?;
                let settled = self.settled_by([&source, &target]);
                let text = self.statement.text.clone();
                let unstated = self.unstated([&source, &target])?;
                let (source, target) = (self.name(&source)?, self.name(&target)?);
                let isolated = match direction {
                    Direction::Ingress => "the second is isolated for ingress",
                    Direction::Egress => "the first is isolated for egress",
                };
                let may = match possible {
                    false => {
                        format!("{source} may not connect to {target} on {port}, for {isolated} and no flow covers it")
                    }
                    true => {
                        format!(
                            "{source} may connect to {target} on {port} only where an address block lets it through"
                        )
                    }
                };
                let message = unstated.verdict(&text, !possible, &may);
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
                        .with_help(unstated.or_else(&help)),
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
}

fn place(set: &FlowSet, id: PartyId) -> Option<&Place> {
    known(set.party(id)).place.as_ref()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::source::Sources;
    use crate::{flow, model, syntax};

    /// What comes of the assertion of a program with so many tiers, of which all but one are excepted.
    fn judged(tiers: usize, steps: usize) -> Outcome {
        let names = |start: &str| (0..tiers).map(|at| format!("{start}{at}")).collect::<Vec<_>>();
        let declared = names("  tier t").join("\n");
        let text = format!(
            "namespace shop {{\n  tier db\n{declared}\n}}\nnever shop/* -> shop/db except {}, shop/db\n",
            names("shop/t").join(", ")
        );
        let mut sources = Sources::default();
        let file = sources.add("main.polder", text);
        let tree = syntax::parse(&sources, file).tree;
        let set = flow::lower(&model::resolve(&sources, &[tree], &model::Options::default()).model);
        let connections = Connections::new(&set, &set.facts, &[]);
        let judge = AssertionJudge::new(&set, &set.facts, &connections, set.assertions.first().unwrap());
        AssertionJudge { budget: Budget::new(steps), ..judge }.judge()
    }

    #[test]
    fn an_assertion_about_hundreds_of_tiers_is_decided() {
        assert_eq!(judged(300, BUDGET), Outcome::Holds);
    }

    #[test]
    fn what_takes_too_many_steps_is_not_said_to_hold() {
        let Outcome::Unknown(diagnostic) = judged(300, 10_000) else { panic!("decided") };
        assert!(
            diagnostic
                .message
                .starts_with("it takes too many steps to find out whether `never shop/* -> shop/db except")
        );
        assert_eq!(diagnostic.code, Code::E0900);
    }
}
