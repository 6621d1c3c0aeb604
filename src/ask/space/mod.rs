//! Every pod that could exist, as sets: label keys that have nothing to do with each other make so many kinds of pods that
//! nobody can look at each.
//!
//! A set is pods of one home, which is a namespace that has policies of its own or whose labels are known, or of all other
//! namespaces; less some. What policies allow is a union of products of such sets and of addresses.

mod grants;
mod links;
mod onward;
mod point;
mod refused;

#[cfg(test)]
pub(super) mod tests;

pub use grants::SpaceGrants;
pub(super) use grants::{Grant, Side};
pub(crate) use grants::{rule_peers, rule_ports};
pub(super) use links::{Link, SideHalf};
pub(super) use onward::Onward;
pub use point::Example;
pub(super) use point::perhaps_on;
pub(super) use refused::{PortViews, Refusal, Sure, views};

use crate::cluster::Labels;
use crate::cover::{Budget, GaveUp, missing};
use crate::net::{
    AddressSet, Facts, NAMESPACE_NAME, Peers, PortSet, Protocol, Region, Selector, Truth, Values, namespace_by_name,
};
use crate::netpol::Policy;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of the labels of a namespace beside those that are stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherLabels {
    /// It has no others.
    None,
    /// Nobody said: the namespace has those that it has.
    Unknown,
    /// It is every namespace of the name that could exist.
    Any,
}

/// A namespace that is looked at by itself.
#[derive(Debug, Clone)]
pub struct SpaceHome {
    /// Its name.
    pub name: Arc<str>,
    /// What is stated of its labels, the one of its name among it.
    pub stated: Selector,
    /// What else there may be.
    pub others: OtherLabels,
}

impl SpaceHome {
    /// What a selector asks of the namespace beyond what is stated, and whether that is so; `None` when it is not.
    pub(in crate::ask) fn settle(&self, selector: &Selector) -> Option<(Selector, Truth)> {
        let mut beyond = Selector::everything();
        for (key, values) in selector.entries() {
            let stated = self.stated.values(key);
            if values.contains(stated) {
                continue;
            }
            let absent = self.others == OtherLabels::None && stated.is_anything();
            match absent {
                true if values.allows(None) => {}
                false if values.overlaps(stated) => beyond.require(key.clone(), values.and(stated)),
                _ => return None,
            }
        }
        let truth = match self.others {
            OtherLabels::Unknown if !beyond.is_everything() => Truth::Maybe,
            OtherLabels::None | OtherLabels::Unknown | OtherLabels::Any => Truth::Yes,
        };
        Some((beyond, truth))
    }
}

/// Pods: `labels` in `namespaces`, less those of `less`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpacePods {
    /// Their namespace; `None` for those of all namespaces that are no home.
    pub home: Option<usize>,
    /// The labels of their namespaces, beyond what is stated of a home.
    pub namespaces: Selector,
    /// Their own labels.
    pub labels: Selector,
    /// Labels of namespaces and of pods that are not meant.
    pub less: Vec<(Selector, Selector)>,
}

/// One end of connections.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ends {
    /// Pods.
    Pods(SpacePods),
    /// Addresses outside of the cluster.
    Addresses(AddressSet),
}

impl Ends {
    /// The pods, if it is some.
    pub fn pods(&self) -> Option<&SpacePods> {
        match self {
            Ends::Pods(pods) => Some(pods),
            Ends::Addresses(_) => None,
        }
    }
}

/// Every pod that could exist.
#[derive(Debug)]
pub struct Space {
    homes: Vec<SpaceHome>,
    by_name: FxHashMap<Arc<str>, usize>,
    /// The namespaces that are no home.
    elsewhere: Selector,
    facts: Facts,
}

impl Space {
    /// The space of some homes; the namespaces of `policies` are homes, too.
    pub fn new<'p>(known: Vec<SpaceHome>, policies: impl IntoIterator<Item = &'p Policy>, facts: Facts) -> Space {
        let mut homes = known;
        let stated: BTreeSet<Arc<str>> = homes.iter().map(|home| home.name.clone()).collect();
        let named: BTreeSet<&Arc<str>> = policies.into_iter().map(|policy| &policy.namespace).collect();
        homes.extend(named.into_iter().filter(|name| !stated.contains(*name)).map(|name| SpaceHome {
            name: name.clone(),
            stated: namespace_by_name(name),
            others: OtherLabels::Any,
        }));
        homes.sort_by(|one, other| one.name.cmp(&other.name));
        let by_name = homes.iter().enumerate().map(|(at, home)| (home.name.clone(), at)).collect();
        let mut elsewhere = Selector::everything();
        elsewhere.require(NAMESPACE_NAME, Values::exists());
        elsewhere.require(NAMESPACE_NAME, Values::none_of(homes.iter().map(|home| home.name.clone())));
        Space { homes, by_name, elsewhere, facts }
    }

    /// What address blocks mean.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The homes, by name.
    pub fn homes(&self) -> &[SpaceHome] {
        &self.homes
    }

    /// The home of a name.
    pub fn home(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// All pods of a home.
    pub fn all_of(&self, home: usize) -> SpacePods {
        let everything = Selector::everything;
        SpacePods { home: Some(home), namespaces: everything(), labels: everything(), less: Vec::new() }
    }

    /// The pods of some labels, home by home, those of other namespaces last.
    pub fn pods(&self, namespaces: &Selector, labels: &Selector) -> Vec<SpacePods> {
        if labels.contradiction().is_some() {
            return Vec::new();
        }
        let homes: Vec<usize> = match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) => names.iter().filter_map(|name| self.home(name)).collect(),
            None => (0..self.homes.len()).collect(),
        };
        let pods = |home, namespaces| SpacePods { home, namespaces, labels: labels.clone(), less: Vec::new() };
        let of_home = |home: usize| Some(pods(Some(home), self.homes.get(home)?.settle(namespaces)?.0));
        let mut all: Vec<SpacePods> = homes.into_iter().filter_map(of_home).collect();
        all.extend(self.elsewhere(namespaces).map(|namespaces| pods(None, namespaces)));
        all
    }

    /// The pods of all namespaces that are no homes.
    pub fn others(&self) -> Ends {
        let (namespaces, labels) = (self.elsewhere.clone(), Selector::everything());
        Ends::Pods(SpacePods { home: None, namespaces, labels, less: Vec::new() })
    }

    /// What is known of the labels of the namespaces of some pods.
    fn known_of<'s>(&'s self, pods: &'s SpacePods) -> &'s Selector {
        let home = pods.home.and_then(|home| self.homes.get(home));
        home.map_or(&pods.namespaces, |home| &home.stated)
    }

    /// Peers that hold at least an end.
    pub fn around(&self, end: &Ends) -> Peers {
        match end {
            Ends::Addresses(addresses) => Peers::Addresses(addresses.clone()),
            Ends::Pods(pods) => Peers::Pods { namespaces: self.known_of(pods).clone(), pods: pods.labels.clone() },
        }
    }

    /// An end whatever homes there are, or more than it.
    pub fn span(&self, end: &Ends) -> Ends {
        match self.around(end) {
            Peers::Pods { namespaces, pods } => {
                Ends::Pods(SpacePods { home: None, namespaces, labels: pods, less: Vec::new() })
            }
            Peers::Any | Peers::Addresses(_) => end.clone(),
        }
    }

    /// The namespaces of a selector that are no homes.
    fn elsewhere(&self, namespaces: &Selector) -> Option<Selector> {
        let both = match namespaces.required_value(NAMESPACE_NAME) {
            Some(names) if !names.iter().any(|name| self.by_name.contains_key(name)) => namespaces.clone(),
            _ => namespaces.and(&self.elsewhere),
        };
        both.contradiction().is_none().then_some(both)
    }

    /// The ends that peers come to.
    pub fn ends(&self, peers: &Peers) -> Vec<Ends> {
        let everything = Selector::everything();
        match peers {
            Peers::Any => {
                let pods = self.pods(&everything, &everything).into_iter().map(Ends::Pods);
                pods.chain([Ends::Addresses(self.facts.every_address())]).collect()
            }
            Peers::Pods { namespaces, pods } => self.pods(namespaces, pods).into_iter().map(Ends::Pods).collect(),
            Peers::Addresses(addresses) if addresses.is_empty() => Vec::new(),
            Peers::Addresses(addresses) => vec![Ends::Addresses(addresses.clone())],
        }
    }

    /// Whether all that is asked of the namespaces of some ends is known to be so.
    pub fn is_sure(&self, end: &Ends) -> bool {
        let unknown = |pods: &SpacePods| {
            let home = pods.home.and_then(|home| self.homes.get(home));
            home.is_some_and(|home| home.others == OtherLabels::Unknown) && !pods.namespaces.is_everything()
        };
        !end.pods().is_some_and(unknown)
    }

    /// The labels of the namespace of an end that nobody stated and that decide who it is: those that are asked for, and those
    /// of whoever is left out.
    pub fn undecided<'s>(&'s self, end: &'s Ends) -> impl Iterator<Item = &'s Selector> {
        let is_unknown = |home: usize| self.homes.get(home).is_some_and(|home| home.others == OtherLabels::Unknown);
        let pods = end.pods().filter(|pods| pods.home.is_some_and(is_unknown));
        let all = |pods: &'s SpacePods| [&pods.namespaces].into_iter().chain(pods.less.iter().map(|(out, _)| out));
        pods.into_iter().flat_map(all).filter(|selector| !selector.is_everything())
    }

    /// An end whatever labels its namespace has that nobody stated.
    pub fn whatever_labels(&self, end: &Ends) -> Ends {
        match end {
            Ends::Pods(pods) if !self.is_sure(end) => {
                // What is left out of all that there are is left out of those that there would be.
                let out = |(namespaces, labels): &(Selector, Selector)| match namespaces.contains(&pods.namespaces) {
                    true => (Selector::everything(), labels.clone()),
                    false => (namespaces.clone(), labels.clone()),
                };
                let less = pods.less.iter().map(out).collect();
                Ends::Pods(SpacePods { namespaces: Selector::everything(), less, ..pods.clone() })
            }
            Ends::Pods(_) | Ends::Addresses(_) => end.clone(),
        }
    }

    /// Those of the peers that are where an end is: in its namespace, or addresses.
    pub fn beside(&self, peers: &Peers, end: &Ends) -> Option<Ends> {
        match (peers, end) {
            (Peers::Any, Ends::Addresses(_)) => Some(Ends::Addresses(self.facts.every_address())),
            (Peers::Addresses(all), Ends::Addresses(_)) => Some(Ends::Addresses(all.clone())),
            (Peers::Any, Ends::Pods(pods)) => {
                Some(Ends::Pods(SpacePods { labels: Selector::everything(), ..plain(pods) }))
            }
            (Peers::Pods { namespaces, pods: labels }, Ends::Pods(pods)) => {
                let namespaces = match pods.home {
                    Some(home) => self.homes.get(home)?.settle(namespaces)?.0,
                    None => self.elsewhere(namespaces)?,
                };
                Some(Ends::Pods(SpacePods { home: pods.home, namespaces, labels: labels.clone(), less: Vec::new() }))
            }
            (Peers::Pods { .. }, Ends::Addresses(_)) | (Peers::Addresses(_), Ends::Pods(_)) => None,
        }
    }

    /// Those of some pods that have labels, and whether they are in such namespaces for sure.
    pub fn among(&self, pods: &SpacePods, namespaces: &Selector, labels: &Selector) -> Option<(SpacePods, Truth)> {
        let labels = pods.labels.and(labels);
        if labels.contradiction().is_some() {
            return None;
        }
        let (beyond, truth) = match pods.home {
            Some(home) => self.homes.get(home)?.settle(namespaces)?,
            None => (namespaces.clone(), Truth::Yes),
        };
        let namespaces = pods.namespaces.and(&beyond);
        let possible = namespaces.contradiction().is_none();
        possible.then(|| (SpacePods { home: pods.home, namespaces, labels, less: pods.less.clone() }, truth))
    }

    /// Those that are in both.
    pub fn both(&self, one: &Ends, other: &Ends) -> Option<Ends> {
        match (one, other) {
            (Ends::Addresses(one), Ends::Addresses(other)) => {
                let both = one.intersect(other);
                (!both.is_empty()).then_some(Ends::Addresses(both))
            }
            (Ends::Pods(one), Ends::Pods(other)) if one.home == other.home => {
                let labels = one.labels.and(&other.labels);
                let namespaces = one.namespaces.and(&other.namespaces);
                let mut less = one.less.clone();
                less.extend(other.less.iter().filter(|out| !one.less.contains(out)).cloned());
                let possible = labels.contradiction().is_none() && namespaces.contradiction().is_none();
                possible.then_some(Ends::Pods(SpacePods { home: one.home, namespaces, labels, less }))
            }
            _ => None,
        }
    }

    /// An end less another one, which has nothing taken away.
    pub fn minus(&self, end: &Ends, out: &Ends) -> Ends {
        match (end, out) {
            (Ends::Addresses(all), Ends::Addresses(out)) => Ends::Addresses(all.subtract(out)),
            (Ends::Pods(pods), Ends::Pods(out)) if pods.home == out.home => {
                let mut pods = pods.clone();
                let out = (out.namespaces.clone(), out.labels.clone());
                let touches = pods.namespaces.overlaps(&out.0) && pods.labels.overlaps(&out.1);
                if touches && !pods.less.contains(&out) {
                    pods.less.push(out);
                }
                Ends::Pods(pods)
            }
            _ => end.clone(),
        }
    }

    /// An end less others, all at once, which have nothing taken away.
    fn minus_all<'e>(&self, end: &Ends, out: impl Iterator<Item = &'e Ends>) -> Ends {
        match end {
            Ends::Addresses(_) => out.fold(end.clone(), |rest, out| self.minus(&rest, out)),
            Ends::Pods(pods) => {
                let mut pods = pods.clone();
                for out in out.filter_map(Ends::pods).filter(|out| out.home == pods.home) {
                    if pods.namespaces.overlaps(&out.namespaces) && pods.labels.overlaps(&out.labels) {
                        pods.less.push((out.namespaces.clone(), out.labels.clone()));
                    }
                }
                Ends::Pods(pods)
            }
        }
    }

    /// A part of some pods without exceptions: labels of namespaces and of pods. `None` when there are none.
    pub fn piece(&self, pods: &SpacePods, budget: &mut Budget) -> Result<Option<(Selector, Selector)>, GaveUp> {
        let SpacePods { namespaces, labels, less, .. } = pods;
        if less.is_empty() {
            let possible = labels.contradiction().is_none() && namespaces.contradiction().is_none();
            return Ok(possible.then(|| (namespaces.clone(), labels.clone())));
        }
        let less: Vec<Region> = less.iter().map(|(namespaces, labels)| of_pods(namespaces, labels)).collect();
        let less: Vec<&Region> = less.iter().collect();
        let found = missing(of_pods(namespaces, labels), &less, budget)?;
        Ok(found.and_then(|part| match part.peers {
            Peers::Pods { namespaces, pods } => Some((namespaces, pods)),
            Peers::Any | Peers::Addresses(_) => None,
        }))
    }

    /// Whether an end is nobody.
    pub fn is_empty(&self, end: &Ends, budget: &mut Budget) -> Result<bool, GaveUp> {
        match end {
            Ends::Addresses(addresses) => Ok(addresses.is_empty()),
            Ends::Pods(pods) => Ok(match at_first_sight(pods) {
                Some(somebody) => !somebody,
                None => self.piece(pods, budget)?.is_none(),
            }),
        }
    }

    /// Whether an end holds all of another one, where that is easily seen.
    pub fn holds(&self, wide: &Ends, narrow: &Ends) -> bool {
        match (wide, narrow) {
            (Ends::Addresses(wide), Ends::Addresses(narrow)) => wide.contains(narrow),
            (Ends::Pods(wide), Ends::Pods(narrow)) => {
                let touches = |(namespaces, labels): &&(Selector, Selector)| {
                    namespaces.overlaps(&narrow.namespaces) && labels.overlaps(&narrow.labels)
                };
                let is_out = |(namespaces, labels): &(Selector, Selector)| {
                    let holds = |(wide, own): &(Selector, Selector)| wide.contains(namespaces) && own.contains(labels);
                    narrow.less.iter().any(holds)
                };
                wide.home == narrow.home
                    && wide.namespaces.contains(&narrow.namespaces)
                    && wide.labels.contains(&narrow.labels)
                    && wide.less.iter().filter(touches).all(is_out)
            }
            _ => false,
        }
    }

    /// What is left of an end without others, in parts.
    pub fn without<'e>(
        &self,
        end: &Ends,
        out: impl IntoIterator<Item = &'e Ends>,
        budget: &mut Budget,
    ) -> Result<Vec<Ends>, GaveUp> {
        let mut left = vec![end.clone()];
        for wide in out {
            budget.spend(1)?;
            let mut next = Vec::with_capacity(left.len());
            for part in left {
                self.take_away(part, wide, &mut next);
            }
            left = Vec::with_capacity(next.len());
            for part in next {
                if !self.is_empty(&part, budget)? {
                    left.push(part);
                }
            }
            if left.is_empty() {
                break;
            }
        }
        Ok(left)
    }

    /// The parts of an end that are outside of another one, and those that the other one leaves out.
    fn take_away(&self, part: Ends, wide: &Ends, parts: &mut Vec<Ends>) {
        let (Ends::Pods(pods), Ends::Pods(out)) = (&part, wide) else {
            parts.push(self.minus(&part, wide));
            return;
        };
        let touches = |namespaces: &Selector, labels: &Selector| {
            pods.namespaces.overlaps(namespaces) && pods.labels.overlaps(labels)
        };
        let is_within = |(namespaces, labels): &(Selector, Selector)| {
            namespaces.contains(&pods.namespaces) && labels.contains(&pods.labels)
        };
        if pods.home != out.home || !touches(&out.namespaces, &out.labels) || out.less.iter().any(is_within) {
            parts.push(part);
            return;
        }
        for (namespaces, labels) in out.less.iter().filter(|(namespaces, labels)| touches(namespaces, labels)) {
            let left_out = SpacePods { namespaces: namespaces.clone(), labels: labels.clone(), ..plain(pods) };
            parts.extend(self.both(&part, &Ends::Pods(left_out)));
        }
        parts.push(self.minus(&part, &Ends::Pods(plain(out))));
    }

    /// Whether some ends hold all of another one.
    pub fn covers<'e>(
        &self,
        ends: impl IntoIterator<Item = &'e Ends>,
        end: &Ends,
        budget: &mut Budget,
    ) -> Result<bool, GaveUp> {
        let ends: Vec<&Ends> = ends.into_iter().collect();
        budget.spend(ends.len())?;
        if ends.iter().any(|wide| self.holds(wide, end)) || self.is_empty(end, budget)? {
            return Ok(true);
        }
        // At once, where nothing is left out.
        let is_plain = |wide: &&Ends| wide.pods().is_none_or(|wide| wide.less.is_empty());
        let (plain, others): (Vec<&Ends>, Vec<&Ends>) = ends.into_iter().partition(is_plain);
        let rest = self.minus_all(end, plain.into_iter());
        Ok(self.is_empty(&rest, budget)? || self.without(&rest, others, budget)?.is_empty())
    }
}

/// Whether there are such pods, where that is easily seen: one that is taken away as a whole has none, and one with as few
/// labels as possible is often not taken away.
fn at_first_sight(pods: &SpacePods) -> Option<bool> {
    let SpacePods { namespaces, labels, less, .. } = pods;
    if less.iter().any(|(out, own)| out.contains(namespaces) && own.contains(labels)) {
        return Some(false);
    }
    let (Some(home), Some(pod)) = (namespaces.witness(), labels.witness()) else { return Some(false) };
    let out = less.iter().any(|(namespaces, labels)| labels.matches(&pod) && namespaces.matches(&home));
    (!out).then_some(true)
}

/// Pods without exceptions.
fn plain(pods: &SpacePods) -> SpacePods {
    SpacePods { less: Vec::new(), ..pods.clone() }
}

/// Pods as a region.
fn of_pods(namespaces: &Selector, labels: &Selector) -> Region {
    Region {
        subject: Selector::everything(),
        peers: Peers::Pods { namespaces: namespaces.clone(), pods: labels.clone() },
        ports: PortSet::number(Protocol::Tcp, 1),
    }
}

/// The labels that a selector requires one by one.
fn labels_of(selector: &Selector) -> Labels {
    selector.witness().unwrap_or_default()
}
