//! NetworkPolicies judged naively, by the rules of the `networking.k8s.io/v1` API.
//!
//! A pod is isolated in a direction when a policy of its namespace selects it and has that direction among its
//! policy types; then what its policies allow, all together, is what it may do. A connection needs both sides. A pod's
//! traffic to itself is not a matter of policy and is not judged: two equal pods are two pods.

use super::law::Blocks;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The labels of a pod or of a namespace.
pub(crate) type Labels = BTreeMap<String, String>;

/// The label that Kubernetes gives to every namespace.
pub(crate) const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// What is known of the labels of some namespaces beside their names: each key with its value, or `None` where there is no
/// such label. A key that is not mentioned may be there or not.
pub(crate) type Stated = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// All of them.
    pub(crate) const ALL: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
}

/// The direction of a connection as seen from one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    Pod(Pod),
    /// Something outside of the cluster's pods.
    Address(IpAddr),
}

/// A pod that could exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Pod {
    pub namespace: String,
    pub namespace_labels: Labels,
    pub labels: Labels,
    /// The container ports that have a name.
    pub ports: Vec<NamedPort>,
    /// Only read where blocks cover pods.
    pub addresses: Vec<IpAddr>,
}

/// A container port with a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NamedPort {
    pub name: String,
    pub protocol: Protocol,
    pub number: u16,
}

/// Policies, and how an `ipBlock` is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct PolicySet {
    pub policies: Vec<Policy>,
    /// What an `ipBlock` covers; network plugins differ.
    pub blocks: Blocks,
}

/// One policy. A direction that is not among its types is `None`.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub namespace: String,
    pub name: String,
    pub subject: Selector,
    pub ingress: Option<Vec<Rule>>,
    pub egress: Option<Vec<Rule>>,
}

/// One item of `ingress` or `egress`; without peers any peer, without ports any port.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub peers: Vec<Peer>,
    pub ports: Vec<PortItem>,
}

/// One item of `from` or `to`.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    /// Both must match. Without a namespace selector only the policy's namespace does, without a pod selector every
    /// pod does.
    Pods {
        namespaces: Option<Selector>,
        pods: Option<Selector>,
    },
    Block {
        cidr: IpNet,
        except: Vec<IpNet>,
    },
}

/// One item of `ports`.
#[derive(Debug, Clone)]
pub(crate) struct PortItem {
    pub protocol: Protocol,
    pub port: PortMatch,
}

/// The `port` and `endPort` of an item.
#[derive(Debug, Clone)]
pub(crate) enum PortMatch {
    Every,
    Range(u16, u16),
    Named(String),
}

/// A label selector: all requirements must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Selector {
    pub requirements: Vec<Requirement>,
}

/// One requirement of a selector on one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Requirement {
    pub key: String,
    pub operator: Operator,
    pub values: Vec<String>,
}

/// The operators of `matchExpressions`; an entry of `matchLabels` is `In` with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// The selector of the one namespace called `name`.
    pub(crate) fn named(name: &str) -> Selector {
        let requirement =
            Requirement { key: NAME_LABEL.to_string(), operator: Operator::In, values: vec![name.to_string()] };
        Selector { requirements: vec![requirement] }
    }

    /// Whether `labels` have all that is required.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.requirements.iter().all(|r| r.holds(labels.get(&r.key).map(String::as_str)))
    }
}

impl Requirement {
    /// Whether the requirement holds where its key has this value, or is missing.
    pub(crate) fn holds(&self, value: Option<&str>) -> bool {
        match (self.operator, value) {
            (Operator::In, Some(value)) => self.values.iter().any(|v| v == value),
            (Operator::In, None) => false,
            (Operator::NotIn, Some(value)) => !self.values.iter().any(|v| v == value),
            (Operator::NotIn, None) => true,
            (Operator::Exists, value) => value.is_some(),
            (Operator::DoesNotExist, value) => value.is_none(),
        }
    }
}

impl Policy {
    /// The rules of a direction, when the policy has it.
    pub(crate) fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }

    /// The same, to change.
    pub(crate) fn rules_mut(&mut self, direction: Direction) -> Option<&mut Vec<Rule>> {
        match direction {
            Direction::Ingress => self.ingress.as_mut(),
            Direction::Egress => self.egress.as_mut(),
        }
    }

    /// Whether this policy selects that party.
    pub(crate) fn selects(&self, party: &Party) -> bool {
        match party {
            Party::Pod(pod) => pod.namespace == self.namespace && self.subject.matches(&pod.labels),
            Party::Address(_) => false,
        }
    }

    /// Whether it has no rule in any direction, so that it only isolates.
    pub(crate) fn only_denies(&self) -> bool {
        [&self.ingress, &self.egress].into_iter().flatten().all(Vec::is_empty)
    }
}

impl Rule {
    /// Whether `peer` is among the peers, for a policy of `namespace`.
    pub(crate) fn admits(&self, namespace: &str, peer: &Party, blocks: &Blocks) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|p| p.matches(namespace, peer, blocks))
    }

    /// Whether the port is among the ports; a name is looked up at the destination.
    pub(crate) fn serves(&self, destination: &Party, protocol: Protocol, number: u16) -> bool {
        self.ports.is_empty() || self.ports.iter().any(|p| p.matches(destination, protocol, number))
    }
}

impl Peer {
    /// Whether the item matches a party, for a policy of `namespace`.
    pub(crate) fn matches(&self, namespace: &str, party: &Party, blocks: &Blocks) -> bool {
        match (self, party) {
            (Peer::Pods { namespaces, pods }, Party::Pod(pod)) => {
                let inside = match namespaces {
                    Some(selector) => selector.matches(&pod.namespace_labels),
                    None => pod.namespace == namespace,
                };
                inside && pods.as_ref().is_none_or(|selector| selector.matches(&pod.labels))
            }
            (Peer::Pods { .. }, Party::Address(_)) => false,
            (Peer::Block { .. }, Party::Pod(pod)) => {
                blocks.pods && pod.addresses.iter().any(|address| self.covers(*address))
            }
            (Peer::Block { .. }, Party::Address(address)) => {
                self.covers(*address) && !blocks.unmatched.iter().any(|net| net.contains(address))
            }
        }
    }

    fn covers(&self, address: IpAddr) -> bool {
        match self {
            Peer::Pods { .. } => false,
            Peer::Block { cidr, except } => cidr.contains(&address) && !except.iter().any(|e| e.contains(&address)),
        }
    }
}

impl PortItem {
    /// Whether the item matches a port of the destination.
    pub(crate) fn matches(&self, destination: &Party, protocol: Protocol, number: u16) -> bool {
        self.protocol == protocol
            && match (&self.port, destination) {
                (PortMatch::Every, _) => true,
                (PortMatch::Range(low, high), _) => (*low..=*high).contains(&number),
                (PortMatch::Named(name), Party::Pod(pod)) => {
                    pod.ports.iter().any(|p| p.name == *name && p.protocol == protocol && p.number == number)
                }
                (PortMatch::Named(_), Party::Address(_)) => false,
            }
    }
}

impl Party {
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        match self {
            Party::Pod(pod) => pod.addresses.clone(),
            Party::Address(address) => vec![*address],
        }
    }

    /// The same with this address alone.
    pub(crate) fn at(&self, address: IpAddr) -> Party {
        match self {
            Party::Pod(pod) => Party::Pod(Pod { addresses: vec![address], ..pod.clone() }),
            Party::Address(address) => Party::Address(*address),
        }
    }
}

/// Whether `set` allows a connection from `source` to `destination` on that port. It is made between one address of each,
/// both of one family where they have one in common, and allowed when it is between some two.
pub(crate) fn allowed(set: &PolicySet, source: &Party, destination: &Party, protocol: Protocol, number: u16) -> bool {
    let (from, to) = (source.addresses(), destination.addresses());
    if !set.blocks.pods || from.is_empty() || to.is_empty() || from.len() + to.len() == 2 {
        return allowed_over(set, source, destination, protocol, number);
    }
    let pairs = || from.iter().flat_map(|one| to.iter().map(move |other| (*one, *other)));
    let alike = pairs().any(|(one, other)| one.is_ipv4() == other.is_ipv4());
    let mut usable = pairs().filter(|(one, other)| !alike || one.is_ipv4() == other.is_ipv4());
    usable.any(|(one, other)| allowed_over(set, &source.at(one), &destination.at(other), protocol, number))
}

/// The same where each has one address, or none that matters.
fn allowed_over(set: &PolicySet, source: &Party, destination: &Party, protocol: Protocol, number: u16) -> bool {
    let one_side = |direction| one_side(set, direction, source, destination, protocol, number).unwrap_or(true);
    one_side(Direction::Egress) && one_side(Direction::Ingress)
}

/// What the policies of one side say; `None` where none of them isolates the pod.
pub(crate) fn one_side(
    set: &PolicySet,
    direction: Direction,
    source: &Party,
    destination: &Party,
    protocol: Protocol,
    number: u16,
) -> Option<bool> {
    let (subject, peer) = match direction {
        Direction::Egress => (source, destination),
        Direction::Ingress => (destination, source),
    };
    let mut isolated = false;
    for policy in set.policies.iter().filter(|p| p.selects(subject)) {
        let Some(rules) = policy.rules(direction) else { continue };
        isolated = true;
        let matches = |rule: &Rule| {
            rule.admits(&policy.namespace, peer, &set.blocks) && rule.serves(destination, protocol, number)
        };
        if rules.iter().any(matches) {
            return Some(true);
        }
    }
    isolated.then_some(false)
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        })
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Address(address) => write!(f, "address {address}"),
            Party::Pod(pod) => {
                write!(f, "pod of {}", pod.namespace)?;
                let others = pod.namespace_labels.iter().filter(|(key, _)| *key != NAME_LABEL);
                for (key, value) in others {
                    write!(f, " [{key}={value}]")?;
                }
                f.write_str(" with (")?;
                for (i, (key, value)) in pod.labels.iter().enumerate() {
                    write!(f, "{}{key}={value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")?;
                for port in &pod.ports {
                    write!(f, " \"{}\" is {}/{}", port.name, port.number, port.protocol)?;
                }
                Ok(())
            }
        }
    }
}
