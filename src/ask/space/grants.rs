//! Who is isolated and what is granted, side by side.

use super::{Ends, Space, SpaceHome, SpacePods};
use crate::cluster::Labels;
use crate::net::{
    AddressSet, Direction, Facts, MatchIndex, MatchedAddresses, Peers, PortSet, ProductIndex, RegionIndex, Selector,
    SelectorIndex, Truth, namespace_by_name,
};
use crate::netpol::{Peer, Policy, Port, PortTarget, Rule};
use rustc_hash::FxHashMap;
use std::cell::OnceCell;

/// What policies say, by namespace and direction.
#[derive(Debug)]
pub struct SpaceGrants<'s> {
    pub(super) space: &'s Space,
    /// The sides of each home, in the order of [`Direction::ALL`].
    sides: Vec<[Side; 2]>,
    /// What lets pods in, whichever home it is of.
    ingress: AllGrants,
}

/// The grants of one direction towards pods, of all homes.
#[derive(Debug)]
pub(super) struct AllGrants {
    /// The home and the place in its side.
    places: Vec<(usize, usize)>,
    /// By the names of subjects' and peers' namespaces and their labels.
    index: ProductIndex<4>,
}

/// The pods of a home in one direction.
#[derive(Debug, Default)]
pub(in crate::ask) struct Side {
    /// Those that are isolated.
    pub isolated: Vec<Selector>,
    /// What is granted; it also says something of pods that are not isolated, and is then without effect.
    pub grants: Vec<Grant>,
    by_isolated: Option<SelectorIndex>,
    by_grant: Option<RegionIndex>,
    /// Finds the grants and the isolation of single pods, once somebody asks for them.
    by_labels: OnceCell<MatchIndex>,
    isolated_by_labels: OnceCell<MatchIndex>,
}

/// What some pods may do with some peers, who are pods or addresses and not both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The pods whose side it is.
    pub subject: Selector,
    /// The other ends.
    pub peers: Peers,
    /// The ports.
    pub ports: PortSet,
    /// Whether pods are such peers for sure.
    pub truth: Truth,
    /// Where the addresses of pods have to be; `None` where it is not by addresses that they are peers.
    pub block: Option<AddressSet>,
}

impl Side {
    fn new(space: &Space, home: &SpaceHome, policies: &[&Policy], direction: Direction) -> Side {
        let mut isolated: Vec<Selector> = Vec::new();
        let mut granted = GrantCollector::default();
        let own = &namespace_by_name(&home.name);
        for policy in policies {
            let Some(rules) = rules(policy, direction) else { continue };
            isolated.push(policy.subject.clone());
            for rule in rules {
                granted.add(&policy.subject, own, rule);
            }
        }
        isolated.sort();
        isolated.dedup();
        if let Some(every) = isolated.iter().find(|selector| selector.is_everything()).cloned() {
            isolated = vec![every];
        }
        isolated.retain(|selector| selector.contradiction().is_none());
        let grants = granted.finish(&space.facts);
        let by_grant = RegionIndex::new(grants.iter().enumerate().map(|(at, one)| (at, &one.subject, &one.peers)));
        let by_isolated = SelectorIndex::new(isolated.iter().enumerate());
        Side {
            isolated,
            grants,
            by_isolated: Some(by_isolated),
            by_grant: Some(by_grant),
            by_labels: OnceCell::new(),
            isolated_by_labels: OnceCell::new(),
        }
    }

    /// The isolated selectors that overlap labels; only one where that holds them all.
    pub(crate) fn isolating<'s>(&'s self, labels: &Selector) -> Vec<&'s Selector> {
        match self.isolated.as_slice() {
            [] => Vec::new(),
            [one] if one.is_everything() => vec![one],
            all => {
                let near = self.by_isolated.as_ref().map(|index| index.query(labels)).unwrap_or_default();
                let near: Vec<&Selector> = near.into_iter().filter_map(|at| all.get(at)).collect();
                match near.iter().find(|one| one.contains(labels)) {
                    Some(whole) => vec![*whole],
                    None => near.into_iter().filter(|one| one.overlaps(labels)).collect(),
                }
            }
        }
    }

    /// The grants that may overlap labels and peers.
    pub(crate) fn near<'s>(&'s self, labels: &Selector, peers: &Peers) -> impl Iterator<Item = &'s Grant> + use<'s> {
        let near = self.by_grant.as_ref().map(|index| index.query(labels, peers)).unwrap_or_default();
        near.into_iter().filter_map(|at| self.grants.get(at))
    }

    /// The grants of a pod of these labels.
    pub(crate) fn of_pod<'s>(&'s self, labels: &Labels) -> impl Iterator<Item = &'s Grant> + use<'s> {
        let subjects = || self.grants.iter().map(|grant| &grant.subject).enumerate();
        let index = self.by_labels.get_or_init(|| MatchIndex::new(subjects()));
        index.matching(labels).into_iter().filter_map(|at| self.grants.get(at))
    }

    /// Whether pods of these labels are isolated.
    pub(crate) fn isolates(&self, labels: &Labels) -> bool {
        let index = self.isolated_by_labels.get_or_init(|| MatchIndex::new(self.isolated.iter().enumerate()));
        index.matches_any(labels)
    }
}

impl<'s> SpaceGrants<'s> {
    /// What policies say; the namespace of each has to be a home of the space.
    pub fn new<'p>(space: &'s Space, policies: impl IntoIterator<Item = &'p Policy>) -> Self {
        let mut by_home: Vec<Vec<&Policy>> = vec![Vec::new(); space.homes.len()];
        for policy in policies {
            let home = space.home(&policy.namespace).and_then(|home| by_home.get_mut(home));
            home.into_iter().for_each(|list| list.push(policy));
        }
        let sides = space.homes.iter().zip(&by_home);
        let sides = sides.map(|(home, policies)| Direction::ALL.map(|way| Side::new(space, home, policies, way)));
        let sides: Vec<[Side; 2]> = sides.collect();
        let ingress = AllGrants::new(space, &sides, Direction::Ingress);
        SpaceGrants { space, sides, ingress }
    }

    /// The space that they are about.
    pub fn space(&self) -> &'s Space {
        self.space
    }

    /// One side of a home.
    pub(in crate::ask) fn side(&self, home: Option<usize>, direction: Direction) -> Option<&Side> {
        let [ingress, egress] = self.sides.get(home?)?;
        Some(match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        })
    }

    /// Everything that a side grants.
    pub fn of(&self, home: usize, direction: Direction) -> &[Grant] {
        self.side(Some(home), direction).map(|side| side.grants.as_slice()).unwrap_or_default()
    }

    /// The pods that a side isolates.
    pub fn isolated(&self, home: usize, direction: Direction) -> &[Selector] {
        self.side(Some(home), direction).map(|side| side.isolated.as_slice()).unwrap_or_default()
    }

    /// The parts of an end that are isolated.
    pub fn isolated_of(&self, end: &Ends, direction: Direction) -> Vec<Ends> {
        let Some((pods, side)) = end.pods().and_then(|pods| Some((pods, self.side(pods.home, direction)?))) else {
            return Vec::new();
        };
        let part = |isolated: &Selector| Ends::Pods(SpacePods { labels: pods.labels.and(isolated), ..pods.clone() });
        side.isolating(&pods.labels).into_iter().map(part).collect()
    }

    /// What may let pods in that some pods may reach: the home of each and its place there.
    pub fn letting_in(&self, from: &SpacePods, namespaces: &Selector, labels: &Selector) -> Vec<(usize, usize)> {
        self.ingress.near(self.space, from, namespaces, labels)
    }

    /// The grants of one direction.
    pub(super) fn everywhere(&self, direction: Direction) -> AllGrants {
        AllGrants::new(self.space, &self.sides, direction)
    }
}

impl AllGrants {
    fn new(space: &Space, sides: &[[Side; 2]], direction: Direction) -> Self {
        let mut places = Vec::new();
        let mut items = Vec::new();
        for (at, (home, [ingress, egress])) in space.homes.iter().zip(sides).enumerate() {
            let side = if direction == Direction::Ingress { ingress } else { egress };
            for (place, grant) in side.grants.iter().enumerate() {
                if let Peers::Pods { namespaces, pods } = &grant.peers {
                    items.push((places.len(), [&home.stated, &grant.subject, namespaces, pods]));
                    places.push((at, place));
                }
            }
        }
        AllGrants { index: ProductIndex::new(items), places }
    }

    /// Those of pods with these labels towards `peers`: the home of each and its place there.
    pub(super) fn near(
        &self,
        space: &Space,
        peers: &SpacePods,
        namespaces: &Selector,
        labels: &Selector,
    ) -> Vec<(usize, usize)> {
        let near = self.index.query([namespaces, labels, space.known_of(peers), &peers.labels]).into_iter();
        near.filter_map(|at| self.places.get(at).copied()).collect()
    }
}

/// The rules of a policy in a direction, if it isolates in that.
fn rules(policy: &Policy, direction: Direction) -> Option<&[Rule]> {
    match direction {
        Direction::Ingress => policy.ingress.as_deref(),
        Direction::Egress => policy.egress.as_deref(),
    }
}

/// Collects grants, those of the same ends as one.
#[derive(Default)]
struct GrantCollector {
    grants: Vec<WrittenGrant>,
    /// By the ends, and whether they are those of a block.
    known: FxHashMap<(Selector, Peers, bool), usize>,
}

/// What a rule grants, before it is known what its blocks match.
struct WrittenGrant {
    subject: Selector,
    peers: Peers,
    ports: PortSet,
    /// Whether the peers are those of a block, or what is named in place of one.
    is_block: bool,
}

impl GrantCollector {
    fn add(&mut self, subject: &Selector, own: &Selector, rule: &Rule) {
        let ports = rule_ports(rule);
        if subject.contradiction().is_some() || ports.is_empty() {
            return;
        }
        let blocks = rule.peers.iter().map(|peer| peer.addresses().is_some()).chain(std::iter::repeat(false));
        for (peers, is_block) in rule_peers(own, rule).into_iter().zip(blocks) {
            self.insert(subject, peers, &ports, is_block);
        }
    }

    fn insert(&mut self, subject: &Selector, peers: Peers, ports: &PortSet, is_block: bool) {
        if peers.is_empty() {
            return;
        }
        let grants = &mut self.grants;
        let at = *self.known.entry((subject.clone(), peers, is_block)).or_insert_with_key(|(subject, peers, _)| {
            let (subject, peers, ports) = (subject.clone(), peers.clone(), PortSet::empty());
            grants.push(WrittenGrant { subject, peers, ports, is_block });
            grants.len() - 1
        });
        if let Some(known) = grants.get_mut(at) {
            known.ports.insert(ports);
        }
    }

    /// All grants, with what blocks of addresses grant to pods: those of one subject on the same ports count together.
    fn finish(self, facts: &Facts) -> Vec<Grant> {
        let everything = Selector::everything;
        let mut held: FxHashMap<(&Selector, &PortSet), usize> = FxHashMap::default();
        let mut together: Vec<(&Selector, &PortSet, AddressSet)> = Vec::new();
        for WrittenGrant { subject, peers, ports, .. } in self.grants.iter().filter(|one| one.is_block) {
            let Peers::Addresses(addresses) = peers else { continue };
            let at = *held.entry((subject, ports)).or_insert_with(|| {
                together.push((subject, ports, AddressSet::empty()));
                together.len() - 1
            });
            if let Some((.., all)) = together.get_mut(at) {
                *all = all.union(addresses);
            }
        }
        let of_pods = together.iter().filter_map(|(subject, ports, addresses)| {
            let truth = facts.pod(addresses, &[]);
            let peers = Peers::Pods { namespaces: everything(), pods: everything() };
            let (subject, ports, block) = ((*subject).clone(), (*ports).clone(), Some(addresses.clone()));
            truth.is_possible().then_some(Grant { subject, peers, ports, truth, block })
        });
        let of_pods: Vec<Grant> = of_pods.collect();
        let written = self.grants.into_iter().flat_map(|one| one.of_labels_and_addresses(facts));
        merged(written).into_iter().chain(of_pods).collect()
    }
}

/// Grants, where the addresses of one subject on the same ports are one.
fn merged(grants: impl Iterator<Item = Grant>) -> Vec<Grant> {
    let mut all: Vec<Grant> = Vec::new();
    let mut held: FxHashMap<(Selector, PortSet, Truth), usize> = FxHashMap::default();
    for grant in grants {
        let Peers::Addresses(addresses) = &grant.peers else {
            all.push(grant);
            continue;
        };
        let key = (grant.subject.clone(), grant.ports.clone(), grant.truth);
        let place = *held.entry(key).or_insert(all.len());
        match all.get_mut(place).map(|known| &mut known.peers) {
            Some(Peers::Addresses(known)) => *known = known.union(addresses),
            _ => all.push(grant),
        }
    }
    all
}

impl WrittenGrant {
    /// Without the pods that are in a block.
    fn of_labels_and_addresses(self, facts: &Facts) -> Vec<Grant> {
        let WrittenGrant { subject, peers, ports, is_block } = self;
        let grant = |peers, truth| Grant { subject: subject.clone(), peers, ports: ports.clone(), truth, block: None };
        match peers {
            Peers::Addresses(block) if is_block => {
                let MatchedAddresses { sure, perhaps } = facts.matched(&block);
                let parts = [(sure, Truth::Yes), (perhaps, Truth::Maybe)];
                let parts = parts.into_iter().filter(|(addresses, _)| !addresses.is_empty());
                parts.map(|(addresses, truth)| grant(Peers::Addresses(addresses), truth)).collect()
            }
            Peers::Addresses(all) if !facts.has_unlisted() => vec![grant(Peers::Addresses(all.listed()), Truth::Yes)],
            peers @ (Peers::Any | Peers::Pods { .. } | Peers::Addresses(_)) => {
                vec![grant(peers, Truth::Yes)]
            }
        }
    }
}

/// The peers of a rule of a policy whose namespace has such labels, in order; of one that takes any, pods and addresses.
pub(crate) fn rule_peers(own: &Selector, rule: &Rule) -> Vec<Peers> {
    let everything = Selector::everything;
    if rule.peers.is_empty() {
        let pods = Peers::Pods { namespaces: everything(), pods: everything() };
        return vec![pods, Peers::Addresses(AddressSet::everything())];
    }
    let peers = |peer: &Peer| match peer {
        Peer::Block(block) => Peers::Addresses(block.addresses()),
        Peer::Unlisted(unlisted) => Peers::Addresses(unlisted.addresses()),
        Peer::Pods { namespaces, pods } => {
            Peers::Pods { namespaces: namespaces.as_ref().unwrap_or(own).clone(), pods: pods.clone() }
        }
    };
    rule.peers.iter().map(peers).collect()
}

/// The ports of a rule.
pub(crate) fn rule_ports(rule: &Rule) -> PortSet {
    let set = |port: &Port| match &port.target {
        PortTarget::Every => PortSet::whole(port.protocol),
        PortTarget::Number(number) => PortSet::number(port.protocol, *number),
        PortTarget::Range(low, high) => PortSet::range(port.protocol, *low, *high),
        PortTarget::Named(name) => PortSet::named(port.protocol, name.clone()),
    };
    match rule.ports.as_slice() {
        [] => PortSet::everything(),
        [port] => set(port),
        several => PortSet::union_of(&several.iter().map(set).collect::<Vec<_>>()),
    }
}
