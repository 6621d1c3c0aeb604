//! How a policy was written, where that is more than what it means.

use crate::net::Direction;

/// The places of the parts of a policy, and what was left to Kubernetes to fill in. A place is an offset while one text
/// is read, and a span afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<P> {
    /// `policyTypes`; `None` when it is missing or empty, so that Kubernetes decides.
    pub types: Option<P>,
    /// `podSelector`; `None` when it is missing.
    pub subject: Option<P>,
    /// The rules, in the order of [`Direction::ALL`]; also those of a direction that `policyTypes` does not list.
    pub directions: [WrittenRules<P>; 2],
    /// Whether its metadata say that a program wrote it: a chart of Helm was rendered, or an operator owns it.
    pub by_program: bool,
}

/// The rules of one direction as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRules<P> {
    /// `ingress` or `egress`; `None` when it is missing.
    pub place: Option<P>,
    /// Its items.
    pub rules: Vec<WrittenRule<P>>,
}

/// One rule as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRule<P> {
    /// The rule.
    pub place: Option<P>,
    /// `from` or `to`; `None` when it is missing.
    pub peers_place: Option<P>,
    /// Its items.
    pub peers: Vec<WrittenPeer<P>>,
    /// `ports`; `None` when it is missing.
    pub ports_place: Option<P>,
    /// Its ports.
    pub ports: Vec<WrittenPort<P>>,
}

/// One peer of a rule as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPeer<P> {
    /// The peer.
    pub place: Option<P>,
    /// `podSelector`; `None` when it is missing.
    pub pods: Option<P>,
    /// `namespaceSelector`; `None` when it is missing.
    pub namespaces: Option<P>,
    /// Whether it has a `namespaceSelector` that asks only for what is not there: no label, `In` or `Exists` is in it, not
    /// even of what every namespace has.
    pub negative: bool,
}

/// One port of a rule as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenPort<P> {
    /// The port.
    pub place: Option<P>,
    /// Whether `protocol` was written.
    pub protocol: bool,
}

impl<P> Default for WrittenRules<P> {
    fn default() -> Self {
        WrittenRules { place: None, rules: Vec::new() }
    }
}

impl<P> Default for Written<P> {
    fn default() -> Self {
        Written { types: None, subject: None, directions: Default::default(), by_program: false }
    }
}

impl<P> Written<P> {
    /// The rules of one direction.
    pub fn rules(&self, direction: Direction) -> &WrittenRules<P> {
        let [ingress, egress] = &self.directions;
        match direction {
            Direction::Ingress => ingress,
            Direction::Egress => egress,
        }
    }

    /// The same with other places.
    pub fn map<Q>(self, mut place: impl FnMut(P) -> Q) -> Written<Q> {
        let types = self.types.map(&mut place);
        let subject = self.subject.map(&mut place);
        let directions = self.directions.map(|rules| rules.map(&mut place));
        Written { types, subject, directions, by_program: self.by_program }
    }
}

impl<P> WrittenRules<P> {
    fn map<Q>(self, place: &mut impl FnMut(P) -> Q) -> WrittenRules<Q> {
        let at = self.place.map(&mut *place);
        WrittenRules { place: at, rules: self.rules.into_iter().map(|rule| rule.map(place)).collect() }
    }
}

impl<P> WrittenPeer<P> {
    fn map<Q>(self, place: &mut impl FnMut(P) -> Q) -> WrittenPeer<Q> {
        WrittenPeer {
            place: self.place.map(&mut *place),
            pods: self.pods.map(&mut *place),
            namespaces: self.namespaces.map(&mut *place),
            negative: self.negative,
        }
    }
}

impl<P> WrittenRule<P> {
    fn map<Q>(self, place: &mut impl FnMut(P) -> Q) -> WrittenRule<Q> {
        WrittenRule {
            place: self.place.map(&mut *place),
            peers_place: self.peers_place.map(&mut *place),
            ports_place: self.ports_place.map(&mut *place),
            peers: self.peers.into_iter().map(|peer| peer.map(place)).collect(),
            ports: self
                .ports
                .into_iter()
                .map(|port| WrittenPort { place: port.place.map(&mut *place), protocol: port.protocol })
                .collect(),
        }
    }
}
