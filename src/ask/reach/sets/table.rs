//! Every two rows.
//!
//! What may connect is found out once for all pods of two namespaces, grant by grant; two rows have of it what has an end in
//! each of them.

use super::judge::Judge;
use super::lines::Draft;
use super::rows::{RowMember, Rows};
use crate::ask::reach::IsolatedShare;
use crate::ask::space::{Ends, Example, Link};
use crate::cover::{Budget, GaveUp};
use crate::net::{Direction, PortSet, Truth};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What is allowed between every two of some rows, where something is or may be. Of what only some may there is one example
/// for each source and each set of ports: one for each two would take far more room than all the rest. There are none where
/// nobody looks at them.
pub(super) fn table(
    judge: &Judge<'_, '_>,
    rows: &Rows,
    sources: &[usize],
    destinations: &[usize],
    with_examples: bool,
    budget: &mut Budget,
) -> Result<BTreeMap<(usize, usize), Draft>, GaveUp> {
    let mut table = ReachTable::new(judge);
    let mut drafts = BTreeMap::new();
    for source in sources {
        let mut shown: BTreeSet<PortSet> = BTreeSet::new();
        for destination in destinations {
            let (Some(from), Some(to)) = (rows.get(*source), rows.get(*destination)) else { continue };
            let mut draft = table.draft(from, to, budget)?;
            if with_examples && !draft.every.contains(&draft.some) && shown.insert(draft.some.clone()) {
                draft.example = table.gathered(from, to, true, budget)?.example;
            }
            if !draft.is_empty() {
                drafts.insert((*source, *destination), draft);
            }
        }
    }
    Ok(drafts)
}

/// Where an end is: in a home, in a namespace that is none, or outside of the cluster.
type Place = Option<Option<usize>>;

/// The places of source and destination, and the lists of links that have somebody of each.
type PartsKey = ([Place; 2], [usize; 2]);

/// The links of all that is in two places.
#[derive(Debug)]
struct PlaceLinks {
    all: Vec<Link>,
    /// The ports of each that are open for sure, and those that may be.
    ports: Vec<PortSet>,
    perhaps: Vec<PortSet>,
}

impl PlaceLinks {
    fn new(all: Vec<Link>) -> Self {
        let sides = |link: &Link| match link.truth {
            Truth::Yes => (link.ports(), link.perhaps()),
            Truth::No | Truth::Maybe => (PortSet::empty(), link.ports().union(&link.perhaps())),
        };
        let (ports, perhaps) = all.iter().map(sides).unzip();
        PlaceLinks { all, ports, perhaps }
    }
}

/// An end's part of the links of two places.
#[derive(Debug)]
struct Part {
    /// The links that have somebody of it at one end, and the number of that list.
    links: Rc<[usize]>,
    list: usize,
    /// One of those for each, once it was looked for.
    examples: FxHashMap<usize, Option<Example>>,
}

/// What two ends have in common.
#[derive(Debug)]
struct Common {
    /// The ports of all links.
    ports: PortSet,
    /// Those links that have ports that none before them has.
    links: Vec<usize>,
    /// Those that may be open on some ports.
    unsure: Vec<usize>,
}

struct ReachTable<'a, 'p> {
    judge: &'a Judge<'a, 'p>,
    /// By the places of source and destination.
    links: FxHashMap<[Place; 2], Rc<PlaceLinks>>,
    /// By the side, source (0) or destination (1), the place of the other end and the end.
    parts: FxHashMap<(usize, Place, &'a Ends), Part>,
    /// The number of each list of links.
    lists: FxHashMap<Rc<[usize]>, usize>,
    /// By the places and the links that each has a part of.
    common: FxHashMap<PartsKey, Rc<Common>>,
}

impl<'a, 'p> ReachTable<'a, 'p> {
    fn new(judge: &'a Judge<'a, 'p>) -> Self {
        ReachTable {
            judge,
            links: FxHashMap::default(),
            parts: FxHashMap::default(),
            lists: FxHashMap::default(),
            common: FxHashMap::default(),
        }
    }

    /// All that is allowed between two rows, without an example.
    fn draft(&mut self, from: &'a RowMember, to: &'a RowMember, budget: &mut Budget) -> Result<Draft, GaveUp> {
        let mut draft = Draft::default();
        if from.is_addresses() && to.is_addresses() {
            return Ok(draft);
        }
        let open = from.is_isolated(Direction::Egress) == IsolatedShare::No
            && to.is_isolated(Direction::Ingress) == IsolatedShare::No;
        if open {
            draft.every = PortSet::everything();
            return Ok(draft);
        }
        draft = self.gathered(from, to, false, budget)?;
        draft.every = self.judge.every(&from.area, &to.area, &draft.some, budget)?;
        Ok(draft)
    }

    /// What some of two rows may, or of which it is not known, perhaps with an example.
    fn gathered(
        &mut self,
        from: &'a RowMember,
        to: &'a RowMember,
        with_example: bool,
        budget: &mut Budget,
    ) -> Result<Draft, GaveUp> {
        let mut draft = Draft::default();
        for source in from.ends() {
            for destination in to.ends() {
                let ends = [source, destination];
                match self.links(source, destination, budget)? {
                    Some(links) => self.add_known(&mut draft, &links, ends, with_example, budget)?,
                    None => self.judge.add_links(&mut draft, ends, with_example, budget)?,
                }
            }
        }
        Ok(draft)
    }

    /// The links of all that is where two ends are, if these have just their part of them.
    fn links(
        &mut self,
        source: &Ends,
        destination: &Ends,
        budget: &mut Budget,
    ) -> Result<Option<Rc<PlaceLinks>>, GaveUp> {
        let places = [place(source), place(destination)];
        // Two ends in one namespace ask something of it together.
        let asks = |end: &Ends| end.pods().is_some_and(|pods| !pods.namespaces.is_everything());
        if place(source) == place(destination)
            && matches!(place(source), Some(Some(_)))
            && [source, destination].into_iter().any(asks)
        {
            return Ok(None);
        }
        if let Some(known) = self.links.get(&places) {
            return Ok(Some(known.clone()));
        }
        let [from, to] = places.map(|place| self.all_in(place));
        let mut all = Vec::new();
        self.judge.grants.links(&from, &to, budget, &mut |link| {
            all.push(link);
            false
        })?;
        let links = Rc::new(PlaceLinks::new(all));
        self.links.insert(places, links.clone());
        Ok(Some(links))
    }

    fn all_in(&self, place: Place) -> Ends {
        let space = &self.judge.everyone.space;
        match place {
            Some(Some(home)) => Ends::Pods(space.all_of(home)),
            Some(None) => space.others(),
            None => Ends::Addresses(space.facts().every_address()),
        }
    }

    /// Adds what two ends have of links.
    fn add_known(
        &mut self,
        draft: &mut Draft,
        links: &PlaceLinks,
        ends: [&'a Ends; 2],
        with_example: bool,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        budget.spend(1)?;
        if links.all.is_empty() {
            return Ok(());
        }
        let common = self.common(links, ends, budget)?;
        for link in &common.unsure {
            self.add_unsure(draft, links, *link, ends, budget)?;
        }
        let mut last = None;
        if draft.some.is_empty() {
            draft.some.clone_from(&common.ports);
            last = common.links.last().copied();
        } else if !draft.some.contains(&common.ports) {
            for link in &common.links {
                if let Some(ports) = links.ports.get(*link).filter(|ports| !draft.some.contains(ports)) {
                    draft.some.insert(ports);
                    last = Some(*link);
                }
            }
        }
        if let Some(link) = last.filter(|_| with_example) {
            let [source, destination] = ends;
            let from = self.example(0, links, link, [source, destination], budget)?;
            draft.example = from.zip(self.example(1, links, link, [destination, source], budget)?);
        }
        Ok(())
    }

    /// Adds what may be open between two ends by a link.
    fn add_unsure(
        &self,
        draft: &mut Draft,
        links: &PlaceLinks,
        link: usize,
        [source, destination]: [&Ends; 2],
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let space = &self.judge.everyone.space;
        let (Some(link), Some(perhaps)) = (links.all.get(link), links.perhaps.get(link)) else { return Ok(()) };
        let parts = space.both(source, &link.source).zip(space.both(destination, &link.destination));
        let Some((source, destination)) = parts else { return Ok(()) };
        self.judge.add_doubt(draft, [&source, &destination], perhaps, budget)
    }

    fn common(
        &mut self,
        links: &PlaceLinks,
        [source, destination]: [&'a Ends; 2],
        budget: &mut Budget,
    ) -> Result<Rc<Common>, GaveUp> {
        let places = [place(source), place(destination)];
        let mine = self.part(0, links, [source, destination], budget)?;
        let (one, mine) = (mine.list, mine.links.clone());
        let theirs = self.part(1, links, [destination, source], budget)?;
        let (other, theirs) = (theirs.list, theirs.links.clone());
        let key = (places, [one, other]);
        if let Some(known) = self.common.get(&key) {
            return Ok(known.clone());
        }
        let mut common = Common { ports: PortSet::empty(), links: Vec::new(), unsure: Vec::new() };
        let (few, many) = if mine.len() <= theirs.len() { (mine, theirs) } else { (theirs, mine) };
        budget.spend(few.len())?;
        for link in few.iter().filter(|link| many.binary_search(link).is_ok()) {
            if let Some(ports) = links.ports.get(*link).filter(|ports| !common.ports.contains(ports)) {
                common.ports.insert(ports);
                common.links.push(*link);
            }
            if links.perhaps.get(*link).is_some_and(|perhaps| !perhaps.is_empty()) {
                common.unsure.push(*link);
            }
        }
        let common = Rc::new(common);
        self.common.insert(key, common.clone());
        Ok(common)
    }

    /// The part of an end in the links towards another one, as their source (0) or their destination (1).
    fn part(
        &mut self,
        side: usize,
        links: &PlaceLinks,
        [end, other]: [&'a Ends; 2],
        budget: &mut Budget,
    ) -> Result<&mut Part, GaveUp> {
        let key = (side, place(other), end);
        if !self.parts.contains_key(&key) {
            let mut found = Vec::new();
            for (at, link) in links.all.iter().enumerate() {
                budget.spend(1)?;
                if let Some(both) = self.judge.everyone.space.both(end, side_of(link, side))
                    && !self.judge.everyone.space.is_empty(&both, budget)?
                {
                    found.push(at);
                }
            }
            let (links, next): (Rc<[usize]>, usize) = (found.into(), self.lists.len());
            let list = *self.lists.entry(links.clone()).or_insert(next);
            let part = Part { links, list, examples: FxHashMap::default() };
            self.parts.insert(key, part);
        }
        self.parts.get_mut(&key).ok_or(GaveUp)
    }

    /// One of an end that is at one end of a link.
    fn example(
        &mut self,
        side: usize,
        links: &PlaceLinks,
        link: usize,
        ends: [&'a Ends; 2],
        budget: &mut Budget,
    ) -> Result<Option<Example>, GaveUp> {
        let space = &self.judge.everyone.space;
        let [end, _] = ends;
        let part = self.part(side, links, ends, budget)?;
        if let Some(known) = part.examples.get(&link) {
            return Ok(known.clone());
        }
        let both = links.all.get(link).and_then(|link| space.both(end, side_of(link, side)));
        let example = match both {
            Some(both) => space.example(&both, budget)?,
            None => None,
        };
        part.examples.insert(link, example.clone());
        Ok(example)
    }
}

fn place(end: &Ends) -> Place {
    end.pods().map(|pods| pods.home)
}

/// The source (0) or the destination (1).
fn side_of(link: &Link, side: usize) -> &Ends {
    if side == 0 { &link.source } else { &link.destination }
}

impl Judge<'_, '_> {
    /// Adds what is or may be allowed between two ends.
    fn add_links(
        &self,
        draft: &mut Draft,
        [source, destination]: [&Ends; 2],
        with_example: bool,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        let mut links = Vec::new();
        self.grants.links(source, destination, budget, &mut |link| {
            links.push(link);
            false
        })?;
        for link in links {
            let links = PlaceLinks::new(vec![link]);
            let ([link], [sure], [perhaps]) = (&*links.all, &*links.ports, &*links.perhaps) else { continue };
            let ends = [&link.source, &link.destination];
            if !draft.some.contains(sure) {
                draft.some.insert(sure);
                if with_example {
                    draft.example = self.examples(ends, budget)?;
                }
            }
            self.add_doubt(draft, ends, perhaps, budget)?;
        }
        Ok(())
    }

    /// Adds those ports on which not all of one end may connect to all of another for sure.
    fn add_doubt(
        &self,
        draft: &mut Draft,
        ends: [&Ends; 2],
        perhaps: &PortSet,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        if !draft.unknown.contains(perhaps)
            && let Some(doubted) = self.doubted(ends, perhaps, budget)?
        {
            draft.unknown.insert(&doubted.ports);
            draft.doubtful = self.examples([&doubted.first.source, &doubted.first.destination], budget)?;
        }
        Ok(())
    }
}
