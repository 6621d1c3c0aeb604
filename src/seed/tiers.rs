//! Those who are deployed with the same labels, as tiers.

use super::Deployed;
use super::names::{name_ports, name_tiers};
use crate::cluster::{ContainerPort, DeployHint, Labels, PodHints, Pods, Workload, lasting};
use crate::draft::selecting;
use crate::net::{Protocol, Selector, Values, is_dns_label};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedTier {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The labels that it is known by.
    pub selector: Selector,
    /// What runs its pods, by name and kind.
    pub members: Vec<DeployedMember>,
    /// The ports that it serves, by number and protocol.
    pub ports: Vec<DeployedPort>,
}

/// Something that runs pods.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeployedMember {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `kind`.
    pub kind: Arc<str>,
    /// The labels that all of its pods have.
    pub labels: Labels,
    /// The ports that their containers list.
    pub ports: Vec<ContainerPort>,
}

/// A port that a tier serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedPort {
    /// What it is called.
    pub name: Arc<str>,
    /// The protocol.
    pub protocol: Protocol,
    /// The number.
    pub number: u16,
    /// What says that it is there, where no container lists it.
    pub from: Option<Arc<str>>,
}

/// A workload that is no tier.
pub(super) struct NoTier {
    pub(super) namespace: Arc<str>,
    /// Its kind, namespace and name.
    pub(super) what: String,
    pub(super) why: &'static str,
}

/// Why some workloads are no tier.
const OF_NODE: &str = "its pods use the network of their node, where policies do not apply";
const WITHOUT_LABELS: &str = "its pods have no labels that a policy could select them by";
const HOSTILE_NAMESPACE: &str = "its namespace has no name that a namespace can have";

/// The tiers, sorted by namespace and name, and what is none, with the reason.
pub(super) fn tiers(deployed: Deployed<'_>) -> (Vec<DeployedTier>, Vec<NoTier>) {
    let mut left_out = Vec::new();
    let mut alike: BTreeMap<(Arc<str>, Labels), Vec<DeployedMember>> = BTreeMap::new();
    for workload in &deployed.cluster.workloads {
        match member(deployed, workload) {
            Ok(member) => alike.entry((workload.namespace.clone(), lasting(&member.labels))).or_default().push(member),
            Err(why) => {
                let what = format!("{} {}/{}", workload.kind.as_str(), workload.namespace, workload.name);
                left_out.push(NoTier { namespace: workload.namespace.clone(), what, why });
            }
        }
    }
    let mut tiers: Vec<DeployedTier> = Vec::new();
    let all: Vec<&(Arc<str>, Labels)> = alike.keys().collect();
    for same_namespace in all.chunk_by(|one, other| one.0 == other.0) {
        let mut found: Vec<DeployedTier> = Vec::new();
        for key in same_namespace {
            let others: Vec<&Labels> =
                same_namespace.iter().filter(|other| other.1 != key.1).map(|other| &other.1).collect();
            let chosen = selecting(&key.1, &others);
            let selector = chosen.into_iter().map(|(key, value)| (key.into(), Values::one_of([value]))).collect();
            let mut members = alike.get(*key).cloned().unwrap_or_default();
            members.sort();
            found.push(DeployedTier {
                namespace: key.0.clone(),
                name: "".into(),
                selector,
                ports: listed(&members),
                members,
            });
        }
        name_tiers(&mut found);
        found.sort_by(|one, other| one.name.cmp(&other.name));
        tiers.extend(found);
    }
    (tiers, left_out)
}

/// What a workload is of a tier, or why it is of none.
fn member(deployed: Deployed<'_>, workload: &Workload) -> Result<DeployedMember, &'static str> {
    if !is_dns_label(&workload.namespace) {
        return Err(HOSTILE_NAMESPACE);
    }
    let asleep: Vec<&PodHints> = match workload.pods.is_empty() {
        true => templates(deployed, workload).collect(),
        false => Vec::new(),
    };
    let own: Vec<&Pods> = workload.pods.iter().filter(|pods| !pods.host_network).collect();
    let resting: Vec<&&PodHints> = asleep.iter().filter(|hints| !hints.host_network).collect();
    if own.is_empty() && resting.is_empty() {
        return Err(if asleep.is_empty() && workload.pods.is_empty() { WITHOUT_LABELS } else { OF_NODE });
    }
    let mut all = own.iter().map(|pods| &pods.labels).chain(resting.iter().map(|hints| &hints.labels));
    let mut labels = all.next().cloned().unwrap_or_default();
    all.for_each(|other| labels.retain(|key, value| other.get(key) == Some(value)));
    if lasting(&labels).is_empty() {
        return Err(WITHOUT_LABELS);
    }
    let of_own = own.iter().flat_map(|pods| &pods.ports);
    let mut ports: Vec<ContainerPort> = of_own.chain(resting.iter().flat_map(|hints| &hints.ports)).cloned().collect();
    ports.sort_unstable();
    ports.dedup();
    Ok(DeployedMember { name: workload.name.clone(), kind: workload.kind.as_str().into(), labels, ports })
}

/// The templates of a workload.
pub(super) fn templates<'a>(deployed: Deployed<'a>, workload: &Workload) -> impl Iterator<Item = &'a PodHints> {
    let is_its = move |hints: &&PodHints| {
        (&hints.namespace, &*hints.kind, &hints.name) == (&workload.namespace, workload.kind.as_str(), &workload.name)
    };
    all_templates(deployed).filter(is_its).collect::<Vec<_>>().into_iter()
}

/// The templates of all that runs pods.
pub(super) fn all_templates(deployed: Deployed<'_>) -> impl Iterator<Item = &PodHints> {
    deployed.hints.iter().filter_map(|hint| match hint {
        DeployHint::Pods(pods) => Some(pods),
        DeployHint::Config(_) | DeployHint::Binding(_) | DeployHint::Class(_) | DeployHint::Secret { .. } => None,
    })
}

/// The ports that containers list.
fn listed(members: &[DeployedMember]) -> Vec<DeployedPort> {
    let mut ports: BTreeMap<(u16, Protocol), Option<Arc<str>>> = BTreeMap::new();
    for port in members.iter().flat_map(|member| &member.ports) {
        let name = ports.entry((port.number, port.protocol)).or_default();
        *name = name.take().or_else(|| port.name.clone());
    }
    let port = |((number, protocol), name): ((u16, Protocol), Option<Arc<str>>)| DeployedPort {
        name: name.unwrap_or_default(),
        protocol,
        number,
        from: None,
    };
    ports.into_iter().map(port).collect()
}

impl DeployedTier {
    /// Adds a port that something says is there. `name` is what it is called there.
    pub(super) fn require(&mut self, protocol: Protocol, number: u16, name: Option<&Arc<str>>, from: &str) {
        let known = self.ports.iter_mut().find(|port| (port.protocol, port.number) == (protocol, number));
        let name = name.cloned().unwrap_or_default();
        match known {
            Some(port) if port.name.is_empty() => port.name = name,
            Some(_) => {}
            None => self.ports.push(DeployedPort { name, protocol, number, from: Some(from.into()) }),
        }
    }

    /// Brings the ports in order and gives each a name of its own.
    pub(super) fn finish(&mut self) {
        self.ports.sort_by_key(|port| (port.number, port.protocol));
        name_ports(&mut self.ports);
    }

    /// What its port is called.
    pub(super) fn port_name(&self, protocol: Protocol, number: u16) -> Option<&Arc<str>> {
        self.ports.iter().find(|port| (port.protocol, port.number) == (protocol, number)).map(|port| &port.name)
    }

    /// Whether its pods are the DNS servers of a cluster, and answer on this port.
    pub(super) fn answers_dns(&self, number: u16) -> bool {
        let is_server = |member: &DeployedMember| {
            member
                .labels
                .get("k8s-app")
                .is_some_and(|name| ["kube-dns", "coredns", "node-local-dns"].contains(&&**name))
        };
        number == 53 && &*self.namespace == "kube-system" && self.members.iter().all(is_server)
    }

    /// Whether every pod of another one is a pod of this.
    pub(super) fn covers(&self, other: &DeployedTier) -> bool {
        self.namespace == other.namespace && self.selector.contains(&other.selector)
    }
}
