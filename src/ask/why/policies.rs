//! The rules of policies that nearly let a connection through.

use super::membership::{self, Misfit};
use crate::engine::{EndId, Engine};
use crate::net::{Direction, PortSet, Selector, Truth};
use crate::netpol::{Peer, Policy, Port, PortTarget, Rule};

/// A rule that nearly lets a connection through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearRule {
    /// The place of the policy.
    pub policy: usize,
    /// The place of the rule among those of the policy in this direction.
    pub rule: usize,
    /// The place of the peer that it is about; `None` when the rule takes any.
    pub peer: Option<usize>,
    /// What is wrong, the one thing.
    pub wrong: WrongRule,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongRule {
    /// It is about these ports.
    Ports(PortSet),
    /// It is about other peers.
    Peer(Misfit),
    /// Its policy does not select the pod, for its labels lack this.
    Subject(Selector),
}

impl WrongRule {
    fn rank(&self) -> u8 {
        match self {
            WrongRule::Ports(_) => 0,
            WrongRule::Peer(Misfit::Labels { close: true, .. }) => 1,
            WrongRule::Peer(Misfit::Namespace(_)) => 2,
            WrongRule::Subject(_) => 3,
            WrongRule::Peer(_) => 4,
        }
    }
}

/// The rules that would let the ports through but for one thing, the nearest first. Ends as in [`Engine::side`].
pub(super) fn near(
    engine: &Engine<'_>,
    direction: Direction,
    subject: EndId,
    peer: EndId,
    ports: &PortSet,
) -> Vec<NearRule> {
    let world = engine.world();
    let name = world.namespace_of(subject).and_then(|namespace| namespace.name.as_ref());
    let mut found = Vec::new();
    for (place, policy) in engine.policies().iter().enumerate().filter(|(_, policy)| Some(&policy.namespace) == name) {
        let Some(pods) = world.pods(subject) else { continue };
        let subject =
            (!policy.subject.matches(&pods.labels)).then(|| membership::misfit(&policy.subject, &pods.labels));
        for (rule, written) in rules(policy, direction).iter().enumerate() {
            let on = ports_of(written);
            let fits = peers(engine, policy, written, peer);
            let mut add = |peer, wrong| found.push(NearRule { policy: place, rule, peer, wrong });
            match (&subject, on.contains(ports)) {
                (None, false) => {
                    let fitting = fits.iter().find(|(_, fit)| fit.is_ok());
                    fitting.into_iter().for_each(|(peer, _)| add(*peer, WrongRule::Ports(on.clone())));
                }
                (None, true) => {
                    for (peer, fit) in fits {
                        if let Err(misfit) = fit
                            && misfit != Misfit::Kind
                        {
                            add(peer, WrongRule::Peer(misfit));
                        }
                    }
                }
                (Some(Misfit::Labels { missing, close: true }), true) => {
                    let fitting = fits.iter().find(|(_, fit)| fit.is_ok());
                    fitting.into_iter().for_each(|(peer, _)| add(*peer, WrongRule::Subject(missing.clone())));
                }
                _ => {}
            }
        }
    }
    // Who may reach anybody, as for DNS, is near to everything.
    found.sort_by_key(|one| (one.peer.is_none(), one.wrong.rank()));
    found
}

fn rules(policy: &Policy, direction: Direction) -> &[Rule] {
    let rules = match direction {
        Direction::Ingress => policy.ingress.as_ref(),
        Direction::Egress => policy.egress.as_ref(),
    };
    rules.map(Vec::as_slice).unwrap_or_default()
}

type Fits = Vec<(Option<usize>, Result<Truth, Misfit>)>;

fn peers(engine: &Engine<'_>, policy: &Policy, rule: &Rule, end: EndId) -> Fits {
    let world = engine.world();
    if rule.peers.is_empty() {
        return vec![(None, Ok(Truth::Yes))];
    }
    let own = crate::net::namespace_by_name(&policy.namespace);
    let fit = |peer: &Peer| match peer {
        Peer::Pods { namespaces, pods } => {
            membership::pods(world, end, Some(namespaces.as_ref().unwrap_or(&own)), pods)
        }
        Peer::Block(block) => membership::addresses(world, end, &block.addresses()),
        Peer::Unlisted(unlisted) => membership::addresses(world, end, &unlisted.addresses()),
    };
    rule.peers.iter().enumerate().map(|(at, peer)| (Some(at), fit(peer))).collect()
}

/// The ports of a rule, names as they are written.
fn ports_of(rule: &Rule) -> PortSet {
    if rule.ports.is_empty() {
        return PortSet::everything();
    }
    rule.ports.iter().fold(PortSet::empty(), |all, Port { protocol, target }| {
        all.union(&match target {
            PortTarget::Every => PortSet::whole(*protocol),
            PortTarget::Number(number) => PortSet::number(*protocol, *number),
            PortTarget::Range(low, high) => PortSet::range(*protocol, *low, *high),
            PortTarget::Named(name) => PortSet::named(*protocol, name.clone()),
        })
    })
}
