//! Pairs that may not connect, or not for sure.

use super::{Connections, Count, End, Grant, SearchedPods, SideRules, example};
use crate::cover::{Budget, GaveUp, missing};
use crate::net::{Direction, Family, Peers, PortSet, Protocol, Region, Selector};
use crate::prove::{ExamplePort, every_number, names, numbers, worlds};
use std::sync::Arc;

/// Two ends of which the first may not connect to the second, or not for sure, on a port, for the side of this direction.
pub(super) type RefusedPair = (End, End, ExamplePort, Direction);

/// What one side is asked for.
struct SideQuery<'q> {
    direction: Direction,
    subject: &'q SearchedPods,
    peer: &'q End,
    ports: &'q PortSet,
    count: Count,
    /// The family that the connection is over, where that matters.
    over: Option<Family>,
}

impl Connections<'_> {
    /// A pair on a port of `ports` that may not connect, or not for sure, and on which side that fails.
    pub(crate) fn refused(
        &self,
        source: &End,
        destination: &End,
        ports: &PortSet,
        count: Count,
        budget: &mut Budget,
    ) -> Result<Option<RefusedPair>, GaveUp> {
        let addresses = [source, destination].map(|end| matches!(end, End::Addresses(_)));
        if addresses == [true, true] || self.piece(source, budget)?.is_none() {
            return Ok(None);
        }
        // Pods of one family are refused where those of both are, and more.
        for over in self.families() {
            for (direction, subject, peer) in
                [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)]
            {
                let End::Pods(pods) = subject else { continue };
                let Some(side) = pods.home.and_then(|home| self.rules(home, direction)) else { continue };
                for isolated in &side.isolated {
                    let subject = SearchedPods { labels: pods.labels.and(isolated), ..pods.clone() };
                    let asked = SideQuery { direction, subject: &subject, peer, ports, count, over };
                    if let Some((subject, peer, port)) = self.ungranted(&asked, side, budget)? {
                        return Ok(Some(match direction {
                            Direction::Egress => (subject, peer, port, direction),
                            Direction::Ingress => (peer, subject, port, direction),
                        }));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The families that connections are looked at over, each by itself; one look is enough where addresses do not matter.
    fn families(&self) -> Vec<Option<Family>> {
        match self.located.families() {
            [] => vec![None],
            families => families.iter().copied().map(Some).collect(),
        }
    }

    /// A part of what `subject` and `peer` might do that no grant of the side covers.
    fn ungranted(
        &self,
        asked: &SideQuery<'_>,
        side: &SideRules,
        budget: &mut Budget,
    ) -> Result<Option<(End, End, ExamplePort)>, GaveUp> {
        let SideQuery { direction, subject, peer, ports, .. } = *asked;
        let to_address = direction == Direction::Egress && matches!(peer, End::Addresses(_));
        let peers = match peer {
            End::Addresses(all) => Peers::Addresses(all.clone()),
            End::Pods(pods) if pods.home == subject.home => {
                Peers::Pods { namespaces: pods.namespaces.and(&subject.namespaces), pods: pods.labels.clone() }
            }
            End::Pods(pods) => Peers::Pods { namespaces: pods.namespaces.clone(), pods: pods.labels.clone() },
        };
        let whole = Region { subject: subject.labels.clone(), peers, ports: PortSet::empty() };
        let near: Vec<Region> = side.grants.iter().filter_map(|grant| self.seen(grant, asked)).collect();
        let mut without: Vec<Region> = Vec::new();
        let everything = PortSet::everything();
        // Only those are left out for sure whose namespace has such labels for sure.
        let out = subject.less.iter().filter(|(namespaces, _)| namespaces.contains(&subject.namespaces));
        for (_, labels) in out {
            without.push(Region { subject: labels.clone(), peers: Peers::Any, ports: everything.clone() });
        }
        if let End::Pods(SearchedPods { less, .. }) = peer {
            let out = less.iter().map(|(namespaces, pods)| Region {
                subject: Selector::everything(),
                peers: Peers::Pods { namespaces: namespaces.clone(), pods: pods.clone() },
                ports: everything.clone(),
            });
            without.extend(out);
        }
        for view in views(ports, to_address) {
            let by: Vec<Region> = near.iter().map(|one| Region { ports: view.of(&one.ports), ..one.clone() }).collect();
            let by: Vec<&Region> = by.iter().chain(&without).collect();
            let wanted = Region { ports: view.of(ports), ..whole.clone() };
            let Some(found) = missing(wanted, &by, budget)? else { continue };
            let subject = self.some_less(SearchedPods { labels: found.subject, ..subject.clone() }, budget)?;
            let peer = match (peer, found.peers) {
                (End::Pods(pods), Peers::Pods { namespaces, pods: labels }) => {
                    End::Pods(SearchedPods { namespaces, labels, less: Vec::new(), ..pods.clone() })
                }
                (_, Peers::Addresses(addresses)) => End::Addresses(addresses),
                _ => peer.clone(),
            };
            let port = view.name.map(|(protocol, name)| ExamplePort::Named(protocol, name)).or_else(|| {
                let sets = [&found.ports, &found.ports, &found.ports];
                example(sets, to_address)
            });
            return Ok(Some((subject, peer, port.unwrap_or(ExamplePort::Other))));
        }
        Ok(None)
    }

    /// Pods without those that are left out where the namespace has some labels, if any remain.
    fn some_less(&self, pods: SearchedPods, budget: &mut Budget) -> Result<End, GaveUp> {
        let all = SearchedPods { less: Vec::new(), ..pods.clone() };
        let some = End::Pods(pods);
        Ok(if self.piece(&some, budget)?.is_some() { some } else { End::Pods(all) })
    }

    /// The part of a grant that is about an end of this kind, if it counts.
    fn seen(&self, grant: &Grant, asked: &SideQuery<'_>) -> Option<Region> {
        let is_there = grant.over.is_none_or(|over| Some(over) == asked.over);
        let counts = is_there && (asked.count == Count::Possible || grant.is_sure);
        let part = worlds(&grant.region).into_iter().filter(|_| counts).find(|part| {
            matches!(
                (&part.peers, asked.peer),
                (Peers::Pods { .. }, End::Pods(_)) | (Peers::Addresses(_), End::Addresses(_))
            )
        })?;
        Some(part)
    }
}

/// Ports as pods see them that give a port no name, or this one.
struct PortView {
    name: Option<(Protocol, Arc<str>)>,
}

impl PortView {
    fn of(&self, ports: &PortSet) -> PortSet {
        match &self.name {
            Some((protocol, name)) if ports.has_name(*protocol, name) => every_number(*protocol),
            Some((protocol, _)) => numbers(ports).intersect(&every_number(*protocol)),
            None => numbers(ports),
        }
    }
}

fn views(ports: &PortSet, to_address: bool) -> Vec<PortView> {
    let single = if to_address { Vec::new() } else { names(ports) };
    [PortView { name: None }].into_iter().chain(single.into_iter().map(|name| PortView { name: Some(name) })).collect()
}
