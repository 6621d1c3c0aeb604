//! Port sets: per protocol, intervals of numbers and names.

use super::interval::{self, Touching};
use super::protocol::Protocol;
use super::words::Words;
use smallvec::SmallVec;
use std::sync::Arc;

/// Every port number; there is no port 0.
const EVERY_NUMBER: (u16, u16) = (1, u16::MAX);

/// A set of ports. What holds of it, on which the proof and the planner rely:
///
/// 1. Its elements are the numbers and the names of each protocol, and one element for all protocols that have no name
///    here. So the three whole protocols together are less than everything.
/// 2. A named port stands for itself: numbers do not cover it, since the number differs from pod to pod.
/// 3. But it is some number: a set that gets to hold every number of a protocol by [`PortSet::insert`], and so by a union,
///    holds all names too. A union contains both sets, and more than their elements only by this law.
/// 4. [`PortSet::intersect`] and [`PortSet::subtract`] are exact: they go by elements. A difference shares nothing with what
///    was taken away, and together with the intersection it contains the whole; by law 3 that may be more than the whole.
/// 5. Ranges that overlap are one; ranges that touch stay apart, since one range needs `endPort`, which not every network
///    plugin honours. So two values may differ and contain each other: sets are the same when they do, not when they are
///    equal.
/// 6. A difference may be a set that Kubernetes cannot write, such as all names but one: [`PortSet::is_writable`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PortSet(Repr);

/// One form for each set: the first that fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
enum Repr {
    #[default]
    Empty,
    /// One range without names.
    One(Protocol, (u16, u16)),
    Everything,
    Many(Arc<Many>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Many {
    parts: [Part; 3],
    others: bool,
}

/// What a set has of one protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Part {
    ranges: Vec<(u16, u16)>,
    names: Words,
}

/// The same, borrowed.
#[derive(Clone, Copy)]
struct View<'a> {
    ranges: &'a [(u16, u16)],
    names: &'a Words,
}

static NO_NAME: Words = Words::NONE;
static EVERY_NAME: Words = Words::ALL;
const NOTHING: View<'static> = View { ranges: &[], names: &NO_NAME };
const WHOLE: View<'static> = View { ranges: &[EVERY_NUMBER], names: &EVERY_NAME };

impl View<'_> {
    fn is_empty(self) -> bool {
        self.ranges.is_empty() && self.names.is_empty()
    }

    fn is_whole(self) -> bool {
        self.names.is_all() && interval::covers(self.ranges, WHOLE.ranges)
    }

    fn to_part(self) -> Part {
        Part { ranges: self.ranges.to_vec(), names: self.names.clone() }
    }
}

impl Part {
    fn view(&self) -> View<'_> {
        View { ranges: &self.ranges, names: &self.names }
    }
}

impl PortSet {
    /// No port.
    pub const EMPTY: PortSet = PortSet(Repr::Empty);

    /// No port.
    pub fn empty() -> Self {
        PortSet::default()
    }

    /// Every port of every protocol, also of those without a name here.
    pub fn everything() -> Self {
        PortSet(Repr::Everything)
    }

    /// One port. There is no port 0: it gives the empty set.
    pub fn number(protocol: Protocol, number: u16) -> Self {
        PortSet::range(protocol, number, number)
    }

    /// The ports from `low` to `high`, both included; none when `high` is lower. All of them are the whole protocol.
    pub fn range(protocol: Protocol, low: u16, high: u16) -> Self {
        let low = low.max(1);
        if (low, high) == EVERY_NUMBER {
            PortSet::whole(protocol)
        } else if low > high {
            PortSet::empty()
        } else {
            PortSet(Repr::One(protocol, (low, high)))
        }
    }

    /// Every number and every name of a protocol.
    pub fn whole(protocol: Protocol) -> Self {
        PortSet::only(protocol, WHOLE.to_part())
    }

    /// A named container port.
    pub fn named(protocol: Protocol, name: Arc<str>) -> Self {
        let part = Part { ranges: Vec::new(), names: Words::only(vec![name]) };
        PortSet::only(protocol, part)
    }

    /// Adds the ports of `other`.
    pub fn insert(&mut self, other: &PortSet) {
        match (&self.0, &other.0) {
            (Repr::Everything, _) => {}
            (_, Repr::Everything) => *self = PortSet::everything(),
            (Repr::Empty, Repr::One(_, range)) if *range != EVERY_NUMBER => *self = other.clone(),
            (Repr::One(mine, a), Repr::One(theirs, b)) if mine == theirs && a.0 <= b.1 && b.0 <= a.1 => {
                *self = PortSet::range(*mine, a.0.min(b.0), a.1.max(b.1));
            }
            _ => *self = self.combine(other, |a, b| a || b, unite),
        }
    }

    /// The ports of either set.
    #[must_use]
    pub fn union(&self, other: &PortSet) -> PortSet {
        let mut both = self.clone();
        both.insert(other);
        both
    }

    /// The ports of any of the sets, in less time than one insertion after another.
    pub fn union_of<'p>(sets: impl IntoIterator<Item = &'p PortSet>) -> PortSet {
        // Mostly there is one.
        let mut all: SmallVec<[PortSet; 1]> = sets.into_iter().cloned().collect();
        while all.len() > 1 {
            let pairs = all.chunks(2).map(|pair| match pair {
                [one, other] => one.union(other),
                rest => rest.first().cloned().unwrap_or_default(),
            });
            all = pairs.collect();
        }
        all.pop().unwrap_or_default()
    }

    /// The ports of both sets.
    #[must_use]
    pub fn intersect(&self, other: &PortSet) -> PortSet {
        match (&self.0, &other.0) {
            (Repr::Empty, _) | (_, Repr::Everything) => self.clone(),
            (_, Repr::Empty) | (Repr::Everything, _) => other.clone(),
            (Repr::One(mine, a), Repr::One(theirs, b)) => {
                let (low, high) = (a.0.max(b.0), a.1.min(b.1));
                if mine == theirs && low <= high { PortSet(Repr::One(*mine, (low, high))) } else { PortSet::empty() }
            }
            _ => self.combine(
                other,
                |a, b| a && b,
                |a, b| Part { ranges: interval::intersect(a.ranges, b.ranges), names: a.names.and(b.names) },
            ),
        }
    }

    /// The ports of this set that are not in `other`.
    ///
    /// A whole protocol less some numbers keeps all its names; less a name, it keeps all its numbers.
    #[must_use]
    pub fn subtract(&self, other: &PortSet) -> PortSet {
        match (&self.0, &other.0) {
            (_, Repr::Everything) => PortSet::empty(),
            (Repr::Empty, _) | (_, Repr::Empty) => self.clone(),
            _ => self.combine(
                other,
                |a, b| a && !b,
                |a, b| Part { ranges: interval::subtract(a.ranges, b.ranges), names: a.names.minus(b.names) },
            ),
        }
    }

    /// Whether every port of `other` is in this set.
    pub fn contains(&self, other: &PortSet) -> bool {
        match (&self.0, &other.0) {
            (_, Repr::Empty) | (Repr::Everything, _) => true,
            (Repr::One(mine, a), Repr::One(theirs, b)) => mine == theirs && a.0 <= b.0 && b.1 <= a.1,
            _ => {
                (self.has_others() || !other.has_others())
                    && Protocol::ALL.into_iter().all(|protocol| {
                        let (mine, theirs) = (self.view(protocol), other.view(protocol));
                        interval::covers(mine.ranges, theirs.ranges) && mine.names.contains(theirs.names)
                    })
            }
        }
    }

    /// Whether the sets share a port.
    pub fn overlaps(&self, other: &PortSet) -> bool {
        match (&self.0, &other.0) {
            (Repr::One(mine, a), Repr::One(theirs, b)) => mine == theirs && a.0 <= b.1 && b.0 <= a.1,
            (Repr::One(protocol, range), _) => interval::overlaps(other.ranges(*protocol), &[*range]),
            (_, Repr::One(protocol, range)) => interval::overlaps(self.ranges(*protocol), &[*range]),
            _ => {
                (self.has_others() && other.has_others())
                    || Protocol::ALL.into_iter().any(|protocol| {
                        let (mine, theirs) = (self.view(protocol), other.view(protocol));
                        interval::overlaps(mine.ranges, theirs.ranges) || mine.names.overlaps(theirs.names)
                    })
            }
        }
    }

    /// For each set whether it shares a port with another one of them.
    pub fn shared(sets: &[&PortSet]) -> Vec<bool> {
        if let [one, other] = sets {
            return vec![one.overlaps(other); 2];
        }
        let mut shared = vec![false; sets.len()];
        let mut mark = |places: [usize; 2]| {
            places.into_iter().for_each(|at| shared.iter_mut().skip(at).take(1).for_each(|slot| *slot = true));
        };
        // Sets of a form that is rare are compared with all others.
        let rare = |set: &PortSet| {
            set.has_others() || Protocol::ALL.into_iter().any(|protocol| set.has_unlisted_names(protocol))
        };
        for (at, set) in sets.iter().enumerate().filter(|(_, set)| rare(set)) {
            let others = sets.iter().enumerate().filter(|(other, _)| *other != at);
            others.filter(|(_, other)| set.overlaps(other)).for_each(|(other, _)| mark([at, other]));
        }
        let plain = || sets.iter().enumerate().filter(|(_, set)| !rare(set));
        for protocol in Protocol::ALL {
            let of_set = |(at, set): (usize, &&PortSet)| {
                set.ranges(protocol).iter().map(move |range| (*range, at)).collect::<Vec<_>>()
            };
            let mut ranges: Vec<((u16, u16), usize)> = plain().flat_map(of_set).collect();
            ranges.sort_unstable();
            // The range so far that reaches highest.
            let mut highest: Option<(u16, usize)> = None;
            for ((low, high), at) in ranges {
                match highest {
                    Some((reach, other)) if low <= reach => {
                        if other != at {
                            mark([at, other]);
                        }
                        if high > reach {
                            highest = Some((high, at));
                        }
                    }
                    _ => highest = Some((high, at)),
                }
            }
            let mut names: Vec<(&Arc<str>, usize)> =
                plain().flat_map(|(at, set)| set.names(protocol).map(move |name| (name, at))).collect();
            names.sort_unstable();
            for pair in names.windows(2) {
                if let [(one, at), (other, next)] = pair
                    && one == other
                {
                    mark([*at, *next]);
                }
            }
        }
        shared
    }

    /// The set less its names: what is left where no names exist, as for addresses. A protocol of which it has every
    /// number stays whole, and others stay as they are.
    pub fn without_names(&self) -> PortSet {
        match &self.0 {
            Repr::Many(_) if !self.is_everything() => {
                let part = |protocol| unite(View { names: &NO_NAME, ..self.view(protocol) }, NOTHING);
                PortSet::build(Many { parts: Protocol::ALL.map(part), others: self.has_others() })
            }
            Repr::Empty | Repr::One(..) | Repr::Everything | Repr::Many(_) => self.clone(),
        }
    }

    /// Whether there is no port in the set.
    pub fn is_empty(&self) -> bool {
        self.0 == Repr::Empty
    }

    /// Whether the set is every port of every protocol, also of those without a name here.
    pub fn is_everything(&self) -> bool {
        self.0 == Repr::Everything
    }

    /// Whether the set has every number and every name of the protocol.
    pub fn is_whole(&self, protocol: Protocol) -> bool {
        self.view(protocol).is_whole()
    }

    /// The numbers of a protocol, as sorted disjoint inclusive ranges.
    pub fn ranges(&self, protocol: Protocol) -> &[(u16, u16)] {
        self.view(protocol).ranges
    }

    /// The named ports of a protocol, sorted; none when the set has all names, or all but some.
    pub fn names(&self, protocol: Protocol) -> impl Iterator<Item = &Arc<str>> {
        let names = self.view(protocol).names;
        names.listed().iter().filter(|_| !names.is_complement())
    }

    /// Whether the set has names of the protocol that [`PortSet::names`] does not list: all, or all but some.
    pub fn has_unlisted_names(&self, protocol: Protocol) -> bool {
        self.view(protocol).names.is_complement()
    }

    /// Whether the number is in the set.
    pub fn has(&self, protocol: Protocol, number: u16) -> bool {
        interval::has(self.view(protocol).ranges, number)
    }

    /// Whether the named port is in the set.
    pub fn has_name(&self, protocol: Protocol, name: &str) -> bool {
        self.view(protocol).names.has(name)
    }

    /// Whether the protocols without a name here are in the set.
    pub fn has_others(&self) -> bool {
        match &self.0 {
            Repr::Everything => true,
            Repr::Many(many) => many.others,
            Repr::Empty | Repr::One(..) => false,
        }
    }

    /// Whether Kubernetes can write the set. All but some differences are such sets.
    pub fn is_writable(&self) -> bool {
        let plain = |protocol| !self.view(protocol).names.is_complement() || self.is_whole(protocol);
        self.is_everything() || (!self.has_others() && Protocol::ALL.into_iter().all(plain))
    }

    fn view(&self, protocol: Protocol) -> View<'_> {
        match &self.0 {
            Repr::One(mine, range) if *mine == protocol => {
                View { ranges: std::slice::from_ref(range), names: &NO_NAME }
            }
            Repr::Empty | Repr::One(..) => NOTHING,
            Repr::Everything => WHOLE,
            Repr::Many(many) => {
                let [tcp, udp, sctp] = &many.parts;
                match protocol {
                    Protocol::Tcp => tcp.view(),
                    Protocol::Udp => udp.view(),
                    Protocol::Sctp => sctp.view(),
                }
            }
        }
    }

    fn combine(
        &self,
        other: &PortSet,
        others: impl Fn(bool, bool) -> bool,
        part: impl Fn(View<'_>, View<'_>) -> Part,
    ) -> PortSet {
        PortSet::build(Many {
            parts: Protocol::ALL.map(|protocol| part(self.view(protocol), other.view(protocol))),
            others: others(self.has_others(), other.has_others()),
        })
    }

    fn only(protocol: Protocol, part: Part) -> PortSet {
        let parts = Protocol::ALL.map(|one| if one == protocol { part.view() } else { NOTHING }.to_part());
        PortSet::build(Many { parts, others: false })
    }

    /// The set in the form that is its own.
    fn build(many: Many) -> PortSet {
        if many.others {
            let everything = many.parts.iter().all(|part| part.view().is_whole());
            return PortSet(if everything { Repr::Everything } else { Repr::Many(Arc::new(many)) });
        }
        let mut used = Protocol::ALL.into_iter().zip(&many.parts).filter(|(_, part)| !part.view().is_empty());
        match (used.next(), used.next()) {
            (None, _) => PortSet::empty(),
            (Some((protocol, part)), None) if part.names.is_empty() && part.ranges.len() == 1 => {
                PortSet(part.ranges.first().map_or(Repr::Empty, |&range| Repr::One(protocol, range)))
            }
            _ => PortSet(Repr::Many(Arc::new(many))),
        }
    }
}

fn unite(a: View<'_>, b: View<'_>) -> Part {
    let part = Part { ranges: interval::union(a.ranges, b.ranges, Touching::Keep), names: a.names.or(b.names) };
    if interval::covers(&part.ranges, WHOLE.ranges) { WHOLE.to_part() } else { part }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Protocol::{Tcp, Udp};

    fn tcp(low: u16, high: u16) -> PortSet {
        PortSet::range(Tcp, low, high)
    }

    #[test]
    fn one_port_is_small() {
        assert!(size_of::<PortSet>() <= 16);
    }

    #[test]
    fn ranges_that_touch_stay_apart_and_cover_the_same() {
        let pieces = tcp(80, 82).union(&tcp(83, 85));
        assert_eq!(pieces.ranges(Tcp), [(80, 82), (83, 85)]);
        assert_ne!(pieces, tcp(80, 85));
        assert!(pieces.contains(&tcp(80, 85)) && tcp(80, 85).contains(&pieces));
        assert!(tcp(80, 85).subtract(&pieces).is_empty());
        assert_eq!(pieces.union(&tcp(82, 83)), tcp(80, 85));
    }

    #[test]
    fn every_number_is_the_whole_protocol() {
        assert_eq!(tcp(1, 65535), PortSet::whole(Tcp));
        assert_eq!(tcp(0, 65535), PortSet::whole(Tcp));
        assert_eq!(tcp(1, 100).union(&tcp(101, 65535)), PortSet::whole(Tcp));
        assert!(PortSet::whole(Tcp).subtract(&tcp(1, 65535)).is_empty());
        assert!(PortSet::number(Tcp, 0).is_empty());
        assert!(tcp(9, 8).is_empty());
    }

    #[test]
    fn names_stand_for_themselves() {
        let http = PortSet::named(Tcp, "http".into());
        let whole = PortSet::whole(Tcp);
        assert!(whole.contains(&http));
        assert!(!tcp(1, 65534).contains(&http));
        assert_eq!(whole.union(&http), whole);
        let rest = whole.subtract(&tcp(80, 80));
        assert!(rest.contains(&http) && !rest.is_whole(Tcp) && !rest.is_writable());
        assert_eq!(rest.names(Tcp).count(), 0);
        let nameless = whole.subtract(&http);
        assert!(nameless.has(Tcp, 80) && nameless.has_name(Tcp, "web") && !nameless.has_name(Tcp, "http"));
        assert!(!nameless.is_whole(Tcp));
    }

    #[test]
    fn every_number_without_names_is_whole_once_inserted() {
        let names = PortSet::whole(Tcp).subtract(&tcp(1, 80)).subtract(&tcp(81, 65535));
        assert!(!names.is_empty() && names.ranges(Tcp).is_empty());
        let numbers = PortSet::whole(Tcp).subtract(&names);
        assert!(!numbers.is_whole(Tcp) && numbers.has(Tcp, 1) && numbers.has(Tcp, 65535));
        assert!(PortSet::empty().union(&numbers).is_whole(Tcp));
        assert!(numbers.union(&PortSet::empty()).is_whole(Tcp));
    }

    #[test]
    fn everything_is_more_than_the_known_protocols() {
        let known = Protocol::ALL.map(PortSet::whole).iter().fold(PortSet::empty(), |all, one| all.union(one));
        assert!(PortSet::everything().contains(&known));
        assert!(!known.contains(&PortSet::everything()));
        let others = PortSet::everything().subtract(&known);
        assert!(!others.is_empty() && others.has_others() && !others.has(Tcp, 80) && !others.is_writable());
        assert!(others.union(&known).is_everything());
        assert!(known.is_writable() && known.is_whole(Udp));
    }

    #[test]
    fn keywords_are_lower_case() {
        assert_eq!(Protocol::parse("udp"), Some(Udp));
        assert_eq!(Protocol::parse("UDP"), None);
    }
}
