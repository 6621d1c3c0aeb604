//! Takes away what the rest allows anyway: policies, rules, peers and ports.

use super::concern::{Concern, Concerns, RulePart, Towards, Wishes};
use super::name::Namer;
use super::subject::SubjectId;
use crate::net::{
    AddressSet, Direction, Peers, Point, PortSet, Region, RegionIndex, Selector, SelectorIndex, is_covered,
};
use crate::netpol::{Port, PortTarget};
use crate::table::Table;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A peer of a rule of a concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PeerCell {
    concern: usize,
    rule: usize,
    peer: usize,
}

/// Makes the concerns of a namespace irredundant: afterwards nothing can be taken from them without forbidding
/// something.
///
/// Gives for each concern whether another one overlaps it at all.
pub(super) fn reduce(
    concerns: &mut Concerns,
    wishes: &Wishes<'_>,
    namer: &Namer<'_>,
    namespace: &Arc<str>,
) -> Table<usize, bool> {
    let mut overlapping = vec![false; concerns.list.len()].into();
    let group = Group::new(concerns, wishes, namer, namespace);
    if let Some(removals) = group.reduce(&mut overlapping) {
        removals.apply(&mut concerns.list);
    }
    // A rule without peers would be one for all of them.
    for concern in concerns.list.iter_mut() {
        concern.rules.retain(|rule| !rule.peers.is_empty());
    }
    overlapping
}

/// How many pairs of cells are looked at one by one, for each cell on average; an index is faster for more, and finds the
/// same.
const FEW_PAIRS: usize = 32;

/// The concerns of one namespace. Those of one direction have nothing to do with those of the other.
struct Group<'a> {
    concerns: &'a Concerns,
    wishes: &'a Wishes<'a>,
    namer: &'a Namer<'a>,
    home: &'a Arc<str>,
    /// By subject, for each by direction.
    cells: Table<usize, PeerCell>,
    /// Of each cell.
    parts: Table<usize, Part<'a>>,
    /// The pairs of cells that overlap, the earlier first, by their places in `cells`.
    pairs: Vec<(usize, usize)>,
    /// For each cell those that it overlaps; empty until something is to be taken away.
    neighbours: Neighbours,
    /// The ports that are left of each cell; empty until something is to be taken away.
    ports: Table<usize, PortSet>,
}

/// What a cell allows.
#[derive(Clone, Copy)]
struct Part<'a> {
    subject: SubjectId,
    selector: &'a Selector,
    direction: Direction,
    peers: &'a Peers,
    ports: &'a PortSet,
}

impl<'a> Group<'a> {
    fn new(concerns: &'a Concerns, wishes: &'a Wishes<'a>, namer: &'a Namer<'a>, home: &'a Arc<str>) -> Self {
        let mut cells = Table::with_capacity(concerns.list.len());
        let mut parts = Table::with_capacity(concerns.list.len());
        for (concern, Concern { subject, direction, rules, .. }) in concerns.list.iter().enumerate() {
            let (subject, direction) = (*subject, *direction);
            let selector = &wishes.subjects.get(subject).selector;
            for (rule, RulePart { peers, ports }) in rules.iter().enumerate() {
                for (peer, id) in peers.iter().enumerate() {
                    cells.push(PeerCell { concern, rule, peer });
                    parts.push(Part { subject, selector, direction, peers: &wishes.peer(*id).region, ports });
                }
            }
        }
        let (pairs, neighbours, ports) = (Vec::new(), Neighbours::default(), Table::default());
        Group { concerns, wishes, namer, home, cells, parts, pairs, neighbours, ports }
    }

    /// What is to be taken away, when anything could be; marks the concerns that another one overlaps.
    fn reduce(mut self, overlapping: &mut Table<usize, bool>) -> Option<Removals> {
        match self.pairs_by_subject() {
            Some(pairs) => {
                debug_assert_eq!(pairs, self.pairs_by_index(), "both ways find the same");
                self.pairs = pairs;
            }
            None => self.pairs = self.pairs_by_index(),
        }
        if self.pairs.is_empty() && !self.parts.iter().any(|part| part.peers.is_empty()) {
            return None;
        }
        for at in self.pairs.iter().flat_map(|(one, other)| [*one, *other]) {
            overlapping[self.cells[at].concern] = true;
        }
        self.neighbours = Neighbours::new(self.cells.len(), &self.pairs);
        self.ports = self.parts.iter().map(|part| part.ports.clone()).collect();
        self.take_away();
        Some(self.removals())
    }

    /// The pairs of cells that overlap, looked for among those whose subjects do; `None` when there are too many.
    fn pairs_by_subject(&self) -> Option<Vec<(usize, usize)>> {
        let mut first = 0;
        let run = |parts: &[Part<'a>]| {
            let ingress = first + parts.partition_point(|part| part.direction == Direction::Ingress);
            let run = Run { selector: parts.first()?.selector, first, ingress, end: first + parts.len() };
            first = run.end;
            Some(run)
        };
        let same_subject = self.parts.as_slice().chunk_by(|one, other| one.subject == other.subject);
        let runs: Vec<Run<'_>> = same_subject.filter_map(run).collect();
        let index = SelectorIndex::new(runs.iter().map(|run| run.selector).enumerate());
        let (mut pairs, mut near, mut looked_at) = (Vec::new(), Vec::new(), 0);
        for (at, run) in runs.iter().enumerate() {
            index.query_into(run.selector, &mut near);
            for other in near.iter().filter(|other| **other >= at) {
                let Some(other) = runs.get(*other) else { continue };
                let same = run.first == other.first;
                if !same && !run.selector.overlaps(other.selector) {
                    continue;
                }
                for (own, theirs) in run.sides().into_iter().zip(other.sides()) {
                    looked_at += own.len() * theirs.len();
                    if looked_at > FEW_PAIRS * self.cells.len() {
                        return None;
                    }
                    for one in own {
                        let from = if same { one + 1 } else { theirs.start };
                        let theirs = (from..theirs.end).filter(|other| self.ends_overlap(one, *other));
                        pairs.extend(theirs.map(|other| (one, other)));
                    }
                }
            }
        }
        pairs.sort_unstable();
        Some(pairs)
    }

    /// The same, looked for among all cells.
    fn pairs_by_index(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for direction in Direction::ALL {
            let parts = || self.parts.iter().enumerate().filter(|(_, part)| part.direction == direction);
            let index = RegionIndex::new(parts().map(|(at, part)| (at, part.selector, part.peers)));
            for (at, part) in parts() {
                let found = index.query(part.selector, part.peers).into_iter().filter(|other| *other > at);
                let same_pods = |other: &Part<'a>| part.selector.overlaps(other.selector);
                let found = found.filter(|other| same_pods(&self.parts[*other]));
                pairs.extend(found.filter(|other| self.ends_overlap(at, *other)).map(|other| (at, other)));
            }
        }
        pairs.sort_unstable();
        pairs
    }

    /// Whether two cells overlap whose subjects do.
    fn ends_overlap(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.parts[one], &self.parts[other]);
        one.ports.overlaps(other.ports) && one.peers.overlaps(other.peers)
    }

    /// Whether anything could be taken away from a cell: another one overlaps it, or it has no peers at all.
    fn is_touchable(&self, at: usize) -> bool {
        !self.neighbours.of(at).is_empty() || self.parts[at].peers.is_empty()
    }

    fn region(&self, at: usize, ports: &PortSet) -> Region {
        let part = &self.parts[at];
        Region { subject: part.selector.clone(), peers: part.peers.clone(), ports: ports.clone() }
    }

    /// Whether `ports` of a cell are allowed by the cells that `counts` admits.
    fn is_covered(&self, at: usize, ports: &PortSet, counts: &dyn Fn(&PeerCell) -> bool) -> bool {
        let region = self.region(at, ports);
        let others = || self.neighbours.of(at).iter().copied().filter(|other| counts(&self.cells[*other]));
        // Many of those that overlap a cell in many ways have none of its plainest connections.
        let has = |point: &Point, other: usize| {
            let part = &self.parts[other];
            point.is_in(part.selector, part.peers, &self.ports[other])
        };
        if let Some(point) = region.point()
            && !others().any(|other| has(&point, other))
        {
            return false;
        }
        let alive = others().filter(|other| !self.ports[*other].is_empty());
        let others: Vec<Region> = alive.map(|other| self.region(other, &self.ports[other])).collect();
        let others: Vec<&Region> = others.iter().collect();
        possible(region, Some(self.parts[at].direction)).iter().all(|region| is_covered(region, &others))
    }

    /// Concerns in the order in which they may be taken away: narrow ones first, DNS last.
    fn order(&self, mut concerns: Vec<usize>) -> Vec<usize> {
        let width = |index: &usize| {
            let concern = &self.concerns.list[*index];
            let subject = self.wishes.subjects.get(concern.subject);
            let requirements = subject.selector.keys().count();
            let peers = concern.rules.iter().flat_map(|rule| &rule.peers);
            let peers = peers.map(|peer| peer_width(&self.wishes.peer(*peer).region)).max();
            let name = self.namer.concern(self.home, &subject.name, concern);
            (concern.towards == Towards::Dns, std::cmp::Reverse(requirements), peers, name)
        };
        concerns.sort_by_cached_key(width);
        concerns
    }

    fn take_away(&mut self) {
        let mut by_concern: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, cell) in self.cells.iter().enumerate() {
            by_concern.entry(cell.concern).or_default().push(at);
        }
        by_concern.retain(|_, cells| cells.iter().any(|at| self.is_touchable(*at)));
        let order = self.order(by_concern.keys().copied().collect());
        let cells = |concern: &usize| by_concern.get(concern).cloned().unwrap_or_default();
        for concern in &order {
            self.try_without(&cells(concern), &|cell| cell.concern != *concern);
        }
        for concern in &order {
            let mut rules: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for at in cells(concern) {
                rules.entry(self.cells[at].rule).or_default().push(at);
            }
            for (rule, cells) in rules {
                let elsewhere = |cell: &PeerCell| (cell.concern, cell.rule) != (*concern, rule);
                self.try_without(&cells, &elsewhere);
                for at in &cells {
                    let own = self.cells[*at];
                    self.try_without(&[*at], &|cell| *cell != own);
                }
                self.try_ports(&cells, &elsewhere);
            }
        }
    }

    /// Those of some cells of which something is left.
    fn alive(&self, cells: &[usize]) -> Vec<usize> {
        cells.iter().copied().filter(|at| !self.ports[*at].is_empty()).collect()
    }

    /// Takes cells away when the others allow the same.
    fn try_without(&mut self, cells: &[usize], counts: &dyn Fn(&PeerCell) -> bool) {
        let alive = self.alive(cells);
        if alive.iter().all(|at| self.is_covered(*at, &self.ports[*at], counts)) {
            alive.into_iter().for_each(|at| self.ports[at] = PortSet::empty());
        }
    }

    /// Takes single ports of a rule away when other rules allow them to all its peers.
    fn try_ports(&mut self, cells: &[usize], elsewhere: &dyn Fn(&PeerCell) -> bool) {
        let alive = self.alive(cells);
        let Some(ports) = alive.first().map(|at| self.ports[*at].clone()) else { return };
        let mut left = ports.clone();
        for port in Port::list(&ports) {
            let piece = piece(&port);
            if left.subtract(&piece).is_empty() || !left.subtract(&piece).is_writable() {
                continue;
            }
            if alive.iter().all(|at| self.is_covered(*at, &piece, elsewhere)) {
                left = left.subtract(&piece);
            }
        }
        for at in alive {
            self.ports[at] = left.clone();
        }
    }

    fn removals(self) -> Removals {
        let all = self.cells.iter().zip(&self.parts).zip(&self.ports);
        let changed = all.filter(|((_, part), left)| part.ports != *left);
        Removals { cells: changed.map(|((cell, _), left)| (*cell, left.clone())).collect() }
    }
}

/// The cells of one subject, as places of a group.
struct Run<'a> {
    selector: &'a Selector,
    first: usize,
    /// The end of those of ingress; the others are of egress.
    ingress: usize,
    end: usize,
}

impl Run<'_> {
    fn sides(&self) -> [Range<usize>; 2] {
        [self.first..self.ingress, self.ingress..self.end]
    }
}

/// For each cell those that it overlaps, sorted.
#[derive(Default)]
struct Neighbours {
    /// Of each cell, its places in `others`.
    own: Table<usize, Range<usize>>,
    others: Vec<usize>,
}

impl Neighbours {
    fn new(count: usize, pairs: &[(usize, usize)]) -> Self {
        let mut both: Vec<(usize, usize)> =
            pairs.iter().flat_map(|&(one, other)| [(one, other), (other, one)]).collect();
        both.sort_unstable();
        let mut own: Table<usize, Range<usize>> = vec![0..0; count].into();
        let mut first = 0;
        for same in both.chunk_by(|(one, _), (other, _)| one == other) {
            let end = first + same.len();
            if let Some((cell, _)) = same.first() {
                own[*cell] = first..end;
            }
            first = end;
        }
        Neighbours { own, others: both.into_iter().map(|(_, other)| other).collect() }
    }

    fn of(&self, cell: usize) -> &[usize] {
        self.others.get(self.own[cell].clone()).unwrap_or_default()
    }
}

/// What is left of the cells that changed.
struct Removals {
    cells: Vec<(PeerCell, PortSet)>,
}

impl Removals {
    fn apply(self, concerns: &mut Table<usize, Concern>) {
        let mut dead: Vec<PeerCell> = Vec::new();
        for (cell, left) in self.cells {
            match concerns[cell.concern].rules.get_mut(cell.rule) {
                Some(rule) if !left.is_empty() => rule.ports = left,
                _ => dead.push(cell),
            }
        }
        for cell in dead.into_iter().rev() {
            if let Some(rule) = concerns[cell.concern].rules.get_mut(cell.rule) {
                rule.peers.remove(cell.peer);
            }
        }
    }
}

/// The part of a region that traffic can be in: an address that somebody connects to has no named container ports.
pub(super) fn possible(region: Region, direction: Option<Direction>) -> Vec<Region> {
    let numbers = region.ports.without_names();
    if direction != Some(Direction::Egress) || numbers == region.ports {
        return vec![region];
    }
    match region.peers {
        Peers::Any => {
            let everyone = Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() };
            let addresses = Peers::Addresses(AddressSet::everything());
            vec![
                Region { peers: everyone, subject: region.subject.clone(), ports: region.ports },
                Region { peers: addresses, subject: region.subject, ports: numbers },
            ]
        }
        Peers::Addresses(_) => vec![Region { ports: numbers, ..region }],
        Peers::Pods { .. } => vec![region],
    }
}

fn peer_width(peers: &Peers) -> (u8, std::cmp::Reverse<usize>) {
    match peers {
        Peers::Addresses(_) => (0, std::cmp::Reverse(0)),
        Peers::Pods { namespaces, pods } => (1, std::cmp::Reverse(namespaces.keys().count() + pods.keys().count())),
        Peers::Any => (2, std::cmp::Reverse(0)),
    }
}

fn piece(port: &Port) -> PortSet {
    match &port.target {
        PortTarget::Every => PortSet::whole(port.protocol),
        PortTarget::Number(number) => PortSet::number(port.protocol, *number),
        PortTarget::Range(low, high) => PortSet::range(port.protocol, *low, *high),
        PortTarget::Named(name) => PortSet::named(port.protocol, name.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::flow::FlowSet;
    use crate::netpol::PolicySet;
    use crate::plan::{Layout, concern, plan};
    use crate::source::Sources;
    use crate::{flow, model, syntax};

    fn flows(text: &str) -> FlowSet {
        let mut sources = Sources::default();
        let file = sources.add("main.polder", text);
        let tree = syntax::parse(&sources, file).tree;
        flow::lower(&model::resolve(&sources, &[tree], &model::Options::default()).model)
    }

    fn names(text: &str) -> Vec<String> {
        let PolicySet { policies } = plan(&flows(text), Layout::Flow).policies;
        policies.iter().map(|policy| policy.name.to_string()).collect()
    }

    #[test]
    fn of_two_that_say_the_same_dns_stays() {
        let text = "external namespace kube-system {\n  tier dns (k8s-app=kube-dns)\n}\nnamespace shop {\n  dns strict\n  \
                    tier web\n  * -> kube-system/dns:{53/udp, 53/tcp}\n}\n";
        assert_eq!(names(text), ["allow-dns-egress", "default-deny-all"]);
    }

    #[test]
    fn the_narrower_of_two_goes() {
        let text = "namespace shop {\n  tier web\n  tier api\n  isolate egress\n  web -> api:80\n  web -> *:80\n}\n";
        assert_eq!(names(text), ["allow-dns-egress", "allow-web-to-all-pods", "default-deny-egress"]);
    }

    #[test]
    fn of_two_equal_flows_the_later_is_reported() {
        let text = "namespace shop {\n  tier web\n  tier api\n  web -> api:80\n  web -> api:{80}\n}\n";
        let diagnostics = plan(&flows(text), Layout::Flow).diagnostics;
        let starts: Vec<u32> = diagnostics.iter().map(|one| one.labels[0].span.start).collect();
        assert_eq!(
            starts.iter().map(|start| *start as usize).collect::<Vec<_>>(),
            [text.find("web -> api:{80}").unwrap()]
        );
    }

    /// The pairs that overlap are found in two ways: one by one where there are few, so that debug builds compare the two.
    /// Which way it is changes nothing but the time.
    #[test]
    fn few_pairs_are_looked_at_one_by_one() {
        let set =
            flows("namespace shop {\n  tier web\n  tier api\n  web -> api:80\n  api -> web:80\n  * -> api:80\n}\n");
        let wishes = concern::collect(&set);
        let mut concerns = Concerns::default();
        wishes.concerns_of(0, &mut concerns);
        let namer = Namer::new(&set);
        let home = set.namespaces[0].name.clone();
        let group = Group::new(&concerns, &wishes, &namer, &home);
        let pairs = group.pairs_by_subject().unwrap();
        assert!(!pairs.is_empty());
        assert_eq!(pairs, group.pairs_by_index());
    }
}
