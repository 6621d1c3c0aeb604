//! Names for sets of ends: few names, which say exactly the set.

use super::Version;
use crate::analyze::{End, EndId, Group, GroupName, Situation, Truth, World};
use crate::flow::NAMESPACE_NAME;
use crate::net::{AddressSet, Selector};
use crate::policy::{Peer, Policy};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// More names than these are worth an attempt to say whom they leave out.
const MANY: usize = 3;

/// The names of a situation.
pub(super) struct Names<'s> {
    situation: &'s Situation,
    /// Each name with its ends, sorted; the names that people know best first.
    names: Vec<Name>,
    /// The names of each end.
    of: Vec<Vec<usize>>,
}

struct Name {
    text: String,
    ends: Vec<EndId>,
    /// Whether it is only an example of the pods that it stands for.
    is_example: bool,
}

/// Names that together are some ends.
#[derive(Debug, Default)]
struct Cover {
    names: Vec<String>,
    /// How many of them are only examples.
    examples: usize,
}

impl Cover {
    /// How bad it is.
    fn cost(&self) -> (usize, usize) {
        (self.examples, self.names.len())
    }
}

impl<'s> Names<'s> {
    /// The names of a situation, those of the newer version before those that only the older one has; where nobody named
    /// its pods, what the policies select, too.
    pub fn new(situation: &'s Situation, [old, new]: [&Version<'_>; 2]) -> Self {
        let is_example = |name: &GroupName| matches!(name, GroupName::Pods(..));
        let group = |group: &Group| Name {
            text: group.name.to_string(),
            ends: group.ends.clone(),
            is_example: is_example(&group.name),
        };
        let name = |text: String, ends| Name { text, ends, is_example: false };
        let mut names: Vec<Name> = situation.groups.iter().map(group).collect();
        names.extend(situation.unions().map(|(text, ends)| name(text.to_owned(), ends.to_vec())));
        if names.iter().any(|name| name.is_example) {
            let selected = selected(&situation.world, &[old.policies, new.policies]);
            names.extend(selected.into_iter().map(|(text, ends)| name(text, ends)));
        }
        let declared = |version: &Version<'_>| -> BTreeSet<(Option<Arc<str>>, Arc<str>)> {
            version.program.map(|program| program.declared.clone()).unwrap_or_default()
        };
        let (before, after) = (declared(old), declared(new));
        let is_gone = |text: &str| {
            let known = match text.split_once('/') {
                Some((namespace, name)) => (Some(Arc::from(namespace)), Arc::from(name)),
                None => (None, Arc::from(text)),
            };
            before.contains(&known) && !after.contains(&known)
        };
        names.sort_by_cached_key(|name| (name.is_example, is_gone(&name.text)));
        names.retain(|name| !name.ends.is_empty());
        let mut of = vec![Vec::new(); situation.world.ends.len()];
        for (index, name) in names.iter().enumerate() {
            for end in &name.ends {
                of.get_mut(end.0 as usize).into_iter().for_each(|of| of.push(index));
            }
        }
        Names { situation, names, of }
    }

    /// Names that together are exactly these ends, which are sorted: as few as can be, and in the order of the ends.
    pub fn of(&self, ends: &[EndId]) -> Vec<String> {
        let mut best = self.best(ends);
        if best.examples > 0 {
            let mut by_namespace: BTreeMap<Option<&Arc<str>>, Vec<EndId>> = BTreeMap::new();
            for end in ends {
                let namespace = self.situation.world.namespace_of(*end).and_then(|one| one.name.as_ref());
                by_namespace.entry(namespace).or_default().push(*end);
            }
            let mut parts = Cover::default();
            for part in by_namespace.values() {
                let part = self.best(part);
                parts.names.extend(part.names);
                parts.examples += part.examples;
            }
            if parts.cost() < best.cost() {
                best = parts;
            }
        }
        best.names
    }

    /// The names themselves, or one from which others are taken away.
    fn best(&self, ends: &[EndId]) -> Cover {
        let plain = self.cover(ends);
        if plain.examples == 0 && plain.names.len() <= MANY {
            return plain;
        }
        let wider = ends.first().and_then(|end| self.of.get(end.0 as usize)).into_iter().flatten();
        let wider = wider.filter_map(|index| self.names.get(*index));
        let holds = |name: &&Name| !name.is_example && ends.iter().all(|end| name.ends.binary_search(end).is_ok());
        let wider = wider.filter(holds).min_by_key(|name| name.ends.len());
        let Some(whole) = wider else { return plain };
        let rest: Vec<EndId> = whole.ends.iter().copied().filter(|end| ends.binary_search(end).is_err()).collect();
        let rest = self.cover(&rest);
        if rest.names.len() > MANY || rest.cost() >= plain.cost() {
            return plain;
        }
        Cover { names: vec![format!("{} except {}", whole.text, rest.names.join(", "))], examples: rest.examples }
    }

    fn cover(&self, ends: &[EndId]) -> Cover {
        let mut hits: BTreeMap<usize, usize> = BTreeMap::new();
        for name in ends.iter().filter_map(|end| self.of.get(end.0 as usize)).flatten() {
            *hits.entry(*name).or_default() += 1;
        }
        let whole = |(index, hits): (usize, usize)| {
            self.names.get(index).filter(|name| name.ends.len() == hits).map(|name| (index, name))
        };
        let mut inside: Vec<(usize, &Name)> = hits.into_iter().filter_map(whole).collect();
        inside.sort_by_key(|(index, name)| (name.is_example, Reverse(name.ends.len()), *index));
        let mut left: BTreeSet<EndId> = ends.iter().copied().collect();
        let mut chosen: Vec<(EndId, String)> = Vec::new();
        let mut examples = 0;
        for (_, name) in inside {
            let Some(first) = name.ends.iter().find(|end| left.contains(end)) else { continue };
            chosen.push((*first, name.text.clone()));
            examples += usize::from(name.is_example);
            name.ends.iter().for_each(|end| _ = left.remove(end));
            if left.is_empty() {
                break;
            }
        }
        let mut addresses = AddressSet::empty();
        let mut first_address = None;
        for end in left {
            match self.situation.world.end(end) {
                Some(End::Addresses { addresses: some, .. }) => {
                    addresses = addresses.union(some);
                    first_address.get_or_insert(end);
                }
                _ => {
                    chosen.push((end, self.example(end)));
                    examples += 1;
                }
            }
        }
        if let Some(first) = first_address {
            chosen.push((first, GroupName::Addresses(addresses).to_string()));
        }
        chosen.sort();
        chosen.dedup_by(|a, b| a.1 == b.1);
        Cover { names: chosen.into_iter().map(|(_, name)| name).collect(), examples }
    }

    /// A kind of pods that no name says exactly, by the labels of one.
    fn example(&self, end: EndId) -> String {
        let world = &self.situation.world;
        let (Some(pods), Some(namespace)) = (world.pods(end), world.namespace_of(end)) else { return String::new() };
        let mut beside = namespace.labels.clone();
        beside.remove(NAMESPACE_NAME);
        GroupName::Pods(namespace.name.clone(), beside, pods.labels.clone()).to_string()
    }
}

/// The namespace, or what is asked of it, and what is asked of the pods.
type Selected<'a> = (Option<&'a Arc<str>>, Option<&'a Selector>, &'a Selector);

/// What policies select, as the language writes it, and the ends of that.
fn selected(world: &World, policies: &[&[Policy]]) -> Vec<(String, Vec<EndId>)> {
    let mut wanted: BTreeSet<Selected<'_>> = BTreeSet::new();
    for policy in policies.iter().copied().flatten() {
        wanted.insert((Some(&policy.namespace), None, &policy.subject));
        let rules = policy.ingress.iter().chain(&policy.egress).flatten();
        for peer in rules.flat_map(|rule| &rule.peers) {
            match peer {
                Peer::Pods { namespaces: Some(namespaces), pods } => _ = wanted.insert((None, Some(namespaces), pods)),
                Peer::Pods { namespaces: None, pods } => _ = wanted.insert((Some(&policy.namespace), None, pods)),
                Peer::Block(_) => {}
            }
        }
    }
    let named = |(home, namespaces, pods): Selected<'_>| {
        let is_in = |end: &EndId| {
            let (Some(kind), Some(namespace)) = (world.pods(*end), world.namespace_of(*end)) else { return false };
            let right = match namespaces {
                Some(namespaces) => namespace.matches(namespaces) == Truth::Yes,
                None => namespace.name.as_ref() == home,
            };
            right && pods.matches(&kind.labels)
        };
        let mut name = match (home, namespaces) {
            (Some(home), _) => home.to_string(),
            (None, Some(one)) => match one.required_value(NAMESPACE_NAME) {
                Some([name]) if one.keys().count() == 1 => name.to_string(),
                _ if one.is_everything() => "*".to_owned(),
                _ => format!("({one})"),
            },
            (None, None) => String::new(),
        };
        match pods.is_everything() {
            true => name.push_str("/*"),
            false => _ = write!(name, "/({pods})"),
        }
        (name, world.ids().filter(is_in).collect())
    };
    wanted.into_iter().map(named).collect()
}
