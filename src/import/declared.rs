//! What has a name already: in the program that policies become a part of, or in the catalogue.

use super::flows::Flows;
use super::places::{Home, Place};
use crate::model::{Model, NamespaceKind};
use crate::net::{IpBlock, PortSet, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Names that are declared, and what for.
#[derive(Debug, Default)]
pub struct Declared {
    /// Namespaces of others, and managed ones.
    pub(super) namespaces: BTreeMap<Home, Arc<str>>,
    /// Their tiers.
    pub(super) tiers: BTreeMap<Home, BTreeMap<Selector, Arc<str>>>,
    /// The ports of the tiers that list some.
    served: BTreeMap<(Home, Selector), PortSet>,
    /// Names of tiers that are taken.
    pub(super) taken_tiers: BTreeMap<Home, BTreeSet<Arc<str>>>,
    /// Lists of addresses.
    pub(super) cidrs: BTreeMap<Vec<IpBlock>, Arc<str>>,
    /// Names of the whole program that are taken.
    pub(super) taken: BTreeSet<Arc<str>>,
}

impl Declared {
    /// What a program declares.
    pub fn of(model: &Model) -> Declared {
        let mut declared = Declared::default();
        let home = |kind: &NamespaceKind, name: &Arc<str>| match kind {
            NamespaceKind::External(Some(selector)) => match Home::of(selector).as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            NamespaceKind::External(None) | NamespaceKind::Managed(_) => Some(Home::Named(name.clone())),
        };
        for namespace in model.namespaces.iter() {
            declared.taken.insert(namespace.declared.clone());
            if let Some(home) = home(&namespace.kind, &namespace.name) {
                declared.namespaces.entry(home).or_insert_with(|| namespace.declared.clone());
            }
        }
        for tier in model.tiers.iter() {
            let Some(namespace) = model.namespace(tier.namespace) else { continue };
            let Some(home) = home(&namespace.kind, &namespace.name) else { continue };
            declared.taken_tiers.entry(home.clone()).or_default().insert(tier.name.clone());
            let tiers = declared.tiers.entry(home.clone()).or_default();
            if tiers.contains_key(&tier.selector) {
                continue;
            }
            if let Some(served) = &tier.served {
                declared.served.insert((home, tier.selector.clone()), served.clone());
            }
            tiers.insert(tier.selector.clone(), tier.name.clone());
        }
        for cidr in &model.cidrs {
            // One of a namespace is not known outside of it, and there, no other one of its name can be meant.
            if cidr.namespace.is_none() {
                declared.cidrs.entry(cidr.blocks.clone()).or_insert_with(|| cidr.name.clone());
            }
            declared.taken.insert(cidr.name.clone());
        }
        let others = model.groups.iter().map(|group| &group.name).chain(model.fqdns.iter().map(|fqdn| &fqdn.name));
        declared.taken.extend(others.cloned());
        declared
    }

    /// Whether a flow to a tier may name these ports.
    pub(super) fn serves(&self, home: &Home, pods: &Selector, ports: &PortSet) -> bool {
        self.served.get(&(home.clone(), pods.clone())).is_none_or(|served| served.contains(ports))
    }

    /// Takes over what another one declares.
    pub(super) fn join(&mut self, other: &Declared) {
        self.namespaces.extend(other.namespaces.clone());
        self.tiers.extend(other.tiers.clone());
        self.taken_tiers.extend(other.taken_tiers.clone());
        self.taken.extend(other.namespaces.values().cloned());
    }

    /// Whether all that flows say of its namespaces is in the words of its tiers, and some of it is.
    pub(super) fn says(&self, flows: &Flows) -> bool {
        let mut is_used = false;
        for flow in &flows.flows {
            for (end, is_destination) in [(flow.ends.source, false), (flow.ends.destination, true)] {
                let Place::Pods(home, pods) = flows.places.place(end) else { continue };
                let Some(tiers) = self.tiers.get(home).filter(|_| self.namespaces.contains_key(home)) else { continue };
                if pods.is_everything() {
                    continue;
                }
                if !tiers.contains_key(pods) || (is_destination && !self.serves(home, pods, &flow.ports)) {
                    return false;
                }
                is_used = true;
            }
        }
        is_used
    }
}
