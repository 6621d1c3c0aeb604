//! The world of every pod that could exist.

use super::marks::Marks;
use super::partition::{Budget, TooMany, kinds};
use super::{End, Looks, Namespace, NamespaceId, PodKind, Scope, World};
use crate::cluster::Labels;
use crate::net::{NAMESPACE_NAME, Selector, Values, namespace_by_name};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many comparisons of selectors a world may take.
const MOST_STEPS: usize = 20_000_000;

/// How many kinds of pods a world may have.
const MOST_KINDS: usize = 300_000;

impl World {
    /// Every pod that could exist, in every namespace that could exist. Of the namespaces of `managed` there is one each, of
    /// whose labels no more is known than is stated; those of others may have any.
    pub fn symbolic(scope: &Scope<'_>, managed: &BTreeMap<Arc<str>, Selector>) -> Result<World, TooMany> {
        let looks = Looks::new(scope);
        let marks = Marks::new(scope.marks);
        let mut budget = Budget(MOST_STEPS);
        let mut world = World { facts: scope.facts.clone(), ..World::default() };
        for namespace in namespaces(&looks, managed, &mut budget)? {
            let id = NamespaceId(u32::try_from(world.namespaces.len()).map_err(|_| TooMany)?);
            let selectors = looks.pods_of(&namespace);
            let marks = marks.in_namespace(&namespace);
            for labels in kinds(&Selector::everything(), &selectors, &mut budget)? {
                world.ends.push(End::Pods(PodKind {
                    namespace: id,
                    marks: marks.of(&labels),
                    labels,
                    ports: None,
                    addresses: Vec::new(),
                    members: Vec::new(),
                    several: true,
                    asked: false,
                }));
            }
            world.namespaces.push(namespace);
            if world.ends.len() > MOST_KINDS {
                return Err(TooMany);
            }
        }
        world.add_outside(&looks, scope.marks);
        Ok(world)
    }
}

/// The kinds of namespaces: those with a name that something asks for, and all others.
fn namespaces(
    looks: &Looks<'_>,
    managed: &BTreeMap<Arc<str>, Selector>,
    budget: &mut Budget,
) -> Result<Vec<Namespace>, TooMany> {
    let selectors: BTreeSet<&Selector> = looks.anywhere.iter().map(|(namespaces, _)| *namespaces).collect();
    let selectors: Vec<&Selector> = selectors.into_iter().collect();
    let mut names: BTreeSet<Arc<str>> = looks.local.keys().chain(managed.keys()).cloned().collect();
    for selector in &selectors {
        names.extend(selector.values(NAMESPACE_NAME).listed().iter().cloned());
    }
    // What only looks at names tells nothing apart within one name.
    let beyond: Vec<&Selector> =
        selectors.iter().copied().filter(|selector| selector.keys().any(|key| &**key != NAMESPACE_NAME)).collect();
    let mut namespaces = Vec::new();
    for name in &names {
        if let Some(stated) = managed.get(name) {
            namespaces.push(Namespace::stated(name.clone(), stated));
            continue;
        }
        let labels = kinds(&namespace_by_name(name), &beyond, budget)?;
        let of_name =
            |labels: Labels| Namespace { name: Some(name.clone()), labels, absent: BTreeSet::new(), known: true };
        namespaces.extend(labels.into_iter().map(of_name));
    }
    let mut others = Selector::everything();
    others.require(NAMESPACE_NAME, Values::exists());
    others.require(NAMESPACE_NAME, Values::none_of(names));
    let labels = kinds(&others, &selectors, budget)?;
    let nameless = |labels: Labels| Namespace { name: None, labels, absent: BTreeSet::new(), known: true };
    namespaces.extend(labels.into_iter().map(nameless));
    Ok(namespaces)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::net::Facts;
    use crate::netpol::{Peer, Policy, Rule};
    use smallvec::SmallVec;

    fn policy(namespace: &str, subject: Selector, peers: Vec<Peer>) -> Policy {
        Policy {
            namespace: namespace.into(),
            name: "p".into(),
            subject,
            ingress: Some(vec![Rule { peers: peers.into(), ports: SmallVec::new() }]),
            egress: None,
            description: None,
            statements: SmallVec::new(),
        }
    }

    fn describe(world: &World) -> Vec<String> {
        let end = |end: &End| match end {
            End::Pods(pods) => {
                let namespace = world.namespace(pods.namespace).unwrap();
                format!("{} {:?} {:?}", namespace.name.as_deref().unwrap_or("*"), namespace.labels.len(), pods.labels)
            }
            End::Addresses { addresses, .. } => format!("{} nets", addresses.to_nets().len()),
        };
        world.ends.iter().map(end).collect()
    }

    #[test]
    fn one_kind_for_each_difference() {
        let team =
            Peer::Pods { namespaces: Some(Selector::equals("team", "x")), pods: Selector::equals("app", "client") };
        let policies = [policy("shop", Selector::equals("app", "web"), vec![team])];
        let scope = Scope { policies: &[&policies], marks: &[], facts: &Facts::default() };
        let world = World::symbolic(&scope, &BTreeMap::new()).unwrap();
        assert_eq!(
            describe(&world),
            [
                // With the label, the peer's selector counts as well.
                "shop 1 {}",
                r#"shop 1 {"app": "web"}"#,
                "shop 2 {}",
                r#"shop 2 {"app": "client"}"#,
                r#"shop 2 {"app": "web"}"#,
                "* 1 {}",
                "* 2 {}",
                r#"* 2 {"app": "client"}"#,
                "2 nets",
            ]
        );
        let shop: Arc<str> = "shop".into();
        let known = BTreeMap::from([(shop.clone(), namespace_by_name(&shop))]);
        assert_eq!(describe(&World::symbolic(&scope, &known).unwrap()).len(), 7);
    }
}
