//! Which name means what, where.

use super::{Endpoint, NamespaceId, PortSetId};
use crate::source::Span;
use rustc_hash::FxHashMap;

/// Where a name is declared: in a namespace, or for the whole program.
pub(super) type NameScope = Option<NamespaceId>;

/// A declaration of a name.
#[derive(Debug, Clone)]
pub(super) struct NameDeclaration<T> {
    /// What it names.
    pub value: T,
    /// The name in the source.
    pub span: Span,
    /// Whether it came with a component of the catalogue.
    pub built_in: bool,
}

/// The names of one kind of thing.
#[derive(Debug)]
pub(super) struct Names<'a, T> {
    /// Of the program, then of each namespace.
    scopes: Vec<FxHashMap<&'a str, NameDeclaration<T>>>,
}

/// The place of a scope among all.
fn place(scope: NameScope) -> usize {
    scope.map_or(0, |namespace| namespace.index() + 1)
}

impl<T> Default for Names<'_, T> {
    fn default() -> Self {
        Names { scopes: Vec::new() }
    }
}

impl<'a, T> Names<'a, T> {
    /// Declares a name; gives back the earlier declaration when there is one, which stays.
    pub(super) fn declare(
        &mut self,
        scope: NameScope,
        name: &'a str,
        declared: NameDeclaration<T>,
    ) -> Option<&NameDeclaration<T>> {
        use std::collections::hash_map::Entry;
        if self.scopes.len() <= place(scope) {
            self.scopes.resize_with(place(scope) + 1, FxHashMap::default);
        }
        match self.scopes.get_mut(place(scope))?.entry(name) {
            Entry::Occupied(earlier) => Some(earlier.into_mut()),
            Entry::Vacant(free) => {
                free.insert(declared);
                None
            }
        }
    }

    /// What a name means in exactly this scope.
    pub(super) fn get(&self, scope: NameScope, name: &str) -> Option<&NameDeclaration<T>> {
        self.scopes.get(place(scope))?.get(name)
    }

    /// What a name means from within a scope: there, or else for the whole program.
    pub(super) fn find(&self, scope: NameScope, name: &str) -> Option<&NameDeclaration<T>> {
        self.get(scope, name).or_else(|| self.get(None, name))
    }

    /// The names of a scope, sorted.
    pub(super) fn names(&self, scope: NameScope) -> Vec<&'a str> {
        let mut names: Vec<&str> =
            self.scopes.get(place(scope)).into_iter().flat_map(|names| names.keys().copied()).collect();
        names.sort_unstable();
        names
    }
}

/// All names of a program.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    /// Namespaces, all in the scope of the program.
    pub namespaces: Names<'a, NamespaceId>,
    /// Tiers, groups, cidrs and fqdns.
    pub endpoints: Names<'a, Endpoint>,
    /// Port sets.
    pub ports: Names<'a, PortSetId>,
}
