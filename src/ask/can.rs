//! Whether all of some may connect to all of others.

use crate::engine::{Doubt, EndId, Engine};
use crate::net::{Family, PortSet};
use std::collections::BTreeMap;

/// Ends of which it is not known whether they are asked about, with what would say it.
pub type Doubtful = BTreeMap<EndId, Doubt>;

/// What is found between two lists of ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Two that may connect on all ports that are asked for.
    pub allowed: Option<(EndId, EndId)>,
    /// Two that may, but over one family of addresses alone.
    pub over: Option<(EndId, EndId, Family)>,
    /// Two that may not, and on which ports.
    pub denied: Option<(EndId, EndId, PortSet)>,
    /// Two of which it is not known, and on which ports.
    pub unknown: Option<(EndId, EndId, PortSet)>,
}

impl Answer {
    /// Whether each of `from` may connect to each of `to`; `None` when that is not known. A pod and itself always may.
    pub fn is_yes(&self) -> Option<bool> {
        match (&self.denied, &self.unknown) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => None,
            (None, None) => Some(true),
        }
    }
}

/// Looks at each pair of ends, with the ports that are asked for at a destination. What ends may not that only may be asked
/// about is not known.
pub fn can(engine: &Engine<'_>, from: &[EndId], to: &[(EndId, PortSet)], doubtful: &Doubtful) -> Answer {
    let mut answer = Answer::default();
    let is_meant = |end: &EndId| !doubtful.contains_key(end);
    for source in from {
        for (destination, ports) in to {
            if !engine.world().coexist(*source, *destination) {
                continue;
            }
            let verdict = engine.on(*source, *destination, ports);
            let are_meant = is_meant(source) && is_meant(destination);
            if verdict.allowed.contains(ports) && !are_meant {
                continue;
            }
            if verdict.allowed.contains(ports) {
                answer.allowed.get_or_insert((*source, *destination));
                if answer.over.is_none() {
                    let over = engine.only_over(*source, *destination, ports);
                    answer.over = over.map(|family| (*source, *destination, family));
                }
                continue;
            }
            let possible = verdict.possible();
            if possible.contains(ports) || !are_meant {
                let unknown = || (*source, *destination, ports.subtract(&verdict.allowed));
                answer.unknown.get_or_insert_with(unknown);
            } else {
                let denied = || (*source, *destination, ports.subtract(&possible));
                answer.denied.get_or_insert_with(denied);
            }
        }
        if answer.denied.is_some() && answer.allowed.is_some() {
            break;
        }
    }
    answer
}

/// What would have to be known to say for sure which of the ports one end may open to another one.
pub fn doubts(
    engine: &Engine<'_>,
    source: EndId,
    destination: EndId,
    ports: &PortSet,
    doubtful: &Doubtful,
) -> Vec<Doubt> {
    let mut doubts: Vec<Doubt> = [source, destination].iter().filter_map(|end| doubtful.get(end)).cloned().collect();
    doubts.extend(engine.doubts(source, destination, ports));
    doubts.dedup();
    doubts
}
