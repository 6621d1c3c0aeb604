//! Sets of IP addresses.

use super::interval::{self, Touching};
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

/// A set of IPv4 and IPv6 addresses. Equal sets are equal values.
///
/// The families are apart: `::ffff:10.0.0.1` is an IPv6 address and not `10.0.0.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddressSet {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl AddressSet {
    /// No address.
    pub fn empty() -> Self {
        AddressSet::default()
    }

    /// Every address of both families.
    pub fn all() -> Self {
        AddressSet { v4: vec![(0, u32::MAX)], v6: vec![(0, u128::MAX)] }
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
        AddressSet { v4: interval::normalise(v4, Touching::Merge), v6: interval::normalise(v6, Touching::Merge) }
    }

    /// The addresses of either set.
    #[must_use]
    pub fn union(&self, other: &AddressSet) -> AddressSet {
        AddressSet {
            v4: interval::union(&self.v4, &other.v4, Touching::Merge),
            v6: interval::union(&self.v6, &other.v6, Touching::Merge),
        }
    }

    /// The addresses of all of the sets.
    pub fn union_of<'s>(sets: impl IntoIterator<Item = &'s AddressSet>) -> AddressSet {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend_from_slice(&set.v4);
            v6.extend_from_slice(&set.v6);
        }
        AddressSet::from_ranges(v4, v6)
    }

    /// The addresses of both sets.
    #[must_use]
    pub fn intersect(&self, other: &AddressSet) -> AddressSet {
        AddressSet { v4: interval::intersect(&self.v4, &other.v4), v6: interval::intersect(&self.v6, &other.v6) }
    }

    /// The addresses of this set that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &AddressSet) -> AddressSet {
        AddressSet { v4: interval::subtract(&self.v4, &other.v4), v6: interval::subtract(&self.v6, &other.v6) }
    }

    /// Whether every address of `other` is in this set.
    pub fn contains(&self, other: &AddressSet) -> bool {
        interval::covers(&self.v4, &other.v4) && interval::covers(&self.v6, &other.v6)
    }

    /// Whether the sets share an address.
    pub fn overlaps(&self, other: &AddressSet) -> bool {
        interval::overlaps(&self.v4, &other.v4) || interval::overlaps(&self.v6, &other.v6)
    }

    /// Whether there is no address in the set.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
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

    /// Those of one family.
    #[must_use]
    pub fn of_family(&self, family: Family) -> AddressSet {
        match family {
            Family::V4 => AddressSet { v4: self.v4.clone(), v6: Vec::new() },
            Family::V6 => AddressSet { v4: Vec::new(), v6: self.v6.clone() },
        }
    }

    /// The lowest address, of IPv4 if there is one.
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|&(low, _)| IpAddr::V4(Ipv4Addr::from(low)));
        v4.or_else(|| self.v6.first().map(|&(low, _)| IpAddr::V6(Ipv6Addr::from(low))))
    }

    /// The fewest blocks that make up the set: IPv4 before IPv6, sorted by address.
    pub fn to_nets(&self) -> Vec<IpNet> {
        let v4 = self.v4.iter().flat_map(|&(low, high)| Ipv4Subnets::new(low.into(), high.into(), 0));
        let v6 = self.v6.iter().flat_map(|&(low, high)| Ipv6Subnets::new(low.into(), high.into(), 0));
        v4.map(IpNet::V4).chain(v6.map(IpNet::V6)).collect()
    }
}
