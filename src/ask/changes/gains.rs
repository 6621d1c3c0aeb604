//! Connections that came.

use super::pieces::{GrantPiece, beyond, within};
use super::{Gain, Whom};
use crate::ask::everyone::Set;
use crate::ask::space::{Ends, Grant, PortViews, SideHalf, Space, SpaceGrants, SpacePods, Sure, views};
use crate::cover::{Budget, GaveUp};
use crate::engine::{Verdict, of_unknown_number};
use crate::net::{Direction, Peers, PortSet, Protocol, Selector, Truth, namespace_by_name};
use crate::prove::{every_number, names};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Finds what `new` allows and `old` does not.
pub(super) struct Gains<'a> {
    pub space: &'a Space,
    pub old: &'a SpaceGrants<'a>,
    pub new: &'a SpaceGrants<'a>,
    /// Whether pods are left out that only address blocks may let through.
    pub without_doubtful_blocks: bool,
    pub found: Vec<Gain>,
    /// Whether some are.
    pub left_out: bool,
    ends: FxHashMap<(Peers, Vec<Peers>), Rc<[Ends]>>,
}

/// So many kinds of pods that were isolated are told one by one.
const MOST_KINDS: usize = 3;

/// What is let through from a subject to peers, before it is known which of them is the source.
struct ToldGain {
    direction: Direction,
    mine: Ends,
    theirs: Whom,
    ports: PortSet,
    /// The ports of which that depends on what names stand for.
    by_name: PortSet,
    truth: Truth,
    partly: bool,
}

/// The subjects and ports of what is let through one by one.
type AlikeGains = (Ends, PortSet, PortSet, Truth);

impl<'a> Gains<'a> {
    pub(super) fn new(space: &'a Space, [old, new]: [&'a SpaceGrants<'a>; 2], without_doubtful_blocks: bool) -> Self {
        let (found, ends) = (Vec::new(), FxHashMap::default());
        Gains { space, old, new, without_doubtful_blocks, found, left_out: false, ends }
    }

    /// Looks at every grant that only the newer ones have, as far as its pods were isolated before.
    pub(super) fn find(&mut self, budget: &mut Budget) -> Result<(), GaveUp> {
        for direction in Direction::ALL {
            for home in 0..self.space.homes().len() {
                if self.old.isolated(home, direction).is_empty() {
                    continue;
                }
                let known: FxHashSet<&Grant> = self.old.of(home, direction).iter().collect();
                let new = self.new;
                for grant in new.of(home, direction).iter().filter(|grant| !known.contains(grant)) {
                    self.of_grant(direction, home, grant, budget)?;
                }
            }
        }
        Ok(())
    }

    fn of_grant(
        &mut self,
        direction: Direction,
        home: usize,
        grant: &Grant,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let old = self.old;
        let Some(side) = old.side(Some(home), direction) else { return Ok(()) };
        let is_left_out = self.without_doubtful_blocks && is_doubtful_block(grant);
        let all_count = is_left_out || !self.without_doubtful_blocks;
        let counts = |other: &&Grant| all_count || !is_doubtful_block(other);
        let to_address = direction == Direction::Egress && matches!(grant.peers, Peers::Addresses(_));
        let ports = if to_address { grant.ports.without_names() } else { grant.ports.clone() };
        let isolating = side.isolating(&grant.subject);
        // Very many kinds that were isolated are looked at as a whole, with those that were not.
        let partly = isolating.len() > MOST_KINDS;
        let kinds = if partly { vec![grant.subject.clone()] } else { overlapping(&grant.subject, &isolating) };
        for labels in kinds {
            let whole = GrantPiece {
                subject: SpacePods { labels, ..self.space.all_of(home) },
                peers: grant.peers.clone(),
                out: Vec::new(),
                ports: ports.clone(),
                doubtful: false,
                partly,
            };
            let near = side.near(&whole.subject.labels, &grant.peers).filter(counts);
            for piece in beyond(self.space, (whole, grant.truth), near, budget)? {
                if is_left_out {
                    self.left_out = true;
                } else {
                    self.of_piece(direction, piece, grant.truth, budget)?;
                }
            }
        }
        Ok(())
    }

    /// Tells of a piece what the other side lets through.
    fn of_piece(
        &mut self,
        direction: Direction,
        piece: GrantPiece,
        truth: Truth,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let all = self.ends_of(&piece.peers, &piece.out, budget)?;
        let mine = Ends::Pods(piece.subject.clone());
        let (mut sure, mut unsure) = (Vec::with_capacity(all.len()), Vec::new());
        for end in all.iter() {
            let [known, open] = self.by_certainty(end, budget)?;
            sure.extend(known);
            unsure.extend(open);
        }
        let truth = if piece.doubtful { Truth::Maybe } else { truth };
        let set = Set { peers: vec![piece.peers.clone()], less: piece.out.clone() };
        if !sure.is_empty() && self.lets_all_through(direction.other(), &sure, &mine, &piece.ports, budget)? {
            let theirs = Whom { set: Some(set.clone()), ends: sure };
            let (ports, by_name, partly) = (piece.ports.clone(), PortSet::empty(), piece.partly);
            self.tell(ToldGain { direction, mine: mine.clone(), theirs, ports, by_name, truth, partly }, budget)?;
        } else {
            self.one_by_one(direction, &piece, (&sure, Some(&set)), truth, budget)?;
        }
        self.one_by_one(direction, &piece, (&unsure, None), Truth::Maybe, budget)
    }

    /// Whether the other side lets a subject through to every one of some ends, for sure.
    fn lets_all_through(
        &self,
        direction: Direction,
        ends: &[Ends],
        peer: &Ends,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<bool, GaveUp> {
        // Those of other namespaces first, of which least is known.
        for end in ends.iter().rev() {
            if self.new.isolated_of(end, direction).is_empty() {
                continue;
            }
            let to_address = direction == Direction::Egress && matches!(peer, Ends::Addresses(_));
            for (view, ports) in views(ports, to_address) {
                if self.new.refused_by(direction, &view, [end, peer], &ports, Sure::Yes, budget)?.is_some() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn one_by_one(
        &mut self,
        direction: Direction,
        piece: &GrantPiece,
        (ends, set): (&[Ends], Option<&Set>),
        truth: Truth,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let mine = Ends::Pods(piece.subject.clone());
        let around = self.space.around(&mine);
        let mut alike: BTreeMap<AlikeGains, Vec<Ends>> = BTreeMap::new();
        for end in ends {
            for half in self.new.halves(direction.other(), end, &around) {
                budget.spend(1)?;
                if self.without_doubtful_blocks && half.grant.as_ref().is_some_and(is_doubtful_block) {
                    continue;
                }
                let Some((mine, theirs, through)) = self.through(&mine, half.clone(), budget)? else { continue };
                let to_address = direction == Direction::Egress && matches!(theirs, Ends::Addresses(_));
                let other = if to_address { half.ports().without_names() } else { half.ports() };
                let ports = piece.ports.intersect(&other);
                let by_name = match to_address {
                    true => PortSet::empty(),
                    false => self.by_name(direction, [&mine, &theirs], [&piece.ports, &other], budget)?,
                };
                if ports.is_empty() && by_name.is_empty() {
                    continue;
                }
                alike.entry((mine, ports, by_name, through.and(truth))).or_default().push(theirs);
            }
        }
        for ((mine, ports, by_name, truth), theirs) in alike {
            let set = set.and_then(|set| self.less(set, ends, &theirs));
            let (theirs, partly) = (Whom { set, ends: theirs }, piece.partly);
            self.tell(ToldGain { direction, mine, theirs, ports, by_name, truth, partly }, budget)?;
        }
        Ok(())
    }

    /// The set less the ends that are not among some of them; nothing where that says less than those themselves.
    fn less(&self, set: &Set, all: &[Ends], some: &[Ends]) -> Option<Set> {
        let some: BTreeSet<&Ends> = some.iter().collect();
        if !some.iter().all(|one| all.contains(one)) {
            return None;
        }
        let mut set = set.clone();
        let missing: Vec<&Ends> = all.iter().filter(|one| !some.contains(one)).collect();
        if missing.len() >= some.len() {
            return None;
        }
        for end in missing {
            let home = self.space.homes().get(end.pods()?.home?)?;
            let whole = Peers::Pods { namespaces: namespace_by_name(&home.name), pods: Selector::everything() };
            set.less.retain(|out| !within(out, &whole));
            set.less.push(whole);
        }
        Some(set)
    }

    /// Those of the first that the other side lets through, the others, and whether that is sure.
    fn through(&self, mine: &Ends, half: SideHalf, budget: &mut Budget) -> Result<Option<(Ends, Ends, Truth)>, GaveUp> {
        let Some((mine, truth)) = self.new.let_through(mine, &half) else { return Ok(None) };
        let Some((mine, theirs)) = self.new.in_one_world(mine, half.subject) else { return Ok(None) };
        if self.space.is_empty(&mine, budget)? || self.space.is_empty(&theirs, budget)? {
            return Ok(None);
        }
        let sure = self.is_sure(&mine) && self.is_sure(&theirs);
        Ok(Some((mine, theirs, if sure { truth } else { Truth::Maybe })))
    }

    /// The ports on which something came where a name stands for what the other side calls otherwise.
    fn by_name(
        &self,
        direction: Direction,
        [mine, theirs]: [&Ends; 2],
        [own, other]: [&PortSet; 2],
        budget: &mut Budget,
    ) -> Result<PortSet, GaveUp> {
        let mut came = PortSet::empty();
        if of_unknown_number(own, other).is_empty() {
            return Ok(came);
        }
        let mut ask = |view: Vec<(Protocol, std::sync::Arc<str>)>, ports: &PortSet| {
            let found = self.old.refused_by(direction, &PortViews(view), [mine, theirs], ports, Sure::Yes, budget);
            found.map(|found| found.is_some())
        };
        for (named, numbered) in [(own, other), (other, own)] {
            for (protocol, name) in names(named).into_iter().filter(|(own, name)| !numbered.has_name(*own, name)) {
                let numbers = ranges(numbered, protocol);
                if !numbers.is_empty() && ask(vec![(protocol, name.clone())], &numbers)? {
                    came.insert(&numbers);
                    came.insert(&PortSet::named(protocol, name.clone()));
                }
                for other in numbered.names(protocol).filter(|other| !named.has_name(protocol, other)) {
                    let both = vec![(protocol, name.clone()), (protocol, other.clone())];
                    if ask(both, &every_number(protocol))? {
                        came.insert(&PortSet::named(protocol, name.clone()));
                        came.insert(&PortSet::named(protocol, other.clone()));
                    }
                }
            }
        }
        Ok(came)
    }

    /// Files what came, as far as it was refused before.
    fn tell(&mut self, mut told: ToldGain, budget: &mut Budget) -> Result<(), GaveUp> {
        self.take_out_names(&mut told, budget)?;
        let mut truth = told.truth;
        if told.partly {
            if self.was_refused(&told, &told.ports, Sure::Yes, budget)?.is_none() {
                told.ports = PortSet::empty();
            } else if self.was_refused(&told, &told.ports, Sure::Perhaps { names: false }, budget)?.is_none() {
                truth = Truth::Maybe;
            }
        }
        let ToldGain { direction, mine, theirs, ports, by_name, partly, .. } = told;
        let verdict = match truth {
            Truth::Yes => Verdict { unknown: by_name.subtract(&ports), allowed: ports },
            Truth::No | Truth::Maybe => Verdict { allowed: PortSet::empty(), unknown: ports.union(&by_name) },
        };
        if verdict.is_denied() {
            return Ok(());
        }
        let mine = Whom { set: None, ends: vec![mine] };
        let [source, destination] = match direction {
            Direction::Egress => [mine, theirs],
            Direction::Ingress => [theirs, mine],
        };
        self.found.push(Gain { by: direction, source, destination, ports: verdict, partly });
        Ok(())
    }

    /// A name is no other port where all numbers were open that it could stand for.
    fn take_out_names(&self, told: &mut ToldGain, budget: &mut Budget) -> Result<(), GaveUp> {
        for protocol in Protocol::ALL {
            let only_names = ranges(&told.ports, protocol).is_empty();
            if only_names && told.ports.has_unlisted_names(protocol) {
                told.ports = told.ports.subtract(&PortSet::whole(protocol));
            }
        }
        for (protocol, name) in names(&told.ports) {
            let named = PortSet::named(protocol, name);
            if self.was_refused(told, &named, Sure::Yes, budget)?.is_none() {
                told.ports = told.ports.subtract(&named);
            }
        }
        Ok(())
    }

    /// Some of the peers to whom something of these ports was not allowed by the same side before.
    fn was_refused(
        &self,
        told: &ToldGain,
        ports: &PortSet,
        sure: Sure,
        budget: &mut Budget,
    ) -> Result<Option<()>, GaveUp> {
        for end in told.theirs.ends.iter().rev() {
            let to_address = told.direction == Direction::Egress && matches!(end, Ends::Addresses(_));
            for (view, ports) in views(ports, to_address) {
                let ends = [&told.mine, end];
                if self.old.refused_by(told.direction, &view, ends, &ports, sure, budget)?.is_some() {
                    return Ok(Some(()));
                }
            }
        }
        Ok(None)
    }

    /// The ends that peers less others come to, those that are nobody left out.
    fn ends_of(&mut self, peers: &Peers, out: &[Peers], budget: &mut Budget) -> Result<Rc<[Ends]>, GaveUp> {
        let key = (peers.clone(), out.to_vec());
        if let Some(known) = self.ends.get(&key) {
            return Ok(known.clone());
        }
        let mut ends = Vec::new();
        for mut end in self.space.ends(peers) {
            for out in out.iter().filter_map(|out| self.space.beside(out, &end)).collect::<Vec<_>>() {
                end = self.space.minus(&end, &out);
            }
            if out.is_empty() || !self.space.is_empty(&end, budget)? {
                ends.push(end);
            }
        }
        let ends: Rc<[Ends]> = ends.into();
        self.ends.insert(key, ends.clone());
        Ok(ends)
    }

    /// The part of an end that is meant whatever labels its namespace has, and the parts that are meant if it has some.
    fn by_certainty(&self, end: &Ends, budget: &mut Budget) -> Result<[Vec<Ends>; 2], GaveUp> {
        let pods = match end {
            _ if self.is_sure(end) => return Ok([vec![end.clone()], Vec::new()]),
            Ends::Pods(pods) if pods.namespaces.is_everything() => pods,
            Ends::Pods(_) | Ends::Addresses(_) => return Ok([Vec::new(), vec![end.clone()]]),
        };
        let whatever = pods.less.iter().map(|(_, labels)| (Selector::everything(), labels.clone())).collect();
        let sure = Ends::Pods(SpacePods { less: whatever, ..pods.clone() });
        let depends = pods.less.iter().filter(|(namespaces, _)| !namespaces.is_everything());
        let open = depends.map(|(_, labels)| Ends::Pods(SpacePods { labels: pods.labels.and(labels), ..pods.clone() }));
        let mut parts = [vec![sure], open.collect()];
        for ends in &mut parts {
            let mut somebody = Vec::with_capacity(ends.len());
            for end in ends.drain(..) {
                if !self.space.is_empty(&end, budget)? {
                    somebody.push(end);
                }
            }
            *ends = somebody;
        }
        Ok(parts)
    }

    /// Whether nothing that nobody said of a namespace decides who an end is.
    fn is_sure(&self, end: &Ends) -> bool {
        self.space.undecided(end).next().is_none()
    }
}

/// The parts of some pods that others overlap, those in other parts left out.
fn overlapping(labels: &Selector, others: &[&Selector]) -> Vec<Selector> {
    let parts: BTreeSet<Selector> = others.iter().map(|other| labels.and(other)).collect();
    let is_widest = |part: &&Selector| !parts.iter().any(|other| other != *part && other.contains(part));
    parts.iter().filter(is_widest).cloned().collect()
}

fn is_doubtful_block(grant: &Grant) -> bool {
    grant.block.is_some() && grant.truth == Truth::Maybe
}

/// The numbers of one protocol.
fn ranges(ports: &PortSet, protocol: Protocol) -> PortSet {
    let mut numbers = PortSet::empty();
    for (low, high) in ports.ranges(protocol) {
        numbers.insert(&PortSet::range(protocol, *low, *high));
    }
    crate::prove::numbers(&numbers)
}
