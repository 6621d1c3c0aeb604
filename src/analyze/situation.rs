//! What questions are about: the ends of a world, under the names that people know them by.

use super::world::{End, EndId, Namespace, Scope, TooMany, World};
use crate::cluster::{Cluster, Kind, Labels};
use crate::flow::{DnsServer, FlowSet, NAMESPACE_NAME, PartyId, PartyName, Place};
use crate::net::{AddressSet, Peers};
use crate::policy::Policy;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// A world with names.
#[derive(Debug, Default)]
pub struct Situation {
    /// The world.
    pub world: World,
    /// What reports list: every end is in one at least. Sorted by name.
    pub groups: Vec<Group>,
    /// Other names that can be asked for: unions of the groups, and what was asked.
    unions: BTreeMap<String, Vec<EndId>>,
}

/// Ends that have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: GroupName,
    /// The ends, sorted.
    pub ends: Vec<EndId>,
}

/// What ends are called. Pods come before addresses, and sort by namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupName {
    /// A declared tier.
    Tier(Arc<str>, Arc<str>),
    /// A workload of a namespace. Only when its pods are not all alike, the labels that tell these from the others.
    Workload(Arc<str>, Arc<str>, Kind, Option<Labels>),
    /// Pods of a kind: the namespace or `None` for those that nothing names, what labels the namespace has beside its
    /// name, and an example of the pods' own.
    Pods(Option<Arc<str>>, Labels, Labels),
    /// The DNS servers in a namespace that no tier names.
    Dns(Arc<str>),
    /// All pods of a namespace that have no name of their own; `None`: of all namespaces without one.
    Rest(Option<Arc<str>>),
    /// A declared address list, perhaps of a namespace.
    Cidr(Option<Arc<str>>, Arc<str>),
    /// A built-in endpoint.
    BuiltIn(&'static str),
    /// Addresses without a name.
    Addresses(AddressSet),
}

impl GroupName {
    /// The namespace of pods.
    pub fn namespace(&self) -> Option<&Arc<str>> {
        match self {
            GroupName::Tier(namespace, _) | GroupName::Workload(namespace, ..) | GroupName::Dns(namespace) => {
                Some(namespace)
            }
            GroupName::Pods(namespace, ..) | GroupName::Rest(namespace) => namespace.as_ref(),
            GroupName::Cidr(..) | GroupName::BuiltIn(_) | GroupName::Addresses(_) => None,
        }
    }

    /// Whether it is pods.
    pub fn is_pods(&self) -> bool {
        !matches!(self, GroupName::Cidr(..) | GroupName::BuiltIn(_) | GroupName::Addresses(_))
    }

    /// The name without the namespace.
    pub fn short(&self) -> String {
        match self {
            GroupName::Tier(_, name) | GroupName::Cidr(_, name) => name.to_string(),
            GroupName::Workload(_, name, kind, None) => format!("{name}[{}]", kind.as_str()),
            GroupName::Workload(_, name, kind, Some(labels)) => format!("{name}[{}]{}", kind.as_str(), Braces(labels)),
            GroupName::Pods(_, _, labels) => Braces(labels).to_string(),
            GroupName::Dns(_) => "(DNS servers)".to_owned(),
            GroupName::Rest(_) => "(other pods)".to_owned(),
            GroupName::BuiltIn(name) => (*name).to_owned(),
            GroupName::Addresses(addresses) => ranges(addresses),
        }
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupName::Pods(namespace, beside, _) => {
                f.write_str(namespace.as_deref().unwrap_or("(other namespaces)"))?;
                if !beside.is_empty() {
                    write!(f, "{}", Braces(beside))?;
                }
                write!(f, "/{}", self.short())
            }
            GroupName::Rest(None) => f.write_str("(other namespaces)"),
            GroupName::Cidr(Some(namespace), name) => write!(f, "{namespace}/{name}"),
            _ => match self.namespace() {
                Some(namespace) => write!(f, "{namespace}/{}", self.short()),
                None => f.write_str(&self.short()),
            },
        }
    }
}

/// Labels as questions write them: `{app=web,tier=front}`.
struct Braces<'a>(&'a Labels);

impl fmt::Display for Braces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "{{{}}}", pairs.join(","))
    }
}

/// Addresses as blocks when they are few, and as ranges otherwise.
fn ranges(addresses: &AddressSet) -> String {
    if *addresses == AddressSet::all() {
        return "every address".to_owned();
    }
    let nets = addresses.to_nets();
    let count = addresses.v4().len() + addresses.v6().len();
    if nets.len() <= count.max(3) {
        return nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    }
    let range = |low: IpAddr, high: IpAddr| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let v4 = addresses
        .v4()
        .iter()
        .map(|&(low, high)| range(IpAddr::from(low.to_be_bytes()), IpAddr::from(high.to_be_bytes())));
    let v6 = addresses
        .v6()
        .iter()
        .map(|&(low, high)| range(IpAddr::from(low.to_be_bytes()), IpAddr::from(high.to_be_bytes())));
    v4.chain(v6).collect::<Vec<_>>().join(", ")
}

/// An end that somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// By name: `frontend`, `shop/frontend`, `shop/frontend[Deployment]`, `shop/*`, `internet`.
    Name(String),
    /// One pod with exactly these labels: `shop/{app=web,tier=front}`.
    Pod {
        /// Its namespace.
        namespace: Arc<str>,
        /// Its labels.
        labels: Labels,
    },
    /// Addresses: `10.0.0.7`, `10.0.0.0/8`.
    Addresses(AddressSet),
}

impl Asked {
    /// What a text asks for; an error says what is wrong with labels.
    pub fn parse(text: &str) -> Result<Asked, String> {
        if let Ok(net) = text.parse::<IpNet>() {
            return Ok(Asked::Addresses(AddressSet::from_net(net)));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Asked::Addresses(AddressSet::from_net(address.into())));
        }
        let Some((namespace, rest)) = text.split_once("/{") else { return Ok(Asked::Name(text.to_owned())) };
        let Some(list) = rest.strip_suffix('}') else {
            return Err(format!("the labels of `{text}` are never closed: write `{namespace}/{{app=web}}`"));
        };
        let mut labels = Labels::new();
        for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(format!("`{pair}` is not a label: write `key=value`"));
            };
            labels.insert(key.trim().to_owned(), value.trim().to_owned());
        }
        Ok(Asked::Pod { namespace: namespace.into(), labels })
    }
}

/// A name that nothing has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// Those that have the name, when it is not one alone.
    pub candidates: Vec<String>,
}

/// Names with the sets of ends that they stand for.
type Names = BTreeMap<GroupName, Vec<Peers>>;

impl Situation {
    /// Everything that could exist, by the names of programs whose policies are among `policies`. The namespaces that the
    /// programs manage have no labels but their names, as the language has it.
    pub fn of_programs(
        programs: &[&FlowSet],
        policies: &[&[Policy]],
        asked: &[Asked],
        blocks_match_pods: bool,
    ) -> Result<Situation, TooMany> {
        let mut names = Names::new();
        let mut unions: BTreeMap<String, BTreeSet<GroupName>> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for set in programs {
            known.extend(set.namespaces.iter().map(|namespace| namespace.name.clone()));
            for party in &set.parties {
                match (&party.place, group_name(&party.name, party.place.as_ref())) {
                    (Some(place), Some(name)) => _ = names.insert(name, set.peers(place)),
                    (None, _) => {
                        let union = unions.entry(party_text(&party.name)).or_default();
                        union.extend(party.leaves.iter().filter_map(|leaf| leaf_name(set, *leaf)));
                    }
                    _ => {}
                }
            }
            for server in set.namespaces.iter().flat_map(|namespace| &namespace.dns) {
                if let Some((name, peers)) = dns_name(set, server) {
                    names.entry(name).or_insert(peers);
                }
            }
        }
        let mut situation = Situation::symbolic(names, &known, policies, asked, blocks_match_pods)?;
        let members: BTreeMap<&GroupName, &Vec<EndId>> =
            situation.groups.iter().map(|group| (&group.name, &group.ends)).collect();
        let union = |(name, parts): (String, BTreeSet<GroupName>)| {
            let ends: BTreeSet<EndId> =
                parts.iter().filter_map(|part| members.get(part)).flat_map(|ends| *ends).copied().collect();
            (name, ends.into_iter().collect())
        };
        let unions: Vec<(String, Vec<EndId>)> = unions.into_iter().map(union).collect();
        situation.unions.extend(unions);
        Ok(situation)
    }

    /// Every pod that could exist, by example labels: nothing names them.
    pub fn of_policies(policies: &[&[Policy]], asked: &[Asked], blocks_match_pods: bool) -> Result<Situation, TooMany> {
        Situation::symbolic(Names::new(), &BTreeSet::new(), policies, asked, blocks_match_pods)
    }

    /// The workloads of a cluster.
    pub fn of_cluster(
        cluster: &Cluster,
        policies: &[&[Policy]],
        asked: &[Asked],
        blocks_match_pods: bool,
    ) -> Situation {
        let marks = asked_marks(asked);
        let scope = Scope { policies, marks: &marks, blocks_match_pods };
        let mut situation = Situation { world: World::concrete(&scope, cluster), ..Situation::default() };
        let mut groups: BTreeMap<GroupName, Vec<EndId>> = BTreeMap::new();
        let mut kinds_of: BTreeMap<usize, BTreeSet<EndId>> = BTreeMap::new();
        for id in situation.world.ids() {
            for member in situation.world.pods(id).into_iter().flat_map(|pods| &pods.members) {
                kinds_of.entry(member.workload).or_default().insert(id);
            }
        }
        for (index, ends) in kinds_of {
            let Some(workload) = cluster.workloads.get(index) else { continue };
            let name =
                |labels| GroupName::Workload(workload.namespace.clone(), workload.name.clone(), workload.kind, labels);
            let union = name(None).to_string();
            let of_kind = |end: &EndId| {
                let members = situation.world.pods(*end).into_iter().flat_map(|pods| &pods.members);
                let member = members.into_iter().find(|member| member.workload == index)?;
                workload.pods.get(member.pods).map(|pods| &pods.labels)
            };
            let all: Vec<&Labels> = ends.iter().filter_map(of_kind).collect();
            for end in &ends {
                let labels = (ends.len() > 1).then(|| of_kind(end).map(|own| peculiar(own, &all))).flatten();
                groups.entry(name(labels)).or_default().push(*end);
            }
            situation.unions.insert(union, ends.iter().copied().collect());
            let short = format!("{}/{}", workload.namespace, workload.name);
            situation.unions.entry(short).or_default().extend(ends);
        }
        situation.finish(groups, asked);
        situation
    }

    fn symbolic(
        names: Names,
        known: &BTreeSet<Arc<str>>,
        policies: &[&[Policy]],
        asked: &[Asked],
        blocks_match_pods: bool,
    ) -> Result<Situation, TooMany> {
        let mut marks = Vec::new();
        let mut owners = Vec::new();
        for (name, peers) in &names {
            owners.extend(peers.iter().map(|_| name));
            marks.extend(peers.iter().cloned());
        }
        marks.extend(asked_marks(asked));
        let scope = Scope { policies, marks: &marks, blocks_match_pods };
        let mut world = World::symbolic(&scope, known)?;
        for one in asked {
            if let Asked::Pod { namespace, labels } = one {
                world.add_pod(&scope, namespace, labels.clone());
            }
        }
        let mut situation = Situation { world, ..Situation::default() };
        let mut groups: BTreeMap<GroupName, Vec<EndId>> = BTreeMap::new();
        let has_names = !names.is_empty();
        for (id, end) in situation.world.ids().zip(&situation.world.ends) {
            let named: BTreeSet<&GroupName> =
                end.marks().iter().filter_map(|mark| owners.get(*mark).copied()).collect();
            match end {
                // One that was asked for is only in the answer.
                End::Pods(pods) if pods.asked => {}
                End::Pods(pods) if named.is_empty() => {
                    let namespace = situation.world.namespace(pods.namespace);
                    let name = match has_names {
                        true => GroupName::Rest(namespace.and_then(|namespace| namespace.name.clone())),
                        false => nameless(namespace, &pods.labels),
                    };
                    groups.entry(name).or_default().push(id);
                }
                End::Addresses { addresses, .. } if named.is_empty() => {
                    groups.entry(GroupName::Addresses(addresses.clone())).or_default().push(id);
                }
                _ => named.into_iter().for_each(|name| groups.entry(name.clone()).or_default().push(id)),
            }
        }
        situation.finish(groups, asked);
        Ok(situation)
    }

    /// Files the groups, and the names that stand for several of them.
    fn finish(&mut self, mut groups: BTreeMap<GroupName, Vec<EndId>>, asked: &[Asked]) {
        for (id, end) in self.world.ids().zip(&self.world.ends) {
            match end {
                End::Pods(pods) => {
                    let Some(namespace) = self.world.namespace(pods.namespace) else { continue };
                    if let Some(name) = namespace.name.as_ref().filter(|_| !pods.asked) {
                        self.unions.entry(format!("{name}/*")).or_default().push(id);
                    }
                }
                End::Addresses { addresses, .. } => {
                    let name = GroupName::Addresses(addresses.clone());
                    let filed = groups.values().any(|ends| ends.contains(&id));
                    if !filed {
                        groups.insert(name, vec![id]);
                    }
                }
            }
        }
        for one in asked {
            let ends = self.world.ids().filter(|id| self.is_asked(*id, one)).collect();
            if let Some(text) = asked_text(one) {
                self.unions.insert(text, ends);
            }
        }
        self.groups = groups.into_iter().map(|(name, ends)| Group { name, ends }).collect();
        // Pods before addresses, by namespace; those that nothing names last.
        self.groups.sort_by_cached_key(|group| {
            let namespace = group.name.namespace().cloned();
            (!group.name.is_pods(), namespace.is_none(), namespace, group.name.clone())
        });
    }

    fn is_asked(&self, id: EndId, asked: &Asked) -> bool {
        match (asked, self.world.end(id)) {
            (Asked::Addresses(all), Some(End::Addresses { addresses, .. })) => all.contains(addresses),
            (Asked::Pod { namespace, labels }, Some(End::Pods(pods))) => {
                let name = self.world.namespace(pods.namespace).and_then(|one| one.name.as_ref());
                pods.asked && pods.labels == *labels && name == Some(namespace)
            }
            _ => false,
        }
    }

    /// The ends that are asked for, which was given when this was made. Short names are enough where they are clear.
    pub fn find(&self, asked: &Asked) -> Result<Vec<EndId>, NotFound> {
        let text = match asked {
            Asked::Name(text) => text.clone(),
            _ => asked_text(asked).unwrap_or_default(),
        };
        let mut exact: BTreeSet<EndId> = self.unions.get(&text).into_iter().flatten().copied().collect();
        let named = self.groups.iter().filter(|group| group.name.to_string() == text);
        exact.extend(named.flat_map(|group| &group.ends).copied());
        if !exact.is_empty() {
            return Ok(exact.into_iter().collect());
        }
        let ends_so = |full: &str| {
            let short = full.rsplit_once('/').map_or(full, |(_, short)| short);
            short == text || short.split_once('[').is_some_and(|(name, _)| name == text)
        };
        let groups = self.groups.iter().map(|group| (group.name.to_string(), &group.ends));
        let unions = self.unions.iter().map(|(name, ends)| (name.clone(), ends));
        let mut found: BTreeMap<Vec<EndId>, String> = BTreeMap::new();
        for (name, ends) in groups.chain(unions).filter(|(name, _)| ends_so(name)) {
            let ends: BTreeSet<EndId> = ends.iter().copied().collect();
            found.entry(ends.into_iter().collect()).or_insert(name);
        }
        let candidates = found.values().cloned().collect();
        match found.len() {
            1 => found.into_keys().next().ok_or(NotFound { candidates }),
            _ => Err(NotFound { candidates }),
        }
    }

    /// Every name that can be asked for, sorted.
    pub fn names(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|group| group.name.to_string());
        let all: BTreeSet<String> = groups.chain(self.unions.keys().cloned()).collect();
        all.into_iter().collect()
    }

    /// What an end is called: the groups that it is in.
    pub fn names_of(&self, end: EndId) -> Vec<&GroupName> {
        self.groups.iter().filter(|group| group.ends.binary_search(&end).is_ok()).map(|group| &group.name).collect()
    }
}

/// The marks that addresses have to be told apart by.
fn asked_marks(asked: &[Asked]) -> Vec<Peers> {
    let addresses = asked.iter().filter_map(|one| match one {
        Asked::Addresses(addresses) => Some(Peers::Addresses(addresses.clone())),
        _ => None,
    });
    addresses.collect()
}

fn asked_text(asked: &Asked) -> Option<String> {
    match asked {
        Asked::Name(_) => None,
        Asked::Pod { namespace, labels } => Some(format!("{namespace}/{}", Braces(labels))),
        Asked::Addresses(addresses) => Some(ranges(addresses)),
    }
}

/// The labels that not all of `others` have.
fn peculiar(own: &Labels, others: &[&Labels]) -> Labels {
    let differs = |(key, value): &(&String, &String)| others.iter().any(|other| other.get(*key) != Some(*value));
    own.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn nameless(namespace: Option<&Namespace>, labels: &Labels) -> GroupName {
    let mut beside = namespace.map(|namespace| namespace.labels.clone()).unwrap_or_default();
    beside.remove(NAMESPACE_NAME);
    GroupName::Pods(namespace.and_then(|namespace| namespace.name.clone()), beside, labels.clone())
}

fn group_name(name: &PartyName, place: Option<&Place>) -> Option<GroupName> {
    match (name, place?) {
        (PartyName::Local(namespace, name), Place::Pods { .. }) => {
            Some(GroupName::Tier(namespace.clone(), name.clone()))
        }
        (PartyName::Local(namespace, name), _) => Some(GroupName::Cidr(Some(namespace.clone()), name.clone())),
        (PartyName::Global(name), _) => Some(GroupName::Cidr(None, name.clone())),
        (PartyName::BuiltIn(name), Place::Addresses(_)) => Some(GroupName::BuiltIn(name)),
        _ => None,
    }
}

fn leaf_name(set: &FlowSet, leaf: PartyId) -> Option<GroupName> {
    let party = set.party(leaf)?;
    group_name(&party.name, party.place.as_ref())
}

fn party_text(name: &PartyName) -> String {
    match name {
        PartyName::Local(namespace, name) => format!("{namespace}/{name}"),
        PartyName::Global(name) => name.to_string(),
        PartyName::AllPods(namespace) => format!("{namespace}/*"),
        PartyName::BuiltIn(name) => (*name).to_owned(),
    }
}

fn dns_name(set: &FlowSet, server: &DnsServer) -> Option<(GroupName, Vec<Peers>)> {
    let pods = server.pods.as_ref()?;
    let Place::Pods { namespaces, .. } = &pods.place else { return None };
    let named = matches!(pods.name, crate::flow::DnsName::Tier(_));
    let namespace = set.namespace_selector(namespaces);
    let [name] = namespace.required_value(NAMESPACE_NAME)? else { return None };
    (!named).then(|| (GroupName::Dns(name.clone()), set.peers(&pods.place)))
}
