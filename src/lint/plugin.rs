//! What the network plugin cannot do, or does in its own way.

use super::runs::Runs;
use super::{One, at, aws};
use crate::diag::{Code, Diagnostic};
use crate::model::{Cni, CniVersion, NamedPortSupport, POLICY_ENGINE, RangeSupport, SctpSupport};
use crate::net::{AddressSet, BlocksMatch, Direction, Protocol, Requirement, Selector, Truth};
use crate::netpol::{Peer, Port, PortTarget};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// W0232: what one policy asks for.
pub(super) fn check(
    one: &One<'_>,
    cni: Cni,
    version: Option<CniVersion>,
    runs: &Runs<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut told = BTreeSet::new();
    for (direction, rule, written) in one.all_rules() {
        for (index, port) in written.ports.iter().enumerate() {
            for (what, help) in limits(cni, version, direction, port, runs) {
                if told.insert(what) {
                    let message = format!("{} {what}, which {} needs", cni.name(), one.shown());
                    let place = one.port_place(direction, rule, index);
                    found.push(at(Code::W0232, place, message).with_help(help));
                }
            }
        }
    }
    negations(one, cni, found);
    if cni.is_of_aws() {
        for direction in Direction::ALL {
            found.extend(aws::too_many_ports(one, cni, direction));
        }
    }
}

/// What a CNI does not do of a port, as the verb of a sentence, and what to write instead.
fn limits(
    cni: Cni,
    version: Option<CniVersion>,
    direction: Direction,
    port: &Port,
    runs: &Runs<'_>,
) -> Vec<(&'static str, &'static str)> {
    let number = "write the number of the port";
    let named = |name: &str| match cni.named_ports() {
        NamedPortSupport::Known | NamedPortSupport::NotSaid => None,
        NamedPortSupport::Ignored => Some(("ignores named ports and may open every port", number)),
        NamedPortSupport::Refused => Some(("refuses a policy with a named port", number)),
        // Only towards others: of its own pods it knows the ports of each.
        NamedPortSupport::OneNumber if direction == Direction::Ingress || is_one_number(name, port, runs) => None,
        NamedPortSupport::OneNumber => Some(("drops a named port that is several numbers in different pods", number)),
        NamedPortSupport::NotOnWindows => Some(("does not know named ports on nodes with Windows", number)),
        NamedPortSupport::OpenUnlisted => Some(("opens every port where no pod lists a named port", number)),
    };
    let ranges = || match cni.ranges(version) {
        RangeSupport::Known | RangeSupport::NotSaid => None,
        RangeSupport::FirstOnly => {
            Some(("does not know `endPort` and opens only the first port", "list the ports one by one"))
        }
    };
    let of_target = match port.target {
        PortTarget::Named(ref name) => named(name),
        PortTarget::Range(..) => ranges(),
        PortTarget::Number(_) | PortTarget::Every => None,
    };
    let of_protocol = match (port.protocol, cni.sctp()) {
        (Protocol::Sctp, SctpSupport::Unknown) => Some(("does not know SCTP", "use another protocol, or another CNI")),
        (Protocol::Sctp, SctpSupport::Switch) => {
            let help = "switch on `sctp.enabled`, and silence this warning";
            Some(("filters SCTP only when that is switched on", help))
        }
        (Protocol::Sctp, SctpSupport::Filtered) | (Protocol::Tcp | Protocol::Udp, _) => None,
    };
    of_target.into_iter().chain(of_protocol).collect()
}

/// Whether some pods that were given have a port of this name, and it is the same number in all of them.
fn is_one_number(name: &str, port: &Port, runs: &Runs<'_>) -> bool {
    let pods = runs.cluster.workloads.iter().flat_map(|workload| &workload.pods);
    let ports = pods.flat_map(|pods| &pods.ports);
    let named = ports.filter(|one| one.protocol == port.protocol && one.name.as_deref() == Some(name));
    named.map(|one| one.number).collect::<BTreeSet<u16>>().len() == 1
}

/// W0232: exceptions and negative labels, where not all nodes know them.
fn negations(one: &One<'_>, cni: Cni, found: &mut Vec<Diagnostic>) {
    if cni.knows_negations() {
        return;
    }
    let windows = "on nodes with Windows, and";
    let labels = |place, found: &mut Vec<Diagnostic>| {
        let message =
            format!("{} knows neither `NotIn` nor `DoesNotExist` {windows} {} needs them", cni.name(), one.shown());
        let help = "ask for the values that are meant, with `In`";
        found.push(at(Code::W0232, place, message).with_help(help));
    };
    let peers = one.all_rules().flat_map(|(direction, rule, written)| {
        written.peers.iter().enumerate().map(move |(index, peer)| (direction, rule, index, peer))
    });
    let mut of_labels = is_negative(&one.policy.subject).then_some(one.written.subject.or(one.name));
    let mut of_blocks = None;
    for (direction, rule, index, peer) in peers {
        let place = one.peer_place(direction, rule, index);
        match peer {
            Peer::Block(block) if !block.except.is_empty() => _ = of_blocks.get_or_insert(place),
            Peer::Pods { namespaces, pods } if namespaces.iter().chain([pods]).any(is_negative) => {
                of_labels.get_or_insert(place);
            }
            Peer::Block(_) | Peer::Pods { .. } => {}
        }
    }
    if let Some(place) = of_labels {
        labels(place, found);
    }
    if let Some(place) = of_blocks {
        let message = format!("{} does not know `except` {windows} {} needs it", cni.name(), one.shown());
        found.push(at(Code::W0232, place, message).with_help("list the blocks that are left"));
    }
}

/// Whether a selector asks for labels that have to be absent or to have another value.
fn is_negative(selector: &Selector) -> bool {
    selector.each_requirement().any(|one| matches!(one, Requirement::NotIn(..) | Requirement::DoesNotExist(_)))
}

/// W0232: a CNI that does nothing at all.
pub(super) fn check_all(all: &[One<'_>], cni: Cni, found: &mut Vec<Diagnostic>) {
    let Some(one) = all.first().filter(|_| cni.enforces_nothing().is_some()) else { return };
    let message = "flannel alone enforces no NetworkPolicy: none of these has any effect";
    let help = format!("{POLICY_ENGINE}: `--cni canal`, `--cni kindnet` for kube-network-policies");
    found.push(at(Code::W0232, one.name, message).with_help(help));
}

/// W0228: blocks that are about pods whose addresses are known.
pub(super) fn check_addresses(all: &[One<'_>], runs: &Runs<'_>, matches: BlocksMatch, found: &mut Vec<Diagnostic>) {
    let pods =
        runs.cluster.workloads.iter().flat_map(|workload| workload.pods.iter().map(move |pods| (workload, pods)));
    let pods: Vec<_> =
        pods.filter(|(_, pods)| !pods.host_network && !pods.finished && !pods.addresses.is_empty()).collect();
    let addresses = pods.iter().flat_map(|(_, pods)| pods.addresses.iter().flatten());
    let of_pods = AddressSet::from_nets(addresses.map(|address| IpNet::from(*address)));
    for one in all {
        for (direction, rule, written) in one.all_rules() {
            for (index, peer) in written.peers.iter().enumerate() {
                let Peer::Block(block) = peer else { continue };
                let single = block.cidr.prefix_len() == block.cidr.max_prefix_len();
                // Of every address nobody says that pods are meant, and where a block is of pods it is right as long as
                // it holds all that a pod may get.
                if block.cidr.prefix_len() == 0 || (matches.pods == Truth::Yes && !single) {
                    continue;
                }
                let addresses = block.addresses();
                if !addresses.overlaps(&of_pods) {
                    continue;
                }
                let is_in = |(_, pods): &&(_, &crate::cluster::Pods)| {
                    pods.addresses.iter().flatten().any(|address| addresses.has(*address))
                };
                let Some((workload, _)) = pods.iter().find(is_in) else { continue };
                let why = match single {
                    true => "it gets another address when it starts again",
                    false => "some CNIs match pods by their addresses, and others, such as Cilium, never do",
                };
                let message =
                    format!("{} in {} is where pods are, `{workload}` for one: {why}", block.cidr, one.shown());
                let found_here = at(Code::W0228, one.peer_place(direction, rule, index), message);
                found.push(found_here.with_help(
                    "select pods by their labels, with `podSelector` and `namespaceSelector`; for addresses outside \
                     only, \
                     take those of the pods out with `except`",
                ));
            }
        }
    }
}
