//! Verdicts where facts are missing, by what matters to them: most ends that are told apart are not by the two sides of one
//! connection.

use super::world::{End, EndId};
use super::{Engine, peers::PeerTable};
use crate::net::{Direction, Truth};
use crate::netpol::Peer;
use crate::table::number;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// So many of them are kept. That only saves time.
const MOST_KEPT: usize = 1_000_000;

/// In place of a number that is not there.
const NONE: u32 = u32::MAX;

/// Verdicts by all that they depend on.
#[derive(Debug)]
pub(super) struct Asked {
    /// The peers that the rules of each side ask for, sorted.
    peers: Vec<Vec<usize>>,
    /// What matters to the verdict that is looked for.
    pub key: Vec<u32>,
    pub known: FxHashMap<Vec<u32>, u32>,
}

impl Asked {
    pub(super) fn new(engine: &Engine<'_>) -> Self {
        let peers = engine.sides.iter().map(|side| {
            let rules = side.rules.iter().filter_map(|rule| engine.rules.get(*rule)?.peers.as_ref());
            rules.flatten().copied().collect::<BTreeSet<usize>>().into_iter().collect()
        });
        Asked { peers: peers.collect(), key: Vec::new(), known: FxHashMap::default() }
    }

    /// Keeps the verdict that was looked for.
    pub(super) fn keep(&mut self, verdict: u32) {
        if self.known.len() > MOST_KEPT {
            self.known.clear();
        }
        self.known.insert(self.key.clone(), verdict);
    }

    /// Finds out what matters to the verdict between two ends.
    pub(super) fn look_at(&mut self, engine: &Engine<'_>, source: EndId, destination: EndId) {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.push(number(engine.ports.way_of(destination)));
        // The node that a pod runs on is always let in.
        key.push(match engine.world.is_own_node(destination, source) {
            Truth::No => 0,
            Truth::Maybe => 1,
            Truth::Yes => 2,
        });
        let mut by_address = false;
        for (direction, subject, peer) in
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
        {
            let side = engine.side_index(direction, subject);
            key.push(side.map_or(NONE, number));
            let own = side.and_then(|side| self.peers.get(side)).map(Vec::as_slice).unwrap_or_default();
            let doubts = add_peers(&mut key, &engine.peers, own, peer);
            key.push(NONE);
            let list = engine.rulings.list_of(direction, subject);
            key.push(list.map_or(NONE, number));
            if list.is_some() {
                // Any of them may be asked for.
                key.extend(
                    engine
                        .peers
                        .of(peer)
                        .iter()
                        .enumerate()
                        .flat_map(|(at, all)| all.iter().map(move |peer| number(*peer << 1 | at))),
                );
                key.push(NONE);
            }
            by_address |= doubts.address;
            let home = engine.world.pods(peer).filter(|_| doubts.namespace).map(|pods| pods.namespace.0);
            key.push(home.unwrap_or(NONE));
        }
        for end in [source, destination] {
            match engine.world.end(end) {
                Some(End::Pods(pods)) if by_address => {
                    pods.addresses.iter().for_each(|one| add_address(&mut key, *one))
                }
                Some(End::Pods(_)) | None => {}
                Some(End::Addresses { .. }) => key.push(end.0),
            }
            key.push(NONE);
        }
        self.key = key;
    }
}

/// What is not known of an end.
struct Doubts {
    /// Whether it matters which labels its namespace has.
    namespace: bool,
    /// Whether it matters which address it has.
    address: bool,
}

/// Adds which of some peers an end is or may be.
fn add_peers(key: &mut Vec<u32>, table: &PeerTable<'_>, own: &[usize], end: EndId) -> Doubts {
    let mut doubts = Doubts { namespace: false, address: false };
    let [sure, maybe] = table.of(end);
    for (truth, all) in [(0, sure), (1, maybe)] {
        // Both are sorted, and one is often much shorter than the other.
        let (few, many) = if own.len() < all.len() { (own, all.as_slice()) } else { (all.as_slice(), own) };
        for peer in few.iter().filter(|peer| many.binary_search(peer).is_ok()) {
            key.push(number(*peer << 1 | truth));
            if truth == 1 {
                match table.get(*peer) {
                    Some(Peer::Block(_) | Peer::Unlisted(_)) => doubts.address = true,
                    _ => doubts.namespace = true,
                }
            }
        }
    }
    doubts
}

fn add_address(key: &mut Vec<u32>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => key.extend([4, address.to_bits()]),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            key.push(6);
            key.extend([96, 64, 32, 0].map(|shift| u32::try_from(bits >> shift & 0xffff_ffff).unwrap_or(NONE)));
        }
    }
}
