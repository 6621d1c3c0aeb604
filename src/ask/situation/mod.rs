//! What questions are about: the ends of a world, under the names that people know them by.

mod asked;
mod declared;
mod name;
mod pods;

pub use asked::{Asked, AskedPod};
pub(super) use declared::DeclaredNames;
pub use name::{GroupName, INTERNET, NamedWorkload, selector_text};
pub use pods::KnownLabels;

use crate::cluster::{Cluster, Labels, NodeAt};
use crate::engine::{End, EndId, ExamplePod, Namespace, Scope, Told, World};
use crate::flow::FlowSet;
use crate::net::{AddressSet, Facts, NAMESPACE_NAME, Peers, Truth};
use crate::netpol::{ClusterPolicy, Policy};
use declared::marks_of;
use std::collections::{BTreeMap, BTreeSet};

/// A world with names.
#[derive(Debug, Default)]
pub struct Situation {
    /// The world.
    pub world: World,
    /// What reports list: every end is in one at least. Sorted by name.
    pub groups: Vec<Group>,
    /// Other names that can be asked for: unions of the groups, and what was asked.
    unions: BTreeMap<String, Vec<EndId>>,
    /// Those of them that are names of workloads, with their groups.
    workloads: BTreeMap<String, Vec<usize>>,
    /// The groups of each end, by their places.
    groups_of: Vec<Vec<usize>>,
}

/// Ends that have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name.
    pub name: GroupName,
    /// The ends, sorted.
    pub ends: Vec<EndId>,
}

/// A name that nothing has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// Those that have the name, when it is not one alone.
    pub candidates: Vec<String>,
}

/// The policies that a situation is to be asked about.
#[derive(Debug, Clone, Copy)]
pub struct SituationPolicies<'p> {
    /// Sets of those of namespaces.
    pub policies: &'p [&'p [Policy]],
    /// Sets of those of the whole cluster.
    pub of_cluster: &'p [&'p [ClusterPolicy]],
}

impl<'p> SituationPolicies<'p> {
    /// Those of namespaces alone.
    pub fn of_namespaces(policies: &'p [&'p [Policy]]) -> Self {
        SituationPolicies { policies, of_cluster: &[] }
    }
}

impl Situation {
    /// The workloads of a cluster, where the names of programs mean those that they are about.
    pub fn of_cluster(
        programs: &[&FlowSet],
        cluster: &Cluster,
        SituationPolicies { policies, of_cluster }: SituationPolicies<'_>,
        asked: &[Asked],
        facts: &Facts,
    ) -> Situation {
        let declared = DeclaredNames::of(programs);
        let (owners, mut marks) = marks_of(&declared.names);
        marks.extend(asked_marks(asked));
        let nodes = asked_nodes(asked, cluster);
        marks.extend(nodes.iter().map(|node| Peers::Addresses(node.addresses.clone())));
        let scope = Scope { policies, of_cluster, marks: &marks, facts };
        let told: Vec<Told> = asked.iter().flat_map(Asked::each).filter_map(Asked::told).collect();
        let all_told: Vec<Told> = told.iter().cloned().chain(nodes.into_iter().map(Told::On)).collect();
        let mut world = World::telling_apart(&scope, cluster, &all_told);
        add_asked(&mut world, &scope, asked);
        let mut situation = Situation { world, ..Situation::default() };
        let mut groups: BTreeMap<GroupName, Vec<EndId>> = BTreeMap::new();
        // The kinds that the pods of each workload are of, with one of its pods for each.
        let mut kinds_of: BTreeMap<usize, BTreeMap<EndId, usize>> = BTreeMap::new();
        for id in situation.world.ids() {
            for member in situation.world.pods(id).into_iter().flat_map(|pods| &pods.members) {
                kinds_of.entry(member.workload).or_default().entry(id).or_insert(member.pods);
            }
        }
        let mut workloads: BTreeMap<String, BTreeSet<GroupName>> = BTreeMap::new();
        for (index, ends) in kinds_of {
            let Some(workload) = cluster.workloads.get(index) else { continue };
            let name = |labels| {
                let (namespace, name) = (workload.namespace.clone(), workload.name.clone());
                GroupName::Workload(namespace, name, workload.kind.clone(), labels)
            };
            let pods = |(end, pods): (&EndId, &usize)| Some((*end, &workload.pods.get(*pods)?.labels));
            let of_kind: Vec<(EndId, &Labels)> = ends.iter().filter_map(pods).collect();
            let all: Vec<&Labels> = of_kind.iter().map(|(_, labels)| *labels).collect();
            let mut parts = BTreeSet::new();
            for (end, own) in &of_kind {
                // Those that only their ports or addresses tell apart have one name.
                let part = name(Some(peculiar(own, &all)).filter(|labels| !labels.is_empty()));
                groups.entry(part.clone()).or_default().push(*end);
                parts.insert(part);
            }
            for text in [name(None).to_string(), format!("{}/{}", workload.namespace, workload.name)] {
                situation.unions.entry(text.clone()).or_default().extend(ends.keys());
                workloads.entry(text).or_default().extend(parts.iter().cloned());
            }
        }
        let mut members: BTreeMap<&GroupName, Vec<EndId>> = BTreeMap::new();
        for (id, end) in situation.world.ids().zip(&situation.world.ends) {
            let names: BTreeSet<&GroupName> =
                end.marks().iter().filter_map(|mark| owners.get(*mark).copied()).collect();
            for name in names {
                match end {
                    End::Pods(pods) if pods.asked => {}
                    End::Pods(_) => members.entry(name).or_default().push(id),
                    End::Addresses { .. } => groups.entry(name.clone()).or_default().push(id),
                }
            }
        }
        for (name, peers) in &declared.wholes {
            let ends = situation.among(peers);
            situation.unions.entry(name.clone()).or_default().extend(ends);
        }
        for name in declared.names.keys().filter(|name| name.is_pods()) {
            situation.unions.entry(name.to_string()).or_default();
        }
        for (name, ends) in members {
            situation.unions.entry(name.to_string()).or_default().extend(ends);
        }
        situation.finish(groups, asked);
        for one in asked.iter().flat_map(Asked::each).filter(|one| one.name().is_none()) {
            if let Some(place) = one.told().and_then(|own| told.iter().position(|told| *told == own)) {
                situation.unions.insert(one.to_string(), situation.world.of_told(place));
            }
        }
        for text in declared.wholes.keys().cloned().chain(declared.names.keys().map(ToString::to_string)) {
            workloads.remove(&text);
        }
        let places: BTreeMap<&GroupName, usize> =
            situation.groups.iter().zip(0..).map(|(group, place)| (&group.name, place)).collect();
        let of_groups =
            |names: BTreeSet<GroupName>| names.iter().filter_map(|name| places.get(name).copied()).collect();
        situation.workloads = workloads.into_iter().map(|(text, names)| (text, of_groups(names))).collect();
        situation
    }

    /// Some pods that could exist, in the order that they are given, and all addresses.
    pub(super) fn of_examples(
        declared: &DeclaredNames,
        policies: &[&[Policy]],
        asked: &[Asked],
        examples: &[ExamplePod],
        facts: &Facts,
    ) -> (Situation, Vec<EndId>) {
        let (_, mut marks) = marks_of(&declared.names);
        marks.extend(asked_marks(asked));
        let scope = Scope { policies, of_cluster: &[], marks: &marks, facts };
        let (world, ends) = World::examples(&scope, examples);
        (Situation::named(world, declared, asked), ends)
    }

    /// A world of pods that could exist, by names whose places are its first marks.
    fn named(world: World, declared: &DeclaredNames, asked: &[Asked]) -> Situation {
        let names = &declared.names;
        let (owners, _) = marks_of(names);
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
                    let home = namespace.and_then(|namespace| namespace.name.clone());
                    let is_dns = |one: &Asked| matches!(one, Asked::DnsServers(_)) && situation.is_asked(id, one);
                    let name = match home {
                        home if has_names => GroupName::Rest(home),
                        Some(home) if asked.iter().any(is_dns) => GroupName::Dns(home),
                        _ => nameless(namespace, &pods.labels),
                    };
                    groups.entry(name).or_default().push(id);
                }
                End::Pods(_) | End::Addresses { .. } => {
                    // What only others call so, by labels of its namespace, has no name at home.
                    let home = situation.world.namespace_of(id).and_then(|namespace| namespace.name.clone());
                    let home = home.filter(|home| declared.has_namespace(home));
                    if home.is_some() && !named.iter().any(|name| name.namespace() == home.as_ref()) {
                        groups.entry(GroupName::Rest(home)).or_default().push(id);
                    }
                    named.into_iter().for_each(|name| groups.entry(name.clone()).or_default().push(id));
                }
            }
        }
        situation.finish(groups, asked);
        situation
    }

    /// The end that a single address, name or entity is.
    pub(super) fn holding(&self, one: &AddressSet) -> Option<EndId> {
        let holds = |id: &EndId| match self.world.end(*id) {
            Some(End::Addresses { addresses, .. }) => addresses.contains(one),
            _ => false,
        };
        self.world.ids().find(holds)
    }

    /// Files the groups, and the names that stand for several of them.
    fn finish(&mut self, mut groups: BTreeMap<GroupName, Vec<EndId>>, asked: &[Asked]) {
        let filed: BTreeSet<EndId> = groups.values().flatten().copied().collect();
        let (mut cluster, mut anywhere) = (Vec::new(), Vec::new());
        for (id, end) in self.world.ids().zip(&self.world.ends) {
            match end {
                End::Pods(pods) if pods.asked => continue,
                End::Pods(pods) => {
                    cluster.push(id);
                    let namespace = self.world.namespace(pods.namespace);
                    if let Some(name) = namespace.and_then(|namespace| namespace.name.as_ref()) {
                        self.unions.entry(format!("{name}/*")).or_default().push(id);
                    }
                }
                End::Addresses { .. } if filed.contains(&id) => {}
                End::Addresses { addresses, .. } => {
                    let is_rest = self.world.other_addresses == Some(id) && !addresses.has_all();
                    let name =
                        if is_rest { GroupName::OtherAddresses } else { GroupName::Addresses(addresses.clone()) };
                    groups.insert(name, vec![id]);
                }
            }
            anywhere.push(id);
        }
        self.unions.insert("cluster".to_owned(), cluster);
        self.unions.insert("anywhere".to_owned(), anywhere);
        for one in asked.iter().flat_map(Asked::each).filter(|one| one.name().is_none()) {
            let ends = self.world.ids().filter(|id| self.is_asked(*id, one)).collect();
            self.unions.insert(one.to_string(), ends);
        }
        self.groups = groups.into_iter().map(|(name, ends)| Group { name, ends }).collect();
        // Pods before addresses, by namespace; those that nothing names last.
        self.groups.sort_by_cached_key(|group| {
            let namespace = group.name.namespace().cloned();
            (!group.name.is_pods(), namespace.is_none(), namespace, group.name.clone())
        });
        self.groups_of = vec![Vec::new(); self.world.ends.len()];
        for (place, group) in self.groups.iter().enumerate() {
            for end in &group.ends {
                if let Some(groups) = self.groups_of.get_mut(end.index()) {
                    groups.push(place);
                }
            }
        }
    }

    fn is_asked(&self, id: EndId, asked: &Asked) -> bool {
        match (asked, self.world.end(id)) {
            (Asked::Addresses(all), Some(End::Addresses { addresses, .. })) => all.contains(addresses),
            (Asked::Pod { namespace, beside, labels }, Some(End::Pods(pods))) => {
                let Some(home) = self.world.namespace(pods.namespace) else { return false };
                let is_so = beside.iter().all(|(key, value)| home.labels.get(key) == Some(value));
                pods.asked && pods.labels == *labels && home.name.as_ref() == Some(namespace) && is_so
            }
            (Asked::DnsServers(all) | Asked::Behind { pods: all, .. }, Some(end)) => {
                all.iter().any(|peers| self.is_among(end, peers))
            }
            _ => false,
        }
    }

    /// The ends, but for pods that were asked for, that are among one of some peers that the world tells apart.
    fn among(&self, peers: &[Peers]) -> Vec<EndId> {
        let is_meant = |id: &EndId| match self.world.end(*id) {
            Some(End::Pods(pods)) if pods.asked => false,
            Some(end) => peers.iter().any(|one| self.is_among(end, one)),
            None => false,
        };
        self.world.ids().filter(is_meant).collect()
    }

    /// Whether an end is among peers that the world tells apart.
    fn is_among(&self, end: &End, peers: &Peers) -> bool {
        match (peers, end) {
            (Peers::Any, _) => true,
            (Peers::Addresses(all), End::Addresses { addresses, .. }) => all.contains(addresses),
            (Peers::Pods { namespaces, pods }, End::Pods(kind)) => {
                let home = self.world.namespace(kind.namespace);
                home.is_some_and(|home| home.matches(namespaces) == Truth::Yes) && pods.matches(&kind.labels)
            }
            _ => false,
        }
    }

    /// The ends that are asked for, which was given when this was made; none where nothing that runs has the name. Short
    /// names are enough where they are clear.
    pub fn find(&self, asked: &Asked) -> Result<Vec<EndId>, NotFound> {
        if let Asked::Several(all) = asked {
            let all = all.iter().map(|one| self.find(one)).collect::<Result<Vec<_>, _>>()?;
            let all: BTreeSet<EndId> = all.into_iter().flatten().collect();
            return Ok(all.into_iter().collect());
        }
        let text = asked.to_string();
        let mut exact: BTreeSet<EndId> = self.unions.get(&text).into_iter().flatten().copied().collect();
        // A kind of pods can have an example like a pod that is asked for, and be more.
        let by_name = asked.name().is_some();
        let named = self.groups.iter().filter(|group| by_name && group.name.to_string() == text);
        exact.extend(named.flat_map(|group| &group.ends).copied());
        if !exact.is_empty() || self.unions.contains_key(&text) {
            return Ok(exact.into_iter().collect());
        }
        let ends_so = |full: &str| {
            let short = full.rsplit_once('/').map_or(full, |(_, short)| short);
            short == text || short.split_once('[').is_some_and(|(name, _)| name == text)
        };
        // Some of the pods of a workload are not meant by its name.
        let is_whole = |group: &&Group| group.name.workload().is_none_or(|workload| workload.some.is_none());
        let groups = self.groups.iter().filter(is_whole).map(|group| (group.name.to_string(), &group.ends));
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

    /// The names that stand for several groups, and what was asked for, sorted, each with its ends, sorted.
    pub fn unions(&self) -> impl Iterator<Item = (&str, &[EndId])> {
        self.unions.iter().map(|(name, ends)| (name.as_str(), ends.as_slice()))
    }

    /// The places of the groups that the name of a workload stands for: of ends that it shares with other workloads, which
    /// no policy tells apart, only its own. `None` for all other names.
    pub fn groups_of_workload(&self, name: &str) -> Option<&[usize]> {
        self.workloads.get(name).map(Vec::as_slice)
    }

    /// What an end is called: the groups that it is in, those of its own namespace before others that it is in by labels.
    pub fn names_of(&self, end: EndId) -> Vec<&GroupName> {
        let groups = self.groups_of(end).iter().filter_map(|place| self.groups.get(*place));
        let mut names: Vec<&GroupName> = groups.map(|group| &group.name).collect();
        if let Some(home) = self.world.namespace_of(end).and_then(|namespace| namespace.name.as_ref()) {
            names.sort_by_key(|name| name.namespace() != Some(home));
        }
        names
    }

    /// Whether an end is among those of a name that is no group's, such as a tier's where workloads were given.
    pub fn is_called(&self, end: EndId, name: &str) -> bool {
        self.unions.get(name).is_some_and(|ends| ends.contains(&end))
    }

    /// The places of the groups that an end is in; none for a pod that was asked for.
    pub fn groups_of(&self, end: EndId) -> &[usize] {
        self.groups_of.get(end.index()).map(Vec::as_slice).unwrap_or_default()
    }
}

fn add_asked(world: &mut World, scope: &Scope<'_>, asked: &[Asked]) {
    let pods: BTreeSet<AskedPod<'_>> = asked.iter().flat_map(Asked::each).filter_map(Asked::pod).collect();
    for pod in pods {
        world.add_pod(scope, pod.namespace, pod.beside, pod.labels.clone());
    }
}

/// The marks that ends have to be told apart by.
fn asked_marks(asked: &[Asked]) -> Vec<Peers> {
    asked.iter().flat_map(Asked::each).flat_map(Asked::peers).collect()
}

/// The nodes among the addresses that are asked about, with those of their addresses.
fn asked_nodes(asked: &[Asked], cluster: &Cluster) -> Vec<NodeAt> {
    /// Of more nodes none is told apart.
    const MOST: usize = 512;
    let addresses = asked.iter().flat_map(Asked::each).filter_map(Asked::addresses);
    let addresses = addresses.filter(|addresses| !addresses.has_all());
    let all = addresses.fold(AddressSet::empty(), |all, one| all.union(one));
    if all.is_empty() {
        return Vec::new();
    }
    let nodes = cluster.nodes_at().into_iter().filter_map(|node| {
        let addresses = node.addresses.intersect(&all);
        (!addresses.is_empty()).then_some(NodeAt { addresses, ..node })
    });
    let nodes: Vec<NodeAt> = nodes.take(MOST + 1).collect();
    if nodes.len() > MOST { Vec::new() } else { nodes }
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
