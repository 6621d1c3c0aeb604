//! Which connections are tried, of all that could be: some of each statement, from sources that take turns.

use super::ends::{ProbeCandidate, ProbeEnds};
use super::topics::{AimedAt, ProbeAim, ProbeGroup, ProbeTopic};
use super::words::Names;
use super::{
    NotProbed, NotProbedPair, Probe, ProbeOptions, ProbePlan, ProbePort, ProbeTarget, ProbedEnd, WhyNotProbed,
};
use crate::engine::EndId;
use crate::flow::StatementId;
use crate::net::{Protocol, Truth};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

/// So many pairs of pods are looked at for one of two groups.
const MOST_PAIRS: usize = 64;

/// So many connections are looked at in all, whether they can be tried or not.
const MOST_LOOKED_AT: usize = 20_000;

/// A connection, by the places of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProbeKey {
    pub source: usize,
    pub at: TriedAt,
    pub port: ProbePort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TriedAt {
    Pods(usize),
    Address(IpAddr),
}

/// A connection that is tried.
#[derive(Debug)]
struct Tried {
    passes: bool,
    /// The first topic that needs it, and how many were chosen before: their order is that of the file.
    order: (usize, usize),
    /// What its name begins with; none of a control.
    word: Option<&'static str>,
    statements: Vec<(usize, StatementId)>,
    controls: Option<[ProbeKey; 2]>,
}

pub(super) struct Chooser<'a> {
    pub(super) ends: &'a ProbeEnds<'a>,
    options: &'a ProbeOptions<'a>,
    tried: BTreeMap<ProbeKey, Tried>,
    /// How many containers the pods of each workload or pod get.
    load: BTreeMap<ProbedEnd, usize>,
    left: Vec<(usize, NotProbed)>,
    pub(super) who_may: BTreeMap<AtPort, Rc<[usize]>>,
    pub(super) whom: RefCell<WhomTheyReach<'a>>,
}

/// Pods of a workload that are alike.
type AlikePods<'a> = (usize, bool, &'a [EndId]);

/// To whom they may connect over a protocol.
type WhomTheyReach<'a> = BTreeMap<(AlikePods<'a>, Protocol), Rc<[AtPort]>>;

/// Some pods by their place, and a port there.
pub(super) type AtPort = (usize, ProbePort);

/// What came of looking for a connection to try.
enum Looked {
    /// It is tried, or was already.
    Tried,
    /// It would be more than was asked for.
    TooMany,
    Not(WhyNotProbed),
}

/// What is tried for a pair, with its controls where it has to be refused.
type Found = (ProbeKey, Option<[ProbeKey; 2]>);

impl<'a> Chooser<'a> {
    pub(super) fn new(ends: &'a ProbeEnds<'a>, options: &'a ProbeOptions<'a>) -> Self {
        Chooser {
            ends,
            options,
            tried: BTreeMap::new(),
            load: BTreeMap::new(),
            left: Vec::new(),
            who_may: BTreeMap::new(),
            whom: RefCell::default(),
        }
    }

    /// One of each statement after the other, until there are enough.
    pub(super) fn choose(mut self, topics: &[ProbeTopic]) -> ProbePlan {
        for (place, topic) in topics.iter().enumerate() {
            if let Some(why) = topic.not {
                self.left.push((place, NotProbed { statement: topic.statement, which: None, why }));
            }
        }
        let mut next: Vec<usize> = vec![0; topics.len()];
        let mut too_many = 0;
        let mut looked_at = 0;
        loop {
            let mut is_at_end = true;
            for ((place, topic), next) in topics.iter().enumerate().zip(&mut next) {
                while *next < topic.count() && looked_at < MOST_LOOKED_AT && self.tried.len() < self.options.most {
                    let number = *next;
                    (*next, looked_at, is_at_end) = (number + 1, looked_at + 1, false);
                    match self.look_at(place, topic, number) {
                        Looked::Tried => break,
                        Looked::TooMany => {
                            too_many += 1;
                            break;
                        }
                        Looked::Not(why) => {
                            let which = if topic.refuses { topic.pair(number) } else { None };
                            let which = which.map(|(from, aim)| NotProbedPair {
                                from: from.name.clone(),
                                to: aim.at.name(),
                                port: aim.port,
                            });
                            self.left.push((place, NotProbed { statement: topic.statement, which, why }));
                        }
                    }
                }
            }
            if is_at_end {
                break;
            }
        }
        let not_looked_at: usize =
            topics.iter().zip(&next).map(|(topic, next)| topic.count().saturating_sub(*next)).sum();
        self.plan(not_looked_at.saturating_add(too_many))
    }

    fn look_at(&mut self, place: usize, topic: &ProbeTopic, number: usize) -> Looked {
        let found = match topic.refuses {
            true => match topic.pair(number) {
                Some((source, aim)) => self.refused(source, aim),
                None => Err(WhyNotProbed::NoPort),
            },
            false => self.passing(topic),
        };
        match found {
            Ok((key, controls)) => self.take(place, topic, key, controls),
            Err(why) => Looked::Not(why),
        }
    }

    /// Two of two groups between which a connection is refused, with its controls.
    fn refused(&mut self, source: &ProbeGroup, aim: &ProbeAim) -> Result<Found, WhyNotProbed> {
        let AimedAt::Pods(group) = &aim.at else { return Err(WhyNotProbed::NoDestination) };
        let mut reasons = BTreeSet::new();
        for (from, to) in self.pairs(source, group, aim.port) {
            let (Some(one), Some(other)) = (self.candidate(from), self.candidate(to)) else { continue };
            match self.ends.passes(one, other, aim.port) {
                None => _ = reasons.insert(WhyNotProbed::Itself),
                Some(Truth::Yes) => _ = reasons.insert(WhyNotProbed::Allowed),
                Some(Truth::Maybe) => _ = reasons.insert(WhyNotProbed::Unclear),
                Some(Truth::No) => match self.controls((from, to), aim.port) {
                    Ok(controls) => {
                        return Ok((ProbeKey { source: from, at: TriedAt::Pods(to), port: aim.port }, Some(controls)));
                    }
                    Err(why) => _ = reasons.insert(why),
                },
            }
        }
        // The last one got furthest.
        Err(reasons.pop_last().unwrap_or(WhyNotProbed::Itself))
    }

    /// A connection that passes.
    fn passing(&self, topic: &ProbeTopic) -> Result<Found, WhyNotProbed> {
        let mut reasons = BTreeSet::new();
        for aim in &topic.aims {
            for source in &topic.sources {
                let (keys, passes): (Vec<ProbeKey>, Vec<Option<Truth>>) = match &aim.at {
                    AimedAt::Pods(group) => self
                        .pairs(source, group, aim.port)
                        .into_iter()
                        .map(|(from, to)| {
                            let key = ProbeKey { source: from, at: TriedAt::Pods(to), port: aim.port };
                            let both = self.candidate(from).zip(self.candidate(to));
                            (key, both.and_then(|(one, other)| self.ends.passes(one, other, aim.port)))
                        })
                        .unzip(),
                    AimedAt::Address(address) => self
                        .in_turn(&source.members)
                        .into_iter()
                        .map(|from| {
                            let key = ProbeKey { source: from, at: TriedAt::Address(*address), port: aim.port };
                            (key, self.candidate(from).map(|one| self.ends.passes_out(one, *address, aim.port)))
                        })
                        .unzip(),
                };
                for (key, passes) in keys.into_iter().zip(passes) {
                    match passes {
                        Some(Truth::Yes) => return Ok((key, None)),
                        Some(Truth::Maybe) => reasons.insert(WhyNotProbed::Unclear),
                        Some(Truth::No) => reasons.insert(WhyNotProbed::Refused),
                        None => reasons.insert(WhyNotProbed::Itself),
                    };
                }
            }
        }
        Err(reasons.pop_first().unwrap_or(WhyNotProbed::NoPort))
    }

    /// Tries a connection and its controls, where they are not too many.
    fn take(&mut self, place: usize, topic: &ProbeTopic, key: ProbeKey, controls: Option<[ProbeKey; 2]>) -> Looked {
        // It has them already.
        let controls = controls.filter(|_| !self.has(&key));
        let all = std::iter::once(key).chain(controls.into_iter().flatten());
        let fresh: BTreeSet<ProbeKey> = all.filter(|one| !self.tried.contains_key(one)).collect();
        if self.tried.len() + fresh.len() > self.options.most {
            return Looked::TooMany;
        }
        let (word, refuses) = (Some(topic.word), topic.refuses);
        let own = self.add(place, key, !refuses);
        own.word = own.word.or(word);
        own.controls = own.controls.or(controls);
        if !own.statements.contains(&(place, topic.statement)) {
            own.statements.push((place, topic.statement));
        }
        for control in controls.into_iter().flatten() {
            self.add(place, control, true);
        }
        Looked::Tried
    }

    fn add(&mut self, place: usize, key: ProbeKey, passes: bool) -> &mut Tried {
        if !self.tried.contains_key(&key) {
            let both = match key.at {
                // What hears UDP stays at the destination.
                TriedAt::Pods(to) if key.port.0 == Protocol::Udp => [Some(key.source), Some(to)],
                TriedAt::Pods(_) | TriedAt::Address(_) => [Some(key.source), None],
            };
            for candidate in both.into_iter().flatten().filter_map(|place| self.ends.all.get(place)) {
                *self.load.entry(candidate.end.clone()).or_default() += 1;
            }
        }
        let order = (place, self.tried.len());
        let fresh = Tried { passes, order, word: None, statements: Vec::new(), controls: None };
        let own = self.tried.entry(key).or_insert(fresh);
        // Whoever asserts it first has it at its own place.
        if place < own.order.0 {
            own.order.0 = place;
        }
        own
    }

    pub(super) fn has(&self, key: &ProbeKey) -> bool {
        self.tried.contains_key(key)
    }

    pub(super) fn candidate(&self, place: usize) -> Option<&'a ProbeCandidate> {
        self.ends.all.get(place)
    }

    /// To whom connections from some pods are tried already that pass.
    pub(super) fn passing_from(&self, source: usize, protocol: Protocol) -> Vec<AtPort> {
        let own =
            self.tried.iter().filter(|(key, tried)| key.source == source && key.port.0 == protocol && tried.passes);
        let to = own.filter_map(|(key, _)| match key.at {
            TriedAt::Pods(to) => Some((to, key.port)),
            TriedAt::Address(_) => None,
        });
        to.collect()
    }

    /// Those first that are best named, and of these those that have the fewest containers.
    pub(super) fn order(&self, place: usize) -> (u8, usize, usize) {
        let candidate = self.candidate(place);
        let load = candidate.and_then(|candidate| self.load.get(&candidate.end)).copied().unwrap_or_default();
        (candidate.map_or(u8::MAX, |candidate| candidate.rank()), load, place)
    }

    fn in_turn(&self, members: &[usize]) -> Vec<usize> {
        let mut members = members.to_vec();
        members.sort_by_key(|place| self.order(*place));
        members
    }

    /// Pairs of two groups, those first that are tried already, so that fewer containers are left behind.
    fn pairs(&self, source: &ProbeGroup, group: &ProbeGroup, port: ProbePort) -> Vec<(usize, usize)> {
        let (sources, targets) = (self.in_turn(&source.members), self.in_turn(&group.members));
        let all = sources.iter().flat_map(|from| targets.iter().map(move |to| (*from, *to)));
        let mut pairs: Vec<(usize, usize)> = all.take(MOST_PAIRS).collect();
        pairs.sort_by_key(|(source, to)| !self.has(&ProbeKey { source: *source, at: TriedAt::Pods(*to), port }));
        pairs
    }

    /// What was chosen, in the order of the program.
    fn plan(self, rest: usize) -> ProbePlan {
        let ends = self.ends;
        let mut tried: Vec<(ProbeKey, Tried)> = self.tried.into_iter().collect();
        tried.sort_by_key(|(_, tried)| tried.order);
        let end = |place: usize| ends.all.get(place).map(|candidate| candidate.end.clone());
        let target = |at: TriedAt| match at {
            TriedAt::Pods(place) => end(place).map(ProbeTarget::Pods),
            TriedAt::Address(address) => Some(ProbeTarget::Address(address)),
        };
        let mut names = Names::default();
        let mut name_of: BTreeMap<ProbeKey, String> = BTreeMap::new();
        for (key, tried) in &tried {
            if let (Some(source), Some(destination)) = (end(key.source), target(key.at)) {
                let name = names.name(tried.word.unwrap_or("control"), &source, &destination, key.port);
                name_of.insert(*key, name);
            }
        }
        let name = |key: ProbeKey| name_of.get(&key).cloned().unwrap_or_default();
        let probes = tried.into_iter().filter_map(|(key, mut tried)| {
            tried.statements.sort_unstable_by_key(|(place, _)| *place);
            Some(Probe {
                name: name(key),
                source: end(key.source)?,
                destination: target(key.at)?,
                protocol: key.port.0,
                port: key.port.1,
                passes: tried.passes,
                statements: tried.statements.into_iter().map(|(_, statement)| statement).collect(),
                controls: tried.controls.map(|both| both.map(name)),
            })
        });
        let mut left = self.left;
        left.sort_by_key(|(place, _)| *place);
        ProbePlan {
            probes: probes.collect(),
            containers: self.load.into_iter().collect(),
            left: left.into_iter().map(|(_, left)| left).collect(),
            rest,
        }
    }
}
