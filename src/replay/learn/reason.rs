//! Why nothing is learned of a connection.

use crate::flow::StatementId;

/// Why nothing is learned of a connection that would be dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNotLearned {
    /// Its source tries many ports or many destinations, most of which refuse or do not answer.
    Scan,
    /// Its port is one of many between the same ends that systems give to whoever asks for any.
    DynamicPorts,
    /// Only packets of an open connection were seen, to a port that may be the client's.
    Established,
    /// It was seen less often than was asked for.
    FewAttempts,
    /// One end is neither a pod nor an address.
    Proxy,
    /// One end is a node: whose traffic it is cannot be told.
    Node,
    /// It comes from a public address.
    PublicClient,
    /// An address that may be a pod's or a Service's: what those get is not known.
    WhoseAddress,
    /// A private address that connects, which may be a node's: what those have is not known.
    MaybeNode,
    /// The log has no labels of an end, or not those that decide.
    Labels,
    /// The pods behind the Service are not one tier on one port.
    Service(String),
    /// A flow for it would break these assertions.
    Breaks(Vec<StatementId>),
    /// The exceptions of this list have the address.
    Excepted(String),
    /// This environment allows it.
    Environment(String),
    /// It is DNS, which a setting of the namespace is about.
    Dns,
    /// There are so many public addresses.
    ManyAddresses(usize),
    /// No label tells the pods of a workload from others.
    Inseparable(String),
    /// The pods have no label that lasts.
    NoLabels,
    /// The language has no name for an end.
    NoName,
    /// The port would have to be added to a tier that is no part of the program's files.
    PortOfCatalogue(String),
    /// An address of a machine itself, of a link, or of many: metadata services have such.
    SpecialAddress,
    /// A flow for it would let through what was refused as well, so often.
    Refused(u64),
    /// A program with the flow is not right: what is said of it.
    Wrong(String),
}

impl WhyNotLearned {
    /// Its word in documents for machines.
    pub fn word(&self) -> &'static str {
        match self {
            WhyNotLearned::Scan => "scan",
            WhyNotLearned::DynamicPorts => "dynamic-ports",
            WhyNotLearned::Established => "only-established",
            WhyNotLearned::FewAttempts => "few-attempts",
            WhyNotLearned::Proxy => "proxy",
            WhyNotLearned::Node => "node",
            WhyNotLearned::PublicClient => "public-client",
            WhyNotLearned::WhoseAddress => "whose-address",
            WhyNotLearned::MaybeNode => "maybe-node",
            WhyNotLearned::Labels => "labels",
            WhyNotLearned::Service(_) => "service",
            WhyNotLearned::Breaks(_) => "assertion",
            WhyNotLearned::Excepted(_) => "excepted",
            WhyNotLearned::Environment(_) => "environment",
            WhyNotLearned::Dns => "dns",
            WhyNotLearned::ManyAddresses(_) => "many-addresses",
            WhyNotLearned::Inseparable(_) => "inseparable",
            WhyNotLearned::NoLabels => "no-labels",
            WhyNotLearned::NoName => "no-name",
            WhyNotLearned::PortOfCatalogue(_) => "port-of-catalogue",
            WhyNotLearned::SpecialAddress => "special-address",
            WhyNotLearned::Refused(_) => "refused",
            WhyNotLearned::Wrong(_) => "wrong",
        }
    }
}
