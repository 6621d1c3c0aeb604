//! Flows that open one side only: that come to nothing because of it, that are one flow in two halves, and those that
//! should have been such flows.

use super::concern::{Contribution, Wishes};
use super::report::DnsGrant;
use crate::diag::{Code, Diagnostic};
use crate::flow::{Flow, FlowSet, Isolation, Namespaces, PartyId, PartyName, Place, Statement, StatementId};
use crate::net::{Direction, Peers, PortSet, Region, RegionIndex, Selector, Truth};
use std::collections::{BTreeMap, BTreeSet};

/// So many ends or namespaces are named.
const MOST_NAMED: usize = 3;

/// The flows of one statement, which all open the same sides.
struct StatedFlows<'a> {
    id: StatementId,
    statement: &'a Statement,
    flows: &'a [Flow],
}

impl StatedFlows<'_> {
    fn side(&self) -> Option<Direction> {
        self.flows.first().and_then(|flow| flow.side)
    }

    /// It without its word.
    fn plain(&self) -> &str {
        let text = &*self.statement.text;
        self.side().and_then(|side| text.strip_prefix(side.word())).unwrap_or(text).trim_start()
    }
}

/// The statements that have flows, in order.
fn stated(set: &FlowSet) -> impl Iterator<Item = StatedFlows<'_>> {
    let same = set.flows.chunk_by(|one, other| one.statement == other.statement);
    same.filter_map(|flows| {
        let id = flows.first()?.statement;
        Some(StatedFlows { id, statement: set.statement(id)?, flows })
    })
}

/// What the flows of a statement connect.
type Said<'a> = Vec<(PartyId, &'a [(PartyId, PortSet)])>;

/// Two statements that open one side each of the same flow. Those of `needless` are reported already.
pub(super) fn halves(set: &FlowSet, needless: &BTreeSet<StatementId>) -> Vec<Diagnostic> {
    let mut known: BTreeMap<Said<'_>, Vec<StatedFlows<'_>>> = BTreeMap::new();
    let mut found = Vec::new();
    for one in stated(set).filter(|one| one.side().is_some() && !needless.contains(&one.id)) {
        let mut said: Said<'_> = one.flows.iter().map(|flow| (flow.source, flow.targets.as_slice())).collect();
        said.sort_unstable();
        let earlier = known.entry(said).or_default();
        if let Some(other) = earlier.iter().find(|other| other.side() != one.side()) {
            let message =
                format!("`{}` and `{}` open both sides of one flow", other.statement.text, one.statement.text);
            let help = format!("write `{}` in place of both", one.plain());
            let diagnostic = Diagnostic::new(Code::W0001, one.statement.span, message);
            found.push(diagnostic.with_label(other.statement.span, "its other side").with_help(help));
        }
        earlier.push(one);
    }
    found
}

/// What is granted on the sides of managed namespaces, each with an index once somebody asks for it.
struct OpenedSides<'a> {
    regions: BTreeMap<(usize, Direction), Vec<Region>>,
    indexes: BTreeMap<(usize, Direction), RegionIndex>,
    set: &'a FlowSet,
}

/// What a flow adds to a side.
fn granted(set: &FlowSet, wishes: &Wishes<'_>, added: &Contribution) -> Option<((usize, Direction), Vec<Region>)> {
    let (home, direction, subject) = wishes.subject_of(added);
    let (_, ports) = set.flows.get(added.flow as usize)?.targets.get(added.target as usize)?;
    let place = set.parties[added.peer].place.as_ref()?;
    let region = |peers: Peers| Region { subject: subject.clone(), peers, ports: ports.clone() };
    Some(((home, direction), set.peers(place).into_iter().map(region).collect()))
}

impl<'a> OpenedSides<'a> {
    fn new(set: &'a FlowSet, wishes: &Wishes<'_>, dns: &[DnsGrant]) -> Self {
        let mut regions: BTreeMap<(usize, Direction), Vec<Region>> = BTreeMap::new();
        for (home, direction, region) in dns {
            regions.entry((*home, *direction)).or_default().push(region.clone());
        }
        for added in &wishes.contributions {
            if let Some((side, granted)) = granted(set, wishes, added) {
                regions.entry(side).or_default().extend(granted);
            }
        }
        OpenedSides { regions, indexes: BTreeMap::new(), set }
    }

    /// Whether some of these connections are open on a side.
    fn opens(&mut self, side: (usize, Direction), region: &Region) -> bool {
        let Some(regions) = self.regions.get(&side) else { return false };
        let index = self.indexes.entry(side).or_insert_with(|| {
            RegionIndex::new(regions.iter().enumerate().map(|(at, one)| (at, &one.subject, &one.peers)))
        });
        let near = index.query(&region.subject, &region.peers);
        near.into_iter().filter_map(|at| regions.get(at)).any(|one| one.overlaps(region))
    }

    /// Whether all pods of a selector are isolated on a side.
    fn isolates(&self, (home, direction): (usize, Direction), pods: &Selector) -> bool {
        match self.set.namespaces[home].isolation(direction) {
            Isolation::Every => true,
            Isolation::Tiers(tiers) => tiers.iter().any(|id| match &self.set.parties[*id].place {
                Some(Place::Pods { pods: isolated, .. }) => isolated.contains(pods),
                _ => false,
            }),
        }
    }
}

/// Statements that open one side of connections whose other side is closed: it is isolated, and nothing opens it. Those of
/// `needless` are reported already.
pub(super) fn unanswered(
    set: &FlowSet,
    wishes: &Wishes<'_>,
    dns: &[DnsGrant],
    needless: &BTreeSet<StatementId>,
) -> Vec<Diagnostic> {
    let mut opened = None;
    let mut found = Vec::new();
    for one in stated(set).filter(|one| !needless.contains(&one.id)) {
        let Some(side) = one.side() else { continue };
        let opened = opened.get_or_insert_with(|| OpenedSides::new(set, wishes, dns));
        let (mut closed, mut all) = (Vec::new(), true);
        for (other, own, ports) in one.flows.iter().flat_map(|flow| ends(set, flow, side)) {
            if !is_closed(opened, side.other(), other, own, ports) {
                all = false;
            } else if !closed.contains(&(other, own)) {
                closed.push((other, own));
            }
        }
        if let [(other, own), more @ ..] = closed.as_slice() {
            found.push(unanswered_by(set, &one, (*other, *own), more.len(), all));
        }
    }
    found
}

/// The ends of a flow without groups: the other one, the one whose side it opens, and the ports.
fn ends<'a>(
    set: &'a FlowSet,
    flow: &'a Flow,
    side: Direction,
) -> impl Iterator<Item = (PartyId, PartyId, &'a PortSet)> {
    let sources = &set.parties[flow.source].leaves;
    flow.targets.iter().flat_map(move |(target, ports)| {
        sources.iter().map(move |source| match side {
            Direction::Ingress => (*source, *target, ports),
            Direction::Egress => (*target, *source, ports),
        })
    })
}

/// Whether an end names pods of a managed namespace whose side towards the other end is isolated, and not opened.
fn is_closed(opened: &mut OpenedSides<'_>, side: Direction, end: PartyId, peer: PartyId, ports: &PortSet) -> bool {
    let set = opened.set;
    let place = |id: PartyId| set.parties[id].place.as_ref();
    let Some(Place::Pods { namespaces: Namespaces::Managed(home), pods }) = place(end) else { return false };
    let side = (*home, side);
    let peers = place(peer).map(|place| set.peers(place)).unwrap_or_default();
    let region = |peers| Region { subject: pods.clone(), peers, ports: ports.clone() };
    opened.isolates(side, pods) && !peers.into_iter().any(|peers| opened.opens(side, &region(peers)))
}

fn unanswered_by(
    set: &FlowSet,
    one: &StatedFlows<'_>,
    (other, own): (PartyId, PartyId),
    more: usize,
    all: bool,
) -> Diagnostic {
    let (text, opened) = (&one.statement.text, one.side().unwrap_or(Direction::Ingress));
    let side = opened.other();
    let [other, own] = [other, own].map(|id| written(&set.parties[id].name));
    let to = match side {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let and = if more == 0 { String::new() } else { format!(", and {more} more like it") };
    let closed = format!("nothing opens the {} of {other} {to} {own}{and}", side.word());
    let (message, help) = if all {
        let help = format!("write `{}` to open both sides, or `{} {0}` as well", one.plain(), side.word());
        (format!("no connection comes of `{text}`: {closed}"), help)
    } else {
        (format!("a part of `{text}` comes to nothing: {closed}"), "open that side, or leave the part out".to_owned())
    };
    let diagnostic = Diagnostic::new(Code::W0017, one.statement.span, message).with_help(help);
    // In a chain the word is for every part.
    if !all || is_in_chain(set, one) {
        return diagnostic;
    }
    let span = one.statement.span;
    let word = crate::source::Span { end: span.start + crate::table::number(opened.word().len() + 1), ..span };
    diagnostic.with_titled_mend(format!("Write the plain flow `{}`", one.plain()), word, "")
}

/// Whether a statement is a part of a chain: another part begins where it ends, or ends where it begins.
fn is_in_chain(set: &FlowSet, one: &StatedFlows<'_>) -> bool {
    let span = one.statement.span;
    [one.id.0.checked_sub(1), Some(one.id.0 + 1)].into_iter().flatten().any(|id| {
        let next = set.statement(StatementId(id));
        next.is_some_and(|next| next.span.file == span.file && next.span.start < span.end && span.start < next.span.end)
    })
}

/// A party as programs write it.
fn written(name: &PartyName) -> String {
    match name {
        PartyName::Local(namespace, name) => format!("`{namespace}/{name}`"),
        PartyName::AllPods(namespace) => format!("`{namespace}/*`"),
        PartyName::Global(name) => format!("`{name}`"),
        PartyName::BuiltIn(name) => format!("`{name}`"),
    }
}

fn listed(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    match (names.as_slice(), more) {
        ([start @ .., last], 0) if !start.is_empty() => format!("{} and {last}", start.join(", ")),
        (names, 0) => names.join(", "),
        (names, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// Flows from or to everybody that open pods of managed namespaces beside that of the end that they name.
pub(super) fn wide(set: &FlowSet, wishes: &Wishes<'_>, dns: &[DnsGrant]) -> Vec<Diagnostic> {
    let mut sides: BTreeMap<StatementId, BTreeSet<(usize, Direction)>> = BTreeMap::new();
    let is_wide = |one: &StatedFlows<'_>| one.side().is_none() && wide_side(set, one).is_some();
    let wide: Vec<StatedFlows<'_>> = stated(set).filter(is_wide).collect();
    if wide.is_empty() {
        return Vec::new();
    }
    let by_dns = |side: (usize, Direction), region: &Region| {
        dns.iter().any(|(home, direction, granted)| (*home, *direction) == side && granted.contains(region))
    };
    let ids: BTreeSet<StatementId> = wide.iter().map(|one| one.id).collect();
    for added in wishes.contributions.iter().filter(|added| ids.contains(&added.statement)) {
        if let Some((side, granted)) = granted(set, wishes, added)
            && !granted.iter().all(|region| by_dns(side, region))
        {
            sides.entry(added.statement).or_default().insert(side);
        }
    }
    let diagnostic = |one: &StatedFlows<'_>| {
        let (side, homes) = wide_side(set, one)?;
        let opened = sides.get(&one.id)?;
        // Where its own side is not isolated, the flow is about nothing but the others.
        let own = opened.iter().any(|(home, direction)| *direction == side.other() && homes.contains(home));
        let others: Vec<String> = opened
            .iter()
            .filter(|(home, direction)| *direction == side && !homes.contains(home))
            .map(|(home, _)| format!("`{}`", set.namespaces[*home].name))
            .collect();
        (own && !others.is_empty()).then(|| wide_flow(set, one, side, others))
    };
    wide.iter().filter_map(diagnostic).collect()
}

/// The side of a statement's flows that is everybody's, and the managed namespaces of the other end, which names pods.
fn wide_side(set: &FlowSet, one: &StatedFlows<'_>) -> Option<(Direction, BTreeSet<usize>)> {
    let place = |id: &PartyId| set.parties[*id].place.as_ref();
    let is_everybody = |place: &Place| match place {
        Place::Any => true,
        Place::Pods { namespaces: Namespaces::Every, pods } => pods.is_everything(),
        Place::Pods { .. } | Place::Addresses(_) | Place::Unlisted(_) => false,
    };
    let leaves = |flow: &'_ Flow| set.parties[flow.source].leaves.to_vec();
    let sources: BTreeSet<PartyId> = one.flows.iter().flat_map(leaves).collect();
    let targets: BTreeSet<PartyId> =
        one.flows.iter().flat_map(|flow| flow.targets.iter().map(|(target, _)| *target)).collect();
    let has = |ends: &BTreeSet<PartyId>| ends.iter().filter_map(place).any(is_everybody);
    let (side, named) = match (has(&sources), has(&targets)) {
        (true, false) => (Direction::Egress, &targets),
        (false, true) => (Direction::Ingress, &sources),
        _ => return None,
    };
    let mut homes = BTreeSet::new();
    for namespaces in named.iter().filter_map(place).filter_map(|place| match place {
        Place::Pods { namespaces, .. } => Some(namespaces),
        Place::Addresses(_) | Place::Unlisted(_) | Place::Any => None,
    }) {
        match namespaces {
            Namespaces::Managed(home) => _ = homes.insert(*home),
            Namespaces::Labelled(labels) => {
                let all = set.namespaces.iter().enumerate();
                homes.extend(all.filter(|(_, one)| one.is_among(labels) == Truth::Yes).map(|(home, _)| home));
            }
            Namespaces::Every => homes.extend(0..set.namespaces.len()),
            Namespaces::Named(_) => {}
        }
    }
    Some((side, homes))
}

fn wide_flow(set: &FlowSet, one: &StatedFlows<'_>, side: Direction, others: Vec<String>) -> Diagnostic {
    let (text, own) = (&one.statement.text, side.other().word());
    let message = format!("`{text}` opens the {} of {} as well", side.word(), listed(others));
    let span = one.statement.span;
    let diagnostic = Diagnostic::new(Code::W0020, span, message);
    if is_in_chain(set, one) {
        return diagnostic.with_help(format!("if that is not meant, take it out of the chain: `{own} {text}`"));
    }
    let place = crate::source::Span { end: span.start, ..span };
    diagnostic
        .with_help(format!("if that is not meant, open one side: `{own} {text}`"))
        .with_mend(place, format!("{own} "))
}
