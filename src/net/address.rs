//! Sets of IP addresses, and of what stands for addresses that nobody lists.

use super::interval::{self, Touching};
use super::{EntitySet, NamePattern, NameSet};
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A family of addresses. A connection is made over one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Family; 2] = [Family::V4, Family::V6];

    /// The family of an address.
    pub fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// A set of IPv4 and IPv6 addresses, and of DNS names and entities, which a policy can name instead. Equal sets are equal
/// values.
///
/// The families are apart: `::ffff:10.0.0.1` is an IPv6 address and not `10.0.0.1`. Names and entities are apart from all
/// addresses and from each other: which addresses they stand for, [`Facts`](super::Facts) says as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddressSet {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
    /// `None` where there are none, as nearly always.
    unlisted: Option<Box<UnlistedSet>>,
}

/// What a policy names instead of addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unlisted {
    /// DNS names, sorted, each once.
    Names(Vec<NamePattern>),
    /// Entities.
    Entities(EntitySet),
}

impl Unlisted {
    /// About how many identities a plugin has for it; a name may have several addresses.
    pub fn identities(&self) -> usize {
        const OF_NAME: usize = 10;
        match self {
            Unlisted::Names(patterns) => patterns.len() * OF_NAME,
            Unlisted::Entities(entities) => entities.iter().count(),
        }
    }

    /// As a set.
    pub fn addresses(&self) -> AddressSet {
        match self {
            Unlisted::Names(patterns) => AddressSet::of_names(NameSet::of_all(patterns)),
            Unlisted::Entities(entities) => AddressSet::of_entities(*entities),
        }
    }
}

/// Names and entities in a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct UnlistedSet {
    names: NameSet,
    entities: EntitySet,
}

impl UnlistedSet {
    fn boxed(names: NameSet, entities: EntitySet) -> Option<Box<UnlistedSet>> {
        (!names.is_empty() || !entities.is_empty()).then(|| Box::new(UnlistedSet { names, entities }))
    }
}

impl AddressSet {
    /// No address.
    pub fn empty() -> Self {
        AddressSet::default()
    }

    /// Every address of both families, and neither names nor entities: what blocks can say at most.
    pub fn all() -> Self {
        AddressSet { v4: vec![(0, u32::MAX)], v6: vec![(0, u128::MAX)], unlisted: None }
    }

    /// Every address, name and entity: what a rule without peers lets through beside pods.
    pub fn everything() -> Self {
        AddressSet { unlisted: UnlistedSet::boxed(NameSet::all(), EntitySet::ALL), ..AddressSet::all() }
    }

    /// DNS names.
    pub fn of_names(names: NameSet) -> Self {
        AddressSet { unlisted: UnlistedSet::boxed(names, EntitySet::EMPTY), ..AddressSet::default() }
    }

    /// Entities.
    pub fn of_entities(entities: EntitySet) -> Self {
        AddressSet { unlisted: UnlistedSet::boxed(NameSet::empty(), entities), ..AddressSet::default() }
    }

    /// The addresses of a block; host bits do not matter.
    pub fn from_net(net: IpNet) -> Self {
        AddressSet::from_nets([net])
    }

    /// The addresses of several blocks.
    pub fn from_nets(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            match net {
                IpNet::V4(net) => v4.push((net.network().into(), net.broadcast().into())),
                IpNet::V6(net) => v6.push((net.network().into(), net.broadcast().into())),
            }
        }
        AddressSet::from_ranges(v4, v6)
    }

    /// The addresses of inclusive ranges, in any order.
    pub fn from_ranges(v4: Vec<(u32, u32)>, v6: Vec<(u128, u128)>) -> Self {
        let (v4, v6) = (interval::normalise(v4, Touching::Merge), interval::normalise(v6, Touching::Merge));
        AddressSet { v4, v6, unlisted: None }
    }

    fn combine_unlisted(
        &self,
        other: &AddressSet,
        names: impl Fn(&NameSet, &NameSet) -> NameSet,
        entities: impl Fn(EntitySet, EntitySet) -> EntitySet,
    ) -> Option<Box<UnlistedSet>> {
        if self.unlisted.is_none() && other.unlisted.is_none() {
            return None;
        }
        let of = |set: &AddressSet| set.unlisted.as_deref().cloned().unwrap_or_default();
        let (one, two) = (of(self), of(other));
        UnlistedSet::boxed(names(&one.names, &two.names), entities(one.entities, two.entities))
    }

    /// The DNS names in it.
    pub fn names(&self) -> NameSet {
        self.unlisted.as_ref().map(|unlisted| unlisted.names.clone()).unwrap_or_default()
    }

    /// The entities in it.
    pub fn entities(&self) -> EntitySet {
        self.unlisted.as_ref().map(|unlisted| unlisted.entities).unwrap_or_default()
    }

    /// Whether there are names or entities in it.
    pub fn has_unlisted(&self) -> bool {
        self.unlisted.is_some()
    }

    /// The same without names and entities.
    #[must_use]
    pub fn listed(&self) -> AddressSet {
        AddressSet { unlisted: None, ..self.clone() }
    }

    /// The addresses of either set.
    #[must_use]
    pub fn union(&self, other: &AddressSet) -> AddressSet {
        AddressSet {
            v4: interval::union(&self.v4, &other.v4, Touching::Merge),
            v6: interval::union(&self.v6, &other.v6, Touching::Merge),
            unlisted: self.combine_unlisted(other, NameSet::union, EntitySet::union),
        }
    }

    /// The addresses of all of the sets.
    pub fn union_of<'s>(sets: impl IntoIterator<Item = &'s AddressSet>) -> AddressSet {
        let (mut v4, mut v6, mut unlisted) = (Vec::new(), Vec::new(), AddressSet::empty());
        for set in sets {
            v4.extend_from_slice(&set.v4);
            v6.extend_from_slice(&set.v6);
            unlisted.unlisted = unlisted.combine_unlisted(set, NameSet::union, EntitySet::union);
        }
        AddressSet { unlisted: unlisted.unlisted, ..AddressSet::from_ranges(v4, v6) }
    }

    /// The addresses of both sets.
    #[must_use]
    pub fn intersect(&self, other: &AddressSet) -> AddressSet {
        AddressSet {
            v4: interval::intersect(&self.v4, &other.v4),
            v6: interval::intersect(&self.v6, &other.v6),
            unlisted: self.combine_unlisted(other, NameSet::intersect, EntitySet::intersect),
        }
    }

    /// The addresses of this set that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &AddressSet) -> AddressSet {
        AddressSet {
            v4: interval::subtract(&self.v4, &other.v4),
            v6: interval::subtract(&self.v6, &other.v6),
            unlisted: self.combine_unlisted(other, NameSet::subtract, EntitySet::subtract),
        }
    }

    /// Whether every address of `other` is in this set.
    pub fn contains(&self, other: &AddressSet) -> bool {
        interval::covers(&self.v4, &other.v4)
            && interval::covers(&self.v6, &other.v6)
            && match (&self.unlisted, &other.unlisted) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(mine), Some(theirs)) => {
                    mine.entities.contains(theirs.entities) && mine.names.contains(&theirs.names)
                }
            }
    }

    /// Whether the sets share an address.
    pub fn overlaps(&self, other: &AddressSet) -> bool {
        interval::overlaps(&self.v4, &other.v4)
            || interval::overlaps(&self.v6, &other.v6)
            || self.unlisted.as_ref().zip(other.unlisted.as_ref()).is_some_and(|(mine, theirs)| {
                !mine.entities.intersect(theirs.entities).is_empty() || mine.names.overlaps(&theirs.names)
            })
    }

    /// Whether there is no address in the set.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty() && self.unlisted.is_none()
    }

    /// Whether every address of both families is in the set.
    pub fn has_all(&self) -> bool {
        *self.v4 == [(0, u32::MAX)] && *self.v6 == [(0, u128::MAX)]
    }

    /// Whether `address` is in the set.
    pub fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => interval::has(&self.v4, u32::from(address)),
            IpAddr::V6(address) => interval::has(&self.v6, u128::from(address)),
        }
    }

    /// The IPv4 addresses as sorted inclusive ranges, between any two of which an address is missing.
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4
    }

    /// The IPv6 addresses, in the form of [`AddressSet::v4`].
    pub fn v6(&self) -> &[(u128, u128)] {
        &self.v6
    }

    /// The addresses of one family.
    #[must_use]
    pub fn of_family(&self, family: Family) -> AddressSet {
        match family {
            Family::V4 => AddressSet { v4: self.v4.clone(), ..AddressSet::default() },
            Family::V6 => AddressSet { v6: self.v6.clone(), ..AddressSet::default() },
        }
    }

    /// The lowest address, of IPv4 if there is one.
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|&(low, _)| IpAddr::V4(Ipv4Addr::from(low)));
        v4.or_else(|| self.v6.first().map(|&(low, _)| IpAddr::V6(Ipv6Addr::from(low))))
    }

    /// One name or entity of it, where it has some.
    pub fn one_unlisted(&self) -> Option<AddressSet> {
        let UnlistedSet { names, entities } = self.unlisted.as_deref()?;
        let name = names.example().map(|name| AddressSet::of_names(NameSet::of(&NamePattern::Exact(name.into()))));
        name.or_else(|| entities.iter().next().map(|entity| AddressSet::of_entities(EntitySet::of(entity))))
    }

    /// The names and entities of it in words: `github.com or *.example.com`, `the API server`.
    pub fn unlisted_text(&self) -> String {
        let patterns = self.names().patterns().into_iter().map(|pattern| pattern.to_string());
        let entities = self.entities().iter().map(|entity| entity.description().to_owned());
        patterns.chain(entities).collect::<Vec<_>>().join(" or ")
    }

    /// The fewest blocks that make up the addresses of the set: IPv4 before IPv6, sorted by address.
    pub fn to_nets(&self) -> Vec<IpNet> {
        let v4 = self.v4.iter().flat_map(|&(low, high)| Ipv4Subnets::new(low.into(), high.into(), 0));
        let v6 = self.v6.iter().flat_map(|&(low, high)| Ipv6Subnets::new(low.into(), high.into(), 0));
        v4.map(IpNet::V4).chain(v6.map(IpNet::V6)).collect()
    }
}
