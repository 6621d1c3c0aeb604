//! All connections of a world, in time that grows with what is allowed and not with the square of the ends.
//!
//! For each class of sources, the ingress sides that let it in are found by the peers that it is; the classes that its
//! own egress side lets out, by those who are peers there. Only what both leave over is looked at.

use super::asked::Asked;
use super::classes::{Class, Classes};
use super::verdicts::{EVERYTHING, NOTHING, Verdicts};
use super::world::EndId;
use super::{Engine, Verdict};
use crate::net::{Direction, Truth};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Rows are kept for sources to come until they have so many entries together. That only saves time.
const MOST_KEPT: usize = 8_000_000;

/// In place of a verdict: something is not known, so that both ends have to be looked at together.
const ASK: u32 = u32::MAX;

/// A rule's ports and whether its peer is there for sure.
type Allowance = (usize, Truth);

/// Finds all connections.
pub(super) struct AllPairs<'e, 'a> {
    engine: &'e Engine<'a>,
    classes: Classes,
    /// The rules of ingress sides that ask for each peer: their side and ports.
    askers: Vec<Vec<(usize, usize)>>,
    /// The ports of the rules of each side that take any peer.
    for_any: Vec<Vec<Allowance>>,
    /// The ingress sides that have such rules.
    sides_for_any: Vec<usize>,
    verdicts: Verdicts<'e>,
    /// What each egress side says to each class that is one of its peers.
    egress: FxHashMap<usize, Rc<Vec<(u32, u32)>>>,
    egress_kept: usize,
    /// Destinations and verdicts of each class of sources.
    rows: FxHashMap<u32, Rc<Vec<(EndId, u32)>>>,
    rows_kept: usize,
    /// Verdicts where they have to be asked for, by all that matters to them.
    asked: Asked,
    /// Whether some ends cannot both exist.
    exclusive: bool,
    /// Whether connections between ends of which neither is isolated are among them.
    with_open: bool,
    /// The classes of pods that each peer may be by their addresses, where those are left out.
    left_out: Vec<Vec<u32>>,
}

impl<'e, 'a> AllPairs<'e, 'a> {
    pub(super) fn new(engine: &'e Engine<'a>, with_open: bool) -> Self {
        let mut classes = Classes::new(engine);
        let left_out = if engine.leaves_out_blocks() { classes.leave_out_blocks(engine) } else { Vec::new() };
        let mut askers = vec![Vec::new(); engine.peers.len()];
        let mut for_any = Vec::with_capacity(engine.sides.len());
        let mut sides_for_any = Vec::new();
        for (index, side) in engine.sides.iter().enumerate() {
            // No class is behind an egress side.
            let ingress = classes.behind.get(index).is_some_and(|behind| !behind.is_empty());
            let mut any = Vec::new();
            for rule in side.rules.iter().filter_map(|rule| engine.rules.get(*rule)) {
                match &rule.peers {
                    None => any.push((rule.ports, Truth::Yes)),
                    Some(_) if !ingress => {}
                    Some(peers) => {
                        for peer in peers.iter().copied().collect::<BTreeSet<usize>>() {
                            askers.get_mut(peer).into_iter().for_each(|list| list.push((index, rule.ports)));
                        }
                    }
                }
            }
            if ingress && !any.is_empty() {
                sides_for_any.push(index);
            }
            for_any.push(any);
        }
        let mut names = BTreeSet::new();
        let twin = |namespace: &super::world::Namespace| {
            namespace.name.as_ref().is_some_and(|name| !names.insert(name.clone()))
        };
        let exclusive = engine.world.namespaces.iter().any(twin);
        AllPairs {
            verdicts: Verdicts::new(&engine.ports),
            engine,
            classes,
            askers,
            for_any,
            sides_for_any,
            egress: FxHashMap::default(),
            egress_kept: 0,
            rows: FxHashMap::default(),
            rows_kept: 0,
            asked: Asked::new(engine),
            exclusive,
            with_open,
            left_out,
        }
    }

    pub(super) fn each(&mut self, mut found: impl FnMut(EndId, EndId, &Verdict) -> ControlFlow<()>) -> ControlFlow<()> {
        let world = self.engine.world;
        self.find_left_out();
        for source in world.ids() {
            let Some(class) = self.classes.of.get(source.index()).copied() else { continue };
            let single = world.pods(source).is_some_and(|pods| !pods.several);
            for &(destination, verdict) in self.row(class).iter() {
                if single && source == destination || self.exclusive && !world.coexist(source, destination) {
                    continue;
                }
                if verdict == ASK && !self.with_open && self.is_open(source, destination) {
                    continue;
                }
                let verdict = if verdict == ASK { self.ask(source, destination) } else { verdict };
                if verdict != NOTHING {
                    found(source, destination, self.verdicts.get(verdict))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether neither side is isolated, of two that rules of the whole cluster are about.
    fn is_open(&self, source: EndId, destination: EndId) -> bool {
        !self.engine.is_isolated(Direction::Egress, source) && !self.engine.is_isolated(Direction::Ingress, destination)
    }

    /// Looks for two between whom something is left out, until there are some.
    fn find_left_out(&self) {
        for (peer, sources) in self.left_out.iter().enumerate() {
            let askers = self.askers.get(peer).into_iter().flatten();
            let behind = askers.filter_map(|(side, _)| self.classes.behind.get(*side)).flatten();
            for (source, destination) in behind.flat_map(|to| sources.iter().map(move |from| (*from, *to))) {
                if self.is_left_out(source, destination) {
                    return;
                }
            }
        }
        for (source, class) in (0..).zip(&self.classes.all) {
            let Some(side) = class.egress.map(|side| &self.engine.sides[side]) else { continue };
            let rules = side.rules.iter().filter_map(|rule| self.engine.rules.get(*rule));
            let peers = rules.flat_map(|rule| rule.peers.iter().flatten());
            for destination in peers.filter_map(|peer| self.left_out.get(*peer)).flatten() {
                if self.is_left_out(source, *destination) {
                    return;
                }
            }
        }
    }

    /// Whether something is left out, after a look at two of these classes that can be connected.
    fn is_left_out(&self, source: u32, destination: u32) -> bool {
        let (Some(from), Some(to)) = (self.classes.get(source), self.classes.get(destination)) else { return false };
        let pairs = from.ends.iter().flat_map(|one| to.ends.iter().map(move |other| (*one, *other)));
        let mut pairs = pairs.filter(|(one, other)| !self.engine.is_itself(*one, *other));
        if let Some((one, other)) = pairs.find(|(one, other)| self.engine.world.coexist(*one, *other)) {
            _ = self.engine.between(one, other);
        }
        self.engine.has_left_out()
    }

    /// The verdict between two ends where facts are missing.
    fn ask(&mut self, source: EndId, destination: EndId) -> u32 {
        self.asked.look_at(self.engine, source, destination);
        if let Some(known) = self.asked.known.get(&self.asked.key) {
            return *known;
        }
        let verdict = self.verdicts.insert(self.engine.between(source, destination));
        self.asked.keep(verdict);
        verdict
    }

    /// The destinations of a class of sources, in order.
    fn row(&mut self, class: u32) -> Rc<Vec<(EndId, u32)>> {
        if let Some(row) = self.rows.get(&class) {
            return row.clone();
        }
        let mut row = Vec::new();
        for (destination, verdict) in self.classes_of_row(class) {
            if let Some(destination) = self.classes.get(destination) {
                row.extend(destination.ends.iter().map(|end| (*end, verdict)));
            }
        }
        // Not the unstable sort: there are few runs, each in order.
        row.sort_by_key(|(end, _)| *end);
        let row = Rc::new(row);
        let lasting = self.classes.get(class).is_some_and(|class| class.ends.len() > 1);
        if lasting {
            if self.rows_kept + row.len() > MOST_KEPT {
                self.rows.clear();
                self.rows_kept = 0;
            }
            self.rows_kept += row.len();
            self.rows.insert(class, row.clone());
        }
        row
    }

    fn classes_of_row(&mut self, class: u32) -> Vec<(u32, u32)> {
        let mut row = Vec::new();
        let told = self.told(class);
        let Some(&Class { egress, outside, ruled: [_, ruled], .. }) = self.classes.get(class) else { return row };
        if ruled {
            let all = (0..).zip(&self.classes.all).filter(|(_, other)| !(outside && other.outside));
            return all.map(|(destination, _)| (destination, ASK)).collect();
        }
        row.extend(self.classes.ruled.iter().map(|destination| (*destination, ASK)));
        let listed = egress.map(|side| (side, self.egress_of(side)));
        let any = listed.as_ref().and_then(|(side, _)| self.for_any.get(*side)).cloned().unwrap_or_default();
        if let (Some((_, listed)), true) = (&listed, any.is_empty()) {
            for &(destination, egress) in listed.iter() {
                self.join(&mut row, outside, destination, egress, &told);
            }
            return row;
        }
        let sides = told.keys().filter_map(|side| self.classes.behind.get(*side)).flatten();
        let open: &[u32] = if egress.is_some() || self.with_open { &self.classes.open } else { &[] };
        let mut near: Vec<u32> = sides.chain(open).copied().collect();
        near.sort_unstable();
        let mut listed = listed.as_ref().map(|(_, listed)| listed.iter().copied().peekable());
        for destination in near {
            let egress = match &mut listed {
                None => EVERYTHING,
                Some(listed) => {
                    while listed.next_if(|(class, _)| *class < destination).is_some() {}
                    match listed.next_if(|(class, _)| *class == destination) {
                        Some((_, verdict)) => verdict,
                        None => {
                            let way = self.classes.get(destination).map_or(0, |class| class.way);
                            self.verdicts.of(&any, way)
                        }
                    }
                }
            };
            self.join(&mut row, outside, destination, egress, &told);
        }
        row
    }

    /// What ingress sides tell the sources of a class, as far as it is not always no.
    fn told(&self, class: u32) -> FxHashMap<usize, Vec<Allowance>> {
        let mut told: FxHashMap<usize, Vec<Allowance>> = FxHashMap::default();
        let Some(source) = self.classes.get(class).and_then(|class| class.ends.first()) else { return told };
        let [sure, maybe] = self.engine.peers.of(*source);
        let counts = |peer: &&usize, truth| {
            let is_left_out = |classes: &Vec<u32>| classes.binary_search(&class).is_ok();
            truth == Truth::Yes || !self.left_out.get(**peer).is_some_and(is_left_out)
        };
        for (list, truth) in [(sure, Truth::Yes), (maybe, Truth::Maybe)] {
            let counted = list.iter().filter(|peer| counts(peer, truth));
            for (side, ports) in counted.filter_map(|peer| self.askers.get(*peer)).flatten() {
                told.entry(*side).or_default().push((*ports, truth));
            }
        }
        for side in &self.sides_for_any {
            told.entry(*side).or_default().extend(self.for_any.get(*side).into_iter().flatten());
        }
        told
    }

    /// What an egress side says to each class that is one of its peers.
    fn egress_of(&mut self, index: usize) -> Rc<Vec<(u32, u32)>> {
        if let Some(known) = self.egress.get(&index) {
            return known.clone();
        }
        let mut all: Vec<(u32, Allowance)> = Vec::new();
        let rules = &self.engine.sides[index].rules;
        for rule in rules.iter().filter_map(|rule| self.engine.rules.get(*rule)) {
            for holders in rule.peers.iter().flatten().filter_map(|peer| self.classes.holders.get(*peer)) {
                all.extend(holders.iter().map(|(class, truth)| (*class, (rule.ports, *truth))));
            }
        }
        all.sort();
        let any = self.for_any.get(index).map_or(&[][..], Vec::as_slice);
        let mut said = Vec::new();
        let mut allowances = Vec::new();
        for same in all.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((class, _)) = same.first() else { continue };
            allowances.clear();
            allowances.extend(same.iter().map(|(_, allowance)| *allowance).chain(any.iter().copied()));
            let way = self.classes.get(*class).map_or(0, |class| class.way);
            said.push((*class, self.verdicts.of(&allowances, way)));
        }
        let said = Rc::new(said);
        if self.egress_kept + said.len() > MOST_KEPT {
            self.egress.clear();
            self.egress_kept = 0;
        }
        self.egress_kept += said.len();
        self.egress.insert(index, said.clone());
        said
    }

    /// Adds a destination to a row, if both sides let something through.
    fn join(
        &mut self,
        row: &mut Vec<(u32, u32)>,
        outside: bool,
        destination: u32,
        egress: u32,
        told: &FxHashMap<usize, Vec<Allowance>>,
    ) {
        let Some(class) = self.classes.get(destination) else { return };
        let [is_ruled, _] = class.ruled;
        if is_ruled || (outside && class.outside) {
            return;
        }
        let ingress = match class.ingress {
            None => EVERYTHING,
            Some(side) => match told.get(&side) {
                Some(allowances) => self.verdicts.of(allowances, class.way),
                None => return,
            },
        };
        let Some(end) = class.ends.first() else { return };
        let both = |egress: &Verdict, ingress: &Verdict| self.engine.both(egress, ingress, *end);
        let verdict = self.verdicts.both(egress, ingress, class.way, both);
        if verdict == NOTHING {
            return;
        }
        let unknown = !self.verdicts.get(verdict).unknown.is_empty();
        row.push((destination, if unknown { ASK } else { verdict }));
    }
}
