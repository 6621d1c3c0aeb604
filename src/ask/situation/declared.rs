//! The names that programs give to pods and addresses.

use super::GroupName;
use crate::flow::{DnsName, DnsService, FlowSet, Namespaces, PartyName, Place};
use crate::net::{NAMESPACE_NAME, Peers, Selector, namespace_by_name};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Names with the sets of ends that they stand for.
pub(super) type Names = BTreeMap<GroupName, Vec<Peers>>;

/// The names of programs.
#[derive(Debug, Default)]
pub(crate) struct DeclaredNames {
    pub names: Names,
    /// What those are that stand for several others, for all pods of a namespace that is not managed, or for those of
    /// every namespace.
    pub wholes: BTreeMap<String, Vec<Peers>>,
    /// The namespaces that are managed, with all that is known of their labels.
    pub managed: BTreeMap<Arc<str>, Selector>,
    /// The DNS servers that no tier names, by their namespace.
    servers: BTreeMap<Arc<str>, BTreeSet<Selector>>,
}

impl DeclaredNames {
    /// The names of some programs; where they give one name to several things, the last one counts.
    pub(crate) fn of(programs: &[&FlowSet]) -> DeclaredNames {
        let mut declared = DeclaredNames::default();
        programs.iter().for_each(|set| declared.add(set));
        declared.name_servers();
        declared
    }

    /// The namespaces that are known by name and not managed.
    pub(crate) fn external(&self) -> BTreeSet<Arc<str>> {
        let named = |peers: &Peers| match peers {
            Peers::Pods { namespaces, .. } => namespaces.required_value(NAMESPACE_NAME).map(<[_]>::to_vec),
            Peers::Any | Peers::Addresses(_) => None,
        };
        let all = self.names.values().chain(self.wholes.values()).flatten().filter_map(named).flatten();
        all.filter(|name| !self.managed.contains_key(name)).collect()
    }

    /// Whether programs call a namespace by its own name.
    pub(super) fn has_namespace(&self, name: &str) -> bool {
        self.managed.contains_key(name) || self.wholes.contains_key(&format!("{name}/*"))
    }

    fn add(&mut self, set: &FlowSet) {
        for namespace in &set.namespaces {
            let known = self.managed.entry(namespace.name.clone()).or_default();
            *known = agreed(known, &namespace.labels);
        }
        for party in &set.parties {
            match (&party.place, group_name(&party.name, party.place.as_ref())) {
                (Some(place), Some(name)) => _ = self.names.insert(name, set.peers(place)),
                (None, _) => {
                    let places = party.leaves.iter().filter_map(|leaf| set.party(*leaf)?.place.as_ref());
                    self.wholes.insert(party_text(&party.name), places.flat_map(|place| set.peers(place)).collect());
                }
                (Some(place @ Place::Pods { namespaces: Namespaces::Every | Namespaces::Named(_), .. }), None) => {
                    self.wholes.insert(party_text(&party.name), set.peers(place));
                }
                (Some(_), None) => {}
            }
        }
        for server in set.namespaces.iter().flat_map(|namespace| &namespace.dns) {
            if let Some((home, pods)) = dns_pods(set, server) {
                self.servers.entry(home).or_default().insert(pods);
            }
        }
    }

    /// Names the DNS servers of each namespace that no tier names; where several settings mean several of them, those that
    /// have all others in them.
    fn name_servers(&mut self) {
        for (home, all) in std::mem::take(&mut self.servers) {
            let peers =
                |pods: &Selector| vec![Peers::Pods { namespaces: namespace_by_name(&home), pods: pods.clone() }];
            let widest = all.iter().find(|wide| all.iter().all(|pods| wide.contains(pods)));
            for pods in &all {
                let name = match widest.or(all.first()) == Some(pods) {
                    true => GroupName::Dns(home.clone()),
                    false => GroupName::Selected(Some(home.clone()), Selector::everything(), pods.clone()),
                };
                self.names.entry(name).or_insert_with(|| peers(pods));
            }
        }
    }
}

/// What two programs say of the labels of one namespace; where they do not agree, nothing.
fn agreed(one: &Selector, other: &Selector) -> Selector {
    let both = one.and(other);
    let agreed = both.entries().filter(|(_, values)| !values.is_nothing());
    agreed.map(|(key, values)| (key.clone(), values.clone())).collect()
}

/// Everything that ends are told apart by, and the name that each mark belongs to.
pub(super) fn marks_of(names: &Names) -> (Vec<&GroupName>, Vec<Peers>) {
    let owners = names.iter().flat_map(|(name, peers)| peers.iter().map(move |_| name)).collect();
    (owners, names.values().flatten().cloned().collect())
}

fn group_name(name: &PartyName, place: Option<&Place>) -> Option<GroupName> {
    match (name, place?) {
        (PartyName::Local(namespace, name), Place::Pods { .. }) => {
            Some(GroupName::Tier(namespace.clone(), name.clone()))
        }
        (PartyName::AllPods(namespace), Place::Pods { namespaces: Namespaces::Labelled(_), .. }) => {
            Some(GroupName::Labelled(namespace.clone()))
        }
        (PartyName::Local(namespace, name), _) => Some(GroupName::Cidr(Some(namespace.clone()), name.clone())),
        (PartyName::Global(name), _) => Some(GroupName::Cidr(None, name.clone())),
        (PartyName::BuiltIn(name), Place::Addresses(_) | Place::Unlisted(_)) => Some(GroupName::BuiltIn(name)),
        _ => None,
    }
}

fn party_text(name: &PartyName) -> String {
    match name {
        PartyName::Local(namespace, name) => format!("{namespace}/{name}"),
        PartyName::Global(name) => name.to_string(),
        PartyName::AllPods(namespace) => format!("{namespace}/*"),
        PartyName::BuiltIn(name) => (*name).to_owned(),
    }
}

/// The DNS servers of a setting that no tier names: their namespace and their labels.
fn dns_pods(set: &FlowSet, server: &DnsService) -> Option<(Arc<str>, Selector)> {
    let pods = server.pods.as_ref()?;
    let Place::Pods { namespaces, pods: labels } = &pods.place else { return None };
    let named = matches!(pods.name, DnsName::Tier(..));
    let namespace = set.namespace_selector(namespaces);
    let [name] = namespace.required_value(NAMESPACE_NAME)? else { return None };
    (!named).then(|| (name.clone(), labels.clone()))
}
