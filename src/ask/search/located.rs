//! Where pods could be, as labels that no pod can have and only the judges see: so that a set of pods, which is a matter of
//! labels, can also be those that are in an address block.

use crate::engine::addresses;
use crate::net::{AddressSet, Facts, Family, Selector, Values};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The key under which the address of a pod stands; a label cannot have it.
fn key(family: Family) -> &'static str {
    match family {
        Family::V4 => "(IPv4 address)",
        Family::V6 => "(IPv6 address)",
    }
}

/// The pods in a block, over each family.
type PodsInBlock = Vec<(Family, Selector)>;

/// The kinds of addresses that pods can have and some blocks tell apart.
#[derive(Debug, Default)]
pub(super) struct Located {
    /// What each block comes to.
    known: BTreeMap<AddressSet, PodsInBlock>,
    /// Every pod: where all of them can be.
    everywhere: Selector,
    /// The families that pods have, as far as it matters.
    families: Vec<Family>,
}

impl Located {
    /// Tells apart where pods can be that some of the blocks may match.
    pub(super) fn new<'b>(facts: &Facts, blocks: impl Iterator<Item = &'b AddressSet>) -> Located {
        let mut located = Located::default();
        if !facts.matches().pods.is_possible() {
            return located;
        }
        let blocks: BTreeSet<&AddressSet> = blocks.filter(|block| block.overlaps(facts.pod_addresses())).collect();
        let blocks: Vec<&AddressSet> = blocks.into_iter().collect();
        for family in Family::ALL.into_iter().filter(|_| !blocks.is_empty()) {
            located.add(family, &facts.pod_addresses().of_family(family), &blocks);
        }
        located
    }

    fn add(&mut self, family: Family, all: &AddressSet, blocks: &[&AddressSet]) {
        let here: Vec<AddressSet> = blocks.iter().map(|block| block.intersect(all)).collect();
        let kinds = addresses::kinds(&here).into_iter().filter(|(kind, _)| kind.overlaps(all));
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut inside: BTreeMap<usize, Vec<Arc<str>>> = BTreeMap::new();
        for (place, (_, holding)) in kinds.enumerate() {
            let name: Arc<str> = place.to_string().into();
            holding.into_iter().for_each(|block| inside.entry(block).or_default().push(name.clone()));
            names.push(name);
        }
        if names.is_empty() {
            return;
        }
        self.families.push(family);
        self.everywhere.require(key(family), Values::one_of(names));
        for (block, names) in inside {
            let mut there = Selector::everything();
            there.require(key(family), Values::one_of(names));
            if let Some(block) = blocks.get(block) {
                self.known.entry((*block).clone()).or_default().push((family, there));
            }
        }
    }

    /// Pods with these labels, each of which has an address that pods can have.
    pub(super) fn pods(&self, labels: &Selector) -> Selector {
        labels.and(&self.everywhere)
    }

    /// The pods that are in one of the blocks that were given, over each family; none where no pod can be.
    pub(super) fn inside(&self, block: &AddressSet) -> &[(Family, Selector)] {
        self.known.get(block).map(Vec::as_slice).unwrap_or_default()
    }

    /// The families that matter: all pods have an address of each.
    pub(super) fn families(&self) -> &[Family] {
        &self.families
    }

    /// Takes out of the labels of an example what is no label.
    pub(super) fn forget(labels: &mut BTreeMap<String, String>) {
        Family::ALL.into_iter().for_each(|family| _ = labels.remove(key(family)));
    }
}
