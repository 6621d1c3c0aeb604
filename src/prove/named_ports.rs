//! Named container ports as numbers.

use crate::net::{PortSet, Protocol};
use std::sync::{Arc, LazyLock};

/// Every name of every protocol and no number.
static NAMES: LazyLock<PortSet> = LazyLock::new(|| {
    Protocol::ALL.iter().fold(PortSet::empty(), |names, &protocol| {
        let low = PortSet::range(protocol, 1, 1);
        let high = PortSet::range(protocol, 2, u16::MAX);
        names.union(&PortSet::whole(protocol).subtract(&low).subtract(&high))
    })
});

/// The ports as a pod sees them that gives them no name.
///
/// A set of ports takes a name for a thing of its own. But a named port has some number, so two ranges that together are
/// all numbers also hold every name. Therefore pods are looked at by themselves for each name: there the sets with the
/// name hold every number, and the others only their numbers.
pub fn numbers(ports: &PortSet) -> PortSet {
    let plain = |protocol| !ports.is_whole(protocol) && ports.names(protocol).next().is_none();
    if Protocol::ALL.into_iter().all(plain) { ports.clone() } else { ports.subtract(&NAMES) }
}

/// Every number of a protocol, as a pod sees them that gives them no name.
pub fn every_number(protocol: Protocol) -> PortSet {
    PortSet::whole(protocol).subtract(&NAMES)
}

/// The single names in a set.
pub fn names(ports: &PortSet) -> Vec<(Protocol, Arc<str>)> {
    let of = |protocol| ports.names(protocol).map(move |name| (protocol, name.clone()));
    Protocol::ALL.into_iter().flat_map(of).collect()
}
