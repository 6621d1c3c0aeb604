//! What endpoints are called. Whoever writes a name, for an error, an editor or an answer, asks here.

use super::{Endpoint, Model, NamespaceId};
use std::sync::Arc;

/// What an endpoint is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointName<'a> {
    /// A name that is local to this namespace.
    Local(NamespaceId, &'a Arc<str>),
    /// A name of the whole program.
    Global(&'a Arc<str>),
    /// All pods of a namespace.
    AllPods(NamespaceId),
    /// A word of the language.
    BuiltIn(&'static str),
}

impl<'a> EndpointName<'a> {
    fn declared(home: Option<NamespaceId>, name: &'a Arc<str>) -> Self {
        home.map_or(EndpointName::Global(name), |home| EndpointName::Local(home, name))
    }

    /// The name that somebody declared, and the namespace that it is local to.
    pub fn of_declaration(self) -> Option<(Option<NamespaceId>, &'a Arc<str>)> {
        match self {
            EndpointName::Local(home, name) => Some((Some(home), name)),
            EndpointName::Global(name) => Some((None, name)),
            EndpointName::AllPods(_) | EndpointName::BuiltIn(_) => None,
        }
    }

    /// The whole of it, with what its namespace is called.
    fn text(self, called: impl Fn(NamespaceId) -> &'a Arc<str>) -> String {
        match self {
            EndpointName::Local(home, name) => format!("{}/{name}", called(home)),
            EndpointName::AllPods(home) => format!("{}/*", called(home)),
            EndpointName::Global(name) => name.to_string(),
            EndpointName::BuiltIn(word) => word.to_owned(),
        }
    }
}

impl Model {
    /// What an endpoint is called.
    pub fn endpoint_name(&self, endpoint: Endpoint) -> EndpointName<'_> {
        match endpoint {
            Endpoint::Tier(id) => EndpointName::Local(self.tiers[id].namespace, &self.tiers[id].name),
            Endpoint::Namespace(id) => EndpointName::AllPods(id),
            Endpoint::Group(id) => EndpointName::declared(self.groups[id].namespace, &self.groups[id].name),
            Endpoint::Cidr(id) => EndpointName::declared(self.cidrs[id].namespace, &self.cidrs[id].name),
            Endpoint::Fqdn(id) => EndpointName::declared(self.fqdns[id].namespace, &self.fqdns[id].name),
            Endpoint::BuiltIn(one) => EndpointName::BuiltIn(one.word()),
        }
    }

    /// How the program writes an endpoint within a namespace, or outside of all.
    pub fn written(&self, endpoint: Endpoint, scope: Option<NamespaceId>) -> String {
        match self.endpoint_name(endpoint) {
            EndpointName::Local(home, name) if Some(home) == scope => name.to_string(),
            name @ (EndpointName::Local(..)
            | EndpointName::Global(_)
            | EndpointName::AllPods(_)
            | EndpointName::BuiltIn(_)) => name.text(|home| &self.namespaces[home].declared),
        }
    }

    /// What a question calls an endpoint: namespaces have the names there that they have in the cluster.
    pub fn asked_for(&self, endpoint: Endpoint) -> String {
        self.endpoint_name(endpoint).text(|home| &self.namespaces[home].name)
    }
}
