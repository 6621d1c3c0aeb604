//! Who is responsible: the statement of a program, or the policy that somebody wrote.

use super::WithoutIsolation;
use super::declarations::Declarations;
use super::those::Those;
use super::ways::Ways;
use crate::ask::{self, Program, rule_peers, rule_ports};
use crate::engine::{Verdict, of_unknown_number};
use crate::flow::{DnsService, PartyId, Place};
use crate::net::{Direction, NAMESPACE_NAME, Peers, PortSet, Selector, namespace_by_name};
use crate::netpol::{Policy, Rule};
use crate::source::{Excerpt, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
pub struct DifferenceOrigin {
    /// Where it stands.
    pub span: Option<Span>,
    /// The statement, or the policy as `namespace/name`.
    pub text: String,
    /// Whether it is a policy.
    pub is_policy: bool,
}

/// Finds the policies that let something through on one side, by their place.
pub(super) type Granting<'g> = &'g dyn Fn(Direction, &PortSet) -> BTreeSet<usize>;

/// Parties, by whom they mean, with the flows from each.
type FlowSources = BTreeMap<Vec<Peers>, Vec<usize>>;

/// What is responsible, and whether that is so in the other version, too.
type Responsible = BTreeMap<DifferenceOrigin, bool>;

/// Finds origins in one version.
pub(super) struct Origins<'v> {
    version: &'v Version<'v>,
    /// The flows from each party, by the namespace that it is in; `None` for those that are in several, or are addresses.
    sources: BTreeMap<Option<Arc<str>>, FlowSources>,
    /// The policies of each namespace, by their place.
    policies: BTreeMap<&'v Arc<str>, Vec<usize>>,
    /// The statements of the program, by what they say.
    statements: BTreeMap<&'v str, Span>,
    /// What its names mean.
    declarations: Declarations,
}

impl<'v> Origins<'v> {
    pub(super) fn new(version: &'v Version<'v>) -> Self {
        let mut origins = Origins {
            version,
            sources: BTreeMap::new(),
            policies: BTreeMap::new(),
            statements: BTreeMap::new(),
            declarations: version.program.map(Declarations::of).unwrap_or_default(),
        };
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
            let sources = origins.sources.entry(home_of(&peers)).or_default();
            sources.entry(peers).or_default().extend(flows);
        }
        origins
    }

    /// What allows some ports of some connections, by the sides whose rules did it. What stands in the `other` version as
    /// well is only named where nothing else is responsible.
    pub(super) fn of_connections(
        &self,
        other: &Origins<'_>,
        by: Ways,
        [sources, destinations]: [Those<'_>; 2],
        ports: &Verdict,
        granting: Granting<'_>,
    ) -> Vec<DifferenceOrigin> {
        let ports = ports.possible();
        if ports.is_empty() {
            return Vec::new();
        }
        let ways: Vec<Direction> = if by.is_none() { Direction::ALL.to_vec() } else { by.list() };
        let mut found = self.flows(other, &ways, [sources, destinations], &ports);
        found.extend(self.dns(other, sources, destinations, &ports));
        if found.is_empty() {
            let policies: BTreeSet<usize> = ways.iter().flat_map(|way| granting(*way, &ports)).collect();
            let with_place = |origin: DifferenceOrigin| {
                let is_old = other.has(self, &origin);
                (origin, is_old)
            };
            found = self.policies(policies).into_iter().map(with_place).collect();
        }
        // Of which pods a flow is may be a matter of what is stated.
        if found.values().all(|is_old| *is_old) {
            let homes = [sources, destinations].iter().flat_map(Those::namespaces).flatten().collect::<BTreeSet<_>>();
            let relabelled = homes.iter().filter_map(|home| self.declarations.relabelled(&other.declarations, home));
            return relabelled.collect::<BTreeSet<_>>().into_iter().chain(only_new(found)).collect();
        }
        only_new(found)
    }

    /// What allows some ports of some connections, whatever is said elsewhere.
    pub(super) fn by_itself(
        &self,
        nothing: &Origins<'_>,
        [sources, destinations]: [Those<'_>; 2],
        ports: &PortSet,
        granting: Granting<'_>,
    ) -> Vec<DifferenceOrigin> {
        let mut found = self.flows(nothing, &Direction::ALL, [sources, destinations], ports);
        found.extend(self.dns(nothing, sources, destinations, ports));
        if !found.is_empty() {
            return found.into_keys().collect();
        }
        let policies = Direction::ALL.into_iter().flat_map(|way| granting(way, ports)).collect();
        self.policies(policies).into_iter().collect()
    }

    /// The flows that open such connections on one of the sides at least.
    fn flows(
        &self,
        other: &Origins<'_>,
        ways: &[Direction],
        [from, to]: [Those<'_>; 2],
        ports: &PortSet,
    ) -> Responsible {
        let Some(program) = self.version.program else { return Responsible::new() };
        let mut homes = from.namespaces();
        homes.insert(None);
        let near: Vec<(&Vec<Peers>, &Vec<usize>)> = match homes.len() > 8 {
            true => self.sources.values().flatten().collect(),
            false => homes.iter().filter_map(|home| self.sources.get(home)).flatten().collect(),
        };
        let leaves = |party| program.flows.party(party).map(|party| party.leaves.to_vec()).unwrap_or_default();
        let mut targets: BTreeMap<PartyId, Option<Vec<Peers>>> = BTreeMap::new();
        let mut found = Responsible::new();
        for (source, flows) in near.into_iter().filter(|(source, _)| source.iter().any(|peers| from.touch(peers))) {
            for flow in flows.iter().filter_map(|index| program.flows.flows.get(*index)) {
                let Some(statement) = program.flows.statement(flow.statement) else { continue };
                let ways: Vec<Direction> = ways.iter().copied().filter(|way| flow.opens(*way)).collect();
                for (party, on) in flow.targets.iter().filter(|(_, on)| !ways.is_empty() && may_be(on, ports)) {
                    let those = || Some(program.flows.peers(program.flows.party(*party)?.place.as_ref()?));
                    let met = || those().filter(|peers| peers.iter().any(|one| to.touch(one)));
                    let Some(target) = targets.entry(*party).or_insert_with(met) else { continue };
                    let is_old = other.has_flow(&ways, [source, target], &may_be_of(on, ports));
                    let origin = self.statement(&statement.text, Some(statement.span));
                    *found.entry(origin).or_insert(true) &= is_old;
                    if !is_old && other.statements.contains_key(&*statement.text) {
                        let parties = [flow.source, flow.destination, *party].into_iter().chain(leaves(flow.source));
                        let changed = parties.filter_map(|party| self.changed(other, party));
                        found.extend(changed.map(|origin| (origin, false)));
                    }
                }
            }
        }
        found
    }

    /// The declaration of a party that means something else in the other version.
    fn changed(&self, other: &Origins<'_>, party: PartyId) -> Option<DifferenceOrigin> {
        let party = self.version.program?.flows.party(party)?;
        self.declarations.changed(&other.declarations, &party.name)
    }

    /// Whether a flow opens these sides of all connections between two parties on some ports.
    fn has_flow(&self, ways: &[Direction], [source, target]: [&Vec<Peers>; 2], ports: &PortSet) -> bool {
        let Some(program) = self.version.program else { return false };
        let from = self.sources.get(&home_of(source)).and_then(|sources| sources.get(source));
        let flows = || from.into_iter().flatten().filter_map(|index| program.flows.flows.get(*index));
        let is_it = |party: PartyId| {
            let place = program.flows.party(party).and_then(|party| party.place.as_ref());
            place.is_some_and(|place| program.flows.peers(place) == *target)
        };
        ways.iter().all(|way| {
            let mut left = ports.clone();
            for flow in flows().filter(|flow| flow.opens(*way)) {
                for (_, on) in flow.targets.iter().filter(|(party, _)| is_it(*party)) {
                    left = left.subtract(on);
                }
            }
            left.is_empty()
        })
    }

    /// The settings that open such connections to DNS servers.
    fn dns(&self, other: &Origins<'_>, from: Those<'_>, to: Those<'_>, ports: &PortSet) -> Responsible {
        let Some(program) = self.version.program else { return Responsible::new() };
        let homes = from.namespaces();
        let mut found = Responsible::new();
        for (index, namespace) in program.flows.namespaces.iter().enumerate() {
            let is_home = homes.contains(&Some(namespace.name.clone()));
            if !is_home && !from.touch_pods(&namespace.name, &Selector::everything()) {
                continue;
            }
            let serves = |place: &Place| program.flows.peers(place).iter().any(|peers| to.touch(peers));
            let answers = |server: &&DnsService| {
                let pods = server.pods.as_ref().is_some_and(|pods| serves(&pods.place));
                server.ports.overlaps(ports) && (serves(&server.place) || pods)
            };
            let asked: Vec<&DnsService> = namespace.dns.iter().filter(answers).collect();
            let setting = program.dns(index).filter(|_| !asked.is_empty());
            if let Some(ask::Origin::Dns { namespace: declared, text, span }) = setting {
                let default = if span.is_none() { ", by default" } else { "" };
                let origin = self.statement(&format!("{text} (all of namespace {declared}{default})"), span);
                let asks =
                    |server: &&DnsService| other.asks(&namespace.name, &program.flows.peers(&server.place), server);
                found.insert(origin, asked.iter().all(asks));
            }
        }
        found
    }

    /// The settings of this version in place of those by which the other one lets these ask for names.
    pub(super) fn instead_of_dns(
        &self,
        other: &Origins<'_>,
        [from, to]: [Those<'_>; 2],
        ports: &Verdict,
    ) -> Vec<DifferenceOrigin> {
        let Some(program) = self.version.program else { return Vec::new() };
        let asked = other.dns(self, from, to, &ports.possible());
        if asked.is_empty() {
            return Vec::new();
        }
        let homes = from.namespaces();
        let mut found = BTreeSet::new();
        for (index, namespace) in program.flows.namespaces.iter().enumerate() {
            let is_home = homes.contains(&Some(namespace.name.clone()));
            if let Some(ask::Origin::Dns { namespace: declared, text, span: span @ Some(_) }) =
                program.dns(index).filter(|_| is_home)
            {
                found.insert(self.statement(&format!("{text} (all of namespace {declared})"), span));
            }
        }
        let is_other = |origin: &DifferenceOrigin| asked.keys().all(|own| own.text != origin.text);
        found.into_iter().filter(is_other).collect()
    }

    /// Whether the pods of a namespace may ask such a DNS server, which is at these peers.
    fn asks(&self, namespace: &str, at: &[Peers], server: &DnsService) -> bool {
        let Some(program) = self.version.program else { return false };
        let all = program.flows.namespaces.iter().filter(|one| *one.name == *namespace).flat_map(|one| &one.dns);
        let is_it = |one: &DnsService| one.ports.contains(&server.ports) && program.flows.peers(&one.place) == at;
        all.into_iter().any(is_it)
    }

    /// What isolates pods in some directions.
    pub(super) fn of_isolation(
        &self,
        other: &Origins<'_>,
        directions: &[Direction],
        those: Those<'_>,
    ) -> Vec<DifferenceOrigin> {
        let isolating = |version: &Origins<'_>| version.isolating(directions, those);
        let old = isolating(other);
        let with_age = |origin: DifferenceOrigin| {
            let is_old = old.iter().any(|one| one.text == origin.text);
            let is_old = is_old && (!origin.is_policy || other.has(self, &origin));
            (origin, is_old)
        };
        let mut found: BTreeSet<DifferenceOrigin> =
            only_new(isolating(self).into_iter().map(with_age).collect()).into_iter().collect();
        found.extend(self.reselected(other, &found, those));
        found.into_iter().collect()
    }

    /// The tiers whose labels are others, where what isolates them is written as before.
    fn reselected(
        &self,
        other: &Origins<'_>,
        isolating: &BTreeSet<DifferenceOrigin>,
        those: Those<'_>,
    ) -> Vec<DifferenceOrigin> {
        let (Some(mine), Some(theirs)) = (self.version.program, other.version.program) else { return Vec::new() };
        let mut found = Vec::new();
        for home in those.namespaces().into_iter().flatten() {
            let settings = theirs.isolation(&home).unwrap_or_default();
            let is_named = |text: &Arc<str>| isolating.iter().any(|origin| *origin.text == **text);
            if !settings.iter().filter_map(|setting| setting.text.as_ref()).any(is_named) {
                continue;
            }
            let mut touched = Vec::new();
            for way in Direction::ALL {
                mine.isolating(&home, way, &mut |labels| {
                    touched.extend(those.touch_pods(&home, labels).then(|| labels.clone()));
                    false
                });
            }
            found.extend(self.declarations.reselected(&other.declarations, &home, &touched));
        }
        found
    }

    fn isolating(&self, directions: &[Direction], those: Those<'_>) -> BTreeSet<DifferenceOrigin> {
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
        found
    }

    /// What this version has instead of the isolation that the `other` one has.
    pub(super) fn instead_of_isolation(&self, other: &[DifferenceOrigin], those: Those<'_>) -> WithoutIsolation {
        let mut found = BTreeSet::new();
        for home in those.namespaces().into_iter().flatten() {
            match self.version.program {
                Some(program) => match program.isolation(&home) {
                    None => return WithoutIsolation::NotManaged(home.to_string()),
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
        if found.is_empty() { WithoutIsolation::Nothing } else { WithoutIsolation::These(found.into_iter().collect()) }
    }

    /// The policies that let some ends of sets through on one side, by their place.
    pub(super) fn granting_sets(
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

    pub(super) fn policies(&self, policies: BTreeSet<usize>) -> BTreeSet<DifferenceOrigin> {
        let mut origins = BTreeSet::new();
        for index in policies {
            let Some(policy) = self.version.policies.get(index) else { continue };
            if self.version.program.is_none() {
                let span = self.version.policy_spans.get(index).copied().flatten();
                let text = format!("{}/{}", policy.namespace, policy.title());
                origins.insert(DifferenceOrigin { span, text, is_policy: true });
                continue;
            }
            let statement = |text: &Excerpt| self.statement(text, self.statements.get(&**text).copied());
            origins.extend(policy.statements.iter().map(statement));
        }
        origins
    }

    /// Whether this version has the same as an origin of another one.
    fn has(&self, other: &Origins<'_>, origin: &DifferenceOrigin) -> bool {
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
        let (namespace, title) = text.split_once('/')?;
        let near = self.policies.get(&Arc::from(namespace)).into_iter().flatten();
        near.filter_map(|index| self.version.policies.get(*index)).find(|policy| policy.title() == title)
    }

    fn statement(&self, text: &str, span: Option<Span>) -> DifferenceOrigin {
        DifferenceOrigin { span, text: text.to_owned(), is_policy: false }
    }
}

/// The rules of a policy in a direction, if it isolates in that.
fn rules(policy: &Policy, direction: Direction) -> Option<&Vec<Rule>> {
    match direction {
        Direction::Ingress => policy.ingress.as_ref(),
        Direction::Egress => policy.egress.as_ref(),
    }
}

/// What is responsible and new; all of it, where nothing is new.
fn only_new(found: Responsible) -> Vec<DifferenceOrigin> {
    let some_new = found.values().any(|is_old| !is_old);
    found.into_iter().filter(|(_, is_old)| !some_new || !is_old).map(|(origin, _)| origin).collect()
}

/// The namespace that a party is in; `None` for one that is in several, or is addresses.
fn home_of(party: &[Peers]) -> Option<Arc<str>> {
    let [Peers::Pods { namespaces, .. }] = party else { return None };
    match namespaces.required_value(NAMESPACE_NAME) {
        Some([one]) => Some(one.clone()),
        _ => None,
    }
}

/// Of some ports those that may be the others; all, where it depends on names.
fn may_be_of(one: &PortSet, other: &PortSet) -> PortSet {
    if of_unknown_number(one, other).is_empty() { one.intersect(other) } else { one.clone() }
}

/// Whether some of the ports may be the others: as they are, or as what a name stands for.
fn may_be(one: &PortSet, other: &PortSet) -> bool {
    one.overlaps(other) || !of_unknown_number(one, other).is_empty()
}
