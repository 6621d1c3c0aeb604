//! What everything is called in the program.

use super::Surroundings;
use super::atoms::Atoms;
use super::declared::Declared;
use super::dns::Servers;
use super::flows::Flows;
use super::places::{Home, Place};
use super::runs::RunningPods;
use crate::draft::{End, NumberedNames, label_key, name_of_addresses, names_of};
use crate::flow::public_addresses;
use crate::model::BuiltIn;
use crate::net::{Direction, IpBlock, PortSet, Requirement, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Names, and what they are declared with.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The namespaces that are not managed.
    pub externals: BTreeMap<Home, Arc<str>>,
    /// The tiers of each namespace.
    pub tiers: BTreeMap<Home, BTreeMap<Selector, Arc<str>>>,
    /// The key of labels that name the tiers of a namespace, where it is not the usual one.
    pub keys: BTreeMap<Arc<str>, Arc<str>>,
    /// Lists of addresses; not those of `internet`.
    pub cidrs: BTreeMap<Vec<IpBlock>, Arc<str>>,
    /// The components of the catalogue that are used.
    pub used: Vec<Arc<str>>,
    /// The ports that tiers list, by name.
    pub ports: BTreeMap<(Home, Selector), PortsByName>,
    /// What need not be declared any more.
    pub declared: Declared,
    /// Whether a program declares something already.
    pub is_beside: bool,
}

/// Ports by their names.
pub(super) type PortsByName = Vec<(Arc<str>, PortSet)>;

fn is_built_in(name: &str) -> bool {
    BuiltIn::ALL.into_iter().any(|one| one.word() == name)
}

impl Names {
    /// The names of everything that flows and settings speak of.
    pub(super) fn new(atoms: &Atoms, flows: &Flows, around: Surroundings<'_>) -> Names {
        let Surroundings { declared, catalogue, runs, .. } = around;
        let mut names = Names { is_beside: !declared.taken.is_empty(), declared, ..Names::default() };
        let ends = flows.flows.iter().flat_map(|flow| [flow.ends.source, flow.ends.destination]);
        let servers = flows.dns.iter().filter_map(|(servers, _)| match servers {
            Servers::Tier(place, _) => Some(*place),
            Servers::Implied | Servers::Preset(_) | Servers::Nobody => None,
        });
        let used: BTreeSet<&Place> = ends.chain(servers).map(|id| flows.places.place(id)).collect();
        let mut tiers: BTreeMap<Home, BTreeSet<Selector>> = BTreeMap::new();
        for (at, name) in atoms.names.iter().enumerate() {
            let isolated = Direction::ALL.into_iter().flat_map(|direction| atoms.isolated_anew(at, direction)).cloned();
            tiers.entry(Home::Named(name.clone())).or_default().extend(isolated);
        }
        for place in &used {
            if let Place::Pods(home, pods) = place {
                tiers.entry(home.clone()).or_default().insert(pods.clone());
            }
        }
        // Every pod of every namespace has a name of its own.
        if let Some(everywhere) = tiers.get_mut(&Home::Labelled(Selector::everything())) {
            everywhere.remove(&Selector::everything());
        }
        tiers.retain(|_, pods| !pods.is_empty());
        names.use_components(atoms, flows, &tiers, catalogue);
        names.namespaces(atoms, tiers.keys());
        for (home, selectors) in tiers {
            names.name_tiers(home, selectors, runs);
        }
        names.list_ports(flows, runs);
        names.name_keys(atoms);
        names.name_cidrs(flows);
        names
    }

    /// Takes components of the catalogue where they say exactly what is said of their namespaces.
    fn use_components(
        &mut self,
        atoms: &Atoms,
        flows: &Flows,
        tiers: &BTreeMap<Home, BTreeSet<Selector>>,
        catalogue: &[(Arc<str>, Declared)],
    ) {
        for (name, component) in catalogue {
            let is_free = component.namespaces.iter().all(|(home, name)| {
                let is_managed = matches!(home, Home::Named(name) if atoms.names.binary_search(name).is_ok());
                let is_other = tiers.keys().any(|other| other != home && *other == Home::Named(name.clone()));
                !is_managed
                    && !is_other
                    && !self.declared.namespaces.contains_key(home)
                    && !self.declared.taken.contains(name)
            });
            if is_free && component.says(flows) {
                self.declared.join(component);
                self.used.push(name.clone());
            }
        }
    }

    fn namespaces<'a>(&mut self, atoms: &Atoms, homes: impl Iterator<Item = &'a Home>) {
        let mut taken: BTreeSet<Arc<str>> = atoms.names.iter().chain(&self.declared.taken).cloned().collect();
        let mut labelled: Vec<&Selector> = Vec::new();
        for home in homes {
            if let Some(name) = self.declared.namespaces.get(home) {
                self.externals.insert(home.clone(), name.clone());
                continue;
            }
            match home {
                Home::Labelled(selector) => labelled.push(selector),
                Home::Named(name) => {
                    if taken.insert(name.clone()) {
                        self.externals.insert(home.clone(), name.clone());
                    }
                }
            }
        }
        labelled.sort_by_key(|selector| (selector.keys().count(), *selector));
        let mut numbers = NumberedNames::default();
        for selector in labelled {
            let mut candidates = names_of(selector, "everywhere");
            candidates.extend(candidates.first().map(|name| format!("{name}-ns")));
            let name: Arc<str> = numbers.free(&candidates, |name| taken.contains(name)).into();
            taken.insert(name.clone());
            self.externals.insert(Home::Labelled(selector.clone()), name);
        }
    }

    /// The selector with the fewest requirements gets the short name, so that a narrower one renames nothing.
    fn name_tiers(&mut self, home: Home, selectors: BTreeSet<Selector>, runs: &[RunningPods]) {
        let mut selectors: Vec<Selector> = selectors.into_iter().filter(|selector| !selector.is_everything()).collect();
        selectors.sort_by_cached_key(|selector| (selector.requirements().len(), selector.clone()));
        let (mut taken, mut named): (BTreeSet<String>, BTreeMap<Selector, Arc<str>>) = Default::default();
        taken.extend(self.declared.taken_tiers.get(&home).into_iter().flatten().map(ToString::to_string));
        let declared = self.declared.tiers.get(&home);
        let mut numbers = NumberedNames::default();
        for selector in selectors {
            if let Some(name) = declared.and_then(|declared| declared.get(&selector)) {
                named.insert(selector, name.clone());
                continue;
            }
            let mut candidates = names_of(&selector, "pods");
            if let Some(run) = RunningPods::only(runs, &home, &selector) {
                // A value that somebody chose is the name that people know, or else what runs there has one.
                let has_value =
                    |one: &Requirement<'_>| matches!(one, Requirement::Equals(_, value) if !value.is_empty());
                let at = if selector.requirements().iter().any(has_value) { candidates.len() } else { 0 };
                candidates.insert(at, run.to_string());
            }
            let name = numbers.free(&candidates, |name| taken.contains(name) || is_built_in(name));
            taken.insert(name.clone());
            named.insert(selector, name.into());
        }
        self.tiers.insert(home, named);
    }

    /// Lists the ports of tiers to which all flows name only those that what runs there has a name for.
    fn list_ports(&mut self, flows: &Flows, runs: &[RunningPods]) {
        if runs.is_empty() {
            return;
        }
        let mut asked: BTreeMap<(&Home, &Selector), Vec<&PortSet>> = BTreeMap::new();
        for flow in &flows.flows {
            if let Place::Pods(home @ Home::Named(_), pods) = flows.places.place(flow.ends.destination)
                && !pods.is_everything()
            {
                asked.entry((home, pods)).or_default().push(&flow.ports);
            }
        }
        for (servers, _) in &flows.dns {
            if let Servers::Tier(place, _) = servers
                && let Place::Pods(home, pods) = flows.places.place(*place)
            {
                asked.remove(&(home, pods));
            }
        }
        for ((home, pods), ports) in asked {
            let is_declared = self.declared.tiers.get(home).is_some_and(|tiers| tiers.contains_key(pods));
            let Some(named) = RunningPods::ports(runs, home, pods).filter(|_| !is_declared) else { continue };
            let known = |ports: &&PortSet| {
                let known = named.iter().map(|(_, one)| one).filter(|one| ports.contains(one));
                PortSet::union_of(known) == **ports
            };
            if ports.iter().all(known) {
                self.ports.insert((home.clone(), pods.clone()), named);
            }
        }
    }

    /// The name of the port that all of some ends list for exactly these ports.
    pub(super) fn port<'p>(&self, ends: impl IntoIterator<Item = &'p Place>, ports: &PortSet) -> Option<Arc<str>> {
        let mut names = ends.into_iter().map(|place| {
            let Place::Pods(home, pods) = place else { return None };
            let listed = self.ports.get(&(home.clone(), pods.clone()))?;
            listed.iter().find(|(_, one)| one == ports).map(|(name, _)| name.clone())
        });
        let first = names.next()??;
        names.all(|name| name.as_ref() == Some(&first)).then_some(first)
    }

    fn name_keys(&mut self, atoms: &Atoms) {
        let new = atoms.names.iter().zip(&atoms.before).filter(|(_, before)| before.is_none());
        for (name, _) in new {
            let tiers = self.tiers.get(&Home::Named(name.clone()));
            if let Some(key) = tiers.and_then(label_key) {
                self.keys.insert(name.clone(), key);
            }
        }
    }

    fn name_cidrs(&mut self, flows: &Flows) {
        let mut lists: BTreeMap<&Vec<IpBlock>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for flow in &flows.flows {
            let both = [flow.ends.source, flow.ends.destination].map(|id| flows.places.place(id));
            for (one, other) in [(both[0], both[1]), (both[1], both[0])] {
                if let Place::Addresses(blocks) = one {
                    lists.entry(blocks).or_default().extend(self.short(other));
                }
            }
        }
        // A tier would be meant in its namespace.
        let (mut taken, mut numbers) = (self.taken(), NumberedNames::default());
        let mut named = BTreeMap::new();
        for (blocks, others) in lists {
            if IpBlock::all_addresses(blocks) == *public_addresses() {
                continue;
            }
            if let Some(name) = self.declared.cidrs.get(blocks) {
                named.insert(blocks.clone(), name.clone());
                continue;
            }
            let (base, word) = name_of_blocks(blocks);
            let other = others.first().map(|other| format!("{other}-{word}"));
            let candidates: Vec<String> = std::iter::once(base).chain(other).collect();
            let is_taken = |name: &str| taken.contains(name) || !crate::net::is_dns_label(name);
            let name: Arc<str> = numbers.free(&candidates, is_taken).into();
            taken.insert(name.clone());
            named.insert(blocks.clone(), name);
        }
        self.cidrs = named;
    }

    /// The names that something of the whole program cannot have.
    pub(super) fn taken(&self) -> BTreeSet<Arc<str>> {
        let tiers = self.tiers.values().flat_map(|tiers| tiers.values());
        let built_in = BuiltIn::ALL.into_iter().map(|one| Arc::from(one.word()));
        tiers.chain(self.cidrs.values()).chain(&self.declared.taken).cloned().chain(built_in).collect()
    }

    /// What an end is called without its namespace; that of all pods of a namespace as this.
    pub(super) fn short(&self, place: &Place) -> Option<Arc<str>> {
        let Place::Pods(home, pods) = place else { return None };
        let tier = self.tiers.get(home).and_then(|tiers| tiers.get(pods));
        let namespace = match home {
            Home::Named(name) => Some(name),
            Home::Labelled(_) => self.externals.get(home),
        };
        tier.or(namespace).cloned()
    }

    /// An end as it is written in the block of a namespace, and whether it is addresses, which stand behind pods.
    pub(super) fn end(&self, place: &Place, block: &Arc<str>) -> (bool, End) {
        let plain = |name: &str| End { namespace: None, name: name.into() };
        match place {
            Place::Anywhere => (false, plain(BuiltIn::Anywhere.word())),
            Place::Addresses(blocks) => match self.cidrs.get(blocks) {
                Some(name) => (true, plain(name)),
                None => (true, plain(BuiltIn::Internet.word())),
            },
            Place::Pods(Home::Labelled(labels), pods) if labels.is_everything() && pods.is_everything() => {
                (false, plain(BuiltIn::Cluster.word()))
            }
            Place::Pods(home, pods) => {
                let name = match self.tiers.get(home).and_then(|tiers| tiers.get(pods)) {
                    Some(tier) => tier.clone(),
                    None => "*".into(),
                };
                let namespace = match home {
                    Home::Named(namespace) => Some(namespace).filter(|namespace| *namespace != block),
                    Home::Labelled(_) => self.externals.get(home),
                };
                (false, End { namespace: namespace.cloned(), name })
            }
        }
    }
}

/// What addresses are called, and what they are called behind the name of those who talk to them.
fn name_of_blocks(blocks: &[IpBlock]) -> (String, String) {
    let nets: Vec<_> = blocks.iter().map(|block| block.cidr).collect();
    let whole = blocks.iter().all(|block| block.cidr.prefix_len() == 0);
    let name = match (whole, blocks) {
        (true, blocks) if blocks.iter().any(|block| !block.except.is_empty()) => "public".to_owned(),
        (true, [_, _, ..]) => "all-addresses".to_owned(),
        (_, [_]) => name_of_addresses(&nets),
        _ => return ("allowed".to_owned(), "peers".to_owned()),
    };
    (name.clone(), name)
}
