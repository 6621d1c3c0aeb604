//! Some of the two directions.

use crate::net::Direction;

/// Some of the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Ways {
    ingress: bool,
    egress: bool,
}

impl Ways {
    pub(super) fn has(self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.ingress,
            Direction::Egress => self.egress,
        }
    }

    pub(super) fn is_none(self) -> bool {
        self == Ways::default()
    }

    /// Those that are among them.
    pub(super) fn list(self) -> Vec<Direction> {
        Direction::ALL.into_iter().filter(|direction| self.has(*direction)).collect()
    }

    pub(super) fn add(&mut self, direction: Direction) {
        match direction {
            Direction::Ingress => self.ingress = true,
            Direction::Egress => self.egress = true,
        }
    }
}
