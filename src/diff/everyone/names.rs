//! Names for sets of ends: few names, which say exactly the set.

use super::super::origin::{Version, gone};
use super::parts::{MOST_PARTS, only};
use crate::ask::{Ends, Everyone, GroupName, Set, SpacePods, Whom, selector_text};
use crate::cover::{Budget, GaveUp};
use crate::net::{AddressSet, NAMESPACE_NAME, Peers, Selector, namespace_by_name};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// So many namespaces are told that are left out.
const MANY: usize = 3;

/// The names of everyone.
pub(super) struct Names<'e, 'p> {
    pub everyone: &'e Everyone<'p>,
    /// What is called so, by what one selector or one set of addresses says.
    by_peers: FxHashMap<Peers, String>,
    /// The addresses that have a name, the narrowest last.
    addresses: Vec<(AddressSet, String)>,
}

impl<'e, 'p> Names<'e, 'p> {
    /// The names, those of the newer version before those that only the older one has.
    pub(super) fn new(everyone: &'e Everyone<'p>, versions: [&Version<'_>; 2]) -> Self {
        let is_gone = gone(versions);
        // Of names that say the same here, the one that says least elsewhere.
        let is_wide = |text: &str| matches!(text, "cluster" | "anywhere");
        let groups = everyone.groups.iter().map(|group| (group.name.to_string(), &group.set));
        let mut all: Vec<(String, &Set)> =
            groups.chain(everyone.unions().map(|(name, set)| (name.to_owned(), set))).collect();
        let is_rest = |set: &Set| {
            set.less.is_empty() && matches!(set.peers.as_slice(), [Peers::Pods { pods, .. }] if pods.is_everything())
        };
        all.sort_by_cached_key(|(name, set)| (is_gone(name), is_rest(set) && !name.ends_with("/*"), is_wide(name)));
        let mut by_peers = FxHashMap::default();
        let mut addresses = Vec::new();
        for (name, set) in all {
            let Some(peers) = set.as_peers() else { continue };
            if let Peers::Addresses(known) = &peers {
                addresses.push((known.clone(), name.clone()));
            }
            by_peers.entry(peers).or_insert(name);
        }
        Names { everyone, by_peers, addresses }
    }

    /// Names of ends that belong together in several ways, without what others of them say.
    pub(super) fn of_all(&self, all: &[Whom], ends: &[Ends], budget: &mut Budget) -> Result<Vec<String>, GaveUp> {
        if let [one] = all {
            return self.of(Some(one), ends, budget);
        }
        if let Some(name) = self.whole(ends, budget)? {
            return Ok(vec![name]);
        }
        let mut names = Vec::new();
        let mut addresses = AddressSet::empty();
        let mut pods: BTreeMap<Option<usize>, Vec<Ends>> = BTreeMap::new();
        for whom in all {
            match (only(whom), whom.ends.as_slice()) {
                (_, [Ends::Addresses(some)]) => addresses = addresses.union(some),
                (_, [Ends::Pods(one)]) => pods.entry(one.home).or_default().push(Ends::Pods(one.clone())),
                _ => names.extend(self.of(Some(whom), &whom.ends, budget)?),
            }
        }
        for ends in pods.into_values() {
            names.extend(self.of(None, &ends, budget)?);
        }
        names.extend(self.of_addresses(&addresses));
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Names that together are exactly these ends.
    pub(super) fn of(&self, whom: Option<&Whom>, ends: &[Ends], budget: &mut Budget) -> Result<Vec<String>, GaveUp> {
        if let Some((peers, less)) = whom.and_then(only) {
            return Ok(self.of_set(peers, less));
        }
        if let Some(name) = self.whole(ends, budget)? {
            return Ok(vec![name]);
        }
        let mut names: Vec<String> = Vec::new();
        let mut addresses = AddressSet::empty();
        for end in ends {
            match end {
                Ends::Addresses(some) => addresses = addresses.union(some),
                Ends::Pods(pods) => names.push(self.of_pods(pods)),
            }
        }
        names.extend(self.of_addresses(&addresses));
        let mut known = BTreeSet::new();
        names.retain(|name| known.insert(name.clone()));
        Ok(names)
    }

    /// The name of all pods of a namespace, of all pods or of everybody, but for few namespaces, if that is what these are.
    fn whole(&self, ends: &[Ends], budget: &mut Budget) -> Result<Option<String>, GaveUp> {
        let space = &self.everyone.space;
        let mut by_home: BTreeMap<Option<usize>, Vec<Ends>> = BTreeMap::new();
        let mut addresses = AddressSet::empty();
        for end in ends {
            match end {
                Ends::Addresses(some) => addresses = addresses.union(some),
                Ends::Pods(pods) => by_home.entry(pods.home).or_default().push(end.clone()),
            }
        }
        let everywhere = addresses.has_all();
        if ends.len() < 2 || !(everywhere || addresses.is_empty()) {
            return Ok(None);
        }
        for (home, parts) in &by_home {
            let whole = home.map_or_else(|| space.others(), |home| Ends::Pods(space.all_of(home)));
            if parts.len() > MOST_PARTS || !space.covers(parts, &whole, budget)? {
                return Ok(None);
            }
        }
        let name = |home: &usize| space.homes().get(*home).map(|home| format!("{}/*", home.name)).unwrap_or_default();
        let missing: Vec<usize> = (0..space.homes().len()).filter(|home| !by_home.contains_key(&Some(*home))).collect();
        let wide = if everywhere { "anywhere" } else { "cluster" };
        Ok(match (by_home.keys().collect::<Vec<_>>().as_slice(), missing.as_slice()) {
            ([Some(home)], _) if !everywhere => Some(name(home)),
            ([None], _) if !everywhere => Some(GroupName::Rest(None).to_string()),
            (homes, _) if !homes.contains(&&None) => None,
            (_, []) => Some(wide.to_owned()),
            (_, missing) if missing.len() <= MANY => {
                let missing: Vec<String> = missing.iter().map(name).collect();
                Some(format!("{wide} except {}", missing.join(", ")))
            }
            _ => None,
        })
    }

    fn of_set(&self, peers: &Peers, less: &[Peers]) -> Vec<String> {
        if let Peers::Addresses(all) = peers {
            return self.of_addresses(all);
        }
        let name = self.of_peers(peers);
        if less.is_empty() {
            return vec![name];
        }
        let mut out: Vec<String> = less.iter().map(|one| self.of_peers(one)).collect();
        out.sort();
        out.dedup();
        vec![format!("{name} except {}", out.join(", "))]
    }

    fn of_peers(&self, peers: &Peers) -> String {
        if let Some(name) = self.by_peers.get(peers) {
            return name.clone();
        }
        match peers {
            Peers::Any => "anywhere".to_owned(),
            Peers::Addresses(all) => GroupName::Addresses(all.clone()).to_string(),
            Peers::Pods { namespaces, pods } if namespaces.is_everything() && pods.is_everything() => {
                "cluster".to_owned()
            }
            Peers::Pods { namespaces, pods } => match namespaces.required_value(NAMESPACE_NAME) {
                Some([name]) => {
                    let beside = without_name(namespaces);
                    let whole = pods.is_everything();
                    let pods = if whole { "*".to_owned() } else { selector_text(pods) };
                    format!("{name}{}/{pods}", selector_text(&beside))
                }
                _ => GroupName::Selected(None, namespaces.clone(), pods.clone()).to_string(),
            },
        }
    }

    /// Pods of one namespace, or of all that have no name, less some.
    fn of_pods(&self, pods: &SpacePods) -> String {
        let home = pods.home.and_then(|home| self.everyone.space.homes().get(home));
        let Some(home) = home else { return self.of_others(pods) };
        let named = |namespaces: &Selector, labels: &Selector| {
            let namespaces = namespace_by_name(&home.name).and(namespaces);
            Peers::Pods { namespaces, pods: labels.clone() }
        };
        let less: Vec<Peers> = pods.less.iter().map(|(namespaces, labels)| named(namespaces, labels)).collect();
        self.of_set(&named(&pods.namespaces, &pods.labels), &less).concat()
    }

    fn of_others(&self, pods: &SpacePods) -> String {
        let peers = |namespaces: &Selector, labels: &Selector| Peers::Pods {
            namespaces: namespaces.clone(),
            pods: labels.clone(),
        };
        let less: Vec<Peers> = pods.less.iter().map(|(namespaces, labels)| peers(namespaces, labels)).collect();
        if pods.namespaces.required_value(NAMESPACE_NAME).is_some() {
            return self.of_set(&peers(&pods.namespaces, &pods.labels), &less).concat();
        }
        let others = GroupName::Rest(None).to_string();
        let beside = selector_text(&without_name(&pods.namespaces));
        let name = match pods.labels.is_everything() {
            true if beside.is_empty() => others,
            true => format!("{others}{beside}/*"),
            false => format!("{others}{beside}/{}", selector_text(&pods.labels)),
        };
        if less.is_empty() {
            return name;
        }
        let out: BTreeSet<String> = less.iter().map(|one| self.of_peers(one)).collect();
        format!("{name} except {}", out.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Addresses by those that have a name, as far as they go.
    fn of_addresses(&self, all: &AddressSet) -> Vec<String> {
        if all.is_empty() {
            return Vec::new();
        }
        if all.has_all() {
            return vec![GroupName::Addresses(all.clone()).to_string()];
        }
        if let Some(name) = self.by_peers.get(&Peers::Addresses(all.clone())) {
            return vec![name.clone()];
        }
        let mut left = all.clone();
        let mut names = Vec::new();
        for (known, name) in &self.addresses {
            if !known.is_empty() && all.contains(known) && left.overlaps(known) {
                left = left.subtract(known);
                names.push(name.clone());
            }
        }
        if !left.is_empty() {
            names.push(GroupName::Addresses(left).to_string());
        }
        names
    }
}

/// What is asked of a namespace beside its name.
fn without_name(namespaces: &Selector) -> Selector {
    let mut beside = Selector::everything();
    for (key, values) in namespaces.entries().filter(|(key, _)| &***key != NAMESPACE_NAME) {
        beside.require(key.clone(), values.clone());
    }
    beside
}
