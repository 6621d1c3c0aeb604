//! What shows that a refusal is a policy's: somebody else who gets through to the same port, and the same source who gets
//! through to somebody else.

use super::chooser::{AtPort, Chooser, ProbeKey, TriedAt};
use super::ends::ProbeCandidate;
use super::{ProbePort, WhyNotProbed};
use crate::net::{Protocol, Truth};
use std::rc::Rc;

impl Chooser<'_> {
    /// Both controls of a refusal.
    pub(super) fn controls(
        &mut self,
        (from, to): (usize, usize),
        port: ProbePort,
    ) -> Result<[ProbeKey; 2], WhyNotProbed> {
        let other = self.who_else(from, to, port).ok_or(WhyNotProbed::NobodyElse)?;
        let same = self.whom_else(from, (to, port)).ok_or(WhyNotProbed::NothingElse)?;
        Ok([other, same])
    }

    fn who_else(&mut self, from: usize, to: usize, port: ProbePort) -> Option<ProbeKey> {
        let workload = self.candidate(from)?.workload;
        let key = |source: usize| ProbeKey { source, at: TriedAt::Pods(to), port };
        let may = self.who_may(to, port);
        let others = may
            .iter()
            .copied()
            .filter(|place| self.candidate(*place).is_some_and(|candidate| candidate.workload != workload));
        let source = others.min_by_key(|place| (!self.has(&key(*place)), self.order(*place)))?;
        Some(key(source))
    }

    fn whom_else(&mut self, from: usize, (to, port): AtPort) -> Option<ProbeKey> {
        let key = |(to, port)| ProbeKey { source: from, at: TriedAt::Pods(to), port };
        let is_other = |place: &AtPort| *place != (to, port);
        if let Some(known) = self.passing_from(from, port.0).into_iter().find(is_other) {
            return Some(key(known));
        }
        // Of two, one is not itself; what is refused is none of them.
        let may = |(to, port): &AtPort| {
            self.candidate(from)
                .zip(self.candidate(*to))
                .is_some_and(|(one, other)| self.ends.passes(one, other, *port) == Some(Truth::Yes))
        };
        self.whom(from, port.0).iter().copied().find(|place| is_other(place) && may(place)).map(key)
    }

    /// Who may connect to a port of some pods.
    fn who_may(&mut self, to: usize, port: ProbePort) -> Rc<[usize]> {
        let (ends, known) = (self.ends, &mut self.who_may);
        let may = known.entry((to, port)).or_insert_with(|| {
            let Some(destination) = ends.all.get(to) else { return Rc::new([]) };
            let passes = |source: &ProbeCandidate| {
                source.tells_more_to(destination) && ends.passes(source, destination, port) == Some(Truth::Yes)
            };
            let all = ends.all.iter().enumerate().filter(|(_, source)| passes(source));
            all.map(|(place, _)| place).collect()
        });
        may.clone()
    }

    /// To whom pods may connect, each on a port that is listed there: the first two.
    fn whom(&self, from: usize, protocol: Protocol) -> Rc<[AtPort]> {
        let ends = self.ends;
        let Some(source) = ends.all.get(from) else { return Rc::new([]) };
        let key = (source.alike(), protocol);
        if let Some(known) = self.whom.borrow().get(&key) {
            return known.clone();
        }
        let others = ends.all.iter().enumerate().filter(|(_, one)| one.tells_more_to(source));
        let passes = |(place, one): (usize, &ProbeCandidate)| {
            let own = one.ports.iter().filter(|port| port.protocol == protocol);
            let mut own = own.map(|port| (port.protocol, port.number));
            own.find(|port| ends.passes(source, one, *port) == Some(Truth::Yes)).map(|port| (place, port))
        };
        let found: Rc<[AtPort]> = others.filter_map(passes).take(2).collect();
        self.whom.borrow_mut().insert(key, found.clone());
        found
    }
}
