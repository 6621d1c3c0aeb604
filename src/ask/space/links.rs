//! Connections that may be, as products of what two sides allow.

use super::grants::{Grant, SpaceGrants};
use super::point::by_a_name;
use super::{Ends, SpacePods};
use crate::cover::{Budget, GaveUp};
use crate::engine::of_unknown_number;
use crate::net::{Direction, Peers, PortSet, Selector, Truth};

/// Connections from each of the source to each of the destination.
#[derive(Debug, Clone)]
pub struct Link {
    /// Who may connect.
    pub source: Ends,
    /// To whom.
    pub destination: Ends,
    /// The ports that the source may leave for, and those that the destination is open on.
    pub ports: [PortSet; 2],
    /// Whether that is so for sure.
    pub truth: Truth,
    /// Whether the source is not isolated for egress.
    pub open_source: bool,
    /// Whether the destination is not isolated for ingress.
    pub open_destination: bool,
}

impl Link {
    /// The ports that both sides allow.
    pub fn ports(&self) -> PortSet {
        let [egress, ingress] = &self.ports;
        egress.intersect(ingress)
    }

    /// Those of the ports that are asked for on which it is or may be allowed.
    pub fn possible(&self, asked: &PortSet) -> PortSet {
        let [egress, ingress] = &self.ports;
        let mut possible = self.ports().union(&self.perhaps()).intersect(asked);
        if let Ends::Pods(_) = self.destination {
            possible.insert(&by_a_name([egress, ingress], asked));
        }
        possible
    }

    /// The ports on which it may be allowed, since one side may name what the other side has by another name or number.
    pub fn perhaps(&self) -> PortSet {
        match (&self.destination, &self.ports) {
            (Ends::Addresses(_), _) => PortSet::empty(),
            (Ends::Pods(_), [egress, ingress]) => of_unknown_number(egress, ingress),
        }
    }
}

/// What one side allows.
#[derive(Debug, Clone)]
pub struct SideHalf {
    /// The pods whose side it is, or addresses.
    pub subject: Ends,
    /// The grant; `None` where nothing isolates the subject.
    pub grant: Option<Grant>,
}

impl SideHalf {
    /// The ports.
    pub fn ports(&self) -> PortSet {
        self.grant.as_ref().map_or_else(PortSet::everything, |grant| grant.ports.clone())
    }

    /// Whether pods are such peers for sure.
    pub fn truth(&self) -> Truth {
        self.grant.as_ref().map_or(Truth::Yes, |grant| grant.truth)
    }
}

impl SpaceGrants<'_> {
    /// What the side of `subject` allows towards `peers`. Those that nothing isolates may be nobody.
    pub fn halves(&self, direction: Direction, subject: &Ends, peers: &Peers) -> Vec<SideHalf> {
        let open = |subject: Ends| SideHalf { subject, grant: None };
        let sided = subject.pods().and_then(|pods| Some((pods, self.side(pods.home, direction)?)));
        let Some((pods, side)) = sided else { return vec![open(subject.clone())] };
        let mut halves = Vec::new();
        let isolating = side.isolating(&pods.labels);
        if isolating.is_empty() {
            return vec![open(subject.clone())];
        }
        if !isolating.iter().any(|selector| selector.contains(&pods.labels)) {
            let mut rest = pods.clone();
            rest.less.extend(isolating.into_iter().map(|selector| (Selector::everything(), selector.clone())));
            halves.push(open(Ends::Pods(rest)));
        }
        for grant in side.near(&pods.labels, peers) {
            let labels = pods.labels.and(&grant.subject);
            if labels.contradiction().is_none() {
                let subject = Ends::Pods(SpacePods { labels, ..pods.clone() });
                halves.push(SideHalf { subject, grant: Some(grant.clone()) });
            }
        }
        halves
    }

    /// Those of an end that a half lets through.
    pub fn let_through(&self, end: &Ends, half: &SideHalf) -> Option<(Ends, Truth)> {
        let Some(grant) = &half.grant else { return Some((end.clone(), Truth::Yes)) };
        match (end, &grant.peers) {
            (Ends::Addresses(all), Peers::Addresses(theirs)) => {
                let both = all.intersect(theirs);
                (!both.is_empty()).then_some((Ends::Addresses(both), half.truth()))
            }
            (Ends::Pods(pods), Peers::Pods { namespaces, pods: labels }) => {
                let (pods, truth) = self.space.among(pods, namespaces, labels)?;
                Some((Ends::Pods(pods), truth.and(half.truth())))
            }
            _ => None,
        }
    }

    /// Gives all connections that are or may be allowed from `source` to `destination`, until `visit` says to stop;
    /// whether it did.
    pub fn links(
        &self,
        source: &Ends,
        destination: &Ends,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Link) -> bool,
    ) -> Result<bool, GaveUp> {
        if matches!((source, destination), (Ends::Addresses(_), Ends::Addresses(_))) {
            return Ok(false);
        }
        for out in self.halves(Direction::Egress, source, &self.space.around(destination)) {
            if self.links_of(&out, destination, budget, visit)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same for what one side allows.
    pub fn links_of(
        &self,
        out: &SideHalf,
        destination: &Ends,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Link) -> bool,
    ) -> Result<bool, GaveUp> {
        budget.spend(1)?;
        let Some((target, sure)) = self.let_through(destination, out) else { return Ok(false) };
        for into in self.halves(Direction::Ingress, &target, &self.space.around(&out.subject)) {
            budget.spend(1)?;
            let link = self.link(out, &into, sure);
            if let Some(link) = link
                && self.is_real(&link, budget)?
                && visit(link)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What both halves allow, of which the second has what the first lets through.
    pub(super) fn link(&self, out: &SideHalf, into: &SideHalf, sure: Truth) -> Option<Link> {
        let (source, known) = self.let_through(&out.subject, into)?;
        let (source, destination) = self.in_one_world(source, into.subject.clone())?;
        // Nobody knows the container ports of an address.
        let to_address = matches!(destination, Ends::Addresses(_));
        let egress = if to_address { out.ports().without_names() } else { out.ports() };
        let link = Link {
            source,
            destination,
            ports: [egress, into.ports()],
            truth: sure.and(known),
            open_source: out.grant.is_none(),
            open_destination: into.grant.is_none(),
        };
        (!link.ports().is_empty() || !link.perhaps().is_empty()).then_some(link)
    }

    /// Two ends where both exist at once: a namespace has one set of labels.
    pub fn in_one_world(&self, source: Ends, destination: Ends) -> Option<(Ends, Ends)> {
        match (source, destination) {
            (Ends::Pods(mut source), Ends::Pods(mut destination))
                if source.home.is_some() && source.home == destination.home =>
            {
                let namespaces = source.namespaces.and(&destination.namespaces);
                if namespaces.contradiction().is_some() {
                    return None;
                }
                source.namespaces = namespaces.clone();
                destination.namespaces = namespaces;
                Some((Ends::Pods(source), Ends::Pods(destination)))
            }
            ends => Some(ends),
        }
    }

    /// What two grants allow together: one that lets pods of a home out, and one that lets pods into another.
    pub fn product(&self, (from, out): (usize, &Grant), (to, into): (usize, &Grant)) -> Option<Link> {
        let labels = out.subject.clone();
        let out =
            SideHalf { subject: Ends::Pods(SpacePods { labels, ..self.space.all_of(from) }), grant: Some(out.clone()) };
        let labels = into.subject.clone();
        let all = Ends::Pods(SpacePods { labels, ..self.space.all_of(to) });
        let (target, sure) = self.let_through(&all, &out)?;
        self.link(&out, &SideHalf { subject: target, grant: Some(into.clone()) }, sure)
    }

    pub(super) fn is_real(&self, link: &Link, budget: &mut Budget) -> Result<bool, GaveUp> {
        Ok(!self.space.is_empty(&link.source, budget)? && !self.space.is_empty(&link.destination, budget)?)
    }
}
