//! Whom a policy may select: only pods that are isolated anyway.

use super::buckets::Buckets;
use crate::flow::{
    DnsName, DnsPods, FlowSet, Isolation, ManagedNamespace, Namespaces, Party, PartyId, PartyName, Place,
};
use crate::net::{Direction, Peers, PortSet, Region, Selector, SelectorIndex, Truth, is_covered};
use crate::netpol::PerDirection;
use crate::table::{Id, Table, number};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::{SmallVec, smallvec};
use std::ops::Range;
use std::sync::Arc;

/// What a subject is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SubjectName {
    /// Every pod of the namespace.
    Every,
    /// A tier.
    Tier(Arc<str>),
    /// The pods of the first that the second, a tier, isolates.
    Both(Box<SubjectName>, Box<SubjectName>),
    /// A tier of other namespaces, known by labels that this namespace has too.
    Foreign(Arc<str>, Arc<str>),
    /// The DNS pods of the cluster.
    Dns,
    /// Those of them with the label of `dns strict`.
    StrictDns,
}

impl SubjectName {
    /// The name of the pods of a DNS server in a namespace.
    fn of_dns(name: &DnsName, namespace: &ManagedNamespace) -> Self {
        match name {
            DnsName::Cluster => SubjectName::Dns,
            DnsName::Strict => SubjectName::StrictDns,
            DnsName::Tier(owner, name) => SubjectName::of_tier(owner, name, namespace),
        }
    }

    /// The name of a tier in a namespace.
    fn of_tier(owner: &Arc<str>, name: &Arc<str>, namespace: &ManagedNamespace) -> Self {
        match namespace.name == *owner {
            true => SubjectName::Tier(name.clone()),
            false => SubjectName::Foreign(owner.clone(), name.clone()),
        }
    }

    /// The name of the pods that are in both.
    pub(super) fn and(&self, isolated: &SubjectName) -> SubjectName {
        SubjectName::Both(Box::new(self.clone()), Box::new(isolated.clone()))
    }
}

/// Pods that a policy selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PolicySubject {
    /// What they are called.
    pub name: SubjectName,
    /// Their labels.
    pub selector: Selector,
}

/// The isolated pods of one namespace in one direction.
#[derive(Debug)]
pub(super) struct PlannedIsolation {
    /// Every isolated pod, as few subjects as possible; none inside the others.
    pub subjects: Vec<PolicySubject>,
    every: bool,
    index: SelectorIndex,
}

impl PlannedIsolation {
    fn new(set: &FlowSet, namespace: usize, isolation: &Isolation) -> Self {
        let every = *isolation == Isolation::Every;
        let subjects = match isolation {
            Isolation::Every => vec![PolicySubject { name: SubjectName::Every, selector: Selector::everything() }],
            Isolation::Tiers(tiers) => outermost(tiers.iter().map(|id| subject_of(set, namespace, *id)).collect()),
        };
        let index = SelectorIndex::new(subjects.iter().enumerate().map(|(index, subject)| (index, &subject.selector)));
        PlannedIsolation { subjects, every, index }
    }

    /// The isolated ones among the pods of `wanted`.
    fn within(&self, wanted: PolicySubject) -> SmallVec<[PolicySubject; 1]> {
        if self.every {
            return smallvec![wanted];
        }
        let candidates = self.index.query(&wanted.selector);
        let isolated: Vec<&PolicySubject> =
            candidates.into_iter().filter_map(|index| self.subjects.get(index)).collect();
        if isolated.iter().any(|isolated| isolated.selector.contains(&wanted.selector)) {
            return smallvec![wanted];
        }
        // Where several isolate all of them together, one policy may select them all.
        if isolated.len() > 1 {
            let regions: Vec<Region> = isolated.iter().map(|subject| region(subject)).collect();
            if is_covered(&region(&wanted), &regions.iter().collect::<Vec<_>>()) {
                return smallvec![wanted];
            }
        }
        let isolated = isolated.into_iter();
        let common = isolated.filter_map(|isolated| {
            if wanted.selector.contains(&isolated.selector) {
                return Some(isolated.clone());
            }
            let selector = wanted.selector.and(&isolated.selector);
            let name = wanted.name.and(&isolated.name);
            selector.contradiction().is_none().then_some(PolicySubject { name, selector })
        });
        outermost(common.collect()).into()
    }
}

/// Whether every pod is isolated in both directions, so that the isolated pods of a party are the same in both.
fn isolates_alike(sides: &PerDirection<PlannedIsolation>) -> bool {
    sides.ingress.every && sides.egress.every
}

/// The pods of a party in one of the namespaces that it has pods in.
fn subject_of(set: &FlowSet, namespace: usize, id: PartyId) -> PolicySubject {
    let Party { name, place, .. } = &set.parties[id];
    let selector = match place {
        Some(Place::Pods { pods, .. }) => pods.clone(),
        Some(Place::Any | Place::Addresses(_) | Place::Unlisted(_)) | None => Selector::everything(),
    };
    let name = match name {
        PartyName::Local(owner, name) => SubjectName::of_tier(owner, name, &set.namespaces[namespace]),
        PartyName::AllPods(_) | PartyName::Global(_) | PartyName::BuiltIn(_) => SubjectName::Every,
    };
    PolicySubject { name, selector }
}

/// All traffic of the pods of a subject.
fn region(subject: &PolicySubject) -> Region {
    Region { subject: subject.selector.clone(), peers: Peers::Any, ports: PortSet::everything() }
}

/// Takes away the subjects whose pods the others select already.
fn outermost(mut subjects: Vec<PolicySubject>) -> Vec<PolicySubject> {
    subjects.sort_by(|one, other| one.name.cmp(&other.name));
    subjects.dedup();
    if subjects.len() < 2 {
        return subjects;
    }
    let regions: Vec<Region> = subjects.iter().map(region).collect();
    let mut kept: Vec<bool> = vec![true; subjects.len()];
    // The narrow ones go first, so that of two subjects one inside the other the wide one stays.
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    order.sort_by_key(|index| {
        std::cmp::Reverse(subjects.get(*index).map_or(0, |subject| subject.selector.keys().count()))
    });
    let index = SelectorIndex::new(subjects.iter().enumerate().map(|(index, subject)| (index, &subject.selector)));
    for at in order {
        let (Some(region), Some(subject)) = (regions.get(at), subjects.get(at)) else { continue };
        let others = index.query(&subject.selector).into_iter();
        let others = others.filter(|other| *other != at && kept.get(*other) == Some(&true));
        let others: Vec<&Region> = others.filter_map(|other| regions.get(other)).collect();
        if !others.is_empty()
            && is_covered(region, &others)
            && let Some(slot) = kept.get_mut(at)
        {
            *slot = false;
        }
    }
    let mut kept = kept.into_iter();
    subjects.retain(|_| kept.next().unwrap_or(true));
    subjects
}

/// The subjects of a whole flow set.
#[derive(Debug)]
pub(super) struct Subjects<'a> {
    set: &'a FlowSet,
    isolated: Table<usize, PerDirection<PlannedIsolation>>,
    /// Every subject that was numbered, with its namespace.
    list: Table<SubjectId, (usize, PolicySubject)>,
    /// Those of each name. That is one: a name says which pods it stands for. But nothing here depends on it.
    ids: FxHashMap<(usize, SubjectName), SmallVec<[SubjectId; 1]>>,
    /// Where the subjects of each party are in `numbered`, once somebody asked.
    of_party: Table<PartyId, PerDirection<Option<Range<u32>>>>,
    numbered: Vec<SubjectId>,
}

/// A subject of one namespace; equal only for equal names and equal pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SubjectId(u32);

impl Id for SubjectId {
    fn at(place: usize) -> Self {
        SubjectId(number(place))
    }

    fn place(self) -> usize {
        self.0 as usize
    }
}

impl<'a> Subjects<'a> {
    /// Finds out who is isolated.
    pub(super) fn new(set: &'a FlowSet) -> Self {
        let of = |(index, namespace): (usize, &ManagedNamespace)| {
            let [ingress, egress] =
                [&namespace.ingress, &namespace.egress].map(|isolation| PlannedIsolation::new(set, index, isolation));
            PerDirection { ingress, egress }
        };
        let isolated = set.namespaces.iter().enumerate().map(of).collect();
        let of_party = vec![PerDirection::default(); set.parties.len()].into();
        // Most parties are tiers whose pods are isolated.
        let count = set.parties.len();
        let (list, numbered) = (Table::with_capacity(count), Vec::with_capacity(count));
        let ids = FxHashMap::with_capacity_and_hasher(count, FxBuildHasher);
        Subjects { set, isolated, list, ids, of_party, numbered }
    }

    /// How many were numbered.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The subject of an id.
    pub(super) fn get(&self, id: SubjectId) -> &PolicySubject {
        &self.list[id].1
    }

    /// The namespace of the subject of an id.
    pub(super) fn home(&self, id: SubjectId) -> usize {
        self.list[id].0
    }

    /// The subjects of each managed namespace that were numbered, by their places.
    pub(super) fn by_namespace(&self) -> Buckets {
        Buckets::new(self.set.namespaces.len(), self.list.iter().map(|(namespace, _)| *namespace))
    }

    fn number(&mut self, namespace: usize, subject: PolicySubject) -> SubjectId {
        let known = self.ids.entry((namespace, subject.name.clone())).or_default();
        if let Some(id) = known.iter().find(|id| self.list[**id].1.selector == subject.selector) {
            return *id;
        }
        debug_assert!(known.is_empty(), "one name for different pods: {subject:?}");
        let id = self.list.push((namespace, subject));
        known.push(id);
        id
    }

    /// The isolated pods of a namespace in a direction.
    pub(super) fn isolated(&self, namespace: usize, direction: Direction) -> &[PolicySubject] {
        &self.side(namespace, direction).subjects
    }

    /// The same with their numbers.
    pub(super) fn number_isolated(&mut self, namespace: usize, direction: Direction) -> Vec<SubjectId> {
        let subjects = self.isolated(namespace, direction).to_vec();
        subjects.into_iter().map(|subject| self.number(namespace, subject)).collect()
    }

    fn side(&self, namespace: usize, direction: Direction) -> &PlannedIsolation {
        self.isolated[namespace].get(direction)
    }

    /// The managed namespaces that a place has pods in.
    fn namespaces(&self, place: &Place) -> SmallVec<[usize; 1]> {
        let all = 0..self.set.namespaces.len();
        match place {
            Place::Pods { namespaces: Namespaces::Managed(index), .. } => smallvec![*index],
            Place::Pods { namespaces: Namespaces::Every, .. } | Place::Any => all.collect(),
            Place::Pods { namespaces: Namespaces::Labelled(labels), .. } => {
                // Nothing is written in a namespace that only may be one of them.
                let is_one = |own: &ManagedNamespace| own.is_among(labels) == Truth::Yes;
                all.filter(|index| is_one(&self.set.namespaces[*index])).collect()
            }
            Place::Pods { namespaces: Namespaces::Named(_), .. } | Place::Addresses(_) | Place::Unlisted(_) => {
                SmallVec::new()
            }
        }
    }

    /// The isolated pods of a party without groups, in all namespaces that it has pods in: for
    /// [`Subjects::numbered`].
    pub(super) fn of(&mut self, direction: Direction, party: PartyId) -> Range<u32> {
        if let Some(known) = self.of_party[party].get(direction) {
            return known.clone();
        }
        let place = self.set.parties[party].place.as_ref();
        let namespaces = place.map(|place| self.namespaces(place)).unwrap_or_default();
        let known = self.of_party[party].get(direction.other()).clone();
        if let Some(same) = known
            && namespaces.iter().all(|namespace| isolates_alike(&self.isolated[*namespace]))
        {
            *self.of_party[party].get_mut(direction) = Some(same.clone());
            return same;
        }
        let first = number(self.numbered.len());
        for namespace in namespaces {
            for subject in self.side(namespace, direction).within(subject_of(self.set, namespace, party)) {
                let id = self.number(namespace, subject);
                self.numbered.push(id);
            }
        }
        let range = first..number(self.numbered.len());
        *self.of_party[party].get_mut(direction) = Some(range.clone());
        range
    }

    /// Subjects by their places in the order in which parties were asked for.
    pub(super) fn numbered(&self, range: Range<u32>) -> &[SubjectId] {
        self.numbered.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The pods of a DNS server that are isolated for ingress, in all managed namespaces that it has pods in.
    pub(super) fn answering(&mut self, server: &DnsPods) -> Vec<SubjectId> {
        let Place::Pods { pods, .. } = &server.place else { return Vec::new() };
        let mut found = Vec::new();
        for index in self.namespaces(&server.place) {
            let name = SubjectName::of_dns(&server.name, &self.set.namespaces[index]);
            let wanted = PolicySubject { name, selector: pods.clone() };
            let subjects = self.side(index, Direction::Ingress).within(wanted);
            found.extend(subjects.into_iter().map(|subject| self.number(index, subject)));
        }
        found
    }
}
