//! Which ends are which peers.

use super::world::{End, EndId, Namespace, NamespaceId, World};
use crate::net::{AddressSet, MatchIndex, MatchedAddresses, Selector, SelectorIndex, Truth, namespace_by_name};
use crate::netpol::Peer;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Peers, those that mean the same once.
#[derive(Debug, Default)]
pub(super) struct PeerTable<'a> {
    peers: Vec<PeerEntry<'a>>,
    known: FxHashMap<(Option<&'a str>, &'a Peer), usize>,
    /// The peers that each end is, sorted; the second, those that it may be.
    peers_of: Vec<[Vec<usize>; 2]>,
}

/// A peer, and the namespace it is local to.
#[derive(Debug)]
struct PeerEntry<'a> {
    home: Option<&'a str>,
    peer: &'a Peer,
}

impl<'a> PeerTable<'a> {
    /// The index of a peer of a policy in the namespace `home`.
    pub(super) fn insert(&mut self, home: &'a str, peer: &'a Peer) -> usize {
        let home = matches!(peer, Peer::Pods { namespaces: None, .. }).then_some(home);
        let peers = &mut self.peers;
        *self.known.entry((home, peer)).or_insert_with(|| {
            peers.push(PeerEntry { home, peer });
            peers.len() - 1
        })
    }

    /// Finds the ends of each peer; nothing is inserted after that.
    pub(super) fn match_ends(&mut self, world: &World) {
        let found = PeerFinder::new(&self.peers, world);
        let mut candidates: FxHashMap<NamespaceId, Candidates> = FxHashMap::default();
        for id in world.ids() {
            let mut found_here = [Vec::new(), Vec::new()];
            match world.end(id) {
                Some(End::Pods(pods)) => {
                    let near = candidates.entry(pods.namespace).or_insert_with(|| found.pods_in(pods.namespace));
                    for at in near.by_pods.matching(&pods.labels) {
                        near.peers.get(at).into_iter().for_each(|&(peer, truth)| file(&mut found_here, peer, truth));
                    }
                    for BlockPeer { index, addresses, .. } in &found.blocks {
                        file(&mut found_here, *index, pods.in_block(&world.facts, addresses));
                    }
                }
                Some(End::Addresses { addresses, .. }) => {
                    // The kinds of addresses are inside or outside of each block.
                    for BlockPeer { index, matched, .. } in &found.blocks {
                        file(&mut found_here, *index, matched.truth(addresses));
                    }
                }
                None => {}
            }
            found_here.iter_mut().for_each(|list| list.sort_unstable());
            self.peers_of.push(found_here);
        }
        self.known = FxHashMap::default();
    }

    /// Whether an end is a peer.
    pub(super) fn truth(&self, peer: usize, end: EndId) -> Truth {
        let Some([sure, maybe]) = self.peers_of.get(end.index()) else { return Truth::No };
        match sure.binary_search(&peer) {
            Ok(_) => Truth::Yes,
            Err(_) if maybe.binary_search(&peer).is_ok() => Truth::Maybe,
            Err(_) => Truth::No,
        }
    }

    /// The peers that an end is, sorted; the second, those that it may be.
    pub(super) fn of(&self, end: EndId) -> &[Vec<usize>; 2] {
        static NONE: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
        self.peers_of.get(end.index()).unwrap_or(&NONE)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// The peer of an index.
    pub(super) fn get(&self, index: usize) -> Option<&'a Peer> {
        self.peers.get(index).map(|entry| entry.peer)
    }

    /// The peer of an index, and the namespace that it is local to.
    pub(super) fn key(&self, index: usize) -> Option<(Option<&'a str>, &'a Peer)> {
        self.peers.get(index).map(|entry| (entry.home, entry.peer))
    }
}

fn file([sure, maybe]: &mut [Vec<usize>; 2], peer: usize, truth: Truth) {
    match truth {
        Truth::Yes => sure.push(peer),
        Truth::Maybe => maybe.push(peer),
        Truth::No => {}
    }
}

/// The peers that pods of some namespace may be.
struct Candidates {
    /// Each, and whether the namespace is right.
    peers: Vec<(usize, Truth)>,
    /// Which of them pods are, by their labels.
    by_pods: MatchIndex,
}

/// Finds peers.
struct PeerFinder<'a, 'w> {
    world: &'w World,
    local: FxHashMap<&'a str, Vec<(usize, &'a Selector)>>,
    anywhere: Vec<(usize, &'a Selector, &'a Selector)>,
    by_namespace: SelectorIndex,
    blocks: Vec<BlockPeer>,
}

/// A peer that is a block, or what is named in place of one.
struct BlockPeer {
    index: usize,
    addresses: AddressSet,
    /// What it matches beside pods.
    matched: MatchedAddresses,
}

impl<'a, 'w> PeerFinder<'a, 'w> {
    fn new(peers: &[PeerEntry<'a>], world: &'w World) -> Self {
        let mut local: FxHashMap<&str, Vec<(usize, &Selector)>> = FxHashMap::default();
        let (mut anywhere, mut blocks) = (Vec::new(), Vec::new());
        for (index, entry) in peers.iter().enumerate() {
            match (entry.peer, entry.home) {
                (Peer::Pods { namespaces: Some(namespaces), pods }, _) => anywhere.push((index, namespaces, pods)),
                (Peer::Pods { pods, .. }, home) => {
                    local.entry(home.unwrap_or_default()).or_default().push((index, pods))
                }
                (Peer::Block(_) | Peer::Unlisted(_), _) => {
                    let addresses = entry.peer.addresses().unwrap_or_default();
                    let matched = world.facts.matched(&addresses);
                    blocks.push(BlockPeer { index, addresses, matched });
                }
            }
        }
        let by_namespace = SelectorIndex::new(anywhere.iter().map(|(_, namespaces, _)| *namespaces).enumerate());
        PeerFinder { world, local, anywhere, by_namespace, blocks }
    }

    fn pods_in(&self, id: NamespaceId) -> Candidates {
        let Some(namespace) = self.world.namespace(id) else {
            return Candidates { peers: Vec::new(), by_pods: MatchIndex::default() };
        };
        let local = namespace.name.as_ref().and_then(|name: &Arc<str>| self.local.get(&**name)).into_iter().flatten();
        let local = local.map(|&(peer, pods)| (pods, (peer, Truth::Yes)));
        let near = self.near(namespace).into_iter().filter_map(|index| self.anywhere.get(index));
        let anywhere = near.map(|&(peer, namespaces, pods)| (pods, (peer, namespace.matches(namespaces))));
        let all = local.chain(anywhere.filter(|(_, (_, truth))| *truth != Truth::No));
        let (pods, peers): (Vec<&Selector>, Vec<(usize, Truth)>) = all.unzip();
        Candidates { peers, by_pods: MatchIndex::new(pods.into_iter().enumerate()) }
    }

    fn near(&self, namespace: &Namespace) -> Vec<usize> {
        match &namespace.name {
            Some(name) => self.by_namespace.query(&namespace_by_name(name)),
            None => (0..self.anywhere.len()).collect(),
        }
    }
}
