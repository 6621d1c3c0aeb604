//! Sets of pods and of addresses, and what is in them.

use super::Connections;
use super::homes::KnownNamespace;
use super::located::Located;
use crate::cover::{Budget, GaveUp, missing};
use crate::flow::{Namespaces, Place};
use crate::net::{AddressSet, Family, IpBlock, NAMESPACE_NAME, Peers, PortSet, Protocol, Region, Selector};
use crate::prove::ExampleEnd;

/// Pods: `labels` in `namespaces`, less those of `less`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchedPods {
    /// The namespace that is known by name; `None` for pods of all others.
    pub home: Option<usize>,
    /// The labels of their namespaces. Where there is just one, it is these pods only if it has such labels.
    pub namespaces: Selector,
    /// Their own labels.
    pub labels: Selector,
    /// Labels of namespaces and of pods that are not meant.
    pub less: Vec<(Selector, Selector)>,
}

/// One end of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Pods.
    Pods(SearchedPods),
    /// Addresses.
    Addresses(AddressSet),
}

impl<'a> Connections<'a> {
    /// The ends that a place comes to.
    pub(crate) fn ends(&self, place: &Place) -> Vec<End> {
        match place {
            Place::Any => {
                let everyone = self.pods(&Selector::everything(), &Selector::everything());
                everyone.into_iter().map(End::Pods).chain([End::Addresses(self.facts.every_address())]).collect()
            }
            Place::Addresses(blocks) => {
                vec![End::Addresses(IpBlock::all_addresses(blocks))]
            }
            Place::Unlisted(unlisted) => vec![End::Addresses(unlisted.addresses())],
            Place::Pods { namespaces: Namespaces::Managed(home), pods } => {
                let namespaces = self.homes.all[*home].labels.clone();
                let (labels, less) = (self.located.pods(pods), Vec::new());
                vec![End::Pods(SearchedPods { home: Some(*home), namespaces, labels, less })]
            }
            Place::Pods { namespaces, pods } => {
                let namespaces = self.set.namespace_selector(namespaces);
                self.pods(&namespaces, pods).into_iter().map(End::Pods).collect()
            }
        }
    }

    /// Everybody.
    pub(crate) fn everybody(&self) -> Vec<End> {
        self.ends(&Place::Any)
    }

    /// Pods by labels.
    pub(super) fn pods(&self, namespaces: &Selector, labels: &Selector) -> Vec<SearchedPods> {
        let labels = &self.located.pods(labels);
        let homes: Vec<usize> = match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) => names.iter().filter_map(|name| self.homes.by_name.get(name).copied()).collect(),
            None => (0..self.homes.all.len()).collect(),
        };
        let at_home = |home: usize| {
            let namespaces = self.homes.all[home].labels.and(namespaces);
            let possible = namespaces.contradiction().is_none();
            possible.then(|| SearchedPods { home: Some(home), namespaces, labels: labels.clone(), less: Vec::new() })
        };
        // Namespaces of which nothing is known say more as an example than one that is only mentioned.
        let (managed, named): (Vec<usize>, Vec<usize>) =
            homes.into_iter().partition(|home| self.homes.all[*home].managed.is_some());
        let mut all: Vec<SearchedPods> = managed.into_iter().filter_map(at_home).collect();
        let elsewhere = namespaces.and(&self.homes.others);
        if elsewhere.contradiction().is_none() && labels.contradiction().is_none() {
            all.push(SearchedPods { home: None, namespaces: elsewhere, labels: labels.clone(), less: Vec::new() });
        }
        all.extend(named.into_iter().filter_map(at_home));
        all
    }

    /// An end less another one.
    pub(crate) fn minus(&self, end: &End, out: &End) -> End {
        match (end, out) {
            (End::Addresses(all), End::Addresses(out)) => End::Addresses(all.subtract(out)),
            (End::Pods(pods), End::Pods(out)) if pods.home == out.home => {
                let mut pods = pods.clone();
                pods.less.push((out.namespaces.clone(), out.labels.clone()));
                End::Pods(pods)
            }
            _ => end.clone(),
        }
    }

    /// Those of an end that are among the peers.
    pub(super) fn among(&self, end: &End, peers: &Peers) -> Option<End> {
        match (end, peers) {
            (_, Peers::Any) => Some(end.clone()),
            (End::Addresses(all), Peers::Addresses(theirs)) => {
                let both = all.intersect(theirs);
                (!both.is_empty()).then_some(End::Addresses(both))
            }
            (End::Pods(own), Peers::Pods { namespaces, pods }) => {
                let (labels, namespaces) = (own.labels.and(pods), own.namespaces.and(namespaces));
                let both = SearchedPods { labels, namespaces, ..own.clone() };
                let possible = both.labels.contradiction().is_none() && both.namespaces.contradiction().is_none();
                possible.then_some(End::Pods(both))
            }
            // What an address block lets through of pods is a grant of its own.
            (End::Pods(_), Peers::Addresses(_)) | (End::Addresses(_), Peers::Pods { .. }) => None,
        }
    }

    /// Those of an end that are in another one too, less those that the first one leaves out.
    pub(crate) fn both(&self, end: &End, other: &End) -> Option<End> {
        self.among(end, &self.around(other))
    }

    /// Whether some of an end are at a place, or may be by their addresses.
    pub(crate) fn meets(&self, end: &End, place: &Place, budget: &mut Budget) -> Result<bool, GaveUp> {
        let parts: Vec<End> = match (end, place) {
            (End::Pods(pods), Place::Addresses(blocks)) => {
                let blocks = blocks.iter().map(IpBlock::addresses);
                let inside = |block: AddressSet| {
                    let of_family = |(_, there): &(Family, Selector)| SearchedPods {
                        labels: pods.labels.and(there),
                        ..pods.clone()
                    };
                    self.located.inside(&block).iter().map(of_family).map(End::Pods).collect::<Vec<_>>()
                };
                blocks.flat_map(inside).collect()
            }
            (End::Addresses(all), Place::Addresses(_) | Place::Unlisted(_)) => {
                let matched = self.facts.matched(&place.addresses().unwrap_or_default());
                return Ok(matched.truth(all).is_possible());
            }
            _ => self.ends(place).iter().filter_map(|other| self.both(end, other)).collect(),
        };
        for part in parts {
            budget.spend(1)?;
            if self.piece(&part, budget)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Peers that hold at least an end.
    pub(super) fn around(&self, end: &End) -> Peers {
        match end {
            End::Addresses(addresses) => Peers::Addresses(addresses.clone()),
            End::Pods(SearchedPods { namespaces, labels, .. }) => {
                Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() }
            }
        }
    }

    /// A part of an end without exceptions, or `None` when there is nobody.
    pub(crate) fn piece(&self, end: &End, budget: &mut Budget) -> Result<Option<Peers>, GaveUp> {
        let SearchedPods { namespaces, labels, less, .. } = match end {
            End::Addresses(all) => {
                return Ok((!all.is_empty()).then(|| Peers::Addresses(all.clone())));
            }
            End::Pods(pods) => pods,
        };
        let region = |namespaces: &Selector, labels: &Selector| Region {
            subject: Selector::everything(),
            peers: Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() },
            ports: PortSet::number(Protocol::Tcp, 1),
        };
        let less: Vec<Region> = less.iter().map(|(namespaces, labels)| region(namespaces, labels)).collect();
        let less: Vec<&Region> = less.iter().collect();
        Ok(missing(region(namespaces, labels), &less, budget)?.map(|part| part.peers))
    }

    /// One of those of an end.
    pub(crate) fn one(&self, end: &End, budget: &mut Budget) -> Result<Option<ExampleEnd>, GaveUp> {
        let Some(piece) = self.piece(end, budget)? else { return Ok(None) };
        let Some(party) = ExampleEnd::of(&piece) else { return Ok(None) };
        let (End::Pods(pods), ExampleEnd::Pod { mut namespace, mut labels }) = (end, party.clone()) else {
            return Ok(Some(party));
        };
        Located::forget(&mut labels);
        if let Some(home) = pods.home {
            return Ok(Some(ExampleEnd::pod(&self.homes.all[home].name, labels)));
        }
        let Peers::Pods { namespaces, .. } = &piece else { return Ok(None) };
        if namespaces.required_value(NAMESPACE_NAME).is_none() {
            namespace.remove(NAMESPACE_NAME);
        }
        Ok(Some(ExampleEnd::Pod { namespace, labels }))
    }

    /// Labels that the namespace of an end would have to have, where nobody said them, for some of it to be there.
    pub(crate) fn unstated(
        &self,
        end: &End,
        budget: &mut Budget,
    ) -> Result<Option<(&KnownNamespace<'a>, Selector)>, GaveUp> {
        let End::Pods(SearchedPods { home: Some(home), .. }) = end else { return Ok(None) };
        let home = &self.homes.all[*home];
        let Some(Peers::Pods { namespaces, .. }) = self.piece(end, budget)? else { return Ok(None) };
        let mut labels = Selector::everything();
        for (key, values) in namespaces.entries().filter(|(key, _)| home.labels.values(key).is_anything()) {
            labels.require(key.clone(), values.clone());
        }
        Ok((!labels.is_everything()).then_some((home, labels)))
    }

    /// Those of an end that are there whatever labels their namespace has beside those that are known.
    pub(crate) fn settled(&self, end: &End, budget: &mut Budget) -> Result<Option<End>, GaveUp> {
        let End::Pods(SearchedPods { home: Some(home), namespaces, labels, less }) = end else {
            return Ok(Some(end.clone()));
        };
        let known = &self.homes.all[*home].labels;
        if !namespaces.contains(known) {
            return Ok(None);
        }
        let may_be_out = less.iter().filter(|(namespaces, _)| namespaces.overlaps(known));
        let less = may_be_out.map(|(_, labels)| (Selector::everything(), labels.clone())).collect();
        let (home, namespaces, labels) = (Some(*home), known.clone(), labels.clone());
        let settled = End::Pods(SearchedPods { home, namespaces, labels, less });
        Ok(self.piece(&settled, budget)?.map(|_| settled))
    }
}

/// Both ends where they can be there at once: those of one namespace see the same labels of it.
pub(super) fn together(source: End, destination: End) -> Option<(End, End)> {
    match (source, destination) {
        (End::Pods(mut one), End::Pods(mut other)) if one.home.is_some() && one.home == other.home => {
            let namespaces = one.namespaces.and(&other.namespaces);
            namespaces.contradiction().is_none().then(|| {
                one.namespaces = namespaces.clone();
                other.namespaces = namespaces;
                (End::Pods(one), End::Pods(other))
            })
        }
        ends => Some(ends),
    }
}
