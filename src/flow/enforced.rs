//! A step of a roll-out: a program of which only a part is enforced means what it would if its `isolate` said no more.

use super::{FlowSet, Isolation, PartyId};
use crate::net::Direction;

/// What is enforced: the isolated pods of a namespace, or of one of its tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnforcedSide {
    /// Its place in [`FlowSet::namespaces`].
    pub namespace: usize,
    /// The tier; `None` for all that the program isolates there.
    pub tier: Option<PartyId>,
    /// The direction; `None` for both.
    pub direction: Option<Direction>,
}

impl EnforcedSide {
    fn is_in(self, namespace: usize, direction: Direction) -> bool {
        self.namespace == namespace && self.direction.is_none_or(|own| own == direction)
    }
}

/// How much of a direction of a namespace is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnforcedShare {
    /// Nothing yet.
    Nothing,
    /// Some of the pods that the program isolates.
    Part,
    /// All of them.
    All,
}

impl FlowSet {
    /// Isolates no more than these.
    pub fn enforce_only(&mut self, sides: &[EnforcedSide]) {
        self.is_cut = true;
        for (index, namespace) in self.namespaces.iter_mut().enumerate() {
            for direction in Direction::ALL {
                let wanted: Vec<EnforcedSide> =
                    sides.iter().copied().filter(|side| side.is_in(index, direction)).collect();
                let isolation = match direction {
                    Direction::Ingress => &mut namespace.ingress,
                    Direction::Egress => &mut namespace.egress,
                };
                isolation.keep(&wanted);
            }
        }
    }

    /// How much of each direction of each namespace is enforced by `step`, a step of this program. Where the program
    /// isolates nobody there is nothing to enforce.
    pub fn shares(&self, step: &FlowSet) -> Vec<(usize, Direction, EnforcedShare)> {
        let namespaces = self.namespaces.iter().zip(step.namespaces.iter()).enumerate();
        let sides = namespaces.flat_map(|(index, (whole, step))| {
            Direction::ALL.map(|direction| (index, direction, whole.isolation(direction), step.isolation(direction)))
        });
        let shares = sides.filter(|(_, _, whole, _)| !whole.is_nobody());
        shares.map(|(index, direction, whole, step)| (index, direction, EnforcedShare::of(whole, step))).collect()
    }
}

impl EnforcedShare {
    fn of(whole: &Isolation, step: &Isolation) -> EnforcedShare {
        match step {
            step if step == whole => EnforcedShare::All,
            step if step.is_nobody() => EnforcedShare::Nothing,
            Isolation::Every | Isolation::Tiers(_) => EnforcedShare::Part,
        }
    }
}

impl Isolation {
    /// Whether no pod is.
    pub fn is_nobody(&self) -> bool {
        match self {
            Isolation::Every => false,
            Isolation::Tiers(tiers) => tiers.is_empty(),
        }
    }

    /// Whether the pods of a tier are named as isolated, or all are.
    pub fn names(&self, tier: PartyId) -> bool {
        match self {
            Isolation::Every => true,
            Isolation::Tiers(tiers) => tiers.contains(&tier),
        }
    }

    /// Keeps what is wanted.
    fn keep(&mut self, wanted: &[EnforcedSide]) {
        if wanted.iter().any(|side| side.tier.is_none()) {
            return;
        }
        let mut tiers: Vec<PartyId> = wanted.iter().filter_map(|side| side.tier).collect();
        tiers.sort_unstable();
        tiers.dedup();
        match self {
            Isolation::Every => *self = Isolation::Tiers(tiers),
            Isolation::Tiers(own) => own.retain(|tier| tiers.contains(tier)),
        }
    }
}
