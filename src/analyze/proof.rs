//! The proof of every build: the policies allow exactly what the flow set says, for every pod that could exist.
//!
//! For each managed namespace and direction, the same pods must be isolated, and the isolated pods must be granted the
//! same. It shares nothing with `policy/` but the plain data, and is told the policies as they are read back from what
//! is about to be written.

use super::cover::{Budget, GaveUp, missing, unmatched};
use super::names::{every_number, names, numbers};
use super::side::{Party, Side, Sides, worlds};
use crate::flow::{FlowSet, namespace_by_name};
use crate::net::{Peers, PortSet, Protocol, Region, RegionIndex, Selector, SelectorIndex};
use crate::policy::{Direction, Peer, Policy, PortTarget, Rule};
use rustc_hash::FxHashMap;
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Comparisons of two regions in one proof: some seconds.
const BUDGET: usize = 50_000_000;

/// Where the policies and the program differ, with an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The namespace of the pod.
    pub namespace: Arc<str>,
    /// What differs.
    pub difference: Box<Difference>,
}

impl Counterexample {
    fn new(namespace: &Arc<str>, difference: Difference) -> Self {
        Counterexample { namespace: namespace.clone(), difference: Box::new(difference) }
    }
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// There is a policy in a namespace that is not managed.
    Unmanaged(String),
    /// Two policies have the same name, so that only one of them would be there.
    SameName(String),
    /// A pod is isolated by one of the two only.
    Isolation {
        /// In this direction.
        direction: Direction,
        /// The pod.
        pod: Party,
        /// Whether it is the policies that isolate it.
        by_policies: bool,
    },
    /// A connection of an isolated pod is granted by one of the two only.
    Grant {
        /// In this direction, as seen from the pod.
        direction: Direction,
        /// The pod.
        pod: Party,
        /// The other end.
        peer: Party,
        /// The port.
        port: Port,
        /// Whether it is the policies that grant it.
        by_policies: bool,
    },
    /// It took too many steps to find out.
    Unknown,
}

/// An example of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// A number.
    Number(Protocol, u16),
    /// A named container port.
    Named(Protocol, Arc<str>),
    /// A protocol other than those.
    Other,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Port::Number(protocol, number) => write!(f, "port {number}/{}", protocol.keyword()),
            Port::Named(protocol, name) => write!(f, "port \"{name}\"/{}", protocol.keyword()),
            Port::Other => f.write_str("a protocol other than tcp, udp and sctp"),
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = &self.namespace;
        match &*self.difference {
            Difference::Unmanaged(name) => {
                write!(f, "there would be a policy `{name}` in namespace `{namespace}`, which is not managed")
            }
            Difference::SameName(name) => {
                write!(f, "there would be two policies `{name}` in namespace `{namespace}`")
            }
            Difference::Isolation { direction, pod, by_policies } => {
                let would = if *by_policies { "would isolate" } else { "would not isolate" };
                write!(f, "the policies {would} for {}: {pod}", direction.word())
            }
            Difference::Grant { direction, pod, peer, port, by_policies } => {
                let would =
                    if *by_policies { "would allow what no flow says" } else { "would forbid what a flow says" };
                let (source, destination) = match direction {
                    Direction::Ingress => (peer, pod),
                    Direction::Egress => (pod, peer),
                };
                write!(f, "the policies {would} ({}): {source} -> {destination} on {port}", direction.word())
            }
            Difference::Unknown => {
                write!(f, "it could not be proved that the policies of namespace `{namespace}` mean what the flows say")
            }
        }
    }
}

/// Proves that the policies allow exactly what the flow set says (sections 6 and 7 of the language), or shows where not.
pub fn prove(set: &FlowSet, policies: &[Policy]) -> Result<(), Counterexample> {
    let written = read(set, policies)?;
    let meant = Sides::of_program(set);
    let mut budget = Budget::new(BUDGET);
    for (index, namespace) in set.namespaces.iter().enumerate() {
        for direction in Direction::ALL {
            let (Some(meant), Some(written)) = (meant.get(index, direction), written.get(index, direction)) else {
                continue;
            };
            let mut comparison =
                Comparison { namespace: &namespace.name, direction, meant, written, budget: &mut budget };
            let difference = match comparison.run() {
                Ok(None) => continue,
                Ok(Some(difference)) => difference,
                Err(GaveUp) => Difference::Unknown,
            };
            return Err(Counterexample::new(&namespace.name, difference));
        }
    }
    Ok(())
}

/// The sides as the policies make them.
fn read(set: &FlowSet, policies: &[Policy]) -> Result<Sides, Counterexample> {
    let homes: BTreeMap<&str, usize> =
        set.namespaces.iter().enumerate().map(|(index, namespace)| (&*namespace.name, index)).collect();
    let mut names: Vec<(&str, &str)> =
        policies.iter().map(|policy| (&*policy.namespace, policy.name.as_str())).collect();
    names.sort_unstable();
    if let Some([(namespace, name), _]) = names.array_windows().find(|[one, next]| one == next) {
        let difference = Difference::SameName((*name).to_owned());
        return Err(Counterexample::new(&Arc::from(*namespace), difference));
    }
    let mut sides = Sides::new(set.namespaces.len());
    for policy in policies {
        let Some(home) = homes.get(&*policy.namespace) else {
            let difference = Difference::Unmanaged(policy.name.clone());
            return Err(Counterexample::new(&policy.namespace, difference));
        };
        for (direction, rules) in [(Direction::Ingress, &policy.ingress), (Direction::Egress, &policy.egress)] {
            let (Some(rules), Some(side)) = (rules, sides.get_mut(*home, direction)) else { continue };
            side.isolated.push(policy.subject.clone());
            side.granted.extend(rules.iter().flat_map(|rule| regions(policy, rule)));
        }
    }
    Ok(sides)
}

fn regions<'a>(policy: &'a Policy, rule: &'a Rule) -> impl Iterator<Item = Region> + 'a {
    let mut ports = if rule.ports.is_empty() { PortSet::everything() } else { PortSet::empty() };
    for port in &rule.ports {
        ports.insert(&match &port.target {
            PortTarget::Every => PortSet::whole(port.protocol),
            PortTarget::Number(number) => PortSet::number(port.protocol, *number),
            PortTarget::Range(low, high) => PortSet::range(port.protocol, *low, *high),
            PortTarget::Named(name) => PortSet::named(port.protocol, name.clone()),
        });
    }
    let anyone = rule.peers.is_empty().then_some(Peers::Any);
    let listed = rule.peers.iter().map(|peer| match peer {
        Peer::Block(block) => Peers::Addresses(block.addresses()),
        Peer::Pods { namespaces, pods } => {
            let namespaces = namespaces.clone().unwrap_or_else(|| namespace_by_name(&policy.namespace));
            Peers::Pods { namespaces, pods: pods.clone() }
        }
    });
    anyone.into_iter().chain(listed).map(move |peers| Region {
        subject: policy.subject.clone(),
        peers,
        ports: ports.clone(),
    })
}

/// One namespace in one direction.
struct Comparison<'a> {
    namespace: &'a Arc<str>,
    direction: Direction,
    meant: &'a Side,
    written: &'a Side,
    budget: &'a mut Budget,
}

impl Comparison<'_> {
    fn run(&mut self) -> Result<Option<Difference>, GaveUp> {
        for by_policies in [false, true] {
            if let Some(pod) = self.isolation(by_policies)? {
                return Ok(Some(pod));
            }
        }
        let restricted = self.restricted();
        if let Some(found) = self.grants(&self.written.granted, &self.meant.granted, true)? {
            return Ok(Some(found));
        }
        self.grants(&restricted, &self.written.granted, false)
    }

    fn pod(&self, labels: &Selector) -> Party {
        Party::pod(self.namespace, labels.witness().unwrap_or_default())
    }

    fn isolation(&mut self, by_policies: bool) -> Result<Option<Difference>, GaveUp> {
        let (all, by) = match by_policies {
            true => (&self.written.isolated, &self.meant.isolated),
            false => (&self.meant.isolated, &self.written.isolated),
        };
        if by.iter().any(Selector::is_everything) {
            return Ok(None);
        }
        let index = SelectorIndex::new(by.iter().enumerate());
        for selector in all {
            let near: Vec<&Selector> = index.query(selector).into_iter().filter_map(|at| by.get(at)).collect();
            if let Some(labels) = unmatched(selector, &near, self.budget)? {
                let (direction, pod) = (self.direction, self.pod(&labels));
                return Ok(Some(Difference::Isolation { direction, pod, by_policies }));
            }
        }
        Ok(None)
    }

    /// What the program grants to pods that are isolated.
    fn restricted(&self) -> Vec<Region> {
        let Side { isolated, granted } = self.meant;
        if isolated.iter().any(Selector::is_everything) {
            return granted.clone();
        }
        let index = SelectorIndex::new(isolated.iter().enumerate());
        let mut regions = Vec::new();
        for region in granted {
            let near = index.query(&region.subject);
            let near: Vec<&Selector> = near.into_iter().filter_map(|at| isolated.get(at)).collect();
            if near.iter().any(|selector| selector.contains(&region.subject)) {
                regions.push(region.clone());
                continue;
            }
            let both = near.iter().map(|selector| Region { subject: region.subject.and(selector), ..region.clone() });
            regions.extend(both);
        }
        regions
    }

    /// A part of one of `regions` that none of `by` grants.
    fn grants(&mut self, regions: &[Region], by: &[Region], by_policies: bool) -> Result<Option<Difference>, GaveUp> {
        // Most have a twin with the same ends.
        let mut twins: FxHashMap<(&Selector, &Peers), Vec<usize>> = FxHashMap::default();
        for (at, one) in by.iter().enumerate() {
            twins.entry((&one.subject, &one.peers)).or_default().push(at);
        }
        let ends = by.iter().enumerate().map(|(at, one)| (at, &one.subject, &one.peers));
        let index = LazyCell::new(|| RegionIndex::new(ends));
        let numeric: LazyCell<Vec<Region>, _> =
            LazyCell::new(|| by.iter().map(|one| with_ports(one, numbers(&one.ports))).collect());
        for region in regions.iter().filter(|region| !region.is_empty()) {
            let same = twins.get(&(&region.subject, &region.peers)).into_iter().flatten();
            if same.filter_map(|at| by.get(*at)).any(|one| one.ports.contains(&region.ports)) {
                continue;
            }
            for part in worlds(region) {
                let near = index.query(&part.subject, &part.peers);
                let candidates: Vec<&Region> = near.iter().filter_map(|at| numeric.get(*at)).collect();
                let plain = with_ports(&part, numbers(&part.ports));
                let found = missing(plain, &candidates, self.budget)?;
                if let Some(found) = found {
                    return Ok(self.example(&found, None, by_policies));
                }
                // Nobody knows the container ports of an address.
                if self.direction == Direction::Egress && matches!(part.peers, Peers::Addresses(_)) {
                    continue;
                }
                for (protocol, name) in names(&part.ports) {
                    let seen = |at: &usize| {
                        let (one, plain) = (by.get(*at)?, numeric.get(*at)?);
                        let named = one.ports.has_name(protocol, &name);
                        Some(if named { with_ports(one, every_number(protocol)) } else { plain.clone() })
                    };
                    let candidates: Vec<Region> = near.iter().filter_map(seen).collect();
                    let candidates: Vec<&Region> = candidates.iter().collect();
                    let wanted = with_ports(&part, every_number(protocol));
                    if let Some(found) = missing(wanted, &candidates, self.budget)? {
                        return Ok(self.example(&found, Some((protocol, name)), by_policies));
                    }
                }
            }
        }
        Ok(None)
    }

    fn example(&self, found: &Region, name: Option<(Protocol, Arc<str>)>, by_policies: bool) -> Option<Difference> {
        let number = || {
            let first = |protocol: Protocol| found.ports.ranges(protocol).first().map(|(low, _)| (protocol, *low));
            Protocol::ALL.into_iter().find_map(first)
        };
        let port = match (name, number()) {
            (Some((protocol, name)), _) => Port::Named(protocol, name),
            (None, Some((protocol, number))) => Port::Number(protocol, number),
            (None, None) => Port::Other,
        };
        let peer = Party::of(&found.peers)?;
        Some(Difference::Grant { direction: self.direction, pod: self.pod(&found.subject), peer, port, by_policies })
    }
}

fn with_ports(region: &Region, ports: PortSet) -> Region {
    Region { ports, ..region.clone() }
}
