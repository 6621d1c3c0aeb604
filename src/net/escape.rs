//! A quick look for traffic of a region that none of some others have.

use super::{AddressSet, Peers, PortSet, Region, Selector, Values};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Whether some traffic of `region` is outside of all of `by`: it goes through them once and keeps, of the region, what is
/// outside of those it has seen. So a yes is sure, and a no says nothing.
pub fn escapes(region: &Region, by: &[&Region]) -> bool {
    if region.is_empty() {
        return false;
    }
    let mut rest = Rest::of(region);
    by.iter().all(|one| rest.leave(one))
}

/// What is left of a region, which is never nothing.
struct Rest<'a> {
    region: &'a Region,
    /// What is left of the keys that were looked at: of subjects, of namespaces, of pods.
    keys: [FxHashMap<&'a Arc<str>, Values>; 3],
    addresses: Option<AddressSet>,
    ports: PortSet,
}

impl<'a> Rest<'a> {
    fn of(region: &'a Region) -> Self {
        let addresses = match &region.peers {
            Peers::Addresses(addresses) => Some(addresses.clone()),
            Peers::Any | Peers::Pods { .. } => None,
        };
        Rest { region, keys: Default::default(), addresses, ports: region.ports.clone() }
    }

    /// The selectors of a region by their places in `keys`; `None` where its peers are addresses, and so not those of `one`.
    fn selectors(one: &'a Region) -> [Option<&'a Selector>; 3] {
        match &one.peers {
            Peers::Any | Peers::Addresses(_) => [Some(&one.subject), None, None],
            Peers::Pods { namespaces, pods } => [Some(&one.subject), Some(namespaces), Some(pods)],
        }
    }

    fn left(&self, place: usize, key: &Arc<str>) -> &Values {
        static ANY: Values = Values::ANY;
        let known = self.keys.get(place).and_then(|keys| keys.get(key));
        let own = || {
            let [subject, namespaces, pods] = Self::selectors(self.region);
            [subject, namespaces, pods].get(place).copied().flatten().map_or(&ANY, |selector| selector.values(key))
        };
        known.unwrap_or_else(own)
    }

    /// Keeps what is outside of another region; whether anything is, as far as that is easily seen.
    fn leave(&mut self, one: &'a Region) -> bool {
        if !self.ports.overlaps(&one.ports) {
            return true;
        }
        match (&self.addresses, &one.peers) {
            (Some(_), Peers::Pods { .. }) | (None, Peers::Addresses(_)) => return true,
            (Some(mine), Peers::Addresses(theirs)) if !mine.overlaps(theirs) => return true,
            _ => {}
        }
        let selectors = Self::selectors(one);
        let asked = || {
            let all = selectors.iter().enumerate().filter_map(|(place, selector)| Some((place, (*selector)?)));
            all.flat_map(|(place, selector)| selector.entries().map(move |(key, values)| (place, key, values)))
        };
        if asked().any(|(place, key, values)| !self.left(place, key).overlaps(values)) {
            return true;
        }
        let narrower = asked().find_map(|(place, key, values)| {
            let rest = self.left(place, key).minus(values).next()?;
            Some((place, key, rest))
        });
        if let Some((place, key, rest)) = narrower
            && let Some(keys) = self.keys.get_mut(place)
        {
            keys.insert(key, rest);
            return true;
        }
        if let (Some(mine), Peers::Addresses(theirs)) = (&self.addresses, &one.peers) {
            let rest = mine.subtract(theirs);
            if !rest.is_empty() {
                self.addresses = Some(rest);
                return true;
            }
        }
        let rest = self.ports.subtract(&one.ports);
        let left = !rest.is_empty();
        if left {
            self.ports = rest;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Protocol, uncovered};

    fn absent(key: &str) -> Selector {
        let mut selector = Selector::everything();
        selector.require(key, Values::does_not_exist());
        selector
    }

    fn region(subject: Selector, pods: Selector, ports: PortSet) -> Region {
        Region { subject, peers: Peers::Pods { namespaces: Selector::everything(), pods }, ports }
    }

    #[test]
    fn what_has_a_label_that_no_other_allows_escapes() {
        let any = Selector::everything;
        let all: Vec<Region> =
            (0..500).map(|at| region(absent(&format!("k{at}")), any(), PortSet::everything())).collect();
        let others: Vec<&Region> = all.iter().skip(1).collect();
        assert!(all.first().is_some_and(|one| escapes(one, &others)));
        let every = all.iter().collect::<Vec<_>>();
        assert!(all.first().is_some_and(|one| !escapes(one, &every)));
    }

    /// Whatever it says yes to, the exact way finds a part of.
    #[test]
    fn a_yes_is_sure() {
        let values = [
            Values::one_of(["a"]),
            Values::none_of(["a"]),
            Values::exists(),
            Values::does_not_exist(),
            Values::one_of(["a", "b"]),
            Values::exists().and(&Values::none_of(["b"])),
        ];
        let ports = [PortSet::everything(), PortSet::range(Protocol::Tcp, 1, 80), PortSet::number(Protocol::Tcp, 80)];
        let mut state = 7_u64;
        let mut pick = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        let (mut yes, mut missed) = (0, 0);
        for _ in 0..4_000 {
            let mut selector = || {
                let mut selector = Selector::everything();
                for key in ["x", "y"] {
                    if pick(3) > 0 {
                        selector.require(key, values.get(pick(values.len())).cloned().unwrap_or(Values::ANY));
                    }
                }
                selector
            };
            let ends: Vec<(Selector, Selector)> = (0..5).map(|_| (selector(), selector())).collect();
            let regions: Vec<Region> = ends
                .into_iter()
                .map(|(subject, pods)| region(subject, pods, ports.get(pick(3)).cloned().unwrap_or_default()))
                .collect();
            let Some((one, others)) = regions.split_first() else { continue };
            let others: Vec<&Region> = others.iter().collect();
            let outside = uncovered(one, &others).is_some();
            match escapes(one, &others) {
                true => {
                    assert!(outside, "{one:?} is covered by {others:?}");
                    yes += 1;
                }
                false => missed += usize::from(outside),
            }
        }
        assert!(yes > 1_000 && missed * 10 < yes, "{yes} found, {missed} missed");
    }
}
