//! Every pod that could exist, under the names that people know: what questions are about where no workloads are given.

mod names;
mod samples;

pub use samples::{Meant, Samples};

use super::situation::{Asked, DeclaredNames, GroupName, NotFound, Situation};
use super::space::{Ends, Example, OtherLabels, Space, SpaceGrants, SpaceHome};
use crate::cluster::{Labels, Namespace};
use crate::cover::{Budget, GaveUp};
use crate::draft::equal;
use crate::engine::{EndId, ExamplePod, absent_labels};
use crate::flow::FlowSet;
use crate::net::{AddressSet, Facts, NAMESPACE_NAME, Peers, Selector, Values, namespace_by_name};
use crate::netpol::{Peer, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many comparisons of regions one question may take: some seconds.
const MOST_STEPS: usize = 20_000_000;

impl Budget {
    /// What one question may take.
    pub fn of_question() -> Self {
        Budget::new(MOST_STEPS)
    }
}

/// Ends by labels and addresses, less some.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Set {
    /// All of these,
    pub peers: Vec<Peers>,
    /// and none of those.
    pub less: Vec<Peers>,
}

impl Set {
    fn of(peers: Vec<Peers>) -> Set {
        Set { peers, less: Vec::new() }
    }

    /// The pods of some labels.
    pub fn pods(namespaces: Selector, pods: Selector) -> Set {
        Set::of(vec![Peers::Pods { namespaces, pods }])
    }

    /// Addresses.
    pub fn addresses(addresses: AddressSet) -> Set {
        Set::of(vec![Peers::Addresses(addresses)])
    }

    /// Every pod and every address.
    pub fn everybody() -> Set {
        Set::of(vec![Peers::Any])
    }

    /// The set as peers, where it is no more and no less than some.
    pub fn as_peers(&self) -> Option<Peers> {
        let addresses = |peers: &Peers| match peers {
            Peers::Addresses(all) => Some(all.clone()),
            Peers::Any | Peers::Pods { .. } => None,
        };
        match self.peers.as_slice() {
            _ if !self.less.is_empty() => None,
            [one] => Some(one.clone()),
            several => {
                let all: Option<Vec<AddressSet>> = several.iter().map(addresses).collect();
                let all = all?.iter().fold(AddressSet::empty(), |all, one| all.union(one));
                Some(Peers::Addresses(all))
            }
        }
    }

    /// The ends in a space, those that are nobody among them. Nobody means a namespace by labels that it only might have.
    pub fn ends(&self, space: &Space) -> Vec<Ends> {
        self.reduced(space, self.peers.iter().flat_map(|peers| space.ends(peers)))
    }

    /// Those of them that are where some ends are: in their namespace, or addresses.
    pub fn at(&self, space: &Space, ends: &Ends) -> Vec<Ends> {
        self.reduced(space, self.peers.iter().filter_map(|peers| space.beside(peers, ends)))
    }

    /// Those of some ends that are there for sure, less those that are left out.
    fn reduced(&self, space: &Space, ends: impl Iterator<Item = Ends>) -> Vec<Ends> {
        let mut ends: Vec<Ends> = ends.filter(|end| space.is_sure(end)).collect();
        for end in &mut ends {
            let less = self.less.iter().filter_map(|peers| space.beside(peers, end));
            for out in less.filter(|out| space.is_sure(out)).collect::<Vec<_>>() {
                *end = space.minus(end, &out);
            }
        }
        ends
    }
}

impl Set {
    /// Ends that are of the set only if their namespace has labels that nobody stated.
    pub fn perhaps(&self, space: &Space) -> Vec<Ends> {
        let ends = self.peers.iter().flat_map(|peers| space.ends(peers));
        let less = |end: Ends| {
            let out = self.less.iter().filter_map(|peers| space.beside(peers, &end));
            out.fold(end.clone(), |end, out| space.minus(&end, &out))
        };
        ends.filter(|end| !space.is_sure(end)).map(less).collect()
    }

    /// Those of the set that are where some ends are: in their namespace, or addresses. Nothing is taken away from them.
    pub fn beside(&self, space: &Space, ends: &Ends) -> Vec<Ends> {
        let beside = self.peers.iter().filter_map(|peers| space.beside(peers, ends));
        beside.filter(|end| space.is_sure(end)).collect()
    }
}

/// Ends that have a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEnds {
    /// The name.
    pub name: GroupName,
    /// Who they are.
    pub set: Set,
}

/// Every pod that could exist, and every address.
#[derive(Debug)]
pub struct Everyone<'p> {
    /// The sets that they make.
    pub space: Space,
    /// What reports list: everybody is in one at least. Sorted by name.
    pub groups: Vec<NamedEnds>,
    /// Other names that can be asked for.
    unions: BTreeMap<String, Set>,
    declared: DeclaredNames,
    policies: Vec<&'p [Policy]>,
    /// The label keys of pods that something asks for.
    keys: BTreeSet<Arc<str>>,
    facts: Facts,
    /// Whether a program names them.
    has_program: bool,
}

impl<'p> Everyone<'p> {
    /// Everybody, by the names of programs whose policies are among `policies`; without a program, by what the policies
    /// themselves select.
    ///
    /// Of the `given` namespaces that decides which labels they have. Nobody said those of other namespaces that programs
    /// know by name, nor of the namespace of another single pod that is asked about.
    pub fn new(
        programs: &[&FlowSet],
        policies: &[&'p [Policy]],
        given: &[Namespace],
        asked: &[Asked],
        facts: &Facts,
    ) -> Everyone<'p> {
        let declared = DeclaredNames::of(programs);
        let homes = homes(&declared, !programs.is_empty(), given, asked);
        let space = Space::new(homes, policies.iter().copied().flatten(), facts.clone());
        let mut everyone = Everyone {
            space,
            groups: Vec::new(),
            unions: BTreeMap::new(),
            keys: BTreeSet::new(),
            policies: policies.to_vec(),
            declared,
            facts: facts.clone(),
            has_program: !programs.is_empty(),
        };
        everyone.give_names(asked);
        everyone
    }

    /// Whether they have the names of a program; without one, they go by what policies select.
    pub fn has_program(&self) -> bool {
        self.has_program
    }

    /// What some policies say of them.
    pub fn grants(&self, policies: &'p [Policy]) -> SpaceGrants<'_> {
        SpaceGrants::new(&self.space, policies)
    }

    /// Every name that can be asked for, sorted.
    pub fn names(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|group| group.name.to_string());
        let all: BTreeSet<String> = groups.chain(self.unions.keys().cloned()).collect();
        all.into_iter().collect()
    }

    /// The names that stand for several groups, sorted.
    pub fn unions(&self) -> impl Iterator<Item = (&str, &Set)> {
        self.unions.iter().map(|(name, set)| (name.as_str(), set))
    }

    /// The ends that are asked for. Short names are enough where they are clear.
    pub fn find(&self, asked: &Asked) -> Result<Vec<Ends>, NotFound> {
        match asked {
            Asked::Addresses(addresses) => Ok(vec![Ends::Addresses(addresses.clone())]),
            // They were given, and here nobody was.
            Asked::PodsAt(_) | Asked::Seen(..) => Ok(Vec::new()),
            Asked::DnsServers(peers) | Asked::Behind { pods: peers, .. } => {
                Ok(Set::of(peers.clone()).ends(&self.space))
            }
            Asked::Pod { namespace, labels, .. } => Ok(self.pod(namespace, labels)),
            Asked::Name(text) => self.set(text).map(|set| set.ends(&self.space)),
            Asked::Several(all) => {
                let mut ends: Vec<Ends> = Vec::new();
                for one in all {
                    let new = self.find(one)?.into_iter();
                    ends.extend(new.filter(|end| !ends.contains(end)).collect::<Vec<_>>());
                }
                Ok(ends)
            }
        }
    }

    /// Those that only may be asked for: by labels of their namespaces that nobody stated.
    pub fn find_perhaps(&self, asked: &Asked) -> Vec<Ends> {
        let names = asked.each().iter().filter_map(Asked::name).filter_map(|name| self.set(name).ok());
        names.flat_map(|set| set.perhaps(&self.space)).collect()
    }

    /// What is called so.
    pub fn set(&self, text: &str) -> Result<Set, NotFound> {
        let named = || self.groups.iter().map(|group| (group.name.to_string(), &group.set));
        let all = || named().chain(self.unions.iter().map(|(name, set)| (name.clone(), set)));
        if let Some((_, set)) = all().find(|(name, _)| name == text) {
            return Ok(set.clone());
        }
        let is_short = |full: &str| full.rsplit_once('/').map_or(full, |(_, short)| short) == text;
        let mut found: BTreeMap<&Set, String> = BTreeMap::new();
        for (name, set) in all().filter(|(name, _)| is_short(name)) {
            found.entry(set).or_insert(name);
        }
        let candidates = found.values().cloned().collect();
        match found.len() {
            1 => found.into_keys().next().cloned().ok_or(NotFound { candidates }),
            _ => Err(NotFound { candidates }),
        }
    }

    /// One pod, as policies see it.
    fn pod(&self, namespace: &Arc<str>, labels: &Labels) -> Vec<Ends> {
        let absent = self.keys.iter().filter(|key| !labels.contains_key(&***key));
        let absent: Selector = absent.map(|key| (key.clone(), Values::does_not_exist())).collect();
        let own = equal(labels).and(&absent);
        self.space.pods(&namespace_by_name(namespace), &own).into_iter().map(Ends::Pods).collect()
    }

    /// A pod as a world has it.
    fn in_world(&self, example: &Example, asked: &[Asked]) -> Option<ExamplePod> {
        let Example::Pod { home, name, namespace, labels } = example else { return None };
        let home = home.and_then(|home| self.space.homes().get(home));
        let known = home.is_none_or(|home| home.others != OtherLabels::Unknown);
        let absent = home.map(|home| absent_labels(&home.stated)).unwrap_or_default();
        let is_it =
            |one: &Asked| one.pod().is_some_and(|pod| Some(pod.namespace) == name.as_ref() && pod.labels == labels);
        let asked = asked.iter().flat_map(Asked::each).any(is_it);
        let (name, namespace, labels) = (name.clone(), namespace.clone(), labels.clone());
        Some(ExamplePod { name, namespace, absent, known, labels, asked })
    }

    /// The world of some of them.
    fn situation(&self, asked: &[Asked], examples: &[ExamplePod]) -> (Situation, Vec<EndId>) {
        Situation::of_examples(&self.declared, &self.policies, asked, examples, &self.facts)
    }
}

/// The namespaces of whose labels something is known, each once.
fn homes(declared: &DeclaredNames, has_program: bool, given: &[Namespace], asked: &[Asked]) -> Vec<SpaceHome> {
    let mut beside: BTreeMap<&Arc<str>, Labels> = BTreeMap::new();
    for pod in asked.iter().flat_map(Asked::each).filter_map(Asked::pod) {
        beside.entry(pod.namespace).or_default().extend(pod.beside.clone());
    }
    let home = |name: &Arc<str>, stated, others| (name.clone(), SpaceHome { name: name.clone(), stated, others });
    let posed = |(name, labels): (&Arc<str>, &Labels)| {
        home(name, namespace_by_name(name).and(&equal(labels)), OtherLabels::Unknown)
    };
    let by_name = |name: &Arc<str>| home(name, namespace_by_name(name), OtherLabels::Unknown);
    let mut homes: BTreeMap<Arc<str>, SpaceHome> = declared.external().iter().map(by_name).collect();
    // Whoever asks about a namespace means the one there is, which has some labels or not.
    if !has_program {
        homes.extend(asked.iter().flat_map(Asked::each).filter_map(Asked::namespace).map(|name| by_name(&name)));
    }
    homes.extend(beside.iter().map(|(name, labels)| posed((*name, labels))));
    homes.extend(declared.managed.iter().map(|(name, stated)| home(name, stated.clone(), OtherLabels::Unknown)));
    // Who asks about other labels than there are means a namespace that could be.
    let is_so = |one: &&Namespace| {
        beside.get(&one.name).is_none_or(|labels| labels.iter().all(|(key, value)| one.labels.get(key) == Some(value)))
    };
    let of_object =
        |one: &Namespace| home(&one.name, namespace_by_name(&one.name).and(&equal(&one.labels)), OtherLabels::None);
    homes.extend(given.iter().filter(is_so).map(of_object));
    homes.into_values().collect()
}
