//! What manifests leave open.

use std::sync::Arc;

/// Something that is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenQuestion {
    /// The namespace that it is about.
    pub namespace: Arc<str>,
    /// The place of the tier there, where it is about one.
    pub tier: Option<usize>,
    /// What kind of question it is.
    pub kind: QuestionKind,
    /// What it is about, such as a host.
    pub about: Arc<str>,
    /// What is told of it in the program.
    pub text: String,
}

/// What kind of question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuestionKind {
    /// The API server connects, or is connected to, and has no addresses here.
    ApiServer,
    /// Somebody in front of a Service connects, and who that is is not known.
    Front,
    /// A Service is named and it is not known on which port.
    Port,
    /// A Service is named that is not among what was given, or whose pods are not.
    NotGiven,
    /// A host outside is named, which has no address here.
    Outside,
    /// A Secret is read.
    Secret,
    /// Pods on the network of their nodes are connected to, which have no addresses of their own.
    Nodes,
    /// An object leads to no pods that are known.
    Nowhere,
}

impl QuestionKind {
    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            QuestionKind::ApiServer => "apiserver",
            QuestionKind::Front => "front",
            QuestionKind::Port => "port",
            QuestionKind::NotGiven => "not-given",
            QuestionKind::Outside => "outside",
            QuestionKind::Secret => "secret",
            QuestionKind::Nodes => "nodes",
            QuestionKind::Nowhere => "nowhere",
        }
    }
}
