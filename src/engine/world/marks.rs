//! Which of many selectors match a pod, without looking at each.

use super::{Looks, Namespace, World, addresses};
use crate::engine::world::{End, EndId};
use crate::net::{MatchIndex, Peers, Selector, SelectorIndex, Truth, namespace_by_name};

/// The marks of a scope.
pub(super) struct Marks<'a> {
    marks: &'a [Peers],
    by_namespace: SelectorIndex,
    everywhere: Selector,
}

impl<'a> Marks<'a> {
    pub(super) fn new(marks: &'a [Peers]) -> Self {
        let everywhere = Selector::everything();
        let by_namespace = SelectorIndex::new(marks.iter().enumerate().filter_map(|(id, mark)| match mark {
            Peers::Pods { namespaces, .. } => Some((id, namespaces)),
            Peers::Any => Some((id, &everywhere)),
            Peers::Addresses(_) => None,
        }));
        Marks { marks, by_namespace, everywhere }
    }

    /// Those that pods of a namespace can be in, where that is sure.
    pub(super) fn in_namespace(&self, namespace: &Namespace) -> MatchIndex {
        let name = namespace.name.as_ref().map_or_else(Selector::everything, namespace_by_name);
        let near = self.by_namespace.query(&name).into_iter();
        MatchIndex::new(near.filter_map(|id| match self.marks.get(id)? {
            Peers::Pods { namespaces, pods } => (namespace.matches(namespaces) == Truth::Yes).then_some((id, pods)),
            Peers::Any => Some((id, &self.everywhere)),
            Peers::Addresses(_) => None,
        }))
    }
}

impl World {
    /// Adds the kinds of addresses.
    pub(super) fn add_outside(&mut self, looks: &Looks<'_>, marks: &[Peers]) {
        for (addresses, members) in addresses::kinds(&looks.addresses) {
            let is_in = |mark: &Peers| match mark {
                Peers::Any => true,
                Peers::Pods { .. } => false,
                Peers::Addresses(all) => all.contains(&addresses),
            };
            let marks = (0..).zip(marks).filter(|(_, mark)| is_in(mark)).map(|(index, _)| index).collect();
            if members.is_empty() {
                self.other_addresses = Some(EndId(crate::table::number(self.ends.len())));
            }
            self.ends.push(End::Addresses { addresses, marks });
        }
    }
}
