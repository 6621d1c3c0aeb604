//! Who may be at the ends of flows, each once.

use super::atoms::sayable;
use crate::net::{AddressSet, IpBlock, NAMESPACE_NAME, Peers, Selector, Values, is_dns_label, namespace_by_name};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The namespaces that pods are in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Home {
    /// The one of a name.
    Named(Arc<str>),
    /// All that have these labels; without requirements every namespace.
    Labelled(Selector),
}

/// An end of flows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// Every pod and every address.
    Anywhere,
    /// Pods by their labels.
    Pods(Home, Selector),
    /// Addresses, as blocks that one `cidr` can say.
    Addresses(Vec<IpBlock>),
}

impl Home {
    /// The namespaces that a selector finds: several where it lists names, none where no namespace can have such labels.
    pub(super) fn of(selector: &Selector) -> Vec<Home> {
        sayable(selector).iter().flat_map(Home::of_sayable).collect()
    }

    fn of_sayable(selector: &Selector) -> Vec<Home> {
        let selector = selector.of_namespaces();
        if selector.contradiction().is_some() {
            return Vec::new();
        }
        let Some(names) = selector.required_value(NAMESPACE_NAME) else {
            // That it has a name goes without saying.
            let listed = selector.values(NAMESPACE_NAME).listed().to_vec();
            let names = if listed.is_empty() { None } else { Some(Values::none_of(listed)) };
            let selector = names.map(|names| selector.with(&NAMESPACE_NAME.into(), names)).unwrap_or(selector);
            return vec![Home::Labelled(selector)];
        };
        let names = names.iter().filter(|name| is_dns_label(name));
        match selector.keys().count() {
            1 => names.map(|name| Home::Named(name.clone())).collect(),
            _ if names.clone().next().is_none() => Vec::new(),
            _ => vec![Home::Labelled(selector)],
        }
    }

    /// The labels that the namespaces are known by, and that each has a name where that is asked for.
    pub(super) fn selector(&self) -> Selector {
        match self {
            Home::Named(name) => namespace_by_name(name),
            Home::Labelled(selector) => selector.of_namespaces(),
        }
    }
}

impl Place {
    /// The pods of a namespace.
    pub(super) fn pods(namespace: &Arc<str>, pods: Selector) -> Place {
        Place::Pods(Home::Named(namespace.clone()), pods)
    }

    /// The pods that are there; of `anywhere`, all.
    pub(super) fn labels(&self) -> Option<Selector> {
        match self {
            Place::Anywhere => Some(Selector::everything()),
            Place::Pods(_, pods) => Some(pods.clone()),
            Place::Addresses(_) => None,
        }
    }

    /// As the other ends of regions.
    pub(super) fn peers(&self) -> Peers {
        match self {
            Place::Anywhere => Peers::Any,
            Place::Pods(home, pods) => Peers::Pods { namespaces: home.selector(), pods: pods.clone() },
            Place::Addresses(blocks) => Peers::Addresses(IpBlock::all_addresses(blocks)),
        }
    }

    /// Of a place in all namespaces but some by their names, of how many at most; `None` of any other.
    pub(super) fn ruled_out(&self) -> Option<usize> {
        match self {
            Place::Anywhere => Some(0),
            Place::Pods(Home::Labelled(selector), _) if selector.keys().all(|key| **key == *NAMESPACE_NAME) => {
                Some(selector.values(NAMESPACE_NAME).listed().len())
            }
            Place::Pods(..) | Place::Addresses(_) => None,
        }
    }

    /// The namespaces in it of those that are managed. Of their labels nothing is known but the name.
    pub(super) fn managed(&self, names: &[Arc<str>]) -> Vec<usize> {
        let all = names.iter().enumerate();
        match self {
            Place::Anywhere => (0..names.len()).collect(),
            Place::Addresses(_) => Vec::new(),
            Place::Pods(Home::Named(name), _) => names.binary_search(name).ok().into_iter().collect(),
            // Nobody knows whether a namespace has other labels.
            Place::Pods(Home::Labelled(selector), _) if selector.keys().any(|key| **key != *NAMESPACE_NAME) => {
                Vec::new()
            }
            Place::Pods(Home::Labelled(selector), _) => {
                let names = selector.values(NAMESPACE_NAME);
                all.filter(|(_, name)| names.allows(Some(name))).map(|(at, _)| at).collect()
            }
        }
    }
}

/// How much there is in a place: a narrower one has less, where one is inside the other.
pub(super) fn width(peers: &Peers) -> u128 {
    /// More than a selector has requirements.
    const MOST: u128 = 1 << 20;
    match peers {
        Peers::Any => u128::MAX,
        Peers::Pods { namespaces, pods } => {
            MOST.saturating_sub((namespaces.keys().count() + pods.keys().count()) as u128)
        }
        Peers::Addresses(addresses) => size(addresses),
    }
}

fn size(addresses: &AddressSet) -> u128 {
    let v4 = addresses.v4().iter().map(|(low, high)| u128::from(high - low) + 1);
    let v6 = addresses.v6().iter().map(|(low, high)| (high - low).saturating_add(1));
    v4.chain(v6).fold(0, u128::saturating_add)
}

/// The number of a place.
pub(super) type PlaceId = usize;

/// Places, each once.
#[derive(Debug, Default)]
pub(super) struct Places {
    list: Vec<(Place, Peers)>,
    ids: FxHashMap<Place, PlaceId>,
}

impl Places {
    /// The number of a place.
    pub(super) fn id(&mut self, place: Place) -> PlaceId {
        if let Some(id) = self.ids.get(&place) {
            return *id;
        }
        let id = self.list.len();
        self.list.push((place.clone(), place.peers()));
        self.ids.insert(place, id);
        id
    }

    /// The place of a number, and what regions make of it.
    pub(super) fn get(&self, id: PlaceId) -> &(Place, Peers) {
        static ANYWHERE: (Place, Peers) = (Place::Anywhere, Peers::Any);
        self.list.get(id).unwrap_or(&ANYWHERE)
    }

    /// The place of a number.
    pub(super) fn place(&self, id: PlaceId) -> &Place {
        &self.get(id).0
    }
}

/// Blocks in as few lists as a `cidr` each can say: there, the exceptions are those of all its blocks.
pub(super) fn lists(blocks: &[&IpBlock]) -> Vec<Vec<IpBlock>> {
    let blocks: Vec<&IpBlock> = blocks.iter().copied().filter(|block| !block.addresses().is_empty()).collect();
    if blocks.is_empty() {
        return Vec::new();
    }
    let list = |blocks: &[&IpBlock]| {
        let nets: Vec<_> = blocks.iter().map(|block| block.cidr).collect();
        let except: Vec<_> = blocks.iter().flat_map(|block| block.except.iter().copied()).collect();
        IpBlock::list(&nets, &except)
    };
    let together = list(&blocks);
    let all = AddressSet::union_of(&blocks.iter().map(|block| block.addresses()).collect::<Vec<_>>());
    let emptied = together.iter().any(|block| block.addresses().is_empty());
    if !emptied && IpBlock::all_addresses(&together) == all {
        return vec![together];
    }
    let mut apart: Vec<Vec<IpBlock>> = blocks.iter().map(|block| list(&[block])).collect();
    apart.sort();
    apart.dedup();
    apart
}
