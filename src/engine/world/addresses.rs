//! Cuts all addresses into kinds that some sets can tell apart.

use crate::net::{AddressSet, EntitySet, NameSet};
use std::collections::{BTreeMap, BTreeSet};

/// Ranges of IPv4 and of IPv6.
type Ranges = (Vec<(u32, u32)>, Vec<(u128, u128)>);

/// The kinds of addresses that `sets` can tell apart, each with the sets that it is in; together they are all there are. Of
/// names and entities, which are apart from addresses and from each other, there are only those that are in some set.
pub fn kinds(sets: &[AddressSet]) -> Vec<(AddressSet, Vec<usize>)> {
    let v4 = intervals(
        sets.iter().map(|set| set.v4().iter().map(|&(low, high)| (low.into(), high.into()))),
        u32::MAX.into(),
    );
    let v6 = intervals(sets.iter().map(|set| set.v6().iter().copied()), u128::MAX);
    let mut kinds: BTreeMap<Vec<usize>, Ranges> = BTreeMap::new();
    for (low, high, members) in v4 {
        let small = |bound| u32::try_from(bound).unwrap_or(u32::MAX);
        kinds.entry(members).or_default().0.push((small(low), small(high)));
    }
    for (low, high, members) in v6 {
        kinds.entry(members).or_default().1.push((low, high));
    }
    let listed = kinds.into_iter().map(|(members, (v4, v6))| (AddressSet::from_ranges(v4, v6), members));
    if sets.iter().any(AddressSet::has_unlisted) { listed.chain(unlisted(sets)).collect() } else { listed.collect() }
}

/// The same for names and entities.
fn unlisted(sets: &[AddressSet]) -> Vec<(AddressSet, Vec<usize>)> {
    let mut names: Vec<(NameSet, Vec<usize>)> = vec![(NameSet::all(), Vec::new())];
    for (index, own) in sets.iter().map(AddressSet::names).enumerate().filter(|(_, own)| !own.is_empty()) {
        let cut = |(kind, members): (NameSet, Vec<usize>)| {
            let with = members.iter().copied().chain([index]).collect();
            let parts = [(kind.intersect(&own), with), (kind.subtract(&own), members)];
            parts.into_iter().filter(|(kind, _)| !kind.is_empty())
        };
        names = names.into_iter().flat_map(cut).collect();
    }
    let mut entities: BTreeMap<Vec<usize>, EntitySet> = BTreeMap::new();
    for entity in EntitySet::ALL.iter() {
        let members = sets.iter().enumerate().filter(|(_, set)| set.entities().has(entity)).map(|(index, _)| index);
        let kind = entities.entry(members.collect()).or_default();
        *kind = kind.union(EntitySet::of(entity));
    }
    let names = names.into_iter().map(|(kind, members)| (AddressSet::of_names(kind), members));
    let entities = entities.into_iter().map(|(members, kind)| (AddressSet::of_entities(kind), members));
    names.chain(entities).filter(|(_, members)| !members.is_empty()).collect()
}

/// Ranges from 0 to `last` between two bounds of the lists, with the lists that hold each.
fn intervals<I>(lists: impl Iterator<Item = I>, last: u128) -> Vec<(u128, u128, Vec<usize>)>
where
    I: Iterator<Item = (u128, u128)>,
{
    // At each bound, the lists that start and those that end before it.
    let mut bounds: BTreeMap<u128, (Vec<usize>, Vec<usize>)> = BTreeMap::from([(0, Default::default())]);
    for (index, ranges) in lists.enumerate() {
        for (low, high) in ranges {
            bounds.entry(low).or_default().0.push(index);
            if let Some(after) = high.checked_add(1).filter(|after| *after <= last) {
                bounds.entry(after).or_default().1.push(index);
            }
        }
    }
    let starts: Vec<u128> = bounds.keys().copied().collect();
    let mut inside = BTreeSet::new();
    let mut found = Vec::with_capacity(starts.len());
    for ((low, (begin, end)), high) in bounds.into_iter().zip(starts.iter().skip(1).map(|next| next - 1).chain([last]))
    {
        end.iter().for_each(|index| _ = inside.remove(index));
        inside.extend(begin);
        found.push((low, high, inside.iter().copied().collect()));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::net::{ClusterEntity, NamePattern};

    fn set(nets: &[&str]) -> AddressSet {
        AddressSet::from_nets(nets.iter().map(|net| net.parse().unwrap()))
    }

    #[test]
    fn names_and_entities_are_cut_like_addresses() {
        let names = |patterns: &[&str]| {
            let patterns: Vec<NamePattern> = patterns.iter().map(|text| NamePattern::parse(text)).collect();
            AddressSet::of_names(NameSet::of_all(&patterns))
        };
        let sets = [
            names(&["*.example.com"]),
            names(&["api.example.com", "github.com"]).union(&set(&["10.0.0.0/8"])),
            AddressSet::of_entities(EntitySet::NODES),
            AddressSet::of_entities(EntitySet::API_SERVER.union(EntitySet::of(ClusterEntity::OwnNode))),
        ];
        let found = kinds(&sets);
        for (kind, members) in &found {
            assert!(!kind.is_empty());
            for (index, set) in sets.iter().enumerate() {
                assert_eq!(set.contains(kind), members.contains(&index), "{kind:?}");
                assert_eq!(set.overlaps(kind), members.contains(&index), "{kind:?}");
            }
        }
        // Two of addresses, three of names, three of entities.
        assert_eq!(found.len(), 8);
        let all = sets.iter().fold(AddressSet::all(), |all, set| all.union(set));
        assert_eq!(AddressSet::union_of(found.iter().map(|(kind, _)| kind)), all);
    }

    #[test]
    fn the_kinds_are_disjoint_and_everything() {
        let sets = [set(&["10.0.0.0/8", "fd00::/8"]), set(&["10.1.0.0/16"]), set(&["0.0.0.0/0"]), AddressSet::empty()];
        let kinds = kinds(&sets);
        let mut all = AddressSet::empty();
        for (addresses, members) in &kinds {
            assert!(!addresses.is_empty() && !all.overlaps(addresses));
            all = all.union(addresses);
            for (index, set) in sets.iter().enumerate() {
                assert_eq!(set.contains(addresses), members.contains(&index));
                assert_eq!(set.overlaps(addresses), members.contains(&index));
            }
        }
        assert_eq!(all, AddressSet::all());
        assert_eq!(kinds.len(), 5);
    }
}
