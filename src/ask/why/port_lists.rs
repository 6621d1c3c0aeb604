//! What a longer list of ports means for flows that name none.

use super::Edit;
use super::suggest::EndWriter;
use crate::draft::{self, End};
use crate::flow::{Flow, FlowSet, PartyName, Statement as FlowStatement};
use crate::model::Tier;
use crate::net::{Direction, PortSet};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl EndWriter<'_> {
    /// The flows to a tier that name no ports, with those that they have, so that one more in its list is not theirs; without
    /// those that are among some edits. `None` where one of them cannot be written so.
    pub(super) fn with_their_ports(&self, tier: &Tier, edits: &[Edit]) -> Option<Vec<Edit>> {
        let known = |span| edits.iter().any(|edit| matches!(edit, Edit::Flow { span: known, .. } if *known == span));
        let mut by_statement: BTreeMap<_, Vec<&Flow>> = BTreeMap::new();
        for flow in &self.program.flows.flows {
            by_statement.entry(flow.statement).or_default().push(flow);
        }
        let mut written = Vec::new();
        for (id, flows) in by_statement {
            let has_all = flows.iter().flat_map(|flow| &flow.targets).any(|(party, ports)| {
                Some(ports) == tier.served.as_ref() && self.tier(*party).is_some_and(|one| one.span == tier.span)
            });
            let statement = self.program.flows.statement(id)?;
            if !has_all || known(statement.span) || named_ports(statement) {
                continue;
            }
            let (source, _) = statement.text.rsplit_once("->")?;
            let destination = self.with_ports(statement, &flows)?;
            let text = format!("{source}-> {destination}");
            let destination = (self.destination(statement)?, destination);
            written.push(Edit::Flow {
                flow: statement.text.to_string().into(),
                span: statement.span,
                text,
                destination,
            });
        }
        Some(written)
    }

    /// Where the destination of a statement stands.
    fn destination(&self, statement: &FlowStatement) -> Option<Span> {
        let Span { file, start, end } = statement.span;
        let written = self.sources.file(file)?.text.get(start as usize..end as usize)?;
        let (before, destination) = written.rsplit_once("->")?;
        let from = before.len() + "->".len() + destination.len() - destination.trim_start().len();
        Some(Span::new(file, start as usize + from..end as usize))
    }

    /// The destination of a statement that names no ports, with those that it has.
    fn with_ports(&self, statement: &FlowStatement, flows: &[&Flow]) -> Option<String> {
        let destination = statement.text.rsplit_once("->")?.1.trim();
        let is_group =
            |flow: &&Flow| self.program.flows.party(flow.destination).is_none_or(|party| party.leaves.len() > 1);
        if !destination.contains('{') && !flows.iter().any(is_group) {
            let (party, _) = flows.first()?.targets.first()?;
            let names: Vec<&str> = self.tier(*party)?.ports.iter().flatten().map(|port| &*port.name).collect();
            return Some(match names.as_slice() {
                [name] => format!("{destination}:{name}"),
                several => format!("{destination}:{{{}}}", several.join(", ")),
            });
        }
        let mut targets: Vec<(End, PortSet)> = Vec::new();
        for (party, ports) in flows.iter().flat_map(|flow| &flow.targets) {
            let tier = self.tier(*party)?;
            let namespace = self.program.model.namespace(tier.namespace)?.declared.clone();
            let target = (End { namespace: Some(namespace), name: tier.name.clone() }, ports.clone());
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let (destinations, ports): (Vec<End>, Vec<PortSet>) = targets.into_iter().unzip();
        Some(draft::destinations_text(&destinations, &draft::Ports::Each(ports)))
    }
}

/// Whether a flow says on which ports.
fn named_ports(statement: &FlowStatement) -> bool {
    statement.text.rsplit_once("->").is_some_and(|(_, destination)| destination.contains(':'))
}

/// What one flow says of one destination.
type Said<'a> = (&'a PartyName, &'a PartyName, &'a PortSet, Option<Direction>);

/// Whether, of two flow sets of which the second has some statements more, all others say the same.
pub fn say_the_same_but_for(before: &FlowSet, after: &FlowSet, more: &BTreeSet<&str>) -> bool {
    let (old, new) = (said(before), said(after));
    let is_more = |statement: &Arc<str>| more.contains(&**statement);
    old.keys().all(|one| new.contains_key(one))
        && new.iter().all(|(one, statements)| old.contains_key(one) || statements.iter().all(is_more))
}

fn said(set: &FlowSet) -> BTreeMap<Said<'_>, Vec<Arc<str>>> {
    let mut all: BTreeMap<Said<'_>, Vec<Arc<str>>> = BTreeMap::new();
    for flow in &set.flows {
        let Some(source) = set.party(flow.source) else { continue };
        let text: Arc<str> = set.statement(flow.statement).map(|one| one.text.to_string().into()).unwrap_or_default();
        for (target, ports) in &flow.targets {
            let Some(target) = set.party(*target) else { continue };
            all.entry((&source.name, &target.name, ports, flow.side)).or_default().push(text.clone());
        }
    }
    all
}
