//! What each side lets through, whatever the other one says: two sets of policies that are the same in this can replace each
//! other wherever they are, whoever else has policies there.

use super::origin::Origins;
use super::side_names::SideNames;
use super::{ConnectionChange, Diff, IsolationChange, Kind, MeantEnds, Version, WithoutIsolation};
use crate::cover::{Budget, GaveUp, unmatched};
use crate::engine::Verdict;
use crate::net::{Direction, Peers, PortSet, Region, Selector, namespace_by_name};
use crate::netpol::{Policy, Port};
use crate::prove::{granted, lacks};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many parts of some pods are told one by one.
const MOST_PARTS: usize = 8;

/// Compares the sides of two versions.
pub fn compare_sides(old: &Version<'_>, new: &Version<'_>, budget: &mut Budget) -> Result<Diff, GaveUp> {
    let mut comparison = SidesComparison {
        names: SideNames::new([old, new]),
        origins: [Origins::new(old), Origins::new(new)],
        versions: [old, new],
        isolation: BTreeMap::new(),
        changes: BTreeMap::new(),
        budget,
    };
    let all: BTreeSet<&Arc<str>> =
        [old, new].into_iter().flat_map(|version| version.policies).map(|policy| &policy.namespace).collect();
    let mut homes: BTreeMap<&Arc<str>, [Vec<usize>; 2]> =
        all.into_iter().map(|name| (name, Default::default())).collect();
    for (at, version) in [old, new].into_iter().enumerate() {
        for (index, policy) in version.policies.iter().enumerate() {
            if let Some(list) = homes.get_mut(&policy.namespace).and_then(|lists| lists.get_mut(at)) {
                list.push(index);
            }
        }
    }
    for (name, lists) in homes {
        for direction in Direction::ALL {
            comparison.side(name, direction, &lists)?;
        }
    }
    Ok(comparison.diff())
}

/// One direction of a namespace, in one of the versions.
#[derive(Default)]
struct Side {
    /// The pods that are isolated, each with the policies that do it.
    isolated: BTreeMap<Selector, BTreeSet<usize>>,
    /// What is granted, and by which policy.
    granted: Vec<(Region, usize)>,
}

impl Side {
    fn new(policies: &[Policy], places: &[usize], own: &Selector, direction: Direction) -> Side {
        let mut side = Side::default();
        for (at, policy) in places.iter().filter_map(|at| Some((*at, policies.get(*at)?))) {
            let rules = if direction == Direction::Ingress { &policy.ingress } else { &policy.egress };
            let Some(rules) = rules else { continue };
            side.isolated.entry(policy.subject.clone()).or_default().insert(at);
            let regions = rules.iter().flat_map(|rule| granted(&policy.subject, own, rule));
            side.granted.extend(regions.map(|region| (region, at)));
        }
        side
    }
}

/// Connections of one side between the same ends.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Ends {
    namespace: Arc<str>,
    direction: Direction,
    subject: Selector,
    peers: Peers,
}

/// How they changed: what went and what came.
#[derive(Default)]
struct Change {
    ports: [PortSet; 2],
    origins: [BTreeSet<usize>; 2],
    partly: bool,
}

/// Isolation that came or went: of which namespace and pods, and whether it went.
type SideIsolations = BTreeMap<(Arc<str>, Selector, bool), (Vec<Direction>, BTreeSet<usize>)>;

struct SidesComparison<'v, 'b> {
    names: SideNames,
    origins: [Origins<'v>; 2],
    versions: [&'v Version<'v>; 2],
    isolation: SideIsolations,
    changes: BTreeMap<Ends, Change>,
    budget: &'b mut Budget,
}

impl SidesComparison<'_, '_> {
    fn side(&mut self, name: &Arc<str>, direction: Direction, [before, after]: &[Vec<usize>; 2]) -> Result<(), GaveUp> {
        let own = namespace_by_name(name);
        let [old, new] = self.versions;
        let was = Side::new(old.policies, before, &own, direction);
        let is = Side::new(new.policies, after, &own, direction);
        self.isolation(name, direction, &was, &is, true)?;
        self.isolation(name, direction, &is, &was, false)?;
        self.grants(name, direction, &was, &is, 0)?;
        self.grants(name, direction, &is, &was, 1)
    }

    /// The pods that one isolates and the other does not.
    fn isolation(
        &mut self,
        name: &Arc<str>,
        direction: Direction,
        one: &Side,
        other: &Side,
        lifted: bool,
    ) -> Result<(), GaveUp> {
        let mut known: Vec<Selector> = other.isolated.keys().cloned().collect();
        for (selector, policies) in &one.isolated {
            for _ in 0..MOST_PARTS {
                let by: Vec<&Selector> = known.iter().collect();
                let Some(part) = unmatched(selector, &by, self.budget)? else { break };
                // All of them, when none is known.
                let part = if known.iter().any(|one| one.overlaps(selector)) { part } else { selector.clone() };
                let entry = self.isolation.entry((name.clone(), part.clone(), lifted)).or_default();
                entry.0.push(direction);
                entry.1.extend(policies);
                known.push(part);
            }
        }
        Ok(())
    }

    /// What one grants to pods that both isolate, and the other does not; `at` is whose it is.
    fn grants(
        &mut self,
        name: &Arc<str>,
        direction: Direction,
        one: &Side,
        other: &Side,
        at: usize,
    ) -> Result<(), GaveUp> {
        let by: Vec<&Region> = other.granted.iter().map(|(region, _)| region).collect();
        for (region, policy) in &one.granted {
            for isolated in other.isolated.keys() {
                let subject = region.subject.and(isolated);
                let region = Region { subject, ..region.clone() };
                let near: Vec<&Region> = by.iter().copied().filter(|other| other.overlaps(&region)).collect();
                if region.is_empty() || !lacks(&region, &near, direction, self.budget)? {
                    continue;
                }
                for ports in items(&region.ports) {
                    let region = Region { ports, ..region.clone() };
                    let near: Vec<&Region> = near.iter().copied().filter(|other| other.overlaps(&region)).collect();
                    if !lacks(&region, &near, direction, self.budget)? {
                        continue;
                    }
                    let Region { subject, peers, ports } = region;
                    let ends = Ends { namespace: name.clone(), direction, subject, peers };
                    let change = self.changes.entry(ends).or_default();
                    change.partly |= !near.is_empty();
                    if let (Some(all), Some(policies)) = (change.ports.get_mut(at), change.origins.get_mut(at)) {
                        all.insert(&ports);
                        policies.insert(*policy);
                    }
                }
            }
        }
        Ok(())
    }

    fn diff(self) -> Diff {
        let SidesComparison { names, origins, versions, isolation, changes, .. } = self;
        let [old, new] = &origins;
        let manages = |version: &Version<'_>, namespace: &Arc<str>| {
            version.program.is_none_or(|program| program.flows.namespaces.iter().any(|one| one.name == *namespace))
        };
        let isolation = isolation.into_iter().map(|((namespace, pods, lifted), (directions, policies))| {
            let (own, [before, after]) = (if lifted { old } else { new }, versions);
            let other = if lifted { after } else { before };
            IsolationChange {
                lifted,
                directions,
                ends: MeantEnds::Sets(Vec::new()),
                pods: vec![names.pods(&namespace, &pods)],
                origins: own.policies(policies).into_iter().collect(),
                instead: match manages(other, &namespace) {
                    true => WithoutIsolation::Nothing,
                    false => WithoutIsolation::NotManaged(namespace.to_string()),
                },
            }
        });
        let connections = changes.into_iter().map(|(ends, change)| {
            let own = vec![names.pods(&ends.namespace, &ends.subject)];
            let other = vec![names.peers(&ends.peers)];
            let (sources, destinations) = match ends.direction {
                Direction::Ingress => (other, own),
                Direction::Egress => (own, other),
            };
            let [removed, added] = change.ports.map(|allowed| Verdict { allowed, unknown: PortSet::empty() });
            let [went, came] = change.origins;
            ConnectionChange {
                kind: match (removed.is_denied(), added.is_denied()) {
                    (true, _) => Kind::Added,
                    (false, true) => Kind::Removed,
                    (false, false) => Kind::Changed,
                },
                side: Some(ends.direction),
                ends: [MeantEnds::Sets(Vec::new()), MeantEnds::Sets(Vec::new())],
                sources,
                destinations,
                added,
                removed,
                partly: change.partly,
                old_origins: old.policies(went).into_iter().collect(),
                new_origins: new.policies(came).into_iter().collect(),
                instead: Vec::new(),
                doubts: Vec::new(),
            }
        });
        Diff { isolation: isolation.collect(), connections: connections.collect(), given_up: false, left_out: false }
    }
}

/// Ports one by one, as rules list them.
fn items(ports: &PortSet) -> Vec<PortSet> {
    if ports.is_everything() {
        return vec![ports.clone()];
    }
    Port::list(ports).iter().map(Port::set).collect()
}
