//! Exceptions that something else opens again.

use super::atoms::{Atom, Side};
use super::{at, peers_field};
use crate::diag::{Code, Diagnostic};
use crate::net::{AddressSet, IpBlock, Peers, Region};
use crate::netpol::Peer;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// A block with exceptions, and the atom that opens some of them again.
type AtomPair = ((usize, usize, Option<usize>), (usize, usize, Option<usize>));

/// W0208: blocks that are excepted from one rule, and inside a wider one of another; those that one rule opens together.
pub(super) fn check(side: &Side<'_>, found: &mut Vec<Diagnostic>) {
    let mut told = BTreeSet::new();
    let mut all: BTreeMap<AtomPair, OpenedExceptions<'_>> = BTreeMap::new();
    for (index, atom) in side.atoms.iter().enumerate() {
        let Some(Peer::Block(block)) = atom.written_peer() else { continue };
        let one = side.group.get(atom.policy);
        if one.is_some_and(|one| !one.is_network_policy() || one.covered.contains(&(side.direction, atom.rule))) {
            continue;
        }
        for except in &block.except {
            let key = (atom.policy, atom.rule, atom.peer);
            if told.contains(&(key, *except)) {
                continue;
            }
            let opens = |other: &Atom<'_>| other.region.ports.overlaps(&atom.region.ports) && same_pods(atom, other);
            let excepted = Peers::Addresses(AddressSet::from_net(*except));
            let near = side.near(&Region { peers: excepted, ..atom.region.clone() });
            let mut others = near.into_iter().filter(|at| *at != index).filter_map(|at| side.atoms.get(at));
            let Some(other) = others.find(|other| reopens(other, block, *except) && opens(other)) else {
                continue;
            };
            told.insert((key, *except));
            let opener = (other.policy, other.rule, other.peer);
            let exceptions = Vec::new();
            let known = all.entry((key, opener)).or_insert(OpenedExceptions { atom, other, exceptions });
            known.exceptions.push(*except);
        }
    }
    found.extend(all.values().filter_map(|opened| opened.told(side)));
}

/// Exceptions of a block that one atom opens again.
struct OpenedExceptions<'a> {
    atom: &'a Atom<'a>,
    other: &'a Atom<'a>,
    exceptions: Vec<IpNet>,
}

impl OpenedExceptions<'_> {
    fn told(&self, side: &Side<'_>) -> Option<Diagnostic> {
        let OpenedExceptions { atom, other, exceptions } = self;
        let (one, opener) = (side.group.get(atom.policy)?, side.group.get(other.policy)?);
        let by = match other.policy == atom.policy {
            true => "another rule of it".to_owned(),
            false => format!("a rule of {}", opener.shown()),
        };
        let all = exceptions.iter().fold(AddressSet::empty(), |all, one| all.union(&AddressSet::from_net(*one)));
        let whole = match other.written_peer() {
            Some(Peer::Block(wider)) => wider.addresses().contains(&all),
            _ => true,
        };
        let part = if whole { "" } else { " in part" };
        let ports = other.region.ports.intersect(&atom.region.ports);
        let on = match ports.contains(&atom.region.ports) {
            true => String::new(),
            false => format!(" on {ports}"),
        };
        let names: Vec<String> = exceptions.iter().map(ToString::to_string).collect();
        let (listed, stay, them) = match names.split_last() {
            Some((last, [])) => (last.clone(), "stays", "it"),
            Some((last, rest)) => (format!("{} and {last}", rest.join(", ")), "stay", "them"),
            None => return None,
        };
        let message = format!(
            "{listed}, which {} excepts, {stay} open{part}{on}: {by} allows {them} for the same pods, and rules only add up",
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
        Some(diagnostic.with_help(match other.written_peer() {
            Some(_) => {
                let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                format!("write `except: [{}]` there too, or narrow that rule", quoted.join(", "))
            }
            None => {
                format!("say in that rule whom it is for: without `{}` it is for everyone", peers_field(side.direction))
            }
        }))
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
        // Whoever asks for names may ask anybody.
        None => !super::dns::is_only_dns(other.written),
        Some(Peer::Block(wider)) => {
            wider != block
                && wider.cidr != except
                && wider.cidr.contains(&except)
                && wider.addresses().overlaps(&AddressSet::from_net(except))
        }
        Some(Peer::Pods { .. } | Peer::Unlisted(_)) => false,
    }
}
