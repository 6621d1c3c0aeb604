//! What each name in the sources refers to: for jumping to it, finding its uses and renaming it.

use super::resolve::Resolver;
use super::{Endpoint, NamespaceId, PortSetId, TierId};
use crate::source::Span;

/// What a name can refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// A namespace.
    Namespace(NamespaceId),
    /// A tier, group, cidr, fqdn or built-in endpoint; never [`Endpoint::Namespace`].
    Endpoint(Endpoint),
    /// A port of a tier, by its place in the tier's list.
    Port(TierId, u32),
    /// A port set.
    PortSet(PortSetId),
    /// A component of the catalogue, by its place in [`super::COMPONENTS`].
    Component(u32),
}

/// What a place has to do with the thing it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It declares it by its name.
    Declares,
    /// It names it.
    Names,
    /// It means it without its name: a `*`.
    Means,
}

/// A place in the sources that refers to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The place: just the name.
    pub span: Span,
    /// What it refers to. A port named after a group refers to a port of each member.
    pub entity: Entity,
    /// How.
    pub role: Role,
}

impl Resolver<'_> {
    /// Notes what a place refers to, when somebody wants to know.
    pub(super) fn note(&mut self, span: Span, entity: Entity, role: Role) {
        if self.wants_references {
            self.model.references.push(Reference { span, entity, role });
        }
    }

    pub(super) fn sort_references(&mut self) {
        self.model.references.sort_unstable();
        self.model.references.dedup();
    }
}
