//! Warnings about declarations: unused ones, overlaps, settings that surprise.

use super::endpoint_set::EndpointSet;
use super::resolve::Resolver;
use super::{
    BuiltIn, DnsServer, Endpoint, Isolated, Model, Namespace, NamespaceId, NamespaceKind, PresetPods, Tier, TierId,
};
use crate::diag::{Code, Diagnostic};
use crate::net::{Selector, SelectorIndex, Truth};
use crate::source::Span;
use crate::syntax::{NodeKind, TierDecl};
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

/// So many tiers that overlap one are named.
const MOST_NAMED: usize = 3;
/// So many tiers of a namespace are each told with those that overlap them.
const MOST_ALONE: usize = 4;
/// So many are counted, lest a program of many tiers that all overlap take the square of them.
const MOST_COUNTED: usize = 50;

impl Resolver<'_> {
    /// Reports what is declared and probably not meant.
    pub(super) fn warn(&mut self) {
        self.warn_about_overlaps();
        // Where something is wrong, what now seems unused is what the mistake was to use.
        let sound = self.diagnostics.iter().all(|diagnostic| !diagnostic.code.stops());
        if sound {
            self.warn_about_the_unused();
            self.warn_about_unstated();
        }
    }

    fn built_in(&self, span: Span) -> bool {
        self.sources.file(span.file).is_some_and(|file| file.built_in)
    }

    /// Pairs of tiers in one namespace that one pod could match, neither inside the other.
    fn warn_about_overlaps(&mut self) {
        let mut by_namespace: BTreeMap<NamespaceId, Vec<TierId>> = BTreeMap::new();
        for (index, tier) in self.model.tiers.iter().enumerate() {
            by_namespace.entry(tier.namespace).or_default().push(TierId::at(index));
        }
        let mut found = Vec::new();
        for tiers in by_namespace.values() {
            let (before, mut more) = (found.len(), 0);
            let known = tiers.iter().filter_map(|id| Some((id.index(), &self.model.tier(*id)?.selector)));
            let index = SelectorIndex::new(known);
            for id in tiers {
                let Some(tier) = self.model.tier(*id) else { continue };
                let is_told = |other: &&Tier| {
                    tier.selector.overlaps(&other.selector)
                        && !tier.is_disjoint_from(other)
                        && !tier.selector.contains(&other.selector)
                        && !other.selector.contains(&tier.selector)
                };
                let other = |place: usize| {
                    Some(TierId::at(place)).filter(|other| other > id).and_then(|other| self.model.tier(other))
                };
                // Of those beyond the ones that are told alone, it only counts how many there are.
                if found.len() - before > MOST_ALONE {
                    let is_one = |place: usize| other(place).is_some_and(|other| is_told(&other));
                    more += usize::from(index.any(&tier.selector, is_one));
                    continue;
                }
                let overlapping = index.query(&tier.selector).into_iter().filter_map(other).filter(is_told);
                let others: Vec<&Tier> = overlapping.take(MOST_COUNTED).collect();
                if let Some((diagnostic, example, first)) = overlap(tier, &others) {
                    let stated = format!("disjoint {}, {}", tier.name, first.name);
                    found.push((diagnostic, example, *id, stated, apart(tier, first).map(str::to_owned)));
                }
            }
            // Said once where labels of several keys are mixed: each of them overlaps most others.
            let all = found.len() - before + more;
            if let Some((first, ..)) = found.get_mut(before).filter(|_| all > MOST_ALONE) {
                first.message = format!("{}; so could pods of {} more tiers here", first.message, all - 1);
                found.truncate(before + 1);
            }
        }
        if found.is_empty() {
            return;
        }
        let declared = self.inner.iter().filter_map(|member| match &member.node.kind {
            NodeKind::Tier(tier) => Some((tier.name.span, &**tier)),
            _ => None,
        });
        let declared: BTreeMap<Span, &TierDecl> = declared.collect();
        // Once for tiers of several namespaces in one block.
        self.repeats = true;
        for (diagnostic, example, id, stated, key) in found {
            let Some(span) = diagnostic.primary().filter(|span| !self.built_in(*span)) else { continue };
            let Some(tier) = self.model.tier(id) else { continue };
            let (advice, mend) = match (key, declared.get(&span)) {
                (Some(key), Some(written)) => {
                    let (place, text) = with_label(tier, written, &format!("!{key}"));
                    let advice = match &written.selector {
                        Some(_) => format!("add `!{key}` to the labels of `{}`", tier.name),
                        None => format!("write `tier {}{text}`", tier.name),
                    };
                    (advice, Some((place, text)))
                }
                _ => ("tell them apart by a label".to_owned(), None),
            };
            let help = format!("{example}; if none should be, {advice}; if none ever is, state it: `{stated}`");
            let diagnostic = diagnostic.with_help(help);
            self.report(match mend {
                Some((place, text)) => diagnostic.with_mend(place, text),
                None => diagnostic,
            });
        }
        self.repeats = false;
    }

    fn warn_about_the_unused(&mut self) {
        let used = self.everything_used();
        let flowing = self.everything_flowing();
        let live = LazyCell::new(|| self.tiers_flowing(&flowing));
        let mut found: Vec<(Code, Span, String, String)> = Vec::new();
        let presets = self.presets();
        for (index, tier) in self.model.tiers.iter().enumerate() {
            let endpoint = Endpoint::Tier(TierId::at(index));
            let Some(namespace) = self.model.namespace(tier.namespace) else { continue };
            if namespace.managed().is_some() && presets.iter().any(|preset| preset.is_of(namespace, tier)) {
                continue;
            }
            let closed = namespace
                .managed()
                .is_some_and(|managed| managed.ingress == Isolated::Every && managed.egress == Isolated::Every);
            let idle = !flowing.contains(endpoint) && !flowing.contains(Endpoint::Namespace(tier.namespace));
            if closed && idle && !self.shares_pods(tier, &live) && !self.is_selected(tier, namespace, &flowing) {
                let message = format!("nothing may reach tier `{}`, and it reaches nothing", tier.name);
                let help = format!("write its flows, such as `{} -> ...`, or remove it", tier.name);
                found.push((Code::W0010, tier.span, message, help));
            } else if (idle || !closed) && !used.contains(endpoint) {
                found.push((
                    Code::W0003,
                    tier.span,
                    format!("tier `{}` is never used", tier.name),
                    "remove it".to_owned(),
                ));
            }
        }
        let named = |kind: &str, name: &str, span: Span| {
            (Code::W0003, span, format!("{kind} `{name}` is never used"), "remove it".to_owned())
        };
        let Model { groups, cidrs, fqdns, port_sets, .. } = &self.model;
        let groups = groups.ids().map(|id| (Endpoint::Group(id), "group", &groups[id].name, groups[id].span));
        let cidrs = cidrs.ids().map(|id| (Endpoint::Cidr(id), "cidr", &cidrs[id].name, cidrs[id].span));
        let fqdns = fqdns.ids().map(|id| (Endpoint::Fqdn(id), "fqdn", &fqdns[id].name, fqdns[id].span));
        let unused = groups.chain(cidrs).chain(fqdns).filter(|(endpoint, ..)| !used.contains(*endpoint));
        found.extend(unused.map(|(_, kind, name, span)| named(kind, name, span)));
        let ports = port_sets.ids().filter(|id| !self.used.port_sets.contains(id)).map(|id| &port_sets[id]);
        found.extend(ports.map(|declared| named("port set", &declared.name, declared.span)));
        found.extend(self.unused_namespaces(&used).into_iter().map(|(name, span)| named("namespace", &name, span)));
        found.extend(self.unused_components(&used).into_iter().map(|(name, span)| named("component", &name, span)));
        // What stands in a block of several namespaces is needless when it is for all of them.
        let shared = self.declared_together();
        let mut of_one: BTreeMap<Span, usize> = BTreeMap::new();
        for (_, span, ..) in &found {
            *of_one.entry(*span).or_default() += 1;
        }
        for (code, span, message, help) in found {
            let all = shared.get(&span).is_none_or(|all| of_one.get(&span) == Some(all));
            if !self.built_in(span) && all && of_one.remove(&span).is_some() {
                self.report(Diagnostic::new(code, span, message).with_help(help));
            }
        }
    }

    /// The declarations in blocks of several namespaces, each with the number of those.
    fn declared_together(&self) -> BTreeMap<Span, usize> {
        let is_repeated = self.inner.iter().any(|member| member.repeats);
        let mut shared: BTreeMap<Span, usize> = BTreeMap::new();
        for member in self.inner.iter().filter(|_| is_repeated) {
            for name in member.node.kind.declares() {
                *shared.entry(name.span).or_default() += 1;
            }
        }
        shared
    }

    /// The DNS servers that managed namespaces ask without naming them.
    fn presets(&self) -> Vec<PresetPods> {
        let managed = self.model.namespaces.iter().filter_map(|namespace| namespace.managed());
        let asked = |preset: &DnsServer| managed.clone().any(|managed| managed.dns.servers.contains(preset));
        let presets = DnsServer::PRESETS.iter().map(|preset| &preset.server);
        presets.filter(|preset| asked(preset)).filter_map(DnsServer::preset_pods).collect()
    }

    /// What is referred to, with what used groups hold.
    fn everything_used(&self) -> EndpointSet {
        let mut used = self.used.endpoints.clone();
        let mut open: Vec<Endpoint> = used.iter().collect();
        while let Some(endpoint) = open.pop() {
            let Endpoint::Group(id) = endpoint else { continue };
            for member in &self.model.groups[id].members {
                if used.insert(*member) {
                    open.push(*member);
                }
            }
        }
        used
    }

    /// The ends of flows and DNS servers, where `cluster` and `anywhere` stand for every namespace.
    fn everything_flowing(&self) -> EndpointSet {
        let mut flowing = EndpointSet::default();
        for flow in &self.model.flows {
            flowing.extend(self.model.leaves(&flow.source).iter().copied());
            flowing.extend(flow.targets.iter().map(|(leaf, _)| *leaf));
        }
        let managed = self.model.namespaces.iter().filter_map(|namespace| namespace.managed());
        flowing.extend(managed.flat_map(|managed| &managed.dns.servers).filter_map(|server| match server {
            DnsServer::Tier(tier, _) => Some(Endpoint::Tier(*tier)),
            DnsServer::Cluster | DnsServer::Strict | DnsServer::OpenShift | DnsServer::Any | DnsServer::Address(_) => {
                None
            }
        }));
        if BuiltIn::ALL.into_iter().any(|one| one.has_pods() && flowing.contains(Endpoint::BuiltIn(one))) {
            flowing.extend((0..self.model.namespaces.len()).map(|index| Endpoint::Namespace(NamespaceId::at(index))));
        }
        flowing
    }

    /// The tiers that are ends of flows, by their namespaces.
    fn tiers_flowing(&self, flowing: &EndpointSet) -> BTreeMap<NamespaceId, SelectorIndex> {
        let mut tiers: BTreeMap<NamespaceId, Vec<(usize, &Selector)>> = BTreeMap::new();
        for (index, tier) in self.model.tiers.iter().enumerate() {
            if flowing.contains(Endpoint::Tier(TierId::at(index))) {
                tiers.entry(tier.namespace).or_default().push((index, &tier.selector));
            }
        }
        tiers.into_iter().map(|(namespace, tiers)| (namespace, SelectorIndex::new(tiers))).collect()
    }

    /// Whether a pod of the tier could be one of these tiers too, and have their flows.
    fn shares_pods(&self, tier: &Tier, others: &BTreeMap<NamespaceId, SelectorIndex>) -> bool {
        let is_shared = |place: usize| {
            let other = self.model.tier(TierId::at(place));
            other.is_some_and(|other| tier.selector.overlaps(&other.selector) && !tier.is_disjoint_from(other))
        };
        others.get(&tier.namespace).is_some_and(|index| index.any(&tier.selector, is_shared))
    }

    /// Whether flows of namespaces that are known by labels are about pods of the tier.
    fn is_selected(&self, tier: &Tier, home: &Namespace, flowing: &EndpointSet) -> bool {
        let is_among = |(index, selection): (usize, &Namespace)| {
            let NamespaceKind::External(Some(labels)) = &selection.kind else { return false };
            let id = NamespaceId::at(index);
            // Of those that only may be meant, nothing is opened.
            let is_one = home.is_among(&labels.of_namespaces()) == Some(Truth::Yes);
            let is_end = |(index, other): (usize, &Tier)| {
                other.namespace == id
                    && flowing.contains(Endpoint::Tier(TierId::at(index)))
                    && tier.selector.overlaps(&other.selector)
            };
            is_one && (flowing.contains(Endpoint::Namespace(id)) || self.model.tiers.iter().enumerate().any(is_end))
        };
        self.model.namespaces.iter().enumerate().any(is_among)
    }

    fn unused_namespaces(&self, used: &EndpointSet) -> Vec<(String, Span)> {
        let holds_used: BTreeSet<NamespaceId> = used
            .iter()
            .filter_map(|endpoint| match endpoint {
                Endpoint::Tier(id) => self.model.tier(id).map(|tier| tier.namespace),
                Endpoint::Namespace(id) => Some(id),
                Endpoint::Group(id) => self.model.groups[id].namespace,
                Endpoint::Cidr(id) => self.model.cidrs[id].namespace,
                Endpoint::Fqdn(_) | Endpoint::BuiltIn(_) => None,
            })
            .collect();
        let has_tiers: BTreeSet<NamespaceId> = self.model.tiers.iter().map(|tier| tier.namespace).collect();
        let namespaces = self.model.namespaces.iter().enumerate().filter(|(index, namespace)| {
            let id = NamespaceId::at(*index);
            // Its unused tiers are reported themselves.
            matches!(namespace.kind, NamespaceKind::External(_))
                && !holds_used.contains(&id)
                && !has_tiers.contains(&id)
        });
        namespaces.map(|(_, namespace)| (namespace.declared.to_string(), namespace.span)).collect()
    }

    /// Components of the catalogue of which nothing is referred to.
    fn unused_components(&self, used: &EndpointSet) -> Vec<(String, Span)> {
        let used_files: BTreeSet<_> = used
            .iter()
            .filter_map(|endpoint| match endpoint {
                Endpoint::Tier(id) => self.model.tier(id).map(|tier| tier.span.file),
                Endpoint::Namespace(id) => self.model.namespace(id).map(|namespace| namespace.span.file),
                Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::BuiltIn(_) => None,
            })
            .collect();
        let used_paths: BTreeSet<&str> =
            used_files.iter().filter_map(|file| self.sources.file(*file)).map(|file| file.path.as_str()).collect();
        let mut unused = Vec::new();
        for member in &self.top {
            let NodeKind::Use(names) = &member.node.kind else { continue };
            for name in names {
                let text = self.name(*name);
                let component = super::catalogue::find(text);
                if component.is_some_and(|component| !used_paths.contains(component.path().as_str())) {
                    unused.push((text.to_owned(), name.span));
                }
            }
        }
        unused
    }
}

/// Where one more label goes, and how it is written there.
fn with_label(tier: &Tier, written: &TierDecl, label: &str) -> (Span, String) {
    match &written.selector {
        Some(selector) => {
            let last = selector.requirements.last().map_or(selector.span.start + 1, |requirement| requirement.span.end);
            let comma = if selector.requirements.is_empty() { "" } else { ", " };
            (Span { start: last, end: last, ..selector.span }, format!("{comma}{label}"))
        }
        None => {
            // The label that goes without saying has to be said now.
            let implied = tier.selector.keys().next().map(|key| format!("{key}={}, ", tier.name)).unwrap_or_default();
            let end = tier.span.end;
            (Span { start: end, end, ..tier.span }, format!(" ({implied}{label})"))
        }
    }
}

/// What keeps a pod out of a tier that the other tier would take: a label that only the other one asks for.
fn apart<'a>(tier: &Tier, other: &'a Tier) -> Option<&'a str> {
    other.selector.keys().find(|key| tier.selector.values(key).is_anything()).map(|key| &**key)
}

/// The warning about a tier and those that a pod of it could be in as well, with such a pod in words and the first of them.
fn overlap<'a>(tier: &Tier, others: &[&'a Tier]) -> Option<(Diagnostic, String, &'a Tier)> {
    let first = *others.first()?;
    let labels = tier.selector.and(&first.selector).witness()?;
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let names: Vec<String> = others.iter().take(MOST_NAMED).map(|other| format!("`{}`", other.name)).collect();
    let (message, example) = match names.as_slice() {
        [one] => (
            format!("a pod could be in both `{}` and {one}, and would have the flows of both", tier.name),
            format!("a pod with {} is", labels.join(", ")),
        ),
        names => (
            format!(
                "a pod could be in `{}` and also in {}, and would have the flows of all its tiers",
                tier.name,
                listed(names, others.len() - names.len())
            ),
            format!("a pod with {} is in `{}` and `{}`", labels.join(", "), tier.name, first.name),
        ),
    };
    let text = if others.len() == 1 { "the other tier" } else { "another tier" };
    let diagnostic = Diagnostic::new(Code::W0004, tier.span, message);
    let named = others.iter().take(MOST_NAMED);
    Some((named.fold(diagnostic, |diagnostic, other| diagnostic.with_label(other.span, text)), example, first))
}

/// Names, and how many there are beside them.
fn listed(names: &[String], more: usize) -> String {
    match (names, more) {
        ([start @ .., last], 0) => format!("{} and {last}", start.join(", ")),
        (names, 1) => format!("{} and one more", names.join(", ")),
        (names, more) if names.len() + more < MOST_COUNTED => format!("{} and {more} more", names.join(", ")),
        (names, more) => format!("{} and at least {more} more", names.join(", ")),
    }
}
