//! What a grant gives that others do not give on the same side.

use crate::ask::space::{Ends, Grant, Space, SpacePods};
use crate::cover::{Budget, GaveUp};
use crate::net::{AddressSet, NAMESPACE_NAME, Peers, PortSet, Selector, Truth};

/// In more pieces than these a grant is looked at as a whole.
const MOST_PIECES: usize = 6;

/// So many exceptions of one piece are worth to be told.
const MOST_EXCEPTIONS: usize = 3;

/// A part of what a grant gives.
#[derive(Debug, Clone)]
pub(super) struct GrantPiece {
    /// The pods whose side it is.
    pub subject: SpacePods,
    /// The other ends: all of these,
    pub peers: Peers,
    /// and none of those.
    pub out: Vec<Peers>,
    /// The ports.
    pub ports: PortSet,
    /// Whether another grant may give it, too, as the facts are that nobody knows.
    pub doubtful: bool,
    /// Whether others give some of it, too.
    pub partly: bool,
}

/// The pieces of a grant that none of the `others` gives. Exact, unless that comes to very many pieces: then it is the whole,
/// of which others may give a part, or even all together.
pub(super) fn beyond<'g>(
    space: &Space,
    (whole, truth): (GrantPiece, Truth),
    others: impl Iterator<Item = &'g Grant>,
    budget: &mut Budget,
) -> Result<Vec<GrantPiece>, GaveUp> {
    let meet: Vec<&Grant> = others.filter(|other| whole.meets(other)).collect();
    budget.spend(meet.len() + 1)?;
    let is_given = meet.iter().any(|other| other.truth >= truth && whole.is_in(other));
    if is_given || whole.is_nobody(space, budget)? {
        return Ok(Vec::new());
    }
    let (sure, unsure): (Vec<&Grant>, Vec<&Grant>) = meet.into_iter().partition(|other| other.truth == Truth::Yes);
    let mut pieces = vec![whole.clone()];
    for other in sure.into_iter().chain(unsure) {
        let mut next = Vec::with_capacity(pieces.len());
        for piece in pieces {
            budget.spend(1)?;
            if !piece.meets(other) {
                next.push(piece);
                continue;
            }
            let (outside, mut inside) = piece.cut(other);
            next.extend(outside);
            if other.truth < truth {
                inside.doubtful = true;
                next.push(inside);
            }
        }
        pieces = Vec::with_capacity(next.len());
        for piece in next {
            if !piece.is_nobody(space, budget)? {
                pieces.push(piece);
            }
        }
        if pieces.len() > MOST_PIECES || pieces.iter().any(GrantPiece::is_riddled) {
            return Ok(vec![GrantPiece { partly: true, ..whole }]);
        }
    }
    Ok(pieces)
}

impl GrantPiece {
    /// Whether it has something in common with a grant.
    fn meets(&self, grant: &Grant) -> bool {
        self.ports.overlaps(&grant.ports)
            && self.subject.labels.overlaps(&grant.subject)
            && self.peers.overlaps(&grant.peers)
    }

    /// Whether a grant gives all of it.
    fn is_in(&self, grant: &Grant) -> bool {
        grant.ports.contains(&self.ports)
            && grant.subject.contains(&self.subject.labels)
            && within(&self.peers, &grant.peers)
    }

    /// Whether it has very many exceptions.
    fn is_riddled(&self) -> bool {
        self.subject.less.len() > MOST_EXCEPTIONS || self.out.len() > MOST_EXCEPTIONS
    }

    /// What is outside of a grant, and what is inside.
    fn cut(mut self, by: &Grant) -> (Vec<GrantPiece>, GrantPiece) {
        let mut outside = Vec::new();
        // Whether others are among the peers may be unknown; the ports that came either way are not.
        if asks_for_labels(&by.peers) {
            self.cut_ports(by, &mut outside);
        }
        if !by.subject.contains(&self.subject.labels) {
            let mut rest = self.clone();
            rest.subject.less.push((Selector::everything(), by.subject.clone()));
            outside.push(rest);
            self.subject.labels = self.subject.labels.and(&by.subject);
        }
        if !within(&self.peers, &by.peers) {
            outside.push(self.without(&by.peers));
            self.peers = common(&self.peers, &by.peers);
        }
        self.cut_ports(by, &mut outside);
        (outside, self)
    }

    fn cut_ports(&mut self, by: &Grant, outside: &mut Vec<GrantPiece>) {
        let rest = self.ports.subtract(&by.ports);
        if !rest.is_empty() {
            outside.push(GrantPiece { ports: rest, ..self.clone() });
            self.ports = self.ports.intersect(&by.ports);
        }
    }

    fn without(&self, peers: &Peers) -> GrantPiece {
        let mut rest = self.clone();
        match (&mut rest.peers, peers) {
            (Peers::Addresses(mine), Peers::Addresses(theirs)) => *mine = mine.subtract(theirs),
            _ => rest.out.push(peers.clone()),
        }
        rest
    }

    fn is_nobody(&self, space: &Space, budget: &mut Budget) -> Result<bool, GaveUp> {
        if !self.subject.less.is_empty() && space.is_empty(&Ends::Pods(self.subject.clone()), budget)? {
            return Ok(true);
        }
        match &self.peers {
            Peers::Pods { namespaces, pods } if !self.out.is_empty() => {
                let out = self.out.iter().filter_map(|out| match out {
                    Peers::Pods { namespaces, pods } => Some((namespaces.clone(), pods.clone())),
                    Peers::Any | Peers::Addresses(_) => None,
                });
                let (namespaces, labels) = (namespaces.clone(), pods.clone());
                let pods = SpacePods { home: None, namespaces, labels, less: out.collect() };
                space.is_empty(&Ends::Pods(pods), budget)
            }
            peers @ (Peers::Any | Peers::Pods { .. } | Peers::Addresses(_)) => Ok(peers.is_empty()),
        }
    }
}

/// Whether namespaces are asked for more than their names.
fn asks_for_labels(peers: &Peers) -> bool {
    matches!(peers, Peers::Pods { namespaces, .. } if namespaces.keys().any(|key| &**key != NAMESPACE_NAME))
}

/// Whether some peers are all among others.
pub(super) fn within(narrow: &Peers, wide: &Peers) -> bool {
    match (wide, narrow) {
        (Peers::Any, _) => true,
        (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
            namespaces.contains(their_namespaces) && pods.contains(their_pods)
        }
        (Peers::Addresses(mine), Peers::Addresses(theirs)) => mine.contains(theirs),
        (Peers::Pods { .. } | Peers::Addresses(_), _) => false,
    }
}

/// The peers that are in both.
fn common(one: &Peers, other: &Peers) -> Peers {
    match (one, other) {
        (Peers::Any, peers) | (peers, Peers::Any) => peers.clone(),
        (Peers::Pods { namespaces, pods }, Peers::Pods { namespaces: their_namespaces, pods: their_pods }) => {
            Peers::Pods { namespaces: namespaces.and(their_namespaces), pods: pods.and(their_pods) }
        }
        (Peers::Addresses(mine), Peers::Addresses(theirs)) => Peers::Addresses(mine.intersect(theirs)),
        (Peers::Pods { .. }, Peers::Addresses(_)) | (Peers::Addresses(_), Peers::Pods { .. }) => {
            Peers::Addresses(AddressSet::empty())
        }
    }
}
