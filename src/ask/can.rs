//! Whether all of some may connect to all of others.

use crate::engine::{Doubt, EndId, Engine, Verdict};
use crate::net::{Direction, Family, PortSet};
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
    /// Whether something is allowed for sure, perhaps on some of the ports only, beside that a pod may connect to itself.
    pub some: bool,
}

impl Answer {
    /// Whether each of `from` may connect to each of `to`; `None` when that is not known. A pod and itself always may.
    ///
    /// It is no where some may not, as long as it is known of the others: either some of them may, or none. Where all that
    /// is known is that some may not, and others may or not, nobody can rely on a no.
    pub fn is_yes(&self) -> Option<bool> {
        match (&self.denied, &self.unknown) {
            (Some(_), Some(_)) if !self.some => None,
            (Some(_), _) => Some(false),
            (None, Some(_)) => None,
            (None, None) => Some(true),
        }
    }
}

/// Looks at each pair of ends, with the ports that are asked for at a destination.
///
/// An end that only may be asked about counts for what it may do and others may not, and the other way round: where all
/// others may connect and it may not, or none of the others may and it may, the answer is not known.
pub fn can(engine: &Engine<'_>, from: &[EndId], to: &[(EndId, PortSet)], doubtful: &Doubtful) -> Answer {
    let mut answer = Answer::default();
    let mut perhaps = Perhaps::default();
    let is_meant = |end: &EndId| !doubtful.contains_key(end);
    for source in from {
        for (destination, ports) in to {
            if !engine.world().coexist(*source, *destination) {
                continue;
            }
            let verdict = engine.on(*source, *destination, ports);
            if !(is_meant(source) && is_meant(destination)) {
                // It may be the node of the pods, too, which is always let in.
                let verdict = match (doubtful.get(source), doubtful.get(destination)) {
                    (Some(Doubt::SourceOfService), _) => {
                        Verdict { unknown: ports.subtract(&verdict.allowed), ..verdict }
                    }
                    (_, Some(Doubt::AddressOfService)) => of_service(engine, *source, *destination, verdict),
                    _ => verdict,
                };
                perhaps.add(*source, *destination, ports, &verdict);
                continue;
            }
            answer.some |= verdict.allowed.overlaps(ports) && !engine.is_itself(*source, *destination);
            if verdict.allowed.contains(ports) {
                answer.allowed.get_or_insert((*source, *destination));
                if answer.over.is_none() {
                    let over = engine.only_over(*source, *destination, ports);
                    answer.over = over.map(|family| (*source, *destination, family));
                }
                continue;
            }
            let possible = verdict.possible();
            let unknown = possible.intersect(ports).subtract(&verdict.allowed);
            if !unknown.is_empty() {
                answer.unknown.get_or_insert((*source, *destination, unknown));
            }
            if !possible.contains(ports) {
                let denied = || (*source, *destination, ports.subtract(&possible));
                answer.denied.get_or_insert_with(denied);
            }
        }
        if answer.denied.is_some() && answer.allowed.is_some() && answer.some {
            break;
        }
    }
    perhaps.add_to(&mut answer);
    answer
}

/// What is known where the plugin judges the egress of an end to the address of a Service, and not to its pods: what no policy
/// closes there, and what the ingress of the pods closes.
fn of_service(engine: &Engine<'_>, source: EndId, destination: EndId, verdict: Verdict) -> Verdict {
    if engine.decision(Direction::Egress, source, destination).isolating.is_empty() {
        return verdict;
    }
    let unknown = engine.side(Direction::Ingress, destination, source).possible();
    Verdict { allowed: PortSet::empty(), unknown }
}

/// What is found of those that only may be asked about.
#[derive(Default)]
struct Perhaps {
    /// Two that may connect, or may perhaps.
    allowed: Option<(EndId, EndId, PortSet)>,
    /// Two that may not, or not for sure.
    denied: Option<(EndId, EndId, PortSet)>,
}

impl Perhaps {
    fn add(&mut self, source: EndId, destination: EndId, ports: &PortSet, verdict: &Verdict) {
        let possible = verdict.possible().intersect(ports);
        if !possible.is_empty() {
            self.allowed.get_or_insert((source, destination, possible));
        }
        let denied = ports.subtract(&verdict.allowed);
        if !denied.is_empty() {
            self.denied.get_or_insert((source, destination, denied));
        }
    }

    /// Adds what makes a difference.
    fn add_to(self, answer: &mut Answer) {
        let Perhaps { allowed, denied } = self;
        match answer.denied {
            Some(_) if answer.some => {}
            Some(_) => answer.unknown = answer.unknown.take().or(allowed),
            // There is nobody else, and nobody of them may.
            None if !answer.some && answer.unknown.is_none() && allowed.is_none() => answer.denied = denied,
            None => answer.unknown = answer.unknown.take().or(denied),
        }
    }
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
