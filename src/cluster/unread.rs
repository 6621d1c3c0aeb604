//! What of a cluster was given and could not be read.

use std::collections::BTreeSet;
use std::sync::Arc;

/// What was given and could not be read, by what depends on it: nobody can be sure of that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnreadParts {
    /// Where such a policy is: it may let through what others close, or isolate pods that they do not.
    pub policies: UnreadPlaces,
    /// Where something is that may run pods, whose labels may be any.
    pub runs: UnreadPlaces,
    /// Whether a Namespace is among it, whose labels may be any.
    pub namespaces: bool,
}

/// Namespaces; all of them where nobody knows which it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnreadPlaces {
    anywhere: bool,
    namespaces: BTreeSet<Arc<str>>,
}

impl UnreadPlaces {
    /// Adds a namespace; `None` where it is not known which.
    pub fn add(&mut self, namespace: Option<&str>) {
        match namespace {
            Some(namespace) => self.namespaces.extend((!self.contains(namespace)).then(|| Arc::from(namespace))),
            None => self.anywhere = true,
        }
    }

    /// Adds the places of another list.
    pub fn extend(&mut self, other: UnreadPlaces) {
        self.anywhere |= other.anywhere;
        self.namespaces.extend(other.namespaces);
    }

    /// Whether it may be in a namespace.
    pub fn contains(&self, namespace: &str) -> bool {
        self.anywhere || self.namespaces.contains(namespace)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.anywhere && self.namespaces.is_empty()
    }

    /// The namespaces, sorted; `None` where it may be any.
    pub fn known(&self) -> Option<impl Iterator<Item = &str>> {
        (!self.anywhere).then(|| self.namespaces.iter().map(|name| &**name))
    }
}
