//! Sets of endpoints. Nearly all of them are tiers, which take no more than a flag each.

use super::{Endpoint, TierId};
use rustc_hash::FxHashSet;

/// A set of endpoints of one model.
#[derive(Debug, Clone, Default)]
pub(super) struct EndpointSet {
    tiers: Vec<bool>,
    others: FxHashSet<Endpoint>,
}

impl EndpointSet {
    /// Adds an endpoint, and says whether it was not in the set.
    pub(super) fn insert(&mut self, endpoint: Endpoint) -> bool {
        let Endpoint::Tier(tier) = endpoint else { return self.others.insert(endpoint) };
        if self.tiers.len() <= tier.index() {
            self.tiers.resize(tier.index() + 1, false);
        }
        self.tiers.get_mut(tier.index()).is_some_and(|slot| !std::mem::replace(slot, true))
    }

    /// Whether an endpoint is in the set.
    pub(super) fn contains(&self, endpoint: Endpoint) -> bool {
        match endpoint {
            Endpoint::Tier(tier) => self.tiers.get(tier.index()) == Some(&true),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => self.others.contains(&endpoint),
        }
    }

    /// All endpoints of the set, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Endpoint> {
        let tiers = self.tiers.iter().enumerate().filter(|(_, is_in)| **is_in);
        tiers.map(|(index, _)| Endpoint::Tier(TierId::at(index))).chain(self.others.iter().copied())
    }
}

impl Extend<Endpoint> for EndpointSet {
    fn extend<I: IntoIterator<Item = Endpoint>>(&mut self, endpoints: I) {
        endpoints.into_iter().for_each(|endpoint| {
            self.insert(endpoint);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BuiltIn;

    #[test]
    fn tiers_and_others_are_in_the_set_once() {
        let all = [Endpoint::Tier(TierId(2)), Endpoint::BuiltIn(BuiltIn::Cluster), Endpoint::Tier(TierId(0))];
        let mut set = EndpointSet::default();
        assert_eq!(all.map(|endpoint| set.insert(endpoint)), [true; 3]);
        assert_eq!(all.map(|endpoint| set.insert(endpoint)), [false; 3]);
        assert_eq!(all.map(|endpoint| set.contains(endpoint)), [true; 3]);
        let absent = [Endpoint::Tier(TierId(1)), Endpoint::Tier(TierId(3)), Endpoint::BuiltIn(BuiltIn::Nodes)];
        assert_eq!(absent.map(|endpoint| set.contains(endpoint)), [false; 3]);
        let mut found: Vec<Endpoint> = set.iter().collect();
        found.sort_unstable();
        assert_eq!(found, [Endpoint::Tier(TierId(0)), Endpoint::Tier(TierId(2)), Endpoint::BuiltIn(BuiltIn::Cluster)]);
    }
}
