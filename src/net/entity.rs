//! What of a cluster is no pod and is known by what it is, whatever address it has.

use std::fmt;

/// An entity, as policies of Cilium's own kinds name it (docs.cilium.io, "Layer 3 Policies", entities).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterEntity {
    /// The node of the pod that a policy is about, with everything in its network: `host`.
    OwnNode,
    /// All other nodes: `remote-node`.
    OtherNodes,
    /// The API server, on a node or outside of the cluster: `kube-apiserver`.
    ApiServer,
    /// The plugin's own proxies and checks: `ingress`, `health`.
    Plugin,
}

impl ClusterEntity {
    /// All of them.
    pub const ALL: [ClusterEntity; 4] =
        [ClusterEntity::OwnNode, ClusterEntity::OtherNodes, ClusterEntity::ApiServer, ClusterEntity::Plugin];

    /// What a reader calls it.
    pub fn description(self) -> &'static str {
        match self {
            ClusterEntity::OwnNode => "the pod's own node",
            ClusterEntity::OtherNodes => "another node",
            ClusterEntity::ApiServer => "the API server",
            ClusterEntity::Plugin => "a part of the network plugin",
        }
    }
}

/// A set of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntitySet(u8);

impl EntitySet {
    /// No entity.
    pub const EMPTY: EntitySet = EntitySet(0);

    /// Every entity.
    pub const ALL: EntitySet = EntitySet(0b1111);

    /// The nodes.
    pub const NODES: EntitySet = EntitySet(0b0011);

    /// The API server.
    pub const API_SERVER: EntitySet = EntitySet(0b0100);

    /// One entity.
    pub fn of(entity: ClusterEntity) -> EntitySet {
        EntitySet(1 << entity as u8)
    }

    /// Those of either set.
    #[must_use]
    pub fn union(self, other: EntitySet) -> EntitySet {
        EntitySet(self.0 | other.0)
    }

    /// Those of both sets.
    #[must_use]
    pub fn intersect(self, other: EntitySet) -> EntitySet {
        EntitySet(self.0 & other.0)
    }

    /// Those of this set that are not in `other`.
    #[must_use]
    pub fn subtract(self, other: EntitySet) -> EntitySet {
        EntitySet(self.0 & !other.0)
    }

    /// Whether it is in the set.
    pub fn has(self, entity: ClusterEntity) -> bool {
        self.0 & EntitySet::of(entity).0 != 0
    }

    /// Whether every one of `other` is in this set.
    pub fn contains(self, other: EntitySet) -> bool {
        other.subtract(self).is_empty()
    }

    /// Whether there is none in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = ClusterEntity> {
        ClusterEntity::ALL.into_iter().filter(move |entity| self.has(*entity))
    }
}

impl FromIterator<ClusterEntity> for EntitySet {
    fn from_iter<I: IntoIterator<Item = ClusterEntity>>(entities: I) -> Self {
        entities.into_iter().fold(EntitySet::EMPTY, |all, one| all.union(EntitySet::of(one)))
    }
}

impl fmt::Display for EntitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, entity) in self.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { " or " })?;
            f.write_str(entity.description())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_their_entities() {
        assert_eq!(ClusterEntity::ALL.into_iter().collect::<EntitySet>(), EntitySet::ALL);
        assert_eq!(
            [ClusterEntity::OwnNode, ClusterEntity::OtherNodes].into_iter().collect::<EntitySet>(),
            EntitySet::NODES
        );
        assert_eq!(EntitySet::of(ClusterEntity::ApiServer), EntitySet::API_SERVER);
        assert_eq!(EntitySet::NODES.iter().collect::<Vec<_>>(), [ClusterEntity::OwnNode, ClusterEntity::OtherNodes]);
        assert!(EntitySet::ALL.contains(EntitySet::NODES) && !EntitySet::NODES.contains(EntitySet::ALL));
        let left = EntitySet::ALL.subtract(EntitySet::NODES);
        assert!(
            left.has(ClusterEntity::ApiServer)
                && !left.has(ClusterEntity::OwnNode)
                && left.intersect(EntitySet::NODES).is_empty()
        );
    }
}
