//! What lets connections through, of one set of policies by itself.

use super::origin::{DifferenceOrigin, Origins, Version};
use super::those::Those;
use crate::ask::{Ends, Space};
use crate::engine::{EndId, Engine};
use crate::net::{Direction, PortSet};

/// A set of policies that has none.
const NOTHING: &Version<'static> = &Version { policies: &[], policy_spans: &[], program: None };

/// Finds the statements and policies that let connections through.
pub struct Causes<'v> {
    own: Origins<'v>,
    nothing: Origins<'v>,
}

impl<'v> Causes<'v> {
    /// In these policies.
    pub fn new(version: &'v Version<'v>) -> Self {
        Causes { own: Origins::new(version), nothing: Origins::new(NOTHING) }
    }

    /// For connections on some ports between sets of all that could exist.
    pub fn among_sets(&self, space: &Space, ends: [&[Ends]; 2], ports: &PortSet) -> Vec<DifferenceOrigin> {
        let those = ends.map(|ends| Those::Sets(space, ends));
        let granting = |direction: Direction, ports: &PortSet| self.own.granting_sets(direction, those, ports);
        self.own.by_itself(&self.nothing, those, ports, &granting)
    }

    /// The same between those of a world.
    pub fn among_given(&self, engine: &Engine<'_>, ends: [&[EndId]; 2], ports: &PortSet) -> Vec<DifferenceOrigin> {
        let [sources, destinations] = ends;
        let granting = |direction: Direction, ports: &PortSet| match direction {
            Direction::Ingress => engine.granting(direction, destinations, sources, ports),
            Direction::Egress => engine.granting(direction, sources, destinations, ports),
        };
        let those = ends.map(|ends| Those::Given(engine.world(), ends));
        self.own.by_itself(&self.nothing, those, ports, &granting)
    }
}
