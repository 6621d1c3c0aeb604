//! What is allowed, grant by grant: at a cost that goes with what is told, and not with pairs of rows.
//!
//! A grant that the other side lets through altogether is a line by itself. Only of the others it matters what they come to
//! with each other, and with ends that nothing isolates.

use super::judge::{Area, Doubted, Judge};
use super::places::{AskedScope, RowSpot, SetPlaces, in_sides};
use super::rows::Rows;
use crate::ask::space::{Ends, Example, Grant, Link, SpacePods};
use crate::cover::{Budget, GaveUp};
use crate::engine::Doubt;
use crate::net::{Direction, Peers, PortSet, Truth, namespace_by_name};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// What is found out about two rows.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The ports of every two of them.
    pub every: PortSet,
    /// Those of some two of them, which nothing else tells.
    pub some: PortSet,
    pub example: Option<(Example, Example)>,
    /// Those of which it is not known for some two of them.
    pub unknown: PortSet,
    pub doubtful: Option<(Example, Example)>,
    /// Those of some who only may be of the rows, with what nobody said of them.
    pub more: Option<(PortSet, Doubt)>,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.every.is_empty() && self.some.is_empty() && self.unknown.is_empty() && self.more.is_none()
    }
}

/// What one side grants.
struct Granted<'a> {
    direction: Direction,
    home: usize,
    /// Its place among the grants of the side.
    place: usize,
    grant: &'a Grant,
    /// Those whose side it is, and the others.
    spots: [RowSpot; 2],
    /// The ports that the other side does not let through altogether, of those that are meant for sure.
    rest: PortSet,
}

/// Finds all lines between two lists of rows.
pub(super) struct LineFinder<'a, 'p> {
    judge: &'a Judge<'a, 'p>,
    places: SetPlaces<'a, 'p>,
    pub drafts: BTreeMap<(usize, usize), Draft>,
    /// Whether pods are left out that address blocks may let through: who could be anybody would be in every line. Between
    /// two ends that are asked about they are told.
    pub left_out: bool,
}

impl<'a, 'p> LineFinder<'a, 'p> {
    pub(super) fn new(judge: &'a Judge<'a, 'p>, rows: &'a Rows, scopes: &'a [AskedScope; 2]) -> Self {
        LineFinder { judge, places: SetPlaces::new(judge, rows, scopes), drafts: BTreeMap::new(), left_out: false }
    }

    pub(super) fn find(&mut self, budget: &mut Budget) -> Result<(), GaveUp> {
        let mut left: Vec<Granted<'_>> = Vec::new();
        for direction in Direction::ALL {
            for home in 0..self.judge.everyone.space.homes().len() {
                if !self.places.is_asked_about(in_sides(direction).0, home) {
                    continue;
                }
                for (place, grant) in self.judge.grants.of(home, direction).iter().enumerate() {
                    left.extend(self.granted(direction, home, place, grant, budget)?);
                }
            }
        }
        let let_in: FxHashMap<(usize, usize), &Granted<'_>> = left
            .iter()
            .filter(|granted| granted.direction == Direction::Ingress)
            .map(|granted| ((granted.home, granted.place), granted))
            .collect();
        for granted in &left {
            self.where_open(granted, budget)?;
            if granted.direction == Direction::Egress {
                self.with_others(granted, &let_in, budget)?;
            }
        }
        self.fold(budget)
    }

    /// Tells what a grant is let through with altogether, and gives what is left.
    fn granted(
        &mut self,
        direction: Direction,
        home: usize,
        place: usize,
        grant: &'a Grant,
        budget: &mut Budget,
    ) -> Result<Option<Granted<'a>>, GaveUp> {
        budget.spend(1)?;
        let (my_side, their_side) = in_sides(direction);
        let theirs = self.places.spot(their_side, &grant.peers);
        if theirs.area.ends.is_empty() && theirs.perhaps.is_empty() {
            return Ok(None);
        }
        let known = self.judge.everyone.space.homes().get(home);
        let namespaces = known.map(|home| namespace_by_name(&home.name)).unwrap_or_default();
        let subject = Peers::Pods { namespaces, pods: grant.subject.clone() };
        let mine = self.places.spot(my_side, &subject);
        if mine.area.ends.is_empty() {
            return Ok(None);
        }
        let to_address = direction == Direction::Egress && matches!(grant.peers, Peers::Addresses(_));
        let meant = |ports: PortSet| if to_address { ports.without_names() } else { ports };
        let ports = meant(grant.ports.clone());
        let [source, destination] = in_order(direction, mine.clone(), theirs.clone());
        let every = self.judge.every(&source.area, &destination.area, &ports, budget)?;
        if !every.is_empty() {
            let (sources, destinations) =
                (self.places.place_all(0, &source, budget)?, self.places.place_all(1, &destination, budget)?);
            self.tell(&sources, &destinations, &every);
            self.tell_others([&source, &destination], &every, budget)?;
        }
        let rest = meant(ports.subtract(&every));
        if grant.block.is_some() && grant.truth == Truth::Maybe && !self.places.is_pointed() {
            self.left_out |= !rest.is_empty() && self.may_be([&source.area, &destination.area], budget)?;
            return Ok(None);
        }
        let is_left = !rest.is_empty() || !theirs.perhaps.is_empty();
        let spots = [mine, theirs];
        Ok(is_left.then_some(Granted { direction, home, place, grant, spots, rest }))
    }

    /// Tells what is so of two sets beyond the rows inside them: of addresses that are more than those, and of ends that are
    /// there only if their namespaces have labels that nobody stated.
    fn tell_others(
        &mut self,
        [sources, destinations]: [&RowSpot; 2],
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let (mine, theirs) = (self.places.beyond(0, sources, budget)?, self.places.beyond(1, destinations, budget)?);
        for (source, here) in sources.area.ends.iter().zip(mine) {
            for (destination, there) in destinations.area.ends.iter().zip(&theirs) {
                if here || *there {
                    self.tell_rest([source, destination], ports, true, budget)?;
                }
            }
        }
        Ok(())
    }

    /// Whether something is allowed or not as the facts are that nobody knows.
    fn may_be(&self, [sources, destinations]: [&Area; 2], budget: &mut Budget) -> Result<bool, GaveUp> {
        for source in sources.ends.iter().rev() {
            for destination in destinations.ends.iter().rev() {
                let mut found: Vec<Link> = Vec::new();
                self.judge.grants.links(source, destination, budget, &mut |link| {
                    found.extend((link.truth == Truth::Maybe).then_some(link));
                    false
                })?;
                for link in found {
                    if self.judge.doubted([&link.source, &link.destination], &link.ports(), budget)?.is_some() {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn tell(&mut self, sources: &[usize], destinations: &[usize], every: &PortSet) {
        for source in sources {
            for destination in destinations {
                self.drafts.entry((*source, *destination)).or_default().every.insert(every);
            }
        }
    }

    /// Tells of a grant what nothing isolates of those that only may be at the other end.
    fn where_perhaps_open(&mut self, granted: &Granted<'_>, budget: &mut Budget) -> Result<(), GaveUp> {
        let [mine, theirs] = &granted.spots;
        for theirs in &*theirs.perhaps {
            let Some(part) = self.judge.open_part(theirs, granted.direction.other(), budget)? else { continue };
            for mine in &mine.area.ends {
                let [source, destination] = in_order(granted.direction, mine.clone(), part.clone());
                self.tell_rest([&source, &destination], &granted.grant.ports, false, budget)?;
            }
        }
        Ok(())
    }

    /// Tells of what is left of a grant what nothing isolates at the other end.
    fn where_open(&mut self, granted: &Granted<'_>, budget: &mut Budget) -> Result<(), GaveUp> {
        self.where_perhaps_open(granted, budget)?;
        if granted.rest.is_empty() {
            return Ok(());
        }
        let [mine, theirs] = &granted.spots;
        let direction = granted.direction.other();
        let (my_side, their_side) = in_sides(granted.direction);
        let my_rows = self.places.place_all(my_side, mine, budget)?;
        let (rows, open) = match theirs.row {
            Some(row) => self.places.open_inside(their_side, direction, row, budget)?,
            None => (Vec::new(), theirs.area.ends.clone()),
        };
        let sure = granted.grant.truth == Truth::Yes;
        if sure {
            let [sources, destinations] = in_order(granted.direction, my_rows.clone(), rows);
            self.tell(&sources, &destinations, &granted.rest);
            if let (Some(row), Some(one)) = (theirs.row, open.first())
                && theirs.area.ends.len() > 1
                && !my_rows.is_empty()
            {
                return self.tell_some(granted, &my_rows, row, one, budget);
            }
        } else {
            let is_open = !(rows.is_empty() && open.is_empty());
            if let Some(row) = theirs.row.filter(|_| is_open) {
                let [sources, destinations] = in_order(granted.direction, my_rows.clone(), vec![row]);
                let [source, destination] = in_order(granted.direction, mine.area.clone(), theirs.area.clone());
                let doubted = self.judge.doubted_between([&source, &destination], &granted.rest, budget)?;
                return self.tell_doubt(doubted, &sources, &destinations, budget);
            }
        }
        // What is open and in none of those rows.
        for theirs in &open {
            let Some(part) = self.judge.open_part(theirs, direction, budget)? else { continue };
            for mine in &mine.area.ends {
                let [source, destination] = in_order(granted.direction, mine.clone(), part.clone());
                self.tell_rest([&source, &destination], &granted.rest, sure, budget)?;
            }
        }
        Ok(())
    }

    /// Tells once that only some are open of a row of many namespaces, such as those of one end.
    fn tell_some(
        &mut self,
        granted: &Granted<'_>,
        mine: &[usize],
        row: usize,
        open: &Ends,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let part = self.judge.open_part(open, granted.direction.other(), budget)?;
        let [subjects, _] = &granted.spots;
        let (Some(theirs), Some(subject)) = (part, subjects.area.ends.first()) else { return Ok(()) };
        let [source, destination] = in_order(granted.direction, subject, &theirs);
        let example = self.judge.examples([source, destination], budget)?;
        let [sources, destinations] = in_order(granted.direction, mine, std::slice::from_ref(&row));
        for source in sources {
            for destination in destinations {
                let draft = self.drafts.entry((*source, *destination)).or_default();
                if !draft.every.contains(&granted.rest) && !draft.some.contains(&granted.rest) {
                    draft.some.insert(&granted.rest);
                    draft.example.clone_from(&example);
                }
            }
        }
        Ok(())
    }

    /// Tells what a grant that lets out comes to with those that let in, of which something is left too.
    fn with_others(
        &mut self,
        granted: &Granted<'_>,
        let_in: &FxHashMap<(usize, usize), &Granted<'_>>,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let Peers::Pods { namespaces, pods } = &granted.grant.peers else { return Ok(()) };
        let judge = self.judge;
        let from = SpacePods { labels: granted.grant.subject.clone(), ..judge.everyone.space.all_of(granted.home) };
        for (home, place) in judge.grants.letting_in(&from, namespaces, pods) {
            budget.spend(1)?;
            let Some(other) = let_in.get(&(home, place)) else { continue };
            let ends = [(granted.home, granted.grant), (other.home, other.grant)];
            let [out, into] = ends;
            let Some(link) = judge.grants.product(out, into) else { continue };
            for link in self.places.among_asked(link) {
                let sure = link.truth == Truth::Yes;
                let is_told =
                    [&link.source, &link.destination].into_iter().all(|end| judge.everyone.space.is_sure(end));
                // Of those that only may be meant no line has said anything yet.
                let rest = match is_told {
                    true => link.ports().intersect(&granted.rest).intersect(&other.rest),
                    false => link.ports(),
                };
                if !rest.is_empty() {
                    self.tell_rest([&link.source, &link.destination], &rest, sure, budget)?;
                }
                let perhaps = link.perhaps();
                if !perhaps.is_empty() {
                    self.tell_rest([&link.source, &link.destination], &perhaps, false, budget)?;
                }
            }
        }
        Ok(())
    }

    /// Tells what is allowed from every one of some to every one of others, or may be, by the rows that they come to, and
    /// where they come to none by those that they are in.
    fn tell_rest(
        &mut self,
        [source, destination]: [&Ends; 2],
        ports: &PortSet,
        sure: bool,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let Some((from, to)) = self.judge.examples([source, destination], budget)? else { return Ok(()) };
        let space = &self.judge.everyone.space;
        let sure = sure && space.is_sure(source) && space.is_sure(destination);
        let [source, destination] = &[source, destination].map(|end| space.whatever_labels(end));
        let (here, there) = (self.places.place(0, source, budget)?, self.places.place(1, destination, budget)?);
        if !sure {
            let doubted = self.judge.doubted([source, destination], ports, budget)?;
            let sources = self.places.rows_of(0, source, &here, budget)?;
            let destinations = self.places.rows_of(1, destination, &there, budget)?;
            return self.tell_doubt(doubted, &sources, &destinations, budget);
        }
        self.tell(&here.rows, &there.rows, ports);
        if here.whole && there.whole {
            return Ok(());
        }
        let (sources, destinations) =
            (self.places.holding(0, source, budget)?, self.places.holding(1, destination, budget)?);
        let is_told = |(from, to): (&usize, &usize)| {
            self.drafts.get(&(*from, *to)).is_some_and(|draft| draft.every.contains(ports))
        };
        if sources.iter().any(|from| destinations.iter().any(|to| is_told((from, to)))) {
            return Ok(());
        }
        if let (Some(source), Some(destination)) =
            (self.places.narrowest(&sources), self.places.narrowest(&destinations))
        {
            let draft = self.drafts.entry((source, destination)).or_default();
            if !draft.some.contains(ports) {
                draft.some.insert(ports);
                draft.example = Some((from, to));
            }
        }
        Ok(())
    }

    /// Tells that it is not known of some ports, if of any.
    fn tell_doubt(
        &mut self,
        doubted: Option<Doubted>,
        sources: &[usize],
        destinations: &[usize],
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let Some(Doubted { ports, first }) = doubted else { return Ok(()) };
        let doubtful = self.judge.examples([&first.source, &first.destination], budget)?;
        for source in sources {
            for destination in destinations {
                let draft = self.drafts.entry((*source, *destination)).or_default();
                draft.unknown.insert(&ports);
                draft.doubtful = draft.doubtful.take().or_else(|| doubtful.clone());
            }
        }
        Ok(())
    }

    /// Tells of wide rows what is told of several that are in them.
    fn fold(&mut self, budget: &mut Budget) -> Result<(), GaveUp> {
        for side in [0, 1] {
            // For each row on the other side, the wide rows with the ports of what is inside.
            let mut found: BTreeMap<(usize, usize), (usize, PortSet)> = BTreeMap::new();
            for ((source, destination), draft) in self.drafts.iter().filter(|(_, draft)| !draft.every.is_empty()) {
                let (row, other) = if side == 0 { (*source, *destination) } else { (*destination, *source) };
                let around = self.places.rows.get(row).map(|member| member.around.as_slice()).unwrap_or_default();
                for wide in around.iter().copied().filter(|wide| *wide != row && self.places.is_wide(*wide)) {
                    let (count, ports) = found.entry((wide, other)).or_default();
                    *count += 1;
                    ports.insert(&draft.every);
                }
            }
            for ((wide, other), (count, ports)) in found {
                if count < 2 || !self.places.is_asked(side, wide) {
                    continue;
                }
                let (source, destination) = if side == 0 { (wide, other) } else { (other, wide) };
                let (Some(from), Some(to)) = (self.places.rows.get(source), self.places.rows.get(destination)) else {
                    continue;
                };
                let every = self.judge.every(&from.area, &to.area, &ports, budget)?;
                self.tell(&[source], &[destination], &every);
            }
        }
        self.drafts.retain(|_, draft| !draft.is_empty());
        Ok(())
    }
}

/// Two that belong to the side of a direction and to the other one, as source and destination.
fn in_order<T>(direction: Direction, mine: T, theirs: T) -> [T; 2] {
    match direction {
        Direction::Egress => [mine, theirs],
        Direction::Ingress => [theirs, mine],
    }
}
