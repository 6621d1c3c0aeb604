//! What differs, put together by how it changed: in the same way for the ends of a world and for sets of all that could exist.

use super::origin::{Granting, Origins};
use super::those::Those;
use super::ways::Ways;
use super::{ConnectionChange, IsolationChange, Kind, MeantEnds};
use crate::engine::Verdict;
use crate::net::Direction;

/// All that differs: isolation of ends `E`, and connections of `W`, who are one or several of them.
#[derive(Debug)]
pub(super) struct Parts<W, E> {
    pub isolations: Vec<Isolations<E>>,
    pub parts: Vec<Part<W>>,
}

/// Pods of one namespace whose isolation came or went, and to which that makes a difference.
#[derive(Debug)]
pub(super) struct Isolations<E> {
    pub lifted: bool,
    pub directions: Vec<Direction>,
    /// Sorted.
    pub ends: Vec<E>,
}

/// Connections that changed alike, from each of the sources to each of the destinations.
#[derive(Debug)]
pub(super) struct Part<W> {
    pub key: Key,
    /// Sorted.
    pub sources: Vec<W>,
    /// Sorted.
    pub destinations: Vec<W>,
}

/// How a connection changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub kind: Kind,
    pub added: Verdict,
    pub removed: Verdict,
    /// The sides whose rules did it.
    pub by: Ways,
    /// Whether some of them changed only.
    pub partly: bool,
}

/// Ends and their names.
#[derive(Debug)]
pub(super) struct EndsByName {
    pub names: Vec<String>,
    pub ends: MeantEnds,
}

impl<E> Isolations<E> {
    /// The change of these pods, with what is responsible in the older version and in the newer one.
    pub(super) fn told(&self, [was, is]: &[Origins<'_>; 2], those: Those<'_>, pods: EndsByName) -> IsolationChange {
        let (has, lacks) = if self.lifted { (was, is) } else { (is, was) };
        let origins = has.of_isolation(lacks, &self.directions, those);
        IsolationChange {
            lifted: self.lifted,
            directions: self.directions.clone(),
            ends: pods.ends,
            pods: pods.names,
            instead: lacks.instead_of_isolation(&origins, those),
            origins,
        }
    }
}

impl Key {
    /// The change of the connections of two sides, with what is responsible in the older version and in the newer one.
    pub(super) fn told(
        self,
        [was, is]: &[Origins<'_>; 2],
        those: [Those<'_>; 2],
        [before, after]: [Granting<'_>; 2],
        [sources, destinations]: [EndsByName; 2],
    ) -> ConnectionChange {
        let old_origins = was.of_connections(is, self.by, those, &self.removed, before);
        let new_origins = is.of_connections(was, self.by, those, &self.added, after);
        let instead = match (old_origins.is_empty(), new_origins.is_empty()) {
            (false, true) => is.instead_of_dns(was, those, &self.removed),
            (true, false) => was.instead_of_dns(is, those, &self.added),
            _ => Vec::new(),
        };
        ConnectionChange {
            side: None,
            kind: self.kind,
            ends: [sources.ends, destinations.ends],
            sources: sources.names,
            destinations: destinations.names,
            old_origins,
            new_origins,
            instead,
            added: self.added,
            removed: self.removed,
            partly: self.partly,
            doubts: Vec::new(),
        }
    }
}
