//! What there is to try: each assertion, and each flow where these are asked for, with the pods and ports that it is about.

use super::ends::{ProbeEnds, single_address};
use super::{ProbeOptions, ProbePort, WhyNotProbed};
use crate::flow::{Assertion, AssertionKind, Flow, FlowSet, PartyId, PartyName, StatementId};
use crate::net::{PortSet, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A statement of which connections are tried.
#[derive(Debug)]
pub(super) struct ProbeTopic {
    pub statement: StatementId,
    /// What names begin with.
    pub word: &'static str,
    /// Whether each has to be refused; otherwise one has to pass.
    pub refuses: bool,
    pub sources: Vec<ProbeGroup>,
    pub aims: Vec<ProbeAim>,
    /// Why nothing of it can be tried.
    pub not: Option<WhyNotProbed>,
}

/// Pods that a program does not tell apart: those of a tier, or those of a namespace that are of none.
#[derive(Debug, Clone)]
pub(super) struct ProbeGroup {
    pub name: String,
    /// Their places.
    pub members: Vec<usize>,
}

/// Whom to connect to.
#[derive(Debug, Clone)]
pub(super) struct ProbeAim {
    pub at: AimedAt,
    pub port: ProbePort,
}

#[derive(Debug, Clone)]
pub(super) enum AimedAt {
    Pods(ProbeGroup),
    Address(IpAddr),
}

impl AimedAt {
    pub(super) fn name(&self) -> String {
        match self {
            AimedAt::Pods(group) => group.name.clone(),
            AimedAt::Address(address) => address.to_string(),
        }
    }
}

impl ProbeTopic {
    /// How many connections there are to try of it.
    pub(super) fn count(&self) -> usize {
        match (self.not, self.refuses) {
            (Some(_), _) => 0,
            (None, true) => self.sources.len().saturating_mul(self.aims.len()),
            (None, false) => 1,
        }
    }

    /// The pair of a number below that, in an order that goes on to another source and another aim each time.
    pub(super) fn pair(&self, number: usize) -> Option<(&ProbeGroup, &ProbeAim)> {
        let (sources, aims) = (self.sources.len(), self.aims.len());
        let source = number.checked_rem(sources)?;
        let round = number.checked_div(sources)?;
        Some((self.sources.get(source)?, self.aims.get(round.wrapping_add(source).checked_rem(aims)?)?))
    }
}

/// What is tried of a program, in its order.
pub(super) fn topics(set: &FlowSet, ends: &ProbeEnds<'_>, options: &ProbeOptions<'_>) -> Vec<ProbeTopic> {
    let maker = TopicMaker { set, ends, udp: options.udp };
    let is_asked = |statement: &StatementId| {
        let text = set.statement(*statement).map(|statement| &statement.text);
        options.filter.is_none_or(|filter| text.is_some_and(|text| text.contains(filter)))
    };
    let asserted = set.assertions.iter().filter(|one| is_asked(&one.statement)).map(|one| maker.of_assertion(one));
    let flows = set.flows.iter().filter(|one| options.flows && is_asked(&one.statement)).map(|one| maker.of_flow(one));
    let mut topics: Vec<ProbeTopic> = asserted.chain(flows).collect();
    topics.sort_by_key(|topic| set.statement(topic.statement).map(|one| (one.span.file, one.span.start)));
    topics
}

struct TopicMaker<'a> {
    set: &'a FlowSet,
    ends: &'a ProbeEnds<'a>,
    udp: bool,
}

impl TopicMaker<'_> {
    fn of_assertion(&self, assertion: &Assertion) -> ProbeTopic {
        let (sources, except) = (self.leaves(&assertion.sources), self.leaves(&assertion.except));
        let is_meant = |place: &usize| {
            let Some(candidate) = self.ends.all.get(*place) else { return false };
            let is_named = sources.iter().any(|party| self.ends.is_in(candidate, *party));
            let may_be_named = || sources.iter().any(|party| self.ends.may_be_in(candidate, *party));
            let is_excepted = except.iter().any(|party| self.ends.may_be_in(candidate, *party));
            !is_excepted
                && match assertion.kind {
                    // It names those who may.
                    AssertionKind::Only => !may_be_named(),
                    AssertionKind::Never | AssertionKind::NeverThrough | AssertionKind::Always => is_named,
                }
        };
        let members: Vec<usize> = (0..self.ends.all.len()).filter(is_meant).collect();
        let (word, refuses) = match assertion.kind {
            AssertionKind::Never => ("never", true),
            AssertionKind::Only => ("only", true),
            AssertionKind::Always => ("always", false),
            AssertionKind::NeverThrough => {
                let (sources, aims) = (Vec::new(), Vec::new());
                let not = Some(WhyNotProbed::Chain);
                return ProbeTopic { statement: assertion.statement, word: "never", refuses: true, sources, aims, not };
            }
        };
        self.topic(assertion.statement, (word, refuses), &members, &assertion.targets)
    }

    fn of_flow(&self, flow: &Flow) -> ProbeTopic {
        let sources = self.leaves(&[flow.source]);
        let is_meant = |place: &usize| {
            let candidate = self.ends.all.get(*place);
            candidate.is_some_and(|candidate| sources.iter().any(|party| self.ends.is_in(candidate, *party)))
        };
        let members: Vec<usize> = (0..self.ends.all.len()).filter(is_meant).collect();
        self.topic(flow.statement, ("flow", false), &members, &flow.targets)
    }

    fn leaves(&self, parties: &[PartyId]) -> Vec<PartyId> {
        parties.iter().filter_map(|id| self.set.party(*id)).flat_map(|party| party.leaves.iter().copied()).collect()
    }

    fn topic(
        &self,
        statement: StatementId,
        (word, refuses): (&'static str, bool),
        sources: &[usize],
        targets: &[(PartyId, PortSet)],
    ) -> ProbeTopic {
        let sources = self.groups(sources);
        let (mut aims, mut is_anybody) = (Vec::new(), false);
        for (party, ports) in targets {
            let is_in = |place: &usize| self.ends.all.get(*place).is_some_and(|one| self.ends.is_in(one, *party));
            for group in self.groups(&(0..self.ends.all.len()).filter(is_in).collect::<Vec<_>>()) {
                is_anybody = true;
                let at = self.listed(&group, ports);
                let unlisted = self.unlisted(&group, ports).filter(|_| at.is_empty() && !refuses);
                let at = at.into_iter().chain(unlisted);
                aims.extend(at.map(|(port, members)| {
                    let group = ProbeGroup { name: group.name.clone(), members };
                    ProbeAim { at: AimedAt::Pods(group), port }
                }));
            }
            // Whether somebody listens at an address is only known where it must be so.
            if let (false, Some(address)) = (refuses, single_address(self.set, *party)) {
                is_anybody = true;
                let port = first_number(ports, Protocol::Tcp).map(|number| (Protocol::Tcp, number));
                aims.extend(port.map(|port| ProbeAim { at: AimedAt::Address(address), port }));
            }
        }
        let not = match (sources.is_empty(), is_anybody, aims.is_empty()) {
            (true, ..) => Some(WhyNotProbed::NoSource),
            (_, false, _) => Some(WhyNotProbed::NoDestination),
            (.., true) => Some(WhyNotProbed::NoPort),
            (.., false) => None,
        };
        ProbeTopic { statement, word, refuses, sources, aims, not }
    }

    /// Pods by what the program calls them.
    fn groups(&self, members: &[usize]) -> Vec<ProbeGroup> {
        let mut groups: BTreeMap<(bool, Option<PartyId>, Arc<str>), Vec<usize>> = BTreeMap::new();
        for place in members {
            let Some(candidate) = self.ends.all.get(*place) else { continue };
            let key = (candidate.tier.is_none(), candidate.tier, candidate.end.namespace.clone());
            groups.entry(key).or_default().push(*place);
        }
        let name = |tier: Option<PartyId>, namespace: &str| match tier.and_then(|id| self.set.party(id)) {
            Some(party) => match &party.name {
                PartyName::Local(home, name) => format!("{home}/{name}"),
                PartyName::Global(name) => name.to_string(),
                PartyName::AllPods(home) => format!("{home}/*"),
                PartyName::BuiltIn(name) => (*name).to_owned(),
            },
            None => format!("{namespace}/(other pods)"),
        };
        let group = |((_, tier, namespace), members): ((bool, Option<PartyId>, Arc<str>), Vec<usize>)| ProbeGroup {
            name: name(tier, &namespace),
            members,
        };
        groups.into_iter().map(group).collect()
    }

    fn protocols(&self) -> &'static [Protocol] {
        if self.udp { &[Protocol::Tcp, Protocol::Udp] } else { &[Protocol::Tcp] }
    }

    /// The ports of a set that containers of some pods list, in order, with those whose containers do.
    fn listed(&self, group: &ProbeGroup, ports: &PortSet) -> Vec<(ProbePort, Vec<usize>)> {
        let own = |place: &usize| self.ends.all.get(*place).map(|one| one.ports.as_slice()).unwrap_or_default();
        let all = group.members.iter().flat_map(own).filter(|port| self.protocols().contains(&port.protocol));
        let is_meant = |protocol, number, name: Option<&Arc<str>>| {
            ports.has(protocol, number) || name.is_some_and(|name| ports.has_name(protocol, name))
        };
        let numbers: BTreeSet<ProbePort> = all
            .filter(|port| is_meant(port.protocol, port.number, port.name.as_ref()))
            .map(|port| (port.protocol, port.number))
            .collect();
        let lists = |place: &usize, (protocol, number)| {
            self.ends.all.get(*place).is_some_and(|candidate| candidate.lists(protocol, number))
        };
        let with = |port| (port, group.members.iter().copied().filter(|place| lists(place, port)).collect());
        numbers.into_iter().map(with).collect()
    }

    /// The first port of a set at pods whose containers list none at all, as they need not.
    fn unlisted(&self, group: &ProbeGroup, ports: &PortSet) -> Option<(ProbePort, Vec<usize>)> {
        let lists_nothing = |place: &usize| self.ends.all.get(*place).is_some_and(|one| one.lists_nothing);
        let members: Vec<usize> = group.members.iter().copied().filter(lists_nothing).collect();
        let number = |protocol: &Protocol| Some((*protocol, first_number(ports, *protocol)?));
        let port = self.protocols().iter().find_map(number)?;
        (!members.is_empty()).then_some((port, members))
    }
}

/// The first number of a protocol, where it does not have all of them.
fn first_number(ports: &PortSet, protocol: Protocol) -> Option<u16> {
    let first = ports.ranges(protocol).first().map(|(low, _)| *low);
    first.filter(|_| !ports.is_whole(protocol))
}
