//! Who may reach whom, by the flows as they are written: known even while the program has errors.

use super::program::Program;
use crate::model::{Endpoint, Flow, Isolated, Model, NamespaceId, TierId};
use crate::net::{AddressSet, Direction, Selector, SelectorIndex};
use std::collections::{BTreeMap, BTreeSet};

/// The flows of a program by their ends.
pub struct Reach<'a> {
    model: &'a Model,
    from: BTreeMap<Endpoint, Vec<usize>>,
    to: BTreeMap<Endpoint, Vec<usize>>,
    /// The tiers of each namespace that has some, by their labels.
    tiers: BTreeMap<NamespaceId, SelectorIndex>,
}

impl<'a> Reach<'a> {
    /// Sorts the flows of a program; `None` while it has no model.
    pub fn new(program: &'a Program) -> Option<Reach<'a>> {
        let model = program.model()?;
        let mut selectors: BTreeMap<NamespaceId, Vec<(usize, &Selector)>> = BTreeMap::new();
        for (index, tier) in model.tiers.iter().enumerate() {
            selectors.entry(tier.namespace).or_default().push((index, &tier.selector));
        }
        let tiers = selectors.into_iter().map(|(home, selectors)| (home, SelectorIndex::new(selectors))).collect();
        let mut reach = Reach { model, from: BTreeMap::new(), to: BTreeMap::new(), tiers };
        for (index, flow) in model.flows.iter().enumerate() {
            for leaf in model.leaves(&flow.source) {
                reach.from.entry(*leaf).or_default().push(index);
            }
            for (leaf, _) in &flow.targets {
                reach.to.entry(*leaf).or_default().push(index);
            }
        }
        Some(reach)
    }

    /// The flows that let others reach an endpoint (ingress) or let it reach others (egress), in the order of the model.
    pub fn flows(&self, endpoint: Endpoint, direction: Direction) -> Vec<&'a Flow> {
        let ends = match direction {
            Direction::Ingress => &self.to,
            Direction::Egress => &self.from,
        };
        let mut found = BTreeSet::new();
        for leaf in self.model.leaves(&endpoint) {
            for wide in self.around(*leaf) {
                found.extend(ends.get(&wide).into_iter().flatten().copied());
            }
        }
        found.into_iter().filter_map(|index| self.model.flows.get(index)).collect()
    }

    /// The endpoints whose flows an endpoint has too, itself among them.
    fn around(&self, leaf: Endpoint) -> Vec<Endpoint> {
        let mut all = vec![leaf];
        match leaf {
            Endpoint::Tier(id) => {
                let Some(tier) = self.model.tier(id) else { return all };
                all.extend([Endpoint::Namespace(tier.namespace), Endpoint::Cluster, Endpoint::Anywhere]);
                // Whoever holds all pods of it shares some with it.
                let near = self.tiers.get(&tier.namespace).map(|index| index.query(&tier.selector)).unwrap_or_default();
                let near = near.into_iter().map(TierId::at).filter(|other| *other != id);
                let holds = |other: &TierId| {
                    self.model.tier(*other).is_some_and(|other| other.selector.contains(&tier.selector))
                };
                all.extend(near.filter(holds).map(Endpoint::Tier));
            }
            Endpoint::Namespace(_) => all.extend([Endpoint::Cluster, Endpoint::Anywhere]),
            Endpoint::Cidr(_) | Endpoint::Internet | Endpoint::ApiServer | Endpoint::Nodes => {
                all.extend(self.wider(leaf));
                all.push(Endpoint::Anywhere);
            }
            Endpoint::Cluster => all.push(Endpoint::Anywhere),
            // Groups are taken apart before, no flow has names of DNS on an end, and nothing is around everything.
            Endpoint::Group(_) | Endpoint::Fqdn(_) | Endpoint::Anywhere => {}
        }
        all
    }

    /// The other lists that hold all addresses of one.
    fn wider(&self, list: Endpoint) -> Vec<Endpoint> {
        let addresses = |endpoint: Endpoint| {
            let blocks = self.model.blocks(endpoint)?;
            Some(blocks.iter().fold(AddressSet::empty(), |all, block| all.union(&block.addresses())))
        };
        let Some(own) = addresses(list).filter(|own| !own.is_empty()) else { return Vec::new() };
        let others: BTreeSet<Endpoint> = self.from.keys().chain(self.to.keys()).copied().collect();
        let holds = |other: &Endpoint| *other != list && addresses(*other).is_some_and(|all| all.contains(&own));
        others.into_iter().filter(holds).collect()
    }

    /// The other ends of those flows, as they are written in them, each once.
    pub fn peers(&self, endpoint: Endpoint, direction: Direction) -> Vec<Endpoint> {
        let mut peers = Vec::new();
        for flow in self.flows(endpoint, direction) {
            let peer = match direction {
                Direction::Ingress => flow.source,
                Direction::Egress => flow.destination,
            };
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
        peers
    }

    /// Whether a tier's pods are closed in a direction but for flows; `None` where others decide.
    pub fn is_isolated(&self, tier: TierId, direction: Direction) -> Option<bool> {
        let home: NamespaceId = self.model.tier(tier)?.namespace;
        let managed = self.model.namespace(home)?.managed()?;
        let isolated = match direction {
            Direction::Ingress => &managed.ingress,
            Direction::Egress => &managed.egress,
        };
        Some(match isolated {
            Isolated::Every => true,
            Isolated::Tiers(tiers) => tiers.iter().any(|other| {
                let (own, other) = (self.model.tier(tier), self.model.tier(*other));
                own.zip(other).is_some_and(|(own, other)| other.selector.contains(&own.selector))
            }),
        })
    }
}
