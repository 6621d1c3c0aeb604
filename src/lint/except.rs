//! Exceptions that something else opens again.

use super::at;
use super::atoms::{Atom, Side};
use crate::diag::{Code, Diagnostic};
use crate::net::{AddressSet, IpBlock, Peers, Region};
use crate::netpol::Peer;
use ipnet::IpNet;
use std::collections::BTreeSet;

/// W0208: a block that is excepted from one rule, and inside a wider one of another.
pub(super) fn check(side: &Side<'_>, found: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    for (index, atom) in side.atoms.iter().enumerate() {
        let Some(Peer::Block(block)) = atom.written_peer() else { continue };
        let one = side.group.get(atom.policy);
        if one.is_some_and(|one| !one.is_network_policy() || one.covered.contains(&(side.direction, atom.rule))) {
            continue;
        }
        for except in &block.except {
            let key = (atom.policy, atom.rule, atom.peer, *except);
            if told.contains(&key) {
                continue;
            }
            let opens = |other: &Atom<'_>| other.region.ports.overlaps(&atom.region.ports) && same_pods(atom, other);
            let excepted = Peers::Addresses(AddressSet::from_net(*except));
            let near = side.near(&Region { peers: excepted, ..atom.region.clone() });
            let mut others = near.into_iter().filter(|at| *at != index).filter_map(|at| side.atoms.get(at));
            let Some(other) = others.find(|other| reopens(other, block, *except) && opens(other)) else {
                continue;
            };
            told.insert(key);
            let (Some(one), Some(opener)) = (side.group.get(atom.policy), side.group.get(other.policy)) else {
                continue;
            };
            let by = match other.policy == atom.policy {
                true => "another rule of it".to_owned(),
                false => format!("a rule of {}", opener.shown()),
            };
            let whole = match other.written_peer() {
                Some(Peer::Block(wider)) => wider.addresses().contains(&AddressSet::from_net(*except)),
                _ => true,
            };
            let part = if whole { "" } else { " in part" };
            let message = format!(
                "{except}, which {} excepts, stays open{part}: {by} allows it for the same pods, and rules only add up",
                one.shown()
            );
            let place = atom.peer.and_then(|peer| one.peer_place(side.direction, atom.rule, peer));
            let mut diagnostic = at(Code::W0208, place, message);
            let opened = other.peer.map_or_else(
                || opener.rule_place(side.direction, other.rule),
                |peer| opener.peer_place(side.direction, other.rule, peer),
            );
            if let Some(opened) = opened {
                diagnostic = diagnostic.with_label(opened, "allowed here");
            }
            found.push(diagnostic.with_help(format!("write `except: [\"{except}\"]` there too, or narrow that rule")));
        }
    }
}

/// Whether a pod that one selects is always one that the other selects.
pub(super) fn same_pods(one: &Atom<'_>, other: &Atom<'_>) -> bool {
    let (one, other) = (&one.region.subject, &other.region.subject);
    one.contains(other) || other.contains(one)
}

/// Whether an atom allows some of an exception by a block wider than it. One that allows just a part of it, or exactly
/// it, does so on purpose.
fn reopens(other: &Atom<'_>, block: &IpBlock, except: IpNet) -> bool {
    match other.written_peer() {
        None => true,
        Some(Peer::Block(wider)) => {
            wider != block
                && wider.cidr != except
                && wider.cidr.contains(&except)
                && wider.addresses().overlaps(&AddressSet::from_net(except))
        }
        Some(Peer::Pods { .. } | Peer::Unlisted(_)) => false,
    }
}
