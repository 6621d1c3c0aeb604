//! Ends that every rule treats alike, so that each question is answered once for all of them.

use super::Engine;
use super::world::EndId;
use crate::net::{Direction, Truth};
use crate::netpol::Peer;
use crate::table::number;
use rustc_hash::FxHashMap;
use std::net::IpAddr;

/// The ends of a world by what they are alike in: their sides, the peers that they are, and how they resolve names.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// The class of each end.
    pub(super) of: Vec<u32>,
    /// The classes, in the order of their first end.
    pub(super) all: Vec<Class>,
    /// The classes that each peer is or may be.
    pub(super) holders: Vec<Vec<(u32, Truth)>>,
    /// The classes behind each ingress side.
    pub(super) behind: Vec<Vec<u32>>,
    /// The classes that are not isolated for ingress.
    pub(super) open: Vec<u32>,
    /// The classes that rules of the whole cluster may be about for ingress.
    pub(super) ruled: Vec<u32>,
}

/// Ends that are alike.
#[derive(Debug)]
pub(super) struct Class {
    /// They, in order.
    pub(super) ends: Vec<EndId>,
    /// Their sides.
    pub(super) egress: Option<usize>,
    pub(super) ingress: Option<usize>,
    /// How they resolve names.
    pub(super) way: usize,
    /// Whether they are addresses.
    pub(super) outside: bool,
    /// Whether rules of the whole cluster may be about them, for ingress and for egress.
    pub(super) ruled: [bool; 2],
}

/// What the ends of a class are alike in.
type Key<'a> = (RuledSides, &'a [Vec<usize>; 2], usize, bool, &'a [IpAddr]);

/// The sides of an end, and the rulings about it, for egress and for ingress.
type RuledSides = [(Option<usize>, Option<usize>); 2];

impl Classes {
    pub(super) fn new(engine: &Engine<'_>) -> Self {
        let mut classes = Classes {
            holders: vec![Vec::new(); engine.peers.len()],
            behind: vec![Vec::new(); engine.sides.len()],
            ..Classes::default()
        };
        let mut known: FxHashMap<Key<'_>, u32> = FxHashMap::default();
        for id in engine.world.ids() {
            let pods = engine.world.pods(id);
            let egress = engine.side_index(Direction::Egress, id);
            let ingress = engine.side_index(Direction::Ingress, id);
            let (way, outside) = (engine.ports.way_of(id), pods.is_none());
            let addresses = pods.map_or(&[][..], |pods| &pods.addresses);
            let rulings = Direction::ALL.map(|direction| engine.rulings.list_of(direction, id));
            let [on_ingress, on_egress] = rulings;
            let sides = [(egress, on_egress), (ingress, on_ingress)];
            let key = (sides, engine.peers.of(id), way, outside, addresses);
            let next = number(known.len());
            let class = *known.entry(key).or_insert(next);
            classes.of.push(class);
            match classes.all.get_mut(class as usize) {
                Some(class) => class.ends.push(id),
                None => {
                    let ruled = rulings.map(|list| list.is_some());
                    classes.all.push(Class { ends: vec![id], egress, ingress, way, outside, ruled });
                    classes.ruled.extend(on_ingress.map(|_| class));
                    classes.file(class, ingress, engine.peers.of(id));
                }
            }
        }
        classes
    }

    fn file(&mut self, class: u32, ingress: Option<usize>, [sure, maybe]: &[Vec<usize>; 2]) {
        for (list, truth) in [(sure, Truth::Yes), (maybe, Truth::Maybe)] {
            for peer in list {
                if let Some(holders) = self.holders.get_mut(*peer) {
                    holders.push((class, truth));
                }
            }
        }
        match ingress {
            None => self.open.push(class),
            Some(side) => self.behind.get_mut(side).into_iter().for_each(|behind| behind.push(class)),
        }
    }

    /// Takes the pods from each block that only may match them, and gives them: the classes of each peer, sorted.
    pub(super) fn leave_out_blocks(&mut self, engine: &Engine<'_>) -> Vec<Vec<u32>> {
        let mut left_out = vec![Vec::new(); self.holders.len()];
        for (peer, (holders, left_out)) in self.holders.iter_mut().zip(&mut left_out).enumerate() {
            if !matches!(engine.peers.get(peer), Some(Peer::Block(_) | Peer::Unlisted(_))) {
                continue;
            }
            let is_outside = |class: u32| self.all.get(class as usize).is_some_and(|class| class.outside);
            holders.retain(|(class, truth)| {
                let stays = *truth == Truth::Yes || is_outside(*class);
                left_out.extend((!stays).then_some(*class));
                stays
            });
        }
        left_out
    }

    pub(super) fn get(&self, class: u32) -> Option<&Class> {
        self.all.get(class as usize)
    }
}
