//! Who is called what.

use super::*;
use crate::net::SelectorIndex;

/// Selectors that stand for pods: of a namespace by its name, or of namespaces by labels.
type Selected = (Option<Arc<str>>, Selector, Selector);

impl Everyone<'_> {
    /// Names all groups. Where a program names its pods, those without a name are the rest of their namespaces.
    pub(super) fn give_names(&mut self, asked: &[Asked]) {
        let by_program = self.has_program;
        let looks = LookedAt::new(&self.policies);
        let mut groups: Vec<NamedEnds> = self.declared.names.iter().map(named).collect();
        if !by_program {
            let servers: Vec<NamedEnds> = asked.iter().flat_map(servers).collect();
            let has_name = |group: &NamedEnds| servers.iter().any(|server| server.set == group.set);
            groups.extend(looks.selected.iter().filter_map(selected).filter(|group| !has_name(group)));
            groups.extend(servers);
        }
        let mut names: BTreeSet<Arc<str>> = self.space.homes().iter().map(|home| home.name.clone()).collect();
        names.extend(groups.iter().filter_map(|group| match &group.name {
            GroupName::Dns(home) => Some(home.clone()),
            GroupName::Tier(..)
            | GroupName::Workload(..)
            | GroupName::Pods(..)
            | GroupName::Selected(..)
            | GroupName::Labelled(_)
            | GroupName::Rest(_)
            | GroupName::Cidr(..)
            | GroupName::BuiltIn(_)
            | GroupName::Addresses(_)
            | GroupName::OtherAddresses => None,
        }));
        let declared = self.declared.names.values().flatten();
        let declared = declared.filter_map(|peers| match peers {
            Peers::Pods { namespaces, .. } => Some(namespaces),
            Peers::Any | Peers::Addresses(_) => None,
        });
        names.extend(looks.selected.iter().filter_map(|(home, ..)| home.clone()));
        for namespaces in looks.selected.iter().map(|(_, namespaces, _)| namespaces).chain(declared) {
            names.extend(namespaces.values(NAMESPACE_NAME).listed().iter().cloned());
        }
        self.keys = looks.keys;
        for peers in self.declared.names.values().flatten() {
            if let Peers::Pods { pods, .. } = peers {
                self.keys.extend(pods.keys().cloned());
            }
        }
        groups.extend(self.rest(&groups, &names, by_program));
        groups.extend(other_addresses(&groups, &looks.blocks));
        groups.sort_by_cached_key(|group| {
            let namespace = group.name.namespace().cloned();
            (!group.name.is_pods(), namespace.is_none(), namespace, group.name.clone())
        });
        self.groups = groups;
        let everything = Selector::everything;
        for name in names {
            self.unions.insert(format!("{name}/*"), Set::pods(namespace_by_name(&name), everything()));
        }
        for (name, peers) in &self.declared.wholes {
            self.unions.insert(name.clone(), Set::of(peers.clone()));
        }
        self.unions.insert("cluster".to_owned(), Set::pods(everything(), everything()));
        self.unions.insert("anywhere".to_owned(), Set::everybody());
    }

    /// The pods of each namespace, and of all others, that have no name of their own.
    fn rest(&self, groups: &[NamedEnds], names: &BTreeSet<Arc<str>>, by_program: bool) -> Vec<NamedEnds> {
        let everything = Selector::everything;
        let peers: Vec<&Peers> = groups.iter().flat_map(|group| &group.set.peers).collect();
        let namespaces = |peers: &&Peers| match peers {
            Peers::Pods { namespaces, .. } => Some(namespaces.clone()),
            Peers::Any | Peers::Addresses(_) => None,
        };
        let selectors: Vec<(usize, Selector)> =
            peers.iter().enumerate().filter_map(|(at, peers)| Some((at, namespaces(peers)?))).collect();
        let index = SelectorIndex::new(selectors.iter().map(|(at, selector)| (*at, selector)));
        let rest = |name: Option<Arc<str>>, namespaces: Selector| {
            let near = index.query(&namespaces).into_iter().filter_map(|at| peers.get(at).copied());
            // What policies select in namespaces by their labels is in namespaces that have a name, too.
            let own = |peers: &&Peers| match peers {
                Peers::Pods { namespaces, .. } => by_program || namespaces.required_value(NAMESPACE_NAME).is_some(),
                Peers::Any | Peers::Addresses(_) => false,
            };
            let less = near.filter(own).filter(|peers| overlaps(peers, &namespaces)).cloned().collect();
            let set = Set { peers: vec![Peers::Pods { namespaces, pods: everything() }], less };
            NamedEnds { name: GroupName::Rest(name), set }
        };
        let mut others = Selector::everything();
        others.require(NAMESPACE_NAME, Values::exists());
        others.require(NAMESPACE_NAME, Values::none_of(names.iter().cloned()));
        let named = names.iter().map(|name| rest(Some(name.clone()), namespace_by_name(name)));
        named.chain([rest(None, others)]).filter(|group| self.is_somebody(&group.set)).collect()
    }

    fn is_somebody(&self, set: &Set) -> bool {
        let mut budget = Budget::new(100_000);
        // A name that stands for nobody does no harm.
        set.ends(&self.space).iter().any(|end| !self.space.is_empty(end, &mut budget).unwrap_or_default())
    }
}

fn overlaps(peers: &Peers, namespaces: &Selector) -> bool {
    match peers {
        Peers::Pods { namespaces: own, .. } => own.overlaps(namespaces),
        Peers::Any | Peers::Addresses(_) => false,
    }
}

fn named((name, peers): (&GroupName, &Vec<Peers>)) -> NamedEnds {
    NamedEnds { name: name.clone(), set: Set::of(peers.clone()) }
}

/// The DNS servers of each namespace that are asked about.
fn servers(asked: &Asked) -> Vec<NamedEnds> {
    let Asked::DnsServers(all) = asked else { return Vec::new() };
    let mut by_home: BTreeMap<Arc<str>, Vec<Peers>> = BTreeMap::new();
    for peers in all {
        let Peers::Pods { namespaces, .. } = peers else { continue };
        if let Some([home]) = namespaces.required_value(NAMESPACE_NAME) {
            by_home.entry(home.clone()).or_default().push(peers.clone());
        }
    }
    by_home.into_iter().map(|(home, peers)| NamedEnds { name: GroupName::Dns(home), set: Set::of(peers) }).collect()
}

/// What selectors stand for, unless that has a name of its own.
fn selected((home, namespaces, pods): &Selected) -> Option<NamedEnds> {
    let whole = pods.is_everything() && (home.is_some() || namespaces.is_everything());
    let name = GroupName::Selected(home.clone(), namespaces.clone(), pods.clone());
    let namespaces = home.as_ref().map_or_else(|| namespaces.clone(), namespace_by_name);
    let set = Set::pods(namespaces, pods.clone());
    (!whole && set.peers.iter().all(|peers| !peers.is_empty())).then_some(NamedEnds { name, set })
}

/// The addresses that policies ask for and nothing names, and all others.
fn other_addresses(groups: &[NamedEnds], blocks: &BTreeSet<AddressSet>) -> Vec<NamedEnds> {
    let mut all = AddressSet::empty();
    for peers in groups.iter().flat_map(|group| &group.set.peers) {
        if let Peers::Addresses(addresses) = peers {
            all = all.union(addresses);
        }
    }
    let of = |name, addresses| NamedEnds { name, set: Set::of(vec![Peers::Addresses(addresses)]) };
    let nameless: Vec<&AddressSet> = blocks.iter().filter(|block| !all.contains(block)).collect();
    let mut found: Vec<NamedEnds> =
        nameless.iter().map(|block| of(GroupName::Addresses((*block).clone()), (*block).clone())).collect();
    let ranges = nameless.iter().flat_map(|block| block.v4()).copied().collect();
    let ranges_v6 = nameless.iter().flat_map(|block| block.v6()).copied().collect();
    let known = all.union(&AddressSet::from_ranges(ranges, ranges_v6));
    let rest = AddressSet::all().subtract(&known);
    match (rest.is_empty(), known.is_empty()) {
        (true, _) => {}
        (false, true) => found.push(of(GroupName::Addresses(rest.clone()), rest)),
        (false, false) => found.push(of(GroupName::OtherAddresses, rest)),
    }
    found
}

/// What policies look at.
#[derive(Default)]
struct LookedAt {
    selected: BTreeSet<Selected>,
    blocks: BTreeSet<AddressSet>,
    keys: BTreeSet<Arc<str>>,
}

impl LookedAt {
    fn new(policies: &[&[Policy]]) -> LookedAt {
        let mut looks = LookedAt::default();
        for policy in policies.iter().copied().flatten() {
            looks.select(Some(&policy.namespace), Selector::everything(), &policy.subject);
            for peer in policy.ingress.iter().chain(&policy.egress).flatten().flat_map(|rule| &rule.peers) {
                match peer {
                    Peer::Pods { namespaces: None, pods } => {
                        looks.select(Some(&policy.namespace), Selector::everything(), pods);
                    }
                    Peer::Pods { namespaces: Some(namespaces), pods } => {
                        match namespaces.required_value(NAMESPACE_NAME) {
                            Some([name]) if namespaces.keys().count() == 1 => {
                                looks.select(Some(name), namespaces.clone(), pods);
                            }
                            _ => looks.select(None, namespaces.clone(), pods),
                        }
                    }
                    Peer::Block(block) => _ = looks.blocks.insert(block.addresses()),
                    Peer::Unlisted(unlisted) => _ = looks.blocks.insert(unlisted.addresses()),
                }
            }
        }
        looks.blocks.remove(&AddressSet::empty());
        looks
    }

    fn select(&mut self, home: Option<&Arc<str>>, namespaces: Selector, pods: &Selector) {
        self.keys.extend(pods.keys().cloned());
        // What a name stands for is the same, whoever writes it.
        let namespaces = if home.is_some() { Selector::everything() } else { namespaces };
        self.selected.insert((home.cloned(), namespaces, pods.clone()));
    }
}
