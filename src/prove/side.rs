//! One side by itself: what policies isolate and grant there, and whether that holds something.

use super::grants::worlds;
use super::named_ports::{every_number, names, numbers};
use crate::cover::{Budget, GaveUp, missing};
use crate::net::{Direction, NAMESPACE_NAME, Peers, PortSet, Region, Values};

/// A region whose peers are of namespaces that have a name, as every one has.
pub(super) fn named(region: Region) -> Region {
    let Peers::Pods { namespaces, pods } = region.peers else { return region };
    let names = namespaces.values(NAMESPACE_NAME).and(&Values::exists());
    let namespaces = namespaces.with(&NAMESPACE_NAME.into(), names);
    Region { peers: Peers::Pods { namespaces, pods }, ..region }
}

/// The same without a name where any other will do: an example is then of a namespace that nobody names.
pub(super) fn nameless(peers: &Peers) -> Peers {
    match peers {
        Peers::Pods { namespaces, pods } if namespaces.required_value(NAMESPACE_NAME).is_none() => {
            let others = Values::none_of(namespaces.values(NAMESPACE_NAME).listed().iter().cloned());
            Peers::Pods { namespaces: namespaces.with(&NAMESPACE_NAME.into(), others), pods: pods.clone() }
        }
        Peers::Any | Peers::Pods { .. } | Peers::Addresses(_) => peers.clone(),
    }
}

/// Whether some of the traffic of a region is granted by none of `by`, where all of them are of one side.
pub fn lacks(region: &Region, by: &[&Region], direction: Direction, budget: &mut Budget) -> Result<bool, GaveUp> {
    let with = |region: &Region, ports: PortSet| Region { ports, ..region.clone() };
    let numeric: Vec<Region> = by.iter().map(|one| with(one, numbers(&one.ports))).collect();
    let plain: Vec<&Region> = numeric.iter().collect();
    for part in worlds(region).into_iter().map(named) {
        if missing(with(&part, numbers(&part.ports)), &plain, budget)?.is_some() {
            return Ok(true);
        }
        // Nobody knows the container ports of an address.
        if direction == Direction::Egress && matches!(part.peers, Peers::Addresses(_)) {
            continue;
        }
        for (protocol, name) in names(&part.ports) {
            let seen = |(one, plain): (&&Region, &Region)| match one.ports.has_name(protocol, &name) {
                true => with(one, every_number(protocol)),
                false => plain.clone(),
            };
            let candidates: Vec<Region> = by.iter().zip(&numeric).map(seen).collect();
            let candidates: Vec<&Region> = candidates.iter().collect();
            if missing(with(&part, every_number(protocol)), &candidates, budget)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
