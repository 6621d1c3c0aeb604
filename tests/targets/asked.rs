//! Questions to Cilium and its answers, as `cilium/main.go` reads and writes them, and what else answers them.

use super::cases::session;
use super::cilium::{self as hybrid, End};
use crate::oracle::evaluate::{Direction, Labels, Party, Pod, PolicySet, Protocol, Rule};
use crate::oracle::read::{documents, policies};
use polder::cluster::{Cluster, ContainerPort, Kind, Namespace, Pods, Workload};
use polder::engine::{End as WorldEnd, EndId, Engine, Scope, World};
use polder::model::Target;
use polder::net::{self, AddressSet, ClusterEntity, EntitySet, NamePattern, Peers, Unlisted};
use polder::netpol::Peer;
use polder::session::Session;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;

/// A party to connections; `kind` is of `end` in `cilium/ends.go`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub namespace_labels: Labels,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_ports: Vec<AskedName>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// A port of a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AskedName {
    name: String,
    number: u64,
    protocol: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct AskedPort {
    pub number: u64,
    pub protocol: String,
}

/// A question with many parts, and once Cilium was asked, its answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub id: String,
    pub target: String,
    pub program: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifests: String,
    pub ends: Vec<Asked>,
    pub ports: Vec<AskedPort>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub allowed: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub proxied: String,
}

impl AskedPort {
    pub(super) fn new((protocol, number): (Protocol, u16)) -> AskedPort {
        AskedPort { number: number.into(), protocol: protocol.to_string().to_uppercase() }
    }
}

fn protocol(word: &str) -> Protocol {
    *Protocol::ALL.iter().find(|one| one.to_string().eq_ignore_ascii_case(word)).unwrap()
}

fn same(word: &str) -> net::Protocol {
    match protocol(word) {
        Protocol::Tcp => net::Protocol::Tcp,
        Protocol::Udp => net::Protocol::Udp,
        Protocol::Sctp => net::Protocol::Sctp,
    }
}

impl Asked {
    pub(super) fn of_kind(kind: &str) -> Asked {
        Asked { kind: kind.to_owned(), ..Asked::default() }
    }

    pub(super) fn address(address: IpAddr) -> Asked {
        Asked { address: Some(address), ..Asked::of_kind("address") }
    }

    pub(super) fn name(name: &str, address: IpAddr) -> Asked {
        Asked { name: name.to_owned(), address: Some(address), ..Asked::of_kind("name") }
    }

    pub(super) fn pod(pod: &Pod) -> Asked {
        let named = pod.ports.iter().map(|port| {
            let AskedPort { number, protocol } = AskedPort::new((port.protocol, port.number));
            AskedName { name: port.name.clone(), number, protocol }
        });
        Asked {
            namespace: pod.namespace.clone(),
            labels: pod.labels.clone(),
            namespace_labels: pod.namespace_labels.clone(),
            named_ports: named.collect(),
            ..Asked::of_kind("pod")
        }
    }

    /// A pod or an address that the reader of both kinds knows.
    pub(super) fn of_end(end: End) -> Option<Asked> {
        match end {
            End::Pod(namespace, _) => {
                let mut labels = hybrid::labels(end)?;
                labels.retain(|key, _| !key.starts_with("k8s:"));
                let namespace = namespace.to_owned();
                let name = ("kubernetes.io/metadata.name".to_owned(), namespace.clone());
                Some(Asked { namespace, labels, namespace_labels: [name].into(), ..Asked::of_kind("pod") })
            }
            End::Address(address) => Some(Asked::address(address)),
            End::Name(_) | End::Entity(_) => None,
        }
    }

    fn is_pod(&self) -> bool {
        self.kind == "pod"
    }

    /// The entities that it is one of.
    fn entities(&self) -> &'static [ClusterEntity] {
        match (self.kind.as_str(), self.address) {
            ("host", _) => &[ClusterEntity::OwnNode],
            ("remote-node", _) => &[ClusterEntity::OtherNodes],
            // It runs on another node.
            ("apiserver", None) => &[ClusterEntity::ApiServer, ClusterEntity::OtherNodes],
            ("apiserver", Some(_)) => &[ClusterEntity::ApiServer],
            ("health" | "ingress", _) => &[ClusterEntity::Plugin],
            _ => &[],
        }
    }

    fn as_pod(&self) -> Pod {
        let named = self.named_ports.iter().map(|port| crate::oracle::evaluate::NamedPort {
            name: port.name.clone(),
            protocol: protocol(&port.protocol),
            number: port.number.try_into().unwrap(),
        });
        Pod {
            namespace: self.namespace.clone(),
            namespace_labels: self.namespace_labels.clone(),
            labels: self.labels.clone(),
            ports: named.collect(),
            addresses: Vec::new(),
        }
    }

    /// What it is to the reader of NetworkPolicies: a pod, an address, or nothing that a peer can be.
    fn party(&self) -> Option<Party> {
        match self.is_pod() {
            true => Some(Party::Pod(self.as_pod())),
            false => self.address.map(Party::Address),
        }
    }

    /// All that it is to the reader of both kinds.
    fn ends(&self) -> Vec<End<'_>> {
        let word = |entity: &ClusterEntity| match entity {
            ClusterEntity::OwnNode => "host",
            ClusterEntity::OtherNodes => "remote-node",
            ClusterEntity::ApiServer => "kube-apiserver",
            ClusterEntity::Plugin => self.kind.as_str(),
        };
        let mut all: Vec<End<'_>> = self.entities().iter().map(|entity| End::Entity(word(entity))).collect();
        all.extend(self.is_pod().then(|| End::Pod(&self.namespace, &self.labels["app"])));
        all.extend(self.address.map(End::Address));
        all.extend((!self.name.is_empty()).then_some(End::Name(&self.name)));
        all
    }

    /// What it is to Polder's engine, one by one.
    fn addresses(&self) -> Vec<AddressSet> {
        let entity = |one: &ClusterEntity| Unlisted::Entities(EntitySet::of(*one)).addresses();
        let name = (!self.name.is_empty()).then(|| {
            let exact = NamePattern::Exact(self.name.as_str().into());
            Unlisted::Names([exact].into()).addresses()
        });
        let address = self.address.map(|address| AddressSet::from_nets([address.into()]));
        self.entities().iter().map(entity).chain(name).chain(address).collect()
    }
}

/// Somebody who says of a pod, for a direction, another end and a port, whether a connection is let through on the pod's side.
/// `None` where that is not known.
pub(super) type Judge<'j> = dyn Fn(&Question<'_>) -> Option<bool> + 'j;

/// One part of a question; the ends by their places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'r> {
    direction: Direction,
    subject: usize,
    peer: usize,
    port: &'r AskedPort,
}

/// Bit `at` of some hexadecimal digits.
fn bit(digits: &str, at: usize) -> bool {
    let digit = digits.as_bytes()[at / 4] as char;
    digit.to_digit(16).unwrap() >> (3 - at % 4) & 1 == 1
}

impl Record {
    fn target(&self) -> Target {
        Target::parse(&self.target).unwrap()
    }

    /// The program, and what it becomes today.
    pub(super) fn written(&self) -> (Session, String) {
        let session = session(&self.program, self.target());
        let manifests =
            session.output().unwrap_or_else(|| panic!("not compiled:\n{}", self.program)).stream().collect();
        (session, manifests)
    }

    fn questions(&self) -> impl Iterator<Item = Question<'_>> {
        let pods = (0..self.ends.len()).filter(|at| self.ends[*at].is_pod());
        pods.flat_map(move |subject| {
            [Direction::Egress, Direction::Ingress].into_iter().flat_map(move |direction| {
                (0..self.ends.len()).flat_map(move |peer| {
                    self.ports.iter().map(move |port| Question { direction, subject, peer, port })
                })
            })
        })
    }

    /// Where somebody does not say what Cilium says.
    pub(super) fn differences(&self) -> Vec<String> {
        let (session, manifests) = self.written();
        let documents = documents(&manifests).unwrap();
        let mut found = self.refused.clone();
        let reader: Box<Judge<'_>> = match self.target() {
            Target::NetworkPolicy => {
                let set = policies(&documents).unwrap();
                Box::new(move |question| Some(self.by_network_policies(&set, question)))
            }
            Target::CalicoStaged => panic!("Cilium is not asked about Calico's kinds"),
            Target::Cilium => Box::new(move |question| Some(self.by_both_kinds(&documents, question))),
        };
        let policies = &session.policies().unwrap().policies;
        let (world, ends) = self.world(&session);
        let engine = Engine::new(&world, policies);
        let by_engine = |question: &Question<'_>| self.by_engine(&engine, &ends, question);
        let mut known = 0;
        for (at, question) in self.questions().enumerate() {
            let is = bit(&self.allowed, at);
            let judges: [(&str, &Judge<'_>); 2] = [("reader", &*reader), ("engine", &by_engine)];
            for (who, judge) in judges {
                let says = judge(&question);
                known += usize::from(says.is_some());
                if says.is_some_and(|says| says != is) {
                    let Question { direction, subject, peer, port } = question;
                    let [subject, peer] = [subject, peer].map(|at| serde_json::to_string(&self.ends[at]).unwrap());
                    let cilium = if is { "lets through" } else { "closes" };
                    let AskedPort { number, protocol } = port;
                    found.push(format!(
                        "Cilium {cilium}, and not the {who}: {direction:?} of {subject}, {peer}, {number}/{protocol}"
                    ));
                }
            }
        }
        found.extend(self.unlearnt(&session));
        assert!(known * 10 > self.questions().count() * 17, "too little is known: {}", self.program);
        found
    }

    /// Pods that may connect to a name whose addresses Cilium never learns: their questions do not go through its proxy.
    fn unlearnt(&self, session: &Session) -> Vec<String> {
        let policies = &session.policies().unwrap().policies;
        let is_name = |peer: &Peer| matches!(peer, Peer::Unlisted(Unlisted::Names(_)));
        let named =
            policies.iter().filter(|policy| policy.egress.iter().flatten().any(|rule| rule.peers.iter().any(is_name)));
        let subjects: Vec<_> = named.map(|policy| (&*policy.namespace, &policy.subject)).collect();
        let asks = |question: &Question<'_>| {
            let [subject, peer] = [question.subject, question.peer].map(|at| &self.ends[at]);
            question.direction == Direction::Egress
                && question.port.number == 53
                && peer.namespace == "kube-system"
                && subjects
                    .iter()
                    .any(|(namespace, pods)| **namespace == *subject.namespace && pods.matches(&subject.labels))
        };
        let questions = self.questions().enumerate().filter(|(_, question)| asks(question));
        let unlearnt = questions.filter(|(at, _)| !bit(&self.proxied, *at));
        unlearnt.map(|(_, question)| format!("no answer to {question:?} goes through Cilium's proxy")).collect()
    }

    fn by_network_policies(&self, set: &PolicySet, question: &Question<'_>) -> bool {
        let Question { direction, subject, peer, port } = *question;
        let subject = self.ends[subject].party().unwrap();
        let peer = self.ends[peer].party();
        // Names of ports are those of the destination, and who is no pod has none.
        let nobody = Party::Address("0.0.0.0".parse().unwrap());
        let destination = match direction {
            Direction::Egress => peer.as_ref().unwrap_or(&nobody),
            Direction::Ingress => &subject,
        };
        let (protocol, number) = (protocol(&port.protocol), port.number.try_into().unwrap());
        let selecting = set.policies.iter().filter(|policy| policy.selects(&subject));
        let sections: Vec<_> =
            selecting.filter_map(|policy| Some((policy.namespace.as_str(), policy.rules(direction)?))).collect();
        let admits = |namespace: &str, rule: &Rule| match &peer {
            Some(peer) => rule.admits(namespace, peer, &set.blocks),
            None => rule.peers.is_empty(),
        };
        let allows = |(namespace, rules): &(&str, &[Rule])| {
            rules.iter().any(|rule| admits(namespace, rule) && rule.serves(destination, protocol, number))
        };
        sections.is_empty() || sections.iter().any(allows)
    }

    fn by_both_kinds(&self, documents: &[Value], question: &Question<'_>) -> bool {
        let Question { direction, subject, peer, port } = *question;
        let word = match direction {
            Direction::Egress => "egress",
            Direction::Ingress => "ingress",
        };
        let [subject, peer] = [subject, peer].map(|at| self.ends[at].ends());
        let port = (port.number, port.protocol.as_str());
        peer.into_iter().any(|peer| hybrid::side_allows(documents, word, subject[0], peer, port))
    }

    /// The ends as the workloads and addresses of a cluster, with the engine's ends of each.
    fn world(&self, session: &Session) -> (World, Vec<Vec<EndId>>) {
        let facts = session.flows().unwrap().facts.clone();
        let mut cluster = Cluster::default();
        let mut marks = Vec::new();
        for (at, end) in self.ends.iter().enumerate() {
            marks.extend(end.addresses().into_iter().map(Peers::Addresses));
            if !end.is_pod() {
                continue;
            }
            let namespace =
                || Namespace { name: end.namespace.as_str().into(), labels: end.namespace_labels.clone(), span: None };
            if !cluster.namespaces.iter().any(|one| *one.name == *end.namespace) {
                cluster.namespaces.push(namespace());
            }
            let port = |port: &AskedName| ContainerPort {
                protocol: same(&port.protocol),
                number: port.number.try_into().unwrap(),
                name: Some(port.name.as_str().into()),
            };
            let pods = Pods {
                labels: end.labels.clone(),
                ports: end.named_ports.iter().map(port).collect(),
                count: 2,
                several: true,
                host_network: false,
                finished: false,
                addresses: Vec::new(),
                seen: Vec::new(),
                span: None,
            };
            cluster.workloads.push(Workload {
                namespace: end.namespace.as_str().into(),
                name: format!("p{at}").as_str().into(),
                kind: Kind::Deployment,
                labels: end.labels.clone(),
                selector: end.labels.clone(),
                first_number: 0,
                pods: vec![pods],
                span: None,
            });
        }
        cluster.namespaces.sort_by(|one, other| one.name.cmp(&other.name));
        cluster.workloads.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        let policies = &session.policies().unwrap().policies;
        let scope = Scope { policies: &[policies], of_cluster: &[], marks: &marks, facts: &facts };
        let world = World::concrete(&scope, &cluster);
        let of = |(at, end): (usize, &Asked)| -> Vec<EndId> {
            if end.is_pod() {
                let is = |member: &polder::engine::Member| *cluster.workloads[member.workload].name == format!("p{at}");
                let holds = |id: &EndId| world.pods(*id).is_some_and(|pods| pods.members.iter().any(is));
                return world.ids().filter(holds).collect();
            }
            let one = |set: AddressSet| {
                world.ids().find(|id| match world.end(*id) {
                    Some(WorldEnd::Addresses { addresses, .. }) => addresses.overlaps(&set),
                    Some(WorldEnd::Pods(_)) | None => false,
                })
            };
            end.addresses().into_iter().filter_map(one).collect()
        };
        let ends = self.ends.iter().enumerate().map(of).collect();
        (world, ends)
    }

    fn by_engine(&self, engine: &Engine<'_>, ends: &[Vec<EndId>], question: &Question<'_>) -> Option<bool> {
        let Question { direction, subject, peer, port } = *question;
        let direction = match direction {
            Direction::Egress => net::Direction::Egress,
            Direction::Ingress => net::Direction::Ingress,
        };
        let verdicts: Vec<_> = ends[peer].iter().map(|peer| engine.side(direction, ends[subject][0], *peer)).collect();
        let (protocol, number) = (same(&port.protocol), port.number.try_into().unwrap());
        let sure = verdicts.iter().any(|verdict| verdict.allowed.has(protocol, number));
        let possible = verdicts.iter().any(|verdict| verdict.possible().has(protocol, number));
        (sure == possible).then_some(sure)
    }
}
