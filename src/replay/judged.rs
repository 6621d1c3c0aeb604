//! What a candidate says of a group, and why, as plain data.

use super::seen::{Unidentified, Unnamed};
use crate::ask::Says;
use crate::engine::{Doubt, EndId};
use crate::net::PortSet;

/// What the candidate says of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether it lets the connection through.
    pub says: Says,
    /// Why, where no statement says it.
    pub why: Option<Because>,
    /// Two ends that the answer is about, on these ports, where two have it alone.
    pub pair: Option<(EndId, EndId, PortSet)>,
}

/// Why something is so, beside statements and policies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// A pod is always open to its own node.
    OwnNode,
    /// What a pod sends to its own node, the network plugin lets through.
    ToOwnNode,
    /// A pod to itself.
    Itself,
    /// Nothing isolates one end or the other.
    Open,
    /// A proxy has no labels and no address, so that only a rule without peers lets it in.
    Proxy,
    /// It is not known.
    Unclear(Unclear),
}

/// What is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unclear {
    /// The labels of a pod; a label that decides, where one does.
    Labels(Option<String>),
    /// Which pod has an address.
    PodAddress,
    /// Which pods are behind the address of a Service.
    ServiceAddress,
    /// Who it is.
    Identity(Unidentified),
    /// A pod of another cluster.
    Cluster,
    /// No policy is about the protocol, and what the plugin does with it differs.
    Protocol(bool),
    /// Which address it was.
    Unnamed(Unnamed),
    /// Whether the plugin keeps pods from their own node.
    ToOwnNode,
    /// Which pod either end is.
    NoPod,
    /// What nobody said.
    Doubts(Vec<Doubt>),
    /// It was too much to find out.
    GivenUp,
}

impl Unclear {
    /// Its word in documents for machines.
    pub fn word(&self) -> &'static str {
        match self {
            Unclear::Labels(_) => "labels",
            Unclear::PodAddress => "pod-address",
            Unclear::ServiceAddress => "service-address",
            Unclear::Identity(_) => "identity",
            Unclear::Cluster => "cluster",
            Unclear::Protocol(true) => "icmp",
            Unclear::Protocol(false) => "protocol",
            Unclear::Unnamed(Unnamed::Public) => "public-address",
            Unclear::Unnamed(Unnamed::Private) => "private-address",
            Unclear::ToOwnNode => "own-node",
            Unclear::NoPod => "no-pod",
            Unclear::Doubts(_) => "facts",
            Unclear::GivenUp => "too-hard",
        }
    }
}
