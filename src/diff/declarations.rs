//! What the names of a program mean, held against another version: a flow that is written as before may say something else.

use super::origin::DifferenceOrigin;
use crate::ask::Program;
use crate::flow::PartyName;
use crate::model::{Model, NamespaceId};
use crate::net::{IpBlock, PortSet, Selector};

use crate::source::Span;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tiers, groups and address lists of a program, and what it states of its namespaces.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    named: BTreeMap<Name, Declaration>,
    /// By the name in the cluster.
    namespaces: BTreeMap<Arc<str>, (Selector, DifferenceOrigin)>,
}

/// The namespace that something is local to, and its name.
type Name = (Option<Arc<str>>, Arc<str>);

#[derive(Debug)]
struct Declaration {
    meaning: Meaning,
    origin: DifferenceOrigin,
}

#[derive(Debug, PartialEq, Default)]
struct Meaning {
    labels: Selector,
    ports: Option<PortSet>,
    blocks: Vec<IpBlock>,
    members: Vec<PartyName>,
}

impl Declarations {
    pub(super) fn of(program: Program<'_>) -> Declarations {
        let model = program.model;
        let mut all = Declarations::default();
        for tier in model.tiers.iter() {
            let meaning = Meaning { labels: tier.selector.clone(), ports: tier.served.clone(), ..Meaning::default() };
            all.add(name_of(model, Some(tier.namespace), &tier.name), "tier", tier.span, meaning);
        }
        for cidr in &model.cidrs {
            let meaning = Meaning { blocks: cidr.blocks.clone(), ..Meaning::default() };
            all.add(name_of(model, cidr.namespace, &cidr.name), "cidr", cidr.span, meaning);
        }
        for group in &model.groups {
            let name = name_of(model, group.namespace, &group.name);
            let party = program.flows.parties.iter().find(|party| key(&party.name).as_ref() == Some(&name));
            let leaves = party.into_iter().flat_map(|party| &party.leaves);
            let members = leaves.filter_map(|leaf| Some(program.flows.party(*leaf)?.name.clone())).collect();
            all.add(name, "group", group.span, Meaning { members, ..Meaning::default() });
        }
        for namespace in model.namespaces.iter() {
            let Some(managed) = namespace.managed() else { continue };
            let text = match managed.labels.is_everything() {
                true => format!("namespace {}", namespace.declared),
                false => format!("namespace {} ({})", namespace.declared, managed.labels),
            };
            let origin = DifferenceOrigin { span: Some(namespace.span), text, is_policy: false };
            all.namespaces.insert(namespace.name.clone(), (managed.labels.clone(), origin));
        }
        all
    }

    fn add(&mut self, name: Name, word: &str, span: Span, meaning: Meaning) {
        let text = format!("{word} {}", name.1);
        self.named.insert(
            name,
            Declaration { meaning, origin: DifferenceOrigin { span: Some(span), text, is_policy: false } },
        );
    }

    /// The declaration of a name that means something else in another version.
    pub(super) fn changed(&self, other: &Declarations, name: &PartyName) -> Option<DifferenceOrigin> {
        let name = key(name)?;
        let (mine, theirs) = (self.named.get(&name)?, other.named.get(&name)?);
        (mine.meaning != theirs.meaning).then(|| mine.origin.clone())
    }

    /// The tiers of a namespace that have some of these labels, and had others in another version.
    pub(super) fn reselected(
        &self,
        other: &Declarations,
        namespace: &Arc<str>,
        labels: &[Selector],
    ) -> Vec<DifferenceOrigin> {
        let is_it = |name: &Name, one: &Declaration| {
            name.0.as_ref() == Some(namespace)
                && one.origin.text.starts_with("tier ")
                && labels.contains(&one.meaning.labels)
                && other.named.get(name).is_some_and(|theirs| theirs.meaning.labels != one.meaning.labels)
        };
        self.named.iter().filter(|(name, one)| is_it(name, one)).map(|(_, one)| one.origin.clone()).collect()
    }

    /// The declaration of a namespace of which another version states other labels.
    pub(super) fn relabelled(&self, other: &Declarations, namespace: &str) -> Option<DifferenceOrigin> {
        let ((labels, origin), (theirs, _)) = (self.namespaces.get(namespace)?, other.namespaces.get(namespace)?);
        (labels != theirs).then(|| origin.clone())
    }
}

fn name_of(model: &Model, namespace: Option<NamespaceId>, name: &Arc<str>) -> Name {
    (namespace.and_then(|id| model.namespace(id)).map(|home| home.name.clone()), name.clone())
}

fn key(name: &PartyName) -> Option<Name> {
    match name {
        PartyName::Local(namespace, name) => Some((Some(namespace.clone()), name.clone())),
        PartyName::Global(name) => Some((None, name.clone())),
        PartyName::AllPods(_) | PartyName::BuiltIn(_) => None,
    }
}
