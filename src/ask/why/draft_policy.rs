//! Policies that would have to be added to those that somebody else wrote.

use super::{Explanation, Says, WhySide};
use crate::cluster::{Cluster, lasting};
use crate::draft::{equal, names_of};
use crate::engine::{End, EndId, Engine, World};
use crate::net::{AddressSet, Direction, IpBlock, NAMESPACE_NAME, PortSet, Selector, namespace_by_name};
use crate::netpol::{Peer, Policy, PolicyKind, Port, Rule};
use ipnet::IpNet;
use smallvec::SmallVec;
use std::sync::Arc;

/// The policies that would allow what an explanation says is denied, one for each side that denies it; none when it
/// cannot be written. `asked` are the addresses that were asked for, if any.
pub fn policies_for(
    engine: &Engine<'_>,
    cluster: Option<&Cluster>,
    explanation: &Explanation,
    asked: Option<&AddressSet>,
) -> Vec<Policy> {
    if explanation.says != Says::Denied || !explanation.ports.is_writable() {
        return Vec::new();
    }
    let denying = explanation.sides.iter().filter(|side| side.says == Says::Denied);
    let made: Option<Vec<Policy>> = denying.map(|side| one(engine, cluster, side, &explanation.ports, asked)).collect();
    made.unwrap_or_default()
}

fn one(
    engine: &Engine<'_>,
    cluster: Option<&Cluster>,
    side: &WhySide,
    ports: &PortSet,
    asked: Option<&AddressSet>,
) -> Option<Policy> {
    let world = engine.world();
    let namespace = world.namespace_of(side.subject)?.name.clone()?;
    let (peers, peer_name) = peers(world, cluster, &namespace, side.peer, asked)?;
    let labels = labels(world, cluster, side.subject)?;
    let word = if side.direction == Direction::Ingress { "from" } else { "to" };
    let base = format!("allow-{}-{word}-{peer_name}", name(world, cluster, side.subject));
    let taken =
        |name: &str| engine.policies().iter().any(|policy| policy.namespace == namespace && *policy.name == *name);
    let name =
        (1..).map(|count| if count == 1 { base.clone() } else { format!("{base}-{count}") }).find(|one| !taken(one))?;
    let rules = Some(vec![Rule { peers: peers.into(), ports: Port::list(ports), learns_names: false }]);
    let (ingress, egress) = match side.direction {
        Direction::Ingress => (rules, None),
        Direction::Egress => (None, rules),
    };
    Some(Policy {
        kind: PolicyKind::NetworkPolicy,
        namespace,
        name: name.into(),
        subject: labels,
        ingress,
        egress,
        description: None,
        statements: SmallVec::new(),
    })
}

/// The labels that pods are selected by: as few as they need to be told from all others that were given, or all that stay
/// where nobody was. `None` where all of them change.
pub(super) fn labels(world: &World, cluster: Option<&Cluster>, end: EndId) -> Option<Selector> {
    let pods = world.pods(end)?;
    let home = world.namespace_of(end).and_then(|namespace| namespace.name.as_deref());
    match (cluster, home) {
        (Some(cluster), _) if !pods.members.is_empty() => {
            cluster.telling(pods.members.iter().map(|member| (member.workload, member.pods)))
        }
        (Some(cluster), Some(home)) => cluster.telling_asked(home, &pods.labels),
        _ => {
            let stay = lasting(&pods.labels);
            (!stay.is_empty() || pods.labels.is_empty()).then(|| equal(&stay))
        }
    }
}

/// What the pods of an end are called in the name of a policy.
fn name(world: &World, cluster: Option<&Cluster>, end: EndId) -> String {
    let Some(pods) = world.pods(end) else { return "addresses".to_owned() };
    if let (Some(labels), Some(namespace)) = (labels(world, cluster, end), world.namespace_of(end))
        && labels.is_everything()
    {
        return namespace.name.as_deref().unwrap_or("pods").to_owned();
    }
    let owner = pods.members.first().and_then(|member| cluster?.workloads.get(member.workload));
    match owner {
        Some(owner) => owner.name.to_string(),
        None => names_of(&equal(&lasting(&pods.labels)), "pods").swap_remove(0),
    }
}

fn peers(
    world: &World,
    cluster: Option<&Cluster>,
    own: &Arc<str>,
    end: EndId,
    asked: Option<&AddressSet>,
) -> Option<(Vec<Peer>, String)> {
    match world.end(end)? {
        End::Pods(pods) => {
            let home = world.namespace(pods.namespace)?;
            let namespaces = match &home.name {
                Some(name) if name == own => None,
                Some(name) => Some(namespace_by_name(name)),
                None => {
                    let mut labels = home.labels.clone();
                    labels.remove(NAMESPACE_NAME);
                    Some(equal(&labels))
                }
            };
            let labels = labels(world, cluster, end)?;
            Some((vec![Peer::Pods { namespaces, pods: labels }], name(world, cluster, end)))
        }
        End::Addresses { addresses, .. } => {
            let addresses = asked.filter(|asked| asked.contains(addresses)).unwrap_or(addresses);
            let blocks = blocks(addresses);
            Some((blocks.into_iter().map(Peer::Block).collect(), "addresses".to_owned()))
        }
    }
}

/// Addresses as few blocks with exceptions.
fn blocks(addresses: &AddressSet) -> Vec<IpBlock> {
    let plain = addresses.to_nets();
    let outside = AddressSet::all().subtract(addresses).to_nets();
    let whole: Vec<IpNet> = AddressSet::all().to_nets();
    let wide = IpBlock::list(&whole, &outside);
    let few = outside.len() < plain.len();
    let is_same = |blocks: &[IpBlock]| IpBlock::all_addresses(blocks) == *addresses;
    if few && is_same(&wide) { wide } else { IpBlock::list(&plain, &[]) }
}
