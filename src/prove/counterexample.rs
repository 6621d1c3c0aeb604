//! Where policies and a program differ, in words.

use super::grants::ExampleEnd;
use crate::net::{Direction, Protocol};
use std::fmt;
use std::sync::Arc;

/// Where the policies and the program differ, with an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The namespace of the pod.
    pub namespace: Arc<str>,
    /// What differs.
    pub difference: Box<Difference>,
}

impl Counterexample {
    /// A difference in a namespace.
    pub fn new(namespace: &Arc<str>, difference: Difference) -> Self {
        Counterexample { namespace: namespace.clone(), difference: Box::new(difference) }
    }
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// There is a policy in a namespace that is not managed.
    Unmanaged(String),
    /// Two policies have the same name, so that only one of them would be there.
    SameName(String),
    /// A pod is isolated by one of the two only.
    Isolation {
        /// In this direction.
        direction: Direction,
        /// The pod.
        pod: ExampleEnd,
        /// Whether it is the policies that isolate it.
        by_policies: bool,
    },
    /// A connection of an isolated pod is granted by one of the two only.
    Grant {
        /// In this direction, as seen from the pod.
        direction: Direction,
        /// The pod.
        pod: ExampleEnd,
        /// The other end.
        peer: ExampleEnd,
        /// The port.
        port: ExamplePort,
        /// Whether it is the policies that grant it.
        by_policies: bool,
    },
    /// Pods may connect to this name, and nothing learns which addresses it has.
    Unlearnt(String),
    /// It took too many steps to find out.
    Unknown,
}

/// An example of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExamplePort {
    /// A number.
    Number(Protocol, u16),
    /// A named container port.
    Named(Protocol, Arc<str>),
    /// A protocol other than those.
    Other,
}

impl fmt::Display for ExamplePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExamplePort::Number(protocol, number) => write!(f, "port {number}/{}", protocol.keyword()),
            ExamplePort::Named(protocol, name) => write!(f, "port \"{name}\"/{}", protocol.keyword()),
            ExamplePort::Other => f.write_str("a protocol other than tcp, udp and sctp"),
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespace = &self.namespace;
        match &*self.difference {
            Difference::Unmanaged(name) => {
                write!(f, "there would be a policy `{name}` in namespace `{namespace}`, which is not managed")
            }
            Difference::SameName(name) => {
                write!(f, "there would be two policies `{name}` in namespace `{namespace}`")
            }
            Difference::Unlearnt(name) => {
                write!(
                    f,
                    "the policies of namespace `{namespace}` would allow `{name}`, and its address is never learnt"
                )
            }
            Difference::Isolation { direction, pod, by_policies } => {
                let would = if *by_policies { "would isolate" } else { "would not isolate" };
                write!(f, "the policies {would} for {}: {pod}", direction.word())
            }
            Difference::Grant { direction, pod, peer, port, by_policies } => {
                let would =
                    if *by_policies { "would allow what no flow says" } else { "would forbid what a flow says" };
                let (source, destination) = match direction {
                    Direction::Ingress => (peer, pod),
                    Direction::Egress => (pod, peer),
                };
                write!(f, "the policies {would} ({}): {source} -> {destination} on {port}", direction.word())
            }
            Difference::Unknown => {
                write!(f, "it could not be proved that the policies of namespace `{namespace}` mean what the flows say")
            }
        }
    }
}
