//! Tiers of which a program states that no pod is in two of them.

use super::resolve::{PlacedStatement, Resolver};
use super::{Endpoint, Model, NamespaceId, Tier, TierId};
use crate::diag::{Code, Diagnostic};
use crate::net::SelectorIndex;
use crate::source::Span;
use crate::syntax::{Name, NodeKind};
use crate::table::number;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

impl Tier {
    /// Whether the program states that no pod is in both.
    pub fn is_disjoint_from(&self, other: &Tier) -> bool {
        self.stated_apart(other).is_some()
    }

    /// The statement that says that no pod is in both, by its place in [`super::Model::disjoint`].
    pub fn stated_apart(&self, other: &Tier) -> Option<u32> {
        self.disjoint.iter().copied().find(|stated| other.disjoint.contains(stated))
    }
}

impl Model {
    /// Whether the program states of tiers, by their names with their namespace, that no pod is in two of them. False when one
    /// is no tier, or when each is in a namespace of its own.
    pub fn states_disjoint(&self, names: &[String]) -> bool {
        let mut by_namespace: BTreeMap<NamespaceId, Vec<&Tier>> = BTreeMap::new();
        let all = self.tiers.iter().filter(|tier| !tier.disjoint.is_empty());
        let known: FxHashMap<String, &Tier> = all
            .filter_map(|tier| Some((format!("{}/{}", self.namespace(tier.namespace)?.name, tier.name), tier)))
            .collect();
        for name in names {
            let Some(tier) = known.get(name) else { return false };
            by_namespace.entry(tier.namespace).or_default().push(tier);
        }
        let apart = |tiers: &Vec<&Tier>| {
            let later = tiers.iter().enumerate().map(|(at, tier)| (tier, tiers.get(at + 1..).unwrap_or_default()));
            tiers.len() > 1
                && later.into_iter().all(|(tier, others)| others.iter().all(|other| tier.is_disjoint_from(other)))
        };
        !by_namespace.is_empty() && by_namespace.values().all(apart)
    }
}

impl Resolver<'_> {
    /// Finds the tiers that `disjoint` statements name.
    pub(super) fn resolve_disjoint(&mut self) {
        for PlacedStatement { scope, node, repeats, .. } in self.inner.clone() {
            let (Some(namespace), NodeKind::Disjoint(names)) = (scope, &node.kind) else { continue };
            self.repeats = repeats;
            let tiers = self.disjoint_tiers(namespace, names);
            self.check_disjoint(&tiers);
            let stated = number(self.model.disjoint.len());
            self.model.disjoint.push(node.span);
            for (id, _) in tiers {
                self.model.tiers[id].disjoint.push(stated);
            }
        }
        self.repeats = false;
    }

    fn disjoint_tiers(&mut self, namespace: NamespaceId, names: &[Name]) -> Vec<(TierId, Span)> {
        let mut tiers: Vec<(TierId, Span)> = Vec::with_capacity(names.len());
        let mut known: FxHashMap<TierId, Span> = FxHashMap::default();
        for name in names {
            let Some(endpoint) = self.find_own_tier(namespace, *name) else { continue };
            let Endpoint::Tier(id) = endpoint else {
                let message = format!("`{}` is not a tier of this namespace", self.name(*name));
                let help = "`disjoint` takes tiers of its own namespace; of a group, name the tiers in it";
                self.report(Diagnostic::new(Code::E0220, name.span, message).with_help(help));
                continue;
            };
            if let Some(earlier) = known.insert(id, name.span) {
                let message = format!("`{}` is already in the list", self.name(*name));
                let diagnostic = Diagnostic::new(Code::W0009, name.span, message);
                self.report(diagnostic.with_label(earlier, "here").with_help("remove it"));
                continue;
            }
            tiers.push((id, name.span));
        }
        tiers
    }

    /// A tier whose pods are all in another one is not disjoint from it.
    fn check_disjoint(&mut self, tiers: &[(TierId, Span)]) {
        let selectors =
            tiers.iter().enumerate().filter_map(|(at, (id, _))| Some((at, &self.model.tier(*id)?.selector)));
        let index = SelectorIndex::new(selectors);
        let mut wrong = Vec::new();
        for (at, (id, span)) in tiers.iter().enumerate() {
            let Some(tier) = self.model.tier(*id) else { continue };
            let near = index.query(&tier.selector).into_iter().filter(|other| *other != at);
            let wide = near.filter_map(|other| tiers.get(other)).find_map(|(id, other)| {
                let wide = self.model.tier(*id).filter(|wide| wide.selector.contains(&tier.selector))?;
                // Of two that are alike, the first is no part of the other.
                (!tier.selector.contains(&wide.selector) || other < span).then_some((wide, *other))
            });
            let Some((wide, other)) = wide else { continue };
            let message = format!("every pod of `{}` is one of `{}`, so they are not disjoint", tier.name, wide.name);
            let diagnostic = Diagnostic::new(Code::E0226, *span, message).with_label(other, "the wider one");
            let diagnostic = diagnostic.with_label(tier.span, "declared here").with_label(wide.span, "declared here");
            wrong.push(diagnostic.with_help("leave one of them out, or tell them apart by a label"));
        }
        wrong.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }
}
