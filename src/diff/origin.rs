//! Who is responsible: the statement of a program, or the policy that somebody wrote.

use super::Instead;
use super::ways::Ways;
use crate::ask::{self, Ends, Program, Space, rule_peers, rule_ports};
use crate::cover::Budget;
use crate::engine::{End, EndId, Verdict, World, of_unknown_number};
use crate::flow::{DnsServer, Place};
use crate::net::{Direction, NAMESPACE_NAME, Peers, PortSet, Selector, Truth, namespace_by_name};
use crate::netpol::{Policy, Rule};
use crate::source::{Excerpt, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many comparisons it may take to see whether somebody is in two sets. Then it is taken that somebody is.
const MOST_STEPS: usize = 10_000;

/// One of the two that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Version<'v> {
    /// The policies.
    pub policies: &'v [Policy],
    /// Where each of them stands, when they were read.
    pub policy_spans: &'v [Option<Span>],
    /// The program that they come from.
    pub program: Option<Program<'v>>,
}

/// Says of a name whether a program declares it that was, and none that is.
pub(super) fn gone([old, new]: [&Version<'_>; 2]) -> impl Fn(&str) -> bool {
    let declared = |version: &Version<'_>| -> BTreeSet<(Option<Arc<str>>, Arc<str>)> {
        version.program.map(|program| program.flows.declared.clone()).unwrap_or_default()
    };
    let (before, after) = (declared(old), declared(new));
    move |text| {
        let known = match text.split_once('/') {
            Some((namespace, name)) => (Some(Arc::from(namespace)), Arc::from(name)),
            None => (None, Arc::from(text)),
        };
        before.contains(&known) && !after.contains(&known)
    }
}

/// What is responsible for a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Where it stands.
    pub span: Option<Span>,
    /// The statement, or the policy as `namespace/name`.
    pub text: String,
    /// Whether it is a policy.
    pub is_policy: bool,
}

/// Some ends, in whichever way they are known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Those<'a> {
    /// Those of a world.
    Given(&'a World, &'a [EndId]),
    /// Sets of all that could exist.
    Sets(&'a Space, &'a [Ends]),
}

impl Those<'_> {
    /// The namespaces that they are in; `None` for pods of others, and for addresses.
    fn namespaces(&self) -> BTreeSet<Option<Arc<str>>> {
        match self {
            Those::Given(world, ends) => {
                ends.iter().map(|end| world.namespace_of(*end).and_then(|home| home.name.clone())).collect()
            }
            Those::Sets(space, ends) => {
                let home = |end: &Ends| Some(space.homes().get(end.pods()?.home?)?.name.clone());
                ends.iter().map(home).collect()
            }
        }
    }

    /// Whether some of them are or may be such peers.
    fn touch(&self, peers: &Peers) -> bool {
        match self {
            Those::Given(world, ends) => ends.iter().any(|end| is_in(world, *end, peers)),
            Those::Sets(space, ends) => ends.iter().any(|end| meets(space, end, peers)),
        }
    }

    /// Whether some pods of a namespace are among them that have such labels.
    fn touch_pods(&self, namespace: &Arc<str>, labels: &Selector) -> bool {
        self.touch(&Peers::Pods { namespaces: namespace_by_name(namespace), pods: labels.clone() })
    }
}

fn is_in(world: &World, end: EndId, peers: &Peers) -> bool {
    match (peers, world.end(end)) {
        (Peers::Any, _) => true,
        (Peers::Addresses(all), Some(End::Addresses { addresses, .. })) => all.overlaps(addresses),
        (Peers::Addresses(all), Some(End::Pods(kind))) => kind.in_block(&world.facts, all).is_possible(),
        (Peers::Pods { namespaces, pods }, Some(End::Pods(kind))) => {
            let home = world.namespace(kind.namespace);
            home.is_some_and(|home| home.matches(namespaces) != Truth::No) && pods.matches(&kind.labels)
        }
        _ => false,
    }
}

fn meets(space: &Space, end: &Ends, peers: &Peers) -> bool {
    match (peers, end) {
        (Peers::Addresses(all), Ends::Pods(_)) => space.facts().pod(all, &[]).is_possible(),
        _ => {
            let both = space.beside(peers, end).and_then(|beside| space.both(end, &beside));
            let is_somebody = |both| !space.is_empty(&both, &mut Budget::new(MOST_STEPS)).unwrap_or(false);
            both.is_some_and(is_somebody)
        }
    }
}

/// Finds the policies that let something through on one side, by their place.
pub(super) type Granting<'g> = &'g dyn Fn(Direction, &PortSet) -> BTreeSet<usize>;

/// A party with the flows from it.
type Source = (Vec<Peers>, Vec<usize>);

/// Finds origins in one version.
pub(super) struct Origins<'v> {
    version: &'v Version<'v>,
    /// The flows from each party, by the namespace that it is in; `None` for those that are in several, or are addresses.
    sources: BTreeMap<Option<Arc<str>>, Vec<Source>>,
    /// The policies of each namespace, by their place.
    policies: BTreeMap<&'v Arc<str>, Vec<usize>>,
    /// The statements of the program, by what they say.
    statements: BTreeMap<&'v str, Span>,
}

impl<'v> Origins<'v> {
    pub fn new(version: &'v Version<'v>) -> Self {
        let mut origins =
            Origins { version, sources: BTreeMap::new(), policies: BTreeMap::new(), statements: BTreeMap::new() };
        for (index, policy) in version.policies.iter().enumerate() {
            origins.policies.entry(&policy.namespace).or_default().push(index);
        }
        let Some(program) = version.program else { return origins };
        origins.statements = program.flows.statements.iter().map(|one| (&*one.text, one.span)).collect();
        let mut flows_from: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, flow) in program.flows.flows.iter().enumerate() {
            for leaf in program.flows.party(flow.source).into_iter().flat_map(|party| &party.leaves) {
                flows_from.entry(*leaf).or_default().push(index);
            }
        }
        for (leaf, flows) in flows_from {
            let Some(place) = program.flows.party(leaf).and_then(|party| party.place.as_ref()) else { continue };
            let peers = program.flows.peers(place);
            let home = match peers.as_slice() {
                [Peers::Pods { namespaces, .. }] => match namespaces.required_value(NAMESPACE_NAME) {
                    Some([one]) => Some(one.clone()),
                    _ => None,
                },
                _ => None,
            };
            origins.sources.entry(home).or_default().push((peers, flows));
        }
        origins
    }

    /// What allows some ports of some connections, by the sides whose rules did it. What stands in the `other` version as
    /// well is only named where nothing else is responsible.
    pub fn of_connections(
        &self,
        other: &Origins<'_>,
        by: Ways,
        [sources, destinations]: [Those<'_>; 2],
        ports: &Verdict,
        granting: Granting<'_>,
    ) -> Vec<Origin> {
        let ports = ports.possible();
        if ports.is_empty() {
            return Vec::new();
        }
        let ways: Vec<Direction> = if by.is_none() { Direction::ALL.to_vec() } else { by.list() };
        let mut found = self.flows(&ways, [sources, destinations], &ports);
        found.extend(self.dns(sources, destinations, &ports));
        if found.is_empty() {
            let policies: BTreeSet<usize> = ways.iter().flat_map(|way| granting(*way, &ports)).collect();
            found = self.policies(policies);
        }
        let is_new = |origin: &Origin| !other.has(self, origin);
        match found.iter().any(is_new) {
            true => found.into_iter().filter(is_new).collect(),
            false => found.into_iter().collect(),
        }
    }

    /// The flows that open such connections on one of the sides at least.
    fn flows(&self, ways: &[Direction], [from, to]: [Those<'_>; 2], ports: &PortSet) -> BTreeSet<Origin> {
        let Some(program) = self.version.program else { return BTreeSet::new() };
        let mut homes = from.namespaces();
        homes.insert(None);
        let near: Vec<&Source> = match homes.len() > 8 {
            true => self.sources.values().flatten().collect(),
            false => homes.iter().filter_map(|home| self.sources.get(home)).flatten().collect(),
        };
        let mut targets: BTreeMap<_, bool> = BTreeMap::new();
        let mut found = BTreeSet::new();
        for (peers, flows) in near {
            if !peers.iter().any(|peers| from.touch(peers)) {
                continue;
            }
            for flow in flows.iter().filter_map(|index| program.flows.flows.get(*index)) {
                let mut hits = |(target, on): &(_, PortSet)| {
                    let peers = || program.flows.party(*target).and_then(|party| party.place.as_ref());
                    let touches = || peers().is_some_and(|p| program.flows.peers(p).iter().any(|one| to.touch(one)));
                    may_be(on, ports) && *targets.entry(*target).or_insert_with(touches)
                };
                if ways.iter().any(|way| flow.opens(*way))
                    && flow.targets.iter().any(&mut hits)
                    && let Some(statement) = program.flows.statement(flow.statement)
                {
                    found.insert(self.statement(&statement.text, Some(statement.span)));
                }
            }
        }
        found
    }

    /// The settings that open such connections to DNS servers.
    fn dns(&self, from: Those<'_>, to: Those<'_>, ports: &PortSet) -> Vec<Origin> {
        let Some(program) = self.version.program else { return Vec::new() };
        let homes = from.namespaces();
        let mut found = Vec::new();
        for (index, namespace) in program.flows.namespaces.iter().enumerate() {
            let is_home = homes.contains(&Some(namespace.name.clone()));
            if !is_home && !from.touch_pods(&namespace.name, &Selector::everything()) {
                continue;
            }
            let serves = |place: &Place| program.flows.peers(place).iter().any(|peers| to.touch(peers));
            let answers = |server: &DnsServer| {
                serves(&server.place) || server.pods.as_ref().is_some_and(|pods| serves(&pods.place))
            };
            let asks = namespace.dns.iter().any(|server| server.ports.overlaps(ports) && answers(server));
            if let Some(ask::Origin::Dns { namespace, text, span }) = program.dns(index).filter(|_| asks) {
                let default = if span.is_none() { ", by default" } else { "" };
                found.push(self.statement(&format!("{text} (all of namespace {namespace}{default})"), span));
            }
        }
        found
    }

    /// What isolates pods in some directions.
    pub fn of_isolation(&self, directions: &[Direction], those: Those<'_>) -> Vec<Origin> {
        let mut found = BTreeSet::new();
        for home in those.namespaces().into_iter().flatten() {
            match self.version.program {
                Some(program) => {
                    let mut touches = |labels: &Selector| those.touch_pods(&home, labels);
                    for setting in directions.iter().flat_map(|way| program.isolating(&home, *way, &mut touches)) {
                        let default = || format!("namespace {} (isolates everything, by default)", setting.namespace);
                        let text = setting.text.as_ref().map_or_else(default, ToString::to_string);
                        found.insert(self.statement(&text, Some(setting.span)));
                    }
                }
                None => {
                    let near = self.policies.get(&home).into_iter().flatten().copied();
                    let isolates = |index: &usize| {
                        self.version.policies.get(*index).is_some_and(|policy| {
                            let is_so = |way: &Direction| rules(policy, *way).is_some();
                            directions.iter().any(is_so) && those.touch_pods(&home, &policy.subject)
                        })
                    };
                    found.extend(self.policies(near.filter(isolates).collect()));
                }
            }
        }
        found.into_iter().collect()
    }

    /// What this version has instead of the isolation that the `other` one has.
    pub fn instead_of_isolation(&self, other: &[Origin], those: Those<'_>) -> Instead {
        let mut found = BTreeSet::new();
        for home in those.namespaces().into_iter().flatten() {
            match self.version.program {
                Some(program) => match program.isolation(&home) {
                    None => return Instead::NotManaged(home.to_string()),
                    Some(settings) => found.extend(
                        settings
                            .into_iter()
                            .filter_map(|setting| Some(self.statement(&setting.text?, Some(setting.span)))),
                    ),
                },
                None => {
                    let near = self.policies.get(&home).into_iter().flatten().copied();
                    let here = self.policies(near.collect());
                    found.extend(here.into_iter().filter(|one| other.iter().any(|theirs| theirs.text == one.text)));
                }
            }
        }
        if found.is_empty() { Instead::Nothing } else { Instead::These(found.into_iter().collect()) }
    }

    /// The policies that let some ends of sets through on one side, by their place.
    pub fn granting_sets(
        &self,
        direction: Direction,
        [sources, destinations]: [Those<'_>; 2],
        ports: &PortSet,
    ) -> BTreeSet<usize> {
        let (subjects, peers) = match direction {
            Direction::Egress => (sources, destinations),
            Direction::Ingress => (destinations, sources),
        };
        let homes = subjects.namespaces();
        let near = homes.iter().flatten().filter_map(|home| self.policies.get(home)).flatten().copied();
        let grants = |index: &usize| {
            let Some(policy) = self.version.policies.get(*index) else { return false };
            let lets = |rule: &Rule| {
                let theirs = rule_peers(&namespace_by_name(&policy.namespace), rule);
                may_be(&rule_ports(rule), ports) && theirs.iter().any(|one| peers.touch(one))
            };
            rules(policy, direction).is_some_and(|rules| rules.iter().any(lets))
                && subjects.touch_pods(&policy.namespace, &policy.subject)
        };
        near.filter(grants).collect()
    }

    fn policies(&self, policies: BTreeSet<usize>) -> BTreeSet<Origin> {
        let mut origins = BTreeSet::new();
        for index in policies {
            let Some(policy) = self.version.policies.get(index) else { continue };
            if self.version.program.is_none() {
                let span = self.version.policy_spans.get(index).copied().flatten();
                let text = format!("{}/{}", policy.namespace, policy.name);
                origins.insert(Origin { span, text, is_policy: true });
                continue;
            }
            let statement = |text: &Excerpt| self.statement(text, self.statements.get(&**text).copied());
            origins.extend(policy.statements.iter().map(statement));
        }
        origins
    }

    /// Whether this version has the same as an origin of another one.
    fn has(&self, other: &Origins<'_>, origin: &Origin) -> bool {
        if !origin.is_policy {
            return self.statements.contains_key(origin.text.as_str());
        }
        match (self.policy(&origin.text), other.policy(&origin.text)) {
            (Some(mine), Some(theirs)) => {
                (&mine.subject, &mine.ingress, &mine.egress) == (&theirs.subject, &theirs.ingress, &theirs.egress)
            }
            _ => false,
        }
    }

    /// The policy of a namespace and a name.
    fn policy(&self, text: &str) -> Option<&Policy> {
        let (namespace, name) = text.split_once('/')?;
        let near = self.policies.get(&Arc::from(namespace)).into_iter().flatten();
        near.filter_map(|index| self.version.policies.get(*index)).find(|policy| *policy.name == *name)
    }

    fn statement(&self, text: &str, span: Option<Span>) -> Origin {
        Origin { span, text: text.to_owned(), is_policy: false }
    }
}

/// The rules of a policy in a direction, if it isolates in that.
fn rules(policy: &Policy, direction: Direction) -> Option<&Vec<Rule>> {
    match direction {
        Direction::Ingress => policy.ingress.as_ref(),
        Direction::Egress => policy.egress.as_ref(),
    }
}

/// Whether some of the ports may be the others: as they are, or as what a name stands for.
fn may_be(one: &PortSet, other: &PortSet) -> bool {
    one.overlaps(other) || !of_unknown_number(one, other).is_empty()
}
