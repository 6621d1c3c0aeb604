//! What single pods and addresses may do.

use super::grants::SpaceGrants;
use super::{Budget, Ends, GaveUp, OtherLabels, Space, SpacePods, labels_of};
use crate::cluster::Labels;
use crate::engine::{Verdict, by_name, of_unknown_number};
use crate::net::{AddressSet, Direction, NAMESPACE_NAME, Peers, PortSet, Selector, Truth};
use std::net::IpAddr;
use std::sync::Arc;

/// One pod or address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Example {
    /// A pod.
    Pod {
        /// Its namespace, when that is a home.
        home: Option<usize>,
        /// The name of its namespace, where it matters.
        name: Option<Arc<str>>,
        /// The labels of its namespace, as far as they are known.
        namespace: Labels,
        /// Its own.
        labels: Labels,
    },
    /// An address.
    Address(IpAddr),
    /// A DNS name or an entity.
    Unlisted(AddressSet),
}

impl Space {
    /// One of an end, with as few labels as possible; `None` when it is nobody.
    pub fn example(&self, end: &Ends, budget: &mut Budget) -> Result<Option<Example>, GaveUp> {
        match end {
            Ends::Addresses(addresses) => {
                let listed = addresses.first().map(Example::Address);
                Ok(listed.or_else(|| addresses.one_unlisted().map(Example::Unlisted)))
            }
            Ends::Pods(pods) => {
                let piece = self.piece(pods, budget)?;
                Ok(piece.map(|(namespaces, labels)| self.example_of(pods, &namespaces, &labels)))
            }
        }
    }

    /// All that are where someone is: in the same namespace, or addresses.
    pub fn where_is(&self, example: &Example) -> Ends {
        match example {
            Example::Address(_) | Example::Unlisted(_) => Ends::Addresses(self.facts.every_address()),
            Example::Pod { home: Some(home), .. } => Ends::Pods(self.all_of(*home)),
            Example::Pod { home: None, .. } => Ends::Pods(SpacePods {
                home: None,
                namespaces: self.elsewhere.clone(),
                labels: Selector::everything(),
                less: Vec::new(),
            }),
        }
    }

    /// Whether someone is in an end for sure.
    pub fn has(&self, end: &Ends, example: &Example) -> bool {
        match (end, example) {
            (Ends::Addresses(all), Example::Address(address)) => all.has(*address),
            (Ends::Addresses(all), Example::Unlisted(one)) => all.contains(one),
            (Ends::Pods(pods), Example::Pod { home, namespace, labels, .. }) => {
                let out =
                    |(namespaces, own): &(Selector, Selector)| namespaces.matches(namespace) && own.matches(labels);
                *home == pods.home
                    && pods.namespaces.matches(namespace)
                    && pods.labels.matches(labels)
                    && !pods.less.iter().any(out)
            }
            _ => false,
        }
    }

    fn example_of(&self, pods: &SpacePods, namespaces: &Selector, labels: &Selector) -> Example {
        let home = pods.home.and_then(|home| self.homes.get(home));
        let named = namespaces.required_value(NAMESPACE_NAME).and_then(|names| names.first());
        let mut namespace = home.map(|home| labels_of(&home.stated)).unwrap_or_default();
        // Nobody knows more of one whose labels were not given.
        if home.is_none_or(|home| home.others != OtherLabels::Unknown) {
            namespace.extend(labels_of(namespaces));
        }
        let name = home.map(|home| &home.name).or(named).cloned();
        Example::Pod { home: pods.home, name, namespace, labels: labels_of(labels) }
    }
}

/// What both sides of a connection allow, and they together.
#[derive(Debug, Clone)]
pub struct BothSides {
    /// The egress side of the source.
    pub egress: Verdict,
    /// The ingress side of the destination.
    pub ingress: Verdict,
    /// Both together.
    pub both: Verdict,
}

impl SpaceGrants<'_> {
    /// What is allowed between two.
    pub fn between(&self, source: &Example, destination: &Example) -> BothSides {
        let egress = self.of_one(Direction::Egress, source, destination);
        let ingress = self.of_one(Direction::Ingress, destination, source);
        let mut both = egress.and(&ingress);
        if matches!(destination, Example::Pod { .. }) {
            let possible = of_unknown_number(&egress.possible(), &ingress.possible());
            both.unknown.insert(&possible.subtract(&both.allowed));
        }
        BothSides { egress, ingress, both }
    }

    fn of_one(&self, direction: Direction, subject: &Example, peer: &Example) -> Verdict {
        let side = match subject {
            Example::Pod { home, labels, .. } => self.side(*home, direction).map(|side| (side, labels)),
            Example::Address(_) | Example::Unlisted(_) => None,
        };
        let Some((side, labels)) = side.filter(|(side, labels)| side.isolates(labels)) else {
            return Verdict::everything();
        };
        let to_address = direction == Direction::Egress && matches!(peer, Example::Address(_) | Example::Unlisted(_));
        let mut found: [Vec<PortSet>; 2] = Default::default();
        let [allowed, unknown] = &mut found;
        for grant in side.of_pod(labels) {
            let list = match self.is_peer(peer, &grant.peers).and(grant.truth) {
                Truth::Yes => &mut *allowed,
                Truth::Maybe => &mut *unknown,
                Truth::No => continue,
            };
            list.push(if to_address { grant.ports.without_names() } else { grant.ports.clone() });
        }
        // All at once: one by one, many ports would be gone through for each.
        let [allowed, unknown] = found.map(|list| PortSet::union_of(&list));
        Verdict { allowed, unknown }.without_doubles()
    }

    fn is_peer(&self, peer: &Example, peers: &Peers) -> Truth {
        match (peer, peers) {
            (_, Peers::Any) => Truth::Yes,
            (Example::Address(address), Peers::Addresses(all)) => all.has(*address).into(),
            (Example::Unlisted(one), Peers::Addresses(all)) => all.contains(one).into(),
            (Example::Pod { home, namespace, labels, .. }, Peers::Pods { namespaces, pods })
                if pods.matches(labels) =>
            {
                match home.and_then(|home| self.space.homes.get(home)) {
                    Some(home) if home.others == OtherLabels::Unknown => {
                        home.settle(namespaces).map_or(Truth::No, |(_, truth)| truth)
                    }
                    _ => namespaces.matches(namespace).into(),
                }
            }
            _ => Truth::No,
        }
    }
}

/// The ports that are asked for, and not open as they are, but perhaps as what a name stands for: see the engine.
pub(crate) fn perhaps_on(sides: &BothSides, asked: &PortSet) -> PortSet {
    let [out, into] = [&sides.egress, &sides.ingress].map(Verdict::possible);
    by_a_name([&out, &into], asked)
}

/// The same where both sides let these ports through.
pub(super) fn by_a_name([out, into]: [&PortSet; 2], asked: &PortSet) -> PortSet {
    let named = |open: &PortSet| open.union(&by_name(open, asked, false));
    named(out).intersect(&named(into)).subtract(&out.intersect(into)).intersect(asked)
}
