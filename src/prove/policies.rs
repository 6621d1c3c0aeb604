//! What NetworkPolicies grant.

use super::counterexample::{Counterexample, Difference};
use super::grants::Grants;
use super::side::lacks;
use crate::cover::Budget;
use crate::flow::{FlowSet, ManagedNamespace, Place};
use crate::net::{Direction, Peers, PortSet, Region, Selector};
use crate::netpol::{Peer, Policy, PolicyKind, Port, Rule};
use crate::table::Table;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What policies grant in the namespaces of a program. They are given one after another, so that they need not all be held
/// at once.
#[derive(Debug)]
pub struct PolicyGrants<'a> {
    set: &'a FlowSet,
    homes: FxHashMap<&'a str, usize>,
    grants: Grants,
    /// The names of the policies of each managed namespace, with the kind of each.
    names: Table<usize, Vec<(Box<str>, PolicyKind)>>,
    /// What the plugin learns names from in each managed namespace.
    learning: Table<usize, Vec<Region>>,
    /// The namespace and the name of the first of the other policies.
    elsewhere: Option<(Arc<str>, String)>,
}

impl<'a> PolicyGrants<'a> {
    /// What no policy grants in the namespaces of `set`.
    pub fn new(set: &'a FlowSet) -> Self {
        let homes = set.namespaces.iter().enumerate().map(|(index, namespace)| (&*namespace.name, index));
        PolicyGrants {
            set,
            homes: homes.collect(),
            grants: Grants::new(set.namespaces.len()),
            names: vec![Vec::new(); set.namespaces.len()].into(),
            learning: vec![Vec::new(); set.namespaces.len()].into(),
            elsewhere: None,
        }
    }

    /// Adds what a policy isolates and grants.
    pub fn add(&mut self, policy: &Policy) {
        let Some(home) = self.homes.get(&*policy.namespace).copied() else {
            self.elsewhere.get_or_insert_with(|| (policy.namespace.clone(), policy.name.to_string()));
            return;
        };
        let namespace = &self.set.namespaces[home];
        self.names[home].push(((*policy.name).into(), policy.kind));
        for (direction, rules) in [(Direction::Ingress, &policy.ingress), (Direction::Egress, &policy.egress)] {
            let Some(rules) = rules else { continue };
            let side = self.grants.get_mut(home, direction);
            side.isolated.push(policy.subject.clone());
            for rule in rules {
                side.granted.extend(granted(&policy.subject, &namespace.selector, rule));
                if rule.learns_names && direction == Direction::Egress {
                    self.learning[home].extend(granted(&policy.subject, &namespace.selector, rule));
                }
            }
        }
    }

    /// Adds what other policies grant in the same namespaces.
    pub fn append(&mut self, others: PolicyGrants<'a>) {
        self.grants.append(others.grants);
        for (names, more) in self.names.iter_mut().zip(others.names) {
            names.extend(more);
        }
        for (learning, more) in self.learning.iter_mut().zip(others.learning) {
            learning.extend(more);
        }
        self.elsewhere = self.elsewhere.take().or(others.elsewhere);
    }

    /// What the policies that were added, and no others, grant. No two of a kind may have the same name, none may be in a
    /// namespace that is not managed, and the addresses of all names that are granted have to be learnt.
    pub fn finish(mut self) -> Result<Grants, Counterexample> {
        for (namespace, names) in self.set.namespaces.iter().zip(self.names.iter_mut()) {
            names.sort_unstable();
            if let Some([(name, _), _]) = names.array_windows().find(|[one, next]| one == next) {
                return Err(Counterexample::new(&namespace.name, Difference::SameName(name.to_string())));
            }
        }
        for (home, namespace) in self.set.namespaces.iter().enumerate() {
            let granted = &self.grants.get(home, Direction::Egress).granted;
            if let Some(name) = unlearnt(self.set, namespace, granted, &self.learning[home]) {
                return Err(Counterexample::new(&namespace.name, Difference::Unlearnt(name)));
            }
        }
        match self.elsewhere {
            Some((namespace, name)) => Err(Counterexample::new(&namespace, Difference::Unmanaged(name))),
            None => Ok(self.grants),
        }
    }
}

impl Grants {
    /// What some policies grant in the namespaces of `set`; see [`PolicyGrants::finish`].
    pub fn of_policies(set: &FlowSet, policies: &[Policy]) -> Result<Grants, Counterexample> {
        let mut grants = PolicyGrants::new(set);
        policies.iter().for_each(|policy| grants.add(policy));
        grants.finish()
    }
}

/// A name that is granted to pods who do not ask every DNS server of theirs in a way from which its addresses are learnt.
fn unlearnt(set: &FlowSet, namespace: &ManagedNamespace, granted: &[Region], learning: &[Region]) -> Option<String> {
    /// Comparisons of regions: names are granted by few policies, and each has rules of its own for it.
    const BUDGET: usize = 1_000_000;
    let mut budget = Budget::new(BUDGET);
    let names = granted.iter().filter_map(|region| match &region.peers {
        Peers::Addresses(all) => Some((region, all.names().example()?)),
        Peers::Any | Peers::Pods { .. } => None,
    });
    let everybody = || Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
    let by: Vec<&Region> = learning.iter().collect();
    for (region, name) in names {
        let mut asked = namespace.dns.iter().flat_map(|server| {
            let peers = match &server.place {
                Place::Any => vec![everybody()],
                place @ (Place::Pods { .. } | Place::Addresses(_) | Place::Unlisted(_)) => set.peers(place),
            };
            peers.into_iter().map(|peers| Region {
                subject: region.subject.clone(),
                peers,
                ports: server.ports.clone(),
            })
        });
        let is_lacking = asked.any(|one| lacks(&one, &by, Direction::Egress, &mut budget).unwrap_or(true));
        if is_lacking || namespace.dns.is_empty() {
            return Some(name);
        }
    }
    None
}

/// What a rule grants to `subject`, in the namespace that `own` finds.
pub fn granted<'a>(subject: &'a Selector, own: &'a Selector, rule: &'a Rule) -> impl Iterator<Item = Region> + 'a {
    let ports = match rule.ports.as_slice() {
        [] => PortSet::everything(),
        [port] => port.set(),
        several => PortSet::union_of(&several.iter().map(Port::set).collect::<Vec<_>>()),
    };
    let anyone = rule.peers.is_empty().then_some(Peers::Any);
    let listed = rule.peers.iter().map(|peer| match peer {
        Peer::Block(block) => Peers::Addresses(block.addresses()),
        Peer::Unlisted(unlisted) => Peers::Addresses(unlisted.addresses()),
        Peer::Pods { namespaces, pods } => {
            Peers::Pods { namespaces: namespaces.as_ref().unwrap_or(own).clone(), pods: pods.clone() }
        }
    });
    let peers = anyone.into_iter().chain(listed);
    peers.map(move |peers| Region { subject: subject.clone(), peers, ports: ports.clone() })
}
